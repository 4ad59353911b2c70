//! What a report of alerts costs, and that little of the inventory is looked at, but always as it is now.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::alert::cause::Cause;
use domain::alert::read::Sender;
use domain::ids::HostId;
use domain::text::Name;
use serde_json::{Value, json};
use service::alerts::{AlertReceipt, CausesQuery, RuleInput};
use service::inventory::{ComponentInput, HostInput};
use service::keys::Keys;
use service::zones::SystemZones;
use service::{Actor, Clock, Services, Setup};
use std::sync::Arc;
use storage::Db;
use storage::testing::{Asked, Engine, TestDb};

fn services(db: Db) -> Services {
    Services::new(Setup {
        db,
        clock: Clock::fixed("2014-05-15T18:55:00Z".parse().unwrap()),
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    })
}

/// A component of the same name stands on each host.
async fn add(services: &Services, name: &str, on: Option<HostId>) -> HostId {
    let runs_on = on.map(|id| id.to_string()).unwrap_or_default();
    let host = HostInput { name: name.to_owned(), runs_on, ..HostInput::default() };
    let id = services.add_host(&Actor::system(), host).await.unwrap().id;
    let component = ComponentInput { name: name.to_owned(), hosts: vec![id.to_string()], ..ComponentInput::default() };
    services.add_component(&Actor::system(), component).await.unwrap();
    id
}

fn alert(key: &str, host: &str, status: &str) -> Value {
    json!({"key": key, "title": format!("{host}: {key}"), "status": status, "severity": "critical", "host": host})
}

async fn send(services: &Services, alerts: &[Value]) -> AlertReceipt {
    let body = json!({ "alerts": alerts }).to_string();
    services.take_alerts(&Actor::system(), Sender::Generic, body.as_bytes()).await.unwrap()
}

async fn live(services: &Services) -> Vec<Cause> {
    let causes = services.causes(&Actor::system(), &CausesQuery::default()).await.unwrap().items;
    causes.into_iter().filter(|cause| cause.state.is_live()).collect()
}

/// Statements and rows of each of a row of reports, in an inventory with so many more hosts and components.
async fn costs(engine: Engine, asked: &Asked, more: usize) -> Vec<(usize, u64)> {
    let db = TestDb::start(engine).await;
    let services = services(db.db.clone());
    services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
    let vm3 = add(&services, "vm3", None).await;
    add(&services, "web-12", Some(vm3)).await;
    let mut below = None;
    for n in 0..more {
        below = Some(add(&services, &format!("more-{n}"), below.filter(|_| n % 5 > 0)).await);
    }
    let many = |status: &str| -> Vec<Value> { (0..50).map(|n| alert(&format!("{n}"), "vm3", status)).collect() };
    let mut costs = Vec::new();
    for report in [
        vec![alert("down", "vm3", "firing")],
        vec![alert("slow", "web-12", "firing")],
        vec![alert("slow", "web-12", "firing")],
        vec![alert("lost", "gone-7.example.org", "firing")],
        many("firing"),
        many("firing"),
        many("resolved"),
    ] {
        let before = (asked.statements().len(), asked.rows());
        send(&services, &report).await;
        costs.push((asked.statements().len() - before.0, asked.rows() - before.1));
    }
    assert_eq!(live(&services).await.len(), 2);
    costs
}

#[tokio::test]
async fn what_a_report_costs_does_not_grow_with_the_inventory_or_its_own_length() {
    let asked = Asked::listen();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (few, many) = (costs(engine, &asked, 0).await, costs(engine, &asked, 60).await);
        assert_eq!(few, many, "{engine:?}: statements and rows");
        let statements: Vec<usize> = few.iter().map(|cost| cost.0).collect();
        // PostgreSQL is asked for the lock of decisions and for the commit, too.
        let most = if engine == Engine::Postgres { 13 } else { 11 };
        assert!(statements[0] <= most + 5, "a draft is made: {statements:?}");
        assert!(statements[1] <= most + 2, "what it runs on has a cause: {statements:?}");
        assert!(statements[2..].iter().all(|n| *n <= most), "{statements:?}");
    }
}

/// Two nodes on one database.
async fn two(engine: Engine) -> (TestDb, Services, Services) {
    let db = TestDb::start(engine).await;
    let here = services(db.db.clone());
    here.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
    let there = services(Db::open(&db.address).await.unwrap());
    (db, here, there)
}

async fn edit(services: &Services, id: HostId, name: &str, on: Option<HostId>) {
    let runs_on = on.map(|id| id.to_string()).unwrap_or_default();
    let input = HostInput { name: name.to_owned(), runs_on, ..HostInput::default() };
    let version = services.db.read().await.unwrap().host(id).await.unwrap().version;
    services.edit_host(&Actor::system(), id, version, input).await.unwrap();
}

async fn what_another_node_changes_counts_for_the_next_report(engine: Engine) {
    let (_db, here, there) = two(engine).await;
    let vm3 = add(&here, "vm3", None).await;
    let mail = add(&here, "mail-3", None).await;
    let web = add(&here, "web-12", None).await;
    send(&here, &[alert("down", "vm3", "firing")]).await;
    assert_eq!(live(&here).await[0].components.len(), 1);

    // It runs on vm3 now.
    edit(&there, mail, "mail-3", Some(vm3)).await;
    send(&here, &[alert("slow", "mail-3", "firing")]).await;
    let causes = live(&here).await;
    assert_eq!((causes.len(), causes[0].alerts, causes[0].components.len()), (1, 2, 2));

    // It is called so now.
    edit(&there, web, "web-13", None).await;
    assert_eq!(send(&here, &[alert("a", "web-12", "firing")]).await.unmatched.len(), 1);
    assert!(send(&here, &[alert("b", "web-13", "firing")]).await.unmatched.is_empty());

    // A rule ignores it now.
    let rule = RuleInput {
        name: "mail".to_owned(),
        hosts: vec![mail.to_string()],
        action: "ignore".to_owned(),
        ..RuleInput::default()
    };
    there.add_alert_rule(&Actor::system(), &rule).await.unwrap();
    assert_eq!(send(&here, &[alert("full", "mail-3", "firing")]).await.ignored, 1);

    // A component stands on it now.
    let shop = ComponentInput { name: "Shop".to_owned(), hosts: vec![web.to_string()], ..ComponentInput::default() };
    there.add_component(&Actor::system(), shop).await.unwrap();
    send(&here, &[alert("c", "web-13", "firing")]).await;
    let causes = live(&here).await;
    let of_web = causes.iter().find(|cause| cause.title.as_str() == "web-13: b").unwrap();
    let draft = there.db.read().await.unwrap().incident(of_web.incident.unwrap()).await.unwrap();
    assert_eq!((of_web.alerts, draft.components.len()), (2, 2));
}

async fn causes_become_one_with_the_next_report_of_either_after_their_hosts_do(engine: Engine) {
    let (_db, here, there) = two(engine).await;
    let vm3 = add(&here, "vm3", None).await;
    let web = add(&here, "web-12", None).await;
    add(&here, "mail-3", None).await;
    send(&here, &[alert("down", "vm3", "firing")]).await;
    send(&here, &[alert("down on web", "web-12", "firing")]).await;
    assert_eq!(live(&here).await.len(), 2);
    edit(&there, web, "web-12", Some(vm3)).await;
    send(&here, &[alert("slow", "mail-3", "firing")]).await;
    assert_eq!(live(&here).await.len(), 3, "it is about neither");
    // Told again, as monitoring systems do.
    send(&here, &[alert("down on web", "web-12", "firing")]).await;
    let alerts: Vec<i64> = live(&here).await.iter().map(|cause| cause.alerts).collect();
    assert_eq!(alerts, [1, 2], "that of mail-3, and the one of both");
}

storage::on_both!(
    what_another_node_changes_counts_for_the_next_report,
    causes_become_one_with_the_next_report_of_either_after_their_hosts_do,
);
