"""A real server that can be killed, a real database, and a tablet enrolled with it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from bus_ops import create_app
from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.tablet.enrolment import enrol, new_code
from bus_ops.tablet.models import Event, Tablet
from bus_ops.timetable.models import Audience
from tests.conftest import REPOSITORY, add_organisation, app_settings
from tests.faults.simulated_tablet import SimulatedTablet
from tests.small_service import SmallService, small_service

# Each fault is tried at least this often.
ROUNDS = 200
# A day's stops, close to each other.
SIX_SCHOOLS = tuple(
    (f"Trường Tiểu học Thử {n}", 10.04 + n / 1000, 105.77, Audience.PRIMARY) for n in range(6)
)


def day_of_six_stops(organisation: Organisation, first: date) -> SmallService:
    """The small service with a run that takes a whole day."""
    return small_service(organisation, first, schools=SIX_SCHOOLS)


@dataclass
class KillableServer:
    """The app behind a port, alive only when it is meant to be."""

    app: Flask
    data_folder: Path
    port: int
    process: subprocess.Popen[str]
    organisation_id: int
    run_id: int
    visit_ids: list[int]
    tablets: list[SimulatedTablet] = field(default_factory=list)

    def obey(self, command: str) -> None:
        """Give the parent process a command and wait until it is done."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "done"

    def start(self) -> None:
        """A new life, ready when it answers."""
        self.obey("start")
        until = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < until, "the server did not come back"
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        self.obey("kill")

    def tablet(self, rng: Random, **clock: Any) -> SimulatedTablet:
        """One more tablet, enrolled as a coordinator would."""
        with self.app.app_context():
            row = Tablet(organisation_id=self.organisation_id, name="Máy tính bảng")
            db.session.add(row)
            db.session.flush()
            code = new_code(row)
            _row, secret = enrol(code)
            db.session.commit()
            identity = str(row.id)
            db.session.remove()
        tablet = SimulatedTablet(
            identity, secret, self.port, self.visit_ids, self.run_id, rng, **clock
        )
        self.tablets.append(tablet)
        return tablet

    @property
    def rounds(self) -> int:
        """How often a fault is tried in which the database has no part: all on SQLite."""
        is_sqlite = self.app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
        return ROUNDS if is_sqlite else ROUNDS // 5

    def stored(self) -> dict[str, Event]:
        """Every fact the database holds, by id."""
        with self.app.app_context():
            events = list(db.session.scalars(select(Event)))
            db.session.expunge_all()
            db.session.remove()
            return {str(event.id): event for event in events}

    def assert_nothing_is_lost_or_twice(self) -> None:
        """Facts tapped = facts stored, exactly once, each as it was tapped."""
        stored = self.stored()
        tapped = {key: event for tablet in self.tablets for key, event in tablet.tapped.items()}
        assert stored.keys() == tapped.keys()
        for key, event in tapped.items():
            assert stored[key].payload == event["payload"]
            assert stored[key].kind.value == event["kind"]
            assert stored[key].visit_id == event["visit"]

    def assert_what_was_promised_is_there(self) -> None:
        """Whatever the server said it holds, it holds; nothing tapped is in neither place."""
        stored = self.stored()
        for tablet in self.tablets:
            assert tablet.told_held <= stored.keys()
            assert tablet.tapped.keys() <= stored.keys() | tablet.unsent.keys()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/tablet/api/ping")
            return connection.getresponse().status == 401
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def running_server(
    database_url: str,
    folder: Path,
    service_of: Callable[[Organisation, date], SmallService] = day_of_six_stops,
) -> Iterator[KillableServer]:
    """A server with a service that runs today, on this database."""
    app = create_app(app_settings(folder, database_url))
    with app.app_context():
        service = service_of(add_organisation(), today())
        run = service.run_on(today())
        known = (service.organisation.id, run.id, [visit.id for visit in run.visits])
        assert service.term.ends_on is None or service.term.ends_on > today() + timedelta(days=7)
        db.session.remove()
        db.engine.dispose()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.killable_server",
            str(folder),
            database_url,
            str(port),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder / "server.log").open("w"),
        text=True,
        cwd=REPOSITORY,
        start_new_session=True,
    )
    server = KillableServer(app, folder, port, process, *known)
    try:
        yield server
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(10)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def server(each_database_url: str, tmp_path: Path) -> Iterator[KillableServer]:
    """The server on SQLite and on PostgreSQL."""
    yield from running_server(each_database_url, tmp_path)


@pytest.fixture
def sqlite_server(sqlite_url: str, tmp_path: Path) -> Iterator[KillableServer]:
    """The server on SQLite."""
    yield from running_server(sqlite_url, tmp_path)
