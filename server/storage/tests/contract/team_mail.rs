use super::people::two_people;
use chrono::NaiveDate;
use domain::finding::digest::DigestHour;
use domain::ids::{NotificationId, UserId};
use domain::maintenance::Leads;
use domain::policy::Policy;
use domain::site::Site;
use domain::subscriber::DeliveryState;
use domain::text::Name;
use domain::time::Instant;
use storage::outbox::{Done, NewNotification, Stuck};
use storage::team_mail::{TeamClaimed, TeamMailChoice};
use storage::testing::{Engine, TestDb};
use storage::{Db, StoreError};
use uuid::Uuid;

fn at(s: i64) -> Instant {
    Instant::from_timestamp(s, 0).unwrap()
}

async fn claim(db: &Db, now: i64, limit: i64) -> Vec<TeamClaimed> {
    let mut tx = db.write().await.unwrap();
    let claimed = tx.claim_team_deliveries(at(now), at(now + 60), limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

/// One mail to each of two people.
async fn told(db: &Db) -> (NotificationId, UserId, UserId) {
    let mut tx = db.write().await.unwrap();
    let (ada, bob) = two_people(&mut tx).await;
    let id = NotificationId(Uuid::from_u128(7));
    let new =
        NewNotification { id, kind: "findings", subject_id: None, content_json: "{}".to_owned(), created_at: at(10) };
    tx.add_notification(&new, &[]).await.unwrap();
    tx.queue_for_person(id, ada.id, at(10)).await.unwrap();
    tx.queue_for_person(id, bob.id, at(11)).await.unwrap();
    tx.commit().await.unwrap();
    (id, ada.id, bob.id)
}

async fn a_mail_to_a_person_is_held_by_one_worker_until_its_lease_ends(engine: Engine) {
    let t = TestDb::start(engine).await;
    let (id, ada, bob) = told(&t.db).await;
    assert_eq!(t.db.read().await.unwrap().next_team_delivery_at().await.unwrap(), Some(at(10)));
    assert_eq!(claim(&t.db, 9, 9).await, []);
    let first = claim(&t.db, 11, 1).await;
    assert_eq!(first, [TeamClaimed { notification: id, person: ada, attempts: 0, ambiguous: 0 }]);
    assert_eq!(claim(&t.db, 11, 9).await.iter().map(|c| c.person).collect::<Vec<_>>(), [bob]);
    assert_eq!(claim(&t.db, 12, 9).await, []);

    let mut tx = t.db.write().await.unwrap();
    tx.extend_team_leases(&[(id, ada)], at(500)).await.unwrap();
    tx.finish_team_delivery(id, bob, at(13), &Done::Failed { error: "550".to_owned() }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&t.db, 400, 9).await, []);
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.end_team_leases(at(401)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let again = claim(&t.db, 401, 9).await;
    assert_eq!(again.iter().map(|c| (c.person, c.ambiguous)).collect::<Vec<_>>(), [(ada, 1)]);

    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.stuck_team_deliveries(at(11), at(13)).await.unwrap(), Stuck { late: 1, failed: 1 });
    assert_eq!(tx.stuck_team_deliveries(at(10), at(14)).await.unwrap(), Stuck::default());
    tx.finish_team_delivery(id, ada, at(402), &Done::Sent).await.unwrap();
    let line = tx.team_delivery(id, ada).await.unwrap();
    assert_eq!((line.state, line.done_at, line.attempts), (DeliveryState::Sent, Some(at(402)), 1));
    assert_eq!((line.name.as_str(), line.email.as_str()), ("Ada", "Ada@example.org"));
    let lines = tx.team_deliveries(9).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.person).collect::<Vec<_>>(), [bob, ada]);
    assert_eq!(lines[0].last_error.as_deref(), Some("550"));
    assert_eq!(tx.team_deliveries(1).await.unwrap().len(), 1);
    assert!(matches!(tx.team_delivery(id, UserId(Uuid::nil())).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.next_team_delivery_at().await.unwrap(), None);
}

async fn what_a_person_said_about_mails_is_kept(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (ada, _) = two_people(&mut tx).await;
    assert!(tx.team_mail_choices().await.unwrap().is_empty());
    for choice in [TeamMailChoice { wanted: false, link_version: 1 }, TeamMailChoice { wanted: true, link_version: 2 }]
    {
        tx.put_team_mail_choice(ada.id, choice).await.unwrap();
        assert_eq!(tx.team_mail_choices().await.unwrap(), [(ada.id, choice)].into());
    }
}

async fn the_day_of_the_last_digest_is_kept(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    tx.ensure_site(&Site {
        install_id: Uuid::from_u128(9),
        name: Name::parse("Northwind").unwrap(),
        zone: "Europe/Dublin".to_owned(),
        policy: Policy::default(),
        reminders: Leads::default(),
        keep_runs: None,
        digest_hour: DigestHour::default(),
        weights: domain::availability::Weights::default(),
        version: 1,
    })
    .await
    .unwrap();
    assert_eq!(tx.digest_day().await.unwrap(), None);
    let day = NaiveDate::from_ymd_opt(2014, 5, 15).unwrap();
    tx.put_digest_day(day).await.unwrap();
    assert_eq!(tx.digest_day().await.unwrap(), Some(day));
}

storage::on_both!(
    a_mail_to_a_person_is_held_by_one_worker_until_its_lease_ends,
    what_a_person_said_about_mails_is_kept,
    the_day_of_the_last_digest_is_kept,
);
