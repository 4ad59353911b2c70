use std::time::Duration;
use storage::Db;
use storage::testing::{Engine, TestDb};
use tokio::time::timeout;

async fn change(db: &Db) {
    let mut tx = db.write().await.unwrap();
    tx.announce();
    tx.commit().await.unwrap();
}

async fn each_change_that_readers_can_see_has_the_next_number(engine: Engine) {
    let t = TestDb::start(engine).await;
    let newest = t.db.newest_change();
    assert_eq!(*newest.borrow(), 0);
    change(&t.db).await;
    change(&t.db).await;
    assert_eq!(*newest.borrow(), 2);
    t.db.write().await.unwrap().commit().await.unwrap();
    let mut left = t.db.write().await.unwrap();
    left.announce();
    drop(left);
    assert_eq!(*newest.borrow(), 2, "what nobody can see, and what was not committed");
}

async fn numbers_go_on_where_the_last_start_left_them(engine: Engine) {
    let t = TestDb::start(engine).await;
    change(&t.db).await;
    let again = Db::open(&t.address).await.unwrap();
    assert_eq!(*again.newest_change().borrow(), 1);
    change(&again).await;
    assert_eq!(*again.newest_change().borrow(), 2);
}

async fn a_change_moves_the_counter_of_pages_before_its_number_is_told(engine: Engine) {
    let t = TestDb::start(engine).await;
    let (moved, mut newest) = (t.db.changes(), t.db.newest_change());
    let before = *moved.borrow();
    change(&t.db).await;
    timeout(Duration::from_secs(10), newest.wait_for(|newest| *newest == 1)).await.unwrap().unwrap();
    assert_ne!(*moved.borrow(), before);
}

#[tokio::test]
async fn another_node_hears_of_each_change_on_postgres() {
    let t = TestDb::start(Engine::Postgres).await;
    let other = Db::open(&t.address).await.unwrap();
    let (mut newest, moved) = (other.newest_change(), other.changes());
    for number in 1..=3 {
        let before = *moved.borrow();
        change(&t.db).await;
        timeout(Duration::from_secs(10), newest.wait_for(|newest| *newest >= number)).await.unwrap().unwrap();
        assert_ne!(*moved.borrow(), before);
    }
    assert_eq!(*newest.borrow(), 3);
}

storage::on_both!(
    each_change_that_readers_can_see_has_the_next_number,
    numbers_go_on_where_the_last_start_left_them,
    a_change_moves_the_counter_of_pages_before_its_number_is_told,
);
