"""What a change of the timetable brought with it, in words for the person who made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import ngettext

from schedules.expansion import SkippedDate

from ..i18n import format_clock, format_day
from .promises import day_off_in_words
from .retiming import Shift

# As many are named in a message; the rest are counted.
_NAMED = 6


def sentences_of_shifts(shifts: Sequence[Shift]) -> list[str]:
    """Which visits have another time now; nothing where none has."""
    if not shifts:
        return []
    return [
        ngettext(
            "%(num)s visit has another time: %(list)s.",
            "%(num)s visits have another time: %(list)s.",
            len(shifts),
            list=shortened([_shift(shift) for shift in shifts]),
        )
    ]


def sentences_of_skipped(skipped: Sequence[SkippedDate], names: Mapping[int, str]) -> list[str]:
    """On which dates calendars leave stops out and why; ``names`` are the places' by stop."""
    if not skipped:
        return []
    words = [
        f"{names[int(str(one.stop_key))]} {format_day(one.day)} "
        f"({day_off_in_words(one.off).rstrip('.')})"
        for one in skipped
    ]
    return [
        ngettext(
            "No visit on %(num)s date: %(list)s. Its stop's page can add one.",
            "No visit on %(num)s dates: %(list)s. Their stops' pages can add some.",
            len(words),
            list=shortened(words),
        )
    ]


def sentences_of_removed(removed: int) -> list[str]:
    """How many coming visits were taken out."""
    if not removed:
        return []
    return [
        ngettext(
            "%(num)s coming visit was taken out.", "%(num)s coming visits were taken out.", removed
        )
    ]


def shortened(words: Sequence[str]) -> str:
    """The first few of a list, and how many more there are."""
    named = "; ".join(words[:_NAMED])
    more = len(words) - _NAMED
    if more <= 0:
        return named
    return ngettext("%(list)s and %(num)s more", "%(list)s and %(num)s more", more, list=named)


def _shift(shift: Shift) -> str:
    before, after = shift.before, shift.after
    place = shift.visit.place.name
    day = format_day(after.arrival_at)
    old, new = (
        f"{format_clock(t.arrival_at)}–{format_clock(t.departure_at)}" for t in (before, after)
    )
    return f"{place} {day} {old} → {new}"
