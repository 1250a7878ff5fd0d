"""Real services' timetables planned anew, beside a plain PyVRP model.

``python -m tests.benchmarks.services FOLDER-OR-FILES --seconds 60`` takes mobile library CSV files,
one service each, and plans the working days of its cycle again. Both sides are measured alike:
straight-line metres between consecutive stops of a working day, without a depot; straight lines
are driven at 30 km/h; each stop keeps its minutes and how often it is visited; no working day, from
first arrival to last departure, is longer than the service's longest published one, and there are
no more of them. A row is a stop, as in the files, and its visits are evenly spaced.

``ours`` and ``PyVRP`` hold just that. ``lunch`` is our plan where every long day has a break too.
Many rows are further visits of a place that has one already, and the other plans come to it twice
on one day where that is shorter: ``spaced`` holds lunch and spaces such visits evenly as well.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from pyvrp import Model
from pyvrp.stop import MaxRuntime

from schedules.exchange.mobile_library_csv import (
    StopRow,
    UnreadableFileError,
    parse_mobile_library_csv,
)
from schedules.planning.checker import broken_plan_promises
from schedules.planning.day_choices import AllowedDays, TimesInAll, day_choices
from schedules.planning.plan import Plan
from schedules.planning.planner import plan
from schedules.planning.problem import Distances, PlanningProblem, PlanningStop, PlanningVan
from schedules.recurrence import summarise
from schedules.straight_lines import metres_between_all
from schedules.timing import Lunch

METRES_A_MINUTE = 500.0
LUNCH_SPAN = (11 * 60 + 30, 14 * 60)
LONGEST_CYCLE_WEEKS = 12
WEEKS_OF_A_MONTHLY_RULE = 4
# A gap between visits may miss the even one by this share, and by two days of a weekend.
UNEVEN_SHARE = 0.2
WEEKEND_DAYS = 2


@dataclass(frozen=True)
class Visit:
    """A published visit of one day of the cycle."""

    line: int  # of its row in the file
    place: tuple[str, str, float, float]
    van: str
    day: int
    arrival: int
    departure: int
    position: int  # row of the matrix


@dataclass(frozen=True)
class Service:
    """A service's cycle as published."""

    name: str
    rows_left_out: int
    first: date
    cycle_days: int
    visits: tuple[Visit, ...]
    metres: np.ndarray  # between positions

    def working_days(self) -> dict[tuple[str, int], list[Visit]]:
        """Visits by van and day, as they are driven."""
        days: dict[tuple[str, int], list[Visit]] = defaultdict(list)
        for visit in sorted(self.visits, key=lambda one: (one.arrival, one.departure)):
            days[visit.van, visit.day].append(visit)
        return dict(days)

    def longest_day(self) -> int:
        """Minutes from first arrival to last departure."""
        return max(
            max(v.departure for v in day) - day[0].arrival for day in self.working_days().values()
        )

    def published_metres(self) -> float:
        """Driven between consecutive stops in all working days."""
        return sum(
            float(self.metres[one.position, other.position])
            for day in self.working_days().values()
            for one, other in pairwise(day)
        )


def read_service(path: Path) -> Service:
    """A file's cycle; raises UnreadableFileError, and ValueError where no row can be used."""
    parsed = parse_mobile_library_csv(path.read_bytes(), path.name)
    rows = [row for row in parsed.rows if row.lat is not None and row.lon is not None]
    rows = [row for row in rows if row.departure > row.arrival]
    if not rows:
        raise ValueError(f"{path.name}: no row with a position and times")
    weeks = 1
    for row in rows:
        longer = math.lcm(weeks, _weeks(row))
        weeks = longer if longer <= LONGEST_CYCLE_WEEKS else weeks
    latest = max(row.recurrence.start for row in rows)
    first = latest + timedelta(days=-latest.weekday() % 7)
    positions: dict[tuple[float, float], int] = {}
    visits = []
    for row in rows:
        position = positions.setdefault((row.lat, row.lon), len(positions))  # type: ignore[arg-type]
        place = (row.community, row.stop, row.lat or 0.0, row.lon or 0.0)
        for day in row.recurrence.dates(first, first + timedelta(days=7 * weeks - 1)):
            visits.append(
                Visit(
                    row.line,
                    place,
                    row.mobile,
                    (day - first).days,
                    row.arrival,
                    row.departure,
                    position,
                )
            )
    at = np.array(list(positions))
    left_out = parsed.rows_left_out + len(parsed.rows) - len(rows)
    return Service(
        path.stem, left_out, first, 7 * weeks, tuple(visits), metres_between_all(at[:, 0], at[:, 1])
    )


def _weeks(row: StopRow) -> int:
    summary = summarise(row.recurrence.rule, row.recurrence.start)
    if summary.frequency == "weekly":
        return summary.interval
    return WEEKS_OF_A_MONTHLY_RULE if summary.frequency == "monthly" else 1


def problem_of(
    service: Service, lunch_minutes: int, spaced: bool = False
) -> tuple[PlanningProblem, list[int]]:
    """The cycle in the planner's words, and the matrix row of each stop.

    A stop is a row of the file; where ``spaced`` is asked for, all visits of one place that last
    alike, and those of another length are a stop that does not share a day with it. Each working
    day begins when it does as published: a van that leaves at another hour is another van here.
    """
    days = tuple(service.first + timedelta(days=day) for day in range(service.cycle_days))
    workdays: dict[tuple[str, int], set[int]] = defaultdict(set)
    for (van, day), driven in service.working_days().items():
        workdays[van, driven[0].arrival].add(day)
    worked = frozenset(days[day] for of in workdays.values() for day in of)
    lasting: dict[tuple[object, int], list[Visit]] = defaultdict(list)
    for visit in service.visits:
        minutes = visit.departure - visit.arrival
        lasting[visit.place if spaced else visit.line, minutes].append(visit)
    stops, rows = [], []
    at_place: dict[object, set[str]] = defaultdict(set)
    for number, ((_which, minutes), visits) in enumerate(lasting.items()):
        key = f"{number}"
        choices = _choices(service, days, worked, len(visits))
        stops.append(PlanningStop(key=key, service_minutes=float(minutes), choices=choices))
        rows.append(visits[0].position)
        at_place[visits[0].place].add(key)
    lunch = Lunch(*LUNCH_SPAN, lunch_minutes) if lunch_minutes else None
    vans = tuple(
        PlanningVan(
            key=f"{van} {begins}",
            workdays=frozenset(of),
            leaves_earliest=float(begins),
            returns_latest=2 * 24 * 60.0,
            shift_limit_minutes=float(service.longest_day()),
            lunch=lunch,
        )
        for (van, begins), of in sorted(workdays.items())
    )
    size = len(stops) + len(vans)
    metres = np.zeros((size, size))
    metres[: len(stops), : len(stops)] = service.metres[np.ix_(rows, rows)]
    apart = tuple(
        frozenset(keys)
        for keys in at_place.values()
        if spaced and len(keys) > 1 and sum(_visits(stops[int(key)]) for key in keys) <= len(worked)
    )
    distances = Distances(metres, metres / METRES_A_MINUTE)
    return PlanningProblem(days, tuple(stops), vans, distances, apart=apart), rows


def _visits(stop: PlanningStop) -> int:
    return len(stop.choices[0].days) if stop.choices else 0


def _choices(service: Service, days: tuple[date, ...], worked: frozenset[date], times: int):
    """Sets of days, evenly spaced: each gap near the cycle's length by the number of visits."""
    even = service.cycle_days / times
    slack = max(WEEKEND_DAYS, UNEVEN_SHARE * even) if times > 1 else even
    allowed = AllowedDays(
        only=worked,
        least_gap_days=max(1, math.ceil(even - slack)),
        longest_gap_days=math.floor(even + slack),
    )
    found = day_choices(
        days, TimesInAll(times), allowed, cycle_days=service.cycle_days, limit=10_000
    )
    return found.choices


@dataclass(frozen=True)
class Measured:
    """What a plan drives and holds, counted from its visits alone."""

    metres: float
    days: int
    visits: int
    longest: float
    widest_miss: float  # days by which a gap misses the even one
    without_lunch: int


def measure(service: Service, rows: list[int], planned: Plan, lunch_minutes: int) -> Measured:
    """Count a plan again: nothing is taken from it but which stop is served when."""
    metres, longest, without_lunch = 0.0, 0.0, 0
    days: dict[str, list[int]] = defaultdict(list)
    for run in planned.runs:
        for one, other in pairwise(run.visits):
            metres += float(service.metres[rows[int(one.stop)], rows[int(other.stop)]])
        for visit in run.visits:
            days[visit.stop].append(run.day)
        begins, ends = run.visits[0].arrival, run.visits[-1].departure
        longest = max(longest, ends - begins)
        covers = begins <= LUNCH_SPAN[0] and ends > LUNCH_SPAN[1]
        free = [
            other.arrival
            - one.departure
            - float(service.metres[rows[int(one.stop)], rows[int(other.stop)]]) / METRES_A_MINUTE
            for one, other in pairwise(run.visits)
        ]
        without_lunch += covers and max(free, default=0.0) < lunch_minutes - 1
    miss = 0.0
    for of in days.values():
        even = service.cycle_days / len(of)
        gaps = [later - earlier for earlier, later in pairwise(sorted(of))]
        gaps.append(service.cycle_days + min(of) - max(of))
        if len(of) > 1:
            miss = max(miss, *(abs(gap - even) for gap in gaps))
    visits = sum(map(len, days.values()))
    return Measured(metres, len(planned.runs), visits, longest, miss, without_lunch)


def pyvrp_metres(service: Service, seconds: float, seed: int) -> float | None:
    """One plain model of the whole cycle: a client a visit, a vehicle a working day."""
    model = Model()
    positions = [model.add_location(0, 0) for _ in range(len(service.metres) + 1)]
    nowhere = model.add_depot(positions[-1])
    for visit in service.visits:
        minutes = visit.departure - visit.arrival
        model.add_client(positions[visit.position], service_duration=60 * minutes)
    model.add_vehicle_type(
        len(service.working_days()),
        start_depot=nowhere,
        end_depot=nowhere,
        shift_duration=60 * service.longest_day(),
    )
    for row, one in enumerate(positions):
        for column, other in enumerate(positions):
            within = nowhere.location not in (row, column) and row != column
            metres = float(service.metres[row, column]) if within else 0.0
            model.add_edge(
                one,
                other,
                distance=round(metres),
                duration=math.ceil(60 * metres / METRES_A_MINUTE),
            )
    result = model.solve(stop=MaxRuntime(seconds), seed=seed, display=False)
    return float(result.best.distance()) if result.is_feasible() else None


@dataclass(frozen=True)
class Planned:
    """One plan of a service: driving as a share of the published, and what it does not hold."""

    share: float
    found: Measured
    unplaced: int
    broken: int


def planned_anew(
    service: Service, seconds: float, seed: int, lunch: int, spaced: bool = False
) -> Planned:
    """Plan a service and count what the plan holds."""
    problem, rows = problem_of(service, lunch, spaced)
    planned = plan(problem, seconds, seed=seed)
    found = measure(service, rows, planned, lunch)
    broken = len(broken_plan_promises(problem, planned)) + found.without_lunch
    broken += found.visits != len(service.visits)
    broken += found.longest > service.longest_day() + 1e-6
    broken += found.days > len(service.working_days())
    share = found.metres / service.published_metres()
    return Planned(share, found, len(planned.unplaced), broken)


COLUMNS = (
    ("service", 16),
    ("rows out", 10),
    ("visits", 8),
    ("days", 6),
    ("ours", 6),
    ("longest", 9),
    ("ours", 6),
    ("km", 7),
    ("ours", 9),
    ("PyVRP", 8),
    ("lunch", 8),
    ("spaced", 8),
    ("uneven", 8),
    ("unplaced", 10),
    ("broken", 8),
)


def row_of(service: Service, plans: list[Planned], theirs: float | None) -> str:
    """A line of the table."""
    ours, lunch, spaced = plans
    cells = (
        service.name,
        service.rows_left_out,
        len(service.visits),
        len(service.working_days()),
        max(one.found.days for one in plans),
        service.longest_day(),
        f"{max(one.found.longest for one in plans):.0f}",
        f"{service.published_metres() / 1000:.0f}",
        f"{ours.share:.3f}",
        f"{theirs:.3f}" if theirs is not None else "none",
        f"{lunch.share:.3f}",
        f"{spaced.share:.3f}",
        f"{spaced.found.widest_miss:.1f}",
        sum(one.unplaced for one in plans),
        sum(one.broken for one in plans),
    )
    return _aligned(cells)


def _aligned(cells: Sequence[object]) -> str:
    first, *others = zip(cells, COLUMNS, strict=True)
    row = f"{first[0]!s:{first[1][1]}}"
    return row + "".join(f"{cell!s:>{width}}" for cell, (_name, width) in others)


def main() -> None:
    """Plan each service anew and print a row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="mobile library CSV files, or folders of them")
    parser.add_argument("--seconds", type=float, default=60.0, help="time of each plan")
    parser.add_argument("--lunch", type=int, default=30, help="minutes of the break")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    paths = [
        path
        for argument in map(Path, asked.files)
        for path in (sorted(argument.glob("*.csv")) if argument.is_dir() else [argument])
    ]
    print("Days and longest day in minutes as published; driving as a share of the published.")
    print(_aligned([name for name, _width in COLUMNS]), flush=True)
    shares: list[tuple[float | None, ...]] = []
    for path in paths:
        try:
            service = read_service(path)
        except (UnreadableFileError, ValueError) as error:
            print(error, flush=True)
            continue
        reached = pyvrp_metres(service, asked.seconds, asked.seed)
        theirs = None if reached is None else reached / service.published_metres()
        plans = [
            planned_anew(service, asked.seconds, asked.seed, lunch, spaced)
            for lunch, spaced in ((0, False), (asked.lunch, False), (asked.lunch, True))
        ]
        shares.append((theirs, *(one.share for one in plans)))
        print(row_of(service, plans, theirs), flush=True)
    if shares:
        columns = zip(*shares, strict=True)
        means = [np.mean([share for share in of if share is not None]) for of in columns]
        told = "PyVRP {:.3f}, ours {:.3f}, with lunch {:.3f}, spaced {:.3f}".format(*means)
        print(f"mean of {len(shares)}: {told}")


if __name__ == "__main__":
    main()
