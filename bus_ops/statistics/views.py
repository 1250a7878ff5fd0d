"""Pages of figures: overview by period and grouping, the visits behind them, exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import undefer

from schedules.periods import PeriodKind, period_of
from schedules.searching import search_key

from ..accounts.access import READERS_OF_FIGURES, may_open, roles_allowed
from ..accounts.audit import AuditKind, audited
from ..counting.definitions import (
    BY_KEY,
    DISTINCT,
    HEADLINES,
    MEASURES,
    Measure,
    attendance_key,
)
from ..counting.figures import Filters, conditions
from ..counting.models import COLUMN_OF, VISIT_FIGURES
from ..database import current_organisation_id, db, owned
from ..i18n import format_number, today
from ..maps import MapFigure, MapOutline, figures_map, map_script
from ..places.models import AdministrativeUnit, Place, PlaceKind, SchoolLevel
from ..tables import ShortListing
from ..timetable.models import Audience
from ..workbooks import XLSX
from .exports import Report, report_xlsx, visits_csv
from .groups import GROUPINGS, Grouping
from .questions import (
    Question,
    asked_question,
    file_name,
    filters_in_words,
    heading,
    period_text,
    places,
    sums_of,
    units,
    vans,
)
from .visit_listing import VisitListing

blueprint = Blueprint("statistics", __name__, url_prefix="/statistics")

PERIODS = (
    (PeriodKind.DAY, _l("Day")),
    (PeriodKind.WEEK, _l("Week")),
    (PeriodKind.MONTH, _l("Month")),
    (PeriodKind.QUARTER, _l("Quarter")),
    (PeriodKind.HALF_YEAR, _l("Half-year")),
    (PeriodKind.YEAR, _l("Year")),
    (PeriodKind.SCHOOL_YEAR, _l("School year")),
    (PeriodKind.CUSTOM, _l("Any dates")),
)
# Columns of the table on the page, beside the figure that is drawn; exports hold every measure.
_SHOWN = (
    *(measure.key for measure in HEADLINES),
    *(attendance_key(audience) for audience in Audience),
)
COLUMNS = ("served", "cancelled", "attendance", "loans", "on_site", "activities", "cards")


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def overview() -> ResponseReturnValue:
    """Figures of a period against the one before."""
    question = asked_question().whole()
    compared = question.period.comparison(today())
    shown = {*COLUMNS, *_SHOWN, question.measure}
    figures = sums_of(question.period, question.filters).total(shown)
    groups = question.filled(measures={*COLUMNS, question.measure})
    over_time = question.filled("time", [question.measure])
    columns = _columns(groups, question.measure)
    now = sums_of(compared.this, question.filters)
    before = sums_of(compared.before, question.filters)
    return render_template(
        "statistics/overview.html",
        question=question,
        heading=heading(question),
        total=figures,
        so_far=now.total(shown) if compared.first_days else figures,
        before=before.total(shown),
        first_days=compared.first_days,
        headlines=HEADLINES,
        measure_choices=[(measure.key, measure.name) for measure in MEASURES],
        drawn=BY_KEY[question.measure],
        groups=groups,
        listing=_group_listing(groups, columns, question.measure),
        columns=columns,
        distinct=DISTINCT,
        bars=[(group.name, group.figures[question.measure]) for group in over_time.groups()],
        audiences=[(audience, BY_KEY[attendance_key(audience)]) for audience in Audience],
        activities=sums_of(question.period, question.filters).activities(),
        activities_so_far=now.activities(),
        activities_before=before.activities(),
        periods=PERIODS,
        groupings=GROUPINGS,
        vans=vans(),
        units=units(),
        places=places(question.filters.place_id),
        kinds=PlaceKind.choices(),
        levels=SchoolLevel.choices(),
        audience_choices=Audience.choices(),
        today=today(),
    )


@blueprint.get("/map.js")
@roles_allowed(*READERS_OF_FIGURES)
def figures_map_script() -> Response:
    """Places sized by the chosen figure, on the outlines of their communes."""
    question = asked_question().whole()
    grouping = question.filled("place", [question.measure])
    by_place = {int(group.key): group.figures[question.measure] for group in grouping.groups()}
    shown = [
        place
        for place in db.session.scalars(owned(Place).where(Place.id.in_(by_place)))
        if place.lat is not None and place.lon is not None
    ]
    name = str(BY_KEY[question.measure].name)
    figures = [
        MapFigure(
            place.name,
            place.lat or 0,
            place.lon or 0,
            float(by_place[place.id]),
            f"{name}: {format_number(float(by_place[place.id]))}",
            url_for("places.place_page", place_id=place.id),
        )
        for place in shown
    ]
    return map_script(figures_map("figures", figures, _outlines(shown)))


@blueprint.get("/visits")
@roles_allowed(*READERS_OF_FIGURES)
def visits() -> ResponseReturnValue:
    """The visits behind the figures: behind all, one measure of them, or one group."""
    question = asked_question()
    columns = [BY_KEY[key] for key in COLUMNS if key not in {"served", "cancelled"}]
    for key in (question.measure, question.behind):
        if key and key not in {*DISTINCT, *COLUMNS, "planned", "missed"}:
            columns += [BY_KEY[key]] if BY_KEY[key] not in columns else []
    period, filters = question.narrowed()
    where = conditions(current_organisation_id(), period, filters, question.behind)
    shown = {measure.key: VISIT_FIGURES.c[COLUMN_OF[measure.key]] for measure in columns}
    if filters.audience and "attendance" in shown:
        shown["attendance"] = VISIT_FIGURES.c[attendance_key(filters.audience)]
    in_sums = not question.behind and filters.subject is None and filters.reason is None
    listing = VisitListing(where, shown, filters, sums_of(period, filters) if in_sums else None)
    return render_template(
        "statistics/visits.html",
        question=question,
        heading=_narrowed_heading(question),
        listing=listing,
        total=listing.sums,
        columns=columns,
    )


@blueprint.get("/definitions")
@roles_allowed(*READERS_OF_FIGURES)
def definitions() -> ResponseReturnValue:
    """What each figure means."""
    return render_template("statistics/definitions.html", measures=MEASURES)


@blueprint.get("/export.csv")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_csv() -> Response:
    """Visits with their figures, one line each."""
    question = asked_question()
    return _download(visits_csv(question.rows()), question, "csv", "text/csv; charset=utf-8")


@blueprint.get("/export.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_xlsx() -> Response:
    """A workbook of everything on the page."""
    question = asked_question().whole()
    compared = question.period.comparison(today())
    others = [key for key, _label in GROUPINGS if key != question.grouping]
    report = Report(
        lines=[
            (_("Period"), period_text(question.period)),
            (_("From"), question.period.first),
            (_("Until"), question.period.last),
            *filters_in_words(question.filters),
        ],
        rows=question.rows(),
        compared=compared,
        before=sums_of(compared.before, question.filters).total(),
        groupings=[question.new_grouping(key) for key in (question.grouping, *others)],
        activities=sums_of(question.period, question.filters).activities(),
        activities_so_far=sums_of(compared.this, question.filters).activities(),
        activities_before=sums_of(compared.before, question.filters).activities(),
    )
    return _download(report_xlsx(report), question, "xlsx", XLSX)


def place_panel(place: Place) -> Markup:
    """This place's figures this year and last, for its own page."""
    if not may_open("statistics.overview"):
        return Markup()
    year = period_of(PeriodKind.YEAR, today())
    filters = Filters(place_id=place.id)
    # Jinja has escaped every value in it.
    return Markup(  # noqa: S704
        render_template(
            "statistics/_place_panel.html",
            place=place,
            year=year,
            this_year=sums_of(year, filters).total(measure.key for measure in HEADLINES),
            last_year=sums_of(year.before(), filters).total(measure.key for measure in HEADLINES),
            measures=HEADLINES,
        )
    )


def _columns(groups: Grouping, drawn: str) -> list[Measure]:
    """Measures of the table: some that are always there, and the one that is drawn."""
    keys = COLUMNS if drawn in COLUMNS else (drawn, *COLUMNS)
    return [BY_KEY[key] for key in keys if BY_KEY[key] in groups.measures]


def _group_listing(groups: Grouping, columns: list[Measure], drawn: str) -> ShortListing:
    """The groups, most of what is drawn first; time as it passes."""
    sorts: dict[str, Any] = {"name": lambda group: group.order}
    for measure in columns:
        sorts[measure.key] = lambda group, key=measure.key: group.figures[key]
    first = f"-{drawn}" if drawn in sorts else "-attendance"
    default = "name" if groups.key == "time" else first
    return ShortListing(groups.groups(), sorts, default, lambda group: search_key(group.name))


def _narrowed_heading(question: Question) -> str:
    """The heading of a list of visits, with the group and the measure it is narrowed to."""
    parts = [heading(question)]
    if question.group is not None:
        grouping = question.new_grouping()
        name = grouping.name_of(question.group)
        parts.append(f"{grouping.name}: {name}")
    if question.behind is not None:
        parts.append(str(BY_KEY[question.behind].name))
    return " · ".join(parts)


def _outlines(shown: list[Place]) -> list[MapOutline]:
    """Today's communes that the places lie in."""
    communes = {place.commune_id for place in shown if place.commune_id}
    query = owned(AdministrativeUnit).where(AdministrativeUnit.id.in_(communes))
    units = db.session.scalars(query.options(undefer(AdministrativeUnit.outline)))
    return [MapOutline(unit.full_name, unit.outline) for unit in units if unit.outline]


def _download(pieces: Iterator[bytes], question: Question, ending: str, mime: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{file_name(question, ending)}"'}
    return Response(stream_with_context(pieces), mimetype=mime, headers=headers)
