"""Tables of saved reports, of what is delivered by itself, and of reports to the department."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from schedules.periods import PeriodKind

from ..accounts.models import User
from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..i18n import LabelledEnum


class Rows(LabelledEnum):
    """What the rows of a saved report are."""

    GROUPS = "groups", _l("Groups")
    VISITS = "visits", _l("Visits, one by one")
    LOANS = "loans", _l("Loans, one by one")


class Cadence(LabelledEnum):
    """How often a report is delivered by itself."""

    NEVER = "never", _l("Never")
    WEEKLY = "weekly", _l("Every Monday")
    MONTHLY = "monthly", _l("On the first of the month")


class SavedReport(OwnedByOrganisation, Base):
    """A report that somebody put together: rows, columns, filters and period."""

    __tablename__ = "saved_report"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    # Others of the library see it too.
    shared: Mapped[bool] = mapped_column(default=False)
    rows: Mapped[Rows] = mapped_column(enum_column(Rows), default=Rows.GROUPS)
    # A key of statistics.groups.
    grouping: Mapped[str] = mapped_column(String(20), default="place")
    # Keys of measures, in their order.
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)
    # {"kind": "school", "van_id": 3}: fields of counting.figures.Filters.
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # The kind of period, and whether the one before the running one is meant.
    period: Mapped[PeriodKind] = mapped_column(enum_column(PeriodKind), default=PeriodKind.MONTH)
    whole_only: Mapped[bool] = mapped_column(default=True)
    file_format: Mapped[str] = mapped_column(String(10), default="xlsx")
    cadence: Mapped[Cadence] = mapped_column(enum_column(Cadence), default=Cadence.NEVER)
    # E-mail addresses, one a line; and whether a file goes into the folder for exports.
    recipients: Mapped[str] = mapped_column(String(1000), default="")
    to_folder: Mapped[bool] = mapped_column(default=False)
    # The day for which it was delivered last: each only once.
    delivered_for: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    owner: Mapped[User | None] = relationship()


class DepartmentReport(OwnedByOrganisation, Base):
    """A report that is made again and again: its period, its closing day, its map, its template."""

    __tablename__ = "department_report"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    period: Mapped[PeriodKind] = mapped_column(enum_column(PeriodKind), default=PeriodKind.QUARTER)
    # The day of the month on which the period ends; None is the month's last.
    closing_day: Mapped[int | None]
    # A key of statistics.groups: communes of today's or of the old map, or districts.
    grouping: Mapped[str] = mapped_column(String(20), default="commune")
    # The library's own document with blanks (DOCX); None takes the one that comes with the app.
    template: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    template_name: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
