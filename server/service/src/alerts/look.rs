//! Causes and alerts, to be looked at.

use super::{LIVE, Names};
use crate::inventory::{ListQuery, Page};
use crate::{Actor, Error, Services};
use domain::alert::Alert;
use domain::alert::belong::takes_in;
use domain::alert::cause::Cause;
use domain::ids::{AlertId, CauseId, ComponentId, HostId, IncidentId, MaintenanceId};
use domain::people::Permission;
use std::collections::BTreeMap;
use storage::Tx;
use storage::alert::AlertFilter;
use storage::alert::cause::CausesOf;
use uuid::Uuid;

/// Causes on one page.
const CAUSES: i64 = 20;

/// Alerts shown of one cause; the rest is counted.
const SHOWN: i64 = 100;

/// Which alerts a program wants.
#[derive(Clone, Debug, Default)]
pub struct AlertsQuery {
    /// Of this cause; empty for all.
    pub cause: String,
    /// `firing`, `over`, `ignored`, or empty for all.
    pub state: String,
    /// The part of the list.
    pub list: ListQuery,
}

/// Which causes a program wants.
#[derive(Clone, Debug, Default)]
pub struct CausesQuery {
    /// The part of the list.
    pub list: ListQuery,
}

/// A place in the list of causes: among those that are not over, or among the rest; before this one, or at the begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CausesPlace {
    Live(Option<CauseId>),
    Over(Option<CauseId>),
}

impl CausesPlace {
    const fn after(cause: &Cause) -> Self {
        if cause.state.is_live() { Self::Live(Some(cause.id)) } else { Self::Over(Some(cause.id)) }
    }

    fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("live-") {
            Some(id) => Some(Self::Live(Some(id.parse().ok()?))),
            None if text.is_empty() => Some(Self::Live(None)),
            None => Some(Self::Over(Some(text.parse().ok()?))),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Live(id) => format!("live-{}", id.map(|id| id.to_string()).unwrap_or_default()),
            Self::Over(id) => id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

/// A cause with what is to be said of it.
#[derive(Clone, Debug)]
pub struct CauseLine {
    /// The cause.
    pub cause: Cause,
    /// Its alerts, the newest first; not all where there are very many.
    pub alerts: Vec<Alert>,
    /// Number and title of its incident.
    pub incident: Option<(IncidentId, i64, String)>,
    /// Number and title of the incident of the cause that it turned out to be part of.
    pub whole: Option<(IncidentId, i64, String)>,
    /// Number and title of the drafts of causes that turned out to be part of it, the newest first; of an incident's
    /// causes alone.
    pub parts: Vec<(IncidentId, i64, String)>,
    /// Number and title of the work it is attached to.
    pub maintenance: Option<(MaintenanceId, i64, String)>,
}

/// Causes with the names of what they speak of.
#[derive(Clone, Debug, Default)]
pub struct AlertsLook {
    /// Alerts that fire and belong to a cause.
    pub firing: i64,
    /// Causes that are not over.
    pub live: i64,
    /// Those that are not over first, the newest of each first.
    pub causes: Vec<CauseLine>,
    /// Alerts that fire and that a rule ignores.
    pub ignored: Vec<Alert>,
    /// There is an incident that a draft may join.
    pub has_joinable: bool,
    /// Where the next page begins, as it stands in an address; none on the last.
    pub next: Option<String>,
    /// What hosts are called.
    pub hosts: BTreeMap<HostId, String>,
    /// What components are called.
    pub components: BTreeMap<ComponentId, String>,
    /// What the tokens are called that report alerts.
    pub sources: BTreeMap<Uuid, String>,
}

impl AlertsLook {
    async fn with(tx: &mut Tx, causes: Vec<Cause>) -> Result<Self, Error> {
        let (firing, live) = tx.count_causes().await?;
        let mut lines = Vec::with_capacity(causes.len());
        for cause in causes {
            let of = AlertFilter { cause: Some(cause.id), ..AlertFilter::default() };
            let alerts = tx.alerts_of(&of, SHOWN).await?;
            let incident = match cause.incident {
                Some(id) => Some(tx.incident(id).await?).map(|i| (i.id, i.number, i.title.to_string())),
                None => None,
            };
            let maintenance = match cause.maintenance {
                Some(id) => Some(tx.maintenance(id).await?).map(|m| (m.id, m.number, m.title.to_string())),
                None => None,
            };
            let whole = match Self::whole_of(tx, &cause).await?.incident {
                Some(id) if cause.merged_into.is_some() => Some(tx.incident(id).await?),
                _ => None,
            };
            let whole = whole.map(|i| (i.id, i.number, i.title.to_string()));
            lines.push(CauseLine { cause, alerts, incident, whole, parts: Vec::new(), maintenance });
        }
        Ok(Self {
            firing,
            live,
            causes: lines,
            hosts: tx.hosts(true).await?.into_iter().map(|host| (host.id, host.name.to_string())).collect(),
            components: tx.components(true).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect(),
            sources: tx.tokens().await?.into_iter().map(|token| (token.id.0, token.name.to_string())).collect(),
            ..Self::default()
        })
    }

    /// The cause that this one belongs to in the end: what it is part of may have become part of another, too.
    pub(super) async fn whole_of(tx: &mut Tx, cause: &Cause) -> Result<Cause, Error> {
        let mut whole = cause.clone();
        while let Some(into) = whole.merged_into {
            whole = tx.cause(into).await?;
        }
        Ok(whole)
    }

    /// The drafts of causes that turned out to be part of this one, and of what had become part of those before; not all
    /// where there are very many.
    async fn parts_of(tx: &mut Tx, cause: CauseId) -> Result<Vec<(IncidentId, i64, String)>, Error> {
        let fits = usize::try_from(CAUSES).unwrap_or(usize::MAX);
        let (mut parts, mut known, mut looked) = (Vec::new(), vec![cause], 0);
        while let Some(of) = known.get(looked).copied().filter(|_| looked <= fits && parts.len() < fits) {
            looked += 1;
            for part in tx.causes(CausesOf::PartOf(of), CAUSES).await? {
                known.push(part.id);
                let Some(draft) = part.incident else { continue };
                let draft = tx.incident(draft).await?;
                parts.push((draft.id, draft.number, draft.title.to_string()));
            }
        }
        parts.sort_by_key(|(_, number, _)| std::cmp::Reverse(*number));
        parts.truncate(fits);
        Ok(parts)
    }
}

impl Services {
    /// A page of causes with their alerts: those that are not over come first, the newest of each first. The first page
    /// has what is ignored, too.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alerts_look(&self, actor: &Actor, before: &str) -> Result<AlertsLook, Error> {
        actor.require(Permission::View)?;
        let (is_first, place) =
            (before.trim().is_empty(), CausesPlace::read(before.trim()).ok_or(Error::NotFound("page"))?);
        let mut tx = self.db.read().await?;
        let fits = usize::try_from(CAUSES).unwrap_or(usize::MAX);
        let mut causes = match place {
            CausesPlace::Live(before) => tx.causes(CausesOf::LiveBefore(before), CAUSES + 1).await?,
            CausesPlace::Over(_) => Vec::new(),
        };
        if causes.len() <= fits {
            let before = if let CausesPlace::Over(before) = place { before } else { None };
            causes.extend(tx.causes(CausesOf::OverBefore(before), CAUSES + 1).await?);
        }
        let more = causes.len() > fits;
        causes.truncate(fits);
        let next = causes.last().filter(|_| more).map(|cause| CausesPlace::after(cause).text());
        let ignored = AlertFilter { ignored: true, firing: Some(true), ..AlertFilter::default() };
        let ignored = if is_first { tx.alerts_of(&ignored, SHOWN).await? } else { Vec::new() };
        let has_joinable = tx.incidents_open().await?.iter().any(|incident| takes_in(incident).is_ok());
        Ok(AlertsLook { next, ignored, has_joinable, ..AlertsLook::with(&mut tx, causes).await? })
    }

    /// The causes of an incident, with their alerts.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alerts_of_incident(&self, actor: &Actor, incident: IncidentId) -> Result<AlertsLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let causes = tx.causes(CausesOf::Incident(incident), CAUSES).await?;
        let mut look = AlertsLook::with(&mut tx, causes).await?;
        for line in &mut look.causes {
            line.parts = AlertsLook::parts_of(&mut tx, line.cause.id).await?;
        }
        Ok(look)
    }

    /// The causes that are attached to a window, with their alerts.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alerts_of_window(&self, actor: &Actor, window: MaintenanceId) -> Result<AlertsLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let causes = tx.causes(CausesOf::Maintenance(window), CAUSES).await?;
        AlertsLook::with(&mut tx, causes).await
    }

    /// Causes that wait for a person: their draft is not published, all of their alerts are over, alerts fire on although
    /// their incident is resolved, or something that came later is worse than their incident says.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alert_needs(&self, actor: &Actor) -> Result<Vec<Cause>, Error> {
        actor.require(Permission::View)?;
        alert_needs(&mut self.db.read().await?).await
    }

    /// A page of alerts for programs, the newest first.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn alerts(&self, actor: &Actor, query: &AlertsQuery) -> Result<Page<Alert>, Error> {
        actor.require(Permission::View)?;
        let part = query.list.parse()?;
        let cause = Some(query.cause.trim()).filter(|text| !text.is_empty());
        let cause =
            cause.map(str::parse).transpose().map_err(|_| Error::field("cause", "This is no id of a cause."))?;
        let mut filter = AlertFilter { cause, before: part.after().map(AlertId), ..AlertFilter::default() };
        match query.state.trim() {
            "" => {}
            "firing" => filter.firing = Some(true),
            "over" => filter.firing = Some(false),
            "ignored" => filter.ignored = true,
            _ => return Err(Error::field("state", "Ask for firing, over or ignored.")),
        }
        let alerts = self.db.read().await?.alerts_of(&filter, part.fetch()).await?;
        Ok(part.page(alerts, |alert| alert.id.0))
    }

    /// A page of causes for programs, the newest first.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn causes(&self, actor: &Actor, query: &CausesQuery) -> Result<Page<Cause>, Error> {
        actor.require(Permission::View)?;
        let part = query.list.parse()?;
        let before = part.after().map(CauseId);
        let causes = self.db.read().await?.causes(CausesOf::Before(before), part.fetch()).await?;
        Ok(part.page(causes, |cause| cause.id.0))
    }

    /// One cause.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn cause(&self, actor: &Actor, id: CauseId) -> Result<Cause, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.cause(id).await?)
    }
}

/// What [`Services::alert_needs`] tells.
pub(crate) async fn alert_needs(tx: &mut Tx) -> Result<Vec<Cause>, Error> {
    let mut causes = tx.causes(CausesOf::Waiting, SHOWN).await?;
    let moved = tx.causes(CausesOf::Moved, LIVE).await?;
    if !moved.is_empty() {
        let spoken_of = moved.iter().flat_map(|cause| cause.components.keys()).copied().collect();
        let names = Names::of(tx, &spoken_of).await?;
        let open: BTreeMap<IncidentId, _> = tx.incidents_open().await?.into_iter().map(|i| (i.id, i)).collect();
        let is_worse = |cause: &Cause| {
            let incident = cause.incident.and_then(|id| open.get(&id));
            incident.is_some_and(|incident| !names.in_use(&cause.untold(incident)).is_empty())
        };
        causes.extend(moved.into_iter().filter(is_worse));
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.id));
        causes.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    }
    Ok(causes)
}
