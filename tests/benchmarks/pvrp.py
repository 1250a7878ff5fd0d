"""The period planner on periodic vehicle routing instances, beside a plain OR-Tools model.

``python -m tests.benchmarks.pvrp FOLDER-OR-FILES --seconds 60`` reads the instances of Cordeau,
Gendreau and Laporte (Networks 30(2), 1997) and the best lengths from ``best.csv`` beside them:

``type m n t``, then per day the longest route (0: no limit) and the capacity, then the depot and
the customers: number, x, y, service, load, visits, number of day combinations, the combinations
(binary, leftmost digit the first day), and a window in the variants that have one.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from schedules.planning.plan import Plan
from schedules.planning.planner import plan
from schedules.planning.problem import (
    DayChoice,
    Distances,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
)


@dataclass(frozen=True)
class Customer:
    """A customer as its line has it."""

    number: int
    x: float
    y: float
    service: float
    load: float
    combinations: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Instance:
    """A file's problem; the longest route of 0 is none."""

    name: str
    vehicles: int
    days: int
    longest: tuple[float, ...]
    capacity: tuple[float, ...]
    depot: tuple[float, float]
    customers: tuple[Customer, ...]

    def distances(self) -> np.ndarray:
        """[depot and customers, the same]: Euclidean, not rounded."""
        at = np.array([self.depot, *((c.x, c.y) for c in self.customers)])
        apart = at[:, None, :] - at[None, :, :]
        return np.sqrt((apart**2).sum(axis=2))


class NotAnInstanceError(ValueError):
    """The file holds something else."""


def read_instance(path: Path) -> Instance:
    """Read a file; raises NotAnInstanceError.

    A customer that needs no visit is left out, and so is one that stands on the depot and fills a
    vehicle, as in the published solutions (instance p01 has one to block a vehicle).
    """
    try:
        return _instance(path.stem, path.read_text("ascii").split("\n"))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise NotAnInstanceError(f"{path}: {error}") from None


def best_lengths(folder: Path) -> dict[str, float]:
    """Lengths to compare with, by instance: ``best.csv``, and ``bks.csv`` for what it lacks."""
    best: dict[str, float] = {}
    for name, column in (("bks.csv", "bks"), ("best.csv", "best_in_file")):
        if (folder / name).exists():
            with (folder / name).open(newline="", encoding="utf-8") as file:
                best |= {row["instance"]: float(row[column]) for row in csv.DictReader(file)}
    return best


def problem_of(instance: Instance) -> PlanningProblem:
    """The instance in the planner's words: metres and minutes are its lengths."""
    between = instance.distances()
    customers = len(instance.customers)
    rows = [*range(1, customers + 1), *([0] * (instance.vehicles * instance.days))]
    # Limits may differ by day, so each day has vehicles of its own.
    vans = [
        PlanningVan(
            key=f"{day}/{vehicle}",
            workdays=frozenset({day}),
            returns_latest=1e18,
            shift_limit_minutes=instance.longest[day] or None,
            capacity=instance.capacity[day] or None,
        )
        for day in range(instance.days)
        for vehicle in range(instance.vehicles)
    ]
    matrix = between[np.ix_(rows, rows)]
    return PlanningProblem(
        days=tuple(date(2026, 1, 5) + timedelta(days=day) for day in range(instance.days)),
        stops=tuple(
            PlanningStop(
                key=str(c.number),
                service_minutes=c.service,
                choices=tuple(DayChoice(days) for days in c.combinations),
                load=c.load,
            )
            for c in instance.customers
        ),
        vans=tuple(vans),
        distances=Distances(matrix, matrix),
    )


def length_of(instance: Instance, planned: Plan) -> float:
    """The plan's length, measured from the file alone; raises AssertionError where it is wrong."""
    between = instance.distances()
    row = {str(c.number): index for index, c in enumerate(instance.customers, 1)}
    total = 0.0
    days: dict[str, list[int]] = {key: [] for key in row}
    routes: dict[int, int] = {}
    for run in planned.runs:
        day = int(run.van.split("/")[0])
        assert day == run.day
        routes[day] = routes.get(day, 0) + 1
        stops = [instance.customers[row[visit.stop] - 1] for visit in run.visits]
        for visit in run.visits:
            days[visit.stop].append(day)
        way = [0, *(row[visit.stop] for visit in run.visits), 0]
        length = sum(between[a, b] for a, b in pairwise(way))
        total += length
        if instance.capacity[day]:
            assert sum(c.load for c in stops) <= instance.capacity[day] + 1e-6
        if instance.longest[day]:
            assert length + sum(c.service for c in stops) <= instance.longest[day] + 1e-6
    assert all(count <= instance.vehicles for count in routes.values())
    for customer in instance.customers:
        visited = tuple(sorted(days[str(customer.number)]))
        assert visited in customer.combinations, (customer.number, visited)
    return total


def _instance(name: str, lines: list[str]) -> Instance:
    rows = [[float(part) for part in line.split()] for line in lines if line.strip()]
    _kind, vehicles, _customers, days = (int(part) for part in rows[0])
    limits = rows[1 : days + 1]
    depot = rows[days + 1]
    customers = [_customer(row, days) for row in rows[days + 2 :]]
    capacity = max(limit[1] for limit in limits)
    blocks = {
        c.number for c in customers if (c.x, c.y) == (depot[1], depot[2]) and c.load >= capacity > 0
    }
    kept = tuple(c for c in customers if c.combinations and c.number not in blocks)
    if not kept or vehicles < 1:
        raise ValueError("no customers or no vehicles")
    return Instance(
        name=name,
        vehicles=vehicles,
        days=days,
        longest=tuple(limit[0] for limit in limits),
        capacity=tuple(limit[1] for limit in limits),
        depot=(depot[1], depot[2]),
        customers=kept,
    )


def _customer(row: list[float], days: int) -> Customer:
    number, x, y, service, load, visits, count = row[:7]
    combinations = tuple(
        tuple(day for day in range(days) if int(code) >> (days - 1 - day) & 1)
        for code in row[7 : 7 + int(count)]
    )
    return Customer(int(number), x, y, service, load, combinations if visits else ())


def ortools_length(instance: Instance, seconds: float) -> float | None:
    """The length a plain OR-Tools routing model reaches in the time; None where it finds no plan.

    One node a customer and day, a vehicle a day and vehicle; exactly one combination of each
    customer is driven. Lengths are scaled to whole numbers, as the model wants them.
    """
    scale = 1000
    depot = 0
    nodes = [(c, day) for c in instance.customers for day in _days_of(c)]
    place = [0, *(instance.customers.index(c) + 1 for c, _day in nodes)]
    between = np.rint(instance.distances() * scale).astype(np.int64)
    fleet = [day for day in range(instance.days) for _ in range(instance.vehicles)]
    manager = pywrapcp.RoutingIndexManager(len(place), len(fleet), depot)
    routing = pywrapcp.RoutingModel(manager)

    def length(a: int, b: int) -> int:
        return int(between[place[manager.IndexToNode(a)], place[manager.IndexToNode(b)]])

    def load(a: int) -> int:
        node = manager.IndexToNode(a)
        return round(nodes[node - 1][0].load * scale) if node else 0

    def duration(a: int, b: int) -> int:
        node = manager.IndexToNode(a)
        return length(a, b) + (round(nodes[node - 1][0].service * scale) if node else 0)

    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(length))
    capacities = [round(instance.capacity[day] * scale) or 2**40 for day in fleet]
    routing.AddDimensionWithVehicleCapacity(
        routing.RegisterUnaryTransitCallback(load), 0, capacities, True, "load"
    )
    longest = [round(instance.longest[day] * scale) or 2**40 for day in fleet]
    routing.AddDimensionWithVehicleCapacity(
        routing.RegisterTransitCallback(duration), 0, longest, True, "duration"
    )
    solver = routing.solver()
    of_node = {(c.number, day): number for number, (c, day) in enumerate(nodes, 1)}
    for customer, day in nodes:
        index = manager.NodeToIndex(of_node[customer.number, day])
        routing.AddDisjunction([manager.IndexToNode(index)], 0)
        vehicles = [-1, *(v for v, of_day in enumerate(fleet) if of_day == day)]
        routing.VehicleVar(index).SetValues(vehicles)
    for customer in instance.customers:
        chosen = [solver.BoolVar("") for _ in customer.combinations]
        solver.Add(solver.Sum(chosen) == 1)
        for day in _days_of(customer):
            index = manager.NodeToIndex(of_node[customer.number, day])
            having = [
                one for one, days in zip(chosen, customer.combinations, strict=True) if day in days
            ]
            solver.Add(routing.ActiveVar(index) == solver.Sum(having))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    heuristics = routing_enums_pb2.FirstSolutionStrategy
    parameters.first_solution_strategy = heuristics.PARALLEL_CHEAPEST_INSERTION
    guided = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.local_search_metaheuristic = guided
    parameters.time_limit.FromMilliseconds(int(seconds * 1000))
    solution = routing.SolveWithParameters(parameters)
    return solution.ObjectiveValue() / scale if solution else None


def _days_of(customer: Customer) -> list[int]:
    return sorted({day for days in customer.combinations for day in days})


def files_of(arguments: list[str]) -> list[Path]:
    """The instances of folders and files, each problem once."""
    found: dict[str, Path] = {}
    for argument in map(Path, arguments):
        for path in sorted(argument.iterdir()) if argument.is_dir() else [argument]:
            if path.suffix in {"", ".txt", ".pvrp", ".dat"} and path.is_file():
                found.setdefault(path.stem, path)
    return list(found.values())


def main() -> None:
    """Plan each instance and print its gap to the best length known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="instances, or folders of them")
    parser.add_argument("--seconds", type=float, default=60.0, help="time of each instance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ours-only", action="store_true", help="without the OR-Tools model")
    asked = parser.parse_args()
    ours, theirs = [], []
    print(f"{'instance':10}{'stops':>6}{'days':>5}{'best':>11}{'ours':>11}{'gap %':>8}", end="")
    print("" if asked.ours_only else f"{'OR-Tools gap %':>16}", flush=True)
    for path in files_of(asked.files):
        try:
            instance = read_instance(path)
        except NotAnInstanceError as error:
            print(error)
            continue
        best = best_lengths(path.parent).get(instance.name)
        plan_found = plan(problem_of(instance), asked.seconds, seed=asked.seed)
        row = f"{instance.name:10}{len(instance.customers):6}{instance.days:5}"
        row += f"{best:11.2f}" if best else f"{'?':>11}"
        if plan_found.unplaced:
            print(f"{row}  without a visit: {', '.join(plan_found.unplaced)}", flush=True)
            continue
        length = length_of(instance, plan_found)
        row += f"{length:11.2f}"
        if best:
            ours.append(100 * (length / best - 1))
            row += f"{ours[-1]:+8.2f}"
        if not asked.ours_only:
            reached = ortools_length(instance, asked.seconds)
            if reached and best:
                theirs.append(100 * (reached / best - 1))
                row += f"{theirs[-1]:+16.2f}"
            else:
                row += f"{'no plan' if reached is None else f'{reached:.2f}':>16}"
        print(row, flush=True)
    if ours:
        print(f"mean of {len(ours)}: ours {np.mean(ours):+.2f} %, worst {max(ours):+.2f} %")
    if theirs:
        print(f"mean of {len(theirs)}: OR-Tools {np.mean(theirs):+.2f} %")


if __name__ == "__main__":
    main()
