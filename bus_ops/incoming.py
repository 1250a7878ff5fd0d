"""What arrives with a request, kept within what both databases can hold.

PostgreSQL refuses NUL in text and keys beyond 31 bits, SQLite patterns of thousands of words:
what no row can match is turned away here, before any query is asked.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, Request, request
from werkzeug.datastructures import FileStorage, ImmutableMultiDict
from werkzeug.routing import IntegerConverter

from schedules.calendar import FIRST_YEAR, LAST_YEAR

# The largest key of a table.
LARGEST_NUMBER = 2**31 - 1
# More than any name; a longer search cannot find anything.
LONGEST_SEARCH = 200

# Control signs except tab and line ends, and halves of surrogate pairs, which are no signs at all.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]{1,10}")
_YEAR = re.compile(r"[0-9]{4}")


def writable(text: str) -> str:
    """The text without signs that nobody types and that a database refuses."""
    return _UNWRITABLE.sub("", text)


def asked_number(name: str) -> int | None:
    """The key or page that an argument of the address names; None where it can be none."""
    text = request.args.get(name, "").strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if 0 < number <= LARGEST_NUMBER else None


def asked_year(fallback: int) -> int:
    """The year that the address asks for; the fallback where it names none that calendars know."""
    text = request.args.get("year", "")
    return known_year(int(text), fallback) if _YEAR.fullmatch(text) else fallback


def known_year(year: int, fallback: int) -> int:
    """The year, if a school year that begins in it lies within what calendars know."""
    return year if FIRST_YEAR < year < LAST_YEAR - 1 else fallback


def asked_search() -> str:
    """What the address says is searched for."""
    return request.args.get("q", "").strip()[:LONGEST_SEARCH]


class WritableMultiDict(ImmutableMultiDict[str, Any]):
    """Arguments and form fields, each text and each file's name writable."""

    def __init__(self, mapping: Any = None) -> None:
        received = ImmutableMultiDict(mapping)
        super().__init__([(writable(k), _writable_value(v)) for k, v in received.items(multi=True)])


def _writable_value(value: Any) -> Any:
    if isinstance(value, FileStorage):
        value.filename = writable(value.filename or "")
        return value
    return writable(value)


class WritableRequest(Request):
    """A request whose arguments and forms hold writable text only, in every view."""

    parameter_storage_class = WritableMultiDict


class KeyConverter(IntegerConverter):
    """The ``int`` of addresses: a number no key can have is an address that does not exist."""

    regex = r"[0-9]{1,10}"

    def __init__(self, map: Any, **options: Any) -> None:
        super().__init__(map, **{"min": 1, "max": LARGEST_NUMBER, **options})


def init_incoming(app: Flask) -> None:
    """Bind both; before any blueprint is registered, because rules are compiled then."""
    app.request_class = WritableRequest
    app.url_map.converters["int"] = KeyConverter
