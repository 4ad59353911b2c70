use super::incident::{begun, incident};
use super::maintenance::at;
use super::people::two_people;
use chrono::NaiveDate;
use domain::action_item::{ActionItem, ItemContent, ItemState};
use domain::drill::Link;
use domain::ids::{ActionItemId, IncidentId, UserId};
use domain::incident::IncidentState;
use domain::post_mortem::{PostMortem, PostMortemState, Review, SentBack};
use domain::text::{Name, Prose, Why};
use storage::action_item::ActionFilter;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn of(n: u128) -> IncidentId {
    IncidentId(Uuid::from_u128(n))
}

fn post_mortem(n: u128, by: Option<UserId>) -> PostMortem {
    PostMortem::begin(of(n), Prose::parse("# Summary\n\nBoth disks *died*.").unwrap(), by, at(100))
}

fn item(n: u128, incident: u128, due: Option<&str>) -> ActionItem {
    ActionItem {
        id: ActionItemId(Uuid::from_u128(n)),
        incident: of(incident),
        content: ItemContent {
            title: Name::parse("Dumps run before the files").unwrap(),
            owner: Name::parse("Platform team").unwrap(),
            user: None,
            due: due.map(|day| day.parse().unwrap()),
            link: None,
        },
        state: ItemState::Open,
        why: None,
        position: i64::try_from(n).unwrap(),
        created_at: at(100),
        closed_at: None,
        updated_at: at(100),
        version: 1,
    }
}

async fn with_incidents(engine: Engine, many: u128) -> TestDb {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for n in 1..=many {
        tx.insert_incident(&incident(n, IncidentState::Resolved, 0)).await.unwrap();
    }
    tx.commit().await.unwrap();
    t
}

async fn a_post_mortem_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time(engine: Engine) {
    let t = with_incidents(engine, 2).await;
    let mut tx = t.db.decide().await.unwrap();
    let (ada, bob) = two_people(&mut tx).await;
    let (ada, bob) = (ada.id, bob.id);
    assert_eq!(tx.post_mortem(of(1)).await.unwrap(), None);
    let draft = post_mortem(1, Some(ada));
    tx.insert_post_mortem(&draft).await.unwrap();
    assert_eq!(tx.post_mortem(of(1)).await.unwrap(), Some(draft.clone()));
    let sent_back = PostMortem {
        sent_back: Some(SentBack { why: Why::parse("What of mail?").unwrap(), by: bob, at: at(101) }),
        updated_at: at(101),
        ..draft.clone()
    };
    tx.save_post_mortem(&sent_back).await.unwrap();
    assert!(matches!(tx.save_post_mortem(&sent_back).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.post_mortem(of(1)).await.unwrap(), Some(PostMortem { version: 2, ..sent_back }));
    let public = PostMortem {
        state: PostMortemState::Published,
        body: Prose::parse("Other.").unwrap(),
        author: None,
        review: Some(Review { by: bob, at: at(102) }),
        published_at: Some(at(103)),
        edited_at: Some(at(104)),
        items_told_at: Some(at(105)),
        updated_at: at(105),
        version: 2,
        ..draft
    };
    tx.save_post_mortem(&public).await.unwrap();
    assert_eq!(tx.post_mortem(of(1)).await.unwrap(), Some(PostMortem { version: 3, ..public.clone() }));
    tx.insert_post_mortem(&post_mortem(2, None)).await.unwrap();
    let open = tx.post_mortems_open(9).await.unwrap();
    assert_eq!(open.iter().map(|line| (line.post_mortem.incident, line.number)).collect::<Vec<_>>(), [(of(2), 2)]);
    assert_eq!(open[0].title, "vm3 is gone");
    let published = tx.published_post_mortems_among(&[of(1), of(2), of(3)]).await.unwrap();
    assert_eq!(published, [of(1)].into(), "neither a draft nor one that was never begun");
    assert!(tx.published_post_mortems_among(&[of(2)]).await.unwrap().is_empty(), "only those that were asked for");
    assert!(tx.published_post_mortems_among(&[]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let twice = tx.insert_post_mortem(&public).await;
    assert!(matches!(twice, Err(StoreError::Conflict("post-mortem"))), "{twice:?}");
}

async fn texts_that_were_replaced_are_kept(engine: Engine) {
    let t = with_incidents(engine, 1).await;
    let mut tx = t.db.decide().await.unwrap();
    let ada = two_people(&mut tx).await.0.id;
    let first = post_mortem(1, Some(ada));
    tx.insert_post_mortem(&first).await.unwrap();
    tx.keep_post_mortem(&first, at(110), Some(ada)).await.unwrap();
    let public = PostMortem { version: 2, published_at: Some(at(111)), ..first.clone() };
    tx.keep_post_mortem(&public, at(120), None).await.unwrap();
    let kept = tx.post_mortem_versions(of(1)).await.unwrap();
    let brief: Vec<_> = kept.iter().map(|old| (old.version, old.was_public, old.replaced_by)).collect();
    assert_eq!(brief, [(2, true, None), (1, false, Some(ada))]);
    assert_eq!((&kept[1].body, kept[1].replaced_at), (&first.body, at(110)));
}

fn numbers(found: &[storage::action_item::ActionLine]) -> Vec<u128> {
    found.iter().map(|line| line.item.id.0.as_u128()).collect()
}

async fn listed(tx: &mut Tx, filter: ActionFilter) -> Vec<u128> {
    numbers(&tx.action_items(filter, None, 99).await.unwrap())
}

async fn action_items_are_found_by_what_is_left_by_their_day_and_by_person(engine: Engine) {
    let t = with_incidents(engine, 2).await;
    let mut tx = t.db.decide().await.unwrap();
    let ada = two_people(&mut tx).await.0.id;
    let full = ActionItem {
        content: ItemContent {
            user: Some(ada),
            link: Link::parse("https://example.org/1").ok(),
            ..item(1, 1, None).content
        },
        ..item(1, 1, None)
    };
    tx.insert_action_item(&full).await.unwrap();
    assert_eq!(tx.action_item(full.id).await.unwrap(), full);
    tx.insert_action_item(&item(2, 1, Some("2014-06-01"))).await.unwrap();
    tx.insert_action_item(&item(3, 2, Some("2014-06-30"))).await.unwrap();
    let dropped = ActionItem {
        state: ItemState::Dropped,
        why: Why::parse("Not needed.").ok(),
        closed_at: Some(at(130)),
        ..item(4, 2, Some("2014-05-01"))
    };
    tx.insert_action_item(&dropped).await.unwrap();
    let day = NaiveDate::from_ymd_opt(2014, 6, 2);
    let all = ActionFilter::default();
    assert_eq!(listed(&mut tx, all).await, [1, 2, 3, 4]);
    assert_eq!(listed(&mut tx, ActionFilter { open: true, ..all }).await, [1, 2, 3]);
    assert_eq!(listed(&mut tx, ActionFilter { overdue_on: day, ..all }).await, [2]);
    assert_eq!(listed(&mut tx, ActionFilter { user: Some(ada), ..all }).await, [1]);
    assert_eq!(listed(&mut tx, ActionFilter { incident: Some(of(2)), ..all }).await, [3, 4]);
    let page = tx.action_items(all, Some(full.id), 2).await.unwrap();
    assert_eq!((numbers(&page), page[1].number), (vec![2, 3], 2));
    assert_eq!(tx.action_items_of(of(2)).await.unwrap(), [item(3, 2, Some("2014-06-30")), dropped]);
}

async fn an_action_item_is_changed_by_one_at_a_time_and_deleted(engine: Engine) {
    let t = with_incidents(engine, 1).await;
    let mut tx = t.db.decide().await.unwrap();
    let first = item(1, 1, Some("2014-06-01"));
    tx.insert_action_item(&first).await.unwrap();
    let done = ActionItem {
        state: ItemState::Done,
        closed_at: Some(at(140)),
        updated_at: at(140),
        position: 9,
        content: ItemContent { due: None, ..first.content.clone() },
        ..first
    };
    tx.save_action_item(&done).await.unwrap();
    assert!(matches!(tx.save_action_item(&done).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.action_item(done.id).await.unwrap(), ActionItem { version: 2, ..done.clone() });
    assert!(matches!(tx.delete_action_item(done.id, 1).await, Err(StoreError::Stale(_))));
    tx.delete_action_item(done.id, 2).await.unwrap();
    assert!(matches!(tx.action_item(done.id).await, Err(StoreError::NotFound(_))));
}

storage::on_both!(
    a_post_mortem_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time,
    texts_that_were_replaced_are_kept,
    action_items_are_found_by_what_is_left_by_their_day_and_by_person,
    an_action_item_is_changed_by_one_at_a_time_and_deleted,
);
