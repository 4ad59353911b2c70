//! Windows as colleagues see them.

use super::input::{MaintenanceInput, TimeLook};
use super::overriding::{OverrideLook, SecondPerson, looks};
use super::scope_of;
use super::series::{SeriesOf, SeriesWaiting};
use super::zone_moves::ZoneMoveLook;
use crate::error::{Error, Fields};
use crate::inventory::Page;
use crate::reminders::ReminderLook;
use crate::{Actor, Services};
use domain::component::{Component, Group};
use domain::gate::{Evidence, JobNames, Purpose, Scope, Topology, Verdict, askable, blast_radius};
use domain::host::Host;
use domain::ids::{ComponentId, DataSetId, HostId, JobId, MaintenanceId, UserId, VerdictId};
use domain::maintenance::{
    KeptVerdict, Maintenance, Override, OverrideState, State, Update, ZoneMove, affected_components,
};
use domain::people::Permission;
use domain::request::BackupRequest;
use domain::subscriber::{Audience, Topic};
use domain::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use storage::Tx;
use storage::maintenance::Order;
pub use storage::maintenance::Position;

/// Answers of the gate shown with a window.
const VERDICTS: i64 = 50;

/// How far ahead the start page looks.
const SOON: Span = Span::hours(48);

/// Windows in one part of the start page.
const FEW: i64 = 25;

/// Most windows on a page of a program.
const MAX_PAGE: i64 = 200;

/// Which windows a program asks for, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaintenanceQuery {
    /// One state; empty for all.
    pub state: String,
    /// `latest` (if empty) or `earliest` start first.
    pub order: String,
    /// Where the page before ended.
    pub cursor: String,
    /// Most windows wanted.
    pub limit: String,
}

/// A place in a list ordered by start, as it stands in an address.
#[must_use]
pub fn position_text(m: &Maintenance) -> String {
    format!("{}_{}", m.planned.starts_at.timestamp_millis(), m.id)
}

/// Reads [`position_text`]; none where it is not ours.
#[must_use]
pub fn read_position(text: &str) -> Option<Position> {
    let (at, id) = text.split_once('_')?;
    Some((Instant::from_timestamp_millis(at.parse().ok()?)?, id.parse().ok()?))
}

/// Which windows a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    /// Not published.
    Drafts,
    /// Published, not begun: soonest first.
    Ahead,
    /// Work is being done.
    UnderWay,
    /// Completed or cancelled: newest first.
    Ended,
}

impl Listing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::UnderWay, Self::Ahead, Self::Drafts, Self::Ended];

    /// The states it holds.
    #[must_use]
    pub const fn states(self) -> &'static [State] {
        match self {
            Self::Drafts => &[State::Draft],
            Self::Ahead => &[State::Held, State::Postponed, State::Scheduled],
            Self::UnderWay => &[State::InProgress, State::Verifying],
            Self::Ended => &[State::Completed, State::Cancelled],
        }
    }

    const fn order(self) -> Order {
        match self {
            Self::Ended => Order::Latest,
            _ => Order::Earliest,
        }
    }
}

/// A host that the work can destroy, and why it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadiusHost {
    /// Which.
    pub id: HostId,
    /// Its name; none where nothing is known of it.
    pub name: Option<String>,
    /// What it runs on, where that is in danger too.
    pub runs_on: Option<HostId>,
    /// It was named itself.
    pub named: bool,
    /// Names of the components named that it is behind.
    pub behind: Vec<String>,
}

/// The gate's answer, ready to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLook {
    /// The answer.
    pub verdict: Verdict,
    /// Names of the jobs it speaks of.
    pub jobs: JobNames,
    /// Data sets that a run which can be asked for would protect.
    pub askable: BTreeSet<DataSetId>,
    /// Which jobs carry others.
    pub carriers: BTreeMap<JobId, JobId>,
    /// How far the runs came that were asked for, by the jobs it speaks of and those that carry them.
    pub requests: BTreeMap<JobId, BackupRequest>,
    /// The blast radius, by name.
    pub radius: Vec<RadiusHost>,
    /// What customers are told is touched.
    pub affected: Vec<(ComponentId, String)>,
    /// Who would hear of it.
    pub followers: Audience,
}

/// A window with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The window.
    pub maintenance: Maintenance,
    /// Its timeline, newest first.
    pub updates: Vec<Update>,
    /// Who wrote them.
    pub authors: BTreeMap<UserId, String>,
    /// The newest answers of the gate, newest first.
    pub verdicts: Vec<KeptVerdict>,
    /// Hosts named.
    pub hosts: Vec<(HostId, String)>,
    /// Components named.
    pub components: Vec<(ComponentId, String)>,
    /// Names of the components it touches.
    pub affected: Vec<String>,
    /// Its reminders, in the order of their instants.
    pub reminders: Vec<ReminderLook>,
    /// What the gate says at this moment; none for what has begun or ended.
    pub gate: Option<GateLook>,
    /// Overrides, newest first.
    pub overrides: Vec<OverrideLook>,
    /// An override can be asked for: the gate is blocked, and nobody has asked yet.
    pub may_ask_override: bool,
    /// The series it belongs to.
    pub series: Option<SeriesOf>,
    /// It moved with the rules of its zone, and somebody has to say whether that is told.
    pub zone_move: Option<ZoneMove>,
}

/// A window on hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The window.
    pub maintenance: Maintenance,
    /// What stands against it now.
    pub gate: GateLook,
    /// The newest override that was asked for.
    pub newest_override: Option<Override>,
}

/// Whether a window will be able to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The window.
    pub maintenance: Maintenance,
    /// What the gate says of a start at this moment.
    pub gate: GateLook,
    /// It will still say so at the start, if nothing new is reported.
    pub lasts: bool,
}

/// Windows that wait for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeedsMe {
    /// Overrides for which the one who looks can be the second person.
    pub second_person: Vec<SecondPerson>,
    /// On hold.
    pub held: Vec<HeldBack>,
    /// Without a new time.
    pub postponed: Vec<Maintenance>,
    /// Under way past their end, to be completed or extended by hand.
    pub overdue: Vec<Maintenance>,
    /// Due, to be started by hand.
    pub to_start: Vec<Maintenance>,
    /// Drafts the gate is against at this moment.
    pub blocked_drafts: Vec<HeldBack>,
    /// Drafts that two people let go ahead against the gate.
    pub overridden_drafts: Vec<Maintenance>,
    /// Series whose next windows could not be scheduled.
    pub series: Vec<SeriesWaiting>,
    /// Windows that moved with the rules of their zone: is it to be told?
    pub zone_moves: Vec<ZoneMoveLook>,
    /// Starting within two days.
    pub soon: Vec<Readiness>,
    /// Under way as planned.
    pub under_way: Vec<Maintenance>,
}

/// A host with everything that runs on it, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTree {
    /// At the bottom: runs on nothing (known).
    pub host: Host,
    /// What runs on it, directly (1) or through others (2, …).
    pub guests: Vec<(usize, Host)>,
}

/// What a window can name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Components in use, by group in the order of the page.
    pub groups: Vec<(Option<Group>, Vec<Component>)>,
    /// Hosts in use.
    pub trees: Vec<HostTree>,
}

impl Services {
    /// The gate's answer for what is named, at this moment, and for a window of this length.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn ask_gate(
        &self,
        actor: &Actor,
        scope: &Scope,
        purpose: Purpose,
        window: Option<Span>,
    ) -> Result<GateLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let (verdict, evidence) = self.gate_for_work(&mut tx, self.now(), purpose, scope, window).await?;
        self.look_around(&mut tx, scope, verdict, &evidence).await
    }

    /// The same for a window, with the override that is in force for it.
    pub(super) async fn look_at_gate_of(
        &self,
        tx: &mut Tx,
        m: &Maintenance,
        purpose: Purpose,
    ) -> Result<GateLook, Error> {
        let asked = self.ask(tx, self.now(), purpose, m).await?;
        self.look_around(tx, &scope_of(m), asked.verdict, &asked.evidence).await
    }

    /// What belongs to an answer of the gate.
    async fn look_around(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        verdict: Verdict,
        evidence: &Evidence,
    ) -> Result<GateLook, Error> {
        let topology = tx.topology().await?;
        let ids = affected_components(scope, &topology);
        let components = tx.components(false).await?;
        let names = components.iter().map(|c| (c.id, c.name.to_string())).collect();
        let affected: Vec<_> = components
            .into_iter()
            .filter(|component| ids.contains(&component.id))
            .map(|component| (component.id, component.name.to_string()))
            .collect();
        let followed: Vec<ComponentId> = affected.iter().map(|(id, _)| *id).collect();
        let followers = self.audience(tx, Topic::Maintenance, &followed).await?;
        let radius = radius_of(scope, &topology, evidence, &names);
        let spoken_of: BTreeSet<JobId> = verdict.reasons().iter().flat_map(|finding| finding.reason.jobs()).collect();
        let own = evidence.hosts.iter().flat_map(|host| &host.data_sets).flat_map(|set| &set.jobs);
        let carriers: BTreeMap<JobId, JobId> =
            own.filter_map(|evidence| Some((evidence.job.id, evidence.job.carried_by?))).collect();
        let with_carriers: BTreeSet<JobId> =
            spoken_of.iter().flat_map(|job| std::iter::once(*job).chain(carriers.get(job).copied())).collect();
        let requests = crate::requests::newest_of(tx, with_carriers, self.now()).await?;
        let askable = askable(verdict.asked_at, verdict.purpose, scope, evidence);
        Ok(GateLook { verdict, jobs: evidence.job_names(), askable, carriers, requests, radius, affected, followers })
    }

    /// What typed times mean.
    #[must_use]
    pub fn look_at_time(&self, input: &MaintenanceInput) -> TimeLook {
        input.look_at_time(self.zones.as_ref())
    }

    /// A page of windows.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn maintenances(
        &self,
        actor: &Actor,
        listing: Listing,
        beyond: Option<Position>,
        limit: i64,
    ) -> Result<Vec<Maintenance>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.maintenances_in(listing.states(), listing.order(), beyond, limit).await?)
    }

    /// Windows for a program.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn list_maintenances(&self, actor: &Actor, query: &MaintenanceQuery) -> Result<Page<Maintenance>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let states = match query.state.trim() {
            "" => State::ALL.to_vec(),
            text => {
                let found = State::ALL.into_iter().find(|state| state.as_str() == text);
                if found.is_none() {
                    let known: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
                    fields.add("state", format!("“{text}” is no state. Use one of {}.", known.join(", ")));
                }
                found.into_iter().collect()
            }
        };
        let order = match query.order.trim() {
            "" | "latest" => Order::Latest,
            "earliest" => Order::Earliest,
            _ => {
                fields.add("order", "Use earliest or latest.");
                Order::Latest
            }
        };
        let beyond = match query.cursor.trim() {
            "" => None,
            text => {
                let found = read_position(text);
                if found.is_none() {
                    fields.add("cursor", "This is no cursor of ours.");
                }
                found
            }
        };
        let limit = match query.limit.trim() {
            "" => 50,
            text => text.parse().ok().filter(|n| (1..=MAX_PAGE).contains(n)).unwrap_or_else(|| {
                fields.add("limit", format!("Ask for 1 to {MAX_PAGE}."));
                1
            }),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut items = self.db.read().await?.maintenances_in(&states, order, beyond, limit + 1).await?;
        let fits = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > fits;
        items.truncate(fits);
        let next_cursor = items.last().filter(|_| more).map(position_text);
        Ok(Page { items, next_cursor })
    }

    /// One window.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn maintenance(&self, actor: &Actor, id: MaintenanceId) -> Result<Maintenance, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.maintenance(id).await?)
    }

    /// One window with its timeline, newest line first.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn maintenance_timeline(
        &self,
        actor: &Actor,
        id: MaintenanceId,
    ) -> Result<(Maintenance, Vec<Update>), Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let maintenance = tx.maintenance(id).await?;
        let updates = tx.updates_of(&[id]).await?;
        Ok((maintenance, updates))
    }

    /// The series of a window, and its move with the rules of its zone that somebody has to decide on.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn maintenance_context(
        &self,
        actor: &Actor,
        m: &Maintenance,
    ) -> Result<(Option<SeriesOf>, Option<ZoneMove>), Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        Ok((self.series_of(&mut tx, m).await?, self.open_move(&mut tx, m).await?))
    }

    /// One window with everything that belongs to it.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn maintenance_detail(&self, actor: &Actor, id: MaintenanceId) -> Result<Detail, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let maintenance = tx.maintenance(id).await?;
        let updates = tx.updates_of(&[id]).await?;
        let verdicts = tx.verdicts_of(id, VERDICTS).await?;
        let hosts = tx.hosts(true).await?;
        let components = tx.components(true).await?;
        let authors = tx.users().await?.into_iter().map(|user| (user.id, user.name.to_string())).collect();
        let gate = match maintenance.state {
            State::Draft | State::Postponed => {
                Some(self.look_at_gate_of(&mut tx, &maintenance, Purpose::Schedule).await?)
            }
            State::Scheduled | State::Held => Some(self.look_at_gate_of(&mut tx, &maintenance, Purpose::Start).await?),
            _ => None,
        };
        let affected = self.affected_by(&mut tx, &maintenance).await?.into_iter().map(|(_, name)| name).collect();
        let reminders = self.look_at_reminders(&mut tx, &maintenance).await?;
        let verdict = gate.as_ref().map(|look| &look.verdict);
        let overrides = looks(actor, &maintenance, tx.overrides_of(id).await?, verdict, &authors);
        let may_ask_override = actor.may(Permission::Maintain)
            && Override::purpose_for(maintenance.state).is_some()
            && verdict.is_some_and(|verdict| !verdict.allows())
            && overrides.iter().all(|look| look.of.state != OverrideState::Asked);
        let series = self.series_of(&mut tx, &maintenance).await?;
        let zone_move = self.open_move(&mut tx, &maintenance).await?;
        Ok(Detail {
            affected,
            reminders,
            overrides,
            may_ask_override,
            series,
            zone_move,
            hosts: hosts
                .into_iter()
                .filter(|host| maintenance.hosts.contains(&host.id))
                .map(|host| (host.id, host.name.to_string()))
                .collect(),
            components: components
                .into_iter()
                .filter(|component| maintenance.components.contains(&component.id))
                .map(|component| (component.id, component.name.to_string()))
                .collect(),
            maintenance,
            updates,
            authors,
            verdicts,
            gate,
        })
    }

    /// The newest answers of the gate for a window.
    ///
    /// # Errors
    /// Not allowed, no such window, or the database does not answer.
    pub async fn verdicts(&self, actor: &Actor, id: MaintenanceId) -> Result<Vec<KeptVerdict>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        tx.maintenance(id).await?;
        Ok(tx.verdicts_of(id, VERDICTS).await?)
    }

    /// One answer of the gate with its evidence.
    ///
    /// # Errors
    /// Not allowed, there is none for this window, or the database does not answer.
    pub async fn verdict(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        verdict: VerdictId,
    ) -> Result<(Maintenance, KeptVerdict, Evidence), Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let maintenance = tx.maintenance(id).await?;
        let (kept, evidence) = tx.verdict(verdict).await?;
        if kept.maintenance_id != id {
            return Err(Error::NotFound("verdict"));
        }
        Ok((maintenance, kept, evidence))
    }

    /// How many windows and requests wait for a person.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn waiting(&self, actor: &Actor) -> Result<u64, Error> {
        actor.require(Permission::View)?;
        self.waiting_in(&mut self.db.read().await?, actor).await
    }

    pub(crate) async fn waiting_in(&self, tx: &mut Tx, actor: &Actor) -> Result<u64, Error> {
        let count = tx.count_waiting(self.now()).await? + self.count_second_person_wanted(tx, actor).await?;
        let count = u64::try_from(count + tx.count_series_waiting().await?).unwrap_or_default();
        let moves = self.zone_moves(tx).await?.len();
        Ok(count.saturating_add(u64::try_from(moves).unwrap_or_default()))
    }

    /// What waits for a person.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn needs_me(&self, actor: &Actor) -> Result<NeedsMe, Error> {
        actor.require(Permission::View)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let mut needs =
            NeedsMe { second_person: self.second_person_wanted(&mut tx, actor, FEW).await?, ..NeedsMe::default() };
        for m in tx.maintenances_in(&[State::Held], Order::Earliest, None, FEW).await? {
            let gate = self.look_at_gate_of(&mut tx, &m, Purpose::Start).await?;
            let newest_override = tx.overrides_of(m.id).await?.into_iter().next();
            needs.held.push(HeldBack { maintenance: m, gate, newest_override });
        }
        needs.postponed = tx.maintenances_in(&[State::Postponed], Order::Earliest, None, FEW).await?;
        let under_way = tx.maintenances_in(Listing::UnderWay.states(), Order::Earliest, None, FEW).await?;
        (needs.overdue, needs.under_way) = under_way.into_iter().partition(|m| m.planned.ends_at <= now);
        for m in tx.maintenances_in(&[State::Scheduled], Order::Earliest, None, FEW).await? {
            if m.planned.starts_at > SOON.after(now) {
                break;
            }
            if m.planned.starts_at <= now && !m.auto_start {
                needs.to_start.push(m);
                continue;
            }
            let gate = self.look_at_gate_of(&mut tx, &m, Purpose::Start).await?;
            let lasts = gate.verdict.holds_at(m.planned.starts_at.max(now));
            needs.soon.push(Readiness { maintenance: m, gate, lasts });
        }
        let (series, theirs) = self.series_waiting(&mut tx, now).await?;
        needs.series = series;
        needs.zone_moves = self.zone_moves(&mut tx).await?;
        for m in tx.maintenances_in(&[State::Draft], Order::Latest, None, FEW).await? {
            if theirs.contains(&m.id) {
                continue;
            }
            let gate = self.look_at_gate_of(&mut tx, &m, Purpose::Schedule).await?;
            if gate.verdict.overridden_by().is_some() {
                needs.overridden_drafts.push(m);
            } else if !gate.verdict.allows() {
                let newest_override = tx.overrides_of(m.id).await?.into_iter().next();
                needs.blocked_drafts.push(HeldBack { maintenance: m, gate, newest_override });
            }
        }
        Ok(needs)
    }

    /// Everything in use that a window can name.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn choices(&self, actor: &Actor) -> Result<Choices, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let mut by_group: HashMap<_, Vec<Component>> = HashMap::new();
        for component in tx.components(false).await? {
            by_group.entry(component.group_id).or_default().push(component);
        }
        let mut groups: Vec<_> = by_group.remove(&None).map(|components| (None, components)).into_iter().collect();
        for group in tx.groups().await? {
            if let Some(components) = by_group.remove(&Some(group.id)) {
                groups.push((Some(group), components));
            }
        }
        Ok(Choices { groups, trees: trees(tx.hosts(false).await?) })
    }
}

/// The hosts of the blast radius by name, with why they are in it.
fn radius_of(
    scope: &Scope,
    topology: &Topology,
    evidence: &Evidence,
    components: &HashMap<ComponentId, String>,
) -> Vec<RadiusHost> {
    let names: HashMap<HostId, &str> = evidence.hosts.iter().map(|host| (host.id, host.name.as_str())).collect();
    let below: HashMap<HostId, HostId> =
        topology.hosts.iter().filter_map(|host| Some((host.id, host.runs_on?))).collect();
    let radius = blast_radius(scope, topology);
    let mut hosts: Vec<RadiusHost> = radius
        .iter()
        .map(|id| RadiusHost {
            id: *id,
            name: names.get(id).map(|name| (*name).to_owned()),
            runs_on: below.get(id).copied().filter(|below| radius.contains(below)),
            named: scope.hosts.contains(id),
            behind: topology
                .behind
                .iter()
                .filter(|(component, host)| host == id && scope.components.contains(component))
                .filter_map(|(component, _)| components.get(component).cloned())
                .collect(),
        })
        .collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    hosts
}

/// Hosts in the order in which one reads what runs on what. Each comes once, also in a circle.
fn trees(hosts: Vec<Host>) -> Vec<HostTree> {
    let known: BTreeSet<HostId> = hosts.iter().map(|host| host.id).collect();
    let mut guests: HashMap<HostId, Vec<Host>> = HashMap::new();
    let mut roots = Vec::new();
    for host in hosts {
        match host.runs_on.filter(|below| known.contains(below) && *below != host.id) {
            Some(below) => guests.entry(below).or_default().push(host),
            None => roots.push(host),
        }
    }
    let mut trees = Vec::new();
    while let Some(host) = roots.pop().or_else(|| any(&mut guests)) {
        trees.push(tree(host, &mut guests));
    }
    trees.sort_by(|a, b| a.host.name.cmp(&b.host.name));
    trees
}

/// What runs only on itself, through others, would be lost: begin anywhere.
fn any(guests: &mut HashMap<HostId, Vec<Host>>) -> Option<Host> {
    let below = guests.keys().min().copied()?;
    let mut list = guests.remove(&below)?;
    let first = list.pop();
    if !list.is_empty() {
        guests.insert(below, list);
    }
    first
}

fn tree(host: Host, guests: &mut HashMap<HostId, Vec<Host>>) -> HostTree {
    let mut found = Vec::new();
    let mut open: Vec<(usize, Host)> = on(&host, 1, guests);
    while let Some((depth, guest)) = open.pop() {
        open.extend(on(&guest, depth + 1, guests));
        found.push((depth, guest));
    }
    HostTree { host, guests: found }
}

/// What runs directly on a host, last name first: the end is taken first.
fn on(host: &Host, depth: usize, guests: &mut HashMap<HostId, Vec<Host>>) -> Vec<(usize, Host)> {
    let mut list: Vec<_> = guests.remove(&host.id).unwrap_or_default().into_iter().map(|g| (depth, g)).collect();
    list.sort_by(|a, b| b.1.name.cmp(&a.1.name));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_list_is_read_only_from_what_we_wrote() {
        let id = MaintenanceId(uuid::Uuid::from_u128(7));
        let at = Instant::from_timestamp_millis(1_400_180_400_123);
        assert_eq!(read_position(&format!("1400180400123_{id}")), at.map(|at| (at, id)));
        for bad in ["", "1", "x_y", "1_x", "99999999999999999999_1"] {
            assert_eq!(read_position(bad), None, "{bad}");
        }
    }
}
