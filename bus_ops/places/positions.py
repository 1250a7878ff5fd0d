"""Where a place stands, how that is known, and which of two answers is the better one."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from schedules.outlines import metres_outside
from schedules.travel import Position

from ..i18n import LabelledEnum, format_km
from .models import Place, PositionQuality
from .units import assign_units, commune_at, known_box

# Outlines are simplified to about 90 m: what lies that near may as well be inside.
OUTLINE_TOLERANCE_M = 150


class Source(LabelledEnum):
    """How a position came to be known; stored by its code, shown in the reader's language."""

    TAPPED = "tapped", _l("tapped on the map")
    LIST = "list", _l("imported list")
    # As the timetable importer writes it.
    TIMETABLE = "mobile library CSV", _l("published timetable")
    GEOCODER = "geocoder", _l("looked up by address")
    COMMUNE = "commune", _l("the commune's point")


_LONGEST = 120
_MARK = ": "


def source_of(source: Source, detail: str = "") -> str:
    """The source as it is stored, with a name (a file, a commune) that needs no translation."""
    return (f"{source.value}{_MARK}{detail}" if detail else source.value)[:_LONGEST]


def known_source(text: str) -> Source | None:
    """The source that a stored text begins with; None for outside sources."""
    code = text.partition(_MARK)[0]
    return Source(code) if code in {source.value for source in Source} else None


def source_in_words(text: str) -> str:
    """A stored source in the reader's language."""
    source = known_source(text)
    if source is None:
        return text
    detail = text.partition(_MARK)[2]
    return f"{source.label}{_MARK}{detail}" if detail else str(source.label)


def trust(quality: PositionQuality, source: str) -> int:
    """How far a position is trusted: a worse one never takes the place of a better one."""
    if known_source(source) == Source.TAPPED:
        return 4
    if quality == PositionQuality.EXACT:
        return 3
    if quality == PositionQuality.MISSING:
        return 0
    return 1 if known_source(source) == Source.COMMUNE else 2


def put_at(place: Place, position: Position, quality: PositionQuality, source: str) -> None:
    """Put a place at a position; one without a commune gets the commune of the position."""
    place.lat, place.lon = position.lat, position.lon
    place.position_quality, place.position_source = quality, source
    if place.commune_id is None:
        place.commune = commune_at(place.organisation_id, position)
    assign_units(place)


def put_at_commune(place: Place) -> None:
    """A place without a position stands at its commune's point."""
    commune = place.commune
    if place.lat is not None or commune is None or commune.lat is None:
        return
    place.lat, place.lon = commune.lat, commune.lon
    place.position_quality = PositionQuality.APPROXIMATE
    place.position_source = source_of(Source.COMMUNE, commune.full_name)


def metres_from_commune(place: Place, position: Position) -> float:
    """How far the position lies outside the place's commune; 0 inside, or where none is known."""
    commune = place.commune
    if commune is None or not commune.outline:
        return 0.0
    metres = metres_outside(commune.outline, position)
    return metres if metres > OUTLINE_TOLERANCE_M else 0.0


def doubt_about(place: Place) -> str | None:
    """A sentence where the position does not fit the commune; it is kept all the same."""
    position = place.position
    if position is None:
        return None
    if place.commune is None:
        box = known_box(place.organisation_id)
        if box is None or box.holds(position):
            return None
        return _("This position lies in no commune of the library. Is it right?")
    metres = metres_from_commune(place, position)
    if not metres:
        return None
    around = commune_at(place.organisation_id, position)
    if around is None:
        return _(
            "This position lies %(km)s outside %(commune)s. Is it right?",
            km=format_km(metres),
            commune=place.commune.full_name,
        )
    return _(
        "This position lies in %(around)s, %(km)s outside %(commune)s. Is the commune right?",
        around=around.full_name,
        km=format_km(metres),
        commune=place.commune.full_name,
    )
