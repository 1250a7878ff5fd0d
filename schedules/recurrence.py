"""RFC 5545 rules with exceptions -> dates.

A rule is written as in a calendar file, without its ``RRULE:`` prefix: ``FREQ=WEEKLY;INTERVAL=2``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_FINER_THAN_A_DAY = frozenset({"HOURLY", "MINUTELY", "SECONDLY"})
_FINER_PARTS = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})


class RuleProblem(StrEnum):
    """Why a rule cannot be used."""

    EMPTY = "empty"
    NOT_A_RULE = "not_a_rule"
    FINER_THAN_A_DAY = "finer_than_a_day"
    END_BEFORE_START = "end_before_start"


class RuleError(ValueError):
    """A rule that cannot be used; ``problem`` tells why."""

    def __init__(self, rule: str, problem: RuleProblem) -> None:
        super().__init__(f"{problem.value}: {rule!r}")
        self.rule = rule
        self.problem = problem


@dataclass(frozen=True)
class Recurrence:
    """A rule from its first date on, to its last (if any), without its exceptions."""

    rule: str
    start: date
    end: date | None = None
    exceptions: frozenset[date] = field(default_factory=frozenset)

    def dates(self, first: date, last: date) -> list[date]:
        """Dates of the rule from ``first`` to ``last``, both included, in order."""
        last = min(last, self.end) if self.end else last
        if last < max(first, self.start):
            return []
        found = _dates_between(self.rule, self.start, first, last)
        return [day for day in found if day not in self.exceptions]


def parse_recurrence(
    rule: str, start: date, end: date | None = None, exceptions: Iterable[date] = ()
) -> Recurrence:
    """A checked recurrence; raises RuleError when the rule or its dates make no sense."""
    cleaned = rule.strip().removeprefix("RRULE:").strip().rstrip(";").upper()
    if not cleaned:
        raise RuleError(rule, RuleProblem.EMPTY)
    if end is not None and end < start:
        raise RuleError(rule, RuleProblem.END_BEFORE_START)
    parts = dict(part.split("=", 1) for part in cleaned.split(";") if "=" in part)
    if parts.get("FREQ") in _FINER_THAN_A_DAY or not _FINER_PARTS.isdisjoint(parts):
        raise RuleError(rule, RuleProblem.FINER_THAN_A_DAY)
    if parts.get("FREQ") not in FREQUENCIES:
        raise RuleError(rule, RuleProblem.NOT_A_RULE)
    interval = parts.get("INTERVAL", "1")
    # dateutil would take an interval of nothing, or one that leads out of all calendars.
    if not interval.isdecimal() or len(interval) > 3 or int(interval) < 1:
        raise RuleError(rule, RuleProblem.NOT_A_RULE)
    try:
        _compiled(cleaned, start)
    except (ValueError, TypeError, AttributeError, IndexError):
        raise RuleError(rule, RuleProblem.NOT_A_RULE) from None
    return Recurrence(cleaned, start, end, frozenset(exceptions))


@dataclass(frozen=True)
class RuleSummary:
    """What a rule says, for putting it in words.

    ``weekdays`` are pairs of an ordinal within the month (None in weekly rules, -1 for the last)
    and the weekday (0 is Monday).
    """

    frequency: str
    interval: int
    weekdays: tuple[tuple[int | None, int], ...]
    count: int | None


def summarise(rule: str, start: date) -> RuleSummary:
    """The parts of a rule; a weekly rule without weekdays takes the start's."""
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    count = int(parts["COUNT"]) if "COUNT" in parts else None
    frequency = parts.get("FREQ", "").lower()
    codes = [code for code in parts.get("BYDAY", "").split(",") if code]
    weekdays = tuple(_ordinal_and_weekday(code) for code in codes)
    if frequency == "weekly" and not weekdays:
        weekdays = ((None, start.weekday()),)
    if count == 1:
        frequency = "once"
    return RuleSummary(frequency, int(parts.get("INTERVAL", "1")), weekdays, count)


def weekly_rule(interval: int, weekdays: Iterable[int]) -> str:
    """Every ``interval`` weeks on these weekdays (0 is Monday)."""
    codes = ",".join(WEEKDAY_CODES[day] for day in sorted(set(weekdays)))
    return f"FREQ=WEEKLY;INTERVAL={interval}" + (f";BYDAY={codes}" if codes else "")


def monthly_rule(by_day: Iterable[tuple[int, int]]) -> str:
    """Each month on these (ordinal, weekday) pairs: (2, 1) is the second Tuesday."""
    codes = ",".join(f"{ordinal}{WEEKDAY_CODES[day]}" for ordinal, day in by_day)
    return f"FREQ=MONTHLY;BYDAY={codes}"


def once_rule() -> str:
    """On the start date only."""
    return "FREQ=DAILY;COUNT=1"


def _ordinal_and_weekday(code: str) -> tuple[int | None, int]:
    ordinal = code[:-2]
    return (int(ordinal) if ordinal else None, WEEKDAY_CODES.index(code[-2:]))


@lru_cache(maxsize=4096)
def _compiled(rule: str, start: date) -> rrule:
    # Times carry no zone here, because days do not: UNTIL's zone is dropped with it.
    plain = ";".join(
        part.removesuffix("Z") if part.startswith("UNTIL=") else part for part in rule.split(";")
    )
    compiled = rrulestr(plain, dtstart=datetime.combine(start, time()))
    if not isinstance(compiled, rrule):
        raise ValueError(rule)
    return compiled


@lru_cache(maxsize=4096)
def _dates_between(rule: str, start: date, first: date, last: date) -> tuple[date, ...]:
    step = _plain_weekly_step(rule)
    if step is not None:
        return _every(step, start, first, last)
    compiled = _compiled(rule, start)
    moments = compiled.between(
        datetime.combine(first, time()), datetime.combine(last, time()), inc=True
    )
    return tuple(moment.date() for moment in moments)


def _plain_weekly_step(rule: str) -> timedelta | None:
    """Most real rules are "every N weeks from the start": those need no calendar arithmetic."""
    parts = rule.split(";")
    if parts[0] != "FREQ=WEEKLY" or len(parts) > 2:
        return None
    if len(parts) == 1:
        return timedelta(weeks=1)
    name, _, value = parts[1].partition("=")
    return timedelta(weeks=int(value)) if name == "INTERVAL" else None


def _every(step: timedelta, start: date, first: date, last: date) -> tuple[date, ...]:
    skipped = max(0, -((start - first) // step)) if first > start else 0
    day = start + skipped * step
    found = []
    while day <= last:
        found.append(day)
        day += step
    return tuple(found)
