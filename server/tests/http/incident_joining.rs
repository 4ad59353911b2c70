//! What alerts have drafted belongs to what a person has opened: on its page, by program, and the hint before a second
//! incident is reported at all.

use crate::test_app::{TestApp, TestClient, read, read_json, shown};
use domain::ids::{ComponentId, IncidentId};
use domain::incident::IncidentState;
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use service::Actor;
use service::alerts::CausesQuery;
use service::inventory::{ComponentInput, HostInput};
use storage::testing::Engine;

/// Cluster 12 on `web-12`, and a component that stands elsewhere.
async fn components(app: &TestApp) -> [ComponentId; 2] {
    let system = Actor::system();
    let host = HostInput { name: "web-12".to_owned(), ..HostInput::default() };
    let web = app.services.add_host(&system, host).await.unwrap();
    let cluster =
        ComponentInput { name: "Cluster 12".to_owned(), hosts: vec![web.id.to_string()], ..Default::default() };
    let mail = ComponentInput { name: "Mail".to_owned(), ..Default::default() };
    let [cluster, mail] = [
        app.services.add_component(&system, cluster).await.unwrap(),
        app.services.add_component(&system, mail).await.unwrap(),
    ];
    [cluster.component.id, mail.component.id]
}

/// `web-12` does not answer; gives back the draft.
async fn alarm(app: &TestApp) -> IncidentId {
    let monitoring = app.with_token(&app.token(&[Scope::AlertReport]).await);
    let alert = json!({"key": "down", "status": "firing", "title": "web-12 does not answer", "host": "web-12"});
    assert_eq!(monitoring.send_json(Method::POST, "/api/v1/alerts/generic", &alert).await.status(), 200);
    app.services.causes(&Actor::system(), &CausesQuery::default()).await.unwrap().items[0].incident.unwrap()
}

async fn open(client: &TestClient, title: &str, component: ComponentId) -> Value {
    let body = json!({"title": title, "body": "We look.", "tell": false,
        "components": [{"id": component, "state": "major_outage"}]});
    let answer = client.send_json(Method::POST, "/api/v1/incidents", &body).await;
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

async fn a_draft_joins_by_one_press_on_its_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [cluster, mail] = components(&app).await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let operator = app.sign_in_as(Role::Operator).await;
    let draft = alarm(&app).await;
    let path = format!("/admin/incidents/{draft}");
    let page = shown(&operator, &path).await;
    assert!(!page.contains("Belongs to an open incident"), "nothing is open: {page}");
    let list = shown(&operator, "/admin/alerts").await;
    assert!(!list.contains("Belongs to an open incident"), "{list}");

    let own = open(&program, "Sites do not answer", cluster).await;
    let other = open(&program, "Mail waits", mail).await;
    let (own, other) = (own["id"].as_str().unwrap(), other["id"].as_str().unwrap());
    let list = shown(&operator, "/admin/alerts").await;
    assert!(list.contains("Belongs to an open incident") && list.contains(&format!("{path}#belongs")), "{list}");
    let page = shown(&operator, &path).await;
    let likely = format!(r#"<option value="{own}" selected>I-2 Sites do not answer – also on Cluster 12</option>"#);
    assert!(page.contains(&likely), "{page}");
    assert!(page.find(own) < page.find(other) && page.contains("I-3 Mail waits</option>"), "{page}");
    for role in [Role::Viewer, Role::Approver] {
        let page = shown(&app.sign_in_as(role).await, &path).await;
        assert_eq!(page.contains("Belongs to an open incident"), role == Role::Approver, "{role:?}");
    }

    let join = |version: &'static str, incident| [("do", "join"), ("version", version), ("incident", incident)];
    let (status, page) = read(operator.post_form(&path, &join("1", "")).await).await;
    assert!(status == 422 && page.contains("Incident: Choose the incident that it belongs to."), "{page}");
    let edit = json!({"version": 1, "body": "The disks are gone."});
    assert_eq!(program.send_json(Method::PATCH, &format!("/api/v1/incidents/{draft}"), &edit).await.status(), 200);
    let (status, page) = read(operator.post_form(&path, &join("1", other)).await).await;
    assert_eq!(status, 409, "somebody has written in it: {page}");
    assert!(page.contains("The draft was changed.") && page.contains("The disks are gone."), "{page}");
    assert!(page.contains(&format!(r#"<option value="{other}" selected>"#)), "what was chosen stays: {page}");
    assert!(page.contains(r#"name="version" value="2""#), "{page}");

    let joined = operator.post_form(&path, &join("2", own)).await;
    let there = joined.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(there, format!("/admin/incidents/{own}?done=joined"));
    let page = shown(&operator, &there).await;
    for words in [
        "The alerts of the draft are counted here now.",
        "web-12 does not answer",
        "Among them the alerts of drafts that became part of it:",
        "I-1 Problems with Cluster 12",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = shown(&operator, &path).await;
    for words in ["Its alerts are counted there now:", "I-2 Sites do not answer", "The disks are gone."] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("What was written here stays for the record.") && !page.contains("Belongs to an open incident"),
        "{page}"
    );
    assert!(!page.contains("Operational</span>"), "so does what it said of its components: {page}");
    let counted = format!(r#"Its alerts were counted at <a href="/admin/incidents/{own}">"#);
    for pressed in [&join("2", other)[..], &[("do", "discard"), ("version", "2")]] {
        let (status, page) = read(operator.post_form(&path, pressed).await).await;
        assert!(status == 409 && page.contains("It was discarded meanwhile") && page.contains(&counted), "{page}");
        for words in ["what you typed is still here", "Press the button again", "Press again", "Its title, severity"] {
            assert!(!page.contains(words), "nothing is left to press: {words}: {page}");
        }
    }
    let (status, page) = read(operator.post_form(&path, &join("3", other)).await).await;
    assert!(status == 409 || status == 422, "{status}");
    assert!(page.contains("This incident is discarded and can not join another"), "{page}");
}

async fn a_program_joins_with_the_version_that_it_read(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [cluster, _] = components(&app).await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite, Scope::Read]).await);
    let draft = alarm(&app).await;
    let own = open(&program, "Sites do not answer", cluster).await;
    let path = format!("/api/v1/incidents/{draft}/join");
    let join = async |body: Value| read_json(program.send_json(Method::POST, &path, &body).await).await;
    let (status, problem) = join(json!({"version": 7, "incident": own["id"]})).await;
    assert_eq!((status, &problem["code"], &problem["version"]), (409, &json!("stale"), &json!(1)));
    for (body, says) in [
        (json!({"version": 1}), "Choose the incident that it belongs to."),
        (json!({"version": 1, "incident": "I-2"}), "There is no such incident."),
        (
            json!({"version": 1, "incident": draft}),
            "I-1 is a draft: choose an incident that is published and not over.",
        ),
    ] {
        let (status, problem) = join(body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("incident")));
        assert_eq!(problem["errors"][0]["message"], says);
    }
    assert_eq!(join(json!({"incident": own["id"]})).await.0, 422, "without the version");
    let (status, gone) = join(json!({"version": 1, "incident": own["id"]})).await;
    assert_eq!((status, &gone["state"], &gone["version"]), (200, &json!("discarded"), &json!(2)));
    let causes: Value = program.get("/api/v1/causes").await.json().await.unwrap();
    assert_eq!((causes["items"].as_array().unwrap().len(), &causes["items"][0]["incident_id"]), (1, &own["id"]));
    let (status, problem) = join(json!({"version": 2, "incident": own["id"]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")));
}

async fn who_reports_sees_what_is_known_already(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [cluster, mail] = components(&app).await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let operator = app.sign_in_as(Role::Operator).await;
    let draft = alarm(&app).await;
    let own = open(&program, "Sites do not answer", cluster).await;
    let known = "Is it one of these?";
    let page = shown(&operator, "/admin/incidents/new").await;
    assert!(!page.contains(known), "nothing is chosen: {page}");
    let page = shown(&operator, &format!("/admin/incidents/new?component={mail}")).await;
    assert!(!page.contains(known), "{page}");
    let page = shown(&operator, &format!("/admin/incidents/new?component={cluster}")).await;
    let line = format!(r#"<a href="/admin/incidents/{}""#, own["id"].as_str().unwrap());
    for words in [
        known,
        &line,
        "I-2 Sites do not answer",
        " is open on Cluster 12: it is being investigated.",
        "I-1 Problems with Cluster 12",
        " is a draft on Cluster 12: customers see nothing of it yet.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let field = format!("c.{cluster}");
    let (status, page) =
        read(operator.post_form("/admin/incidents/new", &[(&field, "major_outage"), ("do", "check")]).await).await;
    assert!(status == 200 && page.contains("I-2 Sites do not answer"), "when the form comes back: {page}");
    let form = format!("{field}=major_outage");
    let (status, asked) = read(operator.post_form("/api/fn/near", &[("form", form.as_str())]).await).await;
    assert!(status == 200 && asked.contains("I-2 Sites do not answer"), "while it is filled in: {asked}");
    // It is no reason not to report another.
    let another = [(field.as_str(), "major_outage"), ("title", "Gone"), ("body", "We look."), ("do", "publish")];
    assert_eq!(operator.post_form("/admin/incidents/new", &another).await.status(), 303);
    let page = shown(&operator, &format!("/admin/incidents/{draft}/edit")).await;
    assert!(!page.contains(known), "a draft does not find itself: {page}");

    let asked = async |query: &str| {
        program.get(&format!("/api/v1/incidents/near{query}")).await.json::<Value>().await.unwrap()["items"].clone()
    };
    let items = asked(&format!("?components={cluster}")).await;
    assert_eq!(items.as_array().unwrap().len(), 3);
    let expected = json!({"id": draft, "number": 1, "title": "Problems with Cluster 12", "state": "draft",
        "on": ["Cluster 12"]});
    assert_eq!(items[2], expected, "what customers know of comes first");
    assert_eq!(asked(&format!("?components={mail}")).await, json!([]));
    assert_eq!(asked("").await, json!([]));
    assert_eq!(program.get("/api/v1/incidents/near?components=x").await.status(), 422);
    let body = json!({"title": "Nothing works", "body": "We look.", "tell": false});
    assert_eq!(program.send_json(Method::POST, "/api/v1/incidents", &body).await.status(), 201);
    let items = asked(&format!("?components={mail}")).await;
    assert_eq!((&items[0]["title"], &items[0]["on"]), (&json!("Nothing works"), &json!([])));
    let page = shown(&operator, &format!("/admin/incidents/new?component={mail}")).await;
    assert!(page.contains(" is open on the whole site: it is being investigated."), "{page}");
    for n in 0..3 {
        open(&program, &format!("Cluster 12 again {n}"), cluster).await;
    }
    assert_eq!(asked(&format!("?components={cluster}")).await.as_array().unwrap().len(), 7, "all of them");
    let page = shown(&operator, &format!("/admin/incidents/new?component={cluster}")).await;
    assert!(page.contains(r#"<a href="/admin/incidents"><span dir="auto">2 more</span></a>"#), "{page}");
    let draft = app.services.db.read().await.unwrap().incident(draft).await.unwrap();
    assert_eq!(draft.state, IncidentState::Draft);
}

storage::on_both!(
    a_draft_joins_by_one_press_on_its_page,
    a_program_joins_with_the_version_that_it_read,
    who_reports_sees_what_is_known_already,
);
