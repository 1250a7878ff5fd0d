"""Figures as files: a spreadsheet with typed cells, and CSV that Excel opens rightly."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from flask_babel import gettext as _

from schedules.exchange.formula_safety import plain_cell

from ..database import now
from ..i18n import format_moment, local
from .definitions import MEASURES
from .figures import Figures, VisitRow

_PIECE = 64 * 1024


@dataclass(frozen=True)
class GroupedTable:
    """A table of groups with their figures."""

    title: str
    rows: Sequence[tuple[str, Figures]]


def visits_csv(rows: Iterable[VisitRow]) -> Iterator[bytes]:
    """One line a visit, UTF-8 with a byte order mark, written while it is read."""
    yield codecs.BOM_UTF8
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(visit_header())
    for row in rows:
        writer.writerow([_csv_cell(value) for value in visit_cells(row)])
        if buffer.tell() > _PIECE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def figures_xlsx(
    lines: Sequence[tuple[str, str]],
    total: Figures,
    before: Figures,
    tables: Sequence[GroupedTable],
    rows: Iterable[VisitRow],
) -> Iterator[bytes]:
    """A workbook: figures, each grouping, all visits, definitions.

    ``lines`` say on the first sheet what the figures are of. Rows are written to disk as they
    come; the file is answered in pieces.
    """
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        _Sheets(book).write(lines, total, before, tables, rows)
        book.close()
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def visit_header() -> list[str]:
    """Names of the columns of a visit's line."""
    return [
        _("Day"),
        _("Place"),
        _("Kind of place"),
        _("Commune"),
        _("Van"),
        _("Status"),
        _("Arrived"),
        _("Departed"),
        *(str(measure.name) for measure in _visit_measures()),
    ]


def visit_cells(row: VisitRow) -> list[Any]:
    """A visit's line; numbers stay numbers."""
    return [
        row.day,
        row.place,
        str(row.level.label if row.level else row.kind.label),
        row.commune,
        row.van,
        str(row.status.label),
        local(row.arrived_at).replace(tzinfo=None) if row.arrived_at else None,
        local(row.departed_at).replace(tzinfo=None) if row.departed_at else None,
        *(row.figures.get(measure.key, 0) for measure in _visit_measures()),
    ]


def _visit_measures() -> list[Any]:
    """Measures that a single visit has; places, runs and kilometres belong to many."""
    return [m for m in MEASURES if m.key not in {"places", "runs", "km", "planned"}]


def _csv_cell(value: Any) -> Any:
    return plain_cell(value) if isinstance(value, str) else value


class _Sheets:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._bold = book.add_format({"bold": True, "font_size": 14})
        head = {"bold": True, "bg_color": "#DFF0EC", "border": 1, "text_wrap": True}
        self._head = book.add_format({**head, "valign": "top"})
        self._number = book.add_format({"num_format": "#,##0"})
        self._share = book.add_format({"num_format": "0.0%"})
        self._day = book.add_format({"num_format": "dd/mm/yyyy"})
        self._moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._names: set[str] = set()

    def write(
        self,
        lines: Sequence[tuple[str, str]],
        total: Figures,
        before: Figures,
        tables: Sequence[GroupedTable],
        rows: Iterable[VisitRow],
    ) -> None:
        self._figures(lines, total, before)
        for table in tables:
            self._table(table)
        self._visits(rows)
        self._definitions()

    def _sheet(self, name: str) -> Any:
        """A sheet; names are unique and at most 31 characters without []:*?/\\."""
        plain = "".join(sign for sign in name if sign not in "[]:*?/\\'")[:28]
        unique = plain
        while unique.lower() in self._names:
            unique = f"{plain} {len(self._names)}"
        self._names.add(unique.lower())
        return self._book.add_worksheet(unique)

    def _figures(self, lines: Sequence[tuple[str, str]], total: Figures, before: Figures) -> None:
        sheet = self._sheet(_("Figures"))
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 4, 18)
        sheet.write_string(0, 0, _("Statistics of the mobile library"), self._bold)
        line = 1
        for label, text in [*lines, (_("Made at"), format_moment(now()))]:
            sheet.write_string(line, 0, label)
            sheet.write_string(line, 1, text)
            line += 1
        line += 1
        header = [_("Figure"), _("Unit"), _("This period"), _("Period before"), _("Change")]
        for column, name in enumerate(header):
            sheet.write_string(line, column, name, self._head)
        sheet.freeze_panes(line + 1, 1)
        for measure in MEASURES:
            line += 1
            now_value, then = total[measure.key], before[measure.key]
            sheet.write_string(line, 0, str(measure.name))
            sheet.write_string(line, 1, str(measure.unit))
            sheet.write_number(line, 2, now_value, self._number)
            sheet.write_number(line, 3, then, self._number)
            if then:
                sheet.write_number(line, 4, (now_value - then) / then, self._share)

    def _table(self, table: GroupedTable) -> None:
        sheet = self._sheet(table.title)
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, len(MEASURES), 13)
        self._header(sheet, [table.title, *(str(m.name) for m in MEASURES)])
        for line, (name, figures) in enumerate(table.rows, 1):
            sheet.write_string(line, 0, name)
            for column, measure in enumerate(MEASURES, 1):
                sheet.write_number(line, column, figures[measure.key], self._number)
        sheet.autofilter(0, 0, max(1, len(table.rows)), len(MEASURES))

    def _visits(self, rows: Iterable[VisitRow]) -> None:
        sheet = self._sheet(_("Visits"))
        header = visit_header()
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, 1, 38)
        sheet.set_column(2, 5, 20)
        sheet.set_column(6, 7, 17)
        sheet.set_column(8, len(header), 12)
        self._header(sheet, header)
        line = 0
        for line, row in enumerate(rows, 1):
            for column, value in enumerate(visit_cells(row)):
                self._cell(sheet, line, column, value)
        sheet.autofilter(0, 0, max(1, line), len(header) - 1)

    def _definitions(self) -> None:
        sheet = self._sheet(_("Definitions"))
        sheet.set_column(0, 1, 28)
        sheet.set_column(2, 2, 100)
        self._header(sheet, [_("Figure"), _("Unit"), _("Definition")])
        for line, measure in enumerate(MEASURES, 1):
            sheet.write_string(line, 0, str(measure.name), self._wrap)
            sheet.write_string(line, 1, str(measure.unit), self._wrap)
            sheet.write_string(line, 2, str(measure.definition), self._wrap)

    def _header(self, sheet: Any, names: Sequence[str]) -> None:
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, self._head)
        sheet.freeze_panes(1, 1)

    def _cell(self, sheet: Any, line: int, column: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, str):
            sheet.write_string(line, column, value)
        elif isinstance(value, int):
            sheet.write_number(line, column, value, self._number)
        else:
            shape = self._moment if hasattr(value, "hour") else self._day
            sheet.write_datetime(line, column, value, shape)
