"""What tablets sent and could not be read: kept whole, found again, taken away as a file."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, func, literal, or_, select

from ..database import current_organisation_id, db
from ..incoming import asked_search
from ..tables import Listing
from .models import SetAside, Tablet

# Characters of a record that the page shows; the file holds it whole.
MOST_SHOWN = 4_000


def evidence_count() -> int:
    """How many records of tablets could not be read and are kept aside."""
    query = select(func.count()).where(SetAside.organisation_id == current_organisation_id())
    return db.session.scalar(query) or 0


def evidence_listing() -> Listing:
    """Rows of (record, tablet's name); searched in problem, tablet and the record itself."""
    query = (
        select(SetAside, Tablet.name)
        .outerjoin(Tablet, Tablet.id == SetAside.tablet_id)
        .where(SetAside.organisation_id == current_organisation_id())
    )
    typed = asked_search()
    if typed:
        query = query.where(
            or_(
                SetAside.problem.icontains(typed, autoescape=True),
                Tablet.name.icontains(typed, autoescape=True),
                *(_raw_contains(spelling) for spelling in _spellings(typed)),
            )
        )
    sorts = {"received": SetAside.received_at, "tablet": Tablet.name, "problem": SetAside.problem}
    return Listing(query, sorts, "-received", tie_breaker=SetAside.id, per_page=20)


def in_words(raw: bytes) -> str:
    """The beginning of a record as text: JSON laid out to be read, other bytes as they are."""
    try:
        text = json.dumps(json.loads(raw), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        text = raw[: 4 * MOST_SHOWN].decode("utf-8", errors="backslashreplace")
    shown = text[:MOST_SHOWN] + ("…" if len(text) > MOST_SHOWN else "")
    # Half a surrogate pair cannot be sent to a browser; NUL cannot stand in a page.
    return shown.encode("utf-8", errors="backslashreplace").decode().replace("\x00", "\\x00")


def _spellings(typed: str) -> set[bytes]:
    """The bytes for which a text may stand in a record: as UTF-8, or escaped as in JSON."""
    return {
        typed.encode("utf-8", errors="replace"),
        json.dumps(typed, ensure_ascii=True)[1:-1].encode(),
    }


def _raw_contains(part: bytes) -> ColumnElement[bool]:
    if db.session.get_bind().dialect.name == "postgresql":
        return func.pg_catalog.position(SetAside.raw, literal(part)) > 0
    return func.instr(SetAside.raw, literal(part)) > 0
