//! What stands in the way of a stored window beside the gate, and who went ahead all the same.

use super::desk::Desk;
use super::gate;
use crate::components::Reason;
use domain::conflict::Conflict;
use leptos::prelude::*;
use service::conflicts::{AcceptedConflicts, ConflictsLook};

/// The card; nothing where there is nothing to tell.
#[must_use]
pub fn show(desk: &Desk, look: &ConflictsLook) -> AnyView {
    if look.now.is_empty() && look.accepted.is_empty() {
        return ().into_any();
    }
    let rules = desk.services.zones.as_ref();
    let view = gate::in_the_way(rules, &desk.site.zone, &look.now);
    let reasons = view.conflicts.into_iter().map(|reason| view! { <Reason reason/> }).collect_view();
    let accepted = (!look.accepted.is_empty()).then(|| {
        let each = look.accepted.iter().map(|accepted| went_ahead(desk, accepted)).collect_view();
        view! { <div class="block"><h3>"Went ahead all the same"</h3><ul class="lines">{each}</ul></div> }
    });
    view! {
        <section class="verdict tone-quiet" aria-labelledby="in-the-way">
            <header class="block"><h2 id="in-the-way">{view.title}</h2></header>
            <ol class="reasons">{reasons}</ol>
            {accepted}
        </section>
    }
    .into_any()
}

fn went_ahead(desk: &Desk, accepted: &AcceptedConflicts) -> AnyView {
    let who = format!("{}, {}: ", accepted.by, desk.short(accepted.at));
    let what: Vec<String> = accepted.conflicts.iter().map(Conflict::heading).collect();
    view! {
        <li>
            <span class="muted">{who}</span>
            <span dir="auto">{accepted.why.to_string()}</span>
            <span class="muted">{format!(" In spite of: {}.", what.join("; "))}</span>
        </li>
    }
    .into_any()
}
