-- What the first update of a draft is to say; empty once it is published.
alter table incidents add column draft_text text not null default '';

-- The worst that an incident ever said of a component: it stays as bad as it was when all recover.
alter table incidents add column worst text not null default 'operational'
    check (worst in ('operational', 'degraded_performance', 'partial_outage', 'major_outage'));

create index incidents_resolved on incidents (resolved_at) where resolved_at is not null;

-- Texts for incidents too.
alter table message_templates drop constraint message_templates_used_for_check;
alter table message_templates add constraint message_templates_used_for_check
    check (used_for in ('announce', 'progress', 'extend', 'finish', 'cancel', 'incident', 'incident_update'));
