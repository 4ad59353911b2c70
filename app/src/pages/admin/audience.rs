//! Who is told, before anything is sent.

use super::incident_form::{audience_text, left_out};
use domain::subscriber::Audience;
use leptos::prelude::*;

/// How many are told, and why others are not.
#[must_use]
pub fn audience(audience: &Audience) -> AnyView {
    let (told, others) = (audience_text(audience), left_out(audience));
    view! { <div class="stack"><p><strong>{told}</strong></p>{others}</div> }.into_any()
}
