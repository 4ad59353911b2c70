//! Restore drills and what follows from them, on a real SQLite file and PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::drill::{DrillKind, DrillState, Worth};
use domain::gate::{Purpose, Scope};
use domain::ids::{DataSetId, HostId, JobId};
use domain::maintenance::State;
use domain::people::Scope as TokenScope;
use domain::text::Name;
use domain::time::Span;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use service::drills::{DrillEnding, DrillInput, DrillsQuery};
use service::inventory::{DataSetInput, HostInput, JobInput, PolicyInput, RestoreInput};
use service::keys::Keys;
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::runs::{Ingested, Output, ReportInput};
use service::site::{RestoreSettings, SiteSettings};
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use storage::testing::{Engine, TestDb};

fn utc(text: &str) -> DateTime<Utc> {
    format!("2014-05-{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

struct World {
    _db: TestDb,
    services: Services,
    system: Actor,
    host: HostId,
    files: DataSetId,
    job: JobId,
}

impl World {
    /// Thursday noon; web-12's files, 100 GB, were backed up at three in the morning.
    async fn begin(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(utc("15 12:00")),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let system = Actor::system();
        let host = HostInput { name: "web-12".to_owned(), ..HostInput::default() };
        let host = services.add_host(&system, host).await.unwrap().id;
        let files = DataSetInput { name: "Files".to_owned(), kind: "files".to_owned() };
        let files = services.add_data_set(&system, host, files).await.unwrap().id;
        let job = JobInput {
            name: "nightly".to_owned(),
            every: "24 h".to_owned(),
            max_duration: "6 h".to_owned(),
            ..JobInput::default()
        };
        let job = services.add_job(&system, files, job).await.unwrap().id;
        let world = Self { _db: db, services, system, host, files, job };
        world.ran("15 03:00", "15 04:00", 100_000_000_000).await;
        world
    }

    async fn ran(&self, from: &str, to: &str, bytes: i64) {
        let report = json!({"job": self.job.to_string(), "run_id": from, "status": "ok", "bytes": bytes,
            "started_at": utc(from).to_rfc3339(), "finished_at": utc(to).to_rfc3339()});
        let report = ReportInput(report.as_object().unwrap().clone());
        self.services.report(&self.system, None, &report).await.unwrap();
    }

    /// A restore of so many bytes on the 14th that took so many hours.
    async fn drilled(&self, hours: i64, bytes: &str) {
        let started = utc("14 08:00");
        let input = DrillInput {
            host: "web-12".to_owned(),
            data_set: "files".to_owned(),
            status: "succeeded".to_owned(),
            started_at: started.to_rfc3339(),
            finished_at: Span::hours(hours).after(started).to_rfc3339(),
            bytes: bytes.to_owned(),
            ..DrillInput::default()
        };
        self.services.add_drill(&self.system, &input).await.unwrap();
    }

    async fn token(&self, scope: TokenScope) -> Actor {
        let new =
            NewToken { name: "reporter".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&self.system, &new).await.unwrap();
        self.services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
    }

    async fn verbs(&self) -> Vec<(String, String)> {
        let log = self.services.audit_log(&self.system, &service::audit::AuditFilter::default()).await.unwrap();
        log.entries.into_iter().map(|e| (e.action, e.object_name)).collect()
    }

    async fn ingest(&self, tool: &str, body: &str) -> Ingested {
        let asked =
            BTreeMap::from([("job".to_owned(), self.job.to_string()), ("zone".to_owned(), "Europe/Berlin".to_owned())]);
        let output = Output { tool, asked: &asked, body: body.as_bytes() };
        self.services.ingest(&self.system, None, &output).await.unwrap()
    }

    fn window(&self, end: &str) -> MaintenanceInput {
        MaintenanceInput {
            title: Some("New disk".to_owned()),
            message: Some("Ten minutes offline.".to_owned()),
            hosts: Some(vec![self.host.to_string()]),
            components: Some(vec![]),
            zone: Some("UTC".to_owned()),
            start: Some("2014-05-15T14:00".to_owned()),
            end: Some(end.to_owned()),
            may_wait: Some("8 h".to_owned()),
            auto_start: Some(true),
            auto_complete: Some(true),
            ..MaintenanceInput::default()
        }
    }

    async fn policy(&self, version: i64, rto: &str, blocks: &str) {
        let restore =
            RestoreInput { rto: rto.to_owned(), slow_restore_blocks: blocks.to_owned(), ..RestoreInput::default() };
        let input = PolicyInput { start_max_age: "24 h".to_owned(), restore, ..PolicyInput::default() };
        self.services.set_host_policy(&self.system, self.host, version, input).await.unwrap();
    }
}

fn wrong_fields(error: Error) -> Vec<&'static str> {
    match error {
        Error::Invalid(fields) => fields.into_iter().map(|f| f.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn plan(at: &str) -> DrillInput {
    DrillInput { host: "web-12".to_owned(), planned_at: at.to_owned(), ..DrillInput::default() }
}

async fn a_drill_is_planned_done_and_told_of(engine: Engine) {
    let w = World::begin(engine).await;
    let (s, a) = (&w.services, &w.system);
    // Local to Dublin, an hour ahead of UTC.
    let drill = s.add_drill(a, &plan("2014-05-16 10:00")).await.unwrap();
    assert_eq!((drill.state, drill.planned_at, drill.data_set_id), (DrillState::Planned, Some(utc("16 09:00")), None));
    s.clock.set(utc("16 09:30"));
    assert!(drill.is_late(s.now()));
    assert!(matches!(s.start_drill(a, drill.id, Some(9), "").await, Err(Error::Stale(Stale { what: "drill", .. }))));
    let running = s.start_drill(a, drill.id, Some(1), "").await.unwrap();
    assert_eq!((running.state, running.started_at), (DrillState::Running, Some(utc("16 09:30"))));
    s.clock.set(utc("16 11:30"));
    let failed = DrillEnding { status: "failed".to_owned(), ..DrillEnding::default() };
    assert_eq!(wrong_fields(s.finish_drill(a, drill.id, None, &failed).await.unwrap_err()), ["note"]);
    let wrong = DrillEnding {
        status: "done".to_owned(),
        finished_at: "noon".to_owned(),
        bytes: "many".to_owned(),
        startup: "7".to_owned(),
        evidence_url: "javascript:alert(1)".to_owned(),
        note: "x".repeat(1001),
    };
    let wrong = wrong_fields(s.finish_drill(a, drill.id, None, &wrong).await.unwrap_err());
    assert_eq!(wrong, ["status", "finished_at", "bytes", "startup", "evidence_url", "note"]);
    let ending = DrillEnding {
        status: "succeeded".to_owned(),
        bytes: "100 GB".to_owned(),
        startup: "90 min".to_owned(),
        evidence_url: "https://wiki.example.org/drills/7".to_owned(),
        ..DrillEnding::default()
    };
    let done = s.finish_drill(a, drill.id, Some(2), &ending).await.unwrap();
    assert_eq!((done.worth(), done.elapsed()), (Worth::Measured, Some(Span::hours(2))));
    assert_eq!(s.drill(a, drill.id).await.unwrap().drill, done);
    let look = s.restore_of(a, w.host).await.unwrap();
    assert_eq!(look.restore.unwrap().estimate.takes, Some(Span::hours(2)));
    assert!(look.overdue.is_none() && look.drills.len() == 1);
    let again = s.start_drill(a, drill.id, None, "").await;
    assert!(matches!(again, Err(Error::Refused { code: "wrong_state", .. })), "{again:?}");
    let other = s.add_drill(a, &plan("2014-05-20 10:00")).await.unwrap();
    assert_eq!(wrong_fields(s.abandon_drill(a, other.id, None, " ").await.unwrap_err()), ["note"]);
    s.abandon_drill(a, other.id, Some(1), "The tape is away.").await.unwrap();
    let verbs: Vec<String> = w.verbs().await.into_iter().map(|(verb, _)| verb).take(5).collect();
    assert_eq!(verbs, ["drill.abandon", "drill.plan", "drill.finish", "drill.start", "drill.plan"]);
}

async fn wrong_input_is_named_at_its_field_and_nothing_is_written(engine: Engine) {
    let w = World::begin(engine).await;
    let (s, a) = (&w.services, &w.system);
    for (input, fields) in [
        (DrillInput::default(), vec!["planned_at", "host"]),
        (DrillInput { host: "web-99".to_owned(), ..plan("2014-05-16 10:00") }, vec!["host"]),
        (DrillInput { data_set: "mail".to_owned(), ..plan("2014-05-16 10:00") }, vec!["data_set"]),
        (plan("2014-05-01 10:00"), vec!["planned_at"]),
        (plan("2014-10-26 01:30"), vec!["planned_at"]),
        (plan("2015-03-29 01:30"), vec!["planned_at"]),
        (DrillInput { status: "abandoned".to_owned(), ..plan("2014-05-16 10:00") }, vec!["status"]),
        (DrillInput { kind: "look".to_owned(), ..plan("2014-05-16 10:00") }, vec!["kind"]),
        (DrillInput { status: "succeeded".to_owned(), ..plan("") }, vec!["started_at"]),
        (
            DrillInput { status: "running".to_owned(), started_at: "2014-05-16T10:00:00Z".to_owned(), ..plan("") },
            vec!["started_at"],
        ),
    ] {
        assert_eq!(wrong_fields(s.add_drill(a, &input).await.unwrap_err()), fields, "{input:?}");
    }
    assert!(s.drills(a, &DrillsQuery::default()).await.unwrap().items.is_empty());
    let query = DrillsQuery {
        host: "nobody".to_owned(),
        state: "over".to_owned(),
        cursor: "x".to_owned(),
        limit: "0".to_owned(),
    };
    assert_eq!(wrong_fields(s.drills(a, &query).await.unwrap_err()), ["state", "cursor", "limit", "host"]);
}

async fn only_those_who_report_may_and_a_report_again_changes_nothing(engine: Engine) {
    let w = World::begin(engine).await;
    let s = &w.services;
    let (reporter, reader) = (w.token(TokenScope::BackupReport).await, w.token(TokenScope::Read).await);
    let begun = DrillInput {
        host: "web-12".to_owned(),
        data_set: w.files.to_string(),
        status: "running".to_owned(),
        started_at: "2014-05-15T08:00:00Z".to_owned(),
        run_id: "restore-7".to_owned(),
        ..DrillInput::default()
    };
    assert!(matches!(s.add_drill(&reader, &begun).await, Err(Error::Forbidden(_))));
    assert!(matches!(s.add_drill(&Actor::public(None), &begun).await, Err(Error::SignInNeeded)));
    let first = s.add_drill(&reporter, &begun).await.unwrap();
    assert_eq!((first.who.as_str(), first.source.as_str()), ("token reporter", "api"));
    assert_eq!(s.add_drill(&reporter, &begun).await.unwrap(), first);
    let over = DrillInput {
        status: "succeeded".to_owned(),
        finished_at: "2014-05-15T09:00:00Z".to_owned(),
        bytes: "5 GB".to_owned(),
        ..begun.clone()
    };
    let done = s.add_drill(&reporter, &over).await.unwrap();
    assert_eq!((done.id, done.worth(), done.version), (first.id, Worth::Measured, 2));
    assert_eq!(s.add_drill(&reporter, &over).await.unwrap(), done);
    let back = s.add_drill(&reporter, &begun).await;
    assert!(matches!(back, Err(Error::Refused { code: "wrong_state", .. })), "{back:?}");
    let elsewhere = DrillInput { data_set: String::new(), ..over };
    assert_eq!(wrong_fields(s.add_drill(&reporter, &elsewhere).await.unwrap_err()), ["run_id"]);
    assert!(matches!(s.drills(&reporter, &DrillsQuery::default()).await, Err(Error::Forbidden(_))));
    assert_eq!(s.drills(&reader, &DrillsQuery::default()).await.unwrap().items.len(), 1);
}

async fn what_tools_tell_of_restores_and_checks_is_a_drill_and_no_run(engine: Engine) {
    let w = World::begin(engine).await;
    let runs = |services: Services| async move {
        services.runs(&Actor::system(), &service::runs::RunsQuery::default()).await.unwrap().items.len()
    };
    let before = runs(w.services.clone()).await;
    let restore = "job=web-12.2014-05-15_11.00.00_07&type=Restore&status=OK&bytes=50000000000";
    let told = w.ingest("bareos", restore).await;
    let drill = told.drill.clone().unwrap();
    assert_eq!(
        (drill.state, drill.worth, told.run, told.ignored),
        (DrillState::Succeeded, Worth::Measured, None, None)
    );
    let line = w.services.drill(&w.system, drill.id).await.unwrap();
    assert_eq!((line.drill.data_set_id, line.drill.source.as_str()), (Some(w.files), "bareos"));
    assert_eq!((line.drill.started_at, line.drill.elapsed()), (Some(utc("15 09:00")), Some(Span::hours(3))));
    assert_eq!(w.ingest("bareos", restore).await.drill, Some(drill), "the same output is the same drill");
    let check = r#"{"message_type":"summary","num_errors":0,"suggest_prune":false}"#;
    let told = w.ingest("restic", check).await.drill.unwrap();
    assert_eq!((told.worth, w.ingest("restic", check).await.drill.unwrap().id), (Worth::Evidence, told.id));
    let line = w.services.drill(&w.system, told.id).await.unwrap();
    assert_eq!(line.drill.kind, DrillKind::Verify);
    assert_eq!(runs(w.services.clone()).await, before);
    assert_eq!(w.verbs().await[..2].iter().filter(|(verb, _)| verb == "drill.report").count(), 2);
    // Twice 50 GB at a third of an hour for 10 GB.
    let look = w.services.restore_of(&w.system, w.host).await.unwrap();
    assert_eq!(look.restore.unwrap().estimate.takes, Some(Span::hours(6)));
}

async fn the_gate_compares_a_restore_with_the_window_and_keeps_what_it_knew(engine: Engine) {
    let w = World::begin(engine).await;
    w.drilled(4, "50 GB").await;
    let s = &w.services;
    let planning = s.schedule_maintenance(&w.system, Target::New, &w.window("2014-05-15T16:00")).await.unwrap();
    let Planning::Scheduled(m) = planning else { panic!("{planning:?}") };
    let kept = s.verdicts(&w.system, m.id).await.unwrap().remove(0);
    let codes: Vec<&str> = kept.verdict.warnings.iter().map(|f| f.reason.code()).collect();
    assert_eq!(codes, ["restore_longer_than_window"]);
    let (_, _, evidence) = s.verdict(&w.system, m.id, kept.id).await.unwrap();
    let restore = evidence.restore.unwrap();
    assert_eq!((restore.window, restore.drills.len()), (Some(Span::hours(2)), 1));
    assert_eq!(restore.drills[0].bytes, Some(50_000_000_000));
    let told = s.check_gate_of(&w.system, &["web-12".to_owned()], &[], "schedule", "9 h").await.unwrap().verdict;
    assert_eq!((told.warnings.len(), told.restores[0].estimate.takes), (0, Some(Span::hours(8))));
    let scope = Scope { hosts: BTreeSet::from([w.host]), components: BTreeSet::new() };
    let backups = s.check_gate(&w.system, Purpose::Schedule, &scope).await.unwrap().verdict;
    assert!(backups.restores.is_empty() && backups.warnings.is_empty());
}

async fn where_the_policy_blocks_a_window_waits_for_the_drill(engine: Engine) {
    let w = World::begin(engine).await;
    let s = &w.services;
    w.policy(1, "3 h", "yes").await;
    let refused = s.schedule_maintenance(&w.system, Target::New, &w.window("2014-05-15T16:00")).await.unwrap();
    let Planning::Refused { draft, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(codes_of(&w, draft.id).await, ["restore_unknown"]);
    w.drilled(2, "50 GB").await;
    let target = Target::Stored { id: draft.id, version: None };
    let refused = s.schedule_maintenance(&w.system, target, &w.window("2014-05-15T16:00")).await.unwrap();
    assert!(matches!(refused, Planning::Refused { .. }), "{refused:?}");
    assert_eq!(codes_of(&w, draft.id).await, ["restore_longer_than_window", "restore_longer_than_rto"]);
    w.policy(2, "4 h", "yes").await;
    let target = Target::Stored { id: draft.id, version: None };
    let planned = s.schedule_maintenance(&w.system, target, &w.window("2014-05-15T18:00")).await.unwrap();
    assert!(matches!(planned, Planning::Scheduled(_)), "{planned:?}");

    // The last night's data was twice as much: at its start the window is held, until a faster
    // restore is shown three times.
    s.clock.set(utc("15 13:00"));
    w.ran("15 12:30", "15 13:00", 200_000_000_000).await;
    s.clock.set(utc("15 14:00"));
    while s.run_due().await.unwrap() > 0 {}
    assert_eq!(s.maintenance(&w.system, draft.id).await.unwrap().state, State::Held);
    s.clock.set(utc("15 15:00"));
    let mut heard = s.reported();
    for n in 1..=3 {
        let quick = DrillInput {
            host: "web-12".to_owned(),
            data_set: "files".to_owned(),
            status: "succeeded".to_owned(),
            started_at: format!("2014-05-15T14:0{n}:00Z"),
            finished_at: "2014-05-15T14:50:00Z".to_owned(),
            bytes: "200 GB".to_owned(),
            ..DrillInput::default()
        };
        heard.mark_unchanged();
        s.add_drill(&w.system, &quick).await.unwrap();
        assert!(heard.has_changed().unwrap(), "windows on hold hear of it");
    }
    assert_eq!(s.retry_held().await.unwrap(), 1);
    assert_eq!(s.maintenance(&w.system, draft.id).await.unwrap().state, State::InProgress);
}

async fn codes_of(w: &World, id: domain::ids::MaintenanceId) -> Vec<&'static str> {
    let kept = w.services.verdicts(&w.system, id).await.unwrap().remove(0);
    kept.verdict.reasons().iter().map(|f| f.reason.code()).collect()
}

async fn hosts_without_a_recent_drill_are_listed_with_what_is_planned(engine: Engine) {
    let w = World::begin(engine).await;
    let (s, a) = (&w.services, &w.system);
    let needs = s.drill_needs(a).await.unwrap();
    assert_eq!((needs.overdue.len(), needs.overdue[0].overdue.last, needs.overdue[0].planned_at), (1, None, None));
    s.add_drill(a, &plan("2014-05-16 10:00")).await.unwrap();
    let needs = s.drill_needs(a).await.unwrap();
    assert_eq!((needs.overdue[0].planned_at, needs.open.len()), (Some(utc("16 09:00")), 1));
    w.drilled(2, "50 GB").await;
    assert!(s.drill_needs(a).await.unwrap().overdue.is_empty());
    s.clock.set(Span::days(180).after(utc("14 10:00")));
    let needs = s.drill_needs(a).await.unwrap();
    assert_eq!((needs.overdue[0].overdue.last, needs.overdue[0].limit), (Some(utc("14 10:00")), Span::days(180)));
    let failed = DrillInput {
        status: "failed".to_owned(),
        started_at: "2014-11-10T08:00:00Z".to_owned(),
        note: "The key was missing.".to_owned(),
        ..plan("")
    };
    s.add_drill(a, &failed).await.unwrap();
    assert_eq!(s.drill_needs(a).await.unwrap().failed.len(), 1);
    s.clock.set(Span::days(190).after(utc("14 10:00")));
    assert!(s.drill_needs(a).await.unwrap().failed.is_empty());
    s.exempt_host(a, w.host, 1, "Nothing on it any more.").await.unwrap();
    assert!(s.drill_needs(a).await.unwrap().overdue.is_empty());
}

async fn old_runs_go_by_policy_and_the_log_says_so_once(engine: Engine) {
    let w = World::begin(engine).await;
    let s = &w.services;
    let settings = |keep: &str, version| SiteSettings {
        name: "Northwind".to_owned(),
        zone: "Europe/Dublin".to_owned(),
        schedule_max_age: "24 h".to_owned(),
        start_max_age: "4 h".to_owned(),
        lead: "90 min".to_owned(),
        reminders: "none".to_owned(),
        digest_hour: "8".to_owned(),
        keep_runs: Some(keep.to_owned()),
        version,
        ..SiteSettings::default()
    };
    for day in 1..=14 {
        w.ran(&format!("{day:02} 03:00"), &format!("{day:02} 04:00"), 1).await;
    }
    assert_eq!(s.expire_runs().await.unwrap().gone, 0, "five years are not over");
    s.clock.set(Span::days(62).after(utc("10 12:00")));
    let short = s.edit_site(&w.system, &settings("61 d", 1)).await.unwrap_err();
    assert_eq!(wrong_fields(short), ["keep_runs"], "the report of a month counts its runs after its end");
    s.edit_site(&w.system, &settings("62 d", 1)).await.unwrap();
    let before = w.verbs().await.len();
    let sweep = s.expire_runs().await.unwrap();
    assert_eq!((sweep.gone, sweep.newest), (10, Some(utc("10 03:00"))));
    assert_eq!(s.expire_runs().await.unwrap().gone, 0);
    let verbs = w.verbs().await;
    assert_eq!((verbs.len(), &verbs[0]), (before + 1, &("runs.expire".to_owned(), "10 runs".to_owned())));
    let series = s.run_series(&w.system, w.job).await.unwrap();
    assert_eq!(series.points.len(), 5);
    assert!(series.points.is_sorted_by_key(|point| point.started_at));
    s.clock.set(Span::days(4000).after(utc("10 12:00")));
    assert_eq!(s.expire_runs().await.unwrap().gone, 4, "the newest good one stays");
    s.edit_site(&w.system, &settings("", 2)).await.unwrap();
    assert_eq!(s.site().await.unwrap().keep_runs, None);
    w.ran("15 05:00", "15 06:00", 1).await;
    assert_eq!(s.expire_runs().await.unwrap().gone, 0, "for ever");
}

async fn what_is_asked_of_restores_is_a_matter_of_policy(engine: Engine) {
    let w = World::begin(engine).await;
    let s = &w.services;
    let settings = |restore: Option<RestoreSettings>, version| SiteSettings {
        name: "Northwind".to_owned(),
        zone: "Europe/Dublin".to_owned(),
        schedule_max_age: "24 h".to_owned(),
        start_max_age: "4 h".to_owned(),
        lead: "90 min".to_owned(),
        reminders: "none".to_owned(),
        digest_hour: "8".to_owned(),
        restore,
        version,
        ..SiteSettings::default()
    };
    let wrong =
        RestoreSettings { drill_max_age: "1 h".to_owned(), rto: "soon".to_owned(), ..RestoreSettings::default() };
    let wrong = s.edit_site(&w.system, &settings(Some(wrong), 1)).await.unwrap_err();
    assert_eq!(wrong_fields(wrong), ["drill_max_age", "rto"]);
    let right = RestoreSettings { drill_max_age: "90 d".to_owned(), rto: "8 h".to_owned(), slow_restore_blocks: true };
    s.edit_site(&w.system, &settings(Some(right), 1)).await.unwrap();
    let site = s.edit_site(&w.system, &settings(None, 2)).await.unwrap();
    let restore = site.policy.restore;
    assert_eq!(
        (restore.drill_max_age, restore.rto, restore.slow_restore_blocks),
        (Span::days(90), Some(Span::hours(8)), true)
    );
    w.policy(1, "", "no").await;
    w.drilled(9, "100 GB").await;
    let told = s.check_gate_of(&w.system, &["web-12".to_owned()], &[], "", "").await.unwrap().verdict;
    assert!(told.is_confirmed(), "this host only warns");
    assert_eq!(told.restores[0].rto, Some(Span::hours(8)));
    assert_eq!(told.warnings[0].reason.code(), "restore_longer_than_rto");
    let input = PolicyInput {
        restore: RestoreInput {
            drill_max_age: "x".to_owned(),
            rto: "0 min".to_owned(),
            slow_restore_blocks: "?".to_owned(),
        },
        ..PolicyInput::default()
    };
    let wrong = s.set_host_policy(&w.system, w.host, 2, input).await.unwrap_err();
    assert_eq!(wrong_fields(wrong), ["drill_max_age", "rto", "slow_restore_blocks"]);
    let json: Value = serde_json::to_value(told).unwrap();
    assert_eq!(json["restores"][0]["estimate"]["takes"], json!(9 * 3600));
}

storage::on_both!(
    a_drill_is_planned_done_and_told_of,
    wrong_input_is_named_at_its_field_and_nothing_is_written,
    only_those_who_report_may_and_a_report_again_changes_nothing,
    what_tools_tell_of_restores_and_checks_is_a_drill_and_no_run,
    the_gate_compares_a_restore_with_the_window_and_keeps_what_it_knew,
    where_the_policy_blocks_a_window_waits_for_the_drill,
    hosts_without_a_recent_drill_are_listed_with_what_is_planned,
    old_runs_go_by_policy_and_the_log_says_so_once,
    what_is_asked_of_restores_is_a_matter_of_policy,
);
