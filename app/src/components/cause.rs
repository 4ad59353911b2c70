//! The window that caused something, to choose.

use super::Choices;
use crate::view::OptionView;
use leptos::prelude::*;

/// Windows with what they touch, the likeliest first. One that was chosen before and is not among them stays.
#[component]
pub fn CauseChoice(
    /// The windows.
    options: Vec<OptionView>,
    /// What to look at; empty for nothing.
    hint: String,
    /// The one that is chosen; empty for none.
    chosen: String,
    /// What is wrong with it.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
) -> AnyView {
    let is_known = chosen.is_empty() || options.iter().any(|option| option.value == chosen);
    let kept = (!is_known).then(|| OptionView::new(chosen.clone(), "The window named before"));
    let none = OptionView::new("", "No window");
    let options = std::iter::once(none)
        .chain(kept)
        .chain(options)
        .map(|option| {
            let is_chosen = option.value == chosen;
            option.chosen(is_chosen)
        })
        .collect();
    view! { <Choices name="maintenance" legend="Caused by" hint options error/> }.into_any()
}
