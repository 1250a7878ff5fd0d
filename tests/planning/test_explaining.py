"""Why a stop stands on its days, and what keeps one out: found by trying the other days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.planning.explaining import (
    detour_m,
    in_words,
    obstacle_on,
    other_weekdays,
    what_keeps_out,
)
from bus_ops.planning.ground import Ground
from bus_ops.timetable.models import ServiceCalendar
from tests.planning.plans import proposal_with
from tests.small_service import SmallService, small_service

MONDAY = date(2027, 1, 18)
DAY = timedelta(days=1)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    """Two schools, each week from a Monday on."""
    return small_service(organisation, MONDAY)


def test_a_visit_shared_with_a_near_one_costs_less_than_a_day_of_its_own(
    service: SmallService,
) -> None:
    ground = Ground(service.term)
    ids = [stop.id for stop in service.stops]
    together = proposal_with(ground, service.van.id, {MONDAY: ids})
    apart = proposal_with(ground, service.van.id, {MONDAY: ids[:1], MONDAY + DAY: ids[1:]})
    shared, alone = (detour_m(plan, ground, ids[1], ()) for plan in (together, apart))
    assert shared is not None
    assert alone is not None
    assert 0 < shared < alone


def test_another_weekday_is_told_with_its_kilometres_or_what_is_in_its_way(
    service: SmallService,
) -> None:
    stop = service.stops[1]
    owner = {"organisation_id": service.organisation.id}
    stop.calendar = ServiceCalendar(**owner, name="Lịch", weekdays=[0, 1, 2], country="")
    stop.plan_weekdays = [0, 1]
    db.session.commit()
    ground = Ground(service.term)
    ids = [one.id for one in service.stops]
    plan = proposal_with(ground, service.van.id, {MONDAY: ids, MONDAY + 7 * DAY: ids})
    others = {other.weekday: other for other in other_weekdays(plan, ground, stop.id, ())}
    assert set(others) == set(range(1, 7))
    assert (others[1].distance_m or 0) > 0
    assert others[1].obstacles == ()
    assert others[2].distance_m is None
    assert others[4].distance_m is None
    assert others[2].obstacles != others[4].obstacles
    for other in others.values():
        assert in_words(other)


def test_what_keeps_a_stop_out_is_the_smallest_thing_in_its_way(service: SmallService) -> None:
    service.term.shift_limit_minutes = 150
    db.session.commit()
    ground = Ground(service.term)
    first, other = (stop.id for stop in service.stops)
    every_day = [MONDAY + n * DAY for n in range(6)]
    plan = proposal_with(ground, service.van.id, {day: [first] for day in every_day})
    last = every_day[-1]
    assert "2 giờ 30 phút" in what_keeps_out(plan, ground, other, MONDAY, last)
    service.stops[1].windows = [{"opens": 480, "closes": 500}]
    db.session.commit()
    ground = Ground(service.term)
    assert obstacle_on(ground, service.stops[1], MONDAY) is not None
    told = what_keeps_out(plan, ground, other, MONDAY, last)
    assert str(obstacle_on(ground, service.stops[1], MONDAY)) in told
