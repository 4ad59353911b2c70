//! From the subscribe form to the mailbox, with a real database and a mail server in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::subscriber::SubscriberState;
use domain::text::Name;
use domain::time::Span;
use outbound::mail::Mail;
use outbound::smtp::{MailBackend, MemoryOutbox, Outcome, Stage};
use service::courier::{Courier, CourierSettings, NOT_CONFIGURED};
use service::keys::Keys;
use service::subscribers::Subscribe;
use service::zones::SystemZones;
use service::{Clock, Error, Services, Setup};
use std::sync::Arc;
use std::time::Duration;
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
        let settings = CourierSettings {
            backend,
            from: "status@example.org".to_owned(),
            from_name: None,
            connections: 2,
            rate_per_s: None,
        };
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
            let next = self.db.db.read().await.unwrap().next_delivery_at().await.unwrap();
            if next.is_none_or(|next| next > self.services.now()) {
                break;
            }
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

    async fn subscribe(&self, email: &str) {
        let ask = Subscribe { email: email.to_owned(), ..Subscribe::default() };
        self.services.subscribe(None, ask).await.unwrap();
    }
}

fn services_on(db: &TestDb) -> Services {
    Services::new(Setup {
        db: db.db.clone(),
        clock: Clock::fixed(noon()),
        keys: Keys::new(vec![3; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: true,
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
    let lines = story.db.db.read().await.unwrap().newest_deliveries(Some("dropped"), 9).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].last_error.as_deref(), Some(NOT_CONFIGURED));
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
);
