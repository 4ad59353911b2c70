//! Subscribers and deliveries, as the team sees them.

use crate::stage::Stage;
use crate::test_app::{TestApp, TestClient};
use domain::people::Role;
use domain::subscriber::Subscriber;
use reqwest::Response;
use service::deliveries::DeliveriesQuery;
use service::keys::Purpose;
use service::subscribers::Subscribe;
use service::{Actor, Services};
use storage::outbox::{DeliveryFilter, Done};
use storage::testing::Engine;

const MARA: &str = "mara@example.net";

async fn ask(services: &Services, email: &str) -> Subscriber {
    services.subscribe(None, Subscribe { email: email.to_owned(), ..Subscribe::default() }).await.unwrap();
    services.db.read().await.unwrap().subscriber_by_email(email).await.unwrap().unwrap()
}

async fn confirmed(services: &Services, email: &str) -> Subscriber {
    let s = ask(services, email).await;
    let link = services.keys.link(Purpose::Confirm, s.id.0, s.token_version);
    services.confirm(None, &link).await.unwrap().subscriber
}

/// Until the server's worker has looked at every mail: without a mail server it keeps them.
async fn until_kept(services: &Services) {
    while services.db.read().await.unwrap().next_delivery_at().await.unwrap().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The page's own words, without the markers between pieces.
async fn shown(client: &TestClient, path: &str) -> String {
    let page = client.get(path).await;
    assert_eq!(page.status(), 200, "{path}");
    words(page).await
}

async fn words(page: Response) -> String {
    page.text().await.unwrap().replace("<!>", "")
}

fn led_to(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The address of the newest mail.
async fn newest(services: &Services) -> String {
    let page = services.deliveries(&Actor::system(), &DeliveriesQuery::default()).await.unwrap();
    format!("/admin/deliveries/{}/{}", page.items[0].notification, page.items[0].subscriber)
}

async fn without_a_mail_server_the_admin_reads_what_would_have_gone(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let html = shown(&admin, "/admin/deliveries").await;
    assert!(html.contains("No mail leaves") && html.contains("No mail yet"), "{html}");
    let mara = ask(&app.services, MARA).await;
    until_kept(&app.services).await;
    let html = shown(&admin, "/admin/deliveries?state=unsent").await;
    assert!(html.contains("No mail leaves") && html.contains("Would have gone") && html.contains(MARA), "{html}");
    let path = newest(&app.services).await;
    assert!(html.contains(&format!("href=\"{path}\"")), "{html}");

    let html = shown(&admin, &path).await;
    let link = app.services.keys.link(Purpose::Confirm, mara.id.0, mara.token_version);
    let link = app.services.url(&format!("/subscribe/confirm/{link}"));
    assert!(html.contains(&link), "the reader's own link: {html}");
    assert!(html.contains("[Northwind Hosting] Confirm your subscription"), "{html}");
    assert!(html.contains("No mail server is configured, so no mail can be sent."), "{html}");
    assert!(!html.contains("Send again</button>"), "{html}");

    let refused = admin.post_form(&path, &[("do", "send")]).await;
    assert_eq!(refused.status(), 422);
    assert!(words(refused).await.contains("No mail server is configured"));
    app.services.confirm(None, link.rsplit('/').next().unwrap()).await.unwrap();
    let start = shown(&admin, "/admin").await;
    assert!(
        start.contains("No mail server is configured") && start.contains("1 confirmed subscriber hears"),
        "{start}"
    );
}

/// A header with its folded lines.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

async fn a_mail_is_saved_as_a_file_that_mail_programs_open(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let stage = Stage::set(&app).await;
    confirmed(&app.services, MARA).await;
    stage.thursday().await;
    let path = newest(&app.services).await;
    let html = shown(&admin, &path).await;
    assert!(html.contains(&format!("href=\"{path}/mail.eml\"")) && html.contains("maintenance.ics"), "{html}");

    let file = admin.get(&format!("{path}/mail.eml")).await;
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["content-type"], "message/rfc822");
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"mail.eml\"");
    assert_eq!(file.headers()["cache-control"], "no-store");
    let raw = file.text().await.unwrap();
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    assert_eq!(header(head, "To"), MARA);
    assert_eq!(header(head, "Subject"), "[Northwind Hosting] Replace a failed disk in vm3 (M-1)");
    assert!(html.contains(header(head, "Message-ID").trim_matches(['<', '>'])), "{head}");
    let boundary = head.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4, "a preamble, the texts, the calendar and the end: {body}");
    assert!(parts[1].contains("multipart/alternative") && parts[2].contains("filename=\"maintenance.ics\""));

    let nobody = app.stranger().get(&format!("{path}/mail.eml")).await;
    assert!(led_to(&nobody).starts_with("/sign-in?next=%2Fadmin%2Fdeliveries%2F"));
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("{path}/mail.eml")).await.status(), 403);
    let other = format!("{}/mail.eml", path.replace(&path[path.len() - 4..], "0000"));
    assert_eq!(admin.get(&other).await.status(), 404);
    assert_eq!(admin.get("/admin/deliveries/x/y/mail.eml").await.status(), 404);
}

async fn a_failed_mail_is_found_and_what_waits_for_somebody_is_counted(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (admin, viewer) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Viewer).await);
    let stage = Stage::set(&app).await;
    confirmed(&app.services, MARA).await;
    stage.thursday().await;
    until_kept(&app.services).await;
    let mut tx = app.services.db.write().await.unwrap();
    let now = app.services.now();
    for kept in tx.deliveries_before(None, DeliveryFilter::Dropped, 9).await.unwrap() {
        tx.queue_again(kept.notification, kept.subscriber, now).await.unwrap();
        let error = "550 <mara@example.net>: mailbox unavailable".to_owned();
        tx.finish_delivery(kept.notification, kept.subscriber, now, &Done::Failed { error }).await.unwrap();
    }
    tx.commit().await.unwrap();

    let html = shown(&viewer, "/admin/deliveries?state=failed").await;
    assert!(html.contains("m***@example.net") && !html.contains(MARA), "{html}");
    assert!(html.contains("mailbox unavailable") && html.contains("M-1 Replace a failed disk in vm3"), "{html}");
    assert!(html.contains("2<span class=\"vh\"> not going out"), "the navigation counts them: {html}");
    assert!(!html.contains(">Read<span"), "nothing leads a viewer to a mail: {html}");
    assert!(shown(&viewer, "/admin").await.contains("2 mails failed"));
    assert!(shown(&viewer, "/admin/deliveries?state=sent").await.contains("No such mail"));
    assert_eq!(admin.get("/admin/deliveries?state=gone").await.status(), 422);
    let html = shown(&admin, "/admin/deliveries?state=failed").await;
    assert!(html.contains(MARA) && html.contains(">Read<span"), "{html}");
}

async fn a_subscriber_is_found_and_forgotten(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (admin, viewer) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Viewer).await);
    assert!(shown(&viewer, "/admin/subscribers").await.contains("Nobody has subscribed yet"));
    let stage = Stage::set(&app).await;
    let mara = confirmed(&app.services, MARA).await;
    let link = app.services.keys.link(Purpose::Manage, mara.id.0, mara.token_version);
    let dns = stage.component("DNS").await;
    app.services.change_subscription(None, &link, "Asia/Tokyo", &[dns], &[]).await.unwrap();
    ask(&app.services, "lea@example.org").await;

    let html = shown(&admin, "/admin/subscribers?part=MARA%40").await;
    assert!(html.contains(MARA) && html.contains("DNS") && html.contains("Asia/Tokyo"), "{html}");
    assert!(!html.contains("lea@example.org"), "{html}");
    assert!(html.contains("value=\"MARA@\""), "what was looked for stays in the field: {html}");
    let html = shown(&admin, "/admin/subscribers?state=pending").await;
    assert!(html.contains("lea@example.org") && !html.contains(MARA) && html.contains("Everything"), "{html}");
    let html = shown(&viewer, "/admin/subscribers").await;
    assert!(html.contains("m***@example.net") && !html.contains(MARA) && !html.contains("name=\"part\""), "{html}");
    assert_eq!(viewer.get("/admin/subscribers?part=mara").await.status(), 403);

    let path = format!("/admin/subscribers/{}", mara.id);
    let html = shown(&viewer, &path).await;
    assert!(html.contains("Confirm your subscription") && !html.contains("Forget"), "{html}");
    let html = shown(&admin, &path).await;
    let press = html.find("Forget for good").unwrap();
    assert!(html[..press].rfind("<details").unwrap() > html[..press].rfind("</details>").unwrap_or(0), "{html}");
    let answer = admin.post_form(&path, &[("do", "forget")]).await;
    assert_eq!(led_to(&answer), "/admin/subscribers?done=forgotten");
    assert!(shown(&admin, "/admin/subscribers?done=forgotten").await.contains("The subscriber is forgotten"));
    assert_eq!(admin.get(&path).await.status(), 404);
    assert!(!shown(&admin, "/admin/deliveries").await.contains(MARA));
}

async fn a_kept_mail_can_be_sent_once_there_is_a_server(engine: Engine) {
    let app = TestApp::start_with_mail(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    ask(&app.services, MARA).await;
    until_kept(&app.services).await;
    let path = newest(&app.services).await;
    assert!(shown(&admin, &path).await.contains("Send again</button>"));
    let answer = admin.post_form(&path, &[("do", "send")]).await;
    assert_eq!(led_to(&answer), format!("{path}?done=queued"));
    assert!(shown(&admin, &format!("{path}?done=queued")).await.contains("The mail waits to be sent again."));
    let log = shown(&admin, "/admin/audit?object=mail").await;
    assert!(log.contains("mail.send_again") && !log.contains(MARA), "{log}");
}

storage::on_both!(
    without_a_mail_server_the_admin_reads_what_would_have_gone,
    a_mail_is_saved_as_a_file_that_mail_programs_open,
    a_failed_mail_is_found_and_what_waits_for_somebody_is_counted,
    a_subscriber_is_found_and_forgotten,
    a_kept_mail_can_be_sent_once_there_is_a_server,
);
