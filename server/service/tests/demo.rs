//! The demo week on real databases.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use domain::finding::Kind;
use domain::gate::{Purpose, Reason};
use domain::incident::IncidentState;
use domain::maintenance::State;
use domain::text::Name;
use service::findings::FindingsQuery;
use service::keys::Keys;
use service::maintenance::scope_of;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::sync::Arc;
use storage::maintenance::Order;
use storage::testing::{Engine, TestDb};

async fn the_demo_tells_the_story_whenever_it_is_loaded(engine: Engine) {
    // A summer day, both changes of the clocks, and New Year.
    for now in ["2014-05-14T10:07:00Z", "2026-03-29T00:40:00Z", "2026-10-25T01:30:00Z", "2027-01-01T00:00:00Z"] {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(now.parse().unwrap()),
            keys: Keys::new(vec![3; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "http://127.0.0.1:8080".to_owned(),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        services.load_demo().await.unwrap_or_else(|e| panic!("{now}: {e:?}"));
        assert!(matches!(services.load_demo().await, Err(Error::Refused { code: "not_empty", .. })));
        let mut tx = db.db.read().await.unwrap();
        let all = [State::Draft, State::Scheduled, State::InProgress, State::Completed, State::Cancelled];
        let windows = tx.maintenances_in(&all, Order::Earliest, None, 99).await.unwrap();
        let states: Vec<State> = windows.iter().map(|m| m.state).collect();
        for state in all {
            assert!(states.contains(&state), "{now}: no window is {state:?}: {states:?}");
        }
        let incidents = tx.incidents_before(&[IncidentState::Resolved], None, 9).await.unwrap();
        let [incident, ..] = incidents.as_slice() else { panic!("{now}: {incidents:?}") };
        let cause = windows.iter().find(|m| Some(m.id) == incident.maintenance).unwrap();
        assert!(cause.started_at < Some(incident.started_at), "{now}: {incident:?}");
        assert_eq!(tx.incident_updates_of(&[incident.id]).await.unwrap().len(), 4);
        drop(tx);
        let draft = windows.iter().find(|m| m.state == State::Draft).unwrap();
        let checked = services.check_gate(&Actor::system(), Purpose::Schedule, &scope_of(draft)).await.unwrap();
        let reasons: Vec<&Reason> = checked.verdict.reasons().iter().map(|finding| &finding.reason).collect();
        assert!(
            matches!(reasons.as_slice(), [_, _, _])
                && reasons.iter().any(|r| matches!(r, Reason::TooOld { .. }))
                && reasons.iter().any(|r| matches!(r, Reason::NotCarried { .. }))
                && reasons.iter().any(|r| matches!(r, Reason::NoJob)),
            "{now}: {reasons:?}"
        );
        let archive = services.announcement_archive(None, None).await.unwrap();
        assert_eq!(archive.announcements.len(), 3, "{now}");
        assert_eq!(services.banners().await.unwrap().shown.len(), 1, "{now}");
        let needs = services.after_needs(&Actor::system()).await.unwrap();
        let of = needs.overdue.first().unwrap_or_else(|| panic!("{now}: nothing is overdue")).item.incident;
        let (_, learned) = services.public_post_mortem(of).await.unwrap();
        assert_eq!(learned.progress.words(), "3 of 5 done, 1 overdue", "{now}");
        services.watch_findings().await.unwrap();
        let found = services.findings(&Actor::system(), &FindingsQuery::default()).await.unwrap().open;
        let found: Vec<_> = found.iter().map(|c| (c.finding.what.kind(), c.finding.place.as_str())).collect();
        assert_eq!(
            found,
            [
                (Kind::NoJob, "legacy-shop · files"),
                (Kind::DumpLate, "web-12 · database: nightly dump"),
                (Kind::DumpDrifting, "web-14 · database: nightly dump"),
            ],
            "{now}"
        );
    }
}

storage::on_both!(the_demo_tells_the_story_whenever_it_is_loaded);
