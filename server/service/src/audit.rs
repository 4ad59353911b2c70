//! The audit line that belongs to every change (SEC-18).

use crate::Services;
use crate::actor::Actor;
use domain::audit::AuditEntry;
use serde::Serialize;

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

impl Services {
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
