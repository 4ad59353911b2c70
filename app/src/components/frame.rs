//! The frames around pages.

use super::form::options;
use super::{Icon, Sprite};
use crate::view::{AdminFrame, BannerView, NavGroup, NavItem, OptionView, PublicFrame, Shape};
use leptos::prelude::*;

fn skip() -> AnyView {
    view! { <a class="skip" href="#main">"Skip to content"</a> }.into_any()
}

fn brand(name: String, href: String) -> AnyView {
    view! { <a class="brand" href=href><Icon shape=Shape::Mark/><span dir="auto">{name}</span></a> }.into_any()
}

/// A page for customers.
#[component]
pub fn PublicLayout(
    /// What the frame shows.
    frame: PublicFrame,
    /// What the page shows; starts with `Hero` or `Title`.
    children: Children,
    /// A narrow column, for forms.
    #[prop(optional)]
    narrow: bool,
) -> AnyView {
    let PublicFrame { site, zone, zones, keep, support, query, banners } = frame;
    view! {
        <div class="page">
            <Sprite/>
            {skip()}
            <header class="site-header">
                <div class="wrap">
                    {brand(site, format!("/{query}"))}
                    {zone_form(zone, zones, keep)}
                    <a class="btn is-primary" href=format!("/subscribe{query}")>"Subscribe"</a>
                </div>
            </header>
            {top(banners)}
            <main id="main" tabindex="-1">
                <div class=if narrow { "wrap is-narrow" } else { "wrap" }>{children()}</div>
            </main>
            {footer(support, &query)}
        </div>
    }
    .into_any()
}

/// News on top of the page.
fn top(banners: Vec<BannerView>) -> AnyView {
    if banners.is_empty() {
        return ().into_any();
    }
    let line = |banner: BannerView| {
        view! {
            <li class=banner.state.tone.class()>
                <div class="wrap">
                    <Icon shape=banner.state.shape/>
                    <p><span class="vh">{banner.state.label}": "</span><a href=banner.href dir="auto">{banner.title}</a></p>
                </div>
            </li>
        }
    };
    view! {
        <aside class="banners" aria-label="News">
            <ul>{banners.into_iter().map(line).collect_view()}</ul>
        </aside>
    }
    .into_any()
}

fn zone_form(zone: String, zones: Vec<OptionView>, keep: Vec<(String, String)>) -> AnyView {
    view! {
        <details class="zone">
            <summary>{format!("Times in {zone} ")}<Icon shape=Shape::Next/></summary>
            <form method="get">
                {super::button::hidden(keep)}
                <div class="field">
                    <label for="tz">"Show times in"</label>
                    <select class="input" id="tz" name="tz">{options(zones)}</select>
                </div>
                <button class="btn is-block" type="submit">"Show"</button>
            </form>
        </details>
    }
    .into_any()
}

fn footer(support: String, query: &str) -> AnyView {
    let support = (!support.is_empty()).then(|| view! { <li><a href=support>"Contact support"</a></li> });
    view! {
        <footer class="site-footer">
            <div class="wrap">
                <ul>
                    <li><a href=format!("/{query}")>"Status now"</a></li>
                    <li><a href=format!("/history{query}")>"History"</a></li>
                    <li><a href=format!("/reports{query}")>"Monthly reports"</a></li>
                    <li><a href=format!("/announcements{query}")>"Announcements"</a></li>
                    <li><a href="/calendar.ics">"Calendar feed"</a></li>
                    {support}
                </ul>
                <span>"Runs on Fermata"</span>
            </div>
        </footer>
    }
    .into_any()
}

/// A page for those who work here.
#[component]
pub fn AdminLayout(
    /// What the frame shows.
    frame: AdminFrame,
    /// What the page shows; starts with `PageHeader`.
    children: Children,
) -> AnyView {
    let groups = frame.navigation();
    view! {
        <div class="admin">
            <Sprite/>
            {skip()}
            <header class="side">
                <div class="side-bar">
                    {brand("Fermata".to_owned(), "/admin".to_owned())}
                    {frame.runs_incidents.then(|| view! {
                        <a class="btn is-small report" href="/admin/incidents/new">
                            <Icon shape=Shape::Major/>
                            <span>"Report"<span class="rest">" an incident"</span></span>
                        </a>
                    })}
                    <button class="btn is-small" type="button" popovertarget="nav">
                        <Icon shape=Shape::Menu/>
                        "Menu"
                    </button>
                </div>
                <nav class="side-nav" id="nav" popover="auto" aria-label="Admin">
                    <button class="btn is-small close" type="button" popovertarget="nav" popovertargetaction="hide">
                        <Icon shape=Shape::Close/>
                        "Close"
                    </button>
                    {groups.into_iter().map(nav_group).collect_view()}
                    <div><ul class="side-list"><li><a href="/">"Public page"</a></li></ul></div>
                    {me(frame.user, frame.role)}
                </nav>
            </header>
            <main id="main" tabindex="-1">{children()}</main>
        </div>
    }
    .into_any()
}

fn nav_group(group: NavGroup) -> AnyView {
    view! {
        <div>
            {(!group.heading.is_empty()).then(|| view! { <h2>{group.heading}</h2> })}
            <ul class="side-list">{group.items.into_iter().map(entry).collect_view()}</ul>
        </div>
    }
    .into_any()
}

fn me(user: String, role: String) -> AnyView {
    view! {
        <div class="me">
            <a href="/admin/account"><strong dir="auto">{user}</strong></a>
            <span class="muted">{role}</span>
            <form method="post" action="/sign-out">
                <button class="btn is-small" type="submit">"Sign out"</button>
            </form>
        </div>
    }
    .into_any()
}

fn entry(item: NavItem) -> AnyView {
    let count = (item.count > 0).then(|| {
        let number = if item.count > 999 { "999+".to_owned() } else { item.count.to_string() };
        view! {
            " "
            <span class=format!("badge {}", item.tone.class())>
                {number}<span class="vh">{format!(" {}", item.meaning)}</span>
            </span>
        }
    });
    view! {
        <li><a href=item.href aria-current=item.current.then_some("page")>{item.label}{count}</a></li>
    }
    .into_any()
}

/// A page that is one task, without navigation: sign in, set up, confirm, an error.
#[component]
pub fn Sheet(
    /// The site's name.
    #[prop(into)]
    site: String,
    /// The heading.
    #[prop(into)]
    title: String,
    /// A sentence below it.
    #[prop(optional, into)]
    lead: Option<String>,
    /// Room for a form with hints.
    #[prop(optional)]
    wide: bool,
    /// What it holds.
    children: Children,
) -> AnyView {
    view! {
        <Sprite/>
        <main class=if wide { "sheet is-wide" } else { "sheet" } id="main">
            {brand(site, "/".to_owned())}
            <h1>{title}</h1>
            {lead.map(|lead| view! { <p>{lead}</p> })}
            {children()}
        </main>
    }
    .into_any()
}
