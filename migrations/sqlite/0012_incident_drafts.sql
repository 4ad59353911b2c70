-- What the first update of a draft is to say; empty once it is published.
alter table incidents add column draft_text text not null default '';

-- The worst that an incident ever said of a component: it stays as bad as it was when all recover.
alter table incidents add column worst text not null default 'operational'
    check (worst in ('operational', 'degraded_performance', 'partial_outage', 'major_outage'));

create index incidents_resolved on incidents (resolved_at) where resolved_at is not null;

-- Texts for incidents too. SQLite can not change a check in its place.
create table message_templates_new (
    id blob primary key,
    name text not null,
    name_key text not null,
    used_for text not null check (used_for in ('announce', 'progress', 'extend', 'finish', 'cancel', 'incident', 'incident_update')),
    title text not null,
    body text not null,
    retired_at bigint,
    created_at bigint not null,
    version bigint not null default 1
);
insert into message_templates_new (id, name, name_key, used_for, title, body, retired_at, created_at, version)
select id, name, name_key, used_for, title, body, retired_at, created_at, version from message_templates;
drop table message_templates;
alter table message_templates_new rename to message_templates;
create unique index message_templates_name on message_templates (name_key) where retired_at is null;
