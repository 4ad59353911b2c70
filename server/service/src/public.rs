//! What everybody may see: the state now, work now and next, and what has been.
//!
//! Nothing here depends on who asks, so that a page is rendered once per change.

mod incidents;

pub use incidents::PublicIncident;

mod component;

pub use component::{Bar, BarDay, ComponentPage, Happening, What};

use crate::announcements::{self, PublicAnnouncement};
use crate::figures::Availability;
use crate::{Error, Services};
use chrono::{Datelike, NaiveDate};
use domain::component::{Component, ComponentState, public_part};
use domain::gate::{Protection, Scope};
use domain::ids::{ComponentId, HostId, IncidentId, MaintenanceId, SeriesId};
use domain::impact::component_states;
use domain::incident::{Incident, IncidentState, site_sentence, weight};
use domain::maintenance::{KeptVerdict, Maintenance, State, Update, affected_components};
use domain::site::Site;
use domain::time::{Instant, LocalTime, Span};
use outbound::calendar::{self, CalendarEvent, Feed, Method};
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;
use storage::maintenance::Order;
use uuid::Uuid;

/// Published windows that have not ended, what matters most to customers first.
const OPEN: [State; 5] = [State::InProgress, State::Verifying, State::Held, State::Postponed, State::Scheduled];

/// Windows that have ended.
const ENDED: [State; 2] = [State::Completed, State::Cancelled];

/// How long an ended window stays on the front page.
const RECENT: Span = Span::days(7);

/// How far calendars reach back and ahead (CAL-5, CAL-11).
const CALENDAR_REACH: Span = Span::days(365);

/// Most windows of one list on a page.
const LIST: i64 = 200;

/// A component with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentLine {
    /// The component.
    pub component: Component,
    /// How it is now.
    pub state: ComponentState,
}

/// Components that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLines {
    /// None for those that stand in no group.
    pub name: Option<String>,
    /// In the order of the page.
    pub components: Vec<ComponentLine>,
}

impl GroupLines {
    /// The worst state in the group.
    #[must_use]
    pub fn worst(&self) -> ComponentState {
        self.components.iter().map(|line| line.state).max().unwrap_or(ComponentState::Operational)
    }
}

/// How the backup behind a window stands, in public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The gate confirmed it: this many data sets, backed up between these instants.
    Confirmed {
        /// Data sets in the blast radius.
        data_sets: usize,
        /// The oldest cut-off.
        from: Instant,
        /// The newest cut-off.
        to: Instant,
    },
    /// The work went ahead without it, by the decision of two people.
    Overridden {
        /// Data sets in the blast radius that were backed up well enough.
        good: usize,
        /// Data sets in the blast radius.
        data_sets: usize,
    },
    /// The work may go ahead without it, by the decision of two people.
    NotNeeded,
    /// It will be asked for before the work starts.
    WillBeAsked,
    /// It is being waited for.
    Waiting,
}

/// A window with everything its public page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The window.
    pub maintenance: Maintenance,
    /// Its timeline, newest first.
    pub updates: Vec<Update>,
    /// What it touches, in the order of the page.
    pub affected: Vec<(ComponentId, String)>,
    /// How its backup stands; none where nothing has to be proven (over, or nothing at risk).
    pub proof: Option<Proof>,
    /// "every Tuesday 02:00 Europe/Berlin", where it is part of a series: on its own page, and on the
    /// front page, which shows one window of each.
    pub repeats: Option<String>,
    /// The incidents it caused, newest start first; on its own page.
    pub caused: Vec<(IncidentId, String)>,
}

/// The front page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The site.
    pub site: Site,
    /// The state in one sentence: the `h1`.
    pub sentence: String,
    /// Whether everything is as it should be.
    pub calm: bool,
    /// Components in the order of the page.
    pub groups: Vec<GroupLines>,
    /// How each component has been in the last days.
    pub bars: BTreeMap<ComponentId, Bar>,
    /// Open incidents, the worst first.
    pub incidents: Vec<PublicIncident>,
    /// Incidents that ended in the last days, newest first.
    pub resolved: Vec<PublicIncident>,
    /// Under way, on hold, or without a time: what to know now.
    pub now: Vec<Window>,
    /// Planned, earliest first.
    pub next: Vec<Window>,
    /// Ended in the last days, newest first.
    pub recent: Vec<Window>,
    /// What is pinned, then the newest.
    pub announcements: Vec<PublicAnnouncement>,
    /// The page changes by itself then.
    pub until: Option<Instant>,
}

/// A month of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// The site.
    pub site: Site,
    /// The first day.
    pub first: NaiveDate,
    /// Windows that began in it, newest first.
    pub windows: Vec<Window>,
    /// Incidents that began in it, newest first.
    pub incidents: Vec<PublicIncident>,
    /// How much of the time everything was there.
    pub availability: Availability,
    /// The month itself, where its report has been put down.
    pub reported: Option<domain::report::Month>,
    /// There is something before it.
    pub earlier: Option<NaiveDate>,
    /// The month after it, unless that lies in the future.
    pub later: Option<NaiveDate>,
    /// The page changes by itself then: its figures day by day, and at its end another month follows.
    pub until: Option<Instant>,
}

/// A calendar with what an answer over HTTP needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFile {
    /// The text.
    pub body: String,
    /// When it last changed (CAL-13).
    pub modified_at: Instant,
}

/// Names and topology, loaded once per page.
struct Board {
    /// In use and not private, in the order of the page.
    components: Vec<Component>,
    private: BTreeSet<ComponentId>,
    topology: domain::gate::Topology,
}

impl Board {
    async fn load(tx: &mut Tx) -> Result<Self, Error> {
        let private = tx.private_components().await?;
        let mut components = tx.components(false).await?;
        components.retain(|component| !private.contains(&component.id));
        Ok(Self { components, private, topology: tx.topology().await? })
    }

    /// What customers read that this touches; none where it is public nowhere.
    fn affected(&self, hosts: &[HostId], components: &[ComponentId]) -> Option<Vec<(ComponentId, String)>> {
        let scope = Scope { hosts: hosts.iter().copied().collect(), components: components.iter().copied().collect() };
        self.shown(affected_components(&scope, &self.topology))
    }

    fn shown(&self, touched: impl IntoIterator<Item = ComponentId>) -> Option<Vec<(ComponentId, String)>> {
        let touched = public_part(touched, &self.private)?;
        Some(self.components.iter().filter(|c| touched.contains(&c.id)).map(|c| (c.id, c.name.to_string())).collect())
    }
}

impl Services {
    /// The public components a window touches, in the order of the page: named ones, else those behind its hosts.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn affected(
        &self,
        tx: &mut Tx,
        hosts: &[HostId],
        components: &[ComponentId],
    ) -> Result<Vec<(ComponentId, String)>, Error> {
        Ok(Board::load(tx).await?.affected(hosts, components).unwrap_or_default())
    }

    /// The front page.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn home(&self) -> Result<Home, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let board = Board::load(&mut tx).await?;
        let open = tx.maintenances_in(&OPEN, Order::Earliest, None, LIST).await?;
        let open = windows(&mut tx, &board, open).await?;
        let recent = tx.maintenances_ended_after(RECENT.before(now), LIST).await?;
        let recent = windows(&mut tx, &board, recent).await?;
        let names: Vec<(&Maintenance, Vec<String>)> =
            open.iter().map(|w| (&w.maintenance, w.affected.iter().map(|(_, name)| name.clone()).collect())).collect();
        let incidents = tx.incidents_open().await?;
        let mut incidents = incidents::shown(&mut tx, &board, incidents).await?;
        incidents.sort_by_key(|line| Reverse(weight(&line.incident)));
        let resolved = incidents::resolved_lately(&mut tx, &board, now).await?;
        let states = component_states(&tx.open_impacts().await?);
        let named: Vec<(&str, ComponentState)> =
            board.components.iter().filter_map(|c| Some((c.name.as_str(), *states.get(&c.id)?))).collect();
        let open_incidents: Vec<&Incident> = incidents.iter().map(|line| &line.incident).collect();
        let sentence = site_sentence(&open_incidents, &named, &names);
        let is_well = named.is_empty() && incidents.is_empty();
        let groups = groups(&mut tx, &board, &states).await?;
        let bars = self.bars(&mut tx, &site).await?;
        let ends = resolved.iter().filter_map(|line| line.incident.resolved_at);
        let ends = ends.chain(recent.iter().filter_map(|w| w.maintenance.ended_at));
        let until = ends.map(|ended| RECENT.after(ended));
        let until = until.chain((!bars.is_empty()).then(|| self.next_midnight(&site))).min();
        let (next, mut now): (Vec<Window>, Vec<Window>) =
            open.into_iter().partition(|w| w.maintenance.state == State::Scheduled);
        now.sort_by_key(|w| OPEN.iter().position(|state| *state == w.maintenance.state));
        let next = one_per_series(&mut tx, next, |_| true).await?;
        let recent = one_per_series(&mut tx, recent, |m| m.state == State::Cancelled).await?;
        let (announcements, goes) = announcements::front(&mut tx, self.now()).await?;
        let until = until.into_iter().chain(goes).min();
        let calm = now.is_empty() && is_well;
        Ok(Home { site, sentence, calm, groups, bars, incidents, resolved, now, next, recent, announcements, until })
    }

    /// Components in the order of the page, for the subscribe form.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn public_components(&self) -> Result<Vec<GroupLines>, Error> {
        let mut tx = self.db.read().await?;
        let board = Board::load(&mut tx).await?;
        groups(&mut tx, &board, &BTreeMap::new()).await
    }

    /// A published window.
    ///
    /// # Errors
    /// There is none, or it is still a draft.
    pub async fn public_window(&self, id: MaintenanceId) -> Result<(Site, Window), Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let maintenance = tx.maintenance(id).await?;
        if maintenance.published_at.is_none() {
            return Err(Error::NotFound("maintenance"));
        }
        let board = Board::load(&mut tx).await?;
        let series = self.series_of(&mut tx, &maintenance).await?;
        let repeats = series.filter(|series| !series.has_ended).map(|series| series.words);
        let window = windows(&mut tx, &board, vec![maintenance]).await?.pop().ok_or(Error::NotFound("maintenance"))?;
        let caused = tx.incidents_of_maintenance(id).await?;
        let caused = incidents::shown(&mut tx, &board, caused).await?;
        let caused = caused.into_iter().map(|line| (line.incident.id, line.incident.title.to_string())).collect();
        Ok((site, Window { repeats, caused, ..window }))
    }

    /// What began in a month of the site's zone; the current month where none is named.
    ///
    /// # Errors
    /// The month lies in the future or before everything there is, or the database does not answer.
    pub async fn history(&self, month: Option<NaiveDate>) -> Result<Month, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let today = domain::time::civil(self.zones.as_ref(), &site.zone, now).local.date();
        let current = today.with_day(1).unwrap_or(today);
        let first = month.and_then(|day| day.with_day(1)).unwrap_or(current);
        if first > current {
            return Err(Error::NotFound("month"));
        }
        let after = next_month(first);
        let (from, to) = (self.midnight(&site.zone, first), self.midnight(&site.zone, after));
        let board = Board::load(&mut tx).await?;
        let began = tx.maintenances_between(from, to).await?;
        let began = began
            .into_iter()
            .rev()
            .filter(|m| m.planned.starts_at >= from && (ENDED.contains(&m.state) || m.state.is_under_way()))
            .collect();
        let windows = windows(&mut tx, &board, began).await?;
        let availability = self.availability_of_month(&mut tx, first).await?;
        let this = domain::report::Month::of(first);
        let reported = tx.reports(this, 1).await?.pop().map(|line| line.month).filter(|newest| *newest == this);
        let oldest = tx.maintenances_in(&ENDED, Order::Earliest, None, 1).await?;
        let oldest = oldest
            .first()
            .map(|m| domain::time::civil(self.zones.as_ref(), &site.zone, m.planned.starts_at).local.date());
        let mut incidents = tx.incidents_between(from, to).await?;
        incidents.retain(|incident| from <= incident.started_at);
        let incidents = incidents::shown(&mut tx, &board, incidents).await?;
        let before = tx.incidents_before(&IncidentState::PUBLIC, Some((from, IncidentId(Uuid::nil()))), 1).await?;
        let is_oldest = before.is_empty() && oldest.is_none_or(|day| first <= day);
        let is_current = first == current;
        let is_bare = windows.is_empty() && incidents.is_empty() && availability.site.share().is_none();
        if is_oldest && is_bare && reported.is_none() && !is_current {
            return Err(Error::NotFound("month"));
        }
        let until = is_current.then(|| self.next_midnight(&site));
        let earlier = if is_oldest { None } else { previous_month(first) };
        let later = (after <= current).then_some(after);
        Ok(Month { site, first, windows, incidents, availability, reported, earlier, later, until })
    }

    /// The calendar of all published windows.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn calendar_feed(&self) -> Result<CalendarFile, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let mut maintenances = tx.maintenances_between(CALENDAR_REACH.before(now), CALENDAR_REACH.after(now)).await?;
        if maintenances.is_empty() {
            // A feed that ever had an event never goes back to none: clients would keep the last one (CAL-5).
            let ended = tx.maintenances_in(&ENDED, Order::Latest, None, LIST).await?;
            maintenances.extend(ended.into_iter().find(|m| m.published_at.is_some()));
        }
        let events = self.events(&mut tx, &site, maintenances).await?;
        drop(tx);
        let body = calendar::feed(&Feed {
            name: format!("{} maintenance", site.name),
            description: format!("Planned work of {}", site.name),
            source_url: Some(self.url("/calendar.ics")),
            events,
        });
        self.stamped("calendar", body).await
    }

    /// One published window as a calendar file.
    ///
    /// # Errors
    /// There is none, or it is still a draft.
    pub async fn calendar_of(&self, id: MaintenanceId) -> Result<CalendarFile, Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let maintenance = tx.maintenance(id).await?;
        if maintenance.published_at.is_none() {
            return Err(Error::NotFound("maintenance"));
        }
        let event = self.events(&mut tx, &site, vec![maintenance]).await?.pop();
        drop(tx);
        let event = event.ok_or(Error::NotFound("maintenance"))?;
        self.stamped(&format!("maintenance/{id}"), calendar::message(&event, Method::Publish)).await
    }

    async fn events(
        &self,
        tx: &mut Tx,
        site: &Site,
        maintenances: Vec<Maintenance>,
    ) -> Result<Vec<CalendarEvent>, Error> {
        let board = Board::load(tx).await?;
        Ok(maintenances
            .iter()
            .filter_map(|m| {
                let affected = board.affected(&m.hosts, &m.components)?;
                let names: Vec<String> = affected.into_iter().map(|(_, name)| name).collect();
                Some(self.calendar_event(site, m, &names))
            })
            .collect())
    }

    async fn stamped(&self, feed: &str, body: String) -> Result<CalendarFile, Error> {
        let hash = calendar::etag(body.as_bytes());
        if let Some(modified_at) = self.db.read().await?.feed_stamp(feed, &hash).await? {
            return Ok(CalendarFile { body, modified_at });
        }
        let mut tx = self.db.write().await?;
        let modified_at = tx.feed_modified(feed, &hash, self.now()).await?;
        tx.commit().await?;
        Ok(CalendarFile { body, modified_at })
    }

    /// The first instant of a day: midnight, or what follows it where midnight does not exist.
    pub(crate) fn midnight(&self, zone: &str, day: NaiveDate) -> Instant {
        let local = day.and_time(chrono::NaiveTime::MIN);
        match self.zones.resolve(zone, local) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
            Ok(LocalTime::Gap { after, .. }) => match self.zones.resolve(zone, after) {
                Ok(LocalTime::One(at)) => at,
                _ => local.and_utc(),
            },
            Err(_) => local.and_utc(),
        }
    }
}

/// Of work that repeats the front page shows the first window, and those with a time of their own: the
/// others are in calendars. Only `repeating` ones are left out, and nothing that is left of a series that
/// has ended.
async fn one_per_series(
    tx: &mut Tx,
    windows: Vec<Window>,
    repeating: impl Fn(&Maintenance) -> bool,
) -> Result<Vec<Window>, Error> {
    let ids: Vec<MaintenanceId> = windows.iter().map(|w| w.maintenance.id).collect();
    let occurrences = tx.occurrences_among(&ids).await?;
    let mut words: BTreeMap<SeriesId, Option<String>> = BTreeMap::new();
    let mut shown = Vec::with_capacity(windows.len());
    for window in windows {
        let m = &window.maintenance;
        let Some(occurrence) = occurrences.get(&m.id).filter(|_| repeating(m)) else {
            shown.push(window);
            continue;
        };
        let repeats = match words.entry(occurrence.series_id) {
            // What is left of a series that has ended is all there will be: each is worth its line.
            Entry::Occupied(known) => {
                let has_ended = known.get().is_none();
                let is_folded = m.state == State::Cancelled || !has_ended;
                if is_folded && !occurrence.was_moved(m) {
                    continue;
                }
                known.get().clone()
            }
            Entry::Vacant(first) => {
                let series = tx.series(occurrence.series_id).await?;
                let words = series.ended_at.is_none().then(|| series.timing.words());
                first.insert(words).clone()
            }
        };
        shown.push(Window { repeats, ..window });
    }
    Ok(shown)
}

/// The windows that customers may know of, with what belongs to them.
async fn windows(tx: &mut Tx, board: &Board, maintenances: Vec<Maintenance>) -> Result<Vec<Window>, Error> {
    let known = |m: Maintenance| board.affected(&m.hosts, &m.components).map(|affected| (m, affected));
    let maintenances: Vec<_> = maintenances.into_iter().filter_map(known).collect();
    let ids: Vec<MaintenanceId> = maintenances.iter().map(|(m, _)| m.id).collect();
    let mut timelines: BTreeMap<MaintenanceId, Vec<Update>> = BTreeMap::new();
    for update in tx.updates_of(&ids).await? {
        timelines.entry(update.maintenance_id).or_default().push(update);
    }
    let overridden = tx.overridden_among(&ids).await?;
    let mut shown = Vec::with_capacity(maintenances.len());
    for (maintenance, affected) in maintenances {
        let mut updates = timelines.remove(&maintenance.id).unwrap_or_default();
        updates.sort_by_key(|update| Reverse((update.at, update.id)));
        let newest = match maintenance.state {
            State::InProgress | State::Verifying => tx.verdicts_of(maintenance.id, 1).await?.pop(),
            _ => None,
        };
        shown.push(Window {
            affected,
            proof: proof(maintenance.state, newest.as_ref(), overridden.contains(&maintenance.id)),
            repeats: None,
            caused: Vec::new(),
            updates,
            maintenance,
        });
    }
    Ok(shown)
}

fn proof(state: State, newest: Option<&KeptVerdict>, overridden: bool) -> Option<Proof> {
    match state {
        State::Scheduled if overridden => Some(Proof::NotNeeded),
        State::Scheduled => Some(Proof::WillBeAsked),
        State::Held => Some(Proof::Waiting),
        State::InProgress | State::Verifying => newest.and_then(shown_proof),
        State::Draft | State::Postponed | State::Completed | State::Cancelled => None,
    }
}

fn shown_proof(kept: &KeptVerdict) -> Option<Proof> {
    if kept.verdict.overridden_by().is_some() {
        let protections = &kept.verdict.protections;
        let good = protections.iter().filter(|p: &&Protection| p.ok).count();
        return Some(Proof::Overridden { good, data_sets: protections.len() });
    }
    if !kept.verdict.is_confirmed() {
        return None;
    }
    let cut_offs = || kept.verdict.protections.iter().filter_map(|p: &Protection| p.cut_off);
    Some(Proof::Confirmed { data_sets: kept.verdict.protections.len(), from: cut_offs().min()?, to: cut_offs().max()? })
}

async fn groups(
    tx: &mut Tx,
    board: &Board,
    states: &BTreeMap<ComponentId, ComponentState>,
) -> Result<Vec<GroupLines>, Error> {
    let line = |component: &Component| ComponentLine {
        state: states.get(&component.id).copied().unwrap_or(ComponentState::Operational),
        component: component.clone(),
    };
    let all = tx.groups().await?;
    let known: BTreeSet<_> = all.iter().map(|group| group.id).collect();
    let alone: Vec<ComponentLine> =
        board.components.iter().filter(|c| c.group_id.is_none_or(|id| !known.contains(&id))).map(line).collect();
    let mut lines = Vec::with_capacity(all.len() + 1);
    if !alone.is_empty() {
        lines.push(GroupLines { name: None, components: alone });
    }
    for group in all {
        let components: Vec<ComponentLine> =
            board.components.iter().filter(|c| c.group_id == Some(group.id)).map(line).collect();
        if !components.is_empty() {
            lines.push(GroupLines { name: Some(group.name.to_string()), components });
        }
    }
    Ok(lines)
}

fn next_month(first: NaiveDate) -> NaiveDate {
    first.checked_add_months(chrono::Months::new(1)).unwrap_or(first)
}

fn previous_month(first: NaiveDate) -> Option<NaiveDate> {
    first.checked_sub_months(chrono::Months::new(1))
}
