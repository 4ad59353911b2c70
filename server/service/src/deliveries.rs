//! The outbox as the team sees it: how mail stands, what was told to whom, and each mail as its reader gets it.
//!
//! A mail holds its reader's secret links, so that only those who may administer see one; addresses are whole only for
//! them, also in what a mail server answered.

use crate::actor::Actor;
use crate::audit::Action;
use crate::courier::{MailStatus, NOT_CONFIGURED};
use crate::error::Fields;
use crate::inventory::Page;
use crate::subscribers::{CONFIRM, masked, shown_address};
use crate::tell::{INCIDENT, IncidentTold, News, POST, PostTold, Recipient, Sender, Told};
use crate::{Error, Services};
use domain::ids::{IncidentId, MaintenanceId, NotificationId, SubscriberId};
use domain::incident::IncidentState;
use domain::maintenance::UpdateKind;
use domain::people::Permission;
use domain::subscriber::{DeliveryState, NotAgain, SendAgain, Subscriber};
use domain::time::{Instant, Span};
use outbound::mail::{MailContent, MailError, compose};
use serde::Serialize;
use std::collections::HashMap;
use storage::Tx;
pub use storage::outbox::{COUNTED, OutboxState, Stuck, UNREACHED};
use storage::outbox::{DeliveryFilter, DeliveryLine, DeliveryPlace, Notification};

/// Mails on one page of the list.
const PAGE: i64 = 50;

/// Mails shown with their subscriber.
const RECENT: i64 = 20;

/// A mail that waits longer than this does not go out as it should.
const LATE_AFTER: Span = Span::hours(1);

/// How long a mail that was given up asks for attention.
const FAILED_LATELY: Span = Span::hours(24);

/// Which mails to list, as typed in an address; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct DeliveriesQuery {
    /// waiting, sent, failed or unsent.
    pub state: String,
    /// Where the page before ended; empty for the first.
    pub cursor: String,
}

impl DeliveriesQuery {
    /// What [`Self::state`] may be.
    pub const STATES: [&'static str; 4] = ["waiting", "sent", "failed", "unsent"];

    fn filter(&self) -> Option<DeliveryFilter> {
        Some(match self.state.trim() {
            "" => DeliveryFilter::All,
            "waiting" => DeliveryFilter::Waiting,
            "sent" => DeliveryFilter::Sent,
            "failed" => DeliveryFilter::Failed,
            "unsent" => DeliveryFilter::Dropped,
            _ => return None,
        })
    }
}

/// What a mail is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// It asks the reader to confirm the subscription.
    Confirmation,
    /// It tells of a window.
    Window {
        /// Which.
        id: MaintenanceId,
        /// `M-42 Replace a disk`
        name: String,
        /// What it tells.
        what: What,
    },
    /// It tells of an incident.
    Incident {
        /// Which.
        id: IncidentId,
        /// `I-7 API does not answer`
        name: String,
        /// Where it stood.
        state: IncidentState,
    },
    /// It tells of something published.
    Post {
        /// "Announcement"
        label: &'static str,
        /// The heading.
        name: String,
        /// Its public page.
        path: String,
    },
}

impl About {
    pub(crate) fn of(notification: &Notification) -> Result<Self, serde_json::Error> {
        Ok(match notification.kind.as_str() {
            CONFIRM => Self::Confirmation,
            INCIDENT => {
                let told = IncidentTold::of(notification)?;
                let i = &told.incident;
                let name = format!("{} {}", i.reference(), i.title);
                Self::Incident { id: i.id, name, state: told.update.state }
            }
            POST => {
                let told = PostTold::of(notification)?;
                Self::Post { label: told.label(), name: told.title.to_string(), path: told.path }
            }
            _ => {
                let told = Told::of(notification)?;
                let m = &told.maintenance;
                let what = match &told.news {
                    News::Update(update) => What::Update(update.kind),
                    News::Reminder { lead } => What::Reminder { lead: *lead },
                };
                Self::Window { id: m.id, name: format!("M-{} {}", m.number, m.title), what }
            }
        })
    }
}

/// What a mail tells of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Something happened.
    Update(UpdateKind),
    /// It starts soon.
    Reminder {
        /// How long before the start it was due.
        lead: Span,
    },
}

/// How a mail stands, in the words of the trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its turn has not come.
    Waits,
    /// It was tried, and will be again.
    TriesAgain,
    /// A worker has it in hand.
    InHand,
    /// The mail server took it.
    Sent,
    /// Given up.
    Failed,
    /// It would have gone, had there been a mail server.
    LackedServer,
    /// Not needed any more.
    NotNeeded,
}

impl Standing {
    pub(crate) fn of(state: DeliveryState, attempts: i64, error: Option<&str>) -> Self {
        match state {
            DeliveryState::Queued if attempts == 0 => Self::Waits,
            DeliveryState::Queued => Self::TriesAgain,
            DeliveryState::Sending => Self::InHand,
            DeliveryState::Sent => Self::Sent,
            DeliveryState::Failed => Self::Failed,
            DeliveryState::Dropped if error == Some(NOT_CONFIGURED) => Self::LackedServer,
            DeliveryState::Dropped => Self::NotNeeded,
        }
    }
}

/// A mail in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What was told.
    pub notification: NotificationId,
    /// Whom.
    pub subscriber: SubscriberId,
    /// What it is about.
    pub about: About,
    /// When it was told.
    pub told_at: Instant,
    /// The address: whole for those who may administer, partly hidden for others.
    pub address: String,
    /// How it stands.
    pub standing: Standing,
    /// Tries so far.
    pub attempts: i64,
    /// Its next turn, while it waits.
    pub due_at: Instant,
    /// When it ended.
    pub done_at: Option<Instant>,
    /// The newest error, or why it was not sent.
    pub error: Option<String>,
}

/// Whether mail goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailStanding {
    /// A mail server is configured.
    pub is_configured: bool,
    /// What the worker of this node says.
    pub status: MailStatus,
    /// Counts over all mails.
    pub outbox: OutboxState,
}

/// What of the mails needs somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailNeeds {
    /// Confirmed subscribers that nothing is sent to, because no mail server is configured; not counted beyond
    /// [`UNREACHED`].
    pub unreached: i64,
    /// What the worker of this node says.
    pub status: MailStatus,
    /// Waiting since long, or given up lately.
    pub stuck: Stuck,
}

impl MailNeeds {
    /// How many things that makes: each of them may be about many mails.
    #[must_use]
    pub fn count(&self) -> usize {
        let things = [self.status.problem.is_some(), self.stuck.failed > 0, self.stuck.late > 0, self.unreached > 0];
        things.into_iter().filter(|is_there| *is_there).count()
    }
}

/// A mail as its reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Name and address.
    pub from: String,
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// When it was told.
    pub date: Instant,
    /// With angle brackets.
    pub message_id: String,
    /// The part for those who read plain text.
    pub text: String,
    /// The part for those who read HTML.
    pub html: String,
    /// Names of the files that go with it.
    pub attachments: Vec<&'static str>,
    /// The whole message (RFC 5322).
    pub raw: Vec<u8>,
}

impl Letter {
    /// What goes to the mail server, with its parts as one reads them.
    ///
    /// # Errors
    /// A value would break a header.
    pub(crate) fn of(sender: &Sender, content: MailContent) -> Result<Self, MailError> {
        let mail = compose(&sender.letterhead, &content)?;
        Ok(Self {
            from: sender.letterhead.sender(),
            to: content.to.to_string(),
            attachments: content.attachments(),
            subject: content.subject,
            date: content.date,
            message_id: mail.message_id,
            text: content.body.text,
            html: content.body.html,
            raw: mail.raw,
        })
    }
}

/// One mail with everything known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailView {
    /// How it stands.
    pub delivery: Delivery,
    /// What it says, or why it can not be written.
    pub letter: Result<Letter, MailError>,
    /// Whether it can be sent again, or why not.
    pub again: Result<(), NotAgain>,
}

/// What the audit log keeps. Not the error: it may name the address, and the log is never changed.
#[derive(Serialize)]
struct Line {
    state: DeliveryState,
    tries: i64,
}

impl Services {
    /// Whether mail goes out, with counts.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn mail_standing(&self, actor: &Actor) -> Result<MailStanding, Error> {
        actor.require(Permission::View)?;
        let outbox = self.db.read().await?.outbox_state().await?;
        Ok(MailStanding { is_configured: self.mail_configured, status: self.shown_status(actor), outbox })
    }

    /// How many mails do not go out, for the navigation of every page.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn stuck_mails(&self, actor: &Actor) -> Result<Stuck, Error> {
        actor.require(Permission::View)?;
        self.stuck_mails_in(&mut self.db.read().await?).await
    }

    async fn stuck_mails_in(&self, tx: &mut Tx) -> Result<Stuck, Error> {
        let now = self.now();
        let (late, failed) = (LATE_AFTER.before(now), FAILED_LATELY.before(now));
        let (readers, team) = (tx.stuck_deliveries(late, failed).await?, tx.stuck_team_deliveries(late, failed).await?);
        Ok(Stuck { late: readers.late + team.late, failed: readers.failed + team.failed })
    }

    /// What of the mails needs somebody.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn mail_needs(&self, actor: &Actor) -> Result<MailNeeds, Error> {
        actor.require(Permission::View)?;
        self.mail_needs_in(&mut self.db.read().await?, actor).await
    }

    pub(crate) async fn mail_needs_in(&self, tx: &mut Tx, actor: &Actor) -> Result<MailNeeds, Error> {
        let stuck = self.stuck_mails_in(tx).await?;
        let unreached = if self.mail_configured { 0 } else { tx.count_unreached().await? };
        Ok(MailNeeds { unreached, status: self.shown_status(actor), stuck })
    }

    /// A page of mails, newest told first.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn deliveries(&self, actor: &Actor, query: &DeliveriesQuery) -> Result<Page<Delivery>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let filter = fields.take("state", query.filter().ok_or("Choose a state from the list."));
        let before = match query.cursor.trim() {
            "" => None,
            text => fields.take("cursor", place(text).ok_or("This is no cursor of ours.")),
        };
        let (Some(filter), true) = (filter, fields.is_empty()) else { return Err(fields.into_error()) };
        let mut tx = self.db.read().await?;
        let mut lines = tx.deliveries_before(before, filter, PAGE + 1).await?;
        let fits = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let more = lines.len() > fits;
        lines.truncate(fits);
        let next_cursor = lines.last().filter(|_| more).map(place_text);
        Ok(Page { items: told(&mut tx, actor, lines).await?, next_cursor })
    }

    /// The newest mails to one subscriber.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn deliveries_to(&self, actor: &Actor, subscriber: SubscriberId) -> Result<Vec<Delivery>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let lines = tx.deliveries_before(None, DeliveryFilter::Of(subscriber), RECENT).await?;
        told(&mut tx, actor, lines).await
    }

    /// A mail as its reader gets it, whether it was sent, waits, failed or never could go.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn mail_to(
        &self,
        actor: &Actor,
        notification: NotificationId,
        subscriber: SubscriberId,
    ) -> Result<MailView, Error> {
        actor.require(Permission::Administer)?;
        let sender = self.sender().await?;
        let mut tx = self.db.read().await?;
        let line = tx.delivery(notification, subscriber).await?;
        let told = tx.notification(notification).await?;
        let reader = tx.subscriber(subscriber).await?;
        let row = tx.recipients(&[subscriber]).await?.pop().ok_or(Error::NotFound("subscriber"))?;
        let to = Recipient::from(row);
        let letter = self.mail_content(&sender, &told, &to).and_then(|content| Letter::of(&sender, content));
        let again = self.again(&mut tx, &line, &told, &reader).await?;
        Ok(MailView { delivery: delivery(actor, &told, line)?, letter, again })
    }

    /// Queues a mail once more that failed, or that could not go because there was no mail server. It keeps its
    /// `Message-ID`, so that a reader who got it all the same sees it once.
    ///
    /// # Errors
    /// Not allowed, not found, a rule stands against it ([`NotAgain`]), or the database does not answer.
    pub async fn send_again(
        &self,
        actor: &Actor,
        notification: NotificationId,
        subscriber: SubscriberId,
    ) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let line = tx.delivery(notification, subscriber).await?;
        let told = tx.notification(notification).await?;
        let reader = tx.subscriber(subscriber).await?;
        let again = self.again(&mut tx, &line, &told, &reader).await?;
        again.map_err(|why| Error::refused("not_again", why.to_string()))?;
        tx.queue_again(notification, subscriber, self.now()).await?;
        let action = Action {
            verb: "mail.send_again",
            object: "mail",
            id: format!("{notification}/{subscriber}"),
            name: masked(&reader.email),
        };
        let before = Line { state: line.state, tries: line.attempts };
        let after = Line { state: DeliveryState::Queued, tries: 0 };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(())
    }

    async fn again(
        &self,
        tx: &mut Tx,
        line: &DeliveryLine,
        told: &Notification,
        reader: &Subscriber,
    ) -> Result<Result<(), NotAgain>, Error> {
        let asks_to_confirm = told.kind == CONFIRM;
        let again = SendAgain {
            state: line.state,
            lacked_server: Standing::of(line.state, line.attempts, line.last_error.as_deref())
                == Standing::LackedServer,
            has_server: self.mail_configured,
            subscriber: reader.state,
            asks_to_confirm,
            link_ended: asks_to_confirm && self.check_in_time(reader).is_err(),
            is_superseded: tx.is_superseded(told).await?,
        };
        Ok(again.decide())
    }

    fn shown_status(&self, actor: &Actor) -> MailStatus {
        let status = self.mail_status();
        if actor.may(Permission::Administer) {
            return status;
        }
        MailStatus { problem: status.problem.as_deref().map(without_addresses), ..status }
    }
}

/// What these mails are about; each notification is read once.
async fn told(tx: &mut Tx, actor: &Actor, lines: Vec<DeliveryLine>) -> Result<Vec<Delivery>, Error> {
    let mut known: HashMap<NotificationId, Notification> = HashMap::new();
    let mut found = Vec::with_capacity(lines.len());
    for line in lines {
        let notification = match known.get(&line.notification) {
            Some(known) => known,
            None => {
                let read = tx.notification(line.notification).await?;
                known.entry(line.notification).or_insert(read)
            }
        };
        found.push(delivery(actor, notification, line)?);
    }
    Ok(found)
}

fn delivery(actor: &Actor, notification: &Notification, line: DeliveryLine) -> Result<Delivery, Error> {
    let about = About::of(notification).map_err(|e| Error::internal(&e))?;
    let standing = Standing::of(line.state, line.attempts, line.last_error.as_deref());
    let error = if actor.may(Permission::Administer) {
        line.last_error
    } else {
        line.last_error.map(|error| without_reader(&error, &line.email))
    };
    Ok(Delivery {
        notification: line.notification,
        subscriber: line.subscriber,
        about,
        told_at: notification.created_at,
        address: shown_address(actor, &line.email),
        standing,
        attempts: line.attempts,
        due_at: line.due_at,
        done_at: line.done_at,
        error,
    })
}

/// What a mail server said, without the addresses it named.
fn without_addresses(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '"' | '\'' | ',' | ';');
    text.split_inclusive(ends)
        .map(|word| match word.split_once('@') {
            Some((name, rest)) => format!("{}***@{rest}", name.chars().next().unwrap_or('?')),
            None => word.to_owned(),
        })
        .collect()
}

/// The same of one reader, whose name alone would give them away.
fn without_reader(text: &str, email: &str) -> String {
    let shown = without_addresses(text);
    let name = email.split('@').next().unwrap_or_default().to_lowercase();
    let is_named = shown.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    // A name with dots or dashes in it is no single word.
    if is_named || (name.len() > 2 && shown.to_lowercase().contains(&name)) {
        "The mail server named the reader; administrators can read what it said.".to_owned()
    } else {
        shown
    }
}

fn place_text(line: &DeliveryLine) -> String {
    format!("{}-{}", line.notification.0.simple(), line.subscriber.0.simple())
}

/// Reads [`place_text`].
fn place(text: &str) -> Option<DeliveryPlace> {
    let (notification, subscriber) = text.split_once('-')?;
    Some((notification.parse().ok()?, subscriber.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{without_addresses, without_reader};

    #[test]
    fn what_a_mail_server_said_names_no_address() {
        let said = "550 5.1.1 <Ann.Smith@Example.net>: Recipient address rejected";
        assert_eq!(without_addresses(said), "550 5.1.1 <A***@Example.net>: Recipient address rejected");
        assert_eq!(without_addresses("421 a@b.example,c@d.example busy"), "421 a***@b.example,c***@d.example busy");
        assert_eq!(without_addresses("450 greylisted, try later"), "450 greylisted, try later");
    }

    #[test]
    fn a_reader_is_not_named_even_without_the_domain() {
        let hidden = "The mail server named the reader; administrators can read what it said.";
        for said in ["550 no mailbox ann here", "550 Ann: unknown", "550 user=ann"] {
            assert_eq!(without_reader(said, "Ann@example.net"), hidden, "{said}");
        }
        assert_eq!(without_reader("550 ann.smith unknown", "ann.smith@example.net"), hidden);
        assert_eq!(without_reader("550 mailbox full", "al@example.net"), "550 mailbox full");
    }
}
