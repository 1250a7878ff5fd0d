"""Tables out of spreadsheets: CSV in any usual encoding, and XLSX guarded against bombs."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from .text_encoding import NotTextError, decode

# An XLSX file unpacks to many times its size: more than this is no list of places.
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200
# What zipfile and openpyxl raise at broken, encrypted or hostile files, by fuzzing them.
_BROKEN_XLSX = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    LookupError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    OSError,
)


class TableProblem(StrEnum):
    """Why nothing at all can be read from a file."""

    EMPTY = "empty"
    NOT_A_SPREADSHEET = "not_a_spreadsheet"
    NO_HEADER = "no_header"
    TOO_LARGE = "too_large"


class UnreadableTableError(ValueError):
    """Nothing can be read; ``problem`` tells why."""

    def __init__(self, file: str, problem: TableProblem) -> None:
        super().__init__(f"{file}: {problem.value}")
        self.file = file
        self.problem = problem


@dataclass(frozen=True)
class TableRow:
    """A row with its line in the file; cells are text, as many as there are headers."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The first sheet of a file."""

    headers: tuple[str, ...]
    rows: tuple[TableRow, ...]


def read_table(data: bytes, file_name: str) -> Table:
    """The first sheet of a CSV or XLSX file; raises UnreadableTableError.

    Text is normalised to NFC, so that the same Vietnamese word has the same letters.
    """
    if not data.strip():
        raise UnreadableTableError(file_name, TableProblem.EMPTY)
    lines = _xlsx_lines(data, file_name) if data[:2] == b"PK" else _csv_lines(data, file_name)
    filled = [(number, cells) for number, cells in lines if any(cells)]
    if not filled:
        raise UnreadableTableError(file_name, TableProblem.EMPTY)
    headers = filled[0][1]
    width = max((index + 1 for index, cell in enumerate(headers) if cell), default=0)
    if width == 0 or width > MOST_COLUMNS:
        raise UnreadableTableError(file_name, TableProblem.NO_HEADER)
    rows = tuple(
        TableRow(number, tuple((cells + ("",) * width)[:width])) for number, cells in filled[1:]
    )
    return Table(_named(headers[:width]), rows)


def _named(headers: tuple[str, ...]) -> tuple[str, ...]:
    """Every column gets a name of its own."""
    names: list[str] = []
    for number, header in enumerate(headers, 1):
        name = header or f"#{number}"
        while name in names:
            name += "'"
        names.append(name)
    return tuple(names)


def _csv_lines(data: bytes, file_name: str) -> list[tuple[int, tuple[str, ...]]]:
    try:
        text = decode(data).text
    except NotTextError:
        raise UnreadableTableError(file_name, TableProblem.NOT_A_SPREADSHEET) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    lines: list[tuple[int, tuple[str, ...]]] = []
    try:
        for cells in reader:
            if len(lines) > MOST_ROWS:
                raise UnreadableTableError(file_name, TableProblem.TOO_LARGE)
            lines.append((reader.line_num, tuple(_plain(cell) for cell in cells)))
    except csv.Error:
        raise UnreadableTableError(file_name, TableProblem.NOT_A_SPREADSHEET) from None
    return lines


def _delimiter(text: str) -> str:
    """The sign that stands most often in the first filled line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t|", key=first.count)


def _xlsx_lines(data: bytes, file_name: str) -> list[tuple[int, tuple[str, ...]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            raise UnreadableTableError(file_name, TableProblem.TOO_LARGE)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            return _sheet_lines(book.worksheets[0], file_name)
        finally:
            book.close()
    except UnreadableTableError:
        raise
    except _BROKEN_XLSX:
        raise UnreadableTableError(file_name, TableProblem.NOT_A_SPREADSHEET) from None


def _sheet_lines(sheet: Any, file_name: str) -> list[tuple[int, tuple[str, ...]]]:
    lines: list[tuple[int, tuple[str, ...]]] = []
    rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)
    for number, values in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise UnreadableTableError(file_name, TableProblem.TOO_LARGE)
        lines.append((number, tuple(_cell(value) for value in values)))
    return lines


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _plain(str(value))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\x00", "").strip()
