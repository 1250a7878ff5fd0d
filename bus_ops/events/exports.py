"""Events and donations as spreadsheets for the yearly report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask_babel import gettext as _

from ..workbooks import Sheet, workbook
from .models import RESULTS, Donation, GiftKind, SpecialEvent


def events_xlsx(events: Sequence[SpecialEvent], people: Mapping[int, int]) -> bytes:
    """One row an event."""
    columns = [
        _("Day"),
        _("Kind of event"),
        _("Name of the event"),
        _("Place"),
        _("Commune or ward"),
        _("Partners"),
        _("People expected"),
        _("Attendance"),
        _("Results"),
        _("Report"),
    ]
    rows = [
        [
            event.day,
            event.kind.label,
            event.title,
            event.place.name,
            event.place.commune_name,
            event.partners,
            event.expected_people,
            people.get(event.id, 0),
            results_in_words(event),
            event.report,
        ]
        for event in events
    ]
    return workbook([Sheet(_("Events"), _("Events"), columns, rows)])


def donations_xlsx(
    donations: Iterable[Donation], sums: Sequence[tuple[GiftKind, int, int]]
) -> bytes:
    """One row a gift, and the sums by kind."""
    columns = [
        _("Received on"),
        _("Donor"),
        _("Kind of donor"),
        _("What is given"),
        _("Description"),
        _("Number"),
        _("Value in VND"),
        _("At the event"),
    ]
    rows = [
        [
            gift.received_on,
            gift.donor.name,
            gift.donor.kind.label,
            gift.kind.label,
            gift.description,
            gift.quantity,
            gift.value_vnd,
            gift.event.title if gift.event else "",
        ]
        for gift in donations
    ]
    names = [_("What is given"), _("Number"), _("Value in VND")]
    added = [[kind.label, quantity, value] for kind, quantity, value in sums]
    return workbook(
        [
            Sheet(_("Donations"), _("Donations"), columns, rows),
            Sheet(_("Sums"), _("Sums"), names, added),
        ]
    )


def results_in_words(event: SpecialEvent) -> str:
    """Prizes given: 12; entries: 80."""
    labels = RESULTS[event.kind]
    known = [(labels[name], n) for name, n in event.results.items() if name in labels]
    return "; ".join(f"{label}: {number}" for label, number in known)
