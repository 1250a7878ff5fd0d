"""Imports a mobile library's timetable and opens its month: seconds, and ratios to bare reading.

    .venv/bin/python -m tests.benchmarks.timetable_import FILE.csv...

The reference, measured in the same run, is what no importer can do without: reading the file with
``csv`` and expanding each rule over the same year with ``dateutil``. For the month view it is the
smallest page of the app, the sign-in.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from dateutil.rrule import rrulestr
from flask_migrate import upgrade

from bus_ops import create_app
from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.accounts.passwords import hash_password
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.timetable.importing import apply_import, plan_import
from tests.conftest import PASSWORD, app_settings

DAYS_AHEAD = 366
OPENINGS = 15


def main() -> None:
    """Print one line a figure for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    for file in parser.parse_args().files:
        with tempfile.TemporaryDirectory() as folder:
            measure(file, Path(folder))


def measure(file: Path, folder: Path) -> None:
    """Import one file into a fresh SQLite database and open its month view."""
    app = create_app(app_settings(folder, f"sqlite:///{folder / 'benchmark.sqlite3'}"))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        organisation = Organisation(name="Benchmark")
        db.session.add(organisation)
        db.session.flush()
        account = User(
            organisation_id=organisation.id,
            username="coordinator",
            full_name="Coordinator",
            role=Role.COORDINATOR,
            password_hash=hash_password(PASSWORD),
        )
        db.session.add(account)
        db.session.commit()
        reading = seconds_of(lambda: read_and_expand(file))
        started = time.perf_counter()
        plan = plan_import([(file.name, file.read_bytes())], organisation)
        report = apply_import(plan, organisation, today(), DAYS_AHEAD)
        db.session.commit()
        importing = time.perf_counter() - started
        db.session.remove()
    print(
        f"{file.stem}: {report.stops_added} stops, {report.visits} visits imported in"
        f" {importing:.2f} s = {importing / reading:.1f} × reading and expanding"
        f" ({reading:.2f} s)"
    )
    client = app.test_client()
    sign_in = median_seconds(lambda: client.get("/accounts/sign-in"))
    client.post("/accounts/sign-in", data={"username": "coordinator", "password": PASSWORD})
    assert client.get("/timetable/month").status_code == 200
    month = median_seconds(lambda: client.get("/timetable/month"))
    print(
        f"{file.stem}: month view {month * 1000:.0f} ms = {month / sign_in:.1f} × the sign-in page"
        f" ({sign_in * 1000:.1f} ms)"
    )


def read_and_expand(file: Path) -> int:
    """Dates of every row's rule over the year ahead."""
    first = datetime.combine(today(), datetime.min.time())
    last = first + timedelta(days=DAYS_AHEAD)
    dates = 0
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            rule = rrulestr(row["frequency"], dtstart=datetime.fromisoformat(row["start"]))
            dates += len(rule.between(first, last, inc=True))
    return dates


def seconds_of(work: Callable[[], object]) -> float:
    """How long the work takes once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median_seconds(work: Callable[[], object]) -> float:
    """The median of several turns."""
    return statistics.median(seconds_of(work) for _ in range(OPENINGS))


if __name__ == "__main__":
    main()
