//! Incidents: those that are open, drafts, and what is over.

use super::desk::{Desk, admin};
use super::edit::query;
use crate::components::{ButtonLink, DataTable, EmptyState, PageHeader, Pager, Section, StateBadge, States};
use crate::view::{ColumnView, PagerView, StateView, Weight};
use domain::incident::{Incident, IncidentState};
use domain::people::Permission;
use leptos::prelude::*;
use service::incidents::{IncidentsListing, ListedIncident, incident_position_text, read_incident_position};

/// Incidents that are over on one page.
const MANY: i64 = 30;

/// Most open incidents and drafts shown.
const MOST: i64 = 200;

/// Everything the page shows.
struct Shown {
    open: Vec<ListedIncident>,
    drafts: Vec<ListedIncident>,
    past: Vec<ListedIncident>,
    goes_on: bool,
}

/// `/admin/incidents`
#[component]
pub fn Incidents() -> impl IntoView {
    let before = query().get("before").to_owned();
    let is_first = before.is_empty();
    admin(
        |_| "Incidents".to_owned(),
        move |desk: Desk| async move {
            let list =
                async |listing, before, limit| desk.services.incidents(&desk.actor, listing, before, limit).await;
            let mut past = list(IncidentsListing::Past, read_incident_position(&before), MANY + 1).await?;
            let goes_on = past.len() > usize::try_from(MANY).unwrap_or(usize::MAX);
            if goes_on {
                past.pop();
            }
            Ok(Shown {
                open: list(IncidentsListing::Open, None, MOST).await?,
                drafts: list(IncidentsListing::Drafts, None, MOST).await?,
                past,
                goes_on,
            })
        },
        move |desk, shown| page(&desk, &shown, is_first),
    )
}

fn page(desk: &Desk, shown: &Shown, is_first: bool) -> AnyView {
    let buttons = desk.may(Permission::RunIncidents).then(|| {
        view! {
            <ButtonLink href="/admin/incidents/new" weight=Weight::Primary>"Report an incident"</ButtonLink>
            <ButtonLink href="/admin/incidents/backfill">"Enter a past one"</ButtonLink>
        }
    });
    let is_empty = shown.open.is_empty() && shown.drafts.is_empty() && shown.past.is_empty() && is_first;
    let empty = is_empty.then(|| {
        view! {
            <EmptyState title="No incident" good=true
                text="When something breaks, report it here: customers read it at once, and those who follow it are told."/>
        }
    });
    let section = |id: &'static str, title: &'static str, list: &[ListedIncident]| {
        (!list.is_empty()).then(|| {
            let rows = list.iter().map(|line| row(desk, line)).collect();
            view! { <Section id title><DataTable caption=title columns=columns() rows/></Section> }
        })
    };
    let next = shown.past.last().filter(|_| shown.goes_on);
    let pager = PagerView {
        text: format!("{} on this page", shown.past.len()),
        previous: (!is_first).then(|| "/admin/incidents#past".to_owned()),
        next: next.map(|last| format!("/admin/incidents?before={}#past", incident_position_text(&last.incident))),
    };
    let pager = (!is_first || shown.goes_on).then(|| view! { <Pager pager/> });
    view! {
        <PageHeader title="Incidents">{buttons}</PageHeader>
        {empty}
        {section("open", "Open", &shown.open)}
        {section("drafts", "Drafts", &shown.drafts)}
        {section("past", "Past", &shown.past)}
        {pager}
    }
    .into_any()
}

fn columns() -> Vec<ColumnView> {
    vec![
        ColumnView::new("Incident"),
        ColumnView::new("State and severity"),
        ColumnView::new("Began"),
        ColumnView::new("Lasted"),
    ]
}

fn row(desk: &Desk, line: &ListedIncident) -> Vec<AnyView> {
    let incident = &line.incident;
    let (href, title) = (format!("/admin/incidents/{}", incident.id), incident.title.to_string());
    let number = format!("{} ", incident.reference());
    let mark = incident.is_backfilled.then(|| view! { <span class="sub">"Entered afterwards"</span> });
    let state = state(incident);
    let severity = StateView::from(incident.severity()).plain();
    let lasted = match (line.lasted, incident.state.is_open()) {
        (None, _) => "–".to_owned(),
        (Some(span), true) => format!("{} so far", span.in_words()),
        (Some(span), false) => span.in_words(),
    };
    vec![
        view! { <a href=href>{number}<span dir="auto">{title}</span></a>{mark} }.into_any(),
        view! { <States><StateBadge state/><StateBadge state=severity/></States> }.into_any(),
        desk.short(incident.started_at).into_any(),
        lasted.into_any(),
    ]
}

/// The state on a badge.
#[must_use]
pub fn state(incident: &Incident) -> StateView {
    let view = StateView::from(incident.state);
    if incident.state == IncidentState::Resolved { view.plain() } else { view }
}
