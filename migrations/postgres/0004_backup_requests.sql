-- Extra runs that somebody wants. At most one per job is open.
create table backup_requests (
    id uuid primary key,
    job_id uuid not null references jobs (id) on delete cascade,
    state text not null check (state in ('requested', 'sent', 'fetched', 'running', 'done', 'failed', 'timed_out', 'cancelled')),
    asked_by text not null,
    token_id uuid references api_tokens (id),
    maintenance_id uuid references maintenances (id) on delete set null,
    asked_at bigint not null,
    -- None while it waits for the dump that the job is to carry.
    not_before_at bigint,
    told_at bigint,
    run_id uuid references runs (id) on delete set null,
    run_started_at bigint,
    ended_at bigint,
    due_at bigint,
    attempts bigint not null default 0,
    next_try_at bigint,
    problem text,
    version bigint not null default 1
);
create unique index backup_requests_open on backup_requests (job_id) where state in ('requested', 'sent', 'fetched', 'running');
create index backup_requests_of on backup_requests (job_id, asked_at desc, id desc);
create index backup_requests_for on backup_requests (maintenance_id, asked_at desc) where maintenance_id is not null;
create index backup_requests_ended on backup_requests (ended_at) where ended_at is not null;
create index backup_requests_token on backup_requests (token_id, asked_at) where token_id is not null;

-- How the backup system of a job is told; of the secret that signs the calls only the hash is here.
create table job_triggers (
    job_id uuid primary key references jobs (id) on delete cascade,
    url text not null,
    template text not null check (template in ('generic', 'bareos', 'jenkins', 'rundeck', 'proxmox')),
    remote_name text not null,
    secret_hash text not null,
    secret_version bigint not null,
    version bigint not null default 1
);

-- What the holder of a token may ask for: extra runs of these data sets, so many in 24 hours.
create table request_grants (
    token_id uuid primary key references api_tokens (id),
    per_day bigint not null check (per_day > 0)
);
create table request_grant_data_sets (
    token_id uuid not null references request_grants (token_id) on delete cascade,
    data_set_id uuid not null references data_sets (id) on delete cascade,
    primary key (token_id, data_set_id)
);
create table request_grant_uses (
    token_id uuid not null references request_grants (token_id) on delete cascade,
    request_id uuid not null references backup_requests (id) on delete cascade,
    used_at bigint not null,
    primary key (token_id, request_id)
);
create index request_grant_uses_age on request_grant_uses (token_id, used_at);
