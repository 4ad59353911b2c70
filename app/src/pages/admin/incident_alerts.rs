//! What the alerts of an incident mean for the form of its next update.

use super::edit::{AskedBack, Form, asked_back};
use super::incident_form::named;
use crate::form::{FormData, Submitted};
use leptos::prelude::*;
use service::alerts::Worse;
use service::incidents::States;

/// The answer to the question whether it is over although alerts still fire.
pub(super) const STILL_FIRE: &str = "alerts_still_fire";

/// Whether it is over although alerts still fire; nothing where nobody has to ask.
pub(super) fn still_fire(form: &Form) -> AnyView {
    asked_back(
        form,
        STILL_FIRE,
        &AskedBack {
            title: "Resolve it anyway?",
            said: "It is said to be over although alerts still fire.",
            yes: "Yes, it is over",
            no: "No: choose another state above",
        },
    )
}

/// Whether it is the form of the next update that came back.
pub(super) fn is_update(form: &FormData) -> bool {
    matches!(form.get("do"), "say" | "check" | "incident-update")
}

/// What the form of the next update says of components: what was typed, else what alerts say and customers do not know.
pub(super) fn chosen(submitted: &Submitted, worse: &[Worse]) -> States {
    match submitted.data.as_ref().filter(|form| is_update(form)) {
        Some(form) => named(form),
        None => worse.iter().map(|one| (one.id, one.state)).collect(),
    }
}

/// The way to the form of the next update, where it is filled in from the alerts.
pub(super) fn way(next: Option<&'static str>) -> AnyView {
    let link = next.map(|form| {
        let href = format!("#{form}");
        view! { " "<a href=href>"Go to the update, which is filled in"</a> }
    });
    link.into_any()
}

/// What alerts say that customers do not know; nothing where there is no such thing.
pub(super) fn worse(worse: &[Worse], next: Option<&'static str>) -> AnyView {
    if worse.is_empty() {
        return ().into_any();
    }
    let lines = worse
        .iter()
        .map(|one| {
            let (name, text) = (one.name.clone(), format!(": {} ({})", one.state.public_text(), one.known));
            view! { <li><span dir="auto">{name}</span>{text}</li> }
        })
        .collect_view();
    view! { <div><p><strong>"Alerts say:"</strong>{way(next)}</p><ul>{lines}</ul></div> }.into_any()
}
