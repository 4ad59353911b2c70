//! The post-mortem of an incident: its text beside the timeline, the review, and its action items.

use super::action_items::{ADD, FIELDS, add_fields, lines, read as read_item};
use super::audience::audience;
use super::desk::{Desk, admin};
use super::edit::{Form, id, param, version};
use crate::components::{
    Actions, Button, ButtonLink, Card, Checkbox, Disclosure, EmptyState, Flash, Hidden, PageHeader, Section, TextArea,
};
use crate::context;
use crate::form::{FormData, Submitted};
use crate::pages::public::post_mortem::bar;
use crate::posts::{Post, Posted};
use crate::view::{FlashView, Shape, StateView, Tone, Weight};
use domain::ids::IncidentId;
use domain::incident::IncidentState;
use domain::people::Permission;
use domain::post_mortem::{PostMortem, PostMortemState};
use domain::text::{Prose, Why};
use leptos::prelude::*;
use service::post_mortems::{PostMortemLook, Seen, page_of};
use service::{Error, prose};

const LABELS: [(&str, &str); 8] = [
    ("body", "Text"),
    ("tell_again", "Tell subscribers again"),
    ("why", "What is missing"),
    ("title", "What will be different"),
    ("owner", "Owner"),
    ("user", "Who does it"),
    ("due", "Due"),
    ("link", "Link"),
];

const DONE: [(&str, &str); 7] = [
    ("saved", "Saved."),
    ("told", "Subscribers are told of the text as it is now."),
    ("submitted", "Handed in: a second person reviews it."),
    ("approved", "Reviewed."),
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
    let read = version(&post.form);
    let typed = post.form.get("body").to_owned();
    let is_typed = post.form.has("body")
        && (deed == "save" || post.services.has_changed_text(&post.actor, of, read, &typed).await?);
    if !is_typed {
        // Nobody wrote in it: it follows what others store.
        post.form.remove("body");
        post.form.remove("version");
    }
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let seen = Seen { version: read, text: is_typed.then_some(typed.as_str()) };
    let again = form.has("tell_again");
    let done = match deed.as_str() {
        "save" => {
            let saved = services.write_post_mortem(actor, of, Some(read), &typed, again).await;
            saved.map(|_| if again { "told" } else { "saved" })
        }
        "submit" => services.submit_post_mortem(actor, of, seen).await.map(|_| "submitted"),
        "approve" => services.approve_post_mortem(actor, of, seen).await.map(|_| "approved"),
        "send-back" => services.send_back_post_mortem(actor, of, seen, form.get("why")).await.map(|_| "sent-back"),
        "publish" => services.publish_post_mortem(actor, of, seen).await.map(|_| "published"),
        ADD => services.add_action_item(actor, of, &read_item(form)).await.map(|_| "added"),
        _ => Err(Error::NotFound("page")),
    };
    match done {
        Ok(done) => Ok(go_on(of, &deed, done, post.form)),
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

/// What else was typed stands there still, with what is not stored of it; without any the page is loaded again.
fn go_on(of: IncidentId, deed: &str, done: &str, mut form: FormData) -> Posted {
    let spent: &[&str] = if deed == ADD { &FIELDS } else { &["body", "version", "tell_again", "why"] };
    for name in spent.iter().chain(&["do"]) {
        form.remove(name);
    }
    if form.is_press() {
        let place = if deed == ADD { "#action-items" } else { "" };
        return Posted::Redirect(format!("/admin/incidents/{of}/post-mortem?done={done}{place}"));
    }
    let text = DONE.iter().find(|(code, _)| *code == done).map_or("", |(_, text)| text);
    let rest = if form.has("body") {
        " The text is not saved yet."
    } else if deed == ADD {
        ""
    } else {
        " The action item is not added yet."
    };
    Posted::Shown(Submitted { data: Some(form), ..Submitted::done(format!("{text}{rest}")) })
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
    let text = if writes { editor(look, &form) } else { reading(look) };
    let review = look.post_mortem.as_ref().map(|found| review(desk, look, found, &form));
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
    let all = view! {
        <div class="split is-wide-start">
            <div>{text}</div>
            <div class="stack">{review}{timeline}</div>
        </div>
        {items(desk, look, &form)}
    };
    let all = if writes {
        let version = form.version(look.post_mortem.as_ref().map(|found| found.version).unwrap_or_default());
        // One form: whatever is pressed, what is typed in any of its fields is sent along. Enter in a field adds the
        // action item that it is of.
        view! {
            <form method="post" action=path>
                <button class="vh" type="submit" name="do" value=ADD tabindex="-1" aria-hidden="true">"Add"</button>
                <Hidden name="version" value=version/>
                {all}
            </form>
        }
        .into_any()
    } else {
        all.into_any()
    };
    view! {
        <PageHeader title intro back state>{public}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {context::submitted().done.map(|done| view! { <Flash flash=FlashView::done(done)/> })}
        {form.summary(&LABELS)}
        {all}
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

fn editor(look: &PostMortemLook, form: &Form) -> AnyView {
    let stored = look.post_mortem.as_ref();
    let is_public = stored.is_some_and(|found| found.state == PostMortemState::Published);
    let text = stored.map_or_else(|| look.outline.clone(), |found| found.body.as_str().to_owned());
    let is_typed = form.has("body");
    let body = if is_typed { form.value("body", "") } else { text.clone() };
    let seen = (form.pressed() == "preview").then(|| {
        let html = prose::html(&body);
        view! {
            <Section id="preview" title="As readers will see it">
                <Card><div class="prose" dir="auto" inner_html=html></div></Card>
            </Section>
        }
    });
    let stored_now = form.stored_now("body", &text).filter(|_| is_typed).map(|now| {
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
        let ticked = form.ticked("tell_again", false);
        let audience = audience(&look.audience);
        view! {
            <Checkbox name="tell_again" label="Tell subscribers again" checked=ticked
                error=form.error("tell_again")
                hint="Only where they have to know of the change, once a second person has reviewed it. A mended word is no news."/>
            {audience}
        }
    });
    let insert = (!look.timeline.is_empty()).then(|| {
        view! { <Button small=true name="do" value="timeline" unchecked=true>"Insert the timeline"</Button> }
    });
    let save = if stored.is_some() { "Save" } else { "Save the draft" };
    let error = form.error("body");
    view! {
        <div class="form card">
            <TextArea name="body" label="Text" rows=22 hint=hint value=body error=error
                maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)}/>
            {stored_now}
            {told}
            <Actions>
                <Button weight=Weight::Primary name="do" value="save" unchecked=true>{save}</Button>
                <Button small=true name="do" value="preview" unchecked=true>"Preview"</Button>
                {insert}
            </Actions>
        </div>
        {seen}
    }
    .into_any()
}

/// Where it stands between the one who wrote it and readers, and what this person can do about it.
fn review(desk: &Desk, look: &PostMortemLook, found: &PostMortem, form: &Form) -> AnyView {
    let writes = desk.may(Permission::RunIncidents);
    let post = |label: &'static str, what: &'static str| {
        view! {
            <Actions>
                <Button weight=Weight::Primary name="do" value=what unchecked=true>{label}</Button>
            </Actions>
        }
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
            let (why, wrong) = (form.value("why", ""), form.error("why"));
            let open = form.pressed() == "send-back" || !why.is_empty();
            let send_back = view! {
                <Disclosure label="Send it back" open=open>
                    <div class="stack">
                        <TextArea name="why" label="What is missing" rows=3 value=why error=wrong
                            maxlength={u32::try_from(Why::MAX).unwrap_or(u32::MAX)}/>
                        <Actions><Button name="do" value="send-back" unchecked=true>"Send it back"</Button></Actions>
                    </div>
                </Disclosure>
            };
            let decide = decide(desk, found, view! { {post("It is good", "approve")}{send_back} }.into_any());
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
            let text: String = [published, edited, reviewed].into_iter().flatten().collect();
            let again = review.is_none().then(|| {
                let waits = format!(
                    "Last changed by {author}. The text as it is now was not reviewed: another person, an approver, \
                     reads it before subscribers can be told of it."
                );
                view! { <p class="small" dir="auto">{waits}</p>{decide(desk, found, post("It is good", "approve").into_any())} }
            });
            view! { <Card title="Published"><p class="small" dir="auto">{text}</p>{again}</Card> }.into_any()
        }
    }
}

/// What a second person can press, where this is one.
fn decide(desk: &Desk, found: &PostMortem, buttons: AnyView) -> AnyView {
    if !desk.may(Permission::Approve) {
        ().into_any()
    } else if found.author.is_some() && found.author == desk.actor.user_id() {
        view! { <p class="small muted">"You changed it last: somebody else has to review it."</p> }.into_any()
    } else {
        buttons
    }
}

fn items(desk: &Desk, look: &PostMortemLook, form: &Form) -> AnyView {
    let list = if look.items.is_empty() {
        view! { <p class="muted">"Nothing yet. Each item is public with the post-mortem, and stays so until it is done."</p> }
            .into_any()
    } else {
        let bar = bar(look.progress);
        view! { {bar}{lines(desk, &look.items, look.today, &look.names)} }.into_any()
    };
    let add = desk.may(Permission::RunIncidents).then(|| {
        let is_typed = FIELDS.iter().any(|name| !form.value(name, "").is_empty());
        let open = is_typed || form.pressed() == ADD || look.items.is_empty();
        let fields = add_fields(form, &look.people);
        view! { <Disclosure label="Add an action item" open=open>{fields}</Disclosure> }
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
