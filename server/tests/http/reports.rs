//! Monthly reports, public and behind the sign-in, by pages and by API.

use crate::test_app::{TestApp, read_json, read_plain, shown};
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::json;
use storage::testing::Engine;

async fn a_month_is_told_closed_and_corrected(engine: Engine) {
    let app = TestApp::start(engine).await;
    let keeper = app.with_token(&app.token(&[Scope::InventoryWrite]).await);
    let pusher = app.with_token(&app.token(&[Scope::MetricWrite]).await);
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    for (name, better) in [("=Servers", "up"), ("On-call alerts", "down")] {
        let body = json!({"name": name, "better": better, "is_public": true});
        let made = keeper.send_json(Method::POST, "/api/v1/report-figures", &body).await;
        assert_eq!(made.status(), 201);
    }
    let tell = |month: &'static str, figure: &'static str, value: f64| {
        let (pusher, path) = (&pusher, format!("/api/v1/reports/{month}/figures/{figure}"));
        async move { read_json(pusher.send_json(Method::PUT, &path, &json!({"value": value})).await).await }
    };
    assert_eq!(tell("2014-04", "on-call-alerts", 900.0).await.0, 200);
    let (status, told) = tell("2014-05", "on-call-alerts", 1332.0).await;
    assert_eq!((status, &told["value"], &told["by"]), (200, &json!(1332.0), &json!("token test")));
    assert_eq!(tell("2014-06", "on-call-alerts", 1.0).await.0, 422, "it has not begun");
    assert_eq!(tell("2014-5", "on-call-alerts", 1.0).await.0, 404);
    assert!(shown(&app.anyone, "/reports").await.contains("No report yet"));
    assert_eq!(app.get("/reports/2014-05").await.status(), 404);

    let operator = app.sign_in_as(Role::Operator).await;
    let desk = shown(&operator, "/admin/reports/2014-05").await;
    for words in ["A look ahead", r#"value="1332""#, "The month before: 900", "+432 (+48.0 %) against last month"] {
        assert!(desk.contains(words), "{words}: {desk}");
    }
    let wrong = operator.post_form("/admin/reports/2014-05", &[("do", "figures"), ("figure-servers", "many")]).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    assert!(html.contains("Write a number like") && html.contains(r#"value="many""#), "{html}");
    let fields = [("do", "figures"), ("figure-servers", "300"), ("figure-on-call-alerts", "1,332")];
    assert_eq!(operator.post_form("/admin/reports/2014-05", &fields).await.status(), 303);
    // A field that was left alone says nothing: it shows less than what was told, and may be older.
    assert_eq!(tell("2014-05", "on-call-alerts", 1332.4).await.0, 200);
    assert!(shown(&operator, "/admin/reports/2014-05").await.contains(r#"name="was-on-call-alerts" value="1332""#));
    let left = [("do", "figures"), ("figure-on-call-alerts", "1332"), ("was-on-call-alerts", "1332")];
    let left = [left.as_slice(), &[("figure-servers", ""), ("was-servers", "")]].concat();
    assert_eq!(operator.post_form("/admin/reports/2014-05", &left).await.status(), 303);
    let told = app.services.report_desk(&service::Actor::system(), "2014-05").await.unwrap().figures;
    assert_eq!(told.iter().map(|f| f.now.as_ref().map(|v| v.value)).collect::<Vec<_>>(), [Some(300.0), Some(1332.4)]);
    assert_eq!(tell("2014-05", "on-call-alerts", 1332.0).await.0, 200);
    // Who typed another one over what a colleague has told meanwhile reads it first.
    let mine = [("do", "figures"), ("figure-servers", "310"), ("was-servers", "")];
    let answer = operator.post_form("/admin/reports/2014-05", &mine).await;
    assert_eq!(answer.status(), 409);
    let html = answer.text().await.unwrap();
    for words in [r#"value="310""#, "Stored now: 300", r#"name="was-servers" value="300""#] {
        assert!(html.contains(words), "{words}: {html}");
    }
    let fine = [("do", "figures"), ("figure-servers", "1.332"), ("was-servers", "300")];
    let (status, html) = read_plain(operator.post_form("/admin/reports/2014-05", &fine).await).await;
    assert!(status == 422 && html.contains("Write it without a point, like 1332 or 1,332."), "{html}");
    let sure = [("do", "figures"), ("figure-servers", "310"), ("was-servers", "300")];
    assert_eq!(operator.post_form("/admin/reports/2014-05", &sure).await.status(), 303);
    assert_eq!(tell("2014-05", "servers", 300.0).await.0, 200);
    let early = operator.post_form("/admin/reports/2014-05", &[("do", "freeze")]).await;
    assert!(early.text().await.unwrap().contains("May 2014 is not over."));

    app.services.clock.set("2014-06-02T09:00:00Z".parse().unwrap());
    app.services.freeze_due_reports().await.unwrap();
    let again = admin.send_json(Method::POST, "/api/v1/reports/2014-05/freeze", &json!({})).await;
    assert_eq!(read_json(again).await.1["code"], "frozen");
    let (status, april) =
        read_json(admin.send_json(Method::POST, "/api/v1/reports/2014-04/freeze", &json!({})).await).await;
    assert_eq!((status, &april["version"]), (201, &json!(1)), "{april}");
    let list = shown(&app.anyone, "/reports").await;
    assert!(list.contains("May 2014") && list.contains("/reports/2014-05"), "{list}");
    let page = shown(&app.anyone, "/reports/2014-05").await;
    for words in [
        "1,332",
        "+432 (+48.0 %) against last month",
        "On-call alerts by month: Apr 2014 900, May 2014 1,332.",
        "report",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("Closed on Mon 2 Jun 2014, 10:00 IST (UTC+1)."), "and not when May was over: {page}");
    assert!(!page.contains("Corrections") && !page.contains("style=") && !page.contains("<script"));
    assert_eq!(tell("2014-05", "on-call-alerts", 1332.0).await.0, 200, "the same again changes nothing");
    assert_eq!(tell("2014-05", "on-call-alerts", 1.0).await.1["code"], "frozen");

    let file = app.get("/reports/2014-05.csv").await;
    assert_eq!(file.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"report-2014-05.csv\"");
    let text = file.text().await.unwrap();
    assert!(text.contains("figure,On-call alerts,1332,,900,432,48.0,"), "{text}");
    assert!(text.contains("figure,'=Servers,300,"), "a spreadsheet never meets a formula: {text}");
    let (status, file) = read_json(app.get("/reports/2014-05.json").await).await;
    assert_eq!((status, &file["month"], &file["figures"][1]["months"][11]), (200, &json!("2014-05"), &json!(1332.0)));
    for nowhere in ["/reports/2014-03.csv", "/reports/2014-05.xls", "/reports/may", "/reports/2014-5.json"] {
        assert_eq!(app.get(nowhere).await.status(), 404, "{nowhere}");
    }

    app.services.clock.set("2014-06-03T09:00:00Z".parse().unwrap());
    let operator = app.sign_in_as(Role::Operator).await;
    let form = [("do", "correct"), ("version", "1"), ("figure-on-call-alerts", "1330"), ("figure-servers", "300")];
    let silent = operator.post_form("/admin/reports/2014-05", &form).await;
    assert_eq!(silent.status(), 422);
    assert!(silent.text().await.unwrap().contains("Say why"));
    let said = [form.as_slice(), &[("why", "Two alerts were <b>tests</b>.")]].concat();
    let done = operator.post_form("/admin/reports/2014-05", &said).await;
    assert_eq!(done.headers()["location"], "/admin/reports/2014-05?done=corrected");
    let page = shown(&app.anyone, "/reports/2014-05").await;
    for words in ["This report was corrected", "Two alerts were &lt;b&gt;tests", "<del>1,332</del>", "<ins>1,330</ins>"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let list = shown(&app.anyone, "/reports").await;
    assert!(list.contains("3 Jun"), "{list}");
    let text = app.get("/reports/2014-05.csv").await.text().await.unwrap();
    let line = "correction,On-call alerts,1330,,1332,,,2014-06-03T09:00:00Z: Two alerts were <b>tests</b>.\r\n";
    assert!(text.contains(line) && !text.contains("1,33"), "numbers without separators: {text}");
    let (_, file) = read_json(app.get("/reports/2014-05.json").await).await;
    let change = json!([{"what": "On-call alerts", "before": 1332.0, "after": 1330.0, "unit": ""}]);
    assert_eq!((&file["version"], &file["corrections"][0]["changes"]), (&json!(2), &change));
    let body = json!({"version": 2, "why": "None of them was there.", "figures": {"on-call-alerts": null}});
    let (status, corrected) =
        read_json(admin.send_json(Method::POST, "/api/v1/reports/2014-05/corrections", &body).await).await;
    assert_eq!((status, &corrected["version"]), (200, &json!(3)), "{corrected}");
    assert!(shown(&app.anyone, "/reports/2014-05").await.contains("<ins>not entered</ins>"));
}

async fn figures_are_kept_in_the_browser(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (operator, viewer) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let fields = [("name", "Servers"), ("better", "up"), ("aggregate", "last"), ("is_public", "on")];
    let added = operator.post_form("/admin/report-figures/new", &fields).await;
    assert_eq!(added.headers()["location"], "/admin/report-figures?done=added");
    let twice = operator.post_form("/admin/report-figures/new", &fields).await;
    assert_eq!(twice.status(), 422);
    assert!(twice.text().await.unwrap().contains("There is a figure called Servers already."));
    let list = shown(&viewer, "/admin/report-figures").await;
    assert!(list.contains("Servers") && list.contains("More is better") && !list.contains("Add a figure"), "{list}");
    let id = list.split("/admin/report-figures/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("/admin/report-figures/{id}");
    assert!(shown(&operator, &path).await.contains("PUT /api/v1/reports/2014-05/figures/servers"));
    let renamed =
        [("name", "Machines"), ("slug", "servers"), ("better", "up"), ("aggregate", "last"), ("version", "1")];
    assert_eq!(operator.post_form(&path, &renamed).await.status(), 303);
    assert_eq!(operator.post_form(&path, &renamed).await.status(), 409, "stale");
    let retire = [("do", "retire"), ("version", "2")];
    assert_eq!(operator.post_form(&path, &retire).await.status(), 303);
    assert!(shown(&viewer, "/admin/report-figures").await.contains("Out of use"));
    assert!(shown(&viewer, "/admin/reports").await.contains("May 2014"));
}

storage::on_both!(a_month_is_told_closed_and_corrected, figures_are_kept_in_the_browser);
