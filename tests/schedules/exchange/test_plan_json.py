"""Planning documents: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

import copy
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.exchange import plan_json
from schedules.exchange.json_shape import JsonFaultsError, ShapeProblem, shape_faults
from schedules.exchange.plan_json import (
    PlanJsonProblem,
    plan_from_json,
    plan_schema,
    problem_from_json,
    problem_schema,
)
from schedules.planning.day_choices import NoChoice
from schedules.planning.explanation import ChangeKind, Obstacle
from schedules.planning.problem import LockedVisit
from schedules.timing import Lunch, Window

DOCUMENTATION = Path(plan_json.__file__).with_name("PLAN_JSON.md")


def example() -> dict[str, Any]:
    """The documentation's own document."""
    (text,) = re.findall(r"```json\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)
    document: dict[str, Any] = json.loads(text)
    return document


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with another value at a place; DELETE takes it away."""
    document = example()
    *way, last = [int(p) if p.isdigit() else p for p in re.findall(r"[^.\[\]]+", path)]
    target: Any = document
    for step in way:
        target = target[step]
    if value is DELETE:
        del target[last]
    else:
        target[last] = value
    return document


DELETE = object()


def test_the_documented_example_is_planned_with_every_stop_placed() -> None:
    planned = json.loads(plan_from_json(json.dumps(example()), seconds=0.3, seed=1))
    assert shape_faults(planned, plan_schema()) == []
    assert planned["unplaced"] == []
    assert planned["seed"] == 1
    visits: dict[str, list[str]] = {}
    for run in planned["runs"]:
        assert run["day"] != "2026-09-24"
        assert sum(v["distance_m"] for v in run["visits"]) < run["distance_m"]
        for visit in run["visits"]:
            visits.setdefault(visit["stop"], []).append(run["day"])
    assert len(visits["school"]) == 4
    assert len(visits["commune"]) == 2
    assert set(visits["commune"]) <= set(visits["school"])
    assert visits["village"] in (["2026-09-09"], ["2026-09-16"])
    assert planned["metres"] == pytest.approx(sum(r["distance_m"] for r in planned["runs"]), abs=1)


def test_a_document_becomes_the_planners_problem() -> None:
    document = example()
    document["stops"][0] |= {
        "windows_on": {"2026-09-08": []},
        "locked": [{"day": "2026-09-07", "van": "van", "arrival": "08:00"}],
        "closed": [{"first": "2026-09-15", "last": "2026-09-16"}],
        "present": ["2026-09-08", "2026-09-07"],
        "vans": ["van"],
        "load": 20,
        "priority": 3,
    }
    document["stops"][1]["windows"] = [
        {"opens": "08:00", "closes": "10:00", "weekdays": ["tuesday"]},
    ]
    document["weights"] = {"balance_m_per_hour": 500, "moved_visit_m": 1000}
    problem = problem_from_json(json.dumps(document)).problem
    assert len(problem.days) == 19
    assert problem.days[0] == date(2026, 9, 7)
    school, commune, village = problem.stops
    assert school.windows == (Window(450, 645), Window(810, 990))
    assert [school.windows_of(day) for day in (1, 6, 7)] == [(), (), ()]
    assert school.locked == (LockedVisit(0, "van", 480),)
    assert all(0 in choice.days for choice in school.choices)
    assert not any({6, 7} & set(choice.days) for choice in school.choices)
    assert problem.present == {"school": (0, 1)}
    assert commune.windows_of(1) == (Window(480, 600),)
    assert commune.windows_of(4) == ()
    assert [choice.price_m for choice in village.choices] == [0.0, 2000]
    assert village.skip_price_m == 60_000
    (van,) = problem.vans
    assert (van.leaves_earliest, van.returns_latest) == (390, 1050)
    assert van.lunch == Lunch(660, 750, 60)
    assert problem.weights.moved_visit_m == 1000
    # Each drive has its buffer; a place is at no distance from itself.
    assert problem.distances.minutes[0, 1] >= 5
    assert np.all(np.diag(problem.distances.metres) == 0)


def test_a_matrix_may_leave_the_depots_out_and_have_no_road() -> None:
    document = example()
    between = [[0, 1000, None], [1000, 0, 2000], [None, 2000, 0]]
    document["travel"] = {"matrix": {"metres": between, "minutes": between}}
    for stop in document["stops"]:
        del stop["position"]
    metres = problem_from_json(json.dumps(document)).problem.distances.metres
    assert metres.shape == (4, 4)
    assert metres[0, 2] == np.inf
    assert metres[3].sum() == metres[:, 3].sum() == 0


def test_a_stop_whose_frequency_gives_no_days_is_named_with_the_reason() -> None:
    document = changed("stops[1].frequency", {"times": 15})
    read = problem_from_json(json.dumps(document))
    assert read.without_days == {"commune": NoChoice.TOO_FEW_DAYS}
    planned = json.loads(plan_from_json(json.dumps(document), seconds=0.1))
    why = {"obstacle": "no_choices", "no_choice": "too_few_days", "changes": []}
    assert planned["unplaced"] == [{"stop": "commune", **why}]
    assert shape_faults(planned, plan_schema()) == []


def test_what_would_let_an_unplaced_stop_in_stands_in_the_plan() -> None:
    document = changed("stops[2].windows", [{"opens": "08:00", "closes": "08:50"}])
    planned = json.loads(plan_from_json(json.dumps(document), seconds=0.1))
    assert shape_faults(planned, plan_schema()) == []
    (village,) = planned["unplaced"]
    assert (village["stop"], village["obstacle"]) == ("village", "never_possible")
    kinds = {change["kind"]: change for change in village["changes"]}
    assert kinds["open_earlier"]["minutes"] == kinds["close_later"]["minutes"] == 10
    assert kinds["close_later"]["days"] in (["2026-09-09"], ["2026-09-16"])


FAULTS: list[tuple[str, Any, str, str]] = [
    ("format", "something", "format", ShapeProblem.NOT_ONE_OF),
    ("version", 2, "version", ShapeProblem.NOT_ONE_OF),
    ("first", DELETE, "first", ShapeProblem.MISSING),
    ("first", "2026-02-30", "first", ShapeProblem.NOT_A_DATE),
    ("first", "20260907", "first", ShapeProblem.NOT_A_DATE),
    ("last", "2026-09-06", "last", PlanJsonProblem.ENDS_BEFORE_IT_BEGINS),
    ("last", "2036-09-06", "last", PlanJsonProblem.PERIOD_TOO_LONG),
    ("closed", [{"first": "2026-09-01", "last": "2027-01-01"}], "first", PlanJsonProblem.NO_DAYS),
    ("closed[0].last", "2026-09-01", "closed[0].last", PlanJsonProblem.ENDS_BEFORE_IT_BEGINS),
    ("weekdays[0]", "lundi", "weekdays[0]", ShapeProblem.NOT_ONE_OF),
    ("stops", [], "stops", ShapeProblem.TOO_FEW),
    ("stops[0].service_minutes", "90", "stops[0].service_minutes", ShapeProblem.WRONG_TYPE),
    ("stops[0].service_minutes", True, "stops[0].service_minutes", ShapeProblem.WRONG_TYPE),
    ("stops[0].service_minutes", -1, "stops[0].service_minutes", ShapeProblem.TOO_SMALL),
    ("stops[0].servise", 1, "stops[0].servise", ShapeProblem.UNKNOWN_FIELD),
    ("stops[0].position.lat", 91, "stops[0].position.lat", ShapeProblem.TOO_LARGE),
    ("stops[0].position", DELETE, "stops[0].position", PlanJsonProblem.POSITION_MISSING),
    ("stops[0].windows[0].opens", "24:01", "stops[0].windows[0].opens", ShapeProblem.NOT_A_CLOCK),
    (
        "stops[0].windows[0].closes",
        "07:30",
        "stops[0].windows[0].closes",
        PlanJsonProblem.ENDS_BEFORE_IT_BEGINS,
    ),
    ("stops[0].frequency", {}, "stops[0].frequency", ShapeProblem.ONE_FIELD_ONLY),
    ("stops[0].frequency", DELETE, "stops[0]", PlanJsonProblem.FREQUENCY_OR_CHOICES),
    (
        "stops[0].frequency",
        {"rule": {"rrule": "FREQ=HOURLY", "start": "2026-09-01"}},
        "stops[0].frequency.rule.rrule",
        PlanJsonProblem.NOT_A_RULE,
    ),
    ("stops[0].vans", ["boat"], "stops[0].vans[0]", PlanJsonProblem.UNKNOWN_NAME),
    ("stops[0].locked", [{"day": "2026-09-12"}], "stops[0].locked[0].day", "not_in_period"),
    ("stops[0].present", ["2027-01-01"], "stops[0].present[0]", PlanJsonProblem.NOT_IN_PERIOD),
    ("stops[1].id", "school", "stops[1].id", PlanJsonProblem.TWICE),
    ("together[0][1]", "nobody", "together[0][1]", PlanJsonProblem.UNKNOWN_NAME),
    ("stops[0].windows_on", {"someday": []}, "stops[0].windows_on.someday", "not_a_date"),
    (
        "travel",
        {"matrix": {"metres": [[0]], "minutes": [[0]]}},
        "travel.matrix.metres",
        PlanJsonProblem.MATRIX_SIZE,
    ),
    ("vans[0].lunch.latest", "10:00", "vans[0].lunch.latest", "ends_before_it_begins"),
]


@pytest.mark.parametrize(("path", "value", "told_at", "problem"), FAULTS)
def test_a_fault_is_told_with_its_place_and_kind(
    path: str, value: Any, told_at: str, problem: str
) -> None:
    with pytest.raises(JsonFaultsError) as raised:
        problem_from_json(json.dumps(changed(path, value)))
    assert (told_at, problem) in {(fault.path, fault.problem) for fault in raised.value.faults}


def test_every_fault_is_told_at_once_with_its_value() -> None:
    document = changed("stops[0].windows[0].opens", "25:00")
    document["vans"][0]["id"] = 7
    with pytest.raises(JsonFaultsError) as raised:
        problem_from_json(json.dumps(document))
    assert [(fault.path, fault.value) for fault in raised.value.faults] == [
        ("vans[0].id", "7"),
        ("stops[0].windows[0].opens", '"25:00"'),
    ]


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"a": NaN}', "[" * 100_000, '"\\'])
def test_what_is_no_json_is_told_with_its_line(text: str) -> None:
    with pytest.raises(JsonFaultsError) as raised:
        problem_from_json(text)
    (fault,) = raised.value.faults
    assert fault.problem == ShapeProblem.NOT_JSON
    assert re.fullmatch(r"\d+:\d+", fault.path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: str = "") -> list[str]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, item in value.items():
            found += places(item, f"{path}.{name}" if path else name)
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += places(item, f"{path}[{number}]")
    return found


@settings(max_examples=150)
@given(place=st.sampled_from(places(example())), value=anything)
def test_whatever_stands_anywhere_is_read_or_told(place: str, value: Any) -> None:
    document = changed(place, copy.deepcopy(value))
    try:
        read = problem_from_json(json.dumps(document))
    except JsonFaultsError as error:
        assert error.faults
        return
    assert {stop.key for stop in read.problem.stops} == {one["id"] for one in document["stops"]}


def test_the_schemas_use_only_what_the_check_understands() -> None:
    understood = {
        *("$schema", "$id", "$defs", "$ref", "title", "description", "default", "type", "const"),
        *("enum", "properties", "required", "additionalProperties", "propertyNames", "items"),
        *("maxProperties", "minItems", "minLength", "minimum", "maximum", "format", "pattern"),
    }

    def words(schema: Any) -> set[str]:
        if not isinstance(schema, dict):
            return set()
        inner = [schema.get("items"), schema.get("additionalProperties")]
        inner += [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
        return set(schema) | set().union(*(words(one) for one in inner))

    assert words(problem_schema()) | words(plan_schema()) <= understood


def test_the_schema_knows_every_obstacle_and_change() -> None:
    unplaced = plan_schema()["properties"]["unplaced"]["items"]["properties"]
    change = unplaced["changes"]["items"]["properties"]
    assert unplaced["obstacle"]["enum"] == [one.value for one in Obstacle]
    assert change["kind"]["enum"] == [one.value for one in ChangeKind]
