-- Work that repeats. `rule` is an RRULE (RFC 5545) over local dates from `local_start` on; the
-- windows it makes are rows of `maintenances` like any other.
create table series (
    id uuid primary key,
    title text not null,
    message text not null,
    rule text not null,
    zone text not null,
    local_start text not null,
    length_s bigint not null check (length_s > 0),
    may_wait_s bigint not null check (may_wait_s >= 0),
    -- What becomes of a start that the clocks skip, and which of two that they show twice.
    gap text not null check (gap in ('skip', 'move')),
    fold text not null check (fold in ('earlier', 'later')),
    auto_start boolean not null,
    auto_complete boolean not null,
    -- Line by line.
    checklist text not null,
    problem text,
    ended_at bigint,
    created_by uuid references users (id),
    created_at bigint not null,
    version bigint not null default 1
);
create index series_open on series (created_at) where ended_at is null;

create table series_hosts (
    series_id uuid not null references series (id) on delete cascade,
    host_id uuid not null references hosts (id),
    primary key (series_id, host_id)
);
create index series_hosts_host on series_hosts (host_id);

create table series_components (
    series_id uuid not null references series (id) on delete cascade,
    component_id uuid not null references components (id),
    primary key (series_id, component_id)
);
create index series_components_component on series_components (component_id);

-- A date of a series is dealt with once, on whichever node: the key says so. The row stays when its
-- draft is thrown away. `zone`, `local_start`, `start_fold` and `length_s` are what the series gave it.
create table series_occurrences (
    series_id uuid not null references series (id) on delete cascade,
    date text not null,
    maintenance_id uuid unique references maintenances (id) on delete set null,
    zone text not null,
    local_start text not null,
    start_fold text check (start_fold in ('earlier', 'later')),
    length_s bigint not null,
    primary key (series_id, date)
);

-- Windows that moved because the rules of their zone did, and whether their subscribers are to be told.
create table zone_moves (
    maintenance_id uuid primary key references maintenances (id) on delete cascade,
    update_id uuid not null references maintenance_updates (id) on delete cascade,
    old_starts_at bigint not null,
    old_ends_at bigint not null,
    starts_at bigint not null,
    -- Release of the zone database.
    rules text not null,
    found_at bigint not null,
    decided_at bigint,
    decided_by text,
    told boolean
);
create index zone_moves_open on zone_moves (found_at) where decided_at is null;
