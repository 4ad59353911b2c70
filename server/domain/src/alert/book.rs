//! The book of alerts and their causes: what a report changes in it.

use super::cause::{Cause, CauseState};
use super::join::{Key, Place, join};
use super::place::{Known, LabelNames};
use super::reach::Ties;
use super::rule::{self, Doing, LAST, Plan, Rule, Subject};
use super::{Alert, Report, Reported};
use crate::gate::{Guests, Topology};
use crate::ids::{AlertRuleId, CauseId, ComponentId, HostId, MaintenanceId};
use crate::text::Name;
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Work that is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Which.
    pub id: MaintenanceId,
    /// Hosts it is done on: those named, and those behind components that are named.
    pub hosts: BTreeSet<HostId>,
    /// Components that are named.
    pub components: BTreeSet<ComponentId>,
}

/// What alerts stand on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// What runs on what, and what is behind components; as far as alerts reach: see [`super::reach::Reach`].
    pub topology: Topology,
    /// What is known by name.
    pub known: Known,
    /// Labels that mean something.
    pub labels: LabelNames,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Work that is being done.
    pub works: Vec<Work>,
}

/// What is known before a report: the alerts it names, and of the causes that are not over those that it can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// By their fingerprints, all of one source.
    pub alerts: BTreeMap<String, Alert>,
    /// The causes.
    pub causes: BTreeMap<CauseId, Cause>,
}

/// What a report came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Fingerprints of alerts that are new.
    pub added: BTreeSet<String>,
    /// Fingerprints of alerts that changed.
    pub changed: BTreeSet<String>,
    /// Alerts that came back after their cause was over: the old ones are history.
    pub replaced: Vec<Alert>,
    /// Causes that are new.
    pub opened: BTreeSet<CauseId>,
    /// Causes that changed.
    pub touched: BTreeSet<CauseId>,
    /// Causes that turned out to be part of another: their alerts move.
    pub merged: Vec<(CauseId, CauseId)>,
    /// Alerts that were known to hold and were told again.
    pub repeated: usize,
    /// Alerts that are over now.
    pub ended: usize,
    /// Alerts that a rule ignores.
    pub ignored: usize,
    /// Ends of alerts that nobody knew.
    pub unknown: usize,
}

/// The ground with what follows from it, made once for a report.
struct Survey<'a> {
    ground: &'a Ground,
    runs_on: BTreeMap<HostId, HostId>,
    guests: Guests,
    behind: BTreeMap<HostId, Vec<ComponentId>>,
    works: Vec<(MaintenanceId, BTreeSet<HostId>, &'a BTreeSet<ComponentId>)>,
}

impl<'a> Survey<'a> {
    fn of(ground: &'a Ground) -> Self {
        let runs_on = ground.topology.hosts.iter().filter_map(|host| Some((host.id, host.runs_on?))).collect();
        let guests = Guests::of(&ground.topology.hosts);
        let mut behind: BTreeMap<HostId, Vec<ComponentId>> = BTreeMap::new();
        for (component, host) in &ground.topology.behind {
            behind.entry(*host).or_default().push(*component);
        }
        let radius = |work: &'a Work| (work.id, guests.with_all_on(work.hosts.iter().copied()), &work.components);
        Self { ground, runs_on, works: ground.works.iter().map(radius).collect(), guests, behind }
    }

    /// The host and everything below it.
    fn line_of(&self, host: Option<HostId>) -> BTreeSet<HostId> {
        let below = std::iter::successors(host, |host| self.runs_on.get(host).copied());
        below.take(self.runs_on.len() + 1).collect()
    }

    /// The components that an alert touches: those it names, and those that stand on its host.
    fn touched(&self, alert: &Alert) -> BTreeSet<ComponentId> {
        let radius = self.guests.with_all_on(alert.host);
        let behind = radius.iter().filter_map(|host| self.behind.get(host)).flatten();
        behind.chain(&alert.components).copied().collect()
    }

    /// The rule for an alert, and the components it touches.
    fn judge(&self, alert: &Alert) -> (Option<&'a Rule>, BTreeSet<ComponentId>) {
        let (hosts, components) = (self.line_of(alert.host), self.touched(alert));
        let subject = Subject { hosts: &hosts, components: &components, labels: &alert.labels, grade: alert.grade };
        (rule::first(&self.ground.rules, &subject), components)
    }

    /// All other hosts of a cause run on this one: what it says names the cause best.
    fn carries(&self, host: Option<HostId>, keys: &BTreeSet<Key>) -> bool {
        let mut others = keys.iter().filter_map(|key| if let Key::Host(other) = key { Some(*other) } else { None });
        host.is_some_and(|host| {
            !keys.contains(&Key::Host(host)) && others.all(|other| self.line_of(Some(other)).contains(&host))
        })
    }

    fn ignores(&self, alert: &Alert) -> bool {
        self.judge(alert).0.is_some_and(|rule| rule.then.doing == Doing::Ignore)
    }

    /// The work under which an alert is no surprise.
    fn work(&self, alert: &Alert) -> Option<MaintenanceId> {
        let meant = |(_, radius, components): &&(MaintenanceId, BTreeSet<HostId>, &BTreeSet<ComponentId>)| {
            alert.host.is_some_and(|host| radius.contains(&host)) || !alert.components.is_disjoint(components)
        };
        self.works.iter().filter(meant).map(|(id, ..)| *id).min()
    }

    /// What an alert has in common with others of its cause.
    fn keys(&self, alert: &Alert) -> BTreeSet<Key> {
        if let Some(work) = self.work(alert) {
            return BTreeSet::from([Key::Window(work)]);
        }
        Ties::of(alert).keys(&self.ground.labels.cause)
    }
}

impl Book {
    /// Takes a report of one source in. `new_id` makes ids.
    pub fn take(
        &mut self,
        source: Uuid,
        report: &Report,
        ground: &Ground,
        now: Instant,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Taken {
        let survey = Survey::of(ground);
        let mut taken = Taken::default();
        let mut arriving: BTreeSet<String> = BTreeSet::new();
        for reported in &report.alerts {
            let print = &reported.fingerprint;
            let Some(known) = self.alerts.get_mut(print) else {
                if reported.firing {
                    self.alerts.insert(print.clone(), survey.first_sight(source, reported, now, new_id));
                    taken.added.insert(print.clone());
                    arriving.insert(print.clone());
                } else {
                    taken.unknown += 1;
                }
                continue;
            };
            if !reported.firing {
                if known.is_firing() {
                    known.end(reported.ended_at, now);
                    taken.ended += 1;
                    taken.changed.insert(print.clone());
                    if let Some(cause) = known.cause.and_then(|cause| self.causes.get_mut(&cause)) {
                        cause.firing -= 1;
                        taken.touched.insert(cause.id);
                    }
                }
                continue;
            }
            let came_back = !known.is_firing();
            let cause = known.cause.and_then(|cause| self.causes.get_mut(&cause));
            match cause {
                Some(cause) if came_back && cause.takes_alerts() => {
                    known.come_back(now);
                    cause.firing += 1;
                    taken.touched.insert(cause.id);
                }
                Some(_) if !came_back => {
                    known.again(now);
                    taken.repeated += 1;
                }
                // Its cause is over, or a person has decided on it: this is a new alert.
                _ if known.cause.is_some() => {
                    let fresh = survey.first_sight(source, reported, now, new_id);
                    taken.replaced.push(std::mem::replace(known, fresh));
                    taken.added.insert(print.clone());
                    arriving.insert(print.clone());
                    continue;
                }
                // It was ignored; the rules may have changed.
                _ => {
                    if came_back {
                        known.come_back(now);
                    } else {
                        known.again(now);
                    }
                    if !arriving.contains(print) {
                        arriving.insert(print.clone());
                    }
                }
            }
            taken.changed.insert(print.clone());
        }
        self.place(arriving, report.truncated, &survey, now, new_id, &mut taken);
        taken
    }

    /// The causes that its alerts belong to; where one turned out to be part of another, that other.
    #[must_use]
    pub fn belong_to(&self) -> BTreeSet<CauseId> {
        let part_of = |id: &CauseId| self.causes.get(id).and_then(|cause| cause.merged_into);
        let whole = |id: CauseId| std::iter::successors(Some(id), part_of).take(self.causes.len() + 1).last();
        self.alerts.values().filter_map(|alert| whole(alert.cause?)).collect()
    }

    /// Lets what still fires go from work that has ended: it is nobody's plan any more. `alerts` are those of the cause
    /// that fire.
    pub fn release(
        &mut self,
        from: CauseId,
        alerts: Vec<Alert>,
        ground: &Ground,
        now: Instant,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Taken {
        let mut taken = Taken::default();
        let Some(work) = self.causes.get_mut(&from) else { return taken };
        work.firing = 0;
        work.alerts -= i64::try_from(alerts.len()).unwrap_or(0);
        work.follow(now);
        work.close(now);
        taken.touched.insert(from);
        let arriving = alerts
            .into_iter()
            .map(|alert| {
                // Of many sources: the fingerprint alone would not tell them apart.
                let print = alert.id.to_string();
                self.alerts.insert(print.clone(), Alert { cause: None, ..alert });
                taken.changed.insert(print.clone());
                print
            })
            .collect();
        self.place(arriving, 0, &Survey::of(ground), now, new_id, &mut taken);
        taken
    }

    /// Finds the causes of what arrived, and settles what follows.
    fn place(
        &mut self,
        arriving: BTreeSet<String>,
        truncated: i64,
        survey: &Survey<'_>,
        now: Instant,
        new_id: &mut dyn FnMut() -> Uuid,
        taken: &mut Taken,
    ) {
        let (ignored, arriving): (Vec<String>, Vec<String>) =
            arriving.into_iter().partition(|print| self.alerts.get(print).is_some_and(|alert| survey.ignores(alert)));
        taken.ignored += ignored.len();
        let prints: Vec<&String> = arriving.iter().filter(|print| self.alerts.contains_key(*print)).collect();
        let keys: Vec<BTreeSet<Key>> =
            prints.iter().filter_map(|print| self.alerts.get(*print)).map(|alert| survey.keys(alert)).collect();
        let mut live: Vec<&Cause> = self.causes.values().filter(|cause| cause.takes_alerts()).collect();
        live.sort_by_key(|cause| (!cause.is_published(), cause.first_at, cause.id));
        let live: Vec<(CauseId, &BTreeSet<Key>)> = live.into_iter().map(|cause| (cause.id, &cause.keys)).collect();
        let joined = join(&live, &survey.runs_on, &keys);

        for (from, into) in &joined.merged {
            // Customers know of both: each incident needs its own end.
            if self.causes.get(from).is_some_and(Cause::is_published) {
                continue;
            }
            let Some(mut part) = self.causes.remove(from) else { continue };
            if let Some(whole) = self.causes.get_mut(into) {
                whole.absorb(&mut part, now);
                taken.touched.extend([*from, *into]);
                taken.merged.push((*from, *into));
            }
            self.causes.insert(*from, part);
        }
        let mut fresh: BTreeMap<usize, CauseId> = BTreeMap::new();
        for ((print, keys), place) in prints.into_iter().zip(keys).zip(joined.places) {
            let Some(alert) = self.alerts.get_mut(print) else { continue };
            let id = match place {
                Place::Known(id) => id,
                Place::New(n) => *fresh.entry(n).or_insert_with(|| CauseId(new_id())),
            };
            let cause = self.causes.entry(id).or_insert_with(|| {
                taken.opened.insert(id);
                Cause::begin(id, alert, &keys, now)
            });
            if survey.carries(alert.host, &cause.keys) {
                cause.title = alert.title.clone();
            }
            let (rule, components) = survey.judge(alert);
            cause.add(alert, keys, rule, components);
            cause.truncated = cause.truncated.max(truncated);
            taken.touched.insert(id);
        }
        for id in &taken.touched {
            if let Some(cause) = self.causes.get_mut(id) {
                if cause.state.is_live() {
                    cause.follow(now);
                }
                cause.last_at = now;
            }
        }
    }
}

impl Survey<'_> {
    fn first_sight(&self, source: Uuid, reported: &Reported, now: Instant, new_id: &mut dyn FnMut() -> Uuid) -> Alert {
        let (known, labels) = (&self.ground.known, &self.ground.labels);
        Alert {
            id: new_id().into(),
            source,
            fingerprint: reported.fingerprint.clone(),
            title: Name::nearest(&reported.title, "Alert"),
            grade: reported.grade,
            labels: reported.labels.clone(),
            group: reported.group.clone(),
            host: known.host(reported, labels),
            components: known.components(reported, labels),
            cause: None,
            // A clock that is ahead can not make it begin later than we heard of it.
            started_at: reported.started_at.map_or(now, |at| at.min(now)),
            first_seen_at: now,
            last_seen_at: now,
            seen: 1,
            ended_at: None,
            flaps: 0,
            link: reported.link.clone(),
        }
    }
}

impl Alert {
    fn end(&mut self, told: Option<Instant>, now: Instant) {
        self.ended_at = Some(told.unwrap_or(now).min(now).max(self.started_at));
        self.last_seen_at = now;
    }

    fn come_back(&mut self, now: Instant) {
        self.ended_at = None;
        self.flaps += 1;
        self.again(now);
    }

    fn again(&mut self, now: Instant) {
        self.seen += 1;
        self.last_seen_at = now;
    }
}

impl Cause {
    fn begin(id: CauseId, alert: &Alert, keys: &BTreeSet<Key>, now: Instant) -> Self {
        let maintenance = keys.iter().find_map(|key| if let Key::Window(work) = key { Some(*work) } else { None });
        Self {
            id,
            title: alert.title.clone(),
            state: if maintenance.is_some() { CauseState::Window } else { CauseState::Open },
            incident: None,
            incident_state: None,
            maintenance,
            merged_into: None,
            keys: BTreeSet::new(),
            components: BTreeMap::new(),
            rule: None,
            rank: LAST,
            plan: Plan::default(),
            alerts: 0,
            firing: 0,
            truncated: 0,
            started_at: alert.began_at(),
            first_at: now,
            last_at: now,
            quiet_at: None,
            publish_at: None,
            proposed_at: None,
            ended_at: None,
        }
    }

    fn add(&mut self, alert: &mut Alert, keys: BTreeSet<Key>, rule: Option<&Rule>, components: BTreeSet<ComponentId>) {
        alert.cause = Some(self.id);
        self.alerts += 1;
        self.firing += i64::from(alert.is_firing());
        self.started_at = self.started_at.min(alert.began_at());
        self.keys.extend(keys);
        let state = rule.and_then(|rule| rule.then.component_state).unwrap_or_else(|| rule::state_by(alert.grade));
        for component in components {
            let worst = self.components.entry(component).or_insert(state);
            *worst = state.max(*worst);
        }
        if let Some(rule) = rule {
            self.go_by(Some(rule.id), rule.position, &rule.then);
        }
    }

    /// The earliest of the rules of its alerts counts.
    fn go_by(&mut self, rule: Option<AlertRuleId>, rank: i64, plan: &Plan) {
        if rank < self.rank {
            self.rule = rule;
            self.rank = rank;
            self.plan = plan.clone();
            self.publish_at = None;
        }
    }

    /// Takes in what turned out to be part of it.
    pub(super) fn absorb(&mut self, part: &mut Self, now: Instant) {
        self.alerts += part.alerts;
        self.firing += part.firing;
        self.truncated = self.truncated.max(part.truncated);
        self.started_at = self.started_at.min(part.started_at);
        self.first_at = self.first_at.min(part.first_at);
        self.keys.extend(part.keys.iter().cloned());
        for (component, state) in &part.components {
            let worst = self.components.entry(*component).or_insert(*state);
            *worst = (*state).max(*worst);
        }
        self.go_by(part.rule, part.rank, &part.plan);
        part.state = CauseState::Merged;
        part.merged_into = Some(self.id);
        part.ended_at = Some(now);
        part.keys.clear();
        part.publish_at = None;
    }
}
