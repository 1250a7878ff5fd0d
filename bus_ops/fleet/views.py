"""Pages of vans, depots and crew."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ..accounts.access import EVERYONE, PLANNERS, roles_allowed
from ..database import current_organisation_id, db, owned_or_404
from ..i18n import today
from ..incoming import asked_search
from ..maps import MapStop, map_script, places_map
from ..places.outlines import todays_outlines
from ..tables import ShortListing, matches
from .forms import CrewMemberForm, DayOutForm, DepotForm, VanForm
from .models import CrewMember, Depot, Van, VanOutOfService
from .queries import depots_by_name, members_by_name, vans_by_name

blueprint = Blueprint("fleet", __name__, url_prefix="/fleet")


@blueprint.get("/")
@roles_allowed(*EVERYONE)
def overview() -> ResponseReturnValue:
    """Vans, depots and crew."""
    typed = asked_search()
    listing = ShortListing(
        vans_by_name(),
        {
            "name": lambda van: van.display_name,
            "plate": lambda van: van.plate or None,
        },
        "name",
        lambda van: f"{van.display_name} {van.plate}",
    )
    return render_template(
        "fleet/overview.html",
        listing=listing,
        depots=[d for d in depots_by_name() if matches(typed, f"{d.name} {d.address}")],
        members=[m for m in members_by_name() if matches(typed, f"{m.full_name} {m.phone}")],
        may_plan=current_user.role in PLANNERS,
        today=today(),
    )


@blueprint.route("/vans/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_van() -> ResponseReturnValue:
    """Add a van."""
    form = VanForm()
    if form.validate_on_submit():
        van = Van(organisation_id=current_organisation_id())
        form.apply_to(van)
        db.session.add(van)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("fleet.edit_van", van_id=van.id))
    return render_template("fleet/van.html", form=form, van=None, day_form=None)


@blueprint.route("/vans/<int:van_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_van(van_id: int) -> ResponseReturnValue:
    """A van, its checklist and its days out of service."""
    van = owned_or_404(Van, van_id)
    form = VanForm(van)
    if form.validate_on_submit():
        form.apply_to(van)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("fleet.overview"))
    return render_template("fleet/van.html", form=form, van=van, day_form=DayOutForm(formdata=None))


@blueprint.post("/vans/<int:van_id>/days-out")
@roles_allowed(*PLANNERS)
def add_days_out(van_id: int) -> ResponseReturnValue:
    """Days in repair; the timetable warns of runs on them."""
    van = owned_or_404(Van, van_id)
    form = DayOutForm()
    if not form.validate_on_submit():
        page = render_template("fleet/van.html", form=VanForm(van), van=van, day_form=form)
        return page, 400
    out = VanOutOfService(organisation_id=van.organisation_id, van=van)
    form.populate_obj(out)
    db.session.add(out)
    db.session.commit()
    flash(_("Runs on these days are marked in the timetable."), "success")
    return redirect(url_for("fleet.edit_van", van_id=van.id))


@blueprint.post("/days-out/<int:out_id>/delete")
@roles_allowed(*PLANNERS)
def delete_days_out(out_id: int) -> ResponseReturnValue:
    """The van runs again."""
    out = owned_or_404(VanOutOfService, out_id)
    van_id = out.van_id
    db.session.delete(out)
    db.session.commit()
    return redirect(url_for("fleet.edit_van", van_id=van_id))


@blueprint.route("/depots/new", methods=["GET", "POST"], defaults={"depot_id": None})
@blueprint.route("/depots/<int:depot_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_depot(depot_id: int | None) -> ResponseReturnValue:
    """Add or change a depot."""
    depot = owned_or_404(Depot, depot_id) if depot_id else None
    form = DepotForm(depot)
    if form.validate_on_submit():
        depot = depot or Depot(organisation_id=current_organisation_id())
        form.populate_obj(depot)
        db.session.add(depot)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("fleet.overview"))
    return render_template("fleet/depot.html", form=form, depot=depot)


@blueprint.get("/depots/new/map.js", defaults={"depot_id": None})
@blueprint.get("/depots/<int:depot_id>/map.js")
@roles_allowed(*PLANNERS)
def depot_map_script(depot_id: int | None) -> Response:
    """The map to tap where vans start: the depot, if it has its place, and the communes."""
    depots = [owned_or_404(Depot, depot_id)] if depot_id else []
    points = [MapStop("", depot.name, depot.lat, depot.lon) for depot in depots]
    return map_script(places_map("depot", points, todays_outlines()))


@blueprint.route("/crew/new", methods=["GET", "POST"], defaults={"member_id": None})
@blueprint.route("/crew/<int:member_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_member(member_id: int | None) -> ResponseReturnValue:
    """Add or change a crew member."""
    member = owned_or_404(CrewMember, member_id) if member_id else None
    form = CrewMemberForm(member)
    if form.validate_on_submit():
        member = member or CrewMember(organisation_id=current_organisation_id())
        form.apply_to(member)
        db.session.add(member)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("fleet.overview"))
    title = member.full_name if member else _("New crew member")
    return render_template("fleet/form.html", form=form, title=title)
