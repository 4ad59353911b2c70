use super::host::{at, host};
use super::maintenance::{started, window};
use domain::alert::cause::{Cause, CauseState};
use domain::alert::join::Key;
use domain::alert::place::LabelNames;
use domain::alert::rule::{Doing, LAST, Plan, Rule, When};
use domain::alert::{Alert, Grade};
use domain::component::ComponentState;
use domain::ids::{AlertId, AlertRuleId, CauseId, ComponentId, HostId, MaintenanceId};
use domain::maintenance::State;
use domain::text::{Name, Prose};
use domain::time::Span;
use std::collections::{BTreeMap, BTreeSet};
use storage::alert::AlertFilter;
use storage::alert::cause::CausesOf;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn cause(n: u128) -> Cause {
    Cause {
        id: CauseId(Uuid::from_u128(n)),
        title: name("vm3 does not answer"),
        state: CauseState::Open,
        incident: None,
        incident_state: None,
        maintenance: None,
        merged_into: None,
        keys: BTreeSet::from([Key::Group("{}:{}".to_owned()), Key::Host(HostId(Uuid::from_u128(1)))]),
        components: BTreeMap::from([(ComponentId(Uuid::from_u128(5)), ComponentState::MajorOutage)]),
        rule: Some(AlertRuleId(Uuid::from_u128(6))),
        rank: 3,
        plan: Plan { doing: Doing::Publish, delay: Span::minutes(2), ..Plan::default() },
        alerts: 2,
        firing: 1,
        truncated: 4,
        started_at: at(1),
        first_at: at(2),
        last_at: at(3),
        quiet_at: None,
        publish_at: Some(at(120_002)),
        proposed_at: None,
        ended_at: None,
    }
}

pub(crate) fn alert(n: u128, print: &str, of: Option<u128>) -> Alert {
    Alert {
        id: AlertId(Uuid::from_u128(n)),
        source: Uuid::from_u128(9),
        fingerprint: print.to_owned(),
        title: name("vm3 does not answer"),
        grade: Grade::Critical,
        labels: BTreeMap::from([("instance".to_owned(), "vm3:9100".to_owned())]),
        group: Some("{}:{}".to_owned()),
        host: Some(HostId(Uuid::from_u128(1))),
        components: BTreeSet::from([ComponentId(Uuid::from_u128(5))]),
        cause: of.map(|n| CauseId(Uuid::from_u128(n))),
        started_at: at(1),
        first_seen_at: at(2),
        last_seen_at: at(3),
        seen: 1,
        ended_at: None,
        flaps: 0,
        link: Some("http://prometheus.example.org/graph".to_owned()),
    }
}

async fn an_alert_is_known_by_its_fingerprint_until_it_is_history(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_host(&host(1, "vm3", None), at(0)).await.unwrap();
    tx.put_cause(&cause(20)).await.unwrap();
    tx.put_cause(&cause(21)).await.unwrap();
    let (down, load) = (alert(1, "down", Some(20)), alert(2, "load", None));
    tx.insert_alerts(&[&down]).await.unwrap();
    tx.insert_alerts(&[&load]).await.unwrap();
    let known = tx.alerts_known(down.source, &["down", "load", "none"]).await.unwrap();
    assert_eq!(known.iter().map(|a| a.fingerprint.as_str()).collect::<BTreeSet<_>>(), BTreeSet::from(["down", "load"]));
    assert!(known.contains(&down));
    assert!(tx.alerts_known(Uuid::nil(), &["down"]).await.unwrap().is_empty(), "of another source");

    let back =
        Alert { cause: Some(CauseId(Uuid::from_u128(21))), seen: 2, last_seen_at: at(5), flaps: 1, ..down.clone() };
    tx.update_alerts(&[&Alert { ended_at: Some(at(4)), ..back.clone() }]).await.unwrap();
    tx.update_alerts(&[&back]).await.unwrap();
    assert_eq!(tx.alerts_known(down.source, &["down"]).await.unwrap(), std::slice::from_ref(&back));
    assert!(matches!(tx.update_alerts(&[&alert(9, "x", None)]).await, Err(StoreError::NotFound(_))));

    tx.move_alerts(CauseId(Uuid::from_u128(21)), CauseId(Uuid::from_u128(20))).await.unwrap();
    let of = AlertFilter { cause: Some(CauseId(Uuid::from_u128(20))), ..AlertFilter::default() };
    assert_eq!(tx.alerts_of(&of, 9).await.unwrap(), [Alert { cause: down.cause, ..back.clone() }]);
    tx.end_alerts_of(CauseId(Uuid::from_u128(20)), at(7)).await.unwrap();
    let firing = AlertFilter { firing: Some(true), ..AlertFilter::default() };
    assert_eq!(tx.alerts_of(&firing, 9).await.unwrap(), std::slice::from_ref(&load));
    assert_eq!(
        tx.alerts_of(&AlertFilter { ignored: true, ..AlertFilter::default() }, 9).await.unwrap(),
        std::slice::from_ref(&load)
    );
    assert_eq!(
        tx.alerts_of(&AlertFilter::default(), 1).await.unwrap(),
        std::slice::from_ref(&load),
        "the newest first"
    );
    let older = AlertFilter { before: Some(load.id), ..AlertFilter::default() };
    assert_eq!(tx.alerts_of(&older, 9).await.unwrap().len(), 1);

    tx.settle_alerts_of(CauseId(Uuid::from_u128(20))).await.unwrap();
    tx.settle_alert(load.id).await.unwrap();
    assert!(tx.alerts_known(down.source, &["down", "load"]).await.unwrap().is_empty());
    tx.insert_alerts(&[&alert(3, "down", None)]).await.unwrap();
    // A host that is gone takes nothing with it.
    tx.delete_host(HostId(Uuid::from_u128(1))).await.unwrap();
    assert_eq!(tx.alerts_known(down.source, &["down"]).await.unwrap()[0].host, None);
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let twice = Alert { host: None, ..alert(4, "down", None) };
    assert!(matches!(tx.insert_alerts(&[&twice]).await, Err(StoreError::Conflict("alert"))));
}

async fn causes_are_found_when_something_is_due_in_them(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let m = window(1, State::InProgress, 0);
    tx.add_maintenance(&m).await.unwrap();
    let open = cause(1);
    let quiet = Cause { firing: 0, quiet_at: Some(at(10)), publish_at: None, rank: LAST, rule: None, ..cause(2) };
    let work = Cause { state: CauseState::Window, maintenance: Some(m.id), publish_at: None, ..cause(3) };
    let merged = Cause { state: CauseState::Merged, merged_into: Some(open.id), ended_at: Some(at(9)), ..cause(4) };
    for cause in [&open, &quiet, &work, &merged] {
        tx.put_cause(cause).await.unwrap();
        assert_eq!(&tx.cause(cause.id).await.unwrap(), cause);
    }
    assert_eq!(tx.causes(CausesOf::LiveBefore(None), 9).await.unwrap(), [work.clone(), quiet.clone(), open.clone()]);
    let keys = [&work, &quiet, &open].map(|cause| (cause.id, cause.keys.clone()));
    assert_eq!(tx.live_keys().await.unwrap(), keys.into());
    let all = (0..100).map(|n| CauseId(Uuid::from_u128(n))).collect();
    assert_eq!(tx.live_causes(&all).await.unwrap().len(), 3, "those that are over are not among them");
    assert_eq!(tx.live_causes(&[quiet.id].into()).await.unwrap(), std::slice::from_ref(&quiet));
    assert_eq!(tx.causes(CausesOf::Before(None), 9).await.unwrap().len(), 3, "without what is part of another");
    assert_eq!(tx.causes(CausesOf::Before(Some(quiet.id)), 9).await.unwrap(), std::slice::from_ref(&open));
    assert_eq!(tx.causes(CausesOf::Maintenance(m.id), 9).await.unwrap(), std::slice::from_ref(&work));
    assert_eq!(tx.count_causes().await.unwrap(), (2, 3));
    assert!(matches!(tx.cause(CauseId(Uuid::from_u128(99))).await, Err(StoreError::NotFound(_))));

    assert!(tx.due_causes(at(120_001), None, 9).await.unwrap().is_empty());
    assert_eq!(tx.due_causes(at(120_002), None, 9).await.unwrap(), [open.id]);
    assert_eq!(tx.due_causes(at(300_010), None, 9).await.unwrap(), [open.id, quiet.id]);
    assert_eq!(tx.due_causes(at(300_010), None, 1).await.unwrap(), [open.id]);
    assert_eq!(
        tx.due_causes(at(300_010), Some(open.id), 1).await.unwrap(),
        [quiet.id],
        "what stands first blocks none"
    );
    assert!(tx.due_causes(at(300_010), Some(quiet.id), 1).await.unwrap().is_empty());
    let over = Cause { state: CauseState::Over, ended_at: Some(at(20)), publish_at: None, ..open.clone() };
    tx.put_cause(&over).await.unwrap();
    assert_eq!(tx.cause(over.id).await.unwrap(), over);
    assert_eq!(tx.causes(CausesOf::LiveBefore(None), 9).await.unwrap(), [work.clone(), quiet.clone()]);
    assert_eq!(tx.causes(CausesOf::LiveBefore(Some(work.id)), 9).await.unwrap(), std::slice::from_ref(&quiet));
    assert_eq!(tx.causes(CausesOf::OverBefore(None), 9).await.unwrap(), std::slice::from_ref(&over));
    assert!(tx.causes(CausesOf::OverBefore(Some(over.id)), 9).await.unwrap().is_empty());
    tx.update_maintenance(&domain::maintenance::Maintenance { state: State::Completed, ..m }).await.unwrap();
    assert_eq!(tx.due_causes(at(0), None, 9).await.unwrap(), [work.id], "the work is over");
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let nowhere = Cause { maintenance: Some(MaintenanceId(Uuid::from_u128(77))), ..cause(8) };
    assert!(matches!(tx.put_cause(&nowhere).await, Err(StoreError::Conflict("cause"))));
}

async fn old_alerts_and_causes_go_a_few_at_a_time_and_what_is_open_stays(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let open = cause(1);
    let over = Cause { state: CauseState::Over, ended_at: Some(at(9)), last_at: at(9), ..cause(2) };
    let parts = [(3, open.id), (4, over.id), (5, CauseId(Uuid::from_u128(4)))].map(|(n, whole)| Cause {
        state: CauseState::Merged,
        merged_into: Some(whole),
        ..cause(n)
    });
    for cause in [&open, &over].into_iter().chain(&parts) {
        tx.put_cause(cause).await.unwrap();
    }
    let parts_of_over = tx.causes(CausesOf::PartOf(over.id), 9).await.unwrap();
    assert_eq!(parts_of_over.iter().map(|part| part.id).collect::<Vec<_>>(), [parts[1].id], "not the parts of a part");
    let ended = |n: u128, of: Option<u128>, end: i64| Alert {
        ended_at: Some(at(end)),
        last_seen_at: at(5),
        host: None,
        ..alert(n, &n.to_string(), of)
    };
    let silent = Alert { last_seen_at: at(6), host: None, ..alert(14, "silent", None) };
    let heard = Alert { last_seen_at: at(20), ..ended(15, Some(2), 5) };
    for alert in [ended(11, Some(1), 5), ended(12, Some(2), 6), ended(13, Some(2), 9), silent, heard] {
        tx.insert_alerts(&[&alert]).await.unwrap();
    }
    let expire_causes = async |tx: &mut Tx, minute: i64| {
        let old = tx.old_causes(at(minute), 9).await.unwrap();
        assert_eq!(tx.expire_causes(at(minute), &[]).await.unwrap(), 0);
        let gone = tx.expire_causes(at(minute), &old).await.unwrap();
        assert_eq!(gone, u64::try_from(old.len()).unwrap());
        gone
    };
    let id = |n: u128| AlertId(Uuid::from_u128(n));
    assert!(tx.old_alerts(at(6), 9).await.unwrap().is_empty());
    assert_eq!(tx.old_alerts(at(7), 9).await.unwrap(), [id(12), id(14)]);
    assert_eq!(tx.old_alerts(at(10), 2).await.unwrap(), [id(12), id(13)]);
    let all: Vec<AlertId> = (11..=15).map(id).collect();
    assert_eq!(tx.expire_alerts(at(10), &[]).await.unwrap(), 0);
    assert_eq!(
        tx.expire_alerts(at(10), &all).await.unwrap(),
        3,
        "not that of the open cause, nor what was heard since"
    );
    assert_eq!(expire_causes(&mut tx, 10).await, 1, "what is part of a part");
    assert_eq!(expire_causes(&mut tx, 10).await, 1);
    assert_eq!(expire_causes(&mut tx, 10).await, 0, "the other still has an alert");
    assert_eq!(tx.expire_alerts(at(21), &all).await.unwrap(), 1);
    assert_eq!(expire_causes(&mut tx, 9).await, 0);
    assert_eq!(tx.expire_causes(at(21), &[open.id, parts[0].id]).await.unwrap(), 0, "they are asked of again");
    assert_eq!(expire_causes(&mut tx, 21).await, 1);
    let left = tx.alerts_of(&AlertFilter::default(), 9).await.unwrap();
    assert_eq!(left.iter().map(|alert| alert.id).collect::<Vec<_>>(), [id(11)]);
    assert!(tx.cause(open.id).await.is_ok() && tx.cause(parts[0].id).await.is_ok());
}

async fn rules_and_labels_are_changed_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let rule = |n: u128, position: i64| Rule {
        id: AlertRuleId(Uuid::from_u128(n)),
        name: name("Databases"),
        position,
        when: When { grades: BTreeSet::from([Grade::Critical]), ..When::default() },
        then: Plan { text: Prose::parse("We are looking into it.").unwrap(), ..Plan::default() },
        version: 1,
    };
    let (first, second) = (rule(1, 2), rule(2, 1));
    tx.insert_alert_rule(&first).await.unwrap();
    tx.insert_alert_rule(&second).await.unwrap();
    assert_eq!(tx.alert_rules().await.unwrap(), [second.clone(), first.clone()]);
    let changed = Rule { position: 3, name: name("All"), ..second.clone() };
    tx.update_alert_rule(&changed).await.unwrap();
    assert!(matches!(tx.update_alert_rule(&changed).await, Err(StoreError::Stale(_))));
    tx.delete_alert_rule(first.id).await.unwrap();
    assert!(matches!(tx.delete_alert_rule(first.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.alert_rules().await.unwrap(), [Rule { version: 2, ..changed }]);

    let labels = tx.alert_labels().await.unwrap();
    assert_eq!(labels.cause, ["alertname", "cluster"]);
    assert!(labels.host.iter().any(|name| name == "instance"));
    let own = LabelNames { cause: Vec::new(), ..labels.clone() };
    tx.update_alert_labels(&own).await.unwrap();
    assert!(matches!(tx.update_alert_labels(&own).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.alert_labels().await.unwrap(), LabelNames { version: 2, ..own });
}

async fn many_alerts_are_written_at_once(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.put_cause(&cause(20)).await.unwrap();
    let without_host = |n: u128| Alert { host: None, ..alert(n, &format!("a{n}"), None) };
    let all: Vec<Alert> = (1..=120).map(without_host).collect();
    tx.insert_alerts(&all.iter().collect::<Vec<_>>()).await.unwrap();
    tx.insert_alerts(&[]).await.unwrap();
    assert_eq!(tx.alerts_of(&AlertFilter::default(), 200).await.unwrap().len(), 120);
    let again = |(n, of): (i64, Alert)| Alert {
        cause: Some(CauseId(Uuid::from_u128(20))),
        seen: n,
        ended_at: (n % 2 == 0).then_some(at(n)),
        ..of
    };
    let mut after: Vec<Alert> = (1..).zip(all).map(again).collect();
    tx.update_alerts(&after.iter().take(119).collect::<Vec<_>>()).await.unwrap();
    tx.update_alerts(&[]).await.unwrap();
    after[119] = without_host(120);
    after.reverse();
    assert_eq!(tx.alerts_of(&AlertFilter::default(), 200).await.unwrap(), after);
    let stranger = alert(500, "x", None);
    assert!(matches!(tx.update_alerts(&[&after[0], &stranger]).await, Err(StoreError::NotFound(_))));
}

storage::on_both!(
    an_alert_is_known_by_its_fingerprint_until_it_is_history,
    causes_are_found_when_something_is_due_in_them,
    old_alerts_and_causes_go_a_few_at_a_time_and_what_is_open_stays,
    rules_and_labels_are_changed_by_one_at_a_time,
    many_alerts_are_written_at_once,
);
