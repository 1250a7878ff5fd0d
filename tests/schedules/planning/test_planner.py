"""The planner on small problems: every promise held, nothing dropped in silence, the best found."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.planning.checker import PlanFault, broken_plan_promises
from schedules.planning.plan import Plan, Progress
from schedules.planning.planner import plan
from schedules.planning.problem import (
    DayChoice,
    Distances,
    LockedVisit,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
    Weights,
)
from schedules.timing import Lunch, Window

MONDAY = date(2026, 9, 7)


def problem_at(
    points: list[tuple[float, float]],
    stops: tuple[PlanningStop, ...],
    vans: tuple[PlanningVan, ...],
    days: int,
    **more: object,
) -> PlanningProblem:
    """Stops at points in kilometres, depots at the origin, a kilometre a minute."""
    at = np.array([*points, *([(0.0, 0.0)] * len(vans))])
    apart = np.sqrt(((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2))
    distances = Distances(apart * 1000, np.ceil(apart))
    dates = tuple(MONDAY + timedelta(days=day) for day in range(days))
    return PlanningProblem(dates, stops, vans, distances, **more)  # type: ignore[arg-type]


def van(days: int, key: str = "xe", **more: object) -> PlanningVan:
    given_ = {"leaves_earliest": 420, "returns_latest": 1020, **more}
    return PlanningVan(key, frozenset(range(days)), **given_)  # type: ignore[arg-type]


def stop(key: str, *choices: tuple[int, ...], **more: object) -> PlanningStop:
    of = tuple(DayChoice(days) for days in choices)
    return PlanningStop(key, 30, of, **more)  # type: ignore[arg-type]


clock = st.integers(420, 900)
windows = st.lists(
    st.builds(lambda a, m: Window(a, a + m), clock, st.integers(20, 240)), max_size=2
).map(tuple)
lunches = st.one_of(st.none(), st.just(Lunch(660, 780, 45)))


@st.composite
def small_problems(draw: st.DrawFn) -> PlanningProblem:
    """Up to four stops, three days and two vans, with every kind of promise."""
    days = draw(st.integers(1, 3))
    number = draw(st.integers(1, 4))
    coordinate = st.integers(-25, 25).map(float)
    points = [(draw(coordinate), draw(coordinate)) for _ in range(number)]
    vans = tuple(
        van(
            days,
            key,
            lunch=draw(lunches),
            capacity=draw(st.sampled_from([None, 2.0])),
            shift_limit_minutes=draw(st.sampled_from([None, 120, 300])),
        )
        for key in ("a", "b")[: draw(st.integers(1, 2))]
    )
    subsets = [tuple(day for day in range(days) if bits >> day & 1) for bits in range(1, 2**days)]
    stops = tuple(
        PlanningStop(
            key=str(index),
            service_minutes=draw(st.sampled_from([20, 45])),
            choices=tuple(
                DayChoice(chosen, draw(st.sampled_from([0.0, 3000.0])))
                for chosen in draw(
                    st.lists(st.sampled_from(subsets), min_size=1, max_size=3, unique=True)
                )
            ),
            windows=draw(windows),
            load=draw(st.sampled_from([0.0, 1.0])),
            skip_price_m=draw(st.sampled_from([None, 5000.0])),
            vans=draw(st.sampled_from([None, frozenset({"a"})])),
        )
        for index in range(number)
    )
    two = frozenset({"0", "1"})
    groups = draw(st.sampled_from([{}, {"together": (two,)}, {"apart": (two,)}]))
    return problem_at(points, stops, vans, days, **(groups if number > 1 else {}))


@settings(max_examples=60)
@given(small_problems())
def test_every_promise_is_held_and_what_is_left_out_is_named(problem: PlanningProblem) -> None:
    found = plan(problem, iterations=400, workers=1)
    assert broken_plan_promises(problem, found) == []
    placed = {visit.stop for run in found.runs for visit in run.visits}
    assert placed | set(found.unplaced) == {one.key for one in problem.stops}
    assert not placed & set(found.unplaced)


def best_by_trying(problem: PlanningProblem) -> tuple[int, float]:
    """Fewest must-be-served stops left out and the least metres and prices, one van, no promise
    but the choices: each day's shortest tour by trying every order."""
    metres = problem.distances.metres
    depot = len(problem.stops)

    def tour(members: tuple[int, ...]) -> float:
        if not members:
            return 0.0
        return min(
            sum(float(metres[a, b]) for a, b in zip((depot, *way), (*way, depot), strict=True))
            for way in permutations(members)
        )

    best = np.inf
    for chosen in product(*(one.choices for one in problem.stops)):
        price = sum(choice.price_m for choice in chosen)
        for day in range(len(problem.days)):
            price += tour(tuple(i for i, choice in enumerate(chosen) if day in choice.days))
        best = min(best, price)
    return 0, float(best)


@settings(max_examples=25)
@given(small_problems())
def test_where_only_days_are_to_be_chosen_nothing_shorter_exists(problem: PlanningProblem) -> None:
    free = tuple(
        replace(one, windows=(), skip_price_m=None, vans=None, load=0.0) for one in problem.stops
    )
    days = len(problem.days)
    only = van(days, shift_limit_minutes=None, returns_latest=10_000)
    easy = problem_at([(float(x), float(y)) for x, y in _points(problem)], free, (only,), days)
    found = plan(easy, iterations=3_000, workers=1)
    assert found.unplaced == ()
    assert found.price_m == pytest.approx(best_by_trying(easy)[1])


def _points(problem: PlanningProblem) -> list[tuple[float, float]]:
    """Any points will do, as long as they differ between problems."""
    return [
        (float(problem.distances.metres[i, -1]) / 1000, float(i * i))
        for i in range(len(problem.stops))
    ]


def term(stops: int = 24, weeks: int = 8) -> PlanningProblem:
    """Schools within 15 km, weekly to monthly, closed over noon; one van with lunch and shift."""
    rng = np.random.default_rng(5)
    points = [(float(x), float(y)) for x, y in rng.uniform(-15, 15, (stops, 2))]
    days = 5 * weeks

    def choices(every: int) -> tuple[DayChoice, ...]:
        return tuple(
            DayChoice(tuple(range(5 * first + weekday, days, 5 * every)))
            for first in range(every)
            for weekday in range(5)
        )

    schools = tuple(
        PlanningStop(
            str(number),
            60,
            choices((1, 2, 4)[number % 3]),
            windows=(Window(450, 660), Window(810, 1000)),
        )
        for number in range(stops)
    )
    one = van(days, leaves_earliest=390, shift_limit_minutes=600, lunch=Lunch(660, 780, 60))
    return problem_at(points, schools, (one,), days)


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    problem = term()
    one, other = (plan(problem, iterations=2_000, seed=7) for _ in range(2))
    assert one.runs == other.runs


def test_a_term_is_planned_with_every_promise_held_and_progress_told() -> None:
    problem = replace(term(), weights=Weights(balance_m_per_hour=500))
    told: list[Progress] = []
    found = plan(problem, seconds=1.5, on_progress=told.append)
    assert found.unplaced == ()
    assert broken_plan_promises(problem, found) == []
    prices = [progress.price_m for progress in told]
    assert len(told) > 3
    assert prices[-1] < prices[0]
    assert found.metres == pytest.approx(sum(run.distance_m for run in found.runs))


def test_a_stopped_search_answers_the_best_so_far() -> None:
    problem = term()
    told: list[Progress] = []
    found = plan(problem, seconds=60, on_progress=told.append, should_stop=lambda: len(told) >= 2)
    assert found.seconds < 30
    assert found.price_m <= told[0].price_m + 1e-6
    assert broken_plan_promises(problem, found) == []


def test_a_search_goes_on_from_a_plan_and_never_answers_a_worse_one() -> None:
    problem = term()
    first = plan(problem, iterations=6_000)
    again = plan(problem, iterations=10, start=first)
    assert again.price_m <= first.price_m + 1e-6


def test_locked_visits_keep_day_van_and_arrival() -> None:
    lock = LockedVisit(day=1, van="b", arrival=600)
    stops = (stop("x", (0,), (1,), locked=(lock,)), stop("y", (0,), (1,)))
    problem = problem_at([(5, 0), (6, 0)], stops, (van(2, "a"), van(2, "b")), 2)
    found = plan(problem, iterations=200)
    (run,) = [run for run in found.runs for visit in run.visits if visit.stop == "x"]
    visit = next(visit for visit in run.visits if visit.stop == "x")
    assert (run.day, run.van, visit.arrival) == (1, "b", 600)
    assert broken_plan_promises(problem, found) == []


def test_what_cannot_be_served_is_named_by_priority() -> None:
    # Each takes half an hour there and half an hour back; only one fits the shift.
    stops = tuple(stop(key, (0,), priority=priority) for key, priority in (("low", 0), ("high", 2)))
    problem = problem_at([(25, 0), (-25, 0)], stops, (van(1, shift_limit_minutes=90),), 1)
    assert plan(problem, iterations=200).unplaced == ("low",)


def test_a_stop_that_may_be_skipped_is_served_only_where_it_is_worth_the_drive() -> None:
    near = stop("near", (0,), skip_price_m=5_000)
    far = stop("far", (0,), skip_price_m=5_000)
    problem = problem_at([(1, 0), (30, 0)], (near, far), (van(1),), 1)
    found = plan(problem, iterations=200)
    assert found.unplaced == ("far",)
    assert found.price_m == pytest.approx(2_000 + 5_000)


@pytest.mark.parametrize(
    "impossible",
    [
        stop("x"),
        stop("x", (0,), windows=(Window(480, 490),)),
        stop("x", (0,), windows_on={0: ()}),
        stop("x", (0,), vans=frozenset({"boat"})),
        stop("x", (0,), locked=(LockedVisit(1),)),
        stop("x", (0,), load=99.0),
    ],
)
def test_an_impossible_stop_is_left_out_and_the_others_served(impossible: PlanningStop) -> None:
    problem = problem_at([(1, 0), (2, 0)], (impossible, stop("y", (0,))), (van(2, capacity=9),), 2)
    found = plan(problem, iterations=200)
    assert found.unplaced == ("x",)
    assert [visit.stop for run in found.runs for visit in run.visits] == ["y"]


def test_nothing_to_plan_is_an_empty_plan() -> None:
    assert plan(problem_at([], (), (van(1),), 1)).runs == ()
    alone = plan(problem_at([(1, 0)], (stop("x", (0,)),), (), 1), iterations=10)
    assert alone.unplaced == ("x",)


def test_stops_change_places_between_days_where_no_single_one_gains() -> None:
    """Vans without a depot: two neighbours join only once the far pair has parted."""
    days = tuple((day,) for day in range(3))
    stops = tuple(stop(key, *days, load=1) for key in ("a", "b", "c", "d"))
    problem = problem_at([(0, 0), (2, 0), (9, 0), (39, 0)], stops, (van(3, capacity=2),), 3)
    nowhere = problem.distances.metres.copy()
    nowhere[4, :] = nowhere[:, 4] = 0.0
    problem = replace(problem, distances=Distances(nowhere, nowhere / 1000))
    apart = replace(
        problem,
        stops=tuple(
            replace(s, choices=s.choices[at : at + 1])
            for at, s in zip((0, 1, 2, 2), stops, strict=True)
        ),
    )
    stuck = plan(apart, iterations=200)
    assert stuck.metres == 30_000
    assert plan(problem, iterations=2_000, start=stuck).metres == 2_000


def test_the_checker_sees_what_is_wrong() -> None:
    problem = term()
    good = plan(problem, iterations=500)
    run = good.runs[0]
    visit = run.visits[0]

    def with_run(changed: object) -> Plan:
        return replace(good, runs=(changed, *good.runs[1:]))  # type: ignore[arg-type]

    def faults(wrong: Plan) -> set[PlanFault]:
        return {broken.fault for broken in broken_plan_promises(problem, wrong)}

    early = replace(visit, arrival=visit.arrival - 200, departure=visit.departure - 200)
    assert PlanFault.OUTSIDE_WINDOW in faults(
        with_run(replace(run, visits=(early, *run.visits[1:])))
    )
    short = replace(visit, departure=visit.arrival + 1)
    assert PlanFault.SERVICE_TOO_SHORT in faults(
        with_run(replace(run, visits=(short, *run.visits[1:])))
    )
    assert PlanFault.NOT_A_CHOICE in faults(with_run(replace(run, visits=run.visits[1:])))
    assert PlanFault.SHIFT_TOO_LONG in faults(with_run(replace(run, leaves_depot=-600.0)))
    assert PlanFault.LEAVES_TOO_EARLY in faults(with_run(replace(run, leaves_depot=0.0)))
    assert PlanFault.TWO_RUNS in faults(replace(good, runs=(run, *good.runs)))
    assert PlanFault.SUM_WRONG in faults(replace(good, metres=1.0))
    assert PlanFault.PLACED_AND_UNPLACED in faults(replace(good, unplaced=(visit.stop,)))
    assert faults(with_run(replace(run, van="boat"))) == {PlanFault.UNKNOWN_VAN}
