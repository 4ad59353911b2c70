-- A private component is for the team alone: absent from every public page, feed and mail.
alter table components add column is_private boolean not null default false;

-- The last number given to an incident: never given twice.
alter table site add column incident_number bigint not null default 0;

create table incidents (
    id uuid primary key,
    number bigint not null unique,
    title text not null,
    -- A draft is known to the team alone; a discarded draft stays for the audit.
    state text not null check (state in ('draft', 'investigating', 'identified', 'monitoring', 'resolved', 'discarded')),
    -- Empty where it follows from the states of the components.
    impact_override text check (impact_override in ('none', 'minor', 'major', 'critical')),
    -- When the trouble began: never in the future.
    started_at bigint not null,
    published_at bigint,
    resolved_at bigint,
    -- Entered after the fact: marked in public, nobody was told.
    is_backfilled boolean not null default false,
    -- The planned work that caused it.
    maintenance_id uuid references maintenances (id),
    created_by uuid references users (id),
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null default 1
);
create index incidents_open on incidents (state, started_at desc) where state in ('draft', 'investigating', 'identified', 'monitoring');
create index incidents_start on incidents (started_at desc, id desc);
create index incidents_maintenance on incidents (maintenance_id) where maintenance_id is not null;

-- How each component is by the newest word of the incident; 'operational' means recovered.
create table incident_components (
    incident_id uuid not null references incidents (id) on delete cascade,
    component_id uuid not null references components (id),
    state text not null check (state in ('operational', 'degraded_performance', 'partial_outage', 'major_outage')),
    primary key (incident_id, component_id)
);
create index incident_components_component on incident_components (component_id);

create table incident_updates (
    id uuid primary key,
    incident_id uuid not null references incidents (id) on delete cascade,
    state text not null check (state in ('investigating', 'identified', 'monitoring', 'resolved')),
    body text not null,
    at bigint not null,
    author_id uuid references users (id),
    -- What the author was, as customers read it; the name is for the team.
    author_role text not null check (author_role in ('operator', 'approver', 'admin', 'system')),
    told boolean not null,
    edited_at bigint,
    version bigint not null default 1
);
create index incident_updates_of on incident_updates (incident_id, at, id);

create table incident_update_components (
    update_id uuid not null references incident_updates (id) on delete cascade,
    component_id uuid not null references components (id),
    state text not null check (state in ('operational', 'degraded_performance', 'partial_outage', 'major_outage')),
    primary key (update_id, component_id)
);

-- Texts that an edit has replaced.
create table incident_update_versions (
    update_id uuid not null references incident_updates (id) on delete cascade,
    version bigint not null,
    state text not null,
    body text not null,
    at bigint not null,
    replaced_at bigint not null,
    replaced_by uuid references users (id),
    primary key (update_id, version)
);

-- How components were, from when to when, and by what: the history that figures are made of.
-- An open end is the state now.
create table impacts (
    id uuid primary key,
    component_id uuid not null references components (id),
    state text not null check (state in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage', 'unknown')),
    source text not null check (source in ('incident', 'maintenance', 'override', 'correction')),
    source_id uuid not null,
    from_at bigint not null,
    to_at bigint,
    check (to_at is null or from_at < to_at)
);
create index impacts_component on impacts (component_id, from_at, to_at);
create index impacts_source on impacts (source, source_id);
create index impacts_open on impacts (component_id) where to_at is null;
create index impacts_end on impacts (to_at, from_at);

-- A state set by hand, over all that follows from incidents and windows.
create table component_overrides (
    component_id uuid primary key references components (id) on delete cascade,
    state text not null check (state in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
    reason text not null,
    since_at bigint not null,
    set_by uuid references users (id),
    version bigint not null default 1
);

-- What windows have been up to now.
insert into impacts (id, component_id, state, source, source_id, from_at, to_at)
select gen_random_uuid(), c.component_id, 'under_maintenance', 'maintenance', m.id, m.started_at, m.ended_at
from maintenances m join maintenance_components c on c.maintenance_id = m.id
where m.started_at is not null and (m.ended_at is null or m.ended_at > m.started_at);

with recursive radius (maintenance_id, host_id) as (
    select h.maintenance_id, h.host_id from maintenance_hosts h
    where not exists (select 1 from maintenance_components c where c.maintenance_id = h.maintenance_id)
    union
    select r.maintenance_id, h.id from radius r join hosts h on h.runs_on = r.host_id
), touched (maintenance_id, component_id) as (
    select distinct r.maintenance_id, b.component_id from radius r join component_hosts b on b.host_id = r.host_id
)
insert into impacts (id, component_id, state, source, source_id, from_at, to_at)
select gen_random_uuid(), t.component_id, 'under_maintenance', 'maintenance', m.id, m.started_at, m.ended_at
from touched t join maintenances m on m.id = t.maintenance_id
where m.started_at is not null and (m.ended_at is null or m.ended_at > m.started_at);
