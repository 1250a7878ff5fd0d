"""What older mobile library files write otherwise: column names, days, frequencies in weeks.

Version 0.1 of the format has today's columns without ``type`` and ``exceptions``. The first files
of all have Mobile, Route, Day, StartDate, EndDate, Frequency (whole weeks), Stop, Community, Start,
End (both clock times), X and Y.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum

# Other names of a column, without blanks and signs -> today's.
_OTHER_NAMES = {
    "startdate": "start",
    "enddate": "end",
    "x": "geox",
    "lon": "geox",
    "lng": "geox",
    "longitude": "geox",
    "y": "geoy",
    "lat": "geoy",
    "latitude": "geoy",
    "location": "stop",
}
# Where days have columns of their own, these two are clock times.
_TIMES_BESIDE_START_DATE = {"start": "arrival", "end": "departure"}
_WRITTEN_DAY = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:\D|$)")
_ISO_DAY = re.compile(r"^(\d{4}-\d{2}-\d{2}|\d{8})(?:[T ]|$)")
MOST_WEEKS = 52


class DayOrder(Enum):
    """How a file writes days such as 03/09/2019."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    UNKNOWN = "unknown"


def todays_names(names: Sequence[str]) -> list[str]:
    """Column names of a header (in small letters) as the format calls them today.

    A name is taken for another only where the file has no column of that name.
    """
    bare = [re.sub(r"[^a-z]", "", name) for name in names]
    oldest = "startdate" in bare and "arrival" not in names
    other = _OTHER_NAMES | (_TIMES_BESIDE_START_DATE if oldest else {})
    taken = set(names) - (set(_TIMES_BESIDE_START_DATE) if oldest else set())
    found = []
    for name, plain in zip(names, bare, strict=True):
        wanted = other.get(plain, name)
        if wanted != name and wanted in taken:
            wanted = name
        taken.add(wanted)
        found.append(wanted)
    return found


def rule_of_weeks(text: str) -> str:
    """A frequency that is a bare number means every so many weeks; anything else stays."""
    weeks = text.removesuffix(".0")
    if re.fullmatch("[0-9]{1,2}", weeks) and 1 <= int(weeks) <= MOST_WEEKS:
        return f"FREQ=WEEKLY;INTERVAL={int(weeks)}"
    return text


def day_order(days: Iterable[tuple[str, int | None]]) -> DayOrder:
    """How a file writes its days, from all of them, each with its weekday (0 is Monday) if known.

    A number above 12 is a day; where no day has one, the weekdays decide if they all agree.
    """
    by_number: set[DayOrder] = set()
    by_weekday: set[DayOrder] = set()
    for text, weekday in days:
        first, second = _reading(text, DayOrder.DAY_FIRST), _reading(text, DayOrder.MONTH_FIRST)
        if first == second:
            continue
        if first is None or second is None:
            by_number.add(DayOrder.MONTH_FIRST if first is None else DayOrder.DAY_FIRST)
        elif weekday is not None and (first.weekday() == weekday) != (second.weekday() == weekday):
            fits = first.weekday() == weekday
            by_weekday.add(DayOrder.DAY_FIRST if fits else DayOrder.MONTH_FIRST)
    decisive = by_number or by_weekday
    return decisive.pop() if len(decisive) == 1 else DayOrder.UNKNOWN


def parse_day(text: str, order: DayOrder) -> date | None:
    """The day a cell names; None where it names none, or one of two."""
    iso = _ISO_DAY.match(text)
    if iso is not None:
        try:
            return date.fromisoformat(iso[1])
        except ValueError:
            return None
    readings = {_reading(text, DayOrder.DAY_FIRST), _reading(text, DayOrder.MONTH_FIRST)} - {None}
    if len(readings) == 1:
        return readings.pop()
    return _reading(text, order) if readings else None


def names_two_days(text: str) -> bool:
    """Whether day and month of a cell can be taken for each other."""
    readings = {_reading(text, DayOrder.DAY_FIRST), _reading(text, DayOrder.MONTH_FIRST)} - {None}
    return len(readings) == 2


def _reading(text: str, order: DayOrder) -> date | None:
    match = _WRITTEN_DAY.match(text)
    if match is None or order is DayOrder.UNKNOWN:
        return None
    one, two, year = (int(number) for number in match.groups())
    day, month = (one, two) if order is DayOrder.DAY_FIRST else (two, one)
    try:
        return date(year, month, day)
    except ValueError:
        return None
