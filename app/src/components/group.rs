//! Components in their groups.

use super::{AvailabilityBar, Icon, StateBadge};
use crate::view::{ComponentView, GroupView, Shape};
use leptos::prelude::*;

/// All groups, on one card.
#[component]
pub fn ComponentGroups(
    /// In order.
    groups: Vec<GroupView>,
) -> AnyView {
    view! {
        <div class="card is-flush">
            {groups.into_iter().map(|group| view! { <ComponentGroup group/> }).collect_view()}
        </div>
    }
    .into_any()
}

/// One group: its worst state folded, each component unfolded.
#[component]
pub fn ComponentGroup(
    /// The group.
    group: GroupView,
) -> AnyView {
    let count = match group.components.len() {
        1 => "1 component".to_owned(),
        n => format!("{n} components"),
    };
    view! {
        <details class="group" open=group.open>
            <summary>
                <Icon shape=Shape::Next class="chevron"/>
                <h3><span dir="auto">{group.name}</span>" "<span class="count">{count}</span></h3>
                <StateBadge state=group.state/>
            </summary>
            {component_states(group.components)}
        </details>
    }
    .into_any()
}

/// Components with their states, on one card.
#[component]
pub fn ComponentStates(
    /// In order.
    components: Vec<ComponentView>,
) -> AnyView {
    view! { <div class="card is-flush">{component_states(components)}</div> }.into_any()
}

fn component_states(components: Vec<ComponentView>) -> AnyView {
    view! { <ul class="comps">{components.into_iter().map(line).collect_view()}</ul> }.into_any()
}

fn line(component: ComponentView) -> AnyView {
    let past = component.past.map(|past| {
        view! {
            <span class="past">
                <AvailabilityBar days=past.days/>
                <span class="figure">{past.figure}<span class="vh">" "{past.meaning}</span></span>
            </span>
        }
    });
    view! {
        <li>
            <span>
                <a href=component.href><span dir="auto">{component.name}</span></a>
                <span class="vh">": "</span>
            </span>
            <StateBadge state=component.state/>
            {past}
        </li>
    }
    .into_any()
}
