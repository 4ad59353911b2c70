//! Incidents on pages, without a script, and for programs.

use crate::stage::Stage;
use crate::test_app::{TestApp, TestClient, carried, read_plain};
use domain::ids::ComponentId;
use domain::people::{Role, Scope};
use domain::subscriber::{Subscriber, SubscriberState, Topics};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Actor;
use service::incidents::IncidentQuery;
use storage::testing::Engine;

/// Status and text with entities and the renderer's marks taken out.
async fn send(client: &TestClient, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = client.send_json(method, path, &body).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

fn place(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().split('?').next().unwrap().to_owned()
}

/// What the first hidden field of this name holds.
async fn subscriber(app: &TestApp, email: &str, components: Vec<ComponentId>) {
    let now = app.services.now();
    let subscriber = Subscriber {
        id: app.services.new_id(),
        number: 0,
        email: email.to_owned(),
        state: SubscriberState::Confirmed,
        zone: "UTC".to_owned(),
        components,
        topics: Topics::default(),
        token_version: 1,
        confirm_sent_at: None,
        created_at: now,
        confirmed_at: Some(now),
    };
    let mut tx = app.services.db.decide().await.unwrap();
    tx.add_subscriber(&subscriber).await.unwrap();
    tx.commit().await.unwrap();
}

async fn stored(app: &TestApp) -> usize {
    app.services.list_incidents(&Actor::system(), &IncidentQuery::default()).await.unwrap().items.len()
}

async fn who_is_told_is_seen_before_anything_is_sent(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let cluster = stage.component("Cluster 12").await;
    let dns = stage.component("DNS").await;
    subscriber(&app, "all@example.net", vec![]).await;
    subscriber(&app, "cluster@example.net", vec![cluster.parse().unwrap()]).await;
    subscriber(&app, "dns@example.net", vec![dns.parse().unwrap()]).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let (_, start) = read_plain(operator.get("/admin").await).await;
    assert!(start.contains("href=\"/admin/incidents/new\""), "one press from everywhere: {start}");
    let (_, empty) = read_plain(operator.get("/admin/incidents/new").await).await;
    assert!(empty.contains("3 subscribers are told by mail.") && empty.contains("Cluster 12"), "{empty}");

    let field = format!("c.{cluster}");
    let form = |seen, deed| {
        vec![
            ("title", "{{components}} is gone"),
            (field.as_str(), "major_outage"),
            ("body", "We *look* into it."),
            ("state", "investigating"),
            ("tell", "on"),
            ("seen", seen),
            ("do", deed),
        ]
    };
    let of_all = carried(&empty, "seen");
    let (status, asked) = read_plain(operator.post_form("/admin/incidents/new", &form(&of_all, "publish")).await).await;
    assert_eq!((status, stored(&app).await), (200, 0), "others than were seen");
    assert!(asked.contains("2 subscribers are told by mail.") && asked.contains("Publish now, tell 2"), "{asked}");
    assert!(asked.contains("1 follows other components only"), "{asked}");
    assert!(asked.contains(">We *look* into it.</textarea>"), "{asked}");
    let wrong = [("title", ""), ("body", ""), ("started_at", "2014-05-15T12:01:00Z"), ("do", "publish")];
    let (status, wrong) = read_plain(operator.post_form("/admin/incidents/new", &wrong).await).await;
    assert!(status == 422 && wrong.contains("Title: This must not be empty."), "{wrong}");
    subscriber(&app, "later@example.net", vec![]).await;
    let of_cluster = carried(&asked, "seen");
    let here = place(&operator.post_form("/admin/incidents/new", &form(&of_cluster, "publish")).await);
    let (_, page) = read_plain(operator.get(&here).await).await;
    assert!(page.contains("Cluster 12 is gone") && page.contains("subscribers were told"), "{page}");
    assert!(page.contains("<em>look</em>"), "{page}");
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(home.contains("Major outage on Cluster 12"), "{home}");
    let viewer = app.sign_in_as(Role::Viewer).await;
    let (_, seen) = read_plain(viewer.get(&here).await).await;
    assert!(
        seen.contains("Cluster 12 is gone") && !seen.contains("<textarea") && !seen.contains("/incidents/new"),
        "{seen}"
    );
}

async fn two_people_who_write_at_once_lose_no_text(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let (ada, bob) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let field = format!("c.{}", stage.component("Cluster 12").await);
    let report = [("title", "Gone"), (field.as_str(), "major_outage"), ("body", "We look."), ("do", "publish")];
    let here = place(&ada.post_form("/admin/incidents/new", &report).await);
    let say = |version: &'static str, body: &'static str| {
        [("version", version), ("lines", "1"), ("state", "identified"), ("body", body), ("do", "say")]
    };
    assert_eq!(place(&bob.post_form(&here, &say("1", "A disk, says Bob.")).await), here);
    let (status, both) = read_plain(ada.post_form(&here, &say("1", "A cable, says Ada.")).await).await;
    assert_eq!(status, 409);
    let meanwhile = both.split("Posted meanwhile by others").nth(1).unwrap();
    assert!(meanwhile.contains("A disk, says Bob.") && meanwhile.contains(">A cable, says Ada.</textarea>"), "{both}");
    assert!(both.contains("name=\"version\" value=\"2\""), "with this one it can be posted: {both}");
    assert_eq!(place(&ada.post_form(&here, &say("2", "A cable, says Ada.")).await), here);
    let (_, page) = read_plain(ada.get(&here).await).await;
    assert!(page.contains("A disk, says Bob.") && page.contains("A cable, says Ada."), "{page}");

    let id = here.rsplit('/').next().unwrap().parse().unwrap();
    let (_, updates) = app.services.incident_timeline(&Actor::system(), id).await.unwrap();
    let mend = format!("mend:{}", updates[0].id);
    let mended = [("version", "1"), ("mended", "A cable, says Ada!"), ("do", mend.as_str())];
    assert_eq!(place(&ada.post_form(&here, &mended).await), here);
    let (_, page) = read_plain(ada.get(&here).await).await;
    assert!(page.contains("A cable, says Ada!") && page.contains("1 earlier version"), "{page}");
    let resolve = [("version", "3"), ("state", "resolved"), ("body", "Back."), ("do", "say")];
    assert_eq!(place(&ada.post_form(&here, &resolve).await), here);
    let edit = [("version", "4"), ("title", "It was gone"), ("severity", "minor"), ("do", "edit")];
    assert_eq!(place(&ada.post_form(&here, &edit).await), here);
    let (_, list) = read_plain(ada.get("/admin/incidents").await).await;
    assert!(list.contains("It was gone") && list.contains("Minor"), "{list}");
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(home.contains("All systems operational"), "{home}");
}

async fn a_state_that_nobody_chose_opens_nothing_again(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let (oisin, grace) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let field = format!("c.{}", stage.component("Cluster 12").await);
    let report = [("title", "Gone"), (field.as_str(), "major_outage"), ("body", "We look."), ("do", "publish")];
    let here = place(&oisin.post_form("/admin/incidents/new", &report).await);
    let (_, page) = read_plain(grace.get(&here).await).await;
    let (version, was) = (carried(&page, "version"), carried(&page, "was-state"));
    assert_eq!(was, "investigating");
    let resolve =
        [("version", version.as_str()), ("lines", "1"), ("state", "resolved"), ("body", "Back."), ("do", "say")];
    assert_eq!(place(&oisin.post_form(&here, &resolve).await), here);

    let typed = |version: &str, state: &str, was: &str| {
        [("version", version), ("lines", "1"), ("state", state), ("was-state", was), ("body", "Nearly."), ("do", "say")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = async |fields: [(String, String); 6]| {
        let fields = fields.each_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        grace.post_form(&here, &fields).await
    };
    let (status, both) = read_plain(post(typed(&version, &was, &was)).await).await;
    assert!(status == 409 && !both.contains("Open it again"), "she chose no state: {both}");
    assert!(both.contains("value=\"resolved\" selected"), "{both}");
    let (status, asked) = read_plain(post(typed(&version, "monitoring", &was)).await).await;
    assert!(status == 409 && asked.contains("Open it again"), "she chose one: {asked}");
    let now = carried(&both, "version");
    assert_eq!(place(&post(typed(&now, "resolved", &carried(&both, "was-state"))).await), here);
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(home.contains("All systems operational"), "{home}");
}

async fn a_form_that_is_shown_again_still_notices_what_others_wrote(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let (ada, bob) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let field = format!("c.{}", stage.component("Cluster 12").await);
    let write = |version, body, deed| {
        [("version", version), ("title", "Slow"), (field.as_str(), "partial_outage"), ("body", body), ("do", deed)]
    };
    let here = place(&ada.post_form("/admin/incidents/new", &write("", "It is slow.", "draft")).await);
    let edit = format!("{here}/edit");
    let (_, page) = read_plain(ada.get(&edit).await).await;
    let read_version = carried(&page, "version");
    assert_eq!(place(&bob.post_form(&edit, &write(&read_version, "Bob knows why.", "draft")).await), here);
    for (deed, expected) in [("check", 200), ("template:incident", 422)] {
        let (status, page) = read_plain(ada.post_form(&edit, &write(&read_version, "Ada looks.", deed)).await).await;
        assert_eq!((status, carried(&page, "version")), (expected, read_version.clone()), "{deed}: {page}");
    }
    let (status, both) = read_plain(ada.post_form(&edit, &write(&read_version, "Ada looks.", "publish")).await).await;
    assert!(status == 409 && both.contains("Bob knows why.") && both.contains(">Ada looks.</textarea>"), "{both}");
    let now = carried(&both, "version");
    assert_eq!(place(&ada.post_form(&edit, &write(&now, "Ada looks.", "publish")).await), here);

    let (_, page) = read_plain(ada.get(&here).await).await;
    let (version, lines) = (carried(&page, "version"), carried(&page, "lines"));
    let say = |version, body, deed| {
        [("version", version), ("lines", lines.as_str()), ("state", "identified"), ("body", body), ("do", deed)]
    };
    assert_eq!(place(&bob.post_form(&here, &say(&version, "A disk, says Bob.", "say")).await), here);
    let (status, page) = read_plain(ada.post_form(&here, &say(&version, "A cable, says Ada.", "check")).await).await;
    let kept = (carried(&page, "version"), carried(&page, "lines"));
    assert_eq!((status, kept), (200, (version.clone(), lines.clone())), "{page}");
    let (status, both) = read_plain(ada.post_form(&here, &say(&version, "A cable, says Ada.", "say")).await).await;
    let meanwhile = both.split("Posted meanwhile by others").nth(1).unwrap();
    assert!(status == 409 && meanwhile.contains("A disk, says Bob."), "{both}");

    let (version, lines) = (carried(&both, "version"), carried(&both, "lines"));
    let name = |title| [("version", version.as_str()), ("lines", lines.as_str()), ("title", title), ("do", "edit")];
    assert_eq!(place(&bob.post_form(&here, &name("Slow disks")).await), here);
    let (status, both) = read_plain(ada.post_form(&here, &name("Slow cables")).await).await;
    assert!(status == 409 && both.contains("Stored now: Slow disks"), "{both}");
    assert!(both.contains("What it says is the same."), "the timeline is not news: {both}");
    let now = carried(&both, "version");
    let nameless = [("version", now.as_str()), ("title", ""), ("do", "edit")];
    let (status, wrong) = read_plain(ada.post_form(&here, &nameless).await).await;
    assert!(status == 422 && wrong.contains("href=\"#edit-title\"") && wrong.contains("id=\"edit-title\""), "{wrong}");
}

async fn a_form_that_is_sent_twice_reports_one_incident(engine: Engine) {
    let app = TestApp::start(engine).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let (_, form) = read_plain(operator.get("/admin/incidents/new").await).await;
    let key = carried(&form, "key");
    let send = async |body: &str| {
        let form = [("title", "Gone"), ("body", body), ("key", key.as_str()), ("do", "publish")];
        operator.post_form("/admin/incidents/new", &form).await
    };
    let here = place(&send("We look.").await);
    assert_eq!(place(&send("We look.").await), here, "who went back and pressed again is where they were");
    let (status, page) = read_plain(send("We look again.").await).await;
    assert!(status == 422 && page.contains("This form was sent before") && page.contains(">We look again.<"), "{page}");
    assert_eq!(stored(&app).await, 1);
    let (_, form) = read_plain(operator.get("/admin/incidents/new").await).await;
    assert_ne!(carried(&form, "key"), key);
}

async fn drafts_templates_and_the_past_go_without_a_script(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    app.services.add_example_templates(&Actor::system()).await.unwrap();
    let operator = app.sign_in_as(Role::Operator).await;
    let all = app.services.templates(&Actor::system(), false).await.unwrap();
    let slow = all.iter().find(|t| t.name.as_str() == "Something is slow").unwrap().id.to_string();
    let filled = [("template", slow.as_str()), ("do", "template:incident")];
    let (status, filled) = read_plain(operator.post_form("/admin/incidents/new", &filled).await).await;
    assert!(status == 200 && filled.contains("value=\"{{components}} is slower than usual\""), "{filled}");
    let field = format!("c.{}", stage.component("Cluster 12").await);
    let draft = [("title", "Slow"), (field.as_str(), "degraded_performance"), ("body", "It is slow."), ("do", "draft")];
    let here = place(&operator.post_form("/admin/incidents/new", &draft).await);
    let (_, start) = read_plain(operator.get("/admin").await).await;
    assert!(start.contains("I-1 Slow") && start.contains("customers know nothing of it"), "{start}");
    let (_, edit) = read_plain(operator.get(&format!("{here}/edit")).await).await;
    assert!(edit.contains(">It is slow.</textarea>"), "{edit}");
    let publish = [
        ("version", "1"),
        ("title", "Slow"),
        (field.as_str(), "partial_outage"),
        ("body", "It is slow."),
        ("do", "publish"),
    ];
    assert_eq!(place(&operator.post_form(&format!("{here}/edit"), &publish).await), here);
    assert_eq!(operator.post_form(&format!("{here}/edit"), &publish).await.status(), 409, "somebody was faster");
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(home.contains("Partial outage on Cluster 12"), "{home}");

    let past = [
        ("title", "A cable"),
        ("started_at", "2014-05-12 09:00"),
        ("resolved_at", "2014-05-12 10:30"),
        (field.as_str(), "major_outage"),
        ("at-0", "2014-05-12 09:20"),
        ("state-0", "identified"),
        ("body-0", "A cable was cut."),
        ("body", "It is mended."),
    ];
    let entered = place(&operator.post_form("/admin/incidents/backfill", &past).await);
    let (_, page) = read_plain(operator.get(&entered).await).await;
    assert!(page.contains("Afterwards: nobody was told") && page.contains("A cable was cut."), "{page}");
    let is_ticked =
        |page: &str| page.split("name=\"tell\"").nth(1).unwrap().split('>').next().unwrap().contains("checked");
    assert!(!is_ticked(&page), "nobody hears of it unasked: {page}");
    let (_, page) = read_plain(operator.get(&here).await).await;
    assert!(is_ticked(&page), "{page}");
    let wrong =
        [("title", "A cable"), ("started_at", "2014-05-12 10:00"), ("resolved_at", "2014-05-12 09:00"), ("body", "x")];
    let (status, wrong) = read_plain(operator.post_form("/admin/incidents/backfill", &wrong).await).await;
    assert!(status == 422 && wrong.contains("Was over: The end must be after the start"), "{wrong}");
}

async fn a_state_is_set_by_hand_and_a_private_component_vanishes(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let dns = stage.component("DNS").await;
    let operator = app.sign_in_as(Role::Operator).await;
    let here = format!("/admin/components/{dns}");
    let by_hand = format!("{here}/override");
    let (status, wrong) =
        read_plain(operator.post_form(&by_hand, &[("do", "set"), ("state", "partial_outage")]).await).await;
    assert!(status == 422 && wrong.contains("Reason: This must not be empty."), "{wrong}");
    let set = [("do", "set"), ("state", "partial_outage"), ("reason", "The registry is slow.")];
    assert_eq!(place(&operator.post_form(&by_hand, &set).await), here);
    let (_, page) = read_plain(operator.get(&here).await).await;
    assert!(page.contains("The registry is slow.") && page.contains("Set by hand since"), "{page}");
    assert!(page.contains("figures count “Partial outage” while this holds"), "{page}");
    let (_, list) = read_plain(operator.get("/admin/corrections").await).await;
    assert!(list.contains("Set by hand now") && list.contains("DNS (Partial outage)"), "{list}");
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(home.contains("Partial outage on DNS"), "{home}");
    assert_eq!(place(&operator.post_form(&by_hand, &[("do", "withdraw")]).await), here);
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(home.contains("All systems operational") && home.contains("DNS"), "{home}");
    let hide = [("version", "1"), ("name", "DNS"), ("slug", "dns"), ("is_private", "true")];
    assert_eq!(place(&operator.post_form(&here, &hide).await), here);
    let (_, home) = read_plain(app.get("/").await).await;
    let (_, subscribe) = read_plain(app.get("/subscribe").await).await;
    assert!(!home.contains("DNS") && !subscribe.contains("DNS"), "{home}");
    let (_, list) = read_plain(operator.get("/admin/components").await).await;
    assert!(list.contains("DNS") && list.contains("for the team alone"), "{list}");
}

async fn who_hides_an_outage_from_the_figures_is_asked_once(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let dns = stage.component("DNS").await;
    let operator = app.sign_in_as(Role::Operator).await;
    let field = format!("c.{dns}");
    let report = [("title", "DNS"), ("body", "We look."), (field.as_str(), "major_outage"), ("do", "publish")];
    place(&operator.post_form("/admin/incidents/new", &report).await);
    let here = format!("/admin/components/{dns}");
    let by_hand = format!("{here}/override");
    let set = [("do", "set"), ("state", "operational"), ("reason", "It works for me.")];
    let (status, page) = read_plain(operator.post_form(&by_hand, &set).await).await;
    assert_eq!(status, 422);
    assert!(page.contains("Is it to be counted so?") && page.contains("name=\"hides_outage\""), "{page}");
    assert!(page.contains("It works for me.") && page.contains("href=\"#override-state\""), "{page}");
    assert!(page.contains("the availability figures count “Operational” instead."), "{page}");
    for (better, worse) in [("under_maintenance", "Under maintenance"), ("partial_outage", "Partial outage")] {
        let set = [("do", "set"), ("state", better), ("reason", "So it is.")];
        let (status, page) = read_plain(operator.post_form(&by_hand, &set).await).await;
        assert!(status == 422 && page.contains(&format!("figures count “{worse}” instead.")), "{page}");
        assert!(!page.contains("none of them") && !page.contains("kept out"), "both cost something: {page}");
    }
    assert_eq!(
        place(&operator.post_form(&by_hand, &[set.as_slice(), &[("hides_outage", "yes")]].concat()).await),
        here
    );
    let (_, page) = read_plain(operator.get(&here).await).await;
    assert!(page.contains("It is set better than incidents say") && page.contains("“Major outage”"), "{page}");
    let (_, list) = read_plain(operator.get("/admin/corrections").await).await;
    assert!(list.contains("DNS (Operational, while an open incident says Major outage)"), "{list}");
}

async fn what_customers_do_not_know_of_is_marked_where_it_is_chosen(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let dns = stage.component("DNS").await;
    let operator = app.sign_in_as(Role::Operator).await;
    let hide = [("version", "1"), ("name", "DNS"), ("slug", "dns"), ("is_private", "true")];
    place(&operator.post_form(&format!("/admin/components/{dns}"), &hide).await);
    let field = format!("c.{dns}");
    let report = [("title", "DNS"), ("body", "We look."), (field.as_str(), "major_outage"), ("do", "publish")];
    let made = place(&operator.post_form("/admin/incidents/new", &report).await);
    for path in ["/admin/incidents/new", "/admin/incidents/backfill", &made] {
        let (_, page) = read_plain(operator.get(path).await).await;
        let label =
            page.split(&format!("<label for=\"{field}\"")).nth(1).and_then(|rest| rest.split("</label>").next());
        let label = label.unwrap_or_else(|| panic!("{path}: {page}"));
        assert!(label.contains("DNS") && label.contains(">for the team alone<"), "{path}: {label}");
        // Its own page names it among its components as well.
        let marks = if path == made { 2 } else { 1 };
        assert_eq!(page.matches("class=\"badge tone-quiet\">for the team alone").count(), marks, "no other is: {path}");
    }
}

async fn an_open_page_of_the_team_learns_that_it_has_changed(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let field = format!("c.{}", stage.component("DNS").await);
    let (operator, viewer) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let report = [("title", "DNS"), ("body", "We look."), (field.as_str(), "major_outage"), ("do", "publish")];
    let made = place(&operator.post_form("/admin/incidents/new", &report).await);
    let id = made.rsplit('/').next().unwrap().to_owned();
    let open = async || {
        let (_, page) = read_plain(viewer.get(&made).await).await;
        let data = |name: &str| {
            let rest = page.split(&format!("data-{name}=\"")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
            rest.split('"').next().unwrap().to_owned()
        };
        assert!(page.contains("follow.js") && page.contains("id=\"follow\" role=\"status\""), "{page}");
        assert!(page.contains("<template><p>This page has changed. <a href"), "said by nobody yet: {page}");
        (data("stands"), data("since").parse::<i64>().unwrap())
    };
    let asked = async || read_plain(viewer.post_form("/api/fn/stands", &[("incident", &id)]).await).await;
    let (stands, since) = open().await;
    assert_eq!(asked().await, (200, format!("\"{stands}\"")));
    let body = [("do", "say"), ("state", "identified"), ("body", "A disk.")];
    place(&operator.post_form(&made, &body).await);
    let (_, now) = asked().await;
    assert_ne!(now, format!("\"{stands}\""));
    let (stands, later) = open().await;
    assert_eq!(now, format!("\"{stands}\""));
    assert!(later > since, "the stream tells of it: {later} after {since}");
    let (_, page) = read_plain(operator.get(&made).await).await;
    let update = page.split("value=\"mend:").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mend = [("do", format!("mend:{update}")), ("version", "1".to_owned()), ("mended", "Two disks.".to_owned())];
    let mend: Vec<(&str, &str)> = mend.iter().map(|(name, value)| (*name, value.as_str())).collect();
    place(&operator.post_form(&made, &mend).await);
    assert_ne!(asked().await.1, format!("\"{stands}\""), "mended words, too");
    let (_, page) = read_plain(viewer.get(&made).await).await;
    assert!(page.contains("target=\"_blank\"") && !page.contains("data-draft"), "{page}");
    let draft = [("title", "Perhaps"), ("body", "We look."), ("do", "draft")];
    let draft = place(&operator.post_form("/admin/incidents/new", &draft).await);
    let (_, page) = read_plain(viewer.get(&draft).await).await;
    assert!(page.contains("data-draft"), "the stream says nothing of it, so it asks by itself: {page}");
}

async fn programs_run_incidents(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let api = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let cluster = stage.component("Cluster 12").await;
    subscriber(&app, "all@example.net", vec![]).await;
    let asked = api.get(&format!("/api/v1/incidents/audience?components={cluster}")).await;
    assert_eq!(asked.json::<Value>().await.unwrap(), json!({"mails": 1, "webhooks": 0, "left_out": []}));
    let report = json!({"title": "Gone", "components": [{"id": cluster, "state": "major_outage"}], "body": "We look.", "draft": true});
    let (status, draft) = send(&api, Method::POST, "/api/v1/incidents", report.clone()).await;
    assert_eq!(
        (status, &draft["state"], &draft["draft_text"], &draft["url"]),
        (201, &json!("draft"), &json!("We look."), &Value::Null)
    );
    let one = format!("/api/v1/incidents/{}", draft["id"].as_str().unwrap());
    let post = async |way: &str, body: Value| send(&api, Method::POST, &format!("{one}/{way}"), body).await;
    let (status, open) = post("publish", json!({"version": 1, "state": "identified"})).await;
    assert_eq!((status, &open["state"], &open["severity"]), (200, &json!("identified"), &json!("critical")));
    assert!(open["url"].as_str().unwrap().ends_with(&format!("/incidents/{}", open["id"].as_str().unwrap())));
    let (status, late) = post("updates", json!({"version": 1, "body": "Too late."})).await;
    assert_eq!((status, &late["code"], &late["version"]), (409, &json!("stale"), &json!(2)));
    let better = json!({"version": 2, "state": "monitoring", "body": "Better.", "tell": false,
        "components": [{"id": cluster, "state": "degraded_performance"}]});
    let (_, updated) = post("updates", better).await;
    assert_eq!(updated["components"][&cluster], json!("degraded_performance"));
    assert_eq!(post("resolve", json!({"body": "Over."})).await.1["state"], json!("resolved"));
    assert_eq!(post("reopen", json!({"body": "Again."})).await.1["state"], json!("investigating"));
    let (status, twice) = post("reopen", json!({"body": "Again."})).await;
    assert_eq!((status, &twice["code"]), (409, &json!("wrong_state")));
    assert_eq!(post("discard", json!({"version": 5})).await.0, 409);
    let (status, edited) = send(&api, Method::PATCH, &one, json!({"version": 5, "severity": "minor"})).await;
    assert_eq!((status, &edited["severity"], &edited["severity_decided"]), (200, &json!("minor"), &json!(true)));
    let whole = api.get(&one).await.json::<Value>().await.unwrap();
    let updates = whole["updates"].as_array().unwrap();
    assert_eq!(updates.len(), 4);
    assert_eq!((&updates[2]["body"], &updates[2]["told"]), (&json!("Better."), &json!(false)));
    let update = format!("{one}/updates/{}", updates[0]["id"].as_str().unwrap());
    let (status, mended) = send(&api, Method::PATCH, &update, json!({"version": 1, "body": "Once again."})).await;
    assert_eq!((status, &mended["body"], &mended["version"]), (200, &json!("Once again."), &json!(2)));
    let (_, page) = read_plain(app.sign_in_as(Role::Viewer).await.get(&one.replace("/api/v1", "/admin")).await).await;
    assert!(page.contains("token test · ") && page.contains("when token test mended it"), "{page}");
    assert!(!page.contains("a program"), "{page}");
    let (_, page) = read_plain(app.get(&one.replace("/api/v1", "")).await).await;
    assert!(page.contains("Once again.") && !page.contains("token test"), "its name is for the team: {page}");
    let open = api.get("/api/v1/incidents?state=open").await.json::<Value>().await.unwrap();
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
    assert_eq!(api.get("/api/v1/incidents?state=gone").await.status(), 422);
    let (status, ahead) = send(
        &api,
        Method::POST,
        "/api/v1/incidents",
        json!({"title": "x", "body": "x", "started_at": "2014-06-01T00:00:00Z"}),
    )
    .await;
    assert_eq!((status, &ahead["errors"][0]["field"]), (422, &json!("started_at")));
    let past = json!({"title": "Long ago", "started_at": "2014-05-01T08:00:00Z", "resolved_at": "2014-05-01T09:00:00Z", "body": "Over."});
    let (status, past) = send(&api, Method::POST, "/api/v1/incidents/backfill", past).await;
    assert_eq!((status, &past["backfilled"]), (201, &json!(true)));

    let by_hand = format!("/api/v1/components/{cluster}/override");
    let well = json!({"state": "operational", "reason": "It works."});
    let (status, asked) = send(&api, Method::PUT, &by_hand, well).await;
    assert_eq!((status, &asked["errors"][0]["field"]), (422, &json!("hides_outage")), "{asked}");
    let sure = json!({"state": "operational", "reason": "It works.", "hides_outage": true});
    let (status, now) = send(&api, Method::PUT, &by_hand, sure).await;
    assert_eq!(now["hides_outage"], json!(true));
    assert_eq!((status, &now["state"], &now["derived"]), (200, &json!("operational"), &json!("degraded_performance")));
    assert_eq!(now["override"]["reason"], json!("It works."));
    let back = api.http.delete(format!("{}{by_hand}", api.base)).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&back["state"], &back["override"]), (&json!("degraded_performance"), &Value::Null));
    let inventory = app.with_token(&app.token(&[Scope::InventoryWrite]).await);
    let component = format!("/api/v1/components/{cluster}");
    let (status, hidden) = send(&inventory, Method::PATCH, &component, json!({"version": 1, "is_private": true})).await;
    assert_eq!((status, &hidden["is_private"]), (200, &json!(true)));
    let (_, home) = read_plain(app.get("/").await).await;
    assert!(!home.contains("Cluster 12") && home.contains("All systems operational"), "{home}");
}

storage::on_both!(
    who_is_told_is_seen_before_anything_is_sent,
    two_people_who_write_at_once_lose_no_text,
    a_state_that_nobody_chose_opens_nothing_again,
    a_form_that_is_shown_again_still_notices_what_others_wrote,
    a_form_that_is_sent_twice_reports_one_incident,
    drafts_templates_and_the_past_go_without_a_script,
    a_state_is_set_by_hand_and_a_private_component_vanishes,
    who_hides_an_outage_from_the_figures_is_asked_once,
    what_customers_do_not_know_of_is_marked_where_it_is_chosen,
    an_open_page_of_the_team_learns_that_it_has_changed,
    programs_run_incidents,
);
