//! Every storage method on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract {
    mod audit;
    mod evidence;
    mod maintenance;
    mod outbox;
    mod people;
    mod session;
    mod site;
    mod tokens;
}
