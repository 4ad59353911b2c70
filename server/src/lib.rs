//! server
pub mod router;
pub mod web;
