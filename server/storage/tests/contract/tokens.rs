use domain::ids::TokenId;
use domain::people::{ApiToken, Scope};
use domain::text::Name;
use domain::time::Instant;
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn at(s: i64) -> Instant {
    Instant::from_timestamp(s, 0).unwrap()
}

async fn a_token_is_kept_used_and_revoked_once(engine: Engine) {
    let t = TestDb::start(engine).await;
    let nightly = ApiToken {
        id: TokenId(Uuid::from_u128(1)),
        name: Name::parse("nightly").unwrap(),
        scopes: vec![Scope::BackupReport, Scope::Read],
        created_at: at(1),
        expires_at: Some(at(100)),
        last_used_at: None,
        revoked_at: None,
    };
    let admin = ApiToken {
        id: TokenId(Uuid::from_u128(2)),
        name: Name::parse("Admin").unwrap(),
        scopes: vec![],
        ..nightly.clone()
    };
    let mut tx = t.db.decide().await.unwrap();
    tx.add_token(&nightly, "hash", None).await.unwrap();
    tx.add_token(&admin, "other", None).await.unwrap();
    assert_eq!(tx.token(nightly.id).await.unwrap(), (nightly.clone(), "hash".to_owned()));
    assert_eq!(tx.tokens().await.unwrap(), vec![admin.clone(), nightly.clone()]);
    tx.touch_token(nightly.id, at(60)).await.unwrap();
    tx.revoke_token(admin.id, at(70)).await.unwrap();
    tx.revoke_token(admin.id, at(80)).await.unwrap();
    let nightly = ApiToken { last_used_at: Some(at(60)), ..nightly };
    let admin = ApiToken { revoked_at: Some(at(70)), ..admin };
    assert_eq!(tx.tokens().await.unwrap(), vec![nightly, admin]);
    assert!(matches!(tx.token(TokenId(Uuid::nil())).await, Err(StoreError::NotFound("token"))));
}

storage::on_both!(a_token_is_kept_used_and_revoked_once);
