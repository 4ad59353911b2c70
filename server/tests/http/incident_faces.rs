//! Incidents as customers see them, and pages that follow along.

use crate::live::Live;
use crate::stage::{Stage, utc};
use crate::test_app::{TestApp, shown};
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::incident::transition::PastPost;
use domain::incident::{Incident, IncidentState};
use domain::people::Role;
use domain::text::{Name, Prose};
use reqwest::Response;
use service::Actor;
use service::incidents::{IncidentPost, NewIncident, PastIncident};
use service::inventory::ComponentInput;
use std::time::{Duration, Instant};
use storage::testing::Engine;

async fn page(app: &TestApp, path: &str) -> String {
    let response = app.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

#[track_caller]
fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

impl Stage {
    async fn broke(&self, title: &str, components: &[(&str, ComponentState)]) -> Incident {
        let mut states = std::collections::BTreeMap::new();
        for (name, state) in components {
            states.insert(self.component(name).await.parse::<ComponentId>().unwrap(), *state);
        }
        let new = NewIncident {
            title: name(title),
            severity: None,
            components: states,
            started_at: None,
            maintenance: None,
            state: IncidentState::Investigating,
            body: Prose::parse("It does **not** answer.").unwrap(),
            tell: true,
        };
        self.services.open_incident(&Actor::system(), new).await.unwrap()
    }

    async fn say(&self, i: &Incident, state: IncidentState, body: &str) {
        let post = IncidentPost { state, body: Prose::parse(body).unwrap(), components: [].into(), tell: true };
        self.services.update_incident(&Actor::system(), i.id, None, post).await.unwrap();
    }
}

fn address(i: &Incident) -> String {
    format!("/incidents/{}", i.id)
}

async fn an_open_incident_is_the_first_thing_said_and_has_its_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    stage.thursday().await;
    let i = stage.broke("vm3 is gone", &[("Cluster 12", ComponentState::MajorOutage)]).await;
    stage.at("15 12:20");
    stage.say(&i, IncidentState::Identified, "A disk is *dead*.").await;
    let home = page(&app, "/").await;
    has(
        &home,
        &[
            ">Major outage on Cluster 12<",
            "Everything else is operational.",
            "Cluster 12 (major outage)",
            "A disk is <em>dead</em>.",
            &format!("href=\"{}\"", address(&i)),
        ],
    );
    assert!(home.find("id=\"now\"").unwrap() < home.find("id=\"planned\"").unwrap());
    let html = page(&app, &format!("{}?tz=Asia/Tokyo", address(&i))).await;
    has(
        &html,
        &[
            "<title>Identified: vm3 is gone – Northwind Hosting status</title>",
            "Since Thu 15 May 2014, 21:00 JST (UTC+9)",
            "12:20 UTC",
            "Critical: something does not work",
            "Major outage",
            "Automatic",
            "I-1",
        ],
    );
    let place = |words: &str| html.find(words).unwrap();
    assert!(place("A disk is <em>dead</em>.") < place("It does <strong>not</strong> answer."), "newest first");
    stage.at("15 14:00");
    stage.say(&i, IncidentState::Resolved, "All is well.").await;
    let home = page(&app, "/").await;
    has(&home, &[">All systems operational<", "Finished in the last 7 days"]);
    has(&page(&app, &address(&i)).await, &["Lasted", "2 hours", "Ended", "Resolved: vm3 is gone"]);
    let month = page(&app, "/history/2014-05").await;
    has(&month, &["1 incident in May 2014", &address(&i)]);
    for html in [&home, &month] {
        let (_, list) = html.split_once("<ol class=\"log\">").unwrap();
        let (entry, _) = list.split_once("</li>").unwrap();
        has(
            entry,
            &[
                "class=\"state tone-major\"",
                "Critical incident · Resolved",
                ">Thu 15 May<",
                ">13:00–15:00 IST (UTC+1)<",
            ],
        );
        assert!(!entry.contains("tone-ok") && entry.matches("15 May").count() == 1, "{entry}");
    }
    stage.at("22 14:01");
    assert!(!page(&app, "/").await.contains("Finished in the last"));
    stage.services.clock.set("2014-06-01T12:00:00Z".parse().unwrap());
    has(&page(&app, "/history").await, &["href=\"/history/2014-05\""]);
    stage.say(&i, IncidentState::Investigating, "It is gone again.").await;
    stage.services.clock.set("2014-06-01T12:05:00Z".parse().unwrap());
    stage.say(&i, IncidentState::Resolved, "All is well.").await;
    has(&page(&app, &address(&i)).await, &["Lasted", "2 hours 5 minutes"]);
    let operator = app.sign_in_as(Role::Operator).await;
    for path in ["/admin/incidents".to_owned(), format!("/admin{}", address(&i))] {
        assert!(shown(&operator, &path).await.contains("2 hours 5 minutes"), "{path}");
    }
}

async fn what_was_well_all_along_is_not_affected(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let named = [("Cluster 12", ComponentState::DegradedPerformance), ("DNS", ComponentState::Operational)];
    let i = stage.broke("vm3 is slow", &named).await;
    let home = page(&app, "/").await;
    assert!(home.contains("Cluster 12 (degraded performance)") && !home.contains("(works again)"), "{home}");
    has(&page(&app, &address(&i)).await, &[" Affects Cluster 12.\""]);
    let components = [(stage.component("Cluster 12").await.parse().unwrap(), ComponentState::Operational)].into();
    let body = Prose::parse("It is fast again.").unwrap();
    let post = IncidentPost { state: IncidentState::Monitoring, body, components, tell: false };
    stage.services.update_incident(&Actor::system(), i.id, None, post).await.unwrap();
    let home = page(&app, "/").await;
    assert!(home.contains("Cluster 12 (works again)") && !home.contains("DNS (works again)"), "{home}");
}

async fn open_incidents_stand_with_the_worst_first(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let mut opened = Vec::new();
    for (time, title, state) in [
        ("15 12:00", "Mail waits", ComponentState::DegradedPerformance),
        ("15 12:10", "vm3 is gone", ComponentState::MajorOutage),
        ("15 12:20", "Logins are slow", ComponentState::DegradedPerformance),
    ] {
        stage.at(time);
        opened.push(stage.broke(title, &[("Cluster 12", state)]).await);
    }
    let home = page(&app, "/").await;
    let place = |n: usize| home.find(&address(&opened[n])).unwrap();
    assert!(place(1) < place(2) && place(2) < place(0), "the worst, then the newest: {home}");
}

async fn what_is_for_the_team_alone_is_nowhere(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let input = ComponentInput { name: "Inner bus".to_owned(), is_private: true, ..ComponentInput::default() };
    let inner = stage.services.add_component(&Actor::system(), input).await.unwrap().component.id;
    let new = |title: &str, also: Option<ComponentId>| NewIncident {
        title: name(title),
        severity: None,
        components: also.into_iter().chain([inner]).map(|id| (id, ComponentState::MajorOutage)).collect(),
        started_at: None,
        maintenance: None,
        state: IncidentState::Investigating,
        body: Prose::parse("Looking.").unwrap(),
        tell: true,
    };
    let actor = Actor::system();
    let hidden = stage.services.open_incident(&actor, new("The bus is away", None)).await.unwrap();
    let draft = stage.services.draft_incident(&actor, new("Only a draft", None)).await.unwrap();
    for secret in [&hidden, &draft] {
        assert_eq!(app.get(&address(secret)).await.status(), 404);
    }
    let dns = stage.component("DNS").await.parse().unwrap();
    let both = stage.services.open_incident(&actor, new("Names do not resolve", Some(dns))).await.unwrap();
    for path in ["/", "/history", &*address(&both)] {
        let html = page(&app, path).await;
        has(&html, &["Names do not resolve", "DNS"]);
        for secret in ["Inner bus", "The bus is away", "Only a draft"] {
            assert!(!html.contains(secret), "{secret} is on {path}");
        }
    }
}

async fn cause_and_consequence_lead_to_each_other(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    let past = PastIncident {
        title: name("Both disks are dead"),
        severity: None,
        components: [(stage.component("DNS").await.parse().unwrap(), ComponentState::PartialOutage)].into(),
        started_at: utc("14 20:00"),
        maintenance: Some(m.id),
        updates: vec![PastPost {
            at: utc("14 22:30"),
            state: IncidentState::Resolved,
            body: Prose::parse("It was restored.").unwrap(),
            components: [].into(),
        }],
    };
    let i = stage.services.backfill_incident(&Actor::system(), past).await.unwrap();
    let html = page(&app, &address(&i)).await;
    has(
        &html,
        &[
            "Entered afterwards",
            &format!("href=\"/maintenance/{}\"", m.id),
            "Replace a failed disk in vm3",
            "2 hours 30 minutes",
        ],
    );
    let html = page(&app, &format!("/maintenance/{}", m.id)).await;
    has(&html, &["Incidents it caused", &address(&i), "Both disks are dead"]);
    has(&page(&app, "/").await, &["Major incident · Resolved · Entered afterwards"]);
}

/// Reads until an event with data has come.
async fn event(stream: &mut Response) -> String {
    let mut said = String::new();
    while !(said.contains("data: ") && said.ends_with("\n\n")) {
        let chunk = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await.unwrap();
        said += std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap();
    }
    said
}

fn change_of(html: &str) -> i64 {
    let (_, rest) = html.split_once("<meta name=\"change\" content=\"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

async fn an_open_page_hears_of_an_update_as_soon_as_it_is_stored(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let i = stage.broke("vm3 is gone", &[("Cluster 12", ComponentState::MajorOutage)]).await;
    let mut known = change_of(&page(&app, &address(&i)).await);
    let mut stream = app.get(&format!("/events?since={known}")).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    for (state, body) in [
        (IncidentState::Identified, "One disk."),
        (IncidentState::Monitoring, "Restored."),
        (IncidentState::Resolved, "Over."),
    ] {
        stage.say(&i, state, body).await;
        let since = Instant::now();
        let said = event(&mut stream).await;
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        let html = page(&app, &address(&i)).await;
        has(&html, &[body]);
        let now = change_of(&html);
        assert!(now > known && said.ends_with(&format!("id: {now}\ndata: {now}\n\n")), "{said} {now}");
        known = now;
    }
    drop(stream);
    stage.say(&i, IncidentState::Resolved, "One more word.").await;
    let mut again = app.get(&format!("/events?since={known}")).await;
    assert!(event(&mut again).await.contains(&format!("data: {}\n", known + 1)), "nothing is lost in between");
}

#[tokio::test]
async fn a_page_of_another_node_hears_of_it_too() {
    let live = Live::start(Engine::Postgres).await;
    let other = live.another().await;
    let stage = Stage::on(live.services.clone()).await;
    let mut stream = other.get("/events").await;
    stage.broke("vm3 is gone", &[("Cluster 12", ComponentState::MajorOutage)]).await;
    event(&mut stream).await;
    has(&other.text("/").await, &["Major outage on Cluster 12"]);
}

storage::on_both!(
    an_open_incident_is_the_first_thing_said_and_has_its_page,
    open_incidents_stand_with_the_worst_first,
    what_was_well_all_along_is_not_affected,
    what_is_for_the_team_alone_is_nowhere,
    cause_and_consequence_lead_to_each_other,
    an_open_page_hears_of_an_update_as_soon_as_it_is_stored,
);
