"""Small spreadsheets: a heading, a row of names, rows of typed cells; no cell is ever a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter
from flask import Response

from schedules.exchange.formula_safety import plain_cell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, the heading above the table, the columns' names, the rows."""

    name: str
    heading: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The sheets as an XLSX file; days and numbers stay days and numbers."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    whole = book.add_format({"num_format": "#,##0"})
    tenths = book.add_format({"num_format": "#,##0.0"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name[:31])
        page.write_string(0, 0, sheet.heading, book.add_format({"bold": True, "font_size": 13}))
        for column, name in enumerate(sheet.columns):
            page.write_string(2, column, name, bold)
            page.set_column(column, column, max(12, min(40, len(name) + 4)))
        for line, row in enumerate(sheet.rows, start=3):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    page.write_datetime(line, column, value, day)
                elif isinstance(value, int | float | Decimal):
                    shape = tenths if isinstance(value, float) else whole
                    page.write_number(line, column, value, shape)
                elif value:
                    page.write_string(line, column, plain_cell(str(value)))
        page.freeze_panes(3, 0)
    book.close()
    return file.getvalue()


def as_file(content: bytes, name: str, mimetype: str = XLSX) -> Response:
    """The answer with which a browser keeps the content as a file."""
    answer = Response(content, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
