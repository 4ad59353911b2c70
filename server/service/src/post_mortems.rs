//! Post-mortems: written with the incident's timeline at hand, reviewed by a second person, told to subscribers in
//! the transaction that publishes them.

mod items;
mod public;
mod seen;

pub use items::{ActionBoard, ActionQuery, ItemInput, Show};
pub use public::{PostMortemNote, PublicPostMortem};
pub use seen::Seen;
pub use storage::action_item::ActionLine;
pub use storage::post_mortem::{PostMortemLine, PostMortemVersion};

use crate::audit::Action;
use crate::inventory::unchanged;
use crate::tell::Post;
use crate::{Actor, Error, Services};
use chrono::NaiveDate;
use domain::action_item::{ActionItem, Progress, end_is_news};
use domain::ids::{ComponentId, IncidentId, UserId};
use domain::incident::{Incident, IncidentState, IncidentUpdate};
use domain::people::Permission;
use domain::post_mortem::{PostMortem, PostMortemRefusal, PostMortemState, Said, outline, timeline};
use domain::site::Site;
use domain::subscriber::{Audience, Topic};
use domain::text::{Name, Prose, Why};
use domain::time::{civil, format_short};
use std::collections::BTreeMap;
use storage::Tx;
use storage::action_item::ActionFilter;
use uuid::Uuid;

/// Most that wait for somebody, in one list.
const FEW: i64 = 50;

/// An incident with all that the team's page of its post-mortem shows.
#[derive(Clone, Debug)]
pub struct PostMortemLook {
    /// The incident.
    pub incident: Incident,
    /// Its post-mortem, once it was begun.
    pub post_mortem: Option<PostMortem>,
    /// A text to begin with: all sections, with the timeline.
    pub outline: String,
    /// The timeline alone, in Markdown.
    pub timeline: String,
    /// Its action items, in the order of the page.
    pub items: Vec<ActionItem>,
    /// How far these are.
    pub progress: Progress,
    /// Today in the site's zone.
    pub today: NaiveDate,
    /// Who is told when it is published.
    pub audience: Audience,
    /// Texts that were replaced, the newest first.
    pub versions: Vec<PostMortemVersion>,
    /// Everybody's name.
    pub names: BTreeMap<UserId, String>,
    /// Those who may be asked to do something.
    pub people: Vec<(UserId, String)>,
}

impl PostMortemLook {
    /// The name of who did something.
    #[must_use]
    pub fn name(&self, of: Option<UserId>) -> String {
        of.and_then(|id| self.names.get(&id).cloned()).unwrap_or_else(|| "Fermata".to_owned())
    }
}

/// What waits for somebody after an incident.
#[derive(Clone, Debug, Default)]
pub struct AfterNeeds {
    /// Texts that this person may review.
    pub to_review: Vec<PostMortemLine>,
    /// Texts that were reviewed and can be published.
    pub to_publish: Vec<PostMortemLine>,
    /// Action items whose day has passed.
    pub overdue: Vec<ActionLine>,
    /// Today in the site's zone.
    pub today: NaiveDate,
}

/// The public page of a post-mortem.
#[must_use]
pub fn page_of(incident: IncidentId) -> String {
    format!("/incidents/{incident}/post-mortem")
}

fn action<'a>(verb: &'a str, incident: &Incident) -> Action<'a> {
    let name = format!("{} {}", incident.reference(), incident.title);
    Action { verb, object: "post_mortem", id: incident.id.to_string(), name }
}

fn refused(refusal: PostMortemRefusal) -> Error {
    match refusal {
        PostMortemRefusal::Empty | PostMortemRefusal::Unwritten(_) => Error::field("body", refusal.to_string()),
        PostMortemRefusal::UnreviewedChange => Error::field("tell_again", refusal.to_string()),
        _ => Error::refused(refusal.code(), refusal.to_string()),
    }
}

/// Who answers for a review. No token does: whoever holds one could be its maker and the second person at once.
fn person(actor: &Actor) -> Result<UserId, Error> {
    let person = actor.user_id();
    person.ok_or_else(|| Error::refused("no_person", "A post-mortem is reviewed by a person. Sign in to review it."))
}

/// Who answers for a text: whoever holds a token may be the one who made it, and must not review what it wrote.
async fn writer(tx: &mut Tx, actor: &Actor) -> Result<Option<UserId>, Error> {
    match actor.token_id() {
        Some(token) => Ok(tx.token_maker(token).await?),
        None => Ok(actor.user_id()),
    }
}

const fn not_begun() -> Error {
    Error::NotFound("post-mortem")
}

impl Services {
    /// An incident with its post-mortem and its action items.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn look_at_post_mortem(&self, actor: &Actor, of: IncidentId) -> Result<PostMortemLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let incident = tx.incident(of).await?;
        let said = self.said(&mut tx, &incident).await?;
        let items = tx.action_items_of(of).await?;
        let today = self.today(&mut tx).await?;
        let users = tx.users().await?;
        let in_use = users.iter().filter(|user| user.disabled_at.is_none());
        Ok(PostMortemLook {
            post_mortem: tx.post_mortem(of).await?,
            outline: outline(&said),
            timeline: timeline(&said),
            progress: Progress::of(&items, today),
            items,
            today,
            audience: self.audience(&mut tx, Topic::PostMortems, &touched(&incident)).await?,
            versions: tx.post_mortem_versions(of).await?,
            people: in_use.map(|user| (user.id, user.name.to_string())).collect(),
            names: users.into_iter().map(|user| (user.id, user.name.to_string())).collect(),
            incident,
        })
    }

    /// The post-mortem of an incident.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn post_mortem(&self, actor: &Actor, of: IncidentId) -> Result<PostMortem, Error> {
        actor.require(Permission::View)?;
        self.db.read().await?.post_mortem(of).await?.ok_or(not_begun())
    }

    /// What waits for this person after incidents.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn after_needs(&self, actor: &Actor) -> Result<AfterNeeds, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        self.after_needs_in(&mut tx, actor, &site).await
    }

    pub(crate) async fn after_needs_in(&self, tx: &mut Tx, actor: &Actor, site: &Site) -> Result<AfterNeeds, Error> {
        let (to_review, to_publish) = self.waiting_texts(tx, actor).await?;
        let today = civil(self.zones.as_ref(), &site.zone, self.now()).local.date();
        let filter = ActionFilter { overdue_on: Some(today), ..ActionFilter::default() };
        let mut overdue = tx.action_items(filter, None, FEW).await?;
        overdue.sort_by_key(|line| line.item.content.due);
        Ok(AfterNeeds { to_review, to_publish, overdue, today })
    }

    /// Texts that this person may review, and those that may be published.
    async fn waiting_texts(
        &self,
        tx: &mut Tx,
        actor: &Actor,
    ) -> Result<(Vec<PostMortemLine>, Vec<PostMortemLine>), Error> {
        let mut waiting = tx.post_mortems_open(FEW).await?;
        waiting.retain(|line| line.post_mortem.state != PostMortemState::Draft);
        let (to_publish, mut to_review): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|line| line.post_mortem.review.is_some());
        let me = actor.user_id();
        let reviews = actor.may(Permission::Approve) && me.is_some();
        to_review.retain(|line| reviews && line.post_mortem.author != me);
        Ok((to_review, to_publish))
    }

    /// Begins a post-mortem, or changes its text, which has to be reviewed again. Subscribers hear of a change to what
    /// is public only where `again` says so, after its review.
    ///
    /// # Errors
    /// Not allowed, no such incident, it is not public, stale, a wrong text, there is nothing to tell, or the database
    /// does not answer.
    pub async fn write_post_mortem(
        &self,
        actor: &Actor,
        of: IncidentId,
        version: Option<i64>,
        body: &str,
        again: bool,
    ) -> Result<PostMortem, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let incident = tx.incident(of).await?;
        let body = Prose::parse(body).map_err(|e| Error::field("body", e.to_string()))?;
        let Some(before) = tx.post_mortem(of).await? else {
            if !incident.state.is_public() {
                let told = "Publish the incident first: a post-mortem is about something that customers know of.";
                return Err(Error::refused("wrong_state", told));
            }
            let begun = PostMortem::begin(of, body, writer(&mut tx, actor).await?, self.now());
            tx.insert_post_mortem(&begun).await?;
            tx.add_audit(&self.audit(actor, action("post_mortem.begin", &incident), None, Some(&begun))).await?;
            tx.commit().await?;
            return Ok(begun);
        };
        // Who begins one does not know that somebody else has.
        unchanged("post-mortem", before.version, version.unwrap_or_default())?;
        let tells = again && before.state == PostMortemState::Published;
        let changed = self.change_text(&mut tx, actor, &incident, &before, body).await?;
        if tells {
            changed.as_ref().unwrap_or(&before).check_tell_again().map_err(refused)?;
        }
        match changed {
            Some(after) => self.commit_post_mortem(tx, after).await,
            None if tells => {
                let after = PostMortem { updated_at: self.now(), ..before.clone() };
                self.tell_post_mortem(&mut tx, &incident, &after, true).await?;
                self.store_post_mortem(tx, actor, "post_mortem.tell", &incident, &before, after).await
            }
            None => Ok(before),
        }
    }

    /// Hands it to a second person, with the text as it stands on their page.
    ///
    /// # Errors
    /// Not allowed, there is none, stale, no draft, empty, a wrong text, or the database does not answer.
    pub async fn submit_post_mortem(
        &self,
        actor: &Actor,
        of: IncidentId,
        seen: impl Into<Seen<'_>>,
    ) -> Result<PostMortem, Error> {
        let seen = seen.into();
        let (mut tx, incident, found) =
            self.load_post_mortem(actor, Permission::RunIncidents, of, seen.version).await?;
        let changed = match seen.text {
            Some(text) => {
                let body = Prose::parse(text).map_err(|e| Error::field("body", e.to_string()))?;
                self.change_text(&mut tx, actor, &incident, &found, body).await?
            }
            None => None,
        };
        let before = changed.unwrap_or(found);
        let after = before.submit(self.now()).map_err(refused)?;
        self.store_post_mortem(tx, actor, "post_mortem.submit", &incident, &before, after).await
    }

    /// A second person, an approver, finds it good.
    ///
    /// # Errors
    /// Not allowed (no token may), there is none, stale, not in review, the same person, or the database does not answer.
    pub async fn approve_post_mortem(
        &self,
        actor: &Actor,
        of: IncidentId,
        seen: impl Into<Seen<'_>>,
    ) -> Result<PostMortem, Error> {
        let (tx, incident, before) = self.load_as_seen(actor, Permission::Approve, of, seen.into()).await?;
        let after = before.approve(self.now(), person(actor)?).map_err(refused)?;
        self.store_post_mortem(tx, actor, "post_mortem.approve", &incident, &before, after).await
    }

    /// A second person, an approver, sends it back with a note.
    ///
    /// # Errors
    /// Not allowed (no token may), there is none, stale, no reason, not in review, the same person, or the database
    /// does not answer.
    pub async fn send_back_post_mortem(
        &self,
        actor: &Actor,
        of: IncidentId,
        seen: impl Into<Seen<'_>>,
        why: &str,
    ) -> Result<PostMortem, Error> {
        let (tx, incident, before) = self.load_as_seen(actor, Permission::Approve, of, seen.into()).await?;
        if why.trim().is_empty() {
            return Err(Error::field("why", "Say what is missing: who wrote it reads this."));
        }
        let why = Why::parse(why).map_err(|e| Error::field("why", e.to_string()))?;
        let after = before.send_back(self.now(), person(actor)?, why).map_err(refused)?;
        self.store_post_mortem(tx, actor, "post_mortem.send_back", &incident, &before, after).await
    }

    /// Makes it public, and tells those who follow what broke.
    ///
    /// # Errors
    /// Not allowed, there is none, stale, not reviewed, the incident is open, or the database does not answer.
    pub async fn publish_post_mortem(
        &self,
        actor: &Actor,
        of: IncidentId,
        seen: impl Into<Seen<'_>>,
    ) -> Result<PostMortem, Error> {
        let (mut tx, incident, before) = self.load_as_seen(actor, Permission::RunIncidents, of, seen.into()).await?;
        let now = self.now();
        let mut after = before.publish(now, incident.state == IncidentState::Resolved).map_err(refused)?;
        // Who reads it sees that nothing is left to do.
        if end_is_news(&tx.action_items_of(of).await?, None) {
            after.items_told_at = Some(now);
        }
        self.tell_post_mortem(&mut tx, &incident, &after, false).await?;
        self.store_post_mortem(tx, actor, "post_mortem.publish", &incident, &before, after).await
    }

    async fn load_post_mortem(
        &self,
        actor: &Actor,
        permission: Permission,
        of: IncidentId,
        version: i64,
    ) -> Result<(Tx, Incident, PostMortem), Error> {
        actor.require(permission)?;
        let mut tx = self.db.decide().await?;
        let incident = tx.incident(of).await?;
        let found = tx.post_mortem(of).await?.ok_or(not_begun())?;
        unchanged("post-mortem", found.version, version)?;
        Ok((tx, incident, found))
    }

    /// Puts a text in the place of another, which is kept; nothing where it is the same.
    async fn change_text(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        incident: &Incident,
        before: &PostMortem,
        body: Prose,
    ) -> Result<Option<PostMortem>, Error> {
        let (now, by) = (self.now(), writer(tx, actor).await?);
        let Some(after) = before.edit(now, by, body).map_err(refused)? else { return Ok(None) };
        tx.keep_post_mortem(before, now, actor.user_id()).await?;
        Ok(Some(self.put_post_mortem(tx, actor, "post_mortem.edit", incident, before, after).await?))
    }

    async fn store_post_mortem(
        &self,
        mut tx: Tx,
        actor: &Actor,
        verb: &'static str,
        incident: &Incident,
        before: &PostMortem,
        after: PostMortem,
    ) -> Result<PostMortem, Error> {
        let after = self.put_post_mortem(&mut tx, actor, verb, incident, before, after).await?;
        self.commit_post_mortem(tx, after).await
    }

    /// Stores it with its line of the audit log, in a transaction that goes on.
    async fn put_post_mortem(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &'static str,
        incident: &Incident,
        before: &PostMortem,
        mut after: PostMortem,
    ) -> Result<PostMortem, Error> {
        tx.save_post_mortem(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action(verb, incident), Some(before), Some(&after))).await?;
        Ok(after)
    }

    async fn commit_post_mortem(&self, mut tx: Tx, after: PostMortem) -> Result<PostMortem, Error> {
        if after.published_at.is_some() {
            tx.announce();
        }
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(after)
    }

    async fn tell_post_mortem(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        post_mortem: &PostMortem,
        again: bool,
    ) -> Result<u64, Error> {
        let lead = if again {
            "We have changed what we wrote about this incident."
        } else {
            "We have written down what happened, why, and what we do about it."
        };
        let post = Post {
            topic: Topic::PostMortems,
            subject: ("post_mortem", Conversation::PostMortem.of(incident)),
            thread: format!("pm-{}", incident.id),
            title: titled("Post-mortem: ", incident),
            lead: lead.to_owned(),
            message: post_mortem.body.clone(),
            path: page_of(incident.id),
            components: touched(incident),
        };
        self.tell_post(tx, &post).await
    }

    /// Tells that nothing is left to do, if subscribers have not heard of it. To be called after each change of the
    /// items of an incident, in its transaction; ring `outbox_filled` after its commit.
    async fn tell_end_of_items(&self, tx: &mut Tx, incident: &Incident) -> Result<(), Error> {
        let Some(post_mortem) = tx.post_mortem(incident.id).await? else { return Ok(()) };
        let items = tx.action_items_of(incident.id).await?;
        if post_mortem.state != PostMortemState::Published || !end_is_news(&items, post_mortem.items_told_at) {
            return Ok(());
        }
        let now = self.now();
        let words = Progress::of(&items, self.today(tx).await?).words();
        let post = Post {
            topic: Topic::ActionItems,
            subject: ("action_items", Conversation::ActionItems.of(incident)),
            thread: format!("ai-{}", incident.id),
            title: titled("Action items done: ", incident),
            lead: "Nothing is left of what we said we would do after this incident.".to_owned(),
            message: Prose::parse(&format!("{words}.")).map_err(|e| Error::internal(&e))?,
            path: page_of(incident.id),
            components: touched(incident),
        };
        self.tell_post(tx, &post).await?;
        Ok(tx.save_post_mortem(&PostMortem { items_told_at: Some(now), ..post_mortem }).await?)
    }

    /// What was said in public, oldest first, with times in the site's zone.
    async fn said(&self, tx: &mut Tx, incident: &Incident) -> Result<Vec<Said>, Error> {
        let zone = tx.site().await?.zone;
        let mut updates: Vec<IncidentUpdate> = tx.incident_updates_of(&[incident.id]).await?;
        updates.sort_by_key(|update| (update.at, update.id));
        Ok(updates
            .into_iter()
            .map(|update| Said {
                when: format_short(self.zones.as_ref(), &zone, update.at),
                state: update.state.public_text().to_owned(),
                body: update.body.as_str().to_owned(),
            })
            .collect())
    }

    /// The day it is in the site's zone.
    async fn today(&self, tx: &mut Tx) -> Result<NaiveDate, Error> {
        let zone = tx.site().await?.zone;
        Ok(civil(self.zones.as_ref(), &zone, self.now()).local.date())
    }
}

/// What subscribers are told of after an incident. Each is a conversation of its own, with a subject of its own in the
/// outbox: news of the incident itself neither replace its mails nor give them their title.
#[derive(Clone, Copy)]
enum Conversation {
    PostMortem,
    ActionItems,
}

impl Conversation {
    /// Always the same id for the same incident. The last bits of an id are random: no other incident has it.
    const fn of(self, incident: &Incident) -> Uuid {
        let mark = match self {
            Self::PostMortem => 1,
            Self::ActionItems => 2,
        };
        Uuid::from_u128(incident.id.0.as_u128() ^ mark)
    }
}

/// All components that an incident named.
fn touched(incident: &Incident) -> Vec<ComponentId> {
    incident.components.keys().copied().collect()
}

/// The incident's title after some words, where both fit into one line.
fn titled(words: &str, incident: &Incident) -> Name {
    Name::parse(&format!("{words}{}", incident.title)).unwrap_or_else(|_| incident.title.clone())
}
