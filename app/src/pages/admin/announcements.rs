//! Announcements: the list, and each with what can be done about it.

use super::announcement_form::twice;
use super::audience::audience;
use super::desk::{Desk, admin};
use super::edit::{Form, id, param, query, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, DataTable, Disclosure, EmptyState, Fact, Facts, Field, Flash, Hidden,
    PageHeader, Pager, Section, Select, StateBadge, TextArea, TimeRange,
};
use crate::context;
use crate::form::encode;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, PagerView, StateView, Weight};
use domain::announcement::{Announcement, AnnouncementState};
use domain::ids::AnnouncementId;
use domain::people::Permission;
use domain::text::Why;
use leptos::prelude::*;
use service::announcements::{AnnouncementLook, AnnouncementsQuery, WhenInput, page_of};
use service::inventory::{ListQuery, Page};
use service::maintenance::input::{fold_name, local_text};
use service::{Error, prose};

const LABELS: [(&str, &str); 6] = [
    ("publish_at", "When"),
    ("publish_fold", "When"),
    ("zone", "Time zone"),
    ("why", "Reason"),
    ("body", "Text"),
    ("banner_until", "End of the banner"),
];

const DONE: [(&str, &str); 8] = [
    ("drafted", "Saved as a draft: nobody outside sees it yet."),
    ("saved", "Saved."),
    ("told", "Saved, and subscribers are told."),
    ("published", "Published."),
    ("scheduled", "Scheduled: it becomes public by itself."),
    ("unscheduled", "It is a draft again."),
    ("withdrawn", "Withdrawn: its address says so."),
    ("deleted", "The draft was deleted."),
];

/// Takes what was pressed on the page of an announcement.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn post(of: &str, post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let of: AnnouncementId = id(of, "announcement")?;
    let read = version(form);
    let to = |done: &str| format!("/admin/announcements/{of}?done={done}");
    let done = match form.get("do") {
        "publish" => services.publish_announcement(actor, of, read).await.map(|_| to("published")),
        "schedule" => {
            let text = |name: &str| form.get(name).to_owned();
            let when = WhenInput { zone: text("zone"), at: text("publish_at"), fold: text("publish_fold") };
            services.schedule_announcement(actor, of, read, &when).await.map(|_| to("scheduled"))
        }
        "unschedule" => services.unschedule_announcement(actor, of, read).await.map(|_| to("unscheduled")),
        "withdraw" => {
            let gone = services.withdraw_announcement(actor, of, read, form.get("why")).await;
            gone.map(|_| to("withdrawn"))
        }
        "delete" => {
            let gone = services.delete_announcement(actor, of, read).await;
            gone.map(|()| "/admin/announcements?done=deleted".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// `/admin/announcements`
#[component]
pub fn Announcements() -> impl IntoView {
    admin(
        |_| "Announcements".to_owned(),
        |desk: Desk| async move {
            let query = query();
            let list = ListQuery { cursor: query.get("cursor").to_owned(), ..ListQuery::default() };
            let asked = AnnouncementsQuery { state: query.get("state").to_owned(), list };
            desk.services.announcements(&desk.actor, &asked).await
        },
        |desk, page| list(&desk, &page),
    )
}

fn list(desk: &Desk, page: &Page<Announcement>) -> AnyView {
    let may = desk.may(Permission::Maintain);
    let new = may.then(|| {
        view! { <ButtonLink href="/admin/announcements/new" weight=Weight::Primary>"Write an announcement"</ButtonLink> }
    });
    let query = query();
    let (state, cursor) = (query.get("state").to_owned(), query.get("cursor").to_owned());
    let states = std::iter::once(OptionView::new("", "All"))
        .chain(AnnouncementState::ALL.into_iter().map(|known| {
            let chosen = known.as_str() == state;
            OptionView::new(known.as_str(), StateView::from(known).label).chosen(chosen)
        }))
        .collect();
    let is_filtered = !state.is_empty() || !cursor.is_empty();
    let filter = (is_filtered || !page.items.is_empty()).then(|| {
        view! {
            <form class="filters" method="get">
                <Select name="state" label="State" options=states/>
                <Button>"Show"</Button>
            </form>
        }
    });
    let content = if page.items.is_empty() {
        let text = "News, changes, security notes and changed terms: on the public page, in the archive, and by mail to those who want them.";
        let title = if is_filtered { "Nothing here" } else { "No announcement yet" };
        view! { <EmptyState title text/> }.into_any()
    } else {
        let columns = ["Announcement", "State", "Kind", "Where it stands"].map(ColumnView::new).to_vec();
        let rows = page.items.iter().map(|a| row(desk, a)).collect();
        view! { <DataTable caption="Announcements, the newest first" columns rows/> }.into_any()
    };
    let at = |cursor: &str| format!("/admin/announcements?state={}{cursor}", encode(&state));
    let pager = PagerView {
        text: format!("{} on this page", page.items.len()),
        previous: (!cursor.is_empty()).then(|| at("")),
        next: page.next_cursor.as_ref().map(|next| at(&format!("&cursor={next}"))),
    };
    view! {
        <PageHeader title="Announcements" intro="What customers are told beside incidents and maintenance.">{new}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {filter}
        {content}
        <Pager pager/>
    }
    .into_any()
}

fn row(desk: &Desk, a: &Announcement) -> Vec<AnyView> {
    let (href, title) = (format!("/admin/announcements/{}", a.id), a.content.title.to_string());
    let when = match a.state {
        AnnouncementState::Draft => Some(("Begun", a.created_at)),
        AnnouncementState::Scheduled => a.publish.as_ref().map(|publish| ("Publishes", publish.at)),
        AnnouncementState::Published => a.published_at.map(|at| ("Published", at)),
        AnnouncementState::Withdrawn => a.withdrawn_at.map(|at| ("Withdrawn", at)),
    };
    let when = when.map(|(what, at)| view! { <span class="sub">{format!("{what} {}", desk.instant(at).text)}</span> });
    let banner = a.banner_until(desk.now).map(|until| format!("On top of all pages until {}", desk.short(until)));
    let pinned = (a.content.pinned && a.state == AnnouncementState::Published).then(|| "Pinned".to_owned());
    let places: Vec<String> = pinned.into_iter().chain(banner).collect();
    vec![
        view! { <a href=href><span dir="auto">{title}</span></a>{when} }.into_any(),
        view! { <span class="nowrap"><StateBadge state=StateView::from(a.state)/></span> }.into_any(),
        view! { <span class="nowrap">{a.content.category.text()}</span> }.into_any(),
        if places.is_empty() { "–".into_any() } else { places.join(". ").into_any() },
    ]
}

/// `/admin/announcements/ID`
#[component]
pub fn AnnouncementPage() -> impl IntoView {
    let id = param::<AnnouncementId>("announcement");
    admin(
        |look: &AnnouncementLook| look.announcement.content.title.to_string(),
        |desk: Desk| async move { desk.services.look_at_announcement(&desk.actor, id?).await },
        |desk, look| page(&desk, &look),
    )
}

fn page(desk: &Desk, look: &AnnouncementLook) -> AnyView {
    let a = &look.announcement;
    let path = format!("/admin/announcements/{}", a.id);
    let form = Form::at(&path, "");
    let may = desk.may(Permission::Maintain);
    let edits = may && a.state != AnnouncementState::Withdrawn;
    let edit = edits.then(|| view! { <ButtonLink href=format!("{path}/edit")>"Edit"</ButtonLink> });
    let public =
        a.published_at.is_some().then(|| view! { <ButtonLink href=page_of(a)>"See the public page"</ButtonLink> });
    let html = prose::html(a.content.body.as_str());
    let text = if html.is_empty() {
        view! { <p class="muted">"There is no text yet."</p> }.into_any()
    } else {
        view! { <div class="prose" dir="auto" inner_html=html></div> }.into_any()
    };
    let deeds = may.then(|| deeds(desk, look, &form, &path));
    let back = ("Announcements".to_owned(), "/admin/announcements".to_owned());
    view! {
        <PageHeader title=a.content.title.to_string() back state=StateView::from(a.state)>{edit}{public}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        <div class="split is-wide-start">
            <div>
                <Card title="As readers see it">{text}</Card>
                {versions(desk, look)}
            </div>
            <div class="stack">
                {glance(desk, look)}
                {deeds}
            </div>
        </div>
    }
    .into_any()
}

fn glance(desk: &Desk, look: &AnnouncementLook) -> AnyView {
    let a = &look.announcement;
    let content = &a.content;
    let time = |label: &'static str, at| {
        let when = desk.instant(at);
        view! { <Fact label><TimeRange when stacked=true/></Fact> }
    };
    let names: Vec<String> = content.components.iter().filter_map(|id| look.components.get(id).cloned()).collect();
    let concerns = if names.is_empty() { "The whole site".to_owned() } else { names.join(", ") };
    let publish = a.publish.as_ref().map(|publish| time("Becomes public", publish.at));
    let banner = content.banner.as_ref().map(|until| time("On top of all pages until", until.at));
    let withdrawn = a.withdrawn_at.map(|at| time("Withdrawn", at));
    let why = a.withdrawn_why.as_ref().map(|why| why.to_string());
    let why = why.map(|why| view! { <Fact label="Why"><span dir="auto">{why}</span></Fact> });
    let published = a.published_at.map(|at| time("Published", at));
    let edited = a.edited_at.map(|at| time("Changed", at));
    let (kind, address, author) = (content.category.text(), page_of(a), look.author.clone());
    let front = if content.pinned { "Pinned" } else { "For 30 days at most" };
    view! {
        <Card title="At a glance">
            <Facts>
                <Fact label="Kind">{kind}</Fact>
                <Fact label="Concerns"><span dir="auto">{concerns}</span></Fact>
                <Fact label="Address"><code>{address}</code></Fact>
                {publish}
                {published}
                {edited}
                {withdrawn}
                {why}
                {banner}
                <Fact label="On the front page">{front}</Fact>
                <Fact label="Written by"><span dir="auto">{author}</span></Fact>
            </Facts>
        </Card>
    }
    .into_any()
}

fn deeds(desk: &Desk, look: &AnnouncementLook, form: &Form, path: &str) -> AnyView {
    let a = &look.announcement;
    let version = a.version.to_string();
    let post = |label: &'static str, what: &'static str| {
        ActionView::post(label, path.to_owned(), &[("do", what), ("version", version.as_str())])
            .about(a.content.title.to_string())
    };
    let told = if a.content.tells {
        audience(&look.audience)
    } else {
        view! { <p class="muted">"Nobody is told by mail: that is how it was written."</p> }.into_any()
    };
    let delete = || {
        let action = post("Delete", "delete").weigh(Weight::Danger);
        view! { <Card title="Delete it"><p class="small">"Nobody outside has seen it."</p><Actions><Action action/></Actions></Card> }
    };
    match a.state {
        AnnouncementState::Draft => {
            let now = post("Publish now", "publish").weigh(Weight::Primary);
            let (later, open) = (schedule(desk, a, form, path), form.came_back());
            view! {
                <Card title="Publish it">
                    {told}
                    <Actions><Action action=now/></Actions>
                    <Disclosure label="At a time" open=open>{later}</Disclosure>
                </Card>
                {delete()}
            }
            .into_any()
        }
        AnnouncementState::Scheduled => {
            let (now, unschedule) = (post("Publish now", "publish"), post("Make it a draft again", "unschedule"));
            let (later, open) = (schedule(desk, a, form, path), form.came_back());
            view! {
                <Card title="It becomes public by itself">
                    {told}
                    <Actions><Action action=now/><Action action=unschedule/></Actions>
                    <Disclosure label="At another time" open=open>{later}</Disclosure>
                </Card>
                {delete()}
            }
            .into_any()
        }
        AnnouncementState::Published => {
            let (path, why, wrong) = (path.to_owned(), form.value("why", ""), form.error("why"));
            let read = form.version(a.version);
            view! {
                <Card title="Withdraw it">
                    <form class="stack" method="post" action=path>
                        <p class="small">"Its address says that it was withdrawn, and why. Its text is shown no more."</p>
                        <TextArea name="why" label="Reason" optional=true rows=2 value=why error=wrong
                            maxlength={u32::try_from(Why::MAX).unwrap_or(u32::MAX)}/>
                        <Hidden name="version" value=read/>
                        <Actions><Button weight=Weight::Danger name="do" value="withdraw">"Withdraw"</Button></Actions>
                    </form>
                </Card>
            }
            .into_any()
        }
        AnnouncementState::Withdrawn => {
            let again = post("Publish it again", "publish");
            view! {
                <Card title="Publish it again">
                    <p class="small">"With the date that it had. Nobody is told."</p>
                    <Actions><Action action=again/></Actions>
                </Card>
            }
            .into_any()
        }
    }
}

/// When it becomes public by itself.
fn schedule(desk: &Desk, a: &Announcement, form: &Form, path: &str) -> AnyView {
    let publish = a.publish.as_ref();
    let zone = form.value("zone", a.content.zone.clone());
    let local = form.value("publish_at", publish.map(|publish| local_text(publish.local)).unwrap_or_default());
    let fold = publish.and_then(|publish| publish.fold).map(fold_name).unwrap_or_default();
    let question = twice(desk, form, &zone, &local, ("publish_fold", fold));
    view! {
        <form class="stack" method="post" action=path.to_owned()>
            <Field name="publish_at" label="When" kind="datetime-local" required=true value=local
                error=form.error("publish_at").or(form.error("publish_fold"))/>
            {question}
            <Select name="zone" label="Time zone" options=desk.zones(&zone) error=form.error("zone")/>
            <Hidden name="version" value=form.version(a.version)/>
            <Actions><Button name="do" value="schedule">"Schedule"</Button></Actions>
        </form>
    }
    .into_any()
}

fn versions(desk: &Desk, look: &AnnouncementLook) -> AnyView {
    if look.versions.is_empty() {
        return ().into_any();
    }
    let one = |(old, by): &(service::announcements::AnnouncementVersion, String)| {
        let (title, body) = (old.title.to_string(), old.body.as_str().to_owned());
        let label = format!("Until {}, changed by {by}", desk.instant(old.replaced_at).text);
        view! {
            <Disclosure label>
                <p><strong dir="auto">{title}</strong></p>
                <pre class="mail" tabindex="0" aria-label="Earlier text">{body}</pre>
            </Disclosure>
        }
    };
    let versions = look.versions.iter().map(one).collect_view();
    view! { <Section id="versions" title="What it said before">{versions}</Section> }.into_any()
}
