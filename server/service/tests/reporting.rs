//! Reports of backup runs, through every door, on a real SQLite file and PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::backup::Job;
use domain::gate::{Purpose, Scope, Verdict};
use domain::ids::{HostId, RunId};
use domain::people::Scope as TokenScope;
use domain::run::{Run, RunState, Signal};
use domain::text::Name;
use domain::time::Span;
use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use service::inventory::{DataSetInput, HostInput, JobInput};
use service::keys::Keys;
use service::people::tokens::NewToken;
use service::runs::{LOG_LIMIT, Ping, Receipt, ReportInput, RunsQuery};
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::run::RunLine;
use storage::testing::{Engine, TestDb};

fn noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

struct World {
    _db: TestDb,
    services: Services,
    system: Actor,
    host: HostId,
    /// "nightly", of web-12's files; expected to take at most 6 h.
    job: Job,
}

impl World {
    async fn begin(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(noon()),
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
        let job = services.add_job(&system, files, job_input("nightly")).await.unwrap();
        Self { _db: db, services, system, host, job }
    }

    async fn ping_as(&self, signal: Signal, rid: Option<&str>, log: &[u8]) -> Result<Receipt, Error> {
        let address = self.services.keys.ping(self.job.id.0, self.job.ping_version);
        let ping = Ping { rid: rid.map(ToOwned::to_owned), log: log.to_vec(), ..Ping::new(signal) };
        self.services.ping(address, ping).await
    }

    async fn ping(&self, signal: Signal) -> Receipt {
        self.ping_as(signal, None, b"").await.unwrap()
    }

    async fn report(&self, report: &Value) -> Result<Receipt, Error> {
        self.services.report(&self.system, None, &input(report)).await
    }

    fn wait(&self, minutes: i64) {
        self.services.clock.set(Span::minutes(minutes).after(self.services.now()));
    }

    async fn lines(&self) -> Vec<RunLine> {
        self.services.runs(&self.system, &RunsQuery::default()).await.unwrap().items
    }

    async fn runs(&self) -> Vec<Run> {
        self.lines().await.into_iter().map(|line| line.run).collect()
    }

    async fn log(&self, id: Option<RunId>) -> Option<String> {
        self.services.run(&self.system, id.unwrap()).await.unwrap().log
    }

    async fn verdict(&self) -> Verdict {
        let scope = Scope { hosts: BTreeSet::from([self.host]), components: BTreeSet::new() };
        self.services.check_gate(&self.system, Purpose::Start, &scope).await.unwrap().verdict
    }
}

fn job_input(name: &str) -> JobInput {
    JobInput {
        name: name.to_owned(),
        tool: "borgmatic".to_owned(),
        every: "24 h".to_owned(),
        max_duration: "6 h".to_owned(),
        ..JobInput::default()
    }
}

fn input(report: &Value) -> ReportInput {
    serde_json::from_value(report.clone()).unwrap()
}

fn wrong_fields(result: Result<Receipt, Error>) -> Vec<&'static str> {
    match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|e| e.field).collect(),
        other => panic!("{other:?}"),
    }
}

async fn a_start_and_a_success_open_the_gate_from_the_start_on(engine: Engine) {
    let world = World::begin(engine).await;
    let heard = world.services.reported();
    assert!(!world.verdict().await.is_confirmed());
    world.ping(Signal::Start).await;
    world.wait(30);
    assert_eq!(world.verdict().await.reasons()[1].reason.code(), "still_running");
    let receipt = world.ping_as(Signal::Success, None, b"Archive made.\n").await.unwrap();
    assert_eq!(receipt.state, Some(RunState::Succeeded));
    assert_eq!((receipt.started_at, receipt.finished_at), (Some(noon()), Some(world.services.now())));
    let verdict = world.verdict().await;
    assert_eq!(verdict.until(), Some(Span::hours(4).after(noon())), "{verdict:?}");
    assert_eq!(world.log(receipt.id).await.as_deref(), Some("Archive made."));
    assert!(heard.has_changed().unwrap());
    assert_eq!(world.runs().await.len(), 1);
}

async fn an_end_without_a_start_protects_no_more_than_is_sure(engine: Engine) {
    let world = World::begin(engine).await;
    let receipt = world.ping(Signal::Exit(0)).await;
    assert_eq!(receipt.started_at, Some(Span::hours(6).before(noon())));
    assert!(receipt.start_assumed && !world.verdict().await.is_confirmed());
}

async fn an_end_that_may_belong_to_several_runs_takes_the_earliest_start(engine: Engine) {
    let world = World::begin(engine).await;
    world.ping(Signal::Start).await;
    world.wait(60);
    world.ping(Signal::Start).await;
    world.wait(10);
    let first = world.ping(Signal::Success).await;
    assert_eq!(first.started_at, Some(noon()), "the end may have been that of the first run");
    world.wait(10);
    let second = world.ping(Signal::Success).await;
    assert_ne!(first.id, second.id);
    assert_eq!(second.started_at, Some(noon()));
    assert!(world.runs().await.iter().all(|run| run.state == RunState::Succeeded));
}

async fn an_end_with_a_name_never_ends_a_run_of_another_name(engine: Engine) {
    let world = World::begin(engine).await;
    world.ping_as(Signal::Start, Some("a"), b"").await.unwrap();
    world.wait(5);
    let nameless = world.ping(Signal::Success).await;
    assert!(nameless.start_assumed);
    let other = world.ping_as(Signal::Success, Some("b"), b"").await.unwrap();
    assert!(other.start_assumed);
    let own = world.ping_as(Signal::Success, Some("a"), b"").await.unwrap();
    assert_eq!((own.started_at, own.start_assumed), (Some(noon()), false));
    assert_eq!(world.runs().await.len(), 3);
}

async fn a_report_that_comes_again_changes_nothing_and_gets_the_same_answer(engine: Engine) {
    let world = World::begin(engine).await;
    let begun = world.ping_as(Signal::Start, Some("a"), b"one").await.unwrap();
    world.wait(1);
    assert_eq!(world.ping_as(Signal::Start, Some("a"), b"one").await.unwrap(), begun);
    let ended = world.ping_as(Signal::Success, Some("a"), b"two").await.unwrap();
    let heard = world.services.reported();
    world.wait(1);
    assert_eq!(world.ping_as(Signal::Success, Some("a"), b"two").await.unwrap(), ended);
    assert!(!heard.has_changed().unwrap());
    let contradiction = world.ping_as(Signal::Fail, Some("a"), b"three").await;
    assert!(matches!(contradiction, Err(Error::Refused { code: "conflict", .. })), "{contradiction:?}");
    assert_eq!(world.runs().await.len(), 1);
    assert_eq!(world.log(ended.id).await.as_deref(), Some("one\ntwo"));
}

async fn reports_of_one_run_that_come_at_once_make_one_run(engine: Engine) {
    let world = World::begin(engine).await;
    let many = (0..40).map(|n| {
        let signal = if n % 2 == 0 { Signal::Start } else { Signal::Success };
        world.ping_as(signal, Some("same"), b"")
    });
    for answer in futures::future::join_all(many).await {
        answer.unwrap();
    }
    let runs = world.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state, RunState::Succeeded);
}

async fn an_unknown_or_retired_job_is_not_found_and_a_disabled_one_proves_nothing(engine: Engine) {
    let world = World::begin(engine).await;
    let system = &world.system;
    let stranger = Ping::new(Signal::Success);
    let unknown = world.services.ping(uuid::Uuid::from_u128(1), stranger).await;
    assert!(matches!(unknown, Err(Error::NotFound("job"))), "{unknown:?}");

    let job = world.services.set_job_enabled(system, world.job.id, world.job.version, false).await.unwrap();
    world.ping(Signal::Start).await;
    world.ping(Signal::Success).await;
    assert_eq!(world.runs().await[0].state, RunState::Succeeded);
    let verdict = world.verdict().await;
    assert_eq!(verdict.reasons()[0].reason.code(), "job_disabled");

    world.services.retire_job(system, job.id, job.version).await.unwrap();
    let gone = world.ping_as(Signal::Success, None, b"").await;
    assert!(matches!(gone, Err(Error::NotFound("job"))), "{gone:?}");
    let report = json!({"job": job.id, "status": "ok"});
    assert!(matches!(world.report(&report).await, Err(Error::NotFound("job"))));
    assert_eq!(world.runs().await.len(), 1);
}

async fn a_log_keeps_its_end_and_belongs_to_the_run_under_way(engine: Engine) {
    let world = World::begin(engine).await;
    let nothing = world.ping_as(Signal::Log, None, b"nobody runs").await.unwrap();
    assert_eq!((nothing.id, nothing.state), (None, None));
    let begun = world.ping(Signal::Start).await;
    let noted = world.ping_as(Signal::Log, None, b"repository locked, waiting\0\xff").await.unwrap();
    assert_eq!((noted.id, noted.state), (begun.id, Some(RunState::Running)));
    let long = format!("{}é the end", "x".repeat(2 * LOG_LIMIT));
    world.ping_as(Signal::Fail, None, long.as_bytes()).await.unwrap();
    let log = world.log(begun.id).await.unwrap();
    assert!(log.len() <= LOG_LIMIT && log.ends_with("é the end"), "{} bytes", log.len());
    let after = world.ping_as(Signal::Log, None, b"exit status 2").await.unwrap();
    assert_eq!(after.id, begun.id);
    assert!(world.log(begun.id).await.unwrap().ends_with("é the end\nexit status 2"));
}

async fn a_run_without_an_end_is_lost_and_its_late_end_still_counts(engine: Engine) {
    let world = World::begin(engine).await;
    let begun = world.ping(Signal::Start).await;
    let due = Span::hours(6).after(noon());
    assert_eq!(world.services.mark_lost().await.unwrap(), Some(due));
    world.wait(6 * 60 - 1);
    assert_eq!(world.services.mark_lost().await.unwrap(), Some(due));
    assert_eq!(world.runs().await[0].state, RunState::Running);
    world.wait(1);
    assert_eq!(world.services.mark_lost().await.unwrap(), None);
    assert_eq!(world.runs().await[0].state, RunState::Lost);
    assert!(world.verdict().await.reasons().iter().any(|f| f.reason.code() == "last_run_failed"));
    world.wait(60);
    let late = world.ping(Signal::Success).await;
    assert_eq!((late.id, late.started_at, late.state), (begun.id, Some(noon()), Some(RunState::Succeeded)));
}

async fn a_job_that_was_given_more_time_keeps_its_run(engine: Engine) {
    let world = World::begin(engine).await;
    world.ping(Signal::Start).await;
    let longer = JobInput { max_duration: "8 h".to_owned(), ..job_input("nightly") };
    world.services.edit_job(&world.system, world.job.id, world.job.version, longer).await.unwrap();
    world.wait(7 * 60);
    assert_eq!(world.services.mark_lost().await.unwrap(), Some(Span::hours(8).after(noon())));
    assert_eq!(world.runs().await[0].state, RunState::Running);
}

async fn a_native_report_says_everything_at_once(engine: Engine) {
    let world = World::begin(engine).await;
    let report = json!({
        "host": "WEB-12", "data_set": " files", "job": "Nightly", "tool": "borg", "kind": "files",
        "run_id": "web-12-2014-05-15", "status": "ok", "exit_code": 0,
        "started_at": "2014-05-15T12:40:00+01:00", "finished_at": "2014-05-15T11:55:30.123456Z",
        "bytes": 5_000_000_000_i64, "files": 120, "snapshot_id": "abc", "dry_run": false, "partial": null,
        "raw": {"archive": {"stats": 1}},
    });
    let receipt = world.report(&report).await.unwrap();
    assert_eq!(receipt.run_id.as_deref(), Some("web-12-2014-05-15"));
    let runs = world.runs().await;
    let run = &runs[0];
    assert_eq!(run.started_at, "2014-05-15T11:40:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(run.finished_at, Some("2014-05-15T11:55:30.123Z".parse().unwrap()));
    assert_eq!((run.bytes, run.files, run.exit_code), (Some(5_000_000_000), Some(120), Some(0)));
    assert_eq!(run.snapshot.as_deref(), Some("abc"));
    assert_eq!(world.log(receipt.id).await.as_deref(), Some(r#"{"archive":{"stats":1}}"#));
    assert!(world.verdict().await.is_confirmed());
    assert_eq!(world.report(&report).await.unwrap(), receipt);

    let begun = world.report(&json!({"job": world.job.id, "status": "running"})).await.unwrap();
    world.wait(1);
    let end = json!({"job": world.job.id, "run_id": begun.run_id, "status": "warning", "exit_code": 1});
    let ended = world.report(&end).await.unwrap();
    assert_eq!((ended.id, ended.state), (begun.id, Some(RunState::Warning)));
    assert_eq!(world.runs().await[0].exit_code, Some(1));
}

async fn every_wrong_field_of_a_report_is_named(engine: Engine) {
    let world = World::begin(engine).await;
    let job = world.job.id;
    let report = json!({
        "status": "fine", "started_at": "2014-05-15 03:40", "finished_at": 7, "bytes": "many", "files": 1.5,
        "dry_run": "yes", "run_id": 7, "snapshot_id": [], "exit_code": 256,
    });
    assert_eq!(
        wrong_fields(world.report(&report).await),
        ["job", "exit_code", "run_id", "started_at", "finished_at", "bytes", "files", "snapshot_id", "dry_run"]
    );
    for (report, field) in [
        (json!({"job": job, "status": "ok", "dryrun": true}), ""),
        (json!({"job": job}), "status"),
        (json!({"job": job, "status": "fine"}), "status"),
        (json!({"job": job, "status": ["ok"]}), "status"),
        (json!({"job": "nightly", "status": "ok"}), "job"),
        (json!({"job": "nightly", "host": "web-12", "status": "ok"}), "data_set"),
        (json!({"job": "nightly", "data_set": "files", "status": "ok"}), "host"),
        (json!({"job": job, "status": "ok", "exit_code": 1}), "exit_code"),
        (json!({"job": job, "status": "running", "exit_code": 0}), "exit_code"),
        (json!({"job": job, "status": "running", "finished_at": "2014-05-15T03:40:00Z"}), "finished_at"),
        (json!({"job": job, "status": "ok", "bytes": -1}), "bytes"),
        (json!({"job": job, "status": "ok", "run_id": "a\u{7}b"}), "run_id"),
        (json!({"job": job, "status": "ok", "run_id": "x".repeat(201)}), "run_id"),
        (json!({"job": job, "status": "ok", "snapshot_id": "x".repeat(501)}), "snapshot_id"),
    ] {
        assert_eq!(wrong_fields(world.report(&report).await), [field], "{report}");
    }
    assert!(world.runs().await.is_empty());
    let impossible = json!({"job": job, "status": "ok", "started_at": "2014-05-16T12:00:00Z"});
    assert!(world.report(&impossible).await.unwrap().clock_fault, "stored and marked");
    assert!(!world.verdict().await.is_confirmed());
}

async fn an_idempotency_key_gives_the_first_answer_again(engine: Engine) {
    let world = World::begin(engine).await;
    let scopes = vec![TokenScope::BackupReport.as_str().to_owned()];
    let new = NewToken { name: "borg".to_owned(), scopes, valid_for: String::new() };
    let token = world.services.add_token(&world.system, &new).await.unwrap().text;
    let reporter = world.services.actor_for_token(token.expose_secret(), None).await.unwrap();
    let send = |key: &'static str, report: Value| {
        let (services, reporter) = (world.services.clone(), reporter.clone());
        async move { services.report(&reporter, Some(key), &input(&report)).await }
    };
    let job = world.job.id;
    let first = send("k1", json!({"job": job, "status": "running"})).await.unwrap();
    world.wait(3);
    assert_eq!(send("k1", json!({"status": "running", "job": job})).await.unwrap(), first);
    assert_eq!(world.runs().await.len(), 1);
    let misused = send("k1", json!({"job": job, "status": "ok"})).await;
    assert_eq!(wrong_fields(misused), ["Idempotency-Key"]);
    // A refused report may be sent again with the same key, mended.
    assert_eq!(wrong_fields(send("k2", json!({"job": job, "status": "fine"})).await), ["status"]);
    send("k2", json!({"job": job, "status": "ok"})).await.unwrap();
    let answers =
        futures::future::join_all((0..20).map(|_| send("k3", json!({"job": job, "status": "running"})))).await;
    let ids: BTreeSet<RunId> = answers.into_iter().map(|answer| answer.unwrap().id.unwrap()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(wrong_fields(send("", json!({"job": job, "status": "ok"})).await), ["Idempotency-Key"]);

    world.wait(8 * 24 * 60);
    world.services.forget_old_answers().await.unwrap();
    assert_ne!(send("k1", json!({"job": job, "status": "running"})).await.unwrap().id, first.id);
}

async fn reports_and_lists_need_their_permission(engine: Engine) {
    let world = World::begin(engine).await;
    let public = Actor::public(None);
    let report = input(&json!({"job": world.job.id, "status": "ok"}));
    assert!(matches!(world.services.report(&public, None, &report).await, Err(Error::SignInNeeded)));
    let list = world.services.runs(&public, &RunsQuery::default()).await;
    assert!(matches!(list, Err(Error::SignInNeeded)));
    let run = world.ping(Signal::Success).await.id.unwrap();
    assert!(matches!(world.services.run(&public, run).await, Err(Error::SignInNeeded)));
    assert!(matches!(world.services.unprotected(&public, Purpose::Schedule).await, Err(Error::SignInNeeded)));
    let missing = world.services.run(&world.system, RunId(uuid::Uuid::nil())).await;
    assert!(matches!(missing, Err(Error::NotFound("run"))));
}

async fn lists_go_on_where_they_ended(engine: Engine) {
    let world = World::begin(engine).await;
    for n in 0..5 {
        world.ping_as(Signal::Success, Some(&format!("run {n}")), b"").await.unwrap();
    }
    let mut seen = Vec::new();
    let mut query = RunsQuery { limit: "2".to_owned(), host: "Web-12".to_owned(), ..RunsQuery::default() };
    loop {
        let page = world.services.runs(&world.system, &query).await.unwrap();
        seen.extend(page.items.into_iter().map(|line| line.run.key));
        let Some(next) = page.next_cursor else { break };
        query.cursor = next;
    }
    assert_eq!(seen, ["run 4", "run 3", "run 2", "run 1", "run 0"]);
    let text = |text: &str| text.to_owned();
    let wrong =
        RunsQuery { job: text("x"), host: text("vm9"), state: text("fine"), cursor: text("y"), limit: text("201") };
    match world.services.runs(&world.system, &wrong).await {
        Err(Error::Invalid(fields)) => {
            let fields: Vec<&str> = fields.iter().map(|e| e.field).collect();
            assert_eq!(fields, ["job", "state", "cursor", "limit", "host"]);
        }
        other => panic!("{other:?}"),
    }
}

async fn what_is_not_protected_is_listed_with_every_reason(engine: Engine) {
    let world = World::begin(engine).await;
    let system = &world.system;
    let by_hand = HostInput { name: "legacy-shop".to_owned(), ..HostInput::default() };
    world.services.add_host(system, by_hand).await.unwrap();
    world.ping(Signal::Start).await;
    world.ping(Signal::Fail).await;
    let coverage = world.services.unprotected(system, Purpose::Schedule).await.unwrap();
    assert_eq!(coverage.data_sets, 1);
    let listed: Vec<(String, String, Vec<&str>)> = coverage
        .unprotected
        .iter()
        .map(|u| {
            let codes = u.findings.iter().map(|f| f.reason.code()).collect();
            (u.host_name.clone(), u.data_set_name.clone(), codes)
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("legacy-shop".to_owned(), String::new(), vec!["no_data_set"]),
            ("web-12".to_owned(), "Files".to_owned(), vec!["too_old", "last_run_failed"]),
        ]
    );
    world.ping(Signal::Start).await;
    world.ping(Signal::Success).await;
    let coverage = world.services.unprotected(system, Purpose::Schedule).await.unwrap();
    assert_eq!(coverage.unprotected.len(), 1);
}

storage::on_both!(
    a_start_and_a_success_open_the_gate_from_the_start_on,
    an_end_without_a_start_protects_no_more_than_is_sure,
    an_end_that_may_belong_to_several_runs_takes_the_earliest_start,
    an_end_with_a_name_never_ends_a_run_of_another_name,
    a_report_that_comes_again_changes_nothing_and_gets_the_same_answer,
    reports_of_one_run_that_come_at_once_make_one_run,
    an_unknown_or_retired_job_is_not_found_and_a_disabled_one_proves_nothing,
    a_log_keeps_its_end_and_belongs_to_the_run_under_way,
    a_run_without_an_end_is_lost_and_its_late_end_still_counts,
    a_job_that_was_given_more_time_keeps_its_run,
    a_native_report_says_everything_at_once,
    every_wrong_field_of_a_report_is_named,
    an_idempotency_key_gives_the_first_answer_again,
    reports_and_lists_need_their_permission,
    lists_go_on_where_they_ended,
    what_is_not_protected_is_listed_with_every_reason,
);

#[derive(Clone, Debug)]
enum Step {
    Ping(Signal, Option<u8>),
    Wait(i64),
    Give,
}

fn any_step() -> impl Strategy<Value = Step> {
    let signal = prop_oneof![
        3 => Just(Signal::Start),
        3 => Just(Signal::Success),
        1 => Just(Signal::Fail),
        1 => Just(Signal::Log),
        2 => prop_oneof![Just(0), Just(1), Just(255)].prop_map(Signal::Exit),
    ];
    prop_oneof![
        6 => (signal, proptest::option::of(0..3_u8)).prop_map(|(signal, rid)| Step::Ping(signal, rid)),
        2 => (1..300_i64).prop_map(Step::Wait),
        1 => Just(Step::Give),
    ]
}

/// Whatever is pinged in whatever order: a run is good only if a success was reported for it, and
/// it protects no more than up to the last start before that.
#[test]
fn no_ping_but_a_success_makes_a_run_good() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::begin(Engine::Sqlite));
    let count = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 96, ..ProptestConfig::default() });
    runner
        .run(&proptest::collection::vec(any_step(), 1..14), |steps| {
            count.set(count.get() + 1);
            runtime.block_on(async {
                let data_set = world.job.data_set_id;
                let job =
                    world.services.add_job(&world.system, data_set, job_input(&format!("job {}", count.get()))).await;
                let job = job.unwrap();
                let address = world.services.keys.ping(job.id.0, job.ping_version);
                let mut starts = Vec::new();
                let mut successes = 0;
                for step in steps {
                    match step {
                        Step::Wait(minutes) => world.wait(minutes),
                        Step::Give => drop(world.services.mark_lost().await.unwrap()),
                        Step::Ping(signal, rid) => {
                            let rid = rid.map(|n| n.to_string());
                            let answer = world.services.ping(address, Ping { rid, ..Ping::new(signal) }).await;
                            let taken = match answer {
                                Ok(receipt) => receipt.id.is_some(),
                                Err(Error::Refused { code: "conflict", .. }) => false,
                                Err(error) => panic!("{error}"),
                            };
                            if signal == Signal::Start {
                                starts.push(world.services.now());
                            }
                            successes += usize::from(taken && matches!(signal, Signal::Success | Signal::Exit(0)));
                        }
                    }
                }
                let query = RunsQuery { job: job.id.to_string(), ..RunsQuery::default() };
                let lines = world.services.runs(&world.system, &query).await.unwrap().items;
                let good: Vec<&Run> =
                    lines.iter().map(|line| &line.run).filter(|run| run.is_good(&Default::default())).collect();
                prop_assert!(good.len() <= successes, "{good:?}");
                for run in good {
                    let end = run.finished_at.unwrap();
                    let assumed = run.start_assumed && run.started_at == job.max_duration.before(end);
                    prop_assert!(assumed || starts.contains(&run.started_at), "{run:?} of {starts:?}");
                }
                Ok(())
            })
        })
        .unwrap();
}
