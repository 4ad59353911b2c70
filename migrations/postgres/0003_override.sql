-- Going ahead against the gate by two people. `reasons_json` is what was listed when it was asked
-- for, `scope_json`, `starts_at` and `ends_at` the window as it was then.
create table overrides (
    id uuid primary key,
    maintenance_id uuid not null references maintenances (id),
    state text not null check (state in ('asked', 'confirmed', 'refused', 'withdrawn', 'void')),
    why text not null,
    reasons_json text not null,
    scope_json text not null,
    starts_at bigint not null,
    ends_at bigint not null,
    asked_by uuid not null references users (id),
    asked_at bigint not null,
    confirmed_by uuid references users (id),
    confirmed_at bigint,
    ended_by uuid references users (id),
    ended_at bigint,
    end_why text,
    version bigint not null default 1,
    -- Two people means two.
    check (confirmed_by is null or confirmed_by <> asked_by),
    check (state <> 'confirmed' or confirmed_by is not null)
);
create index overrides_of on overrides (maintenance_id, asked_at desc);
create unique index overrides_asked on overrides (maintenance_id) where state = 'asked';
create unique index overrides_confirmed on overrides (maintenance_id) where state = 'confirmed';

create table checklist_lines (
    maintenance_id uuid not null references maintenances (id) on delete cascade,
    position bigint not null,
    line text not null,
    ticked_by text,
    ticked_at bigint,
    primary key (maintenance_id, position)
);

-- Why a window was completed with lines of its checklist open.
alter table maintenances add column done_anyway text;
