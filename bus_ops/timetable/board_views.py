"""The board: days and vans side by side, visits dragged between them, each drop checked at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

from schedules.calendar import CalendarRangeError, public_holidays
from schedules.periods import PeriodKind, period_of

from ..accounts.access import PLANNERS, roles_allowed, signed_in_user
from ..database import current_organisation_id, db, owned_or_404
from ..fleet.models import Van
from ..fleet.queries import vans_by_name
from ..i18n import current_language, format_clocks, format_day_long, format_km, parsed_day, today
from .board import BOARD_COUNTRY, month_before, next_month
from .calendars import holiday_language
from .changes import ChangeError
from .dropping import Cell, ChangedMeanwhileError, Dropped, drop, runs_in, take_back, version_of
from .models import Run, Visit, VisitStatus
from .promises import Warned, warnings_between

blueprint = Blueprint("board", __name__, url_prefix="/timetable/board")

# What an address says to ask for a month: all weeks that it touches, be they four, five or six.
MONTH_WEEKS = 5
# How long a drop can be taken back.
UNDO_SECONDS = 3600


@dataclass(frozen=True)
class ShownCell:
    """A van's day as the board shows it."""

    cell: Cell
    runs: Sequence[Run]
    version: str
    warnings: Sequence[Warned]
    # Days that are over are looked at, not changed.
    closed: bool

    @property
    def visits(self) -> list[Visit]:
        """In the order of the day; what is cancelled stands last."""
        every = [visit for run in self.runs for visit in run.visits]
        return sorted(
            every,
            key=lambda v: (v.plan_status == VisitStatus.CANCELLED, v.run.leaves_at, v.position),
        )

    @property
    def distance_m(self) -> int:
        """What the van drives that day."""
        return sum(run.distance_m for run in self.runs)

    def warnings_of(self, visit: Visit) -> list[Warned]:
        """What is broken at a visit."""
        return [warned for warned in self.warnings if warned.visit_id == visit.id]

    @property
    def own_warnings(self) -> list[Warned]:
        """What is broken of the day as a whole."""
        return [warned for warned in self.warnings if warned.visit_id is None]


@blueprint.get("/")
@roles_allowed(*PLANNERS)
def board() -> ResponseReturnValue:
    """A week or a month of all vans."""
    length = MONTH_WEEKS if request.args.get("weeks") == str(MONTH_WEEKS) else 1
    day = parsed_day(request.args.get("day", "")) or today()
    first = day.replace(day=1) if length > 1 else day
    last = period_of(PeriodKind.MONTH, day).last if length > 1 else day
    monday = first - timedelta(days=first.weekday())
    sunday = last + timedelta(days=6 - last.weekday())
    days = [monday + timedelta(days=n) for n in range((sunday - monday).days + 1)]
    try:
        holidays = public_holidays(
            BOARD_COUNTRY, days[0], days[-1], holiday_language(current_language())
        )
    except CalendarRangeError:
        abort(404)
    vans = [van for van in vans_by_name() if van.enabled]
    cells = [Cell(day, van.id) for day in days for van in vans]
    shown = _shown(cells)
    return render_template(
        "timetable/board.html",
        day=day,
        length=length,
        weeks=[days[n : n + 7] for n in range(0, len(days), 7)],
        vans=vans,
        cells={(one.cell.day, one.cell.van_id): one for one in shown},
        holidays=holidays,
        earlier=month_before(first) if length > 1 else monday - timedelta(weeks=1),
        later=next_month(first) if length > 1 else monday + timedelta(weeks=1),
    )


@blueprint.post("/drop")
@roles_allowed(*PLANNERS)
def drop_visit() -> ResponseReturnValue:
    """Put a visit elsewhere; answers the days as they are then, what became of others, and the
    way back."""
    asked = _asked()
    visit = owned_or_404(Visit, _key(asked, "visit"))
    target = _cell(asked.get("cell"))
    before = asked.get("before")
    behind = None if before is None else owned_or_404(Visit, _key(asked, "before"))
    seen = asked.get("seen")
    if not isinstance(seen, dict):
        abort(400)
    try:
        dropped = drop(visit, target, behind, seen, _("Moved on the board"), signed_in_user())
    except ChangedMeanwhileError as error:
        return _changed_meanwhile(error)
    except ChangeError as error:
        db.session.rollback()
        return {"error": str(error)}, 422
    sentence = _("%(place)s: %(when)s.", place=visit.place.name, when=_when(visit))
    db.session.commit()
    return _answer(dropped, sentence)


@blueprint.post("/undo")
@roles_allowed(*PLANNERS)
def undo() -> ResponseReturnValue:
    """Take a drop back."""
    try:
        before = _serializer().loads(str(_asked().get("undo")), max_age=UNDO_SECONDS)
    except BadSignature:
        return {"error": _("This cannot be taken back any more; drag the visit back.")}, 422
    if before["library"] != current_organisation_id():
        abort(404)
    try:
        dropped = take_back(before["before"], signed_in_user())
    except ChangedMeanwhileError as error:
        return _changed_meanwhile(error)
    except ChangeError as error:
        db.session.rollback()
        return {"error": str(error)}, 422
    db.session.commit()
    return _answer(dropped, _("Undone."), undoable=False)


def _answer(dropped: Dropped, sentence: str, undoable: bool = True) -> dict[str, Any]:
    shown = _shown(dropped.cells)
    sign = "+" if dropped.distance_m > 0 else ""
    driven = _(
        "%(km)s, %(minutes)s min of driving.",
        km=f"{sign}{format_km(dropped.distance_m)}",
        minutes=f"{dropped.drive_minutes:+d}",
    )
    return {
        "cells": _html_of(shown),
        "told": [sentence, driven, *dropped.sentences],
        "broken": [warned.sentence for one in shown for warned in one.warnings],
        "undo": _way_back(dropped) if undoable else None,
    }


def _way_back(dropped: Dropped) -> str:
    return _serializer().dumps({"library": current_organisation_id(), "before": dropped.before})


def _changed_meanwhile(error: ChangedMeanwhileError) -> ResponseReturnValue:
    db.session.rollback()
    shown = _shown(error.cells)
    return {"meanwhile": str(error), "cells": _html_of(shown)}, 409


def _html_of(shown: Iterable[ShownCell]) -> dict[str, str]:
    return {one.cell.key: render_template("timetable/_board_cell.html", shown=one) for one in shown}


def _shown(cells: Sequence[Cell]) -> list[ShownCell]:
    runs = runs_in(cells, current_organisation_id())
    days = [cell.day for cell in cells]
    broken = warnings_between(min(days), max(days), current_organisation_id()) if days else {}
    return [
        ShownCell(
            cell,
            some := runs.get(cell, []),
            version_of(some),
            [warned for run in some for warned in broken.get(run.id, [])],
            cell.day < today(),
        )
        for cell in cells
    ]


def _asked() -> dict[str, Any]:
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        abort(400)
    return asked


def _key(asked: Mapping[str, Any], name: str) -> int:
    key = asked.get(name)
    if not isinstance(key, int) or isinstance(key, bool) or not 0 < key < 2**31:
        abort(400)
    return key


def _cell(key: object) -> Cell:
    try:
        cell = Cell.of(str(key))
    except ValueError:
        abort(400)
    van = owned_or_404(Van, cell.van_id if 0 < cell.van_id < 2**31 else None)
    if not van.enabled:
        abort(404)
    return cell


def _when(visit: Visit) -> str:
    return f"{format_day_long(visit.day)} {format_clocks(visit.arrival_at, visit.departure_at)}"


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="bus-ops.board")
