use domain::finding::digest::DigestHour;
use domain::policy::Policy;
use domain::site::Site;
use domain::text::Name;
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

async fn the_site_is_made_once_and_edited_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let first = Site {
        install_id: Uuid::from_u128(9),
        name: Name::parse("Northwind").unwrap(),
        zone: "Europe/Dublin".to_owned(),
        policy: Policy::default(),
        digest_hour: DigestHour::default(),
        version: 1,
    };
    let mut tx = t.db.decide().await.unwrap();
    assert!(matches!(tx.site().await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.ensure_site(&first).await.unwrap(), first);
    let other = Site { install_id: Uuid::from_u128(10), ..first.clone() };
    assert_eq!(tx.ensure_site(&other).await.unwrap(), first);
    let digest_hour = DigestHour::new(23).unwrap();
    let renamed = Site { name: Name::parse("Southwind").unwrap(), digest_hour, ..first };
    tx.update_site(&renamed).await.unwrap();
    assert!(matches!(tx.update_site(&renamed).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.site().await.unwrap(), Site { version: 2, ..renamed });
    tx.commit().await.unwrap();
}

storage::on_both!(the_site_is_made_once_and_edited_by_one_at_a_time);
