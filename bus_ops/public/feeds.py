"""Open visits and stops in the forms that other programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from schedules.exchange.geojson_stops import StopPoint
from schedules.exchange.gtfs import Agency, FeedCall, FeedDay, FeedRoute, FeedStop, gtfs_feed
from schedules.exchange.icalendar_feed import FeedVisit, calendar_feed
from schedules.exchange.mobile_library_csv import StopRow, write_mobile_library_csv
from schedules.recurrence import Recurrence

from ..accounts.models import Organisation
from ..config import TIMEZONE
from ..database import now
from ..i18n import at_minutes, local, minutes_of_day
from ..timetable.generating import recurrence_of
from ..timetable.models import Stop, TimetableChange, Visit, VisitStatus
from .open_timetable import OpenStop, changes_of

# How often calendars ask for what became different.
FETCH_EVERY = timedelta(hours=6)


def calendar_of(
    name: str, language: str, visits: Sequence[Visit], page: str | None = None
) -> bytes:
    """The visits as a calendar to subscribe to; each leads to ``page``, or to its stop's page."""
    changes = changes_of(visits)
    events = [
        _event(visit, page or _page_of(visit.stop_id, language), changes.get(visit.id))
        for visit in visits
    ]
    return calendar_feed(name, language, events, FETCH_EVERY)


def stop_points(stops: Sequence[OpenStop], language: str) -> list[StopPoint]:
    """The stops with their next visit, for a map."""
    return [
        StopPoint(one.stop.id, one.stop.place.lat, one.stop.place.lon, stop_facts(one, language))
        for one in stops
    ]


def stop_facts(one: OpenStop, language: str) -> dict[str, Any]:
    """What is told of a stop to programs."""
    place, visit = one.stop.place, one.next_visit
    return {
        "id": one.stop.id,
        "name": place.name,
        "address": place.address,
        "commune": place.commune_name,
        "next_visit": visit_facts(visit, language) if visit else None,
        "url": _page_of(one.stop.id, language),
        "calendar": url_for(
            "public.stop_calendar", language=language, stop_id=one.stop.id, _external=True
        ),
    }


def visit_facts(visit: Visit, language: str) -> dict[str, Any]:
    """What is told of a visit to programs; times with their zone."""
    return {
        "id": visit.id,
        "stop": visit.stop_id,
        "place": visit.place.name,
        "van": visit.run.van.display_name,
        "day": visit.day.isoformat(),
        "arrives": local(visit.arrival_at).isoformat(),
        "departs": local(visit.departure_at).isoformat(),
        "cancelled": visit.plan_status == VisitStatus.CANCELLED,
        "url": _page_of(visit.stop_id, language),
    }


def mobile_library_csv(
    stops: Sequence[Stop], visits: Sequence[Visit], organisation: Organisation
) -> str:
    """The open stops in the mobile library schema of Local Authority open data.

    A stop that keeps to its rule is one row, as it was imported. One whose days were planned has a
    row for each coming visit: the schema has no list of dates.
    """
    coming: dict[int, list[Visit]] = {}
    for visit in visits:
        if visit.plan_status != VisitStatus.CANCELLED:
            coming.setdefault(visit.stop_id, []).append(visit)
    rows: list[StopRow] = []
    for stop in stops:
        rows += _rows_of(stop, coming.get(stop.id, []), organisation)
    return write_mobile_library_csv(rows)


def gtfs_of(visits: Sequence[Visit], organisation: Organisation, language: str) -> bytes | None:
    """Coming visits as GTFS; None where no van serves two open stops on a day."""
    stops = {
        visit.stop_id: FeedStop(
            str(visit.stop_id),
            visit.place.name,
            position.lat,
            position.lon,
            _page_of(visit.stop_id, language),
        )
        for visit in visits
        if (position := visit.place.position) is not None
    }
    vans = {visit.run.van_id: visit.run.van for visit in visits}
    calls: dict[tuple[int, date], list[FeedCall]] = {}
    for visit in visits:
        if visit.plan_status != VisitStatus.CANCELLED:
            call = FeedCall(str(visit.stop_id), *_times_of(visit))
            calls.setdefault((visit.run.van_id, visit.day), []).append(call)
    home = url_for("public.timetable", language=language, _external=True)
    return gtfs_feed(
        Agency(organisation.name, home, TIMEZONE, language),
        list(stops.values()),
        [FeedRoute(str(key), van.display_name) for key, van in vans.items()],
        [FeedDay(str(van), day, tuple(some)) for (van, day), some in calls.items()],
        version=f"{now():%Y-%m-%d}",
    )


def _rows_of(stop: Stop, visits: Sequence[Visit], organisation: Organisation) -> list[StopRow]:
    if stop.planned is None:
        recurrence = replace(recurrence_of(stop), planned=None, end=stop.ends_on)
        times = _usual_times(stop, visits)
        return [_row(stop, times, recurrence, organisation)] if times else []
    return [_row(stop, _times_of(visit), _once(visit.day), organisation) for visit in visits]


def _usual_times(stop: Stop, visits: Sequence[Visit]) -> tuple[int, int] | None:
    """Its published times; where it has none those of its next visit."""
    if stop.fixed_arrival is not None and stop.fixed_departure is not None:
        return stop.fixed_arrival, stop.fixed_departure
    return _times_of(visits[0]) if visits else None


def _times_of(visit: Visit) -> tuple[int, int]:
    return (
        minutes_of_day(visit.arrival_at, visit.day),
        minutes_of_day(visit.departure_at, visit.day),
    )


def _once(day: date) -> Recurrence:
    return Recurrence("FREQ=DAILY;COUNT=1", day, day, frozenset(), None)


def _row(
    stop: Stop, times: tuple[int, int], recurrence: Recurrence, organisation: Organisation
) -> StopRow:
    place = stop.place
    return StopRow(
        file="",
        line=0,
        organisation=stop.van.operator or organisation.name,
        mobile=stop.van.name,
        # The schema wants one.
        route=stop.route.name if stop.route else stop.van.name,
        community=place.community or place.commune_name,
        stop=place.name,
        address=place.address,
        postcode=place.postcode,
        lat=place.lat,
        lon=place.lon,
        type=stop.kind.value,
        arrival=times[0],
        departure=times[1],
        recurrence=recurrence,
        timetable=stop.timetable_url,
    )


def _event(visit: Visit, page: str, changed: tuple[int, TimetableChange] | None) -> FeedVisit:
    place = visit.place
    count, last = changed if changed else (0, None)
    cancelled = visit.plan_status == VisitStatus.CANCELLED
    where = [place.name, place.address, place.commune_name]
    return FeedVisit(
        uid=f"visit-{visit.id}.library-{visit.organisation_id}@bus-ops",
        sequence=count,
        changed_at=last.at if last else _published_at(visit),
        begins=visit.arrival_at,
        ends=visit.departure_at,
        summary=_("Library van: %(place)s", place=place.name),
        location=", ".join(filter(None, where)),
        description=visit.stop.promised,
        url=page,
        position=None if place.position is None else (place.position.lat, place.position.lon),
        cancelled=cancelled,
    )


def _published_at(visit: Visit) -> datetime:
    term = visit.stop.term
    return min(now(), term.published_at or at_minutes(term.starts_on, 0))


def _page_of(stop_id: int, language: str) -> str:
    return url_for("public.stop_page", language=language, stop_id=stop_id, _external=True)


def as_mapping(items: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """A list as programs get it: under its name, with its length."""
    return {"count": len(items), name: list(items)}
