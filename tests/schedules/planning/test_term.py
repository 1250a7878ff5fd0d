"""A whole term as Cần Thơ drives it, planned from nothing."""

from __future__ import annotations

from schedules.planning.checker import broken_plan_promises
from schedules.planning.explanation import explain_unplaced, with_change
from schedules.planning.planner import plan
from schedules.planning.repair import DaysLost, VisitCancelled, repairs
from schedules.planning.runs import plan_of_runs
from schedules.planning.trying import Trying

from .cantho_term import EXAMS, HOLIDAYS, cantho_term


def test_a_term_is_planned_from_nothing_with_every_promise_held_or_explained() -> None:
    problem = cantho_term(80)
    found = plan(problem, iterations=12_000)
    assert broken_plan_promises(problem, found) == []
    assert len(found.unplaced) <= 4
    dates = {problem.days[run.day] for run in found.runs}
    assert not dates & HOLIDAYS
    in_exams = {
        visit.stop for run in found.runs if problem.days[run.day] in EXAMS for visit in run.visits
    }
    assert all(key.startswith("commune") for key in in_exams)
    assert all(
        run.lunch for run in found.runs if run.leaves_depot <= 645 and run.returns_depot > 780
    )
    explained = explain_unplaced(problem, found)
    assert [one.stop for one in explained] == list(found.unplaced)
    for one in explained:
        for change in one.changes:
            changed = with_change(problem, one.stop, change)
            trying = Trying(changed, found, one.stop)
            placing = trying.on_days(change.days)
            assert placing is not None
            left_out = [key for key in found.unplaced if key != one.stop]
            better = plan_of_runs(changed, trying.with_placing(placing), left_out)
            assert broken_plan_promises(changed, better) == []


def test_a_published_term_is_mended_in_several_ways() -> None:
    problem = cantho_term(60, seed=2)
    found = plan(problem, iterations=6_000)
    busiest = max(found.runs, key=lambda run: len(run.visits))
    for disruption in (
        DaysLost(frozenset({busiest.day})),
        VisitCancelled(busiest.visits[0].stop, busiest.day),
    ):
        proposals = repairs(
            problem, found, disruption, iterations=2_000, earliest=max(0, busiest.day - 3)
        )
        assert 2 <= len(proposals) <= 3
        for proposal in proposals:
            assert broken_plan_promises(proposal.problem, proposal.plan) == []
            assert proposal.moves
