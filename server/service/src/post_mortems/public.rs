//! Post-mortems as everybody may read them.

use crate::{Error, Services};
use chrono::NaiveDate;
use domain::action_item::{ActionItem, Progress};
use domain::component::public_part;
use domain::ids::IncidentId;
use domain::incident::Incident;
use domain::post_mortem::PostMortem;
use domain::site::Site;
use domain::time::{Instant, civil};
use storage::Tx;

/// A post-mortem with everything its public page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicPostMortem {
    /// The incident.
    pub incident: Incident,
    /// The post-mortem.
    pub post_mortem: PostMortem,
    /// Names of what broke, in the order of the page, without private components.
    pub components: Vec<String>,
    /// What is done about it, in order.
    pub items: Vec<ActionItem>,
    /// How far that is.
    pub progress: Progress,
    /// Today in the site's zone: what is overdue is so by it.
    pub today: NaiveDate,
    /// The page changes by itself then: another item is overdue.
    pub until: Option<Instant>,
}

/// What the page of an incident says of its post-mortem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostMortemNote {
    /// The incident.
    pub incident: IncidentId,
    /// When it was published.
    pub published_at: Instant,
    /// How far its action items are.
    pub progress: Progress,
    /// That changes by itself then.
    pub until: Option<Instant>,
}

impl Services {
    /// The published post-mortem of an incident.
    ///
    /// # Errors
    /// There is none that everybody may read, or the database does not answer.
    pub async fn public_post_mortem(&self, of: IncidentId) -> Result<(Site, PublicPostMortem), Error> {
        const WHAT: &str = "post-mortem";
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let incident = tx.incident(of).await.map_err(|_| Error::NotFound(WHAT))?;
        let post_mortem = tx.post_mortem(of).await?.filter(|found| found.published_at.is_some());
        let post_mortem = post_mortem.ok_or(Error::NotFound(WHAT))?;
        let private = tx.private_components().await?;
        let shown = public_part(incident.components.keys().copied(), &private).filter(|_| incident.state.is_public());
        let names = tx.public_names(&shown.ok_or(Error::NotFound(WHAT))?).await?;
        let items = tx.action_items_of(of).await?;
        let today = civil(self.zones.as_ref(), &site.zone, self.now()).local.date();
        let until = self.next_overdue(&site.zone, &items, today);
        let found = PublicPostMortem {
            incident,
            post_mortem,
            components: names.into_iter().map(|(_, name)| name).collect(),
            progress: Progress::of(&items, today),
            items,
            today,
            until,
        };
        Ok((site, found))
    }

    /// What the public page of an incident says of its post-mortem; nothing before that is published. The page of an
    /// incident asks for it in its own transaction.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn post_mortem_note(&self, tx: &mut Tx, of: IncidentId) -> Result<Option<PostMortemNote>, Error> {
        let Some(published_at) = tx.post_mortem(of).await?.and_then(|found| found.published_at) else {
            return Ok(None);
        };
        let items = tx.action_items_of(of).await?;
        let zone = tx.site().await?.zone;
        let today = civil(self.zones.as_ref(), &zone, self.now()).local.date();
        let until = self.next_overdue(&zone, &items, today);
        Ok(Some(PostMortemNote { incident: of, published_at, progress: Progress::of(&items, today), until }))
    }

    /// The midnight at which another item is overdue.
    fn next_overdue(&self, zone: &str, items: &[ActionItem], today: NaiveDate) -> Option<Instant> {
        let open = items.iter().filter(|item| !item.state.is_closed());
        let next = open.filter_map(|item| item.content.due).filter(|due| *due >= today).min()?;
        next.succ_opt().map(|day| self.midnight(zone, day))
    }
}
