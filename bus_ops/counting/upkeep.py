"""Counted figures follow what was written, within the same transaction.

Triggers name the runs that a transaction concerned; before it commits, these runs are counted anew
and the sums they are part of are made again from their visits. Whoever reads after the commit
reads what a recount would give.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Table, delete, event, func, insert, select, text, tuple_
from sqlalchemy.orm import Session

from schedules.periods import PeriodKind, period_of

from ..database import db
from ..timetable.models import Audience, Run
from .definitions import attendance_key
from .models import (
    FIGURE_SUMS,
    MONTH,
    NUMBERS,
    READING_SUMS,
    RUN_READING,
    STALE_RUN,
    VISIT_FIGURES,
    YEAR,
)
from .recounting import counted_reading, counted_visits

# Runs counted at once: far below what one IN (…) takes with all their visits.
_RUNS_AT_ONCE = 200
_CELLS_AT_ONCE = 200
# Grain, first day, van, place.
Cell = tuple[str, date, int, int]


def keep_figures_in_step() -> None:
    """Count anew what this transaction, or one before that did not, left stale."""
    while run_ids := list(
        db.session.scalars(
            select(STALE_RUN.c.run_id).distinct().order_by(STALE_RUN.c.run_id).limit(_RUNS_AT_ONCE)
        )
    ):
        _one_at_a_time()
        db.session.execute(delete(STALE_RUN).where(STALE_RUN.c.run_id.in_(run_ids)))
        _count_anew(run_ids)


def recount_everything(tell: Callable[[int, int], None] = lambda done, of: None) -> int:
    """Make all counted figures anew, run by run; answers of how many runs.

    ``tell`` hears how many runs of how many are done.
    """
    _one_at_a_time()
    for table in (VISIT_FIGURES, FIGURE_SUMS, RUN_READING, READING_SUMS, STALE_RUN):
        db.session.execute(delete(table))
    run_ids = list(db.session.scalars(select(Run.id).order_by(Run.id)))
    for done, chunk in _chunks(run_ids, _RUNS_AT_ONCE):
        _insert(VISIT_FIGURES, counted_visits(chunk))
        _insert(RUN_READING, counted_reading(chunk))
        tell(done, len(run_ids))
    _sum_everything()
    db.session.execute(delete(STALE_RUN))
    db.session.commit()
    return len(run_ids)


def init_upkeep() -> None:
    """Whatever writes, and in whatever way: from now on its figures go with it."""
    if not event.contains(db.session, "before_commit", _before_commit):
        event.listen(db.session, "before_commit", _before_commit)


def _before_commit(session: Session) -> None:
    session.flush()
    keep_figures_in_step()


def _one_at_a_time() -> None:
    """Two transactions may share a sum. Taken last, so that whoever holds it waits for nobody."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(7302)"))


def _count_anew(run_ids: Sequence[int]) -> None:
    of_runs = VISIT_FIGURES.c.run_id.in_(run_ids)
    columns = VISIT_FIGURES.c
    where = select(columns.organisation_id, columns.day, columns.van_id, columns.place_id).where(
        of_runs
    )
    stood = db.session.execute(where.distinct()).all()
    db.session.execute(delete(VISIT_FIGURES).where(of_runs))
    _insert(VISIT_FIGURES, counted_visits(run_ids))
    stand = db.session.execute(where.distinct()).all()
    read = select(RUN_READING.c.organisation_id, RUN_READING.c.day, RUN_READING.c.van_id).where(
        RUN_READING.c.run_id.in_(run_ids)
    )
    was_read = db.session.execute(read.distinct()).all()
    db.session.execute(delete(RUN_READING).where(RUN_READING.c.run_id.in_(run_ids)))
    _insert(RUN_READING, counted_reading(run_ids))
    is_read = db.session.execute(read.distinct()).all()
    for organisation_id in {row.organisation_id for row in (*stood, *stand, *was_read, *is_read)}:
        places = {
            (_first(PeriodKind.YEAR, row.day), row.van_id, row.place_id)
            for row in (*stood, *stand)
            if row.organisation_id == organisation_id
        }
        months = {
            (_first(PeriodKind.MONTH, row.day), row.van_id)
            for row in (*stood, *stand, *was_read, *is_read)
            if row.organisation_id == organisation_id
        }
        _sum_cells(organisation_id, [(YEAR, *cell) for cell in sorted(places)])
        _sum_cells(organisation_id, [(MONTH, *cell, 0) for cell in sorted(months)])
        _sum_reading(organisation_id, months)


def _sum_cells(organisation_id: int, cells: Sequence[Cell]) -> None:
    """Make these sums anew from the visits."""
    keys = FIGURE_SUMS.c
    for _done, chunk in _chunks(cells, _CELLS_AT_ONCE):
        wanted = set(chunk)
        db.session.execute(
            delete(FIGURE_SUMS).where(
                keys.organisation_id == organisation_id,
                tuple_(keys.grain, keys.first_on, keys.van_id, keys.place_id).in_(chunk),
            )
        )
        made = _Sums(organisation_id)
        for row in _visits_of(organisation_id, chunk):
            for cell in _cells_of(row):
                if cell in wanted:
                    made.add(cell, row)
        _insert(FIGURE_SUMS, made.rows())


def _visits_of(organisation_id: int, cells: Collection[Cell]) -> Iterator[Any]:
    """The visits of these cells, and perhaps others of the same vans and days."""
    columns = VISIT_FIGURES.c
    by_period: dict[tuple[str, date], list[Cell]] = {}
    for cell in cells:
        by_period.setdefault(cell[:2], []).append(cell)
    for (grain, first), of_period in by_period.items():
        last = period_of(PeriodKind(grain), first).last
        query = select(VISIT_FIGURES).where(
            columns.organisation_id == organisation_id,
            columns.day.between(first, last),
            columns.van_id.in_({cell[2] for cell in of_period}),
        )
        if grain == YEAR:
            query = query.where(columns.place_id.in_({cell[3] for cell in of_period}))
        yield from db.session.execute(query).mappings()


def _cells_of(row: Any) -> tuple[Cell, Cell]:
    year, month = _first(PeriodKind.YEAR, row["day"]), _first(PeriodKind.MONTH, row["day"])
    return (YEAR, year, row["van_id"], row["place_id"]), (MONTH, month, row["van_id"], 0)


class _Sums:
    """Adds visits up by cell, for all of them and for each audience."""

    def __init__(self, organisation_id: int) -> None:
        self._organisation_id = organisation_id
        self._sums: dict[tuple[Cell, str], dict[str, int]] = {}

    def add(self, cell: Cell, row: Any) -> None:
        self._add(cell, "", row)
        for audience in Audience:
            if row[attendance_key(audience)]:
                self._add(cell, audience.value, part_of(row, audience))

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "organisation_id": self._organisation_id,
                "grain": cell[0],
                "first_on": cell[1],
                "van_id": cell[2],
                "place_id": cell[3],
                "audience": audience,
                **sums,
            }
            for (cell, audience), sums in self._sums.items()
        ]

    def _add(self, cell: Cell, audience: str, numbers: Any) -> None:
        sums = self._sums.setdefault((cell, audience), dict.fromkeys(NUMBERS, 0))
        for name in NUMBERS:
            if numbers[name]:
                sums[name] += numbers[name]


def part_of(numbers: Any, audience: Audience) -> dict[str, int]:
    """A visit's numbers with no other people than those of this audience."""
    own = attendance_key(audience)
    part = {name: numbers[name] for name in NUMBERS}
    part.update({attendance_key(other): 0 for other in Audience if other is not audience})
    part["attendance"] = numbers[own]
    return part


def _sum_everything() -> None:
    """All sums from all visits, in one pass; the tables of sums are empty."""
    by_owner: dict[int, _Sums] = {}
    result = db.session.execute(select(VISIT_FIGURES).execution_options(yield_per=2000))
    for row in result.mappings():
        made = by_owner.setdefault(row["organisation_id"], _Sums(row["organisation_id"]))
        for cell in _cells_of(row):
            made.add(cell, row)
    for made in by_owner.values():
        _insert(FIGURE_SUMS, made.rows())
    sums: dict[tuple[Any, ...], int] = {}
    for row in db.session.execute(select(RUN_READING).execution_options(yield_per=2000)):
        for grain in (MONTH, YEAR):
            first = _first(PeriodKind(grain), row.day)
            key = (row.organisation_id, grain, first, row.van_id, row.subject, row.audience)
            sums[key] = sums.get(key, 0) + row.loans
    names = ("organisation_id", "grain", "first_on", "van_id", "subject", "audience", "loans")
    _insert(READING_SUMS, (dict(zip(names, (*k, n), strict=True)) for k, n in sums.items()))


def _sum_reading(organisation_id: int, months: Iterable[tuple[date, int]]) -> None:
    """Make the sums of these vans' months anew from their runs, and of the years from months."""
    months = set(months)
    for first, van_id in months:
        _sum_reading_of(organisation_id, MONTH, first, van_id, RUN_READING, RUN_READING.c.day)
    for first, van_id in {(_first(PeriodKind.YEAR, month), van_id) for month, van_id in months}:
        _sum_reading_of(organisation_id, YEAR, first, van_id, READING_SUMS, READING_SUMS.c.first_on)


def _sum_reading_of(
    organisation_id: int, grain: str, first: date, van_id: int, source: Table, day: Any
) -> None:
    sums, columns = READING_SUMS.c, source.c
    db.session.execute(
        delete(READING_SUMS).where(
            sums.organisation_id == organisation_id,
            sums.grain == grain,
            sums.first_on == first,
            sums.van_id == van_id,
        )
    )
    query = (
        select(columns.subject, columns.audience, func.sum(columns.loans).label("loans"))
        .where(
            columns.organisation_id == organisation_id,
            columns.van_id == van_id,
            day.between(first, period_of(PeriodKind(grain), first).last),
        )
        .group_by(columns.subject, columns.audience)
    )
    if source is READING_SUMS:
        query = query.where(sums.grain == MONTH)
    own = {
        "organisation_id": organisation_id,
        "grain": grain,
        "first_on": first,
        "van_id": van_id,
    }
    _insert(READING_SUMS, [{**own, **row} for row in db.session.execute(query).mappings().all()])


def _first(kind: PeriodKind, day: date) -> date:
    return date(day.year, day.month if kind == PeriodKind.MONTH else 1, 1)


def _insert(table: Table, rows: Iterable[dict[str, Any]]) -> None:
    values = list(rows)
    for _done, chunk in _chunks(values, 2000):
        db.session.execute(insert(table), chunk)


def _chunks(values: Sequence[Any], size: int) -> Iterator[tuple[int, Sequence[Any]]]:
    """Pieces of a sequence, each with how many there are up to its end."""
    for start in range(0, len(values), size):
        piece = values[start : start + size]
        yield start + len(piece), piece
