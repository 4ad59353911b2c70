use crate::stage::Stage;
use crate::test_app::{TestApp, shown};
use domain::people::{Role, Scope};
use service::Actor;
use service::inventory::{DataSetInput, HostInput};
use storage::testing::Engine;

/// vm3 with an image saved at three in the morning, `=web` with files that no job protects, a host
/// without a data set, and a spare one.
async fn four_hosts(app: &TestApp) -> Stage {
    let stage = Stage::set(app).await;
    let (services, a) = (&stage.services, Actor::system());
    let host = |name: &str| HostInput { name: name.to_owned(), ..HostInput::default() };
    let web = services.add_host(&a, host("=web")).await.unwrap();
    let files = DataSetInput { name: "files".to_owned(), kind: "files".to_owned() };
    services.add_data_set(&a, web.id, files).await.unwrap();
    services.add_host(&a, host("legacy-shop")).await.unwrap();
    let spare = services.add_host(&a, host("spare")).await.unwrap();
    services.exempt_host(&a, spare.id, 1, "nothing on it").await.unwrap();
    stage
}

/// Where the hosts stand in a text.
fn order(text: &str) -> Vec<&'static str> {
    let found = ["vm3", "=web", "legacy-shop", "spare"].map(|name| (text.find(&format!(">{name}<")), name));
    let mut found: Vec<_> = found.into_iter().filter_map(|(at, name)| at.map(|at| (at, name))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

async fn the_matrix_shows_every_host_the_worst_first(engine: Engine) {
    let app = TestApp::start(engine).await;
    four_hosts(&app).await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = shown(&viewer, "/admin/coverage").await;
    assert_eq!(order(&page), ["=web", "legacy-shop", "vm3", "spare"]);
    for words in ["No job", "Nothing declared", "Fresh", "Exempt: nothing on it", "9 h 50 min old, limit 24 h"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(order(&shown(&viewer, "/admin/coverage?sort=name").await), ["=web", "legacy-shop", "spare", "vm3"]);
    assert_eq!(order(&shown(&viewer, "/admin/coverage?sort=age").await), ["=web", "legacy-shop", "vm3", "spare"]);
    assert_eq!(order(&shown(&viewer, "/admin/coverage?state=no_job").await), ["=web"]);
    assert_eq!(order(&shown(&viewer, "/admin/coverage?host=SHOP").await), ["legacy-shop"]);
    let none = shown(&viewer, "/admin/coverage?state=failed").await;
    assert!(none.contains("No data set like this") && order(&none).is_empty());
    assert_eq!(viewer.get("/admin/coverage?state=green").await.status(), 422);
}

async fn a_backup_ages_and_goes_stale(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = four_hosts(&app).await;
    for (time, state) in [("15 14:10", "fresh"), ("15 14:11", "ageing"), ("16 02:09", "ageing"), ("16 02:10", "stale")]
    {
        stage.at(time);
        // Sessions end meanwhile.
        let viewer = app.sign_in_as(Role::Viewer).await;
        let csv = shown(&viewer, "/admin/coverage.csv?host=vm3").await;
        let line = csv.lines().nth(1).unwrap();
        assert!(line.starts_with(&format!("vm3,image,image,{state},2014-05-15T02:10:00Z,")), "{time}: {line}");
    }
}

async fn a_spreadsheet_gets_what_the_page_shows_and_no_formula(engine: Engine) {
    let app = TestApp::start(engine).await;
    four_hosts(&app).await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let file = viewer.get("/admin/coverage.csv?sort=name").await;
    assert_eq!(file.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.headers()["cache-control"], "no-store");
    assert!(file.headers()["content-disposition"].to_str().unwrap().contains("coverage.csv"));
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "host,data_set,kind,state,safe_up_to,age_min,limit_min,protected_until,why",
            "'=web,files,files,no_job,,,1440,,no backup job",
            "legacy-shop,,,nothing_declared,,,,,no data set is declared",
            "spare,,,exempt,,,,,nothing on it (Fermata)",
            "vm3,image,image,fresh,2014-05-15T02:10:00Z,590,1440,2014-05-16T02:10:00Z,",
        ]
    );
    let one = shown(&viewer, "/admin/coverage.csv?state=fresh").await;
    assert_eq!(one.lines().count(), 2);
    assert_eq!(viewer.get("/admin/coverage.csv?state=green").await.status(), 422);
    let place = app.get("/admin/coverage.csv?sort=name").await;
    assert_eq!(place.headers()["location"], "/sign-in?next=%2Fadmin%2Fcoverage.csv%3Fsort%3Dname");
}

async fn programs_read_the_matrix(engine: Engine) {
    let app = TestApp::start(engine).await;
    four_hosts(&app).await;
    let program = app.with_token(&app.token(&[Scope::Read]).await);
    let all: serde_json::Value = program.get("/api/v1/coverage").await.json().await.unwrap();
    assert_eq!(all["counts"]["no_job"], 1);
    assert_eq!(all["counts"]["failed"], 0);
    assert_eq!(all["hosts"].as_array().unwrap().len(), 4);
    assert_eq!(all["hosts"][0]["data_sets"][0]["reasons"][0]["code"], "no_job");
    let vm3: serde_json::Value = program.get("/api/v1/coverage?state=fresh").await.json().await.unwrap();
    assert_eq!(vm3["hosts"][0]["name"], "vm3");
    assert_eq!(vm3["hosts"][0]["data_sets"][0]["age"], "9 h 50 min");
    assert_eq!(vm3["counts"]["no_job"], 1);
    assert_eq!(program.get("/api/v1/coverage?sort=size").await.status(), 422);
}

async fn fifty_hosts_stand_on_a_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    for n in 1..=51 {
        let host = HostInput { name: format!("h{n:02}"), ..HostInput::default() };
        app.services.add_host(&Actor::system(), host).await.unwrap();
    }
    let viewer = app.sign_in_as(Role::Viewer).await;
    let first = shown(&viewer, "/admin/coverage?host=h").await;
    assert!(first.contains("1–50 of 51") && first.contains(">h50<") && !first.contains(">h51<"));
    assert!(first.contains("/admin/coverage?page=2&amp;host=h"), "{first}");
    let second = shown(&viewer, "/admin/coverage?host=h&page=2").await;
    assert!(second.contains(">h51<") && !second.contains(">h50<"));
}

storage::on_both!(
    the_matrix_shows_every_host_the_worst_first,
    a_backup_ages_and_goes_stale,
    a_spreadsheet_gets_what_the_page_shows_and_no_formula,
    programs_read_the_matrix,
    fifty_hosts_stand_on_a_page,
);
