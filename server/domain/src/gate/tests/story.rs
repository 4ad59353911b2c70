//! The week of May 2014: the window that must be refused for exactly three
//! kinds of reason, and must go ahead once everything is backed up.

use super::build::*;
use crate::gate::{Evidence, HostNode, JobEvidence, Purpose, Scope, Topology, Verdict, ask, blast_radius};
use crate::policy::Policy;
use crate::run::{Run, RunState::Succeeded};
use crate::time::testing::FixedRules;
use std::collections::BTreeMap;

const VM3: u128 = 1;
const WEB12: u128 = 2;
const LEGACY: u128 = 3;
const ELSEWHERE: u128 = 4;

struct Week {
    image: Vec<Run>,
    dumps: Vec<Run>,
    files: Vec<Run>,
    legacy: Option<Vec<Run>>,
}

fn topology() -> Topology {
    let on = |id, below: Option<u128>| HostNode { id: host_id(id), runs_on: below.map(host_id) };
    Topology {
        hosts: vec![on(VM3, None), on(WEB12, Some(VM3)), on(LEGACY, Some(VM3)), on(ELSEWHERE, None)],
        behind: vec![(component_id(12), host_id(WEB12))],
    }
}

impl Week {
    /// As it was on Thursday: the dumps are timed after the backup that should carry them.
    fn as_it_was() -> Self {
        Self {
            image: vec![run(1, 1, Succeeded, at("2014-05-13T20:10:00Z"), 90)],
            dumps: vec![
                run(2, 2, Succeeded, at("2014-05-14T02:05:00Z"), 35),
                run(3, 2, Succeeded, at("2014-05-15T02:05:00Z"), 35),
            ],
            files: vec![
                run(4, 3, Succeeded, at("2014-05-13T22:00:00Z"), 120),
                run(5, 3, Succeeded, at("2014-05-14T22:00:00Z"), 120),
            ],
            legacy: None,
        }
    }

    fn ask(self, now: &str, purpose: Purpose) -> (Verdict, Evidence) {
        let mut dump = job(2, 2, "dump web-12");
        dump.carried_by = Some(job_id(3));
        let legacy = self.legacy.map(|runs| JobEvidence { job: job(4, 4, "files legacy-shop"), runs });
        let files = JobEvidence { job: job(3, 3, "files web-12"), runs: self.files };
        let image = JobEvidence { job: job(1, 1, "image vm3"), runs: self.image };
        let facts = vec![
            host(VM3, "vm3", vec![data_set(1, VM3, "image", vec![image])]),
            host(
                WEB12,
                "web-12",
                vec![
                    data_set(2, WEB12, "database", vec![JobEvidence { job: dump, runs: self.dumps }]),
                    data_set(3, WEB12, "files", vec![files.clone()]),
                ],
            ),
            host(LEGACY, "legacy-shop", vec![data_set(4, LEGACY, "files", legacy.into_iter().collect())]),
            host(ELSEWHERE, "mail-3", vec![]),
        ];
        let carriers = vec![(files, Policy::default())];
        let scope = Scope { hosts: [host_id(VM3)].into(), ..Scope::default() };
        let evidence = Evidence::assemble(&scope, &topology(), facts, carriers, &BTreeMap::new());
        (ask(at(now), purpose, &scope, &evidence), evidence)
    }
}

#[test]
fn the_window_of_may_2014_is_refused_for_three_reasons_on_one_screen() {
    let (verdict, evidence) = Week::as_it_was().ask("2014-05-15T19:00:00Z", Purpose::Schedule);
    assert!(!verdict.is_confirmed());
    assert_eq!(verdict.headline(), "Not safe to schedule: 3 reasons");
    assert_eq!(verdict.summary(), "1 of 4 data sets are backed up well enough.");
    assert_eq!(verdict.warnings, []);
    let jobs = evidence.job_names();
    let text: Vec<(String, String)> = verdict
        .reasons()
        .iter()
        .map(|finding| (finding.heading(), finding.sentence(&jobs, &FixedRules, "Europe/Dublin")))
        .collect();
    let expected = [
        (
            "vm3 · image: the last good run is too old",
            "“image vm3”: the last good run started Tue 13 May, 21:10 IST, 46 h 50 min ago; the limit is 24 h.",
        ),
        (
            "web-12 · database: the dump is not in any backup",
            "The last dump ended Thu 15 May, 03:40 IST, after its carrier “files web-12” had started \
             (Wed 14 May, 23:00 IST). Protected up to Wed 14 May, 03:05 IST, 40 h 55 min ago; the limit is 24 h.",
        ),
        ("legacy-shop · files: no backup job", "Nothing protects this data set. Add a backup job."),
    ];
    assert_eq!(text, expected.map(|(heading, sentence)| (heading.to_owned(), sentence.to_owned())));
}

#[test]
fn the_window_goes_ahead_after_the_extra_backup() {
    let mut week = Week::as_it_was();
    week.image.push(run(6, 1, Succeeded, at("2014-05-15T17:10:00Z"), 60));
    week.dumps.push(run(7, 2, Succeeded, at("2014-05-15T17:00:00Z"), 35));
    week.files.push(run(8, 3, Succeeded, at("2014-05-15T17:40:00Z"), 60));
    week.legacy = Some(vec![run(9, 4, Succeeded, at("2014-05-15T17:20:00Z"), 30)]);
    let (verdict, _) = week.ask("2014-05-15T19:00:00Z", Purpose::Start);
    assert!(verdict.is_confirmed(), "{:?}", verdict.reasons());
    assert_eq!(verdict.headline(), "Safe to start");
    assert_eq!(verdict.summary(), "All 4 data sets are backed up well enough.");
    // The dump of 17:00 is the first to be four hours old.
    assert_eq!(verdict.until(), Some(at("2014-05-15T21:00:00Z")));
}

#[test]
fn a_job_alone_does_not_protect_the_hand_built_guest() {
    let mut week = Week::as_it_was();
    week.legacy = Some(vec![]);
    let (verdict, _) = week.ask("2014-05-15T19:00:00Z", Purpose::Schedule);
    assert_eq!(codes(verdict.reasons()), ["too_old", "not_carried", "never_ran"]);
}

#[test]
fn shutting_down_vm3_puts_its_guests_at_risk() {
    let radius = |scope: &Scope| blast_radius(scope, &topology()).into_iter().collect::<Vec<_>>();
    assert_eq!(radius(&scope(&[VM3])), [host_id(VM3), host_id(WEB12), host_id(LEGACY)]);
    let component = Scope { components: [component_id(12)].into(), ..Scope::default() };
    assert_eq!(radius(&component), [host_id(WEB12)]);
}

#[test]
fn a_host_nobody_knows_anything_of_is_not_forgotten() {
    let scope = Scope { hosts: [host_id(VM3)].into(), components: [component_id(13)].into() };
    let names = BTreeMap::from([(component_id(13), "Shell access".to_owned())]);
    let evidence = Evidence::assemble(&scope, &topology(), vec![], vec![], &names);
    assert_eq!(evidence.unknown_hosts, [host_id(VM3), host_id(WEB12), host_id(LEGACY)]);
    assert_eq!(evidence.components_without_host, [(component_id(13), "Shell access".to_owned())]);
    let verdict = ask(now(), Purpose::Schedule, &scope, &evidence);
    assert_eq!(codes(verdict.reasons()), ["no_host_behind", "unknown_host", "unknown_host", "unknown_host"]);
}
