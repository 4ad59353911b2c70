//! Where mails go: to a relay, into a folder, or into memory.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Outcome, Relay, SmtpConfigError, SmtpSession, SmtpSettings, Stage};
use crate::mail::Mail;

/// Where mails go.
#[derive(Clone, Debug)]
pub enum MailBackend {
    /// To a mail server.
    Smtp(Relay),
    /// Into a folder, one `.eml` file per mail. For trying things out.
    File(PathBuf),
    /// Into memory. For tests, and for a site without a mail server, whose admin can read what would have gone out.
    Memory(MemoryOutbox),
}

impl MailBackend {
    /// Delivery by SMTP.
    ///
    /// # Errors
    /// [`SmtpConfigError`] when the settings cannot be used.
    pub fn smtp(settings: SmtpSettings) -> Result<Self, SmtpConfigError> {
        Relay::new(settings).map(Self::Smtp)
    }

    /// True when mails reach people. If not, the admin pages say so.
    #[must_use]
    pub fn delivers(&self) -> bool {
        matches!(self, Self::Smtp(_))
    }

    /// Begins to send. Each session has its own connection.
    #[must_use]
    pub fn session(&self) -> MailSession {
        MailSession(match self {
            Self::Smtp(relay) => Inner::Smtp(Box::new(SmtpSession::new(relay.clone()))),
            Self::File(folder) => Inner::File(folder.clone()),
            Self::Memory(outbox) => Inner::Memory(outbox.clone()),
        })
    }
}

/// Sends mails one after the other.
#[derive(Debug)]
pub struct MailSession(Inner);

#[derive(Debug)]
enum Inner {
    Smtp(Box<SmtpSession>),
    File(PathBuf),
    Memory(MemoryOutbox),
}

impl MailSession {
    /// Hands over one mail. Let the future finish: dropped half-way, nobody knows whether the mail went out.
    pub async fn send(&mut self, mail: &Mail) -> Outcome {
        match &mut self.0 {
            Inner::Smtp(session) => session.send(mail).await,
            Inner::File(folder) => match store(folder, mail).await {
                Ok(()) => Outcome::Sent,
                Err(error) => Outcome::Retry {
                    stage: Stage::Connect,
                    code: None,
                    text: format!("{}: {error}", folder.display()),
                    spend_attempt: false,
                },
            },
            Inner::Memory(outbox) => outbox.accept(mail),
        }
    }

    /// Ends the connection politely. Dropping the session is fine too.
    pub async fn close(&mut self) {
        if let Inner::Smtp(session) = &mut self.0 {
            session.close().await;
        }
    }
}

/// Writes beside and renames, so that a reader never sees half a mail. The same `Message-ID` is the same file.
async fn store(folder: &Path, mail: &Mail) -> io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let name: String =
        mail.message_id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@')).collect();
    let part = folder.join(format!("{name}.part"));
    tokio::fs::write(&part, &mail.raw).await?;
    tokio::fs::rename(&part, folder.join(format!("{name}.eml"))).await
}

/// Mails kept in memory, shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct MemoryOutbox(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    limit: Option<usize>,
    mails: VecDeque<Mail>,
    answers: VecDeque<Outcome>,
}

impl MemoryOutbox {
    /// Keeps everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the latest `limit` mails.
    #[must_use]
    pub fn keeping(limit: usize) -> Self {
        let outbox = Self::default();
        outbox.kept().limit = Some(limit);
        outbox
    }

    /// What was accepted so far, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.kept().mails.iter().cloned().collect()
    }

    /// Takes out what was accepted so far, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Mail> {
        self.kept().mails.drain(..).collect()
    }

    /// Answers one of the coming mails with this outcome instead of accepting it; several calls queue up.
    pub fn answer_next(&self, outcome: Outcome) {
        self.kept().answers.push_back(outcome);
    }

    fn accept(&self, mail: &Mail) -> Outcome {
        let mut kept = self.kept();
        let outcome = kept.answers.pop_front().unwrap_or(Outcome::Sent);
        if outcome == Outcome::Sent {
            kept.mails.push_back(mail.clone());
            while kept.limit.is_some_and(|limit| kept.mails.len() > limit) {
                kept.mails.pop_front();
            }
        }
        outcome
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
