//! Hosts that stand in for each other: of a group only one may be worked on at a time.

use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, version};
use crate::components::{
    Actions, Button, ButtonLink, Card, Choices, DataTable, EmptyState, Field, Flash, Hidden, PageHeader, Picker,
    Section, StateBadge,
};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionGroupView, OptionView, Shape, StateView, Tone, Weight};
use domain::conflict::{Force, RedundancyGroup};
use domain::ids::RedundancyGroupId;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::conflicts::{RedundancyInput, RedundancyLook};

const LABELS: [(&str, &str); 3] = [("name", "Name"), ("hosts", "Hosts"), ("force", "How much it weighs")];

const DONE: [(&str, &str); 3] =
    [("saved", "Saved."), ("added", "The group was added."), ("deleted", "The group was deleted. Its hosts stay.")];

fn read(form: &FormData) -> RedundancyInput {
    RedundancyInput {
        name: form.get("name").to_owned(),
        hosts: form.all("hosts").map(ToOwned::to_owned).collect(),
        force: form.get("force").to_owned(),
    }
}

/// Takes the forms of all pages below `/admin/redundancy`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let to = |done: &str| format!("/admin/redundancy?done={done}");
    let done = match rest {
        [] => services.set_conflict_policy(actor, version(form), form.get("redundancy")).await.map(|_| to("saved")),
        ["new"] => services.add_redundancy_group(actor, &read(form)).await.map(|_| to("added")),
        [group] => {
            let group: RedundancyGroupId = id(group, "redundancy group")?;
            if form.get("do") == "delete" {
                services.delete_redundancy_group(actor, group, version(form)).await.map(|()| to("deleted"))
            } else {
                services.edit_redundancy_group(actor, group, version(form), &read(form)).await.map(|_| to("saved"))
            }
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// How much a rule weighs, as a state.
pub(super) fn force_state(force: Force) -> StateView {
    match force {
        Force::Block => StateView::new(Tone::Major, Shape::Major, "Blocks"),
        Force::Warn => StateView::new(Tone::Degraded, Shape::Degraded, "Warns"),
    }
}

/// The values of a force, for a form.
pub(super) fn forces(chosen: impl Fn(&str) -> bool) -> Vec<OptionView> {
    let option = |force: Force| OptionView::new(force.as_str(), force.text()).chosen(chosen(force.as_str()));
    Force::ALL.into_iter().map(option).collect()
}

/// `/admin/redundancy`
#[component]
pub fn Redundancy() -> impl IntoView {
    admin(
        |_| "Redundancy".to_owned(),
        |desk: Desk| async move { desk.services.redundancy(&desk.actor).await },
        |desk, look| list(&desk, &look),
    )
}

fn list(desk: &Desk, look: &RedundancyLook) -> AnyView {
    let may = desk.may(Permission::Administer);
    let add = may.then(|| {
        view! { <ButtonLink href="/admin/redundancy/new" weight=Weight::Primary>"Add a group"</ButtonLink> }
    });
    let table = if look.groups.is_empty() {
        view! {
            <EmptyState title="No redundancy group yet"
                text="Two name servers, two shell nodes, both halves of a cluster: say which hosts stand in for each other, and work on them never overlaps unseen."/>
        }
        .into_any()
    } else {
        let columns = vec![ColumnView::new("Group"), ColumnView::new("Hosts"), ColumnView::new("At the same time")];
        let rows = look.groups.iter().map(|group| row(group, look)).collect();
        view! { <DataTable caption="Redundancy groups" columns rows/> }.into_any()
    };
    let policy = may.then(|| policy(look));
    view! {
        <PageHeader title="Redundancy"
            intro="Hosts that stand in for each other. Work on one of them may not overlap work on another, whatever it is that puts them at risk.">
            {add}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {table}
        {policy}
    }
    .into_any()
}

fn row(group: &RedundancyGroup, look: &RedundancyLook) -> Vec<AnyView> {
    let hosts =
        group.hosts.iter().filter_map(|host| Some((look.names.get(host)?.clone(), format!("/admin/hosts/{host}"))));
    let mut hosts: Vec<(String, String)> = hosts.collect();
    hosts.sort();
    let force = group.force.unwrap_or(look.policy.redundancy);
    let by = if group.force.is_none() { "as the site says" } else { "as this group says" };
    vec![
        links(vec![(group.name.to_string(), format!("/admin/redundancy/{}", group.id))]),
        links(hosts),
        view! { <StateBadge state=force_state(force)/><span class="sub">{by}</span> }.into_any(),
    ]
}

fn policy(look: &RedundancyLook) -> AnyView {
    let form = Form::at("/admin/redundancy", "policy");
    let stored = look.policy.redundancy;
    let options = forces(|value| form.chosen("redundancy", value, value == stored.as_str()));
    let version = form.version(look.policy.version);
    view! {
        <Section id="policy" title="The site's rule">
            {form.summary(&[("redundancy", "The site's rule")])}
            <form class="form card" method="post" action="/admin/redundancy">
                <Choices name="redundancy" legend="Groups that do not say it themselves" options
                    error=form.error("redundancy")/>
                <Actions><Hidden name="version" value=version/><Button>"Save"</Button></Actions>
            </form>
        </Section>
    }
    .into_any()
}

/// `/admin/redundancy/new`
#[component]
pub fn NewGroup() -> impl IntoView {
    admin(
        |_| "Add a redundancy group".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            desk.services.redundancy(&desk.actor).await
        },
        |_, look| {
            let back = ("Redundancy".to_owned(), "/admin/redundancy".to_owned());
            let form = edit_form("/admin/redundancy/new", None, &look);
            view! {
                <PageHeader title="Add a redundancy group" back/>
                {form}
            }
        },
    )
}

/// `/admin/redundancy/:id`
#[component]
pub fn GroupPage() -> impl IntoView {
    let id = param::<RedundancyGroupId>("redundancy group");
    admin(
        |(group, _): &(RedundancyGroup, RedundancyLook)| group.name.to_string(),
        |desk: Desk| async move {
            let group = desk.services.redundancy_group(&desk.actor, id?).await?;
            Ok((group, desk.services.redundancy(&desk.actor).await?))
        },
        |desk, (group, look)| one(&desk, &group, &look),
    )
}

fn one(desk: &Desk, group: &RedundancyGroup, look: &RedundancyLook) -> AnyView {
    let back = ("Redundancy".to_owned(), "/admin/redundancy".to_owned());
    let path = format!("/admin/redundancy/{}", group.id);
    let state = force_state(group.force.unwrap_or(look.policy.redundancy));
    let main = if desk.may(Permission::Administer) {
        let version = group.version.to_string();
        let delete = ActionView::post("Delete", path.clone(), &[("do", "delete"), ("version", &version)]);
        let delete = delete.weigh(Weight::Danger).about(group.name.to_string());
        view! {
            {edit_form(&path, Some(group), look)}
            <Section id="end" title="Delete it">
                <Card>
                    <p>"The hosts stay. Nothing warns any more when they are worked on together."</p>
                    <Actions><crate::components::Action action=delete/></Actions>
                </Card>
            </Section>
        }
        .into_any()
    } else {
        let hosts =
            group.hosts.iter().filter_map(|host| Some((look.names.get(host)?.clone(), format!("/admin/hosts/{host}"))));
        let hosts = links(hosts.collect());
        view! { <Card title="Hosts">{hosts}</Card> }.into_any()
    };
    view! {
        <PageHeader title=group.name.to_string() back state/>
        {main}
    }
    .into_any()
}

fn edit_form(path: &str, group: Option<&RedundancyGroup>, look: &RedundancyLook) -> AnyView {
    let form = Form::at(path, "");
    let summary = form.summary(&LABELS);
    let form = form.only_if(form.pressed() != "delete");
    let stored_name = group.map_or("", |group| group.name.as_str());
    let stored_force = group.and_then(|group| group.force).map_or("", Force::as_str);
    let mut hosts: Vec<(String, String)> = look.names.iter().map(|(id, name)| (name.clone(), id.to_string())).collect();
    hosts.sort();
    let is_member = |id: &str| group.is_some_and(|group| group.hosts.iter().any(|host| host.to_string() == id));
    let options = hosts
        .into_iter()
        .map(|(name, id)| {
            let chosen = form.chosen("hosts", &id, is_member(&id));
            OptionView::new(id, name).chosen(chosen)
        })
        .collect();
    let groups = vec![OptionGroupView { label: "Hosts".to_owned(), name: "hosts".to_owned(), options }];
    let chosen = |value: &str| form.chosen("force", value, value == stored_force);
    let as_site = OptionView::new("", "As the site says").chosen(chosen(""));
    let options = std::iter::once(as_site).chain(forces(chosen)).collect();
    view! {
        {summary}
        <form class="form card" method="post" action=path.to_owned()>
            {group.map(|group| view! { <Hidden name="version" value=form.version(group.version)/> })}
            <Hidden name="do" value="save"/>
            <Field name="name" label="Name" value=form.value("name", stored_name) error=form.error("name")
                after=form.stored_now("name", stored_name) required=true maxlength=120/>
            <Picker id="hosts" legend="Hosts" groups error=form.error("hosts")
                hint="Only one of them may be worked on at a time, directly or through what they run on."/>
            <Choices name="force" legend="Work on two of them at the same time" options error=form.error("force")/>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
        </form>
    }
    .into_any()
}
