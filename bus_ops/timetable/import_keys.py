"""Keys by which imported rows are known again: one size however long the texts, any capitals."""

from __future__ import annotations

import hashlib

from schedules.exchange.mobile_library_csv import StopRow


def service_key(service: str) -> str:
    """The key of a service's term, whatever somebody calls that term."""
    return _key("service", service)


def place_key(service: str, row: StopRow) -> str:
    """The key of a row's place."""
    return _key("place", service, row.community, row.stop, row.lat, row.lon)


def row_key(service: str, row: StopRow) -> str:
    """The key of everything a row says about when and where; two rows of one key say the same."""
    rule = row.recurrence
    dates = (rule.rule, rule.start, rule.end, *sorted(rule.exceptions))
    return _key("stop", place_key(service, row), row.mobile, row.route, row.arrival, *dates)


def _key(*parts: object) -> str:
    text = "\x1f".join("" if part is None else str(part).strip().casefold() for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()
