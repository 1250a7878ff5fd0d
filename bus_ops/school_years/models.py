"""The table of what was agreed with the education department."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation
from ..places.models import Place


class SchoolYearGoal(OwnedByOrganisation, Base):
    """How often a school is to be visited in a school year."""

    __tablename__ = "school_year_goal"
    __table_args__ = (UniqueConstraint("place_id", "school_year"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id", ondelete="CASCADE"), index=True)
    # The year in which it begins.
    school_year: Mapped[int]
    visits: Mapped[int]
    # When the department agreed; none while it is the library's own proposal.
    agreed_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(300), default="")

    place: Mapped[Place] = relationship()
