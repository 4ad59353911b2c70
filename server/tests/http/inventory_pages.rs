use crate::test_app::{TestApp, TestClient};
use domain::ids::HostId;
use domain::people::Role;
use reqwest::Response;
use service::Actor;
use service::inventory::{ComponentInput, DataSetInput, HostInput, JobInput};
use storage::testing::Engine;

/// vm3 with web-12 on it, whose files are backed up and whose dump is carried; behind Cluster 12.
async fn northwind(app: &TestApp) -> [String; 6] {
    let (services, system) = (&app.services, Actor::system());
    let host = |name: &str, on: String| HostInput { name: name.to_owned(), runs_on: on, ..HostInput::default() };
    let vm3 = services.add_host(&system, host("vm3", String::new())).await.unwrap();
    let web = services.add_host(&system, host("web-12", vm3.id.to_string())).await.unwrap();
    let set = |name: &str, kind: &str| DataSetInput { name: name.to_owned(), kind: kind.to_owned() };
    let files = services.add_data_set(&system, web.id, set("files", "files")).await.unwrap();
    let shop = services.add_data_set(&system, web.id, set("shop", "database")).await.unwrap();
    let job = |name: &str, carried_by: String| JobInput {
        name: name.to_owned(),
        tool: "borgmatic".to_owned(),
        carried_by,
        every: "24 h".to_owned(),
        max_duration: "6 h".to_owned(),
    };
    let nightly = services.add_job(&system, files.id, job("nightly", String::new())).await.unwrap();
    services.add_job(&system, shop.id, job("dump", nightly.id.to_string())).await.unwrap();
    let cluster =
        ComponentInput { name: "Cluster 12".to_owned(), hosts: vec![vm3.id.to_string()], ..ComponentInput::default() };
    let cluster = services.add_component(&system, cluster).await.unwrap();
    [
        vm3.id.to_string(),
        web.id.to_string(),
        files.id.to_string(),
        shop.id.to_string(),
        nightly.id.to_string(),
        cluster.component.id.to_string(),
    ]
}

async fn text(page: Response) -> String {
    page.text().await.unwrap()
}

fn led_to(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The page's own words, without the markers between pieces.
fn plain(html: &str) -> String {
    html.replace("<!>", "")
}

async fn shown(client: &TestClient, path: &str) -> String {
    let page = client.get(path).await;
    assert_eq!(page.status(), 200, "{path}");
    plain(&text(page).await)
}

async fn a_host_is_added_with_its_data_set_and_job_by_forms_alone(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let host =
        led_to(&ada.post_form("/admin/hosts/new", &[("name", "legacy-shop"), ("note", ""), ("runs_on", "")]).await);
    let path = host.trim_end_matches("?done=added").to_owned();
    let page = shown(&ada, &host).await;
    assert!(page.contains("The host was added.") && page.contains("Nothing on this host is declared worth saving"));
    let done = led_to(&ada.post_form(&format!("{path}/data-sets"), &[("name", "files"), ("kind", "files")]).await);
    let page = shown(&ada, &done).await;
    assert!(page.contains("The data set was added.") && page.contains("No backup job"), "{page}");
    let new_job = page.split("/admin/jobs/new?data_set=").nth(1).unwrap().split('"').next().unwrap();
    let new_job = format!("/admin/jobs/new?data_set={new_job}");
    assert!(shown(&ada, &new_job).await.contains("It protects files on legacy-shop."));
    let form =
        [("name", "nightly"), ("tool", "borgmatic"), ("carried_by", ""), ("every", "24 h"), ("max_duration", "6 h")];
    let job = led_to(&ada.post_form(&new_job, &form).await);
    let page = shown(&ada, &job).await;
    assert!(page.contains(&format!("ping_url: {}/ping/", app.base)), "{page}");
}

async fn what_was_typed_stays_with_what_is_wrong_beside_it(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [vm3, web, ..] = northwind(&app).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let again = ada.post_form("/admin/hosts/new", &[("name", "VM3"), ("note", "a “new” one"), ("runs_on", &web)]).await;
    assert_eq!(again.status(), 422);
    let page = plain(&text(again).await);
    assert!(page.contains("There is a host called VM3 already.") && page.contains("value=\"a “new” one\""), "{page}");
    assert!(page.contains(&format!("<option value=\"{web}\" selected>")), "{page}");

    let path = format!("/admin/hosts/{vm3}");
    let again = ada.post_form(&path, &[("version", "1"), ("name", "vm3"), ("runs_on", &web)]).await;
    let page = plain(&text(again).await);
    assert!(page.contains("web-12 runs on this host already"), "{page}");
    // Each form of a page has its own mistakes.
    let again = ada.post_form(&format!("{path}/data-sets"), &[("name", ""), ("kind", "files")]).await;
    assert_eq!(again.status(), 422);
    let page = plain(&text(again).await);
    assert!(page.contains("id=\"set-name-error\"") && !page.contains("id=\"name-error\""), "{page}");
    let again = ada.post_form(&format!("{path}/exemption"), &[("version", "1"), ("reason", " ")]).await;
    assert!(text(again).await.contains("Say why this host needs no backup."));
}

async fn who_saves_second_sees_both_values(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [vm3, ..] = northwind(&app).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let path = format!("/admin/hosts/{vm3}");
    let note = |version: &'static str, note: &'static str| {
        [("version", version), ("name", "vm3"), ("note", note), ("runs_on", "")]
    };
    assert_eq!(led_to(&ada.post_form(&path, &note("1", "two disks")).await), format!("{path}?done=saved"));
    let again = ada.post_form(&path, &note("1", "one disk left")).await;
    assert_eq!(again.status(), 409);
    let page = plain(&text(again).await);
    assert!(page.contains("value=\"one disk left\"") && page.contains("Stored now: two disks"), "{page}");
    assert!(page.contains("name=\"version\" value=\"2\""), "{page}");
    assert_eq!(led_to(&ada.post_form(&path, &note("2", "one disk left")).await), format!("{path}?done=saved"));
}

async fn a_refusal_names_what_stands_against_it(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [vm3, web, files, shop, nightly, cluster] = northwind(&app).await;
    let ada = app.sign_in_as(Role::Operator).await;
    for (path, why) in [
        (format!("/admin/hosts/{vm3}/retire"), "web-12 runs on it; Cluster 12 stands on it."),
        (format!("/admin/hosts/{vm3}/delete"), "1 host on it and 1 component refer to it; retire it instead."),
        (format!("/admin/data-sets/{files}/retire"), "web-12 · shop: dump is carried by one of its jobs."),
        (format!("/admin/jobs/{nightly}/retire"), "web-12 · shop: dump is carried by it."),
    ] {
        let again = ada.post_form(&path, &[("version", "1")]).await;
        assert_eq!(again.status(), 422, "{path}");
        let page = plain(&text(again).await);
        assert!(page.contains(why), "{path}: {page}");
    }
    let gone = ada.post_form(&format!("/admin/data-sets/{shop}/delete"), &[("version", "1")]).await;
    assert_eq!(led_to(&gone), "/admin/data-sets?done=deleted");
    let retired = ada.post_form(&format!("/admin/hosts/{web}/retire"), &[("version", "1")]).await;
    assert!(shown(&ada, &led_to(&retired)).await.contains("The host is out of use."));
    let retired = ada.post_form(&format!("/admin/components/{cluster}/retire"), &[("version", "1")]).await;
    assert!(shown(&ada, &led_to(&retired)).await.contains("The component is off the page."));
}

async fn pages_show_the_inventory_to_those_who_may_look(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [vm3, web, files, _, nightly, cluster] = northwind(&app).await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let admin = app.sign_in_as(Role::Admin).await;
    for (path, words, form) in [
        ("/admin/hosts".to_owned(), "behind Cluster 12", "/admin/hosts/new"),
        (format!("/admin/hosts/{vm3}"), "Customers know it as", "name=\"note\""),
        (format!("/admin/hosts/{web}"), "shop", "name=\"note\""),
        ("/admin/data-sets".to_owned(), "The backup has never run", "Declare or exempt"),
        (format!("/admin/data-sets/{files}"), "nightly", "name=\"kind\""),
        ("/admin/jobs".to_owned(), "carried by web-12 · files: nightly", ""),
        (format!("/admin/jobs/{nightly}"), "web-12 · shop: dump", "/ping/"),
        ("/admin/components".to_owned(), "Cluster 12", "/down"),
        (format!("/admin/components/{cluster}"), "vm3", "name=\"slug\""),
    ] {
        let seen = shown(&viewer, &path).await;
        assert!(seen.contains(words), "{path}: {seen}");
        assert!(form.is_empty() || !seen.contains(form), "{path}: {seen}");
        assert!(shown(&operator, &path).await.contains(form), "{path}");
        assert!(app.get(&path).await.headers()["location"].to_str().unwrap().starts_with("/sign-in?next="), "{path}");
    }
    let own_policy = format!("/admin/hosts/{vm3}");
    assert!(!shown(&operator, &own_policy).await.contains("name=\"schedule_max_age\""));
    assert!(shown(&admin, &own_policy).await.contains("name=\"schedule_max_age\""));
    for path in ["/admin/hosts/new", "/admin/components/new", &format!("/admin/jobs/new?data_set={files}")] {
        assert_eq!(viewer.get(path).await.status(), 403, "{path}");
        assert_eq!(operator.get(path).await.status(), 200, "{path}");
    }
    for path in ["/admin/hosts/x", "/admin/jobs/x", "/admin/data-sets/x", "/admin/components/x", "/admin/jobs/new"] {
        assert_eq!(operator.get(path).await.status(), 404, "{path}");
    }
    for path in [
        format!("/admin/hosts/{vm3}"),
        format!("/admin/hosts/{vm3}/retire"),
        format!("/admin/jobs/{nightly}/rotate"),
        format!("/admin/components/{cluster}/up"),
    ] {
        assert_eq!(viewer.post_form(&path, &[("version", "1"), ("name", "x")]).await.status(), 403, "{path}");
    }
    assert_eq!(operator.post_form(&format!("{own_policy}/policy"), &[("version", "1")]).await.status(), 403);
}

async fn components_are_put_in_order_by_buttons(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Operator).await;
    led_to(&ada.post_form("/admin/components/new-group", &[("name", "Clusters")]).await);
    let again = ada.post_form("/admin/components/new-group", &[("name", "clusters")]).await;
    assert_eq!(again.status(), 422);
    assert!(text(again).await.contains("There is a group called clusters already."));
    let page = shown(&ada, "/admin/components").await;
    let group = page.split("/admin/component-groups/").nth(1).unwrap()[..36].to_owned();
    for name in ["Cluster 11", "Cluster 12"] {
        led_to(&ada.post_form("/admin/components/new", &[("name", name), ("group_id", &group)]).await);
    }
    let order = |page: &str| page.find("Cluster 11").unwrap() < page.find("Cluster 12").unwrap();
    let page = shown(&ada, "/admin/components").await;
    assert!(order(&page));
    let first = page.split("id=\"c-").nth(1).unwrap()[..36].to_owned();
    let done = led_to(&ada.post_form(&format!("/admin/components/{first}/down"), &[]).await);
    assert_eq!(done, format!("/admin/components#c-{first}"));
    assert!(!order(&shown(&ada, "/admin/components").await));
    let renamed =
        ada.post_form(&format!("/admin/component-groups/{group}"), &[("version", "1"), ("name", "Hosting")]).await;
    assert!(shown(&ada, &led_to(&renamed)).await.contains("Hosting"));
    let again = ada.post_form(&format!("/admin/component-groups/{group}/delete"), &[("version", "2")]).await;
    assert!(text(again).await.contains("stand in it; move them to another group first."));
}

async fn an_exemption_and_a_policy_are_set_and_taken_back(engine: Engine) {
    let app = TestApp::start(engine).await;
    let [vm3, ..] = northwind(&app).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let path = format!("/admin/hosts/{vm3}");
    let done =
        led_to(&admin.post_form(&format!("{path}/exemption"), &[("version", "1"), ("reason", "only guests")]).await);
    let page = shown(&admin, &done).await;
    assert!(page.contains("only guests") && page.contains("Exempt: no backup is asked for"), "{page}");
    led_to(&admin.post_form(&format!("{path}/exemption"), &[("version", "2"), ("end", "1")]).await);
    let again = admin.post_form(&format!("{path}/policy"), &[("version", "3"), ("start_max_age", "90")]).await;
    let page = plain(&text(again).await);
    assert!(page.contains("id=\"policy-start_max_age-error\"") && page.contains("value=\"90\""), "{page}");
    led_to(&admin.post_form(&format!("{path}/policy"), &[("version", "3"), ("start_max_age", "90 min")]).await);
    let id: HostId = vm3.parse().unwrap();
    let host = app.services.host(&Actor::system(), id).await.unwrap();
    assert_eq!((host.exemption, host.policy.start_max_age), (None, Some(domain::time::Span::minutes(90))));
}

storage::on_both!(
    a_host_is_added_with_its_data_set_and_job_by_forms_alone,
    what_was_typed_stays_with_what_is_wrong_beside_it,
    who_saves_second_sees_both_values,
    a_refusal_names_what_stands_against_it,
    pages_show_the_inventory_to_those_who_may_look,
    components_are_put_in_order_by_buttons,
    an_exemption_and_a_policy_are_set_and_taken_back,
);
