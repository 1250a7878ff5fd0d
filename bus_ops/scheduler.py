"""The one scheduler of an installation: wakes the nightly jobs, however many workers serve.

Whoever holds the lock runs the jobs: a file lock beside an SQLite database, an advisory lock in
PostgreSQL. The others wait and try again, so that one takes over when the holder dies. Jobs are
defined in code and kept in memory; a job's turn is unique in the database, so even two schedulers
could not do it twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask
from sqlalchemy import text

from .database import db, now
from .i18n import ZONE
from .jobs import JOBS, close_interrupted_turns, run_due_jobs, tell_and_send

RETRY_SECONDS = 15.0
# Turns missed while the machine slept, and failed ones, are caught up at this pace.
CATCH_UP_MINUTES = 10
# How often messages go out.
POST_SECONDS = 30
_ADVISORY_KEY = 730_001

log = logging.getLogger("bus_ops.scheduler")


def run_scheduler(app: Flask, stop: threading.Event, retry_seconds: float = RETRY_SECONDS) -> None:
    """Hold the lock and wake the jobs until ``stop``; waits while another process holds it."""
    while not stop.is_set():
        with sole_scheduler(app) as is_sole:
            if is_sole:
                _wake_jobs(app, stop)
                return
        stop.wait(retry_seconds)


@contextlib.contextmanager
def sole_scheduler(app: Flask) -> Iterator[bool]:
    """Whether this process is the scheduler, for as long as the block lasts."""
    with app.app_context():
        dialect = db.engine.dialect.name
    lock = _advisory_lock(app) if dialect == "postgresql" else _file_lock(app)
    with lock as held:
        yield held


def _wake_jobs(app: Flask, stop: threading.Event) -> None:
    with app.app_context():
        close_interrupted_turns()
    scheduler = BackgroundScheduler(timezone=ZONE)

    def wake() -> None:
        with app.app_context():
            run_due_jobs(now())

    def post() -> None:
        with app.app_context():
            tell_and_send()

    options = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
    for job in JOBS:
        trigger = CronTrigger(hour=job.hour, minute=job.minute, timezone=ZONE)
        scheduler.add_job(wake, trigger, id=job.name, **options)
    catch_up = IntervalTrigger(minutes=CATCH_UP_MINUTES, timezone=ZONE)
    scheduler.add_job(wake, catch_up, id="catch_up", next_run_time=now(), **options)
    scheduler.add_job(
        post, IntervalTrigger(seconds=POST_SECONDS, timezone=ZONE), id="post", **options
    )
    scheduler.start()
    log.info("scheduler started")
    stop.wait()
    scheduler.shutdown()


@contextlib.contextmanager
def _file_lock(app: Flask) -> Iterator[bool]:
    path = Path(app.config["DATA_FOLDER"]) / "scheduler.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextlib.contextmanager
def _advisory_lock(app: Flask) -> Iterator[bool]:
    with app.app_context(), db.engine.connect() as connection:
        query = text("SELECT pg_try_advisory_lock(:key)")
        held = bool(connection.execute(query, {"key": _ADVISORY_KEY}).scalar())
        connection.commit()
        yield held
