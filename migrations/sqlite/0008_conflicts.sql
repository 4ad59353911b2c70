-- What stands in the way of work beside the gate.
create table conflict_policy (
    one integer primary key check (one = 1),
    redundancy text not null check (redundancy in ('block', 'warn')),
    version bigint not null
);
insert into conflict_policy (one, redundancy, version) values (1, 'block', 1);

-- Hosts that stand in for each other. Without a force the policy holds.
create table redundancy_groups (
    id blob primary key,
    name text not null,
    name_key text not null unique,
    force text check (force in ('block', 'warn')),
    version bigint not null default 1
);
create table redundancy_hosts (
    group_id blob not null references redundancy_groups (id) on delete cascade,
    host_id blob not null references hosts (id) on delete cascade,
    primary key (group_id, host_id)
);
create index redundancy_hosts_host on redundancy_hosts (host_id);

-- Times in which no work is to be done, typed or imported from a calendar.
create table freezes (
    id blob primary key,
    name text not null,
    whole_site boolean not null,
    force text not null check (force in ('block', 'warn')),
    calendar text,
    calendar_key text,
    uid text,
    version bigint not null default 1,
    check ((calendar is null) = (uid is null) and (calendar is null) = (calendar_key is null))
);
create unique index freezes_entry on freezes (calendar_key, uid) where uid is not null;
create table freeze_hosts (
    freeze_id blob not null references freezes (id) on delete cascade,
    host_id blob not null references hosts (id) on delete cascade,
    primary key (freeze_id, host_id)
);
create table freeze_components (
    freeze_id blob not null references freezes (id) on delete cascade,
    component_id blob not null references components (id) on delete cascade,
    primary key (freeze_id, component_id)
);
create table freeze_times (
    freeze_id blob not null references freezes (id) on delete cascade,
    zone text not null,
    local_start text not null,
    local_end text not null,
    starts_at bigint not null,
    ends_at bigint not null check (ends_at > starts_at),
    primary key (freeze_id, starts_at)
);
create index freeze_times_end on freeze_times (ends_at);

-- Who went ahead in spite of what, and why. Never changes.
create table accepted_conflicts (
    id blob primary key,
    maintenance_id blob not null references maintenances (id) on delete cascade,
    at bigint not null,
    by_name text not null,
    why text not null,
    conflicts_json text not null
);
create index accepted_conflicts_of on accepted_conflicts (maintenance_id, at desc, id desc);
