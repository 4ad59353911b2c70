//! The form that reports an incident, at once or as a draft. What it has in common with the other pages of
//! incidents is here too: the states of components, and who is told.

use super::desk::{Desk, admin};
use super::edit::{Form, id, param, query};
use super::{incident_alerts, incident_cause, incident_near, incident_times, wording};
use crate::api::incident::ToldView;
use crate::components::{Card, Checkbox, Field, Flash, Hidden, Icon, PageHeader, Select, StateBadge, TextArea};
use crate::context;
use crate::form::{FormData, Submitted};
use crate::islands::incident::{FilterIsland, ToldIsland};
use crate::posts::{Post, Posted};
use crate::view::{FlashView, OptionView, Shape, StateView};
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId};
use domain::incident::{Incident, IncidentState, Severity};
use domain::people::Permission;
use domain::subscriber::Audience;
use domain::template::MessageTemplate;
use domain::text::{Name, Prose};
use leptos::prelude::*;
use service::incidents::{ComponentStateInput, IncidentInput, NearIncident, PossibleCause, States};
use service::maintenance::Choices;
use service::{Actor, Error, Services};

/// The field of the key by which a form that comes twice is known.
const KEY: &str = "key";

/// Before the id of a component, the name of the field of its state.
const PREFIX: &str = "c.";

/// Fewer components than this are shown at once.
const SHOWN_AT_ONCE: usize = 16;

/// What can be said of a component, and what a form says where nothing is.
const CHOICES: [(&str, ComponentState); 4] = [
    ("Operational", ComponentState::Operational),
    ("Degraded performance", ComponentState::DegradedPerformance),
    ("Partial outage", ComponentState::PartialOutage),
    ("Major outage", ComponentState::MajorOutage),
];

pub(super) const LABELS: [(&str, &str); 15] = [
    ("title", "Title"),
    ("severity", "Severity"),
    ("components", "Components"),
    ("started_at", "Began"),
    (incident_times::LONG_AGO, "Began"),
    ("resolved_at", "Was over"),
    ("maintenance", "Caused by"),
    ("state", "State"),
    ("body", "What customers read"),
    ("updates", "Updates"),
    ("incident", "Incident"),
    ("template", "Template"),
    ("reason", "Reason"),
    (incident_alerts::STILL_FIRE, "Alerts"),
    ("tell", "Who is told"),
];

/// The states that a form says of components.
#[must_use]
pub fn states(form: &FormData) -> Vec<ComponentStateInput> {
    form.starting_with(PREFIX)
        .filter(|(_, state)| !state.is_empty())
        .map(|(id, state)| ComponentStateInput { id: id.to_owned(), state: state.to_owned() })
        .collect()
}

/// The components that a form speaks of, as far as they can be ids.
#[must_use]
pub(super) fn named(form: &FormData) -> States {
    let read = |one: ComponentStateInput| Some((one.id.parse().ok()?, ComponentState::parse(&one.state).ok()?));
    states(form).into_iter().filter_map(read).collect()
}

fn input(form: &FormData) -> IncidentInput {
    IncidentInput {
        title: form.get("title").to_owned(),
        severity: form.get("severity").to_owned(),
        components: states(form),
        started_at: form.get("started_at").to_owned(),
        began_long_ago: form.get(incident_times::LONG_AGO) == "yes",
        maintenance: form.get("maintenance").to_owned(),
        state: form.get("state").to_owned(),
        body: form.get("body").to_owned(),
        tell: Some(form.has("tell")),
        alerts_still_fire: form.get(incident_alerts::STILL_FIRE) == "yes",
    }
}

/// Shows the page again with everything typed, so that it can be seen who is told, before anything is sent.
pub(super) fn look(form: FormData, was_to_send: bool) -> Posted {
    let done = was_to_send.then(|| "Nothing is sent yet. Look who is told, then press once more.".to_owned());
    Posted::Shown(Submitted { data: Some(form), done, ..Submitted::default() })
}

/// Whether the one who presses has seen who is told, or nobody is.
pub(super) async fn has_seen(post: &Post, chosen: &States) -> Result<bool, Error> {
    if !post.form.has("tell") {
        return Ok(true);
    }
    let components: Vec<ComponentId> = chosen.keys().copied().collect();
    let audience = post.services.incident_audience(&post.actor, &components).await?;
    let (count, of) = post.form.get("seen").split_once(' ').unwrap_or((post.form.get("seen"), ""));
    Ok(audience.is_as_seen(count.parse().ok().filter(|_| of == listed(chosen))))
}

/// What a form says to tell who was shown: how many, and of which components.
pub(super) fn seen(audience: &Audience, chosen: &States) -> String {
    format!("{} {}", audience.told(), listed(chosen))
}

fn listed(chosen: &States) -> String {
    chosen.keys().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Takes the form for a new incident.
///
/// # Errors
/// What can not be mended in the form.
pub async fn post_new(post: Post) -> Result<Posted, Error> {
    take(post, None).await
}

/// Takes the form for a draft.
///
/// # Errors
/// What can not be mended in the form.
pub async fn post_edit(of: &str, post: Post) -> Result<Posted, Error> {
    let id = id(of, "incident")?;
    take(post, Some(id)).await
}

async fn take(post: Post, stored: Option<IncidentId>) -> Result<Posted, Error> {
    post.actor.require(Permission::RunIncidents)?;
    if let Some(place) = wording::pressed(&post.form, "template") {
        return wording::begin(post, place).await;
    }
    let publish = match post.form.get("do") {
        "publish" => true,
        "draft" => false,
        _ => return Ok(look(post.form, false)),
    };
    if publish && !has_seen(&post, &named(&post.form)).await? {
        return Ok(look(post.form, true));
    }
    let input = input(&post.form);
    let made = match stored {
        None => {
            let key = Some(post.form.get(KEY)).filter(|key| !key.is_empty());
            post.services.report_incident(&post.actor, key, &input, publish).await.map_err(sent_before)
        }
        Some(id) => {
            let version = post.form.get("version").parse().ok();
            post.services.save_incident_draft(&post.actor, id, version, &input, publish).await
        }
    };
    let done = if publish { "published" } else { "drafted" };
    post.done_by_one(made.map(|incident| format!("/admin/incidents/{}?done={done}", incident.id)))
}

/// Who goes back in the browser and sends the form once more sends the same: it is one incident. Another text in it is
/// none.
fn sent_before(error: Error) -> Error {
    match error {
        Error::Invalid(wrong) if wrong.iter().any(|wrong| wrong.field == "Idempotency-Key") => Error::refused(
            "sent_before",
            "This form was sent before, and there is an incident of it: go on there. For another one report it anew.",
        ),
        other => other,
    }
}

/// Everything the forms show.
pub(super) struct Shown {
    stored: Option<Incident>,
    pub(super) choices: Choices,
    templates: Vec<MessageTemplate>,
    pub(super) causes: Vec<PossibleCause>,
    /// What is known already of the components that are chosen.
    near: Vec<NearIncident>,
    pub(super) chosen: States,
    audience: Audience,
    /// By which a form that comes twice is known.
    key: String,
}

impl Shown {
    pub(super) async fn open(
        desk: &Desk,
        stored: Option<IncidentId>,
        form: Submitted,
        asked: FormData,
    ) -> Result<Self, Error> {
        let (services, actor) = (&desk.services, &desk.actor);
        actor.require(Permission::RunIncidents)?;
        let stored = match stored {
            Some(id) => Some(services.incident_timeline(actor, id).await?.0),
            None => None,
        };
        let chosen = match (&form.data, &stored) {
            (Some(data), _) => named(data),
            (None, Some(incident)) => incident.components.clone(),
            // A link on the page of a component names it.
            (None, None) => {
                asked.all("component").filter_map(|id| Some((id.parse().ok()?, ComponentState::MajorOutage))).collect()
            }
        };
        let ids: Vec<ComponentId> = chosen.keys().copied().collect();
        Ok(Self {
            choices: services.choices(actor).await?,
            templates: services.templates(actor, false).await?,
            causes: services.possible_causes(actor, &chosen).await?,
            near: if stored.is_none() { services.incidents_near(actor, &ids).await? } else { Vec::new() },
            audience: services.incident_audience(actor, &ids).await?,
            key: services.new_id::<IncidentId>().to_string(),
            stored,
            chosen,
        })
    }
}

/// `/admin/incidents/new`
#[component]
pub fn NewIncident() -> impl IntoView {
    let (form, asked) = (context::submitted(), query());
    let caused_by = asked.get("maintenance").to_owned();
    admin(
        |_| "Report an incident".to_owned(),
        |desk: Desk| async move { Shown::open(&desk, None, form, asked).await },
        move |desk, shown| page(&desk, &shown, &caused_by),
    )
}

/// `/admin/incidents/:id/edit`: a draft.
#[component]
pub fn EditIncident() -> impl IntoView {
    let form = context::submitted();
    // What was typed stays in sight even where somebody has published the draft meanwhile.
    let came_back = form.data.is_some();
    let of = param::<IncidentId>("incident");
    admin(
        |shown: &Shown| shown.stored.as_ref().map_or_else(String::new, |i| format!("Draft {}", i.reference())),
        move |desk: Desk| async move {
            let shown = Shown::open(&desk, Some(of?), form, FormData::default()).await?;
            match &shown.stored {
                Some(incident) if incident.state != IncidentState::Draft && !came_back => {
                    let told = format!("{} is {} and no draft any more.", incident.reference(), incident.state.text());
                    Err(Error::refused("wrong_state", told))
                }
                _ => Ok(shown),
            }
        },
        |desk, shown| page(&desk, &shown, ""),
    )
}

fn page(desk: &Desk, shown: &Shown, caused_by: &str) -> AnyView {
    let (path, title, back) = match &shown.stored {
        None => (
            "/admin/incidents/new".to_owned(),
            "Report an incident".to_owned(),
            ("Incidents".to_owned(), "/admin/incidents".to_owned()),
        ),
        Some(incident) => (
            format!("/admin/incidents/{}/edit", incident.id),
            format!("Draft {}", incident.reference()),
            (format!("{} {}", incident.reference(), incident.title), format!("/admin/incidents/{}", incident.id)),
        ),
    };
    let form = Form::at(&path, "");
    let submitted = context::submitted();
    let stored = shown.stored.as_ref();
    let told = told(&shown.audience, &shown.chosen, form.ticked("tell", true));
    let past = stored.is_none().then(|| {
        view! {
            <p class="small muted">"It is over already? "<a href="/admin/incidents/backfill">"Enter a past incident"</a></p>
        }
    });
    let fields = fields(desk, shown, &form, caused_by);
    view! {
        <PageHeader title back>{past}</PageHeader>
        {submitted.done.clone().map(|done| view! { <Flash flash=FlashView::done(done)/> })}
        {form.summary_at(&LABELS, own_id)}
        <div class="split is-wide-start">
            <div class="stack">
                {meanwhile(stored, &submitted)}
                <form class="form card" id="incident-form" method="post">{fields}</form>
            </div>
            <div class="sticky">
                <Card title="Who is told">
                    <ToldIsland initial=told/>
                    <p class="small muted mt">
                        "If others are told than you see here, it is shown once more before anything is sent."
                    </p>
                </Card>
            </div>
        </div>
    }
    .into_any()
}

/// The id of a field where it is not its name.
fn own_id(field: &str) -> Option<String> {
    match field {
        "template" => Some(format!("{}-template", wording::INCIDENT.deed)),
        incident_times::LONG_AGO => Some("started_at".to_owned()),
        incident_alerts::STILL_FIRE => Some("state".to_owned()),
        _ => None,
    }
}

/// Where two people wrote at once: what is stored now, beside what was typed.
fn meanwhile(stored: Option<&Incident>, submitted: &Submitted) -> AnyView {
    let Some(incident) = stored.filter(|_| submitted.stale) else { return ().into_any() };
    let (title, state) = (incident.title.to_string(), StateView::from(incident.state));
    let html = service::prose::html(incident.draft_text.as_str());
    let href = format!("/admin/incidents/{}", incident.id);
    view! {
        <Card title="Written meanwhile by others">
            <p><a href=href><span dir="auto">{title}</span></a>" "<StateBadge state/></p>
            <div class="prose" dir="auto" inner_html=html></div>
        </Card>
    }
    .into_any()
}

fn fields(desk: &Desk, shown: &Shown, form: &Form, caused_by: &str) -> AnyView {
    let stored = shown.stored.as_ref();
    let templates = wording::offer(wording::INCIDENT, &shown.templates, &context::submitted());
    let version = stored.map(|incident| view! { <Hidden name="version" value=form.version(incident.version)/> });
    let key = stored.is_none().then(|| view! { <Hidden name=KEY value=form.value(KEY, shown.key.clone())/> });
    let title = form.value("title", stored.map_or("", |i| i.title.as_str()));
    let body = form.value("body", stored.map_or("", |i| i.draft_text.as_str()));
    let began = form.value("started_at", stored.map(|i| incident_times::local(desk, i.started_at)).unwrap_or_default());
    let caused = form.value(
        "maintenance",
        stored.and_then(|i| i.maintenance).map_or_else(|| caused_by.to_owned(), |id| id.to_string()),
    );
    let hint = format!(
        "Empty: now. Else local to {}, like 2014-05-15 18:55, or with an offset (18:55+01:00). Never in the future.",
        desk.site.zone
    );
    let severity = form.value("severity", stored.and_then(|i| i.severity_override).map_or("", Severity::as_str));
    let state = form.value("state", IncidentState::Investigating.as_str());
    // A draft would find itself, and its own page offers what it may belong to.
    let near = stored.is_none().then(|| incident_near::hint(&shown.near));
    view! {
        <div>
            // Enter in a field must not publish anything.
            <button class="vh" type="submit" name="do" value="check" tabindex="-1" aria-hidden="true"
                formnovalidate=true>"Check"</button>
            {version}
            {key}
            {templates}
            <Field name="title" label="Title" value=title error=form.error("title")
                hint="What customers notice. {{components}} is written out." required=true
                maxlength={u32::try_from(Name::MAX).unwrap_or(u32::MAX)}/>
        </div>
        <div>
            {picker(&shown.choices, &shown.chosen, &[], form.error("components"))}
            {near}
        </div>
        <TextArea name="body" label="What customers read" rows=4 value=body error=form.error("body")
            hint="Markdown. What is known, what is done, when you write again."
            maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)}/>
        <div class="fields">
            <Select name="state" label="State" options=public_states(&state) error=form.error("state")/>
            <Select name="severity" label="Severity" options=severities(&severity) error=form.error("severity")/>
        </div>
        {incident_alerts::still_fire(form)}
        <Field name="started_at" label="Began" value=began error=form.error("started_at") hint optional=true/>
        {incident_times::long_ago(form)}
        {incident_cause::live_choice(&shown.causes, &caused, form.error("maintenance"))}
        <Checkbox name="tell" label="Tell subscribers" checked=form.ticked("tell", true)/>
    }
    .into_any()
}

/// The states that an update can say.
pub(super) fn public_states(chosen: &str) -> Vec<OptionView> {
    let option = |state: IncidentState| OptionView::new(state.as_str(), state.public_text());
    IncidentState::PUBLIC.into_iter().map(|state| option(state).chosen(state.as_str() == chosen)).collect()
}

/// The severities, and none by decision.
pub(super) fn severities(chosen: &str) -> Vec<OptionView> {
    let derived = OptionView::new("", "From the components").chosen(chosen.is_empty());
    let option = |severity: Severity| OptionView::new(severity.as_str(), severity.text());
    let decided = Severity::ALL.into_iter().map(|severity| option(severity).chosen(severity.as_str() == chosen));
    std::iter::once(derived).chain(decided).collect()
}

/// The states of all components that can be named, folded by group. `without` stand elsewhere in the form.
pub(super) fn picker(choices: &Choices, chosen: &States, without: &[ComponentId], error: Option<String>) -> AnyView {
    let all: usize = choices.groups.iter().map(|(_, list)| list.len()).sum();
    let groups = choices
        .groups
        .iter()
        .map(|(group, list)| {
            let name = group.as_ref().map_or_else(|| "Without a group".to_owned(), |group| group.name.to_string());
            let list: Vec<_> = list.iter().filter(|component| !without.contains(&component.id)).collect();
            let picked = list.iter().filter(|component| chosen.contains_key(&component.id)).count();
            let count = match picked {
                0 => list.len().to_string(),
                n => format!("{n} of {} chosen", list.len()),
            };
            let rows = list
                .iter()
                .map(|component| {
                    let state = chosen.get(&component.id).copied();
                    state_of(component.id, component.name.as_str(), component.is_private, state, false)
                })
                .collect_view();
            (!list.is_empty()).then(|| {
                view! {
                    <details class="fold" open={picked > 0 || all <= SHOWN_AT_ONCE}>
                        <summary>
                            <Icon shape=Shape::Next/>
                            <span dir="auto">{name}</span>
                            <span class="muted">{count}</span>
                        </summary>
                        {rows}
                    </details>
                }
            })
        })
        .collect_view();
    let error_id = error.is_some().then_some("components-error");
    let class = if error.is_some() { "field has-error" } else { "field" };
    view! {
        <fieldset class=class id="components" aria-describedby=error_id>
            <legend>"What does not work"</legend>
            <p class="hint">"Leave the others as they are. With none chosen it concerns the whole site."</p>
            <div class="picker" id="components-list">
                <FilterIsland list="components-list".to_owned()/>
                <div class="picker-list" tabindex="0" role="group" aria-label="Components">{groups}</div>
            </div>
            {error.map(|error| view! { <p class="error" id="components-error">{error}</p> })}
        </fieldset>
    }
    .into_any()
}

/// The state of one component, to choose; `known` ones have a state already.
pub(super) fn state_of(
    id: ComponentId,
    name: &str,
    is_private: bool,
    chosen: Option<ComponentState>,
    known: bool,
) -> AnyView {
    let field = format!("{PREFIX}{id}");
    let nothing = if known { "As it is" } else { "Not affected" };
    let nothing = view! { <option value="" selected=chosen.is_none()>{nothing}</option> };
    let options = CHOICES
        .into_iter()
        .filter(|(_, state)| known || *state != ComponentState::Operational)
        .map(|(label, state)| view! { <option value=state.as_str() selected={chosen == Some(state)}>{label}</option> })
        .collect_view();
    let name = name.to_owned();
    let private = is_private.then(|| view! { " "<span class="badge tone-quiet">"for the team alone"</span> });
    view! {
        <div class="state-row">
            <label for=field.clone() dir="auto">{name}{private}</label>
            <select class="input" id=field.clone() name=field>{nothing}{options}</select>
        </div>
    }
    .into_any()
}

/// How many are told, in one sentence.
#[must_use]
pub fn audience_text(audience: &Audience) -> String {
    let mails = match audience.mails {
        1 => "1 subscriber is told by mail".to_owned(),
        n => format!("{} subscribers are told by mail", super::runs::grouped(n)),
    };
    let webhooks = match audience.webhooks {
        1 => "1 webhook is called".to_owned(),
        n => format!("{} webhooks are called", super::runs::grouped(n)),
    };
    match (audience.mails, audience.webhooks) {
        (0, 0) => "Nobody is told.".to_owned(),
        (_, 0) => format!("{mails}."),
        (0, _) => format!("{webhooks}."),
        _ => format!("{mails}, {webhooks}."),
    }
}

/// Why others are not.
pub(super) fn left_out(audience: &Audience) -> AnyView {
    let (lead, why) = left_out_text(audience);
    let lines = why.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    (!lead.is_empty())
        .then(|| view! { <div class="small muted"><p>{lead}</p><ul class="plain-list">{lines}</ul></div> })
        .into_any()
}

fn left_out_text(audience: &Audience) -> (String, Vec<String>) {
    let count = audience.left_out_count();
    let lead = if count > 0 { format!("{} not told:", super::runs::grouped(count)) } else { String::new() };
    let why = audience.left_out.iter();
    (lead, why.map(|(why, n)| format!("{} {}", super::runs::grouped(*n), why.text(*n))).collect())
}

/// Who is told of what a form says, for the island.
///
/// # Errors
/// Not allowed, or the database does not answer.
pub async fn count(services: &Services, actor: &Actor, form: &str) -> Result<ToldView, Error> {
    let form = FormData::parse(form.as_bytes());
    let chosen = named(&form);
    let components: Vec<ComponentId> = chosen.keys().copied().collect();
    let audience = services.incident_audience(actor, &components).await?;
    Ok(told(&audience, &chosen, form.has("tell")))
}

fn told(audience: &Audience, chosen: &States, tell: bool) -> ToldView {
    let (left_out, why) = if tell { left_out_text(audience) } else { <(String, Vec<String>)>::default() };
    ToldView {
        text: if tell { audience_text(audience) } else { "Nobody is told: subscribers are left alone.".to_owned() },
        left_out,
        why,
        seen: seen(audience, chosen),
        publish: match audience.told() {
            n if tell && n > 0 => format!("Publish now, tell {}", super::runs::grouped(n)),
            _ => "Publish now".to_owned(),
        },
    }
}
