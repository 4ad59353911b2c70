//! Forms that change what colleagues change, too: whoever is too late learns it before anything is replaced.

use crate::stage::Stage;
use crate::test_app::{TestApp, TestClient, carried, read_json, read_plain};
use domain::people::{Role, Scope};
use reqwest::{Method, Response};
use serde_json::Value;
use service::Actor;
use service::incidents::IncidentQuery;
use service::inventory::HostInput;
use storage::testing::Engine;

/// A version that was never stored.
const READ: &str = "77";

async fn text(answer: Response) -> String {
    answer.text().await.unwrap().replace("<!>", "").replace("&#x27;", "'")
}

/// Sends a form that makes something, and gives back its page.
async fn made(client: &TestClient, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = client.post_form(path, fields).await;
    assert_eq!(answer.status(), 303, "{path} {fields:?}");
    answer.headers()["location"].to_str().unwrap().split('?').next().unwrap().to_owned()
}

/// The first address below a folder that a list leads to.
async fn first(client: &TestClient, list: &str, folder: &str) -> String {
    let html = text(client.get(list).await).await;
    let before = format!("href=\"{folder}/");
    let mut ids = html.split(before.as_str()).skip(1).filter_map(|rest| rest.split(['"', '?', '#']).next());
    let id = ids.find(|id| id.parse::<uuid::Uuid>().is_ok());
    format!("{folder}/{}", id.unwrap_or_else(|| panic!("{list}: {html}")))
}

/// One of everything that has a form.
struct All {
    host: String,
    job: String,
    data_set: String,
    component: String,
    group: String,
    person: String,
    planned: String,
    running: String,
    correction: String,
    announcement: String,
    published: String,
    template: String,
    metric: String,
    figure: String,
    redundancy: String,
    freeze: String,
    rule: String,
    series: String,
    window: String,
    draft: String,
    incident: String,
    item: String,
}

impl All {
    async fn make(app: &TestApp, admin: &TestClient) -> Self {
        let stage = Stage::set(app).await;
        let system = Actor::system();
        let vm4 = HostInput { name: "vm4".to_owned(), ..HostInput::default() };
        let vm4 = app.services.add_host(&system, vm4).await.unwrap().id.to_string();
        let (vm3, dns) = (stage.vm3.to_string(), stage.component("DNS").await);
        let job = format!("/admin/jobs/{}", stage.image);
        let trigger = service::triggers::TriggerInput {
            url: "https://backup.example.org/run".to_owned(),
            ..service::triggers::TriggerInput::default()
        };
        app.services.set_trigger(&system, stage.image, None, &trigger, false).await.unwrap();
        let drill = |at: &'static str| {
            [
                ("host", vm3.clone()),
                ("planned_at", at.to_owned()),
                ("who", "Ada".to_owned()),
                ("status", "planned".to_owned()),
            ]
        };
        let drills = async |at| {
            let fields = drill(at);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            made(admin, "/admin/drills/new", &fields).await
        };
        let (planned, running) = (drills("2014-05-16T15:00").await, drills("2014-05-15T13:00").await);
        made(admin, &running, &[("do", "start"), ("version", "1")]).await;
        let correction = [
            ("component", dns.as_str()),
            ("from", "2014-05-15 10:00"),
            ("to", "2014-05-15 11:00"),
            ("state", "operational"),
            ("reason", "It was so."),
        ];
        made(admin, "/admin/corrections/new", &correction).await;
        let news = [("title", "News"), ("body", "New."), ("category", "changelog"), ("zone", "Europe/Dublin")];
        let announcement = made(admin, "/admin/announcements/new", &news).await;
        let published = made(admin, "/admin/announcements/new", &news).await;
        made(admin, &published, &[("do", "publish"), ("version", "1")]).await;
        made(admin, "/admin/templates/examples", &[]).await;
        let metric = [("name", "Queue"), ("slug", "queue"), ("aggregate", "max")];
        let metric = made(admin, "/admin/metrics/new", &metric).await;
        let figure = [("name", "Servers"), ("better", "up"), ("aggregate", "last")];
        made(admin, "/admin/report-figures/new", &figure).await;
        let hosts = [("name", "VM hosts"), ("hosts", vm3.as_str()), ("hosts", vm4.as_str()), ("force", "")];
        made(admin, "/admin/redundancy/new", &hosts).await;
        let freeze = service::conflicts::FreezeInput {
            name: "Elections".to_owned(),
            zone: "Europe/Dublin".to_owned(),
            start: "2014-06-15T00:00".to_owned(),
            end: "2014-06-16T00:00".to_owned(),
            whole_site: true,
            force: "warn".to_owned(),
            ..service::conflicts::FreezeInput::default()
        };
        app.services.add_freeze(&system, &freeze).await.unwrap();
        let rule = [("name", "Web"), ("labels", "team=web"), ("action", "draft"), ("resolution", "propose")];
        made(admin, "/admin/alerts/rules/new", &rule).await;
        let series = [
            ("title", "Updates"),
            ("part", "scope"),
            ("components", dns.as_str()),
            ("repeat", "weekly"),
            ("every", "1"),
            ("days", "TU"),
            ("ends", "never"),
            ("start", "2014-05-20T02:00"),
            ("length", "2 h"),
            ("zone", "Europe/Berlin"),
            ("gap", "move"),
            ("fold", "earlier"),
            ("may_wait", "1 h"),
            ("auto_start", "on"),
            ("message", "Soon."),
            ("do", "create"),
        ];
        let series = made(admin, "/admin/series/new", &series).await;
        let window = stage.thursday().await.id;
        let report = [("title", "Gone"), ("body", "We look."), ("do", "draft")];
        let draft = made(admin, "/admin/incidents/new", &report).await;
        let report = [("title", "Gone"), ("body", "We look."), ("do", "publish")];
        let incident = made(admin, "/admin/incidents/new", &report).await;
        let after = format!("{incident}/post-mortem");
        made(admin, &after, &[("do", "save"), ("body", "A disk."), ("version", "0")]).await;
        let item = [("do", "add-item"), ("title", "Buy disks"), ("owner", "Ada"), ("due", "2014-06-01")];
        made(admin, &after, &item).await;
        app.sign_in_as(Role::Viewer).await;
        Self {
            host: format!("/admin/hosts/{vm3}"),
            job: job.clone(),
            data_set: first(admin, &job, "/admin/data-sets").await,
            component: format!("/admin/components/{dns}"),
            group: first(admin, "/admin/components", "/admin/component-groups").await,
            person: first(admin, "/admin/people", "/admin/people").await,
            planned,
            running,
            correction: first(admin, "/admin/corrections", "/admin/corrections").await,
            announcement,
            published,
            template: first(admin, "/admin/templates", "/admin/templates").await,
            metric,
            figure: first(admin, "/admin/report-figures", "/admin/report-figures").await,
            redundancy: first(admin, "/admin/redundancy", "/admin/redundancy").await,
            freeze: first(admin, "/admin/freezes", "/admin/freezes").await,
            rule: first(admin, "/admin/alerts/rules", "/admin/alerts/rules").await,
            series,
            window: format!("/admin/maintenances/{window}"),
            draft,
            incident,
            item: first(admin, &after, "/admin/action-items").await,
        }
    }
}

/// Forms that can not be taken as they are, each made from a version that is not the stored one.
fn wrong(all: &All) -> Vec<(String, Vec<(&'static str, String)>)> {
    let at = |path: &str, rest: &str, fields: &[(&'static str, &str)]| {
        (format!("{path}{rest}"), fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let endless = "x".repeat(9999);
    vec![
        at(&all.host, "", &[("name", "")]),
        at(&all.host, "/exemption", &[("reason", "")]),
        at(&all.host, "/policy", &[("schedule_max_age", "soon")]),
        at(&all.job, "", &[("name", "")]),
        at(&all.job, "/trigger", &[("url", "nowhere")]),
        at(&all.data_set, "", &[("name", ""), ("kind", "files")]),
        at(&all.component, "", &[("name", ""), ("slug", "dns")]),
        at(&all.group, "", &[("name", "")]),
        at(&all.person, "", &[("do", "save"), ("name", ""), ("email", "x"), ("role", "viewer")]),
        at(&all.planned, "", &[("do", "start"), ("started_at", "soon")]),
        at(&all.planned, "", &[("do", "abandon"), ("note", "")]),
        at(&all.running, "", &[("do", "finish"), ("status", "failed"), ("bytes", "many")]),
        at(&all.correction, "", &[("why", " ")]),
        at(&all.announcement, "/edit", &[("do", "save"), ("title", ""), ("body", "x"), ("category", "changelog")]),
        at(&all.announcement, "", &[("do", "schedule"), ("publish_at", "soon"), ("zone", "Europe/Dublin")]),
        at(&all.published, "", &[("do", "withdraw"), ("why", &endless)]),
        at("/admin/settings", "", &[("name", ""), ("zone", "Europe/Dublin")]),
        at(&all.template, "", &[("name", ""), ("body", "x")]),
        at(&all.metric, "", &[("do", "save"), ("name", ""), ("aggregate", "max")]),
        at(&all.figure, "", &[("do", "save"), ("name", ""), ("aggregate", "last")]),
        at(&all.redundancy, "", &[("do", "save"), ("name", ""), ("force", "")]),
        at("/admin/redundancy", "", &[("redundancy", "perhaps")]),
        at(&all.freeze, "", &[("do", "save"), ("name", ""), ("force", "x")]),
        at(&all.rule, "", &[("do", "save"), ("name", ""), ("action", "x")]),
        at("/admin/alerts/rules", "", &[("host", "a b c"), ("cause", "x y")]),
        at(&all.series, "/edit", &[("do", "check"), ("title", "")]),
        at(&all.window, "/edit", &[("do", "check"), ("title", "")]),
        at(&all.window, "", &[("do", "extend"), ("by", "soon")]),
        at(&all.draft, "/edit", &[("do", "draft"), ("title", ""), ("body", "x")]),
        at(&all.incident, "", &[("do", "say"), ("state", "identified"), ("body", "")]),
        at(&all.incident, "", &[("do", "edit"), ("title", "")]),
        at(&all.incident, "", &[("do", "times"), ("started_at", "soon"), ("was-started_at", "x")]),
        at(&all.incident, "/post-mortem", &[("do", "save"), ("body", "")]),
        at(&all.item, "", &[("do", "save"), ("title", ""), ("owner", "Ada")]),
        at(&all.item, "", &[("do", "put"), ("state", "dropped"), ("why", "")]),
        at("/admin/reports/2014-04", "", &[("do", "correct"), ("why", "")]),
    ]
}

async fn no_form_forgets_what_it_was_made_from(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let all = All::make(&app, &admin).await;
    app.services.freeze_report(&Actor::system(), "2014-04").await.unwrap();
    let kept = format!("name=\"version\" value=\"{READ}\"");
    let mut silent = Vec::new();
    for (path, fields) in wrong(&all) {
        let mut sent: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sent.push(("version", READ));
        let answer = admin.post_form(&path, &sent).await;
        let status = answer.status().as_u16();
        assert!([200, 409, 422].contains(&status), "{path} {fields:?}: {status}");
        let html = text(answer).await;
        let is_told = html.contains("meanwhile");
        if html.contains(&kept) == is_told {
            silent.push((path, format!("{fields:.99?}"), status));
        }
    }
    assert!(silent.is_empty(), "the next press would replace what somebody else wrote: {silent:#?}");
}

async fn who_only_pressed_a_button_is_not_told_of_what_was_typed(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let all = All::make(&app, &admin).await;
    let presses = [
        (format!("{}/retire", all.host), ""),
        (format!("{}/delete", all.host), ""),
        (format!("{}/retire", all.job), ""),
        (format!("{}/rotate", all.job), ""),
        (format!("{}/retire", all.data_set), ""),
        (format!("{}/retire", all.template), ""),
        (format!("{}/delete", all.group), ""),
        (all.freeze.clone(), "delete"),
        (all.redundancy.clone(), "delete"),
        (all.rule.clone(), "delete"),
        (all.metric.clone(), "retire"),
        (all.figure.clone(), "retire"),
        (all.announcement.clone(), "publish"),
        (all.draft.clone(), "discard"),
        (all.item.clone(), "delete"),
    ];
    for (path, what) in presses {
        let html = text(admin.post_form(&path, &[("do", what), ("version", READ)]).await).await;
        let said = "meanwhile. Nothing was done: this is how it stands now. Press again to do it all the same.";
        assert!(html.contains(said), "{path} {what}: {html}");
        assert!(!html.contains("what you typed") && !html.contains("Saving again"), "{path} {what}: {html}");
        assert!(!html.contains("Posted meanwhile by others"), "{path} {what}: {html}");
    }
    let typed = [("version", READ), ("name", "vm33")];
    let html = text(admin.post_form(&all.host, &typed).await).await;
    assert!(html.contains("what you typed is still here") && html.contains("value=\"vm33\""), "{html}");
}

async fn who_may_not_do_it_learns_who_may(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (viewer, operator) = (app.sign_in_as(Role::Viewer).await, app.sign_in_as(Role::Operator).await);
    let sent = viewer.post_form("/admin/incidents/new", &[("title", "Gone"), ("do", "publish")]).await;
    assert_eq!(sent.status(), 403);
    let html = text(sent).await;
    let told = "Nothing was changed. It takes the role Operator or a higher one. Ask an administrator for it.";
    assert!(html.contains("<h1>You may not do this</h1>") && html.contains(told), "{html}");
    let sent = operator.post_form("/admin/settings", &[("name", "x"), ("version", "1")]).await;
    assert!(text(sent).await.contains("It takes the role Admin. Ask an administrator for it."));
    let looked = text(viewer.get("/admin/audit").await).await;
    assert!(looked.contains("You may not see this") && looked.contains("It takes the role Approver or a higher one."));
    let token = app.with_token(&app.token(&[domain::people::Scope::Read]).await);
    let sent = token.send_json(reqwest::Method::POST, "/api/v1/incidents", &serde_json::json!({"title": "x"})).await;
    assert_eq!(
        (sent.status().as_u16(), &sent.json::<Value>().await.unwrap()["code"]),
        (403, &serde_json::json!("forbidden"))
    );
}

async fn a_date_that_is_long_ago_is_asked_back_and_times_are_mended(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let field = format!("c.{}", stage.component("DNS").await);
    let report = |answer: &'static str| {
        [
            ("title", "Gone"),
            (field.as_str(), "major_outage"),
            ("started_at", "2014-04-15 12:00"),
            ("began_long_ago", answer),
            ("body", "We look."),
            ("do", "publish"),
        ]
    };
    let asked = operator.post_form("/admin/incidents/new", &report("")).await;
    assert_eq!(asked.status(), 422);
    let html = text(asked).await;
    assert!(html.contains("Did it begin so long ago?") && html.contains("That is 30 days 1 hour ago."), "{html}");
    assert!(html.contains("name=\"began_long_ago\" value=\"yes\"") && html.contains("2014-04-15 12:00"), "{html}");
    let here = made(&operator, "/admin/incidents/new", &report("yes")).await;
    let page = text(operator.get(&here).await).await;
    assert!(page.contains("Mend its times") && page.contains("value=\"2014-04-15 12:00:00\""), "{page}");
    let left = [("started_at", "2014-04-15 12:00:00"), ("was-started_at", "2014-04-15 12:00:00")];
    let left = [left.as_slice(), &[("version", "1"), ("do", "times")]].concat();
    assert_eq!(made(&operator, &here, &left).await, here, "nothing was typed: nothing moves");
    let typed = [("started_at", "2014-05-15 12:30"), ("was-started_at", "2014-04-15 12:00:00")];
    let typed = [typed.as_slice(), &[("version", "1"), ("do", "times")]].concat();
    let mended = operator.post_form(&here, &typed).await;
    assert_eq!(mended.headers()["location"].to_str().unwrap(), format!("{here}?done=edited"));
    let page = text(operator.get(&here).await).await;
    assert!(page.contains("Thu 15 May 2014, 12:30") && !page.contains("15 Apr"), "{page}");
    assert_eq!(operator.post_form(&here, &typed).await.status(), 409, "that was version 1");
    let ahead = [("started_at", "2014-05-15 14:30"), ("was-started_at", "x"), ("version", "2"), ("do", "times")];
    let html = text(operator.post_form(&here, &ahead).await).await;
    assert!(html.contains("The start lies in the future.") && html.contains("href=\"#mend-started_at\""), "{html}");

    let api = app.with_token(&app.token(&[domain::people::Scope::IncidentWrite]).await);
    let one = here.replace("/admin/", "/api/v1/");
    let send = async |body: Value| {
        let answer = api.send_json(reqwest::Method::PATCH, &one, &body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, mended) = send(serde_json::json!({"version": 2, "started_at": "2014-05-15T11:00:00Z"})).await;
    assert_eq!((status, &mended["started_at"]), (200, &serde_json::json!("2014-05-15T11:00:00Z")));
    let (status, wrong) = send(serde_json::json!({"version": 3, "resolved_at": "2014-05-15T11:30:00Z"})).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (422, &serde_json::json!("resolved_at")));
    let long_ago = serde_json::json!({"title": "x", "body": "x", "started_at": "2014-04-15T11:00:00Z"});
    let asked = api.send_json(reqwest::Method::POST, "/api/v1/incidents", &long_ago).await;
    assert_eq!(asked.status(), 422);
    assert_eq!(asked.json::<Value>().await.unwrap()["errors"][0]["field"], "began_long_ago");
}

/// The value that a field of the page carries, the first by this name.
async fn times_that_nobody_typed_follow_what_others_have_stored(engine: Engine) {
    let app = TestApp::start(engine).await;
    Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let report = [("title", "Gone"), ("started_at", "2014-05-15 10:00"), ("body", "We look."), ("do", "publish")];
    let here = made(&operator, "/admin/incidents/new", &report).await;
    made(&operator, &here, &[("do", "say"), ("state", "resolved"), ("body", "Back."), ("version", "1")]).await;
    let (began, over) = (("was-started_at", "2014-05-15 10:00:00"), ("was-resolved_at", "2014-05-15 13:00:00"));
    let form = |started: &'static str, resolved: &'static str| {
        [began, over, ("started_at", started), ("resolved_at", resolved), ("version", "2"), ("do", "times")]
    };
    made(&operator, &here, &form("2014-05-15 10:00:00", "2014-05-15 12:30")).await;
    let late = operator.post_form(&here, &form("2014-05-15 09:45", "2014-05-15 13:00:00")).await;
    assert_eq!(late.status(), 409);
    let page = text(late).await;
    let mine = page.split("Mend its times").nth(1).unwrap();
    assert!(mine.contains("Stored now: 2014-05-15 10:00:00") && !mine.contains("Stored now: 2014-05-15 12"), "{mine}");
    let fields = ["started_at", "resolved_at", "was-started_at", "was-resolved_at", "version"];
    let values = fields.map(|name| carried(mine, name));
    assert_eq!(
        values.each_ref().map(String::as_str),
        ["2014-05-15 09:45", "2014-05-15 12:30:00", "2014-05-15 10:00:00", "2014-05-15 12:30:00", "3"]
    );
    let again: Vec<(&str, &str)> = fields.into_iter().zip(values.iter().map(String::as_str)).collect();
    made(&operator, &here, &[again.as_slice(), &[("do", "times")]].concat()).await;
    let page = text(operator.get(&here).await).await;
    let kept = ["started_at", "resolved_at"].map(|name| carried(page.split("Mend its times").nth(1).unwrap(), name));
    assert_eq!(kept, ["2014-05-15 09:45:00", "2014-05-15 12:30:00"]);

    let asked = [("started_at", "2014-05-12 10:00"), ("was-started_at", "2014-05-15 09:45:00"), ("version", "4")];
    let sent = operator.post_form(&here, &[asked.as_slice(), &[("do", "times")]].concat()).await;
    assert_eq!(sent.status(), 422);
    let page = text(sent).await;
    assert!(page.contains("Did it begin so long ago?") && page.contains("before the start it has now."), "{page}");
    assert!(page.contains("href=\"#mend-started_at\"") && page.contains("value=\"2014-05-12 10:00\""), "{page}");
    made(&operator, &here, &[asked.as_slice(), &[("began_long_ago", "yes"), ("do", "times")]].concat()).await;
}

async fn an_old_form_of_a_draft_comes_back_where_the_incident_is_published(engine: Engine) {
    let app = TestApp::start(engine).await;
    Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let report = [("title", "Gone"), ("body", "We look."), ("do", "draft")];
    let here = made(&operator, "/admin/incidents/new", &report).await;
    let edit = format!("{here}/edit");
    made(&operator, &edit, &[("title", "Gone"), ("body", "We look."), ("version", "1"), ("do", "publish")]).await;
    let old = |version: &'static str| [("title", "Mine"), ("body", "Typed."), ("version", version), ("do", "draft")];
    let late = operator.post_form(&edit, &old("1")).await;
    assert_eq!(late.status(), 409);
    let version = carried(&text(late).await, "version");
    let again = [&old("")[..2], &[("version", version.as_str()), ("do", "draft")]].concat();
    let again = operator.post_form(&edit, &again).await;
    assert_eq!(again.status(), 422);
    let page = text(again).await;
    assert!(page.contains("I-1 is being investigated and no draft any more, so nothing was saved."), "{page}");
    assert!(page.contains("value=\"Mine\"") && page.contains(">Typed.</textarea>"), "{page}");
    let now = text(operator.get(&here).await).await;
    assert!(now.contains("I-1 Gone") && !now.contains("Mine"), "{now}");
}

async fn what_was_typed_is_not_lost_with_the_database(engine: Engine) {
    let mut app = TestApp::start(engine).await;
    let form = text(app.get("/subscribe").await).await;
    let stamp = carried(&form, "form");
    app.services.clock.set(domain::time::Span::minutes(1).after(app.services.now()));
    app.db.stop().await;
    let typed = [("form", stamp.as_str()), ("email", "mara@example.net"), ("zone", "UTC"), ("topics", "incidents")];
    let sent = app.post_form("/subscribe?tz=UTC", &typed).await;
    assert_eq!(sent.status(), 503);
    let page = text(sent).await;
    assert!(page.contains("This could not be saved just now") && page.contains("Send again"), "{page}");
    assert!(page.contains("method=\"post\"") && page.contains("action=\"/subscribe?tz=UTC\""), "{page}");
    for (name, value) in typed {
        assert_eq!(carried(&page, name), value);
    }
}

async fn what_was_typed_outlives_the_session(engine: Engine) {
    let app = TestApp::start(engine).await;
    Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    app.services.clock.set(domain::time::Span::hours(9).after(app.services.now()));
    let place = "/admin/incidents/new";
    let typed = [("title", "Gone \"now\""), ("body", "A disk.\r\n<died>"), ("do", "publish")];
    let sent = operator.post_form(place, &typed).await;
    assert_eq!(sent.status(), 401);
    let (_, page) = read_plain(sent).await;
    assert!(page.contains("You were signed out") && page.contains("href=\"/sign-in\""), "{page}");
    assert!(page.contains(&format!("action=\"{place}\"")), "{page}");
    for (name, value) in typed {
        assert!(page.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{name}: {page}");
    }
    let none = app.services.list_incidents(&Actor::system(), &IncidentQuery::default()).await.unwrap();
    assert!(none.items.is_empty());
    let here = made(&app.sign_in_as(Role::Operator).await, place, &typed).await;
    assert!(here.starts_with("/admin/incidents/"), "{here}");
    // Where nothing was typed, or what no page may show, signing in is what there is to do.
    for (place, form) in [
        (here.as_str(), &[("do", "discard"), ("version", "1")][..]),
        ("/admin/account", &[("current", "hunter2"), ("password", "hunter2"), ("again", "hunter2")][..]),
    ] {
        let sent = operator.post_form(place, form).await;
        assert_eq!(sent.status(), 303, "{place}");
        assert!(sent.headers()["location"].to_str().unwrap().starts_with("/sign-in?next="), "{place}");
    }
}

async fn what_the_team_typed_is_not_lost_with_the_database(engine: Engine) {
    let mut app = TestApp::start(engine).await;
    Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let token = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    app.db.stop().await;
    let place = "/admin/incidents/new?maintenance=x";
    let typed = [("title", "Gone \"now\""), ("body", "A disk.\r\n<died>"), ("c.1", ""), ("do", "publish")];
    let sent = operator.post_form(place, &typed).await;
    assert_eq!(sent.status(), 503);
    assert!(sent.headers().contains_key("retry-after"));
    let (_, page) = read_plain(sent).await;
    assert!(page.contains("This could not be saved just now") && page.contains("Send again"), "{page}");
    assert!(page.contains("method=\"post\"") && page.contains(&format!("action=\"{place}\"")), "{page}");
    for (name, value) in typed {
        assert!(page.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{name}: {page}");
    }

    let secret = [("current", "hunter2"), ("password", "hunter2"), ("again", "hunter2")];
    let sent = operator.post_form("/admin/account", &secret).await;
    assert_eq!(sent.status(), 503);
    let page = text(sent).await;
    assert!(page.contains("your browser has what you typed") && !page.contains("hunter2"), "{page}");

    let foreign = operator.http.post(format!("{}{place}", app.base)).header("sec-fetch-site", "cross-site");
    let foreign = foreign.form(&typed).send().await.unwrap();
    assert_eq!(foreign.status(), 403, "who sends it again still does so from our own page");

    let shown = operator.get("/admin/incidents").await;
    assert_eq!(shown.status(), 503);
    let page = text(shown).await;
    assert!(page.contains("This does not work just now") && !page.contains("Send again"), "{page}");

    let body = serde_json::json!({"title": "Gone", "body": "A disk died."});
    let (status, problem) = read_json(token.send_json(Method::POST, "/api/v1/incidents", &body).await).await;
    assert_eq!((status, &problem["code"]), (503, &serde_json::json!("unavailable")), "{problem}");
}

#[tokio::test]
async fn what_may_have_been_stored_is_not_lost_either() {
    let app = TestApp::start(Engine::Postgres).await;
    Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    app.db.lose_commits_to("incidents").await;
    let place = "/admin/incidents/new?maintenance=x";
    let typed = [("title", "Gone"), ("body", "A disk.\r\nTwo of them."), ("do", "draft")];
    let sent = operator.post_form(place, &typed).await;
    assert_eq!(sent.status(), 503);
    let page = text(sent).await;
    assert!(page.contains("Nobody knows whether this was saved") && page.contains("Look first"), "{page}");
    assert!(page.contains(&format!("action=\"{place}\"")) && !page.contains("could not be saved"), "{page}");
    for (name, value) in typed {
        assert_eq!(carried(&page, name), value);
    }
}

#[tokio::test]
async fn what_is_sent_again_when_the_database_is_back_is_stored() {
    let mut app = TestApp::start(Engine::Postgres).await;
    Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let place = "/admin/incidents/new";
    let report = [("title", "Gone"), ("body", "A disk.\r\nTwo of them."), ("do", "draft")];
    app.db.halt();
    let sent = operator.post_form(place, &report).await;
    assert_eq!(sent.status(), 503);
    let page = text(sent).await;
    app.db.resume();
    let again: Vec<(&str, String)> = report.iter().map(|(name, _)| (*name, carried(&page, name))).collect();
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let here = made(&operator, place, &again).await;
    let page = text(operator.get(&here).await).await;
    assert!(page.contains("I-1 Gone") && page.contains("Two of them."), "{page}");
}

storage::on_both!(
    no_form_forgets_what_it_was_made_from,
    who_only_pressed_a_button_is_not_told_of_what_was_typed,
    who_may_not_do_it_learns_who_may,
    a_date_that_is_long_ago_is_asked_back_and_times_are_mended,
    times_that_nobody_typed_follow_what_others_have_stored,
    an_old_form_of_a_draft_comes_back_where_the_incident_is_published,
    what_was_typed_is_not_lost_with_the_database,
    what_was_typed_outlives_the_session,
    what_the_team_typed_is_not_lost_with_the_database,
);
