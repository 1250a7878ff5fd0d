"""Pages of repairs: what happened, the ways to mend it with their cost, taking one."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from ..accounts.access import PLANNERS, roles_allowed, signed_in_user
from ..database import current_organisation_id, db, owned, owned_or_404
from ..fleet.models import Van
from ..fleet.queries import vans_by_name
from ..i18n import format_day, parsed_day, today
from ..places.models import Place
from ..timetable.changes import ChangeError
from ..timetable.models import Stop, TermStatus, Visit
from .forms import LostDaysForm, OfferForm, RepairForm, RequestForm
from .models import Mishap, Repair
from .offers import MOVED_VISIT_M, Offer
from .repairing import accept, ask, is_open, terms_hit
from .starting import get_ready
from .working import close_if_silent

blueprint = Blueprint("repairing", __name__, url_prefix="/planning/repairs")

# How many earlier mishaps the page lists.
_LISTED = 20


@blueprint.route("/", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def mishaps() -> ResponseReturnValue:
    """Days on which a van cannot drive: storm, flood, breakdown; what happened before."""
    vans = [van for van in vans_by_name() if van.enabled]
    first = parsed_day(request.args.get("day", "")) or today()
    last = parsed_day(request.args.get("last", "")) or first
    form = LostDaysForm(vans, first, last, request.args.get("van", type=int))
    if form.validate_on_submit():
        return _asked_for_lost_days(form)
    get_ready()
    query = owned(Repair).order_by(Repair.id.desc()).limit(_LISTED)
    return render_template(
        "planning/mishaps.html", form=form, repairs=list(db.session.scalars(query)), vans=vans
    )


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
        repair = Repair(
            organisation_id=visit.organisation_id,
            term=visit.run.term,
            user_id=current_user.id,
            mishap=Mishap.VISIT_REFUSED,
            day=visit.day,
            stop_id=visit.stop_id,
            reason=form.reason.data or "",
        )
        return _asked([repair])
    return _form_page(form, Mishap.VISIT_REFUSED, visit.day, visit.place.name, back)


@blueprint.route("/stops/<int:stop_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def requested_visit(stop_id: int) -> ResponseReturnValue:
    """Somebody asks for one more visit."""
    stop = owned_or_404(Stop, stop_id)
    back = url_for("timetable.edit_stop", stop_id=stop.id)
    if stop.term.status != TermStatus.PUBLISHED:
        flash(_("The term is a draft: plan it, then ask for further visits."), "warning")
        return redirect(back)
    form = RequestForm()
    if form.validate_on_submit():
        repair = Repair(
            organisation_id=stop.organisation_id,
            term=stop.term,
            user_id=current_user.id,
            mishap=Mishap.REQUEST,
            day=form.day.data,
            stop_id=stop.id,
            reason=form.reason.data or "",
        )
        return _asked([repair])
    return _form_page(form, Mishap.REQUEST, None, stop.place.name, back)


@blueprint.get("/<int:repair_id>")
@roles_allowed(*PLANNERS)
def repair_page(repair_id: int) -> ResponseReturnValue:
    """The ways to mend it, side by side; until they are there, that they are looked for."""
    repair = owned_or_404(Repair, repair_id)
    close_if_silent(repair)
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
        moved_visit_m=MOVED_VISIT_M,
    )


@blueprint.get("/<int:repair_id>/progress")
@roles_allowed(*PLANNERS)
def progress(repair_id: int) -> ResponseReturnValue:
    """That ways are looked for, as a part of its page; once they are there it is asked anew."""
    repair = owned_or_404(Repair, repair_id)
    close_if_silent(repair)
    answer = Response(render_template("planning/_repair_progress.html", repair=repair))
    if not repair.is_running:
        answer.headers["HX-Refresh"] = "true"
    return answer


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
        sentences = accept(repair, form.number.data, signed_in_user())
    except ChangeError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(here)
    db.session.commit()
    flash(" ".join([_("Done; each change is recorded."), *sentences]), "success")
    return redirect(here)


@blueprint.post("/<int:repair_id>/again")
@roles_allowed(*PLANNERS)
def ask_again(repair_id: int) -> ResponseReturnValue:
    """Look for ways once more: the timetable changed meanwhile, or the search failed."""
    old = owned_or_404(Repair, repair_id)
    if old.accepted_at is not None:
        flash(_("One of these ways was taken already."), "warning")
        return redirect(url_for("repairing.repair_page", repair_id=old.id))
    repair = Repair(
        organisation_id=old.organisation_id,
        term=old.term,
        user_id=current_user.id,
        mishap=old.mishap,
        day=old.day,
        last_day=old.last_day,
        stop_id=old.stop_id,
        van_id=old.van_id,
        reason=old.reason,
    )
    return _asked([repair])


def _asked_for_lost_days(form: LostDaysForm) -> ResponseReturnValue:
    first, last = form.first_on.data, form.last_on.data
    van = owned_or_404(Van, form.van_id.data) if form.van_id.data else None
    terms = terms_hit(first, last, van, current_organisation_id())
    if not terms:
        flash(_("No visit stands on these days; nothing needs mending."), "info")
        return redirect(url_for("repairing.mishaps"))
    return _asked(
        [
            Repair(
                organisation_id=term.organisation_id,
                term=term,
                user_id=current_user.id,
                mishap=Mishap.DAY_LOST,
                day=first,
                last_day=last,
                van=van,
                reason=form.why,
            )
            for term in terms
        ]
    )


def _asked(repairs: list[Repair]) -> ResponseReturnValue:
    """The page of what was asked; of the first where several timetables are concerned."""
    ask(repairs)
    if len(repairs) > 1:
        others = ", ".join(repair.term.name for repair in repairs[1:])
        flash(
            _("Other timetables are hit as well; mend them too: %(names)s.", names=others), "info"
        )
    return redirect(url_for("repairing.repair_page", repair_id=repairs[0].id))


def _form_page(
    form: RepairForm, mishap: Mishap, day: date | None, name: str, back: str
) -> ResponseReturnValue:
    get_ready()
    about = [format_day(day)] if day else []
    return render_template(
        "planning/repair_form.html", form=form, mishap=mishap, about=[*about, name], back=back
    )
