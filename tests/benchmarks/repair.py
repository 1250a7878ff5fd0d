"""Mending a term: 50 mishaps of a published plan, ``python -m tests.benchmarks.repair``.

A term like Cần Thơ's is planned from nothing; then days are lost, visits cancelled, vans away and
requests made, each against the same published plan and known three days of service before. Prints
the time of each answer, visits moved and left out, and what is driven more; every proposal goes
through the checker.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from schedules.planning.checker import broken_plan_promises
from schedules.planning.explanation import explain_unplaced
from schedules.planning.plan import Plan
from schedules.planning.planner import plan
from schedules.planning.problem import DayChoice, PlanningProblem
from schedules.planning.repair import (
    DaysLost,
    Disruption,
    RepairProposal,
    RequestArrives,
    VisitCancelled,
    repairs,
)
from tests.schedules.planning.cantho_term import cantho_term

DISRUPTIONS = 50
REQUESTS = 10
DAYS_BEFORE = 3
# A request may wait for four weeks.
REQUEST_DAYS = 20


def published_term(stops: int, seconds: float, seed: int) -> tuple[PlanningProblem, Plan]:
    """The plan of a term, whose last stops have not asked for a visit yet."""
    problem = cantho_term(stops + REQUESTS, seed=seed + 1)
    waiting = tuple(replace(stop, choices=()) for stop in problem.stops[stops:])
    problem = replace(problem, stops=(*problem.stops[:stops], *waiting), together=(), apart=())
    return problem, plan(problem, seconds, seed=seed)


def disruptions(
    problem: PlanningProblem, published: Plan, seed: int
) -> Iterator[tuple[Disruption, int, PlanningProblem]]:
    """Mishaps with the first day that may still change, and the problem that they are told in."""
    rng = np.random.default_rng(seed)
    requests = [stop.key for stop in problem.stops[-REQUESTS:]]
    for number in range(DISRUPTIONS):
        run = published.runs[int(rng.integers(len(published.runs)))]
        earliest = max(0, run.day - DAYS_BEFORE)
        visit = run.visits[int(rng.integers(len(run.visits)))]
        kind = number % 5
        if kind in (0, 1):
            yield DaysLost(frozenset({run.day})), earliest, problem
        elif kind == 2:
            yield VisitCancelled(visit.stop, run.day), earliest, problem
        elif kind == 3:
            days = frozenset(range(run.day, min(run.day + 3, len(problem.days))))
            yield DaysLost(days, run.van), earliest, problem
        else:
            key = requests[number // 5 % REQUESTS]
            yield RequestArrives(key), earliest, _asked(problem, key, earliest)


def _asked(problem: PlanningProblem, key: str, earliest: int) -> PlanningProblem:
    """The problem in which the stop asks for one visit within four weeks."""
    last = min(earliest + REQUEST_DAYS, len(problem.days))
    asks = tuple(DayChoice((day,)) for day in range(earliest, last))
    stops = tuple(
        replace(stop, choices=asks) if stop.key == key else stop for stop in problem.stops
    )
    return replace(problem, stops=stops)


def main() -> None:
    """Plan a term, disturb it and print what mending it costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=80)
    parser.add_argument("--plan-seconds", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="for all proposals together")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    problem, published = published_term(asked.stops, asked.plan_seconds, asked.seed)
    broken = broken_plan_promises(problem, published)
    unplaced = [key for key in published.unplaced if key in _asking(problem)]
    visits = sum(len(run.visits) for run in published.runs)
    print(
        f"term of {asked.stops} stops, {len(problem.days)} days: {visits} visits in"
        f" {len(published.runs)} runs, {published.metres / 1000:.0f} km after"
        f" {published.seconds:.0f} s; broken promises {len(broken)}, left out {len(unplaced)}"
    )
    for why in explain_unplaced(problem, published, unplaced):
        change = why.changes[0].kind.value if why.changes else "no single change"
        print(f"  left out: {why.stop}, {why.obstacle.value}, {change}")
    times: list[float] = []
    faults = 0
    by_kind: dict[str, list[RepairProposal]] = defaultdict(list)
    print(f"{'mishap':16}{'s':>6}  proposals: moved / left out / km more / retimed")
    for disruption, earliest, told in disruptions(problem, published, asked.seed):
        begun = time.perf_counter()
        proposals = repairs(
            told, published, disruption, asked.seconds, asked.seed, earliest=earliest
        )
        times.append(time.perf_counter() - begun)
        row = f"{type(disruption).__name__:16}{times[-1]:6.2f}"
        for proposal in proposals:
            faults += len(broken_plan_promises(proposal.problem, proposal.plan))
            by_kind[proposal.kind.value].append(proposal)
            km = proposal.metres / 1000
            row += f"  {proposal.kind.value} {proposal.moved}/{len(proposal.left_out)}"
            row += f"/{km:+.1f}/{proposal.retimed}"
        print(row, flush=True)
    print(f"time of an answer: mean {np.mean(times):.2f} s, longest {max(times):.2f} s")
    print(f"promises broken by {sum(map(len, by_kind.values()))} proposals: {faults}")
    for kind, of in by_kind.items():
        moved = [proposal.moved for proposal in of]
        out = [len(proposal.left_out) for proposal in of]
        km = [proposal.metres / 1000 for proposal in of]
        print(
            f"{kind:15}{len(of):3} proposals: moved {np.mean(moved):.1f} (most {max(moved)}),"
            f" left out {np.mean(out):.1f}, {np.mean(km):+.1f} km"
        )


def _asking(problem: PlanningProblem) -> set[str]:
    return {stop.key for stop in problem.stops if stop.choices}


if __name__ == "__main__":
    main()
