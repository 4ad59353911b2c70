use super::component::component;
use super::host::at;
use super::outbox::{notification, subscriber};
use domain::ids::{ComponentId, NotificationId};
use domain::subscriber::{Audience, LeftOut, Subscriber, SubscriberState, Topic, Topics};
use std::collections::BTreeSet;
use storage::Tx;
use storage::audience::Concern;
use storage::outbox::{DeliveryFilter, NewNotification};
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

const API: ComponentId = ComponentId(Uuid::from_u128(11));
const SHELL: ComponentId = ComponentId(Uuid::from_u128(12));

/// 1 follows everything, 2 the API, 3 the shell; 4 hears of reports too, 5 of nothing but reports; 6 to 8 do not hear
/// from us, or not yet.
async fn readers(tx: &mut Tx) {
    for c in [component(11, "API", None, 1), component(12, "Shell", None, 2)] {
        tx.insert_component(&c, at(0)).await.unwrap();
    }
    let set = |topics: &[Topic]| topics.iter().copied().collect::<Topics>();
    let confirmed = |n, components: &[ComponentId], topics| Subscriber {
        components: components.to_vec(),
        topics,
        ..subscriber(n, SubscriberState::Confirmed)
    };
    for s in [
        confirmed(1, &[], Topics::default()),
        confirmed(2, &[API], Topics::default()),
        confirmed(3, &[SHELL], Topics::default()),
        confirmed(4, &[API], Topic::ALL.into_iter().collect()),
        confirmed(5, &[], set(&[Topic::Reports])),
        subscriber(6, SubscriberState::Pending),
        subscriber(7, SubscriberState::Unsubscribed),
        subscriber(8, SubscriberState::Bounced),
    ] {
        assert_eq!(tx.add_subscriber(&s).await.unwrap().topics, s.topics);
        assert_eq!(tx.subscriber(s.id).await.unwrap().topics, s.topics);
    }
}

async fn told(tx: &mut Tx, id: NotificationId) -> BTreeSet<u128> {
    let lines = tx.deliveries_before(None, DeliveryFilter::All, 99).await.unwrap();
    lines.iter().filter(|line| line.notification == id).map(|line| line.subscriber.0.as_u128()).collect()
}

/// A topic, what it is about (none is the whole site), and who hears of it.
type Case = (Topic, Option<&'static [ComponentId]>, &'static [u128]);

async fn who_is_counted_is_who_is_told(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    readers(&mut tx).await;
    let cases: [Case; 6] = [
        (Topic::Incidents, Some(&[API]), &[1, 2, 4]),
        (Topic::Incidents, Some(&[API, SHELL]), &[1, 2, 3, 4]),
        (Topic::Incidents, Some(&[]), &[1]),
        (Topic::Incidents, None, &[1, 2, 3, 4]),
        (Topic::Reports, None, &[4, 5]),
        (Topic::ActionItems, Some(&[SHELL]), &[]),
    ];
    for (n, (topic, components, expected)) in (100..).zip(cases) {
        let new = notification(n);
        tx.add_notification(&new, components.unwrap_or_default()).await.unwrap();
        let queued = tx.queue_for_followers(new.id, topic, components.is_none(), at(10)).await.unwrap();
        assert_eq!(told(&mut tx, new.id).await, expected.iter().copied().collect(), "{topic:?} {components:?}");
        let audience = tx.audience(topic, components.map_or(Concern::Site, Concern::Components)).await.unwrap();
        assert_eq!(queued, expected.len() as u64);
        assert_eq!(audience.mails, expected.len() as i64, "{topic:?} {components:?}");
        assert_eq!(audience.mails + audience.left_out_count(), 8, "each counts once");
    }
}

async fn each_reason_to_leave_somebody_out_is_counted_apart(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    readers(&mut tx).await;
    let audience = tx.audience(Topic::Incidents, Concern::Components(&[API])).await.unwrap();
    let left_out = vec![
        (LeftOut::NotConfirmed, 1),
        (LeftOut::Unsubscribed, 1),
        (LeftOut::Bounced, 1),
        (LeftOut::OtherTopics, 1),
        (LeftOut::OtherComponents, 1),
    ];
    assert_eq!(audience, Audience { mails: 3, webhooks: 0, left_out });
}

async fn who_was_told_the_beginning_hears_the_end_unless_it_wants_no_more(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    readers(&mut tx).await;
    let about = |n| NewNotification { subject_id: Some(Uuid::from_u128(7)), ..notification(n) };
    let mut tell = async |n, components: &[ComponentId]| {
        let new = about(n);
        tx.add_notification(&new, components).await.unwrap();
        tx.queue_for_followers(new.id, Topic::Incidents, false, at(10)).await.unwrap();
        told(&mut tx, new.id).await
    };
    assert_eq!(tell(100, &[API]).await, BTreeSet::from([1, 2, 4]));
    assert_eq!(tell(101, &[SHELL]).await, BTreeSet::from([1, 2, 3, 4]), "the API is mended, the shell is not");
    let mut second = tx.subscriber(subscriber(2, SubscriberState::Confirmed).id).await.unwrap();
    second.topics = std::iter::once(Topic::Maintenance).collect();
    tx.update_subscriber(&second, None).await.unwrap();
    let last = about(102);
    tx.add_notification(&last, &[]).await.unwrap();
    tx.queue_for_followers(last.id, Topic::Incidents, false, at(10)).await.unwrap();
    assert_eq!(told(&mut tx, last.id).await, BTreeSet::from([1, 3, 4]));
}

async fn components_are_public_unless_said_otherwise(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    readers(&mut tx).await;
    assert_eq!(tx.public_among(&[SHELL, API]).await.unwrap(), [SHELL, API]);
    assert_eq!(tx.public_among(&[]).await.unwrap(), []);
}

storage::on_both!(
    who_is_counted_is_who_is_told,
    each_reason_to_leave_somebody_out_is_counted_apart,
    who_was_told_the_beginning_hears_the_end_unless_it_wants_no_more,
    components_are_public_unless_said_otherwise,
);
