//! Windows from the draft to their end, with a real database and a clock that tests move.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod windows {
    mod checklist;
    mod conflicts;
    mod overriding;
    mod series;
    mod zone_moves;
}

use chrono::{DateTime, Utc};
use domain::backup::Job;
use domain::gate::Purpose;
use domain::host::{DataKind, DataSet, Exemption, Host};
use domain::ids::{DataSetId, HostId, JobId, MaintenanceId, RunId, UserId};
use domain::maintenance::{Maintenance, Occasion, State, Update, UpdateKind};
use domain::people::{Role, User};
use domain::policy::PolicyOverride;
use domain::run::{Run, RunState};
use domain::text::Name;
use domain::time::{Civil, Instant, LocalTime, Span, UnknownZone, ZoneRules};
use service::keys::Keys;
use service::maintenance::{ExtendInput, Listing, MaintenanceInput, Planning, Target};
use service::site::SiteSettings;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::sync::Arc;
use storage::Db;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

/// Story time: "Wed 23:00" is Wednesday, 14 May 2014, 23:00 UTC; "2014-06-03 12:00" is what it says.
fn utc(text: &str) -> DateTime<Utc> {
    if text.starts_with("20") {
        return format!("{}:00Z", text.replace(' ', "T")).parse().unwrap();
    }
    let (day, time) = text.split_once(' ').unwrap();
    let day = match day {
        "Mon" => 12,
        "Tue" => 13,
        "Wed" => 14,
        "Thu" => 15,
        "Fri" => 16,
        "Sat" => 17,
        other => panic!("{other}"),
    };
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2014-05-{day}T{time}{seconds}Z").parse().unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

struct World {
    t: TestDb,
    services: Services,
    system: Actor,
}

fn services_on(db: &Db, now: Instant) -> Services {
    services_with(db, now, Arc::new(SystemZones::newest()))
}

fn services_with(db: &Db, now: Instant, zones: Arc<dyn ZoneRules>) -> Services {
    Services::new(Setup {
        db: db.clone(),
        clock: Clock::fixed(now),
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones,
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    })
}

impl World {
    async fn begin(engine: Engine, now: &str) -> Self {
        let t = TestDb::start(engine).await;
        let services = services_on(&t.db, utc(now));
        services.found(name("Northwind Hosting"), "Europe/Dublin".to_owned()).await.unwrap();
        Self { t, services, system: Actor::system() }
    }

    /// What a crash leaves: the database alone.
    fn restart(&mut self) {
        self.services = services_on(&self.t.db, self.services.now());
    }

    fn at(&self, time: &str) {
        self.services.clock.set(utc(time));
    }

    /// A minute after another until then, as the worker does second by second.
    async fn pass(&mut self, to: &str) -> usize {
        let mut changed = 0;
        while self.services.now() < utc(to) {
            self.services.clock.set(Span::minutes(1).after(self.services.now()).min(utc(to)));
            changed += self.services.run_due().await.unwrap();
        }
        changed
    }

    async fn host(&self, called: &str, runs_on: Option<HostId>) -> HostId {
        let id = HostId(Uuid::now_v7());
        let host = Host {
            id,
            name: name(called),
            note: String::new(),
            owner: String::new(),
            runs_on,
            exemption: None,
            policy: PolicyOverride::default(),
            retired_at: None,
            version: 1,
        };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_host(&host, self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn data(&self, host: HostId, called: &str) -> DataSetId {
        let id = DataSetId(Uuid::now_v7());
        let set =
            DataSet { id, host_id: host, name: name(called), kind: DataKind::Files, retired_at: None, version: 1 };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_data_set(&set, self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn job(&self, data: DataSetId, called: &str, carried_by: Option<JobId>) -> JobId {
        let id = JobId(Uuid::now_v7());
        let job = Job {
            id,
            data_set_id: data,
            name: name(called),
            tool: "borgmatic".to_owned(),
            carried_by,
            enabled: true,
            every: Span::hours(24),
            max_duration: Span::hours(6),
            ping_version: 1,
            retired_at: None,
            version: 1,
        };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_job(&job, &id.to_string(), self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn ran(&self, job: JobId, from: &str, to: &str) {
        let run = Run {
            id: RunId(Uuid::now_v7()),
            job_id: job,
            key: from.to_owned(),
            state: RunState::Succeeded,
            started_at: utc(from),
            start_assumed: false,
            finished_at: Some(utc(to)),
            dry_run: false,
            partial: false,
            clock_fault: false,
            received_at: utc(to),
            bytes: None,
            files: None,
            snapshot: None,
            exit_code: None,
        };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_run(&run, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// One host with one data set whose job ran at these times.
    async fn simple(&self, runs: &[(&str, &str)]) -> (HostId, JobId) {
        let host = self.host("vm3", None).await;
        let data = self.data(host, "image").await;
        let job = self.job(data, "image vm3", None).await;
        for (from, to) in runs {
            self.ran(job, from, to).await;
        }
        (host, job)
    }

    async fn scheduled(&self, input: &MaintenanceInput) -> Maintenance {
        match self.services.schedule_maintenance(&self.system, Target::New, input).await.unwrap() {
            Planning::Scheduled(m) => m,
            other => panic!("{other:?}"),
        }
    }

    async fn window(&self, id: MaintenanceId) -> Maintenance {
        self.services.maintenance(&self.system, id).await.unwrap()
    }

    /// Oldest first.
    async fn updates(&self, id: MaintenanceId) -> Vec<Update> {
        let mut updates = self.t.db.read().await.unwrap().updates_of(&[id]).await.unwrap();
        updates.reverse();
        updates
    }

    async fn kinds(&self, id: MaintenanceId) -> Vec<UpdateKind> {
        self.updates(id).await.into_iter().map(|update| update.kind).collect()
    }

    /// Oldest first.
    async fn asked(&self, id: MaintenanceId) -> Vec<(Occasion, bool)> {
        let mut verdicts = self.services.verdicts(&self.system, id).await.unwrap();
        verdicts.reverse();
        verdicts.into_iter().map(|kept| (kept.occasion, kept.verdict.is_confirmed())).collect()
    }

    /// Oldest first.
    async fn audited(&self) -> Vec<String> {
        let mut lines =
            self.t.db.read().await.unwrap().audit_before(None, Some("maintenance"), None, 99).await.unwrap();
        lines.reverse();
        lines.into_iter().map(|line| line.action).collect()
    }

    /// Somebody of the team who has signed in.
    async fn person(&self, called: &str, role: Role) -> Actor {
        let id = UserId(Uuid::now_v7());
        let user = User {
            id,
            email: format!("{}@example.org", id.0.simple()),
            name: name(called),
            role,
            disabled_at: None,
            has_password: false,
            signed_in_at: None,
            version: 1,
        };
        let mut tx = self.t.db.decide().await.unwrap();
        tx.add_user(&user, "", self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.services.actor_for_session(id, None).await.unwrap()
    }

    async fn told(&self, id: MaintenanceId) -> bool {
        self.t.db.read().await.unwrap().first_notification_content(id.0).await.unwrap().is_some()
    }
}

/// Thursday 20:00 to 22:00 in Dublin (19:00 to 21:00 UTC), may last until midnight (23:00 UTC).
fn thursday(hosts: &[HostId]) -> MaintenanceInput {
    MaintenanceInput {
        title: Some("Replace a failed disk in vm3".to_owned()),
        message: Some("Sites will be *offline* for ten minutes.".to_owned()),
        hosts: Some(hosts.iter().map(ToString::to_string).collect()),
        components: Some(vec![]),
        zone: Some("Europe/Dublin".to_owned()),
        start: Some("2014-05-15T20:00".to_owned()),
        end: Some("2014-05-15T22:00".to_owned()),
        may_wait: Some("2 h".to_owned()),
        auto_start: Some(true),
        auto_complete: Some(true),
        ..MaintenanceInput::default()
    }
}

async fn the_week_of_the_story_is_refused_with_its_three_reasons_and_goes_ahead_after_the_backup(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let vm3 = w.host("vm3", None).await;
    let web = w.host("web-12", Some(vm3)).await;
    let shop = w.host("legacy-shop", Some(vm3)).await;
    let (image, files, db, goods) = (
        w.data(vm3, "image").await,
        w.data(web, "files").await,
        w.data(web, "database").await,
        w.data(shop, "files").await,
    );
    let image = w.job(image, "image vm3", None).await;
    let files = w.job(files, "files web-12", None).await;
    let dump = w.job(db, "dump web-12", Some(files)).await;
    w.ran(image, "Tue 21:10", "Tue 22:00").await;
    w.ran(dump, "Wed 03:05", "Wed 03:40").await;
    w.ran(files, "Wed 23:00", "Wed 23:30").await;
    w.ran(dump, "Thu 03:05", "Thu 03:40").await;

    let planning = w.services.schedule_maintenance(&w.system, Target::New, &thursday(&[vm3])).await.unwrap();
    let Planning::Refused { draft, verdict } = planning else { panic!("{planning:?}") };
    let mut codes: Vec<_> = verdict.reasons().iter().map(|f| (f.place(), f.reason.code())).collect();
    codes.sort();
    assert_eq!(
        codes,
        [
            ("legacy-shop · files".to_owned(), "no_job"),
            ("vm3 · image".to_owned(), "too_old"),
            ("web-12 · database".to_owned(), "not_carried"),
        ]
    );
    assert_eq!((draft.state, draft.number, draft.published_at), (State::Draft, 1, None));
    assert_eq!(w.window(draft.id).await, draft);
    assert!(w.kinds(draft.id).await.is_empty() && !w.told(draft.id).await);
    let needs = w.services.needs_me(&w.system).await.unwrap();
    assert_eq!(needs.blocked_drafts.len(), 1);
    assert_eq!(needs.blocked_drafts[0].gate.radius.len(), 3);

    let goods = w.job(goods, "files legacy-shop", None).await;
    w.at("Thu 13:30");
    for (job, from, to) in [
        (goods, "Thu 12:30", "Thu 12:50"),
        (dump, "Thu 12:20", "Thu 12:29"),
        (files, "Thu 12:30", "Thu 12:50"),
        (image, "Thu 12:55", "Thu 13:20"),
    ] {
        w.ran(job, from, to).await;
    }
    let target = Target::Stored { id: draft.id, version: Some(draft.version) };
    let again = w.services.schedule_maintenance(&w.system, target, &MaintenanceInput::default()).await.unwrap();
    let Planning::Scheduled(m) = again else { panic!("{again:?}") };
    assert_eq!((m.state, m.published_at, m.number), (State::Scheduled, Some(utc("Thu 13:30")), 1));
    assert_eq!(m.planned.starts_at, utc("Thu 19:00"));
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled]);
    assert_eq!(w.asked(m.id).await, [(Occasion::Schedule, false), (Occasion::Schedule, true)]);
    assert_eq!(w.audited().await, ["maintenance.refuse", "maintenance.schedule"]);
    assert!(w.told(m.id).await);
    let kept = w.services.verdicts(&w.system, m.id).await.unwrap();
    let (_, first, evidence) = w.services.verdict(&w.system, m.id, kept[1].id).await.unwrap();
    assert_eq!((&first.verdict, evidence.hosts.len()), (&*verdict, 3));
}

async fn a_window_is_checked_ahead_starts_and_ends_by_itself(engine: Engine) {
    let mut w = World::begin(engine, "Wed 12:00").await;
    let (vm3, job) = w.simple(&[("Tue 23:00", "Tue 23:30")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    assert_eq!(w.services.run_due().await.unwrap(), 0);
    assert_eq!(w.pass("Wed 18:59").await, 0);
    assert_eq!(w.pass("Wed 19:00").await, 1);
    assert_eq!(w.asked(m.id).await[1..], [(Occasion::DayBefore, false)]);
    let soon = w.services.needs_me(&w.system).await.unwrap().soon;
    assert!(soon.len() == 1 && !soon[0].lasts && !soon[0].gate.verdict.is_confirmed());
    assert_eq!(w.window(m.id).await.version, m.version);
    w.restart();
    assert_eq!(w.pass("Thu 17:30").await, 1);
    assert_eq!(w.asked(m.id).await[2..], [(Occasion::Lead, false)]);
    w.at("Thu 18:30");
    w.ran(job, "Thu 17:40", "Thu 18:20").await;
    assert!(w.services.needs_me(&w.system).await.unwrap().soon[0].lasts);
    assert_eq!(w.pass("Thu 18:59").await, 0);
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled]);
    assert_eq!(w.pass("Thu 19:00").await, 1);
    let running = w.window(m.id).await;
    assert_eq!((running.state, running.started_at), (State::InProgress, Some(utc("Thu 19:00"))));
    w.restart();
    assert_eq!(w.pass("Thu 20:59").await, 0);
    assert_eq!(w.pass("Thu 21:00").await, 1);
    let done = w.window(m.id).await;
    assert_eq!((done.state, done.ended_at, done.next_due_at), (State::Completed, Some(utc("Thu 21:00")), None));
    assert_eq!(w.pass("Thu 23:30").await, 0);
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Started, UpdateKind::Completed]);
    assert!(done.sequence > running.sequence && running.sequence > m.sequence);
    assert_eq!(
        w.audited().await,
        ["schedule", "check", "check", "start", "complete"].map(|verb| format!("maintenance.{verb}"))
    );
}

async fn another_lead_counts_for_windows_already_scheduled(engine: Engine) {
    let mut w = World::begin(engine, "Wed 12:00").await;
    let (host, _) = w.simple(&[("Wed 01:00", "Wed 02:00")]).await;
    let m = w.scheduled(&thursday(&[host])).await;
    w.pass("Wed 20:00").await;
    assert_eq!(w.window(m.id).await.next_due_at, Some(utc("Thu 17:30")));
    let settings = |lead: &str, version| SiteSettings {
        name: "Northwind".to_owned(),
        zone: "Europe/Dublin".to_owned(),
        schedule_max_age: "24 h".to_owned(),
        start_max_age: "4 h".to_owned(),
        lead: lead.to_owned(),
        warnings_are_good: false,
        reminders: "none".to_owned(),
        digest_hour: "8".to_owned(),
        version,
        ..SiteSettings::default()
    };
    w.services.edit_site(&w.system, &settings("6 h", 1)).await.unwrap();
    assert_eq!(w.window(m.id).await.next_due_at, Some(utc("Thu 13:00")));
    w.services.edit_site(&w.system, &settings("30 min", 2)).await.unwrap();
    assert_eq!(w.window(m.id).await.next_due_at, Some(utc("Thu 18:30")));
}

async fn a_held_window_starts_by_itself_when_the_run_arrives_with_its_whole_length(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    w.pass("Thu 19:00").await;
    let held = w.window(m.id).await;
    assert_eq!((held.state, held.held_at), (State::Held, Some(utc("Thu 19:00"))));
    assert_eq!(w.services.needs_me(&w.system).await.unwrap().held.len(), 1);
    assert_eq!(w.services.retry_held().await.unwrap(), 0);
    assert_eq!(w.pass("Thu 20:10").await, 0);
    let answers = w.asked(m.id).await.len();
    // A run that goes on changes the reasons, not the answer.
    w.ran(job, "Thu 19:40", "Thu 20:09").await;
    w.restart();
    assert_eq!(w.services.retry_held().await.unwrap(), 1);
    let running = w.window(m.id).await;
    assert_eq!((running.state, running.held_at), (State::InProgress, None));
    assert_eq!(running.started_at, Some(utc("Thu 20:10")));
    assert_eq!(running.planned.ends_at, utc("Thu 22:10"));
    assert_eq!(w.asked(m.id).await[answers..], [(Occasion::Report, true)]);
    assert_eq!(w.services.retry_held().await.unwrap(), 0);
    w.pass("Thu 22:10").await;
    assert_eq!(w.window(m.id).await.state, State::Completed);
    assert_eq!(
        w.kinds(m.id).await,
        [UpdateKind::Scheduled, UpdateKind::Held, UpdateKind::Started, UpdateKind::Completed]
    );
    let started = &w.updates(m.id).await[2];
    assert_eq!((started.old_ends_at, started.ends_at), (Some(utc("Thu 21:00")), utc("Thu 22:10")));
}

async fn a_held_window_whose_length_no_longer_fits_is_postponed_and_gets_a_new_time(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    w.pass("Thu 20:59").await;
    assert_eq!(w.window(m.id).await.state, State::Held);
    w.pass("Thu 21:00").await;
    let postponed = w.window(m.id).await;
    assert_eq!((postponed.state, postponed.next_due_at), (State::Postponed, None));
    w.ran(job, "Thu 20:30", "Thu 21:20").await;
    assert_eq!(w.services.retry_held().await.unwrap(), 0);
    assert_eq!(w.services.needs_me(&w.system).await.unwrap().postponed, std::slice::from_ref(&postponed));

    w.at("Thu 22:00");
    let friday = MaintenanceInput {
        start: Some("2014-05-16T20:00".to_owned()),
        end: Some("2014-05-16T22:00".to_owned()),
        ..MaintenanceInput::default()
    };
    let moved = w
        .services
        .edit_maintenance(&w.system, m.id, Some(postponed.version), &friday, "The disk arrives tomorrow.")
        .await
        .unwrap();
    assert_eq!((moved.state, moved.planned.starts_at), (State::Scheduled, utc("Fri 19:00")));
    assert_eq!(moved.planned.latest_end_at, utc("Fri 23:00"));
    assert!(moved.sequence > postponed.sequence);
    let updates = w.updates(m.id).await;
    let kinds: Vec<_> = updates.iter().map(|update| update.kind).collect();
    assert_eq!(kinds, [UpdateKind::Scheduled, UpdateKind::Held, UpdateKind::Postponed, UpdateKind::Rescheduled]);
    assert_eq!(updates[3].old_starts_at, Some(utc("Thu 19:00")));
    assert_eq!(updates[3].body.as_str(), "The disk arrives tomorrow.");
    let late = w.services.edit_maintenance(&w.system, m.id, Some(postponed.version), &friday, "").await;
    assert!(matches!(late, Err(Error::Stale(_))));
}

async fn a_change_of_scope_that_the_gate_refuses_changes_nothing_but_keeps_the_answer(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let shop = w.host("legacy-shop", None).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    let wider = MaintenanceInput {
        hosts: Some(vec![vm3.to_string(), shop.to_string()]),
        title: Some("More".to_owned()),
        ..MaintenanceInput::default()
    };
    let refused = w.services.edit_maintenance(&w.system, m.id, None, &wider, "").await;
    let Err(Error::Refused { code, verdict: Some(verdict), .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((code, verdict.reasons()[0].reason.code()), ("gate_blocked", "no_data_set"));
    assert_eq!(w.window(m.id).await, m);
    assert_eq!(w.asked(m.id).await, [(Occasion::Schedule, true), (Occasion::Change, false)]);
    // Only words: nobody is asked.
    let words = MaintenanceInput { title: Some("Replace both disks".to_owned()), ..MaintenanceInput::default() };
    let changed = w.services.edit_maintenance(&w.system, m.id, None, &words, "").await.unwrap();
    assert_eq!((changed.title.as_str(), changed.sequence), ("Replace both disks", m.sequence + 1));
    assert_eq!(w.asked(m.id).await.len(), 2);
    // Nothing: nothing.
    let same = w.services.edit_maintenance(&w.system, m.id, None, &MaintenanceInput::default(), "").await.unwrap();
    assert_eq!(same, changed);
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Changed]);
}

async fn a_person_starts_early_only_if_the_gate_says_so_at_that_moment(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    // The story: shut down five minutes early, on a backup of the night before.
    w.at("Thu 18:55");
    let early = w.services.start_maintenance(&w.system, m.id, None, "").await;
    assert!(matches!(&early, Err(Error::Refused { code: "gate_blocked", verdict: Some(_), .. })), "{early:?}");
    assert_eq!(w.window(m.id).await, m);
    assert_eq!(w.asked(m.id).await[1..], [(Occasion::Start, false)]);
    // Due and by hand: on hold, and said so.
    w.at("Thu 19:00");
    let held = w.services.start_maintenance(&w.system, m.id, None, "We begin.").await;
    assert!(matches!(&held, Err(Error::Refused { code: "held", verdict: Some(_), .. })), "{held:?}");
    assert_eq!(w.window(m.id).await.state, State::Held);
    w.ran(job, "Thu 19:01", "Thu 19:20").await;
    w.at("Thu 19:21");
    let begun = w.services.start_maintenance(&w.system, m.id, None, "We begin.").await.unwrap();
    assert_eq!((begun.state, begun.planned.ends_at), (State::InProgress, utc("Thu 21:21")));
    let last = w.updates(m.id).await.pop().unwrap();
    assert_eq!((last.kind, last.body.as_str()), (UpdateKind::Started, "We begin."));
    let again = w.services.start_maintenance(&w.system, m.id, None, "").await;
    assert!(matches!(again, Err(Error::Refused { code: "wrong_state", verdict: None, .. })));
}

async fn a_start_before_its_time_goes_by_the_backups_of_that_moment(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    w.at("Thu 17:00");
    w.ran(job, "Thu 16:00", "Thu 16:30").await;
    let begun = w.services.start_maintenance(&w.system, m.id, Some(m.version), "The disk is here.").await.unwrap();
    assert_eq!((begun.state, begun.started_at), (State::InProgress, Some(utc("Thu 17:00"))));
    // The planned end stays: customers were told of it.
    assert_eq!((begun.planned.ends_at, begun.begins_at()), (m.planned.ends_at, utc("Thu 17:00")));
    assert_eq!(w.asked(m.id).await, [(Occasion::Schedule, true), (Occasion::Start, true)]);
    assert_eq!(w.services.verdicts(&w.system, m.id).await.unwrap()[0].verdict.asked_at, utc("Thu 17:00"));
    assert_eq!(w.updates(m.id).await[1].body.as_str(), "The disk is here.");
    // At its planned start nothing more happens.
    w.pass("Thu 19:01").await;
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Started]);
}

async fn work_is_extended_checked_and_finished_early_and_told_about(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    w.at("Thu 18:30");
    w.ran(job, "Thu 18:00", "Thu 18:20").await;
    w.pass("Thu 19:00").await;
    let extend = |by: &str, end: &str| ExtendInput {
        by: by.to_owned(),
        end: end.to_owned(),
        body: "The array needs longer.".to_owned(),
        ..ExtendInput::default()
    };
    for (by, end, field) in [
        ("", "", "by"),
        ("30", "", "by"),
        ("", "2014-05-15T21:00", "end"),
        ("", "2014-05-15T19:00", "end"),
        ("", "late", "end"),
        ("40 d", "", "end"),
    ] {
        let wrong = w.services.extend_maintenance(&w.system, m.id, None, &extend(by, end)).await;
        let Err(Error::Invalid(fields)) = wrong else { panic!("{by} {end}: {wrong:?}") };
        assert_eq!(fields[0].field, field, "{by} {end}");
    }
    let longer = w.services.extend_maintenance(&w.system, m.id, None, &extend("30 min", "")).await.unwrap();
    assert_eq!((longer.planned.ends_at, longer.planned.latest_end_at), (utc("Thu 21:30"), utc("Thu 23:00")));
    let longest = w.services.extend_maintenance(&w.system, m.id, None, &extend("", "2014-05-16T00:30")).await.unwrap();
    assert_eq!((longest.planned.ends_at, longest.planned.latest_end_at), (utc("Thu 23:30"), utc("Thu 23:30")));
    assert_eq!(w.pass("Thu 22:00").await, 0);
    w.services.post_update(&w.system, m.id, None, "Almost there.").await.unwrap();
    let nothing = w.services.post_update(&w.system, m.id, None, " ").await;
    assert!(matches!(nothing, Err(Error::Invalid(_))));
    let checked = w.services.verify_maintenance(&w.system, m.id, None, "").await.unwrap();
    assert_eq!(checked.state, State::Verifying);
    assert_eq!(w.pass("Thu 23:45").await, 0);
    let done = w.services.complete_maintenance(&w.system, m.id, Some(checked.version), "").await.unwrap();
    assert_eq!((done.state, done.ended_at), (State::Completed, Some(utc("Thu 23:45"))));
    let kinds = w.kinds(m.id).await;
    assert_eq!(
        kinds,
        [
            UpdateKind::Scheduled,
            UpdateKind::Started,
            UpdateKind::Extended,
            UpdateKind::Extended,
            UpdateKind::Note,
            UpdateKind::Verifying,
            UpdateKind::Completed
        ]
    );
    w.services.post_update(&w.system, m.id, None, "All disks are fine.").await.unwrap();
}

async fn a_window_is_cancelled_with_a_reason_and_stays_cancelled(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    let silent = w.services.cancel_maintenance(&w.system, m.id, None, "").await;
    assert!(matches!(silent, Err(Error::Invalid(fields)) if fields[0].field == "body"));
    let off = w.services.cancel_maintenance(&w.system, m.id, None, "The disk is **fine**.").await.unwrap();
    assert_eq!((off.state, off.sequence > m.sequence), (State::Cancelled, true));
    assert_eq!(w.updates(m.id).await[1].body.as_str(), "The disk is **fine**.");
    assert_eq!(w.pass("Thu 23:30").await, 0);
    let again = w.services.cancel_maintenance(&w.system, m.id, None, "Twice.").await;
    assert!(matches!(again, Err(Error::Refused { code: "wrong_state", .. })), "{again:?}");
    let edit = MaintenanceInput { title: Some("x".to_owned()), ..MaintenanceInput::default() };
    assert!(matches!(
        w.services.edit_maintenance(&w.system, m.id, None, &edit, "").await,
        Err(Error::Refused { code: "wrong_state", .. })
    ));
}

async fn drafts_are_kept_changed_and_thrown_away_without_a_trace_for_customers(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[]).await;
    let fresh = w.services.draft_maintenance(&w.system, &thursday(&[vm3])).await.unwrap();
    let asked = w.services.draft_maintenance(&w.system, &thursday(&[vm3])).await.unwrap();
    let target = Target::Stored { id: asked.id, version: None };
    let edit = MaintenanceInput { title: Some("Another title".to_owned()), ..MaintenanceInput::default() };
    let Planning::Refused { draft, .. } = w.services.schedule_maintenance(&w.system, target, &edit).await.unwrap()
    else {
        panic!("nothing ever ran")
    };
    assert_eq!(draft.title.as_str(), "Another title");
    w.services.delete_draft(&w.system, fresh.id, Some(fresh.version)).await.unwrap();
    w.services.delete_draft(&w.system, asked.id, Some(draft.version)).await.unwrap();
    assert!(matches!(w.services.maintenance(&w.system, fresh.id).await, Err(Error::NotFound(_))));
    let gone = w.window(asked.id).await;
    assert_eq!((gone.state, gone.published_at), (State::Cancelled, None));
    assert!(w.services.maintenances(&w.system, Listing::Drafts, None, 9).await.unwrap().is_empty());
    assert!(w.kinds(asked.id).await.is_empty() && !w.told(asked.id).await);
    let next = w.services.draft_maintenance(&w.system, &thursday(&[vm3])).await.unwrap();
    assert_eq!(next.number, 3);
}

async fn what_is_named_must_be_in_use_and_all_wrong_fields_are_told(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let input = MaintenanceInput {
        hosts: Some(vec![Uuid::from_u128(4).to_string()]),
        components: Some(vec![Uuid::from_u128(5).to_string()]),
        ..thursday(&[])
    };
    let Err(Error::Invalid(fields)) = w.services.draft_maintenance(&w.system, &input).await else {
        panic!("there are none")
    };
    assert_eq!(fields.iter().map(|f| f.field).collect::<Vec<_>>(), ["hosts", "components"]);
    let past = MaintenanceInput { start: Some("2014-05-15T12:00".to_owned()), ..thursday(&[]) };
    w.services.draft_maintenance(&w.system, &past).await.unwrap();
    let host = w.host("lb-1", None).await;
    let mut tx = w.t.db.decide().await.unwrap();
    let mut exempt = tx.host(host).await.unwrap();
    exempt.exemption = Some(Exemption { reason: "no data".to_owned(), by: "Ada".to_owned(), at: w.services.now() });
    tx.update_host(&exempt).await.unwrap();
    tx.commit().await.unwrap();
    let past = MaintenanceInput { start: Some("2014-05-15T12:00".to_owned()), ..thursday(&[host]) };
    let refused = w.services.schedule_maintenance(&w.system, Target::New, &past).await;
    let Err(Error::Invalid(fields)) = refused else { panic!("{refused:?}") };
    assert_eq!(fields[0].field, "start");
    // Nothing of it was written.
    assert_eq!(w.services.maintenances(&w.system, Listing::Drafts, None, 9).await.unwrap().len(), 1);
    assert!(w.services.ask_gate(&Actor::public(None), &past.scope().unwrap(), Purpose::Schedule, None).await.is_err());
    assert!(w.services.draft_maintenance(&Actor::public(None), &past).await.is_err());
}

async fn many_nodes_do_each_step_once(engine: Engine) {
    let mut w = World::begin(engine, "Wed 12:00").await;
    let (vm3, job) = w.simple(&[("Tue 23:00", "Tue 23:30")]).await;
    let mut windows = Vec::new();
    for _ in 0..4 {
        windows.push(w.scheduled(&thursday(&[vm3])).await.id);
    }
    let nodes: Vec<Services> =
        nodes_on(3, &w.t.address).await.iter().map(|db| services_on(db, w.services.now())).collect();
    let all = |time: &'static str| {
        let nodes = nodes.clone();
        async move {
            let tasks: Vec<_> = nodes
                .into_iter()
                .flat_map(|node| {
                    node.clock.set(utc(time));
                    [node.clone(), node]
                })
                .map(|node| {
                    tokio::spawn(async move {
                        let due = node.run_due().await.unwrap();
                        due + node.retry_held().await.unwrap()
                    })
                })
                .collect();
            let mut changed = 0;
            for task in tasks {
                changed += task.await.unwrap();
            }
            changed
        }
    };
    assert_eq!(all("Wed 19:00").await, 4);
    assert_eq!(all("Thu 17:30").await, 4);
    assert_eq!(all("Thu 19:00").await, 4);
    w.ran(job, "Thu 19:10", "Thu 19:30").await;
    assert_eq!(all("Thu 19:31").await, 4);
    assert_eq!(all("Thu 21:31").await, 4);
    assert_eq!(all("Thu 22:00").await, 0);
    w.restart();
    for id in windows {
        assert_eq!(
            w.kinds(id).await,
            [UpdateKind::Scheduled, UpdateKind::Held, UpdateKind::Started, UpdateKind::Completed]
        );
        assert_eq!(w.window(id).await.state, State::Completed);
        assert_eq!(
            w.asked(id).await,
            [
                (Occasion::Schedule, true),
                (Occasion::DayBefore, false),
                (Occasion::Lead, false),
                (Occasion::Start, false),
                (Occasion::Report, true)
            ]
        );
    }
}

/// As if a parliament had moved all clocks an hour ahead for good.
struct AnHourAhead(SystemZones);

impl ZoneRules for AnHourAhead {
    fn resolve(&self, zone: &str, local: chrono::NaiveDateTime) -> Result<LocalTime, UnknownZone> {
        self.0.resolve(zone, local - chrono::TimeDelta::hours(1))
    }
    fn local(&self, zone: &str, at: Instant) -> Result<Civil, UnknownZone> {
        self.0.local(zone, at + chrono::TimeDelta::hours(1))
    }
    fn canonical(&self, name: &str) -> Option<String> {
        self.0.canonical(name)
    }
    fn version(&self) -> String {
        "2014z".to_owned()
    }
    fn names(&self) -> Vec<String> {
        self.0.names()
    }
}

async fn new_zone_rules_move_what_lies_ahead_once(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    let draft = w.services.draft_maintenance(&w.system, &thursday(&[vm3])).await.unwrap();
    assert_eq!(w.services.follow_zones().await.unwrap(), 0);
    w.services = services_with(&w.t.db, utc("Thu 12:30"), Arc::new(AnHourAhead(SystemZones::newest())));
    assert_eq!(w.services.follow_zones().await.unwrap(), 2);
    assert_eq!(w.services.follow_zones().await.unwrap(), 0);
    let moved = w.window(m.id).await;
    assert_eq!((moved.planned.starts_at, moved.planned.ends_at), (utc("Thu 18:00"), utc("Thu 20:00")));
    assert_eq!(moved.planned.latest_end_at, utc("Thu 22:00"));
    assert_eq!((moved.planned.local_start, moved.sequence), (m.planned.local_start, m.sequence + 1));
    assert_eq!(moved.next_due_at, Some(utc("Thu 16:30")));
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Rescheduled]);
    assert_eq!(w.window(draft.id).await.planned.starts_at, utc("Thu 18:00"));
    assert!(w.kinds(draft.id).await.is_empty());
}

/// The same database, opened by this many nodes.
async fn nodes_on(nodes: usize, address: &str) -> Vec<Db> {
    let mut opened = Vec::new();
    for _ in 0..nodes {
        opened.push(Db::open(address).await.unwrap());
    }
    opened
}

storage::on_both!(
    the_week_of_the_story_is_refused_with_its_three_reasons_and_goes_ahead_after_the_backup,
    a_window_is_checked_ahead_starts_and_ends_by_itself,
    another_lead_counts_for_windows_already_scheduled,
    a_held_window_starts_by_itself_when_the_run_arrives_with_its_whole_length,
    a_held_window_whose_length_no_longer_fits_is_postponed_and_gets_a_new_time,
    a_change_of_scope_that_the_gate_refuses_changes_nothing_but_keeps_the_answer,
    a_person_starts_early_only_if_the_gate_says_so_at_that_moment,
    a_start_before_its_time_goes_by_the_backups_of_that_moment,
    work_is_extended_checked_and_finished_early_and_told_about,
    a_window_is_cancelled_with_a_reason_and_stays_cancelled,
    drafts_are_kept_changed_and_thrown_away_without_a_trace_for_customers,
    what_is_named_must_be_in_use_and_all_wrong_fields_are_told,
    many_nodes_do_each_step_once,
    new_zone_rules_move_what_lies_ahead_once,
);
