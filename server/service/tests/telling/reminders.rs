//! Reminders before a start, with the mails they make.

use crate::{Story, noon, services_on};
use chrono::{DateTime, Utc};
use domain::maintenance::{Leads, Maintenance, Reminders};
use domain::time::Span;
use outbound::mail::Mail;
use outbound::smtp::{Outcome, Stage};
use service::audit::AuditFilter;
use service::maintenance::{MaintenanceInput, Target};
use service::reminders::ReminderStanding;
use service::site::SiteSettings;
use service::{Actor, Error, Services};
use storage::Db;
use storage::testing::Engine;

/// The window of these tests: Tuesday, 20 May, 19:00 UTC, announced five days before.
fn start() -> DateTime<Utc> {
    "2014-05-20T19:00:00Z".parse().unwrap()
}

fn before(hours: i64, minutes: i64) -> DateTime<Utc> {
    Span::minutes(hours * 60 + minutes).before(start())
}

async fn tuesday(story: &Story) -> Maintenance {
    let input = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    let m = story.scheduled(Target::New, &input).await;
    assert_eq!(m.planned.starts_at, start());
    m
}

/// What is reminded of at an instant.
async fn at(services: &Services, now: DateTime<Utc>) -> usize {
    services.clock.set(now);
    services.send_reminders().await.unwrap()
}

fn header(mail: &Mail, name: &str) -> String {
    let raw = String::from_utf8(mail.raw.clone()).unwrap().replace("\r\n ", " ");
    let line = raw.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
    line.to_owned()
}

async fn the_look(story: &Story, m: &Maintenance) -> Vec<(i64, &'static str, i64)> {
    let looks = story.services.reminders_of(&Actor::system(), m.id).await.unwrap();
    let line = |standing| match standing {
        ReminderStanding::Coming { to } => ("coming", to),
        ReminderStanding::Sent { to, .. } => ("sent", to),
        ReminderStanding::Passed { too_soon } => (if too_soon { "too soon" } else { "passed" }, 0),
    };
    looks.iter().map(|look| (look.lead.as_seconds() / 3600, line(look.standing).0, line(look.standing).1)).collect()
}

async fn each_reminder_goes_once_at_its_time_in_the_thread_of_the_announcement(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    let m = tuesday(&story).await;
    let announcement = story.deliver().await.remove(0);
    assert_eq!(the_look(&story, &m).await, [(72, "coming", 1), (24, "coming", 1), (1, "coming", 1)]);

    assert_eq!(at(&story.services, before(72, 1)).await, 0);
    story.reader("bob@example.net").await;
    assert_eq!(at(&story.services, before(72, 0)).await, 1);
    assert_eq!(at(&story.services, before(71, 59)).await, 0, "once");
    let mails = story.deliver().await;
    assert_eq!(mails.len(), 2, "also to who joined after the announcement");
    let ann = mails.iter().find(|mail| mail.to.to_string() == "ann@example.net").unwrap();
    assert_eq!(header(ann, "Subject"), header(&announcement, "Subject"));
    assert_eq!(header(ann, "References"), header(&announcement, "References"));
    assert_ne!(ann.message_id, announcement.message_id);
    let line = story.newest(&Actor::system()).await;
    let letter = story.services.mail_to(&Actor::system(), line.notification, line.subscriber).await.unwrap().letter;
    let text = letter.unwrap().text;
    assert!(text.starts_with("Reminder\nReplace a failed disk\n"), "{text}");
    assert!(text.contains("A reminder: this maintenance begins in 3 days."), "{text}");
    assert!(text.contains("Sites are away for ten minutes."), "{text}");
    assert_eq!(the_look(&story, &m).await, [(72, "sent", 2), (24, "coming", 2), (1, "coming", 2)]);

    assert_eq!(at(&story.services, before(24, 0)).await, 1);
    assert_eq!(at(&story.services, before(1, 0)).await, 1);
    assert_eq!(at(&story.services, start()).await, 0);
    let after = story.services.maintenance(&Actor::system(), m.id).await.unwrap();
    assert_eq!((after.sequence, after.version), (m.sequence, m.version), "nothing about the window changes");
    let filter = AuditFilter { object: "maintenance".to_owned(), ..AuditFilter::default() };
    let log = story.services.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    assert_eq!(log.iter().filter(|entry| entry.action == "maintenance.remind").count(), 3);
}

async fn a_clock_that_jumps_sends_one_mail_and_never_one_again(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    let m = tuesday(&story).await;
    story.deliver().await;
    // We were away for three days.
    assert_eq!(at(&story.services, before(20, 0)).await, 1);
    assert_eq!(story.deliver().await.len(), 1);
    assert_eq!(the_look(&story, &m).await, [(72, "passed", 0), (24, "sent", 1), (1, "coming", 1)]);
    // The clock goes back, and a process begins anew with nothing but what is stored.
    let anew = services_on(&story.db);
    for now in [before(72, 0), before(30, 0), before(24, 0), before(20, 0)] {
        assert_eq!(at(&anew, now).await, 0, "{now}");
    }
    assert_eq!(at(&anew, before(0, 1)).await, 1);
    assert_eq!(at(&anew, start()).await, 0);
}

async fn a_new_time_has_reminders_of_its_own(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    let m = tuesday(&story).await;
    let system = Actor::system();
    assert_eq!(at(&story.services, before(72, 0)).await, 1);
    assert_eq!(at(&story.services, before(24, 0)).await, 1);
    story.deliver().await;
    // To Thursday, the same hour: 72 h before it has passed, 24 h before it lies ahead again.
    let input = MaintenanceInput {
        start: Some("2014-05-22T20:00".to_owned()),
        end: Some("2014-05-22T22:00".to_owned()),
        ..MaintenanceInput::default()
    };
    story.services.clock.set(before(20, 0));
    let moved = story.services.edit_maintenance(&system, m.id, None, &input, "").await.unwrap();
    assert_eq!(at(&story.services, before(20, 0)).await, 0);
    let look = the_look(&story, &moved).await;
    assert_eq!(look, [(72, "sent", 1), (24, "sent", 1), (72, "too soon", 0), (24, "coming", 1), (1, "coming", 1)]);
    assert_eq!(at(&story.services, start()).await, 0);
    assert_eq!(at(&story.services, Span::hours(24).after(start())).await, 1);
    assert_eq!(story.deliver().await.len(), 2, "the new time, and its reminder");
}

async fn who_read_the_time_a_moment_ago_is_not_reminded_of_it(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    // Announced at noon, for ten past noon tomorrow and ten past one today.
    let mut input = story.plan("2014-05-16T13:10", "2014-05-16T15:00").await;
    story.scheduled(Target::New, &input).await;
    input.start = Some("2014-05-15T14:10".to_owned());
    input.end = Some("2014-05-15T15:00".to_owned());
    story.scheduled(Target::New, &input).await;
    assert_eq!(story.deliver().await.len(), 2);
    assert_eq!(at(&story.services, Span::minutes(10).after(noon())).await, 0, "told ten minutes ago");
    assert_eq!(at(&story.services, Span::minutes(60).after(noon())).await, 0);
    assert_eq!(at(&story.services, Span::minutes(23 * 60 + 10).after(noon())).await, 1, "an hour before");
}

async fn what_is_not_ahead_any_more_is_not_reminded_of(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    let system = Actor::system();
    let input = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    story.services.draft_maintenance(&system, &input).await.unwrap();
    assert_eq!(at(&story.services, before(72, 0)).await, 0, "a draft");
    story.services.clock.set(noon());
    let m = story.scheduled(Target::New, &input).await;
    story.services.cancel_maintenance(&system, m.id, None, "Not needed").await.unwrap();
    assert_eq!(at(&story.services, before(72, 0)).await, 0, "called off");
    assert_eq!(at(&story.services, before(1, 0)).await, 0);
}

async fn a_window_has_the_reminders_it_asks_for(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    let system = Actor::system();
    let plan = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    let none = MaintenanceInput { reminders: Some("none".to_owned()), ..plan.clone() };
    let own = MaintenanceInput { reminders: Some("2 h, 30 min".to_owned()), ..plan.clone() };
    let wrong = MaintenanceInput { reminders: Some("soon".to_owned()), ..plan };
    let refused = story.services.draft_maintenance(&system, &wrong).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "reminders"));
    let none = story.scheduled(Target::New, &none).await;
    let own = story.scheduled(Target::New, &own).await;
    assert_eq!(none.reminders, Reminders::Own(Leads::none()));
    for (now, count) in [(before(72, 0), 0), (before(2, 0), 1), (before(1, 0), 0)] {
        assert_eq!(at(&story.services, now).await, count, "{now}");
    }
    // What is added to the list is not sent because its instant lies behind.
    let more = MaintenanceInput { reminders: Some("90 min, 40 min, 10 min".to_owned()), ..MaintenanceInput::default() };
    let own = story.services.edit_maintenance(&system, own.id, None, &more, "").await.unwrap();
    assert_eq!(at(&story.services, before(0, 59)).await, 0);
    assert_eq!(at(&story.services, before(0, 40)).await, 1);
    assert_eq!(own.sequence, 0, "customers see nothing of the list");
}

async fn the_sites_list_counts_for_windows_without_their_own(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    let (system, services) = (Actor::system(), &story.services);
    tuesday(&story).await;
    services.clock.set(before(60, 0));
    let site = services.site().await.unwrap();
    let settings = SiteSettings {
        name: site.name.to_string(),
        zone: site.zone,
        schedule_max_age: "24 h".to_owned(),
        start_max_age: "4 h".to_owned(),
        lead: "90 min".to_owned(),
        warnings_are_good: false,
        reminders: "1 min".to_owned(),
        digest_hour: "8".to_owned(),
        version: site.version,
        ..SiteSettings::default()
    };
    let refused = services.edit_site(&system, &settings).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "reminders"));
    let settings = SiteSettings { reminders: "3 d, 61 h, 2 h".to_owned(), ..settings };
    assert_eq!(
        services.edit_site(&system, &settings).await.unwrap().reminders,
        Leads::parse("72 h, 61 h, 2 h").unwrap()
    );
    assert_eq!(at(services, before(59, 0)).await, 0, "what the new list would have sent before is not made up for");
    assert_eq!(at(services, before(24, 0)).await, 0);
    assert_eq!(at(services, before(2, 0)).await, 1);
}

async fn a_reminder_that_could_not_go_in_time_does_not_go(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    tuesday(&story).await;
    story.deliver().await;
    let busy =
        || Outcome::Retry { stage: Stage::Rcpt, code: Some(450), text: "450 later".to_owned(), spend_attempt: true };
    assert_eq!(at(&story.services, before(1, 0)).await, 1);
    story.outbox.answer_next(busy());
    assert!(story.deliver().await.is_empty());
    story.services.clock.set(start());
    assert!(story.deliver().await.is_empty(), "nobody is reminded of what has begun");
    let line = story.newest(&Actor::system()).await;
    assert_eq!(line.error.as_deref(), Some("the start has passed"));
}

async fn of_reminders_that_wait_only_the_newest_is_kept(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    tuesday(&story).await;
    story.deliver().await;
    assert_eq!(at(&story.services, before(72, 0)).await, 1);
    assert_eq!(at(&story.services, before(24, 0)).await, 1);
    let mails = story.deliver().await;
    assert_eq!(mails.len(), 1, "the relay was away for two days");
}

async fn many_nodes_remind_once(engine: Engine) {
    let story = Story::begin(engine).await;
    story.reader("ann@example.net").await;
    tuesday(&story).await;
    story.deliver().await;
    // Two processes on one PostgreSQL; with SQLite there is only one.
    let other =
        if engine == Engine::Postgres { Db::open(&story.db.address).await.unwrap() } else { story.db.db.clone() };
    let nodes: Vec<Services> =
        (0..6).map(|n| crate::services_of(if n % 2 == 0 { &story.db.db } else { &other })).collect();
    for now in [before(72, 0), before(24, 0), before(1, 0)] {
        let looking: Vec<_> =
            nodes.iter().cloned().map(|node| tokio::spawn(async move { at(&node, now).await })).collect();
        let mut sent = 0;
        for look in looking {
            sent += look.await.unwrap();
        }
        assert_eq!(sent, 1, "{now}");
        story.services.clock.set(now);
        assert_eq!(story.deliver().await.len(), 1);
    }
}

storage::on_both!(
    each_reminder_goes_once_at_its_time_in_the_thread_of_the_announcement,
    a_clock_that_jumps_sends_one_mail_and_never_one_again,
    a_new_time_has_reminders_of_its_own,
    who_read_the_time_a_moment_ago_is_not_reminded_of_it,
    what_is_not_ahead_any_more_is_not_reminded_of,
    a_window_has_the_reminders_it_asks_for,
    the_sites_list_counts_for_windows_without_their_own,
    a_reminder_that_could_not_go_in_time_does_not_go,
    of_reminders_that_wait_only_the_newest_is_kept,
    many_nodes_remind_once,
);
