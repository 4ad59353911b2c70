//! One host: what lies on it, what stands on it, its exemption and its own policy.

use super::desk::{Desk, admin};
use super::drills::{plan_for, table};
use super::edit::{Form, capital, links, param, standing};
use super::hosts::{LABELS, fields};
use super::runs::bytes_text;
use crate::components::{
    Action, Actions, Button, Card, DataTable, Disclosure, Fact, Facts, Field, Flash, Hidden, PageHeader, Proof,
    Section, Select, StateBadge,
};
use crate::context;
use crate::view::{ActionView, ColumnView, FlashView, OptionView, ProofView, Shape, StateView, Tone, Weight};
use domain::gate::{JobNames, Purpose, Scope, Verdict};
use domain::host::{DataKind, Host};
use domain::ids::HostId;
use domain::people::Permission;
use domain::policy::Policy;
use domain::time::Span;
use leptos::prelude::*;
use service::drills::RestoreLook;
use service::inventory::{DataSetLine, HostView, PlacedJob};
use std::collections::BTreeSet;

const DONE: [(&str, &str); 6] = [
    ("added", "The host was added. Now say what must not be lost on it."),
    ("saved", "Saved."),
    ("exempt", "The host is exempt: no backup of it is asked for."),
    ("asked", "The exemption has ended: backups of this host are asked for again."),
    ("data-set", "The data set was added. Add the job that protects it."),
    ("retired", "The host is out of use. Its history stays."),
];

/// `/admin/hosts/ID`, also where one of its forms came back.
#[component]
pub fn HostPage() -> impl IntoView {
    let id = param::<HostId>("host");
    admin(
        |(view, _): &(HostView, Option<Stands>)| view.host.name.to_string(),
        |desk: Desk| async move {
            let id = id?;
            let view = desk.services.host_view(&desk.actor, id).await?;
            if view.host.retired_at.is_some() {
                return Ok((view, None));
            }
            let scope = Scope { hosts: BTreeSet::from([id]), components: BTreeSet::new() };
            let checked = desk.services.check_gate(&desk.actor, Purpose::Schedule, &scope).await?;
            let restore = desk.services.restore_of(&desk.actor, id).await?;
            Ok((view, Some(Stands { verdict: checked.verdict, restore })))
        },
        |desk, (view, stands)| show(&desk, view, stands.as_ref()),
    )
}

/// How a host in use stands.
struct Stands {
    verdict: Verdict,
    restore: RestoreLook,
}

fn show(desk: &Desk, view: HostView, stands: Option<&Stands>) -> AnyView {
    let path = format!("/admin/hosts/{}", view.host.id);
    let in_use = view.host.retired_at.is_none();
    let edits = in_use && desk.may(Permission::EditInventory);
    let details = Form::at(&path, "");
    let new_set = Form::at(&format!("{path}/data-sets"), "set");
    let exemption = Form::at(&format!("{path}/exemption"), "exemption");
    let policy = Form::at(&format!("{path}/policy"), "policy");
    let retire = Form::at(&format!("{path}/retire"), "");
    let delete = Form::at(&format!("{path}/delete"), "");
    let summary = view! {
        {details.summary(&LABELS)}
        {new_set.summary(&[("name", "Name"), ("kind", "What it is")])}
        {exemption.summary(&[("reason", "Reason")])}
        {policy.summary(&POLICY)}
        {retire.summary(&[])}
        {delete.summary(&[])}
    };
    let nothing_declared =
        in_use && view.host.exemption.is_none() && view.data_sets.iter().all(|line| line.data_set.retired_at.is_some());
    let warning = nothing_declared.then(|| {
        FlashView::warning(
            "Nothing on this host is declared worth saving",
            "Until its data sets are named, or the host is exempt with a reason, no work that touches it can be scheduled.",
        )
    });
    let host = view.host.clone();
    let edit = edits.then(|| edit_form(&details, &path, &view));
    view! {
        <PageHeader title=host.name.to_string() back=("Hosts".to_owned(), "/admin/hosts".to_owned())
            state=state(&host) intro=host.note.clone()/>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {summary}
        {warning.map(|flash| view! { <Flash flash/> })}
        <div class="split is-wide-start">
            <div>
                {data_sets(&view, stands.map(|stands| &stands.verdict), edits)}
                {edits.then(|| add_data_set(&new_set, &path, nothing_declared))}
                {stands.map(|stands| restoring(desk, &host, &stands.restore))}
                {edit}
            </div>
            <div class="stack">
                {place(&view)}
                {exempting(desk, &exemption, &path, &host, edits)}
                {own_policy(desk, &policy, &path, &view)}
                {desk.may(Permission::EditInventory).then(|| end(&path, &host))}
            </div>
        </div>
    }
    .into_any()
}

fn state(host: &Host) -> StateView {
    if host.retired_at.is_some() {
        StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use")
    } else if host.exemption.is_some() {
        StateView::new(Tone::Quiet, Shape::Exempt, "Exempt: no backup is asked for")
    } else {
        StateView::new(Tone::Quiet, Shape::Note, "In use").plain()
    }
}

fn data_sets(view: &HostView, verdict: Option<&Verdict>, edits: bool) -> AnyView {
    let rows = view.data_sets.iter().map(|line| row(view.host.id, line, verdict, edits)).collect::<Vec<_>>();
    let columns = vec![
        ColumnView::new("Data set"),
        ColumnView::new("Jobs"),
        ColumnView::new("Backup"),
        ColumnView::unseen("Add"),
    ];
    let content = if rows.is_empty() {
        view! { <p class="muted">"No data set yet."</p> }.into_any()
    } else {
        view! { <DataTable caption="Data sets on this host" columns rows/> }.into_any()
    };
    view! { <Section id="data-sets" title="Data sets">{content}</Section> }.into_any()
}

fn row(host: HostId, line: &DataSetLine, verdict: Option<&Verdict>, edits: bool) -> Vec<AnyView> {
    let data_set = &line.data_set;
    let retired = data_set.retired_at.is_some();
    let href = format!("/admin/data-sets/{}", data_set.id);
    let backup = match verdict {
        Some(verdict) if !retired => standing(verdict, host, data_set.id),
        _ => StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use").plain(),
    };
    let add = (edits && !retired).then(|| {
        let to = format!("/admin/jobs/new?data_set={}", data_set.id);
        view! { <Action action=ActionView::link("Add a job", to).about(data_set.name.to_string()) small=true/> }
    });
    let kind = data_set.kind.text();
    vec![
        view! { <a href=href><span dir="auto">{data_set.name.to_string()}</span></a><span class="sub">{kind}</span> }
            .into_any(),
        jobs(&line.jobs),
        view! { <StateBadge state=backup/> }.into_any(),
        add.into_any(),
    ]
}

fn jobs(jobs: &[PlacedJob]) -> AnyView {
    let links_to: Vec<(String, String)> = jobs
        .iter()
        .filter(|placed| placed.job.retired_at.is_none())
        .map(|placed| {
            let off = if placed.job.enabled { "" } else { " (off)" };
            (format!("{}{off}", placed.job.name), format!("/admin/jobs/{}", placed.job.id))
        })
        .collect();
    if links_to.is_empty() { view! { <span class="muted">"none"</span> }.into_any() } else { links(links_to) }
}

fn add_data_set(form: &Form, path: &str, open: bool) -> AnyView {
    let inner = view! {
            <form class="form card mt" method="post" action=format!("{path}/data-sets")>
                <Field name="name" label="Name" id=form.id("name") value=form.value("name", "") error=form.error("name")
                    hint="Something that must not be lost: its files, one database, its image." required=true maxlength=120/>
                <Select name="kind" label="What it is" id=form.id("kind") options=kinds(form, DataKind::Files)
                    error=form.error("kind")/>
                <Actions><Button>"Add"</Button></Actions>
            </form>
    }
    .into_any();
    view! { <Disclosure label="Add a data set" open=open || form.came_back()>{inner}</Disclosure> }.into_any()
}

/// The kinds of data sets to choose from.
pub(super) fn kinds(form: &Form, stored: DataKind) -> Vec<OptionView> {
    DataKind::ALL
        .into_iter()
        .map(|kind| {
            OptionView::new(kind.as_str(), kind.text()).chosen(form.chosen("kind", kind.as_str(), kind == stored))
        })
        .collect()
}

/// How long a restore takes, and when it was rehearsed.
fn restoring(desk: &Desk, host: &Host, look: &RestoreLook) -> AnyView {
    if host.exemption.is_some() && look.drills.is_empty() {
        return ().into_any();
    }
    let takes = look.restore.as_ref().map(|restore| {
        let estimate = capital(&restore.estimate.text());
        let size = (restore.estimate.bytes > 0).then(|| {
            let text = format!("{} by the last good runs", bytes_text(restore.estimate.bytes));
            view! { <Fact label="How much there is">{text}</Fact> }
        });
        let rto = restore.rto.map(|rto| view! { <Fact label="Accepted (RTO)">{rto.to_string()}</Fact> });
        let late = restore.is_too_long().then(|| {
            let proof = ProofView::overridden("Longer than it may");
            view! { <Proof proof/> }
        });
        view! { <Fact label="A full restore takes">{estimate}{late}</Fact>{size}{rto} }
    });
    let overdue = look.overdue.as_ref().map(|finding| {
        let text = finding.sentence(&JobNames::new(), desk.services.zones.as_ref(), &desk.site.zone);
        let proof = ProofView::overridden(text);
        view! { <Fact label="Rehearsed"><Proof proof/></Fact> }
    });
    let drills = if look.drills.is_empty() {
        view! { <p class="muted">"No drill of this host yet."</p> }.into_any()
    } else {
        table(desk, "The last drills of this host", &look.drills)
    };
    let plan = desk.may(Permission::ReportBackup).then(|| {
        let action = ActionView::link("Plan a drill", plan_for(host.id));
        view! { <Actions><Action action/></Actions> }
    });
    let more = ("All its drills".to_owned(), format!("/admin/drills?host={}", host.id));
    view! {
        <Section id="restore" title="Restore" more>
            <Card><Facts>{takes}{overdue}</Facts></Card>
            <div class="mt">{drills}</div>
            {plan}
        </Section>
    }
    .into_any()
}

fn edit_form(form: &Form, path: &str, view: &HostView) -> AnyView {
    let host = &view.host;
    let on = host.runs_on.map(|on| on.to_string()).unwrap_or_default();
    let inner = view! {
            <form class="form card" method="post" action=path.to_owned()>
                <Hidden name="version" value=form.version(host.version)/>
                {fields(form, host.name.as_str(), &host.note, &host.owner, &on, view.choices.clone())}
                <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
            </form>
    }
    .into_any();
    view! { <Section id="details" title="Details">{inner}</Section> }.into_any()
}

fn place(view: &HostView) -> AnyView {
    let host_link = |host: &Host| (host.name.to_string(), format!("/admin/hosts/{}", host.id));
    let nothing = || view! { <span class="muted">"nothing"</span> }.into_any();
    let on = view.runs_on.as_ref().map_or_else(nothing, |on| links(vec![host_link(on)]));
    let guests: Vec<_> = view.guests.iter().map(host_link).collect();
    let guests = if guests.is_empty() { nothing() } else { links(guests) };
    let components: Vec<_> =
        view.components.iter().map(|c| (c.name.to_string(), format!("/admin/components/{}", c.id))).collect();
    let components = if components.is_empty() { nothing() } else { links(components) };
    let windows = (!view.windows.is_empty()).then(|| {
        let named: Vec<String> = view.windows.iter().map(|w| format!("M-{} {}", w.number, w.title)).collect();
        view! { <Fact label="Work planned"><span dir="auto">{named.join(", ")}</span></Fact> }
    });
    let owner = if view.host.owner.is_empty() {
        view! { <span class="muted">"nobody yet"</span> }.into_any()
    } else {
        let owner = view.host.owner.clone();
        view! { <span dir="auto">{owner}</span> }.into_any()
    };
    view! {
        <Card title="Where it stands">
            <Facts>
                <Fact label="Owner">{owner}</Fact>
                <Fact label="Runs on">{on}</Fact>
                <Fact label="Runs on it">{guests}</Fact>
                <Fact label="Customers know it as">{components}</Fact>
                {windows}
            </Facts>
        </Card>
    }
    .into_any()
}

fn exempting(desk: &Desk, form: &Form, path: &str, host: &Host, edits: bool) -> AnyView {
    let action = format!("{path}/exemption");
    let version = host.version.to_string();
    match &host.exemption {
        Some(exemption) => {
            let said = format!("{}, {}", exemption.by, desk.short(exemption.at));
            let fields = [("version", version.as_str()), ("end", "1")];
            let action = ActionView::post("End the exemption", action, &fields);
            let end = edits.then(|| view! { <Actions><Action action/></Actions> });
            let reason = exemption.reason.clone();
            view! {
                <Card title="Exempt">
                    <p>"This host holds nothing worth saving, so no backup of it is asked for."</p>
                    <Facts>
                        <Fact label="Reason"><span dir="auto">{reason}</span></Fact>
                        <Fact label="Said by"><span dir="auto">{said}</span></Fact>
                    </Facts>
                    {end}
                </Card>
            }
            .into_any()
        }
        None if edits => {
            let version = form.version(host.version);
            let inner = view! {
                <form class="form" method="post" action=action>
                    <Hidden name="version" value=version/>
                    <Field name="reason" label="Reason" id=form.id("reason") value=form.value("reason", "")
                        error=form.error("reason") maxlength=300
                        hint="Why it needs no backup. Shown with your name in every answer of the gate."/>
                    <Actions><Button>"Exempt this host"</Button></Actions>
                </form>
            }
            .into_any();
            view! { <Card title="Exempt it">{inner}</Card> }.into_any()
        }
        None => ().into_any(),
    }
}

const POLICY: [(&str, &str); 6] = [
    ("schedule_max_age", "Age of a backup when work is scheduled"),
    ("start_max_age", "Age of a backup when work starts"),
    ("warnings_are_good", "Runs with warnings"),
    ("drill_max_age", "Age of a restore drill"),
    ("rto", "Longest restore that is accepted (RTO)"),
    ("slow_restore_blocks", "A restore that takes too long"),
];

fn own_policy(desk: &Desk, form: &Form, path: &str, view: &HostView) -> AnyView {
    let (host, site) = (&view.host, &view.site_policy);
    if host.retired_at.is_none() && desk.may(Permission::Administer) {
        policy_form(form, path, host, site)
    } else {
        let merged = site.for_host(&host.policy);
        let warnings = if merged.warnings_are_good { "count as good" } else { "do not count" };
        let rto = merged.restore.rto.map_or_else(|| "nobody has said".to_owned(), |rto| rto.to_string());
        let slow = slow(merged.restore.slow_restore_blocks);
        view! {
            <Card title="Policy">
                <Facts>
                    <Fact label="Age when work is scheduled">{format!("at most {}", merged.schedule_max_age)}</Fact>
                    <Fact label="Age when work starts">{format!("at most {}", merged.start_max_age)}</Fact>
                    <Fact label="Runs with warnings">{warnings}</Fact>
                    <Fact label=POLICY[3].1>{format!("at most {}", merged.restore.drill_max_age)}</Fact>
                    <Fact label=POLICY[4].1>{rto}</Fact>
                    <Fact label=POLICY[5].1>{slow}</Fact>
                </Facts>
            </Card>
        }
        .into_any()
    }
}

/// What follows from a restore that takes too long.
const fn slow(blocks: bool) -> &'static str {
    if blocks { "stands against the work" } else { "is a warning" }
}

/// Yes, no, or as the site.
fn three(form: &Form, name: &str, own: Option<bool>, labels: [String; 3]) -> Vec<OptionView> {
    let own = match own {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    };
    ["", "yes", "no"]
        .into_iter()
        .zip(labels)
        .map(|(value, label)| OptionView::new(value, label).chosen(form.chosen(name, value, own == value)))
        .collect()
}

fn policy_form(form: &Form, path: &str, host: &Host, site: &Policy) -> AnyView {
    let text = |own: Option<Span>| own.map(Span::to_input).unwrap_or_default();
    let (schedule, start) = (text(host.policy.schedule_max_age), text(host.policy.start_max_age));
    let (drill, rto) = (text(host.policy.restore.drill_max_age), text(host.policy.restore.rto));
    let site_says = if site.warnings_are_good { "they count" } else { "they do not count" };
    let labels = [format!("As the site: {site_says}"), "They count as good".to_owned(), "They do not count".to_owned()];
    let warnings = three(form, "warnings_are_good", host.policy.warnings_are_good, labels);
    let labels = [
        format!("As the site: it {}", slow(site.restore.slow_restore_blocks)),
        format!("It {}", slow(true)),
        format!("It {}", slow(false)),
    ];
    let slow = three(form, "slow_restore_blocks", host.policy.restore.slow_restore_blocks, labels);
    let site_rto = site.restore.rto.map_or_else(|| "nothing".to_owned(), |rto| rto.to_string());
    let inner = view! {
            <form class="form" method="post" action=format!("{path}/policy")>
                <Hidden name="version" value=form.version(host.version)/>
                <Field name="schedule_max_age" label=POLICY[0].1 id=form.id("schedule_max_age")
                    value=form.value("schedule_max_age", schedule.as_str()) error=form.error("schedule_max_age")
                    after=form.stored_now("schedule_max_age", &schedule) optional=true
                    hint=format!("Like 12 h. Empty: as the site, {}.", site.schedule_max_age)/>
                <Field name="start_max_age" label=POLICY[1].1 id=form.id("start_max_age")
                    value=form.value("start_max_age", start.as_str()) error=form.error("start_max_age")
                    after=form.stored_now("start_max_age", &start) optional=true
                    hint=format!("Like 90 min. Empty: as the site, {}.", site.start_max_age)/>
                <Select name="warnings_are_good" label=POLICY[2].1 id=form.id("warnings_are_good") options=warnings
                    error=form.error("warnings_are_good")/>
                <Field name="drill_max_age" label=POLICY[3].1 id=form.id("drill_max_age")
                    value=form.value("drill_max_age", drill.as_str()) error=form.error("drill_max_age")
                    after=form.stored_now("drill_max_age", &drill) optional=true
                    hint=format!("Like 90 d. Empty: as the site, {}.", site.restore.drill_max_age)/>
                <Field name="rto" label=POLICY[4].1 id=form.id("rto") value=form.value("rto", rto.as_str())
                    error=form.error("rto") after=form.stored_now("rto", &rto) optional=true
                    hint=format!("Like 4 h. Empty: as the site, {site_rto}.")/>
                <Select name="slow_restore_blocks" label=POLICY[5].1 id=form.id("slow_restore_blocks") options=slow
                    error=form.error("slow_restore_blocks")/>
                <Actions><Button>"Save"</Button></Actions>
            </form>
    }
    .into_any();
    view! { <Card title="Policy of this host">{inner}</Card> }.into_any()
}

fn end(path: &str, host: &Host) -> AnyView {
    let version = host.version.to_string();
    let read = [("version", version.as_str())];
    let name = host.name.to_string();
    let retire = host.retired_at.is_none().then(|| {
        let action = ActionView::post("Retire", format!("{path}/retire"), &read).weigh(Weight::Danger).about(&*name);
        view! { <Action action/> }
    });
    let delete = ActionView::post("Delete", format!("{path}/delete"), &read).weigh(Weight::Danger).about(name.clone());
    view! {
        <Card title="Take it out of use">
            <p>
                "Retired, it is asked for no more, with its data sets and jobs; its history stays. Deleting is for what
                was added by mistake and has no history."
            </p>
            <Actions>{retire}<Action action=delete/></Actions>
        </Card>
    }
    .into_any()
}
