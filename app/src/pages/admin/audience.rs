//! Who is told, before anything is sent.

use super::runs::grouped;
use domain::subscriber::Audience;
use leptos::prelude::*;

/// "Told by mail: 214 subscribers. Not told: 12 have not confirmed their address."
#[must_use]
pub fn audience(audience: &Audience) -> AnyView {
    let told = match audience.mails {
        0 => "Nobody is told by mail.".to_owned(),
        1 => "1 subscriber is told by mail.".to_owned(),
        n => format!("{} subscribers are told by mail.", grouped(n)),
    };
    let left_out: Vec<String> =
        audience.left_out.iter().map(|(why, n)| format!("{} {}", grouped(*n), why.text(*n))).collect();
    let left_out = (!left_out.is_empty()).then(|| {
        let lines = left_out.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! { <p class="small muted mt">"Not told:"</p><ul class="lines muted">{lines}</ul> }
    });
    view! { <div><p><strong>{told}</strong></p>{left_out}</div> }.into_any()
}
