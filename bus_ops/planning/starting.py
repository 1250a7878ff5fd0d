"""Starting a planning: its row, and the process of its own that does the work."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import schedules.planning

from ..config import default_settings
from ..database import db
from ..timetable.models import Term
from .models import Planning, Repair
from .working import close_if_silent, close_left

# The roof's entry for the work: it makes an app of its own.
_PROGRAM = "bus_ops.planning_process"
# The process that has read the program and waits to be told what to work on, by its database.
# There is at most one: it takes memory enough.
_ready: dict[str, subprocess.Popen[str]] = {}
_ready_lock = threading.Lock()

log = logging.getLogger("bus_ops.planning")


class AlreadyPlanningError(RuntimeError):
    """The term is being planned already; ``planning_id`` names by which planning."""

    def __init__(self, planning_id: int | None) -> None:
        super().__init__(planning_id)
        self.planning_id = planning_id


def start(
    term: Term,
    first: date,
    last: date,
    seconds: int,
    user_id: int | None,
    moved_visit_m: int = 0,
    base: Planning | None = None,
) -> Planning:
    """Ask for a term's plan; raises AlreadyPlanningError where a search for it goes on.

    With ``base`` its locks are kept and the search starts from its plan.
    """
    running = running_planning(term)
    if running is not None:
        raise AlreadyPlanningError(running.id)
    planning = Planning(
        organisation_id=term.organisation_id,
        term_id=term.id,
        running_term_id=term.id,
        base_id=base.id if base else None,
        user_id=user_id,
        first_on=first,
        last_on=last,
        seconds=seconds,
        moved_visit_m=moved_visit_m,
        locks=list(base.locks) if base else [],
    )
    db.session.add(planning)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise AlreadyPlanningError(None) from None
    launch(planning)
    return planning


def running_planning(term: Term) -> Planning | None:
    """The term's search that goes on, if one does; one whose process is gone is closed."""
    planning = db.session.scalar(select(Planning).where(Planning.running_term_id == term.id))
    if planning is None:
        return None
    close_if_silent(planning)
    return planning if planning.is_running else None


def get_ready() -> None:
    """Begin a process that reads the program and then waits for what ``launch`` gives it.

    For pages from which somebody is about to ask for ways: most of what they would wait for is a
    process that starts. It ends by itself where nothing comes.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    database = app.config["SQLALCHEMY_DATABASE_URI"]
    with _ready_lock:
        waiting = _ready.get(database)
        if waiting is not None and waiting.poll() is None:
            return
        for process in _ready.values():
            _send_away(process)
        _ready.clear()
        try:
            _ready[database] = _worker(app)
        except OSError:
            log.exception("no process could be made ready")


def launch(work_of: Planning | Repair) -> None:
    """Begin the work in a process of its own: it outlives the request, and a restarted server."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    kind, key = type(work_of), work_of.id
    order = f"{kind.__tablename__} {key}"
    try:
        process = _told(_ready_one(app), order) or _told(_worker(app), order)
    except OSError:
        log.exception("%s could not be started", order)
        process = None
    if process is None:
        close_left(work_of)
        return
    watcher = threading.Thread(
        target=_wait_for, args=(app, process, kind, key), daemon=True, name="planning"
    )
    watcher.start()


def compile_ahead() -> None:
    """Have the search compiled where that was not done on this machine (half a minute), outside
    this process: the first plan, and the first repair, need not wait for it.
    """
    if is_compiled():
        return
    process = _process("compile")
    threading.Thread(target=process.wait, daemon=True, name="compiling").start()


def is_compiled() -> bool:
    """Whether the search needs only to be read."""
    module = Path(schedules.planning.__file__).with_name("search.py")
    written = module.stat().st_mtime
    compiled = module.parent.glob("__pycache__/search.*.nbi")
    return any(file.stat().st_mtime >= written for file in compiled)


def _process(*arguments: str) -> subprocess.Popen[str]:
    """Our own program with the packages of this process, whatever folder it was started in."""
    return subprocess.Popen(  # noqa: S603 - arguments are words of ours and numbers
        [sys.executable, "-P", "-m", _PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        start_new_session=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def _ready_one(app: Flask) -> subprocess.Popen[str] | None:
    with _ready_lock:
        return _ready.pop(app.config["SQLALCHEMY_DATABASE_URI"], None)


def _send_away(process: subprocess.Popen[str]) -> None:
    """Without an order it ends."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    threading.Thread(target=process.wait, daemon=True, name="planning").start()


def _worker(app: Flask) -> subprocess.Popen[str]:
    """A process that opens this installation and waits for its order."""
    process = _process("work")
    assert process.stdin is not None
    # Addresses of databases hold passwords: not for the list of processes.
    process.stdin.write(json.dumps(_passed_on(app)) + "\n")
    process.stdin.flush()
    return process


def _told(process: subprocess.Popen[str] | None, order: str) -> subprocess.Popen[str] | None:
    """The process, once it knows what to work on; none if it is gone."""
    if process is None:
        return None
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            pipe.write(order + "\n")
    except BrokenPipeError:
        process.wait()
        return None
    return process


def _wait_for(
    app: Flask, process: subprocess.Popen[str], kind: type[Planning | Repair], key: int
) -> None:
    """Tell at once when the process ends without a plan, or without ways."""
    process.wait()
    with app.app_context():
        work_of = db.session.get(kind, key)
        if work_of is not None:
            close_left(work_of)


def _passed_on(app: Flask) -> dict[str, Any]:
    """Settings with which the process opens the same installation."""
    settings = {name: app.config[name] for name in default_settings()}
    settings["DATABASE_URL"] = app.config["SQLALCHEMY_DATABASE_URI"]
    settings["SECRET_KEY"] = app.config["SECRET_KEY"]
    return {n: str(v) if isinstance(v, Path) else v for n, v in settings.items()}
