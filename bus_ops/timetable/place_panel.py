"""A place's visits and stops, for the place's own page."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from schedules.travel import Position, unreachable_among

from ..database import db, owned
from ..fleet.models import Depot
from ..i18n import today
from ..places.models import Place
from ..travel_sources import unreachable_in_words
from .frequency import frequency_in_words
from .models import Stop, Term
from .queries import visits_of_place
from .retiming import position_of, travel_of


def place_panel(place: Place) -> Markup:
    """Next and last visits, the stops of terms that have not ended, and whether a road leads here.

    Where driving is estimated nothing is known of roads.
    """
    coming, past = visits_of_place(place.id, today())
    stops = (
        owned(Stop)
        .join(Term)
        .where(Stop.place_id == place.id, Term.ends_on.is_(None) | (Term.ends_on >= today()))
        .options(joinedload(Stop.term), joinedload(Stop.van))
    )
    # Jinja has escaped every value in it.
    return Markup(  # noqa: S704
        render_template(
            "timetable/_place_panel.html",
            coming=coming,
            past=past,
            stops=list(db.session.scalars(stops)),
            frequency_in_words=frequency_in_words,
            no_road=_no_road(place),
        )
    )


def _no_road(place: Place) -> str:
    """Why no road leads to the place from where the vans start; empty if one does."""
    position = position_of(place)
    if position is None:
        return ""
    depots = [Position(depot.lat, depot.lon) for depot in db.session.scalars(owned(Depot))]
    found = unreachable_among(travel_of(place.organisation_id), [*depots, position])
    return next((unreachable_in_words(one) for one in found if one.position == position), "")
