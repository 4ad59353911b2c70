//! All hosts as a tree, and the form for a new one.

use super::desk::{Desk, admin};
use super::edit::{Form, capital, id, query, standing, version};
use crate::components::{Actions, Button, ButtonLink, EmptyState, Field, Flash, HostTree, PageHeader, Section, Select};
use crate::context;
use crate::form::FormData;
use crate::pages::count;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, NodeView, OptionView, SetView, Shape, StateView, Tone, Weight};
use domain::gate::{Purpose, Verdict};
use domain::host::Host;
use domain::ids::HostId;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::gate::Coverage;
use service::inventory::{DataSetInput, HostInput, HostLine, PolicyInput, RestoreInput};
use std::collections::BTreeMap;
use std::iter::Peekable;

/// Labels of the fields of a host.
pub(super) const LABELS: [(&str, &str); 4] =
    [("name", "Name"), ("note", "What it is"), ("owner", "Owner"), ("runs_on", "Runs on")];

/// Takes the forms of all pages below `/admin/hosts`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let read = version(form);
    let done = match rest {
        ["new"] => services.add_host(actor, input(form)).await.map(|host| at(host.id, "added")),
        [host] => {
            let host: HostId = id(host, "host")?;
            services.edit_host(actor, host, read, input(form)).await.map(|_| at(host, "saved"))
        }
        [host, "exemption"] => {
            let host: HostId = id(host, "host")?;
            if form.has("end") {
                services.end_exemption(actor, host, read).await.map(|_| at(host, "asked"))
            } else {
                services.exempt_host(actor, host, read, form.get("reason")).await.map(|_| at(host, "exempt"))
            }
        }
        [host, "policy"] => {
            let host: HostId = id(host, "host")?;
            let policy = PolicyInput {
                schedule_max_age: form.get("schedule_max_age").to_owned(),
                start_max_age: form.get("start_max_age").to_owned(),
                warnings_are_good: form.get("warnings_are_good").to_owned(),
                restore: RestoreInput {
                    drill_max_age: form.get("drill_max_age").to_owned(),
                    rto: form.get("rto").to_owned(),
                    slow_restore_blocks: form.get("slow_restore_blocks").to_owned(),
                },
            };
            services.set_host_policy(actor, host, read, policy).await.map(|_| at(host, "saved"))
        }
        [host, "data-sets"] => {
            let host: HostId = id(host, "host")?;
            let data_set = DataSetInput { name: form.get("name").to_owned(), kind: form.get("kind").to_owned() };
            services.add_data_set(actor, host, data_set).await.map(|_| at(host, "data-set"))
        }
        [host, "retire"] => {
            let host: HostId = id(host, "host")?;
            services.retire_host(actor, host, read).await.map(|_| at(host, "retired"))
        }
        [host, "delete"] => {
            let host: HostId = id(host, "host")?;
            services.delete_host(actor, host, read).await.map(|()| "/admin/hosts?done=deleted".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn at(host: HostId, done: &str) -> String {
    format!("/admin/hosts/{host}?done={done}")
}

fn input(form: &FormData) -> HostInput {
    HostInput {
        name: form.get("name").to_owned(),
        note: form.get("note").to_owned(),
        owner: form.get("owner").to_owned(),
        runs_on: form.get("runs_on").to_owned(),
    }
}

/// `/admin/hosts`
#[component]
pub fn Hosts() -> impl IntoView {
    let retired_too = query().get("retired") == "true";
    admin(
        |_| "Hosts".to_owned(),
        move |desk: Desk| async move {
            let lines = desk.services.host_tree(&desk.actor, retired_too).await?;
            let coverage = desk.services.unprotected(&desk.actor, Purpose::Schedule).await?;
            Ok((lines, coverage))
        },
        move |desk, (lines, coverage)| {
            let (retired, lines): (Vec<HostLine>, Vec<HostLine>) =
                lines.into_iter().partition(|line| line.host.retired_at.is_some());
            let edits = desk.may(Permission::EditInventory);
            let add = ActionView::link("Add a host", "/admin/hosts/new");
            let intro = format!(
                "{} with {}. What runs on a host is lost with it: work on a host needs a backup of everything above it.",
                count(lines.len(), "host", "hosts"),
                count(coverage.data_sets, "data set", "data sets"),
            );
            let flash = context::done(&[("deleted", "The host was deleted."), ("imported", "The list was imported.")]);
            view! {
                <PageHeader title="Hosts" intro>
                    {edits.then(|| view! { <ButtonLink href="/admin/hosts/import">"Import a list"</ButtonLink> })}
                    {edits.then(|| view! { <ButtonLink href="/admin/hosts/new" weight=Weight::Primary>"Add a host"</ButtonLink> })}
                </PageHeader>
                {flash.map(|flash| view! { <Flash flash/> })}
                {if lines.is_empty() {
                    view! {
                        <EmptyState title="No host yet"
                            text="A host is a machine or service that holds data. Say what runs on what, and what must not be lost."
                            action=edits.then(|| add.weigh(Weight::Primary))/>
                    }
                    .into_any()
                } else {
                    view! { <div class="card"><HostTree roots=roots(lines, &coverage)/></div> }.into_any()
                }}
                {retired_hosts(retired, retired_too)}
            }
        },
    )
}

fn retired_hosts(retired: Vec<HostLine>, shown: bool) -> AnyView {
    if !shown {
        return view! { <p class="mt small"><a href="/admin/hosts?retired=true">"Show retired hosts"</a></p> }
            .into_any();
    }
    let list = if retired.is_empty() {
        view! { <p class="muted">"No host was retired."</p> }.into_any()
    } else {
        let link = |line: HostLine| {
            let href = format!("/admin/hosts/{}", line.host.id);
            view! { <li><a href=href><span dir="auto">{line.host.name.to_string()}</span></a></li> }
        };
        view! { <ul class="chips">{retired.into_iter().map(link).collect_view()}</ul> }.into_any()
    };
    view! { <Section id="retired" title="Retired">{list}</Section> }.into_any()
}

fn roots(lines: Vec<HostLine>, coverage: &Coverage) -> Vec<NodeView> {
    let verdict = &coverage.checked.verdict;
    let mut sets: BTreeMap<HostId, Vec<SetView>> = BTreeMap::new();
    for host in &coverage.checked.evidence.hosts {
        let data_sets = host.data_sets.iter().map(|d| &d.data_set).filter(|d| d.retired_at.is_none());
        let views = data_sets.map(|d| SetView { name: d.name.to_string(), state: standing(verdict, host.id, d.id) });
        sets.insert(host.id, views.collect());
    }
    let nodes = lines.into_iter().map(|line| {
        let mut own = sets.remove(&line.host.id).unwrap_or_default();
        if let Some(missing) = own.is_empty().then(|| without_data_set(verdict, line.host.id)).flatten() {
            own.push(missing);
        }
        let node = NodeView {
            name: line.host.name.to_string(),
            href: format!("/admin/hosts/{}", line.host.id),
            why: why(&line),
            sets: own,
            children: Vec::new(),
        };
        (line.depth, node)
    });
    nest(&mut nodes.peekable(), 0)
}

/// A host on which nothing was declared, and that is not exempt.
fn without_data_set(verdict: &Verdict, host: HostId) -> Option<SetView> {
    let finding = verdict.reasons().iter().find(|f| f.host == Some(host) && f.data_set.is_none())?;
    let name = capital(finding.reason.headline());
    Some(SetView { name, state: StateView::new(Tone::Major, Shape::Major, "stands against work on this host") })
}

fn why(line: &HostLine) -> String {
    let names: Vec<&str> = line.components.iter().map(domain::text::Name::as_str).collect();
    let behind = if names.is_empty() { String::new() } else { format!("behind {}", names.join(", ")) };
    let exempt = line.host.exemption.as_ref().map(|e| format!("exempt: {}", e.reason)).unwrap_or_default();
    [line.host.note.clone(), behind, exempt].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn nest<I: Iterator<Item = (usize, NodeView)>>(lines: &mut Peekable<I>, depth: usize) -> Vec<NodeView> {
    let mut nodes = Vec::new();
    while let Some((_, mut node)) = lines.next_if(|(at, _)| *at >= depth) {
        node.children = nest(lines, depth + 1);
        nodes.push(node);
    }
    nodes
}

/// `/admin/hosts/new`
#[component]
pub fn NewHost() -> impl IntoView {
    let on = query().get("runs_on").to_owned();
    admin(
        |_| "Add a host".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            desk.services.host_choices(&desk.actor).await
        },
        move |_, choices| {
            let form = Form::at("/admin/hosts/new", "");
            view! {
                <PageHeader title="Add a host" back=("Hosts".to_owned(), "/admin/hosts".to_owned())
                    intro="A machine or service that holds data. What must not be lost on it is said on its page afterwards."/>
                {form.summary(&LABELS)}
                <form class="form card" method="post">
                    {fields(&form, "", "", "", &on, choices)}
                    <Actions><Button weight=Weight::Primary>"Add"</Button></Actions>
                </form>
            }
        },
    )
}

/// The fields of a host.
pub(super) fn fields(form: &Form, name: &str, note: &str, owner: &str, runs_on: &str, choices: Vec<Host>) -> AnyView {
    let chosen = form.value("runs_on", runs_on);
    let label = |id: &str| choices.iter().find(|h| h.id.to_string() == id).map_or("nothing", |h| h.name.as_str());
    let stored_on = form.stored_now("runs_on", runs_on).map(|_| format!("Stored now: {}.", label(runs_on)));
    let options = std::iter::once(OptionView::new("", "Nothing: it stands by itself").chosen(chosen.is_empty()))
        .chain(choices.iter().map(|host| {
            let id = host.id.to_string();
            OptionView::new(id.clone(), host.name.to_string()).chosen(chosen == id)
        }))
        .collect();
    let hint = stored_on.unwrap_or_else(|| "A guest is lost with the host below it.".to_owned());
    view! {
        <Field name="name" label="Name" id=form.id("name") value=form.value("name", name) error=form.error("name")
            after=form.stored_now("name", name) required=true mono=true maxlength=120/>
        <Field name="note" label="What it is" id=form.id("note") value=form.value("note", note) error=form.error("note")
            after=form.stored_now("note", note) optional=true maxlength=300/>
        <Field name="owner" label="Owner" id=form.id("owner") value=form.value("owner", owner) error=form.error("owner")
            after=form.stored_now("owner", owner) hint="Who looks after it: a person or a team." optional=true
            maxlength=120/>
        <Select name="runs_on" label="Runs on" id=form.id("runs_on") options hint error=form.error("runs_on")/>
    }
    .into_any()
}
