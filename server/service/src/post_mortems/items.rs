//! Action items: added and moved on by operators, public with the post-mortem.

use crate::audit::Action;
use crate::inventory::{ListQuery, Page, optional_id, unchanged};
use crate::{Actor, Error, Fields, Services};
use chrono::NaiveDate;
use domain::action_item::{ActionItem, ItemContent, ItemRefusal, ItemState, UnknownItemState};
use domain::drill::Link;
use domain::ids::{ActionItemId, IncidentId, UserId};
use domain::incident::Incident;
use domain::people::Permission;
use domain::text::{Name, Why};
use std::collections::BTreeMap;
use std::str::FromStr;
use storage::Tx;
use storage::action_item::{ActionFilter, ActionLine};

/// Most that the team's page shows at once.
const BOARD: i64 = 1_000;

/// Most of one incident.
const OF_INCIDENT: usize = 100;

/// An action item as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemInput {
    /// One line: what will be different.
    pub title: String,
    /// A team or a role, as customers read it.
    pub owner: String,
    /// Id of who does it; may be empty.
    pub user: String,
    /// The last day for it: `2026-12-31`; may be empty.
    pub due: String,
    /// Where it can be followed; may be empty.
    pub link: String,
}

impl ItemInput {
    /// What is stored, to change a part of it.
    #[must_use]
    pub fn of(stored: &ActionItem) -> Self {
        let content = &stored.content;
        Self {
            title: content.title.to_string(),
            owner: content.owner.to_string(),
            user: content.user.map(|id| id.to_string()).unwrap_or_default(),
            due: content.due.map(|day| day.to_string()).unwrap_or_default(),
            link: content.link.as_ref().map(|link| link.as_str().to_owned()).unwrap_or_default(),
        }
    }

    async fn read(&self, tx: &mut Tx) -> Result<ItemContent, Error> {
        let mut fields = Fields::default();
        let title = fields.take("title", Name::parse(&self.title));
        let owner = fields.take("owner", Name::parse(&self.owner));
        let user = fields.take("user", optional_id::<UserId>(&self.user)).flatten();
        if let Some(user) = user
            && tx.user(user).await.is_err()
        {
            fields.add("user", "Choose one of the list.");
        }
        let due = match self.due.trim() {
            "" => None,
            text => fields.take("due", text.parse::<NaiveDate>().map_err(|_| "Choose a day, written like 2026-12-31.")),
        };
        let link = match self.link.trim() {
            "" => None,
            text => fields.take("link", Link::parse(text)),
        };
        match (title, owner) {
            (Some(title), Some(owner)) if fields.is_empty() => Ok(ItemContent { title, owner, user, due, link }),
            _ => Err(fields.into_error()),
        }
    }
}

/// Which action items are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Those that are not closed.
    #[default]
    Open,
    /// Those of them whose day has passed.
    Overdue,
    /// Those of them that are this person's.
    Mine,
    /// All.
    All,
}

/// Not a choice of action items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Choose one of: open, overdue, mine, all.")]
pub struct UnknownShow;

impl Show {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Overdue, Self::Mine, Self::All];

    /// As sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Mine => "mine",
            Self::All => "all",
        }
    }
}

impl FromStr for Show {
    type Err = UnknownShow;
    fn from_str(text: &str) -> Result<Self, UnknownShow> {
        Self::ALL.into_iter().find(|show| show.as_str() == text.trim()).ok_or(UnknownShow)
    }
}

/// Which action items are asked for, as typed in an address.
#[derive(Clone, Debug, Default)]
pub struct ActionQuery {
    /// One of [`Show`]; `open` where empty.
    pub show: String,
    /// Only those of this incident.
    pub incident: String,
    /// Which part of the list.
    pub list: ListQuery,
}

/// Action items, those whose day comes first first.
#[derive(Clone, Debug)]
pub struct ActionBoard {
    /// Which.
    pub show: Show,
    /// The items.
    pub lines: Vec<ActionLine>,
    /// Today in the site's zone.
    pub today: NaiveDate,
    /// Everybody's name.
    pub names: BTreeMap<UserId, String>,
}

fn action<'a>(verb: &'a str, item: &ActionItem) -> Action<'a> {
    Action { verb, object: "action_item", id: item.id.to_string(), name: item.content.title.to_string() }
}

fn refused(refusal: ItemRefusal) -> Error {
    match refusal {
        ItemRefusal::NoReason => Error::field("why", refusal.to_string()),
        _ => Error::refused(refusal.code(), refusal.to_string()),
    }
}

impl Services {
    /// Action items in the order in which they were added, in pages.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn action_items(&self, actor: &Actor, query: &ActionQuery) -> Result<Page<ActionLine>, Error> {
        actor.require(Permission::View)?;
        let part = query.list.parse()?;
        let mut tx = self.db.read().await?;
        let (_, filter) = self.action_filter(&mut tx, actor, query).await?;
        let found = tx.action_items(filter, part.after.map(ActionItemId), part.fetch()).await?;
        Ok(part.page(found, |line| line.item.id.0))
    }

    /// Action items for the team's page.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn action_board(&self, actor: &Actor, query: &ActionQuery) -> Result<ActionBoard, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let (show, filter) = self.action_filter(&mut tx, actor, query).await?;
        let mut lines = tx.action_items(filter, None, BOARD).await?;
        lines.sort_by_key(|line| {
            (line.item.state.is_closed(), line.item.content.due.is_none(), line.item.content.due, line.item.id)
        });
        let names = tx.users().await?.into_iter().map(|user| (user.id, user.name.to_string())).collect();
        Ok(ActionBoard { show, lines, today: self.today(&mut tx).await?, names })
    }

    async fn action_filter(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        query: &ActionQuery,
    ) -> Result<(Show, ActionFilter), Error> {
        let mut fields = Fields::default();
        let show = match query.show.trim() {
            "" => Some(Show::default()),
            text => fields.take::<Show, UnknownShow>("show", text.parse()),
        };
        let incident = fields.take("incident", optional_id::<IncidentId>(&query.incident));
        if show == Some(Show::Mine) && actor.user_id().is_none() {
            fields.add("show", "A token has no action items of its own.");
        }
        let (Some(show), Some(incident), true) = (show, incident, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        let filter = ActionFilter {
            incident,
            open: show != Show::All,
            overdue_on: match show {
                Show::Overdue => Some(self.today(tx).await?),
                _ => None,
            },
            user: actor.user_id().filter(|_| show == Show::Mine),
        };
        Ok((show, filter))
    }

    /// One action item.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn action_item(&self, actor: &Actor, id: ActionItemId) -> Result<ActionItem, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.action_item(id).await?)
    }

    /// Adds one to an incident, at the end.
    ///
    /// # Errors
    /// Not allowed, no such incident, wrong fields, or the database does not answer.
    pub async fn add_action_item(
        &self,
        actor: &Actor,
        incident: IncidentId,
        input: &ItemInput,
    ) -> Result<ActionItem, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let of = tx.incident(incident).await?;
        let content = input.read(&mut tx).await?;
        let others = tx.action_items_of(incident).await?;
        if others.len() >= OF_INCIDENT {
            return Err(Error::refused("too_many", format!("An incident has at most {OF_INCIDENT} action items.")));
        }
        let now = self.now();
        let item = ActionItem {
            id: self.new_id(),
            incident,
            content,
            state: ItemState::Open,
            why: None,
            position: others.iter().map(|other| other.position).max().unwrap_or_default() + 1,
            created_at: now,
            closed_at: None,
            updated_at: now,
            version: 1,
        };
        tx.insert_action_item(&item).await?;
        self.note_item(tx, actor, "action_item.add", &of, None, Some(&item)).await?;
        Ok(item)
    }

    /// Changes what it is.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_action_item(
        &self,
        actor: &Actor,
        id: ActionItemId,
        version: i64,
        input: &ItemInput,
    ) -> Result<ActionItem, Error> {
        let (mut tx, incident, before) = self.load_item(actor, id, version).await?;
        let content = input.read(&mut tx).await?;
        if content == before.content {
            return Ok(before);
        }
        let mut after = ActionItem { content, updated_at: self.now(), ..before.clone() };
        tx.save_action_item(&after).await?;
        after.version += 1;
        self.note_item(tx, actor, "action_item.edit", &incident, Some(&before), Some(&after)).await?;
        Ok(after)
    }

    /// Moves it to another state; dropping it takes a reason that readers see. When nothing is left to do subscribers
    /// are told, once.
    ///
    /// # Errors
    /// Not allowed, not found, stale, no such state, no reason, it is there already, or the database does not answer.
    pub async fn put_action_item(
        &self,
        actor: &Actor,
        id: ActionItemId,
        version: i64,
        state: &str,
        why: &str,
    ) -> Result<ActionItem, Error> {
        let (mut tx, incident, before) = self.load_item(actor, id, version).await?;
        let mut fields = Fields::default();
        let state = fields.take::<ItemState, UnknownItemState>("state", state.parse());
        let why = match why.trim() {
            "" => None,
            text => fields.take("why", Why::parse(text)),
        };
        let (Some(state), true) = (state, fields.is_empty()) else { return Err(fields.into_error()) };
        let mut after = before.put(self.now(), state, why).map_err(refused)?;
        tx.save_action_item(&after).await?;
        after.version += 1;
        self.tell_end_of_items(&mut tx, &incident).await?;
        self.note_item(tx, actor, "action_item.put", &incident, Some(&before), Some(&after)).await?;
        Ok(after)
    }

    /// Moves it one place up among those of its incident; nothing where it is the first.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn raise_action_item(&self, actor: &Actor, id: ActionItemId, version: i64) -> Result<ActionItem, Error> {
        let (mut tx, incident, before) = self.load_item(actor, id, version).await?;
        let others = tx.action_items_of(incident.id).await?;
        let place = others.iter().position(|other| other.id == id).unwrap_or_default();
        let Some(above) = place.checked_sub(1).and_then(|above| others.get(above)) else { return Ok(before) };
        tx.save_action_item(&ActionItem { position: before.position, ..above.clone() }).await?;
        let mut after = ActionItem { position: above.position, updated_at: self.now(), ..before.clone() };
        tx.save_action_item(&after).await?;
        after.version += 1;
        self.note_item(tx, actor, "action_item.move", &incident, Some(&before), Some(&after)).await?;
        Ok(after)
    }

    /// Deletes one that readers have not seen.
    ///
    /// # Errors
    /// Not allowed, not found, stale, the post-mortem is public, or the database does not answer.
    pub async fn delete_action_item(&self, actor: &Actor, id: ActionItemId, version: i64) -> Result<(), Error> {
        let (mut tx, incident, before) = self.load_item(actor, id, version).await?;
        if tx.post_mortem(incident.id).await?.is_some_and(|post_mortem| post_mortem.published_at.is_some()) {
            return Err(refused(ItemRefusal::Public));
        }
        tx.delete_action_item(id, version).await?;
        self.note_item(tx, actor, "action_item.delete", &incident, Some(&before), None).await
    }

    async fn load_item(
        &self,
        actor: &Actor,
        id: ActionItemId,
        version: i64,
    ) -> Result<(Tx, Incident, ActionItem), Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let item = tx.action_item(id).await?;
        unchanged("action item", item.version, version)?;
        let incident = tx.incident(item.incident).await?;
        Ok((tx, incident, item))
    }

    /// The line of the audit log, and the commit; readers see the change where the post-mortem is public.
    async fn note_item(
        &self,
        mut tx: Tx,
        actor: &Actor,
        verb: &'static str,
        incident: &Incident,
        before: Option<&ActionItem>,
        after: Option<&ActionItem>,
    ) -> Result<(), Error> {
        if let Some(item) = after.or(before) {
            tx.add_audit(&self.audit(actor, action(verb, item), before, after)).await?;
        }
        if tx.post_mortem(incident.id).await?.is_some_and(|post_mortem| post_mortem.published_at.is_some()) {
            tx.announce();
        }
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(())
    }
}
