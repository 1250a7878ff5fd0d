"""What becomes of a request: each step is kept, and whoever waits for it is told.

The caller commits. A step that the request is no longer in a state for raises ClosedError.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from schedules.searching import search_key

from ..accounts.models import User
from ..config import LANGUAGES
from ..database import db, lock_library
from ..fleet.models import Van
from ..i18n import (
    at_minutes,
    format_day,
    format_day_long,
    format_minutes_clock,
    minutes_of_day,
    today,
)
from ..places.models import Place, PlaceKind, PositionQuality
from ..places.positions import Source, put_at, put_at_commune
from ..places.units import assign_units
from ..private_links import token_of
from ..telling.links import external
from ..telling.models import MessageKind
from ..telling.outbox import Recipient, planners_of, put_in_outbox
from ..telling.visit_notices import know_already
from ..timetable import changes
from ..timetable.fitting import Fit, days_that_fit
from ..timetable.models import Audience, Stop, StopKind, Visit
from ..timetable.single_visits import add_single_visit, term_or_refused
from .models import RequestKind, RequestState, RequestStep, VisitRequest

PURPOSE = "request"
# What whoever asked does with words.
Step = Callable[[VisitRequest, str], None]
Deed = Callable[[], Visit | None]


class ClosedError(ValueError):
    """The request has been answered or taken back meanwhile; the message says so."""


class NoLongerFreeError(ValueError):
    """The day that was offered has been filled meanwhile; the message says so."""


def link_of(request: VisitRequest) -> str:
    """The private page of whoever asked; empty where the installation has no address."""
    token = token_of(PURPOSE, request.id, request.mark)
    return external("asking.request_page", language=request.language, token=token)


def ask(request: VisitRequest) -> None:
    """A request arrives: coordinators see it, and whoever asks has its page."""
    db.session.add(request)
    db.session.flush()
    known = places_named(request)
    if len(known) == 1 and search_key(known[0].name) == search_key(request.place_name):
        request.place_id = known[0].id
    _step(request, RequestState.NEW, text=request.note)
    _tell_asker(request, MessageKind.REQUEST_RECEIVED)
    _tell_planners(request, wishes_in_words(request))


def offer(request: VisitRequest, fit: Fit, text: str, user: User) -> None:
    """A day is offered; whoever asked says whether it suits."""
    _must_be_open(request)
    _note_offer(request, fit, user)
    _step(request, RequestState.OFFERED, user, fit.day, text)
    _tell_asker(request, MessageKind.REQUEST_OFFERED, text)


def accept(request: VisitRequest, fit: Fit, minutes: int, text: str, user: User) -> Visit:
    """The van comes on that day: the visit is entered, at a place that is made where none is known.

    Raises ChangeError where the visit cannot be entered.
    """
    _must_be_open(request)
    visit = _entered(request, fit.van, fit.day, minutes, user)
    _note_offer(request, fit, user)
    request.offered_day = visit.day
    request.offered_arrival = minutes_of_day(visit.arrival_at, visit.day)
    request.offered_departure = minutes_of_day(visit.departure_at, visit.day)
    request.visit_id = visit.id
    know_already(visit)
    _step(request, RequestState.ACCEPTED, user, visit.day, text)
    _tell_asker(request, MessageKind.REQUEST_ACCEPTED, text)
    return visit


def decline(request: VisitRequest, reason: str, user: User) -> None:
    """The van cannot come, and why."""
    _must_be_open(request)
    _step(request, RequestState.DECLINED, user, text=reason)
    _tell_asker(request, MessageKind.REQUEST_DECLINED, reason)


def settle(request: VisitRequest, text: str, user: User) -> None:
    """What was asked about a visit has been done in the timetable; its own notice tells it."""
    _must_be_open(request)
    _step(request, RequestState.ACCEPTED, user, text=text)


def take_offer(request: VisitRequest) -> Visit:
    """Whoever asked takes the offered day: it is entered in the name of who offered it.

    Raises NoLongerFreeError, and gives the request back to the library, where the day has been
    filled since.
    """
    _must_be_offered(request)
    user, van, day = request.answered_by, request.offered_van, request.offered_day
    minutes = (request.offered_departure or 0) - (request.offered_arrival or 0)
    fit = fit_on(request, van, day, minutes) if van and day and user else None
    if fit is None or user is None:
        text = _("The offered day has been filled meanwhile.")
        _step(request, RequestState.NEW, text=text)
        _tell_planners(request, text)
        raise NoLongerFreeError(
            _("We are sorry: that day has been filled meanwhile. The library looks for another.")
        )
    visit = accept(request, fit, minutes, "", user)
    _tell_planners(request, _("takes the offered day, %(day)s", day=format_day(visit.day)))
    return visit


def refuse_offer(request: VisitRequest, text: str) -> None:
    """The offered day does not suit."""
    _must_be_offered(request)
    _step(request, RequestState.NEW, text=text)
    _tell_planners(request, _("the offered day does not suit: %(text)s", text=text))


def withdraw(request: VisitRequest, text: str) -> None:
    """Whoever asked takes it back; a visit that came of it is cancelled.

    Raises ChangeError where the visit cannot be cancelled any more.
    """
    _begin(request)
    if not may_withdraw(request):
        raise ClosedError(_("This request has been answered or taken back already."))
    if request.state == RequestState.ACCEPTED and request.visit is not None:
        changes.cancel_visit(request.visit, text[:300], None)
        know_already(request.visit)
    _step(request, RequestState.WITHDRAWN, text=text)
    _tell_planners(request, _("takes the request back: %(text)s", text=text))


def may_withdraw(request: VisitRequest) -> bool:
    """Whether it is open, or its visit still to come."""
    if request.is_open:
        return True
    visit = request.visit
    accepted = request.state == RequestState.ACCEPTED and request.kind == RequestKind.VISIT
    return accepted and visit is not None and visit.day > today() and visit.record is None


def places_named(request: VisitRequest) -> list[Place]:
    """Places of ours that the request may be about, the likeliest first."""
    key = search_key(request.place_name)
    query = select(Place).where(
        Place.organisation_id == request.organisation_id,
        Place.enabled,
        *(Place.search_key.contains(word, autoescape=True) for word in key.split()),
    )
    found = list(db.session.scalars(query.limit(20)))
    same_commune = request.commune_id
    return sorted(
        found,
        key=lambda place: (
            place.id != request.place_id,
            search_key(place.name) != key,
            place.commune_id != same_commune,
            place.name,
        ),
    )


def fits_for(request: VisitRequest, minutes: int) -> list[Fit]:
    """Days asked for on which it would fit, the cheapest first; empty without a position."""
    place = request.place or place_as_asked(request)
    stop = _stop_at(request.place) if request.place else None
    first = max(request.first_on, today() + timedelta(days=1))
    if first > request.last_on:
        return []
    found = days_that_fit(
        place,
        stop.service_minutes if stop else minutes,
        first,
        request.last_on,
        stop.van if stop else None,
    )
    return [fit for fit in found if not request.weekdays or fit.day.weekday() in request.weekdays]


def fit_on(request: VisitRequest, van: Van, day: date, minutes: int) -> Fit | None:
    """How it would fit on one day, whether that was asked for or not; None where it does not."""
    place = request.place or place_as_asked(request)
    stop = _stop_at(request.place) if request.place else None
    # A stop that the van serves keeps its own length.
    stays = stop.service_minutes if stop is not None and stop.van_id == van.id else minutes
    found = days_that_fit(place, stays, day, day, van)
    return found[0] if found else None


def clocks_of_offer(request: VisitRequest) -> str:
    """From when to when the van would come; empty while no day is offered."""
    if request.offered_day is None:
        return ""
    clocks = (request.offered_arrival, request.offered_departure)
    return "–".join(format_minutes_clock(clock) for clock in clocks)


def wishes_in_words(request: VisitRequest) -> str:
    """What is asked for, in a line."""
    parts = [
        _(
            "%(first)s to %(last)s",
            first=format_day(request.first_on),
            last=format_day(request.last_on),
        ),
        *(f"{group.label}: {number}" for group, number in request.groups),
        ", ".join(str(wish.label) for wish in request.wished),
    ]
    return " · ".join(part for part in parts if part)


def place_as_asked(request: VisitRequest) -> Place:
    """The place that the request speaks of, not kept."""
    place = Place(
        organisation_id=request.organisation_id,
        name=request.place_name,
        kind=PlaceKind.SCHOOL if request.level else PlaceKind.OTHER,
        level=request.level,
        lat=request.lat,
        lon=request.lon,
        opening_windows=[],
    )
    if place.lat is None and request.commune is not None:
        place.lat, place.lon = request.commune.lat, request.commune.lon
    return place


def _kept_place(request: VisitRequest) -> Place:
    place = place_as_asked(request)
    place.address, place.commune_id = request.address, request.commune_id
    place.contact_name, place.contact_phone = request.asker_name, request.phone
    place.contact_email, place.contact_language = request.email, request.language
    place.source = "request"
    exact = request.lat is not None
    position = place.position
    place.lat = place.lon = None
    db.session.add(place)
    db.session.flush()
    db.session.refresh(place, ["commune"])
    if exact and position is not None:
        put_at(place, position, PositionQuality.EXACT, Source.TAPPED.value)
    else:
        put_at_commune(place)
        assign_units(place)
    return place


def _stop_at(place: Place) -> Stop | None:
    """The place's stop in service, the latest term's."""
    query = (
        select(Stop).where(Stop.place_id == place.id, Stop.enabled).order_by(Stop.term_id.desc())
    )
    return db.session.scalars(query).first()


def _entered(request: VisitRequest, van: Van, day: date, minutes: int, user: User) -> Visit:
    place = request.place or _kept_place(request)
    request.place_id = place.id
    with force_locale(LANGUAGES[0]):
        # What is kept is read by everybody, in the language that is ours first.
        reason = _("Asked for by %(name)s", name=request.asker_name)
        promised = ", ".join(str(wish.label) for wish in request.wished)
    term = term_or_refused(request.organisation_id, van, day)
    query = select(Stop).where(
        Stop.place_id == place.id, Stop.term_id == term.id, Stop.van_id == van.id, Stop.enabled
    )
    stop = db.session.scalars(query.order_by(Stop.id)).first()
    if stop is not None:
        return changes.add_visit(stop, day, reason, user)[0]
    kind = StopKind.CLOSED if request.level else StopKind.PUBLIC
    audience = _largest_group(request)
    return add_single_visit(place, van, day, minutes, kind, audience, promised, reason, user)[0]


def _largest_group(request: VisitRequest) -> Audience | None:
    return max(request.groups, key=lambda group: group[1])[0] if request.groups else None


def _begin(request: VisitRequest) -> None:
    """Nobody else decides from here on, and the request is as the last one left it."""
    lock_library(request.organisation_id)
    db.session.flush()
    db.session.refresh(request)


def _must_be_open(request: VisitRequest) -> None:
    _begin(request)
    if not request.is_open:
        raise ClosedError(_("This request has been answered or taken back already."))


def _must_be_offered(request: VisitRequest) -> None:
    _begin(request)
    if request.state != RequestState.OFFERED:
        raise ClosedError(_("This offer does not stand any more."))


def _note_offer(request: VisitRequest, fit: Fit, user: User) -> None:
    request.offered_day, request.offered_van_id = fit.day, fit.van.id
    request.offered_arrival, request.offered_departure = fit.arrival, fit.departure
    request.answered_by_id = user.id


def _step(
    request: VisitRequest,
    state: RequestState,
    user: User | None = None,
    day: date | None = None,
    text: str = "",
) -> None:
    request.state = state
    request.steps.append(
        RequestStep(
            organisation_id=request.organisation_id,
            user_id=user.id if user else None,
            state=state,
            day=day,
            text=text,
        )
    )
    db.session.flush()


def _tell_asker(request: VisitRequest, kind: MessageKind, reason: str = "") -> None:
    if request.kind != RequestKind.VISIT:
        return
    day = request.offered_day
    with force_locale(request.language):
        values = {
            "place": request.place_name,
            "day": format_day_long(day) if day else "",
            "time": clocks_of_offer(request),
            "reason": reason,
            "link": link_of(request),
        }
    asker = Recipient(
        request.asker_name, request.email, request.phone, request.language, request.place_id
    )
    expires_at = at_minutes(day, 0) + timedelta(days=1) if day else None
    key = f"{request.id}:{len(request.steps)}"
    put_in_outbox(request.organisation_id, kind, key, [asker], values, expires_at)


def _tell_planners(request: VisitRequest, words: str) -> None:
    values = {
        "place": request.place_name,
        "wishes": words,
        "link": external("requests.request_page", request_id=request.id),
    }
    put_in_outbox(
        request.organisation_id,
        MessageKind.REQUEST_NEW,
        f"{request.id}:{len(request.steps)}",
        planners_of(request.organisation_id),
        values,
    )
