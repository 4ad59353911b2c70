//! Announcements from the draft to the archive, on real databases and a clock that tests move.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, NaiveDate, Utc};
use domain::announcement::{Announcement, AnnouncementState, Category};
use domain::people::Scope;
use domain::text::Name;
use domain::time::Span;
use service::announcements::{AnnouncementInput, AnnouncementsQuery, WhenInput};
use service::audit::AuditFilter;
use service::inventory::ComponentInput;
use service::keys::Keys;
use service::people::tokens::NewToken;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::sync::Arc;
use storage::testing::{Engine, TestDb};

struct Story {
    services: Services,
    db: TestDb,
}

fn utc(text: &str) -> DateTime<Utc> {
    format!("{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn services_on(db: &TestDb, now: &str) -> Services {
    Services::new(Setup {
        db: db.db.clone(),
        clock: Clock::fixed(utc(now)),
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    })
}

fn input(title: &str) -> AnnouncementInput {
    AnnouncementInput {
        title: title.to_owned(),
        body: "From **Monday**.\n\nNothing to do.".to_owned(),
        category: "announcement".to_owned(),
        tells: true,
        ..AnnouncementInput::default()
    }
}

fn at(local: &str) -> WhenInput {
    WhenInput { at: local.to_owned(), ..WhenInput::default() }
}

fn wrong<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<&'static str> {
    match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|field| field.field).collect(),
        other => panic!("{other:?}"),
    }
}

impl Story {
    async fn begin(engine: Engine, now: &str) -> Self {
        let db = TestDb::start(engine).await;
        let services = services_on(&db, now);
        services.found(Name::parse("Northwind").unwrap(), "Europe/Berlin".to_owned()).await.unwrap();
        Self { services, db }
    }

    async fn actor(&self, scope: Scope) -> Actor {
        let new =
            NewToken { name: "test".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&Actor::system(), &new).await.unwrap();
        self.services.actor_for_token(secrecy::ExposeSecret::expose_secret(&made.text), None).await.unwrap()
    }

    async fn component(&self, name: &str) -> String {
        let input = ComponentInput { name: name.to_owned(), ..ComponentInput::default() };
        self.services.add_component(&Actor::system(), input).await.unwrap().component.id.to_string()
    }

    async fn published(&self, input: &AnnouncementInput) -> Announcement {
        let system = Actor::system();
        let draft = self.services.draft_announcement(&system, input).await.unwrap();
        self.services.publish_announcement(&system, draft.id, draft.version).await.unwrap()
    }

    async fn titles(&self) -> Vec<String> {
        let archive = self.services.announcement_archive(None, None).await.unwrap();
        archive.announcements.iter().map(|one| one.announcement.content.title.to_string()).collect()
    }
}

async fn a_scheduled_one_becomes_public_once_on_however_many_nodes(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let operator = story.actor(Scope::MaintenanceWrite).await;
    let draft = story.services.draft_announcement(&operator, &input("New name servers")).await.unwrap();
    assert_eq!(draft.slug.as_str(), "new-name-servers");
    let waits = story.services.schedule_announcement(&operator, draft.id, 1, &at("2026-12-01T09:00")).await.unwrap();
    assert_eq!(waits.publish.as_ref().unwrap().at, utc("2026-12-01 08:00"));
    assert!(story.titles().await.is_empty());
    let nodes: Vec<Services> = (0..3).map(|_| services_on(&story.db, "2026-12-01 07:59")).collect();
    for node in &nodes {
        assert_eq!(node.publish_due_announcements().await.unwrap(), 0);
        node.clock.set(utc("2026-12-01 08:00"));
    }
    let done = futures::future::join_all(nodes.iter().map(Services::publish_due_announcements)).await;
    assert_eq!(done.into_iter().map(Result::unwrap).sum::<usize>(), 1);
    assert_eq!(story.titles().await, ["New name servers"]);
    let public = story.services.announcement(&operator, draft.id).await.unwrap();
    assert_eq!((public.state, public.published_at), (AnnouncementState::Published, Some(utc("2026-12-01 08:00"))));
    let filter = AuditFilter { object: "announcement".to_owned(), ..AuditFilter::default() };
    let log = story.services.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    let verbs: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(verbs, ["announcement.publish", "announcement.schedule", "announcement.draft"]);
    assert_eq!(log[0].actor, "Fermata");
}

async fn a_clock_that_jumps_publishes_each_once_and_hides_none(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let (services, system) = (&story.services, Actor::system());
    let draft = services.draft_announcement(&system, &input("Waits")).await.unwrap();
    services.schedule_announcement(&system, draft.id, 1, &at("2026-11-21T09:00")).await.unwrap();
    let tick = async |now: &str| {
        services.clock.set(utc(now));
        (services.publish_due_announcements().await.unwrap(), story.titles().await)
    };
    assert_eq!(tick("2026-11-20 10:01").await, (0, vec![]));
    // A day ahead, an hour behind what it was, and on time.
    let waits = || vec!["Waits".to_owned()];
    assert_eq!(tick("2026-11-21 10:02").await, (1, waits()));
    for now in ["2026-11-20 09:03", "2026-11-20 10:04", "2026-11-21 07:59", "2026-11-21 08:00", "2026-11-21 10:05"] {
        assert_eq!(tick(now).await, (0, waits()), "{now}");
    }
    let filter = AuditFilter { object: "announcement".to_owned(), ..AuditFilter::default() };
    let log = services.audit_log(&system, &filter).await.unwrap().entries;
    assert_eq!(log.iter().filter(|entry| entry.action == "announcement.publish").count(), 1);
}

async fn a_time_that_does_not_exist_or_exists_twice_is_asked_back(engine: Engine) {
    let story = Story::begin(engine, "2026-01-10 10:00").await;
    let (services, system) = (&story.services, Actor::system());
    let draft = services.draft_announcement(&system, &input("Clocks")).await.unwrap();
    let schedule = async |when: WhenInput| services.schedule_announcement(&system, draft.id, 1, &when).await;
    assert_eq!(wrong(schedule(at("2026-03-29T02:30")).await), ["publish_at"]);
    assert_eq!(wrong(schedule(at("2026-10-25T02:30")).await), ["publish_at"]);
    assert_eq!(wrong(schedule(at("2026-01-10T11:00")).await), ["publish_at"], "now is not to come");
    assert_eq!(
        wrong(schedule(WhenInput { zone: "Mars/Olympus".to_owned(), ..at("2026-10-25T03:30") }).await),
        ["zone"]
    );
    assert_eq!(
        wrong(schedule(WhenInput { fold: "both".to_owned(), ..at("2026-10-25T02:30") }).await),
        ["publish_fold"]
    );
    let later = schedule(WhenInput { fold: "later".to_owned(), ..at("2026-10-25T02:30") }).await.unwrap();
    assert_eq!(later.publish.unwrap().at, utc("2026-10-25 01:30"));
    let mut banner = AnnouncementInput { banner_until: "2026-03-29T02:30".to_owned(), ..input("Banner") };
    assert_eq!(wrong(services.draft_announcement(&system, &banner).await), ["banner_until"]);
    for over in ["2026-01-01T00:00", "2026-01-10T11:00", "2026-01-10T10:00:00Z"] {
        banner.banner_until = over.to_owned();
        assert_eq!(wrong(services.draft_announcement(&system, &banner).await), ["banner_until"], "{over}");
    }
    banner.banner_until = "2026-01-10T11:30:00+01:00".to_owned();
    let short = services.draft_announcement(&system, &banner).await.unwrap();
    assert_eq!(short.content.banner.as_ref().unwrap().at, utc("2026-01-10 10:30"));
    let edit = async |text: &str| {
        let edited = AnnouncementInput { banner_until: text.to_owned(), ..AnnouncementInput::of(&short) };
        services.edit_announcement(&system, short.id, 1, &edited, false).await
    };
    assert_eq!(wrong(edit("2026-01-10T09:59:00Z").await), ["banner_until"]);
    let schedule = async |when: WhenInput| services.schedule_announcement(&system, short.id, 1, &when).await;
    assert_eq!(wrong(schedule(at("2026-01-10T10:30:00Z")).await), ["banner_until"]);
    assert_eq!(wrong(schedule(WhenInput { zone: "Mars".to_owned(), ..at("2026-01-10T10:15:00Z") }).await), ["zone"]);
    let waits = schedule(at("2026-01-10T10:15:00Z")).await.unwrap();
    assert_eq!(waits.publish.unwrap().local.to_string(), "2026-01-10 11:15:00");
    services.clock.set(utc("2026-01-10 10:31"));
    let late = services.draft_announcement(&system, &AnnouncementInput { banner_until: String::new(), ..banner }).await;
    assert!(late.is_ok());
}

async fn a_draft_whose_banner_is_over_is_not_published(engine: Engine) {
    let story = Story::begin(engine, "2026-01-10 10:00").await;
    let (services, system) = (&story.services, Actor::system());
    let banner = AnnouncementInput { banner_until: "2026-01-10T12:00".to_owned(), ..input("Banner") };
    let draft = services.draft_announcement(&system, &banner).await.unwrap();
    services.clock.set(utc("2026-01-10 11:00"));
    assert_eq!(wrong(services.publish_announcement(&system, draft.id, 1).await), ["banner_until"]);
}

async fn new_zone_rules_move_what_waits(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let (services, system) = (&story.services, Actor::system());
    let banner = AnnouncementInput { banner_until: "2026-12-09T09:00".to_owned(), ..input("Waits") };
    let draft = services.draft_announcement(&system, &banner).await.unwrap();
    let waits = services.schedule_announcement(&system, draft.id, 1, &at("2026-12-01T09:00")).await.unwrap();
    assert_eq!(services.follow_announcement_zones().await.unwrap(), 0);
    let mut stale = waits.clone();
    stale.publish.as_mut().unwrap().at = utc("2026-12-01 07:00");
    stale.content.banner.as_mut().unwrap().at = utc("2026-12-09 07:00");
    let mut tx = story.db.db.decide().await.unwrap();
    tx.save_announcement(&stale).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(services.follow_announcement_zones().await.unwrap(), 1);
    let moved = services.announcement(&system, draft.id).await.unwrap();
    assert_eq!((moved.publish, moved.content.banner), (waits.publish, waits.content.banner));
}

async fn a_banner_stands_on_top_until_its_end(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let banner = AnnouncementInput {
        banner_until: "2026-11-20T12:00".to_owned(),
        zone: "Europe/London".to_owned(),
        ..input("Phones are down")
    };
    story.published(&banner).await;
    story.published(&input("No banner")).await;
    let shown = story.services.banners().await.unwrap();
    assert_eq!(shown.until, Some(utc("2026-11-20 12:00")));
    assert_eq!(shown.shown.iter().map(|b| b.path.as_str()).collect::<Vec<_>>(), ["/announcements/phones-are-down"]);
    story.services.clock.set(utc("2026-11-20 12:00"));
    assert!(story.services.banners().await.unwrap().shown.is_empty());
}

async fn the_archive_is_found_by_month_and_kind_and_the_front_page_shows_what_is_new(engine: Engine) {
    let story = Story::begin(engine, "2026-01-31 22:30").await;
    for n in 1..=25 {
        let category = if n % 5 == 0 { "changelog" } else { "announcement" };
        let mut one = AnnouncementInput { category: category.to_owned(), ..input(&format!("News {n}")) };
        one.pinned = n == 3;
        story.published(&one).await;
        // The site's midnight is an hour before that of UTC.
        let step = if n == 2 { Span::days(59) } else { Span::minutes(30) };
        story.services.clock.set(step.after(story.services.now()));
    }
    let month = |y, m| NaiveDate::from_ymd_opt(y, m, 1).unwrap();
    let services = &story.services;
    let newest = services.announcement_archive(None, None).await.unwrap();
    assert_eq!(newest.announcements.len(), 20);
    assert_eq!((newest.earlier, newest.later), (Some(month(2026, 4)), None));
    let january = services.announcement_archive(None, Some(month(2026, 1))).await.unwrap();
    let titles: Vec<_> = january.announcements.iter().map(|one| one.announcement.slug.as_str()).collect();
    assert_eq!(titles, ["news-1"]);
    assert_eq!((january.earlier, january.later), (None, Some(month(2026, 2))));
    let log = services.announcement_archive(Some(Category::Changelog), Some(month(2026, 4))).await.unwrap();
    assert_eq!((log.announcements.len(), log.earlier, log.later), (5, None, None));
    let ahead = services.announcement_archive(None, Some(month(2026, 5))).await;
    assert!(matches!(ahead, Err(Error::NotFound("month"))), "{ahead:?}");
    let home = services.home().await.unwrap();
    let front: Vec<_> = home.announcements.iter().map(|one| one.announcement.slug.as_str()).collect();
    assert_eq!(front, ["news-3", "news-25", "news-24", "news-23"]);
    assert_eq!(home.until, home.announcements[3].announcement.published_at.map(|at| Span::days(30).after(at)));
}

async fn an_edit_keeps_the_address_and_what_was_said_before(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let (services, system) = (&story.services, Actor::system());
    let first = story.published(&input("Prices")).await;
    let second = services.draft_announcement(&system, &input("Prices")).await.unwrap();
    assert_eq!(second.slug.as_str(), "prices-2");
    let taken = AnnouncementInput { slug: "prices".to_owned(), ..input("Prices") };
    assert_eq!(wrong(services.edit_announcement(&system, second.id, 1, &taken, false).await), ["slug"]);
    let other = AnnouncementInput { slug: "prices-from-may".to_owned(), ..input("Prices") };
    let moved = services.edit_announcement(&system, second.id, 1, &other, false).await.unwrap();
    assert_eq!((moved.slug.as_str(), moved.version), ("prices-from-may", 2));
    assert_eq!(wrong(services.edit_announcement(&system, first.id, 2, &other, false).await), ["slug"]);
    let mended = AnnouncementInput { slug: String::new(), body: "From Tuesday.".to_owned(), ..input("New prices") };
    services.clock.set(utc("2026-11-20 11:00"));
    let stale = services.edit_announcement(&system, first.id, 1, &mended, false).await;
    assert!(matches!(stale, Err(Error::Stale(Stale { what: "announcement", .. }))));
    let mended = services.edit_announcement(&system, first.id, 2, &mended, false).await.unwrap();
    assert_eq!((mended.slug.as_str(), mended.edited_at), ("prices", Some(utc("2026-11-20 11:00"))));
    let same = AnnouncementInput::of(&mended);
    assert_eq!(services.edit_announcement(&system, first.id, 3, &same, false).await.unwrap().version, 3);
    let again = services.edit_announcement(&system, first.id, 3, &same, true).await;
    assert!(matches!(again, Err(Error::Refused { code: "unchanged", .. })), "{again:?}");
    let look = services.look_at_announcement(&system, first.id).await.unwrap();
    let said: Vec<&str> = look.versions.iter().map(|(old, _)| old.title.as_str()).collect();
    assert_eq!(said, ["Prices"]);
    let (_, public) = services.public_announcement("prices").await.unwrap();
    assert_eq!(public.announcement.content.title.as_str(), "New prices");
    let foreign = AnnouncementInput { title: "Новости".to_owned(), ..input("x") };
    assert_eq!(services.draft_announcement(&system, &foreign).await.unwrap().slug.as_str(), "announcement");
}

async fn what_was_withdrawn_says_so_and_what_is_no_draft_is_not_deleted(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let (services, system) = (&story.services, Actor::system());
    let public = story.published(&input("Wrong")).await;
    let kept = services.delete_announcement(&system, public.id, 2).await;
    assert!(matches!(kept, Err(Error::Refused { code: "wrong_state", .. })));
    services.withdraw_announcement(&system, public.id, 2, "It was about another site.").await.unwrap();
    assert!(story.titles().await.is_empty());
    let (_, gone) = services.public_announcement("wrong").await.unwrap();
    assert_eq!(gone.announcement.state, AnnouncementState::Withdrawn);
    let back = services.publish_announcement(&system, public.id, 3).await.unwrap();
    assert_eq!(back.published_at, public.published_at);
    let draft = services.draft_announcement(&system, &input("Draft")).await.unwrap();
    assert!(matches!(services.public_announcement("draft").await, Err(Error::NotFound(_))));
    services.delete_announcement(&system, draft.id, 1).await.unwrap();
    assert!(matches!(services.announcement(&system, draft.id).await, Err(Error::NotFound(_))));
    let empty = AnnouncementInput { body: " ".to_owned(), ..input("Empty") };
    let empty = services.draft_announcement(&system, &empty).await.unwrap();
    assert_eq!(wrong(services.publish_announcement(&system, empty.id, 1).await), ["body"]);
}

async fn only_those_who_may_write_and_all_wrong_fields_are_told(engine: Engine) {
    let story = Story::begin(engine, "2026-11-20 10:00").await;
    let services = &story.services;
    let (viewer, nobody) = (story.actor(Scope::Read).await, Actor::public(None));
    let a = story.published(&input("News")).await;
    assert!(matches!(services.draft_announcement(&viewer, &input("x")).await, Err(Error::Forbidden(_))));
    assert!(matches!(services.edit_announcement(&viewer, a.id, 2, &input("x"), false).await, Err(Error::Forbidden(_))));
    assert!(matches!(services.publish_announcement(&viewer, a.id, 2).await, Err(Error::Forbidden(_))));
    assert!(matches!(services.withdraw_announcement(&viewer, a.id, 2, "").await, Err(Error::Forbidden(_))));
    assert!(matches!(services.delete_announcement(&viewer, a.id, 2).await, Err(Error::Forbidden(_))));
    assert!(matches!(services.announcement(&nobody, a.id).await, Err(Error::SignInNeeded)));
    let query = AnnouncementsQuery::default();
    assert!(matches!(services.announcements(&nobody, &query).await, Err(Error::SignInNeeded)));
    assert_eq!(services.announcements(&viewer, &query).await.unwrap().items.len(), 1);
    let bad = AnnouncementInput {
        title: " ".to_owned(),
        body: "\u{7}".to_owned(),
        category: "news".to_owned(),
        components: vec!["x".to_owned()],
        zone: "Mars/Olympus".to_owned(),
        ..AnnouncementInput::default()
    };
    let told = wrong(services.draft_announcement(&Actor::system(), &bad).await);
    assert_eq!(told, ["title", "body", "category", "zone", "components"]);
    let unknown = AnnouncementInput { components: vec![uuid::Uuid::nil().to_string()], ..input("x") };
    assert_eq!(wrong(services.draft_announcement(&Actor::system(), &unknown).await), ["components"]);
    let dns = story.component("DNS").await;
    let about = story.published(&AnnouncementInput { components: vec![dns], ..input("About DNS") }).await;
    let (_, shown) = services.public_announcement(about.slug.as_str()).await.unwrap();
    assert_eq!(shown.components, ["DNS"]);
}

storage::on_both!(
    a_clock_that_jumps_publishes_each_once_and_hides_none,
    a_scheduled_one_becomes_public_once_on_however_many_nodes,
    a_time_that_does_not_exist_or_exists_twice_is_asked_back,
    a_draft_whose_banner_is_over_is_not_published,
    a_banner_stands_on_top_until_its_end,
    new_zone_rules_move_what_waits,
    the_archive_is_found_by_month_and_kind_and_the_front_page_shows_what_is_new,
    an_edit_keeps_the_address_and_what_was_said_before,
    what_was_withdrawn_says_so_and_what_is_no_draft_is_not_deleted,
    only_those_who_may_write_and_all_wrong_fields_are_told,
);
