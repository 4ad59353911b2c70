//! The product over HTTP, with real databases and a clock that tests move.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod backup_runs_api;
mod conflicts;
mod coverage;
mod drills;
mod feeds;
mod figures;
mod findings;
mod hosts_import;
mod ingest_api;
mod inventory_api;
mod inventory_pages;
mod live;
mod mail_pages;
mod maintenance_api;
mod maintenance_pages;
mod matrix;
mod metrics;
mod pages;
mod people;
mod ping;
mod public_pages;
mod push;
mod reminders;
mod reports;
mod requests;
mod series;
mod sessions;
mod stage;
mod subscriptions;
mod templates;
mod test_app;
mod windows;
