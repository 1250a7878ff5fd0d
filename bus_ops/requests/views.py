"""Pages of requests for coordinators: what is open, where each would fit, the answer."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ..accounts.access import PLANNERS, roles_allowed, signed_in_user
from ..database import db, owned, owned_or_404
from ..fleet.models import Van
from ..fleet.queries import vans_by_name
from ..i18n import parsed_day
from ..maps import MapStop, map_script, places_map
from ..places.models import Place
from ..places.outlines import todays_outlines
from ..tables import Listing
from ..timetable.changes import ChangeError
from ..timetable.fitting import Fit
from . import deciding
from .deciding import ClosedError, fits_for, places_named
from .forms import AnswerForm, OptionalWordsForm, WordsForm, usual_minutes
from .models import CLOSED, RequestKind, RequestState, VisitRequest

blueprint = Blueprint("requests", __name__, url_prefix="/requests")

# Days named beside the calendar.
CHEAPEST_NAMED = 5


@blueprint.get("/")
@roles_allowed(*PLANNERS)
def request_list() -> ResponseReturnValue:
    """Requests, the open ones first."""
    shown = request.args.get("show", "open")
    query = owned(VisitRequest)
    if shown == "open":
        query = query.where(VisitRequest.state.not_in(CLOSED))
    sorts = {
        "asked": VisitRequest.asked_at,
        "place": VisitRequest.place_name,
        "from": VisitRequest.first_on,
        "state": VisitRequest.state,
    }
    listing = Listing(query, sorts, "-asked")
    return render_template("requests/list.html", listing=listing, shown=shown)


@blueprint.get("/<int:request_id>")
@roles_allowed(*PLANNERS)
def request_page(request_id: int) -> ResponseReturnValue:
    """One request: what is asked, on which days it would fit, and the ways to answer."""
    asked = owned_or_404(VisitRequest, request_id)
    return _page(asked, _answer_form(asked))


@blueprint.get("/<int:request_id>/map.js")
@roles_allowed(*PLANNERS)
def request_map(request_id: int) -> ResponseReturnValue:
    """Where it is asked for, among the places that are served."""
    asked = owned_or_404(VisitRequest, request_id)
    place = asked.place or deciding.place_as_asked(asked)
    points = [
        MapStop("", other.name, other.lat, other.lon)
        for other in db.session.scalars(owned(Place).where(Place.enabled))
        if other.lat is not None and other.lon is not None and other.id != place.id
    ]
    at = place.position
    here = MapStop("?", asked.place_name, at.lat, at.lon, "under_way") if at else None
    return map_script(places_map("request", points, todays_outlines(), here))


@blueprint.post("/<int:request_id>/offer")
@roles_allowed(*PLANNERS)
def offer_day(request_id: int) -> ResponseReturnValue:
    """Offer a day: whoever asked says whether it suits."""
    return _answer(request_id, accepts=False)


@blueprint.post("/<int:request_id>/accept")
@roles_allowed(*PLANNERS)
def accept_request(request_id: int) -> ResponseReturnValue:
    """Enter the visit at once."""
    return _answer(request_id, accepts=True)


@blueprint.post("/<int:request_id>/decline")
@roles_allowed(*PLANNERS)
def decline_request(request_id: int) -> ResponseReturnValue:
    """Say no, with the reason."""
    asked = owned_or_404(VisitRequest, request_id)
    form = WordsForm()
    if not form.validate_on_submit():
        flash(_("Say why."), "danger")
        return redirect(_address(asked))
    return _done(
        asked, lambda: deciding.decline(asked, form.text.data, signed_in_user()), _("Declined.")
    )


@blueprint.post("/<int:request_id>/settle")
@roles_allowed(*PLANNERS)
def settle_request(request_id: int) -> ResponseReturnValue:
    """What was asked about a visit is done in the timetable."""
    asked = owned_or_404(VisitRequest, request_id)
    text = OptionalWordsForm().text.data or ""
    return _done(asked, lambda: deciding.settle(asked, text, signed_in_user()), _("Done."))


def _answer(request_id: int, accepts: bool) -> ResponseReturnValue:
    asked = owned_or_404(VisitRequest, request_id)
    form = _answer_form(asked)
    if not form.validate_on_submit():
        return _page(asked, form), 400
    if form.place_id.data:
        asked.place_id = owned_or_404(Place, form.place_id.data).id
        db.session.flush()
    van = owned_or_404(Van, form.van_id.data)
    fit = deciding.fit_on(asked, van, form.day.data, form.service_minutes.data)
    if fit is None:
        db.session.rollback()
        flash(_("The van cannot come on that day without moving others. Choose another."), "danger")
        return redirect(_address(asked))
    text, minutes = form.text.data or "", form.service_minutes.data
    if accepts:
        return _done(
            asked,
            lambda: deciding.accept(asked, fit, minutes, text, signed_in_user()),
            _("Accepted: the visit is in the timetable."),
        )
    return _done(
        asked, lambda: deciding.offer(asked, fit, text, signed_in_user()), _("The day is offered.")
    )


def _done(asked: VisitRequest, step: deciding.Deed, sentence: str) -> ResponseReturnValue:
    try:
        step()
        db.session.commit()
        flash(sentence, "success")
    except (ClosedError, ChangeError) as error:
        db.session.rollback()
        flash(str(error), "danger")
    return redirect(_address(asked))


def _answer_form(asked: VisitRequest) -> AnswerForm:
    places = places_named(asked)
    if asked.place is not None and asked.place not in places:
        places.insert(0, asked.place)
    vans = [van for van in vans_by_name() if van.enabled]
    return AnswerForm(asked, places, vans)


def _page(asked: VisitRequest, form: AnswerForm) -> str:
    fits = (
        fits_for(asked, form.service_minutes.data or usual_minutes(asked))
        if asked.is_open and asked.kind == RequestKind.VISIT
        else []
    )
    if not form.is_submitted():
        _choose(form, fits, parsed_day(request.args.get("day", "")))
    return render_template(
        "requests/request.html",
        asked=asked,
        form=form,
        words=WordsForm(),
        fits=fits[:CHEAPEST_NAMED],
        weeks=weeks_of(fits),
        states=RequestState,
        kinds=RequestKind,
        clocks=deciding.clocks_of_offer(asked),
        link=deciding.link_of(asked),
    )


def _choose(form: AnswerForm, fits: list[Fit], day: date | None) -> None:
    """The cheapest fit, or the one that was tapped in the calendar."""
    fit = next((one for one in fits if one.day == day), fits[0] if fits else None)
    if fit is not None:
        form.day.data, form.van_id.data = fit.day, fit.van.id
    elif day is not None:
        form.day.data = day


def weeks_of(fits: list[Fit]) -> list[list[tuple[date, Fit | None]]]:
    """The weeks of a calendar from the first to the last day that fits, cheapest van each day."""
    if not fits:
        return []
    best: dict[date, Fit] = {}
    for fit in fits:
        best.setdefault(fit.day, fit)
    monday = min(best) - timedelta(days=min(best).weekday())
    weeks = []
    while monday <= max(best):
        days = [monday + timedelta(days=n) for n in range(7)]
        weeks.append([(day, best.get(day)) for day in days])
        monday += timedelta(weeks=1)
    return weeks


def _address(asked: VisitRequest) -> str:
    return url_for("requests.request_page", request_id=asked.id)
