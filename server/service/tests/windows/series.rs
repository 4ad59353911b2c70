//! Work that repeats.

use crate::{World, nodes_on, services_on, utc};
use chrono::{Datelike, NaiveDate};
use domain::host::Host;
use domain::ids::{HostId, JobId, SeriesId};
use domain::maintenance::{Maintenance, Occasion, Reminders, State, UpdateKind};
use domain::people::Role;
use domain::series::{Fate, Series};
use service::conflicts::FreezeInput;
use service::maintenance::{Dated, MaintenanceInput, SeriesInput};
use service::zones::SystemZones;
use service::{Actor, Error, Stale};
use storage::idempotency::KeptAnswer;
use storage::testing::Engine;

/// Tuesdays at 02:00 in Berlin (00:00 UTC in summer), from 20 May 2014 on, two hours each.
fn tuesdays(host: HostId) -> SeriesInput {
    SeriesInput {
        title: Some("Updates of vm3".to_owned()),
        message: Some("Sites will be *offline* for ten minutes.".to_owned()),
        hosts: Some(vec![host.to_string()]),
        components: Some(vec![]),
        zone: Some("Europe/Berlin".to_owned()),
        start: Some("2014-05-20T02:00".to_owned()),
        length: Some("2 h".to_owned()),
        rule: Some("FREQ=WEEKLY;BYDAY=TU".to_owned()),
        may_wait: Some("1 h".to_owned()),
        ..SeriesInput::default()
    }
}

/// Thursday noon, with a good backup of the morning.
async fn backed_up(engine: Engine) -> (World, HostId, JobId) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    (w, vm3, job)
}

async fn dates(w: &World, id: SeriesId) -> Vec<Dated> {
    w.services.series_detail(&w.system, id).await.unwrap().dates
}

/// Date, state, start in UTC.
async fn shown(w: &World, id: SeriesId) -> Vec<String> {
    let text = |dated: Dated| match dated.maintenance {
        Some(m) => format!("{} {} {}", dated.date, m.state.as_str(), m.planned.starts_at.format("%m-%dT%H:%M")),
        None => format!("{} gone", dated.date),
    };
    dates(w, id).await.into_iter().map(text).collect()
}

async fn windows(w: &World, id: SeriesId) -> Vec<Maintenance> {
    dates(w, id).await.into_iter().filter_map(|dated| dated.maintenance).collect()
}

async fn read(w: &World, id: SeriesId) -> Series {
    w.services.series(&w.system, id).await.unwrap()
}

async fn edit(w: &World, id: SeriesId, input: &SeriesInput, note: &str) -> Result<Series, Error> {
    let version = read(w, id).await.version;
    w.services.edit_series(&w.system, id, version, input, note).await
}

fn start(text: &str) -> SeriesInput {
    SeriesInput { start: Some(text.to_owned()), ..SeriesInput::default() }
}

fn rule(text: &str) -> SeriesInput {
    SeriesInput { rule: Some(text.to_owned()), ..SeriesInput::default() }
}

/// The whole site, from one midnight in Berlin to another.
fn freeze(force: &str, from: &str, to: &str) -> FreezeInput {
    FreezeInput {
        name: "Elections".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        start: format!("{from}T00:00"),
        end: format!("{to}T00:00"),
        whole_site: true,
        hosts: vec![],
        components: vec![],
        force: force.to_owned(),
    }
}

async fn series_audited(w: &World) -> Vec<String> {
    let mut lines = w.t.db.read().await.unwrap().audit_before(None, Some("series"), None, 99).await.unwrap();
    lines.reverse();
    lines.into_iter().map(|line| line.action).collect()
}

async fn each_date_becomes_a_window_and_one_mail_tells_of_all(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let all = windows(&w, series.id).await;
    assert_eq!(all.len(), 8);
    assert_eq!(shown(&w, series.id).await[0], "2014-05-20 scheduled 05-20T00:00");
    assert_eq!(shown(&w, series.id).await[7], "2014-07-08 scheduled 07-08T00:00");
    for (n, m) in all.iter().enumerate() {
        assert_eq!((m.state, m.sequence, m.auto_start), (State::Scheduled, 0, true));
        assert_eq!((m.planned.length(), m.hosts.as_slice()), (domain::time::Span::hours(2), [vm3].as_slice()));
        assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled]);
        assert_eq!(w.asked(m.id).await, [(Occasion::Schedule, true)]);
        assert_eq!(w.told(m.id).await, n == 0);
    }
    let said = w.updates(all[0].id).await[0].body.as_str().to_owned();
    assert!(said.contains("every Tuesday 02:00 Europe/Berlin"), "{said}");
    assert_eq!(series_audited(&w).await, ["series.add"]);
    assert_eq!(w.audited().await.len(), 8);
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
    let detail = w.services.maintenance_detail(&w.system, all[3].id).await.unwrap();
    let of = detail.series.unwrap();
    assert_eq!((of.id, of.date.to_string(), of.was_moved), (series.id, "2014-06-10".to_owned(), false));
    let (_, public) = w.services.public_window(all[3].id).await.unwrap();
    assert_eq!(public.repeats.as_deref(), Some("every Tuesday 02:00 Europe/Berlin"));
    // The front page shows one of them, and what was called off with the series once.
    let home = w.services.home().await.unwrap();
    assert_eq!((home.next.len(), home.next[0].maintenance.id), (1, all[0].id));
    assert_eq!(home.next[0].repeats.as_deref(), Some("every Tuesday 02:00 Europe/Berlin"));
    w.services.end_series(&w.system, series.id, 1, true, "vm3 is gone.").await.unwrap();
    let home = w.services.home().await.unwrap();
    assert_eq!((home.next.len(), home.recent.len(), home.recent[0].maintenance.id), (0, 1, all[0].id));
}

async fn nobody_sets_up_a_series_who_may_not_plan(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let (viewer, oisin) = (w.person("Vera", Role::Viewer).await, w.person("Oisín", Role::Operator).await);
    assert!(matches!(w.services.add_series(&viewer, None, &tuesdays(vm3)).await, Err(Error::Forbidden(_))));
    let series = w.services.add_series(&oisin, Some("once"), &tuesdays(vm3)).await.unwrap();
    let again = w.services.add_series(&oisin, Some("once"), &tuesdays(vm3)).await.unwrap();
    assert_eq!((again.id, w.services.all_series(&viewer).await.unwrap().len()), (series.id, 1));
    let other = SeriesInput { title: Some("Other".to_owned()), ..tuesdays(vm3) };
    assert!(matches!(w.services.add_series(&oisin, Some("once"), &other).await, Err(Error::Invalid(_))));
    let changed = w.services.edit_series(&viewer, series.id, 1, &start("2014-05-20T03:00"), "").await;
    assert!(matches!(changed, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.end_series(&viewer, series.id, 1, false, "").await, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.all_series(&Actor::public(None)).await, Err(Error::SignInNeeded)));
    let nothing = SeriesInput { hosts: Some(vec![w.services.new_id::<HostId>().to_string()]), ..tuesdays(vm3) };
    assert!(
        matches!(w.services.add_series(&oisin, None, &nothing).await, Err(Error::Invalid(f)) if f[0].field == "hosts")
    );
    assert_eq!(w.services.all_series(&viewer).await.unwrap().len(), 1);
}

async fn a_request_that_comes_twice_sets_up_one_series_also_where_its_answer_was_kept_as_a_bare_id(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let oisin = w.person("Oisín", Role::Operator).await;
    let first = w.services.add_series(&oisin, Some("one"), &tuesdays(vm3)).await.unwrap();
    assert_eq!(w.services.add_series(&oisin, Some("one"), &tuesdays(vm3)).await.unwrap().id, first.id);
    let caller = oisin.user_id().unwrap().0;
    let mut tx = w.t.db.decide().await.unwrap();
    let kept = tx.kept_answer(caller, "one").await.unwrap().unwrap();
    let bare = KeptAnswer { response: first.id.to_string(), ..kept };
    tx.keep_answer(caller, "two", &bare, w.services.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(w.services.add_series(&oisin, Some("two"), &tuesdays(vm3)).await.unwrap().id, first.id);
    assert_eq!(series_audited(&w).await, ["series.add"]);
}

async fn a_later_window_waits_for_its_backup_as_a_draft(engine: Engine) {
    let (w, vm3, job) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    // Two weeks on, without a backup since: two more are due, but one that waits is enough.
    w.at("2014-05-29 12:00");
    assert_eq!(w.services.keep_all_series().await.unwrap(), 1);
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
    let draft = windows(&w, series.id).await.pop().unwrap();
    assert_eq!((draft.state, draft.published_at), (State::Draft, None));
    assert_eq!(draft.planned.starts_at, utc("2014-07-15 00:00"));
    assert_eq!(w.asked(draft.id).await, [(Occasion::Schedule, false)]);
    let needs = w.services.needs_me(&w.system).await.unwrap();
    assert_eq!((needs.series.len(), needs.blocked_drafts.len()), (1, 0));
    assert_eq!((needs.series[0].drafts, needs.series[0].series.id), (1, series.id));
    assert!(!needs.series[0].draft.as_ref().unwrap().gate.verdict.reasons().is_empty());
    let waiting = w.services.waiting(&w.system).await.unwrap();

    w.ran(job, "2014-05-29 12:01", "2014-05-29 12:20").await;
    w.at("2014-05-29 12:21");
    // The draft, and the other one that was due.
    assert_eq!(w.services.keep_all_series().await.unwrap(), 2);
    let m = w.window(draft.id).await;
    assert_eq!((m.state, m.sequence, w.told(m.id).await), (State::Scheduled, 0, false));
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled]);
    assert_eq!(windows(&w, series.id).await.last().unwrap().planned.starts_at, utc("2014-07-22 00:00"));
    assert!(w.services.needs_me(&w.system).await.unwrap().series.is_empty());
    assert_eq!(w.services.waiting(&w.system).await.unwrap() + 1, waiting);
}

async fn a_series_that_the_gate_is_against_keeps_two_drafts_and_publishes_them_later(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[]).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let drafts = windows(&w, series.id).await;
    assert_eq!(drafts.iter().map(|m| m.state).collect::<Vec<_>>(), [State::Draft, State::Draft]);
    assert!(w.services.home().await.unwrap().next.is_empty());
    // The first one's time passes: it is put aside, unseen, and the next two wait.
    w.at("2014-05-20 00:30");
    assert_eq!(w.services.keep_all_series().await.unwrap(), 2);
    let first = w.window(drafts[0].id).await;
    assert_eq!((first.state, first.published_at, w.kinds(first.id).await), (State::Cancelled, None, vec![]));
    assert!(w.audited().await.contains(&"maintenance.put_aside".to_owned()));
    assert_eq!(
        shown(&w, series.id).await,
        ["2014-05-20 cancelled 05-20T00:00", "2014-05-27 draft 05-27T00:00", "2014-06-03 draft 06-03T00:00"]
    );
    w.ran(job, "2014-05-20 01:00", "2014-05-20 01:20").await;
    w.at("2014-05-20 01:30");
    w.services.keep_all_series().await.unwrap();
    let all = windows(&w, series.id).await;
    assert_eq!(all.iter().filter(|m| m.state == State::Scheduled).count(), 8);
    // The first that is published tells of the series.
    assert!(w.told(all[1].id).await && !w.told(all[2].id).await);
    assert!(w.updates(all[1].id).await[0].body.as_str().contains("every Tuesday"));
}

async fn one_window_is_moved_or_skipped_alone_and_the_series_leaves_it_alone(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let all = windows(&w, series.id).await;
    let later = MaintenanceInput {
        start: Some("2014-05-28T22:00".to_owned()),
        end: Some("2014-05-29T00:00".to_owned()),
        ..MaintenanceInput::default()
    };
    w.services.edit_maintenance(&w.system, all[1].id, None, &later, "").await.unwrap();
    w.services.cancel_maintenance(&w.system, all[2].id, None, "A holiday.").await.unwrap();
    let own = MaintenanceInput { message: Some("This one is longer.".to_owned()), ..MaintenanceInput::default() };
    w.services.edit_maintenance(&w.system, all[3].id, None, &own, "").await.unwrap();
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
    assert!(dates(&w, series.id).await[1].was_moved);
    let moved = w.window(all[1].id).await;

    let change = SeriesInput { message: Some("New words.".to_owned()), ..start("2014-05-20T03:00") };
    let after = edit(&w, series.id, &change, "An hour later.").await.unwrap();
    assert_eq!((after.version, after.timing.words().as_str()), (2, "every Tuesday 03:00 Europe/Berlin"));
    assert_eq!(
        shown(&w, series.id).await,
        [
            "2014-05-20 scheduled 05-20T01:00",
            "2014-05-27 scheduled 05-28T20:00",
            "2014-06-03 cancelled 06-03T00:00",
            "2014-06-10 scheduled 06-10T01:00",
            "2014-06-17 scheduled 06-17T01:00",
            "2014-06-24 scheduled 06-24T01:00",
            "2014-07-01 scheduled 07-01T01:00",
            "2014-07-08 scheduled 07-08T01:00",
        ]
    );
    assert_eq!(w.window(all[1].id).await, moved);
    let changed = w.window(all[4].id).await;
    assert_eq!((changed.sequence, changed.message.as_str(), changed.id), (1, "New words.", all[4].id));
    assert_eq!(w.kinds(changed.id).await, [UpdateKind::Scheduled, UpdateKind::Rescheduled]);
    assert_eq!(w.asked(changed.id).await, [(Occasion::Schedule, true), (Occasion::Change, true)]);
    assert_eq!(w.updates(changed.id).await[1].body.as_str(), "An hour later.");
    // What was changed in one alone stays.
    assert_eq!(w.window(all[3].id).await.message.as_str(), "This one is longer.");
    // One mail, with the first that changed.
    let told = w.updates(all[0].id).await[1].body.as_str().to_owned();
    assert!(told.starts_with("An hour later.") && told.contains("every Tuesday 03:00"), "{told}");
    assert!(!w.told(changed.id).await);
    assert_eq!(series_audited(&w).await, ["series.add", "series.edit"]);
    // Nothing changed is nothing done.
    assert_eq!(edit(&w, series.id, &SeriesInput::default(), "").await.unwrap().version, 2);
    let stale = w.services.edit_series(&w.system, series.id, 1, &start("2014-05-20T04:00"), "").await;
    assert!(matches!(stale, Err(Error::Stale(Stale { what: "series", .. }))));
}

async fn a_change_that_the_gate_refuses_changes_nothing(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let before = windows(&w, series.id).await;
    w.at("Fri 12:00");
    let refused = edit(&w, series.id, &start("2014-05-20T03:00"), "").await;
    assert!(matches!(refused, Err(Error::Refused { code: "gate_blocked", verdict: Some(_), .. })), "{refused:?}");
    assert_eq!(windows(&w, series.id).await, before);
    assert_eq!(read(&w, series.id).await, series);
    assert_eq!(w.asked(before[0].id).await, [(Occasion::Schedule, true), (Occasion::Change, false)]);
    assert_eq!(series_audited(&w).await, ["series.add", "series.refuse"]);
    // Words need no backup.
    let words = SeriesInput { title: Some("Security updates of vm3".to_owned()), ..SeriesInput::default() };
    edit(&w, series.id, &words, "").await.unwrap();
    let after = windows(&w, series.id).await;
    assert!(after[..8].iter().all(|m| m.title.as_str() == "Security updates of vm3" && m.sequence == 1));
    // A day has passed, and one more date with it: the gate is against it.
    assert_eq!((after.len(), after[8].state), (9, State::Draft));
}

async fn another_rule_moves_windows_within_their_week_and_calls_off_what_has_no_place(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let all = windows(&w, series.id).await;
    edit(&w, series.id, &rule("FREQ=WEEKLY;BYDAY=WE"), "").await.unwrap();
    let now = windows(&w, series.id).await;
    assert_eq!(now.iter().map(|m| m.id).collect::<Vec<_>>(), all.iter().map(|m| m.id).collect::<Vec<_>>());
    assert_eq!(shown(&w, series.id).await[0], "2014-05-21 scheduled 05-21T00:00");
    // Every other week, counted from the week of the first: four have no place any more.
    edit(&w, series.id, &rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE"), "").await.unwrap();
    let now = windows(&w, series.id).await;
    let states: Vec<State> = now.iter().map(|m| m.state).collect();
    assert_eq!(states, [State::Scheduled, State::Cancelled].repeat(4));
    assert!(w.updates(now[1].id).await.last().unwrap().body.as_str().contains("every 2 weeks on Wednesday"));
    assert!(w.told(now[1].id).await && !w.told(now[3].id).await);
    // Back again: what was called off stays so, and its date stays dealt with.
    edit(&w, series.id, &rule("FREQ=WEEKLY;BYDAY=WE"), "").await.unwrap();
    assert_eq!(windows(&w, series.id).await.len(), 8);
    assert_eq!(w.window(now[1].id).await.state, State::Cancelled);
}

async fn a_series_ends_and_its_windows_stay_or_are_called_off(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let kept = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let off = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let ended = w.services.end_series(&w.system, kept.id, 1, false, "").await.unwrap();
    assert_eq!(ended.ended_at, Some(w.services.now()));
    assert!(windows(&w, kept.id).await.iter().all(|m| m.state == State::Scheduled && m.sequence == 0));
    // Each of its windows that are left has its line, and no more are promised.
    let next = w.services.home().await.unwrap().next;
    assert_eq!((next.len(), next.iter().filter(|window| window.repeats.is_some()).count()), (9, 1));
    let left = windows(&w, kept.id).await.pop().unwrap();
    assert_eq!(w.services.public_window(left.id).await.unwrap().1.repeats, None);
    let silent = w.services.end_series(&w.system, off.id, 1, true, " ").await;
    assert!(matches!(silent, Err(Error::Invalid(fields)) if fields[0].field == "body"));
    w.services.end_series(&w.system, off.id, 1, true, "vm3 is gone.").await.unwrap();
    let all = windows(&w, off.id).await;
    assert!(all.iter().all(|m| m.state == State::Cancelled && m.sequence == 1));
    assert!(w.updates(all[0].id).await[1].body.as_str().contains("later times are called off"));
    assert_eq!(w.updates(all[1].id).await[1].body.as_str(), "vm3 is gone.");
    assert!(!w.told(all[1].id).await);
    let again = w.services.end_series(&w.system, off.id, 2, true, "x").await;
    assert!(matches!(again, Err(Error::Refused { code: "wrong_state", .. })));
    assert!(matches!(edit(&w, off.id, &start("2014-05-20T03:00"), "").await, Err(Error::Refused { .. })));
    w.at("2014-06-15 12:00");
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
}

async fn what_stands_against_a_window_is_said_and_does_not_last(engine: Engine) {
    let (w, vm3, job) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    let host = w.services.host(&w.system, vm3).await.unwrap();
    let named = w.services.retire_host(&w.system, vm3, host.version).await;
    assert!(
        matches!(named, Err(Error::Refused { message, .. }) if message.contains("the repeating work “Updates of vm3”"))
    );
    // From under it.
    let mut tx = w.t.db.decide().await.unwrap();
    tx.update_host(&Host { retired_at: Some(w.services.now()), ..host }).await.unwrap();
    tx.commit().await.unwrap();
    w.at("2014-05-22 12:00");
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
    let problem = read(&w, series.id).await.problem.unwrap();
    assert!(problem.contains("Tue 15 Jul 2014: There is no host"), "{problem}");
    let needs = w.services.needs_me(&w.system).await.unwrap();
    assert_eq!(needs.series[0].series.problem.as_ref(), Some(&problem));
    // Another host takes its place.
    let other = w.host("vm4", None).await;
    let data = w.data(other, "image").await;
    let second = w.job(data, "image vm4", None).await;
    w.ran(second, "2014-05-22 11:00", "2014-05-22 11:30").await;
    w.ran(job, "2014-05-22 11:00", "2014-05-22 11:30").await;
    let change = SeriesInput { hosts: Some(vec![other.to_string()]), ..SeriesInput::default() };
    edit(&w, series.id, &change, "").await.unwrap();
    assert_eq!(read(&w, series.id).await.problem, None);
    assert_eq!(windows(&w, series.id).await.last().unwrap().planned.starts_at, utc("2014-07-15 00:00"));
}

async fn a_date_that_is_frozen_is_named_and_does_not_stop_the_others(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    w.services.add_freeze(&w.system, &freeze("block", "2014-05-27", "2014-05-28")).await.unwrap();
    let four = SeriesInput { rule: Some("FREQ=WEEKLY;BYDAY=TU;COUNT=4".to_owned()), ..tuesdays(vm3) };
    let series = w.services.add_series(&w.system, None, &four).await.unwrap();
    assert_eq!(
        shown(&w, series.id).await,
        ["2014-05-20 scheduled 05-20T00:00", "2014-06-03 scheduled 06-03T00:00", "2014-06-10 scheduled 06-10T00:00"]
    );
    let problem = series.problem.unwrap();
    assert!(problem.starts_with("Tue 27 May 2014: ") && problem.contains("Elections"), "{problem}");
    assert_eq!(w.services.keep_all_series().await.unwrap(), 0);
}

async fn a_person_goes_ahead_where_a_rule_warns_and_not_where_it_blocks(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let oisin = w.person("Oisín", Role::Operator).await;
    w.services.add_freeze(&w.system, &freeze("warn", "2014-05-20", "2014-05-21")).await.unwrap();
    let refused = w.services.add_series(&oisin, None, &tuesdays(vm3)).await;
    assert!(matches!(refused, Err(Error::Conflicts { asks_why: true, .. })), "{refused:?}");
    assert!(w.services.all_series(&oisin).await.unwrap().is_empty());
    let input = SeriesInput { conflicts_why: Some("Agreed with the clerk.".to_owned()), ..tuesdays(vm3) };
    let series = w.services.add_series(&oisin, None, &input).await.unwrap();
    let before = windows(&w, series.id).await;
    assert_eq!(before.len(), 8);
    assert_eq!(w.services.conflicts_of(&oisin, before[0].id).await.unwrap().accepted.len(), 1);

    // A change asks as well, about every place that a window comes to.
    w.services.add_freeze(&w.system, &freeze("block", "2014-06-04", "2014-06-05")).await.unwrap();
    let later = SeriesInput { conflicts_why: Some("Still agreed.".to_owned()), ..start("2014-05-20T03:00") };
    let silent = w.services.edit_series(&oisin, series.id, 1, &start("2014-05-20T03:00"), "").await;
    assert!(matches!(silent, Err(Error::Conflicts { asks_why: true, .. })), "{silent:?}");
    let wednesdays = SeriesInput { conflicts_why: later.conflicts_why.clone(), ..rule("FREQ=WEEKLY;BYDAY=WE") };
    let blocked = w.services.edit_series(&oisin, series.id, 1, &wednesdays, "").await;
    assert!(matches!(blocked, Err(Error::Conflicts { asks_why: false, .. })), "{blocked:?}");
    assert_eq!((windows(&w, series.id).await, read(&w, series.id).await), (before.clone(), series.clone()));
    w.services.edit_series(&oisin, series.id, 1, &later, "").await.unwrap();
    assert_eq!(w.services.conflicts_of(&oisin, before[0].id).await.unwrap().accepted.len(), 2);
    assert_eq!(windows(&w, series.id).await[2].planned.starts_at, utc("2014-06-03 01:00"));
}

async fn placeholders_hold_for_a_series_as_for_a_window(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let input = SeriesInput { title: Some("Updates of {{components}}".to_owned()), ..tuesdays(vm3) };
    let series = w.services.add_series(&w.system, None, &input).await.unwrap();
    assert!(!series.title.as_str().contains("{{"), "{}", series.title);
    assert!(windows(&w, series.id).await.iter().all(|m| m.title == series.title));
    let text = |text: &str| Some(text.to_owned());
    for (wrong, field) in [
        (SeriesInput { title: text("Updates of {{nobody}}"), ..SeriesInput::default() }, "title"),
        (SeriesInput { title: text("Updates: {{reason}}"), ..SeriesInput::default() }, "title"),
        (SeriesInput { message: text("From {{nobody}} on"), ..SeriesInput::default() }, "message"),
        (SeriesInput { message: text("Because: {{reason}}"), ..SeriesInput::default() }, "message"),
    ] {
        let refused = edit(&w, series.id, &wrong, "").await;
        assert!(matches!(&refused, Err(Error::Invalid(f)) if f.len() == 1 && f[0].field == field), "{refused:?}");
    }
    // What it is called now is written out in the windows that follow, too.
    let change = SeriesInput { title: text("Work on {{components}}"), ..SeriesInput::default() };
    let after = edit(&w, series.id, &change, "").await.unwrap();
    assert!(after.title.as_str().starts_with("Work on ") && !after.title.as_str().contains("{{"), "{}", after.title);
    assert!(windows(&w, series.id).await.iter().all(|m| m.title == after.title));
}

async fn a_series_gives_its_reminders_to_the_windows_that_have_none_of_their_own(engine: Engine) {
    let (w, vm3, _) = backed_up(engine).await;
    let leads = |text: &str| Some(text.to_owned());
    let input = SeriesInput { reminders: leads("48 h, 2 h"), ..tuesdays(vm3) };
    let series = w.services.add_series(&w.system, None, &input).await.unwrap();
    let all = windows(&w, series.id).await;
    assert!(all.iter().all(|m| m.reminders == Reminders::parse("48 h, 2 h").unwrap()));
    let own = MaintenanceInput { reminders: leads("1 h"), ..MaintenanceInput::default() };
    w.services.edit_maintenance(&w.system, all[1].id, None, &own, "").await.unwrap();
    let wrong = SeriesInput { reminders: leads("soon"), ..SeriesInput::default() };
    let refused = edit(&w, series.id, &wrong, "").await;
    assert!(matches!(refused, Err(Error::Invalid(f)) if f[0].field == "reminders"));
    let none = SeriesInput { reminders: leads("none"), ..SeriesInput::default() };
    edit(&w, series.id, &none, "").await.unwrap();
    let all = windows(&w, series.id).await;
    assert_eq!(all[1].reminders, Reminders::parse("1 h").unwrap());
    let quiet = Reminders::parse("none").unwrap();
    assert!(all.iter().enumerate().all(|(n, m)| n == 1 || m.reminders == quiet));
    // What is not spoken of stays.
    edit(&w, series.id, &start("2014-05-20T03:00"), "").await.unwrap();
    assert_eq!(read(&w, series.id).await.reminders, quiet);
}

async fn many_nodes_make_each_window_once(engine: Engine) {
    let (w, vm3, job) = backed_up(engine).await;
    let series = w.services.add_series(&w.system, None, &tuesdays(vm3)).await.unwrap();
    w.ran(job, "2014-06-14 03:00", "2014-06-14 04:00").await;
    w.at("2014-06-14 12:00");
    let nodes = nodes_on(3, &w.t.address).await;
    let tasks: Vec<_> = nodes
        .iter()
        .map(|db| services_on(db, w.services.now()))
        .map(|node| tokio::spawn(async move { node.keep_all_series().await.unwrap() }))
        .collect();
    let mut made = 0;
    for task in tasks {
        made += task.await.unwrap();
    }
    // Until 13 August: 15 July to 12 August.
    assert_eq!(made, 5);
    assert_eq!(windows(&w, series.id).await.len(), 13);
}

/// STANDARDS §1.5 by the zone database of the machine: one window per date over more than a year, on
/// both nights on which the clocks change.
#[test]
fn by_the_rules_of_this_machine_each_date_has_one_window() {
    use domain::maintenance::Fold;
    use domain::series::{Gap, Rule, Timing};
    use domain::time::{Instant, Span};
    let zones = SystemZones::newest();
    let first: NaiveDate = "2026-01-01".parse().unwrap();
    for (zone, time, odd) in [
        ("Europe/Berlin", "02:30", vec!["2026-03-29", "2026-10-25"]),
        ("America/New_York", "02:30", vec!["2026-03-08"]),
        ("America/New_York", "01:30", vec!["2026-11-01"]),
        ("Australia/Lord_Howe", "02:15", vec!["2026-10-04"]),
        ("Australia/Lord_Howe", "01:45", vec!["2026-04-05"]),
        ("America/Santiago", "00:30", vec!["2026-09-06"]),
        ("America/Santiago", "23:30", vec!["2026-04-04"]),
        ("Africa/Cairo", "00:30", vec!["2026-04-24"]),
        ("Africa/Cairo", "23:30", vec!["2026-10-29"]),
        // It changes its clocks for the last time in spring.
        ("America/Vancouver", "02:30", vec!["2026-03-08"]),
        ("America/Vancouver", "01:30", vec![]),
    ] {
        for (gap, fold) in [(Gap::Move, Fold::Earlier), (Gap::Skip, Fold::Later)] {
            let start = first.and_time(chrono::NaiveTime::parse_from_str(time, "%H:%M").unwrap());
            let timing = Timing {
                zone: zone.to_owned(),
                start,
                length: Span::minutes(90),
                may_wait: Span::default(),
                rule: Rule::parse("FREQ=DAILY", first).unwrap(),
                gap,
                fold,
            };
            let mut last: Option<Instant> = None;
            let mut found = Vec::new();
            for date in timing.rule.dates(first).take_while(|date| date.year() == 2026) {
                let slot = timing.slot(&zones, date).unwrap();
                if !matches!(slot.fate, Fate::Plain(_)) {
                    found.push(date.to_string());
                }
                let Some(planned) = slot.planned() else {
                    assert_eq!(gap, Gap::Skip, "{zone} {date}");
                    continue;
                };
                assert_eq!(planned.length(), Span::minutes(90));
                assert!(last.is_none_or(|before| before < planned.starts_at), "{zone} {date}");
                assert_eq!(planned.rederive(&zones).unwrap(), None);
                last = Some(planned.starts_at);
            }
            assert_eq!(found, odd, "{zone} {time}");
        }
    }
}

/// The rules are those of the machine, as everywhere in these tests.
async fn a_night_with_a_change_of_the_clocks_has_its_window_in_the_database(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, job) = w.simple(&[]).await;
    w.ran(job, "2014-10-01 03:00", "2014-10-01 04:00").await;
    w.at("2014-10-01 12:00");
    let sundays = |gap: &str, fold: &str| SeriesInput {
        start: Some("2014-10-19T02:30".to_owned()),
        rule: Some("FREQ=WEEKLY;BYDAY=SU;COUNT=3".to_owned()),
        gap: Some(gap.to_owned()),
        fold: Some(fold.to_owned()),
        ..tuesdays(vm3)
    };
    for (fold, night) in [("earlier", "10-26T00:30"), ("later", "10-26T01:30")] {
        let series = w.services.add_series(&w.system, None, &sundays("move", fold)).await.unwrap();
        let expected = [
            "2014-10-19 scheduled 10-19T00:30".to_owned(),
            format!("2014-10-26 scheduled {night}"),
            "2014-11-02 scheduled 11-02T01:30".to_owned(),
        ];
        assert_eq!(shown(&w, series.id).await, expected);
    }
    let preview = w.services.preview_series(&sundays("skip", "earlier"), None);
    assert!(preview.dates.iter().any(|p| matches!(p.slot.fate, Fate::Twice(_))) && preview.problems.is_empty());
}

storage::on_both!(
    each_date_becomes_a_window_and_one_mail_tells_of_all,
    nobody_sets_up_a_series_who_may_not_plan,
    a_request_that_comes_twice_sets_up_one_series_also_where_its_answer_was_kept_as_a_bare_id,
    a_later_window_waits_for_its_backup_as_a_draft,
    a_series_that_the_gate_is_against_keeps_two_drafts_and_publishes_them_later,
    one_window_is_moved_or_skipped_alone_and_the_series_leaves_it_alone,
    a_change_that_the_gate_refuses_changes_nothing,
    another_rule_moves_windows_within_their_week_and_calls_off_what_has_no_place,
    a_series_ends_and_its_windows_stay_or_are_called_off,
    what_stands_against_a_window_is_said_and_does_not_last,
    a_date_that_is_frozen_is_named_and_does_not_stop_the_others,
    a_person_goes_ahead_where_a_rule_warns_and_not_where_it_blocks,
    placeholders_hold_for_a_series_as_for_a_window,
    a_series_gives_its_reminders_to_the_windows_that_have_none_of_their_own,
    many_nodes_make_each_window_once,
    a_night_with_a_change_of_the_clocks_has_its_window_in_the_database,
);
