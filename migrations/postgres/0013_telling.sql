-- What a notification is about: a window, an incident, an announcement … Mails about one thing go to everybody who got
-- an earlier one, and an older one that still waits gives way to a newer one.
alter table notifications add column subject_id uuid;
update notifications set subject_id = maintenance_id;
drop index notifications_of;
alter table notifications drop column maintenance_id;
alter table notifications drop column update_id;
create index notifications_of on notifications (subject_id, created_at);

-- What a subscriber wants to hear of, a bit for each topic: all but action items and reports.
alter table subscribers add column topics bigint not null default 15;

-- The newest change that readers can see: it rises with each, over all nodes and starts.
create table changes (
    one bigint primary key check (one = 1),
    number bigint not null
);
insert into changes (one, number) values (1, 0);
