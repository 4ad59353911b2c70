-- Custom public metrics: numbers that programs push.
create table metrics (
    id blob primary key,
    slug text not null,
    name text not null,
    unit text not null,
    decimals bigint not null check (decimals between 0 and 6),
    aggregate text not null check (aggregate in ('mean', 'max', 'sum', 'last')),
    component_id blob references components (id),
    is_public boolean not null,
    position bigint not null,
    -- When points came last; written first by every push, so that pushes of one metric wait for each other.
    pushed_at bigint,
    created_at bigint not null,
    retired_at bigint,
    version bigint not null default 1
);
create unique index metrics_slug on metrics (slug) where retired_at is null;
create index metrics_component on metrics (component_id);

-- As they were pushed, for some days.
create table metric_points (
    metric_id blob not null references metrics (id) on delete cascade,
    at bigint not null,
    value real not null,
    primary key (metric_id, at)
) without rowid;

-- What plots are drawn from: points put together by 5 min, 1 h and 4 h.
create table metric_buckets (
    metric_id blob not null references metrics (id) on delete cascade,
    step_s bigint not null check (step_s in (300, 3600, 14400)),
    at bigint not null,
    count bigint not null,
    sum real not null,
    min real not null,
    max real not null,
    last real not null,
    last_at bigint not null,
    primary key (metric_id, step_s, at)
) without rowid;

-- The site's own figures, month by month.
create table report_figures (
    id blob primary key,
    slug text not null,
    name text not null,
    unit text not null,
    decimals bigint not null check (decimals between 0 and 6),
    better text not null check (better in ('up', 'down', 'neutral')),
    aggregate text not null check (aggregate in ('mean', 'max', 'sum', 'last')),
    is_public boolean not null,
    position bigint not null,
    created_at bigint not null,
    retired_at bigint,
    version bigint not null default 1
);
create unique index report_figures_slug on report_figures (slug) where retired_at is null;

create table report_values (
    month text not null,
    figure_id blob not null references report_figures (id) on delete cascade,
    value real not null,
    told_by text not null,
    told_at bigint not null,
    primary key (month, figure_id)
);

-- Monthly reports as they were put down, with their corrections.
create table reports (
    month text primary key,
    frozen_at bigint not null,
    headline_json text not null,
    content_json text not null,
    corrected_at bigint,
    version bigint not null default 1
);

create table report_corrections (
    id blob primary key,
    month text not null references reports (month),
    at bigint not null,
    corrected_by text not null,
    why text not null,
    changes_json text not null,
    -- The version that was replaced, and what it said.
    replaced bigint not null,
    content_json text not null,
    unique (month, replaced)
);

-- What a month was like is found without looking at all others.
create index maintenance_updates_at on maintenance_updates (at);
