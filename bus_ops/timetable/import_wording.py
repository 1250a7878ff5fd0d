"""An import in words: what would change from what to what, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from schedules.exchange.mobile_library_csv import (
    FileProblem,
    RowFault,
    RowProblem,
    UnreadableFileError,
)

from ..i18n import format_day, format_minutes_clock
from .frequency import rule_in_words
from .import_plan import PlannedRow
from .import_taking_back import Obstacle
from .import_values import FieldChange
from .models import Stop, StopKind

_FIELDS = {
    "name": _l("Name"),
    "community": _l("Community"),
    "address": _l("Address"),
    "postcode": _l("Postcode"),
    "position": _l("Position"),
    "place": _l("Place"),
    "kind": _l("Kind of stop"),
    "times": _l("Published times"),
    "rule": _l("How often"),
    "dates": _l("Served from – until"),
    "exceptions": _l("But not on"),
    "timetable": _l("Timetable page"),
    "extra": _l("Other columns"),
    "enabled": _l("In service"),
}
_OBSTACLES = {
    Obstacle.NOT_IMPORTED: _l("This term was made by hand. Only an import can be taken back."),
    Obstacle.DRIVEN: _l(
        "Visits of this import lie in the past already, so it stays. Take its stops out of service"
        " instead."
    ),
    Obstacle.LOGGED: _l(
        "Something was logged at visits of this import, so it stays. Take its stops out of service"
        " instead."
    ),
    Obstacle.CHANGED: _l(
        "Somebody changed stops or visits of this import by hand, so it stays. Take its stops out"
        " of service instead."
    ),
}
_FAULTS = {
    RowFault.MISSING: _l("Missing. Fill in the cell."),
    RowFault.NOT_A_TIME: _l("Not a time. Write it as 09:30."),
    RowFault.NOT_A_DATE: _l("Not a date. Write it as 2026-09-05."),
    RowFault.DAY_OR_MONTH: _l("Day and month can be mistaken here. Write it as 2026-09-05."),
    RowFault.YEAR_OUTSIDE: _l(
        "No year of a timetable. Write the first visit's date as 2026-09-05, from 1901 to 2100."
    ),
    RowFault.NOT_A_NUMBER: _l("Not a number. Write degrees as 10.0360."),
    RowFault.POSITION_OUTSIDE: _l(
        "Outside the globe. Check latitude and longitude; are they the wrong way round?"
    ),
    RowFault.NO_POSITION: _l("No position. Add latitude and longitude, or tap the map later."),
    RowFault.LEAVES_BEFORE_ARRIVING: _l("Departure before arrival. Correct one of the two times."),
    RowFault.NOT_A_RULE: _l("Not a frequency. Write it as FREQ=WEEKLY;INTERVAL=2."),
    RowFault.NO_DATES: _l(
        "This frequency never falls on a date. Correct its months, days or end (UNTIL)."
    ),
    RowFault.ENDS_BEFORE_START: _l("The end lies before the start. Correct one of the two dates."),
    RowFault.START_NOT_ON_DAY: _l(
        "The start is not on the weekday of the day column. The first such weekday after it is"
        " taken."
    ),
    RowFault.DAY_NOT_IN_RULE: _l(
        "The frequency does not fall on the weekday of the day column. The frequency is taken."
        " Correct one of the two."
    ),
    RowFault.NOT_A_WEEKDAY: _l("Not a weekday. Write it as Monday."),
    RowFault.UNKNOWN_TYPE: _l("Unknown kind of stop. Write Public, Private, Dynamic or Other."),
    RowFault.TOO_MANY_CELLS: _l("More cells than columns. Put text with commas in quotes."),
    RowFault.TOO_FEW_CELLS: _l("Fewer cells than columns. Add the missing commas."),
    RowFault.REPEATED_ROW: _l("The same row stands twice. Delete one of them."),
    RowFault.QUOTE_NOT_CLOSED: _l("A quote is not closed. Close it on the same line."),
}
_FILES = {
    FileProblem.EMPTY: _l("The file is empty. Choose another one."),
    FileProblem.NOT_TEXT: _l("The file is no text. Save it as CSV (UTF-8)."),
    FileProblem.NO_HEADER: _l("The first line must name the columns."),
    FileProblem.MISSING_COLUMNS: _l("Columns are missing. Add them to the first line."),
    FileProblem.REPEATED_COLUMN: _l("A column stands twice. Delete or rename one of them."),
}


def sentence_of_row(problem: RowProblem) -> str:
    """What is wrong with one cell and how to mend it."""
    if problem.fault is RowFault.TOO_LONG:
        return _("Too long. Shorten the text to %(num)s characters.", num=problem.limit)
    return str(_FAULTS[problem.fault])


def sentence_of_file(error: UnreadableFileError) -> str:
    """Why nothing can be read from a file and how to mend it."""
    sentence = str(_FILES[error.problem])
    return f"{sentence} ({error.detail})" if error.detail else sentence


def sentence_of_obstacle(obstacle: Obstacle) -> str:
    """Why an import cannot be taken back."""
    return str(_OBSTACLES[obstacle])


def name_of_row(row: PlannedRow) -> str:
    """Van, route and stop of a row."""
    return f"{row.row.mobile} · {row.row.route} · {row.row.stop}"


def name_of_stop(stop: Stop) -> str:
    """Van, route and place of a stop."""
    parts = [stop.van.display_name, stop.route.name if stop.route else "", stop.place.name]
    return " · ".join(part for part in parts if part)


def promise_of_row(row: PlannedRow) -> str:
    """How often and when a row's stop is served."""
    rule = row.row.recurrence
    words = rule_in_words(rule.rule, rule.start)
    return f"{words}, {_clocks([row.row.arrival, row.row.departure])}"


def field_label(change: FieldChange) -> str:
    """Which field a change is of."""
    return str(_FIELDS[change.field])


def value_before(change: FieldChange, row: PlannedRow) -> str:
    """What stands in the field now."""
    return _value(change.field, change.before, row)


def value_after(change: FieldChange, row: PlannedRow) -> str:
    """What the file says."""
    return _value(change.field, change.after, row)


def line_of_change(change: FieldChange, row: PlannedRow) -> str:
    """One line: field, old and new value, and whether a correction by hand stands against it."""
    line = f"{field_label(change)}: {value_before(change, row)} → {value_after(change, row)}"
    return f"{line} ({_('corrected by hand: kept')})" if change.by_hand else line


def _value(field: str, value: Any, row: PlannedRow) -> str:
    match field:
        case "enabled":
            return _("Yes") if value else _("No")
        case "kind":
            return str(StopKind(value).label)
        case "times":
            return _clocks(value)
        case "rule":
            return rule_in_words(value, row.row.recurrence.start)
        case "dates":
            first, last = (date.fromisoformat(day) if day else None for day in value)
            return f"{format_day(first)} – {format_day(last)}".strip()
        case "exceptions":
            return ", ".join(format_day(date.fromisoformat(day)) for day in value) or "–"
        case "extra":
            return _extra(value) or "–"
        case "position":
            return ", ".join(f"{degrees:.6f}" for degrees in value) if value else "–"
        case _:
            return str(value) or "–"


def _clocks(times: list[int | None]) -> str:
    return "–".join(format_minutes_clock(time) for time in times)


def _extra(values: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in values.items())


def line_of_row(problem: RowProblem) -> str:
    """One line that names file, row, column, value and remedy."""
    return _(
        "%(file)s, row %(row)s, column %(column)s, value “%(value)s”: %(remedy)s",
        file=problem.file,
        row=problem.line,
        column=problem.column,
        value=problem.value,
        remedy=sentence_of_row(problem),
    )
