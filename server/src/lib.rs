//! Everything behind the pages: configuration, the HTTP shell, workers and the command line. Rules live in `domain`,
//! use cases in `service`; this crate only carries requests to them and answers back.

pub mod assets;
pub mod cache;
pub mod cli;
pub mod config;
pub mod http;
pub mod launch;
pub mod router;
pub mod telemetry;
pub mod web;
pub mod worker;
