-- What trouble costs, in percent of its time; a major outage costs all of it.
alter table site add column partial_weight bigint not null default 50 check (partial_weight between 0 and 100);
alter table site add column degraded_weight bigint not null default 0 check (degraded_weight between 0 and 100);

-- What somebody says a component was, over everything else. Withdrawn ones stay, for the log.
create table corrections (
    id uuid primary key,
    component_id uuid not null references components (id),
    state text not null check (state in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage', 'unknown')),
    from_at bigint not null,
    to_at bigint not null,
    reason text not null,
    created_at bigint not null,
    created_by uuid references users (id),
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
    component_id uuid not null references components (id) on delete cascade,
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
    id uuid primary key,
    component_id uuid not null references components (id) on delete cascade,
    from_at bigint not null,
    to_at bigint
);
create index stale_days_from on stale_days (from_at);

create function note_stale_days() returns trigger language plpgsql as $$
declare
    counted_until bigint := (select until_at from counted_days where one = 1);
    -- Where only the end moves, what lies before both ends is as it was.
    ends_at bigint;
begin
    if tg_op = 'UPDATE' and old.component_id = new.component_id and old.state = new.state and old.source = new.source
        and old.from_at = new.from_at
    then
        ends_at := least(old.to_at, new.to_at);
        if old.to_at is distinct from new.to_at and ends_at < counted_until then
            insert into stale_days (id, component_id, from_at, to_at)
            values (
                gen_random_uuid(), new.component_id, ends_at,
                case when old.to_at is null or new.to_at is null then null else greatest(old.to_at, new.to_at) end
            );
        end if;
        return null;
    end if;
    if tg_op <> 'INSERT' and old.from_at < counted_until then
        insert into stale_days (id, component_id, from_at, to_at)
        values (gen_random_uuid(), old.component_id, old.from_at, old.to_at);
    end if;
    if tg_op <> 'DELETE' and new.from_at < counted_until then
        insert into stale_days (id, component_id, from_at, to_at)
        values (gen_random_uuid(), new.component_id, new.from_at, new.to_at);
    end if;
    return null;
end
$$;
create trigger impacts_stale after insert or update or delete on impacts
    for each row execute function note_stale_days();
