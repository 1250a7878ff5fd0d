"""The mobile library stops CSV: one row a stop of a route, with an RFC 5545 rule.

Columns (LibrariesHacked's open schema): organisation, mobile, route, community, stop, address,
postcode, geox (longitude), geoy (latitude), day, type, arrival, departure, frequency, start, end,
exceptions, timetable. Files of earlier versions lack some of them or call them otherwise
(``older_forms``). ``start`` anchors the interval, ``day`` names the published weekday: where the
two disagree, a weekly rule begins on the first such weekday from the start on.

A row that cannot be used is reported with its line, column, value and what to do; every other row
is taken. Columns the schema does not know are kept with the row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from ..recurrence import Recurrence, RuleError, RuleProblem, parse_recurrence, summarise
from .formula_safety import plain_cell
from .older_forms import (
    DayOrder,
    day_order,
    names_two_days,
    parse_day,
    rule_of_weeks,
    todays_names,
)
from .text_encoding import NotTextError, decode

COLUMNS = (
    "organisation",
    "mobile",
    "route",
    "community",
    "stop",
    "address",
    "postcode",
    "geox",
    "geoy",
    "day",
    "type",
    "arrival",
    "departure",
    "frequency",
    "start",
    "end",
    "exceptions",
    "timetable",
)
REQUIRED_COLUMNS = ("mobile", "route", "stop", "arrival", "departure", "frequency", "start")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STOP_TYPES = {
    "": "public",
    "public": "public",
    "private": "closed",
    "dynamic": "flexible",
    "other": "other",
}
LONGEST_CELL = 2000
# What a database keeps of a column, where that is less.
LONGEST = {
    "organisation": 160,
    "mobile": 120,
    "route": 160,
    "community": 160,
    "stop": 200,
    "address": 300,
    "postcode": 20,
    "frequency": 200,
    "timetable": 500,
}
FIRST_YEAR, LAST_YEAR = 1901, 2100
# Below the csv module's own limit of a cell, so that it never refuses one.
LONGEST_RECORD = 100_000
MOST_LINES_OF_A_CELL = 20
_CLOCK = re.compile(r"^(\d{1,2})[:.](\d{2})(?::\d{2})?$")


class FileProblem(StrEnum):
    """Why nothing at all can be read from a file."""

    EMPTY = "empty"
    NOT_TEXT = "not_text"
    NO_HEADER = "no_header"
    MISSING_COLUMNS = "missing_columns"
    REPEATED_COLUMN = "repeated_column"


class UnreadableFileError(ValueError):
    """Nothing can be read; ``problem`` and ``detail`` tell why."""

    def __init__(self, file: str, problem: FileProblem, detail: str = "") -> None:
        super().__init__(f"{file}: {problem.value} {detail}".strip())
        self.file = file
        self.problem = problem
        self.detail = detail


class RowFault(StrEnum):
    """What is wrong with a value."""

    MISSING = "missing"
    NOT_A_TIME = "not_a_time"
    NOT_A_DATE = "not_a_date"
    DAY_OR_MONTH = "day_or_month"
    YEAR_OUTSIDE = "year_outside"
    NOT_A_NUMBER = "not_a_number"
    POSITION_OUTSIDE = "position_outside"
    NO_POSITION = "no_position"
    LEAVES_BEFORE_ARRIVING = "leaves_before_arriving"
    NOT_A_RULE = "not_a_rule"
    NO_DATES = "no_dates"
    ENDS_BEFORE_START = "ends_before_start"
    START_NOT_ON_DAY = "start_not_on_day"
    DAY_NOT_IN_RULE = "day_not_in_rule"
    NOT_A_WEEKDAY = "not_a_weekday"
    UNKNOWN_TYPE = "unknown_type"
    TOO_MANY_CELLS = "too_many_cells"
    TOO_FEW_CELLS = "too_few_cells"
    TOO_LONG = "too_long"
    REPEATED_ROW = "repeated_row"
    QUOTE_NOT_CLOSED = "quote_not_closed"


@dataclass(frozen=True)
class RowProblem:
    """A value that is wrong; ``fatal`` means the row was not taken.

    ``column`` is the file's own name of it; ``limit`` how long a cell may be that is too long.
    """

    file: str
    line: int
    column: str
    value: str
    fault: RowFault
    fatal: bool
    limit: int = 0


@dataclass(frozen=True)
class StopRow:
    """One stop of a route; clock values are minutes after midnight."""

    file: str
    line: int
    organisation: str
    mobile: str
    route: str
    community: str
    stop: str
    address: str
    postcode: str
    lat: float | None
    lon: float | None
    type: str
    arrival: int
    departure: int
    recurrence: Recurrence
    timetable: str
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ParsedTimetable:
    """What a file holds: rows taken, problems, and columns without a meaning here."""

    file: str
    rows: tuple[StopRow, ...]
    problems: tuple[RowProblem, ...]
    unknown_columns: tuple[str, ...]
    encoding: str

    @property
    def rows_left_out(self) -> int:
        """How many lines were not taken."""
        return len({problem.line for problem in self.problems if problem.fatal})


def parse_mobile_library_csv(data: bytes, file_name: str) -> ParsedTimetable:
    """Read a file; raises UnreadableFileError only when no row of it can be understood."""
    try:
        decoded = decode(data)
    except NotTextError:
        raise UnreadableFileError(file_name, FileProblem.NOT_TEXT) from None
    if not decoded.text.strip():
        raise UnreadableFileError(file_name, FileProblem.EMPTY)
    records = list(_records(decoded.text, _delimiter(decoded.text)))
    header = _header(records.pop(0).cells if records else [], file_name)
    reader = _RowReader(file_name, header, _order_of_days(header, records))
    problems: list[RowProblem] = []
    rows: list[StopRow] = []
    seen: set[tuple[object, ...]] = set()
    for record in records:
        if record.broken:
            problems.append(_not_closed(file_name, record))
            continue
        row, told = reader.read(record)
        problems.extend(told)
        if row is None:
            continue
        identity = _identity(row)
        if identity in seen:
            problems.append(repeated_row(row))
            continue
        seen.add(identity)
        rows.append(row)
    return ParsedTimetable(
        file_name, tuple(rows), tuple(problems), header.unknown(), decoded.encoding
    )


def write_mobile_library_csv(rows: Iterable[StopRow]) -> str:
    """The same columns, one row a stop; cells cannot run as formulas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    type_of = {"public": "Public", "closed": "Private", "flexible": "Dynamic", "other": "Other"}
    for row in rows:
        rule = row.recurrence
        cells = [
            row.organisation,
            row.mobile,
            row.route,
            row.community,
            row.stop,
            row.address,
            row.postcode,
            "" if row.lon is None else repr(row.lon),
            "" if row.lat is None else repr(row.lat),
            WEEKDAYS[_published_weekday(rule)].title(),
            type_of[row.type],
            _clock_text(row.arrival),
            _clock_text(row.departure),
            rule.rule,
            rule.start.isoformat(),
            rule.end.isoformat() if rule.end else "",
            ",".join(day.isoformat() for day in sorted(rule.exceptions)),
            row.timetable,
        ]
        numbers = (7, 8)
        writer.writerow(
            [cell if i in numbers else plain_cell(cell) for i, cell in enumerate(cells)]
        )
    return out.getvalue()


def _identity(row: StopRow) -> tuple[object, ...]:
    """Two rows with the same identity say the same thing twice."""
    place = (row.organisation, row.community, row.stop, row.lat, row.lon)
    return (*place, row.mobile, row.route, row.arrival, row.recurrence)


def repeated_row(row: StopRow) -> RowProblem:
    """A row that says what one before it said."""
    return RowProblem(row.file, row.line, "stop", row.stop, RowFault.REPEATED_ROW, True)


def _published_weekday(rule: Recurrence) -> int:
    weekdays = [weekday for _ordinal, weekday in summarise(rule.rule, rule.start).weekdays]
    start = rule.start.weekday()
    return start if not weekdays or start in weekdays else weekdays[0]


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _delimiter(text: str) -> str:
    header = text.lstrip("\ufeff\r\n ").splitlines()[0]
    return max(",;\t", key=header.count)


class _Record(NamedTuple):
    """Cells of a record, the line it starts on, whether its quotes never close."""

    line: int
    cells: list[str]
    broken: bool = False


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Filled records of a CSV text. A quote that is never closed costs its own line, not all after.

    Quoted cells may run over several lines, but no real one runs over more than twenty.
    """
    # Only line ends end lines: str.splitlines would also cut at signs that cells may hold.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    index = 0
    while index < len(lines):
        last = _line_that_closes(lines, index)
        if last is None:
            yield _Record(index + 1, [lines[index]], broken=True)
            index += 1
            continue
        record = "\n".join(lines[index : last + 1])[:LONGEST_RECORD]
        cells = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
        if any(cell.strip("\ufeff \t") for cell in cells):
            yield _Record(index + 1, cells)
        index = last + 1


def _line_that_closes(lines: list[str], first: int) -> int | None:
    quotes = 0
    for index in range(first, min(first + MOST_LINES_OF_A_CELL, len(lines))):
        quotes += lines[index].count('"')
        if quotes % 2 == 0:
            return index
    return None


def _not_closed(file: str, record: _Record) -> RowProblem:
    value = record.cells[0][:120]
    return RowProblem(file, record.line, "", value, RowFault.QUOTE_NOT_CLOSED, True)


@dataclass(frozen=True)
class _Header:
    """Columns in order: as the format calls them today, and as the file does."""

    names: tuple[str, ...]
    written: tuple[str, ...]

    def written_name(self, column: str) -> str:
        return self.written[self.names.index(column)] if column in self.names else column

    def unknown(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name and name not in COLUMNS)


def _header(cells: list[str], file_name: str) -> _Header:
    written = [" ".join(cell.strip("\ufeff").split()) for cell in cells]
    names = todays_names([name.lower() for name in written])
    if not any(name in COLUMNS for name in names):
        raise UnreadableFileError(file_name, FileProblem.NO_HEADER)
    repeated = [name for name in set(names) if name and names.count(name) > 1]
    if repeated:
        raise UnreadableFileError(
            file_name, FileProblem.REPEATED_COLUMN, ", ".join(sorted(repeated))
        )
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        raise UnreadableFileError(file_name, FileProblem.MISSING_COLUMNS, ", ".join(missing))
    as_today = [w.lower() if w.lower() == n else w for w, n in zip(written, names, strict=True)]
    return _Header(tuple(names), tuple(as_today))


def _order_of_days(header: _Header, records: list[_Record]) -> DayOrder:
    """Whether the file writes 03/09/2019 for a day of September or of March."""
    columns = [name for name in ("start", "end") if name in header.names]
    places = [(name == "start", header.names.index(name)) for name in columns]
    day_place = header.names.index("day") if "day" in header.names else -1

    def days() -> Iterator[tuple[str, int | None]]:
        for record in records:
            weekday = _weekday(_cell(record, day_place))
            for is_start, place in places:
                yield _cell(record, place), weekday if is_start else None

    return day_order(days())


def _cell(record: _Record, place: int) -> str:
    return _clean(record.cells[place]) if 0 <= place < len(record.cells) else ""


def _weekday(text: str) -> int | None:
    name = text.lower()
    return WEEKDAYS.index(name) if name in WEEKDAYS else None


@dataclass(frozen=True)
class _RowReader:
    """Reads the lines of one file."""

    file: str
    header: _Header
    days: DayOrder

    def read(self, record: _Record) -> tuple[StopRow | None, list[RowProblem]]:
        """The stop of a line (None where a problem is fatal), and every problem of it."""
        parser = _RowParser(self.file, record.line, self.header, record.cells, self.days)
        return parser.row(), parser.problems


class _RowParser:
    """Reads one line, gathering every problem in it rather than the first."""

    def __init__(
        self, file: str, line: int, header: _Header, cells: list[str], days: DayOrder
    ) -> None:
        self._file = file
        self._line = line
        self._header = header
        self._days = days
        self.problems: list[RowProblem] = []
        self._values = {
            name: _clean(cell) for name, cell in zip(header.names, cells, strict=False) if name
        }
        self._shape_fits = self._check_shape(header.names, cells)

    def row(self) -> StopRow | None:
        """The stop, or None when a problem is fatal."""
        if not self._shape_fits:
            return None
        mobile, route, stop = (self._required(name) for name in ("mobile", "route", "stop"))
        arrival, departure = self._clock("arrival"), self._clock("departure")
        if arrival is not None and departure is not None and departure <= arrival:
            self._report("departure", RowFault.LEAVES_BEFORE_ARRIVING)
        recurrence = self._recurrence()
        lat, lon = self._position()
        kind = self._type()
        if any(problem.fatal for problem in self.problems):
            return None
        assert arrival is not None
        assert departure is not None
        assert recurrence is not None
        return StopRow(
            file=self._file,
            line=self._line,
            organisation=self._get("organisation"),
            mobile=mobile,
            route=route,
            community=self._get("community"),
            stop=stop,
            address=self._get("address"),
            postcode=self._get("postcode"),
            lat=lat,
            lon=lon,
            type=kind,
            arrival=arrival,
            departure=departure,
            recurrence=recurrence,
            timetable=self._get("timetable"),
            extra=tuple(
                (name, value)
                for name, value in self._values.items()
                if name not in COLUMNS and value
            ),
        )

    def _get(self, column: str) -> str:
        return self._values.get(column, "")

    def _report(self, column: str, fault: RowFault, fatal: bool = True, limit: int = 0) -> None:
        value = self._get(column)[:120]
        written = self._header.written_name(column)
        self.problems.append(
            RowProblem(self._file, self._line, written, value, fault, fatal, limit)
        )

    def _check_shape(self, header: tuple[str, ...], cells: list[str]) -> bool:
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            self._report("", RowFault.TOO_MANY_CELLS)
            return False
        required = max(header.index(name) for name in REQUIRED_COLUMNS)
        if len(cells) <= required:
            self._report("", RowFault.TOO_FEW_CELLS)
            return False
        for name, value in self._values.items():
            limit = LONGEST.get(name, LONGEST_CELL)
            if len(value) > limit:
                self._report(name, RowFault.TOO_LONG, limit=limit)
        return True

    def _required(self, column: str) -> str:
        value = self._get(column)
        if not value:
            self._report(column, RowFault.MISSING)
        return value

    def _clock(self, column: str) -> int | None:
        value = self._required(column)
        if not value:
            return None
        match = _CLOCK.match(value)
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            self._report(column, RowFault.NOT_A_TIME)
            return None
        return int(match[1]) * 60 + int(match[2])

    def _date(self, column: str) -> date | None:
        value = self._get(column)
        if not value:
            return None
        day = parse_day(value, self._days)
        if day is None:
            self._report(column, _fault_of_day(value))
        return day

    def _recurrence(self) -> Recurrence | None:
        rule = rule_of_weeks(self._required("frequency"))
        if not self._required("start"):
            return None
        start, end = self._date("start"), self._date("end")
        exceptions = self._exceptions()
        if not rule or start is None:
            return None
        if not FIRST_YEAR <= start.year <= LAST_YEAR:
            self._report("start", RowFault.YEAR_OUTSIDE)
            return None
        return self._checked_recurrence(rule, start, end, exceptions)

    def _checked_recurrence(
        self, rule: str, start: date, end: date | None, exceptions: list[date]
    ) -> Recurrence | None:
        try:
            recurrence = parse_recurrence(rule, start)
            moved = self._start_on_day(recurrence)
            if end is not None and end < moved:
                self._report("end", RowFault.ENDS_BEFORE_START)
                return None
            return parse_recurrence(rule, moved, end, exceptions)
        except RuleError as error:
            no_dates = error.problem is RuleProblem.NO_DATES
            self._report("frequency", RowFault.NO_DATES if no_dates else RowFault.NOT_A_RULE)
            return None

    def _start_on_day(self, recurrence: Recurrence) -> date:
        """The first day from the start on that falls on the published weekday."""
        start, named = recurrence.start, self._get("day")
        if not named:
            return start
        weekday = _weekday(named)
        if weekday is None:
            self._report("day", RowFault.NOT_A_WEEKDAY, fatal=False)
            return start
        if "FREQ=WEEKLY" in recurrence.rule and "BYDAY" not in recurrence.rule:
            ahead = (weekday - start.weekday()) % 7
            if ahead:
                self._report("start", RowFault.START_NOT_ON_DAY, fatal=False)
            return start + timedelta(days=ahead)
        if weekday not in _weekdays_of(recurrence, weekday):
            self._report("day", RowFault.DAY_NOT_IN_RULE, fatal=False)
        return start

    def _exceptions(self) -> list[date]:
        found = []
        for part in re.split(r"[,;|\s]+", self._get("exceptions")):
            if not part:
                continue
            day = parse_day(part, self._days)
            if day is None:
                self._report("exceptions", _fault_of_day(part), fatal=False)
            else:
                found.append(day)
        return found

    def _position(self) -> tuple[float | None, float | None]:
        texts = [self._get("geoy"), self._get("geox")]
        if not any(texts):
            self._report("geox", RowFault.NO_POSITION, fatal=False)
            return None, None
        try:
            lat, lon = (float(text.replace(",", ".")) for text in texts)
        except ValueError:
            self._report("geox", RowFault.NOT_A_NUMBER, fatal=False)
            return None, None
        if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
            self._report("geox", RowFault.POSITION_OUTSIDE, fatal=False)
            return None, None
        return lat, lon

    def _type(self) -> str:
        text = self._get("type").lower()
        if text not in STOP_TYPES:
            self._report("type", RowFault.UNKNOWN_TYPE, fatal=False)
        return STOP_TYPES.get(text, "public")


def _clean(cell: str) -> str:
    return " ".join(cell.split())


def _fault_of_day(text: str) -> RowFault:
    return RowFault.DAY_OR_MONTH if names_two_days(text) else RowFault.NOT_A_DATE


def _weekdays_of(recurrence: Recurrence, named: int) -> set[int]:
    """Weekdays a rule keeps to; one that keeps to none has the named one too."""
    summary = summarise(recurrence.rule, recurrence.start)
    if summary.frequency == "once":
        return {recurrence.start.weekday()}
    return {weekday for _ordinal, weekday in summary.weekdays} or {named}
