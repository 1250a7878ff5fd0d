"""The list "to settle": contradictions, what each side recorded, and ways to decide."""

from __future__ import annotations

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from ..database import current_organisation_id, db, owned
from ..tables import Listing
from .day import text_of
from .models import Contradiction, ContradictionKind, Event, SetAside

# Decisions offered for each kind; the words are kept in the log as the code.
_KEEP = ("kept", _l("Leave it as recorded"))
DECISIONS = {
    ContradictionKind.LENT_TWICE: [("first_returned", _l("The first loan was returned")), _KEEP],
    ContradictionKind.RETURNED_NOT_LENT: [("shelved", _l("The copy is back on the shelf")), _KEEP],
    ContradictionKind.RENEWED_NOT_LENT: [("not_lent", _l("It was not on loan")), _KEEP],
    ContradictionKind.UNKNOWN_CARD: [("card_clarified", _l("The reader is known now")), _KEEP],
    ContradictionKind.UNKNOWN_COPY: [("copy_clarified", _l("The copy is catalogued now")), _KEEP],
    ContradictionKind.CARD_EXISTS: [("same_reader", _l("It is the same reader")), _KEEP],
    ContradictionKind.VISIT_CANCELLED: [("was_served", _l("The visit did take place")), _KEEP],
    ContradictionKind.UNKNOWN_VISIT: [("noted", _l("Noted"))],
    ContradictionKind.CLOCK_WRONG: [("time_accepted", _l("The counts are right")), _KEEP],
    ContradictionKind.DEPARTED_BEFORE_ARRIVED: [("noted", _l("Noted"))],
    ContradictionKind.COUNT_BELOW_ZERO: [("noted", _l("Noted"))],
    ContradictionKind.OTHER_RUN: [("right_visit", _l("It belongs to this visit")), _KEEP],
}


def contradictions_listing() -> Listing:
    """Open contradictions of the library, filtered by kind, searched by barcode or card."""
    query = owned(Contradiction).where(Contradiction.settled_by_id.is_(None))
    kind = request.args.get("kind", "")
    if kind in {member.value for member in ContradictionKind}:
        query = query.where(Contradiction.kind == ContradictionKind(kind))
    typed = request.args.get("q", "").strip()
    if typed:
        query = query.where(
            Contradiction.barcode.contains(typed, autoescape=True)
            | Contradiction.card_number.contains(typed, autoescape=True)
        )
    sorts = {"found": Contradiction.found_at, "kind": Contradiction.kind}
    return Listing(query, sorts, "-found", tie_breaker=Contradiction.event_id)


def side_by_side(row: Contradiction) -> list[Event]:
    """The facts on both sides of a contradiction, in order of happening."""
    ids = [identity for identity in (row.event_id, row.other_event_id) if identity]
    query = owned(Event).where(Event.id.in_(ids)).order_by(Event.happened_at)
    return list(db.session.scalars(query))


def evidence_count() -> int:
    """How many records of tablets could not be read and are kept aside."""
    query = select(func.count()).where(SetAside.organisation_id == current_organisation_id())
    return db.session.scalar(query) or 0


__all__ = ["DECISIONS", "contradictions_listing", "evidence_count", "side_by_side", "text_of"]
