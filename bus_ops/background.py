"""Work outside the request: what the nightly jobs did, and what they tell each library."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from .i18n import LabelledEnum


class WorkState(LabelledEnum):
    """How far a piece of background work is."""

    RUNNING = "running", _l("Running")
    DONE = "done", _l("Done")
    FAILED = "failed", _l("Failed")


class JobRun(Base):
    """One turn of a nightly job; (job, due_at) is unique, so that a job runs once for its hour.

    Jobs serve the whole installation, so the row belongs to no single library; what concerns one
    library stands in its notes.
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
    # A failed turn is begun again in the same row.
    attempts: Mapped[int] = mapped_column(default=1)
    # Asked for by a person; what the schedule asks for is begun by the one scheduler only.
    by_hand: Mapped[bool] = mapped_column(default=False)

    notes: Mapped[list[JobNote]] = relationship(order_by="JobNote.id", cascade="all, delete-orphan")


class JobNote(OwnedByOrganisation, Base):
    """What a turn says to one library, about one of its runs where ``run_id`` names it."""

    __tablename__ = "job_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_run_id: Mapped[int] = mapped_column(
        ForeignKey("job_run.id", ondelete="CASCADE"), index=True
    )
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    failed: Mapped[bool] = mapped_column(default=False)
