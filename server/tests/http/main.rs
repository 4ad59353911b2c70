//! The product over HTTP, with real databases and a clock that tests move.
#![expect(clippy::unwrap_used, reason = "tests")]

mod inventory_api;
mod pages;
mod sessions;
mod test_app;
