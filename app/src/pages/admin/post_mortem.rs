//! The post-mortem of an incident: its text beside the timeline, the review, and its action items.

use super::action_items::{add_form, lines, read as read_item};
use super::audience::audience;
use super::desk::{Desk, admin};
use super::edit::{Form, id, param, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, Disclosure, EmptyState, Flash, Hidden, PageHeader, Section,
    TextArea,
};
use crate::context;
use crate::form::Submitted;
use crate::pages::public::post_mortem::bar;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, FlashView, Shape, StateView, Tone, Weight};
use domain::ids::IncidentId;
use domain::incident::IncidentState;
use domain::people::Permission;
use domain::post_mortem::{PostMortem, PostMortemState};
use domain::text::{Prose, Why};
use leptos::prelude::*;
use service::post_mortems::{PostMortemLook, page_of};
use service::{Error, prose};

const LABELS: [(&str, &str); 7] = [
    ("body", "Text"),
    ("why", "What is missing"),
    ("title", "What will be different"),
    ("owner", "Owner"),
    ("user", "Who does it"),
    ("due", "Due"),
    ("link", "Link"),
];

const DONE: [(&str, &str); 7] = [
    ("saved", "Saved."),
    ("told", "Saved, and subscribers are told."),
    ("submitted", "Handed in: a second person reviews it."),
    ("approved", "Reviewed: it can be published."),
    ("sent-back", "Sent back to who wrote it."),
    ("published", "Published."),
    ("added", "The action item was added."),
];

/// Takes what was pressed on the page.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn post(of: &str, mut post: Post) -> Result<Posted, Error> {
    let of: IncidentId = id(of, "incident")?;
    let deed = post.form.get("do").to_owned();
    if matches!(deed.as_str(), "preview" | "timeline") {
        post.actor.require(Permission::RunIncidents)?;
        if deed == "timeline" {
            let timeline = post.services.look_at_post_mortem(&post.actor, of).await?.timeline;
            let body = format!("{}\n\n{timeline}\n", post.form.get("body").trim_end());
            post.form.set("body", body.trim_start());
        }
        return Ok(Posted::Shown(Submitted { data: Some(post.form), ..Submitted::default() }));
    }
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let read = version(form);
    let to = |done: &str| format!("/admin/incidents/{of}/post-mortem?done={done}");
    let done = match deed.as_str() {
        "save" => {
            let again = form.has("tell_again");
            let saved = services.write_post_mortem(actor, of, Some(read), form.get("body"), again).await;
            saved.map(|_| to(if again { "told" } else { "saved" }))
        }
        "submit" => services.submit_post_mortem(actor, of, read).await.map(|_| to("submitted")),
        "approve" => services.approve_post_mortem(actor, of, read).await.map(|_| to("approved")),
        "send-back" => services.send_back_post_mortem(actor, of, read, form.get("why")).await.map(|_| to("sent-back")),
        "publish" => services.publish_post_mortem(actor, of, read).await.map(|_| to("published")),
        "add-item" => {
            services.add_action_item(actor, of, &read_item(form)).await.map(|_| format!("{}#action-items", to("added")))
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// `/admin/incidents/ID/post-mortem`
#[component]
pub fn PostMortemPage() -> impl IntoView {
    let id = param::<IncidentId>("incident");
    admin(
        |look: &PostMortemLook| format!("Post-mortem of I-{}", look.incident.number),
        |desk: Desk| async move { desk.services.look_at_post_mortem(&desk.actor, id?).await },
        |desk, look| page(&desk, &look),
    )
}

/// The form of one of the deeds: it has what was typed only if it is the one that came back.
fn came_back(form: &Form, deeds: &[&str]) -> bool {
    deeds.contains(&form.value("do", "").as_str())
}

fn page(desk: &Desk, look: &PostMortemLook) -> AnyView {
    let path = format!("/admin/incidents/{}/post-mortem", look.incident.id);
    let form = Form::at(&path, "");
    let writes = desk.may(Permission::RunIncidents);
    let state = match &look.post_mortem {
        None => StateView::new(Tone::Quiet, Shape::Draft, "Not begun"),
        Some(found) if found.state == PostMortemState::InReview && found.review.is_some() => {
            StateView::new(Tone::Work, Shape::Ok, "Reviewed")
        }
        Some(found) => found.state.into(),
    };
    let public = look.post_mortem.as_ref().filter(|found| found.published_at.is_some()).map(|_| {
        let href = page_of(look.incident.id);
        view! { <ButtonLink href>"See the public page"</ButtonLink> }
    });
    let text = if writes { editor(look, &form, &path) } else { reading(look) };
    let review = look.post_mortem.as_ref().map(|found| review(desk, look, found, &form, &path));
    let (timeline, has_said) = (look.timeline.clone(), !look.timeline.is_empty());
    let timeline = has_said.then(|| {
        view! {
            <Card title="Timeline">
                <p class="small muted">"What was said in public, as Markdown."</p>
                <pre class="mail" tabindex="0" aria-label="Timeline as Markdown">{timeline}</pre>
            </Card>
        }
    });
    let title = format!("Post-mortem of I-{}", look.incident.number);
    let intro = look.incident.title.to_string();
    let back = (
        format!("I-{} {}", look.incident.number, look.incident.title),
        format!("/admin/incidents/{}", look.incident.id),
    );
    view! {
        <PageHeader title intro back state>{public}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        <div class="split is-wide-start">
            <div>{text}</div>
            <div class="stack">{review}{timeline}</div>
        </div>
        {items(desk, look, &form, &path)}
        {versions(desk, look)}
    }
    .into_any()
}

fn reading(look: &PostMortemLook) -> AnyView {
    let html = look.post_mortem.as_ref().map(|found| prose::html(found.body.as_str())).unwrap_or_default();
    if html.is_empty() {
        let text = "Somebody who runs incidents can begin it here.";
        return view! { <EmptyState title="No post-mortem yet" text/> }.into_any();
    }
    view! { <Card><div class="prose" dir="auto" inner_html=html></div></Card> }.into_any()
}

fn editor(look: &PostMortemLook, form: &Form, path: &str) -> AnyView {
    let stored = look.post_mortem.as_ref();
    let is_public = stored.is_some_and(|found| found.state == PostMortemState::Published);
    let text = stored.map_or_else(|| look.outline.clone(), |found| found.body.as_str().to_owned());
    let is_this = came_back(form, &["save", "preview", "timeline"]);
    let body = if is_this { form.value("body", text.clone()) } else { text.clone() };
    let seen = (is_this && form.value("do", "") == "preview").then(|| {
        let html = prose::html(&body);
        view! {
            <Section id="preview" title="As readers will see it">
                <Card><div class="prose" dir="auto" inner_html=html></div></Card>
            </Section>
        }
    });
    let stored_now = form.stored_now("body", &text).filter(|_| is_this).map(|now| {
        view! { <Disclosure label="What is stored now" open=true><pre class="mail" tabindex="0" aria-label="Stored text">{now}</pre></Disclosure> }
    });
    let hint = match stored {
        None => "It begins with all sections and the timeline: change it to your own words. Markdown.",
        Some(found) if found.review.is_some() && !is_public => {
            "It was reviewed as it is: a change has to be reviewed again. Markdown."
        }
        Some(_) => "Markdown: *emphasis*, **strong**, lists, links, tables.",
    };
    let told = is_public.then(|| {
        let ticked = is_this && form.chosen("tell_again", "on", false);
        let audience = audience(&look.audience);
        view! {
            <Checkbox name="tell_again" label="Tell subscribers again" checked=ticked
                hint="Only where they have to know of the change. A mended word is no news."/>
            {audience}
        }
    });
    let insert = (!look.timeline.is_empty()).then(|| {
        view! { <Button small=true name="do" value="timeline" unchecked=true>"Insert the timeline"</Button> }
    });
    let version = form.only_if(is_this).version(stored.map(|found| found.version).unwrap_or_default());
    let save = if stored.is_some() { "Save" } else { "Save the draft" };
    let error = form.error("body");
    view! {
        <form class="form card" method="post" action=path.to_owned()>
            <TextArea name="body" label="Text" rows=22 hint=hint value=body error=error
                maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)}/>
            {stored_now}
            {told}
            <Hidden name="version" value=version/>
            <Actions>
                <Button weight=Weight::Primary name="do" value="save">{save}</Button>
                <Button small=true name="do" value="preview" unchecked=true>"Preview"</Button>
                {insert}
            </Actions>
        </form>
        {seen}
    }
    .into_any()
}

/// Where it stands between the one who wrote it and readers, and what this person can do about it.
fn review(desk: &Desk, look: &PostMortemLook, found: &PostMortem, form: &Form, path: &str) -> AnyView {
    let version = found.version.to_string();
    let writes = desk.may(Permission::RunIncidents);
    let post = |label: &'static str, what: &'static str| {
        let action = ActionView::post(label, path.to_owned(), &[("do", what), ("version", version.as_str())]);
        let action = action.weigh(Weight::Primary);
        view! { <Actions><Action action/></Actions> }
    };
    let author = look.name(found.author);
    let when = |at| desk.instant(at).text;
    match (found.state, found.review) {
        (PostMortemState::Draft, _) => {
            let note = found.sent_back.as_ref().map(|note| {
                let title = format!("{} sent it back, {}", look.name(Some(note.by)), when(note.at));
                view! { <Flash flash=FlashView::warning(title, note.why.to_string())/> }
            });
            let submit = writes.then(|| post("Hand in for review", "submit"));
            view! {
                <Card title="Review">
                    {note}
                    <p class="small">"A second person, an approver who did not change the text last, reads it before customers do."</p>
                    {submit}
                </Card>
            }
            .into_any()
        }
        (PostMortemState::InReview, None) => {
            let is_mine = found.author.is_some() && found.author == desk.actor.user_id();
            let decide = if !desk.may(Permission::Approve) {
                ().into_any()
            } else if is_mine {
                view! { <p class="small muted">"You changed it last: somebody else has to review it."</p> }.into_any()
            } else {
                let (approve, why, wrong) = (post("It is good", "approve"), form.value("why", ""), form.error("why"));
                let path = path.to_owned();
                let open = came_back(form, &["send-back"]);
                let read = form.only_if(open).version(found.version);
                view! {
                    {approve}
                    <Disclosure label="Send it back" open=open>
                        <form class="stack" method="post" action=path>
                            <TextArea name="why" label="What is missing" rows=3 required=true value=why error=wrong
                                maxlength={u32::try_from(Why::MAX).unwrap_or(u32::MAX)}/>
                            <Hidden name="version" value=read/>
                            <Actions><Button name="do" value="send-back">"Send it back"</Button></Actions>
                        </form>
                    </Disclosure>
                }
                .into_any()
            };
            let waits = format!("Last changed by {author}. It waits for another person, an approver, to read it.");
            view! { <Card title="Review"><p class="small" dir="auto">{waits}</p>{decide}</Card> }.into_any()
        }
        (PostMortemState::InReview, Some(review)) => {
            let reviewed = format!("Reviewed by {}, {}.", look.name(Some(review.by)), when(review.at));
            let is_over = look.incident.state == IncidentState::Resolved;
            let publish = (writes && is_over).then(|| post("Publish", "publish"));
            let waits =
                (!is_over).then(|| view! { <p class="small">"It can be published when the incident is resolved."</p> });
            let told = audience(&look.audience);
            view! { <Card title="Publish it"><p class="small" dir="auto">{reviewed}</p>{told}{waits}{publish}</Card> }
                .into_any()
        }
        (PostMortemState::Published, review) => {
            let published = found.published_at.map(|at| format!("Published {}.", when(at)));
            let edited = found.edited_at.map(|at| format!(" Changed {}.", when(at)));
            let reviewed = review.map(|review| format!(" Reviewed by {}.", look.name(Some(review.by))));
            let text: String = [published, reviewed, edited].into_iter().flatten().collect();
            view! { <Card title="Published"><p class="small" dir="auto">{text}</p></Card> }.into_any()
        }
    }
}

fn items(desk: &Desk, look: &PostMortemLook, form: &Form, path: &str) -> AnyView {
    let list = if look.items.is_empty() {
        view! { <p class="muted">"Nothing yet. Each item is public with the post-mortem, and stays so until it is done."</p> }
            .into_any()
    } else {
        let bar = bar(look.progress);
        view! { {bar}{lines(desk, &look.items, look.today, &look.names)} }.into_any()
    };
    let add = desk.may(Permission::RunIncidents).then(|| {
        let open = came_back(form, &["add-item"]) || look.items.is_empty();
        let form = add_form(form, open && came_back(form, &["add-item"]), path, &look.people);
        view! { <Disclosure label="Add an action item" open=open>{form}</Disclosure> }
    });
    view! { <Section id="action-items" title="Action items">{list}<div class="mt">{add}</div></Section> }.into_any()
}

fn versions(desk: &Desk, look: &PostMortemLook) -> AnyView {
    if look.versions.is_empty() {
        return ().into_any();
    }
    let versions = look
        .versions
        .iter()
        .map(|old| {
            let by = look.name(old.replaced_by);
            let public = if old.was_public { ", public" } else { "" };
            let label =
                format!("Until {}{public}, changed by {by}", desk.instant(old.replaced_at).text);
            let body = old.body.as_str().to_owned();
            view! { <Disclosure label><pre class="mail" tabindex="0" aria-label="Earlier text">{body}</pre></Disclosure> }
        })
        .collect_view();
    view! { <Section id="versions" title="Earlier texts">{versions}</Section> }.into_any()
}
