//! The product over HTTP, with real databases and a clock that tests move.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod backup_runs_api;
mod inventory_api;
mod matrix;
mod pages;
mod people;
mod ping;
mod sessions;
mod test_app;
