"""What a stop's year suggests: keep, try longer, merge, move or stop, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.stop_worth import TRIAL, Advice, Reason, StopYear, review

TODAY = date(2026, 11, 28)
GOOD = StopYear(
    served=20,
    lost=1,
    open_minutes=20 * 60,
    people=400,
    loans=300,
    readers=90,
    metres=200_000,
    nearest_m=5_000,
    first_served_on=date(2024, 9, 9),
)


def test_a_stop_that_people_come_to_is_kept() -> None:
    assert review(GOOD, TODAY) == (Advice.KEEP, [Reason.ENOUGH_PEOPLE])
    assert (GOOD.people_per_hour, GOOD.loans_per_hour, GOOD.people_per_visit) == (20, 15, 20)
    assert GOOD.metres_per_person == 500


@pytest.mark.parametrize(
    ("change", "advice", "reason"),
    [
        ({"people": 40}, Advice.STOP, Reason.FEW_PER_VISIT),
        ({"people": 40, "nearest_m": 900}, Advice.MERGE, Reason.ANOTHER_NEAR),
        ({"people": 100}, Advice.MOVE, Reason.FEW_PER_HOUR),
        ({"people": 100, "nearest_m": None}, Advice.MOVE, Reason.NO_OTHER_NEAR),
        ({"people": 40, "first_served_on": date(2026, 3, 1)}, Advice.TRIAL, Reason.IN_TRIAL),
        ({"served": 2, "people": 40}, Advice.TRIAL, Reason.TOO_FEW_VISITS),
        ({"served": 2, "lost": 9}, Advice.MOVE, Reason.OFTEN_LOST),
        ({"lost": 15}, Advice.MOVE, Reason.OFTEN_LOST),
    ],
)
def test_each_doubt_has_its_suggestion_and_its_reason(
    change: dict[str, object], advice: Advice, reason: Reason
) -> None:
    found, reasons = review(replace(GOOD, **change), TODAY)  # type: ignore[arg-type]
    assert found == advice
    assert reason in reasons


def test_the_trial_year_ends_a_year_after_the_first_visit() -> None:
    assert GOOD.trial_until() == date(2024, 9, 9) + TRIAL
    assert replace(GOOD, first_served_on=None).trial_until() is None


counts = st.integers(0, 10_000)


@given(
    st.builds(
        StopYear,
        served=st.integers(0, 300),
        lost=st.integers(0, 300),
        open_minutes=counts,
        people=counts,
        loans=counts,
        readers=counts,
        metres=counts,
        nearest_m=st.none() | st.floats(0, 1e6),
        first_served_on=st.none() | st.dates(date(2020, 1, 1), date(2027, 1, 1)),
    )
)
def test_whatever_a_year_was_there_is_a_suggestion_with_reasons(year: StopYear) -> None:
    advice, reasons = review(year, TODAY)
    assert reasons
    # More people never bring a worse suggestion than stopping.
    more, _reasons = review(replace(year, people=year.people + 100_000), TODAY)
    assert more != Advice.STOP or advice == Advice.STOP
