"""Tables of plannings: what was asked, how far the search is, the plan it gave."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..fleet.models import Van
from ..i18n import LabelledEnum
from ..timetable.models import Stop, Term


class PlanningState(LabelledEnum):
    """How far a planning is."""

    RUNNING = "running", _l("Running")
    DONE = "done", _l("Done")
    FAILED = "failed", _l("Failed")
    CANCELLED = "cancelled", _l("Cancelled")


class Failure(LabelledEnum):
    """Why a search gave no plan."""

    GONE = (
        "gone",
        _l(
            "Its process ended before the plan was ready: the computer was switched off or short"
            " of memory. Start planning again."
        ),
    )
    NOTHING_TO_PLAN = (
        "nothing_to_plan",
        _l("No stop of this term can be served on any day. Look at calendars, windows and vans."),
    )
    ERROR = "error", _l("The search ended with an error of the program.")


class Planning(OwnedByOrganisation, Base):
    """One search for a term's plan, and the plan as people adjust it until it is published.

    ``running_term_id`` names the term while the search goes on and is empty after: it is unique,
    so that a term is planned once at a time.
    """

    __tablename__ = "planning"
    __table_args__ = (UniqueConstraint("running_term_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), index=True)
    running_term_id: Mapped[int | None]
    # The planning whose plan this one started from.
    base_id: Mapped[int | None] = mapped_column(ForeignKey("planning.id", ondelete="SET NULL"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    state: Mapped[PlanningState] = mapped_column(
        enum_column(PlanningState), default=PlanningState.RUNNING
    )
    # The days that are planned, both included.
    first_on: Mapped[date]
    last_on: Mapped[date]
    # How long the search may take.
    seconds: Mapped[int]
    seed: Mapped[int] = mapped_column(default=0)
    # What one would rather drive than move a visit that people know, in metres.
    moved_visit_m: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # The search's last sign of life.
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Asked to end its search now and keep the best plan.
    stop_asked: Mapped[bool] = mapped_column(default=False)
    # {"share": 0.4, "seconds": 12.1, "iterations": …, "metres": …, "unplaced": …}
    progress: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    failure: Mapped[Failure | None] = mapped_column(enum_column(Failure))
    # What the program itself said of its error.
    message: Mapped[str] = mapped_column(Text, default="")
    # Timetables as ``planning.proposal`` writes them: the one there is, and the planned one.
    present: Mapped[dict[str, Any] | None] = mapped_column(JSON, deferred=True)
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON, deferred=True)
    # What could not be placed and what would let it in; what each stop's days cost elsewhere.
    explanation: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True, default=dict)
    # [{"stop": 7, "day": "2026-11-24"}]: visits that planning anew leaves where they are.
    locks: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)

    term: Mapped[Term] = relationship()

    @property
    def is_running(self) -> bool:
        """Whether the search goes on."""
        return self.state == PlanningState.RUNNING


class Mishap(LabelledEnum):
    """What happened to a published timetable."""

    DAY_LOST = "day_lost", _l("Days are lost")
    VISIT_REFUSED = "visit_refused", _l("A place cannot be visited")
    REQUEST = "request", _l("A visit is asked for")


class Cause(LabelledEnum):
    """Why no van can drive on a day."""

    BREAKDOWN = "breakdown", _l("Van broken down")
    STORM = "storm", _l("Storm")
    FLOOD = "flood", _l("High tide or flood")
    DAY_OFF = "day_off", _l("Sudden day off")
    OTHER = "other", _l("Something else")


class Repair(OwnedByOrganisation, Base):
    """Something that happened to a published timetable, and the ways offered to mend it."""

    __tablename__ = "repair"

    id: Mapped[int] = mapped_column(primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    mishap: Mapped[Mishap] = mapped_column(enum_column(Mishap))
    # The day, or the first and the last of those that are lost.
    day: Mapped[date | None]
    last_day: Mapped[date | None]
    # The stop, or the van, where it is about one.
    stop_id: Mapped[int | None] = mapped_column(ForeignKey("stop.id", ondelete="SET NULL"))
    van_id: Mapped[int | None] = mapped_column(ForeignKey("van.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(300), default="")
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    state: Mapped[PlanningState] = mapped_column(
        enum_column(PlanningState), default=PlanningState.RUNNING
    )
    failure: Mapped[Failure | None] = mapped_column(enum_column(Failure))
    # What the program itself said of its error.
    message: Mapped[str] = mapped_column(Text, default="")
    # As ``planning.offers`` writes them, the one that moves least first.
    offers: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    # Which one was accepted, from 0.
    accepted: Mapped[int | None]
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    term: Mapped[Term] = relationship()
    stop: Mapped[Stop | None] = relationship()
    van: Mapped[Van | None] = relationship()

    @property
    def is_running(self) -> bool:
        """Whether ways to mend it are still looked for."""
        return self.state == PlanningState.RUNNING
