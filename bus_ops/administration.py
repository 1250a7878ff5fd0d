"""The administrator's pages: what the nightly jobs did, backups, settings of the library.

Jobs and backups are the installation's: where it serves several libraries, their administrators
share them, and each sees only what a job said to the own library.
"""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from wtforms import FloatField, IntegerField, StringField
from wtforms.validators import (
    DataRequired,
    Email,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from .accounts.access import ADMINISTRATORS, roles_allowed
from .accounts.audit import AuditEntry
from .accounts.models import Organisation
from .background import WorkState
from .backups import backup_folder, backups
from .base_form import BaseForm
from .circulation.models import Copy, Loan, Reader
from .database import current_organisation_id, db, now, owned
from .jobs import JOBS, job_named, last_turns, run_job, shown_turn
from .places.models import Place
from .tables import Listing
from .tablet.models import Event
from .timetable.models import Stop, Visit
from .travel_sources import chosen_source

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


class LibraryForm(BaseForm):
    """The library's name, and how driving is estimated."""

    name = StringField(
        _l("Name of the library"), [DataRequired(_l("Enter a name.")), Length(max=200)]
    )
    contact_phone = StringField(_l("Telephone"), [Length(max=40)])
    contact_email = StringField(
        _l("E-mail"), [Optional(), Email(_l("This is not an e-mail address.")), Length(max=254)]
    )
    drive_speed_kmh = FloatField(_l("Driving speed (km/h)"), [InputRequired(), NumberRange(5, 120)])
    detour_factor = FloatField(
        _l("Detour factor (road to straight line)"), [InputRequired(), NumberRange(1, 4)]
    )
    fuel_litres_per_100km = FloatField(
        _l("Litres of fuel for 100 km"), [InputRequired(), NumberRange(0, 100)]
    )
    fuel_price_vnd = IntegerField(
        _l("A litre of fuel costs (VND)"), [InputRequired(), NumberRange(0, 1_000_000)]
    )
    crew_hour_vnd = IntegerField(
        _l("An hour of the whole crew costs (VND)"), [InputRequired(), NumberRange(0, 100_000_000)]
    )
    forget_readers_after = IntegerField(
        _l("Days after its return at which a loan forgets its reader"),
        [InputRequired(), NumberRange(1, 3650)],
    )
    smallest_group = IntegerField(
        _l("Exports leave out groups of fewer people than"), [InputRequired(), NumberRange(0, 100)]
    )

    def __init__(self, library: Organisation) -> None:
        super().__init__(obj=library)
        self._library = library

    def validate_name(self, field: StringField) -> None:
        """Names of libraries are unique in an installation."""
        query = select(Organisation).where(Organisation.name == field.data)
        other = db.session.scalar(query)
        if other is not None and other is not self._library:
            raise ValidationError(_l("Another library has this name."))


@blueprint.get("/")
@roles_allowed(*ADMINISTRATORS)
def overview() -> ResponseReturnValue:
    """Jobs, backups, counts, settings."""
    return _overview(LibraryForm(_library()))


@blueprint.get("/audit")
@roles_allowed(*ADMINISTRATORS)
def audit_list() -> ResponseReturnValue:
    """Who exported what, and who looked at or erased personal data."""
    query = owned(AuditEntry).options(joinedload(AuditEntry.user))
    listing = Listing(query, {"at": AuditEntry.at}, "-at", AuditEntry.what)
    return render_template("administration/audit.html", listing=listing)


@blueprint.post("/library")
@roles_allowed(*ADMINISTRATORS)
def edit_library() -> ResponseReturnValue:
    """Change the library's settings."""
    library = _library()
    form = LibraryForm(library)
    if not form.validate_on_submit():
        return _overview(form), 400
    form.populate_obj(library)
    db.session.commit()
    flash(_("Saved. New runs are timed with it."), "success")
    return redirect(url_for("administration.overview"))


@blueprint.post("/jobs/<name>")
@roles_allowed(*ADMINISTRATORS)
def run_now(name: str) -> ResponseReturnValue:
    """Do a nightly job now."""
    job = job_named(name)
    if job is None:
        abort(404)
    turn = run_job(job, now(), by_hand=True)
    if turn is None:
        flash(_("The job is running already."), "warning")
    else:
        shown = shown_turn(turn, current_organisation_id())
        failed = shown.state == WorkState.FAILED
        flash(f"{job.label}: {shown.text}", "danger" if failed else "success")
    return redirect(url_for("administration.overview"))


def _overview(form: LibraryForm) -> str:
    counts = [
        (_("Places"), _count(Place)),
        (_("Stops"), _count(Stop)),
        (_("Visits"), _count(Visit)),
        (_("Facts in the log"), _count(Event)),
        (_("Loans"), _count(Loan)),
        (_("Readers"), _count(Reader)),
        (_("Copies"), _count(Copy)),
    ]
    return render_template(
        "administration/overview.html",
        form=form,
        jobs=[
            (job, [shown_turn(turn, current_organisation_id()) for turn in last_turns(job)])
            for job in JOBS
        ],
        backups=backups(),
        folder=backup_folder(),
        database=db.engine.dialect.name,
        counts=counts,
        chosen=chosen_source(form.detour_factor.data or 1.0, form.drive_speed_kmh.data or 30.0),
    )


def _library() -> Organisation:
    return db.session.get_one(Organisation, current_organisation_id())


def _count(model: type) -> int:
    mine = getattr(model, "organisation_id") == current_organisation_id()  # noqa: B009
    return db.session.scalar(select(func.count()).select_from(model).where(mine)) or 0
