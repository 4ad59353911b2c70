//! Shapes: the sprite that each page carries, and references into it.

use crate::view::{Shape, Tone};
use leptos::prelude::*;

/// The symbols, inside the page: no second request, and an archived or printed page keeps them.
#[component]
pub fn Sprite() -> AnyView {
    let symbols = include_str!("icons.svg");
    let symbols = symbols.split_once('>').map_or(symbols, |(_, rest)| rest);
    let symbols = symbols.rsplit_once("</svg>").map_or(symbols, |(symbols, _)| symbols);
    view! { <svg class="sprite" aria-hidden="true" inner_html=symbols></svg> }.into_any()
}

/// A shape of the sprite. Decoration for those who hear the page: words stand beside it.
#[component]
pub fn Icon(
    /// Which.
    shape: Shape,
    /// A further class of the style sheet.
    #[prop(optional)]
    class: &'static str,
) -> AnyView {
    let class = if class.is_empty() { "icon".to_owned() } else { format!("icon {class}") };
    view! { <svg class=class aria-hidden="true"><use_ href=shape.href()></use_></svg> }.into_any()
}

/// The mark at full size: closed while the gate says no, open when it says yes.
#[component]
pub fn Fermata(
    /// The gate is open.
    #[prop(optional)]
    open: bool,
    /// Its colour where nothing around it gives one.
    #[prop(optional)]
    tone: Option<Tone>,
) -> AnyView {
    let state = if open { "fermata is-open" } else { "fermata" };
    let class = tone.map_or_else(|| state.to_owned(), |tone| format!("{state} {}", tone.class()));
    let drawn = if open {
        r#"<path class="arc" d="M4 26a16 16 0 0 1 32 0"/><circle cx="20" cy="25" r="3.4"/>"#
    } else {
        r#"<path d="M4 28v-6a16 16 0 0 1 32 0v6z"/><circle cx="20" cy="20.5" r="3.4"/>"#
    };
    view! { <svg class=class viewBox="0 0 40 32" aria-hidden="true" inner_html=drawn></svg> }.into_any()
}
