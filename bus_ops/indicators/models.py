"""Tables of targets, and of figures that are entered by hand."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..accounts.models import User
from ..database import Base, OwnedByOrganisation, UTCDateTime, now
from ..places.models import AdministrativeUnit


class Target(OwnedByOrganisation, Base):
    """What an indicator is to reach in a year, or in several years together."""

    __tablename__ = "target"
    __table_args__ = (
        UniqueConstraint("organisation_id", "indicator", "unit_id", "first_year", "last_year"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # A key of the catalogue.
    indicator: Mapped[str] = mapped_column(String(40))
    # None is the whole service; otherwise the commune or district it is set for.
    unit_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrative_unit.id", ondelete="CASCADE")
    )
    first_year: Mapped[int]
    last_year: Mapped[int]
    value: Mapped[int] = mapped_column(BigInteger)
    # The plan or decision that sets it.
    source: Mapped[str] = mapped_column(String(200), default="")
    # Shipped to show how it is done; no target of this library.
    example: Mapped[bool] = mapped_column(default=False)

    unit: Mapped[AdministrativeUnit | None] = relationship()


class IndicatorEntry(OwnedByOrganisation, Base):
    """A figure entered by hand: what was done up to a day, or how things stood on it."""

    __tablename__ = "indicator_entry"
    __table_args__ = (Index("ix_indicator_entry", "organisation_id", "indicator", "on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrative_unit.id", ondelete="CASCADE")
    )
    on: Mapped[date]
    value: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(String(300), default="")
    example: Mapped[bool] = mapped_column(default=False)
    entered_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL")
    )
    entered_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    unit: Mapped[AdministrativeUnit | None] = relationship()
    entered_by: Mapped[User | None] = relationship()
