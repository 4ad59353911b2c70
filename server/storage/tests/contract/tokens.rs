use domain::ids::{TokenId, UserId};
use domain::people::{ApiToken, Role, Scope, User};
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

async fn a_token_knows_who_made_it(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let ada = User {
        id: UserId(Uuid::from_u128(7)),
        email: "ada@example.org".to_owned(),
        name: Name::parse("Ada").unwrap(),
        role: Role::Admin,
        disabled_at: None,
        has_password: false,
        signed_in_at: None,
        version: 1,
    };
    tx.add_user(&ada, "", at(1)).await.unwrap();
    let token = |n| ApiToken {
        id: TokenId(Uuid::from_u128(n)),
        name: Name::parse("nightly").unwrap(),
        scopes: vec![],
        created_at: at(1),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    tx.add_token(&token(1), "hash", Some(ada.id)).await.unwrap();
    tx.add_token(&token(2), "other", None).await.unwrap();
    assert_eq!(tx.token_maker(token(1).id).await.unwrap(), Some(ada.id));
    assert_eq!(tx.token_maker(token(2).id).await.unwrap(), None);
    assert!(matches!(tx.token_maker(token(3).id).await, Err(StoreError::NotFound("token"))));
}

storage::on_both!(a_token_is_kept_used_and_revoked_once, a_token_knows_who_made_it);
