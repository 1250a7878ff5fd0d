"""Whatever breaks between a tablet and the server: facts tapped = facts stored, exactly once.

Each fault is tried in 200 rounds at the level of the protocol, against the real server on a real
database. The seed of a round is its number, so that a failing round can be repeated.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select

from bus_ops.database import db, now
from bus_ops.tablet.log import replay
from bus_ops.tablet.models import Contradiction, ContradictionKind, Tablet
from bus_ops.timetable.models import Attendance
from tests.faults.conftest import ROUNDS, KillableServer, running_server
from tests.postgres import PostgresServer

pytestmark = pytest.mark.timeout(400)


def test_the_server_is_killed_in_the_middle_of_a_batch(sqlite_server: KillableServer) -> None:
    server = sqlite_server
    server.start()
    tablet = server.tablet(Random(0))
    for number in range(ROUNDS):
        rng = Random(number)
        tablet.rng = rng
        tablet.tap_some(30)
        killer = threading.Timer(rng.uniform(0, 0.03), server.kill)
        killer.start()
        tablet.send()
        killer.join()
        server.start()
        if number % 20 == 0:
            server.assert_what_was_promised_is_there()
    assert tablet.send_everything()
    server.assert_nothing_is_lost_or_twice()


@pytest.mark.postgres
def test_the_server_is_killed_while_postgresql_goes_on(postgres_url: str, tmp_path: Path) -> None:
    for server in running_server(postgres_url, tmp_path):
        server.start()
        tablet = server.tablet(Random(0))
        for number in range(ROUNDS):
            rng = Random(number)
            tablet.rng = rng
            tablet.tap_some(30)
            killer = threading.Timer(rng.uniform(0, 0.03), server.kill)
            killer.start()
            tablet.send()
            killer.join()
            server.start()
        assert tablet.send_everything()
        server.assert_nothing_is_lost_or_twice()


def test_answers_are_lost(server: KillableServer) -> None:
    server.start()
    tablet = server.tablet(Random(1))
    for _ in range(ROUNDS):
        tablet.tap_some()
        if tablet.rng.random() < 0.7:
            tablet.send_and_lose_the_answer()
        else:
            tablet.send()
    assert tablet.send_everything()
    server.assert_nothing_is_lost_or_twice()


def test_batches_come_twice_reordered_split_and_cut_off(server: KillableServer) -> None:
    server.start()
    tablet = server.tablet(Random(2))
    for number in range(ROUNDS):
        rng = Random(number)
        tablet.tap_some()
        everything = list(tablet.tapped.values())
        match rng.randrange(4):
            case 0:
                tablet.send()
                tablet.send(everything[-40:])
            case 1:
                tablet.send(rng.sample(list(tablet.unsent.values()), len(tablet.unsent)))
            case 2:
                unsent = list(tablet.unsent.values())
                middle = rng.randrange(len(unsent) + 1)
                tablet.send(unsent[middle:])
                tablet.send(unsent[:middle])
            case _:
                assert tablet.send_cut_off() != 200
    assert tablet.send_everything()
    server.assert_nothing_is_lost_or_twice()


def test_batches_meet_on_the_way(server: KillableServer) -> None:
    """The page and its worker send the same facts at the same moment, each with its own state."""
    server.start()
    tablet = server.tablet(Random(3))
    with ThreadPoolExecutor(2) as page_and_worker:
        for _ in range(ROUNDS):
            tablet.tap_some()
            both = [page_and_worker.submit(tablet.send, told=told) for told in range(2)]
            assert [sent.result() for sent in both] == [200, 200]
    assert tablet.send_everything()
    server.assert_nothing_is_lost_or_twice()


def test_two_tablets_have_the_same_copy(server: KillableServer) -> None:
    server.start()
    rng = Random(4)
    one, other = server.tablet(Random(5)), server.tablet(Random(6))
    for _ in range(ROUNDS):
        for tablet, card in ((one, "T1"), (other, "T2")):
            if rng.random() < 0.6:
                tablet.tap("lent", barcode="B1", card_number=card)
            if rng.random() < 0.5:
                tablet.tap("returned", barcode="B1")
        for tablet in rng.sample([one, other], 2):
            if rng.random() < 0.6:
                tablet.send()
    assert one.send_everything()
    assert other.send_everything()
    server.assert_nothing_is_lost_or_twice()
    with server.app.app_context():
        before = projections()
        replay(server.organisation_id)
        assert projections() == before
        told = select(func.count()).where(Contradiction.kind == ContradictionKind.LENT_TWICE)
        assert db.session.scalar(told)
        db.session.remove()


def projections() -> list[tuple[object, ...]]:
    from bus_ops.circulation.models import Loan

    loans = select(Loan.event_id, Loan.card_number, Loan.returned_at, Loan.due_on)
    people = select(Attendance.visit_id, Attendance.audience, Attendance.people)
    found = select(Contradiction.event_id, Contradiction.kind)
    rows = [tuple(row) for query in (loans, people, found) for row in db.session.execute(query)]
    return sorted(rows, key=str)


@pytest.mark.parametrize("hours", [-72, 2])
def test_a_clock_is_wrong(server: KillableServer, hours: int) -> None:
    """Measured, the error is taken off; not measured, the facts are kept and told."""
    server.start()
    error = timedelta(hours=hours)
    offset = int(-error.total_seconds() * 1000)
    measured = server.tablet(Random(7), clock_error=error, clock_offset_ms=offset)
    blind = server.tablet(Random(8), clock_error=error)
    for _ in range(server.rounds):
        measured.tap_some(5)
        blind.tap_some(3)
        measured.send()
        blind.send()
    server.assert_nothing_is_lost_or_twice()
    stored = server.stored()
    for key in measured.tapped:
        assert abs(stored[key].happened_at - stored[key].received_at) < timedelta(minutes=5)
    with server.app.app_context():
        wrong = select(Contradiction.event_id).where(
            Contradiction.kind == ContradictionKind.CLOCK_WRONG
        )
        told = {str(identity) for identity in db.session.scalars(wrong)}
        db.session.remove()
    assert told
    assert told <= blind.tapped.keys()


def test_the_time_zone_changes_on_the_way(server: KillableServer) -> None:
    server.start()
    tablet = server.tablet(Random(9))
    for number in range(server.rounds):
        tablet.zone_minutes = Random(number).choice((-300, 0, 330, 420, 765))
        tablet.tap_some(4)
        tablet.send()
    server.assert_nothing_is_lost_or_twice()
    for event in server.stored().values():
        assert abs(event.recorded_at - event.received_at) < timedelta(minutes=5)


def test_a_revoked_tablet_loses_its_eyes_but_not_its_facts(server: KillableServer) -> None:
    server.start()
    tablet = server.tablet(Random(10))
    for number in range(server.rounds):
        revoked = number % 2 == 1
        with server.app.app_context():
            row = db.session.scalars(select(Tablet)).one()
            row.revoked_at = now() if revoked else None
            db.session.commit()
            db.session.remove()
        tablet.tap_some(4)
        assert tablet.send() == 200
        assert read_status(tablet.port, tablet.headers()) == (401 if revoked else 200)
    server.assert_nothing_is_lost_or_twice()


def read_status(port: int, headers: dict[str, str]) -> int:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/tablet/api/ping", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_expired_credential_is_refused_and_nothing_is_forgotten(
    server: KillableServer,
) -> None:
    server.start()
    tablet = server.tablet(Random(11))
    secret = tablet.secret
    for number in range(server.rounds):
        tablet.tap_some(4)
        expired = number % 3 > 0
        tablet.secret = "expired" if expired else secret
        assert tablet.send() == (401 if expired else 200)
        assert bool(tablet.unsent) == expired
    tablet.secret = secret
    assert tablet.send_everything()
    server.assert_nothing_is_lost_or_twice()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real small disk where this user may mount one; else a folder (files are limited then)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_servers_disk_is_full(empty_sqlite: Path, small_disk: Path, tmp_path: Path) -> None:
    database = small_disk / "test.sqlite3"
    shutil.copy(empty_sqlite, database)
    ballast = small_disk / "ballast"
    is_mount = os.path.ismount(small_disk)
    refused = 0
    for server in running_server(f"sqlite:///{database}", tmp_path):
        server.start()
        tablet = server.tablet(Random(12))
        for number in range(ROUNDS):
            tablet.tap_some(6)
            if number % 10 == 4:
                if is_mount:
                    fill(small_disk, ballast)
                else:
                    server.obey(f"limit {database.stat().st_size}")
                    server.start()
            status = tablet.send()
            refused += status is not None and status >= 500
            assert status == 200 or tablet.unsent
            if number % 10 == 8:
                ballast.unlink(missing_ok=True)
                server.obey("limit none")
                server.start()
        ballast.unlink(missing_ok=True)
        server.obey("limit none")
        server.start()
        assert tablet.send_everything()
        server.assert_nothing_is_lost_or_twice()
    assert refused


def fill(disk: Path, ballast: Path) -> None:
    """Leave no byte."""
    free = shutil.disk_usage(disk).free
    try:
        ballast.write_bytes(b"\0" * free)
    except OSError:
        assert shutil.disk_usage(disk).free < 65536


@pytest.mark.postgres
def test_postgresql_crashes_and_comes_back(tmp_path: Path) -> None:
    database = PostgresServer.start()
    try:
        url = database.new_database()
        from bus_ops import create_app
        from tests.conftest import app_settings

        app = create_app(app_settings(tmp_path, url))
        with app.app_context():
            db.create_all()
            db.session.remove()
            db.engine.dispose()
        for server in running_server(url, tmp_path):
            server.start()
            tablet = server.tablet(Random(13))
            with server.app.app_context():
                db.engine.dispose()
            for number in range(ROUNDS):
                tablet.tap_some(6)
                if number % 8 == 3:
                    crash = threading.Timer(tablet.rng.uniform(0, 0.02), database.crash)
                    crash.start()
                    tablet.send()
                    crash.join()
                    database.launch()
                else:
                    tablet.send()
            until = time.monotonic() + 30
            while not tablet.send_everything():
                assert time.monotonic() < until
            server.assert_nothing_is_lost_or_twice()
    finally:
        database.stop()
