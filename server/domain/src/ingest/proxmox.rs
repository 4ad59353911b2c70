//! Proxmox VE and Proxmox Backup Server: a webhook target with this body.
//!
//! ```text
//! {"title":"{{ escape title }}","message":"{{ escape message }}","severity":"{{ severity }}",
//!  "timestamp":{{ timestamp }},"fields":{{ json fields }}}
//! ```
//!
//! Only `vzdump` tells of backups. Its notification has no start: that is the time of the
//! notification less the running time in its text. A job that was started by hand has no `job-id`.
//! Nothing that the backup server tells is an ordinary backup: prunes, copies. A verification is
//! evidence that the backups can be read.

use super::{Doc, Refusal, Said, Told, Tool, ToolDrill, document, epoch, unless_failed};
use crate::drill::DrillKind;
use crate::run::Signal;
use crate::time::{Instant, Span};
use serde_json::Value;

const TOOL: Tool = Tool::Proxmox;

/// The notification is sent a little after the last guest is done.
const SENDING: Span = Span::minutes(1);

pub(super) fn read(output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    let value = document(TOOL, output)?;
    let doc = Doc::new(TOOL, &value);
    let kind = doc.text("fields.type").ok_or_else(|| {
        TOOL.refuse("fields.type", "fields.type is missing. Let the webhook's body hold \"fields\":{{ json fields }}.")
    })?;
    if kind == "verification" {
        return verified(&doc, told);
    }
    if kind != "vzdump" {
        let kind: String = kind.chars().take(40).collect();
        return Said::nothing(format!("proxmox: a notification of type “{kind}”, not a backup of vzdump."));
    }
    let mut run = told.failed();
    let report = &mut run.report;
    report.signal = match doc.text("severity") {
        Some("info") => Signal::Success,
        Some("warning") => Signal::Warning,
        _ => Signal::Fail,
    };
    let sent = unless_failed(report.signal, sent_at(&doc))?;
    report.finished_at = sent;
    let took = doc.text("message").and_then(running_time);
    report.started_at = sent.zip(took).map(|(sent, took)| SENDING.before(took.before(sent)));
    let host = doc.text("fields.hostname");
    run.key = sent.zip(host).map(|(sent, host)| format!("vzdump {host} {}", sent.timestamp()));
    Ok(run.said())
}

/// The backup server has read all chunks of a datastore or a snapshot: evidence, but it says neither
/// how much nor how long.
fn verified(doc: &Doc<'_>, told: &Told<'_>) -> Result<Said, Refusal> {
    let succeeded = doc.text("severity") == Some("info");
    let signal = if succeeded { Signal::Success } else { Signal::Fail };
    let sent = unless_failed(signal, sent_at(doc))?;
    let host = doc.text("fields.hostname").unwrap_or_default();
    let title: String = doc.text("title").unwrap_or("proxmox: verification").chars().take(200).collect();
    let blank = told.drill(DrillKind::Verify, title);
    let drill = ToolDrill {
        key: sent.map(|sent| format!("verification {host} {}", sent.timestamp())),
        succeeded,
        finished_at: sent.unwrap_or(blank.finished_at),
        ..blank
    };
    Ok(drill.said())
}

fn sent_at(doc: &Doc<'_>) -> Result<Option<Instant>, Refusal> {
    let seconds = doc.get("timestamp").and_then(Value::as_i64);
    seconds.and_then(epoch).map(Some).ok_or_else(|| {
        TOOL.refuse(
            "timestamp",
            "timestamp must be seconds since 1970. Let the webhook's body hold \"timestamp\":{{ timestamp }}.",
        )
    })
}

/// How long the whole job took: `Total running time: 1h 12m 33s`.
fn running_time(message: &str) -> Option<Span> {
    let mut lines = message.lines().filter_map(|line| line.trim().strip_prefix("Total running time:"));
    let text = lines.next()?.trim();
    if text.starts_with('<') {
        return Some(Span::seconds(1));
    }
    let mut total = 0_i64;
    for part in text.split_whitespace() {
        let (number, unit) = part.split_at(part.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let unit: f64 = match unit {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 7.0 * 86_400.0,
            _ => return None,
        };
        let seconds = number.parse::<f64>().ok().filter(|n| (0.0..1e6).contains(n))? * unit;
        #[expect(clippy::cast_possible_truncation, reason = "a million weeks of seconds fit")]
        let seconds = seconds.ceil() as i64;
        total = total.checked_add(seconds)?;
    }
    (total > 0 && lines.next().is_none()).then(|| Span::seconds(total))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = include_str!("fixtures/vzdump.json");

    #[test]
    fn a_backup_began_its_running_time_before_its_notification() {
        let run = run(TOOL, GOOD, &told());
        assert_eq!(run.report.finished_at, Some(at("2026-11-26T23:42:35Z")));
        assert_eq!(run.report.started_at, Some(at("2026-11-26T23:29:02Z")));
        assert_eq!(run.key.as_deref(), Some("vzdump vm3 1795736555"));
        assert!(is_good(&run));
        let by_hand = GOOD.replace(r#""job-id":"backup-6f5c7c0e-8f4c","#, "");
        assert!(by_hand != GOOD && is_good(&super::super::testing::run(TOOL, &by_hand, &told())));
    }

    #[test]
    fn a_running_time_that_is_not_understood_is_not_guessed() {
        for (text, expected) in [
            ("Total running time: 1h 2m 3s", Some(3723)),
            ("x\n Total running time: 1d 1s\ny", Some(86_401)),
            ("Total running time: <0.1s", Some(1)),
            ("Total running time: 0.4s", Some(1)),
            ("Total running time: 2M 1s", None),
            ("Total running time: ", None),
            ("Total running time: 5", None),
            ("Total running time: -5s", None),
            ("Total running time: 9999999999s", None),
            ("Total running time: 5s\nTotal running time: 6s", None),
            ("backup successful", None),
        ] {
            assert_eq!(running_time(text), expected.map(Span::seconds), "{text}");
        }
        let silent = GOOD.replace("Total running time", "Took");
        assert_eq!(run(TOOL, &silent, &told()).report.started_at, None);
    }

    #[test]
    fn only_the_severity_info_is_good() {
        for (severity, expected) in [
            ("info", Signal::Success),
            ("warning", Signal::Warning),
            ("error", Signal::Fail),
            ("notice", Signal::Fail),
            ("unknown", Signal::Fail),
        ] {
            let output = GOOD.replace(r#""severity":"info""#, &format!(r#""severity":"{severity}""#));
            assert_eq!(run(TOOL, &output, &told()).report.signal, expected, "{severity}");
        }
    }

    #[test]
    fn what_the_backup_server_tells_is_no_backup() {
        for kind in ["gc", "prune", "sync", "tape-backup", "replication", "fencing"] {
            let output = GOOD.replace(r#""type":"vzdump""#, &format!(r#""type":"{kind}""#));
            assert!(nothing(TOOL, &output, &told()).contains(kind));
        }
    }

    #[test]
    fn a_verification_is_evidence() {
        let output = GOOD.replace(r#""type":"vzdump""#, r#""type":"verification""#);
        let found = drill(TOOL, &output, &told());
        assert_eq!((found.kind, found.succeeded, found.bytes, found.started_at), (DrillKind::Verify, true, None, None));
        assert_eq!(found.key.as_deref(), Some("verification vm3 1795736555"));
        let bad = output.replace(r#""severity":"info""#, r#""severity":"error""#);
        assert!(!drill(TOOL, &bad, &told()).succeeded);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(refused(TOOL, "vzdump backup status", &told()).field, "body");
        assert_eq!(refused(TOOL, "{}", &told()).field, "fields.type");
        let quoted = GOOD.replace("1795736555", "\"1795736555\"");
        let refusal = refused(TOOL, &quoted, &told());
        assert!(refusal.field == "timestamp" && refusal.message.starts_with("proxmox: "), "{refusal}");
    }

    proptest! {
        #[test]
        fn no_mutation_makes_a_run_good_that_is_not(output in mutated(GOOD)) {
            if let Ok(Said::Run(run)) = super::super::read(TOOL, &output, &told()) {
                let proven = serde_json::from_str::<Value>(&output).is_ok_and(|value| {
                    let is = |value: &Value, text: &str| value.as_str().map(str::trim) == Some(text);
                    is(&value["severity"], "info") && is(&value["fields"]["type"], "vzdump")
                        && value["timestamp"].is_i64()
                });
                prop_assert!(!is_good(&run) || proven, "{output}");
            }
        }
    }
}
