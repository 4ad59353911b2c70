use crate::stage::later;
use crate::test_app::{TestApp, shown};
use domain::host::Host;
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use service::Actor;
use service::inventory::HostInput;
use service::keys::Purpose;
use storage::testing::Engine;

const HOUR: i64 = 3600;

/// A host that nobody claimed, found; the day is 15 May 2014.
async fn found(app: &TestApp) -> Host {
    let input = HostInput { name: "legacy-shop".to_owned(), ..HostInput::default() };
    let host = app.services.add_host(&Actor::system(), input).await.unwrap();
    later(&app.services, HOUR);
    app.services.watch_findings().await.unwrap();
    host
}

async fn the_one(app: &TestApp) -> Value {
    let program = app.with_token(&app.token(&[Scope::Read]).await);
    let all: Value = program.get("/api/v1/findings").await.json().await.unwrap();
    all["findings"][0].clone()
}

async fn a_finding_is_on_the_desk_on_its_page_and_leads_to_where_it_is_mended(engine: Engine) {
    let app = TestApp::start(engine).await;
    let host = found(&app).await;
    let id = the_one(&app).await["id"].as_str().unwrap().to_owned();
    let viewer = app.sign_in_as(Role::Viewer).await;
    for path in ["/admin", "/admin/findings", "/admin/findings?kind=unclaimed_host"] {
        let page = shown(&viewer, path).await;
        assert!(page.contains("Unclaimed host: legacy-shop"), "{path}: {page}");
        assert!(page.contains(&format!("/admin/hosts/{}", host.id)), "{path}");
        assert!(page.contains("Declare what must not be lost on it"), "{path}");
        assert!(!page.contains("Leave for later"), "{path}: not for viewers");
    }
    assert!(shown(&viewer, "/admin/findings?kind=no_job").await.contains("No open finding of this kind"));
    assert_eq!(viewer.get("/admin/findings?kind=green").await.status(), 422);
    let page = shown(&viewer, &format!("/admin/findings/{id}")).await;
    assert!(page.contains("Told by mail") && !page.contains("name=\"until\""));
    assert_eq!(viewer.get("/admin/findings/00000000-0000-0000-0000-000000000000").await.status(), 404);
}

async fn a_form_leaves_a_finding_for_later_and_keeps_what_was_typed(engine: Engine) {
    let app = TestApp::start(engine).await;
    found(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let path = format!("/admin/findings/{}", the_one(&app).await["id"].as_str().unwrap());
    let page = shown(&operator, &path).await;
    assert!(page.contains("value=\"2014-05-22\"") && page.contains("min=\"2014-05-16\""), "{page}");
    let send = async |reason: &str, until: &str, version: &str| {
        let fields = [("do", "acknowledge"), ("reason", reason), ("until", until), ("version", version)];
        operator.post_form(&path, &fields).await
    };
    let refused = send("Its owner is on leave", "2014-05-01", "1").await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(page.contains("Choose a day that is still to come.") && page.contains("Its owner is on leave"), "{page}");
    assert_eq!(send("x", "2014-05-20", "9").await.status(), 409);
    let done = send("Its owner is on leave", "2014-05-20", "1").await;
    assert_eq!(
        (done.status().as_u16(), done.headers()["location"].to_str().unwrap()),
        (303, "/admin/findings?done=later")
    );
    let page = shown(&operator, "/admin/findings?done=later").await;
    assert!(page.contains("Left for later") && page.contains("Its owner is on leave"), "{page}");
    assert!(!shown(&operator, "/admin").await.contains("Unclaimed host"));
    let page = shown(&operator, &path).await;
    assert!(page.contains("Open it again now"));
    let again = operator.post_form(&path, &[("do", "end"), ("version", "2")]).await;
    assert_eq!(again.headers()["location"], "/admin/findings?done=open");
    assert!(shown(&operator, "/admin").await.contains("Unclaimed host"));
}

async fn a_program_reads_and_acknowledges_findings(engine: Engine) {
    let app = TestApp::start(engine).await;
    let host = found(&app).await;
    let one = the_one(&app).await;
    assert_eq!(one["kind"], "unclaimed_host");
    assert_eq!(one["subject"], json!({"host": host.id.to_string()}));
    assert_eq!((&one["state"], &one["acknowledged"], &one["version"]), (&json!("open"), &Value::Null, &json!(1)));
    let program = app.with_token(&app.token(&[Scope::InventoryWrite]).await);
    let place = format!("/api/v1/findings/{}/acknowledge", one["id"].as_str().unwrap());
    let wrong = program.send_json(Method::POST, &place, &json!({"version": 1, "until": "soon"})).await;
    assert_eq!(wrong.status(), 422);
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["errors"].as_array().map(Vec::len), Some(2), "{wrong}");
    let body = json!({"version": 1, "reason": "spare parts", "until": "2014-05-20"});
    let done: Value = program.send_json(Method::POST, &place, &body).await.json().await.unwrap();
    assert_eq!(done["state"], "acknowledged");
    assert_eq!(done["acknowledged"]["until"], "2014-05-20T07:00:00Z", "eight o'clock in Dublin");
    assert_eq!(program.send_json(Method::POST, &place, &body).await.status(), 409);
    let open: Value = program.get("/api/v1/findings?state=open").await.json().await.unwrap();
    assert_eq!((open["findings"].as_array().map(Vec::len), &open["counts"]["unclaimed_host"]), (Some(0), &json!(0)));
    let all: Value = program.get("/api/v1/findings?state=acknowledged").await.json().await.unwrap();
    assert_eq!(all["findings"][0]["acknowledged"]["reason"], "spare parts");
    assert_eq!(program.get("/api/v1/findings?state=x").await.status(), 422);
    let ended = program.send_json(Method::DELETE, &format!("{place}?version=2"), &json!({})).await;
    assert_eq!(ended.json::<Value>().await.unwrap()["state"], "open");

    let owner = json!({"version": 1, "owner": "Web team"});
    let changed = program.send_json(Method::PATCH, &format!("/api/v1/hosts/{}", host.id), &owner).await;
    assert_eq!(changed.json::<Value>().await.unwrap()["owner"], "Web team");
    app.services.watch_findings().await.unwrap();
    let closed: Value = program.get("/api/v1/findings?state=closed").await.json().await.unwrap();
    assert_eq!(closed["findings"][0]["state"], "closed");
    assert_eq!(program.send_json(Method::POST, &place, &body).await.status(), 409, "it is gone");
}

async fn the_account_page_turns_mails_off_and_on(engine: Engine) {
    let app = TestApp::start(engine).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let is_on = async || {
        let page = shown(&operator, "/admin/account").await;
        let (before, rest) = page.split_once("name=\"findings\"").unwrap();
        let tag = format!("{}{}", before.rsplit('<').next().unwrap(), rest.split('>').next().unwrap());
        tag.contains("checked")
    };
    assert!(is_on().await);
    assert_eq!(operator.post_form("/admin/account", &[("do", "mail")]).await.status(), 303);
    assert!(!is_on().await);
    let on = [("do", "mail"), ("findings", "on")];
    assert_eq!(operator.post_form("/admin/account", &on).await.headers()["location"], "/admin/account?done=mail");
    assert!(is_on().await);
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert!(!shown(&viewer, "/admin/account").await.contains("Mail me about findings"));
}

async fn one_click_from_a_mail_provider_ends_the_mails(engine: Engine) {
    let app = TestApp::start(engine).await;
    app.sign_in_as(Role::Operator).await;
    let user = app.services.people(&Actor::system()).await.unwrap().remove(0);
    let path = format!("/team-mail/{}", app.services.keys.link(Purpose::TeamMail, user.id.0, 1));
    let page = app.get(&path).await;
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["cache-control"], "private, no-store");
    let page = page.text().await.unwrap();
    assert!(page.contains("Stop these mails") && !page.contains(&user.email), "{page}");
    let click = app.anyone.http.post(format!("{}{path}", app.base)).body("List-Unsubscribe=One-Click");
    let click = click.header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(click.status(), 200);
    assert!(click.text().await.unwrap().contains("No more mails about findings"));
    assert!(app.get(&path).await.text().await.unwrap().contains("No more mails about findings"));
}

async fn settings_say_when_the_daily_mail_goes(engine: Engine) {
    let app = TestApp::start(engine).await;
    let program = app.with_token(&app.token(&[Scope::Admin]).await);
    let site: Value = program.get("/api/v1/site").await.json().await.unwrap();
    assert_eq!(site["digest_hour"], 8);
    let send = async |hour: i64| {
        let body = json!({"version": site["version"], "digest_hour": hour});
        program.send_json(Method::PATCH, "/api/v1/site", &body).await
    };
    assert_eq!(send(24).await.status(), 422);
    assert_eq!(send(6).await.json::<Value>().await.unwrap()["digest_hour"], 6);
    let admin = app.sign_in_as(Role::Admin).await;
    let page = shown(&admin, "/admin/settings").await;
    assert!(page.contains("06:00") && page.contains("Daily mail to the team"));
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert!(shown(&viewer, "/admin/settings").await.contains("06:00"));
}

storage::on_both!(
    a_finding_is_on_the_desk_on_its_page_and_leads_to_where_it_is_mended,
    a_form_leaves_a_finding_for_later_and_keeps_what_was_typed,
    a_program_reads_and_acknowledges_findings,
    the_account_page_turns_mails_off_and_on,
    one_click_from_a_mail_provider_ends_the_mails,
    settings_say_when_the_daily_mail_goes,
);
