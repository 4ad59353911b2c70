//! What a month or a week holds: windows, with freezes and backups behind them, so that a good time
//! can be seen.

use crate::{Actor, Error, Fields, Services};
use chrono::NaiveDate;
use domain::conflict::taken_up;
use domain::freeze::Freeze;
use domain::ids::JobId;
use domain::maintenance::Maintenance;
use domain::people::Permission;
use domain::policy::Policy;
use domain::rhythm::Rhythm;
use domain::time::{Calendar, Day, Instant, Span, Stretch, civil, day};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use storage::Tx;

/// Windows shown at most.
const MOST_WINDOWS: i64 = 1_000;

/// Backups are counted in slices of so long.
pub const SLICE: Span = Span::minutes(30);

/// How far ahead backups are foreseen: later than that too much may change.
const FORESEEN: Span = Span::days(60);

/// Slices that one run fills at most: two days.
const MOST_SLICES: i64 = 96;

/// Which part of the calendar is asked for, as it stands in an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgendaQuery {
    /// `2026-11`; this month where nothing is said.
    pub month: String,
    /// `2026-W48`
    pub week: String,
    /// IANA zone; the site's where empty.
    pub zone: String,
}

/// A window with the time it takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgendaWindow {
    /// The window.
    pub maintenance: Maintenance,
    /// From its beginning to its end, as far as these are known.
    pub stretch: Stretch,
}

/// Backups in one slice of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Busy {
    /// When.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// Runs that were reported.
    pub runs: i64,
    /// How many failed or were lost that ended in it.
    pub failed: i64,
    /// Runs that are expected.
    pub expected: i64,
}

/// A month or a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agenda {
    /// Which.
    pub calendar: Calendar,
    /// In which zone.
    pub zone: String,
    /// Now.
    pub now: Instant,
    /// Today in this zone.
    pub today: NaiveDate,
    /// Whole weeks, from Monday to Sunday.
    pub weeks: Vec<Vec<Day>>,
    /// Windows of which some part lies in it, drafts too, by their start.
    pub windows: Vec<AgendaWindow>,
    /// There are more windows than are shown.
    pub more: bool,
    /// Freezes, with those of their times that lie in it.
    pub freezes: Vec<Freeze>,
    /// Backups by slices of [`SLICE`], in order; slices without any are left out.
    pub backups: Vec<Busy>,
}

impl Agenda {
    /// From its first day to its last.
    #[must_use]
    pub fn stretch(&self) -> Stretch {
        let mut days = self.weeks.iter().flatten();
        let first = days.next().map_or(self.now, |day| day.stretch.from);
        let last = self.weeks.iter().flatten().last().map_or(self.now, |day| day.stretch.to);
        Stretch::new(first, last)
    }
}

impl Services {
    /// What a month or a week holds.
    ///
    /// # Errors
    /// Not allowed, no month, week or zone, or the database does not answer.
    pub async fn agenda(&self, actor: &Actor, query: &AgendaQuery) -> Result<Agenda, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let mut fields = Fields::default();
        let zone = match query.zone.trim() {
            "" => site.zone.clone(),
            text => {
                let known = self.zones.canonical(text).ok_or("There is no such time zone.");
                fields.take("zone", known).unwrap_or_default()
            }
        };
        let now = self.now();
        let today = civil(self.zones.as_ref(), &zone, now).local.date();
        let calendar = match (query.month.trim(), query.week.trim()) {
            ("", "") => Calendar::month_of(today),
            ("", week) => fields.take("week", Calendar::parse_week(week)).unwrap_or(Calendar::week_of(today)),
            (month, _) => fields.take("month", Calendar::parse_month(month)).unwrap_or(Calendar::month_of(today)),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let days = |week: [NaiveDate; 7]| week.map(|date| day(self.zones.as_ref(), &zone, date)).to_vec();
        let mut agenda = Agenda {
            calendar,
            now,
            today,
            weeks: calendar.weeks().into_iter().map(days).collect(),
            zone,
            windows: Vec::new(),
            more: false,
            freezes: Vec::new(),
            backups: Vec::new(),
        };
        let within = agenda.stretch();
        let mut windows = tx.maintenances_within(within, MOST_WINDOWS + 1).await?;
        agenda.more = windows.len() > usize::try_from(MOST_WINDOWS).unwrap_or(usize::MAX);
        windows.truncate(usize::try_from(MOST_WINDOWS).unwrap_or(usize::MAX));
        agenda.windows = windows
            .into_iter()
            .map(|maintenance| AgendaWindow { stretch: shown(&maintenance, now), maintenance })
            .filter(|window| window.stretch.overlaps(&within))
            .collect();
        agenda.freezes = tx.freezes_within(within).await?;
        agenda.backups = self.busy(&mut tx, &site.policy, &site.zone, within, now).await?;
        Ok(agenda)
    }

    async fn busy(
        &self,
        tx: &mut Tx,
        policy: &Policy,
        zone: &str,
        within: Stretch,
        now: Instant,
    ) -> Result<Vec<Busy>, Error> {
        let mut slices = Slices { within, found: BTreeMap::new() };
        let past = Stretch::new(Span::days(1).before(within.from), within.to.min(now));
        if !past.is_empty() {
            for times in tx.run_times(past, SLICE, now).await? {
                let last = times.last.max(times.first);
                slices.add(times.first, last, |busy| busy.runs += times.runs);
                // Once, and where it was known.
                slices.add(last, last, |busy| busy.failed += times.bad);
            }
        }
        let ahead = Stretch::new(within.from.max(now), within.to.min(FORESEEN.after(now)));
        if !ahead.is_empty() {
            let own: HashMap<_, _> = tx.hosts(false).await?.into_iter().map(|host| (host.id, host.policy)).collect();
            let jobs = tx.placed_jobs().await?;
            let ids: BTreeSet<JobId> = jobs.iter().map(|placed| placed.job.id).collect();
            let runs = tx.last_runs(&ids).await?;
            let rhythms = jobs.iter().filter_map(|placed| {
                let policy = policy.for_host(own.get(&placed.host_id)?);
                Rhythm::of(&placed.job, runs.get(&placed.job.id)?, &policy)
            });
            for rhythm in rhythms {
                for run in rhythm.expected(self.zones.as_ref(), zone, ahead) {
                    slices.add(slice(run.from), slice(Span::seconds(1).before(run.to)), |busy| busy.expected += 1);
                }
            }
        }
        Ok(slices.found.into_values().collect())
    }
}

/// The time a window takes up on a calendar, also when it is a draft or over.
fn shown(m: &Maintenance, now: Instant) -> Stretch {
    let end = taken_up(m, now).filter(|_| m.state.is_under_way()).map_or(m.finishes_at(), |stretch| stretch.to);
    Stretch::new(m.begins_at(), end)
}

fn slice(at: Instant) -> i64 {
    at.timestamp().div_euclid(SLICE.as_seconds())
}

struct Slices {
    within: Stretch,
    found: BTreeMap<i64, Busy>,
}

impl Slices {
    fn add(&mut self, first: i64, last: i64, note: impl Fn(&mut Busy)) {
        for n in first..=last.min(first.saturating_add(MOST_SLICES)) {
            let from = n.checked_mul(SLICE.as_seconds()).and_then(|s| Instant::from_timestamp(s, 0));
            let Some(from) = from else { continue };
            let stretch = Stretch::new(from, SLICE.after(from));
            if stretch.overlaps(&self.within) {
                note(self.found.entry(n).or_insert(Busy { stretch, runs: 0, failed: 0, expected: 0 }));
            }
        }
    }
}
