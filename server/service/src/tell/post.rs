//! Telling subscribers of what was published: announcements, post-mortems, action items that are done, reports.

use super::{POST, Reach, Recipient, Sender, address, message_id, send};
use crate::keys::Purpose;
use crate::{Error, Services};
use domain::ids::{ComponentId, NotificationId};
use domain::subscriber::Topic;
use domain::text::{Name, Prose};
use outbound::mail::{MailContent, MailError, PostNotice, Unsubscribe, post};
use serde::{Deserialize, Serialize};
use storage::Tx;
use storage::outbox::{NewNotification, Notification};
use uuid::Uuid;

/// Something published, as its mails tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Who wants to hear of it.
    pub topic: Topic,
    /// What it is, and which: `("announcement", id)`.
    pub subject: (&'static str, Uuid),
    /// What its mails hang together by: letters, digits, `-`. Posts of one thread are shown as one conversation.
    pub thread: String,
    /// The heading.
    pub title: Name,
    /// One sentence that says what this is: "There is a post-mortem of an incident."
    pub lead: String,
    /// The text; may be empty.
    pub message: Prose,
    /// Its public page: `/announcements/42`.
    pub path: String,
    /// Who follows one of these hears of it; none are the whole site.
    pub components: Vec<ComponentId>,
}

/// What a notification about something published tells: everything its mails are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostTold {
    /// Who wants to hear of it.
    pub topic: Topic,
    /// What it is.
    pub what: String,
    /// See [`Post::thread`].
    pub thread: String,
    /// The heading.
    pub title: Name,
    /// See [`Post::lead`].
    pub lead: String,
    /// The text.
    pub message: Prose,
    /// Its public page.
    pub path: String,
    /// The title at the first mail (MAIL-1).
    pub subject: String,
}

impl PostTold {
    /// What a notification about something published tells.
    ///
    /// # Errors
    /// It was stored by a program that knew other words.
    pub fn of(notification: &Notification) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&notification.content_json)
    }

    /// What it is, in a word: "Announcement".
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self.topic {
            Topic::Maintenance => "Maintenance",
            Topic::Incidents => "Incident",
            Topic::Announcements => "Announcement",
            Topic::PostMortems => "Post-mortem",
            Topic::ActionItems => "Action items done",
            Topic::Reports => "Monthly report",
        }
    }
}

impl Services {
    /// Writes the notification of something published and one delivery per follower; gives back how many. To be called
    /// in the transaction of the change; ring `outbox_filled` after its commit.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn tell_post(&self, tx: &mut Tx, post: &Post) -> Result<u64, Error> {
        let reach = Reach::of(tx, post.topic, &post.components).await?;
        if reach == Reach::Nobody {
            return Ok(0);
        }
        let (what, id) = post.subject;
        let first = tx.first_notification_content(id).await?;
        let first = first.and_then(|json| serde_json::from_str::<PostTold>(&json).ok());
        let told = PostTold {
            topic: post.topic,
            what: what.to_owned(),
            thread: post.thread.clone(),
            title: post.title.clone(),
            lead: post.lead.clone(),
            message: post.message.clone(),
            path: post.path.clone(),
            subject: first.map_or_else(|| post.title.to_string(), |told| told.subject),
        };
        let new = NewNotification {
            id: self.new_id::<NotificationId>(),
            kind: POST,
            subject_id: Some(id),
            content_json: serde_json::to_string(&told).map_err(|e| Error::internal(&e))?,
            created_at: self.now(),
        };
        let sent = send(tx, &new, post.topic, &reach).await?;
        if sent.webhooks > 0 {
            self.keep_post_body(tx, &new, &told).await?;
        }
        Ok(sent.mails + sent.webhooks)
    }

    pub(super) fn post_mail(
        &self,
        sender: &Sender,
        notification: &Notification,
        to: &Recipient,
    ) -> Result<MailContent, MailError> {
        let told = PostTold::of(notification).map_err(|e| MailError::Build(e.to_string()))?;
        let manage = self.keys.link(Purpose::Manage, to.id, to.token_version);
        let unsubscribe = self.url(&format!("/unsubscribe/{manage}"));
        let notice = PostNotice {
            label: told.label().to_owned(),
            title: told.title.to_string(),
            lead: told.lead,
            message: told.message.as_str().to_owned(),
            url: self.url(&told.path),
            manage_url: Some(self.url(&format!("/subscriptions/{manage}"))),
            unsubscribe_url: Some(unsubscribe.clone()),
        };
        Ok(MailContent {
            to: address(to)?,
            return_path: None,
            subject: sender.letterhead.subject(&told.subject, None),
            message_id: message_id(notification, to),
            thread: Some(format!("{}.s{}", told.thread, to.number)),
            date: notification.created_at,
            unsubscribe: Some(Unsubscribe { url: unsubscribe, mailto: None }),
            body: post(&sender.letterhead, &notice)?,
            calendar: None,
        })
    }
}
