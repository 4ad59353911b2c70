//! Components in their groups and order, and the hosts behind them.

use super::component_state;
use super::data_sets::end;
use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, query, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Checkbox, DataTable, Disclosure, EmptyState, Field, Flash, Hidden, PageHeader,
    Picker, Section, Select, StateBadge,
};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionGroupView, OptionView, Shape, StateView, Tone, Weight};
use domain::component::{Component, Group};
use domain::host::Host;
use domain::ids::{ComponentId, GroupId, HostId};
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::incidents::ComponentNow;
use service::inventory::{
    ComponentInput, ComponentLine, ComponentWithHosts, ComponentsView, Direction, GroupInput, GroupLine,
};

const LABELS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("slug", "Address"),
    ("description", "Description"),
    ("group_id", "Group"),
    ("hosts", "Hosts behind it"),
];

const DONE: [(&str, &str); 9] = [
    ("added", "The component was added at the end of its group."),
    ("saved", "Saved."),
    ("set", "The state is set by hand. It holds until somebody takes it back."),
    ("withdrawn", "The state follows from incidents and windows again."),
    ("retired", "The component is off the page. What was told about it stays."),
    ("deleted", "The component was deleted."),
    ("group-added", "The group was added at the end."),
    ("group-saved", "The group was renamed."),
    ("group-deleted", "The group was deleted."),
];

/// Takes the forms of all pages below `/admin/components`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let read = version(form);
    let to_list = |done: &str| format!("/admin/components?done={done}");
    let done = match rest {
        ["new"] => services.add_component(actor, input(form)).await.map(|_| to_list("added")),
        ["new-group"] => services.add_group(actor, group_input(form)).await.map(|_| to_list("group-added")),
        [component] => {
            let component: ComponentId = id(component, "component")?;
            let saved = services.edit_component(actor, component, read, input(form)).await;
            saved.map(|_| format!("/admin/components/{component}?done=saved"))
        }
        [component, way @ ("up" | "down")] => {
            let component: ComponentId = id(component, "component")?;
            let moved = services.move_component(actor, component, direction(way)).await;
            moved.map(|()| format!("/admin/components#c-{component}"))
        }
        [component, "retire"] => {
            services.retire_component(actor, id(component, "component")?, read).await.map(|_| to_list("retired"))
        }
        [component, "delete"] => {
            services.delete_component(actor, id(component, "component")?, read).await.map(|()| to_list("deleted"))
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// Takes the forms of all pages below `/admin/component-groups`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take_group(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let read = version(form);
    let to_list = |done: &str| format!("/admin/components?done={done}");
    let done = match rest {
        [group] => {
            let saved = services.edit_group(actor, id(group, "component group")?, read, group_input(form)).await;
            saved.map(|_| to_list("group-saved"))
        }
        [group, way @ ("up" | "down")] => {
            let group: GroupId = id(group, "component group")?;
            services.move_group(actor, group, direction(way)).await.map(|()| format!("/admin/components#g-{group}"))
        }
        [group, "delete"] => {
            let gone = services.delete_group(actor, id(group, "component group")?, read).await;
            gone.map(|()| to_list("group-deleted"))
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn direction(way: &str) -> Direction {
    if way == "up" { Direction::Up } else { Direction::Down }
}

fn input(form: &FormData) -> ComponentInput {
    ComponentInput {
        name: form.get("name").to_owned(),
        slug: form.get("slug").to_owned(),
        description: form.get("description").to_owned(),
        group_id: form.get("group_id").to_owned(),
        hosts: form.all("hosts").map(ToOwned::to_owned).collect(),
        is_private: form.has("is_private"),
    }
}

fn group_input(form: &FormData) -> GroupInput {
    GroupInput { name: form.get("name").to_owned() }
}

/// `/admin/components`
#[component]
pub fn Components() -> impl IntoView {
    admin(
        |_| "Components".to_owned(),
        |desk: Desk| async move { desk.services.components_view(&desk.actor).await },
        |desk, view| list(&desk, view, false),
    )
}

/// `/admin/components/new-group`: the same list with the form unfolded, also where it came back.
#[component]
pub fn NewGroup() -> impl IntoView {
    admin(
        |_| "Add a group".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            desk.services.components_view(&desk.actor).await
        },
        |desk, view| list(&desk, view, true),
    )
}

fn list(desk: &Desk, view: ComponentsView, adds: bool) -> AnyView {
    let edits = desk.may(Permission::EditInventory);
    let new_group = Form::at("/admin/components/new-group", "group");
    let empty = view.groups.iter().all(|line| line.components.is_empty()) && view.retired.is_empty();
    let named: Vec<GroupId> = view.groups.iter().filter_map(|line| line.group.as_ref().map(|g| g.id)).collect();
    let groups = view.groups.into_iter().map(|line| group(line, &named, edits)).collect_view();
    let retired = (!view.retired.is_empty()).then(|| retired(&view.retired));
    view! {
        <PageHeader title="Components" intro="What customers know, in the order of the public page.">
            {edits.then(|| view! {
                <ButtonLink href="/admin/components/new" weight=Weight::Primary>"Add a component"</ButtonLink>
            })}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {new_group.summary(&[("name", "Name")])}
        {empty.then(|| view! {
            <EmptyState title="No component yet"
                text="A component is what customers know: “Cluster 12”, “Shell access”. Say which hosts are behind it, so that work on it is checked."/>
        })}
        {groups}
        {edits.then(|| add_group(&new_group, adds))}
        {retired}
    }
    .into_any()
}

fn retired(components: &[Component]) -> AnyView {
    let item = |component: &Component| {
        let link = links(vec![(component.name.to_string(), format!("/admin/components/{}", component.id))]);
        view! { <li>{link}</li> }
    };
    let items = components.iter().map(item).collect_view();
    view! { <Section id="retired" title="Retired"><ul class="chips">{items}</ul></Section> }.into_any()
}

fn group(line: GroupLine, named: &[GroupId], edits: bool) -> AnyView {
    let GroupLine { group, components } = line;
    let order: Vec<ComponentId> = components.iter().map(|line| line.component.id).collect();
    let rows: Vec<Vec<AnyView>> = components.iter().map(|line| row(line, &order, edits)).collect();
    let columns = vec![ColumnView::new("Component"), ColumnView::new("Hosts behind it"), ColumnView::unseen("Move")];
    let (key, title) = match &group {
        Some(group) => (format!("g-{}", group.id), group.name.to_string()),
        None => ("g-none".to_owned(), "Without a group".to_owned()),
    };
    let table = if rows.is_empty() {
        view! { <p class="muted">"No component stands in this group. Customers do not see it."</p> }.into_any()
    } else {
        view! { <DataTable caption=title.clone() columns rows/> }.into_any()
    };
    let buttons = group.as_ref().filter(|_| edits).map(|group| group_buttons(group, named));
    view! { <Section id=key title>{buttons}{table}</Section> }.into_any()
}

fn group_buttons(group: &Group, named: &[GroupId]) -> AnyView {
    let path = format!("/admin/component-groups/{}", group.id);
    let name = group.name.to_string();
    let up = ActionView::post("Up", format!("{path}/up"), &[]).about(&*name).enabled(named.first() != Some(&group.id));
    let down =
        ActionView::post("Down", format!("{path}/down"), &[]).about(&*name).enabled(named.last() != Some(&group.id));
    let rename = ActionView::link("Rename or delete", path).about(name);
    view! {
        <Actions>
            <Action action=up small=true/>
            <Action action=down small=true/>
            <Action action=rename small=true/>
        </Actions>
    }
    .into_any()
}

fn row(line: &ComponentLine, order: &[ComponentId], edits: bool) -> Vec<AnyView> {
    let component = &line.component;
    let path = format!("/admin/components/{}", component.id);
    let name = component.name.to_string();
    let hosts = if line.hosts.is_empty() {
        let state = StateView::new(Tone::Major, Shape::Major, "None: work on it can not be checked");
        view! { <StateBadge state/> }.into_any()
    } else {
        links(line.hosts.iter().map(|h| (h.name.to_string(), format!("/admin/hosts/{}", h.id))).collect())
    };
    let action = |label: &str, way: &str, enabled: bool| {
        ActionView::post(label, format!("{path}/{way}"), &[]).about(name.clone()).enabled(enabled)
    };
    let up = action("Up", "up", order.first() != Some(&component.id));
    let down = action("Down", "down", order.last() != Some(&component.id));
    let buttons = edits.then(|| {
        view! { <Actions><Action action=up small=true/><Action action=down small=true/></Actions> }
    });
    let description = component.description.clone();
    let private = component.is_private.then(|| view! { " "<span class="badge tone-quiet">"for the team alone"</span> });
    vec![
        view! {
            <a id=format!("c-{}", component.id) href=path><span dir="auto">{name}</span></a>{private}
            <span class="sub" dir="auto">{description}</span>
        }
        .into_any(),
        hosts,
        buttons.into_any(),
    ]
}

fn add_group(form: &Form, open: bool) -> AnyView {
    let inner = view! {
        <form class="form card mt" method="post" action="/admin/components/new-group">
            <Field name="name" label="Name" id=form.id("name") value=form.value("name", "") error=form.error("name")
                required=true maxlength=120/>
            <Actions><Button>"Add"</Button></Actions>
        </form>
    }
    .into_any();
    view! { <Disclosure label="Add a group" open>{inner}</Disclosure> }.into_any()
}

/// `/admin/components/new`
#[component]
pub fn NewComponent() -> impl IntoView {
    let in_group = query().get("group").to_owned();
    admin(
        |_| "Add a component".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            desk.services.components_view(&desk.actor).await
        },
        move |_, view| {
            let form = Form::at("/admin/components/new", "");
            let stored = Stored { group_id: in_group, ..Stored::default() };
            view! {
                <PageHeader title="Add a component" back=("Components".to_owned(), "/admin/components".to_owned())/>
                {form.summary(&LABELS)}
                <form class="form card" method="post">
                    {fields(&form, &stored, &view)}
                    <Actions><Button weight=Weight::Primary>"Add"</Button></Actions>
                </form>
            }
        },
    )
}

/// What a form shows before anything is typed.
#[derive(Default)]
struct Stored {
    name: String,
    slug: String,
    description: String,
    group_id: String,
    hosts: Vec<HostId>,
    is_private: bool,
}

fn fields(form: &Form, stored: &Stored, view: &ComponentsView) -> AnyView {
    let chosen = form.value("group_id", stored.group_id.as_str());
    let groups = std::iter::once(OptionView::new("", "None: before the first group").chosen(chosen.is_empty()))
        .chain(view.groups.iter().filter_map(|line| line.group.as_ref()).map(|group| {
            let id = group.id.to_string();
            OptionView::new(id.clone(), group.name.to_string()).chosen(chosen == id)
        }))
        .collect();
    let option = |host: &Host| {
        let id = host.id.to_string();
        let ticked = form.chosen("hosts", &id, stored.hosts.contains(&host.id));
        OptionView::new(id, host.name.to_string()).hint(host.note.clone()).chosen(ticked)
    };
    let options: Vec<OptionView> = view.hosts.iter().map(option).collect();
    let hosts = vec![OptionGroupView { label: "Hosts".to_owned(), name: "hosts".to_owned(), options }];
    view! {
        <Field name="name" label="Name" value=form.value("name", stored.name.as_str()) error=form.error("name")
            after=form.stored_now("name", &stored.name) required=true maxlength=120/>
        <Field name="description" label="Description" value=form.value("description", stored.description.as_str())
            error=form.error("description") after=form.stored_now("description", &stored.description)
            hint="One line for customers." optional=true maxlength=300/>
        <Field name="slug" label="Address" value=form.value("slug", stored.slug.as_str()) error=form.error("slug")
            after=form.stored_now("slug", &stored.slug)
            hint="Its part in addresses, like cluster-12. Empty: made from the name." optional=true mono=true maxlength=80/>
        <Select name="group_id" label="Group" options=groups error=form.error("group_id")/>
        <Picker id="hosts" legend="Hosts behind it" groups=hosts error=form.error("hosts")
            hint="Work on the component can destroy these hosts and whatever runs on them."/>
        <Checkbox name="is_private" value="true" label="For the team alone"
            hint="Customers never read of it: it is absent from every public page, feed and mail."
            checked=form.chosen("is_private", "true", stored.is_private)/>
    }
    .into_any()
}

/// `/admin/components/ID`, also where one of its forms came back.
#[component]
pub fn ComponentPage() -> impl IntoView {
    let id = param::<ComponentId>("component");
    admin(
        |(one, ..): &(ComponentWithHosts, ComponentsView, ComponentNow)| one.component.name.to_string(),
        |desk: Desk| async move {
            let one = desk.services.component(&desk.actor, id?).await?;
            let all = desk.services.components_view(&desk.actor).await?;
            let now = desk.services.component_now(&desk.actor, one.component.id).await?;
            Ok((one, all, now))
        },
        |desk, (one, all, now)| show(&desk, one, &all, &now),
    )
}

fn show(desk: &Desk, one: ComponentWithHosts, all: &ComponentsView, now: &ComponentNow) -> AnyView {
    let ComponentWithHosts { component, hosts } = one;
    let path = format!("/admin/components/{}", component.id);
    let retired = component.retired_at.is_some();
    let may = desk.may(Permission::EditInventory);
    let form = Form::at(&path, "");
    let ends = [Form::at(&format!("{path}/retire"), ""), Form::at(&format!("{path}/delete"), "")];
    let state = if retired {
        StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use")
    } else if component.is_private {
        StateView::new(Tone::Quiet, Shape::Exempt, "For the team alone")
    } else {
        StateView::new(Tone::Quiet, Shape::Note, "In use").plain()
    };
    let edit = (may && !retired).then(|| edit_form(&form, &path, &component, hosts.clone(), all));
    let known: Vec<(String, String)> = all
        .hosts
        .iter()
        .filter(|host| hosts.contains(&host.id))
        .map(|host| (host.name.to_string(), format!("/admin/hosts/{}", host.id)))
        .collect();
    let correct = desk.may(Permission::Administer).then(|| {
        let href = format!("/admin/corrections/new?component={}", component.id);
        view! { <ButtonLink href>"Correct its history"</ButtonLink> }
    });
    let behind = (!may || retired).then(|| view! { <p>"Hosts behind it: "{links(known)}</p> });
    view! {
        <PageHeader title=component.name.to_string() back=("Components".to_owned(), "/admin/components".to_owned())
            state intro=component.description.clone()>
            {correct}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        {ends.map(|form| form.summary(&[])).collect_view()}
        {behind}
        {(!retired).then(|| component_state::show(desk, now))}
        {edit}
        {may.then(|| end(&path, &component.version.to_string(), component.name.as_str(), retired,
            "Retired, it leaves the page; what was told about it stays. Deleting is for what was added by mistake."))}
    }
    .into_any()
}

fn edit_form(form: &Form, path: &str, component: &Component, hosts: Vec<HostId>, all: &ComponentsView) -> AnyView {
    let stored = Stored {
        name: component.name.to_string(),
        slug: component.slug.to_string(),
        description: component.description.clone(),
        group_id: component.group_id.map(|group| group.to_string()).unwrap_or_default(),
        hosts,
        is_private: component.is_private,
    };
    view! {
        <form class="form card" method="post" action=path.to_owned()>
            <Hidden name="version" value=form.version(component.version)/>
            {fields(form, &stored, all)}
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
        </form>
    }
    .into_any()
}

/// `/admin/component-groups/ID`, also where one of its forms came back.
#[component]
pub fn GroupPage() -> impl IntoView {
    let id = param::<GroupId>("component group");
    admin(
        |group: &Group| group.name.to_string(),
        |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            desk.services.component_group(&desk.actor, id?).await
        },
        |_, group| {
            let path = format!("/admin/component-groups/{}", group.id);
            let form = Form::at(&path, "");
            let delete = Form::at(&format!("{path}/delete"), "");
            let (name, version) = (group.name.to_string(), group.version.to_string());
            let action = ActionView::post("Delete", format!("{path}/delete"), &[("version", version.as_str())])
                .weigh(Weight::Danger)
                .about(name.clone());
            view! {
                <PageHeader title=name.clone() back=("Components".to_owned(), "/admin/components".to_owned())
                    intro="A group of components."/>
                {form.summary(&[("name", "Name")])}
                {delete.summary(&[])}
                <form class="form card" method="post" action=path>
                    <Hidden name="version" value=form.version(group.version)/>
                    <Field name="name" label="Name" value=form.value("name", name.as_str()) error=form.error("name")
                        after=form.stored_now("name", &name) required=true maxlength=120/>
                    <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
                </form>
                <Section id="end" title="Delete it">
                    <p>"Only an empty group can be deleted."</p>
                    <Actions><Action action/></Actions>
                </Section>
            }
        },
    )
}
