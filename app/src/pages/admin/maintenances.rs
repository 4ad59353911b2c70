//! Windows by state.

use super::desk::{Desk, admin};
use super::plan::query;
use crate::components::{ButtonLink, EmptyState, PageHeader, Pager, PlanList, Section};
use crate::view::{ActionView, PagerView, StateView, Weight, WindowView};
use domain::maintenance::{Maintenance, State};
use domain::people::Permission;
use leptos::prelude::*;
use service::maintenance::{Listing, position_text, read_position};

/// Windows of one kind on the page that shows all kinds.
const FEW: i64 = 10;

/// Windows on a page of one kind.
const MANY: i64 = 30;

/// Windows of one kind.
struct Part {
    listing: Listing,
    windows: Vec<Maintenance>,
    goes_on: bool,
}

const fn name(listing: Listing) -> (&'static str, &'static str) {
    match listing {
        Listing::UnderWay => ("under-way", "Under way"),
        Listing::Ahead => ("ahead", "Ahead"),
        Listing::Drafts => ("drafts", "Drafts"),
        Listing::Ended => ("ended", "Past"),
    }
}

/// `/admin/maintenances`
#[component]
pub fn Maintenances() -> impl IntoView {
    let query = query();
    let only = Listing::ALL.into_iter().find(|listing| name(*listing).0 == query.get("show"));
    let after = query.get("after").to_owned();
    let is_first = after.is_empty();
    admin(
        move |_| only.map_or_else(|| "Maintenance".to_owned(), |listing| format!("Maintenance: {}", name(listing).1)),
        move |desk| async move {
            let mut parts = Vec::new();
            let listings = only.map_or(Listing::ALL.to_vec(), |listing| vec![listing]);
            let limit = if only.is_some() { MANY } else { FEW };
            for listing in listings {
                let mut windows =
                    desk.services.maintenances(&desk.actor, listing, read_position(&after), limit + 1).await?;
                let goes_on = windows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
                if goes_on {
                    windows.pop();
                }
                parts.push(Part { listing, windows, goes_on });
            }
            Ok(parts)
        },
        move |desk, parts| page(&desk, parts, only, is_first),
    )
}

fn page(desk: &Desk, parts: Vec<Part>, only: Option<Listing>, is_first: bool) -> AnyView {
    let may = desk.may(Permission::Maintain);
    let new = may.then(|| {
        view! { <ButtonLink href="/admin/maintenances/new" weight=Weight::Primary>"Plan maintenance"</ButtonLink> }
    });
    let is_empty = parts.iter().all(|part| part.windows.is_empty());
    let content = match only {
        Some(_) => parts.into_iter().map(|part| one(desk, part, is_first)).collect_view().into_any(),
        None if is_empty => {
            let text = "Plan a window: it is checked against the backups of everything it puts at risk, and customers hear of it in time.";
            if may {
                let action = ActionView::link("Plan maintenance", "/admin/maintenances/new");
                view! { <EmptyState title="No work is planned" text action/> }.into_any()
            } else {
                view! { <EmptyState title="No work is planned" text/> }.into_any()
            }
        }
        None => parts
            .into_iter()
            .filter(|part| !part.windows.is_empty())
            .map(|part| section(desk, part))
            .collect_view()
            .into_any(),
    };
    let title = only.map_or("Maintenance", |listing| name(listing).1);
    match only {
        None => view! {
            <PageHeader title="Maintenance">{new}</PageHeader>
            {content}
        }
        .into_any(),
        Some(_) => view! {
            <PageHeader title=title back=("Maintenance".to_owned(), "/admin/maintenances".to_owned())>{new}</PageHeader>
            {content}
        }
        .into_any(),
    }
}

fn section(desk: &Desk, part: Part) -> AnyView {
    let (id, title) = name(part.listing);
    let windows = part.windows.iter().map(|m| window(desk, m)).collect();
    let href = format!("/admin/maintenances?show={id}");
    if part.goes_on {
        view! { <Section id title more=("All of them".to_owned(), href)><PlanList windows/></Section> }.into_any()
    } else {
        view! { <Section id title><PlanList windows/></Section> }.into_any()
    }
}

fn one(desk: &Desk, part: Part, is_first: bool) -> AnyView {
    let (id, title) = name(part.listing);
    if part.windows.is_empty() {
        let text = if is_first { "Nothing is here at the moment." } else { "The list ends before this page." };
        return view! { <EmptyState title="Nothing here" text/> }.into_any();
    }
    let windows = part.windows.iter().map(|m| window(desk, m)).collect();
    let next = part.windows.last().filter(|_| part.goes_on);
    let pager = PagerView {
        text: format!("{} on this page", part.windows.len()),
        previous: (!is_first).then(|| format!("/admin/maintenances?show={id}")),
        next: next.map(|m| format!("/admin/maintenances?show={id}&after={}", position_text(m))),
    };
    view! {
        <h2 class="vh">{title}</h2>
        <PlanList windows/>
        <Pager pager/>
    }
    .into_any()
}

/// A window in a list.
#[must_use]
pub fn window(desk: &Desk, m: &Maintenance) -> WindowView {
    let state = StateView::from(m.state);
    WindowView {
        day: desk.day(m.begins_at()),
        title: format!("M-{} {}", m.number, m.title),
        href: format!("/admin/maintenances/{}", m.id),
        when: desk.range(m.begins_at(), m.finishes_at()),
        state: match m.state {
            State::Held => state.labelled("On hold: waiting for a backup"),
            State::Postponed => state.labelled("Postponed: needs a new time"),
            State::Cancelled if m.published_at.is_none() => state.labelled("Deleted draft"),
            State::Completed => state.plain(),
            _ => state,
        },
        proof: None,
        components: Vec::new(),
        action: None,
    }
}
