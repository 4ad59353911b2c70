//! What is known already of the components that somebody is about to report.

use super::incident_cause::listed;
use super::incident_form::named;
use super::incident_join::PLACE;
use crate::api::incident::NearLine;
use crate::components::Card;
use crate::form::FormData;
use crate::islands::near::NearIsland;
use domain::ids::ComponentId;
use domain::incident::IncidentState;
use leptos::prelude::*;
use service::incidents::NearIncident;
use service::{Actor, Error, Services};

/// Most of them named; the rest is counted.
const NAMED: usize = 5;

/// Which incidents are on what is chosen in a form, for the island.
///
/// # Errors
/// Not allowed, or the database does not answer.
pub async fn find(services: &Services, actor: &Actor, form: &str) -> Result<Vec<NearLine>, Error> {
    let chosen: Vec<ComponentId> = named(&FormData::parse(form.as_bytes())).into_keys().collect();
    Ok(lines(&services.incidents_near(actor, &chosen).await?))
}

fn lines(near: &[NearIncident]) -> Vec<NearLine> {
    let line = |incident: &NearIncident| {
        let on = if incident.on.is_empty() { "the whole site".to_owned() } else { listed(&incident.on) };
        NearLine {
            href: format!("/admin/incidents/{}", incident.id),
            name: format!("I-{} {}", incident.number, incident.title),
            text: match incident.state {
                IncidentState::Draft => format!(" is a draft on {on}: customers see nothing of it yet."),
                state => format!(" is open on {on}: it is {}.", state.text()),
            },
        }
    };
    let more = near.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| NearLine {
        href: "/admin/incidents".to_owned(),
        name: format!("{more} more"),
        text: " in the list of incidents.".to_owned(),
    });
    near.iter().take(NAMED).map(line).chain(rest).collect()
}

/// The same where the server makes the form; a browser looks again while components are chosen.
pub(super) fn hint(near: &[NearIncident]) -> AnyView {
    view! { <NearIsland initial=lines(near)/> }.into_any()
}

/// Drafts of alerts on the components of an open incident, each with the way to count its alerts there. Nothing where
/// there is none.
pub(super) fn drafts(near: &[NearIncident]) -> AnyView {
    if near.is_empty() {
        return ().into_any();
    }
    let lines = near
        .iter()
        .map(|draft| {
            let href = format!("/admin/incidents/{}#{PLACE}", draft.id);
            let text = format!(" is a draft by alerts on {}. Do its alerts belong here?", listed(&draft.on));
            view! { <p><a href=href>{format!("I-{}", draft.number)}</a><span dir="auto">{text}</span></p> }
        })
        .collect_view();
    view! { <Card title="Alerts tell of the same components"><div class="stack">{lines}</div></Card> }.into_any()
}
