//! The rules of Fermata. Values in, values out: no clock, no I/O, no randomness.
//!
//! Whatever the product decides is decided here, so that the browser, the
//! server, the workers and the command line can not disagree.

pub mod action_item;
pub mod alert;
pub mod announcement;
pub mod audit;
pub mod availability;
pub mod backup;
pub mod component;
pub mod conflict;
pub mod correction;
pub mod coverage;
pub mod csv;
pub mod drill;
pub mod finding;
pub mod freeze;
pub mod gate;
pub mod host;
pub mod ids;
pub mod impact;
pub mod import;
pub mod incident;
#[cfg(any(test, feature = "ingest"))]
pub mod ingest;
pub mod maintenance;
pub mod metric;
pub mod number;
pub mod people;
pub mod policy;
pub mod post_mortem;
pub mod report;
pub mod request;
pub mod rhythm;
pub mod run;
pub mod series;
pub mod site;
pub mod size;
pub mod slot;
pub mod subscriber;
pub mod template;
pub mod text;
pub mod time;
pub mod trigger;
pub mod webhook;
