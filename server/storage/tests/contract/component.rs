use super::host::{at, host};
use domain::component::{Component, Group};
use domain::ids::{ComponentId, GroupId, HostId};
use domain::text::{Name, Slug};
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn group(n: u128, name: &str, position: i64) -> Group {
    Group { id: GroupId(Uuid::from_u128(n)), name: Name::parse(name).unwrap(), position, version: 1 }
}

pub(crate) fn component(n: u128, name: &str, group: Option<u128>, position: i64) -> Component {
    let name = Name::parse(name).unwrap();
    Component {
        id: ComponentId(Uuid::from_u128(n)),
        group_id: group.map(|n| GroupId(Uuid::from_u128(n))),
        slug: Slug::from_name(&name),
        name,
        description: "what customers know".to_owned(),
        position,
        is_private: false,
        retired_at: None,
        version: 1,
    }
}

async fn components_stand_in_the_order_of_the_page(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_group(&group(1, "Clusters", 2)).await.unwrap();
    tx.insert_group(&group(2, "Access", 1)).await.unwrap();
    for c in [
        component(11, "Cluster 12", Some(1), 2),
        component(12, "Cluster 11", Some(1), 1),
        component(13, "Shell nodes", Some(2), 1),
        component(14, "Dashboard", None, 1),
    ] {
        tx.insert_component(&c, at(0)).await.unwrap();
    }
    let names = |list: Vec<Component>| list.iter().map(|c| c.name.to_string()).collect::<Vec<_>>();
    let shown = names(tx.components(false).await.unwrap());
    assert_eq!(shown, ["Dashboard", "Shell nodes", "Cluster 11", "Cluster 12"]);
    tx.place_group(GroupId(Uuid::from_u128(1)), 0).await.unwrap();
    tx.place_component(ComponentId(Uuid::from_u128(12)), 3).await.unwrap();
    let shown = names(tx.components(false).await.unwrap());
    assert_eq!(shown, ["Dashboard", "Cluster 12", "Cluster 11", "Shell nodes"]);
    let groups = tx.groups().await.unwrap();
    assert_eq!(groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["Clusters", "Access"]);
    assert_eq!(names(tx.components_after(None, false, 2).await.unwrap()), ["Cluster 12", "Cluster 11"]);
}

async fn a_component_comes_back_as_it_was_stored(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_host(&host(1, "vm3", None), at(0)).await.unwrap();
    tx.insert_host(&host(2, "vm4", None), at(0)).await.unwrap();
    let (vm3, vm4) = (HostId(Uuid::from_u128(1)), HostId(Uuid::from_u128(2)));
    let c = component(11, "Cluster 12", None, 1);
    tx.insert_component(&c, at(0)).await.unwrap();
    assert_eq!(tx.component(c.id).await.unwrap(), c);
    assert_eq!(tx.component_at(&c.slug).await.unwrap(), Some(c.clone()));
    assert_eq!(tx.component_named("cluster 12").await.unwrap(), Some(c.clone()));
    tx.put_hosts_behind(c.id, &[vm4, vm3, vm3]).await.unwrap();
    assert_eq!(tx.hosts_behind(c.id).await.unwrap(), vec![vm3, vm4]);
    tx.put_hosts_behind(c.id, &[vm3]).await.unwrap();
    assert_eq!(tx.topology().await.unwrap().behind, vec![(c.id, vm3)]);
    assert_eq!(tx.components_on(vm3).await.unwrap(), vec![c.clone()]);
    assert_eq!(tx.host_references(vm3).await.unwrap().components, 1);
    assert!(tx.private_components().await.unwrap().is_empty());
    let retired = Component { retired_at: Some(at(4)), position: 9, is_private: true, ..c };
    tx.update_component(&retired).await.unwrap();
    assert!(matches!(tx.update_component(&retired).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.component(retired.id).await.unwrap(), Component { version: 2, ..retired.clone() });
    assert_eq!(tx.topology().await.unwrap().behind, vec![(retired.id, vm3)]);
    assert!(tx.components_on(vm3).await.unwrap().is_empty());
    assert!(tx.components(false).await.unwrap().is_empty());
    assert_eq!(tx.components(true).await.unwrap().len(), 1);
    assert_eq!(tx.open_windows_of_component(retired.id).await.unwrap(), vec![]);
    assert!(tx.component_references(retired.id).await.unwrap().is_empty());
    assert_eq!(tx.private_components().await.unwrap(), [retired.id].into());
    tx.delete_component(retired.id).await.unwrap();
    assert!(matches!(tx.component(retired.id).await, Err(StoreError::NotFound(_))));
}

async fn a_group_goes_only_when_nothing_in_use_stands_in_it(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let clusters = group(1, "Clusters", 1);
    tx.insert_group(&clusters).await.unwrap();
    let renamed = Group { name: Name::parse("Hosting").unwrap(), ..clusters };
    tx.update_group(&renamed).await.unwrap();
    assert!(matches!(tx.update_group(&renamed).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.group(renamed.id).await.unwrap(), Group { version: 2, ..renamed.clone() });
    assert!(tx.group_named("hosting").await.unwrap().is_some());
    let c = component(11, "Cluster 12", Some(1), 1);
    tx.insert_component(&c, at(0)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = t.db.decide().await.unwrap();
    assert!(matches!(tx.delete_group(renamed.id).await, Err(StoreError::Conflict(_))));
    drop(tx);

    let mut tx = t.db.decide().await.unwrap();
    tx.update_component(&Component { retired_at: Some(at(1)), ..c.clone() }).await.unwrap();
    tx.delete_group(renamed.id).await.unwrap();
    assert_eq!(tx.component(c.id).await.unwrap().group_id, None);
    assert!(matches!(tx.group(renamed.id).await, Err(StoreError::NotFound(_))));
}

storage::on_both!(
    components_stand_in_the_order_of_the_page,
    a_component_comes_back_as_it_was_stored,
    a_group_goes_only_when_nothing_in_use_stands_in_it,
);
