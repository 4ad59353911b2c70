//! Whatever somebody types into an announcement, a post-mortem or an action item is text: on its page, in the admin
//! pages and in its mail (SEC-6).

use crate::post_mortems::over;
use crate::stage::Stage;
use crate::test_app::{TestApp, TestClient};
use domain::people::Role;
use reqwest::Response;
use service::announcements::AnnouncementInput;
use service::deliveries::DeliveriesQuery;
use service::keys::Purpose;
use service::post_mortems::ItemInput;
use service::subscribers::Subscribe;
use service::{Actor, Services};
use std::collections::BTreeSet;
use storage::testing::Engine;

/// Elements that run, load or restyle something, and of which our pages have none of their own.
const NEVER: [&str; 18] = [
    "img",
    "iframe",
    "object",
    "embed",
    "math",
    "style",
    "base",
    "video",
    "audio",
    "applet",
    "frame",
    "frameset",
    "layer",
    "bgsound",
    "marquee",
    "template",
    "foreignobject",
    "animate",
];

/// One start tag: its name and its attributes, as a browser reads them.
type Tag = (String, Vec<(String, String)>);

/// The start tags of a page. A browser reads attributes up to the first `>` outside quotes, and nothing inside of
/// scripts, styles, titles and text areas but their end.
fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let end =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len()).max(1);
            let key = rest[..end].to_ascii_lowercase();
            rest = rest[end..].trim_start();
            let mut value = String::new();
            if let Some(after) = rest.strip_prefix('=') {
                rest = after.trim_start();
                let (quote, body) = match rest.chars().next() {
                    Some(quote @ ('"' | '\'')) => (Some(quote), &rest[1..]),
                    _ => (None, rest),
                };
                let end = match quote {
                    Some(quote) => body.find(quote),
                    None => body.find(|c: char| c.is_whitespace() || c == '>'),
                };
                let end = end.unwrap_or(body.len());
                value = body[..end].to_owned();
                rest = body[end..].strip_prefix(['"', '\'']).filter(|_| quote.is_some()).unwrap_or(&body[end..]);
            }
            attributes.push((key, value));
        }
        found.push((name.clone(), attributes));
        if matches!(name.as_str(), "script" | "style" | "title" | "textarea") {
            let end = rest.to_ascii_lowercase().find(&format!("</{name}")).unwrap_or(rest.len());
            rest = &rest[end..];
        }
    }
    found
}

/// What a page would run or load because of what was typed.
#[track_caller]
fn inert(place: &str, html: &str, scripts: usize) {
    let tags = tags(html);
    assert!(tags.len() > 5, "{place} is no page: {html}");
    let count = tags.iter().filter(|(name, _)| name == "script").count();
    assert_eq!(count, scripts, "scripts in {place}");
    for (name, attributes) in &tags {
        assert!(!NEVER.contains(&name.as_str()), "<{name}> in {place}");
        for (key, value) in attributes {
            assert!(
                !key.starts_with("on") && key != "style" && key != "srcdoc",
                "{key}={value} in <{name}> of {place}"
            );
            let value: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
            let value = value.to_ascii_lowercase();
            let is_address = ["href", "src", "action", "formaction", "xlink:href", "data"].contains(&key.as_str());
            let bad =
                ["javascript:", "data:", "vbscript:", "&#", "java&"].iter().any(|scheme| value.starts_with(scheme));
            assert!(!is_address || !bad, "{key}={value} in <{name}> of {place}");
        }
    }
}

#[test]
fn the_reader_of_pages_sees_what_a_browser_would() {
    let found = tags(
        "<p title=\"a>b\" onclick=x><IMG SRC=javascript:x><textarea><b></textarea><script>\"<i>\"</script><u/x=1>",
    );
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["p", "img", "textarea", "script", "u"]);
    assert_eq!(found[0].1, [("title".to_owned(), "a>b".to_owned()), ("onclick".to_owned(), "x".to_owned())]);
    assert_eq!(found[1].1, [("src".to_owned(), "javascript:x".to_owned())]);
    assert!(std::panic::catch_unwind(|| inert("it", "<p><p><p><p><p><p><a href=' java\tscript:x'>", 0)).is_err());
    assert!(std::panic::catch_unwind(|| inert("it", "<p><p><p><p><p><p onload=x>", 0)).is_err());
}

fn payloads() -> Vec<String> {
    let text = include_str!("../../outbound/src/markdown/payloads.txt");
    let lines = text.lines().filter(|line| !line.is_empty());
    let payloads: Vec<String> = lines
        .map(|line| line.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\0", ""))
        .collect();
    assert!(payloads.len() >= 100);
    payloads
}

/// As much of it as fits into one line.
fn line(payload: &str) -> String {
    let line: String =
        payload.chars().filter(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')).take(118).collect();
    if line.trim().is_empty() { "x".to_owned() } else { line }
}

/// The same as Markdown, in all places where a link, a picture or a heading may stand.
fn markdown(payload: &str) -> String {
    let safe: String = payload.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    format!(
        "{safe}\n\n[link]({safe}) ![image]({safe}) [{safe}](https://example.org)\n\n# {safe}\n\n`{safe}`\n\n> {safe}\n\n- {safe}"
    )
}

async fn read(response: Response) -> String {
    assert_eq!(response.status(), 200, "{}", response.url());
    response.text().await.unwrap()
}

async fn confirmed(services: &Services, email: &str) {
    let ask = Subscribe {
        email: email.to_owned(),
        topics: ["announcements", "post_mortems", "action_items"].map(str::to_owned).to_vec(),
        ..Subscribe::default()
    };
    services.subscribe(None, ask).await.unwrap();
    let asked = services.db.read().await.unwrap().subscriber_by_email(email).await.unwrap().unwrap();
    let link = services.keys.link(Purpose::Confirm, asked.id.0, asked.token_version);
    services.confirm(None, &link).await.unwrap();
}

/// All mails that were told, as they would go; none has anything in it that runs.
async fn mails_are_inert(services: &Services, at_least: usize) {
    let system = Actor::system();
    let mut seen = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let query = DeliveriesQuery { cursor, ..DeliveriesQuery::default() };
        let page = services.deliveries(&system, &query).await.unwrap();
        for one in page.items {
            let letter = services.mail_to(&system, one.notification, one.subscriber).await.unwrap().letter.unwrap();
            // A mail brings its own styles; what was typed may bring nothing.
            let html = letter.html.replace(" style=", " data-style=");
            let end = html.find("</style>").map_or(0, |at| at + 8);
            inert(&letter.subject, &format!("<p><p><p><p><p><p>{}", &html[end..]), 0);
            assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
            seen.insert(one.notification);
        }
        match page.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert!(seen.len() >= at_least, "{}", seen.len());
}

/// How many scripts the pages of the team have by themselves.
async fn own_scripts(client: &TestClient) -> usize {
    tags(&read(client.get("/admin/announcements").await).await).iter().filter(|(name, _)| name == "script").count()
}

/// Some payloads with all their Markdown in one text.
fn chunks() -> Vec<(Vec<String>, String)> {
    let payloads = payloads();
    let chunk = |some: &[String]| {
        let text: Vec<String> = some.iter().map(|payload| markdown(payload)).collect();
        (some.to_vec(), text.join("\n\n---\n\n"))
    };
    payloads.chunks(10).map(chunk).collect()
}

#[tokio::test]
async fn announcements_are_text() {
    let app = TestApp::start_with_mail(Engine::Sqlite).await;
    let system = Actor::system();
    confirmed(&app.services, "ann@example.net").await;
    let admin = app.sign_in_as(Role::Admin).await;
    let own = own_scripts(&admin).await;
    let publish = async |title: &str, body: &str| {
        let input = AnnouncementInput {
            title: line(title),
            body: body.to_owned(),
            category: "security".to_owned(),
            banner_until: "2014-06-01T00:00".to_owned(),
            pinned: true,
            tells: true,
            ..AnnouncementInput::default()
        };
        let draft = app.services.draft_announcement(&system, &input).await.unwrap();
        app.services.publish_announcement(&system, draft.id, draft.version).await.unwrap()
    };
    for (payloads, text) in chunks() {
        let a = publish(&payloads[0], &text).await;
        let public = format!("/announcements/{}", a.slug);
        inert(&public, &read(app.get(&public).await).await, 0);
        for path in [format!("/admin/announcements/{}", a.id), format!("/admin/announcements/{}/edit", a.id)] {
            inert(&path, &read(admin.get(&path).await).await, own);
        }
        for payload in &payloads[1..] {
            publish(payload, &markdown(payload)).await;
        }
        let home = read(app.get("/").await).await;
        inert("/", &home, home.matches("<script").count().min(1));
        inert("the list", &read(admin.get("/admin/announcements").await).await, own);
    }
    for path in ["/announcements", "/announcements/month/2014-05", "/announcements/category/security"] {
        inert(path, &read(app.get(path).await).await, 0);
    }
    inert("the audit log", &read(admin.get("/admin/audit").await).await, own);
    mails_are_inert(&app.services, payloads().len()).await;
}

#[tokio::test]
async fn post_mortems_and_action_items_are_text() {
    let app = TestApp::start_with_mail(Engine::Sqlite).await;
    let stage = Stage::set(&app).await;
    let system = Actor::system();
    confirmed(&app.services, "ann@example.net").await;
    let admin = app.sign_in_as(Role::Admin).await;
    let own = own_scripts(&admin).await;
    for (payloads, text) in chunks() {
        stage.at("15 12:00");
        let incident = over(&app, &stage, &line(&payloads[0]), &text).await;
        let path = format!("/admin/incidents/{}/post-mortem", incident.id);
        inert("a text to begin with", &read(admin.get(&path).await).await, own);
        app.services.write_post_mortem(&system, incident.id, None, &text, false).await.unwrap();
        app.services.submit_post_mortem(&system, incident.id, 1).await.unwrap();
        let why: String = payloads.iter().map(|payload| line(payload)).collect::<Vec<_>>().join(" ");
        let why: String = why.chars().take(1_000).collect();
        let form = [("do", "send-back"), ("why", why.as_str()), ("version", "2")];
        assert_eq!(admin.post_form(&path, &form).await.status(), 303);
        inert("sent back", &read(admin.get(&path).await).await, own);
        app.services.submit_post_mortem(&system, incident.id, 3).await.unwrap();
        let mut items = Vec::new();
        for payload in &payloads {
            let line = line(payload);
            let link = format!("https://example.org/{}", line.replace(char::is_whitespace, ""));
            let input = ItemInput { title: line.clone(), owner: line, link, ..ItemInput::default() };
            items.push(app.services.add_action_item(&system, incident.id, &input).await.unwrap());
        }
        assert_eq!(admin.post_form(&path, &[("do", "approve"), ("version", "4")]).await.status(), 303);
        app.services.publish_post_mortem(&system, incident.id, 5).await.unwrap();
        for item in &items {
            app.services.put_action_item(&system, item.id, 1, "dropped", &why).await.unwrap();
        }
        let public = format!("/incidents/{}/post-mortem", incident.id);
        inert(&public, &read(app.get(&public).await).await, 0);
        for path in [path, format!("/admin/action-items/{}", items[0].id)] {
            inert(&path, &read(admin.get(&path).await).await, own);
        }
    }
    inert("all items", &read(admin.get("/admin/action-items?show=all").await).await, own);
    inert("what needs me", &read(admin.get("/admin").await).await, own);
    mails_are_inert(&app.services, 2 * chunks().len()).await;
}
