"""Finding Vietnamese names as people type them: with or without diacritics or tone marks."""

from __future__ import annotations

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")


def search_key(text: str) -> str:
    """Lower case, no diacritics, single blanks: "Hoà Bình" and "Hòa Bình" are both "hoa binh"."""
    plain = text.lower().replace("đ", "d")
    decomposed = unicodedata.normalize("NFKD", plain)
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return _NOT_WORD.sub(" ", letters).strip()
