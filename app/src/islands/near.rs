//! What is known already of the components that are chosen, looked up again whenever that changes.

use super::{asking, when_changed};
use crate::api::incident::{NearLine, ask_near};
use crate::components::Icon;
use crate::view::Shape;
use leptos::prelude::*;

/// The form that it is about.
const FORM: &str = "incident-form";

/// Incidents on the same components; nothing where there is none.
#[island]
pub fn NearIsland(
    /// What the server knew when it made the page.
    initial: Vec<NearLine>,
) -> impl IntoView {
    let view = RwSignal::new(initial);
    let ask = asking(FORM, view, ask_near, |_| ());
    Effect::new(move || when_changed(FORM, ask));
    view! { <div role="status">{move || known(view.get())}</div> }
}

fn known(lines: Vec<NearLine>) -> AnyView {
    if lines.is_empty() {
        return ().into_any();
    }
    let lines = lines.into_iter().map(|NearLine { href, name, text }| {
        view! { <li><a href=href><span dir="auto">{name}</span></a><span dir="auto">{text}</span></li> }
    });
    let lines = lines.collect_view();
    view! {
        <div class="flash tone-degraded mt">
            <Icon shape=Shape::Degraded/>
            <div>
                <p>"Is it one of these? Then say there what is new, so that nobody reads it twice."</p>
                <ul>{lines}</ul>
            </div>
        </div>
    }
    .into_any()
}
