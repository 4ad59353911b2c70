//! The site's own figures: what is published every month beside what Fermata counts itself.

use super::desk::{Desk, admin};
use super::edit::{Form, capital, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, DataTable, EmptyState, Field, Flash, Hidden, PageHeader,
    Section, Select, StateBadge,
};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, Shape, StateView, Tone, Weight};
use domain::metric::Aggregate;
use domain::people::Permission;
use domain::report::{Better, Figure};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use service::reports::FigureInput;

const LABELS: [(&str, &str); 7] = [
    ("name", "Name"),
    ("slug", "Address"),
    ("unit", "Unit"),
    ("decimals", "Digits"),
    ("better", "Which way is better"),
    ("aggregate", "What twelve months make"),
    ("position", "Place"),
];

const DONE: [(&str, &str); 3] = [
    ("added", "The figure was added. It is in the next report."),
    ("saved", "Saved. Reports that were put down stay as they are."),
    ("retired", "The figure is out of use."),
];

const PATH: &str = "/admin/report-figures";

/// Takes the forms of all pages below `/admin/report-figures`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let to = |done: &str| format!("{PATH}?done={done}");
    let done = match rest {
        ["new"] => services.add_report_figure(actor, &input(form)).await.map(|_| to("added")),
        [figure] if form.get("do") == "retire" => {
            services.retire_report_figure(actor, figure, version(form)).await.map(|_| to("retired"))
        }
        [figure] => services.edit_report_figure(actor, figure, version(form), &input(form)).await.map(|_| to("saved")),
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn input(form: &FormData) -> FigureInput {
    let text = |name: &str| form.get(name).to_owned();
    FigureInput {
        slug: text("slug"),
        name: text("name"),
        unit: text("unit"),
        decimals: text("decimals"),
        better: text("better"),
        aggregate: text("aggregate"),
        is_public: form.has("is_public"),
        position: text("position"),
    }
}

fn back() -> (String, String) {
    ("Our own figures".to_owned(), PATH.to_owned())
}

/// `/admin/report-figures`
#[component]
pub fn ReportFigures() -> impl IntoView {
    admin(
        |_| "Our own figures".to_owned(),
        |desk: Desk| async move { desk.services.report_figures(&desk.actor, true).await },
        |desk, figures| list(&desk, &figures),
    )
}

fn list(desk: &Desk, figures: &[Figure]) -> AnyView {
    let add = desk.may(Permission::EditInventory).then(|| {
        view! { <ButtonLink href=format!("{PATH}/new") weight=Weight::Primary>"Add a figure"</ButtonLink> }
    });
    let shown = if figures.is_empty() {
        view! {
            <EmptyState title="No figure yet"
                text="What you publish every month beside availability and incidents: servers, sites, support requests, how fast you answered, on-call alerts."/>
        }
        .into_any()
    } else {
        let columns = vec![
            ColumnView::new("Figure"),
            ColumnView::new("Unit"),
            ColumnView::new("Better"),
            ColumnView::new("Twelve months"),
            ColumnView::new("Who sees it"),
        ];
        let rows = figures.iter().map(row).collect();
        view! { <DataTable caption="Our own figures" columns rows/> }.into_any()
    };
    let reports = ("Reports".to_owned(), "/admin/reports".to_owned());
    view! {
        <PageHeader title="Our own figures" back=reports
            intro="Told every month by form or by a program, published in the report.">{add}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {shown}
    }
    .into_any()
}

fn state(figure: &Figure) -> StateView {
    let state = match (figure.retired_at, figure.is_public) {
        (Some(_), _) => StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use"),
        (None, true) => StateView::new(Tone::Ok, Shape::Ok, "Everybody"),
        (None, false) => StateView::new(Tone::Quiet, Shape::Note, "The team"),
    };
    state.plain()
}

fn row(figure: &Figure) -> Vec<AnyView> {
    let (href, name) = (format!("{PATH}/{}", figure.id), figure.name.to_string());
    let unit = if figure.unit.is_empty() { "–".to_owned() } else { figure.unit.clone() };
    let state = state(figure);
    vec![
        view! { <a href=href><span dir="auto">{name}</span></a><span class="sub mono">{figure.slug.to_string()}</span> }
            .into_any(),
        unit.into_any(),
        figure.better.text().into_any(),
        capital(figure.aggregate.text()).into_any(),
        view! { <StateBadge state/> }.into_any(),
    ]
}

/// `/admin/report-figures/new`
#[component]
pub fn NewFigure() -> impl IntoView {
    admin(
        |()| "Add a figure".to_owned(),
        |desk: Desk| async move { desk.actor.require(Permission::EditInventory) },
        |_, ()| {
            let form = Form::at("/admin/report-figures/new", "");
            let stored = FigureInput {
                aggregate: Aggregate::Last.as_str().to_owned(),
                better: Better::Neutral.as_str().to_owned(),
                decimals: "0".to_owned(),
                is_public: true,
                ..FigureInput::default()
            };
            view! {
                <PageHeader title="Add a figure" back=back()/>
                {form.summary(&LABELS)}
                <form class="form card" method="post">
                    {fields(&form, &stored)}
                    <Actions><Button weight=Weight::Primary>"Add"</Button></Actions>
                </form>
            }
        },
    )
}

fn fields(form: &Form, stored: &FigureInput) -> AnyView {
    let option = |name: &str, stored: &str, value: &'static str, label: String| {
        OptionView::new(value, label).chosen(form.value(name, stored) == value)
    };
    let better = Better::ALL
        .into_iter()
        .map(|known| option("better", &stored.better, known.as_str(), known.text().to_owned()))
        .collect();
    let aggregates = Aggregate::ALL
        .into_iter()
        .map(|known| option("aggregate", &stored.aggregate, known.as_str(), capital(known.text())))
        .collect();
    let is_public = form.chosen("is_public", "on", stored.is_public);
    view! {
        <Field name="name" label="Name" value=form.value("name", stored.name.as_str()) error=form.error("name")
            after=form.stored_now("name", &stored.name) required=true maxlength=120/>
        <Field name="slug" label="Address" value=form.value("slug", stored.slug.as_str()) error=form.error("slug")
            hint="For programs: small letters, digits and hyphens; made from the name where empty." optional=true
            mono=true maxlength=80/>
        <Field name="unit" label="Unit" value=form.value("unit", stored.unit.as_str()) error=form.error("unit")
            optional=true maxlength=20/>
        <Field name="decimals" label="Digits behind the point" kind="number" min="0" step="1"
            value=form.value("decimals", stored.decimals.as_str()) error=form.error("decimals")/>
        <Select name="better" label="Which way is better" options=better error=form.error("better")/>
        <Select name="aggregate" label="What twelve months make" options=aggregates error=form.error("aggregate")
            hint="Requests add up; the number of servers is that of the newest month."/>
        <Field name="position" label="Place" kind="number" min="0" step="1" optional=true
            hint="Smaller numbers stand first; at the end where empty."
            value=form.value("position", stored.position.as_str()) error=form.error("position")/>
        <Checkbox name="is_public" label="Everybody may see it" checked=is_public
            hint="Others are in the report for the team alone."/>
    }
    .into_any()
}

/// `/admin/report-figures/ID`
#[component]
pub fn FigurePage() -> impl IntoView {
    let id = use_params_map().read_untracked().get("id").unwrap_or_default();
    admin(
        |figure: &Figure| figure.name.to_string(),
        move |desk: Desk| async move { desk.services.report_figure(&desk.actor, &id).await },
        |desk, figure| show(&desk, &figure),
    )
}

fn show(desk: &Desk, figure: &Figure) -> AnyView {
    let path = format!("{PATH}/{}", figure.id);
    let form = Form::at(&path, "");
    let is_edit = form.only_if(form.pressed() != "retire");
    let (name, version, state) = (figure.name.to_string(), figure.version.to_string(), state(figure));
    let read = is_edit.version(figure.version);
    let may = desk.may(Permission::EditInventory) && figure.retired_at.is_none();
    let stored = FigureInput::of(figure);
    let retire = ActionView::post("Retire", path, &[("do", "retire"), ("version", version.as_str())])
        .weigh(Weight::Danger)
        .about(name.clone());
    let edits = may.then(|| {
        view! {
            <form class="form card" method="post">
                {fields(&is_edit, &stored)}
                <Hidden name="version" value=read/>
                <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
            </form>
            <Section id="retire" title="Retire it">
                <Card>
                    <p class="small">"Later reports do not have it; those that were put down keep it."</p>
                    <Actions><Action action=retire/></Actions>
                </Card>
            </Section>
        }
    });
    let told = format!("PUT /api/v1/reports/{}/figures/{}", desk.now.format("%Y-%m"), figure.slug);
    view! {
        <PageHeader title=name.clone() back=back()><StateBadge state/></PageHeader>
        {form.summary(&LABELS)}
        {edits}
        <Section id="tell" title="Told by a program">
            <Card>
                <p class="small">
                    <code>{told}</code> " with " <code>r#"{"value": 300}"#</code> " and a token of scope "
                    <code>"metric:write"</code> "."
                </p>
            </Card>
        </Section>
    }
    .into_any()
}
