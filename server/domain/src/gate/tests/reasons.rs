//! Each reason, alone and in company.

use super::build::*;
use crate::gate::{Evidence, JobEvidence, Purpose, Reason, Scope, ask};
use crate::policy::Policy;
use crate::run::{Run, RunState};
use crate::time::Span;
use RunState::{Failed, Lost, Running, Succeeded, Warning};

fn direct(runs: Vec<Run>) -> Evidence {
    one(vec![JobEvidence { job: job(1, 1, "nightly"), runs }], vec![])
}

/// A dump job 1 carried by job 2, which belongs to another data set.
fn carried(dumps: Vec<Run>, files: Vec<Run>) -> Evidence {
    let mut dump = job(1, 1, "dump");
    dump.carried_by = Some(job_id(2));
    one(vec![JobEvidence { job: dump, runs: dumps }], vec![JobEvidence { job: job(2, 9, "files web-12"), runs: files }])
}

fn too_old(cut_off: Option<&str>) -> Reason {
    let span = cut_off.map(|text| Span::parse(text).unwrap());
    Reason::TooOld { job: job_id(1), cut_off: cut_off.map(ago), age: span, limit: Span::hours(24) }
}

#[test]
fn a_good_run_protects_from_its_start_until_the_limit() {
    let verdict = ask_one(&direct(vec![run(1, 1, Succeeded, ago("23 h"), 120)]));
    assert!(verdict.is_confirmed());
    assert_eq!(verdict.until(), Some(Span::hours(1).after(now())));
    let protection = &verdict.protections[0];
    assert_eq!(protection.cut_off, Some(ago("23 h")));
    assert_eq!(protection.age, Some(Span::hours(23)));
    assert!(protection.ok);
}

#[test]
fn a_run_is_too_old_at_the_very_instant_of_its_limit() {
    let evidence = direct(vec![run(1, 1, Succeeded, ago("24 h"), 10)]);
    assert_eq!(reasons(&ask_one(&evidence)), [too_old(Some("24 h"))]);
    let just_before = now() - chrono::TimeDelta::milliseconds(1);
    assert!(ask(just_before, Purpose::Schedule, &scope(&[1]), &evidence).is_confirmed());
}

#[test]
fn starting_asks_for_more_than_scheduling() {
    let evidence = direct(vec![run(1, 1, Succeeded, ago("5 h"), 10)]);
    assert!(ask_one(&evidence).is_confirmed());
    let start = ask(now(), Purpose::Start, &scope(&[1]), &evidence);
    assert_eq!(codes(start.reasons()), ["too_old"]);
    assert_eq!(start.protections[0].limit, Span::hours(4));
}

#[test]
fn a_host_may_have_limits_of_its_own() {
    let mut evidence = direct(vec![run(1, 1, Succeeded, ago("23 h"), 10)]);
    evidence.hosts[0].policy.schedule_max_age = Span::hours(12);
    assert_eq!(codes(ask_one(&evidence).reasons()), ["too_old"]);
}

#[test]
fn a_job_without_any_run_never_ran() {
    assert_eq!(reasons(&ask_one(&direct(vec![]))), [Reason::NeverRan { job: job_id(1) }]);
}

#[test]
fn runs_that_do_not_count_protect_nothing() {
    let good = run(1, 1, Succeeded, ago("1 h"), 10);
    let dry = Run { dry_run: true, ..good.clone() };
    let partial = Run { partial: true, ..good.clone() };
    let endless = Run { finished_at: None, ..good.clone() };
    for bad in [dry, partial, endless, run(1, 1, Warning, ago("1 h"), 10)] {
        assert_eq!(reasons(&ask_one(&direct(vec![bad]))), [too_old(None)]);
    }
    let foreign = Run { job_id: job_id(7), ..good };
    assert_eq!(reasons(&ask_one(&direct(vec![foreign]))), [Reason::NeverRan { job: job_id(1) }]);
}

#[test]
fn warnings_are_good_where_the_policy_says_so() {
    let mut evidence = direct(vec![run(1, 1, Warning, ago("1 h"), 10)]);
    evidence.hosts[0].policy.warnings_are_good = true;
    assert!(ask_one(&evidence).is_confirmed());
}

#[test]
fn a_failed_lost_or_running_newest_run_explains_an_age() {
    let old = run(1, 1, Succeeded, ago("40 h"), 10);
    for (state, started, lost) in [(Failed, "1 h", false), (Lost, "1 h", true), (Running, "6 h", true)] {
        let evidence = direct(vec![run(2, 1, state, ago(started), 10), old.clone()]);
        let failed = Reason::LastRunFailed { job: job_id(1), started_at: ago(started), lost };
        assert_eq!(reasons(&ask_one(&evidence)), [too_old(Some("40 h")), failed]);
    }
    let evidence = direct(vec![old, run(2, 1, Running, ago("5 h"), 0)]);
    let running = Reason::StillRunning { job: job_id(1), started_at: ago("5 h") };
    assert_eq!(reasons(&ask_one(&evidence)), [too_old(Some("40 h")), running]);
}

#[test]
fn a_job_with_only_bad_runs_says_what_they_were() {
    let evidence = direct(vec![run(1, 1, Failed, ago("1 h"), 10)]);
    assert_eq!(codes(ask_one(&evidence).reasons()), ["too_old", "last_run_failed"]);
    assert_eq!(ask_one(&evidence).reasons()[0].reason, too_old(None));
    let evidence = direct(vec![run(1, 1, Running, ago("1 h"), 0)]);
    assert_eq!(codes(ask_one(&evidence).reasons()), ["too_old", "still_running"]);
}

#[test]
fn a_failed_newest_run_beside_good_ones_is_a_warning() {
    let evidence = direct(vec![run(1, 1, Succeeded, ago("20 h"), 10), run(2, 1, Failed, ago("1 h"), 10)]);
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed());
    assert_eq!(codes(&verdict.warnings), ["last_run_failed"]);
    assert_eq!(verdict.warnings[0].heading(), "web-12 · database: the last run failed");
}

#[test]
fn a_failed_dry_run_says_nothing_of_the_backup() {
    let dry = Run { dry_run: true, ..run(2, 1, Failed, ago("1 h"), 1) };
    let verdict = ask_one(&direct(vec![run(1, 1, Succeeded, ago("20 h"), 10), dry]));
    assert!(verdict.is_confirmed() && verdict.warnings.is_empty());
}

#[test]
fn a_dump_protects_only_once_its_carrier_started_after_it_ended() {
    // The dump ended exactly when the carrier started: carried.
    let evidence = carried(vec![run(1, 1, Succeeded, ago("3 h"), 60)], vec![run(2, 2, Succeeded, ago("2 h"), 60)]);
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed());
    assert_eq!(verdict.protections[0].cut_off, Some(ago("3 h")));
    // A second later it is not.
    let evidence = carried(
        vec![run(1, 1, Succeeded, ago("3 h") + chrono::TimeDelta::seconds(1), 60)],
        vec![run(2, 2, Succeeded, ago("2 h"), 60)],
    );
    assert_eq!(
        reasons(&ask_one(&evidence)),
        [Reason::NotCarried {
            job: job_id(1),
            carrier: job_id(2),
            dump_finished_at: ago("2 h") + chrono::TimeDelta::seconds(1),
            carrier_started_at: Some(ago("2 h")),
            cut_off: None,
            age: None,
            limit: Span::hours(24),
        }]
    );
}

#[test]
fn a_carried_dump_protects_from_its_own_start_not_its_carriers() {
    let evidence = carried(vec![run(1, 1, Succeeded, ago("30 h"), 60)], vec![run(2, 2, Succeeded, ago("1 h"), 60)]);
    assert_eq!(reasons(&ask_one(&evidence)), [too_old(Some("30 h"))]);
}

#[test]
fn an_older_carried_dump_protects_while_the_newest_waits() {
    let evidence = carried(
        vec![run(1, 1, Succeeded, ago("20 h"), 60), run(3, 1, Succeeded, ago("2 h"), 60)],
        vec![run(2, 2, Succeeded, ago("18 h"), 60)],
    );
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed() && verdict.warnings.is_empty());
    assert_eq!(verdict.until(), Some(Span::hours(4).after(now())));
}

#[test]
fn a_failed_or_running_carrier_is_named_beside_the_dump_it_left() {
    let dump = || vec![run(1, 1, Succeeded, ago("3 h"), 60)];
    let failed = carried(dump(), vec![run(2, 2, Failed, ago("1 h"), 30)]);
    let verdict = ask_one(&failed);
    assert_eq!(codes(verdict.reasons()), ["not_carried", "last_run_failed"]);
    assert_eq!(verdict.reasons()[1].reason.job(), Some(job_id(2)));
    let running = carried(dump(), vec![run(2, 2, Running, ago("1 h"), 0)]);
    assert_eq!(codes(ask_one(&running).reasons()), ["not_carried", "still_running"]);
}

#[test]
fn a_carrier_follows_the_policy_of_its_own_host() {
    let mut evidence = carried(vec![run(1, 1, Succeeded, ago("3 h"), 60)], vec![run(2, 2, Warning, ago("1 h"), 30)]);
    assert_eq!(codes(ask_one(&evidence).reasons()), ["not_carried"]);
    evidence.carriers[0].1 = Policy { warnings_are_good: true, ..Policy::default() };
    assert!(ask_one(&evidence).is_confirmed());
}

#[test]
fn neither_dump_nor_carrier_ever_ran() {
    assert_eq!(
        reasons(&ask_one(&carried(vec![], vec![]))),
        [Reason::NeverRan { job: job_id(1) }, Reason::NeverRan { job: job_id(2) }]
    );
}

#[test]
fn a_carrier_that_is_not_there_or_switched_off_carries_nothing() {
    let dump = run(1, 1, Succeeded, ago("3 h"), 60);
    let files = run(2, 2, Succeeded, ago("1 h"), 60);
    let whole = carried(vec![dump], vec![files]);
    assert!(ask_one(&whole).is_confirmed());
    let unknown = [Reason::JobUnknown { job: job_id(1), carrier: job_id(2) }];

    let gone = Evidence { carriers: vec![], ..whole.clone() };
    assert_eq!(reasons(&ask_one(&gone)), unknown);
    let mut retired = whole.clone();
    retired.carriers[0].0.job.retired_at = Some(ago("1 d"));
    assert_eq!(reasons(&ask_one(&retired)), unknown);
    let mut chained = whole.clone();
    chained.carriers[0].0.job.carried_by = Some(job_id(3));
    assert_eq!(reasons(&ask_one(&chained)), unknown);
    let mut off = whole;
    off.carriers[0].0.job.enabled = false;
    assert_eq!(reasons(&ask_one(&off)), [Reason::JobDisabled { job: job_id(2) }]);
}

#[test]
fn a_job_that_is_switched_off_protects_nothing() {
    let mut evidence = direct(vec![run(1, 1, Succeeded, ago("1 h"), 10)]);
    evidence.hosts[0].data_sets[0].jobs[0].job.enabled = false;
    let verdict = ask_one(&evidence);
    assert_eq!(reasons(&verdict), [Reason::JobDisabled { job: job_id(1) }]);
    assert_eq!(verdict.protections[0].cut_off, None);
}

#[test]
fn one_protecting_job_is_enough_and_without_one_all_are_listed() {
    let off = crate::backup::Job { enabled: false, ..job(3, 1, "off") };
    let jobs = |hours: &str| {
        vec![
            JobEvidence { job: job(1, 1, "a"), runs: vec![run(1, 1, Succeeded, ago(hours), 10)] },
            JobEvidence { job: job(2, 1, "b"), runs: vec![] },
            JobEvidence { job: off.clone(), runs: vec![] },
        ]
    };
    assert!(ask_one(&one(jobs("1 h"), vec![])).is_confirmed());
    let verdict = ask_one(&one(jobs("30 h"), vec![]));
    assert_eq!(codes(verdict.reasons()), ["too_old", "never_ran", "job_disabled"]);
}

#[test]
fn nothing_declared_and_nothing_protecting_are_reasons() {
    let mut evidence = direct(vec![]);
    evidence.hosts[0].data_sets[0].jobs.clear();
    assert_eq!(reasons(&ask_one(&evidence)), [Reason::NoJob]);
    evidence.hosts[0].data_sets.clear();
    assert_eq!(reasons(&ask_one(&evidence)), [Reason::NoDataSet]);
}

#[test]
fn what_is_out_of_use_counts_for_nothing() {
    let mut evidence = direct(vec![run(1, 1, Succeeded, ago("1 h"), 10)]);
    evidence.hosts[0].data_sets[0].jobs[0].job.retired_at = Some(ago("1 d"));
    assert_eq!(reasons(&ask_one(&evidence)), [Reason::NoJob]);
    evidence.hosts[0].data_sets[0].data_set.retired_at = Some(ago("1 d"));
    assert_eq!(reasons(&ask_one(&evidence)), [Reason::NoDataSet]);
}

#[test]
fn an_exempt_host_needs_nothing_but_a_reason_and_a_name() {
    let mut evidence = direct(vec![]);
    evidence.hosts[0].exemption = exempt("rebuilt from an image in minutes", "Ada");
    let verdict = ask_one(&evidence);
    assert!(verdict.is_confirmed());
    assert_eq!(verdict.until(), None);
    assert_eq!(verdict.exemptions.len(), 1);
    assert_eq!(verdict.exemptions[0].2.by, "Ada");
    for (reason, by) in [("", "Ada"), ("because", " ")] {
        evidence.hosts[0].exemption = exempt(reason, by);
        assert_eq!(codes(ask_one(&evidence).reasons()), ["never_ran"]);
    }
}

#[test]
fn a_scope_that_names_nothing_known_is_blocked() {
    let nothing = ask(now(), Purpose::Schedule, &Scope::default(), &Evidence::default());
    assert_eq!(reasons(&nothing), [Reason::NothingNamed]);
    assert_eq!(nothing.reasons()[0].heading(), "Nothing is named that the work touches");

    let unknown = ask(now(), Purpose::Schedule, &scope(&[5]), &Evidence::default());
    assert_eq!(reasons(&unknown), [Reason::UnknownHost]);
    assert_eq!(unknown.reasons()[0].host, Some(host_id(5)));

    let component = component_id(1);
    let scope = Scope { components: [component].into(), ..Scope::default() };
    let silent = ask(now(), Purpose::Schedule, &scope, &Evidence::default());
    assert_eq!(reasons(&silent), [Reason::NoHostBehind { component }]);
    let said = Evidence { components_without_host: vec![(component, "Cluster 12".to_owned())], ..Evidence::default() };
    let said = ask(now(), Purpose::Schedule, &scope, &said);
    assert_eq!(reasons(&said), [Reason::NoHostBehind { component }]);
    assert_eq!(said.reasons()[0].heading(), "Cluster 12: no host is known behind it");
}

#[test]
fn a_run_from_the_future_never_counts() {
    let future = run(2, 1, Succeeded, now() + chrono::TimeDelta::minutes(6), 1);
    let heard = Run { received_at: ago("1 min"), ..future };
    let clock = Reason::ClockInFuture { job: job_id(1), at: heard.started_at };
    let verdict = ask_one(&direct(vec![heard.clone()]));
    assert_eq!(reasons(&verdict), [too_old(None), clock.clone()]);

    // Beside a good run it is worth knowing, no more.
    let verdict = ask_one(&direct(vec![run(1, 1, Succeeded, ago("2 h"), 1), heard.clone()]));
    assert!(verdict.is_confirmed());
    assert_eq!(verdict.warnings[0].reason, clock);

    // Nor does it count when its time has come.
    let later = heard.started_at + chrono::TimeDelta::minutes(10);
    assert!(!ask(later, Purpose::Schedule, &scope(&[1]), &direct(vec![heard])).is_confirmed());

    let nearly = run(2, 1, Succeeded, now() + chrono::TimeDelta::minutes(5), 0);
    let nearly = Run { received_at: now(), ..nearly };
    let verdict = ask_one(&direct(vec![nearly]));
    assert!(verdict.is_confirmed());
    assert_eq!(verdict.protections[0].age, Some(Span::seconds(0)));
}

#[test]
fn a_run_that_ends_before_it_starts_never_counts() {
    let backwards = run(1, 1, Succeeded, ago("1 h"), -30);
    for flagged in [true, false] {
        let run = Run { clock_fault: flagged, ..backwards.clone() };
        let verdict = ask_one(&direct(vec![run]));
        assert_eq!(reasons(&verdict), [too_old(None), Reason::ClockInFuture { job: job_id(1), at: ago("1 h 30 min") }]);
    }
    // A failed one would not have counted anyway.
    let verdict = ask_one(&direct(vec![run(1, 1, Failed, ago("1 h"), -30)]));
    assert_eq!(reasons(&verdict), [too_old(None)]);
    assert_eq!(codes(&verdict.warnings), ["clock_in_future"]);
}

#[test]
fn until_is_the_first_protection_to_lapse() {
    let mut evidence = direct(vec![run(1, 1, Succeeded, ago("20 h"), 10)]);
    let second = JobEvidence { job: job(2, 2, "files"), runs: vec![run(2, 2, Succeeded, ago("22 h"), 10)] };
    evidence.hosts[0].data_sets.push(data_set(2, 1, "files", vec![second]));
    assert_eq!(ask_one(&evidence).until(), Some(Span::hours(2).after(now())));
}

#[test]
fn a_dump_that_is_not_carried_speaks_of_its_carrier_too() {
    let evidence = carried(vec![run(1, 1, Succeeded, ago("3 h"), 60)], vec![]);
    let verdict = ask_one(&evidence);
    assert_eq!(verdict.reasons()[0].reason.jobs().collect::<Vec<_>>(), [job_id(1), job_id(2)]);
}

#[test]
fn the_code_of_a_reason_is_its_name_in_json() {
    for finding in ask_one(&carried(vec![], vec![])).reasons() {
        let json = serde_json::to_value(&finding.reason).unwrap();
        assert_eq!(json["code"], finding.reason.code());
    }
    let back: crate::gate::Verdict =
        serde_json::from_value(serde_json::to_value(ask_one(&carried(vec![], vec![]))).unwrap()).unwrap();
    assert_eq!(back, ask_one(&carried(vec![], vec![])));
}
