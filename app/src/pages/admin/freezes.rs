//! Freezes: times in which no work is to be done.

use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, part, version};
use super::redundancy::{force_state, forces};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Choices, DataTable, EmptyState, Field, Flash, Hidden, PageHeader, Pager,
    Picker, Section, Select, StateBadge, TimeRange,
};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionGroupView, OptionView, Weight};
use domain::freeze::{Freeze, FreezeTime};
use domain::ids::FreezeId;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::conflicts::{FreezeInput, FreezeLook};

pub(super) const LABELS: [(&str, &str); 9] = [
    ("name", "Name"),
    ("zone", "Time zone"),
    ("start", "Start"),
    ("end", "End"),
    ("hosts", "What it holds for"),
    ("components", "What it holds for"),
    ("force", "How much it weighs"),
    ("ics", "Calendar file"),
    ("calendar", "Name of the calendar"),
];

const DONE: [(&str, &str); 4] = [
    ("saved", "Saved."),
    ("added", "The freeze was added."),
    ("deleted", "The freeze was deleted."),
    ("imported", "The calendar was imported."),
];

/// Times of a freeze shown on its page.
const TIMES: usize = 60;

/// What the choice of a scope says in a form.
pub(super) fn scope_of(form: &FormData) -> (bool, Vec<String>, Vec<String>) {
    let all = |name: &str| form.all(name).map(ToOwned::to_owned).collect();
    (form.get("scope") != "some", all("hosts"), all("components"))
}

fn read(form: &FormData) -> FreezeInput {
    let (whole_site, hosts, components) = scope_of(form);
    let text = |name: &str| form.get(name).to_owned();
    FreezeInput {
        name: text("name"),
        zone: text("zone"),
        start: text("start"),
        end: text("end"),
        whole_site,
        hosts,
        components,
        force: text("force"),
    }
}

/// Takes the forms of the pages below `/admin/freezes`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let to = |done: &str| format!("/admin/freezes?done={done}");
    let done = match rest {
        ["new"] => services.add_freeze(actor, &read(form)).await.map(|_| to("added")),
        [freeze] => {
            let freeze: FreezeId = id(freeze, "freeze")?;
            if form.get("do") == "delete" {
                services.delete_freeze(actor, freeze, version(form)).await.map(|()| to("deleted"))
            } else {
                services.edit_freeze(actor, freeze, version(form), &read(form)).await.map(|_| to("saved"))
            }
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// `/admin/freezes`
#[component]
pub fn Freezes() -> impl IntoView {
    admin(
        |_| "Freezes".to_owned(),
        |desk: Desk| async move { desk.services.freezes(&desk.actor).await },
        |desk, look| list(&desk, &look),
    )
}

fn list(desk: &Desk, look: &FreezeLook) -> AnyView {
    let may = desk.may(Permission::Administer);
    let buttons = may.then(|| {
        view! {
            <ButtonLink href="/admin/freezes/import">"Import a calendar"</ButtonLink>
            <ButtonLink href="/admin/freezes/new" weight=Weight::Primary>"Add a freeze"</ButtonLink>
        }
    });
    let (shown, pager) = part(look.freezes.iter().collect::<Vec<_>>(), "/admin/freezes", &[]);
    let table = if shown.is_empty() {
        view! {
            <EmptyState title="No freeze yet"
                text="The weeks before Christmas, a customer's sale, the night of a big move elsewhere: say when nothing is to be touched."/>
        }
        .into_any()
    } else {
        let columns = vec![
            ColumnView::new("Freeze"),
            ColumnView::new("When"),
            ColumnView::new("Holds for"),
            ColumnView::new("Work then"),
        ];
        let rows = shown.into_iter().map(|freeze| row(desk, freeze, look)).collect();
        view! { <DataTable caption="Freezes, the next first" columns rows/> }.into_any()
    };
    view! {
        <PageHeader title="Freezes" intro="Times in which no work is to be done: on the whole site, or on some of it.">
            {buttons}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {table}
        <Pager pager/>
    }
    .into_any()
}

fn row(desk: &Desk, freeze: &Freeze, look: &FreezeLook) -> Vec<AnyView> {
    let source = freeze.source.as_ref().map(|source| {
        view! { <span class="sub" dir="auto">{format!("from {}", source.calendar)}</span> }
    });
    let when = freeze.next(desk.now).map(|time| when(desk, time));
    let more = freeze.times.len().saturating_sub(1);
    let more = (more > 0).then(|| view! { <span class="sub">{format!("and {more} more")}</span> });
    let over = freeze.is_over(desk.now).then(|| view! { <span class="sub">"over"</span> });
    vec![
        view! { {links(vec![(freeze.name.to_string(), format!("/admin/freezes/{}", freeze.id))])}{source} }.into_any(),
        view! { {when}{more}{over} }.into_any(),
        holds_for(freeze, look),
        view! { <span class="nowrap"><StateBadge state=force_state(freeze.force)/></span> }.into_any(),
    ]
}

fn when(desk: &Desk, time: &FreezeTime) -> AnyView {
    let when = desk.range_in(&time.zone, time.stretch.from, time.stretch.to);
    view! { <TimeRange when stacked=true/> }.into_any()
}

fn holds_for(freeze: &Freeze, look: &FreezeLook) -> AnyView {
    let Some(scope) = &freeze.only else { return "the whole site".into_any() };
    let hosts = scope.hosts.iter().filter_map(|id| Some((look.hosts.get(id)?.clone(), format!("/admin/hosts/{id}"))));
    let components = scope
        .components
        .iter()
        .filter_map(|id| Some((look.components.get(id)?.clone(), format!("/admin/components/{id}"))));
    links(components.chain(hosts).collect())
}

/// `/admin/freezes/new`
#[component]
pub fn NewFreeze() -> impl IntoView {
    admin(
        |_| "Add a freeze".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            desk.services.freezes(&desk.actor).await
        },
        |desk, look| {
            let back = ("Freezes".to_owned(), "/admin/freezes".to_owned());
            let stored = FreezeInput {
                zone: desk.site.zone.clone(),
                whole_site: true,
                force: "block".to_owned(),
                ..FreezeInput::default()
            };
            let form = edit_form(&desk, "/admin/freezes/new", None, &stored, &look);
            view! {
                <PageHeader title="Add a freeze" back/>
                {form}
            }
        },
    )
}

/// `/admin/freezes/:id`
#[component]
pub fn FreezePage() -> impl IntoView {
    let id = param::<FreezeId>("freeze");
    admin(
        |(freeze, _): &(Freeze, FreezeLook)| freeze.name.to_string(),
        |desk: Desk| async move {
            let freeze = desk.services.freeze(&desk.actor, id?).await?;
            Ok((freeze, desk.services.freezes(&desk.actor).await?))
        },
        |desk, (freeze, look)| one(&desk, &freeze, &look),
    )
}

fn one(desk: &Desk, freeze: &Freeze, look: &FreezeLook) -> AnyView {
    let back = ("Freezes".to_owned(), "/admin/freezes".to_owned());
    let path = format!("/admin/freezes/{}", freeze.id);
    let may = desk.may(Permission::Administer);
    let form = Form::at(&path, "");
    let main = if may && freeze.source.is_none() {
        edit_form(desk, &path, Some(freeze.version), &FreezeInput::of(freeze), look)
    } else {
        let times = freeze.times.iter().filter(|time| time.stretch.to > desk.now);
        let times = times.take(TIMES).map(|time| view! { <li>{when(desk, time)}</li> }).collect_view();
        let source = freeze.source.as_ref().map(|source| {
            let text = format!("From the calendar “{}”. Change it there and import it again.", source.calendar);
            view! { <p class="muted" dir="auto">{text}</p> }
        });
        let holds_for = holds_for(freeze, look);
        view! {
            {form.summary(&LABELS)}
            <Card title="Holds for">{holds_for}</Card>
            <Card title="Times to come">{source}<ul class="lines">{times}</ul></Card>
        }
        .into_any()
    };
    let delete = may.then(|| {
        let version = freeze.version.to_string();
        let action = ActionView::post("Delete", path.clone(), &[("do", "delete"), ("version", &version)]);
        let action = action.weigh(Weight::Danger).about(freeze.name.to_string());
        view! {
            <Section id="end" title="Delete it">
                <Card>
                    <p>"Work may be scheduled then again."</p>
                    <Actions><Action action/></Actions>
                </Card>
            </Section>
        }
    });
    view! {
        <PageHeader title=freeze.name.to_string() back state=force_state(freeze.force)/>
        {main}
        {delete}
    }
    .into_any()
}

fn edit_form(desk: &Desk, path: &str, version: Option<i64>, stored: &FreezeInput, look: &FreezeLook) -> AnyView {
    let form = Form::at(path, "");
    let summary = form.summary(&LABELS);
    let form = form.only_if(form.pressed() != "delete");
    let zone = form.value("zone", stored.zone.clone());
    view! {
        {summary}
        <form class="form card" method="post" action=path.to_owned()>
            {version.map(|version| view! { <Hidden name="version" value=form.version(version)/> })}
            <Hidden name="do" value="save"/>
            <Field name="name" label="Name" hint="Why nothing is to be touched: colleagues read it where it stands in their way."
                value=form.value("name", stored.name.clone()) error=form.error("name")
                after=form.stored_now("name", &stored.name) required=true maxlength=120/>
            <div class="fields">
                <Field name="start" label="Start" kind="datetime-local" required=true
                    value=form.value("start", stored.start.clone()) error=form.error("start")/>
                <Field name="end" label="End" kind="datetime-local" required=true
                    value=form.value("end", stored.end.clone()) error=form.error("end")/>
                <Select name="zone" label="Time zone" options=desk.zones(&zone) error=form.error("zone") wide=true/>
            </div>
            {scope_fields(&form, stored.whole_site, &stored.hosts, &stored.components, look)}
            <Choices name="force" legend="Work in this time" error=form.error("force")
                options=forces(|value| form.chosen("force", value, value == stored.force))/>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
        </form>
    }
    .into_any()
}

/// What a freeze holds for, in a form.
pub(super) fn scope_fields(
    form: &Form,
    whole_site: bool,
    hosts: &[String],
    components: &[String],
    look: &FreezeLook,
) -> AnyView {
    let options = |field: &'static str, names: Vec<(String, String)>, stored: &[String]| {
        let mut names = names;
        names.sort();
        let options = names
            .into_iter()
            .map(|(name, id)| {
                let chosen = form.chosen(field, &id, stored.contains(&id));
                OptionView::new(id, name).chosen(chosen)
            })
            .collect();
        let label = if field == "hosts" { "Hosts" } else { "Components" };
        OptionGroupView { label: label.to_owned(), name: field.to_owned(), options }
    };
    let component_names = look.components.iter().map(|(id, name)| (name.clone(), id.to_string())).collect();
    let host_names = look.hosts.iter().map(|(id, name)| (name.clone(), id.to_string())).collect();
    let groups = vec![options("components", component_names, components), options("hosts", host_names, hosts)];
    let all = form.chosen("scope", "all", whole_site);
    let choices = vec![
        OptionView::new("all", "The whole site").chosen(all),
        OptionView::new("some", "Some of it")
            .hint("What is chosen below, and everything that runs on it.")
            .chosen(!all),
    ];
    let error = form.error("hosts").or(form.error("components"));
    view! {
        <Choices name="scope" legend="What it holds for" options=choices/>
        <Picker id="hosts" legend="Components and hosts" groups error hint="Counts where “Some of it” is chosen."/>
    }
    .into_any()
}
