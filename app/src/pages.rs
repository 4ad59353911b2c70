//! One module per page or family of pages: load through the services, show, take the form.

pub mod admin;
pub mod error;
pub mod plotted;
pub mod public;
pub mod reported;
pub mod set_up;
pub mod sign_in;

/// "1 host", "12 hosts".
pub(crate) fn count<N: From<u8> + PartialEq + std::fmt::Display>(n: N, one: &str, many: &str) -> String {
    let words = if n == N::from(1) { one } else { many };
    format!("{n} {words}")
}
