"""What the tests carry in tests/data goes the whole way, also where no other real input stands."""

from __future__ import annotations

from datetime import date

from flask import Flask
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.fleet.models import Van
from bus_ops.places.models import Place
from bus_ops.timetable.importing import apply_import, plan_import
from bus_ops.timetable.models import Run, Stop
from tests.conftest import REPOSITORY

TIMETABLE = REPOSITORY / "tests" / "data" / "mobile_library.csv"


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_published_timetable_becomes_dated_runs_and_twice_is_once(
    app: Flask, organisation: Organisation
) -> None:
    files = [(TIMETABLE.name, TIMETABLE.read_bytes())]
    plan = plan_import(files, organisation)
    assert [(problem.line, problem.column) for problem in plan.problems if problem.fatal] == [
        (8, "departure")
    ]
    report = apply_import(plan, organisation, date(2026, 1, 5), 90)
    db.session.commit()
    assert (report.stops_added, count(Stop)) == (7, 7)
    assert (count(Place), count(Van)) == (7, 2)
    mondays = select(func.count()).select_from(Run).where(Run.day == date(2026, 1, 12))
    assert db.session.scalar(mondays) == 1
    skipped = select(func.count()).select_from(Run).where(Run.day == date(2026, 1, 8))
    assert db.session.scalar(skipped) == 0
    again = plan_import(files, organisation)
    assert not again.changes_something
