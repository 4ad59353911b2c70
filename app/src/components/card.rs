//! Headers, sections, cards and facts.

use super::{Icon, Proof, StateBadge, States};
use crate::view::{ProofView, Shape, StateView, Tone};
use leptos::prelude::*;

/// The way back: a label and an address.
fn crumb(back: Option<(String, String)>) -> AnyView {
    back.map(|(label, href)| {
        view! { <p class="crumb"><a href=href><Icon shape=Shape::Next/>{label}</a></p> }
    })
    .into_any()
}

fn states(state: Option<StateView>, proof: Option<ProofView>) -> AnyView {
    (state.is_some() || proof.is_some())
        .then(|| {
            view! {
                <States>
                    {state.map(|state| view! { <StateBadge state/> })}
                    {proof.map(|proof| view! { <Proof proof/> })}
                </States>
            }
        })
        .into_any()
}

/// The top of an admin page: the one heading, where it belongs, what can be done at once.
#[component]
pub fn PageHeader(
    /// The heading.
    #[prop(into)]
    title: String,
    /// A sentence below it.
    #[prop(optional, into)]
    intro: Option<String>,
    /// Label and address of the page above.
    #[prop(optional)]
    back: Option<(String, String)>,
    /// The state of what the page shows.
    #[prop(optional)]
    state: Option<StateView>,
    /// What its backup stands at.
    #[prop(optional_no_strip)]
    proof: Option<ProofView>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> AnyView {
    view! {
        <div class="page-head">
            <div>
                {crumb(back)}
                <h1><span dir="auto">{title}</span></h1>
                {intro.map(|intro| view! { <p>{intro}</p> })}
                {states(state, proof)}
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
    .into_any()
}

/// The top of a public page that is not the start page.
#[component]
pub fn Title(
    /// The heading.
    #[prop(into)]
    title: String,
    /// A sentence below it.
    #[prop(optional, into)]
    lead: Option<String>,
    /// Label and address of the page above.
    #[prop(optional)]
    back: Option<(String, String)>,
    /// The state of what the page shows.
    #[prop(optional)]
    state: Option<StateView>,
    /// What its backup stands at.
    #[prop(optional_no_strip)]
    proof: Option<ProofView>,
) -> AnyView {
    view! {
        <div class="title">
            {crumb(back)}
            <h1><span dir="auto">{title}</span></h1>
            {lead.map(|lead| view! { <p class="lead">{lead}</p> })}
            {states(state, proof)}
        </div>
    }
    .into_any()
}

/// A part of a page with its heading.
#[component]
pub fn Section(
    /// Id of the heading.
    #[prop(into)]
    id: String,
    /// The heading.
    #[prop(into)]
    title: String,
    /// A link at its end: label and address.
    #[prop(optional)]
    more: Option<(String, String)>,
    /// What it holds.
    children: Children,
) -> AnyView {
    let heading = id.clone();
    view! {
        <section class="section" aria-labelledby=heading>
            <div class="section-head">
                <h2 id=id>{title}</h2>
                {more.map(|(label, href)| view! { <a href=href>{label}</a> })}
            </div>
            {children()}
        </section>
    }
    .into_any()
}

/// A sheet of paper on the paper.
#[component]
pub fn Card(
    /// Its heading (h2).
    #[prop(optional, into)]
    title: Option<String>,
    /// Gives it the edge of a state.
    #[prop(optional)]
    tone: Option<Tone>,
    /// Without an inner margin, for lists that bring their own.
    #[prop(optional)]
    flush: bool,
    /// What it holds.
    children: Children,
) -> AnyView {
    let mut class = String::from("card");
    if flush {
        class.push_str(" is-flush");
    }
    if let Some(tone) = tone {
        class.push(' ');
        class.push_str(tone.class());
    }
    view! {
        <div class=class>
            {title.map(|title| view! { <h2>{title}</h2> })}
            {children()}
        </div>
    }
    .into_any()
}

/// Labels over values; holds [`Fact`].
#[component]
pub fn Facts(
    /// The facts.
    children: Children,
) -> AnyView {
    view! { <dl class="facts">{children()}</dl> }.into_any()
}

/// One label over its value.
#[component]
pub fn Fact(
    /// The label.
    #[prop(into)]
    label: String,
    /// The value.
    children: Children,
) -> AnyView {
    view! { <div><dt>{label}</dt><dd>{children()}</dd></div> }.into_any()
}

/// Something that can be unfolded.
#[component]
pub fn Disclosure(
    /// What is written on it.
    #[prop(into)]
    label: String,
    /// Unfolded from the start.
    #[prop(optional)]
    open: bool,
    /// What it holds.
    children: Children,
) -> AnyView {
    view! {
        <details class="disclosure" open=open>
            <summary><Icon shape=Shape::Next/>{label}</summary>
            {children()}
        </details>
    }
    .into_any()
}
