use crate::test_app::TestApp;
use storage::testing::Engine;

async fn the_front_page_carries_one_script_and_it_is_a_file_of_ours(engine: Engine) {
    let app = TestApp::start(engine).await;
    let page = app.get("/").await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.ends_with("</html>"), "{html}");
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(html.contains("<noscript><meta http-equiv=\"refresh\" content=\"60\"></noscript>"), "{html}");
    let files: Vec<&str> = html.match_indices("/assets/").filter_map(|(at, _)| html[at..].split('"').next()).collect();
    let live = files.iter().find(|address| address.ends_with("/live.js")).unwrap_or_else(|| panic!("{html}"));
    let file = app.get(live).await;
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["content-type"], "text/javascript; charset=utf-8");
    assert!(file.headers()["cache-control"].to_str().unwrap().contains("immutable"));
}

async fn an_unknown_address_is_a_page_with_status_404(engine: Engine) {
    let app = TestApp::start(engine).await;
    let page = app.get("/nothing/here").await;
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("<h1>There is nothing here</h1>"));
}

storage::on_both!(
    the_front_page_carries_one_script_and_it_is_a_file_of_ours,
    an_unknown_address_is_a_page_with_status_404
);
