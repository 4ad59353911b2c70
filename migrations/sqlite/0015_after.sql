-- What customers are told beside incidents and windows.
create table announcements (
    id blob primary key,
    -- Its part of the address: never given twice, never changed once it is public.
    slug text not null unique,
    title text not null,
    body text not null,
    category text not null check (category in ('announcement', 'changelog', 'security', 'policy')),
    state text not null check (state in ('draft', 'scheduled', 'published', 'withdrawn')),
    -- Publishing it tells subscribers.
    tells boolean not null default true,
    pinned boolean not null default false,
    -- The zone of both local times below; the instants beside them are derived.
    zone text not null,
    publish_local text,
    publish_fold text check (publish_fold in ('earlier', 'later')),
    publish_at bigint,
    banner_local text,
    banner_fold text check (banner_fold in ('earlier', 'later')),
    banner_at bigint,
    published_at bigint,
    edited_at bigint,
    withdrawn_at bigint,
    withdrawn_why text,
    created_by blob references users (id),
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null default 1,
    check ((state = 'scheduled') = (publish_at is not null)),
    check ((state in ('published', 'withdrawn')) = (published_at is not null))
);
create index announcements_published on announcements (published_at desc, id desc) where state = 'published';
create index announcements_category on announcements (category, published_at desc, id desc) where state = 'published';
create index announcements_due on announcements (publish_at) where state = 'scheduled';
create index announcements_banner on announcements (banner_at) where state = 'published' and banner_at is not null;
create index announcements_pinned on announcements (published_at desc) where state = 'published' and pinned;
create index announcements_state on announcements (state, id);

create table announcement_components (
    announcement_id blob not null references announcements (id) on delete cascade,
    component_id blob not null references components (id),
    primary key (announcement_id, component_id)
);
create index announcement_components_component on announcement_components (component_id);

-- Texts that an edit has replaced after they were public.
create table announcement_versions (
    announcement_id blob not null references announcements (id) on delete cascade,
    version bigint not null,
    title text not null,
    body text not null,
    category text not null,
    replaced_at bigint not null,
    replaced_by blob references users (id),
    primary key (announcement_id, version)
);

-- What was learned from an incident: one for each.
create table post_mortems (
    incident_id blob primary key references incidents (id),
    state text not null check (state in ('draft', 'in_review', 'published')),
    body text not null,
    -- Who changed the text last: somebody else has to review it.
    author_id blob references users (id),
    reviewer_id blob references users (id),
    reviewed_at bigint,
    -- Why it was sent back.
    note text,
    note_by blob references users (id),
    note_at bigint,
    published_at bigint,
    edited_at bigint,
    -- When subscribers heard that all its action items are done.
    items_told_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null default 1,
    check ((reviewer_id is null) = (reviewed_at is null)),
    check ((state = 'published') = (published_at is not null))
);
create index post_mortems_open on post_mortems (state, updated_at) where state <> 'published';

-- Texts that an edit has replaced.
create table post_mortem_versions (
    incident_id blob not null references post_mortems (incident_id) on delete cascade,
    version bigint not null,
    body text not null,
    was_public boolean not null,
    replaced_at bigint not null,
    replaced_by blob references users (id),
    primary key (incident_id, version)
);

-- What is done so that it does not happen again.
create table action_items (
    id blob primary key,
    incident_id blob not null references incidents (id),
    title text not null,
    -- Whose it is, as customers read it: a team or a role.
    owner text not null,
    -- Who does it, for the team alone.
    user_id blob references users (id),
    -- A day in the site's zone: 2014-06-30.
    due text,
    state text not null check (state in ('open', 'in_progress', 'done', 'dropped')),
    why text,
    link text,
    position bigint not null,
    created_at bigint not null,
    closed_at bigint,
    updated_at bigint not null,
    version bigint not null default 1,
    check ((state in ('done', 'dropped')) = (closed_at is not null)),
    check ((state = 'dropped') = (why is not null))
);
create index action_items_of on action_items (incident_id, position, id);
create index action_items_due on action_items (due) where state in ('open', 'in_progress');
