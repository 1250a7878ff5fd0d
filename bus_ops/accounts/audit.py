"""The audit log: who exported what, and who looked at or erased whose personal data, when.

A view says that it is to be written down with ``audited``; it is, once its answer is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import Flask, Response, current_app, request
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, UTCDateTime, db, enum_column, now
from ..i18n import LabelledEnum
from .models import User

View = TypeVar("View", bound=Callable[..., Any])

_LONGEST_ADDRESS = 500


class AuditKind(LabelledEnum):
    """What is written down."""

    EXPORTED = "exported", _l("Exported")
    LOOKED = "looked", _l("Looked at personal data")
    ERASED = "erased", _l("Erased personal data")
    SENT = "sent", _l("Sent an export")


class AuditEntry(OwnedByOrganisation, Base):
    """One thing that somebody did; never changed."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_at", "organisation_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # None where the app itself did it, at night.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    kind: Mapped[AuditKind] = mapped_column(enum_column(AuditKind))
    # The address that was asked for, or what was done in words.
    what: Mapped[str] = mapped_column(String(500))

    user: Mapped[User | None] = relationship()


def audited(kind: AuditKind) -> Callable[[View], View]:
    """Have every answer of the view written down."""

    def mark(view: View) -> View:
        view.audited = kind  # type: ignore[attr-defined]
        return view

    return mark


def write_down(
    kind: AuditKind, what: str, organisation_id: int, user_id: int | None = None
) -> None:
    """Add an entry to this transaction."""
    db.session.add(
        AuditEntry(
            organisation_id=organisation_id,
            user_id=user_id,
            kind=kind,
            what=what[:_LONGEST_ADDRESS],
        )
    )


def init_audit(app: Flask) -> None:
    """Write down what audited views answer, before the answer goes out."""

    @app.after_request
    def write_down_answer(answer: Response) -> Response:
        view = current_app.view_functions.get(request.endpoint or "")
        kind = getattr(view, "audited", None)
        if kind is None or answer.status_code >= 400 or not current_user.is_authenticated:
            return answer
        address = request.full_path.rstrip("?")
        write_down(kind, address, current_user.organisation_id, current_user.id)
        db.session.commit()
        return answer
