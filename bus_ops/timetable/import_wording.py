"""Problems of an imported timetable in words: what is wrong, and what to do about it."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from schedules.exchange.mobile_library_csv import (
    FileProblem,
    RowFault,
    RowProblem,
    UnreadableFileError,
)

_FAULTS = {
    RowFault.MISSING: _l("Missing. Fill in the cell."),
    RowFault.NOT_A_TIME: _l("Not a time. Write it as 09:30."),
    RowFault.NOT_A_DATE: _l("Not a date. Write it as 2026-09-05."),
    RowFault.NOT_A_NUMBER: _l("Not a number. Write degrees as 10.0360."),
    RowFault.POSITION_OUTSIDE: _l(
        "Outside the globe. Check latitude and longitude; are they the wrong way round?"
    ),
    RowFault.NO_POSITION: _l("No position. Add latitude and longitude, or tap the map later."),
    RowFault.LEAVES_BEFORE_ARRIVING: _l("Departure before arrival. Correct one of the two times."),
    RowFault.NOT_A_RULE: _l("Not a frequency. Write it as FREQ=WEEKLY;INTERVAL=2."),
    RowFault.ENDS_BEFORE_START: _l("The end lies before the start. Correct one of the two dates."),
    RowFault.START_NOT_ON_DAY: _l(
        "The start is not on the frequency's weekday. The first such day after it is taken."
    ),
    RowFault.NOT_A_WEEKDAY: _l("Not a weekday. Write it as Monday."),
    RowFault.UNKNOWN_TYPE: _l("Unknown kind of stop. Write Public, Private, Dynamic or Other."),
    RowFault.TOO_MANY_CELLS: _l("More cells than columns. Put text with commas in quotes."),
    RowFault.TOO_FEW_CELLS: _l("Fewer cells than columns. Add the missing commas."),
    RowFault.TOO_LONG: _l("Too long. Shorten the text."),
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
    return str(_FAULTS[problem.fault])


def sentence_of_file(error: UnreadableFileError) -> str:
    """Why nothing can be read from a file and how to mend it."""
    sentence = str(_FILES[error.problem])
    return f"{sentence} ({error.detail})" if error.detail else sentence


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
