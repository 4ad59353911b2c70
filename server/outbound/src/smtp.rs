//! Delivery of finished mails, and what each answer of a mail server means.
//!
//! [`MailBackend`] says where mails go; [`MailSession`] sends one after the other and reuses its connection. The caller
//! gets an [`Outcome`] per mail and keeps the queue: nothing here waits, repeats or remembers, except that a connection
//! which died while idle is replaced once. Neither addresses nor credentials are logged or kept in outcomes.

mod backend;
mod reply;
mod session;
mod stream;

pub use backend::{MailBackend, MailSession, MemoryOutbox};
pub use reply::{Fault, Outcome, Stage, breaker_delay, classify, next_retry};
pub use session::{Credentials, Relay, SmtpConfigError, SmtpSession, SmtpSettings, Timeouts, TlsMode};

#[cfg(test)]
mod tests;
