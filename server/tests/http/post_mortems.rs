//! Post-mortems and action items on pages, without a script, and for programs.

use crate::stage::Stage;
use crate::test_app::{TestApp, TestClient, read};
use domain::component::ComponentState;
use domain::incident::{Incident, IncidentState};
use domain::people::{Role, Scope};
use domain::text::{Name, Prose};
use reqwest::Method;
use serde_json::{Value, json};
use service::Actor;
use service::incidents::{IncidentPost, NewIncident};
use storage::testing::Engine;

/// An incident of the day that is over.
pub(crate) async fn over(app: &TestApp, stage: &Stage, title: &str, body: &str) -> Incident {
    let system = Actor::system();
    let component = stage.component("Cluster 12").await.parse().unwrap();
    let prose = |text: &str| Prose::parse(text).unwrap();
    let new = NewIncident {
        title: Name::parse(title).unwrap(),
        severity: None,
        components: [(component, ComponentState::MajorOutage)].into(),
        started_at: None,
        maintenance: None,
        state: IncidentState::Investigating,
        body: prose(body),
        tell: false,
    };
    let open = app.services.open_incident(&system, new).await.unwrap();
    stage.at("15 14:00");
    let post = IncidentPost {
        state: IncidentState::Resolved,
        body: prose("Everything is back."),
        components: [(component, ComponentState::Operational)].into(),
        tell: false,
    };
    app.services.update_incident(&system, open.id, open.version, post).await.unwrap()
}

async fn done(client: &TestClient, path: &str, fields: &[(&str, &str)]) {
    let answer = client.post_form(path, fields).await;
    let status = answer.status();
    assert_eq!(status, 303, "{fields:?}: {}", answer.text().await.unwrap());
}

async fn a_post_mortem_goes_from_the_timeline_to_its_readers(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let incident = over(&app, &stage, "vm3 is gone", "Both disks are *dead*.").await;
    let (operator, approver) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let path = format!("/admin/incidents/{}/post-mortem", incident.id);
    let public = format!("/incidents/{}/post-mortem", incident.id);
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("# Root cause") && html.contains("- **Thu 15 May, 13:00 IST** Investigating:"), "{html}");
    let (_, html) = read(app.sign_in_as(Role::Viewer).await.get(&path).await).await;
    assert!(html.contains("No post-mortem yet") && !html.contains("<textarea"), "{html}");
    let text = "# Summary\n\nBoth disks **died**.";
    let (status, html) = read(operator.post_form(&path, &[("do", "timeline"), ("body", text)]).await).await;
    assert_eq!(status, 200);
    assert!(html.contains("Both disks **died**.\n\n- **Thu 15 May, 13:00 IST** Investigating:"), "{html}");
    let (_, html) = read(operator.post_form(&path, &[("do", "preview"), ("body", text)]).await).await;
    assert!(html.contains("As readers will see it") && html.contains("Both disks <strong>died</strong>."), "{html}");
    done(&operator, &path, &[("do", "save"), ("body", text), ("version", "0")]).await;
    let (status, html) =
        read(approver.post_form(&path, &[("do", "save"), ("body", "Mine."), ("version", "0")]).await).await;
    assert_eq!(status, 409, "somebody else has begun it");
    assert!(html.contains(">Mine.</textarea>") && html.contains("Both disks **died**."), "both texts: {html}");
    done(&operator, &path, &[("do", "submit"), ("version", "1")]).await;
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("It waits for another person") && !html.contains("It is good"), "{html}");
    let (_, html) = read(approver.get("/admin").await).await;
    assert!(html.contains("Post-mortem to review: I-1 vm3 is gone"), "{html}");
    let (status, html) =
        read(approver.post_form(&path, &[("do", "send-back"), ("why", ""), ("version", "2")]).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("Say what is missing") && html.contains("Both disks **died**."), "the text stays: {html}");
    done(&approver, &path, &[("do", "send-back"), ("why", "What of mail?"), ("version", "2")]).await;
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("sent it back") && html.contains("What of mail?"), "{html}");
    done(&operator, &path, &[("do", "submit"), ("version", "3")]).await;
    done(&approver, &path, &[("do", "approve"), ("version", "4")]).await;
    assert_eq!(app.get(&public).await.status(), 404);
    let past = ["/", "/history/2014-05"];
    for list in past {
        assert!(!read(app.get(list).await).await.1.contains(&public), "{list}");
    }
    done(&operator, &path, &[("do", "publish"), ("version", "5")]).await;
    for list in past {
        let html = read(app.get(list).await).await.1;
        assert!(html.contains(&format!("href=\"{public}\">Post-mortem<")), "{list}: {html}");
    }
    let (status, html) = read(app.get(&public).await).await;
    assert_eq!(status, 200);
    assert!(html.contains("<strong>died</strong>") && html.contains("Cluster 12"), "{html}");
    assert!(html.contains("<title>Post-mortem: vm3 is gone – Northwind Hosting status</title>"), "{html}");
    assert!(!html.contains("id=\"action-items\""));
    let (_, html) = read(app.get(&format!("/incidents/{}", incident.id)).await).await;
    assert!(html.contains(&format!("href=\"{public}\"")), "{html}");
}

async fn a_text_that_is_not_saved_is_lost_by_no_button_of_its_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let incident = over(&app, &stage, "vm3 is gone", "Gone.").await;
    let (operator, approver) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let path = format!("/admin/incidents/{}/post-mortem", incident.id);
    let post = async |client: &TestClient, fields: &[(&str, &str)]| read(client.post_form(&path, fields).await).await;
    done(&operator, &path, &[("do", "save"), ("body", "One."), ("version", "0")]).await;
    let (_, html) = read(operator.get(&path).await).await;
    assert_eq!(html.matches("method=\"post\"").count(), 2, "signing out, and one for all of its buttons: {html}");

    let item = [("title", "Dumps run first"), ("owner", "Platform team")];
    let with = |fields: &[(&'static str, &'static str)]| [fields, &item].concat();
    let (status, html) = post(&operator, &with(&[("do", "add-item"), ("body", "Two."), ("version", "1")])).await;
    assert_eq!(status, 200);
    assert!(html.contains("The action item was added. The text is not saved yet."), "{html}");
    assert!(html.contains(">Two.</textarea>") && !html.contains("value=\"Dumps run first\""), "{html}");
    done(&operator, &path, &with(&[("do", "add-item"), ("body", "One.\r\n"), ("version", "1")])).await;
    let (status, html) = post(&operator, &with(&[("do", "save"), ("body", "Two."), ("version", "1")])).await;
    assert_eq!(status, 200);
    assert!(html.contains("Saved. The action item is not added yet."), "{html}");
    assert!(html.contains("value=\"Dumps run first\"") && html.contains("name=\"version\" value=\"2\""), "{html}");

    done(&operator, &path, &[("do", "submit"), ("body", "Three."), ("version", "2")]).await;
    let (status, html) = post(&approver, &[("do", "approve"), ("body", "Two."), ("version", "2")]).await;
    assert_eq!(status, 409);
    assert!(html.contains("Nothing was done: this is how it stands now.") && html.contains(">Three.<"), "{html}");
    for press in [&[("do", "approve")][..], &[("do", "send-back"), ("why", "What of mail?")]] {
        let (status, html) = post(&approver, &[press, &[("body", "Four."), ("version", "4")]].concat()).await;
        assert_eq!(status, 422);
        assert!(html.contains("The text was changed on this page: save it first."), "{html}");
        assert!(html.contains(">Four.</textarea>") && html.contains("name=\"version\" value=\"4\""), "{html}");
        assert_eq!(html.contains(">What of mail?</textarea>"), press.len() == 2, "{html}");
    }
    done(&approver, &path, &[("do", "approve"), ("body", "Three."), ("version", "4")]).await;
    let (status, html) = post(&operator, &[("do", "publish"), ("body", "Four."), ("version", "5")]).await;
    assert_eq!(status, 422);
    assert!(html.contains("save it first") && html.contains(">Four.</textarea>"), "{html}");
    done(&operator, &path, &[("do", "publish"), ("body", "Three."), ("version", "5")]).await;
}

async fn what_is_changed_once_it_is_public_is_reviewed_before_it_is_told(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let incident = over(&app, &stage, "vm3 is gone", "Gone.").await;
    let (operator, approver) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let path = format!("/admin/incidents/{}/post-mortem", incident.id);
    done(&operator, &path, &[("do", "save"), ("body", "One."), ("version", "0")]).await;
    done(&operator, &path, &[("do", "submit"), ("version", "1")]).await;
    done(&approver, &path, &[("do", "approve"), ("version", "2")]).await;
    done(&operator, &path, &[("do", "publish"), ("version", "3")]).await;
    let told = [("do", "save"), ("body", "Two."), ("version", "4"), ("tell_again", "on")];
    let (status, html) = read(operator.post_form(&path, &told).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("href=\"#tell_again\"") && html.contains("id=\"tell_again-error\""), "{html}");
    assert!(html.contains(">Two.</textarea>") && html.contains("name=\"tell_again\" value=\"on\" checked"), "{html}");
    done(&operator, &path, &told[..3]).await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let place = format!("/api/v1/incidents/{}/post-mortem", incident.id);
    let shown: Value = program.get(&place).await.json().await.unwrap();
    assert_eq!((shown["state"].as_str(), &shown["review"]), (Some("published"), &Value::Null), "{shown}");
    let again = json!({"version": 5, "body": "Two.", "tell_again": true});
    let refused = program.send_json(Method::PUT, &place, &again).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("A second person has to review the text as it is now"));
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("was not reviewed") && !html.contains("Reviewed by"), "{html}");
    assert!(!html.contains("It is good"), "{html}");
    let (_, html) = read(approver.get("/admin").await).await;
    assert!(html.contains("Post-mortem to review: I-1 vm3 is gone"), "{html}");
    done(&approver, &path, &[("do", "approve"), ("body", "Two."), ("version", "5")]).await;
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("Reviewed by") && !html.contains("was not reviewed"), "{html}");
    done(&operator, &path, &[("do", "save"), ("body", "Two."), ("version", "6"), ("tell_again", "on")]).await;
}

async fn action_items_are_public_with_their_progress_until_they_are_done(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let incident = over(&app, &stage, "vm3 is gone", "Gone.").await;
    let (operator, approver) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let path = format!("/admin/incidents/{}/post-mortem", incident.id);
    let public = format!("/incidents/{}/post-mortem", incident.id);
    done(&operator, &path, &[("do", "save"), ("body", "Text."), ("version", "0")]).await;
    let wrong = [("do", "add-item"), ("title", ""), ("owner", "Platform team"), ("due", "soon"), ("link", "ftp://x")];
    let (status, html) = read(operator.post_form(&path, &wrong).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("value=\"Platform team\"") && html.contains("Choose a day, written like"), "{html}");
    assert!(html.contains(">Text.</textarea>"), "the text stays");
    for (title, due) in [("Dumps run first", "2014-05-14"), ("All data is covered", "2014-05-30")] {
        let item = [
            ("do", "add-item"),
            ("title", title),
            ("owner", "Platform team"),
            ("due", due),
            ("link", "https://example.org/1"),
        ];
        done(&operator, &path, &item).await;
    }
    done(&operator, &path, &[("do", "submit"), ("version", "1")]).await;
    done(&approver, &path, &[("do", "approve"), ("version", "2")]).await;
    done(&operator, &path, &[("do", "publish"), ("version", "3")]).await;
    let (_, html) = read(app.get(&public).await).await;
    assert!(html.contains("0 of 2 done, 1 overdue") && html.contains("was due 14 May 2014"), "{html}");
    assert!(html.contains("by 30 May 2014") && html.contains("rel=\"nofollow noopener noreferrer\""), "{html}");
    let (_, html) = read(operator.get("/admin").await).await;
    assert!(html.contains("Overdue: Dumps run first"), "{html}");
    let (_, html) = read(operator.get("/admin/action-items?show=overdue").await).await;
    assert!(html.contains("Dumps run first") && !html.contains("All data is covered"), "{html}");
    assert!(read(operator.get("/admin/action-items?show=mine").await).await.1.contains("Nothing is left to do here"));
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let all: Value = program.get("/api/v1/action-items").await.json().await.unwrap();
    let of = |n: usize| all["items"][n]["id"].as_str().unwrap().to_owned();
    let item = format!("/admin/action-items/{}", of(0));
    let (status, html) =
        read(operator.post_form(&item, &[("do", "put"), ("state", "dropped"), ("version", "1")]).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("Say why it will not be done"), "{html}");
    done(&operator, &item, &[("do", "put"), ("state", "done"), ("version", "1")]).await;
    let (_, html) = read(app.get(&public).await).await;
    assert!(html.contains("1 of 2 done") && html.contains("done 15 May 2014"), "{html}");
    let place = format!("/api/v1/action-items/{}/state", of(1));
    let body = json!({"version": 1, "state": "dropped", "why": "The provider does it."});
    let answer = program.send_json(Method::POST, &place, &body).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["state"], "dropped");
    let (_, html) = read(app.get(&public).await).await;
    assert!(
        html.contains("1 of 2 done, 1 dropped") && html.contains("Will not be done: The provider does it."),
        "{html}"
    );
}

async fn a_program_writes_and_publishes_what_a_person_has_reviewed(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let incident = over(&app, &stage, "vm3 is gone", "Gone.").await;
    let program = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let approver = app.sign_in_as(Role::Approver).await;
    let place = format!("/api/v1/incidents/{}/post-mortem", incident.id);
    assert_eq!(program.get(&place).await.status(), 404);
    let send = async |method: Method, path: String, body: Value| {
        let answer = program.send_json(method, &path, &body).await;
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap_or_default())
    };
    let (status, begun) = send(Method::PUT, place.clone(), json!({"body": "Both disks died."})).await;
    assert_eq!((status, begun["state"].as_str(), begun["version"].as_i64()), (200, Some("draft"), Some(1)), "{begun}");
    let (status, _) = send(Method::PUT, place.clone(), json!({"body": "Other."})).await;
    assert_eq!(status, 409, "there is one already");
    send(Method::POST, format!("{place}/submit"), json!({"version": 1})).await;
    let (status, problem) = send(Method::POST, format!("{place}/publish"), json!({"version": 2})).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("not_reviewed")), "{problem}");
    let path = format!("/admin/incidents/{}/post-mortem", incident.id);
    done(&approver, &path, &[("do", "approve"), ("version", "2")]).await;
    let (_, public) = send(Method::POST, format!("{place}/publish"), json!({"version": 3})).await;
    assert_eq!(public["state"], "published");
    let items = format!("/api/v1/incidents/{}/action-items", incident.id);
    let item = json!({"title": "Dumps run first", "owner": "Platform team", "due": "2014-05-30"});
    let made = program.send_json(Method::POST, &items, &item).await;
    assert_eq!(made.status(), 201);
    let at = made.headers()["location"].to_str().unwrap().to_owned();
    let (_, edited) =
        send(Method::PATCH, at.clone(), json!({"version": 1, "due": null, "link": "https://example.org"})).await;
    assert_eq!((&edited["due"], edited["link"].as_str()), (&Value::Null, Some("https://example.org")));
    let (_, same) = send(Method::POST, format!("{at}/raise"), json!({"version": 2})).await;
    assert_eq!(same["version"], 2);
    let kept = program.http.delete(format!("{}{at}?version=2", app.base)).send().await.unwrap();
    assert_eq!(kept.json::<Value>().await.unwrap()["code"], "public");
    let of = format!("/api/v1/action-items?show=all&incident={}", incident.id);
    let listed: Value = program.get(&of).await.json().await.unwrap();
    assert_eq!(
        (listed["items"][0]["incident_number"].as_i64(), listed["items"].as_array().unwrap().len()),
        (Some(1), 1)
    );
    assert_eq!(program.get("/api/v1/action-items?show=mine").await.status(), 422);
}

storage::on_both!(
    a_post_mortem_goes_from_the_timeline_to_its_readers,
    a_text_that_is_not_saved_is_lost_by_no_button_of_its_page,
    what_is_changed_once_it_is_public_is_reviewed_before_it_is_told,
    action_items_are_public_with_their_progress_until_they_are_done,
    a_program_writes_and_publishes_what_a_person_has_reviewed,
);
