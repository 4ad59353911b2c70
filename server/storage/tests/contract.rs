//! Every storage method on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract {
    mod audit;
    mod component;
    mod evidence;
    mod finding;
    mod grant;
    mod host;
    mod job;
    mod maintenance;
    mod outbox;
    mod overriding;
    mod people;
    mod request;
    mod run;
    mod session;
    mod site;
    mod team_mail;
    mod tokens;
    mod trigger;
}
