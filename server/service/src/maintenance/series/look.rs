//! Series as colleagues see them.

use super::input::SeriesInput;
use super::make::recent;
use crate::error::{Error, FieldError, Fields};
use crate::maintenance::HeldBack;
use crate::{Actor, Services};
use chrono::NaiveDate;
use domain::gate::Purpose;
use domain::ids::SeriesId;
use domain::maintenance::{Maintenance, State};
use domain::people::Permission;
use domain::series::{Fate, Series, Slot};
use domain::time::{Instant, Span, TimeText, format_range};
use std::collections::{BTreeMap, HashSet};
use storage::Tx;

/// Dates of a preview.
const SHOWN: usize = 8;

/// How far ahead a preview looks for changes of the clocks.
const YEAR: Span = Span::days(366);

/// How long a date stays in the list of a series.
const PAST: Span = Span::days(60);

/// A series in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesLine {
    /// The series.
    pub series: Series,
    /// The next window that is published and has not begun.
    pub next: Option<Maintenance>,
    /// How many drafts wait for the gate.
    pub drafts: usize,
}

/// A date of a series that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The nominal date.
    pub date: NaiveDate,
    /// Its window; none where its draft was thrown away.
    pub maintenance: Option<Maintenance>,
    /// The window has a time of its own.
    pub was_moved: bool,
}

/// A series with its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesDetail {
    /// The series.
    pub series: Series,
    /// Its dates from not long ago on, in order.
    pub dates: Vec<Dated>,
    /// Names of the hosts named.
    pub hosts: Vec<String>,
    /// Names of the components named.
    pub components: Vec<String>,
}

/// A date that a series would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What the clocks make of it.
    pub slot: Slot,
    /// In the zone and in UTC; none where it is left out.
    pub text: Option<TimeText>,
}

/// What typed dates mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upcoming {
    /// "every Tuesday 02:00 Europe/Berlin", where it can be read.
    pub words: Option<String>,
    /// The next dates.
    pub dates: Vec<Preview>,
    /// What stands against them.
    pub problems: Vec<FieldError>,
}

/// A series that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesWaiting {
    /// The series.
    pub series: Series,
    /// The earliest of its drafts, with what stands against it.
    pub draft: Option<HeldBack>,
    /// How many drafts wait.
    pub drafts: usize,
}

impl Services {
    /// All series: those that go on first.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn all_series(&self, actor: &Actor) -> Result<Vec<SeriesLine>, Error> {
        actor.require(Permission::View)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let mut lines = Vec::new();
        for series in tx.all_series(false).await? {
            let windows = tx.maintenances_of_series(series.id, recent(now)).await?;
            let drafts = windows.iter().filter(|m| m.state == State::Draft).count();
            let next = windows.into_iter().find(|m| m.state.is_ahead());
            lines.push(SeriesLine { series, next, drafts });
        }
        Ok(lines)
    }

    /// One series.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn series(&self, actor: &Actor, id: SeriesId) -> Result<Series, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.series(id).await?)
    }

    /// One series with its windows.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn series_detail(&self, actor: &Actor, id: SeriesId) -> Result<SeriesDetail, Error> {
        actor.require(Permission::View)?;
        let from = PAST.before(self.now()).date_naive();
        let mut tx = self.db.read().await?;
        let series = tx.series(id).await?;
        let mut windows: BTreeMap<_, _> =
            tx.maintenances_of_series(id, from).await?.into_iter().map(|m| (m.id, m)).collect();
        let dates = tx.occurrences_from(id, from).await?.into_iter().map(|occurrence| {
            let maintenance = occurrence.maintenance_id.and_then(|id| windows.remove(&id));
            let was_moved = maintenance
                .as_ref()
                .is_some_and(|m| (m.state.is_ahead() || m.state == State::Draft) && occurrence.was_moved(m));
            Dated { date: occurrence.date, maintenance, was_moved }
        });
        let dates = dates.collect();
        let hosts = tx.hosts(true).await?.into_iter().filter(|host| series.hosts.contains(&host.id));
        let hosts = hosts.map(|host| host.name.to_string()).collect();
        let components = tx.components(true).await?.into_iter().filter(|c| series.components.contains(&c.id));
        let components = components.map(|c| c.name.to_string()).collect();
        Ok(SeriesDetail { series, dates, hosts, components })
    }

    /// What typed dates mean, before anything is stored.
    #[must_use]
    pub fn preview_series(&self, typed: &SeriesInput, stored: Option<&Series>) -> Upcoming {
        let mut fields = Fields::default();
        let rules = self.zones.as_ref();
        let timing = typed.timing(&mut fields, rules, stored.map(|s| &s.timing));
        let problems = match fields.into_error() {
            Error::Invalid(problems) => problems,
            _ => Vec::new(),
        };
        let Some(timing) = timing else { return Upcoming { problems, ..Upcoming::default() } };
        // The next ones, and those of the year that the clocks bring out of step.
        let year = YEAR.after(self.now()).date_naive();
        let dates = match timing.ahead(rules, self.now()) {
            Ok(slots) => slots
                .enumerate()
                .take_while(|(place, slot)| *place < SHOWN || slot.date <= year)
                .filter(|(place, slot)| *place < SHOWN || !matches!(slot.fate, Fate::Plain(_)))
                .map(|(_, slot)| {
                    let text = slot.planned().map(|p| format_range(rules, &p.zone, p.starts_at, p.ends_at));
                    Preview { slot, text }
                })
                .collect(),
            Err(_) => Vec::new(),
        };
        Upcoming { words: Some(timing.words()), dates, problems }
    }

    /// Series that wait for somebody, and all windows of series that go on among these drafts.
    pub(in crate::maintenance) async fn series_waiting(
        &self,
        tx: &mut Tx,
        now: Instant,
    ) -> Result<(Vec<SeriesWaiting>, HashSet<domain::ids::MaintenanceId>), Error> {
        let mut waiting = Vec::new();
        let mut theirs = HashSet::new();
        for series in tx.all_series(true).await? {
            let mut drafts = tx.maintenances_of_series(series.id, recent(now)).await?;
            drafts.retain(|m| m.state == State::Draft);
            theirs.extend(drafts.iter().map(|m| m.id));
            let count = drafts.len();
            let draft = match drafts.into_iter().next() {
                None => None,
                Some(m) => {
                    let gate = self.look_at_gate_of(tx, &m, Purpose::Schedule).await?;
                    let newest_override = tx.overrides_of(m.id).await?.into_iter().next();
                    Some(HeldBack { maintenance: m, gate, newest_override })
                }
            };
            if draft.is_some() || series.problem.is_some() {
                waiting.push(SeriesWaiting { series, draft, drafts: count });
            }
        }
        Ok((waiting, theirs))
    }
}
