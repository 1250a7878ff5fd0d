"""What happens every night: each job once for its hour, and its failures where they are seen."""

from __future__ import annotations

import os
import re
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
from bus_ops.jobs import (
    JOBS,
    Job,
    close_interrupted_turns,
    job_named,
    last_turns,
    run_due_jobs,
    run_job,
    shown_turn,
)
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.timetable.models import TermStatus, Visit, VisitStatus
from tests.conftest import SignIn, add_organisation
from tests.small_service import small_service

# A backup copies the file that the engine was made for.
pytestmark = pytest.mark.own_app


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
    kept = [note.text for note in turn("check_tomorrow").notes]
    assert kept == ["Ngày mai giữ trọn mọi lời hẹn."]
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
    told = turn("check_tomorrow").notes
    sentences = [note.text for note in told]
    assert any("Thay lốp" in sentence for sentence in sentences)
    assert all(sentence.startswith("Xe thông minh · 07:00 · ") for sentence in sentences)
    assert {note.run_id for note in told} == {service.run_on(tomorrow).id}


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


def out_tomorrow(organisation: Organisation, reason: str) -> None:
    """The library's van is out of service tomorrow, when it has a run."""
    service = small_service(organisation, today() + timedelta(days=1))
    service.user.username = f"thu-thu-{organisation.id}"
    tomorrow = today() + timedelta(days=1)
    db.session.add(
        VanOutOfService(
            organisation_id=organisation.id,
            van_id=service.van.id,
            first_on=tomorrow,
            last_on=tomorrow,
            reason=reason,
        )
    )
    db.session.commit()


def test_each_library_is_told_of_its_own_runs_only(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    out_tomorrow(organisation, "Thay lốp")
    out_tomorrow(add_organisation("Thư viện khác"), "Đăng kiểm")
    turn("check_tomorrow")
    for role, path in (
        (Role.ADMINISTRATOR, "/administration/"),
        (Role.COORDINATOR, "/timetable/month"),
    ):
        page = sign_in(role).get(path).get_data(as_text=True)
        assert "Thay lốp" in page
        assert "Đăng kiểm" not in page
        assert re.search(r'<a href="/timetable/runs/\d+">Xe thông minh · 07:00 · ', page)


def test_crew_and_reporters_are_not_asked_to_mend_tomorrow(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    out_tomorrow(organisation, "Thay lốp")
    page = sign_in(Role.REPORTER).get("/timetable/month").get_data(as_text=True)
    assert "tomorrow-heading" not in page


def test_a_mended_promise_leaves_the_coordinators_page(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    out_tomorrow(organisation, "Thay lốp")
    turn("check_tomorrow")
    coordinator = sign_in(Role.COORDINATOR)
    assert "tomorrow-heading" in coordinator.get("/timetable/month").get_data(as_text=True)
    db.session.delete(db.session.scalars(select(VanOutOfService)).one())
    db.session.commit()
    assert "Thay lốp" not in coordinator.get("/timetable/month").get_data(as_text=True)


def test_one_librarys_failure_is_its_own(
    app: Flask, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = add_organisation("Thư viện khác")

    def fails_for_one(organisation_id: int, _day: object) -> int:
        if organisation_id == other.id:
            raise RuntimeError("bí mật")
        return 7

    monkeypatch.setattr("bus_ops.jobs.roll_statuses", fails_for_one)
    done = turn("roll_statuses")
    mine, theirs = shown_turn(done, organisation.id), shown_turn(done, other.id)
    assert (mine.state, theirs.state) == (WorkState.DONE, WorkState.FAILED)
    assert "7" in mine.text
    assert "bí mật" not in mine.text
    assert "bí mật" in theirs.text
    assert done.state == WorkState.FAILED


def later(turn_: JobRun, minutes: int) -> None:
    """As if the turn had begun some minutes earlier."""
    turn_.started_at -= timedelta(minutes=minutes)
    db.session.commit()


def test_a_failed_turn_is_tried_twice_more_with_a_pause(
    app_on_each: Flask, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise OSError("đĩa đầy")

    monkeypatch.setattr("bus_ops.jobs.make_backup", fails)
    due = now()
    backup = job("backup")
    for attempt in (1, 2, 3):
        failed = run_job(backup, due)
        assert failed is not None
        assert (failed.state, failed.attempts) == (WorkState.FAILED, attempt)
        assert run_job(backup, due) is None, "not before the pause is over"
        later(failed, 6)
    assert run_job(backup, due) is None, "three times in all"
    assert len(last_turns(backup)) == 1


def test_a_retry_that_succeeds_is_done_and_stays_done(
    app: Flask, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    due, rolls = now(), job("roll_statuses")
    with monkeypatch.context() as broken:
        broken.setattr("bus_ops.jobs.roll_statuses", lambda *_: 1 / 0)
        failed = run_job(rolls, due)
    assert failed is not None
    later(failed, 6)
    done = run_job(rolls, due)
    assert done is not None
    assert (done.state, len(done.notes)) == (WorkState.DONE, 1)
    later(done, 6)
    assert run_job(rolls, due) is None


def test_a_turn_cut_off_is_marked_and_done_again_at_the_next_start(
    app_on_each: Flask, organisation: Organisation
) -> None:
    moment = datetime(2026, 11, 25, 18, 0, tzinfo=ZONE)
    due = job("roll_statuses").due_before(moment)
    cut_off = JobRun(job="roll_statuses", due_at=due, started_at=now())
    db.session.add(cut_off)
    later(cut_off, 6)
    run_due_jobs(moment)
    assert cut_off.state == WorkState.RUNNING, "another thread of the scheduler may be at it"
    close_interrupted_turns()
    assert cut_off.state == WorkState.FAILED
    assert "Gián đoạn" in cut_off.message
    run_due_jobs(moment)
    assert (cut_off.state, cut_off.attempts, cut_off.message) == (WorkState.DONE, 2, "")


def test_a_turn_begun_by_hand_is_given_an_hour(app: Flask, organisation: Organisation) -> None:
    by_hand = JobRun(job="backup", due_at=now(), started_at=now(), by_hand=True)
    db.session.add(by_hand)
    db.session.commit()
    close_interrupted_turns()
    run_due_jobs(now())
    assert by_hand.state == WorkState.RUNNING
    later(by_hand, 61)
    run_due_jobs(now())
    assert by_hand.state == WorkState.FAILED


def test_an_administrator_does_a_job_now(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    client = sign_in(Role.ADMINISTRATOR)
    answer = client.post("/administration/jobs/backup", follow_redirects=True)
    assert backups()[0].path.name in answer.get_data(as_text=True)
    assert client.post("/administration/jobs/dance").status_code == 404
