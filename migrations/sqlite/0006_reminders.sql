-- Lead times in seconds with commas between them; empty is no reminder.
alter table site add column reminders text not null default '259200,86400,3600';
-- None has those of the site.
alter table maintenances add column reminders text;

-- What was settled about a window, a start and a lead time: sent, or passed over (then `notification_id` is null).
-- The primary key is what makes each go once, on any number of nodes.
create table reminders (
    maintenance_id blob not null references maintenances (id) on delete cascade,
    starts_at bigint not null,
    lead_s bigint not null,
    settled_at bigint not null,
    notification_id blob references notifications (id) on delete set null,
    -- How many subscribers it went to.
    told bigint,
    primary key (maintenance_id, starts_at, lead_s)
);

create table message_templates (
    id blob primary key,
    name text not null,
    name_key text not null,
    used_for text not null check (used_for in ('announce', 'progress', 'extend', 'finish', 'cancel')),
    title text not null,
    body text not null,
    retired_at bigint,
    created_at bigint not null,
    version bigint not null default 1
);
create unique index message_templates_name on message_templates (name_key) where retired_at is null;

-- Windows that were scheduled before there were reminders: those whose instant has gone by are not made up for.
insert into reminders (maintenance_id, starts_at, lead_s, settled_at)
    select m.id, m.starts_at, l.lead_s, n.ms
    from maintenances m,
        (select 259200 as lead_s union all select 86400 union all select 3600) l,
        (select cast(strftime('%s', 'now') as integer) * 1000 as ms) n
    where m.state = 'scheduled' and m.starts_at - l.lead_s * 1000 <= n.ms;
