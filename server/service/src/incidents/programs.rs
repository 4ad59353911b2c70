//! Who wrote what no person wrote, by the names under which the log knows them: "token deploy", "Fermata". For the team
//! alone: customers read that it was a program.

use crate::Error;
use domain::ids::IncidentUpdateId;
use domain::incident::{Incident, IncidentUpdate, ReplacedText};
use domain::time::Instant;
use serde::Deserialize;
use std::collections::BTreeMap;
use storage::Tx;

/// What programs did to an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    opened: Option<String>,
    said: BTreeMap<IncidentUpdateId, String>,
    mended: BTreeMap<(IncidentUpdateId, Instant), String>,
}

/// What the log keeps of an update that was said, or of one whose words were mended.
#[derive(Deserialize)]
struct Noted {
    id: IncidentUpdateId,
}

/// What the log keeps of an incident, as far as it is read here.
#[derive(Deserialize)]
struct Line {
    said: Option<Noted>,
}

fn noted<'a, T: Deserialize<'a>>(json: Option<&'a str>) -> Option<T> {
    serde_json::from_str(json?).ok()
}

impl Programs {
    /// Reads the log, where a program did anything.
    pub(super) async fn of(
        tx: &mut Tx,
        incident: &Incident,
        updates: &[IncidentUpdate],
        replaced: &[ReplacedText],
    ) -> Result<Self, Error> {
        let by_people = incident.created_by.is_some()
            && updates.iter().all(|update| update.author.is_some())
            && replaced.iter().all(|text| text.replaced_by.is_some());
        let mut found = Self::default();
        if by_people {
            return Ok(found);
        }
        let mut mends: BTreeMap<IncidentUpdateId, Vec<String>> = BTreeMap::new();
        for entry in tx.audit_of_programs("incident", &incident.id.to_string()).await? {
            let after = entry.after.as_deref();
            match entry.action.as_str() {
                "incident.edit_update" => {
                    if let Some(Noted { id }) = noted(after) {
                        mends.entry(id).or_default().push(entry.actor);
                    }
                    continue;
                }
                "incident.backfill" => found.said.extend(updates.iter().map(|update| (update.id, entry.actor.clone()))),
                _ => {
                    if let Some(Noted { id }) = noted::<Line>(after).and_then(|line| line.said) {
                        found.said.insert(id, entry.actor.clone());
                    }
                }
            }
            if matches!(entry.action.as_str(), "incident.draft" | "incident.open" | "incident.backfill") {
                found.opened = Some(entry.actor);
            }
        }
        // The log has a line for each text that was replaced, in the same order.
        for (id, names) in mends {
            let mut texts: Vec<Instant> = replaced
                .iter()
                .filter(|text| text.update == id && text.replaced_by.is_none())
                .map(|text| text.replaced_at)
                .collect();
            texts.sort_unstable();
            found.mended.extend(texts.into_iter().map(|at| (id, at)).zip(names));
        }
        Ok(found)
    }

    /// Who opened it, where no person did.
    #[must_use]
    pub fn opened(&self) -> Option<&str> {
        self.opened.as_deref()
    }

    /// Who said something, where no person did.
    #[must_use]
    pub fn said(&self, update: IncidentUpdateId) -> Option<&str> {
        self.said.get(&update).map(String::as_str)
    }

    /// Who mended its words at that time, where no person did.
    #[must_use]
    pub fn mended(&self, update: IncidentUpdateId, at: Instant) -> Option<&str> {
        self.mended.get(&(update, at)).map(String::as_str)
    }
}
