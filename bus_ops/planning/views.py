"""Pages of planning: asking for a plan, its progress, the plan, adjusting and publishing it."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from ..accounts.access import PLANNERS, roles_allowed, signed_in_user
from ..accounts.queries import users_of_organisation
from ..clock_fields import windows_in_words
from ..database import db, owned_or_404
from ..i18n import format_day, parsed_day, today
from ..maps import map_script
from ..timetable.board import month_before, next_month, parsed_month
from ..timetable.frequency import wish_in_words
from ..timetable.models import Term
from . import working
from .adjusting import AdjustmentError, move_visit
from .explaining import what_keeps_out, why_in_words, wishes_in_words
from .forms import MoveVisitForm, StartForm, VisitForm, earliest_day
from .ground import Ground, Lock
from .judging import broken_by
from .models import Planning, PlanningState
from .pictures import StopLine, map_of_day, month_cells, stop_lines
from .proposal import Difference, Proposal
from .publishing import StaleProposalError, publish
from .starting import AlreadyPlanningError, running_planning, start

blueprint = Blueprint("planning", __name__, url_prefix="/planning")

# How many of a term's earlier plannings its page lists.
_LISTED = 10
# Of how many stops without a place the plan's page says why; the others' own pages do.
_EXPLAINED = 6


@blueprint.route("/terms/<int:term_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def term_plannings(term_id: int) -> ResponseReturnValue:
    """Ask for a term's plan; what was planned before."""
    term = owned_or_404(Term, term_id)
    form = StartForm(term)
    if form.validate_on_submit():
        return _started(
            term, form.first_on.data, form.last_on.data, form.seconds.data, form.moved_visit_m.data
        )
    query = (
        select(Planning)
        .where(Planning.term_id == term.id)
        .order_by(Planning.id.desc())
        .limit(_LISTED)
    )
    ground = Ground(term)
    return render_template(
        "planning/term.html",
        term=term,
        form=form,
        running=running_planning(term),
        plannings=list(db.session.scalars(query)),
        ground=ground,
        unlocated=[stop for stop in ground.stops.values() if stop.place.lat is None],
        wish_in_words=wish_in_words,
        windows_in_words=windows_in_words,
        names=_names(),
    )


@blueprint.get("/<int:planning_id>")
@roles_allowed(*PLANNERS)
def planning_page(planning_id: int) -> ResponseReturnValue:
    """A planning: how far it is, or its plan beside the present timetable."""
    planning = owned_or_404(Planning, planning_id)
    working.close_if_silent(planning)
    if planning.state != PlanningState.DONE:
        return render_template("planning/progress.html", planning=planning, term=planning.term)
    return _plan_page(planning)


@blueprint.get("/<int:planning_id>/progress")
@roles_allowed(*PLANNERS)
def progress(planning_id: int) -> ResponseReturnValue:
    """How far the search is, as a part of its page; once it ended the page is asked anew."""
    planning = owned_or_404(Planning, planning_id)
    working.close_if_silent(planning)
    answer = Response(render_template("planning/_progress.html", planning=planning))
    if not planning.is_running:
        answer.headers["HX-Refresh"] = "true"
    return answer


@blueprint.post("/<int:planning_id>/stop")
@roles_allowed(*PLANNERS)
def stop_search(planning_id: int) -> ResponseReturnValue:
    """End the search now and keep the best plan so far."""
    planning = owned_or_404(Planning, planning_id)
    working.keep_the_best(planning)
    return redirect(url_for("planning.planning_page", planning_id=planning.id))


@blueprint.post("/<int:planning_id>/cancel")
@roles_allowed(*PLANNERS)
def cancel_search(planning_id: int) -> ResponseReturnValue:
    """Give the search up."""
    planning = owned_or_404(Planning, planning_id)
    working.cancel(planning)
    return redirect(url_for("planning.term_plannings", term_id=planning.term_id))


@blueprint.post("/<int:planning_id>/delete")
@roles_allowed(*PLANNERS)
def delete_planning(planning_id: int) -> ResponseReturnValue:
    """Throw a planning away; a published timetable stays as it is."""
    planning = owned_or_404(Planning, planning_id)
    term_id = planning.term_id
    if planning.is_running:
        working.cancel(planning)
    db.session.delete(planning)
    db.session.commit()
    flash(_("Deleted."), "success")
    return redirect(url_for("planning.term_plannings", term_id=term_id))


@blueprint.get("/<int:planning_id>/map.js")
@roles_allowed(*PLANNERS)
def map_of_plan(planning_id: int) -> Response:
    """The Folium map of a day of the plan."""
    planning = owned_or_404(Planning, planning_id)
    planned, present = _both(planning)
    day = parsed_day(request.args.get("day", "")) or planning.first_on
    return map_script(map_of_day(day, planned, present, Ground(planning.term), planning.id))


@blueprint.get("/<int:planning_id>/stops/<int:stop_id>")
@roles_allowed(*PLANNERS)
def stop_page(planning_id: int, stop_id: int) -> ResponseReturnValue:
    """A stop in the plan: its days, why these, and what can be done about them."""
    planning = owned_or_404(Planning, planning_id)
    planned, present = _both(planning)
    ground = Ground(planning.term)
    lines = stop_lines(planned, present, locks_of(planning))
    if stop_id not in ground.stops or stop_id not in lines:
        abort(404)
    held = _held(planning, ground)
    return render_template(
        "planning/stop.html",
        planning=planning,
        term=planning.term,
        stop=ground.stops[stop_id],
        line=lines[stop_id],
        runs={day: planned.run_of(stop_id, day) for day in lines[stop_id].days},
        present_runs={
            day: present.run_of(stop_id, day) for day in present.days_by_stop().get(stop_id, [])
        },
        broken=[one for one in broken_by(planned, ground) if one.stop_id == stop_id],
        held={lock.day for lock in held if lock.stop_id == stop_id},
        why=why_in_words(planning.explanation, stop_id, lines[stop_id].days),
        wishes=[one for one in wishes_in_words(planning.explanation) if one.stop_id == stop_id],
        kept_out=_kept_out(planning, ground, stop_id) if stop_id in planned.unplaced else "",
        ground=ground,
        wish_in_words=wish_in_words,
        windows_in_words=windows_in_words,
    )


@blueprint.post("/<int:planning_id>/lock")
@roles_allowed(*PLANNERS)
def lock_visit(planning_id: int) -> ResponseReturnValue:
    """Lock a proposed visit on its day, or let it go again."""
    planning = owned_or_404(Planning, planning_id)
    form = VisitForm()
    planned, _present = _both(planning)
    if not form.validate_on_submit() or planned.run_of(form.stop_id.data, form.day.data) is None:
        flash(_("This stop has no visit on that day."), "danger")
        return redirect(url_for("planning.planning_page", planning_id=planning.id))
    lock = {"stop": form.stop_id.data, "day": form.day.data.isoformat()}
    others = [other for other in planning.locks if other != lock]
    planning.locks = others if len(others) < len(planning.locks) else [*others, lock]
    db.session.commit()
    return _back_to_stop(planning, form.stop_id.data)


@blueprint.post("/<int:planning_id>/move")
@roles_allowed(*PLANNERS)
def move_proposed(planning_id: int) -> ResponseReturnValue:
    """Put a proposed visit on another day; it is locked there."""
    planning = owned_or_404(Planning, planning_id)
    ground = Ground(planning.term)
    form = MoveVisitForm(ground)
    planned, _present = _both(planning)
    if planning.published_at is not None:
        return _not_any_more(planning)
    if not form.validate_on_submit():
        flash(_("Choose a day."), "danger")
        return redirect(url_for("planning.planning_page", planning_id=planning.id))
    stop_id, day, to_day = form.stop_id.data, form.day.data, form.to_day.data
    held = _held(planning, ground)
    try:
        if not planning.first_on <= to_day <= planning.last_on:
            raise AdjustmentError(
                _(
                    "Choose a day from %(first)s to %(last)s.",
                    first=format_day(planning.first_on),
                    last=format_day(planning.last_on),
                )
            )
        if any((lock.stop_id, lock.day) == (stop_id, day) for lock in held):
            raise AdjustmentError(_("This visit is agreed or was changed by hand; it stays."))
        changed = move_visit(planned, ground, stop_id, day, to_day, form.van_id.data, held)
    except AdjustmentError as error:
        flash(str(error), "danger")
        return _back_to_stop(planning, stop_id)
    gone = {"stop": stop_id, "day": day.isoformat()}
    lock = {"stop": stop_id, "day": to_day.isoformat()}
    planning.locks = [*(other for other in planning.locks if other not in (gone, lock)), lock]
    planning.plan = changed.as_json()
    db.session.commit()
    flash(_("Moved to %(day)s and locked there.", day=format_day(to_day)), "success")
    for one in broken_by(changed, ground):
        if one.day == to_day and one.stop_id in (None, stop_id):
            flash(one.sentence, "warning")
    return _back_to_stop(planning, stop_id)


@blueprint.post("/<int:planning_id>/again")
@roles_allowed(*PLANNERS)
def plan_again(planning_id: int) -> ResponseReturnValue:
    """Search once more: locked visits stay, and so do the days that are over."""
    planning = owned_or_404(Planning, planning_id)
    term = planning.term
    first = max(planning.first_on, earliest_day(term))
    if first > planning.last_on:
        return _not_any_more(planning)
    return _started(
        term, first, planning.last_on, planning.seconds, planning.moved_visit_m, planning
    )


@blueprint.post("/<int:planning_id>/publish")
@roles_allowed(*PLANNERS)
def publish_plan(planning_id: int) -> ResponseReturnValue:
    """Make the plan the term's timetable."""
    planning = owned_or_404(Planning, planning_id)
    planned, _present = _both(planning)
    if planning.published_at is not None:
        return _not_any_more(planning)
    try:
        done = publish(planning, planned, signed_in_user())
    except StaleProposalError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(url_for("planning.planning_page", planning_id=planning_id))
    db.session.commit()
    message = _(
        "Published: %(runs)s runs with %(visits)s visits.", runs=done.runs, visits=done.visits
    )
    counts = _(
        "%(moved)s moved, %(added)s added, %(removed)s taken out.",
        moved=done.moved,
        added=done.added,
        removed=done.removed,
    )
    flash(" ".join([message, counts, *done.sentences]), "success")
    month = max(planning.first_on, today()).strftime("%Y-%m")
    return redirect(url_for("timetable.month", month=month, term=planning.term_id))


def locks_of(planning: Planning) -> list[Lock]:
    """What people locked in the plan."""
    return [working.lock_from_json(lock) for lock in planning.locks]


def _kept_out(planning: Planning, ground: Ground, stop_id: int) -> str:
    return what_keeps_out(
        ground, planning.explanation, stop_id, planning.first_on, planning.last_on
    )


def _plan_page(planning: Planning) -> str:
    planned, present = _both(planning)
    ground = Ground(planning.term)
    broken = broken_by(planned, ground)
    days = [run.day for run in planned.runs]
    day = parsed_day(request.args.get("day", "")) or next(iter(days), planning.first_on)
    month = parsed_month(request.args.get("month", ""), day)
    return render_template(
        "planning/plan.html",
        planning=planning,
        term=planning.term,
        planned=planned,
        present=present,
        difference=Difference.between(present, planned),
        broken=broken,
        present_broken=len(broken_by(present, ground)),
        month=month,
        before=month_before(month),
        after=next_month(month),
        weeks=month_cells(month, planned, present, broken),
        day=day,
        day_runs=[run for run in planned.runs if run.day == day],
        present_runs=[run for run in present.runs if run.day == day],
        lines=_sorted_lines(stop_lines(planned, present, locks_of(planning)), ground),
        reasons={
            stop_id: _kept_out(planning, ground, stop_id)
            for stop_id in planned.unplaced[:_EXPLAINED]
        },
        wishes=[w for w in wishes_in_words(planning.explanation) if w.stop_id in ground.stops],
        wishes_of=planning.explanation.get("wishes_of"),
        faults=planning.explanation.get("faults", []),
        ground=ground,
        wish_in_words=wish_in_words,
    )


def _sorted_lines(lines: dict[int, StopLine], ground: Ground) -> list[StopLine]:
    known = [stop_id for stop_id in lines if stop_id in ground.stops]
    known.sort(key=lambda stop_id: ground.stops[stop_id].place.search_key)
    return [lines[stop_id] for stop_id in known]


def _started(
    term: Term,
    first: date,
    last: date,
    seconds: int,
    moved_visit_m: int,
    base: Planning | None = None,
) -> ResponseReturnValue:
    try:
        planning = start(term, first, last, seconds, current_user.id, moved_visit_m, base)
    except AlreadyPlanningError as error:
        flash(_("This term is being planned already."), "warning")
        if error.planning_id is None:
            return redirect(url_for("planning.term_plannings", term_id=term.id))
        return redirect(url_for("planning.planning_page", planning_id=error.planning_id))
    return redirect(url_for("planning.planning_page", planning_id=planning.id))


def _both(planning: Planning) -> tuple[Proposal, Proposal]:
    """The plan and the timetable it is compared with; 404 where there is none yet."""
    if planning.plan is None or planning.present is None:
        abort(404)
    return Proposal.from_json(planning.plan), Proposal.from_json(planning.present)


def _held(planning: Planning, ground: Ground) -> list[Lock]:
    return ground.held_fast(planning.first_on, planning.last_on)


def _back_to_stop(planning: Planning, stop_id: int) -> ResponseReturnValue:
    return redirect(url_for("planning.stop_page", planning_id=planning.id, stop_id=stop_id))


def _not_any_more(planning: Planning) -> ResponseReturnValue:
    flash(_("This plan is published or over. Plan the term again to change it."), "warning")
    return redirect(url_for("planning.planning_page", planning_id=planning.id))


def _names() -> dict[int, str]:
    return {user.id: user.full_name for user in users_of_organisation()}
