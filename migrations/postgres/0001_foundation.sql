-- Instants are unix milliseconds (`*_at`), lengths are seconds (`*_s`), ids are UUIDs,
-- hashes are lower-case hex. A planned time keeps its local text and zone as the truth.

create table site (
    one smallint primary key check (one = 1),
    install_id uuid not null,
    name text not null,
    zone text not null,
    schedule_max_age_s bigint not null,
    start_max_age_s bigint not null,
    lead_s bigint not null,
    warnings_are_good boolean not null,
    -- The last number given to a maintenance: never given twice, also when a draft is deleted.
    maintenance_number bigint not null default 0,
    version bigint not null default 1
);

create table users (
    id uuid primary key,
    email text not null,
    email_key text not null unique,
    name text not null,
    role text not null check (role in ('viewer', 'operator', 'approver', 'admin')),
    -- Empty until an invited person has chosen one.
    password_hash text not null,
    disabled_at bigint,
    signed_in_at bigint,
    created_at bigint not null,
    version bigint not null default 1
);

-- Wrong passwords by hashed sign-in name, whether there is such a person or not.
create table sign_in_attempts (
    name_hash text primary key,
    failed_count bigint not null,
    last_at bigint not null,
    retry_at bigint not null
);
create index sign_in_attempts_age on sign_in_attempts (last_at);

create table sessions (
    id_hash text primary key,
    user_id uuid references users (id) on delete cascade,
    data text not null,
    created_at bigint not null,
    expires_at bigint not null
);
create index sessions_expiry on sessions (expires_at);
create index sessions_user on sessions (user_id);

create table one_time_links (
    token_hash text primary key,
    purpose text not null check (purpose in ('setup', 'invite', 'reset')),
    user_id uuid references users (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);

create table api_tokens (
    id uuid primary key,
    name text not null,
    scopes text not null,
    secret_hash text not null,
    created_by uuid references users (id),
    created_at bigint not null,
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint
);

create table audit_log (
    id uuid primary key,
    at bigint not null,
    actor text not null,
    user_id uuid,
    token_id uuid,
    action text not null,
    object text not null,
    object_id text not null,
    object_name text not null,
    before_json text,
    after_json text,
    ip text
);
create index audit_at on audit_log (at desc, id desc);
create index audit_object on audit_log (object, object_id, at desc);

create table hosts (
    id uuid primary key,
    name text not null,
    name_key text not null,
    note text not null default '',
    runs_on uuid references hosts (id),
    exempt_reason text,
    exempt_by text,
    exempt_at bigint,
    schedule_max_age_s bigint,
    start_max_age_s bigint,
    warnings_are_good boolean,
    created_at bigint not null,
    retired_at bigint,
    version bigint not null default 1
);
create unique index hosts_name on hosts (name_key) where retired_at is null;
create index hosts_runs_on on hosts (runs_on);

create table data_sets (
    id uuid primary key,
    host_id uuid not null references hosts (id),
    name text not null,
    name_key text not null,
    kind text not null check (kind in ('files', 'database', 'image', 'other')),
    created_at bigint not null,
    retired_at bigint,
    version bigint not null default 1
);
create unique index data_sets_name on data_sets (host_id, name_key) where retired_at is null;
create index data_sets_host on data_sets (host_id);

create table jobs (
    id uuid primary key,
    data_set_id uuid not null references data_sets (id),
    name text not null,
    name_key text not null,
    tool text not null default '',
    carried_by uuid references jobs (id),
    enabled boolean not null default true,
    every_s bigint not null,
    max_duration_s bigint not null,
    ping_hash text not null unique,
    ping_version bigint not null default 1,
    created_at bigint not null,
    retired_at bigint,
    version bigint not null default 1
);
create unique index jobs_name on jobs (data_set_id, name_key) where retired_at is null;
create index jobs_data_set on jobs (data_set_id);
create index jobs_carried_by on jobs (carried_by);

create table runs (
    id uuid primary key,
    job_id uuid not null references jobs (id),
    run_key text not null,
    state text not null check (state in ('running', 'succeeded', 'warning', 'failed', 'lost')),
    -- What it proves if its clock is right: 'good' and 'warning' can protect data, '' never does
    -- (no end, failed, dry run, partial).
    worth text not null check (worth in ('good', 'warning', '')),
    started_at bigint not null,
    start_assumed boolean not null,
    finished_at bigint,
    lost_at bigint,
    dry_run boolean not null,
    partial boolean not null,
    clock_fault boolean not null,
    received_at bigint not null,
    bytes bigint,
    files bigint,
    snapshot text,
    exit_code bigint,
    -- Where it stands in lists: at its start, unless its clock puts that into the future.
    listed_at bigint generated always as (case when started_at < received_at then started_at else received_at end) stored,
    unique (job_id, run_key)
);
create index runs_listed on runs (listed_at desc, id desc);
create index runs_of_job on runs (job_id, listed_at desc, id desc);
create index runs_state on runs (state, listed_at desc, id desc);
-- For the gate: each question about a job is one step into one of these, however many runs it has.
create index runs_telling on runs (job_id, started_at desc, received_at desc, id desc) where not dry_run and not clock_fault;
create index runs_worth on runs (job_id, worth, started_at desc, finished_at desc, id desc) where not clock_fault;
create index runs_faults on runs (job_id, worth, received_at desc, id desc) where clock_fault;
-- For reports without an id of their own, and for giving runs up.
create index runs_running on runs (job_id, started_at desc) where state = 'running';
create index runs_overdue on runs (lost_at) where state = 'running';

create table run_logs (
    run_id uuid primary key references runs (id) on delete cascade,
    body text not null
);

create table idempotency (
    token_id uuid not null,
    idempotency_key text not null,
    request_hash text not null,
    status bigint not null,
    response text not null,
    created_at bigint not null,
    primary key (token_id, idempotency_key)
);
create index idempotency_age on idempotency (created_at);

create table component_groups (
    id uuid primary key,
    name text not null,
    name_key text not null unique,
    position bigint not null,
    version bigint not null default 1
);

create table components (
    id uuid primary key,
    group_id uuid references component_groups (id),
    name text not null,
    name_key text not null,
    slug text not null,
    description text not null default '',
    position bigint not null,
    created_at bigint not null,
    retired_at bigint,
    version bigint not null default 1
);
create unique index components_name on components (name_key) where retired_at is null;
create unique index components_slug on components (slug) where retired_at is null;

create table component_hosts (
    component_id uuid not null references components (id) on delete cascade,
    host_id uuid not null references hosts (id),
    primary key (component_id, host_id)
);
create index component_hosts_host on component_hosts (host_id);

create table maintenances (
    id uuid primary key,
    number bigint not null unique,
    title text not null,
    message text not null,
    state text not null check (state in ('draft', 'scheduled', 'held', 'postponed', 'in_progress', 'verifying', 'completed', 'cancelled')),
    zone text not null,
    local_start text not null,
    start_fold text check (start_fold in ('earlier', 'later')),
    starts_at bigint not null,
    ends_at bigint not null,
    latest_end_at bigint not null,
    auto_start boolean not null,
    auto_complete boolean not null,
    sequence bigint not null,
    published_at bigint,
    held_at bigint,
    started_at bigint,
    ended_at bigint,
    day_check_at bigint,
    lead_check_at bigint,
    next_due_at bigint,
    created_by uuid references users (id),
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null default 1,
    check (starts_at < ends_at and ends_at <= latest_end_at)
);
create index maintenances_due on maintenances (next_due_at) where next_due_at is not null;
create index maintenances_state on maintenances (state, starts_at);
create index maintenances_start on maintenances (starts_at desc);

create table maintenance_hosts (
    maintenance_id uuid not null references maintenances (id) on delete cascade,
    host_id uuid not null references hosts (id),
    primary key (maintenance_id, host_id)
);
create index maintenance_hosts_host on maintenance_hosts (host_id);

create table maintenance_components (
    maintenance_id uuid not null references maintenances (id) on delete cascade,
    component_id uuid not null references components (id),
    primary key (maintenance_id, component_id)
);
create index maintenance_components_component on maintenance_components (component_id);

create table maintenance_updates (
    id uuid primary key,
    maintenance_id uuid not null references maintenances (id) on delete cascade,
    kind text not null check (kind in ('scheduled', 'rescheduled', 'changed', 'extended', 'held', 'postponed', 'started', 'verifying', 'completed', 'cancelled', 'note')),
    body text not null,
    at bigint not null,
    author_id uuid references users (id),
    old_starts_at bigint,
    old_ends_at bigint,
    starts_at bigint not null,
    ends_at bigint not null
);
create index maintenance_updates_of on maintenance_updates (maintenance_id, at);

create table verdicts (
    id uuid primary key,
    maintenance_id uuid not null references maintenances (id),
    asked_at bigint not null,
    occasion text not null check (occasion in ('schedule', 'change', 'day_before', 'lead', 'start', 'report')),
    confirmed boolean not null,
    until_at bigint,
    verdict_json text not null,
    evidence_json text not null
);
create index verdicts_of on verdicts (maintenance_id, asked_at desc);

create table subscribers (
    id uuid primary key,
    number bigint not null unique,
    email text not null,
    email_key text not null unique,
    state text not null check (state in ('pending', 'confirmed', 'unsubscribed', 'bounced')),
    zone text not null,
    token_version bigint not null default 1,
    confirm_sent_at bigint,
    confirm_count bigint not null default 0,
    confirm_day_at bigint,
    created_at bigint not null,
    confirmed_at bigint,
    ended_at bigint,
    version bigint not null default 1
);
create index subscribers_state on subscribers (state, created_at);

create table subscriber_components (
    subscriber_id uuid not null references subscribers (id) on delete cascade,
    component_id uuid not null references components (id) on delete cascade,
    primary key (subscriber_id, component_id)
);
create index subscriber_components_component on subscriber_components (component_id);

create table notifications (
    id uuid primary key,
    number bigint not null unique,
    kind text not null,
    maintenance_id uuid references maintenances (id),
    update_id uuid references maintenance_updates (id),
    content_json text not null,
    created_at bigint not null
);
create index notifications_of on notifications (maintenance_id, created_at);

create table notification_components (
    notification_id uuid not null references notifications (id) on delete cascade,
    component_id uuid not null references components (id) on delete cascade,
    primary key (notification_id, component_id)
);

-- `due_at` is when the row may be claimed: its turn while queued, the end of the lease while sending.
create table deliveries (
    notification_id uuid not null references notifications (id) on delete cascade,
    subscriber_id uuid not null references subscribers (id) on delete cascade,
    state text not null check (state in ('queued', 'sending', 'sent', 'failed', 'dropped')),
    attempts bigint not null default 0,
    ambiguous bigint not null default 0,
    due_at bigint not null,
    done_at bigint,
    last_error text,
    primary key (notification_id, subscriber_id)
);
create index deliveries_due on deliveries (due_at) where state in ('queued', 'sending');
create index deliveries_subscriber on deliveries (subscriber_id);
create index deliveries_state on deliveries (state, due_at);

create table feed_stamps (
    feed text primary key,
    body_hash text not null,
    modified_at bigint not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%', tg_argv[0];
end
$$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_change('the audit log is append-only');
create trigger verdicts_append_only before update or delete or truncate on verdicts
    for each statement execute function refuse_change('a verdict never changes');
