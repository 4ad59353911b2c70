use domain::audit::AuditEntry;
use domain::ids::AuditId;
use domain::time::Instant;
use storage::audit::ProgramLine;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn entry(n: u128, at_ms: i64, object: &str) -> AuditEntry {
    AuditEntry {
        id: AuditId(Uuid::from_u128(n)),
        at: Instant::from_timestamp_millis(at_ms).unwrap(),
        actor: "Ada".to_owned(),
        user_id: None,
        token_id: None,
        action: "host.add".to_owned(),
        object: object.to_owned(),
        object_id: "1".to_owned(),
        object_name: "vm3".to_owned(),
        before: None,
        after: Some("{}".to_owned()),
        ip: Some("127.0.0.1".to_owned()),
    }
}

async fn lines_come_back_newest_first_and_in_pages(engine: Engine) {
    let t = TestDb::start(engine).await;
    let lines = [entry(1, 10, "host"), entry(2, 20, "job"), entry(3, 20, "host"), entry(4, 30, "host")];
    let mut tx = t.db.write().await.unwrap();
    for line in &lines {
        tx.add_audit(line).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let page = tx.audit_before(None, None, None, 2).await.unwrap();
    assert_eq!(page, vec![lines[3].clone(), lines[2].clone()]);
    let rest = tx.audit_before(Some((page[1].at, page[1].id)), None, None, 9).await.unwrap();
    assert_eq!(rest, vec![lines[1].clone(), lines[0].clone()]);
    assert_eq!(tx.audit_before(None, Some("job"), None, 9).await.unwrap(), vec![lines[1].clone()]);
    assert_eq!(tx.audit_before(None, Some("host"), Some("1"), 9).await.unwrap().len(), 3);
    assert_eq!(tx.audit_before(None, Some("host"), Some("2"), 9).await.unwrap(), vec![]);
    assert_eq!(tx.audit_objects().await.unwrap(), ["host", "job"]);
}

async fn what_programs_did_to_a_thing_comes_back_newest_first(engine: Engine) {
    let t = TestDb::start(engine).await;
    let by_person = AuditEntry { user_id: Some(Uuid::from_u128(7).into()), ..entry(2, 20, "host") };
    let elsewhere = AuditEntry { object_id: "2".to_owned(), ..entry(3, 25, "host") };
    let often = AuditEntry { action: "host.edit".to_owned(), ..entry(6, 20, "host") };
    let first = AuditEntry { actor: "token x".to_owned(), after: None, ..entry(4, 10, "host") };
    let lines = [entry(1, 30, "host"), by_person, elsewhere, first, entry(5, 15, "job"), often];
    let mut tx = t.db.write().await.unwrap();
    for line in &lines {
        tx.add_audit(line).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let line =
        |of: &AuditEntry| ProgramLine { actor: of.actor.clone(), action: of.action.clone(), after: of.after.clone() };
    let all = [line(&lines[0]), line(&lines[3])];
    assert_eq!(tx.audit_of_programs("host", "1", "host.edit", 9).await.unwrap(), all);
    assert_eq!(tx.audit_of_programs("host", "1", "host.edit", 1).await.unwrap(), all[..1]);
    assert_eq!(tx.audit_of_programs("host", "3", "host.edit", 9).await.unwrap(), []);
}

storage::on_both!(lines_come_back_newest_first_and_in_pages, what_programs_did_to_a_thing_comes_back_newest_first,);
