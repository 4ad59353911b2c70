//! What the tests of all tools share: an occasion on which an output comes, and outputs that are
//! broken at random.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::{Refusal, Said, Told, Tool, ToolDrill, ToolRun, read};
use crate::backup::Job;
use crate::ids::{DataSetId, JobId, RunId};
use crate::policy::Policy;
use crate::run::{RunReport, Signal, receive};
use crate::text::Name;
use crate::time::testing::FixedRules;
use crate::time::{Instant, Span};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(super) fn told() -> Told<'static> {
    Told {
        blank: RunReport::new(RunId(Uuid::from_u128(9)), "~9", Signal::Fail),
        exit_code: None,
        zone: None,
        stanza: None,
        now: at("2026-11-27T06:00:00Z"),
        zones: &FixedRules,
    }
}

pub(super) fn run(tool: Tool, output: &str, told: &Told<'_>) -> ToolRun {
    match read(tool, output, told) {
        Ok(Said::Run(run)) => *run,
        other => panic!("{other:?}"),
    }
}

pub(super) fn drill(tool: Tool, output: &str, told: &Told<'_>) -> ToolDrill {
    match read(tool, output, told) {
        Ok(Said::Drill(drill)) => *drill,
        other => panic!("{other:?}"),
    }
}

pub(super) fn nothing(tool: Tool, output: &str, told: &Told<'_>) -> String {
    match read(tool, output, told) {
        Ok(Said::Nothing(why)) => why,
        other => panic!("{other:?}"),
    }
}

pub(super) fn refused(tool: Tool, output: &str, told: &Told<'_>) -> Refusal {
    read(tool, output, told).unwrap_err()
}

/// Whether the report makes a run that protects data, by the usual policy.
pub(super) fn is_good(run: &ToolRun) -> bool {
    let job = Job {
        id: JobId(Uuid::from_u128(1)),
        data_set_id: DataSetId(Uuid::from_u128(2)),
        name: Name::parse("nightly").unwrap(),
        tool: String::new(),
        carried_by: None,
        enabled: true,
        every: Span::hours(24),
        max_duration: Span::hours(6),
        ping_version: 1,
        retired_at: None,
        version: 1,
    };
    let report = RunReport { key: run.key.clone().unwrap_or_else(|| "~9".to_owned()), ..run.report.clone() };
    receive(None, &report, &job, told().now)
        .is_ok_and(|received| received.run().is_some_and(|run| run.is_good(&Policy::default())))
}

/// Where something stands in a document.
#[derive(Clone)]
enum Step {
    Name(String),
    Place(usize),
}

fn places(value: &Value, here: &mut Vec<Step>, all: &mut Vec<Vec<Step>>) {
    let inner: Vec<(Step, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (Step::Name(name.clone()), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, value)| (Step::Place(n), value)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in inner {
        here.push(step);
        all.push(here.clone());
        places(value, here, all);
        here.pop();
    }
}

fn stand<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get_mut(name),
        Step::Place(n) => value.get_mut(n),
    })
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        prop_oneof![
            Just(""),
            Just(" "),
            Just("false"),
            Just("0"),
            Just("OK"),
            Just("Success"),
            Just("Failed"),
            Just("Warning"),
            Just("error"),
            Just("2026-11-26T23:00:00Z"),
            Just("2026-11-26T23:00:00"),
            Just("2999-01-01T00:00:00Z"),
            Just("0001-01-01T00:00:00"),
            Just("+262143-12-31T23:59:59Z"),
        ]
        .prop_map(|text| json!(text)),
        "\\PC{0,12}".prop_map(Value::String),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"status": "ok"}])),
    ]
}

/// The document with some of its values replaced or taken out, or broken off, or with other
/// characters in it.
pub(super) fn mutated(document: &'static str) -> impl Strategy<Value = String> {
    let change = (any::<Index>(), proptest::option::of(junk()));
    let structured = proptest::collection::vec(change, 0..4).prop_map(move |changes| {
        let mut value: Value = serde_json::from_str(document).unwrap();
        for (index, junk) in changes {
            let mut all = Vec::new();
            places(&value, &mut Vec::new(), &mut all);
            let Some((last, parent)) = all.get(index.index(all.len().max(1))).and_then(|path| path.split_last()) else {
                continue;
            };
            let Some(parent) = stand(&mut value, parent) else { continue };
            match (parent, last, junk) {
                (Value::Object(map), Step::Name(name), None) => drop(map.remove(name)),
                (Value::Object(map), Step::Name(name), Some(junk)) => drop(map.insert(name.clone(), junk)),
                (Value::Array(list), Step::Place(n), None) => drop(list.remove(*n)),
                (Value::Array(list), Step::Place(n), Some(junk)) => list[*n] = junk,
                _ => {}
            }
        }
        value.to_string()
    });
    prop_oneof![4 => structured, 1 => broken(Just(document.to_owned()))]
}

/// Lines of the outputs, some of them left out, repeated, changed or broken.
pub(super) fn mutated_lines(outputs: &[&'static str]) -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = outputs.iter().flat_map(|output| output.lines()).collect();
    let line = proptest::sample::select(lines.clone());
    let changed = line.clone().prop_flat_map(|line| {
        if serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object()) {
            mutated(line).boxed()
        } else {
            broken(Just(line.to_owned())).boxed()
        }
    });
    let any = prop_oneof![2 => line.prop_map(ToOwned::to_owned), 2 => changed];
    let mixed = proptest::collection::vec(any, 0..4).prop_map(|lines| lines.join("\n"));
    let whole = proptest::sample::select(outputs.to_vec()).prop_flat_map(|output| broken(Just(output.to_owned())));
    prop_oneof![3 => mixed, 1 => whole]
}

/// A text that ends early, or in which characters were overwritten.
fn broken(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let spots = proptest::collection::vec((any::<Index>(), any::<char>()), 0..3);
    (text, proptest::option::of(any::<Index>()), spots).prop_map(|(text, end, spots)| {
        let mut chars: Vec<char> = text.chars().collect();
        if let Some(end) = end {
            chars.truncate(end.index(chars.len() + 1));
        }
        for (spot, c) in spots {
            if !chars.is_empty() {
                let spot = spot.index(chars.len());
                chars[spot] = c;
            }
        }
        chars.into_iter().collect()
    })
}
