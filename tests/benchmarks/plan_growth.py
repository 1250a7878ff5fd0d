"""What planning costs as a service grows: ``python -m tests.benchmarks.plan_growth --seconds 60``.

Invented services of 50 to 2,000 stops over four weeks, a van for about 65 stops: weekly, every two
and every four weeks, with windows, lunch and shifts. Prints the time to a first full plan (without
compiling), the most memory, and how far the plan at the end is below that first one: the reference
of the same run, each stop put where it is cheapest.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from datetime import date, timedelta

import numpy as np

from schedules.planning.checker import broken_plan_promises
from schedules.planning.day_choices import EveryWeeks, day_choices
from schedules.planning.plan import Progress
from schedules.planning.planner import compile_search, plan
from schedules.planning.problem import Distances, PlanningProblem, PlanningStop, PlanningVan
from schedules.timing import Lunch, Window

SIZES = (50, 200, 500, 1000, 2000)
STOPS_OF_A_VAN = 65
WEEKS = 4
METRES_A_MINUTE = 500.0
WINDOWS = ((), (Window(420, 690),), (Window(780, 1020),), (Window(420, 690), Window(780, 1020)))


def service(stops: int, seed: int) -> PlanningProblem:
    """Stops around depots on a plain, as dense however many there are."""
    rng = np.random.default_rng(seed)
    side_m = 40_000.0 * np.sqrt(stops / 65)
    vans = max(1, round(stops / STOPS_OF_A_VAN))
    at = rng.uniform(0, side_m, (stops, 2))
    depots = rng.uniform(0.2 * side_m, 0.8 * side_m, (vans, 2))
    every = np.vstack([at, depots])
    metres = 1.3 * np.sqrt(((every[:, None, :] - every[None, :, :]) ** 2).sum(axis=2))
    first = date(2026, 9, 7)
    days = tuple(first + timedelta(days=day) for day in range(7 * WEEKS))
    choices = {weeks: day_choices(days, EveryWeeks(weeks)).choices for weeks in (1, 2, 4)}
    workdays = frozenset(day for day in range(7 * WEEKS) if day % 7 < 5)
    on_workdays = {
        weeks: tuple(c for c in of if workdays.issuperset(c.days)) for weeks, of in choices.items()
    }
    return PlanningProblem(
        days=days,
        stops=tuple(
            PlanningStop(
                key=str(number),
                service_minutes=float(rng.integers(30, 60)),
                choices=on_workdays[int(rng.choice([1, 2, 4], p=[0.1, 0.4, 0.5]))],
                windows=WINDOWS[int(rng.integers(len(WINDOWS)))],
            )
            for number in range(stops)
        ),
        vans=tuple(
            PlanningVan(
                f"van {number}",
                workdays,
                360,
                1140,
                shift_limit_minutes=600,
                lunch=Lunch(660, 780, 45),
            )
            for number in range(vans)
        ),
        distances=Distances(metres, np.ceil(metres / METRES_A_MINUTE)),
    )


def measured(stops: int, seconds: float, seed: int) -> str:
    """Plan one size and tell what it took."""
    compile_search()
    problem = service(stops, seed)
    first: list[tuple[float, float]] = []
    begun = time.monotonic()

    def note(progress: Progress) -> None:
        if not progress.unplaced and not first:
            first.append((time.monotonic() - begun, progress.metres))

    found = plan(problem, seconds, seed=seed, on_progress=note)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    broken = len(broken_plan_promises(problem, found))
    row = f"{stops:6}{len(problem.vans):6}{sum(len(run.visits) for run in found.runs):8}"
    row += f"{first[0][0]:10.1f}" if first else f"{'–':>10}"
    row += f"{memory_mb:8.0f}{found.metres / 1000:10.0f}"
    row += f"{100 * (found.metres / first[0][1] - 1):+9.1f}" if first else f"{'–':>9}"
    return row + f"{len(found.unplaced):10}{broken:8}{found.iterations / found.seconds:12.0f}"


def main() -> None:
    """Plan each size in a process of its own, whose memory is its own too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stops", type=int, help="this size alone, in this process")
    asked = parser.parse_args()
    if asked.stops:
        print(measured(asked.stops, asked.seconds, asked.seed), flush=True)
        return
    print(
        f"{'stops':>6}{'vans':>6}{'visits':>8}{'first, s':>10}{'MB':>8}{'km':>10}"
        f"{'% since':>9}{'unplaced':>10}{'broken':>8}{'steps a s':>12}",
        flush=True,
    )
    for stops in SIZES:
        own = ["--stops", str(stops), "--seconds", str(asked.seconds), "--seed", str(asked.seed)]
        subprocess.run([sys.executable, "-m", __spec__.name, *own], check=True)


if __name__ == "__main__":
    main()
