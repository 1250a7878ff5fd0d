"""What is on the van now, and what must be on it tomorrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from ..database import db
from ..timetable.models import Visit
from .models import (
    Box,
    BoxDeposit,
    BoxItem,
    BoxItemState,
    Card,
    Copy,
    Loan,
    Reader,
    Reservation,
    Title,
)

# A box comes back at the last visit before its time is over, so it is asked for this early.
_GONE = (BoxItemState.OUT, BoxItemState.MISSING)


def aboard_barcodes(organisation_id: int, van_id: int | None = None) -> set[str]:
    """Copies of the van's stock (of any van without ``van_id``) neither on loan nor in a box."""
    on_loan = exists().where(
        Loan.organisation_id == organisation_id,
        Loan.barcode == Copy.barcode,
        Loan.returned_at.is_(None),
    )
    in_box = exists().where(BoxItem.copy_id == Copy.id, BoxItem.state.in_(_GONE))
    query = select(Copy.barcode).where(
        Copy.organisation_id == organisation_id,
        Copy.withdrawn_on.is_(None),
        Copy.van_id.is_not(None) if van_id is None else Copy.van_id == van_id,
        ~on_loan,
        ~in_box,
    )
    return set(db.session.scalars(query))


def aboard_by_subject(organisation_id: int, van_id: int | None = None) -> list[tuple[str, int]]:
    """How many copies of each subject are aboard, most first."""
    on_board = aboard_barcodes(organisation_id, van_id)
    query = (
        select(Copy.barcode, Title.subject)
        .join(Title, Copy.title_id == Title.id)
        .where(Copy.organisation_id == organisation_id)
    )
    counts = Counter(
        subject for barcode, subject in db.session.execute(query) if barcode in on_board
    )
    return sorted(counts.items(), key=lambda line: (-line[1], line[0]))


def open_reservations(visits: Sequence[Visit]) -> list[dict[str, Any]]:
    """Titles that readers of these visits' places wait for, with a copy aboard where there is one.

    A reservation is open until a copy of its title is lent to its card after it was made.
    """
    if not visits:
        return []
    organisation_id = visits[0].organisation_id
    visit_of = {visit.place_id: visit.id for visit in visits}
    lent_since = (
        exists()
        .where(
            Loan.card_id == Reservation.card_id,
            Loan.lent_at >= Reservation.asked_at,
            Loan.copy_id == Copy.id,
            Copy.title_id == Reservation.title_id,
        )
        .correlate(Reservation)
    )
    query = (
        select(Reservation)
        .where(
            Reservation.organisation_id == organisation_id,
            Reservation.place_id.in_(visit_of),
            Reservation.cancelled_at.is_(None),
            ~lent_since,
        )
        .options(
            joinedload(Reservation.title),
            joinedload(Reservation.card).joinedload(Card.reader),
        )
        .order_by(Reservation.asked_at, Reservation.id)
    )
    waiting = list(db.session.scalars(query))
    free = _free_copies(organisation_id, {reservation.title_id for reservation in waiting})
    return [
        {
            "title": reservation.title.name,
            "barcode": free[reservation.title_id].pop() if free.get(reservation.title_id) else None,
            "reader": _reader_name(reservation.card.reader),
            "card": reservation.card.number,
            "visit_id": visit_of[reservation.place_id],
        }
        for reservation in waiting
    ]


def boxes_out(visits: Sequence[Visit]) -> list[dict[str, Any]]:
    """Boxes that are to be left at these visits' places."""
    if not visits:
        return []
    visit_of = {visit.place_id: visit for visit in visits}
    query = select(Box).where(
        Box.organisation_id == visits[0].organisation_id,
        Box.enabled.is_(True),
        Box.next_place_id.in_(visit_of),
    )
    return [
        {
            "box": box.code,
            "place": visit_of[box.next_place_id].place.name,
            "visit_id": visit_of[box.next_place_id].id,
        }
        for box in db.session.scalars(query.order_by(Box.code))
        if box.next_place_id is not None
    ]


def boxes_back(visits: Sequence[Visit]) -> list[dict[str, Any]]:
    """Boxes that stand at these visits' places, with how many copies and until when."""
    if not visits:
        return []
    visit_of = {visit.place_id: visit for visit in visits}
    query = (
        select(BoxDeposit)
        .where(
            BoxDeposit.organisation_id == visits[0].organisation_id,
            BoxDeposit.place_id.in_(visit_of),
            BoxDeposit.back_event_id.is_(None),
        )
        .options(joinedload(BoxDeposit.place))
        .order_by(BoxDeposit.due_on, BoxDeposit.box_code)
    )
    return [
        {
            "box": deposit.box_code,
            "place": deposit.place.name,
            "visit_id": visit_of[deposit.place_id].id,
            "due_on": deposit.due_on.isoformat(),
            "barcodes": [item.barcode for item in deposit.items],
        }
        for deposit in db.session.scalars(query)
    ]


def _free_copies(organisation_id: int, title_ids: set[int]) -> dict[int, list[str]]:
    on_board = aboard_barcodes(organisation_id)
    query = (
        select(Copy.title_id, Copy.barcode)
        .where(Copy.organisation_id == organisation_id, Copy.title_id.in_(title_ids))
        .order_by(Copy.barcode.desc())
    )
    free: dict[int, list[str]] = {}
    for title_id, barcode in db.session.execute(query):
        if barcode in on_board:
            free.setdefault(title_id, []).append(barcode)
    return free


def _reader_name(reader: Reader) -> str:
    return reader.full_name
