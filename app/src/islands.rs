//! Comfort in the browser: the only code that needs it. Each island is rendered by the server
//! first, and the page works without any of them.

#![expect(missing_docs, reason = "the island macro makes structs without documentation")]

pub mod cause;
pub mod gate;
pub mod incident;
pub mod preview;
pub mod time;

use leptos::ev;
use leptos::prelude::*;
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
