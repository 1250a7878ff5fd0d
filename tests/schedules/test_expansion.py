"""Stops with rules become dated runs; dates on which a calendar is closed are told."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from schedules.calendar import Closure, OffKind, ServiceCalendar
from schedules.expansion import RecurringStop, expand
from schedules.recurrence import parse_recurrence

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 29)


def recurring(key: int, van: str = "xe 1", position: int = 0, **more: object) -> RecurringStop:
    rule = parse_recurrence(str(more.pop("rule", "FREQ=WEEKLY")), FIRST)
    return RecurringStop(key, van, more.pop("route", None), position, rule, **more)  # type: ignore[arg-type]


def test_stops_of_one_van_and_day_ride_on_one_run_in_the_routes_order() -> None:
    runs = expand([recurring(1, position=2), recurring(2, position=1)], FIRST, LAST).runs
    assert [run.day for run in runs] == [date(2026, 11, n) for n in (2, 9, 16, 23)]
    assert all(run.stop_keys == (2, 1) for run in runs)


def test_two_vans_and_two_routes_are_runs_of_their_own() -> None:
    stops = [recurring(1), recurring(2, "xe 2"), recurring(3, route="A")]
    runs = expand(stops, FIRST, FIRST).runs
    assert sorted(run.stop_keys for run in runs) == [(1,), (2,), (3,)]


def test_a_closed_day_is_left_out_and_told_with_its_reason() -> None:
    exams = Closure(date(2026, 11, 9), date(2026, 11, 13), "Thi giữa kỳ")
    school = ServiceCalendar("THCS", closures=(exams,))
    expansion = expand([recurring(1, calendar=school), recurring(2)], FIRST, LAST)
    assert [run.stop_keys for run in expansion.runs] == [(1, 2), (2,), (1, 2), (1, 2)]
    (skipped,) = expansion.skipped
    assert (skipped.stop_key, skipped.day) == (1, date(2026, 11, 9))
    assert (skipped.off.kind, skipped.off.reason) == (OffKind.CLOSURE, "Thi giữa kỳ")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["xe 1", "xe 2"]),
            st.sampled_from([None, "A", "B"]),
            st.integers(0, 3),
            st.sampled_from(["FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=DAILY"]),
        ),
        max_size=8,
    )
)
def test_every_date_of_every_rule_is_on_exactly_one_run(
    drawn: list[tuple[str, str | None, int, str]],
) -> None:
    stops = [
        recurring(key, van, position, route=route, rule=rule)
        for key, (van, route, position, rule) in enumerate(drawn)
    ]
    runs = expand(stops, FIRST, LAST).runs
    placed = sorted((key, run.day) for run in runs for key in run.stop_keys)
    wanted = sorted((s.key, day) for s in stops for day in s.recurrence.dates(FIRST, LAST))
    assert placed == wanted
    assert len({(run.day, run.van_key, run.route_key) for run in runs}) == len(runs)
