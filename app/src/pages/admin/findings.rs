//! `/admin/findings`: what the site should know before the next window, and who said that it may wait.

use super::desk::{Desk, admin};
use super::edit::{Form, id, param, query, version};
use crate::components::{
    Action, Actions, AttentionList, Button, Card, Counts, DataTable, EmptyState, Fact, Facts, Field, Flash, Hidden,
    PageHeader, Section, TimeRange,
};
use crate::context;
use crate::form::encode;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, AttentionView, ColumnView, CountView, Shape, StateView, Tone, Weight};
use chrono::Days;
use domain::finding::{Case, Kind, Subject};
use domain::ids::FindingId;
use domain::people::Permission;
use domain::time::civil;
use leptos::prelude::*;
use service::Error;
use service::findings::{AcknowledgementInput, FindingsQuery, FindingsView, Standing, page_of};
use service::site::Watched;

const PATH: &str = "/admin/findings";

/// Labels of the fields of an acknowledgement.
const LABELS: [(&str, &str); 2] = [("reason", "Why it may wait"), ("until", "Remind the team on")];

/// Days after which a finding comes back if nobody says another day.
const WAITS: u64 = 7;

/// `/admin/findings?kind=…`
#[component]
pub fn Findings() -> impl IntoView {
    let asked = FindingsQuery { kind: query().get("kind").trim().to_owned(), ..FindingsQuery::default() };
    let find = asked.clone();
    admin(
        |_| "Findings".to_owned(),
        |desk: Desk| async move {
            let view = desk.services.findings(&desk.actor, &find).await?;
            Ok((view, desk.services.watched(&desk.actor).await?))
        },
        move |desk, (view, watched)| list(&desk, &asked, view, watched),
    )
}

fn place(kind: &str) -> String {
    if kind.is_empty() { PATH.to_owned() } else { format!("{PATH}?kind={}", encode(kind)) }
}

/// Colour, shape and words of a kind.
pub(super) fn state(kind: Kind) -> StateView {
    let (tone, shape) = match kind {
        Kind::UnclaimedHost => (Tone::Major, Shape::Unknown),
        Kind::NoDumpJob | Kind::NoJob => (Tone::Major, Shape::Cancelled),
        Kind::DumpLate => (Tone::Major, Shape::Major),
        Kind::DumpDrifting => (Tone::Degraded, Shape::Degraded),
        Kind::SilentJob => (Tone::Partial, Shape::Partial),
    };
    StateView::new(tone, shape, kind.text())
}

fn path(case: &Case) -> String {
    format!("{PATH}/{}", case.id)
}

fn list(desk: &Desk, asked: &FindingsQuery, view: FindingsView, watched: Watched) -> AnyView {
    let shown = view.counts.iter().filter(|(kind, n)| *n > 0 || asked.kind == kind.as_str());
    let counts: Vec<CountView> = shown
        .map(|(kind, count)| {
            let current = asked.kind == kind.as_str();
            let href = place(if current { "" } else { kind.as_str() });
            CountView { count: *count, state: state(*kind), href, current }
        })
        .collect();
    let counts = (!counts.is_empty()).then(|| view! { <Counts label="Open findings by kind" counts/> });
    let open = if view.open.is_empty() { nothing(asked, watched) } else { attention(desk, &view.open) };
    let acknowledged = (!view.acknowledged.is_empty()).then(|| {
        let items = view.acknowledged.iter().map(|case| waiting(desk, case)).collect();
        view! { <Section id="later" title="Left for later"><AttentionList items/></Section> }
    });
    let closed = (!view.closed.is_empty()).then(|| closed(desk, &view.closed));
    view! {
        <PageHeader title="Findings"
            intro="What the site should know before the next maintenance, although nothing has failed. A finding goes away by itself when its cause is mended."/>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {counts}
        <Section id="open" title="Open">{open}</Section>
        {acknowledged}
        {closed}
    }
    .into_any()
}

const DONE: [(&str, &str); 2] = [
    ("later", "The finding waits. It comes back on its day if it is still there."),
    ("open", "The finding is open again."),
];

fn nothing(asked: &FindingsQuery, watched: Watched) -> AnyView {
    if !watched.hosts {
        return view! {
            <EmptyState title="Nothing is watched yet"
                text="There is no host yet: findings are about hosts, their data sets and the jobs that back them up."/>
        }
        .into_any();
    }
    if asked.kind.is_empty() {
        return view! {
            <EmptyState title="Nothing to mend" good=true
                text="Every host is claimed, every data set has a job, dumps are ready in time, and all jobs report."/>
        }
        .into_any();
    }
    view! {
        <EmptyState title="No open finding of this kind" text="Others may be open."
            action=ActionView::link("Show all", PATH)/>
    }
    .into_any()
}

/// Open findings, each with the way to where it is mended.
pub(super) fn attention(desk: &Desk, cases: &[Case]) -> AnyView {
    let items = cases.iter().map(|case| item(desk, case)).collect();
    view! { <AttentionList items/> }.into_any()
}

fn mend(case: &Case) -> ActionView {
    let label = match case.finding.subject {
        Subject::Host(_) => "To the host",
        Subject::DataSet(_) => "To the data set",
        Subject::Job(_) => "To the job",
    };
    ActionView::link(label, page_of(case.finding.subject)).about(case.finding.place.clone())
}

pub(super) fn item(desk: &Desk, case: &Case) -> AttentionView {
    let finding = &case.finding;
    let state = state(finding.what.kind());
    let sentence = finding.sentence(desk.services.zones.as_ref(), &desk.site.zone);
    let mut actions = vec![mend(case)];
    if desk.may(Permission::EditInventory) {
        actions.push(ActionView::link("Leave for later", path(case)).about(finding.heading()));
    }
    AttentionView {
        tone: state.tone,
        shape: state.shape,
        title: finding.heading(),
        href: path(case),
        detail: format!("{sentence} {} Since {}.", finding.advice(), desk.short(case.since())),
        actions,
    }
}

fn waiting(desk: &Desk, case: &Case) -> AttentionView {
    let said = case.acknowledged.as_ref();
    let detail = said.map(|said| format!("“{}” {}, until {}.", said.reason, said.by, desk.short(said.until)));
    AttentionView {
        tone: Tone::Quiet,
        shape: state(case.finding.what.kind()).shape,
        detail: detail.unwrap_or_default(),
        actions: vec![mend(case)],
        title: case.finding.heading(),
        href: path(case),
    }
}

fn closed(desk: &Desk, cases: &[Case]) -> AnyView {
    let columns = vec![ColumnView::new("Finding"), ColumnView::new("Was open from"), ColumnView::new("Gone")];
    let rows = cases
        .iter()
        .map(|case| {
            let (href, heading) = (path(case), case.finding.heading());
            vec![
                view! { <a href=href><span dir="auto">{heading}</span></a> }.into_any(),
                desk.short(case.first_seen_at).into_any(),
                case.closed_at.map(|at| desk.short(at)).into_any(),
            ]
        })
        .collect();
    view! {
        <Section id="closed" title="Gone in the last two weeks">
            <DataTable caption="Findings that are gone" columns rows/>
        </Section>
    }
    .into_any()
}

/// `/admin/findings/:id`
#[component]
pub fn OneFinding() -> impl IntoView {
    let id = param::<FindingId>("finding");
    admin(
        |case: &Case| case.finding.heading(),
        |desk: Desk| async move { desk.services.finding(&desk.actor, id?).await },
        move |desk, case| one(&desk, &case),
    )
}

fn one(desk: &Desk, case: &Case) -> AnyView {
    let finding = &case.finding;
    let standing = Standing::of(case, desk.now);
    let shown = match standing {
        Standing::Open => state(finding.what.kind()).labelled("Open"),
        Standing::Acknowledged => StateView::new(Tone::Quiet, Shape::Postponed, "Left for later"),
        Standing::Closed => StateView::new(Tone::Ok, Shape::Ok, "Gone"),
    };
    let form = Form::at(&path(case), "");
    let sentence = finding.sentence(desk.services.zones.as_ref(), &desk.site.zone);
    let advice = (standing != Standing::Closed).then(|| view! { <p>{finding.advice()}</p> });
    let change = match standing {
        Standing::Open if desk.may(Permission::EditInventory) => acknowledge(desk, case, &form),
        Standing::Acknowledged => acknowledged(desk, case),
        _ => ().into_any(),
    };
    let facts = facts(desk, case);
    let mend = mend(case);
    view! {
        <PageHeader title=finding.heading() back=("Findings".to_owned(), PATH.to_owned()) state=shown/>
        {form.summary(&LABELS)}
        <div class="split is-wide-start">
            <div class="stack">
                <Card>
                    <p dir="auto">{sentence}</p>
                    {advice}
                    <Actions><Action action=mend/></Actions>
                </Card>
                {change}
            </div>
            <div class="stack"><Card title="History">{facts}</Card></div>
        </div>
    }
    .into_any()
}

fn facts(desk: &Desk, case: &Case) -> AnyView {
    let since = desk.instant(case.since());
    let told = case.told_at.map_or_else(|| "not yet".to_owned(), |at| desk.short(at));
    let (first, last) = (desk.short(case.first_seen_at), desk.short(case.last_seen_at));
    let gone = case.closed_at.map(|at| {
        let at = desk.short(at);
        view! { <Fact label="Gone">{at}</Fact> }
    });
    view! {
        <Facts>
            <Fact label="Since"><TimeRange when=since stacked=true/></Fact>
            <Fact label="Seen first">{first}</Fact>
            <Fact label="Seen last">{last}</Fact>
            <Fact label="Told by mail">{told}</Fact>
            {gone}
        </Facts>
    }
    .into_any()
}

fn acknowledge(desk: &Desk, case: &Case, form: &Form) -> AnyView {
    let today = civil(desk.services.zones.as_ref(), &desk.site.zone, desk.now).local.date();
    let day = |days: u64| today.checked_add_days(Days::new(days)).unwrap_or(today).to_string();
    let hint = format!(
        "Until {:02}:00 on this day nobody is mailed about it. Then it comes back, if it is still there.",
        desk.site.digest_hour.get()
    );
    view! {
        <form class="form card" method="post">
            <h2>"Leave for later"</h2>
            <Field name="reason" label=LABELS[0].1 value=form.value("reason", "") error=form.error("reason")
                hint="Your colleagues read it with your name." required=true maxlength=300/>
            <Field name="until" label=LABELS[1].1 kind="date" min=day(1) value=form.value("until", day(WAITS))
                error=form.error("until") hint required=true/>
            <Actions><Button weight=Weight::Primary name="do" value="acknowledge">"Leave for later"</Button></Actions>
            <Hidden name="version" value=form.version(case.version)/>
        </form>
    }
    .into_any()
}

fn acknowledged(desk: &Desk, case: &Case) -> AnyView {
    let Some(said) = case.acknowledged.clone() else { return ().into_any() };
    let (at, until) = (desk.short(said.at), desk.instant(said.until));
    let version = case.version.to_string();
    let open = desk.may(Permission::EditInventory).then(|| {
        let fields = [("do", "end"), ("version", version.as_str())];
        let action = ActionView::post("Open it again now", path(case), &fields);
        view! { <Actions><Action action/></Actions> }
    });
    view! {
        <Card title="Left for later">
            <Facts>
                <Fact label="Why"><span dir="auto">{said.reason}</span></Fact>
                <Fact label="Who"><span dir="auto">{format!("{}, {at}", said.by)}</span></Fact>
                <Fact label="Comes back"><TimeRange when=until stacked=true/></Fact>
            </Facts>
            {open}
        </Card>
    }
    .into_any()
}

/// Takes the forms of [`OneFinding`].
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(post: Post, finding: &str) -> Result<Posted, Error> {
    post.actor.require(Permission::EditInventory)?;
    let finding: FindingId = id(finding, "finding")?;
    let read = version(&post.form);
    let done = match post.form.get("do") {
        "end" => post.services.end_acknowledgement(&post.actor, finding, read).await.map(|_| "open"),
        _ => {
            let text = |name: &str| post.form.get(name).to_owned();
            let input = AcknowledgementInput { reason: text("reason"), until: text("until") };
            post.services.acknowledge_finding(&post.actor, finding, read, &input).await.map(|_| "later")
        }
    };
    post.done(done.map(|done| format!("{PATH}?done={done}")))
}
