//! Signing in and out, and what a session outlives (SEC-1, SEC-2, SEC-3, SEC-11).

use crate::test_app::{TestApp, TestClient};
use chrono::TimeDelta;
use domain::people::{Role, Scope, User};
use reqwest::Response;
use service::Actor;
use service::people::{NewPerson, Person};
use storage::testing::Engine;

const PASSWORD: &str = "correct horse battery";

async fn add(app: &TestApp, email: &str, role: Role) -> User {
    let person = Person {
        email: email.to_owned(),
        name: email.split('@').next().unwrap().to_owned(),
        role: role.as_str().to_owned(),
    };
    let new = NewPerson { person, password: PASSWORD.into() };
    app.services.add_person(&Actor::system(), &new).await.unwrap().user
}

/// Signs in by the form.
async fn sign_in(client: &TestClient, email: &str) -> Response {
    client.post_form("/sign-in", &[("email", email), ("password", PASSWORD)]).await
}

fn place(response: &Response) -> &str {
    response.headers().get("location").map_or("", |place| place.to_str().unwrap())
}

/// The value a response sets the cookie to.
fn cookie(response: &Response) -> Option<String> {
    let text = response.headers().get("set-cookie")?.to_str().unwrap();
    Some(text.split(';').next().unwrap().to_owned())
}

/// Whether somebody with this cookie is let in.
async fn opens(app: &TestApp, cookie: &str) -> bool {
    let request = app.stranger().http.get(format!("{}/admin/account", app.base)).header("cookie", cookie);
    let response = request.send().await.unwrap();
    match response.status().as_u16() {
        200 => true,
        303 => {
            assert_eq!(place(&response), "/sign-in?next=%2Fadmin%2Faccount");
            false
        }
        other => panic!("{other}"),
    }
}

async fn public_pages_neither_read_nor_set_a_cookie(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Admin).await;
    for path in ["/", "/nothing/here"] {
        let page = ada.get(path).await;
        assert!(!page.headers().contains_key("set-cookie"), "{path}");
        assert_eq!(page.text().await.unwrap(), app.get(path).await.text().await.unwrap());
    }
    let page = app.get("/sign-in").await;
    assert!(!page.headers().contains_key("set-cookie"), "looking at the form begins no session");
    assert!(!page.text().await.unwrap().contains("<script"));
}

async fn the_cookie_is_bound_to_host_and_tls(engine: Engine) {
    let app = TestApp::start_as(engine, Some("https://status.example.org")).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    let response = sign_in(&app.anyone, "ada@example.org").await;
    assert_eq!((response.status().as_u16(), place(&response)), (303, "/admin"));
    let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    let (value, rest) = set.strip_prefix("__Host-sid=").unwrap().split_once(';').unwrap();
    assert_eq!(value.len(), 22, "128 bits");
    assert_eq!(rest, " HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=28800");
    assert_eq!(app.anyone.get("/admin/account").await.status(), 200);

    let plain = TestApp::start(engine).await;
    add(&plain, "ada@example.org", Role::Viewer).await;
    let response = sign_in(&plain.anyone, "ada@example.org").await;
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("sid=") && !set.contains("Secure"), "{set}");
}

async fn signing_in_gives_the_session_another_name(engine: Engine) {
    let app = TestApp::start(engine).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    add(&app, "bob@example.org", Role::Viewer).await;
    let fixed = "sid=AAAAAAAAAAAAAAAAAAAAAA";
    let form = [("email", "ada@example.org"), ("password", PASSWORD)];
    let request = app.stranger().http.post(format!("{}/sign-in", app.base)).header("cookie", fixed);
    let response = request.header("sec-fetch-site", "same-origin").form(&form).send().await.unwrap();
    let first = cookie(&response).unwrap();
    assert_ne!(first, fixed);
    assert!(opens(&app, &first).await && !opens(&app, fixed).await);
    let form = [("email", "bob@example.org"), ("password", PASSWORD)];
    let request = app.stranger().http.post(format!("{}/sign-in", app.base)).header("cookie", &first);
    let response = request.header("sec-fetch-site", "same-origin").form(&form).send().await.unwrap();
    let second = cookie(&response).unwrap();
    assert!(opens(&app, &second).await && !opens(&app, &first).await);
}

async fn signing_out_ends_the_session(engine: Engine) {
    let app = TestApp::start(engine).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    let sid = cookie(&sign_in(&app.anyone, "ada@example.org").await).unwrap();
    assert_eq!(app.anyone.get("/sign-out").await.status(), 200);
    assert!(opens(&app, &sid).await, "looking at the page ends nothing");
    let out = app.anyone.post_form("/sign-out", &[]).await;
    assert_eq!((out.status().as_u16(), place(&out)), (303, "/sign-in"));
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(!opens(&app, &sid).await);
}

async fn another_password_ends_all_other_sessions(engine: Engine) {
    let app = TestApp::start(engine).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    let elsewhere = cookie(&sign_in(&app.stranger(), "ada@example.org").await).unwrap();
    let before = cookie(&sign_in(&app.anyone, "ada@example.org").await).unwrap();
    let new = "another password";
    let form = [("current", PASSWORD), ("password", new), ("again", new)];
    let changed = app.anyone.post_form("/admin/account", &form).await;
    assert_eq!((changed.status().as_u16(), place(&changed)), (303, "/admin/account?done=password"));
    let after = cookie(&changed).unwrap();
    assert!(opens(&app, &after).await);
    assert!(!opens(&app, &before).await && !opens(&app, &elsewhere).await);
}

async fn another_role_or_the_end_of_an_account_ends_its_sessions(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let ada = add(&app, "ada@example.org", Role::Viewer).await;
    let page = format!("/admin/people/{}", ada.id);
    let sid = cookie(&sign_in(&app.stranger(), "ada@example.org").await).unwrap();
    let form = [("do", "save"), ("version", "1"), ("name", "Ada"), ("email", "ada@example.org"), ("role", "viewer")];
    assert_eq!(admin.post_form(&page, &form).await.status(), 303);
    assert!(opens(&app, &sid).await, "another name changes nothing");
    let form = [("do", "save"), ("version", "2"), ("name", "Ada"), ("email", "ada@example.org"), ("role", "operator")];
    assert_eq!(admin.post_form(&page, &form).await.status(), 303);
    assert!(!opens(&app, &sid).await);
    let sid = cookie(&sign_in(&app.stranger(), "ada@example.org").await).unwrap();
    assert_eq!(admin.post_form(&page, &[("do", "disable")]).await.status(), 303);
    assert!(!opens(&app, &sid).await);
    let refused = sign_in(&app.stranger(), "ada@example.org").await;
    assert_eq!(refused.status(), 422);
}

async fn a_session_ends_by_itself(engine: Engine) {
    let app = TestApp::start(engine).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    let sid = cookie(&sign_in(&app.stranger(), "ada@example.org").await).unwrap();
    let pass = |time| app.services.clock.set(app.services.now() + time);
    for _ in 0..20 {
        pass(TimeDelta::hours(8) - TimeDelta::minutes(1));
        assert!(opens(&app, &sid).await, "{}", app.services.now());
    }
    pass(TimeDelta::hours(8));
    assert!(!opens(&app, &sid).await, "after eight quiet hours");
    let sid = cookie(&sign_in(&app.stranger(), "ada@example.org").await).unwrap();
    for _ in 0..23 {
        pass(TimeDelta::hours(7));
        assert!(opens(&app, &sid).await);
    }
    pass(TimeDelta::hours(7));
    assert!(!opens(&app, &sid).await, "after seven days");
}

async fn a_page_that_is_left_open_keeps_no_session_alive(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let report = [("title", "Gone"), ("body", "We look."), ("do", "publish")];
    let made = ada.post_form("/admin/incidents/new", &report).await;
    let here = place(&made).split('?').next().unwrap().to_owned();
    let id = here.rsplit('/').next().unwrap();
    for quarters in 1..32 {
        app.services.clock.set(app.services.now() + TimeDelta::minutes(15));
        let asked = ada.post_form("/api/fn/stands", &[("incident", id)]).await;
        assert_eq!(asked.status(), 200, "{quarters}");
        assert_eq!(cookie(&asked), None);
    }
    app.services.clock.set(app.services.now() + TimeDelta::minutes(15));
    assert_eq!(place(&ada.get(&here).await), format!("/sign-in?next={}", here.replace('/', "%2F")));
    assert_eq!(ada.post_form("/api/fn/stands", &[("incident", id)]).await.status(), 401);
}

async fn a_copy_of_the_database_opens_no_door(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = add(&app, "ada@example.org", Role::Admin).await;
    let sid = cookie(&sign_in(&app.anyone, "ada@example.org").await).unwrap();
    let sid = sid.strip_prefix("sid=").unwrap();
    let token = app.token(&[Scope::Admin]).await;
    let link = app.services.password_link(&Actor::system(), ada.id).await.unwrap();
    let id: tower_sessions::session::Id = sid.parse().unwrap();
    let copy = app.db.dump();
    let holds = |bytes: &[u8]| copy.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(b"ada@example.org"), "the copy is whole");
    for (what, text) in [
        ("cookie", sid),
        ("token", token.rsplit('_').next().unwrap()),
        ("link", link.rsplit('/').next().unwrap()),
        ("password", PASSWORD),
    ] {
        assert!(!holds(text.as_bytes()), "{what}");
    }
    assert!(!holds(&id.0.to_le_bytes()) && !holds(id.0.to_string().as_bytes()));
}

async fn wrong_guesses_are_told_apart_by_nobody(engine: Engine) {
    let app = TestApp::start(engine).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    for n in 1..=7 {
        let mut answers = Vec::new();
        for email in ["ada@example.org", "nobody@example.org"] {
            let form = [("email", email), ("password", "wrong password")];
            let response = app.anyone.post_form("/sign-in?next=%2Fadmin%2Fhosts", &form).await;
            let status = response.status().as_u16();
            assert_eq!(status, if n <= 5 { 422 } else { 429 }, "guess {n}");
            assert_eq!(response.headers().contains_key("retry-after"), n > 5);
            let html = response.text().await.unwrap();
            assert!(html.contains(&format!("value=\"{email}\"")), "what was typed is kept");
            assert!(!html.contains("wrong password"), "but not the password");
            answers.push(html.replace(email, ""));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

async fn one_goes_on_where_one_wanted_to(engine: Engine) {
    let app = TestApp::start(engine).await;
    add(&app, "ada@example.org", Role::Viewer).await;
    let asked = app.get("/admin/settings?x=1").await;
    assert_eq!((asked.status().as_u16(), place(&asked)), (303, "/sign-in?next=%2Fadmin%2Fsettings%3Fx%3D1"));
    let way = place(&asked).to_owned();
    assert_eq!(app.get(&way).await.status(), 200);
    let form = [("email", "ada@example.org"), ("password", PASSWORD)];
    let response = app.anyone.post_form(&way, &form).await;
    assert_eq!((response.status().as_u16(), place(&response)), (303, "/admin/settings?x=1"));
    let again = app.get(&way).await;
    assert_eq!((again.status().as_u16(), place(&again)), (303, "/admin/settings?x=1"), "who is in is not asked again");
    let elsewhere = app.stranger().post_form("/sign-in?next=%2F%2Fevil.example", &form).await;
    assert_eq!(place(&elsewhere), "/admin");
}

async fn forms_of_other_sites_do_nothing(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    for path in ["/sign-in", "/sign-out", "/admin/settings", "/admin/people/new", "/admin/tokens", "/api/fn/x"] {
        for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x-nothing", "")] {
            let request = admin.http.post(format!("{}{path}", app.base)).header(header.0, header.1);
            let response = request.form(&[("do", "save")]).send().await.unwrap();
            assert_eq!(response.status(), 403, "{path} {header:?}");
        }
    }
    assert_eq!(admin.get("/admin/account").await.status(), 200);
}

async fn a_token_that_is_not_ours_is_refused(engine: Engine) {
    let app = TestApp::start(engine).await;
    let token = app.token(&[Scope::Read]).await;
    let mut other = token.clone();
    other.pop();
    for wrong in [other.as_str(), "fmt_", "x", ""] {
        let answer = app.with_token(wrong).get("/api/v1/nothing").await;
        assert_eq!(answer.status(), 401, "{wrong}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let answer = app.with_token(&token).get("/api/v1/nothing").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

storage::on_both!(
    public_pages_neither_read_nor_set_a_cookie,
    the_cookie_is_bound_to_host_and_tls,
    signing_in_gives_the_session_another_name,
    signing_out_ends_the_session,
    another_password_ends_all_other_sessions,
    another_role_or_the_end_of_an_account_ends_its_sessions,
    a_session_ends_by_itself,
    a_page_that_is_left_open_keeps_no_session_alive,
    a_copy_of_the_database_opens_no_door,
    wrong_guesses_are_told_apart_by_nobody,
    one_goes_on_where_one_wanted_to,
    forms_of_other_sites_do_nothing,
    a_token_that_is_not_ours_is_refused,
);
