//! What waits for somebody: the list of the start page, and the number that stands beside its name on every page. Both
//! are made from this, so that none of them knows of something that the other does not.

use crate::alerts::alert_needs;
use crate::deliveries::MailNeeds;
use crate::drills::DrillNeeds;
use crate::incidents::IncidentNeeds;
use crate::post_mortems::AfterNeeds;
use crate::requests::PlacedRequest;
use crate::webhooks::webhook_needs;
use crate::{Actor, Error, Services};
use domain::alert::cause::Cause;
use domain::people::Permission;
use domain::site::Site;
use domain::time::Instant;
use domain::webhook::Webhook;

/// What waits for somebody.
#[derive(Clone, Debug, Default)]
pub struct Attention {
    /// Causes of alerts on which a person has to decide.
    pub causes: Vec<Cause>,
    /// Incidents, without the drafts that are told with their alerts.
    pub incidents: IncidentNeeds,
    /// Mails that do not go out.
    pub mail: MailNeeds,
    /// Webhooks of the site that were switched off by themselves.
    pub webhooks: Vec<Webhook>,
    /// Requests that came to nothing, or that nobody could be told of.
    pub troubled: Vec<PlacedRequest>,
    /// Drills.
    pub drills: DrillNeeds,
    /// Post-mortems and action items.
    pub after: AfterNeeds,
    /// How many windows, series and moves of time zones there are in [`crate::maintenance::NeedsMe`], beside drafts:
    /// what stands against those takes longer to find out.
    pub windows: u64,
}

impl Attention {
    /// How many things there are.
    #[must_use]
    pub fn count(&self, now: Instant) -> u64 {
        let IncidentNeeds { silent, open, drafts } = &self.incidents;
        let AfterNeeds { to_review, to_publish, overdue, .. } = &self.after;
        let drills = self.drills.failed.len() + self.drills.late(now).count() + self.drills.alone().count().min(1);
        let things = self.causes.len()
            + (silent.len() + open.len() + drafts.len())
            + self.mail.count()
            + self.webhooks.len()
            + self.troubled.len()
            + drills
            + (to_review.len() + to_publish.len() + overdue.len());
        self.windows.saturating_add(u64::try_from(things).unwrap_or(u64::MAX))
    }
}

/// What every page of the team shows around its content, as it stood at one instant.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Name, zone and policy.
    pub site: Site,
    /// What waits for somebody.
    pub attention: Attention,
    /// Incidents that wait, with the drafts that are told with their alerts.
    pub incidents: usize,
    /// Findings that ask for somebody.
    pub findings: u64,
}

impl Services {
    /// What waits for somebody.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn attention(&self, actor: &Actor) -> Result<Attention, Error> {
        Ok(self.frame(actor).await?.attention)
    }

    /// What every page of the team shows around its content.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn frame(&self, actor: &Actor) -> Result<Frame, Error> {
        actor.require(Permission::View)?;
        // One view of everything, and nothing is asked for twice: this is done for each page.
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let causes = alert_needs(&mut tx).await?;
        let mut incidents = self.incident_needs_in(&mut tx).await?;
        let waiting = incidents.waiting();
        incidents.drafts.retain(|draft| causes.iter().all(|cause| cause.incident != Some(draft.id)));
        let attention = Attention {
            causes,
            incidents,
            mail: self.mail_needs_in(&mut tx, actor).await?,
            webhooks: webhook_needs(&mut tx, actor).await?,
            troubled: self.troubled_requests_in(&mut tx).await?,
            drills: self.drill_needs_in(&mut tx, &site).await?,
            after: self.after_needs_in(&mut tx, actor, &site).await?,
            windows: self.waiting_in(&mut tx, actor).await?,
        };
        let findings = self.count_findings_in(&mut tx).await?;
        Ok(Frame { site, attention, incidents: waiting, findings })
    }
}
