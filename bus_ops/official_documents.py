"""What official documents of Vietnam look like, after Decree 30/2020/NĐ-CP."""

from __future__ import annotations

from typing import Any

from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from .i18n import current_language

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FONT = "Times New Roman"
STATE, MOTTO = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"


def lay_out_as_decreed(document: Any) -> None:
    """A4 upright; margins of 20 mm above and below, 30 mm left, 15 mm right; Times New Roman 13."""
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(13)
    # Word takes letters with diacritics from the second of a font's names.
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    language = style.element.rPr.makeelement(qn("w:lang"), {qn("w:val"): current_language()})
    style.element.rPr.append(language)
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
