//! Maintenance windows in lists.

use super::{Action, Proof, StateBadge, TimeRange};
use crate::view::{StateView, WindowView};
use leptos::prelude::*;

/// Windows in the order they come, on one card.
#[component]
pub fn PlanList(
    /// The windows.
    windows: Vec<WindowView>,
) -> AnyView {
    view! {
        <div class="card is-flush">
            <ol class="plan">{windows.into_iter().map(window).collect_view()}</ol>
        </div>
    }
    .into_any()
}

fn window(window: WindowView) -> AnyView {
    let components = (!window.components.is_empty()).then(|| {
        let names = window.components.into_iter();
        view! {
            <ul class="chips" aria-label="Affected components">
                {names.map(|name| view! { <li dir="auto">{name}</li> }).collect_view()}
            </ul>
        }
    });
    view! {
        <li>
            <div class="day" aria-hidden="true">
                <span>{window.day.weekday}</span>
                <b>{window.day.day}</b>
                <span>{window.day.month}</span>
            </div>
            <div>
                <h3><a href=window.href><span dir="auto">{window.title}</span></a></h3>
                <TimeRange when=window.when/>
                <div class="states">
                    <StateBadge state=window.state/>
                    {window.proof.map(|proof| view! { <Proof proof/> })}
                </div>
                {components}
            </div>
            {window.action.map(|action| view! { <Action action small=true/> })}
        </li>
    }
    .into_any()
}

/// A window that is under way or held: its heading in the colour of its state.
#[component]
pub fn WindowCard(
    /// What is done.
    #[prop(into)]
    title: String,
    /// Its page.
    #[prop(into)]
    href: String,
    /// Where it stands.
    state: StateView,
    /// `Facts`, then `Timeline`.
    children: Children,
) -> AnyView {
    let class = format!("card {}", state.tone.class());
    view! {
        <article class=class>
            <div class="card-head">
                <h3 class="card-title"><a href=href><span dir="auto">{title}</span></a></h3>
                <StateBadge state/>
            </div>
            {children()}
        </article>
    }
    .into_any()
}
