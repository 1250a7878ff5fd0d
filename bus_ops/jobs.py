"""What happens every night, each job once for its hour however often it is asked for."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_babel.speaklater import LazyString
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .accounts.models import Organisation
from .background import JobRun, WorkState
from .backups import make_backup, prune_backups
from .circulation.due_dates import in_words, refresh_due_dates
from .database import db, now
from .i18n import ZONE, today
from .timetable.generating import fill_horizon
from .timetable.promises import warnings_between
from .timetable.statuses import roll_statuses


@dataclass(frozen=True)
class Job:
    """A nightly job: ``work`` answers one sentence about what it did."""

    name: str
    label: LazyString
    hour: int
    minute: int
    work: Callable[[], str]

    def due_before(self, moment: datetime) -> datetime:
        """The last time at which the job was due, up to and including ``moment``."""
        here = moment.astimezone(ZONE)
        due = here.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        return due if due <= here else due - timedelta(days=1)


def run_job(job: Job, due_at: datetime) -> JobRun | None:
    """Do the job for this due time; None when it was done (or begun) for it before.

    A failure is kept with its message for the administrator, and logged.
    """
    turn = JobRun(job=job.name, due_at=due_at)
    db.session.add(turn)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    turn_id = turn.id
    try:
        message, state = job.work(), WorkState.DONE
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        logging.getLogger("bus_ops.jobs").exception("job %s failed", job.name)
        message, state = f"{type(error).__name__}: {error}", WorkState.FAILED
    turn = db.session.get_one(JobRun, turn_id)
    turn.message, turn.state, turn.finished_at = message, state, now()
    db.session.commit()
    return turn


def run_due_jobs(moment: datetime) -> list[JobRun]:
    """Do every job whose last due time was missed; called at start and every few minutes."""
    turns = [run_job(job, job.due_before(moment)) for job in JOBS]
    return [turn for turn in turns if turn is not None]


def last_turns(job: Job, limit: int = 5) -> list[JobRun]:
    """The job's latest turns, newest first."""
    query = select(JobRun).where(JobRun.job == job.name).order_by(JobRun.due_at.desc())
    return list(db.session.scalars(query.limit(limit)))


def job_named(name: str) -> Job | None:
    """The job of this name, if there is one."""
    return next((job for job in JOBS if job.name == name), None)


def _organisation_ids() -> list[int]:
    return list(db.session.scalars(select(Organisation.id)))


def _roll_statuses() -> str:
    changed = 0
    moved: Counter[date] = Counter()
    for organisation_id in _organisation_ids():
        changed += roll_statuses(organisation_id, today())
        # What was due at a visit to which no van came is due at the next one.
        moved += refresh_due_dates(organisation_id)
    done = ngettext(
        "%(num)s visit brought up to date.", "%(num)s visits brought up to date.", changed
    )
    return f"{done} {in_words(moved)}".rstrip()


def _fill_horizon() -> str:
    runs = visits = 0
    moved: Counter[date] = Counter()
    for organisation_id in _organisation_ids():
        report = fill_horizon(organisation_id, today(), current_app.config["HORIZON_DAYS"])
        runs, visits = runs + report.runs, visits + report.visits
        if report.visits:
            moved += refresh_due_dates(organisation_id)
    done = _("%(runs)s runs with %(visits)s visits added.", runs=runs, visits=visits)
    return f"{done} {in_words(moved)}".rstrip()


def _check_tomorrow() -> str:
    tomorrow = today() + timedelta(days=1)
    sentences = [
        warned.sentence
        for organisation_id in _organisation_ids()
        for list_ in warnings_between(tomorrow, tomorrow, organisation_id).values()
        for warned in list_
    ]
    if not sentences:
        return _("Tomorrow keeps every promise.")
    return _("Tomorrow breaks promises: %(list)s", list=" · ".join(sentences))


def _backup() -> str:
    backup = make_backup()
    pruned = prune_backups(current_app.config["BACKUP_KEEP_DAYS"])
    return _("%(file)s made, %(pruned)s old ones deleted.", file=backup.path.name, pruned=pruned)


JOBS = (
    Job("backup", _l("Backup"), 0, 5, _backup),
    Job("roll_statuses", _l("Statuses of past visits"), 0, 20, _roll_statuses),
    Job("fill_horizon", _l("Runs up to the horizon"), 0, 30, _fill_horizon),
    Job("check_tomorrow", _l("Check of tomorrow's runs"), 17, 0, _check_tomorrow),
)
