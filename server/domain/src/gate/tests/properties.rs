//! What must hold of every verdict, whatever the evidence.

use super::build::*;
use crate::drill::{DrillFact, DrillKind};
use crate::gate::{
    DataSetEvidence, Evidence, HostEvidence, HostNode, JobEvidence, Outcome, Purpose, RestoreEvidence, Scope, Topology,
    ask, blast_radius, missing,
};
use crate::ids::{DrillId, JobId};
use crate::policy::Policy;
use crate::run::{Run, RunState};
use crate::time::{Instant, Span};
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};

/// Carriers that exist; a job may also name one that does not.
const CARRIERS: u128 = 3;

fn any_state() -> impl Strategy<Value = RunState> {
    prop_oneof![
        5 => Just(RunState::Succeeded),
        1 => Just(RunState::Warning),
        1 => Just(RunState::Failed),
        1 => Just(RunState::Running),
        1 => Just(RunState::Lost),
    ]
}

/// A run within three days, seldom ahead of us; coarse times, so that edges meet.
fn any_run(job: u128) -> impl Strategy<Value = Run> {
    (any::<u32>(), any_state(), -288_i64..=1, -1_i64..12, 0_u8..40, -1_i64..3).prop_map(
        move |(id, state, quarters, length, odd, heard)| {
            let started_at = now() + TimeDelta::minutes(15 * quarters);
            let mut run = run(u128::from(id), job, state, started_at, 15 * length);
            run.received_at += TimeDelta::minutes(15 * heard.max(0));
            run.dry_run = odd == 0;
            run.partial = odd == 1;
            run.clock_fault = odd == 2;
            if odd == 3 {
                run.received_at = started_at - TimeDelta::minutes(10);
            }
            run
        },
    )
}

fn any_job(n: u128, data_set: u128) -> impl Strategy<Value = JobEvidence> {
    let carrier = prop_oneof![2 => Just(None), 2 => (0..=CARRIERS).prop_map(Some)];
    (carrier, 0_u8..10, 0_u8..20, prop::collection::vec(any_run(n), 0..5)).prop_map(
        move |(carrier, off, retired, runs)| {
            let mut job = job(n, data_set, "job");
            job.carried_by = carrier.map(|c| job_id(1000 + c));
            job.enabled = off != 0;
            job.retired_at = (retired == 0).then(now);
            JobEvidence { job, runs }
        },
    )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (1_i64..60, 1_i64..12, any::<bool>()).prop_map(|(schedule, start, warnings_are_good)| Policy {
        schedule_max_age: Span::hours(schedule),
        start_max_age: Span::hours(start),
        warnings_are_good,
        ..Policy::default()
    })
}

fn any_data_set(n: u128, host: u128) -> impl Strategy<Value = DataSetEvidence> {
    (any_job(10 * n, n), any_job(10 * n + 1, n), 0_usize..3, 0_u8..20).prop_map(move |(a, b, jobs, retired)| {
        let mut set = data_set(n, host, "data", [a, b].into_iter().take(jobs).collect());
        set.data_set.retired_at = (retired == 0).then(now);
        set
    })
}

fn any_host(n: u128) -> impl Strategy<Value = HostEvidence> {
    (any_data_set(10 * n, n), any_data_set(10 * n + 1, n), 0_u8..8, any_policy(), 0_u8..6).prop_map(
        move |(a, b, sets, policy, exempted)| {
            let mut host = host(n, "host", [a, b].into_iter().take((sets as usize).div_ceil(3).min(2)).collect());
            host.policy = policy;
            host.exemption = (exempted == 0).then(|| exempt("nothing on it", "Ada")).flatten();
            host
        },
    )
}

/// What is known of restores of the two hosts and their data sets.
pub(super) fn any_restore() -> impl Strategy<Value = RestoreEvidence> {
    let drill = (any::<u32>(), 1_u128..=2, 0_u128..3, 1_i64..100, 1_i64..100_000, prop::option::of(0_i64..5000));
    let drill = drill.prop_map(|(id, host, set, bytes, elapsed, startup)| DrillFact {
        id: DrillId(uuid::Uuid::from_u128(u128::from(id))),
        host: host_id(host),
        data_set: set.checked_sub(1).map(|n| set_id(10 * host + n)),
        kind: DrillKind::Restore,
        finished_at: now() - TimeDelta::minutes(i64::from(id % 500_000)),
        bytes: Some(bytes),
        elapsed: Some(Span::seconds(elapsed)),
        startup: startup.map(Span::seconds),
    });
    (prop::option::of(1_i64..20_000), prop::collection::vec(drill, 0..8))
        .prop_map(|(window, drills)| RestoreEvidence { window: window.map(Span::seconds), drills })
}

fn any_carrier(n: u128) -> impl Strategy<Value = (JobEvidence, Policy)> {
    (prop::collection::vec(any_run(1000 + n), 0..5), 0_u8..12, any_policy()).prop_map(move |(runs, odd, policy)| {
        let mut job = job(1000 + n, 9000 + n, "carrier");
        job.enabled = odd != 0;
        job.retired_at = (odd == 1).then(now);
        job.carried_by = (odd == 2).then(|| job_id(5000));
        (JobEvidence { job, runs }, policy)
    })
}

prop_compose! {
    pub(super) fn any_evidence()(
        hosts in (any_host(1), any_host(2)),
        count in 0_usize..=2,
        carriers in (any_carrier(0), any_carrier(1), any_carrier(2)),
        restore in prop::option::of(any_restore()),
    ) -> Evidence {
        Evidence {
            hosts: [hosts.0, hosts.1].into_iter().take(count).collect(),
            carriers: [carriers.0, carriers.1, carriers.2].into(),
            restore,
            ..Evidence::default()
        }
    }
}

fn any_purpose() -> impl Strategy<Value = Purpose> {
    prop_oneof![Just(Purpose::Schedule), Just(Purpose::Start)]
}

pub(super) fn whole(evidence: &Evidence) -> Scope {
    Scope { hosts: evidence.hosts.iter().map(|host| host.id).collect(), ..Scope::default() }
}

/// The same world with fewer things wrong, so that the gate opens often enough
/// for the properties of an open gate to be tried.
pub(super) fn mended(mut evidence: Evidence) -> Evidence {
    for host in &mut evidence.hosts {
        host.data_sets.retain(|set| set.data_set.retired_at.is_none());
        if host.data_sets.is_empty() {
            host.exemption = exempt("nothing on it", "Ada");
        }
        for set in &mut host.data_sets {
            if set.jobs.is_empty() {
                set.jobs.push(JobEvidence { job: job(1, 0, "new"), runs: vec![] });
            }
            let first = &mut set.jobs[0];
            first.job.data_set_id = set.data_set.id;
            first.job.enabled = true;
            first.job.retired_at = None;
            let id = 40_000 + first.runs.len() as u128;
            let mut good = run(id, 1, RunState::Succeeded, now() - TimeDelta::minutes(75), 15);
            good.job_id = first.job.id;
            first.runs.push(good);
        }
    }
    for (carrier, _) in &mut evidence.carriers {
        carrier.job.enabled = true;
        carrier.job.retired_at = None;
        carrier.job.carried_by = None;
        let mut good = run(50_000, 1, RunState::Succeeded, now() - TimeDelta::minutes(45), 15);
        good.job_id = carrier.job.id;
        carrier.runs.push(good);
    }
    evidence
}

/// All runs of the evidence, those of carriers too.
fn runs_mut(evidence: &mut Evidence) -> Vec<&mut Vec<Run>> {
    let own = evidence.hosts.iter_mut().flat_map(|h| &mut h.data_sets).flat_map(|d| &mut d.jobs);
    own.chain(evidence.carriers.iter_mut().map(|(c, _)| c)).map(|j| &mut j.runs).collect()
}

/// What PRODUCT says of the gate, once more, by trying every pair: the reasons
/// as `host/data set/code/job`.
fn by_trying(now: Instant, purpose: Purpose, evidence: &Evidence) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if evidence.hosts.is_empty() {
        found.insert("nothing_named".to_owned());
    }
    for host in evidence.hosts.iter().filter(|host| host.exemption.is_none()) {
        let sets: Vec<_> = host.data_sets.iter().filter(|d| d.data_set.retired_at.is_none()).collect();
        if sets.is_empty() {
            found.insert(format!("{}/no_data_set", host.id));
        }
        for set in sets {
            let limit = match purpose {
                Purpose::Schedule => host.policy.schedule_max_age,
                Purpose::Start => host.policy.start_max_age,
            };
            let jobs: Vec<_> = set.jobs.iter().filter(|j| j.job.retired_at.is_none()).collect();
            let mut protected = false;
            let mut of_set = Vec::new();
            for j in &jobs {
                let (cut_offs, codes) = by_trying_job(now, limit, j, &host.policy, evidence);
                protected |= cut_offs.iter().any(|at| now - *at < limit.delta());
                of_set.extend(codes);
            }
            if jobs.is_empty() {
                of_set.push("no_job".to_owned());
            }
            if !protected {
                found.extend(of_set.into_iter().map(|code| format!("{}/{}/{code}", host.id, set.data_set.id)));
            }
        }
    }
    found
}

fn impossible(run: &Run, now: Instant) -> bool {
    let tolerance = TimeDelta::minutes(5);
    run.clock_fault
        || run.started_at - run.received_at > tolerance
        || run.started_at - now > tolerance
        || run.finished_at.is_some_and(|end| end - now > tolerance || end < run.started_at)
}

fn by_trying_job(
    now: Instant,
    limit: Span,
    j: &JobEvidence,
    policy: &Policy,
    evidence: &Evidence,
) -> (Vec<Instant>, Vec<String>) {
    let fine = |run: &Run, policy: &Policy| {
        (run.state == RunState::Succeeded || run.state == RunState::Warning && policy.warnings_are_good)
            && !run.dry_run
            && !run.partial
            && run.finished_at.is_some()
    };
    let newest = |j: &JobEvidence, policy: &Policy| {
        let mut codes = Vec::new();
        let mut runs: Vec<&Run> = j.runs.iter().filter(|r| !r.dry_run && !impossible(r, now)).collect();
        runs.sort_by_key(|r| (r.started_at, r.received_at, r.id));
        if let Some(last) = runs.last() {
            let over = now - last.started_at >= j.job.max_duration.delta();
            match last.state {
                RunState::Failed | RunState::Lost => codes.push(format!("last_run_failed/{}", j.job.id)),
                RunState::Running if over => codes.push(format!("last_run_failed/{}", j.job.id)),
                RunState::Running => codes.push(format!("still_running/{}", j.job.id)),
                RunState::Succeeded | RunState::Warning => {}
            }
        }
        let wrong = |r: &&Run| impossible(r, now) && fine(r, policy) && now - r.received_at < limit.delta();
        if j.runs.iter().any(|r| wrong(&r)) {
            codes.push(format!("clock_in_future/{}", j.job.id));
        }
        codes
    };
    let id: JobId = j.job.id;
    if !j.job.enabled {
        return (vec![], vec![format!("job_disabled/{id}")]);
    }
    let mut codes = newest(j, policy);
    let never = j.runs.is_empty();
    let good: Vec<&Run> = j.runs.iter().filter(|r| fine(r, policy) && !impossible(r, now)).collect();
    let Some(carrier_id) = j.job.carried_by else {
        codes.push(if never { format!("never_ran/{id}") } else { format!("too_old/{id}") });
        return (good.iter().map(|r| r.started_at).collect(), codes);
    };
    let carrier = evidence.carriers.iter().find(|(c, _)| c.job.id == carrier_id);
    let Some((carrier, carrier_policy)) =
        carrier.filter(|(c, _)| c.job.retired_at.is_none() && c.job.carried_by.is_none())
    else {
        codes.push(format!("job_unknown/{id}"));
        codes.extend(never.then(|| format!("never_ran/{id}")));
        return (vec![], codes);
    };
    if !carrier.job.enabled {
        codes.push(format!("job_disabled/{carrier_id}"));
        codes.extend(never.then(|| format!("never_ran/{id}")));
        return (vec![], codes);
    }
    codes.extend(newest(carrier, carrier_policy));
    let mut cut_offs = Vec::new();
    for d in &good {
        for f in carrier.runs.iter().filter(|r| fine(r, carrier_policy) && !impossible(r, now)) {
            if d.finished_at.unwrap() <= f.started_at {
                cut_offs.push(d.started_at);
            }
        }
    }
    let best = cut_offs.iter().max();
    if good.iter().any(|d| best.is_none_or(|at| d.started_at > *at)) {
        codes.push(format!("not_carried/{id}"));
    } else {
        codes.push(if never { format!("never_ran/{id}") } else { format!("too_old/{id}") });
        codes.extend(carrier.runs.is_empty().then(|| format!("never_ran/{carrier_id}")));
    }
    (cut_offs, codes)
}

fn listed(verdict: &crate::gate::Verdict) -> Vec<String> {
    verdict
        .reasons()
        .iter()
        .map(|f| {
            let mut text = String::new();
            for part in [f.host.map(|id| id.to_string()), f.data_set.map(|id| id.to_string())].into_iter().flatten() {
                text += &part;
                text += "/";
            }
            text += f.reason.code();
            if let Some(job) = f.reason.job() {
                text += &format!("/{job}");
            }
            text
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_verdict_names_every_reason_and_no_other(evidence in any_evidence(), purpose in any_purpose()) {
        let verdict = ask(now(), purpose, &whole(&evidence), &evidence);
        let listed = listed(&verdict);
        let set: BTreeSet<String> = listed.iter().cloned().collect();
        prop_assert_eq!(set.len(), listed.len(), "a reason twice: {:?}", listed);
        prop_assert_eq!(&set, &by_trying(now(), purpose, &evidence));
        prop_assert_eq!(verdict.is_confirmed(), set.is_empty());
    }

    #[test]
    fn adding_good_evidence_never_closes_it(
        evidence in any_evidence(),
        mend in any::<bool>(),
        purpose in any_purpose(),
        which in any::<Index>(),
        quarters in 0_i64..200,
        length in 0_i64..8,
    ) {
        let evidence = if mend { mended(evidence) } else { evidence };
        let before = ask(now(), purpose, &whole(&evidence), &evidence);
        let mut more = evidence.clone();
        let job = {
            let own = evidence.hosts.iter().flat_map(|h| &h.data_sets).flat_map(|d| &d.jobs);
            let jobs: Vec<JobId> = own.chain(evidence.carriers.iter().map(|(c, _)| c)).map(|j| j.job.id).collect();
            jobs[which.index(jobs.len())]
        };
        let end = now() - TimeDelta::minutes(15 * quarters);
        let mut good = run(77_777, 0, RunState::Succeeded, end - TimeDelta::minutes(15 * length), 15 * length);
        good.job_id = job;
        let mut lists = runs_mut(&mut more);
        let index = which.index(lists.len());
        lists[index].push(good);
        let after = ask(now(), purpose, &whole(&more), &more);
        if before.is_confirmed() {
            prop_assert!(after.is_confirmed(), "{:?}", after.reasons());
            prop_assert!(after.until() >= before.until());
        }
        prop_assert!(after.protections.iter().zip(&before.protections).all(|(a, b)| a.cut_off >= b.cut_off));
    }

    #[test]
    fn time_passing_never_opens_it(
        evidence in any_evidence(),
        mend in any::<bool>(),
        purpose in any_purpose(),
        minutes in 0_i64..3000,
    ) {
        // What is recorded was heard of, and judged, before the gate was asked.
        let mut evidence = if mend { mended(evidence) } else { evidence };
        for run in runs_mut(&mut evidence).into_iter().flatten() {
            run.clock_fault |= run.clock_fault_at(now()).is_some();
        }
        let scope = whole(&evidence);
        let now_answer = ask(now(), purpose, &scope, &evidence);
        let later = ask(now() + TimeDelta::minutes(minutes), purpose, &scope, &evidence);
        prop_assert!(now_answer.is_confirmed() || !later.is_confirmed());
        if let (Some(until), Some(later)) = (now_answer.until(), later.until()) {
            prop_assert_eq!(until, later);
        }
    }

    #[test]
    fn until_is_exact(evidence in any_evidence(), mend in prop::bool::weighted(0.8), purpose in any_purpose()) {
        let evidence = if mend { mended(evidence) } else { evidence };
        let scope = whole(&evidence);
        let verdict = ask(now(), purpose, &scope, &evidence);
        match verdict.outcome {
            Outcome::Confirmed { until: Some(until) } => {
                prop_assert!(until > now());
                // Ahead of us, what was not believed would be; nothing else may change before.
                let mut evidence = evidence;
                for run in runs_mut(&mut evidence).into_iter().flatten() {
                    run.clock_fault |= run.clock_fault_at(now()).is_some();
                }
                let just_before = ask(until - TimeDelta::milliseconds(1), purpose, &scope, &evidence);
                prop_assert!(just_before.is_confirmed());
                prop_assert!(verdict.holds_at(until - TimeDelta::milliseconds(1)) && !verdict.holds_at(until));
                prop_assert!(!ask(until, purpose, &scope, &evidence).is_confirmed());
            }
            Outcome::Confirmed { until: None } => {
                prop_assert!(verdict.protections.is_empty());
            }
            Outcome::Blocked { .. } => {}
            Outcome::Overridden { .. } => prop_assert!(false, "only people override"),
        }
    }

    #[test]
    fn not_knowing_never_opens_it(
        evidence in any_evidence(),
        mend in any::<bool>(),
        purpose in any_purpose(),
        what in 0_u8..7,
        which in any::<Index>(),
    ) {
        let evidence = if mend { mended(evidence) } else { evidence };
        let scope = whole(&evidence);
        let before = ask(now(), purpose, &scope, &evidence);
        let topology = Topology {
            hosts: evidence.hosts.iter().map(|h| HostNode { id: h.id, runs_on: None }).collect(),
            behind: vec![],
        };
        let mut less = evidence.clone();
        match what {
            0 => {
                let mut lists = runs_mut(&mut less);
                let list = which.index(lists.len());
                if !lists[list].is_empty() {
                    let run = which.index(lists[list].len());
                    lists[list].remove(run);
                }
            }
            1 => {
                for runs in runs_mut(&mut less) {
                    runs.clear();
                }
            }
            2 => {
                less.carriers.remove(which.index(less.carriers.len()));
            }
            3 => {
                for set in less.hosts.iter_mut().flat_map(|h| &mut h.data_sets) {
                    if !set.jobs.is_empty() {
                        set.jobs.remove(which.index(set.jobs.len()));
                    }
                }
            }
            4 => {
                for host in &mut less.hosts {
                    host.data_sets.clear();
                }
            }
            5 => {
                for host in &mut less.hosts {
                    host.exemption = None;
                }
            }
            _ => {
                if !less.hosts.is_empty() {
                    less.hosts.remove(which.index(less.hosts.len()));
                }
                less = Evidence::assemble(&scope, &topology, less.hosts, less.carriers, &BTreeMap::new());
            }
        }
        prop_assert!(before.is_confirmed() || !ask(now(), purpose, &scope, &less).is_confirmed());
    }

    #[test]
    fn the_blast_radius_is_what_reaches_down_to_a_name(
        edges in prop::collection::vec((0_u128..12, prop::option::of(0_u128..12)), 0..24),
        behind in prop::collection::vec((0_u128..4, 0_u128..12), 0..6),
        named in prop::collection::btree_set(0_u128..12, 0..4),
        components in prop::collection::btree_set(0_u128..4, 0..3),
        more in 0_u128..12,
    ) {
        let topology = Topology {
            hosts: edges.iter().map(|(id, on)| HostNode { id: host_id(*id), runs_on: on.map(host_id) }).collect(),
            behind: behind.iter().map(|(c, h)| (component_id(*c), host_id(*h))).collect(),
        };
        let scope = Scope {
            hosts: named.iter().copied().map(host_id).collect(),
            components: components.iter().copied().map(component_id).collect(),
        };
        let radius = blast_radius(&scope, &topology);

        // Again, by passing the news on until nobody hears anything new.
        let mut expected: BTreeSet<_> = scope.hosts.clone();
        expected.extend(topology.behind.iter().filter(|(c, _)| scope.components.contains(c)).map(|(_, h)| *h));
        for _ in 0..=topology.hosts.len() {
            let hit: Vec<_> = topology
                .hosts
                .iter()
                .filter(|h| h.runs_on.is_some_and(|on| expected.contains(&on)))
                .map(|h| h.id)
                .collect();
            expected.extend(hit);
        }
        prop_assert_eq!(&radius, &expected);

        let mut wider = scope.clone();
        wider.hosts.insert(host_id(more));
        prop_assert!(blast_radius(&wider, &topology).is_superset(&radius));
        let mut bigger = topology.clone();
        bigger.hosts.push(HostNode { id: host_id(more), runs_on: scope.hosts.first().copied() });
        prop_assert!(blast_radius(&scope, &bigger).is_superset(&radius));
    }
}

#[test]
fn the_generator_opens_the_gate_often_enough() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut open = [0, 0];
    for _ in 0..400 {
        let evidence = any_evidence().new_tree(&mut runner).unwrap().current();
        for (n, evidence) in [evidence.clone(), mended(evidence)].into_iter().enumerate() {
            if ask(now(), Purpose::Schedule, &whole(&evidence), &evidence).until().is_some() {
                open[n] += 1;
            }
        }
    }
    assert!(open[0] > 4 && open[1] > 150, "{open:?}");
}

/// The evidence after the missing runs have been made, one after the other, each in a second.
fn made(mut evidence: Evidence, jobs: &[JobId]) -> Evidence {
    for (n, id) in (0_i64..).zip(jobs) {
        let started_at = now() + TimeDelta::seconds(n);
        let own = evidence.hosts.iter_mut().flat_map(|host| &mut host.data_sets).flat_map(|set| &mut set.jobs);
        for job in own.chain(evidence.carriers.iter_mut().map(|(job, _)| job)).filter(|job| job.job.id == *id) {
            let mut run = run(70_000, 0, RunState::Succeeded, started_at, 1);
            run.id = crate::ids::RunId(uuid::Uuid::from_u128(70_000 + u128::from(n.unsigned_abs())));
            run.job_id = *id;
            run.finished_at = Some(started_at + TimeDelta::seconds(1));
            job.runs.push(run);
        }
    }
    evidence
}

proptest! {
    #[test]
    fn the_missing_runs_open_the_gate_as_far_as_runs_can(evidence in any_evidence(), purpose in any_purpose()) {
        let scope = whole(&evidence);
        let jobs: Vec<JobId> = missing(now(), purpose, &scope, &evidence, None).iter().map(|m| m.job).collect();
        let distinct: BTreeSet<JobId> = jobs.iter().copied().collect();
        prop_assert_eq!(distinct.len(), jobs.len(), "each job is asked for once");
        let after = made(evidence.clone(), &jobs);
        // Asked a second time, nothing that can run is missing any more.
        prop_assert_eq!(missing(now(), purpose, &scope, &after, None), []);
        let verdict = ask(now(), purpose, &scope, &after);
        for host in &after.hosts {
            for set in &host.data_sets {
                let usable = |job: &JobEvidence| {
                    let in_use = |job: &JobEvidence| job.job.enabled && job.job.retired_at.is_none();
                    in_use(job) && job.job.carried_by.is_none_or(|carrier| {
                        after.carriers.iter().any(|(c, _)| c.job.id == carrier && c.job.carried_by.is_none() && in_use(c))
                    })
                };
                let asked = verdict.protections.iter().find(|p| p.data_set == set.data_set.id);
                if let Some(protection) = asked && set.jobs.iter().any(usable) {
                    prop_assert!(protection.ok, "{:?} by {:?}", protection, jobs);
                }
            }
        }
    }
}
