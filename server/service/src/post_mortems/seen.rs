//! Who decides about a text decides about the one that stands on their page: what is typed there and not saved is neither
//! lost nor passed over.

use super::refused;
use crate::{Actor, Error, Services};
use domain::ids::IncidentId;
use domain::incident::Incident;
use domain::people::Permission;
use domain::post_mortem::PostMortem;
use domain::text::Prose;
use storage::Tx;

/// What somebody had before them who decides about a post-mortem.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The version that it was made from.
    pub version: i64,
    /// The text as it stood there; none where only the version is sent.
    pub text: Option<&'a str>,
}

impl From<i64> for Seen<'_> {
    fn from(version: i64) -> Self {
        Self { version, text: None }
    }
}

impl Services {
    /// Whether a text differs from the one that the page of this version was made with. The page shows a text to begin
    /// with where there was none.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn has_changed_text(
        &self,
        actor: &Actor,
        of: IncidentId,
        version: i64,
        text: &str,
    ) -> Result<bool, Error> {
        let look = self.look_at_post_mortem(actor, of).await?;
        // A text was replaced at the last version that had it.
        let replaced = look.versions.iter().rev().find(|old| old.version >= version).map(|old| &old.body);
        let stored = replaced.or(look.post_mortem.as_ref().map(|found| &found.body));
        let text = Prose::parse(text).ok();
        Ok(match stored.filter(|_| version > 0) {
            Some(stored) => text.as_ref() != Some(stored),
            None => text != Prose::parse(&look.outline).ok(),
        })
    }

    /// The post-mortem, where its text is the one that was seen.
    pub(super) async fn load_as_seen(
        &self,
        actor: &Actor,
        permission: Permission,
        of: IncidentId,
        seen: Seen<'_>,
    ) -> Result<(Tx, Incident, PostMortem), Error> {
        let loaded = self.load_post_mortem(actor, permission, of, seen.version).await?;
        if let Some(text) = seen.text {
            loaded.2.check_seen(text).map_err(refused)?;
        }
        Ok(loaded)
    }
}
