"""A way to mend a published timetable, as a value: what it moves and costs, how runs end up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from ..i18n import LabelledEnum

# As many as the engine's kinds that can be offered for one mishap.
MOST_OFFERS = 3
# Another visit is moved along only where that saves more driving; the pages tell it.
MOVED_VISIT_M = 30_000
# One rather drives that much than have a visit a day further from its own.
DAY_OFF_M = 2_000


class OfferKind(LabelledEnum):
    """What an offer is best at."""

    LEAST_MOVED = "least_moved", _l("Moves the fewest visits")
    LEAST_DRIVING = "least_driving", _l("Drives the least")
    SOONEST = "soonest", _l("Comes soonest")
    LEFT_OUT = "left_out", _l("Gives the visits up")


class Act(StrEnum):
    """What a step does to a visit."""

    MOVE = "move"
    RETIME = "retime"
    CANCEL = "cancel"
    ADD = "add"


@dataclass(frozen=True)
class Step:
    """One change: the stop's visit from a day (none: a new one) to a day (none: cancelled)."""

    act: Act
    stop_id: int
    from_day: date | None = None
    to_day: date | None = None
    van_id: int | None = None
    # When the van comes then, and when it would have come.
    arrival: int | None = None
    arrival_before: int | None = None


@dataclass(frozen=True)
class MendedRun:
    """A run as the offer leaves it: its stops in order, and those that keep their published time.

    ``before`` is what was published when the offer was made: stop and arrival of each visit.
    """

    day: date
    van_id: int
    stops: tuple[int, ...]
    kept: tuple[int, ...]
    before: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Offer:
    """A way to mend it, and what it drives more (or less, below 0) than before."""

    kind: OfferKind
    steps: tuple[Step, ...]
    runs: tuple[MendedRun, ...]
    distance_m: int
    drive_minutes: int

    @property
    def moved(self) -> int:
        """Visits on another day or with another van."""
        return self._count(Act.MOVE)

    @property
    def cancelled(self) -> int:
        """Visits that do not take place."""
        return self._count(Act.CANCEL)

    @property
    def retimed(self) -> int:
        """Visits that stay on their day and come at another time."""
        return self._count(Act.RETIME)

    @property
    def days_off(self) -> int:
        """Days apart from where the visits were, in all."""
        return sum(abs((s.to_day - s.from_day).days) for s in self.steps if s.to_day and s.from_day)

    def _count(self, act: Act) -> int:
        return sum(step.act == act for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """For the database."""
        return {
            "kind": self.kind.value,
            "steps": [
                {
                    "act": step.act.value,
                    "stop_id": step.stop_id,
                    "from_day": step.from_day.isoformat() if step.from_day else None,
                    "to_day": step.to_day.isoformat() if step.to_day else None,
                    "van_id": step.van_id,
                    "arrival": step.arrival,
                    "arrival_before": step.arrival_before,
                }
                for step in self.steps
            ],
            "runs": [
                {
                    "day": run.day.isoformat(),
                    "van_id": run.van_id,
                    "stops": list(run.stops),
                    "kept": list(run.kept),
                    "before": [list(visit) for visit in run.before],
                }
                for run in self.runs
            ],
            "distance_m": self.distance_m,
            "drive_minutes": self.drive_minutes,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Offer:
        """As ``as_json`` wrote it; one of an older installation has no runs and no kind."""

        def day(text: str | None) -> date | None:
            return date.fromisoformat(text) if text else None

        steps = tuple(
            Step(
                Act(step["act"]),
                step["stop_id"],
                day(step["from_day"]),
                day(step["to_day"]),
                step["van_id"],
                step["arrival"],
                step.get("arrival_before"),
            )
            for step in stored["steps"]
        )
        runs = tuple(
            MendedRun(
                date.fromisoformat(run["day"]),
                run["van_id"],
                tuple(run["stops"]),
                tuple(run["kept"]),
                tuple((stop_id, arrival) for stop_id, arrival in run["before"]),
            )
            for run in stored.get("runs", [])
        )
        kind = OfferKind(stored.get("kind", OfferKind.LEAST_MOVED.value))
        return cls(kind, steps, runs, stored["distance_m"], stored["drive_minutes"])
