//! BorgBackup (`docs/internals/frontends.rst`): the document of `create --json`, and the exit code.
//!
//! Its times are those of the machine's wall clock, without a zone. A run with warnings writes
//! the same document as one without; only the exit code tells them apart.

use super::{Doc, Refusal, Said, Told, Tool, unless_failed};
use crate::run::Signal;
use serde_json::Value;

const TOOL: Tool = Tool::Borg;

/// What was written, with the lines of `--log-json` around the document.
#[derive(Default)]
struct Found {
    documents: Vec<Value>,
    warnings: bool,
    errors: bool,
    /// Something that nobody here can read.
    noise: bool,
}

fn take_apart(output: &str) -> Found {
    let mut found = Found::default();
    let mut rest = output.trim_start();
    while !rest.is_empty() {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match rest.starts_with('{').then(|| values.next()).flatten() {
            Some(Ok(value)) => {
                rest = &rest[values.byte_offset()..];
                let doc = Doc::new(TOOL, &value);
                match (doc.text("type"), doc.text("levelname")) {
                    (Some("log_message"), Some("DEBUG" | "INFO")) => {}
                    (Some("log_message"), Some("WARNING")) => found.warnings = true,
                    (Some("log_message"), _) => found.errors = true,
                    (Some("archive_progress" | "progress_message" | "progress_percent" | "file_status"), _) => {}
                    (Some(_), _) => found.noise = true,
                    (None, _) => found.documents.push(value),
                }
            }
            _ => {
                found.noise = true;
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            }
        }
        rest = rest.trim_start();
    }
    found
}

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let found = take_apart(output);
    let mut run = told.failed();
    let [document] = found.documents.as_slice() else {
        return match (found.documents.len(), told.exit_code) {
            (0, Some(_)) => Ok(run.said()),
            (0, None) if found.errors => Ok(run.said()),
            (0, None) => Err(TOOL
                .refuse("body", "Send what `borg create --json` writes to stdout, and its exit code as ?exit_code=.")),
            _ => Err(TOOL.refuse("body", "There are several documents. Send each archive by itself.")),
        };
    };
    let doc = Doc::new(TOOL, document);
    if doc.get("archive").is_none() && doc.get("archives").is_some() {
        return Said::nothing("borg: a list of archives, not the making of one.");
    }
    let id = doc.text("archive.id").map(ToOwned::to_owned);
    let name = doc.text("archive.name");
    let report = &mut run.report;
    report.signal = match told.exit_code {
        // Without the code nobody knows whether there were warnings.
        None | Some(0 | 1 | 100..=127) if id.is_none() || name.is_none() || found.errors => Signal::Fail,
        Some(0) if !found.warnings && !found.noise => Signal::Success,
        None | Some(0 | 1 | 100..=127) => Signal::Warning,
        Some(_) => Signal::Fail,
    };
    // What an interrupted run leaves behind.
    report.partial = name.is_some_and(|name| name.contains(".checkpoint"));
    report.started_at = unless_failed(report.signal, doc.start("archive.start", told))?;
    report.finished_at = unless_failed(report.signal, doc.end("archive.end", told))?;
    report.bytes = unless_failed(report.signal, doc.size("archive.stats.original_size"))?;
    report.files = unless_failed(report.signal, doc.size("archive.stats.nfiles"))?;
    report.snapshot = name.map(ToOwned::to_owned);
    run.key = id;
    Ok(run.said())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;

    /// Recorded from borg 1.2 on a machine in Berlin.
    const GOOD: &str = include_str!("fixtures/borg-1.2.json");
    /// The same with `--log-json`, stderr and stdout together; one source did not exist.
    const WARNED: &str = include_str!("fixtures/borg-1.2-warning.txt");
    const LIST: &str = include_str!("fixtures/borg-1.2-list.json");

    fn berlin(code: Option<i32>) -> Told<'static> {
        Told { exit_code: code, zone: Some("Europe/Berlin"), ..told() }
    }

    #[test]
    fn an_archive_is_a_good_run_in_the_zone_of_its_machine() {
        let run = run(TOOL, GOOD, &berlin(Some(0)));
        assert_eq!(run.key.as_deref(), Some("51bc8781bd910f3c1aa9c22b6fdcde62ddaf352f55777231370b4d5c4cd9968d"));
        assert_eq!(run.report.snapshot.as_deref(), Some("web-12-2026-11-27T00:54:17"));
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:54:17Z")));
        assert_eq!((run.report.bytes, run.report.files), (Some(100_532), Some(3)));
        assert!(is_good(&run));
    }

    #[test]
    fn a_time_without_a_zone_is_refused_and_one_with_an_offset_is_not() {
        let refusal = refused(TOOL, GOOD, &Told { exit_code: Some(0), ..told() });
        assert_eq!(refusal.field, "zone");
        assert!(refusal.message.contains("archive.start") && refusal.message.contains("?zone="), "{refusal}");
        let mars = Told { zone: Some("Mars/Olympus"), ..berlin(Some(0)) };
        assert_eq!(refused(TOOL, GOOD, &mars).field, "zone");
        let utc = GOOD.replace("2026-11-27T00:54:17.000000", "2026-11-26T23:54:17.000000Z");
        let run = run(TOOL, &utc, &Told { exit_code: Some(0), ..told() });
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:54:17Z")));
    }

    #[test]
    fn on_the_nights_the_clocks_change_the_start_is_the_earliest_and_the_end_the_latest_there_is() {
        let times = |start: &str, end: &str, now: &str| {
            let output = GOOD
                .replace(r#""start": "2026-11-27T00:54:17.000000""#, &format!(r#""start": "{start}""#))
                .replace(r#""end": "2026-11-27T00:54:17.000000""#, &format!(r#""end": "{end}""#));
            let run = run(TOOL, &output, &Told { now: at(now), ..berlin(Some(0)) });
            (run.report.started_at.unwrap(), run.report.finished_at.unwrap())
        };
        let noon = "2026-10-25T12:00:00Z";
        let fold = times("2026-10-25T02:10:00", "2026-10-25T02:50:00", noon);
        assert_eq!(fold, (at("2026-10-25T00:10:00Z"), at("2026-10-25T01:50:00Z")));
        let soon = times("2026-10-25T02:10:00", "2026-10-25T02:50:00", "2026-10-25T00:50:01Z");
        assert_eq!(soon, (at("2026-10-25T00:10:00Z"), at("2026-10-25T00:50:00Z")), "it can not end in the future");
        let gap = times("2026-03-29T02:30:00", "2026-03-29T02:40:00", noon);
        assert_eq!(gap, (at("2026-03-29T00:59:00Z"), at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn only_the_exit_code_tells_warnings_apart() {
        for (code, expected) in [
            (Some(0), Signal::Success),
            (Some(1), Signal::Warning),
            (Some(105), Signal::Warning),
            (None, Signal::Warning),
            (Some(2), Signal::Fail),
            (Some(13), Signal::Fail),
            (Some(143), Signal::Fail),
        ] {
            assert_eq!(run(TOOL, GOOD, &berlin(code)).report.signal, expected, "{code:?}");
        }
        assert_eq!(run(TOOL, WARNED, &berlin(Some(0))).report.signal, Signal::Warning);
        let plain = format!("nothere: [Errno 2] No such file or directory: 'nothere'\n{GOOD}");
        assert_eq!(run(TOOL, &plain, &berlin(Some(0))).report.signal, Signal::Warning);
        let failing = WARNED.replacen("WARNING", "ERROR", 1);
        assert_eq!(run(TOOL, &failing, &berlin(Some(0))).report.signal, Signal::Fail);
    }

    #[test]
    fn without_its_document_it_failed() {
        let begun = r#"{"type": "archive_progress", "nfiles": 1}"#;
        for output in ["", "Killed", begun, &GOOD[..300]] {
            for code in [0, 2, 137] {
                assert_eq!(run(TOOL, output, &berlin(Some(code))).report.signal, Signal::Fail, "{output}");
            }
        }
        assert_eq!(refused(TOOL, "", &berlin(None)).field, "body");
        assert_eq!(refused(TOOL, &format!("{GOOD}{GOOD}"), &berlin(Some(0))).field, "body");
        let unnamed = GOOD.replace(r#""id": "51bc"#, r#""ids": "51bc"#);
        assert_eq!(run(TOOL, &unnamed, &berlin(Some(0))).report.signal, Signal::Fail);
    }

    #[test]
    fn a_checkpoint_is_partial_and_a_list_is_no_backup() {
        let cut = GOOD.replace(r#""name": "web-12-2026-11-27T00:54:17""#, r#""name": "web-12.checkpoint""#);
        let run = run(TOOL, &cut, &berlin(Some(0)));
        assert!(run.report.partial && !is_good(&run));
        assert!(nothing(TOOL, LIST, &berlin(Some(0))).contains("list"));
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(
            output in mutated(GOOD),
            code in proptest::option::of(prop_oneof![3 => Just(0), 1 => 0..256_i32]),
        ) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &berlin(code)) {
                let proven = || {
                    let value: Value = serde_json::from_str(&output).ok()?;
                    let archive = value.get("archive")?;
                    let name = archive["name"].as_str()?;
                    let saved = !archive["id"].as_str()?.trim().is_empty() && !name.trim().is_empty();
                    Some(saved && !name.contains(".checkpoint"))
                };
                prop_assert!(!is_good(&run) || (code == Some(0) && proven() == Some(true)), "{output}");
            }
        }

        #[test]
        fn nothing_in_front_or_behind_makes_it_panic_or_good(
            output in mutated_lines(&[WARNED]),
            code in proptest::option::of(0..256_i32),
        ) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &berlin(code)) {
                prop_assert!(!is_good(&run) || (code == Some(0) && !output.contains("WARNING")), "{output}");
            }
        }
    }
}
