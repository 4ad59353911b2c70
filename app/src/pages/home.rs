//! The public page: what works, what does not, what is planned.

use crate::context::{load, services};
use leptos::prelude::*;
use leptos_meta::Title;

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    let services = services();
    load(async move { services.site().await }, |site| {
        view! {
            <Title text=format!("{} status", site.name)/>
            <main class="wrap"><h1>"All systems operational"</h1></main>
        }
    })
}
