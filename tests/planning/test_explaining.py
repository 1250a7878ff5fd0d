"""Why a stop stands on its days, what keeps one out, what wishes cost: found out and told."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.i18n import format_duration, format_km
from bus_ops.planning.explaining import (
    WISHES,
    obstacle_on,
    what_keeps_out,
    why_in_words,
    wishes_in_words,
)
from bus_ops.planning.explanations import explanation_of, wishes_of
from bus_ops.planning.ground import Ground
from bus_ops.planning.posing import Posed, pose
from bus_ops.planning.present import present_timetable
from bus_ops.planning.proposal import Proposal
from schedules.planning.explanation import ChangeKind, WishKind
from schedules.planning.plan import Plan
from schedules.planning.planner import plan as search
from tests.small_service import SmallService, small_service

MONDAY = date(2027, 1, 18)
DAY = timedelta(days=1)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    """Two schools, each week from a Monday on."""
    return small_service(organisation, MONDAY)


@pytest.fixture
def two_weeks(service: SmallService) -> tuple[Posed, Ground]:
    """The term's first two weeks as planning sees them."""
    ground = Ground(service.term)
    last = MONDAY + 13 * DAY
    present = present_timetable(service.term, MONDAY, last)
    return pose(ground, MONDAY, last, present), ground


def explained(posed: Posed) -> tuple[Plan, dict[str, Any]]:
    found = search(posed.problem, iterations=500, workers=1)
    # As the database keeps it.
    return found, json.loads(json.dumps(explanation_of(found, posed)))


def test_why_a_stop_has_its_days_is_told_with_what_others_would_cost(
    service: SmallService, two_weeks: tuple[Posed, Ground]
) -> None:
    posed, _ground = two_weeks
    found, explanation = explained(posed)
    assert explanation["faults"] == []
    for stop in service.stops:
        days = [posed.problem.days[day] for day in found.days_of(str(stop.id))]
        why = explanation["why"][str(stop.id)]
        assert why["days"] == [day.isoformat() for day in days]
        told = why_in_words(explanation, stop.id, days)
        assert format_km(why["metres"]) in told[0]
        assert len(told) == 1 + len(why["next_best"]) + bool(why["not_fitting"])
        # A day chosen by hand since is not explained with figures of another.
        assert why_in_words(explanation, stop.id, days[1:]) == []


def test_a_wish_that_costs_driving_is_told_with_its_price(service: SmallService) -> None:
    """Its weekday keeps the second school from sharing the first one's day."""
    service.stops[0].plan_weekdays = [0]
    service.stops[1].plan_weekdays = [3]
    db.session.commit()
    last = MONDAY + 13 * DAY
    present = present_timetable(service.term, MONDAY, last)
    posed = pose(Ground(service.term), MONDAY, last, present)
    found = search(posed.problem, iterations=500, workers=1)
    told = wishes_in_words(json.loads(json.dumps(wishes_of(found, posed, seconds=30))))
    assert {wish.stop_id for wish in told} <= {stop.id for stop in service.stops}
    dearest = told[0]
    assert dearest.distance_m > 0
    assert [wish.distance_m for wish in told] == sorted(
        (wish.distance_m for wish in told), reverse=True
    )
    assert wishes_of(found, posed, seconds=-1)["wishes_of"] == 0


def test_what_keeps_a_stop_out_is_told_with_the_smallest_change(service: SmallService) -> None:
    """A day holds one school: the van's day is too short for both, and it works on one day."""
    service.term.shift_limit_minutes = 150
    service.van.weekdays = [0]
    db.session.commit()
    ground = Ground(service.term)
    last = MONDAY + 5 * DAY
    posed = pose(ground, MONDAY, last, Proposal(()))
    found, explanation = explained(posed)
    (left,) = found.unplaced
    change = explanation["left_out"][left]["change"]
    assert change["kind"] == "longer_shift"
    told = what_keeps_out(ground, explanation, int(left), MONDAY, last)
    assert format_duration(change["minutes"]) in told
    assert "18/01" in told


def test_a_stop_that_no_day_suits_is_told_what_stands_in_the_way(service: SmallService) -> None:
    service.stops[1].windows = [{"opens": 480, "closes": 500}]
    db.session.commit()
    ground = Ground(service.term)
    obstacle = obstacle_on(ground, service.stops[1], MONDAY)
    assert obstacle is not None
    told = what_keeps_out(ground, {}, service.stops[1].id, MONDAY, MONDAY + 5 * DAY)
    assert obstacle in told


@pytest.mark.parametrize("kind", [kind.value for kind in ChangeKind])
def test_every_change_has_its_words(service: SmallService, kind: str) -> None:
    change = {
        "kind": kind,
        "days": ["2027-01-18"],
        "metres": 12_300,
        "minutes": 45,
        "load": 1_200,
        "van": service.van.id,
        "day": "2027-01-19",
        "skip_price_m": 40_000,
        "fewer": 2,
    }
    stop = service.stops[0]
    explanation = {"left_out": {str(stop.id): {"obstacle": "days_full", "change": change}}}
    told = what_keeps_out(Ground(service.term), explanation, stop.id, MONDAY, MONDAY + 5 * DAY)
    assert "%(" not in told
    assert "km" in told


def test_every_wish_has_its_words(app: Flask) -> None:
    assert set(WISHES) == {kind.value for kind in WishKind}
