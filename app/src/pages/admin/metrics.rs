//! Custom metrics: what they are, whether points come in, and what customers see of them.

use super::desk::{Desk, admin};
use super::edit::{Form, query, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, DataTable, EmptyState, Field, Flash, Hidden, PageHeader,
    Section, Select, StateBadge,
};
use crate::context;
use crate::form::FormData;
use crate::pages::plotted::drawn;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, Shape, StateView, Tone, Weight};
use domain::component::Component;
use domain::ids::ComponentId;
use domain::metric::{Aggregate, Metric, Range};
use domain::people::Permission;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use service::metrics::{Chart, MetricInput};
use std::collections::BTreeSet;

const LABELS: [(&str, &str); 7] = [
    ("name", "Name"),
    ("slug", "Address"),
    ("unit", "Unit"),
    ("decimals", "Digits"),
    ("aggregate", "What is shown of many values"),
    ("component", "Component"),
    ("position", "Place"),
];

const DONE: [(&str, &str); 3] = [
    ("added", "The metric was added. Push points to it."),
    ("saved", "Saved."),
    ("retired", "The metric is out of use."),
];

/// Takes the forms of all pages below `/admin/metrics`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let done = match rest {
        ["new"] => {
            let added = services.add_metric(actor, &input(form)).await;
            added.map(|metric| format!("/admin/metrics/{}?done=added", metric.id))
        }
        [metric] if form.get("do") == "retire" => {
            let retired = services.retire_metric(actor, metric, version(form)).await;
            retired.map(|_| "/admin/metrics?done=retired".to_owned())
        }
        [metric] => {
            let saved = services.edit_metric(actor, metric, version(form), &input(form)).await;
            saved.map(|metric| format!("/admin/metrics/{}?done=saved", metric.id))
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn input(form: &FormData) -> MetricInput {
    let text = |name: &str| form.get(name).to_owned();
    MetricInput {
        slug: text("slug"),
        name: text("name"),
        unit: text("unit"),
        decimals: text("decimals"),
        aggregate: text("aggregate"),
        component: text("component"),
        is_public: form.has("is_public"),
        position: text("position"),
    }
}

/// `/admin/metrics`
#[component]
pub fn Metrics() -> impl IntoView {
    admin(
        |_| "Metrics".to_owned(),
        |desk: Desk| async move {
            let metrics = desk.services.metrics(&desk.actor, true).await?;
            let private = private(&desk, &metrics).await?;
            Ok((metrics, private))
        },
        |desk, (metrics, private)| list(&desk, &metrics, &private),
    )
}

/// The private ones among the components of these metrics.
async fn private(desk: &Desk, metrics: &[Metric]) -> Result<BTreeSet<ComponentId>, Error> {
    let mut private = BTreeSet::new();
    for id in metrics.iter().filter_map(|metric| metric.component_id).collect::<BTreeSet<_>>() {
        if desk.services.component(&desk.actor, id).await?.component.is_private {
            private.insert(id);
        }
    }
    Ok(private)
}

/// Whether customers see it; what is of a private component is for the team alone.
fn is_shown(metric: &Metric, private: &BTreeSet<ComponentId>) -> bool {
    metric.is_public && metric.retired_at.is_none() && metric.component_id.is_none_or(|id| !private.contains(&id))
}

fn list(desk: &Desk, metrics: &[Metric], private: &BTreeSet<ComponentId>) -> AnyView {
    let add = desk.may(Permission::EditInventory).then(|| {
        view! { <ButtonLink href="/admin/metrics/new" weight=Weight::Primary>"Add a metric"</ButtonLink> }
    });
    let shown = if metrics.is_empty() {
        view! {
            <EmptyState title="No metric yet"
                text="A metric is a number that a program pushes again and again: a response time, a queue. Customers see the last day, week and month of those that are public."/>
        }
        .into_any()
    } else {
        let columns = vec![
            ColumnView::new("Metric"),
            ColumnView::new("Shown"),
            ColumnView::new("Who sees it"),
            ColumnView::new("Points came last"),
        ];
        let rows = metrics.iter().map(|metric| row(desk, metric, is_shown(metric, private))).collect();
        view! { <DataTable caption="Metrics" columns rows/> }.into_any()
    };
    view! {
        <PageHeader title="Metrics" intro="Numbers that programs push, drawn for customers.">{add}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {shown}
    }
    .into_any()
}

fn state(metric: &Metric, is_shown: bool) -> StateView {
    let state = match (metric.retired_at, is_shown) {
        (Some(_), _) => StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use"),
        (None, true) => StateView::new(Tone::Ok, Shape::Ok, "Everybody"),
        (None, false) => StateView::new(Tone::Quiet, Shape::Note, "The team"),
    };
    state.plain()
}

fn row(desk: &Desk, metric: &Metric, is_shown: bool) -> Vec<AnyView> {
    let (href, name) = (format!("/admin/metrics/{}", metric.id), metric.name.to_string());
    let unit = if metric.unit.is_empty() { String::new() } else { format!(", in {}", metric.unit) };
    let shown = format!("{}{unit}", metric.aggregate.text());
    let state = state(metric, is_shown);
    let pushed = metric.pushed_at.map_or_else(|| "never".to_owned(), |at| desk.short(at));
    vec![
        view! { <a href=href><span dir="auto">{name}</span></a><span class="sub mono">{metric.slug.to_string()}</span> }
            .into_any(),
        shown.into_any(),
        view! { <StateBadge state/> }.into_any(),
        pushed.into_any(),
    ]
}

/// `/admin/metrics/new`
#[component]
pub fn NewMetric() -> impl IntoView {
    admin(
        |_| "Add a metric".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            desk.services.component_choices(&desk.actor).await
        },
        |_, components| {
            let form = Form::at("/admin/metrics/new", "");
            let stored = MetricInput {
                aggregate: Aggregate::Mean.as_str().to_owned(),
                decimals: "0".to_owned(),
                is_public: true,
                ..MetricInput::default()
            };
            view! {
                <PageHeader title="Add a metric" back=back()/>
                {form.summary(&LABELS)}
                <form class="form card" method="post">
                    {fields(&form, &stored, &components)}
                    <Actions><Button weight=Weight::Primary>"Add"</Button></Actions>
                </form>
            }
        },
    )
}

fn back() -> (String, String) {
    ("Metrics".to_owned(), "/admin/metrics".to_owned())
}

fn fields(form: &Form, stored: &MetricInput, components: &[Component]) -> AnyView {
    let aggregates = Aggregate::ALL
        .into_iter()
        .map(|known| {
            let chosen = form.value("aggregate", stored.aggregate.as_str()) == known.as_str();
            OptionView::new(known.as_str(), super::edit::capital(known.text())).chosen(chosen)
        })
        .collect();
    let chosen = form.value("component", stored.component.as_str());
    let choices = std::iter::once(OptionView::new("", "None"))
        .chain(components.iter().map(|component| OptionView::new(component.id.to_string(), component.name.to_string())))
        .map(|option| {
            let is_chosen = option.value == chosen;
            option.chosen(is_chosen)
        })
        .collect();
    let is_public = form.chosen("is_public", "on", stored.is_public);
    view! {
        <Field name="name" label="Name" value=form.value("name", stored.name.as_str()) error=form.error("name")
            after=form.stored_now("name", &stored.name) required=true maxlength=120/>
        <Field name="slug" label="Address" value=form.value("slug", stored.slug.as_str()) error=form.error("slug")
            hint="Small letters, digits and hyphens; made from the name where empty." optional=true mono=true
            maxlength=80/>
        <Field name="unit" label="Unit" value=form.value("unit", stored.unit.as_str()) error=form.error("unit")
            optional=true maxlength=20/>
        <Field name="decimals" label="Digits behind the point" kind="number" min="0" step="1"
            value=form.value("decimals", stored.decimals.as_str()) error=form.error("decimals")/>
        <Select name="aggregate" label="What is shown of many values" options=aggregates error=form.error("aggregate")
            hint="A plot puts the values of 5 minutes, an hour or 4 hours together."/>
        <Select name="component" label="Component" options=choices error=form.error("component")
            hint="A metric of a private component is seen by the team alone."/>
        <Field name="position" label="Place" kind="number" min="0" step="1" optional=true
            hint="Smaller numbers stand first; at the end where empty."
            value=form.value("position", stored.position.as_str()) error=form.error("position")/>
        <Checkbox name="is_public" label="Everybody may see it" checked=is_public
            hint="The first four stand on the front page."/>
    }
    .into_any()
}

/// `/admin/metrics/ID`
#[component]
pub fn MetricPage() -> impl IntoView {
    let id = use_params_map().read_untracked().get("id").unwrap_or_default();
    let range = Range::parse(query().get("range")).unwrap_or(Range::Day);
    admin(
        |(chart, ..): &(Chart, Vec<Component>, bool)| chart.metric.name.to_string(),
        move |desk: Desk| async move {
            let chart = desk.services.chart(&desk.actor, &id, range).await?;
            let is_shown = is_shown(&chart.metric, &private(&desk, std::slice::from_ref(&chart.metric)).await?);
            Ok((chart, desk.services.component_choices(&desk.actor).await?, is_shown))
        },
        |desk, (chart, components, is_shown)| show(&desk, &chart, &components, is_shown),
    )
}

fn show(desk: &Desk, chart: &Chart, components: &[Component], is_shown: bool) -> AnyView {
    let metric = &chart.metric;
    let path = format!("/admin/metrics/{}", metric.id);
    let form = Form::at(&path, "");
    let (name, state) = (metric.name.to_string(), state(metric, is_shown));
    let ranges = Range::ALL
        .into_iter()
        .map(|range| {
            let href = format!("{path}?range={}", range.as_str());
            let current = (range == chart.range).then_some("page");
            view! { <a class="btn is-small" href=href aria-current=current>{range.text()}</a> }
        })
        .collect_view();
    let shown = drawn(chart, |at| desk.short(at), |at| desk.short(at).into_any(), "");
    let push = format!(
        "curl -fsS -X POST {} \\\n  -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: application/json\" \\\n  -d '[{{\"at\": \"{}\", \"value\": 12.5}}]'",
        desk.services.url(&format!("/api/v1/metrics/{}/points", metric.slug)),
        desk.now.format("%Y-%m-%dT%H:%M:%SZ")
    );
    let is_edit = form.only_if(form.pressed() != "retire");
    let fields = fields(&is_edit, &MetricInput::of(metric), components);
    let edits = (desk.may(Permission::EditInventory) && metric.retired_at.is_none()).then(|| {
        let (version, read) = (metric.version.to_string(), is_edit.version(metric.version));
        let retire = ActionView::post("Retire", path.clone(), &[("do", "retire"), ("version", version.as_str())])
            .weigh(Weight::Danger)
            .about(name.clone());
        view! {
            <Section id="edit" title="Change it">
                <form class="form card" method="post">
                    {fields}
                    <Hidden name="version" value=read/>
                    <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
                </form>
            </Section>
            <Section id="retire" title="Retire it">
                <Card>
                    <p class="small">"No points are taken any more, and nobody sees it."</p>
                    <Actions><Action action=retire/></Actions>
                </Card>
            </Section>
        }
    });
    let public = is_shown.then(|| {
        view! { <ButtonLink href=format!("/charts/{}", metric.slug)>"As customers see it"</ButtonLink> }
    });
    let hidden = (metric.is_public && metric.retired_at.is_none() && !is_shown).then(|| {
        view! { <p class="small muted">"Its component is private: it is for the team alone."</p> }
    });
    view! {
        <PageHeader title=name.clone() back=back() state=state>{public}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        {hidden}
        <nav class="ranges" aria-label="How long back">{ranges}</nav>
        <Section id="chart" title=format!("The last {}", chart.range.text())><Card>{shown}</Card></Section>
        <Section id="push" title="Push points">
            <Card>
                <p class="small">
                    "With a token of scope " <code>"metric:write"</code>
                    ", up to 5,000 points at once. The same points again change nothing; points may be up to 8 days late."
                </p>
                <pre class="mail" tabindex="0" aria-label="A command that pushes a point">{push}</pre>
            </Card>
        </Section>
        {edits}
    }
    .into_any()
}
