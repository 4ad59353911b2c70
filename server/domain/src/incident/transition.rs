//! What may become of an incident. Each function takes an incident and gives back the incident as it
//! becomes, or the refusal; none changes anything by itself.
//!
//! Of every incident these hold: a draft or a discarded one has never said anything, `updated_at`
//! never moves back, and the impacts that its transitions begin and end are at each moment exactly
//! [`Incident::open_states`]. `version` is left to storage.

use super::{Incident, IncidentState, IncidentUpdate, Severity};
use crate::component::ComponentState;
use crate::ids::{ComponentId, IncidentId, IncidentUpdateId, MaintenanceId, UserId};
use crate::people::Role;
use crate::text::{Name, Prose};
use crate::time::Instant;
use std::collections::BTreeMap;
use thiserror::Error;

/// The states that something says of components.
pub type States = BTreeMap<ComponentId, ComponentState>;

/// What a person can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// One line.
    pub title: Name,
    /// Its severity by decision; else it follows from the components.
    pub severity_override: Option<Severity>,
    /// The components with their states.
    pub components: States,
    /// When the trouble began.
    pub started_at: Instant,
    /// The window that caused it.
    pub maintenance: Option<MaintenanceId>,
}

impl Content {
    /// The incident as it is, to change a part of it.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        Self {
            title: incident.title.clone(),
            severity_override: incident.severity_override,
            components: incident.components.clone(),
            started_at: incident.started_at,
            maintenance: incident.maintenance,
        }
    }
}

/// Something to say to customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where it stands.
    pub state: IncidentState,
    /// Markdown.
    pub body: Prose,
    /// The components of which it says something; the others stay as they are.
    pub components: States,
    /// Subscribers hear of it.
    pub tell: bool,
}

/// Something that was said, entered after the fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastPost {
    /// When.
    pub at: Instant,
    /// Where it stood.
    pub state: IncidentState,
    /// Markdown.
    pub body: Prose,
    /// The components of which it says something.
    pub components: States,
}

/// A line of a timeline as a transition makes it; the rest is storage's to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIncidentUpdate {
    /// The state it says.
    pub state: IncidentState,
    /// Markdown.
    pub body: Prose,
    /// When.
    pub at: Instant,
    /// The components it names.
    pub components: States,
    /// Whether subscribers are told of it.
    pub told: bool,
}

impl NewIncidentUpdate {
    /// With its identity and its author.
    #[must_use]
    pub fn into_update(
        self,
        id: IncidentUpdateId,
        incident: IncidentId,
        author: Option<(UserId, Role)>,
    ) -> IncidentUpdate {
        IncidentUpdate {
            id,
            incident,
            state: self.state,
            body: self.body,
            at: self.at,
            author: author.map(|(id, _)| id),
            author_role: author.map(|(_, role)| role),
            components: self.components,
            told: self.told,
            edited_at: None,
            version: 1,
        }
    }
}

/// What becomes of the history of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImpactChange {
    /// What this incident said of it holds no more.
    End {
        /// Of which.
        component: ComponentId,
        /// From when on.
        at: Instant,
    },
    /// This holds from now on.
    Begin {
        /// Of which.
        component: ComponentId,
        /// How it is.
        state: ComponentState,
        /// Since when.
        from: Instant,
    },
    /// This has been.
    Was {
        /// Of which.
        component: ComponentId,
        /// How it was.
        state: ComponentState,
        /// From when on.
        from: Instant,
        /// Up to when.
        to: Instant,
    },
}

/// What a transition leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The incident as it becomes; store it.
    pub incident: Incident,
    /// The line of its timeline.
    pub update: NewIncidentUpdate,
    /// What it means for the components; ends come before beginnings.
    pub impacts: Vec<ImpactChange>,
}

/// What is entered after the fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The incident as it was.
    pub incident: Incident,
    /// Its timeline, oldest first.
    pub updates: Vec<NewIncidentUpdate>,
    /// What it meant for the components.
    pub impacts: Vec<ImpactChange>,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// [`publish`].
    Publish,
    /// [`update`].
    Update,
    /// [`edit`].
    Edit,
    /// [`discard`].
    Discard,
}

impl Command {
    const fn text(self) -> &'static str {
        match self {
            Self::Publish => "published",
            Self::Update => "given an update",
            Self::Edit => "changed",
            Self::Discard => "discarded",
        }
    }
}

/// Why not, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not from this state.
    #[error("This incident is {} and can not be {}.", state.text(), command.text())]
    Not {
        /// Where it stands.
        state: IncidentState,
        /// What was tried.
        command: Command,
    },
    /// What has not happened is no incident.
    #[error("The start lies in the future. An incident has happened: plan a maintenance window for what is to come.")]
    StartAhead,
    /// Published: the start moves only together with the history (see [`super::times::mend`]).
    #[error("It has been published: its start moves with the history of its components.")]
    StartFixed,
    /// Customers knew of it before.
    #[error("Customers were told before that: it can not have begun later than its first update.")]
    StartAfterWords,
    /// What was said after that opened it again.
    #[error("It was opened again after that: its end must be later than the update that opened it again.")]
    EndBeforeReopened,
    /// It has no end yet.
    #[error("It is not over: post an update that resolves it.")]
    NotOver,
    /// Published: components change with what is said.
    #[error("It has been published: post an update to change the components.")]
    ComponentsFixed,
    /// No state for customers.
    #[error("Choose investigating, identified, monitoring or resolved.")]
    NotAState,
    /// Nothing was written.
    #[error("Write what customers should read.")]
    EmptyBody,
    /// Planned work is something else.
    #[error("An incident says what is broken: components under maintenance belong to a maintenance window.")]
    NotBroken,
    /// The past has not ended.
    #[error("The end must be after the start, and must not lie in the future.")]
    BadEnd,
    /// A line of the past stands in the wrong place.
    #[error("The updates must lie between the start and the end, one after another.")]
    OutOfOrder,
    /// The last line of the past does not end it.
    #[error("The last update must be the one that resolved it, and no other.")]
    NotResolved,
}

impl IncidentState {
    /// In a sentence: "This incident is {…}".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Draft => "a draft",
            Self::Investigating => "being investigated",
            Self::Identified => "identified",
            Self::Monitoring => "being monitored",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}

/// A new draft, seen by the team only.
///
/// # Errors
/// The start lies ahead, or a component is said to be under maintenance.
pub fn draft(
    id: IncidentId,
    number: i64,
    created_by: Option<UserId>,
    now: Instant,
    content: Content,
    text: Prose,
) -> Result<Incident, Refusal> {
    check_content(&content, now)?;
    Ok(Incident {
        id,
        number,
        title: content.title,
        state: IncidentState::Draft,
        severity_override: content.severity_override,
        worst: worst(&content.components),
        components: content.components,
        draft_text: text,
        started_at: content.started_at,
        published_at: None,
        resolved_at: None,
        is_backfilled: false,
        maintenance: content.maintenance,
        created_by,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

/// Changes what a person can set. A draft changes freely; of what is published only the title, the
/// severity and the window that caused it. Nothing changed is no refusal.
///
/// # Errors
/// See [`Refusal`].
pub fn edit(incident: &Incident, now: Instant, content: Content, text: Prose) -> Result<Incident, Refusal> {
    match incident.state {
        IncidentState::Discarded => return Err(not(incident, Command::Edit)),
        IncidentState::Draft => check_content(&content, now)?,
        _ if content.started_at != incident.started_at => return Err(Refusal::StartFixed),
        _ if content.components != incident.components => return Err(Refusal::ComponentsFixed),
        _ => {}
    }
    let is_draft = incident.state == IncidentState::Draft;
    let mut next = Incident {
        title: content.title,
        severity_override: content.severity_override,
        worst: if is_draft { worst(&content.components) } else { incident.worst },
        components: content.components,
        draft_text: if is_draft { text } else { incident.draft_text.clone() },
        started_at: content.started_at,
        maintenance: content.maintenance,
        ..incident.clone()
    };
    if next != *incident {
        next.updated_at = incident.updated_at.max(now);
    }
    Ok(next)
}

/// Tells customers of a draft. It may be over already: a short one.
///
/// # Errors
/// See [`Refusal`].
pub fn publish(draft: &Incident, now: Instant, post: Post) -> Result<Change, Refusal> {
    if draft.state != IncidentState::Draft {
        return Err(not(draft, Command::Publish));
    }
    if draft.started_at > now {
        return Err(Refusal::StartAhead);
    }
    let change = said(draft, now, post)?;
    let incident = Incident { published_at: Some(now), draft_text: Prose::default(), ..change.incident };
    let impacts = if incident.state.is_open() {
        began(&incident.open_states(), draft.started_at)
    } else {
        // Over before anybody heard of it: it was so from its start until now.
        let ill = incident.components.iter().filter(|(_, state)| **state != ComponentState::Operational);
        ill.filter(|_| draft.started_at < now)
            .map(|(id, state)| ImpactChange::Was { component: *id, state: *state, from: draft.started_at, to: now })
            .collect()
    };
    Ok(Change { incident, impacts, ..change })
}

/// Says something of a published incident, in any state: it may resolve it, and open it again.
/// What is resolved can be spoken of once more without opening it.
///
/// # Errors
/// See [`Refusal`].
pub fn update(incident: &Incident, now: Instant, post: Post) -> Result<Change, Refusal> {
    if !incident.state.is_public() {
        return Err(not(incident, Command::Update));
    }
    said(incident, now, post)
}

/// Nobody needs to hear of this draft.
///
/// # Errors
/// It is none.
pub fn discard(incident: &Incident, now: Instant) -> Result<Incident, Refusal> {
    if incident.state != IncidentState::Draft {
        return Err(not(incident, Command::Discard));
    }
    let updated_at = incident.updated_at.max(now);
    Ok(Incident { state: IncidentState::Discarded, updated_at, ..incident.clone() })
}

/// Mends the words of what was said; what it meant stays. `version` is left to storage.
///
/// # Errors
/// Nothing was written.
pub fn edit_update(update: &IncidentUpdate, now: Instant, body: Prose) -> Result<IncidentUpdate, Refusal> {
    check_body(&body)?;
    if body == update.body {
        return Ok(update.clone());
    }
    Ok(IncidentUpdate { body, edited_at: Some(now), ..update.clone() })
}

/// Enters what is over, with what was said of it. The last line resolved it; `content` says how the
/// components were from the start on, and each line may say something else.
///
/// # Errors
/// See [`Refusal`].
pub fn backfill(
    id: IncidentId,
    number: i64,
    created_by: Option<UserId>,
    now: Instant,
    content: Content,
    posts: Vec<PastPost>,
) -> Result<Past, Refusal> {
    let fresh = draft(id, number, created_by, now, content, Prose::default())?;
    let resolutions = posts.iter().filter(|post| post.state == IncidentState::Resolved).count();
    let Some(last) = posts.last().filter(|last| last.state == IncidentState::Resolved && resolutions == 1) else {
        return Err(Refusal::NotResolved);
    };
    let (start, end) = (fresh.started_at, last.at);
    if end <= start || end > now {
        return Err(Refusal::BadEnd);
    }
    if posts.windows(2).any(|pair| matches!(pair, [a, b] if a.at > b.at)) || posts.iter().any(|post| post.at < start) {
        return Err(Refusal::OutOfOrder);
    }
    let mut open: BTreeMap<ComponentId, (ComponentState, Instant)> =
        fresh.components.iter().map(|(id, state)| (*id, (*state, start))).collect();
    let mut incident = fresh;
    let (mut updates, mut impacts) = (Vec::with_capacity(posts.len()), Vec::new());
    let was = |component, (state, from): (ComponentState, Instant), to| {
        (state != ComponentState::Operational && from < to).then_some(ImpactChange::Was { component, state, from, to })
    };
    for post in posts {
        check_body(&post.body)?;
        check_states(&post.components)?;
        if !post.state.is_public() {
            return Err(Refusal::NotAState);
        }
        let is_over = post.state == IncidentState::Resolved;
        let components = if is_over { well(&incident.components) } else { post.components };
        for (component, state) in &components {
            if let Some(before) = open.insert(*component, (*state, post.at)) {
                impacts.extend(was(*component, before, post.at));
            }
            if !is_over {
                incident.components.insert(*component, *state);
                incident.worst = incident.worst.max(*state);
            }
        }
        updates.push(NewIncidentUpdate { state: post.state, body: post.body, at: post.at, components, told: false });
    }
    let incident = Incident {
        state: IncidentState::Resolved,
        published_at: Some(now),
        resolved_at: Some(end),
        is_backfilled: true,
        ..incident
    };
    Ok(Past { incident, updates, impacts })
}

fn said(incident: &Incident, now: Instant, post: Post) -> Result<Change, Refusal> {
    check_body(&post.body)?;
    check_states(&post.components)?;
    if !post.state.is_public() {
        return Err(Refusal::NotAState);
    }
    // Where the clock went back, what is said now still stands after what was said before.
    let now = incident.updated_at.max(now);
    let is_over = post.state == IncidentState::Resolved;
    let is_again = is_over && incident.state == IncidentState::Resolved;
    let is_open = incident.state.is_open();
    let mut components = incident.components.clone();
    if !is_over || incident.state == IncidentState::Draft {
        components.extend(post.components.iter().map(|(id, state)| (*id, *state)));
    }
    let named = match (is_over, is_again) {
        (_, true) => States::new(),
        (true, false) => well(&components),
        (false, _) if is_open => post.components,
        // Its first word, or its first word again, is about all of them.
        (false, _) => components.clone(),
    };
    let next = Incident {
        state: post.state,
        worst: incident.worst.max(worst(&components)),
        components,
        resolved_at: if is_over { incident.resolved_at.filter(|_| is_again).or(Some(now)) } else { None },
        updated_at: now,
        ..incident.clone()
    };
    let impacts = moved(&incident.open_states(), &next.open_states(), now);
    let update = NewIncidentUpdate { state: post.state, body: post.body, at: now, components: named, told: post.tell };
    Ok(Change { incident: next, update, impacts })
}

/// What ends and what begins between two moments.
#[must_use]
pub fn moved(before: &States, after: &States, at: Instant) -> Vec<ImpactChange> {
    let ends = before.iter().filter(|(id, state)| after.get(id) != Some(state));
    let begins = after.iter().filter(|(id, state)| before.get(id) != Some(state));
    let ends = ends.map(|(component, _)| ImpactChange::End { component: *component, at });
    ends.chain(begins.map(|(id, state)| ImpactChange::Begin { component: *id, state: *state, from: at })).collect()
}

fn began(states: &States, from: Instant) -> Vec<ImpactChange> {
    moved(&States::new(), states, from)
}

fn well(components: &States) -> States {
    components.keys().map(|id| (*id, ComponentState::Operational)).collect()
}

fn worst(components: &States) -> ComponentState {
    components.values().copied().max().unwrap_or(ComponentState::Operational)
}

fn check_content(content: &Content, now: Instant) -> Result<(), Refusal> {
    if content.started_at > now {
        return Err(Refusal::StartAhead);
    }
    check_states(&content.components)
}

fn check_states(states: &States) -> Result<(), Refusal> {
    if states.values().any(|state| *state == ComponentState::UnderMaintenance) {
        return Err(Refusal::NotBroken);
    }
    Ok(())
}

fn check_body(body: &Prose) -> Result<(), Refusal> {
    if body.as_str().trim().is_empty() { Err(Refusal::EmptyBody) } else { Ok(()) }
}

pub(super) const fn not(incident: &Incident, command: Command) -> Refusal {
    Refusal::Not { state: incident.state, command }
}
