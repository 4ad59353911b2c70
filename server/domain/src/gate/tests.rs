//! Tables for each reason, the week of May 2014, and the properties of the gate.

#![expect(clippy::unwrap_used, reason = "tests")]

mod build;
mod coverage;
mod missing;
mod properties;
mod reasons;
mod restore;
mod story;
