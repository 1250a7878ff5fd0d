"""The private page of a place: its address is given to the contact in messages and by hand."""

from __future__ import annotations

from ..database import db
from ..private_links import new_mark, row_of_token_or_404, token_of
from .models import Place

_PURPOSE = "host"


def host_token(place: Place) -> str:
    """The secret part of the place's address; made when it is first asked for."""
    if not place.host_mark:
        place.host_mark = new_mark()
        db.session.commit()
    return token_of(_PURPOSE, place.id, place.host_mark)


def place_of_token_or_404(token: str) -> Place:
    """The place whose address it is; a 404 for any other, and for one that was ended."""
    return row_of_token_or_404(Place, _PURPOSE, token, "host_mark")


def end_host_links(place: Place) -> None:
    """Every address given so far leads nowhere from now on; the caller commits."""
    place.host_mark = new_mark()
