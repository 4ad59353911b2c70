//! What the typed times mean, below their fields; a time that exists twice is asked back at once.

use super::{asking, when_changed};
use crate::api::plan::{TimeView, read_time};
use crate::components::{Question, TimeRange};
use crate::view::OptionView;
use leptos::prelude::*;

/// Stands in the form `plan`.
#[island]
pub fn TimeIsland(
    /// What the server knew when it made the page.
    initial: TimeView,
) -> impl IntoView {
    let view = RwSignal::new(initial);
    let ask = asking("plan", view, read_time, |_| ());
    Effect::new(move || when_changed("plan", ask));
    view! { <div class="stack" aria-live="polite">{move || shown(view.get())}</div> }
}

/// The times in words, with what is to be asked back.
fn shown(view: TimeView) -> AnyView {
    let when = view.when.map(|when| {
        view! {
            <p class="after">
                <TimeRange when/>
                " "
                {view.text}
            </p>
        }
    });
    let problems = view.problems.into_iter().map(|problem| view! { <p class="error">{problem}</p> }).collect_view();
    let twice = view
        .twice
        .into_iter()
        .map(|twice| {
            let options = twice
                .options
                .into_iter()
                .map(|(value, label)| {
                    let chosen = value == twice.chosen;
                    OptionView::new(value, label).chosen(chosen)
                })
                .collect();
            let text = "The clocks go back that night, and show this time twice. Say which one you mean.";
            view! { <Question title=twice.title text=text name=twice.name options/> }
        })
        .collect_view();
    view! {
        {when}
        {problems}
        {twice}
    }
    .into_any()
}
