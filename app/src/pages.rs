//! One module per page or family of pages: load through the services, show, take the form.

pub mod admin;
pub mod error;
pub mod plotted;
pub mod public;
pub mod reported;
pub mod set_up;
pub mod sign_in;
