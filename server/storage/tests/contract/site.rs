use domain::availability::Weights;
use domain::finding::digest::DigestHour;
use domain::maintenance::Leads;
use domain::policy::{Policy, RestorePolicy};
use domain::site::{KEEP_RUNS, Site};
use domain::text::Name;
use domain::time::Span;
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

async fn the_site_is_made_once_and_edited_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let first = Site {
        install_id: Uuid::from_u128(9),
        name: Name::parse("Northwind").unwrap(),
        zone: "Europe/Dublin".to_owned(),
        policy: Policy {
            restore: RestorePolicy { rto: Some(Span::hours(8)), ..RestorePolicy::default() },
            ..Policy::default()
        },
        reminders: Leads::default(),
        keep_runs: Some(KEEP_RUNS),
        digest_hour: DigestHour::default(),
        weights: Weights::default(),
        version: 1,
    };
    let mut tx = t.db.decide().await.unwrap();
    assert!(matches!(tx.site().await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.ensure_site(&first).await.unwrap(), first);
    let other = Site { install_id: Uuid::from_u128(10), ..first.clone() };
    assert_eq!(tx.ensure_site(&other).await.unwrap(), first);
    let restore = RestorePolicy { drill_max_age: Span::days(90), rto: None, slow_restore_blocks: true };
    let policy = Policy { restore, ..first.policy };
    let (reminders, digest_hour) = (Leads::parse("2 d").unwrap(), DigestHour::new(23).unwrap());
    let name = Name::parse("Southwind").unwrap();
    let weights = Weights::new(30, 10).unwrap();
    let renamed = Site { name, policy, keep_runs: None, reminders, digest_hour, weights, ..first };
    tx.update_site(&renamed).await.unwrap();
    assert!(matches!(tx.update_site(&renamed).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.site().await.unwrap(), Site { version: 2, ..renamed });
    tx.commit().await.unwrap();
}

storage::on_both!(the_site_is_made_once_and_edited_by_one_at_a_time);
