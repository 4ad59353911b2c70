//! Which window caused it: those that touch what is chosen come first, looked up again whenever that changes.

use super::{asking, field, when_changed};
use crate::api::incident::{CausesView, ask_causes};
use crate::components::CauseChoice;
use leptos::prelude::*;

/// The form that it is about.
const FORM: &str = "incident-form";

/// The windows to choose from.
#[island]
pub fn CauseIsland(
    /// What the server knew when it made the page.
    initial: CausesView,
    /// The window that is chosen; empty for none.
    chosen: String,
    /// What is wrong with it; empty for nothing.
    error: String,
) -> impl IntoView {
    let view = RwSignal::new(initial);
    let live = StoredValue::new(false);
    let ask = asking(FORM, view, ask_causes, |_| ());
    Effect::new(move || {
        live.set_value(true);
        when_changed(FORM, ask);
    });
    let (chosen, error) = (StoredValue::new(chosen), StoredValue::new(error));
    view! {
        <div>
            {move || {
                // What was chosen since stays chosen.
                let now = live.get_value().then(|| field(FORM, "maintenance")).flatten();
                let chosen = now.unwrap_or_else(|| chosen.get_value());
                let error = Some(error.get_value()).filter(|error| !error.is_empty());
                let CausesView { options, hint } = view.get();
                view! { <CauseChoice options hint chosen error/> }
            }}
            <p class="vh" role="status">{move || view.with(|view| view.hint.clone())}</p>
        </div>
    }
}
