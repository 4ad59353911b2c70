#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::gate::HostNode;
use crate::ids::HostId;
use crate::time::parse_local;
use crate::time::testing::FixedRules;
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

fn time(zone: &str, start: &str, end: &str) -> Result<FreezeTime, FreezeError> {
    FreezeTime::read(&FixedRules, zone, parse_local(start).unwrap(), parse_local(end).unwrap())
}

fn imported(zone: &str, start: &str, end: &str) -> FreezeTime {
    FreezeTime::imported(&FixedRules, zone, parse_local(start).unwrap(), parse_local(end).unwrap()).unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn freeze(uid: &str, times: Vec<FreezeTime>) -> Freeze {
    Freeze {
        id: FreezeId(Uuid::from_u128(1)),
        name: Name::parse("Christmas trade").unwrap(),
        only: None,
        force: Force::Block,
        source: Some(Source { calendar: Name::parse("Shop").unwrap(), uid: uid.to_owned() }),
        times,
        version: 1,
    }
}

fn incoming(uid: &str, times: Vec<FreezeTime>) -> Incoming {
    Incoming { uid: uid.to_owned(), name: Name::parse("Christmas trade").unwrap(), times }
}

#[test]
fn a_freeze_covers_both_of_two_times_and_is_asked_back_where_there_is_none() {
    let fold = time("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 02:45").unwrap();
    assert_eq!(fold.stretch, Stretch::new(at("2026-10-25T00:30:00Z"), at("2026-10-25T01:45:00Z")));
    let gap = time("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 06:00").unwrap_err();
    assert_eq!(gap.field(), FreezeField::Start);
    assert_eq!(
        gap.to_string(),
        "29 Mar 2026, 02:30 does not exist in Europe/Berlin: the clocks go forward. Choose 01:59 or 03:00."
    );
    assert_eq!(time("UTC", "2026-01-02 00:00", "2026-01-02 00:00"), Err(FreezeError::EndNotAfterStart));
    assert_eq!(time("UTC", "2026-01-01 00:00", "2028-01-01 00:00"), Err(FreezeError::TooLong));
    assert!(matches!(time("Mars", "2026-01-01 00:00", "2026-01-02 00:00"), Err(FreezeError::Zone(_))));
}

#[test]
fn a_day_of_a_calendar_begins_with_the_first_instant_there_is() {
    let cairo = imported("Africa/Cairo", "2026-04-24 00:00", "2026-04-25 00:00");
    assert_eq!(cairo.stretch, Stretch::new(at("2026-04-23T22:00:00Z"), at("2026-04-24T21:00:00Z")));
}

#[test]
fn a_freeze_of_a_host_holds_for_what_runs_on_it() {
    let host = |n| HostId(Uuid::from_u128(n));
    let topology = Topology { hosts: vec![HostNode { id: host(2), runs_on: Some(host(1)) }], behind: vec![] };
    let only = Some(Scope { hosts: BTreeSet::from([host(1)]), components: BTreeSet::new() });
    let day = time("UTC", "2026-12-24 00:00", "2026-12-25 00:00").unwrap();
    let freeze = Freeze { only, ..freeze("a", vec![day.clone()]) };
    let frozen: Vec<FrozenTime> = freeze.frozen(day.stretch, &topology).collect();
    assert_eq!(frozen[0].only.as_ref().unwrap().0, BTreeSet::from([host(1), host(2)]));
    let touching = Stretch::new(day.stretch.to, Span::hours(1).after(day.stretch.to));
    assert_eq!(freeze.frozen(touching, &topology).count(), 0);
}

#[test]
fn importing_tells_what_is_new_different_gone_and_the_same() {
    let day = |n: u32| imported("UTC", &format!("2026-12-{n:02} 00:00"), &format!("2026-12-{:02} 00:00", n + 1));
    let read = Stretch::new(at("2026-12-10T12:00:00Z"), at("2028-12-01T00:00:00Z"));
    let stored = vec![
        freeze("same", vec![day(9), day(20)]),
        freeze("moved", vec![day(3), day(21)]),
        freeze("gone", vec![day(22)]),
        freeze("over", vec![day(1)]),
    ];
    let file = vec![
        incoming("same", vec![day(20)]),
        incoming("moved", vec![day(23)]),
        incoming("new", vec![day(24)]),
        incoming("old", vec![day(2)]),
    ];
    let told = compare(&stored, file, None, Force::Block, read, &BTreeSet::new());
    assert_eq!(told.added.iter().map(|entry| entry.uid.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(told.changed[0].after.times, [day(3), day(23)]);
    assert_eq!(told.removed, [stored[2].clone()]);
    assert_eq!((told.changed.len(), told.unchanged), (1, 1));
}

proptest! {
    #[test]
    fn the_same_calendar_a_second_time_changes_nothing(entries in prop::collection::btree_map("[a-c]", prop::collection::btree_set(1..27_u32, 1..5), 0..4), force in prop::sample::select(Force::ALL.to_vec())) {
        let day = |n: &u32| imported("UTC", &format!("2026-12-{n:02} 00:00"), &format!("2026-12-{:02} 00:00", n + 1));
        let read = Stretch::new(at("2026-12-10T12:00:00Z"), at("2028-12-01T00:00:00Z"));
        let file: Vec<Incoming> = entries.iter().map(|(uid, days)| incoming(uid, days.iter().map(day).collect())).collect();
        let first = compare(&[], file.clone(), None, force, read, &BTreeSet::new());
        let stored: Vec<Freeze> = first.added.iter().map(|entry| Freeze { force, ..freeze(&entry.uid, entry.times.clone()) }).collect();
        let second = compare(&stored, file, None, force, read, &BTreeSet::new());
        prop_assert!(second.is_empty(), "{second:?}");
        prop_assert_eq!(second.unchanged, stored.len());
        // And what is gone from the file would go.
        prop_assert_eq!(compare(&stored, vec![], None, force, read, &BTreeSet::new()).removed.len(), stored.len());
        // What is there and can not be read is not gone.
        let unread = stored.iter().filter_map(|freeze| Some(freeze.source.as_ref()?.uid.clone())).collect();
        prop_assert_eq!(compare(&stored, vec![], None, force, read, &unread), Comparison::default());
    }
}
