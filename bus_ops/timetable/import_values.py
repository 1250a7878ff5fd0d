"""What a file says of a stop and its place, what stands there now, and what was imported last.

The three together tell a correction of the file from a correction by hand: a value that is still
the last import's may be replaced, another one is somebody's work and stays unless they say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schedules.exchange.mobile_library_csv import StopRow
from schedules.exchange.stop_matching import StopLook
from schedules.recurrence import same_rule

from ..places.models import Place, PositionQuality
from .models import Stop, StopKind

SOURCE = "mobile library CSV"
# Fields whose change makes coming visits anew.
TIMETABLED = frozenset({"times", "rule", "dates", "exceptions", "enabled", "place", "position"})


@dataclass(frozen=True)
class FieldChange:
    """A field that the file would change; ``by_hand`` where it is not the last import's value."""

    field: str
    before: Any
    after: Any
    by_hand: bool


def stop_wish(row: StopRow) -> dict[str, Any]:
    """What a row says of a stop, as JSON keeps it."""
    rule = row.recurrence
    return {
        "kind": row.type,
        "times": [row.arrival, row.departure],
        "rule": rule.rule,
        "dates": [rule.start.isoformat(), rule.end.isoformat() if rule.end else None],
        "exceptions": [day.isoformat() for day in sorted(rule.exceptions)],
        "timetable": row.timetable,
        "extra": dict(row.extra),
        "enabled": True,
    }


def stop_now(stop: Stop) -> dict[str, Any]:
    """The same of a stop as it stands."""
    return {
        "kind": stop.kind.value,
        "times": [stop.fixed_arrival, stop.fixed_departure],
        "rule": stop.rule,
        "dates": [stop.starts_on.isoformat(), stop.ends_on.isoformat() if stop.ends_on else None],
        "exceptions": sorted(stop.exceptions),
        "timetable": stop.timetable_url,
        "extra": dict(stop.extra),
        "enabled": stop.enabled,
    }


def stop_columns(wish: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Columns of a stop that these fields decide."""
    columns: dict[str, Any] = {}
    for field in fields:
        value = wish[field]
        match field:
            case "kind":
                columns["kind"] = StopKind(value)
            case "times":
                # A day is driven in the order of its published times.
                arrival, departure = value
                columns |= {"fixed_arrival": arrival, "fixed_departure": departure}
                columns |= {"service_minutes": departure - arrival, "route_position": arrival}
            case "dates":
                starts_on, ends_on = (date.fromisoformat(day) if day else None for day in value)
                columns |= {"starts_on": starts_on, "ends_on": ends_on}
            case "timetable":
                columns["timetable_url"] = value
            case _:
                columns[field] = value
    return columns


def place_wish(row: StopRow) -> dict[str, Any]:
    """What a row says of a place."""
    return {
        "name": row.stop,
        "community": row.community,
        "address": row.address,
        "postcode": row.postcode,
        "position": None if row.lat is None else [row.lat, row.lon],
    }


def place_now(place: Place) -> dict[str, Any]:
    """The same of a place as it stands."""
    return {
        "name": place.name,
        "community": place.community,
        "address": place.address,
        "postcode": place.postcode,
        "position": None if place.lat is None else [place.lat, place.lon],
    }


def place_columns(wish: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Columns of a place that these fields decide."""
    columns = {field: wish[field] for field in fields if field != "position"}
    if "position" in fields:
        lat, lon = wish["position"] or (None, None)
        quality = PositionQuality.MISSING if lat is None else PositionQuality.EXACT
        columns |= {"lat": lat, "lon": lon, "position_quality": quality}
        columns["position_source"] = "" if lat is None else SOURCE
    return columns


def changes(
    wish: Mapping[str, Any], now: Mapping[str, Any], imported: Mapping[str, Any]
) -> tuple[FieldChange, ...]:
    """What the wish would change of what stands there."""
    found = []
    for field, value in wish.items():
        if _same(field, value, now[field], wish):
            continue
        # What a file never knew, it does not take away from those who found it out.
        if not value and field in imported and imported[field] == value:
            continue
        by_hand = field not in imported or not _same(field, imported[field], now[field], imported)
        found.append(FieldChange(field, now[field], value, by_hand))
    return tuple(found)


def _same(field: str, one: Any, other: Any, dates_from: Mapping[str, Any]) -> bool:
    if field != "rule" or one == other:
        return bool(one == other)
    return same_rule(one, other, date.fromisoformat(dates_from["dates"][0]))


def imported_of(row: StopRow, place_id: int) -> dict[str, Any]:
    """What a stop remembers of the row it was imported from."""
    seen = {
        "mobile": row.mobile,
        "route": row.route,
        "community": row.community,
        "stop": row.stop,
        "lat": row.lat,
        "lon": row.lon,
    }
    return {**stop_wish(row), "row": seen, "place_id": place_id}


def look_of_imported(imported: Mapping[str, Any]) -> StopLook:
    """How a stop looked when it was imported last."""
    seen = imported["row"]
    return StopLook(
        mobile=seen["mobile"].casefold(),
        route=seen["route"].casefold(),
        community=seen["community"].casefold(),
        stop=seen["stop"].casefold(),
        lat=seen["lat"],
        lon=seen["lon"],
        arrival=imported["times"][0],
        rule=imported["rule"],
        start=date.fromisoformat(imported["dates"][0]),
    )
