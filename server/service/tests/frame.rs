//! What every page of the team costs before it shows anything of its own.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::text::Name;
use service::keys::Keys;
use service::zones::SystemZones;
use service::{Actor, Clock, Services, Setup};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use storage::testing::{Engine, TestDb};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

/// Statements that reached the database, as sqlx tells them.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        let mut asked = self.0.lock().unwrap();
        match field.name() {
            "summary" => asked.push(value.to_owned()),
            // The whole, where the summary is only its beginning.
            "db.statement" if !value.is_empty() => *asked.last_mut().unwrap() = value.trim().to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl tracing::Subscriber for Asked {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // One after another: statements come from threads of their own.
        let mut one = Self::default();
        event.record(&mut one);
        self.0.lock().unwrap().append(&mut one.0.lock().unwrap());
    }
}

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
    let asked = Asked::default();
    // For all threads: those of the connections too.
    tracing::subscriber::set_global_default(asked.clone()).unwrap();
    services.frame(&Actor::system()).await.unwrap();
    let asked = asked.0.lock().unwrap().clone();
    let different: BTreeSet<&String> = asked.iter().collect();
    assert_eq!(different.len(), asked.len(), "{asked:#?}");
    assert!((10..=22).contains(&asked.len()), "{} statements: {asked:#?}", asked.len());
}
