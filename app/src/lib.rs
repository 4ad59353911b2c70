//! What people see. Pages are rendered on the server and work without JavaScript; islands add
//! comfort in the browser. The same route table serves GET (the page) and POST (its form).

// Views are deeply nested types.
#![recursion_limit = "256"]

pub mod api;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod form;
pub mod islands;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod posts;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod session;
pub mod view;

#[cfg(feature = "ssr")]
pub use routes::{App, shell};
