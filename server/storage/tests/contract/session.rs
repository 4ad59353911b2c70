use storage::session::Sessions;
use storage::testing::{Engine, TestDb};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

async fn a_session_is_found_by_its_id_only(engine: Engine) {
    let t = TestDb::start(engine).await;
    let sessions = Sessions::new(t.db.clone());
    let mut record = Record {
        id: Id(42),
        data: [("a".to_owned(), serde_json::json!(1))].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::hours(1),
    };
    sessions.create(&mut record).await.unwrap();
    let found = sessions.load(&record.id).await.unwrap().unwrap();
    assert_eq!(found.data, record.data);
    assert!(sessions.load(&Id(43)).await.unwrap().is_none());
    sessions.delete(&record.id).await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_none());
}

storage::on_both!(a_session_is_found_by_its_id_only);
