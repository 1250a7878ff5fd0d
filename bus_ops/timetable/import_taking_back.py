"""Taking back an imported service as a whole, while nothing of it has happened or been changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, exists, select

from ..database import Base, db, lock_library
from ..fleet.models import Van
from ..places.models import Place
from .import_values import changes, place_now, stop_now
from .models import Route, Run, RunRecord, Stop, Term, TimetableChange, Visit, VisitStatus
from .remaking import FOLLOWING


class Obstacle(StrEnum):
    """Why an import cannot be taken back any more."""

    NOT_IMPORTED = "not_imported"
    DRIVEN = "driven"
    LOGGED = "logged"
    CHANGED = "changed"


@dataclass(frozen=True)
class TakenBack:
    """What went with the import."""

    stops: int
    places: int
    vans: int


def obstacle_to_taking_back(term: Term, today: date) -> Obstacle | None:
    """Why the import that made this term cannot be taken back; None where it can."""
    if term.import_key is None:
        return Obstacle.NOT_IMPORTED
    runs = select(Run.id).where(Run.term_id == term.id)
    stops = select(Stop.id).where(Stop.term_id == term.id)
    visits = Visit.run_id.in_(runs) | Visit.stop_id.in_(stops)
    if _any(Visit.id, visits, Visit.day < today):
        return Obstacle.DRIVEN
    if _any(RunRecord.run_id, RunRecord.run_id.in_(runs)):
        return Obstacle.LOGGED
    in_change = TimetableChange.run_id.in_(runs)
    of_visit = TimetableChange.visit_id.in_(select(Visit.id).where(visits))
    by_hand = TimetableChange.kind.not_in(FOLLOWING)
    if _any(TimetableChange.id, in_change | of_visit, by_hand):
        return Obstacle.CHANGED
    if _any(Visit.id, visits, Visit.status != VisitStatus.PLANNED):
        return Obstacle.CHANGED
    # Of its changes only those that followed from others are left by now.
    if _referred(Visit, visits, but=TimetableChange):
        return Obstacle.LOGGED
    changed = any(_changed_by_hand(stop) for stop in term.stops)
    return Obstacle.CHANGED if changed else None


def take_back(term: Term) -> TakenBack:
    """Delete the term with its runs, and the places and vans that only it had.

    Ask ``obstacle_to_taking_back`` first; the caller commits.
    """
    lock_library(term.organisation_id)
    stops = list(term.stops)
    places = {stop.place_id for stop in stops if _only_imported(stop.place)}
    vans = {stop.van_id for stop in stops if _bare(stop.van)}
    runs = select(Run.id).where(Run.term_id == term.id)
    for statement in (
        delete(Visit).where(Visit.run_id.in_(runs)),
        delete(Run).where(Run.term_id == term.id),
        delete(Stop).where(Stop.term_id == term.id),
        delete(Route).where(Route.term_id == term.id),
        delete(Term).where(Term.id == term.id),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))
    return TakenBack(len(stops), _delete_unused(Place, places), _delete_unused(Van, vans))


def _any(column: Any, *where: Any) -> bool:
    return db.session.scalar(select(column).where(*where).limit(1)) is not None


def _changed_by_hand(stop: Stop) -> bool:
    """Added by hand, or no longer what the import wrote."""
    if stop.import_key is None:
        return True
    wish = {field: stop.imported[field] for field in stop_now(stop)}
    return bool(changes(wish, stop_now(stop), {}))


def _only_imported(place: Place) -> bool:
    """Made by the import, and nobody corrected it since."""
    return place.import_key is not None and place_now(place) == place.imported


def _bare(van: Van) -> bool:
    """As an import makes vans: nobody gave it a depot, books, equipment or days out."""
    given = (van.depot_id, van.capacity_books, van.plate, van.note, van.equipment, van.days_out)
    return not any(given)


def _delete_unused(model: type[Place] | type[Van], ids: set[int]) -> int:
    unused = ids - _referred(model, model.id.in_(ids))
    statement = delete(model).where(model.id.in_(unused))
    db.session.execute(statement.execution_options(synchronize_session=False))
    db.session.expire_all()
    return len(unused)


def _referred(model: type[Any], which: Any, but: type[Any] | None = None) -> set[int]:
    """Those of the rows that a row of any table names, one table aside."""
    found: set[int] = set()
    for table in Base.metadata.tables.values():
        if but is not None and table is but.__table__:
            continue
        for key in table.foreign_keys:
            if key.column.table is model.__table__:
                query = select(model.id).where(which, exists().where(key.parent == model.id))
                found |= set(db.session.scalars(query))
    return found
