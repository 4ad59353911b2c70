//! Alerts and what becomes of them, on a real SQLite file and PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod alerts {
    mod joining;
}

use chrono::{DateTime, Utc};
use domain::alert::cause::{Cause, CauseState};
use domain::alert::read::Sender;
use domain::component::ComponentState;
use domain::ids::{ComponentId, HostId, MaintenanceId};
use domain::incident::{Incident, IncidentState};
use domain::maintenance::{Maintenance, Planned, Reminders, State};
use domain::people::Scope;
use domain::text::{Name, Prose};
use domain::time::Span;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use service::alerts::{AlertReceipt, AlertsQuery, CausesQuery, LabelsInput, RuleInput};
use service::inventory::{ComponentInput, Direction, HostInput};
use service::keys::Keys;
use service::people::tokens::NewToken;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::sync::Arc;
use storage::testing::{Engine, TestDb};

fn minute(n: i64) -> DateTime<Utc> {
    Span::minutes(n).after("2014-05-15T18:55:00Z".parse().unwrap())
}

struct World {
    _db: TestDb,
    services: Services,
    system: Actor,
    monitoring: Actor,
    vm3: HostId,
    cluster: ComponentId,
}

impl World {
    /// `vm3` carries `web-12`, behind which stands Cluster 12; `mail-3` stands alone.
    async fn begin(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(minute(0)),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let system = Actor::system();
        let host = |name: &str, on: Option<HostId>| HostInput {
            name: name.to_owned(),
            runs_on: on.map(|id| id.to_string()).unwrap_or_default(),
            ..HostInput::default()
        };
        let vm3 = services.add_host(&system, host("vm3", None)).await.unwrap().id;
        let web = services.add_host(&system, host("web-12", Some(vm3))).await.unwrap().id;
        services.add_host(&system, host("mail-3", None)).await.unwrap();
        let cluster =
            ComponentInput { name: "Cluster 12".to_owned(), hosts: vec![web.to_string()], ..Default::default() };
        let cluster = services.add_component(&system, cluster).await.unwrap().component.id;
        let mut world = Self { _db: db, monitoring: system.clone(), services, system, vm3, cluster };
        world.monitoring = world.token(Scope::AlertReport).await;
        world
    }

    async fn token(&self, scope: Scope) -> Actor {
        let new = NewToken { name: "t".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&self.system, &new).await.unwrap();
        self.services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
    }

    async fn send(&self, status: &str, instances: &[&str]) -> AlertReceipt {
        let alert = |instance: &&str| {
            json!({"status": status, "fingerprint": format!("down {instance}"),
            "labels": {"alertname": "InstanceDown", "instance": format!("{instance}:9100"), "severity": "critical"},
            "annotations": {"summary": format!("{instance} does not answer")}, "startsAt": self.services.now().to_rfc3339()})
        };
        let body = json!({"version": "4", "alerts": instances.iter().map(alert).collect::<Vec<Value>>()});
        self.services.take_alerts(&self.monitoring, Sender::Alertmanager, body.to_string().as_bytes()).await.unwrap()
    }

    /// One alert as Alertmanager tells of it, with the sender's own name of the cause.
    async fn send_grouped(&self, group: &str, alert: Value) {
        let body = json!({"groupKey": group, "alerts": [alert]}).to_string();
        self.services.take_alerts(&self.monitoring, Sender::Alertmanager, body.as_bytes()).await.unwrap();
    }

    /// A component that stands on `mail-3`.
    async fn add_mail(&self) -> ComponentId {
        let hosts = self.services.db.read().await.unwrap().hosts(false).await.unwrap();
        let mail = hosts.into_iter().find(|host| host.name.as_str() == "mail-3").unwrap();
        let mail = ComponentInput { name: "Mail".to_owned(), hosts: vec![mail.id.to_string()], ..Default::default() };
        self.services.add_component(&self.system, mail).await.unwrap().component.id
    }

    /// DNS does not work on `web-12`.
    async fn send_dns(&self) -> ComponentId {
        let dns = ComponentInput { name: "DNS".to_owned(), ..Default::default() };
        let dns = self.services.add_component(&self.system, dns).await.unwrap().component.id;
        let body = json!({"key": "dns", "status": "firing", "host": "web-12", "component": "dns"});
        self.services.take_alerts(&self.monitoring, Sender::Generic, body.to_string().as_bytes()).await.unwrap();
        dns
    }

    /// Publishes its draft, as somebody does who looks at it.
    async fn publish_by_hand(&self, cause: &Cause) {
        let person = self.token(Scope::Admin).await;
        let post = service::incidents::IncidentPost {
            state: IncidentState::Identified,
            body: Prose::parse("We are on it.").unwrap(),
            components: Default::default(),
            tell: true,
        };
        self.services.publish_incident(&person, cause.incident.unwrap(), None, post).await.unwrap();
    }

    async fn causes(&self) -> Vec<Cause> {
        self.services.causes(&self.system, &CausesQuery::default()).await.unwrap().items
    }

    async fn only_cause(&self) -> Cause {
        let mut causes = self.causes().await;
        assert_eq!(causes.len(), 1, "{causes:#?}");
        causes.remove(0)
    }

    async fn incident(&self, of: &Cause) -> Incident {
        self.services.db.read().await.unwrap().incident(of.incident.unwrap()).await.unwrap()
    }

    async fn said(&self, of: &Cause) -> Vec<(IncidentState, String)> {
        let of = [of.incident.unwrap()];
        let updates = self.services.db.read().await.unwrap().incident_updates_of(&of).await.unwrap();
        updates.into_iter().map(|update| (update.state, update.body.as_str().to_owned())).collect()
    }

    /// The clock shows this minute, and the worker looks.
    async fn at(&self, n: i64) -> usize {
        self.services.clock.set(minute(n));
        self.services.follow_causes().await.unwrap()
    }

    async fn rule(&self, input: RuleInput) {
        self.services.add_alert_rule(&self.system, &RuleInput { name: "rule".to_owned(), ..input }).await.unwrap();
    }

    async fn audited(&self, verb: &str) -> usize {
        let log = self.services.audit_log(&self.system, &service::audit::AuditFilter::default()).await.unwrap();
        log.entries.into_iter().filter(|entry| entry.action == verb).count()
    }
}

async fn alerts_with_one_cause_become_one_draft_that_goes_away_with_them(engine: Engine) {
    let w = World::begin(engine).await;
    let changes = w.services.db.changes();
    let first = w.send("firing", &["web-12"]).await;
    assert_eq!((first.alerts, first.added, first.causes.len()), (1, 1, 1));
    let cause = w.only_cause().await;
    let draft = w.incident(&cause).await;
    assert_eq!((draft.state, draft.title.as_str()), (IncidentState::Draft, "Problems with Cluster 12"));
    assert_eq!(draft.components[&w.cluster], ComponentState::MajorOutage);
    // The host below it comes later; and an alert that nobody can place.
    w.send("firing", &["vm3", "unknown-7"]).await;
    let again = w.send("firing", &["vm3", "web-12"]).await;
    assert_eq!((again.added, again.repeated, &again.causes), (0, 2, &first.causes));
    let causes = w.causes().await;
    assert_eq!(causes.iter().map(|cause| cause.alerts).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(w.services.db.read().await.unwrap().incident_drafts().await.unwrap().len(), 2);
    assert_eq!(w.services.alert_needs(&w.system).await.unwrap().len(), 2);

    w.services.clock.set(minute(1));
    let over = w.send("resolved", &["vm3", "web-12", "unknown-7", "never-seen"]).await;
    assert_eq!((over.ended, over.unknown), (3, 1));
    assert_eq!(w.at(5).await, 0, "quiet for 4 minutes only");
    assert_eq!(w.at(6).await, 2);
    assert_eq!(w.incident(&cause).await.state, IncidentState::Discarded);
    assert!(w.causes().await.iter().all(|cause| cause.state == CauseState::Over));
    let kept = AlertsQuery { cause: cause.id.to_string(), ..AlertsQuery::default() };
    assert_eq!(w.services.alerts(&w.system, &kept).await.unwrap().items.len(), 2, "they stay with it");
    assert_eq!(w.at(60).await, 0);
    assert!(!changes.has_changed().unwrap(), "nothing of it was for customers");
    // What comes back then is new.
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.causes().await.len(), 3);
}

async fn when_causes_turn_out_to_be_one_so_do_their_drafts(engine: Engine) {
    let w = World::begin(engine).await;
    let labels = LabelsInput { cause: "alertname".to_owned(), host: "instance".to_owned(), component: String::new() };
    w.send("firing", &["web-12"]).await;
    w.send("firing", &["mail-3"]).await;
    assert_eq!(w.causes().await.len(), 2);
    w.services.set_alert_labels(&w.system, 1, &labels).await.unwrap();
    // A third that shares a host with the first, and the sender's group with what comes next.
    let grouped = |print: &str, instance: &str| {
        json!({"groupKey": "g", "alerts": [{"status": "firing", "fingerprint": print,
        "labels": {"instance": instance}}]})
        .to_string()
    };
    for (print, instance) in [("load", "web-12"), ("queue", "mail-3")] {
        let body = grouped(print, instance);
        w.services.take_alerts(&w.monitoring, Sender::Alertmanager, body.as_bytes()).await.unwrap();
    }
    let cause = w.only_cause().await;
    assert_eq!(cause.alerts, 4);
    let drafts = w.services.db.read().await.unwrap().incident_drafts().await.unwrap();
    assert_eq!(drafts.iter().map(|draft| draft.id).collect::<Vec<_>>(), [cause.incident.unwrap()]);
    assert_eq!(w.audited("incident.discard").await, 1);
    let all = w.services.alerts(&w.system, &AlertsQuery::default()).await.unwrap().items;
    assert!(all.len() == 4 && all.iter().all(|alert| alert.cause == Some(cause.id)));
}

fn window(host: HostId, state: State) -> Maintenance {
    Maintenance {
        id: MaintenanceId(uuid(12)),
        number: 12,
        title: Name::parse("Replace a failed disk in vm3").unwrap(),
        message: Prose::default(),
        state,
        planned: Planned {
            zone: "UTC".to_owned(),
            local_start: minute(0).naive_utc(),
            start_fold: None,
            starts_at: minute(0),
            ends_at: minute(120),
            latest_end_at: minute(180),
        },
        hosts: vec![host],
        components: vec![],
        auto_start: true,
        auto_complete: false,
        reminders: Reminders::default(),
        checklist: vec![],
        done_anyway: None,
        sequence: 1,
        published_at: Some(minute(-600)),
        held_at: None,
        started_at: Some(minute(0)),
        ended_at: None,
        day_check_at: None,
        lead_check_at: None,
        next_due_at: None,
        created_by: None,
        created_at: minute(-700),
        updated_at: minute(0),
        version: 1,
    }
}

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

async fn inside_a_window_nobody_is_alarmed_until_it_ends(engine: Engine) {
    let w = World::begin(engine).await;
    let m = window(w.vm3, State::InProgress);
    let mut tx = w.services.db.decide().await.unwrap();
    tx.add_maintenance(&m).await.unwrap();
    tx.commit().await.unwrap();
    w.send("firing", &["vm3", "web-12"]).await;
    let cause = w.only_cause().await;
    assert_eq!((cause.state, cause.maintenance, cause.incident), (CauseState::Window, Some(m.id), None));
    assert!(w.services.db.read().await.unwrap().incident_drafts().await.unwrap().is_empty());
    assert!(w.services.alert_needs(&w.system).await.unwrap().is_empty());
    assert_eq!(w.services.alerts_of_window(&w.system, m.id).await.unwrap().causes.len(), 1);
    assert_eq!(w.at(30).await, 0, "the work goes on");
    w.send("resolved", &["vm3"]).await;

    let mut tx = w.services.db.decide().await.unwrap();
    tx.update_maintenance(&Maintenance { state: State::Completed, ended_at: Some(minute(60)), ..m }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(w.at(60).await, 1);
    assert_eq!(w.at(60).await, 0);
    let causes = w.causes().await;
    let stand: Vec<_> = causes.iter().map(|cause| (cause.state, cause.alerts, cause.firing)).collect();
    assert_eq!(stand, [(CauseState::Open, 1, 1), (CauseState::Over, 1, 0)]);
    assert_eq!(w.incident(&causes[0]).await.state, IncidentState::Draft);
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.causes().await[0].firing, 0, "it is still known by its fingerprint");
}

async fn a_rule_publishes_what_lasts_and_posts_that_it_is_over_once(engine: Engine) {
    let w = World::begin(engine).await;
    let publish = RuleInput {
        action: "publish".to_owned(),
        delay: "2 min".to_owned(),
        component_state: "partial_outage".to_owned(),
        text: "We are looking at {{components}}.".to_owned(),
        quiet_for: "3 min".to_owned(),
        resolution: "post".to_owned(),
        labels: "instance=web-*".to_owned(),
        ..RuleInput::default()
    };
    w.rule(publish).await;
    w.send("firing", &["web-12"]).await;
    let cause = w.only_cause().await;
    assert_eq!(cause.publish_at, Some(minute(2)));
    assert_eq!(w.at(1).await, 0);
    w.services.clock.set(minute(2));
    // Two nodes look at once.
    let (one, other) = tokio::join!(w.services.follow_causes(), w.services.follow_causes());
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    let incident = w.incident(&cause).await;
    assert_eq!(incident.state, IncidentState::Investigating);
    assert_eq!(incident.components[&w.cluster], ComponentState::PartialOutage);
    assert_eq!(w.said(&cause).await, [(IncidentState::Investigating, "We are looking at Cluster 12.".to_owned())]);

    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(4).await, 0);
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.at(6).await, 0, "it came back in between");
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(9).await, 1);
    assert_eq!(w.incident(&cause).await.state, IncidentState::Resolved);
    assert_eq!(w.said(&cause).await.len(), 2);
    assert_eq!(w.only_cause().await.state, CauseState::Over);
}

async fn what_is_quiet_before_its_delay_is_never_published(engine: Engine) {
    let w = World::begin(engine).await;
    let rule = RuleInput { action: "publish".to_owned(), delay: "2 min".to_owned(), ..RuleInput::default() };
    w.rule(rule).await;
    w.send("firing", &["web-12"]).await;
    w.services.clock.set(minute(1));
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(3).await, 0);
    assert_eq!(w.at(6).await, 1);
    assert!(w.said(&w.only_cause().await).await.is_empty());
    // Ignored: kept, and nothing comes of it.
    let ignore = RuleInput { action: "ignore".to_owned(), hosts: vec![w.vm3.to_string()], ..RuleInput::default() };
    w.rule(ignore).await;
    let second = w.services.alert_rules(&w.system).await.unwrap().rules.remove(1);
    w.services.move_alert_rule(&w.system, second.id, Direction::Up).await.unwrap();
    assert_eq!(w.send("firing", &["web-12"]).await.ignored, 1, "it runs on vm3");
    let ignored = AlertsQuery { state: "ignored".to_owned(), ..AlertsQuery::default() };
    assert_eq!(w.services.alerts(&w.system, &ignored).await.unwrap().items.len(), 1);
    assert_eq!(w.causes().await.len(), 1);
}

async fn a_person_is_asked_whether_a_published_incident_is_over(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), quiet_for: "0".to_owned(), ..RuleInput::default() }).await;
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.at(0).await, 1, "published at once");
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(1).await, 1);
    assert!(w.only_cause().await.proposed_at.is_some());
    assert_eq!(w.services.alert_needs(&w.system).await.unwrap().len(), 1);
    assert_eq!(w.at(99).await, 0, "it stays a question");
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.only_cause().await.proposed_at, None);
    // Its monitoring has gone away: a person says so.
    let cause = w.only_cause().await;
    w.services.end_cause(&w.system, cause.id).await.unwrap();
    assert_eq!(w.audited("cause.end").await, 1);
    assert_eq!(w.at(99).await, 1);
    let before = w.incident(&cause).await;
    let over = service::incidents::IncidentPost {
        state: IncidentState::Resolved,
        body: Prose::parse("Done.").unwrap(),
        components: Default::default(),
        tell: false,
    };
    w.services.update_incident(&w.system, before.id, before.version, over).await.unwrap();
    assert!(w.services.alert_needs(&w.system).await.unwrap().is_empty());
    assert_eq!(w.at(99).await, 1);
    assert_eq!(w.only_cause().await.state, CauseState::Over);
    assert!(matches!(w.services.end_cause(&w.system, cause.id).await, Err(Error::Refused { .. })));
}

async fn what_a_person_changed_in_a_draft_stays(engine: Engine) {
    let w = World::begin(engine).await;
    w.send("firing", &["web-12"]).await;
    let cause = w.only_cause().await;
    let edit = service::incidents::IncidentEdit {
        title: Some(Name::parse("Sites on Cluster 12 are away").unwrap()),
        components: Some([(w.cluster, ComponentState::PartialOutage)].into()),
        ..Default::default()
    };
    let person = w.token(Scope::Admin).await;
    w.services.edit_incident(&person, cause.incident.unwrap(), None, edit).await.unwrap();
    let dns = w.send_dns().await;
    let draft = w.incident(&cause).await;
    assert_eq!(draft.title.as_str(), "Sites on Cluster 12 are away");
    assert_eq!(draft.components[&w.cluster], ComponentState::PartialOutage);
    assert_eq!(draft.components[&dns], ComponentState::DegradedPerformance);
    // It is theirs to discard, too.
    w.send("resolved", &["web-12"]).await;
    w.services.end_cause(&w.system, cause.id).await.unwrap();
    assert_eq!(w.at(6).await, 1);
    assert!(w.only_cause().await.proposed_at.is_some());
    assert_eq!(w.incident(&cause).await.state, IncidentState::Draft);
    assert_eq!(w.services.alert_needs(&w.system).await.unwrap().len(), 1);
    let waits = w.services.attention(&w.system).await.unwrap();
    assert_eq!((waits.causes.len(), waits.incidents.drafts.len()), (1, 0), "it is told with its alerts, once");
    w.services.discard_incident(&person, draft.id, None).await.unwrap();
    assert_eq!(w.at(6).await, 1);
    assert_eq!(w.only_cause().await.state, CauseState::Over);
}

async fn who_publishes_before_the_delay_runs_out_is_not_in_its_way(engine: Engine) {
    let w = World::begin(engine).await;
    w.add_mail().await;
    w.rule(RuleInput { action: "publish".to_owned(), delay: "2 min".to_owned(), ..RuleInput::default() }).await;
    w.send("firing", &["web-12", "mail-3"]).await;
    let [known, discarded] = w.causes().await.try_into().unwrap();
    w.publish_by_hand(&known).await;
    w.services.discard_incident(&w.system, discarded.incident.unwrap(), None).await.unwrap();
    assert_eq!(w.at(2).await, 2);
    assert_eq!(w.at(2).await, 0, "nothing is due in them any more");
    assert!(w.causes().await.iter().all(|cause| cause.publish_at.is_none()));
    assert_eq!(w.said(&known).await, [(IncidentState::Identified, "We are on it.".to_owned())]);
}

async fn what_monitoring_calls_it_is_never_published_by_a_rule(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), labels: "team=db".to_owned(), ..RuleInput::default() }).await;
    let alert = |print: &str, team: &str| {
        json!({"status": "firing", "fingerprint": print, "labels": {"team": team, "component": "rack 7"},
        "annotations": {"summary": "rack-7.internal is down"}, "startsAt": "2014-04-01T00:00:00Z"})
    };
    w.send_grouped("g", alert("a", "web")).await;
    let cause = w.only_cause().await;
    assert_eq!(w.incident(&cause).await.title.as_str(), "rack-7.internal is down", "for the team");
    // Nothing that customers know by name comes with what makes it public.
    let hidden = ComponentInput { name: "Rack 7".to_owned(), is_private: true, ..Default::default() };
    w.services.add_component(&w.system, hidden).await.unwrap();
    w.send_grouped("g", alert("b", "db")).await;
    assert_eq!(w.incident(&cause).await.title.as_str(), "Problems with our services");
    assert_eq!(w.at(0).await, 1);
    let public = w.incident(&cause).await;
    assert_eq!((public.state, public.title.as_str()), (IncidentState::Investigating, "Problems with our services"));
    assert_eq!(public.started_at, minute(0), "nor is its clock believed for weeks");
    // The same where a person has changed something else.
    w.send_grouped("h", alert("c", "web")).await;
    let other = w.causes().await.remove(0);
    let person = w.token(Scope::Admin).await;
    let edit = service::incidents::IncidentEdit { text: Some(Prose::parse("Sorry.").unwrap()), ..Default::default() };
    w.services.edit_incident(&person, other.incident.unwrap(), None, edit).await.unwrap();
    w.send_grouped("h", alert("d", "db")).await;
    assert_eq!(w.at(0).await, 1);
    assert_eq!(w.incident(&other).await.title.as_str(), "Problems with our services");
    assert_eq!(w.said(&other).await[0].1, "Sorry.");
}

async fn what_nobody_observed_is_not_published(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), labels: "team=db".to_owned(), ..RuleInput::default() }).await;
    let alert = |print: &str, team: &str, began: i64| {
        json!({"status": "firing", "fingerprint": print, "startsAt": minute(began).to_rfc3339(),
            "labels": {"instance": "web-12", "team": team}})
    };
    w.send_grouped("g", alert("a", "web", -600)).await;
    let cause = w.only_cause().await;
    assert_eq!(w.incident(&cause).await.started_at, minute(0), "a person who publishes the draft is not misled");
    w.send_grouped("g", alert("b", "db", -40)).await;
    assert_eq!(w.at(0).await, 1);
    let incident = w.incident(&cause).await;
    assert_eq!((incident.state, incident.started_at), (IncidentState::Investigating, minute(-40)));
    let alerts = w.services.alerts(&w.system, &AlertsQuery::default()).await.unwrap().items;
    assert_eq!(alerts.iter().map(|alert| alert.started_at).min(), Some(minute(-600)), "the list keeps what was told");
}

async fn what_touches_nothing_we_know_is_never_published_by_a_rule(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), resolution: "post".to_owned(), ..RuleInput::default() }).await;
    w.send("firing", &["unknown-7"]).await;
    assert_eq!(w.at(60).await, 0);
    let cause = w.only_cause().await;
    assert_eq!((w.incident(&cause).await.state, cause.publish_at), (IncidentState::Draft, None));
    assert_eq!(w.services.alert_needs(&w.system).await.unwrap().len(), 1, "a person decides");
    // Where a person took out what it was about, before it was to be published.
    w.rule(RuleInput { action: "publish".to_owned(), delay: "5 min".to_owned(), ..RuleInput::default() }).await;
    let first = w.services.alert_rules(&w.system).await.unwrap().rules.remove(0);
    w.services.delete_alert_rule(&w.system, first.id, first.version).await.unwrap();
    w.send("firing", &["web-12"]).await;
    let web = w.causes().await.remove(0);
    assert_eq!(web.publish_at, Some(minute(65)));
    let person = w.token(Scope::Admin).await;
    let nothing = service::incidents::IncidentEdit { components: Some(Default::default()), ..Default::default() };
    w.services.edit_incident(&person, web.incident.unwrap(), None, nothing).await.unwrap();
    assert_eq!((w.at(65).await, w.at(66).await), (1, 0));
    assert_eq!(w.incident(&web).await.state, IncidentState::Draft);
    assert!(w.said(&web).await.is_empty() && w.said(&cause).await.is_empty());
}

async fn an_answer_names_what_named_nothing_and_the_causes_of_its_alerts(engine: Engine) {
    let w = World::begin(engine).await;
    let batch = json!({"alerts": [
        {"key": "a", "status": "firing", "host": "mail-9", "component": "webmail"},
        {"key": "b", "status": "firing", "host": "web-12", "labels": {"instance": "elsewhere"}},
        {"key": "d", "status": "firing", "host": "mail-3"},
    ]})
    .to_string();
    let take = || w.services.take_alerts(&w.monitoring, Sender::Generic, batch.as_bytes());
    let (first, again) = (take().await.unwrap(), take().await.unwrap());
    assert_eq!(Vec::from_iter(first.unmatched.clone()), ["component=webmail", "host=mail-9"]);
    assert_eq!(first.unknown, 0, "these are ends of what nobody reported");
    assert_eq!((first.added, first.causes.len()), (3, 3));
    assert_eq!((again.repeated, again.causes, again.unmatched), (3, first.causes, first.unmatched));
    // What turns out to be part of another answers with that one.
    let joined = json!({"alerts": [
        {"key": "a", "status": "firing"}, {"key": "b", "status": "firing"},
        {"key": "c", "status": "firing", "host": "web-12", "group": "g"},
        {"key": "d", "status": "firing"}, {"key": "e", "status": "firing", "host": "mail-3", "group": "g"},
    ]})
    .to_string();
    let taken = w.services.take_alerts(&w.monitoring, Sender::Generic, joined.as_bytes()).await.unwrap();
    let live = w.causes().await.into_iter().filter(|cause| cause.state.is_live()).map(|cause| cause.id);
    assert_eq!((taken.causes.len(), taken.causes), (2, live.collect()));
}

async fn the_end_that_is_proposed_is_what_a_rule_would_post(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), quiet_for: "0".to_owned(), ..RuleInput::default() }).await;
    w.send("firing", &["web-12"]).await;
    w.at(0).await;
    let incident = w.only_cause().await.incident.unwrap();
    let proposed = || w.services.proposed_end(&w.system, incident);
    w.send("resolved", &["web-12"]).await;
    assert_eq!(proposed().await.unwrap(), None, "nothing is proposed yet");
    assert_eq!(w.at(1).await, 1);
    let text = proposed().await.unwrap().unwrap();
    assert_eq!(text.as_str(), "The problems with Cluster 12 are over.");
    w.send("firing", &["web-12"]).await;
    assert_eq!(proposed().await.unwrap(), None, "it came back");
    assert!(matches!(w.services.proposed_end(&w.monitoring, incident).await, Err(Error::Forbidden(_))));
}

async fn a_draft_begins_with_the_alert_that_began_first(engine: Engine) {
    let w = World::begin(engine).await;
    let alert = |print: &str, minutes: i64| json!({"status": "firing", "fingerprint": print, "labels": {}, "startsAt": minute(minutes).to_rfc3339()});
    w.send_grouped("g", alert("a", -5)).await;
    w.send_grouped("g", alert("b", -9)).await;
    let cause = w.only_cause().await;
    assert_eq!(w.incident(&cause).await.started_at, minute(-9));
    let person = w.token(Scope::Admin).await;
    let edit = service::incidents::IncidentEdit { started_at: Some(minute(-7)), ..Default::default() };
    w.services.edit_incident(&person, cause.incident.unwrap(), None, edit).await.unwrap();
    w.send_grouped("g", alert("c", -11)).await;
    assert_eq!(w.incident(&cause).await.started_at, minute(-7), "a person knows better");
}

/// Two causes that turn out to be one, each with its draft; `written` says in which of them a person has written, the
/// older one first.
async fn joined_after_somebody_wrote(w: &World, written: [bool; 2]) -> [Cause; 2] {
    w.send("firing", &["web-12"]).await;
    w.services.clock.set(minute(1));
    w.send("firing", &["mail-3"]).await;
    let [newer, older] = w.causes().await.try_into().unwrap();
    let person = w.token(Scope::Admin).await;
    for (cause, _) in [&older, &newer].into_iter().zip(written).filter(|(_, is_written)| *is_written) {
        let edit = service::incidents::IncidentEdit {
            title: Some(Name::parse("Mail waits").unwrap()),
            text: Some(Prose::parse("We know of it.").unwrap()),
            ..Default::default()
        };
        w.services.edit_incident(&person, cause.incident.unwrap(), None, edit).await.unwrap();
    }
    for (print, instance) in [("load", "web-12"), ("queue", "mail-3")] {
        w.send_grouped("g", json!({"status": "firing", "fingerprint": print, "labels": {"instance": instance}})).await;
    }
    [older, newer]
}

async fn the_draft_in_which_a_person_wrote_is_that_of_the_whole(engine: Engine) {
    let w = World::begin(engine).await;
    let [older, newer] = joined_after_somebody_wrote(&w, [false, true]).await;
    let whole = w.only_cause().await;
    assert_eq!(
        (whole.id, whole.incident),
        (older.id, newer.incident),
        "the older one goes on with the draft of the newer"
    );
    let draft = w.incident(&whole).await;
    assert_eq!((draft.title.as_str(), draft.draft_text.as_str()), ("Mail waits", "We know of it."));
    assert_eq!(draft.state, IncidentState::Draft);
    assert_eq!(draft.components[&w.cluster], ComponentState::MajorOutage, "with what the others do");
    assert_eq!(draft.started_at, minute(0), "and it began with the first of them");
    assert_eq!(w.incident(&older).await.state, IncidentState::Discarded, "in which nobody wrote");
    assert_eq!(w.audited("incident.discard").await, 1);
    assert_eq!(w.services.alerts_of_incident(&w.system, draft.id).await.unwrap().causes[0].alerts.len(), 4);
}

async fn two_drafts_in_which_people_wrote_both_stay(engine: Engine) {
    let w = World::begin(engine).await;
    let [older, newer] = joined_after_somebody_wrote(&w, [true, true]).await;
    let whole = w.only_cause().await;
    assert_eq!((whole.id, whole.incident), (older.id, older.incident));
    for cause in [&older, &newer] {
        let draft = w.incident(cause).await;
        assert_eq!((draft.state, draft.draft_text.as_str()), (IncidentState::Draft, "We know of it."));
    }
    let beside = w.services.alerts_of_incident(&w.system, newer.incident.unwrap()).await.unwrap();
    assert_eq!(beside.causes[0].cause.state, CauseState::Merged);
    assert_eq!(beside.causes[0].whole.as_ref().unwrap().0, older.incident.unwrap(), "it says where its alerts are");
    assert_eq!(w.services.incident_needs(&w.system).await.unwrap().drafts.len(), 2, "a person decides on each");
    w.publish_by_hand(&newer).await;
    assert_eq!(w.only_cause().await.incident_state, Some(IncidentState::Draft), "the other one is still to be told");
}

async fn a_draft_stays_beside_what_customers_know_already(engine: Engine) {
    let w = World::begin(engine).await;
    w.send("firing", &["web-12", "mail-3"]).await;
    let causes = w.causes().await;
    let mail = causes.iter().find(|cause| cause.components.is_empty()).unwrap();
    let web = causes.iter().find(|cause| cause.id != mail.id).unwrap();
    w.publish_by_hand(web).await;
    let person = w.token(Scope::Admin).await;
    let edit = service::incidents::IncidentEdit { text: Some(Prose::parse("Sorry.").unwrap()), ..Default::default() };
    w.services.edit_incident(&person, mail.incident.unwrap(), None, edit).await.unwrap();
    for (print, instance) in [("load", "web-12"), ("queue", "mail-3")] {
        w.send_grouped("g", json!({"status": "firing", "fingerprint": print, "labels": {"instance": instance}})).await;
    }
    assert_eq!(w.only_cause().await.incident, web.incident);
    let draft = w.incident(mail).await;
    assert_eq!((draft.state, draft.draft_text.as_str()), (IncidentState::Draft, "Sorry."));
}

async fn what_is_not_over_comes_first_in_the_list(engine: Engine) {
    let w = World::begin(engine).await;
    w.send("firing", &["web-12"]).await;
    w.services.clock.set(minute(1));
    w.send("firing", &["mail-3"]).await;
    w.send("resolved", &["mail-3"]).await;
    assert_eq!(w.at(60).await, 1);
    let [mail, web] = w.causes().await.try_into().unwrap();
    assert_eq!((mail.state, web.state), (CauseState::Over, CauseState::Open));
    let listed = async |before: &str| {
        let look = w.services.alerts_look(&w.system, before).await.unwrap();
        (look.causes.into_iter().map(|line| line.cause.id).collect::<Vec<_>>(), look.next)
    };
    assert_eq!(listed("").await, (vec![web.id, mail.id], None));
    assert_eq!(listed(&format!("live-{}", web.id)).await, (vec![mail.id], None));
    assert_eq!(listed(&mail.id.to_string()).await, (vec![], None));
    assert!(matches!(w.services.alerts_look(&w.system, "live-x").await, Err(Error::NotFound("page"))));
    // One page more, across both kinds.
    let many: Vec<String> = (0..21).map(|n| format!("lonely-{n}")).collect();
    w.send("firing", &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (first, next) = listed("").await;
    let next = next.unwrap();
    assert!(first.len() == 20 && next.starts_with("live-"), "{next}");
    let (rest, end) = listed(&next).await;
    assert_eq!((rest.len(), rest.last(), end), (3, Some(&mail.id), None));
}

async fn what_customers_know_as_two_incidents_stays_two(engine: Engine) {
    let w = World::begin(engine).await;
    w.add_mail().await;
    w.rule(RuleInput { action: "publish".to_owned(), resolution: "post".to_owned(), ..RuleInput::default() }).await;
    w.send("firing", &["web-12", "mail-3"]).await;
    assert_eq!(w.at(0).await, 2);
    for (print, instance) in [("load", "web-12"), ("queue", "mail-3")] {
        w.send_grouped("g", json!({"status": "firing", "fingerprint": print, "labels": {"instance": instance}})).await;
    }
    let causes = w.causes().await;
    assert_eq!(causes.len(), 2);
    w.send("resolved", &["web-12", "mail-3"]).await;
    for cause in &causes {
        // Some have nothing left that fires.
        w.services.end_cause(&w.system, cause.id).await.unwrap();
    }
    assert_eq!(w.at(60).await, 2);
    for cause in &causes {
        assert_eq!(w.incident(cause).await.state, IncidentState::Resolved);
    }
}

async fn what_gets_worse_after_publication_is_told_by_a_rule(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), ..RuleInput::default() }).await;
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.at(0).await, 1);
    let cause = w.only_cause().await;
    w.services.outbox_filled.notified().await;
    let dns = w.send_dns().await;
    tokio::time::timeout(std::time::Duration::from_secs(9), w.services.outbox_filled.notified()).await.unwrap();
    assert_eq!(w.incident(&cause).await.components[&dns], ComponentState::DegradedPerformance);
    let said = w.said(&cause).await;
    assert_eq!(said.len(), 2);
    assert!(said.iter().any(|(_, body)| body.contains("further problems with DNS")), "{said:?}");
    assert!(w.services.alert_needs(&w.system).await.unwrap().is_empty());
    // More alerts of what is known say nothing new.
    w.send("firing", &["web-12", "vm3"]).await;
    assert_eq!(w.said(&cause).await.len(), 2);
}

async fn what_gets_worse_after_a_person_published_waits_for_a_person(engine: Engine) {
    let w = World::begin(engine).await;
    w.send("firing", &["web-12"]).await;
    let cause = w.only_cause().await;
    w.services.clock.set(minute(1));
    w.publish_by_hand(&cause).await;
    assert!(w.services.alert_needs(&w.system).await.unwrap().is_empty());
    w.services.clock.set(minute(2));
    let dns = w.send_dns().await;
    assert_eq!(w.said(&cause).await.len(), 1, "no rule speaks");
    let needs = w.services.alert_needs(&w.system).await.unwrap();
    assert_eq!(needs.iter().map(|cause| cause.id).collect::<Vec<_>>(), [cause.id]);
    w.services.clock.set(minute(3));
    let post = service::incidents::IncidentPost {
        state: IncidentState::Identified,
        body: Prose::parse("DNS, too.").unwrap(),
        components: [(dns, ComponentState::DegradedPerformance)].into(),
        tell: true,
    };
    w.services.update_incident(&w.system, cause.incident.unwrap(), None, post).await.unwrap();
    assert!(w.services.alert_needs(&w.system).await.unwrap().is_empty());
}

async fn what_waits_is_found_behind_many_that_do_not(engine: Engine) {
    let w = World::begin(engine).await;
    w.send_grouped("first", json!({"status": "firing", "fingerprint": "first", "labels": {}})).await;
    let first = w.only_cause().await;
    w.services.clock.set(minute(1));
    let many: Vec<Value> =
        (0..101).map(|n| json!({"key": format!("k{n}"), "status": "firing", "severity": "info"})).collect();
    for alert in many {
        w.services.take_alerts(&w.monitoring, Sender::Generic, alert.to_string().as_bytes()).await.unwrap();
    }
    let mut tx = w.services.db.decide().await.unwrap();
    for cause in tx.causes(storage::alert::cause::CausesOf::LiveBefore(None), 1000).await.unwrap() {
        if cause.id != first.id {
            w.services.discard_incident_in(&mut tx, &w.system, cause.incident.unwrap(), None).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let needs = w.services.alert_needs(&w.system).await.unwrap();
    assert_eq!(needs.iter().map(|cause| cause.id).collect::<Vec<_>>(), [first.id]);
}

async fn alerts_go_400_days_after_their_end_and_the_incident_stays(engine: Engine) {
    let w = World::begin(engine).await;
    w.send("firing", &["web-12"]).await;
    let cause = w.only_cause().await;
    w.publish_by_hand(&cause).await;
    w.send("resolved", &["web-12"]).await;
    w.send("firing", &["mail-3"]).await;
    w.at(10).await;
    let over = service::incidents::IncidentPost {
        state: IncidentState::Resolved,
        body: Prose::parse("It is over.").unwrap(),
        components: Default::default(),
        tell: true,
    };
    w.services.update_incident(&w.system, cause.incident.unwrap(), None, over).await.unwrap();
    w.at(11).await;
    let said = w.said(&cause).await;
    let days = |n: i64| w.services.clock.set(Span::days(n).after(minute(11)));
    days(399);
    assert_eq!(w.services.expire_alerts().await.unwrap().alerts, 0);
    days(401);
    let sweep = w.services.expire_alerts().await.unwrap();
    assert_eq!((sweep.alerts, sweep.causes), (1, 1));
    assert_eq!(w.services.expire_alerts().await.unwrap().alerts, 0, "the other is not over");
    assert_eq!(w.audited("alerts.expire").await, 1, "one line for the whole");
    let left = w.services.alerts(&w.system, &AlertsQuery::default()).await.unwrap().items;
    assert_eq!(left.iter().map(|alert| alert.title.as_str()).collect::<Vec<_>>(), ["mail-3 does not answer"]);
    assert_eq!(w.only_cause().await.firing, 1);
    assert_eq!((w.incident(&cause).await.state, w.said(&cause).await), (IncidentState::Resolved, said));
}

async fn a_clock_that_jumps_leaves_no_cause_open_and_posts_nothing_twice(engine: Engine) {
    let w = World::begin(engine).await;
    w.rule(RuleInput { action: "publish".to_owned(), resolution: "post".to_owned(), ..RuleInput::default() }).await;
    // A day ahead an alert comes; it is over an hour behind what it was.
    w.at(24 * 60).await;
    w.send("firing", &["web-12"]).await;
    w.at(24 * 60 + 10).await;
    w.at(-60).await;
    w.send("firing", &["web-12"]).await;
    w.send("resolved", &["web-12"]).await;
    for minute in [-59, -50, 0, 24 * 60 + 11, 24 * 60 + 30] {
        w.at(minute).await;
    }
    let cause = w.only_cause().await;
    assert_eq!(
        (cause.state, cause.firing, w.incident(&cause).await.state),
        (CauseState::Over, 0, IncidentState::Resolved)
    );
    let said: Vec<IncidentState> = w.said(&cause).await.into_iter().map(|(state, _)| state).collect();
    assert_eq!(said, [IncidentState::Resolved, IncidentState::Investigating]);
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.causes().await.len(), 2, "what comes back is a new one");
}

async fn only_who_may_reports_and_it_may_do_nothing_else(engine: Engine) {
    let w = World::begin(engine).await;
    let body = br#"{"key":"a","status":"firing"}"#;
    for scope in Scope::ALL {
        let actor = w.token(scope).await;
        let taken = w.services.take_alerts(&actor, Sender::Generic, body).await;
        let may = matches!(scope, Scope::AlertReport | Scope::Admin);
        assert_eq!(taken.is_ok(), may, "{scope:?}");
        if !may {
            assert!(matches!(taken, Err(Error::Forbidden(_))), "{scope:?}");
        }
    }
    let m = &w.monitoring;
    assert!(matches!(w.services.alerts_look(m, "").await, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.alert_rules(m).await, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.causes(m, &CausesQuery::default()).await, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.add_alert_rule(m, &RuleInput::default()).await, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.end_cause(m, w.causes().await[0].id).await, Err(Error::Forbidden(_))));
    let public = Actor::public(None);
    assert!(matches!(w.services.take_alerts(&public, Sender::Generic, body).await, Err(Error::SignInNeeded)));
    // The same key of two sources are two alerts.
    assert_eq!(w.causes().await.len(), 2);
    let wrong = w.services.take_alerts(&w.monitoring, Sender::Generic, b"{}").await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].field == "key"));
}

async fn wrong_fields_of_a_rule_are_all_told(engine: Engine) {
    let w = World::begin(engine).await;
    let wrong = RuleInput {
        hosts: vec!["x".to_owned()],
        labels: "team".to_owned(),
        severities: vec!["bad".to_owned()],
        action: "shout".to_owned(),
        delay: "5".to_owned(),
        component_state: "operational".to_owned(),
        title: "{{when}}".to_owned(),
        text: "{{link}}".to_owned(),
        quiet_for: "soon".to_owned(),
        resolution: "maybe".to_owned(),
        ..RuleInput::default()
    };
    let Err(Error::Invalid(fields)) = w.services.add_alert_rule(&w.system, &wrong).await else { panic!() };
    let fields: std::collections::BTreeSet<_> = fields.iter().map(|field| field.field).collect();
    let all = [
        "hosts",
        "name",
        "labels",
        "severities",
        "action",
        "delay",
        "component_state",
        "title",
        "text",
        "quiet_for",
        "resolution",
    ];
    assert_eq!(fields, all.into());
    w.rule(RuleInput { labels: "team=db".to_owned(), severities: vec!["critical".to_owned()], ..RuleInput::default() })
        .await;
    let rule = w.services.alert_rules(&w.system).await.unwrap().rules.remove(0);
    let input = RuleInput { name: "renamed".to_owned(), ..RuleInput::of(&rule) };
    let edited = w.services.edit_alert_rule(&w.system, rule.id, rule.version, &input).await.unwrap();
    assert_eq!((edited.version, &edited.when), (2, &rule.when));
    let stale = w.services.edit_alert_rule(&w.system, rule.id, rule.version, &RuleInput::of(&rule)).await;
    assert!(matches!(stale, Err(Error::Stale(_))));
    w.services.delete_alert_rule(&w.system, rule.id, 2).await.unwrap();
    for verb in ["alert_rule.add", "alert_rule.edit", "alert_rule.delete"] {
        assert_eq!(w.audited(verb).await, 1, "{verb}");
    }
}

storage::on_both!(
    alerts_with_one_cause_become_one_draft_that_goes_away_with_them,
    when_causes_turn_out_to_be_one_so_do_their_drafts,
    inside_a_window_nobody_is_alarmed_until_it_ends,
    a_rule_publishes_what_lasts_and_posts_that_it_is_over_once,
    what_is_quiet_before_its_delay_is_never_published,
    what_nobody_observed_is_not_published,
    what_touches_nothing_we_know_is_never_published_by_a_rule,
    an_answer_names_what_named_nothing_and_the_causes_of_its_alerts,
    the_end_that_is_proposed_is_what_a_rule_would_post,
    a_person_is_asked_whether_a_published_incident_is_over,
    what_a_person_changed_in_a_draft_stays,
    who_publishes_before_the_delay_runs_out_is_not_in_its_way,
    what_monitoring_calls_it_is_never_published_by_a_rule,
    a_draft_begins_with_the_alert_that_began_first,
    the_draft_in_which_a_person_wrote_is_that_of_the_whole,
    two_drafts_in_which_people_wrote_both_stay,
    a_draft_stays_beside_what_customers_know_already,
    what_is_not_over_comes_first_in_the_list,
    what_customers_know_as_two_incidents_stays_two,
    what_gets_worse_after_publication_is_told_by_a_rule,
    what_gets_worse_after_a_person_published_waits_for_a_person,
    what_waits_is_found_behind_many_that_do_not,
    alerts_go_400_days_after_their_end_and_the_incident_stays,
    a_clock_that_jumps_leaves_no_cause_open_and_posts_nothing_twice,
    only_who_may_reports_and_it_may_do_nothing_else,
    wrong_fields_of_a_rule_are_all_told,
);
