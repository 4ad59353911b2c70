use super::maintenance::{at, started, window};
use domain::ids::{NotificationId, SubscriberId, UpdateId};
use domain::maintenance::{Leads, Maintenance, Reminders, State, Update, UpdateKind};
use domain::subscriber::{DeliveryState, Subscriber, SubscriberState, Topic, Topics};
use domain::text::Prose;
use domain::time::{Instant, Span};
use std::collections::BTreeSet;
use storage::outbox::{DeliveryFilter, NewNotification};
use storage::reminder::{Remindable, Settled};
use storage::testing::Engine;
use storage::{StoreError, Tx};
use uuid::Uuid;

const H1: Span = Span::hours(1);
const H24: Span = Span::hours(24);

async fn told_at(tx: &mut Tx, n: u128, m: &Maintenance, kind: UpdateKind, minutes: i64) {
    let update = Update {
        id: UpdateId(Uuid::from_u128(n)),
        maintenance_id: m.id,
        kind,
        body: Prose::default(),
        at: at(minutes),
        author: None,
        old_starts_at: None,
        old_ends_at: None,
        starts_at: m.planned.starts_at,
        ends_at: m.planned.ends_at,
    };
    tx.add_update(&update).await.unwrap();
}

async fn windows_that_start_soon_are_found_with_what_is_settled_for_their_start(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let own = Reminders::Own(Leads::parse("2 h").unwrap());
    let m = Maintenance { reminders: own.clone(), ..window(1, State::Scheduled, 100) };
    for m in [
        m.clone(),
        window(2, State::Held, 100),
        window(3, State::Draft, 100),
        window(4, State::Scheduled, 500),
        window(5, State::Scheduled, 0),
        Maintenance { reminders: Reminders::Own(Leads::none()), ..window(6, State::Scheduled, 200) },
    ] {
        tx.add_maintenance(&m).await.unwrap();
    }
    told_at(&mut tx, 1, &m, UpdateKind::Scheduled, -600).await;
    told_at(&mut tx, 2, &m, UpdateKind::Rescheduled, -300).await;
    told_at(&mut tx, 3, &m, UpdateKind::Note, -200).await;
    assert_eq!(tx.announced_at(m.id).await.unwrap(), at(-300));
    assert_eq!(tx.announced_at(window(3, State::Draft, 0).id).await.unwrap(), at(-700), "when it was drafted");
    assert!(matches!(tx.announced_at(window(9, State::Draft, 0).id).await, Err(StoreError::NotFound(_))));

    assert!(tx.settle_reminder(m.id, at(100), H24, at(-50)).await.unwrap());
    assert!(tx.settle_reminder(m.id, at(100), H1, at(40)).await.unwrap());
    assert!(!tx.settle_reminder(m.id, at(100), H1, at(41)).await.unwrap(), "once");
    assert!(tx.settle_reminder(m.id, at(70), H1, at(10)).await.unwrap(), "for another start");

    let found = tx.remindable(at(0), at(200)).await.unwrap();
    assert_eq!(found.len(), 2);
    let first = Remindable {
        id: m.id,
        starts_at: at(100),
        announced_at: at(-300),
        reminders: own,
        settled: BTreeSet::from([H1, H24]),
    };
    assert_eq!(found[0], first);
    assert_eq!((&found[1].reminders, found[1].settled.len()), (&Reminders::Own(Leads::none()), 0));
    assert!(tx.remindable(at(200), at(300)).await.unwrap().is_empty());
}

fn subscriber(n: u128) -> Subscriber {
    Subscriber {
        id: SubscriberId(Uuid::from_u128(n)),
        number: 0,
        email: format!("reader{n}@example.net"),
        state: SubscriberState::Confirmed,
        zone: "UTC".to_owned(),
        components: vec![],
        topics: Topics::default(),
        token_version: 1,
        confirm_sent_at: None,
        created_at: at(0),
        confirmed_at: None,
    }
}

async fn queued(tx: &mut Tx, n: u128, m: &Maintenance, now: Instant) -> NotificationId {
    let new = NewNotification {
        id: NotificationId(Uuid::from_u128(n)),
        kind: "reminder",
        subject_id: Some(m.id.0),
        content_json: "{}".to_owned(),
        created_at: now,
    };
    tx.add_notification(&new, &[]).await.unwrap();
    assert_eq!(tx.queue_for_followers(new.id, Topic::Maintenance, false, now).await.unwrap(), 1);
    new.id
}

async fn a_newer_reminder_takes_the_place_of_one_that_waits(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let m = window(1, State::Scheduled, 3000);
    tx.add_maintenance(&m).await.unwrap();
    tx.add_subscriber(&subscriber(1)).await.unwrap();
    let start = m.planned.starts_at;
    let note = queued(&mut tx, 100, &m, at(1)).await;
    for (n, lead, now) in [(101, H24, at(2)), (102, H1, at(3))] {
        assert!(tx.settle_reminder(m.id, start, lead, now).await.unwrap());
        let id = queued(&mut tx, n, &m, now).await;
        tx.reminder_told(m.id, start, lead, id, 1).await.unwrap();
        tx.drop_older_reminders(m.id, id, now, "a newer reminder").await.unwrap();
    }
    let lines = tx.deliveries_before(None, DeliveryFilter::All, 9).await.unwrap();
    let states: Vec<_> = lines.iter().map(|line| (line.notification.0.as_u128(), line.state)).collect();
    let expected =
        [(102, DeliveryState::Queued), (101, DeliveryState::Dropped), (note.0.as_u128(), DeliveryState::Queued)];
    assert_eq!(states, expected);
    assert_eq!(
        tx.settled_reminders(m.id).await.unwrap(),
        [(H1, at(3)), (H24, at(2))].map(|(lead, settled_at)| Settled {
            starts_at: start,
            lead,
            settled_at,
            told: Some(1)
        })
    );
}

storage::on_both!(
    windows_that_start_soon_are_found_with_what_is_settled_for_their_start,
    a_newer_reminder_takes_the_place_of_one_that_waits,
);
