"""The yearly review of stops: each place's year per open hour, what it suggests and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.periods import PeriodKind, period_of
from schedules.stop_worth import Advice, Reason, StopYear, review
from schedules.straight_lines import nearest_other_m

from ..accounts.access import READERS_OF_FIGURES, roles_allowed
from ..accounts.audit import AuditKind, audited
from ..counting.borrowers import active_readers
from ..counting.figures import SummedBy, SumsOf
from ..counting.models import VISIT_FIGURES
from ..database import current_organisation_id, db
from ..i18n import format_day, format_km, format_number, today
from ..incoming import asked_year
from ..places.models import Place
from ..tables import ShortListing
from ..workbooks import Sheet, as_file, workbook

blueprint = Blueprint("stop_reviews", __name__, url_prefix="/statistics/stops")

_MEASURES = ("served", "cancelled", "missed", "service_minutes", "attendance", "loans", "km")

ADVICE = {
    Advice.KEEP: _l("Keep"),
    Advice.TRIAL: _l("In trial"),
    Advice.MERGE: _l("Merge with a stop nearby"),
    Advice.MOVE: _l("Another day, hour or spot"),
    Advice.STOP: _l("Stop serving"),
}


@dataclass(frozen=True)
class Reviewed:
    """A place with its year."""

    place_id: int
    place: str
    commune: str
    year: StopYear
    advice: Advice
    reasons: Sequence[Reason]

    @property
    def why(self) -> str:
        """The reasons in words."""
        return " ".join(_in_words(reason, self.year) for reason in self.reasons)


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def stop_list() -> ResponseReturnValue:
    """Every place that was to be served in the year, those to decide about first."""
    year = _asked_year()
    order = [Advice.STOP, Advice.MERGE, Advice.MOVE, Advice.TRIAL, Advice.KEEP]
    sorts = {
        "advice": lambda one: order.index(one.advice),
        "place": lambda one: one.place,
        "visits": lambda one: one.year.served,
        "people": lambda one: one.year.people_per_hour,
        "loans": lambda one: one.year.loans_per_hour,
        "km": lambda one: one.year.metres_per_person,
        "readers": lambda one: one.year.readers,
    }
    reviewed = reviewed_stops(current_organisation_id(), year)
    listing = ShortListing(reviewed, sorts, "advice", lambda one: f"{one.place} {one.commune}")
    return render_template(
        "statistics/stops.html", listing=listing, year=year, words=ADVICE, keep=Advice.KEEP
    )


@blueprint.get("/export.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_xlsx() -> ResponseReturnValue:
    """The review as a spreadsheet."""
    year = _asked_year()
    columns = [
        _("Place"),
        _("Commune or ward"),
        _("Visits served"),
        _("Visits lost"),
        _("Open hours"),
        _("Attendance"),
        _("People per open hour"),
        _("Loans"),
        _("Loans per open hour"),
        _("Readers who borrowed"),
        _("Kilometres driven"),
        _("Suggestion"),
        _("Why"),
    ]
    rows = [
        [
            one.place,
            one.commune,
            one.year.served,
            one.year.lost,
            round(one.year.open_minutes / 60, 1),
            one.year.people,
            round(one.year.people_per_hour, 1),
            one.year.loans,
            round(one.year.loans_per_hour, 1),
            one.year.readers,
            round(one.year.metres / 1000, 1),
            ADVICE[one.advice],
            one.why,
        ]
        for one in reviewed_stops(current_organisation_id(), year)
    ]
    heading = _("Review of stops %(year)s", year=year)
    return as_file(workbook([Sheet(_("Stops"), heading, columns, rows)]), f"stops-{year}.xlsx")


def reviewed_stops(organisation_id: int, year: int) -> list[Reviewed]:
    """Every place that was to be served in the calendar year."""
    period = period_of(PeriodKind.YEAR, date(year, 1, 1))
    by_place = SumsOf(organisation_id, period, by=SummedBy.PLACE).figures(_MEASURES)
    places = {
        place.id: place
        for place in db.session.scalars(
            select(Place).where(Place.id.in_(by_place)).options(joinedload(Place.commune))
        )
    }
    readers = active_readers(organisation_id, year)
    first_served = _first_served(organisation_id)
    near = _nearest({key for key, figures in by_place.items() if figures["served"]})
    found = []
    for place_id, figures in by_place.items():
        measured = StopYear(
            served=int(figures["served"]),
            lost=int(figures["cancelled"]) + int(figures["missed"]),
            open_minutes=int(figures["service_minutes"]),
            people=int(figures["attendance"]),
            loans=int(figures["loans"]),
            readers=readers.get(place_id, 0),
            metres=int(figures["km"] * 1000),
            nearest_m=near.get(place_id),
            first_served_on=first_served.get(place_id),
        )
        advice, reasons = review(measured, today())
        place = places[place_id]
        commune = place.commune_name or place.community
        found.append(Reviewed(place_id, place.name, commune, measured, advice, reasons))
    return found


def _first_served(organisation_id: int) -> dict[int, date]:
    """The first day on which each place was served."""
    counted = VISIT_FIGURES.c
    first = (
        select(counted.day)
        .where(counted.place_id == Place.id, counted.served > 0)
        .order_by(counted.day)
        .limit(1)
        .scalar_subquery()
    )
    query = select(Place.id, first).where(Place.organisation_id == organisation_id)
    return {place_id: day for place_id, day in db.session.execute(query) if day is not None}


def _nearest(place_ids: set[int]) -> Mapping[int, float]:
    """How far from each served place the nearest other one lies, as the crow flies."""
    query = select(Place.id, Place.lat, Place.lon).where(
        Place.id.in_(place_ids), Place.lat.is_not(None), Place.lon.is_not(None)
    )
    places = db.session.execute(query).all()
    metres = nearest_other_m(*(np.array([place[n] for place in places]) for n in (1, 2)))
    return {
        place.id: float(distance)
        for place, distance in zip(places, metres, strict=True)
        if np.isfinite(distance)
    }


def _in_words(reason: Reason, year: StopYear) -> str:
    match reason:
        case Reason.TOO_FEW_VISITS:
            return _("Too few visits took place to judge it.")
        case Reason.IN_TRIAL:
            return _("In its trial year until %(day)s.", day=format_day(year.trial_until()))
        case Reason.ENOUGH_PEOPLE:
            return _(
                "%(people)s people an open hour, %(visit)s a visit.",
                people=format_number(round(year.people_per_hour, 1)),
                visit=format_number(round(year.people_per_visit, 1)),
            )
        case Reason.FEW_PER_VISIT:
            people = format_number(round(year.people_per_visit, 1))
            return _("Only %(people)s people came to a visit.", people=people)
        case Reason.FEW_PER_HOUR:
            people = format_number(round(year.people_per_hour, 1))
            return _(
                "Only %(people)s people came in an open hour; six carry a stop.", people=people
            )
        case Reason.ANOTHER_NEAR:
            return _("Another served place lies %(km)s away.", km=format_km(year.nearest_m))
        case Reason.NO_OTHER_NEAR:
            return _("No other served place is near.")
        case Reason.OFTEN_LOST:
            return _("%(lost)s visits did not take place.", lost=year.lost)


def _asked_year() -> int:
    return asked_year(today().year)
