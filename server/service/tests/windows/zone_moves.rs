//! Windows that move with the rules of their zone, and what subscribers hear of it (TZ-2).

use crate::{AnHourAhead, World, services_with, thursday, utc};
use domain::ids::MaintenanceId;
use domain::maintenance::UpdateKind;
use domain::people::Role;
use domain::time::{Instant, ZoneRules};
use service::Error;
use service::deliveries::{About, DeliveriesQuery};
use service::keys::Purpose;
use service::maintenance::{MaintenanceInput, SeriesInput};
use service::subscribers::Subscribe;
use service::zones::SystemZones;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use storage::testing::Engine;

/// Somebody who follows everything.
async fn follower(w: &World) {
    let ask = Subscribe { email: "ann@example.net".to_owned(), ..Subscribe::default() };
    w.services.subscribe(None, ask).await.unwrap();
    let asked = w.t.db.read().await.unwrap().subscriber_by_email("ann@example.net").await.unwrap().unwrap();
    let link = w.services.keys.link(Purpose::Confirm, asked.id.0, asked.token_version);
    w.services.confirm(None, &link).await.unwrap();
}

/// How many mails told them of it.
async fn mails(w: &World, window: MaintenanceId) -> usize {
    let page = w.services.deliveries(&w.system, &DeliveriesQuery::default()).await.unwrap();
    page.items.iter().filter(|mail| matches!(&mail.about, About::Window { id, .. } if *id == window)).count()
}

async fn somebody_says_whether_a_move_is_told(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    follower(&w).await;
    let loud = w.scheduled(&thursday(&[vm3])).await;
    let quiet = w.scheduled(&thursday(&[vm3])).await;
    let moved_again = w.scheduled(&thursday(&[vm3])).await;
    let draft = w.services.draft_maintenance(&w.system, &thursday(&[vm3])).await.unwrap();
    let none = w.services.decide_zone_move(&w.system, loud.id, true).await;
    assert!(matches!(none, Err(Error::Refused { code: "nothing_to_decide", .. })));
    let before = w.services.waiting(&w.system).await.unwrap();

    w.services = services_with(&w.t.db, utc("Thu 12:30"), Arc::new(AnHourAhead(SystemZones::newest())));
    assert_eq!(w.services.follow_zones().await.unwrap(), 4);
    assert_eq!(w.services.follow_zones().await.unwrap(), 0);
    for m in [&loud, &quiet, &moved_again] {
        assert_eq!((mails(&w, m.id).await, w.window(m.id).await.sequence), (1, m.sequence + 1));
        let said = w.updates(m.id).await[1].body.as_str().to_owned();
        assert!(said.contains("The clocks of Europe/Dublin have new rules"), "{said}");
    }
    let asked = w.services.needs_me(&w.system).await.unwrap().zone_moves;
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|look| look.zone_move.rules == "2014z" && look.maintenance.id != draft.id));
    assert_eq!(w.services.waiting(&w.system).await.unwrap(), before + 3);
    assert!(w.services.maintenance_detail(&w.system, loud.id).await.unwrap().zone_move.is_some());

    let (vera, oisin) = (w.person("Vera", Role::Viewer).await, w.person("Oisín", Role::Operator).await);
    assert!(matches!(w.services.decide_zone_move(&vera, loud.id, true).await, Err(Error::Forbidden(_))));
    w.services.decide_zone_move(&oisin, loud.id, true).await.unwrap();
    w.services.decide_zone_move(&oisin, quiet.id, false).await.unwrap();
    // Whoever gives it another time tells of that anyway.
    let later = MaintenanceInput { end: Some("2014-05-15T23:00".to_owned()), ..MaintenanceInput::default() };
    w.services.edit_maintenance(&oisin, moved_again.id, None, &later, "").await.unwrap();
    let start = MaintenanceInput { start: Some("2014-05-15T21:00".to_owned()), ..MaintenanceInput::default() };
    w.services.edit_maintenance(&oisin, moved_again.id, None, &start, "").await.unwrap();
    assert_eq!((mails(&w, loud.id).await, mails(&w, quiet.id).await), (2, 1));
    assert!(w.services.needs_me(&w.system).await.unwrap().zone_moves.is_empty());
    assert_eq!(w.services.waiting(&w.system).await.unwrap(), before);
    for id in [loud.id, quiet.id, moved_again.id] {
        let again = w.services.decide_zone_move(&oisin, id, true).await;
        assert!(matches!(again, Err(Error::Refused { code: "nothing_to_decide", .. })));
    }
    let lines = w.audited().await;
    for verb in ["maintenance.tell_move", "maintenance.leave_quiet"] {
        assert_eq!(lines.iter().filter(|line| *line == verb).count(), 1, "{verb}");
    }
}

/// The rule of British Columbia before 2026, for `zic`.
const STALE: &str = "\
Rule Canada 2007 max - Mar Sun>=8 2:00 1:00 D
Rule Canada 2007 max - Nov Sun>=1 2:00 0 S
Zone America/Vancouver -8:00 Canada P%sT
";

/// A zone database of its own in a folder, made by the compiler of the zone database.
fn compiled(folder: &Path) -> SystemZones {
    let source = folder.join("old.zi");
    std::fs::write(&source, STALE).unwrap();
    let zic = ["/usr/sbin/zic", "/usr/bin/zic"].into_iter().find(|path| Path::new(path).exists()).unwrap_or("zic");
    let out = Command::new(zic).arg("-d").arg(folder).arg(&source).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    std::fs::write(folder.join("tzdata.zi"), "# version 2025b\n").unwrap();
    SystemZones::in_dir(folder).unwrap()
}

async fn a_newer_zone_database_moves_a_series_exactly_once_and_asks_once(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let stale = compiled(folder.path());
    let noon = |zones: &SystemZones| {
        let local = "2026-12-15T12:00:00".parse().unwrap();
        zones.resolve("America/Vancouver", local).unwrap()
    };
    let at = |text: &str| domain::time::LocalTime::One(text.parse::<Instant>().unwrap());
    assert_eq!((stale.version().as_str(), noon(&stale)), ("2025b", at("2026-12-15T20:00:00Z")));
    assert_eq!(noon(&SystemZones::newest()), at("2026-12-15T19:00:00Z"));

    let mut w = World::begin(engine, "Thu 12:00").await;
    w.services = services_with(&w.t.db, utc("2026-12-10 12:00"), Arc::new(stale));
    let (vm3, _) = w.simple(&[("2026-12-10 03:00", "2026-12-10 04:00")]).await;
    follower(&w).await;
    let weekly = SeriesInput {
        title: Some("Updates".to_owned()),
        hosts: Some(vec![vm3.to_string()]),
        zone: Some("America/Vancouver".to_owned()),
        start: Some("2026-12-15T12:00".to_owned()),
        length: Some("2 h".to_owned()),
        rule: Some("FREQ=WEEKLY;COUNT=3".to_owned()),
        ..SeriesInput::default()
    };
    let series = w.services.add_series(&w.system, None, &weekly).await.unwrap();
    assert_eq!(w.services.follow_zones().await.unwrap(), 0);
    let windows = |w: &World| {
        let (services, system, id) = (w.services.clone(), w.system.clone(), series.id);
        async move {
            let detail = services.series_detail(&system, id).await.unwrap();
            detail.dates.into_iter().map(|dated| dated.maintenance.unwrap()).collect::<Vec<_>>()
        }
    };
    let before = windows(&w).await;
    assert_eq!(before[0].planned.starts_at, utc("2026-12-15 20:00"));

    w.services = services_with(&w.t.db, utc("2026-12-10 13:00"), Arc::new(SystemZones::newest()));
    assert_eq!(w.services.follow_zones().await.unwrap(), 3);
    assert_eq!(w.services.follow_zones().await.unwrap(), 0);
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
    let after = windows(&w).await;
    for (n, (m, old)) in after.iter().zip(&before).enumerate() {
        assert_eq!(m.planned.starts_at, domain::time::Span::hours(1).before(old.planned.starts_at));
        assert_eq!((m.planned.local_start, m.sequence), (old.planned.local_start, old.sequence + 1));
        assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Rescheduled]);
        assert_eq!(mails(&w, m.id).await, usize::from(n == 0), "only the series was told of");
    }
    // One question for the whole series, and one mail.
    let asked = w.services.needs_me(&w.system).await.unwrap().zone_moves;
    assert_eq!((asked.len(), asked[0].others, asked[0].maintenance.id), (1, 2, after[0].id));
    assert!(!w.services.series_detail(&w.system, series.id).await.unwrap().dates.iter().any(|dated| dated.was_moved));
    w.services.decide_zone_move(&w.system, after[0].id, true).await.unwrap();
    assert_eq!((mails(&w, after[0].id).await, mails(&w, after[1].id).await), (2, 0));
    assert!(w.services.needs_me(&w.system).await.unwrap().zone_moves.is_empty());
}

storage::on_both!(
    somebody_says_whether_a_move_is_told,
    a_newer_zone_database_moves_a_series_exactly_once_and_asks_once,
);
