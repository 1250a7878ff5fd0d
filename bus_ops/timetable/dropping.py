"""Dropping a visit elsewhere on the board, and taking that back, several people at once.

Whoever drops says which state of the two days they saw. Where somebody changed one of them
meanwhile, nothing is done until the person has seen that: nobody overwrites anybody unawares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ..accounts.models import User
from ..database import db, lock_library
from ..fleet.models import CrewMember, Van
from ..i18n import format_clock, format_day, today
from . import changes
from .changes import ChangeError, NewOrder
from .models import Run, TimetableChange, Visit, VisitStatus
from .retiming import held_visits, who_can_stay
from .statuses import refresh_status


@dataclass(frozen=True)
class Cell:
    """A van's day on the board."""

    day: date
    van_id: int

    @property
    def key(self) -> str:
        """As the page names it."""
        return f"{self.day.isoformat()}.{self.van_id}"

    @classmethod
    def of(cls, key: str) -> Cell:
        """The cell of that name; raises ValueError for anything else."""
        day, _dot, van = key.partition(".")
        return cls(date.fromisoformat(day), int(van))

    @classmethod
    def around(cls, visit: Visit) -> Cell:
        """Where a visit stands."""
        return cls(visit.day, visit.run.van_id)


@dataclass(frozen=True)
class Dropped:
    """What a drop did: sentences about others' times, and how much more the days drive."""

    cells: Sequence[Cell]
    sentences: Sequence[str]
    distance_m: int
    drive_minutes: int
    # How the days were, to take it back.
    before: Mapping[str, Any]


class ChangedMeanwhileError(Exception):
    """Somebody changed one of the days since the person saw it; ``message`` says who and when."""

    def __init__(self, message: str, cells: Sequence[Cell]) -> None:
        super().__init__(message)
        self.cells = cells


def drop(
    visit: Visit,
    target: Cell,
    before: Visit | None,
    seen: Mapping[str, str],
    reason: str,
    user: User,
) -> Dropped:
    """Put a visit on a van's day, before another visit (none: last); the caller commits.

    Others keep their published times where the van can still keep them. Raises
    ChangedMeanwhileError, and ChangeError where the visit cannot be moved.
    """
    lock_library(visit.organisation_id)
    db.session.refresh(visit)
    changes.must_be_open(visit)
    changes.must_be_to_come(target.day)
    cells = list(dict.fromkeys([Cell.around(visit), target]))
    runs = runs_in(cells, visit.organisation_id)
    check_seen(cells, runs, seen)
    known, driven = _as_they_are(cells, runs), _driven(runs.values())
    van = db.session.get_one(Van, target.van_id)
    run = _run_for(runs.get(target, []), before)
    others = [other for other in held_visits(run) if other is not visit] if run else []
    place = others.index(before) if before in others else len(others)
    if any(other.logged for other in others[place:]):
        raise ChangeError(_("The crew has logged a later visit of this day; drop it behind that."))
    order = [*others[:place], visit, *others[place:]]
    keep = who_can_stay(run, order, visit) if run else []
    sentences = changes.rearrange([NewOrder(target.day, van, order, keep)], [], reason, user)
    return _done(cells, visit.organisation_id, known, driven, sentences)


def take_back(before: Mapping[str, Any], user: User) -> Dropped:
    """Put the days back as they were before a drop; the caller commits.

    Raises ChangedMeanwhileError where they are no longer as the drop left them.
    """
    organisation_id = user.organisation_id
    lock_library(organisation_id)
    cells = [Cell.of(key) for key in before["cells"]]
    runs = runs_in(cells, organisation_id)
    check_seen(cells, runs, before["after"])
    known, driven = _as_they_are(cells, runs), _driven(runs.values())
    was = [_Was.of(cell, stored) for cell in cells for stored in before["cells"][cell.key]]
    sentences = changes.rearrange([one.order for one in was], [], _("Undone"), user)
    for one in was:
        one.give_back(user)
    return _done(cells, organisation_id, known, driven, sentences)


@dataclass(frozen=True)
class _Was:
    """A run as it was before a drop."""

    order: NewOrder
    statuses: Mapping[Visit, tuple[VisitStatus, str]]
    crew: Sequence[int]

    @classmethod
    def of(cls, cell: Cell, stored: Mapping[str, Any]) -> _Was:
        """As ``_as_they_are`` wrote it."""
        at, statuses = {}, {}
        for key, arrival, departure, status, reason in stored["visits"]:
            visit = db.session.get_one(Visit, key)
            at[visit] = datetime.fromisoformat(arrival), datetime.fromisoformat(departure)
            statuses[visit] = VisitStatus(status), reason
        van = db.session.get_one(Van, cell.van_id)
        return cls(NewOrder(cell.day, van, list(at), list(at), at), statuses, stored["crew"])

    def give_back(self, user: User) -> None:
        """What moving takes from a visit (that its place confirmed it), and from its run."""
        for visit, (status, reason) in self.statuses.items():
            visit.plan_status, visit.reason = status, reason
            refresh_status(visit, visit.record, today())
        run = next(iter(self.statuses)).run
        if not run.crew and self.crew:
            query = select(CrewMember).where(CrewMember.id.in_(self.crew))
            changes.set_crew(run, list(db.session.scalars(query)), user)


def runs_in(cells: Sequence[Cell], organisation_id: int) -> dict[Cell, list[Run]]:
    """Runs of these days of these vans, with their visits, read anew."""
    query = (
        select(Run)
        .where(
            Run.organisation_id == organisation_id,
            Run.day.in_({cell.day for cell in cells}),
            Run.van_id.in_({cell.van_id for cell in cells}),
        )
        .options(
            selectinload(Run.visits).options(joinedload(Visit.place), joinedload(Visit.record)),
            selectinload(Run.crew),
        )
        .order_by(Run.leaves_at, Run.id)
        .execution_options(populate_existing=True)
    )
    asked = frozenset(cells)
    found: dict[Cell, list[Run]] = {}
    for run in db.session.scalars(query):
        cell = Cell(run.day, run.van_id)
        if cell in asked:
            found.setdefault(cell, []).append(run)
    return found


def version_of(runs: Iterable[Run]) -> str:
    """A short mark of what a van's day holds; another whenever any of it is different."""
    facts = [
        (visit.id, visit.arrival_at.isoformat(), visit.departure_at.isoformat(), visit.status.value)
        for run in runs
        for visit in run.visits
    ]
    return hashlib.sha256(repr(sorted(facts)).encode()).hexdigest()[:16]


def check_seen(
    cells: Sequence[Cell], runs: Mapping[Cell, Sequence[Run]], seen: Mapping[str, str]
) -> None:
    """Raises ChangedMeanwhileError where a day is not as the person saw it."""
    changed = [cell for cell in cells if version_of(runs.get(cell, [])) != seen.get(cell.key)]
    if changed:
        raise ChangedMeanwhileError(_last_change(changed, runs), cells)


def _last_change(cells: Sequence[Cell], runs: Mapping[Cell, Sequence[Run]]) -> str:
    keys = [run.id for cell in cells for run in runs.get(cell, [])]
    query = (
        select(TimetableChange, User.full_name)
        .outerjoin(User, TimetableChange.user_id == User.id)
        .where(TimetableChange.run_id.in_(keys))
        .order_by(TimetableChange.at.desc())
    )
    found = db.session.execute(query).first()
    days = ", ".join(format_day(day) for day in sorted({cell.day for cell in cells}))
    if found is None or found[1] is None:
        return _("%(days)s has been changed meanwhile.", days=days)
    return _(
        "%(days)s has been changed meanwhile, by %(name)s at %(clock)s.",
        days=days,
        name=found[1],
        clock=format_clock(found[0].at),
    )


def _run_for(runs: Sequence[Run], before: Visit | None) -> Run | None:
    """The run that a visit joins: that of the visit it is dropped before, else the day's last."""
    if before is not None and before.run in runs:
        return before.run
    return runs[-1] if runs else None


def _as_they_are(
    cells: Sequence[Cell], runs: Mapping[Cell, Sequence[Run]]
) -> dict[str, list[dict[str, Any]]]:
    return {
        cell.key: [
            {
                "crew": [member.id for member in run.crew],
                "visits": [
                    [
                        visit.id,
                        visit.arrival_at.isoformat(),
                        visit.departure_at.isoformat(),
                        visit.plan_status.value,
                        visit.reason,
                    ]
                    for visit in run.visits
                    if visit.plan_status != VisitStatus.CANCELLED
                ],
            }
            for run in runs.get(cell, [])
            if any(visit.plan_status != VisitStatus.CANCELLED for visit in run.visits)
        ]
        for cell in cells
    }


def _driven(runs: Iterable[Sequence[Run]]) -> tuple[int, int]:
    every = [run for some in runs for run in some]
    return sum(run.distance_m for run in every), sum(run.drive_minutes for run in every)


def _done(
    cells: Sequence[Cell],
    organisation_id: int,
    known: Mapping[str, Any],
    driven: tuple[int, int],
    sentences: Sequence[str],
) -> Dropped:
    db.session.flush()
    runs = runs_in(cells, organisation_id)
    metres, minutes = _driven(runs.values())
    after = {cell.key: version_of(runs.get(cell, [])) for cell in cells}
    return Dropped(
        cells,
        sentences,
        metres - driven[0],
        minutes - driven[1],
        {"cells": known, "after": after},
    )
