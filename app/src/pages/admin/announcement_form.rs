//! The form of an announcement: for a new one, and for one that is stored.

use super::desk::{Desk, admin};
use super::edit::{Form, id, param, version};
use crate::components::{
    Actions, Button, ButtonLink, Card, Checkbox, Choices, Disclosure, Fact, Facts, Field, Hidden, PageHeader, Picker,
    Question, Section, Select, TextArea,
};
use crate::form::{FormData, Submitted};
use crate::posts::{Post, Posted};
use crate::view::{OptionGroupView, OptionView, Weight};
use domain::announcement::{AnnouncementState, Category};
use domain::ids::{AnnouncementId, ComponentId};
use domain::people::Permission;
use domain::text::{Prose, Slug};
use leptos::prelude::*;
use service::announcements::{AnnouncementInput, AnnouncementLook};
use service::maintenance::input::{fold_choices, fold_name};
use service::{Error, prose};
use std::collections::BTreeMap;

const LABELS: [(&str, &str); 8] = [
    ("title", "Title"),
    ("body", "Text"),
    ("category", "Kind"),
    ("components", "What it concerns"),
    ("slug", "Address"),
    ("banner_until", "End of the banner"),
    ("banner_fold", "End of the banner"),
    ("zone", "Time zone"),
];

fn read(form: &FormData) -> AnnouncementInput {
    let text = |name: &str| form.get(name).to_owned();
    AnnouncementInput {
        title: text("title"),
        slug: text("slug"),
        body: text("body"),
        category: text("category"),
        components: form.all("components").map(ToOwned::to_owned).collect(),
        pinned: form.has("pinned"),
        tells: form.has("tells"),
        zone: text("zone"),
        banner_until: text("banner_until"),
        banner_fold: text("banner_fold"),
    }
}

/// The same page with what was typed, to look at it.
fn preview(post: Post) -> Result<Posted, Error> {
    post.actor.require(Permission::Maintain)?;
    Ok(Posted::Shown(Submitted { data: Some(post.form), ..Submitted::default() }))
}

/// Takes the form of a new announcement.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn post_new(post: Post) -> Result<Posted, Error> {
    if post.form.get("do") == "preview" {
        return preview(post);
    }
    let drafted = post.services.draft_announcement(&post.actor, &read(&post.form)).await;
    post.done(drafted.map(|a| format!("/admin/announcements/{}?done=drafted", a.id)))
}

/// Takes the form of a stored announcement.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn post_edit(of: &str, post: Post) -> Result<Posted, Error> {
    let of: AnnouncementId = id(of, "announcement")?;
    if post.form.get("do") == "preview" {
        return preview(post);
    }
    let again = post.form.has("tell_again");
    let edited = post.services.edit_announcement(&post.actor, of, version(&post.form), &read(&post.form), again).await;
    let done = if again { "told" } else { "saved" };
    post.done(edited.map(|a| format!("/admin/announcements/{}?done={done}", a.id)))
}

/// `/admin/announcements/new`
#[component]
pub fn NewAnnouncement() -> impl IntoView {
    admin(
        |_| "Write an announcement".to_owned(),
        |desk: Desk| async move { desk.services.announcement_choices(&desk.actor).await },
        |desk, components| {
            let stored = AnnouncementInput {
                category: Category::Announcement.as_str().to_owned(),
                tells: true,
                zone: desk.site.zone.clone(),
                ..AnnouncementInput::default()
            };
            let back = ("Announcements".to_owned(), "/admin/announcements".to_owned());
            let form = form(&desk, "/admin/announcements/new", &stored, None, &components);
            view! {
                <PageHeader title="Write an announcement" back
                    intro="It stays a draft until you publish it: on the next page you see who is told."/>
                {form}
            }
        },
    )
}

/// `/admin/announcements/ID/edit`
#[component]
pub fn EditAnnouncement() -> impl IntoView {
    let id = param::<AnnouncementId>("announcement");
    admin(
        |look: &AnnouncementLook| format!("Edit {}", look.announcement.content.title),
        |desk: Desk| async move {
            desk.actor.require(Permission::Maintain)?;
            desk.services.look_at_announcement(&desk.actor, id?).await
        },
        |desk, look| {
            let a = &look.announcement;
            let path = format!("/admin/announcements/{}", a.id);
            let stored = AnnouncementInput::of(a);
            let form =
                form(&desk, &format!("{path}/edit"), &stored, Some((a.version, a.state, &look)), &look.components);
            view! {
                <PageHeader title=format!("Edit “{}”", a.content.title) back=(a.content.title.to_string(), path)/>
                {form}
            }
        },
    )
}

type Stored<'a> = (i64, AnnouncementState, &'a AnnouncementLook);

fn form(
    desk: &Desk,
    path: &str,
    stored: &AnnouncementInput,
    about: Option<Stored<'_>>,
    components: &BTreeMap<ComponentId, String>,
) -> AnyView {
    let form = Form::at(path, "");
    let is_public = about.is_some_and(|(_, state, _)| state == AnnouncementState::Published);
    let category = form.value("category", stored.category.clone());
    let kinds = Category::ALL
        .into_iter()
        .map(|kind| OptionView::new(kind.as_str(), kind.text()).hint(kind.hint()).chosen(kind.as_str() == category))
        .collect();
    let tick = |name: &str, stored: bool| form.chosen(name, "on", stored);
    let body = form.value("body", stored.body.clone());
    let seen = (form.value("do", "") == "preview").then(|| seen(&form.value("title", ""), &body));
    let zone = form.value("zone", stored.zone.clone());
    let banner = form.value("banner_until", stored.banner_until.clone());
    let question = twice(desk, &form, &zone, &banner, ("banner_fold", &stored.banner_fold));
    let address = (!is_public).then(|| {
        view! {
            <Field name="slug" label="Address" mono=true optional=true value=form.value("slug", stored.slug.clone())
                error=form.error("slug") hint="After /announcements/. Made from the title where it is empty; it stays once it is public."
                maxlength={u32::try_from(Slug::MAX).unwrap_or(u32::MAX)}/>
        }
    });
    let told = if is_public {
        let audience = about.map(|(.., look)| super::audience::audience(&look.audience));
        view! {
            <Checkbox name="tell_again" label="Tell subscribers again" checked=tick("tell_again", false)
                hint="Only where they have to know of the change. A mended word is no news."/>
            {audience}
            // It was told, or not, when it was published.
            {stored.tells.then(|| view! { <Hidden name="tells" value="on"/> })}
        }
        .into_any()
    } else {
        view! {
            <Checkbox name="tells" label="Tell subscribers when it is published" checked=tick("tells", stored.tells)
                hint="Those who want announcements, and follow what it concerns."/>
        }
        .into_any()
    };
    let hint = "Markdown: *emphasis*, **strong**, lists, links, tables. Pictures are left out.";
    let cancel = about.map(|(.., look)| {
        let href = format!("/admin/announcements/{}", look.announcement.id);
        view! { <ButtonLink href>"Back without saving"</ButtonLink> }
    });
    let save = if about.is_some() { "Save" } else { "Save the draft" };
    view! {
        {form.summary(&LABELS)}
        {seen}
        <form class="form card" method="post" action=path.to_owned()>
            {about.map(|(version, ..)| view! { <Hidden name="version" value=form.version(version)/> })}
            <Field name="title" label="Title" value=form.value("title", stored.title.clone()) error=form.error("title")
                after=form.stored_now("title", &stored.title) required=true maxlength=120/>
            <Choices name="category" legend="Kind" options=kinds error=form.error("category")/>
            <TextArea name="body" label="Text" rows=12 hint=hint value=body error=form.error("body")
                maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)}/>
            {form.is_stale().then(|| stored_now(stored, components))}
            <Actions><Button small=true name="do" value="preview" unchecked=true>"Preview"</Button></Actions>
            {picker(&form, &stored.components, components)}
            {address}
            <fieldset class="fieldset">
                <legend>"Where it stands"</legend>
                <Checkbox name="pinned" label="Pin it to the front page" checked=tick("pinned", stored.pinned)
                    hint="Else it stands there for 30 days, among the three newest."/>
                <div class="fields">
                    <Field name="banner_until" label="On top of all pages until" kind="datetime-local" optional=true
                        value=banner error=form.error("banner_until").or(form.error("banner_fold"))/>
                    <Select name="zone" label="Time zone" options=desk.zones(&zone) error=form.error("zone")/>
                </div>
                {question}
            </fieldset>
            {told}
            <Actions>
                <Button weight=Weight::Primary name="do" value="save">{save}</Button>
                {cancel}
            </Actions>
        </form>
    }
    .into_any()
}

/// What somebody else stored meanwhile, beside what was typed.
fn stored_now(stored: &AnnouncementInput, components: &BTreeMap<ComponentId, String>) -> AnyView {
    let kind = Category::ALL.into_iter().find(|kind| kind.as_str() == stored.category).map_or("", Category::text);
    let mut names: Vec<&str> = components
        .iter()
        .filter(|(id, _)| stored.components.contains(&id.to_string()))
        .map(|(_, name)| name.as_str())
        .collect();
    names.sort_unstable();
    let concerns = if names.is_empty() { "The whole site".to_owned() } else { names.join(", ") };
    let (pinned, told) = (yes(stored.pinned), yes(stored.tells));
    let banner = match stored.banner_until.as_str() {
        "" => "no".to_owned(),
        until => format!("until {until}, {}", stored.zone),
    };
    let (slug, body) = (stored.slug.clone(), stored.body.clone());
    view! {
        <Disclosure label="What is stored now" open=true>
            <pre class="mail" tabindex="0" aria-label="Stored text">{body}</pre>
            <Facts>
                <Fact label="Kind">{kind}</Fact>
                <Fact label="Concerns"><span dir="auto">{concerns}</span></Fact>
                <Fact label="Address"><span class="mono">{slug}</span></Fact>
                <Fact label="Pinned">{pinned}</Fact>
                <Fact label="On top of all pages">{banner}</Fact>
                <Fact label="Subscribers are told">{told}</Fact>
            </Facts>
        </Disclosure>
    }
    .into_any()
}

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn seen(title: &str, body: &str) -> AnyView {
    let (title, html) = (title.to_owned(), prose::html(body));
    view! {
        <Section id="preview" title="As readers will see it">
            <Card>
                <h3 dir="auto">{title}</h3>
                <div class="prose mt" dir="auto" inner_html=html></div>
            </Card>
        </Section>
    }
    .into_any()
}

fn picker(form: &Form, stored: &[String], components: &BTreeMap<ComponentId, String>) -> AnyView {
    let mut names: Vec<(&String, String)> = components.iter().map(|(id, name)| (name, id.to_string())).collect();
    names.sort();
    let options = names
        .into_iter()
        .map(|(name, id)| {
            let chosen = form.chosen("components", &id, stored.contains(&id));
            OptionView::new(id, name.clone()).chosen(chosen)
        })
        .collect();
    let groups = vec![OptionGroupView { label: "Components".to_owned(), name: "components".to_owned(), options }];
    view! {
        <Picker id="components" legend="What it concerns" groups error=form.error("components")
            hint="Those who follow one of these are told. Nothing chosen is the whole site."/>
    }
    .into_any()
}

/// Asks which of two instants is meant, where a local time exists twice; `stored` is the choice that was made.
pub(super) fn twice(
    desk: &Desk,
    form: &Form,
    zone: &str,
    local: &str,
    (name, stored): (&'static str, &str),
) -> AnyView {
    let Some(choices) = fold_choices(desk.services.zones.as_ref(), zone, local) else { return ().into_any() };
    let chosen = form.value(name, stored);
    let options = choices
        .into_iter()
        .map(|choice| {
            let value = fold_name(choice.fold);
            OptionView::new(value, choice.text).chosen(value == chosen)
        })
        .collect();
    let text = "The clocks go back that night, and show this time twice. Say which one you mean.";
    view! { <Question title="This time exists twice" text=text name=name options/> }.into_any()
}
