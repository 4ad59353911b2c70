//! The window that caused an incident: to choose where it is reported, and offered where nobody has named one.

use super::incident_form::named;
use crate::api::incident::CausesView;
use crate::components::{Action, Actions, Card, CauseChoice};
use crate::form::FormData;
use crate::islands::cause::CauseIsland;
use crate::view::{ActionView, OptionView};
use domain::incident::Incident;
use leptos::prelude::*;
use service::incidents::PossibleCause;
use service::{Actor, Error, Services};

/// Names spelt out; more are counted.
const NAMED: usize = 3;

/// Which windows touch what is chosen in a form, for the island.
///
/// # Errors
/// Not allowed, or the database does not answer.
pub async fn find(services: &Services, actor: &Actor, form: &str) -> Result<CausesView, Error> {
    let chosen = named(&FormData::parse(form.as_bytes()));
    Ok(causes_view(&services.possible_causes(actor, &chosen).await?, CHOSEN))
}

/// Who named the components, in words: the end of a sentence about them, what they are, and which windows there are.
pub(super) type Named = (&'static str, &'static str, &'static str);

/// The one who fills in the form.
pub(super) const CHOSEN: Named =
    (", which you chose.", "what you chose", "Windows that are under way, or ended in the last 24 hours.");

/// The incident.
pub(super) const ITS_OWN: Named =
    (".", "its components", "Windows that were under way when it began, or ended in the 24 hours before.");

/// "Cluster 11, Cluster 12 and 4 more"
pub(super) fn listed(names: &[String]) -> String {
    let (first, rest) = names.split_at(names.len().min(NAMED));
    match (first, rest.len()) {
        ([], _) => String::new(),
        ([one], 0) => one.clone(),
        ([most @ .., last], 0) => format!("{} and {last}", most.join(", ")),
        (first, more) => format!("{} and {more} more", first.join(", ")),
    }
}

fn causes_view(causes: &[PossibleCause], (end, what, which): Named) -> CausesView {
    let option = |cause: &PossibleCause| {
        let label = format!("{} {}: {}", cause.reference(), cause.title, cause.state.text());
        let hint = match (cause.is_near(), cause.covers.is_empty()) {
            (true, _) => format!("Touches {}{end}", listed(&cause.near)),
            (false, true) => String::new(),
            (false, false) => format!("On {}.", listed(&cause.covers)),
        };
        OptionView::new(cause.id.to_string(), label).hint(hint)
    };
    let near: Vec<String> = causes.iter().filter(|cause| cause.is_near()).map(PossibleCause::reference).collect();
    let hint = match near.as_slice() {
        [] => which.to_owned(),
        [one] => format!("{one} touches {what}. Did it cause this?"),
        several => format!("{} touch {what}. Did one of them cause this?", listed(several)),
    };
    CausesView { options: causes.iter().map(option).collect(), hint }
}

/// Windows that may have caused an incident; nothing where there is none.
pub(super) fn choice(causes: &[PossibleCause], chosen: &str, error: Option<String>, named: Named) -> AnyView {
    if causes.is_empty() && chosen.is_empty() {
        return ().into_any();
    }
    let CausesView { options, hint } = causes_view(causes, named);
    // Nobody is asked what is said already.
    let hint = if chosen.is_empty() { hint } else { named.2.to_owned() };
    view! { <CauseChoice options hint chosen=chosen.to_owned() error/> }.into_any()
}

/// The same in the form of a new incident, where a browser looks again while components are chosen.
pub(super) fn live_choice(causes: &[PossibleCause], chosen: &str, error: Option<String>) -> AnyView {
    if causes.is_empty() && chosen.is_empty() {
        return ().into_any();
    }
    let (initial, chosen) = (causes_view(causes, CHOSEN), chosen.to_owned());
    view! { <div><CauseIsland initial chosen error=error.unwrap_or_default()/></div> }.into_any()
}

/// Windows that were under way on its components when it began, each to be linked with one press. Nothing where the
/// cause is known.
pub(super) fn offer(incident: &Incident, causes: &[PossibleCause]) -> AnyView {
    let likely: Vec<&PossibleCause> =
        causes.iter().filter(|cause| cause.is_likely() && incident.maintenance.is_none()).take(NAMED).collect();
    if likely.is_empty() {
        return ().into_any();
    }
    let (path, version) = (format!("/admin/incidents/{}", incident.id), incident.version.to_string());
    let lines = likely
        .into_iter()
        .map(|cause| {
            let (href, name) =
                (format!("/admin/maintenances/{}", cause.id), format!("{} {}", cause.reference(), cause.title));
            let text = format!(" was under way on {} when this began.", listed(&cause.near));
            let deed = format!("link:{}", cause.id);
            let label = format!("Link to {}", cause.reference());
            let link = ActionView::post(label, path.clone(), &[("do", &deed), ("version", &version)]);
            view! {
                <p><a href=href><span dir="auto">{name}</span></a><span dir="auto">{text}</span></p>
                <Actions><Action action=link small=true/></Actions>
            }
        })
        .collect_view();
    view! { <Card title="Did a window cause this?"><div class="stack">{lines}</div></Card> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_names_are_counted() {
        let names = |n: usize| ["a", "b", "c", "d", "e"].map(str::to_owned).into_iter().take(n).collect::<Vec<_>>();
        let all = [0, 1, 2, 3, 4, 5].map(|n| listed(&names(n)));
        assert_eq!(all, ["", "a", "a and b", "a, b and c", "a, b, c and 1 more", "a, b, c and 2 more"]);
    }
}
