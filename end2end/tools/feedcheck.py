"""Checks a calendar feed with two independent readers.

Usage: feedcheck.py FILE        needs the Python packages icalendar and ical
"""

import re
import sys

from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

raw = open(sys.argv[1], "rb").read()
assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r"), "line ends other than CRLF"
assert raw.endswith(b"END:VCALENDAR\r\n"), "no end"
lines = raw.split(b"\r\n")
assert max(map(len, lines)) <= 75, "a line is longer than 75 octets"
assert not any(line and not line.strip() for line in lines), "a blank line"
text = raw.decode("utf-8")

calendar = Calendar.from_ical(raw)
events = calendar.walk("VEVENT")
uids = [str(event["UID"]) for event in events]
assert len(set(uids)) == len(uids), "a UID occurs twice"
for key in ("VERSION", "PRODID", "METHOD", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"):
    assert calendar.get(key) is not None and not isinstance(calendar[key], list), key
for event in events:
    assert not event.errors, event.errors
    for key in ("UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "STATUS", "TRANSP", "URL"):
        assert key in event, key
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt, "DTSTAMP is not LAST-MODIFIED"
    assert event["DTEND"].dt > event["DTSTART"].dt, "no length"
    if event["STATUS"] == "CANCELLED":
        assert str(event["SUMMARY"]).startswith("[Cancelled]"), "cancelled, but the title does not say so"

# The time zone that keeps an empty feed valid has a local start, as RFC 5545 wants it.
dated = re.sub(r"BEGIN:VTIMEZONE.*?END:VTIMEZONE", "", text.replace("\r", ""), flags=re.S)
for value in re.findall(r"^(?:DTSTART|DTEND|DTSTAMP|CREATED|LAST-MODIFIED)[^:]*:(\S+)", dated, re.M):
    assert re.fullmatch(r"\d{8}T\d{6}Z", value), value
assert len(IcsCalendarStream.calendar_from_ics(text).events) == len(events), "the second reader disagrees"
print("ok", len(events))
