//! What people have written in the drafts of causes that turn out to be one: none of it is thrown away.

use crate::{Error, Services};
use domain::alert::book::{Book, Taken};
use domain::ids::CauseId;
use domain::incident::IncidentState;
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;

/// What became of drafts in which a person has written, of causes that are part of others now.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Causes that go on with the draft of this part of theirs.
    pub(super) taken_over: BTreeMap<CauseId, CauseId>,
    /// Parts whose draft stays as it is beside that of the whole: a person decides on it.
    pub(super) standing: BTreeSet<CauseId>,
}

impl Services {
    /// Keeps the drafts of merged causes in which a person has written: the whole goes on with such a draft, unless it
    /// has one like it or customers know of it already. Then both stay.
    pub(super) async fn keep_written(&self, tx: &mut Tx, book: &mut Book, taken: &Taken) -> Result<Kept, Error> {
        let mut kept = Kept::default();
        for (from, into) in &taken.merged {
            let part = book.causes.get(from).map(|part| (part.incident, part.incident_state));
            let Some((Some(written), Some(IncidentState::Draft))) = part else { continue };
            if !tx.is_edited_by_hand(written).await? {
                continue;
            }
            let Some(whole) = book.causes.get_mut(into) else { continue };
            let gives_way = match (whole.incident, whole.incident_state) {
                (None, _) => true,
                (Some(own), Some(IncidentState::Draft)) => !tx.is_edited_by_hand(own).await?,
                _ => false,
            };
            if !gives_way {
                kept.standing.insert(*from);
                continue;
            }
            let own = (whole.incident.replace(written), whole.incident_state.replace(IncidentState::Draft));
            if let Some(part) = book.causes.get_mut(from) {
                (part.incident, part.incident_state) = own;
            }
            kept.taken_over.insert(*into, *from);
        }
        Ok(kept)
    }
}
