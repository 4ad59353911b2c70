//! Action items: what is done so that incidents do not happen again.

use super::desk::{Desk, admin};
use super::edit::{Form, id, param, part, query, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, DataTable, EmptyState, Field, Flash, Hidden, PageHeader, Pager, Select,
    StateBadge, TextArea,
};
use crate::context;
use crate::form::FormData;
use crate::pages::public::post_mortem::{detail, state};
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, Weight};
use chrono::NaiveDate;
use domain::action_item::{ActionItem, ItemState};
use domain::drill::Link;
use domain::ids::{ActionItemId, UserId};
use domain::people::Permission;
use domain::text::Why;
use leptos::prelude::*;
use service::Error;
use service::post_mortems::{ActionBoard, ActionLine, ActionQuery, ItemInput, PostMortemLook, Show};
use std::collections::BTreeMap;

const LABELS: [(&str, &str); 7] = [
    ("title", "What will be different"),
    ("owner", "Owner"),
    ("user", "Who does it"),
    ("due", "Due"),
    ("link", "Link"),
    ("state", "State"),
    ("why", "Reason"),
];

const DONE: [(&str, &str); 4] = [
    ("saved", "Saved."),
    ("moved", "Moved up."),
    ("put", "Its state was changed."),
    ("deleted", "The action item was deleted."),
];

/// The button that adds one.
pub(super) const ADD: &str = "add-item";

/// The fields of an action item.
pub(super) const FIELDS: [&str; 5] = ["title", "owner", "user", "due", "link"];

/// What a form says of an action item.
pub(super) fn read(form: &FormData) -> ItemInput {
    let text = |name: &str| form.get(name).to_owned();
    ItemInput { title: text("title"), owner: text("owner"), user: text("user"), due: text("due"), link: text("link") }
}

/// Takes what was pressed on the page of an action item.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn post(of: &str, post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let of: ActionItemId = id(of, "action item")?;
    let read_version = version(form);
    let to = |done: &str| format!("/admin/action-items/{of}?done={done}");
    let done = match form.get("do") {
        "save" => services.edit_action_item(actor, of, read_version, &read(form)).await.map(|_| to("saved")),
        "put" => {
            let (state, why) = (form.get("state"), form.get("why"));
            services.put_action_item(actor, of, read_version, state, why).await.map(|_| to("put"))
        }
        "raise" => services.raise_action_item(actor, of, read_version).await.map(|_| to("moved")),
        "delete" => {
            let gone = services.delete_action_item(actor, of, read_version).await;
            gone.map(|()| "/admin/action-items?done=deleted".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

/// `/admin/action-items`
#[component]
pub fn ActionItems() -> impl IntoView {
    admin(
        |_| "Action items".to_owned(),
        |desk: Desk| async move {
            let asked = ActionQuery { show: query().get("show").to_owned(), ..ActionQuery::default() };
            desk.services.action_board(&desk.actor, &asked).await
        },
        |desk, board| list(&desk, board),
    )
}

const fn show_text(show: Show) -> &'static str {
    match show {
        Show::Open => "Not closed",
        Show::Overdue => "Overdue",
        Show::Mine => "Mine",
        Show::All => "All",
    }
}

fn list(desk: &Desk, board: ActionBoard) -> AnyView {
    let show = board.show;
    let options = Show::ALL
        .into_iter()
        .map(|known| OptionView::new(known.as_str(), show_text(known)).chosen(known == show))
        .collect();
    let (today, names) = (board.today, board.names);
    let (shown, pager) = part(board.lines, "/admin/action-items", &[("show", show.as_str())]);
    let content = if shown.is_empty() {
        let text = "They are added to the post-mortem of an incident, and stay public until they are done.";
        view! { <EmptyState title="Nothing is left to do here" text good=true/> }.into_any()
    } else {
        let columns = ["Action item", "Incident", "Who", "State"].map(ColumnView::new).to_vec();
        let rows = shown.iter().map(|line| row(desk, line, today, &names)).collect();
        view! { <DataTable caption="Action items, the next day first" columns rows/> }.into_any()
    };
    view! {
        <PageHeader title="Action items" intro="What is done so that incidents do not happen again."/>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        <form class="filters" method="get">
            <Select name="show" label="Show" options=options/>
            <Button>"Show"</Button>
        </form>
        {content}
        <Pager pager/>
    }
    .into_any()
}

fn row(desk: &Desk, line: &ActionLine, today: NaiveDate, names: &BTreeMap<UserId, String>) -> Vec<AnyView> {
    let item = &line.item;
    let incident = format!("I-{} {}", line.number, line.title);
    let href = format!("/admin/incidents/{}/post-mortem#action-items", item.incident);
    let mut cells = cells(desk, item, today, names);
    cells.insert(1, view! { <a href=href><span dir="auto">{incident}</span></a> }.into_any());
    cells
}

/// An item, who does it, and where it stands.
fn cells(desk: &Desk, item: &ActionItem, today: NaiveDate, names: &BTreeMap<UserId, String>) -> Vec<AnyView> {
    let (href, title) = (format!("/admin/action-items/{}", item.id), item.content.title.to_string());
    let detail = detail(item, today, |at| desk.date(at));
    let who = item.content.user.and_then(|id| names.get(&id).cloned()).unwrap_or_else(|| "—".to_owned());
    vec![
        view! { <a href=href><span dir="auto">{title}</span></a><span class="sub" dir="auto">{detail}</span> }
            .into_any(),
        view! { <span dir="auto">{who}</span> }.into_any(),
        view! { <span class="nowrap"><StateBadge state=state(item, today)/></span> }.into_any(),
    ]
}

/// The items of one incident, in their order.
pub(super) fn lines(desk: &Desk, items: &[ActionItem], today: NaiveDate, names: &BTreeMap<UserId, String>) -> AnyView {
    let columns = ["Action item", "Who", "State"].map(ColumnView::new).to_vec();
    let rows = items.iter().map(|item| cells(desk, item, today, names)).collect();
    view! { <DataTable caption="Action items in the order of the page" columns rows/> }.into_any()
}

/// The fields of an action item.
fn fields(form: &Form, stored: &ItemInput, people: &[(UserId, String)]) -> AnyView {
    let user = form.value("user", stored.user.clone());
    let options = std::iter::once(OptionView::new("", "Nobody yet"))
        .chain(people.iter().map(|(id, name)| {
            let id = id.to_string();
            OptionView::new(id.clone(), name.clone()).chosen(id == user)
        }))
        .collect();
    view! {
        <Field name="title" label="What will be different" value=form.value("title", stored.title.clone())
            error=form.error("title") after=form.stored_now("title", &stored.title) required=true maxlength=120/>
        <Field name="owner" label="Owner" value=form.value("owner", stored.owner.clone()) error=form.error("owner")
            hint="A team or a role, as customers read it." required=true maxlength=120/>
        <div class="fields">
            <Select name="user" label="Who does it" options error=form.error("user")/>
            <Field name="due" label="Due" kind="date" optional=true value=form.value("due", stored.due.clone())
                error=form.error("due")/>
        </div>
        <Field name="link" label="Link" kind="url" optional=true mono=true value=form.value("link", stored.link.clone())
            error=form.error("link") hint="Where it can be followed; customers see it."
            maxlength={u32::try_from(Link::MAX).unwrap_or(u32::MAX)}/>
    }
    .into_any()
}

/// The fields of a new one, in the form of the page; what was typed in them stays where another button was pressed.
pub(super) fn add_fields(form: &Form, people: &[(UserId, String)]) -> AnyView {
    let fields = fields(form, &ItemInput::default(), people);
    view! {
        <div class="form card">
            {fields}
            <Actions><Button name="do" value=ADD>"Add"</Button></Actions>
        </div>
    }
    .into_any()
}

/// `/admin/action-items/ID`
#[component]
pub fn ActionItemPage() -> impl IntoView {
    let id = param::<ActionItemId>("action item");
    admin(
        |(item, _): &(ActionItem, PostMortemLook)| item.content.title.to_string(),
        |desk: Desk| async move {
            let item = desk.services.action_item(&desk.actor, id?).await?;
            let look = desk.services.look_at_post_mortem(&desk.actor, item.incident).await?;
            Ok((item, look))
        },
        |desk, (item, look)| page(&desk, &item, &look),
    )
}

fn page(desk: &Desk, item: &ActionItem, look: &PostMortemLook) -> AnyView {
    let path = format!("/admin/action-items/{}", item.id);
    let form = Form::at(&path, "");
    let may = desk.may(Permission::RunIncidents);
    let about = format!("I-{} {}", look.incident.number, look.incident.title);
    let back = (about, format!("/admin/incidents/{}/post-mortem#action-items", item.incident));
    let intro = detail(item, look.today, |at| desk.date(at));
    let deeds = may.then(|| deeds(item, look, &form.only_if(form.pressed() == "put"), &path));
    let is_edit = form.only_if(form.pressed() == "save");
    let stored = ItemInput::of(item);
    let content = if may {
        let fields = fields(&is_edit, &stored, &look.people);
        let version = is_edit.version(item.version);
        let path = path.clone();
        view! {
            <form class="form card" method="post" action=path>
                {fields}
                <Hidden name="version" value=version/>
                <Actions><Button weight=Weight::Primary name="do" value="save">"Save"</Button></Actions>
            </form>
        }
        .into_any()
    } else {
        let link = stored.link.clone();
        let link = (!link.is_empty()).then(|| view! { <ButtonLink href=link>"Follow it"</ButtonLink> });
        let why = item.why.as_ref().map(|why| why.to_string());
        view! { <Card title="What it is"><p dir="auto">{why}</p><Actions>{link}</Actions></Card> }.into_any()
    };
    view! {
        <PageHeader title=item.content.title.to_string() intro back state=state(item, look.today)/>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        <div class="split is-wide-start">
            <div>{content}</div>
            <div class="stack">{deeds}</div>
        </div>
    }
    .into_any()
}

/// What can be done with it; `form` is that of its state.
fn deeds(item: &ActionItem, look: &PostMortemLook, form: &Form, path: &str) -> AnyView {
    let version = item.version.to_string();
    let chosen = form.value("state", item.state.as_str());
    let states = ItemState::ALL
        .into_iter()
        .map(|known| {
            let mut label = known.text().to_owned();
            if let Some(first) = label.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            OptionView::new(known.as_str(), label).chosen(known.as_str() == chosen)
        })
        .collect();
    let why = form.value("why", item.why.as_ref().map(ToString::to_string).unwrap_or_default());
    let post = |label: &'static str, what: &'static str| {
        ActionView::post(label, path.to_owned(), &[("do", what), ("version", version.as_str())])
            .about(item.content.title.to_string())
    };
    let raise = post("Move it up", "raise");
    let is_public = look.post_mortem.as_ref().is_some_and(|found| found.published_at.is_some());
    let delete = (!is_public).then(|| {
        let action = post("Delete", "delete").weigh(Weight::Danger);
        view! { <Card title="Delete it"><p class="small">"Readers have not seen it."</p><Actions><Action action/></Actions></Card> }
    });
    let (error, wrong) = (form.error("state"), form.error("why"));
    let (to, read) = (path.to_owned(), form.version(item.version));
    view! {
        <Card title="Where it stands">
            <form class="stack" method="post" action=to>
                <Select name="state" label="State" options=states error=error/>
                <TextArea name="why" label="Reason" rows=2 optional=true value=why error=wrong
                    hint="Needed where it is dropped; readers see it." maxlength={u32::try_from(Why::MAX).unwrap_or(u32::MAX)}/>
                <Hidden name="version" value=read/>
                <Actions><Button weight=Weight::Primary name="do" value="put">"Change the state"</Button></Actions>
            </form>
        </Card>
        <Card title="Order"><p class="small">"Readers see action items in this order."</p><Actions><Action action=raise/></Actions></Card>
        {delete}
    }
    .into_any()
}
