//! What a page says to its reader: the one sentence, messages, what is missing, what needs them.

use super::{Action, Fermata, Icon};
use crate::view::{ActionView, AttentionView, FlashView, PagerView, ProblemView, Shape, Tone, WhenView};
use leptos::prelude::*;

/// The one strong sentence on top of the public page.
#[component]
pub fn Hero(
    /// Its colour.
    tone: Tone,
    /// Its shape; [`Shape::Held`] is drawn as the closed fermata.
    shape: Shape,
    /// The overall state in words.
    #[prop(into)]
    title: String,
    /// What else there is to know; may be empty.
    #[prop(optional, into)]
    lead: String,
    /// When something was last said. Not when the page was made: the same state is the same page.
    #[prop(optional_no_strip)]
    changed: Option<WhenView>,
) -> AnyView {
    let drawn = match shape {
        Shape::Held => view! { <Fermata/> }.into_any(),
        shape => view! { <Icon shape/> }.into_any(),
    };
    let changed = changed.map(|when| {
        let utc = (!when.utc.is_empty()).then(|| format!(" ({})", when.utc));
        view! { <p class="asof">"Last update "<time datetime=when.datetime>{when.text}</time>{utc}</p> }
    });
    view! {
        <div class=format!("hero {}", tone.class())>
            {drawn}
            <h1><span dir="auto">{title}</span></h1>
            {(!lead.is_empty()).then(|| view! { <p class="lead">{lead}</p> })}
            {changed}
        </div>
    }
    .into_any()
}

/// A message on top of a page.
#[component]
pub fn Flash(
    /// The message.
    flash: FlashView,
    /// What belongs to it: a token to copy, buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> AnyView {
    let shape = match flash.tone {
        Tone::Ok => Shape::Ok,
        Tone::Degraded | Tone::Partial => Shape::Degraded,
        Tone::Major => Shape::Major,
        Tone::Work | Tone::Quiet => Shape::Info,
    };
    let role = if flash.tone == Tone::Major { "alert" } else { "status" };
    view! {
        <div class=format!("flash {}", flash.tone.class()) role=role>
            <Icon shape/>
            <div>
                {(!flash.title.is_empty()).then(|| view! { <h2>{flash.title}</h2> })}
                {(!flash.text.is_empty()).then(|| view! { <p>{flash.text}</p> })}
                {children.map(|children| children())}
            </div>
        </div>
    }
    .into_any()
}

/// All that must be mended in a form, with the way to each field. Nothing where nothing is wrong.
#[component]
pub fn ErrorSummary(
    /// One line per field.
    problems: Vec<ProblemView>,
    /// What is wrong with the whole.
    #[prop(optional_no_strip, into)]
    message: Option<String>,
) -> AnyView {
    let title = match (problems.len(), message) {
        (0, None) => return ().into_any(),
        (_, Some(message)) => message,
        (1, None) => "One thing needs your attention".to_owned(),
        (n, None) => format!("{n} things need your attention"),
    };
    view! {
        <div class="flash tone-major" role="alert">
            <Icon shape=Shape::Major/>
            <div>
                <h2>{title}</h2>
                {(!problems.is_empty())
                    .then(|| {
                        view! {
                            <ul>
                                {problems
                                    .into_iter()
                                    .map(|problem| {
                                        view! { <li><a href=format!("#{}", problem.field)>{problem.text}</a></li> }
                                    })
                                    .collect_view()}
                            </ul>
                        }
                    })}
            </div>
        </div>
    }
    .into_any()
}

/// A list or page with nothing in it: why, and what to do.
#[component]
pub fn EmptyState(
    /// What is not there.
    #[prop(into)]
    title: String,
    /// What it is good for.
    #[prop(into)]
    text: String,
    /// What to do.
    #[prop(default = None, into)]
    action: Option<ActionView>,
    /// Empty is good.
    #[prop(optional)]
    good: bool,
) -> AnyView {
    view! {
        <div class="card">
            <div class="empty">
                <Fermata open=good/>
                <h2>{title}</h2>
                <p>{text}</p>
                {action.map(|action| view! { <div class="actions"><Action action/></div> })}
            </div>
        </div>
    }
    .into_any()
}

/// Things that need the operator, on one card.
#[component]
pub fn AttentionList(
    /// Most urgent first.
    items: Vec<AttentionView>,
) -> AnyView {
    view! {
        <div class="card is-flush">
            <ul class="attention">
                {items
                    .into_iter()
                    .map(|item| {
                        let actions = (!item.actions.is_empty())
                            .then(|| {
                                let buttons = item.actions.into_iter();
                                view! {
                                    <div class="actions">
                                        {buttons.map(|action| view! { <Action action small=true/> }).collect_view()}
                                    </div>
                                }
                            });
                        view! {
                            <li class=item.tone.class()>
                                <Icon shape=item.shape/>
                                <div>
                                    <h3><a href=item.href><span dir="auto">{item.title}</span></a></h3>
                                    <p>{item.detail}</p>
                                </div>
                                {actions}
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </div>
    }
    .into_any()
}

/// Something to copy whole: an address, a token, a command.
#[component]
pub fn Copy(
    /// The text.
    #[prop(into)]
    text: String,
) -> AnyView {
    view! { <code class="copy">{text}</code> }.into_any()
}

/// Where a list goes on. Nothing where it fits on one page.
#[component]
pub fn Pager(
    /// The neighbours.
    pager: PagerView,
) -> AnyView {
    let is_needed = pager.previous.is_some() || pager.next.is_some();
    is_needed
        .then(|| {
            view! {
                <nav class="pager" aria-label="Pages">
                    <span>{pager.text}</span>
                    <div class="actions">
                        {pager.previous.map(|to| view! { <a class="btn is-small" href=to rel="prev">"Previous"</a> })}
                        {pager.next.map(|to| view! { <a class="btn is-small" href=to rel="next">"Next"</a> })}
                    </div>
                </nav>
            }
        })
        .into_any()
}
