//! The scheduling form with the gate beside it: for a new window, and for one that is stored.

use super::desk::{Desk, admin};
use super::{gate, reminders, wording};
use crate::api::plan::{GateView, TimeView, TwiceView};
use crate::components::{
    Actions, Button, ButtonLink, Checkbox, Disclosure, ErrorSummary, Field, Flash, Hidden, Icon, PageHeader, Select,
    TextArea,
};
use crate::context::submitted;
use crate::form::{FormData, Submitted};
use crate::islands::gate::GateIsland;
use crate::islands::preview::PreviewIsland;
use crate::islands::time::TimeIsland;
use crate::posts::{Post, Posted};
use crate::view::{FlashView, ProblemView, Shape, Weight, WhenView};
use domain::host::Host;
use domain::ids::MaintenanceId;
use domain::maintenance::{FoldChoice, KeptVerdict, Maintenance, Occasion, State};
use domain::people::Permission;
use domain::template::MessageTemplate;
use domain::text::{Name, Prose};
use domain::time::{format_short, parse_local};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::maintenance::input::{DEFAULT_WAIT, fold_name, local_text};
use service::maintenance::{Choices, HostTree, MaintenanceInput, OverrideLook, Planning, Target, Typed};
use service::{Error, Services};
use std::collections::BTreeSet;

/// Fewer boxes than this are shown at once.
const SHOWN_AT_ONCE: usize = 16;

/// The name of a field in a summary, and the id that leads to it.
fn label(field: &str) -> (&'static str, &'static str) {
    match field {
        "title" => ("What will be done", "title"),
        "message" => ("What customers read", "message"),
        "hosts" | "components" => ("What the work touches", "scope"),
        "zone" => ("Time zone", "zone"),
        "start" | "start_fold" => ("Start", "start"),
        "end" | "end_fold" => ("End", "end"),
        "may_wait" => ("May begin late by", "may_wait"),
        "checklist" => ("Checklist", "checklist"),
        "reminders" => ("Reminders", "reminders"),
        "reason" => ("Reason", "reason"),
        "template" => ("Template", "template"),
        "mail_zone" => ("Time zone of the preview", "mail-zone"),
        "conflicts_why" => ("Reason to go ahead", "conflicts_why"),
        "why" => ("Reason", "why"),
        "by" => ("Longer by", "by"),
        "body" => ("Message", "body"),
        "length" => ("Length", "length"),
        "repeat" => ("How it repeats", "repeat"),
        "every" => ("Every", "every"),
        "days" => ("Weekdays", "days"),
        "nth" => ("Which", "nth"),
        "month_day" => ("Day of the month", "month_day"),
        "rule" => ("Rule", "rule"),
        "count" => ("Times", "count"),
        "until" => ("Last date", "until"),
        "gap" => ("If the clocks skip the start", "gap"),
        "fold" => ("If the start exists twice", "fold"),
        _ => ("Form", "main"),
    }
}

/// All wrong fields, for the summary on top of a form.
#[must_use]
pub fn problems(submitted: &Submitted) -> Vec<ProblemView> {
    // These two stand in each of the forms of a page.
    let deed = wording::used(submitted).deed;
    submitted
        .errors
        .iter()
        .map(|error| {
            let (label, id) = label(error.field);
            let id = if matches!(id, "reason" | "template") { format!("{deed}-{id}") } else { id.to_owned() };
            ProblemView { field: id, text: format!("{label}: {}", error.message) }
        })
        .collect()
}

/// Reads the fields of a form that came as text.
#[must_use]
pub fn read_form(form: &str) -> MaintenanceInput {
    read(&FormData::parse(form.as_bytes()))
}

/// What a form says. `part` tells which parts of the window were in it: a box that is not ticked
/// looks like one that was not there.
#[must_use]
pub fn read(form: &FormData) -> MaintenanceInput {
    let text = |name: &str| form.has(name).then(|| form.get(name).to_owned());
    let many = |name: &str| form.all(name).map(ToOwned::to_owned).collect::<Vec<_>>();
    let has = |part: &str| form.all("part").any(|p| p == part);
    MaintenanceInput {
        title: text("title"),
        message: text("message"),
        hosts: has("scope").then(|| many("hosts")),
        components: has("scope").then(|| many("components")),
        zone: text("zone"),
        start: text("start"),
        start_fold: text("start_fold"),
        end: text("end"),
        end_fold: text("end_fold"),
        may_wait: text("may_wait"),
        auto_start: has("start").then(|| form.has("auto_start")),
        auto_complete: has("end").then(|| form.has("auto_complete")),
        checklist: form.has("checklist").then(|| form.get("checklist").lines().map(ToOwned::to_owned).collect()),
        reminders: reminders::read(form),
        reason: text("reason"),
        conflicts_why: text("conflicts_why"),
    }
}

/// The stored window that a form is about, if it is about one.
#[must_use]
pub fn window_of(form: &str) -> Option<MaintenanceId> {
    FormData::parse(form.as_bytes()).get("maintenance").parse().ok()
}

/// Fills in a proposed time, if one was pressed: `slot:START FOLD/END FOLD`.
fn with_slot(form: FormData) -> FormData {
    let Some((start, end)) = form.get("do").strip_prefix("slot:").and_then(|slot| slot.split_once('/')) else {
        return form;
    };
    let split = |text: &str| {
        let (time, fold) = text.split_once(' ').unwrap_or((text, ""));
        (time.to_owned(), fold.to_owned())
    };
    let ((start, start_fold), (end, end_fold)) = (split(start), split(end));
    form.with("start", start).with("start_fold", start_fold).with("end", end).with("end_fold", end_fold)
}

/// The window a form says it was made from.
pub(super) fn version(form: &FormData) -> Option<i64> {
    form.get("version").parse().ok()
}

/// The window in an address; one that can not be an id leads nowhere.
///
/// # Errors
/// No id.
pub(super) fn id(text: &str) -> Result<MaintenanceId, Error> {
    text.parse().map_err(|_| Error::NotFound("maintenance"))
}

fn asked_only(form: &FormData) -> bool {
    !matches!(form.get("do"), "schedule" | "draft" | "save")
}

/// Asks for missing backups, if that is what was pressed: everything typed stays.
pub(super) async fn request(post: &Post) -> Option<Result<Posted, Error>> {
    let (what, only) = post.form.get("do").split_once(':').unwrap_or((post.form.get("do"), ""));
    if what != "request" {
        return None;
    }
    let asked = async {
        let (scope, only) = (read(&post.form).scope()?, gate::only(only)?);
        post.services.request_missing(&post.actor, &scope, only).await
    };
    Some(asked.await.map(|requests| {
        let done = Some(gate::requested(&requests));
        Posted::Shown(Submitted { data: Some(post.form.clone()), done, ..Submitted::default() })
    }))
}

/// A template to begin with, or a look at the mail, if that is what was pressed.
async fn help(post: Post, target: Target) -> Result<Result<Posted, Error>, Post> {
    if let Some(place) = wording::pressed(&post.form, "template") {
        return Ok(wording::begin(post, place).await);
    }
    let Some(place) = wording::pressed(&post.form, "mail") else { return Err(post) };
    let (input, zone) = (read(&post.form), post.form.get("mail_zone"));
    let seen = post.services.preview_plan(&post.actor, target, &input, wording::words(&post.form), zone).await;
    Ok(wording::show(post, place, seen))
}

/// Takes the form for a new window.
///
/// # Errors
/// What can not be mended in the form.
pub async fn post_new(post: Post) -> Result<Posted, Error> {
    let post = match help(post, Target::New).await {
        Ok(helped) => return helped,
        Err(post) => post,
    };
    if let Some(requested) = request(&post).await {
        return requested;
    }
    if asked_only(&post.form) {
        post.actor.require(Permission::Maintain)?;
        return Ok(Posted::Shown(Submitted { data: Some(with_slot(post.form)), ..Submitted::default() }));
    }
    let input = read(&post.form);
    let result = if post.form.get("do") == "schedule" {
        schedule(&post, Target::New, &input).await
    } else {
        post.services.draft_maintenance(&post.actor, &input).await.map(|m| format!("/admin/maintenances/{}", m.id))
    };
    post.done(result)
}

/// Takes the form for a stored window.
///
/// # Errors
/// What can not be mended in the form.
pub async fn post_edit(of: &str, post: Post) -> Result<Posted, Error> {
    let id = id(of)?;
    let post = match help(post, Target::Stored { id, version: None }).await {
        Ok(helped) => return helped,
        Err(post) => post,
    };
    if let Some(requested) = request(&post).await {
        return requested;
    }
    if asked_only(&post.form) {
        post.actor.require(Permission::Maintain)?;
        return Ok(Posted::Shown(Submitted { data: Some(with_slot(post.form)), ..Submitted::default() }));
    }
    let (input, version) = (read(&post.form), version(&post.form));
    let result = if post.form.get("do") == "schedule" {
        schedule(&post, Target::Stored { id, version }, &input).await
    } else {
        post.services
            .edit_maintenance(&post.actor, id, version, &input, wording::words(&post.form))
            .await
            .map(|m| format!("/admin/maintenances/{}", m.id))
    };
    post.done(result)
}

/// A refused window is kept as a draft; its form shows the reasons.
async fn schedule(post: &Post, target: Target, input: &MaintenanceInput) -> Result<String, Error> {
    Ok(match post.services.schedule_maintenance(&post.actor, target, input).await? {
        Planning::Scheduled(m) | Planning::Drafted(m) => format!("/admin/maintenances/{}", m.id),
        Planning::Refused { draft, .. } => format!("/admin/maintenances/{}/edit", draft.id),
    })
}

/// Everything the form shows.
struct Plan {
    stored: Option<Maintenance>,
    newest: Option<KeptVerdict>,
    overrides: Vec<OverrideLook>,
    choices: Choices,
    templates: Vec<MessageTemplate>,
    typed: Typed,
    scope: (BTreeSet<String>, BTreeSet<String>),
    gate: GateView,
    time: TimeView,
    preview: String,
}

/// What the times in a form mean.
#[must_use]
pub fn time_view(services: &Services, input: &MaintenanceInput) -> TimeView {
    let look = services.look_at_time(input);
    let empty = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().is_empty();
    let text = match (&look.planned, look.length) {
        (Some(planned), Some(length)) if planned.latest_end_at > planned.ends_at => {
            let latest = format_short(services.zones.as_ref(), &planned.zone, planned.latest_end_at);
            format!("{length} long. If it is held, the work may last until {latest}.")
        }
        (_, Some(length)) => format!("{length} long. If it is held, it is postponed at once."),
        _ => String::new(),
    };
    let twice = |name: &str, what: &str, choices: &Option<[FoldChoice; 2]>, chosen: &Option<String>| {
        choices.as_ref().map(|[earlier, later]| TwiceView {
            name: name.to_owned(),
            title: format!("The {what} exists twice"),
            options: [(earlier, "before"), (later, "after")]
                .map(|(c, when)| (fold_name(c.fold).to_owned(), format!("{}, {when} the clocks go back", c.text)))
                .to_vec(),
            chosen: chosen.clone().unwrap_or_default(),
        })
    };
    TimeView {
        when: look.text.map(WhenView::from),
        text,
        problems: if empty(&input.start) || empty(&input.end) {
            Vec::new()
        } else {
            look.problems.into_iter().map(|problem| problem.message).collect()
        },
        twice: [
            twice("start_fold", "start", &look.start_choices, &input.start_fold),
            twice("end_fold", "end", &look.end_choices, &input.end_fold),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

impl Plan {
    async fn open(desk: &Desk, stored: Option<MaintenanceId>, form: Submitted, asked: FormData) -> Result<Self, Error> {
        let (services, actor) = (&desk.services, &desk.actor);
        actor.require(Permission::Maintain)?;
        let choices = services.choices(actor).await?;
        let templates = services.templates(actor, false).await?;
        let (stored, newest, overrides) = match stored {
            None => (None, None, Vec::new()),
            Some(id) => {
                let newest = services.verdicts(actor, id).await?.into_iter().next();
                let overrides = services.overrides(actor, id).await?;
                (Some(services.maintenance(actor, id).await?), newest, overrides)
            }
        };
        let typed = match &stored {
            Some(m) => Typed::of(services.zones.as_ref(), &m.planned),
            // A click on the calendar names a start.
            None => Typed {
                zone: services.zones.canonical(asked.get("zone")).unwrap_or_else(|| desk.site.zone.clone()),
                start: parse_local(asked.get("start")).map(local_text).unwrap_or_default(),
                may_wait: DEFAULT_WAIT.to_input(),
                ..Typed::default()
            },
        };
        let all = |name: &str| asked.all(name).map(ToOwned::to_owned).collect::<BTreeSet<_>>();
        let scope = match (&form.data, &stored) {
            (Some(data), _) => (
                data.all("hosts").map(ToOwned::to_owned).collect(),
                data.all("components").map(ToOwned::to_owned).collect(),
            ),
            (None, Some(m)) => (
                m.hosts.iter().map(ToString::to_string).collect(),
                m.components.iter().map(ToString::to_string).collect(),
            ),
            (None, None) => (all("host"), all("component")),
        };
        let input = match &form.data {
            Some(data) => read(data),
            None => MaintenanceInput {
                zone: Some(typed.zone.clone()),
                start: Some(typed.start.clone()),
                start_fold: typed.start_fold.map(|fold| fold_name(fold).to_owned()),
                end: Some(typed.end.clone()),
                end_fold: typed.end_fold.map(|fold| fold_name(fold).to_owned()),
                may_wait: Some(typed.may_wait.clone()),
                ..MaintenanceInput::default()
            },
        };
        let chosen = MaintenanceInput {
            hosts: Some(scope.0.iter().cloned().collect()),
            components: Some(scope.1.iter().cloned().collect()),
            ..input.clone()
        };
        let of = stored.as_ref().map(|m| m.id);
        let gate = gate::ask(services, actor, &chosen, of).await.unwrap_or_else(|_| gate::not_asked());
        let mut time = time_view(services, &input);
        if !form.errors.is_empty() {
            // They stand at their fields.
            time.problems.clear();
        }
        let written = MaintenanceInput {
            title: Some(form.value("title", stored.as_ref().map_or("", |m| m.title.as_str()))),
            message: Some(form.value("message", stored.as_ref().map_or("", |m| m.message.as_str()))),
            hosts: chosen.hosts,
            components: chosen.components,
            ..input
        };
        let preview = services.preview_message(actor, &written).await?;
        Ok(Self { stored, newest, overrides, choices, templates, typed, scope, gate, time, preview })
    }
}

/// `/admin/maintenances/new`
#[component]
pub fn NewMaintenance() -> impl IntoView {
    let (form, asked) = (submitted(), query());
    let shown = form.clone();
    admin(
        |_| "Plan maintenance".to_owned(),
        |desk| async move { Plan::open(&desk, None, form, asked).await },
        move |desk, plan| page(&desk, plan, &shown),
    )
}

/// `/admin/maintenances/:id/edit`
#[component]
pub fn EditMaintenance() -> impl IntoView {
    let form = submitted();
    let shown = form.clone();
    let of = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default());
    admin(
        |plan: &Plan| plan.stored.as_ref().map_or_else(String::new, |m| format!("Change M-{} {}", m.number, m.title)),
        |desk| async move {
            let id = id(&of)?;
            let plan = Plan::open(&desk, Some(id), form, FormData::default()).await?;
            match &plan.stored {
                Some(m) if m.state.is_ended() => Err(Error::refused(
                    "wrong_state",
                    format!("M-{} is {} and can not be changed.", m.number, m.state.text()),
                )),
                _ => Ok(plan),
            }
        },
        move |desk, plan| page(&desk, plan, &shown),
    )
}

/// The query of this page.
pub(super) fn query() -> FormData {
    FormData::parse(crate::context::uri().query().unwrap_or_default().as_bytes())
}

fn page(desk: &Desk, plan: Plan, form: &Submitted) -> AnyView {
    let state = plan.stored.as_ref().map_or(State::Draft, |m| m.state);
    let is_words_only = state.is_under_way();
    let (title, back) = match &plan.stored {
        None => ("Plan maintenance".to_owned(), ("Maintenance".to_owned(), "/admin/maintenances".to_owned())),
        Some(m) => (
            format!("Change {}", m.title),
            (format!("M-{} {}", m.number, m.title), format!("/admin/maintenances/{}", m.id)),
        ),
    };
    let buttons: Vec<(String, String)> = match state {
        State::Draft => vec![("Schedule".into(), "schedule".into()), ("Keep as draft".into(), "draft".into())],
        _ => vec![("Save changes".into(), "save".into())],
    };
    let repeating = plan.stored.is_none().then(|| {
        view! { <ButtonLink href="/admin/series/new">"Plan repeating work"</ButtonLink> }
    });
    let refused = refused(desk, &plan);
    let overridden = overridden(&plan);
    let fields = fields(desk, &plan, form, is_words_only);
    let gate = plan.gate;
    let panel = if is_words_only {
        ().into_any()
    } else {
        view! { <div class="sticky"><GateIsland initial=gate buttons/></div> }.into_any()
    };
    view! {
        <PageHeader title=title back>{repeating}</PageHeader>
        {form.done.clone().map(|done| view! { <Flash flash=FlashView::done(done)/> })}
        {refused}
        {overridden}
        <ErrorSummary problems=problems(form) message=form.message.clone()/>
        {wording::specimen(desk, form, wording::PLAN.form, format!("mail:{}", wording::PLAN.deed))}
        <div class="split">
            {fields}
            {panel}
        </div>
    }
    .into_any()
}

/// A draft that the gate refused says so until it is scheduled.
fn refused(desk: &Desk, plan: &Plan) -> AnyView {
    let (Some(m), Some(newest)) = (&plan.stored, &plan.newest) else { return ().into_any() };
    if m.state != State::Draft || newest.occasion != Occasion::Schedule || newest.verdict.is_confirmed() {
        return ().into_any();
    }
    let title = format!("Not scheduled: M-{} is kept as a draft", m.number);
    let text = format!(
        "Asked {}, the backups were {}. Customers see nothing of it yet.",
        desk.short(newest.verdict.asked_at),
        lower(&newest.verdict.headline())
    );
    view! { <Flash flash=FlashView::warning(title, text)/> }.into_any()
}

/// Whoever changes the window should know what ends with it.
fn overridden(plan: &Plan) -> AnyView {
    let open = plan.overrides.iter().find(|look| look.is_bound);
    let Some(look) = open else { return ().into_any() };
    let title = format!("An override is {}", look.of.state.text());
    let text = "It belongs to the window as it is: a new time or another scope ends it. Words can be changed. The button \
                on the window's own page goes by it; the answer on this page does not count it.";
    view! { <Flash flash=FlashView::warning(title, text)/> }.into_any()
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn fields(desk: &Desk, plan: &Plan, form: &Submitted, is_words_only: bool) -> AnyView {
    let stored = plan.stored.as_ref();
    let title = form.value("title", stored.map_or("", |m| m.title.as_str()));
    let message = form.value("message", stored.map_or("", |m| m.message.as_str()));
    let note = stored.filter(|m| m.state != State::Draft).map(|_| {
        view! {
            <TextArea name="body" label="What customers read about this change" rows=2 optional=true
                hint="Sent with the new time. Without it they read that the time has changed."
                value=form.value("body", "") error=form.error("body")/>
        }
    });
    let part = |name: &'static str| view! { <Hidden name="part" value=name/> };
    let auto_complete = view! {
        {part("end")}
        <Checkbox name="auto_complete" label="Ends by itself"
            hint="At its planned end. Otherwise somebody says when the work is done."
            checked=form.ticked("auto_complete", stored.is_some_and(|m| m.auto_complete))/>
    };
    let rest = if is_words_only {
        auto_complete.into_any()
    } else {
        view! {
            {part("scope")}
            {scope(&plan.choices, &plan.scope, form)}
            {times(desk, plan, form)}
            <fieldset class="field">
                <legend>"By itself"</legend>
                {part("start")}
                <Checkbox name="auto_start" label="Starts by itself"
                    hint="At its start, once the backups are confirmed. Otherwise somebody presses Start."
                    checked=form.ticked("auto_start", stored.is_none_or(|m| m.auto_start))/>
                {auto_complete}
            </fieldset>
            {reminders::fields(desk, stored.map(|m| &m.reminders), form)}
        }
        .into_any()
    };
    let checklist = stored.is_none_or(|m| m.state != State::Verifying).then(|| {
        let lines: Vec<&str> = stored.iter().flat_map(|m| &m.checklist).map(|line| line.text.as_str()).collect();
        view! {
            <TextArea name="checklist" label="Checklist" rows=4 optional=true
                hint="What to check when the work is done, one thing per line, at most 20. Only colleagues see it. A window with a checklist is completed by a person who has ticked it."
                value=form.value("checklist", lines.join("\n")) error=form.error("checklist")/>
        }
    });
    let save = is_words_only.then(|| {
        view! {
            <Actions><Button weight=Weight::Primary name="do" value="save">"Save changes"</Button></Actions>
        }
    });
    view! {
        <form class="form card" id="plan" method="post">
            <div>
                // Enter in a field must not publish anything.
                <button class="vh" type="submit" name="do" value="check" tabindex="-1" aria-hidden="true"
                    formnovalidate=true>
                    "Check"
                </button>
                {stored.map(|m| view! { <Hidden name="version" value=form.made_from("version", m.version)/> })}
                {wording::aids(wording::PLAN, &plan.templates, form)}
            </div>
            <div>
                {stored.map(|m| view! { <Hidden name="maintenance" value=m.id.to_string()/> })}
                <Field name="title" label="What will be done" value=title error=form.error("title") required=true
                    maxlength={u32::try_from(Name::MAX).unwrap_or(u32::MAX)}/>
            </div>
            {rest}
            <div>
                <TextArea name="message" label="What customers read" value=message error=form.error("message") rows=5
                    hint="Markdown: **bold**, lists, links, and placeholders. It goes to the page, to subscribers and into calendars."
                    maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)} optional=true/>
                <PreviewIsland initial=plan.preview.clone()/>
                <Actions>{wording::look(wording::PLAN)}</Actions>
            </div>
            {checklist}
            {(!is_words_only).then(|| anyway(plan.gate.in_the_way.asks_why, form))}
            {note}
            {save}
        </form>
    }
    .into_any()
}

/// Why it goes ahead where a rule only warns.
pub(super) fn anyway(asks_why: bool, form: &Submitted) -> AnyView {
    let (value, error) = (form.value("conflicts_why", ""), form.error("conflicts_why"));
    let open = asks_why || error.is_some() || !value.is_empty();
    view! {
        <Disclosure label="Go ahead in spite of a warning" open=open>
            <TextArea name="conflicts_why" label="Reason to go ahead" rows=2 optional=true value=value error=error
                hint="Needed where a freeze or a redundancy group warns. Colleagues read it; it is kept with all that was in the way."/>
        </Disclosure>
    }
    .into_any()
}

fn times(desk: &Desk, plan: &Plan, form: &Submitted) -> AnyView {
    let zone = form.value("zone", plan.typed.zone.clone());
    view! {
        <div class="stack">
            <div class="fields">
                <Field name="start" label="Start" kind="datetime-local" required=true
                    value=form.value("start", plan.typed.start.clone()) error=form.error("start").or(form.error("start_fold"))/>
                <Field name="end" label="End" kind="datetime-local" required=true
                    value=form.value("end", plan.typed.end.clone()) error=form.error("end").or(form.error("end_fold"))/>
                <Select name="zone" label="Time zone" options=desk.zones(&zone) error=form.error("zone") wide=true/>
            </div>
            <TimeIsland initial=plan.time.clone()/>
            <Field name="may_wait" label="May begin late by"
                hint="If a backup is missing at the start, the window waits this long for it, and begins by itself when it is confirmed. Its whole length still fits then: the end moves with it."
                value=form.value("may_wait", plan.typed.may_wait.clone()) error=form.error("may_wait")/>
        </div>
    }
    .into_any()
}

/// A group of boxes that can be folded.
struct Fold {
    name: String,
    boxes: Vec<Tick>,
}

/// One box.
struct Tick {
    field: &'static str,
    value: String,
    label: String,
    hint: String,
    is_chosen: bool,
}

/// What the work touches: ids of hosts and of components that are chosen.
pub(super) fn scope(choices: &Choices, chosen: &(BTreeSet<String>, BTreeSet<String>), form: &Submitted) -> AnyView {
    let (hosts, components) = chosen;
    let component_folds: Vec<Fold> = choices
        .groups
        .iter()
        .map(|(group, list)| Fold {
            name: group.as_ref().map_or_else(|| "Without a group".to_owned(), |group| group.name.to_string()),
            boxes: list
                .iter()
                .map(|component| {
                    let value = component.id.to_string();
                    Tick {
                        field: "components",
                        is_chosen: components.contains(&value),
                        value,
                        label: component.name.to_string(),
                        hint: String::new(),
                    }
                })
                .collect(),
        })
        .collect();
    let error = form.error("hosts").or(form.error("components"));
    let error_id = error.is_some().then_some("scope-error");
    let class = if error.is_some() { "field has-error" } else { "field" };
    view! {
        <fieldset class=class id="scope" aria-describedby=error_id>
            <legend>"What the work touches"</legend>
            <p class="hint">
                "Choose the components customers know, the hosts you will work on, or both. Everything that runs on them is at risk too, and checked."
            </p>
            <div class="picker">
                <div class="picker-list" tabindex="0" role="group" aria-label="Components and hosts">
                    {folds("Components", component_folds)}
                    {folds("Hosts", host_folds(&choices.trees, hosts))}
                </div>
            </div>
            {error.map(|error| view! { <p class="error" id="scope-error">{error}</p> })}
        </fieldset>
    }
    .into_any()
}

fn host_folds(trees: &[HostTree], chosen: &BTreeSet<String>) -> Vec<Fold> {
    let one = |host: &Host, hint: String| {
        let value = host.id.to_string();
        Tick { field: "hosts", is_chosen: chosen.contains(&value), value, label: host.name.to_string(), hint }
    };
    let mut folds: Vec<Fold> = Vec::new();
    let mut alone = Fold { name: "On their own".to_owned(), boxes: Vec::new() };
    for tree in trees {
        let note = |host: &Host| host.note.lines().next().unwrap_or_default().to_owned();
        match tree.guests.len() {
            0 => alone.boxes.push(one(&tree.host, note(&tree.host))),
            n => {
                let all = if n == 1 { "and what runs on it".to_owned() } else { format!("and the {n} that run on it") };
                let mut boxes = vec![one(&tree.host, all)];
                boxes.extend(tree.guests.iter().map(|(depth, guest)| {
                    let hint = if *depth > 1 { format!("level {depth}") } else { String::new() };
                    one(guest, hint)
                }));
                folds.push(Fold { name: tree.host.name.to_string(), boxes });
            }
        }
    }
    if !alone.boxes.is_empty() {
        folds.push(alone);
    }
    folds
}

fn folds(heading: &'static str, folds: Vec<Fold>) -> AnyView {
    let all: usize = folds.iter().map(|fold| fold.boxes.len()).sum();
    if all == 0 {
        return ().into_any();
    }
    let folds = folds
        .into_iter()
        .map(|fold| {
            let chosen = fold.boxes.iter().filter(|b| b.is_chosen).count();
            let count = match chosen {
                0 => fold.boxes.len().to_string(),
                n => format!("{n} of {} chosen", fold.boxes.len()),
            };
            let boxes = fold
                .boxes
                .into_iter()
                .map(|b| {
                    if b.hint.is_empty() {
                        view! { <Checkbox name=b.field label=b.label value=b.value checked=b.is_chosen/> }
                    } else {
                        view! { <Checkbox name=b.field label=b.label value=b.value checked=b.is_chosen hint=b.hint/> }
                    }
                })
                .collect_view();
            view! {
                <details class="fold" open={chosen > 0 || all <= SHOWN_AT_ONCE}>
                    <summary>
                        <Icon shape=Shape::Next/>
                        <span dir="auto">{fold.name}</span>
                        <span class="muted">{count}</span>
                    </summary>
                    {boxes}
                </details>
            }
        })
        .collect_view();
    view! {
        <h2 class="picker-head">{heading}</h2>
        {folds}
    }
    .into_any()
}
