//! One incident: what was said, what to say next, and how its components were.

use super::desk::{Desk, admin};
use super::edit::{Form, id, param};
use super::incident_form::{
    LABELS, audience_text, has_seen, left_out, look, named, picker, public_states, seen, severities, state_of, states,
};
use super::{
    alerts, incident_alerts, incident_cause, incident_join, incident_near, incident_times, incidents, wording,
};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, DataTable, Disclosure, Fact, Facts, Field, Flash, Hidden,
    Icon, PageHeader, Section, Select, StateBadge, TextArea, TimeRange,
};
use crate::context;
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, StateView, Weight};
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId, IncidentUpdateId};
use domain::impact::Known;
use domain::incident::{Incident, IncidentState, IncidentUpdate, Severity};
use domain::people::Permission;
use domain::subscriber::Audience;
use domain::template::MessageTemplate;
use domain::text::{Name, Prose};
use domain::time::Span;
use leptos::prelude::*;
use service::Error;
use service::alerts::{AlertsLook, Worse};
use service::incidents::{Deed, EditInput, IncidentDetail, Joinable, NearIncident, PostInput, States};
use service::maintenance::Choices;

const DONE: [(&str, &str); 9] = [
    ("published", "It is published."),
    ("drafted", "It is kept as a draft: customers see nothing of it."),
    ("posted", "Posted."),
    ("edited", "Saved. Nobody is told."),
    ("linked", "It is linked to the window that caused it. Nobody is told."),
    ("mended", "The words are mended. Nobody is told; what they were is kept below them."),
    ("backfilled", "It is entered, and marked as entered afterwards. Nobody is told."),
    ("joined", "The alerts of the draft are counted here now. The draft is discarded; nobody is told."),
    ("discarded", "The draft is discarded. It stays here for the record."),
];

/// The field with the state that the form of an update was made from.
const WAS_STATE: &str = "was-state";

/// Takes what is pressed on the page of an incident.
///
/// # Errors
/// What can not be mended on the page.
pub async fn post(of: &str, post: Post) -> Result<Posted, Error> {
    let incident: IncidentId = id(of, "incident")?;
    post.actor.require(Permission::RunIncidents)?;
    if let Some(place) = wording::pressed(&post.form, "template") {
        return wording::begin(post, place).await;
    }
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let version = form.get("version").parse::<i64>().ok();
    let here = |done: &str| format!("/admin/incidents/{incident}?done={done}");
    let (deed, which) = form.get("do").split_once(':').unwrap_or((form.get("do"), ""));
    let result = match deed {
        "say" => {
            let (now, _) = services.incident_timeline(actor, incident).await?;
            let mut all = now.components;
            all.extend(named(form));
            if !has_seen(&post, &all).await? {
                return Ok(look(post.form, true));
            }
            let input = PostInput {
                state: form.get("state").to_owned(),
                body: form.get("body").to_owned(),
                components: states(form),
                tell: Some(form.has("tell")),
                alerts_still_fire: form.get(incident_alerts::STILL_FIRE) == "yes",
            };
            let said = services.post_incident_update(actor, None, incident, version, Deed::Say, &input).await;
            said.map(|_| here("posted"))
        }
        "edit" => {
            let input = EditInput {
                title: Some(form.get("title").to_owned()),
                severity: Some(form.get("severity").to_owned()),
                maintenance: form.has("maintenance").then(|| form.get("maintenance").to_owned()),
                ..EditInput::default()
            };
            services.change_incident(actor, incident, version, &input).await.map(|_| here("edited"))
        }
        "times" => {
            let input = incident_times::typed(form);
            services.change_incident(actor, incident, version, &input).await.map(|_| here("edited"))
        }
        "link" => {
            let input = EditInput { maintenance: Some(which.to_owned()), ..EditInput::default() };
            match services.change_incident(actor, incident, version, &input).await {
                // The buttons are gone where a cause is known: it is not to be pressed again.
                Err(error @ Error::Stale(_)) => match services.incident_detail(actor, incident).await?.cause {
                    Some(cause) => {
                        let message = Some(format!("It is linked to M-{} now. You changed nothing.", cause.number));
                        return Ok(Posted::Overtaken(Submitted { message, ..Submitted::refused(post.form, error) }));
                    }
                    None => Err(error),
                },
                linked => linked.map(|_| here("linked")),
            }
        }
        "mend" => {
            let update: IncidentUpdateId = id(which, "update")?;
            let mended = services.mend_incident_update(actor, incident, update, version, form.get("mended")).await;
            mended.map(|_| format!("{}#u-{update}", here("mended")))
        }
        "discard" => services.discard_incident(actor, incident, version).await.map(|_| here("discarded")),
        "join" => {
            let into = form.get("incident").trim();
            let joined = services.join_incident(actor, incident, version, into).await;
            joined.map(|_| format!("/admin/incidents/{into}?done=joined"))
        }
        "check" => return Ok(look(post.form, false)),
        _ => Err(Error::NotFound("page")),
    };
    post.done_by_one(result)
}

/// Everything the page shows.
struct Shown {
    detail: IncidentDetail,
    choices: Choices,
    templates: Vec<MessageTemplate>,
    audience: Audience,
    /// The components that the audience is of.
    told_of: States,
    alerts: AlertsLook,
    /// What they say that customers do not know.
    worse: Vec<Worse>,
    /// Drafts of alerts on its components.
    near: Vec<NearIncident>,
    /// What a draft of alerts may belong to.
    joinable: Vec<Joinable>,
    /// What would be posted if it were resolved by itself, where that is proposed.
    end: Option<Prose>,
    /// The newest change that the page knows of.
    since: i64,
}

/// `/admin/incidents/:id`
#[component]
pub fn IncidentPage() -> impl IntoView {
    let of = param::<IncidentId>("incident");
    let submitted = context::submitted();
    admin(
        |Shown { detail, .. }: &Shown| format!("{} {}", detail.incident.reference(), detail.incident.title),
        |desk: Desk| async move {
            // Read before what the page shows: what comes later is heard of.
            let since = desk.services.newest_change();
            let detail = desk.services.incident_detail(&desk.actor, of?).await?;
            let worse = desk.services.untold(&desk.actor, detail.incident.id).await?;
            let mut told_of = detail.incident.components.clone();
            told_of.extend(incident_alerts::chosen(&submitted, &worse));
            let components: Vec<ComponentId> = told_of.keys().copied().collect();
            let audience = desk.services.incident_audience(&desk.actor, &components).await?;
            let choices = desk.services.choices(&desk.actor).await?;
            let templates = desk.services.templates(&desk.actor, false).await?;
            let alerts = desk.services.alerts_of_incident(&desk.actor, detail.incident.id).await?;
            let end = desk.services.proposed_end(&desk.actor, detail.incident.id).await?;
            let joinable = desk.services.joinable(&desk.actor, detail.incident.id).await?;
            let near = desk.services.drafts_near(&desk.actor, detail.incident.id).await?;
            Ok(Shown { detail, choices, templates, audience, told_of, alerts, worse, near, joinable, end, since })
        },
        |desk, shown| page(&desk, &shown),
    )
}

fn page(desk: &Desk, shown: &Shown) -> AnyView {
    let detail = &shown.detail;
    let incident = &detail.incident;
    let path = format!("/admin/incidents/{}", incident.id);
    let form = Form::at(&path, "");
    let submitted = context::submitted();
    let may = desk.may(Permission::RunIncidents);
    let public = incident.state.is_public().then(|| {
        let learned = format!("{path}/post-mortem");
        view! {
            <ButtonLink href=format!("/incidents/{}", incident.id)>"What customers see"</ButtonLink>
            <ButtonLink href=learned>"Post-mortem"</ButtonLink>
        }
    });
    let next = match incident.state {
        IncidentState::Draft if may => draft(
            desk,
            incident,
            incident_join::offer(incident, &shown.joinable, &form.only_if(form.pressed() == "join")),
        ),
        IncidentState::Draft | IncidentState::Discarded => draft_text(incident),
        _ if may => say(desk, shown, &form),
        _ => ().into_any(),
    };
    let offer =
        (may && incident.state != IncidentState::Discarded).then(|| incident_cause::offer(incident, &detail.causes));
    let change = (may && incident.state.is_public()).then(|| change(detail, &form, &submitted));
    let times = (may && incident.state.is_public())
        .then(|| incident_times::mend(desk, incident, &form.only_if(form.pressed() == "times"), detail.updates.len()));
    let filled = (may && incident.state.is_open() && (shown.end.is_some() || !shown.worse.is_empty()))
        .then_some(wording::INCIDENT_UPDATE.form);
    // Who pressed a button of a draft that is none any more is told what has become of it, and has nothing to press again.
    let is_of_draft = form.is_stale() && matches!(form.pressed(), "discard" | "join");
    let gone = is_of_draft.then(|| incident_join::gone(incident, &shown.alerts)).flatten();
    let meanwhile = gone.is_none().then(|| meanwhile(desk, detail, &submitted));
    let problems = gone.unwrap_or_else(|| form.summary_at(&LABELS, |field| own_id(form.pressed(), field)));
    let state = incidents::state(incident);
    let severity = StateView::from(incident.severity());
    view! {
        <PageHeader title=incident.title.to_string() back=("Incidents".to_owned(), "/admin/incidents".to_owned()) state>
            {public}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {submitted.done.clone().map(|done| view! { <Flash flash=FlashView::done(done)/> })}
        {problems}
        <div class="split is-wide-start">
            <div class="stack">
                {alerts::of_incident(desk, &shown.alerts, &shown.worse, filled)}
                {meanwhile}
                {next}
                {timeline(desk, detail, may, &submitted)}
            </div>
            <div class="stack">
                {may.then(|| incident_near::drafts(&shown.near))}
                {offer}
                {facts(desk, detail, severity)}
                {change}
                {times}
                {history(desk, detail)}
            </div>
        </div>
        {follow(detail, shown.since)}
    }
    .into_any()
}

/// What says that colleagues have changed something while the page was open. It changes nothing else on it.
fn follow(detail: &IncidentDetail, since: i64) -> AnyView {
    let context::Assets { follow, .. } = use_context().unwrap_or_default();
    let (id, stands) = (detail.incident.id.to_string(), detail.stands());
    let href = format!("/admin/incidents/{id}");
    // The stream is for everybody: it says nothing of drafts.
    let draft = (detail.incident.state == IncidentState::Draft).then_some("");
    view! {
        <div class="follow" id="follow" role="status" data-incident=id data-stands=stands data-since=since.to_string()
            data-draft=draft>
            <template>
                <p>
                    "This page has changed. "<a href=href target="_blank">"Show what is new in another tab"</a>
                    ". What you have typed here stays."
                </p>
            </template>
        </div>
        <script src=follow nonce=leptos::nonce::use_nonce() defer=true></script>
    }
    .into_any()
}

/// The id of a field in the form of what was pressed, where it is not its name.
fn own_id(pressed: &str, field: &str) -> Option<String> {
    match (pressed, field) {
        ("say", incident_alerts::STILL_FIRE) => Some("state".to_owned()),
        ("edit", "title" | "severity") => Some(format!("edit-{field}")),
        ("times", incident_times::LONG_AGO) => Some("mend-started_at".to_owned()),
        ("times", field) => Some(format!("mend-{field}")),
        (_, "template") => Some(format!("{}-template", wording::INCIDENT_UPDATE.deed)),
        (pressed, "body") => pressed.strip_prefix("mend:").map(|update| format!("mended-{update}")),
        _ => None,
    }
}

/// Where two people wrote at once: what the others have posted stands beside what was typed.
fn meanwhile(desk: &Desk, detail: &IncidentDetail, submitted: &Submitted) -> AnyView {
    // Who only pressed a button has the whole timeline below.
    let typed = submitted.data.as_ref().filter(|data| submitted.stale && !data.is_press());
    let Some(data) = typed else { return ().into_any() };
    let known = data.get("lines").parse::<usize>().unwrap_or_default();
    let new = detail.updates.len().saturating_sub(known);
    let lines = detail
        .updates
        .iter()
        .take(new)
        .map(|update| {
            let state = StateView::from(update.state);
            let html = service::prose::html(update.body.as_str());
            let head = format!("{}, {}", author(detail, update), desk.short(update.at));
            view! {
                <li class=state.tone.class()>
                    <Icon shape=state.shape/>
                    <div class="timeline-head"><h3>{state.label}</h3><span class="muted small" dir="auto">{head}</span></div>
                    <div class="prose" dir="auto" inner_html=html></div>
                </li>
            }
        })
        .collect_view();
    let is_mend = data.get("do").starts_with("mend:");
    let text = match (is_mend, new) {
        (false, 0) if detail.incident.state == IncidentState::Draft => {
            Some("The draft was changed. As it is now, it stands below.")
        }
        (true, _) => Some("These words were mended. As they are now, they stand above what you typed."),
        (false, 0) => Some("Its title, severity or state was changed. What it says is the same."),
        (false, _) => None,
    };
    let text = text.map(|text| view! { <p>{text}</p> });
    let lines = (new > 0).then(|| view! { <ol class="timeline">{lines}</ol> });
    view! { <Card title="Posted meanwhile by others">{text}{lines}</Card> }.into_any()
}

fn draft_text(incident: &Incident) -> AnyView {
    let html = service::prose::html(incident.draft_text.as_str());
    let text = if html.is_empty() {
        view! { <p class="muted">"Nothing is written yet."</p> }.into_any()
    } else {
        view! { <div class="prose" dir="auto" inner_html=html></div> }.into_any()
    };
    view! { <Card title="What customers would read">{text}</Card> }.into_any()
}

fn draft(desk: &Desk, incident: &Incident, join: AnyView) -> AnyView {
    let version = incident.version.to_string();
    let path = format!("/admin/incidents/{}", incident.id);
    let discard = ActionView::post("Discard it", path.clone(), &[("do", "discard"), ("version", version.as_str())])
        .weigh(Weight::Danger)
        .about(incident.title.to_string());
    let made = match incident.created_by {
        Some(_) => format!("Kept since {}. Customers see nothing of it.", desk.short(incident.created_at)),
        None => format!("Opened by itself {}. Customers see nothing of it.", desk.short(incident.created_at)),
    };
    let is_for_all = incident.components.is_empty().then(|| {
        view! { <p><strong>"It names no component: published as it is, it concerns the whole site, and all subscribers are told."</strong></p> }
    });
    view! {
        <Card title="What now">
            <p>{made}</p>
            {is_for_all}
            <Actions>
                <ButtonLink href=format!("{path}/edit") weight=Weight::Primary>"Look it over and publish"</ButtonLink>
                <Action action=discard/>
            </Actions>
        </Card>
        {join}
        {draft_text(incident)}
    }
    .into_any()
}

/// The form for the next update.
fn say(desk: &Desk, shown: &Shown, form: &Form) -> AnyView {
    let detail = &shown.detail;
    let incident = &detail.incident;
    let submitted = context::submitted();
    let is_this = submitted.data.as_ref().is_none_or(incident_alerts::is_update);
    let typed = |name: &str, stored: &str| if is_this { form.value(name, stored) } else { stored.to_owned() };
    let wrong = |name: &str| form.error(name).filter(|_| is_this);
    let is_over = incident.state == IncidentState::Resolved;
    let is_mine = form.only_if(is_this);
    let stored = incident.state.as_str();
    // Where its end is proposed, what would be posted without a person stands here, to be looked over.
    let end = shown.end.as_ref().filter(|_| incident.state.is_open());
    let offered = end.map_or(incident.state, |_| IncidentState::Resolved);
    // What nobody chose follows what others have posted: the next press must not open again what they ended.
    let is_left = is_mine.is_stale() && is_mine.value("state", "") == is_mine.value(WAS_STATE, "");
    let state = if is_left { stored.to_owned() } else { typed("state", offered.as_str()) };
    let body = typed("body", end.map_or("", |text| text.as_str()));
    let was = is_mine.made_from(WAS_STATE, stored);
    let chosen = incident_alerts::chosen(&submitted, &shown.worse);
    let own: Vec<ComponentId> = detail.components.iter().map(|line| line.id).collect();
    let known = detail
        .components
        .iter()
        .map(|named| {
            let label = match incident.state.is_open() {
                true => format!("{} – {}", named.name, named.state.public_text()),
                false => named.name.clone(),
            };
            state_of(named.id, &label, named.is_private, chosen.get(&named.id).copied(), true)
        })
        .collect_view();
    let known = (!own.is_empty()).then(|| {
        view! { <fieldset class="field"><legend>"Its components"</legend>{known}</fieldset> }
    });
    let has_more = chosen.keys().any(|id| !own.contains(id)) || wrong("components").is_some();
    let more = picker(&shown.choices, &chosen, &own, wrong("components"));
    let unasked = incident.tells_unasked();
    let tell = if is_this { form.ticked("tell", unasked) } else { unasked };
    let title = match end {
        Some(_) => "Post the proposed end",
        None if is_over => "Say something more, or open it again",
        None => "Post an update",
    };
    let hint = if is_over {
        "“Resolved” adds a remark. Any other state opens it again: what did not work then is taken up from now on."
    } else {
        "Markdown. “Resolved” ends it for all its components."
    };
    let still_fire = incident_alerts::still_fire(&is_mine);
    let seen = seen(&shown.audience, &shown.told_of);
    let told = audience_text(&shown.audience);
    let (version, lines) = (is_mine.version(incident.version), is_mine.made_from("lines", detail.updates.len()));
    let deed = if is_over && state != stored { "Open it again" } else { "Post" };
    let label = match shown.audience.told() {
        n if tell && n > 0 => format!("{deed}, tell {}", super::runs::grouped(n)),
        _ => deed.to_owned(),
    };
    let templates = wording::offer(wording::INCIDENT_UPDATE, &shown.templates, &submitted);
    let silent = detail.updates.first().filter(|_| incident.state.is_open()).map(|last| {
        let ago = Span::between(last.at, desk.now).in_words();
        view! { <p class="small muted">{format!("Customers last read something {ago} ago.")}</p> }
    });
    let inner = view! {
            <form class="stack" method="post" id=wording::INCIDENT_UPDATE.form>
                {silent}
                <div>
                    // Enter in a field must not publish anything.
                    <button class="vh" type="submit" name="do" value="check" tabindex="-1" aria-hidden="true"
                        formnovalidate=true>"Check"</button>
                    <Hidden name="version" value=version/>
                    <Hidden name="lines" value=lines/>
                    <Hidden name="seen" value=seen/>
                    <Hidden name=WAS_STATE value=was/>
                    <Select name="state" label="State" options=public_states(&state) error=wrong("state")/>
                </div>
                {still_fire}
                {templates}
                <TextArea name="body" label="What customers read" rows=4 value=body error=wrong("body") hint
                    maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)}/>
                {known}
                <Disclosure label="More components" open=has_more>{more}</Disclosure>
                <Checkbox name="tell" label="Tell subscribers" checked=tell hint=told/>
                {left_out(&shown.audience)}
                <Actions><Button weight=Weight::Primary name="do" value="say">{label}</Button></Actions>
            </form>
    }
    .into_any();
    view! { <Card title=title>{inner}</Card> }.into_any()
}

/// Title, severity and cause: nobody is told of a change.
fn change(detail: &IncidentDetail, form: &Form, submitted: &Submitted) -> AnyView {
    let incident = &detail.incident;
    let is_this = submitted.data.as_ref().is_some_and(|data| data.get("do") == "edit");
    let typed = |name: &str, stored: String| if is_this { form.value(name, stored) } else { stored };
    let wrong = |name: &str| form.error(name).filter(|_| is_this);
    let title = typed("title", incident.title.to_string());
    let severity = typed("severity", incident.severity_override.map_or(String::new(), |s| s.as_str().to_owned()));
    let cause = typed("maintenance", incident.maintenance.map(|id| id.to_string()).unwrap_or_default());
    let after_title = form.stored_now("title", incident.title.as_str());
    let is_mine = form.only_if(is_this);
    let (version, lines) = (is_mine.version(incident.version), is_mine.made_from("lines", detail.updates.len()));
    let inner = view! {
                <form class="stack" method="post">
                    <Hidden name="version" value=version/>
                    <Hidden name="lines" value=lines/>
                    <Field name="title" id="edit-title" label="Title" value=title error=wrong("title")
                        after=after_title.filter(|_| is_this) required=true
                        hint="The subject of its mails stays what it was."
                        maxlength={u32::try_from(Name::MAX).unwrap_or(u32::MAX)}/>
                    <Select name="severity" id="edit-severity" label="Severity" options=severities(&severity)
                        error=wrong("severity")/>
                    {incident_cause::choice(&detail.causes, &cause, wrong("maintenance"), incident_cause::ITS_OWN)}
                    <Actions><Button name="do" value="edit">"Save, tell nobody"</Button></Actions>
                </form>
    }
    .into_any();
    let label = "Change title, severity or cause";
    view! { <Card><Disclosure label open=is_this>{inner}</Disclosure></Card> }.into_any()
}

fn facts(desk: &Desk, detail: &IncidentDetail, severity: StateView) -> AnyView {
    let incident = &detail.incident;
    let began = desk.instant(incident.started_at);
    let at = |label: &'static str, at| {
        let when = desk.instant(at);
        view! { <Fact label=label><TimeRange when/></Fact> }
    };
    let published =
        incident.published_at.map(|when| at(if incident.is_backfilled { "Entered" } else { "Published" }, when));
    let over = incident.resolved_at.map(|when| at("Was over", when));
    let lasted = detail.lasted.map(|span| view! { <Fact label="Lasted">{span.in_words()}</Fact> });
    let cause = detail.cause.as_ref().map(|m| {
        let (href, name) = (format!("/admin/maintenances/{}", m.id), format!("M-{} {}", m.number, m.title));
        view! { <Fact label="Caused by"><a href=href><span dir="auto">{name}</span></a></Fact> }
    });
    let by = match incident.created_by.and_then(|id| detail.authors.get(&id)) {
        Some(name) => name.clone(),
        None => detail.programs.opened().unwrap_or("a program").to_owned(),
    };
    let decided = incident.severity_override.map(|_| {
        let derived = Severity::of(incident.worst).text();
        view! { <span class="sub">{format!("decided; the components say {derived}")}</span> }
    });
    let audit = desk.may(Permission::ReadAudit).then(|| {
        let href = format!("/admin/audit?object=incident&object_id={}", incident.id);
        view! { <p class="small"><a href=href>"Who changed what"</a></p> }
    });
    let components = detail
        .components
        .iter()
        .map(|named| {
            let is_private = named.is_private.then(|| view! { " "<span class="badge tone-quiet">"for the team alone"</span> });
            // What a draft would have said stays readable; what was said of them is over with the incident.
            let state = match incident.state {
                IncidentState::Resolved => StateView::from(ComponentState::Operational),
                _ => StateView::from(named.state),
            };
            let (href, name) = (format!("/admin/components/{}", named.id), named.name.clone());
            view! { <li><span><a href=href><span dir="auto">{name}</span></a>{is_private}</span><StateBadge state/></li> }
        })
        .collect_view();
    let components = if detail.components.is_empty() {
        view! { <p class="small muted mt">"It names no component: it concerns the whole site."</p> }.into_any()
    } else {
        view! { <ul class="state-list mt">{components}</ul> }.into_any()
    };
    let marked = incident.is_backfilled.then(|| view! { <Fact label="Entered">"Afterwards: nobody was told"</Fact> });
    let number = incident.reference();
    view! {
        <Card>
            <Facts>
                <Fact label="Number">{number}</Fact>
                <Fact label="Severity"><StateBadge state=severity/>{decided}</Fact>
                <Fact label="Began"><TimeRange when=began/></Fact>
                {published}
                {over}
                {lasted}
                {cause}
                <Fact label="Opened by"><span dir="auto">{by}</span></Fact>
                {marked}
            </Facts>
            {components}
            {audit}
        </Card>
    }
    .into_any()
}

fn author(detail: &IncidentDetail, update: &IncidentUpdate) -> String {
    let name = update.author.and_then(|id| detail.authors.get(&id)).cloned();
    name.unwrap_or_else(|| detail.programs.said(update.id).unwrap_or("a program").to_owned())
}

fn timeline(desk: &Desk, detail: &IncidentDetail, may: bool, submitted: &Submitted) -> AnyView {
    if detail.updates.is_empty() {
        return ().into_any();
    }
    let lines = detail.updates.iter().map(|update| line(desk, detail, update, may, submitted)).collect_view();
    view! { <Section id="timeline" title="Timeline"><ol class="timeline">{lines}</ol></Section> }.into_any()
}

fn line(desk: &Desk, detail: &IncidentDetail, update: &IncidentUpdate, may: bool, submitted: &Submitted) -> AnyView {
    let state = StateView::from(update.state);
    let html = service::prose::html(update.body.as_str());
    let role = update.author_role.map_or("program", |role| role.as_str());
    let who = match update.author {
        Some(_) => format!("{} ({role})", author(detail, update)),
        None => author(detail, update),
    };
    let told = if update.told { "subscribers were told" } else { "nobody was told" };
    let components = update
        .components
        .iter()
        .filter_map(|(id, state)| Some((detail.names.get(id)?, state)))
        .map(|(name, state)| format!("{name}: {}", state.public_text()))
        .collect::<Vec<_>>();
    let components = (!components.is_empty()).then(|| {
        view! { <p class="small muted" dir="auto">{components.join(" · ")}</p> }
    });
    let mended = update.edited_at.map(|at| format!(" · mended {}", desk.short(at))).unwrap_or_default();
    let earlier = earlier(desk, detail, update);
    let mend = may.then(|| mend(detail, update, submitted));
    let meta = format!("{who} · {told}{mended}");
    view! {
        <li class=state.tone.class() id=format!("u-{}", update.id)>
            <Icon shape=state.shape/>
            <div class="timeline-head">
                <h3>{state.label}</h3>
                <TimeRange when=desk.instant(update.at)/>
            </div>
            <div class="prose" dir="auto" inner_html=html></div>
            {components}
            <p class="small muted" dir="auto">{meta}</p>
            {earlier}
            {mend}
        </li>
    }
    .into_any()
}

/// What the words were before they were mended.
fn earlier(desk: &Desk, detail: &IncidentDetail, update: &IncidentUpdate) -> AnyView {
    let versions = detail
        .replaced
        .iter()
        .filter(|replaced| replaced.update == update.id)
        .map(|replaced| {
            let by = replaced.replaced_by.and_then(|id| detail.authors.get(&id)).cloned();
            let program = || detail.programs.mended(update.id, replaced.version).unwrap_or("a program").to_owned();
            let by = by.unwrap_or_else(program);
            let head = format!("Until {}, when {by} mended it", desk.short(replaced.replaced_at));
            let html = service::prose::html(replaced.body.as_str());
            view! { <p class="small muted" dir="auto">{head}</p><div class="prose" dir="auto" inner_html=html></div> }
        })
        .collect::<Vec<_>>();
    if versions.is_empty() {
        return ().into_any();
    }
    let label = match versions.len() {
        1 => "1 earlier version".to_owned(),
        n => format!("{n} earlier versions"),
    };
    let inner = view! { <div class="stack">{versions}</div> }.into_any();
    view! { <Disclosure label>{inner}</Disclosure> }.into_any()
}

fn mend(detail: &IncidentDetail, update: &IncidentUpdate, submitted: &Submitted) -> AnyView {
    let value = format!("mend:{}", update.id);
    let is_this = submitted.data.as_ref().is_some_and(|data| data.get("do") == value);
    let text = if is_this { submitted.value("mended", update.body.as_str()) } else { update.body.as_str().to_owned() };
    let error = submitted.error("body").filter(|_| is_this);
    let field = format!("mended-{}", update.id);
    let (version, lines) = (update.version.to_string(), detail.updates.len().to_string());
    let (version, lines) = if is_this {
        (submitted.made_from("version", version), submitted.made_from("lines", lines))
    } else {
        (version, lines)
    };
    view! {
        <Disclosure label="Mend the words" open=is_this>
            <form class="stack" method="post">
                <Hidden name="version" value=version/>
                <Hidden name="lines" value=lines/>
                <TextArea name="mended" id=field label="What customers read" rows=3 value=text error/>
                <Actions><Button small=true name="do" value=value>"Save, tell nobody"</Button></Actions>
            </form>
        </Disclosure>
    }
    .into_any()
}

/// How long each component was in which state.
fn history(desk: &Desk, detail: &IncidentDetail) -> AnyView {
    if detail.history.is_empty() {
        return ().into_any();
    }
    let rows: Vec<Vec<AnyView>> = detail
        .history
        .iter()
        .map(|impact| {
            let name = detail.names.get(&impact.component).cloned().unwrap_or_default();
            let state = match impact.known {
                Known::State(state) => StateView::from(state).plain(),
                Known::Unknown => {
                    StateView::new(crate::view::Tone::Quiet, crate::view::Shape::Unknown, "Unknown").plain()
                }
            };
            let length = match impact.to {
                Some(to) => Span::between(impact.from, to).in_words(),
                None => format!("{} so far", Span::between(impact.from, desk.now).in_words()),
            };
            vec![
                view! { <span dir="auto">{name}</span> }.into_any(),
                view! { <StateBadge state/> }.into_any(),
                desk.short(impact.from).into_any(),
                length.into_any(),
            ]
        })
        .collect();
    let columns = ["Component", "State", "From", "For"].map(ColumnView::new).to_vec();
    view! {
        <Section id="history" title="What it meant">
            <DataTable caption="How its components were" columns rows/>
        </Section>
    }
    .into_any()
}
