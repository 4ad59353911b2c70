//! From the subscribe form to the mailbox, with a real database and a mail server in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod telling {
    mod incidents;
    mod previews;
    mod reminders;
    mod templates;
    mod webhooks;
    mod webhooks_own;
}

use chrono::{DateTime, Utc};
use domain::maintenance::Maintenance;
use domain::people::Scope;
use domain::subscriber::{DeliveryState, NotAgain, Subscriber, SubscriberState};
use domain::text::Name;
use domain::time::Span;
use outbound::mail::Mail;
use outbound::smtp::{MailBackend, MemoryOutbox, Outcome, Stage};
use secrecy::ExposeSecret;
use service::audit::AuditFilter;
use service::courier::{Courier, CourierSettings, NOT_CONFIGURED};
use service::deliveries::{About, DeliveriesQuery, Delivery, Standing, Stuck};
use service::inventory::HostInput;
use service::keys::Keys;
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::subscribers::{Subscribe, SubscribersQuery};
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::sync::Arc;
use std::time::Duration;
use storage::Db;
use storage::outbox::DeliveryFilter;
use storage::testing::{Engine, TestDb};
use tokio_util::sync::CancellationToken;

struct Story {
    services: Services,
    outbox: MemoryOutbox,
    db: TestDb,
}

fn noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

impl Story {
    async fn begin(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = services_on(&db);
        services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        Self { services, outbox: MemoryOutbox::new(), db }
    }

    fn courier(&self, backend: Option<MailBackend>) -> Courier {
        let from = if backend.is_some() { "status@example.org" } else { "" };
        let settings =
            CourierSettings { backend, from: from.to_owned(), from_name: None, connections: 2, rate_per_s: None };
        Courier::new(self.services.clone(), settings)
    }

    /// Runs a courier until nothing is due.
    async fn deliver(&self) -> Vec<Mail> {
        self.deliver_with(Some(MailBackend::Memory(self.outbox.clone()))).await
    }

    async fn deliver_with(&self, backend: Option<MailBackend>) -> Vec<Mail> {
        let cancel = CancellationToken::new();
        let running = tokio::spawn(self.courier(backend).run(cancel.clone()));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let mut tx = self.db.db.read().await.unwrap();
            let waiting = tx.deliveries_before(None, DeliveryFilter::Waiting, 1000).await.unwrap();
            let now = self.services.now();
            // What is in hand is waited for: a courier that is told to stop gives back what it has not begun.
            if waiting.iter().all(|line| line.state == DeliveryState::Queued && line.due_at > now) {
                break;
            }
            drop(tx);
            if self.services.mail_status().problem.is_some() {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "the outbox does not empty");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        cancel.cancel();
        running.await.unwrap();
        self.outbox.take()
    }

    async fn schedule(&self) -> Maintenance {
        let input = self.plan("2014-05-15T20:00", "2014-05-15T22:00").await;
        self.scheduled(Target::New, &input).await
    }

    /// Work on a host that needs no backup, so that it can be told.
    async fn plan(&self, start: &str, end: &str) -> MaintenanceInput {
        let system = Actor::system();
        let host = HostInput { name: "vm3".to_owned(), ..HostInput::default() };
        let host = self.services.add_host(&system, host).await.unwrap();
        self.services.exempt_host(&system, host.id, host.version, "a spare").await.unwrap();
        MaintenanceInput {
            title: Some("Replace a failed disk".to_owned()),
            message: Some("Sites are away for ten minutes.".to_owned()),
            hosts: Some(vec![host.id.to_string()]),
            zone: Some("Europe/Dublin".to_owned()),
            start: Some(start.to_owned()),
            end: Some(end.to_owned()),
            ..MaintenanceInput::default()
        }
    }

    async fn scheduled(&self, target: Target, input: &MaintenanceInput) -> Maintenance {
        match self.services.schedule_maintenance(&Actor::system(), target, input).await.unwrap() {
            Planning::Scheduled(m) => m,
            other => panic!("{other:?}"),
        }
    }

    /// Somebody who confirmed; the mail that asked is delivered.
    async fn reader(&self, email: &str) -> Subscriber {
        self.subscribe(email).await;
        let mails = self.deliver().await;
        self.services.confirm(None, &confirm_link(&mails[0])).await.unwrap().subscriber
    }

    /// One who may do what the scope says.
    async fn actor(&self, scope: Scope) -> Actor {
        let new = NewToken { name: "x".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&Actor::system(), &new).await.unwrap();
        self.services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
    }

    async fn newest(&self, actor: &Actor) -> Delivery {
        self.services.deliveries(actor, &DeliveriesQuery::default()).await.unwrap().items.remove(0)
    }

    async fn subscribe(&self, email: &str) {
        let ask = Subscribe { email: email.to_owned(), ..Subscribe::default() };
        self.services.subscribe(None, ask).await.unwrap();
    }
}

fn services_on(db: &TestDb) -> Services {
    services_with(db, true)
}

fn services_with(db: &TestDb, mail_configured: bool) -> Services {
    services_at(&db.db, mail_configured)
}

/// What another process on the same database has.
fn services_of(db: &Db) -> Services {
    services_at(db, true)
}

fn services_at(db: &Db, mail_configured: bool) -> Services {
    Services::new(Setup {
        db: db.clone(),
        clock: Clock::fixed(noon()),
        keys: Keys::new(vec![3; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured,
    })
}

/// The plain text of a mail whose parts are base64 or quoted-printable.
fn confirm_link(mail: &Mail) -> String {
    let raw = String::from_utf8(mail.raw.clone()).unwrap().replace("=\r\n", "").replace("=3D", "=");
    let start =
        raw.find("/subscribe/confirm/").unwrap_or_else(|| panic!("no link in {raw}")) + "/subscribe/confirm/".len();
    raw[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

async fn an_address_is_told_only_after_it_confirmed(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscribe("Ann@Example.net").await;
    let mails = story.deliver().await;
    assert_eq!(mails.len(), 1);
    let link = confirm_link(&mails[0]);
    let seen = story.services.confirmation(&link).await.unwrap();
    assert_eq!(seen.subscriber.state, SubscriberState::Pending, "looking confirms nothing");
    let confirmed = story.services.confirm(None, &link).await.unwrap();
    assert_eq!(confirmed.subscriber.state, SubscriberState::Confirmed);
    assert_eq!(story.services.confirm(None, &link).await.unwrap(), confirmed, "a second click says the same");
    let left = story.services.unsubscribe(None, &confirmed.manage_link).await.unwrap();
    assert_eq!(left.subscriber.state, SubscriberState::Unsubscribed);
    story.services.unsubscribe(None, &confirmed.manage_link).await.unwrap();
    assert!(matches!(story.services.unsubscribe(None, &link).await, Err(Error::NotFound(_))), "one link, one purpose");
    assert!(matches!(story.services.confirm(None, "AAAA").await, Err(Error::NotFound(_))));
}

async fn a_confirmation_link_ends_after_two_days(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscribe("ann@example.net").await;
    let link = confirm_link(&story.deliver().await[0]);
    story.services.clock.set(Span::hours(48).after(noon()));
    assert!(matches!(story.services.confirm(None, &link).await, Err(Error::Refused { code: "link_expired", .. })));
    story.services.clock.set(Span::days(8).after(noon()));
    assert_eq!(story.services.purge_pending().await.unwrap(), 1);
}

async fn one_address_causes_at_most_one_mail_in_ten_minutes(engine: Engine) {
    let story = Story::begin(engine).await;
    for _ in 0..50 {
        story.subscribe("ann@example.net").await;
    }
    assert_eq!(story.deliver().await.len(), 1);
}

async fn one_client_causes_at_most_five_mails(engine: Engine) {
    let story = Story::begin(engine).await;
    let ip = "2001:db8::1".parse().ok();
    let neighbour = "2001:db8::2".parse().ok();
    for n in 0..100 {
        let ask = Subscribe { email: format!("a{n}@example.net"), ..Subscribe::default() };
        story.services.subscribe(if n % 2 == 0 { ip } else { neighbour }, ask).await.unwrap();
    }
    assert_eq!(story.deliver().await.len(), 5);
}

async fn an_address_that_would_break_a_header_is_refused(engine: Engine) {
    let story = Story::begin(engine).await;
    for email in ["a@b.c\r\nBcc: x@y.z", "", "no at sign", "ü@example.net"] {
        let ask = Subscribe { email: email.to_owned(), ..Subscribe::default() };
        assert!(matches!(story.services.subscribe(None, ask).await, Err(Error::Invalid(_))), "{email:?}");
    }
}

async fn a_mail_that_was_refused_for_now_is_sent_later(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscribe("ann@example.net").await;
    let busy =
        Outcome::Retry { stage: Stage::Rcpt, code: Some(450), text: "450 try later".to_owned(), spend_attempt: true };
    story.outbox.answer_next(busy);
    assert_eq!(story.deliver().await.len(), 0);
    let state = story.db.db.read().await.unwrap().outbox_state().await.unwrap();
    assert_eq!((state.waiting, state.last_error.as_deref()), (1, Some("450 try later")));
    story.services.clock.set(Span::minutes(1).after(noon()));
    assert_eq!(story.deliver().await.len(), 1);
}

async fn a_relay_that_refuses_us_stops_the_queue_and_marks_nobody(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscribe("ann@example.net").await;
    story.subscribe("bob@example.net").await;
    for _ in 0..2 {
        story.outbox.answer_next(Outcome::PauseQueue {
            stage: Stage::Mail,
            code: Some(535),
            text: "535 wrong password".to_owned(),
        });
    }
    story.deliver().await;
    assert_eq!(story.services.mail_status().problem.as_deref(), Some("535 wrong password"));
    let state = story.db.db.read().await.unwrap().outbox_state().await.unwrap();
    assert_eq!((state.waiting, state.failed), (2, 0));
}

async fn without_a_mail_server_mails_are_kept_for_the_admin(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscribe("ann@example.net").await;
    story.deliver_with(None).await;
    let mut tx = story.db.db.read().await.unwrap();
    let lines = tx.deliveries_before(None, DeliveryFilter::Dropped, 9).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].last_error.as_deref(), Some(NOT_CONFIGURED));
}

async fn each_mail_is_shown_as_its_reader_gets_it(engine: Engine) {
    let story = Story::begin(engine).await;
    let admin = Actor::system();
    story.reader("ann@example.net").await;
    story.schedule().await;
    let line = story.newest(&admin).await;
    assert_eq!(line.standing, Standing::Waits);
    let waits = story.services.mail_to(&admin, line.notification, line.subscriber).await.unwrap();
    let sent = story.deliver().await.remove(0);
    let view = story.services.mail_to(&admin, line.notification, line.subscriber).await.unwrap();
    let letter = view.letter.unwrap();
    assert_eq!(view.delivery.standing, Standing::Sent);
    assert_eq!(letter.raw, sent.raw, "the very bytes that were sent");
    assert_eq!(waits.letter.unwrap(), letter);
    assert_eq!(letter.message_id, sent.message_id);
    assert_eq!((letter.from.as_str(), letter.to.as_str()), ("Northwind <status@example.org>", "ann@example.net"));
    assert_eq!(letter.subject, "[Northwind] Replace a failed disk (M-1)");
    assert_eq!(letter.attachments, ["maintenance.ics"]);
    assert!(letter.text.contains("Sites are away for ten minutes."), "{}", letter.text);
}

async fn without_a_mail_server_a_mail_can_still_be_read(engine: Engine) {
    let mut story = Story::begin(engine).await;
    story.services = services_with(&story.db, false);
    let admin = Actor::system();
    story.subscribe("ann@example.net").await;
    story.deliver_with(None).await;
    let line = story.newest(&admin).await;
    assert_eq!((line.standing, line.about), (Standing::LackedServer, About::Confirmation));
    let view = story.services.mail_to(&admin, line.notification, line.subscriber).await.unwrap();
    assert_eq!(view.again, Err(NotAgain::NoServer));
    let letter = view.letter.unwrap();
    assert_eq!(letter.from, "Northwind <status@status.example.org>", "a sender is made up where none is set");
    let link = letter.text.split("/subscribe/confirm/").nth(1).unwrap().split_whitespace().next().unwrap();
    let confirmed = story.services.confirm(None, link).await.unwrap();
    assert_eq!(confirmed.subscriber.state, SubscriberState::Confirmed);
    let needs = story.services.mail_needs(&admin).await.unwrap();
    assert_eq!((needs.unreached, needs.stuck), (1, Stuck::default()));
}

async fn who_may_not_administer_sees_no_address(engine: Engine) {
    let story = Story::begin(engine).await;
    let (viewer, admin) = (story.actor(Scope::Read).await, story.actor(Scope::Admin).await);
    let ann = story.reader("Ann@example.net").await;
    story.schedule().await;
    let text = "550 5.7.1 <ann@example.net>: not wanted".to_owned();
    story.outbox.answer_next(Outcome::FailMessage { stage: Stage::Rcpt, code: Some(550), text });
    story.deliver().await;

    let all = SubscribersQuery::default();
    let seen = async |actor: &Actor| {
        let list = story.services.subscribers(actor, &all).await.unwrap();
        let one = story.services.subscriber(actor, ann.id).await.unwrap();
        assert_eq!((list.counts.confirmed, &list.page.items[0]), (1, &one));
        let mail = story.newest(actor).await;
        assert_eq!(story.services.deliveries_to(actor, ann.id).await.unwrap()[0], mail);
        (one.address, mail.address, mail.error.unwrap())
    };
    let (one, mail, error) = seen(&admin).await;
    assert_eq!((one.as_str(), mail.as_str()), ("Ann@example.net", "Ann@example.net"));
    assert_eq!(error, "550 5.7.1 <ann@example.net>: not wanted");
    let (one, mail, error) = seen(&viewer).await;
    assert_eq!((one.as_str(), mail.as_str()), ("A***@example.net", "A***@example.net"));
    assert_eq!(error, "550 5.7.1 <a***@example.net>: not wanted");

    let search = SubscribersQuery { part: "ann".to_owned(), ..SubscribersQuery::default() };
    assert_eq!(story.services.subscribers(&admin, &search).await.unwrap().page.items.len(), 1);
    assert!(matches!(story.services.subscribers(&viewer, &search).await, Err(Error::Forbidden(_))));
    let line = story.newest(&viewer).await;
    let (told, to) = (line.notification, line.subscriber);
    assert!(matches!(story.services.mail_to(&viewer, told, to).await, Err(Error::Forbidden(_))));
    assert!(matches!(story.services.send_again(&viewer, told, to).await, Err(Error::Forbidden(_))));
    assert!(matches!(story.services.forget_subscriber(&viewer, to).await, Err(Error::Forbidden(_))));
    let wrong = SubscribersQuery { state: "gone".to_owned(), cursor: "x".to_owned(), ..SubscribersQuery::default() };
    assert!(matches!(story.services.subscribers(&viewer, &wrong).await, Err(Error::Invalid(e)) if e.len() == 2));
    let wrong = DeliveriesQuery { state: "gone".to_owned(), cursor: "x".to_owned() };
    assert!(matches!(story.services.deliveries(&viewer, &wrong).await, Err(Error::Invalid(e)) if e.len() == 2));
    for refused in [
        story.services.mail_standing(&Actor::public(None)).await.err(),
        story.services.subscriber(&Actor::public(None), ann.id).await.err(),
        story.services.deliveries_to(&Actor::public(None), ann.id).await.err(),
    ] {
        assert!(matches!(refused, Some(Error::SignInNeeded)));
    }
}

async fn a_mail_that_failed_is_sent_again_under_the_same_message_id(engine: Engine) {
    let story = Story::begin(engine).await;
    let admin = story.actor(Scope::Admin).await;
    story.reader("ann@example.net").await;
    let m = story.schedule().await;
    let text = "554 5.7.1 not wanted: ann@example.net".to_owned();
    story.outbox.answer_next(Outcome::FailMessage { stage: Stage::Dot, code: Some(554), text });
    story.deliver().await;
    let line = story.newest(&admin).await;
    let (told, to) = (line.notification, line.subscriber);
    assert_eq!(line.standing, Standing::Failed);
    assert_eq!(story.services.stuck_mails(&admin).await.unwrap(), Stuck { late: 0, failed: 1 });
    story.services.send_again(&admin, told, to).await.unwrap();
    let twice = story.services.send_again(&admin, told, to).await;
    assert!(matches!(twice, Err(Error::Refused { code: "not_again", .. })), "it waits now");
    let mails = story.deliver().await;
    let view = story.services.mail_to(&admin, told, to).await.unwrap();
    assert_eq!(mails.iter().map(|mail| &mail.message_id).collect::<Vec<_>>(), [&view.letter.unwrap().message_id]);
    assert_eq!((view.delivery.standing, view.again), (Standing::Sent, Err(NotAgain::Sent)));
    assert_eq!(story.services.stuck_mails(&admin).await.unwrap(), Stuck::default());

    let filter = AuditFilter { object: "mail".to_owned(), ..AuditFilter::default() };
    let log = story.services.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].action.as_str(), log[0].object_name.as_str()), ("mail.send_again", "a***@example.net"));
    assert!(!format!("{:?}", log[0]).contains("ann@"), "the log outlives the subscriber: {:?}", log[0]);

    // A newer story stands against the older one.
    let text = "554 5.7.1 not wanted".to_owned();
    story.services.post_update(&Actor::system(), m.id, None, "First").await.unwrap();
    story.outbox.answer_next(Outcome::FailMessage { stage: Stage::Dot, code: Some(554), text });
    story.deliver().await;
    let first = story.newest(&admin).await;
    story.services.post_update(&Actor::system(), m.id, None, "Second").await.unwrap();
    let view = story.services.mail_to(&admin, first.notification, to).await.unwrap();
    assert_eq!(view.again, Err(NotAgain::Superseded));
    assert!(story.services.send_again(&admin, first.notification, to).await.is_err());
}

async fn what_lacked_a_mail_server_goes_once_there_is_one(engine: Engine) {
    let story = Story::begin(engine).await;
    let admin = Actor::system();
    story.subscribe("ann@example.net").await;
    story.deliver_with(None).await;
    let line = story.newest(&admin).await;
    story.services.send_again(&admin, line.notification, line.subscriber).await.unwrap();
    assert_eq!(story.deliver().await.len(), 1);
    let line = story.newest(&admin).await;
    assert_eq!((line.standing, line.error), (Standing::Sent, None));

    story.subscribe("bob@example.net").await;
    story.deliver_with(None).await;
    story.services.clock.set(Span::hours(48).after(noon()));
    let line = story.newest(&admin).await;
    let view = story.services.mail_to(&admin, line.notification, line.subscriber).await.unwrap();
    assert_eq!(view.again, Err(NotAgain::LinkEnded));
}

async fn a_mail_that_waits_for_long_is_counted(engine: Engine) {
    let story = Story::begin(engine).await;
    let viewer = story.actor(Scope::Read).await;
    story.subscribe("ann@example.net").await;
    assert_eq!(story.services.stuck_mails(&viewer).await.unwrap(), Stuck::default());
    story.services.clock.set(Span::minutes(61).after(noon()));
    assert_eq!(story.services.stuck_mails(&viewer).await.unwrap(), Stuck { late: 1, failed: 0 });
}

async fn who_is_forgotten_leaves_no_address_behind(engine: Engine) {
    let story = Story::begin(engine).await;
    let ann = story.reader("ann.forgotten@example.net").await;
    story.schedule().await;
    let text = "550 5.1.1 <ann.forgotten@example.net> is unknown".to_owned();
    story.outbox.answer_next(Outcome::FailRecipient { suppress: true, code: 550, text });
    story.deliver().await;
    story.services.forget_subscriber(&Actor::system(), ann.id).await.unwrap();
    assert!(matches!(story.services.subscriber(&Actor::system(), ann.id).await, Err(Error::NotFound(_))));
    let left = story.services.deliveries_to(&Actor::system(), ann.id).await.unwrap();
    assert!(left.is_empty());
    let log = story.services.audit_log(&Actor::system(), &AuditFilter::default()).await.unwrap().entries;
    assert!(log.iter().any(|entry| entry.action == "subscriber.forget"));
    assert!(!format!("{log:?}").contains("ann.forgotten"), "{log:?}");
}

async fn a_page_of_mails_goes_on_where_the_one_before_ended(engine: Engine) {
    let story = Story::begin(engine).await;
    let viewer = story.actor(Scope::Read).await;
    for n in 0..51 {
        story.subscribe(&format!("reader{n}@example.net")).await;
    }
    let first = story.services.deliveries(&viewer, &DeliveriesQuery::default()).await.unwrap();
    let cursor = first.next_cursor.unwrap();
    let second = story.services.deliveries(&viewer, &DeliveriesQuery { cursor, ..Default::default() }).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (50, 1, None));
    assert!(!first.items.contains(&second.items[0]));
    let waiting = DeliveriesQuery { state: "waiting".to_owned(), ..Default::default() };
    assert_eq!(story.services.deliveries(&viewer, &waiting).await.unwrap().items.len(), 50);

    let all = SubscribersQuery::default();
    let first = story.services.subscribers(&viewer, &all).await.unwrap().page;
    let cursor = first.next_cursor.unwrap();
    let rest = story.services.subscribers(&viewer, &SubscribersQuery { cursor, ..all }).await.unwrap().page;
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (50, 1, None));
}

storage::on_both!(
    an_address_is_told_only_after_it_confirmed,
    a_confirmation_link_ends_after_two_days,
    one_address_causes_at_most_one_mail_in_ten_minutes,
    one_client_causes_at_most_five_mails,
    an_address_that_would_break_a_header_is_refused,
    a_mail_that_was_refused_for_now_is_sent_later,
    a_relay_that_refuses_us_stops_the_queue_and_marks_nobody,
    without_a_mail_server_mails_are_kept_for_the_admin,
    each_mail_is_shown_as_its_reader_gets_it,
    without_a_mail_server_a_mail_can_still_be_read,
    who_may_not_administer_sees_no_address,
    a_mail_that_failed_is_sent_again_under_the_same_message_id,
    what_lacked_a_mail_server_goes_once_there_is_one,
    a_mail_that_waits_for_long_is_counted,
    who_is_forgotten_leaves_no_address_behind,
    a_page_of_mails_goes_on_where_the_one_before_ended,
);
