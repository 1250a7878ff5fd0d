"""Estimated driving between positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.travel import GeodesicTravel, Position, straight_line_m

CITY_LIBRARY = Position(10.0360, 105.7877)
VINH_THANH = Position(10.2269, 105.3920)
POSITIONS = st.builds(Position, st.floats(-89, 89), st.floats(-179, 179))


def test_the_straight_line_from_the_library_to_vinh_thanh_is_about_48_km() -> None:
    assert straight_line_m(CITY_LIBRARY, VINH_THANH) == pytest.approx(48_200, rel=0.01)


def test_a_leg_is_the_lengthened_line_at_the_average_speed() -> None:
    leg = GeodesicTravel(detour_factor=1.5, speed_kmh=40).leg(CITY_LIBRARY, VINH_THANH)
    assert leg.distance_m == pytest.approx(1.5 * straight_line_m(CITY_LIBRARY, VINH_THANH))
    assert leg.drive_minutes == pytest.approx(leg.distance_m / 1000 / 40 * 60)


@given(st.lists(POSITIONS, max_size=4))
def test_a_matrix_holds_each_pairs_leg_and_nothing_between_a_place_and_itself(
    positions: list[Position],
) -> None:
    travel = GeodesicTravel()
    matrix = travel.matrix(positions)
    for row, start in zip(matrix, positions, strict=True):
        assert list(row) == [travel.leg(start, end) for end in positions]
    assert all(matrix[i][i].distance_m == 0 for i in range(len(positions)))


def test_an_estimate_says_that_it_is_one() -> None:
    assert GeodesicTravel().is_estimate
    assert GeodesicTravel().path(CITY_LIBRARY, VINH_THANH) == (CITY_LIBRARY, VINH_THANH)
