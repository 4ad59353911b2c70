-- What alerts have in common: each live alert belongs to exactly one, unless a rule ignores it.
create table causes (
    id uuid primary key,
    title text not null,
    state text not null check (state in ('open', 'window', 'over', 'merged')),
    incident_id uuid references incidents (id),
    -- The work on whose hosts it is: nobody is alarmed.
    maintenance_id uuid references maintenances (id),
    merged_into uuid references causes (id),
    keys_json text not null,
    components_json text not null,
    -- The rule that counts, and what it says, as it was then.
    rule_id uuid,
    rank bigint not null,
    plan_json text not null,
    alerts bigint not null,
    firing bigint not null,
    -- Alerts that the sender left out.
    truncated bigint not null default 0,
    started_at bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    quiet_at bigint,
    publish_at bigint,
    proposed_at bigint,
    due_at bigint,
    ended_at bigint
);
create index causes_live on causes (state, id) where state in ('open', 'window');
create index causes_due on causes (due_at) where due_at is not null;
create index causes_incident on causes (incident_id) where incident_id is not null;
create index causes_maintenance on causes (maintenance_id) where maintenance_id is not null;

create table alerts (
    id uuid primary key,
    -- The token that reports it.
    source_id uuid not null,
    fingerprint text not null,
    title text not null,
    grade text not null check (grade in ('info', 'warning', 'critical')),
    labels_json text not null,
    group_key text,
    host_id uuid references hosts (id) on delete set null,
    components_json text not null,
    cause_id uuid references causes (id),
    started_at bigint not null,
    first_seen_at bigint not null,
    last_seen_at bigint not null,
    seen bigint not null,
    ended_at bigint,
    flaps bigint not null default 0,
    link text,
    -- Its cause is over: when it comes back it is a new one.
    is_settled boolean not null default false
);
create unique index alerts_live on alerts (source_id, fingerprint) where not is_settled;
create index alerts_cause on alerts (cause_id, id) where cause_id is not null;

create table alert_rules (
    id uuid primary key,
    name text not null,
    position bigint not null,
    when_json text not null,
    then_json text not null,
    version bigint not null default 1
);

-- Labels that mean something.
create table alert_labels (
    one bigint primary key check (one = 1),
    cause_labels text not null,
    host_labels text not null,
    component_labels text not null,
    version bigint not null default 1
);
insert into alert_labels (one, cause_labels, host_labels, component_labels)
values (1, 'alertname cluster', 'host hostname node nodename instance', 'component service');
