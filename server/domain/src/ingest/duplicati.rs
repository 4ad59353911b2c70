//! Duplicati (`JsonFormatSerializer.cs`): its report as JSON.
//!
//! What is sent by HTTP has the result as `Data`; the file that a script gets is the result itself,
//! or the text `Failed: …` where an exception ended the run.
//!
//! The parts of a result have a `ParsedResult` of their own; the one of the whole counts. A backup
//! that was stopped early still reports a success, with `PartialBackup`.

use super::{Doc, Refusal, Said, Told, Tool, ToolDrill, document, unless_failed};
use crate::drill::DrillKind;
use crate::run::Signal;
use crate::time::Instant;
use serde_json::json;

const TOOL: Tool = Tool::Duplicati;

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    if output.trim_start().starts_with("Failed:") {
        return Ok(told.failed().said());
    }
    let mut value = document(TOOL, output)?;
    if value.get("Data").is_none() && value.get("MainOperation").is_some() {
        value = json!({ "Data": value });
    }
    let doc = Doc::new(TOOL, &value);
    // A run that ended with an exception has no result that could name the operation.
    let operation = doc.text("Data.MainOperation").or_else(|| doc.text("Extra.OperationName")).ok_or_else(|| {
        TOOL.refuse("Data.MainOperation", "Data.MainOperation is missing. Let Duplicati send its report as JSON.")
    })?;
    match operation {
        "Backup" => {}
        "Restore" => return rehearsed(&doc, DrillKind::Restore, told),
        "Test" => return rehearsed(&doc, DrillKind::Verify, told),
        other => {
            let other: String = other.chars().take(40).collect();
            return Said::nothing(format!("duplicati: the operation “{other}”, not a backup."));
        }
    }
    let mut run = told.failed();
    let report = &mut run.report;
    report.signal = match doc.text("Data.ParsedResult") {
        _ if doc.text("Data.MainOperation").is_none() || doc.get("Exception").is_some() => Signal::Fail,
        Some("Success")
            if ["Data.FilesWithError", "Data.ErrorsActualLength", "Data.WarningsActualLength"]
                .iter()
                .any(|f| doc.is_counted(f)) =>
        {
            Signal::Warning
        }
        Some("Success") => Signal::Success,
        Some("Warning") => Signal::Warning,
        _ => Signal::Fail,
    };
    report.dry_run = doc.is_said("Data.Dryrun");
    report.partial = doc.is_said("Data.PartialBackup") || doc.is_said("Data.Interrupted");
    report.started_at = unless_failed(report.signal, doc.start("Data.BeginTime", told))?;
    report.finished_at = unless_failed(report.signal, doc.end("Data.EndTime", told))?;
    report.bytes = unless_failed(report.signal, doc.size("Data.SizeOfExaminedFiles"))?;
    report.files = unless_failed(report.signal, doc.size("Data.ExaminedFiles"))?;
    run.key = key(&doc, report.started_at);
    Ok(run.said())
}

/// The report has no id: the backup and its start are one.
fn key(doc: &Doc<'_>, started_at: Option<Instant>) -> Option<String> {
    let start = started_at?;
    let backup: String = doc.text("Extra.backup-id").unwrap_or_default().chars().take(100).collect();
    Some(format!("{backup} {}", start.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)).trim().to_owned())
}

/// A restore, or a test of the volumes.
fn rehearsed(doc: &Doc<'_>, kind: DrillKind, told: &Told<'_>) -> Result<Said, Refusal> {
    let result = doc.text("Data.ParsedResult").unwrap_or("no result");
    let doubts = ["Data.ErrorsActualLength", "Data.WarningsActualLength"].iter().any(|f| doc.is_counted(f));
    let thrown = doc.text("Data.MainOperation").is_none() || doc.get("Exception").is_some();
    let succeeded = result == "Success" && !doubts && !thrown && !doc.is_said("Data.Interrupted");
    let signal = if succeeded { Signal::Success } else { Signal::Fail };
    let started_at = unless_failed(signal, doc.start("Data.BeginTime", told))?;
    let note: String = format!("duplicati: {result}").chars().take(200).collect();
    let blank = told.drill(kind, note);
    let drill = ToolDrill {
        key: key(doc, started_at),
        succeeded,
        started_at,
        finished_at: unless_failed(signal, doc.end("Data.EndTime", told))?.unwrap_or(blank.finished_at),
        bytes: unless_failed(signal, doc.size("Data.SizeOfRestoredFiles"))?,
        ..blank
    };
    Ok(drill.said())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// A report of Duplicati 2.1, with other names and times.
    const GOOD: &str = include_str!("fixtures/duplicati-2.1.json");

    #[test]
    fn a_report_of_success_is_a_good_run() {
        let run = run(TOOL, GOOD, &told());
        assert_eq!(run.key.as_deref(), Some("DB-2 2026-11-26T23:45:46.971Z"));
        assert_eq!(run.report.finished_at, Some(at("2026-11-26T23:46:38.356Z")));
        assert_eq!((run.report.bytes, run.report.files), (Some(11_086_692_615), Some(15_399)));
        assert!(is_good(&run));
    }

    #[test]
    fn the_file_for_scripts_is_understood_too() {
        let data = serde_json::from_str::<Value>(GOOD).map(|value| value["Data"].to_string()).unwrap_or_default();
        let whole = run(TOOL, &data, &told());
        assert!(is_good(&whole));
        assert_eq!(whole.key.as_deref(), Some("2026-11-26T23:45:46.971Z"));
        assert_eq!(
            run(TOOL, "Failed: No route to host\nDetails: System.Exception", &told()).report.signal,
            Signal::Fail
        );
    }

    #[test]
    fn the_result_of_the_whole_counts() {
        let first = |to: &str| GOOD.replacen(r#""ParsedResult":"Success""#, &format!(r#""ParsedResult":"{to}""#), 1);
        for (result, expected) in [
            ("Success", Signal::Success),
            ("Warning", Signal::Warning),
            ("Error", Signal::Fail),
            ("Fatal", Signal::Fail),
            ("Unknown", Signal::Fail),
        ] {
            assert_eq!(run(TOOL, &first(result), &told()).report.signal, expected, "{result}");
        }
        let missing = GOOD.replacen(r#""ParsedResult":"Success""#, r#""Result":"Success""#, 1);
        assert_eq!(run(TOOL, &missing, &told()).report.signal, Signal::Fail);
        for counted in ["FilesWithError", "WarningsActualLength", "ErrorsActualLength"] {
            let output = GOOD.replacen(&format!(r#""{counted}":0"#), &format!(r#""{counted}":1"#), 1);
            assert_eq!(run(TOOL, &output, &told()).report.signal, Signal::Warning, "{counted}");
        }
    }

    #[test]
    fn a_part_or_a_rehearsal_is_not_good() {
        for (field, dry, partial) in
            [("PartialBackup", false, true), ("Interrupted", false, true), ("Dryrun", true, false)]
        {
            for said in ["true", "\"yes\"", "1"] {
                let output = GOOD.replacen(&format!(r#""{field}":false"#), &format!(r#""{field}":{said}"#), 1);
                let run = run(TOOL, &output, &told());
                assert_eq!((run.report.dry_run, run.report.partial), (dry, partial), "{field} {said}");
                assert!(!is_good(&run));
            }
        }
    }

    #[test]
    fn other_operations_are_no_backups_and_an_exception_failed() {
        let compact = GOOD.replacen(r#""MainOperation":"Backup""#, r#""MainOperation":"Compact""#, 1);
        assert!(nothing(TOOL, &compact, &told()).contains("Compact"));
        let thrown = r#"{"Data":{"ClassName":"System.Exception","Message":"No route to host"},
            "Extra":{"OperationName":"Backup","backup-id":"DB-2"},"LogLines":[]}"#;
        assert_eq!(run(TOOL, thrown, &told()).report.signal, Signal::Fail);
        let both = GOOD.replacen(r#""LogLines":[]"#, r#""LogLines":[],"Exception":"No route to host""#, 1);
        assert_eq!(run(TOOL, &both, &told()).report.signal, Signal::Fail);
        assert_eq!(refused(TOOL, r#"{"Data":{}}"#, &told()).field, "Data.MainOperation");
    }

    #[test]
    fn a_restore_is_a_drill_and_a_test_is_a_check() {
        let restore = GOOD.replacen(r#""MainOperation":"Backup""#, r#""MainOperation":"Restore""#, 1).replacen(
            r#""SizeOfExaminedFiles""#,
            r#""SizeOfRestoredFiles""#,
            1,
        );
        let found = drill(TOOL, &restore, &told());
        assert_eq!((found.kind, found.succeeded, found.bytes), (DrillKind::Restore, true, Some(11_086_692_615)));
        assert_eq!(found.started_at, Some(at("2026-11-26T23:45:46.971Z")));
        assert_eq!(found.finished_at, at("2026-11-26T23:46:38.356Z"));
        assert_eq!(found.key.as_deref(), Some("DB-2 2026-11-26T23:45:46.971Z"));
        let warned = restore.replacen(r#""ParsedResult":"Success""#, r#""ParsedResult":"Warning""#, 1);
        assert!(!drill(TOOL, &warned, &told()).succeeded);
        let test = GOOD.replacen(r#""MainOperation":"Backup""#, r#""MainOperation":"Test""#, 1);
        let found = drill(TOOL, &test, &told());
        assert_eq!((found.kind, found.succeeded, found.bytes), (DrillKind::Verify, true, None));
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        let local = GOOD.replace("2026-11-26T23:45:46.9712217Z", "2026-11-26T23:45:46.9712217");
        assert_eq!(refused(TOOL, &local, &told()).field, "zone");
        let failed = local.replacen(r#""ParsedResult":"Success""#, r#""ParsedResult":"Fatal""#, 1);
        assert_eq!(run(TOOL, &failed, &told()).report.signal, Signal::Fail);
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(output in mutated(GOOD)) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &told()) {
                let proven = serde_json::from_str::<Value>(&output).is_ok_and(|value| {
                    let data = if value["Data"].is_null() { &value } else { &value["Data"] };
                    let is = |field: &str, text: &str| data[field].as_str().map(str::trim) == Some(text);
                    let no = |field: &str| matches!(data[field], Value::Null | Value::Bool(false));
                    is("MainOperation", "Backup") && is("ParsedResult", "Success")
                        && no("Dryrun") && no("PartialBackup") && no("Interrupted")
                });
                prop_assert!(!is_good(&run) || proven, "{output}");
            }
        }
    }
}
