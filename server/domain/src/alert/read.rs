//! What monitoring systems send, read as reports of alerts: text in, a report out.
//!
//! Fields that are not known are left alone. What decides (whether an alert fires, what it is) must be
//! there and readable; a report of which a part can not be read is refused as a whole, so that its
//! sender keeps it and sends it again.

use super::{Grade, Report, Reported};
use crate::time::Instant;
use chrono::{DateTime, Datelike, SubsecRound};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use thiserror::Error;

/// Whose words are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Webhooks of Prometheus' Alertmanager, version 4.
    Alertmanager,
    /// Webhooks of Grafana: unified alerting, and alerting as it was before.
    Grafana,
    /// Our own form.
    Generic,
}

/// Why a report is refused; nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Refusal {
    /// The field, as in the sender's document.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Most alerts in one report.
pub const MOST: usize = 5000;
/// Most labels kept of one alert.
const LABELS: usize = 64;
/// Longest text kept of a label, a name or an address.
const LONG: usize = 1000;

impl Sender {
    /// As in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Grafana => "grafana",
            Self::Generic => "generic",
        }
    }
}

/// Reads what was sent.
///
/// # Errors
/// It is no JSON, or a field that decides is missing or can not be read.
pub fn read(sender: Sender, body: &str) -> Result<Report, Refusal> {
    let value: Value = serde_json::from_str(body.trim_start_matches('\u{feff}')).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        refuse("body", format!("The body must be one JSON document; it is none from line {line}, column {column} on."))
    })?;
    match sender {
        Sender::Alertmanager => group(&value),
        Sender::Grafana if value.get("alerts").is_none() => legacy(&value),
        Sender::Grafana => group(&value),
        Sender::Generic => generic(&value),
    }
}

fn refuse(field: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { field, message: message.into() }
}

/// A text that is not blank, cut where it is too long to be one.
fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().and_then(cut)
}

fn cut(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| *c != '\0').take(LONG).collect();
    (!text.is_empty()).then_some(text)
}

/// What a label may hold, as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => cut(text),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn labels(object: &Map<String, Value>) -> BTreeMap<String, String> {
    let pairs = object.iter().filter_map(|(name, value)| Some((cut(name)?, scalar(value)?)));
    pairs.take(LABELS).collect()
}

fn object<'a>(value: Option<&'a Value>, field: &'static str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(refuse(field, format!("{field} must be an object of names and values."))),
    }
}

/// An instant; the year 1 is how Go writes none.
fn instant(value: Option<&Value>, field: &'static str) -> Result<Option<Instant>, Refusal> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(not_a_time(field, "")),
    };
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| not_a_time(field, text))?.to_utc().trunc_subsecs(3);
    match at.year() {
        ..=1 => Ok(None),
        1970..=2200 => Ok(Some(at)),
        _ => Err(not_a_time(field, text)),
    }
}

fn not_a_time(field: &'static str, text: &str) -> Refusal {
    let text: String = text.chars().take(40).collect();
    refuse(field, format!("{field} “{text}” is no instant like 2014-05-15T19:02:00Z, of 1970 to 2200."))
}

/// An address that a browser may follow.
fn link(value: Option<&Value>) -> Option<String> {
    text(value).filter(|text| text.starts_with("http://") || text.starts_with("https://"))
}

/// What an alert is known by where its sender has no name for it.
fn print_of(labels: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

fn first(labels: &BTreeMap<String, String>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| labels.get(*name).cloned())
}

fn grade(labels: &BTreeMap<String, String>) -> Grade {
    first(labels, &["severity", "priority", "level"]).map(|word| Grade::of_word(&word)).unwrap_or_default()
}

/// `firing` or `resolved`.
fn firing(value: Option<&Value>, field: &'static str) -> Result<bool, Refusal> {
    match value.and_then(Value::as_str).map(str::trim) {
        Some("firing") => Ok(true),
        Some("resolved") => Ok(false),
        _ => Err(refuse(field, format!("{field} must be firing or resolved."))),
    }
}

/// A webhook of Alertmanager, or of Grafana in the same form.
fn group(value: &Value) -> Result<Report, Refusal> {
    let Value::Object(document) = value else {
        return Err(refuse("body", "The body must be an object with a list of alerts."));
    };
    let Some(Value::Array(list)) = document.get("alerts") else {
        return Err(refuse("alerts", "alerts must be a list of alerts."));
    };
    if list.len() > MOST {
        return Err(refuse("alerts", format!("These are {} alerts: send at most {MOST} at once.", list.len())));
    }
    let key = text(document.get("groupKey"));
    let common = object(document.get("commonLabels"), "commonLabels")?.map(labels).unwrap_or_default();
    let mut alerts = Vec::with_capacity(list.len());
    for (n, alert) in list.iter().enumerate() {
        let at = |wrong: Refusal| refuse(wrong.field, format!("Alert {}: {}", n + 1, wrong.message));
        alerts.push(one_of_group(alert, &common, key.as_ref()).map_err(at)?);
    }
    let truncated = document.get("truncatedAlerts").and_then(Value::as_i64).unwrap_or(0).clamp(0, 1_000_000);
    Ok(Report { alerts, truncated })
}

fn one_of_group(alert: &Value, common: &BTreeMap<String, String>, group: Option<&String>) -> Result<Reported, Refusal> {
    let Value::Object(alert) = alert else { return Err(refuse("alerts", "each of alerts must be an object.")) };
    let own = object(alert.get("labels"), "alerts.labels")?.map(labels).unwrap_or_default();
    let notes = object(alert.get("annotations"), "alerts.annotations")?.map(labels).unwrap_or_default();
    let fingerprint = text(alert.get("fingerprint")).or_else(|| print_of(&own));
    let fingerprint = fingerprint
        .ok_or_else(|| refuse("alerts.labels", "alerts.labels must name the alert, where it has no fingerprint."))?;
    let firing = firing(alert.get("status"), "alerts.status")?;
    let mut labels = common.clone();
    labels.extend(own);
    let title = first(&notes, &["summary", "title", "message"])
        .or_else(|| first(&labels, &["alertname"]))
        .unwrap_or_else(|| fingerprint.clone());
    let links = ["generatorURL", "dashboardURL", "panelURL"];
    Ok(Reported {
        firing,
        title,
        grade: grade(&labels),
        group: group.cloned(),
        host: None,
        component: None,
        started_at: instant(alert.get("startsAt"), "alerts.startsAt")?,
        // An alert that fires has an end only as far as its sender would take it to be over by itself.
        ended_at: instant(alert.get("endsAt"), "alerts.endsAt")?.filter(|_| !firing),
        link: links.iter().find_map(|name| link(alert.get(*name))),
        fingerprint,
        labels,
    })
}

/// A webhook of Grafana's alerting as it was before version 8: one rule, one alert.
fn legacy(value: &Value) -> Result<Report, Refusal> {
    let Value::Object(document) = value else {
        return Err(refuse("body", "The body must be an object with a list of alerts, or with a rule and its state."));
    };
    let Some(state) = document.get("state").and_then(Value::as_str).map(str::trim) else {
        return Err(refuse(
            "alerts",
            "alerts must be a list of alerts; a webhook of the old form has ruleId and state.",
        ));
    };
    let firing = match state {
        "alerting" | "no_data" => true,
        "ok" => false,
        // Nothing is known to be wrong or right.
        "paused" | "pending" => return Ok(Report::default()),
        _ => return Err(refuse("state", "state must be alerting, no_data, ok, paused or pending.")),
    };
    let number = |name: &str| document.get(name).and_then(scalar);
    let Some(rule) = number("ruleId").or_else(|| number("ruleName")) else {
        return Err(refuse("ruleId", "ruleId must name the rule."));
    };
    let mut labels = object(document.get("tags"), "tags")?.map(labels).unwrap_or_default();
    let name = text(document.get("ruleName")).or_else(|| text(document.get("title"))).unwrap_or_else(|| rule.clone());
    labels.entry("alertname".to_owned()).or_insert_with(|| name.clone());
    let alert = Reported {
        fingerprint: format!("rule {} {rule}", number("orgId").unwrap_or_default()),
        firing,
        title: text(document.get("message")).unwrap_or(name),
        grade: grade(&labels),
        labels,
        link: link(document.get("ruleUrl")),
        ..Reported::default()
    };
    Ok(Report { alerts: vec![alert], truncated: 0 })
}

/// Our own form: one alert, or a list of them as `alerts`.
fn generic(value: &Value) -> Result<Report, Refusal> {
    let one = std::slice::from_ref(value);
    let list = match value.get("alerts") {
        Some(Value::Array(list)) if list.len() <= MOST => list.as_slice(),
        Some(Value::Array(list)) => {
            return Err(refuse("alerts", format!("These are {} alerts: send at most {MOST} at once.", list.len())));
        }
        Some(_) => return Err(refuse("alerts", "alerts must be a list.")),
        None => one,
    };
    let mut alerts = Vec::with_capacity(list.len());
    for alert in list {
        let Value::Object(alert) = alert else {
            return Err(refuse(
                "body",
                "The body must be an object with key and status, or with a list of such as alerts.",
            ));
        };
        let Some(fingerprint) = text(alert.get("key")) else {
            return Err(refuse("key", "key must be a text: the same for the same alert."));
        };
        let mut labels = object(alert.get("labels"), "labels")?.map(labels).unwrap_or_default();
        let grade = match text(alert.get("severity")) {
            Some(word) => {
                let grade = Grade::of_word(&word);
                labels.entry("severity".to_owned()).or_insert(word);
                grade
            }
            None => grade(&labels),
        };
        let firing = firing(alert.get("status"), "status")?;
        alerts.push(Reported {
            firing,
            title: text(alert.get("title")).unwrap_or_else(|| fingerprint.clone()),
            grade,
            group: text(alert.get("group")),
            host: text(alert.get("host")),
            component: text(alert.get("component")),
            started_at: instant(alert.get("started_at"), "started_at")?,
            ended_at: instant(alert.get("ended_at"), "ended_at")?.filter(|_| !firing),
            link: link(alert.get("link")),
            fingerprint,
            labels,
        });
    }
    Ok(Report { alerts, truncated: 0 })
}
