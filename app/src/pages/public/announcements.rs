//! `/announcements`: what customers are told beside incidents and windows, by month and by kind; and each at its
//! address.

use super::history::{address, first_of};
use super::{Head, Reader, words};
use crate::components::{
    Actions, ButtonLink, Card, EmptyState, Fact, Facts, Flash, LogList, PublicLayout, Section, Title,
};
use crate::context::{load, param, services};
use crate::view::{FlashView, LogView, Shape, StateView, Tone};
use chrono::NaiveDate;
use domain::announcement::{AnnouncementState, Category};
use leptos::prelude::*;
use leptos_meta::Meta;
use service::announcements::{Archive, PublicAnnouncement, page_of};
use service::{Error, prose};

/// Characters of a text in previews and search results.
const DESCRIPTION: usize = 200;

/// `/announcements`, of a kind, of a month, or both
#[component]
pub fn Announcements() -> impl IntoView {
    let services = services();
    let (category, month) = (param("category"), param("month"));
    let loading = services.clone();
    let find = async move {
        let category = match category.as_str() {
            "" => None,
            // Each kind has one address.
            text => {
                Some(Category::ALL.into_iter().find(|known| known.as_str() == text).ok_or(Error::NotFound("page"))?)
            }
        };
        let month = match month.as_str() {
            "" => None,
            text => Some(first_of(text).ok_or(Error::NotFound("month"))?),
        };
        loading.announcement_archive(category, month).await
    };
    load(find, move |archive| {
        let reader = Reader::new(&services, &archive.site);
        reader.keep(None);
        show(&reader, &archive)
    })
}

fn path_of(category: Option<Category>, month: Option<NaiveDate>) -> String {
    match (category, month) {
        (None, None) => "/announcements".to_owned(),
        (None, Some(month)) => format!("/announcements/month/{}", address(month)),
        (Some(category), None) => format!("/announcements/category/{}", category.as_str()),
        (Some(category), Some(month)) => {
            format!("/announcements/category/{}/{}", category.as_str(), address(month))
        }
    }
}

const fn heading(category: Option<Category>) -> &'static str {
    match category {
        None | Some(Category::Announcement) => "Announcements",
        Some(Category::Changelog) => "Changelog",
        Some(Category::Security) => "Security",
        Some(Category::Policy) => "Policies",
    }
}

fn show(reader: &Reader, archive: &Archive) -> AnyView {
    let (category, month) = (archive.category, archive.month);
    let site = reader.site();
    let heading = heading(category);
    let name = month.map(|month| month.format("%B %Y").to_string());
    let title = name.as_ref().map_or_else(|| heading.to_owned(), |name| format!("{heading}, {name}"));
    let entries: Vec<LogView> = archive.announcements.iter().map(|one| entry(reader, one)).collect();
    let list = if entries.is_empty() {
        let text = "When there is something to tell, it stands here.";
        view! { <EmptyState title="Nothing here yet" text good=true/> }.into_any()
    } else {
        view! { <Section id="list" title=name.unwrap_or_else(|| "Newest".to_owned())><LogList entries/></Section> }
            .into_any()
    };
    let neighbour = |month: NaiveDate, is_earlier: bool| {
        let href = reader.link(&path_of(category, Some(month)));
        let label = month.format("%B %Y").to_string();
        let label = if is_earlier { format!("← {label}") } else { format!("{label} →") };
        view! { <ButtonLink href small=true>{label}</ButtonLink> }
    };
    let pager = (archive.earlier.is_some() || archive.later.is_some()).then(|| {
        let earlier = archive.earlier.map(|month| neighbour(month, true));
        let later = archive.later.map(|month| neighbour(month, false));
        view! { <nav class="pager" aria-label="Months"><span>{earlier}</span><span>{later}</span></nav> }
    });
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    let kinds = kinds(reader, category);
    view! {
        <Head title=format!("{title} – {site} status") path=path_of(category, month)
            description=format!("{title} of {site}.")/>
        <PublicLayout frame>
            <Title title lead="What is new, and what is going to change." back/>
            {kinds}
            {list}
            {pager}
        </PublicLayout>
    }
    .into_any()
}

/// The way to each kind.
fn kinds(reader: &Reader, chosen: Option<Category>) -> AnyView {
    let kinds = std::iter::once(None).chain(Category::ALL.into_iter().map(Some));
    let link = |kind: Option<Category>| {
        let (href, label) = (reader.link(&path_of(kind, None)), kind.map_or("All", Category::text));
        view! { <li><a href=href aria-current=(kind == chosen).then_some("true")>{label}</a></li> }
    };
    view! { <nav aria-label="Kinds"><ul class="kinds">{kinds.map(link).collect_view()}</ul></nav> }.into_any()
}

/// An announcement in a list.
fn entry(reader: &Reader, one: &PublicAnnouncement) -> LogView {
    let a = &one.announcement;
    let published = a.published_at.unwrap_or(a.created_at);
    let (mut html, more) = prose::first_paragraph(a.content.body.as_str());
    if let Some(open) = html.trim_end().strip_suffix("</p>").filter(|_| more) {
        html = format!("{open} …</p>");
    }
    let state = StateView::from(a.content.category);
    let pinned = if a.content.pinned { " · Pinned" } else { "" };
    LogView {
        anchor: None,
        date: reader.day_text(published),
        title: a.content.title.to_string(),
        href: reader.link(&page_of(a)),
        when: reader.clock(published),
        learned: String::new(),
        html,
        state: state.plain().labelled(format!("{}{pinned}", a.content.category.text())),
        components: one.components.clone(),
    }
}

/// What stands on the front page: what is pinned, then the newest. Nothing where there is none.
pub(super) fn front(reader: &Reader, announcements: &[PublicAnnouncement]) -> AnyView {
    if announcements.is_empty() {
        return ().into_any();
    }
    let entries: Vec<LogView> = announcements.iter().map(|one| entry(reader, one)).collect();
    let more = ("All announcements".to_owned(), reader.link("/announcements"));
    view! { <Section id="announcements" title="Announcements" more=more><LogList entries/></Section> }.into_any()
}

/// `/announcements/{slug}`
#[component]
pub fn OneAnnouncement() -> impl IntoView {
    let services = services();
    let slug = param("slug");
    let loading = services.clone();
    load(async move { loading.public_announcement(&slug).await }, move |(site, one)| {
        let reader = Reader::new(&services, &site);
        reader.keep(None);
        page(&reader, &one)
    })
}

fn page(reader: &Reader, one: &PublicAnnouncement) -> AnyView {
    let a = &one.announcement;
    let site = reader.site();
    let is_withdrawn = a.state == AnnouncementState::Withdrawn;
    let published = a.published_at.unwrap_or(a.created_at);
    let title = a.content.title.to_string();
    let (state, text, description) = if is_withdrawn {
        let when = reader.short(a.withdrawn_at.unwrap_or(a.updated_at));
        let why = a.withdrawn_why.as_ref().map(|why| format!(" {why}")).unwrap_or_default();
        let flash =
            FlashView { tone: Tone::Quiet, title: String::new(), text: format!("We withdrew this on {when}.{why}") };
        let content = view! { <Meta name="robots" content="noindex"/><Flash flash/> }.into_any();
        (StateView::new(Tone::Quiet, Shape::Cancelled, "Withdrawn"), content, "Withdrawn.".to_owned())
    } else {
        let html = prose::html(a.content.body.as_str());
        let content =
            view! { <h2 class="vh">"Text"</h2><div class="prose" dir="auto" inner_html=html></div> }.into_any();
        let description = prose::beginning(a.content.body.as_str(), DESCRIPTION);
        (StateView::from(a.content.category), content, description)
    };
    let edited = a.edited_at.filter(|_| !is_withdrawn).map(|at| words::time_fact("Changed", reader.brief(at)));
    let components = one.components.join(", ");
    let concerns =
        (!components.is_empty()).then(|| view! { <Fact label="Concerns"><span dir="auto">{components}</span></Fact> });
    let kind = a.content.category;
    let of_kind = reader.link(&path_of(Some(kind), None));
    let (frame, back) = (reader.frame(), ("Announcements".to_owned(), reader.link("/announcements")));
    let (when, subscribe) = (words::time_fact("Published", reader.instant(published)), reader.link("/subscribe"));
    view! {
        <Head title=format!("{title} – {site} status") path=page_of(a) description/>
        <PublicLayout frame>
            <Title title back state/>
            <div class="split is-wide-start">
                <div>{text}</div>
                <aside>
                    <Card title="At a glance">
                        <Facts>
                            {when}
                            {edited}
                            {concerns}
                            <Fact label="Kind"><a href=of_kind>{kind.text()}</a></Fact>
                        </Facts>
                        <Actions><ButtonLink href=subscribe>"Subscribe"</ButtonLink></Actions>
                    </Card>
                </aside>
            </div>
        </PublicLayout>
    }
    .into_any()
}
