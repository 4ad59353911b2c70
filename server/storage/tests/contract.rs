//! Every storage method on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract {
    mod alert;
    mod alert_ground;
    mod announcement;
    mod audience;
    mod audit;
    mod changes;
    mod component;
    mod conflict;
    mod drill;
    mod evidence;
    mod figure;
    mod finding;
    mod grant;
    mod host;
    mod impact;
    mod incident;
    mod job;
    mod maintenance;
    mod metric;
    mod outbox;
    mod overriding;
    mod people;
    mod plan;
    mod post_mortem;
    mod reminder;
    mod report;
    mod request;
    mod retention;
    mod rhythm;
    mod run;
    mod series;
    mod session;
    mod site;
    mod team_mail;
    mod template;
    mod tokens;
    mod trigger;
    mod webhook;
}
