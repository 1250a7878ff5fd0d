"""A proposal as the coordinator changes it: visits moved to another day, locked, let go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext as _

from ..i18n import format_day
from .ground import Ground, Lock
from .proposal import Proposal, ProposedRun


class AdjustmentError(ValueError):
    """The proposal cannot be changed so; the message says why."""


def move_visit(
    proposal: Proposal,
    ground: Ground,
    stop_id: int,
    day: date,
    to_day: date,
    to_van_id: int,
    locks: Sequence[Lock] = (),
) -> Proposal:
    """The stop's visit of a day on another day or van, where it lengthens the way least.

    Promises it breaks there are for the reader to see; nothing but the two days changes.
    """
    old = proposal.run_of(stop_id, day)
    if old is None:
        raise AdjustmentError(_("This stop has no visit on that day."))
    if (old.day, old.van_id) == (to_day, to_van_id):
        raise AdjustmentError(_("The visit is on that day with that van already."))
    if to_day != day and proposal.run_of(stop_id, to_day) is not None:
        raise AdjustmentError(_("This stop is visited on %(day)s already.", day=format_day(to_day)))
    left = [visit.stop_id for visit in old.visits if visit.stop_id != stop_id]
    shortened = ground.timed(old.day, old.van_id, left, locks)
    target = proposal.run_on(to_day, to_van_id)
    others = [visit.stop_id for visit in target.visits] if target else []
    joined = best_insertion(ground, to_day, to_van_id, others, stop_id, locks)
    return proposal.with_runs([shortened, joined])


def best_insertion(
    ground: Ground,
    day: date,
    van_id: int,
    others: Sequence[int],
    stop_id: int,
    locks: Sequence[Lock] = (),
) -> ProposedRun:
    """The day with the stop where it fits, or else where it disturbs least."""
    runs = [
        ground.timed(day, van_id, [*others[:at], stop_id, *others[at:]], locks)
        for at in range(len(others) + 1)
    ]
    return min(runs, key=lambda run: (_disturbance(run, ground), run.distance_m))


def _disturbance(run: ProposedRun, ground: Ground) -> int:
    """Minutes beyond the day's end, and each visit outside its windows as an hour."""
    too_long = max(0, run.returns - run.leaves - ground.term.shift_limit_minutes)
    missed = 0
    for visit in run.visits:
        windows = ground.windows(ground.stops[visit.stop_id], run.day)
        inside = any(w.opens <= visit.arrival and visit.departure <= w.closes for w in windows)
        missed += 60 * (bool(windows) and not inside) + visit.late_minutes
    return too_long + missed
