//! What the site is called, its zone and its policy.

use crate::{Error, Services};
use domain::policy::Policy;
use domain::site::Site;
use domain::text::Name;

impl Services {
    /// The site as everybody may see it: name, zone and policy.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn site(&self) -> Result<Site, Error> {
        Ok(self.db.read().await?.site().await?)
    }

    /// Makes the site on the first start of an installation.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn found(&self, name: Name, zone: String) -> Result<Site, Error> {
        let first = Site { install_id: self.new_id(), name, zone, policy: Policy::default(), version: 1 };
        let mut tx = self.db.decide().await?;
        let site = tx.ensure_site(&first).await?;
        tx.commit().await?;
        Ok(site)
    }
}
