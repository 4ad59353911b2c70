//! What helps with words for customers: templates to begin with, their placeholders, and the mail before it is sent.
//!
//! A form that has these buttons says by their values which of several on a page it is: `template:update`,
//! `mail:extend`. Both show the same page again and change nothing that is stored.

use super::desk::Desk;
use super::edit::id;
use crate::components::{Actions, Button, Card, Disclosure, Fact, Facts, Field, Flash, Select};
use crate::form::{FormData, Submitted};
use crate::posts::{Post, Posted};
use crate::view::{FlashView, OptionView, Weight};
use domain::ids::TemplateId;
use domain::people::Permission;
use domain::template::{MessageTemplate, Placeholder, TemplateUse, known};
use leptos::prelude::*;
use service::Error;
use service::maintenance::{Specimen, Words};

/// One of the forms that send something.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What it does, as its button says.
    pub deed: &'static str,
    /// The id of the form.
    pub form: &'static str,
    /// Which templates it offers.
    pub used_for: TemplateUse,
    /// The field of the text.
    pub text: &'static str,
}

/// The scheduling form.
pub const PLAN: Place = Place { deed: "plan", form: "plan", used_for: TemplateUse::Announce, text: "message" };
/// An update of a window.
pub const UPDATE: Place = Place { deed: "update", form: "update-form", used_for: TemplateUse::Progress, text: "body" };
/// A later end.
pub const EXTEND: Place = Place { deed: "extend", form: "extend-form", used_for: TemplateUse::Extend, text: "body" };
/// The end of the work.
pub const COMPLETE: Place =
    Place { deed: "complete", form: "complete-form", used_for: TemplateUse::Finish, text: "body" };
/// The end of the work with lines of its checklist open.
pub const ANYWAY: Place =
    Place { deed: "complete-anyway", form: "complete-anyway-form", used_for: TemplateUse::Finish, text: "body" };
/// Calling it off.
pub const CANCEL: Place = Place { deed: "cancel", form: "cancel-form", used_for: TemplateUse::Cancel, text: "body" };

/// A new incident.
pub const INCIDENT: Place =
    Place { deed: "incident", form: "incident-form", used_for: TemplateUse::Incident, text: "body" };
/// News of an incident.
pub const INCIDENT_UPDATE: Place =
    Place { deed: "incident-update", form: "say-form", used_for: TemplateUse::IncidentUpdate, text: "body" };

/// All of them.
const PLACES: [Place; 8] = [PLAN, UPDATE, EXTEND, COMPLETE, ANYWAY, CANCEL, INCIDENT, INCIDENT_UPDATE];

/// The place that a button with this value stands at: `template:update` of `template`.
#[must_use]
pub fn pressed(form: &FormData, what: &str) -> Option<Place> {
    let (pressed, deed) = form.get("do").split_once(':')?;
    PLACES.into_iter().find(|place| pressed == what && place.deed == deed)
}

/// What was typed for customers to read.
#[must_use]
pub fn words(form: &FormData) -> Words<'_> {
    Words { text: form.get("body"), reason: form.get("reason") }
}

/// Fills the form with the template that was chosen.
///
/// # Errors
/// The actor may not, or there is no such template.
pub async fn begin(mut post: Post, place: Place) -> Result<Posted, Error> {
    let needed = if place.used_for.is_of_incident() { Permission::RunIncidents } else { Permission::Maintain };
    post.actor.require(needed)?;
    post.form.set("do", place.deed);
    let chosen = post.form.get("template").to_owned();
    if chosen.is_empty() {
        return Ok(Posted::Again(Submitted::refused(post.form, Error::field("template", "Choose a template."))));
    }
    let template = post.services.template(&post.actor, id::<TemplateId>(&chosen, "template")?).await?;
    let all = post.services.templates(&post.actor, true).await?;
    let text = template.begun(post.form.get(place.text), &all);
    let title = template.titled(post.form.get("title"), &all);
    let stands = if text == template.body.as_str() { "in the form" } else { "below what you wrote" };
    post.form.set(place.text, &text);
    if !title.is_empty() {
        post.form.set("title", &title);
    }
    let done = Some(format!("The text of “{}” is {stands}. Nothing is sent yet.", template.name));
    Ok(Posted::Shown(Submitted { data: Some(post.form), done, ..Submitted::default() }))
}

/// Shows the page again with the mail, or with what stands against it.
///
/// # Errors
/// Those that can not be mended in the form.
pub fn show(post: Post, place: Place, seen: Result<Specimen, Error>) -> Result<Posted, Error> {
    let Post { mut form, .. } = post;
    form.set("do", place.deed);
    match seen {
        Ok(specimen) => {
            let specimen = Some(Box::new(specimen));
            Ok(Posted::Shown(Submitted { data: Some(form), specimen, ..Submitted::default() }))
        }
        Err(error @ (Error::Invalid(_) | Error::Refused { .. })) => Ok(Posted::Again(Submitted::refused(form, error))),
        Err(error) => Err(error),
    }
}

/// The templates alone, for a text without a window; nothing where there is none.
#[must_use]
pub fn offer(place: Place, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let is_this = form.data.as_ref().is_some_and(|data| data.get("do") == place.deed);
    let chosen = if is_this { form.value("template", "") } else { String::new() };
    let options = choices(place, templates, &chosen);
    (options.len() > 1)
        .then(|| {
            let error = form.error("template").filter(|_| is_this);
            view! {
                <div class="template-row">
                    <Select name="template" label="Template" id=format!("{}-template", place.deed) options error/>
                    <Button name="do" value=format!("template:{}", place.deed) unchecked=true>"Fill in the text"</Button>
                </div>
            }
        })
        .into_any()
}

/// The templates of a place, to choose from.
fn choices(place: Place, templates: &[MessageTemplate], chosen: &str) -> Vec<OptionView> {
    std::iter::once(OptionView::new("", "Choose one"))
        .chain(templates.iter().filter(|template| template.used_for == place.used_for).map(|template| {
            let id = template.id.to_string();
            OptionView::new(id.clone(), template.name.to_string()).chosen(id == chosen)
        }))
        .collect()
}

/// Templates and the reason, folded until they are used.
#[must_use]
pub fn aids(place: Place, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let is_this = form.data.as_ref().is_some_and(|data| place.deed == PLAN.deed || data.get("do") == place.deed);
    let typed = |name: &str| if is_this { form.value(name, "") } else { String::new() };
    let wrong = |name: &str| form.error(name).filter(|_| is_this);
    let chosen = typed("template");
    let options = choices(place, templates, &chosen);
    let offer = if options.len() > 1 {
        view! {
            <Select name="template" label="Template" id=format!("{}-template", place.deed) options
                error=wrong("template")/>
            <Actions>
                <Button small=true name="do" value=format!("template:{}", place.deed) unchecked=true>
                    "Fill in the text"
                </Button>
            </Actions>
        }
        .into_any()
    } else {
        view! { <p class="small muted">"There is no template for this yet."</p> }.into_any()
    };
    let asks_reason = typed(place.text).contains(&Placeholder::Reason.written());
    let open = asks_reason || wrong("reason").is_some() || wrong("template").is_some();
    let hint = format!("Stands where the text has {}.", Placeholder::Reason.written());
    let inner = view! {
        <div class="stack">
            {offer}
            <Field name="reason" label="Reason" id=format!("{}-reason", place.deed) hint optional=true
                value=typed("reason") error=wrong("reason")/>
            <p class="small muted">
                {format!("Placeholders: {}. Times are written for each reader, in their zone. ", known())}
                <a href="/admin/templates">"All templates"</a>
            </p>
        </div>
    }
    .into_any();
    view! { <Disclosure label="Templates and placeholders" open=open>{inner}</Disclosure> }.into_any()
}

/// Shows the mail that the form would send.
#[must_use]
pub fn look(place: Place) -> AnyView {
    view! {
        <Button weight=Weight::Quiet name="do" value=format!("mail:{}", place.deed) unchecked=true>
            "Preview the mail"
        </Button>
    }
    .into_any()
}

/// The mail, where one was asked for; `form` is the one that it would be sent by.
#[must_use]
pub fn specimen(desk: &Desk, submitted: &Submitted, form: &'static str, again: String) -> AnyView {
    let Some(seen) = &submitted.specimen else { return ().into_any() };
    crate::context::shows_mail();
    let blocked = seen.blocked.then(|| {
        let text = "The gate stands against it at this moment. This is the mail that goes once the backups are confirmed; \
                    it then has a line about them.";
        view! { <Flash flash=FlashView::warning("Not sent yet", text)/> }
    });
    let letter = seen.letter.clone();
    let zones = desk
        .zones(&seen.zone)
        .into_iter()
        .map(|zone| view! { <option value=zone.value selected=zone.chosen>{zone.label}</option> })
        .collect_view();
    let attachments = letter.attachments.join(", ");
    view! {
        <section class="section specimen" aria-labelledby="specimen">
            <div class="section-head"><h2 id="specimen">"The mail as it would be sent"</h2></div>
            {blocked}
            <Card>
                <Facts>
                    <Fact label="From"><span dir="auto">{letter.from}</span></Fact>
                    <Fact label="Subject"><span dir="auto">{letter.subject}</span></Fact>
                    <Fact label="Attachments">{attachments}</Fact>
                </Facts>
                <div class="field mt">
                    <label for="mail-zone">"Times for a reader in"</label>
                    <select class="input" id="mail-zone" name="mail_zone" form=form>{zones}</select>
                </div>
                <Actions>
                    <Button small=true form=form name="do" value=again unchecked=true>"Show it in this zone"</Button>
                </Actions>
            </Card>
            <div class="letters">
                <Card flush=true>
                    <h3 class="letter-head">"Plain text"</h3>
                    <pre class="mail" tabindex="0" aria-label="Plain text of the mail">{letter.text}</pre>
                </Card>
                <Card flush=true>
                    <h3 class="letter-head">"HTML"</h3>
                    <iframe class="letter" title="The mail as HTML" sandbox="" srcdoc=letter.html></iframe>
                </Card>
            </div>
        </section>
    }
    .into_any()
}

/// The form that came back; the scheduling form where it is none of the others.
#[must_use]
pub fn used(form: &Submitted) -> Place {
    let deed = form.data.as_ref().map_or("", |data| data.get("do"));
    PLACES.into_iter().find(|place| place.deed == deed).unwrap_or(PLAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_says_what_it_does_and_where_it_stands() {
        let form = FormData::parse(b"do=template:extend");
        assert_eq!(pressed(&form, "template").map(|place| place.form), Some("extend-form"));
        assert!(pressed(&form, "mail").is_none());
        for other in ["do=extend", "do=template:nothing", "do=request:1", ""] {
            assert!(pressed(&FormData::parse(other.as_bytes()), "template").is_none(), "{other}");
        }
    }
}
