//! What alerts stand on: as much of the inventory as they can reach, however large all of it is.

use crate::db::{Tx, on_tx};
use crate::error::StoreError;
use crate::evidence::{fetch_by_ids, list, parts};
use domain::alert::book::Work;
use domain::alert::place::Known;
use domain::alert::reach::Called;
use domain::gate::{HostNode, Topology};
use domain::ids::{ComponentId, HostId, MaintenanceId};
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const HOSTS: &str = "select name_key, id from hosts where name_key in ({ids}) and retired_at is null";

const BY_SLUG: &str = "select slug, id from components where slug in ({ids}) and retired_at is null";

const BY_NAME: &str = "select name_key, id from components where name_key in ({ids}) and retired_at is null";

// No way leads through a host that is retired: what is found behind it does no harm. To ask for it on the way would let
// SQLite read all hosts first, to see which are.

/// What hosts run on, and what that runs on.
const LINES: &str = "
    with recursive line (id) as (
        select id from hosts where id in ({ids})
        union
        select h.runs_on from line l join hosts h on h.id = l.id
    )
    select id, runs_on from hosts where id in (select id from line) and retired_at is null";

/// What runs on hosts, and on that; with the components behind it all.
const GUESTS: &str = "
    with recursive guest (id) as (
        select id from hosts where id in ({ids})
        union
        select h.id from guest g join hosts h on h.runs_on = g.id
    )
    select h.id, h.runs_on, c.component_id from hosts h left join component_hosts c on c.host_id = h.id
    where h.id in (select id from guest) and h.retired_at is null";

/// Hosts and components of the work that is being done. SQLite joins across in the order that is written.
const WORKS: &str = "
    with works (id) as (select id from maintenances where state in ('in_progress', 'verifying'))
    select w.id, m.host_id, null from works w cross join maintenance_hosts m where m.maintenance_id = w.id
    union all
    select w.id, null, m.component_id from works w cross join maintenance_components m where m.maintenance_id = w.id
    union all
    select w.id, (select h.id from hosts h where h.id = c.host_id and h.retired_at is null), null
    from works w cross join maintenance_components m cross join component_hosts c
    where m.maintenance_id = w.id and c.component_id = m.component_id";

impl Tx {
    /// Hosts and components in use, as far as they are called so.
    ///
    /// # Errors
    /// The database refused.
    pub async fn known_names(&mut self, called: &Called) -> Result<Known, StoreError> {
        let mut known = Known::default();
        for names in parts(called.hosts.iter().map(String::as_str)) {
            let found = fetch_by_ids!(self, (String, Uuid), HOSTS, &names);
            known.hosts.extend(found.into_iter().map(|(name, id)| (name, HostId(id))));
        }
        // What is called by a name counts before what has it in its address: it comes last.
        for text in [BY_SLUG, BY_NAME] {
            for names in parts(called.components.iter().map(String::as_str)) {
                let found = fetch_by_ids!(self, (String, Uuid), text, &names);
                known.components.extend(found.into_iter().map(|(name, id)| (name, ComponentId(id))));
            }
        }
        Ok(known)
    }

    /// As much of [`Tx::topology`] as there is around hosts: what they run on, what runs on them, and the components behind
    /// themselves and those.
    ///
    /// # Errors
    /// The database refused.
    pub async fn topology_around(&mut self, hosts: &BTreeSet<HostId>) -> Result<Topology, StoreError> {
        let mut nodes: BTreeMap<HostId, Option<HostId>> = BTreeMap::new();
        let mut behind: BTreeSet<(ComponentId, HostId)> = BTreeSet::new();
        for hosts in parts(hosts.iter().map(|id| id.0)) {
            let found = fetch_by_ids!(self, (Uuid, Option<Uuid>), LINES, &hosts);
            nodes.extend(found.into_iter().map(|(id, on)| (HostId(id), on.map(HostId))));
            for (id, on, component) in fetch_by_ids!(self, (Uuid, Option<Uuid>, Option<Uuid>), GUESTS, &hosts) {
                nodes.insert(HostId(id), on.map(HostId));
                behind.extend(component.map(|component| (ComponentId(component), HostId(id))));
            }
        }
        Ok(Topology {
            hosts: nodes.into_iter().map(|(id, runs_on)| HostNode { id, runs_on }).collect(),
            behind: behind.into_iter().collect(),
        })
    }

    /// The work that is being done.
    ///
    /// # Errors
    /// The database refused.
    pub async fn works(&mut self) -> Result<Vec<Work>, StoreError> {
        let rows: Vec<(Uuid, Option<Uuid>, Option<Uuid>)> =
            on_tx!(self, |x| sqlx::query_as(WORKS).fetch_all(x).await?);
        let mut works: BTreeMap<MaintenanceId, Work> = BTreeMap::new();
        for (id, host, component) in rows {
            let id = MaintenanceId(id);
            let fresh = || Work { id, hosts: BTreeSet::new(), components: BTreeSet::new() };
            let work = works.entry(id).or_insert_with(fresh);
            work.hosts.extend(host.map(HostId));
            work.components.extend(component.map(ComponentId));
        }
        Ok(works.into_values().collect())
    }
}
