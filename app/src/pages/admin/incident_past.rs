//! Entering an incident that is over.

use super::desk::{Desk, admin};
use super::edit::Form;
use super::incident_cause;
use super::incident_form::{LABELS, Shown, picker, public_states, severities, states};
use crate::components::{Actions, Button, Disclosure, Field, PageHeader, Select, TextArea};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::Weight;
use domain::incident::IncidentState;
use domain::text::Name;
use leptos::prelude::*;
use service::Error;
use service::incidents::{BackfillInput, PastUpdateInput};

/// Updates that can be entered after the fact beside the one that resolved it.
const PAST_UPDATES: usize = 4;

/// Takes the form for an incident that is over.
///
/// # Errors
/// What can not be mended in the form.
pub async fn take(post: Post) -> Result<Posted, Error> {
    let form = &post.form;
    let field = |name: &str, n: usize| form.get(&format!("{name}-{n}")).to_owned();
    let updates = (0..PAST_UPDATES)
        .map(|n| PastUpdateInput {
            at: field("at", n),
            state: field("state", n),
            body: field("body", n),
            components: vec![],
        })
        .filter(|update| !(update.at.trim().is_empty() && update.body.trim().is_empty()))
        .collect();
    let input = BackfillInput {
        title: form.get("title").to_owned(),
        severity: form.get("severity").to_owned(),
        components: states(form),
        started_at: form.get("started_at").to_owned(),
        resolved_at: form.get("resolved_at").to_owned(),
        maintenance: form.get("maintenance").to_owned(),
        updates,
        body: form.get("body").to_owned(),
    };
    let entered = post.services.enter_past_incident(&post.actor, None, &input).await;
    post.done(entered.map(|incident| format!("/admin/incidents/{}?done=backfilled", incident.id)))
}

/// `/admin/incidents/backfill`
#[component]
pub fn BackfillIncident() -> impl IntoView {
    let form = context::submitted();
    admin(
        |_| "Enter a past incident".to_owned(),
        |desk: Desk| async move { Shown::open(&desk, None, form, FormData::default()).await },
        |desk, shown| backfill(&desk, &shown),
    )
}

fn backfill(desk: &Desk, shown: &Shown) -> AnyView {
    let form = Form::at("/admin/incidents/backfill", "");
    let hint = format!("Local to {}, like 2014-05-15 18:55, or with an offset.", desk.site.zone);
    let updates = (0..PAST_UPDATES).map(|n| past_update(&form, n)).collect_view();
    let open =
        form.error("updates").is_some() || (0..PAST_UPDATES).any(|n| !form.value(&format!("body-{n}"), "").is_empty());
    let severity = form.value("severity", "");
    let updates_error = form.error("updates").map(|error| view! { <p class="error">{error}</p> });
    view! {
        <PageHeader title="Enter a past incident" back=("Incidents".to_owned(), "/admin/incidents".to_owned())
            intro="For what is over and was never told here. It is marked as entered afterwards, and nobody is told."/>
        {form.summary(&LABELS)}
        <form class="form card" method="post">
            <Field name="title" label="Title" value=form.value("title", "") error=form.error("title") required=true
                maxlength={u32::try_from(Name::MAX).unwrap_or(u32::MAX)}/>
            <div class="fields">
                <Field name="started_at" label="Began" value=form.value("started_at", "") error=form.error("started_at")
                    hint=hint.clone() required=true/>
                <Field name="resolved_at" label="Was over" value=form.value("resolved_at", "")
                    error=form.error("resolved_at") hint required=true/>
            </div>
            {picker(&shown.choices, &shown.chosen, &[], form.error("components"))}
            <Select name="severity" label="Severity" options=severities(&severity) error=form.error("severity")/>
            {incident_cause::choice(&shown.causes, &form.value("maintenance", ""), form.error("maintenance"), incident_cause::CHOSEN)}
            <Disclosure label="What was said meanwhile" open><div class="stack" id="updates">{updates}{updates_error}</div></Disclosure>
            <TextArea name="body" label="What customers read of its end" rows=4 value=form.value("body", "")
                error=form.error("body") hint="Markdown." required=true/>
            <Actions><Button weight=Weight::Primary>"Enter it"</Button></Actions>
        </form>
    }
    .into_any()
}

fn past_update(form: &Form, n: usize) -> AnyView {
    let name = |field: &str| format!("{field}-{n}");
    let chosen = form.value(&name("state"), IncidentState::Investigating.as_str());
    let options = public_states(&chosen).into_iter().filter(|o| o.value != IncidentState::Resolved.as_str()).collect();
    let (at, state, body) = (name("at"), name("state"), name("body"));
    let (typed_at, typed_body) = (form.value(&at, ""), form.value(&body, ""));
    view! {
        <fieldset class="stack">
            <legend class="small">{format!("Update {}", n + 1)}</legend>
            <div class="fields">
                <Field name=at label="When" value=typed_at optional=true/>
                <Select name=state label="State" options/>
            </div>
            <TextArea name=body label="Text" rows=2 value=typed_body optional=true/>
        </fieldset>
    }
    .into_any()
}
