//! Wakes those who deliver when something has been told.

use std::future::Future;
use tokio::sync::Notify;

/// Rings for mails and for webhooks: each is carried by a worker of its own.
#[derive(Debug, Default)]
pub struct Bell {
    mails: Notify,
    webhooks: Notify,
}

impl Bell {
    /// Something has been queued.
    pub fn notify_one(&self) {
        self.mails.notify_one();
        self.webhooks.notify_one();
    }

    /// Waits until mails may have been queued.
    pub fn notified(&self) -> impl Future<Output = ()> {
        self.mails.notified()
    }

    /// Waits until calls of webhooks may have been queued.
    pub fn webhooks_notified(&self) -> impl Future<Output = ()> {
        self.webhooks.notified()
    }
}
