-- As with windows: lead times in seconds with commas between them; none has those of the site.
alter table series add column reminders text;
