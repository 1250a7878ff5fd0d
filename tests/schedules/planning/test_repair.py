"""Mending a plan: what was hit finds another day or is left out, everything else stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.planning.checker import broken_plan_promises
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
from schedules.planning.repair import (
    DaysLost,
    Disruption,
    Move,
    RepairKind,
    RepairPrices,
    RepairProposal,
    RequestArrives,
    VisitCancelled,
    repairs,
)
from schedules.timing import Window

from .test_brute_force import small_problems

MONDAY = date(2026, 9, 7)
ITERATIONS = 400
# One would rather drive far than go on another day than the nearest.
NEAREST = RepairPrices(day_off_m=20_000)


def weeks_problem(
    stops: tuple[PlanningStop, ...],
    points: list[tuple[float, float]],
    vans: tuple[PlanningVan, ...] | None = None,
    weeks: int = 2,
    **more: object,
) -> PlanningProblem:
    """Mondays to Fridays; points in kilometres from the depots, a kilometre a minute."""
    days = tuple(MONDAY + timedelta(days=7 * (n // 5) + n % 5) for n in range(5 * weeks))
    if vans is None:
        vans = (van("xe", weeks),)
    at = np.array([*points, *([(0.0, 0.0)] * len(vans))])
    km = np.sqrt(((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2))
    distances = Distances(km * 1000, np.ceil(km))
    return PlanningProblem(days, stops, vans, distances, **more)  # type: ignore[arg-type]


def van(key: str, weeks: int = 2, **more: object) -> PlanningVan:
    hours = {"leaves_earliest": 420, "returns_latest": 1020, **more}
    return PlanningVan(key, frozenset(range(5 * weeks)), **hours)  # type: ignore[arg-type]


def weekly(key: str, weekday: int, weeks: int = 2, **more: object) -> PlanningStop:
    """Each week on one weekday, best on ``weekday``."""
    choices = tuple(
        DayChoice(tuple(range(d, 5 * weeks, 5)), 0.0 if d == weekday else 50_000.0)
        for d in range(5)
    )
    return PlanningStop(key, 60, choices, **more)  # type: ignore[arg-type]


def planned(problem: PlanningProblem) -> Plan:
    found = plan(problem, iterations=600, workers=1)
    assert broken_plan_promises(problem, found) == []
    return found


def mended(
    problem: PlanningProblem, found: Plan, disruption: Disruption, **more: object
) -> dict[RepairKind, RepairProposal]:
    proposals = repairs(problem, found, disruption, iterations=ITERATIONS, **more)  # type: ignore[arg-type]
    assert len(proposals) <= 3
    assert len({proposal.moves for proposal in proposals}) == len(proposals)
    for proposal in proposals:
        assert_sound(found, proposal)
    return {proposal.kind: proposal for proposal in proposals}


def assert_sound(found: Plan, proposal: RepairProposal) -> None:
    """Promises hold, and the moves alone lead from the one plan to the other."""
    assert broken_plan_promises(proposal.problem, proposal.plan) == []
    assert proposal.metres == pytest.approx(proposal.plan.metres - found.metres)
    days = {stop.key: set(found.days_of(stop.key)) for stop in proposal.problem.stops}
    for move in proposal.moves:
        if move.from_day is not None:
            days[move.stop].remove(move.from_day)
    for move in proposal.moves:
        if move.to_day is not None:
            assert move.to_day not in days[move.stop]
            days[move.stop].add(move.to_day)
    for key, expected in days.items():
        assert set(proposal.plan.days_of(key)) == expected


def three_stops() -> PlanningProblem:
    stops = (weekly("near", 0), weekly("far", 2), weekly("west", 0))
    return weeks_problem(stops, [(5, 0), (20, 0), (-8, 0)])


def test_a_lost_day_is_mended_by_moving_little_driving_little_or_leaving_out() -> None:
    problem = three_stops()
    found = planned(problem)
    assert found.days_of("near") == found.days_of("west") == (0, 5)
    ways = mended(problem, found, DaysLost(frozenset({5})), prices=NEAREST)
    little = ways[RepairKind.LEAST_MOVED]
    # Friday before is three days from Monday, Tuesday but one.
    assert little.moves == (Move("near", 5, 6), Move("west", 5, 6))
    assert little.metres == pytest.approx(0)
    assert (little.moved, little.left_out, little.retimed) == (2, (), 0)
    short = ways[RepairKind.LEAST_DRIVING]
    # On the way to the far one the near one costs nothing.
    assert Move("near", 5, 7) in short.moves
    assert short.metres < little.metres
    out = ways[RepairKind.LEFT_OUT]
    assert {move.stop for move in out.left_out} == {"near", "west"}
    assert out.metres == pytest.approx(-26_000)


def test_untouched_runs_stay_as_they_were_to_the_minute() -> None:
    problem = three_stops()
    found = planned(problem)
    # Published by hand: the van waits before it comes to the near school.
    (first, *others) = found.runs
    late = replace(
        first,
        returns_depot=first.returns_depot + 30,
        visits=tuple(
            replace(
                visit,
                arrival=visit.arrival + 30,
                departure=visit.departure + 30,
                waiting_minutes=visit.waiting_minutes + (30 if number == 0 else 0),
            )
            for number, visit in enumerate(first.visits)
        ),
    )
    by_hand = replace(found, runs=(late, *others))
    assert broken_plan_promises(problem, by_hand) == []
    for proposal in repairs(
        problem, by_hand, DaysLost(frozenset({5})), iterations=ITERATIONS, earliest=4
    ):
        assert late in proposal.plan.runs
        assert all(move.from_day == 5 for move in proposal.moves)
        assert_sound(by_hand, proposal)


def test_a_run_that_breaks_a_promise_already_is_left_alone() -> None:
    problem = three_stops()
    found = planned(problem)
    narrow = replace(problem.vans[0], shift_limit_minutes=140)
    # Monday's runs last longer than that by now.
    strict = replace(problem, vans=(narrow,))
    before = broken_plan_promises(strict, found)
    assert before
    (proposal, *_rest) = repairs(strict, found, VisitCancelled("far", 2), iterations=ITERATIONS)
    assert [run for run in proposal.plan.runs if run.day in (0, 5)] == [
        run for run in found.runs if run.day in (0, 5)
    ]
    assert broken_plan_promises(proposal.problem, proposal.plan) == before


def test_a_cancelled_visit_moves_or_falls_out_and_no_other_day_is_touched() -> None:
    problem = three_stops()
    found = planned(problem)
    ways = mended(problem, found, VisitCancelled("far", 2), prices=NEAREST)
    assert ways[RepairKind.LEAST_MOVED].moves in (
        (Move("far", 2, 1),),
        (Move("far", 2, 3),),
    )
    assert ways[RepairKind.LEFT_OUT].moves == (Move("far", 2, None),)
    assert ways[RepairKind.LEFT_OUT].metres == pytest.approx(-40_000)


def test_where_it_leaves_room_the_others_keep_their_minute() -> None:
    problem = three_stops()
    found = planned(problem)
    first = found.runs[0].visits[0].stop
    ways = mended(problem, found, VisitCancelled(first, 0), prices=NEAREST)
    assert ways[RepairKind.LEAST_MOVED].retimed == 0
    assert ways[RepairKind.LEFT_OUT].retimed == 0
    # Early is the only hour of the near one: there the far one has to come later.
    near = PlanningStop(
        "near", 60, (DayChoice((0,)), DayChoice((1,), 50_000.0)), windows=(Window(420, 510),)
    )
    far = PlanningStop("far", 60, (DayChoice((1,)),))
    early = weeks_problem((near, far), [(5, 0), (20, 0)])
    way = mended(early, planned(early), DaysLost(frozenset({0})))[RepairKind.LEAST_MOVED]
    assert way.moves == (Move("near", 0, 1),)
    assert way.retimed == 1


def test_after_a_visit_that_falls_out_the_next_one_comes_earlier() -> None:
    # Every second Monday; without the second one the gap would be 28 days.
    every = tuple(DayChoice((d, d + 10, d + 20), 0.0 if d == 0 else 50_000.0) for d in range(10))
    often = PlanningStop("x", 60, every)
    problem = weeks_problem((often,), [(5, 0)], (van("xe", 6),), weeks=6)
    found = planned(problem)
    assert found.days_of("x") == (0, 10, 20)
    out = mended(problem, found, VisitCancelled("x", 10))[RepairKind.LEFT_OUT]
    dropped, sooner = out.moves
    assert dropped == Move("x", 10, None)
    assert (sooner.stop, sooner.from_day) == ("x", 20)
    assert sooner.to_day is not None
    assert (problem.days[sooner.to_day] - problem.days[0]).days <= 21


def test_nothing_hit_needs_no_mending() -> None:
    problem = three_stops()
    found = planned(problem)
    assert repairs(problem, found, DaysLost(frozenset({4})), iterations=10) == ()
    assert repairs(problem, found, VisitCancelled("far", 4), iterations=10) == ()


def test_nothing_moves_into_days_that_are_over() -> None:
    problem = three_stops()
    found = planned(problem)
    for proposal in mended(problem, found, DaysLost(frozenset({5})), earliest=5).values():
        assert all(move.to_day is None or move.to_day > 5 for move in proposal.moves)
        assert [run for run in proposal.plan.runs if run.day < 5] == [
            run for run in found.runs if run.day < 5
        ]


def test_another_van_takes_over_on_the_same_day() -> None:
    vans = (van("a"), van("b"))
    problem = weeks_problem((weekly("x", 0), weekly("y", 2)), [(5, 0), (6, 0)], vans)
    found = planned(problem)
    (run,) = [run for run in found.runs if run.day == 0]
    ways = mended(problem, found, DaysLost(frozenset({0, 1}), run.van), prices=NEAREST)
    easiest = ways[RepairKind.LEAST_MOVED]
    assert easiest.moves == ()
    (taken_over,) = [run for run in easiest.plan.runs if run.day == 0]
    assert taken_over.van != run.van
    lost = mended(problem, found, DaysLost(frozenset({0}), run.van), prices=NEAREST)
    assert lost[RepairKind.LEAST_MOVED].moves == ()


def test_a_request_finds_its_cheapest_and_its_soonest_day() -> None:
    asks = PlanningStop("new", 30, tuple(DayChoice((day,)) for day in range(1, 10)))
    problem = weeks_problem(
        (weekly("near", 0), weekly("far", 2), weekly("west", 4), asks),
        [(5, 0), (20, 0), (-8, 0), (18, 0)],
    )
    without = replace(problem, stops=(*problem.stops[:3], replace(asks, choices=())))
    found = plan(without, iterations=600, workers=1)
    assert found.unplaced == ("new",)
    ways = mended(problem, found, RequestArrives("new"))
    assert ways[RepairKind.LEAST_MOVED].moves in (
        (Move("new", None, 2),),
        (Move("new", None, 7),),
    )
    assert ways[RepairKind.LEAST_MOVED].metres == pytest.approx(0)
    assert ways[RepairKind.SOONEST].moves == (Move("new", None, 1),)


def test_a_request_that_no_day_suits_has_no_proposal() -> None:
    asks = PlanningStop("new", 30, (DayChoice((2,)),), windows_on={2: ()})
    problem = weeks_problem((weekly("near", 0), asks), [(5, 0), (6, 0)])
    found = plan(problem, iterations=300, workers=1)
    assert repairs(problem, found, RequestArrives("new"), iterations=100) == ()


def test_no_request_pushes_a_published_visit_out() -> None:
    # The shift leaves room for one of the two; the request asks for more and matters more.
    short = (van("xe", shift_limit_minutes=90),)
    asks = PlanningStop("new", 60, (DayChoice((0, 5)),), priority=2)
    held = PlanningStop("held", 60, (DayChoice((0,)),), locked=(LockedVisit(0),))
    problem = weeks_problem((held, asks), [(5, 0), (-6, 0)], short)
    found = plan(
        replace(problem, stops=(held, replace(asks, choices=()))), iterations=300, workers=1
    )
    assert found.unplaced == ("new",)
    assert repairs(problem, found, RequestArrives("new"), iterations=300) == ()


def test_no_request_pushes_out_the_company_that_cannot_come_along() -> None:
    asks = PlanningStop("new", 30, (DayChoice((2,)), DayChoice((2, 7))))
    mate = PlanningStop("mate", 30, (DayChoice((0,)),))
    other = weekly("other", 2)
    together = (frozenset({"new", "mate"}),)
    problem = weeks_problem((mate, other, asks), [(5, 0), (7, 0), (6, 0)], together=together)
    found = plan(
        replace(problem, stops=(mate, other, replace(asks, choices=()))), iterations=300, workers=1
    )
    assert found.unplaced == ("new",)
    assert repairs(problem, found, RequestArrives("new"), iterations=300) == ()


def test_other_visits_move_only_where_it_is_worth_their_price() -> None:
    # Losing Monday, near can only go to Tuesday; with west moved there too a round trip is saved.
    near = replace(weekly("near", 0), choices=(DayChoice((0,)), DayChoice((1,))))
    west = replace(weekly("west", 3), choices=(DayChoice((3,)), DayChoice((1,), 5_000.0)))
    problem = weeks_problem((near, west), [(20, 0), (20, 1)])
    found = plan(
        replace(problem, stops=(near, replace(west, choices=west.choices[:1]))),
        iterations=300,
        workers=1,
    )
    found = replace(found)
    cheap = RepairPrices(moved_visit_m=1_000)
    moving = mended(problem, found, DaysLost(frozenset({0})), prices=cheap)[
        RepairKind.LEAST_DRIVING
    ]
    assert {move.stop for move in moving.moves} == {"near", "west"}
    dear = RepairPrices(moved_visit_m=10_000_000)
    for proposal in mended(problem, found, DaysLost(frozenset({0})), prices=dear).values():
        assert {move.stop for move in proposal.moves} == {"near"}


def test_locked_visits_stay_unless_their_own_day_is_lost() -> None:
    held = weekly("near", 0, locked=(LockedVisit(0), LockedVisit(5)))
    problem = weeks_problem((held, weekly("far", 2)), [(5, 0), (20, 0)])
    found = planned(problem)
    free = RepairPrices(moved_visit_m=0)
    for proposal in mended(problem, found, VisitCancelled("far", 2), prices=free).values():
        assert proposal.plan.days_of("near") == (0, 5)
    moved = mended(problem, found, DaysLost(frozenset({5})), prices=NEAREST)[RepairKind.LEAST_MOVED]
    assert moved.moves == (Move("near", 5, 6),)


def test_stops_that_belong_together_move_together_or_stay_out_together() -> None:
    school, village = weekly("school", 0), weekly("village", 0)
    problem = weeks_problem(
        (school, village), [(5, 0), (6, 0)], together=(frozenset({"school", "village"}),)
    )
    found = planned(problem)
    ways = mended(problem, found, VisitCancelled("school", 5))
    assert {move.stop for move in ways[RepairKind.LEAST_MOVED].moves} == {"school", "village"}
    assert {move.stop for move in ways[RepairKind.LEFT_OUT].left_out} == {"school", "village"}


def test_the_days_that_a_caller_allows_are_used() -> None:
    fixed = PlanningStop("x", 60, (DayChoice((0, 5)),))
    problem = weeks_problem((fixed,), [(5, 0)])
    found = planned(problem)
    (only,) = mended(problem, found, DaysLost(frozenset({5}))).values()
    assert [move.to_day for move in only.moves] == [None]
    ways = mended(
        problem, found, DaysLost(frozenset({5})), other_days=lambda _stop, _day: range(10)
    )
    assert ways[RepairKind.LEAST_MOVED].moves == (Move("x", 5, 6),)


def test_the_same_seed_gives_the_same_proposals() -> None:
    problem = three_stops()
    found = planned(problem)
    one, other = (
        repairs(problem, found, DaysLost(frozenset({5})), seed=3, iterations=200, earliest=1)
        for _ in range(2)
    )
    assert [(p.kind, p.moves, p.plan.runs) for p in one] == [
        (p.kind, p.moves, p.plan.runs) for p in other
    ]


@st.composite
def disrupted(draw: st.DrawFn) -> tuple[PlanningProblem, Plan, Disruption]:
    problem = draw(small_problems())
    found = plan(problem, iterations=150, workers=1)
    day = draw(st.integers(0, len(problem.days) - 1))
    some_van = draw(st.sampled_from([one.key for one in problem.vans]))
    some_stop = draw(st.sampled_from([one.key for one in problem.stops]))
    kinds: list[Disruption] = [
        DaysLost(frozenset({day})),
        DaysLost(frozenset({day}), some_van),
        DaysLost(frozenset({0, day}), some_van),
        VisitCancelled(some_stop, day),
    ]
    kinds += [RequestArrives(key) for key in found.unplaced[:1]]
    return problem, found, draw(st.sampled_from(kinds))


@settings(max_examples=60)
@given(disrupted())
def test_every_proposal_holds_its_promises_and_moves_what_it_says(
    case: tuple[PlanningProblem, Plan, Disruption],
) -> None:
    problem, found, disruption = case
    grouped = {key for group in problem.together for key in group}
    for proposal in repairs(problem, found, disruption, iterations=100):
        assert_sound(found, proposal)
        if isinstance(disruption, RequestArrives):
            assert proposal.left_out == ()
        if proposal.kind == RepairKind.LEAST_MOVED and not grouped:
            hit = {move.stop for move in proposal.moves if move.from_day is not None}
            assert all(move.from_day is None or move.stop in hit for move in proposal.moves)
