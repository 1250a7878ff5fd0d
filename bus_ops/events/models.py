"""Tables of events, and of donors with what they gave."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..i18n import LabelledEnum
from ..places.models import Place
from ..timetable.models import Visit


class EventKind(LabelledEnum):
    """What is held."""

    BOOK_DAY = "book_day", _l("Vietnam Book Day (21 April)")
    SUMMER_READING = "summer_reading", _l("Summer reading")
    CONTEST = "contest", _l("Contest")
    TRAINING = "training", _l("Training for commune librarians")
    RECEIVING = "receiving", _l("Receiving donated books")
    OTHER = "other", _l("Other event")


# What is written down of an event besides its visit's own counts, by kind.
RESULTS = {
    EventKind.BOOK_DAY: {"titles": _l("Titles on show"), "talks": _l("Talks given")},
    EventKind.SUMMER_READING: {"books": _l("Books read"), "children": _l("Children enrolled")},
    EventKind.CONTEST: {"entries": _l("Entries"), "prizes": _l("Prizes given")},
    EventKind.TRAINING: {
        "librarians": _l("Librarians trained"),
        "communes": _l("Communes they come from"),
        "hours": _l("Hours taught"),
    },
    EventKind.RECEIVING: {"books": _l("Books received")},
    EventKind.OTHER: {},
}


class SpecialEvent(OwnedByOrganisation, Base):
    """An event: planned, logged and counted as a visit of the van, with fields of its own."""

    __tablename__ = "special_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[EventKind] = mapped_column(enum_column(EventKind))
    title: Mapped[str] = mapped_column(String(200))
    visit_id: Mapped[int | None] = mapped_column(
        ForeignKey("visit.id", ondelete="SET NULL"), index=True
    )
    # Where and when it was planned, should its visit be gone.
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    planned_on: Mapped[date]
    programme: Mapped[str] = mapped_column(Text, default="")
    partners: Mapped[str] = mapped_column(String(500), default="")
    expected_people: Mapped[int] = mapped_column(default=0)
    # {"prizes": 12}: as RESULTS names them for its kind.
    results: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    report: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    place: Mapped[Place] = relationship()
    visit: Mapped[Visit | None] = relationship()

    @property
    def day(self) -> date:
        """When it is held."""
        return self.visit.day if self.visit is not None else self.planned_on


class DonorKind(LabelledEnum):
    """Who gives."""

    PERSON = "person", _l("Person")
    BUSINESS = "business", _l("Business")
    FUND = "fund", _l("Fund or association")
    PUBLIC_BODY = "public_body", _l("Public body or library")


class Donor(OwnedByOrganisation, Base):
    """A sponsor."""

    __tablename__ = "donor"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[DonorKind] = mapped_column(enum_column(DonorKind))
    contact: Mapped[str] = mapped_column(String(300), default="")
    note: Mapped[str] = mapped_column(Text, default="")

    donations: Mapped[list[Donation]] = relationship(
        back_populates="donor", order_by="Donation.received_on.desc()"
    )


class GiftKind(LabelledEnum):
    """What is given."""

    BOOKS = "books", _l("Books")
    EQUIPMENT = "equipment", _l("Equipment")
    MONEY = "money", _l("Money")
    OTHER = "other", _l("Other gift")


class Donation(OwnedByOrganisation, Base):
    """What a donor gave on a day, and what it is worth."""

    __tablename__ = "donation"

    id: Mapped[int] = mapped_column(primary_key=True)
    donor_id: Mapped[int] = mapped_column(ForeignKey("donor.id"), index=True)
    kind: Mapped[GiftKind] = mapped_column(enum_column(GiftKind))
    received_on: Mapped[date]
    # Copies or pieces; 1 for money.
    quantity: Mapped[int] = mapped_column(default=1)
    description: Mapped[str] = mapped_column(String(500))
    # In đồng, as the donor or the library values it.
    value_vnd: Mapped[Decimal] = mapped_column(Numeric(15, 0), default=Decimal(0))
    event_id: Mapped[int | None] = mapped_column(
        ForeignKey("special_event.id", ondelete="SET NULL"), index=True
    )

    donor: Mapped[Donor] = relationship(back_populates="donations")
    event: Mapped[SpecialEvent | None] = relationship()
