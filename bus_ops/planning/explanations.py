"""What a search's process finds out about its plan, kept as JSON for the pages.

``{"faults": [{"fault", "stop", "day", "van"}], "left_out": {stop: {"obstacle", "change"}},
"why": {stop: {"days", "metres", "minutes", "next_best", "not_fitting"}}, "wishes": [{"stop",
"kind", "metres", "minutes", "days"}], "wishes_of": 12}`` with stops' ids, dates in ISO 8601 and
metres and minutes of driving. ``change`` is the smallest one that lets the stop in; ``wishes``
holds what costs anything, the dearest first, of the ``wishes_of`` stops that there was time for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from schedules.planning.checker import broken_plan_promises
from schedules.planning.explanation import (
    Change,
    Unplaced,
    WhyTheseDays,
    explain_unplaced,
    why_these_days,
    wish_costs,
)
from schedules.planning.plan import Plan

from .posing import Posed


def explanation_of(plan: Plan, posed: Posed) -> dict[str, Any]:
    """Promises the plan breaks (none, or the search has a fault), what keeps stops out, and why
    each stop has its days; some seconds for a term."""
    problem = posed.problem
    placed = sorted({visit.stop for run in plan.runs for visit in run.visits})
    faults = [
        {
            "fault": one.fault.value,
            "stop": one.stop,
            "day": None if one.day is None else _date(posed, one.day),
            "van": one.van,
        }
        for one in broken_plan_promises(problem, plan)
    ]
    return {
        "faults": faults,
        "left_out": {one.stop: _left_out(posed, one) for one in explain_unplaced(problem, plan)},
        "why": {key: _why(posed, why_these_days(problem, plan, key)) for key in placed},
    }


def wishes_of(plan: Plan, posed: Posed, seconds: float) -> dict[str, Any]:
    """What wishes cost, of as many stops as the time allows: those that add most driving first."""
    begun = time.monotonic()
    problem = posed.problem
    placed = {visit.stop for run in plan.runs for visit in run.visits}
    added = {key: why_these_days(problem, plan, key, most=0).metres for key in placed}
    found, looked_at = [], 0
    for key in sorted(added, key=lambda key: (-added[key], key)):
        if time.monotonic() - begun > seconds:
            break
        looked_at += 1
        found += [cost for cost in wish_costs(problem, plan, [key]) if cost.metres > 0]
    found.sort(key=lambda cost: -cost.metres)
    return {
        "wishes": [
            {
                "stop": cost.stop,
                "kind": cost.kind.value,
                "metres": round(cost.metres),
                "minutes": round(cost.drive_minutes),
                "days": _dates(posed, cost.days),
            }
            for cost in found
        ],
        "wishes_of": looked_at,
    }


def _left_out(posed: Posed, one: Unplaced) -> dict[str, Any]:
    change = one.changes[0] if one.changes else None
    return {
        "obstacle": one.obstacle.value,
        "change": None if change is None else _change(posed, change),
    }


def _change(posed: Posed, change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "days": _dates(posed, change.days),
        "metres": round(change.metres),
        "minutes": change.minutes,
        "load": round(change.load),
        "van": None if change.van is None else int(change.van),
        "day": None if change.day is None else _date(posed, change.day),
        "skip_price_m": round(change.skip_price_m),
        "fewer": change.fewer,
    }


def _why(posed: Posed, why: WhyTheseDays) -> dict[str, Any]:
    return {
        "days": _dates(posed, why.days),
        "metres": round(why.metres),
        "minutes": round(why.drive_minutes),
        "next_best": [
            {
                "days": _dates(posed, other.days),
                "metres": round(other.metres),
                "minutes": round(other.drive_minutes),
            }
            for other in why.next_best
        ],
        "not_fitting": why.not_fitting,
    }


def _dates(posed: Posed, days: Iterable[int]) -> list[str]:
    return [_date(posed, day) for day in sorted(days)]


def _date(posed: Posed, day: int) -> str:
    return posed.problem.days[day].isoformat()
