//! What broke in the weeks before the demo, and what was found out later: so that bars and figures have something
//! to show.

use super::Made;
use crate::figures::CorrectionInput;
use crate::incidents::{IncidentPost, NewIncident};
use crate::{Actor, Error, Services};
use domain::component::ComponentState::{self, DegradedPerformance, MajorOutage, PartialOutage};
use domain::ids::ComponentId;
use domain::incident::IncidentState;
use domain::text::{Name, Prose};
use domain::time::{Instant, Span};

/// Title, what was said at its end, days ago, minutes it lasted, the state, and the components.
type Past = (&'static str, &'static str, i64, i64, ComponentState, &'static [&'static str]);

const PAST: [Past; 6] = [
    (
        "Sites on Cluster 12 answer slowly",
        "A backup job read more than it should. It runs at night now.",
        81,
        195,
        DegradedPerformance,
        &["Cluster 12"],
    ),
    (
        "Mail is delivered late",
        "The queue of incoming mail is empty again. No mail was lost.",
        63,
        140,
        PartialOutage,
        &["Mailboxes N–Z", "Mailboxes A–M"],
    ),
    (
        "Sites on Cluster 12 can not be reached",
        "A power supply was exchanged. All sites answer again.",
        44,
        73,
        MajorOutage,
        &["Cluster 12", "Cluster 11"],
    ),
    (
        "Sign-in to the dashboard fails for some",
        "The session store was full and is larger now.",
        29,
        38,
        PartialOutage,
        &["Dashboard"],
    ),
    ("One shell node is away", "The node is back after a restart.", 17, 410, PartialOutage, &["Shell nodes"]),
    ("Webmail is slow", "A search index was rebuilt.", 9, 55, DegradedPerformance, &["Mailboxes A–M"]),
];

impl Services {
    pub(super) async fn past(&self, system: &Actor, now: Instant, made: &Made) -> Result<(), Error> {
        let text = |text: &str| Prose::parse(text).map_err(|e| Error::internal(&e));
        for (title, end, days, minutes, state, names) in PAST {
            let began = Span::minutes(days * 24 * 60 + 90).before(now);
            let components: Vec<ComponentId> =
                names.iter().filter_map(|name| made.components.get(name)?.parse().ok()).collect();
            let new = NewIncident {
                title: Name::parse(title).map_err(|e| Error::internal(&e))?,
                severity: None,
                components: components.iter().map(|id| (*id, state)).collect(),
                started_at: None,
                maintenance: None,
                state: IncidentState::Investigating,
                body: text("We are looking into it.")?,
                tell: false,
            };
            let opened = self.at(began).open_incident(system, new).await?;
            let post = IncidentPost {
                state: IncidentState::Resolved,
                body: text(end)?,
                components: components.iter().map(|id| (*id, ComponentState::Operational)).collect(),
                tell: false,
            };
            self.at(Span::minutes(minutes).after(began)).update_incident(system, opened.id, None, post).await?;
        }
        let Some(component) = made.components.get("DNS").cloned() else { return Ok(()) };
        let from = Span::hours(52 * 24).before(now);
        let correction = CorrectionInput {
            component,
            from: from.to_rfc3339(),
            to: Span::hours(5).after(from).to_rfc3339(),
            state: "unknown".to_owned(),
            reason: "Our monitoring was away for five hours: nobody knows how the name servers answered.".to_owned(),
        };
        self.at(Span::days(51).before(now)).correct_history(system, &correction).await?;
        Ok(())
    }
}
