//! When an incident began and ended: asked back where that is long ago, and mended where it was wrong.

use super::desk::Desk;
use super::edit::{AskedBack, Form, asked_back};
use crate::components::{Actions, Button, Card, Disclosure, Field, Hidden};
use crate::form::FormData;
use domain::incident::Incident;
use domain::time::Instant;
use leptos::prelude::*;
use service::incidents::EditInput;

/// The answer to the question whether it did begin so long ago.
pub(super) const LONG_AGO: &str = "began_long_ago";

/// What a field was filled with: whole seconds. Who leaves it alone moves nothing.
const WAS: &str = "was-";

/// An instant as it is typed, by the clocks of the site.
pub(super) fn local(desk: &Desk, at: Instant) -> String {
    let civil = domain::time::civil(desk.services.zones.as_ref(), &desk.site.zone, at);
    civil.local.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whether it did begin so long ago; nothing where nobody has to ask.
pub(super) fn long_ago(form: &Form) -> AnyView {
    asked_back(
        form,
        LONG_AGO,
        &AskedBack {
            title: "Did it begin so long ago?",
            said: "It is said to have begun more than a day ago.",
            yes: "Yes, the date is right",
            no: "No: mend the date above",
        },
    )
}

/// What was typed of the times; what was left alone is left out.
pub(super) fn typed(form: &FormData) -> EditInput {
    let changed = |name: &str| {
        let is_left = form.get(name) == form.get(&format!("{WAS}{name}"));
        (form.has(name) && !is_left).then(|| form.get(name).to_owned())
    };
    EditInput {
        started_at: changed("started_at"),
        resolved_at: changed("resolved_at"),
        began_long_ago: form.get(LONG_AGO) == "yes",
        ..EditInput::default()
    }
}

/// The form that mends the times of what is published; `form` is its own.
pub(super) fn mend(desk: &Desk, incident: &Incident, form: &Form, lines: usize) -> AnyView {
    let field = |name: &'static str, label: &'static str, at: Instant| {
        let stored = local(desk, at);
        let was_name = format!("{WAS}{name}");
        // What nobody typed follows what others have stored: the next press must not set it back.
        let is_left = form.is_stale() && form.value(name, "") == form.value(&was_name, "");
        let value = if is_left { stored.clone() } else { form.value(name, stored.clone()) };
        let was = form.made_from(&was_name, stored.clone());
        let after = form.stored_now(name, &stored).filter(|_| !is_left);
        let id = format!("mend-{name}");
        view! {
            <Field name id label value error=form.error(name) after required=true/>
            <Hidden name=was_name value=was/>
        }
    };
    let began = field("started_at", "Began", incident.started_at);
    let over = incident.resolved_at.map(|at| field("resolved_at", "Was over", at));
    let (version, lines) = (form.version(incident.version), form.made_from("lines", lines));
    let hint = format!(
        "Local to {}, like 2014-05-15 18:55, or with an offset. The history of its components moves with it, and so do \
         the figures. Reports of closed months stay: correct them by hand.",
        desk.site.zone
    );
    let inner = view! {
        <form class="stack" method="post">
            <Hidden name="version" value=version/>
            <Hidden name="lines" value=lines/>
            <p class="small muted">{hint}</p>
            {began}
            {long_ago(form)}
            {over}
            <Actions><Button name="do" value="times">"Save, tell nobody"</Button></Actions>
        </form>
    }
    .into_any();
    let open = form.came_back();
    view! { <Card><Disclosure label="Mend its times" open>{inner}</Disclosure></Card> }.into_any()
}
