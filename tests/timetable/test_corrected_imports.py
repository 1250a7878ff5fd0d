"""A corrected file changes what it corrects, keeps what people corrected, and can be taken back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.fleet.models import Van
from bus_ops.i18n import local, today
from bus_ops.places.models import Place
from bus_ops.timetable.import_plan import ImportChoices, ImportPlan, ImportReport, RowState
from bus_ops.timetable.import_taking_back import Obstacle, obstacle_to_taking_back, take_back
from bus_ops.timetable.importing import apply_import, new_run_count, plan_import
from bus_ops.timetable.models import (
    ChangeKind,
    Route,
    Run,
    Stop,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitRecord,
)
from schedules.exchange.mobile_library_csv import LONGEST, RowFault

COLUMNS = (
    "organisation",
    "mobile",
    "route",
    "community",
    "stop",
    "address",
    "postcode",
    "geox",
    "geoy",
    "day",
    "type",
    "arrival",
    "departure",
    "frequency",
    "start",
    "end",
    "exceptions",
    "timetable",
)
MARKET = {
    "organisation": "Hậu Giang",
    "mobile": "Xe 1",
    "route": "Tuyến A",
    "community": "Vị Thanh",
    "stop": "Chợ",
    "address": "1 Trần Hưng Đạo",
    "geox": "105.47",
    "geoy": "9.78",
    "day": "Monday",
    "arrival": "09:00",
    "departure": "10:00",
    "frequency": "FREQ=WEEKLY",
    "start": "2019-11-04",
}
SCHOOL = {**MARKET, "stop": "Trường", "geoy": "9.81", "arrival": "10:30", "departure": "11:30"}
HORIZON = 60
Rows = list[dict[str, str]]


def file_of(*rows: dict[str, str]) -> bytes:
    lines = [",".join(f'"{row.get(name, "")}"' for name in COLUMNS) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines]).encode()


def plan_of(organisation: Organisation, *files: Rows) -> ImportPlan:
    named = [(f"{number}.csv", file_of(*rows)) for number, rows in enumerate(files)]
    return plan_import(named, organisation)


def take(
    organisation: Organisation, *files: Rows, choices: ImportChoices | None = None
) -> tuple[ImportPlan, ImportReport]:
    plan = plan_of(organisation, *files)
    report = apply_import(plan, organisation, today(), HORIZON, choices)
    db.session.commit()
    return plan, report


def ticks(plan: ImportPlan) -> ImportChoices:
    """Every tick there is."""
    rows = frozenset(row.key for row in plan.rows)
    return ImportChoices(rows, frozenset(stop.id for stop in plan.absent))


def changed_fields(plan: ImportPlan) -> set[str]:
    return {change.field for row in plan.rows for change in row.changes}


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def the_stop() -> Stop:
    return db.session.scalars(select(Stop)).one()


def nothing_changes(organisation: Organisation, *files: Rows) -> bool:
    before = [count(model) for model in (Term, Van, Route, Place, Stop, Run, Visit)]
    plan, report = take(organisation, *files)
    after = [count(model) for model in (Term, Van, Route, Place, Stop, Run, Visit)]
    quiet = not plan.changes_something and not report.visits and not report.stops_changed
    return quiet and before == after


@pytest.mark.parametrize(
    ("correction", "fields"),
    [
        ({"address": "2 Trần Hưng Đạo"}, {"address"}),
        ({"postcode": "950000"}, {"postcode"}),
        ({"community": "Vị Thuỷ"}, {"community"}),
        ({"geoy": "9.785"}, {"position"}),
        ({"stop": "Chợ Vị Thanh"}, {"name"}),
        ({"arrival": "09:30"}, {"times"}),
        ({"departure": "10:30"}, {"times"}),
        ({"type": "Private"}, {"kind"}),
        ({"frequency": "FREQ=WEEKLY;INTERVAL=2"}, {"rule"}),
        ({"end": "2030-12-31"}, {"dates"}),
        ({"exceptions": "2026-12-28"}, {"exceptions"}),
        ({"timetable": "https://example.org/"}, {"timetable"}),
        ({"community": "Vị Thuỷ", "geoy": "9.785"}, {"community", "position"}),
    ],
)
def test_each_corrected_cell_is_shown_and_taken(
    app: Flask, organisation: Organisation, correction: dict[str, str], fields: set[str]
) -> None:
    take(organisation, [MARKET, SCHOOL])
    stop_id = db.session.scalars(select(Stop.id).order_by(Stop.id)).first()
    corrected = {**MARKET, **correction}
    plan, report = take(organisation, [corrected, SCHOOL])
    assert changed_fields(plan) == fields
    assert [row.stop_id for row in plan.in_state(RowState.CHANGED)] == [stop_id]
    assert (report.stops_changed, report.stops_added, plan.absent) == (1, 0, ())
    assert (count(Place), count(Stop)) == (2, 2)
    assert nothing_changes(organisation, [corrected, SCHOOL])


def test_a_corrected_point_moves_the_place_and_its_coming_drives(
    app_on_each: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET, SCHOOL])
    drives = set(db.session.scalars(select(Visit.distance_m)))
    take(organisation, [{**MARKET, "geoy": "9.79"}, SCHOOL])
    place = db.session.scalars(select(Place).where(Place.name == "Chợ")).one()
    assert place.lat == 9.79
    assert set(db.session.scalars(select(Visit.distance_m))) != drives


def test_a_place_further_away_is_another_one_and_the_old_stop_is_listed(
    app: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET])
    old = the_stop()
    plan, report = take(organisation, [{**MARKET, "geoy": "9.95"}])
    assert report.stops_added == 1
    assert plan.absent == (old,)
    assert count(Place) == 2


def test_two_stops_of_one_place_part_when_one_of_them_moves(
    app: Flask, organisation: Organisation
) -> None:
    other = {**MARKET, "route": "Tuyến B", "day": "Tuesday", "start": "2019-11-05"}
    take(organisation, [MARKET, other])
    assert count(Place) == 1
    moved = {**other, "geoy": "9.785"}
    plan, _ = take(organisation, [MARKET, moved])
    assert (len(plan.changed), count(Place), count(Stop)) == (1, 2, 2)
    assert nothing_changes(organisation, [MARKET, moved])


def test_a_correction_by_hand_stays_unless_ticked(
    app_on_each: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET])
    place = the_stop().place
    place.address, place.lat = "Cổng chợ", 9.7801
    the_stop().service_minutes, the_stop().fixed_departure = 90, 630
    db.session.commit()
    plan, report = take(organisation, [{**MARKET, "address": "3 Trần Hưng Đạo"}])
    (row,) = plan.rows
    assert row.state is RowState.KEPT
    assert {c.field for c in row.changes if c.by_hand} == {"address", "position", "times"}
    assert (report.stops_changed, place.address, place.lat) == (0, "Cổng chợ", 9.7801)
    plan, report = take(organisation, [{**MARKET, "address": "3 Trần Hưng Đạo"}])
    assert not plan.changes_something
    choices = ticks(plan)
    _, report = take(organisation, [{**MARKET, "address": "3 Trần Hưng Đạo"}], choices=choices)
    assert (report.stops_changed, place.address, place.lat) == (1, "3 Trần Hưng Đạo", 9.78)
    assert (the_stop().fixed_departure, the_stop().service_minutes) == (600, 60)


def test_a_position_that_somebody_found_out_is_not_taken_away(
    app: Flask, organisation: Organisation
) -> None:
    nowhere = {**MARKET, "geox": "", "geoy": "", "address": ""}
    take(organisation, [nowhere])
    place = the_stop().place
    place.lat, place.lon, place.address = 9.78, 105.47, "1 Trần Hưng Đạo"
    db.session.commit()
    plan, _ = take(organisation, [nowhere])
    assert not plan.offers_something
    assert place.lat == 9.78


def test_a_rule_saved_again_by_a_form_is_no_correction(
    app: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET])
    the_stop().rule = "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO"
    db.session.commit()
    assert not plan_of(organisation, [MARKET]).offers_something


def test_a_renamed_term_van_and_long_names_change_nothing_the_second_time(
    app_on_each: Flask, organisation: Organisation
) -> None:
    long = {**MARKET, "stop": "Đ" * LONGEST["stop"], "route": "T" * LONGEST["route"]}
    long |= {"organisation": "H" * LONGEST["organisation"], "community": "C" * 160}
    take(organisation, [MARKET, long])
    for number, term in enumerate(db.session.scalars(select(Term))):
        term.name = f"Kỳ {number}"
    for number, van in enumerate(db.session.scalars(select(Van))):
        van.name = f"Xe xanh {number}"
    db.session.commit()
    assert nothing_changes(organisation, [MARKET, long])
    plan, _ = take(organisation, [MARKET, long, SCHOOL])
    assert (plan.new_vans, plan.new_routes) == ((), ())
    assert (count(Term), count(Van), count(Route)) == (2, 2, 2)


def test_a_term_of_the_same_name_made_by_hand_is_left_alone(
    app_on_each: Flask, organisation: Organisation
) -> None:
    mine = Term(
        organisation_id=organisation.id,
        name="Hậu Giang",
        starts_on=date(2026, 9, 5),
        status=TermStatus.DRAFT,
    )
    db.session.add(mine)
    take(organisation, [MARKET])
    assert the_stop().term.name == "Hậu Giang (2)"
    assert mine.stops == []


def test_cells_too_long_for_any_database_are_named_and_the_others_taken(
    app_on_each: Flask, organisation: Organisation
) -> None:
    long = [
        {**SCHOOL, name: "9" * (limit + 1)} for name, limit in LONGEST.items() if name != "address"
    ]
    plan, report = take(organisation, [*long, MARKET])
    assert {p.column for p in plan.problems if p.fault is RowFault.TOO_LONG} == {
        name for name in LONGEST if name != "address"
    }
    assert report.stops_added == 1


TWIN = {**MARKET, "arrival": "14:00", "departure": "15:00"}


def test_twin_rows_swapped_in_the_file_change_nothing(
    app: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET, TWIN])
    assert count(Stop) == 2
    for rows in itertools.permutations([MARKET, TWIN, SCHOOL], 2):
        assert not plan_of(organisation, list(rows)).changed
    corrected = {**TWIN, "arrival": "14:30"}
    plan, report = take(organisation, [corrected, MARKET])
    assert (report.stops_changed, report.stops_added, plan.absent) == (1, 0, ())
    assert nothing_changes(organisation, [MARKET, corrected])


def test_one_place_and_route_on_two_weekdays_in_two_files_is_two_stops(
    app: Flask, organisation: Organisation
) -> None:
    thursday = {**MARKET, "day": "Thursday", "start": "2019-11-07"}
    take(organisation, [MARKET])
    _, report = take(organisation, [thursday])
    assert (report.stops_added, report.stops_changed) == (1, 0)
    assert (count(Stop), count(Place)) == (2, 1)
    for files in ([MARKET], [thursday]), ([MARKET],), ([thursday],), ([thursday, MARKET],):
        assert nothing_changes(organisation, *files)


def test_one_file_under_two_names_is_taken_once(app: Flask, organisation: Organisation) -> None:
    plan, report = take(organisation, [MARKET], [MARKET])
    assert report.stops_added == 1
    assert [(p.file, p.fault) for p in plan.problems if p.fatal] == [
        ("1.csv", RowFault.REPEATED_ROW)
    ]


def test_a_stop_that_left_the_file_goes_on_until_it_is_taken_out(
    app_on_each: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET, SCHOOL])
    plan, report = take(organisation, [MARKET])
    assert [stop.place.name for stop in plan.absent] == ["Trường"]
    assert report.stops_taken_out == 0
    (absent,) = plan.absent
    coming = select(func.count()).where(Visit.stop_id == absent.id, Visit.day >= today())
    assert db.session.scalar(coming)
    _, report = take(organisation, [MARKET], choices=ticks(plan))
    assert (report.stops_taken_out, absent.enabled) == (1, False)
    assert db.session.scalar(coming) == 0
    assert nothing_changes(organisation, [MARKET])
    plan, report = take(organisation, [MARKET, SCHOOL])
    assert (changed_fields(plan), report.stops_changed) == ({"enabled"}, 1)
    assert absent.enabled
    assert db.session.scalar(coming)


def test_the_dry_run_names_what_would_be_made_and_counts_the_runs(
    app: Flask, organisation: Organisation
) -> None:
    plan = plan_of(organisation, [MARKET, SCHOOL])
    assert (plan.new_vans, plan.new_routes) == (("Xe 1",), ("Xe 1 · Tuyến A",))
    assert plan.new_places == ("Chợ", "Trường")
    told = new_run_count(plan, today(), HORIZON)
    _, report = take(organisation, [MARKET])
    assert told == report.runs == count(Run)
    assert new_run_count(plan_of(organisation, [MARKET, SCHOOL]), today(), HORIZON) == 0
    twice_a_week = {**SCHOOL, "frequency": "FREQ=WEEKLY;BYDAY=MO,TU"}
    plan = plan_of(organisation, [MARKET, twice_a_week])
    expected = new_run_count(plan, today(), HORIZON)
    before = count(Run)
    take(organisation, [MARKET, twice_a_week])
    assert count(Run) - before == expected > 0


def test_corrected_visits_keep_their_day_and_take_the_new_time(
    app: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET])
    days = list(db.session.scalars(select(Visit.day).order_by(Visit.day)))
    take(organisation, [{**MARKET, "arrival": "13:30", "departure": "14:15"}])
    visits = list(db.session.scalars(select(Visit).order_by(Visit.day)))
    assert [visit.day for visit in visits] == days
    assert {f"{local(visit.arrival_at):%H:%M}" for visit in visits} == {"13:30"}


def test_an_import_is_taken_back_as_a_whole(app_on_each: Flask, organisation: Organisation) -> None:
    kept = {**MARKET, "organisation": "Sóc Trăng"}
    take(organisation, [kept])
    before = [count(model) for model in (Term, Van, Route, Place, Stop, Run, Visit)]
    # A correction that the import itself made is nobody's work by hand.
    take(organisation, [{**MARKET, "arrival": "08:30"}, SCHOOL])
    take(organisation, [MARKET, SCHOOL])
    term = db.session.scalars(select(Term).where(Term.name == "Hậu Giang")).one()
    assert obstacle_to_taking_back(term, today()) is None
    taken = take_back(term)
    db.session.commit()
    assert (taken.stops, taken.places, taken.vans) == (2, 2, 1)
    after = [count(model) for model in (Term, Van, Route, Place, Stop, Run, Visit)]
    assert after == before
    _, report = take(organisation, [MARKET, SCHOOL])
    assert report.stops_added == 2


def test_places_and_vans_that_somebody_worked_on_outlive_their_import(
    app: Flask, organisation: Organisation
) -> None:
    take(organisation, [MARKET, SCHOOL])
    term = db.session.scalars(select(Term)).one()
    db.session.scalars(select(Place)).first().address = "Cổng chợ"
    db.session.scalars(select(Van)).one().capacity_books = 4500
    db.session.flush()
    taken = take_back(term)
    assert (taken.places, taken.vans) == (1, 0)
    assert (count(Place), count(Van), count(Stop)) == (1, 1, 0)


def a_driven_visit(visit: Visit) -> None:
    visit.day = today() - timedelta(days=1)


def a_logged_visit(visit: Visit) -> None:
    db.session.add(VisitRecord(organisation_id=visit.organisation_id, visit_id=visit.id))


def a_changed_visit(visit: Visit) -> None:
    change = TimetableChange(
        organisation_id=visit.organisation_id, run_id=visit.run_id, kind=ChangeKind.REORDERED
    )
    db.session.add(change)


def a_changed_stop(visit: Visit) -> None:
    visit.stop.fixed_departure = 700


def a_stop_added_by_hand(visit: Visit) -> None:
    visit.stop.import_key = None


@pytest.mark.parametrize(
    ("happening", "obstacle"),
    [
        (a_driven_visit, Obstacle.DRIVEN),
        (a_logged_visit, Obstacle.LOGGED),
        (a_changed_visit, Obstacle.CHANGED),
        (a_changed_stop, Obstacle.CHANGED),
        (a_stop_added_by_hand, Obstacle.CHANGED),
    ],
)
def test_an_import_of_which_something_happened_stays(
    app: Flask,
    organisation: Organisation,
    happening: Callable[[Visit], None],
    obstacle: Obstacle,
) -> None:
    take(organisation, [MARKET])
    happening(db.session.scalars(select(Visit)).first())
    db.session.flush()
    assert obstacle_to_taking_back(the_stop().term, today()) is obstacle


def test_a_term_made_by_hand_is_no_import(app: Flask, organisation: Organisation) -> None:
    term = Term(organisation_id=organisation.id, name="x", starts_on=today())
    db.session.add(term)
    db.session.flush()
    assert obstacle_to_taking_back(term, today()) is Obstacle.NOT_IMPORTED
