use domain::gate::Scope;
use domain::ids::{ComponentId, HostId};
use domain::policy::Policy;
use std::collections::BTreeSet;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

async fn what_nobody_knows_is_said_to_be_unknown(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.read().await.unwrap();
    let host = HostId(Uuid::from_u128(1));
    let component = ComponentId(Uuid::from_u128(2));
    let scope = Scope { hosts: BTreeSet::from([host]), components: BTreeSet::from([component]) };
    let evidence = tx.evidence(&scope, &Policy::default()).await.unwrap();
    assert_eq!(evidence.unknown_hosts, vec![host]);
    assert_eq!(evidence.components_without_host, vec![(component, String::new())]);
    let nothing = tx.evidence(&Scope::default(), &Policy::default()).await.unwrap();
    assert!(nothing.hosts.is_empty() && nothing.carriers.is_empty());
}

storage::on_both!(what_nobody_knows_is_said_to_be_unknown);
