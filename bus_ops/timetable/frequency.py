"""A stop's frequency as people choose it, and as an RFC 5545 rule; and a rule in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

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

from ..i18n import WEEKDAYS, format_day
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
