use super::host::at;
use domain::announcement::{Announcement, AnnouncementState, Category, Content};
use domain::ids::{AnnouncementId, ComponentId};
use domain::maintenance::{Fold, Moment};
use domain::text::{Name, Prose, Slug, Why};
use domain::time::Instant;
use std::collections::BTreeSet;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn announcement(n: u128, slug: &str) -> Announcement {
    let content = Content {
        title: Name::parse("New name servers").unwrap(),
        body: Prose::parse("From *Monday*.\n\nNothing to do.").unwrap(),
        category: Category::Announcement,
        components: Vec::new(),
        pinned: false,
        tells: true,
        zone: "Europe/Berlin".to_owned(),
        banner: None,
    };
    Announcement::draft(AnnouncementId(Uuid::from_u128(n)), Slug::parse(slug).unwrap(), content, None, at(0))
}

fn moment(ms: i64) -> Moment {
    Moment {
        zone: "Europe/Berlin".to_owned(),
        local: "2026-10-25T02:30:00".parse().unwrap(),
        fold: Some(Fold::Later),
        at: at(ms),
    }
}

fn public(n: u128, slug: &str, ms: i64) -> Announcement {
    Announcement { state: AnnouncementState::Published, published_at: Some(at(ms)), ..announcement(n, slug) }
}

async fn component(tx: &mut Tx, n: u128, name: &str) -> ComponentId {
    let component = super::component::component(n, name, None, 1);
    tx.insert_component(&component, at(0)).await.unwrap();
    component.id
}

fn numbers(found: &[Announcement]) -> Vec<u128> {
    found.iter().map(|a| a.id.0.as_u128()).collect()
}

const EVER: (Instant, Instant) = (Instant::UNIX_EPOCH, Instant::MAX_UTC);

async fn an_announcement_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let first = announcement(1, "name-servers");
    tx.insert_announcement(&first).await.unwrap();
    assert_eq!(tx.announcement(first.id).await.unwrap(), first);
    let two = [component(&mut tx, 1, "DNS").await, component(&mut tx, 2, "Mail").await];
    let mut all = first.clone();
    all.slug = Slug::parse("name-servers-2").unwrap();
    all.state = AnnouncementState::Scheduled;
    all.publish = Some(moment(50));
    all.content.banner = Some(moment(90));
    all.content.components = two.to_vec();
    all.content.category = Category::Security;
    all.content.pinned = true;
    all.content.tells = false;
    all.updated_at = at(5);
    tx.save_announcement(&all).await.unwrap();
    assert!(matches!(tx.save_announcement(&all).await, Err(StoreError::Stale(_))));
    all.version = 2;
    assert_eq!(tx.announcement(first.id).await.unwrap(), all);
    let gone = Announcement {
        state: AnnouncementState::Withdrawn,
        publish: None,
        published_at: Some(at(50)),
        edited_at: Some(at(60)),
        withdrawn_at: Some(at(70)),
        withdrawn_why: Some(Why::parse("It was wrong.").unwrap()),
        ..all
    };
    tx.save_announcement(&gone).await.unwrap();
    let gone = Announcement { version: 3, ..gone };
    assert_eq!(tx.announcement_at(&gone.slug).await.unwrap(), Some(gone.clone()));
    assert_eq!(tx.announcement_at(&first.slug).await.unwrap(), None);
    assert!(matches!(tx.delete_announcement(gone.id, 2).await, Err(StoreError::Stale(_))));
    tx.delete_announcement(gone.id, 3).await.unwrap();
    assert!(matches!(tx.announcement(gone.id).await, Err(StoreError::NotFound(_))));
}

async fn an_address_is_given_once(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_announcement(&announcement(1, "news")).await.unwrap();
    tx.insert_announcement(&announcement(2, "news-2")).await.unwrap();
    let like = tx.announcement_slugs_like(&Slug::parse("news").unwrap()).await.unwrap();
    assert_eq!(like, BTreeSet::from(["news".to_owned(), "news-2".to_owned()]));
    let twice = tx.insert_announcement(&announcement(3, "news")).await;
    assert!(matches!(twice, Err(StoreError::Conflict("address"))), "{twice:?}");
}

async fn readers_find_what_is_published_newest_first_by_category_and_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_announcement(&announcement(1, "draft")).await.unwrap();
    for (n, ms) in [(2, 100), (3, 300), (4, 200)] {
        let mut a = public(n, &format!("n{n}"), ms);
        if n == 3 {
            a.content.category = Category::Changelog;
            a.content.pinned = true;
            a.content.banner = Some(moment(500));
        }
        tx.insert_announcement(&a).await.unwrap();
    }
    let (from, to) = EVER;
    assert_eq!(numbers(&tx.announcements_published(None, from, to, 9).await.unwrap()), [3, 4, 2]);
    assert_eq!(numbers(&tx.announcements_published(None, from, to, 2).await.unwrap()), [3, 4]);
    assert_eq!(numbers(&tx.announcements_published(None, at(100), at(300), 9).await.unwrap()), [4, 2]);
    let log = Some(Category::Changelog);
    assert_eq!(numbers(&tx.announcements_published(log, from, to, 9).await.unwrap()), [3]);
    assert_eq!(tx.next_announcement(None, at(101)).await.unwrap(), Some(at(200)));
    assert_eq!(tx.next_announcement(log, from).await.unwrap(), Some(at(300)));
    assert_eq!(tx.next_announcement(log, at(301)).await.unwrap(), None);
    assert_eq!(numbers(&tx.announcements_pinned(9).await.unwrap()), [3]);
    assert_eq!(numbers(&tx.announcement_banners(at(499), 9).await.unwrap()), [3]);
    assert!(tx.announcement_banners(at(500), 9).await.unwrap().is_empty());
    assert_eq!(numbers(&tx.announcements_before(None, None, 9).await.unwrap()), [4, 3, 2, 1]);
    let before = AnnouncementId(Uuid::from_u128(4));
    let published = Some(AnnouncementState::Published);
    assert_eq!(numbers(&tx.announcements_before(published, Some(before), 9).await.unwrap()), [3, 2]);
}

async fn what_is_about_private_components_alone_is_public_nowhere(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (open, hidden) = (component(&mut tx, 1, "DNS").await, component(&mut tx, 2, "Intranet").await);
    for (n, components) in [(1, vec![hidden]), (2, vec![open, hidden]), (3, vec![])] {
        let mut a = public(n, &format!("n{n}"), 100);
        a.content.components = components;
        a.content.pinned = true;
        a.content.banner = Some(moment(900));
        tx.insert_announcement(&a).await.unwrap();
    }
    let mut intranet = tx.component(hidden).await.unwrap();
    intranet.is_private = true;
    tx.update_component(&intranet).await.unwrap();
    let (from, to) = EVER;
    for found in [
        tx.announcements_published(None, from, to, 9).await.unwrap(),
        tx.announcements_pinned(9).await.unwrap(),
        tx.announcement_banners(at(200), 9).await.unwrap(),
    ] {
        assert_eq!(numbers(&found), [3, 2]);
    }
    let names = tx.public_names(&BTreeSet::from([open, hidden])).await.unwrap();
    assert_eq!(names, [(open, "DNS".to_owned())]);
    assert!(tx.public_names(&BTreeSet::new()).await.unwrap().is_empty());
}

async fn those_whose_time_has_come_are_found_and_old_texts_are_kept(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let waits =
        Announcement { state: AnnouncementState::Scheduled, publish: Some(moment(50)), ..announcement(1, "waits") };
    tx.insert_announcement(&waits).await.unwrap();
    assert!(tx.announcements_due(at(49)).await.unwrap().is_empty());
    assert_eq!(tx.announcements_due(at(50)).await.unwrap(), [waits.id]);
    tx.keep_announcement(&waits, at(60), None).await.unwrap();
    tx.keep_announcement(&Announcement { version: 2, ..waits.clone() }, at(70), None).await.unwrap();
    let kept = tx.announcement_versions(waits.id).await.unwrap();
    assert_eq!(kept.iter().map(|old| (old.version, old.replaced_at)).collect::<Vec<_>>(), [(2, at(70)), (1, at(60))]);
    assert_eq!((&kept[1].title, &kept[1].body), (&waits.content.title, &waits.content.body));
}

storage::on_both!(
    an_announcement_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time,
    an_address_is_given_once,
    readers_find_what_is_published_newest_first_by_category_and_time,
    what_is_about_private_components_alone_is_public_nowhere,
    those_whose_time_has_come_are_found_and_old_texts_are_kept,
);
