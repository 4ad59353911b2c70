use super::host::at;
use super::job::web_12;
use domain::ids::{RequestId, TokenId};
use domain::people::{ApiToken, Scope};
use domain::request::{Asker, BackupRequest, Grant};
use domain::text::Name;
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

async fn a_token_has_its_data_sets_and_its_uses(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    let token = ApiToken {
        id: TokenId(Uuid::from_u128(5)),
        name: Name::parse("shop").unwrap(),
        scopes: vec![Scope::BackupRequest],
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    tx.add_token(&token, "aa", None).await.unwrap();
    assert_eq!(tx.token(token.id).await.unwrap().0, token);
    assert_eq!(tx.grant_of(token.id).await.unwrap(), None);
    let grant = Grant { token_id: token.id, data_sets: vec![files.data_set_id, dump.data_set_id], per_day: 4 };
    tx.put_grant(&grant).await.unwrap();
    assert_eq!(tx.grant_of(token.id).await.unwrap(), Some(grant.clone()));

    let asker = |name: &str| Asker { name: name.to_owned(), token_id: Some(token.id), maintenance_id: None };
    let first = BackupRequest::ask(RequestId(Uuid::from_u128(1)), &files, asker("token shop"), false, at(10));
    let second = BackupRequest::ask(RequestId(Uuid::from_u128(2)), &dump, asker("token shop"), false, at(10));
    for request in [&first, &second] {
        tx.add_request(request).await.unwrap();
        tx.add_grant_use(token.id, request.id, request.asked_at).await.unwrap();
    }
    assert_eq!((tx.requests_ahead(&first).await.unwrap(), tx.requests_ahead(&second).await.unwrap()), (0, 1));
    tx.update_request(&first.cancel(at(11)).unwrap()).await.unwrap();
    assert_eq!(tx.requests_ahead(&second).await.unwrap(), 0);
    let fewer = Grant { data_sets: vec![dump.data_set_id], per_day: 1, ..grant };
    tx.put_grant(&fewer).await.unwrap();
    assert_eq!(tx.grant_of(token.id).await.unwrap(), Some(fewer));
    assert_eq!(tx.grant_uses(token.id, at(9)).await.unwrap(), [at(10), at(10)]);
    assert!(tx.grant_uses(token.id, at(10)).await.unwrap().is_empty());
    tx.commit().await.unwrap();

    let mut tx = t.db.write().await.unwrap();
    let twice = tx.add_grant_use(token.id, first.id, at(12)).await;
    assert!(matches!(twice, Err(StoreError::Conflict("request"))), "{twice:?}");
}

storage::on_both!(a_token_has_its_data_sets_and_its_uses);
