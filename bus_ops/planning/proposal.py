"""A timetable as a value: the one there is, or the one that a planning proposes.

Clock values are whole minutes after local midnight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from schedules.timing import TimedDay, Window


@dataclass(frozen=True)
class ProposedVisit:
    """A stop's visit on a run; the drive is the one that leads to it."""

    stop_id: int
    arrival: int
    departure: int
    drive_minutes: int
    distance_m: int
    buffer_minutes: int = 0
    waiting_minutes: int = 0
    # How long after a published or locked time the van would really come.
    late_minutes: int = 0


@dataclass(frozen=True)
class ProposedRun:
    """A van's day from its depot and back; sums include the way back."""

    day: date
    van_id: int
    leaves: int
    returns: int
    lunch: Window | None
    drive_minutes: int
    distance_m: int
    return_drive_minutes: int
    return_distance_m: int
    visits: tuple[ProposedVisit, ...]

    @classmethod
    def of_timed(cls, day: date, van_id: int, timed: TimedDay) -> ProposedRun:
        """A day as ``schedules.timing`` timed it, with stops' ids as keys."""
        visits = tuple(
            ProposedVisit(
                stop_id=int(str(visit.key)),
                arrival=visit.arrival,
                departure=visit.departure,
                drive_minutes=visit.drive_minutes,
                distance_m=visit.distance_m,
                buffer_minutes=visit.buffer_minutes,
                waiting_minutes=visit.waiting_minutes,
                late_minutes=visit.late_for_fixed_minutes,
            )
            for visit in timed.visits
        )
        return cls(
            day=day,
            van_id=van_id,
            leaves=timed.leaves_depot,
            returns=timed.returns_depot,
            lunch=timed.lunch,
            drive_minutes=timed.drive_minutes,
            distance_m=timed.distance_m,
            return_drive_minutes=timed.return_drive_minutes,
            return_distance_m=timed.return_distance_m,
            visits=visits,
        )

    def visit_of(self, stop_id: int) -> ProposedVisit | None:
        """The stop's visit on this run."""
        return next((visit for visit in self.visits if visit.stop_id == stop_id), None)


@dataclass(frozen=True)
class Proposal:
    """Runs in order of day and van, and the stops left out."""

    runs: tuple[ProposedRun, ...]
    unplaced: tuple[int, ...] = ()

    @property
    def distance_m(self) -> int:
        """Driving of all runs."""
        return sum(run.distance_m for run in self.runs)

    @property
    def drive_minutes(self) -> int:
        """Driving time of all runs."""
        return sum(run.drive_minutes for run in self.runs)

    @property
    def visit_count(self) -> int:
        """How many visits all runs have."""
        return sum(len(run.visits) for run in self.runs)

    def days_by_stop(self) -> dict[int, list[date]]:
        """Each stop's days in order."""
        days: dict[int, list[date]] = {}
        for run in self.runs:
            for visit in run.visits:
                days.setdefault(visit.stop_id, []).append(run.day)
        return {stop_id: sorted(list_) for stop_id, list_ in days.items()}

    def run_of(self, stop_id: int, day: date) -> ProposedRun | None:
        """The run on which the stop is visited that day."""
        return next((r for r in self.runs if r.day == day and r.visit_of(stop_id)), None)

    def run_on(self, day: date, van_id: int) -> ProposedRun | None:
        """The van's run of the day."""
        return next((r for r in self.runs if (r.day, r.van_id) == (day, van_id)), None)

    def with_runs(self, changed: Sequence[ProposedRun]) -> Proposal:
        """The same with these runs in the place of those of the same day and van.

        A run without visits is dropped.
        """
        keys = {(run.day, run.van_id) for run in changed}
        kept = [run for run in self.runs if (run.day, run.van_id) not in keys]
        runs = sorted(
            [*kept, *(run for run in changed if run.visits)], key=lambda r: (r.day, r.van_id)
        )
        return Proposal(tuple(runs), self.unplaced)

    def as_json(self) -> dict[str, Any]:
        """For the database."""
        runs = [
            {**asdict(run), "day": run.day.isoformat(), "visits": [asdict(v) for v in run.visits]}
            for run in self.runs
        ]
        return {"runs": runs, "unplaced": list(self.unplaced)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Proposal:
        """As ``as_json`` wrote it."""
        runs = tuple(
            ProposedRun(
                **{
                    **run,
                    "day": date.fromisoformat(run["day"]),
                    "lunch": Window(**run["lunch"]) if run["lunch"] else None,
                    "visits": tuple(ProposedVisit(**visit) for visit in run["visits"]),
                }
            )
            for run in stored["runs"]
        )
        return cls(runs, tuple(stored["unplaced"]))


@dataclass(frozen=True)
class Difference:
    """What a proposal changes: metres and minutes more (or less, below 0), visits."""

    distance_m: int
    drive_minutes: int
    moved: int
    added: int
    removed: int
    runs: int

    @classmethod
    def between(cls, present: Proposal, proposed: Proposal) -> Difference:
        """From the present timetable to the proposed one.

        A visit is moved when its stop loses one day and gets another.
        """
        before, after = present.days_by_stop(), proposed.days_by_stop()
        moved = added = removed = 0
        for stop_id in before.keys() | after.keys():
            gone = set(before.get(stop_id, [])) - set(after.get(stop_id, []))
            new = set(after.get(stop_id, [])) - set(before.get(stop_id, []))
            moved += min(len(gone), len(new))
            added += max(0, len(new) - len(gone))
            removed += max(0, len(gone) - len(new))
        return cls(
            distance_m=proposed.distance_m - present.distance_m,
            drive_minutes=proposed.drive_minutes - present.drive_minutes,
            moved=moved,
            added=added,
            removed=removed,
            runs=len(proposed.runs) - len(present.runs),
        )
