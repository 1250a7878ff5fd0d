"""A planning's work outside the web process: search, tell how far it is, heed who stops it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import update

from schedules.planning.plan import Plan, Progress

from ..database import db, now
from .ground import Ground, Lock
from .models import Failure, Planning, PlanningState, Repair
from .posing import Posed, plan_of, pose, proposal_of
from .present import present_timetable
from .proposal import Proposal

# How often the search tells that it lives, and looks whether anybody stopped it.
PULSE_SECONDS = 1.0
# For what wishes cost, once the plan is kept.
WISHES_SECONDS = 20.0
# For all ways to mend a mishap: somebody waits for them.
REPAIR_SECONDS = 2.0
# Without a sign of life for that long its process is gone.
SILENCE = timedelta(seconds=45)

log = logging.getLogger("bus_ops.planning")


class NothingToPlanError(ValueError):
    """No stop of the term can be served on any day."""


def work(planning_id: int, on_cancelled: Callable[[], None] | None = None) -> None:
    """Search for the plan of a planning that was asked for, and keep it.

    Whatever goes wrong is kept as its message. ``on_cancelled`` is called, from another thread,
    once the planning was cancelled or is gone; the search ends by itself then.
    """
    planning = db.session.get(Planning, planning_id)
    if planning is None or not planning.is_running:
        return
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        with _Pulse.beating(app, planning_id, on_cancelled) as pulse:
            plan, posed = _search_and_keep(planning, pulse)
        _add_wishes(planning_id, plan, posed)
    except NothingToPlanError:
        _fail(planning_id, Failure.NOTHING_TO_PLAN)
    except Exception as error:
        log.exception("planning %s failed", planning_id)
        _fail(planning_id, Failure.ERROR, f"{type(error).__name__}: {error}")


def look_for_ways(repair_id: int, seconds: float = REPAIR_SECONDS) -> None:
    """Find the ways to mend what happened and keep them, or the message of what goes wrong."""
    repair = db.session.get(Repair, repair_id)
    if repair is None or not repair.is_running:
        return
    try:
        from .mending import offers_for

        offers = [offer.as_json() for offer in offers_for(repair, seconds)]
        _end_repair(repair_id, PlanningState.DONE, offers=offers)
    except Exception as error:
        log.exception("repair %s failed", repair_id)
        db.session.rollback()
        message = f"{type(error).__name__}: {error}"
        _end_repair(repair_id, PlanningState.FAILED, failure=Failure.ERROR, message=message)


def close_if_silent(work_of: Planning | Repair) -> None:
    """Mark what is worked on as failed where its process is gone."""
    seen_at = work_of.seen_at if isinstance(work_of, Planning) else work_of.asked_at
    if work_of.is_running and now() - seen_at > SILENCE:
        close_left(work_of)


def close_left(work_of: Planning | Repair) -> None:
    """What goes on though its process has ended has failed."""
    if isinstance(work_of, Planning):
        _fail(work_of.id, Failure.GONE)
    else:
        _end_repair(work_of.id, PlanningState.FAILED, failure=Failure.GONE)
    db.session.refresh(work_of)


def cancel(planning: Planning) -> None:
    """Give the search up; nothing of it is kept."""
    _end(planning.id, PlanningState.CANCELLED)


def keep_the_best(planning: Planning) -> None:
    """End the search as soon as possible with the best plan so far."""
    db.session.execute(update(Planning).where(Planning.id == planning.id).values(stop_asked=True))
    db.session.commit()


def _search_and_keep(planning: Planning, pulse: _Pulse) -> tuple[Plan, Posed]:
    # Compiled code that only the process which searches needs in its memory.
    from schedules.planning.planner import plan as search

    ground = Ground(planning.term)
    first, last = planning.first_on, planning.last_on
    present = present_timetable(planning.term, first, last)
    # A look at a draft rolls the session back: everything is read again from here on.
    locks = [lock_from_json(lock) for lock in planning.locks]
    posed = pose(ground, first, last, present, locks, planning.moved_visit_m)
    if not posed.problem.stops:
        raise NothingToPlanError
    seconds, seed = planning.seconds, planning.seed
    begun_from = _begin_from(planning, present)
    start = None if begun_from is None else plan_of(begun_from, posed)
    # Nothing holds the database while the search goes on.
    db.session.commit()
    plan = search(
        posed.problem,
        seconds=seconds,
        seed=seed,
        on_progress=pulse.note,
        should_stop=pulse.stopped.is_set,
        start=start,
    )
    _keep(planning, present, plan, posed, ground)
    return plan, posed


def _begin_from(planning: Planning, present: Proposal) -> Proposal | None:
    """The plan that is planned again; where the present timetable is worth something, that one."""
    base = db.session.get(Planning, planning.base_id) if planning.base_id else None
    if base is not None and base.plan is not None:
        return Proposal.from_json(base.plan)
    return present if planning.moved_visit_m else None


def _add_wishes(planning_id: int, plan: Plan, posed: Posed) -> None:
    """What wishes cost takes longer to find out than people wait: the plan is there already."""
    from .explanations import wishes_of

    wishes = wishes_of(plan, posed, WISHES_SECONDS)
    planning = db.session.get(Planning, planning_id, populate_existing=True)
    if planning is not None:
        planning.explanation = {**planning.explanation, **wishes}
        db.session.commit()


def _keep(planning: Planning, present: Proposal, plan: Plan, posed: Posed, ground: Ground) -> None:
    from .explanations import explanation_of

    proposal = proposal_of(plan, posed, ground)
    values = {
        "present": present.as_json(),
        "plan": proposal.as_json(),
        "explanation": explanation_of(plan, posed),
        "progress": {
            **(planning.progress or {}),
            "share": 1.0,
            "seconds": round(plan.seconds, 1),
            "iterations": plan.iterations,
            "metres": round(plan.metres),
            "unplaced": len(proposal.unplaced),
        },
    }
    _end(planning.id, PlanningState.DONE, **values)


def lock_from_json(stored: dict[str, Any]) -> Lock:
    """A lock as ``Planning.locks`` holds it."""
    return Lock(stored["stop"], date.fromisoformat(stored["day"]))


def _fail(planning_id: int, failure: Failure, message: str = "") -> None:
    db.session.rollback()
    _end(planning_id, PlanningState.FAILED, failure=failure, message=message)


def _end_repair(repair_id: int, state: PlanningState, **values: Any) -> None:
    db.session.execute(
        update(Repair)
        .where(Repair.id == repair_id, Repair.state == PlanningState.RUNNING)
        .values(state=state, **values)
    )
    db.session.commit()


def _end(planning_id: int, state: PlanningState, **values: Any) -> None:
    """Only what still goes on can end: who cancelled first has the last word."""
    db.session.execute(
        update(Planning)
        .where(Planning.id == planning_id, Planning.state == PlanningState.RUNNING)
        .values(state=state, running_term_id=None, finished_at=now(), **values)
    )
    db.session.commit()


class _Pulse:
    """The thread that tells how far the search is and hears whether to stop it."""

    def __init__(
        self, app: Flask, planning_id: int, on_cancelled: Callable[[], None] | None
    ) -> None:
        self.stopped = threading.Event()
        self._app = app
        self._planning_id = planning_id
        self._on_cancelled = on_cancelled
        self._over = threading.Event()
        self._latest: Progress | None = None

    @classmethod
    @contextlib.contextmanager
    def beating(
        cls, app: Flask, planning_id: int, on_cancelled: Callable[[], None] | None
    ) -> Iterator[_Pulse]:
        """Beats for as long as the block lasts."""
        pulse = cls(app, planning_id, on_cancelled)
        thread = threading.Thread(target=pulse._beat, daemon=True, name="pulse")
        thread.start()
        try:
            yield pulse
        finally:
            pulse._over.set()
            thread.join()

    def note(self, progress: Progress) -> None:
        """Called by the search, as often as it likes."""
        self._latest = progress

    def _beat(self) -> None:
        with self._app.app_context():
            while not self._over.wait(PULSE_SECONDS):
                if not self._tell():
                    self.stopped.set()
                    if self._on_cancelled is not None:
                        self._on_cancelled()
                    return

    def _tell(self) -> bool:
        """Answers whether anybody still waits for the plan."""
        values: dict[str, Any] = {"seen_at": now()}
        if self._latest is not None:
            values["progress"] = _as_json(self._latest)
        told = db.session.execute(
            update(Planning)
            .where(Planning.id == self._planning_id, Planning.state == PlanningState.RUNNING)
            .values(**values)
            .returning(Planning.stop_asked)
        ).one_or_none()
        db.session.commit()
        if told is not None and told.stop_asked:
            self.stopped.set()
        return told is not None


def _as_json(progress: Progress) -> dict[str, Any]:
    return {
        "share": round(progress.share, 3),
        "seconds": round(progress.seconds, 1),
        "iterations": progress.iterations,
        "metres": round(progress.metres),
        "unplaced": progress.unplaced,
    }
