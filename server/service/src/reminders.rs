//! Reminders before a window starts: sent by a worker, shown to the team.
//!
//! Each is settled in the transaction that queues its mails, under the primary key (window, start, lead time): on many
//! nodes, and after a crash at any instant, each goes once.

use crate::audit::Action;
use crate::tell::News;
use crate::{Actor, Error, Services};
use domain::ids::MaintenanceId;
use domain::maintenance::{Leads, Maintenance, Reminders, Reminding, Settling, State, is_armed};
use domain::people::Permission;
use domain::subscriber::Topic;
use domain::time::{Instant, Span};
use serde::Serialize;
use std::collections::BTreeSet;
use storage::Tx;
use storage::maintenance::Order;

/// How a reminder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReminderStanding {
    /// It will go, to about so many as things are now.
    Coming {
        /// Subscribers who would get it now.
        to: i64,
    },
    /// It went.
    Sent {
        /// When.
        at: Instant,
        /// To how many.
        to: i64,
    },
    /// Its instant went by unused.
    Passed {
        /// The time had just been announced, or was not yet; else it was missed and a nearer one went.
        too_soon: bool,
    },
}

/// A reminder of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderLook {
    /// How long before the start.
    pub lead: Span,
    /// The start it belongs to; another one than the window's where it was moved since.
    pub starts_at: Instant,
    /// Its instant.
    pub due_at: Instant,
    /// How it stands.
    pub standing: ReminderStanding,
}

/// What the audit log keeps of a reminder.
#[derive(Serialize)]
struct Line {
    lead: String,
    starts_at: Instant,
    told: u64,
    webhooks: u64,
}

impl Services {
    /// Sends every reminder that is due. Cheap where none is. A window that can not be dealt with is logged and does not
    /// stop the others. Gives back how many were sent.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn send_reminders(&self) -> Result<usize, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?.reminders;
        let near = tx.remindable(now, Leads::farthest().after(now)).await?;
        drop(tx);
        let due = near.into_iter().filter(|window| {
            let leads = window.reminders.leads(&site);
            let (starts_at, announced_at, settled) = (window.starts_at, window.announced_at, &window.settled);
            !Reminding { state: State::Scheduled, starts_at, announced_at, leads, settled }.due(now).is_empty()
        });
        let mut sent = 0;
        for window in due {
            match self.remind(window.id).await {
                Ok(true) => sent += 1,
                Ok(false) => {}
                Err(error) => tracing::error!(maintenance = %window.id, %error, "a reminder failed"),
            }
        }
        Ok(sent)
    }

    async fn remind(&self, id: MaintenanceId) -> Result<bool, Error> {
        let now = self.now();
        let mut tx = self.db.decide().await?;
        let site = tx.site().await?.reminders;
        let m = tx.maintenance(id).await?;
        let due = settling(&mut tx, &m, &site, now).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let send = due.send;
        let starts_at = m.planned.starts_at;
        settle(&mut tx, &m, &Settling { send: None, ..due }, now).await?;
        let mut sent = false;
        if let Some(lead) = send
            && tx.settle_reminder(id, starts_at, lead, now).await?
        {
            let affected = self.affected_by(&mut tx, &m).await?;
            let (notification, to) = self.queue(&mut tx, &m, News::Reminder { lead }, &affected, None).await?;
            let (told, webhooks) = (to.mails, to.webhooks);
            let count = i64::try_from(told).unwrap_or(i64::MAX);
            tx.reminder_told(id, starts_at, lead, notification, count).await?;
            tx.drop_older_reminders(id, notification, now, "a newer reminder took its place").await?;
            let action = Action {
                verb: "maintenance.remind",
                object: "maintenance",
                id: id.to_string(),
                name: format!("M-{} {}", m.number, m.title),
            };
            let line = Line { lead: lead.to_input(), starts_at, told, webhooks };
            tx.add_audit(&self.audit(&Actor::system(), action, None, Some(&line))).await?;
            tracing::info!(maintenance = %id, number = m.number, lead_s = lead.as_seconds(), told, "reminded");
            sent = true;
        }
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(sent)
    }

    /// Reminders whose instant has passed are never sent because a list of lead times was changed.
    pub(crate) async fn pass_over(&self, tx: &mut Tx, m: &Maintenance, site: &Leads) -> Result<(), Error> {
        if m.state != State::Scheduled {
            return Ok(());
        }
        let now = self.now();
        let due = settling(tx, m, site, now).await?.without_sending();
        settle(tx, m, &due, now).await
    }

    /// The same for all windows that have the site's list.
    pub(crate) async fn pass_over_all(&self, tx: &mut Tx, site: &Leads) -> Result<(), Error> {
        for m in tx.maintenances_in(&[State::Scheduled], Order::Earliest, None, i64::MAX).await? {
            if m.reminders == Reminders::AsSite {
                self.pass_over(tx, &m, site).await?;
            }
        }
        Ok(())
    }

    /// The reminders of a window: those that went, also for a time it had before, and those to come; in the order of
    /// their instants.
    ///
    /// # Errors
    /// Not allowed, no such window, or the database does not answer.
    pub async fn reminders_of(&self, actor: &Actor, id: MaintenanceId) -> Result<Vec<ReminderLook>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let m = tx.maintenance(id).await?;
        self.look_at_reminders(&mut tx, &m).await
    }

    pub(crate) async fn look_at_reminders(&self, tx: &mut Tx, m: &Maintenance) -> Result<Vec<ReminderLook>, Error> {
        let (id, now) = (m.id, self.now());
        let mut looks = Vec::new();
        let mut settled = BTreeSet::new();
        let announced_at = tx.announced_at(id).await?;
        for line in tx.settled_reminders(id).await? {
            let (lead, starts_at) = (line.lead, line.starts_at);
            let is_current = starts_at == m.planned.starts_at;
            if is_current {
                settled.insert(lead);
            }
            let standing = match line.told {
                Some(to) => ReminderStanding::Sent { at: line.settled_at, to },
                None if is_current => {
                    ReminderStanding::Passed { too_soon: !is_armed(lead.before(starts_at), announced_at) }
                }
                None => continue,
            };
            looks.push(ReminderLook { lead, starts_at, due_at: lead.before(starts_at), standing });
        }
        if m.state == State::Scheduled {
            let site = tx.site().await?.reminders;
            let affected: Vec<_> = self.affected_by(tx, m).await?.into_iter().map(|(id, _)| id).collect();
            let to = self.audience(tx, Topic::Maintenance, &affected).await?.mails;
            let starts_at = m.planned.starts_at;
            let coming = Reminding::of(m, announced_at, &site, &settled).coming(now);
            looks.extend(coming.into_iter().map(|(lead, due_at)| ReminderLook {
                lead,
                starts_at,
                due_at,
                standing: ReminderStanding::Coming { to },
            }));
        }
        looks.sort_by_key(|look| (look.due_at, look.starts_at));
        Ok(looks)
    }
}

/// What is due for a window by what is stored.
async fn settling(tx: &mut Tx, m: &Maintenance, site: &Leads, now: Instant) -> Result<Settling, Error> {
    if m.state != State::Scheduled {
        return Ok(Settling::default());
    }
    let announced_at = tx.announced_at(m.id).await?;
    let all = tx.settled_reminders(m.id).await?;
    let settled = all.iter().filter(|line| line.starts_at == m.planned.starts_at).map(|line| line.lead).collect();
    Ok(Reminding::of(m, announced_at, site, &settled).due(now))
}

/// Notes those that are passed over.
async fn settle(tx: &mut Tx, m: &Maintenance, due: &Settling, now: Instant) -> Result<(), Error> {
    for lead in &due.passed {
        tx.settle_reminder(m.id, m.planned.starts_at, *lead, now).await?;
    }
    Ok(())
}
