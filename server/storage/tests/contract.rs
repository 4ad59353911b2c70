//! Every storage method on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract {
    mod audit;
    mod component;
    mod conflict;
    mod evidence;
    mod grant;
    mod host;
    mod job;
    mod maintenance;
    mod outbox;
    mod overriding;
    mod people;
    mod request;
    mod rhythm;
    mod run;
    mod session;
    mod site;
    mod tokens;
    mod trigger;
}
