//! A fan-out that is killed again and again, and one that two nodes share.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use service::courier::IN_HAND_PER_CONNECTION;
use storage::testing::Engine;

use crate::chance::Chance;
use crate::world::World;

/// As many as a publication is promised for.
const RECIPIENTS: usize = 10_000;
/// Enough for two nodes to get in each other's way.
const SHARED: usize = 2_000;
const KILLS: usize = 10;
const CONNECTIONS: usize = 4;
/// For all mails, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

impl World {
    async fn waiting(&self) -> i64 {
        self.t.db.read().await.unwrap().outbox_state().await.unwrap().waiting
    }

    async fn until_nothing_waits(&self) {
        let end = Instant::now() + PATIENCE;
        while self.waiting().await > 0 {
            assert!(Instant::now() < end, "mails are left; the end of the log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everyone got the mail; gives how many came more than once, in all.
    fn check_everyone_got_it(&self, emails: &[String]) -> usize {
        let mails = self.relay.mails();
        assert_eq!(mails.keys().collect::<Vec<_>>(), emails.iter().collect::<Vec<_>>());
        let mut ids = BTreeSet::new();
        for (email, copies) in &mails {
            assert!(copies.iter().all(|id| *id == copies[0]), "{email} got one mail under two ids: {copies:?}");
            assert!(ids.insert(&copies[0]), "{email} shares an id");
        }
        mails.values().map(|copies| copies.len() - 1).sum()
    }
}

#[tokio::test]
async fn killed_ten_times_it_still_tells_everyone() {
    let mut chance = Chance::new("killed_ten_times_it_still_tells_everyone");
    let w = World::begin(Engine::Sqlite).await;
    let emails = w.subscribers(RECIPIENTS).await;
    w.publish().await;
    let mut slowest = Duration::ZERO;
    for kill in 0..KILLS {
        let before = w.relay.count();
        let mut node = w.node();
        let began = Instant::now();
        // Some mails first, so that the moment lies in the fan-out.
        let some = usize::try_from(1 + chance.below(120)).unwrap();
        w.until("the next mail", PATIENCE, || w.relay.count() > before);
        slowest = slowest.max(began.elapsed());
        w.until("the next mails", PATIENCE, || w.relay.count() >= before + some);
        chance.pause(Duration::from_millis(30));
        node.kill();
        assert!(w.waiting().await > 0, "kill {kill} came after the last mail");
    }
    let _node = w.node();
    w.until_nothing_waits().await;
    let again = w.check_everyone_got_it(&emails);
    println!("{again} mails came twice after {KILLS} kills; first mail at most {slowest:?} after a start");
    assert!(again <= KILLS * CONNECTIONS * IN_HAND_PER_CONNECTION, "{again} mails came twice");
    assert!(w.relay.most_connections() <= 2 * CONNECTIONS, "a killed client's connections may still be closing");
    let state = w.t.db.read().await.unwrap().outbox_state().await.unwrap();
    assert_eq!((state.sent, state.failed, state.dropped), (i64::try_from(RECIPIENTS).unwrap(), 0, 0));
}

#[tokio::test]
async fn two_nodes_tell_nobody_twice() {
    let w = World::begin(Engine::Postgres).await;
    let emails = w.subscribers(SHARED).await;
    let mut nodes = [w.node(), w.node()];
    for node in &mut nodes {
        node.wait_until_ready(&w);
    }
    w.publish().await;
    w.until_nothing_waits().await;
    assert_eq!(w.check_everyone_got_it(&emails), 0);
    assert_eq!(w.relay.count(), SHARED);
    assert!(w.relay.most_connections() > CONNECTIONS, "only one of the nodes worked");
    assert!(w.relay.most_connections() <= 2 * CONNECTIONS);
}
