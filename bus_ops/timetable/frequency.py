"""A stop's frequency as people choose it, as an RFC 5545 rule, in words; and as planning has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from schedules.recurrence import (
    RuleSummary,
    cleaned_rule,
    monthly_rule,
    once_rule,
    summarise,
    weekly_rule,
)

from ..i18n import WEEKDAYS, WEEKDAYS_SHORT, format_day
from .models import Stop


def rule_of_choice(
    choice: str, weekdays: Sequence[int], ordinals: Sequence[int], free_rule: str
) -> str:
    """The rule a person chose: "once", "free", "monthly", or a number of weeks.

    ``weekdays`` count from 0 (Monday).
    """
    if choice == "once":
        return once_rule()
    if choice == "free":
        return cleaned_rule(free_rule)
    if choice == "monthly":
        return monthly_rule([(ordinal, day) for ordinal in ordinals for day in weekdays])
    return weekly_rule(int(choice), weekdays)


def choice_of_rule(stop: Stop) -> tuple[str, list[int], list[int]]:
    """What the form shows for a stop: choice, weekdays, ordinals."""
    summary = summarise(stop.rule, stop.starts_on)
    weekdays = sorted({weekday for _ordinal, weekday in summary.weekdays})
    ordinals = sorted({ordinal for ordinal, _weekday in summary.weekdays if ordinal})
    if summary.frequency == "once":
        return "once", weekdays, []
    if summary.count is not None or summary.until is not None or summary.others:
        return "free", weekdays, ordinals
    if summary.frequency == "weekly" and summary.interval <= 4 and not summary.month_days:
        return str(summary.interval), weekdays, []
    all_pairs = {(o, w) for o in ordinals for w in weekdays}
    plain = all_pairs == set(summary.weekdays) and summary.interval == 1
    if summary.frequency == "monthly" and plain and ordinals and not summary.month_days:
        return "monthly", weekdays, ordinals
    return "free", weekdays, ordinals


def frequency_in_words(stop: Stop) -> str:
    """For example: every 2 weeks on Tuesday."""
    if stop.planned is not None and not keeps_its_days(stop):
        return _("%(often)s, on planned days", often=wish_in_words(stop))
    return rule_in_words(stop.rule, stop.starts_on)


def rule_in_words(rule: str, start: date) -> str:
    """A rule as people say it; one that has no plain words is shown itself."""
    summary = summarise(rule, start)
    words = _repetition(summary)
    if not words:
        return rule
    if summary.frequency == "once":
        return words
    if summary.count is not None:
        return ngettext(
            "%(frequency)s, %(num)s time",
            "%(frequency)s, %(num)s times",
            summary.count,
            frequency=words,
        )
    if summary.until is not None:
        return _("%(frequency)s, until %(day)s", frequency=words, day=format_day(summary.until))
    return words


def _repetition(summary: RuleSummary) -> str:
    """How often, without an end; empty when there are no words for it."""
    days = ", ".join(_day_in_words(ordinal, weekday) for ordinal, weekday in summary.weekdays)
    if summary.others:
        return ""
    match summary.frequency:
        case "once":
            return _("once")
        case "weekly" if not summary.month_days:
            return _weekly(summary, days)
        case "monthly" if summary.month_days and not days:
            return _monthly_by_date(summary)
        case "monthly" if all(ordinal for ordinal, weekday in summary.weekdays):
            return _monthly(summary, days) if not summary.month_days else ""
        case "daily" if not days and not summary.month_days:
            return ngettext("every day", "every %(num)s days", summary.interval)
        case _:
            return ""


def _weekly(summary: RuleSummary, days: str) -> str:
    return ngettext(
        "every week on %(days)s", "every %(num)s weeks on %(days)s", summary.interval, days=days
    )


def _monthly(summary: RuleSummary, days: str) -> str:
    return ngettext(
        "every month on the %(days)s",
        "every %(num)s months on the %(days)s",
        summary.interval,
        days=days,
    )


def _monthly_by_date(summary: RuleSummary) -> str:
    if summary.month_days == (-1,):
        return ngettext(
            "every month on the last day", "every %(num)s months on the last day", summary.interval
        )
    if min(summary.month_days) < 0:
        return ""
    return ngettext(
        "every month on day %(days)s",
        "every %(num)s months on day %(days)s",
        summary.interval,
        days=", ".join(str(day) for day in sorted(summary.month_days)),
    )


def _day_in_words(ordinal: int | None, weekday: int) -> str:
    name = str(WEEKDAYS[weekday])
    if ordinal is None:
        return name
    return ordinal_in_words(ordinal, name)


def ordinal_in_words(ordinal: int, name: str) -> str:
    """For example: second Tuesday."""
    match ordinal:
        case 1:
            return _("first %(weekday)s", weekday=name)
        case 2:
            return _("second %(weekday)s", weekday=name)
        case 3:
            return _("third %(weekday)s", weekday=name)
        case 4:
            return _("fourth %(weekday)s", weekday=name)
        case 5:
            return _("fifth %(weekday)s", weekday=name)
        case -1:
            return _("last %(weekday)s", weekday=name)
        case _:
            return _("%(weekday)s number %(ordinal)s", weekday=name, ordinal=ordinal)


@dataclass(frozen=True)
class Wish:
    """``times`` visits every ``weeks`` weeks or, where ``monthly``, every ``weeks`` months.

    With neither the visits are spread evenly over the term.
    """

    times: int
    weeks: int | None
    monthly: bool = False


def wish_of(stop: Stop) -> Wish | None:
    """The frequency that a stop's rule means, whichever weekdays it names.

    None for a rule without plain words.
    """
    if stop.plan_times is not None:
        return Wish(stop.plan_times, None)
    summary = summarise(stop.rule, stop.starts_on)
    plain = summary.count is None and not summary.others
    if plain and summary.frequency == "weekly" and not summary.month_days:
        return Wish(len(summary.weekdays), summary.interval)
    if plain and summary.frequency == "monthly":
        pairs = summary.weekdays or summary.month_days
        if pairs and all(ordinal for ordinal, _day in summary.weekdays):
            return Wish(len(pairs), summary.interval, monthly=True)
    return None


def keeps_its_days(stop: Stop) -> bool:
    """Whether planning leaves the dates of the stop's rule as they are.

    What is agreed for one date is no frequency.
    """
    once = summarise(stop.rule, stop.starts_on).frequency == "once"
    return stop.plan_fixed or (once and stop.plan_times is None)


def may_start_at(stop: Stop) -> date:
    """The first day that planning may give a stop.

    The start of a rule every few weeks only tells from which week they are counted, when it lies
    in the term's first round of them.
    """
    summary = summarise(stop.rule, stop.starts_on)
    days = {"weekly": 7, "monthly": 31}.get(summary.frequency, 1) * summary.interval
    first_round = stop.term.starts_on + timedelta(days=days)
    return stop.term.starts_on if stop.starts_on < first_round else stop.starts_on


def wish_in_words(stop: Stop) -> str:
    """How often, and on which weekdays planning may put it."""
    if keeps_its_days(stop):
        return _("%(frequency)s (days stay)", frequency=rule_in_words(stop.rule, stop.starts_on))
    often = _often_in_words(wish_of(stop))
    if not stop.plan_weekdays:
        return often
    days = ", ".join(str(WEEKDAYS_SHORT[day]) for day in sorted(stop.plan_weekdays))
    return f"{often} · {days}"


def _often_in_words(wish: Wish | None) -> str:
    if wish is None:
        return _("as often as its rule says")
    if wish.weeks is None:
        return ngettext("%(num)s time in the term", "%(num)s times in the term", wish.times)
    if wish.monthly:
        every = ngettext("every month", "every %(num)s months", wish.weeks)
    else:
        every = ngettext("every week", "every %(num)s weeks", wish.weeks)
    if wish.times == 1:
        return every
    return ngettext("%(every)s, %(num)s time", "%(every)s, %(num)s times", wish.times, every=every)
