"""What the pages of a planning show: its months beside the present ones, its days on a map."""

from __future__ import annotations

import itertools
from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import folium
from flask import url_for
from sqlalchemy.orm import undefer

from schedules.outlines import crossed

from ..database import db, owned
from ..i18n import format_minutes_clock
from ..maps import MapOutline, MapStop, run_map
from ..places.models import AdministrativeUnit, UnitLevel
from ..timetable.retiming import depot_position, position_of
from ..travel_sources import credit_of, line_over
from .ground import Ground, Lock
from .judging import Broken
from .proposal import Proposal, ProposedRun

Point = tuple[float, float]


@dataclass(frozen=True)
class DayCell:
    """A day of the calendar: the planned runs beside those of the present timetable."""

    day: date
    in_month: bool
    planned: tuple[ProposedRun, ...]
    present: tuple[ProposedRun, ...]
    broken: int
    # Visits that the present timetable has on another day or not at all.
    new_visits: int

    @property
    def planned_visits(self) -> int:
        """Visits of all planned runs."""
        return sum(len(run.visits) for run in self.planned)

    @property
    def present_visits(self) -> int:
        """Visits of all present runs."""
        return sum(len(run.visits) for run in self.present)

    @property
    def distance_m(self) -> int:
        """Driving of all planned runs."""
        return sum(run.distance_m for run in self.planned)


@dataclass(frozen=True)
class StopLine:
    """A stop of the plan: its days beside the present ones."""

    stop_id: int
    days: tuple[date, ...]
    new_days: frozenset[date]
    gone_days: tuple[date, ...]
    locked: frozenset[date]

    @property
    def gaps(self) -> tuple[int, int] | None:
        """Shortest and longest number of days between two visits."""
        gaps = [(b - a).days for a, b in itertools.pairwise(self.days)]
        return (min(gaps), max(gaps)) if gaps else None


def month_cells(
    month: date, planned: Proposal, present: Proposal, broken: Sequence[Broken]
) -> list[list[DayCell]]:
    """The weeks (from Monday) that the month touches."""
    by_day: dict[date, list[ProposedRun]] = {}
    by_present_day: dict[date, list[ProposedRun]] = {}
    for runs, days in ((planned.runs, by_day), (present.runs, by_present_day)):
        for run in runs:
            days.setdefault(run.day, []).append(run)
    known = {(v.stop_id, run.day) for run in present.runs for v in run.visits}
    problems = [one.day for one in broken]

    def cell(day: date) -> DayCell:
        runs = tuple(by_day.get(day, ()))
        new = sum((v.stop_id, day) not in known for run in runs for v in run.visits)
        before = tuple(by_present_day.get(day, ()))
        return DayCell(day, day.month == month.month, runs, before, problems.count(day), new)

    weeks = Calendar(firstweekday=0).monthdatescalendar(month.year, month.month)
    return [[cell(day) for day in week] for week in weeks]


def stop_lines(planned: Proposal, present: Proposal, locks: Sequence[Lock]) -> dict[int, StopLine]:
    """Each stop of either timetable, by its id."""
    after, before = planned.days_by_stop(), present.days_by_stop()
    lines = {}
    for stop_id in {*after, *before, *planned.unplaced}:
        days, old = after.get(stop_id, []), before.get(stop_id, [])
        lines[stop_id] = StopLine(
            stop_id,
            tuple(days),
            frozenset(days) - frozenset(old),
            tuple(day for day in old if day not in days),
            frozenset(lock.day for lock in locks if lock.stop_id == stop_id),
        )
    return lines


def map_of_day(
    day: date, planned: Proposal, present: Proposal, ground: Ground, planning_id: int
) -> folium.Map:
    """The day's planned way with its numbered stops, over the present way of the same day."""
    runs = [run for run in planned.runs if run.day == day]
    stops = [stop for run in runs for stop in _markers(run, ground, planning_id, len(runs) > 1)]
    depots = {
        van.depot_id: van.depot
        for run in runs
        if (van := ground.vans.get(run.van_id)) is not None and van.depot is not None
    }
    marks = [MapStop("⌂", d.name, d.lat, d.lon, "depot") for d in depots.values()]
    ways = [_way(run, ground) for run in runs]
    before = [_way(run, ground) for run in present.runs if run.day == day]
    return run_map(
        "plan",
        [*marks, *stops],
        path=ways[0] if ways else (),
        outlines=_outlines(ground, [point for way in ways for point in way]),
        more_paths=ways[1:],
        faint_paths=before,
        credit=credit_of(ground.travel.name),
    )


def _markers(run: ProposedRun, ground: Ground, planning_id: int, named: bool) -> list[MapStop]:
    marks = []
    for number, visit in enumerate(run.visits, 1):
        stop = ground.stops.get(visit.stop_id)
        if stop is None or stop.place.lat is None or stop.place.lon is None:
            continue
        van = ground.vans.get(run.van_id)
        times = f"{format_minutes_clock(visit.arrival)}–{format_minutes_clock(visit.departure)}"
        marks.append(
            MapStop(
                number=str(number),
                name=stop.place.name,
                lat=stop.place.lat,
                lon=stop.place.lon,
                detail=f"{times} · {van.name}" if named and van else times,
                href=url_for("planning.stop_page", planning_id=planning_id, stop_id=visit.stop_id),
            )
        )
    return marks


def _way(run: ProposedRun, ground: Ground) -> list[Point]:
    van = ground.vans.get(run.van_id)
    start = depot_position(van) if van else None
    stops = [ground.stops[v.stop_id] for v in run.visits if v.stop_id in ground.stops]
    known = [position for stop in stops if (position := position_of(stop.place)) is not None]
    points = [start, *known, start] if start and known else known
    return line_over(ground.travel, points)


def _outlines(ground: Ground, way: Sequence[Point]) -> list[MapOutline]:
    """Outlines of the communes that the ways lead through."""
    query = (
        owned(AdministrativeUnit)
        .where(
            AdministrativeUnit.level == UnitLevel.COMMUNE,
            AdministrativeUnit.valid_until.is_(None),
        )
        .options(undefer(AdministrativeUnit.outline))
    )
    units = {unit.id: unit for unit in db.session.scalars(query) if unit.outline}
    outlines = [(key, unit.outline) for key, unit in units.items() if unit.outline]
    shown = crossed(list(way), outlines)
    return [MapOutline(units[key].name, outline) for key, outline in outlines if key in shown]
