"""A day's broken promises in words that stand alone: which van, when, where, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..i18n import format_clock
from .models import Run, Visit, VisitStatus
from .promises import Warned, warnings_between
from .queries import runs_between

# Places named for a run; more are hinted at.
_PLACES_NAMED = 2


@dataclass(frozen=True)
class ToldPromise:
    """A broken promise of a run, or of one of its visits."""

    run_id: int
    visit_id: int | None
    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.sentence}"


def promises_broken_on(day: date, organisation_id: int) -> list[ToldPromise]:
    """What the day's runs break, in the order of the runs."""
    warnings = warnings_between(day, day, organisation_id)
    if not warnings:
        return []
    return [
        _told(run, warned)
        for run in runs_between(day, day, organisation_id)
        for warned in warnings.get(run.id, [])
    ]


def _told(run: Run, warned: Warned) -> ToldPromise:
    visits = [visit for visit in run.visits if visit.id == warned.visit_id] or run.visits
    at = visits[0].arrival_at if warned.visit_id else run.leaves_at
    parts = (run.van.display_name, format_clock(at), _places(visits))
    subject = " · ".join(part for part in parts if part)
    return ToldPromise(run.id, warned.visit_id, subject, warned.sentence)


def _places(visits: Sequence[Visit]) -> str:
    names = [visit.place.name for visit in visits if visit.plan_status != VisitStatus.CANCELLED]
    return ", ".join(names[:_PLACES_NAMED]) + ("…" if len(names) > _PLACES_NAMED else "")
