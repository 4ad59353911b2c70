//! Delivery of the outbox: claim with a lease, send, record. Nothing is kept in memory that a
//! crash could lose; at worst a mail in hand is sent again with the same `Message-ID`.

use crate::actor::Actor;
use crate::audit::Action;
use crate::subscribers::{CONFIRM, Line, masked};
use crate::tell::{REMINDER, Recipient, Sender, Told};
use crate::{Error, Services};
use domain::ids::{NotificationId, SubscriberId, UserId};
use domain::maintenance::outdated_reminder;
use domain::subscriber::{Subscriber, SubscriberState};
use domain::time::{Instant, Span};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use outbound::mail::{AddressError, Letterhead, MailError, parse_address};
use outbound::smtp::{MailBackend, MailSession, Outcome, breaker_delay, next_retry};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::outbox::{Claimed, Done, Notification};
use storage::team_mail::TeamClaimed;
use storage::{StoreError, Tx};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_util::sync::CancellationToken;

/// How long a claimed delivery belongs to its worker; renewed while the worker lives. When it died, another node goes
/// on after this.
const LEASE: Span = Span::seconds(30);

/// How often leases are renewed.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Outcomes are collected this long and recorded in one transaction.
const GROUP: Duration = Duration::from_millis(20);

/// Most outcomes in one transaction, and most that wait for the next, for each connection.
const GROUP_PER_CONNECTION: usize = 4;

/// Most mails, for each connection, that have left but are not recorded yet: one on the wire, the group that is being
/// recorded and the one that waits. Only these can be sent again after a crash.
pub const IN_HAND_PER_CONNECTION: usize = 1 + 2 * GROUP_PER_CONNECTION;

/// Deliveries claimed per connection.
const CLAIM_PER_CONNECTION: usize = 100;

/// Whoever learns of a change by mail is to find it on the page: a changed page is rendered in less than this.
const HEAD_START: Duration = Duration::from_millis(100);

/// Why a reminder in hand did not leave.
const TOO_LATE: &str = "the start has passed";

/// A connection without work is closed after this.
const IDLE: Duration = Duration::from_secs(5);

/// Why a mail was not sent where no server is configured; the admin page shows the mail itself.
pub const NOT_CONFIGURED: &str = "no mail server is configured";

/// How mail leaves.
#[derive(Debug)]
pub struct CourierSettings {
    /// Where to; none keeps the mails for the admin to see.
    pub backend: Option<MailBackend>,
    /// The address in `From`.
    pub from: String,
    /// The name in `From`; the site's where none.
    pub from_name: Option<String>,
    /// Connections at the same time.
    pub connections: usize,
    /// Most mails in a second, over all connections of this process.
    pub rate_per_s: Option<u32>,
}

/// Who mails come from.
#[derive(Clone, Debug, Default)]
pub struct MailFrom {
    /// The address in `From`; empty where none is set.
    pub address: String,
    /// The name in `From`; the site's where none.
    pub name: Option<String>,
}

/// Whether mail is going out, for the admin's start page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailStatus {
    /// Why nothing is sent at the moment.
    pub problem: Option<String>,
    /// Since when.
    pub since: Option<Instant>,
    /// When it is tried again.
    pub next_try_at: Option<Instant>,
}

/// Sends what is in the outbox until it is told to stop.
#[derive(Debug)]
pub struct Courier {
    services: Services,
    settings: Arc<CourierSettings>,
    rate: Option<DefaultDirectRateLimiter>,
}

/// Whom a mail goes to, and so which of the two outboxes it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Addressee {
    Subscriber(SubscriberId),
    Person(UserId),
}

/// A delivery that this process holds.
#[derive(Clone, Debug)]
struct Held {
    notification: NotificationId,
    to: Addressee,
    attempts: i64,
}

impl Held {
    const fn place(&self) -> Place {
        (self.notification, self.to)
    }

    async fn finish(&self, tx: &mut Tx, now: Instant, done: &Done) -> Result<(), StoreError> {
        match self.to {
            Addressee::Subscriber(id) => tx.finish_delivery(self.notification, id, now, done).await,
            Addressee::Person(id) => tx.finish_team_delivery(self.notification, id, now, done).await,
        }
    }
}

impl From<Claimed> for Held {
    fn from(claimed: Claimed) -> Self {
        let to = Addressee::Subscriber(claimed.subscriber);
        Self { notification: claimed.notification, to, attempts: claimed.attempts }
    }
}

impl From<TeamClaimed> for Held {
    fn from(claimed: TeamClaimed) -> Self {
        let to = Addressee::Person(claimed.person);
        Self { notification: claimed.notification, to, attempts: claimed.attempts }
    }
}

/// What tells one delivery from all others.
type Place = (NotificationId, Addressee);

struct Job {
    claimed: Held,
    notification: Arc<Notification>,
    recipient: Recipient,
    sender: Arc<Sender>,
    /// From then on it is of no use: nobody is reminded of what has begun.
    useless_at: Option<Instant>,
}

/// What a connection reports of a job.
enum Report {
    Tried(Held, Outcome),
    /// Not tried: the queue is paused or the program stops.
    Back(Held),
    /// Not tried: it is of no use any more.
    Late(Held),
}

/// The relay's breaker: open after faults that are not the recipient's.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    closed_until: Option<tokio::time::Instant>,
}

impl Courier {
    /// On these services.
    #[must_use]
    pub fn new(services: Services, settings: CourierSettings) -> Self {
        // The pages that show mails write them with the same sender.
        services
            .mail_from
            .get_or_init(|| MailFrom { address: settings.from.clone(), name: settings.from_name.clone() });
        let rate = settings.rate_per_s.and_then(NonZeroU32::new);
        // One mail at a time: a burst would put more than the limit into one second.
        let rate = rate.map(|n| RateLimiter::direct(Quota::per_second(n).allow_burst(NonZeroU32::MIN)));
        Self { services, settings: Arc::new(settings), rate }
    }

    /// Works until cancelled; then finishes the mails in hand and gives back the rest.
    pub async fn run(self, cancel: CancellationToken) {
        let this = Arc::new(self);
        this.take_over().await;
        let connections = this.settings.connections.max(1);
        let (jobs, queue) = mpsc::channel::<Job>(connections * CLAIM_PER_CONNECTION);
        let queue = Arc::new(AsyncMutex::new(queue));
        let (reports, mut reported) = mpsc::channel::<Report>(connections * GROUP_PER_CONNECTION);
        let paused = Pause::default();
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                let (this, queue, reports) = (Arc::clone(&this), Arc::clone(&queue), reports.clone());
                let (paused, cancel) = (paused.clone(), cancel.clone());
                tokio::spawn(async move { this.connection(&queue, &reports, &paused, &cancel).await })
            })
            .collect();
        drop(reports);
        let mut held: BTreeSet<Place> = BTreeSet::new();
        let mut breaker = Breaker::default();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        // Nothing is claimed before this: the page goes first.
        let mut hold: Option<tokio::time::Instant> = None;
        while !cancel.is_cancelled() {
            let room = (connections * CLAIM_PER_CONNECTION).saturating_sub(held.len());
            if breaker.closed_until.is_some_and(|until| until <= tokio::time::Instant::now()) {
                breaker.closed_until = None;
                paused.open();
            }
            hold = hold.filter(|until| *until > tokio::time::Instant::now());
            if hold.is_none() && breaker.closed_until.is_none() && room * 2 >= connections * CLAIM_PER_CONNECTION {
                for job in this.claim(room).await {
                    held.insert(job.claimed.place());
                    if jobs.send(job).await.is_err() {
                        break;
                    }
                }
            }
            let rest = hold.unwrap_or_else(|| tokio::time::Instant::now() + Duration::from_secs(1));
            tokio::select! {
                // In this order: what has just been told waits, whatever else happens at the same moment.
                biased;
                () = cancel.cancelled() => {}
                () = this.services.outbox_filled.notified(), if hold.is_none() => {
                    hold = Some(tokio::time::Instant::now() + HEAD_START);
                }
                _ = heartbeat.tick() => this.renew(&held).await,
                Some(first) = reported.recv() => {
                    let group = collect(first, &mut reported, connections * GROUP_PER_CONNECTION).await;
                    this.record(group, &mut held, &mut breaker, &paused, &cancel).await;
                }
                () = tokio::time::sleep_until(rest) => {}
            }
        }
        drop(jobs);
        while let Some(first) = reported.recv().await {
            let group = collect(first, &mut reported, connections * GROUP_PER_CONNECTION).await;
            this.record(group, &mut held, &mut breaker, &paused, &CancellationToken::new()).await;
        }
        for worker in workers {
            let _ = worker.await;
        }
    }

    /// Ends the leases of a process that died, where there can be only one.
    async fn take_over(&self) {
        if self.services.db.is_postgres() {
            return;
        }
        let result = async {
            let mut tx = self.services.db.write().await?;
            let now = self.services.now();
            let ended = tx.end_leases(now).await? + tx.end_team_leases(now).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(ended)
        }
        .await;
        match result {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "took over deliveries of a process that stopped suddenly"),
            Err(error) => tracing::error!(%error, "leases could not be ended; they end by themselves"),
        }
    }

    async fn connection(
        &self,
        queue: &AsyncMutex<mpsc::Receiver<Job>>,
        reports: &mpsc::Sender<Report>,
        paused: &Pause,
        cancel: &CancellationToken,
    ) {
        let mut session: Option<MailSession> = None;
        loop {
            let next = tokio::time::timeout(IDLE, async { queue.lock().await.recv().await }).await;
            let job = match next {
                Ok(Some(job)) => job,
                Ok(None) => break,
                Err(_) => {
                    if let Some(mut idle) = session.take() {
                        idle.close().await;
                    }
                    continue;
                }
            };
            let report = if cancel.is_cancelled() || paused.is_shut() {
                Report::Back(job.claimed)
            } else if job.useless_at.is_some_and(|at| at <= self.services.now()) {
                Report::Late(job.claimed)
            } else {
                let outcome = self.send(&mut session, &job).await;
                if matches!(outcome, Outcome::Retry { spend_attempt: false, .. } | Outcome::PauseQueue { .. }) {
                    paused.shut();
                }
                Report::Tried(job.claimed, outcome)
            };
            if reports.send(report).await.is_err() {
                break;
            }
        }
        if let Some(mut open) = session {
            open.close().await;
        }
    }

    async fn send(&self, session: &mut Option<MailSession>, job: &Job) -> Outcome {
        let Some(backend) = &self.settings.backend else {
            return Outcome::Sent;
        };
        let mail = match self.services.mail(&job.sender, &job.notification, &job.recipient) {
            Ok(mail) => mail,
            Err(error) => {
                return Outcome::FailMessage { stage: outbound::smtp::Stage::Dot, code: None, text: error.to_string() };
            }
        };
        if let Some(rate) = &self.rate {
            rate.until_ready().await;
        }
        session.get_or_insert_with(|| backend.session()).send(&mail).await
    }

    async fn claim(&self, room: usize) -> Vec<Job> {
        match self.try_claim(room).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::warn!(%error, "the outbox can not be read; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                Vec::new()
            }
        }
    }

    async fn try_claim(&self, room: usize) -> Result<Vec<Job>, Error> {
        let now = self.services.now();
        // Most looks find nothing: those must not take the writer.
        let mut tx = self.services.db.read().await?;
        let is_due = |next: Option<Instant>| next.is_some_and(|next| next <= now);
        let (readers, team) = (is_due(tx.next_delivery_at().await?), is_due(tx.next_team_delivery_at().await?));
        drop(tx);
        if !(readers || team) {
            return Ok(Vec::new());
        }
        let mut tx = self.services.db.write().await?;
        // The team first: they are few, and among thousands of subscribers they would wait for long.
        let mut claimed: Vec<Held> = Vec::new();
        if team {
            let room = i64::try_from(room).unwrap_or(i64::MAX);
            claimed.extend(tx.claim_team_deliveries(now, LEASE.after(now), room).await?.into_iter().map(Held::from));
        }
        let room = room.saturating_sub(claimed.len());
        if readers && room > 0 {
            let room = i64::try_from(room).unwrap_or(i64::MAX);
            claimed.extend(tx.claim_deliveries(now, LEASE.after(now), room).await?.into_iter().map(Held::from));
        }
        let subscriber = |held: &Held| match held.to {
            Addressee::Subscriber(id) => Some(id),
            Addressee::Person(_) => None,
        };
        let ids: Vec<SubscriberId> = claimed.iter().filter_map(subscriber).collect();
        let recipients: BTreeMap<_, _> = tx.recipients(&ids).await?.into_iter().map(|r| (r.id, r)).collect();
        let people = if team { self.services.team_readers(&mut tx).await? } else { BTreeMap::new() };
        let mut notifications: BTreeMap<NotificationId, (Arc<Notification>, Use)> = BTreeMap::new();
        let mut jobs = Vec::with_capacity(claimed.len());
        let sender = match &self.settings.backend {
            Some(_) if !claimed.is_empty() => Some(Arc::new(self.services.sender().await?)),
            _ => None,
        };
        for claim in claimed {
            let (notification, of_use) = match notifications.get(&claim.notification) {
                Some(known) => known.clone(),
                None => {
                    let loaded = Arc::new(tx.notification(claim.notification).await?);
                    let of_use = of_use(&mut tx, &loaded, now).await?;
                    notifications.insert(claim.notification, (Arc::clone(&loaded), of_use));
                    (loaded, of_use)
                }
            };
            let (wanted, unwanted) = match claim.to {
                Addressee::Subscriber(id) => {
                    let wants =
                        recipients.get(&id).filter(|r| r.confirmed || (r.pending && notification.kind == CONFIRM));
                    (wants.map(|row| Recipient::from(row.clone())), "the subscriber left")
                }
                Addressee::Person(id) => (people.get(&id).cloned(), "the person does not want these mails"),
            };
            let dropped = match wanted {
                None => Some(unwanted),
                Some(_) if of_use.is_err() => of_use.err(),
                Some(_) if self.settings.backend.is_none() => Some(NOT_CONFIGURED),
                Some(_) => None,
            };
            if let Some(reason) = dropped {
                claim.finish(&mut tx, now, &Done::Dropped { reason: reason.to_owned() }).await?;
                continue;
            }
            if let (Some(recipient), Some(sender)) = (wanted, &sender) {
                jobs.push(Job {
                    recipient,
                    claimed: claim,
                    notification,
                    sender: Arc::clone(sender),
                    useless_at: of_use.ok().flatten(),
                });
            }
        }
        tx.commit().await?;
        Ok(jobs)
    }

    async fn record(
        &self,
        group: Vec<Report>,
        held: &mut BTreeSet<Place>,
        breaker: &mut Breaker,
        paused: &Pause,
        cancel: &CancellationToken,
    ) {
        let now = self.services.now();
        let mut done = Vec::with_capacity(group.len());
        let mut gone = Vec::new();
        for report in group {
            let (claimed, what) = match report {
                Report::Back(claimed) => (claimed, back(now)),
                Report::Late(claimed) => (claimed, Done::Dropped { reason: TOO_LATE.to_owned() }),
                Report::Tried(claimed, outcome) => {
                    self.mind(&outcome, breaker, paused);
                    if let (Outcome::FailRecipient { suppress: true, .. }, Addressee::Subscriber(id)) =
                        (&outcome, claimed.to)
                    {
                        gone.push(id);
                    }
                    let what = becomes(&claimed, outcome, now);
                    (claimed, what)
                }
            };
            held.remove(&claimed.place());
            done.push((claimed, what));
        }
        // What was sent must be recorded, or it would be sent again.
        while let Err(error) = self.try_record(&done, &gone, now).await {
            tracing::warn!(%error, "outcomes can not be recorded; trying again");
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
        }
    }

    async fn try_record(&self, done: &[(Held, Done)], gone: &[SubscriberId], now: Instant) -> Result<(), Error> {
        let mut tx = self.services.db.write().await?;
        for (claimed, what) in done {
            claimed.finish(&mut tx, now, what).await?;
        }
        for id in gone {
            let before = match tx.subscriber(*id).await {
                Ok(before) => before,
                // Forgotten while its mail was in hand.
                Err(StoreError::NotFound(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            if before.state != SubscriberState::Confirmed {
                continue;
            }
            let was = Line::of(&before);
            let bounced = Subscriber { state: SubscriberState::Bounced, ..before };
            tx.update_subscriber(&bounced, Some(now)).await?;
            let was = was.losing(tx.delete_webhooks_of(*id).await?);
            let name = masked(&bounced.email);
            let action = Action { verb: "subscriber.bounce", object: "subscriber", id: id.to_string(), name };
            let line = self.services.audit(&Actor::system(), action, Some(&was), Some(&Line::of(&bounced)));
            tx.add_audit(&line).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Opens and closes the breaker and says so to the admin.
    fn mind(&self, outcome: &Outcome, breaker: &mut Breaker, paused: &Pause) {
        let wait = match outcome {
            Outcome::Sent => {
                if breaker.failures > 0 || breaker.closed_until.is_some() {
                    *breaker = Breaker::default();
                    paused.open();
                }
                self.services.set_mail_status(MailStatus::default());
                return;
            }
            Outcome::Retry { spend_attempt: false, .. } if breaker.closed_until.is_none() => {
                breaker.failures = breaker.failures.saturating_add(1);
                breaker_delay(breaker.failures, f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0)
            }
            Outcome::PauseQueue { .. } if breaker.closed_until.is_none() => {
                breaker.failures = breaker.failures.saturating_add(1);
                breaker_delay(u32::MAX, 0.0)
            }
            _ => return,
        };
        let (Outcome::Retry { text, .. } | Outcome::PauseQueue { text, .. }) = outcome else { return };
        breaker.closed_until = Some(tokio::time::Instant::now() + wait);
        paused.shut();
        let now = self.services.now();
        tracing::warn!(wait_s = wait.as_secs(), problem = %text, "mail is not going out");
        let since = self.services.mail_status().since.unwrap_or(now);
        let wait = Span::seconds(i64::try_from(wait.as_secs()).unwrap_or_default());
        self.services.set_mail_status(MailStatus {
            problem: Some(text.clone()),
            since: Some(since),
            next_try_at: Some(wait.after(now)),
        });
    }

    async fn renew(&self, held: &BTreeSet<Place>) {
        if held.is_empty() {
            return;
        }
        let (mut readers, mut team) = (Vec::new(), Vec::new());
        for (notification, to) in held {
            match to {
                Addressee::Subscriber(id) => readers.push((*notification, *id)),
                Addressee::Person(id) => team.push((*notification, *id)),
            }
        }
        let until = LEASE.after(self.services.now());
        let result = async {
            let mut tx = self.services.db.write().await?;
            tx.extend_leases(&readers, until).await?;
            tx.extend_team_leases(&team, until).await?;
            tx.commit().await
        }
        .await;
        if let Err(error) = result {
            tracing::warn!(%error, "leases could not be renewed");
        }
    }
}

/// Until when a mail is of use (none: for ever), or why it is not any more.
pub(crate) type Use = Result<Option<Instant>, &'static str>;

/// A reminder is of use until the start it speaks of, while that is still the start.
pub(crate) async fn of_use(tx: &mut Tx, notification: &Notification, now: Instant) -> Result<Use, Error> {
    if notification.kind != REMINDER {
        return Ok(Ok(None));
    }
    let told = Told::of(notification).map_err(|e| Error::internal(&e))?;
    let starts_at = told.maintenance.planned.starts_at;
    let m = tx.maintenance(told.maintenance.id).await?;
    Ok(match outdated_reminder(&m, starts_at, now) {
        Some(why) => Err(why),
        None => Ok(Some(starts_at)),
    })
}

/// Gives a delivery back untried.
fn back(now: Instant) -> Done {
    Done::Retry { due_at: now, error: "not tried yet".to_owned(), attempt: false, ambiguous: false }
}

/// What is recorded for an outcome (STANDARDS §2.2).
fn becomes(claimed: &Held, outcome: Outcome, now: Instant) -> Done {
    match outcome {
        Outcome::Sent => Done::Sent,
        Outcome::Retry { text, spend_attempt: false, .. } | Outcome::PauseQueue { text, .. } => {
            Done::Retry { due_at: now, error: text, attempt: false, ambiguous: false }
        }
        Outcome::Retry { text, .. } => {
            let attempt = u32::try_from(claimed.attempts).unwrap_or(u32::MAX).saturating_add(1);
            match next_retry(attempt, now) {
                Some(due_at) => Done::Retry { due_at, error: text, attempt: true, ambiguous: false },
                None => Done::Failed { error: text },
            }
        }
        Outcome::Ambiguous { text } if claimed.attempts == 0 => {
            Done::Retry { due_at: Span::minutes(1).after(now), error: text, attempt: true, ambiguous: true }
        }
        Outcome::Ambiguous { text } => Done::Failed { error: format!("it may have arrived: {text}") },
        Outcome::FailRecipient { text, .. } | Outcome::FailMessage { text, .. } => Done::Failed { error: text },
    }
}

/// More outcomes that arrive within a moment.
async fn collect(first: Report, reported: &mut mpsc::Receiver<Report>, most: usize) -> Vec<Report> {
    let mut group = vec![first];
    let until = tokio::time::Instant::now() + GROUP;
    while group.len() < most {
        match tokio::time::timeout_at(until, reported.recv()).await {
            Ok(Some(report)) => group.push(report),
            _ => break,
        }
    }
    group
}

/// Shut while the relay rests, so that connections give their jobs back instead of trying.
#[derive(Clone, Debug, Default)]
struct Pause(Arc<std::sync::atomic::AtomicBool>);

impl Pause {
    fn shut(&self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    fn open(&self) {
        self.0.store(false, std::sync::atomic::Ordering::SeqCst);
    }

    fn is_shut(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Services {
    /// Whether mail is going out.
    #[must_use]
    pub fn mail_status(&self) -> MailStatus {
        self.mail_status_cell().lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_mail_status(&self, status: MailStatus) {
        *self.mail_status_cell().lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    fn mail_status_cell(&self) -> &Mutex<MailStatus> {
        &self.mail_status
    }

    /// What a mail of this site is sent with. Where no sender is set, mails are shown with one made from the public
    /// address.
    ///
    /// # Errors
    /// The database does not answer, or a configured value would break a header.
    pub async fn sender(&self) -> Result<Sender, Error> {
        let site = self.site().await?;
        let MailFrom { address, name } = self.mail_from.get().cloned().unwrap_or_default();
        let host = self.public_url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
        let host = host.filter(|host| !host.is_empty() && !host.starts_with('[')).unwrap_or("localhost");
        let from = match parse_address(&address) {
            Err(AddressError::Empty) => parse_address(&format!("status@{host}"))
                .or_else(|_| parse_address("status@localhost"))
                .map_err(|e| Error::internal(&e))?,
            parsed => parsed.map_err(|e| Error::internal(&e))?,
        };
        let invalid = |e: MailError| Error::internal(&e);
        let site_name = site.name.as_str();
        let name = name.as_deref().unwrap_or(site_name);
        let letterhead = Letterhead::new(site_name, name, from, host, "en").map_err(invalid)?;
        Ok(Sender { letterhead, site })
    }
}
