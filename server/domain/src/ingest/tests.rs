//! What holds for the output of every tool.

use super::testing::*;
use super::{Said, Told, Tool, UnknownTool, read};
use crate::run::Signal;
use proptest::prelude::*;

const FIXTURES: [(Tool, &str); 8] = [
    (Tool::Restic, include_str!("fixtures/restic-0.18.jsonl")),
    (Tool::Borg, include_str!("fixtures/borg-1.2.json")),
    (Tool::Bareos, include_str!("fixtures/bareos.txt")),
    (Tool::Proxmox, include_str!("fixtures/vzdump.json")),
    (Tool::Velero, include_str!("fixtures/velero.json")),
    (Tool::PgBackRest, include_str!("fixtures/pgbackrest-2.45.json")),
    (Tool::Duplicati, include_str!("fixtures/duplicati-2.1.json")),
    (Tool::Backrest, include_str!("fixtures/backrest.json")),
];

fn berlin(code: Option<i32>) -> Told<'static> {
    Told { exit_code: code, zone: Some("Europe/Berlin"), ..told() }
}

#[test]
fn each_tool_has_a_name_of_its_own_and_a_good_output() {
    for (tool, output) in FIXTURES {
        assert_eq!(tool.as_str().parse(), Ok(tool));
        let run = run(tool, output, &berlin(Some(0)));
        assert!(is_good(&run) && run.key.is_some() && run.report.started_at.is_some(), "{tool:?}: {run:?}");
    }
    assert_eq!(Tool::ALL.map(Tool::as_str), FIXTURES.map(|(tool, _)| tool.as_str()));
    for unknown in ["", "Restic", "rsync"] {
        assert_eq!(unknown.parse::<Tool>(), Err(UnknownTool));
        let message = UnknownTool.to_string();
        assert!(Tool::ALL.iter().all(|tool| message.contains(tool.as_str())), "{message}");
    }
}

#[test]
fn the_same_output_is_the_same_run() {
    for (tool, output) in FIXTURES {
        assert_eq!(run(tool, output, &berlin(Some(0))), run(tool, output, &berlin(Some(0))));
    }
}

#[test]
fn a_bad_exit_code_makes_any_output_a_failure() {
    for (tool, output) in FIXTURES {
        let run = run(tool, output, &berlin(Some(2)));
        assert_eq!((run.report.signal, run.exit_code), (Signal::Fail, Some(2)), "{tool:?}");
    }
}

#[test]
fn the_output_of_another_tool_is_never_good() {
    for (tool, _) in FIXTURES {
        for (other, output) in FIXTURES.iter().filter(|(other, _)| *other != tool) {
            for code in [None, Some(0)] {
                let good = matches!(read(tool, output, &berlin(code)), Ok(Said::Run(run)) if is_good(&run));
                assert!(!good, "{other:?} as {tool:?}");
            }
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_obstacle() {
    for (tool, output) in FIXTURES {
        assert!(is_good(&run(tool, &format!("\u{feff}{output}"), &berlin(Some(0)))), "{tool:?}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_nothing_panics_and_nothing_is_good(
        tool in proptest::sample::select(Tool::ALL.to_vec()),
        output in prop_oneof!["\\PC{0,200}", "[{}\\[\\]\":,a-z0-9\n]{0,200}"],
        code in proptest::option::of(any::<i32>()),
    ) {
        let good = matches!(read(tool, &output, &berlin(code)), Ok(Said::Run(run)) if is_good(&run));
        prop_assert!(!good);
    }
}
