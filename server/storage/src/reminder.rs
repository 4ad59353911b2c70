//! Reminders: which windows may need one, and what was settled about each.

use crate::db::{Tx, at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{MaintenanceId, NotificationId};
use domain::maintenance::{Leads, Reminders};
use domain::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What was settled about a reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The start it belongs to.
    pub starts_at: Instant,
    /// How long before it.
    pub lead: Span,
    /// When it was sent or passed over.
    pub settled_at: Instant,
    /// How many subscribers it went to; none where it was passed over.
    pub told: Option<i64>,
}

/// A window whose start lies near enough for reminders, with all that the decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remindable {
    /// Which.
    pub id: MaintenanceId,
    /// Its start.
    pub starts_at: Instant,
    /// When this start was announced.
    pub announced_at: Instant,
    /// Which reminders it gets.
    pub reminders: Reminders,
    /// What is settled for this start.
    pub settled: BTreeSet<Span>,
}

/// Lead times as stored: seconds with commas between them.
pub(crate) fn leads_text(leads: &Leads) -> String {
    leads.iter().map(|lead| lead.as_seconds().to_string()).collect::<Vec<_>>().join(",")
}

/// Reads [`leads_text`].
pub(crate) fn leads(table: &'static str, id: impl ToString, text: &str) -> Result<Leads, StoreError> {
    let id = id.to_string();
    let spans: Result<Vec<Span>, _> =
        text.split(',').filter(|part| !part.is_empty()).map(|part| part.parse().map(Span::seconds)).collect();
    Leads::new(spans.map_err(|e| corrupt(table, &id, e))?).map_err(|e| corrupt(table, &id, e))
}

/// Which reminders a window gets, as stored with it.
pub(crate) fn reminders(table: &'static str, id: Uuid, text: Option<&str>) -> Result<Reminders, StoreError> {
    text.map_or(Ok(Reminders::AsSite), |text| leads(table, id, text).map(Reminders::Own))
}

impl Tx {
    /// Scheduled windows that start after `from` and not after `to`.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn remindable(&mut self, from: Instant, to: Instant) -> Result<Vec<Remindable>, StoreError> {
        const T: &str = "maintenances";
        type Row = (Uuid, i64, i64, Option<String>, Option<i64>);
        // One row for each that is settled; the latest line that gave the window its time says since when it is known.
        let rows: Vec<Row> = on_tx!(self, |x| {
            sqlx::query_as(
                "select m.id, m.starts_at,
                     coalesce((select max(u.at) from maintenance_updates u
                         where u.maintenance_id = m.id and u.kind in ('scheduled', 'rescheduled')), m.created_at),
                     m.reminders, r.lead_s
                 from maintenances m
                 left join reminders r on r.maintenance_id = m.id and r.starts_at = m.starts_at
                 where m.state = 'scheduled' and m.starts_at > $1 and m.starts_at <= $2
                 order by m.starts_at, m.id",
            )
            .bind(ms(from))
            .bind(ms(to))
            .fetch_all(x)
            .await?
        });
        let mut found: BTreeMap<(Instant, Uuid), Remindable> = BTreeMap::new();
        for (id, starts, announced, own, settled) in rows {
            let starts_at = at(T, id, starts)?;
            let one = match found.entry((starts_at, id)) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => new.insert(Remindable {
                    id: MaintenanceId(id),
                    starts_at,
                    announced_at: at(T, id, announced)?,
                    reminders: reminders(T, id, own.as_deref())?,
                    settled: BTreeSet::new(),
                }),
            };
            one.settled.extend(settled.map(Span::seconds));
        }
        Ok(found.into_values().collect())
    }

    /// When a window was given the time it has; when it was drafted, where it was never announced.
    ///
    /// # Errors
    /// There is none, the database refused, or a row does not parse.
    pub async fn announced_at(&mut self, id: MaintenanceId) -> Result<Instant, StoreError> {
        let told: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select coalesce((select max(u.at) from maintenance_updates u
                     where u.maintenance_id = m.id and u.kind in ('scheduled', 'rescheduled')), m.created_at)
                 from maintenances m where m.id = $1",
            )
            .bind(id.0)
            .fetch_optional(x)
            .await?
        });
        crate::db::maybe_at("maintenance_updates", id, told)?.ok_or(StoreError::NotFound("maintenance"))
    }

    /// What was settled about the reminders of a window, for all its starts, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn settled_reminders(&mut self, id: MaintenanceId) -> Result<Vec<Settled>, StoreError> {
        const T: &str = "reminders";
        let rows: Vec<(i64, i64, i64, Option<i64>)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select starts_at, lead_s, settled_at, told from reminders where maintenance_id = $1
                 order by settled_at desc, lead_s",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|(starts, lead, settled, told)| {
                Ok(Settled {
                    starts_at: at(T, id, starts)?,
                    lead: Span::seconds(lead),
                    settled_at: at(T, id, settled)?,
                    told,
                })
            })
            .collect()
    }

    /// Takes a reminder for its one sending, or notes that it is passed over. False where somebody did so before.
    ///
    /// # Errors
    /// No such window, or the database refused.
    pub async fn settle_reminder(
        &mut self,
        id: MaintenanceId,
        starts_at: Instant,
        lead: Span,
        settled_at: Instant,
    ) -> Result<bool, StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "insert into reminders (maintenance_id, starts_at, lead_s, settled_at) values ($1, $2, $3, $4)
                 on conflict do nothing",
            )
            .bind(id.0)
            .bind(ms(starts_at))
            .bind(lead.as_seconds())
            .bind(ms(settled_at))
            .execute(x)
            .await?
            .rows_affected()
        });
        Ok(done == 1)
    }

    /// Notes what a reminder was told with, and to how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn reminder_told(
        &mut self,
        id: MaintenanceId,
        starts_at: Instant,
        lead: Span,
        notification: NotificationId,
        told: i64,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "update reminders set notification_id = $1, told = $2
                 where maintenance_id = $3 and starts_at = $4 and lead_s = $5",
            )
            .bind(notification.0)
            .bind(told)
            .bind(id.0)
            .bind(ms(starts_at))
            .bind(lead.as_seconds())
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Drops reminders of a window that still wait, except one: the newer says the same, and more exactly.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_older_reminders(
        &mut self,
        id: MaintenanceId,
        except: NotificationId,
        now: Instant,
        reason: &str,
    ) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "update deliveries set state = 'dropped', done_at = $1, last_error = $2
                 where state = 'queued' and notification_id <> $4 and notification_id in
                     (select notification_id from reminders where maintenance_id = $3 and notification_id is not null)",
            )
            .bind(ms(now))
            .bind(reason)
            .bind(id.0)
            .bind(except.0)
            .execute(x)
            .await?
            .rows_affected()
        }))
    }
}
