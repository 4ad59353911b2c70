//! What every page of the team costs before it shows anything of its own.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::text::Name;
use service::keys::Keys;
use service::zones::SystemZones;
use service::{Actor, Clock, Services, Setup};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::testing::{Asked, Engine, TestDb};

#[tokio::test]
async fn a_page_asks_for_nothing_twice_and_for_no_more_than_it_shows() {
    let t = TestDb::start(Engine::Sqlite).await;
    let services = Services::new(Setup {
        db: t.db.clone(),
        clock: Clock::System,
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    });
    services.found(Name::parse("Northwind Hosting").unwrap(), "UTC".to_owned()).await.unwrap();
    let asked = Asked::listen();
    services.frame(&Actor::system()).await.unwrap();
    let asked = asked.statements();
    let different: BTreeSet<&String> = asked.iter().collect();
    assert_eq!(different.len(), asked.len(), "{asked:#?}");
    assert!((10..=22).contains(&asked.len()), "{} statements: {asked:#?}", asked.len());
}
