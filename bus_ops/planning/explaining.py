"""Why a stop stands on its days in a plan, and what keeps one out of it, found by trying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _

from schedules.travel import unreachable_among

from ..i18n import WEEKDAYS, format_day, format_km
from ..timetable.models import Stop
from ..timetable.promises import day_off_in_words
from ..timetable.retiming import depot_position, opening_on
from ..travel_sources import unreachable_in_words
from .adjusting import AdjustmentError, best_insertion, move_visit
from .ground import Ground, Lock, service_minutes, works
from .judging import broken_on
from .proposal import Proposal

# Trying every day of a long term would keep the reader waiting.
MOST_DAYS_TRIED = 120


@dataclass(frozen=True)
class OtherWeekday:
    """What it would cost to serve a stop on another weekday of the same weeks."""

    weekday: int
    # Metres more (or less, below 0) than planned; None where it cannot be tried.
    distance_m: int | None
    obstacles: tuple[str, ...]


def detour_m(proposal: Proposal, ground: Ground, stop_id: int, locks: Sequence[Lock]) -> int | None:
    """How much driving a visit of the stop adds to its day, on average."""
    added = []
    for run in proposal.runs:
        if run.visit_of(stop_id) is None:
            continue
        others = [visit.stop_id for visit in run.visits if visit.stop_id != stop_id]
        without = ground.timed(run.day, run.van_id, others, locks).distance_m if others else 0
        added.append(run.distance_m - without)
    return round(sum(added) / len(added)) if added else None


def other_weekdays(
    proposal: Proposal, ground: Ground, stop_id: int, locks: Sequence[Lock]
) -> list[OtherWeekday]:
    """Every weekday the stop does not have: what it would cost there, or what is in its way."""
    stop = ground.stops[stop_id]
    days = proposal.days_by_stop().get(stop_id, [])
    held = {lock.day for lock in locks if lock.stop_id == stop_id}
    free = [day for day in days if day not in held]
    known = {day.weekday() for day in days}
    found = []
    for weekday in range(7):
        if weekday in known or not free:
            continue
        targets = {day: day + timedelta(days=weekday - day.weekday()) for day in free}
        obstacles = [
            obstacle
            for day in targets.values()
            if (obstacle := obstacle_on(ground, stop, day)) is not None
        ]
        if len(obstacles) == len(targets):
            found.append(OtherWeekday(weekday, None, tuple(dict.fromkeys(obstacles))[:1]))
            continue
        found.append(_tried(proposal, ground, stop, weekday, targets, locks))
    return found


def _tried(
    proposal: Proposal,
    ground: Ground,
    stop: Stop,
    weekday: int,
    targets: dict[date, date],
    locks: Sequence[Lock],
) -> OtherWeekday:
    moved, wrong = proposal, []
    for day, target in targets.items():
        old = proposal.run_of(stop.id, day)
        if old is None or obstacle_on(ground, stop, target) is not None:
            continue
        try:
            moved = move_visit(moved, ground, stop.id, day, target, old.van_id, locks)
        except AdjustmentError:
            continue
        run = moved.run_of(stop.id, target)
        if run is not None:
            wrong += [one.sentence for one in broken_on(run, moved, ground)]
    return OtherWeekday(
        weekday, moved.distance_m - proposal.distance_m, tuple(dict.fromkeys(wrong))[:2]
    )


def obstacle_on(ground: Ground, stop: Stop, day: date) -> str | None:
    """Why the stop cannot be served on a day at all; None where it can."""
    if ground.may_be_served(stop, day):
        return None
    calendar = ground.calendar_of(stop)
    off = calendar.day_off(day) if calendar is not None else None
    if off is not None:
        return day_off_in_words(off)
    if stop.plan_weekdays and day.weekday() not in stop.plan_weekdays:
        return _("Not one of the stop's weekdays.")
    if not stop.plan_any_van and not works(stop.van, day):
        return _("The van does not work on this day.")
    if opening_on(stop.place.opening_windows, day) == ():
        return _("The place is closed on this weekday.")
    windows = ground.windows(stop, day)
    if windows and all(w.closes - w.opens < service_minutes(stop) for w in windows):
        return _("No time window is as long as the visit.")
    return _("Outside the stop's first and last day, or one of its exceptions.")


def what_keeps_out(
    proposal: Proposal,
    ground: Ground,
    stop_id: int,
    first: date,
    last: date,
    locks: Sequence[Lock] = (),
) -> str:
    """What keeps a stop out of the plan: the smallest change that would let one visit in."""
    stop = ground.stops.get(stop_id)
    if stop is None:
        return _("It is not in service any more.")
    no_road = _no_road(ground, stop)
    if no_road:
        return no_road
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    allowed = [day for day in every if ground.may_be_served(stop, day)]
    if not allowed:
        return _no_day_at_all(ground, stop, every)
    tried = []
    for day in allowed[:MOST_DAYS_TRIED]:
        run = proposal.run_on(day, stop.van_id)
        others = [visit.stop_id for visit in run.visits] if run else []
        if stop_id in others or any(one not in ground.stops for one in others):
            continue
        joined = best_insertion(ground, day, stop.van_id, others, stop_id, locks)
        broken = broken_on(joined, proposal.with_runs([joined]), ground)
        sentences = tuple(dict.fromkeys(one.sentence for one in broken))
        beyond = joined.returns - joined.leaves - ground.term.shift_limit_minutes
        tried.append((len(sentences), max(0, beyond), day, sentences))
    if not tried:
        return _("Its days are full.")
    number, _beyond, day, sentences = min(tried)
    if number == 0:
        return _(
            "Single visits would fit, as on %(day)s, but not in its frequency: allow more"
            " weekdays or fewer visits.",
            day=format_day(day),
        )
    return _(
        "It would fit on %(day)s but for this: %(what)s",
        day=format_day(day),
        what=" ".join(sentences),
    )


def _no_road(ground: Ground, stop: Stop) -> str:
    """Why no road leads to the stop from where the vans start; empty if one does."""
    position = ground.whereabouts(stop)
    if position is None:
        return ""
    depots = [depot for van in ground.vans.values() if (depot := depot_position(van)) is not None]
    found = unreachable_among(ground.travel, [*dict.fromkeys(depots), position])
    return next((unreachable_in_words(one) for one in found if one.position == position), "")


def _no_day_at_all(ground: Ground, stop: Stop, days: Sequence[date]) -> str:
    """The obstacle that stands in the way of most days."""
    reasons = [reason for day in days if (reason := obstacle_on(ground, stop, day)) is not None]
    if not reasons:
        return _("Its days are full.")
    most = max(dict.fromkeys(reasons), key=reasons.count)
    return _("No day suits it. On most days: %(reason)s", reason=most)


def in_words(other: OtherWeekday) -> str:
    """For example: Wednesday: 12 km more."""
    name = WEEKDAYS[other.weekday]
    if other.distance_m is None:
        return _("%(weekday)s: not possible. %(why)s", weekday=name, why=" ".join(other.obstacles))
    km = format_km(abs(other.distance_m))
    more = other.distance_m >= 0
    text = (
        _("%(weekday)s: %(km)s more driving.", weekday=name, km=km)
        if more
        else _("%(weekday)s: %(km)s less driving.", weekday=name, km=km)
    )
    if other.obstacles:
        text += " " + _("But: %(why)s", why=" ".join(other.obstacles))
    return text
