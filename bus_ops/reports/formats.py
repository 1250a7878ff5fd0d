"""Flat tables as files: XLSX, ODS, CSV, JSON and Parquet, each written row by row.

A table is read once, while its file is written: a million rows take no more memory than a thousand.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import IO, Any
from xml.sax.saxutils import XMLGenerator

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from flask_babel import gettext as _

from schedules.exchange.formula_safety import plain_cell

from ..workbooks import XLSX

_PIECE = 64 * 1024
_ROWS_AT_ONCE = 10_000
# What one sheet of a spreadsheet program holds, its header included.
MOST_SHEET_ROWS = 1_048_576
# A chart of more groups cannot be read.
_MOST_CHARTED = 60


class CellKind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole"
    TENTHS = "tenths"
    DAY = "day"
    MOMENT = "moment"


@dataclass(frozen=True)
class Column:
    """A column: its key in open formats, its name on screen, and what it holds."""

    key: str
    name: str
    kind: CellKind = CellKind.TEXT


@dataclass(frozen=True)
class FlatTable:
    """Rows under columns, with what they are about and what their figures mean."""

    name: str
    # Such as period and filters: a name and what it says.
    about: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    # Name, unit, definition.
    definitions: Sequence[tuple[str, str, str]] = ()
    # The column that is drawn against the first one, where the rows are few.
    charted: str | None = None


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    ending: str
    name: str
    mimetype: str
    written: Callable[[FlatTable], Iterator[bytes]]


def _in_pieces(write: Callable[[IO[bytes]], None]) -> Iterator[bytes]:
    """What is written to a file on the disk, piece by piece."""
    with tempfile.TemporaryFile() as file:
        write(file)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _csv(table: FlatTable) -> Iterator[bytes]:
    """UTF-8 with the mark that makes Excel read it rightly."""
    yield codecs.BOM_UTF8
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow([plain_cell(v) if isinstance(v, str) else _open(v) for v in row])
        if buffer.tell() > _PIECE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _json(table: FlatTable) -> Iterator[bytes]:
    """What it is about, the definitions, and each row as an object."""
    head = {
        "name": table.name,
        "about": dict(table.about),
        "columns": [{"key": c.key, "name": c.name, "kind": c.kind.value} for c in table.columns],
        "definitions": [
            {"name": name, "unit": unit, "definition": text}
            for name, unit, text in table.definitions
        ],
    }
    yield json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "rows": ['
    keys = [column.key for column in table.columns]
    first = True
    rows = iter(table.rows)
    while chunk := list(islice(rows, 500)):
        lines = [
            json.dumps(dict(zip(keys, map(_open, row), strict=True)), ensure_ascii=False)
            for row in chunk
        ]
        yield (("" if first else ",") + "\n" + ",\n".join(lines)).encode()
        first = False
    yield b"\n]}\n"


def _open(value: Any) -> Any:
    """A value as open formats write it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


_ARROW = {
    CellKind.TEXT: pa.string(),
    CellKind.WHOLE: pa.int64(),
    CellKind.TENTHS: pa.decimal128(18, 1),
    CellKind.DAY: pa.date32(),
    CellKind.MOMENT: pa.timestamp("s"),
}


def _parquet(table: FlatTable) -> Iterator[bytes]:
    """Typed columns, in groups of rows."""
    # An export that many read is better small than quick.
    schema = pa.schema(
        [pa.field(column.key, _ARROW[column.kind]) for column in table.columns],
        metadata={column.key: column.name for column in table.columns},
    )

    def write(file: IO[bytes]) -> None:
        rows = iter(table.rows)
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            while chunk := list(islice(rows, _ROWS_AT_ONCE)):
                columns = [
                    pa.array(values, field.type)
                    for values, field in zip(zip(*chunk, strict=True), schema, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))

    yield from _in_pieces(write)


def _xlsx(table: FlatTable) -> Iterator[bytes]:
    """A sheet of rows with a chart where they are few, and a sheet of what it is about."""

    def write(file: IO[bytes]) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with closing(xlsxwriter.Workbook(file, options)) as book:
            _write_sheets(book, table)

    yield from _in_pieces(write)


def _write_sheets(book: Any, table: FlatTable) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DFF0EC", "border": 1, "text_wrap": True})
    shapes = {
        CellKind.WHOLE: book.add_format({"num_format": "#,##0"}),
        CellKind.TENTHS: book.add_format({"num_format": "#,##0.0"}),
        CellKind.DAY: book.add_format({"num_format": "dd/mm/yyyy", "align": "left"}),
        CellKind.MOMENT: book.add_format({"num_format": "dd/mm/yyyy hh:mm", "align": "left"}),
    }
    sheet = book.add_worksheet(_sheet_name(table.name))
    sheet.freeze_panes(1, 1)
    for number, column in enumerate(table.columns):
        sheet.set_column(number, number, 36 if column.kind is CellKind.TEXT and not number else 16)
        sheet.write_string(0, number, column.name, head)
    line = 0
    for line, row in enumerate(table.rows, 1):
        if line >= MOST_SHEET_ROWS:
            raise TooManyRowsError
        for number, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            if value is None:
                continue
            if column.kind is CellKind.TEXT:
                sheet.write_string(line, number, plain_cell(str(value)))
            elif column.kind in {CellKind.DAY, CellKind.MOMENT}:
                sheet.write_datetime(line, number, value, shapes[column.kind])
            else:
                sheet.write_number(line, number, value, shapes[column.kind])
    sheet.autofilter(0, 0, max(1, line), len(table.columns) - 1)
    _chart(book, sheet, table, line)
    about = book.add_worksheet(_sheet_name(_("About")))
    about.set_column(0, 1, 30)
    about.set_column(2, 2, 100)
    lines: list[tuple[str, ...]] = [(table.name,), *table.about, ()]
    lines += [(_("Figure"), _("Unit"), _("Definition")), *table.definitions]
    for number, texts in enumerate(lines):
        for place, text in enumerate(texts):
            about.write_string(number, place, plain_cell(str(text)))


def _chart(book: Any, sheet: Any, table: FlatTable, rows: int) -> None:
    """The spreadsheet's own chart: it follows when somebody changes a cell."""
    keys = [column.key for column in table.columns]
    if table.charted not in keys or not 0 < rows <= _MOST_CHARTED:
        return
    number = keys.index(table.charted)
    name = sheet.get_name()
    chart = book.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": [name, 0, number],
            "categories": [name, 1, 0, rows, 0],
            "values": [name, 1, number, rows, number],
            "fill": {"color": "#0B6E69"},
        }
    )
    chart.set_title({"name": table.columns[number].name})
    chart.set_legend({"none": True})
    chart.set_size({"width": 720, "height": 320})
    sheet.insert_chart(1, len(table.columns) + 1, chart)


def _sheet_name(name: str) -> str:
    """At most 31 signs, without those that sheets may not have."""
    return "".join(sign for sign in name if sign not in "[]:*?/\\'")[:31] or "bus-ops"


_ODS = "application/vnd.oasis.opendocument.spreadsheet"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_STYLES = {CellKind.DAY: "day", CellKind.MOMENT: "moment", CellKind.TENTHS: "tenths"}


def _ods(table: FlatTable) -> Iterator[bytes]:
    """OpenDocument 1.3, written as it goes: libraries for it hold the whole sheet in memory."""

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            # First, and not compressed: programs tell the format by it.
            archive.writestr("mimetype", _ODS, zipfile.ZIP_STORED)
            archive.writestr("META-INF/manifest.xml", _MANIFEST)
            with archive.open("content.xml", "w", force_zip64=True) as content:
                _OdsContent(content).write(table)

    yield from _in_pieces(write)


_MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="{_ODF}manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{_ODS}"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
</manifest:manifest>
"""


class _OdsContent:
    def __init__(self, file: IO[bytes]) -> None:
        self._xml = XMLGenerator(
            io.TextIOWrapper(file, "utf-8", write_through=True),
            encoding="utf-8",
            short_empty_elements=True,
        )

    def write(self, table: FlatTable) -> None:
        xml = self._xml
        xml.startDocument()
        names = ("office", "table", "text", "style", "fo")
        spaces = {f"xmlns:{name}": f"{_ODF}{name}:1.0" for name in names}
        spaces["xmlns:number"] = f"{_ODF}datastyle:1.0"
        spaces["xmlns:fo"] = f"{_ODF}xsl-fo-compatible:1.0"
        xml.startElement("office:document-content", {**spaces, "office:version": "1.3"})
        self._styles()
        xml.startElement("office:body", {})
        xml.startElement("office:spreadsheet", {})
        self._sheet(table.name, table.columns, table.rows)
        about = [(table.name, "", ""), *((name, text, "") for name, text in table.about)]
        texts = [Column("a", _("Figure")), Column("b", _("Unit")), Column("c", _("Definition"))]
        self._sheet(_("About"), texts, [*about, *table.definitions])
        for name in ("spreadsheet", "body", "document-content"):
            xml.endElement(f"office:{name}")
        xml.endDocument()

    def _styles(self) -> None:
        xml = self._xml
        xml.startElement("office:automatic-styles", {})
        parts = ["day", "/", "month", "/", "year", " ", "hours", ":", "minutes"]
        for name, shown in (("day", parts[:5]), ("moment", parts)):
            xml.startElement("number:date-style", {"style:name": f"n-{name}"})
            for part in shown:
                if part.isalpha():
                    xml.startElement(f"number:{part}", {"number:style": "long"})
                    xml.endElement(f"number:{part}")
                else:
                    xml.startElement("number:text", {})
                    xml.characters(part)
                    xml.endElement("number:text")
            xml.endElement("number:date-style")
        xml.startElement("number:number-style", {"style:name": "n-tenths"})
        one = {"number:decimal-places": "1", "number:min-integer-digits": "1"}
        xml.startElement("number:number", {**one, "number:grouping": "true"})
        xml.endElement("number:number")
        xml.endElement("number:number-style")
        for name in _STYLES.values():
            style = {"style:name": name, "style:family": "table-cell"}
            xml.startElement("style:style", {**style, "style:data-style-name": f"n-{name}"})
            xml.endElement("style:style")
        xml.endElement("office:automatic-styles")

    def _sheet(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
        xml = self._xml
        xml.startElement("table:table", {"table:name": _sheet_name(name)})
        self._row([Column("", "")] * len(columns), [column.name for column in columns])
        for line, row in enumerate(rows, 1):
            if line >= MOST_SHEET_ROWS:
                raise TooManyRowsError
            self._row(columns, row)
        xml.endElement("table:table")

    def _row(self, columns: Sequence[Column], row: Sequence[Any]) -> None:
        self._xml.startElement("table:table-row", {})
        for column, value in zip(columns, row, strict=True):
            self._cell(column.kind, value)
        self._xml.endElement("table:table-row")

    def _cell(self, kind: CellKind, value: Any) -> None:
        xml = self._xml
        if value is None or value == "":
            xml.startElement("table:table-cell", {})
            xml.endElement("table:table-cell")
            return
        text = str(value)
        match kind:
            case CellKind.TEXT:
                typed = {"office:value-type": "string"}
            case CellKind.DAY | CellKind.MOMENT:
                typed = {"office:value-type": "date", "office:date-value": value.isoformat()}
            case _:
                typed = {"office:value-type": "float", "office:value": text}
        if kind in _STYLES:
            typed["table:style-name"] = _STYLES[kind]
        xml.startElement("table:table-cell", typed)
        xml.startElement("text:p", {})
        xml.characters(_written_out(kind, value))
        xml.endElement("text:p")
        xml.endElement("table:table-cell")


def _written_out(kind: CellKind, value: Any) -> str:
    """The text of a cell for programs that do not calculate."""
    if kind is CellKind.DAY:
        return value.strftime("%d/%m/%Y")  # type: ignore[no-any-return]
    if kind is CellKind.MOMENT:
        return value.strftime("%d/%m/%Y %H:%M")  # type: ignore[no-any-return]
    return plain_cell(str(value)) if kind is CellKind.TEXT else str(value)


class TooManyRowsError(ValueError):
    """A sheet holds no more rows; CSV, JSON and Parquet do."""


FORMATS = {
    one.ending: one
    for one in (
        Format("xlsx", "XLSX (Excel)", XLSX, _xlsx),
        Format("ods", "ODS (LibreOffice)", _ODS, _ods),
        Format("csv", "CSV", "text/csv; charset=utf-8", _csv),
        Format("json", "JSON", "application/json", _json),
        Format("parquet", "Parquet", "application/vnd.apache.parquet", _parquet),
    )
}
