//! Restores beside backups: warnings by default, reasons where the policy says so.

use super::build::*;
use super::properties::{any_evidence, any_restore, mended, whole};
use crate::drill::{DrillFact, DrillKind};
use crate::gate::{Evidence, JobEvidence, Purpose, Reason, RestoreEvidence, ask};
use crate::ids::DrillId;
use crate::run::RunState;
use crate::time::Span;
use proptest::prelude::*;
use uuid::Uuid;

/// web-12's database of 100 bytes, backed up an hour ago.
fn web_12(window: Option<Span>, drills: Vec<DrillFact>) -> Evidence {
    let mut good = run(1, 1, RunState::Succeeded, ago("1 h"), 10);
    good.bytes = Some(100);
    let mut evidence = one(vec![JobEvidence { job: job(1, 1, "nightly"), runs: vec![good] }], vec![]);
    evidence.restore = Some(RestoreEvidence { window, drills });
    evidence
}

/// A restore of so many bytes within so many minutes.
fn drill(n: u128, days: &str, bytes: i64, minutes: i64) -> DrillFact {
    DrillFact {
        id: DrillId(Uuid::from_u128(n)),
        host: host_id(1),
        data_set: Some(set_id(1)),
        kind: DrillKind::Restore,
        finished_at: ago(days),
        bytes: Some(bytes),
        elapsed: Some(Span::minutes(minutes)),
        startup: None,
    }
}

#[test]
fn a_restore_longer_than_the_window_or_the_rto_is_a_warning_first() {
    let mut evidence = web_12(Some(Span::hours(2)), vec![drill(1, "10 d", 50, 220)]);
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed());
    assert_eq!(codes(&verdict.warnings), ["restore_longer_than_window"]);
    assert_eq!(verdict.restores[0].estimate.takes, Some(Span::minutes(440)));
    assert_eq!(verdict.restores[0].text(), "about 7 h 20 min; the window is 2 h");
    evidence.hosts[0].policy.restore.rto = Some(Span::hours(7));
    let verdict = ask_one(&evidence);
    assert_eq!(codes(&verdict.warnings), ["restore_longer_than_window", "restore_longer_than_rto"]);
    assert!(verdict.restores[0].is_too_long());
    assert_eq!(verdict.restores[0].text(), "about 7 h 20 min; the window is 2 h, the RTO 7 h");
    evidence.hosts[0].policy.restore.slow_restore_blocks = true;
    let verdict = ask_one(&evidence);
    assert_eq!(codes(verdict.reasons()), ["restore_longer_than_window", "restore_longer_than_rto"]);
    assert!(verdict.warnings.is_empty());
    evidence.hosts[0].policy.restore.rto = Some(Span::minutes(440));
    evidence.restore.as_mut().unwrap().window = Some(Span::hours(8));
    assert!(ask_one(&evidence).is_confirmed(), "as long as it may be is not too long");
}

#[test]
fn nobody_knowing_is_a_reason_only_where_the_policy_wants_to_know() {
    let mut evidence = web_12(Some(Span::hours(2)), vec![]);
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed());
    assert_eq!(codes(&verdict.warnings), ["drill_overdue"]);
    assert_eq!(verdict.restores[0].text(), "unknown, no drill; the window is 2 h");
    evidence.hosts[0].policy.restore.slow_restore_blocks = true;
    let unknown = Reason::RestoreUnknown { without_drill: 1, without_size: 0 };
    assert_eq!(reasons(&ask_one(&evidence)), [unknown]);
    let mut unsized_run = web_12(None, vec![drill(1, "10 d", 50, 220)]);
    unsized_run.hosts[0].policy.restore.slow_restore_blocks = true;
    unsized_run.hosts[0].data_sets[0].jobs[0].runs[0].bytes = None;
    assert_eq!(reasons(&ask_one(&unsized_run)), [Reason::RestoreUnknown { without_drill: 0, without_size: 1 }]);
}

#[test]
fn an_old_drill_is_a_warning_with_its_age() {
    let limit = Span::days(180);
    let evidence = web_12(None, vec![drill(1, "200 d", 100, 20)]);
    let late =
        Reason::DrillOverdue { data_sets: 1, of: 1, last: Some(ago("200 d")), age: Some(Span::days(200)), limit };
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed());
    assert_eq!(verdict.warnings.iter().map(|f| f.reason.clone()).collect::<Vec<_>>(), [late]);
    assert!(ask_one(&web_12(None, vec![drill(1, "179 d", 100, 20)])).warnings.is_empty());
    let mut often = web_12(None, vec![drill(1, "40 d", 100, 20)]);
    often.hosts[0].policy.restore.drill_max_age = Span::days(30);
    assert_eq!(codes(&ask_one(&often).warnings), ["drill_overdue"]);
}

#[test]
fn an_exempt_host_and_a_question_about_backups_alone_ask_for_no_drill() {
    let mut evidence = web_12(Some(Span::minutes(1)), vec![]);
    evidence.hosts[0].policy.restore.slow_restore_blocks = true;
    evidence.hosts[0].exemption = exempt("cache only", "Ada");
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed() && verdict.warnings.is_empty() && verdict.restores.is_empty());
    evidence.hosts[0].exemption = None;
    evidence.restore = None;
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed() && verdict.warnings.is_empty() && verdict.restores.is_empty());
}

#[test]
fn evidence_of_before_there_were_drills_is_still_read() {
    let mut old = serde_json::to_value(web_12(None, vec![])).unwrap();
    old.as_object_mut().unwrap().remove("restore");
    old["hosts"][0]["policy"].as_object_mut().unwrap().remove("restore");
    let read: Evidence = serde_json::from_value(old).unwrap();
    assert_eq!(read, Evidence { restore: None, ..web_12(None, vec![]) });
}

/// The same world with sizes and a policy that asks for drills.
fn strict(mut evidence: Evidence, restore: RestoreEvidence, sizes: &[i64], rto: Option<i64>) -> Evidence {
    let mut sizes = sizes.iter().cycle();
    for host in &mut evidence.hosts {
        host.policy.restore.slow_restore_blocks = true;
        host.policy.restore.rto = rto.map(Span::seconds);
        for run in host.data_sets.iter_mut().flat_map(|d| &mut d.jobs).flat_map(|j| &mut j.runs) {
            run.bytes = sizes.next().copied();
        }
    }
    evidence.restore = Some(restore);
    evidence
}

proptest! {
    #[test]
    fn no_drill_and_no_size_never_open_it(
        evidence in any_evidence(),
        restore in any_restore(),
        sizes in prop::collection::vec(1_i64..200, 1..6),
        rto in prop::option::of(1_i64..20_000),
        without_sizes in any::<bool>(),
    ) {
        let evidence = strict(mended(evidence), restore, &sizes, rto);
        let before = ask(now(), Purpose::Schedule, &whole(&evidence), &evidence);
        let mut less = evidence.clone();
        if without_sizes {
            for run in less.hosts.iter_mut().flat_map(|h| &mut h.data_sets).flat_map(|d| &mut d.jobs).flat_map(|j| &mut j.runs) {
                run.bytes = None;
            }
        } else {
            less.restore.as_mut().unwrap().drills.clear();
        }
        prop_assert!(before.is_confirmed() || !ask(now(), Purpose::Schedule, &whole(&less), &less).is_confirmed());
    }

    /// Not knowing was worse: whatever the first drill says, it closes nothing that stood open.
    #[test]
    fn the_first_drill_never_closes_it(
        evidence in any_evidence(),
        restore in any_restore(),
        sizes in prop::collection::vec(1_i64..200, 1..6),
        rto in prop::option::of(1_i64..20_000),
    ) {
        let full = strict(mended(evidence), restore, &sizes, rto);
        let mut none = full.clone();
        none.restore.as_mut().unwrap().drills.clear();
        let before = ask(now(), Purpose::Schedule, &whole(&none), &none);
        prop_assert!(!before.is_confirmed() || ask(now(), Purpose::Schedule, &whole(&full), &full).is_confirmed());
    }

    #[test]
    fn a_good_run_that_has_not_grown_never_closes_it(
        evidence in any_evidence(),
        restore in any_restore(),
        sizes in prop::collection::vec(50_i64..200, 1..6),
        rto in prop::option::of(1_i64..20_000),
        bytes in prop::option::of(0_i64..=50),
    ) {
        let evidence = strict(mended(evidence), restore, &sizes, rto);
        let before = ask(now(), Purpose::Schedule, &whole(&evidence), &evidence);
        let mut more = evidence.clone();
        for job in more.hosts.iter_mut().flat_map(|h| &mut h.data_sets).flat_map(|d| &mut d.jobs) {
            let mut good = run(77_777, 0, RunState::Succeeded, ago("10 min"), 5);
            good.job_id = job.job.id;
            good.bytes = bytes;
            job.runs.push(good);
        }
        let after = ask(now(), Purpose::Schedule, &whole(&more), &more);
        prop_assert!(!before.is_confirmed() || after.is_confirmed(), "{:?}", after.reasons());
    }

    #[test]
    fn what_restores_take_says_nothing_of_backups(evidence in any_evidence(), restore in any_restore()) {
        let without = Evidence { restore: None, ..evidence.clone() };
        let with = Evidence { restore: Some(restore), ..evidence };
        let (a, b) = (
            ask(now(), Purpose::Start, &whole(&without), &without),
            ask(now(), Purpose::Start, &whole(&with), &with),
        );
        prop_assert_eq!(a.outcome, b.outcome);
        prop_assert_eq!(a.protections, b.protections);
    }
}
