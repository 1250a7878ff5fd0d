"""A corrected row is known again; a row that could be two stops is neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.exchange.stop_matching import StopLook, match_stops

MARKET = StopLook(
    mobile="xe 1",
    route="tuyến a",
    community="vị thanh",
    stop="chợ",
    lat=9.78,
    lon=105.47,
    arrival=540,
    rule="FREQ=WEEKLY",
    start=date(2026, 11, 2),
)


@pytest.mark.parametrize(
    "correction",
    [
        {},
        {"arrival": 600},
        {"community": "vị thuỷ"},
        {"lat": 9.785},
        {"lat": None, "lon": None},
        {"stop": "chợ vị thanh"},
        {"rule": "FREQ=WEEKLY;INTERVAL=2"},
        {"start": date(2026, 11, 9)},
        {"rule": "FREQ=MONTHLY;BYDAY=1MO"},
        {"arrival": 600, "community": "vị thuỷ", "lat": 9.785},
    ],
)
def test_a_corrected_row_is_known_again(correction: dict[str, object]) -> None:
    assert match_stops({1: MARKET}, {"a": replace(MARKET, **correction)}) == {"a": 1}


@pytest.mark.parametrize(
    "other",
    [
        {"mobile": "xe 2"},
        {"route": "tuyến b"},
        {"lat": 9.9},
        {"start": date(2026, 11, 5)},
        {"stop": "bến", "arrival": 600},
        {"stop": "bến", "lat": 9.785},
    ],
)
def test_another_van_route_weekday_name_or_point_is_another_stop(other: dict[str, object]) -> None:
    assert match_stops({1: MARKET}, {"a": replace(MARKET, **other)}) == {}


def test_twin_rows_are_told_apart_by_their_times() -> None:
    afternoon = replace(MARKET, arrival=840)
    known = {1: MARKET, 2: afternoon}
    assert match_stops(known, {"b": afternoon, "a": MARKET}) == {"a": 1, "b": 2}
    moved = {"b": replace(MARKET, arrival=855), "a": replace(MARKET, arrival=555)}
    assert match_stops(known, moved) == {"a": 1, "b": 2}
    one_moved = {"b": replace(MARKET, arrival=855), "a": MARKET}
    assert match_stops(known, one_moved) == {"a": 1, "b": 2}


def test_a_new_twin_leaves_the_old_one_what_it_is() -> None:
    assert match_stops({1: MARKET}, {"a": replace(MARKET, arrival=840), "b": MARKET}) == {"b": 1}


def test_two_candidates_are_no_candidate() -> None:
    known = {1: replace(MARKET, lat=9.781), 2: replace(MARKET, lat=9.782)}
    assert match_stops(known, {"a": replace(MARKET, lat=9.783)}) == {}


LOOKS = st.builds(
    replace,
    st.just(MARKET),
    arrival=st.sampled_from([540, 600, 840]),
    lat=st.sampled_from([None, 9.78, 9.785, 9.9]),
    stop=st.sampled_from(["chợ", "bến"]),
    start=st.sampled_from([date(2026, 11, 2), date(2026, 11, 5), date(2026, 11, 9)]),
)


@given(st.lists(LOOKS, max_size=6, unique=True), st.lists(LOOKS, max_size=6, unique=True))
def test_no_stop_is_two_rows_and_the_same_rows_are_themselves(
    before: list[StopLook], after: list[StopLook]
) -> None:
    known = dict(enumerate(before))
    found = match_stops(known, dict(enumerate(after)))
    assert len(set(found.values())) == len(found)
    assert match_stops(known, known) == {number: number for number in known}
    for number, look in enumerate(after):
        if look in before:
            assert before[found[number]] == look
