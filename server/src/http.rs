//! The outer shell: connections, limits, headers that every answer carries, who asks, and what an error looks like.

pub mod actor;
pub mod client;
pub mod problem;
pub mod request_id;
pub mod stored;
