//! Which runs are asked for when the gate stands closed.

use super::build::*;
use crate::gate::{Evidence, JobEvidence, Missing, Purpose, askable, missing};
use crate::ids::JobId;
use crate::run::{Run, RunState};

fn dump(runs: Vec<Run>) -> JobEvidence {
    let mut job = job(1, 1, "dump");
    job.carried_by = Some(job_id(2));
    JobEvidence { job, runs }
}

fn carrier(runs: Vec<Run>) -> JobEvidence {
    JobEvidence { job: job(2, 2, "files"), runs }
}

fn direct(runs: Vec<Run>) -> JobEvidence {
    JobEvidence { job: job(1, 1, "files"), runs }
}

fn asked_for(evidence: &Evidence) -> Vec<Missing> {
    missing(now(), Purpose::Start, &scope(&[1]), evidence, None)
}

fn jobs(evidence: &Evidence) -> Vec<JobId> {
    asked_for(evidence).into_iter().map(|m| m.job).collect()
}

#[test]
fn a_job_is_asked_for_only_where_its_data_set_is_not_protected() {
    let old = run(1, 1, RunState::Succeeded, ago("5 h"), 30);
    assert_eq!(jobs(&one(vec![direct(vec![old])], vec![])), [job_id(1)]);
    assert_eq!(jobs(&one(vec![direct(vec![])], vec![])), [job_id(1)]);
    let fresh = run(1, 1, RunState::Succeeded, ago("3 h"), 30);
    assert_eq!(jobs(&one(vec![direct(vec![fresh.clone()])], vec![])), []);
    assert_eq!(jobs(&one(vec![], vec![])), [], "there is nobody to ask");
    let later = missing(
        now() + chrono::TimeDelta::hours(2),
        Purpose::Start,
        &scope(&[1]),
        &one(vec![direct(vec![fresh])], vec![]),
        None,
    );
    assert_eq!(later.len(), 1, "it will be too old by then");
}

#[test]
fn a_dump_is_asked_for_before_its_carrier() {
    let old = run(1, 1, RunState::Succeeded, ago("30 h"), 10);
    let files = run(2, 2, RunState::Succeeded, ago("2 h"), 30);
    assert_eq!(jobs(&one(vec![dump(vec![old])], vec![carrier(vec![files])])), [job_id(1), job_id(2)]);
}

#[test]
fn a_fresh_dump_needs_only_to_be_carried() {
    let fresh = run(1, 1, RunState::Succeeded, ago("2 h"), 10);
    let before = run(2, 2, RunState::Succeeded, ago("3 h"), 30);
    assert_eq!(jobs(&one(vec![dump(vec![fresh.clone()])], vec![carrier(vec![before])])), [job_id(2)]);
    let running = run(3, 2, RunState::Running, ago("1 h"), 0);
    let asked = asked_for(&one(vec![dump(vec![fresh])], vec![carrier(vec![running])]));
    assert_eq!(asked, [Missing { job: job_id(2), running: Some(run_id(3)) }], "it is being carried");
}

#[test]
fn a_run_that_goes_on_is_taken_over_if_it_will_do() {
    let running = |since| run(7, 1, RunState::Running, ago(since), 0);
    let asked = |since| asked_for(&one(vec![direct(vec![running(since)])], vec![]));
    assert_eq!(asked("1 h"), [Missing { job: job_id(1), running: Some(run_id(7)) }]);
    assert_eq!(asked("5 h"), [Missing { job: job_id(1), running: None }], "its start is too old already");
    let both =
        one(vec![dump(vec![running("10 min")])], vec![carrier(vec![run(8, 2, RunState::Running, ago("5 min"), 0)])]);
    let expected = [Missing { job: job_id(1), running: Some(run_id(7)) }, Missing { job: job_id(2), running: None }];
    assert_eq!(asked_for(&both), expected, "the carrier began before the dump has ended");
}

#[test]
fn what_would_change_nothing_is_not_asked_for() {
    let mut off = direct(vec![]);
    off.job.enabled = false;
    assert_eq!(jobs(&one(vec![off], vec![])), []);
    let mut off = carrier(vec![]);
    off.job.enabled = false;
    assert_eq!(jobs(&one(vec![dump(vec![])], vec![off])), []);
    assert_eq!(jobs(&one(vec![dump(vec![])], vec![])), []);
    let sets = |evidence: &Evidence| askable(now(), Purpose::Start, &scope(&[1]), evidence).len();
    assert_eq!(sets(&one(vec![dump(vec![])], vec![])), 0);
    assert_eq!(sets(&one(vec![dump(vec![]), direct(vec![])], vec![])), 1, "its other job may help");
}

#[test]
fn one_data_set_can_be_asked_for_alone() {
    let evidence = Evidence {
        hosts: vec![host(
            1,
            "web-12",
            vec![
                data_set(1, 1, "files", vec![direct(vec![])]),
                data_set(3, 1, "more", vec![JobEvidence { job: job(3, 3, "more"), runs: vec![] }]),
            ],
        )],
        ..Evidence::default()
    };
    assert_eq!(jobs(&evidence), [job_id(1), job_id(3)]);
    let one = missing(now(), Purpose::Start, &scope(&[1]), &evidence, Some(set_id(3)));
    assert_eq!(one.iter().map(|m| m.job).collect::<Vec<_>>(), [job_id(3)]);
}
