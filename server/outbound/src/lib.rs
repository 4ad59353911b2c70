//! What leaves Fermata: calendar text, mail, and calls to other systems.
//!
//! Everything here takes plain values and gives back bytes or an outcome. It decides nothing about maintenance windows,
//! reads no clock and knows no database: the instant is always a parameter, and what to do about an outcome is the
//! caller's choice.
//!
//! - [`calendar`] builds iCalendar objects and prints them byte for byte the same each time.
//! - [`mail`] writes notices and the bytes that go to a mail server.
//! - [`markdown`] is the one way from what operators write to HTML or plain text.
//! - [`smtp`] hands mails to a relay and says what each answer means.
//! - [`statuspage`] writes what is public as Statuspage's API and webhooks do.
//! - [`trigger`] calls a backup system or a webhook.

pub mod calendar;
pub mod mail;
pub mod markdown;
pub mod smtp;
pub mod statuspage;
mod tls;
pub mod trigger;
