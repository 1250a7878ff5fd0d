"""Finding positions by address: any geocoder that geopy knows, asked gently and only once each.

Nominatim's usage policy asks for at most one request a second, an identifying user agent, and
cached answers. Each process of the server keeps that pace by itself; where several workers serve,
use a geocoder of your own. Provider, address, key, e-mail and region are settings.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from geopy.exc import GeopyError
from geopy.geocoders import get_geocoder_for_service
from sqlalchemy import ColumnElement, Select, func, select

from schedules.outlines import Box
from schedules.travel import Position

from ..database import db, now
from .models import GeocodedAddress, Place, PositionQuality
from .positions import Source, metres_from_commune, put_at, source_of
from .units import known_box

SECONDS_BETWEEN = 1.1
TIMEOUT_SECONDS = 10
# An answer farther from its commune is of another place with the same name.
FARTHEST_OUTSIDE_M = 5000

_turn = threading.Lock()
_last_asked = 0.0
# What geocoders of geopy call the same things.
_KEY_NAMES = ("api_key", "apikey", "access_token", "subscription_key")
_BOX_NAMES = ("viewbox", "bbox", "bounds")
_COUNTRY_NAMES = ("country_codes", "country", "countries")


class GeocoderError(RuntimeError):
    """The geocoder is off or did not answer; the place stays as it was."""


def geocoder_is_on() -> bool:
    """Whether outside requests are allowed by the settings."""
    return bool(current_app.config["GEOCODING"])


def find_position(place: Place) -> bool:
    """Give the place the position of its address; False when the address is not known.

    The position counts as approximate until somebody confirms it on the map. Raises
    GeocoderError.
    """
    box = known_box(place.organisation_id)
    for query in queries_for(place):
        answer = _answer(place.organisation_id, query, box)
        if answer.lat is None or answer.lon is None:
            continue
        position = Position(answer.lat, answer.lon)
        if not _may_be(place, position, box):
            continue
        place.geocoder_asked_at = now()
        source = source_of(Source.GEOCODER, str(current_app.config["GEOCODER"]))
        put_at(place, position, PositionQuality.APPROXIMATE, source)
        return True
    place.geocoder_asked_at = now()
    return False


def queries_for(place: Place) -> list[str]:
    """What to ask for, the most exact first, each with the region of the settings."""
    commune = place.commune.full_name if place.commune else place.community
    parts = [
        [place.name, place.address, commune],
        [place.address, commune],
        [place.name, commune],
    ]
    region = str(current_app.config["GEOCODER_REGION"])
    queries = [", ".join(part for part in some if part) for some in parts]
    return [
        f"{query}, {region}" if region else query
        for query in dict.fromkeys(query for query in queries if query)
    ]


def next_to_look_up(organisation_id: int, limit: int) -> list[Place]:
    """Places that want a position and were not asked for yet, the oldest first."""
    query = _waiting(select(Place), organisation_id).order_by(Place.id).limit(limit)
    return list(db.session.scalars(query))


def waiting_count(organisation_id: int) -> int:
    """How many places want a position and were not asked for yet."""
    return db.session.scalar(_waiting(select(func.count(Place.id)), organisation_id)) or 0


def _waiting(query: Select[Any], organisation_id: int) -> Select[Any]:
    at_commune: ColumnElement[bool] = Place.position_source.startswith(
        Source.COMMUNE.value, autoescape=True
    )
    approximate = Place.position_quality == PositionQuality.APPROXIMATE
    return query.where(
        Place.organisation_id == organisation_id,
        Place.enabled,
        Place.geocoder_asked_at.is_(None),
        Place.lat.is_(None) | (approximate & at_commune),
    )


def _may_be(place: Place, position: Position, box: Box | None) -> bool:
    """Whether an answer lies near enough to be of this place."""
    if box is not None and not box.holds(position):
        return False
    return metres_from_commune(place, position) <= FARTHEST_OUTSIDE_M


def _answer(organisation_id: int, query: str, box: Box | None) -> GeocodedAddress:
    """The kept answer, or a new one; a miss is kept too."""
    provider = _provider_mark()
    kept = db.session.scalar(
        select(GeocodedAddress).where(
            GeocodedAddress.organisation_id == organisation_id,
            GeocodedAddress.provider == provider,
            GeocodedAddress.query == query[:500],
        )
    )
    if kept is not None:
        return kept
    if not geocoder_is_on():
        raise GeocoderError("off")
    found = _ask(query, box)
    row = GeocodedAddress(organisation_id=organisation_id, provider=provider, query=query[:500])
    if found is not None:
        row.lat, row.lon, row.label = found
    db.session.add(row)
    # Kept at once: nobody's tap may wait for a lock while the next question is on its way.
    db.session.commit()
    return row


def _provider_mark() -> str:
    """What decides the answer to a question: another provider or country may know better."""
    config = current_app.config
    parts = (config["GEOCODER"], config["GEOCODER_URL"], config["GEOCODER_COUNTRIES"])
    return " ".join(str(part) for part in parts if part)[:200]


def _ask(query: str, box: Box | None) -> tuple[float, float, str] | None:
    global _last_asked
    geocoder = _geocoder()
    narrowed = _narrowed(geocoder, box)
    with _turn:
        wait = _last_asked + SECONDS_BETWEEN - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        _last_asked = time.monotonic()
        try:
            location = geocoder.geocode(query, **narrowed)
        except (GeopyError, LookupError, TypeError, ValueError) as error:
            # geopy takes an answer apart unseen: one that is not as promised is no answer.
            raise GeocoderError(str(error)) from error
    if location is None:
        return None
    return location.latitude, location.longitude, str(location.address)[:500]


def _geocoder() -> Any:
    """The geocoder of the settings; raises GeocoderError where a key or address is missing."""
    config = current_app.config
    kind = get_geocoder_for_service(str(config["GEOCODER"]))
    email = config["GEOCODER_EMAIL"]
    options: dict[str, Any] = {
        "timeout": TIMEOUT_SECONDS,
        "user_agent": f"bus-ops mobile library ({email})" if email else "bus-ops mobile library",
    }
    if config["GEOCODER_URL"]:
        parts = urlsplit(str(config["GEOCODER_URL"]))
        options |= {"domain": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme}
    if config["GEOCODER_KEY"]:
        options |= dict.fromkeys(_KEY_NAMES, config["GEOCODER_KEY"])
    try:
        return kind(**_understood(kind.__init__, options))
    except (GeopyError, TypeError) as error:
        raise GeocoderError(str(error)) from error


def _narrowed(geocoder: Any, box: Box | None) -> dict[str, Any]:
    """Countries of the settings and the box of the library's units, in the geocoder's words."""
    options: dict[str, Any] = {}
    listed = str(current_app.config["GEOCODER_COUNTRIES"]).split(",")
    countries = tuple(country.strip() for country in listed if country.strip())
    if countries:
        options |= dict.fromkeys(_COUNTRY_NAMES, countries)
    if box is not None:
        corners = ((box.south, box.west), (box.north, box.east))
        options |= dict.fromkeys(_BOX_NAMES, corners)
    return _understood(geocoder.geocode, options)


def _understood(call: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(call).parameters
    return {name: value for name, value in options.items() if name in names}
