//! Windows that moved because the rules of their zone did: whether their subscribers are told is a
//! person's to say (TZ-2). Page, feeds and calendars have moved already; no mail goes before that.

use crate::audit::Action;
use crate::error::Error;
use crate::{Actor, Services};
use domain::ids::MaintenanceId;
use domain::maintenance::{Maintenance, ZoneMove};
use storage::Tx;

/// A move that somebody has to decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneMoveLook {
    /// The window; of a series the earliest.
    pub maintenance: Maintenance,
    /// How it moved.
    pub zone_move: ZoneMove,
    /// How many later windows of its series moved with it: decided together.
    pub others: usize,
}

impl Services {
    /// Keeps that a published window moved, so that somebody is asked.
    pub(super) async fn keep_zone_move(&self, tx: &mut Tx, m: &Maintenance) -> Result<(), Error> {
        if let Some(update) = tx.updates_of(&[m.id]).await?.first() {
            let before = tx.zone_move(m.id).await?;
            tx.put_zone_move(&ZoneMove::of(m, update, self.zones.version(), before.as_ref())).await?;
        }
        Ok(())
    }

    /// Moves that somebody has to decide on, those of one series together, earliest first.
    pub(super) async fn zone_moves(&self, tx: &mut Tx) -> Result<Vec<ZoneMoveLook>, Error> {
        let open = tx.zone_moves_open(self.now()).await?;
        let ids: Vec<MaintenanceId> = open.iter().map(|z| z.maintenance_id).collect();
        let series = tx.occurrences_among(&ids).await?;
        let mut looks: Vec<(Option<_>, ZoneMoveLook)> = Vec::new();
        for zone_move in open {
            let of = series.get(&zone_move.maintenance_id).map(|o| o.series_id);
            if let Some((_, look)) = looks.iter_mut().find(|(known, _)| of.is_some() && *known == of) {
                look.others += 1;
                continue;
            }
            let maintenance = tx.maintenance(zone_move.maintenance_id).await?;
            looks.push((of, ZoneMoveLook { maintenance, zone_move, others: 0 }));
        }
        Ok(looks.into_iter().map(|(_, look)| look).collect())
    }

    /// The move of one window that somebody has to decide on.
    pub(super) async fn open_move(&self, tx: &mut Tx, m: &Maintenance) -> Result<Option<ZoneMove>, Error> {
        Ok(tx.zone_move(m.id).await?.filter(|z| z.is_open(m, self.now())))
    }

    /// Decides whether subscribers are told of a move; for a series about all its windows that moved, with
    /// one mail, about this one.
    ///
    /// # Errors
    /// Not allowed, no such window, nothing to decide, or the database does not answer.
    pub async fn decide_zone_move(&self, actor: &Actor, id: MaintenanceId, tell: bool) -> Result<Maintenance, Error> {
        let loaded = self.load(actor, id, None).await?;
        let (mut tx, m, now) = (loaded.tx, loaded.m, loaded.now);
        let Some(open) = self.open_move(&mut tx, &m).await? else {
            return Err(Error::refused("nothing_to_decide", "Nobody has to decide on a move of this window."));
        };
        let mut with_it = vec![open.clone()];
        if let Some(occurrence) = tx.occurrences_among(&[id]).await?.remove(&id) {
            let others: Vec<ZoneMove> =
                tx.zone_moves_open(now).await?.into_iter().filter(|z| z.maintenance_id != id).collect();
            let ids: Vec<MaintenanceId> = others.iter().map(|z| z.maintenance_id).collect();
            let series = tx.occurrences_among(&ids).await?;
            let same =
                |z: &ZoneMove| series.get(&z.maintenance_id).is_some_and(|o| o.series_id == occurrence.series_id);
            with_it.extend(others.into_iter().filter(same));
        }
        for z in with_it {
            tx.put_zone_move(&z.decided(actor.label(), now, tell)).await?;
        }
        if tell && let Some(update) = tx.updates_of(&[id]).await?.into_iter().find(|u| u.id == open.update_id) {
            let affected = self.affected_by(&mut tx, &m).await?;
            self.tell(&mut tx, &m, &open.told_as(update), &affected, None).await?;
        }
        let verb = if tell { "maintenance.tell_move" } else { "maintenance.leave_quiet" };
        let action =
            Action { verb, object: "maintenance", id: id.to_string(), name: format!("M-{} {}", m.number, m.title) };
        let after = open.clone().decided(actor.label(), now, tell);
        tx.add_audit(&self.audit(actor, action, Some(&open), Some(&after))).await?;
        self.commit(tx).await?;
        Ok(m)
    }
}
