"""Pages of figures: overview by period and grouping, the visits behind them, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select

from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from schedules.searching import search_key

from ..accounts.access import READERS_OF_FIGURES, may_open, roles_allowed
from ..database import current_organisation_id, db, owned
from ..fleet.queries import vans_by_name
from ..i18n import format_day, parsed_day, today
from ..incoming import asked_number
from ..maps import MapFigure, figures_map, map_script
from ..places.models import (
    AdministrativeUnit,
    Place,
    PlaceKind,
    PlaceUnit,
    SchoolLevel,
)
from ..tables import Listing
from ..timetable.models import Visit
from .definitions import BY_KEY, HEADLINES, MEASURES
from .exports import GroupedTable, figures_xlsx, visits_csv
from .figures import (
    Figures,
    Filters,
    VisitRow,
    activity_kinds,
    audiences,
    district_of_places,
    grouped,
    total,
    visit_rows,
)

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
GROUPINGS = (
    ("place", _l("Place")),
    ("commune", _l("Commune")),
    ("district", _l("District of the old map")),
    ("kind", _l("Kind of place")),
    ("van", _l("Van")),
    ("time", _l("Time")),
)
# Columns of the table on the page; exports hold every measure.
COLUMNS = ("served", "cancelled", "attendance", "loans", "on_site", "activities", "cards")


@dataclass(frozen=True)
class Question:
    """What a page or export is about, read from the address once."""

    period: ReportingPeriod
    filters: Filters
    grouping: str
    measure: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The same question as arguments of an address."""
        return _arguments(self)


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def overview() -> ResponseReturnValue:
    """Figures of a period against the one before."""
    question = _question()
    rows = list(_rows(question.period, question.filters))
    groups = _grouped_table(question, rows)
    return render_template(
        "statistics/overview.html",
        question=question,
        total=total(rows),
        before=total(_rows(question.period.before(), question.filters)),
        headlines=HEADLINES,
        measure_choices=[(measure.key, measure.name) for measure in MEASURES],
        drawn=BY_KEY[question.measure],
        grouping_name=_grouping_name(question.grouping),
        columns=[BY_KEY[key] for key in COLUMNS],
        groups=groups,
        bars=_bars(question, rows),
        audiences=audiences(current_organisation_id(), question.period, question.filters),
        activities=activity_kinds(current_organisation_id(), question.period, question.filters),
        periods=PERIODS,
        groupings=GROUPINGS,
        period_text=period_text(question.period),
        vans=_vans(),
        units=_units(),
        kinds=PlaceKind.choices(),
        levels=SchoolLevel.choices(),
        with_arguments=lambda **changes: _arguments(question, **changes),
        today=today(),
    )


@blueprint.get("/map.js")
@roles_allowed(*READERS_OF_FIGURES)
def figures_map_script() -> Response:
    """Places sized by the chosen figure."""
    question = _question()
    by_place = grouped(_rows(question.period, question.filters), lambda row: row.place_id)
    places = db.session.scalars(owned(Place).where(Place.id.in_(by_place)))
    name = str(BY_KEY[question.measure].name)
    figures = [
        MapFigure(
            place.name,
            place.lat,
            place.lon,
            by_place[place.id][question.measure],
            f"{name}: {by_place[place.id][question.measure]}",
            url_for("places.place_page", place_id=place.id),
        )
        for place in places
        if place.lat is not None and place.lon is not None
    ]
    return map_script(figures_map("figures", figures))


@blueprint.get("/visits")
@roles_allowed(*READERS_OF_FIGURES)
def visits() -> ResponseReturnValue:
    """The visits behind the figures."""
    question = _question()
    rows = {row.visit_id: row for row in _rows(question.period, question.filters)}
    query = (
        select(Visit)
        .join(Place, Visit.place_id == Place.id)
        .where(Visit.organisation_id == current_organisation_id())
        .where(Visit.day.between(question.period.first, question.period.last))
    )
    ids = list(rows)
    query = query.where(Visit.id.in_(ids)) if len(ids) < 30_000 else query
    sorts = {"day": Visit.arrival_at, "place": Place.name, "status": Visit.status}
    listing = Listing(query, sorts, "-day", Place.search_key)
    return render_template(
        "statistics/visits.html",
        question=question,
        listing=listing,
        rows=rows,
        period_text=period_text(question.period),
        columns=[BY_KEY[key] for key in COLUMNS if key not in {"served", "cancelled"}],
    )


@blueprint.get("/definitions")
@roles_allowed(*READERS_OF_FIGURES)
def definitions() -> ResponseReturnValue:
    """What each figure means."""
    return render_template("statistics/definitions.html", measures=MEASURES)


@blueprint.get("/export.csv")
@roles_allowed(*READERS_OF_FIGURES)
def export_csv() -> Response:
    """Visits with their figures, one line each."""
    question = _question()
    rows = _rows(question.period, question.filters)
    return _download(visits_csv(rows), question, "csv", "text/csv; charset=utf-8")


@blueprint.get("/export.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
def export_xlsx() -> Response:
    """A workbook of everything on the page."""
    question = _question()
    rows = list(_rows(question.period, question.filters))
    before = total(_rows(question.period.before(), question.filters))
    others = [key for key, _label in GROUPINGS if key != question.grouping]
    tables = [
        GroupedTable(
            _grouping_name(key), [(name, f) for name, _id, f in _groups(key, question, rows)]
        )
        for key in (question.grouping, *others)
    ]
    pieces = figures_xlsx(_described(question), total(rows), before, tables, rows)
    mime = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _download(pieces, question, "xlsx", mime)


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
            this_year=total(_rows(year, filters)),
            last_year=total(_rows(year.before(), filters)),
            measures=HEADLINES,
        )
    )


def period_text(period: ReportingPeriod) -> str:
    """A period in words."""
    first = period.first
    match period.kind:
        case PeriodKind.DAY:
            return format_day(first)
        case PeriodKind.MONTH:
            return _("Month %(month)s", month=first.strftime("%m/%Y"))
        case PeriodKind.QUARTER:
            number = (first.month + 2) // 3
            return _("Quarter %(number)s/%(year)s", number=number, year=first.year)
        case PeriodKind.HALF_YEAR:
            number = 1 if first.month == 1 else 2
            return _("Half-year %(number)s/%(year)s", number=number, year=first.year)
        case PeriodKind.YEAR:
            return _("Year %(year)s", year=first.year)
        case PeriodKind.SCHOOL_YEAR:
            return _("School year %(first)s–%(last)s", first=first.year, last=first.year + 1)
        case _:
            return f"{format_day(first)} – {format_day(period.last)}"


def _question() -> Question:
    args = request.args
    grouping = args.get("by", "place")
    measure = args.get("measure", "attendance")
    return Question(
        period=_period(),
        filters=Filters(
            van_id=asked_number("van"),
            unit_id=asked_number("unit"),
            kind=_member(PlaceKind, args.get("kind", "")),
            level=_member(SchoolLevel, args.get("level", "")),
            place_id=asked_number("place"),
        ),
        grouping=grouping if grouping in dict(GROUPINGS) else "place",
        measure=measure if measure in BY_KEY else "attendance",
    )


def _period() -> ReportingPeriod:
    kind = _member(PeriodKind, request.args.get("period", "month")) or PeriodKind.MONTH
    day = _day("day") or today()
    if kind == PeriodKind.CUSTOM:
        first = _day("first") or today().replace(day=1)
        return custom_period(first, _day("last") or today())
    return period_of(kind, day)


def _day(name: str) -> date | None:
    return parsed_day(request.args.get(name, ""))


def _member(kind: Any, text: str) -> Any:
    return kind(text) if text in {member.value for member in kind} else None


def _arguments(question: Question, **changes: Any) -> dict[str, Any]:
    """The question as arguments of an address, with some changed."""
    filters, period = question.filters, question.period
    arguments: dict[str, Any] = {
        "period": period.kind.value,
        "by": question.grouping,
        "measure": question.measure,
        "van": filters.van_id,
        "unit": filters.unit_id,
        "kind": filters.kind.value if filters.kind else None,
        "level": filters.level.value if filters.level else None,
        "place": filters.place_id,
    }
    arguments |= changes
    period = arguments.pop("of", period)
    if period.kind == PeriodKind.CUSTOM:
        arguments |= {"first": period.first.isoformat(), "last": period.last.isoformat()}
    else:
        arguments["day"] = period.first.isoformat()
    arguments["period"] = changes.get("period", period.kind.value)
    return {name: value for name, value in arguments.items() if value is not None}


def _rows(period: ReportingPeriod, filters: Filters) -> Iterator[VisitRow]:
    return visit_rows(current_organisation_id(), period, filters)


def _grouped_table(question: Question, rows: list[VisitRow]) -> list[tuple[str, Any, Figures]]:
    found = _groups(question.grouping, question, rows)
    if question.grouping == "time":
        return found
    key = request.args.get("sort", question.measure)
    if key == "name":
        return sorted(found, key=lambda group: group[0])
    measure = key if key in BY_KEY else question.measure
    return sorted(found, key=lambda group: (-group[2][measure], group[0]))


def _groups(
    grouping: str, question: Question, rows: list[VisitRow]
) -> list[tuple[str, Any, Figures]]:
    """Name, key of the drill-down, and figures of each group."""
    unknown = _("Unknown")
    if grouping == "time":
        return _over_time(question, rows)
    if grouping == "district":
        districts = district_of_places({row.place_id for row in rows})
        by_district = grouped(rows, lambda row: districts.get(row.place_id, unknown))
        return [(name, None, figures) for name, figures in by_district.items()]
    keys: dict[str, Callable[[VisitRow], tuple[str, Any]]] = {
        "place": lambda row: (row.place, row.place_id),
        "commune": lambda row: (row.commune or unknown, row.commune_id),
        "kind": lambda row: (str(row.level.label if row.level else row.kind.label), None),
        "van": lambda row: (row.van, row.van_id),
    }
    by_key = grouped(rows, keys[grouping])
    return [(name, key, figures) for (name, key), figures in by_key.items()]


def _over_time(question: Question, rows: list[VisitRow]) -> list[tuple[str, Any, Figures]]:
    buckets = question.period.buckets()
    figures = {bucket: Figures() for bucket in buckets}
    position = 0
    for row in rows:
        while row.day > buckets[position].last:
            position += 1
        figures[buckets[position]].add(row)
    return [(_bucket_name(bucket), None, figures[bucket]) for bucket in buckets]


def _bucket_name(bucket: ReportingPeriod) -> str:
    if bucket.kind == PeriodKind.MONTH:
        return bucket.first.strftime("%m/%Y")
    return bucket.first.strftime("%d/%m")


def _bars(question: Question, rows: list[VisitRow]) -> list[tuple[str, int]]:
    return [(name, figures[question.measure]) for name, _key, figures in _over_time(question, rows)]


def _grouping_name(key: str) -> str:
    return str(dict(GROUPINGS)[key])


def _described(question: Question) -> list[tuple[str, str]]:
    """What the figures are of, for the first sheet."""
    filters = question.filters
    lines = [
        (_("Period"), period_text(question.period)),
        (_("From"), format_day(question.period.first)),
        (_("Until"), format_day(question.period.last)),
    ]
    names = {
        _("Van"): dict(_vans()).get(filters.van_id or 0),
        _("Unit"): dict(_units()).get(filters.unit_id or 0),
        _("Kind of place"): filters.kind.label if filters.kind else None,
        _("Level of school"): filters.level.label if filters.level else None,
    }
    return lines + [(name, str(value)) for name, value in names.items() if value]


def _download(pieces: Iterator[bytes], question: Question, ending: str, mime: str) -> Response:
    period = question.period
    name = f"bus-ops-{period.first.isoformat()}-{period.last.isoformat()}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(pieces), mimetype=mime, headers=headers)


def _vans() -> list[tuple[int, str]]:
    return [(van.id, van.display_name) for van in vans_by_name()]


def _units() -> list[tuple[int, str]]:
    """Communes and former districts that places of the service lie in."""
    used = select(PlaceUnit.unit_id).where(PlaceUnit.organisation_id == current_organisation_id())
    parents = select(AdministrativeUnit.parent_id).where(AdministrativeUnit.id.in_(used))
    query = owned(AdministrativeUnit).where(
        (AdministrativeUnit.id.in_(used) & AdministrativeUnit.valid_until.is_(None))
        | AdministrativeUnit.id.in_(parents)
    )
    units = sorted(db.session.scalars(query), key=lambda u: (u.level.value, search_key(u.name)))
    return [(unit.id, unit.full_name) for unit in units]
