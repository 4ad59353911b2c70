//! Forgetting what has expired.

use crate::{Error, Services};
use domain::time::Span;
use storage::ms;
use storage::session::Sessions;

/// How long the answer to an `Idempotency-Key` is repeated.
const KEEP_ANSWERS: Span = Span::hours(48);

impl Services {
    /// Forgets ended sessions and old answers to idempotency keys.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn purge_expired(&self) -> Result<(), Error> {
        let now = self.now();
        Sessions::new(self.db.clone()).purge(ms(now)).await?;
        let mut tx = self.db.write().await?;
        tx.forget_answers(KEEP_ANSWERS.before(now)).await?;
        Ok(tx.commit().await?)
    }
}
