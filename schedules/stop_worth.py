"""What a stop is worth: its year per open hour, and what that suggests, with the reasons.

The limits are those that services publish for their yearly reviews: Lincolnshire keeps stops with
three customers or more in thirty minutes, Kent withdraws those with two visitors or fewer on
average, Hertfordshire merges those with three users or fewer; a new stop has a trial year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

TRIAL = timedelta(days=365)


@dataclass(frozen=True)
class ReviewLimits:
    """When a stop is doubted."""

    # People in half an hour of service.
    people_per_half_hour: float = 3.0
    # People at a visit, on average: as few do not carry a stop.
    people_per_visit: float = 2.0
    # So near another place that is served people may be asked to go there.
    merge_within_m: float = 1_500.0
    # Fewer served visits in the year tell nothing.
    visits_to_judge: int = 3
    # More visits than that share did not take place: the stop's day or hour does not suit.
    share_lost: float = 0.34


@dataclass(frozen=True)
class StopYear:
    """A place's year of visits.

    ``served`` and ``lost`` (cancelled or missed) count visits; ``nearest_m`` is how far the nearest
    other place that is served lies, None where there is none.
    """

    served: int
    lost: int
    open_minutes: int
    people: int
    loans: int
    readers: int
    metres: int
    nearest_m: float | None
    first_served_on: date | None

    @property
    def people_per_hour(self) -> float:
        """People in an open hour."""
        return self._per_hour(self.people)

    @property
    def loans_per_hour(self) -> float:
        """Loans in an open hour."""
        return self._per_hour(self.loans)

    @property
    def people_per_visit(self) -> float:
        """People at a served visit."""
        return self.people / self.served if self.served else 0.0

    @property
    def metres_per_person(self) -> float | None:
        """What the van drives for one person; None without anybody."""
        return self.metres / self.people if self.people else None

    def trial_until(self) -> date | None:
        """The end of its trial year; None for a place that was never served."""
        return self.first_served_on + TRIAL if self.first_served_on else None

    def _per_hour(self, count: int) -> float:
        return count * 60 / self.open_minutes if self.open_minutes else 0.0


class Advice(StrEnum):
    """What a review suggests."""

    KEEP = "keep"
    TRIAL = "trial"
    MERGE = "merge"
    MOVE = "move"
    STOP = "stop"


class Reason(StrEnum):
    """Why."""

    TOO_FEW_VISITS = "too_few_visits"
    IN_TRIAL = "in_trial"
    ENOUGH_PEOPLE = "enough_people"
    FEW_PER_VISIT = "few_per_visit"
    FEW_PER_HOUR = "few_per_hour"
    ANOTHER_NEAR = "another_near"
    NO_OTHER_NEAR = "no_other_near"
    OFTEN_LOST = "often_lost"


def review(
    year: StopYear, today: date, limits: ReviewLimits | None = None
) -> tuple[Advice, Sequence[Reason]]:
    """What the year suggests, and why, the weightiest reason first."""
    limits = limits or ReviewLimits()
    every = year.served + year.lost
    often_lost = bool(every) and year.lost / every > limits.share_lost
    lost = [Reason.OFTEN_LOST] if often_lost else []
    if year.served < limits.visits_to_judge:
        return (Advice.MOVE if often_lost else Advice.TRIAL), [*lost, Reason.TOO_FEW_VISITS]
    few_per_visit = year.people_per_visit <= limits.people_per_visit
    few_per_hour = year.people_per_hour / 2 < limits.people_per_half_hour
    if not (few_per_visit or few_per_hour):
        return (Advice.MOVE if often_lost else Advice.KEEP), [*lost, Reason.ENOUGH_PEOPLE]
    doubt = [Reason.FEW_PER_VISIT if few_per_visit else Reason.FEW_PER_HOUR, *lost]
    until = year.trial_until()
    if until is not None and today < until:
        return Advice.TRIAL, [Reason.IN_TRIAL, *doubt]
    if year.nearest_m is not None and year.nearest_m <= limits.merge_within_m:
        return Advice.MERGE, [*doubt, Reason.ANOTHER_NEAR]
    advice = Advice.STOP if few_per_visit else Advice.MOVE
    return advice, [*doubt, Reason.NO_OTHER_NEAR]
