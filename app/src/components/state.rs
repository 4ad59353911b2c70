//! States, proofs and times.

use super::Icon;
use crate::view::{ProofView, StateView, WhenView};
use leptos::prelude::*;

/// A state: shape and words.
#[component]
pub fn StateBadge(
    /// Which.
    #[prop(into)]
    state: StateView,
) -> AnyView {
    let class = format!("state {}{}", state.tone.class(), if state.plain { " is-plain" } else { "" });
    view! { <span class=class><Icon shape=state.shape/>{state.label}</span> }.into_any()
}

/// States and proofs in a row.
#[component]
pub fn States(
    /// [`StateBadge`] and [`Proof`].
    children: Children,
) -> AnyView {
    view! { <div class="states">{children()}</div> }.into_any()
}

/// What a window's backup stands at.
#[component]
pub fn Proof(
    /// The line.
    proof: ProofView,
) -> AnyView {
    let class = format!("proof {}", proof.tone.class());
    view! { <span class=class><Icon shape=proof.shape/><span>{proof.text}</span></span> }.into_any()
}

/// A time in the reader's zone with its zone, and in UTC.
#[component]
pub fn TimeRange(
    /// When.
    when: WhenView,
    /// UTC on a line of its own.
    #[prop(optional)]
    stacked: bool,
) -> AnyView {
    let class = if stacked { "when is-stacked" } else { "when" };
    let utc = (!when.utc.is_empty()).then(|| view! { " "<span class="utc">{when.utc}</span> });
    view! { <span class=class><time datetime=when.datetime>{when.text}</time>{utc}</span> }.into_any()
}
