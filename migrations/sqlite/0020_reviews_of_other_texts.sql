-- A review is of the text as it is: one of a text that was changed after it was published is none any more.
update post_mortems set reviewer_id = null, reviewed_at = null where edited_at > reviewed_at;

-- What waits for somebody: what is not public yet, and what was changed since.
drop index post_mortems_open;
create index post_mortems_open on post_mortems (updated_at, incident_id) where state <> 'published' or reviewer_id is null;
