//! What has been, by date.

use super::{StateBadge, States, TimeRange};
use crate::view::LogView;
use leptos::prelude::*;

/// Windows that are over, in the order they come. Headings are h3.
#[component]
pub fn LogList(
    /// The windows.
    entries: Vec<LogView>,
) -> AnyView {
    view! { <ol class="log">{entries.into_iter().map(entry).collect_view()}</ol> }.into_any()
}

fn entry(entry: LogView) -> AnyView {
    let chips = (!entry.components.is_empty()).then(|| {
        let names = entry.components.into_iter();
        view! {
            <ul class="chips" aria-label="Affected components">
                {names.map(|name| view! { <li dir="auto">{name}</li> }).collect_view()}
            </ul>
        }
    });
    let learned = (!entry.learned.is_empty()).then(|| {
        let of = format!(" of “{}”", entry.title);
        view! { <a href=entry.learned>"Post-mortem"<span class="vh" dir="auto">{of}</span></a> }
    });
    let title = if entry.href.is_empty() {
        view! { <span dir="auto">{entry.title}</span> }.into_any()
    } else {
        view! { <a href=entry.href><span dir="auto">{entry.title}</span></a> }.into_any()
    };
    let text = (!entry.html.is_empty()).then(|| view! { <div class="prose" dir="auto" inner_html=entry.html></div> });
    view! {
        <li id=entry.anchor>
            <span class="muted">{entry.date}</span>
            <div>
                <h3>{title}</h3>
                <p class="small muted"><TimeRange when=entry.when/></p>
                {text}
                <States><StateBadge state=entry.state/>{learned}{chips}</States>
            </div>
        </li>
    }
    .into_any()
}
