//! Who wrote what no person wrote, by the names under which the log knows them: "token deploy", "Fermata". For the team
//! alone: customers read that it was a program.

use crate::Error;
use domain::ids::IncidentUpdateId;
use domain::incident::{Incident, IncidentUpdate, ReplacedText};
use serde::Deserialize;
use std::collections::BTreeMap;
use storage::Tx;

/// What programs did to an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    opened: Option<String>,
    said: BTreeMap<IncidentUpdateId, String>,
    /// By the version that it made of the words.
    mended: BTreeMap<(IncidentUpdateId, i64), String>,
}

/// Lines of the log that are read, the newest: a page is not to wait for all that a program writes in a loop.
const MOST: i64 = 1_000;

/// What the log keeps of an update that was said.
#[derive(Deserialize)]
struct Said {
    id: IncidentUpdateId,
}

/// The same of one whose words were mended.
#[derive(Deserialize)]
struct Mended {
    id: IncidentUpdateId,
    version: i64,
}

/// What the log keeps of an incident, as far as it is read here.
#[derive(Deserialize)]
struct Line {
    said: Option<Said>,
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
        for line in tx.audit_of_programs("incident", &incident.id.to_string(), "incident.edit", MOST).await? {
            let after = line.after.as_deref();
            match line.action.as_str() {
                "incident.edit_update" => {
                    if let Some(Mended { id, version }) = noted(after) {
                        found.mended.insert((id, version), line.actor);
                    }
                    continue;
                }
                "incident.backfill" => found.said.extend(updates.iter().map(|update| (update.id, line.actor.clone()))),
                _ => {
                    if let Some(Said { id }) = noted::<Line>(after).and_then(|line| line.said) {
                        found.said.insert(id, line.actor.clone());
                    }
                }
            }
            if matches!(line.action.as_str(), "incident.draft" | "incident.open" | "incident.backfill") {
                found.opened = Some(line.actor);
            }
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

    /// Who mended its words of that version, where no person did.
    #[must_use]
    pub fn mended(&self, update: IncidentUpdateId, replaced: i64) -> Option<&str> {
        self.mended.get(&(update, replaced + 1)).map(String::as_str)
    }
}
