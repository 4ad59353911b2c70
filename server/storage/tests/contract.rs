//! Every storage method on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract {
    mod audit;
    mod component;
    mod drill;
    mod conflict;
    mod evidence;
    mod finding;
    mod grant;
    mod host;
    mod job;
    mod maintenance;
    mod outbox;
    mod overriding;
    mod people;
    mod reminder;
    mod request;
    mod retention;
    mod rhythm;
    mod run;
    mod series;
    mod session;
    mod site;
    mod template;
    mod team_mail;
    mod tokens;
    mod trigger;
}
