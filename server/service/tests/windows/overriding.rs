//! Break glass: two people let a window go ahead against the gate.

use crate::{World, nodes_on, services_on, thursday, utc};
use domain::ids::HostId;
use domain::maintenance::{Maintenance, Occasion, Override, OverrideState, State, UpdateKind};
use domain::people::{Role, Scope};
use secrecy::ExposeSecret;
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::public::Proof;
use service::{Actor, Error, Services};
use storage::testing::Engine;

const WHY: &str = "The second disk shows errors: waiting loses more than the day's changes.";

/// The two people of the story.
async fn people(w: &World) -> (Actor, Actor) {
    (w.person("Oisín Kelly", Role::Operator).await, w.person("Grace Nolan", Role::Approver).await)
}

async fn refused_draft(w: &World, hosts: &[HostId]) -> Maintenance {
    match w.services.schedule_maintenance(&w.system, Target::New, &thursday(hosts)).await.unwrap() {
        Planning::Refused { draft, .. } => draft,
        other => panic!("{other:?}"),
    }
}

async fn try_to_schedule(w: &World, m: &Maintenance, change: &MaintenanceInput) -> Planning {
    let target = Target::Stored { id: m.id, version: None };
    w.services.schedule_maintenance(&w.system, target, change).await.unwrap()
}

async fn asked(w: &World, actor: &Actor, m: &Maintenance) -> Override {
    w.services.ask_override(actor, m.id, None, WHY).await.unwrap()
}

async fn in_force(w: &World, m: &Maintenance) -> Override {
    let (oisin, grace) = people(w).await;
    let request = asked(w, &oisin, m).await;
    w.services.confirm_override(&grace, m.id, request.id).await.unwrap()
}

fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Err(Error::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

/// Oldest first, with the name of who did it.
async fn log(w: &World) -> Vec<(String, String)> {
    let mut lines = w.t.db.read().await.unwrap().audit_before(None, Some("override"), None, 99).await.unwrap();
    lines.reverse();
    lines.into_iter().map(|line| (line.action, line.actor)).collect()
}

async fn proof(w: &World, m: &Maintenance) -> Option<Proof> {
    w.services.public_window(m.id).await.unwrap().1.proof
}

async fn a_refused_draft_goes_out_and_starts_by_the_word_of_two_people(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[]).await;
    let draft = refused_draft(&w, &[vm3]).await;
    let (oisin, grace) = people(&w).await;
    let request = asked(&w, &oisin, &draft).await;
    assert_eq!((request.reasons.len(), request.reasons[0].reason.code()), (1, "never_ran"));
    assert!(matches!(try_to_schedule(&w, &draft, &MaintenanceInput::default()).await, Planning::Refused { .. }));
    // Who may be the second person is told at the start page; who asked is not.
    let wanted = |of: Vec<service::maintenance::SecondPerson>| of.into_iter().map(|s| s.asked_by).collect::<Vec<_>>();
    assert_eq!(wanted(w.services.needs_me(&grace).await.unwrap().second_person), ["Oisín Kelly"]);
    assert!(w.services.needs_me(&oisin).await.unwrap().second_person.is_empty());
    assert_eq!((w.services.waiting(&grace).await.unwrap(), w.services.waiting(&oisin).await.unwrap()), (1, 0));

    w.services.confirm_override(&grace, draft.id, request.id).await.unwrap();
    let needs = w.services.needs_me(&oisin).await.unwrap();
    assert_eq!((needs.blocked_drafts.len(), needs.overridden_drafts.len()), (0, 1));
    let Planning::Scheduled(m) = try_to_schedule(&w, &draft, &MaintenanceInput::default()).await else {
        panic!("two people said so")
    };
    assert_eq!(proof(&w, &m).await, Some(Proof::NotNeeded));
    let first = w.t.db.read().await.unwrap().first_notification_content(m.id.0).await.unwrap().unwrap();
    assert!(first.contains("goes ahead without a confirmed backup"), "{first}");
    for private in ["Oisín", "Grace", "second disk shows"] {
        assert!(!first.contains(private), "{private}: {first}");
    }
    w.restart();
    w.pass("Thu 19:00").await;
    let running = w.window(m.id).await;
    assert_eq!(running.state, State::InProgress);
    assert_eq!(proof(&w, &m).await, Some(Proof::Overridden { good: 0, data_sets: 1 }));
    // The kept answers say by what they were given.
    let kept = w.services.verdicts(&w.system, m.id).await.unwrap();
    let by: Vec<_> = kept.iter().rev().map(|kept| (kept.occasion, kept.verdict.overridden_by())).collect();
    let id = Some(request.id);
    assert_eq!(
        by,
        [
            (Occasion::Schedule, None),
            (Occasion::Schedule, None),
            (Occasion::Schedule, id),
            (Occasion::Lead, id),
            (Occasion::Start, id)
        ]
    );
    assert!(kept.iter().all(|kept| !kept.verdict.is_confirmed()));
    let names = |verb: &str, who: &str| (format!("override.{verb}"), who.to_owned());
    assert_eq!(log(&w).await, [names("ask", "Oisín Kelly"), names("confirm", "Grace Nolan")]);
    assert_eq!(w.services.overrides(&grace, m.id).await.unwrap()[0].of.state, OverrideState::Confirmed);
}

async fn a_held_window_begins_as_soon_as_the_second_person_has_spoken(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    w.pass("Thu 19:30").await;
    assert_eq!(w.window(m.id).await.state, State::Held);
    in_force(&w, &m).await;
    let running = w.window(m.id).await;
    assert_eq!((running.state, running.started_at), (State::InProgress, Some(utc("Thu 19:30"))));
    assert_eq!(running.planned.ends_at, utc("Thu 21:30"));
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Held, UpdateKind::Started]);
    let late = w.services.overrides(&w.system, m.id).await.unwrap()[0].of.id;
    let grace = w.person("Grace Nolan", Role::Approver).await;
    assert_eq!(code(w.services.refuse_override(&grace, m.id, late, "Too late.").await), "wrong_state");
}

async fn what_comes_up_later_stops_it_and_the_rest_starts_it_by_itself(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[]).await;
    let shop = w.host("legacy-shop", Some(vm3)).await;
    let goods = w.data(shop, "files").await;
    let goods = w.job(goods, "files legacy-shop", None).await;
    w.ran(goods, "Thu 10:00", "Thu 11:00").await;
    let draft = refused_draft(&w, &[vm3]).await;
    in_force(&w, &draft).await;
    let Planning::Scheduled(m) = try_to_schedule(&w, &draft, &MaintenanceInput::default()).await else {
        panic!("two people said so")
    };
    // At the start the other backup has grown too old as well: nobody decided about that.
    w.pass("Thu 19:00").await;
    assert_eq!(w.window(m.id).await.state, State::Held);
    let look = w.services.overrides(&w.system, m.id).await.unwrap().remove(0);
    let uncovered: Vec<_> = look.uncovered.iter().map(|f| (f.place(), f.reason.code())).collect();
    assert_eq!(uncovered, [("legacy-shop · files".to_owned(), "too_old")]);
    assert_eq!(w.services.retry_held().await.unwrap(), 0);
    assert!(w.services.maintenance_detail(&w.system, m.id).await.unwrap().may_ask_override);
    w.ran(goods, "Thu 19:00", "Thu 19:10").await;
    w.at("Thu 19:11");
    w.restart();
    assert_eq!(w.services.retry_held().await.unwrap(), 1);
    assert_eq!(w.window(m.id).await.state, State::InProgress);
}

async fn a_new_request_covers_what_has_come_up_and_replaces_the_one_in_force(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[]).await;
    let shop = w.host("legacy-shop", Some(vm3)).await;
    let draft = refused_draft(&w, &[vm3]).await;
    let first = in_force(&w, &draft).await;
    let goods = w.data(shop, "files").await;
    w.pass("Thu 12:10").await;
    assert!(matches!(try_to_schedule(&w, &draft, &MaintenanceInput::default()).await, Planning::Refused { .. }));
    let second = in_force(&w, &draft).await;
    assert!(second.reasons.iter().any(|finding| finding.data_set == Some(goods)));
    let states: Vec<_> = w.services.overrides(&w.system, draft.id).await.unwrap();
    let states: Vec<_> = states.iter().map(|look| (look.of.id, look.of.state)).collect();
    assert_eq!(states, [(second.id, OverrideState::Confirmed), (first.id, OverrideState::Void)]);
    assert!(matches!(try_to_schedule(&w, &draft, &MaintenanceInput::default()).await, Planning::Scheduled(_)));
}

async fn a_new_time_or_scope_ends_it_for_good(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[]).await;
    let spare = w.host("spare", None).await;
    let later = MaintenanceInput { start: Some("2014-05-15T20:30".to_owned()), ..MaintenanceInput::default() };
    let back = MaintenanceInput { start: Some("2014-05-15T20:00".to_owned()), ..MaintenanceInput::default() };
    let wider =
        MaintenanceInput { hosts: Some(vec![vm3.to_string(), spare.to_string()]), ..MaintenanceInput::default() };
    let narrower = MaintenanceInput { hosts: Some(vec![vm3.to_string()]), ..MaintenanceInput::default() };
    for (away, home) in [(&later, &back), (&wider, &narrower)] {
        let draft = refused_draft(&w, &[vm3]).await;
        in_force(&w, &draft).await;
        // Changed and scheduled in one go it does not count either.
        assert!(matches!(try_to_schedule(&w, &draft, away).await, Planning::Refused { .. }));
        assert!(matches!(try_to_schedule(&w, &draft, home).await, Planning::Refused { .. }));
        let look = w.services.overrides(&w.system, draft.id).await.unwrap().remove(0);
        assert_eq!((look.of.state, look.of.ended_by), (OverrideState::Void, None));
    }
    let words = MaintenanceInput { title: Some("Replace both disks".to_owned()), ..MaintenanceInput::default() };
    let draft = refused_draft(&w, &[vm3]).await;
    in_force(&w, &draft).await;
    let Planning::Scheduled(m) = try_to_schedule(&w, &draft, &words).await else { panic!("only words") };
    // A published one can not be moved by it either.
    assert_eq!(code(w.services.edit_maintenance(&w.system, m.id, None, &later, "").await), "gate_blocked");
    assert_eq!(w.services.overrides(&w.system, m.id).await.unwrap()[0].of.state, OverrideState::Confirmed);
    w.services.cancel_maintenance(&w.system, m.id, None, "Not today.").await.unwrap();
    assert_eq!(w.services.overrides(&w.system, m.id).await.unwrap()[0].of.state, OverrideState::Void);
    let ended = log(&w).await.into_iter().filter(|(verb, _)| verb == "override.end").count();
    assert_eq!(ended, 3);
}

async fn nobody_is_two_people(engine: Engine) {
    let w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[]).await;
    let draft = refused_draft(&w, &[vm3]).await;
    let ada = w.person("Ada Byrne", Role::Admin).await;
    let (oisin, grace) = people(&w).await;
    let vera = w.person("Vera Walsh", Role::Viewer).await;
    assert!(matches!(w.services.ask_override(&vera, draft.id, None, WHY).await, Err(Error::Forbidden(_))));
    let silent = w.services.ask_override(&oisin, draft.id, None, " \n").await;
    assert!(matches!(silent, Err(Error::Invalid(fields)) if fields[0].field == "why"));
    assert_eq!(code(w.services.ask_override(&w.system, draft.id, None, WHY).await), "no_person");

    // No token stands for a person, also not for the one who made it.
    let token = NewToken {
        name: "script".to_owned(),
        scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
        valid_for: String::new(),
    };
    let of = async |maker: &Actor| {
        let made = w.services.add_token(maker, &token).await.unwrap();
        w.services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
    };
    let (adas, nobodys) = (of(&ada).await, of(&w.system).await);
    for token in [&adas, &nobodys] {
        assert_eq!(code(w.services.ask_override(token, draft.id, None, WHY).await), "no_person");
    }
    let request = asked(&w, &ada, &draft).await;
    assert_eq!(Some(request.asked_by), ada.user_id());
    assert_eq!(code(w.services.ask_override(&oisin, draft.id, None, WHY).await), "already_asked");
    let confirm = async |actor: &Actor| w.services.confirm_override(actor, draft.id, request.id).await;
    assert_eq!(code(confirm(&ada).await), "same_person");
    for actor in [&adas, &nobodys, &w.system, &oisin, &vera] {
        assert!(matches!(confirm(actor).await, Err(Error::Forbidden(_))), "{actor:?}");
        let refused = w.services.refuse_override(actor, draft.id, request.id, "No.").await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{actor:?}");
    }
    assert!(matches!(confirm(&Actor::public(None)).await, Err(Error::SignInNeeded)));
    assert_eq!(code(w.services.withdraw_override(&oisin, draft.id, request.id, "Mine?").await), "not_the_asker");
    let silent = w.services.refuse_override(&grace, draft.id, request.id, "").await;
    assert!(matches!(silent, Err(Error::Invalid(fields)) if fields[0].field == "why"));
    let refused = w.services.refuse_override(&grace, draft.id, request.id, "Run the backup first.").await.unwrap();
    assert_eq!((refused.state, refused.end_why.unwrap().as_str()), (OverrideState::Refused, "Run the backup first."));
    assert_eq!(code(confirm(&grace).await), "wrong_state");
    let other = refused_draft(&w, &[vm3]).await;
    let elsewhere = w.services.confirm_override(&grace, other.id, request.id).await;
    assert!(matches!(elsewhere, Err(Error::NotFound("override"))));

    // Taken back by who asked, and by no token of theirs, it lets nothing go ahead.
    let again = in_force(&w, &draft).await;
    let taken = w.services.overrides(&grace, draft.id).await.unwrap().remove(0);
    assert!(taken.may_refuse && !taken.may_withdraw && !taken.may_confirm && taken.of.id == again.id);
    w.services.refuse_override(&grace, draft.id, again.id, "The backup runs after all.").await.unwrap();
    assert!(matches!(try_to_schedule(&w, &draft, &MaintenanceInput::default()).await, Planning::Refused { .. }));
    let request = asked(&w, &ada, &draft).await;
    let by_token = w.services.withdraw_override(&adas, draft.id, request.id, "It can wait.").await;
    assert_eq!(code(by_token), "no_person");
    w.services.withdraw_override(&ada, draft.id, request.id, "It can wait.").await.unwrap();
    // A draft that somebody was asked about stays on record.
    w.services.delete_draft(&w.system, draft.id, None).await.unwrap();
    assert_eq!(w.window(draft.id).await.state, State::Cancelled);
}

async fn it_is_asked_for_only_against_something(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 11:00", "Thu 11:30")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    let (oisin, grace) = people(&w).await;
    assert_eq!(code(w.services.ask_override(&oisin, m.id, None, WHY).await), "not_blocked");
    assert!(!w.services.maintenance_detail(&oisin, m.id).await.unwrap().may_ask_override);
    // Early, by hand: the gate of that moment, and the two people of that moment.
    w.pass("Thu 18:00").await;
    let other = refused_draft(&w, &[w.host("shop", None).await]).await;
    assert_eq!(code(w.services.start_maintenance(&oisin, m.id, None, "").await), "gate_blocked");
    let request = asked(&w, &oisin, &m).await;
    w.services.confirm_override(&grace, m.id, request.id).await.unwrap();
    let begun = w.services.start_maintenance(&oisin, m.id, None, "The disk is dying.").await.unwrap();
    assert_eq!((begun.state, begun.started_at), (State::InProgress, Some(utc("Thu 18:00"))));
    assert_eq!(code(w.services.ask_override(&oisin, m.id, None, WHY).await), "wrong_state");
    let nothing = MaintenanceInput { hosts: Some(vec![]), ..MaintenanceInput::default() };
    w.services.edit_maintenance(&w.system, other.id, None, &nothing, "").await.unwrap();
    assert_eq!(code(w.services.ask_override(&oisin, other.id, None, WHY).await), "nothing_named");
}

async fn many_nodes_confirm_and_begin_once(engine: Engine) {
    let mut w = World::begin(engine, "Thu 12:00").await;
    let (vm3, _) = w.simple(&[("Thu 03:00", "Thu 04:00")]).await;
    let m = w.scheduled(&thursday(&[vm3])).await;
    w.pass("Thu 19:10").await;
    let (oisin, grace) = people(&w).await;
    let request = asked(&w, &oisin, &m).await;
    let nodes: Vec<Services> =
        nodes_on(3, &w.t.address).await.iter().map(|db| services_on(db, w.services.now())).collect();
    let tasks: Vec<_> = nodes
        .iter()
        .flat_map(|node| [node.clone(), node.clone()])
        .map(|node| {
            let (grace, id, of) = (grace.clone(), m.id, request.id);
            tokio::spawn(async move {
                let confirmed = node.confirm_override(&grace, id, of).await.is_ok();
                node.run_due().await.unwrap();
                node.retry_held().await.unwrap();
                usize::from(confirmed)
            })
        })
        .collect();
    let mut confirmed = 0;
    for task in tasks {
        confirmed += task.await.unwrap();
    }
    assert_eq!(confirmed, 1);
    assert_eq!(w.kinds(m.id).await, [UpdateKind::Scheduled, UpdateKind::Held, UpdateKind::Started]);
    assert_eq!(log(&w).await.len(), 2);
}

storage::on_both!(
    a_refused_draft_goes_out_and_starts_by_the_word_of_two_people,
    a_held_window_begins_as_soon_as_the_second_person_has_spoken,
    what_comes_up_later_stops_it_and_the_rest_starts_it_by_itself,
    a_new_request_covers_what_has_come_up_and_replaces_the_one_in_force,
    a_new_time_or_scope_ends_it_for_good,
    nobody_is_two_people,
    it_is_asked_for_only_against_something,
    many_nodes_confirm_and_begin_once,
);
