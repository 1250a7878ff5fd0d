"""Importing a coordinator's list of places: a dry run, then the change.

A place is known again by its official code, by the row it came from, else by its name in its
commune, also where somebody made it by hand: importing a file twice changes nothing, and a
corrected file updates what it corrects. An empty cell leaves what is known as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select

from schedules.exchange.spreadsheet import Table, TableRow
from schedules.searching import place_name_key, search_key
from schedules.travel import Position

from ..database import db
from .list_columns import FIELDS
from .list_words import Communes, kind_in, kind_in_name, level_in, quality_in
from .models import AdministrativeUnit, Place, PlaceKind, PositionQuality
from .positions import Source, source_of, trust
from .units import assign_units


class RowFault(StrEnum):
    """What is wrong with a value of a list."""

    NO_NAME = "no_name"
    NOT_A_NUMBER = "not_a_number"
    POSITION_OUTSIDE = "position_outside"
    UNKNOWN_COMMUNE = "unknown_commune"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_LEVEL = "unknown_level"
    UNKNOWN_QUALITY = "unknown_quality"
    REPEATED = "repeated"
    TOO_LONG = "too_long"


REMEDIES: dict[RowFault, LazyString] = {
    RowFault.NO_NAME: _l("The name is missing. Fill in the cell."),
    RowFault.NOT_A_NUMBER: _l("Not a number. Write degrees as 10.0360."),
    RowFault.POSITION_OUTSIDE: _l(
        "Outside the globe. Check latitude and longitude; are they the wrong way round?"
    ),
    RowFault.UNKNOWN_COMMUNE: _l("No single commune of this name. Write “Xã …” or “Phường …”."),
    RowFault.UNKNOWN_KIND: _l("Unknown kind of place. It is taken as “Other”."),
    RowFault.UNKNOWN_LEVEL: _l("Unknown level of school. It is left empty."),
    RowFault.UNKNOWN_QUALITY: _l(
        "Unknown word. The position is taken as approximate; write “chính xác” or “gần đúng”."
    ),
    RowFault.REPEATED: _l("The same place stands further up. Delete one of the two rows."),
    RowFault.TOO_LONG: _l("Too long. Shorten the text."),
}
FATAL = {RowFault.NO_NAME, RowFault.NOT_A_NUMBER, RowFault.POSITION_OUTSIDE, RowFault.REPEATED}
FATAL |= {RowFault.TOO_LONG}

LONGEST = {
    "name": 200,
    "official_code": 40,
    "address": 300,
    "contact_name": 120,
    "contact_phone": 40,
    "contact_email": 254,
    "gate_notes": 2000,
    "parking_notes": 2000,
    "note": 2000,
}
_POSITION_FIELDS = ("lat", "lon", "position_quality", "position_source")


@dataclass(frozen=True)
class ListProblem:
    """A value that is wrong, where it stands, and whether its row was left out."""

    file: str
    line: int
    column: str
    value: str
    fault: RowFault

    @property
    def fatal(self) -> bool:
        """Whether the row is not taken."""
        return self.fault in FATAL


@dataclass(frozen=True)
class PlannedPlace:
    """A row as a place wants it; ``same_as`` is the place it is recognised as by its name."""

    key: str
    line: int
    values: Mapping[str, Any]
    extra: Mapping[str, str]
    state: str
    place_id: int | None = None
    same_as: str = ""


@dataclass(frozen=True)
class ListPlan:
    """What importing would do; nothing is written yet."""

    file: str
    places: tuple[PlannedPlace, ...]
    problems: tuple[ListProblem, ...]
    kept_columns: tuple[str, ...]

    def count(self, state: str) -> int:
        """How many places are "new", "changed" or "unchanged"."""
        return sum(place.state == state for place in self.places)

    @property
    def approximate_count(self) -> int:
        """How many rows tell only roughly where the place stands."""
        wanted = PositionQuality.APPROXIMATE
        return sum(place.values.get("position_quality") == wanted for place in self.places)

    @property
    def recognised(self) -> tuple[PlannedPlace, ...]:
        """Rows taken for a place that is here already because of its name."""
        return tuple(place for place in self.places if place.same_as)


def plan_places(
    table: Table, file: str, mapping: Mapping[str, str], organisation_id: int
) -> ListPlan:
    """What importing the table would do with this mapping of columns to fields."""
    return _Planner(table, file, mapping, organisation_id).plan()


def apply_plan(plan: ListPlan, organisation_id: int) -> int:
    """Write the new and changed places; answers how many."""
    existing = {place.id: place for place in _places(organisation_id)}
    written = 0
    for planned in plan.places:
        if planned.state == "unchanged":
            continue
        place = existing.get(planned.place_id or 0)
        if place is None:
            place = Place(organisation_id=organisation_id, import_key=planned.key)
            place.source = source_of(Source.LIST, plan.file)
            db.session.add(place)
        for name, value in planned.values.items():
            setattr(place, name, value)
        place.extra = {**(place.extra or {}), **planned.extra}
        place.geocoder_asked_at = None
        assign_units(place)
        written += 1
    return written


def _places(organisation_id: int) -> list[Place]:
    query = select(Place).where(Place.organisation_id == organisation_id).order_by(Place.id)
    return list(db.session.scalars(query))


class _KnownPlaces:
    """The library's places by every way a row can mean them."""

    def __init__(self, organisation_id: int) -> None:
        self._by_key: dict[str, Place] = {}
        self._by_code: dict[str, Place] = {}
        self._by_name: dict[str, list[Place]] = {}
        for place in _places(organisation_id):
            if place.import_key:
                self._by_key[place.import_key] = place
            if place.official_code:
                self._by_code.setdefault(search_key(place.official_code), place)
            self._by_name.setdefault(place_name_key(place.name), []).append(place)

    def meant_by(self, key: str, values: Mapping[str, Any]) -> Place | None:
        """The place of this code or of this very row."""
        code = search_key(values.get("official_code", ""))
        return self._by_code.get(code) if code in self._by_code else self._by_key.get(key)

    def named_like(self, values: Mapping[str, Any]) -> Place | None:
        """The only place of this name in the commune, or where one of both tells no commune."""
        code = search_key(values.get("official_code", ""))
        commune_id = values.get("commune_id")
        alike = [
            place
            for place in self._by_name.get(place_name_key(values["name"]), [])
            if not (code and place.official_code) and not _is_of_a_timetable(place)
        ]
        same = [place for place in alike if place.commune_id == commune_id]
        if commune_id is not None and len(same) == 1:
            return same[0]
        # A commune misspelt at first must not make a second place once it is corrected.
        open_ones = [p for p in alike if p.commune_id is None or commune_id is None]
        return open_ones[0] if len(alike) == len(open_ones) == 1 else None


def _is_of_a_timetable(place: Place) -> bool:
    """Published timetables know their places by keys of their own, in villages of their own."""
    return bool(place.import_key) and not str(place.import_key).startswith("list:")


class _Planner:
    def __init__(
        self, table: Table, file: str, mapping: Mapping[str, str], organisation_id: int
    ) -> None:
        self._table = table
        self._file = file
        self._column = {
            field: (table.headers.index(header), header)
            for header, field in mapping.items()
            if field in FIELDS and header in table.headers
        }
        self._kept = [h for h in table.headers if not mapping.get(h)]
        self._known = _KnownPlaces(organisation_id)
        self._communes = Communes(organisation_id)
        self._shared_points = self._points_of_several_rows()
        self._problems: list[ListProblem] = []

    def plan(self) -> ListPlan:
        planned: list[PlannedPlace] = []
        seen: set[object] = set()
        for row in self._table.rows:
            place = self._place(row)
            if place is None:
                continue
            refused, left = _marks(place)
            if refused & seen:
                self._tell(row, "name", RowFault.REPEATED)
                continue
            seen |= left
            planned.append(place)
        return ListPlan(self._file, tuple(planned), tuple(self._problems), tuple(self._kept))

    def _place(self, row: TableRow) -> PlannedPlace | None:
        before = len(self._problems)
        cells = {field: self._cell(row, field) for field in LONGEST}
        values: dict[str, Any] = {field: cell for field, cell in cells.items() if cell}
        if not cells["name"]:
            self._tell(row, "name", RowFault.NO_NAME)
        for field, longest in LONGEST.items():
            if len(cells[field]) > longest:
                self._tell(row, field, RowFault.TOO_LONG)
        commune = self._commune(row)
        values |= self._kind_and_level(row, cells["name"])
        values |= self._position(row, commune)
        if commune is not None:
            values["commune_id"] = commune.id
        if any(problem.fatal for problem in self._problems[before:]):
            return None
        indexes = {header: self._table.headers.index(header) for header in self._kept}
        extra = {h: row.cells[i] for h, i in indexes.items() if row.cells[i]}
        planned = PlannedPlace(_key(values, commune), row.line, values, extra, "new")
        return self._compared(planned)

    def _compared(self, planned: PlannedPlace) -> PlannedPlace:
        """The row beside the place it means, if that is here already."""
        known = self._known.meant_by(planned.key, planned.values)
        alike = None if known else self._known.named_like(planned.values)
        place = known or alike
        if place is None:
            return planned
        values = dict(planned.values)
        if _is_better(place, values):
            values = {k: value for k, value in values.items() if k not in _POSITION_FIELDS}
        same = all(getattr(place, name) == value for name, value in values.items())
        extra = place.extra or {}
        same = same and all(extra.get(name) == text for name, text in planned.extra.items())
        return replace(
            planned,
            values=values,
            state="unchanged" if same else "changed",
            place_id=place.id,
            same_as=place.name if alike is not None else "",
        )

    def _cell(self, row: TableRow, field: str) -> str:
        return row.cells[self._column[field][0]] if field in self._column else ""

    def _tell(self, row: TableRow, field: str, fault: RowFault) -> None:
        column = self._column[field][1] if field in self._column else str(FIELDS[field][0])
        value = self._cell(row, field)[:80]
        self._problems.append(ListProblem(self._file, row.line, column, value, fault))

    def _commune(self, row: TableRow) -> AdministrativeUnit | None:
        typed = self._cell(row, "commune")
        if not typed:
            return None
        found = self._communes.named(typed)
        if found is None:
            self._tell(row, "commune", RowFault.UNKNOWN_COMMUNE)
        return found

    def _kind_and_level(self, row: TableRow, name: str) -> dict[str, Any]:
        level_text, kind_text = self._cell(row, "level"), self._cell(row, "kind")
        level = level_in(level_text or name)
        if level_text and level is None:
            self._tell(row, "level", RowFault.UNKNOWN_LEVEL)
        kind = kind_in(kind_text) if kind_text else kind_in_name(name)
        if kind_text and kind is None:
            self._tell(row, "kind", RowFault.UNKNOWN_KIND)
        if kind is None and not kind_text and level is None:
            # Nothing told: what is known stays.
            return {}
        kind = kind or (PlaceKind.SCHOOL if level else PlaceKind.OTHER)
        if kind != PlaceKind.SCHOOL:
            return {"kind": kind, "level": None}
        return {"kind": kind, "level": level} if level else {"kind": kind}

    def _position(self, row: TableRow, commune: AdministrativeUnit | None) -> dict[str, Any]:
        lat, lon = self._degrees(row, "lat", 90), self._degrees(row, "lon", 180)
        if lat is None or lon is None:
            return _at_commune(commune)
        position = Position(lat, lon)
        pointed_at = self._communes.with_point(position)
        if pointed_at is not None:
            # Whatever the list says: this is where the commune stands, not the place.
            return _at_commune(pointed_at)
        source = self._cell(row, "position_source") or source_of(Source.LIST, self._file)
        return {
            "lat": lat,
            "lon": lon,
            "position_quality": self._quality(row, position),
            "position_source": source[:120],
        }

    def _quality(self, row: TableRow, position: Position) -> PositionQuality:
        """What the list says; else a point that several places share is none's own."""
        stated = self._cell(row, "quality")
        if stated:
            quality = quality_in(stated)
            if quality is None:
                self._tell(row, "quality", RowFault.UNKNOWN_QUALITY)
            return quality or PositionQuality.APPROXIMATE
        shared = position in self._shared_points
        return PositionQuality.APPROXIMATE if shared else PositionQuality.EXACT

    def _points_of_several_rows(self) -> set[Position]:
        points: Counter[Position] = Counter()
        for row in self._table.rows:
            lat, lon = _number(self._cell(row, "lat")), _number(self._cell(row, "lon"))
            if lat is not None and lon is not None:
                points[Position(lat, lon)] += 1
        return {point for point, rows in points.items() if rows > 1}

    def _degrees(self, row: TableRow, field: str, limit: int) -> float | None:
        text = self._cell(row, field)
        if not text:
            return None
        value = _number(text)
        if value is None:
            self._tell(row, field, RowFault.NOT_A_NUMBER)
        elif not -limit <= value <= limit:
            self._tell(row, field, RowFault.POSITION_OUTSIDE)
            return None
        return value


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _at_commune(commune: AdministrativeUnit | None) -> dict[str, Any]:
    if commune is None or commune.lat is None:
        return {}
    return {
        "lat": commune.lat,
        "lon": commune.lon,
        "position_quality": PositionQuality.APPROXIMATE,
        "position_source": source_of(Source.COMMUNE, commune.full_name),
    }


def _is_better(place: Place, values: Mapping[str, Any]) -> bool:
    """Whether the place's own position is better known than the row's."""
    quality = values.get("position_quality", PositionQuality.MISSING)
    offered = trust(quality, values.get("position_source", ""))
    return trust(place.position_quality, place.position_source) > offered


def _marks(planned: PlannedPlace) -> tuple[set[object], set[object]]:
    """What no row above may have left, and what this row leaves: one place stands once in a list.

    Two codes are two places even where the names are the same; a row without a code is the same
    as any of its name in its commune.
    """
    marks: set[object] = {planned.key}
    if planned.place_id is not None:
        marks.add(planned.place_id)
    commune_id = planned.values.get("commune_id")
    if commune_id is None:
        return marks, marks
    name = (place_name_key(planned.values["name"]), commune_id)
    if planned.values.get("official_code"):
        return marks | {(*name, "without code")}, marks | {name}
    return marks | {name}, marks | {name, (*name, "without code")}


def _key(values: Mapping[str, Any], commune: AdministrativeUnit | None) -> str:
    code = values.get("official_code")
    if code:
        return f"list:code:{search_key(code)}"
    where = commune.code if commune else search_key(values.get("address", ""))
    return f"list:name:{search_key(values['name'])}|{where}"[:400]
