"""Which column of a coordinator's list means what: a guess, and what somebody chose before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select

from schedules.searching import search_key

from ..database import db, now
from .models import ColumnMapping

# Fields of a place that a column can mean, and header words (without diacritics) that suggest it.
FIELDS: dict[str, tuple[LazyString, tuple[str, ...]]] = {
    "name": (
        _l("Name"),
        ("ten truong", "ten dia diem", "ten", "name", "place", "school", "truong"),
    ),
    "kind": (_l("Kind of place"), ("loai dia diem", "loai", "kind", "type")),
    "level": (_l("Level of school"), ("cap hoc", "cap", "level", "bac hoc")),
    "official_code": (
        _l("Official code"),
        ("ma truong", "ma so", "moet code", "ma", "code", "id"),
    ),
    "address": (_l("Address"), ("dia chi", "address")),
    "commune": (
        _l("Commune or ward"),
        ("xa phuong", "phuong xa", "xa", "phuong", "commune", "ward"),
    ),
    "lat": (_l("Latitude"), ("vi do", "lat", "latitude", "y")),
    "lon": (_l("Longitude"), ("kinh do", "lon", "lng", "long", "longitude", "x")),
    "quality": (
        _l("How exact the position is"),
        ("do chinh xac", "chat luong vi tri", "coord quality", "position quality", "accuracy"),
    ),
    "position_source": (
        _l("Source of the position"),
        ("nguon vi tri", "nguon toa do", "coord source", "position source"),
    ),
    "contact_name": (_l("Contact"), ("nguoi lien he", "lien he", "hieu truong", "contact")),
    "contact_phone": (_l("Telephone"), ("dien thoai", "so dien thoai", "sdt", "phone", "tel")),
    "contact_email": (_l("E-mail"), ("email", "e mail", "thu dien tu")),
    "gate_notes": (_l("Gate"), ("cong", "gate")),
    "parking_notes": (_l("Parking"), ("cho dau xe", "do xe", "parking")),
    "note": (_l("Note"), ("ghi chu", "note", "remark")),
}


def guessed_mapping(headers: Sequence[str]) -> dict[str, str]:
    """Which field each column most likely means; columns without a guess are left out."""
    mapping: dict[str, str] = {}
    keys = {header: search_key(header) for header in headers}
    for fits in (_is_word, _has_words):
        for field, (_label, words) in FIELDS.items():
            if field in mapping.values():
                continue
            found = (h for word in words for h in headers if fits(keys[h], word))
            header = next((h for h in found if h not in mapping), None)
            if header is not None:
                mapping[header] = field
    return mapping


def remembered_mapping(organisation_id: int, headers: Sequence[str]) -> dict[str, str] | None:
    """The mapping that somebody chose for this header before."""
    row = db.session.scalar(_remembered(organisation_id, headers))
    return dict(row.columns) if row is not None else None


def remember_mapping(
    organisation_id: int, headers: Sequence[str], mapping: Mapping[str, str]
) -> None:
    """Keep a chosen mapping for the next file with this header."""
    row = db.session.scalar(_remembered(organisation_id, headers))
    if row is None:
        row = ColumnMapping(organisation_id=organisation_id, header_mark=_header_mark(headers))
        db.session.add(row)
    row.columns = dict(mapping)
    row.used_at = now()


def _is_word(key: str, word: str) -> bool:
    return key == word


def _has_words(key: str, words: str) -> bool:
    return len(words) > 2 and f" {words} " in f" {key} "


def _header_mark(headers: Sequence[str]) -> str:
    """The look of a header: the same columns are recognised next time."""
    text = "\x1f".join(search_key(header) for header in headers)
    return hashlib.sha256(text.encode()).hexdigest()


def _remembered(organisation_id: int, headers: Sequence[str]) -> Any:
    return select(ColumnMapping).where(
        ColumnMapping.organisation_id == organisation_id,
        ColumnMapping.header_mark == _header_mark(headers),
    )
