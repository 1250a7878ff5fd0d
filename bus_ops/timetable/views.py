"""Pages of the timetable: month, week, runs, visits, terms, stops, calendars, imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from schedules.calendar import public_holidays

from ..accounts.access import EVERYONE, PLANNERS, roles_allowed
from ..accounts.models import Organisation, User
from ..clock_fields import windows_in_words
from ..database import current_organisation_id, db, now, owned, owned_or_404
from ..fleet.models import CrewMember, Van
from ..i18n import current_language, format_day, parsed_day, today
from ..places.models import Place, UploadedFile
from ..tables import Listing
from . import changes
from .board import month_before, month_weeks, next_month, parsed_month, visits_by_run, week_days
from .calendars import add_vietnamese_calendars
from .changes import ChangeError
from .forms import (
    AddVisitForm,
    CalendarForm,
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
from .generating import clear_untouched_visits, fill_runs
from .import_wording import sentence_of_file, sentence_of_row
from .importing import ImportPlan, apply_import, plan_import
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
from .promises import warnings_of
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
    van_id = request.args.get("van", type=int)
    term_id = request.args.get("term", type=int)
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
    van_id = request.args.get("van", type=int)
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
    return render_template(
        "timetable/run.html",
        run=run,
        warnings=warnings_of(run),
        changes=_with_names(changes.changes_of_run(run)),
        crew_form=CrewForm([member.id for member in run.crew]),
        may_plan=current_user.role in PLANNERS,
    )


@blueprint.post("/runs/<int:run_id>/crew")
@roles_allowed(*PLANNERS)
def run_crew(run_id: int) -> ResponseReturnValue:
    """Choose who rides."""
    run = owned_or_404(Run, run_id)
    form = CrewForm()
    if form.validate_on_submit():
        query = owned(CrewMember).where(CrewMember.id.in_(form.members.data or []))
        changes.set_crew(run, list(db.session.scalars(query)), _user())
        db.session.commit()
        flash(_("Saved."), "success")
        _flash_warnings(run)
    return redirect(url_for("timetable.run_page", run_id=run.id))


@blueprint.get("/visits/<int:visit_id>")
@roles_allowed(*EVERYONE)
def visit_page(visit_id: int) -> ResponseReturnValue:
    """A visit: plan, what was logged, changes; moving and cancelling it."""
    visit = owned_or_404(Visit, visit_id)
    return _visit_page(visit, MoveForm(visit.run.van_id), ReasonForm(prefix="cancel"))


@blueprint.post("/visits/<int:visit_id>/move")
@roles_allowed(*PLANNERS)
def move_visit(visit_id: int) -> ResponseReturnValue:
    """Move a visit to another day or van."""
    visit = owned_or_404(Visit, visit_id)
    form = MoveForm()
    if not form.validate_on_submit():
        return _visit_page(visit, form, ReasonForm(prefix="cancel", formdata=None)), 400
    van = owned_or_404(Van, form.van_id.data)
    return _changed(
        visit,
        lambda: changes.move_visit(visit, form.day.data, van, form.reason.data or "", _user()),
        _("Moved to %(day)s.", day=format_day(form.day.data)),
    )


@blueprint.post("/visits/<int:visit_id>/cancel")
@roles_allowed(*PLANNERS)
def cancel_visit(visit_id: int) -> ResponseReturnValue:
    """Cancel a visit with a reason."""
    visit = owned_or_404(Visit, visit_id)
    form = ReasonForm(prefix="cancel")
    if not form.validate_on_submit():
        return _visit_page(visit, MoveForm(visit.run.van_id), form), 400
    return _changed(
        visit,
        lambda: changes.cancel_visit(visit, form.reason.data or "", _user()),
        _("Cancelled."),
    )


@blueprint.post("/visits/<int:visit_id>/restore")
@roles_allowed(*PLANNERS)
def restore_visit(visit_id: int) -> ResponseReturnValue:
    """Take a cancellation back."""
    visit = owned_or_404(Visit, visit_id)
    return _changed(visit, lambda: changes.restore_visit(visit, _user()), _("Restored."))


@blueprint.post("/visits/<int:visit_id>/confirm")
@roles_allowed(*PLANNERS)
def confirm_visit(visit_id: int) -> ResponseReturnValue:
    """The place expects the van."""
    visit = owned_or_404(Visit, visit_id)
    return _changed(visit, lambda: changes.confirm_visit(visit, _user()), _("Confirmed."))


@blueprint.post("/visits/<int:visit_id>/shift")
@roles_allowed(*PLANNERS)
def shift_visit(visit_id: int) -> ResponseReturnValue:
    """Earlier or later in the run's order."""
    visit = owned_or_404(Visit, visit_id)
    places = -1 if request.form.get("direction") == "up" else 1
    _changed(visit, lambda: changes.shift_visit(visit, places, _user()), _("Order changed."))
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
    typed = request.args.get("q", "").strip()
    if typed:
        query = query.where(Term.name.ilike(f"%{typed}%"))
    sorts = {"name": Term.name, "from": Term.starts_on, "until": Term.ends_on}
    return render_template("timetable/terms.html", listing=Listing(query, sorts, "-from"))


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
    """Change a term; its coming untouched visits are made again."""
    term = owned_or_404(Term, term_id)
    form = TermForm(term)
    if form.validate_on_submit():
        form.populate_obj(term)
        _make_again(term, [stop.id for stop in term.stops])
        db.session.commit()
        flash(_("Saved."), "success")
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
    van_id = request.args.get("van", type=int)
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
    flash(message, "success")
    return redirect(url_for("timetable.term_page", term_id=term.id))


@blueprint.route("/terms/<int:term_id>/stops/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_stop(term_id: int) -> ResponseReturnValue:
    """Serve a place in a term."""
    term = owned_or_404(Term, term_id)
    form = StopForm(term)
    if not form.is_submitted() and request.args.get("place", type=int):
        form.place_id.data = request.args.get("place", type=int)
    if form.validate_on_submit():
        stop = Stop(organisation_id=term.organisation_id, term=term)
        form.apply_to(stop)
        db.session.add(stop)
        db.session.flush()
        _make_again(term, [])
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("timetable.term_page", term_id=term.id))
    return render_template("timetable/stop_form.html", form=form, term=term, stop=None)


@blueprint.route("/stops/<int:stop_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_stop(stop_id: int) -> ResponseReturnValue:
    """Change a stop; its coming visits that nobody touched are made again."""
    stop = owned_or_404(Stop, stop_id)
    form = StopForm(stop.term, stop)
    if form.validate_on_submit():
        form.apply_to(stop)
        _make_again(stop.term, [stop.id])
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("timetable.term_page", term_id=stop.term_id))
    return render_template(
        "timetable/stop_form.html", form=form, term=stop.term, stop=stop, add_form=AddVisitForm()
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
        visit = changes.add_visit(stop, form.day.data, form.reason.data or "", _user())
    except ChangeError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(url_for("timetable.edit_stop", stop_id=stop_id))
    db.session.commit()
    flash(_("Added on %(day)s.", day=format_day(visit.day)), "success")
    _flash_warnings(visit.run)
    return redirect(url_for("timetable.run_page", run_id=visit.run_id))


@blueprint.get("/calendars")
@roles_allowed(*PLANNERS)
def calendar_list() -> ResponseReturnValue:
    """Calendars that stops name."""
    query = owned(ServiceCalendar)
    typed = request.args.get("q", "").strip()
    if typed:
        query = query.where(ServiceCalendar.name.ilike(f"%{typed}%"))
    listing = Listing(query, {"name": ServiceCalendar.name}, "name")
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
        sentence_of_row=sentence_of_row,
        sentence_of_file=sentence_of_file,
    )


@blueprint.post("/import/apply")
@roles_allowed(*PLANNERS)
def apply_uploaded() -> ResponseReturnValue:
    """Take the uploaded rows in."""
    plan = _uploaded_plan()
    if plan is None:
        return redirect(url_for("timetable.import_files"))
    organisation = db.session.get_one(Organisation, current_organisation_id())
    report = apply_import(plan, organisation, today(), current_app.config["HORIZON_DAYS"])
    db.session.execute(db.delete(UploadedFile).where(*_own_uploads()))
    db.session.commit()
    message = _(
        "Imported: %(added)s stops added, %(changed)s changed, %(runs)s dated runs.",
        added=report.stops_added,
        changed=report.stops_changed,
        runs=report.runs,
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


def _visit_page(visit: Visit, move_form: MoveForm, cancel_form: ReasonForm) -> str:
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
    language = "vi" if current_language() == "vi" else "en_US"
    known = public_holidays(calendar.country, first, last, language) if calendar.country else {}
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
    for term, stop_ids in by_term.items():
        _make_again(term, stop_ids)
    db.session.commit()
    flash(_("Saved."), "success")


def _make_again(term: Term, stop_ids: Sequence[int]) -> None:
    """Coming visits that nobody touched are made anew; due dates follow."""
    db.session.flush()
    if stop_ids:
        clear_untouched_visits(stop_ids, today())
    if term.status == TermStatus.PUBLISHED:
        _fill(term)
    db.session.flush()
    # One visit names its stop: due dates are looked at stop by stop.
    one_each = select(func.max(Visit.id)).where(Visit.stop_id.in_(stop_ids)).group_by(Visit.stop_id)
    named = owned(Visit).where(Visit.id.in_(one_each))
    visits_changed.send(None, visits=list(db.session.scalars(named)))


def _fill(term: Term) -> Any:
    horizon = today() + timedelta(days=current_app.config["HORIZON_DAYS"])
    return fill_runs(term, max(term.starts_on, today()), term.ends_on or horizon)


def _tomorrow_broken() -> list[ToldPromise]:
    """Broken promises of tomorrow, for those who can mend them."""
    if current_user.role not in PLANNERS:
        return []
    return promises_broken_on(today() + timedelta(days=1), current_organisation_id())


def _vans() -> list[tuple[int, str]]:
    query = owned(Van).order_by(Van.operator, Van.name)
    return [(van.id, van.display_name) for van in db.session.scalars(query)]


def _terms() -> list[tuple[int, str]]:
    query = owned(Term).order_by(Term.starts_on.desc())
    return [(term.id, term.name) for term in db.session.scalars(query)]


def _user() -> User:
    user: User = current_user._get_current_object()
    return user
