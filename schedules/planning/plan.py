"""A plan: timed runs, and what could not be placed."""

from __future__ import annotations

from dataclasses import dataclass

from ..timing import Window


@dataclass(frozen=True)
class PlannedVisit:
    """A stop's visit; the drive is the one that leads to it."""

    stop: str
    arrival: float
    departure: float
    drive_minutes: float
    distance_m: float
    waiting_minutes: float = 0.0
    lunch_before: bool = False


@dataclass(frozen=True)
class PlannedRun:
    """A van's day from its depot and back; sums include the way back."""

    day: int
    van: str
    leaves_depot: float
    returns_depot: float
    visits: tuple[PlannedVisit, ...]
    lunch: Window | None
    distance_m: float
    drive_minutes: float

    @property
    def shift_minutes(self) -> float:
        """From leaving the depot to being back."""
        return self.returns_depot - self.leaves_depot


@dataclass(frozen=True)
class Plan:
    """Runs in order of day and van, and the keys of the stops left out.

    ``price_m`` is the objective that the search lessened: metres and every price in metres.
    ``metres`` is the driving alone.
    """

    runs: tuple[PlannedRun, ...]
    unplaced: tuple[str, ...]
    metres: float
    price_m: float
    seed: int
    iterations: int
    seconds: float

    @property
    def drive_minutes(self) -> float:
        """Driving of all runs."""
        return sum(run.drive_minutes for run in self.runs)

    def days_of(self, stop: str) -> tuple[int, ...]:
        """The days on which a stop is visited, in order."""
        return tuple(sorted(run.day for run in self.runs for v in run.visits if v.stop == stop))


@dataclass(frozen=True)
class Progress:
    """How far a search has come: seconds and share of its time, the best so far."""

    seconds: float
    share: float
    iterations: int
    metres: float
    price_m: float
    unplaced: int
