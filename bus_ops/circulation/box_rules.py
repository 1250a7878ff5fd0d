"""Rules of rotating boxes (Circular 33/2018/TT-BVHTTDL, article 6, as this project reads it).

A box stays at one place for at most six months; it holds titles of which the library has three
copies or more, and none that are rare. A person must check the law before relying on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dateutil.relativedelta import relativedelta
from sqlalchemy import func, select

from ..database import db
from .models import Copy, Title

LONGEST_STAY = relativedelta(months=6)
LEAST_COPIES = 3


@dataclass(frozen=True)
class BoxConcern:
    """A copy that does not belong in a box, and which rule says so."""

    barcode: str
    title: str
    rare: bool
    copies: int


def due_back(left_on: date) -> date:
    """The last day a box left on this day may stay."""
    return left_on + LONGEST_STAY


def concerns_about(barcodes: Sequence[str], organisation_id: int) -> list[BoxConcern]:
    """Copies of rare titles, or of titles with fewer than three copies."""
    kept = (
        select(Copy.title_id, func.count().label("copies"))
        .where(Copy.organisation_id == organisation_id, Copy.withdrawn_on.is_(None))
        .group_by(Copy.title_id)
        .subquery()
    )
    query = (
        select(Copy.barcode, Title.name, Title.rare, kept.c.copies)
        .join(Title, Copy.title_id == Title.id)
        .join(kept, kept.c.title_id == Title.id)
        .where(Copy.organisation_id == organisation_id, Copy.barcode.in_(barcodes))
        .order_by(Copy.barcode)
    )
    return [
        BoxConcern(barcode, title, rare, copies)
        for barcode, title, rare, copies in db.session.execute(query)
        if rare or copies < LEAST_COPIES
    ]
