"""A filled Word document as a page in the browser and as a PDF.

Both are made from the document itself, so that what a library changed in its template is seen in
all three. What is read of it: paragraphs with alignment, distances and rules, runs with their
weight and size, tables with widths and borders, pictures, margins, and that page numbers stand in
the top margin.
"""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docx
import typst
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from markupsafe import Markup, escape

_ALIGNED = {
    WD_ALIGN_PARAGRAPH.CENTER: "center",
    WD_ALIGN_PARAGRAPH.RIGHT: "right",
    WD_ALIGN_PARAGRAPH.JUSTIFY: "justify",
}
# Tinos has Times New Roman's measures, and stands in for it where a machine has none.
FONTS = '("Times New Roman", "Tinos")'
FONT_FOLDER = Path(__file__).resolve().parents[1] / "static" / "paper-fonts"


@dataclass(frozen=True)
class _Piece:
    """Text with its look, or a picture."""

    text: str
    bold: bool = False
    italic: bool = False
    size_pt: float | None = None
    picture: bytes | None = None
    width_mm: float = 0.0


def report_html(document: bytes) -> Markup:
    """The document as HTML, to be looked at before it is taken away."""
    opened = docx.Document(io.BytesIO(document))
    return Markup("").join(_html_block(block) for block in opened.iter_inner_content())


def report_pdf(document: bytes) -> bytes:
    """The document as a PDF, page for page as its own measures say."""
    opened = docx.Document(io.BytesIO(document))
    pictures: dict[str, bytes] = {}
    section = opened.sections[0]
    source = [
        "#set page(width: {}mm, height: {}mm, margin: (top: {}mm, bottom: {}mm, left: {}mm,"
        " right: {}mm), header-ascent: 30%, header: context if counter(page).get().first() > 1"
        " [#align(center)[#counter(page).display()]])".format(
            *(
                round(length.mm, 1)
                for length in (
                    section.page_width,
                    section.page_height,
                    section.top_margin,
                    section.bottom_margin,
                    section.left_margin,
                    section.right_margin,
                )
            )
        ),
        f'#set text(font: {FONTS}, size: 13pt, lang: "vi", hyphenate: false)',
        "#set par(leading: 0.62em, spacing: 0pt)",
        *(_typst_block(block, pictures) for block in opened.iter_inner_content()),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in pictures.items():
            Path(folder, name).write_bytes(picture)
        main = Path(folder, "main.typ")
        main.write_text("\n".join(source), "utf-8")
        made: bytes = typst.compile(main, root=folder, font_paths=[FONT_FOLDER])
    return made


def _pieces(paragraph: Paragraph) -> Iterator[_Piece]:
    for run in paragraph.runs:
        size = run.font.size.pt if run.font.size else None
        if run.text:
            yield _Piece(run.text, bool(run.bold), bool(run.italic), size)
        for drawing in run._r.iter(qn("wp:inline")):
            blip = next(drawing.iter(qn("a:blip")), None)
            extent = drawing.find(qn("wp:extent"))
            if blip is None or extent is None:
                continue
            part = paragraph.part.related_parts[blip.get(qn("r:embed"))]
            yield _Piece("", picture=part.blob, width_mm=int(extent.get("cx")) / 36_000)


def _is_rule(paragraph: Paragraph) -> bool:
    """Whether the paragraph is a line drawn across."""
    return paragraph._p.find(f".//{qn('w:pBdr')}/{qn('w:top')}") is not None


def _has_borders(table: Table) -> bool:
    return table.style is not None and table.style.name == "Table Grid"


def _widths_mm(table: Table) -> list[float]:
    cells = table.rows[-1].cells if table.rows else []
    return [cell.width.mm if cell.width else 0.0 for cell in cells]


def _html_block(block: Paragraph | Table) -> Markup:
    if isinstance(block, Table):
        rows = Markup("").join(
            Markup("<tr>{}</tr>").format(
                Markup("").join(
                    Markup("<td>{}</td>").format(
                        Markup("").join(_html_paragraph(p) for p in cell.paragraphs)
                    )
                    for cell in row.cells
                )
            )
            for row in block.rows
        )
        kind = "paper-grid" if _has_borders(block) else "paper-plain"
        return Markup('<table class="{}">{}</table>').format(kind, rows)
    return _html_paragraph(block)


def _html_paragraph(paragraph: Paragraph) -> Markup:
    if _is_rule(paragraph):
        return Markup('<hr class="paper-rule">')
    align = _ALIGNED.get(paragraph.alignment, "left")
    content = Markup("").join(_html_piece(piece) for piece in _pieces(paragraph))
    return Markup('<p class="paper-{}">{}</p>').format(align, content)


def _html_piece(piece: _Piece) -> Markup:
    if piece.picture is not None:
        data = base64.b64encode(piece.picture).decode()
        return Markup('<img alt="" src="data:image/png;base64,{}">').format(data)
    text = Markup("<br>").join(escape(line) for line in piece.text.split("\n"))
    if piece.bold:
        text = Markup("<strong>{}</strong>").format(text)
    if piece.italic:
        text = Markup("<em>{}</em>").format(text)
    return text


def _typst_block(block: Paragraph | Table, pictures: dict[str, bytes]) -> str:
    if not isinstance(block, Table):
        return _typst_paragraph(block, pictures)
    widths = ", ".join(f"{width:.1f}mm" if width else "1fr" for width in _widths_mm(block))
    grid = _has_borders(block)
    rows = [_typst_row(row, pictures) for row in block.rows]
    head = f"table.header({rows[0]})," if grid and rows else ""
    body = ",\n".join(rows[1:] if head else rows)
    stroke = "0.5pt" if grid else "none"
    inset = "(x: 4pt, y: 4pt)" if grid else "(x: 2pt, y: 1pt)"
    return (
        f"#align(center, table(columns: ({widths},), stroke: {stroke}, inset: {inset},"
        f" align: left + {'horizon' if grid else 'top'}, {head}\n{body}))"
    )


def _typst_row(row: Any, pictures: dict[str, bytes]) -> str:
    cells = []
    for cell in row.cells:
        content = "\n".join(_typst_paragraph(p, pictures) for p in cell.paragraphs)
        cells.append(f"[{content}]")
    return ", ".join(cells)


def _typst_paragraph(paragraph: Paragraph, pictures: dict[str, bytes]) -> str:
    shape = paragraph.paragraph_format
    before = shape.space_before.pt if shape.space_before else 0
    after = shape.space_after.pt if shape.space_after is not None else 6
    if _is_rule(paragraph):
        left = shape.left_indent.mm if shape.left_indent else 0
        right = shape.right_indent.mm if shape.right_indent else 0
        line = f"#pad(left: {left:.1f}mm, right: {right:.1f}mm)[#line(length: 100%, stroke: 0.6pt)]"
        return f"#block(above: 3pt, below: 3pt, width: 100%)[{line}]"
    pieces = list(_pieces(paragraph))
    if not pieces:
        return f"#v({13 + after:.0f}pt)"
    align = _ALIGNED.get(paragraph.alignment, "left")
    content = "".join(_typst_piece(piece, pictures) for piece in pieces)
    indent = shape.first_line_indent.mm if shape.first_line_indent else 0
    set_par = "#set par(justify: true);" if align == "justify" else ""
    where = "left" if align == "justify" else align
    keep = ", sticky: true" if shape.keep_with_next else ""
    first = f"#h({indent:.1f}mm)" if indent else ""
    above, below = max(before, 5), max(after + 3, 5)
    return (
        f"#block(above: {above:.1f}pt, below: {below:.1f}pt, width: 100%{keep})"
        f"[{set_par}#align({where})[{first}{content}]]"
    )


def _typst_piece(piece: _Piece, pictures: dict[str, bytes]) -> str:
    if piece.picture is not None:
        name = f"picture-{len(pictures)}.png"
        pictures[name] = piece.picture
        return f'#image("{name}", width: {piece.width_mm:.1f}mm)'
    look = [f"size: {piece.size_pt}pt"] if piece.size_pt else []
    if piece.bold:
        look.append('weight: "bold"')
    if piece.italic:
        look.append('style: "italic"')
    text = " \\ ".join(typst_text(line) for line in piece.text.split("\n"))
    return f"#text({', '.join(look)})[{text}]"


def typst_text(text: str) -> str:
    """Text in which no sign is a command."""
    return "".join(
        sign if sign.isalnum() or sign == " " else f"\\u{{{ord(sign):x}}}" for sign in text
    )
