//! Extra runs that somebody wants, on a real SQLite file and PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::backup::Job;
use domain::gate::Scope;
use domain::ids::{HostId, JobId};
use domain::people::Scope as TokenScope;
use domain::request::{BackupRequest, RequestState};
use domain::run::Signal;
use domain::text::Name;
use domain::time::Span;
use outbound::trigger::{MemoryTriggers, TriggerBackend, TriggerError};
use secrecy::ExposeSecret;
use service::grants::GrantInput;
use service::inventory::{DataSetInput, HostInput, JobInput};
use service::keys::Keys;
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::runs::Ping;
use service::triggers::TriggerInput;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use storage::testing::{Engine, TestDb};

fn noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

/// web-12 with its files and a database whose dump the files job carries.
struct World {
    _db: TestDb,
    services: Services,
    system: Actor,
    host: HostId,
    files: Job,
    dump: Job,
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
        let mut jobs: Vec<Job> = Vec::new();
        for (set, kind, name) in [("files", "files", "nightly"), ("database", "database", "dump")] {
            let input = DataSetInput { name: set.to_owned(), kind: kind.to_owned() };
            let set = services.add_data_set(&system, host, input).await.unwrap().id;
            let input = JobInput {
                name: name.to_owned(),
                carried_by: jobs.first().map(|files| files.id.to_string()).unwrap_or_default(),
                every: "24 h".to_owned(),
                max_duration: "6 h".to_owned(),
                ..JobInput::default()
            };
            jobs.push(services.add_job(&system, set, input).await.unwrap());
        }
        let (dump, files) = (jobs.remove(1), jobs.remove(0));
        Self { _db: db, services, system, host, files, dump }
    }

    fn wait(&self, minutes: i64) {
        self.services.clock.set(Span::minutes(minutes).after(self.services.now()));
    }

    async fn ping(&self, job: &Job, signal: Signal) {
        let address = self.services.keys.ping(job.id.0, job.ping_version);
        self.services.ping(address, Ping::new(signal)).await.unwrap();
    }

    /// A run of ten minutes that ended well.
    async fn ran(&self, job: &Job) {
        self.ping(job, Signal::Start).await;
        self.wait(10);
        self.ping(job, Signal::Success).await;
    }

    async fn newest(&self, job: &Job) -> BackupRequest {
        self.services.requests_of(&self.system, job.id).await.unwrap().remove(0)
    }

    async fn state(&self, job: &Job) -> RequestState {
        self.newest(job).await.state
    }

    async fn wanted(&self, job: &Job) -> bool {
        self.services.is_wanted(self.services.keys.ping(job.id.0, job.ping_version)).await.unwrap()
    }

    async fn fetch(&self, job: &Job) -> bool {
        self.services.fetch_wanted(self.services.keys.ping(job.id.0, job.ping_version)).await.unwrap()
    }

    fn scope(&self) -> Scope {
        Scope { hosts: BTreeSet::from([self.host]), components: BTreeSet::new() }
    }

    async fn request_missing(&self) -> Vec<JobId> {
        let requests = self.services.request_missing(&self.system, &self.scope(), None).await.unwrap();
        requests.into_iter().map(|request| request.job_id).collect()
    }
}

async fn a_request_is_fetched_and_its_run_answers_it(engine: Engine) {
    let world = World::begin(engine).await;
    let job = &world.files;
    assert!(!world.wanted(job).await && !world.fetch(job).await);
    let request = world.services.request_backup(&world.system, job.id).await.unwrap();
    let again = world.services.request_backup(&world.system, job.id).await.unwrap();
    assert_eq!(again, request, "a job has one open request");
    assert!(world.wanted(job).await && world.wanted(job).await, "looking changes nothing");
    assert!(world.fetch(job).await && !world.fetch(job).await);
    world.wait(10);
    assert!(world.fetch(job).await, "the agent died before it began");
    world.ping(job, Signal::Start).await;
    assert_eq!(world.state(job).await, RequestState::Running);
    world.wait(60);
    assert!(!world.fetch(job).await);
    world.ping(job, Signal::Success).await;
    assert_eq!(world.state(job).await, RequestState::Done);
    let next = world.services.request_backup(&world.system, job.id).await.unwrap();
    assert_ne!(next.id, request.id);
}

async fn a_run_that_fails_or_is_lost_ends_the_request(engine: Engine) {
    let world = World::begin(engine).await;
    let job = &world.files;
    world.services.request_backup(&world.system, job.id).await.unwrap();
    world.ping(job, Signal::Fail).await;
    assert_eq!(world.state(job).await, RequestState::Requested, "it may have begun long before");
    world.ping(job, Signal::Start).await;
    world.wait(1);
    world.ping(job, Signal::Exit(2)).await;
    let failed = world.newest(job).await;
    assert_eq!((failed.state, failed.problem.as_deref()), (RequestState::Failed, Some("it failed")));
    world.services.request_backup(&world.system, job.id).await.unwrap();
    world.ping(job, Signal::Start).await;
    world.wait(6 * 60);
    world.services.mark_lost().await.unwrap();
    assert_eq!(world.state(job).await, RequestState::Failed);
    assert_eq!(world.services.troubled_requests(&world.system).await.unwrap()[0].job, "web-12 · files: nightly");
}

async fn a_request_that_nobody_hears_is_given_up_and_a_retired_job_has_none(engine: Engine) {
    let world = World::begin(engine).await;
    world.services.request_backup(&world.system, world.dump.id).await.unwrap();
    world.wait(6 * 60 + 29);
    world.services.tend_requests().await.unwrap();
    assert_eq!(world.state(&world.dump).await, RequestState::Requested);
    world.wait(1);
    world.services.tend_requests().await.unwrap();
    assert_eq!(world.state(&world.dump).await, RequestState::TimedOut);
    assert_eq!(world.services.troubled_requests(&world.system).await.unwrap().len(), 1);

    world.services.request_backup(&world.system, world.dump.id).await.unwrap();
    assert_eq!(world.services.troubled_requests(&world.system).await.unwrap(), []);
    world.services.retire_job(&world.system, world.dump.id, world.dump.version).await.unwrap();
    world.services.tend_requests().await.unwrap();
    assert_eq!(world.state(&world.dump).await, RequestState::Cancelled);
    let refused = world.services.request_backup(&world.system, world.dump.id).await;
    assert!(matches!(refused, Err(Error::Refused { code: "job_not_in_use", .. })), "{refused:?}");
}

async fn everything_missing_is_asked_for_the_dump_before_its_carrier(engine: Engine) {
    let world = World::begin(engine).await;
    assert_eq!(world.request_missing().await, [world.dump.id, world.files.id]);
    assert_eq!(world.request_missing().await, [world.dump.id, world.files.id], "asked again they are the same");
    assert_eq!(world.services.open_requests(&world.system).await.unwrap().len(), 2);
    assert!(world.wanted(&world.dump).await && !world.wanted(&world.files).await);
    // A files run now would not carry the dump that is to come.
    world.ran(&world.files).await;
    assert_eq!(world.state(&world.files).await, RequestState::Requested);
    world.ran(&world.dump).await;
    assert_eq!(world.state(&world.dump).await, RequestState::Done);
    assert!(world.fetch(&world.files).await);
    world.ran(&world.files).await;
    assert_eq!(world.state(&world.files).await, RequestState::Done);
    assert_eq!(world.request_missing().await, [], "the gate is open");
}

async fn a_carrier_goes_on_where_its_dump_comes_to_nothing(engine: Engine) {
    let world = World::begin(engine).await;
    world.request_missing().await;
    let request = world.newest(&world.dump).await;
    world.services.cancel_request(&world.system, request.id).await.unwrap();
    assert!(world.wanted(&world.files).await);
    let twice = world.services.cancel_request(&world.system, request.id).await;
    assert!(matches!(twice, Err(Error::Refused { code: "wrong_state", .. })), "{twice:?}");
}

async fn at_lead_before_a_start_what_would_block_it_is_asked_for(engine: Engine) {
    let world = World::begin(engine).await;
    world.ran(&world.dump).await;
    world.ran(&world.files).await;
    let input = MaintenanceInput {
        title: Some("Replace a disk".to_owned()),
        hosts: Some(vec![world.host.to_string()]),
        components: Some(vec![]),
        zone: Some("UTC".to_owned()),
        start: Some("2014-05-15T16:05".to_owned()),
        end: Some("2014-05-15T18:00".to_owned()),
        may_wait: Some("8 h".to_owned()),
        auto_start: Some(true),
        ..MaintenanceInput::default()
    };
    let planned = world.services.schedule_maintenance(&world.system, Target::New, &input).await.unwrap();
    let Planning::Scheduled(m) = planned else { panic!("{planned:?}") };
    world.services.run_due().await.unwrap();
    assert!(world.services.open_requests(&world.system).await.unwrap().is_empty());
    // 90 minutes before the start: both backups are fresh now, but 4 h old and more by then.
    world.services.clock.set("2014-05-15T14:35:00Z".parse().unwrap());
    world.services.run_due().await.unwrap();
    let open = world.services.open_requests(&world.system).await.unwrap();
    assert_eq!(open.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([world.dump.id, world.files.id]));
    assert!(open.values().all(|request| request.maintenance_id == Some(m.id) && request.asked_by == "Fermata"));
    let look = world.services.maintenance_detail(&world.system, m.id).await.unwrap().gate.unwrap();
    assert!(look.verdict.is_confirmed(), "they are asked for before they are missing");
    let mut jobs: Vec<String> = Vec::new();
    jobs.extend(world.services.requests_for(&world.system, m.id).await.unwrap().into_iter().map(|placed| placed.job));
    jobs.sort();
    assert_eq!(jobs, ["web-12 · database: dump", "web-12 · files: nightly"]);
    world.services.clock.set("2014-05-15T16:05:00Z".parse().unwrap());
    world.services.run_due().await.unwrap();
    let look = world.services.maintenance_detail(&world.system, m.id).await.unwrap().gate.unwrap();
    assert_eq!(look.requests.keys().copied().collect::<BTreeSet<_>>(), open.keys().copied().collect());
    world.ran(&world.dump).await;
    world.ran(&world.files).await;
    assert_eq!(world.services.retry_held().await.unwrap(), 1, "the extra runs let the window begin");
    assert!(world.services.open_requests(&world.system).await.unwrap().is_empty());
    let refused = world.services.request_missing_for(&world.system, m.id, None).await;
    assert!(matches!(refused, Err(Error::Refused { code: "wrong_state", .. })), "{refused:?}");
}

async fn a_program_may_wait_for_a_request(engine: Engine) {
    let world = World::begin(engine).await;
    let new = NewToken {
        name: "borg".to_owned(),
        scopes: vec![TokenScope::BackupReport.as_str().to_owned()],
        valid_for: String::new(),
    };
    let token = world.services.add_token(&world.system, &new).await.unwrap().text;
    let borg = world.services.actor_for_token(token.expose_secret(), None).await.unwrap();
    let nothing = world.services.job_request(&borg, world.files.id, Duration::ZERO).await.unwrap();
    assert_eq!(nothing, None);
    let (services, id) = (world.services.clone(), world.files.id);
    let waiting = tokio::spawn(async move { services.job_request(&borg, id, Duration::from_secs(20)).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.services.request_backup(&world.system, id).await.unwrap();
    let since = std::time::Instant::now();
    let (request, wanted) = waiting.await.unwrap().unwrap();
    assert!(wanted && request.state == RequestState::Requested && since.elapsed() < Duration::from_secs(5));
    assert!(world.services.fetch_request(&world.system, id).await.unwrap().is_some());
    assert!(world.services.fetch_request(&world.system, id).await.unwrap().is_none());
}

async fn who_may_not_ask_does_not(engine: Engine) {
    let world = World::begin(engine).await;
    let public = Actor::public(None);
    let request = world.services.request_backup(&world.system, world.files.id).await.unwrap();
    assert!(matches!(world.services.request_backup(&public, world.files.id).await, Err(Error::SignInNeeded)));
    assert!(matches!(world.services.cancel_request(&public, request.id).await, Err(Error::SignInNeeded)));
    assert!(matches!(world.services.fetch_request(&public, world.files.id).await, Err(Error::SignInNeeded)));
    let missing = world.services.request_missing(&public, &world.scope(), None).await;
    assert!(matches!(missing, Err(Error::SignInNeeded)));
    let stranger = world.services.is_wanted(uuid::Uuid::nil()).await;
    assert!(matches!(stranger, Err(Error::NotFound(_))));
}

fn trigger(url: &str) -> TriggerInput {
    TriggerInput { url: url.to_owned(), ..TriggerInput::default() }
}

async fn a_trigger_is_called_until_it_answers_and_its_run_follows(engine: Engine) {
    let world = World::begin(engine).await;
    let calls = MemoryTriggers::new();
    world.services.use_triggers(TriggerBackend::Memory(calls.clone()));
    let (services, job) = (&world.services, &world.files);
    services
        .set_trigger(&world.system, job.id, None, &trigger("https://backup.example.org/hook"), false)
        .await
        .unwrap();
    let request = services.request_backup(&world.system, job.id).await.unwrap();
    calls.fail_next(TriggerError::Timeout);
    services.call_triggers().await.unwrap();
    let failed = world.newest(job).await;
    assert_eq!((failed.state, failed.attempts), (RequestState::Requested, 1));
    assert_eq!(services.troubled_requests(&world.system).await.unwrap().len(), 1);
    services.call_triggers().await.unwrap();
    assert_eq!(calls.fired().len(), 1, "not before its pause is over");
    world.wait(1);
    services.call_triggers().await.unwrap();
    assert_eq!(world.state(job).await, RequestState::Sent);
    services.call_triggers().await.unwrap();
    let fired = calls.fired();
    assert_eq!(fired.len(), 2);
    assert!(fired.iter().all(|call| call.id == request.id.to_string()), "the receiver can tell a repetition");
    assert_eq!(fired[1].url, "https://backup.example.org/hook");
    assert_eq!(
        (&fired[1].json["type"], &fired[1].json["data"]["host"]),
        (&"backup.requested".into(), &"web-12".into())
    );
    assert!(!world.fetch(job).await, "who was called is not to begin twice");
    world.ran(job).await;
    assert_eq!(world.state(job).await, RequestState::Done);
}

async fn a_trigger_that_is_gone_is_not_called_again_and_a_carrier_waits(engine: Engine) {
    let world = World::begin(engine).await;
    let calls = MemoryTriggers::new();
    world.services.use_triggers(TriggerBackend::Memory(calls.clone()));
    for job in [&world.files, &world.dump] {
        let input = TriggerInput { template: "bareos".to_owned(), ..trigger("https://backup.example.org/") };
        world.services.set_trigger(&world.system, job.id, None, &input, false).await.unwrap();
    }
    world.request_missing().await;
    calls.fail_next(TriggerError::Answered { status: 410 });
    world.services.call_triggers().await.unwrap();
    world.wait(300);
    world.services.call_triggers().await.unwrap();
    assert_eq!(calls.fired().len(), 1);
    assert_eq!(calls.fired()[0].json["command"], "run job=\"dump\" yes");
    assert!(world.fetch(&world.dump).await, "its host may still ask");
    world.ran(&world.dump).await;
    world.services.call_triggers().await.unwrap();
    assert_eq!(calls.fired()[1].json["command"], "run job=\"nightly\" yes");
}

async fn the_secret_of_a_trigger_is_shown_once_and_stored_nowhere(engine: Engine) {
    let world = World::begin(engine).await;
    let (services, system, id) = (&world.services, &world.system, world.files.id);
    let input = trigger("https://hooks.example.org/t0ken");
    let first = services.set_trigger(system, id, None, &input, false).await.unwrap();
    let secret = first.secret.unwrap().expose_secret().to_owned();
    assert!(secret.starts_with("whsec_"));
    let stale = services.set_trigger(system, id, None, &input, false).await;
    assert!(matches!(stale, Err(Error::Stale(Stale { what: "trigger", .. }))), "{stale:?}");
    let saved = services.set_trigger(system, id, Some(1), &input, false).await.unwrap();
    assert!(saved.secret.is_none());
    let rotated = services.set_trigger(system, id, Some(2), &input, true).await.unwrap();
    assert_ne!(rotated.secret.unwrap().expose_secret(), secret);
    let dump = world._db.dump();
    let holds = |text: &str| dump.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("hooks.example.org") && !holds(&secret));
    let log = services.audit_log(system, &service::audit::AuditFilter::default()).await.unwrap();
    let logged: Vec<String> = log.entries.iter().filter_map(|entry| entry.after.clone()).collect();
    assert!(logged.iter().all(|line| !line.contains("t0ken")), "an address may hold a secret");
    for (url, template, name, field) in [
        ("http://127.0.0.1/", "", "", "url"),
        ("ftp://backup.example.org", "", "", "url"),
        ("https://backup.example.org", "cron", "", "template"),
        ("https://backup.example.org", "bareos", "a\" yes", "remote_name"),
    ] {
        let input = TriggerInput { template: template.to_owned(), remote_name: name.to_owned(), ..trigger(url) };
        match services.set_trigger(system, id, Some(3), &input, false).await {
            Err(Error::Invalid(fields)) => assert_eq!(fields[0].field, field),
            other => panic!("{url}: {other:?}"),
        }
    }
    services.delete_trigger(system, id, 3).await.unwrap();
    assert_eq!(services.trigger(system, id).await.unwrap(), None);
}

async fn a_customer_asks_for_the_own_data_sets_so_often_a_day(engine: Engine) {
    let world = World::begin(engine).await;
    let (services, system) = (&world.services, &world.system);
    let new = NewToken {
        name: "shop".to_owned(),
        scopes: vec![TokenScope::BackupRequest.as_str().to_owned()],
        valid_for: String::new(),
    };
    let made = services.add_token(system, &new).await.unwrap();
    let shop = services.actor_for_token(made.text.expose_secret(), None).await.unwrap();
    let (files, database) = (world.files.data_set_id.to_string(), world.dump.data_set_id.to_string());
    let ask = async |data_set: &str| services.request_extra(&shop, data_set).await;
    assert!(matches!(ask(&database).await, Err(Error::NotFound(_))), "nothing was granted yet");
    let input = GrantInput { data_sets: vec![database.clone()], per_day: "1".to_owned() };
    services.set_grant(system, made.token.id, &input).await.unwrap();
    assert!(matches!(ask(&files).await, Err(Error::NotFound(_))), "not theirs");
    let (extra, is_new) = ask(&database).await.unwrap();
    assert!(is_new && extra.position == Some(1));
    assert!(extra.carrier.is_some_and(|carrier| carrier.waits()), "the files follow the dump");
    let (again, is_new) = ask(&database).await.unwrap();
    assert!(!is_new && again.request == extra.request, "asked twice it is one request");
    let seen = services.request(&shop, extra.request.id).await.unwrap();
    assert_eq!(seen.request, extra.request);
    assert_eq!(extra.request.asked_by, "", "who else asks is nobody's business outside");
    let of_files = world.newest(&world.files).await;
    assert!(matches!(services.request(&shop, of_files.id).await, Err(Error::NotFound(_))));
    assert!(matches!(services.cancel_request(&shop, extra.request.id).await, Err(Error::Forbidden(_))));
    world.ran(&world.dump).await;
    match ask(&database).await {
        Err(Error::TooMany { retry_after_s }) => assert_eq!(retry_after_s, (24 * 60 - 10) * 60),
        other => panic!("{other:?}"),
    }
    world.wait(24 * 60 - 10);
    assert!(ask(&database).await.unwrap().1);
    for (input, field) in [
        (GrantInput { data_sets: vec![database.clone()], per_day: "0".to_owned() }, "per_day"),
        (GrantInput { data_sets: vec![], per_day: "1".to_owned() }, "data_sets"),
        (GrantInput { data_sets: vec!["x".to_owned()], per_day: "1".to_owned() }, "data_sets"),
    ] {
        match services.set_grant(system, made.token.id, &input).await {
            Err(Error::Invalid(fields)) => assert_eq!(fields[0].field, field),
            other => panic!("{other:?}"),
        }
    }
}

async fn the_address_of_a_page_ends_with_its_token(engine: Engine) {
    let world = World::begin(engine).await;
    let (services, system) = (&world.services, &world.system);
    let new = NewToken {
        name: "shop".to_owned(),
        scopes: vec![TokenScope::BackupRequest.as_str().to_owned(), TokenScope::Admin.as_str().to_owned()],
        valid_for: String::new(),
    };
    let id = services.add_token(system, &new).await.unwrap().token.id;
    assert_eq!(services.token_view(system, id).await.unwrap().page, None);
    let input = GrantInput { data_sets: vec![world.files.data_set_id.to_string()], per_day: "2".to_owned() };
    services.set_grant(system, id, &input).await.unwrap();
    let page = services.token_view(system, id).await.unwrap().page.unwrap();
    let link = page.rsplit('/').next().unwrap();
    let holder = services.holder(link).await.unwrap();
    assert_eq!((holder.left, holder.per_day, holder.data_sets.len()), (2, 2, 1));
    let other = services.request_by_link(None, link, &world.dump.data_set_id.to_string()).await;
    assert!(matches!(other, Err(Error::NotFound(_))), "the address opens less than the token: {other:?}");
    assert!(services.request_by_link(None, link, &world.files.data_set_id.to_string()).await.unwrap().1);
    assert_eq!(services.holder(link).await.unwrap().left, 1);
    let forged = services.keys.link(service::keys::Purpose::Manage, id.0, 1);
    assert!(matches!(services.holder(&forged).await, Err(Error::NotFound(_))));
    services.revoke_token(system, id).await.unwrap();
    assert!(matches!(services.holder(link).await, Err(Error::NotFound(_))));
}

storage::on_both!(
    a_customer_asks_for_the_own_data_sets_so_often_a_day,
    the_address_of_a_page_ends_with_its_token,
    a_trigger_is_called_until_it_answers_and_its_run_follows,
    a_trigger_that_is_gone_is_not_called_again_and_a_carrier_waits,
    the_secret_of_a_trigger_is_shown_once_and_stored_nowhere,
    a_request_is_fetched_and_its_run_answers_it,
    a_run_that_fails_or_is_lost_ends_the_request,
    a_request_that_nobody_hears_is_given_up_and_a_retired_job_has_none,
    everything_missing_is_asked_for_the_dump_before_its_carrier,
    a_carrier_goes_on_where_its_dump_comes_to_nothing,
    at_lead_before_a_start_what_would_block_it_is_asked_for,
    a_program_may_wait_for_a_request,
    who_may_not_ask_does_not,
);
