//! The audit line that belongs to every change (SEC-18).

use crate::actor::Actor;
use crate::{Error, Services};
use domain::audit::AuditEntry;
use domain::ids::AuditId;
use domain::people::Permission;
use domain::time::Instant;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Lines on one page of the log.
const PAGE: usize = 50;

/// What was done to what.
#[derive(Debug)]
pub struct Action<'a> {
    /// The verb of the trade: `maintenance.schedule`.
    pub verb: &'a str,
    /// What kind of thing: `maintenance`.
    pub object: &'a str,
    /// Which one.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Which lines to show, as in the query of the page's address; empty means all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Kind of thing.
    pub object: String,
    /// One thing of this kind.
    pub object_id: String,
    /// Where the page before this one ended.
    pub before: String,
}

/// A page of the log.
#[derive(Debug)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// [`AuditFilter::before`] of the next page, if there is one.
    pub next: Option<String>,
    /// All kinds of things the log speaks of.
    pub objects: Vec<String>,
}

/// One field that a line of the log speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name; parts of parts joined by dots.
    pub field: String,
    /// What it was, if it was there.
    pub before: Option<String>,
    /// What it is, if it is there.
    pub after: Option<String>,
}

/// What differs between before and after; everything, where there is only one of them.
#[must_use]
pub fn changes(entry: &AuditEntry) -> Vec<Change> {
    let (before, after) = (leaves(entry.before.as_deref()), leaves(entry.after.as_deref()));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    fields
        .into_iter()
        .filter(|field| before.get(*field) != after.get(*field) && *field != "version")
        .map(|field| Change {
            field: field.clone(),
            before: before.get(field).cloned(),
            after: after.get(field).cloned(),
        })
        .collect()
}

/// The values of a JSON object by their paths.
fn leaves(json: Option<&str>) -> BTreeMap<String, String> {
    fn gather(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    gather(&path, value, found);
                }
            }
            Value::Null => {}
            Value::String(text) => {
                found.insert(path.to_owned(), text.clone());
            }
            other => {
                found.insert(path.to_owned(), other.to_string());
            }
        }
    }
    let mut found = BTreeMap::new();
    if let Some(value) = json.and_then(|json| serde_json::from_str(json).ok()) {
        gather("", &value, &mut found);
    }
    found
}

impl Services {
    /// A page of the log.
    ///
    /// # Errors
    /// The actor may not read it, or the database does not answer.
    pub async fn audit_log(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage, Error> {
        actor.require(Permission::ReadAudit)?;
        let some = |text: &'_ str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (object, object_id) = (some(&filter.object), some(&filter.object_id));
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        let mut tx = self.db.read().await?;
        let before = position(&filter.before);
        let mut entries = tx.audit_before(before, object.as_deref(), object_id.as_deref(), limit).await?;
        let next = if entries.len() > PAGE {
            entries.truncate(PAGE);
            entries.last().map(|last| format!("{}-{}", last.at.timestamp_millis(), last.id.0.simple()))
        } else {
            None
        };
        Ok(AuditPage { entries, next, objects: tx.audit_objects().await? })
    }

    /// The line for a change, to be written in the same transaction. `before` and `after` must
    /// hold no secret.
    #[must_use]
    pub fn audit<T: Serialize>(
        &self,
        actor: &Actor,
        action: Action<'_>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> AuditEntry {
        let json = |value: Option<&T>| value.and_then(|v| serde_json::to_string(v).ok());
        AuditEntry {
            id: self.new_id(),
            at: self.now(),
            actor: actor.label(),
            user_id: actor.user_id(),
            token_id: actor.token_id(),
            action: action.verb.to_owned(),
            object: action.object.to_owned(),
            object_id: action.id,
            object_name: action.name,
            before: json(before),
            after: json(after),
            ip: actor.ip().map(|ip| ip.to_string()),
        }
    }
}

/// Reads [`AuditPage::next`]; what is no position is the beginning.
fn position(text: &str) -> Option<(Instant, AuditId)> {
    let (ms, id) = text.split_once('-')?;
    Some((Instant::from_timestamp_millis(ms.parse().ok()?)?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let entry = |before: Option<&str>, after: Option<&str>| AuditEntry {
            id: uuid::Uuid::nil().into(),
            at: Instant::default(),
            actor: String::new(),
            user_id: None,
            token_id: None,
            action: String::new(),
            object: String::new(),
            object_id: String::new(),
            object_name: String::new(),
            before: before.map(ToOwned::to_owned),
            after: after.map(ToOwned::to_owned),
            ip: None,
        };
        let told = |before, after| -> Vec<String> {
            let line = |c: Change| format!("{}: {:?} {:?}", c.field, c.before, c.after);
            changes(&entry(before, after)).into_iter().map(line).collect()
        };
        let (old, new) = (
            r#"{"name":"vm3","policy":{"lead":60,"same":1},"runs_on":null,"tags":["a"],"version":1}"#,
            r#"{"name":"vm4","policy":{"lead":90,"same":1},"runs_on":"x","tags":[],"version":2}"#,
        );
        assert_eq!(
            told(Some(old), Some(new)),
            [
                r#"name: Some("vm3") Some("vm4")"#,
                r#"policy.lead: Some("60") Some("90")"#,
                r#"runs_on: None Some("x")"#,
                r#"tags: Some("[\"a\"]") Some("[]")"#,
            ]
        );
        assert_eq!(told(None, Some(r#"{"a":true}"#)), [r#"a: None Some("true")"#]);
        assert!(told(None, None).is_empty() && told(Some("{"), None).is_empty());
    }
}
