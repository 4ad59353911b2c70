//! Figures of availability.

use crate::view::FigureView;
use leptos::prelude::*;

/// Figures side by side: what, how much, and what else there is to know about it.
#[component]
pub fn FigureList(
    /// The figures.
    #[prop(into)]
    figures: Vec<FigureView>,
) -> AnyView {
    let items = figures
        .into_iter()
        .map(|figure| {
            let notes = figure.notes.into_iter().map(|note| view! { <dd class="note">{note}</dd> }).collect_view();
            view! { <div><dt>{figure.label}</dt><dd class="value">{figure.value}</dd>{notes}</div> }
        })
        .collect_view();
    view! { <dl class="figures">{items}</dl> }.into_any()
}
