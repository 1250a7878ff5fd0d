"""What happens every night, each job once for its hour however often it is asked for.

A job that fails, or whose process ends in the middle of it, is done again after a pause, in the
same turn. What it says to a library is kept apart from what it says to others.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError

from .accounts.models import Organisation
from .background import JobNote, JobRun, WorkState
from .backups import make_backup, prune_backups
from .circulation.due_dates import in_words, refresh_due_dates
from .circulation.host_counts import overdue_at
from .database import db, now
from .i18n import ZONE, today
from .places.host_links import host_token
from .places.models import Place
from .privacy.forgetting import forget_readers_of_old_loans
from .reports.saved import deliver_due
from .telling.links import external
from .telling.sending import send_what_is_due
from .telling.visit_notices import remind, tell_of_changes, tell_of_new_timetables
from .timetable.generating import fill_horizon
from .timetable.models import Visit
from .timetable.statuses import roll_statuses
from .timetable.tomorrow import promises_broken_on

MOST_ATTEMPTS = 3
PAUSE_BEFORE_RETRY = timedelta(minutes=5)
# No job takes that long: its process has gone.
LONGEST_BY_HAND = timedelta(hours=1)

log = logging.getLogger("bus_ops.jobs")


@dataclass(frozen=True)
class Note:
    """A sentence for one library, about a run where ``run_id`` names it."""

    text: str
    run_id: int | None = None


@dataclass(frozen=True)
class Job:
    """A nightly job: done once for the installation, or for each library by itself."""

    name: str
    label: LazyString
    hour: int
    minute: int
    for_installation: Callable[[], Sequence[Note]] | None = None
    for_library: Callable[[int], Sequence[Note]] | None = None

    def due_before(self, moment: datetime) -> datetime:
        """The last time at which the job was due, up to and including ``moment``."""
        here = moment.astimezone(ZONE)
        due = here.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        return due if due <= here else due - timedelta(days=1)


@dataclass(frozen=True)
class ShownTurn:
    """A turn as one library sees it: its own notes, and the installation's message."""

    started_at: datetime
    state: WorkState
    attempts: int
    message: str
    notes: Sequence[JobNote] = field(default_factory=tuple)

    @property
    def text(self) -> str:
        """Everything it says in one line."""
        texts = [self.message, *(note.text for note in self.notes)]
        return " · ".join(text for text in texts if text)


def run_job(job: Job, due_at: datetime, by_hand: bool = False) -> JobRun | None:
    """Do the job for this due time; None when it was done (or begun) for it before.

    A failure is kept with its message for the administrator, and logged; asked for again after a
    pause, the same turn is tried again, three times in all.
    """
    turn_id = _begun(job, due_at, by_hand) or _begun_again(job, due_at)
    if turn_id is None:
        return None
    notes: Sequence[Note] = ()
    failed = False
    if job.for_installation is not None:
        notes, failed = _attempted(job, job.for_installation)
    if job.for_library is not None:
        for organisation_id in list(db.session.scalars(select(Organisation.id))):
            failed |= _do_for_library(job, job.for_library, turn_id, organisation_id)
    turn = db.session.get_one(JobRun, turn_id)
    turn.message, turn.finished_at = " · ".join(note.text for note in notes), now()
    turn.state = WorkState.FAILED if failed else WorkState.DONE
    db.session.commit()
    return turn


def run_due_jobs(moment: datetime) -> list[JobRun]:
    """Do every job whose last due time was missed or failed; called every few minutes."""
    begun_before = moment - LONGEST_BY_HAND
    _close_running(JobRun.by_hand & (JobRun.started_at < begun_before))
    turns = [run_job(job, job.due_before(moment)) for job in JOBS]
    return [turn for turn in turns if turn is not None]


def close_interrupted_turns() -> None:
    """Mark turns of the schedule that an earlier process left unfinished.

    Only the one scheduler may call it, and only at its start: then none of them can be going on.
    """
    _close_running(~JobRun.by_hand)


def last_turns(job: Job, limit: int = 5) -> list[JobRun]:
    """The job's latest turns, newest first."""
    query = select(JobRun).where(JobRun.job == job.name).order_by(JobRun.due_at.desc())
    return list(db.session.scalars(query.limit(limit)))


def shown_turn(turn: JobRun, organisation_id: int) -> ShownTurn:
    """The turn as this library may see it; a failure of another library is not its own."""
    notes = [note for note in turn.notes if note.organisation_id == organisation_id]
    state = turn.state
    if notes and turn.finished_at:
        failed = any(note.failed for note in notes)
        state = WorkState.FAILED if failed else WorkState.DONE
    return ShownTurn(turn.started_at, state, turn.attempts, turn.message, notes)


def job_named(name: str) -> Job | None:
    """The job of this name, if there is one."""
    return next((job for job in JOBS if job.name == name), None)


def _begun(job: Job, due_at: datetime, by_hand: bool) -> int | None:
    turn = JobRun(job=job.name, due_at=due_at, by_hand=by_hand)
    db.session.add(turn)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    return turn.id


def _begun_again(job: Job, due_at: datetime) -> int | None:
    """Take a failed turn up again; of several who try at once, one succeeds."""
    turn = db.session.scalar(select(JobRun).where(JobRun.job == job.name, JobRun.due_at == due_at))
    if turn is None:
        return None
    taken = db.session.execute(
        update(JobRun)
        .where(
            JobRun.id == turn.id,
            JobRun.state == WorkState.FAILED,
            JobRun.attempts < MOST_ATTEMPTS,
            JobRun.started_at <= now() - PAUSE_BEFORE_RETRY,
        )
        .values(
            state=WorkState.RUNNING,
            attempts=JobRun.attempts + 1,
            started_at=now(),
            finished_at=None,
        )
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        db.session.rollback()
        return None
    turn.notes.clear()
    db.session.commit()
    return turn.id


def _attempted(job: Job, work: Callable[[], Sequence[Note]]) -> tuple[Sequence[Note], bool]:
    """What the work says, or what went wrong; and whether it went wrong."""
    try:
        notes = work()
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        log.exception("job %s failed", job.name)
        return [Note(f"{type(error).__name__}: {error}")], True
    return notes, False


def _do_for_library(
    job: Job, work: Callable[[int], Sequence[Note]], turn_id: int, organisation_id: int
) -> bool:
    """Do a library's part and keep its notes; answers whether it failed."""
    notes, failed = _attempted(job, lambda: work(organisation_id))
    for note in notes:
        db.session.add(
            JobNote(
                organisation_id=organisation_id,
                job_run_id=turn_id,
                run_id=note.run_id,
                text=note.text,
                failed=failed,
            )
        )
    db.session.commit()
    return failed


def _close_running(which: ColumnElement[bool]) -> None:
    message = _("Interrupted: its process ended before the work was done.")
    db.session.execute(
        update(JobRun)
        .where(JobRun.state == WorkState.RUNNING, which)
        .values(state=WorkState.FAILED, message=message)
    )
    db.session.commit()


def _roll_statuses(organisation_id: int) -> list[Note]:
    changed = roll_statuses(organisation_id, today())
    # What was due at a visit to which no van came is due at the next one.
    moved = refresh_due_dates(organisation_id)
    text = ngettext(
        "%(num)s visit brought up to date.", "%(num)s visits brought up to date.", changed
    )
    return [Note(f"{text} {in_words(moved)}".rstrip())]


def _fill_horizon(organisation_id: int) -> list[Note]:
    report = fill_horizon(organisation_id, today(), current_app.config["HORIZON_DAYS"])
    moved: Counter[date] = refresh_due_dates(organisation_id) if report.visits else Counter()
    text = _("%(runs)s runs with %(visits)s visits added.", runs=report.runs, visits=report.visits)
    return [Note(f"{text} {in_words(moved)}".rstrip())]


def _forget_readers(organisation_id: int) -> list[Note]:
    forgotten = forget_readers_of_old_loans(organisation_id)
    text = ngettext(
        "%(num)s loan has forgotten its reader.",
        "%(num)s loans have forgotten their readers.",
        forgotten,
    )
    return [Note(text)]


def _remind(organisation_id: int) -> list[Note]:
    added = remind(organisation_id, host_page_address, overdue_count)
    return [Note(ngettext("%(num)s reminder waits.", "%(num)s reminders wait.", added))]


def tell_and_send() -> int:
    """Put what changed in the outbox and send what is due; called every half minute.

    Answers how many messages went out.
    """
    for organisation_id in list(db.session.scalars(select(Organisation.id))):
        try:
            tell_of_new_timetables(organisation_id, host_page_address)
            tell_of_changes(organisation_id, host_page_address)
        except Exception:
            # What one library cannot tell holds up no other's messages.
            db.session.rollback()
            log.exception("notices of library %s failed", organisation_id)
    return send_what_is_due()


def host_page_address(place: Place) -> str:
    """The private page of a place, as messages name it."""
    if not current_app.config["PUBLIC_URL"]:
        return ""
    return external("hosting.host_page", language=place.contact_language, token=host_token(place))


def overdue_count(visit: Visit) -> int:
    """Items that should have come back before a visit."""
    return len(overdue_at(visit.place))


def _deliver_reports(organisation_id: int) -> list[Note]:
    delivered = deliver_due(organisation_id, today())
    return [Note(ngettext("%(num)s report delivered.", "%(num)s reports delivered.", delivered))]


def _check_tomorrow(organisation_id: int) -> list[Note]:
    broken = promises_broken_on(today() + timedelta(days=1), organisation_id)
    notes = [Note(str(told), told.run_id) for told in broken]
    return notes or [Note(_("Tomorrow keeps every promise."))]


def _backup() -> list[Note]:
    backup = make_backup()
    pruned = prune_backups(current_app.config["BACKUP_KEEP_DAYS"])
    text = _("%(file)s made, %(pruned)s old ones deleted.", file=backup.path.name, pruned=pruned)
    return [Note(text)]


JOBS = (
    Job("backup", _l("Backup"), 0, 5, for_installation=_backup),
    Job("roll_statuses", _l("Statuses of past visits"), 0, 20, for_library=_roll_statuses),
    Job("fill_horizon", _l("Runs up to the horizon"), 0, 30, for_library=_fill_horizon),
    Job("forget_readers", _l("Readers of old loans"), 1, 0, for_library=_forget_readers),
    Job("deliver_reports", _l("Reports by e-mail and folder"), 5, 30, for_library=_deliver_reports),
    Job("remind", _l("Reminders to places"), 7, 30, for_library=_remind),
    Job("check_tomorrow", _l("Check of tomorrow's runs"), 17, 0, for_library=_check_tomorrow),
)
