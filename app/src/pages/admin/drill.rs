//! One restore drill: how it stands, and what can be done with it now.

use super::desk::{Desk, admin};
use super::drills::plan_for;
use super::edit::{Form, capital, id, param};
use super::runs::{bytes_text, grouped};
use crate::components::{
    Actions, Button, ButtonLink, Card, Choices, Disclosure, Fact, Facts, Field, Flash, Hidden, PageHeader, TextArea,
    TimeRange,
};
use crate::context;
use crate::posts::{Post, Posted};
use crate::view::{OptionView, ProofView, StateView, Weight};
use domain::drill::{Drill, DrillState, Worth};
use domain::ids::DrillId;
use domain::people::Permission;
use domain::time::Instant;
use leptos::prelude::*;
use service::Error;
use service::drills::{DrillEnding, DrillLine, RestoreLook, place};

const LABELS: [(&str, &str); 7] = [
    ("started_at", "It began"),
    ("status", "How it ended"),
    ("finished_at", "It ended"),
    ("bytes", "How much came back"),
    ("startup", "Until the first byte"),
    ("evidence_url", "Where it is written down"),
    ("note", "Note"),
];

const DONE: [(&str, &str); 3] = [
    ("planned", "The drill is planned."),
    ("started", "The drill runs. Say here when it is over."),
    ("finished", "The drill is over. What it measured counts from now on."),
];

/// Takes the forms of the page.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(of: &str, post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let version = form.get("version").parse().ok();
    let text = |name: &str| form.get(name).to_owned();
    // Who may not is told so before anything is looked up.
    actor.require(Permission::ReportBackup)?;
    let drill: DrillId = id(of, "drill")?;
    let here = |done: &str| format!("/admin/drills/{drill}?done={done}");
    let done = match form.get("do") {
        "start" => services.start_drill(actor, drill, version, form.get("started_at")).await.map(|_| here("started")),
        "finish" => {
            let ending = DrillEnding {
                status: text("status"),
                finished_at: text("finished_at"),
                bytes: text("bytes"),
                startup: text("startup"),
                evidence_url: text("evidence_url"),
                note: text("note"),
            };
            services.finish_drill(actor, drill, version, &ending).await.map(|_| here("finished"))
        }
        "abandon" => {
            let given_up = services.abandon_drill(actor, drill, version, form.get("note")).await;
            given_up.map(|_| "/admin/drills?done=abandoned".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// `/admin/drills/ID`
#[component]
pub fn DrillPage() -> impl IntoView {
    let of = param::<DrillId>("drill");
    admin(
        |(line, _): &(DrillLine, RestoreLook)| format!("Restore drill of {}", place(line)),
        |desk: Desk| async move {
            let line = desk.services.drill(&desk.actor, of?).await?;
            let look = desk.services.restore_of(&desk.actor, line.drill.host_id).await?;
            Ok((line, look))
        },
        |desk, (line, look)| show(&desk, &line, &look),
    )
}

fn show(desk: &Desk, line: &DrillLine, look: &RestoreLook) -> AnyView {
    let drill = &line.drill;
    let may = desk.may(Permission::ReportBackup);
    let form = Form::at(&format!("/admin/drills/{}", drill.id), "");
    let intro = match (drill.data_set_id, drill.kind) {
        (_, domain::drill::DrillKind::Verify) => "The backup was read and checked; nothing was restored.",
        (None, _) => "The restore of a whole host, rehearsed.",
        (Some(_), _) => "The restore of one data set, rehearsed.",
    };
    let again = (may && !drill.state.is_open())
        .then(|| view! { <ButtonLink href=plan_for(drill.host_id)>"Plan another"</ButtonLink> });
    let now = may.then(|| match drill.state {
        DrillState::Planned => planned(&form, drill),
        DrillState::Running => running(&form, drill),
        _ => ().into_any(),
    });
    view! {
        <PageHeader title=place(line) intro back=("Restore drills".to_owned(), "/admin/drills".to_owned())
            state=StateView::from(drill.state) proof=proof(drill)>{again}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        <div class="split">
            <div class="stack">{facts(desk, line)}{now}</div>
            <div class="stack">{measured(drill)}{meaning(line, look)}</div>
        </div>
    }
    .into_any()
}

/// What it is worth, in one line.
fn proof(drill: &Drill) -> Option<ProofView> {
    let ended = matches!(drill.state, DrillState::Succeeded | DrillState::Failed);
    ended.then(|| match drill.worth() {
        Worth::Measured => ProofView::confirmed("Counts as a drill, and says how fast a restore is"),
        Worth::Proof => ProofView::confirmed("Counts as a drill; how fast it is was not measured"),
        Worth::Evidence => ProofView::waiting("Evidence only: nothing was restored, and nothing measured"),
        Worth::Nothing => ProofView::blocked("Does not count: it failed"),
    })
}

fn facts(desk: &Desk, line: &DrillLine) -> AnyView {
    let drill = &line.drill;
    let at = |label: &'static str, at: Option<Instant>| {
        at.map(|at| {
            let when = desk.instant(at);
            view! { <Fact label=label><TimeRange when stacked=true/></Fact> }
        })
    };
    let (planned, began, ended) =
        (at("Planned", drill.planned_at), at("Began", drill.started_at), at("Ended", drill.finished_at));
    let host = format!("/admin/hosts/{}", drill.host_id);
    let host_name = line.host.clone();
    let data_set = match (drill.data_set_id, &line.data_set) {
        (Some(id), Some(name)) => {
            let (href, name) = (format!("/admin/data-sets/{id}"), name.clone());
            view! { <a href=href><span dir="auto">{name}</span></a> }.into_any()
        }
        _ => "all of them".into_any(),
    };
    let evidence = drill.evidence.as_ref().map(|link| {
        let (href, text) = (link.as_str().to_owned(), link.as_str().to_owned());
        view! { <Fact label="Written down"><a href=href rel="noopener noreferrer nofollow"><span class="mono" dir="auto">{text}</span></a></Fact> }
    });
    let note = (!drill.note.is_empty()).then(|| {
        let note = drill.note.clone();
        view! { <Fact label="Note"><span dir="auto">{note}</span></Fact> }
    });
    let source = (!drill.source.is_empty()).then(|| {
        let source = drill.source.clone();
        view! { <Fact label="Reported by"><span dir="auto">{source}</span></Fact> }
    });
    let who = drill.who.clone();
    view! {
        <Card>
            <Facts>
                <Fact label="Host"><a href=host><span dir="auto">{host_name}</span></a></Fact>
                <Fact label="Data sets">{data_set}</Fact>
                <Fact label="Who"><span dir="auto">{who}</span></Fact>
                {planned}
                {began}
                {ended}
                {source}
                {evidence}
                {note}
            </Facts>
        </Card>
    }
    .into_any()
}

fn measured(drill: &Drill) -> AnyView {
    if drill.state.is_open() || (drill.elapsed().is_none() && drill.bytes.is_none()) {
        return ().into_any();
    }
    let took = drill.elapsed().map(|took| view! { <Fact label="Took">{took.to_string()}</Fact> });
    let startup = drill.startup.map(|span| view! { <Fact label="Until the first byte">{span.to_string()}</Fact> });
    let bytes = drill.bytes.map(|bytes| {
        let text = format!("{} ({} bytes)", bytes_text(bytes), grouped(bytes));
        view! { <Fact label="Came back">{text}</Fact> }
    });
    let speed = drill.fact().and_then(|fact| fact.speed());
    let speed = speed.map(|speed| view! { <Fact label="Speed">{format!("{} in a second", bytes_text(speed))}</Fact> });
    view! { <Card title="Measured"><Facts>{took}{startup}{bytes}{speed}</Facts></Card> }.into_any()
}

/// What is known of the host's restore with all its drills.
fn meaning(line: &DrillLine, look: &RestoreLook) -> AnyView {
    let Some(restore) = &look.restore else { return ().into_any() };
    let title = format!("A full restore of {}", line.host);
    let text = capital(&restore.text());
    let part = restore.estimate.drills.contains(&line.drill.id);
    let part = part
        .then(|| view! { <p class="small muted">"This drill is what that stands on: the slowest of the newest."</p> });
    view! { <Card title><p>{text}</p>{part}</Card> }.into_any()
}

fn version(form: &Form, drill: &Drill, deed: &str) -> AnyView {
    let read = form.only_if(form.pressed() == deed).version(drill.version);
    view! { <Hidden name="version" value=read/> }.into_any()
}

fn planned(form: &Form, drill: &Drill) -> AnyView {
    let give_up = give_up(form, drill);
    let inner = view! {
        <form class="form" method="post">
            {version(form, drill, "start")}
            <Hidden name="do" value="start"/>
            <Field name="started_at" label="It began" value=form.value("started_at", "") error=form.error("started_at")
                hint="Empty: now. Like 2026-11-27 14:30; with an offset in any zone." optional=true/>
            <Actions><Button weight=Weight::Primary>"It begins"</Button></Actions>
        </form>
    }
    .into_any();
    view! {
        <Card title="What now">
            {inner}
            {give_up}
        </Card>
    }
    .into_any()
}

fn running(form: &Form, drill: &Drill) -> AnyView {
    let option = |value: &'static str, label: &'static str| {
        OptionView::new(value, label).chosen(form.chosen("status", value, false))
    };
    let outcomes = vec![option("succeeded", "It succeeded: all of it was there"), option("failed", "It failed")];
    let link = drill.evidence.as_ref().map(|link| link.as_str().to_owned()).unwrap_or_default();
    let give_up = give_up(form, drill);
    let (note, note_error) = match is_given_up(form) {
        true => (drill.note.clone(), None),
        false => (form.value("note", drill.note.clone()), form.error("note")),
    };
    let inner = view! {
        <form class="form" method="post">
            {version(form, drill, "finish")}
            <Hidden name="do" value="finish"/>
            <Choices name="status" legend="How did it end?" options=outcomes error=form.error("status")/>
            <div class="fields">
                <Field name="bytes" label="How much came back" value=form.value("bytes", "") error=form.error("bytes")
                    hint="Like 412 GB, or bytes. Without it nothing is measured." optional=true/>
                <Field name="startup" label="Until the first byte" value=form.value("startup", "")
                    error=form.error("startup") hint="Like 7 h: what does not grow with the data." optional=true/>
            </div>
            <Field name="finished_at" label="It ended" value=form.value("finished_at", "") error=form.error("finished_at")
                hint="Empty: now. Like 2026-11-27 14:30; with an offset in any zone." optional=true/>
            <Field name="evidence_url" label="Where it is written down" kind="url" value=form.value("evidence_url", link)
                error=form.error("evidence_url") optional=true maxlength=500/>
            <TextArea name="note" label="Note" value=note error=note_error hint="Needed where it failed." rows=3
                optional=true maxlength=1000/>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
        </form>
    }
    .into_any();
    view! {
        <Card title="It is over">
            {inner}
            {give_up}
        </Card>
    }
    .into_any()
}

/// The form that came back is the one that gives it up.
fn is_given_up(form: &Form) -> bool {
    form.value("do", "") == "abandon"
}

fn give_up(form: &Form, drill: &Drill) -> AnyView {
    let open = is_given_up(form);
    let (why, error) = if open { (form.value("note", ""), form.error("note")) } else { (String::new(), None) };
    let inner = view! {
        <form class="form" method="post">
            {version(form, drill, "abandon")}
            <Hidden name="do" value="abandon"/>
            <TextArea name="note" label="Why" id="why" value=why error=error rows=2 maxlength=1000/>
            <Actions><Button weight=Weight::Danger>"Give it up"</Button></Actions>
        </form>
    }
    .into_any();
    view! { <Disclosure label="Give it up" open>{inner}</Disclosure> }.into_any()
}
