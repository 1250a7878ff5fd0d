"""Finding Vietnamese names as people type them: with or without diacritics or tone marks."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_SHORTENED = (
    ("trung hoc co so", "thcs"),
    ("trung hoc pho thong", "thpt"),
    ("tieu hoc", "th"),
    ("mam non", "mn"),
    ("mau giao", "mg"),
    ("uy ban nhan dan", "ubnd"),
)
_UNIT_TYPES = {"p": "phuong", "ph": "phuong", "f": "phuong", "x": "xa", "tt": "thi tran"}


@lru_cache(maxsize=65_536)
def search_key(text: str) -> str:
    """Lower case, no diacritics, single blanks: "Hoà Bình" and "Hòa Bình" are both "hoa binh"."""
    plain = text.lower().replace("đ", "d")
    decomposed = unicodedata.normalize("NFKD", plain)
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return _NOT_WORD.sub(" ", letters).strip()


def place_name_key(name: str) -> str:
    """The key of a place's name in whichever way lists shorten it.

    "Trường Tiểu học Thới Lai", "TH Thới Lai" and "Trường TH. Thới Lai" are one school: "Trường"
    says nothing, and the names of school levels have usual abbreviations.
    """
    key = f" {search_key(name)} "
    for long, short in _SHORTENED:
        key = key.replace(f" {long} ", f" {short} ")
    return key.strip().removeprefix("truong ").strip() or key.strip()


def commune_name_key(name: str) -> str:
    """The key of a commune's name with its type written out, as in "P. Ninh Kiều" or "TT Cờ Đỏ"."""
    key = search_key(name)
    first, _, rest = key.partition(" ")
    return f"{_UNIT_TYPES[first]} {rest}" if rest and first in _UNIT_TYPES else key
