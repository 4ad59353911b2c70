//! What the alerts of an incident mean for what is said next, on its page and by program.

use crate::test_app::{TestApp, TestClient, carried, read, read_json, shown};
use domain::ids::{ComponentId, IncidentId};
use domain::incident::IncidentState;
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use service::Actor;
use service::alerts::CausesQuery;
use service::inventory::{ComponentInput, HostInput};
use storage::testing::Engine;

/// A component of this name on a host of its own, `web-…`.
async fn component(app: &TestApp, name: &str) -> ComponentId {
    let host = HostInput { name: format!("web-{}", name.to_lowercase().replace(' ', "-")), ..HostInput::default() };
    let host = app.services.add_host(&Actor::system(), host).await.unwrap();
    let new = ComponentInput { name: name.to_owned(), hosts: vec![host.id.to_string()], ..Default::default() };
    app.services.add_component(&Actor::system(), new).await.unwrap().component.id
}

async fn monitoring(app: &TestApp) -> TestClient {
    app.with_token(&app.token(&[Scope::AlertReport]).await)
}

/// Tells of an alert on the host of Cluster 12.
async fn tell(monitoring: &TestClient, key: &str, status: &str) {
    let alert = json!({"key": key, "status": status, "host": "web-cluster-12"});
    assert_eq!(monitoring.send_json(Method::POST, "/api/v1/alerts/generic", &alert).await.status(), 200);
}

/// The incident of the newest cause.
async fn newest(app: &TestApp) -> IncidentId {
    app.services.causes(&Actor::system(), &CausesQuery::default()).await.unwrap().items[0].incident.unwrap()
}

async fn stands(app: &TestApp, incident: IncidentId) -> IncidentState {
    app.services.db.read().await.unwrap().incident(incident).await.unwrap().state
}

/// Publishes a draft of alerts with what it says already.
async fn publish(program: &TestClient, draft: IncidentId) {
    let body = json!({"version": 1, "body": "We look.", "tell": false});
    let answer = program.send_json(Method::POST, &format!("/api/v1/incidents/{draft}/publish"), &body).await;
    assert_eq!(answer.status(), 200);
}

async fn who_publishes_a_draft_as_over_while_alerts_fire_is_asked_last(engine: Engine) {
    let app = TestApp::start(engine).await;
    component(&app, "Cluster 12").await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let operator = app.sign_in_as(Role::Operator).await;
    tell(&monitoring(&app).await, "ping", "firing").await;
    let incident = newest(&app).await;
    let post = async |answer: &str, body: &str| {
        let fields = [("title", "Cluster 12 was away"), ("state", "resolved"), ("version", "1"), ("do", "publish")];
        let typed = [("body", body), ("alerts_still_fire", answer)];
        let place = format!("/admin/incidents/{incident}/edit");
        read(operator.post_form(&place, &[&fields[..], &typed[..]].concat()).await).await
    };
    let (status, page) = post("", "").await;
    assert!(status == 422 && !page.contains("Resolve it anyway?"), "what is missing is said first: {page}");
    let (status, page) = post("", "It is over.").await;
    assert!(status == 422 && page.contains("Resolve it anyway?") && page.contains(">It is over.</textarea>"), "{page}");
    assert!(page.contains("<a href=\"#state\">Alerts: 1 alert still fires."), "{page}");
    let send = async |place: &str, body: Value| {
        let place = format!("/api/v1/incidents/{incident}/{place}");
        read_json(program.send_json(Method::POST, &place, &body).await).await
    };
    let over = json!({"version": 1, "body": "It is over.", "state": "resolved"});
    let (status, problem) = send("publish", over.clone()).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("alerts_still_fire")));
    let (status, problem) = send("updates", over.clone()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")), "of a draft there are no updates");
    assert_eq!(stands(&app, incident).await, IncidentState::Draft);

    let (status, page) = post("yes", "It is over.").await;
    assert_eq!(status, 303, "{page}");
    assert_eq!(stands(&app, incident).await, IncidentState::Resolved);
    let (status, problem) = send("publish", over).await;
    assert_ne!((status, &problem["errors"][0]["field"]), (422, &json!("alerts_still_fire")));
    assert_eq!(status, 409);
}

async fn who_ends_it_while_alerts_fire_is_asked_once_and_reminded(engine: Engine) {
    let app = TestApp::start(engine).await;
    component(&app, "Cluster 12").await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let operator = app.sign_in_as(Role::Operator).await;
    let monitoring = monitoring(&app).await;
    for key in ["ping", "load"] {
        tell(&monitoring, key, "firing").await;
    }
    let incident = newest(&app).await;
    let path = format!("/admin/incidents/{incident}");
    publish(&program, incident).await;
    let page = shown(&operator, &path).await;
    assert!(!page.contains("Resolve it anyway?"), "nobody has asked: {page}");
    let version = carried(&page, "version");
    let end = |version: String, answer: &'static str| {
        let fields = [("state", "resolved"), ("body", "All is well."), ("alerts_still_fire", answer), ("do", "say")];
        let fields = fields.map(|(name, value)| (name, value.to_owned()));
        [fields.as_slice(), &[("version", version)]].concat()
    };
    let post = async |fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        read(operator.post_form(&path, &fields).await).await
    };
    let (status, page) = post(end(version.clone(), "")).await;
    assert_eq!(status, 422);
    for words in [
        "Resolve it anyway?",
        "2 alerts still fire. Choose another state",
        "<a href=\"#state\">Alerts: 2 alerts still fire.",
        ">All is well.</textarea>",
        "value=\"resolved\" selected",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(stands(&app, incident).await, IncidentState::Investigating);
    let (status, page) = post(end("1".to_owned(), "")).await;
    assert!(status == 409 && !page.contains("Resolve it anyway?"), "what others wrote comes first: {page}");

    // A program is asked as people are.
    let say = |place: &str| format!("/api/v1/incidents/{incident}/{place}");
    let version: i64 = version.parse().unwrap();
    for (place, body) in [
        ("resolve", json!({"version": version, "body": "Over.", "tell": false})),
        ("updates", json!({"version": version, "body": "Over.", "tell": false, "state": "resolved"})),
    ] {
        let (status, problem) = read_json(program.send_json(Method::POST, &say(place), &body).await).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("alerts_still_fire")));
    }
    let needs = "2 alerts still fire, and customers read that it is over.";
    assert!(!shown(&operator, "/admin").await.contains(needs));

    let (status, page) = post(end(version.to_string(), "yes")).await;
    assert_eq!(status, 303, "{page}");
    assert_eq!(stands(&app, incident).await, IncidentState::Resolved);
    let start = shown(&operator, "/admin").await;
    let line = start.split("<li").find(|line| line.contains(needs)).unwrap_or_else(|| panic!("{start}"));
    assert!(line.contains(&format!("href=\"{path}\"")), "{line}");
    // What is over is spoken of once more without being asked again.
    let remark: Value = json!({"version": version + 1, "body": "Thank you.", "tell": false});
    assert_eq!(program.send_json(Method::POST, &say("updates"), &remark).await.status(), 200);
    for key in ["ping", "load"] {
        tell(&monitoring, key, "resolved").await;
    }
    assert!(!shown(&operator, "/admin").await.contains("customers read that it is over"));
    let open_again = json!({"version": version + 2, "body": "It is back.", "tell": false});
    assert_eq!(program.send_json(Method::POST, &say("reopen"), &open_again).await.status(), 200);
    let end = json!({"version": version + 3, "body": "Over.", "tell": false});
    assert_eq!(program.send_json(Method::POST, &say("resolve"), &end).await.status(), 200, "nothing fires");
}

async fn what_is_worse_than_customers_know_is_named_and_filled_in(engine: Engine) {
    let app = TestApp::start(engine).await;
    component(&app, "Cluster 12").await;
    let dns = component(&app, "DNS").await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let operator = app.sign_in_as(Role::Operator).await;
    let monitoring = monitoring(&app).await;
    tell(&monitoring, "ping", "firing").await;
    let incident = newest(&app).await;
    publish(&program, incident).await;
    let path = format!("/admin/incidents/{incident}");
    let chosen = |page: &str| {
        let select = page.split(&format!("name=\"c.{dns}\"")).nth(1).unwrap().split("</select>").next().unwrap();
        select.contains("value=\"degraded_performance\" selected")
    };
    let page = shown(&operator, &path).await;
    assert!(!page.contains("Alerts say:") && !chosen(&page), "{page}");
    let alert = json!({"key": "dns", "status": "firing", "host": "web-cluster-12", "component": "dns"});
    assert_eq!(monitoring.send_json(Method::POST, "/api/v1/alerts/generic", &alert).await.status(), 200);
    let start = shown(&operator, "/admin").await;
    assert!(start.contains("Something is worse than customers know."), "{start}");
    let page = shown(&operator, &path).await;
    let way = "<a href=\"#say-form\">Go to the update, which is filled in</a>";
    for words in ["Alerts say:", ">DNS</span>: Degraded performance (customers read: Operational)", way] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(chosen(&page), "{page}");
    let page_of_viewer = shown(&app.sign_in_as(Role::Viewer).await, &path).await;
    assert!(page_of_viewer.contains("Alerts say:") && !page_of_viewer.contains(way), "{page_of_viewer}");

    let other = json!({"title": "DNS is slow", "body": "We look.", "tell": false,
        "components": [{"id": dns, "state": "partial_outage"}]});
    let (status, other) = read_json(program.send_json(Method::POST, "/api/v1/incidents", &other).await).await;
    assert_eq!(status, 201, "{other}");
    let page = shown(&operator, &path).await;
    assert!(page.contains(">DNS</span>: Degraded performance (this incident says nothing of it)"), "{page}");
    assert!(chosen(&page), "{page}");

    // What was chosen beforehand is among what was seen: it is sent with the first press.
    let field = format!("c.{dns}");
    let [version, seen] = ["version", "seen"].map(|name| carried(&page, name));
    let update = [
        ("state", "identified"),
        ("body", "DNS, too."),
        (field.as_str(), "degraded_performance"),
        ("tell", "yes"),
        ("version", version.as_str()),
        ("seen", seen.as_str()),
        ("do", "say"),
    ];
    assert_eq!(operator.post_form(&path, &update).await.status(), 303);
    let page = shown(&operator, &path).await;
    assert!(!page.contains("Alerts say:") && !chosen(&page), "customers know of it: {page}");
}

async fn a_draft_of_alerts_is_named_by_what_is_open_on_its_components(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [cluster, mail] = [component(&app, "Cluster 12").await, component(&app, "Mail").await];
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let operator = app.sign_in_as(Role::Operator).await;
    tell(&monitoring(&app).await, "ping", "firing").await;
    let draft = newest(&app).await;
    let report = async |component: ComponentId, draft: bool| {
        let body = json!({"title": "Gone", "body": "We look.", "tell": false, "draft": draft,
            "components": [{"id": component, "state": "major_outage"}]});
        let (status, made) = read_json(program.send_json(Method::POST, "/api/v1/incidents", &body).await).await;
        assert_eq!(status, 201, "{made}");
        format!("/admin/incidents/{}", made["id"].as_str().unwrap())
    };
    let by_hand = report(cluster, true).await;
    let (own, other) = (report(cluster, false).await, report(mail, false).await);
    let way = format!("<a href=\"/admin/incidents/{draft}#belongs\">I-1</a>");
    let page = shown(&operator, &own).await;
    assert!(page.contains(&way) && page.contains(" is a draft by alerts on Cluster 12."), "{page}");
    assert!(!page.contains(&format!("{by_hand}#belongs")), "no alerts are counted in it: {page}");
    assert!(!shown(&operator, &other).await.contains(&way), "of other components");
    assert!(!shown(&operator, &format!("/admin/incidents/{draft}")).await.contains(&way), "not of itself");
    assert!(!shown(&app.sign_in_as(Role::Viewer).await, &own).await.contains(&way));
    publish(&program, draft).await;
    assert!(!shown(&operator, &own).await.contains(&way), "customers know of it by now");
}

storage::on_both!(
    who_publishes_a_draft_as_over_while_alerts_fire_is_asked_last,
    who_ends_it_while_alerts_fire_is_asked_once_and_reminded,
    what_is_worse_than_customers_know_is_named_and_filled_in,
    a_draft_of_alerts_is_named_by_what_is_open_on_its_components,
);
