use super::component::component;
use super::host::{at, host};
use super::maintenance::{started, window};
use domain::alert::book::Work;
use domain::alert::reach::Called;
use domain::component::Component;
use domain::gate::{Guests, Topology};
use domain::host::Host;
use domain::ids::{ComponentId, HostId, MaintenanceId};
use domain::maintenance::{Maintenance, State};
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn hosts(of: &[u128]) -> BTreeSet<HostId> {
    of.iter().map(|n| HostId(Uuid::from_u128(*n))).collect()
}

fn components(of: &[u128]) -> BTreeSet<ComponentId> {
    of.iter().map(|n| ComponentId(Uuid::from_u128(*n))).collect()
}

fn words(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|word| (*word).to_owned()).collect()
}

/// 1 carries 2 and 3, 3 carries 4 and 5, 5 carries 6, 6 carries 7; 5 and 6 are retired. Components 11 to 17 stand on 1
/// to 7.
async fn inventory(tx: &mut Tx) {
    let below = [None, Some(1), Some(1), Some(3), Some(3), Some(5), Some(6)];
    for (n, on) in (1..).zip(below) {
        tx.insert_host(&host(n, &format!("h{n}"), on), at(0)).await.unwrap();
        tx.insert_component(&component(n + 10, &format!("Service {n}"), None, 1), at(0)).await.unwrap();
        tx.put_hosts_behind(ComponentId(Uuid::from_u128(n + 10)), &[HostId(Uuid::from_u128(n))]).await.unwrap();
    }
    for n in [5, 6] {
        let retired = Host { retired_at: Some(at(1)), ..tx.host(HostId(Uuid::from_u128(n))).await.unwrap() };
        tx.update_host(&retired).await.unwrap();
    }
}

/// What alerts ask of it: what hosts run on, what runs on them, and what stands on it all.
#[derive(Debug, PartialEq, Eq)]
struct Around {
    lines: Vec<Vec<HostId>>,
    guests: BTreeSet<HostId>,
    behind: Vec<(ComponentId, HostId)>,
}

fn asked(of: &Topology, around: &BTreeSet<HostId>) -> Around {
    let runs_on: BTreeMap<HostId, Option<HostId>> = of.hosts.iter().map(|node| (node.id, node.runs_on)).collect();
    let below = |host: &HostId| std::iter::successors(Some(*host), |host| *runs_on.get(host)?).take(9).collect();
    let guests = Guests::of(&of.hosts).with_all_on(around.iter().copied());
    let behind = of.behind.iter().filter(|(_, host)| guests.contains(host)).copied().collect();
    Around { lines: around.iter().map(below).collect(), guests, behind }
}

async fn check(tx: &mut Tx, around: &BTreeSet<HostId>) -> Topology {
    let (whole, part) = (tx.topology().await.unwrap(), tx.topology_around(around).await.unwrap());
    assert_eq!(asked(&part, around), asked(&whole, around), "{around:?}");
    assert!(part.hosts.iter().all(|node| whole.hosts.contains(node)), "{part:?}");
    assert!(part.behind.iter().all(|pair| whole.behind.contains(pair)), "{part:?}");
    part
}

async fn what_is_around_hosts_is_that_part_of_the_topology(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    inventory(&mut tx).await;
    let found = check(&mut tx, &hosts(&[3])).await;
    assert_eq!(found.hosts.iter().map(|node| node.id).collect::<BTreeSet<_>>(), hosts(&[1, 3, 4, 7]), "7 does no harm");
    let behind: BTreeSet<ComponentId> = found.behind.iter().map(|(component, _)| *component).collect();
    assert_eq!(behind, components(&[13, 14, 17]));
    assert_eq!(tx.topology_around(&BTreeSet::new()).await.unwrap(), Topology::default());
    // Every choice of them; one was never there.
    for choice in 0..256 {
        let some: Vec<u128> = (0..8).filter(|n| (choice >> n) & 1 == 1).map(|n| n + 1).collect();
        check(&mut tx, &hosts(&some)).await;
    }
    // More than one statement takes.
    let strangers: Vec<u128> = (1000..2500).chain([3]).collect();
    check(&mut tx, &hosts(&strangers)).await;
    // A circle ends.
    let first = tx.host(HostId(Uuid::from_u128(1))).await.unwrap();
    tx.update_host(&Host { runs_on: Some(HostId(Uuid::from_u128(4))), ..first }).await.unwrap();
    check(&mut tx, &hosts(&[3])).await;
}

async fn what_is_called_so_is_found_and_nothing_else(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    inventory(&mut tx).await;
    // It is called what another one has in its address.
    let odd = Component { slug: domain::text::Slug::parse("odd").unwrap(), ..component(30, "service-1", None, 1) };
    tx.insert_component(&odd, at(0)).await.unwrap();
    let retired = Component { retired_at: Some(at(1)), ..component(12, "Service 2", None, 1) };
    tx.update_component(&retired).await.unwrap();
    let strangers = (0..1500).map(|n| format!("a{n}"));
    let called = Called {
        hosts: strangers.clone().chain(words(&["h2", "h5", "mail"])).collect(),
        components: strangers.chain(words(&["service-1", "service 2", "service 3", "service-4"])).collect(),
    };
    let known = tx.known_names(&called).await.unwrap();
    assert_eq!(known.hosts, BTreeMap::from([("h2".to_owned(), HostId(Uuid::from_u128(2)))]));
    let component = |word: &str, n: u128| (word.to_owned(), ComponentId(Uuid::from_u128(n)));
    let expected = [component("service 3", 13), component("service-1", 30), component("service-4", 14)];
    assert_eq!(known.components, BTreeMap::from(expected), "a name counts before an address");
    assert_eq!(tx.known_names(&Called::default()).await.unwrap(), domain::alert::place::Known::default());
}

async fn work_that_is_being_done_is_told_with_the_hosts_behind_its_components(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    inventory(&mut tx).await;
    let on = |m: Maintenance, of: &[u128], behind: &[u128]| Maintenance {
        hosts: hosts(of).into_iter().collect(),
        components: components(behind).into_iter().collect(),
        ..m
    };
    for m in [
        on(window(1, State::InProgress, 0), &[2, 7], &[]),
        on(window(2, State::Verifying, 0), &[1], &[13, 15]),
        on(window(3, State::Scheduled, 0), &[4], &[14]),
        on(window(4, State::Completed, 0), &[4], &[14]),
        on(window(5, State::InProgress, 0), &[], &[]),
    ] {
        tx.add_maintenance(&m).await.unwrap();
    }
    let work = |n, of: &[u128], behind: &[u128]| Work {
        id: MaintenanceId(Uuid::from_u128(n)),
        hosts: hosts(of),
        components: components(behind),
    };
    assert_eq!(tx.works().await.unwrap(), [work(1, &[2, 7], &[]), work(2, &[1, 3], &[13, 15])], "5 is retired");
}

async fn what_customers_know_components_by_is_told_of_those_in_use(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert_eq!(tx.in_use().await.unwrap(), (false, false));
    tx.insert_host(&host(1, "vm3", None), at(0)).await.unwrap();
    assert_eq!(tx.in_use().await.unwrap(), (true, false));
    let [shown, private, retired] = [11, 12, 13].map(|n| component(n, &format!("Service {n}"), None, 1));
    for c in [&shown, &Component { is_private: true, ..private.clone() }, &retired] {
        tx.insert_component(c, at(0)).await.unwrap();
    }
    tx.update_component(&Component { retired_at: Some(at(1)), ..retired }).await.unwrap();
    assert_eq!(tx.in_use().await.unwrap(), (true, true));
    let names = tx.component_names(&components(&[11, 12, 13, 14])).await.unwrap();
    assert_eq!(names, BTreeMap::from([(shown.id, Some(shown.name)), (private.id, None)]));
    assert!(tx.component_names(&BTreeSet::new()).await.unwrap().is_empty());
}

storage::on_both!(
    what_is_around_hosts_is_that_part_of_the_topology,
    what_is_called_so_is_found_and_nothing_else,
    work_that_is_being_done_is_told_with_the_hosts_behind_its_components,
    what_customers_know_components_by_is_told_of_those_in_use,
);
