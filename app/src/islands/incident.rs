//! Comfort for the form that reports an incident: components found by a word, and who is told, counted
//! again whenever the form changes.

use super::{asking, when_changed};
use crate::api::incident::{ToldView, ask_audience};
use crate::components::{Action, Actions, Button};
use crate::view::{ActionView, Weight};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The form that it is about.
const FORM: &str = "incident-form";

/// Who is told, with the buttons that send the form.
#[island]
pub fn ToldIsland(
    /// What the server knew when it made the page.
    initial: ToldView,
) -> impl IntoView {
    let view = RwSignal::new(initial);
    let live = RwSignal::new(false);
    let ask = asking(FORM, view, ask_audience, |_| ());
    Effect::new(move || {
        live.set(true);
        ask();
        when_changed(FORM, ask);
    });
    view! {
        <div>
            <p role="status">{move || view.with(|view| view.text.clone())}</p>
            {move || panel(view.get(), live.get())}
        </div>
    }
}

fn panel(view: ToldView, live: bool) -> AnyView {
    let lines = view.why.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    let left_out = (!view.left_out.is_empty()).then(|| {
        view! {
            <p class="small muted">{view.left_out}</p>
            <ul class="small muted plain-list">{lines}</ul>
        }
    });
    let publish = ActionView::submit(view.publish, FORM, "do", "publish").weigh(Weight::Primary);
    let draft = ActionView::submit("Save as draft", FORM, "do", "draft");
    let again = (!live).then(|| {
        view! {
            <Button weight=Weight::Quiet form=FORM name="do" value="check" unchecked=true>"Count again"</Button>
        }
    });
    view! {
        {left_out}
        <input type="hidden" name="seen" form=FORM value=view.seen/>
        <Actions>
            <Action action=publish/>
            <Action action=draft/>
            {again}
        </Actions>
    }
    .into_any()
}

/// A field above a list of components that leaves those in sight that hold what is typed.
#[island]
pub fn FilterIsland(
    /// The id of what holds the list.
    list: String,
) -> impl IntoView {
    let live = RwSignal::new(false);
    Effect::new(move || live.set(true));
    let list = StoredValue::new(list);
    let typed = move |event: ev::Event| sift(&list.get_value(), &event_target_value(&event));
    move || {
        live.get().then(|| {
            let id = format!("{}-filter", list.get_value());
            view! {
                <div class="filter-box">
                    <label class="vh" for=id.clone()>"Find a component"</label>
                    // It belongs to no form: Enter in it sends nothing.
                    <input class="input" type="search" id=id form="" placeholder="Find a component" autocomplete="off"
                        on:input=typed/>
                </div>
            }
        })
    }
}

/// Hides the rows without these words, and the folds without such rows; unfolds what is left.
fn sift(list: &str, words: &str) {
    let words = words.trim().to_lowercase();
    let Some(list) = document().get_element_by_id(list) else { return };
    let Ok(folds) = list.query_selector_all("details") else { return };
    for fold in elements(&folds) {
        let Ok(rows) = fold.query_selector_all(".state-row") else { continue };
        let mut found = false;
        for row in elements(&rows) {
            let label = row.query_selector("label").ok().flatten().and_then(|label| label.text_content());
            let fits = words.is_empty() || label.is_some_and(|label| label.to_lowercase().contains(&words));
            found |= fits;
            let _ = row.toggle_attribute_with_force("hidden", !fits);
        }
        let _ = fold.toggle_attribute_with_force("hidden", !found);
        if !words.is_empty() {
            let _ = fold.toggle_attribute_with_force("open", found);
        }
    }
}

fn elements(list: &web_sys::NodeList) -> impl Iterator<Item = web_sys::Element> {
    (0..list.length()).filter_map(|n| list.item(n)?.dyn_into().ok())
}
