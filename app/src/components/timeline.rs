//! What happened, newest first.

use super::{Icon, TimeRange};
use crate::view::EntryView;
use leptos::prelude::*;

/// The timeline of a window. Headings are h3.
#[component]
pub fn Timeline(
    /// Newest first.
    entries: Vec<EntryView>,
) -> AnyView {
    view! {
        <ol class="timeline">
            {entries
                .into_iter()
                .map(|entry| {
                    let author = (!entry.author.is_empty())
                        .then(|| view! { <span class="muted small" dir="auto">{entry.author}</span> });
                    let text = (!entry.html.is_empty())
                        .then(|| view! { <div class="prose" dir="auto" inner_html=entry.html></div> });
                    view! {
                        <li id=entry.id class=entry.state.tone.class()>
                            <Icon shape=entry.state.shape/>
                            <div class="timeline-head">
                                <h3>{entry.state.label}</h3>
                                <TimeRange when=entry.when/>
                                {author}
                            </div>
                            {text}
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
    .into_any()
}
