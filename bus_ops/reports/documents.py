"""Reports to the department as Word documents, from a template that a library may write anew.

The template that comes with the app is laid out as Decree 30/2020/NĐ-CP lays official documents
out: A4, margins of 20 mm above and below, 30 mm left and 15 mm right, Times New Roman, page numbers
centred in the top margin from the second page on, the issuing body beside the state's name and
motto, number and sign beside place and date, recipients beside the signature. Its blanks are those
of docxtpl (Jinja); a library downloads it, writes it anew in Word and uploads it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from zipfile import BadZipFile, ZipFile

import docx
import typst
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docxtpl import DocxTemplate, InlineImage
from flask_babel import gettext as _
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from schedules.periods import ReportingPeriod

from ..counting.definitions import BY_KEY
from ..i18n import format_day, format_number, today
from ..official_documents import FONT, MOTTO, STATE, lay_out_as_decreed
from .department import GROUP_MEASURES, ReportContent, period_in_words
from .pages import FONT_FOLDER, FONTS, typst_text

_LARGEST_UNPACKED = 50 * 1024 * 1024
_LEFT, _CENTRE, _BOTH = (
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)


class TemplateProblemError(ValueError):
    """A template that cannot be filled; the message says what is wrong in it."""


def report_docx(content: ReportContent, template: bytes | None) -> bytes:
    """The filled document. Raises TemplateProblemError."""
    source = template or default_template()
    try:
        _check_size(source)
        document = DocxTemplate(io.BytesIO(source))
        values = blanks_of(content)
        chart = _chart_png(content)
        values["chart"] = InlineImage(document, io.BytesIO(chart), width=Mm(155)) if chart else ""
        # A template comes from outside: it reads what it is given, and calls nothing else.
        environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        document.render(values, environment)
    except (TemplateError, ValueError, KeyError, OSError, SyntaxError, BadZipFile) as problem:
        raise TemplateProblemError(str(problem)) from problem
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _check_size(source: bytes) -> None:
    """A document is a ZIP archive: what would fill the memory is refused before it is opened."""
    with ZipFile(io.BytesIO(source)) as archive:
        if sum(part.file_size for part in archive.infolist()) > _LARGEST_UNPACKED:
            raise ValueError(_("The template is too large once unpacked."))


def blanks_of(content: ReportContent) -> dict[str, Any]:
    """What a template's blanks are filled with, by name."""
    library, day = content.library, today()
    measured = {key: format_number(content.figures[key]) for key in content.figures}
    return {
        "parent_body": library.parent_body.upper(),
        "library": library.name,
        "library_capitals": library.name.upper(),
        "sign": library.document_sign,
        "seat": library.seat,
        "date": _(
            "%(seat)s, day %(day)s month %(month)s year %(year)s",
            seat=library.seat,
            day=f"{day.day:02d}",
            month=f"{day.month:02d}" if day.month < 3 else day.month,
            year=day.year,
        ).lstrip(", "),
        "addressee": library.addressee,
        "signatory_title": library.signatory_title.upper(),
        "signatory_name": library.signatory_name,
        "period": period_in_words(content.report, content.period),
        "first_day": format_day(content.period.first),
        "last_day": format_day(content.period.last),
        "year_before": _year_before(content.period),
        "figures": measured,
        "lines": [
            {
                "number": number,
                "name": line.name,
                "unit": line.unit,
                "value": format_number(line.value),
                "before": format_number(line.before),
                "change": line.change,
            }
            for number, line in enumerate(content.lines, 1)
        ],
        "grouping": content.grouping,
        "groups": [
            {"number": n, "name": name, "figures": [format_number(value) for value in values]}
            for n, (name, values) in enumerate(content.groups, 1)
        ],
        "group_total": [format_number(content.figures[key]) for key in GROUP_MEASURES],
        "targets": [
            {
                "number": number,
                "name": str(line.indicator.name),
                "unit": str(line.indicator.unit),
                "target": format_number(line.target.value if line.target else 0),
                "value": format_number(line.value),
                "share": f"{format_number(round((line.share or 0) * 100, 1))} %",
            }
            for number, line in enumerate(content.targets, 1)
        ],
        "events": list(content.events),
        "donations": list(content.donations),
        "reasons": [f"{reason}: {format_number(count)}" for reason, count in content.reasons],
    }


def default_template() -> bytes:
    """The template that comes with the app, in the page's language."""
    document = docx.Document()
    _lay_out(document)
    _head(document)
    _paragraph(document, _("REPORT"), bold=True, align=_CENTRE, after=0, size=14)
    _paragraph(
        document,
        _("On the service of the mobile library, {{ period }}"),
        bold=True,
        align=_CENTRE,
        after=2,
    )
    _rule(document.add_paragraph(), 165, 50)
    _paragraph(document, _("To: {{ addressee }}"), align=_CENTRE, after=8)
    _body(document)
    _signatures(document)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _body(document: Any) -> None:
    _paragraph(
        document,
        _(
            "{{ library }} reports on the service of the mobile library in the {{ period }} (from"
            " {{ first_day }} to {{ last_day }}), compared with the same days of {{ year_before }}:"
        ),
    )
    _paragraph(document, _("I. RESULTS"), bold=True)
    _paragraph(document, _("1. Service at schools and communes"), bold=True)
    _paragraph(
        document,
        _(
            "In the period the vans made {{ figures.runs }} runs and served {{ figures.served }}"
            " visits at {{ figures.places }} places. {{ figures.attendance }} people came;"
            " {{ figures.items_served }} items were served, of which {{ figures.loans }} were lent"
            " and {{ figures.on_site }} read on the spot. {{ figures.cards }} cards were made."
            " {{ figures.cancelled }} visits were cancelled and {{ figures.missed }} missed."
        ),
    )
    _caption(document, _("Table 1. Figures of the period"))
    _table(
        document,
        [
            (_("No."), 10, _CENTRE, "{{ line.number }}"),
            (_("Figure"), 58, _LEFT, "{{ line.name }}"),
            (_("Unit of count"), 24, _CENTRE, "{{ line.unit }}"),
            (_("This period"), 24, _CENTRE, "{{ line.value }}"),
            (_("Same period a year before"), 28, _CENTRE, "{{ line.before }}"),
            (_("Change"), 21, _CENTRE, "{{ line.change }}"),
        ],
        "line in lines",
    )
    _paragraph(document, _("2. By place"), bold=True, before=8)
    _caption(document, _("Table 2. Figures by {{ grouping | lower }}"))
    names = [str(BY_KEY[key].name) for key in GROUP_MEASURES]
    figures = [
        (name, 27, _CENTRE, f"{{{{ group.figures[{number}] }}}}")
        for number, name in enumerate(names)
    ]
    _table(
        document,
        [
            (_("No."), 10, _CENTRE, "{{ group.number }}"),
            ("{{ grouping }}", 47, _LEFT, "{{ group.name }}"),
            *figures,
        ],
        "group in groups",
        ["", _("Total"), *(f"{{{{ group_total[{number}] }}}}" for number in range(len(names)))],
    )
    _paragraph(document, "{{ chart }}", align=_CENTRE, before=6, after=0)
    _caption(document, _("Figure 1. Attendance by {{ grouping | lower }}"), after=8)
    _paragraph(document, _("3. Indicators of the year's plan"), bold=True, before=8)
    _paragraph(document, "{%p if targets %}")
    _caption(document, _("Table 3. Targets and what is reached"))
    _table(
        document,
        [
            (_("No."), 10, _CENTRE, "{{ target.number }}"),
            (_("Indicator"), 65, _LEFT, "{{ target.name }}"),
            (_("Unit of count"), 24, _CENTRE, "{{ target.unit }}"),
            (_("Target"), 24, _CENTRE, "{{ target.target }}"),
            (_("Reached"), 24, _CENTRE, "{{ target.value }}"),
            (_("Share"), 18, _CENTRE, "{{ target.share }}"),
        ],
        "target in targets",
    )
    _paragraph(document, "{%p else %}")
    _paragraph(document, _("No targets were set for the year."))
    _paragraph(document, "{%p endif %}")
    _listed(document, _("4. Events"), "events", _("No events were held."))
    _listed(document, _("5. Donations"), "donations", _("No donations were received."))
    _listed(
        document,
        _("II. DIFFICULTIES"),
        "reasons",
        _("All planned visits took place."),
        _("Visits were cancelled for these reasons (number of visits):"),
    )
    _paragraph(document, _("III. TASKS OF THE NEXT PERIOD"), bold=True, before=8)
    _paragraph(document, _("To be written by the library."))


def _listed(
    document: Any, title: str, name: str, otherwise: str, before: str | None = None
) -> None:
    """A title, and a line for each of a list, or a sentence where it is empty."""
    _paragraph(document, title, bold=True, before=8)
    _paragraph(document, f"{{%p if {name} %}}")
    if before:
        _paragraph(document, before)
    _paragraph(document, f"{{%p for one in {name} %}}")
    _paragraph(document, "- {{ one }}", after=2)
    _paragraph(document, "{%p endfor %}")
    _paragraph(document, "{%p else %}")
    _paragraph(document, otherwise)
    _paragraph(document, "{%p endif %}")


def _lay_out(document: Any) -> None:
    lay_out_as_decreed(document)
    section = document.sections[0]
    section.header_distance = Mm(10)
    section.different_first_page_header_footer = True
    _page_number(section.header.paragraphs[0])


def _page_number(paragraph: Any) -> None:
    paragraph.alignment = _CENTRE
    run = paragraph.add_run()
    run.font.name, run.font.size = FONT, Pt(13)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = text
        run._r.append(part)


def _head(document: Any) -> None:
    """Issuing body and number on the left, state and date on the right."""
    table = document.add_table(rows=2, cols=2)
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    left, right = table.rows[0].cells
    _cell(left, [("{{ parent_body }}", False, 12), ("{{ library_capitals }}", True, 12)])
    _cell(right, [(STATE, True, 12), (MOTTO, True, 13)])
    number, place = table.rows[1].cells
    _cell(number, [(_("No.: …/{{ sign }}"), False, 13)])
    _cell(place, [("{{ date }}", False, 13)], italic=True)
    _set_widths(table, (70, 95))
    _rule(left.add_paragraph(), 70, 24)
    _rule(right.add_paragraph(), 95, 60)
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _rule(paragraph: Any, width_mm: int, length_mm: int) -> None:
    """The short line that stands under the issuing body, the motto and the title."""
    paragraph.alignment = _CENTRE
    paragraph.paragraph_format.space_after = Pt(2)
    paragraph.paragraph_format.line_spacing = Pt(4)
    margin = (width_mm - length_mm) / 2
    paragraph.paragraph_format.left_indent = Mm(margin)
    paragraph.paragraph_format.right_indent = Mm(margin)
    borders = OxmlElement("w:pBdr")
    line = OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    paragraph._p.get_or_add_pPr().append(borders)


def _cell(cell: Any, lines: list[tuple[str, bool, int]], italic: bool = False) -> None:
    for number, (text, bold, size) in enumerate(lines):
        paragraph = cell.paragraphs[0] if not number else cell.add_paragraph()
        paragraph.alignment = _CENTRE
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(text)
        run.bold, run.italic, run.font.size = bold, italic, Pt(size)


def _paragraph(
    document: Any,
    text: str,
    bold: bool = False,
    align: Any = _BOTH,
    before: int = 0,
    after: int = 6,
    size: int | None = None,
) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = align
    paragraph.paragraph_format.space_before = Pt(before)
    paragraph.paragraph_format.space_after = Pt(after)
    if align is _BOTH and not text.startswith("{%"):
        paragraph.paragraph_format.first_line_indent = Mm(10)
    run = paragraph.add_run(text)
    run.bold = bold
    if size:
        run.font.size = Pt(size)


def _caption(document: Any, text: str, after: int = 3) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = _CENTRE
    paragraph.paragraph_format.space_after = Pt(after)
    paragraph.paragraph_format.keep_with_next = after < 6
    run = paragraph.add_run(text)
    run.italic, run.font.size = True, Pt(12)


def _table(
    document: Any,
    columns: list[tuple[str, int, Any, str]],
    each: str,
    sums: list[str] | None = None,
) -> None:
    """A table with one row for each of a list; its head comes again on each page."""
    table = document.add_table(rows=4, cols=len(columns))
    table.style, table.autofit = "Table Grid", False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.rows[1].cells[0].text = f"{{%tr for {each} %}}"
    table.rows[3].cells[0].text = "{%tr endfor %}"
    for number, (name, _width, align, blank) in enumerate(columns):
        for row, text, bold in ((0, name, True), (2, blank, False)):
            cell = table.rows[row].cells[number]
            paragraph = cell.paragraphs[0]
            paragraph.alignment = _CENTRE if bold else align
            paragraph.paragraph_format.space_after = Pt(0)
            run = paragraph.add_run(text)
            run.bold, run.font.size = bold, Pt(12)
    if sums:
        cells = table.add_row().cells
        for cell, text, (_name, _width, align, _blank) in zip(cells, sums, columns, strict=True):
            cell.paragraphs[0].alignment = align
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)
            run = cell.paragraphs[0].add_run(text)
            run.bold, run.font.size = True, Pt(12)
    _set_widths(table, [column[1] for column in columns])
    _repeat_head(table.rows[0])


def _set_widths(table: Any, widths_mm: Sequence[int]) -> None:
    """Widths of the columns and of every cell: some programs read these, some those."""
    for number, width in enumerate(widths_mm):
        table.columns[number].width = Mm(width)
        for row in table.rows:
            row.cells[number].width = Mm(width)


def _repeat_head(row: Any) -> None:
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _signatures(document: Any) -> None:
    document.add_paragraph().paragraph_format.space_after = Pt(0)
    table = document.add_table(rows=1, cols=2)
    left, right = table.rows[0].cells
    table.autofit = False
    _set_widths(table, (75, 90))
    first = left.paragraphs[0]
    first.paragraph_format.space_after = Pt(0)
    run = first.add_run(_("Recipients:"))
    run.bold, run.italic, run.font.size = True, True, Pt(12)
    for text in ("- {{ addressee }};", _("- Filed: office.")):
        paragraph = left.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.add_run(text).font.size = Pt(11)
    _cell(right, [("{{ signatory_title }}", True, 13)])
    for _line in range(4):
        right.add_paragraph().paragraph_format.space_after = Pt(0)
    name = right.add_paragraph()
    name.alignment = _CENTRE
    name.add_run("{{ signatory_name }}").bold = True


def _chart_png(content: ReportContent) -> bytes | None:
    """The groups' attendance as bars."""
    bars = content.charted
    top = max((value for _name, value in bars), default=0)
    if not top:
        return None
    rows = [
        f"[{typst_text(name)}], bar({value / top * 100:.2f}%),"
        f" [{typst_text(format_number(int(value)))}],"
        for name, value in bars
    ]
    source = (
        "#set page(width: 155mm, height: auto, margin: 2mm)\n"
        f"#set text(font: {FONTS}, size: 10pt)\n"
        '#let bar(share) = rect(width: share, height: 9pt, fill: rgb("#0b6e69"))\n'
        "#grid(columns: (48mm, 1fr, 16mm), row-gutter: 4pt, column-gutter: 4pt, align: horizon,\n"
        + "\n".join(rows)
        + "\n)"
    )
    png: bytes = typst.compile(source.encode(), format="png", ppi=200, font_paths=[FONT_FOLDER])
    return png


def _year_before(period: ReportingPeriod) -> str:
    before = period.a_year_before()
    years = {before.first.year, before.last.year}
    return "–".join(str(year) for year in sorted(years))
