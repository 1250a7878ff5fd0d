"""What the words in a coordinator's list mean: kinds of places, school levels, communes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from schedules.searching import commune_name_key, search_key
from schedules.travel import Position

from ..database import db
from .models import AdministrativeUnit, PlaceKind, PositionQuality, SchoolLevel, UnitLevel

_LEVEL_WORDS = (
    ("mam non", SchoolLevel.KINDERGARTEN),
    ("mau giao", SchoolLevel.KINDERGARTEN),
    ("nha tre", SchoolLevel.KINDERGARTEN),
    ("kindergarten", SchoolLevel.KINDERGARTEN),
    ("tieu hoc", SchoolLevel.PRIMARY),
    ("cap 1", SchoolLevel.PRIMARY),
    ("primary", SchoolLevel.PRIMARY),
    ("thcs", SchoolLevel.LOWER_SECONDARY),
    ("trung hoc co so", SchoolLevel.LOWER_SECONDARY),
    ("cap 2", SchoolLevel.LOWER_SECONDARY),
    ("lower secondary", SchoolLevel.LOWER_SECONDARY),
    ("thpt", SchoolLevel.UPPER_SECONDARY),
    ("trung hoc pho thong", SchoolLevel.UPPER_SECONDARY),
    ("cap 3", SchoolLevel.UPPER_SECONDARY),
    ("upper secondary", SchoolLevel.UPPER_SECONDARY),
    ("lien cap", SchoolLevel.SEVERAL),
    ("nhieu cap", SchoolLevel.SEVERAL),
    ("multi", SchoolLevel.SEVERAL),
    ("several", SchoolLevel.SEVERAL),
)
# Short enough to mean something else farther on in a name.
_LEVEL_ABBREVIATIONS = {
    "mn": SchoolLevel.KINDERGARTEN,
    "mg": SchoolLevel.KINDERGARTEN,
    "th": SchoolLevel.PRIMARY,
}
_KIND_WORDS = (
    ("truong", PlaceKind.SCHOOL),
    ("school", PlaceKind.SCHOOL),
    ("thu vien", PlaceKind.LIBRARY),
    ("library", PlaceKind.LIBRARY),
    ("uy ban", PlaceKind.COMMUNE_OFFICE),
    ("ubnd", PlaceKind.COMMUNE_OFFICE),
    ("committee", PlaceKind.COMMUNE_OFFICE),
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
# Nearer to a commune's point than any place stands to it by chance (about 2 m).
_SAME_POINT_DEGREES = 0.00002
_EXACT_WORDS = {"point", "exact", "chinh xac", "gps", "diem", "point unlisted"}
_APPROXIMATE_WORDS = {
    "approximate",
    "gan dung",
    "vi tri gan dung",
    "uoc luong",
    "centroid",
    "commune centroid",
    "commune",
    "tam xa",
    "estimated",
}


def level_in(text: str) -> SchoolLevel | None:
    """The school level that words name; several of them are "several levels"."""
    key = f" {search_key(text)} "
    levels = {level for words, level in _LEVEL_WORDS if f" {words} " in key}
    head = key.split()[:4]
    levels |= {_LEVEL_ABBREVIATIONS[word] for word in head if word in _LEVEL_ABBREVIATIONS}
    if len(levels) > 1:
        return SchoolLevel.SEVERAL
    return levels.pop() if levels else None


def kind_in(text: str) -> PlaceKind | None:
    """The kind of place that a cell names."""
    key = f" {search_key(text)} "
    return next((kind for word, kind in _KIND_WORDS if f" {word} " in key), None)


def kind_in_name(name: str) -> PlaceKind | None:
    """The kind that a place's name begins with: "UBND xã Trường Xuân" is no school."""
    key = f"{search_key(name)} "
    return next((kind for word, kind in _KIND_WORDS if key.startswith(f"{word} ")), None)


def quality_in(text: str) -> PositionQuality | None:
    """How exact a cell says that the position is."""
    key = search_key(text)
    if key in _EXACT_WORDS:
        return PositionQuality.EXACT
    return PositionQuality.APPROXIMATE if key in _APPROXIMATE_WORDS else None


class Communes:
    """Communes by every way a list may write them: type, abbreviation, code, former name."""

    def __init__(self, organisation_id: int) -> None:
        query = select(AdministrativeUnit).where(
            AdministrativeUnit.organisation_id == organisation_id,
            AdministrativeUnit.level == UnitLevel.COMMUNE,
        )
        units = list(db.session.scalars(query))
        self._pointed = [unit for unit in units if unit.valid_until is None and unit.lat]
        by_id = {unit.id: unit for unit in units}
        self._today: dict[str, set[AdministrativeUnit]] = {}
        self._former: dict[str, set[AdministrativeUnit]] = {}
        for unit in units:
            if unit.valid_until is None:
                _enter(self._today, unit, unit)
            elif unit.successor_id in by_id:
                _enter(self._former, unit, by_id[unit.successor_id])

    def named(self, text: str) -> AdministrativeUnit | None:
        """Today's commune of this name, or the one that the former commune went into.

        None where there is none or more than one.
        """
        for known in (self._today, self._former):
            for written in (text, text.partition(",")[0]):
                found = known.get(commune_name_key(written), set())
                if len(found) == 1:
                    return next(iter(found))
        return None

    def with_point(self, position: Position) -> AdministrativeUnit | None:
        """The commune that lists put at this position, for want of a better one."""
        for unit in self._pointed:
            lat, lon = unit.lat or 0, unit.lon or 0
            if max(abs(lat - position.lat), abs(lon - position.lon)) < _SAME_POINT_DEGREES:
                return unit
        return None


def _enter(
    known: dict[str, set[AdministrativeUnit]],
    unit: AdministrativeUnit,
    meant: AdministrativeUnit,
) -> None:
    names: Sequence[str] = (unit.full_name, unit.name, unit.code)
    for name in names:
        known.setdefault(commune_name_key(name), set()).add(meant)
