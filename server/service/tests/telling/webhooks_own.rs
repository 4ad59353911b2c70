//! Webhooks of those who subscribed, from the test call that lets them in to their end with the subscription; and what
//! the calls of all webhooks say.

use crate::{Story, noon};
use domain::component::ComponentState;
use domain::ids::{UserId, WebhookId};
use domain::incident::{Incident, IncidentState};
use domain::people::{Role, Scope, User};
use domain::subscriber::{Subscriber, SubscriberState};
use domain::text::Name;
use domain::time::Span;
use outbound::smtp::Outcome;
use outbound::trigger::{
    FiredTrigger, MemoryTriggers, TriggerBackend, TriggerClient, TriggerError, TriggerSettings, signature,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use service::announcements::AnnouncementInput;
use service::audit::AuditFilter;
use service::deliveries::Standing;
use service::keys::Purpose;
use service::maintenance::{MaintenanceInput, Target};
use service::webhooks::{Caller, WebhookInput};
use service::{Actor, Error};
use std::time::Duration;
use storage::testing::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

impl Story {
    /// All calls end up in memory: those of the site, and those of subscribers.
    async fn overheard(engine: Engine) -> (Self, MemoryTriggers, MemoryTriggers) {
        let story = Self::begin(engine).await;
        let (site, own) = (MemoryTriggers::new(), MemoryTriggers::new());
        story.services.use_triggers(TriggerBackend::Memory(site.clone()));
        story.services.use_public_calls(TriggerBackend::Memory(own.clone()));
        (story, site, own)
    }

    async fn site_hook(&self, input: WebhookInput) -> WebhookId {
        let input =
            WebhookInput { name: "Team chat".to_owned(), url: "https://hooks.example.net/a".to_owned(), ..input };
        self.services.add_webhook(&Actor::system(), &input).await.unwrap().webhook.id
    }

    fn link_of(&self, reader: &Subscriber) -> String {
        self.services.keys.link(Purpose::Manage, reader.id.0, reader.token_version)
    }

    /// Runs a caller until nothing is left that it could call now.
    async fn call_out(&self) {
        let cancel = CancellationToken::new();
        let running = tokio::spawn(Caller::new(self.services.clone()).run(cancel.clone()));
        for calm in 0..3 {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
            while self.is_busy().await {
                assert!(tokio::time::Instant::now() < deadline, "calls are left");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_millis(10 * calm)).await;
        }
        cancel.cancel();
        running.await.unwrap();
    }

    async fn is_busy(&self) -> bool {
        let system = Actor::system();
        for line in self.services.webhooks(&system).await.unwrap() {
            let is_called = line.webhook.state == domain::webhook::WebhookState::Active;
            for call in self.services.webhook_calls(&system, line.webhook.id).await.unwrap() {
                let is_due = call.due_at <= self.services.now() && is_called;
                if call.standing == Standing::InHand
                    || (is_due && matches!(call.standing, Standing::Waits | Standing::TriesAgain))
                {
                    return true;
                }
            }
        }
        false
    }

    async fn standings(&self, id: WebhookId) -> Vec<Standing> {
        let calls = self.services.webhook_calls(&Actor::system(), id).await.unwrap();
        calls.into_iter().map(|call| call.standing).collect()
    }

    /// What the log says, newest first.
    async fn log(&self, object: &str) -> Vec<(String, String)> {
        let filter = AuditFilter { object: object.to_owned(), ..AuditFilter::default() };
        let entries = self.services.audit_log(&Actor::system(), &filter).await.unwrap().entries;
        entries.into_iter().map(|entry| (entry.action.clone(), format!("{entry:?}"))).collect()
    }

    /// One with two webhooks.
    async fn listener(&self, email: &str) -> (Subscriber, String) {
        let reader = self.reader(email).await;
        let link = self.link_of(&reader);
        for url in ["https://ann.example.net/one?token=SECRET", "https://ann.example.net/two"] {
            self.services.add_own_webhook(None, &link, url).await.unwrap();
        }
        (reader, link)
    }

    async fn person(&self, name: &str, role: Role) -> Actor {
        let id: UserId = self.services.new_id();
        let user = User {
            id,
            email: format!("{}@example.org", id.0.simple()),
            name: Name::parse(name).unwrap(),
            role,
            disabled_at: None,
            has_password: false,
            signed_in_at: None,
            version: 1,
        };
        let mut tx = self.services.db.decide().await.unwrap();
        tx.add_user(&user, "", self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.services.actor_for_session(id, None).await.unwrap()
    }

    /// Written by one, approved by another, and public.
    async fn post_mortem_of(&self, of: &Incident, body: &str) {
        let (author, second) = (self.person("Oisín", Role::Operator).await, self.person("Grace", Role::Approver).await);
        let begun = self.services.write_post_mortem(&author, of.id, None, body, false).await.unwrap();
        let sent = self.services.submit_post_mortem(&author, of.id, begun.version).await.unwrap();
        let good = self.services.approve_post_mortem(&second, of.id, sent.version).await.unwrap();
        self.services.publish_post_mortem(&author, of.id, good.version).await.unwrap();
    }
}

/// News, without test calls.
fn news(calls: &MemoryTriggers) -> Vec<FiredTrigger> {
    calls.fired().into_iter().filter(|call| call.id.starts_with("msg_")).collect()
}

/// Hears one call and answers it with this line; gives back the call, its head in lower case.
async fn sink(answer: &'static str) -> (String, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let hears = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (mut request, mut piece) = (Vec::new(), [0; 4_096]);
        loop {
            let read = socket.read(&mut piece).await.unwrap();
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8(request.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_lowercase();
            if body.len() < header(&head, "content-length").parse().unwrap() {
                continue;
            }
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
            return (head, body.to_owned());
        }
    });
    (url, hears)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.split("\r\n").find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap()
}

async fn the_holder_of_a_subscription_adds_webhooks_that_hear_what_it_hears(engine: Engine) {
    let (story, _, calls) = Story::overheard(engine).await;
    let (api, dns) = (story.component("API").await, story.component("DNS").await);
    let reader = story.reader("ann@example.net").await;
    let link = story.link_of(&reader);
    let (components, topics) = (vec![api.to_string()], vec!["incidents".to_owned()]);
    story.services.change_subscription(None, &link, "UTC", &components, &topics).await.unwrap();
    let add = |url: &'static str| story.services.add_own_webhook(None, &link, url);
    assert!(matches!(add("http://10.0.0.1/").await, Err(Error::Invalid(_))), "never into a private network");
    assert_eq!(calls.fired(), [], "nor for a test");
    let secret = add("https://hooks.example.net/ann?token=SECRET").await.unwrap();
    assert!(secret.expose_secret().starts_with("whsec_"));
    let own = story.services.own_webhooks(&link).await.unwrap();
    assert_eq!((own.len(), own[0].url.as_str()), (1, "https://hooks.example.net"));
    let edited = story.services.edit_webhook(&Actor::system(), own[0].id, 1, &WebhookInput::default()).await;
    assert!(matches!(edited, Err(Error::Refused { code: "of_a_subscriber", .. })), "only its holder changes it");

    story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.broke("DNS does not answer", &[(dns, ComponentState::PartialOutage)]).await;
    story.schedule().await;
    story.call_out().await;
    assert_eq!(news(&calls).len(), 1, "what the subscription follows, and nothing else");
    assert_eq!(news(&calls)[0].json["incident"]["name"], "API does not answer");

    add("https://hooks.example.net/two").await.unwrap();
    add("https://hooks.example.net/three").await.unwrap();
    let tested = calls.fired().len();
    let more = add("https://hooks.example.net/four").await;
    assert!(matches!(&more, Err(Error::Invalid(fields)) if fields[0].message.contains("3 webhooks")), "{more:?}");
    assert!(add("https://hooks.example.net/five").await.is_err());
    assert!(matches!(add("https://hooks.example.net/six").await, Err(Error::TooMany { .. })));
    assert_eq!(calls.fired().len(), tested, "what can not be added is not called");
    story.services.remove_own_webhook(None, &link, own[0].id).await.unwrap();
    story.services.remove_own_webhook(None, &link, own[0].id).await.unwrap();
    assert_eq!(story.services.own_webhooks(&link).await.unwrap().len(), 2);
    let log = story.log("webhook").await;
    assert_eq!(log.len(), 4);
    assert!(log.iter().all(|(_, line)| line.contains("Webhook ") && !line.contains("hooks.example.net")), "{log:?}");

    story.broke("API again", &[(api, ComponentState::PartialOutage)]).await;
    story.services.unsubscribe(None, &link).await.unwrap();
    story.broke("And once more", &[(api, ComponentState::PartialOutage)]).await;
    story.call_out().await;
    assert_eq!(news(&calls).len(), 1, "who left is left alone, also with what waited");
    assert!(matches!(add("https://hooks.example.net/late").await, Err(Error::Refused { code: "not_subscribed", .. })));
    assert!(matches!(story.services.own_webhooks("AAAA").await, Err(Error::NotFound(_))));
}

async fn an_address_of_a_subscriber_has_to_answer_a_signed_test_call_first(engine: Engine) {
    let story = Story::begin(engine).await;
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    let client = TriggerClient::new(&TriggerSettings { allow, ..TriggerSettings::default() }).unwrap();
    story.services.use_public_calls(TriggerBackend::Http(client));
    let reader = story.reader("ann@example.net").await;
    let link = story.link_of(&reader);
    let (url, hears) = sink("404 Not Found").await;
    let refused = story.services.add_own_webhook(None, &link, &url).await;
    let Err(Error::Invalid(fields)) = &refused else { panic!("{refused:?}") };
    assert_eq!(fields[0].field, "url");
    assert!(fields[0].message.contains("it answered 404"), "{fields:?}");
    assert!(header(&hears.await.unwrap().0, "webhook-id").starts_with("test_"));
    assert_eq!(story.services.own_webhooks(&link).await.unwrap(), [], "nothing is kept");
    assert_eq!(story.log("webhook").await, []);

    let (url, hears) = sink("204 No Content").await;
    let secret = story.services.add_own_webhook(None, &link, &url).await.unwrap();
    let (head, body) = hears.await.unwrap();
    let (id, at) = (header(&head, "webhook-id"), header(&head, "webhook-timestamp").parse().unwrap());
    let signed = signature(&secret, id, at, body.as_bytes()).unwrap();
    assert_eq!(header(&head, "webhook-signature"), signed.to_lowercase(), "by the secret that is shown afterwards");
    assert_eq!(story.services.own_webhooks(&link).await.unwrap().len(), 1);
}

async fn a_webhook_of_the_site_needs_no_proof_and_shows_its_server_alone(engine: Engine) {
    let (story, site, _) = Story::overheard(engine).await;
    let input = WebhookInput {
        name: "Chat".to_owned(),
        url: "https:\\\\Hooks.example.net\\T\\SECRET".to_owned(),
        ..WebhookInput::default()
    };
    let stored = story.services.add_webhook(&Actor::system(), &input).await.unwrap().webhook;
    assert_eq!(stored.url, "https://hooks.example.net/T/SECRET", "as it is called");
    assert_eq!(site.fired(), []);
    let reader = story.actor(Scope::Read).await;
    let seen = story.services.webhook(&reader, stored.id).await.unwrap().webhook;
    assert_eq!(seen.url, "https://hooks.example.net");
    assert!(!story.log("webhook").await[0].1.contains("SECRET"));
}

async fn who_leaves_takes_their_webhooks_along(engine: Engine) {
    let (story, _, calls) = Story::overheard(engine).await;
    let (reader, link) = story.listener("ann@example.net").await;
    let api = story.component("API").await;
    story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.services.unsubscribe(None, &link).await.unwrap();
    assert_eq!(story.services.webhooks(&Actor::system()).await.unwrap(), []);
    let (action, line) = story.log("subscriber").await.remove(0);
    assert_eq!(action, "subscriber.leave");
    assert!(line.contains("webhooks") && line.contains('2') && !line.contains("ann.example.net"), "{line}");

    // Coming back does not bring back what somebody else may have added.
    story.services.clock.set(Span::hours(9).after(noon()));
    let mut back = story.services.db.read().await.unwrap().subscriber(reader.id).await.unwrap();
    back.state = SubscriberState::Confirmed;
    let mut tx = story.services.db.decide().await.unwrap();
    tx.update_subscriber(&back, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(story.services.own_webhooks(&link).await.unwrap(), []);
    story.broke("API again", &[(api, ComponentState::PartialOutage)]).await;
    story.call_out().await;
    assert_eq!(news(&calls), []);
}

async fn who_bounces_or_is_forgotten_leaves_no_webhook_behind(engine: Engine) {
    let (story, ..) = Story::overheard(engine).await;
    let (ann, _) = story.listener("ann@example.net").await;
    story.schedule().await;
    let text = "550 5.1.1 unknown".to_owned();
    story.outbox.answer_next(Outcome::FailRecipient { suppress: true, code: 550, text });
    story.deliver().await;
    let system = Actor::system();
    assert_eq!(story.services.subscriber(&system, ann.id).await.unwrap().state, SubscriberState::Bounced);
    assert_eq!(story.services.webhooks(&system).await.unwrap(), []);
    let (bob, _) = story.listener("bob@example.net").await;
    story.services.forget_subscriber(&system, bob.id).await.unwrap();
    assert_eq!(story.services.webhooks(&system).await.unwrap(), []);
    let log = story.log("subscriber").await;
    for verb in ["subscriber.bounce", "subscriber.forget"] {
        let line = &log.iter().find(|(action, _)| action == verb).unwrap().1;
        assert!(line.contains("webhooks") && !line.contains("ann.example.net"), "{line}");
    }
}

async fn what_was_withdrawn_is_not_told_to_programs_any_more(engine: Engine) {
    let (story, site, _) = Story::overheard(engine).await;
    let (fails, rests) = (
        story.site_hook(WebhookInput::default()).await,
        story.site_hook(WebhookInput { topics: vec!["announcements".to_owned()], ..WebhookInput::default() }).await,
    );
    let (s, system) = (&story.services, Actor::system());
    let input = AnnouncementInput {
        title: "New name servers".to_owned(),
        body: "From Monday.".to_owned(),
        category: "announcement".to_owned(),
        tells: true,
        ..AnnouncementInput::default()
    };
    let draft = s.draft_announcement(&system, &input).await.unwrap();
    let public = s.publish_announcement(&system, draft.id, draft.version).await.unwrap();
    s.pause_webhook(&system, rests, 1).await.unwrap();
    site.fail_next(TriggerError::Answered { status: 500 });
    story.call_out().await;
    assert_eq!(story.standings(fails).await, [Standing::TriesAgain]);
    assert_eq!(story.standings(rests).await, [Standing::Waits]);
    s.withdraw_announcement(&system, public.id, public.version, "It was about another site.").await.unwrap();
    for id in [fails, rests] {
        assert_eq!(story.standings(id).await, [Standing::NotNeeded]);
    }
    let version = s.webhook(&system, rests).await.unwrap().webhook.version;
    s.resume_webhook(&system, rests, version).await.unwrap();
    story.later(120);
    story.call_out().await;
    assert_eq!(site.fired().len(), 1, "the one that failed");
}

async fn a_component_that_a_webhook_follows_is_kept_and_never_becomes_everything(engine: Engine) {
    let (story, site, _) = Story::overheard(engine).await;
    let (api, dns) = (story.component("API").await, story.component("DNS").await);
    let hook = story.site_hook(WebhookInput { components: vec![api.to_string()], ..WebhookInput::default() }).await;
    let (s, system) = (&story.services, Actor::system());
    let version = s.db.read().await.unwrap().component(api).await.unwrap().version;
    let refused = s.delete_component(&system, api, version).await;
    let Err(Error::Refused { code: "in_use", message, .. }) = &refused else { panic!("{refused:?}") };
    assert!(message.contains("1 webhook refers to it"), "{message}");
    s.retire_component(&system, api, version).await.unwrap();
    story.broke("DNS does not answer", &[(dns, ComponentState::PartialOutage)]).await;
    story.call_out().await;
    assert_eq!(site.fired(), []);
    assert_eq!(s.webhook(&system, hook).await.unwrap().follows, [(api, "API".to_owned())]);
}

async fn a_post_mortem_is_news_of_its_incident_and_stays_with_it(engine: Engine) {
    let (story, site, _) = Story::overheard(engine).await;
    let api = story.component("API").await;
    let input = WebhookInput {
        topics: vec!["incidents".to_owned(), "post_mortems".to_owned()],
        components: vec![api.to_string()],
        ..WebhookInput::default()
    };
    story.site_hook(input).await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.later(5);
    story.say(&incident, IncidentState::Resolved, "Mended.").await;
    story.later(60);
    story.post_mortem_of(&incident, "A disk was **full**.").await;
    story.later(60);
    story.say(&incident, IncidentState::Investigating, "It is back.").await;
    story.call_out().await;
    let told: Vec<Value> = site.fired().into_iter().map(|call| call.json["incident"].clone()).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert_eq!((&told[1]["postmortem_body"], &told[1]["postmortem_published_at"]), (&Value::Null, &Value::Null));
    assert_eq!(told[1]["postmortem_notified_subscribers"], false);
    let (written, later) = (&told[2], &told[3]);
    assert_eq!((&written["status"], &written["state"]), (&"postmortem".into(), &"resolved".into()));
    assert_eq!(written["id"], told[0]["id"]);
    assert_eq!(written["incident_updates"][0]["status"], "postmortem");
    assert_eq!(written["incident_updates"].as_array().unwrap().len(), 3);
    assert_eq!((&written["components"][0]["name"], &later["status"]), (&"API".into(), &"investigating".into()));
    for body in [written, later] {
        assert_eq!(body["postmortem_body"], "A disk was **full**.");
        assert_eq!(body["postmortem_published_at"], "2014-05-15T14:05:00.000+01:00");
        assert_eq!(body["postmortem_notified_subscribers"], true);
    }
}

async fn older_lines_of_a_window_keep_their_times_and_reminders_are_told(engine: Engine) {
    let (story, site, _) = Story::overheard(engine).await;
    story.site_hook(WebhookInput::default()).await;
    let (s, system) = (&story.services, Actor::system());
    let plan = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    let plan = MaintenanceInput { message: Some("Away from {{start}}.".to_owned()), ..plan };
    let m = story.scheduled(Target::New, &plan).await;
    story.later(60);
    let moved = MaintenanceInput {
        start: Some("2014-05-21T21:00".to_owned()),
        end: Some("2014-05-21T23:00".to_owned()),
        ..MaintenanceInput::default()
    };
    s.edit_maintenance(&system, m.id, None, &moved, "").await.unwrap();
    s.clock.set("2014-05-20T20:00:00Z".parse().unwrap());
    assert_eq!(s.send_reminders().await.unwrap(), 1);
    story.later(5);
    s.post_update(&system, m.id, None, "We are ready.").await.unwrap();
    story.call_out().await;
    let told: Vec<Value> = site.fired().into_iter().map(|call| call.json["incident"].clone()).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    let first = &told[0]["incident_updates"][0]["body"];
    assert!(first.as_str().unwrap().contains("20 May"), "{first}");
    assert!(told[1]["incident_updates"][0]["body"].as_str().unwrap().contains("21 May"), "{}", told[1]);
    assert_eq!(told[1]["incident_updates"][1]["body"], *first, "as it was planned then");
    assert_eq!(told[1]["scheduled_remind_prior"], true);
    assert_eq!(told[1]["scheduled_reminded_at"], Value::Null);
    for body in &told[2..] {
        assert_eq!(body["scheduled_reminded_at"], "2014-05-20T21:00:00.000+01:00");
    }
    let log = story.log("maintenance").await;
    let line = &log.iter().find(|(action, _)| action == "maintenance.remind").unwrap().1;
    assert!(line.contains("webhooks"), "{line}");
}

storage::on_both!(
    the_holder_of_a_subscription_adds_webhooks_that_hear_what_it_hears,
    an_address_of_a_subscriber_has_to_answer_a_signed_test_call_first,
    a_webhook_of_the_site_needs_no_proof_and_shows_its_server_alone,
    who_leaves_takes_their_webhooks_along,
    who_bounces_or_is_forgotten_leaves_no_webhook_behind,
    what_was_withdrawn_is_not_told_to_programs_any_more,
    a_component_that_a_webhook_follows_is_kept_and_never_becomes_everything,
    a_post_mortem_is_news_of_its_incident_and_stays_with_it,
    older_lines_of_a_window_keep_their_times_and_reminders_are_told,
);
