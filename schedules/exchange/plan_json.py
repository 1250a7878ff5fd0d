"""Planning problems and plans as JSON documents, so that the planner serves without the app.

``plan_problem.schema.json`` and ``plan.schema.json`` beside this module say what the documents
hold, ``PLAN_JSON.md`` how to write one. A document that cannot be used is refused whole, with
every fault in it: where, which value, what would be right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..planning.day_choices import (
    AllowedDays,
    AsOftenAsRule,
    EveryWeeks,
    Frequency,
    NoChoice,
    OnRule,
    TimesInAll,
    choices_holding,
    day_choices,
)
from ..planning.distances import distances_between
from ..planning.plan import Plan, PlannedRun, PlannedVisit
from ..planning.problem import (
    DayChoice,
    Distances,
    LockedVisit,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
    Weights,
)
from ..recurrence import RuleError, parse_recurrence
from ..timing import Lunch, Window
from ..travel import GeodesicTravel, Position
from .json_shape import JsonFault, JsonFaultsError, read_json, shape_faults, shown

if TYPE_CHECKING:
    from ..planning.explanation import Change

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PROBLEM_FORMAT = "bus-ops-plan-problem"
PLAN_FORMAT = "bus-ops-plan"
VERSION = 1
MINUTES_OF_A_DAY = 24 * 60
LONGEST_PERIOD_DAYS = 3 * 366
# Explaining a stop takes up to a second.
MOST_EXPLAINED = 20


class PlanJsonProblem(StrEnum):
    """What is wrong with a document whose shape is right."""

    UNKNOWN_NAME = "unknown_name"
    TWICE = "twice"
    NOT_IN_PERIOD = "not_in_period"
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    PERIOD_TOO_LONG = "period_too_long"
    NO_DAYS = "no_days"
    POSITION_MISSING = "position_missing"
    MATRIX_SIZE = "matrix_size"
    NOT_A_RULE = "not_a_rule"
    FREQUENCY_OR_CHOICES = "frequency_or_choices"


@dataclass(frozen=True)
class ReadProblem:
    """A document's problem, and why stops have no days to choose from."""

    problem: PlanningProblem
    without_days: Mapping[str, NoChoice]


def problem_from_json(text: str) -> ReadProblem:
    """The problem that a document poses; raises JsonFaultsError with everything wrong in it."""
    document = read_json(text)
    faults = shape_faults(document, problem_schema())
    if faults:
        raise JsonFaultsError(faults)
    return _Reading(document).work()


def plan_to_json(problem: PlanningProblem, plan: Plan, reasons: Mapping[str, Any]) -> str:
    """The plan as a document; ``reasons`` says of each unplaced stop what keeps it out."""
    document = {
        "format": PLAN_FORMAT,
        "version": VERSION,
        "metres": round(plan.metres, 1),
        "drive_minutes": round(plan.drive_minutes, 1),
        "price_m": round(plan.price_m, 1),
        "seed": plan.seed,
        "iterations": plan.iterations,
        "seconds": round(plan.seconds, 2),
        "runs": [_run_json(problem, run) for run in plan.runs],
        "unplaced": [{"stop": key, **reasons.get(key, {})} for key in plan.unplaced],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def plan_from_json(text: str, seconds: float = 60.0, seed: int = 0) -> str:
    """A problem's document into its plan's document; raises JsonFaultsError."""
    # Compiled code that nobody needs who only reads and writes documents.
    from ..planning.planner import plan

    read = problem_from_json(text)
    found = plan(read.problem, seconds, seed)
    return plan_to_json(read.problem, found, reasons_of(read, found))


def reasons_of(read: ReadProblem, plan: Plan) -> dict[str, dict[str, Any]]:
    """Of the stops left out (of the first ``MOST_EXPLAINED``) what keeps them out, and the changes
    that would let them in."""
    from ..planning.explanation import explain_unplaced

    reasons: dict[str, dict[str, Any]] = {
        one.stop: {
            "obstacle": one.obstacle.value,
            "changes": [_change_json(read.problem, change) for change in one.changes],
        }
        for one in explain_unplaced(read.problem, plan, plan.unplaced[:MOST_EXPLAINED])
    }
    for key, why in read.without_days.items():
        reasons.setdefault(key, {})["no_choice"] = why.value
    return reasons


@cache
def problem_schema() -> Mapping[str, Any]:
    """JSON Schema of a problem."""
    return _schema("plan_problem")


@cache
def plan_schema() -> Mapping[str, Any]:
    """JSON Schema of a plan."""
    return _schema("plan")


def _schema(name: str) -> Mapping[str, Any]:
    text = Path(__file__).with_name(f"{name}.schema.json").read_text("utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


class _Reading:
    """A document of the right shape into a problem; notes what makes no sense."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._faults: list[JsonFault] = []
        self._without_days: dict[str, NoChoice] = {}
        self._first = date.fromisoformat(document["first"])
        self._last = date.fromisoformat(document["last"])
        self._van_keys = [van["id"] for van in document["vans"]]
        self._stop_keys = [stop["id"] for stop in document["stops"]]

    def work(self) -> ReadProblem:
        self._check_period()
        self._days = self._open_days()
        self._index = {day: number for number, day in enumerate(self._days)}
        self._check_names("vans", self._van_keys)
        self._check_names("stops", self._stop_keys)
        vans = tuple(self._van(*one) for one in _at("vans", self._document["vans"]))
        stops = tuple(self._stop(*one) for one in _at("stops", self._document["stops"]))
        distances = self._distances()
        groups = {name: self._groups(name) for name in ("together", "apart")}
        present = self._present()
        self._raise_faults()
        weights = self._document.get("weights", {})
        problem = PlanningProblem(
            days=self._days,
            stops=stops,
            vans=vans,
            distances=distances,
            weights=Weights(**{name: float(value) for name, value in weights.items()}),
            present=present,
            **groups,
        )
        return ReadProblem(problem, self._without_days)

    def _fault(self, path: str, value: Any, problem: PlanJsonProblem, *expected: object) -> None:
        said = tuple(str(one) for one in expected)
        self._faults.append(JsonFault(path, shown(value), problem, said))

    def _check_period(self) -> None:
        """Nothing else makes sense in a period that makes none."""
        first, last = self._document["first"], self._document["last"]
        if self._last < self._first:
            self._fault("last", last, PlanJsonProblem.ENDS_BEFORE_IT_BEGINS, first)
        elif (self._last - self._first).days >= LONGEST_PERIOD_DAYS:
            self._fault("last", last, PlanJsonProblem.PERIOD_TOO_LONG, LONGEST_PERIOD_DAYS)
        self._raise_faults()

    def _raise_faults(self) -> None:
        """Each once: a window that holds on several days is read for each of them."""
        if self._faults:
            raise JsonFaultsError(list(dict.fromkeys(self._faults)))

    def _open_days(self) -> tuple[date, ...]:
        length = (self._last - self._first).days + 1
        weekdays = _weekdays(self._document)
        closed = self._closed("", self._document)
        every = (self._first + timedelta(days=number) for number in range(length))
        days = tuple(d for d in every if d.weekday() in weekdays and d not in closed)
        if not days:
            self._fault("first", self._document["first"], PlanJsonProblem.NO_DAYS)
        self._raise_faults()
        return days

    def _check_names(self, path: str, keys: Sequence[str]) -> None:
        for number, key in enumerate(keys):
            if key in keys[:number]:
                self._fault(f"{path}[{number}].id", key, PlanJsonProblem.TWICE)

    def _check_known(self, path: str, key: str, known: Sequence[str]) -> None:
        if key not in known:
            self._fault(path, key, PlanJsonProblem.UNKNOWN_NAME, *known)

    def _closed(self, path: str, of: Mapping[str, Any]) -> frozenset[date]:
        days: set[date] = set()
        for place, span in _at(f"{path}closed", of.get("closed", [])):
            first = date.fromisoformat(span["first"])
            last = date.fromisoformat(span.get("last", span["first"]))
            if last < first:
                problem = PlanJsonProblem.ENDS_BEFORE_IT_BEGINS
                self._fault(f"{place}.last", span["last"], problem, span["first"])
            # Only the period's days matter, however long the span is.
            first, last = max(first, self._first), min(last, self._last)
            days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
        return frozenset(days)

    def _day(self, path: str, text: str) -> int:
        """The day's index; 0 after noting that the period has no such day."""
        day = date.fromisoformat(text)
        if day not in self._index:
            problem = PlanJsonProblem.NOT_IN_PERIOD
            self._fault(path, text, problem, self._first, self._last)
        return self._index.get(day, 0)

    def _span(self, path: str, of: Mapping[str, Any], begins: str, ends: str) -> tuple[int, int]:
        first, last = _minutes(of[begins]), _minutes(of[ends])
        if last <= first:
            problem = PlanJsonProblem.ENDS_BEFORE_IT_BEGINS
            self._fault(f"{path}.{ends}", of[ends], problem, of[begins])
        return first, last

    def _van(self, path: str, van: Mapping[str, Any]) -> PlanningVan:
        weekdays, closed = _weekdays(van), self._closed(f"{path}.", van)
        hours = {"leaves_earliest": "00:00", "returns_latest": "24:00", **van}
        leaves, returns = self._span(path, hours, "leaves_earliest", "returns_latest")
        lunch = None
        if "lunch" in van:
            begins, ends = self._span(f"{path}.lunch", van["lunch"], "earliest", "latest")
            lunch = Lunch(begins, ends, int(van["lunch"]["minutes"]))
        return PlanningVan(
            key=van["id"],
            workdays=frozenset(
                index
                for day, index in self._index.items()
                if day.weekday() in weekdays and day not in closed
            ),
            leaves_earliest=leaves,
            returns_latest=returns,
            shift_limit_minutes=van.get("shift_limit_minutes"),
            lunch=lunch,
            capacity=van.get("capacity"),
        )

    def _stop(self, path: str, stop: Mapping[str, Any]) -> PlanningStop:
        for place, key in _at(f"{path}.vans", stop.get("vans", [])):
            self._check_known(place, key, self._van_keys)
        closed = self._closed(f"{path}.", stop)
        return PlanningStop(
            key=stop["id"],
            service_minutes=stop["service_minutes"],
            choices=self._choices(path, stop, closed),
            windows=self._windows(f"{path}.windows", stop.get("windows", []), None),
            windows_on=self._windows_on(path, stop, closed),
            load=stop.get("load", 0.0),
            priority=stop.get("priority", 0),
            skip_price_m=stop.get("skip_price_m"),
            vans=frozenset(stop["vans"]) if "vans" in stop else None,
            locked=self._locked(path, stop),
        )

    def _windows(
        self, path: str, windows: Sequence[Mapping[str, Any]], weekday: int | None
    ) -> tuple[Window, ...]:
        """Those of a weekday, or (None) those that name no weekday."""
        return tuple(
            Window(*self._span(place, window, "opens", "closes"))
            for place, window in _at(path, windows)
            if "weekdays" not in window or (weekday is not None and weekday in _weekdays(window))
        )

    def _windows_on(
        self, path: str, stop: Mapping[str, Any], closed: frozenset[date]
    ) -> dict[int, tuple[Window, ...]]:
        windows = stop.get("windows", [])
        found: dict[int, tuple[Window, ...]] = {}
        if any("weekdays" in window for window in windows):
            of = {d: self._windows(f"{path}.windows", windows, d) for d in range(len(WEEKDAYS))}
            found |= {index: of[day.weekday()] for day, index in self._index.items()}
        found |= {self._index[day]: () for day in closed if day in self._index}
        for text, own in stop.get("windows_on", {}).items():
            place = f"{path}.windows_on.{text}"
            found[self._day(place, text)] = self._windows(place, own, None)
        return found

    def _choices(
        self, path: str, stop: Mapping[str, Any], closed: frozenset[date]
    ) -> tuple[DayChoice, ...]:
        if ("frequency" in stop) == ("choices" in stop):
            self._fault(path, stop["id"], PlanJsonProblem.FREQUENCY_OR_CHOICES)
            return ()
        if "choices" in stop:
            return tuple(
                DayChoice(
                    self._several(f"{place}.days", choice["days"]), choice.get("price_m", 0.0)
                )
                for place, choice in _at(f"{path}.choices", stop["choices"])
            )
        frequency = self._frequency(f"{path}.frequency", stop["frequency"])
        if frequency is None:
            return ()
        previous = stop.get("previous")
        found = day_choices(
            self._days,
            frequency,
            AllowedDays(
                weekdays=_weekdays(stop),
                only=frozenset(self._days),
                off=closed,
                least_gap_days=stop.get("least_gap_days", 1),
                longest_gap_days=stop.get("longest_gap_days"),
                previous=date.fromisoformat(previous) if previous else None,
                reach_days=0 if isinstance(frequency, OnRule) else 3,
            ),
            present=self._several(f"{path}.present", stop.get("present", [])),
            spread=self._stop_keys.index(stop["id"]),
        )
        locked = sorted({self._index.get(date.fromisoformat(v["day"]), 0) for v in _locked(stop)})
        if found.problem is not None and not locked:
            self._without_days[stop["id"]] = found.problem
        # Every second week means at least half as many visits as there are whole weeks.
        least = 0
        if isinstance(frequency, EveryWeeks):
            least = ((self._last - self._first).days + 1) // (7 * frequency.weeks)
        enough = [choice for choice in found.choices if len(choice.days) >= least]
        return choices_holding(enough or found.choices, locked, self._days)

    def _frequency(self, path: str, said: Mapping[str, Any]) -> Frequency | None:
        if "every_weeks" in said:
            return EveryWeeks(int(said["every_weeks"]))
        if "times" in said:
            return TimesInAll(int(said["times"]))
        rule = said["rule"]
        try:
            recurrence = parse_recurrence(rule["rrule"], date.fromisoformat(rule["start"]))
        except RuleError as error:
            self._fault(
                f"{path}.rule.rrule", rule["rrule"], PlanJsonProblem.NOT_A_RULE, error.problem.value
            )
            return None
        return OnRule(recurrence) if rule.get("same_days") else AsOftenAsRule(recurrence)

    def _several(self, path: str, days: Sequence[str]) -> tuple[int, ...]:
        return tuple(sorted({self._day(place, text) for place, text in _at(path, days)}))

    def _locked(self, path: str, stop: Mapping[str, Any]) -> tuple[LockedVisit, ...]:
        visits = []
        for place, visit in _at(f"{path}.locked", _locked(stop)):
            if "van" in visit:
                self._check_known(f"{place}.van", visit["van"], self._van_keys)
            arrival = _minutes(visit["arrival"]) if "arrival" in visit else None
            day = self._day(f"{place}.day", visit["day"])
            visits.append(LockedVisit(day, visit.get("van"), arrival))
        return tuple(visits)

    def _present(self) -> dict[str, tuple[int, ...]]:
        return {
            stop["id"]: self._several(f"stops[{number}].present", stop["present"])
            for number, stop in enumerate(self._document["stops"])
            if "present" in stop
        }

    def _groups(self, name: str) -> tuple[frozenset[str], ...]:
        groups = []
        for path, group in _at(name, self._document.get(name, [])):
            for place, key in _at(path, group):
                self._check_known(place, key, self._stop_keys)
            groups.append(frozenset(group))
        return tuple(groups)

    def _distances(self) -> Distances:
        travel = self._document.get("travel", {"estimate": {}})
        if "matrix" in travel:
            return Distances(
                self._matrix("metres", travel["matrix"]["metres"]),
                self._matrix("minutes", travel["matrix"]["minutes"]),
            )
        said = travel["estimate"]
        source = GeodesicTravel(said.get("detour_factor", 1.3), said.get("speed_kmh", 30.0))
        for path, stop in _at("stops", self._document["stops"]):
            if "position" not in stop:
                self._fault(f"{path}.position", None, PlanJsonProblem.POSITION_MISSING)
        return distances_between(
            [_position(stop.get("position")) for stop in self._document["stops"]],
            [_position(van.get("depot")) for van in self._document["vans"]],
            source,
            int(said.get("buffer_minutes", 0)),
        )

    def _matrix(self, name: str, rows: list[list[float | None]]) -> NDArray[np.float64]:
        stops = len(self._stop_keys)
        size = stops + len(self._van_keys)
        path = f"travel.matrix.{name}"
        whole: NDArray[np.float64] = np.zeros((size, size))
        wanted = len(rows) if len(rows) in (stops, size) else size
        if len(rows) != wanted:
            self._fault(path, len(rows), PlanJsonProblem.MATRIX_SIZE, stops, size)
            return whole
        for number, row in enumerate(rows):
            if len(row) != wanted:
                self._fault(f"{path}[{number}]", len(row), PlanJsonProblem.MATRIX_SIZE, wanted)
                return whole
        whole[:wanted, :wanted] = [[np.inf if x is None else x for x in row] for row in rows]
        return whole


def _at(path: str, items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Each item with its place."""
    return ((f"{path}[{number}]", item) for number, item in enumerate(items))


def _locked(stop: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    locked: Sequence[Mapping[str, Any]] = stop.get("locked", [])
    return locked


def _weekdays(of: Mapping[str, Any]) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(name) for name in of.get("weekdays", WEEKDAYS))


def _position(said: Mapping[str, float] | None) -> Position | None:
    return Position(said["lat"], said["lon"]) if said else None


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _clock(minutes: float) -> str:
    """HH:MM, with seconds where they matter; hours go on after midnight."""
    seconds = round(minutes * 60)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return text if seconds % 60 == 0 else f"{text}:{seconds % 60:02d}"


def _run_json(problem: PlanningProblem, run: PlannedRun) -> dict[str, Any]:
    lunch = run.lunch
    return {
        "day": problem.days[run.day].isoformat(),
        "van": run.van,
        "leaves_depot": _clock(run.leaves_depot),
        "returns_depot": _clock(run.returns_depot),
        "lunch": {"begins": _clock(lunch.opens), "ends": _clock(lunch.closes)} if lunch else None,
        "distance_m": round(run.distance_m, 1),
        "drive_minutes": round(run.drive_minutes, 1),
        "visits": [_visit_json(visit) for visit in run.visits],
    }


def _change_json(problem: PlanningProblem, change: Change) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "minutes": change.minutes,
        "load": change.load,
        "van": change.van,
        "day": None if change.day is None else problem.days[change.day].isoformat(),
        "skip_price_m": change.skip_price_m,
        "fewer": change.fewer,
    }
    return {
        "kind": change.kind.value,
        "days": [problem.days[day].isoformat() for day in change.days],
        "metres": round(change.metres, 1),
        "drive_minutes": round(change.drive_minutes, 1),
        **{name: figure for name, figure in figures.items() if figure},
    }


def _visit_json(visit: PlannedVisit) -> dict[str, Any]:
    return {
        "stop": visit.stop,
        "arrival": _clock(visit.arrival),
        "departure": _clock(visit.departure),
        "drive_minutes": round(visit.drive_minutes, 1),
        "distance_m": round(visit.distance_m, 1),
        "waiting_minutes": round(visit.waiting_minutes, 1),
        "lunch_before": visit.lunch_before,
    }
