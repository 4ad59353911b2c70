//! Velero (`pkg/apis/velero/v1/backup_types.go`): a `Backup` object as `kubectl get backup -o json`
//! prints it.
//!
//! Only the phase `Completed` is a backup that can be used. The completion time is written for
//! failed backups too, and in the phases before `Completed` nothing can be restored yet.

use super::{Doc, Refusal, Said, Told, Tool, ToolDrill, document, unless_failed};
use crate::drill::DrillKind;
use crate::run::Signal;

const TOOL: Tool = Tool::Velero;

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let value = document(TOOL, output)?;
    let doc = Doc::new(TOOL, &value);
    match doc.text("kind") {
        Some("Backup") => {}
        Some("Restore") => return restored(&doc, told),
        Some(kind @ ("BackupRepository" | "Schedule")) => {
            return Said::nothing(format!("velero: a {kind}, not a Backup."));
        }
        _ => return Err(TOOL.refuse("kind", "kind must be Backup: send one object, not a list.")),
    }
    let name = doc.text("metadata.name");
    let uid = doc.text("metadata.uid").ok_or_else(|| TOOL.refuse("metadata.uid", "metadata.uid is missing."))?;
    let phase = doc.text("status.phase").unwrap_or("New");
    let mut run = told.failed();
    run.key = Some(uid.to_owned());
    let report = &mut run.report;
    report.snapshot = name.map(ToOwned::to_owned);
    report.signal = match phase {
        "New" | "Queued" | "ReadyToStart" | "Deleting" => {
            return Said::nothing(format!(
                "velero: the backup is in phase {phase}: there is nothing to count yet, or no more."
            ));
        }
        "InProgress"
        | "WaitingForPluginOperations"
        | "WaitingForPluginOperationsPartiallyFailed"
        | "Finalizing"
        | "FinalizingPartiallyFailed" => Signal::Start,
        "Completed"
            if ["status.errors", "status.failureReason", "status.validationErrors"]
                .iter()
                .any(|f| doc.get(f).is_some_and(is_something)) =>
        {
            Signal::Fail
        }
        "Completed" if doc.is_counted("status.warnings") || is_short(&doc) => Signal::Warning,
        "Completed" => Signal::Success,
        "PartiallyFailed" => Signal::Warning,
        _ => Signal::Fail,
    };
    report.started_at = unless_failed(report.signal, doc.start("status.startTimestamp", told))?;
    if report.signal == Signal::Start {
        return Ok(run.said());
    }
    report.finished_at = unless_failed(report.signal, doc.end("status.completionTimestamp", told))?;
    if report.signal != Signal::Fail {
        if report.finished_at.is_none() {
            return Err(TOOL.refuse("status.completionTimestamp", "status.completionTimestamp is missing."));
        }
        let expires = doc.start("status.expiration", told)?;
        if expires.is_some_and(|at| at <= told.now) {
            return Said::nothing("velero: the backup has expired and may be deleted at any time.");
        }
    }
    report.files = unless_failed(report.signal, doc.size("status.progress.itemsBackedUp"))?;
    Ok(run.said())
}

/// A `Restore` object: it tells its times, but not how much it was.
fn restored(doc: &Doc<'_>, told: &Told<'_>) -> Result<Said, Refusal> {
    let uid = doc.text("metadata.uid").ok_or_else(|| TOOL.refuse("metadata.uid", "metadata.uid is missing."))?;
    let phase = doc.text("status.phase").unwrap_or("New");
    if !matches!(phase, "Completed" | "PartiallyFailed" | "Failed" | "FailedValidation") {
        let phase: String = phase.chars().take(40).collect();
        return Said::nothing(format!("velero: the restore is in phase {phase} and not over."));
    }
    let doubts = ["status.errors", "status.warnings"].iter().any(|f| doc.is_counted(f))
        || ["status.failureReason", "status.validationErrors"].iter().any(|f| doc.get(f).is_some_and(is_something));
    let succeeded = phase == "Completed" && !doubts;
    let signal = if succeeded { Signal::Success } else { Signal::Fail };
    let name: String = doc.text("metadata.name").unwrap_or_default().chars().take(120).collect();
    let blank = told.drill(DrillKind::Restore, format!("velero: {name} {phase}"));
    let drill = ToolDrill {
        key: Some(uid.to_owned()),
        succeeded,
        started_at: unless_failed(signal, doc.start("status.startTimestamp", told))?,
        finished_at: unless_failed(signal, doc.end("status.completionTimestamp", told))?.unwrap_or(blank.finished_at),
        ..blank
    };
    Ok(drill.said())
}

fn is_something(value: &serde_json::Value) -> bool {
    value.as_i64() != Some(0) && value.as_array().is_none_or(|list| !list.is_empty()) && value.as_str() != Some("")
}

/// Something that was begun for it did not end: volume snapshots, operations of plug-ins.
fn is_short(doc: &Doc<'_>) -> bool {
    let pairs = [
        ("status.volumeSnapshotsAttempted", "status.volumeSnapshotsCompleted"),
        ("status.csiVolumeSnapshotsAttempted", "status.csiVolumeSnapshotsCompleted"),
        ("status.backupItemOperationsAttempted", "status.backupItemOperationsCompleted"),
    ];
    // A zero is left out of the object.
    let count = |path: &str| doc.get(path).map_or(Some(0), serde_json::Value::as_i64);
    doc.is_counted("status.backupItemOperationsFailed")
        || pairs.iter().any(|(attempted, completed)| match (count(attempted), count(completed)) {
            (Some(attempted), Some(completed)) => completed < attempted,
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const GOOD: &str = include_str!("fixtures/velero.json");

    fn in_phase(phase: &str) -> String {
        GOOD.replace("\"Completed\"", &format!("\"{phase}\""))
    }

    #[test]
    fn a_completed_backup_is_good() {
        let run = run(TOOL, GOOD, &told());
        assert_eq!(run.key.as_deref(), Some("7f3a5b1e-8f0e-4c55-9d0e-2f6d9a3c1b77"));
        assert_eq!(run.report.snapshot.as_deref(), Some("nightly-20261126233000"));
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:30:01Z")));
        assert_eq!(run.report.finished_at, Some(at("2026-11-26T23:41:12Z")));
        assert!(is_good(&run));
    }

    #[test]
    fn no_other_phase_is_good_whatever_its_completion_time() {
        for (phase, expected) in [
            ("InProgress", Signal::Start),
            ("WaitingForPluginOperations", Signal::Start),
            ("WaitingForPluginOperationsPartiallyFailed", Signal::Start),
            ("Finalizing", Signal::Start),
            ("FinalizingPartiallyFailed", Signal::Start),
            ("PartiallyFailed", Signal::Warning),
            ("Failed", Signal::Fail),
            ("FailedValidation", Signal::Fail),
            ("SomethingNew", Signal::Fail),
        ] {
            let run = run(TOOL, &in_phase(phase), &told());
            assert_eq!(run.report.signal, expected, "{phase}");
            assert_eq!(run.report.finished_at.is_none(), expected == Signal::Start, "{phase}");
            assert!(!is_good(&run));
        }
        for phase in ["New", "Queued", "Deleting"] {
            assert!(nothing(TOOL, &in_phase(phase), &told()).contains(phase));
        }
    }

    #[test]
    fn what_went_wrong_beside_the_phase_counts() {
        let with = |field: &str| GOOD.replace("\"version\": 1", field);
        for (field, expected) in [
            ("\"warnings\": 2", Signal::Warning),
            ("\"warnings\": \"none\"", Signal::Warning),
            ("\"errors\": 1", Signal::Fail),
            ("\"failureReason\": \"bucket not found\"", Signal::Fail),
            ("\"csiVolumeSnapshotsAttempted\": 2, \"csiVolumeSnapshotsCompleted\": 1", Signal::Warning),
            ("\"volumeSnapshotsAttempted\": 1", Signal::Warning),
            ("\"backupItemOperationsFailed\": 1", Signal::Warning),
            ("\"errors\": 0, \"warnings\": 0", Signal::Success),
        ] {
            assert_eq!(run(TOOL, &with(field), &told()).report.signal, expected, "{field}");
        }
    }

    #[test]
    fn an_expired_backup_is_none() {
        let expired = GOOD.replace("2026-12-26", "2026-11-26");
        assert!(nothing(TOOL, &expired, &told()).contains("expired"));
    }

    #[test]
    fn a_restore_that_is_over_is_a_drill() {
        let restore = |phase: &str| {
            in_phase(phase).replace("\"Backup\"", "\"Restore\"").replace("nightly-20261126233000", "rehearsal")
        };
        let found = drill(TOOL, &restore("Completed"), &told());
        assert_eq!((found.kind, found.succeeded, found.bytes), (DrillKind::Restore, true, None));
        assert_eq!(found.started_at, Some(at("2026-11-26T23:30:01Z")));
        assert_eq!(
            (found.finished_at, found.note.as_str()),
            (at("2026-11-26T23:41:12Z"), "velero: rehearsal Completed")
        );
        for phase in ["PartiallyFailed", "Failed", "FailedValidation"] {
            assert!(!drill(TOOL, &restore(phase), &told()).succeeded, "{phase}");
        }
        assert!(nothing(TOOL, &restore("InProgress"), &told()).contains("InProgress"));
    }

    #[test]
    fn other_objects_are_no_backups_and_what_is_missing_is_named() {
        assert!(nothing(TOOL, &GOOD.replace("\"Backup\"", "\"Schedule\""), &told()).contains("Schedule"));
        for (output, field) in [
            ("Error from server (NotFound)".to_owned(), "body"),
            (GOOD.replace("\"Backup\"", "\"List\""), "kind"),
            (GOOD.replace("\"uid\"", "\"id\""), "metadata.uid"),
            (GOOD.replace("\"completionTimestamp\"", "\"completed\""), "status.completionTimestamp"),
            (GOOD.replace("2026-11-26T23:30:01Z", "soon"), "status.startTimestamp"),
        ] {
            assert_eq!(refused(TOOL, &output, &told()).field, field);
        }
        let failed = in_phase("Failed").replace("2026-11-26T23:30:01Z", "soon");
        assert_eq!(run(TOOL, &failed, &told()).report.signal, Signal::Fail);
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(output in mutated(GOOD)) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &told()) {
                let proven = serde_json::from_str::<Value>(&output).is_ok_and(|value| {
                    value["status"]["phase"].as_str().map(str::trim) == Some("Completed")
                        && value["status"]["completionTimestamp"].is_string()
                        && matches!(value["status"]["errors"].as_i64(), None | Some(0))
                });
                prop_assert!(!is_good(&run) || proven, "{output}");
            }
        }
    }
}
