//! What stands in the way of windows beside the gate.

use crate::*;
use domain::conflict::{Conflict, Force};
use domain::freeze::Freeze;
use domain::slot::NoSlot;
use domain::time::Stretch;
use service::agenda::AgendaQuery;
use service::conflicts::{Asked, FreezeInput, IcsInput, RedundancyInput};

/// Two hosts with a backup each night from 22:00 to 23:00, known since Monday; it is Wednesday, 23:30.
async fn pair(engine: Engine) -> (World, HostId, HostId) {
    let w = World::begin(engine, "Mon 12:00").await;
    let mut hosts = Vec::new();
    for called in ["ns-1", "ns-2"] {
        let host = w.host(called, None).await;
        let data = w.data(host, "files").await;
        let job = w.job(data, "nightly", None).await;
        for day in ["Mon", "Tue", "Wed"] {
            w.ran(job, &format!("{day} 22:00"), &format!("{day} 23:00")).await;
        }
        hosts.push(host);
    }
    w.at("Wed 23:30");
    (w, hosts[0], hosts[1])
}

/// Local times are those of Dublin, an hour ahead of UTC.
fn plan(hosts: &[HostId], start: &str, end: &str) -> MaintenanceInput {
    MaintenanceInput {
        title: Some("New kernel".to_owned()),
        message: Some(String::new()),
        hosts: Some(hosts.iter().map(ToString::to_string).collect()),
        components: Some(vec![]),
        zone: Some("Europe/Dublin".to_owned()),
        start: Some(format!("2014-05-{start}")),
        end: Some(format!("2014-05-{end}")),
        ..MaintenanceInput::default()
    }
}

fn group(hosts: &[HostId], force: &str) -> RedundancyInput {
    RedundancyInput {
        name: "Name servers".to_owned(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        force: force.to_owned(),
    }
}

fn freeze(force: &str, start: &str, end: &str) -> FreezeInput {
    FreezeInput {
        name: "Elections".to_owned(),
        zone: "Europe/Dublin".to_owned(),
        start: format!("2014-05-{start}"),
        end: format!("2014-05-{end}"),
        whole_site: true,
        hosts: vec![],
        components: vec![],
        force: force.to_owned(),
    }
}

fn codes(conflicts: &[Conflict]) -> Vec<&'static str> {
    conflicts.iter().map(Conflict::code).collect()
}

async fn person(w: &World) -> Actor {
    w.person("Oisín Kelly", Role::Operator).await
}

async fn schedule(w: &World, actor: &Actor, input: &MaintenanceInput) -> Result<Maintenance, Error> {
    match w.services.schedule_maintenance(actor, Target::New, input).await? {
        Planning::Scheduled(m) => Ok(m),
        other => panic!("{other:?}"),
    }
}

async fn work_on_both_of_a_pair_is_refused_with_every_reason(engine: Engine) {
    let (w, one, two) = pair(engine).await;
    let oisin = person(&w).await;
    w.services.add_redundancy_group(&w.system, &group(&[one, two], "")).await.unwrap();
    schedule(&w, &oisin, &plan(&[one], "15T02:00", "15T04:00")).await.unwrap();
    w.services.add_freeze(&w.system, &freeze("block", "15T03:30", "16T00:00")).await.unwrap();

    let both = plan(&[two], "15T03:00", "15T05:00");
    let refused = w.services.schedule_maintenance(&oisin, Target::New, &both).await.unwrap_err();
    let Error::Conflicts { conflicts, asks_why: false, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&conflicts), ["redundancy", "freeze"]);
    // Nothing was kept of it.
    assert_eq!(w.services.maintenances(&oisin, Listing::Drafts, None, 9).await.unwrap(), []);

    // Windows that touch are in nobody's way; moved into each other they are.
    let after = schedule(&w, &oisin, &plan(&[two], "15T00:45", "15T02:00")).await.unwrap();
    let moved = MaintenanceInput { end: Some("2014-05-15T02:30".to_owned()), ..MaintenanceInput::default() };
    let refused = w.services.edit_maintenance(&oisin, after.id, None, &moved, "").await.unwrap_err();
    assert!(
        matches!(&refused, Error::Conflicts { conflicts, .. } if codes(conflicts) == ["redundancy"]),
        "{refused:?}"
    );
    assert_eq!(w.services.maintenance(&oisin, after.id).await.unwrap(), after);
    // Words may change.
    let words = MaintenanceInput { title: Some("Newer kernel".to_owned()), ..MaintenanceInput::default() };
    w.services.edit_maintenance(&oisin, after.id, None, &words, "").await.unwrap();
}

async fn whoever_has_a_reason_goes_ahead_where_a_rule_warns(engine: Engine) {
    let (w, one, _) = pair(engine).await;
    let oisin = person(&w).await;
    w.services.add_freeze(&w.system, &freeze("warn", "15T00:00", "16T00:00")).await.unwrap();
    let input = plan(&[one], "15T02:00", "15T04:00");
    let refused = w.services.schedule_maintenance(&oisin, Target::New, &input).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflicts { asks_why: true, .. }), "{refused:?}");
    let input = MaintenanceInput { conflicts_why: Some("The disk will not last.".to_owned()), ..input };
    let m = schedule(&w, &oisin, &input).await.unwrap();
    let look = w.services.conflicts_of(&oisin, m.id).await.unwrap();
    assert_eq!(codes(&look.now), ["freeze"]);
    assert_eq!(
        (look.accepted[0].by.as_str(), look.accepted[0].why.as_str()),
        ("Oisín Kelly", "The disk will not last.")
    );
    assert_eq!(look.accepted[0].conflicts, look.now);

    // Work under way takes the time it takes, but a rule still asks for a reason.
    w.at("Thu 01:00");
    w.services.run_due().await.unwrap();
    let block = FreezeInput { name: "Count".to_owned(), ..freeze("block", "15T04:00", "15T05:00") };
    w.services.add_freeze(&w.system, &block).await.unwrap();
    let longer = ExtendInput { by: "30 min".to_owned(), ..ExtendInput::default() };
    let refused = w.services.extend_maintenance(&oisin, m.id, None, &longer).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Conflicts { conflicts, asks_why: true, .. } if conflicts.len() == 2),
        "{refused:?}"
    );
    let longer = ExtendInput { conflicts_why: "It is open on the table.".to_owned(), ..longer };
    w.services.extend_maintenance(&oisin, m.id, None, &longer).await.unwrap();
    assert_eq!(w.services.conflicts_of(&oisin, m.id).await.unwrap().accepted.len(), 2);
}

async fn a_backup_in_the_way_is_told_and_the_next_slot_avoids_it(engine: Engine) {
    let (w, one, two) = pair(engine).await;
    let oisin = person(&w).await;
    let asked = |start: &str, end: &str| Asked {
        hosts: vec!["ns-1".to_owned()],
        start: format!("2014-05-{start}"),
        end: format!("2014-05-{end}"),
        length: "2 h".to_owned(),
        ..Asked::default()
    };
    // 22:00 UTC is 23:00 in Dublin.
    let found = w.services.conflicts_for(&oisin, &asked("15T23:30", "16T00:30")).await.unwrap();
    assert_eq!(codes(&found), ["backup"]);
    assert_eq!(found[0].stretch(), Stretch::new(utc("Thu 22:00"), utc("Thu 23:00")));
    assert!(w.services.conflicts_for(&oisin, &asked("16T00:00", "16T02:00")).await.unwrap().is_empty());
    // It is only told.
    schedule(&w, &oisin, &plan(&[two], "15T23:30", "16T00:30")).await.unwrap();

    let slots = w.services.slots_for(&oisin, &asked("", "")).await.unwrap().slots;
    // Backed up now, until four hours after the run began; then each night after it.
    let starts: Vec<Instant> = slots.iter().map(|slot| slot.stretch.from).collect();
    assert_eq!(starts, [utc("Wed 23:30"), utc("Thu 23:10"), utc("Fri 23:10")]);
    assert_eq!(slots[0].start_before, utc("Thu 02:00"));

    let freeze =
        FreezeInput { whole_site: false, hosts: vec![one.to_string()], ..freeze("warn", "15T00:00", "16T01:00") };
    w.services.add_freeze(&w.system, &freeze).await.unwrap();
    let slots = w.services.slots_for(&oisin, &asked("", "")).await.unwrap().slots;
    assert_eq!(slots[0].stretch, Stretch::new(utc("Fri 00:00"), utc("Fri 02:00")));

    w.host("hand-built", None).await;
    let bare = Asked { hosts: vec!["hand-built".to_owned()], length: "1 h".to_owned(), ..Asked::default() };
    let none = w.services.slots_for(&oisin, &bare).await.unwrap().none;
    assert_eq!(none, [NoSlot::NotForeseen { place: "hand-built".to_owned() }]);
    let wrong = Asked { hosts: vec!["nobody".to_owned()], length: "x".to_owned(), ..Asked::default() };
    assert!(matches!(w.services.slots_for(&oisin, &wrong).await, Err(Error::Invalid(fields)) if fields.len() == 2));
}

const CALENDAR: &str = "BEGIN:VCALENDAR\nX-WR-CALNAME:Trade\n\
    BEGIN:VEVENT\nUID:a\nSUMMARY:Sale\nDTSTART;VALUE=DATE:20140520\nEND:VEVENT\n\
    BEGIN:VEVENT\nUID:b\nSUMMARY:Market\nDTSTART:20140521T100000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\n\
    BEGIN:VEVENT\nUID:c\nSUMMARY:Broken\nEND:VEVENT\nEND:VCALENDAR\n";

async fn a_calendar_is_imported_once_however_often(engine: Engine) {
    let (w, ..) = pair(engine).await;
    let ics = |text: &str| IcsInput {
        ics: text.to_owned(),
        whole_site: true,
        force: "warn".to_owned(),
        ..IcsInput::default()
    };
    let planned = w.services.plan_freeze_import(&w.system, &ics(CALENDAR)).await.unwrap();
    assert_eq!((planned.comparison.added.len(), planned.left_out.len()), (2, 1));
    assert_eq!(w.services.freezes(&w.system).await.unwrap().freezes, []);
    let other = w.services.import_freezes(&w.system, &ics(CALENDAR), Some("something else")).await;
    assert!(matches!(other, Err(Error::Refused { code: "changed", .. })), "{other:?}");
    w.services.import_freezes(&w.system, &ics(CALENDAR), Some(&planned.seen)).await.unwrap();
    let again = w.services.import_freezes(&w.system, &ics(CALENDAR), None).await.unwrap();
    assert!(again.comparison.is_empty() && again.comparison.unchanged == 2, "{again:?}");
    let stored = w.services.freezes(&w.system).await.unwrap().freezes;
    let named = |freeze: &Freeze| (freeze.name.to_string(), freeze.times.len(), freeze.force);
    let told: Vec<_> = stored.iter().map(named).collect();
    assert_eq!(told, [("Sale".to_owned(), 1, Force::Warn), ("Market".to_owned(), 3, Force::Warn)]);
    // A whole day of the site's zone.
    assert_eq!(stored[0].times[0].stretch.from.to_rfc3339(), "2014-05-19T23:00:00+00:00");
    let fixed = w.services.edit_freeze(&w.system, stored[0].id, 1, &freeze("warn", "15T00:00", "16T00:00")).await;
    assert!(matches!(fixed, Err(Error::Refused { code: "imported", .. })), "{fixed:?}");

    let shorter = CALENDAR.replace("UID:a", "UID:d").replace("COUNT=3", "COUNT=2");
    let changed = w.services.import_freezes(&w.system, &ics(&shorter), None).await.unwrap().comparison;
    assert_eq!((changed.added.len(), changed.changed.len(), changed.removed.len()), (1, 1, 1));
    let unreadable = shorter.replace("20140520", "soon");
    let kept = w.services.import_freezes(&w.system, &ics(&unreadable), None).await.unwrap();
    assert_eq!((kept.comparison.removed.len(), kept.left_out.len()), (0, 2), "what can not be read is not gone");
    let bad = w.services.import_freezes(&w.system, &ics("<html>"), None).await;
    assert!(matches!(&bad, Err(Error::Invalid(fields)) if fields[0].field == "ics"), "{bad:?}");
}

async fn rules_are_for_administrators_and_each_change_is_told_once(engine: Engine) {
    let (w, one, two) = pair(engine).await;
    let oisin = person(&w).await;
    for refused in [
        w.services.add_redundancy_group(&oisin, &group(&[one, two], "")).await.map(|_| ()),
        w.services.add_freeze(&oisin, &freeze("warn", "15T00:00", "16T00:00")).await.map(|_| ()),
        w.services.set_conflict_policy(&oisin, 1, "warn").await.map(|_| ()),
        w.services.import_freezes(&oisin, &IcsInput::default(), None).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let lines = || async {
        let mut tx = w.t.db.read().await.unwrap();
        tx.audit_before(None, None, None, 99).await.unwrap().into_iter().map(|line| line.action).collect::<Vec<_>>()
    };
    let before = lines().await.len();
    let added = w.services.add_redundancy_group(&w.system, &group(&[one, two], "warn")).await.unwrap();
    let edited = w.services.edit_redundancy_group(&w.system, added.id, 1, &group(&[one, two], "")).await.unwrap();
    w.services.edit_redundancy_group(&w.system, added.id, 2, &group(&[one, two], "")).await.unwrap();
    let stale = w.services.delete_redundancy_group(&w.system, added.id, 1).await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    w.services.delete_redundancy_group(&w.system, added.id, edited.version).await.unwrap();
    w.services.set_conflict_policy(&w.system, 1, "warn").await.unwrap();
    let rest = w.services.add_freeze(&w.system, &freeze("warn", "15T00:00", "16T00:00")).await.unwrap();
    w.services.edit_freeze(&w.system, rest.id, 1, &freeze("block", "15T00:00", "16T00:00")).await.unwrap();
    w.services.delete_freeze(&w.system, rest.id, 2).await.unwrap();
    let told = lines().await;
    assert_eq!(told.len() - before, 7, "{told:?}");
    let one_host = w.services.add_redundancy_group(&w.system, &group(&[one], "")).await;
    assert!(matches!(&one_host, Err(Error::Invalid(fields)) if fields[0].field == "hosts"), "{one_host:?}");
}

async fn the_calendar_holds_windows_freezes_and_backups(engine: Engine) {
    let (w, one, _) = pair(engine).await;
    let m = schedule(&w, &w.system, &plan(&[one], "15T02:00", "15T04:00")).await.unwrap();
    w.services.add_freeze(&w.system, &freeze("warn", "17T00:00", "18T00:00")).await.unwrap();
    let week = AgendaQuery { week: "2014-W20".to_owned(), ..AgendaQuery::default() };
    let agenda = w.services.agenda(&w.system, &week).await.unwrap();
    assert_eq!(agenda.windows.iter().map(|window| window.maintenance.id).collect::<Vec<_>>(), [m.id]);
    assert_eq!((agenda.freezes.len(), agenda.weeks.len(), agenda.weeks[0].len()), (1, 1, 7));
    let at =
        |text: &str| agenda.backups.iter().find(|busy| busy.stretch.from == utc(text)).map(|b| (b.runs, b.expected));
    assert_eq!((at("Tue 22:00"), at("Tue 22:30"), at("Thu 22:00")), (Some((2, 0)), Some((2, 0)), Some((0, 2))));
    assert_eq!((at("Tue 23:00"), at("Thu 23:00")), (None, None));
    let month = AgendaQuery { month: "2014-05".to_owned(), zone: "Asia/Tokyo".to_owned(), ..AgendaQuery::default() };
    let agenda = w.services.agenda(&w.system, &month).await.unwrap();
    assert_eq!((agenda.zone.as_str(), agenda.weeks.len()), ("Asia/Tokyo", 5));
    for wrong in [("2014-13", "", ""), ("", "2014-W99", ""), ("", "", "Mars/Olympus")] {
        let query = AgendaQuery { month: wrong.0.to_owned(), week: wrong.1.to_owned(), zone: wrong.2.to_owned() };
        assert!(matches!(w.services.agenda(&w.system, &query).await, Err(Error::Invalid(_))), "{wrong:?}");
    }
}

storage::on_both!(
    work_on_both_of_a_pair_is_refused_with_every_reason,
    whoever_has_a_reason_goes_ahead_where_a_rule_warns,
    a_backup_in_the_way_is_told_and_the_next_slot_avoids_it,
    a_calendar_is_imported_once_however_often,
    rules_are_for_administrators_and_each_change_is_told_once,
    the_calendar_holds_windows_freezes_and_backups,
);
