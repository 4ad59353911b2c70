//! What load balancers and Prometheus see.

use std::sync::atomic::Ordering;

use crate::harness::{Harness, TOKEN};

#[tokio::test]
async fn health_is_about_the_process_and_readiness_about_the_database() {
    let server = Harness::start().await;
    assert_eq!(server.get("/readyz").send().await.unwrap().status(), 200);
    server.database_answers.store(false, Ordering::SeqCst);
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
    let response = server.get("/readyz").send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(!response.text().await.unwrap().contains("refused"), "the cause is in the log only");
}

#[tokio::test]
async fn metrics_need_the_token_and_name_routes_not_addresses() {
    let server = Harness::start().await;
    server.get("/subscriptions/very-secret").send().await.unwrap();
    server.get("/nothing/very-secret").send().await.unwrap();
    server.get("/").send().await.unwrap();
    server.get("/").send().await.unwrap();
    assert_eq!(server.get("/metrics").send().await.unwrap().status(), 401);
    assert_eq!(server.get("/metrics").bearer_auth("wrong").send().await.unwrap().status(), 401);
    let text = server.get("/metrics").bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("very-secret"), "{text}");
    for line in [
        r#"fermata_http_requests_total{method="GET",route="/subscriptions/{token}",status="200"} 1"#,
        r#"fermata_http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        "fermata_page_cache_hits_total 1",
        "fermata_page_cache_renders_total 1",
        "fermata_http_connections 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
