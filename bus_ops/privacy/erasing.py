"""A reader's data: everything that is kept of them, and its erasure on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select

from ..circulation.models import Card, Loan, Reader, Reservation
from ..database import db, lock_library, now
from ..i18n import local
from ..tablet.models import Contradiction, Event, EventKind
from .forgetting import forget_loans


class ErasingError(ValueError):
    """The reader cannot be erased yet; the message says what stands in the way."""


@dataclass(frozen=True)
class KeptOfReader:
    """Everything that names a reader or one of their cards."""

    reader: Reader
    cards: list[Card]
    loans: list[Loan]
    reservations: list[Reservation]
    facts: list[Event]

    def as_json(self) -> dict[str, Any]:
        """The same in an open format, to be handed over."""
        reader = self.reader
        return {
            "full_name": reader.full_name,
            "group": reader.audience.value if reader.audience else None,
            "class": reader.class_name,
            "borrows_at": reader.place.name if reader.place else None,
            "cards": [
                {
                    "number": card.number,
                    "kind": card.kind.value,
                    "issued_on": card.issued_on and card.issued_on.isoformat(),
                }
                for card in self.cards
            ],
            "loans": [
                {
                    "title": loan.copy.title.name if loan.copy else None,
                    "barcode": loan.barcode,
                    "lent_at": local(loan.lent_at).isoformat(),
                    "due_on": loan.due_on.isoformat(),
                    "returned_at": loan.returned_at and local(loan.returned_at).isoformat(),
                }
                for loan in self.loans
            ],
            "reservations": [
                {"title": one.title.name, "asked_at": local(one.asked_at).isoformat()}
                for one in self.reservations
            ],
            "facts": [
                {
                    "kind": fact.kind.value,
                    "happened_at": local(fact.happened_at).isoformat(),
                    "content": fact.payload,
                }
                for fact in self.facts
            ],
        }


def kept_of(reader: Reader) -> KeptOfReader:
    """What is kept of a reader today."""
    cards = list(reader.cards)
    numbers = [card.number for card in cards]
    loans = select(Loan).where(
        Loan.organisation_id == reader.organisation_id, Loan.card_number.in_(numbers)
    )
    reservations = select(Reservation).where(Reservation.card_id.in_([card.id for card in cards]))
    facts = select(Event).where(
        Event.organisation_id == reader.organisation_id, Event.card_number.in_(numbers)
    )
    return KeptOfReader(
        reader,
        cards,
        list(db.session.scalars(loans.order_by(Loan.lent_at))),
        list(db.session.scalars(reservations.order_by(Reservation.asked_at))),
        list(db.session.scalars(facts.order_by(Event.happened_at))),
    )


def erase(reader: Reader) -> None:
    """Erase a reader with their cards; what they borrowed is counted on, as somebody's of a group.

    Raises ErasingError while something is lent to them: nobody could be asked for it any more.
    """
    organisation_id = reader.organisation_id
    lock_library(organisation_id)
    kept = kept_of(reader)
    out = [loan for loan in kept.loans if loan.returned_at is None]
    if out:
        codes = ", ".join(loan.barcode for loan in out)
        raise ErasingError(
            _("Still lent to this reader: %(codes)s. Take it back first, then erase.", codes=codes)
        )
    numbers = [card.number for card in kept.cards]
    if numbers:
        forget_loans(organisation_id, now(), numbers)
        _blot_out_cards(organisation_id, numbers)
    cards = [card.id for card in kept.cards]
    db.session.execute(delete(Reservation).where(Reservation.card_id.in_(cards)))
    db.session.execute(delete(Card).where(Card.id.in_(cards)))
    db.session.execute(delete(Reader).where(Reader.id == reader.id))
    db.session.expire_all()


def _blot_out_cards(organisation_id: int, numbers: list[str]) -> None:
    """That a card was made stays counted; its number and the name on it do not stay."""
    query = select(Event).where(
        Event.organisation_id == organisation_id, Event.card_number.in_(numbers)
    )
    for fact in db.session.scalars(query):
        personal = {"number", "full_name", "card_number"}
        kept = {key: value for key, value in fact.payload.items() if key not in personal}
        fact.payload = {**kept, "forgotten": True}
        fact.card_number = None
        if fact.kind == EventKind.CARD_ISSUED:
            told = delete(Contradiction).where(
                Contradiction.event_id == fact.id, Contradiction.card_number.is_not(None)
            )
            db.session.execute(told)
    db.session.flush()
