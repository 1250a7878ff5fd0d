"""Active readers: how many different people borrowed at a place in a year.

A loan forgets its reader some time after its return. Before it does, a mark is kept that the same
card gives again in the same year at the same place, and nowhere else: it tells two readers apart,
leads to no loan, and cannot be turned back into a card number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import date

from flask import current_app
from sqlalchemy import select

from ..circulation.models import REMEMBERED, Loan
from ..database import db, insert_or_nothing
from ..timetable.models import Visit
from .models import BORROWER_MARK


def active_readers(organisation_id: int, year: int) -> dict[int, int]:
    """Different borrowers of the calendar year, by place."""
    marks: dict[int, set[str]] = {}
    kept = select(BORROWER_MARK.c.place_id, BORROWER_MARK.c.mark).where(
        BORROWER_MARK.c.organisation_id == organisation_id, BORROWER_MARK.c.year == year
    )
    for place_id, mark in db.session.execute(kept):
        marks.setdefault(place_id, set()).add(mark)
    remembered = (
        select(Loan.place_id, Loan.card_number)
        .join(Visit, Loan.visit_id == Visit.id)
        .where(
            Loan.organisation_id == organisation_id,
            Visit.day.between(date(year, 1, 1), date(year, 12, 31)),
            REMEMBERED,
        )
        .distinct()
    )
    mark_of = _marker(organisation_id, year)
    for place_id, card_number in db.session.execute(remembered):
        marks.setdefault(place_id, set()).add(mark_of(place_id, card_number))
    return {place_id: len(found) for place_id, found in marks.items()}


def keep_marks(organisation_id: int, borrowed: Iterable[tuple[int, int, str]]) -> None:
    """Keep marks of borrowers, each by place, year and card number, before they are forgotten."""
    different = set(borrowed)
    mark_of = {year: _marker(organisation_id, year) for _place, year, _card in different}
    rows = [
        {
            "organisation_id": organisation_id,
            "place_id": place_id,
            "year": year,
            "mark": mark_of[year](place_id, card_number),
        }
        for place_id, year, card_number in different
    ]
    if rows:
        keys = BORROWER_MARK.primary_key.columns
        db.session.execute(insert_or_nothing(BORROWER_MARK, list(keys)), rows)


def _marker(organisation_id: int, year: int) -> Callable[[int, str], str]:
    """Makes the mark of a place and a card number."""
    secret = current_app.config["SECRET_KEY"]
    key = hashlib.sha256(f"borrower:{organisation_id}:{year}:{secret}".encode()).digest()

    def mark(place_id: int, card_number: str) -> str:
        text = f"{place_id}:{card_number}".encode()
        return hashlib.blake2b(text, key=key, digest_size=16).hexdigest()

    return mark
