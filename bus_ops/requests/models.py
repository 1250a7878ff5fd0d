"""Tables of requests: what was asked by whom, and each step until it was answered."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..accounts.models import User
from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..fleet.models import Van
from ..i18n import LabelledEnum
from ..places.models import AdministrativeUnit, Place, SchoolLevel
from ..private_links import new_mark
from ..timetable.models import ActivityKind, Audience, Visit

# What a place can wish for; the rest of a visit's activities are the crew's own.
WISHES = (
    ActivityKind.READING_ON_SITE,
    ActivityKind.COMPUTERS,
    ActivityKind.FILM,
    ActivityKind.STORYTELLING,
    ActivityKind.BOOK_TALK,
    ActivityKind.CONTEST,
)


class RequestKind(LabelledEnum):
    """What is asked for."""

    VISIT = "visit", _l("Asks for a visit")
    # About a visit that stands in the timetable.
    OTHER_DAY = "other_day", _l("Asks for another day")


class RequestState(LabelledEnum):
    """Who has the next move."""

    NEW = "new", _l("To answer")
    OFFERED = "offered", _l("A day is offered")
    ACCEPTED = "accepted", _l("Accepted")
    DECLINED = "declined", _l("Declined")
    WITHDRAWN = "withdrawn", _l("Taken back")


# Nobody has a move any more.
CLOSED = frozenset({RequestState.ACCEPTED, RequestState.DECLINED, RequestState.WITHDRAWN})


class VisitRequest(OwnedByOrganisation, Base):
    """A school or commune asks that the van comes."""

    __tablename__ = "visit_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Part of the address of its private page.
    mark: Mapped[str] = mapped_column(String(32), default=new_mark)
    kind: Mapped[RequestKind] = mapped_column(enum_column(RequestKind), default=RequestKind.VISIT)
    state: Mapped[RequestState] = mapped_column(
        enum_column(RequestState), default=RequestState.NEW, index=True
    )
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    language: Mapped[str] = mapped_column(String(5))
    asker_name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    place_name: Mapped[str] = mapped_column(String(200))
    # A school's level; none for other places.
    level: Mapped[SchoolLevel | None] = mapped_column(enum_column(SchoolLevel))
    address: Mapped[str] = mapped_column(String(300), default="")
    commune_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrative_unit.id", ondelete="SET NULL")
    )
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    # The place of ours that it is about, once that is known.
    place_id: Mapped[int | None] = mapped_column(
        ForeignKey("place.id", ondelete="SET NULL"), index=True
    )
    first_on: Mapped[date]
    last_on: Mapped[date]
    # 0 is Monday; none: any.
    weekdays: Mapped[list[int]] = mapped_column(JSON, default=list)
    # {"primary": 120}: pupils by group.
    people: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    wishes: Mapped[list[str]] = mapped_column(JSON, default=list)
    note: Mapped[str] = mapped_column(Text, default="")
    # What the library offers or has agreed to; minutes after local midnight.
    offered_day: Mapped[date | None]
    offered_van_id: Mapped[int | None] = mapped_column(ForeignKey("van.id", ondelete="SET NULL"))
    offered_arrival: Mapped[int | None]
    offered_departure: Mapped[int | None]
    # Who offered it: an offer that is taken is entered in their name.
    answered_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL")
    )
    # The visit that came of it, or that is to be on another day.
    visit_id: Mapped[int | None] = mapped_column(
        ForeignKey("visit.id", ondelete="SET NULL"), index=True
    )

    place: Mapped[Place | None] = relationship()
    commune: Mapped[AdministrativeUnit | None] = relationship()
    offered_van: Mapped[Van | None] = relationship()
    answered_by: Mapped[User | None] = relationship()
    visit: Mapped[Visit | None] = relationship()
    steps: Mapped[list[RequestStep]] = relationship(
        order_by="RequestStep.id", cascade="all, delete-orphan"
    )

    @property
    def is_open(self) -> bool:
        """Whether somebody has still a move."""
        return self.state not in CLOSED

    @property
    def pupils(self) -> int:
        """Everybody who is to come."""
        return sum(self.people.values())

    @property
    def groups(self) -> list[tuple[Audience, int]]:
        """People by group, in the order of the groups."""
        return [(group, self.people[group]) for group in Audience if self.people.get(group)]

    @property
    def wished(self) -> list[ActivityKind]:
        """What is wished for."""
        return [wish for wish in WISHES if wish.value in self.wishes]


class RequestStep(OwnedByOrganisation, Base):
    """Who did what with a request, and the words that went with it."""

    __tablename__ = "request_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(
        ForeignKey("visit_request.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # Nobody of ours: whoever asked.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    state: Mapped[RequestState] = mapped_column(enum_column(RequestState))
    # Day that was offered or agreed in this step.
    day: Mapped[date | None]
    text: Mapped[str] = mapped_column(Text, default="")

    user: Mapped[User | None] = relationship()
