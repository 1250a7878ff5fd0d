"""Pages of the timetable: month, week, runs, visits, terms, stops, calendars, imports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from schedules.calendar import public_holidays

from ..accounts.access import EVERYONE, PLANNERS, roles_allowed, signed_in_user
from ..accounts.models import Organisation, User
from ..clock_fields import windows_in_words
from ..database import current_organisation_id, db, lock_library, now, owned, owned_or_404
from ..fleet.models import CrewMember, Van
from ..fleet.queries import vans_by_name
from ..i18n import current_language, format_day, parsed_day, today
from ..incoming import asked_number
from ..places.models import Place, UploadedFile
from ..tables import Listing, ShortListing
from . import changes, import_wording
from .board import (
    draft_days,
    month_before,
    month_weeks,
    next_month,
    parsed_month,
    visits_by_run,
    week_days,
)
from .calendars import add_vietnamese_calendars, holiday_language
from .change_wording import (
    sentences_of_removed,
    sentences_of_shifts,
    sentences_of_skipped,
)
from .changes import ChangeError
from .drafts import looked_at
from .forms import (
    AddVisitForm,
    CalendarForm,
    CancelForm,
    ClosureForm,
    CrewForm,
    ImportForm,
    MoveForm,
    PeriodForm,
    ReasonForm,
    StopForm,
    TermForm,
)
from .frequency import frequency_in_words
from .generating import FillReport, fill_runs, skipped_dates
from .import_plan import ImportChoices, ImportPlan
from .import_taking_back import obstacle_to_taking_back, take_back
from .importing import apply_import, new_run_count, plan_import
from .models import (
    CalendarClosure,
    CalendarPeriod,
    Run,
    ServiceCalendar,
    Stop,
    StopKind,
    Term,
    TermStatus,
    Visit,
)
from .promises import day_off_in_words, warnings_of
from .remaking import make_again
from .signals import visits_changed
from .tomorrow import ToldPromise, promises_broken_on

blueprint = Blueprint("timetable", __name__, url_prefix="/timetable")

# Uploaded timetables wait under this purpose between the dry run and the decision.
UPLOAD_PURPOSE = "timetable"


@blueprint.get("/month")
@roles_allowed(*EVERYONE)
def month() -> ResponseReturnValue:
    """A month of runs."""
    shown = parsed_month(request.args.get("month", ""), today())
    van_id = asked_number("van")
    term_id = asked_number("term")
    organisation_id = current_organisation_id()
    return render_template(
        "timetable/month.html",
        month=shown,
        weeks=month_weeks(shown, organisation_id, van_id, term_id, current_language()),
        before=month_before(shown),
        after=next_month(shown),
        van_id=van_id,
        term_id=term_id,
        vans=_vans(),
        terms=_terms(),
        tomorrow_broken=_tomorrow_broken(),
    )


@blueprint.get("/week")
@roles_allowed(*EVERYONE)
def week() -> ResponseReturnValue:
    """A week of runs with their visits."""
    day = parsed_day(request.args.get("day", "")) or today()
    monday = day - timedelta(days=day.weekday())
    van_id = asked_number("van")
    organisation_id = current_organisation_id()
    return render_template(
        "timetable/week.html",
        monday=monday,
        days=week_days(monday, organisation_id, van_id, current_language()),
        visits=visits_by_run(monday, monday + timedelta(days=6), organisation_id),
        van_id=van_id,
        vans=_vans(),
    )


@blueprint.get("/runs/<int:run_id>")
@roles_allowed(*EVERYONE)
def run_page(run_id: int) -> ResponseReturnValue:
    """A run: its visits in order, crew, checklist, broken promises, changes."""
    run = owned_or_404(Run, run_id)
    return _run_page(run, MoveForm(run.van_id, prefix="run-move"), ReasonForm(prefix="run-cancel"))


@blueprint.post("/runs/<int:run_id>/crew")
@roles_allowed(*PLANNERS)
def run_crew(run_id: int) -> ResponseReturnValue:
    """Choose who rides."""
    run = owned_or_404(Run, run_id)
    form = CrewForm()
    if form.validate_on_submit():
        query = owned(CrewMember).where(CrewMember.id.in_(form.members.data or []))
        changes.set_crew(run, list(db.session.scalars(query)), signed_in_user())
        db.session.commit()
        flash(_("Saved."), "success")
        _flash_warnings(run)
    return redirect(url_for("timetable.run_page", run_id=run.id))


@blueprint.post("/runs/<int:run_id>/cancel")
@roles_allowed(*PLANNERS)
def cancel_run(run_id: int) -> ResponseReturnValue:
    """Cancel a whole day: every open visit, with one reason."""
    run = owned_or_404(Run, run_id)
    form = ReasonForm(prefix="run-cancel")
    if not form.validate_on_submit():
        return _run_page(run, MoveForm(run.van_id, prefix="run-move", formdata=None), form), 400
    try:
        sentences = changes.cancel_run(run, form.reason.data or "", signed_in_user())
    except ChangeError as error:
        return _refused(error, run_id)
    db.session.commit()
    flash(" ".join([_("The whole run is cancelled."), *sentences]), "success")
    return redirect(url_for("timetable.run_page", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/move")
@roles_allowed(*PLANNERS)
def move_run(run_id: int) -> ResponseReturnValue:
    """Move a whole day: every open visit to another day or van, with one reason."""
    run = owned_or_404(Run, run_id)
    form = MoveForm(prefix="run-move")
    if not form.validate_on_submit():
        return _run_page(run, form, ReasonForm(prefix="run-cancel", formdata=None)), 400
    van, day = owned_or_404(Van, form.van_id.data), form.day.data
    try:
        target, sentences = changes.move_run(
            run, day, van, form.reason.data or "", signed_in_user()
        )
    except ChangeError as error:
        return _refused(error, run_id)
    db.session.commit()
    flash(" ".join([_("Moved to %(day)s.", day=format_day(day)), *sentences]), "success")
    _flash_warnings(target)
    return redirect(url_for("timetable.run_page", run_id=target.id))


@blueprint.get("/visits/<int:visit_id>")
@roles_allowed(*EVERYONE)
def visit_page(visit_id: int) -> ResponseReturnValue:
    """A visit: plan, what was logged, changes; moving and cancelling it."""
    visit = owned_or_404(Visit, visit_id)
    return _visit_page(visit, MoveForm(visit.run.van_id), CancelForm(prefix="cancel"))


@blueprint.post("/visits/<int:visit_id>/move")
@roles_allowed(*PLANNERS)
def move_visit(visit_id: int) -> ResponseReturnValue:
    """Move a visit to another day or van."""
    visit = owned_or_404(Visit, visit_id)
    form = MoveForm()
    if not form.validate_on_submit():
        return _visit_page(visit, form, CancelForm(prefix="cancel", formdata=None)), 400
    van = owned_or_404(Van, form.van_id.data)
    return _changed(
        visit,
        lambda: changes.move_visit(
            visit, form.day.data, van, form.reason.data or "", signed_in_user()
        ),
        _("Moved to %(day)s.", day=format_day(form.day.data)),
    )


@blueprint.post("/visits/<int:visit_id>/cancel")
@roles_allowed(*PLANNERS)
def cancel_visit(visit_id: int) -> ResponseReturnValue:
    """Cancel a visit with a reason."""
    visit = owned_or_404(Visit, visit_id)
    form = CancelForm(prefix="cancel")
    if not form.validate_on_submit():
        return _visit_page(visit, MoveForm(visit.run.van_id), form), 400
    return _changed(
        visit,
        lambda: changes.cancel_visit(
            visit, form.reason.data or "", signed_in_user(), bool(form.times_anew.data)
        ),
        _("Cancelled."),
    )


@blueprint.post("/visits/<int:visit_id>/restore")
@roles_allowed(*PLANNERS)
def restore_visit(visit_id: int) -> ResponseReturnValue:
    """Take a cancellation back."""
    visit = owned_or_404(Visit, visit_id)
    return _changed(visit, lambda: changes.restore_visit(visit, signed_in_user()), _("Restored."))


@blueprint.post("/visits/<int:visit_id>/confirm")
@roles_allowed(*PLANNERS)
def confirm_visit(visit_id: int) -> ResponseReturnValue:
    """The place expects the van."""
    visit = owned_or_404(Visit, visit_id)
    return _changed(visit, lambda: changes.confirm_visit(visit, signed_in_user()), _("Confirmed."))


@blueprint.post("/visits/<int:visit_id>/shift")
@roles_allowed(*PLANNERS)
def shift_visit(visit_id: int) -> ResponseReturnValue:
    """Earlier or later in the run's order."""
    visit = owned_or_404(Visit, visit_id)
    places = -1 if request.form.get("direction") == "up" else 1
    _changed(
        visit, lambda: changes.shift_visit(visit, places, signed_in_user()), _("Order changed.")
    )
    return redirect(url_for("timetable.run_page", run_id=visit.run_id))


@blueprint.get("/terms")
@roles_allowed(*PLANNERS)
def term_list() -> ResponseReturnValue:
    """Every term, the newest first."""
    counts = select(Stop.term_id, func.count().label("stops")).group_by(Stop.term_id).subquery()
    query = (
        select(Term, func.coalesce(counts.c.stops, 0))
        .outerjoin(counts, counts.c.term_id == Term.id)
        .where(Term.organisation_id == current_organisation_id())
    )
    listing = ShortListing(
        db.session.execute(query).all(),
        {
            "name": lambda row: row[0].name,
            "from": lambda row: row[0].starts_on,
            "until": lambda row: row[0].ends_on,
        },
        "-from",
        lambda row: row[0].name,
    )
    return render_template("timetable/terms.html", listing=listing)


@blueprint.route("/terms/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_term() -> ResponseReturnValue:
    """Make a term."""
    form = TermForm()
    if form.validate_on_submit():
        term = Term(organisation_id=current_organisation_id())
        form.populate_obj(term)
        db.session.add(term)
        db.session.commit()
        flash(_("Now add the stops it serves."), "success")
        return redirect(url_for("timetable.term_page", term_id=term.id))
    return render_template("timetable/term_form.html", form=form, term=None)


@blueprint.route("/terms/<int:term_id>/edit", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_term(term_id: int) -> ResponseReturnValue:
    """Change a term; its coming untouched visits follow."""
    term = owned_or_404(Term, term_id)
    form = TermForm(term)
    if form.validate_on_submit():
        frame = _frame_of(term)
        form.populate_obj(term)
        stop_ids = [stop.id for stop in term.stops]
        sentences = _make_again(term, stop_ids, new_frame=_frame_of(term) != frame)
        db.session.commit()
        flash(" ".join([_("Saved."), *sentences]), "success")
        return redirect(url_for("timetable.term_page", term_id=term.id))
    return render_template("timetable/term_form.html", form=form, term=term)


@blueprint.get("/terms/<int:term_id>")
@roles_allowed(*PLANNERS)
def term_page(term_id: int) -> ResponseReturnValue:
    """A term's stops."""
    term = owned_or_404(Term, term_id)
    query = (
        select(Stop)
        .join(Place, Stop.place_id == Place.id)
        .join(Van, Stop.van_id == Van.id)
        .where(Stop.term_id == term.id)
        .options(joinedload(Stop.place), joinedload(Stop.van), joinedload(Stop.calendar))
    )
    kind = request.args.get("kind", "")
    if kind in {member.value for member in StopKind}:
        query = query.where(Stop.kind == StopKind(kind))
    van_id = asked_number("van")
    if van_id:
        query = query.where(Stop.van_id == van_id)
    sorts = {"place": Place.name, "van": Van.name, "minutes": Stop.service_minutes}
    return render_template(
        "timetable/term.html",
        term=term,
        listing=Listing(query, sorts, "place", Place.search_key),
        vans=_vans(),
        van_id=van_id,
        kind=kind,
        kinds=StopKind.choices(),
        frequency_in_words=frequency_in_words,
        windows_in_words=windows_in_words,
    )


@blueprint.post("/terms/<int:term_id>/publish")
@roles_allowed(*PLANNERS)
def publish_term(term_id: int) -> ResponseReturnValue:
    """Make the term a promise, and fill its runs."""
    term = owned_or_404(Term, term_id)
    term.status = TermStatus.PUBLISHED
    term.published_at = term.published_at or now()
    report = _fill(term)
    db.session.commit()
    message = _(
        "Published: %(runs)s runs with %(visits)s visits.", runs=report.runs, visits=report.visits
    )
    sentences = _told_of(report, [stop.id for stop in term.stops])
    flash(" ".join([message, *sentences]), "success")
    return redirect(url_for("timetable.term_page", term_id=term.id))


@blueprint.get("/terms/<int:term_id>/preview")
@roles_allowed(*PLANNERS)
def preview_term(term_id: int) -> ResponseReturnValue:
    """A draft's runs as publishing would make them, a month at a time."""
    term = owned_or_404(Term, term_id)
    start = max(term.starts_on, today())
    month = parsed_month(request.args.get("month", ""), start)
    if term.status == TermStatus.PUBLISHED:
        where = url_for("timetable.month", month=month.strftime("%Y-%m"), term=term.id)
        return redirect(where)
    last = next_month(month) - timedelta(days=1)
    with looked_at(term, max(month, start), last) as report:
        names = _names_of_stops({one.stop_key for one in report.skipped})
        return render_template(
            "timetable/preview.html",
            term=term,
            month=month,
            before=month_before(month),
            after=next_month(month),
            days=draft_days(term, month, current_language()),
            visits=visits_by_run(month, last, term.organisation_id),
            skipped=[(names[one.stop_key], one) for one in report.skipped],
            day_off_in_words=day_off_in_words,
        )


@blueprint.route("/terms/<int:term_id>/stops/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_stop(term_id: int) -> ResponseReturnValue:
    """Serve a place in a term."""
    term = owned_or_404(Term, term_id)
    form = StopForm(term)
    place_id = asked_number("place")
    if not form.is_submitted() and place_id:
        form.propose(owned_or_404(Place, place_id))
    if form.validate_on_submit():
        stop = Stop(organisation_id=term.organisation_id, term=term)
        form.apply_to(stop)
        db.session.add(stop)
        db.session.flush()
        sentences = _make_again(term, [], told=[stop.id])
        db.session.commit()
        flash(" ".join([_("Saved."), *sentences]), "success")
        return redirect(url_for("timetable.term_page", term_id=term.id))
    return render_template("timetable/stop_form.html", form=form, term=term, stop=None)


@blueprint.route("/stops/<int:stop_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_stop(stop_id: int) -> ResponseReturnValue:
    """Change a stop; its coming visits that nobody touched follow."""
    stop = owned_or_404(Stop, stop_id)
    form = StopForm(stop.term, stop)
    if form.validate_on_submit():
        form.apply_to(stop)
        sentences = _make_again(stop.term, [stop.id])
        db.session.commit()
        flash(" ".join([_("Saved."), *sentences]), "success")
        return redirect(url_for("timetable.term_page", term_id=stop.term_id))
    return render_template(
        "timetable/stop_form.html",
        form=form,
        term=stop.term,
        stop=stop,
        add_form=AddVisitForm(formdata=None),
        skipped=skipped_dates(stop, today(), _last_filled(stop.term)),
        day_off_in_words=day_off_in_words,
    )


@blueprint.post("/stops/<int:stop_id>/visits")
@roles_allowed(*PLANNERS)
def add_visit(stop_id: int) -> ResponseReturnValue:
    """One more visit, beside the rule."""
    stop = owned_or_404(Stop, stop_id)
    form = AddVisitForm()
    if not form.validate_on_submit():
        flash(_("Choose a day."), "danger")
        return redirect(url_for("timetable.edit_stop", stop_id=stop.id))
    try:
        visit, sentences = changes.add_visit(
            stop, form.day.data, form.reason.data or "", signed_in_user()
        )
    except ChangeError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(url_for("timetable.edit_stop", stop_id=stop_id))
    db.session.commit()
    flash(" ".join([_("Added on %(day)s.", day=format_day(visit.day)), *sentences]), "success")
    _flash_warnings(visit.run)
    return redirect(url_for("timetable.run_page", run_id=visit.run_id))


@blueprint.get("/calendars")
@roles_allowed(*PLANNERS)
def calendar_list() -> ResponseReturnValue:
    """Calendars that stops name."""
    calendars = db.session.scalars(owned(ServiceCalendar)).all()
    listing = ShortListing(calendars, {"name": lambda c: c.name}, "name", lambda c: c.name)
    return render_template("timetable/calendars.html", listing=listing)


@blueprint.post("/calendars/vietnam")
@roles_allowed(*PLANNERS)
def add_ready_calendars() -> ResponseReturnValue:
    """The ready-made calendars of Vietnam's schools and staff."""
    if db.session.scalar(owned(ServiceCalendar).limit(1)) is None:
        year = today().year if today().month >= 7 else today().year - 1
        add_vietnamese_calendars(current_organisation_id(), year)
        db.session.commit()
    return redirect(url_for("timetable.calendar_list"))


@blueprint.route("/calendars/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_calendar() -> ResponseReturnValue:
    """Make a calendar."""
    form = CalendarForm()
    if not form.is_submitted():
        form.weekdays.data = list(range(5))
    if form.validate_on_submit():
        calendar = ServiceCalendar(organisation_id=current_organisation_id())
        form.apply_to(calendar)
        db.session.add(calendar)
        db.session.commit()
        return redirect(url_for("timetable.calendar_page", calendar_id=calendar.id))
    return render_template("timetable/calendar.html", form=form, calendar=None)


@blueprint.route("/calendars/<int:calendar_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def calendar_page(calendar_id: int) -> ResponseReturnValue:
    """A calendar: service days, closures, teaching periods, public holidays of the year."""
    calendar = owned_or_404(ServiceCalendar, calendar_id)
    form = CalendarForm(calendar)
    if form.validate_on_submit():
        form.apply_to(calendar)
        _calendar_changed(calendar)
        return redirect(url_for("timetable.calendar_page", calendar_id=calendar.id))
    return _calendar_page(calendar, form, ClosureForm(formdata=None), PeriodForm(formdata=None))


@blueprint.post("/calendars/<int:calendar_id>/closures")
@roles_allowed(*PLANNERS)
def add_closure(calendar_id: int) -> ResponseReturnValue:
    """Days off, or days worked in spite of a holiday."""
    calendar = owned_or_404(ServiceCalendar, calendar_id)
    form = ClosureForm()
    if not form.validate_on_submit():
        page = _calendar_page(calendar, CalendarForm(calendar), form, PeriodForm(formdata=None))
        return page, 400
    closure = CalendarClosure(organisation_id=calendar.organisation_id, calendar=calendar)
    form.populate_obj(closure)
    db.session.add(closure)
    _calendar_changed(calendar)
    return redirect(url_for("timetable.calendar_page", calendar_id=calendar.id))


@blueprint.post("/calendars/<int:calendar_id>/periods")
@roles_allowed(*PLANNERS)
def add_period(calendar_id: int) -> ResponseReturnValue:
    """A teaching period."""
    calendar = owned_or_404(ServiceCalendar, calendar_id)
    form = PeriodForm()
    if not form.validate_on_submit():
        page = _calendar_page(calendar, CalendarForm(calendar), ClosureForm(formdata=None), form)
        return page, 400
    period = CalendarPeriod(organisation_id=calendar.organisation_id, calendar=calendar)
    form.populate_obj(period)
    db.session.add(period)
    _calendar_changed(calendar)
    return redirect(url_for("timetable.calendar_page", calendar_id=calendar.id))


@blueprint.post("/calendars/closures/<int:closure_id>/delete")
@roles_allowed(*PLANNERS)
def delete_closure(closure_id: int) -> ResponseReturnValue:
    """Take a closure out."""
    closure = owned_or_404(CalendarClosure, closure_id)
    calendar = closure.calendar
    calendar.closures.remove(closure)
    _calendar_changed(calendar)
    return redirect(url_for("timetable.calendar_page", calendar_id=calendar.id))


@blueprint.post("/calendars/periods/<int:period_id>/delete")
@roles_allowed(*PLANNERS)
def delete_period(period_id: int) -> ResponseReturnValue:
    """Take a teaching period out."""
    period = owned_or_404(CalendarPeriod, period_id)
    calendar = period.calendar
    calendar.periods.remove(period)
    _calendar_changed(calendar)
    return redirect(url_for("timetable.calendar_page", calendar_id=calendar.id))


@blueprint.route("/import", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def import_files() -> ResponseReturnValue:
    """Upload timetable files; shows a dry run before anything changes."""
    form = ImportForm()
    if form.validate_on_submit():
        db.session.execute(db.delete(UploadedFile).where(*_own_uploads()))
        for upload in form.files.data:
            kept = UploadedFile(
                organisation_id=current_organisation_id(),
                user_id=current_user.id,
                purpose=UPLOAD_PURPOSE,
                file_name=(upload.filename or "")[:255],
                data=upload.read(),
            )
            db.session.add(kept)
        db.session.commit()
        return redirect(url_for("timetable.import_preview"))
    return render_template("timetable/import.html", form=form)


@blueprint.get("/import/preview")
@roles_allowed(*PLANNERS)
def import_preview() -> ResponseReturnValue:
    """The dry run: what would change, and every problem."""
    plan = _uploaded_plan()
    if plan is None:
        return redirect(url_for("timetable.import_files"))
    return render_template(
        "timetable/import_preview.html",
        plan=plan,
        new_runs=new_run_count(plan, today(), current_app.config["HORIZON_DAYS"]),
        horizon=today() + timedelta(days=current_app.config["HORIZON_DAYS"]),
        words=import_wording,
        frequency_in_words=frequency_in_words,
    )


@blueprint.post("/import/apply")
@roles_allowed(*PLANNERS)
def apply_uploaded() -> ResponseReturnValue:
    """Take the uploaded rows in, as ticked."""
    plan = _uploaded_plan()
    if plan is None:
        return redirect(url_for("timetable.import_files"))
    organisation = db.session.get_one(Organisation, current_organisation_id())
    choices = ImportChoices(
        frozenset(request.form.getlist("overwrite")),
        frozenset(request.form.getlist("take_out", type=int)),
    )
    horizon_days = current_app.config["HORIZON_DAYS"]
    report = apply_import(plan, organisation, today(), horizon_days, choices)
    db.session.execute(db.delete(UploadedFile).where(*_own_uploads()))
    db.session.commit()
    message = _(
        "Imported: %(added)s stops added, %(changed)s changed, %(runs)s dated runs.",
        added=report.stops_added,
        changed=report.stops_changed,
        runs=report.runs,
    )
    if report.stops_taken_out:
        message += " " + ngettext(
            "%(num)s stop taken out of service.",
            "%(num)s stops taken out of service.",
            report.stops_taken_out,
        )
    flash(message, "success")
    return redirect(url_for("timetable.term_list"))


@blueprint.post("/terms/<int:term_id>/take-back")
@roles_allowed(*PLANNERS)
def take_import_back(term_id: int) -> ResponseReturnValue:
    """Delete an imported term as a whole, while nothing of it has happened."""
    term = owned_or_404(Term, term_id)
    obstacle = obstacle_to_taking_back(term, today())
    if obstacle is not None:
        flash(import_wording.sentence_of_obstacle(obstacle), "danger")
        return redirect(url_for("timetable.term_page", term_id=term_id))
    taken = take_back(term)
    db.session.commit()
    message = _(
        "The import is taken back: %(stops)s stops, %(places)s places and %(vans)s vans are gone.",
        stops=taken.stops,
        places=taken.places,
        vans=taken.vans,
    )
    flash(message, "success")
    return redirect(url_for("timetable.term_list"))


def _own_uploads() -> Sequence[Any]:
    return (
        UploadedFile.organisation_id == current_organisation_id(),
        UploadedFile.user_id == current_user.id,
        UploadedFile.purpose == UPLOAD_PURPOSE,
    )


def _uploaded_plan() -> ImportPlan | None:
    query = select(UploadedFile).where(*_own_uploads()).order_by(UploadedFile.id)
    files = [(upload.file_name, upload.data) for upload in db.session.scalars(query)]
    if not files:
        return None
    organisation = db.session.get_one(Organisation, current_organisation_id())
    return plan_import(files, organisation)


def _run_page(run: Run, move_form: MoveForm, cancel_form: ReasonForm) -> str:
    return render_template(
        "timetable/run.html",
        run=run,
        warnings=warnings_of(run),
        changes=_with_names(changes.changes_of_run(run)),
        crew_form=CrewForm([member.id for member in run.crew]),
        move_form=move_form,
        cancel_form=cancel_form,
        may_plan=current_user.role in PLANNERS,
    )


def _refused(error: ChangeError, run_id: int) -> ResponseReturnValue:
    db.session.rollback()
    flash(str(error), "danger")
    return redirect(url_for("timetable.run_page", run_id=run_id))


def _visit_page(visit: Visit, move_form: MoveForm, cancel_form: CancelForm) -> str:
    panels: list[Callable[[Visit], Markup]] = current_app.extensions.get("visit_panels", [])
    return render_template(
        "timetable/visit.html",
        visit=visit,
        panels=[panel(visit) for panel in panels],
        warnings=[w for w in warnings_of(visit.run) if w.visit_id == visit.id],
        changes=_with_names(changes.changes_of_visit(visit)),
        move_form=move_form,
        cancel_form=cancel_form,
        may_plan=current_user.role in PLANNERS,
        frequency_in_words=frequency_in_words,
        windows_in_words=windows_in_words,
    )


def _changed(visit: Visit, change: Callable[[], list[str]], message: str) -> ResponseReturnValue:
    """Make a change; say what happened, what moved along, and what promises it breaks."""
    visit_id = visit.id
    try:
        sentences = change()
    except ChangeError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(url_for("timetable.visit_page", visit_id=visit_id))
    db.session.commit()
    flash(" ".join([message, *sentences]), "success")
    _flash_warnings(visit.run, visit_id)
    return redirect(url_for("timetable.visit_page", visit_id=visit_id))


def _flash_warnings(run: Run, visit_id: int | None = None) -> None:
    for warned in warnings_of(run):
        if visit_id is None or warned.visit_id in {None, visit_id}:
            flash(warned.sentence, "warning")


def _with_names(rows: Sequence[Any]) -> list[tuple[Any, str]]:
    ids = {row.user_id for row in rows if row.user_id}
    query = select(User.id, User.full_name).where(User.id.in_(ids))
    names = dict(db.session.execute(query).all())
    return [(row, names.get(row.user_id, "")) for row in rows]


def _calendar_page(
    calendar: ServiceCalendar, form: CalendarForm, closure: ClosureForm, period: PeriodForm
) -> str:
    first, last = date(today().year, 1, 1), date(today().year + 1, 12, 31)
    known = {}
    if calendar.country:
        known = public_holidays(calendar.country, first, last, holiday_language())
    return render_template(
        "timetable/calendar.html",
        calendar=calendar,
        form=form,
        closure_form=closure,
        period_form=period,
        holidays={day: name for day, name in known.items() if day >= today()},
    )


def _calendar_changed(calendar: ServiceCalendar) -> None:
    """Coming visits that nobody touched follow the calendar."""
    db.session.flush()
    query = owned(Stop).where(Stop.calendar_id == calendar.id).options(joinedload(Stop.term))
    by_term: dict[Term, list[int]] = {}
    for stop in db.session.scalars(query):
        by_term.setdefault(stop.term, []).append(stop.id)
    sentences: list[str] = []
    for term, stop_ids in by_term.items():
        sentences += _make_again(term, stop_ids)
    db.session.commit()
    flash(" ".join([_("Saved."), *sentences]), "success")


def _make_again(
    term: Term, stop_ids: Sequence[int], new_frame: bool = False, told: Sequence[int] = ()
) -> list[str]:
    """Coming visits that nobody touched follow their stops; due dates follow them.

    Answers what became of visits and which dates stay without one, of these stops and of ``told``.
    """
    lock_library(term.organisation_id)
    db.session.flush()
    made = make_again(stop_ids, today(), current_user.id, new_frame)
    report = _fill(term) if term.status == TermStatus.PUBLISHED else FillReport()
    db.session.flush()
    # One visit names its stop: due dates are looked at stop by stop.
    one_each = select(func.max(Visit.id)).where(Visit.stop_id.in_(stop_ids)).group_by(Visit.stop_id)
    named = owned(Visit).where(Visit.id.in_(one_each))
    answers = visits_changed.send(None, visits=list(db.session.scalars(named)))
    return [
        *sentences_of_removed(made.removed),
        *sentences_of_shifts([*made.shifts, *report.shifts]),
        *_told_of(replace(report, shifts=()), [*stop_ids, *told]),
        *(answer for _receiver, answer in answers if answer),
    ]


def _told_of(report: FillReport, stop_ids: Collection[int]) -> list[str]:
    """What filling shifted, and the dates on which calendars leave these stops out."""
    skipped = [one for one in report.skipped if one.stop_key in stop_ids]
    names = _names_of_stops({one.stop_key for one in skipped})
    return [*sentences_of_shifts(report.shifts), *sentences_of_skipped(skipped, names)]


def _names_of_stops(stop_ids: Collection[Any]) -> dict[Any, str]:
    query = select(Stop.id, Place.name).join(Place).where(Stop.id.in_(stop_ids))
    return dict(db.session.execute(query).all())


def _frame_of(term: Term) -> tuple[int | None, ...]:
    """What of a term decides the times of its days."""
    return (
        term.leaves_depot_at,
        term.lunch_earliest,
        term.lunch_latest,
        term.lunch_minutes,
        term.buffer_minutes,
    )


def _fill(term: Term) -> FillReport:
    lock_library(term.organisation_id)
    first = max(term.starts_on, today())
    return fill_runs(term, first, _last_filled(term), current_user.id)


def _last_filled(term: Term) -> date:
    """How far a term is filled: to its end, or as far as the nights fill it."""
    return term.ends_on or today() + timedelta(days=current_app.config["HORIZON_DAYS"])


def _tomorrow_broken() -> list[ToldPromise]:
    """Broken promises of tomorrow, for those who can mend them."""
    if current_user.role not in PLANNERS:
        return []
    return promises_broken_on(today() + timedelta(days=1), current_organisation_id())


def _vans() -> list[tuple[int, str]]:
    return [(van.id, van.display_name) for van in vans_by_name()]


def _terms() -> list[tuple[int, str]]:
    query = owned(Term).order_by(Term.starts_on.desc())
    return [(term.id, term.name) for term in db.session.scalars(query)]
