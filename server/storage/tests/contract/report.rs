use super::host::at;
use super::job::web_12;
use super::run::run;
use domain::backup::Job;
use domain::drill::Drill;
use domain::finding::digest::DigestHour;
use domain::ids::{DrillId, FigureId, HostId, MaintenanceId, ReportCorrectionId, UpdateId};
use domain::maintenance::{Leads, Maintenance, State, Update, UpdateKind};
use domain::metric::Aggregate;
use domain::policy::Policy;
use domain::report::{
    Backups, Better, Content, Correction, Drills, Figure, FigureLine, Month, Report, Windows, differences,
};
use domain::run::{Run, RunState};
use domain::site::Site;
use domain::text::{Name, Prose, Slug};
use domain::time::{Instant, Span, Stretch};
use storage::StoreError;
use storage::report::FigureValue;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn figure(n: u128, slug: &str) -> Figure {
    Figure {
        id: FigureId(Uuid::from_u128(n)),
        slug: Slug::parse(slug).unwrap(),
        name: Name::parse("Support requests").unwrap(),
        unit: String::new(),
        decimals: 0,
        better: Better::Down,
        aggregate: Aggregate::Sum,
        is_public: true,
        position: 10 - i64::try_from(n).unwrap(),
        retired_at: None,
        version: 1,
    }
}

fn value(of: &Figure, month: Month, value: f64) -> FigureValue {
    FigureValue { month, figure: of.id, value, by: "Ada".to_owned(), at: at(7) }
}

fn report(of: &str, alerts: f64) -> Report {
    let month = month(of);
    let from: Instant = format!("{of}-01T00:00:00Z").parse().unwrap();
    let line = FigureLine::of(&figure(1, "alerts"), month, |m| (m == month).then_some(alerts));
    Report {
        month,
        frozen_at: at(9),
        content: Content {
            month,
            zone: "UTC".to_owned(),
            stretch: Stretch::new(from, Span::days(31).after(from)),
            availability: None,
            incidents: vec![],
            windows: Windows::default(),
            backups: Backups::default(),
            drills: Drills::default(),
            figures: vec![line],
        },
        corrected_at: None,
        version: 1,
    }
}

async fn figures_and_their_values_come_back_as_they_were_stored(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (first, second) = (figure(1, "alerts"), figure(2, "servers"));
    tx.insert_report_figure(&first, at(0)).await.unwrap();
    tx.insert_report_figure(&second, at(0)).await.unwrap();
    assert_eq!(tx.report_figures(false).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(tx.report_figure_at("alerts").await.unwrap(), Some(first.clone()));
    let taken = tx.insert_report_figure(&figure(3, "alerts"), at(0)).await;
    assert!(matches!(taken, Err(StoreError::Conflict("figure"))));
    drop(tx);
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_report_figure(&first, at(0)).await.unwrap();
    tx.insert_report_figure(&second, at(0)).await.unwrap();
    let retired = Figure { retired_at: Some(at(5)), ..first.clone() };
    tx.update_report_figure(&retired).await.unwrap();
    assert_eq!(tx.report_figure(first.id).await.unwrap(), Figure { version: 2, ..retired.clone() });
    assert!(matches!(tx.update_report_figure(&retired).await, Err(StoreError::Stale("figure"))));
    assert_eq!(tx.report_figure_at("alerts").await.unwrap(), None);
    assert!(matches!(tx.report_figure(FigureId(Uuid::nil())).await, Err(StoreError::NotFound("figure"))));

    let (april, may, june) = (month("2014-04"), month("2014-05"), month("2014-06"));
    for told in [value(&first, may, 1332.0), value(&second, may, 300.0), value(&second, june, 301.5)] {
        tx.put_figure_value(&told).await.unwrap();
    }
    tx.put_figure_value(&value(&second, may, 299.0)).await.unwrap();
    let told = tx.figure_values(april, may).await.unwrap();
    assert_eq!(told, [value(&first, may, 1332.0), value(&second, may, 299.0)]);
    tx.drop_figure_value(may, first.id).await.unwrap();
    assert_eq!(tx.figure_values(may, june).await.unwrap().len(), 2);
}

async fn a_report_is_put_down_once_and_corrected_with_a_note(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let may = report("2014-05", 1332.0);
    assert!(tx.freeze_report(&may).await.unwrap());
    assert!(!tx.freeze_report(&report("2014-05", 1.0)).await.unwrap());
    assert!(tx.freeze_report(&report("2014-07", 2.0)).await.unwrap());
    assert_eq!(tx.report(may.month).await.unwrap(), Some(may.clone()));
    assert_eq!(tx.report(month("2014-06")).await.unwrap(), None);
    let months =
        |lines: Vec<storage::report::ReportLine>| lines.iter().map(|l| l.month.to_string()).collect::<Vec<_>>();
    assert_eq!(months(tx.reports(month("2014-12"), 9).await.unwrap()), ["2014-07", "2014-05"]);
    assert_eq!(months(tx.reports(month("2014-06"), 9).await.unwrap()), ["2014-05"]);
    assert_eq!(tx.reports(month("2014-12"), 1).await.unwrap()[0].headline, report("2014-07", 2.0).content.headline());
    assert_eq!(tx.report_after(may.month).await.unwrap(), Some(month("2014-07")));
    assert_eq!(tx.report_after(month("2014-07")).await.unwrap(), None);

    let content = report("2014-05", 1330.0).content;
    let after = Report { content, corrected_at: Some(at(20)), ..may.clone() };
    let note = Correction {
        id: ReportCorrectionId(Uuid::from_u128(1)),
        month: may.month,
        at: at(20),
        by: "Ada".to_owned(),
        why: "Two alerts were tests.".to_owned(),
        changes: differences(&may.content, &after.content),
        replaced: 1,
    };
    tx.correct_report(&may, &after, &note).await.unwrap();
    let stored = tx.report(may.month).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.corrected_at, &stored.content), (2, Some(at(20)), &after.content));
    assert_eq!(tx.corrections_of(may.month).await.unwrap(), std::slice::from_ref(&note));
    assert_eq!(note.changes.len(), 1);
    assert_eq!(tx.replaced_report(may.month, 1).await.unwrap(), may.content);
    assert!(matches!(tx.replaced_report(may.month, 2).await, Err(StoreError::NotFound(_))));
    let again = Correction { id: ReportCorrectionId(Uuid::from_u128(2)), ..note };
    assert!(matches!(tx.correct_report(&may, &after, &again).await, Err(StoreError::Stale("report"))));
}

async fn what_a_month_was_like_is_found_by_its_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let site = Site {
        install_id: Uuid::from_u128(9),
        name: Name::parse("Northwind").unwrap(),
        zone: "UTC".to_owned(),
        policy: Policy::default(),
        reminders: Leads::default(),
        keep_runs: None,
        digest_hour: DigestHour::default(),
        weights: domain::availability::Weights::default(),
        version: 1,
    };
    tx.ensure_site(&site).await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    tx.update_job(&Job { enabled: false, ..dump.clone() }).await.unwrap();
    let hour = |n: i64| Span::hours(n).after(at(0));
    let states =
        [(3, RunState::Succeeded), (27, RunState::Warning), (28, RunState::Succeeded), (29, RunState::Succeeded)];
    let last = [(51, RunState::Failed), (400, RunState::Succeeded)];
    for (n, (started, state)) in (1..).zip(states.into_iter().chain(last)) {
        let started_at = hour(started);
        let run = Run {
            started_at,
            finished_at: Some(Span::hours(1).after(started_at)),
            received_at: hour(500),
            ..run(n, 21, state)
        };
        tx.insert_run(&run, None).await.unwrap();
    }
    let facts = tx.backup_facts(Stretch::new(at(0), hour(72))).await.unwrap();
    assert_eq!(facts.len(), 1, "{facts:?}");
    assert_eq!((facts[0].id, facts[0].every, facts[0].created_at), (files.id, files.every, at(0)));
    assert_eq!(facts[0].good, [hour(3), hour(28)], "of a burst the first, no failed one, none with warnings");
    assert!(tx.backup_facts(Stretch::new(hour(-72), at(0))).await.unwrap().is_empty(), "there was no job yet");

    let done = Drill::plan(DrillId(Uuid::from_u128(1)), HostId(Uuid::from_u128(1)), None, "Ada".to_owned(), hour(1));
    let done = Drill::reported(done, true, Some(hour(2)), hour(4), Some(7), hour(500));
    tx.insert_drill(&done).await.unwrap();
    assert_eq!(tx.drills_ended(Stretch::new(hour(3), hour(5)), 9).await.unwrap(), [done]);
    assert!(tx.drills_ended(Stretch::new(hour(5), hour(9)), 9).await.unwrap().is_empty());
    assert_eq!((tx.first_deed().await.unwrap(), tx.private_components().await.unwrap().len()), (None, 0));
}

async fn windows_are_found_by_their_plan_and_by_what_was_told(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let day = |n: i64| super::maintenance::at(n * 1440);
    for (n, start) in [(1, 10), (2, 20), (3, 40), (4, 70)] {
        let planned = Maintenance {
            published_at: (n != 2).then(|| day(1)),
            ..super::maintenance::window(n, State::Scheduled, start * 1440)
        };
        tx.add_maintenance(&planned).await.unwrap();
    }
    // Of the third something was told in the month.
    let told = Update {
        id: UpdateId(Uuid::from_u128(1)),
        maintenance_id: MaintenanceId(Uuid::from_u128(3)),
        kind: UpdateKind::Postponed,
        body: Prose::default(),
        at: day(25),
        author: None,
        old_starts_at: None,
        old_ends_at: None,
        starts_at: day(40),
        ends_at: day(41),
    };
    tx.add_update(&told).await.unwrap();
    let found = tx.windows_of(Stretch::new(day(0), day(31))).await.unwrap();
    assert_eq!(found.iter().map(|m| m.id.0.as_u128()).collect::<Vec<_>>(), [1, 3], "no draft, none of another month");
}

storage::on_both!(
    figures_and_their_values_come_back_as_they_were_stored,
    a_report_is_put_down_once_and_corrected_with_a_note,
    what_a_month_was_like_is_found_by_its_time,
    windows_are_found_by_their_plan_and_by_what_was_told,
);
