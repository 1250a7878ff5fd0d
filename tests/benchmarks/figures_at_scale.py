"""Ten years of fifty vans: how long pages of figures take, and what an export of a million takes.

    .venv/bin/python -m tests.benchmarks.figures_at_scale [--folder F | --database-url U]

Without a folder or an address that ``bus-ops generate`` has filled, a smaller history is made (five
vans, four years). Printed of each page: the slowest of the quicker 95 %, and its ratio to DuckDB,
which counts the same rows from scratch in the same run. Of the export: seconds, and how much
memory its process took.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select, text

from bus_ops import create_app
from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Loan
from bus_ops.counting.figures import Filters
from bus_ops.database import db
from bus_ops.demo.generated import Size, generate
from bus_ops.demo.service import PASSWORD
from bus_ops.i18n import today
from bus_ops.reports.formats import FORMATS
from bus_ops.reports.tables import loans_table
from bus_ops.timetable.models import Visit
from schedules.periods import custom_period
from tests.conftest import app_settings

ROUNDS = 20
EXPORTED = 1_000_000
_ROWS_AT_ONCE = 100_000


def main() -> None:
    """Make or open the history; print a line a page, then the export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database-url")
    parser.add_argument("--export", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.folder or Path(made)
        url = asked.database_url or f"sqlite:///{folder / 'bus-ops.sqlite3'}"
        app = create_app({**app_settings(folder, url), "SECRET_KEY": "only for benchmarks"})
        if asked.export:
            print_export(app)
            return
        if not (asked.folder or asked.database_url):
            with app.app_context():
                upgrade(directory=app.extensions["migrate"].directory)
                generate(Size(vans=5, years=4), today(), seed=7)
        with app.app_context():
            visits = db.session.scalar(select(func.count()).select_from(Visit))
            loans = db.session.scalar(select(func.count()).select_from(Loan))
            print(f"{visits:,} visits and {loans:,} loans on {db.engine.dialect.name}")
            scratch = from_scratch()
        measure_pages(app, scratch)
        command = [sys.executable, "-m", "tests.benchmarks.figures_at_scale", "--export"]
        command += ["--folder", str(folder), "--database-url", url]
        subprocess.run(command, check=True)


def measure_pages(app: Flask, scratch: float) -> None:
    """Open each page often; print the slowest of the quicker 95 %."""
    client = app.test_client()
    client.post("/accounts/sign-in", data={"username": "baocao", "password": PASSWORD})
    every = f"period=custom&first={today() - timedelta(days=3640)}&last={today()}"
    running = f"period=custom&first={date(today().year - 9, 2, 11)}&last={today()}"
    pages = {
        **{f"ten years by {by}": f"/statistics/?{every}&by={by}" for by in _GROUPINGS},
        "ten years of schools": f"/statistics/?{every}&kind=school&by=time",
        "ten years of one audience": f"/statistics/?{every}&audience=primary&by=place",
        "ten years of one van": f"/statistics/?{every}&van=3&by=place",
        "this year": "/statistics/?period=year",
        "this month": "/statistics/?period=month",
        "ten years' visits": f"/statistics/visits?{every}",
        "visits behind loans": f"/statistics/visits?{every}&behind=loans",
        "map of ten years": f"/statistics/map.js?{every}",
        "dashboard of the year": "/dashboard/",
        "dashboard of ten years": f"/dashboard/?{running}",
        "indicators": "/indicators/",
        "review of stops": "/statistics/stops/",
    }
    for address in pages.values():
        client.get(address)
    # As the server does once everything is loaded.
    gc.collect()
    gc.freeze()
    for name, address in pages.items():
        assert client.get(address).status_code == 200, address
        times = sorted(timed(lambda address=address: client.get(address)) for _ in range(ROUNDS))
        slowest = times[int(ROUNDS * 0.95) - 1]
        print(f"{name:<28} p95 {slowest * 1000:6.0f} ms = {slowest / scratch:5.2f} × from scratch")


_GROUPINGS = ("place", "commune", "kind", "audience", "van", "time")


def from_scratch() -> float:
    """Seconds in which DuckDB counts people and loans by place from the rows themselves."""
    connection = duckdb.connect()
    for name, query in _TABLES.items():
        first = True
        result = db.session.execute(text(query).execution_options(yield_per=_ROWS_AT_ONCE))
        for part in result.partitions(_ROWS_AT_ONCE):
            columns = list(result.keys())
            rows = pa.Table.from_pydict(
                {c: [row[n] for row in part] for n, c in enumerate(columns)}
            )
            connection.register("rows", rows)
            how = f"CREATE TABLE {name} AS" if first else f"INSERT INTO {name}"
            connection.execute(f"{how} SELECT * FROM rows")
            connection.unregister("rows")
            first = False
    seconds = min(timed(lambda: connection.execute(_COUNTED).fetchall()) for _ in range(5))
    print(f"DuckDB counts people and loans by place from scratch in {seconds * 1000:.0f} ms")
    return seconds


_TABLES = {
    "visit": "SELECT id, place_id, status FROM visit",
    "attendance": "SELECT visit_id, people FROM attendance",
    "loan": "SELECT visit_id, audience FROM loan",
}
_COUNTED = """
WITH people AS (SELECT visit_id, sum(people) AS people FROM attendance GROUP BY visit_id),
     lent AS (SELECT visit_id, count(*) AS loans FROM loan GROUP BY visit_id)
SELECT place_id, count(*) FILTER (status = 'served'), sum(people), sum(loans)
FROM visit LEFT JOIN people ON people.visit_id = visit.id LEFT JOIN lent ON lent.visit_id = visit.id
GROUP BY place_id
"""


def print_export(app: Flask) -> None:
    """Stream loans in each format; this process does nothing else, so its memory tells."""
    with app.app_context(), app.test_request_context():
        library = db.session.scalars(select(Organisation)).one()
        period = exported_period(library.id)
        before = memory_mib()
        for ending in ("csv", "json", "parquet"):
            size = 0

            def write(ending: str = ending) -> None:
                nonlocal size
                table = loans_table(library.id, period, Filters())
                size = sum(len(piece) for piece in FORMATS[ending].written(table))

            seconds = timed(write)
            print(
                f"export as {ending:<8} {seconds:6.1f} s, {size / 2**20:7.1f} MiB;"
                f" memory {before:.0f} → {memory_mib():.0f} MiB"
            )


def exported_period(organisation_id: int) -> Any:
    """The last days that hold a million loans, or all."""
    query = (
        select(Visit.day, func.count())
        .join(Loan, Loan.visit_id == Visit.id)
        .where(Visit.organisation_id == organisation_id)
        .group_by(Visit.day)
        .order_by(Visit.day.desc())
    )
    loans, first = 0, today()
    for day, count in db.session.execute(query):
        loans, first = loans + count, day
        if loans >= EXPORTED:
            break
    print(f"exported: {loans:,} loans since {first}")
    return custom_period(first, today())


def memory_mib() -> float:
    """The most memory that this process has taken."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def timed(work: Callable[[], Any]) -> float:
    """Seconds that the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
