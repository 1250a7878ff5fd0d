"""Periodic vehicle routing instances of Cordeau, Gendreau and Laporte (Networks 30(2), 1997).

``type m n t``, then per day the longest route (0: no limit) and the capacity, then the depot and
the customers: number, x, y, service, load, visits, number of day combinations, the combinations
(binary, leftmost digit the first day), and a window in the variants that have one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from schedules.planning.plan import Plan
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


def length_of(instance: Instance, plan: Plan) -> float:
    """The plan's length, measured from the file alone; raises AssertionError where it is wrong."""
    between = instance.distances()
    row = {str(c.number): index for index, c in enumerate(instance.customers, 1)}
    total = 0.0
    days: dict[str, list[int]] = {key: [] for key in row}
    routes: dict[int, int] = {}
    for run in plan.runs:
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
