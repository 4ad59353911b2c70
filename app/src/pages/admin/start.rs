//! `/admin`: what needs me now.

use super::alerts;
use super::deliveries::trouble;
use super::desk::{Desk, admin};
use super::drills::{last_drill, plan_for};
use super::findings;
use super::gate::proof;
use super::maintenances::window;
use super::runs::grouped;
use super::webhooks;
use super::zone_move;
use crate::components::{AttentionList, ButtonLink, EmptyState, PageHeader, PlanList, Section};
use crate::pages::public::post_mortem::detail;
use crate::view::{ActionView, AttentionView, Shape, StateView, Tone, Weight, WindowView};
use domain::finding::Case;
use domain::gate::Purpose;
use domain::incident::Incident;
use domain::maintenance::{Maintenance, OverrideState};
use domain::people::Permission;
use leptos::prelude::*;
use service::deliveries::{MailNeeds, UNREACHED};
use service::drills::{DrillLine, DrillNeeds, place};
use service::findings::FindingsQuery;
use service::gate::Coverage;
use service::incidents::IncidentNeeds;
use service::maintenance::{HeldBack, NeedsMe, SeriesWaiting};
use service::post_mortems::{AfterNeeds, PostMortemLine};
use service::requests::PlacedRequest;
use service::site::Watched;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Data sets named one by one; more are counted.
const NAMED: usize = 5;

/// What the page shows beside what waits, which every page counts.
struct Start {
    needs: NeedsMe,
    coverage: Coverage,
    findings: Vec<Case>,
    watched: Watched,
}

/// `/admin`
#[component]
pub fn AdminStart() -> impl IntoView {
    admin(
        |_| "Needs me now".to_owned(),
        |desk| async move {
            let needs = desk.services.needs_me(&desk.actor).await?;
            let coverage = desk.services.unprotected(&desk.actor, Purpose::Schedule).await?;
            let findings = desk.services.findings(&desk.actor, &FindingsQuery::default()).await?.open;
            let watched = desk.services.watched(&desk.actor).await?;
            Ok(Start { needs, coverage, findings, watched })
        },
        |desk, start| page(&desk, &start),
    )
}

fn page(desk: &Desk, start: &Start) -> AnyView {
    let waits = &desk.attention;
    let mut items: Vec<AttentionView> = waits.causes.iter().map(|cause| alerts::item(desk, cause)).collect();
    items.extend(incidents(desk, &waits.incidents));
    items.extend(windows(desk, &start.needs));
    items.extend(mails(desk, &waits.mail));
    items.extend(webhooks::needs(desk, &waits.webhooks));
    items.extend(requests(desk, &waits.troubled));
    items.extend(drills(desk, &waits.drills));
    items.extend(after(desk, &waits.after));
    let new = desk.may(Permission::Maintain).then(|| {
        view! { <ButtonLink href="/admin/maintenances/new" weight=Weight::Primary>"Plan maintenance"</ButtonLink> }
    });
    let mut later = found(desk, &start.findings);
    later.extend(coverage(&start.coverage, &start.findings));
    later.extend(drafts(&start.needs));
    let attention = if items.is_empty() && later.is_empty() {
        nothing(desk, start)
    } else if items.is_empty() {
        ().into_any()
    } else {
        view! { <Section id="waiting" title="Waiting for somebody"><AttentionList items/></Section> }.into_any()
    };
    let later = (!later.is_empty()).then(|| {
        view! { <Section id="findings" title="Before the next maintenance"><AttentionList items=later/></Section> }
    });
    let under_way: Vec<WindowView> = start.needs.under_way.iter().map(|m| window(desk, m)).collect();
    let under_way = (!under_way.is_empty())
        .then(|| view! { <Section id="under-way" title="Under way"><PlanList windows=under_way/></Section> });
    let soon: Vec<WindowView> = start
        .needs
        .soon
        .iter()
        .map(|soon| WindowView {
            proof: Some(proof(&soon.gate.verdict, soon.lasts)),
            ..window(desk, &soon.maintenance)
        })
        .collect();
    let soon = (!soon.is_empty())
        .then(|| view! { <Section id="soon" title="Starting soon"><PlanList windows=soon/></Section> });
    view! {
        <PageHeader title="Needs me now">{new}</PageHeader>
        {attention}
        {later}
        {under_way}
        {soon}
    }
    .into_any()
}

/// What is well, as far as anything is watched.
fn nothing(desk: &Desk, start: &Start) -> AnyView {
    if !start.watched.hosts && !start.watched.components {
        let text = "There is no host whose backups are asked about, and no component that customers see. Begin with the \
                    hosts and what must not be lost on them.";
        let action = desk.may(Permission::EditInventory).then(|| ActionView::link("Add a host", "/admin/hosts/new"));
        return view! { <EmptyState title="Nothing is watched yet" text action/> }.into_any();
    }
    let backups = if start.coverage.data_sets > 0 {
        "every data set has a good run, every restore was rehearsed"
    } else {
        "no data set is watched yet"
    };
    let mails = if desk.services.mail_configured { "mails go out" } else { "no mail server is configured" };
    let text = format!("No window is on hold, {backups}, and {mails}.");
    view! { <EmptyState title="Nothing needs you now" good=true text/> }.into_any()
}

fn href(m: &Maintenance) -> String {
    format!("/admin/maintenances/{}", m.id)
}

fn item(m: &Maintenance, tone: Tone, shape: Shape, detail: String, action: ActionView) -> AttentionView {
    let title = format!("M-{} {}", m.number, m.title);
    let about = title.clone();
    AttentionView { tone, shape, title, href: href(m), detail, actions: vec![action.about(about)] }
}

/// What stands against it, in one line.
fn reasons(held: &HeldBack) -> String {
    let all = held.gate.verdict.reasons();
    let first: Vec<String> = all.iter().take(2).map(domain::gate::Finding::heading).collect();
    let against = match all.len() {
        0 => "Nothing stands against it any more.".to_owned(),
        n if n > 2 => format!("{}, and {} more.", first.join("; "), n - 2),
        _ => format!("{}.", first.join("; ")),
    };
    match &held.newest_override {
        Some(of) if of.state == OverrideState::Asked => format!("{against} A second person has been asked."),
        Some(of) if of.state == OverrideState::Refused => {
            let why = of.end_why.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{against} An override was refused: {why}")
        }
        _ => against,
    }
}

/// What is broken: first what customers wait for, then drafts, then what was told lately.
fn incidents(desk: &Desk, needs: &IncidentNeeds) -> Vec<AttentionView> {
    let item = |incident: &Incident, tone: Tone, shape: Shape, detail: String, label: &str| {
        let (title, href) =
            (format!("{} {}", incident.reference(), incident.title), format!("/admin/incidents/{}", incident.id));
        let actions = vec![ActionView::link(label, href.clone()).about(title.clone())];
        AttentionView { tone, shape, title, href, detail, actions }
    };
    let silent = needs.silent.iter().map(|(incident, last)| {
        let detail = format!("Open, and customers have read nothing since {}.", desk.short(*last));
        item(incident, Tone::Major, Shape::Major, detail, "Post an update")
    });
    let drafts = needs.drafts.iter().map(|incident| {
        let detail = format!("A draft since {}: customers know nothing of it.", desk.short(incident.created_at));
        item(incident, Tone::Degraded, Shape::Draft, detail, "Look it over")
    });
    let open = needs.open.iter().map(|incident| {
        let detail = format!("Open since {}: {}.", desk.short(incident.started_at), incident.state.text());
        item(incident, Tone::Partial, Shape::Partial, detail, "Go on")
    });
    silent.chain(drafts).chain(open).collect()
}

fn count(reasons: usize) -> String {
    if reasons == 1 { "1 reason".to_owned() } else { format!("{reasons} reasons") }
}

/// Windows that wait for a person, most urgent first.
fn windows(desk: &Desk, needs: &NeedsMe) -> Vec<AttentionView> {
    let mut items = Vec::new();
    for wanted in &needs.second_person {
        let m = &wanted.maintenance;
        let detail = format!(
            "{} asks to go ahead with “{}” against {}: {}",
            wanted.asked_by,
            m.title,
            count(wanted.of.reasons.len()),
            wanted.of.why
        );
        let title = format!("M-{} asks for a second person", m.number);
        let to = format!("{}#override", href(m));
        let actions = vec![ActionView::link("Look and decide", to.clone()).about(title.clone())];
        items.push(AttentionView { tone: Tone::Major, shape: Shape::Held, title, href: to, detail, actions });
    }
    for held in &needs.held {
        let m = &held.maintenance;
        let detail = format!("On hold; it can wait until {}. {}", desk.short(m.planned.last_fit()), reasons(held));
        items.push(item(m, Tone::Major, Shape::Held, detail, ActionView::link("See what is missing", href(m))));
    }
    for m in &needs.overdue {
        let detail =
            format!("Planned until {}, and still under way. Complete or extend it.", desk.short(m.planned.ends_at));
        items.push(item(m, Tone::Major, Shape::Work, detail, ActionView::link("Complete or extend", href(m))));
    }
    for m in &needs.to_start {
        let detail = format!("Was to begin {}, by hand.", desk.short(m.planned.starts_at));
        items.push(item(m, Tone::Degraded, Shape::Scheduled, detail, ActionView::link("Start it", href(m))));
    }
    for m in &needs.postponed {
        let detail = "It did not begin in its time; customers wait for a new one.".to_owned();
        let action = ActionView::link("Give it a new time", format!("{}/edit", href(m)));
        items.push(item(m, Tone::Degraded, Shape::Postponed, detail, action));
    }
    for waiting in &needs.series {
        items.push(series(waiting));
    }
    items.extend(needs.zone_moves.iter().map(|look| zone_move::item(desk, look)));
    items
}

/// Drafts of windows, by what the gate says of them now.
fn drafts(needs: &NeedsMe) -> Vec<AttentionView> {
    let mut items = Vec::new();
    for m in &needs.overridden_drafts {
        let detail = "Two people let this draft go ahead against the gate: it can be scheduled now.".to_owned();
        items.push(item(m, Tone::Degraded, Shape::Draft, detail, ActionView::link("Open the draft", href(m))));
    }
    for held in &needs.blocked_drafts {
        let m = &held.maintenance;
        let detail = format!("This draft can not be scheduled. {}", reasons(held));
        let action = ActionView::link("Open the draft", format!("{}/edit", href(m)));
        items.push(item(m, Tone::Quiet, Shape::Draft, detail, action));
    }
    items
}

/// A series whose next windows could not be scheduled.
fn series(waiting: &SeriesWaiting) -> AttentionView {
    let series = &waiting.series;
    let href = format!("/admin/series/{}", series.id);
    let drafts = waiting.draft.as_ref().map(|held| {
        let wait = match waiting.drafts {
            1 => "1 window waits as a draft".to_owned(),
            n => format!("{n} windows wait as drafts"),
        };
        format!("{wait}, and is tried again every minute: {}", reasons(held))
    });
    let problem = series.problem.as_ref().map(|problem| format!("Not all windows could be made. {problem}"));
    let detail: Vec<String> = problem.into_iter().chain(drafts).collect();
    AttentionView {
        tone: if series.problem.is_some() { Tone::Major } else { Tone::Degraded },
        shape: Shape::Held,
        title: format!("{}, {}", series.title, series.timing.words()),
        detail: detail.join(" "),
        actions: vec![ActionView::link("See the series", href.clone()).about(series.title.to_string())],
        href,
    }
}

/// Mails that do not go out.
fn mails(desk: &Desk, needs: &MailNeeds) -> Vec<AttentionView> {
    let item = |tone, title: String, detail: String, state: &str| {
        let href = format!("/admin/deliveries{state}");
        let action = ActionView::link("Look", href.clone()).about(title.clone());
        AttentionView { tone, shape: Shape::Mail, title, href, detail, actions: vec![action] }
    };
    let mut items = Vec::new();
    if let Some(trouble) = trouble(desk, &needs.status) {
        items.push(item(trouble.tone, trouble.title, trouble.text, ""));
    }
    if needs.stuck.failed > 0 {
        let (title, detail) =
            (mails_text(needs.stuck.failed, "failed"), "In the last 24 hours. They are not tried again.");
        items.push(item(Tone::Major, title, detail.to_owned(), "?state=failed"));
    }
    if needs.stuck.late > 0 {
        let title = mails_text(needs.stuck.late, "waiting for more than an hour");
        items.push(item(Tone::Degraded, title, "They are tried again by themselves.".to_owned(), "?state=waiting"));
    }
    if needs.unreached > 0 {
        let who = match needs.unreached {
            1 => "1 confirmed subscriber hears".to_owned(),
            UNREACHED.. => format!("{} or more confirmed subscribers hear", grouped(UNREACHED)),
            n => format!("{} confirmed subscribers hear", grouped(n)),
        };
        let detail = format!("{who} nothing. Each mail that would have gone can be read.");
        items.push(item(Tone::Degraded, "No mail server is configured".to_owned(), detail, ""));
    }
    items
}

fn mails_text(n: i64, what: &str) -> String {
    if n == 1 { format!("1 mail {what}") } else { format!("{} mails {what}", grouped(n)) }
}

/// Requests that came to nothing, or that nobody could be told of.
fn requests(desk: &Desk, troubled: &[PlacedRequest]) -> Vec<AttentionView> {
    let item = |placed: &PlacedRequest| {
        let href = format!("/admin/jobs/{}#requests", placed.request.job_id);
        AttentionView {
            tone: if placed.request.is_open() { Tone::Degraded } else { Tone::Major },
            shape: StateView::from(placed.request.state).shape,
            title: format!("Backup requested: {}", placed.job),
            detail: placed.request.sentence(desk.services.zones.as_ref(), &desk.site.zone),
            actions: vec![ActionView::link("See the job", href.clone()).about(placed.job.clone())],
            href,
        }
    };
    troubled.iter().map(item).collect()
}

/// What should be mended before the next window.
fn found(desk: &Desk, open: &[Case]) -> Vec<AttentionView> {
    let mut items: Vec<AttentionView> = open.iter().take(NAMED).map(|case| findings::item(desk, case)).collect();
    if let Some(more) = open.len().checked_sub(NAMED).filter(|more| *more > 0) {
        items.push(AttentionView {
            tone: Tone::Degraded,
            shape: Shape::Unknown,
            title: if more == 1 { "1 more finding".to_owned() } else { format!("{more} more findings") },
            href: "/admin/findings".to_owned(),
            detail: format!("Of {} that are open.", open.len()),
            actions: vec![ActionView::link("See all", "/admin/findings")],
        });
    }
    items
}

/// Data sets without a good run, except those that are findings already.
fn coverage(coverage: &Coverage, open: &[Case]) -> Vec<AttentionView> {
    let found: BTreeSet<Uuid> = open.iter().map(|case| case.finding.subject.uuid()).collect();
    let about = |u: &service::gate::Unprotected| u.data_set.map_or(u.host.0, |id| id.0);
    let unprotected: Vec<_> = coverage.unprotected.iter().filter(|u| !found.contains(&about(u))).collect();
    let place = |u: &service::gate::Unprotected| match u.data_set {
        Some(_) => format!("{} · {}", u.host_name, u.data_set_name),
        None => u.host_name.clone(),
    };
    let mut items: Vec<AttentionView> = unprotected
        .iter()
        .take(NAMED)
        .map(|u| {
            let href = match u.data_set {
                Some(id) => format!("/admin/data-sets/{id}"),
                None => format!("/admin/hosts/{}", u.host),
            };
            let why: Vec<&str> = u.findings.iter().map(|finding| finding.reason.headline()).collect();
            AttentionView {
                tone: Tone::Degraded,
                shape: Shape::Unknown,
                title: place(u),
                detail: format!("Not protected: {}.", why.join("; ")),
                actions: vec![ActionView::link("Look", href.clone()).about(place(u))],
                href,
            }
        })
        .collect();
    if let Some(more) = unprotected.len().checked_sub(NAMED).filter(|more| *more > 0) {
        items.push(AttentionView {
            tone: Tone::Degraded,
            shape: Shape::Unknown,
            title: format!("{more} more without a good run"),
            href: "/admin/data-sets".to_owned(),
            detail: format!("Of {} data sets that are asked about.", coverage.data_sets),
            actions: vec![ActionView::link("See all", "/admin/data-sets")],
        });
    }
    items
}

/// Post-mortems that wait for this person, and action items whose day has passed.
fn after(desk: &Desk, needs: &AfterNeeds) -> Vec<AttentionView> {
    let text = |line: &PostMortemLine, shape: Shape, what: &str, detail: &str, label: &str| {
        let href = format!("/admin/incidents/{}/post-mortem", line.post_mortem.incident);
        let title = format!("{what}: I-{} {}", line.number, line.title);
        let actions = vec![ActionView::link(label, href.clone()).about(title.clone())];
        AttentionView { tone: Tone::Degraded, shape, title, href, detail: detail.to_owned(), actions }
    };
    let review = "Somebody else wrote it: read it before customers do.";
    let publish = "A second person has read it: it can be published when the incident is resolved.";
    let to_review = needs.to_review.iter();
    let to_review = to_review.map(|line| text(line, Shape::Verifying, "Post-mortem to review", review, "Read it"));
    let to_publish = needs.to_publish.iter();
    let to_publish = to_publish.map(|line| text(line, Shape::Ok, "Post-mortem to publish", publish, "Look"));
    let overdue = needs.overdue.iter().take(NAMED).map(|line| {
        let item = &line.item;
        let href = format!("/admin/action-items/{}", item.id);
        let title = format!("Overdue: {}", item.content.title);
        let text =
            format!("{}, after I-{} {}.", detail(item, needs.today, |at| desk.date(at)), line.number, line.title);
        let actions = vec![ActionView::link("Look", href.clone()).about(title.clone())];
        AttentionView { tone: Tone::Degraded, shape: Shape::Partial, title, href, detail: text, actions }
    });
    let mut items: Vec<AttentionView> = to_review.chain(to_publish).chain(overdue).collect();
    if let Some(more) = needs.overdue.len().checked_sub(NAMED).filter(|more| *more > 0) {
        items.push(AttentionView {
            tone: Tone::Degraded,
            shape: Shape::Partial,
            title: format!("{more} more overdue action items"),
            href: "/admin/action-items?show=overdue".to_owned(),
            detail: format!("Of {}.", needs.overdue.len()),
            actions: vec![ActionView::link("See all", "/admin/action-items?show=overdue")],
        });
    }
    items
}

/// Restores that failed, drills whose day has passed, and hosts without a recent one.
fn drills(desk: &Desk, needs: &DrillNeeds) -> Vec<AttentionView> {
    let of = |line: &DrillLine, tone: Tone, shape: Shape, title: String, detail: String| {
        let href = format!("/admin/drills/{}", line.drill.id);
        let actions = vec![ActionView::link("Look", href.clone()).about(title.clone())];
        AttentionView { tone, shape, title, href, detail, actions }
    };
    let failed = needs.failed.iter().map(|line| {
        let title = format!("A restore drill failed: {}", place(line));
        of(line, Tone::Major, Shape::Major, title, line.drill.note.clone())
    });
    let late = needs.late(desk.now).map(|line| {
        let day = line.drill.planned_at.map(|at| desk.short(at)).unwrap_or_default();
        let title = format!("A restore drill was planned: {}", place(line));
        let detail = format!("For {day}, by {}. It has not begun.", line.drill.who);
        of(line, Tone::Degraded, Shape::Scheduled, title, detail)
    });
    let mut items: Vec<AttentionView> = failed.chain(late).collect();
    let alone: Vec<_> = needs.alone().collect();
    let href = "/admin/drills#overdue".to_owned();
    match alone.as_slice() {
        [] => {}
        [one] => {
            let title = format!("Restore not rehearsed: {}", one.host);
            let detail = format!("{}; wanted every {}.", last_drill(desk, one), one.limit);
            let actions = vec![ActionView::link("Plan a drill", plan_for(one.host_id)).about(one.host.clone())];
            items.push(AttentionView { tone: Tone::Degraded, shape: Shape::Unknown, title, href, detail, actions });
        }
        many => {
            let title = format!("Restore not rehearsed: {} hosts", many.len());
            let named: Vec<&str> = many.iter().take(NAMED).map(|host| host.host.as_str()).collect();
            let more = match many.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let detail = format!("{}{more}: no recent drill shows that they can be restored.", named.join(", "));
            let actions = vec![ActionView::link("See all", href.clone()).about(title.clone())];
            items.push(AttentionView { tone: Tone::Degraded, shape: Shape::Unknown, title, href, detail, actions });
        }
    }
    items
}
