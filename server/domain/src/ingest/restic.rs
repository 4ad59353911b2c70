//! restic (`doc/075_scripting.rst`): the JSON lines of `backup --json`, and the exit code.
//!
//! Exit code 3 means that a snapshot was made without some of the files. A dry run has a summary
//! like any other, in older versions even with a snapshot id. A source that does not exist is
//! told on stderr alone, in older versions with exit code 0.

use super::{Doc, Refusal, Said, Told, Tool, ToolDrill, unless_failed};
use crate::drill::DrillKind;
use crate::run::Signal;
use crate::time::Span;
use serde_json::Value;

const TOOL: Tool = Tool::Restic;

/// What the lines say together.
#[derive(Default)]
struct Lines {
    summaries: Vec<Value>,
    /// Files that could not be read, and lines that nobody here can read.
    doubts: bool,
    /// The exit code as restic told it itself.
    exit: Option<i64>,
    /// Lines that only restic writes.
    known: bool,
}

fn lines(output: &str) -> Lines {
    let mut found = Lines::default();
    for line in output.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            found.doubts = true;
            continue;
        };
        let doc = Doc::new(TOOL, &value);
        let kind = doc.text("message_type");
        found.known |= matches!(kind, Some("status" | "verbose_status" | "error" | "exit_error" | "summary"));
        match kind {
            Some("verbose_status") => {}
            Some("status") => found.doubts |= doc.is_counted("error_count"),
            Some("exit_error") => found.exit = Some(doc.get("code").and_then(Value::as_i64).unwrap_or(1)),
            Some("summary") => found.summaries.push(value),
            // Errors, and kinds of lines that came after this was written.
            _ => found.doubts = true,
        }
    }
    found
}

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let found = lines(output);
    let mut run = told.failed();
    let code = match (told.exit_code.map(i64::from), found.exit) {
        (Some(given), Some(told)) if given != told => Some(1),
        (given, told) => given.or(told),
    };
    let [summary] = found.summaries.as_slice() else {
        return match (found.summaries.len(), code) {
            (0, None) if !found.known => Err(TOOL.refuse(
                "body",
                "Send what `restic backup --json` writes to stdout, and its exit code as ?exit_code=.",
            )),
            // Ended before its summary: it was killed, or did not even begin.
            (0, _) => Ok(run.said()),
            _ => Err(TOOL.refuse("body", "There are several summaries. Send each run by itself.")),
        };
    };
    let summary = Doc::new(TOOL, summary);
    let names = |fields: &[&str]| fields.iter().any(|field| summary.get(field).is_some());
    if !names(&["snapshot_id", "files_new", "total_files_processed"]) {
        if names(&["num_errors", "broken_packs", "suggest_repair_index", "suggest_prune"]) {
            let broken = summary.get("broken_packs").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
            let clean = code.is_none_or(|code| code == 0) && !broken && !summary.is_counted("num_errors");
            let check = told.drill(DrillKind::Verify, "restic check");
            return Ok(ToolDrill { succeeded: clean && !found.doubts, ..check }.said());
        }
        if names(&["files_restored", "bytes_restored", "files_skipped"]) {
            return restored(&summary, code.is_none_or(|code| code == 0) && !found.doubts, told);
        }
    }
    let snapshot = summary.text("snapshot_id").map(ToOwned::to_owned);
    let report = &mut run.report;
    report.dry_run = summary.is_said("dry_run");
    report.signal = match code {
        None | Some(0) if snapshot.is_none() && !report.dry_run => Signal::Fail,
        None | Some(0) if found.doubts => Signal::Warning,
        None | Some(0) => Signal::Success,
        Some(3) if snapshot.is_some() => Signal::Warning,
        Some(_) => Signal::Fail,
    };
    report.started_at = unless_failed(report.signal, summary.start("backup_start", told))?;
    report.finished_at = unless_failed(report.signal, summary.end("backup_end", told))?;
    report.bytes = unless_failed(report.signal, summary.size("total_bytes_processed"))?;
    report.files = unless_failed(report.signal, summary.size("total_files_processed"))?;
    report.snapshot.clone_from(&snapshot);
    run.key = snapshot;
    Ok(run.said())
}

/// The summary of `restore --json`. It tells how long it took, and ends when it is sent.
fn restored(summary: &Doc<'_>, clean: bool, told: &Told<'_>) -> Result<Said, Refusal> {
    let count = |field| Ok(summary.size(field)?.unwrap_or(0));
    let whole = count("files_restored")?.saturating_add(count("files_skipped")?) >= count("total_files")?;
    // Whole seconds, cut off.
    let took = summary.size("seconds_elapsed")?.map(|s| Span::seconds(s.saturating_add(1)));
    let drill = ToolDrill {
        succeeded: clean && whole,
        started_at: took.map(|took| took.before(told.now)),
        bytes: summary.size("bytes_restored")?,
        ..told.drill(DrillKind::Restore, "restic restore")
    };
    Ok(drill.said())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;

    /// Recorded from restic 0.14: without times.
    const OLD: &str = include_str!("fixtures/restic-0.14.jsonl");
    const DRY: &str = include_str!("fixtures/restic-0.14-dry-run.jsonl");
    /// With the fields that newer versions add.
    const NEW: &str = include_str!("fixtures/restic-0.18.jsonl");

    fn with_code(code: Option<i32>) -> Told<'static> {
        Told { exit_code: code, ..told() }
    }

    #[test]
    fn a_summary_is_a_good_run_with_its_own_times() {
        let run = run(TOOL, NEW, &with_code(Some(0)));
        assert_eq!(run.key.as_deref(), Some("53ec8794d2c2b3a19fbc4ab2e4cf1b5a3ff27dc77d52e4cf51d2b3a19fbc4ab2"));
        assert_eq!((run.report.signal, run.exit_code), (Signal::Success, Some(0)));
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:54:10.812Z")));
        assert_eq!(run.report.finished_at, Some(at("2026-11-26T23:54:11.242Z")));
        assert_eq!((run.report.bytes, run.report.files), (Some(100_013), Some(3)));
        assert!(is_good(&run));
    }

    #[test]
    fn an_old_summary_tells_no_times_and_none_are_made_up() {
        let run = run(TOOL, OLD, &with_code(Some(0)));
        assert_eq!((run.key.as_deref(), run.report.started_at, run.report.finished_at), (Some("53ec8794"), None, None));
        assert!(is_good(&run));
    }

    #[test]
    fn the_exit_code_has_the_last_word() {
        for (code, expected) in [
            (None, Signal::Success),
            (Some(0), Signal::Success),
            (Some(3), Signal::Warning),
            (Some(1), Signal::Fail),
            (Some(2), Signal::Fail),
            (Some(10), Signal::Fail),
            (Some(11), Signal::Fail),
            (Some(12), Signal::Fail),
            (Some(77), Signal::Fail),
            (Some(130), Signal::Fail),
        ] {
            let run = run(TOOL, NEW, &with_code(code));
            assert_eq!((run.report.signal, run.exit_code), (expected, code));
        }
    }

    #[test]
    fn a_dry_run_is_told_even_where_it_has_a_snapshot_id() {
        let dry = run(TOOL, DRY, &with_code(Some(0)));
        assert!(dry.report.dry_run && !is_good(&dry));
        let odd = NEW.replace(r#""files_new":3"#, r#""dry_run":"yes","files_new":3"#);
        assert!(run(TOOL, &odd, &with_code(Some(0))).report.dry_run);
    }

    #[test]
    fn killed_in_the_middle_it_failed() {
        let begun = NEW.lines().next().unwrap();
        for code in [None, Some(0), Some(130)] {
            let run = run(TOOL, begun, &with_code(code));
            assert_eq!((run.report.signal, &run.key), (Signal::Fail, &None));
        }
        assert_eq!(run(TOOL, "", &with_code(Some(0))).report.signal, Signal::Fail);
        let cut = &NEW[..NEW.len() - 20];
        assert_eq!(run(TOOL, cut, &with_code(Some(0))).report.signal, Signal::Fail);
    }

    #[test]
    fn errors_and_unknown_lines_are_warnings() {
        for line in [
            r#"{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/etc/shadow"}"#,
            r#"{"message_type":"status","percent_done":1,"error_count":1}"#,
            r#"{"message_type":"something new"}"#,
            r#"{"message_type":"exit_error","code":3,"message":"Warning: at least one source file could not be read"}"#,
            "nothere does not exist, skipping",
            "[]",
        ] {
            let output = format!("{line}\n{NEW}");
            assert_eq!(run(TOOL, &output, &with_code(None)).report.signal, Signal::Warning, "{line}");
        }
        let fatal = format!("{NEW}\n{}", r#"{"message_type":"exit_error","code":1,"message":"Fatal: x"}"#);
        assert_eq!(run(TOOL, &fatal, &with_code(None)).report.signal, Signal::Fail);
        let contradiction = format!("{NEW}\n{}", r#"{"message_type":"exit_error","code":3}"#);
        assert_eq!(run(TOOL, &contradiction, &with_code(Some(0))).report.signal, Signal::Fail);
    }

    #[test]
    fn without_a_snapshot_nothing_was_saved() {
        let skipped = NEW.replace("snapshot_id", "snapshot");
        assert_eq!(run(TOOL, &skipped, &with_code(Some(0))).report.signal, Signal::Fail);
    }

    #[test]
    fn a_check_is_evidence_and_a_restore_a_drill() {
        let check = r#"{"message_type":"summary","num_errors":0,"suggest_repair_index":false,"suggest_prune":false}"#;
        let found = drill(TOOL, check, &with_code(Some(0)));
        assert_eq!((found.kind, found.succeeded, found.bytes), (DrillKind::Verify, true, None));
        assert!(!drill(TOOL, check, &with_code(Some(1))).succeeded);
        let broken = check.replace(r#""num_errors":0"#, r#""num_errors":2"#);
        assert!(!drill(TOOL, &broken, &with_code(None)).succeeded);
        let restore = r#"{"message_type":"summary","seconds_elapsed":89,"total_files":3,"files_restored":2,
            "files_skipped":1,"bytes_restored":100013}"#
            .replace('\n', "");
        let found = drill(TOOL, &restore, &with_code(Some(0)));
        assert_eq!((found.kind, found.succeeded, found.bytes), (DrillKind::Restore, true, Some(100_013)));
        assert_eq!(found.started_at, Some(Span::seconds(90).before(told().now)));
        assert!(!drill(TOOL, &restore.replace(r#""total_files":3"#, r#""total_files":4"#), &with_code(None)).succeeded);
        assert!(!drill(TOOL, &restore, &with_code(Some(1))).succeeded);
        let silent = restore.replace("seconds_elapsed", "elapsed");
        assert_eq!(drill(TOOL, &silent, &with_code(Some(0))).started_at, None);
    }

    #[test]
    fn other_commands_are_no_backups() {
        assert_eq!(refused(TOOL, "[{\"id\":\"53ec8794\"}]", &with_code(None)).field, "body");
        assert_eq!(refused(TOOL, "", &with_code(None)).field, "body");
        assert_eq!(refused(TOOL, &format!("{NEW}{OLD}"), &with_code(Some(0))).field, "body");
    }

    #[test]
    fn a_wrong_field_is_named() {
        let late = NEW.replace("2026-11-27T00:54:10.812345678+01:00", "yesterday");
        let refusal = refused(TOOL, &late, &with_code(Some(0)));
        assert!(refusal.field == "backup_start" && refusal.message.starts_with("restic: "), "{refusal:?}");
        assert_eq!(run(TOOL, &late, &with_code(Some(1))).report.signal, Signal::Fail, "a failure is never refused");
        assert_eq!(refused(TOOL, NEW, &with_code(Some(256))).field, "exit_code");
        let negative = NEW.replace("100013", "-1");
        assert_eq!(refused(TOOL, &negative, &with_code(Some(0))).field, "total_bytes_processed");
    }

    fn proves(output: &str) -> bool {
        let summary = output.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
        let mut summary = summary.filter(|line| line["message_type"].as_str().map(str::trim) == Some("summary"));
        let Some(one) = summary.next() else { return false };
        let dry = !matches!(one["dry_run"], Value::Null | Value::Bool(false));
        let saved = one["snapshot_id"].as_str().is_some_and(|id| !id.trim().is_empty());
        saved && !dry && summary.next().is_none()
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(
            output in mutated_lines(&[OLD, NEW, DRY]),
            code in proptest::option::of(prop_oneof![3 => Just(0), 1 => 0..256_i32]),
        ) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &with_code(code)) {
                prop_assert!(!is_good(&run) || (proves(&output) && matches!(code, None | Some(0))), "{output}");
            }
        }
    }
}
