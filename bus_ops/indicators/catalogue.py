"""The catalogue of indicators: what each counts, in what unit, and where it comes from.

Definitions follow TCVN 12843:2019 (ISO 2789:2013) where it has one: people who come, items lent,
vehicles. The plans of Vietnamese libraries ask for more, each a count of its own: reader turns,
items served, copies rotated, cards, runs and places are never added to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ..counting.definitions import BY_KEY, Measure


class Source(StrEnum):
    """Where an indicator's figure comes from."""

    LOG = "log"
    BOXES = "boxes"
    DONATIONS = "donations"
    HAND = "hand"


@dataclass(frozen=True)
class Indicator:
    """An indicator; a ``standing`` one has a state (the last entry), others add up over time."""

    key: str
    name: LazyString
    unit: LazyString
    definition: LazyString
    source: Source
    standing: bool = False
    # Whether TCVN 12843:2019 (ISO 2789:2013) defines it.
    of_the_standard: bool = False


def _of_the_log(key: str, of_the_standard: bool = False) -> Indicator:
    measure: Measure = BY_KEY[key]
    return Indicator(
        key,
        measure.name,
        measure.unit,
        measure.definition,
        Source.LOG,
        of_the_standard=of_the_standard,
    )


_BOOKS, _PEOPLE = _l("books"), _l("people")

INDICATORS = (
    _of_the_log("attendance", of_the_standard=True),
    _of_the_log("items_served"),
    _of_the_log("loans", of_the_standard=True),
    _of_the_log("on_site", of_the_standard=True),
    _of_the_log("runs"),
    _of_the_log("served"),
    _of_the_log("places"),
    _of_the_log("cards"),
    _of_the_log("activities", of_the_standard=True),
    _of_the_log("internet"),
    _of_the_log("ebook_accounts"),
    _of_the_log("trained", of_the_standard=True),
    _of_the_log("books_given"),
    Indicator(
        "vehicles",
        _l("Vehicles in service"),
        _l("vehicles"),
        _l(
            "Vans and other carriers with at least one served visit. Mobile libraries are counted"
            " by vehicle; stops are a figure of their own and are no service points (ISO 2789)."
        ),
        Source.LOG,
        of_the_standard=True,
    ),
    Indicator(
        "rotations",
        _l("Rotations"),
        _l("rotations"),
        _l("Boxes handed over to a place in the period, each handing over once."),
        Source.BOXES,
    ),
    Indicator(
        "rotated_copies",
        _l("Copies rotated"),
        _l("copies"),
        _l("Copies in the boxes handed over in the period, as the handover record lists them."),
        Source.BOXES,
    ),
    Indicator(
        "books_donated",
        _l("Books donated"),
        _BOOKS,
        _l("Books received from sponsors in the period, as written down under donations."),
        Source.DONATIONS,
    ),
    Indicator(
        "books_added",
        _l("Books added"),
        _BOOKS,
        _l(
            "Copies added to the stock of all public libraries of the city in the period,"
            " bought and given (ISO 2789: additions). Entered by hand from the stock book."
        ),
        Source.HAND,
        of_the_standard=True,
    ),
    Indicator(
        "city_visits",
        _l("Visits to all libraries of the city"),
        _PEOPLE,
        _l(
            "Reader turns of all public libraries of the city, the van among them (ISO 2789:"
            " visits). Entered by hand: the van's own log is only a small part."
        ),
        Source.HAND,
        of_the_standard=True,
    ),
    Indicator(
        "pages_digitised",
        _l("Pages digitised"),
        _l("pages"),
        _l("Pages of documents digitised in the period (ISO 2789). Entered by hand."),
        Source.HAND,
        of_the_standard=True,
    ),
    Indicator(
        "districts_with_internet",
        _l("District libraries with free internet"),
        _l("libraries"),
        _l(
            "District libraries that offer free internet to their readers: how many there are"
            " on a day. Entered by hand; the last entry holds."
        ),
        Source.HAND,
        standing=True,
    ),
    Indicator(
        "city_ebook_accounts",
        _l("E-book accounts of the city's libraries"),
        _l("accounts"),
        _l(
            "Accounts for e-books opened in the period by all public libraries of the city, at"
            " the van and elsewhere. Entered by hand."
        ),
        Source.HAND,
    ),
)
INDICATOR_OF = {indicator.key: indicator for indicator in INDICATORS}
BY_HAND = tuple(indicator for indicator in INDICATORS if indicator.source is Source.HAND)
