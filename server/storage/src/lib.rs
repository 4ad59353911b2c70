//! All SQL of Fermata. Sees no HTTP, decides nothing: it stores and finds.

pub mod db;
pub mod error;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;

pub use db::{Db, Tx, ms};
pub use error::StoreError;
