//! Forgetting what has expired.

use crate::people::password::FORGET_AFTER;
use crate::{Error, Services};
use storage::ms;
use storage::session::Sessions;

impl Services {
    /// Forgets ended sessions and one-time links, and guesses at passwords that do not count any more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn purge_expired(&self) -> Result<(), Error> {
        let now = self.now();
        Sessions::new(self.db.clone()).purge(ms(now)).await?;
        let mut tx = self.db.write().await?;
        tx.purge_links(now).await?;
        tx.purge_attempts(FORGET_AFTER.before(now)).await?;
        Ok(tx.commit().await?)
    }
}
