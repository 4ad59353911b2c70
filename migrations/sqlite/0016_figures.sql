-- What trouble costs, in percent of its time; a major outage costs all of it.
alter table site add column partial_weight bigint not null default 50 check (partial_weight between 0 and 100);
alter table site add column degraded_weight bigint not null default 0 check (degraded_weight between 0 and 100);

-- What somebody says a component was, over everything else. Withdrawn ones stay, for the log.
create table corrections (
    id blob primary key,
    component_id blob not null references components (id),
    state text not null check (state in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage', 'unknown')),
    from_at bigint not null,
    to_at bigint not null,
    reason text not null,
    created_at bigint not null,
    created_by blob references users (id),
    by_name text not null,
    withdrawn_at bigint,
    withdrawn_by_name text,
    withdrawn_why text,
    version bigint not null default 1,
    check (from_at < to_at)
);
create index corrections_component on corrections (component_id, created_at desc);

-- Time by state for each component and day of the site's zone, in milliseconds: only of days that are over and on
-- which a component was not simply operational. No row means that nothing happened.
create table component_days (
    component_id blob not null references components (id) on delete cascade,
    day text not null,
    operational_ms bigint not null,
    planned_ms bigint not null,
    degraded_ms bigint not null,
    degraded_planned_ms bigint not null,
    partial_ms bigint not null,
    partial_planned_ms bigint not null,
    major_ms bigint not null,
    unknown_ms bigint not null,
    primary key (component_id, day)
);
create index component_days_day on component_days (day);

-- Up to when days have been counted, and by which clocks.
create table counted_days (
    one bigint primary key check (one = 1),
    zone text not null,
    zone_rules text not null,
    until_at bigint not null
);

-- What has changed since it was counted: noted where impacts change, so that no way of changing them can forget it.
create table stale_days (
    id blob primary key,
    component_id blob not null references components (id) on delete cascade,
    from_at bigint not null,
    to_at bigint
);
create index stale_days_from on stale_days (from_at);

create trigger impacts_insert_stale after insert on impacts
when new.from_at < (select until_at from counted_days where one = 1)
begin
    insert into stale_days (id, component_id, from_at, to_at)
    values (randomblob(16), new.component_id, new.from_at, new.to_at);
end;
create trigger impacts_delete_stale after delete on impacts
when old.from_at < (select until_at from counted_days where one = 1)
begin
    insert into stale_days (id, component_id, from_at, to_at)
    values (randomblob(16), old.component_id, old.from_at, old.to_at);
end;
-- Where only the end moves, what lies before both ends is as it was.
create trigger impacts_end_stale after update on impacts
when old.component_id = new.component_id and old.state = new.state and old.source = new.source and old.from_at = new.from_at
    and coalesce(old.to_at, -1) <> coalesce(new.to_at, -1)
    and min(coalesce(old.to_at, new.to_at), coalesce(new.to_at, old.to_at)) < (select until_at from counted_days where one = 1)
begin
    insert into stale_days (id, component_id, from_at, to_at)
    values (
        randomblob(16), new.component_id, min(coalesce(old.to_at, new.to_at), coalesce(new.to_at, old.to_at)),
        case when old.to_at is null or new.to_at is null then null else max(old.to_at, new.to_at) end
    );
end;
create trigger impacts_update_stale after update on impacts
when old.component_id <> new.component_id or old.state <> new.state or old.source <> new.source or old.from_at <> new.from_at
begin
    insert into stale_days (id, component_id, from_at, to_at)
    values (randomblob(16), old.component_id, old.from_at, old.to_at),
        (randomblob(16), new.component_id, new.from_at, new.to_at);
end;
