"""Backups: a consistent copy of the database while the app runs, kept for some weeks."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.engine import make_url

from .database import db, now
from .i18n import ZONE, local

_PREFIX = "bus-ops-"


class BackupError(RuntimeError):
    """A backup could not be made or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """A file that can be restored."""

    path: Path
    made_at: datetime
    size_bytes: int


def make_backup() -> Backup:
    """Copy the whole database into the backup folder; raises BackupError."""
    folder = backup_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stamp = local(now()).strftime("%Y%m%d-%H%M%S")
    if _dialect() == "sqlite":
        path = folder / f"{_PREFIX}{stamp}.sqlite3"
        _copy_sqlite(_sqlite_file(), path)
    else:
        path = folder / f"{_PREFIX}{stamp}.dump"
        _dump_postgresql(path)
    path.chmod(0o600)
    return _described(path)


def prune_backups(keep_days: int) -> int:
    """Delete backups older than ``keep_days``, never the newest; answers how many."""
    limit = now() - timedelta(days=keep_days)
    old = [backup for backup in backups()[1:] if backup.made_at < limit]
    for backup in old:
        backup.path.unlink()
    return len(old)


def backups() -> list[Backup]:
    """What can be restored, newest first."""
    folder = backup_folder()
    if not folder.is_dir():
        return []
    found = [_described(path) for path in folder.glob(f"{_PREFIX}*") if path.is_file()]
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def restore_backup(path: Path) -> Path | None:
    """Put a backup in the database's place; answers where the database before it was kept.

    Raises BackupError when the file is no sound database: then nothing is changed.
    """
    if _dialect() != "sqlite":
        raise BackupError(_("Restore PostgreSQL with: pg_restore --clean --dbname=URL FILE"))
    _check_sqlite(path)
    target = _sqlite_file()
    db.session.remove()
    db.engine.dispose()
    kept = None
    if target.exists():
        kept = target.with_name(f"{target.name}.before-{local(now()):%Y%m%d-%H%M%S}")
        _copy_sqlite(target, kept)
    incoming = target.with_name(f"{target.name}.incoming")
    shutil.copy(path, incoming)
    for leftover in ("-wal", "-shm"):
        target.with_name(target.name + leftover).unlink(missing_ok=True)
    incoming.replace(target)
    return kept


def backup_folder() -> Path:
    """Where this installation keeps its backups."""
    return Path(current_app.config["DATA_FOLDER"]) / "backups"


def _described(path: Path) -> Backup:
    status = path.stat()
    return Backup(path, datetime.fromtimestamp(status.st_mtime, ZONE), status.st_size)


def _dialect() -> str:
    return db.engine.dialect.name


def _sqlite_file() -> Path:
    return Path(db.engine.url.database or "")


def _copy_sqlite(source: Path, target: Path) -> None:
    unfinished = target.with_name(target.name + ".part")
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(unfinished)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    _check_sqlite(unfinished)
    unfinished.replace(target)


def _check_sqlite(path: Path) -> None:
    if not path.is_file():
        raise BackupError(_("There is no file %(path)s.", path=path))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        problem = _("%(path)s is no database: %(error)s", path=path, error=error)
        raise BackupError(problem) from error
    if answer != "ok" or "event" not in tables:
        raise BackupError(_("%(path)s is damaged or not a backup of bus-ops.", path=path))


def _dump_postgresql(path: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupError(
            _("pg_dump is missing: install the PostgreSQL client programs on this machine.")
        )
    url = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).set(drivername="postgresql")
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    target = url.set(password=None).render_as_string(hide_password=False)
    command = [program, "--format=custom", f"--file={path}", f"--dbname={target}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        path.unlink(missing_ok=True)
        raise BackupError(done.stderr.strip())
