//! Hosts and what runs on them.

use super::Icon;
use crate::view::{BlastView, NodeView, SetView};
use leptos::prelude::*;

/// Everything that the work can destroy; stands in a `VerdictPanel`.
#[component]
pub fn BlastRadius(
    /// The hosts.
    blast: BlastView,
) -> AnyView {
    view! {
        <div class="block">
            <h3>{blast.title}</h3>
            <HostTree roots=blast.roots/>
        </div>
    }
    .into_any()
}

/// Hosts with what runs on them.
#[component]
pub fn HostTree(
    /// Hosts that run on none of the others.
    roots: Vec<NodeView>,
) -> AnyView {
    view! { <ul class="tree">{roots.into_iter().map(node).collect_view()}</ul> }.into_any()
}

fn node(node: NodeView) -> AnyView {
    let name = if node.href.is_empty() {
        view! { <strong dir="auto">{node.name}</strong> }.into_any()
    } else {
        view! { <a href=node.href><strong dir="auto">{node.name}</strong></a> }.into_any()
    };
    let sets = (!node.sets.is_empty())
        .then(|| view! { <div class="sets">{node.sets.into_iter().map(set).collect_view()}</div> });
    let children = (!node.children.is_empty())
        .then(|| view! { <ul>{node.children.into_iter().map(self::node).collect_view()}</ul> });
    view! {
        <li>
            <div class="node">
                {name}
                {(!node.why.is_empty()).then(|| view! { " "<span class="why">{node.why}</span> })}
            </div>
            {sets}
            {children}
        </li>
    }
    .into_any()
}

fn set(set: SetView) -> AnyView {
    view! {
        <span class=set.state.tone.class()>
            <Icon shape=set.state.shape/>
            <span><span dir="auto">{set.name}</span><span class="vh">{format!(": {} ", set.state.label)}</span></span>
        </span>
    }
    .into_any()
}
