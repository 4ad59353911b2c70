//! Who is told, asked before and at the telling.

use crate::{Error, Services};
use domain::ids::ComponentId;
use domain::subscriber::{Audience, LeftOut, Topic};
use storage::Tx;
use storage::audience::Concern;

/// What a piece of news concerns, without what is for the team alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All that it touches is for the team alone.
    Nobody,
    /// Everybody who wants to hear of such things.
    Site,
    /// Who follows these, or everything.
    Components(Vec<ComponentId>),
}

impl Reach {
    /// News without components concern the whole site; but planned work that touches none touches nobody who follows
    /// some.
    pub(crate) async fn of(tx: &mut Tx, topic: Topic, components: &[ComponentId]) -> Result<Self, Error> {
        if components.is_empty() {
            return Ok(if topic == Topic::Maintenance { Self::Components(Vec::new()) } else { Self::Site });
        }
        let public = tx.public_among(components).await?;
        Ok(if public.is_empty() { Self::Nobody } else { Self::Components(public) })
    }

    /// Those that may be named.
    pub(crate) fn components(&self) -> &[ComponentId] {
        match self {
            Self::Nobody | Self::Site => &[],
            Self::Components(components) => components,
        }
    }
}

impl Services {
    /// Who would be told of news on a topic about these components, and why others would not; no components are the
    /// whole site.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn audience(&self, tx: &mut Tx, topic: Topic, components: &[ComponentId]) -> Result<Audience, Error> {
        Ok(match Reach::of(tx, topic, components).await? {
            Reach::Site => tx.audience(topic, Concern::Site).await?,
            Reach::Components(public) => tx.audience(topic, Concern::Components(&public)).await?,
            Reach::Nobody => {
                let all = tx.audience(topic, Concern::Site).await?;
                let mut audience = Audience { mails: 0, webhooks: 0, left_out: all.left_out };
                if all.mails > 0 {
                    audience.count(Some(LeftOut::Private), all.mails);
                }
                audience
            }
        })
    }
}
