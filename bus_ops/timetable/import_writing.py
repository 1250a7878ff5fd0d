"""Writing an import's plan: what stops stand on first, then the stops, then their runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, select

from schedules.searching import search_key

from ..accounts.models import Organisation
from ..database import db, now
from ..fleet.models import Van
from ..places.models import Place, PlaceKind
from ..places.searching import LONGEST_KEY
from ..places.units import assign_units
from .generating import fill_runs
from .import_keys import service_key
from .import_plan import (
    ImportChoices,
    ImportPlan,
    ImportReport,
    PlannedPlace,
    PlannedRow,
    RowState,
)
from .import_values import (
    SOURCE,
    TIMETABLED,
    FieldChange,
    imported_of,
    place_columns,
    stop_columns,
    stop_wish,
)
from .models import Route, Stop, Term, TermStatus
from .remaking import make_again
from .signals import runs_filled


class ImportWriter:
    """Writes one plan in the session's transaction."""

    def __init__(
        self, plan: ImportPlan, organisation: Organisation, choices: ImportChoices
    ) -> None:
        self._plan = plan
        self._organisation = organisation
        self._choices = choices
        self._report = ImportReport()
        self._terms: dict[str, Term] = {}
        # Stops whose coming visits are made anew.
        self._remade: set[int] = set()

    def write(self, today: date, last: date) -> ImportReport:
        """Write everything, and make the runs from today to the last day."""
        new = self._plan.in_state(RowState.NEW)
        self._find_terms(new)
        places = self._write_places()
        self._add_stops(new, places)
        self._change_stops(places)
        self._take_out()
        db.session.flush()
        self._remake(today, last)
        return self._report

    def _allowed(self, row_key: str, changes: Iterable[FieldChange]) -> list[str]:
        """Fields that may be written: corrections by hand give way only where ticked."""
        ticked = row_key in self._choices.overwritten
        return [change.field for change in changes if ticked or not change.by_hand]

    def _find_terms(self, new: Sequence[PlannedRow]) -> None:
        query = select(Term).where(
            Term.organisation_id == self._organisation.id,
            Term.import_key.in_({service_key(row.service) for row in self._plan.rows}),
        )
        self._terms = {term.import_key or "": term for term in db.session.scalars(query)}
        for row in new:
            start = row.row.recurrence.start
            term = self._terms.get(service_key(row.service)) or self._new_term(row.service, start)
            term.starts_on = min(term.starts_on, start)
        db.session.flush()

    def _new_term(self, service: str, start: date) -> Term:
        term = Term(
            organisation_id=self._organisation.id,
            name=self._free_term_name(service),
            starts_on=start,
            status=TermStatus.PUBLISHED,
            published_at=now(),
            # Elsewhere published already: its places know.
            told_at=now(),
            source=SOURCE,
            import_key=service_key(service),
        )
        db.session.add(term)
        self._terms[term.import_key or ""] = term
        return term

    def _free_term_name(self, service: str) -> str:
        """The service's name, or one beside a term of that name that somebody made by hand."""
        query = select(Term.name).where(Term.organisation_id == self._organisation.id)
        taken = set(db.session.scalars(query)) | {term.name for term in self._terms.values()}
        name, number = service, 1
        while name in taken:
            number += 1
            name = f"{service[:150]} ({number})"
        return name

    def _write_places(self) -> dict[str, int]:
        """Make and change places; answers the id of each by its key."""
        planned = self._plan.places.values()
        fresh = [place for place in planned if place.place_id is None]
        ids = {place.key: place.place_id for place in planned if place.place_id is not None}
        if fresh:
            statement = insert(Place).returning(Place.id, sort_by_parameter_order=True)
            rows = [self._new_place(place) for place in fresh]
            made = db.session.scalars(statement, rows)
            ids |= dict(zip((place.key for place in fresh), made, strict=True))
        self._report.places = len(fresh)
        self._change_places()
        return ids

    def _new_place(self, planned: PlannedPlace) -> dict[str, Any]:
        wish = planned.wish
        names = [wish["name"], wish["community"], wish["address"], wish["postcode"]]
        return {
            **place_columns(wish, wish),
            "organisation_id": self._organisation.id,
            "kind": PlaceKind.OTHER,
            "import_key": planned.key,
            "imported": dict(wish),
            "search_key": search_key(" ".join([*names, planned.service]))[:LONGEST_KEY],
            "source": f"{SOURCE}: {planned.file}"[:200],
            "created_at": now(),
        }

    def _change_places(self) -> None:
        row_keys: dict[str, str] = {}
        for row in self._plan.rows:
            row_keys.setdefault(row.place_key, row.key)
        known = [p for p in self._plan.places.values() if p.place_id is not None]
        for planned in known:
            place = db.session.get_one(Place, planned.place_id)
            if planned.wish != place.imported or planned.key != place.import_key:
                place.imported = dict(planned.wish)
                place.import_key = planned.key
            fields = self._allowed(row_keys[planned.key], planned.changes)
            if not fields:
                continue
            for name, value in place_columns(planned.wish, fields).items():
                setattr(place, name, value)
            assign_units(place)
            if "address" in fields:
                place.geocoder_asked_at = None
            if "position" in fields:
                self._remake_stops_at(place)

    def _remake_stops_at(self, place: Place) -> None:
        query = select(Stop.id).where(
            Stop.place_id == place.id, Stop.term_id.in_({t.id for t in self._terms.values()})
        )
        self._remade |= set(db.session.scalars(query))

    def _add_stops(self, rows: Sequence[PlannedRow], places: Mapping[str, int]) -> None:
        if not rows:
            return
        vans = self._vans(rows)
        routes = self._routes(rows, vans)
        free = _FreeKeys(self._organisation.id)
        values = []
        for row in rows:
            wish = stop_wish(row.row)
            place_id = places[row.place_key]
            values.append(
                {
                    **stop_columns(wish, wish),
                    "organisation_id": self._organisation.id,
                    "term_id": self._terms[service_key(row.service)].id,
                    "place_id": place_id,
                    "van_id": vans[row.van_key],
                    "route_id": routes[row.route_key],
                    "windows": [],
                    "promised": "",
                    "import_key": free.key(row.key),
                    "imported": imported_of(row.row, place_id),
                }
            )
        db.session.execute(insert(Stop), values)
        self._report.stops_added = len(values)

    def _vans(self, rows: Sequence[PlannedRow]) -> dict[tuple[str, str], int]:
        vans = dict(self._plan.known.vans)
        query = select(Van).where(Van.organisation_id == self._organisation.id)
        there = {(van.operator, van.name): van.id for van in db.session.scalars(query)}
        for row in rows:
            if row.van_key in vans:
                continue
            own = row.service.casefold() == self._organisation.name.casefold()
            name = ("" if own else row.service, row.row.mobile)
            if name not in there:
                van = Van(organisation_id=self._organisation.id, operator=name[0], name=name[1])
                db.session.add(van)
                db.session.flush()
                there[name] = van.id
                self._report.vans += 1
            vans[row.van_key] = there[name]
        return vans

    def _routes(
        self, rows: Sequence[PlannedRow], vans: Mapping[tuple[str, str], int]
    ) -> dict[tuple[str, str, str], int]:
        routes = dict(self._plan.known.routes)
        term_ids = {term.id for term in self._terms.values()}
        query = select(Route).where(Route.term_id.in_(term_ids))
        there = {(r.term_id, r.van_id, r.name): r.id for r in db.session.scalars(query)}
        for row in rows:
            if row.route_key in routes:
                continue
            term_id = self._terms[service_key(row.service)].id
            name = (term_id, vans[row.van_key], row.row.route)
            if name not in there:
                route = Route(
                    organisation_id=self._organisation.id,
                    term_id=term_id,
                    van_id=name[1],
                    name=name[2],
                )
                db.session.add(route)
                db.session.flush()
                there[name] = route.id
                self._report.routes += 1
            routes[row.route_key] = there[name]
        return routes

    def _change_stops(self, places: Mapping[str, int]) -> None:
        for row in self._plan.rows:
            if row.stop_id is None:
                continue
            stop = self._plan.known.by_id[row.stop_id]
            of_stop = {"place", *stop_wish(row.row)}
            fields = set(self._allowed(row.key, row.changes))
            self._change_stop(stop, row, fields & of_stop, places[row.place_key])
            if fields:
                self._report.stops_changed += 1

    def _change_stop(self, stop: Stop, row: PlannedRow, fields: set[str], place_id: int) -> None:
        imported = imported_of(row.row, place_id)
        if stop.imported != imported:
            stop.imported = imported
        if "place" in fields:
            stop.place_id = place_id
        for name, value in stop_columns(stop_wish(row.row), fields - {"place"}).items():
            setattr(stop, name, value)
        if fields & TIMETABLED:
            self._remade.add(stop.id)

    def _take_out(self) -> None:
        for stop in self._plan.absent:
            if stop.id not in self._choices.taken_out:
                continue
            stop.enabled = False
            # Should a later file bring it back, it is no longer somebody's decision by hand.
            stop.imported = {**stop.imported, "enabled": False}
            self._remade.add(stop.id)
            self._report.stops_taken_out += 1

    def _remake(self, today: date, last: date) -> None:
        if self._remade:
            # A place may have moved: its drives are measured anew.
            make_again(self._remade, today, new_frame=True)
        if not (self._remade or self._report.stops_added):
            return
        for term in self._terms.values():
            if term.status is TermStatus.PUBLISHED:
                self._report.fills.append(fill_runs(term, max(today, term.starts_on), last))
        db.session.flush()
        # Of other stops, too: filling may have made later visits than there were.
        runs_filled.send(None, organisation_id=self._organisation.id)


class _FreeKeys:
    """Keys for new stops; an older stop may hold a row's key though it was corrected since."""

    def __init__(self, organisation_id: int) -> None:
        query = select(Stop.import_key).where(
            Stop.organisation_id == organisation_id, Stop.import_key.is_not(None)
        )
        self._taken = set(db.session.scalars(query))

    def key(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name
