"""The school-year plan as a document and as a spreadsheet.

The document is laid out as Decree 30/2020/NĐ-CP lays official documents out: A4, its margins, the
state's name and motto beside the library's, Times New Roman, numbered rows.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt
from flask_babel import gettext as _

from ..i18n import format_number
from ..official_documents import MOTTO, STATE, lay_out_as_decreed
from ..workbooks import Sheet, workbook
from .plan import SchoolGroup, sum_of


def title_of(school_year: int) -> str:
    """The plan's heading."""
    return _(
        "Plan of library van visits to schools, school year %(year)s",
        year=f"{school_year}-{school_year + 1}",
    )


def plan_xlsx(groups: Sequence[SchoolGroup], school_year: int) -> bytes:
    """One row a school, and a sheet of sums."""
    rows = [
        [
            group.name,
            line.place.name,
            line.place.level.label if line.place.level else "",
            line.place.commune_name,
            line.place.pupils or 0,
            line.agreed,
            line.goal.agreed_on if line.goal else None,
            line.planned,
            line.done,
            line.people,
            line.goal.note if line.goal else "",
        ]
        for group in groups
        for line in group.lines
    ]
    columns = [
        _("Group"),
        _("School"),
        _("Level of school"),
        _("Commune or ward"),
        _("Pupils"),
        _("Visits agreed"),
        _("Agreed on"),
        _("Visits to come"),
        _("Visits served"),
        _("Attendance"),
        _("Note"),
    ]
    sums = [
        [
            one.name,
            one.schools,
            one.reached,
            one.pupils,
            one.pupils_reached,
            one.agreed,
            one.planned,
            one.done,
            one.people,
        ]
        for one in [*groups, _all(groups)]
    ]
    names = [
        _("Group"),
        _("Schools"),
        _("Schools reached"),
        _("Pupils"),
        _("Pupils reached"),
        _("Visits agreed"),
        _("Visits to come"),
        _("Visits served"),
        _("Attendance"),
    ]
    title = title_of(school_year)
    return workbook(
        [Sheet(_("Schools"), title, columns, rows), Sheet(_("Sums"), title, names, sums)]
    )


def plan_docx(groups: Sequence[SchoolGroup], school_year: int, library: str) -> bytes:
    """The plan to be signed."""
    document = Document()
    lay_out_as_decreed(document)
    _head(document, library)
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = title.add_run(title_of(school_year).upper())
    run.bold = True
    everything = _all(groups)
    document.add_paragraph(
        _(
            "%(schools)s schools, of which %(reached)s reached; %(agreed)s visits agreed,"
            " %(done)s served, %(planned)s to come; attendance %(people)s.",
            schools=format_number(everything.schools),
            reached=format_number(everything.reached),
            agreed=format_number(everything.agreed),
            done=format_number(everything.done),
            planned=format_number(everything.planned),
            people=format_number(everything.people),
        )
    )
    for group in groups:
        _table(document, group)
    _signatures(document)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _all(groups: Sequence[SchoolGroup]) -> SchoolGroup:
    return sum_of([line for group in groups for line in group.lines])


def _head(document: Document, library: str) -> None:
    table = document.add_table(rows=1, cols=2)
    left, right = table.rows[0].cells
    for cell, lines in ((left, (library.upper(),)), (right, (STATE, MOTTO))):
        cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        for number, line in enumerate(lines):
            run = cell.paragraphs[0].add_run(("\n" if number else "") + line)
            run.bold = True
            run.font.size = Pt(12)
    document.add_paragraph()


def _table(document: Document, group: SchoolGroup) -> None:
    heading = document.add_paragraph()
    heading.add_run(group.name).bold = True
    names = [_("No."), _("School"), _("Pupils"), _("Agreed"), _("Served"), _("To come"), _("Note")]
    widths = [10, 60, 18, 18, 18, 18, 23]
    table = document.add_table(rows=1, cols=len(names))
    table.style = "Table Grid"
    table.autofit = False
    _fill(table.rows[0].cells, names, widths, bold=True)
    for number, line in enumerate(group.lines, start=1):
        values = [
            number,
            line.place.name,
            line.place.pupils if line.place.pupils is not None else "",
            line.agreed,
            line.done,
            line.planned,
            line.goal.note if line.goal else "",
        ]
        _fill(table.add_row().cells, values, widths)
    sums = ["", _("Sum"), group.pupils or "", group.agreed, group.done, group.planned, ""]
    _fill(table.add_row().cells, sums, widths, bold=True)
    document.add_paragraph()


def _fill(cells, values, widths, bold=False) -> None:  # type: ignore[no-untyped-def]
    for cell, value, width in zip(cells, values, widths, strict=True):
        cell.width = Mm(width)
        text = format_number(value) if isinstance(value, int) else str(value)
        run = cell.paragraphs[0].add_run(text)
        run.bold = bold
        run.font.size = Pt(12)


def _signatures(document: Document) -> None:
    table = document.add_table(rows=1, cols=2)
    for cell, name in zip(
        table.rows[0].cells, (_("Department of education"), _("Library")), strict=True
    ):
        cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        cell.paragraphs[0].add_run(name + "\n\n\n\n").bold = True
