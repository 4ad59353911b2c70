//! The outer shell over real sockets, around handlers made for the purpose.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod answers;
mod connections;
mod events;
mod harness;
mod probes;
mod short;
