"""A place's visits and stops, for the place's own page."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from ..database import db, owned
from ..i18n import today
from ..places.models import Place
from .frequency import frequency_in_words
from .models import Stop, Term
from .queries import visits_of_place


def place_panel(place: Place) -> Markup:
    """Next and last visits, and the stops of terms that have not ended."""
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
        )
    )
