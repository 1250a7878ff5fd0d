"""RFC 5545 rules with exceptions -> dates.

A rule is written as in a calendar file, without its ``RRULE:`` prefix: ``FREQ=WEEKLY;INTERVAL=2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import MAXYEAR, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# A rule that gives no date in this many years from its start gives none worth driving to.
YEARS_SEARCHED = 8
_FINER_THAN_A_DAY = frozenset({"HOURLY", "MINUTELY", "SECONDLY"})
_FINER_PARTS = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_DAY_CODE = "(?:MO|TU|WE|TH|FR|SA|SU)"
_ORDINAL_CODE = rf"[+-]?[1-9][0-9]?{_DAY_CODE}"
_NUMBER = "[+-]?[1-9][0-9]{0,2}"
# The parts RFC 5545 knows for whole days, as it writes them. dateutil takes more than that, such
# as TU(2) or an interval that leads out of all calendars.
_PARTS = {
    name: re.compile(pattern)
    for name, pattern in {
        "FREQ": "|".join(FREQUENCIES),
        "INTERVAL": "0*[1-9][0-9]{0,2}",
        "COUNT": "[1-9][0-9]{0,3}",
        "UNTIL": "[0-9]{8}(?:T[0-9]{6}Z?)?",
        "BYDAY": rf"(?:{_DAY_CODE}|{_ORDINAL_CODE})(?:,(?:{_DAY_CODE}|{_ORDINAL_CODE}))*",
        "BYMONTHDAY": rf"{_NUMBER}(?:,{_NUMBER})*",
        "BYYEARDAY": rf"{_NUMBER}(?:,{_NUMBER})*",
        "BYWEEKNO": rf"{_NUMBER}(?:,{_NUMBER})*",
        "BYMONTH": "[1-9][0-2]?(?:,[1-9][0-2]?)*",
        "BYSETPOS": rf"{_NUMBER}(?:,{_NUMBER})*",
        "WKST": _DAY_CODE,
    }.items()
}
_HAS_ORDINAL = re.compile("[1-9]")


class RuleProblem(StrEnum):
    """Why a rule cannot be used."""

    EMPTY = "empty"
    NOT_A_RULE = "not_a_rule"
    FINER_THAN_A_DAY = "finer_than_a_day"
    END_BEFORE_START = "end_before_start"
    NO_DATES = "no_dates"


class RuleError(ValueError):
    """A rule that cannot be used; ``problem`` tells why."""

    def __init__(self, rule: str, problem: RuleProblem) -> None:
        super().__init__(f"{problem.value}: {rule!r}")
        self.rule = rule
        self.problem = problem


@dataclass(frozen=True)
class PlannedDates:
    """Dates that a plan chose: from its first day to its last they hold instead of the rule."""

    first: date
    last: date
    days: frozenset[date]


@dataclass(frozen=True)
class Recurrence:
    """A rule from its first date on, to its last (if any), without its exceptions."""

    rule: str
    start: date
    end: date | None = None
    exceptions: frozenset[date] = field(default_factory=frozenset)
    planned: PlannedDates | None = None

    def dates(self, first: date, last: date) -> list[date]:
        """Its dates from ``first`` to ``last``, both included, in order."""
        last = min(last, self.end) if self.end else last
        found: list[date] = []
        if last >= max(first, self.start):
            found.extend(_dates_between(self.rule, self.start, first, last))
        if self.planned is not None:
            span = self.planned
            found = [day for day in found if not span.first <= day <= span.last]
            found = sorted([*found, *(day for day in span.days if first <= day <= last)])
        return [day for day in found if day not in self.exceptions]


def parse_recurrence(
    rule: str, start: date, end: date | None = None, exceptions: Iterable[date] = ()
) -> Recurrence:
    """A checked recurrence; raises RuleError when the rule or its dates make no sense."""
    cleaned = cleaned_rule(rule)
    if not cleaned:
        raise RuleError(rule, RuleProblem.EMPTY)
    if end is not None and end < start:
        raise RuleError(rule, RuleProblem.END_BEFORE_START)
    _check_parts(rule, _parts(cleaned))
    try:
        gives_dates = _gives_dates(cleaned, start)
    except (ValueError, TypeError, AttributeError, IndexError):
        raise RuleError(rule, RuleProblem.NOT_A_RULE) from None
    if not gives_dates:
        raise RuleError(rule, RuleProblem.NO_DATES)
    return Recurrence(cleaned, start, end, frozenset(exceptions))


def cleaned_rule(rule: str) -> str:
    """The rule in capitals, without its prefix and what trails behind it."""
    return rule.strip().upper().removeprefix("RRULE:").strip().rstrip(";")


@dataclass(frozen=True)
class RuleSummary:
    """What a rule says, for putting it in words.

    ``weekdays`` are pairs of an ordinal within the month (None in weekly rules, -1 for the last)
    and the weekday (0 is Monday); ``month_days`` count from the month's end when negative.
    ``others`` names the parts that stand in none of these fields.
    """

    frequency: str
    interval: int
    weekdays: tuple[tuple[int | None, int], ...]
    count: int | None
    month_days: tuple[int, ...] = ()
    until: date | None = None
    others: tuple[str, ...] = ()


def summarise(rule: str, start: date) -> RuleSummary:
    """The parts of a rule; one that names no days takes the start's."""
    parts = _parts(rule)
    count = int(parts["COUNT"]) if "COUNT" in parts else None
    frequency = parts.get("FREQ", "").lower()
    codes = [code for code in parts.get("BYDAY", "").split(",") if code]
    weekdays = tuple(_ordinal_and_weekday(code) for code in codes)
    month_days = tuple(int(day) for day in parts.get("BYMONTHDAY", "").split(",") if day)
    others = tuple(sorted(parts.keys() & {"BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}))
    if frequency == "weekly" and not weekdays:
        weekdays = ((None, start.weekday()),)
    if frequency == "monthly" and not weekdays and not month_days:
        month_days = (start.day,)
    if count == 1:
        frequency = "once"
    interval = int(parts.get("INTERVAL", "1"))
    return RuleSummary(frequency, interval, weekdays, count, month_days, _until(parts), others)


def same_rule(one: str, other: str, start: date) -> bool:
    """Whether two rules say the same from this start on, however they are written."""
    return _normal_parts(one, start) == _normal_parts(other, start)


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


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rule.split(";") if "=" in part)


def _check_parts(rule: str, parts: dict[str, str]) -> None:
    if parts.get("FREQ") in _FINER_THAN_A_DAY or not _FINER_PARTS.isdisjoint(parts):
        raise RuleError(rule, RuleProblem.FINER_THAN_A_DAY)
    wrong = any(
        name not in _PARTS or not _PARTS[name].fullmatch(value) for name, value in parts.items()
    )
    # "The second Tuesday" of a week or a day does not exist.
    short = parts.get("FREQ") in {"DAILY", "WEEKLY"}
    ordinal = bool(_HAS_ORDINAL.search(parts.get("BYDAY", "")))
    if wrong or "FREQ" not in parts or (short and ordinal):
        raise RuleError(rule, RuleProblem.NOT_A_RULE)


def _until(parts: dict[str, str]) -> date | None:
    return date.fromisoformat(parts["UNTIL"][:8]) if "UNTIL" in parts else None


def _normal_parts(rule: str, start: date) -> dict[str, str]:
    parts = _parts(rule)
    parts["INTERVAL"] = str(int(parts.get("INTERVAL", "1")))
    if parts.get("FREQ") == "WEEKLY":
        codes = parts.get("BYDAY") or WEEKDAY_CODES[start.weekday()]
        parts["BYDAY"] = ",".join(sorted(codes.split(",")))
    return parts


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
    compiled = _compiled(rule, _later_start(rule, start, first))
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


@lru_cache(maxsize=4096)
def _gives_dates(rule: str, start: date) -> bool:
    """Whether a rule gives any date in the years after its start.

    dateutil seeks a date that never comes until the end of its calendar, the year 9999. The rule
    is therefore tried on the last years of that calendar whose days fall as the start's do.
    """
    _compiled(rule, start)
    if _plain_weekly_step(rule) is not None:
        return True
    later = _like_year(start.year) - start.year
    moved_start = _years_later(start, later)
    until = _until(_parts(rule))
    if until is not None:
        rule = re.sub("UNTIL=[^;]*", f"UNTIL={_years_later(until, later):%Y%m%d}", rule)
    found = next(iter(_compiled(rule, moved_start)), None)
    return found is not None and found.date() <= _years_later(moved_start, YEARS_SEARCHED)


def _like_year(year: int) -> int:
    """The last year that begins on the same weekday and is as far from a leap year."""
    first = date(year, 1, 1).weekday()
    years = range(MAXYEAR - YEARS_SEARCHED, MAXYEAR - YEARS_SEARCHED - 28, -1)
    return next(y for y in years if y % 4 == year % 4 and date(y, 1, 1).weekday() == first)


def _years_later(day: date, years: int) -> date:
    year = min(day.year + years, MAXYEAR)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _later_start(rule: str, start: date, first: date) -> date:
    """A start from which the rule gives the same dates from ``first`` on, but sooner found."""
    parts = _parts(rule)
    days = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"])
    if days is None or "COUNT" in parts or first <= start:
        return start
    step = days * int(parts.get("INTERVAL", "1"))
    return start + timedelta(days=(first - start).days // step * step)
