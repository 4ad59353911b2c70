//! An installation in which nothing was set up yet claims nothing.

use crate::test_app::TestApp;
use domain::people::Role;
use service::Actor;
use service::inventory::{ComponentInput, HostInput};
use storage::testing::Engine;

async fn page(app: &TestApp, path: &str) -> String {
    let answer = app.sign_in_as(Role::Admin).await.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn who_begins_reads_that_nothing_is_watched_and_no_mail_leaves(engine: Engine) {
    let app = TestApp::start(engine).await;
    let start = page(&app, "/admin").await;
    assert!(start.contains("Nothing is watched yet") && start.contains("href=\"/admin/hosts/new\""), "{start}");
    assert!(!start.contains("mails go out") && !start.contains("every data set has a good run"), "{start}");
    let findings = page(&app, "/admin/findings").await;
    assert!(findings.contains("Nothing is watched yet") && !findings.contains("Every host is claimed"), "{findings}");
    assert!(page(&app, "/admin/data-sets").await.contains("None is asked about yet"));
    assert!(page(&app, "/admin/coverage").await.contains("there is none yet."));
    assert!(page(&app, "/admin/account").await.contains("no mail leaves."));
    let reports = page(&app, "/admin/reports").await;
    assert!(!reports.contains("Over, and not closed."), "{reports}");

    let component = ComponentInput { name: "Mail".to_owned(), ..ComponentInput::default() };
    app.services.add_component(&Actor::system(), component).await.unwrap();
    let start = page(&app, "/admin").await;
    assert!(start.contains("no data set is watched yet, and no mail server is configured."), "{start}");
    let host = HostInput { name: "vm3".to_owned(), ..HostInput::default() };
    app.services.add_host(&Actor::system(), host).await.unwrap();
    assert!(!page(&app, "/admin/findings").await.contains("Nothing is watched yet"));
}

async fn a_report_says_that_no_backup_was_expected(engine: Engine) {
    let app = TestApp::start(engine).await;
    let desk = page(&app, "/admin/reports/2014-05").await;
    assert!(desk.contains("Backups on time") && desk.contains("nothing was expected"), "{desk}");
}

storage::on_both!(
    who_begins_reads_that_nothing_is_watched_and_no_mail_leaves,
    a_report_says_that_no_backup_was_expected,
);
