//! Bareos and Bacula: a `RunScript` passes its %-codes as form fields.
//!
//! `id=%i job=%j name=%n client=%c level=%l type=%t status=%e bytes=%b files=%F`. There is no code
//! for a time: the end is when the report comes, and the start is in %j
//! (`name.2026-11-27_00.30.00_07`, when the job was queued, by the director's clock). %t tells
//! restores and verifications too: these are drills. The states of %e have spaces in them.

use super::{Refusal, Said, Told, Tool, ToolDrill};
use crate::drill::DrillKind;
use crate::run::Signal;
use std::collections::BTreeMap;

const TOOL: Tool = Tool::Bareos;

/// What must be sent.
const NEEDED: [&str; 3] = ["job", "type", "status"];

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(output.trim().as_bytes()) {
        if fields.insert(name.into_owned(), value.trim().to_owned()).is_some() {
            return Err(TOOL.refuse("body", "A field was sent twice. Send each run by itself."));
        }
    }
    let text = |name: &str| fields.get(name).map(String::as_str).filter(|text| !text.is_empty());
    if let Some(missing) = NEEDED.into_iter().find(|name| text(name).is_none()) {
        return Err(TOOL.refuse(
            missing,
            format!("{missing} is missing. Send the form fields job=%j, type=%t, status=%e, level=%l, bytes=%b and files=%F."),
        ));
    }
    let size = |name: &'static str| match text(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|size| *size >= 0)
            .map(Some)
            .ok_or_else(|| TOOL.refuse(name, format!("{name} must be a whole number that is not negative."))),
    };
    let queued = text("job").and_then(queued_at);
    let started = |signal| match (&queued, told.zone) {
        (Some(queued), Some(_)) => super::unless_failed(signal, told.start(TOOL, "job", queued).map(Some)),
        // By a clock whose zone is not known: then it is not used at all.
        _ => Ok(None),
    };
    let kind = match text("type").unwrap_or_default() {
        "Backup" => None,
        "Restore" => Some(DrillKind::Restore),
        "Verify" => Some(DrillKind::Verify),
        other => {
            let other: String = other.chars().take(40).collect();
            return Said::nothing(format!("bareos: a job of type “{other}”, not a backup."));
        }
    };
    if let Some(kind) = kind {
        let status = text("status").unwrap_or_default();
        let signal = if status == "OK" { Signal::Success } else { Signal::Fail };
        // From when it was queued: the wait for a drive is part of any restore.
        let drill = ToolDrill {
            key: text("job").map(ToOwned::to_owned),
            succeeded: status == "OK",
            started_at: started(signal)?,
            bytes: super::unless_failed(signal, size("bytes"))?,
            ..told.drill(kind, format!("bareos: {status}").chars().take(200).collect::<String>())
        };
        return Ok(drill.said());
    }
    let mut run = told.failed();
    let report = &mut run.report;
    report.signal = match text("status") {
        Some("OK") => Signal::Success,
        Some("OK -- with warnings") => Signal::Warning,
        _ => Signal::Fail,
    };
    report.started_at = started(report.signal)?;
    report.bytes = super::unless_failed(report.signal, size("bytes"))?;
    report.files = super::unless_failed(report.signal, size("files"))?;
    run.key = text("job").map(ToOwned::to_owned);
    Ok(run.said())
}

/// The time in a unique job name.
fn queued_at(job: &str) -> Option<String> {
    let (_, stamp) = job.split_at_checked(job.len().checked_sub("2026-11-27_00.30.00_07".len())?)?;
    let (date, rest) = stamp.split_once('_')?;
    let (time, _) = rest.split_once('_')?;
    let whole = date.len() == 10 && time.len() == 8;
    whole.then(|| format!("{date}T{}", time.replace('.', ":")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = include_str!("fixtures/bareos.txt");

    fn berlin() -> Told<'static> {
        Told { zone: Some("Europe/Berlin"), ..told() }
    }

    fn with_status(status: &str) -> String {
        let status: String = form_urlencoded::byte_serialize(status.as_bytes()).collect();
        GOOD.replace("status=OK", &format!("status={status}"))
    }

    #[test]
    fn a_backup_began_when_it_was_queued() {
        let run = run(TOOL, GOOD, &berlin());
        assert_eq!(run.key.as_deref(), Some("web-12-files.2026-11-27_00.30.00_07"));
        assert_eq!((run.report.started_at, run.report.finished_at), (Some(at("2026-11-26T23:30:00Z")), None));
        assert_eq!((run.report.bytes, run.report.files), (Some(73_400_320), Some(1861)));
        assert!(is_good(&run));
    }

    #[test]
    fn without_the_zone_of_the_director_its_start_is_not_known() {
        let run = run(TOOL, GOOD, &told());
        assert_eq!((run.report.signal, run.report.started_at), (Signal::Success, None));
        for odd in ["nightly", "_", "é_07", "x.2026-11-27_00.30_07"] {
            assert_eq!(queued_at(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_ok_is_good() {
        for (status, expected) in [
            ("OK", Signal::Success),
            ("OK -- with warnings", Signal::Warning),
            ("Error", Signal::Fail),
            ("Non-fatal error", Signal::Fail),
            ("Fatal Error", Signal::Fail),
            ("Canceled", Signal::Fail),
            ("Differences", Signal::Fail),
            ("Error: incomplete job", Signal::Fail),
            ("Unknown term code", Signal::Fail),
            ("ok", Signal::Fail),
        ] {
            assert_eq!(run(TOOL, &with_status(status), &berlin()).report.signal, expected, "{status}");
        }
    }

    #[test]
    fn a_restore_is_a_drill_from_when_it_was_queued() {
        let restore = GOOD.replace("type=Backup", "type=Restore");
        let found = drill(TOOL, &restore, &berlin());
        assert_eq!((found.kind, found.succeeded), (DrillKind::Restore, true));
        assert_eq!((found.started_at, found.finished_at), (Some(at("2026-11-26T23:30:00Z")), told().now));
        assert_eq!(
            (found.bytes, found.key.as_deref()),
            (Some(73_400_320), Some("web-12-files.2026-11-27_00.30.00_07"))
        );
        assert_eq!(drill(TOOL, &restore, &told()).started_at, None);
        let check = GOOD.replace("type=Backup", "type=Verify");
        assert_eq!(drill(TOOL, &check, &berlin()).kind, DrillKind::Verify);
        for status in ["OK -- with warnings", "Differences", "Canceled"] {
            let bad = with_status(status).replace("type=Backup", "type=Restore");
            assert!(!drill(TOOL, &bad, &berlin()).succeeded, "{status}");
        }
        let code = Told { exit_code: Some(1), ..berlin() };
        assert!(!drill(TOOL, &restore, &code).succeeded);
    }

    #[test]
    fn other_jobs_are_no_backups() {
        for kind in ["Admin", "Migrate", "Copy"] {
            let output = GOOD.replace("type=Backup", &format!("type={kind}"));
            assert!(nothing(TOOL, &output, &berlin()).contains(kind));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in NEEDED {
            let output = GOOD.replace(&format!("{name}="), "other=");
            assert_eq!(refused(TOOL, &output, &berlin()).field, name);
        }
        assert_eq!(refused(TOOL, "status=Error&status=OK&type=Backup&job=x", &berlin()).field, "body");
        let many = GOOD.replace("73400320", "many");
        assert_eq!(refused(TOOL, &many, &berlin()).field, "bytes");
        assert_eq!(run(TOOL, &many.replace("status=OK", "status=Error"), &berlin()).report.signal, Signal::Fail);
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(output in mutated_lines(&[GOOD])) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &berlin()) {
                let has = |wanted: &str| output.split('&').any(|field| field.trim() == wanted);
                prop_assert!(!is_good(&run) || (has("status=OK") && has("type=Backup")), "{output}");
            }
        }
    }
}
