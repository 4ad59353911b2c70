use domain::ids::UserId;
use domain::people::{LinkPurpose, Role, User};
use domain::text::Name;
use domain::time::Instant;
use storage::people::{Attempts, OneTimeLink};
use storage::session::{Sessions, USER_KEY};
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use uuid::Uuid;

fn at(s: i64) -> Instant {
    Instant::from_timestamp(s, 0).unwrap()
}

pub(super) fn person(n: u128, email: &str, role: Role) -> User {
    User {
        id: UserId(Uuid::from_u128(n)),
        email: email.to_owned(),
        name: Name::parse(email.split('@').next().unwrap()).unwrap(),
        role,
        disabled_at: None,
        has_password: false,
        signed_in_at: None,
        version: 1,
    }
}

pub(super) async fn two_people(tx: &mut Tx) -> (User, User) {
    let ada = User { has_password: true, ..person(1, "Ada@example.org", Role::Admin) };
    let bob = person(2, "bob@example.org", Role::Viewer);
    tx.add_user(&bob, "", at(1)).await.unwrap();
    tx.add_user(&ada, "hash", at(1)).await.unwrap();
    (ada, bob)
}

async fn people_are_found_by_id_and_by_address_in_any_case(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert!(!tx.has_users().await.unwrap());
    let (ada, bob) = two_people(&mut tx).await;
    assert!(tx.has_users().await.unwrap());
    assert_eq!(tx.users().await.unwrap(), vec![ada.clone(), bob.clone()]);
    assert_eq!(tx.user(bob.id).await.unwrap(), bob);
    assert_eq!(tx.user_by_email(" ADA@example.ORG").await.unwrap(), Some((ada, "hash".to_owned())));
    assert_eq!(tx.user_by_email("nobody@example.org").await.unwrap(), None);
    assert!(matches!(tx.user(UserId(Uuid::from_u128(9))).await, Err(StoreError::NotFound("person"))));
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let twin = person(3, "ADA@example.org", Role::Viewer);
    assert!(matches!(tx.add_user(&twin, "", at(1)).await, Err(StoreError::Conflict("e-mail address"))));
}

async fn a_person_is_edited_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (ada, bob) = two_people(&mut tx).await;
    assert!(!tx.has_other_admin(ada.id).await.unwrap());
    let raised = User { role: Role::Admin, name: Name::parse("Robert").unwrap(), ..bob.clone() };
    tx.update_user(&raised).await.unwrap();
    assert!(matches!(tx.update_user(&raised).await, Err(StoreError::Stale("person"))));
    assert!(!tx.has_other_admin(ada.id).await.unwrap(), "an invited admin can not sign in yet");
    tx.set_password_hash(bob.id, "other").await.unwrap();
    tx.note_sign_in(bob.id, at(7)).await.unwrap();
    assert!(tx.has_other_admin(ada.id).await.unwrap());
    let now = User { version: 2, has_password: true, signed_in_at: Some(at(7)), ..raised };
    assert_eq!(tx.user_by_email("bob@example.org").await.unwrap(), Some((now.clone(), "other".to_owned())));
    let gone = User { disabled_at: Some(at(8)), ..now };
    tx.update_user(&gone).await.unwrap();
    assert_eq!(tx.user(bob.id).await.unwrap(), User { version: 3, ..gone });
    assert!(!tx.has_other_admin(ada.id).await.unwrap());
    assert!(matches!(tx.set_password_hash(UserId(Uuid::nil()), "x").await, Err(StoreError::NotFound(_))));
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let taken = User { email: "Bob@Example.org".to_owned(), ..ada };
    assert!(matches!(tx.update_user(&taken).await, Err(StoreError::Conflict("e-mail address"))));
}

async fn sessions_of_one_person_end_and_do_not_come_back(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (ada, bob) = two_people(&mut tx).await;
    tx.commit().await.unwrap();
    let sessions = Sessions::new(t.db.clone());
    let record = |id: i128, user: &User| Record {
        id: Id(id),
        data: [(USER_KEY.to_owned(), serde_json::json!(user.id))].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::hours(1),
    };
    let mut of_ada = record(1, &ada);
    sessions.create(&mut of_ada).await.unwrap();
    sessions.create(&mut record(2, &bob)).await.unwrap();
    assert!(sessions.create(&mut record(2, &ada)).await.is_err(), "an id is never taken over");
    let mut tx = t.db.write().await.unwrap();
    tx.end_sessions(ada.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(sessions.load(&Id(1)).await.unwrap().is_none());
    assert!(sessions.load(&Id(2)).await.unwrap().is_some());
    sessions.save(&of_ada).await.unwrap();
    assert!(sessions.load(&Id(1)).await.unwrap().is_none());
    sessions.purge(i64::MAX).await.unwrap();
    assert!(sessions.load(&Id(2)).await.unwrap().is_none());
}

async fn links_are_used_up_for_one_person_or_for_the_set_up(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (ada, bob) = two_people(&mut tx).await;
    let link = |hash: &str, purpose, user_id| OneTimeLink {
        token_hash: hash.to_owned(),
        purpose,
        user_id,
        created_at: at(1),
        expires_at: at(100),
        used_at: None,
    };
    let setup = link("s", LinkPurpose::Setup, None);
    let invite = link("i", LinkPurpose::Invite, Some(bob.id));
    let reset = link("r", LinkPurpose::Reset, Some(ada.id));
    for link in [&setup, &invite, &reset] {
        tx.add_link(link).await.unwrap();
    }
    assert_eq!(tx.link("none").await.unwrap(), None);
    tx.use_links(Some(bob.id), at(5)).await.unwrap();
    tx.use_links(Some(bob.id), at(6)).await.unwrap();
    assert_eq!(tx.link("i").await.unwrap(), Some(OneTimeLink { used_at: Some(at(5)), ..invite }));
    assert_eq!(tx.link("s").await.unwrap(), Some(setup.clone()));
    tx.use_links(None, at(7)).await.unwrap();
    assert_eq!(tx.link("s").await.unwrap(), Some(OneTimeLink { used_at: Some(at(7)), ..setup }));
    assert_eq!(tx.link("r").await.unwrap(), Some(reset));
    tx.purge_links(at(100)).await.unwrap();
    assert!(tx.link("r").await.unwrap().is_some());
    tx.purge_links(at(101)).await.unwrap();
    assert!(tx.link("r").await.unwrap().is_none());
}

async fn guesses_are_counted_by_name(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert_eq!(tx.attempts("a").await.unwrap(), None);
    let one = Attempts { failed: 1, last_at: at(10), retry_at: at(10) };
    let two = Attempts { failed: 2, last_at: at(20), retry_at: at(22) };
    tx.put_attempts("a", &one).await.unwrap();
    tx.put_attempts("b", &one).await.unwrap();
    tx.put_attempts("a", &two).await.unwrap();
    assert_eq!(tx.attempts("a").await.unwrap(), Some(two));
    tx.purge_attempts(at(20)).await.unwrap();
    assert_eq!(tx.attempts("b").await.unwrap(), None);
    tx.clear_attempts("a").await.unwrap();
    assert_eq!(tx.attempts("a").await.unwrap(), None);
}

storage::on_both!(
    people_are_found_by_id_and_by_address_in_any_case,
    a_person_is_edited_by_one_at_a_time,
    sessions_of_one_person_end_and_do_not_come_back,
    links_are_used_up_for_one_person_or_for_the_set_up,
    guesses_are_counted_by_name,
);
