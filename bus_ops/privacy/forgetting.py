"""Loans forget their readers: some days after a return nobody can tell any more who read what.

What was lent, where, when and to which group stays, in the log as in what follows from it, so that
no figure changes. The log's facts are never changed otherwise: here, a card's number is blotted out
and a sign that stands for this one loan put in its place.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, select, update

from ..accounts.models import Organisation
from ..circulation.models import FORGOTTEN, REMEMBERED, Copy, Loan, Reservation
from ..counting.borrowers import keep_marks
from ..database import db, lock_library, now
from ..tablet.models import Contradiction, ContradictionKind, Event, EventKind
from ..timetable.models import Visit

_AT_ONCE = 500


def forget_readers_of_old_loans(organisation_id: int) -> int:
    """Loans that came back long enough ago forget their readers; answers how many did."""
    library = db.session.get_one(Organisation, organisation_id)
    return forget_loans(organisation_id, now() - timedelta(days=library.forget_readers_after))


def forget_loans(organisation_id: int, before: datetime, card_numbers: Collection[str] = ()) -> int:
    """Blot out who borrowed what came back before that moment; of these cards only, if named.

    Facts of lending that made no loan (undone, or scanned twice) are blotted out with them, once
    they are as old. Answers how many loans have forgotten their reader.
    """
    lock_library(organisation_id)
    forgotten = 0
    while loans := _remembered(organisation_id, before, card_numbers):
        _forget(organisation_id, loans)
        forgotten += len(loans)
    for facts in _facts_without_loan(organisation_id, before, card_numbers):
        _blot_out({fact.id: _sign(fact.id) for fact in facts}, facts, {})
    return forgotten


def _remembered(
    organisation_id: int, before: datetime, card_numbers: Collection[str]
) -> Sequence[Any]:
    query = (
        select(
            Loan.event_id,
            Loan.barcode,
            Loan.card_number,
            Loan.card_id,
            Loan.visit_id,
            Loan.place_id,
            Loan.audience,
            Loan.lent_at,
            Visit.day,
            Copy.title_id,
        )
        .join(Visit, Visit.id == Loan.visit_id)
        .outerjoin(Copy, Copy.id == Loan.copy_id)
        .where(
            Loan.organisation_id == organisation_id,
            Loan.returned_at < before,
            REMEMBERED,
            # Whoever is to settle it must see the card.
            ~exists().where(
                Contradiction.event_id == Loan.event_id,
                Contradiction.kind == ContradictionKind.UNKNOWN_CARD,
                Contradiction.settled_by_id.is_(None),
            ),
        )
        .order_by(Loan.returned_at, Loan.event_id)
        .limit(_AT_ONCE)
    )
    if card_numbers:
        query = query.where(Loan.card_number.in_(card_numbers))
    return db.session.execute(query).all()


def _forget(organisation_id: int, loans: Sequence[Any]) -> None:
    keep_marks(
        organisation_id, ((loan.place_id, loan.day.year, loan.card_number) for loan in loans)
    )
    by_scan = {(loan.barcode, loan.card_number, loan.visit_id): loan for loan in loans}
    query = select(Event).where(
        Event.organisation_id == organisation_id,
        Event.kind == EventKind.LENT,
        Event.barcode.in_({loan.barcode for loan in loans}),
        Event.card_number.in_({loan.card_number for loan in loans}),
    )
    signs, facts, groups = {}, [], {}
    for fact in db.session.scalars(query):
        loan = by_scan.get((fact.barcode or "", fact.card_number or "", fact.visit_id or 0))
        if loan is None:
            continue
        facts.append(fact)
        signs[fact.id] = _sign(loan.event_id)
        groups[fact.id] = loan.audience.value if loan.audience else None
    _blot_out(signs, facts, groups)
    _end_reservations(loans)
    table = Loan.__table__
    db.session.connection().execute(
        update(table)
        .where(table.c.event_id == bindparam("loan"))
        .values(card_number=bindparam("sign"), card_id=None),
        [{"loan": loan.event_id, "sign": _sign(loan.event_id)} for loan in loans],
    )
    db.session.expire_all()


def _facts_without_loan(
    organisation_id: int, before: datetime, card_numbers: Collection[str]
) -> Iterator[Sequence[Event]]:
    """Old facts of lending whose card is still told though no remembered loan hangs on it."""
    open_loan = exists().where(
        Loan.organisation_id == organisation_id,
        Loan.barcode == Event.barcode,
        Loan.card_number == Event.card_number,
        Loan.visit_id == Event.visit_id,
    )
    query = (
        select(Event)
        .where(
            Event.organisation_id == organisation_id,
            Event.kind == EventKind.LENT,
            Event.happened_at < before,
            Event.card_number.is_not(None),
            ~Event.card_number.startswith(FORGOTTEN),
            ~open_loan,
        )
        .limit(_AT_ONCE)
    )
    if card_numbers:
        query = query.where(Event.card_number.in_(card_numbers))
    while facts := db.session.scalars(query).all():
        yield facts


def _blot_out(
    signs: dict[uuid.UUID, str], facts: Sequence[Event], groups: dict[uuid.UUID, str | None]
) -> None:
    """Put the signs in place of the card numbers, in the facts and in what was told of them."""
    for fact in facts:
        sign = signs[fact.id]
        kept = {key: value for key, value in fact.payload.items() if key != "card_number"}
        fact.payload = {
            **kept,
            "card_number": sign,
            "forgotten": True,
            "audience": groups.get(fact.id),
        }
        fact.card_number = sign
    told = Contradiction.__table__
    if signs:
        settled = delete(told).where(
            told.c.event_id.in_(signs), told.c.kind == ContradictionKind.UNKNOWN_CARD
        )
        db.session.execute(settled)
        db.session.connection().execute(
            update(told)
            .where(told.c.event_id == bindparam("fact"), told.c.card_number.is_not(None))
            .values(card_number=bindparam("sign")),
            [{"fact": fact, "sign": sign} for fact, sign in signs.items()],
        )
    db.session.flush()


def _end_reservations(loans: Sequence[Any]) -> None:
    """What was reserved and lent is forgotten with the loan that fulfilled it."""
    for loan in loans:
        if loan.card_id is None or loan.title_id is None:
            continue
        db.session.execute(
            delete(Reservation).where(
                Reservation.card_id == loan.card_id,
                Reservation.title_id == loan.title_id,
                Reservation.asked_at <= loan.lent_at,
            )
        )


def _sign(loan: uuid.UUID) -> str:
    return FORGOTTEN + loan.hex
