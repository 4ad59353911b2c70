//! What stands in the head of a public page.

use crate::context::{Assets, services};
use http::{HeaderName, HeaderValue, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{Link, Meta, Title};

/// Title, description and the feeds that readers of this page may follow.
#[component]
pub fn Head(
    /// The state first, then the site.
    #[prop(into)]
    title: String,
    /// A sentence for search engines and previews.
    #[prop(into)]
    description: String,
    /// The path of this page, without a chosen zone.
    #[prop(into)]
    path: String,
    /// A calendar of this page's own: its name and path.
    #[prop(optional)]
    calendar: Option<(String, String)>,
    /// The newest change that the page knows of, where it follows along while it is open. Read before what it shows.
    #[prop(optional, into)]
    live: Option<i64>,
) -> AnyView {
    let services = services();
    let description = description.trim().to_owned();
    let url = services.url(&path);
    let own = calendar.map(|(name, path)| {
        view! { <Link rel="alternate" type_="text/calendar" title=name href=path/> }
    });
    let change = live.map(|number| {
        let Assets { live, .. } = use_context().unwrap_or_default();
        // Not by the library, which would give it a nonce: the page is the same bytes for everybody.
        view! { <Meta name="change" content=number.to_string()/><script src=live defer=true></script> }
    });
    view! {
        {change}
        <Title text=title.clone()/>
        <Meta name="description" content=description.clone()/>
        <Meta property="og:type" content="website"/>
        <Meta property="og:title" content=title/>
        <Meta property="og:description" content=description/>
        <Meta property="og:url" content=url.clone()/>
        <Link rel="canonical" href=url/>
        {own}
        <Link rel="alternate" type_="text/calendar" title="Planned work" href="/calendar.ics"/>
    }
    .into_any()
}

/// A page behind a secret link: nobody keeps it, finds it, or learns its address from it (CAL-15, SEC-8).
pub(super) fn private() -> AnyView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response.insert_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response.insert_header(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    }
    view! { <Meta name="robots" content="noindex"/> }.into_any()
}
