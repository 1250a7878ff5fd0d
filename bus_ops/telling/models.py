"""Tables of what people are told: the outbox, and texts that a library wrote itself."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..i18n import LabelledEnum
from ..places.models import Place


class MessageKind(LabelledEnum):
    """What a message is about."""

    TIMETABLE = "timetable", _l("Dates of a new timetable")
    REMINDER_WEEK = "reminder_week", _l("Reminder a week before")
    REMINDER_DAY = "reminder_day", _l("Reminder the day before")
    CHANGES = "changes", _l("Visits changed or cancelled")
    REQUEST_RECEIVED = "request_received", _l("Request received (to who asks)")
    REQUEST_OFFERED = "request_offered", _l("A day is offered (to who asks)")
    REQUEST_ACCEPTED = "request_accepted", _l("Request accepted (to who asks)")
    REQUEST_DECLINED = "request_declined", _l("Request declined (to who asks)")
    REQUEST_NEW = "request_new", _l("New request or answer (to coordinators)")
    REPORT = "report", _l("A report that is delivered by itself")


class Channel(LabelledEnum):
    """The way a message takes."""

    EMAIL = "email", _l("E-mail")
    GATEWAY = "gateway", _l("SMS or Zalo")


class MessageState(LabelledEnum):
    """How far a message is."""

    WAITING = "waiting", _l("Waiting")
    SENDING = "sending", _l("Being sent")
    SENT = "sent", _l("Sent")
    REFUSED = "refused", _l("Refused")
    # Its process ended while it was being sent: it may have gone out.
    UNSURE = "unsure", _l("Perhaps sent")
    EXPIRED = "expired", _l("Too late to send")


class OutboxMessage(OwnedByOrganisation, Base):
    """A message to one recipient by one way, kept before it is sent and after.

    ``key`` names what it tells to whom, and is unique: nothing is told twice.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key"),
        Index("ix_outbox_message_state_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(400))
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind))
    channel: Mapped[Channel] = mapped_column(enum_column(Channel))
    # An e-mail address or a telephone number.
    recipient: Mapped[str] = mapped_column(String(254))
    recipient_name: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    place_id: Mapped[int | None] = mapped_column(
        ForeignKey("place.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # When it is tried next, and when it is of no use any more.
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    state: Mapped[MessageState] = mapped_column(
        enum_column(MessageState), default=MessageState.WAITING
    )
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # What the other side said, where it was not taken.
    error: Mapped[str] = mapped_column(String(500), default="")
    # A file that goes with an e-mail.
    attachment: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    attachment_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    attachment_type: Mapped[str] = mapped_column(String(120), default="", server_default="")

    place: Mapped[Place | None] = relationship()


class MessageText(OwnedByOrganisation, Base):
    """A library's own words for a kind of message in one language, instead of ours."""

    __tablename__ = "message_text"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind))
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
