//! People, their passwords, links and tokens, with a real database and a clock moved by hand.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, TimeDelta, Utc};
use domain::people::{Permission, Role, Scope, User};
use domain::text::Name;
use secrecy::{ExposeSecret, SecretString};
use service::audit::AuditFilter;
use service::keys::Keys;
use service::people::sign_in::NewPassword;
use service::people::tokens::NewToken;
use service::people::{NewPerson, Person};
use service::site::SiteSettings;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::net::IpAddr;
use std::sync::Arc;
use storage::testing::{Engine, TestDb};

const PASSWORD: &str = "correct horse battery";

struct Office {
    services: Services,
    _db: TestDb,
}

fn noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

fn person(email: &str, role: Role) -> Person {
    let name = email.split('@').next().unwrap().to_owned();
    Person { email: email.to_owned(), name, role: role.as_str().to_owned() }
}

fn secret(text: &str) -> SecretString {
    text.into()
}

/// The secret at the end of a link.
fn last(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

fn wrong_fields(error: Error) -> Vec<&'static str> {
    match error {
        Error::Invalid(fields) => fields.iter().map(|f| f.field).collect(),
        other => panic!("{other}"),
    }
}

fn code(error: Error) -> &'static str {
    match error {
        Error::Refused { code, .. } => code,
        other => panic!("{other}"),
    }
}

impl Office {
    async fn open(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(noon()),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        Self { services, _db: db }
    }

    fn pass(&self, time: TimeDelta) {
        self.services.clock.set(self.services.now() + time);
    }

    async fn add(&self, email: &str, role: Role) -> (User, Actor) {
        let new = NewPerson { person: person(email, role), password: secret(PASSWORD) };
        let user = self.services.add_person(&Actor::system(), &new).await.unwrap().user;
        let actor = self.services.actor_for_session(user.id, None).await.unwrap();
        (user, actor)
    }

    async fn log(&self) -> Vec<domain::audit::AuditEntry> {
        self.services.audit_log(&Actor::system(), &AuditFilter::default()).await.unwrap().entries
    }
}

async fn the_first_admin_comes_by_a_link_that_works_once(engine: Engine) {
    let o = Office::open(engine).await;
    let first = o.services.setup_link_if_needed().await.unwrap().unwrap();
    let second = o.services.setup_link_if_needed().await.unwrap().unwrap();
    assert!(first.starts_with("https://status.example.org/setup/") && first != second);
    let new = NewPerson { person: person("ada@example.org", Role::Viewer), password: secret(PASSWORD) };
    let weak = NewPerson { password: secret("short"), person: Person::default() };
    assert_eq!(
        wrong_fields(o.services.set_up(last(&first), &weak, None).await.unwrap_err()),
        ["email", "name", "password"]
    );
    for wrong in ["", "0", &last(&first)[1..]] {
        assert!(matches!(o.services.set_up(wrong, &new, None).await, Err(Error::NotFound("link"))));
    }
    o.services.setup_offer(last(&second)).await.unwrap();
    let ada = o.services.set_up(last(&first), &new, None).await.unwrap();
    assert_eq!((ada.role, ada.has_password), (Role::Admin, true));
    for used in [&first, &second] {
        assert!(matches!(o.services.set_up(last(used), &new, None).await, Err(Error::NotFound("link"))));
    }
    assert_eq!(o.services.setup_link_if_needed().await.unwrap(), None);
    assert_eq!(o.services.sign_in("ADA@example.org", &secret(PASSWORD), None).await.unwrap().id, ada.id);
}

async fn a_link_ends_with_its_day(engine: Engine) {
    let o = Office::open(engine).await;
    let setup = o.services.setup_link_if_needed().await.unwrap().unwrap();
    o.pass(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    o.services.setup_offer(last(&setup)).await.unwrap();
    o.pass(TimeDelta::milliseconds(1));
    assert!(o.services.setup_offer(last(&setup)).await.is_err());
    let new = NewPerson::invited(person("bob@example.org", Role::Viewer));
    let invitation = o.services.add_person(&Actor::system(), &new).await.unwrap().link.unwrap();
    o.pass(TimeDelta::days(7));
    assert!(o.services.password_offer(last(&invitation)).await.is_err());
}

async fn an_invited_person_chooses_a_password(engine: Engine) {
    let o = Office::open(engine).await;
    let new = NewPerson::invited(person("bob@example.org", Role::Operator));
    let added = o.services.add_person(&Actor::system(), &new).await.unwrap();
    let link = added.link.unwrap();
    assert!(!added.user.has_password);
    assert_eq!(code(o.services.sign_in("bob@example.org", &secret(""), None).await.unwrap_err()), "wrong_credentials");
    assert!(o.services.setup_offer(last(&link)).await.is_err(), "an invitation makes no admin");
    let offer = o.services.password_offer(last(&link)).await.unwrap();
    assert_eq!(offer.id, added.user.id);
    let theirs = o.services.choose_password(last(&link), "bob@example.org", None).await.unwrap_err();
    assert_eq!(wrong_fields(theirs), ["password"]);
    o.services.choose_password(last(&link), PASSWORD, None).await.unwrap();
    assert!(o.services.choose_password(last(&link), "another password", None).await.is_err());
    let bob = o.services.sign_in("bob@example.org", &secret(PASSWORD), None).await.unwrap();
    assert_eq!(bob.id, added.user.id);
    let first = o.services.password_link(&Actor::system(), bob.id).await.unwrap();
    let second = o.services.password_link(&Actor::system(), bob.id).await.unwrap();
    assert!(o.services.password_offer(last(&first)).await.is_err(), "the later link ends the earlier");
    o.services.disable_person(&Actor::system(), bob.id).await.unwrap();
    assert!(o.services.password_offer(last(&second)).await.is_err());
    assert_eq!(code(o.services.password_link(&Actor::system(), bob.id).await.unwrap_err()), "disabled");
}

async fn whether_somebody_exists_does_not_show(engine: Engine) {
    let o = Office::open(engine).await;
    o.add("ada@example.org", Role::Admin).await;
    let (gone, _) = o.add("gone@example.org", Role::Viewer).await;
    o.services.disable_person(&Actor::system(), gone.id).await.unwrap();
    for n in 1..=9 {
        let before = o.services.passwords_checked();
        let mut answers = Vec::new();
        for (email, password) in
            [("ada@example.org", "wrong"), ("nobody@example.org", "wrong"), ("gone@example.org", PASSWORD), ("", "")]
        {
            answers.push(format!("{:?}", o.services.sign_in(email, &secret(password), None).await.unwrap_err()));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        let reached = o.services.passwords_checked() - before;
        assert_eq!(reached, if n <= 5 { 4 } else { 0 }, "attempt {n}");
    }
}

async fn guesses_are_slowed_down_and_success_forgives(engine: Engine) {
    let o = Office::open(engine).await;
    let (ada, _) = o.add("ada@example.org", Role::Admin).await;
    let start = o.services.passwords_checked();
    for n in 0..200 {
        let wrong = o.services.sign_in("ada@example.org", &secret("wrong password"), None).await.unwrap_err();
        assert!(matches!(wrong, Error::Refused { .. } | Error::TooMany { .. }), "{wrong}");
        o.services.clock.set(noon() + TimeDelta::milliseconds(300 * (n + 1)));
    }
    let reached = o.services.passwords_checked() - start;
    assert!((5..=15).contains(&reached), "{reached}");
    let Err(Error::TooMany { retry_after_s }) = o.services.sign_in("Ada@example.org", &secret(PASSWORD), None).await
    else {
        panic!("even the right password has to wait")
    };
    assert!((1..=65).contains(&retry_after_s), "{retry_after_s}");
    o.pass(TimeDelta::seconds(retry_after_s));
    assert_eq!(o.services.sign_in("ada@example.org", &secret(PASSWORD), None).await.unwrap().id, ada.id);
    let wrong = o.services.sign_in("ada@example.org", &secret("wrong password"), None).await;
    assert_eq!(code(wrong.unwrap_err()), "wrong_credentials");
    let lines: Vec<String> = o.log().await.into_iter().map(|l| format!("{} {}", l.action, l.object_name)).collect();
    assert_eq!(lines, ["session.begin ada", "session.delay a***@example.org", "person.add ada"]);
}

async fn guesses_made_at_once_count_too(engine: Engine) {
    let o = Office::open(engine).await;
    o.add("ada@example.org", Role::Admin).await;
    let start = o.services.passwords_checked();
    let guesses: Vec<_> = (0..40)
        .map(|_| {
            let services = o.services.clone();
            tokio::spawn(async move { services.sign_in("ada@example.org", &secret("wrong password"), None).await })
        })
        .collect();
    for guess in guesses {
        assert!(guess.await.unwrap().is_err());
    }
    assert_eq!(o.services.passwords_checked() - start, 5);
}

async fn an_address_that_tries_many_names_waits(engine: Engine) {
    let o = Office::open(engine).await;
    o.add("ada@example.org", Role::Admin).await;
    let spray: IpAddr = "2001:db8::1".parse().unwrap();
    for n in 0..60 {
        let _ = o.services.sign_in(&format!("n{n}@example.org"), &secret("wrong password"), Some(spray)).await;
    }
    let reached = o.services.passwords_checked();
    assert!((30..=40).contains(&reached), "{reached}");
    let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
    let refused = o.services.sign_in("ada@example.org", &secret(PASSWORD), Some(neighbour)).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })));
    let elsewhere: IpAddr = "192.0.2.1".parse().unwrap();
    o.services.sign_in("ada@example.org", &secret(PASSWORD), Some(elsewhere)).await.unwrap();
}

async fn an_old_hash_is_renewed_at_the_next_sign_in(engine: Engine) {
    use argon2::password_hash::{PasswordHasher, SaltString};
    let o = Office::open(engine).await;
    let (ada, _) = o.add("ada@example.org", Role::Admin).await;
    let weaker = argon2::Params::new(8192, 1, 1, None).unwrap();
    let old = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weaker)
        .hash_password(PASSWORD.as_bytes(), &SaltString::encode_b64(b"0123456789abcdef").unwrap())
        .unwrap()
        .to_string();
    let mut tx = o.services.db.decide().await.unwrap();
    tx.set_password_hash(ada.id, &old).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..2 {
        o.services.sign_in("ada@example.org", &secret(PASSWORD), None).await.unwrap();
        let (_, now) = o.services.db.read().await.unwrap().user_by_email("ada@example.org").await.unwrap().unwrap();
        assert!(now.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{now}");
    }
}

async fn ones_own_password_needs_the_current_one(engine: Engine) {
    let o = Office::open(engine).await;
    let (_, ada) = o.add("ada@example.org", Role::Viewer).await;
    let change = |current: &str, password: &str, again: &str| NewPassword {
        current: secret(current),
        password: secret(password),
        again: secret(again),
    };
    let wrong = o.services.change_password(&ada, &change("wrong", "another password", "another password")).await;
    assert_eq!(wrong_fields(wrong.unwrap_err()), ["current"]);
    let mistyped = o.services.change_password(&ada, &change(PASSWORD, "short", "shirt")).await;
    assert_eq!(wrong_fields(mistyped.unwrap_err()), ["password", "again"]);
    o.services.change_password(&ada, &change(PASSWORD, "another password", "another password")).await.unwrap();
    assert!(o.services.sign_in("ada@example.org", &secret(PASSWORD), None).await.is_err());
    o.services.sign_in("ada@example.org", &secret("another password"), None).await.unwrap();
    for _ in 0..9 {
        let _ = o.services.change_password(&ada, &change("wrong", "yet another one", "yet another one")).await;
    }
    let braked = o.services.change_password(&ada, &change(PASSWORD, "yet another one", "yet another one")).await;
    assert!(matches!(braked, Err(Error::TooMany { .. })), "a stolen session is no way to guess the password");
    let nobody = o.services.change_password(&Actor::system(), &change("", "", "")).await;
    assert!(matches!(nobody, Err(Error::SignInNeeded)));
}

async fn there_is_always_an_admin(engine: Engine) {
    let o = Office::open(engine).await;
    let (ada, as_ada) = o.add("ada@example.org", Role::Admin).await;
    let (bob, as_bob) = o.add("bob@example.org", Role::Operator).await;
    let s = &o.services;
    let demoted = person("ada@example.org", Role::Viewer);
    assert_eq!(code(s.edit_person(&Actor::system(), ada.id, &demoted, 1).await.unwrap_err()), "last_admin");
    assert_eq!(code(s.disable_person(&Actor::system(), ada.id).await.unwrap_err()), "last_admin");
    assert_eq!(wrong_fields(s.edit_person(&as_ada, ada.id, &demoted, 1).await.unwrap_err()), ["role"]);
    assert_eq!(code(s.disable_person(&as_ada, ada.id).await.unwrap_err()), "oneself");
    let raised = person("bob@example.org", Role::Admin);
    assert!(matches!(s.edit_person(&as_bob, bob.id, &raised, 1).await, Err(Error::Forbidden(_))));
    assert_eq!(s.edit_person(&as_ada, bob.id, &raised, 1).await.unwrap().role, Role::Admin);
    assert!(matches!(s.edit_person(&as_ada, bob.id, &raised, 1).await, Err(Error::Stale(_))));
    s.edit_person(
        &as_ada,
        ada.id,
        &Person { name: "Ada King".to_owned(), ..person("ada@example.org", Role::Admin) },
        1,
    )
    .await
    .unwrap();
    s.disable_person(&as_ada, bob.id).await.unwrap();
    s.disable_person(&as_ada, bob.id).await.unwrap();
    assert!(s.actor_for_session(bob.id, None).await.unwrap().user().is_none());
    assert_eq!(code(s.disable_person(&Actor::system(), ada.id).await.unwrap_err()), "last_admin");
    s.enable_person(&as_ada, bob.id).await.unwrap();
    s.disable_person(&Actor::system(), ada.id).await.unwrap();
}

async fn an_address_belongs_to_one_person(engine: Engine) {
    let o = Office::open(engine).await;
    let (_, ada) = o.add("ada@example.org", Role::Admin).await;
    let (bob, _) = o.add("bob@example.org", Role::Viewer).await;
    let twin = NewPerson { person: person("ADA@EXAMPLE.ORG", Role::Viewer), password: secret(PASSWORD) };
    assert_eq!(wrong_fields(o.services.add_person(&ada, &twin).await.unwrap_err()), ["email"]);
    let stolen = o.services.edit_person(&ada, bob.id, &person("ada@example.org", Role::Viewer), 1).await;
    assert_eq!(wrong_fields(stolen.unwrap_err()), ["email"]);
    let nothing = o.services.add_person(&ada, &NewPerson { password: secret("short"), ..NewPerson::default() }).await;
    assert_eq!(wrong_fields(nothing.unwrap_err()), ["email", "name", "role", "password"]);
}

async fn a_token_speaks_for_its_scopes_until_it_ends(engine: Engine) {
    let o = Office::open(engine).await;
    let (_, ada) = o.add("ada@example.org", Role::Admin).await;
    let s = &o.services;
    let new = NewToken {
        name: "nightly".to_owned(),
        scopes: vec!["read".to_owned(), "backup:report".to_owned(), "read".to_owned()],
        valid_for: "90 d".to_owned(),
    };
    let made = s.add_token(&ada, &new).await.unwrap();
    let text = made.text.expose_secret().to_owned();
    assert!(text.starts_with(&format!("fmt_{}_", made.token.id.0.simple())), "{text}");
    assert_eq!(made.token.scopes, [Scope::Read, Scope::BackupReport]);
    let ip: IpAddr = "192.0.2.1".parse().unwrap();
    let actor = s.actor_for_token(&text, Some(ip)).await.unwrap();
    assert_eq!((actor.token_id(), actor.ip(), actor.user_id()), (Some(made.token.id), Some(ip), None));
    assert!(actor.may(Permission::ReportBackup) && !actor.may(Permission::Administer));
    o.pass(TimeDelta::seconds(59));
    s.actor_for_token(&text, None).await.unwrap();
    assert_eq!(s.tokens(&ada).await.unwrap()[0].last_used_at, Some(noon()));
    o.pass(TimeDelta::seconds(31));
    s.actor_for_token(&text, None).await.unwrap();
    assert_eq!(s.tokens(&ada).await.unwrap()[0].last_used_at, Some(noon() + TimeDelta::minutes(1)));
    let (id, key) = text[4..].split_once('_').unwrap();
    let forged =
        [format!("fmt_{id}_{}", key.to_uppercase()), format!("fmt_{id}_"), format!("fmt__{key}"), key.to_owned()];
    for forged in forged {
        assert!(matches!(s.actor_for_token(&forged, None).await, Err(Error::SignInNeeded)), "{forged}");
    }
    o.services.clock.set(noon() + TimeDelta::days(90));
    assert!(matches!(s.actor_for_token(&text, None).await, Err(Error::SignInNeeded)));
    let lasting = s.add_token(&ada, &NewToken { valid_for: String::new(), ..new.clone() }).await.unwrap();
    let lasting_text = lasting.text.expose_secret();
    s.actor_for_token(lasting_text, None).await.unwrap();
    s.revoke_token(&ada, lasting.token.id).await.unwrap();
    s.revoke_token(&ada, lasting.token.id).await.unwrap();
    assert!(matches!(s.actor_for_token(lasting_text, None).await, Err(Error::SignInNeeded)));
    let bad = NewToken { name: " ".to_owned(), scopes: vec!["write".to_owned()], valid_for: "90".to_owned() };
    assert_eq!(wrong_fields(s.add_token(&ada, &bad).await.unwrap_err()), ["name", "scopes", "valid_for"]);
    assert_eq!(wrong_fields(s.add_token(&ada, &NewToken::default()).await.unwrap_err()), ["name", "scopes"]);
    assert!(matches!(s.add_token(&actor, &new).await, Err(Error::Forbidden(_))));
}

async fn settings_are_read_as_people_write_them(engine: Engine) {
    let o = Office::open(engine).await;
    let (_, ada) = o.add("ada@example.org", Role::Admin).await;
    let (_, bob) = o.add("bob@example.org", Role::Approver).await;
    let settings = SiteSettings {
        name: "Southwind".to_owned(),
        zone: "europe/kiev".to_owned(),
        schedule_max_age: "26 h".to_owned(),
        start_max_age: "90min".to_owned(),
        lead: "2 h".to_owned(),
        warnings_are_good: true,
        reminders: "2 d, 30 min".to_owned(),
        digest_hour: "8".to_owned(),
        version: 1,
        ..SiteSettings::default()
    };
    let mut changes = o.services.db.changes();
    assert!(matches!(o.services.edit_site(&bob, &settings).await, Err(Error::Forbidden(_))));
    let site = o.services.edit_site(&ada, &settings).await.unwrap();
    assert!(changes.has_changed().unwrap(), "pages show the name");
    changes.mark_unchanged();
    assert_eq!((site.zone.as_str(), site.policy.start_max_age.as_seconds()), ("Europe/Kyiv", 5400));
    assert_eq!(o.services.site().await.unwrap(), site);
    for wrong in ["24", "-1", "8:30", ""] {
        let wrong = SiteSettings { digest_hour: wrong.to_owned(), version: 2, ..settings.clone() };
        assert!(
            matches!(o.services.edit_site(&ada, &wrong).await, Err(Error::Invalid(f)) if f[0].field == "digest_hour")
        );
    }
    assert!(matches!(o.services.edit_site(&ada, &settings).await, Err(Error::Stale(_))));
    let wrong = SiteSettings {
        zone: "Mars/Olympus".to_owned(),
        lead: "90".to_owned(),
        start_max_age: "0 min".to_owned(),
        ..SiteSettings::default()
    };
    let fields = wrong_fields(o.services.edit_site(&ada, &wrong).await.unwrap_err());
    // In the order in which they are looked at.
    assert_eq!(fields, ["name", "zone", "reminders", "digest_hour", "schedule_max_age", "start_max_age", "lead"]);
    let about = o.services.about(&bob).await.unwrap();
    assert!(
        about.database.starts_with(if engine == Engine::Sqlite { "SQLite 3." } else { "PostgreSQL 1" }),
        "{about:?}"
    );
}

async fn every_change_is_one_line_in_the_log_and_holds_no_secret(engine: Engine) {
    let o = Office::open(engine).await;
    let s = &o.services;
    let setup = s.setup_link_if_needed().await.unwrap().unwrap();
    let ada = NewPerson { person: person("ada@example.org", Role::Admin), password: secret(PASSWORD) };
    let ada = s.set_up(last(&setup), &ada, None).await.unwrap();
    let as_ada = s.actor_for_session(ada.id, Some("192.0.2.1".parse().unwrap())).await.unwrap();
    let bob = s.add_person(&as_ada, &NewPerson::invited(person("bob@example.org", Role::Viewer))).await.unwrap();
    let invite = bob.link.unwrap();
    s.choose_password(last(&invite), "bobs long password", None).await.unwrap();
    let reset = s.password_link(&as_ada, bob.user.id).await.unwrap();
    s.choose_password(last(&reset), "a third password", None).await.unwrap();
    s.edit_person(&as_ada, bob.user.id, &person("bob@example.org", Role::Operator), 1).await.unwrap();
    s.disable_person(&as_ada, bob.user.id).await.unwrap();
    s.enable_person(&as_ada, bob.user.id).await.unwrap();
    s.sign_in("bob@example.org", &secret("a third password"), None).await.unwrap();
    s.sign_out(&as_ada).await.unwrap();
    let new = NewToken { name: "nightly".to_owned(), scopes: vec!["read".to_owned()], valid_for: String::new() };
    let token = s.add_token(&as_ada, &new).await.unwrap();
    s.revoke_token(&as_ada, token.token.id).await.unwrap();
    let change = NewPassword {
        current: secret(PASSWORD),
        password: secret("another password"),
        again: secret("another password"),
    };
    s.change_password(&as_ada, &change).await.unwrap();
    let mut log = o.log().await;
    log.reverse();
    let verbs: Vec<&str> = log.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(
        verbs,
        [
            "person.set_up",
            "person.add",
            "person.choose_password",
            "person.link",
            "person.choose_password",
            "person.edit",
            "person.disable",
            "person.enable",
            "session.begin",
            "session.end",
            "token.add",
            "token.revoke",
            "person.change_password",
        ]
    );
    assert_eq!((log[1].actor.as_str(), log[1].ip.as_deref(), log[1].user_id), ("ada", Some("192.0.2.1"), Some(ada.id)));
    let all = format!("{log:?}");
    let token_secret = token.text.expose_secret().rsplit('_').next().unwrap();
    for never in
        [PASSWORD, "bobs long", "a third", "another", "argon2", last(&setup), last(&invite), last(&reset), token_secret]
    {
        assert!(!all.contains(never), "{never}");
        let hash = service::keys::hash(never);
        assert!(!all.contains(&hash));
    }
}

async fn the_log_is_read_page_by_page_by_those_who_may(engine: Engine) {
    let o = Office::open(engine).await;
    let (_, approver) = o.add("ada@example.org", Role::Approver).await;
    let (_, operator) = o.add("bob@example.org", Role::Operator).await;
    for n in 0..60 {
        o.pass(TimeDelta::seconds(1));
        let new = NewToken { name: format!("t{n}"), scopes: vec!["read".to_owned()], valid_for: String::new() };
        o.services.add_token(&Actor::system(), &new).await.unwrap();
    }
    assert!(matches!(o.services.audit_log(&operator, &AuditFilter::default()).await, Err(Error::Forbidden(_))));
    let filter = AuditFilter { object: "token".to_owned(), ..AuditFilter::default() };
    let first = o.services.audit_log(&approver, &filter).await.unwrap();
    assert_eq!((first.entries.len(), first.entries[0].object_name.as_str()), (50, "t59"));
    assert_eq!(first.objects, ["person", "token"]);
    let filter = AuditFilter { before: first.next.unwrap(), ..filter };
    let second = o.services.audit_log(&approver, &filter).await.unwrap();
    assert_eq!((second.entries.len(), second.next), (10, None));
    let one = AuditFilter { object_id: second.entries[0].object_id.clone(), before: "x".to_owned(), ..filter };
    assert_eq!(o.services.audit_log(&approver, &one).await.unwrap().entries.len(), 1);
}

storage::on_both!(
    the_first_admin_comes_by_a_link_that_works_once,
    a_link_ends_with_its_day,
    an_invited_person_chooses_a_password,
    whether_somebody_exists_does_not_show,
    guesses_are_slowed_down_and_success_forgives,
    guesses_made_at_once_count_too,
    an_address_that_tries_many_names_waits,
    an_old_hash_is_renewed_at_the_next_sign_in,
    ones_own_password_needs_the_current_one,
    there_is_always_an_admin,
    an_address_belongs_to_one_person,
    a_token_speaks_for_its_scopes_until_it_ends,
    settings_are_read_as_people_write_them,
    every_change_is_one_line_in_the_log_and_holds_no_secret,
    the_log_is_read_page_by_page_by_those_who_may,
);
