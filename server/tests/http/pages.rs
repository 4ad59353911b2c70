use crate::test_app::TestApp;
use storage::testing::Engine;

async fn public_pages_carry_no_script(engine: Engine) {
    let app = TestApp::start(engine).await;
    let page = app.get("/").await;
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.ends_with("</html>") && !html.contains("<script"), "{html}");
}

async fn an_unknown_address_is_a_page_with_status_404(engine: Engine) {
    let app = TestApp::start(engine).await;
    let page = app.get("/nothing/here").await;
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("<h1>There is nothing here</h1>"));
}

storage::on_both!(public_pages_carry_no_script, an_unknown_address_is_a_page_with_status_404);
