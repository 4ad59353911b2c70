use super::component::component;
use super::host::at;
use super::outbox::{notification, subscriber};
use domain::ids::{ComponentId, NotificationId, SubscriberId, WebhookId};
use domain::subscriber::{DeliveryState, Subscriber, SubscriberState, Topic, Topics};
use domain::text::Name;
use domain::time::Span;
use domain::webhook::{Answer, OffReason, Webhook, WebhookState};
use std::collections::BTreeSet;
use storage::audience::Concern;
use storage::outbox::{Done, NewNotification};
use storage::testing::{Engine, TestDb};
use storage::webhook::delivery::{WebhookClaimed, Whose};
use storage::{Db, StoreError, Tx};
use uuid::Uuid;

const API: ComponentId = ComponentId(Uuid::from_u128(11));
const SHELL: ComponentId = ComponentId(Uuid::from_u128(12));

fn hook(n: u128) -> Webhook {
    Webhook {
        id: WebhookId(Uuid::from_u128(n)),
        name: Name::parse(&format!("Hook {n}")).unwrap(),
        url: format!("https://hooks.example.net/{n}?token=x"),
        components: Vec::new(),
        topics: Topics::default(),
        state: WebhookState::Active,
        off: None,
        off_at: None,
        failing_since: None,
        given_up: 0,
        subscriber: None,
        secret_version: 1,
        created_at: at(1),
        version: 1,
    }
}

async fn a_webhook_is_changed_by_whoever_read_it_last(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_component(&component(11, "API", None, 1), at(0)).await.unwrap();
    let new = hook(1);
    tx.add_webhook(&new, "aa").await.unwrap();
    assert_eq!(tx.webhook(new.id).await.unwrap(), (new.clone(), "aa".to_owned()));
    let changed = Webhook { components: vec![API], secret_version: 2, ..new.clone() };
    tx.update_webhook(&changed, "bb").await.unwrap();
    assert!(matches!(tx.update_webhook(&changed, "cc").await, Err(StoreError::Stale(_))));
    let stored = Webhook { version: 2, ..changed };
    assert_eq!(tx.webhook(new.id).await.unwrap(), (stored.clone(), "bb".to_owned()));

    let off = stored.answered(Answer::Gone, at(9)).unwrap();
    tx.note_webhook(&off).await.unwrap();
    assert_eq!(tx.webhook(new.id).await.unwrap().0, off, "an answer is no edit");
    assert_eq!(off.off, Some(OffReason::Gone));
    assert_eq!(tx.webhooks_off().await.unwrap(), vec![off.clone()]);

    tx.add_subscriber(&subscriber(1, SubscriberState::Confirmed)).await.unwrap();
    let own = Webhook { subscriber: Some(SubscriberId(Uuid::from_u128(1))), ..hook(2) };
    tx.add_webhook(&own, "dd").await.unwrap();
    assert_eq!(tx.webhooks().await.unwrap(), [off.clone(), own.clone()], "those of the site first");
    assert_eq!(tx.webhooks_of(SubscriberId(Uuid::from_u128(1))).await.unwrap(), vec![own.clone()]);
    tx.delete_subscriber(SubscriberId(Uuid::from_u128(1))).await.unwrap();
    assert!(matches!(tx.webhook(own.id).await, Err(StoreError::NotFound(_))), "forgotten with its subscriber");
    assert!(matches!(tx.delete_webhook(off.id, 1).await, Err(StoreError::Stale(_))));
    tx.delete_webhook(off.id, 2).await.unwrap();
    assert_eq!(tx.webhooks().await.unwrap(), []);
}

/// 1 follows everything, 2 the API, 3 hears of reports alone, 4 is paused; 5 goes with a subscription to the shell, 6 with
/// one that is not confirmed, 7 with one to everything that hears of reports alone.
async fn listeners(tx: &mut Tx) {
    for c in [component(11, "API", None, 1), component(12, "Shell", None, 2)] {
        tx.insert_component(&c, at(0)).await.unwrap();
    }
    let reports: Topics = std::iter::once(Topic::Reports).collect();
    let confirmed = subscriber(51, SubscriberState::Confirmed);
    for s in [
        Subscriber { components: vec![SHELL], ..confirmed.clone() },
        subscriber(52, SubscriberState::Unsubscribed),
        Subscriber { topics: reports, ..subscriber(53, SubscriberState::Confirmed) },
    ] {
        tx.add_subscriber(&s).await.unwrap();
    }
    let of = |n: u128| Some(SubscriberId(Uuid::from_u128(n)));
    for w in [
        hook(1),
        Webhook { components: vec![API], ..hook(2) },
        Webhook { topics: reports, ..hook(3) },
        Webhook { state: WebhookState::Paused, ..hook(4) },
        Webhook { subscriber: of(51), ..hook(5) },
        Webhook { subscriber: of(52), ..hook(6) },
        Webhook { subscriber: of(53), ..hook(7) },
    ] {
        tx.add_webhook(&w, "aa").await.unwrap();
    }
}

async fn told(tx: &mut Tx, id: NotificationId) -> BTreeSet<u128> {
    let mut found = BTreeSet::new();
    for n in 1..=7 {
        let lines = tx.webhook_deliveries(hook(n).id, 99).await.unwrap();
        found.extend(lines.iter().filter(|line| line.notification == id).map(|_| n));
    }
    found
}

/// A topic, what it is about (none is the whole site), and who hears of it.
type Case = (Topic, Option<&'static [ComponentId]>, &'static [u128]);

async fn the_webhooks_that_are_counted_are_those_that_are_told(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    listeners(&mut tx).await;
    let cases: [Case; 6] = [
        (Topic::Incidents, Some(&[API]), &[1, 2]),
        (Topic::Incidents, Some(&[API, SHELL]), &[1, 2, 5]),
        (Topic::Incidents, Some(&[]), &[1]),
        (Topic::Incidents, None, &[1, 2, 5]),
        (Topic::Reports, None, &[3, 7]),
        (Topic::ActionItems, Some(&[SHELL]), &[]),
    ];
    for (n, (topic, components, expected)) in (100..).zip(cases) {
        let new = notification(n);
        tx.add_notification(&new, components.unwrap_or_default()).await.unwrap();
        let queued = tx.queue_for_webhooks(new.id, topic, components.is_none(), at(10)).await.unwrap();
        assert_eq!(told(&mut tx, new.id).await, expected.iter().copied().collect(), "{topic:?} {components:?}");
        let audience = tx.audience(topic, components.map_or(Concern::Site, Concern::Components)).await.unwrap();
        assert_eq!(queued, expected.len() as u64);
        assert_eq!(audience.webhooks, expected.len() as i64, "{topic:?} {components:?}");
    }
    let about = |n| NewNotification { subject_id: Some(Uuid::from_u128(7)), ..notification(n) };
    let (first, last) = (about(200), about(201));
    tx.add_notification(&first, &[API]).await.unwrap();
    tx.queue_for_webhooks(first.id, Topic::Incidents, false, at(10)).await.unwrap();
    tx.add_notification(&last, &[SHELL]).await.unwrap();
    tx.queue_for_webhooks(last.id, Topic::Incidents, false, at(11)).await.unwrap();
    assert_eq!(told(&mut tx, last.id).await, BTreeSet::from([1, 2, 5]), "who heard the beginning hears the end");
}

/// Three pieces of news for hooks 1 and 2.
async fn with_three(db: &Db) {
    let mut tx = db.decide().await.unwrap();
    for n in 1..=2 {
        tx.add_webhook(&hook(n), "aa").await.unwrap();
    }
    for n in 100..103 {
        let new = notification(n);
        tx.add_notification(&new, &[]).await.unwrap();
        assert_eq!(tx.queue_for_webhooks(new.id, Topic::Maintenance, true, at(10)).await.unwrap(), 2);
        tx.add_webhook_body(new.id, "{}").await.unwrap();
        assert_eq!(tx.webhook_body(new.id).await.unwrap(), "{}");
    }
    tx.commit().await.unwrap();
}

async fn claim(db: &Db, now: i64) -> Vec<WebhookClaimed> {
    let mut tx = db.write().await.unwrap();
    let mut due = tx.due_webhook_deliveries(Whose::Site, at(now), 9).await.unwrap();
    due.extend(tx.due_webhook_deliveries(Whose::Subscribers { except: &[] }, at(now), 9).await.unwrap());
    let mut claimed = Vec::new();
    for due in due {
        let call = tx.claim_webhook_delivery(due.notification, due.webhook, at(now), at(now + 60)).await.unwrap();
        claimed.extend(call);
    }
    tx.commit().await.unwrap();
    claimed
}

fn places(claimed: &[WebhookClaimed]) -> BTreeSet<(u128, u128)> {
    claimed.iter().map(|c| (c.notification.0.as_u128(), c.webhook.0.as_u128())).collect()
}

async fn finish(db: &Db, (notification, webhook): (u128, u128), now: i64, done: &Done) {
    let mut tx = db.write().await.unwrap();
    let (notification, webhook) = (NotificationId(Uuid::from_u128(notification)), WebhookId(Uuid::from_u128(webhook)));
    tx.finish_webhook_delivery(notification, webhook, at(now), done).await.unwrap();
    tx.commit().await.unwrap();
}

async fn each_webhook_is_called_once_at_a_time_in_the_order_of_telling(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    assert_eq!(claim(&t.db, 9).await, [], "not yet due");
    assert_eq!(places(&claim(&t.db, 10).await), BTreeSet::from([(100, 1), (100, 2)]));
    assert_eq!(claim(&t.db, 11).await, [], "one call at a time");
    finish(&t.db, (100, 1), 12, &Done::Sent).await;
    assert_eq!(places(&claim(&t.db, 12).await), BTreeSet::from([(101, 1)]), "the slow one holds up nobody else");
    let retry = Done::Retry { due_at: at(80), error: "500".to_owned(), attempt: true, ambiguous: false };
    finish(&t.db, (101, 1), 13, &retry).await;
    assert_eq!(claim(&t.db, 14).await, [], "what was told later waits for what was told before");
    assert_eq!(places(&claim(&t.db, 70).await), BTreeSet::from([(100, 2)]), "the lease of the other has ended");
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.end_webhook_leases(at(71)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let again = claim(&t.db, 80).await;
    assert_eq!(places(&again), BTreeSet::from([(100, 2), (101, 1)]));
    let lost = again.iter().find(|c| c.webhook == hook(2).id).unwrap();
    assert_eq!((lost.ambiguous, lost.attempts), (2, 0), "whoever held it is dead; it may have been made");
    assert_eq!(again.iter().find(|c| c.webhook == hook(1).id).unwrap().attempts, 1);
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.end_webhook_leases(at(81)).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(claim(&t.db, 81).await.len(), 2);
}

async fn who_rests_is_not_called_and_what_failed_can_be_queued_again(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.update_webhook(&hook(2).paused(), "aa").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(places(&claim(&t.db, 10).await), BTreeSet::from([(100, 1)]));
    finish(&t.db, (100, 1), 11, &Done::Failed { error: "500".to_owned() }).await;
    let mut tx = t.db.decide().await.unwrap();
    let (news, first) = (NotificationId(Uuid::from_u128(100)), hook(1).id);
    assert_eq!(tx.webhook_delivery(news, first).await.unwrap().state, DeliveryState::Failed);
    assert_eq!(tx.drop_webhook_deliveries(first, at(12), "it was switched off").await.unwrap(), 2);
    let due = tx.due_webhook_deliveries(Whose::Site, at(99), 9).await.unwrap();
    assert_eq!(due, [], "nobody is left who is called");
    tx.queue_webhook_again(news, first, at(13)).await.unwrap();
    assert!(matches!(tx.queue_webhook_again(news, first, at(13)).await, Err(StoreError::Stale(_))));
    tx.commit().await.unwrap();
    let again = claim(&t.db, 13).await;
    assert_eq!((places(&again), again[0].attempts), (BTreeSet::from([(100, 1)]), 0));
    assert!(again[0].by_hand, "it is made once");
}

async fn what_is_queued_again_waits_for_the_call_in_hand_and_brings_forward_what_waits(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    let failed = Done::Failed { error: "400".to_owned() };
    claim(&t.db, 10).await;
    finish(&t.db, (100, 1), 11, &failed).await;
    assert_eq!(places(&claim(&t.db, 11).await), BTreeSet::from([(101, 1)]));
    let again = async |now: i64| {
        let mut tx = t.db.decide().await.unwrap();
        tx.queue_webhook_again(NotificationId(Uuid::from_u128(100)), hook(1).id, at(now)).await.unwrap();
        tx.commit().await.unwrap();
    };
    again(12).await;
    assert_eq!(claim(&t.db, 12).await, [], "never two at a time");
    let retry = Done::Retry { due_at: at(9_000), error: "500".to_owned(), attempt: true, ambiguous: false };
    finish(&t.db, (101, 1), 13, &retry).await;
    assert_eq!(places(&claim(&t.db, 13).await), BTreeSet::from([(100, 1)]));
    finish(&t.db, (100, 1), 14, &failed).await;
    assert_eq!(claim(&t.db, 14).await, [], "the other waits for its turn");
    again(15).await;
    claim(&t.db, 15).await;
    finish(&t.db, (100, 1), 16, &failed).await;
    assert_eq!(places(&claim(&t.db, 16).await), BTreeSet::from([(101, 1)]), "its turn has come too");
}

async fn what_is_told_next_brings_forward_what_waits_to_be_told_again(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    claim(&t.db, 10).await;
    let retry = Done::Retry { due_at: at(9_000), error: "500".to_owned(), attempt: true, ambiguous: false };
    finish(&t.db, (100, 1), 11, &retry).await;
    assert_eq!(claim(&t.db, 12).await, []);
    let mut tx = t.db.decide().await.unwrap();
    let new = notification(103);
    tx.add_notification(&new, &[]).await.unwrap();
    tx.queue_for_webhooks(new.id, Topic::Maintenance, true, at(13)).await.unwrap();
    tx.commit().await.unwrap();
    let head = claim(&t.db, 13).await;
    assert_eq!((places(&head), head[0].attempts), (BTreeSet::from([(100, 1)]), 1), "still in the order of telling");
}

async fn the_order_of_telling_is_that_of_numbers_whatever_a_clock_made_of_the_ids(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.add_webhook(&hook(1), "aa").await.unwrap();
    for n in [102, 100, 101] {
        tx.add_notification(&notification(n), &[]).await.unwrap();
        tx.queue_for_webhooks(notification(n).id, Topic::Maintenance, true, at(10)).await.unwrap();
    }
    let listed = tx.webhook_deliveries(hook(1).id, 9).await.unwrap();
    let ids: Vec<u128> = listed.iter().map(|line| line.notification.0.as_u128()).collect();
    assert_eq!(ids, [101, 100, 102], "newest first");
    tx.commit().await.unwrap();
    for n in [102, 100, 101] {
        assert_eq!(places(&claim(&t.db, 10).await), BTreeSet::from([(n, 1)]));
        finish(&t.db, (n, 1), 10, &Done::Sent).await;
    }
}

async fn those_of_subscribers_are_found_apart_and_not_at_hosts_that_have_enough(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.add_subscriber(&subscriber(1, SubscriberState::Confirmed)).await.unwrap();
    let of = |n: u128, host: &str| {
        let subscriber = Some(SubscriberId(Uuid::from_u128(1)));
        Webhook { subscriber, url: format!("https://{host}:8443/x"), ..hook(n) }
    };
    let moved = of(4, "full.example");
    for w in [hook(1), of(2, "Full.example"), of(3, "free.example"), moved.clone()] {
        tx.add_webhook(&w, "aa").await.unwrap();
    }
    tx.update_webhook(&Webhook { url: "https://new.example/".to_owned(), ..moved }, "aa").await.unwrap();
    tx.add_notification(&notification(100), &[]).await.unwrap();
    tx.queue_for_webhooks(notification(100).id, Topic::Maintenance, true, at(10)).await.unwrap();
    let mut found = Vec::new();
    for whose in [
        Whose::Site,
        Whose::Subscribers { except: &[] },
        Whose::Subscribers { except: &["full.example".to_owned(), "else.example".to_owned()] },
    ] {
        let due = tx.due_webhook_deliveries(whose, at(10), 9).await.unwrap();
        found.push(due.iter().map(|due| due.webhook.0.as_u128()).collect::<Vec<_>>());
    }
    assert_eq!(found, [vec![1], vec![2, 3, 4], vec![3, 4]]);
}

async fn what_waited_for_too_long_is_dropped_and_old_bodies_go_when_nothing_waits(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    let mut tx = t.db.decide().await.unwrap();
    let (news, one) = (|n| NotificationId(Uuid::from_u128(n)), hook(1).id);
    let noon = Span::minutes(1).after(notification(100).created_at);
    let late = NewNotification { created_at: noon, ..notification(103) };
    tx.add_notification(&late, &[]).await.unwrap();
    tx.queue_for_webhooks(late.id, Topic::Maintenance, true, at(50)).await.unwrap();
    tx.add_webhook_body(late.id, "{}").await.unwrap();
    assert_eq!(tx.drop_old_webhook_deliveries(one, noon, at(60), "too old").await.unwrap(), 3);
    let dropped = tx.webhook_delivery(news(100), one).await.unwrap();
    assert_eq!((dropped.state, dropped.last_error.as_deref()), (DeliveryState::Dropped, Some("too old")));
    assert_eq!(tx.webhook_delivery(late.id, one).await.unwrap().state, DeliveryState::Queued);
    assert_eq!(tx.forget_webhook_bodies(noon).await.unwrap(), 0, "the other still waits for them");
    tx.drop_webhook_deliveries(hook(2).id, at(61), "it was switched off").await.unwrap();
    assert_eq!(tx.forget_webhook_bodies(noon).await.unwrap(), 3);
    assert!(matches!(tx.webhook_body(news(100)).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.webhook_body(late.id).await.unwrap(), "{}");
}

async fn two_workers_never_hold_the_same_call(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    let mut called = BTreeSet::new();
    for round in 0..3 {
        let now = 10 + round;
        let (one, two) = tokio::join!(claim(&t.db, now), claim(&t.db, now));
        assert_eq!(one.len() + two.len(), 2, "one call for each webhook, whoever makes it");
        for claimed in one.iter().chain(&two) {
            let place = (claimed.notification.0.as_u128(), claimed.webhook.0.as_u128());
            assert!(called.insert(place), "{place:?} twice");
            finish(&t.db, place, now, &Done::Sent).await;
        }
    }
    assert_eq!(called.len(), 6);
}

storage::on_both!(
    a_webhook_is_changed_by_whoever_read_it_last,
    the_webhooks_that_are_counted_are_those_that_are_told,
    each_webhook_is_called_once_at_a_time_in_the_order_of_telling,
    who_rests_is_not_called_and_what_failed_can_be_queued_again,
    what_is_queued_again_waits_for_the_call_in_hand_and_brings_forward_what_waits,
    what_is_told_next_brings_forward_what_waits_to_be_told_again,
    the_order_of_telling_is_that_of_numbers_whatever_a_clock_made_of_the_ids,
    those_of_subscribers_are_found_apart_and_not_at_hosts_that_have_enough,
    what_waited_for_too_long_is_dropped_and_old_bodies_go_when_nothing_waits,
    two_workers_never_hold_the_same_call,
);
