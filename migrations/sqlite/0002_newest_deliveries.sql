-- The outbox is read newest first and by how a mail ended; who waits is found by `deliveries_due` alone, in order of
-- turn. An index that also knew waiting ones by state made each claim sort all of them.
drop index deliveries_state;
create index deliveries_ended on deliveries (state, notification_id, subscriber_id)
    where state = 'sent' or state = 'failed' or state = 'dropped';
