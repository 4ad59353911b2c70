//! What broke last week: servers that did not come back after their update.

use super::{Made, PEOPLE};
use crate::actor::Actor;
use crate::incidents::{ComponentStateInput, Deed, IncidentInput, PostInput};
use crate::{Error, Services};
use domain::component::ComponentState;
use domain::ids::MaintenanceId;
use domain::time::{Instant, Span};

impl Services {
    /// An incident that the window caused that began then: reported, found, mended and over.
    pub(super) async fn incident_after(&self, made: &Made, began: Instant, cause: MaintenanceId) -> Result<(), Error> {
        let component = |name: &str, state: ComponentState| ComponentStateInput {
            id: made.components.get(name).cloned().unwrap_or_default(),
            state: state.as_str().to_owned(),
        };
        let at = |minutes: i64| Span::minutes(minutes).after(began);
        let oisin = self.colleague("operator").await?;
        let grace = self.colleague("approver").await?;
        let report = IncidentInput {
            title: "Sites on Cluster 11 do not answer".to_owned(),
            components: vec![component("Cluster 11", ComponentState::PartialOutage)],
            started_at: at(31).to_rfc3339(),
            maintenance: cause.to_string(),
            body: "One of the web servers of Cluster 11 did not come back after its update. About a third of the sites on \
                   it do not answer. We are looking into it and write again within half an hour."
                .to_owned(),
            ..IncidentInput::default()
        };
        let past = self.at(at(34));
        let mut incident = past.report_incident(&oisin, None, &report, true).await?;
        let said: [(i64, &Actor, &str, Vec<ComponentStateInput>, &str); 3] = [
            (
                52,
                &oisin,
                "identified",
                vec![],
                "The new kernel does not find the network card of this one server. We start it with the kernel it had before.",
            ),
            (
                68,
                &grace,
                "monitoring",
                vec![component("Cluster 11", ComponentState::DegradedPerformance)],
                "The server is back with its old kernel, and **all sites answer**. They may be slower while the caches fill.",
            ),
            (
                97,
                &oisin,
                "resolved",
                vec![],
                "Everything is as fast as before. The other servers keep the new kernel; this one gets it after its card \
                 was replaced. We are sorry for the trouble.",
            ),
        ];
        for (minutes, who, state, components, body) in said {
            let (state, body) = (state.to_owned(), body.to_owned());
            let post = PostInput { state, body, components, tell: Some(true), ..PostInput::default() };
            let past = self.at(at(minutes));
            incident =
                past.post_incident_update(who, None, incident.id, Some(incident.version), Deed::Say, &post).await?;
        }
        Ok(())
    }

    /// Somebody of the demo with this role.
    pub(super) async fn colleague(&self, role: &str) -> Result<Actor, Error> {
        let email = PEOPLE.iter().find(|person| person.role == role).map_or("", |person| person.email);
        let found = self.db.read().await?.user_by_email(email).await?;
        let (user, _) = found.ok_or(Error::NotFound("person"))?;
        self.actor_for_session(user.id, None).await
    }
}
