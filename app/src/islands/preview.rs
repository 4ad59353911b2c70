//! A message as customers will read it, while it is being written.

use super::{asking, when_changed};
use crate::api::plan::preview;
use crate::components::Button;
use crate::view::Weight;
use leptos::prelude::*;

/// The message of the form `plan`, below it.
#[island]
pub fn PreviewIsland(
    /// Sanitised HTML, as the server knew it.
    initial: String,
) -> impl IntoView {
    let html = RwSignal::new(initial);
    let live = RwSignal::new(false);
    let ask = asking("plan", html, preview, |_| ());
    Effect::new(move || {
        live.set(true);
        ask();
        when_changed("plan", ask);
    });
    let shown = move || {
        html.with(|html| {
            (!html.is_empty()).then(|| {
                view! {
                    <div class="card mt">
                        <h2 class="small muted">"As customers read it"</h2>
                        <div class="prose mt" dir="auto" inner_html=html.clone()></div>
                    </div>
                }
            })
        })
    };
    let button = move || {
        (!live.get()).then(|| {
            view! {
                <Button weight=Weight::Quiet small=true name="do" value="preview" unchecked=true>
                    "Preview"
                </Button>
            }
        })
    };
    view! { <div>{button}{shown}</div> }
}
