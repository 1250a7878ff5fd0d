"""Bytes of an unknown encoding -> text, for files that people save from spreadsheets."""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass

# Marks that Windows-1258 writes after their vowel and other code pages do not have.
_COMBINING = "\u0300\u0301\u0303\u0309\u0323"
_VIETNAMESE = frozenset("ăâđêôơưĂÂĐÊÔƠƯạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NotTextError(ValueError):
    """The bytes are no text in any encoding that is tried."""


@dataclass(frozen=True)
class DecodedText:
    """Text in Unicode's composed form, and the encoding it was in."""

    text: str
    encoding: str


def decode(data: bytes) -> DecodedText:
    """Text of a file; raises NotTextError for pictures, programs and other binary data.

    A byte order mark decides; else UTF-8 where it fits, UTF-16 where every second byte is null,
    and otherwise the code page whose reading looks like Vietnamese (1258) or Western (1252).
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    try:
        return _decoded(data, "utf-8")
    except NotTextError:
        pass
    sample = data[:4000]
    for encoding, nulls in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if nulls and nulls.count(0) > len(nulls) * 0.6:
            return _decoded(data, encoding)
    if b"\0" in data:
        raise NotTextError("null bytes")
    if _looks_like_1258(data):
        return _decoded(data, "cp1258")
    return _decoded(data, "cp1252")


def _decoded(data: bytes, encoding: str) -> DecodedText:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise NotTextError(encoding) from None
    if "\0" in text:
        raise NotTextError("null characters")
    return DecodedText(unicodedata.normalize("NFC", text), encoding.removesuffix("-sig"))


def _looks_like_1258(data: bytes) -> bool:
    try:
        text = data.decode("cp1258")
    except UnicodeDecodeError:
        return False
    # A tone mark stands after a vowel: in other code pages the same bytes would be Ì Ò Þ ò.
    marks = [i for i, sign in enumerate(text) if sign in _COMBINING]
    after_vowel = [i for i in marks if i and text[i - 1] in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"]
    if marks:
        return len(after_vowel) >= 0.8 * len(marks)
    return any(sign in _VIETNAMESE for sign in text) and "đ" in text.lower()
