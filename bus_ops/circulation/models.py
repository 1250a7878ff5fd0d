"""Tables of readers and cards, titles and copies, and of loans.

``Loan``, ``OnSiteUse`` and ``IssuedCard`` are projections of the event log.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..i18n import LabelledEnum
from ..places.models import Place
from ..timetable.models import Audience, Visit


class CardKind(LabelledEnum):
    """Kinds of cards that are counted apart."""

    LIBRARY = "library", _l("Library card")
    VAN = "van", _l("Van card")
    CHILD = "child", _l("Children's card")
    TEACHER = "teacher", _l("Teacher's card")


class Reader(OwnedByOrganisation, Base):
    """Who borrows; as little as lending needs."""

    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    full_name: Mapped[str] = mapped_column(String(200))
    search_key: Mapped[str] = mapped_column(String(200), default="", index=True)
    audience: Mapped[Audience | None] = mapped_column(enum_column(Audience))
    # The stop's place where the reader borrows.
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"), index=True)
    class_name: Mapped[str] = mapped_column(String(40), default="")

    place: Mapped[Place | None] = relationship()
    cards: Mapped[list[Card]] = relationship(back_populates="reader")


class Card(OwnedByOrganisation, Base):
    """A card with the number that is scanned."""

    __tablename__ = "card"
    __table_args__ = (UniqueConstraint("organisation_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    kind: Mapped[CardKind] = mapped_column(enum_column(CardKind), default=CardKind.VAN)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), index=True)
    issued_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    # Set where the card came from the log: replaying makes the card and its reader again.
    event_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, unique=True)

    reader: Mapped[Reader] = relationship(back_populates="cards")


class Title(OwnedByOrganisation, Base):
    """A work as the catalogue knows it."""

    __tablename__ = "title"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(200), default="")
    search_key: Mapped[str] = mapped_column(String(500), default="", index=True)
    subject: Mapped[str] = mapped_column(String(120), default="")
    isbn: Mapped[str] = mapped_column(String(20), default="")
    year: Mapped[int | None]
    # Rare titles never travel in a box.
    rare: Mapped[bool] = mapped_column(default=False)


class Copy(OwnedByOrganisation, Base):
    """One item with its barcode."""

    __tablename__ = "copy"
    __table_args__ = (UniqueConstraint("organisation_id", "barcode"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title_id: Mapped[int] = mapped_column(ForeignKey("title.id", ondelete="CASCADE"), index=True)
    barcode: Mapped[str] = mapped_column(String(40))
    added_on: Mapped[date | None]
    withdrawn_on: Mapped[date | None]
    # The van whose stock it is; None stands in the library's own store.
    van_id: Mapped[int | None] = mapped_column(
        ForeignKey("van.id", ondelete="SET NULL"), index=True
    )

    title: Mapped[Title] = relationship()


# What stands in a loan for a card that it has forgotten begins so; no card's number does.
FORGOTTEN = "~"
# Loans that still know their card. In these very words, by which a database knows its index again.
REMEMBERED = text(f"loan.card_number NOT LIKE '{FORGOTTEN}%'")
_REMEMBERED_IN_INDEX = text(f"card_number NOT LIKE '{FORGOTTEN}%'")


class Loan(OwnedByOrganisation, Base):
    """Projection: one copy to one reader, until returned; due at the stop's next visit."""

    __tablename__ = "loan"
    __table_args__ = (
        Index("ix_loan_open_barcode", "organisation_id", "barcode", "returned_at"),
        Index("ix_loan_card", "organisation_id", "card_number"),
        Index("ix_loan_due_visit", "due_visit_id"),
        Index(
            "ix_loan_remembered",
            "organisation_id",
            "returned_at",
            sqlite_where=_REMEMBERED_IN_INDEX,
            postgresql_where=_REMEMBERED_IN_INDEX,
        ),
    )

    # The lending event: the same fact gives the same loan, whenever it is replayed.
    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    barcode: Mapped[str] = mapped_column(String(40))
    card_number: Mapped[str] = mapped_column(String(40))
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("copy.id"), index=True)
    card_id: Mapped[int | None] = mapped_column(ForeignKey("card.id"), index=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    # The borrower's group: it stays when the loan forgets who it was.
    audience: Mapped[Audience | None] = mapped_column(enum_column(Audience))
    lent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # The visit the loan is due at; None where the term's last day holds instead.
    due_visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id", ondelete="SET NULL"))
    due_on: Mapped[date]
    renewals: Mapped[int] = mapped_column(default=0)
    # When it was last renewed; due dates count from then.
    renewed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    renewed_visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    returned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    return_visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    return_event_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)

    copy: Mapped[Copy | None] = relationship()
    card: Mapped[Card | None] = relationship()
    place: Mapped[Place] = relationship()
    visit: Mapped[Visit] = relationship(foreign_keys=[visit_id])


class Renewal(OwnedByOrganisation, Base):
    """Projection: a loan prolonged at a visit; counted apart from loans."""

    __tablename__ = "renewal"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    loan_event_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    renewed_at: Mapped[datetime] = mapped_column(UTCDateTime)


class OnSiteUse(OwnedByOrganisation, Base):
    """Projection: items read on the spot at a visit; apart from loans."""

    __tablename__ = "on_site_use"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    items: Mapped[int]
    barcode: Mapped[str] = mapped_column(String(40), default="")


class IssuedCard(OwnedByOrganisation, Base):
    """Projection: cards made at a visit, by kind (a count, or one card with its number)."""

    __tablename__ = "issued_card"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    kind: Mapped[CardKind] = mapped_column(enum_column(CardKind))
    cards: Mapped[int]


class Reservation(OwnedByOrganisation, Base):
    """A title that a reader asked for; open until it is lent to their card, or taken back."""

    __tablename__ = "reservation"

    id: Mapped[int] = mapped_column(primary_key=True)
    title_id: Mapped[int] = mapped_column(ForeignKey("title.id", ondelete="CASCADE"), index=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id", ondelete="CASCADE"), index=True)
    # Where the reader waits for it.
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    title: Mapped[Title] = relationship()
    card: Mapped[Card] = relationship()
    place: Mapped[Place] = relationship()


class Box(OwnedByOrganisation, Base):
    """A box of copies that rotates between places; known by the code on its lid."""

    __tablename__ = "box"
    __table_args__ = (UniqueConstraint("organisation_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(300), default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    # Where it is to go out next.
    next_place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id", ondelete="SET NULL"))

    next_place: Mapped[Place | None] = relationship()


class BoxDeposit(OwnedByOrganisation, Base):
    """Projection: a box left at a place, until it came back; what both signed for."""

    __tablename__ = "box_deposit"
    __table_args__ = (Index("ix_box_deposit_code", "organisation_id", "box_code"),)

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    box_code: Mapped[str] = mapped_column(String(40))
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    out_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # At most six months after it was left.
    due_on: Mapped[date]
    handed_by: Mapped[str] = mapped_column(String(200), default="")
    received_by: Mapped[str] = mapped_column(String(200), default="")
    condition: Mapped[str] = mapped_column(String(500), default="")
    note: Mapped[str] = mapped_column(String(2000), default="")
    back_event_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    back_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    back_visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    back_handed_by: Mapped[str] = mapped_column(String(200), default="")
    back_received_by: Mapped[str] = mapped_column(String(200), default="")
    back_note: Mapped[str] = mapped_column(String(2000), default="")
    # What the receiving place counted itself while the box was there.
    host_visitors: Mapped[int | None]
    host_items: Mapped[int | None]

    place: Mapped[Place] = relationship()
    items: Mapped[list[BoxItem]] = relationship(order_by="BoxItem.barcode", viewonly=True)


class BoxItemState(LabelledEnum):
    """What became of a copy in a box."""

    OUT = "out", _l("Out")
    BACK = "back", _l("Back")
    DAMAGED = "damaged", _l("Damaged")
    MISSING = "missing", _l("Missing")


class BoxItem(OwnedByOrganisation, Base):
    """Projection: one copy of a deposit."""

    __tablename__ = "box_item"

    deposit_event_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("box_deposit.event_id", ondelete="CASCADE"), primary_key=True
    )
    barcode: Mapped[str] = mapped_column(String(40), primary_key=True)
    copy_id: Mapped[int | None] = mapped_column(
        ForeignKey("copy.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[BoxItemState] = mapped_column(enum_column(BoxItemState), default=BoxItemState.OUT)

    copy: Mapped[Copy | None] = relationship()


class HostCount(OwnedByOrganisation, Base):
    """What a place counted itself while a box was there, on its own page; one row a day.

    It names the deposit by its fact, without a foreign key: deposits are projections of the log
    and can be made anew, and these counts are not in the log.
    """

    __tablename__ = "host_count"
    __table_args__ = (UniqueConstraint("deposit_event_id", "counted_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    deposit_event_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    counted_on: Mapped[date]
    visitors: Mapped[int] = mapped_column(default=0)
    items: Mapped[int] = mapped_column(default=0)
    # What readers ask for.
    wishes: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class HostInventory(OwnedByOrganisation, Base):
    """What a place declares when a box goes back: what is missing or damaged, and who signs."""

    __tablename__ = "host_inventory"

    deposit_event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    # {"B1": "missing"}: barcodes that are not as they came.
    states: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    signed_by: Mapped[str] = mapped_column(String(200))
    signed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    note: Mapped[str] = mapped_column(Text, default="")
