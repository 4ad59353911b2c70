//! Telling subscribers: the notification and its deliveries are written in the transaction of the
//! change, and rendered later from what they tell of, as it was then.

mod audience;
mod incident;
mod post;
mod webhook;

pub(crate) use audience::Reach;
pub use incident::{IncidentTold, ToldComponent};
pub use post::{Post, PostTold};

use crate::Services;
use crate::calendar::reference;
use crate::error::Error;
use crate::keys::Purpose;
use crate::subscribers::{CONFIRM, CONFIRM_WITHIN};
use crate::team_mail::FINDINGS;
use domain::ids::{ComponentId, NotificationId};
use domain::maintenance::{Maintenance, State, Update, UpdateKind, affected_components};
use domain::site::Site;
use domain::subscriber::Topic;
use domain::time::{Instant, Span, format_instant, format_range};
use outbound::calendar::{self, Method};
use outbound::mail::{
    Address, CalendarPart, Change, Confirmation, Letterhead, Mail, MailContent, MailError, Notice, Times, Unsubscribe,
    compose, confirmation, notice, parse_address,
};
use serde::{Deserialize, Serialize};
use storage::Tx;
use storage::outbox::{NewNotification, Notification, RecipientRow};

/// The kind of notification that tells of a window.
const MAINTENANCE: &str = "maintenance";

/// The kind of notification that tells of an incident.
pub(crate) const INCIDENT: &str = "incident";

/// The kind of notification that tells of something published.
pub(crate) const POST: &str = "post";

/// The kind of notification that tells of a start once more.
pub(crate) const REMINDER: &str = "reminder";

/// An update that still waits after this long is not sent when a newer one is told.
const SUPERSEDED_AFTER: Span = Span::minutes(15);

/// What there is to tell of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A line of its timeline.
    Update(Update),
    /// It starts soon.
    Reminder {
        /// How long before the start it was due.
        lead: Span,
    },
}

/// What a notification tells: everything its mails are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The window as it was then.
    pub maintenance: Maintenance,
    /// The news: `update` or `reminder`.
    #[serde(flatten)]
    pub news: News,
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
    /// Writes the notification of an update and one delivery per follower, mailbox or program. To be called in the
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
        let news = News::Update(update.clone());
        let (new, sent) = self.queue(tx, maintenance, news, affected, proof).await?;
        // Nobody needs the mail with the plan of work that was called off, nor an old time after a new one. Programs
        // hear all of it, in order.
        let (told_before, reason) = if maintenance.state == State::Cancelled {
            (now, "the maintenance was cancelled")
        } else {
            (SUPERSEDED_AFTER.before(now), "superseded by a newer update")
        };
        tx.drop_waiting(maintenance.id.0, new, told_before, now, reason).await?;
        Ok(sent.mails)
    }

    /// Writes a notification and one delivery per follower, mailbox or program; gives back how many.
    pub(crate) async fn queue(
        &self,
        tx: &mut Tx,
        maintenance: &Maintenance,
        news: News,
        affected: &[(ComponentId, String)],
        proof: Option<String>,
    ) -> Result<(NotificationId, Sent), Error> {
        let ids: Vec<ComponentId> = affected.iter().map(|(id, _)| *id).collect();
        let reach = Reach::of(tx, Topic::Maintenance, &ids).await?;
        let told = affected.iter().filter(|(id, _)| reach.components().contains(id));
        let names = told.map(|(_, name)| name.clone()).collect();
        let new = self.notification_of(tx, maintenance, news, names, proof).await?;
        let sent = send(tx, &new, Topic::Maintenance, &reach).await?;
        if sent.webhooks > 0 {
            let told: Told = serde_json::from_str(&new.content_json).map_err(|e| Error::internal(&e))?;
            self.keep_window_body(tx, &new, &told, &reach).await?;
        }
        Ok((new.id, sent))
    }

    /// What is told, as it is stored with a notification.
    pub(crate) async fn notification_of(
        &self,
        tx: &mut Tx,
        maintenance: &Maintenance,
        news: News,
        affected: Vec<String>,
        proof: Option<String>,
    ) -> Result<NewNotification, Error> {
        let first = tx.first_notification_content(maintenance.id.0).await?;
        let subject = first
            .and_then(|json| serde_json::from_str::<Told>(&json).ok())
            .map_or_else(|| maintenance.title.to_string(), |told| told.subject);
        let kind = match &news {
            News::Update(_) => MAINTENANCE,
            News::Reminder { .. } => REMINDER,
        };
        let told = Told { maintenance: maintenance.clone(), news, affected, proof, subject };
        Ok(NewNotification {
            id: self.new_id::<NotificationId>(),
            kind,
            subject_id: Some(maintenance.id.0),
            content_json: serde_json::to_string(&told).map_err(|e| Error::internal(&e))?,
            created_at: self.now(),
        })
    }

    /// What a window touches, as the team sees it: components out of use too, and private ones.
    pub(crate) async fn affected_by(
        &self,
        tx: &mut Tx,
        maintenance: &Maintenance,
    ) -> Result<Vec<(ComponentId, String)>, Error> {
        let ids = affected_components(&crate::maintenance::scope_of(maintenance), &tx.topology().await?);
        let components = tx.components(true).await?;
        let touched = components.into_iter().filter(|component| ids.contains(&component.id));
        Ok(touched.map(|component| (component.id, component.name.to_string())).collect())
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
        match notification.kind.as_str() {
            FINDINGS => return self.team_mail_content(sender, notification, to),
            INCIDENT => return self.incident_mail(sender, notification, to),
            POST => return self.post_mail(sender, notification, to),
            _ => {}
        }
        let message_id = message_id(notification, to);
        let address = address(to)?;
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
        let body = notice(&sender.letterhead, &self.notice_for(&told, notification.created_at, to, &manage))?;
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

    fn notice_for(&self, told: &Told, told_at: Instant, to: &Recipient, manage: &str) -> Notice {
        let m = &told.maintenance;
        let times = |start, end| {
            let text = format_range(self.zones.as_ref(), &to.zone, start, end);
            Times { local: text.main, utc: text.utc }
        };
        let (change, when, message) = match &told.news {
            News::Reminder { .. } => {
                let ahead = Span::between(told_at, m.planned.starts_at).in_words();
                let when = times(m.planned.starts_at, m.planned.ends_at);
                (Change::Reminder { ahead }, when, self.message_for(&to.zone, m, &told.affected))
            }
            News::Update(u) => {
                let previous = times(u.old_starts_at.unwrap_or(u.starts_at), u.old_ends_at.unwrap_or(u.ends_at));
                let planned = times(u.starts_at, u.ends_at);
                let (change, when) = match u.kind {
                    UpdateKind::Scheduled => (Change::Scheduled, planned),
                    UpdateKind::Rescheduled => (Change::Rescheduled { previous }, planned),
                    UpdateKind::Extended => (Change::Extended { previous }, planned),
                    UpdateKind::Changed => (Change::Changed, planned),
                    UpdateKind::Held => (Change::Held, planned),
                    UpdateKind::Postponed => (Change::Postponed, planned),
                    UpdateKind::Started => (Change::Started, planned),
                    UpdateKind::Verifying | UpdateKind::Note => (Change::Update, planned),
                    UpdateKind::Completed => (Change::Completed, times(m.begins_at(), m.finishes_at())),
                    UpdateKind::Cancelled => (Change::Cancelled, planned),
                };
                // The plan is told with its own message, and with what else there is to say of it (that
                // it repeats); later updates with theirs.
                let is_plan = matches!(u.kind, UpdateKind::Scheduled | UpdateKind::Rescheduled | UpdateKind::Changed);
                let message = match u.kind {
                    _ if is_plan && u.body.as_str().is_empty() => self.message_for(&to.zone, m, &told.affected),
                    UpdateKind::Scheduled => {
                        let plan = self.message_for(&to.zone, m, &told.affected);
                        let more = self.update_for(&to.zone, m, &told.affected, u);
                        format!("{plan}\n\n{more}").trim().to_owned()
                    }
                    _ => self.update_for(&to.zone, m, &told.affected, u),
                };
                (change, when, message)
            }
        };
        Notice {
            change,
            title: m.title.to_string(),
            when,
            affected: told.affected.clone(),
            proof: told.proof.clone(),
            message,
            url: self.maintenance_url(m),
            calendar_url: Some(self.url("/calendar.ics")),
            manage_url: Some(self.url(&format!("/subscriptions/{manage}"))),
            unsubscribe_url: Some(self.url(&format!("/unsubscribe/{manage}"))),
        }
    }
}

/// How many deliveries were queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) mails: u64,
    /// Where there are any, what they are sent has to be kept in the same transaction.
    pub(crate) webhooks: u64,
}

/// Adds a notification and queues it for everybody it reaches.
async fn send(tx: &mut Tx, new: &NewNotification, topic: Topic, reach: &Reach) -> Result<Sent, Error> {
    tx.add_notification(new, reach.components()).await?;
    if *reach == Reach::Nobody {
        return Ok(Sent::default());
    }
    let (whole_site, now) = (*reach == Reach::Site, new.created_at);
    let mails = tx.queue_for_followers(new.id, topic, whole_site, now).await?;
    let webhooks = tx.queue_for_webhooks(new.id, topic, whole_site, now).await?;
    Ok(Sent { mails, webhooks })
}

fn message_id(notification: &Notification, to: &Recipient) -> String {
    format!("n{}.s{}", notification.number, to.number)
}

fn address(to: &Recipient) -> Result<Address, MailError> {
    parse_address(&to.email).map_err(|e| MailError::Build(e.to_string()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_update_that_was_told_before_there_were_reminders_is_still_read() {
        let update = r#"{"id":"00000000-0000-0000-0000-000000000001","maintenance_id":"00000000-0000-0000-0000-000000000007",
            "kind":"note","body":"News","at":"2014-05-15T12:00:00Z","author":null,"old_starts_at":null,"old_ends_at":null,
            "starts_at":"2014-05-15T19:00:00Z","ends_at":"2014-05-15T21:00:00Z"}"#;
        let maintenance = r#"{"id":"00000000-0000-0000-0000-000000000007","number":42,"title":"Disks","message":"",
            "state":"scheduled","planned":{"zone":"UTC","local_start":"2014-05-15T19:00:00","start_fold":null,
            "starts_at":"2014-05-15T19:00:00Z","ends_at":"2014-05-15T21:00:00Z","latest_end_at":"2014-05-15T21:00:00Z"},
            "hosts":[],"components":[],"auto_start":true,"auto_complete":true,"sequence":0,"published_at":null,
            "held_at":null,"started_at":null,"ended_at":null,"day_check_at":null,"lead_check_at":null,"next_due_at":null,
            "created_by":null,"created_at":"2014-05-12T10:00:00Z","updated_at":"2014-05-12T10:00:00Z","version":1}"#;
        let json = format!(
            r#"{{"maintenance":{maintenance},"update":{update},"affected":["API"],"proof":null,"subject":"Disks"}}"#
        );
        let told: Told = serde_json::from_str(&json).unwrap();
        assert!(matches!(&told.news, News::Update(update) if update.kind == UpdateKind::Note), "{told:?}");
        let reminder = Told { news: News::Reminder { lead: Span::hours(24) }, ..told };
        let json = serde_json::to_string(&reminder).unwrap();
        assert!(json.contains(r#""reminder":{"lead":86400}"#), "{json}");
        assert_eq!(serde_json::from_str::<Told>(&json).unwrap(), reminder);
    }
}
