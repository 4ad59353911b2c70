use crate::live::Live;
use crate::stage::{Stage, later};
use crate::test_app::TestApp;
use domain::ids::ComponentId;
use domain::subscriber::{Subscriber, SubscriberState, Topic};
use domain::time::Span;
use reqwest::{Method, Response};
use service::inventory::ComponentInput;
use service::keys::Purpose;
use service::{Actor, Services};
use storage::testing::Engine;

const MARA: &str = "mara@example.net";

async fn subscriber(services: &Services, email: &str) -> Option<Subscriber> {
    services.db.read().await.unwrap().subscriber_by_email(email).await.unwrap()
}

async fn known(services: &Services) -> Subscriber {
    subscriber(services, MARA).await.unwrap()
}

/// The hidden field of the form as it is shown now.
async fn stamp(app: &TestApp) -> String {
    let html = app.get("/subscribe").await.text().await.unwrap();
    let (_, rest) = html
        .split_once("name=\"form\" value=\"")
        .or_else(|| html.split_once("name=\"form\" type=\"hidden\" value=\""))
        .unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// Fills in the form like a person and sends it.
async fn ask(app: &TestApp, fields: &[(&str, &str)]) -> Response {
    let stamp = stamp(app).await;
    later(&app.services, 20);
    let mut all = vec![("form", stamp.as_str()), ("zone", "Europe/Dublin"), ("website", "")];
    all.extend_from_slice(fields);
    app.post_form("/subscribe", &all).await
}

async fn confirmed(services: &Services, email: &str) -> Subscriber {
    let ask = service::subscribers::Subscribe { email: email.to_owned(), ..Default::default() };
    services.subscribe(None, ask).await.unwrap();
    let s = subscriber(services, email).await.unwrap();
    let link = services.keys.link(Purpose::Confirm, s.id.0, s.token_version);
    services.confirm(None, &link).await.unwrap();
    subscriber(services, email).await.unwrap()
}

fn manage_link(services: &Services, s: &Subscriber) -> String {
    services.keys.link(Purpose::Manage, s.id.0, s.token_version)
}

fn is_private(response: &Response) {
    assert_eq!(response.headers()["cache-control"], "private, no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert_eq!(response.headers()["x-robots-tag"], "noindex");
    assert!(!response.headers().contains_key("x-fermata-cache"));
    assert!(!response.headers().contains_key("set-cookie"));
}

async fn the_form_answers_every_address_alike(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let (shell, dns) = (stage.component("Shell nodes").await, stage.component("DNS").await);
    let fields = [("email", MARA), ("zone", "Asia/Tokyo"), ("components", &shell), ("components", &dns)];
    let stamp = stamp(&app).await;
    later(&app.services, 20);
    let fields: Vec<(&str, &str)> = [("form", stamp.as_str())].into_iter().chain(fields).collect();
    let first = app.post_form("/subscribe?tz=Asia/Tokyo", &fields).await;
    assert_eq!(first.status(), 303);
    assert_eq!(first.headers()["location"], "/subscribe/sent?tz=Asia%2FTokyo");
    let s = known(&app.services).await;
    assert_eq!((s.state, s.zone.as_str(), s.components.len()), (SubscriberState::Pending, "Asia/Tokyo", 2));

    let mut answers = Vec::new();
    for email in [MARA, "someone-new@example.net", "Mara@Example.NET"] {
        later(&app.services, 700);
        let answer = ask(&app, &[("email", email)]).await;
        assert!(!answer.headers().contains_key("set-cookie"));
        answers.push((answer.status(), answer.headers()["location"].clone(), answer.text().await.unwrap()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let html = app.get("/subscribe/sent").await.text().await.unwrap();
    assert!(html.contains("Look into your mailbox") && !html.contains(MARA));
    assert!(html.contains("Mail is not set up here yet"), "no mail server: it says so");
}

async fn what_was_typed_is_kept_beside_what_is_wrong(engine: Engine) {
    let app = TestApp::start(engine).await;
    Stage::set(&app).await;
    let answer = ask(&app, &[("email", "mara at example")]).await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(html.contains("value=\"mara at example\"") && html.contains("aria-invalid=\"true\""), "{html}");
    assert!(html.contains("id=\"email-error\"") && html.contains("href=\"#email\""), "{html}");
    for strange in ["a@b.c\r\nBcc: x@y.example", "", "@", "a@b@c", "<a@b.c>"] {
        assert_eq!(ask(&app, &[("email", strange)]).await.status(), 422, "{strange}");
    }
    assert_eq!(ask(&app, &[("email", MARA), ("components", "nonsense")]).await.status(), 422);
    assert!(subscriber(&app.services, MARA).await.is_none());
}

async fn programs_are_asked_again_or_fooled(engine: Engine) {
    let app = TestApp::start(engine).await;
    let quick = stamp(&app).await;
    let send = async |stamp: &str, trap: &str| {
        let fields = [("form", stamp), ("email", MARA), ("zone", "UTC"), ("website", trap)];
        app.post_form("/subscribe", &fields).await
    };
    later(&app.services, 1);
    let answer = send(&quick, "").await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(html.contains("Please send it again.") && html.contains(&format!("value=\"{MARA}\"")), "{html}");
    for wrong in ["", "x", &quick[1..], &app.services.keys.link(Purpose::Manage, uuid::Uuid::nil(), 0)] {
        assert_eq!(send(wrong, "").await.status(), 422, "{wrong}");
    }
    later(&app.services, 1);
    assert_eq!(send(&quick, "http://spam.example").await.status(), 303, "like success");
    assert!(subscriber(&app.services, MARA).await.is_none(), "but nothing happened");
    app.services.clock.set(Span::hours(25).after(app.services.now()));
    assert_eq!(send(&quick, "").await.status(), 422, "an old form");
    assert!(subscriber(&app.services, MARA).await.is_none());
    assert_eq!(ask(&app, &[("email", MARA)]).await.status(), 303);
    assert!(subscriber(&app.services, MARA).await.is_some());
}

async fn only_the_button_confirms(engine: Engine) {
    let app = TestApp::start(engine).await;
    ask(&app, &[("email", MARA)]).await;
    let s = known(&app.services).await;
    let path = format!("/subscribe/confirm/{}", app.services.keys.link(Purpose::Confirm, s.id.0, s.token_version));
    for _ in 0..3 {
        let response = app.get(&path).await;
        assert_eq!(response.status(), 200);
        is_private(&response);
        let html = response.text().await.unwrap();
        assert!(html.contains("Confirm your subscription") && html.contains("<form method=\"post\">"), "{html}");
        assert!(html.contains("content=\"noindex\"") && !html.contains(MARA), "the address is hidden: {html}");
    }
    assert_eq!(app.anyone.http.head(format!("{}{path}", app.base)).send().await.unwrap().status(), 200);
    assert_eq!(known(&app.services).await.state, SubscriberState::Pending);
    for _ in 0..2 {
        let response = app.post_form(&path, &[]).await;
        assert_eq!(response.status(), 200);
        is_private(&response);
        assert!(response.text().await.unwrap().contains("You are subscribed"));
        assert_eq!(known(&app.services).await.state, SubscriberState::Confirmed);
    }
    assert!(app.get(&path).await.text().await.unwrap().contains("You are subscribed"));
    let manage = manage_link(&app.services, &s);
    for wrong in [format!("/subscribe/confirm/{manage}"), "/subscribe/confirm/x".to_owned(), format!("{path}A")] {
        assert_eq!(app.get(&wrong).await.status(), 404, "{wrong}");
        assert_eq!(app.post_form(&wrong, &[]).await.status(), 404, "{wrong}");
    }
}

async fn a_confirmation_link_works_for_two_days(engine: Engine) {
    let app = TestApp::start(engine).await;
    ask(&app, &[("email", MARA)]).await;
    let s = known(&app.services).await;
    let path = format!("/subscribe/confirm/{}", app.services.keys.link(Purpose::Confirm, s.id.0, s.token_version));
    app.services.clock.set(Span::hours(48).after(app.services.now()));
    for response in [app.get(&path).await, app.post_form(&path, &[]).await] {
        assert_eq!(response.status(), 410);
        is_private(&response);
        let html = response.text().await.unwrap();
        assert!(html.contains("This link is too old") && html.contains("href=\"/subscribe\""), "{html}");
    }
    assert_eq!(known(&app.services).await.state, SubscriberState::Pending);
}

async fn one_click_leaves_whoever_sends_it_and_however(engine: Engine) {
    let live = Live::start(engine).await;
    let s = confirmed(&live.services, MARA).await;
    let path = format!("/unsubscribe/{}", manage_link(&live.services, &s));
    for _ in 0..3 {
        let response = live.get(&path).await;
        assert_eq!(response.status(), 200);
        is_private(&response);
        assert!(response.text().await.unwrap().contains("Leave these mails?"));
    }
    assert_eq!(known(&live.services).await.state, SubscriberState::Confirmed, "looking changes nothing");

    let boundary = "------------------------d74496d66958873e";
    let multipart = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--{boundary}--\r\n"
    );
    let form = "application/x-www-form-urlencoded".to_owned();
    let variants = [
        (Some(form.clone()), "List-Unsubscribe=One-Click".to_owned()),
        (Some(form), String::new()),
        (Some(format!("multipart/form-data; boundary={boundary}")), multipart),
        (Some("text/plain".to_owned()), "List-Unsubscribe=One-Click".to_owned()),
        (None, String::new()),
    ];
    for (n, (kind, body)) in variants.into_iter().enumerate() {
        let email = format!("reader{n}@example.net");
        let reader = confirmed(&live.services, &email).await;
        assert_eq!(reader.state, SubscriberState::Confirmed);
        let path = format!("/unsubscribe/{}", manage_link(&live.services, &reader));
        for _ in 0..2 {
            let mut request = live.request(Method::POST, &path).body(body.clone());
            if let Some(kind) = &kind {
                request = request.header("content-type", kind);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200, "{kind:?}");
            is_private(&response);
            assert!(response.text().await.unwrap().contains("You have left"));
            let reader = subscriber(&live.services, &email).await.unwrap();
            assert_eq!(reader.state, SubscriberState::Unsubscribed);
        }
    }
    let mut flipped = path.clone().into_bytes();
    let last = flipped.last_mut().unwrap();
    *last = if *last == b'A' { b'Q' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    assert_eq!(live.request(Method::POST, &flipped).send().await.unwrap().status(), 404);
    // Everything else that changes something does ask where the form came from.
    let elsewhere = path.replace("/unsubscribe/", "/subscriptions/");
    for foreign in [elsewhere.as_str(), "/subscribe", "/subscribe/confirm/x"] {
        let response =
            live.request(Method::POST, foreign).header("origin", "https://evil.example").send().await.unwrap();
        assert_eq!(response.status(), 403, "{foreign}");
    }
}

async fn the_holder_of_the_link_changes_what_is_followed(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let s = confirmed(&app.services, MARA).await;
    let path = format!("/subscriptions/{}", manage_link(&app.services, &s));
    let dns = stage.component("DNS").await;
    let response = app.get(&path).await;
    assert_eq!(response.status(), 200);
    is_private(&response);
    let html = response.text().await.unwrap();
    let follows = "hears about planned maintenance, incidents, announcements and post-mortems.";
    assert!(html.contains(follows) && !html.contains(MARA), "{html}");
    assert_eq!(html.matches(" checked").count(), 4, "the usual topics, and no component, which is all: {html}");

    let response = app.post_form(&path, &[("zone", "America/New_York"), ("components", &dns)]).await;
    assert_eq!(response.status(), 200);
    is_private(&response);
    let html = response.text().await.unwrap();
    assert!(html.contains("Saved.") && html.contains("where they concern 1 component"), "{html}");
    assert!(html.contains("<option value=\"America/New_York\" selected>"), "{html}");
    let now = known(&app.services).await;
    assert_eq!((now.zone.as_str(), now.components.len()), ("America/New_York", 1));
    let fields = [("zone", "UTC"), ("topics", ""), ("topics", "incidents"), ("topics", "reports")];
    let html = app.post_form(&path, &fields).await.text().await.unwrap();
    assert!(html.contains("hears about incidents and monthly reports."), "{html}");
    let none = app.post_form(&path, &[("zone", "UTC"), ("topics", "")]).await;
    assert_eq!(none.status(), 422);
    assert!(none.text().await.unwrap().contains("Choose at least one. To hear nothing any more, unsubscribe."));
    app.post_form(&path, &[("zone", "America/New_York"), ("components", &dns)]).await;
    let now = known(&app.services).await;
    assert!(now.topics.has(Topic::Reports) && !now.topics.has(Topic::Maintenance), "who says nothing changes none");

    let wrong = app.post_form(&path, &[("zone", "Mars/Olympus"), ("components", &dns)]).await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("Choose a time zone from the list."));
    assert_eq!(known(&app.services).await, now);

    app.post_form(&path.replace("/subscriptions/", "/unsubscribe/"), &[]).await;
    assert!(app.get(&path).await.text().await.unwrap().contains("This subscription has ended"));
    assert_eq!(app.post_form(&path, &[("zone", "UTC")]).await.status(), 422);
    assert_eq!(app.get("/subscriptions/nonsense").await.status(), 404);
}

async fn nobody_learns_of_a_private_component_by_following_it(engine: Engine) {
    let app = TestApp::start(engine).await;
    let add = async |name: &str, is_private: bool| {
        let new = ComponentInput { name: name.to_owned(), is_private, ..ComponentInput::default() };
        app.services.add_component(&Actor::system(), new).await.unwrap().component
    };
    let (dns, bank) = (add("DNS", false).await, add("The bank", true).await);
    let nowhere = uuid::Uuid::nil().to_string();
    let mut said = Vec::new();
    for id in [&bank.id.to_string(), &nowhere] {
        let answer = ask(&app, &[("email", MARA), ("components", id)]).await;
        assert_eq!(answer.status(), 422);
        let html = answer.text().await.unwrap();
        assert!(html.contains("Choose components from the list.") && !html.contains("The bank"), "{html}");
        said.push(html.replace(id.as_str(), ""));
    }
    assert_eq!(said[0].matches("error").count(), said[1].matches("error").count());
    assert!(subscriber(&app.services, MARA).await.is_none());

    let mara = confirmed(&app.services, MARA).await;
    let link = manage_link(&app.services, &mara);
    let follow = async |ids: &[ComponentId]| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        app.services.change_subscription(None, &link, "UTC", &ids, &[]).await
    };
    assert!(follow(&[bank.id]).await.is_err());
    follow(&[dns.id]).await.unwrap();
    // A component that is taken from the page is followed on, and never makes of "one" all of them.
    let hide = ComponentInput { name: "DNS".to_owned(), is_private: true, ..ComponentInput::default() };
    app.services.edit_component(&Actor::system(), dns.id, dns.version, hide).await.unwrap();
    follow(&[]).await.unwrap();
    assert_eq!(known(&app.services).await.components, [dns.id]);
}

storage::on_both!(
    the_form_answers_every_address_alike,
    what_was_typed_is_kept_beside_what_is_wrong,
    programs_are_asked_again_or_fooled,
    only_the_button_confirms,
    a_confirmation_link_works_for_two_days,
    one_click_leaves_whoever_sends_it_and_however,
    the_holder_of_the_link_changes_what_is_followed,
    nobody_learns_of_a_private_component_by_following_it,
);
