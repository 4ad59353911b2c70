//! What a program sends wrong is told in our words on each route, never in those of a parser.

use crate::matrix::{API, made_up};
use crate::test_app::TestApp;
use domain::people::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;

const PARSER: [&str; 8] =
    ["expected", "invalid type", "invalid value", "missing field", "unknown field", "unknown variant", "at line", "`"];

async fn no_route_answers_with_the_words_of_a_parser(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let bodies = [
        "[1]",
        "7",
        "{",
        "{\"zzz\": 1}",
        "{\"version\": \"x\"}",
        "{\"version\": 1, \"name\": [1], \"title\": {}, \"value\": \"x\"}",
    ];
    let (mut wrong, mut named) = (Vec::new(), 0);
    for (method, path, _, _) in API.iter().filter(|(method, ..)| matches!(*method, "POST" | "PATCH" | "PUT")) {
        let place = format!("{}{}", app.base, made_up(path));
        for body in bodies {
            let request = admin.http.request(method.parse::<Method>().unwrap(), &place);
            let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
            let text = answer.text().await.unwrap();
            let problem: Value = serde_json::from_str(&text).unwrap_or_default();
            let detail = problem["detail"].as_str().unwrap_or_default();
            if PARSER.iter().any(|word| detail.contains(word)) {
                wrong.push(format!("{method} {path} {body}: {detail}"));
            }
            named += problem["errors"].as_array().map_or(0, Vec::len);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(named > 100, "fields are named: {named}");
}

async fn the_field_is_named_and_what_it_should_be(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let table = [
        (json!({"titel": "x"}), "titel", "There is no such field. Send "),
        (json!({"title": ["x"]}), "title", "Send a text, not a list."),
        (json!({"title": "x", "components": "a"}), "components", "Send a list, not a text."),
        (json!({"title": "x", "pinned": "yes"}), "pinned", "Send true or false, not a text."),
    ];
    for (body, field, message) in table {
        let answer = admin.send_json(Method::POST, "/api/v1/announcements", &body).await;
        assert_eq!(answer.status(), 422);
        let problem: Value = answer.json().await.unwrap();
        let error = &problem["errors"][0];
        assert_eq!((&problem["code"], &error["field"]), (&json!("invalid"), &json!(field)));
        assert!(error["message"].as_str().unwrap().starts_with(message), "{error}");
    }
}

storage::on_both!(no_route_answers_with_the_words_of_a_parser, the_field_is_named_and_what_it_should_be);
