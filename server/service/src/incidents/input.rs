//! What people type and programs send of an incident, read into domain types.

use super::{IncidentEdit, IncidentPost, NewIncident, PastIncident, PastPost, States, still};
use crate::drills::typed_time;
use crate::once::{answered, once};
use crate::{Actor, Error, Fields, Services};
use chrono::SubsecRound;
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId, IncidentUpdateId, MaintenanceId};
use domain::incident::times::began_long_ago;
use domain::incident::{Incident, IncidentState, IncidentUpdate, Severity};
use domain::people::Permission;
use domain::site::Site;
use domain::template;
use domain::text::{Name, Prose};
use domain::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use storage::Tx;

/// The state of a component, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentStateInput {
    /// Its id.
    pub id: String,
    /// `operational`, `degraded_performance`, `partial_outage` or `major_outage`.
    pub state: String,
}

/// An incident as it was typed. Times are RFC 3339, or local to the site's zone as people write them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentInput {
    /// One line; may hold `{{components}}`.
    pub title: String,
    /// `none`, `minor`, `major` or `critical`; empty where it follows from the components.
    pub severity: String,
    /// The components that are not well.
    pub components: Vec<ComponentStateInput>,
    /// When the trouble began; empty for now.
    pub started_at: String,
    /// It did begin so long ago: asked back where that is more than a day, as a date is easily mistyped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub began_long_ago: bool,
    /// The id of the window that caused it; may be empty.
    pub maintenance: String,
    /// `investigating` (also where it is empty), `identified`, `monitoring` or `resolved`.
    pub state: String,
    /// What customers read: Markdown; may hold `{{components}}`.
    pub body: String,
    /// Subscribers hear of it; they do where nobody said.
    pub tell: Option<bool>,
    /// A draft of alerts is over although they still fire: asked back, as it may be too early. What is new has no alerts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alerts_still_fire: bool,
}

/// An update as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostInput {
    /// `investigating`, `identified`, `monitoring` or `resolved`; empty where it stays.
    pub state: String,
    /// What customers read: Markdown; may hold `{{components}}`.
    pub body: String,
    /// The components of which it says something.
    pub components: Vec<ComponentStateInput>,
    /// Subscribers hear of it; where nobody said, as [`Incident::tells_unasked`] says.
    pub tell: Option<bool>,
    /// It is over although alerts of it still fire: asked back, as it may be too early.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alerts_still_fire: bool,
}

/// What an update is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Deed {
    /// Say something, whatever becomes of it.
    Say,
    /// Say that it is over.
    Resolve,
    /// Open again what was over.
    Reopen,
}

/// Something that was said, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PastUpdateInput {
    /// When.
    pub at: String,
    /// `investigating` (also where it is empty), `identified` or `monitoring`.
    pub state: String,
    /// Markdown.
    pub body: String,
    /// The components of which it says something.
    pub components: Vec<ComponentStateInput>,
}

/// An incident that is over, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackfillInput {
    /// One line; may hold `{{components}}`.
    pub title: String,
    /// See [`IncidentInput::severity`].
    pub severity: String,
    /// How the components were from the start on.
    pub components: Vec<ComponentStateInput>,
    /// When the trouble began.
    pub started_at: String,
    /// When it was over.
    pub resolved_at: String,
    /// The id of the window that caused it; may be empty.
    pub maintenance: String,
    /// What was said before it was over, oldest first.
    pub updates: Vec<PastUpdateInput>,
    /// What the update says that resolved it.
    pub body: String,
}

/// What is to be changed without saying anything; what is missing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EditInput {
    /// One line.
    pub title: Option<String>,
    /// Empty where it follows from the components.
    pub severity: Option<String>,
    /// Empty for none.
    pub maintenance: Option<String>,
    /// Of a draft.
    pub components: Option<Vec<ComponentStateInput>>,
    /// When the trouble began.
    pub started_at: Option<String>,
    /// When it was over; of what is resolved.
    pub resolved_at: Option<String>,
    /// Of a draft: what the first update is to say.
    pub body: Option<String>,
    /// It did begin so much earlier: asked back where that is more than a day, as a date is easily mistyped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub began_long_ago: bool,
}

/// Reads fields one after another, in the site's zone.
struct Reader<'a> {
    services: &'a Services,
    site: Site,
    fields: Fields,
}

impl Reader<'_> {
    fn severity(&mut self, text: &str) -> Option<Severity> {
        let text = text.trim();
        if text.is_empty() { None } else { self.fields.take("severity", Severity::parse(text)) }
    }

    fn states(&mut self, typed: &[ComponentStateInput]) -> States {
        let mut states = States::new();
        for one in typed.iter().filter(|one| !one.state.trim().is_empty()) {
            let Ok(id) = one.id.trim().parse::<ComponentId>() else {
                let shown: String = one.id.chars().take(40).collect();
                self.fields.add("components", format!("“{shown}” is not an id."));
                continue;
            };
            if let Some(state) = self.fields.take("components", ComponentState::parse(&one.state)) {
                states.insert(id, state);
            }
        }
        states
    }

    fn time(&mut self, field: &'static str, text: &str) -> Option<Instant> {
        let read = typed_time(self.services.zones.as_ref(), &self.site.zone, text);
        self.fields.take(field, read).flatten()
    }

    /// The start of a new incident; one that is long ago is asked back.
    fn start(&mut self, text: &str, known: Option<Instant>, is_sure: bool) -> Option<Instant> {
        let (start, now) = (self.time("started_at", text)?, self.services.now());
        // What a form shows has no parts of a second.
        let is_known = known.is_some_and(|known| known.trunc_subsecs(0) == start.trunc_subsecs(0));
        if began_long_ago(start, now) && !is_known && !is_sure {
            let ago = Span::between(start, now).in_words();
            self.fields
                .add("began_long_ago", format!("That is {ago} ago. Look at the date, or say that it did begin then."));
        }
        Some(start)
    }

    /// Another start than the one that is stored; one that is long before it is asked back.
    fn other_start(&mut self, text: &str, stored: Instant, is_sure: bool) -> Option<Instant> {
        let start = self.needed_time("started_at", text)?;
        if began_long_ago(start, stored) && !is_sure {
            let before = Span::between(start, stored).in_words();
            self.fields.add(
                "began_long_ago",
                format!(
                    "That is {before} before the start it has now. Look at the date, or say that it did begin then."
                ),
            );
        }
        Some(start)
    }

    fn needed_time(&mut self, field: &'static str, text: &str) -> Option<Instant> {
        if text.trim().is_empty() {
            self.fields.add(field, "Say when.");
        }
        self.time(field, text)
    }

    fn maintenance(&mut self, text: &str) -> Option<MaintenanceId> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        self.fields.take("maintenance", text.parse().map_err(|_| "There is no such window."))
    }

    fn state(&mut self, text: &str, otherwise: IncidentState) -> IncidentState {
        let text = text.trim();
        if text.is_empty() {
            return otherwise;
        }
        self.fields.take("state", IncidentState::parse_public(text)).unwrap_or(otherwise)
    }

    fn title(&mut self, text: &str, named: &[String]) -> Option<Name> {
        self.fields.take("title", template::check_incident(text))?;
        self.fields.take("title", Name::parse(&template::with_components(text, named)))
    }

    fn body(&mut self, text: &str, named: &[String]) -> Prose {
        let checked = self.fields.take("body", template::check_incident(text));
        let filled = checked.map(|()| template::with_names(text, named));
        filled.and_then(|text| self.fields.take("body", Prose::parse(&text))).unwrap_or_default()
    }

    fn done<T>(self, read: Option<T>) -> Result<T, Error> {
        match read {
            Some(read) if self.fields.is_empty() => Ok(read),
            _ => Err(self.fields.into_error()),
        }
    }
}

/// The names of those of the components that customers may know of, in the order of the page.
async fn names(tx: &mut Tx, of: &States) -> Result<Vec<String>, Error> {
    let components = tx.components(false).await?;
    let named = components.into_iter().filter(|c| of.contains_key(&c.id) && !c.is_private);
    Ok(named.map(|c| c.name.to_string()).collect())
}

impl Services {
    async fn reader(&self, tx: &mut Tx) -> Result<Reader<'_>, Error> {
        Ok(Reader { services: self, site: tx.site().await?, fields: Fields::default() })
    }

    /// `known` is the start that a draft has already: nobody is asked about it.
    async fn read_new(&self, tx: &mut Tx, input: &IncidentInput, known: Option<Instant>) -> Result<NewIncident, Error> {
        let mut reader = self.reader(tx).await?;
        let components = reader.states(&input.components);
        let named = names(tx, &components).await?;
        let title = reader.title(&input.title, &named);
        let new = title.map(|title| NewIncident {
            title,
            severity: reader.severity(&input.severity),
            components,
            started_at: reader.start(&input.started_at, known, input.began_long_ago),
            maintenance: reader.maintenance(&input.maintenance),
            state: reader.state(&input.state, IncidentState::Investigating),
            body: reader.body(&input.body, &named),
            tell: input.tell.unwrap_or(true),
        });
        reader.done(new)
    }

    async fn read_post(&self, tx: &mut Tx, of: &Incident, input: &PostInput) -> Result<IncidentPost, Error> {
        let mut reader = self.reader(tx).await?;
        let otherwise = if of.state.is_public() { of.state } else { IncidentState::Investigating };
        let state = reader.state(&input.state, otherwise);
        let components = reader.states(&input.components);
        let mut all = of.components.clone();
        all.extend(components.iter().map(|(id, state)| (*id, *state)));
        let named = names(tx, &all).await?;
        let body = reader.body(&input.body, &named);
        reader.done(Some(IncidentPost {
            state,
            body,
            components,
            tell: input.tell.unwrap_or_else(|| of.tells_unasked()),
        }))
    }

    /// Reports an incident as it was typed: published at once, or kept as a draft. A request that comes
    /// again with the same key changes nothing and gets the first answer.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, the key was used for another request, or the database does not answer.
    pub async fn report_incident(
        &self,
        actor: &Actor,
        key: Option<&str>,
        input: &IncidentInput,
        publish: bool,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let once = once(actor, key, &("incident", publish, input))?;
        let mut tx = self.db.decide().await?;
        if let Some(before) = answered(&mut tx, once.as_ref()).await? {
            return Ok(before);
        }
        let new = self.read_new(&mut tx, input, None).await?;
        let made = match publish {
            true => self.open_incident_in(&mut tx, actor, new).await?,
            false => self.draft_incident_in(&mut tx, actor, new).await?,
        };
        self.remember(&mut tx, once, 201, &made).await?;
        self.commit_news(tx).await?;
        Ok(made)
    }

    /// Changes a draft as it was typed, and publishes it where that was asked for.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, no draft (any more), stale; it is published as over while alerts of it fire, and nobody
    /// said that it is meant so; or the database does not answer.
    pub async fn save_incident_draft(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: Option<i64>,
        input: &IncidentInput,
        publish: bool,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let draft = tx.incident(id).await?;
        Error::unless_fresh("incident", draft.version, version)?;
        // Who was told that it is stale and presses again holds the version of what is published by now.
        if draft.state != IncidentState::Draft {
            let (which, state) = (draft.reference(), draft.state.text());
            let told = format!(
                "{which} is {state} and no draft any more, so nothing was saved. What you typed is still here: take \
                 over what is needed on the page of {which}."
            );
            return Err(Error::refused("wrong_state", told));
        }
        let new = self.read_new(&mut tx, input, Some(draft.started_at)).await?;
        let edit = IncidentEdit {
            title: Some(new.title.clone()),
            severity: Some(new.severity),
            maintenance: Some(new.maintenance),
            components: Some(new.components.clone()),
            started_at: new.started_at,
            resolved_at: None,
            text: Some(new.body.clone()),
        };
        let mut saved = self.edit_incident_in(&mut tx, actor, id, version, edit).await?;
        if publish {
            let asked = still::question(&mut tx, &draft, new.state, input.alerts_still_fire).await?;
            saved = self.publish_incident_in(&mut tx, actor, id, saved.version, new.first()).await?;
            asked.map_or(Ok(()), Err)?;
        }
        self.commit_news(tx).await?;
        Ok(saved)
    }

    /// Publishes a draft; where nothing is typed, with the text that it has.
    ///
    /// # Errors
    /// As [`Self::publish_incident`]; it is to be over while alerts of it fire, and nobody said that it is meant so.
    pub async fn publish_incident_draft(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: Option<i64>,
        input: &PostInput,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let draft = tx.incident(id).await?;
        let mut post = self.read_post(&mut tx, &draft, input).await?;
        if input.body.trim().is_empty() {
            post.body = draft.draft_text.clone();
        }
        let asked = still::question(&mut tx, &draft, post.state, input.alerts_still_fire).await?;
        let published = self.publish_incident_in(&mut tx, actor, id, version, post).await?;
        asked.map_or(Ok(()), Err)?;
        self.commit_news(tx).await?;
        Ok(published)
    }

    /// Posts an update as it was typed. A request that comes again with the same key changes nothing and
    /// gets the first answer.
    ///
    /// # Errors
    /// As [`Self::update_incident`]; it is to be over while alerts of it fire, and nobody said that it is meant so; the key
    /// was used for another request.
    pub async fn post_incident_update(
        &self,
        actor: &Actor,
        key: Option<&str>,
        id: IncidentId,
        version: Option<i64>,
        deed: Deed,
        input: &PostInput,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let once = once(actor, key, &("incident_update", id, deed, input))?;
        let mut tx = self.db.decide().await?;
        if let Some(before) = answered(&mut tx, once.as_ref()).await? {
            return Ok(before);
        }
        let before = tx.incident(id).await?;
        let mut post = self.read_post(&mut tx, &before, input).await?;
        match deed {
            Deed::Say => {}
            Deed::Resolve => post.state = IncidentState::Resolved,
            Deed::Reopen if before.state != IncidentState::Resolved => {
                return Err(Error::refused("wrong_state", "Only what is resolved can be opened again."));
            }
            Deed::Reopen if post.state == IncidentState::Resolved => post.state = IncidentState::Investigating,
            Deed::Reopen => {}
        }
        let asked = still::question(&mut tx, &before, post.state, input.alerts_still_fire).await?;
        let updated = self.update_incident_in(&mut tx, actor, id, version, post).await?;
        asked.map_or(Ok(()), Err)?;
        self.remember(&mut tx, once, 200, &updated).await?;
        self.commit_news(tx).await?;
        Ok(updated)
    }

    /// Changes what can be changed without saying anything, as it was typed.
    ///
    /// # Errors
    /// As [`Self::edit_incident`].
    pub async fn change_incident(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: Option<i64>,
        input: &EditInput,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let before = tx.incident(id).await?;
        let mut reader = self.reader(&mut tx).await?;
        let components = input.components.as_deref().map(|typed| reader.states(typed));
        let named = names(&mut tx, components.as_ref().unwrap_or(&before.components)).await?;
        let edit = IncidentEdit {
            title: input.title.as_deref().and_then(|text| reader.title(text, &named)),
            severity: input.severity.as_deref().map(|text| reader.severity(text)),
            maintenance: input.maintenance.as_deref().map(|text| reader.maintenance(text)),
            components,
            started_at: input
                .started_at
                .as_deref()
                .and_then(|text| reader.other_start(text, before.started_at, input.began_long_ago)),
            resolved_at: input.resolved_at.as_deref().and_then(|text| reader.needed_time("resolved_at", text)),
            text: input.body.as_deref().map(|text| reader.body(text, &named)),
        };
        let edit = reader.done(Some(edit))?;
        let edited = self.edit_incident_in(&mut tx, actor, id, version, edit).await?;
        tx.commit().await?;
        Ok(edited)
    }

    /// Mends the words of an update, as they were typed.
    ///
    /// # Errors
    /// As [`Self::edit_incident_update`].
    pub async fn mend_incident_update(
        &self,
        actor: &Actor,
        id: IncidentId,
        update: IncidentUpdateId,
        version: Option<i64>,
        body: &str,
    ) -> Result<IncidentUpdate, Error> {
        let body = Prose::parse(body).map_err(|e| Error::field("body", e.to_string()))?;
        self.edit_incident_update(actor, id, update, version, body).await
    }

    /// Enters an incident that is over, as it was typed. A request that comes again with the same key
    /// changes nothing and gets the first answer.
    ///
    /// # Errors
    /// As [`Self::backfill_incident`]; the key was used for another request.
    pub async fn enter_past_incident(
        &self,
        actor: &Actor,
        key: Option<&str>,
        input: &BackfillInput,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let once = once(actor, key, &("past_incident", input))?;
        let mut tx = self.db.decide().await?;
        if let Some(before) = answered(&mut tx, once.as_ref()).await? {
            return Ok(before);
        }
        let past = self.read_past(&mut tx, input).await?;
        let entered = self.backfill_incident_in(&mut tx, actor, past).await?;
        self.remember(&mut tx, once, 201, &entered).await?;
        tx.commit().await?;
        Ok(entered)
    }

    async fn read_past(&self, tx: &mut Tx, input: &BackfillInput) -> Result<PastIncident, Error> {
        let mut reader = self.reader(tx).await?;
        let components = reader.states(&input.components);
        let named = names(tx, &components).await?;
        let title = reader.title(&input.title, &named);
        let started_at = reader.needed_time("started_at", &input.started_at);
        let resolved_at = reader.needed_time("resolved_at", &input.resolved_at);
        let mut updates = Vec::with_capacity(input.updates.len() + 1);
        for typed in &input.updates {
            let at = if typed.at.trim().is_empty() {
                reader.fields.add("updates", "Say when each update was posted.");
                None
            } else {
                reader.time("updates", &typed.at)
            };
            let (state, body) = (reader.state(&typed.state, IncidentState::Investigating), &typed.body);
            let (body, components) = (reader.body(body, &named), reader.states(&typed.components));
            updates.extend(at.map(|at| PastPost { at, state, body, components }));
        }
        let body = reader.body(&input.body, &named);
        let state = IncidentState::Resolved;
        updates.extend(resolved_at.map(|at| PastPost { at, state, body, components: States::new() }));
        let severity = reader.severity(&input.severity);
        let maintenance = reader.maintenance(&input.maintenance);
        let past = title.zip(started_at).map(|(title, started_at)| PastIncident {
            title,
            severity,
            components,
            started_at,
            maintenance,
            updates,
        });
        reader.done(past)
    }
}
