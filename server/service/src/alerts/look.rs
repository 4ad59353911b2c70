//! Causes and alerts, to be looked at.

use super::{LIVE, Names};
use crate::inventory::{ListQuery, Page};
use crate::{Actor, Error, Services};
use domain::alert::Alert;
use domain::alert::cause::Cause;
use domain::ids::{AlertId, CauseId, ComponentId, HostId, IncidentId, MaintenanceId};
use domain::people::Permission;
use std::collections::BTreeMap;
use storage::Tx;
use storage::alert::AlertFilter;
use storage::alert::cause::CausesOf;

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

/// A cause with what is to be said of it.
#[derive(Clone, Debug)]
pub struct CauseLine {
    /// The cause.
    pub cause: Cause,
    /// Its alerts, the newest first; not all where there are very many.
    pub alerts: Vec<Alert>,
    /// Number and title of its incident.
    pub incident: Option<(IncidentId, i64, String)>,
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
    /// The newest first.
    pub causes: Vec<CauseLine>,
    /// Alerts that fire and that a rule ignores.
    pub ignored: Vec<Alert>,
    /// Where the next page begins; none on the last.
    pub next: Option<CauseId>,
    /// What hosts are called.
    pub hosts: BTreeMap<HostId, String>,
    /// What components are called.
    pub components: BTreeMap<ComponentId, String>,
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
            lines.push(CauseLine { cause, alerts, incident, maintenance });
        }
        Ok(Self {
            firing,
            live,
            causes: lines,
            hosts: tx.hosts(true).await?.into_iter().map(|host| (host.id, host.name.to_string())).collect(),
            components: tx.components(true).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect(),
            ..Self::default()
        })
    }
}

impl Services {
    /// A page of causes, the newest first, with their alerts; the first one with what is ignored.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alerts_look(&self, actor: &Actor, before: &str) -> Result<AlertsLook, Error> {
        actor.require(Permission::View)?;
        let before = Some(before.trim()).filter(|text| !text.is_empty());
        let before: Option<CauseId> = before.map(str::parse).transpose().map_err(|_| Error::NotFound("page"))?;
        let mut tx = self.db.read().await?;
        let mut causes = tx.causes(CausesOf::Before(before), CAUSES + 1).await?;
        let fits = usize::try_from(CAUSES).unwrap_or(usize::MAX);
        let more = causes.len() > fits;
        causes.truncate(fits);
        let next = causes.last().filter(|_| more).map(|cause| cause.id);
        let ignored = AlertFilter { ignored: true, firing: Some(true), ..AlertFilter::default() };
        let ignored = if before.is_none() { tx.alerts_of(&ignored, SHOWN).await? } else { Vec::new() };
        Ok(AlertsLook { next, ignored, ..AlertsLook::with(&mut tx, causes).await? })
    }

    /// The causes of an incident, with their alerts.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alerts_of_incident(&self, actor: &Actor, incident: IncidentId) -> Result<AlertsLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let causes = tx.causes(CausesOf::Incident(incident), CAUSES).await?;
        AlertsLook::with(&mut tx, causes).await
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

    /// Causes that wait for a person: their draft is not published, all of their alerts are over, or something that came
    /// later is worse than their incident says.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alert_needs(&self, actor: &Actor) -> Result<Vec<Cause>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let mut causes = tx.causes(CausesOf::Waiting, SHOWN).await?;
        let moved = tx.causes(CausesOf::Moved, LIVE).await?;
        if !moved.is_empty() {
            let names = Names::load(&mut tx).await?;
            let open: BTreeMap<IncidentId, _> = tx.incidents_open().await?.into_iter().map(|i| (i.id, i)).collect();
            let is_worse = |cause: &Cause| {
                let incident = cause.incident.and_then(|id| open.get(&id));
                incident.is_some_and(|incident| !names.in_use(&cause.worse_than(incident)).is_empty())
            };
            causes.extend(moved.into_iter().filter(is_worse));
            causes.sort_by_key(|cause| std::cmp::Reverse(cause.id));
            causes.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
        }
        Ok(causes)
    }

    /// How many published incidents a person is asked to resolve.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn waiting_causes(&self, actor: &Actor) -> Result<u64, Error> {
        actor.require(Permission::View)?;
        let count = self.db.read().await?.count_proposed_causes().await?;
        Ok(u64::try_from(count).unwrap_or_default())
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
