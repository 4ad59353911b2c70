-- Restore drills: rehearsals of the restore of a data set, or of a whole host where none is named.
create table drills (
    id uuid primary key,
    host_id uuid not null references hosts (id),
    data_set_id uuid references data_sets (id),
    kind text not null check (kind in ('restore', 'verify')),
    state text not null check (state in ('planned', 'running', 'succeeded', 'failed', 'abandoned')),
    -- What it proves: that a restore works and how fast ('measured'), that it works ('proof'), that
    -- the backup can be read ('evidence'), nothing ('').
    worth text not null check (worth in ('measured', 'proof', 'evidence', '')),
    planned_at bigint,
    started_at bigint,
    finished_at bigint,
    -- Until the first byte came back; part of the whole.
    startup_s bigint,
    bytes bigint,
    who text not null,
    evidence_url text,
    note text not null,
    -- The program that reported it and its own id, empty and null for what people entered.
    source text not null,
    report_key text,
    created_at bigint not null,
    version bigint not null default 1,
    listed_at bigint generated always as (coalesce(finished_at, started_at, created_at)) stored,
    check (state not in ('succeeded', 'failed', 'abandoned') or finished_at is not null)
);
create unique index drills_reported on drills (host_id, source, report_key) where report_key is not null;
create index drills_listed on drills (listed_at desc, id desc);
create index drills_of_host on drills (host_id, listed_at desc, id desc);
create index drills_of_data_set on drills (data_set_id);
create index drills_state on drills (state, listed_at desc, id desc);
create index drills_open on drills (planned_at, id) where state in ('planned', 'running');
-- For the gate: each question about a data set or a host is one step into one of these.
create index drills_worth_of_data_set on drills (data_set_id, worth, finished_at desc, id desc);
create index drills_worth_of_host on drills (host_id, worth, finished_at desc, id desc);
create index drills_worth_of_whole_host on drills (host_id, worth, finished_at desc, id desc) where data_set_id is null;

alter table site add column drill_max_age_s bigint not null default 15552000;
alter table site add column rto_s bigint;
alter table site add column slow_restore_blocks boolean not null default false;
-- How long runs are kept; null is for ever. Five years.
alter table site add column keep_runs_s bigint default 157766400;

alter table hosts add column drill_max_age_s bigint;
alter table hosts add column rto_s bigint;
alter table hosts add column slow_restore_blocks boolean;

-- Runs named in the evidence of a verdict: never deleted, and the reference sees to it.
create table evidence_runs (
    run_id uuid primary key references runs (id)
);
insert into evidence_runs (run_id)
select distinct r.id from verdicts v
cross join lateral jsonb_path_query(v.evidence_json::jsonb, '$.**.runs[*].id') as found (id)
join runs r on r.id = (found.id #>> '{}')::uuid;
