//! The draft that alerts opened belongs to an incident that is open already.

use super::edit::{Form, links};
use super::incident_cause::listed;
use crate::components::{Actions, Button, Card, Flash, Hidden, Select};
use crate::view::{FlashView, OptionView};
use domain::alert::belong::Nearness;
use domain::incident::{Incident, IncidentState};
use leptos::prelude::*;
use service::alerts::AlertsLook;
use service::incidents::Joinable;

/// Where it stands on the page.
pub(super) const PLACE: &str = "belongs";

fn option(one: &Joinable) -> OptionView {
    let near = match one.nearness {
        Nearness::Components => format!(" – also on {}", listed(&one.shared)),
        Nearness::Hosts => " – on the same hosts".to_owned(),
        Nearness::WholeSite => " – the whole site".to_owned(),
        Nearness::Elsewhere => String::new(),
    };
    OptionView::new(one.id.to_string(), format!("I-{} {}{near}", one.number, one.title))
}

/// The form that lets a draft join one of these, the likeliest first. Nothing where there is none.
pub(super) fn offer(draft: &Incident, joinable: &[Joinable], form: &Form) -> AnyView {
    let Some(first) = joinable.first() else { return ().into_any() };
    // Only what has something in common is chosen beforehand.
    let likely = if first.nearness >= Nearness::Hosts { first.id.to_string() } else { String::new() };
    let chosen = form.value("incident", likely);
    let none = OptionView::new("", "Choose an incident");
    let options = std::iter::once(none).chain(joinable.iter().map(option)).map(|option| {
        let is_chosen = option.value == chosen;
        option.chosen(is_chosen)
    });
    let (options, version) = (options.collect::<Vec<_>>(), form.version(draft.version));
    let error = form.error("incident");
    let hint = "Its alerts are counted there from now on, with those that still come. This draft is discarded; what is \
                written in it stays here for the record. Nobody is told now, and it can not be taken back. \
                Once all alerts are over the end is proposed there, or posted by a rule where nothing else is out.";
    view! {
        <Card title="Belongs to an open incident">
            <form class="stack" method="post" id=PLACE>
                <Hidden name="version" value=version/>
                <Select name="incident" label="Incident" options hint error/>
                <Actions><Button name="do" value="join">"Count its alerts there"</Button></Actions>
            </form>
        </Card>
    }
    .into_any()
}

/// What has become of a draft of which somebody still pressed a button; nothing where it is a draft.
pub(super) fn gone(was_draft: &Incident, look: &AlertsLook) -> Option<AnyView> {
    let title = match was_draft.state {
        IncidentState::Draft => return None,
        IncidentState::Discarded => "It was discarded meanwhile",
        _ => "It was published meanwhile",
    };
    let whole = look.causes.iter().find_map(|line| line.whole.as_ref()).map(|(id, number, title)| {
        let to = links(vec![(format!("I-{number} {title}"), format!("/admin/incidents/{id}"))]);
        view! { <p>"Its alerts were counted at "{to}" meanwhile."</p> }
    });
    let flash = FlashView::warning(title, "You changed nothing.");
    Some(view! { <Flash flash>{whole}</Flash> }.into_any())
}
