"""Importing mobile library timetables: what would change, and then the change itself.

Each row of a file becomes a place, a stop on a route of a van, in one open-ended published term a
service. The same row is known again by its organisation, van, route and place, so that importing a
file twice changes nothing and a corrected file updates what it corrects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from schedules.exchange.mobile_library_csv import (
    ParsedTimetable,
    RowProblem,
    StopRow,
    UnreadableFileError,
    parse_mobile_library_csv,
)
from schedules.searching import search_key

from ..accounts.models import Organisation
from ..database import db, now
from ..fleet.models import Van
from ..places.models import Place, PlaceKind, PositionQuality
from .generating import FillReport, fill_runs
from .models import Route, Stop, StopKind, Term, TermStatus
from .remaking import make_again

SOURCE = "mobile library CSV"


@dataclass(frozen=True)
class PlannedRow:
    """A stop as a file wants it, with the keys it is known by."""

    key: str
    place_key: str
    row: StopRow
    service: str


@dataclass(frozen=True)
class ImportPlan:
    """What importing would do; nothing is written yet."""

    files: tuple[ParsedTimetable, ...]
    unreadable: tuple[UnreadableFileError, ...]
    rows: tuple[PlannedRow, ...]
    added: frozenset[str]
    changed: frozenset[str]
    absent: int

    @property
    def unchanged_count(self) -> int:
        """Rows that stand in the database already, just so."""
        return len(self.rows) - len(self.added) - len(self.changed)

    @property
    def problems(self) -> tuple[RowProblem, ...]:
        """Every problem of every file, in order."""
        return tuple(problem for file in self.files for problem in file.problems)

    @property
    def unknown_columns(self) -> tuple[str, ...]:
        """Columns without a meaning here; their values are kept with the stops."""
        return tuple(sorted({name for file in self.files for name in file.unknown_columns}))

    @property
    def changes_something(self) -> bool:
        """Whether applying the plan would write anything."""
        return bool(self.added or self.changed)


@dataclass
class ImportReport:
    """What importing did."""

    places: int = 0
    vans: int = 0
    routes: int = 0
    stops_added: int = 0
    stops_changed: int = 0
    fills: list[FillReport] = field(default_factory=list)

    @property
    def runs(self) -> int:
        """Dated runs made."""
        return sum(fill.runs for fill in self.fills)

    @property
    def visits(self) -> int:
        """Visits made."""
        return sum(fill.visits for fill in self.fills)


def plan_import(files: Iterable[tuple[str, bytes]], organisation: Organisation) -> ImportPlan:
    """Read files (name, bytes) and compare them with what is there. Writes nothing."""
    parsed: list[ParsedTimetable] = []
    unreadable: list[UnreadableFileError] = []
    for name, data in files:
        try:
            parsed.append(parse_mobile_library_csv(data, name))
        except UnreadableFileError as error:
            unreadable.append(error)
    rows = _planned_rows([row for file in parsed for row in file.rows], organisation)
    existing = _existing_stops(organisation.id, {row.service for row in rows})
    added = {row.key for row in rows if row.key not in existing}
    changed = {row.key for row in rows if row.key in existing and _differs(existing[row.key], row)}
    absent = len(set(existing) - {row.key for row in rows})
    return ImportPlan(
        tuple(parsed), tuple(unreadable), tuple(rows), frozenset(added), frozenset(changed), absent
    )


def apply_import(
    plan: ImportPlan, organisation: Organisation, today: date, horizon_days: int
) -> ImportReport:
    """Write the plan in the session's transaction and fill the runs; the caller commits."""
    writer = _Writer(plan, organisation, today)
    report = writer.write()
    for term in writer.terms.values():
        first = max(today, term.starts_on)
        report.fills.append(fill_runs(term, first, today + timedelta(days=horizon_days)))
    return report


def _planned_rows(rows: Sequence[StopRow], organisation: Organisation) -> list[PlannedRow]:
    seen: Counter[str] = Counter()
    planned = []
    for row in rows:
        service = row.organisation or organisation.name
        place_key = _key("place", service, row.community, row.stop, row.lat, row.lon)
        base = _key("stop", service, row.mobile, row.route, place_key)
        # The same place twice on one route (morning and afternoon) is two stops.
        seen[base] += 1
        key = base if seen[base] == 1 else f"{base}|{seen[base]}"
        planned.append(PlannedRow(key, place_key, row, service))
    return planned


def _key(*parts: object) -> str:
    return "|".join("" if part is None else str(part).strip().casefold() for part in parts)


def _existing_stops(organisation_id: int, services: set[str]) -> dict[str, Stop]:
    query = (
        select(Stop)
        .join(Term)
        .where(
            Stop.organisation_id == organisation_id,
            Term.name.in_(services),
            Term.source == SOURCE,
            Stop.import_key.is_not(None),
        )
    )
    return {stop.import_key or "": stop for stop in db.session.scalars(query)}


def _differs(stop: Stop, planned: PlannedRow) -> bool:
    return any(getattr(stop, name) != value for name, value in _stop_values(planned.row).items())


def _stop_values(row: StopRow) -> dict[str, Any]:
    """Columns of a stop that a file decides."""
    rule = row.recurrence
    return {
        "kind": StopKind(row.type),
        "service_minutes": row.departure - row.arrival,
        "rule": rule.rule,
        "starts_on": rule.start,
        "ends_on": rule.end,
        "exceptions": [day.isoformat() for day in sorted(rule.exceptions)],
        "fixed_arrival": row.arrival,
        "fixed_departure": row.departure,
        # A day is driven in the order of its published times.
        "route_position": row.arrival,
        "timetable_url": row.timetable,
        "extra": dict(row.extra),
    }


class _Writer:
    """Writes one plan: what stops stand on first, then the stops."""

    def __init__(self, plan: ImportPlan, organisation: Organisation, today: date) -> None:
        self._plan = plan
        self._organisation = organisation
        self._today = today
        self._report = ImportReport()
        self.terms: dict[str, Term] = {}

    def write(self) -> ImportReport:
        wanted = [
            row
            for row in self._plan.rows
            if row.key in self._plan.added or row.key in self._plan.changed
        ]
        if not wanted:
            return self._report
        self._add_terms(wanted)
        vans = self._add_vans(wanted)
        routes = self._add_routes(wanted, vans)
        places = self._add_places(wanted)
        self._add_stops([r for r in wanted if r.key in self._plan.added], vans, routes, places)
        self._change_stops([r for r in wanted if r.key in self._plan.changed])
        return self._report

    def _add_terms(self, rows: Sequence[PlannedRow]) -> None:
        starts: dict[str, date] = {}
        for row in rows:
            start = row.row.recurrence.start
            starts[row.service] = min(start, starts.get(row.service, start))
        query = select(Term).where(
            Term.organisation_id == self._organisation.id, Term.name.in_(starts)
        )
        known = {term.name: term for term in db.session.scalars(query)}
        for service, start in starts.items():
            term = known.get(service)
            if term is None:
                term = Term(
                    organisation_id=self._organisation.id,
                    name=service,
                    starts_on=start,
                    status=TermStatus.PUBLISHED,
                    published_at=now(),
                    source=SOURCE,
                )
                db.session.add(term)
            term.starts_on = min(term.starts_on, start)
            self.terms[service] = term
        db.session.flush()

    def _add_vans(self, rows: Sequence[PlannedRow]) -> dict[tuple[str, str], Van]:
        query = select(Van).where(Van.organisation_id == self._organisation.id)
        vans = {(van.operator, van.name): van for van in db.session.scalars(query)}
        for row in rows:
            key = self._van_key(row)
            if key not in vans:
                vans[key] = Van(organisation_id=self._organisation.id, operator=key[0], name=key[1])
                db.session.add(vans[key])
                self._report.vans += 1
        db.session.flush()
        return vans

    def _van_key(self, row: PlannedRow) -> tuple[str, str]:
        own = row.service.casefold() == self._organisation.name.casefold()
        return ("" if own else row.service[:160], row.row.mobile[:120])

    def _add_routes(
        self, rows: Sequence[PlannedRow], vans: Mapping[tuple[str, str], Van]
    ) -> dict[tuple[int, int, str], Route]:
        term_ids = [term.id for term in self.terms.values()]
        known = db.session.scalars(select(Route).where(Route.term_id.in_(term_ids)))
        routes = {(route.term_id, route.van_id, route.name): route for route in known}
        for row in rows:
            key = self._route_key(row, vans)
            if key not in routes:
                routes[key] = Route(
                    organisation_id=self._organisation.id,
                    term_id=key[0],
                    van_id=key[1],
                    name=key[2],
                )
                db.session.add(routes[key])
                self._report.routes += 1
        db.session.flush()
        return routes

    def _route_key(
        self, row: PlannedRow, vans: Mapping[tuple[str, str], Van]
    ) -> tuple[int, int, str]:
        return self.terms[row.service].id, vans[self._van_key(row)].id, row.row.route[:160]

    def _add_places(self, rows: Sequence[PlannedRow]) -> dict[str, int]:
        query = select(Place.import_key, Place.id).where(
            Place.organisation_id == self._organisation.id, Place.import_key.is_not(None)
        )
        places: dict[str, int] = {
            key or "": place_id for key, place_id in db.session.execute(query)
        }
        fresh: dict[str, dict[str, Any]] = {}
        for row in rows:
            if row.place_key not in places and row.place_key not in fresh:
                fresh[row.place_key] = self._place_values(row)
        if fresh:
            statement = insert(Place).returning(Place.id, sort_by_parameter_order=True)
            ids = db.session.scalars(statement, list(fresh.values()))
            places.update(zip(fresh, ids, strict=True))
        self._report.places = len(fresh)
        return places

    def _place_values(self, row: PlannedRow) -> dict[str, Any]:
        data = row.row
        known = data.lat is not None
        named = [data.stop, data.community, data.address, data.postcode, row.service]
        return {
            "organisation_id": self._organisation.id,
            "name": data.stop[:200],
            "community": data.community[:160],
            "address": data.address[:300],
            "postcode": data.postcode[:20],
            "lat": data.lat,
            "lon": data.lon,
            "position_quality": PositionQuality.EXACT if known else PositionQuality.MISSING,
            "position_source": SOURCE if known else "",
            "kind": PlaceKind.OTHER,
            "import_key": row.place_key[:400],
            "search_key": search_key(" ".join(named))[:600],
            "source": f"{SOURCE}: {data.file}"[:200],
            "created_at": now(),
        }

    def _add_stops(
        self,
        rows: Sequence[PlannedRow],
        vans: Mapping[tuple[str, str], Van],
        routes: Mapping[tuple[int, int, str], Route],
        places: Mapping[str, int],
    ) -> None:
        values = [
            {
                **_stop_values(row.row),
                "organisation_id": self._organisation.id,
                "term_id": self.terms[row.service].id,
                "place_id": places[row.place_key],
                "van_id": vans[self._van_key(row)].id,
                "route_id": routes[self._route_key(row, vans)].id,
                "windows": [],
                "promised": "",
                "enabled": True,
                "import_key": row.key[:600],
            }
            for row in rows
        ]
        if values:
            db.session.execute(insert(Stop), values)
        self._report.stops_added = len(values)

    def _change_stops(self, rows: Sequence[PlannedRow]) -> None:
        if not rows:
            return
        existing = _existing_stops(self._organisation.id, {row.service for row in rows})
        for row in rows:
            stop = existing[row.key]
            db.session.execute(
                update(Stop).where(Stop.id == stop.id).values(**_stop_values(row.row))
            )
        make_again([existing[row.key].id for row in rows], self._today)
        self._report.stops_changed = len(rows)
