"""The event log: facts that tablets recorded, never changed, never deleted.

The tables are ready for tablets that work offline: an event names its tablet, its place in the
tablet's own order, the time on the tablet's clock and how far that clock was off.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, new_uuid, now
from ..i18n import LabelledEnum


class EventKind(LabelledEnum):
    """What a fact tells. The payload of each kind is described in ``tablet.events``."""

    RUN_LEFT = "run_left", _l("Left the depot")
    RUN_RETURNED = "run_returned", _l("Back at the depot")
    EQUIPMENT = "equipment", _l("Equipment checked")
    ARRIVED = "arrived", _l("Arrived")
    DEPARTED = "departed", _l("Departed")
    ATTENDANCE = "attendance", _l("People counted")
    ACTIVITY = "activity", _l("Activity")
    NOTE = "note", _l("Note")
    LENT = "lent", _l("Lent")
    RETURNED = "returned", _l("Returned")
    RENEWED = "renewed", _l("Renewed")
    USED_ON_SITE = "used_on_site", _l("Used on site")
    CARD_ISSUED = "card_issued", _l("Card made")
    CLASS_VISIT = "class_visit", _l("Class came")
    INCIDENT = "incident", _l("Incident")
    PHOTO = "photo", _l("Photo")
    BOX_OUT = "box_out", _l("Box left")
    BOX_BACK = "box_back", _l("Box brought back")
    STOCK_SEEN = "stock_seen", _l("Seen in the stock check")
    DAY_CLOSED = "day_closed", _l("Day closed")
    UNDO = "undo", _l("Undone")
    SETTLED = "settled", _l("Settled")


class Tablet(OwnedByOrganisation, Base):
    """A device (or a browser in use by the crew) that records facts."""

    __tablename__ = "tablet"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(String(120))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL"), index=True
    )
    credential_hash: Mapped[str] = mapped_column(String(200), default="")
    enrolled_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    last_seen_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The van it rides with; None takes every run along.
    van_id: Mapped[int | None] = mapped_column(ForeignKey("van.id", ondelete="SET NULL"))
    # What it said of itself last.
    app_version: Mapped[str] = mapped_column(String(40), default="")
    unsent_told: Mapped[int | None]
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Event(OwnedByOrganisation, Base):
    """One fact. Its id was made where it happened, so sending it twice stores it once."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_tablet_sequence", "tablet_id", "sequence"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    # In no index: SQLite would take that one before the far more telling keys.
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    tablet_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tablet.id"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    # No foreign keys here: a fact about a run or visit the server does not know is kept too.
    run_id: Mapped[int | None] = mapped_column(index=True)
    visit_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[EventKind] = mapped_column(enum_column(EventKind))
    version: Mapped[int] = mapped_column(default=1)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Milliseconds to add to the tablet's clock, measured at its last contact with the server.
    clock_offset_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    # recorded_at corrected by the offset: when it happened.
    happened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Taken out of the payload to be found by.
    undoes_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    settles_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    # What was scanned: a copy's barcode, or the code of a box.
    barcode: Mapped[str | None] = mapped_column(String(40), index=True)
    card_number: Mapped[str | None] = mapped_column(String(40), index=True)


class SetAside(OwnedByOrganisation, Base):
    """What a tablet sent and could not be parsed: kept whole, as evidence."""

    __tablename__ = "set_aside"

    id: Mapped[int] = mapped_column(primary_key=True)
    tablet_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tablet.id"))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    # SHA-256 of raw: the same broken record sent again is kept once.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    problem: Mapped[str] = mapped_column(Text)


class Photo(OwnedByOrganisation, Base):
    """A picture of a fact of kind photo; may arrive before the fact itself.

    Pictures of pupils are personal data: shown to those who log and plan only, in no export.
    """

    __tablename__ = "photo"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    tablet_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tablet.id"))
    content_type: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class ContradictionKind(LabelledEnum):
    """Why a fact needs a person's decision."""

    LENT_TWICE = "lent_twice", _l("Copy lent while still on loan")
    RETURNED_NOT_LENT = "returned_not_lent", _l("Copy returned that was not on loan")
    RENEWED_NOT_LENT = "renewed_not_lent", _l("Copy renewed that was not on loan")
    UNKNOWN_CARD = "unknown_card", _l("Unknown card")
    UNKNOWN_COPY = "unknown_copy", _l("Unknown barcode")
    CARD_EXISTS = "card_exists", _l("Card number already in use")
    VISIT_CANCELLED = "visit_cancelled", _l("Logged at a cancelled visit")
    UNKNOWN_VISIT = "unknown_visit", _l("Logged at an unknown visit")
    CLOCK_WRONG = "clock_wrong", _l("Clock of the tablet wrong")
    DEPARTED_BEFORE_ARRIVED = "departed_before_arrived", _l("Departed before arriving")
    COUNT_BELOW_ZERO = "count_below_zero", _l("Fewer than zero people")
    OTHER_RUN = "other_run", _l("Logged on another run than the visit's")
    ODOMETER_BACKWARDS = "odometer_backwards", _l("Odometer went backwards")
    REVOKED_TABLET = "revoked_tablet", _l("Recorded with a tablet that was revoked")
    BOX_OUT_TWICE = "box_out_twice", _l("Box left while it stood elsewhere")
    BOX_NOT_OUT = "box_not_out", _l("Box brought back that stood nowhere")


class Contradiction(OwnedByOrganisation, Base):
    """Projection: a fact that contradicts another, for the coordinator's list "to settle"."""

    __tablename__ = "contradiction"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    # In no index: SQLite would take that one before the far more telling keys.
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    kind: Mapped[ContradictionKind] = mapped_column(
        enum_column(ContradictionKind), primary_key=True
    )
    other_event_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    visit_id: Mapped[int | None] = mapped_column(index=True)
    barcode: Mapped[str | None] = mapped_column(String(40))
    card_number: Mapped[str | None] = mapped_column(String(40))
    found_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # The settling event, when a coordinator has decided.
    settled_by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
