"""What importing timetables would do, what a planner ticks about it, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from schedules.exchange.mobile_library_csv import (
    ParsedTimetable,
    RowProblem,
    StopRow,
    UnreadableFileError,
)

from .generating import FillReport
from .import_values import FieldChange
from .models import Stop


class RowState(StrEnum):
    """What importing a row does; a kept one differs only where somebody corrected it by hand."""

    NEW = "new"
    CHANGED = "changed"
    KEPT = "kept"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class PlannedPlace:
    """A place as the files want it; ``place_id`` None makes a new one."""

    key: str
    wish: Mapping[str, Any]
    service: str
    file: str
    place_id: int | None
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class PlannedRow:
    """A stop as a file wants it; ``stop_id`` None makes a new one.

    ``changes`` are the stop's own and, on the first row that names the place, the place's.
    """

    key: str
    place_key: str
    row: StopRow
    service: str
    stop_id: int | None = None
    changes: tuple[FieldChange, ...] = ()

    @property
    def state(self) -> RowState:
        """What importing this row does."""
        if self.stop_id is None:
            return RowState.NEW
        if any(not change.by_hand for change in self.changes):
            return RowState.CHANGED
        return RowState.KEPT if self.changes else RowState.UNCHANGED

    @property
    def has_hand_work(self) -> bool:
        """Whether somebody's correction stands against the file's."""
        return any(change.by_hand for change in self.changes)

    @property
    def van_key(self) -> tuple[str, str]:
        """Service and van, as they compare."""
        return self.service.casefold(), self.row.mobile.casefold()

    @property
    def route_key(self) -> tuple[str, str, str]:
        """Service, van and route, as they compare."""
        return (*self.van_key, self.row.route.casefold())


@dataclass(frozen=True)
class KnownStops:
    """Stops that earlier imports made for the services of the files."""

    by_id: Mapping[int, Stop]
    vans: Mapping[tuple[str, str], int]
    routes: Mapping[tuple[str, str, str], int]


@dataclass(frozen=True)
class ImportPlan:
    """What importing would do; nothing is written yet."""

    files: tuple[ParsedTimetable, ...]
    unreadable: tuple[UnreadableFileError, ...]
    rows: tuple[PlannedRow, ...]
    places: Mapping[str, PlannedPlace]
    absent: tuple[Stop, ...]
    known: KnownStops
    new_vans: tuple[str, ...]
    new_routes: tuple[str, ...]
    repeated: tuple[RowProblem, ...] = ()

    def in_state(self, *states: RowState | str) -> list[PlannedRow]:
        """Rows of these states, in the files' order."""
        return [row for row in self.rows if row.state in states]

    @property
    def added(self) -> frozenset[str]:
        """Keys of rows that make new stops."""
        return frozenset(row.key for row in self.in_state(RowState.NEW))

    @property
    def changed(self) -> frozenset[str]:
        """Keys of rows that change stops or their places."""
        return frozenset(row.key for row in self.in_state(RowState.CHANGED))

    @property
    def new_places(self) -> tuple[str, ...]:
        """Names of places that would be made."""
        return tuple(place.wish["name"] for place in self.places.values() if not place.place_id)

    @property
    def unchanged_count(self) -> int:
        """Rows that change nothing unless somebody ticks them."""
        return len(self.in_state(RowState.UNCHANGED, RowState.KEPT))

    @property
    def problems(self) -> tuple[RowProblem, ...]:
        """Every problem of every file, in order."""
        return (*(problem for file in self.files for problem in file.problems), *self.repeated)

    @property
    def unknown_columns(self) -> tuple[str, ...]:
        """Columns without a meaning here; their values are kept with the stops."""
        return tuple(sorted({name for file in self.files for name in file.unknown_columns}))

    @property
    def is_whole(self) -> bool:
        """Whether every row was read: else a stop may only seem to have left the files."""
        return not self.unreadable and not any(problem.fatal for problem in self.problems)

    @property
    def changes_something(self) -> bool:
        """Whether applying the plan would write anything without further choices."""
        return any(row.state in (RowState.NEW, RowState.CHANGED) for row in self.rows)

    @property
    def offers_something(self) -> bool:
        """Whether there is anything to apply or to tick."""
        return bool(
            self.changes_something or self.absent or any(row.has_hand_work for row in self.rows)
        )


@dataclass(frozen=True)
class ImportChoices:
    """What a planner ticked: rows whose hand-made corrections give way, stops to take out."""

    overwritten: frozenset[str] = frozenset()
    taken_out: frozenset[int] = frozenset()


@dataclass
class ImportReport:
    """What importing did."""

    places: int = 0
    vans: int = 0
    routes: int = 0
    stops_added: int = 0
    stops_changed: int = 0
    stops_taken_out: int = 0
    fills: list[FillReport] = field(default_factory=list)

    @property
    def runs(self) -> int:
        """Dated runs made."""
        return sum(fill.runs for fill in self.fills)

    @property
    def visits(self) -> int:
        """Visits made."""
        return sum(fill.visits for fill in self.fills)
