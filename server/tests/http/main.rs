//! The product over HTTP, with real databases and a clock that tests move.
#![expect(clippy::unwrap_used, reason = "tests")]

mod pages;
mod sessions;
mod test_app;
