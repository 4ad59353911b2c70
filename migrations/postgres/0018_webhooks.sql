-- Addresses that are called with each piece of news. Those of a subscriber hear what the subscription hears; the
-- secret that signs is derived, and only its hash is here.
create table webhooks (
    id uuid primary key,
    name text not null,
    url text not null,
    host text not null,
    topics bigint not null,
    state text not null check (state in ('active', 'paused', 'disabled')),
    off_reason text check (off_reason in ('gone', 'failing')),
    off_at bigint,
    failing_since_at bigint,
    given_up bigint not null default 0,
    subscriber_id uuid references subscribers (id) on delete cascade,
    secret_hash text not null,
    secret_version bigint not null default 1,
    created_at bigint not null,
    version bigint not null default 1
);
create index webhooks_subscriber on webhooks (subscriber_id);

create table webhook_components (
    webhook_id uuid not null references webhooks (id) on delete cascade,
    component_id uuid not null references components (id) on delete cascade,
    primary key (webhook_id, component_id)
);
create index webhook_components_component on webhook_components (component_id);

-- What every webhook is sent of a notification, written when it was told.
create table webhook_bodies (
    notification_id uuid primary key references notifications (id) on delete cascade,
    body_json text not null
);

-- The outbox for webhooks, as `deliveries` is for subscribers. `number` is that of the notification: the order of telling.
-- A call that somebody queued again by hand is made once.
create table webhook_deliveries (
    notification_id uuid not null references notifications (id) on delete cascade,
    webhook_id uuid not null references webhooks (id) on delete cascade,
    number bigint not null,
    state text not null check (state in ('queued', 'sending', 'sent', 'failed', 'dropped')),
    by_hand boolean not null default false,
    attempts bigint not null default 0,
    ambiguous bigint not null default 0,
    due_at bigint not null,
    done_at bigint,
    last_error text,
    primary key (notification_id, webhook_id)
);
create index webhook_deliveries_waiting on webhook_deliveries (webhook_id, state, number)
    where state in ('queued', 'sending');
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, number);
