//! The audit line that belongs to every change (SEC-18).

use crate::actor::Actor;
use crate::{Error, Services};
use domain::audit::AuditEntry;
use domain::ids::AuditId;
use domain::people::Permission;
use domain::time::Instant;
use serde::Serialize;

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
