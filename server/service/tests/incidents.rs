//! Incidents from the report to the end, with a real database and a clock that tests move.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod incidents {
    mod lengths;
}

use chrono::{DateTime, Utc};
use domain::component::ComponentState;
use domain::ids::{ComponentId, HostId, IncidentId};
use domain::impact::{Impact, Known, Source};
use domain::incident::{Incident, IncidentState, Severity};
use domain::maintenance::Maintenance;
use domain::people::{Role, Scope};
use domain::subscriber::{Subscriber, SubscriberState};
use domain::text::Name;
use domain::time::Span;
use secrecy::ExposeSecret;
use service::audit::AuditFilter;
use service::figures::ByHand;
use service::incidents::{
    BackfillInput, ComponentStateInput, Deed, EditInput, IncidentInput, IncidentQuery, OverrideInput, PastUpdateInput,
    PostInput,
};
use service::inventory::{ComponentInput, HostInput};
use service::keys::Keys;
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::people::{NewPerson, Person};
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::sync::Arc;
use storage::outbox::DeliveryFilter;
use storage::testing::{Engine, TestDb};

/// "15 19:00" is the 15th of May 2014, 19:00 UTC.
fn utc(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').unwrap();
    format!("2014-05-{day}T{time}:00Z").parse().unwrap()
}

struct Story {
    services: Services,
    db: TestDb,
    host: HostId,
    cluster: ComponentId,
    shell: ComponentId,
    ada: Actor,
}

impl Story {
    /// Two components on vm3, which holds nothing worth saving; Thursday, 18:50 UTC.
    async fn begin(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(utc("15 18:50")),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let system = Actor::system();
        let host =
            services.add_host(&system, HostInput { name: "vm3".to_owned(), ..HostInput::default() }).await.unwrap();
        services.exempt_host(&system, host.id, host.version, "Holds nothing.").await.unwrap();
        let component = async |name: &str| {
            let hosts = vec![host.id.to_string()];
            let input = ComponentInput { name: name.to_owned(), hosts, ..ComponentInput::default() };
            services.add_component(&system, input).await.unwrap().component.id
        };
        let (cluster, shell) = (component("Cluster 12").await, component("Shell nodes").await);
        let person = Person {
            email: "ada@example.org".to_owned(),
            name: "Ada".to_owned(),
            role: Role::Operator.as_str().to_owned(),
        };
        let new = NewPerson { person, password: "correct horse battery".into() };
        let user = services.add_person(&system, &new).await.unwrap().user;
        let ada = services.actor_for_session(user.id, None).await.unwrap();
        Self { services, db, host: host.id, cluster, shell, ada }
    }

    fn at(&self, time: &str) {
        self.services.clock.set(utc(time));
    }

    async fn token(&self, scope: Scope) -> Actor {
        let new = NewToken { name: "x".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&Actor::system(), &new).await.unwrap();
        self.services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
    }

    async fn subscriber(&self, email: &str, components: &[ComponentId]) {
        let mut tx = self.db.db.decide().await.unwrap();
        let subscriber = Subscriber {
            id: self.services.new_id(),
            number: 0,
            email: email.to_owned(),
            state: SubscriberState::Confirmed,
            zone: "UTC".to_owned(),
            components: components.to_vec(),
            topics: domain::subscriber::Topics::default(),
            token_version: 1,
            confirm_sent_at: None,
            created_at: self.services.now(),
            confirmed_at: Some(self.services.now()),
        };
        tx.add_subscriber(&subscriber).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn states(&self, states: &[(ComponentId, ComponentState)]) -> Vec<ComponentStateInput> {
        let one = |(id, state): &(ComponentId, ComponentState)| ComponentStateInput {
            id: id.to_string(),
            state: state.as_str().to_owned(),
        };
        states.iter().map(one).collect()
    }

    fn outage(&self) -> IncidentInput {
        IncidentInput {
            title: "{{components}} is gone".to_owned(),
            components: self.states(&[(self.cluster, ComponentState::MajorOutage)]),
            body: "We look into it.".to_owned(),
            ..IncidentInput::default()
        }
    }

    async fn opened(&self) -> Incident {
        self.services.report_incident(&self.ada, None, &self.outage(), true).await.unwrap()
    }

    async fn say(&self, incident: &Incident, input: PostInput) -> Result<Incident, Error> {
        self.services
            .post_incident_update(&self.ada, None, incident.id, Some(incident.version), Deed::Say, &input)
            .await
    }

    /// The states as everybody reads them, and the page in one sentence.
    async fn public(&self) -> (Vec<(String, ComponentState)>, String) {
        let home = self.services.home().await.unwrap();
        let lines = home.groups.into_iter().flat_map(|group| group.components);
        (lines.map(|line| (line.component.name.to_string(), line.state)).collect(), home.sentence)
    }

    async fn history(&self, source: Source, id: uuid::Uuid) -> Vec<(ComponentId, Known, String, Option<String>)> {
        let short = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
        let line = |i: Impact| (i.component, i.known, short(i.from), i.to.map(short));
        self.db.db.read().await.unwrap().impacts_of(source, id).await.unwrap().into_iter().map(line).collect()
    }

    async fn waiting_mails(&self) -> usize {
        self.db.db.read().await.unwrap().deliveries_before(None, DeliveryFilter::Waiting, 100).await.unwrap().len()
    }

    async fn verbs(&self, id: IncidentId) -> Vec<String> {
        let filter = AuditFilter { object: "incident".to_owned(), object_id: id.to_string(), ..AuditFilter::default() };
        let page = self.services.audit_log(&Actor::system(), &filter).await.unwrap();
        page.entries.into_iter().map(|entry| entry.action).rev().collect()
    }

    async fn window(&self) -> Maintenance {
        let input = MaintenanceInput {
            title: Some("Replace a disk".to_owned()),
            message: Some("Ten minutes.".to_owned()),
            hosts: Some(vec![self.host.to_string()]),
            components: Some(vec![]),
            zone: Some("UTC".to_owned()),
            start: Some("2014-05-15T19:00".to_owned()),
            end: Some("2014-05-15T21:00".to_owned()),
            ..MaintenanceInput::default()
        };
        match self.services.schedule_maintenance(&Actor::system(), Target::New, &input).await.unwrap() {
            Planning::Scheduled(m) => m,
            other => panic!("{other:?}"),
        }
    }
}

fn news(state: &str, body: &str) -> PostInput {
    PostInput { state: state.to_owned(), body: body.to_owned(), ..PostInput::default() }
}

fn fields(result: Result<Incident, Error>) -> Vec<&'static str> {
    match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|field| field.field).collect(),
        other => panic!("{other:?}"),
    }
}

const DOWN: Known = Known::State(ComponentState::MajorOutage);

async fn an_incident_is_reported_updated_resolved_and_opened_again(engine: Engine) {
    let story = Story::begin(engine).await;
    story.at("15 19:05");
    let earlier = IncidentInput { started_at: "2014-05-15 19:55".to_owned(), ..story.outage() };
    let incident = story.services.report_incident(&story.ada, None, &earlier, true).await.unwrap();
    assert_eq!((incident.title.as_str(), incident.reference()), ("Cluster 12 is gone", "I-1".to_owned()));
    assert_eq!(incident.started_at, utc("15 18:55"), "local to Dublin");
    let (states, sentence) = story.public().await;
    assert_eq!(states[0], ("Cluster 12".to_owned(), ComponentState::MajorOutage));
    assert_eq!(sentence, "Major outage on Cluster 12");

    story.at("15 20:00");
    let both = PostInput {
        components: story.states(&[
            (story.cluster, ComponentState::DegradedPerformance),
            (story.shell, ComponentState::PartialOutage),
        ]),
        ..news("monitoring", "{{components}} come back.")
    };
    let incident = story.say(&incident, both).await.unwrap();
    assert_eq!(story.public().await.1, "Partial outage on Shell nodes");
    story.at("16 11:30");
    let resolved = story.say(&incident, news("resolved", "All is back.")).await.unwrap();
    assert_eq!((resolved.state, resolved.resolved_at), (IncidentState::Resolved, Some(utc("16 11:30"))));
    assert_eq!(resolved.severity(), Severity::Critical, "as bad as it was");
    assert_eq!(story.public().await.1, "All systems operational");

    story.at("16 12:00");
    let open = Deed::Reopen;
    let services = &story.services;
    let post = news("", "It is back, sadly.");
    let again = services.post_incident_update(&story.ada, None, incident.id, None, open, &post).await.unwrap();
    assert_eq!((again.state, again.resolved_at), (IncidentState::Investigating, None));
    let refused = services.post_incident_update(&story.ada, None, incident.id, None, open, &post).await;
    assert!(matches!(refused, Err(Error::Refused { code: "wrong_state", .. })), "{refused:?}");
    let (slow, partly) =
        (Known::State(ComponentState::DegradedPerformance), Known::State(ComponentState::PartialOutage));
    let (from, to) = (|text: &str| text.to_owned(), |text: &str| Some(text.to_owned()));
    let mut history = story.history(Source::Incident, incident.id.0).await;
    history.sort_by_key(|line| (line.2.clone(), line.0));
    let expected = [
        (story.cluster, DOWN, from("15 18:55"), to("15 20:00")),
        (story.cluster, slow, from("15 20:00"), to("16 11:30")),
        (story.shell, partly, from("15 20:00"), to("16 11:30")),
        (story.cluster, slow, from("16 12:00"), None),
        (story.shell, partly, from("16 12:00"), None),
    ];
    assert_eq!(history, expected);
    let (_, updates) = services.incident_timeline(&story.ada, incident.id).await.unwrap();
    assert_eq!(updates.len(), 4);
    assert_eq!(updates[2].body.as_str(), "Cluster 12 and Shell nodes come back.");
    assert!(updates.iter().all(|update| update.author_role == Some(Role::Operator)));
    let verbs = ["incident.open", "incident.update", "incident.resolve", "incident.reopen"];
    assert_eq!(story.verbs(incident.id).await, verbs);
}

async fn nobody_may_who_may_not_and_nothing_is_written(engine: Engine) {
    let story = Story::begin(engine).await;
    let incident = story.opened().await;
    let services = &story.services;
    let reader = story.token(Scope::Read).await;
    let planner = story.token(Scope::MaintenanceWrite).await;
    let anybody = Actor::public(None);
    for actor in [&reader, &planner] {
        let denied = services.report_incident(actor, None, &story.outage(), true).await;
        assert!(matches!(denied, Err(Error::Forbidden(_))), "{denied:?}");
        let denied = services.update_incident(actor, incident.id, None, post_of("x")).await;
        assert!(matches!(denied, Err(Error::Forbidden(_))), "{denied:?}");
        let denied = services.override_component(actor, story.cluster, &OverrideInput::default()).await;
        assert!(matches!(denied, Err(Error::Forbidden(_))), "{denied:?}");
    }
    assert!(matches!(services.incident_detail(&anybody, incident.id).await, Err(Error::SignInNeeded)));
    assert!(services.incident_detail(&reader, incident.id).await.is_ok());
    let program = story.token(Scope::IncidentWrite).await;
    let said = services.update_incident(&program, incident.id, incident.version, post_of("By a program.")).await;
    assert_eq!(said.unwrap().version, incident.version + 1);
    let (_, updates) = services.incident_timeline(&reader, incident.id).await.unwrap();
    assert_eq!((updates.len(), updates[0].author_role), (2, None));
}

async fn the_team_reads_which_program_wrote(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let program = story.token(Scope::IncidentWrite).await;
    let made = services.report_incident(&program, None, &story.outage(), true).await.unwrap();
    story.at("15 19:10");
    services.update_incident(&story.ada, made.id, None, post_of("By Ada.")).await.unwrap();
    story.at("15 19:20");
    services.update_incident(&Actor::system(), made.id, None, post_of("By a rule.")).await.unwrap();
    let updates = services.incident_detail(&story.ada, made.id).await.unwrap().updates;
    let mend = async |actor: &Actor, of: usize, version: i64, body: &str| {
        services.mend_incident_update(actor, made.id, updates[of].id, Some(version), body).await.unwrap();
    };
    story.at("15 19:30");
    mend(&story.ada, 0, 1, "By a rule!").await;
    story.at("15 19:40");
    mend(&program, 0, 2, "By our rule.").await;
    // Within the same millisecond.
    mend(&Actor::system(), 0, 3, "By this rule.").await;
    let detail = services.incident_detail(&story.ada, made.id).await.unwrap();
    let programs = &detail.programs;
    let said: Vec<_> = detail.updates.iter().map(|update| programs.said(update.id)).collect();
    assert_eq!(said, [Some("Fermata"), None, Some("token x")]);
    assert_eq!(programs.opened(), Some("token x"));
    let mut replaced = detail.replaced.clone();
    replaced.sort_by_key(|text| text.version);
    let mended: Vec<_> = replaced.iter().map(|text| programs.mended(text.update, text.version)).collect();
    assert_eq!(mended, [None, Some("token x"), Some("Fermata")]);

    let of_ada = story.opened().await;
    let detail = services.incident_detail(&story.ada, of_ada.id).await.unwrap();
    assert_eq!((detail.programs.opened(), detail.programs.said(detail.updates[0].id)), (None, None));
}

fn post_of(body: &str) -> service::incidents::IncidentPost {
    service::incidents::IncidentPost {
        state: IncidentState::Identified,
        body: domain::text::Prose::parse(body).unwrap(),
        components: [].into(),
        tell: true,
    }
}

async fn wrong_words_stand_at_their_fields_and_the_future_is_refused(engine: Engine) {
    let story = Story::begin(engine).await;
    let report =
        async |input: IncidentInput| fields(story.services.report_incident(&story.ada, None, &input, true).await);
    let empty = IncidentInput { severity: "huge".to_owned(), ..IncidentInput::default() };
    assert_eq!(report(empty).await, ["title"]);
    let ahead = IncidentInput { started_at: "2014-05-15T18:51:00Z".to_owned(), ..story.outage() };
    assert_eq!(report(ahead).await, ["started_at"]);
    assert_eq!(report(IncidentInput { state: "scheduled".to_owned(), ..story.outage() }).await, ["state"]);
    assert_eq!(report(IncidentInput { body: " ".to_owned(), ..story.outage() }).await, ["body"]);
    assert_eq!(report(IncidentInput { body: "Since {{start}}".to_owned(), ..story.outage() }).await, ["body"]);
    let unknown = vec![ComponentStateInput { id: uuid::Uuid::nil().to_string(), state: "major_outage".to_owned() }];
    assert_eq!(report(IncidentInput { components: unknown, ..story.outage() }).await, ["components"]);
    let planned = story.states(&[(story.cluster, ComponentState::UnderMaintenance)]);
    assert_eq!(report(IncidentInput { components: planned, ..story.outage() }).await, ["components"]);
    let other = IncidentInput { maintenance: uuid::Uuid::nil().to_string(), ..story.outage() };
    assert_eq!(report(other).await, ["maintenance"]);
    let all = story.services.list_incidents(&story.ada, &IncidentQuery::default()).await.unwrap();
    assert!(all.items.is_empty());
}

async fn who_is_too_late_learns_it_and_writes_nothing(engine: Engine) {
    let story = Story::begin(engine).await;
    let incident = story.opened().await;
    story.say(&incident, news("identified", "A disk.")).await.unwrap();
    let late = story.say(&incident, news("resolved", "It is over.")).await;
    assert!(matches!(late, Err(Error::Stale(Stale { what: "incident", .. }))), "{late:?}");
    let (now, updates) = story.services.incident_timeline(&story.ada, incident.id).await.unwrap();
    assert_eq!((now.state, now.version, updates.len()), (IncidentState::Identified, 2, 2));
    assert!(story.say(&now, news("resolved", "It is over.")).await.is_ok());
}

async fn a_draft_is_seen_by_nobody_until_it_is_published_and_a_discarded_one_stays(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscriber("all@example.net", &[]).await;
    let services = &story.services;
    let draft = services.report_incident(&story.ada, None, &story.outage(), false).await.unwrap();
    assert_eq!(story.public().await.1, "All systems operational");
    assert_eq!(story.waiting_mails().await, 0);
    assert_eq!(services.incident_needs(&story.ada).await.unwrap().waiting(), 1);
    let other =
        IncidentInput { title: "Cluster 12 is slow".to_owned(), severity: "minor".to_owned(), ..story.outage() };
    story.at("15 18:58");
    let published = services.save_incident_draft(&story.ada, draft.id, Some(1), &other, true).await.unwrap();
    assert_eq!((published.state, published.severity()), (IncidentState::Investigating, Severity::Minor));
    assert_eq!(published.started_at, utc("15 18:50"));
    assert_eq!(story.waiting_mails().await, 1);
    let second = services.report_incident(&story.ada, None, &story.outage(), false).await.unwrap();
    let plain = services.publish_incident_draft(&story.ada, second.id, None, &PostInput::default()).await.unwrap();
    assert_eq!(plain.state, IncidentState::Investigating);
    let third = services.report_incident(&story.ada, None, &story.outage(), false).await.unwrap();
    let gone = services.discard_incident(&story.ada, third.id, third.version).await.unwrap();
    assert_eq!(gone.state, IncidentState::Discarded);
    assert_eq!(story.verbs(third.id).await, ["incident.draft", "incident.discard"]);
    let again = services.publish_incident_draft(&story.ada, third.id, None, &PostInput::default()).await;
    assert!(matches!(again, Err(Error::Refused { code: "wrong_state", .. })));
    assert_eq!(services.incident_needs(&story.ada).await.unwrap().waiting(), 0);
    story.at("15 20:00");
    assert_eq!(services.incident_needs(&story.ada).await.unwrap().waiting(), 2, "customers heard nothing for an hour");
    assert_eq!(services.incident_needs(&story.ada).await.unwrap().silent.len(), 2);
}

async fn a_mended_update_tells_nobody_and_keeps_what_it_was(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscriber("all@example.net", &[]).await;
    let incident = story.opened().await;
    assert_eq!(story.waiting_mails().await, 1);
    let services = &story.services;
    let (_, updates) = services.incident_timeline(&story.ada, incident.id).await.unwrap();
    story.at("15 19:30");
    let mend = async |version, body| {
        services.mend_incident_update(&story.ada, incident.id, updates[0].id, Some(version), body).await
    };
    let mended = mend(1, "We are looking into it.").await.unwrap();
    assert_eq!((mended.version, mended.edited_at), (2, Some(utc("15 19:30"))));
    assert!(matches!(mend(1, "Too late.").await, Err(Error::Stale(Stale { what: "update", .. }))));
    assert!(matches!(mend(2, " ").await, Err(Error::Invalid(_))));
    let detail = services.incident_detail(&story.ada, incident.id).await.unwrap();
    assert_eq!(detail.replaced[0].body.as_str(), "We look into it.");
    assert_eq!(detail.incident.version, incident.version, "whoever writes an update is not too late");
    assert_eq!(story.waiting_mails().await, 1);
    assert_eq!(story.verbs(incident.id).await, ["incident.open", "incident.edit_update"]);
    let elsewhere = services.mend_incident_update(&story.ada, services.new_id(), updates[0].id, None, "x").await;
    assert!(matches!(elsewhere, Err(Error::NotFound(_))));
}

async fn what_is_entered_afterwards_is_marked_and_tells_nobody(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscriber("all@example.net", &[]).await;
    let input = BackfillInput {
        title: "{{components}} was away".to_owned(),
        components: story.states(&[(story.cluster, ComponentState::MajorOutage)]),
        started_at: "2014-05-12T08:00:00Z".to_owned(),
        resolved_at: "2014-05-12T09:30:00Z".to_owned(),
        updates: vec![PastUpdateInput {
            at: "2014-05-12T08:40:00Z".to_owned(),
            body: "A cable.".to_owned(),
            components: story.states(&[(story.cluster, ComponentState::DegradedPerformance)]),
            ..PastUpdateInput::default()
        }],
        body: "The cable is mended.".to_owned(),
        ..BackfillInput::default()
    };
    let services = &story.services;
    let entered = services.enter_past_incident(&story.ada, Some("k"), &input).await.unwrap();
    let again = services.enter_past_incident(&story.ada, Some("k"), &input).await.unwrap();
    assert_eq!(entered, again, "the same request once more");
    assert!(entered.is_backfilled && entered.state == IncidentState::Resolved);
    assert_eq!((entered.title.as_str(), entered.severity()), ("Cluster 12 was away", Severity::Critical));
    let slow = Known::State(ComponentState::DegradedPerformance);
    let expected = [
        (story.cluster, DOWN, "12 08:00".to_owned(), Some("12 08:40".to_owned())),
        (story.cluster, slow, "12 08:40".to_owned(), Some("12 09:30".to_owned())),
    ];
    assert_eq!(story.history(Source::Incident, entered.id.0).await, expected);
    assert_eq!((story.waiting_mails().await, story.public().await.1), (0, "All systems operational".to_owned()));
    let (_, updates) = services.incident_timeline(&story.ada, entered.id).await.unwrap();
    assert!(updates.len() == 2 && updates.iter().all(|update| !update.told));
    let said = story.say(&entered, news("", "It was the switch.")).await.unwrap();
    assert_eq!(story.waiting_mails().await, 0, "nobody chose to tell of it");
    let chosen = PostInput { tell: Some(true), ..news("", "And its cable.") };
    story.say(&said, chosen).await.unwrap();
    assert_eq!(story.waiting_mails().await, 1);
    let open = BackfillInput { resolved_at: "2014-05-15T19:00:00Z".to_owned(), ..input.clone() };
    assert_eq!(fields(services.enter_past_incident(&story.ada, None, &open).await), ["resolved_at"]);
    let early = PastUpdateInput { at: "2014-05-12T07:00:00Z".to_owned(), ..input.updates[0].clone() };
    let order = BackfillInput { updates: vec![early], ..input };
    assert_eq!(fields(services.enter_past_incident(&story.ada, None, &order).await), ["updates"]);
}

async fn history_begins_with_the_first_thing_there_is(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let month = |number| chrono::NaiveDate::from_ymd_opt(2014, number, 1);
    let nowhere = async |number| matches!(services.history(month(number)).await, Err(Error::NotFound("month")));
    assert!(nowhere(4).await && nowhere(6).await);
    let may = services.history(None).await.unwrap();
    assert_eq!((may.earlier, may.until), (None, Some(utc("15 23:00"))), "midnight of Dublin");
    let input = BackfillInput {
        title: "A cable was cut".to_owned(),
        started_at: "2014-02-12T08:00:00Z".to_owned(),
        resolved_at: "2014-02-12T09:30:00Z".to_owned(),
        body: "It is mended.".to_owned(),
        ..BackfillInput::default()
    };
    services.enter_past_incident(&story.ada, None, &input).await.unwrap();
    let february = services.history(month(2)).await.unwrap();
    assert_eq!((february.incidents.len(), february.earlier, february.until), (1, None, None));
    let april = services.history(month(4)).await.unwrap();
    assert_eq!((april.incidents.len(), april.earlier), (0, month(3)), "quiet, and something lies before it");
    assert!(nowhere(1).await);
}

async fn of_a_window_and_an_incident_the_worst_wins_and_falls_back_by_itself(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let m = story.window().await;
    story.at("15 19:00");
    services.run_due().await.unwrap();
    let under = Known::State(ComponentState::UnderMaintenance);
    let (states, sentence) = story.public().await;
    assert!(states.iter().all(|(_, state)| *state == ComponentState::UnderMaintenance), "{states:?}");
    assert_eq!(sentence, "Maintenance is under way on Cluster 12 and Shell nodes");
    let causes = services.possible_causes(&story.ada, &[(story.cluster, ComponentState::MajorOutage)].into()).await;
    let causes = causes.unwrap();
    assert!(causes.len() == 1 && causes[0].is_likely() && causes[0].id == m.id, "{causes:?}");

    story.at("15 19:10");
    let caused = IncidentInput { maintenance: m.id.to_string(), ..story.outage() };
    let incident = services.report_incident(&story.ada, None, &caused, true).await.unwrap();
    let (states, sentence) = story.public().await;
    assert_eq!(states.iter().map(|(_, state)| *state).max(), Some(ComponentState::MajorOutage));
    assert_eq!(sentence, "Major outage on Cluster 12");
    assert_eq!(services.incidents_caused_by(&story.ada, m.id).await.unwrap()[0].id, incident.id);

    story.at("15 20:00");
    let incident = story.say(&incident, news("resolved", "Back.")).await.unwrap();
    assert_eq!(incident.state, IncidentState::Resolved);
    let (states, _) = story.public().await;
    assert!(states.iter().all(|(_, state)| *state == ComponentState::UnderMaintenance), "{states:?}");
    story.at("15 20:30");
    services.complete_maintenance(&story.ada, m.id, None, "").await.unwrap();
    let (states, _) = story.public().await;
    assert!(states.iter().all(|(_, state)| *state == ComponentState::Operational), "{states:?}");
    let mut history = story.history(Source::Maintenance, m.id.0).await;
    history.sort_by_key(|line| line.0);
    let line = |id| (id, under, "15 19:00".to_owned(), Some("15 20:30".to_owned()));
    let mut expected = [line(story.cluster), line(story.shell)];
    expected.sort_by_key(|line| line.0);
    assert_eq!(history, expected);
    let causes = services.possible_causes(&story.ada, &[].into()).await.unwrap();
    assert!(causes.len() == 1 && !causes[0].is_near(), "it ended less than a day ago");
    assert_eq!(causes[0].covers, ["Cluster 12", "Shell nodes"]);
}

async fn wrong_times_are_mended_and_the_history_moves_with_them(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    story.at("15 19:00");
    let incident = story.opened().await;
    story.at("15 20:00");
    let incident = story.say(&incident, news("resolved", "Back.")).await.unwrap();
    story.at("17 12:00");
    services.count_days().await.unwrap();
    let down = async |day: &str| {
        let date = format!("2014-05-{day}").parse().unwrap();
        let tx = &mut services.db.read().await.unwrap();
        let days = tx.component_days(Some(story.cluster), date, date).await.unwrap();
        days.first().map_or(0, |(_, _, tally)| tally.major / 60_000)
    };
    assert_eq!((down("15").await, down("16").await), (60, 0));
    let mend = async |version, started_at: Option<&str>, resolved_at: Option<&str>| {
        let typed = |text: Option<&str>| text.map(str::to_owned);
        let input = EditInput {
            started_at: typed(started_at),
            resolved_at: typed(resolved_at),
            began_long_ago: true,
            ..EditInput::default()
        };
        services.change_incident(&story.ada, incident.id, Some(version), &input).await
    };
    let mended = mend(2, Some("2014-05-15 19:55"), Some("2014-05-16T11:00:00Z")).await.unwrap();
    assert_eq!((mended.started_at, mended.resolved_at), (utc("15 18:55"), Some(utc("16 11:00"))), "typed in Dublin");
    assert_eq!(mended.version, 3);
    let major = Known::State(ComponentState::MajorOutage);
    let history = story.history(Source::Incident, incident.id.0).await;
    assert_eq!(history, [(story.cluster, major, "15 18:55".to_owned(), Some("16 11:00".to_owned()))]);
    services.count_days().await.unwrap();
    assert_eq!((down("15").await, down("16").await), (4 * 60 + 5, 12 * 60), "days of Dublin");
    let log = services.audit_log(&Actor::system(), &AuditFilter::default()).await.unwrap().entries;
    assert_eq!(log.iter().filter(|entry| entry.action == "incident.edit").count(), 1);
    let deliveries = services.db.read().await.unwrap().incident_updates_of(&[incident.id]).await.unwrap();
    assert_eq!(deliveries.len(), 2, "nothing is said");

    assert!(matches!(mend(2, Some("2014-05-15T18:00:00Z"), None).await, Err(Error::Stale(_))));
    let wrong = |result: Result<Incident, Error>, field: &str| {
        let Err(Error::Invalid(fields)) = result else { panic!("{result:?}") };
        assert_eq!(fields.iter().map(|f| f.field).collect::<Vec<_>>(), [field]);
    };
    wrong(mend(3, Some("2014-05-17T12:01:00Z"), None).await, "started_at");
    wrong(mend(3, Some("2014-05-15T19:01:00Z"), None).await, "started_at");
    wrong(mend(3, None, Some("2014-05-15T18:55:00Z")).await, "resolved_at");
    wrong(mend(3, None, Some("2014-05-17T12:01:00Z")).await, "resolved_at");
    wrong(mend(3, Some("1969-05-17T12:01:00Z"), None).await, "started_at");
    let same = mend(3, Some("2014-05-15T18:55:00Z"), None).await.unwrap();
    assert_eq!(same.version, 3, "nothing changed");
    let open = story.opened().await;
    let input = EditInput { resolved_at: Some("2014-05-17T11:00:00Z".to_owned()), ..EditInput::default() };
    wrong(services.change_incident(&story.ada, open.id, Some(1), &input).await, "resolved_at");
}

async fn a_start_that_is_long_ago_is_asked_back_once(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let since = |started_at: &str| IncidentInput { started_at: started_at.to_owned(), ..story.outage() };
    for publish in [true, false] {
        let asked = services.report_incident(&story.ada, None, &since("2014-04-15T18:00:00Z"), publish).await;
        let Err(Error::Invalid(fields)) = asked else { panic!("{asked:?}") };
        assert_eq!((fields.len(), fields[0].field), (1, "began_long_ago"));
        assert!(fields[0].message.starts_with("That is 30 days ago."), "{fields:?}");
    }
    assert!(services.report_incident(&story.ada, None, &since("2014-05-14T18:50:00Z"), true).await.is_ok(), "a day");
    let sure = IncidentInput { began_long_ago: true, ..since("2014-04-15T18:00:00.250Z") };
    let draft = services.report_incident(&story.ada, None, &sure, false).await.unwrap();
    let again = services.save_incident_draft(&story.ada, draft.id, Some(1), &since("2014-04-15 19:00:00"), true).await;
    assert!(again.is_ok(), "nobody is asked twice: {again:?}");
}

async fn another_start_that_is_long_before_is_asked_back_once(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let incident = story.opened().await;
    let draft = services.report_incident(&story.ada, None, &story.outage(), false).await.unwrap();
    story.at("30 12:00");
    let mend = async |id, version, started_at: &str, began_long_ago| {
        let input = EditInput { started_at: Some(started_at.to_owned()), began_long_ago, ..EditInput::default() };
        services.change_incident(&story.ada, id, Some(version), &input).await
    };
    for id in [incident.id, draft.id] {
        let asked = mend(id, 1, "2014-04-15T18:50:00Z", false).await;
        let Err(Error::Invalid(wrong)) = asked else { panic!("{asked:?}") };
        assert_eq!((wrong.len(), wrong[0].field), (1, "began_long_ago"));
        assert!(wrong[0].message.starts_with("That is 30 days before the start it has now."), "{wrong:?}");
        let day = mend(id, 1, "2014-05-14T18:50:00Z", false).await;
        assert!(day.is_ok(), "a day earlier, however long ago that is: {day:?}");
        let sure = mend(id, 2, "2014-04-15T18:50:00Z", true).await.unwrap();
        assert_eq!(sure.version, 3);
        assert!(mend(id, 3, "2014-04-15T18:40:00Z", false).await.is_ok(), "nobody is asked twice");
    }
}

async fn an_old_form_of_a_draft_changes_nothing_that_is_published(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let draft = services.report_incident(&story.ada, None, &story.outage(), false).await.unwrap();
    let published =
        services.publish_incident_draft(&story.ada, draft.id, Some(1), &PostInput::default()).await.unwrap();
    let old = IncidentInput {
        title: "An old title".to_owned(),
        severity: "minor".to_owned(),
        started_at: "2014-05-15T18:00:00Z".to_owned(),
        ..story.outage()
    };
    let empty = IncidentInput { title: String::new(), ..old.clone() };
    for publish in [false, true] {
        let save =
            async |version, input| services.save_incident_draft(&story.ada, draft.id, version, input, publish).await;
        assert!(matches!(save(Some(1), &old).await, Err(Error::Stale(Stale { version: Some(2), .. }))));
        for (version, input) in [(Some(2), &old), (None, &old), (Some(2), &empty)] {
            let pressed_again = save(version, input).await;
            let Err(Error::Refused { code: "wrong_state", message, .. }) = pressed_again else {
                panic!("{pressed_again:?}")
            };
            assert!(
                message.starts_with("I-1 is being investigated and no draft any more, so nothing was saved."),
                "{message}"
            );
        }
    }
    let (now, updates) = services.incident_timeline(&story.ada, draft.id).await.unwrap();
    assert_eq!((now, updates.len()), (published, 1));
    assert_eq!(story.verbs(draft.id).await, ["incident.draft", "incident.publish"]);
}

async fn what_was_started_early_or_took_days_longer_is_the_likely_cause(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let m = story.window().await;
    story.at("15 18:55");
    let started = services.start_maintenance(&story.ada, m.id, None, "").await.unwrap();
    assert_eq!((started.started_at, started.planned.starts_at), (Some(utc("15 18:55")), utc("15 19:00")));
    let early = story.opened().await;
    story.at("15 18:58");
    let early = story.say(&early, news("resolved", "Back.")).await.unwrap();
    story.at("19 10:00");
    let late = story.opened().await;
    story.at("19 11:00");
    services.complete_maintenance(&story.ada, m.id, None, "").await.unwrap();
    story.at("30 12:00");
    for id in [early.id, late.id] {
        let causes = services.incident_detail(&story.ada, id).await.unwrap().causes;
        assert!(causes.len() == 1 && causes[0].is_likely() && causes[0].id == m.id, "{causes:?}");
    }
    assert!(services.possible_causes(&story.ada, &[].into()).await.unwrap().is_empty(), "by now nobody asks");
}

async fn a_window_that_was_under_way_when_it_began_is_the_likely_cause(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let m = story.window().await;
    story.at("15 19:00");
    services.run_due().await.unwrap();
    story.at("15 20:30");
    services.complete_maintenance(&story.ada, m.id, None, "").await.unwrap();
    story.at("20 12:00");
    let began = async |started_at: &str, component: Option<ComponentId>| {
        let state = "major_outage".to_owned();
        let input = BackfillInput {
            title: "Gone".to_owned(),
            components: component.map(|id| ComponentStateInput { id: id.to_string(), state }).into_iter().collect(),
            started_at: started_at.to_owned(),
            resolved_at: "2014-05-16T21:00:00Z".to_owned(),
            body: "Back.".to_owned(),
            ..BackfillInput::default()
        };
        let entered = services.enter_past_incident(&story.ada, None, &input).await.unwrap();
        services.incident_detail(&story.ada, entered.id).await.unwrap().causes
    };
    let during = began("2014-05-15T19:30:00Z", Some(story.cluster)).await;
    assert!(during.len() == 1 && during[0].is_likely(), "days later it is still known: {during:?}");
    assert_eq!(
        (during[0].reference().as_str(), during[0].near.as_slice()),
        ("M-1", ["Cluster 12".to_owned()].as_slice())
    );
    let before = began("2014-05-15T18:59:00Z", Some(story.cluster)).await;
    assert!(before.is_empty(), "what began later did not cause it: {before:?}");
    let after = began("2014-05-15T20:31:00Z", Some(story.cluster)).await;
    assert!(after.len() == 1 && after[0].is_near() && !after[0].is_likely(), "it was over: {after:?}");
    let site = began("2014-05-15T19:30:00Z", None).await;
    assert!(site.len() == 1 && !site[0].is_likely(), "nothing is named that it could touch: {site:?}");
    assert!(began("2014-05-16T20:30:00Z", Some(story.cluster)).await.is_empty(), "a day after its end");
}

async fn what_runs_where_may_change_while_work_is_under_way(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let m = story.window().await;
    story.at("15 19:00");
    services.run_due().await.unwrap();
    story.at("15 19:20");
    let shell = services.component(&story.ada, story.shell).await.unwrap().component;
    let moved =
        ComponentInput { name: shell.name.to_string(), slug: shell.slug.to_string(), ..ComponentInput::default() };
    services.edit_component(&Actor::system(), story.shell, shell.version, moved).await.unwrap();
    let ended =
        story.history(Source::Maintenance, m.id.0).await.into_iter().find(|line| line.0 == story.shell).unwrap();
    assert_eq!(ended.3, Some("15 19:20".to_owned()));
    let state =
        |states: Vec<(String, ComponentState)>| states.into_iter().find(|(name, _)| name == "Shell nodes").unwrap().1;
    assert_eq!(state(story.public().await.0), ComponentState::Operational);
}

async fn a_state_set_by_hand_holds_until_it_is_taken_back(engine: Engine) {
    let story = Story::begin(engine).await;
    story.opened().await;
    let services = &story.services;
    story.at("15 19:00");
    let by_hand = |state: &str, reason: &str| {
        let (state, reason) = (state.to_owned(), reason.to_owned());
        OverrideInput { state, reason, hides_outage: true }
    };
    let set = async |input: OverrideInput| services.override_component(&story.ada, story.cluster, &input).await;
    let now = set(by_hand("degraded_performance", "It answers, slowly.")).await.unwrap();
    assert_eq!((now.state, now.derived), (ComponentState::DegradedPerformance, ComponentState::MajorOutage));
    assert_eq!((now.by_hand.unwrap().since, now.set_by.as_deref()), (utc("15 19:00"), Some("Ada")));
    assert_eq!(story.public().await.1, "Degraded performance on Cluster 12");
    story.at("15 19:10");
    let again = set(by_hand("degraded_performance", "It still answers.")).await.unwrap();
    assert_eq!(again.by_hand.unwrap().since, utc("15 19:00"), "the same state goes on");
    let other = set(by_hand("operational", "It works.")).await.unwrap();
    assert_eq!((other.state, other.by_hand.unwrap().since), (ComponentState::Operational, utc("15 19:10")));
    assert!(matches!(set(by_hand("broken", "")).await, Err(Error::Invalid(wrong)) if wrong.len() == 2));
    story.at("15 19:15");
    let program = story.token(Scope::IncidentWrite).await;
    let input = by_hand("operational", "The probe says so.");
    let now = services.override_component(&program, story.cluster, &input).await.unwrap();
    assert_eq!(now.set_by.as_deref(), Some("token x"));
    story.at("15 19:20");
    let back = services.withdraw_component_override(&story.ada, story.cluster).await.unwrap();
    assert_eq!((back.state, back.by_hand), (ComponentState::MajorOutage, None));
    let once_more = services.withdraw_component_override(&story.ada, story.cluster).await.unwrap();
    assert_eq!(once_more.state, ComponentState::MajorOutage);
    let history = story.history(Source::Override, story.cluster.0).await;
    assert_eq!(history.len(), 2);
    assert!(history.iter().all(|line| line.3.is_some()), "{history:?}");
    let filter =
        AuditFilter { object: "component".to_owned(), object_id: story.cluster.to_string(), ..AuditFilter::default() };
    let log = services.audit_log(&Actor::system(), &filter).await.unwrap();
    let verbs: Vec<&str> = log.entries.iter().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "component.withdraw_override",
        "component.override",
        "component.override",
        "component.override",
        "component.override",
        "component.add",
    ];
    assert_eq!(verbs, expected);
}

async fn a_state_that_hides_an_outage_from_the_figures_is_asked_back(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let set = async |state: &str, reason: &str, hides_outage: bool| {
        let input = OverrideInput { state: state.to_owned(), reason: reason.to_owned(), hides_outage };
        services.override_component(&story.ada, story.cluster, &input).await
    };
    let calm = set("operational", "Somebody asked.", false).await.unwrap();
    assert!(!calm.hides_outage(), "there is nothing to hide");
    story.opened().await;
    let now = services.component_now(&story.ada, story.cluster).await.unwrap();
    assert_eq!((now.incidents, now.hides_outage()), (ComponentState::MajorOutage, true), "set before it broke");
    let by_hand = async || services.corrections(&story.ada, None).await.unwrap().by_hand;
    let set_by_hand = |state, instead_of| ByHand { component: story.cluster, state, instead_of };
    let said = Some(ComponentState::MajorOutage);
    assert_eq!(by_hand().await, [set_by_hand(ComponentState::Operational, said)], "nobody was asked, all can see it");
    set("operational", "It is the same.", false).await.unwrap();
    let asked = set("under_maintenance", "We call it work.", false).await;
    let Err(Error::Invalid(fields)) = asked else { panic!("{asked:?}") };
    assert_eq!(fields.iter().map(|wrong| wrong.field).collect::<Vec<_>>(), ["hides_outage"]);
    assert!(fields[0].message.contains("“Major outage”"), "{fields:?}");
    let before = services.component_now(&story.ada, story.cluster).await.unwrap();
    assert_eq!(before.state, ComponentState::Operational, "nothing was set");
    let sure = set("degraded_performance", "It answers, slowly.", true).await.unwrap();
    assert!(sure.hides_outage());
    let as_bad = set("major_outage", "Nothing works.", false).await.unwrap();
    assert!(!as_bad.hides_outage());
    assert_eq!(by_hand().await, [set_by_hand(ComponentState::MajorOutage, None)]);
}

async fn a_private_component_is_known_to_the_team_alone(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscriber("all@example.net", &[]).await;
    story.subscriber("shell@example.net", &[story.shell]).await;
    let services = &story.services;
    let shell = services.component(&story.ada, story.shell).await.unwrap().component;
    let hidden = ComponentInput {
        name: shell.name.to_string(),
        slug: shell.slug.to_string(),
        hosts: vec![story.host.to_string()],
        is_private: true,
        ..ComponentInput::default()
    };
    services.edit_component(&Actor::system(), story.shell, shell.version, hidden).await.unwrap();
    let on_shell = |state| story.states(&[(story.shell, state)]);
    let secret = IncidentInput {
        title: "{{components}} is gone".to_owned(),
        components: on_shell(ComponentState::MajorOutage),
        ..story.outage()
    };
    let incident = services.report_incident(&story.ada, None, &secret, true).await.unwrap();
    assert_eq!(incident.title.as_str(), "our services is gone", "its name is not written out");
    assert_eq!(story.waiting_mails().await, 0);
    let home = services.home().await.unwrap();
    assert!(home.incidents.is_empty() && home.calm && home.sentence == "All systems operational");
    let names = |groups: Vec<service::public::GroupLines>| -> Vec<String> {
        groups.into_iter().flat_map(|g| g.components).map(|line| line.component.name.to_string()).collect()
    };
    assert_eq!(names(home.groups), ["Cluster 12"]);
    assert_eq!(names(services.public_components().await.unwrap()), ["Cluster 12"]);
    let audience = services.incident_audience(&story.ada, &[story.shell]).await.unwrap();
    assert_eq!((audience.mails, audience.left_out_count()), (0, 2));

    let m = story.window().await;
    let (_, window) = services.public_window(m.id).await.unwrap();
    assert_eq!(window.affected.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["Cluster 12"]);
    let feed = services.calendar_feed().await.unwrap().body;
    assert!(feed.contains("Cluster 12") && !feed.contains("Shell nodes"));
    let only = MaintenanceInput {
        components: Some(vec![story.shell.to_string()]),
        hosts: Some(vec![]),
        title: Some("A secret".to_owned()),
        message: Some(String::new()),
        zone: Some("UTC".to_owned()),
        start: Some("2014-05-15T22:00".to_owned()),
        end: Some("2014-05-15T23:00".to_owned()),
        ..MaintenanceInput::default()
    };
    let waiting = story.waiting_mails().await;
    let planned = services.schedule_maintenance(&Actor::system(), Target::New, &only).await.unwrap();
    let Planning::Scheduled(planned) = planned else { panic!("{planned:?}") };
    assert_eq!(story.waiting_mails().await, waiting, "nobody is told of it");
    assert!(matches!(services.public_window(planned.id).await, Err(Error::NotFound(_))));
    assert!(matches!(services.calendar_of(planned.id).await, Err(Error::NotFound(_))));
    assert!(!services.calendar_feed().await.unwrap().body.contains("A secret"));
    assert!(services.home().await.unwrap().next.iter().all(|w| w.maintenance.id != planned.id));

    let both = IncidentInput {
        components: story.states(&[
            (story.shell, ComponentState::MajorOutage),
            (story.cluster, ComponentState::DegradedPerformance),
        ]),
        ..story.outage()
    };
    let both = services.report_incident(&story.ada, None, &both, true).await.unwrap();
    let well = story.states(&[(story.cluster, ComponentState::Operational)]);
    let both = story.say(&both, PostInput { components: well, ..news("monitoring", "It is back.") }).await.unwrap();
    assert_eq!(both.severity(), Severity::Critical, "for the team");
    let (_, seen) = services.public_incident(both.id).await.unwrap();
    assert_eq!(seen.incident.severity(), Severity::Minor, "as bad as what customers know of was");
    assert!(seen.incident.components.keys().all(|id| *id == story.cluster), "{:?}", seen.incident.components);
}

async fn what_an_open_incident_names_stays_in_use(engine: Engine) {
    let story = Story::begin(engine).await;
    let incident = story.opened().await;
    let services = &story.services;
    let version = services.component(&story.ada, story.cluster).await.unwrap().component.version;
    let refused = services.retire_component(&Actor::system(), story.cluster, version).await.unwrap_err().to_string();
    assert!(refused.contains("I-1 (Cluster 12 is gone) names it"), "{refused}");
    story.say(&incident, news("resolved", "Back.")).await.unwrap();
    let by_hand = OverrideInput { state: "partial_outage".to_owned(), reason: "x".to_owned(), hides_outage: false };
    services.override_component(&story.ada, story.cluster, &by_hand).await.unwrap();
    story.at("15 19:40");
    services.retire_component(&Actor::system(), story.cluster, version).await.unwrap();
    assert!(story.history(Source::Override, story.cluster.0).await.iter().all(|line| line.3.is_some()));
    let kept = services.delete_component(&Actor::system(), story.cluster, version + 1).await.unwrap_err().to_string();
    assert!(kept.contains("1 incident"), "{kept}");
}

async fn a_request_that_comes_again_gets_the_first_answer(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let first = services.report_incident(&story.ada, Some("a"), &story.outage(), true).await.unwrap();
    story.at("15 18:59");
    let again = services.report_incident(&story.ada, Some("a"), &story.outage(), true).await.unwrap();
    assert_eq!(first, again);
    let other = IncidentInput { title: "Another".to_owned(), ..story.outage() };
    assert_eq!(fields(services.report_incident(&story.ada, Some("a"), &other, true).await), ["Idempotency-Key"]);
    let post = news("identified", "A disk.");
    let say = async || services.post_incident_update(&story.ada, Some("b"), first.id, Some(1), Deed::Say, &post).await;
    assert_eq!(say().await.unwrap(), say().await.unwrap(), "not stale: the same");
    let all = services.list_incidents(&story.ada, &IncidentQuery::default()).await.unwrap();
    assert_eq!(all.items.len(), 1);
}

async fn words_severity_and_cause_change_without_an_update(engine: Engine) {
    let story = Story::begin(engine).await;
    story.subscriber("all@example.net", &[]).await;
    let incident = story.opened().await;
    let services = &story.services;
    let change = async |version, input: EditInput| {
        services.change_incident(&story.ada, incident.id, Some(version), &input).await
    };
    let minor =
        EditInput { severity: Some("minor".to_owned()), title: Some("Slow".to_owned()), ..EditInput::default() };
    let edited = change(1, minor).await.unwrap();
    assert_eq!((edited.severity(), edited.title.as_str(), edited.version), (Severity::Minor, "Slow", 2));
    let derived = EditInput { severity: Some(String::new()), ..EditInput::default() };
    assert_eq!(change(2, derived.clone()).await.unwrap().severity(), Severity::Critical);
    assert!(matches!(change(2, derived.clone()).await, Err(Error::Stale(_))));
    assert_eq!(change(3, derived).await.unwrap().version, 3, "nothing changed");
    let other = EditInput { components: Some(vec![]), ..EditInput::default() };
    assert_eq!(fields(change(3, other).await), ["components"]);
    assert_eq!(story.waiting_mails().await, 1);
    assert!(Span::minutes(1).after(edited.updated_at) > utc("15 18:50"));
}

async fn a_clock_that_jumps_loses_no_state_and_no_order(engine: Engine) {
    let story = Story::begin(engine).await;
    let incident = story.opened().await;
    let say = async |now: &str, state: &str, of: ComponentState| {
        story.at(now);
        let post = PostInput {
            state: state.to_owned(),
            body: format!("At {now}."),
            components: if state == "resolved" { vec![] } else { story.states(&[(story.cluster, of)]) },
            ..PostInput::default()
        };
        story.services.post_incident_update(&story.ada, None, incident.id, None, Deed::Say, &post).await.unwrap()
    };
    // A day ahead, then an hour behind what it was.
    say("16 19:00", "identified", ComponentState::PartialOutage).await;
    say("15 18:00", "monitoring", ComponentState::DegradedPerformance).await;
    let over = say("15 18:10", "resolved", ComponentState::Operational).await;
    assert_eq!((over.state, over.resolved_at.is_some()), (IncidentState::Resolved, true));
    let mut tx = story.db.db.read().await.unwrap();
    let told = tx.incident_updates_of(&[incident.id]).await.unwrap();
    let states: Vec<&str> = told.iter().map(|update| update.state.as_str()).collect();
    assert_eq!(states, ["resolved", "monitoring", "identified", "investigating"], "newest first");
    assert!(tx.open_impacts().await.unwrap().is_empty());
    for impact in tx.impacts_of(domain::impact::Source::Incident, incident.id.0).await.unwrap() {
        assert!(impact.to.is_some_and(|to| to > impact.from), "{impact:?}");
    }
    drop(tx);
    story.at("15 18:20");
    let again = story.opened().await;
    assert_eq!(again.state, IncidentState::Investigating, "life goes on");
    assert_eq!(story.db.db.read().await.unwrap().open_impacts().await.unwrap().len(), 1);
}

storage::on_both!(
    a_clock_that_jumps_loses_no_state_and_no_order,
    an_incident_is_reported_updated_resolved_and_opened_again,
    nobody_may_who_may_not_and_nothing_is_written,
    the_team_reads_which_program_wrote,
    wrong_words_stand_at_their_fields_and_the_future_is_refused,
    who_is_too_late_learns_it_and_writes_nothing,
    a_draft_is_seen_by_nobody_until_it_is_published_and_a_discarded_one_stays,
    a_mended_update_tells_nobody_and_keeps_what_it_was,
    what_is_entered_afterwards_is_marked_and_tells_nobody,
    of_a_window_and_an_incident_the_worst_wins_and_falls_back_by_itself,
    wrong_times_are_mended_and_the_history_moves_with_them,
    a_start_that_is_long_ago_is_asked_back_once,
    another_start_that_is_long_before_is_asked_back_once,
    an_old_form_of_a_draft_changes_nothing_that_is_published,
    what_was_started_early_or_took_days_longer_is_the_likely_cause,
    a_window_that_was_under_way_when_it_began_is_the_likely_cause,
    what_runs_where_may_change_while_work_is_under_way,
    a_state_set_by_hand_holds_until_it_is_taken_back,
    a_state_that_hides_an_outage_from_the_figures_is_asked_back,
    history_begins_with_the_first_thing_there_is,
    a_private_component_is_known_to_the_team_alone,
    what_an_open_incident_names_stays_in_use,
    a_request_that_comes_again_gets_the_first_answer,
    words_severity_and_cause_change_without_an_update,
);
