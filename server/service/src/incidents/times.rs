//! Other times of a published incident, and the history that moves with them. Reports of months that were closed stay as
//! they are: they are corrected by hand, with a note that everybody reads.

use super::{IncidentEdit, refused};
use crate::{Error, Services};
use domain::impact::Source;
use domain::incident::Incident;
use domain::incident::lasted::Word;
use domain::incident::times::{Mended, Times, mend};
use domain::incident::transition::Refusal;
use storage::Tx;

impl Services {
    /// What other times make of a published incident; none where they stay, or of a draft, which has no history yet.
    pub(super) async fn mend_times(
        &self,
        tx: &mut Tx,
        before: &Incident,
        edit: &IncidentEdit,
    ) -> Result<Option<Mended>, Error> {
        if edit.started_at.is_none() && edit.resolved_at.is_none() {
            return Ok(None);
        }
        if !before.state.is_public() {
            return match edit.resolved_at {
                Some(_) => Err(refused(&Refusal::NotOver)),
                None => Ok(None),
            };
        }
        let kept = Times::of(before);
        let times = Times {
            started_at: edit.started_at.unwrap_or(kept.started_at),
            resolved_at: edit.resolved_at.or(kept.resolved_at),
        };
        let history = tx.impacts_of(Source::Incident, before.id.0).await?;
        let said = tx.incident_updates_of(&[before.id]).await?;
        mend(before, &history, &Word::of(&said), self.now(), times).map(Some).map_err(|r| refused(&r))
    }

    /// Moves the stretches of the history; the days they reach into are counted again by themselves.
    pub(super) async fn move_history(&self, tx: &mut Tx, mended: &Mended) -> Result<(), Error> {
        for stretch in &mended.moved {
            tx.move_impact(stretch.id, stretch.from, stretch.to).await?;
        }
        self.write_history(tx, mended.incident.id, &mended.added).await
    }
}
