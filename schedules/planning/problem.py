"""What is to be planned: stops with the dates they may have, vans with their shifts, distances.

Days are indices into ``PlanningProblem.days``; clock values are minutes after local midnight. A
price is given in metres: what one would rather drive than have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ..timing import Lunch, Window


@dataclass(frozen=True)
class DayChoice:
    """Days on which a stop may be visited together, one visit a day, and their price.

    The price tells how unevenly the days lie, how far they are from the present timetable, and
    which wishes they disappoint.
    """

    days: tuple[int, ...]
    price_m: float = 0.0


@dataclass(frozen=True)
class LockedVisit:
    """A visit that stays: its day, and where given its van and its arrival.

    An arrival that was agreed holds outside the stop's windows too, though not on a day on which
    it is closed.
    """

    day: int
    van: str | None = None
    arrival: int | None = None


@dataclass(frozen=True)
class PlanningStop:
    """A stop to be served on the days of exactly one of its choices.

    ``windows`` hold on every day that ``windows_on`` does not name; without any the stop is always
    open, and an empty tuple in ``windows_on`` closes it on that day. A visit lies whole within one
    window. A stop with ``skip_price_m`` may be left out at that price; any other must be served,
    those of higher ``priority`` first.
    """

    key: str
    service_minutes: float
    choices: tuple[DayChoice, ...]
    windows: tuple[Window, ...] = ()
    windows_on: Mapping[int, tuple[Window, ...]] = field(default_factory=dict)
    load: float = 0.0
    priority: int = 0
    skip_price_m: float | None = None
    vans: frozenset[str] | None = None
    locked: tuple[LockedVisit, ...] = ()

    def windows_of(self, day: int) -> tuple[Window, ...] | None:
        """When the stop is open that day: None always, an empty tuple never."""
        if day in self.windows_on:
            return self.windows_on[day]
        return self.windows or None

    @property
    def weight_left_out(self) -> int:
        """What its absence counts beside others': its visits, more where they are urgent."""
        visits = max((len(choice.days) for choice in self.choices), default=1)
        return visits * (1 + max(0, self.priority))


@dataclass(frozen=True)
class PlanningVan:
    """A van and its shifts: at most one run a workday.

    ``shift_limit_minutes`` is the longest time from leaving the depot to being back. The van eats
    as ``schedules.timing`` has it: lunch begins within its span whenever the run covers that span.
    """

    key: str
    workdays: frozenset[int]
    leaves_earliest: float = 0.0
    returns_latest: float = 24 * 60.0
    shift_limit_minutes: float | None = None
    lunch: Lunch | None = None
    capacity: float | None = None


@dataclass(frozen=True)
class Distances:
    """Metres and minutes from row to column.

    Row ``i`` is the i-th stop's, row ``len(stops) + v`` the depot's of the v-th van (all zeros, to
    and from, where a van has no depot). Minutes hold the driving buffer already. Infinite where no
    road leads.
    """

    metres: NDArray[np.float64]
    minutes: NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """What else counts beside the metres driven.

    ``balance_m_per_hour``: price of each hour by which a run's shift differs from the mean of its
    van's runs.
    ``moved_visit_m``: price of a visit that is not on a day of the present timetable.
    """

    balance_m_per_hour: float = 0.0
    moved_visit_m: float = 0.0


@dataclass(frozen=True)
class PlanningProblem:
    """A whole period.

    ``together``: groups whose stops share their days (those of the rarer lie within those of the
    more frequent). ``apart``: groups of which no two stops share a day.
    """

    days: tuple[date, ...]
    stops: tuple[PlanningStop, ...]
    vans: tuple[PlanningVan, ...]
    distances: Distances
    together: tuple[frozenset[str], ...] = ()
    apart: tuple[frozenset[str], ...] = ()
    weights: Weights = field(default_factory=Weights)
    # Days of the present timetable by stop, which a plan stays close to.
    present: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
