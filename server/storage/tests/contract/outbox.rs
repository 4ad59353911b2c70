use domain::ids::{NotificationId, SubscriberId};
use domain::subscriber::{Subscriber, SubscriberState};
use domain::time::Instant;
use std::collections::BTreeSet;
use storage::outbox::{Claimed, Done, NewNotification};
use storage::testing::{Engine, TestDb};
use storage::{Db, StoreError};
use uuid::Uuid;

fn at(s: i64) -> Instant {
    Instant::from_timestamp_millis(s * 1000).unwrap()
}

fn subscriber(n: u128, state: SubscriberState) -> Subscriber {
    Subscriber {
        id: SubscriberId(Uuid::from_u128(n)),
        number: 0,
        email: format!("Reader{n}@example.net"),
        state,
        zone: "Europe/Dublin".to_owned(),
        components: vec![],
        token_version: 1,
        confirm_sent_at: Some(at(1)),
        created_at: at(1),
        confirmed_at: None,
    }
}

fn notification(n: u128) -> NewNotification {
    NewNotification {
        id: NotificationId(Uuid::from_u128(n)),
        kind: "maintenance",
        maintenance_id: None,
        update_id: None,
        content_json: "{}".to_owned(),
        created_at: at(10),
    }
}

async fn with_three(db: &Db) -> NotificationId {
    let mut tx = db.decide().await.unwrap();
    for n in 1..=3 {
        tx.add_subscriber(&subscriber(n, SubscriberState::Confirmed)).await.unwrap();
    }
    tx.add_subscriber(&subscriber(4, SubscriberState::Pending)).await.unwrap();
    tx.add_subscriber(&subscriber(5, SubscriberState::Unsubscribed)).await.unwrap();
    let new = notification(100);
    assert_eq!(tx.add_notification(&new, &[]).await.unwrap(), 1);
    assert_eq!(tx.queue_for_followers(new.id, at(10)).await.unwrap(), 3);
    tx.commit().await.unwrap();
    new.id
}

async fn claim(db: &Db, now: i64, limit: i64) -> Vec<Claimed> {
    let mut tx = db.write().await.unwrap();
    let claimed = tx.claim_deliveries(at(now), at(now + 60), limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn an_address_subscribes_once_whatever_its_case(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let first = tx.add_subscriber(&subscriber(1, SubscriberState::Pending)).await.unwrap();
    assert_eq!(first.number, 1);
    assert_eq!(tx.subscriber_by_email(" reader1@EXAMPLE.net ").await.unwrap(), Some(first.clone()));
    assert_eq!(tx.subscriber_by_email("other@example.net").await.unwrap(), None);
    let confirmed =
        Subscriber { state: SubscriberState::Confirmed, confirmed_at: Some(at(9)), token_version: 2, ..first };
    tx.update_subscriber(&confirmed, None).await.unwrap();
    assert_eq!(tx.subscriber(confirmed.id).await.unwrap(), confirmed);
    assert_eq!(tx.subscribers_after(0, Some(SubscriberState::Confirmed), 9).await.unwrap(), vec![confirmed.clone()]);
    assert_eq!(tx.subscribers_after(1, None, 9).await.unwrap(), vec![]);
    assert_eq!(tx.count_subscribers().await.unwrap().confirmed, 1);
    let twin = Subscriber { id: SubscriberId(Uuid::from_u128(2)), ..confirmed };
    assert!(matches!(tx.add_subscriber(&twin).await, Err(StoreError::Conflict(_))));
}

async fn who_never_confirmed_is_forgotten(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.add_subscriber(&subscriber(1, SubscriberState::Pending)).await.unwrap();
    tx.add_subscriber(&subscriber(2, SubscriberState::Confirmed)).await.unwrap();
    assert_eq!(tx.purge_pending(at(1)).await.unwrap(), 0);
    assert_eq!(tx.purge_pending(at(2)).await.unwrap(), 1);
    assert_eq!(tx.count_subscribers().await.unwrap().pending, 0);
    tx.delete_subscriber(SubscriberId(Uuid::from_u128(2))).await.unwrap();
    assert!(matches!(tx.subscriber(SubscriberId(Uuid::from_u128(2))).await, Err(StoreError::NotFound(_))));
}

async fn a_delivery_is_held_by_one_worker_until_its_lease_ends(engine: Engine) {
    let t = TestDb::start(engine).await;
    let id = with_three(&t.db).await;
    assert_eq!(claim(&t.db, 9, 10).await, vec![], "not yet due");
    let first = claim(&t.db, 10, 2).await;
    let second = claim(&t.db, 10, 2).await;
    assert_eq!((first.len(), second.len()), (2, 1));
    let all: BTreeSet<_> = first.iter().chain(&second).map(|c| c.subscriber).collect();
    assert_eq!(all.len(), 3);
    assert_eq!(claim(&t.db, 69, 10).await, vec![]);
    let mut tx = t.db.write().await.unwrap();
    tx.finish_delivery(id, first[0].subscriber, at(11), &Done::Sent).await.unwrap();
    tx.commit().await.unwrap();
    let again = claim(&t.db, 70, 10).await;
    assert_eq!(again.len(), 2, "the lease of a dead worker ends");
    assert!(again.iter().all(|c| c.ambiguous == 1 && c.attempts == 0), "it may have been sent: {again:?}");
}

async fn outcomes_are_recorded_and_a_sent_mail_stays_sent(engine: Engine) {
    let t = TestDb::start(engine).await;
    let id = with_three(&t.db).await;
    let held = claim(&t.db, 10, 3).await;
    let mut tx = t.db.write().await.unwrap();
    tx.finish_delivery(id, held[0].subscriber, at(11), &Done::Sent).await.unwrap();
    let late = Done::Failed { error: "late".to_owned() };
    tx.finish_delivery(id, held[0].subscriber, at(12), &late).await.unwrap();
    tx.finish_delivery(id, held[1].subscriber, at(11), &Done::Failed { error: "550".to_owned() }).await.unwrap();
    let retry = Done::Retry { due_at: at(71), error: "450".to_owned(), attempt: true, ambiguous: false };
    tx.finish_delivery(id, held[2].subscriber, at(11), &retry).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let state = tx.outbox_state().await.unwrap();
    assert_eq!((state.waiting, state.sent, state.failed), (1, 1, 1));
    assert_eq!((state.oldest_at, state.last_error.as_deref()), (Some(at(10)), Some("450")));
    assert_eq!(tx.next_delivery_at().await.unwrap(), Some(at(71)));
    assert_eq!(tx.newest_deliveries(Some("failed"), 9).await.unwrap().len(), 1);
    drop(tx);
    let again = claim(&t.db, 71, 3).await;
    assert_eq!(again, vec![Claimed { attempts: 1, ..held[2].clone() }]);
}

async fn a_feed_stamp_rises_with_every_change_of_the_body(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.feed_modified("all", "a", at(100)).await.unwrap(), at(100));
    assert_eq!(tx.feed_modified("all", "a", at(500)).await.unwrap(), at(100));
    assert_eq!(tx.feed_modified("all", "b", at(100)).await.unwrap(), at(101), "two edits in one second");
    assert_eq!(tx.feed_modified("all", "a", at(50)).await.unwrap(), at(102), "a clock that went back");
    assert_eq!(tx.feed_modified("all", "b", at(900)).await.unwrap(), at(900));
    assert_eq!(tx.feed_stamp("all", "b").await.unwrap(), Some(at(900)));
    assert_eq!(tx.feed_stamp("all", "a").await.unwrap(), None);
}

storage::on_both!(
    an_address_subscribes_once_whatever_its_case,
    who_never_confirmed_is_forgotten,
    a_delivery_is_held_by_one_worker_until_its_lease_ends,
    outcomes_are_recorded_and_a_sent_mail_stays_sent,
    a_feed_stamp_rises_with_every_change_of_the_body,
);
