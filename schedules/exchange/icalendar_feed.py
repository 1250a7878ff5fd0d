"""A calendar that people subscribe to: each visit an event that moves with the timetable.

RFC 5545 for events and their states, RFC 7986 for a calendar's name and how often it is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

_PROGRAM = "-//bus-ops//mobile library//EN"


@dataclass(frozen=True)
class FeedVisit:
    """A visit as a subscriber sees it.

    ``uid`` stays the same for the visit's whole life and ``sequence`` grows with each change, so
    that a moved or cancelled visit updates the event that calendars hold already. ``position`` is
    latitude and longitude.
    """

    uid: str
    sequence: int
    changed_at: datetime
    begins: datetime
    ends: datetime
    summary: str
    location: str
    description: str = ""
    url: str = ""
    position: tuple[float, float] | None = None
    cancelled: bool = False


def calendar_feed(
    name: str, language: str, visits: Iterable[FeedVisit], fetch_every: timedelta
) -> bytes:
    """An iCalendar file of the visits, times in UTC.

    ``language`` (of RFC 5646) is that of the words, ``fetch_every`` how often subscribers ask.
    """
    calendar = Calendar()
    calendar.add("prodid", _PROGRAM)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name, parameters={"LANGUAGE": language})
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", fetch_every, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{round(fetch_every.total_seconds() / 60)}M")
    for visit in visits:
        calendar.add_component(_event(visit))
    return bytes(calendar.to_ical())


def _event(visit: FeedVisit) -> Event:
    event = Event()
    event.add("uid", visit.uid)
    event.add("sequence", visit.sequence)
    event.add("dtstamp", visit.changed_at.astimezone(UTC))
    event.add("last-modified", visit.changed_at.astimezone(UTC))
    event.add("dtstart", visit.begins.astimezone(UTC))
    event.add("dtend", visit.ends.astimezone(UTC))
    event.add("summary", visit.summary)
    event.add("location", visit.location)
    event.add("status", "CANCELLED" if visit.cancelled else "CONFIRMED")
    if visit.description:
        event.add("description", visit.description)
    if visit.url:
        event.add("url", visit.url)
    if visit.position is not None:
        event.add("geo", visit.position)
    return event
