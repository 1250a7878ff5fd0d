"""Planning from a document to a document, for the command line: progress, faults in words."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from flask_babel import gettext as _
from flask_babel import ngettext

from schedules.exchange.json_shape import JsonFault, ShapeProblem
from schedules.exchange.plan_json import (
    PlanJsonProblem,
    plan_to_json,
    problem_from_json,
    reasons_of,
)
from schedules.planning.plan import Plan, Progress

from ..i18n import format_km

# Two lines of progress are at least this far apart.
PULSE_SECONDS = 1.0


def planned(text: str, seconds: float, seed: int, tell: Callable[[str], None]) -> str:
    """The plan's document for a problem's; raises JsonFaultsError.

    ``tell`` hears a sentence now and then. Ctrl+C ends the search with the best plan so far, a
    second one ends the program.
    """
    read = problem_from_json(text)
    # Compiled code that other commands do without.
    from schedules.planning.planner import plan

    with _interrupted() as is_interrupted:
        found = plan(
            read.problem,
            seconds=seconds,
            seed=seed,
            on_progress=_now_and_then(tell),
            should_stop=is_interrupted,
        )
    tell(_in_words(found))
    return plan_to_json(read.problem, found, reasons_of(read, found))


def line_of_fault(fault: JsonFault) -> str:
    """For example: stops[3].windows[0].opens, value "25:00": Write a time from 00:00 to 24:00."""
    blanks = {"path": fault.path or "$", "value": fault.value, "remedy": _remedy(fault)}
    if not fault.value:
        return _("%(path)s: %(remedy)s", **blanks)
    return _("%(path)s, value %(value)s: %(remedy)s", **blanks)


def _remedy(fault: JsonFault) -> str:
    expected = ", ".join(fault.expected)
    span = " – ".join(fault.expected)
    sentences: dict[str, Callable[[], str]] = {
        ShapeProblem.NOT_JSON: lambda: _("Not JSON at this line and column; correct it there."),
        ShapeProblem.WRONG_TYPE: lambda: _("Write a value of this kind: %(list)s.", list=expected),
        ShapeProblem.MISSING: lambda: _("Missing; add it."),
        ShapeProblem.UNKNOWN_FIELD: lambda: _("No such field. Known: %(list)s.", list=expected),
        ShapeProblem.NOT_ONE_OF: lambda: _("Write one of: %(list)s.", list=expected),
        ShapeProblem.TOO_SMALL: lambda: _("Write at least %(limit)s.", limit=expected),
        ShapeProblem.TOO_LARGE: lambda: _("Write at most %(limit)s.", limit=expected),
        ShapeProblem.TOO_FEW: lambda: _("Give at least %(limit)s.", limit=expected),
        ShapeProblem.ONE_FIELD_ONLY: lambda: _("Give exactly one of: %(list)s.", list=expected),
        ShapeProblem.NOT_A_DATE: lambda: _("Write a date of the calendar, as 2026-09-07."),
        ShapeProblem.NOT_A_CLOCK: lambda: _("Write a time from 00:00 to 24:00, as 07:30."),
        PlanJsonProblem.UNKNOWN_NAME: lambda: _(
            "Nothing has this id. Known: %(list)s.", list=expected
        ),
        PlanJsonProblem.TWICE: lambda: _("This id stands twice; give each its own."),
        PlanJsonProblem.NOT_IN_PERIOD: lambda: _(
            "Not a day of the period (%(list)s, less its closed days).",
            list=span,
        ),
        PlanJsonProblem.ENDS_BEFORE_IT_BEGINS: lambda: _(
            "Write something later than %(begin)s.", begin=expected
        ),
        PlanJsonProblem.PERIOD_TOO_LONG: lambda: _(
            "Plan at most %(limit)s days at a time.", limit=expected
        ),
        PlanJsonProblem.NO_DAYS: lambda: _("The period has no open day."),
        PlanJsonProblem.POSITION_MISSING: lambda: _("Give a position, or a matrix under travel."),
        PlanJsonProblem.MATRIX_SIZE: lambda: _(
            "A row and a column for each stop, then for each depot: %(list)s.",
            list=" / ".join(fault.expected),
        ),
        PlanJsonProblem.NOT_A_RULE: lambda: _(
            "Write a rule as RFC 5545 has it, as FREQ=WEEKLY;INTERVAL=2."
        ),
        PlanJsonProblem.FREQUENCY_OR_CHOICES: lambda: _(
            "Give either a frequency or choices of days."
        ),
    }
    return sentences[fault.problem]()


def _now_and_then(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    told_at = [time.monotonic()]

    def note(progress: Progress) -> None:
        if time.monotonic() - told_at[0] < PULSE_SECONDS:
            return
        told_at[0] = time.monotonic()
        tell(
            _(
                "%(percent)s %% of the time: %(km)s, stops left out: %(num)s",
                percent=round(100 * progress.share),
                km=format_km(progress.metres),
                num=progress.unplaced,
            )
        )

    return note


def _in_words(found: Plan) -> str:
    visits = sum(len(run.visits) for run in found.runs)
    text = _(
        "Visits: %(visits)s, runs: %(runs)s, driving: %(km)s.",
        visits=visits,
        runs=len(found.runs),
        km=format_km(found.metres),
    )
    if found.unplaced:
        text += " " + ngettext(
            "%(num)s stop could not be placed: %(list)s.",
            "%(num)s stops could not be placed: %(list)s.",
            len(found.unplaced),
            list=", ".join(found.unplaced),
        )
    return text


@contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed within the block."""
    pressed = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
