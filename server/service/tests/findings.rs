//! Findings from the first look to the mailbox of those who mend them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::finding::{Case, Kind};
use domain::host::Host;
use domain::ids::{JobId, UserId};
use domain::people::{Role, User};
use domain::text::Name;
use domain::time::{Instant, Span};
use outbound::mail::Mail;
use outbound::smtp::{MailBackend, MemoryOutbox, Outcome};
use serde_json::{Value, json};
use service::audit::AuditFilter;
use service::courier::{Courier, CourierSettings, NOT_CONFIGURED};
use service::findings::{AcknowledgementInput, FindingsQuery, FindingsView};
use service::inventory::{DataSetInput, HostInput, JobInput};
use service::keys::Keys;
use service::people::{NewPerson, Person};
use service::runs::ReportInput;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::sync::Arc;
use std::time::Duration;
use storage::testing::{Engine, TestDb};
use tokio_util::sync::CancellationToken;

struct Watch {
    services: Services,
    outbox: MemoryOutbox,
    db: TestDb,
}

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

fn node(db: &TestDb, now: Instant) -> Services {
    Services::new(Setup {
        db: db.db.clone(),
        clock: Clock::fixed(now),
        keys: Keys::new(vec![3; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: true,
    })
}

impl Watch {
    /// Nothing is there, and everything was looked at once.
    async fn begin(engine: Engine, now: &str) -> Self {
        let db = TestDb::start(engine).await;
        let services = node(&db, utc(now));
        services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        services.watch_findings().await.unwrap();
        Self { services, outbox: MemoryOutbox::new(), db }
    }

    fn at(&self, now: &str) {
        self.services.clock.set(utc(now));
    }

    /// Looks once at this time.
    async fn look(&self, now: &str) {
        self.at(now);
        self.services.watch_findings().await.unwrap();
    }

    async fn host(&self, name: &str) -> Host {
        let input = HostInput { name: name.to_owned(), ..HostInput::default() };
        self.services.add_host(&Actor::system(), input).await.unwrap()
    }

    async fn person(&self, email: &str, role: Role) -> (User, Actor) {
        let person = Person { email: email.to_owned(), name: email.to_owned(), role: role.as_str().to_owned() };
        let new = NewPerson { person, password: "correct horse battery".into() };
        let user = self.services.add_person(&Actor::system(), &new).await.unwrap().user;
        (user.clone(), self.services.actor_for_session(user.id, None).await.unwrap())
    }

    async fn all(&self) -> FindingsView {
        self.services.findings(&Actor::system(), &FindingsQuery::default()).await.unwrap()
    }

    async fn open(&self) -> Vec<Case> {
        self.all().await.open
    }

    /// Runs a courier until nothing is due.
    async fn deliver_with(&self, backend: Option<MailBackend>) -> Vec<Mail> {
        let from = "status@example.org".to_owned();
        let settings = CourierSettings { backend, from, from_name: None, connections: 2, rate_per_s: None };
        let cancel = CancellationToken::new();
        let running = tokio::spawn(Courier::new(self.services.clone(), settings).run(cancel.clone()));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while self.db.db.read().await.unwrap().next_team_delivery_at().await.unwrap().is_some() {
            assert!(tokio::time::Instant::now() < deadline, "the outbox does not empty");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        cancel.cancel();
        running.await.unwrap();
        self.outbox.take()
    }

    /// Subject and reader of each mail that goes out now.
    async fn mails(&self) -> Vec<(String, String)> {
        let mails = self.deliver_with(Some(MailBackend::Memory(self.outbox.clone()))).await;
        let mut told: Vec<_> = mails.iter().map(|mail| (mail.to.to_string(), header(mail, "Subject: "))).collect();
        told.sort();
        told
    }

    /// A job reports one run at its end.
    async fn ran(&self, job: JobId, status: &str, from: &str, to: &str) {
        let report = json!({"job": job.to_string(), "run_id": from, "status": status,
            "started_at": utc(from), "finished_at": utc(to)});
        let Value::Object(report) = report else { panic!("{report}") };
        self.at(to);
        self.services.report(&Actor::system(), None, &ReportInput(report)).await.unwrap();
    }

    async fn audit(&self) -> Vec<String> {
        let filter = AuditFilter { object: "finding".to_owned(), ..AuditFilter::default() };
        let page = self.services.audit_log(&Actor::system(), &filter).await.unwrap();
        page.entries.into_iter().map(|entry| entry.action).collect()
    }
}

fn header(mail: &Mail, name: &str) -> String {
    let raw = String::from_utf8(mail.raw.clone()).unwrap().replace("\r\n ", " ");
    raw.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
}

fn places(cases: &[Case]) -> Vec<(Kind, &str)> {
    cases.iter().map(|case| (case.finding.what.kind(), case.finding.place.as_str())).collect()
}

fn until(day: &str) -> AcknowledgementInput {
    AcknowledgementInput { reason: "Its owner is on leave.".to_owned(), until: day.to_owned() }
}

async fn a_finding_opens_closes_and_opens_again_as_another(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let host = w.host("legacy-shop").await;
    w.look("2014-05-15T12:59").await;
    assert_eq!(places(&w.open().await), [], "there is time to declare it");
    w.look("2014-05-15T13:00").await;
    let first = w.open().await.remove(0);
    assert_eq!(places(std::slice::from_ref(&first)), [(Kind::UnclaimedHost, "legacy-shop")]);
    assert_eq!((first.first_seen_at, first.since()), (utc("2014-05-15T13:00"), utc("2014-05-15T12:00")));
    w.look("2014-05-15T13:02").await;
    assert_eq!(w.open().await, std::slice::from_ref(&first), "it is not written each time");
    w.look("2014-05-15T13:20").await;
    assert_eq!(w.open().await[0].last_seen_at, utc("2014-05-15T13:20"));

    let input = HostInput { name: "legacy-shop".to_owned(), owner: "Web team".to_owned(), ..HostInput::default() };
    let host = w.services.edit_host(&Actor::system(), host.id, host.version, input).await.unwrap();
    w.look("2014-05-15T14:00").await;
    let view = w.all().await;
    assert_eq!((view.open.len(), view.closed.len()), (0, 1));
    assert_eq!(view.closed[0].closed_at, Some(utc("2014-05-15T14:00")));
    let input = HostInput { name: "legacy-shop".to_owned(), ..HostInput::default() };
    w.services.edit_host(&Actor::system(), host.id, host.version, input).await.unwrap();
    w.look("2014-05-15T15:00").await;
    assert_ne!(w.open().await[0].id, first.id);
    w.at("2014-05-29T14:00");
    assert_eq!(w.all().await.closed.len(), 1);
    w.at("2014-05-29T14:01");
    assert_eq!(w.all().await.closed.len(), 0, "what is gone is shown for two weeks");
}

async fn a_job_that_falls_silent_is_found_until_it_reports(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let (system, host) = (Actor::system(), w.host("web-12").await);
    let set = DataSetInput { name: "database".to_owned(), kind: "database".to_owned() };
    let set = w.services.add_data_set(&system, host.id, set).await.unwrap();
    w.look("2014-05-15T13:00").await;
    assert_eq!(places(&w.open().await), [(Kind::NoDumpJob, "web-12 · database")]);
    let job = JobInput {
        name: "dump".to_owned(),
        every: "24 h".to_owned(),
        max_duration: "1 h".to_owned(),
        ..JobInput::default()
    };
    let job = w.services.add_job(&system, set.id, job).await.unwrap();
    w.look("2014-05-17T12:59").await;
    assert_eq!(places(&w.open().await), []);
    w.look("2014-05-17T13:00").await;
    assert_eq!(places(&w.open().await), [(Kind::SilentJob, "web-12 · database: dump")]);
    assert_eq!(w.services.findings_of_job(&system, job.id).await.unwrap().len(), 1);
    w.ran(job.id, "failed", "2014-05-17T13:00", "2014-05-17T13:01").await;
    w.look("2014-05-17T13:02").await;
    assert_eq!(places(&w.open().await), [], "it speaks, even of a failure");
}

async fn a_dump_that_ends_after_its_carrier_started_is_found_and_shown_with_its_job(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-14T00:00").await;
    let (system, host) = (Actor::system(), w.host("web-12").await);
    let mut jobs = Vec::new();
    for kind in ["files", "database"] {
        let set = DataSetInput { name: kind.to_owned(), kind: kind.to_owned() };
        let set = w.services.add_data_set(&system, host.id, set).await.unwrap();
        let job = JobInput {
            name: "nightly".to_owned(),
            every: "24 h".to_owned(),
            max_duration: "6 h".to_owned(),
            carried_by: jobs.first().map(ToString::to_string).unwrap_or_default(),
            ..JobInput::default()
        };
        jobs.push(w.services.add_job(&system, set.id, job).await.unwrap().id);
    }
    let (files, dump) = (jobs[0], jobs[1]);
    w.ran(dump, "ok", "2014-05-14T00:30", "2014-05-14T00:50").await;
    w.ran(files, "ok", "2014-05-14T01:00", "2014-05-14T02:00").await;
    w.look("2014-05-14T03:00").await;
    assert_eq!(places(&w.open().await), []);
    let order = w.services.job_view(&system, dump).await.unwrap().order.unwrap();
    assert_eq!((order.newest.gap(), order.trend), (Span::minutes(10), None));
    assert_eq!(w.services.job_view(&system, files).await.unwrap().order, None);

    w.ran(files, "ok", "2014-05-15T01:00", "2014-05-15T02:00").await;
    w.ran(dump, "warning", "2014-05-15T04:00", "2014-05-15T04:20").await;
    w.look("2014-05-15T05:00").await;
    assert_eq!(places(&w.open().await), [(Kind::DumpLate, "web-12 · database: nightly")]);
    let order = w.services.job_view(&system, dump).await.unwrap().order.unwrap();
    assert_eq!(order.newest.gap(), Span::minutes(-200));
}

async fn those_who_mend_hear_of_new_findings_once_and_together(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    w.person("vera@example.org", Role::Viewer).await;
    let (gone, _) = w.person("gone@example.org", Role::Operator).await;
    w.person("oisin@example.org", Role::Operator).await;
    w.person("ada@example.org", Role::Admin).await;
    w.services.disable_person(&Actor::system(), gone.id).await.unwrap();
    w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    assert_eq!(w.mails().await, [], "more may follow at once");
    w.at("2014-05-15T12:02");
    w.host("spare").await;
    w.look("2014-05-15T13:02").await;
    assert_eq!(w.mails().await, []);
    // Two nodes look at the same moment.
    let other = node(&w.db, utc("2014-05-15T13:03"));
    w.at("2014-05-15T13:03");
    let (one, two) = tokio::join!(w.services.watch_findings(), other.watch_findings());
    one.unwrap();
    two.unwrap();
    let subject = "[Northwind] 2 new findings".to_owned();
    let told = ["ada@example.org", "oisin@example.org"].map(|to| (to.to_owned(), subject.clone()));
    assert_eq!(w.mails().await, told);
    w.look("2014-05-15T14:00").await;
    assert_eq!(w.mails().await, [], "told once");
    w.host("third").await;
    w.look("2014-05-15T15:00").await;
    w.look("2014-05-15T15:03").await;
    let subject = "[Northwind] Unclaimed host: third".to_owned();
    assert_eq!(w.mails().await.first().cloned(), Some(("ada@example.org".to_owned(), subject)));
}

async fn what_is_gone_before_it_was_told_is_not_told(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    w.person("oisin@example.org", Role::Operator).await;
    let host = w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    w.services.exempt_host(&Actor::system(), host.id, host.version, "a spare").await.unwrap();
    w.look("2014-05-15T13:02").await;
    w.look("2014-05-15T13:10").await;
    assert_eq!(w.mails().await, []);
}

async fn all_that_is_open_is_told_once_a_day_at_the_same_hour(engine: Engine) {
    // Dublin is at UTC until the night to 29 March, then at UTC+1.
    let w = Watch::begin(engine, "2026-03-27T12:00").await;
    w.person("oisin@example.org", Role::Operator).await;
    let host = w.host("legacy-shop").await;
    w.look("2026-03-27T13:00").await;
    w.look("2026-03-27T13:03").await;
    assert_eq!(w.mails().await.len(), 1);
    let daily = |subject: &str| [("oisin@example.org".to_owned(), format!("[Northwind] {subject}"))];
    w.look("2026-03-28T07:59").await;
    assert_eq!(w.mails().await, []);
    w.look("2026-03-28T08:00").await;
    assert_eq!(w.mails().await, daily("1 finding, 1 new"), "since the last one");
    w.look("2026-03-28T08:01").await;
    w.look("2026-03-28T23:59").await;
    assert_eq!(w.mails().await, []);
    w.look("2026-03-29T06:59").await;
    assert_eq!(w.mails().await, []);
    // Nobody looked at the hour itself: the program was not running.
    let restarted = node(&w.db, utc("2026-03-29T09:30"));
    restarted.watch_findings().await.unwrap();
    restarted.watch_findings().await.unwrap();
    w.at("2026-03-29T09:30");
    assert_eq!(w.mails().await, daily("1 finding"));
    w.look("2026-03-30T07:00").await;
    assert_eq!(w.mails().await, daily("1 finding"));
    w.services.exempt_host(&Actor::system(), host.id, host.version, "a spare").await.unwrap();
    w.look("2026-03-31T07:00").await;
    assert_eq!(w.mails().await, [], "nothing is open");
}

async fn an_acknowledged_finding_is_quiet_until_its_day_and_then_news(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let (_, vera) = w.person("vera@example.org", Role::Viewer).await;
    let (_, oisin) = w.person("oisin@example.org", Role::Operator).await;
    w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    let case = w.open().await.remove(0);
    let acknowledge =
        async |actor: &Actor, version, input| w.services.acknowledge_finding(actor, case.id, version, &input).await;
    assert!(matches!(acknowledge(&vera, 1, until("2014-05-18")).await, Err(Error::Forbidden(_))));
    assert!(matches!(acknowledge(&oisin, 7, until("2014-05-18")).await, Err(Error::Stale(_))));
    for (reason, day, field) in [
        ("", "2014-05-18", "reason"),
        ("x", "", "until"),
        ("x", "2014-05-15", "until"),
        ("x", "2015-06-01", "until"),
        ("x", "tomorrow", "until"),
    ] {
        let input = AcknowledgementInput { reason: reason.to_owned(), until: day.to_owned() };
        let refused = acknowledge(&oisin, 1, input).await;
        assert!(matches!(&refused, Err(Error::Invalid(f)) if f.len() == 1 && f[0].field == field), "{refused:?}");
    }
    let quiet = acknowledge(&oisin, 1, until("2014-05-18")).await.unwrap();
    let said = quiet.acknowledged.unwrap();
    assert_eq!((said.by.as_str(), said.until), ("oisin@example.org", utc("2014-05-18T07:00")));
    assert_eq!(w.audit().await, ["finding.acknowledge"]);
    let view = w.all().await;
    assert_eq!((view.open.len(), view.acknowledged.len()), (0, 1));
    assert_eq!(w.services.count_findings(&vera).await.unwrap(), 0);
    w.look("2014-05-15T13:30").await;
    w.look("2014-05-16T07:00").await;
    assert_eq!(w.mails().await, [], "somebody knows");

    w.look("2014-05-18T07:00").await;
    assert_eq!(w.open().await.len(), 1);
    let back = w.mails().await;
    assert_eq!(back, [("oisin@example.org".to_owned(), "[Northwind] 1 finding, 1 new".to_owned())]);

    acknowledge(&oisin, 2, until("2014-05-20")).await.unwrap();
    w.services.end_acknowledgement(&oisin, case.id, 3).await.unwrap();
    assert_eq!(w.open().await.len(), 1);
    w.look("2014-05-18T12:00").await;
    assert_eq!(w.mails().await, [], "who ended it knows, and the others were told");
    assert_eq!(w.audit().await, ["finding.end_acknowledgement", "finding.acknowledge", "finding.acknowledge"]);
}

/// The text of the newest mail to a person.
async fn newest(w: &Watch, person: UserId) -> String {
    let mails = w.services.team_mails(&Actor::system()).await.unwrap();
    let mail = mails.iter().find(|mail| mail.person == person).unwrap();
    w.services.team_mail(&Actor::system(), mail.notification, person).await.unwrap().1.unwrap().text
}

async fn mails_end_by_one_click_or_on_the_account_page(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let (user, oisin) = w.person("oisin@example.org", Role::Operator).await;
    let (_, vera) = w.person("vera@example.org", Role::Viewer).await;
    assert_eq!(w.services.my_team_mail(&oisin).await.unwrap(), Some(true));
    assert_eq!(w.services.my_team_mail(&vera).await.unwrap(), None);
    assert!(matches!(w.services.choose_team_mail(&vera, true).await, Err(Error::Forbidden(_))));
    w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    w.look("2014-05-15T13:03").await;
    let mail = w.deliver_with(Some(MailBackend::Memory(w.outbox.clone()))).await.remove(0);
    assert_eq!(header(&mail, "List-Unsubscribe-Post: "), "List-Unsubscribe=One-Click");
    let text = newest(&w, user.id).await;
    assert!(text.contains("Since Thu 15 May 2014, 13:00 IST (UTC+1)\n  12:00 UTC\n"), "{text}");
    assert!(text.contains("https://status.example.org/admin/findings"), "{text}");
    let link = |text: &str| {
        let start = text.find("/team-mail/").unwrap() + "/team-mail/".len();
        text[start..].lines().next().unwrap().to_owned()
    };
    let first = link(&text);
    assert!(header(&mail, "List-Unsubscribe: ").contains(&format!("/team-mail/{first}")));
    assert!(w.services.team_mail_by_link(&first).await.unwrap().wanted, "looking ends nothing");
    assert!(matches!(w.services.stop_team_mail(None, "nonsense").await, Err(Error::NotFound(_))));
    w.services.stop_team_mail(None, &first).await.unwrap();
    w.services.stop_team_mail(None, &first).await.unwrap();
    assert_eq!(w.services.my_team_mail(&oisin).await.unwrap(), Some(false));
    w.look("2014-05-16T07:00").await;
    assert_eq!(w.mails().await, []);

    w.services.choose_team_mail(&oisin, true).await.unwrap();
    assert!(matches!(w.services.team_mail_by_link(&first).await, Err(Error::NotFound(_))), "an old link is dead");
    w.look("2014-05-17T07:00").await;
    assert_eq!(w.mails().await.len(), 1);
    assert_ne!(link(&newest(&w, user.id).await), first);
    let filter = AuditFilter { object: "person".to_owned(), ..AuditFilter::default() };
    let log = w.services.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    assert_eq!(log.iter().filter(|entry| entry.action == "person.choose_mail").count(), 2);
}

async fn who_left_meanwhile_gets_no_mail_and_a_failed_one_needs_somebody(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let (user, oisin) = w.person("oisin@example.org", Role::Operator).await;
    w.person("ada@example.org", Role::Admin).await;
    w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    w.look("2014-05-15T13:03").await;
    w.services.choose_team_mail(&oisin, false).await.unwrap();
    let text = "550 no such user".to_owned();
    w.outbox.answer_next(Outcome::FailRecipient { suppress: true, code: 550, text });
    let mails = w.deliver_with(Some(MailBackend::Memory(w.outbox.clone()))).await;
    assert!(mails.iter().all(|mail| mail.to.to_string() != "oisin@example.org"));
    let listed = w.services.team_mails(&Actor::system()).await.unwrap();
    let error = |person: UserId| listed.iter().find(|mail| mail.person == person).unwrap().error.clone();
    assert_eq!(error(user.id).as_deref(), Some("the person does not want these mails"));
    assert_eq!(w.services.stuck_mails(&oisin).await.unwrap().failed, 1);
    let seen = w.services.team_mails(&oisin).await.unwrap();
    assert!(seen.iter().all(|mail| mail.error.is_none() && mail.address.contains("***")), "{seen:?}");
}

async fn without_a_mail_server_the_mail_can_be_read(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let (user, oisin) = w.person("oisin@example.org", Role::Operator).await;
    w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    w.look("2014-05-15T13:03").await;
    w.deliver_with(None).await;
    let mail = w.services.team_mails(&Actor::system()).await.unwrap().remove(0);
    assert_eq!((mail.title.as_str(), mail.error.as_deref()), ("Unclaimed host: legacy-shop", Some(NOT_CONFIGURED)));
    assert!(newest(&w, user.id).await.contains("Declare what must not be lost on it"));
    assert!(matches!(w.services.team_mail(&oisin, mail.notification, user.id).await, Err(Error::Forbidden(_))));
}

async fn who_was_only_invited_hears_nothing(engine: Engine) {
    let w = Watch::begin(engine, "2014-05-15T12:00").await;
    let person = Person {
        email: "new@example.org".to_owned(),
        name: "New".to_owned(),
        role: Role::Operator.as_str().to_owned(),
    };
    w.services.add_person(&Actor::system(), &NewPerson { person, password: String::new().into() }).await.unwrap();
    w.host("legacy-shop").await;
    w.look("2014-05-15T13:00").await;
    w.look("2014-05-15T13:03").await;
    assert_eq!(w.mails().await, []);
    assert_eq!(w.open().await[0].told_at, Some(utc("2014-05-15T13:03")), "nobody to tell is no reason to wait");
}

storage::on_both!(
    a_finding_opens_closes_and_opens_again_as_another,
    a_job_that_falls_silent_is_found_until_it_reports,
    a_dump_that_ends_after_its_carrier_started_is_found_and_shown_with_its_job,
    those_who_mend_hear_of_new_findings_once_and_together,
    what_is_gone_before_it_was_told_is_not_told,
    all_that_is_open_is_told_once_a_day_at_the_same_hour,
    an_acknowledged_finding_is_quiet_until_its_day_and_then_news,
    mails_end_by_one_click_or_on_the_account_page,
    who_left_meanwhile_gets_no_mail_and_a_failed_one_needs_somebody,
    without_a_mail_server_the_mail_can_be_read,
    who_was_only_invited_hears_nothing,
);
