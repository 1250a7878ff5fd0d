"""The timetable as GTFS Schedule, a ZIP of CSV files.

https://gtfs.org/documentation/schedule/reference/

A route is a van, a trip one of its days; days with the same stops at the same times are one trip
whose service lists its dates in ``calendar_dates.txt``. GTFS knows trips from one stop to another
only: days on which a van serves a single stop, and stops without a position, have no place in it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

# A bus, among GTFS' kinds of vehicles the one that drives on roads.
_BUS = 3
# Nobody is picked up or set down: people come to the van.
_NO_RIDE = 1
_DIGITS = 6
# Archives of the same timetable are the same to the byte.
_STAMP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Agency:
    """The library that runs the van."""

    name: str
    url: str
    timezone: str
    language: str


@dataclass(frozen=True)
class FeedStop:
    """A stop that people come to."""

    key: str
    name: str
    lat: float
    lon: float
    url: str = ""


@dataclass(frozen=True)
class FeedRoute:
    """A van."""

    key: str
    name: str


@dataclass(frozen=True)
class FeedCall:
    """A stop on a van's day; times are minutes after local midnight."""

    stop: str
    arrival: int
    departure: int


@dataclass(frozen=True)
class FeedDay:
    """A van's day: its calls in order of time."""

    route: str
    day: date
    calls: tuple[FeedCall, ...]


def gtfs_feed(
    agency: Agency,
    stops: Sequence[FeedStop],
    routes: Sequence[FeedRoute],
    days: Iterable[FeedDay],
    version: str,
) -> bytes | None:
    """The archive; None where no day has two stops, for a feed without a trip is none."""
    known = {stop.key for stop in stops}
    trips: dict[tuple[str, tuple[FeedCall, ...]], list[date]] = {}
    for one in days:
        calls = tuple(call for call in one.calls if call.stop in known)
        if len(calls) > 1:
            trips.setdefault((one.route, calls), []).append(one.day)
    if not trips:
        return None
    used_stops = {call.stop for _route, calls in trips for call in calls}
    used_routes = {route for route, _calls in trips}
    every_day = [day for dates in trips.values() for day in dates]
    named = [(f"t{number}", *trip) for number, trip in enumerate(trips.items(), start=1)]
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "agency.txt": (
            ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
            [("library", agency.name, agency.url, agency.timezone, agency.language)],
        ),
        "stops.txt": (
            ("stop_id", "stop_name", "stop_lat", "stop_lon", "stop_url"),
            [
                (s.key, s.name, f"{s.lat:.{_DIGITS}f}", f"{s.lon:.{_DIGITS}f}", s.url)
                for s in stops
                if s.key in used_stops
            ],
        ),
        "routes.txt": (
            ("route_id", "agency_id", "route_long_name", "route_type"),
            [(r.key, "library", r.name, _BUS) for r in routes if r.key in used_routes],
        ),
        "trips.txt": (
            ("route_id", "service_id", "trip_id"),
            [(route, key, key) for key, (route, _calls), _dates in named],
        ),
        "calendar_dates.txt": (
            ("service_id", "date", "exception_type"),
            [(key, f"{day:%Y%m%d}", 1) for key, _trip, dates in named for day in sorted(dates)],
        ),
        "stop_times.txt": (
            (
                "trip_id",
                "arrival_time",
                "departure_time",
                "stop_id",
                "stop_sequence",
                "pickup_type",
                "drop_off_type",
            ),
            [
                (
                    key,
                    _clock(call.arrival),
                    _clock(call.departure),
                    call.stop,
                    number,
                    _NO_RIDE,
                    _NO_RIDE,
                )
                for key, (_route, calls), _dates in named
                for number, call in enumerate(calls, start=1)
            ],
        ),
        "feed_info.txt": (
            (
                "feed_publisher_name",
                "feed_publisher_url",
                "feed_lang",
                "feed_start_date",
                "feed_end_date",
                "feed_version",
            ),
            [
                (
                    agency.name,
                    agency.url,
                    agency.language,
                    f"{min(every_day):%Y%m%d}",
                    f"{max(every_day):%Y%m%d}",
                    version,
                )
            ],
        ),
    }
    return _zipped(tables)


def _zipped(tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, (columns, rows) in tables.items():
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(columns)
            writer.writerows(rows)
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, text.getvalue().encode())
    return archive.getvalue()


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
