//! What the site is called, its zone and its policy.

use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::finding::digest::{DigestHour, NoHour};
use domain::maintenance::{Maintenance, State, transition};
use domain::people::Permission;
use domain::policy::Policy;
use domain::site::Site;
use domain::text::Name;
use domain::time::Span;
use serde::{Deserialize, Serialize};
use storage::Tx;
use storage::maintenance::Order;

/// The site's settings, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SiteSettings {
    /// What it is called.
    pub name: String,
    /// An IANA zone.
    pub zone: String,
    /// "24 h"
    pub schedule_max_age: String,
    /// "4 h"
    pub start_max_age: String,
    /// "90 min"
    pub lead: String,
    /// A run that reported warnings counts as good.
    pub warnings_are_good: bool,
    /// The hour of the daily mail to the team, 0 to 23.
    pub digest_hour: String,
    /// The version that was edited.
    pub version: i64,
}

/// What the installation runs on.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Of Fermata.
    pub version: &'static str,
    /// Product and version of the database.
    pub database: String,
    /// Release of the time zone database.
    pub zones: String,
    /// The start of every public link.
    pub public_url: String,
    /// Whether mails can leave.
    pub mail_configured: bool,
}

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
        let (policy, digest_hour) = (Policy::default(), DigestHour::default());
        let first = Site { install_id: self.new_id(), name, zone, policy, digest_hour, version: 1 };
        let mut tx = self.db.decide().await?;
        let site = tx.ensure_site(&first).await?;
        tx.commit().await?;
        Ok(site)
    }

    /// Changes name, zone and policy.
    ///
    /// # Errors
    /// The actor may not administer, a field is wrong, or somebody else changed them meanwhile.
    pub async fn edit_site(&self, actor: &Actor, edit: &SiteSettings) -> Result<Site, Error> {
        actor.require(Permission::Administer)?;
        let mut fields = Fields::default();
        let name = fields.take("name", Name::parse(&edit.name));
        let zone = fields.take("zone", self.zones.canonical(&edit.zone).ok_or("There is no such time zone."));
        let mut age = |field, text: &str, least: Span, most: Span| {
            let span = fields.take(field, Span::parse(text))?;
            if (least..=most).contains(&span) {
                return Some(span);
            }
            fields.add(field, format!("Choose between {least} and {most}."));
            None
        };
        let (minute, year) = (Span::minutes(1), Span::days(366));
        let schedule_max_age = age("schedule_max_age", &edit.schedule_max_age, minute, year);
        let start_max_age = age("start_max_age", &edit.start_max_age, minute, year);
        let lead = age("lead", &edit.lead, Span::seconds(0), Span::days(7));
        let digest_hour = edit.digest_hour.trim().parse().map_err(|_| NoHour).and_then(DigestHour::new);
        let digest_hour = fields.take("digest_hour", digest_hour);
        let (Some(name), Some(zone), Some(schedule_max_age), Some(start_max_age), Some(lead), Some(digest_hour), true) =
            (name, zone, schedule_max_age, start_max_age, lead, digest_hour, fields.is_empty())
        else {
            return Err(fields.into_error());
        };
        let mut tx = self.db.decide().await?;
        let before = tx.site().await?;
        let policy = Policy { schedule_max_age, start_max_age, lead, warnings_are_good: edit.warnings_are_good };
        let after = Site { name, zone, policy, digest_hour, version: edit.version, ..before.clone() };
        tx.update_site(&after).await?;
        let after = Site { version: after.version + 1, ..after };
        if after.policy.lead != before.policy.lead {
            look_again(&mut tx, &after.policy).await?;
        }
        let action = Action { verb: "site.edit", object: "site", id: "1".to_owned(), name: after.name.to_string() };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }

    /// What the installation runs on.
    ///
    /// # Errors
    /// The actor may not see it, or the database does not answer.
    pub async fn about(&self, actor: &Actor) -> Result<About, Error> {
        actor.require(Permission::View)?;
        Ok(About {
            version: env!("CARGO_PKG_VERSION"),
            database: self.db.version().await?,
            zones: self.zones.version(),
            public_url: self.public_url.clone(),
            mail_configured: self.mail_configured,
        })
    }
}

/// Windows ahead are looked at when the new policy says, not when the old one did.
async fn look_again(tx: &mut Tx, policy: &Policy) -> Result<(), Error> {
    for m in tx.maintenances_in(&[State::Scheduled], Order::Earliest, None, i64::MAX).await? {
        let next_due_at = transition::next_due(&m, policy);
        if next_due_at != m.next_due_at {
            tx.update_maintenance(&Maintenance { next_due_at, ..m }).await?;
        }
    }
    Ok(())
}
