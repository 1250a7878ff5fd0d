"""What OpenStreetMap's tags mean for a van."""

from __future__ import annotations

import math

import pytest

from schedules.roads.tags import (
    Limits,
    RoadClass,
    barrier_limits,
    duration_s,
    limits_of,
    speed_kmh,
    way_facts,
)

ROAD = {"highway": "secondary"}


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("3.5", 3.5),
        ("3,5 m", 3.5),
        ("350 cm", 3.5),
        ("12'6\"", 3.81),
        ("12 ft", 3.6576),
        ("default", math.inf),
        ("none", math.inf),
        ("", math.inf),
    ],
)
def test_heights_are_read_in_metres_and_feet(text: str, metres: float) -> None:
    assert limits_of({"maxheight": text}).height_m == pytest.approx(metres)


@pytest.mark.parametrize(
    ("text", "tonnes"), [("7.5", 7.5), ("7.5 t", 7.5), ("800 kg", 0.8), ("3 st", 2.721555)]
)
def test_weights_are_read_in_tonnes_and_what_else_signs_say(text: str, tonnes: float) -> None:
    assert limits_of({"maxweight": text}).weight_t == pytest.approx(tonnes)


def test_a_sign_against_lorries_is_a_limit_of_three_and_a_half_tonnes() -> None:
    assert limits_of({"hgv": "no"}).weight_t == 3.5


def test_the_least_of_several_limits_counts() -> None:
    tags = {"maxheight": "4", "maxheight:physical": "3.2", "maxwidth": "2.5", "width": "6"}
    assert limits_of(tags) == Limits(3.2, math.inf, 2.5)


@pytest.mark.parametrize(
    ("text", "kmh"),
    [("50", 50), ("30 mph", 48.28032), ("walk", 6), ("none", math.inf), ("VN:urban", math.inf)],
)
def test_speed_limits_are_read_in_kilometres_and_miles(text: str, kmh: float) -> None:
    assert speed_kmh(text) == pytest.approx(kmh)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20", 1200), ("00:20", 1200), ("1:05:30", 3930), ("PT20M", 1200), ("PT1H30M", 5400)],
)
def test_durations_of_ferries_are_read_however_they_are_written(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", [None, "", "sunrise", "P"])
def test_a_duration_that_names_no_time_is_unknown(text: str | None) -> None:
    assert math.isnan(duration_s(text))


@pytest.mark.parametrize(
    ("tags", "directions"),
    [
        ({"oneway": "yes"}, (True, False)),
        ({"oneway": "1"}, (True, False)),
        ({"oneway": "-1"}, (False, True)),
        ({"oneway": "no"}, (True, True)),
        ({"junction": "roundabout"}, (True, False)),
        ({"junction": "roundabout", "oneway": "no"}, (True, True)),
        ({"highway": "motorway"}, (True, False)),
        ({"oneway": "yes", "oneway:motor_vehicle": "no"}, (True, True)),
        ({"motor_vehicle:backward": "no"}, (True, False)),
        ({}, (True, True)),
    ],
)
def test_one_way_streets_are_one_way(tags: dict[str, str], directions: tuple[bool, bool]) -> None:
    facts = way_facts({**ROAD, **tags})
    assert facts is not None
    assert (facts.forward, facts.backward) == directions


@pytest.mark.parametrize(
    "tags",
    [
        {"access": "private"},
        {"motor_vehicle": "no"},
        {"motorcar": "no", "motorcycle": "yes"},
        {"access": "yes", "vehicle": "no"},
        {"oneway": "reversible"},
        {"highway": "footway"},
        {"highway": "construction"},
        {"highway": "path", "motor_vehicle": "private"},
    ],
)
def test_ways_that_are_closed_to_vans_are_left_out(tags: dict[str, str]) -> None:
    assert way_facts({**ROAD, **tags}) is None


@pytest.mark.parametrize(
    ("tags", "road_class"),
    [
        ({"highway": "primary_link"}, RoadClass.PRIMARY),
        ({"access": "no", "motor_vehicle": "yes"}, RoadClass.SECONDARY),
        ({"highway": "pedestrian", "motor_vehicle": "yes"}, RoadClass.PATH),
        ({"access": "destination"}, RoadClass.SECONDARY),
    ],
)
def test_ways_that_are_open_to_vans_have_a_class(
    tags: dict[str, str], road_class: RoadClass
) -> None:
    facts = way_facts({**ROAD, **tags})
    assert facts is not None
    assert facts.road_class == road_class


@pytest.mark.parametrize(
    ("tags", "limits"),
    [
        ({"barrier": "bollard"}, None),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, Limits()),
        ({"barrier": "gate"}, Limits()),
        ({"barrier": "gate", "access": "private"}, None),
        ({"barrier": "height_restrictor", "maxheight": "2.5"}, Limits(height_m=2.5)),
        ({"highway": "crossing"}, Limits()),
    ],
)
def test_obstacles_on_a_road_close_it_or_limit_it(
    tags: dict[str, str], limits: Limits | None
) -> None:
    assert barrier_limits(tags) == limits


def test_a_ferry_for_people_on_foot_takes_no_van() -> None:
    assert way_facts({"route": "ferry", "motor_vehicle": "no"}) is None
    facts = way_facts({"route": "ferry", "duration": "00:12", "interval": "20"})
    assert facts is not None
    assert (facts.road_class, facts.ferry_s, facts.interval_s) == (RoadClass.FERRY, 720, 1200)
