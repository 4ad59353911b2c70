//! Backrest (`hookvars.go`): a hook on `SNAPSHOT_SUCCESS`, `SNAPSHOT_WARNING` and `SNAPSHOT_ERROR`
//! with this template.
//!
//! ```text
//! {"event":"{{ .Event }}","task":{{ .JsonMarshal .Task }},"snapshot_id":"{{ .SnapshotId }}",
//!  "stats":{{ .JsonMarshal .SnapshotStats }},"time":"{{ .FormatTime .CurTime }}",
//!  "duration_ms":{{ .Duration.Milliseconds }},"error":{{ .JsonMarshal .Error }}}
//! ```
//!
//! `SNAPSHOT_END` comes after failures too, beside the three, and says nothing about the outcome.

use super::{Doc, Refusal, Said, Told, Tool, ToolDrill, document, unless_failed};
use crate::drill::DrillKind;
use crate::run::Signal;
use crate::time::Instant;
use chrono::TimeDelta;

const TOOL: Tool = Tool::Backrest;

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let value = document(TOOL, output)?;
    let doc = Doc::new(TOOL, &value);
    let event = doc.text("event").ok_or_else(|| {
        TOOL.refuse("event", "event is missing. Let the hook's template hold \"event\":\"{{ .Event }}\".")
    })?;
    let mut run = told.failed();
    let report = &mut run.report;
    let wrong = doc.get("error").is_some_and(|error| error.as_str() != Some(""));
    let snapshot = doc.text("snapshot_id");
    report.signal = match event.trim_start_matches("CONDITION_") {
        "SNAPSHOT_SUCCESS" if wrong || snapshot.is_none() => Signal::Fail,
        "SNAPSHOT_SUCCESS" => Signal::Success,
        "SNAPSHOT_WARNING" if snapshot.is_some() => Signal::Warning,
        "SNAPSHOT_WARNING" | "SNAPSHOT_ERROR" => Signal::Fail,
        ended @ ("CHECK_SUCCESS" | "CHECK_ERROR") => return check(&doc, ended == "CHECK_SUCCESS" && !wrong, told),
        other => {
            let other: String = other.chars().take(40).collect();
            return Said::nothing(format!(
                "backrest: the event {other} does not tell how a backup ended. \
                 Choose SNAPSHOT_SUCCESS, SNAPSHOT_WARNING and SNAPSHOT_ERROR for the hook."
            ));
        }
    };
    let ended = unless_failed(report.signal, doc.end("time", told))?;
    let took = unless_failed(report.signal, doc.size("duration_ms"))?;
    report.finished_at = ended;
    report.started_at = ended.zip(took.filter(|ms| *ms > 0)).and_then(|(ended, ms)| before(ended, ms));
    report.bytes = unless_failed(report.signal, doc.size("stats.total_bytes_processed"))?;
    report.files = unless_failed(report.signal, doc.size("stats.total_files_processed"))?;
    report.dry_run = doc.is_said("stats.dry_run");
    report.snapshot = snapshot.map(ToOwned::to_owned);
    run.key = snapshot.map(ToOwned::to_owned);
    Ok(run.said())
}

/// A check of the repository is over.
fn check(doc: &Doc<'_>, succeeded: bool, told: &Told<'_>) -> Result<Said, Refusal> {
    let signal = if succeeded { Signal::Success } else { Signal::Fail };
    let blank = told.drill(DrillKind::Verify, "backrest: check");
    let finished_at = unless_failed(signal, doc.end("time", told))?.unwrap_or(blank.finished_at);
    let took = unless_failed(signal, doc.size("duration_ms"))?;
    let started_at = took.filter(|ms| *ms > 0).and_then(|ms| before(finished_at, ms));
    Ok(ToolDrill { succeeded, started_at, finished_at, ..blank }.said())
}

fn before(at: Instant, milliseconds: i64) -> Option<Instant> {
    at.checked_sub_signed(TimeDelta::try_milliseconds(milliseconds)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const GOOD: &str = include_str!("fixtures/backrest.json");

    fn on(event: &str) -> String {
        GOOD.replace("CONDITION_SNAPSHOT_SUCCESS", event)
    }

    #[test]
    fn a_success_began_its_duration_before_its_hook() {
        let run = run(TOOL, GOOD, &told());
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:54:10.168Z")));
        assert_eq!(run.report.finished_at, Some(at("2026-11-26T23:54:12Z")));
        assert_eq!((run.report.bytes, run.report.files), (Some(100_013), Some(3)));
        assert_eq!(run.key, run.report.snapshot);
        assert!(is_good(&run));
    }

    #[test]
    fn a_warning_is_a_warning_and_an_error_failed() {
        for (event, expected) in [
            ("CONDITION_SNAPSHOT_WARNING", Signal::Warning),
            ("CONDITION_SNAPSHOT_ERROR", Signal::Fail),
            ("SNAPSHOT_SUCCESS", Signal::Success),
        ] {
            assert_eq!(run(TOOL, &on(event), &told()).report.signal, expected, "{event}");
        }
        let no_snapshot = GOOD.replacen(r#""snapshot_id":"9d41"#, r#""snapshot":"9d41"#, 1);
        assert_eq!(run(TOOL, &no_snapshot, &told()).report.signal, Signal::Fail);
        let wrong = GOOD.replace(r#""error":"""#, r#""error":"exit status 3""#);
        assert_eq!(run(TOOL, &wrong, &told()).report.signal, Signal::Fail);
    }

    #[test]
    fn an_end_tells_no_outcome() {
        for event in [
            "CONDITION_SNAPSHOT_START",
            "CONDITION_SNAPSHOT_END",
            "CONDITION_ANY_ERROR",
            "CONDITION_PRUNE_SUCCESS",
            "CONDITION_FORGET_SUCCESS",
        ] {
            assert!(nothing(TOOL, &on(event), &told()).contains("SNAPSHOT_SUCCESS"), "{event}");
        }
    }

    #[test]
    fn a_check_is_evidence_and_no_backup() {
        let found = drill(TOOL, &on("CONDITION_CHECK_SUCCESS"), &told());
        assert_eq!((found.kind, found.succeeded, found.bytes), (DrillKind::Verify, true, None));
        assert_eq!(found.finished_at, at("2026-11-26T23:54:12Z"));
        assert!(!drill(TOOL, &on("CHECK_ERROR"), &told()).succeeded);
    }

    #[test]
    fn without_a_duration_no_start_is_made_up() {
        let silent = GOOD.replace("duration_ms", "duration");
        assert_eq!(run(TOOL, &silent, &told()).report.started_at, None);
        let wrong = GOOD.replace("1832", "-1832");
        assert_eq!(refused(TOOL, &wrong, &told()).field, "duration_ms");
        assert_eq!(refused(TOOL, "{}", &told()).field, "event");
        assert_eq!(refused(TOOL, "Backrest Notification", &told()).field, "body");
        let local = GOOD.replace("23:54:12Z", "23:54:12");
        assert_eq!(refused(TOOL, &local, &told()).field, "zone");
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(output in mutated(GOOD)) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &told()) {
                let proven = serde_json::from_str::<Value>(&output).is_ok_and(|value| {
                    value["event"].as_str().is_some_and(|event| event.trim().ends_with("SNAPSHOT_SUCCESS"))
                        && value["snapshot_id"].as_str().is_some_and(|id| !id.trim().is_empty())
                        && (value["error"].is_null() || value["error"] == "")
                });
                prop_assert!(!is_good(&run) || proven, "{output}");
            }
        }
    }
}
