"""Cells that a spreadsheet must not run as formulas (OWASP, "CSV Injection")."""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def plain_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would read a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) else text
