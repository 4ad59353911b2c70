//! Work that repeats: all series, and one with its dates.

use super::desk::{Desk, admin};
use super::maintenances::window;
use super::plan::{problems, version};
use crate::components::{
    Actions, Button, ButtonLink, Card, Checkbox, DataTable, Disclosure, EmptyState, ErrorSummary, Fact, Facts, Flash,
    Hidden, PageHeader, Section, StateBadge, TextArea, TimeRange,
};
use crate::context::{param, submitted};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, Shape, StateView, Tone, Weight};
use domain::ids::SeriesId;
use domain::maintenance::State;
use domain::people::Permission;
use domain::series::Series;
use leptos::prelude::*;
use service::Error;
use service::maintenance::{Dated, SeriesDetail, SeriesLine};

const DONE: [(&str, &str); 3] = [
    ("added", "The series is set up. Its windows are below."),
    ("changed", "The series and its windows ahead are changed."),
    ("ended", "The series has ended: no more windows are made."),
];

/// The series in an address; one that can not be an id leads nowhere.
///
/// # Errors
/// No id.
pub(super) fn id(text: &str) -> Result<SeriesId, Error> {
    text.parse().map_err(|_| Error::NotFound("series"))
}

/// Takes what is pressed on a series' page.
///
/// # Errors
/// What can not be mended on the page.
pub async fn post(of: &str, post: Post) -> Result<Posted, Error> {
    let id = id(of)?;
    let form = &post.form;
    let result = match form.get("do") {
        "end" => {
            let version = version(form).unwrap_or_default();
            post.services.end_series(&post.actor, id, version, form.has("call_off"), form.get("body")).await
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(result.map(|series| format!("/admin/series/{}?done=ended", series.id)))
}

fn state(series: &Series) -> StateView {
    if series.ended_at.is_some() {
        StateView::new(Tone::Quiet, Shape::Cancelled, "Ended")
    } else {
        StateView::new(Tone::Work, Shape::Scheduled, "Goes on").plain()
    }
}

/// `/admin/series`
#[component]
pub fn AllSeries() -> impl IntoView {
    admin(
        |_| "Repeating work".to_owned(),
        |desk| async move { desk.services.all_series(&desk.actor).await },
        |desk, lines| list(&desk, lines),
    )
}

fn list(desk: &Desk, lines: Vec<SeriesLine>) -> AnyView {
    let may = desk.may(Permission::Maintain);
    let new = may.then(|| {
        view! { <ButtonLink href="/admin/series/new" weight=Weight::Primary>"Plan repeating work"</ButtonLink> }
    });
    let content = if lines.is_empty() {
        let action = may.then(|| ActionView::link("Plan repeating work", "/admin/series/new"));
        let text = "Work that comes every week or month is planned once: each date becomes a window of its own, \
                    checked against the backups before it starts.";
        view! { <EmptyState title="Nothing repeats yet" text action/> }.into_any()
    } else {
        let columns = ["Work", "Repeats", "Next window", "State"].map(ColumnView::new).to_vec();
        let rows = lines.into_iter().map(|line| row(desk, line)).collect();
        view! { <DataTable caption="Work that repeats" columns rows/> }.into_any()
    };
    view! {
        <PageHeader title="Repeating work">{new}</PageHeader>
        {content}
    }
    .into_any()
}

fn row(desk: &Desk, line: SeriesLine) -> Vec<AnyView> {
    let SeriesLine { series, next, drafts } = line;
    let href = format!("/admin/series/{}", series.id);
    let next = next.map_or_else(
        || "–".into_any(),
        |m| {
            let (href, when) = (format!("/admin/maintenances/{}", m.id), desk.range(m.begins_at(), m.finishes_at()));
            view! { <a href=href><TimeRange when/></a> }.into_any()
        },
    );
    let state = match (&series.problem, drafts) {
        (Some(_), _) => StateView::new(Tone::Major, Shape::Major, "Needs you"),
        (None, 1..) if series.ended_at.is_none() => {
            StateView::new(Tone::Degraded, Shape::Held, "Waiting for a backup to be confirmed")
        }
        _ => state(&series),
    };
    vec![
        view! { <a href=href><span dir="auto">{series.title.to_string()}</span></a> }.into_any(),
        series.timing.words().into_any(),
        next,
        view! { <StateBadge state/> }.into_any(),
    ]
}

/// `/admin/series/:id`
#[component]
pub fn SeriesPage() -> impl IntoView {
    let form = submitted();
    let of = param("id");
    admin(
        |detail: &SeriesDetail| detail.series.title.to_string(),
        |desk| async move { desk.services.series_detail(&desk.actor, id(&of)?).await },
        move |desk, detail| page(&desk, &detail, &form),
    )
}

fn page(desk: &Desk, detail: &SeriesDetail, form: &Submitted) -> AnyView {
    let series = &detail.series;
    let may = desk.may(Permission::Maintain) && series.ended_at.is_none();
    let edit = may.then(|| {
        let href = format!("/admin/series/{}/edit", series.id);
        view! { <ButtonLink href>"Change"</ButtonLink> }
    });
    let drafts =
        detail.dates.iter().filter(|dated| dated.maintenance.as_ref().is_some_and(|m| m.state == State::Draft));
    let waiting = (series.ended_at.is_none() && drafts.count() > 0).then(|| {
        let text = "The backups they depend on are not confirmed. They are kept as drafts, and published by themselves as \
                    soon as nothing stands against them. Open a draft to see what is missing.";
        view! { <Flash flash=FlashView::warning("Windows of this series are not scheduled yet", text)/> }
    });
    let problem = series.problem.clone().map(|problem| {
        view! { <Flash flash=FlashView::warning("Not all windows could be made", problem)/> }
    });
    let (now, past): (Vec<&Dated>, Vec<&Dated>) =
        detail.dates.iter().partition(|dated| dated.maintenance.as_ref().is_some_and(|m| !m.state.is_ended()));
    let ahead = if now.is_empty() {
        view! { <p class="muted">"No window is ahead."</p> }.into_any()
    } else {
        table(desk, "Windows ahead", &now, may)
    };
    let past = (!past.is_empty()).then(|| {
        let table = table(desk, "Windows that are over", &past, false);
        view! { <Section id="past" title="Over, moved away or called off">{table}</Section> }
    });
    let (about, end) = (facts(desk, detail), may.then(|| end(series, form)));
    view! {
        <PageHeader title=series.title.to_string() intro=capital(&series.timing.words())
            back=("Repeating work".to_owned(), "/admin/series".to_owned()) state=state(series)>
            {edit}
        </PageHeader>
        {crate::context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        <ErrorSummary problems=problems(form) message=form.message.clone()/>
        {problem}
        {waiting}
        <Section id="ahead" title="Windows">{ahead}</Section>
        {past}
        <Section id="about" title="About the series">
            <div class="split">
                <div>{about}</div>
                <div>{end}</div>
            </div>
        </Section>
    }
    .into_any()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn table(desk: &Desk, caption: &'static str, dates: &[&Dated], may: bool) -> AnyView {
    let mut columns = vec![ColumnView::new("Date"), ColumnView::new("Window"), ColumnView::new("State")];
    if may {
        columns.push(ColumnView::unseen("What to do"));
    }
    let rows = dates
        .iter()
        .map(|dated| {
            let date = dated.date.format("%a %-d %b %Y").to_string();
            let Some(m) = &dated.maintenance else {
                let mut cells = vec![date.into_any(), "The draft was thrown away".into_any(), "–".into_any()];
                if may {
                    cells.push(().into_any());
                }
                return cells;
            };
            let shown = window(desk, m);
            let number = format!("M-{}", m.number);
            let moved = dated.was_moved.then(|| view! { <p class="small muted">"Has a time of its own"</p> });
            let window = view! {
                <a href=shown.href>{number}</a>
                " "
                <TimeRange when=shown.when/>
                {moved}
            };
            let mut cells =
                vec![date.into_any(), window.into_any(), view! { <StateBadge state=shown.state/> }.into_any()];
            if may {
                cells.push(links(dated, m.id.to_string(), m.state));
            }
            cells
        })
        .collect();
    view! { <DataTable caption columns rows/> }.into_any()
}

/// Moves or skips one window alone.
fn links(dated: &Dated, id: String, state: State) -> AnyView {
    if !(state.is_ahead() || state == State::Draft) {
        return ().into_any();
    }
    let about = dated.date.format("%-d %b %Y").to_string();
    let (edit, skip) =
        (format!("/admin/maintenances/{id}/edit"), format!("/admin/maintenances/{id}?call-off#cancel-form"));
    let skip = (state != State::Draft).then(|| {
        view! { <a href=skip>"Skip"<span class="vh">{format!(" {about}")}</span></a> }
    });
    view! {
        <Actions>
            <a href=edit>"Move"<span class="vh">{format!(" {about}")}</span></a>
            {skip}
        </Actions>
    }
    .into_any()
}

fn facts(desk: &Desk, detail: &SeriesDetail) -> AnyView {
    let series = &detail.series;
    let names = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let ended = series.ended_at.map(|at| {
        let when = desk.instant(at);
        view! { <Fact label="Ended"><TimeRange when/></Fact> }
    });
    let (hosts, components) = (names(&detail.hosts), names(&detail.components));
    let gap = match series.timing.gap {
        domain::series::Gap::Skip => "Where the clocks skip the start, the date is left out.",
        domain::series::Gap::Move => "Where the clocks skip the start, it begins right after the gap.",
    };
    let fold = match series.timing.fold {
        domain::maintenance::Fold::Earlier => "Where the start exists twice, the first one counts.",
        domain::maintenance::Fold::Later => "Where the start exists twice, the second one counts.",
    };
    let rule = series.timing.rule.to_string();
    let (length, may_wait) = (series.timing.length.to_string(), series.timing.may_wait.to_string());
    let clocks = format!("{gap} {fold}");
    view! {
        <Card>
            <Facts>
                <Fact label="Length">{length}</Fact>
                <Fact label="Waits for its backup">{may_wait}</Fact>
                <Fact label="Hosts"><span dir="auto">{hosts}</span></Fact>
                <Fact label="Components"><span dir="auto">{components}</span></Fact>
                <Fact label="When the clocks change">{clocks}</Fact>
                <Fact label="Rule"><code>{rule}</code></Fact>
                {ended}
            </Facts>
        </Card>
    }
    .into_any()
}

fn end(series: &Series, form: &Submitted) -> AnyView {
    let open = form.data.is_some();
    let version = form.made_from("version", series.version);
    let (ticked, body, error) = (form.ticked("call_off", false), form.value("body", ""), form.error("body"));
    view! {
        <Card title="End the series">
            <p class="small muted">"No more windows are made. Those that are ahead stay, or are called off."</p>
            <Disclosure label="End it" open=open>
                <form class="stack" method="post">
                    <Hidden name="version" value=version/>
                    <Checkbox name="call_off" label="Call off the windows ahead"
                        hint="Customers hear of it once. Windows under way go on."
                        checked=ticked/>
                    <TextArea name="body" label="Why" rows=2 optional=true value=body error=error
                        hint="What customers read, if windows are called off."/>
                    <Actions><Button weight=Weight::Danger name="do" value="end">"End the series"</Button></Actions>
                </form>
            </Disclosure>
        </Card>
    }
    .into_any()
}
