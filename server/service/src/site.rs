//! What the site is called, its zone and its policy.

use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::availability::{Weights, WeightsError};
use domain::finding::digest::{DigestHour, NoHour};
use domain::maintenance::{Leads, Maintenance, State, transition};
use domain::people::Permission;
use domain::policy::{Policy, RestorePolicy};
use domain::site::{KEEP_RUNS, LEAST_KEEP_RUNS, Site};
use domain::text::Name;
use domain::time::Span;
use serde::{Deserialize, Serialize};
use storage::Tx;
use storage::maintenance::Order;

/// The longest length of time that can be typed.
const MOST_YEARS: Span = Span::days(3653);

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
    /// "72 h, 24 h, 1 h", or "none".
    pub reminders: String,
    /// What is asked of restores; left as it is where it is missing.
    pub restore: Option<RestoreSettings>,
    /// How long runs are kept: "1826 d", empty for ever; left as it is where it is missing.
    pub keep_runs: Option<String>,
    /// The hour of the daily mail to the team, 0 to 23.
    pub digest_hour: String,
    /// What trouble costs in figures; left as it is where it is missing.
    pub weights: Option<WeightSettings>,
    /// The version that was edited.
    pub version: i64,
}

/// What trouble costs in figures of availability, in percent, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WeightSettings {
    /// "50"
    pub partial: String,
    /// "0"
    pub degraded: String,
}

/// What is asked of restores, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RestoreSettings {
    /// "180 d"
    pub drill_max_age: String,
    /// "8 h"; empty where nobody has said.
    pub rto: String,
    /// See [`RestorePolicy::slow_restore_blocks`].
    pub slow_restore_blocks: bool,
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

/// What there is to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Hosts are in use.
    pub hosts: bool,
    /// Components are in use.
    pub components: bool,
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
        let first = Site {
            install_id: self.new_id(),
            name,
            zone,
            policy: Policy::default(),
            reminders: Leads::default(),
            keep_runs: Some(KEEP_RUNS),
            digest_hour: DigestHour::default(),
            weights: Weights::default(),
            version: 1,
        };
        let mut tx = self.db.decide().await?;
        let site = tx.ensure_site(&first).await?;
        tx.commit().await?;
        Ok(site)
    }

    /// Changes name, zone, policy and reminders.
    ///
    /// # Errors
    /// The actor may not administer, a field is wrong, or somebody else changed them meanwhile.
    pub async fn edit_site(&self, actor: &Actor, edit: &SiteSettings) -> Result<Site, Error> {
        actor.require(Permission::Administer)?;
        let mut fields = Fields::default();
        let name = fields.take("name", Name::parse(&edit.name));
        let zone = fields.take("zone", self.zones.canonical(&edit.zone).ok_or("There is no such time zone."));
        let reminders = fields.take("reminders", Leads::parse(&edit.reminders));
        let digest_hour = edit.digest_hour.trim().parse().map_err(|_| NoHour).and_then(DigestHour::new);
        let digest_hour = fields.take("digest_hour", digest_hour);
        let weights = edit.weights.as_ref().map(|weights| read_weights(&mut fields, weights));
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
        let restore = edit.restore.as_ref().map(|restore| {
            let rto = restore.rto.trim();
            (
                age("drill_max_age", &restore.drill_max_age, Span::days(1), MOST_YEARS),
                if rto.is_empty() { Some(None) } else { age("rto", rto, minute, year).map(Some) },
                restore.slow_restore_blocks,
            )
        });
        let keep_runs = edit.keep_runs.as_deref().map(|text| match text.trim() {
            "" => Some(None),
            text => age("keep_runs", text, LEAST_KEEP_RUNS, MOST_YEARS).map(Some),
        });
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let (
            Some(name),
            Some(zone),
            Some(schedule_max_age),
            Some(start_max_age),
            Some(lead),
            Some(reminders),
            Some(digest_hour),
        ) = (name, zone, schedule_max_age, start_max_age, lead, reminders, digest_hour)
        else {
            return Err(fields.into_error());
        };
        let mut tx = self.db.decide().await?;
        let before = tx.site().await?;
        let restore = match restore {
            Some((Some(drill_max_age), Some(rto), slow_restore_blocks)) => {
                RestorePolicy { drill_max_age, rto, slow_restore_blocks }
            }
            _ => before.policy.restore,
        };
        let policy =
            Policy { schedule_max_age, start_max_age, lead, warnings_are_good: edit.warnings_are_good, restore };
        let keep_runs = keep_runs.flatten().unwrap_or(before.keep_runs);
        let weights = weights.flatten().unwrap_or(before.weights);
        let version = edit.version;
        let after = Site { name, zone, policy, reminders, keep_runs, digest_hour, weights, version, ..before.clone() };
        tx.update_site(&after).await?;
        let after = Site { version: after.version + 1, ..after };
        if after.policy.lead != before.policy.lead {
            look_again(&mut tx, &after.policy).await?;
        }
        if after.reminders != before.reminders {
            self.pass_over_all(&mut tx, &after.reminders).await?;
        }
        let action = Action { verb: "site.edit", object: "site", id: "1".to_owned(), name: after.name.to_string() };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }

    /// What there is to watch.
    ///
    /// # Errors
    /// The actor may not see it, or the database does not answer.
    pub async fn watched(&self, actor: &Actor) -> Result<Watched, Error> {
        actor.require(Permission::View)?;
        let (hosts, components) = self.db.read().await?.in_use().await?;
        Ok(Watched { hosts, components })
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

/// What trouble costs; none where a field is wrong.
fn read_weights(fields: &mut Fields, typed: &WeightSettings) -> Option<Weights> {
    let percent = |text: &str| text.trim().trim_end_matches('%').trim_end().parse().map_err(|_| WeightsError::Percent);
    let one = |text: &str| percent(text).and_then(|n: i64| Weights::new(n, 0).map(|_| n));
    let partial = fields.take("partial_weight", one(&typed.partial));
    let degraded = fields.take("degraded_weight", one(&typed.degraded));
    fields.take("degraded_weight", Weights::new(partial?, degraded?))
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
