//! From news to a program that listens, over a real connection.

use crate::{Story, noon, services_of};
use domain::component::ComponentState;
use domain::ids::{ComponentId, WebhookId};
use domain::incident::IncidentState;
use domain::people::Scope;
use domain::subscriber::Topic;
use domain::text::{Name, Prose};
use domain::time::Span;
use domain::webhook::{OffReason, WebhookState};
use outbound::trigger::{MemoryTriggers, TriggerBackend, TriggerClient, TriggerError, TriggerSettings, signature};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use service::audit::AuditFilter;
use service::deliveries::Standing;
use service::inventory::ComponentInput;
use service::keys::Purpose;
use service::tell::Post;
use service::webhooks::{Caller, WebhookInput};
use service::{Actor, Error};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::testing::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What was heard: the head in lower case, and the body.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A program that answers with these lines in turn, the last one again and again; an empty one never answers.
struct Sink {
    url: String,
    heard: Heard,
}

impl Sink {
    async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=SECRET", listener.local_addr().unwrap());
        let heard = Heard::default();
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((mut socket, _)) = listener.accept().await {
                let answer = answers[turn.min(answers.len() - 1)];
                turn += 1;
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let (mut request, mut piece) = (Vec::new(), [0; 4_096]);
                    while let Ok(read @ 1..) = socket.read(&mut piece).await {
                        request.extend_from_slice(&piece[..read]);
                        if complete(&request) {
                            break;
                        }
                    }
                    let text = String::from_utf8(request).unwrap();
                    let (head, body) = text.split_once("\r\n\r\n").unwrap();
                    kept.lock().unwrap().push((head.to_lowercase(), body.to_owned()));
                    if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    socket.write_all(answer.as_bytes()).await.unwrap();
                });
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }

    fn bodies(&self) -> Vec<Value> {
        self.heard().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = header(head, "content-length").parse::<usize>().unwrap();
    body.len() >= length
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.split("\r\n").find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

fn loopback() -> TriggerBackend {
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    TriggerBackend::Http(TriggerClient::new(&TriggerSettings { allow, ..TriggerSettings::default() }).unwrap())
}

impl Story {
    async fn listening(engine: Engine) -> Self {
        let story = Self::begin(engine).await;
        story.services.use_triggers(loopback());
        story.services.use_public_calls(loopback());
        story
    }

    async fn hook(&self, url: &str, components: &[ComponentId]) -> (WebhookId, SecretString) {
        let input = WebhookInput {
            name: "Team chat".to_owned(),
            url: url.to_owned(),
            components: components.iter().map(ToString::to_string).collect(),
            topics: Vec::new(),
        };
        let stored = self.services.add_webhook(&Actor::system(), &input).await.unwrap();
        (stored.webhook.id, stored.secret)
    }

    async fn state(&self, id: WebhookId) -> WebhookState {
        self.services.webhook(&Actor::system(), id).await.unwrap().webhook.state
    }

    /// How the calls of a webhook stand, newest first.
    async fn calls(&self, id: WebhookId) -> Vec<Standing> {
        let calls = self.services.webhook_calls(&Actor::system(), id).await.unwrap();
        calls.into_iter().map(|call| call.standing).collect()
    }

    async fn is_calm(&self) -> bool {
        let system = Actor::system();
        for line in self.services.webhooks(&system).await.unwrap() {
            let is_called = line.webhook.state == WebhookState::Active;
            for call in self.services.webhook_calls(&system, line.webhook.id).await.unwrap() {
                let waits = matches!(call.standing, Standing::Waits | Standing::TriesAgain);
                // Behind one that is tried again later, others wait.
                let is_next = call.due_at <= self.services.now();
                if call.standing == Standing::InHand
                    || (waits && is_next && is_called && !self.is_behind(line.webhook.id).await)
                {
                    return false;
                }
            }
        }
        true
    }

    async fn is_behind(&self, id: WebhookId) -> bool {
        let calls = self.services.webhook_calls(&Actor::system(), id).await.unwrap();
        let mut waiting = calls.iter().filter(|call| matches!(call.standing, Standing::Waits | Standing::TriesAgain));
        waiting.next_back().is_some_and(|oldest| oldest.due_at > self.services.now())
    }

    /// Runs a caller until nothing is due.
    async fn call(&self) {
        let cancel = CancellationToken::new();
        let running = tokio::spawn(Caller::new(self.services.clone()).run(cancel.clone()));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !self.is_calm().await {
            assert!(tokio::time::Instant::now() < deadline, "calls are left");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        cancel.cancel();
        running.await.unwrap();
    }
}

async fn a_call_is_signed_and_tells_an_incident_without_what_is_private(engine: Engine) {
    let story = Story::listening(engine).await;
    let sink = Sink::start(&["204 No Content"]).await;
    let api = story.component("API").await;
    let vault = ComponentInput { name: "Vault".to_owned(), is_private: true, ..ComponentInput::default() };
    let vault = story.services.add_component(&Actor::system(), vault).await.unwrap().component.id;
    let (hook, secret) = story.hook(&sink.url, &[api]).await;
    let states = [(api, ComponentState::PartialOutage), (vault, ComponentState::MajorOutage)];
    let incident = story.broke("API does not answer", &states).await;
    story.broke("The vault is shut", &[(vault, ComponentState::MajorOutage)]).await;
    story.later(5);
    story.say(&incident, IncidentState::Resolved, "Mended.").await;
    story.call().await;

    let heard = sink.heard();
    assert_eq!(heard.len(), 2, "nothing of the vault alone");
    for (head, body) in &heard {
        let (id, at) = (header(head, "webhook-id"), header(head, "webhook-timestamp").parse().unwrap());
        let expected = signature(&secret, id, at, body.as_bytes()).unwrap();
        // The head was put in lower case.
        assert_eq!(header(head, "webhook-signature"), expected.to_lowercase());
        for private in ["Vault", "vault", &vault.to_string(), "critical"] {
            assert!(!body.contains(private), "{private} in {body}");
        }
    }
    let bodies = sink.bodies();
    assert_eq!(bodies[0]["incident"]["status"], "investigating");
    assert_eq!(bodies[0]["incident"]["impact"], "major");
    assert_eq!(bodies[0]["page"]["status_indicator"], "major");
    assert_eq!(bodies[0]["incident"]["components"][0]["name"], "API");
    assert_eq!(bodies[0]["meta"]["generated_at"], "2014-05-15T12:00:00.000Z");
    let updates = &bodies[1]["incident"]["incident_updates"];
    assert_eq!(updates.as_array().unwrap().len(), 2, "the timeline so far, newest first");
    assert_eq!((&updates[0]["status"], &updates[0]["body"]), (&"resolved".into(), &"Mended.".into()));
    let change = &updates[0]["affected_components"][0];
    assert_eq!((&change["old_status"], &change["new_status"]), (&"partial_outage".into(), &"operational".into()));
    assert_eq!(updates[0]["created_at"], "2014-05-15T13:05:00.000+01:00", "in the zone of the page");
    assert_eq!(bodies[1]["page"]["status_indicator"], "none");
    assert_eq!(story.calls(hook).await, [Standing::Sent, Standing::Sent]);
}

async fn a_call_that_fails_is_repeated_under_one_id_with_the_same_bytes(engine: Engine) {
    let story = Story::listening(engine).await;
    let sink = Sink::start(&["500 Oops", "500 Oops", "200 OK"]).await;
    let (hook, _) = story.hook(&sink.url, &[]).await;
    let api = story.component("API").await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    for minutes in [1, 5] {
        story.call().await;
        assert_eq!(story.calls(hook).await, [Standing::TriesAgain]);
        story.call().await;
        story.later(minutes);
    }
    story.say(&incident, IncidentState::Identified, "A disk.").await;
    story.call().await;
    assert_eq!(story.calls(hook).await, [Standing::Sent, Standing::Sent]);
    let heard = sink.heard();
    assert_eq!(heard.len(), 4);
    let ids: Vec<&str> = heard.iter().map(|(head, _)| header(head, "webhook-id")).collect();
    assert!(ids[..3].iter().all(|id| *id == ids[0]) && ids[3] != ids[0], "{ids:?}");
    assert!(heard[..3].iter().all(|(_, body)| *body == heard[0].1), "a repetition tells the same story");
    assert_eq!(sink.bodies()[3]["incident"]["status"], "identified", "in the order of telling");
}

async fn one_that_wants_no_more_is_switched_off_and_somebody_is_asked_to_look(engine: Engine) {
    let story = Story::listening(engine).await;
    let sink = Sink::start(&["410 Gone"]).await;
    let (hook, _) = story.hook(&sink.url, &[]).await;
    let api = story.component("API").await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.say(&incident, IncidentState::Identified, "A disk.").await;
    story.call().await;
    assert_eq!(sink.heard().len(), 1);
    assert_eq!(story.calls(hook).await, [Standing::NotNeeded, Standing::Failed]);
    let system = Actor::system();
    let needs = story.services.webhook_needs(&system).await.unwrap();
    assert_eq!((needs.len(), needs[0].off), (1, Some(OffReason::Gone)));
    let filter = AuditFilter { object: "webhook".to_owned(), ..AuditFilter::default() };
    let log = story.services.audit_log(&system, &filter).await.unwrap().entries;
    assert_eq!(log[0].action, "webhook.switch_off");
    assert!(!format!("{log:?}").contains("SECRET"), "an address may hold a secret");
    let mut tx = story.db.db.read().await.unwrap();
    assert_eq!(story.services.audience(&mut tx, Topic::Incidents, &[api]).await.unwrap().webhooks, 0);
    drop(tx);

    let version = needs[0].version;
    story.services.resume_webhook(&system, hook, version).await.unwrap();
    assert_eq!(story.services.webhook_needs(&system).await.unwrap(), []);
    let calls = story.services.webhook_calls(&system, hook).await.unwrap();
    story.services.call_webhook_again(&system, hook, calls[1].notification).await.unwrap();
    story.call().await;
    let ids: BTreeSet<String> = sink.heard().iter().map(|(head, _)| header(head, "webhook-id").to_owned()).collect();
    assert_eq!((sink.heard().len(), ids.len()), (2, 1), "sent again under its own id");
}

async fn a_redirect_is_not_followed_and_days_of_failing_switch_it_off(engine: Engine) {
    let story = Story::listening(engine).await;
    let elsewhere = Sink::start(&["200 OK"]).await;
    let to: &'static str = Box::leak(format!("302 Found\r\nlocation: {}", elsewhere.url).into_boxed_str());
    let sink = Sink::start(Box::leak(Box::new([to]))).await;
    let (hook, _) = story.hook(&sink.url, &[]).await;
    let api = story.component("API").await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.call().await;
    assert_eq!((sink.heard().len(), elsewhere.heard().len()), (1, 0));
    let calls = story.services.webhook_calls(&Actor::system(), hook).await.unwrap();
    assert_eq!(calls[0].error.as_deref(), Some("it answered 302"));
    // Tried for a day, then given up; news of five days later find it as it was.
    for minutes in [1, 5, 15, 30, 60, 120, 120, 120, 120, 120, 120, 120, 120, 120, 120, 120] {
        story.later(minutes);
        story.call().await;
    }
    assert_eq!(story.calls(hook).await, [Standing::Failed]);
    story.later(4 * 24 * 60 + 60);
    story.say(&incident, IncidentState::Identified, "A disk.").await;
    story.call().await;
    assert_eq!(story.state(hook).await, WebhookState::Active, "this one may still arrive");
    for _ in 0..16 {
        story.later(120);
        story.call().await;
    }
    assert_eq!(story.calls(hook).await, [Standing::Failed, Standing::Failed]);
    assert_eq!(story.state(hook).await, WebhookState::Disabled);
    assert_eq!(story.services.webhook_needs(&Actor::system()).await.unwrap()[0].off, Some(OffReason::Failing));
    assert_eq!(elsewhere.heard(), []);
}

async fn a_call_that_is_rejected_is_over_and_the_next_is_made_at_once(engine: Engine) {
    let story = Story::listening(engine).await;
    let sink = Sink::start(&["400 Bad Request", "429 Too Many Requests", "200 OK"]).await;
    let (hook, _) = story.hook(&sink.url, &[]).await;
    let api = story.component("API").await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.say(&incident, IncidentState::Identified, "A disk.").await;
    story.call().await;
    assert_eq!(sink.heard().len(), 2);
    assert_eq!(story.calls(hook).await, [Standing::TriesAgain, Standing::Failed], "too many are no rejection");
    let stored = story.services.webhook(&Actor::system(), hook).await.unwrap().webhook;
    assert_eq!((stored.given_up, stored.state), (0, WebhookState::Active), "it is there, and dislikes one call");
    // What is told next finds the receiver well again: nothing waits for the end of a pause.
    story.say(&incident, IncidentState::Monitoring, "A new disk.").await;
    story.call().await;
    assert_eq!(story.calls(hook).await, [Standing::Sent, Standing::Sent, Standing::Failed]);
    let told: Vec<Value> = sink.bodies().into_iter().map(|body| body["incident"]["status"].clone()).collect();
    assert_eq!(told, ["investigating", "identified", "identified", "monitoring"]);
}

async fn what_waited_for_more_than_a_day_and_reminders_of_the_past_are_not_told(engine: Engine) {
    let story = Story::begin(engine).await;
    let calls = MemoryTriggers::new();
    story.services.use_triggers(TriggerBackend::Memory(calls.clone()));
    let (hook, _) = story.hook("https://hooks.example.net/a", &[]).await;
    let api = story.component("API").await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    story.later(120);
    story.say(&incident, IncidentState::Identified, "A disk.").await;
    let system = Actor::system();
    let paused = story.services.pause_webhook(&system, hook, 1).await.unwrap();
    story.later(23 * 60);
    story.services.resume_webhook(&system, hook, paused.version).await.unwrap();
    story.call().await;
    assert_eq!(story.calls(hook).await, [Standing::Sent, Standing::NotNeeded]);
    let log = story.services.webhook_calls(&system, hook).await.unwrap();
    assert!(log[1].error.as_deref().is_some_and(|why| why.contains("more than a day")), "{log:?}");
    assert_eq!(calls.fired().len(), 1);
    story.later(90 * 24 * 60);
    assert_eq!(story.services.forget_webhook_bodies().await.unwrap(), 2, "what nobody is sent any more is forgotten");
}

async fn those_that_strangers_added_never_take_the_place_of_the_site(engine: Engine) {
    let story = Story::listening(engine).await;
    let api = story.component("API").await;
    // Each test call is answered, and then nothing any more.
    let mut answers = vec!["200 OK"; 21];
    answers.push("");
    let (slow, quick) = (Sink::start(answers.leak()).await, Sink::start(&["200 OK"]).await);
    let port = slow.url.split(':').nth(2).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    for n in 0..7 {
        let reader = story.reader(&format!("reader{n}@example.net")).await;
        let link = story.services.keys.link(Purpose::Manage, reader.id.0, reader.token_version);
        // At most so many of these go to one host.
        for place in 0..3 {
            let url = format!("http://127.0.0.1:{port}/{n}/{place}");
            story.services.add_own_webhook(None, &link, &url).await.unwrap();
        }
    }
    let other = story.reader("other@example.net").await;
    let link = story.services.keys.link(Purpose::Manage, other.id.0, other.token_version);
    let elsewhere = quick.url.replace("127.0.0.1", "localhost");
    story.services.add_own_webhook(None, &link, &elsewhere).await.unwrap();
    // Added last, and called all the same.
    let (hook, _) = story.hook(&quick.url, &[]).await;
    story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    let cancel = CancellationToken::new();
    let running = tokio::spawn(Caller::new(story.services.clone()).run(cancel.clone()));
    let began = tokio::time::Instant::now();
    while quick.heard().len() < 3 || story.calls(hook).await != [Standing::Sent] {
        assert!(began.elapsed() < Duration::from_secs(5), "the slow ones have ten seconds: {:?}", quick.heard());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(slow.heard().len(), 21 + 4, "at one host there are at most four at a time");
    cancel.cancel();
    running.await.unwrap();
}

async fn one_that_never_answers_holds_up_nobody_else(engine: Engine) {
    let story = Story::listening(engine).await;
    let (slow, quick) = (Sink::start(&[""]).await, Sink::start(&["200 OK"]).await);
    story.hook(&slow.url, &[]).await;
    let (hook, _) = story.hook(&quick.url, &[]).await;
    let api = story.component("API").await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    for _ in 0..4 {
        story.say(&incident, IncidentState::Identified, "Still.").await;
    }
    let cancel = CancellationToken::new();
    let running = tokio::spawn(Caller::new(story.services.clone()).run(cancel.clone()));
    let began = tokio::time::Instant::now();
    while story.calls(hook).await.iter().any(|standing| *standing != Standing::Sent) {
        assert!(began.elapsed() < Duration::from_secs(8), "the slow one has ten seconds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((slow.heard().len(), quick.heard().len()), (1, 5));
    cancel.cancel();
    running.await.unwrap();
}

async fn killed_with_a_call_in_hand_it_is_made_again_under_the_same_id(engine: Engine) {
    let story = Story::listening(engine).await;
    let sink = Sink::start(&["", "200 OK"]).await;
    let (hook, _) = story.hook(&sink.url, &[]).await;
    let api = story.component("API").await;
    story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    let dies = tokio::spawn(Caller::new(story.services.clone()).run(CancellationToken::new()));
    while sink.heard().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    dies.abort();
    let _ = dies.await;
    assert_eq!(story.calls(hook).await, [Standing::InHand]);
    let next = services_of(&story.db.db);
    next.use_triggers(loopback());
    // Where several nodes share a database, the lease has to end first.
    next.clock.set(Span::minutes(1).after(noon()));
    story.services.clock.set(Span::minutes(1).after(noon()));
    story.call().await;
    let heard = sink.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(header(&heard[0].0, "webhook-id"), header(&heard[1].0, "webhook-id"));
    assert_eq!(heard[0].1, heard[1].1);
}

async fn programs_hear_each_thing_in_order_also_what_mails_leave_out(engine: Engine) {
    let story = Story::begin(engine).await;
    let calls = MemoryTriggers::new();
    story.services.use_triggers(TriggerBackend::Memory(calls.clone()));
    let (hook, _) = story.hook("https://hooks.example.net/a?token=SECRET", &[]).await;
    let system = Actor::system();
    let planned = story.schedule().await;
    story.later(20);
    story.services.cancel_maintenance(&system, planned.id, None, "Not needed.").await.unwrap();
    let post = Post {
        topic: Topic::Announcements,
        subject: ("announcement", Uuid::from_u128(9)),
        thread: "an-9".to_owned(),
        title: Name::parse("New name servers").unwrap(),
        lead: "There is news.".to_owned(),
        message: Prose::parse("They are **faster**.").unwrap(),
        path: "/announcements/9".to_owned(),
        components: Vec::new(),
    };
    let mut tx = story.db.db.decide().await.unwrap();
    story.services.tell_post(&mut tx, &post).await.unwrap();
    tx.commit().await.unwrap();
    story.call().await;
    let said: Vec<Value> = calls.fired().into_iter().map(|call| call.json).collect();
    assert_eq!(said.len(), 3, "{said:#?}");
    let plan = &said[0]["incident"];
    assert_eq!((&plan["impact"], &plan["status"]), (&"maintenance".into(), &"scheduled".into()));
    assert_eq!(plan["scheduled_for"], "2014-05-15T20:00:00.000+01:00");
    assert_eq!(plan["incident_updates"][0]["body"], "Sites are away for ten minutes.");
    let over = &said[1]["incident"];
    assert_eq!((&over["status"], &over["state"]), (&"completed".into(), &"cancelled".into()));
    assert_eq!(over["incident_updates"][0]["body"], "Not needed.");
    assert_eq!(said[2]["announcement"]["title"], "New name servers");
    assert_eq!(said[2]["announcement"]["url"], "https://status.example.org/announcements/9");

    story.services.test_webhook(&system, hook).await.unwrap();
    let test = calls.fired().pop().unwrap();
    assert!(test.id.starts_with("test_"));
    assert_eq!(
        (&test.json["incident"]["impact"], &test.json["incident"]["name"]),
        (&"none".into(), &"Test call".into())
    );
    calls.fail_next(TriggerError::Answered { status: 404 });
    let failed = story.services.test_webhook(&system, hook).await;
    assert!(matches!(failed, Err(Error::Refused { code: "test_failed", ref message, .. }) if message.contains("404")));
    assert_eq!(story.calls(hook).await.len(), 3, "a test is no news");
}

async fn only_who_administers_sees_a_whole_address_or_changes_anything(engine: Engine) {
    let story = Story::begin(engine).await;
    let (hook, first) = story.hook("https://hooks.example.net/a?token=SECRET", &[]).await;
    let reader = story.actor(Scope::Read).await;
    let seen = story.services.webhook(&reader, hook).await.unwrap().webhook;
    assert_eq!(seen.url, "https://hooks.example.net");
    assert!(!format!("{:?}", story.services.webhooks(&reader).await.unwrap()).contains("SECRET"));
    let denied = story.services.rotate_webhook(&reader, hook, 1).await;
    assert!(matches!(denied, Err(Error::Forbidden(_))), "{denied:?}");
    assert!(matches!(story.services.test_webhook(&reader, hook).await, Err(Error::Forbidden(_))));

    let system = Actor::system();
    let second = story.services.rotate_webhook(&system, hook, 1).await.unwrap();
    assert_ne!(first.expose_secret(), second.secret.expose_secret());
    assert!(matches!(story.services.rotate_webhook(&system, hook, 1).await, Err(Error::Stale(_))));
    for url in ["http://127.0.0.1/", "ftp://example.org/", "nonsense", "http://169.254.169.254/latest"] {
        let input = WebhookInput { name: "x".to_owned(), url: url.to_owned(), ..WebhookInput::default() };
        let refused = story.services.add_webhook(&system, &input).await;
        assert!(matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "url"), "{url}: {refused:?}");
    }
    let paused = story.services.pause_webhook(&system, hook, 2).await.unwrap();
    let mut tx = story.db.db.read().await.unwrap();
    assert_eq!(story.services.audience(&mut tx, Topic::Incidents, &[]).await.unwrap().webhooks, 0, "it rests");
    drop(tx);
    story.services.delete_webhook(&system, hook, paused.version).await.unwrap();
    assert!(matches!(story.services.webhook(&system, hook).await, Err(Error::NotFound(_))));
    let filter = AuditFilter { object: "webhook".to_owned(), ..AuditFilter::default() };
    let log = story.services.audit_log(&system, &filter).await.unwrap().entries;
    let verbs: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(verbs, ["webhook.delete", "webhook.pause", "webhook.rotate", "webhook.add"]);
    assert!(!format!("{log:?}").contains("SECRET"));
}

storage::on_both!(
    a_call_is_signed_and_tells_an_incident_without_what_is_private,
    a_call_that_fails_is_repeated_under_one_id_with_the_same_bytes,
    one_that_wants_no_more_is_switched_off_and_somebody_is_asked_to_look,
    a_redirect_is_not_followed_and_days_of_failing_switch_it_off,
    a_call_that_is_rejected_is_over_and_the_next_is_made_at_once,
    what_waited_for_more_than_a_day_and_reminders_of_the_past_are_not_told,
    those_that_strangers_added_never_take_the_place_of_the_site,
    one_that_never_answers_holds_up_nobody_else,
    killed_with_a_call_in_hand_it_is_made_again_under_the_same_id,
    programs_hear_each_thing_in_order_also_what_mails_leave_out,
    only_who_administers_sees_a_whole_address_or_changes_anything,
);
