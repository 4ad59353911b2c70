//! Texts to begin messages with.

use super::desk::{Desk, admin};
use super::edit::{Form, id, param, version};
use super::wording;
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, DataTable, EmptyState, Field, Flash, Hidden, PageHeader, Section,
    Select, StateBadge, TextArea,
};
use crate::context;
use crate::form::{FormData, Submitted};
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, Shape, StateView, Tone, Weight};
use domain::ids::TemplateId;
use domain::people::Permission;
use domain::template::{MessageTemplate, Placeholder, TemplateUse};
use domain::text::{Name, Prose};
use leptos::prelude::*;
use service::Error;
use service::templates::TemplateInput;

const LABELS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("used_for", "What it is for"),
    ("title", "Title"),
    ("body", "Text"),
    ("mail_zone", "Time zone"),
];

const DONE: [(&str, &str); 5] = [
    ("added", "The template was added."),
    ("saved", "Saved. Messages that were begun with it stay as they are."),
    ("retired", "The template is not offered any more."),
    ("examples", "Our templates were added. Change them to your own words."),
    ("none", "All of our templates are there already."),
];

/// The form of a template.
const FORM: &str = "template";

/// Takes the forms of all pages below `/admin/templates`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    if matches!(rest, ["new"] | [_]) && form.get("do") == "mail" && rest != ["examples"] {
        let seen = services.preview_template(actor, &input(form), form.get("mail_zone")).await;
        return match seen {
            Ok(specimen) => Ok(Posted::Shown(Submitted {
                data: Some(post.form),
                specimen: Some(Box::new(specimen)),
                ..Submitted::default()
            })),
            Err(error @ Error::Invalid(_)) => Ok(Posted::Again(Submitted::refused(post.form, error))),
            Err(error) => Err(error),
        };
    }
    let read = version(form);
    let to = |id: TemplateId, done: &str| format!("/admin/templates/{id}?done={done}");
    let done = match rest {
        ["new"] => services.add_template(actor, &input(form)).await.map(|added| to(added.id, "added")),
        ["examples"] => services
            .add_example_templates(actor)
            .await
            .map(|count| format!("/admin/templates?done={}", if count == 0 { "none" } else { "examples" })),
        [template] => {
            let template: TemplateId = id(template, "template")?;
            services.edit_template(actor, template, read, &input(form)).await.map(|_| to(template, "saved"))
        }
        [template, "retire"] => {
            let retired = services.retire_template(actor, id(template, "template")?, read).await;
            retired.map(|_| "/admin/templates?done=retired".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn input(form: &FormData) -> TemplateInput {
    TemplateInput {
        name: form.get("name").to_owned(),
        used_for: form.get("used_for").to_owned(),
        title: form.get("title").to_owned(),
        body: form.get("body").to_owned(),
    }
}

/// `/admin/templates`
#[component]
pub fn Templates() -> impl IntoView {
    admin(
        |_| "Templates".to_owned(),
        |desk: Desk| async move { desk.services.templates(&desk.actor, true).await },
        |desk, templates| list(&desk, &templates),
    )
}

fn list(desk: &Desk, templates: &[MessageTemplate]) -> AnyView {
    let edits = desk.may(Permission::Maintain);
    let add = edits.then(|| {
        view! { <ButtonLink href="/admin/templates/new" weight=Weight::Primary>"Add a template"</ButtonLink> }
    });
    let examples = edits.then(|| {
        let action = ActionView::post("Add our examples", "/admin/templates/examples", &[]);
        view! {
            <p class="small muted mt">"Short texts for the usual cases: an announcement with and without an interruption, news, a later end, the end, calling off, and two incidents."</p>
            <Actions><Action action/></Actions>
        }
    });
    let in_use: Vec<&MessageTemplate> = templates.iter().filter(|template| template.retired_at.is_none()).collect();
    let retired: Vec<&MessageTemplate> = templates.iter().filter(|template| template.retired_at.is_some()).collect();
    let content = if in_use.is_empty() {
        view! {
            <EmptyState title="No template yet"
                text="A template is a text to begin with: choose it when you plan work, post an update, extend, finish or call off a window. Placeholders in it follow the window."/>
            {examples}
        }
        .into_any()
    } else {
        TemplateUse::ALL.into_iter().map(|used_for| group(used_for, &in_use)).collect_view().into_any()
    };
    let retired = (!retired.is_empty()).then(|| {
        let rows = retired.into_iter().map(row).collect();
        view! { <Section id="retired" title="Out of use"><DataTable caption="Templates out of use" columns=columns() rows/></Section> }
    });
    view! {
        <PageHeader title="Templates" intro="Texts to begin messages with.">{add}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {content}
        {retired}
    }
    .into_any()
}

fn columns() -> Vec<ColumnView> {
    vec![ColumnView::new("Template"), ColumnView::new("Text")]
}

fn group(used_for: TemplateUse, templates: &[&MessageTemplate]) -> AnyView {
    let rows: Vec<Vec<AnyView>> =
        templates.iter().filter(|template| template.used_for == used_for).map(|template| row(template)).collect();
    if rows.is_empty() {
        return ().into_any();
    }
    view! {
        <Section id=used_for.as_str() title=used_for.text()>
            <DataTable caption=used_for.text() columns=columns() rows/>
        </Section>
    }
    .into_any()
}

fn row(template: &MessageTemplate) -> Vec<AnyView> {
    let (href, name) = (format!("/admin/templates/{}", template.id), template.name.to_string());
    let title = (!template.title.is_empty()).then(|| {
        let title = template.title.clone();
        view! { <strong dir="auto">{title}</strong><br/> }
    });
    let text = beginning(template.body.as_str());
    vec![
        view! { <a href=href><span dir="auto">{name}</span></a> }.into_any(),
        view! { {title}<span class="muted" dir="auto">{text}</span> }.into_any(),
    ]
}

/// As much of a text as fits into a list.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 160;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

/// `/admin/templates/new`
#[component]
pub fn NewTemplate() -> impl IntoView {
    admin(
        |_| "Add a template".to_owned(),
        |desk: Desk| async move { desk.actor.require(Permission::Maintain) },
        |desk, ()| {
            let form = Form::at("/admin/templates/new", "");
            let stored =
                TemplateInput { used_for: TemplateUse::Announce.as_str().to_owned(), ..TemplateInput::default() };
            view! {
                <PageHeader title="Add a template" back=back()/>
                {form.summary(&LABELS)}
                {seen(&desk)}
                <div class="split is-wide-start">
                    <form class="form card" id=FORM method="post">
                        {fields(&form, &stored)}
                        <Actions><Button weight=Weight::Primary>"Add"</Button>{look()}</Actions>
                    </form>
                    {placeholders()}
                </div>
            }
        },
    )
}

fn back() -> (String, String) {
    ("Templates".to_owned(), "/admin/templates".to_owned())
}

fn look() -> AnyView {
    view! { <Button name="do" value="mail" unchecked=true>"Preview the mail"</Button> }.into_any()
}

fn seen(desk: &Desk) -> AnyView {
    wording::specimen(desk, &context::submitted(), FORM, "mail".to_owned())
}

fn fields(form: &Form, stored: &TemplateInput) -> AnyView {
    let chosen = form.value("used_for", stored.used_for.as_str());
    let uses = TemplateUse::ALL
        .into_iter()
        .map(|known| OptionView::new(known.as_str(), known.text()).chosen(known.as_str() == chosen))
        .collect();
    let hint = "Markdown, with placeholders. They are resolved when somebody reads it: the time follows the window.";
    view! {
        <Field name="name" label="Name" value=form.value("name", stored.name.as_str()) error=form.error("name")
            after=form.stored_now("name", &stored.name) hint="Colleagues choose by it." required=true maxlength=120/>
        <Select name="used_for" label="What it is for" options=uses error=form.error("used_for")/>
        <Field name="title" label="Title" value=form.value("title", stored.title.as_str()) error=form.error("title")
            after=form.stored_now("title", &stored.title)
            hint="For announcements and new incidents. It can hold {{components}}, which is written out when it is saved."
            optional=true maxlength={u32::try_from(Name::MAX).unwrap_or(u32::MAX)}/>
        <TextArea name="body" label="Text" rows=10 value=form.value("body", stored.body.as_str())
            error=form.error("body") hint=hint required=true maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)}/>
    }
    .into_any()
}

/// What can stand in a text.
fn placeholders() -> AnyView {
    let rows = Placeholder::ALL
        .into_iter()
        .map(|known| view! { <div><dt><code>{known.written()}</code></dt><dd>{known.meaning()}</dd></div> })
        .collect_view();
    view! {
        <Card title="Placeholders">
            <dl class="facts">{rows}</dl>
            <p class="small muted mt">
                "A message keeps its placeholders: times, duration and components are those of the window when it is read, in the reader's zone. An update keeps the time it told. The reason, and the components in a title, are written out when they are saved. The text of an incident can hold only the components, which are written out. To show one as it stands, put a backslash before it: "
                <code>"\\{{start}}"</code>
            </p>
        </Card>
    }
    .into_any()
}

/// `/admin/templates/ID`, also where one of its forms came back.
#[component]
pub fn TemplatePage() -> impl IntoView {
    let id = param::<TemplateId>("template");
    admin(
        |template: &MessageTemplate| template.name.to_string(),
        |desk: Desk| async move { desk.services.template(&desk.actor, id?).await },
        |desk, template| show(&desk, &template),
    )
}

fn show(desk: &Desk, template: &MessageTemplate) -> AnyView {
    let path = format!("/admin/templates/{}", template.id);
    let (name, version) = (template.name.to_string(), template.version.to_string());
    let edits = desk.may(Permission::Maintain) && template.retired_at.is_none();
    let (form, retire) = (Form::at(&path, ""), Form::at(&format!("{path}/retire"), ""));
    let state = match template.retired_at {
        Some(_) => StateView::new(Tone::Quiet, Shape::Cancelled, "Out of use"),
        None => StateView::new(Tone::Quiet, Shape::Note, template.used_for.text()).plain(),
    };
    let content = if edits {
        let (seen, stored) = (seen(desk), TemplateInput::of(template));
        let action = ActionView::post("Retire", format!("{path}/retire"), &[("version", version.as_str())])
            .weigh(Weight::Danger)
            .about(name.clone());
        view! {
            {seen}
            <div class="split is-wide-start">
                <form class="form card" id=FORM method="post" action=path>
                    {fields(&form, &stored)}
                    <Actions><Button weight=Weight::Primary>"Save"</Button>{look()}</Actions>
                    <Hidden name="version" value=form.version(template.version)/>
                </form>
                <div class="stack">
                    {placeholders()}
                    <Card title="Retire it">
                        <p class="small">"It is not offered any more. Messages that were begun with it stay."</p>
                        <Actions><Action action/></Actions>
                    </Card>
                </div>
            </div>
        }
        .into_any()
    } else {
        let (title, body) = (template.title.clone(), template.body.as_str().to_owned());
        view! {
            <Card title="Text">
                {(!title.is_empty()).then(|| view! { <p><strong dir="auto">{title}</strong></p> })}
                <pre class="mail" tabindex="0" aria-label="Text of the template">{body}</pre>
            </Card>
        }
        .into_any()
    };
    view! {
        <PageHeader title=name back=back()><StateBadge state/></PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        {retire.summary(&[])}
        {content}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_list_shows_the_beginning_of_a_text() {
        assert_eq!(beginning("a\n\n  b"), "a b");
        let long = beginning(&"ü ".repeat(200));
        assert!(long.ends_with('…') && long.chars().count() <= 161, "{long}");
    }
}
