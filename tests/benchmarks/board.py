"""The board of a published term of 2,000 visits: how long it opens, and how long a drop takes.

    .venv/bin/python -m tests.benchmarks.board

Through WSGI without a socket, on SQLite with every commit durable, beside a bare Flask page.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select

from bus_ops import create_app
from bus_ops.accounts.models import Organisation, Role
from bus_ops.accounts.passwords import hash_password
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import Audience, Run, Visit
from tests.conftest import PASSWORD, app_settings
from tests.small_service import LIBRARY, School, SmallService, small_service

SCHOOLS_A_DAY, DAYS, WEEKS = 8, 5, 50
TIMES = 15
_VERSION = re.compile(r'data-cell="([^"]+)" data-version="([^"]+)"')


def main() -> None:
    """Print a line a figure: median milliseconds, and the ratio to the bare page."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'benchmark.sqlite3'}"
        app = create_app(app_settings(Path(folder), url))
        with app.app_context():
            db.create_all()
            service = _service()
            count = db.session.scalar(select(func.count(Visit.id)))
            print(f"{count} visits in the term")
            _measure(app, service)
            db.session.remove()
            db.engine.dispose()


def _service() -> SmallService:
    """Eight schools on each weekday, every week of a year."""
    library = Organisation(name="Thư viện")
    db.session.add(library)
    db.session.flush()
    schools: list[School] = [
        (
            f"Trường {number}",
            LIBRARY[0] + 0.004 * (number % 7),
            LIBRARY[1] + 0.004 * (number // 7),
            Audience.PRIMARY,
        )
        for number in range(SCHOOLS_A_DAY * DAYS)
    ]
    monday = today() + timedelta(days=7 - today().weekday())
    service = small_service(library, monday, WEEKS, hash_password(PASSWORD), schools)
    service.user.role = Role.COORDINATOR
    for number, stop in enumerate(service.stops):
        stop.starts_on, stop.service_minutes = monday + timedelta(number // SCHOOLS_A_DAY), 30
    db.session.execute(delete(Visit))
    db.session.execute(delete(Run))
    db.session.flush()
    fill_runs(service.term, monday, monday + timedelta(weeks=WEEKS, days=-1))
    db.session.commit()
    return service


def _measure(app: Flask, service: SmallService) -> None:
    bare = Flask("bare")
    bare.add_url_rule("/", "page", lambda: "<!doctype html><title>A page</title>")
    visitor = bare.test_client()
    reference = _median(lambda: visitor.get("/"))
    print(f"{'bare Flask page':28}{reference:9.2f} ms")
    client = app.test_client()
    name = {"username": service.user.username, "password": PASSWORD}
    assert client.post("/accounts/sign-in", data=name).status_code == 302
    day = service.visits()[4].day
    for words, weeks in (("board of a week", 1), ("board of a month", 5)):
        where = f"/timetable/board/?day={day}&weeks={weeks}"
        _tell(words, _median(lambda where=where: client.get(where)), reference)
    _tell("a drop on another day", _drops(client, service, reference), reference)


def _drops(client: FlaskClient, service: SmallService, reference: float) -> float:
    """Each visit of a stop goes a day further and is taken back."""
    dropped, undone = [], []
    for visit in service.visits()[4 : 4 + TIMES]:
        to = visit.day + timedelta(days=1)
        page = client.get(f"/timetable/board/?day={visit.day}").text
        cell = f"{to}.{service.van.id}"
        seen = {k: v for k, v in _VERSION.findall(page) if k[:10] in {str(visit.day), str(to)}}
        body = {"visit": visit.id, "cell": cell, "before": None, "seen": seen}
        begun = time.perf_counter()
        answer = client.post("/timetable/board/drop", json=body)
        dropped.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
        begun = time.perf_counter()
        back = client.post("/timetable/board/undo", json={"undo": answer.json["undo"]})
        undone.append(time.perf_counter() - begun)
        assert back.status_code == 200, back.text
    _tell("taking it back", statistics.median(undone) * 1000, reference)
    return statistics.median(dropped) * 1000


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def _tell(words: str, milliseconds: float, reference: float) -> None:
    print(f"{words:28}{milliseconds:9.1f} ms, {milliseconds / reference:7.0f} of the bare one")


if __name__ == "__main__":
    main()
