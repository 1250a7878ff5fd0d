"""What happens every night: each job once for its hour, and its failures where they are seen."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.background import JobRun, WorkState
from bus_ops.backups import backup_folder, backups, make_backup
from bus_ops.database import db, now
from bus_ops.fleet.models import VanOutOfService
from bus_ops.i18n import ZONE, today
from bus_ops.jobs import JOBS, Job, job_named, last_turns, run_due_jobs, run_job
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.timetable.models import TermStatus, Visit, VisitStatus
from tests.conftest import SignIn
from tests.small_service import small_service


def job(name: str) -> Job:
    found = job_named(name)
    assert found is not None
    return found


def turn(name: str) -> JobRun:
    done = run_job(job(name), now())
    assert done is not None
    return done


def test_a_due_time_is_done_once_however_often_it_is_asked_for(
    app_on_each: Flask, organisation: Organisation
) -> None:
    moment = datetime(2026, 11, 25, 18, 0, tzinfo=ZONE)
    assert len(run_due_jobs(moment)) == len(JOBS)
    assert run_due_jobs(moment) == []
    assert len(run_due_jobs(moment + timedelta(days=1))) == len(JOBS)


@pytest.mark.parametrize(
    ("hour", "day"), [(16, 24), (17, 25), (23, 25)], ids=["before", "at its hour", "after"]
)
def test_a_job_is_due_at_its_local_hour(hour: int, day: int) -> None:
    moment = datetime(2026, 11, 25, hour, 0, tzinfo=ZONE)
    due = job("check_tomorrow").due_before(moment)
    assert due == datetime(2026, 11, day, 17, 0, tzinfo=ZONE)


def test_visits_nobody_logged_are_missed_and_logged_ones_are_not(
    app_on_each: Flask, organisation: Organisation
) -> None:
    service = small_service(organisation, today() - timedelta(weeks=2))
    logged, forgotten = service.visits(0)[0], service.visits(1)[0]
    record(EventKind.ARRIVED, service.user, visit=logged, recorded_at=logged.arrival_at)
    record(EventKind.DEPARTED, service.user, visit=logged, recorded_at=logged.departure_at)
    turn("roll_statuses")
    assert (logged.status, forgotten.status) == (VisitStatus.SERVED, VisitStatus.MISSED)
    coming = [visit for visit in service.visits(0) if visit.day > today()]
    assert {visit.status for visit in coming} == {VisitStatus.PLANNED}


def test_an_open_ended_term_is_filled_up_to_the_horizon(
    app_on_each: Flask, organisation: Organisation
) -> None:
    app_on_each.config["HORIZON_DAYS"] = 70
    service = small_service(organisation, today(), weeks=2)
    service.term.ends_on = None
    service.term.status = TermStatus.PUBLISHED
    db.session.commit()
    turn("fill_horizon")
    assert service.visits()[-1].day == today() + timedelta(weeks=10)
    count = db.session.scalar(select(func.count()).select_from(Visit))
    turn("fill_horizon")
    assert db.session.scalar(select(func.count()).select_from(Visit)) == count


def test_tomorrows_broken_promises_are_told(app: Flask, organisation: Organisation) -> None:
    service = small_service(organisation, today() + timedelta(days=1))
    assert turn("check_tomorrow").message == "Ngày mai giữ trọn mọi lời hẹn."
    tomorrow = today() + timedelta(days=1)
    db.session.add(
        VanOutOfService(
            organisation_id=organisation.id,
            van_id=service.van.id,
            first_on=tomorrow,
            last_on=tomorrow,
            reason="Thay lốp",
        )
    )
    db.session.commit()
    assert "Thay lốp" in turn("check_tomorrow").message


def test_a_backup_holds_every_row_while_the_app_runs(
    app: Flask, organisation: Organisation
) -> None:
    small_service(organisation, today())
    made = make_backup()
    with closing(sqlite3.connect(made.path)) as copy:
        for table in db.metadata.sorted_tables:
            here = db.session.scalar(select(func.count()).select_from(table))
            there = copy.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0]
            assert there == here, table.name
    assert made.path.stat().st_mode & 0o077 == 0


@pytest.mark.postgres
def test_postgresql_is_backed_up_too(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from bus_ops import create_app
    from tests.conftest import app_settings

    url = request.getfixturevalue("postgres_url")
    app = create_app(app_settings(tmp_path_factory.mktemp("backup"), url))
    with app.app_context():
        made = make_backup()
        assert made.path.read_bytes().startswith(b"PGDMP")
        db.session.remove()
        db.engine.dispose()


def test_old_backups_go_and_the_newest_stays(app: Flask, organisation: Organisation) -> None:
    turn("backup")
    newest = backups()[0]
    folder = backup_folder()
    for days in (10, 40, 50):
        old = folder / f"bus-ops-{days}.sqlite3"
        old.write_bytes(newest.path.read_bytes())
        past = (now() - timedelta(days=days)).timestamp()
        os.utime(old, (past, past))
    turn("backup")
    names = {backup.path.name for backup in backups()}
    assert "bus-ops-10.sqlite3" in names
    assert not names & {"bus-ops-40.sqlite3", "bus-ops-50.sqlite3"}


@pytest.fixture
def backups_fail(app: Flask) -> Iterator[None]:
    """A file stands where the backup folder should be."""
    folder = backup_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    yield
    folder.unlink()


def test_a_failure_is_shown_to_the_administrator(
    app: Flask, organisation: Organisation, backups_fail: None, sign_in: SignIn
) -> None:
    failed = turn("backup")
    assert failed.state == WorkState.FAILED
    assert failed.message
    page = sign_in(Role.ADMINISTRATOR).get("/administration/").get_data(as_text=True)
    assert "Failed" in page
    assert failed.message.split(":")[0] in page
    assert last_turns(job("backup"))[0].state == WorkState.FAILED


def test_an_administrator_does_a_job_now(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    client = sign_in(Role.ADMINISTRATOR)
    answer = client.post("/administration/jobs/backup", follow_redirects=True)
    assert backups()[0].path.name in answer.get_data(as_text=True)
    assert client.post("/administration/jobs/dance").status_code == 404
