"""Tables of carriers, where they start, what they carry, and who rides."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, enum_column
from ..i18n import LabelledEnum


class Carrier(LabelledEnum):
    """What moves the library: the rules speak of cars, boats and trolleys alike."""

    VAN = "van", _l("Van")
    BOAT = "boat", _l("Boat")
    TROLLEY = "trolley", _l("Trolley")


class Duty(LabelledEnum):
    """What a crew member does on a run."""

    OPERATOR = "operator", _l("Driver")
    LIBRARIAN = "librarian", _l("Librarian")


class Depot(OwnedByOrganisation, Base):
    """Where a van's day starts and ends."""

    __tablename__ = "depot"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(300), default="")
    lat: Mapped[float]
    lon: Mapped[float]


class Van(OwnedByOrganisation, Base):
    """A vehicle or other carrier of the service."""

    __tablename__ = "van"
    __table_args__ = (UniqueConstraint("organisation_id", "operator", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    # The service that runs it, where a timetable of several services was imported.
    operator: Mapped[str] = mapped_column(String(160), default="")
    carrier: Mapped[Carrier] = mapped_column(enum_column(Carrier), default=Carrier.VAN)
    plate: Mapped[str] = mapped_column(String(20), default="")
    capacity_books: Mapped[int | None]
    # On which it may be planned (none: on all); 0 is Monday.
    weekdays: Mapped[list[int]] = mapped_column(JSON, default=lambda: list(range(6)))
    depot_id: Mapped[int | None] = mapped_column(ForeignKey("depot.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)

    depot: Mapped[Depot | None] = relationship()
    equipment: Mapped[list[VanEquipment]] = relationship(
        back_populates="van", order_by="VanEquipment.position", cascade="all, delete-orphan"
    )
    days_out: Mapped[list[VanOutOfService]] = relationship(
        back_populates="van", order_by="VanOutOfService.first_on", cascade="all, delete-orphan"
    )

    @property
    def display_name(self) -> str:
        """Name with its service where several services' vans stand side by side."""
        return f"{self.operator} · {self.name}" if self.operator else self.name


class VanEquipment(OwnedByOrganisation, Base):
    """An item of the checklist that goes with each run of the van."""

    __tablename__ = "van_equipment"

    id: Mapped[int] = mapped_column(primary_key=True)
    van_id: Mapped[int] = mapped_column(ForeignKey("van.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(default=1)
    position: Mapped[int] = mapped_column(default=0)

    van: Mapped[Van] = relationship(back_populates="equipment")


class VanOutOfService(OwnedByOrganisation, Base):
    """Days on which a van does not run: repair, inspection."""

    __tablename__ = "van_out_of_service"

    id: Mapped[int] = mapped_column(primary_key=True)
    van_id: Mapped[int] = mapped_column(ForeignKey("van.id", ondelete="CASCADE"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200), default="")

    van: Mapped[Van] = relationship(back_populates="days_out")


class CrewMember(OwnedByOrganisation, Base):
    """A driver or librarian who rides with a van."""

    __tablename__ = "crew_member"

    id: Mapped[int] = mapped_column(primary_key=True)
    full_name: Mapped[str] = mapped_column(String(200))
    duty: Mapped[Duty] = mapped_column(enum_column(Duty))
    phone: Mapped[str] = mapped_column(String(40), default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    enabled: Mapped[bool] = mapped_column(default=True)
