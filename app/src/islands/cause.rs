//! Which window caused it: those that touch what is chosen come first, looked up again whenever that changes.

use super::{field, fields, when_changed};
use crate::api::incident::{CausesView, ask_causes};
use crate::components::CauseChoice;
use leptos::prelude::*;
use leptos::task::spawn_local;

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
    let asked = StoredValue::new(0_u64);
    let ask = move || {
        let Some(form) = fields(FORM) else { return };
        asked.update_value(|n| *n += 1);
        let mine = asked.get_value();
        spawn_local(async move {
            let answer = ask_causes(form).await;
            // An answer to an earlier question may come later.
            if asked.try_get_value() == Some(mine)
                && let Ok(answer) = answer
                && view.with_untracked(|shown| *shown != answer)
            {
                view.set(answer);
            }
        });
    };
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
