//! Incidents, their timelines, and the texts that edits have replaced.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list, rows};
use crate::host::OpenWindow;
use crate::maintenance::{code, parse};
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId, IncidentUpdateId, MaintenanceId, UserId};
use domain::incident::lasted::Word;
use domain::incident::{Incident, IncidentState, IncidentUpdate, ReplacedText};
use domain::people::Role;
use domain::text::{Name, Prose};
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Components written by one statement.
const ROWS: usize = 100;

/// What the author of an update was who is no person.
const SYSTEM: &str = "system";

macro_rules! columns {
    () => {
        "id, number, title, state, impact_override, worst, draft_text, started_at, published_at, resolved_at, is_backfilled,
         maintenance_id, created_by, created_at, updated_at, version"
    };
}

/// States in which something is still to come; as in the index, which SQLite takes only where these words stand.
macro_rules! live {
    () => {
        "state in ('draft', 'investigating', 'identified', 'monitoring')"
    };
}

macro_rules! update_columns {
    () => {
        "id, incident_id, state, body, at, author_id, author_role, told, edited_at, version"
    };
}

#[derive(sqlx::FromRow)]
struct IncidentRow {
    id: Uuid,
    number: i64,
    title: String,
    state: String,
    impact_override: Option<String>,
    worst: String,
    draft_text: String,
    started_at: i64,
    published_at: Option<i64>,
    resolved_at: Option<i64>,
    is_backfilled: bool,
    maintenance_id: Option<Uuid>,
    created_by: Option<Uuid>,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

impl IncidentRow {
    fn with(self, components: BTreeMap<ComponentId, ComponentState>) -> Result<Incident, StoreError> {
        const T: &str = "incidents";
        let id = self.id;
        Ok(Incident {
            id: IncidentId(id),
            number: self.number,
            title: Name::parse(&self.title).map_err(|e| corrupt(T, id, e))?,
            state: parse(T, id, &self.state)?,
            severity_override: self.impact_override.map(|text| parse(T, id, &text)).transpose()?,
            components,
            worst: parse(T, id, &self.worst)?,
            draft_text: Prose::parse(&self.draft_text).map_err(|e| corrupt(T, id, e))?,
            started_at: at(T, id, self.started_at)?,
            published_at: maybe_at(T, id, self.published_at)?,
            resolved_at: maybe_at(T, id, self.resolved_at)?,
            is_backfilled: self.is_backfilled,
            maintenance: self.maintenance_id.map(MaintenanceId),
            created_by: self.created_by.map(UserId),
            created_at: at(T, id, self.created_at)?,
            updated_at: at(T, id, self.updated_at)?,
            version: self.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct UpdateRow {
    id: Uuid,
    incident_id: Uuid,
    state: String,
    body: String,
    at: i64,
    author_id: Option<Uuid>,
    author_role: String,
    told: bool,
    edited_at: Option<i64>,
    version: i64,
}

impl UpdateRow {
    fn with(self, components: BTreeMap<ComponentId, ComponentState>) -> Result<IncidentUpdate, StoreError> {
        const T: &str = "incident_updates";
        let id = self.id;
        let role = Some(self.author_role).filter(|role| role != SYSTEM);
        Ok(IncidentUpdate {
            id: IncidentUpdateId(id),
            incident: IncidentId(self.incident_id),
            state: parse(T, id, &self.state)?,
            body: Prose::parse(&self.body).map_err(|e| corrupt(T, id, e))?,
            at: at(T, id, self.at)?,
            author: self.author_id.map(UserId),
            author_role: role.map(|role| parse::<Role>(T, id, &role)).transpose()?,
            components,
            told: self.told,
            edited_at: maybe_at(T, id, self.edited_at)?,
            version: self.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ReplacedRow {
    update_id: Uuid,
    version: i64,
    body: String,
    replaced_at: i64,
    replaced_by: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    of: Uuid,
    component_id: Uuid,
    state: String,
}

/// A place in a list of incidents, newest start first.
pub type IncidentPosition = (Instant, IncidentId);

impl Tx {
    /// The next number for an incident: I-1, I-2, … never given twice. Only in a decision.
    ///
    /// # Errors
    /// There is no site yet, or the database refused.
    pub async fn next_incident_number(&mut self) -> Result<i64, StoreError> {
        let number: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "update site set incident_number = incident_number + 1 where one = 1 returning incident_number",
            )
            .fetch_optional(x)
            .await?
        });
        number.ok_or(StoreError::NotFound("site"))
    }

    /// Stores a new incident with what it says of components.
    ///
    /// # Errors
    /// A component or the window does not exist, the number is taken, or the database refused.
    pub async fn insert_incident(&mut self, incident: &Incident) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(concat!(
                "insert into incidents (",
                columns!(),
                ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
            ))
            .bind(incident.id.0)
            .bind(incident.number)
            .bind(incident.title.as_str())
            .bind(incident.state.as_str())
            .bind(incident.severity_override.map(code))
            .bind(incident.worst.as_str())
            .bind(incident.draft_text.as_str())
            .bind(ms(incident.started_at))
            .bind(incident.published_at.map(ms))
            .bind(incident.resolved_at.map(ms))
            .bind(incident.is_backfilled)
            .bind(incident.maintenance.map(|id| id.0))
            .bind(incident.created_by.map(|id| id.0))
            .bind(ms(incident.created_at))
            .bind(ms(incident.updated_at))
            .bind(incident.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("incident"))?;
        });
        self.set_incident_components(incident).await
    }

    /// Stores an incident as it becomes, if its version is still the one that was read; it rises by one.
    ///
    /// # Errors
    /// Stale, a component or the window does not exist, or the database refused.
    pub async fn save_incident(&mut self, incident: &Incident, expected_version: i64) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update incidents set title = $1, state = $2, impact_override = $3, worst = $4, draft_text = $5,
                 started_at = $6, published_at = $7, resolved_at = $8, maintenance_id = $9, updated_at = $10,
                 version = version + 1 where id = $11 and version = $12",
            )
            .bind(incident.title.as_str())
            .bind(incident.state.as_str())
            .bind(incident.severity_override.map(code))
            .bind(incident.worst.as_str())
            .bind(incident.draft_text.as_str())
            .bind(ms(incident.started_at))
            .bind(incident.published_at.map(ms))
            .bind(incident.resolved_at.map(ms))
            .bind(incident.maintenance.map(|id| id.0))
            .bind(ms(incident.updated_at))
            .bind(incident.id.0)
            .bind(expected_version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("incident"));
        }
        on_tx!(self, |x| {
            sqlx::query("delete from incident_components where incident_id = $1")
                .bind(incident.id.0)
                .execute(x)
                .await?;
        });
        self.set_incident_components(incident).await
    }

    async fn set_incident_components(&mut self, incident: &Incident) -> Result<(), StoreError> {
        let states: Vec<(&ComponentId, &ComponentState)> = incident.components.iter().collect();
        for states in states.chunks(ROWS) {
            let values = rows(self, states.len(), 3);
            let sql = format!("insert into incident_components (incident_id, component_id, state) values {values}");
            on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(states.len() == 1);
                for (component, state) in states {
                    query = query.bind(incident.id.0).bind(component.0).bind(state.as_str());
                }
                query.execute(x).await.map_err(|e| StoreError::from(e).naming("component"))?;
            });
        }
        Ok(())
    }

    /// One incident.
    ///
    /// # Errors
    /// There is none, the database refused, or its row does not parse.
    pub async fn incident(&mut self, id: IncidentId) -> Result<Incident, StoreError> {
        let rows: Vec<IncidentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from incidents where id = $1"))
                .bind(id.0)
                .fetch_all(x)
                .await?
        });
        self.whole_incidents(rows).await?.pop().ok_or(StoreError::NotFound("incident"))
    }

    /// Published and not over, newest start first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incidents_open(&mut self) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from incidents where ",
                live!(),
                " and state in ('investigating', 'identified', 'monitoring') order by started_at desc, id desc"
            ))
            .fetch_all(x)
            .await?
        });
        self.whole_incidents(rows).await
    }

    /// Not published yet, newest start first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incident_drafts(&mut self) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from incidents where ",
                live!(),
                " and state = 'draft' order by started_at desc, id desc"
            ))
            .fetch_all(x)
            .await?
        });
        self.whole_incidents(rows).await
    }

    /// Published incidents of which some part lies in `[from, to)`, newest start first. One that is
    /// open counts up to any time.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incidents_between(&mut self, from: Instant, to: Instant) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from incidents where started_at < $1 and (resolved_at > $2 or (",
                live!(),
                " and state in ('investigating', 'identified', 'monitoring'))) order by started_at desc, id desc"
            ))
            .bind(ms(to))
            .bind(ms(from))
            .fetch_all(x)
            .await?
        });
        self.whole_incidents(rows).await
    }

    /// Incidents in any of these states that started before a position, newest start first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incidents_before(
        &mut self,
        states: &[IncidentState],
        before: Option<IncidentPosition>,
        limit: i64,
    ) -> Result<Vec<Incident>, StoreError> {
        let (start, id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (ms(at), id.0));
        // A list shorter than its six places repeats its last.
        let wanted: [String; 6] =
            std::array::from_fn(|i| states.get(i).or(states.last()).map(code).unwrap_or_default());
        let rows: Vec<IncidentRow> = on_tx!(self, |x| {
            let mut query = sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from incidents where state in ($1, $2, $3, $4, $5, $6)
                 and (started_at < $7 or (started_at = $7 and id < $8)) order by started_at desc, id desc limit $9"
            ));
            for state in &wanted {
                query = query.bind(state);
            }
            query.bind(start).bind(id).bind(limit).fetch_all(x).await?
        });
        self.whole_incidents(rows).await
    }

    /// Incidents that a window caused, drafts too, newest start first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incidents_of_maintenance(&mut self, id: MaintenanceId) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from incidents where maintenance_id = $1 and state <> 'discarded' order by started_at desc, id desc"
            ))
            .bind(id.0)
            .fetch_all(x)
            .await?
        });
        self.whole_incidents(rows).await
    }

    /// Incidents not over, drafts included, that speak of a component.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_incidents_of_component(&mut self, id: ComponentId) -> Result<Vec<OpenWindow>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select i.number, i.title from incidents i join incident_components c on c.incident_id = i.id
                 where c.component_id = $1 and i.state not in ('resolved', 'discarded') order by i.number",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        }))
    }

    /// When something was last said in each of these incidents; those of which nothing was said are not in it.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn last_said(&mut self, incidents: &[IncidentId]) -> Result<BTreeMap<IncidentId, Instant>, StoreError> {
        const SQL: &str =
            "select incident_id, max(at) from incident_updates where incident_id in ({ids}) group by incident_id";
        let ids: BTreeSet<Uuid> = incidents.iter().map(|id| id.0).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows: Vec<(Uuid, i64)> = fetch_by_ids!(self, (Uuid, i64), SQL, &ids);
        rows.into_iter().map(|(id, said)| Ok((IncidentId(id), at("incident_updates", id, said)?))).collect()
    }

    /// When it was said where each of these incidents stands, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incident_words(
        &mut self,
        incidents: &[IncidentId],
    ) -> Result<BTreeMap<IncidentId, Vec<Word>>, StoreError> {
        const T: &str = "incident_updates";
        const SQL: &str = "select incident_id, state, at from incident_updates where incident_id in ({ids})
             order by at desc, id desc";
        let ids: BTreeSet<Uuid> = incidents.iter().map(|id| id.0).collect();
        let mut found: BTreeMap<IncidentId, Vec<Word>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let rows: Vec<(Uuid, String, i64)> = fetch_by_ids!(self, (Uuid, String, i64), SQL, &ids);
        for (id, state, said) in rows {
            let word = Word { state: parse(T, id, &state)?, at: at(T, id, said)? };
            found.entry(IncidentId(id)).or_default().push(word);
        }
        Ok(found)
    }

    async fn whole_incidents(&mut self, rows: Vec<IncidentRow>) -> Result<Vec<Incident>, StoreError> {
        let ids = rows.iter().map(|row| row.id).collect();
        let sql = "select incident_id as of, component_id, state from incident_components where incident_id in ({ids})";
        let mut states = self.named_states("incident_components", sql, &ids).await?;
        rows.into_iter()
            .map(|row| {
                let components = states.remove(&row.id).unwrap_or_default();
                row.with(components)
            })
            .collect()
    }

    async fn named_states(
        &mut self,
        table: &'static str,
        sql: &'static str,
        ids: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, BTreeMap<ComponentId, ComponentState>>, StoreError> {
        let mut found: BTreeMap<Uuid, BTreeMap<ComponentId, ComponentState>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let rows: Vec<StateRow> = fetch_by_ids!(self, StateRow, sql, ids);
        for row in rows {
            let state = parse(table, row.of, &row.state)?;
            found.entry(row.of).or_default().insert(ComponentId(row.component_id), state);
        }
        Ok(found)
    }

    /// Adds a line to a timeline.
    ///
    /// # Errors
    /// No such incident or component, or the database refused.
    pub async fn insert_incident_update(&mut self, update: &IncidentUpdate) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(concat!(
                "insert into incident_updates (",
                update_columns!(),
                ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            ))
            .bind(update.id.0)
            .bind(update.incident.0)
            .bind(update.state.as_str())
            .bind(update.body.as_str())
            .bind(ms(update.at))
            .bind(update.author.map(|id| id.0))
            .bind(update.author_role.map_or(SYSTEM, |role| match role {
                // Somebody who may do this is at least an operator.
                Role::Viewer | Role::Operator => Role::Operator.as_str(),
                Role::Approver | Role::Admin => role.as_str(),
            }))
            .bind(update.told)
            .bind(update.edited_at.map(ms))
            .bind(update.version)
            .execute(x)
            .await?;
        });
        for (component, state) in &update.components {
            on_tx!(self, |x| {
                sqlx::query(
                    "insert into incident_update_components (update_id, component_id, state) values ($1, $2, $3)",
                )
                .bind(update.id.0)
                .bind(component.0)
                .bind(state.as_str())
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("component"))?;
            });
        }
        Ok(())
    }

    /// The timelines of these incidents, newest line first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn incident_updates_of(&mut self, incidents: &[IncidentId]) -> Result<Vec<IncidentUpdate>, StoreError> {
        const SQL: &str = concat!("select ", update_columns!(), " from incident_updates where incident_id in ({ids})");
        let ids: BTreeSet<Uuid> = incidents.iter().map(|id| id.0).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<UpdateRow> = fetch_by_ids!(self, UpdateRow, SQL, &ids);
        self.whole_updates(rows).await
    }

    /// One line of a timeline.
    ///
    /// # Errors
    /// There is none, the database refused, or its row does not parse.
    pub async fn incident_update(&mut self, id: IncidentUpdateId) -> Result<IncidentUpdate, StoreError> {
        let rows: Vec<UpdateRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", update_columns!(), " from incident_updates where id = $1"))
                .bind(id.0)
                .fetch_all(x)
                .await?
        });
        self.whole_updates(rows).await?.pop().ok_or(StoreError::NotFound("update"))
    }

    async fn whole_updates(&mut self, rows: Vec<UpdateRow>) -> Result<Vec<IncidentUpdate>, StoreError> {
        let ids = rows.iter().map(|row| row.id).collect();
        let sql =
            "select update_id as of, component_id, state from incident_update_components where update_id in ({ids})";
        let mut states = self.named_states("incident_update_components", sql, &ids).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let components = states.remove(&row.id).unwrap_or_default();
            found.push(row.with(components)?);
        }
        found.sort_by_key(|update| Reverse((update.at, update.id)));
        Ok(found)
    }

    /// Stores the mended words of an update, if nobody mended them since, and keeps what they replace.
    /// Its version rises by one.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn save_incident_update(
        &mut self,
        mended: &IncidentUpdate,
        replaced: &IncidentUpdate,
        by: Option<UserId>,
        now: Instant,
    ) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update incident_updates set body = $1, edited_at = $2, version = version + 1
                 where id = $3 and version = $4",
            )
            .bind(mended.body.as_str())
            .bind(mended.edited_at.map(ms))
            .bind(mended.id.0)
            .bind(replaced.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("update"));
        }
        on_tx!(self, |x| {
            sqlx::query(
                "insert into incident_update_versions (update_id, version, state, body, at, replaced_at, replaced_by)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(replaced.id.0)
            .bind(replaced.version)
            .bind(replaced.state.as_str())
            .bind(replaced.body.as_str())
            .bind(ms(replaced.at))
            .bind(ms(now))
            .bind(by.map(|id| id.0))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The version of an incident and those of its updates added up: one of them is another after each change.
    ///
    /// # Errors
    /// There is none, or the database refused.
    pub async fn incident_versions(&mut self, id: IncidentId) -> Result<(i64, i64), StoreError> {
        let row: Option<(i64, i64)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select i.version,
                     cast(coalesce((select sum(u.version) from incident_updates u where u.incident_id = i.id), 0) as bigint)
                 from incidents i where i.id = $1",
            )
            .bind(id.0)
            .fetch_optional(x)
            .await?
        });
        row.ok_or(StoreError::NotFound("incident"))
    }

    /// The texts that edits of an incident's updates have replaced, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn replaced_texts(&mut self, incident: IncidentId) -> Result<Vec<ReplacedText>, StoreError> {
        const T: &str = "incident_update_versions";
        let rows: Vec<ReplacedRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select v.update_id, v.version, v.body, v.replaced_at, v.replaced_by from incident_update_versions v
                 join incident_updates u on u.id = v.update_id where u.incident_id = $1
                 order by v.version desc, v.update_id",
            )
            .bind(incident.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|row| {
                Ok(ReplacedText {
                    update: IncidentUpdateId(row.update_id),
                    version: row.version,
                    body: Prose::parse(&row.body).map_err(|e| corrupt(T, row.update_id, e))?,
                    replaced_at: at(T, row.update_id, row.replaced_at)?,
                    replaced_by: row.replaced_by.map(UserId),
                })
            })
            .collect()
    }
}
