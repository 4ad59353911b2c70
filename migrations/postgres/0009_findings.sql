-- Who looks after a host; empty where nobody said.
alter table hosts add column owner text not null default '';

-- The hour of the day, in the site's zone, at which the team gets all open findings, and the day
-- whose mail was the last.
alter table site add column digest_hour bigint not null default 8 check (digest_hour between 0 and 23);
alter table site add column digest_day text;

-- What the site should know. At most one of a kind about one thing is open.
create table findings (
    id uuid primary key,
    kind text not null check (kind in ('unclaimed_host', 'no_dump_job', 'no_job', 'dump_late', 'dump_drifting', 'silent_job')),
    subject_id uuid not null,
    finding_json text not null,
    first_seen_at bigint not null,
    last_seen_at bigint not null,
    closed_at bigint,
    told_at bigint,
    acknowledged_reason text,
    acknowledged_by text,
    acknowledged_at bigint,
    acknowledged_until_at bigint,
    version bigint not null default 1
);
create unique index findings_open on findings (kind, subject_id) where closed_at is null;
create index findings_closed on findings (closed_at desc, id desc) where closed_at is not null;

-- Whether a person wants mails about findings; who never said so does. Raising the version of the
-- link ends those in earlier mails.
create table team_mail_choices (
    user_id uuid primary key references users (id) on delete cascade,
    wanted boolean not null,
    link_version bigint not null default 1
);

-- The outbox for people of the team, as `deliveries` is for subscribers.
create table team_deliveries (
    notification_id uuid not null references notifications (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    state text not null check (state in ('queued', 'sending', 'sent', 'failed', 'dropped')),
    attempts bigint not null default 0,
    ambiguous bigint not null default 0,
    due_at bigint not null,
    done_at bigint,
    last_error text,
    primary key (notification_id, user_id)
);
create index team_deliveries_due on team_deliveries (due_at) where state in ('queued', 'sending');
create index team_deliveries_user on team_deliveries (user_id);
