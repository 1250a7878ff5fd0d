"""Opens and exports five years of figures: processor seconds, and the memory exporting takes.

    .venv/bin/python -m tests.benchmarks.statistics_export

The reference, measured in the same run, is what no export can do without: reading the visits with
their figures from the database once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from bus_ops import create_app
from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.accounts.passwords import hash_password
from bus_ops.circulation.models import OnSiteUse
from bus_ops.counting.figures import Filters, total, visit_rows
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.timetable.models import (
    ActivityKind,
    ActivityRecord,
    Attendance,
    Audience,
    Visit,
    VisitRecord,
    VisitStatus,
)
from schedules.periods import custom_period
from tests.conftest import PASSWORD, app_settings
from tests.small_service import small_service

YEARS = 5


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=10_000)
    visits = parser.parse_args().visits
    with tempfile.TemporaryDirectory() as folder:
        measure(visits, Path(folder))


def measure(visits: int, folder: Path) -> None:
    """Make the visits in a fresh SQLite database; read, open and export them."""
    app = create_app(app_settings(folder, f"sqlite:///{folder / 'benchmark.sqlite3'}"))
    first, last = today() - timedelta(days=365 * YEARS), today()
    with app.app_context():
        db.create_all()
        organisation_id = fill(visits, first)
        period = custom_period(first, last)
        reading, figures = timed(
            lambda: total(visit_rows(organisation_id, period, Filters()))["served"]
        )
        db.session.remove()
    print(f"{figures} visits of {YEARS} years read in {reading:.2f} s")
    client = app.test_client()
    client.post("/accounts/sign-in", data={"username": "reporter", "password": PASSWORD})
    address = f"period=custom&first={first}&last={last}&by=place"
    for page in ("", "visits", "export.csv", "export.xlsx"):
        where = f"/statistics/{page}?{address}"
        seconds, size = timed(lambda where=where: len(client.get(where).data))
        print(
            f"/statistics/{page}: {seconds:.2f} s = {seconds / reading:.1f} × reading,"
            f" {size / 1024:,.0f} KiB"
        )
    for page in ("export.csv", "export.xlsx"):
        print(f"/statistics/{page}: {peak_mib(app, f'/statistics/{page}?{address}'):.1f} MiB")


def fill(visits: int, first: date) -> int:
    """A library with this many served visits, spread over the years; answers its key."""
    organisation = Organisation(name="Benchmark")
    db.session.add(organisation)
    db.session.flush()
    password = hash_password(PASSWORD)
    service = small_service(organisation, first, weeks=52 * YEARS)
    db.session.add(
        User(
            organisation_id=organisation.id,
            username="reporter",
            full_name="Reporter",
            role=Role.REPORTER,
            password_hash=password,
        )
    )
    model = service.visits()[0]
    kept = {column.key: getattr(model, column.key) for column in Visit.__table__.columns}
    runs = sorted({visit.run_id: visit.day for visit in service.visits()}.items())
    copies = []
    for number in range(visits - 2 * len(runs)):
        run_id, day = runs[number % len(runs)]
        rule_day = first - timedelta(days=number + 1)
        copies.append({**kept, "id": None, "run_id": run_id, "day": day, "rule_day": rule_day})
    db.session.execute(insert(Visit), copies)
    ids = list(db.session.scalars(select(Visit.id)))
    db.session.execute(db.update(Visit).values(status=VisitStatus.SERVED))
    for table, rows in facts(ids, organisation.id):
        db.session.execute(insert(table), list(rows))
    db.session.commit()
    return organisation.id


def facts(ids: list[int], organisation_id: int) -> Iterator[tuple[Any, Iterator[dict[str, Any]]]]:
    """What was logged at each visit."""
    owner = {"organisation_id": organisation_id}
    yield VisitRecord, ({**owner, "visit_id": key} for key in ids)
    yield (
        Attendance,
        (
            {**owner, "visit_id": key, "audience": audience, "people": 20 + key % 7}
            for key in ids
            for audience in (Audience.PRIMARY, Audience.TEACHERS)
        ),
    )
    yield (
        ActivityRecord,
        (
            {**owner, "event_id": uuid.uuid4(), "visit_id": key, "kind": kind, "count": 12}
            for key in ids
            for kind in (ActivityKind.READING_ON_SITE, ActivityKind.INTERNET)
        ),
    )
    yield (
        OnSiteUse,
        ({**owner, "event_id": uuid.uuid4(), "visit_id": key, "items": 9} for key in ids),
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of the work, whatever else the machine does, and what it answers."""
    started = time.process_time()
    answer = work()
    return time.process_time() - started, answer


def peak_mib(app: Flask, address: str) -> float:
    """The most memory that answering piece by piece takes at one time."""
    client = app.test_client()
    client.post("/accounts/sign-in", data={"username": "reporter", "password": PASSWORD})
    tracemalloc.start()
    for _piece in client.get(address, buffered=False).response:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


if __name__ == "__main__":
    main()
