//! One window: where it stands, what can be done with it now, its timeline and the gate's answers.

use super::desk::{Desk, admin};
use super::plan::{id, problems, query, version};
use super::wording::{self, Place};
use super::{checklist, gate, overriding, reminders, zone_move};
use crate::components::{
    Action, Actions, BlastRadius, Button, ButtonLink, Card, DataTable, Disclosure, ErrorSummary, Fact, Facts, Field,
    Flash, Hidden, Icon, PageHeader, Proof, Section, StateBadge, TextArea, TimeRange, Timeline, VerdictPanel,
};
use crate::context::submitted;
use crate::form::{FormData, Submitted};
use crate::posts::{Post, Posted};
use crate::view::{Answer, ColumnView, EntryView, FlashView, ProofView, Shape, StateView, Tone, Weight};
use domain::gate::Evidence;
use domain::ids::MaintenanceId;
use domain::incident::Incident;
use domain::maintenance::{KeptVerdict, Maintenance, State};
use domain::people::Permission;
use domain::run::RunState;
use domain::template::MessageTemplate;
use domain::time::Instant;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use service::conflicts::ConflictsLook;
use service::maintenance::{Detail, ExtendInput, MaintenanceInput, Planning, Specimen, Step, Target};
use service::requests::PlacedRequest;

/// Ways to say how much longer, in one press.
const LONGER: [(&str, &str); 4] =
    [("15 min", "15 minutes"), ("30 min", "30 minutes"), ("1 h", "1 hour"), ("2 h", "2 hours")];

const DONE: [(&str, &str); 3] = [
    ("requested", "The missing backups are requested. How far they came stands beside the reasons."),
    ("told", "Subscribers are told of the new time."),
    ("quiet", "Nobody is told: the page and calendars show the new time."),
];

/// Takes what is pressed on a window's page.
///
/// # Errors
/// What can not be mended on the page.
pub async fn post(of: &str, post: Post) -> Result<Posted, Error> {
    let id = id(of)?;
    if let Some(place) = wording::pressed(&post.form, "template") {
        return wording::begin(post, place).await;
    }
    if let Some(place) = wording::pressed(&post.form, "mail") {
        let seen = seen(&post, id, place).await;
        return wording::show(post, place, seen);
    }
    let (services, actor, version) = (&post.services, &post.actor, version(&post.form));
    let body = wording::words(&post.form);
    let here = format!("/admin/maintenances/{id}");
    let result = match post.form.get("do") {
        "start" => services.start_maintenance(actor, id, version, body).await.map(|_| here),
        "extend" => services.extend_maintenance(actor, id, version, &longer(&post.form)).await.map(|_| here),
        "verify" => services.verify_maintenance(actor, id, version, body).await.map(|_| here),
        "complete" => services.complete_maintenance(actor, id, version, body).await.map(|_| here),
        "complete-anyway" => {
            let why = post.form.get("why");
            services.complete_maintenance_anyway(actor, id, version, body, why).await.map(|_| here)
        }
        "tick" => services.tick_line(actor, id, post.form.get("line"), true).await.map(|_| format!("{here}#checklist")),
        "untick" => {
            services.tick_line(actor, id, post.form.get("line"), false).await.map(|_| format!("{here}#checklist"))
        }
        deed if overriding::DEEDS.contains(&deed) => {
            overriding::take(id, &post).await.map(|()| format!("{here}#override"))
        }
        "cancel" => services.cancel_maintenance(actor, id, version, body).await.map(|_| here),
        // A note takes nothing back: it is added to whatever the window has become.
        "update" => services.post_update(actor, id, None, body).await.map(|_| here),
        "schedule" => {
            let target = Target::Stored { id, version };
            match services.schedule_maintenance(actor, target, &MaintenanceInput::default()).await {
                Ok(Planning::Scheduled(_) | Planning::Drafted(_)) => Ok(here),
                Ok(Planning::Refused { draft, .. }) => Ok(format!("/admin/maintenances/{}/edit", draft.id)),
                // The form has room for the reason, and says what it is about.
                Err(Error::Conflicts { asks_why: true, .. }) => Ok(format!("{here}/edit")),
                Err(Error::Invalid(fields)) => {
                    // The field to mend is on the form.
                    let text: Vec<String> = fields.into_iter().map(|field| field.message).collect();
                    Err(Error::refused("invalid", text.join(" ")))
                }
                Err(error) => Err(error),
            }
        }
        "request" => {
            let asked = match gate::only(post.form.get("data_set")) {
                Ok(only) => services.request_missing_for(actor, id, only).await,
                Err(error) => Err(error),
            };
            asked.map(|_| format!("{here}?done=requested"))
        }
        "tell-move" => services.decide_zone_move(actor, id, true).await.map(|_| format!("{here}?done=told")),
        "leave-quiet" => services.decide_zone_move(actor, id, false).await.map(|_| format!("{here}?done=quiet")),
        "delete" => services.delete_draft(actor, id, version).await.map(|()| "/admin/maintenances".to_owned()),
        _ => Err(Error::NotFound("page")),
    };
    post.done(result)
}

fn longer(form: &FormData) -> ExtendInput {
    ExtendInput {
        by: form.get("by").to_owned(),
        end: form.get("end").to_owned(),
        end_fold: form.get("end_fold").to_owned(),
        body: form.get("body").to_owned(),
        reason: form.get("reason").to_owned(),
        conflicts_why: form.get("conflicts_why").to_owned(),
    }
}

/// The mail that one of the forms would send.
async fn seen(post: &Post, id: MaintenanceId, place: Place) -> Result<Specimen, Error> {
    let (words, longer) = (wording::words(&post.form), longer(&post.form));
    let step = match place.deed {
        "extend" => Step::Extend(&longer),
        "complete" | "complete-anyway" => Step::Complete(words),
        "cancel" => Step::Cancel(words),
        _ => Step::Post(words),
    };
    post.services.preview_step(&post.actor, id, step, post.form.get("mail_zone")).await
}

/// Everything the page shows.
struct Shown {
    detail: Detail,
    requests: Vec<PlacedRequest>,
    templates: Vec<MessageTemplate>,
    conflicts: ConflictsLook,
    alerts: service::alerts::AlertsLook,
    incidents: Vec<Incident>,
}

/// `/admin/maintenances/:id`
#[component]
pub fn MaintenancePage() -> impl IntoView {
    let form = submitted();
    let of = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default());
    admin(
        |Shown { detail, .. }: &Shown| format!("M-{} {}", detail.maintenance.number, detail.maintenance.title),
        |desk| async move {
            let detail = desk.services.maintenance_detail(&desk.actor, id(&of)?).await?;
            let requests = desk.services.requests_for(&desk.actor, detail.maintenance.id).await?;
            let templates = desk.services.templates(&desk.actor, false).await?;
            let conflicts = desk.services.conflicts_of(&desk.actor, detail.maintenance.id).await?;
            let alerts = desk.services.alerts_of_window(&desk.actor, detail.maintenance.id).await?;
            let incidents = desk.services.incidents_caused_by(&desk.actor, detail.maintenance.id).await?;
            Ok(Shown { detail, requests, templates, conflicts, alerts, incidents })
        },
        move |desk, shown| page(&desk, shown, &form),
    )
}

fn page(desk: &Desk, shown: Shown, form: &Submitted) -> AnyView {
    let Shown { detail, requests, templates, conflicts, alerts, incidents } = shown;
    let m = &detail.maintenance;
    let may = desk.may(Permission::Maintain);
    let edit = (may && !m.state.is_ended()).then(|| {
        let label = if m.state == State::Postponed { "Give it a new time" } else { "Change" };
        let weight = if m.state == State::Postponed { Weight::Primary } else { Weight::Normal };
        view! { <ButtonLink href=format!("/admin/maintenances/{}/edit", m.id) weight=weight>{label}</ButtonLink> }
    });
    let public = m.published_at.map(|_| {
        view! { <ButtonLink href=format!("/maintenance/{}", m.id)>"What customers see"</ButtonLink> }
    });
    let blocked = detail.gate.as_ref().is_some_and(|look| !look.verdict.allows());
    let actions = if may { what_now(desk, m, blocked, &templates, form) } else { ().into_any() };
    let used = wording::used(form);
    let mail = wording::specimen(desk, form, used.form, format!("mail:{}", used.deed));
    let (asked, checks) = (overriding::show(desk, &detail, form), checklist::show(desk, m, form));
    let message = (!m.message.as_str().is_empty()).then(|| {
        let html = service::prose::html(&desk.services.message_for(&desk.site.zone, m, &detail.affected));
        view! { <Card title="What customers read"><div class="prose" dir="auto" inner_html=html></div></Card> }
    });
    let timeline = (!detail.updates.is_empty()).then(|| {
        let entries = entries(desk, &detail);
        view! { <Section id="timeline" title="Timeline"><Timeline entries/></Section> }
    });
    view! {
        <PageHeader title=m.title.to_string() back=("Maintenance".to_owned(), "/admin/maintenances".to_owned())
            state=state(m) proof=proof(&detail)>
            {edit}
            {public}
        </PageHeader>
        {crate::context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.done.clone().map(|done| view! { <Flash flash=FlashView::done(done)/> })}
        <ErrorSummary problems=problems(form) message=form.message.clone()/>
        {mail}
        {zone_move::show(desk, &detail)}
        <div class="split">
            <div class="stack">
                {checks}
                {actions}
                {asked}
                {facts(desk, &detail)}
                {message}
                {super::alerts::of_window(desk, &alerts)}
                {timeline}
            </div>
            <div class="stack">
                {panel(desk, &detail)}
                {caused(desk, m, &incidents)}
                {super::in_the_way::show(desk, &conflicts)}
                {reminders::show(desk, &detail)}
                {requested(desk, &requests)}
                {history(desk, &detail)}
            </div>
        </div>
    }
    .into_any()
}

/// In the operators' words: they know what waits for what.
fn state(m: &Maintenance) -> StateView {
    let view = StateView::from(m.state);
    match m.state {
        State::Held => view.labelled("On hold: waiting for a backup"),
        State::Postponed => view.labelled("Postponed: needs a new time"),
        State::Cancelled if m.published_at.is_none() => view.labelled("Deleted draft"),
        _ => view,
    }
}

fn proof(detail: &Detail) -> Option<ProofView> {
    let m = &detail.maintenance;
    match (m.state, &detail.gate) {
        (State::Scheduled, Some(look)) => Some(gate::proof(&look.verdict, look.verdict.holds_at(m.planned.starts_at))),
        _ => None,
    }
}

fn facts(desk: &Desk, detail: &Detail) -> AnyView {
    let m = &detail.maintenance;
    let planned = &m.planned;
    let names = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let hosts: Vec<String> = detail.hosts.iter().map(|(_, name)| name.clone()).collect();
    let components: Vec<String> = detail.components.iter().map(|(_, name)| name.clone()).collect();
    let when = desk.range_in(&planned.zone, planned.starts_at, planned.ends_at);
    let began = m.started_at.map(|at| fact_at("Began", desk, at));
    let ended = m.ended_at.filter(|_| m.published_at.is_some()).map(|at| {
        let label = if m.state == State::Cancelled { "Called off" } else { "Ended" };
        fact_at(label, desk, at)
    });
    let held = m.held_at.map(|at| fact_at("On hold since", desk, at));
    let wait = (m.state.is_ahead() || m.state == State::Draft).then(|| {
        let text = if planned.latest_end_at > planned.ends_at {
            format!("Until {} at the latest: then its whole length fits no more.", desk.short(planned.last_fit()))
        } else {
            "Not at all: held at its start, it is postponed at once.".to_owned()
        };
        view! { <Fact label="Waits for its backup">{text}</Fact> }
    });
    // With a checklist the end is a person's.
    let by_itself = match (m.auto_start, m.auto_complete) {
        (true, true) if !m.checklist.is_empty() => {
            "Starts by itself; is done by itself, and completed by who has ticked its checklist"
        }
        (false, true) if !m.checklist.is_empty() => {
            "Is started by hand; is done by itself, and completed by who has ticked its checklist"
        }
        (true, true) => "Starts and ends by itself",
        (true, false) => "Starts by itself, is ended by hand",
        (false, true) => "Is started by hand, ends by itself",
        (false, false) => "Is started and ended by hand",
    };
    let reminded = reminders::in_short(desk, m).map(|text| view! { <Fact label="Reminders">{text}</Fact> });
    let series = detail.series.as_ref().map(|series| {
        let href = format!("/admin/series/{}", series.id);
        let own = if series.was_moved { "; this one has a time of its own" } else { "" };
        let words = series.words.clone();
        view! { <Fact label="Part of a series"><a href=href>{words}</a>{own}</Fact> }
    });
    let number = format!("M-{}", m.number);
    let (hosts, components) = (names(&hosts), names(&components));
    view! {
        <Card>
            <Facts>
                <Fact label="Number">{number}</Fact>
                <Fact label="Planned"><TimeRange when stacked=true/></Fact>
                {series}
                {held}
                {began}
                {ended}
                <Fact label="Hosts"><span dir="auto">{hosts}</span></Fact>
                <Fact label="Components"><span dir="auto">{components}</span></Fact>
                {wait}
                <Fact label="By itself">{by_itself}</Fact>
                {reminded}
            </Facts>
        </Card>
    }
    .into_any()
}

fn fact_at(label: &'static str, desk: &Desk, at: Instant) -> AnyView {
    let when = desk.instant(at);
    view! { <Fact label=label><TimeRange when/></Fact> }.into_any()
}

/// What can be done with it now, the likeliest first.
fn what_now(desk: &Desk, m: &Maintenance, blocked: bool, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    match m.state {
        State::Draft => {
            let hint = if blocked {
                "It can be scheduled as soon as nothing stands against it any more, or a second person lets it go ahead."
            } else {
                "Customers see it from then on. The gate is asked once more."
            };
            let weight = if blocked { Weight::Normal } else { Weight::Primary };
            let schedule = deed(m, "schedule", "Schedule", weight, hint);
            let delete = deed(m, "delete", "Delete the draft", Weight::Danger, "Customers never saw it.");
            view! {
                <Card title="What now">
                    {schedule}
                    <Disclosure label="Throw it away">{delete}</Disclosure>
                </Card>
            }
            .into_any()
        }
        State::Scheduled | State::Held => {
            let early = m.planned.starts_at > desk.now;
            let hint = match (m.state, early) {
                (State::Held, _) => {
                    "It starts by itself when the missing backup is confirmed. Pressing this asks at once."
                }
                (_, true) => {
                    "Before its planned start: its planned end stays. The gate is asked at this moment, not at the planned start, and refuses if a backup is too old by now."
                }
                (_, false) => "The gate is asked at this moment.",
            };
            let label = if early { "Start early" } else { "Start now" };
            let weight = if m.state == State::Scheduled && !early { Weight::Primary } else { Weight::Normal };
            let start = deed(m, "start", label, weight, hint);
            let (note, cancel) = (note(m, templates, form), cancel(m, templates, form));
            view! { <Card title="What now">{start}{note}{cancel}</Card> }.into_any()
        }
        State::Postponed => {
            let (note, cancel) = (note(m, templates, form), cancel(m, templates, form));
            let text = "It did not begin in its time. Customers were told that a new time will follow: give it one, or call it off.";
            view! { <Card title="What now"><p>{text}</p>{note}{cancel}</Card> }.into_any()
        }
        State::InProgress | State::Verifying => under_way(desk, m, templates, form),
        State::Completed | State::Cancelled if m.published_at.is_some() => {
            let note = note(m, templates, form);
            view! { <Card title="What now">{note}</Card> }.into_any()
        }
        State::Completed | State::Cancelled => ().into_any(),
    }
}

fn under_way(desk: &Desk, m: &Maintenance, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let overdue = (m.planned.ends_at <= desk.now).then(|| {
        let proof = ProofView::blocked("Past its planned end: complete or extend it.");
        view! { <p><Proof proof/></p> }
    });
    let is_open = m.open_lines() > 0;
    let weight = if is_open { Weight::Primary } else { Weight::Normal };
    let verify = (m.state == State::InProgress).then(|| told(m, "verify", "Done, being checked", weight, None, form));
    let complete = if is_open {
        checklist::complete(m, templates, form)
    } else {
        told(m, "complete", "Complete", Weight::Primary, Some(templates), form)
    };
    let (first, second) = if is_open { (verify, Some(complete)) } else { (Some(complete), verify) };
    let (extend, note, cancel) =
        (extend(desk, m, templates, form), note(m, templates, form), cancel(m, templates, form));
    view! {
        <Card title="What now">
            {overdue}
            {first}
            {second}
            {extend}
            {note}
            {cancel}
        </Card>
    }
    .into_any()
}

pub(super) fn version_of(m: &Maintenance) -> AnyView {
    view! { <Hidden name="version" value=m.version.to_string()/> }.into_any()
}

/// The same in a form that comes back with what was typed: see [`Submitted::made_from`].
pub(super) fn version_in(m: &Maintenance, form: &Submitted, deed: &str) -> AnyView {
    if !was_pressed(form, deed) {
        return version_of(m);
    }
    view! { <Hidden name="version" value=form.made_from("version", m.version)/> }.into_any()
}

/// One press.
fn deed(m: &Maintenance, value: &'static str, label: &'static str, weight: Weight, hint: &'static str) -> AnyView {
    view! {
        <form method="post">
            {version_of(m)}
            <p class="small muted">{hint}</p>
            <Actions><Button weight=weight name="do" value=value>{label}</Button></Actions>
        </form>
    }
    .into_any()
}

/// One press, with words for customers where there are any. Several such forms stand on a page, so
/// that ids say which.
fn told(
    m: &Maintenance,
    value: &'static str,
    label: &'static str,
    weight: Weight,
    mailed: Option<&[MessageTemplate]>,
    form: &Submitted,
) -> AnyView {
    let place = wording::COMPLETE;
    let aids = mailed.map(|templates| wording::aids(place, templates, form));
    let look = mailed.map(|_| wording::look(place));
    let (body, error) = typed(form, value);
    let open = !body.is_empty() || error.is_some() || was_pressed(form, value);
    let more = if value == "complete" { "Complete with a message" } else { "Hand it to checking with a message" };
    let inner = view! {
        <form class="stack" method="post" id=format!("{value}-form")>
            {version_in(m, form, value)}
            {aids}
            <TextArea name="body" id=format!("{value}-body") label="Message" rows=2 optional=true value=body error=error
                hint="Markdown. What customers read beside it."/>
            <Actions><Button weight=weight name="do" value=value>{label}</Button>{look}</Actions>
        </form>
    }
    .into_any();
    view! {
        <form method="post">
            {version_of(m)}
            <Actions><Button weight=weight name="do" value=value>{label}</Button></Actions>
        </form>
        <Disclosure label=more open=open>{inner}</Disclosure>
    }
    .into_any()
}

/// What was typed into this one of several forms, and what is wrong with it.
fn typed(form: &Submitted, deed: &str) -> (String, Option<String>) {
    let is_this = form.data.as_ref().is_some_and(|data| data.get("do") == deed);
    if is_this { (form.value("body", ""), form.error("body")) } else { (String::new(), None) }
}

pub(super) fn was_pressed(form: &Submitted, deed: &str) -> bool {
    form.data.as_ref().is_some_and(|data| data.get("do") == deed)
}

fn note(m: &Maintenance, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let (body, error) = typed(form, "update");
    let (version, open) = (version_in(m, form, "update"), was_pressed(form, "update"));
    let aids = wording::aids(wording::UPDATE, templates, form);
    view! {
        <Disclosure label="Post an update" open=open>
            <form class="stack" method="post" id=wording::UPDATE.form>
                {version}
                {aids}
                <TextArea name="body" id="update-body" label="Message" rows=3 value=body error=error required=true
                    hint="Markdown. It goes to the page and to subscribers."/>
                <Actions><Button name="do" value="update">"Post"</Button>{wording::look(wording::UPDATE)}</Actions>
            </form>
        </Disclosure>
    }
    .into_any()
}

fn cancel(m: &Maintenance, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let (body, error) = typed(form, "cancel");
    let open = was_pressed(form, "cancel") || query().has("call-off");
    let version = version_in(m, form, "cancel");
    let aids = wording::aids(wording::CANCEL, templates, form);
    view! {
        <Disclosure label="Call it off" open=open>
            <form class="stack" method="post" id=wording::CANCEL.form>
                {version}
                {aids}
                <TextArea name="body" id="cancel-body" label="Why" rows=2 value=body error=error required=true
                    hint="What customers read. This can not be taken back."/>
                <Actions>
                    <Button weight=Weight::Danger name="do" value="cancel">"Call it off"</Button>
                    {wording::look(wording::CANCEL)}
                </Actions>
            </form>
        </Disclosure>
    }
    .into_any()
}

fn extend(desk: &Desk, m: &Maintenance, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let is_this = was_pressed(form, "extend");
    let (body, wrong) = typed(form, "extend");
    let aids = wording::aids(wording::EXTEND, templates, form);
    let error = is_this.then(|| form.error("by").or(form.error("end")).or(form.error("end_fold"))).flatten();
    let value = if is_this { form.value("by", "") } else { String::new() };
    let quick = LONGER
        .into_iter()
        .map(|(by, words)| {
            view! {
                <form method="post">
                    {version_of(m)}
                    <Hidden name="do" value="extend"/>
                    <Button small=true name="by" value=by>{words}</Button>
                </form>
            }
        })
        .collect_view();
    let why = is_this.then(|| form.error("conflicts_why")).flatten().map(|error| {
        let value = form.value("conflicts_why", "");
        view! { <TextArea name="conflicts_why" label="Reason to go ahead" rows=2 value=value error=error/> }
    });
    let (version, open) = (version_in(m, form, "extend"), is_this || m.planned.ends_at <= desk.now);
    let until = format!("It is planned until {}. Longer by:", desk.short(m.planned.ends_at));
    view! {
        <Disclosure label="It takes longer" open=open>
            <p class="small muted">{until}</p>
            <Actions>{quick}</Actions>
            <form class="stack mt" method="post" id=wording::EXTEND.form>
                {version}
                <Field name="by" label="Or by" hint="Like 45 min or 3 h." value=value error=error/>
                {aids}
                <TextArea name="body" id="extend-body" label="Message" rows=2 optional=true value=body error=wrong/>
                {why}
                <Actions><Button name="do" value="extend">"Extend"</Button>{wording::look(wording::EXTEND)}</Actions>
            </form>
        </Disclosure>
    }
    .into_any()
}

fn entries(desk: &Desk, detail: &Detail) -> Vec<EntryView> {
    detail
        .updates
        .iter()
        .map(|update| {
            let zone = &desk.site.zone;
            let mut html =
                service::prose::html(&desk.services.update_for(zone, &detail.maintenance, &detail.affected, update));
            if let Some(old) = update.old_starts_at.or(update.old_ends_at) {
                let old = desk.range(
                    update.old_starts_at.unwrap_or(update.starts_at),
                    update.old_ends_at.unwrap_or(update.ends_at).max(old),
                );
                let new = desk.range(update.starts_at, update.ends_at);
                html = format!("<p>Was {}, is {}.</p>{html}", old.text, new.text);
            }
            EntryView {
                id: format!("u-{}", update.id),
                state: StateView::from(update.kind),
                when: desk.instant(update.at),
                html,
                author: update.author.and_then(|author| detail.authors.get(&author)).cloned().unwrap_or_default(),
            }
        })
        .collect()
}

/// The incidents that it caused, and the way to report one.
fn caused(desk: &Desk, m: &Maintenance, incidents: &[Incident]) -> AnyView {
    let may = desk.may(Permission::RunIncidents) && m.started_at.is_some();
    if incidents.is_empty() && !(may && m.state.is_under_way()) {
        return ().into_any();
    }
    let lines = incidents
        .iter()
        .map(|incident| {
            let (href, state) = (format!("/admin/incidents/{}", incident.id), super::incidents::state(incident));
            let name = format!("{} {}", incident.reference(), incident.title);
            view! { <li><a href=href><span dir="auto">{name}</span></a><StateBadge state/></li> }
        })
        .collect_view();
    let list = (!incidents.is_empty()).then(|| view! { <ul class="state-list">{lines}</ul> });
    let report = may.then(|| {
        let href = format!("/admin/incidents/new?maintenance={}", m.id);
        view! { <Actions><ButtonLink href>"Report an incident caused by it"</ButtonLink></Actions> }
    });
    view! { <Card title="Incidents it caused">{list}{report}</Card> }.into_any()
}

fn panel(desk: &Desk, detail: &Detail) -> AnyView {
    let Some(look) = &detail.gate else { return ().into_any() };
    let here = format!("/admin/maintenances/{}", detail.maintenance.id);
    let may = desk.may(Permission::Maintain);
    let from = if may { gate::RequestFrom::Page(&here) } else { gate::RequestFrom::Nowhere };
    let view = gate::view(desk.services.zones.as_ref(), &desk.site.zone, look, from);
    let told = view.told;
    let request_all = view.request_all.map(|action| {
        view! { <div class="verdict-foot"><Actions><Action action/></Actions></div> }
    });
    view! {
        <VerdictPanel verdict=view.verdict>
            {view.blast.map(|blast| view! { <BlastRadius blast/> })}
            <div class="block"><p class="small muted">{told}</p></div>
            {request_all}
        </VerdictPanel>
    }
    .into_any()
}

/// Backups that were asked for because of this window, also before they are missing.
fn requested(desk: &Desk, requests: &[PlacedRequest]) -> AnyView {
    if requests.is_empty() {
        return ().into_any();
    }
    let lines: Vec<AnyView> = requests
        .iter()
        .map(|placed| {
            let state = StateView::from(placed.request.state);
            let href = format!("/admin/jobs/{}#requests", placed.request.job_id);
            let text = placed.request.sentence(desk.services.zones.as_ref(), &desk.site.zone);
            let job = placed.job.clone();
            view! {
                <li class=state.tone.class()>
                    <Icon shape=state.shape/>
                    <div class="timeline-head"><h3><a href=href><span dir="auto">{job}</span></a></h3></div>
                    <p class="small muted">{text}</p>
                </li>
            }
            .into_any()
        })
        .collect();
    view! { <Section id="requests" title="Requested backups"><ol class="timeline">{lines}</ol></Section> }.into_any()
}

fn history(desk: &Desk, detail: &Detail) -> AnyView {
    if detail.verdicts.is_empty() {
        return ().into_any();
    }
    let m = &detail.maintenance;
    let lines: Vec<AnyView> = detail
        .verdicts
        .iter()
        .map(|kept| {
            let href = format!("/admin/maintenances/{}/verdicts/{}", m.id, kept.id);
            let (tone, shape) = look_of(kept);
            view! {
                <li class=tone.class()>
                    <Icon shape/>
                    <div class="timeline-head">
                        <h3><a href=href>{kept.verdict.headline()}</a></h3>
                        <TimeRange when=desk.instant(kept.verdict.asked_at)/>
                    </div>
                    <p class="small muted">{format!("{}. {}", kept.occasion.text(), kept.verdict.summary())}</p>
                </li>
            }
            .into_any()
        })
        .collect();
    view! {
        <Section id="verdicts" title="What the gate said">
            <ol class="timeline">{lines}</ol>
        </Section>
    }
    .into_any()
}

const fn look_of(kept: &KeptVerdict) -> (Tone, Shape) {
    match kept.verdict.outcome {
        domain::gate::Outcome::Confirmed { .. } => (Tone::Ok, Shape::Confirmed),
        domain::gate::Outcome::Blocked { .. } => (Tone::Major, Shape::Held),
        domain::gate::Outcome::Overridden { .. } => (Tone::Degraded, Shape::Degraded),
    }
}

/// `/admin/maintenances/:id/verdicts/:verdict`
#[component]
pub fn VerdictPage() -> impl IntoView {
    let params = use_params_map();
    let (of, verdict) = params
        .with_untracked(|params| (params.get("id").unwrap_or_default(), params.get("verdict").unwrap_or_default()));
    admin(
        |(m, kept, _): &(Maintenance, KeptVerdict, Evidence)| format!("{}: M-{}", kept.verdict.headline(), m.number),
        |desk| async move {
            let verdict = verdict.parse().map_err(|_| Error::NotFound("verdict"))?;
            desk.services.verdict(&desk.actor, id(&of)?, verdict).await
        },
        |desk, (m, kept, evidence)| verdict_page(&desk, &m, &kept, &evidence),
    )
}

fn verdict_page(desk: &Desk, m: &Maintenance, kept: &KeptVerdict, evidence: &Evidence) -> AnyView {
    let verdict = gate::verdict(desk.services.zones.as_ref(), &desk.site.zone, &kept.verdict, &evidence.job_names());
    let (tone, shape) = look_of(kept);
    let label = match verdict.answer {
        Answer::Confirmed => "Confirmed",
        Answer::Overridden => "By an override",
        Answer::Blocked | Answer::NotAsked => "Blocked",
    };
    let runs = runs(desk, evidence);
    view! {
        <PageHeader title=kept.verdict.headline()
            intro=format!("{} {}. This answer is kept as it was and never changes.", kept.occasion.text(), desk.short(kept.verdict.asked_at))
            back=(format!("M-{} {}", m.number, m.title), format!("/admin/maintenances/{}", m.id))
            state=StateView::new(tone, shape, label)/>
        <div class="stack">
            <VerdictPanel verdict/>
            {runs}
        </div>
    }
    .into_any()
}

/// What the answer was made from.
fn runs(desk: &Desk, evidence: &Evidence) -> AnyView {
    let own = evidence.hosts.iter().flat_map(|host| {
        host.data_sets.iter().flat_map(move |set| {
            let place = format!("{} · {}", host.name, set.data_set.name);
            set.jobs.iter().map(move |job| (place.clone(), job))
        })
    });
    let carriers = evidence.carriers.iter().map(|(job, _)| ("carries dumps".to_owned(), job));
    let rows: Vec<Vec<AnyView>> = own
        .chain(carriers)
        .flat_map(|(place, evidence)| {
            evidence.runs.iter().map(move |run| (place.clone(), evidence.job.name.to_string(), run)).collect::<Vec<_>>()
        })
        .map(|(place, job, run)| {
            let ended = run.finished_at.map_or_else(|| "–".to_owned(), |at| desk.short(at));
            let state = StateView::from(run.state);
            let state = if run.state == RunState::Succeeded { state.plain() } else { state };
            vec![
                view! { <span dir="auto">{place}</span> }.into_any(),
                view! { <span dir="auto">{job}</span> }.into_any(),
                desk.short(run.started_at).into_any(),
                ended.into_any(),
                view! { <StateBadge state/> }.into_any(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return view! { <p class="muted">"No run had been reported."</p> }.into_any();
    }
    let columns = ["Data set", "Job", "Started", "Ended", "State"].map(ColumnView::new).to_vec();
    view! {
        <Section id="evidence" title="Runs it was made from">
            <DataTable caption="Runs the answer was made from" columns rows/>
        </Section>
    }
    .into_any()
}
