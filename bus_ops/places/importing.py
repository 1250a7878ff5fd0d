"""Importing a coordinator's list of places: which column means what, a dry run, the change.

A place is known again by its official code, else by its name with its commune or address, so that
importing a file twice changes nothing and a corrected file updates what it corrects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select

from schedules.exchange.spreadsheet import Table, TableRow
from schedules.searching import search_key

from ..database import db, now
from .models import (
    AdministrativeUnit,
    ColumnMapping,
    Place,
    PlaceKind,
    PositionQuality,
    SchoolLevel,
    UnitLevel,
)
from .units import assign_units


class RowFault(StrEnum):
    """What is wrong with a value of a list."""

    NO_NAME = "no_name"
    NOT_A_NUMBER = "not_a_number"
    POSITION_OUTSIDE = "position_outside"
    UNKNOWN_COMMUNE = "unknown_commune"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_LEVEL = "unknown_level"
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
    RowFault.REPEATED: _l("The same place stands further up. Delete one of the two rows."),
    RowFault.TOO_LONG: _l("Too long. Shorten the text."),
}
FATAL = {RowFault.NO_NAME, RowFault.NOT_A_NUMBER, RowFault.POSITION_OUTSIDE, RowFault.REPEATED}
FATAL |= {RowFault.TOO_LONG}

# Fields of a place that a column can mean, and header words (without diacritics) that suggest it.
FIELDS: dict[str, tuple[LazyString, tuple[str, ...]]] = {
    "name": (
        _l("Name"),
        ("ten truong", "ten dia diem", "ten", "name", "place", "school", "truong"),
    ),
    "kind": (_l("Kind of place"), ("loai dia diem", "loai", "kind", "type")),
    "level": (_l("Level of school"), ("cap hoc", "cap", "level", "bac hoc")),
    "official_code": (_l("Official code"), ("ma truong", "ma so", "ma", "code", "id")),
    "address": (_l("Address"), ("dia chi", "address")),
    "commune": (
        _l("Commune or ward"),
        ("xa phuong", "phuong xa", "xa", "phuong", "commune", "ward"),
    ),
    "lat": (_l("Latitude"), ("vi do", "lat", "latitude", "y")),
    "lon": (_l("Longitude"), ("kinh do", "lon", "lng", "long", "longitude", "x")),
    "contact_name": (_l("Contact"), ("nguoi lien he", "lien he", "hieu truong", "contact")),
    "contact_phone": (_l("Telephone"), ("dien thoai", "so dien thoai", "sdt", "phone", "tel")),
    "contact_email": (_l("E-mail"), ("email", "e mail", "thu dien tu")),
    "gate_notes": (_l("Gate"), ("cong", "gate")),
    "parking_notes": (_l("Parking"), ("cho dau xe", "do xe", "parking")),
    "note": (_l("Note"), ("ghi chu", "note", "remark")),
}
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
_TEXT_FIELDS = tuple(LONGEST)
_LEVEL_WORDS = (
    ("mam non", SchoolLevel.KINDERGARTEN),
    ("mau giao", SchoolLevel.KINDERGARTEN),
    ("kindergarten", SchoolLevel.KINDERGARTEN),
    ("tieu hoc", SchoolLevel.PRIMARY),
    ("primary", SchoolLevel.PRIMARY),
    ("thcs", SchoolLevel.LOWER_SECONDARY),
    ("trung hoc co so", SchoolLevel.LOWER_SECONDARY),
    ("lower secondary", SchoolLevel.LOWER_SECONDARY),
    ("thpt", SchoolLevel.UPPER_SECONDARY),
    ("trung hoc pho thong", SchoolLevel.UPPER_SECONDARY),
    ("upper secondary", SchoolLevel.UPPER_SECONDARY),
)
_KIND_WORDS = (
    ("truong", PlaceKind.SCHOOL),
    ("school", PlaceKind.SCHOOL),
    ("thu vien", PlaceKind.LIBRARY),
    ("library", PlaceKind.LIBRARY),
    ("uy ban", PlaceKind.COMMUNE_OFFICE),
    ("ubnd", PlaceKind.COMMUNE_OFFICE),
    ("commune", PlaceKind.COMMUNE_OFFICE),
    ("nha van hoa", PlaceKind.CULTURAL_HOUSE),
    ("cultural", PlaceKind.CULTURAL_HOUSE),
    ("buu dien", PlaceKind.POST_OFFICE),
    ("post", PlaceKind.POST_OFFICE),
    ("tram y te", PlaceKind.HEALTH_STATION),
    ("health", PlaceKind.HEALTH_STATION),
    ("cho", PlaceKind.MARKET),
    ("market", PlaceKind.MARKET),
    ("street", PlaceKind.STREET),
    ("khac", PlaceKind.OTHER),
    ("other", PlaceKind.OTHER),
)


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
    """A row as a place wants it."""

    key: str
    line: int
    values: Mapping[str, Any]
    extra: Mapping[str, str]
    state: str


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


def header_mark(headers: Sequence[str]) -> str:
    """The look of a header: the same columns are recognised next time."""
    text = "\x1f".join(search_key(header) for header in headers)
    return hashlib.sha256(text.encode()).hexdigest()


def guessed_mapping(headers: Sequence[str]) -> dict[str, str]:
    """Which field each column most likely means; columns without a guess are left out."""
    mapping: dict[str, str] = {}
    taken: set[str] = set()
    keys = {header: search_key(header).replace("/", " ") for header in headers}
    for exact in (True, False):
        for field, (_label, words) in FIELDS.items():
            for header, key in keys.items():
                if field in taken or header in mapping:
                    continue
                fits = key in words if exact else any(_has_words(key, word) for word in words)
                if fits:
                    mapping[header] = field
                    taken.add(field)
    return mapping


def _has_words(key: str, words: str) -> bool:
    return len(words) > 2 and f" {words} " in f" {key} "


def remembered_mapping(organisation_id: int, headers: Sequence[str]) -> dict[str, str] | None:
    """The mapping that somebody chose for this header before."""
    row = db.session.scalar(_remembered(organisation_id, headers))
    return dict(row.columns) if row is not None else None


def remember_mapping(
    organisation_id: int, headers: Sequence[str], mapping: Mapping[str, str]
) -> None:
    """Keep a chosen mapping for the next file with this header."""
    row = db.session.scalar(_remembered(organisation_id, headers))
    if row is None:
        row = ColumnMapping(organisation_id=organisation_id, header_mark=header_mark(headers))
        db.session.add(row)
    row.columns = dict(mapping)
    row.used_at = now()


def _remembered(organisation_id: int, headers: Sequence[str]) -> Any:
    return select(ColumnMapping).where(
        ColumnMapping.organisation_id == organisation_id,
        ColumnMapping.header_mark == header_mark(headers),
    )


def plan_places(
    table: Table, file: str, mapping: Mapping[str, str], organisation_id: int
) -> ListPlan:
    """What importing the table would do with this mapping of columns to fields."""
    return _Planner(table, file, mapping, organisation_id).plan()


def apply_plan(plan: ListPlan, organisation_id: int) -> int:
    """Write the new and changed places; answers how many."""
    existing = _existing(organisation_id)
    written = 0
    for planned in plan.places:
        if planned.state == "unchanged":
            continue
        place = existing.get(planned.key)
        if place is None:
            place = Place(organisation_id=organisation_id, import_key=planned.key)
            place.source = plan.file
            db.session.add(place)
        for name, value in planned.values.items():
            setattr(place, name, value)
        place.extra = {**(place.extra or {}), **planned.extra}
        assign_units(place)
        written += 1
    return written


def _existing(organisation_id: int) -> dict[str, Place]:
    query = select(Place).where(
        Place.organisation_id == organisation_id, Place.import_key.startswith("list:")
    )
    return {place.import_key or "": place for place in db.session.scalars(query)}


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
        self._existing = _existing(organisation_id)
        self._communes = _communes(organisation_id)
        self._problems: list[ListProblem] = []

    def plan(self) -> ListPlan:
        planned: dict[str, PlannedPlace] = {}
        for row in self._table.rows:
            place = self._place(row)
            if place is None:
                continue
            if place.key in planned:
                self._tell(row, "name", RowFault.REPEATED)
                continue
            planned[place.key] = place
        return ListPlan(
            self._file, tuple(planned.values()), tuple(self._problems), tuple(self._kept)
        )

    def _place(self, row: TableRow) -> PlannedPlace | None:
        before = len(self._problems)
        values: dict[str, Any] = {
            field: self._cell(row, field) for field in _TEXT_FIELDS if field in self._column
        }
        if not values.get("name"):
            self._tell(row, "name", RowFault.NO_NAME)
        for field, longest in LONGEST.items():
            if len(values.get(field, "")) > longest:
                self._tell(row, field, RowFault.TOO_LONG)
        commune = self._commune(row)
        values |= self._kind_and_level(row, values.get("name", ""))
        values |= self._position(row, commune)
        if commune is not None:
            values["commune_id"] = commune.id
        if any(problem.fatal for problem in self._problems[before:]):
            return None
        key = _key(values, commune)
        indexes = {header: self._table.headers.index(header) for header in self._kept}
        extra = {h: row.cells[i] for h, i in indexes.items() if row.cells[i]}
        return PlannedPlace(key, row.line, values, extra, self._state(key, values, extra))

    def _state(self, key: str, values: Mapping[str, Any], extra: Mapping[str, str]) -> str:
        place = self._existing.get(key)
        if place is None:
            return "new"
        if place.position_quality == PositionQuality.EXACT:
            # A position somebody tapped is better than the commune's point.
            approximate = values.get("position_quality") != PositionQuality.EXACT
            if approximate and isinstance(values, dict):
                for name in ("lat", "lon", "position_quality", "position_source"):
                    values.pop(name, None)
        same = all(getattr(place, name) == value for name, value in values.items())
        same_extra = all((place.extra or {}).get(name) == text for name, text in extra.items())
        return "unchanged" if same and same_extra else "changed"

    def _cell(self, row: TableRow, field: str) -> str:
        return row.cells[self._column[field][0]] if field in self._column else ""

    def _tell(self, row: TableRow, field: str, fault: RowFault) -> None:
        column = self._column[field][1] if field in self._column else str(FIELDS[field][0])
        value = self._cell(row, field)[:80]
        self._problems.append(ListProblem(self._file, row.line, column, value, fault))

    def _commune(self, row: TableRow) -> AdministrativeUnit | None:
        typed = search_key(self._cell(row, "commune"))
        if not typed:
            return None
        found = self._communes.get(typed, [])
        if len(found) != 1:
            self._tell(row, "commune", RowFault.UNKNOWN_COMMUNE)
            return None
        return found[0]

    def _kind_and_level(self, row: TableRow, name: str) -> dict[str, Any]:
        level_text, kind_text = self._cell(row, "level"), self._cell(row, "kind")
        level = _level_of(level_text or name)
        if level_text and level is None:
            self._tell(row, "level", RowFault.UNKNOWN_LEVEL)
        kind = _first_word(kind_text or name, _KIND_WORDS)
        if kind_text and kind is None:
            self._tell(row, "kind", RowFault.UNKNOWN_KIND)
        if kind is None:
            kind = PlaceKind.SCHOOL if level else PlaceKind.OTHER
        return {"kind": kind, "level": level if kind == PlaceKind.SCHOOL else None}

    def _position(self, row: TableRow, commune: AdministrativeUnit | None) -> dict[str, Any]:
        lat, lon = self._degrees(row, "lat", 90), self._degrees(row, "lon", 180)
        if lat is not None and lon is not None:
            return {
                "lat": lat,
                "lon": lon,
                "position_quality": PositionQuality.EXACT,
                "position_source": self._file[:120],
            }
        if commune is not None and commune.lat is not None:
            return {
                "lat": commune.lat,
                "lon": commune.lon,
                "position_quality": PositionQuality.APPROXIMATE,
                "position_source": commune.full_name[:120],
            }
        return {}

    def _degrees(self, row: TableRow, field: str, limit: int) -> float | None:
        text = self._cell(row, field).replace(",", ".")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            self._tell(row, field, RowFault.NOT_A_NUMBER)
            return None
        if not -limit <= value <= limit:
            self._tell(row, field, RowFault.POSITION_OUTSIDE)
            return None
        return value


def _communes(organisation_id: int) -> dict[str, list[AdministrativeUnit]]:
    """Today's communes by every way to write their name."""
    query = select(AdministrativeUnit).where(
        AdministrativeUnit.organisation_id == organisation_id,
        AdministrativeUnit.level == UnitLevel.COMMUNE,
        AdministrativeUnit.valid_until.is_(None),
    )
    named: dict[str, list[AdministrativeUnit]] = {}
    for unit in db.session.scalars(query):
        for name in {search_key(unit.full_name), search_key(unit.name), unit.code}:
            named.setdefault(name, []).append(unit)
    return named


def _level_of(text: str) -> SchoolLevel | None:
    key = search_key(text)
    levels = {level for words, level in _LEVEL_WORDS if f" {words} " in f" {key} "}
    if len(levels) > 1:
        return SchoolLevel.SEVERAL
    return levels.pop() if levels else None


def _first_word(text: str, words: Sequence[tuple[str, PlaceKind]]) -> PlaceKind | None:
    key = f" {search_key(text)} "
    return next((kind for word, kind in words if f" {word} " in key), None)


def _key(values: Mapping[str, Any], commune: AdministrativeUnit | None) -> str:
    code = values.get("official_code")
    if code:
        return f"list:code:{search_key(code)}"
    where = commune.code if commune else search_key(values.get("address", ""))
    return f"list:name:{search_key(values['name'])}|{where}"[:400]
