"""The manager's page, and its map of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from schedules.periods import PeriodKind, ReportingPeriod

from ..accounts.access import READERS_OF_FIGURES, roles_allowed
from ..accounts.models import Organisation
from ..counting.definitions import BY_KEY, HEADLINES
from ..counting.figures import Figures, Filters, SummedBy, SumsOf, cancelled_by_reason
from ..counting.reading import loans_by_subject
from ..database import current_organisation_id, db
from ..i18n import format_day, today
from ..incoming import asked_number
from ..indicators.progress import progress_in
from ..maps import MapStop, map_script, reach_map
from ..places.outlines import todays_outlines
from ..statistics.groups import Group, Grouping
from ..statistics.questions import Question, asked_question, heading, sums_of
from ..statistics.views import PERIODS
from ..timetable.models import Audience
from .costs import MEASURES, cost_of, place_costs
from .reach import reach_in

blueprint = Blueprint("dashboard", __name__, url_prefix="/dashboard")

# Weeks without a visit after which a place waits, where nobody says otherwise.
WEEKS_WAITING = 8
_LONGEST_WAIT = 104
# Rows of a short list: the best, the weakest, those that wait longest.
SHORT = 5
LONG = 12
# A place with fewer visits is no example of anything.
_FEWEST_VISITS = 2
# Figures by commune and kind of place.
COLUMNS = ("served", "cancelled", "attendance", "loans", "on_site")
_SHOWN = (*(measure.key for measure in HEADLINES), "timed", "on_time", "late_minutes", "missed")


@dataclass(frozen=True)
class SubjectLine:
    """A subject's loans, by group of who borrowed."""

    subject: str
    loans: int
    by_audience: Mapping[Audience | None, int]


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def overview() -> ResponseReturnValue:
    """A period at a glance; each figure leads to the visits behind it."""
    question = _question()
    period = question.period
    compared = period.comparison(today())
    library = db.session.get_one(Organisation, current_organisation_id())
    by_place = SumsOf(library.id, period, by=SummedBy.PLACE).figures({*COLUMNS, *MEASURES})
    costs = place_costs(library, by_place)
    judged = [one for one in costs if one.figures["served"] >= _FEWEST_VISITS]
    now = sums_of(compared.this, question.filters)
    figures = sums_of(period, question.filters).total()
    groups = [_largest(question.new_grouping(by), by_place) for by in ("commune", "kind")]
    read, groups_of_readers = _reading(period)
    return render_template(
        "dashboard/overview.html",
        question=question,
        heading=heading(question),
        periods=PERIODS,
        today=today(),
        headlines=HEADLINES,
        total=figures,
        so_far=now.total(_SHOWN) if compared.first_days else figures,
        before=sums_of(compared.before, question.filters).total(_SHOWN),
        first_days=compared.first_days,
        targets=[
            line
            for line in progress_in(library.id, period.last.year, today(), with_target_only=True)
            if line.target and not line.target.unit_id
        ],
        groups=groups,
        columns=[BY_KEY[key] for key in COLUMNS],
        reach=reach_in(library.id, by_place, today(), _asked_weeks()),
        weeks=_asked_weeks(),
        best=judged[:SHORT],
        weakest=list(reversed(judged[SHORT:]))[:SHORT],
        cost=cost_of(library, figures),
        reasons=cancelled_by_reason(library.id, period),
        read=read,
        groups_of_readers=groups_of_readers,
        long=LONG,
    )


@blueprint.get("/reach.js")
@roles_allowed(*READERS_OF_FIGURES)
def reach_script() -> Response:
    """Places that were served lately, and those that wait."""
    reach = reach_in(current_organisation_id(), {}, today(), _asked_weeks())
    reached, waiting = [], []
    for one in reach.places:
        if one.position is None:
            continue
        last = one.last_served_on
        stop = MapStop(
            "",
            one.name,
            *one.position,
            detail=_("last visit %(day)s", day=format_day(last)) if last else _("no visit yet"),
            href=url_for("places.place_page", place_id=one.place_id),
        )
        (waiting if one.is_due(reach.since) else reached).append(stop)
    return map_script(reach_map("reach", reached, waiting, todays_outlines()))


@dataclass(frozen=True)
class LargestGroups:
    """The groups to which most people came, and how many others there are."""

    key: str
    name: str
    groups: Sequence[Group]
    others: int


def _largest(grouping: Grouping, by_place: Mapping[int, Figures]) -> LargestGroups:
    grouping.take(by_place)
    groups = sorted(grouping.groups(), key=lambda group: -group.figures["attendance"])
    others = max(0, len(groups) - LONG)
    return LargestGroups(grouping.key, grouping.name, groups[:LONG], others)


def _question() -> Question:
    """The period that is asked for, of the whole service."""
    asked = asked_question(PeriodKind.YEAR)
    return Question(asked.period, Filters(), "place", "attendance")


def _asked_weeks() -> int:
    return min(asked_number("weeks") or WEEKS_WAITING, _LONGEST_WAIT)


def _reading(period: ReportingPeriod) -> tuple[list[SubjectLine], list[Audience | None]]:
    """Subjects, the most read first, and the groups that borrowed anything."""
    by_subject: dict[str, dict[Audience | None, int]] = {}
    for (subject, audience), loans in loans_by_subject(current_organisation_id(), period).items():
        by_subject.setdefault(subject, {})[audience] = loans
    lines = [SubjectLine(name, sum(of.values()), of) for name, of in by_subject.items()]
    there = {audience for line in lines for audience in line.by_audience}
    order: list[Audience | None] = [*Audience, None]
    groups = [audience for audience in order if audience in there]
    return sorted(lines, key=lambda line: (-line.loans, line.subject)), groups
