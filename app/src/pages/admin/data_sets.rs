//! Data sets: all of them with how they stand, and one of them with its jobs.

use super::desk::{Desk, admin};
use super::edit::{Form, capital, id, links, param, part, query, standing, version};
use super::host::kinds;
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, DataTable, EmptyState, Field, Flash, Hidden, PageHeader, Pager, Section,
    Select, StateBadge,
};
use crate::context;
use crate::pages::count;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, Shape, StateView, Tone, Weight};
use domain::backup::Job;
use domain::gate::{Purpose, Scope, Verdict};
use domain::host::DataSet;
use domain::ids::DataSetId;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::gate::Coverage;
use service::inventory::{DataSetInput, DataSetView};
use std::collections::BTreeSet;

const LABELS: [(&str, &str); 2] = [("name", "Name"), ("kind", "What it is")];

const DONE: [(&str, &str); 3] = [
    ("saved", "Saved."),
    ("retired", "The data set is out of use. Its history stays."),
    ("job-deleted", "The job was deleted."),
];

/// Takes the forms of all pages below `/admin/data-sets`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let read = version(form);
    let at = |data_set: DataSetId, done: &str| format!("/admin/data-sets/{data_set}?done={done}");
    let done = match rest {
        [data_set] => {
            let data_set: DataSetId = id(data_set, "data set")?;
            let input = DataSetInput { name: form.get("name").to_owned(), kind: form.get("kind").to_owned() };
            services.edit_data_set(actor, data_set, read, input).await.map(|_| at(data_set, "saved"))
        }
        [data_set, "retire"] => {
            let data_set: DataSetId = id(data_set, "data set")?;
            services.retire_data_set(actor, data_set, read).await.map(|_| at(data_set, "retired"))
        }
        [data_set, "delete"] => {
            let data_set: DataSetId = id(data_set, "data set")?;
            services.delete_data_set(actor, data_set, read).await.map(|()| "/admin/data-sets?done=deleted".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// `/admin/data-sets`
#[component]
pub fn DataSets() -> impl IntoView {
    admin(
        |_| "Data sets".to_owned(),
        |desk: Desk| async move { desk.services.unprotected(&desk.actor, Purpose::Schedule).await },
        |desk, coverage| list(&desk, &coverage),
    )
}

struct Row {
    cells: Vec<AnyView>,
    text: String,
    is_safe: bool,
}

fn list(desk: &Desk, coverage: &Coverage) -> AnyView {
    let query = query();
    let (find, show) = (query.get("q").trim().to_owned(), query.get("show").to_owned());
    let edits = desk.may(Permission::EditInventory);
    let wanted = find.to_lowercase();
    let rows: Vec<Row> = rows(coverage, edits)
        .into_iter()
        .filter(|row| row.text.contains(&wanted) && (show != "unsafe" || !row.is_safe))
        .collect();
    let (rows, pager) = part(rows, "/admin/data-sets", &[("q", &find), ("show", &show)]);
    let columns = vec![
        ColumnView::new("Data set"),
        ColumnView::new("Jobs"),
        ColumnView::new("Backup"),
        ColumnView::unseen("What to do"),
    ];
    let bad = coverage.unprotected.len();
    let intro = if bad == 0 && coverage.data_sets == 0 {
        "None is asked about yet: a data set belongs to a host.".to_owned()
    } else if bad == 0 {
        format!(
            "All {} are backed up well enough to schedule work.",
            count(coverage.data_sets, "data set", "data sets")
        )
    } else {
        format!("{bad} of them stand against work on their hosts: no job, no good run, or too old.")
    };
    let shows = [("", "All"), ("unsafe", "Not safe")];
    let shows = shows.into_iter().map(|(value, label)| OptionView::new(value, label).chosen(show == value)).collect();
    let table = if rows.is_empty() {
        view! {
            <EmptyState title="No data set here"
                text="Data sets are declared on the page of their host: its files, one database, its image."
                action=ActionView::link("To the hosts", "/admin/hosts")/>
        }
        .into_any()
    } else {
        let rows = rows.into_iter().map(|row| row.cells).collect();
        view! { <DataTable caption="Data sets" columns rows/> }.into_any()
    };
    view! {
        <PageHeader title="Data sets" intro/>
        {context::done(&[("deleted", "The data set was deleted.")]).map(|flash| view! { <Flash flash/> })}
        <form class="filters" method="get">
            <Field name="q" label="Host or data set" kind="search" value=find/>
            <Select name="show" label="Show" options=shows/>
            <Button>"Filter"</Button>
        </form>
        {table}
        <Pager pager/>
    }
    .into_any()
}

fn rows(coverage: &Coverage, edits: bool) -> Vec<Row> {
    let verdict = &coverage.checked.verdict;
    let mut rows = Vec::new();
    for host in &coverage.checked.evidence.hosts {
        let host_link = links(vec![(host.name.clone(), format!("/admin/hosts/{}", host.id))]);
        let missing = verdict.reasons().iter().find(|f| f.host == Some(host.id) && f.data_set.is_none());
        if let Some(missing) = missing {
            let state = StateView::new(Tone::Major, Shape::Major, capital(missing.reason.headline()));
            let to = format!("/admin/hosts/{}#data-sets", host.id);
            let add = edits.then(|| {
                let action = ActionView::link("Declare or exempt", to).about(host.name.clone());
                view! { <Action action small=true/> }
            });
            rows.push(Row {
                cells: vec![
                    view! { {host_link}<span class="sub">"no data set"</span> }.into_any(),
                    view! { <span class="muted">"none"</span> }.into_any(),
                    view! { <StateBadge state/> }.into_any(),
                    add.into_any(),
                ],
                text: host.name.to_lowercase(),
                is_safe: false,
            });
            continue;
        }
        for entry in &host.data_sets {
            let data_set = &entry.data_set;
            let state = standing(verdict, host.id, data_set.id);
            let jobs: Vec<&Job> = entry.jobs.iter().map(|e| &e.job).filter(|j| j.retired_at.is_none()).collect();
            let without_job = jobs.is_empty() && host.exemption.is_none();
            let add = (edits && without_job).then(|| {
                let to = format!("/admin/jobs/new?data_set={}", data_set.id);
                view! { <Action action=ActionView::link("Add a job", to).about(data_set.name.to_string()) small=true/> }
            });
            let name = (data_set.name.to_string(), format!("/admin/data-sets/{}", data_set.id));
            let sub = format!("{} · {}", host.name, data_set.kind.text());
            let is_safe = state.tone != Tone::Major;
            rows.push(Row {
                cells: vec![
                    view! { {links(vec![name])}<span class="sub" dir="auto">{sub}</span> }.into_any(),
                    job_links(&jobs),
                    view! { <StateBadge state/> }.into_any(),
                    add.into_any(),
                ],
                text: format!("{} {}", host.name, data_set.name).to_lowercase(),
                is_safe,
            });
        }
    }
    rows
}

fn job_links(jobs: &[&Job]) -> AnyView {
    if jobs.is_empty() {
        return view! { <span class="muted">"none"</span> }.into_any();
    }
    links(jobs.iter().map(|job| (job.name.to_string(), format!("/admin/jobs/{}", job.id))).collect())
}

/// `/admin/data-sets/ID`, also where one of its forms came back.
#[component]
pub fn DataSetPage() -> impl IntoView {
    let id = param::<DataSetId>("data set");
    admin(
        |(view, _): &(DataSetView, Verdict)| format!("{} on {}", view.data_set.name, view.host.name),
        |desk: Desk| async move {
            let view = desk.services.data_set_view(&desk.actor, id?).await?;
            let scope = Scope { hosts: BTreeSet::from([view.host.id]), components: BTreeSet::new() };
            let checked = desk.services.check_gate(&desk.actor, Purpose::Schedule, &scope).await?;
            Ok((view, checked.verdict))
        },
        |desk, (view, verdict)| show(&desk, view, &verdict),
    )
}

fn show(desk: &Desk, view: DataSetView, verdict: &Verdict) -> AnyView {
    let DataSetView { data_set, host, jobs } = view;
    let path = format!("/admin/data-sets/{}", data_set.id);
    let retired = data_set.retired_at.is_some();
    let edits = desk.may(Permission::EditInventory) && !retired;
    let form = Form::at(&path, "");
    let ends = [Form::at(&format!("{path}/retire"), ""), Form::at(&format!("{path}/delete"), "")];
    let state = if retired {
        StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use")
    } else {
        standing(verdict, host.id, data_set.id)
    };
    let add = format!("/admin/jobs/new?data_set={}", data_set.id);
    let columns = vec![ColumnView::new("Job"), ColumnView::new("Expected"), ColumnView::new("State")];
    let rows: Vec<Vec<AnyView>> = jobs.iter().map(row).collect();
    let table = if rows.is_empty() {
        view! { <p class="muted">"No job protects this data set."</p> }.into_any()
    } else {
        view! { <DataTable caption="Jobs of this data set" columns rows/> }.into_any()
    };
    let version = data_set.version.to_string();
    let name = data_set.name.to_string();
    let edit = edits.then(|| edit_form(&form, &path, &data_set));
    view! {
        <PageHeader title=name.clone() back=(host.name.to_string(), format!("/admin/hosts/{}", host.id)) state
            intro=data_set.kind.text()>
            {edits.then(|| view! { <ButtonLink href=add weight=Weight::Primary>"Add a job"</ButtonLink> })}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        {ends.map(|form| form.summary(&[])).collect_view()}
        <Section id="jobs" title="Backup jobs">{table}</Section>
        {edit}
        {desk.may(Permission::EditInventory).then(|| end(&path, &version, &name, retired,
            "Retired, it is asked for no more, with its jobs; its history stays. Deleting is for what was added by mistake and has no history."))}
    }
    .into_any()
}

fn edit_form(form: &Form, path: &str, data_set: &DataSet) -> AnyView {
    let name = data_set.name.as_str();
    let inner = view! {
        <form class="form card" method="post" action=path.to_owned()>
            <Hidden name="version" value=form.version(data_set.version)/>
            <Field name="name" label="Name" value=form.value("name", name) error=form.error("name")
                after=form.stored_now("name", name) required=true maxlength=120/>
            <Select name="kind" label="What it is" options=kinds(form, data_set.kind) error=form.error("kind")/>
            <Actions><Button>"Save"</Button></Actions>
        </form>
    }
    .into_any();
    view! { <Section id="details" title="Details">{inner}</Section> }.into_any()
}

fn row(job: &Job) -> Vec<AnyView> {
    let href = format!("/admin/jobs/{}", job.id);
    let tool = if job.tool.is_empty() { "tool not said".to_owned() } else { job.tool.clone() };
    vec![
        view! { <a href=href><span dir="auto">{job.name.to_string()}</span></a><span class="sub">{tool}</span> }
            .into_any(),
        format!("every {}", job.every).into_any(),
        view! { <StateBadge state=job_state(job)/> }.into_any(),
    ]
}

/// Whether a job counts.
pub(super) fn job_state(job: &Job) -> StateView {
    if job.retired_at.is_some() {
        StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use").plain()
    } else if !job.enabled {
        StateView::new(Tone::Degraded, Shape::Degraded, "Switched off: protects nothing")
    } else if job.carried_by.is_some() {
        StateView::new(Tone::Quiet, Shape::Note, "On, carried by another job").plain()
    } else {
        StateView::new(Tone::Quiet, Shape::Note, "On").plain()
    }
}

/// How something is retired or deleted.
pub(super) fn end(path: &str, version: &str, name: &str, retired: bool, text: &'static str) -> AnyView {
    let read = [("version", version)];
    let retire = (!retired).then(|| {
        let action = ActionView::post("Retire", format!("{path}/retire"), &read).weigh(Weight::Danger).about(name);
        view! { <Action action/> }
    });
    let delete = ActionView::post("Delete", format!("{path}/delete"), &read).weigh(Weight::Danger).about(name);
    view! {
        <Section id="end" title="Take it out of use">
            <Card>
                <p>{text}</p>
                <Actions>{retire}<Action action=delete/></Actions>
            </Card>
        </Section>
    }
    .into_any()
}
