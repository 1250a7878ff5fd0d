"""An ordered day gets its times: driving, buffers, lunch, windows, published times."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schedules.timing import DayStop, Lunch, Window, common_windows, order_day, time_day
from schedules.travel import GeodesicTravel, Position

DEPOT = Position(10.036, 105.788)
TRAVEL = GeodesicTravel(detour_factor=1.3, speed_kmh=30)
LUNCH = Lunch(earliest=11 * 60, latest=12 * 60 + 30, minutes=60)

POSITIONS = st.builds(Position, st.floats(9.8, 10.3), st.floats(105.3, 105.9))
WINDOWS = st.tuples(st.integers(6 * 60, 15 * 60), st.integers(30, 300)).map(
    lambda pair: Window(pair[0], pair[0] + pair[1])
)


@st.composite
def days(draw: st.DrawFn) -> list[DayStop]:
    """A handful of stops with and without windows."""
    count = draw(st.integers(0, 6))
    return [
        DayStop(
            key=number,
            position=draw(st.none() | POSITIONS),
            service_minutes=draw(st.integers(10, 120)),
            windows=tuple(draw(st.lists(WINDOWS, max_size=2))),
        )
        for number in range(count)
    ]


def stop(key: str, minutes: int = 90, north: float = 0.0, **more: object) -> DayStop:
    position = Position(DEPOT.lat + 0.05 + north, DEPOT.lon)
    return DayStop(key, position, minutes, **more)  # type: ignore[arg-type]


@given(days(), st.none() | st.integers(300, 600), st.none() | st.just(LUNCH), st.integers(0, 20))
def test_times_follow_each_other_and_every_minute_is_accounted_for(
    stops: list[DayStop], leaves: int | None, lunch: Lunch | None, buffer: int
) -> None:
    day = time_day(stops, DEPOT, leaves, TRAVEL, lunch, buffer)
    assert [visit.key for visit in day.visits] == [stop.key for stop in stops]
    clock = day.leaves_depot
    for visit, asked in zip(day.visits, stops, strict=True):
        assert visit.departure - visit.arrival == asked.service_minutes
        eaten = LUNCH.minutes if visit.lunch_before else 0
        moving = visit.drive_minutes + visit.buffer_minutes + visit.waiting_minutes
        assert visit.arrival >= clock + moving + eaten
        clock = visit.departure
    assert day.returns_depot >= clock + day.return_drive_minutes
    drives = sum(visit.drive_minutes for visit in day.visits) + day.return_drive_minutes
    assert day.drive_minutes == drives


@given(days(), st.integers(300, 600))
def test_nobody_is_served_during_lunch(stops: list[DayStop], leaves: int) -> None:
    day = time_day(stops, DEPOT, leaves, TRAVEL, LUNCH)
    if day.lunch is None:
        return
    assert day.lunch.closes - day.lunch.opens == LUNCH.minutes
    assert LUNCH.earliest <= day.lunch.opens <= LUNCH.latest
    for visit in day.visits:
        assert visit.departure <= day.lunch.opens or visit.arrival >= day.lunch.closes


@given(days(), st.integers(300, 600))
def test_a_window_is_kept_or_told_missed(stops: list[DayStop], leaves: int) -> None:
    day = time_day(stops, DEPOT, leaves, TRAVEL)
    for visit, asked in zip(day.visits, stops, strict=True):
        inside = any(
            w.opens <= visit.arrival and visit.departure <= w.closes for w in asked.windows
        )
        assert visit.window_missed == (bool(asked.windows) and not inside)


@given(days())
def test_ordering_keeps_every_stop_once(stops: list[DayStop]) -> None:
    ordered = order_day(stops, DEPOT, TRAVEL)
    assert sorted(s.key for s in ordered) == sorted(s.key for s in stops)
    starts = [s.earliest for s in ordered if s.earliest is not None]
    assert all(before <= after for before, after in pairwise(starts))


def test_the_van_leaves_just_in_time_for_its_first_window() -> None:
    day = time_day([stop("a", windows=(Window(480, 660),))], DEPOT, None, TRAVEL, None, 10)
    first = day.visits[0]
    assert (first.arrival, first.waiting_minutes, first.buffer_minutes) == (480, 0, 10)
    assert day.leaves_depot == 480 - first.drive_minutes - 10


def test_an_early_van_waits_for_the_gate_to_open() -> None:
    day = time_day([stop("a", windows=(Window(600, 720),))], DEPOT, 420, TRAVEL)
    assert day.visits[0].arrival == 600
    assert day.visits[0].waiting_minutes == 600 - 420 - day.visits[0].drive_minutes


def test_lunch_comes_before_a_stop_that_would_end_after_its_last_moment() -> None:
    day = time_day([stop("a", 120), stop("b", 150)], DEPOT, 480, TRAVEL, LUNCH)
    assert day.lunch is not None
    assert day.visits[1].lunch_before
    assert day.visits[1].arrival >= day.lunch.closes


def test_a_published_time_is_kept_and_lateness_told() -> None:
    published = stop("b", 30, fixed_arrival=540, fixed_departure=570)
    day = time_day([stop("a", 120), published], DEPOT, 480, TRAVEL)
    late = day.visits[1]
    assert (late.arrival, late.departure) == (540, 570)
    assert late.late_for_fixed_minutes == day.visits[0].departure - 540


def test_stops_without_windows_are_driven_on_the_shorter_round() -> None:
    far, near = stop("far", north=0.2), stop("near")
    assert [s.key for s in order_day([far, near], DEPOT, TRAVEL)] in (
        ["near", "far"],
        ["far", "near"],
    )
    line = [stop("3", north=0.3), stop("1", north=0.1), stop("2", north=0.2)]
    keys = [s.key for s in order_day(line, DEPOT, TRAVEL)]
    assert keys in (["1", "2", "3"], ["3", "2", "1"])


def test_a_published_time_before_the_one_served_last_does_not_turn_the_clock_back() -> None:
    late = stop("b", 30, fixed_arrival=900, fixed_departure=930)
    early = stop("a", 30, fixed_arrival=540, fixed_departure=570)
    day = time_day([late, early], DEPOT, None, TRAVEL)
    assert day.returns_depot > 930


def test_windows_of_stop_and_place_have_their_spans_in_common() -> None:
    morning, afternoon = Window(420, 660), Window(810, 1000)
    assert common_windows([Window(480, 900)], [morning, afternoon]) == (
        Window(480, 660),
        Window(810, 900),
    )
    assert common_windows([], [morning]) == (morning,)
    assert common_windows([morning], [afternoon]) == ()
