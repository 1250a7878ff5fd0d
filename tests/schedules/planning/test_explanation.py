"""What keeps a stop out and would let it in, what wishes cost, why a stop has its days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings

from schedules.planning.checker import broken_plan_promises
from schedules.planning.explanation import (
    Change,
    ChangeKind,
    Obstacle,
    WishKind,
    explain_unplaced,
    why_these_days,
    wish_costs,
    with_change,
)
from schedules.planning.plan import Plan
from schedules.planning.planner import plan
from schedules.planning.problem import (
    DayChoice,
    Distances,
    LockedVisit,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
)
from schedules.planning.runs import plan_of_runs
from schedules.planning.trying import Trying
from schedules.timing import Window

from .test_brute_force import small_problems

MONDAY = date(2026, 9, 7)


def problem_at(
    points: list[tuple[float, float]],
    stops: tuple[PlanningStop, ...],
    vans: tuple[PlanningVan, ...],
    days: int = 1,
    **more: object,
) -> PlanningProblem:
    """Stops at points in kilometres, depots at the origin, a kilometre a minute."""
    at = np.array([*points, *([(0.0, 0.0)] * len(vans))])
    km = np.sqrt(((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2))
    dates = tuple(MONDAY + timedelta(days=day) for day in range(days))
    distances = Distances(km * 1000, np.ceil(km))
    return PlanningProblem(dates, stops, vans, distances, **more)  # type: ignore[arg-type]


def stop(key: str, *choices: tuple[int, ...], **more: object) -> PlanningStop:
    of = tuple(DayChoice(days) for days in choices)
    return PlanningStop(key, 30, of, **more)  # type: ignore[arg-type]


def van(key: str = "xe", days: int = 1, **more: object) -> PlanningVan:
    hours = {"leaves_earliest": 420, "returns_latest": 1020, **more}
    return PlanningVan(key, frozenset(range(days)), **hours)  # type: ignore[arg-type]


def with_stop_in(problem: PlanningProblem, found: Plan, key: str, change: Change) -> Plan:
    """The plan with the stop on the days that the change gives it."""
    placing = Trying(problem, found, key).on_days(change.days)
    assert placing is not None
    left_out = [one for one in found.unplaced if one != key]
    return plan_of_runs(problem, Trying(problem, found, key).with_placing(placing), left_out)


def changes_of(problem: PlanningProblem, key: str) -> tuple[Plan, Obstacle, dict[str, Change]]:
    found = plan(problem, iterations=300, workers=1)
    (unplaced,) = [one for one in explain_unplaced(problem, found) if one.stop == key]
    efforts = [change.effort for change in unplaced.changes]
    assert efforts == sorted(efforts)
    for change in unplaced.changes:
        changed = with_change(problem, key, change)
        assert broken_plan_promises(changed, with_stop_in(changed, found, key, change)) == []
    return found, unplaced.obstacle, {change.kind: change for change in unplaced.changes}


def test_a_window_too_short_is_told_to_the_minute() -> None:
    narrow = stop("x", (0,), windows=(Window(480, 501),))
    _found, obstacle, changes = changes_of(problem_at([(5, 0)], (narrow,), (van(),)), "x")
    assert obstacle == Obstacle.NEVER_POSSIBLE
    assert changes[ChangeKind.OPEN_EARLIER].minutes == 9
    assert changes[ChangeKind.CLOSE_LATER].minutes == 9
    assert changes[ChangeKind.OPEN_EARLIER].metres == pytest.approx(10_000)
    assert ChangeKind.LONGER_SHIFT not in changes


def test_a_shift_too_short_for_both_is_told_to_the_minute_and_so_are_other_days() -> None:
    stops = (stop("east", (0,), priority=1), stop("west", (0,)))
    one = van(days=2, shift_limit_minutes=100)
    problem = problem_at([(20, 0), (-20, 0)], stops, (one,), days=2)
    _found, obstacle, changes = changes_of(problem, "west")
    assert obstacle == Obstacle.DAYS_FULL
    # 20 out, 30 there, 40 across, 30 there, 20 back: 140 minutes.
    assert changes[ChangeKind.LONGER_SHIFT].minutes == 40
    assert changes[ChangeKind.OTHER_DAYS].days == (1,)
    more = changes[ChangeKind.MORE_VAN_DAY]
    assert (more.van, more.day) == ("xe", 0)


def test_a_day_without_a_van_asks_for_one_more_van_day_or_one_visit_fewer() -> None:
    twice = stop("x", (0, 1))
    only_monday = replace(van(), workdays=frozenset({0}))
    problem = problem_at([(5, 0)], (twice,), (only_monday,), days=2)
    _found, _obstacle, changes = changes_of(problem, "x")
    fewer = changes[ChangeKind.FEWER_VISITS]
    assert (fewer.fewer, fewer.days) == (1, (0,))
    more = changes[ChangeKind.MORE_VAN_DAY]
    assert (more.van, more.day, more.days) == ("xe", 1, (0, 1))


def test_vans_room_locks_and_groups_are_told() -> None:
    at = [(5.0, 0.0), (6.0, 0.0)]
    tied = stop("x", (0,), vans=frozenset({"boat"}))
    assert ChangeKind.ANOTHER_VAN in changes_of(problem_at(at[:1], (tied,), (van(),)), "x")[2]
    stops = (stop("x", (0,), load=2.0), stop("y", (0,), load=3.0, priority=1))
    full = changes_of(problem_at(at, stops, (van(capacity=4.0),)), "x")[2]
    assert full[ChangeKind.MORE_ROOM].load == 1.0
    held = stop("x", (0,), locked=(LockedVisit(0, "boat"),))
    assert ChangeKind.UNLOCK in changes_of(problem_at(at[:1], (held,), (van(),)), "x")[2]
    stops = (stop("x", (0,)), stop("y", (0,), priority=1))
    apart = problem_at(at, stops, (van(),), apart=(frozenset({"x", "y"}),))
    assert ChangeKind.LEAVE_GROUP in changes_of(apart, "x")[2]


def test_a_stop_that_costs_more_than_its_skip_price_is_told_the_price_that_would_do() -> None:
    far = stop("x", (0,), skip_price_m=5_000.0)
    problem = problem_at([(30, 0)], (far,), (van(),))
    _found, obstacle, changes = changes_of(problem, "x")
    assert obstacle == Obstacle.DEARER_THAN_SKIPPING
    change = changes[ChangeKind.HIGHER_SKIP_PRICE]
    assert change.skip_price_m == 60_001
    served = plan(with_change(problem, "x", change), iterations=100, workers=1)
    assert served.unplaced == ()


def test_what_no_single_change_mends_is_said_to_have_none() -> None:
    nowhere = stop("x")
    _found, obstacle, changes = changes_of(problem_at([(5, 0)], (nowhere,), (van(),)), "x")
    assert (obstacle, changes) == (Obstacle.NO_CHOICES, {})
    island = problem_at([(5, 0)], (stop("x", (0,)),), (van(),))
    matrix = np.where(np.eye(2) == 1, 0.0, np.inf)
    cut_off = replace(island, distances=Distances(matrix, matrix))
    _found, obstacle, changes = changes_of(cut_off, "x")
    assert (obstacle, changes) == (Obstacle.UNREACHABLE, {})


@settings(max_examples=40)
@given(small_problems())
def test_whatever_is_left_out_is_explained_and_each_change_holds_every_promise(
    problem: PlanningProblem,
) -> None:
    found = plan(problem, iterations=200, workers=1)
    explained = explain_unplaced(problem, found)
    assert [one.stop for one in explained] == list(found.unplaced)
    for one in explained:
        for change in one.changes:
            changed = with_change(problem, one.stop, change)
            better = with_stop_in(changed, found, one.stop, change)
            assert broken_plan_promises(changed, better) == []
            assert one.stop not in better.unplaced


def neighbours() -> PlanningProblem:
    """Two neighbours ten kilometres away, one of them tied to Tuesday, and one the other way."""
    stops = (stop("a", (0,)), stop("b", (1,)), stop("west", (0,), (1,)))
    return problem_at([(10, 0), (10, 0), (-10, 0)], stops, (van(days=2),), days=2)


def test_the_cost_of_a_wish_is_the_driving_that_giving_it_up_saves() -> None:
    problem = neighbours()
    found = plan(problem, iterations=200, workers=1)
    assert found.metres == pytest.approx(60_000)
    costs = {(cost.stop, cost.kind): cost for cost in wish_costs(problem, found)}
    tuesday = costs["b", WishKind.DAYS]
    assert tuesday.metres == pytest.approx(20_000)
    assert tuesday.drive_minutes == pytest.approx(20)
    assert tuesday.days == (0,)
    assert costs["west", WishKind.DAYS].metres == 0
    assert {cost.stop for cost in wish_costs(problem, found, ["b"])} == {"b"}


def test_each_kind_of_wish_has_its_cost() -> None:
    vans = (van("near", days=2), van("far", days=2))
    stops = (
        stop("a", (0,), (1,), locked=(LockedVisit(1),)),
        stop("b", (0,)),
        stop("c", (0,), vans=frozenset({"far"})),
        stop("d", (0,), windows=(Window(900, 930),)),
    )
    problem = problem_at([(10, 0)] * 4, stops, vans, days=2, apart=(frozenset({"b", "d"}),))
    far = problem.distances.metres.copy()
    # The far van has 50 km to each stop.
    far[5, :4] = far[:4, 5] = 50_000
    problem = replace(problem, distances=Distances(far, problem.distances.minutes))
    free = replace(problem, apart=())
    found = plan(free, iterations=300, workers=1)
    costs = {(cost.stop, cost.kind): cost.metres for cost in wish_costs(free, found)}
    assert costs["a", WishKind.LOCKED] == pytest.approx(20_000)
    # All three of Monday go with the far van, because one of them must.
    assert costs["c", WishKind.VANS] == pytest.approx(80_000)
    assert costs["d", WishKind.WINDOWS] == 0
    tied = replace(problem, stops=(stops[0], stop("b", (0,), (1,)), *stops[2:]))
    # b may not share the day of d: it goes with a.
    grouped = plan(tied, iterations=300, workers=1)
    kinds = {(cost.stop, cost.kind) for cost in wish_costs(tied, grouped)}
    assert ("b", WishKind.APART) in kinds
    assert grouped.days_of("b") == (1,)


def test_a_stop_is_on_its_days_because_the_next_best_drive_more() -> None:
    problem = neighbours()
    near_b = stop("a", (0,), (1,), (0, 1))
    problem = replace(problem, stops=(near_b, *problem.stops[1:]))
    found = plan(problem, iterations=300, workers=1)
    why = why_these_days(problem, found, "a")
    assert why.days == (1,)
    assert why.metres == pytest.approx(0)
    assert why.not_fitting == 0
    nearest, both = why.next_best
    assert (nearest.days, both.days) == ((0,), (0, 1))
    assert nearest.metres == pytest.approx(20_000)
    full = replace(problem, vans=(van(days=2, shift_limit_minutes=100),))
    packed = plan(full, iterations=300, workers=1)
    assert why_these_days(full, packed, "b").next_best == ()
