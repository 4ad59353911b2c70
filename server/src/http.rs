//! The outer shell: connections, limits, headers that every answer carries, who asks, and what an error looks like.
//!
//! From outside to inside: [`accept`] takes connections, [`short`] answers plain requests for kept pages from bytes,
//! [`front`] answers all else that is ready to send, [`shell`] wraps all other requests in their limits, and the router
//! does the work.

pub mod accept;
pub mod actor;
pub mod api_v1;
pub mod client;
pub mod csrf;
pub mod deliveries;
pub mod error_page;
pub mod events;
pub mod exports;
pub mod feeds;
pub mod front;
pub mod headers;
pub mod ping;
pub mod probes;
pub mod problem;
pub mod push;
pub mod reports;
pub mod request_id;
pub mod shell;
pub mod short;
pub mod stored;
