//! Restore drills: whose restore was not rehearsed lately, what is planned, what was done, and a new one.

use super::desk::{Desk, admin};
use super::edit::{Form, query};
use super::runs::{bytes_text, dash};
use crate::components::{
    Action, Actions, Button, ButtonLink, DataTable, Disclosure, EmptyState, Field, Flash, Hidden, PageHeader, Pager,
    Section, Select, StateBadge, TextArea,
};
use crate::context;
use crate::form::{FormData, encode};
use crate::pages::count;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, PagerView, StateView, Weight};
use domain::drill::{DrillKind, DrillState};
use domain::host::{DataSet, Host};
use domain::ids::HostId;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::drills::{DrillInput, DrillLine, DrillNeeds, DrillsQuery, OverdueHost, place};
use service::inventory::Page;

/// Hosts named one by one; more are counted.
const NAMED: usize = 25;

const PATH: &str = "/admin/drills";

const LABELS: [(&str, &str); 8] = [
    ("host", "Host"),
    ("data_set", "What is restored"),
    ("planned_at", "When"),
    ("started_at", "It began"),
    ("who", "Who does it"),
    ("evidence_url", "Where it is written down"),
    ("note", "Note"),
    ("run_id", "Run id"),
];

/// `/admin/drills?host=…&state=…&cursor=…`
#[component]
pub fn Drills() -> impl IntoView {
    let asked = query();
    let text = |name: &str| asked.get(name).to_owned();
    let query = DrillsQuery { host: text("host"), state: text("state"), cursor: text("cursor"), limit: String::new() };
    let find = query.clone();
    admin(
        |_| "Restore drills".to_owned(),
        |desk: Desk| async move {
            let page = desk.services.drills(&desk.actor, &find).await?;
            let needs = desk.services.drill_needs(&desk.actor).await?;
            Ok((page, needs, desk.services.host_choices(&desk.actor).await?))
        },
        move |desk, (page, needs, hosts)| board(&desk, &query, page, needs, hosts),
    )
}

fn board(desk: &Desk, query: &DrillsQuery, page: Page<DrillLine>, needs: DrillNeeds, hosts: Vec<Host>) -> AnyView {
    let may = desk.may(Permission::ReportBackup);
    let is_filtered = [&query.host, &query.state, &query.cursor].into_iter().any(|part| !part.is_empty());
    let new = may.then(|| {
        view! { <ButtonLink href=format!("{PATH}/new") weight=Weight::Primary>"Plan a drill"</ButtonLink> }
    });
    // Who looks for something finds it first; what waits stands on the page without a filter.
    let waiting = (!is_filtered).then(|| view! { {overdue(desk, &needs, may)}{open(desk, &needs)} });
    let pager = PagerView {
        text: format!("{}, newest first", count(page.items.len(), "drill", "drills")),
        previous: (!query.cursor.is_empty()).then(|| address(query, "")),
        next: page.next_cursor.as_deref().map(|cursor| address(query, cursor)),
    };
    let shown = if page.items.is_empty() {
        let (title, text) = if is_filtered {
            ("No such drill", "Nothing was planned or done that fits what you asked for.")
        } else {
            (
                "No drill yet",
                "Restore something, and write down how long it took: only then is it known that it can be.",
            )
        };
        view! { <EmptyState title text/> }.into_any()
    } else {
        table(desk, "Restore drills", &page.items)
    };
    let filters = filters(query, hosts);
    view! {
        <PageHeader title="Restore drills"
            intro="Rehearsed, timed restores. What they measure says how long a full restore takes.">{new}</PageHeader>
        {context::done(&[("abandoned", "The drill is given up.")]).map(|flash| view! { <Flash flash/> })}
        {waiting}
        <Section id="all" title="All drills">
            {filters}
            {shown}
            <Pager pager/>
        </Section>
    }
    .into_any()
}

fn address(query: &DrillsQuery, cursor: &str) -> String {
    let parts = [("host", &*query.host), ("state", &*query.state), ("cursor", cursor)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if text.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", text.join("&")) }
}

fn filters(query: &DrillsQuery, hosts: Vec<Host>) -> AnyView {
    let chosen = |option: OptionView, value: &str| {
        let is_chosen = option.value == value;
        option.chosen(is_chosen)
    };
    let hosts = std::iter::once(OptionView::new("", "All hosts"))
        .chain(hosts.into_iter().map(|host| OptionView::new(host.id.to_string(), host.name.to_string())))
        .map(|option| chosen(option, &query.host))
        .collect();
    let states = std::iter::once(OptionView::new("", "Any state"))
        .chain(DrillState::ALL.into_iter().map(|state| OptionView::new(state.as_str(), StateView::from(state).label)))
        .map(|option| chosen(option, &query.state))
        .collect();
    view! {
        <form class="filters" method="get" action=PATH>
            <Select name="host" label="Host" options=hosts/>
            <Select name="state" label="State" options=states/>
            <Button>"Show"</Button>
        </form>
    }
    .into_any()
}

/// "Never rehearsed", "183 d ago".
pub(super) fn last_drill(desk: &Desk, host: &OverdueHost) -> String {
    match host.overdue.last {
        None => "Never rehearsed".to_owned(),
        Some(at) => format!("{}, {} ago", desk.date(at), domain::time::Span::between(at, desk.now)),
    }
}

/// "2 of 3 data sets" where it is not all of them.
pub(super) fn part_of_host(host: &OverdueHost) -> Option<String> {
    let (late, of) = (host.overdue.data_sets.len(), host.overdue.of);
    (late < of).then(|| format!("{late} of {of} data sets"))
}

fn overdue(desk: &Desk, needs: &DrillNeeds, may: bool) -> AnyView {
    if needs.overdue.is_empty() {
        return ().into_any();
    }
    let rows: Vec<Vec<AnyView>> = needs
        .overdue
        .iter()
        .take(NAMED)
        .map(|host| {
            let href = format!("/admin/hosts/{}#restore", host.host_id);
            let part = part_of_host(host).map(|part| view! { <span class="sub">{part}</span> });
            let next = match (host.is_running, host.planned_at) {
                (true, _) => "one is running".to_owned(),
                (false, Some(at)) => desk.short(at),
                (false, None) => dash(),
            };
            let plan = may.then(|| {
                let to = format!("{PATH}/new?host={}", host.host_id);
                view! { <Action action=ActionView::link("Plan one", to).about(host.host.clone()) small=true/> }
            });
            vec![
                view! { <a href=href><span dir="auto">{host.host.clone()}</span></a>{part} }.into_any(),
                last_drill(desk, host).into_any(),
                host.limit.to_string().into_any(),
                next.into_any(),
                plan.into_any(),
            ]
        })
        .collect();
    let more = needs.overdue.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| view! { <p class="small muted">{format!("And {more} more hosts.")}</p> });
    let columns = vec![
        ColumnView::new("Host"),
        ColumnView::new("Last drill"),
        ColumnView::new("Wanted every"),
        ColumnView::new("Next"),
        ColumnView::unseen("What to do"),
    ];
    let title = format!("Overdue: {}", count(needs.overdue.len(), "host", "hosts"));
    view! {
        <Section id="overdue" title>
            <DataTable caption="Hosts without a recent restore drill" columns rows/>
            {more}
        </Section>
    }
    .into_any()
}

fn open(desk: &Desk, needs: &DrillNeeds) -> AnyView {
    if needs.open.is_empty() {
        return ().into_any();
    }
    let (running, planned): (Vec<DrillLine>, Vec<DrillLine>) =
        needs.open.iter().cloned().partition(|line| line.drill.state == DrillState::Running);
    let section = |id: &'static str, title: &'static str, lines: &[DrillLine]| {
        let content = (!lines.is_empty()).then(|| table(desk, title, lines));
        content.map(|content| view! { <Section id title>{content}</Section> })
    };
    view! { {section("running", "Running", &running)}{section("planned", "Planned", &planned)} }.into_any()
}

/// Drills, one per line.
pub(super) fn table(desk: &Desk, caption: &'static str, lines: &[DrillLine]) -> AnyView {
    let rows: Vec<Vec<AnyView>> = lines.iter().map(|line| row(desk, line)).collect();
    let columns = vec![
        ColumnView::new("What"),
        ColumnView::new("When"),
        ColumnView::new("State"),
        ColumnView::number("Took"),
        ColumnView::number("Size"),
        ColumnView::new("By"),
    ];
    view! { <DataTable caption columns rows/> }.into_any()
}

fn row(desk: &Desk, line: &DrillLine) -> Vec<AnyView> {
    let drill = &line.drill;
    let href = format!("{PATH}/{}", drill.id);
    let what = match (drill.kind, drill.data_set_id) {
        (DrillKind::Verify, _) => Some("only read and checked"),
        (DrillKind::Restore, None) => Some("the whole host"),
        (DrillKind::Restore, Some(_)) => None,
    };
    let what = what.map(|what| view! { <span class="sub">{what}</span> });
    let when = drill.finished_at.or(drill.started_at).or(drill.planned_at).unwrap_or(drill.created_at);
    let state = StateView::from(drill.state);
    let state = if drill.state == DrillState::Succeeded { state.plain() } else { state };
    let late = drill.is_late(desk.now).then(|| view! { <span class="sub">"its day has passed"</span> });
    vec![
        view! { <a href=href><span dir="auto">{place(line)}</span></a>{what} }.into_any(),
        desk.short(when).into_any(),
        view! { <StateBadge state/>{late} }.into_any(),
        drill.elapsed().map_or_else(dash, |took| took.to_string()).into_any(),
        drill.bytes.map_or_else(dash, bytes_text).into_any(),
        view! { <span dir="auto">{drill.who.clone()}</span> }.into_any(),
    ]
}

/// What the form of a new drill offers.
struct Choice {
    hosts: Vec<Host>,
    host: Option<(Host, Vec<DataSet>)>,
}

/// `/admin/drills/new?host=ID`: first the host, then the rest.
#[component]
pub fn NewDrill() -> impl IntoView {
    let typed = context::submitted();
    let host = typed.value("host", query().get("host"));
    admin(
        |_| "Plan a restore drill".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::ReportBackup)?;
            let hosts = desk.services.host_choices(&desk.actor).await?;
            let chosen = hosts.iter().find(|other| other.id.to_string() == host).cloned();
            let host = match chosen {
                None => None,
                Some(host) => {
                    let view = desk.services.host_view(&desk.actor, host.id).await?;
                    let sets = view.data_sets.into_iter().map(|line| line.data_set);
                    Some((host, sets.filter(|set| set.retired_at.is_none()).collect()))
                }
            };
            Ok(Choice { hosts, host })
        },
        |desk, choice| new(&desk, choice),
    )
}

fn new(desk: &Desk, choice: Choice) -> AnyView {
    let form = Form::at(&format!("{PATH}/new"), "");
    let back = ("Restore drills".to_owned(), PATH.to_owned());
    let intro = "Restore something for real, to a place where it harms nothing, and look whether it is all there. \
                 The time it takes is what this is about.";
    let inner = match &choice.host {
        Some((host, sets)) => plan_form(desk, &form, host, sets),
        None => {
            let options = std::iter::once(OptionView::new("", "Choose a host"))
                .chain(choice.hosts.iter().map(|host| OptionView::new(host.id.to_string(), host.name.to_string())))
                .collect();
            view! {
                <form class="form card" method="get" action=format!("{PATH}/new")>
                    <Select name="host" label="Whose restore is rehearsed?" options error=form.error("host")/>
                    <Actions><Button weight=Weight::Primary>"Go on"</Button></Actions>
                </form>
            }
            .into_any()
        }
    };
    view! {
        <PageHeader title="Plan a restore drill" back intro/>
        {form.summary(&LABELS)}
        {inner}
    }
    .into_any()
}

fn plan_form(desk: &Desk, form: &Form, host: &Host, sets: &[DataSet]) -> AnyView {
    let chosen = form.value("data_set", query().get("data_set"));
    let whole = format!("All of {}: {}", host.name, count(sets.len(), "data set", "data sets"));
    let options = std::iter::once(OptionView::new("", whole).chosen(chosen.is_empty()))
        .chain(sets.iter().map(|set| {
            let id = set.id.to_string();
            OptionView::new(id.clone(), set.name.to_string()).chosen(chosen == id)
        }))
        .collect();
    let zone = desk.site.zone.clone();
    let other = format!("{PATH}/new");
    let earlier = view! {
        <Field name="started_at" label="It began" value=form.value("started_at", "") error=form.error("started_at")
            hint="Like 2026-11-27 14:30; with an offset, 2026-11-27T14:30:00+01:00, in any zone." optional=true/>
    }
    .into_any();
    view! {
        <form class="form card" method="post" action=format!("{PATH}/new")>
            <p>
                "Host: "<strong dir="auto">{host.name.to_string()}</strong>" "
                <a href=other>"Choose another"</a>
            </p>
            <Hidden name="host" value=host.id.to_string()/>
            <Select name="data_set" label="What is restored" options error=form.error("data_set")/>
            <Field name="planned_at" label="When" kind="datetime-local" value=form.value("planned_at", "")
                error=form.error("planned_at") hint=format!("In {zone}. Not needed where it begins now.") optional=true/>
            <Field name="who" label="Who does it" value=form.value("who", desk.actor.label()) error=form.error("who")
                maxlength=120/>
            <Field name="evidence_url" label="Where it is written down" kind="url" value=form.value("evidence_url", "")
                error=form.error("evidence_url") hint="The address of a page or a ticket." optional=true maxlength=500/>
            <TextArea name="note" label="Note" value=form.value("note", "") error=form.error("note") rows=3 optional=true
                maxlength=1000/>
            <Disclosure label="It began earlier" open=form.error("started_at").is_some()>{earlier}</Disclosure>
            <Actions>
                <Button weight=Weight::Primary name="status" value="planned">"Plan it"</Button>
                <Button name="status" value="running">"It begins now"</Button>
            </Actions>
        </form>
    }
    .into_any()
}

/// Takes the form of [`NewDrill`].
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn add(post: Post) -> Result<Posted, Error> {
    let drill = post.services.add_drill(&post.actor, &input(&post.form)).await;
    let done = drill.map(|drill| match drill.state {
        DrillState::Planned => format!("{PATH}/{}?done=planned", drill.id),
        _ => format!("{PATH}/{}?done=started", drill.id),
    });
    post.done(done)
}

fn input(form: &FormData) -> DrillInput {
    let text = |name: &str| form.get(name).to_owned();
    DrillInput {
        host: text("host"),
        data_set: text("data_set"),
        status: text("status"),
        planned_at: text("planned_at"),
        started_at: text("started_at"),
        who: text("who"),
        evidence_url: text("evidence_url"),
        note: text("note"),
        ..DrillInput::default()
    }
}

/// The address that plans a drill of a host.
pub(super) fn plan_for(host: HostId) -> String {
    format!("{PATH}/new?host={host}")
}
