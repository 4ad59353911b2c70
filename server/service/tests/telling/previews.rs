//! A preview is the mail that would be sent: compared with the one that was.

use crate::Story;
use domain::maintenance::Maintenance;
use domain::time::Span;
use service::deliveries::Letter;
use service::maintenance::{ExtendInput, MaintenanceInput, Specimen, Step, Target, Words};
use service::people::tokens::NewToken;
use service::subscribers::Subscribe;
use service::{Actor, Error};
use storage::testing::Engine;

/// A text without the links and numbers that belong to one reader.
fn of_anybody(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = ["/subscriptions/", "/unsubscribe/"].iter().filter_map(|p| Some(rest.find(p)? + p.len())).min()
    {
        let (head, tail) = rest.split_at(at);
        plain.push_str(head);
        rest = tail.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    }
    plain + rest
}

/// The calendar as it is attached, encoded.
fn calendar(letter: &Letter) -> String {
    let raw = String::from_utf8(letter.raw.clone()).unwrap();
    let part = raw.split("filename=\"maintenance.ics\"").nth(1).unwrap();
    part.split("\r\n--").next().unwrap().to_owned()
}

/// Lines of the head that are the same for all readers.
fn head(letter: &Letter) -> Vec<String> {
    let raw = String::from_utf8(letter.raw.clone()).unwrap().replace("\r\n ", " ");
    let own = ["To:", "Message-ID:", "In-Reply-To:", "References:", "List-Unsubscribe:", "Content-Type: multipart"];
    let head = raw.split("\r\n\r\n").next().unwrap();
    head.lines().filter(|line| own.iter().all(|own| !line.starts_with(own))).map(ToOwned::to_owned).collect()
}

/// What was sent last is what was shown before.
async fn assert_sent(story: &Story, seen: &Specimen) {
    let sent = story.deliver().await.pop().unwrap();
    let line = story.newest(&Actor::system()).await;
    let view = story.services.mail_to(&Actor::system(), line.notification, line.subscriber).await.unwrap();
    let letter = view.letter.unwrap();
    assert_eq!(letter.raw, sent.raw, "the very bytes that were sent");
    let seen = &seen.letter;
    assert_eq!(of_anybody(&seen.text), of_anybody(&letter.text));
    assert_eq!(of_anybody(&seen.html), of_anybody(&letter.html));
    assert_eq!((&seen.subject, &seen.from, &seen.attachments), (&letter.subject, &letter.from, &letter.attachments));
    assert_eq!((head(seen), calendar(seen)), (head(&letter), calendar(&letter)));
    let notification = |id: &str| id.split(".s").next().unwrap().to_owned();
    assert_eq!(notification(&seen.message_id), notification(&letter.message_id));
}

/// A reader in another zone.
async fn reader(story: &Story, zone: &str) {
    let ask = Subscribe { email: "ken@example.net".to_owned(), zone: zone.to_owned(), ..Subscribe::default() };
    story.services.subscribe(None, ask).await.unwrap();
    let mails = story.deliver().await;
    story.services.confirm(None, &crate::confirm_link(&mails[0])).await.unwrap();
}

const TEXT: &str = "From {{start}} to {{end}} ({{duration}}): {{title}} on {{components}}. See {{link}}.";

async fn draft(story: &Story) -> (MaintenanceInput, Maintenance) {
    let mut input = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    input.message = Some(TEXT.to_owned());
    let draft = story.services.draft_maintenance(&Actor::system(), &input).await.unwrap();
    (input, draft)
}

async fn what_is_previewed_is_what_is_sent(engine: Engine) {
    let story = Story::begin(engine).await;
    reader(&story, "Asia/Tokyo").await;
    let (system, services) = (Actor::system(), &story.services);
    let (input, draft) = draft(&story).await;
    let target = Target::Stored { id: draft.id, version: None };
    let seen = services.preview_plan(&system, target, &input, "", "Asia/Tokyo").await.unwrap();
    assert!(!seen.blocked);
    let text = &seen.letter.text;
    assert!(
        text.contains("From Wed 21 May 2014, 04:00 JST (UTC+9) to Wed 21 May 2014, 06:00 JST (UTC+9) (2 hours)"),
        "{text}"
    );
    assert!(
        text.contains("Replace a failed disk on our services. See https://status.example.org/maintenance/"),
        "{text}"
    );
    let m = story.scheduled(target, &input).await;
    assert_sent(&story, &seen).await;

    // A new time: the message follows it.
    let moved = MaintenanceInput {
        start: Some("2014-05-21T21:00".to_owned()),
        end: Some("2014-05-21T22:30".to_owned()),
        ..MaintenanceInput::default()
    };
    let stored = Target::Stored { id: m.id, version: None };
    let seen = services.preview_plan(&system, stored, &moved, "", "Asia/Tokyo").await.unwrap();
    assert!(seen.letter.text.contains("From Thu 22 May 2014, 05:00 JST (UTC+9)"), "{}", seen.letter.text);
    services.edit_maintenance(&system, m.id, None, &moved, "").await.unwrap();
    assert_sent(&story, &seen).await;
    let words = Words { text: "Moved to {{when}}: {{reason}}.", reason: "the *part* is late" };
    let moved = MaintenanceInput { end: Some("2014-05-21T23:00".to_owned()), ..MaintenanceInput::default() };
    let seen = services.preview_plan(&system, stored, &moved, words, "Asia/Tokyo").await.unwrap();
    assert!(seen.letter.text.contains("05:00–07:00 JST (UTC+9): the *part* is late."), "{}", seen.letter.text);
    services.edit_maintenance(&system, m.id, None, &moved, words).await.unwrap();
    assert_sent(&story, &seen).await;

    let start = |minutes| Span::minutes(minutes).after("2014-05-21T20:00:00Z".parse().unwrap());
    services.clock.set(start(0));
    services.start_maintenance(&system, m.id, None, "").await.unwrap();
    story.deliver().await;
    services.clock.set(start(30));
    let post = Words::from("Half of {{components}} is done, {{end}} it is.");
    let seen = services.preview_step(&system, m.id, Step::Post(post), "Asia/Tokyo").await.unwrap();
    services.post_update(&system, m.id, None, post).await.unwrap();
    assert_sent(&story, &seen).await;
    let longer = ExtendInput {
        by: "1 h".to_owned(),
        body: "Until {{end}}: {{reason}}".to_owned(),
        reason: "slow".to_owned(),
        ..ExtendInput::default()
    };
    let seen = services.preview_step(&system, m.id, Step::Extend(&longer), "Asia/Tokyo").await.unwrap();
    assert!(seen.letter.text.contains("Until Thu 22 May 2014, 08:00 JST (UTC+9): slow"), "{}", seen.letter.text);
    services.extend_maintenance(&system, m.id, None, &longer).await.unwrap();
    assert_sent(&story, &seen).await;
    let done = Words::from("All is back.");
    let seen = services.preview_step(&system, m.id, Step::Complete(done), "Asia/Tokyo").await.unwrap();
    services.complete_maintenance(&system, m.id, None, done).await.unwrap();
    assert_sent(&story, &seen).await;
}

async fn a_cancellation_is_previewed_too(engine: Engine) {
    let story = Story::begin(engine).await;
    reader(&story, "UTC").await;
    let (system, services) = (Actor::system(), &story.services);
    let m = story.schedule().await;
    story.deliver().await;
    let nothing = services.preview_step(&system, m.id, Step::Cancel(Words::default()), "").await;
    assert!(matches!(nothing, Err(Error::Invalid(fields)) if fields[0].field == "body"));
    let why = Words { text: "Off: {{reason}}", reason: "rain" };
    let seen = services.preview_step(&system, m.id, Step::Cancel(why), "UTC").await.unwrap();
    services.cancel_maintenance(&system, m.id, None, why).await.unwrap();
    assert_sent(&story, &seen).await;
    assert!(matches!(services.preview_step(&system, m.id, Step::Cancel(why), "").await, Err(Error::Refused { .. })));
}

async fn looking_changes_nothing(engine: Engine) {
    let story = Story::begin(engine).await;
    reader(&story, "UTC").await;
    let (system, services) = (Actor::system(), &story.services);
    let (input, draft) = draft(&story).await;
    let log = async || services.audit_log(&Actor::system(), &service::audit::AuditFilter::default()).await;
    let before = log().await.unwrap().entries;
    for target in [Target::New, Target::Stored { id: draft.id, version: None }] {
        let seen = services.preview_plan(&system, target, &input, "", "").await.unwrap();
        assert_eq!(seen.zone, "Europe/Dublin", "the site's, where none is chosen");
    }
    assert_eq!(log().await.unwrap().entries, before);
    assert_eq!(services.maintenance(&system, draft.id).await.unwrap(), draft);
    assert!(story.deliver().await.is_empty());
    let next = services.draft_maintenance(&system, &input).await.unwrap();
    assert_eq!(next.number, draft.number + 1, "no number is used up");
}

async fn what_can_not_be_sent_can_not_be_previewed(engine: Engine) {
    let story = Story::begin(engine).await;
    let (system, services) = (Actor::system(), &story.services);
    let (input, draft) = draft(&story).await;
    let fields = |result: Result<Specimen, Error>| match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|field| field.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let wrong = MaintenanceInput {
        title: Some("At {{start}}".to_owned()),
        message: Some("Dear {{customer}}".to_owned()),
        ..input.clone()
    };
    assert_eq!(fields(services.preview_plan(&system, Target::New, &wrong, "", "").await), ["title", "message"]);
    assert_eq!(fields(services.preview_plan(&system, Target::New, &input, "", "Mars/Olympus").await), ["mail_zone"]);
    let no_reason = MaintenanceInput { message: Some("{{reason}}".to_owned()), ..input.clone() };
    assert_eq!(fields(services.preview_plan(&system, Target::New, &no_reason, "", "").await), ["reason"]);
    let no_window = services.preview_step(&system, draft.id, Step::Post("x".into()), "").await;
    assert!(matches!(no_window, Err(Error::Refused { .. })), "a draft has no readers");

    let new = NewToken { name: "x".to_owned(), scopes: vec!["read".to_owned()], valid_for: String::new() };
    let made = services.add_token(&system, &new).await.unwrap();
    let viewer = services.actor_for_token(secrecy::ExposeSecret::expose_secret(&made.text), None).await.unwrap();
    assert!(matches!(services.preview_plan(&viewer, Target::New, &input, "", "").await, Err(Error::Forbidden(_))));
    assert!(matches!(
        services.preview_step(&viewer, draft.id, Step::Post("x".into()), "").await,
        Err(Error::Forbidden(_))
    ));
}

async fn behind_a_closed_gate_the_mail_can_be_seen_all_the_same(engine: Engine) {
    let story = Story::begin(engine).await;
    let (system, services) = (Actor::system(), &story.services);
    let host = service::inventory::HostInput { name: "web-1".to_owned(), ..Default::default() };
    let host = services.add_host(&system, host).await.unwrap();
    let mut input = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    input.hosts = Some(vec![host.id.to_string()]);
    let seen = services.preview_plan(&system, Target::New, &input, "", "").await.unwrap();
    assert!(seen.blocked && !seen.letter.text.contains("Backup:"), "{}", seen.letter.text);
}

storage::on_both!(
    what_is_previewed_is_what_is_sent,
    a_cancellation_is_previewed_too,
    looking_changes_nothing,
    what_can_not_be_sent_can_not_be_previewed,
    behind_a_closed_gate_the_mail_can_be_seen_all_the_same,
);
