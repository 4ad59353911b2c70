//! Comfort in the browser: the only code that needs it. Each island is rendered by the server
//! first, and the page works without any of them.

#![expect(missing_docs, reason = "the island macro makes structs without documentation")]

pub mod cause;
pub mod gate;
pub mod incident;
pub mod near;
pub mod preview;
pub mod time;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use wasm_bindgen::JsCast;

/// How long somebody may go on typing before the server is asked.
const PAUSE: Duration = Duration::from_millis(350);

/// The fields of a form, as it would send them.
fn fields(id: &str) -> Option<String> {
    let form = document().get_element_by_id(id)?.dyn_into::<web_sys::HtmlFormElement>().ok()?;
    let data = web_sys::FormData::new_with_form(&form).ok()?;
    let pairs = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    Some(String::from(pairs.to_string()))
}

/// What one field of a form holds.
fn field(form: &str, name: &str) -> Option<String> {
    let form = document().get_element_by_id(form)?.dyn_into::<web_sys::HtmlFormElement>().ok()?;
    web_sys::FormData::new_with_form(&form).ok()?.get(name).as_string()
}

/// Whether something happened in a form: in it, or to a field that names it.
fn is_in(event: &web_sys::Event, id: &str) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest(&format!("#{id}")).ok().flatten())
        .is_some()
}

/// What asks the server about a form and shows the answer where it says something new. An answer to an earlier question
/// may come later: only that to the newest counts. `heard` is told whether there was one.
fn asking<T, E, F>(
    form: &'static str,
    view: RwSignal<T>,
    question: impl Fn(String) -> F + Copy + Send + Sync + 'static,
    heard: impl Fn(bool) + Copy + Send + Sync + 'static,
) -> impl Fn() + Copy + Send + Sync + 'static
where
    T: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<T, E>> + 'static,
{
    let asked = StoredValue::new(0_u64);
    move || {
        let Some(form) = fields(form) else { return };
        asked.update_value(|n| *n += 1);
        let mine = asked.get_value();
        spawn_local(async move {
            let answer = question(form).await;
            if asked.try_get_value() != Some(mine) {
                return;
            }
            heard(answer.is_ok());
            if let Ok(answer) = answer
                && view.with_untracked(|shown| *shown != answer)
            {
                view.set(answer);
            }
        });
    }
}

/// Calls when a form has been changed and left alone for a moment.
fn when_changed(id: &'static str, call: impl Fn() + Clone + Send + Sync + 'static) {
    let pending: StoredValue<Option<TimeoutHandle>> = StoredValue::new(None);
    let changed = move |event: web_sys::Event| {
        if !is_in(&event, id) {
            return;
        }
        if let Some(earlier) = pending.get_value() {
            earlier.clear();
        }
        let call = call.clone();
        pending.set_value(set_timeout_with_handle(call, PAUSE).ok());
    };
    let (typed, chosen) = (changed.clone(), changed);
    let typed = window_event_listener(ev::input, typed);
    let chosen = window_event_listener(ev::change, chosen);
    on_cleanup(move || {
        typed.remove();
        chosen.remove();
    });
}
