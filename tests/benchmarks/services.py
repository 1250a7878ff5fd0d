"""Real services' timetables planned anew, beside a plain PyVRP model.

``python -m tests.benchmarks.services FOLDER-OR-FILES --seconds 60`` takes mobile library CSV files,
one service each, and plans the working days of its cycle again. Both sides are measured alike:
straight-line metres between consecutive stops of a working day, without a depot; straight lines
are driven at 30 km/h; each stop keeps its minutes and how often it is visited; no working day, from
first arrival to last departure, is longer than the service's longest published one, and there are
no more of them. Beside that our plan holds even spacing and a lunch break, which the published
timetables need not and the plain model does not.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
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
                Visit(place, row.mobile, (day - first).days, row.arrival, row.departure, position)
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


def problem_of(service: Service, lunch_minutes: int) -> tuple[PlanningProblem, list[int]]:
    """The cycle in the planner's words, and the matrix row of each stop.

    Visits of one place that last alike are one stop; those of another length are a stop that does
    not share a day with it.
    """
    days = tuple(service.first + timedelta(days=day) for day in range(service.cycle_days))
    workdays: dict[str, set[int]] = defaultdict(set)
    for van, day in service.working_days():
        workdays[van].add(day)
    worked = frozenset(days[day] for of in workdays.values() for day in of)
    lasting: dict[tuple[object, int], list[Visit]] = defaultdict(list)
    for visit in service.visits:
        lasting[visit.place, visit.departure - visit.arrival].append(visit)
    stops, rows = [], []
    at_place: dict[object, set[str]] = defaultdict(set)
    for number, ((place, minutes), visits) in enumerate(lasting.items()):
        key = f"{number}"
        choices = _choices(service, days, worked, len(visits))
        stops.append(PlanningStop(key=key, service_minutes=float(minutes), choices=choices))
        rows.append(visits[0].position)
        at_place[place].add(key)
    begins = float(min(visit.arrival for visit in service.visits))
    lunch = Lunch(*LUNCH_SPAN, lunch_minutes) if lunch_minutes else None
    vans = tuple(
        PlanningVan(
            key=van,
            workdays=frozenset(of),
            leaves_earliest=begins,
            returns_latest=2 * 24 * 60.0,
            shift_limit_minutes=float(service.longest_day()),
            lunch=lunch,
        )
        for van, of in sorted(workdays.items())
    )
    size = len(stops) + len(vans)
    metres = np.zeros((size, size))
    metres[: len(stops), : len(stops)] = service.metres[np.ix_(rows, rows)]
    apart = tuple(
        frozenset(keys)
        for keys in at_place.values()
        if len(keys) > 1 and sum(_visits(stops[int(key)]) for key in keys) <= len(worked)
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
class Compared:
    """One service: driving as a share of the published."""

    row: str
    ours: float
    theirs: float | None


def compare(service: Service, seconds: float, seed: int, lunch: int, plain: bool) -> Compared:
    """Plan a service with both and count what the plan holds."""
    problem, rows = problem_of(service, lunch)
    planned = plan(problem, seconds, seed=seed)
    reached = pyvrp_metres(service, seconds, seed) if plain else None
    published = service.published_metres()
    days, longest = len(service.working_days()), service.longest_day()
    found = measure(service, rows, planned, lunch)
    ours = found.metres / published
    theirs = reached / published if reached is not None else None
    broken = len(broken_plan_promises(problem, planned)) + found.without_lunch
    broken += found.visits != len(service.visits)
    broken += found.longest > longest + 1e-6
    broken += found.days > days
    row = f"{service.name:18}{service.rows_left_out:5}{len(problem.stops):6}{len(service.visits):7}"
    row += f"{days:6}{found.days:5}{longest:6}{found.longest:6.0f}{published / 1000:9.0f}"
    row += f"{ours:7.3f}" + (f"{theirs:7.3f}" if theirs is not None else f"{'–':>7}")
    row += f"{found.widest_miss:8.1f}{len(planned.unplaced):6}{broken:7}"
    return Compared(row, ours, theirs)


HEAD = (
    f"{'':18}{'rows':>5}{'':6}{'':7}{'days':>6}{'':5}{'min':>6}{'':6}{'km':>9}{'share':>7}"
    f"{'':7}{'days':>8}\n"
    f"{'service':18}{'out':>5}{'stops':>6}{'visits':>7}{'publ.':>6}{'ours':>5}{'publ.':>6}"
    f"{'ours':>6}{'publ.':>9}{'ours':>7}{'PyVRP':>7}{'uneven':>8}{'open':>6}{'broken':>7}"
)


def main() -> None:
    """Plan each service anew and print a row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="mobile library CSV files, or folders of them")
    parser.add_argument("--seconds", type=float, default=60.0, help="time of each, for both sides")
    parser.add_argument("--lunch", type=int, default=30, help="minutes; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ours-only", action="store_true", help="without the plain PyVRP model")
    asked = parser.parse_args()
    paths = [
        path
        for argument in map(Path, asked.files)
        for path in (sorted(argument.glob("*.csv")) if argument.is_dir() else [argument])
    ]
    print(HEAD, flush=True)
    compared = []
    for path in paths:
        try:
            service = read_service(path)
        except (UnreadableFileError, ValueError) as error:
            print(error, flush=True)
            continue
        compared.append(
            compare(service, asked.seconds, asked.seed, asked.lunch, not asked.ours_only)
        )
        print(compared[-1].row, flush=True)
    if compared:
        theirs = [one.theirs for one in compared if one.theirs is not None]
        mean = f"mean of {len(compared)}: ours {np.mean([one.ours for one in compared]):.3f}"
        print(mean + (f", PyVRP {np.mean(theirs):.3f}" if theirs else ""))


if __name__ == "__main__":
    main()
