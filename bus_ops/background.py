"""Work outside the request: what the nightly jobs did, and long tasks with their progress."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from .i18n import LabelledEnum


class WorkState(LabelledEnum):
    """How far a piece of background work is."""

    WAITING = "waiting", _l("Waiting")
    RUNNING = "running", _l("Running")
    DONE = "done", _l("Done")
    FAILED = "failed", _l("Failed")
    CANCELLED = "cancelled", _l("Stopped")


class JobRun(Base):
    """One turn of a nightly job; (job, due_at) is unique, so that a job runs once for its hour.

    Jobs serve the whole installation, so the row belongs to no single library.
    """

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(60), index=True)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    state: Mapped[WorkState] = mapped_column(enum_column(WorkState), default=WorkState.RUNNING)
    message: Mapped[str] = mapped_column(Text, default="")


class LongTask(OwnedByOrganisation, Base):
    """Work somebody asked for that outlives a request: it shows its progress and can be stopped."""

    __tablename__ = "long_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(60))
    state: Mapped[WorkState] = mapped_column(enum_column(WorkState), default=WorkState.WAITING)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stop_asked: Mapped[bool] = mapped_column(default=False)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error: Mapped[str] = mapped_column(Text, default="")
