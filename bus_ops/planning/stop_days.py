"""The sets of days that planning may give a stop: its frequency kept, its locked days in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta

from schedules.planning.day_choices import (
    AllowedDays,
    AsOftenAsRule,
    ChoicePrices,
    Frequency,
    OnRule,
    TimesInAll,
    choices_holding,
    day_choices,
)
from schedules.planning.problem import DayChoice
from schedules.recurrence import Recurrence, summarise

from ..timetable.frequency import keeps_its_days, may_start_at
from ..timetable.generating import recurrence_of
from ..timetable.models import Stop

PRICES = ChoicePrices()


def rule_of(stop: Stop) -> Recurrence:
    """The stop's own rule: what an earlier plan chose is no wish."""
    return replace(recurrence_of(stop), planned=None)


def choices_for(
    stop: Stop,
    days: Sequence[date],
    allowed: Collection[date],
    least: int,
    locked: Collection[date] = (),
    before: date | None = None,
) -> tuple[DayChoice, ...]:
    """What planning may choose from, as indices into ``days``; each choice holds the locked days.

    Choices of fewer visits than ``least`` (those people know) are left out where any has as many:
    a frequency is a promise, whichever week it is counted from. ``before`` is the stop's last
    visit before the planned days.
    """
    fixed = keeps_its_days(stop)
    found = day_choices(
        days,
        _frequency(stop, days[0]) if days else OnRule(rule_of(stop)),
        AllowedDays(
            only=frozenset(allowed),
            previous=None if fixed else before,
            reach_days=0 if fixed else 3,
        ),
        PRICES,
        spread=stop.id,
    ).choices
    at_least = [choice for choice in found if len(choice.days) >= least]
    fullest = max((len(choice.days) for choice in found), default=0)
    kept = at_least or [choice for choice in found if len(choice.days) == fullest]
    index = {day: number for number, day in enumerate(days)}
    return choices_holding(kept, sorted(index[day] for day in locked), days, PRICES)


def _frequency(stop: Stop, first: date) -> Frequency:
    if keeps_its_days(stop):
        return OnRule(rule_of(stop))
    if stop.plan_times is not None:
        return TimesInAll(stop.plan_times)
    rule = rule_of(stop)
    if stop.starts_on > may_start_at(stop):
        rule = replace(rule, start=_counted_earlier(rule, first))
    return AsOftenAsRule(rule)


def _counted_earlier(rule: Recurrence, first: date) -> date:
    """A start of the same rounds that lies before the planned days.

    The rule's own start only tells from which week of the first round they are counted.
    """
    summary = summarise(rule.rule, rule.start)
    if summary.frequency == "weekly":
        return rule.start - timedelta(weeks=summary.interval * 60)
    # As many months back as leave every interval's phase.
    return rule.start.replace(year=min(rule.start.year, first.year) - summary.interval, day=1)
