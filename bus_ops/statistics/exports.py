"""Figures as files: a spreadsheet with typed cells, and CSV that Excel opens rightly."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from flask_babel import gettext as _

from schedules.exchange.formula_safety import plain_cell
from schedules.periods import Comparison, PeriodKind

from ..counting.definitions import BY_KEY, DISTINCT, MEASURES
from ..counting.figures import ActivityFigures, Figures, Number, VisitRow
from ..database import now
from ..i18n import local
from ..timetable.models import ActivityKind
from .groups import Group, Grouping

_PIECE = 64 * 1024
# Measures that a single visit has. Each is one that was planned.
_OF_A_VISIT = tuple(m.key for m in MEASURES if m.key not in {*DISTINCT, "planned"})


@dataclass(frozen=True)
class Report:
    """What a workbook holds; ``rows`` are read once, while they are written."""

    # What the figures are of, for the first sheet.
    lines: Sequence[tuple[str, str | date]]
    rows: Iterable[VisitRow]
    compared: Comparison
    before: Figures
    groupings: Sequence[Grouping]
    activities: ActivityFigures
    activities_so_far: ActivityFigures
    activities_before: ActivityFigures


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


def report_xlsx(report: Report) -> Iterator[bytes]:
    """A workbook: figures, each grouping, activities, all visits, definitions.

    Rows are written to disk as they come; the file is answered in pieces.
    """
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        _Sheets(book, report).write()
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
        *(str(BY_KEY[key].name) for key in _OF_A_VISIT),
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
        *(row.figures.get(key, 0) for key in _OF_A_VISIT),
    ]


def _csv_cell(value: Any) -> Any:
    return plain_cell(value) if isinstance(value, str) else value


class _Sheets:
    def __init__(self, book: xlsxwriter.Workbook, report: Report) -> None:
        self._book = book
        self._report = report
        self._bold = book.add_format({"bold": True, "font_size": 14})
        head = {"bold": True, "bg_color": "#DFF0EC", "border": 1, "text_wrap": True}
        self._head = book.add_format({**head, "valign": "top"})
        self._number = book.add_format({"num_format": "#,##0"})
        self._tenths = book.add_format({"num_format": "#,##0.0"})
        self._share = book.add_format({"num_format": "0.0%"})
        left = {"align": "left"}
        self._day = book.add_format({**left, "num_format": "dd/mm/yyyy"})
        self._month = book.add_format({**left, "num_format": "mm/yyyy"})
        self._moment = book.add_format({**left, "num_format": "dd/mm/yyyy hh:mm"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._names: set[str] = set()

    def write(self) -> None:
        """Lay the sheets out in their order, then fill them: totals are known after the visits."""
        report = self._report
        figures = self._sheet(_("Figures"))
        groups = [self._sheet(grouping.name) for grouping in report.groupings]
        activities = self._sheet(_("Activities by kind"))
        visits = self._sheet(_("Visits"))
        definitions = self._sheet(_("Definitions"))
        total, so_far = self._visits(visits)
        self._figures(figures, total, so_far)
        for sheet, grouping in zip(groups, report.groupings, strict=True):
            self._groups(sheet, grouping)
        self._activities(activities)
        self._definitions(definitions)

    def _sheet(self, name: str) -> Any:
        """A sheet; names are unique and at most 31 characters without []:*?/\\."""
        plain = "".join(sign for sign in name if sign not in "[]:*?/\\'")[:28]
        unique = plain
        while unique.lower() in self._names:
            unique = f"{plain} {len(self._names)}"
        self._names.add(unique.lower())
        return self._book.add_worksheet(unique)

    def _figures(self, sheet: Any, total: Figures, so_far: Figures) -> None:
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 5, 18)
        sheet.write_string(0, 0, _("Statistics of the mobile library"), self._bold)
        line = 1
        made_at = local(now()).replace(tzinfo=None)
        for label, value in [*self._report.lines, (_("Made at"), made_at)]:
            sheet.write_string(line, 0, label)
            self._cell(sheet, line, 1, value)
            line += 1
        line += 1
        self._header(sheet, [_("Figure"), _("Unit"), *self._compared_columns()], line)
        for measure in MEASURES:
            line += 1
            key = measure.key
            sheet.write_string(line, 0, str(measure.name))
            sheet.write_string(line, 1, str(measure.unit))
            self._comparison(sheet, line, 2, total[key], so_far[key], self._report.before[key])

    def _compared_columns(self) -> list[str]:
        days = self._report.compared.first_days
        if days is None:
            return [_("This period"), _("Period before"), _("Change")]
        return [
            _("This period"),
            _("This period, first %(days)s days", days=days),
            _("Period before, first %(days)s days", days=days),
            _("Change"),
        ]

    def _comparison(
        self, sheet: Any, line: int, column: int, whole: Number, so_far: Number, before: Number
    ) -> None:
        running = self._report.compared.first_days is not None
        for value in [whole, so_far, before] if running else [whole, before]:
            self._cell(sheet, line, column, value)
            column += 1
        if before:
            sheet.write_number(line, column, (so_far - before) / before, self._share)

    def _groups(self, sheet: Any, grouping: Grouping) -> None:
        groups, measures = grouping.groups(), grouping.measures
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, len(measures), 13)
        self._header(sheet, [grouping.name, *(str(measure.name) for measure in measures)])
        for line, group in enumerate(groups, 1):
            self._group_name(sheet, line, group)
            for column, measure in enumerate(measures, 1):
                self._cell(sheet, line, column, group.figures[measure.key])
        sheet.autofilter(0, 0, max(1, len(groups)), len(measures))

    def _group_name(self, sheet: Any, line: int, group: Group) -> None:
        if group.bucket is None:
            sheet.write_string(line, 0, group.name)
            return
        shape = self._month if group.bucket.kind == PeriodKind.MONTH else self._day
        sheet.write_datetime(line, 0, group.bucket.first, shape)

    def _activities(self, sheet: Any) -> None:
        report = self._report
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 9, 18)
        columns = self._compared_columns()
        times, people = _("Times held"), _("Count")
        names = [*(f"{times}: {name}" for name in columns), *(f"{people}: {n}" for n in columns)]
        self._header(sheet, [_("Activity"), *names])
        for line, kind in enumerate(ActivityKind, 1):
            sheet.write_string(line, 0, str(kind.label))
            for number, column in ((0, 1), (1, 1 + len(columns))):
                self._comparison(
                    sheet,
                    line,
                    column,
                    report.activities[kind][number],
                    report.activities_so_far[kind][number],
                    report.activities_before[kind][number],
                )

    def _visits(self, sheet: Any) -> tuple[Figures, Figures]:
        """Write the visits and count them on the way: all, and those of the compared days."""
        header = visit_header()
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, 1, 38)
        sheet.set_column(2, 5, 20)
        sheet.set_column(6, 7, 17)
        sheet.set_column(8, len(header), 12)
        self._header(sheet, header)
        total, so_far = Figures(), Figures()
        line = 0
        for line, row in enumerate(self._report.rows, 1):
            for column, value in enumerate(visit_cells(row)):
                self._cell(sheet, line, column, value)
            total.add(row)
            if row.day <= self._report.compared.this.last:
                so_far.add(row)
            for grouping in self._report.groupings:
                grouping.add(row)
        sheet.autofilter(0, 0, max(1, line), len(header) - 1)
        return total, so_far

    def _definitions(self, sheet: Any) -> None:
        sheet.set_column(0, 1, 28)
        sheet.set_column(2, 2, 100)
        self._header(sheet, [_("Figure"), _("Unit"), _("Definition")])
        for line, measure in enumerate(MEASURES, 1):
            sheet.write_string(line, 0, str(measure.name), self._wrap)
            sheet.write_string(line, 1, str(measure.unit), self._wrap)
            sheet.write_string(line, 2, str(measure.definition), self._wrap)

    def _header(self, sheet: Any, names: Sequence[str], line: int = 0) -> None:
        for column, name in enumerate(names):
            sheet.write_string(line, column, name, self._head)
        sheet.freeze_panes(line + 1, 1)

    def _cell(self, sheet: Any, line: int, column: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, int):
            sheet.write_number(line, column, value, self._number)
        elif isinstance(value, str):
            sheet.write_string(line, column, value)
        elif isinstance(value, Decimal):
            sheet.write_number(line, column, value, self._tenths)
        else:
            shape = self._moment if isinstance(value, datetime) else self._day
            sheet.write_datetime(line, column, value, shape)
