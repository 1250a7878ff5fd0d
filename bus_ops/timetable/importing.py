"""Importing mobile library timetables: what would change, and then the change itself.

Each row of a file becomes a place, a stop on a route of a van, in one open-ended published term a
service. A row is known again by how its stop looked when it was imported last
(``schedules.exchange.stop_matching``), so that importing a file twice changes nothing, and a
corrected file updates what it corrects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.exchange.mobile_library_csv import (
    ParsedTimetable,
    RowProblem,
    StopRow,
    UnreadableFileError,
    parse_mobile_library_csv,
    repeated_row,
)
from schedules.exchange.stop_matching import look_of, match_stops
from schedules.expansion import RecurringStop, expand

from ..accounts.models import Organisation
from ..database import db, lock_library
from ..fleet.models import Van
from ..i18n import today
from ..places.models import Place
from .import_keys import place_key, row_key, service_key
from .import_plan import (
    ImportChoices,
    ImportPlan,
    ImportReport,
    KnownStops,
    PlannedPlace,
    PlannedRow,
    RowState,
)
from .import_values import (
    FieldChange,
    changes,
    look_of_imported,
    place_now,
    place_wish,
    stop_now,
    stop_wish,
)
from .import_writing import ImportWriter
from .models import Run, Stop, Term

Key = TypeVar("Key", bound=Hashable)


def plan_import(files: Iterable[tuple[str, bytes]], organisation: Organisation) -> ImportPlan:
    """Read files (name, bytes) and compare them with what is there. Writes nothing."""
    parsed: list[ParsedTimetable] = []
    unreadable: list[UnreadableFileError] = []
    for name, data in files:
        try:
            parsed.append(parse_mobile_library_csv(data, name))
        except UnreadableFileError as error:
            unreadable.append(error)
    rows, repeated = _planned_rows([row for file in parsed for row in file.rows], organisation)
    return _Comparison(organisation, rows).plan(parsed, unreadable, repeated)


def apply_import(
    plan: ImportPlan,
    organisation: Organisation,
    today: date,
    horizon_days: int,
    choices: ImportChoices | None = None,
) -> ImportReport:
    """Write the plan in the session's transaction and fill the runs; the caller commits."""
    lock_library(organisation.id)
    last = today + timedelta(days=horizon_days)
    return ImportWriter(plan, organisation, choices or ImportChoices()).write(today, last)


def new_run_count(plan: ImportPlan, today: date, horizon_days: int) -> int:
    """How many dated runs the new and changed rows would add up to the horizon."""
    stops = [
        RecurringStop(
            key=row.key,
            van_key=row.van_key,
            route_key=plan.known.routes.get(row.route_key, row.route_key),
            route_position=0,
            recurrence=row.row.recurrence,
        )
        for row in plan.in_state(RowState.NEW, RowState.CHANGED)
    ]
    runs = expand(stops, today, today + timedelta(days=horizon_days)).runs
    wanted = {(run.route_key, run.day) for run in runs}
    query = select(Run.route_id, Run.day).where(
        Run.route_id.in_(set(plan.known.routes.values())), Run.day >= today
    )
    return len(wanted - {(route_id, day) for route_id, day in db.session.execute(query)})


def _planned_rows(
    rows: Sequence[StopRow], organisation: Organisation
) -> tuple[list[PlannedRow], list[RowProblem]]:
    planned: dict[str, PlannedRow] = {}
    repeated = []
    for row in rows:
        service = row.organisation or organisation.name
        # One file taken twice under two names is one file.
        key = row_key(service, row)
        if key in planned:
            repeated.append(repeated_row(row))
            continue
        planned[key] = PlannedRow(key, place_key(service, row), row, service)
    return list(planned.values()), repeated


class _Comparison:
    """Rows beside the stops and places that earlier imports made."""

    def __init__(self, organisation: Organisation, rows: Sequence[PlannedRow]) -> None:
        self._organisation = organisation
        self._rows = rows
        self._stops = self._known_stops()
        self._matched = self._match()
        self._places = self._match_places()

    def plan(
        self,
        files: Sequence[ParsedTimetable],
        unreadable: Sequence[UnreadableFileError],
        repeated: Sequence[RowProblem],
    ) -> ImportPlan:
        told: set[str] = set()
        rows = []
        for row in self._rows:
            of_place = () if row.place_key in told else self._places[row.place_key].changes
            told.add(row.place_key)
            stop_id = self._matched.get(row.key)
            own = self._changes_of_stop(row, self._stops[stop_id]) if stop_id else ()
            rows.append(replace(row, stop_id=stop_id, changes=(*own, *of_place)))
        known = self._known()
        return ImportPlan(
            files=tuple(files),
            unreadable=tuple(unreadable),
            rows=tuple(rows),
            places=self._places,
            absent=self._absent(),
            known=known,
            new_vans=self._new_vans(rows, known),
            new_routes=self._new_routes(rows, known),
            repeated=tuple(repeated),
        )

    def _known_stops(self) -> dict[int, Stop]:
        keys = {service_key(row.service) for row in self._rows}
        query = (
            select(Stop)
            .join(Term)
            .where(
                Stop.organisation_id == self._organisation.id,
                Term.import_key.in_(keys),
                Stop.import_key.is_not(None),
            )
            .options(
                joinedload(Stop.place),
                joinedload(Stop.term),
                joinedload(Stop.van),
                joinedload(Stop.route),
            )
            .order_by(Stop.id)
        )
        return {stop.id: stop for stop in db.session.scalars(query)}

    def _match(self) -> dict[str, int]:
        """Row key -> the stop it speaks of; services do not mix."""
        wanted: dict[str | None, dict[str, PlannedRow]] = {}
        for row in self._rows:
            wanted.setdefault(service_key(row.service), {})[row.key] = row
        found: dict[str, int] = {}
        for key, rows in wanted.items():
            known = {
                stop.id: look_of_imported(stop.imported)
                for stop in self._stops.values()
                if stop.term.import_key == key
            }
            found |= match_stops(known, {name: look_of(row.row) for name, row in rows.items()})
        return found

    def _match_places(self) -> dict[str, PlannedPlace]:
        firsts: dict[str, PlannedRow] = {}
        for row in self._rows:
            firsts.setdefault(row.place_key, row)
        query = select(Place).where(
            Place.organisation_id == self._organisation.id, Place.import_key.is_not(None)
        )
        every = {place.import_key or "": place for place in db.session.scalars(query)}
        found = {key: every[key] for key in firsts if key in every}
        taken = {place.id for place in found.values()}
        for row in self._rows:
            # The point or the community was corrected: the place its stop has is the one meant,
            # unless other rows still speak of it as it was.
            stop_id = self._matched.get(row.key)
            if row.place_key in found or stop_id is None:
                continue
            place = self._stops[stop_id].place
            if place.import_key is not None and place.id not in taken:
                found[row.place_key] = place
                taken.add(place.id)
        return {key: _planned_place(row, found.get(key)) for key, row in firsts.items()}

    def _changes_of_stop(self, row: PlannedRow, stop: Stop) -> tuple[FieldChange, ...]:
        found = changes(stop_wish(row.row), stop_now(stop), stop.imported)
        place = self._places[row.place_key]
        if place.place_id == stop.place_id:
            return found
        by_hand = stop.place_id != stop.imported["place_id"]
        return (*found, FieldChange("place", stop.place.name, place.wish["name"], by_hand))

    def _absent(self) -> tuple[Stop, ...]:
        matched = set(self._matched.values())
        return tuple(
            stop
            for stop in self._stops.values()
            if stop.id not in matched
            and stop.enabled
            and (stop.ends_on is None or stop.ends_on >= today())
        )

    def _known(self) -> KnownStops:
        """Vans and routes as most of their imported stops have them, whatever their names now."""
        vans: dict[tuple[str, str], Counter[int]] = {}
        routes: dict[tuple[str, str, str], Counter[int]] = {}
        services = {service_key(row.service): row.service.casefold() for row in self._rows}
        for stop in self._stops.values():
            look = look_of_imported(stop.imported)
            van = (services[stop.term.import_key or ""], look.mobile)
            vans.setdefault(van, Counter())[stop.van_id] += 1
            if stop.route_id is not None:
                routes.setdefault((*van, look.route), Counter())[stop.route_id] += 1
        return KnownStops(self._stops, _most_common(vans), _most_common(routes))

    def _new_vans(self, rows: Sequence[PlannedRow], known: KnownStops) -> tuple[str, ...]:
        query = select(Van.operator, Van.name).where(Van.organisation_id == self._organisation.id)
        there = {(operator, name) for operator, name in db.session.execute(query)}
        own = self._organisation.name.casefold()
        names = {
            row.van_key: row.row.mobile
            for row in rows
            if row.state is RowState.NEW
            and row.van_key not in known.vans
            and ("" if row.service.casefold() == own else row.service, row.row.mobile) not in there
        }
        return tuple(names.values())

    @staticmethod
    def _new_routes(rows: Sequence[PlannedRow], known: KnownStops) -> tuple[str, ...]:
        names = {
            row.route_key: f"{row.row.mobile} · {row.row.route}"
            for row in rows
            if row.state is RowState.NEW and row.route_key not in known.routes
        }
        return tuple(names.values())


def _planned_place(row: PlannedRow, place: Place | None) -> PlannedPlace:
    wish = place_wish(row.row)
    found = changes(wish, place_now(place), place.imported) if place else ()
    place_id = place.id if place else None
    return PlannedPlace(row.place_key, wish, row.service, row.row.file, place_id, found)


def _most_common(counters: Mapping[Key, Counter[int]]) -> dict[Key, int]:
    return {key: counter.most_common(1)[0][0] for key, counter in counters.items()}
