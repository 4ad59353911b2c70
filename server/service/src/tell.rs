//! Telling subscribers: the notification and its deliveries are written in the transaction of the
//! change, and rendered later from what they tell of, as it was then.

use crate::Services;
use crate::calendar::reference;
use crate::error::Error;
use crate::keys::Purpose;
use crate::subscribers::{CONFIRM, CONFIRM_WITHIN};
use crate::team_mail::FINDINGS;
use domain::ids::{ComponentId, NotificationId};
use domain::maintenance::{Maintenance, State, Update, UpdateKind};
use domain::site::Site;
use domain::time::{Instant, Span, format_instant, format_range};
use outbound::calendar::{self, Method};
use outbound::mail::{
    CalendarPart, Change, Confirmation, Letterhead, Mail, MailContent, MailError, Notice, Times, Unsubscribe, compose,
    confirmation, notice, parse_address,
};
use serde::{Deserialize, Serialize};
use storage::Tx;
use storage::outbox::{NewNotification, Notification, RecipientRow};

/// The kind of notification that tells of a window.
const MAINTENANCE: &str = "maintenance";

/// An update that still waits after this long is not sent when a newer one is told.
const SUPERSEDED_AFTER: Span = Span::minutes(15);

/// What a notification tells: everything its mails are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The window as it was then.
    pub maintenance: Maintenance,
    /// The update told.
    pub update: Update,
    /// Names of affected components.
    pub affected: Vec<String>,
    /// Proof of the backup in one sentence.
    pub proof: Option<String>,
    /// The title at the first announcement: subjects must not change, or Gmail opens a new thread (MAIL-1).
    pub subject: String,
}

impl Told {
    /// What a notification about a window tells.
    ///
    /// # Errors
    /// It was stored by a program that knew other words.
    pub fn of(notification: &Notification) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&notification.content_json)
    }
}

/// The one a mail goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Identity.
    pub id: uuid::Uuid,
    /// Small number, part of message ids.
    pub number: i64,
    /// Where to.
    pub email: String,
    /// Zone for times.
    pub zone: String,
    /// Part of the secret in links.
    pub token_version: i64,
    /// When the confirmation was asked for.
    pub confirm_sent_at: Option<Instant>,
}

impl From<RecipientRow> for Recipient {
    fn from(row: RecipientRow) -> Self {
        Self {
            id: row.id.0,
            number: row.number,
            email: row.email,
            zone: row.zone,
            token_version: row.token_version,
            confirm_sent_at: row.confirm_sent_at,
        }
    }
}

/// What stands in every mail of this site.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Site name, sender address, list id.
    pub letterhead: Letterhead,
    /// The site.
    pub site: Site,
}

impl Services {
    /// Writes the notification of an update and one delivery per follower. To be called in the
    /// transaction of the change; ring `outbox_filled` after its commit.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn tell(
        &self,
        tx: &mut Tx,
        maintenance: &Maintenance,
        update: &Update,
        affected: &[(ComponentId, String)],
        proof: Option<String>,
    ) -> Result<u64, Error> {
        let now = self.now();
        let first = tx.first_notification_content(maintenance.id).await?;
        let subject = first
            .and_then(|json| serde_json::from_str::<Told>(&json).ok())
            .map_or_else(|| maintenance.title.to_string(), |told| told.subject);
        let told = Told {
            maintenance: maintenance.clone(),
            update: update.clone(),
            affected: affected.iter().map(|(_, name)| name.clone()).collect(),
            proof,
            subject,
        };
        let new = NewNotification {
            id: self.new_id::<NotificationId>(),
            kind: MAINTENANCE,
            maintenance_id: Some(maintenance.id),
            update_id: Some(update.id),
            content_json: serde_json::to_string(&told).map_err(|e| Error::internal(&e))?,
            created_at: now,
        };
        let ids: Vec<ComponentId> = affected.iter().map(|(id, _)| *id).collect();
        tx.add_notification(&new, &ids).await?;
        let queued = tx.queue_for_followers(new.id, now).await?;
        // Nobody needs the plan of work that was called off, nor an old time after a new one.
        let (told_before, reason) = if maintenance.state == State::Cancelled {
            (now, "the maintenance was cancelled")
        } else {
            (SUPERSEDED_AFTER.before(now), "superseded by a newer update")
        };
        tx.drop_waiting(maintenance.id, new.id, told_before, now, reason).await?;
        Ok(queued)
    }

    /// The mail for one recipient: always the same bytes for the same notification, so that a
    /// retry can not tell another story.
    ///
    /// # Errors
    /// A value would break a header, or the stored content does not parse.
    pub fn mail(&self, sender: &Sender, notification: &Notification, to: &Recipient) -> Result<Mail, MailError> {
        compose(&sender.letterhead, &self.mail_content(sender, notification, to)?)
    }

    /// What the mail for one recipient says, before it is put into bytes.
    ///
    /// # Errors
    /// A value would break a header, or the stored content does not parse.
    pub fn mail_content(
        &self,
        sender: &Sender,
        notification: &Notification,
        to: &Recipient,
    ) -> Result<MailContent, MailError> {
        if notification.kind == FINDINGS {
            return self.team_mail_content(sender, notification, to);
        }
        let message_id = format!("n{}.s{}", notification.number, to.number);
        let address = parse_address(&to.email).map_err(|e| MailError::Build(e.to_string()))?;
        if notification.kind == CONFIRM {
            let link = self.keys.link(Purpose::Confirm, to.id, to.token_version);
            let until = CONFIRM_WITHIN.after(to.confirm_sent_at.unwrap_or(notification.created_at));
            let text = format_instant(self.zones.as_ref(), &to.zone, until);
            let body = confirmation(
                &sender.letterhead,
                &Confirmation {
                    url: self.url(&format!("/subscribe/confirm/{link}")),
                    until: Times { local: text.main, utc: text.utc },
                },
            )?;
            return Ok(MailContent {
                to: address,
                return_path: None,
                subject: sender.letterhead.subject("Confirm your subscription", None),
                message_id,
                thread: None,
                date: notification.created_at,
                unsubscribe: None,
                body,
                calendar: None,
            });
        }
        let told = Told::of(notification).map_err(|e| MailError::Build(e.to_string()))?;
        let manage = self.keys.link(Purpose::Manage, to.id, to.token_version);
        let event = self.calendar_event(&sender.site, &told.maintenance, &told.affected);
        let ics = calendar::message(&event, Method::Publish);
        let body = notice(&sender.letterhead, &self.notice_for(&told, to, &manage))?;
        Ok(MailContent {
            to: address,
            return_path: None,
            subject: sender.letterhead.subject(&told.subject, Some(&reference(&told.maintenance))),
            message_id,
            thread: Some(format!("mw-{}.s{}", told.maintenance.id, to.number)),
            date: notification.created_at,
            unsubscribe: Some(Unsubscribe { url: self.url(&format!("/unsubscribe/{manage}")), mailto: None }),
            body,
            calendar: Some(CalendarPart { method: Method::Publish, ics }),
        })
    }

    fn notice_for(&self, told: &Told, to: &Recipient, manage: &str) -> Notice {
        let m = &told.maintenance;
        let times = |start, end| {
            let text = format_range(self.zones.as_ref(), &to.zone, start, end);
            Times { local: text.main, utc: text.utc }
        };
        let u = &told.update;
        let previous = || times(u.old_starts_at.unwrap_or(u.starts_at), u.old_ends_at.unwrap_or(u.ends_at));
        let (change, when) = match u.kind {
            UpdateKind::Scheduled => (Change::Scheduled, times(u.starts_at, u.ends_at)),
            UpdateKind::Rescheduled => (Change::Rescheduled { previous: previous() }, times(u.starts_at, u.ends_at)),
            UpdateKind::Extended => (Change::Extended { previous: previous() }, times(u.starts_at, u.ends_at)),
            UpdateKind::Changed => (Change::Changed, times(u.starts_at, u.ends_at)),
            UpdateKind::Held => (Change::Held, times(u.starts_at, u.ends_at)),
            UpdateKind::Postponed => (Change::Postponed, times(u.starts_at, u.ends_at)),
            UpdateKind::Started => (Change::Started, times(u.starts_at, u.ends_at)),
            UpdateKind::Verifying | UpdateKind::Note => (Change::Update, times(u.starts_at, u.ends_at)),
            UpdateKind::Completed => (Change::Completed, times(m.begins_at(), m.finishes_at())),
            UpdateKind::Cancelled => (Change::Cancelled, times(u.starts_at, u.ends_at)),
        };
        // The plan is told with its own message; later updates with theirs.
        let message = match u.kind {
            UpdateKind::Scheduled | UpdateKind::Rescheduled | UpdateKind::Changed if u.body.as_str().is_empty() => {
                &m.message
            }
            _ => &u.body,
        };
        Notice {
            change,
            title: m.title.to_string(),
            when,
            affected: told.affected.clone(),
            proof: told.proof.clone(),
            message: message.as_str().to_owned(),
            url: self.maintenance_url(m),
            calendar_url: Some(self.url("/calendar.ics")),
            manage_url: Some(self.url(&format!("/subscriptions/{manage}"))),
            unsubscribe_url: Some(self.url(&format!("/unsubscribe/{manage}"))),
        }
    }
}
