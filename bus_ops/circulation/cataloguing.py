"""Copies and cards enter the catalogue, get another code, leave it.

Loans name barcodes and card numbers as they were scanned, also those that nobody had catalogued;
so each change here tells the log (``catalogue_changed``), which looks at those codes again.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select, update

from schedules.searching import search_key

from ..database import db
from ..i18n import today
from .models import Card, CardKind, Copy, Loan, Reader, Title
from .signals import catalogue_changed


class CatalogueError(ValueError):
    """The catalogue cannot take the change; the message says why and what to do instead."""


def add_copy(title: Title, barcode: str, van_id: int | None = None) -> Copy:
    """Catalogue a copy in a van's stock, or in the library's own store without ``van_id``.

    Loans of this barcode that were logged before are the copy's now.
    """
    _must_be_free_barcode(title.organisation_id, barcode)
    copy = Copy(
        organisation_id=title.organisation_id,
        title_id=title.id,
        barcode=barcode,
        added_on=today(),
        van_id=van_id,
    )
    db.session.add(copy)
    _tell_barcodes(title.organisation_id, barcode)
    return copy


def rename_copy(copy: Copy, barcode: str) -> None:
    """Correct a barcode; loans follow the barcode that was scanned."""
    if not barcode:
        raise CatalogueError(_("Enter the barcode."))
    if barcode == copy.barcode:
        return
    _must_be_free_barcode(copy.organisation_id, barcode)
    before, copy.barcode = copy.barcode, barcode
    _tell_barcodes(copy.organisation_id, before, barcode)


def remove_copy(copy: Copy) -> None:
    """Take a copy out of the catalogue; what was logged of its barcode stays logged."""
    db.session.execute(update(Loan).where(Loan.copy_id == copy.id).values(copy_id=None))
    db.session.delete(copy)
    _tell_barcodes(copy.organisation_id, copy.barcode)


def add_card(reader: Reader, number: str, kind: CardKind) -> Card:
    """Give a reader a card; loans to this number that were logged before are the reader's now."""
    _must_be_free_number(reader.organisation_id, number)
    card = Card(organisation_id=reader.organisation_id, number=number, kind=kind)
    reader.cards.append(card)
    write_search_key(reader)
    _tell_cards(reader.organisation_id, number)
    return card


def rename_card(card: Card, number: str) -> None:
    """Correct a card's number; loans follow the number that was scanned."""
    if not number:
        raise CatalogueError(_("Enter the card's number."))
    if number == card.number:
        return
    _must_come_from_a_page(card)
    _must_be_free_number(card.organisation_id, number)
    before, card.number = card.number, number
    write_search_key(card.reader)
    _tell_cards(card.organisation_id, before, number)


def remove_card(card: Card) -> None:
    """Take a card away from its reader; what was logged with its number stays logged."""
    _must_come_from_a_page(card)
    reader = card.reader
    db.session.execute(update(Loan).where(Loan.card_id == card.id).values(card_id=None))
    reader.cards.remove(card)
    db.session.delete(card)
    write_search_key(reader)
    _tell_cards(reader.organisation_id, card.number)


def write_search_key(reader: Reader) -> None:
    """A reader is found by name and by card numbers."""
    numbers = " ".join(card.number for card in reader.cards)
    reader.search_key = search_key(f"{reader.full_name} {numbers}")[:200]


def _must_be_free_barcode(organisation_id: int, barcode: str) -> None:
    taken = select(Copy.id).where(Copy.organisation_id == organisation_id, Copy.barcode == barcode)
    if db.session.scalar(taken) is not None:
        raise CatalogueError(_("A copy with this barcode exists already."))


def _must_be_free_number(organisation_id: int, number: str) -> None:
    taken = select(Card.id).where(Card.organisation_id == organisation_id, Card.number == number)
    if db.session.scalar(taken) is not None:
        raise CatalogueError(_("A card of this number exists already."))


def _must_come_from_a_page(card: Card) -> None:
    """A card that the crew made is what the log says: there it is taken back."""
    if card.event_id is not None:
        raise CatalogueError(
            _("The crew made this card at a visit. Undo it on the visit's page and make it anew.")
        )


def _tell_barcodes(organisation_id: int, *barcodes: str) -> None:
    db.session.flush()
    catalogue_changed.send(None, organisation_id=organisation_id, barcodes=barcodes)


def _tell_cards(organisation_id: int, *numbers: str) -> None:
    db.session.flush()
    catalogue_changed.send(None, organisation_id=organisation_id, card_numbers=numbers)
