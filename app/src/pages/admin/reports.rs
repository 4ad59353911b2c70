//! Monthly reports: what the running month will say, the figures that people tell, closing and correcting.

use super::desk::{Desk, admin};
use super::edit::{Form, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, DataTable, EmptyState, Field, Flash, Hidden, PageHeader,
    Section, StateBadge,
};
use crate::context;
use crate::form::FormData;
use crate::pages::reported;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, Shape, StateView, Tone, Weight};
use domain::number;
use domain::people::Permission;
use domain::report::{LONGEST_WHY, Month, percent_text};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use service::reports::{AllReports, CorrectionInput, ReportDesk, Told};

const LABELS: [(&str, &str); 3] = [("why", "Why"), ("figures", "Figures"), ("month", "Month")];

const DONE: [(&str, &str); 3] = [
    ("told", "The figures are kept."),
    ("frozen", "The month is closed, and its report is public."),
    ("corrected", "The report is corrected. Everybody sees what changed and why."),
];

const PATH: &str = "/admin/reports";

/// What the fields of figures are called.
const FIGURE: &str = "figure-";

/// The id of what holds them; the report itself has figures too.
const TOLD: &str = "told-figures";

/// What those are called that hold what a field of a figure was filled with.
const WAS: &str = "was-";

/// Takes the forms of `/admin/reports/{month}`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(month: &str, post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let to = |done: &str| format!("{PATH}/{month}?done={done}");
    let done = match form.get("do") {
        "figures" => {
            let was: Vec<_> = form.starting_with(WAS).map(|(slug, text)| (slug.to_owned(), text.to_owned())).collect();
            services.tell_figures(actor, month, &figures(form), &was).await.map(|()| to("told"))
        }
        "freeze" => services.freeze_report(actor, month).await.map(|_| to("frozen")),
        "correct" => {
            let input = CorrectionInput {
                why: form.get("why").to_owned(),
                figures: figures(form),
                recompute: form.has("recompute"),
            };
            services.correct_report(actor, month, version(form), &input).await.map(|_| to("corrected"))
        }
        _ => Err(Error::NotFound("form")),
    };
    post.done(done)
}

/// The figures that were typed. What a field was filled with is rounded, and a program may have told another since: who
/// left it alone says nothing of it.
fn figures(form: &FormData) -> Vec<(String, String)> {
    let is_left = |slug: &str, text: &str| {
        let was = format!("{WAS}{slug}");
        form.has(&was) && form.get(&was) == text
    };
    let typed = form.starting_with(FIGURE).filter(|(slug, text)| !is_left(slug, text));
    typed.map(|(slug, text)| (slug.to_owned(), text.to_owned())).collect()
}

/// `/admin/reports`
#[component]
pub fn Reports() -> impl IntoView {
    admin(
        |_| "Reports".to_owned(),
        |desk: Desk| async move { desk.services.reports(&desk.actor).await },
        |desk, reports| list(&desk, &reports),
    )
}

fn list(desk: &Desk, reports: &AllReports) -> AnyView {
    let open = |month: Month, text: &'static str| {
        let href = format!("{PATH}/{month}");
        view! {
            <li class="card tile">
                <h3><a href=href>{month.name()}</a></h3>
                <p class="small muted">{text}</p>
            </li>
        }
    };
    let running = open(reports.running, "Goes on: what it says so far, and the figures that you tell.").into_any();
    let missing = reports.missing.map(|month| open(month, "Over, and not closed.").into_any());
    let shown = if reports.frozen.is_empty() {
        view! { <EmptyState title="No month is closed yet" text="A month is closed by itself when it is over."/> }
            .into_any()
    } else {
        let columns = vec![
            ColumnView::new("Month"),
            ColumnView::number("Availability"),
            ColumnView::number("Incidents"),
            ColumnView::number("Windows"),
            ColumnView::new("Closed"),
            ColumnView::new("Corrected"),
        ];
        let rows = reports
            .frozen
            .iter()
            .map(|line| {
                let href = format!("{PATH}/{}", line.month);
                vec![
                    view! { <a href=href>{line.month.name()}</a> }.into_any(),
                    percent_text(line.headline.percent).into_any(),
                    line.headline.incidents.to_string().into_any(),
                    line.headline.windows.to_string().into_any(),
                    desk.short(line.frozen_at).into_any(),
                    line.corrected_at.map_or_else(|| "no".to_owned(), |at| desk.short(at)).into_any(),
                ]
            })
            .collect();
        view! { <DataTable caption="Closed months, newest first" columns rows/> }.into_any()
    };
    view! {
        <PageHeader title="Reports" intro="What each month was like, closed when it is over and public from then on.">
            <ButtonLink href="/admin/report-figures">"Our own figures"</ButtonLink>
        </PageHeader>
        <Section id="open" title="Not closed yet">
            <ul class="tiles">
                {running}
                {missing}
            </ul>
        </Section>
        <Section id="closed" title="Closed">{shown}</Section>
    }
    .into_any()
}

/// `/admin/reports/YYYY-MM`
#[component]
pub fn ReportPage() -> impl IntoView {
    let month = use_params_map().read_untracked().get("month").unwrap_or_default();
    admin(
        |report: &ReportDesk| format!("Report for {}", report.month.name()),
        move |desk: Desk| async move { desk.services.report_desk(&desk.actor, &month).await },
        |desk, report| show(&desk, &report),
    )
}

fn show(desk: &Desk, report: &ReportDesk) -> AnyView {
    let path = format!("{PATH}/{}", report.month);
    let form = Form::at(&path, "");
    let state = match (&report.frozen, report.is_running) {
        (Some(_), _) => StateView::new(Tone::Ok, Shape::Ok, "Closed"),
        (None, true) => StateView::new(Tone::Work, Shape::Work, "Goes on"),
        (None, false) => StateView::new(Tone::Degraded, Shape::Degraded, "Not closed"),
    };
    let public = report.frozen.as_ref().map(|_| {
        view! { <ButtonLink href=format!("/reports/{}", report.month)>"As customers see it"</ButtonLink> }
    });
    let freeze = (report.frozen.is_none() && !report.is_running && desk.may(Permission::Maintain)).then(|| {
        let action = ActionView::post("Close the month", path.clone(), &[("do", "freeze")]).weigh(Weight::Primary);
        view! { <Action action/> }
    });
    let preview = report.preview.as_ref().map(|_| {
        let title = if report.is_running { "A look ahead" } else { "This month is not closed" };
        let text = if report.is_running {
            "This is what the month says so far. It is closed by itself when it is over."
        } else {
            "This is what the report would say now. Close the month to publish it."
        };
        view! { <Flash flash=FlashView { tone: Tone::Work, title: title.to_owned(), text: text.to_owned() }/> }
    });
    let words = reported::Words { short: &|at| desk.short(at), link: &|_| None };
    let content = report.content().map(|content| reported::content(content, None, &words));
    let corrections = report.corrections.iter().map(|note| reported::Note {
        at: desk.instant(note.at),
        by: note.by.clone(),
        why: note.why.clone(),
        changes: note.changes.iter().map(|c| (c.what.clone(), c.before.clone(), c.after.clone())).collect(),
    });
    let corrections = corrections.collect::<Vec<_>>();
    let (tell, correct) = match &report.frozen {
        None if desk.may(Permission::ReportMetric) => (Some(tell(&form, report)), None),
        Some(frozen) if desk.may(Permission::Maintain) => (None, Some(correct(&form, report, frozen.version))),
        _ => (None, None),
    };
    view! {
        <PageHeader title=format!("Report for {}", report.month.name()) back=("Reports".to_owned(), PATH.to_owned())>
            <StateBadge state/>{public}{freeze}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary_at(&LABELS, |field| (field == "figures").then(|| TOLD.to_owned()))}
        {preview}
        {tell}
        {content}
        {reported::corrections(&corrections)}
        {correct}
    }
    .into_any()
}

fn figure_fields(form: &Form, report: &ReportDesk, stored: impl Fn(&Told) -> String) -> AnyView {
    let fields = report
        .figures
        .iter()
        .map(|told| {
            let name = format!("{FIGURE}{}", told.figure.slug);
            let unit = if told.figure.unit.is_empty() { String::new() } else { format!(", in {}", told.figure.unit) };
            let label = format!("{}{unit}", told.figure.name);
            let before = told.before.map(|value| {
                format!("The month before: {}", number::with_unit(value, told.figure.decimals, &told.figure.unit))
            });
            let was = format!("{WAS}{}", told.figure.slug);
            let filled = stored(told);
            let after = form.stored_now(&name, &filled).or(before);
            view! {
                <Field name=name.clone() label=label value=form.value(&name, filled.clone()) after optional=true/>
                <Hidden name=was.clone() value=if form.is_stale() { filled } else { form.value(&was, filled) }/>
            }
        })
        .collect_view();
    let error = form.error("figures").map(|error| view! { <p class="error">{error}</p> });
    view! { {error}<div class="fields" id=TOLD>{fields}</div> }.into_any()
}

fn tell(form: &Form, report: &ReportDesk) -> AnyView {
    if report.figures.is_empty() {
        return view! {
            <Section id="tell" title="Our own figures">
                <Card>
                    <p>
                        "None is set up. " <a href="/admin/report-figures">"Set up our own figures"</a>
                        ": servers, sites, support requests, on-call alerts."
                    </p>
                </Card>
            </Section>
        }
        .into_any();
    }
    let fields = figure_fields(form, report, Told::typed);
    view! {
        <Section id="tell" title="Enter our own figures">
            <form class="form card" method="post">
                {fields}
                <Hidden name="do" value="figures"/>
                <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
            </form>
        </Section>
    }
    .into_any()
}

fn correct(form: &Form, report: &ReportDesk, version: i64) -> AnyView {
    let said = |told: &Told| {
        let content = report.content();
        let line = content.and_then(|content| content.figures.iter().find(|line| line.id == told.figure.id));
        let value = line.and_then(|line| Some((line.value()?, line.decimals)));
        value.map(|(value, decimals)| number::plain(value, decimals)).unwrap_or_default()
    };
    let (recompute, why, wrong) = (form.chosen("recompute", "on", false), form.value("why", ""), form.error("why"));
    let (fields, read) = (figure_fields(form, report, said), form.version(version));
    view! {
        <Section id="correct" title="Correct this report">
            <form class="form card" method="post">
                {fields}
                <Checkbox name="recompute" label="Gather everything else again" checked=recompute
                    hint="Availability, incidents, windows and drills, by the history as it is now."/>
                <Field name="why" label="Why" value=why error=wrong required=true
                    hint="Everybody reads it beside the report." wide=true
                    maxlength={u32::try_from(LONGEST_WHY).unwrap_or(u32::MAX)}/>
                <Hidden name="do" value="correct"/>
                <Hidden name="version" value=read/>
                <Actions><Button weight=Weight::Primary>"Correct it"</Button></Actions>
            </form>
        </Section>
    }
    .into_any()
}
