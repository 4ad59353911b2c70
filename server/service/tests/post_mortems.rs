//! From a resolved incident to its post-mortem and the last of its action items, on real databases.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::action_item::{ActionItem, ItemState};
use domain::component::ComponentState;
use domain::ids::UserId;
use domain::incident::{Incident, IncidentState};
use domain::people::{Role, Scope, User};
use domain::post_mortem::{PostMortem, PostMortemState};
use domain::text::{Name, Prose};
use outbound::mail::IncidentNews;
use service::announcements::AnnouncementInput;
use service::audit::AuditFilter;
use service::deliveries::{About, DeliveriesQuery};
use service::incidents::{IncidentPost, NewIncident};
use service::inventory::ComponentInput;
use service::keys::{Keys, Purpose};
use service::people::tokens::NewToken;
use service::post_mortems::{ActionQuery, ItemInput, Seen};
use service::subscribers::Subscribe;
use service::tell::{IncidentTold, PostTold};
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::sync::Arc;
use storage::outbox::DeliveryFilter;
use storage::testing::{Engine, TestDb};

struct Story {
    services: Services,
    db: TestDb,
    oisin: Actor,
    grace: Actor,
    component: String,
}

fn utc(text: &str) -> DateTime<Utc> {
    format!("2014-05-{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn prose(text: &str) -> Prose {
    Prose::parse(text).unwrap()
}

fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Err(Error::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

fn wrong<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<&'static str> {
    match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|field| field.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn item(title: &str, due: &str) -> ItemInput {
    ItemInput {
        title: title.to_owned(),
        owner: "Platform team".to_owned(),
        due: due.to_owned(),
        ..ItemInput::default()
    }
}

impl Story {
    async fn begin(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::fixed(utc("15 19:05")),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: true,
        });
        services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let oisin = person(&services, "Oisín Kelly", Role::Operator).await;
        let grace = person(&services, "Grace Nolan", Role::Approver).await;
        let component = ComponentInput { name: "Cluster 12".to_owned(), ..ComponentInput::default() };
        let component = services.add_component(&Actor::system(), component).await.unwrap().component.id.to_string();
        Self { services, db, oisin, grace, component }
    }

    async fn token(&self, scope: Scope) -> Actor {
        self.token_of(&Actor::system(), scope).await
    }

    async fn token_of(&self, maker: &Actor, scope: Scope) -> Actor {
        let new =
            NewToken { name: "test".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(maker, &new).await.unwrap();
        self.services.actor_for_token(secrecy::ExposeSecret::expose_secret(&made.text), None).await.unwrap()
    }

    /// vm3 goes away on Thursday evening.
    async fn open(&self) -> Incident {
        let new = NewIncident {
            title: Name::parse("vm3 is gone").unwrap(),
            severity: None,
            components: [(self.component.parse().unwrap(), ComponentState::MajorOutage)].into(),
            started_at: None,
            maintenance: None,
            state: IncidentState::Investigating,
            body: prose("Both disks are *dead*."),
            tell: false,
        };
        self.services.open_incident(&self.oisin, new).await.unwrap()
    }

    /// And is back on Friday noon.
    async fn resolved(&self) -> Incident {
        let open = self.open().await;
        self.services.clock.set(utc("16 11:30"));
        let post = IncidentPost {
            state: IncidentState::Resolved,
            body: prose("Everything is back."),
            components: [(self.component.parse().unwrap(), ComponentState::Operational)].into(),
            tell: false,
        };
        let resolved = self.services.update_incident(&self.oisin, open.id, open.version, post).await.unwrap();
        self.services.clock.set(utc("19 09:00"));
        resolved
    }

    /// Written by the operator, reviewed by the approver.
    async fn reviewed(&self, of: &Incident) -> PostMortem {
        let s = &self.services;
        let begun = s.write_post_mortem(&self.oisin, of.id, None, "Both disks died.", false).await.unwrap();
        let handed_in = s.submit_post_mortem(&self.oisin, of.id, begun.version).await.unwrap();
        s.approve_post_mortem(&self.grace, of.id, handed_in.version).await.unwrap()
    }

    async fn published(&self, of: &Incident) -> PostMortem {
        let reviewed = self.reviewed(of).await;
        self.services.publish_post_mortem(&self.oisin, of.id, reviewed.version).await.unwrap()
    }

    async fn add(&self, of: &Incident, title: &str) -> ActionItem {
        self.services.add_action_item(&self.oisin, of.id, &item(title, "2014-05-30")).await.unwrap()
    }

    async fn put(&self, item: &ActionItem, state: ItemState) -> ActionItem {
        let now = self.services.action_item(&self.oisin, item.id).await.unwrap();
        let why = if state == ItemState::Dropped { "Not needed." } else { "" };
        self.services.put_action_item(&self.oisin, item.id, now.version, state.as_str(), why).await.unwrap()
    }

    /// Confirmed, and wants these.
    async fn reader(&self, email: &str, topics: &[&str], components: &[&String]) {
        let ask = Subscribe {
            email: email.to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            components: components.iter().map(|id| (*id).clone()).collect(),
            ..Subscribe::default()
        };
        self.services.subscribe(None, ask).await.unwrap();
        let asked = self.db.db.read().await.unwrap().subscriber_by_email(email).await.unwrap().unwrap();
        let link = self.services.keys.link(Purpose::Confirm, asked.id.0, asked.token_version);
        self.services.confirm(None, &link).await.unwrap();
    }

    /// What was told, oldest first: what it is, to whom.
    async fn told(&self) -> Vec<(String, String)> {
        let found = self.services.deliveries(&Actor::system(), &DeliveriesQuery::default()).await.unwrap();
        let mut told: Vec<_> = found.items.into_iter().collect();
        told.sort_by_key(|one| (one.told_at, one.notification, one.address.clone()));
        told.into_iter()
            .filter_map(|one| match one.about {
                About::Post { label, name, .. } => Some((format!("{label} – {name}"), one.address)),
                _ => None,
            })
            .collect()
    }
}

async fn person(services: &Services, name: &str, role: Role) -> Actor {
    let id: UserId = services.new_id();
    let user = User {
        id,
        email: format!("{}@example.org", id.0.simple()),
        name: Name::parse(name).unwrap(),
        role,
        disabled_at: None,
        has_password: false,
        signed_in_at: None,
        version: 1,
    };
    let mut tx = services.db.decide().await.unwrap();
    tx.add_user(&user, "", services.now()).await.unwrap();
    tx.commit().await.unwrap();
    services.actor_for_session(id, None).await.unwrap()
}

async fn it_begins_with_the_timeline_and_is_read_by_a_second_person_before_customers_read_it(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    let look = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap();
    assert_eq!(
        look.timeline,
        "- **Thu 15 May, 20:05 IST** Investigating:\n  Both disks are *dead*.\n\
         - **Fri 16 May, 12:30 IST** Resolved:\n  Everything is back."
    );
    assert!(look.outline.contains("# Timeline\n\n- **Thu 15 May") && look.outline.contains("# Root cause"));
    let begun = s.write_post_mortem(&story.oisin, incident.id, None, "Both disks died.", false).await.unwrap();
    assert_eq!(code(s.publish_post_mortem(&story.oisin, incident.id, 1).await), "not_reviewed");
    let handed_in = s.submit_post_mortem(&story.oisin, incident.id, begun.version).await.unwrap();
    let needs = s.after_needs(&story.grace).await.unwrap();
    assert_eq!(needs.to_review.iter().map(|line| line.number).collect::<Vec<_>>(), [incident.number]);
    assert!(s.after_needs(&story.oisin).await.unwrap().to_review.is_empty(), "no approver");
    let count = async |actor: &Actor| s.attention(actor).await.unwrap().count(s.now());
    assert_eq!(count(&story.grace).await, count(&story.oisin).await + 1);
    let alone = s.approve_post_mortem(&story.oisin, incident.id, 2).await;
    assert!(matches!(alone, Err(Error::Forbidden(_))));
    assert_eq!(wrong(s.send_back_post_mortem(&story.grace, incident.id, 2, " ").await), ["why"]);
    let back = s.send_back_post_mortem(&story.grace, incident.id, handed_in.version, "What of mail?").await.unwrap();
    assert_eq!(back.sent_back.unwrap().why.as_str(), "What of mail?");
    let edited = s.write_post_mortem(&story.grace, incident.id, Some(3), "Mail too.", false).await.unwrap();
    let again = s.submit_post_mortem(&story.oisin, incident.id, edited.version).await.unwrap();
    let own = s.approve_post_mortem(&story.grace, incident.id, again.version).await;
    assert_eq!(code(own), "same_person", "who changed the text last");
    let ada = person(s, "Ada Byrne", Role::Admin).await;
    let reviewed = s.approve_post_mortem(&ada, incident.id, again.version).await.unwrap();
    let mended = s.write_post_mortem(&story.oisin, incident.id, Some(reviewed.version), "Mail also.", false).await;
    assert_eq!(code(s.publish_post_mortem(&story.oisin, incident.id, mended.unwrap().version).await), "not_reviewed");
    let reviewed = s.approve_post_mortem(&story.grace, incident.id, 7).await.unwrap();
    assert!(matches!(s.public_post_mortem(incident.id).await, Err(Error::NotFound(_))));
    let public = s.publish_post_mortem(&story.oisin, incident.id, reviewed.version).await.unwrap();
    assert_eq!((public.state, public.published_at), (PostMortemState::Published, Some(utc("19 09:00"))));
    let (_, shown) = s.public_post_mortem(incident.id).await.unwrap();
    assert_eq!(
        (shown.post_mortem.body.as_str(), shown.components.as_slice()),
        ("Mail also.", &["Cluster 12".to_owned()][..])
    );
    let look = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap();
    assert_eq!(look.versions.len(), 2, "each text that was replaced");

    let filter = AuditFilter { object: "post_mortem".to_owned(), ..AuditFilter::default() };
    let log = s.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    let verbs: Vec<&str> = log.iter().rev().filter_map(|entry| entry.action.strip_prefix("post_mortem.")).collect();
    let expected = ["begin", "submit", "send_back", "edit", "submit", "approve", "edit", "approve", "publish"];
    assert_eq!(verbs, expected);
}

async fn the_text_it_begins_with_is_not_handed_in(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    let outline = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap().outline;
    s.write_post_mortem(&story.oisin, incident.id, None, &outline, false).await.unwrap();
    assert_eq!(wrong(s.submit_post_mortem(&story.oisin, incident.id, 1).await), ["body"]);
    let half = outline.replace("What helped.", "The mirror of the other host.");
    s.write_post_mortem(&story.oisin, incident.id, Some(1), &half, false).await.unwrap();
    assert_eq!(wrong(s.submit_post_mortem(&story.oisin, incident.id, 2).await), ["body"]);
    s.write_post_mortem(&story.oisin, incident.id, Some(2), "Both disks died.", false).await.unwrap();
    s.submit_post_mortem(&story.oisin, incident.id, 3).await.unwrap();
    assert_eq!(wrong(s.write_post_mortem(&story.oisin, incident.id, Some(4), &half, false).await), ["body"]);
}

async fn what_is_typed_on_the_page_is_handed_in_with_it_and_not_decided_about_before_it_is_saved(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    let changed =
        async |version: i64, text: &str| s.has_changed_text(&story.oisin, incident.id, version, text).await.unwrap();
    let outline = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap().outline;
    assert!(!changed(0, &outline.replace('\n', "\r\n")).await && changed(0, "Ours.").await, "before it is begun");
    s.write_post_mortem(&story.oisin, incident.id, None, "Both disks died.", false).await.unwrap();
    let seen = |version: i64, text: &'static str| Seen { version, text: Some(text) };
    let stale = s.submit_post_mortem(&story.oisin, incident.id, seen(7, "Both.")).await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    assert_eq!(wrong(s.submit_post_mortem(&story.oisin, incident.id, seen(1, "")).await), ["body"]);
    let stored = s.post_mortem(&story.oisin, incident.id).await.unwrap();
    assert_eq!((stored.body.as_str(), stored.version), ("Both disks died.", 1), "both or nothing");
    let handed_in = s.submit_post_mortem(&story.oisin, incident.id, seen(1, "Both at once.")).await.unwrap();
    assert_eq!((handed_in.state, handed_in.body.as_str()), (PostMortemState::InReview, "Both at once."));
    assert_eq!(handed_in, s.post_mortem(&story.oisin, incident.id).await.unwrap());
    assert!(!changed(1, "Both disks died.").await, "what that page showed");
    assert!(changed(1, "Both at once.").await && !changed(3, "Both at once.").await);

    let other = seen(3, "Something else.");
    assert_eq!(code(s.approve_post_mortem(&story.grace, incident.id, other).await), "text_changed");
    assert_eq!(code(s.send_back_post_mortem(&story.grace, incident.id, other, "Mail?").await), "text_changed");
    s.approve_post_mortem(&story.grace, incident.id, seen(3, "Both at once.")).await.unwrap();
    let other = seen(4, "Something else.");
    assert_eq!(code(s.publish_post_mortem(&story.oisin, incident.id, other).await), "text_changed");
    s.publish_post_mortem(&story.oisin, incident.id, seen(4, "Both at once.")).await.unwrap();
    let filter = AuditFilter { object: "post_mortem".to_owned(), ..AuditFilter::default() };
    let log = s.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    let verbs: Vec<&str> = log.iter().rev().filter_map(|entry| entry.action.strip_prefix("post_mortem.")).collect();
    assert_eq!(verbs, ["begin", "edit", "submit", "approve", "publish"]);
}

async fn a_token_writes_but_no_token_reviews(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    let (program, all) = (story.token(Scope::IncidentWrite).await, story.token(Scope::Admin).await);
    s.write_post_mortem(&program, incident.id, None, "Both disks died.", false).await.unwrap();
    s.submit_post_mortem(&program, incident.id, 1).await.unwrap();
    for token in [&program, &all] {
        assert!(matches!(s.approve_post_mortem(token, incident.id, 2).await, Err(Error::Forbidden(_))));
    }
    assert_eq!(code(s.approve_post_mortem(&Actor::system(), incident.id, 2).await), "no_person");
    // Whoever made a token has written what it writes.
    let ada = person(s, "Ada Byrne", Role::Admin).await;
    let own = story.token_of(&ada, Scope::IncidentWrite).await;
    s.write_post_mortem(&own, incident.id, Some(2), "Both disks died at once.", false).await.unwrap();
    assert!(s.after_needs(&ada).await.unwrap().to_review.is_empty());
    assert_eq!(code(s.approve_post_mortem(&ada, incident.id, 3).await), "same_person");
    s.write_post_mortem(&program, incident.id, Some(3), "Both disks died.", false).await.unwrap();
    assert_eq!(code(s.approve_post_mortem(&ada, incident.id, 4).await), "same_person");
    s.approve_post_mortem(&story.grace, incident.id, 4).await.unwrap();
    let viewer = story.token(Scope::Read).await;
    assert!(matches!(s.write_post_mortem(&viewer, incident.id, None, "x", false).await, Err(Error::Forbidden(_))));
    assert!(matches!(s.add_action_item(&viewer, incident.id, &item("x", "")).await, Err(Error::Forbidden(_))));
    let nobody = Actor::public(None);
    assert!(matches!(s.look_at_post_mortem(&nobody, incident.id).await, Err(Error::SignInNeeded)));
    assert!(matches!(s.action_items(&nobody, &ActionQuery::default()).await, Err(Error::SignInNeeded)));
}

async fn two_people_who_write_at_once_lose_nothing_and_an_open_incident_has_to_end_first(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.open().await);
    s.write_post_mortem(&story.oisin, incident.id, None, "First.", false).await.unwrap();
    let second = s.write_post_mortem(&story.grace, incident.id, None, "Second.", false).await;
    assert!(matches!(second, Err(Error::Stale(Stale { what: "post-mortem", .. }))), "{second:?}");
    let stale = s.write_post_mortem(&story.grace, incident.id, Some(7), "Second.", false).await;
    assert!(matches!(stale, Err(Error::Stale(Stale { what: "post-mortem", .. }))));
    s.submit_post_mortem(&story.oisin, incident.id, 1).await.unwrap();
    s.approve_post_mortem(&story.grace, incident.id, 2).await.unwrap();
    assert_eq!(code(s.publish_post_mortem(&story.oisin, incident.id, 3).await), "incident_open");
    let draft = NewIncident {
        title: Name::parse("Nobody knows of it").unwrap(),
        severity: None,
        components: [].into(),
        started_at: None,
        maintenance: None,
        state: IncidentState::Investigating,
        body: Prose::default(),
        tell: false,
    };
    let draft = s.draft_incident(&story.oisin, draft).await.unwrap();
    assert_eq!(code(s.write_post_mortem(&story.oisin, draft.id, None, "x", false).await), "wrong_state");
    assert_eq!(wrong(s.write_post_mortem(&story.oisin, incident.id, Some(3), "\u{7}", false).await), ["body"]);
}

async fn subscribers_hear_of_it_and_of_changes_only_where_somebody_says_so(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    let other = ComponentInput { name: "DNS".to_owned(), ..ComponentInput::default() };
    let other = s.add_component(&Actor::system(), other).await.unwrap().component.id.to_string();
    story.reader("all@example.net", &[], &[]).await;
    story.reader("cluster@example.net", &["post_mortems"], &[&story.component]).await;
    story.reader("dns@example.net", &[], &[&other]).await;
    story.reader("incidents@example.net", &["incidents"], &[]).await;
    let look = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap();
    assert_eq!((look.audience.mails, look.audience.left_out_count()), (2, 2));
    let public = story.published(&incident).await;
    let mail = |to: &str| ("Post-mortem – Post-mortem: vm3 is gone".to_owned(), to.to_owned());
    let first = [mail("all@example.net"), mail("cluster@example.net")];
    assert_eq!(story.told().await, first);
    let same = s.write_post_mortem(&story.oisin, incident.id, Some(public.version), "Both disks died.", true).await;
    assert_eq!(code(same), "unchanged");
    let mended = s.write_post_mortem(&story.oisin, incident.id, Some(public.version), "Mended.", false).await.unwrap();
    assert_eq!((story.told().await.len(), mended.edited_at), (2, Some(utc("19 09:00"))));
    let same = s.write_post_mortem(&story.oisin, incident.id, Some(mended.version), "Mended.", true).await;
    assert_eq!((wrong(same), mended.review), (vec!["tell_again"], None), "nobody has read it as it is");
    let needs = s.after_needs(&story.grace).await.unwrap();
    assert_eq!((needs.to_review.len(), needs.to_publish.len()), (1, 0));
    let refused = s.write_post_mortem(&story.oisin, incident.id, Some(mended.version), "Other cause.", true).await;
    assert_eq!(wrong(refused), ["tell_again"]);
    let now = s.post_mortem(&story.oisin, incident.id).await.unwrap();
    assert_eq!((now.body.as_str(), now.version), ("Mended.", mended.version), "nor is it stored");
    assert_eq!(story.told().await.len(), 2);
    let reviewed = s.approve_post_mortem(&story.grace, incident.id, mended.version).await.unwrap();
    assert_eq!((reviewed.state, reviewed.published_at), (PostMortemState::Published, public.published_at));
    let told = s.write_post_mortem(&story.oisin, incident.id, Some(reviewed.version), "Mended.", true).await.unwrap();
    assert_eq!((story.told().await.len(), told.version), (4, reviewed.version + 1));
    let news = AnnouncementInput {
        title: "Backups are extended".to_owned(),
        body: "From now on.".to_owned(),
        category: "changelog".to_owned(),
        components: vec![other],
        tells: true,
        ..AnnouncementInput::default()
    };
    s.clock.set(utc("19 10:00"));
    let a = s.draft_announcement(&story.oisin, &news).await.unwrap();
    let a = s.publish_announcement(&story.oisin, a.id, a.version).await.unwrap();
    let told = story.told().await;
    let last: Vec<&str> = told[4..].iter().map(|(_, to)| to.as_str()).collect();
    assert_eq!(last, ["all@example.net", "dns@example.net"]);
    s.edit_announcement(
        &story.oisin,
        a.id,
        a.version,
        &AnnouncementInput { body: "Now.".to_owned(), ..news.clone() },
        false,
    )
    .await
    .unwrap();
    assert_eq!(story.told().await.len(), 6);
    let quiet = AnnouncementInput { tells: false, title: "Quiet".to_owned(), ..news };
    let quiet = s.draft_announcement(&story.oisin, &quiet).await.unwrap();
    s.publish_announcement(&story.oisin, quiet.id, quiet.version).await.unwrap();
    assert_eq!(story.told().await.len(), 6);
}

async fn the_end_of_the_action_items_is_told_once_to_those_who_want_it(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    story.reader("all@example.net", &[], &[]).await;
    story.reader("items@example.net", &["action_items"], &[]).await;
    let (first, second) = (story.add(&incident, "Dumps first").await, story.add(&incident, "Cover all data").await);
    story.published(&incident).await;
    let done = || async { story.told().await.into_iter().filter(|(what, _)| what.starts_with("Action items")).count() };
    story.put(&first, ItemState::Done).await;
    assert_eq!(done().await, 0);
    s.clock.set(utc("20 09:00"));
    story.put(&second, ItemState::Dropped).await;
    assert_eq!(story.told().await.last().unwrap().1, "items@example.net");
    assert_eq!(done().await, 1);
    story.put(&first, ItemState::Open).await;
    story.put(&first, ItemState::Done).await;
    assert_eq!(done().await, 1, "opened and closed again");
    s.clock.set(utc("21 09:00"));
    let third = story.add(&incident, "Rehearse restores").await;
    story.put(&third, ItemState::Done).await;
    assert_eq!(done().await, 2, "there was more to do");
    let (_, shown) = s.public_post_mortem(incident.id).await.unwrap();
    assert_eq!(shown.progress.words(), "2 of 3 done, 1 dropped");
    assert_eq!(code(s.delete_action_item(&story.oisin, third.id, 2).await), "public");
}

async fn news_of_the_incident_and_of_its_post_mortem_are_conversations_of_their_own(engine: Engine) {
    let story = Story::begin(engine).await;
    let s = &story.services;
    story.reader("ann@example.net", &["incidents", "post_mortems", "action_items"], &[]).await;
    let incident = story.resolved().await;
    let only = story.add(&incident, "Dumps first").await;
    story.published(&incident).await;
    s.clock.set(utc("19 10:00"));
    story.put(&only, ItemState::Done).await;
    s.clock.set(utc("19 11:00"));
    let post = IncidentPost {
        state: IncidentState::Resolved,
        body: prose("We pay back the month."),
        components: [].into(),
        tell: true,
    };
    s.update_incident(&story.oisin, incident.id, None, post.clone()).await.unwrap();
    s.clock.set(utc("19 12:00"));
    let post = IncidentPost { state: IncidentState::Investigating, body: prose("It is back."), ..post };
    s.update_incident(&story.oisin, incident.id, None, post).await.unwrap();
    // The older remark alone has given way to the newer word.
    let mut tx = story.db.db.read().await.unwrap();
    let queued = tx.deliveries_before(None, DeliveryFilter::Waiting, 99).await.unwrap();
    let (mut subjects, mut news) = (Vec::new(), Vec::new());
    for line in queued {
        let told = tx.notification(line.notification).await.unwrap();
        if told.kind == "incident" {
            news.push(IncidentTold::of(&told).unwrap().news());
        } else if let Ok(post) = PostTold::of(&told) {
            assert!(!tx.is_superseded(&told).await.unwrap(), "it can be sent again");
            subjects.push(post.subject);
        }
    }
    subjects.sort();
    assert_eq!(subjects, ["Action items done: vm3 is gone", "Post-mortem: vm3 is gone"]);
    assert_eq!(news, [IncidentNews::Reopened], "nobody hears of it as a new incident");
}

async fn what_is_done_before_readers_know_of_it_is_no_news(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    story.reader("items@example.net", &["action_items"], &[]).await;
    let only = story.add(&incident, "Dumps first").await;
    story.put(&only, ItemState::Done).await;
    story.published(&incident).await;
    s.clock.set(utc("20 09:00"));
    story.put(&only, ItemState::InProgress).await;
    story.put(&only, ItemState::Done).await;
    assert!(story.told().await.is_empty());
}

async fn action_items_have_an_order_and_a_day_after_which_they_need_somebody(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    let (first, second) = (story.add(&incident, "One").await, story.add(&incident, "Two").await);
    let order = || async {
        let look = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap();
        look.items.iter().map(|item| item.content.title.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(order().await, ["One", "Two"]);
    s.raise_action_item(&story.oisin, second.id, 1).await.unwrap();
    assert_eq!(order().await, ["Two", "One"]);
    assert_eq!(s.raise_action_item(&story.oisin, second.id, 2).await.unwrap().version, 2, "it is the first");
    assert!(matches!(s.raise_action_item(&story.oisin, first.id, 1).await, Err(Error::Stale(_))), "it was moved");
    let mine = story.oisin.user_id().unwrap().to_string();
    let input = ItemInput { user: mine, link: "https://example.org/1".to_owned(), ..item("One", "2014-05-30") };
    s.edit_action_item(&story.oisin, first.id, 2, &input).await.unwrap();
    let board = async |actor: &Actor, show: &str| {
        let query = ActionQuery { show: show.to_owned(), ..ActionQuery::default() };
        s.action_board(actor, &query).await.unwrap().lines.len()
    };
    assert_eq!((board(&story.oisin, "").await, board(&story.oisin, "mine").await), (2, 1));
    assert_eq!((board(&story.grace, "mine").await, board(&story.grace, "overdue").await), (0, 0));
    // The last minute of the 30th in Dublin, and the first of the 31st.
    story.published(&incident).await;
    s.clock.set(utc("30 22:59"));
    let (_, shown) = s.public_post_mortem(incident.id).await.unwrap();
    assert_eq!((shown.until, shown.progress.overdue), (Some(utc("30 23:00")), 0));
    s.clock.set(utc("30 23:00"));
    let (_, shown) = s.public_post_mortem(incident.id).await.unwrap();
    assert_eq!((shown.until, shown.progress.overdue), (None, 2));
    assert_eq!(s.after_needs(&story.oisin).await.unwrap().overdue.len(), 2);
    assert_eq!(board(&story.grace, "overdue").await, 2);
    let bad = ItemInput {
        title: String::new(),
        owner: " ".to_owned(),
        user: uuid::Uuid::nil().to_string(),
        due: "soon".to_owned(),
        link: "javascript:alert(1)".to_owned(),
    };
    let told = wrong(s.add_action_item(&story.oisin, incident.id, &bad).await);
    assert_eq!(told, ["title", "owner", "user", "due", "link"]);
    assert_eq!(wrong(s.put_action_item(&story.oisin, first.id, 3, "dropped", " ").await), ["why"]);
    assert_eq!(wrong(s.put_action_item(&story.oisin, first.id, 3, "gone", "").await), ["state"]);
}

async fn what_only_the_team_knows_of_is_public_nowhere(engine: Engine) {
    let story = Story::begin(engine).await;
    let (s, incident) = (&story.services, story.resolved().await);
    story.published(&incident).await;
    assert!(s.public_post_mortem(incident.id).await.is_ok());
    let mut tx = s.db.decide().await.unwrap();
    let mut component = tx.component(story.component.parse().unwrap()).await.unwrap();
    component.is_private = true;
    tx.update_component(&component).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(s.public_post_mortem(incident.id).await, Err(Error::NotFound(_))));
    let look = s.look_at_post_mortem(&story.oisin, incident.id).await.unwrap();
    assert_eq!(look.audience.mails, 0);
}

storage::on_both!(
    it_begins_with_the_timeline_and_is_read_by_a_second_person_before_customers_read_it,
    the_text_it_begins_with_is_not_handed_in,
    what_is_typed_on_the_page_is_handed_in_with_it_and_not_decided_about_before_it_is_saved,
    a_token_writes_but_no_token_reviews,
    two_people_who_write_at_once_lose_nothing_and_an_open_incident_has_to_end_first,
    subscribers_hear_of_it_and_of_changes_only_where_somebody_says_so,
    the_end_of_the_action_items_is_told_once_to_those_who_want_it,
    news_of_the_incident_and_of_its_post_mortem_are_conversations_of_their_own,
    what_is_done_before_readers_know_of_it_is_no_news,
    action_items_have_an_order_and_a_day_after_which_they_need_somebody,
    what_only_the_team_knows_of_is_public_nowhere,
);
