"""A stop's frequency as people choose it, and as an RFC 5545 rule; and a rule in words."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import ngettext

from schedules.recurrence import RuleSummary, monthly_rule, once_rule, summarise, weekly_rule

from ..i18n import WEEKDAYS
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
        return free_rule.strip().upper().removeprefix("RRULE:")
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
    if summary.frequency == "weekly" and summary.interval <= 4 and summary.count is None:
        return str(summary.interval), weekdays, []
    all_pairs = {(o, w) for o in ordinals for w in weekdays}
    plain = all_pairs == set(summary.weekdays) and summary.interval == 1
    if summary.frequency == "monthly" and plain and ordinals and summary.count is None:
        return "monthly", weekdays, ordinals
    return "free", weekdays, ordinals


def frequency_in_words(stop: Stop) -> str:
    """For example: every 2 weeks on Tuesday."""
    summary = summarise(stop.rule, stop.starts_on)
    days = ", ".join(_day_in_words(ordinal, weekday) for ordinal, weekday in summary.weekdays)
    match summary.frequency:
        case "once":
            return _("once")
        case "weekly":
            return _weekly(summary, days)
        case "monthly":
            return _monthly(summary, days)
        case "daily":
            return ngettext("every day", "every %(num)s days", summary.interval)
        case _:
            return stop.rule


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
