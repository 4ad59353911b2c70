use crate::test_app::TestApp;
use domain::people::{Role, Scope};
use storage::testing::Engine;

async fn public_pages_neither_read_nor_set_a_cookie(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Admin).await;
    for path in ["/", "/nothing/here"] {
        let page = ada.get(path).await;
        assert!(!page.headers().contains_key("set-cookie"), "{path}");
        assert_eq!(page.text().await.unwrap(), app.get(path).await.text().await.unwrap());
    }
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

storage::on_both!(public_pages_neither_read_nor_set_a_cookie, a_token_that_is_not_ours_is_refused);
