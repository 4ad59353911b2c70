//! The coverage matrix says what the gate says.

use super::build::*;
use super::properties::{any_evidence, mended, whole};
use crate::coverage::{Order, Row, State, counts, matrix, named, sort, standing};
use crate::gate::{Evidence, HostEvidence, JobEvidence, Purpose, ask};
use crate::run::RunState::{Failed, Running, Succeeded};
use crate::time::Span;
use proptest::prelude::*;

fn jobs(n: u128, runs: Vec<crate::run::Run>) -> JobEvidence {
    JobEvidence { job: job(n, 1, "nightly"), runs }
}

fn rows(evidence: &Evidence) -> Vec<Row> {
    matrix(now(), &whole(evidence), evidence)
}

fn state_of(jobs: Vec<JobEvidence>) -> State {
    rows(&one(jobs, vec![]))[0].cells[0].state
}

#[test]
fn each_state_has_its_case() {
    let good = |age: &str| run(1, 1, Succeeded, ago(age), 30);
    let mut off = jobs(1, vec![good("1 h")]);
    off.job.enabled = false;
    let mut often = jobs(1, vec![good("3 h")]);
    often.job.every = Span::hours(2);
    for (jobs, state) in [
        (vec![], State::NoJob),
        (vec![off.clone()], State::NoJob),
        (vec![jobs(1, vec![])], State::NeverRan),
        (vec![off, jobs(2, vec![])], State::NeverRan),
        (vec![jobs(1, vec![run(1, 1, Failed, ago("1 h"), 5)])], State::Failed),
        (vec![jobs(1, vec![good("30 h"), run(2, 1, Failed, ago("1 h"), 5)])], State::Failed),
        (vec![jobs(1, vec![run(1, 1, Running, ago("1 h"), 0)])], State::Stale),
        (vec![jobs(1, vec![good("24 h")])], State::Stale),
        (vec![jobs(1, vec![good("23 h 59 min")])], State::Ageing),
        (vec![jobs(1, vec![good("12 h 1 min")])], State::Ageing),
        (vec![often], State::Ageing),
        (vec![jobs(1, vec![good("12 h")])], State::Fresh),
        // A newer run that failed does not take the older good one away.
        (vec![jobs(1, vec![good("3 h"), run(2, 1, Failed, ago("1 h"), 5)])], State::Fresh),
    ] {
        assert_eq!(state_of(jobs.clone()), state, "{jobs:?}");
    }
}

#[test]
fn a_host_without_data_sets_is_there_too() {
    let bare = host(1, "legacy-shop", vec![]);
    let mut spare = host(2, "spare", vec![]);
    spare.exemption = exempt("nothing on it", "Ada");
    let mut full = host(3, "cache", vec![data_set(1, 3, "files", vec![])]);
    full.exemption = exempt("can be made again", "Ada");
    let evidence = Evidence { hosts: vec![bare, spare, full], ..Evidence::default() };
    let states: Vec<State> = rows(&evidence).iter().map(|row| row.cells[0].state).collect();
    assert_eq!(states, [State::NothingDeclared, State::Exempt, State::Exempt]);
}

fn shop() -> Vec<Row> {
    let set = |n: u128, on: u128, title: &str, runs: Vec<crate::run::Run>| {
        let mut evidence = jobs(n, runs);
        evidence.job.data_set_id = set_id(n);
        data_set(n, on, title, vec![evidence])
    };
    let hosts = vec![
        host(
            1,
            "Web-12",
            vec![
                set(1, 1, "files", vec![run(1, 1, Succeeded, ago("2 h"), 30)]),
                set(2, 1, "database", vec![run(2, 2, Succeeded, ago("40 h"), 30)]),
            ],
        ),
        host(2, "mail", vec![set(3, 2, "files", vec![run(3, 3, Succeeded, ago("50 h"), 30)])]),
        host(3, "alpha", vec![set(4, 3, "files", vec![run(4, 4, Succeeded, ago("1 h"), 30)])]),
        host(4, "bare", vec![]),
    ];
    rows(&Evidence { hosts, ..Evidence::default() })
}

fn names(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

#[test]
fn hosts_are_put_in_order() {
    let sorted = |order| {
        let mut rows = shop();
        sort(&mut rows, order);
        rows
    };
    assert_eq!(names(&sorted(Order::Worst)), ["bare", "mail", "Web-12", "alpha"]);
    assert_eq!(names(&sorted(Order::Name)), ["alpha", "bare", "mail", "Web-12"]);
    assert_eq!(names(&sorted(Order::Age)), ["bare", "mail", "Web-12", "alpha"]);
    let worst = sorted(Order::Worst);
    assert_eq!(worst[2].cells.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["database", "files"]);
}

#[test]
fn a_filter_keeps_what_it_names() {
    assert_eq!(names(&named(shop(), " WEB ")), ["Web-12"]);
    assert_eq!(named(shop(), "").len(), 4);
    let stale = standing(shop(), State::Stale);
    assert_eq!(names(&stale), ["Web-12", "mail"]);
    assert_eq!(stale[0].cells.len(), 1);
    let counted = counts(&shop());
    assert_eq!(counted.iter().map(|(_, n)| n).sum::<usize>(), 5);
    assert!(counted.contains(&(State::Stale, 2)) && counted.contains(&(State::NothingDeclared, 1)));
    assert!(counted.contains(&(State::NoJob, 0)));
}

#[test]
fn states_and_orders_are_read_as_they_are_written() {
    for state in State::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    for order in Order::ALL {
        assert_eq!(order.as_str().parse(), Ok(order));
    }
    assert!("green".parse::<State>().is_err() && "".parse::<Order>().is_err());
}

/// The gate asked about nothing but this: whether work may be scheduled.
fn alone(evidence: &Evidence, host: &HostEvidence, place: usize) -> bool {
    let mut host = host.clone();
    host.data_sets = host.data_sets.get(place).cloned().into_iter().collect();
    let alone = Evidence { hosts: vec![host], ..evidence.clone() };
    ask(now(), Purpose::Schedule, &whole(&alone), &alone).is_confirmed()
}

proptest! {
    #[test]
    fn a_data_set_is_good_exactly_where_the_gate_says_so(evidence in any_evidence(), mend in any::<bool>()) {
        let evidence = if mend { mended(evidence) } else { evidence };
        let rows = rows(&evidence);
        prop_assert_eq!(rows.len(), evidence.hosts.len());
        for (row, host) in rows.iter().zip(&evidence.hosts) {
            prop_assert!(!row.cells.is_empty());
            for cell in &row.cells {
                let place = host.data_sets.iter().position(|d| Some(d.data_set.id) == cell.data_set);
                prop_assert_eq!(cell.state.is_good(), alone(&evidence, host, place.unwrap_or(usize::MAX)), "{:?}", cell);
                prop_assert_eq!(cell.state == State::Exempt, host.exemption.is_some());
            }
            let in_use = host.data_sets.iter().filter(|d| d.data_set.retired_at.is_none()).count();
            prop_assert_eq!(row.cells.iter().filter(|cell| cell.data_set.is_some()).count(), in_use);
        }
        let may = ask(now(), Purpose::Schedule, &whole(&evidence), &evidence).is_confirmed();
        let all_good = rows.iter().flat_map(|row| &row.cells).all(|cell| cell.state.is_good());
        prop_assert_eq!(may, all_good && !evidence.hosts.is_empty());
    }
}
