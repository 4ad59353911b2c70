//! Work with a checklist.

use crate::{World, thursday, utc};
use domain::maintenance::{Maintenance, State, UpdateKind};
use domain::people::Role;
use service::Error;
use service::maintenance::MaintenanceInput;
use storage::testing::Engine;

const LINES: [&str; 2] = ["RAID is clean", "Sites answer"];

/// Under way since Thursday 19:00, with a checklist.
async fn running(w: &mut World) -> Maintenance {
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let listed = MaintenanceInput { checklist: Some(LINES.map(ToOwned::to_owned).to_vec()), ..thursday(&[vm3]) };
    let m = w.scheduled(&listed).await;
    w.at("Thu 18:30");
    w.ran(job, "Thu 18:00", "Thu 18:20").await;
    w.pass("Thu 19:00").await;
    let m = w.window(m.id).await;
    assert_eq!((m.state, m.open_lines()), (State::InProgress, 2));
    m
}

async fn it_ends_by_itself_only_as_far_as_the_checklist(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let m = running(&mut w).await;
    assert_eq!(w.pass("Thu 21:00").await, 1);
    w.restart();
    assert_eq!(w.pass("Fri 03:00").await, 0);
    let checking = w.window(m.id).await;
    assert_eq!((checking.state, checking.ended_at), (State::Verifying, None));
    assert_eq!(w.audited().await.last().map(String::as_str), Some("maintenance.verify"));
    assert_eq!(w.services.needs_me(&w.system).await.unwrap().overdue, [checking]);

    let (oisin, grace) = (w.person("Oisín Kelly", Role::Operator).await, w.person("Grace Nolan", Role::Approver).await);
    let open = w.services.complete_maintenance(&oisin, m.id, None, "").await;
    assert!(matches!(open, Err(Error::Refused { code: "checklist_open", .. })), "{open:?}");
    w.services.tick_line(&oisin, m.id, LINES[0], true).await.unwrap();
    w.services.tick_line(&grace, m.id, LINES[1], true).await.unwrap();
    let twice = w.services.tick_line(&oisin, m.id, LINES[1], true).await.unwrap();
    let ticks: Vec<_> = twice.checklist.iter().map(|line| line.tick.as_ref().unwrap()).collect();
    assert_eq!([ticks[0].by.as_str(), ticks[1].by.as_str()], ["Oisín Kelly", "Grace Nolan"]);
    assert_eq!(ticks[1].at, utc("Fri 03:00"));
    let none = w.services.tick_line(&oisin, m.id, "Mail flows", true).await;
    assert!(matches!(none, Err(Error::Invalid(fields)) if fields[0].field == "line"));
    let done = w.services.complete_maintenance(&oisin, m.id, Some(twice.version), "").await.unwrap();
    assert_eq!((done.state, done.ended_at, done.done_anyway), (State::Completed, Some(utc("Fri 03:00")), None));
    // Customers saw that it was checked, and nothing of the lines.
    assert_eq!(
        w.kinds(m.id).await,
        [UpdateKind::Scheduled, UpdateKind::Started, UpdateKind::Verifying, UpdateKind::Completed]
    );
    let ticked = w.audited().await.into_iter().filter(|verb| verb == "maintenance.tick").count();
    assert_eq!(ticked, 2);
}

async fn with_lines_open_it_takes_a_reason_to_complete(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let m = running(&mut w).await;
    let silent = w.services.complete_maintenance_anyway(&w.system, m.id, None, "", " ").await;
    assert!(matches!(silent, Err(Error::Invalid(fields)) if fields[0].field == "why"));
    let why = "The array still rebuilds; checked tomorrow.";
    let done = w.services.complete_maintenance_anyway(&w.system, m.id, None, "All is well.", why).await.unwrap();
    assert_eq!((done.state, done.open_lines()), (State::Completed, 2));
    assert_eq!(w.window(m.id).await.done_anyway.unwrap().as_str(), why);
    assert_eq!(w.updates(m.id).await[2].body.as_str(), "All is well.");
    assert_eq!(w.audited().await.last().map(String::as_str), Some("maintenance.complete_anyway"));
}

async fn the_lines_are_read_and_kept_like_other_words(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let m = running(&mut w).await;
    let change = |lines: &[&str]| MaintenanceInput {
        checklist: Some(lines.iter().map(ToString::to_string).collect()),
        ..MaintenanceInput::default()
    };
    let wrong = w.services.edit_maintenance(&w.system, m.id, None, &change(&["a", "A"]), "").await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].field == "checklist"));
    let longer = w.services.edit_maintenance(&w.system, m.id, None, &change(&["", "a", LINES[0]]), "").await.unwrap();
    assert_eq!(longer.checklist.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["a", LINES[0]]);
    let words = MaintenanceInput { title: Some("Replace two disks".to_owned()), ..MaintenanceInput::default() };
    let same = w.services.edit_maintenance(&w.system, m.id, None, &words, "").await.unwrap();
    assert_eq!(same.checklist, longer.checklist);
    w.services.verify_maintenance(&w.system, m.id, None, "").await.unwrap();
    let late = w.services.edit_maintenance(&w.system, m.id, None, &change(&["a"]), "").await;
    assert!(matches!(late, Err(Error::Invalid(fields)) if fields[0].field == "checklist"));
    let vera = w.person("Vera Walsh", Role::Viewer).await;
    assert!(matches!(w.services.tick_line(&vera, m.id, "a", true).await, Err(Error::Forbidden(_))));
}

storage::on_both!(
    it_ends_by_itself_only_as_far_as_the_checklist,
    with_lines_open_it_takes_a_reason_to_complete,
    the_lines_are_read_and_kept_like_other_words,
);
