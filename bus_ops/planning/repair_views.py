"""Pages of repairs: what happened, the ways to mend it with their cost, taking one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from ..accounts.access import PLANNERS, roles_allowed
from ..accounts.models import User
from ..database import db, owned_or_404
from ..fleet.queries import vans_by_name
from ..i18n import today
from ..places.models import Place
from ..timetable.changes import ChangeError
from ..timetable.models import Run, Stop, Term, Visit
from .forms import OfferForm, RepairForm, RequestForm
from .models import Mishap, Repair
from .repairing import (
    Offer,
    accept,
    is_open,
    offers_for_lost_day,
    offers_for_refused_visit,
    offers_for_request,
)

blueprint = Blueprint("repairing", __name__, url_prefix="/planning/repairs")


@blueprint.route("/runs/<int:run_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def lost_day(run_id: int) -> ResponseReturnValue:
    """A van cannot drive on a day: storm, flood, breakdown."""
    run = owned_or_404(Run, run_id)
    back = url_for("timetable.run_page", run_id=run.id)
    if run.day < today() or not any(is_open(visit) for visit in run.visits):
        flash(_("Every visit of this run is cancelled or logged already."), "warning")
        return redirect(back)
    form = RepairForm()
    if form.validate_on_submit():
        offers = offers_for_lost_day(run)
        return _kept(run.term, Mishap.DAY_LOST, run.day, None, form.reason.data or "", offers)
    return _form_page(form, Mishap.DAY_LOST, run.day, run.van.display_name, back)


@blueprint.route("/visits/<int:visit_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def refused_visit(visit_id: int) -> ResponseReturnValue:
    """A place cannot take the van on its day."""
    visit = owned_or_404(Visit, visit_id)
    back = url_for("timetable.visit_page", visit_id=visit.id)
    if visit.day < today() or not is_open(visit):
        flash(_("The visit is cancelled or logged already."), "warning")
        return redirect(back)
    form = RepairForm()
    if form.validate_on_submit():
        offers = offers_for_refused_visit(visit)
        reason = form.reason.data or ""
        return _kept(visit.run.term, Mishap.VISIT_REFUSED, visit.day, visit.stop_id, reason, offers)
    return _form_page(form, Mishap.VISIT_REFUSED, visit.day, visit.place.name, back)


@blueprint.route("/stops/<int:stop_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def requested_visit(stop_id: int) -> ResponseReturnValue:
    """Somebody asks for one more visit."""
    stop = owned_or_404(Stop, stop_id)
    form = RequestForm()
    if form.validate_on_submit():
        offers = offers_for_request(stop, form.day.data)
        reason = form.reason.data or ""
        return _kept(stop.term, Mishap.REQUEST, form.day.data, stop.id, reason, offers)
    back = url_for("timetable.edit_stop", stop_id=stop.id)
    return _form_page(form, Mishap.REQUEST, None, stop.place.name, back)


@blueprint.get("/<int:repair_id>")
@roles_allowed(*PLANNERS)
def repair_page(repair_id: int) -> ResponseReturnValue:
    """The ways to mend it, side by side."""
    repair = owned_or_404(Repair, repair_id)
    offers = [Offer.from_json(offer) for offer in repair.offers]
    stop_ids = {step.stop_id for offer in offers for step in offer.steps}
    names = select(Stop.id, Place.name).join(Place).where(Stop.id.in_(stop_ids))
    vans = vans_by_name()
    return render_template(
        "planning/repair.html",
        repair=repair,
        offers=offers,
        names=dict(db.session.execute(names).all()),
        vans={van.id: van.display_name for van in vans} if len(vans) > 1 else {},
    )


@blueprint.post("/<int:repair_id>/accept")
@roles_allowed(*PLANNERS)
def accept_offer(repair_id: int) -> ResponseReturnValue:
    """Take one of the ways: its changes are made and recorded."""
    repair = owned_or_404(Repair, repair_id)
    form = OfferForm()
    here = url_for("repairing.repair_page", repair_id=repair.id)
    if not form.validate_on_submit() or form.number.data >= len(repair.offers):
        flash(_("Choose one of the ways."), "danger")
        return redirect(here)
    if repair.accepted_at is not None:
        flash(_("One of these ways was taken already."), "warning")
        return redirect(here)
    try:
        sentences = accept(repair, form.number.data, _user())
    except ChangeError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(here)
    db.session.commit()
    flash(" ".join([_("Done; each change is recorded."), *sentences]), "success")
    return redirect(here)


def _kept(
    term: Term,
    mishap: Mishap,
    day: date,
    stop_id: int | None,
    reason: str,
    offers: Sequence[Offer],
) -> ResponseReturnValue:
    repair = Repair(
        organisation_id=term.organisation_id,
        term_id=term.id,
        user_id=current_user.id,
        mishap=mishap,
        day=day,
        stop_id=stop_id,
        reason=reason,
        offers=[offer.as_json() for offer in offers],
    )
    db.session.add(repair)
    db.session.commit()
    return redirect(url_for("repairing.repair_page", repair_id=repair.id))


def _form_page(
    form: RepairForm, mishap: Mishap, day: date | None, name: str, back: str
) -> ResponseReturnValue:
    return render_template(
        "planning/repair_form.html", form=form, mishap=mishap, day=day, name=name, back=back
    )


def _user() -> User:
    user: User = current_user._get_current_object()
    return user
