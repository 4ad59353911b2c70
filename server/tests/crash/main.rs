//! The real program, killed in the middle of its work.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod away;
mod chance;
mod delivery;
mod relay;
mod reports;
mod storm;
mod transitions;
mod wire;
mod world;
