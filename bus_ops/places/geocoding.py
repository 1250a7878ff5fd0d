"""Finding positions by address: OpenStreetMap's Nominatim, asked gently and only once each.

Nominatim's usage policy asks for at most one request a second, an identifying user agent, and
cached answers. The provider's address and the e-mail it may write to are settings.
"""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

from flask import current_app
from geopy.exc import GeopyError
from geopy.geocoders import Nominatim
from sqlalchemy import select

from ..database import db
from .models import GeocodedAddress, Place, PositionQuality
from .units import assign_units

SECONDS_BETWEEN = 1.1
TIMEOUT_SECONDS = 10

_turn = threading.Lock()
_last_asked = 0.0


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
    for query in queries_for(place):
        answer = _answer(place.organisation_id, query)
        if answer.lat is None or answer.lon is None:
            continue
        place.lat, place.lon = answer.lat, answer.lon
        place.position_quality = PositionQuality.APPROXIMATE
        place.position_source = "Nominatim"
        assign_units(place)
        return True
    return False


def queries_for(place: Place) -> list[str]:
    """What to ask for, the most exact first."""
    commune = place.commune.full_name if place.commune else place.community
    parts = [
        [place.name, place.address, commune],
        [place.address, commune],
        [place.name, commune],
    ]
    queries = [", ".join(part for part in some if part) for some in parts]
    return list(dict.fromkeys(query for query in queries if query))


def _answer(organisation_id: int, query: str) -> GeocodedAddress:
    """The kept answer, or a new one; a miss is kept too."""
    provider = str(current_app.config["GEOCODER_URL"])
    kept = db.session.scalar(
        select(GeocodedAddress).where(
            GeocodedAddress.organisation_id == organisation_id,
            GeocodedAddress.provider == provider[:200],
            GeocodedAddress.query == query[:500],
        )
    )
    if kept is not None:
        return kept
    if not geocoder_is_on():
        raise GeocoderError("off")
    found = _ask(provider, query)
    row = GeocodedAddress(
        organisation_id=organisation_id, provider=provider[:200], query=query[:500]
    )
    if found is not None:
        row.lat, row.lon, row.label = found
    db.session.add(row)
    # Kept at once: nobody's tap may wait for a lock while the next question is on its way.
    db.session.commit()
    return row


def _ask(provider: str, query: str) -> tuple[float, float, str] | None:
    global _last_asked
    parts = urlsplit(provider)
    email = current_app.config["GEOCODER_EMAIL"]
    agent = f"bus-ops mobile library ({email})" if email else "bus-ops mobile library"
    geocoder = Nominatim(
        user_agent=agent,
        domain=parts.netloc + parts.path.rstrip("/"),
        scheme=parts.scheme,
        timeout=TIMEOUT_SECONDS,
    )
    with _turn:
        wait = _last_asked + SECONDS_BETWEEN - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        _last_asked = time.monotonic()
        try:
            location = geocoder.geocode(query)
        except GeopyError as error:
            raise GeocoderError(str(error)) from error
    if location is None:
        return None
    return location.latitude, location.longitude, str(location.address)[:500]
