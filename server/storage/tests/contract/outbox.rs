use super::maintenance::window;
use domain::ids::{NotificationId, SubscriberId};
use domain::maintenance::{Maintenance, State};
use domain::subscriber::{DeliveryState, Subscriber, SubscriberState, Topic, Topics};
use domain::time::Instant;
use std::collections::BTreeSet;
use storage::outbox::{Claimed, DeliveryFilter, Done, NewNotification, Stuck};
use storage::subscriber::SubscriberFilter;
use storage::testing::{Engine, TestDb};
use storage::{Db, StoreError};
use uuid::Uuid;

fn at(s: i64) -> Instant {
    Instant::from_timestamp_millis(s * 1000).unwrap()
}

pub(super) fn subscriber(n: u128, state: SubscriberState) -> Subscriber {
    Subscriber {
        id: SubscriberId(Uuid::from_u128(n)),
        number: 0,
        email: format!("Reader{n}@example.net"),
        state,
        zone: "Europe/Dublin".to_owned(),
        components: vec![],
        topics: Topics::default(),
        token_version: 1,
        confirm_sent_at: Some(at(1)),
        created_at: at(1),
        confirmed_at: None,
    }
}

pub(super) fn notification(n: u128) -> NewNotification {
    NewNotification {
        id: NotificationId(Uuid::from_u128(n)),
        kind: "maintenance",
        subject_id: None,
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
    assert_eq!(tx.likely_notification_number().await.unwrap(), 1);
    assert_eq!(tx.add_notification(&new, &[]).await.unwrap(), 1);
    assert_eq!(tx.queue_for_followers(new.id, Topic::Maintenance, false, at(10)).await.unwrap(), 3);
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
    let only = SubscriberFilter { state: Some(SubscriberState::Confirmed), ..SubscriberFilter::default() };
    assert_eq!(tx.subscribers_after(0, &only, 9).await.unwrap(), vec![confirmed.clone()]);
    assert_eq!(tx.subscribers_after(1, &SubscriberFilter::default(), 9).await.unwrap(), vec![]);
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
    assert_eq!(tx.deliveries_before(None, DeliveryFilter::Failed, 9).await.unwrap().len(), 1);
    drop(tx);
    let again = claim(&t.db, 71, 3).await;
    assert_eq!(again, vec![Claimed { attempts: 1, ..held[2].clone() }]);
}

async fn a_subscriber_is_found_by_a_part_of_the_address(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for (n, email) in ["Ann@Example.net", "a_b@example.org", "axb@example.org", "50%@example.org"].iter().enumerate() {
        let new = Subscriber { email: (*email).to_owned(), ..subscriber(n as u128 + 1, SubscriberState::Pending) };
        tx.add_subscriber(&new).await.unwrap();
    }
    for (part, found) in [
        ("ann@", vec!["Ann@Example.net"]),
        (" EXAMPLE.NET ", vec!["Ann@Example.net"]),
        ("a_b", vec!["a_b@example.org"]),
        ("%@", vec!["50%@example.org"]),
        ("\\", vec![]),
        ("example.org", vec!["a_b@example.org", "axb@example.org", "50%@example.org"]),
    ] {
        let filter = SubscriberFilter { part: part.to_owned(), ..SubscriberFilter::default() };
        let lines = tx.subscribers_after(0, &filter, 9).await.unwrap();
        assert_eq!(lines.iter().map(|s| s.email.as_str()).collect::<Vec<_>>(), found, "{part}");
    }
}

/// Two notifications to three subscribers: of the first one was sent, one failed, one was dropped.
async fn with_six(db: &Db) -> (NotificationId, NotificationId) {
    let first = with_three(db).await;
    let held = claim(db, 10, 3).await;
    let mut tx = db.decide().await.unwrap();
    let done = [Done::Sent, Done::Failed { error: "550".to_owned() }, Done::Dropped { reason: "no server".to_owned() }];
    for (claimed, what) in held.iter().zip(&done) {
        tx.finish_delivery(first, claimed.subscriber, at(20), what).await.unwrap();
    }
    let second = NewNotification { created_at: at(30), ..notification(101) };
    tx.add_notification(&second, &[]).await.unwrap();
    tx.queue_for_followers(second.id, Topic::Maintenance, false, at(30)).await.unwrap();
    tx.commit().await.unwrap();
    (first, second.id)
}

async fn deliveries_are_listed_newest_first_and_by_how_they_ended(engine: Engine) {
    let t = TestDb::start(engine).await;
    let (first, second) = with_six(&t.db).await;
    claim(&t.db, 30, 1).await;
    let mut tx = t.db.read().await.unwrap();
    let all = tx.deliveries_before(None, DeliveryFilter::All, 9).await.unwrap();
    let places: Vec<_> = all.iter().map(|line| (line.notification, line.subscriber)).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!((places.len(), &places), (6, &sorted));
    assert!(places[..3].iter().all(|place| place.0 == second));
    let page = tx.deliveries_before(Some(places[1]), DeliveryFilter::All, 2).await.unwrap();
    assert_eq!(page, all[2..4].to_vec());
    for (filter, expected) in [
        (DeliveryFilter::Waiting, 3),
        (DeliveryFilter::Sent, 1),
        (DeliveryFilter::Failed, 1),
        (DeliveryFilter::Dropped, 1),
        (DeliveryFilter::Of(places[0].1), 2),
    ] {
        let found = tx.deliveries_before(None, filter, 9).await.unwrap();
        assert_eq!(found.len(), expected, "{filter:?}");
        let rest = tx.deliveries_before(Some((found[0].notification, found[0].subscriber)), filter, 9).await.unwrap();
        assert_eq!(rest, found[1..].to_vec(), "{filter:?}");
    }
    let one = &all[5];
    assert_eq!(&tx.delivery(first, one.subscriber).await.unwrap(), one);
    let nobody = SubscriberId(Uuid::from_u128(4));
    assert!(matches!(tx.delivery(first, nobody).await, Err(StoreError::NotFound("mail"))));
    let state = tx.outbox_state().await.unwrap();
    assert_eq!((state.waiting, state.sent, state.failed, state.dropped), (3, 1, 1, 1));
    assert_eq!(state.oldest_at, Some(at(30)));
}

async fn mails_that_do_not_go_out_are_counted(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_six(&t.db).await;
    let mut tx = t.db.read().await.unwrap();
    let stuck = async |tx: &mut storage::Tx, told_before, failed_since| {
        tx.stuck_deliveries(at(told_before), at(failed_since)).await.unwrap()
    };
    assert_eq!(stuck(&mut tx, 30, 21).await, Stuck { late: 0, failed: 0 });
    assert_eq!(stuck(&mut tx, 31, 20).await, Stuck { late: 3, failed: 1 });
}

async fn a_delivery_that_ended_is_queued_once_more(engine: Engine) {
    let t = TestDb::start(engine).await;
    let (first, second) = with_six(&t.db).await;
    let mut tx = t.db.decide().await.unwrap();
    let failed = tx.deliveries_before(None, DeliveryFilter::Failed, 9).await.unwrap().remove(0);
    tx.queue_again(first, failed.subscriber, at(40)).await.unwrap();
    let line = tx.delivery(first, failed.subscriber).await.unwrap();
    assert_eq!((line.state, line.attempts), (DeliveryState::Queued, 0));
    assert_eq!((line.due_at, line.done_at, line.last_error), (at(40), None, None));
    let again = tx.queue_again(first, failed.subscriber, at(41)).await;
    assert!(matches!(again, Err(StoreError::Stale("mail"))), "it waits already");
    let sent = tx.deliveries_before(None, DeliveryFilter::Sent, 9).await.unwrap().remove(0);
    assert!(tx.queue_again(first, sent.subscriber, at(41)).await.is_err(), "what was sent stays sent");
    assert!(tx.queue_again(second, sent.subscriber, at(41)).await.is_err(), "what waits has its turn");
}

async fn what_waits_about_a_window_is_dropped_for_something_newer(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (this, other) = (window(1, State::Scheduled, 0), window(2, State::Scheduled, 0));
    for m in [&this, &other] {
        tx.add_maintenance(m).await.unwrap();
    }
    for n in 1..=2 {
        tx.add_subscriber(&subscriber(n, SubscriberState::Confirmed)).await.unwrap();
    }
    let about = |n: u128, m: &Maintenance, told| NewNotification {
        subject_id: Some(m.id.0),
        created_at: at(told),
        content_json: n.to_string(),
        ..notification(n)
    };
    let told = [about(100, &this, 10), about(101, &other, 10), about(102, &this, 20), about(103, &this, 30)];
    for new in &told {
        tx.add_notification(new, &[]).await.unwrap();
        tx.queue_for_followers(new.id, Topic::Maintenance, false, new.created_at).await.unwrap();
    }
    tx.commit().await.unwrap();
    let held = claim(&t.db, 10, 1).await.remove(0);
    let mut tx = t.db.decide().await.unwrap();
    let dropped = tx.drop_waiting(this.id.0, told[3].id, at(30), at(31), "superseded").await.unwrap();
    let in_hand = u64::from(held.notification == told[0].id);
    assert_eq!(dropped, 4 - in_hand, "both older ones, but what a worker holds");
    let lines = tx.deliveries_before(None, DeliveryFilter::Dropped, 9).await.unwrap();
    assert!(lines.iter().all(|line| line.notification == told[0].id || line.notification == told[2].id), "{lines:?}");
    let content = |new: &NewNotification| Some(new.content_json.clone());
    assert_eq!(tx.first_notification_content(this.id.0).await.unwrap(), content(&told[0]));
    assert_eq!(tx.newest_notification_content(this.id.0).await.unwrap(), content(&told[3]));
    assert_eq!(tx.newest_notification_content(Uuid::nil()).await.unwrap(), None);
    for (new, is_superseded) in told.iter().zip([true, false, true, false]) {
        let stored = tx.notification(new.id).await.unwrap();
        assert_eq!(tx.is_superseded(&stored).await.unwrap(), is_superseded, "{}", stored.number);
    }
}

async fn leases_of_a_dead_process_end_at_once(engine: Engine) {
    let t = TestDb::start(engine).await;
    with_three(&t.db).await;
    assert_eq!(claim(&t.db, 10, 2).await.len(), 2);
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.end_leases(at(11)).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(claim(&t.db, 11, 9).await.len(), 3);
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
    a_subscriber_is_found_by_a_part_of_the_address,
    deliveries_are_listed_newest_first_and_by_how_they_ended,
    mails_that_do_not_go_out_are_counted,
    a_delivery_that_ended_is_queued_once_more,
    what_waits_about_a_window_is_dropped_for_something_newer,
    leases_of_a_dead_process_end_at_once,
    a_feed_stamp_rises_with_every_change_of_the_body,
);
