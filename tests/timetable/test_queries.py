"""What may stand on a public list of stops, and what may not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.timetable.models import StopKind, TermStatus
from bus_ops.timetable.queries import public_stops
from tests.conftest import add_organisation
from tests.small_service import SmallService, small_service

DAY = date(2026, 11, 2)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two stops; the first one is open to anyone from this day on."""
    made = small_service(organisation, DAY)
    made.stops[0].kind = StopKind.PUBLIC
    db.session.commit()
    return made


def listed(service: SmallService, day: date = DAY) -> list[int]:
    return [stop.id for stop in public_stops(service.organisation.id, day)]


@pytest.mark.parametrize("kind", list(StopKind))
def test_only_stops_open_to_anyone_are_public(service: SmallService, kind: StopKind) -> None:
    service.stops[0].kind = kind
    shown = kind in {StopKind.PUBLIC, StopKind.FLEXIBLE}
    assert listed(service) == ([service.stops[0].id] if shown else [])


@pytest.mark.parametrize(
    ("owner", "changed"),
    [
        ("stop", {"enabled": False}),
        ("stop", {"starts_on": DAY + timedelta(days=1)}),
        ("stop", {"ends_on": DAY - timedelta(days=1)}),
        ("place", {"enabled": False}),
        ("term", {"status": TermStatus.DRAFT}),
        ("term", {"starts_on": DAY + timedelta(days=1)}),
        ("term", {"ends_on": DAY - timedelta(days=1)}),
    ],
)
def test_what_is_not_in_service_on_the_day_is_not_listed(
    service: SmallService, owner: str, changed: dict[str, Any]
) -> None:
    stop = service.stops[0]
    assert listed(service) == [stop.id]
    row = stop if owner == "stop" else getattr(stop, owner)
    for name, value in changed.items():
        setattr(row, name, value)
    assert listed(service) == []


def test_the_first_and_the_last_day_count_and_a_stop_without_end_goes_on(
    service: SmallService,
) -> None:
    stop = service.stops[0]
    stop.ends_on = DAY
    assert listed(service) == [stop.id]
    stop.ends_on = service.term.ends_on = None
    assert listed(service, DAY + timedelta(days=3650)) == [stop.id]


def test_another_library_s_stops_are_not_listed(service: SmallService) -> None:
    assert public_stops(add_organisation("Thư viện khác").id, DAY) == []
