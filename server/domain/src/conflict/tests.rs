#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::gate::HostNode;
use crate::maintenance::{Planned, Reminders};
use crate::text::Prose;
use crate::time::testing::FixedRules;
use proptest::prelude::*;
use uuid::Uuid;

const HOSTS: u128 = 6;

fn host(n: u128) -> HostId {
    HostId(Uuid::from_u128(n))
}

fn at(minutes: i64) -> Instant {
    Span::minutes(minutes).after("2026-10-25T00:00:00Z".parse().unwrap())
}

fn stretch(from: i64, long: i64) -> Stretch {
    Stretch::new(at(from), at(from + long))
}

fn work(hosts: &[u128], when: Stretch) -> Work {
    Work { stretch: when, hosts: hosts.iter().copied().map(host).collect(), components: BTreeSet::new() }
}

fn other(n: u128, work: Work) -> OtherWork {
    OtherWork { id: MaintenanceId(Uuid::from_u128(n)), number: 7, title: format!("Work {n}"), work }
}

fn group(n: u128, hosts: &[u128], force: Force) -> (RedundancyGroup, Force) {
    let group = RedundancyGroup {
        id: RedundancyGroupId(Uuid::from_u128(n)),
        name: Name::parse(&format!("group {n}")).unwrap(),
        hosts: hosts.iter().copied().map(host).collect(),
        force: None,
        version: 1,
    };
    (group, force)
}

fn freeze(n: u128, only: Option<&[u128]>, force: Force, when: Stretch) -> FrozenTime {
    FrozenTime {
        freeze: FreezeId(Uuid::from_u128(n)),
        name: format!("freeze {n}"),
        force,
        only: only.map(|hosts| (hosts.iter().copied().map(host).collect(), BTreeSet::new())),
        stretch: when,
    }
}

fn backup(n: u128, on: u128, when: Stretch) -> BackupTime {
    BackupTime {
        job: JobId(Uuid::from_u128(n)),
        host: host(on),
        place: format!("job {n}"),
        stretch: when,
        running: false,
    }
}

fn around() -> Surroundings {
    Surroundings { groups: vec![group(1, &[1, 2], Force::Block)], ..Surroundings::default() }
}

fn codes(work: &Work, around: &Surroundings) -> Vec<&'static str> {
    conflicts(work, around).iter().map(Conflict::code).collect()
}

#[test]
fn members_of_a_group_are_not_worked_on_at_the_same_time() {
    let busy = Surroundings { others: vec![other(9, work(&[2], stretch(0, 60)))], ..around() };
    assert_eq!(codes(&work(&[1], stretch(30, 60)), &busy), ["redundancy"]);
    // Windows that touch do not overlap.
    assert!(codes(&work(&[1], stretch(60, 60)), &busy).is_empty());
    assert!(codes(&work(&[1], stretch(-60, 60)), &busy).is_empty());
    // The very same host is worked on once more, the other one stays.
    assert_eq!(codes(&work(&[2], stretch(30, 60)), &busy), ["same_hosts"]);
    assert_eq!(codes(&work(&[1, 2], stretch(30, 60)), &busy), ["redundancy", "same_hosts"]);
    assert!(codes(&work(&[3], stretch(30, 60)), &busy).is_empty());
}

#[test]
fn all_conflicts_are_named_and_what_blocks_comes_first() {
    let busy = Surroundings {
        others: vec![other(9, work(&[2], stretch(0, 60)))],
        freezes: vec![
            freeze(1, Some(&[1]), Force::Warn, stretch(0, 600)),
            freeze(2, None, Force::Block, stretch(0, 600)),
            freeze(3, Some(&[5]), Force::Block, stretch(0, 600)),
        ],
        backups: vec![backup(1, 1, stretch(50, 30)), backup(1, 1, stretch(10, 30)), backup(2, 5, stretch(10, 30))],
        names: BTreeMap::from([(host(1), "web-1".to_owned()), (host(2), "web-2".to_owned())]),
        ..around()
    };
    let found = conflicts(&work(&[1], stretch(0, 120)), &busy);
    let told: Vec<(&str, Force)> = found.iter().map(|c| (c.code(), c.force())).collect();
    let block = Force::Block;
    assert_eq!(told, [("redundancy", block), ("freeze", block), ("freeze", Force::Warn), ("backup", Force::Warn)]);
    assert_eq!(leave(&found), Leave::Refused);
    assert_eq!(leave(&found[2..]), Leave::WithReason);
    assert_eq!(leave(&found[3..]), Leave::Free);
    // The first time of the backup that is in the way.
    assert_eq!(found[3].stretch(), stretch(10, 30));
    assert_eq!(
        found[0].sentence(&FixedRules, "UTC"),
        "“Work 9” touches web-2 (Sun 25 Oct 2026, 00:00–01:00 UTC), this work touches web-1. Only one of them may be \
         worked on at a time. Choose another time."
    );
    assert_eq!(summary(&found[1..3]), "2 conflicts: Freeze: freeze 2; Freeze: freeze 1.");
}

#[test]
fn the_hour_that_comes_twice_is_two_hours() {
    // 02:30 CEST and 02:30 CET on the night the clocks go back in Berlin.
    let busy = Surroundings { freezes: vec![freeze(1, None, Force::Block, stretch(0, 60))], ..around() };
    assert_eq!(codes(&work(&[1], stretch(30, 20)), &busy), ["freeze"]);
    assert!(codes(&work(&[1], stretch(90, 20)), &busy).is_empty());
}

fn window(state: State) -> Maintenance {
    Maintenance {
        id: MaintenanceId(Uuid::from_u128(1)),
        number: 1,
        title: Name::parse("Replace a disk").unwrap(),
        message: Prose::default(),
        state,
        planned: Planned {
            zone: "UTC".to_owned(),
            local_start: at(0).naive_utc(),
            start_fold: None,
            starts_at: at(0),
            ends_at: at(60),
            latest_end_at: at(240),
        },
        hosts: vec![],
        components: vec![],
        auto_start: true,
        auto_complete: true,
        checklist: vec![],
        done_anyway: None,
        reminders: Reminders::AsSite,
        sequence: 0,
        published_at: None,
        held_at: None,
        started_at: state.is_under_way().then(|| at(-5)),
        ended_at: None,
        day_check_at: None,
        lead_check_at: None,
        next_due_at: None,
        created_by: None,
        created_at: at(-600),
        updated_at: at(-600),
        version: 1,
    }
}

#[test]
fn a_window_takes_up_the_time_in_which_work_may_be_done() {
    let taken = |state| taken_up(&window(state), at(90));
    assert_eq!(taken(State::Scheduled), Some(stretch(0, 60)));
    assert_eq!(taken(State::Held), Some(stretch(0, 240)));
    // Nobody has said that it is over.
    assert_eq!(taken(State::InProgress), Some(Stretch::new(at(-5), at(91))));
    assert_eq!(taken(State::Verifying), taken(State::InProgress));
    for state in [State::Draft, State::Postponed, State::Completed, State::Cancelled] {
        assert_eq!(taken(state), None);
    }
}

#[test]
fn everything_that_runs_on_a_host_is_taken_up_with_it() {
    let topology = Topology { hosts: vec![HostNode { id: host(2), runs_on: Some(host(3)) }], behind: vec![] };
    let scope = Scope { hosts: BTreeSet::from([host(3)]), components: BTreeSet::new() };
    let below = other(9, Work::of(&scope, stretch(0, 60), &topology));
    let busy = Surroundings { others: vec![below], ..around() };
    assert_eq!(codes(&work(&[1], stretch(0, 60)), &busy), ["redundancy"]);
}

fn some_hosts() -> impl Strategy<Value = BTreeSet<HostId>> {
    prop::collection::btree_set((0..HOSTS).prop_map(host), 0..4)
}

fn some_time() -> impl Strategy<Value = Stretch> {
    (0..400_i64, 0..200_i64).prop_map(|(from, long)| stretch(from, long))
}

fn some_work() -> impl Strategy<Value = Work> {
    (some_hosts(), some_time()).prop_map(|(hosts, stretch)| Work { stretch, hosts, components: BTreeSet::new() })
}

fn some_force() -> impl Strategy<Value = Force> {
    prop::sample::select(Force::ALL.to_vec())
}

prop_compose! {
    fn surroundings()(
        groups in prop::collection::vec((some_hosts(), some_force()), 0..3),
        others in prop::collection::vec(some_work(), 0..4),
        freezes in prop::collection::vec((prop::option::of(some_hosts()), some_force(), some_time()), 0..3),
        backups in prop::collection::vec((0..4_u128, 0..HOSTS, some_time()), 0..5),
    ) -> Surroundings {
        let id = |n: usize| n as u128;
        Surroundings {
            groups: groups.into_iter().enumerate().map(|(n, (hosts, force))| {
                let (mut group, force) = group(id(n), &[], force);
                group.hosts = hosts;
                (group, force)
            }).collect(),
            others: others.into_iter().enumerate().map(|(n, work)| other(id(n), work)).collect(),
            freezes: freezes.into_iter().enumerate().map(|(n, (only, force, when))| FrozenTime {
                only: only.map(|hosts| (hosts, BTreeSet::new())),
                ..freeze(id(n), None, force, when)
            }).collect(),
            backups: backups.into_iter().map(|(n, on, when)| backup(n, on, when)).collect(),
            names: BTreeMap::new(),
        }
    }
}

proptest! {
    #[test]
    fn two_windows_see_each_other_alike(a in some_work(), b in some_work(), groups in prop::collection::vec((some_hosts(), some_force()), 0..3)) {
        let groups: Vec<_> = groups.into_iter().enumerate().map(|(n, (hosts, force))| {
            let (mut group, force) = group(n as u128, &[], force);
            group.hosts = hosts;
            (group, force)
        }).collect();
        let seen = |own: &Work, of: &Work| {
            let around = Surroundings { groups: groups.clone(), others: vec![other(1, of.clone())], ..Surroundings::default() };
            conflicts(own, &around).iter().map(|c| (c.code(), c.force())).collect::<Vec<_>>()
        };
        prop_assert_eq!(seen(&a, &b), seen(&b, &a));
    }

    #[test]
    fn more_scope_and_more_time_never_lose_a_conflict(work in some_work(), more in some_hosts(), before in 0..60_i64, after in 0..60_i64, around in surroundings()) {
        let found = conflicts(&work, &around);
        let bigger = Work {
            stretch: Stretch::new(Span::minutes(before).before(work.stretch.from), Span::minutes(after).after(work.stretch.to)),
            hosts: work.hosts.union(&more).copied().collect(),
            components: work.components.clone(),
        };
        let all = conflicts(&bigger, &around);
        for conflict in &found {
            prop_assert!(all.iter().any(|other| other.is_same_as(conflict)), "{conflict:?} is lost in {all:?}");
        }
    }

    #[test]
    fn what_does_not_overlap_is_not_in_the_way(work in some_work(), around in surroundings()) {
        for conflict in conflicts(&work, &around) {
            prop_assert!(conflict.stretch().overlaps(&work.stretch));
        }
    }
}
