//! What work means for the history of components: they are under maintenance while it is under way.

use super::scope_of;
use crate::{Error, Services};
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::impact::{Impact, Known, Source};
use domain::maintenance::{Maintenance, State, affected_components};
use std::collections::BTreeSet;
use storage::Tx;
use storage::maintenance::Order;

impl Services {
    /// Keeps the history in step with a window: begins what it touches, ends what it touches no more.
    pub(super) async fn follow_work(&self, tx: &mut Tx, was: State, m: &Maintenance) -> Result<(), Error> {
        let now = self.now();
        if !m.state.is_under_way() {
            if was.is_under_way() {
                tx.end_impacts(Source::Maintenance, m.id.0, None, m.ended_at.unwrap_or(now)).await?;
            }
            return Ok(());
        }
        let mut touched = affected_components(&scope_of(m), &tx.topology().await?);
        let in_use: BTreeSet<ComponentId> = tx.components(false).await?.into_iter().map(|c| c.id).collect();
        touched.retain(|id| in_use.contains(id));
        let mut open = tx.impacts_of(Source::Maintenance, m.id.0).await?;
        open.retain(|impact| impact.to.is_none());
        for gone in open.iter().filter(|impact| !touched.contains(&impact.component)) {
            tx.end_impacts(Source::Maintenance, m.id.0, Some(gone.component), now).await?;
        }
        let from = if was.is_under_way() { now } else { m.started_at.unwrap_or(now) };
        let known = Known::State(ComponentState::UnderMaintenance);
        let (source, source_id) = (Source::Maintenance, m.id.0);
        for component in touched.into_iter().filter(|id| open.iter().all(|impact| impact.component != *id)) {
            let impact = Impact { id: self.new_id(), component, known, source, source_id, from, to: None };
            tx.insert_impact(&impact).await?;
        }
        Ok(())
    }

    /// The same for all work that is under way: what runs on what has changed.
    pub(crate) async fn follow_all_work(&self, tx: &mut Tx) -> Result<(), Error> {
        const UNDER_WAY: [State; 2] = [State::InProgress, State::Verifying];
        for m in tx.maintenances_in(&UNDER_WAY, Order::Earliest, None, i64::MAX).await? {
            self.follow_work(tx, m.state, &m).await?;
        }
        Ok(())
    }
}
