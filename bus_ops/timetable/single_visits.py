"""A visit that no frequency gives: agreed on request, or for an event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext as _

from ..accounts.models import User
from ..database import db
from ..fleet.models import Van
from ..places.models import Place
from . import changes
from .calendars import proposed_calendar
from .changes import ChangeError
from .fitting import term_for
from .models import Audience, Stop, StopKind, Term, Visit

# One visit, on its first day.
ONCE = "FREQ=DAILY;COUNT=1"


def term_or_refused(organisation_id: int, van: Van, day: date) -> Term:
    """The published term of that day; raises ChangeError where there is none."""
    term = term_for(organisation_id, van, day)
    if term is None:
        raise ChangeError(_("No published timetable covers this day."))
    return term


def add_single_visit(
    place: Place,
    van: Van,
    day: date,
    service_minutes: int,
    kind: StopKind,
    audience: Audience | None,
    promised: str,
    reason: str,
    user: User,
    windows: Sequence[dict[str, int]] = (),
) -> tuple[Visit, list[str]]:
    """A visit with a stop of its own; the caller commits. Answers what moved along.

    Raises ChangeError where no published term covers the day.
    """
    stop = Stop(
        organisation_id=place.organisation_id,
        term=term_or_refused(place.organisation_id, van, day),
        place=place,
        van=van,
        kind=kind,
        audience=audience,
        service_minutes=service_minutes,
        rule=ONCE,
        starts_on=day,
        ends_on=day,
        calendar=proposed_calendar(place),
        promised=promised,
        windows=list(windows),
    )
    db.session.add(stop)
    db.session.flush()
    return changes.add_visit(stop, day, reason, user)
