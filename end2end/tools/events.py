"""Prints the events of a calendar as python-icalendar reads them.

Usage: events.py FILE        prints a JSON list of {uid, start, status}
"""

import json
import sys
from datetime import timezone

from icalendar import Calendar

calendar = Calendar.from_ical(open(sys.argv[1], "rb").read())
print(
    json.dumps(
        [
            {
                "uid": str(event["UID"]),
                "start": event["DTSTART"].dt.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "status": str(event["STATUS"]),
            }
            for event in calendar.walk("VEVENT")
        ]
    )
)
