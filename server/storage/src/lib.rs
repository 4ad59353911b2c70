//! All SQL of Fermata. Sees no HTTP, decides nothing: it stores and finds.

pub mod audience;
pub mod audit;
pub mod component;
pub mod conflict;
pub mod correction;
pub mod data_set;
pub mod db;
pub mod drill;
pub mod error;
pub mod evidence;
pub mod figure;
pub mod finding;
pub mod freeze;
pub mod grant;
pub mod host;
pub mod idempotency;
pub mod impact;
pub mod incident;
pub mod job;
pub mod maintenance;
pub mod metric;
pub mod outbox;
pub mod overriding;
pub mod people;
pub mod reminder;
pub mod report;
pub mod report_facts;
pub mod request;
pub mod retention;
pub mod run;
pub mod series;
pub mod session;
pub mod site;
pub mod subscriber;
pub mod team_mail;
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod trigger;
pub mod zone_move;

pub use db::{Db, Tx, ms};
pub use error::StoreError;
