"""What icalendar (PyPI) reads in calendars that the service writes.

calendars.py FOLDER: each <name>.ics there says what <name>.json tells.
"""

import datetime
import json
import pathlib
import sys

from icalendar import Calendar


def party(value):
    return {"name": str(value.params.get("CN", "")), "address": str(value).removeprefix("mailto:")}


def instant(value):
    assert value.dt.utcoffset() == datetime.timedelta(0), value
    return value.dt.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(event):
    text = lambda name: None if event.get(name) is None else str(event[name])
    found = {
        "uid": text("UID"),
        "sequence": int(event["SEQUENCE"]),
        "starts_at": instant(event["DTSTART"]),
        "ends_at": instant(event["DTEND"]),
        "summary": text("SUMMARY"),
        "description": text("DESCRIPTION"),
        "location": text("LOCATION"),
        "url": text("URL"),
        "status": text("STATUS"),
    }
    if "ORGANIZER" in event:
        found["organizer"] = party(event["ORGANIZER"])
        found["attendee"] = party(event["ATTENDEE"]) | {"role": str(event["ATTENDEE"].params["ROLE"])}
    return found


def main(folder):
    events = 0
    files = sorted(pathlib.Path(folder).glob("*.ics"))
    for file in files:
        expected = json.loads(file.with_suffix(".json").read_text("utf-8"))
        calendar = Calendar.from_ical(file.read_bytes())
        found = [read(event) for event in calendar.walk("VEVENT")]
        name = calendar.get("NAME")
        got = {"method": str(calendar["METHOD"]), "name": None if name is None else str(name), "events": found}
        if got != expected:
            sys.exit(f"{file.name}: icalendar reads\n{got}\nwanted\n{expected}")
        events += len(found)
    print(f"icalendar reads {len(files)} calendars with {events} events as they were written")


main(sys.argv[1])
