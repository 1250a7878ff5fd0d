"""The mobile library stops CSV: one row a stop of a route, with an RFC 5545 rule.

Columns (LibrariesHacked's open schema): organisation, mobile, route, community, stop, address,
postcode, geox (longitude), geoy (latitude), day, type, arrival, departure, frequency, start, end,
exceptions, timetable. Files of earlier versions lack some of them.

A row that cannot be used is reported with its line, column, value and what to do; every other row
is taken. Columns the schema does not know are kept with the row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ..recurrence import Recurrence, RuleError, parse_recurrence
from .formula_safety import plain_cell
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
    NOT_A_NUMBER = "not_a_number"
    POSITION_OUTSIDE = "position_outside"
    NO_POSITION = "no_position"
    LEAVES_BEFORE_ARRIVING = "leaves_before_arriving"
    NOT_A_RULE = "not_a_rule"
    ENDS_BEFORE_START = "ends_before_start"
    START_NOT_ON_DAY = "start_not_on_day"
    NOT_A_WEEKDAY = "not_a_weekday"
    UNKNOWN_TYPE = "unknown_type"
    TOO_MANY_CELLS = "too_many_cells"
    TOO_FEW_CELLS = "too_few_cells"
    TOO_LONG = "too_long"
    REPEATED_ROW = "repeated_row"
    QUOTE_NOT_CLOSED = "quote_not_closed"


@dataclass(frozen=True)
class RowProblem:
    """A value that is wrong; ``fatal`` means the row was not taken."""

    file: str
    line: int
    column: str
    value: str
    fault: RowFault
    fatal: bool


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
    records = _records(decoded.text, _delimiter(decoded.text))
    header = _header(next(records, _Record(1, [])).cells, file_name)
    problems: list[RowProblem] = []
    rows: list[StopRow] = []
    seen: set[tuple[object, ...]] = set()
    for line, cells, broken in records:
        if broken:
            problems.append(
                RowProblem(file_name, line, "", cells[0][:120], RowFault.QUOTE_NOT_CLOSED, True)
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        parsed = _RowParser(file_name, line, header, cells)
        row = parsed.row()
        problems.extend(parsed.problems)
        if row is None:
            continue
        identity = _identity(row)
        if identity in seen:
            problems.append(
                RowProblem(file_name, line, "stop", row.stop, RowFault.REPEATED_ROW, True)
            )
            continue
        seen.add(identity)
        rows.append(row)
    unknown = tuple(name for name in header if name and name not in COLUMNS)
    return ParsedTimetable(file_name, tuple(rows), tuple(problems), unknown, decoded.encoding)


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
            WEEKDAYS[rule.start.weekday()].title(),
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


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _delimiter(text: str) -> str:
    header = text.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    return max(",;\t", key=header.count)


class _Record(NamedTuple):
    """Cells of a record, the line it starts on, whether its quotes never close."""

    line: int
    cells: list[str]
    broken: bool = False


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Records of a CSV text. A quote that is never closed costs its own line, not all that follow.

    Quoted cells may run over several lines, but no real one runs over more than twenty.
    """
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        last = _line_that_closes(lines, index)
        if last is None:
            yield _Record(index + 1, [lines[index]], broken=True)
            index += 1
            continue
        record = "\n".join(lines[index : last + 1])[:LONGEST_RECORD]
        cells = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
        yield _Record(index + 1, cells)
        index = last + 1


def _line_that_closes(lines: list[str], first: int) -> int | None:
    quotes = 0
    for index in range(first, min(first + MOST_LINES_OF_A_CELL, len(lines))):
        quotes += lines[index].count('"')
        if quotes % 2 == 0:
            return index
    return None


def _header(cells: list[str], file_name: str) -> list[str]:
    names = [cell.strip().strip("\ufeff").lower() for cell in cells]
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
    return names


class _RowParser:
    """Reads one line, gathering every problem in it rather than the first."""

    def __init__(self, file: str, line: int, header: list[str], cells: list[str]) -> None:
        self._file = file
        self._line = line
        self.problems: list[RowProblem] = []
        self._values = {
            name: _clean(cell) for name, cell in zip(header, cells, strict=False) if name
        }
        self._shape_fits = self._check_shape(header, cells)

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

    def _report(self, column: str, fault: RowFault, fatal: bool = True) -> None:
        value = self._get(column)[:120]
        self.problems.append(RowProblem(self._file, self._line, column, value, fault, fatal))

    def _check_shape(self, header: list[str], cells: list[str]) -> bool:
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            self._report("", RowFault.TOO_MANY_CELLS)
            return False
        required = max(header.index(name) for name in REQUIRED_COLUMNS)
        if len(cells) <= required:
            self._report("", RowFault.TOO_FEW_CELLS)
            return False
        for name, value in self._values.items():
            if len(value) > LONGEST_CELL:
                self._report(name, RowFault.TOO_LONG)
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
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            self._report(column, RowFault.NOT_A_DATE)
            return None

    def _recurrence(self) -> Recurrence | None:
        rule = self._required("frequency")
        if not self._required("start"):
            return None
        start, end = self._date("start"), self._date("end")
        exceptions = self._exceptions()
        if not rule or start is None:
            return None
        if end is not None and end < start:
            self._report("end", RowFault.ENDS_BEFORE_START)
            return None
        try:
            recurrence = parse_recurrence(rule, start, end, exceptions)
        except RuleError:
            self._report("frequency", RowFault.NOT_A_RULE)
            return None
        self._check_weekday(start, rule)
        return recurrence

    def _check_weekday(self, start: date, rule: str) -> None:
        day = self._get("day").lower()
        if not day:
            return
        if day not in WEEKDAYS:
            self._report("day", RowFault.NOT_A_WEEKDAY, fatal=False)
        elif "BYDAY" not in rule.upper() and WEEKDAYS.index(day) != start.weekday():
            self._report("start", RowFault.START_NOT_ON_DAY, fatal=False)

    def _exceptions(self) -> list[date]:
        found = []
        for part in re.split(r"[,;|\s]+", self._get("exceptions")):
            if not part:
                continue
            try:
                found.append(date.fromisoformat(part))
            except ValueError:
                self._report("exceptions", RowFault.NOT_A_DATE, fatal=False)
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
