//! Making the windows of a series, when it is set up and as time goes on.

use super::input::{Content, SeriesInput};
use super::telling::Publish;
use crate::audit::Action;
use crate::error::{Error, FieldError};
use crate::maintenance::{MaintenanceInput, Planning, Target, Typed, scope_of};
use crate::once::{answered, once};
use crate::{Actor, Services};
use chrono::NaiveDate;
use domain::gate::{Purpose, Scope};
use domain::ids::{MaintenanceId, SeriesId};
use domain::maintenance::{Maintenance, Planned, State, transition};
use domain::people::Permission;
use domain::series::{Given, LEAST, Occurrence, Series};
use domain::text::Prose;
use domain::time::{Instant, Span};
use std::collections::BTreeSet;
use storage::Tx;

/// Dates from this long ago on can still have a window that is ahead, in any zone.
const RECENT: Span = Span::days(2);

/// The first date that can still be ahead.
pub(super) fn recent(now: Instant) -> NaiveDate {
    RECENT.before(now).date_naive()
}

/// A window as the ordinary path takes it, with the reason to go ahead of whoever plans it.
fn input(services: &Services, series: &Series, planned: &Planned, why: Option<&str>) -> MaintenanceInput {
    let typed = Typed::of(services.zones.as_ref(), planned);
    let fold = |fold: Option<_>| fold.map(|fold| crate::maintenance::input::fold_name(fold).to_owned());
    MaintenanceInput {
        title: Some(series.title.to_string()),
        message: Some(series.message.as_str().to_owned()),
        hosts: Some(series.hosts.iter().map(ToString::to_string).collect()),
        components: Some(series.components.iter().map(ToString::to_string).collect()),
        zone: Some(typed.zone),
        start: Some(typed.start),
        start_fold: fold(typed.start_fold),
        end: Some(typed.end),
        end_fold: fold(typed.end_fold),
        may_wait: Some(typed.may_wait),
        auto_start: Some(series.auto_start),
        auto_complete: Some(series.auto_complete),
        checklist: Some(series.checklist.iter().map(ToString::to_string).collect()),
        reminders: Some(series.reminders.to_input()),
        conflicts_why: why.map(ToOwned::to_owned),
        ..MaintenanceInput::default()
    }
}

/// What stands against a window, for colleagues; none where it is our own fault.
fn said(error: &Error) -> Option<String> {
    match error {
        Error::Invalid(fields) => {
            let text = |field: &FieldError| field.message.clone();
            Some(fields.iter().map(text).collect::<Vec<_>>().join(" "))
        }
        Error::Refused { message, .. } | Error::Conflicts { message, .. } => Some(message.clone()),
        Error::NotFound(_)
        | Error::SignInNeeded
        | Error::Forbidden(_)
        | Error::Stale(_)
        | Error::TooMany { .. }
        | Error::Unavailable { .. }
        | Error::Unknown { .. }
        | Error::Internal { .. } => None,
    }
}

impl Services {
    /// Sets up a series. Its first window is scheduled, or kept as a draft where the gate is against
    /// it; the others follow. A request that comes again with the same key changes nothing.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, a rule stands against its first window, or the database does not
    /// answer.
    pub async fn add_series(
        &self,
        actor: &Actor,
        idempotency_key: Option<&str>,
        typed: &SeriesInput,
    ) -> Result<Series, Error> {
        actor.require(Permission::Maintain)?;
        let once = once(actor, idempotency_key, &("series", typed))?;
        let now = self.now();
        let mut tx = self.db.decide().await?;
        if let Some(before) = answered::<SeriesId>(&mut tx, once.as_ref()).await? {
            return Ok(tx.series(before).await?);
        }
        let Content { title, message, hosts, components, timing, auto_start, auto_complete, checklist, reminders } =
            typed.read(self.zones.as_ref(), None, now)?;
        let mut series = Series {
            id: self.new_id(),
            title,
            message,
            hosts,
            components,
            timing,
            auto_start,
            auto_complete,
            checklist,
            reminders,
            problem: None,
            ended_at: None,
            created_by: actor.user_id(),
            created_at: now,
            version: 1,
        };
        let wanted = self.wanted(&series, now, None)?;
        let (date, planned) = wanted.into_iter().next().ok_or_else(|| Error::field("start", "It has no date."))?;
        self.check_scope(&mut tx, &series.content(planned.clone()), None).await?;
        series.title = self.written_out(&mut tx, &series.title, &series.hosts, &series.components).await?;
        tx.add_series(&series).await?;
        self.make_window(&mut tx, actor, &series, date, &planned, typed.conflicts_why.as_deref()).await?;
        self.note_series(&mut tx, actor, "series.add", None, &series).await?;
        self.remember(&mut tx, once, 201, &series.id).await?;
        self.commit(tx).await?;
        self.go_on(series.id).await;
        Ok(self.db.read().await?.series(series.id).await?)
    }

    /// The slots whose windows are to exist.
    pub(super) fn wanted(
        &self,
        series: &Series,
        now: Instant,
        through: Option<NaiveDate>,
    ) -> Result<Vec<(NaiveDate, Planned)>, Error> {
        let wanted = series.timing.wanted(self.zones.as_ref(), now, through);
        wanted.map_err(|e| Error::field("zone", e.to_string()))
    }

    pub(super) async fn note_series(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &str,
        before: Option<&Series>,
        after: &Series,
    ) -> Result<(), Error> {
        let action = Action { verb, object: "series", id: after.id.to_string(), name: after.title.to_string() };
        Ok(tx.add_audit(&self.audit(actor, action, before, Some(after))).await?)
    }

    /// Makes the window of a date by the ordinary path. Whether the gate was against it.
    async fn make_window(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        series: &Series,
        date: NaiveDate,
        planned: &Planned,
        why: Option<&str>,
    ) -> Result<bool, Error> {
        let publish = Publish::of(tx, series).await?;
        let input = input(self, series, planned, why);
        let (m, blocked) = match self.try_to_schedule(tx, actor, Target::New, &input, &publish).await? {
            Planning::Scheduled(m) | Planning::Drafted(m) => (m, false),
            Planning::Refused { draft, .. } => (draft, true),
        };
        let given = Given::of(&m.planned);
        tx.add_occurrence(&Occurrence { series_id: series.id, date, maintenance_id: Some(m.id), given }).await?;
        Ok(blocked)
    }

    /// After a person's decision: what can be done at once is done at once. The worker does the rest.
    pub(super) async fn go_on(&self, id: SeriesId) {
        if let Err(error) = self.keep_series(id).await {
            tracing::error!(series = %id, %error, "the windows of a series could not be made yet");
        }
    }

    /// Makes the windows that all series are to have, and tries again for those the gate was against.
    /// To be called every minute.
    ///
    /// Gives back how many windows were made, published or put aside.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn keep_all_series(&self) -> Result<usize, Error> {
        let open = self.db.read().await?.all_series(true).await?;
        let mut changed = 0;
        for series in open {
            match self.keep_series(series.id).await {
                Ok(n) => changed += n,
                Err(error) => tracing::error!(series = %series.id, %error, "the windows of a series could not be made"),
            }
        }
        Ok(changed)
    }

    async fn keep_series(&self, id: SeriesId) -> Result<usize, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let series = tx.series(id).await?;
        if series.ended_at.is_some() {
            return Ok(0);
        }
        let dealt_with: BTreeSet<NaiveDate> =
            tx.occurrences_from(id, recent(now)).await?.into_iter().map(|o| o.date).collect();
        let windows = tx.maintenances_of_series(id, recent(now)).await?;
        drop(tx);
        let mut problems = Vec::new();
        let (mut changed, mut is_blocked) = self.try_drafts(&series, &windows, now, &mut problems).await?;
        let mut ahead = windows.iter().filter(|m| !m.state.is_ended() && m.planned.starts_at > now).count();
        for (date, planned) in self.wanted(&series, now, None)? {
            if dealt_with.contains(&date) {
                continue;
            }
            if is_blocked && ahead >= LEAST {
                break;
            }
            match self.make_one(&series, date, &planned).await {
                Ok(None) => {}
                Ok(Some(blocked)) => {
                    is_blocked |= blocked;
                    ahead += 1;
                    changed += 1;
                }
                Err(error) => match said(&error) {
                    Some(text) => problems.push(format!("{}: {text}", date.format("%a %-d %b %Y"))),
                    None => return Err(error),
                },
            }
        }
        self.keep_problem(&series, &problems).await?;
        Ok(changed)
    }

    async fn keep_problem(&self, series: &Series, problems: &[String]) -> Result<(), Error> {
        let problem = match problems {
            [] => None,
            [one] => Some(one.clone()),
            [first, rest @ ..] => Some(format!("{first} ({} more like it)", rest.len())),
        };
        if problem != series.problem {
            let mut tx = self.db.write().await?;
            tx.note_series_problem(series.id, problem.as_deref()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The window of one date, in a transaction of its own; none where it was dealt with meanwhile, or
    /// the series was changed.
    async fn make_one(&self, read: &Series, date: NaiveDate, planned: &Planned) -> Result<Option<bool>, Error> {
        let mut tx = self.db.decide().await?;
        let series = tx.series(read.id).await?;
        let is_dealt_with = tx.occurrences_from(series.id, date).await?.first().is_some_and(|o| o.date == date);
        if series.version != read.version || series.ended_at.is_some() || is_dealt_with {
            return Ok(None);
        }
        let blocked = self.make_window(&mut tx, &Actor::system(), &series, date, planned, None).await?;
        self.commit(tx).await?;
        tracing::info!(series = %series.id, %date, blocked, "a window of a series was made");
        Ok(Some(blocked))
    }

    /// Drafts that wait for the gate: published where it is for them now, put aside where their start has
    /// passed. How many changed, and whether any still waits.
    async fn try_drafts(
        &self,
        series: &Series,
        windows: &[Maintenance],
        now: Instant,
        problems: &mut Vec<String>,
    ) -> Result<(usize, bool), Error> {
        let (mut changed, mut is_blocked) = (0, false);
        let mut refused: Vec<Scope> = Vec::new();
        for m in windows.iter().filter(|m| m.state == State::Draft) {
            if m.planned.starts_at <= now {
                changed += usize::from(self.put_aside(m.id, now).await?);
                continue;
            }
            // Finding out does not hold up other decisions, nor keep the same answer every minute.
            let mut tx = self.db.read().await?;
            let is_overridden = !tx.overridden_among(&[m.id]).await?.is_empty();
            let scope = scope_of(m);
            if !is_overridden && refused.contains(&scope) {
                is_blocked = true;
                continue;
            }
            let allows = self.ask(&mut tx, now, Purpose::Schedule, m).await?.verdict.allows();
            drop(tx);
            if !allows {
                refused.push(scope);
                is_blocked = true;
                continue;
            }
            match self.publish_draft(series, m.id).await {
                Ok(true) => changed += 1,
                Ok(false) => is_blocked = true,
                Err(error) => match said(&error) {
                    Some(text) => {
                        is_blocked = true;
                        problems.push(format!("M-{}: {text}", m.number));
                    }
                    None => return Err(error),
                },
            }
        }
        Ok((changed, is_blocked))
    }

    async fn publish_draft(&self, series: &Series, id: MaintenanceId) -> Result<bool, Error> {
        let mut tx = self.db.decide().await?;
        if tx.maintenance(id).await?.state != State::Draft {
            return Ok(false);
        }
        let publish = Publish::of(&mut tx, series).await?;
        let target = Target::Stored { id, version: None };
        let planning =
            self.try_to_schedule(&mut tx, &Actor::system(), target, &MaintenanceInput::default(), &publish).await?;
        self.commit(tx).await?;
        Ok(matches!(planning, Planning::Scheduled(_)))
    }

    /// Nobody confirmed it in time; customers never saw it.
    async fn put_aside(&self, id: MaintenanceId, now: Instant) -> Result<bool, Error> {
        let mut tx = self.db.decide().await?;
        let policy = tx.site().await?.policy;
        let m = tx.maintenance(id).await?;
        if m.state != State::Draft || m.planned.starts_at > now {
            return Ok(false);
        }
        let Ok(change) = transition::cancel(&m, now, Prose::default(), &policy) else { return Ok(false) };
        let system = Actor::system();
        let after = self.carry_out(&mut tx, &system, &m, change, Prose::default(), None).await?;
        self.note(&mut tx, &system, "maintenance.put_aside", Some(&m), &after).await?;
        self.commit(tx).await?;
        Ok(true)
    }
}
