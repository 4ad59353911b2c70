//! pgBackRest: what `info --output=json` prints, a list of stanzas with their backups.
//!
//! It is asked after each backup; the newest backup of the stanza is the run. `error` tells of
//! pages whose checksums are wrong. That a backup is under way shows only on the repository's own
//! host, and says nothing about those before it.

use super::{Doc, Refusal, Said, Told, Tool, document, epoch};
use crate::run::Signal;
use crate::time::Instant;
use serde_json::Value;

const TOOL: Tool = Tool::PgBackRest;

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let value = document(TOOL, output)?;
    let stanza = find_stanza(&value, told.stanza)?;
    let doc = Doc::new(TOOL, stanza);
    let name = doc.text("name").unwrap_or_default();
    let newest = newest(&doc)?;
    let label = newest.as_ref().and_then(|backup| backup.doc.text("label"));
    let mut run = told.failed();
    match doc.get("status.code").and_then(Value::as_i64) {
        Some(0) => {}
        // The stanza as a whole, which is another failure than one of its backups.
        code => {
            let code = code.map_or_else(|| "unknown".to_owned(), |code| code.to_string());
            run.key = Some(format!("{name} {} status {code}", label.unwrap_or("no backup")));
            return Ok(run.said());
        }
    }
    let (Some(backup), Some(label)) = (newest, label) else {
        return Err(TOOL.refuse("backup", "The stanza is ok and has no backup with a label."));
    };
    let report = &mut run.report;
    report.signal = match backup.doc.get("error") {
        Some(Value::Bool(false)) => Signal::Success,
        // Not told by older versions.
        None => Signal::Warning,
        Some(_) => Signal::Fail,
    };
    report.started_at = Some(backup.start);
    report.finished_at = Some(backup.stop);
    report.bytes = super::unless_failed(report.signal, backup.doc.size("info.size"))?;
    report.snapshot = Some(label.to_owned());
    run.key = Some(label.to_owned());
    Ok(run.said())
}

fn find_stanza<'a>(value: &'a Value, wanted: Option<&str>) -> Result<&'a Value, Refusal> {
    let refuse = |message: String| Err(TOOL.refuse("stanza", message));
    let Some(stanzas) = value.as_array() else {
        return Err(TOOL.refuse("body", "Send the list that `pgbackrest info --output=json` prints."));
    };
    let named: Vec<(&str, &Value)> =
        stanzas.iter().filter_map(|stanza| Some((stanza.get("name")?.as_str()?, stanza))).collect();
    let names = || named.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match (wanted, named.as_slice()) {
        (_, []) => refuse("There is no stanza in it.".to_owned()),
        (None, [(_, only)]) => Ok(only),
        (None, _) => refuse(format!("There are several stanzas. Add ?stanza= with one of {}.", names())),
        (Some(wanted), _) => match named.iter().find(|(name, _)| *name == wanted) {
            Some((_, found)) => Ok(found),
            None => refuse(format!("There is no such stanza. Use one of {}.", names())),
        },
    }
}

struct Backup<'a> {
    doc: Doc<'a>,
    start: Instant,
    stop: Instant,
}

/// The backup that ended last.
fn newest<'a>(stanza: &Doc<'a>) -> Result<Option<Backup<'a>>, Refusal> {
    let backups = match stanza.get("backup") {
        None => return Ok(None),
        Some(list) => list.as_array().ok_or_else(|| TOOL.refuse("backup", "backup must be a list."))?,
    };
    let mut newest: Option<Backup<'a>> = None;
    for value in backups {
        let doc = Doc::new(TOOL, value);
        let start = moment(&doc, "timestamp.start")?;
        let stop = moment(&doc, "timestamp.stop")?;
        if newest.as_ref().is_none_or(|newest| stop >= newest.stop) {
            newest = Some(Backup { doc, start, stop });
        }
    }
    Ok(newest)
}

fn moment(doc: &Doc<'_>, path: &'static str) -> Result<Instant, Refusal> {
    let seconds = doc.get(path).and_then(Value::as_i64);
    seconds
        .and_then(epoch)
        .ok_or_else(|| TOOL.refuse(path, format!("{path} of each backup must be seconds since 1970.")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;

    /// Recorded from pgBackRest 2.45: a full backup, then an incremental one.
    const GOOD: &str = include_str!("fixtures/pgbackrest-2.45.json");
    const EMPTY: &str = include_str!("fixtures/pgbackrest-2.45-empty.json");

    #[test]
    fn the_newest_backup_of_the_stanza_is_the_run() {
        let run = run(TOOL, GOOD, &told());
        assert_eq!(run.key.as_deref(), Some("20261126-235507F_20261126-235512I"));
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:55:12Z")));
        assert_eq!(run.report.bytes, Some(39_819_523));
        assert!(is_good(&run));
    }

    #[test]
    fn wrong_checksums_fail_and_silence_about_them_is_a_warning() {
        let mut value: Value = serde_json::from_str(GOOD).unwrap();
        for (error, expected) in [
            (Value::Bool(true), Signal::Fail),
            (Value::from("no"), Signal::Fail),
            (Value::Null, Signal::Warning),
            (Value::Bool(false), Signal::Success),
        ] {
            value[0]["backup"][1]["error"] = error;
            assert_eq!(run(TOOL, &value.to_string(), &told()).report.signal, expected);
        }
        value[0]["backup"][0]["error"] = Value::Bool(true);
        assert!(is_good(&run(TOOL, &value.to_string(), &told())), "only the newest counts");
    }

    #[test]
    fn a_stanza_that_is_not_ok_failed_once_for_each_state() {
        let empty = run(TOOL, EMPTY, &told());
        assert_eq!((empty.report.signal, empty.key.as_deref()), (Signal::Fail, Some("shop no backup status 2")));
        let mut value: Value = serde_json::from_str(GOOD).unwrap();
        for code in [1, 2, 3, 4, 5, 6, 99] {
            value[0]["status"]["code"] = Value::from(code);
            let run = run(TOOL, &value.to_string(), &told());
            assert_eq!(run.report.signal, Signal::Fail, "{code}");
            assert!(run.key.unwrap().ends_with(&format!("status {code}")));
        }
        value[0]["status"] = Value::Null;
        assert_eq!(run(TOOL, &value.to_string(), &told()).report.signal, Signal::Fail);
    }

    #[test]
    fn a_backup_under_way_changes_nothing() {
        let held = GOOD.replace(r#""held":false"#, r#""held":true"#);
        assert!(held != GOOD && is_good(&run(TOOL, &held, &told())));
    }

    #[test]
    fn of_several_stanzas_one_must_be_named() {
        let mut value: Value = serde_json::from_str(GOOD).unwrap();
        let mut other: Value = serde_json::from_str(EMPTY).unwrap();
        other[0]["name"] = Value::from("blog");
        value.as_array_mut().unwrap().push(other[0].take());
        let output = value.to_string();
        let refusal = refused(TOOL, &output, &told());
        assert!(refusal.field == "stanza" && refusal.message.contains("shop, blog"), "{refusal}");
        assert!(is_good(&run(TOOL, &output, &Told { stanza: Some("shop"), ..told() })));
        assert_eq!(run(TOOL, &output, &Told { stanza: Some("blog"), ..told() }).report.signal, Signal::Fail);
        assert_eq!(refused(TOOL, &output, &Told { stanza: Some("wiki"), ..told() }).field, "stanza");
        for (output, field) in [("[]", "stanza"), ("{}", "body"), ("ERROR: [037]", "body")] {
            assert_eq!(refused(TOOL, output, &told()).field, field);
        }
    }

    #[test]
    fn a_time_that_can_not_be_read_is_named() {
        let mut value: Value = serde_json::from_str(GOOD).unwrap();
        for wrong in [Value::Null, Value::from("now"), Value::from(1.5), Value::from(-1), Value::from(i64::MAX)] {
            value[0]["backup"][0]["timestamp"]["start"] = wrong;
            assert_eq!(refused(TOOL, &value.to_string(), &told()).field, "timestamp.start");
        }
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(output in mutated(GOOD)) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &told()) {
                let proven = || {
                    let value: Value = serde_json::from_str(&output).ok()?;
                    let stanza = value.as_array()?.iter().find(|stanza| stanza["name"].is_string())?;
                    let label = run.key.as_deref()?;
                    let ok = stanza["status"]["code"].as_i64()? == 0;
                    let clean = stanza["backup"].as_array()?.iter().any(|backup| {
                        backup["label"].as_str().map(str::trim) == Some(label) && backup["error"] == Value::Bool(false)
                    });
                    Some(ok && clean)
                };
                prop_assert!(!is_good(&run) || proven() == Some(true), "{output}");
            }
        }
    }
}
