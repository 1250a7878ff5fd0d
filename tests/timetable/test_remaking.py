"""Coming visits follow a changed stop or term: in place, recorded, and never over a logged fact."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Loan
from bus_ops.database import db
from bus_ops.fleet.models import CrewMember, Van
from bus_ops.i18n import today
from bus_ops.tablet.log import record, replay, store_events, web_tablet
from bus_ops.tablet.models import Contradiction, ContradictionKind, EventKind
from bus_ops.tablet.settling import settle
from bus_ops.timetable import changes
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import (
    Attendance,
    Audience,
    ChangeKind,
    ClassSlot,
    Run,
    RunRecord,
    TimetableChange,
    Visit,
    VisitStatus,
)
from bus_ops.timetable.remaking import make_again
from bus_ops.timetable.statuses import roll_statuses
from tests.small_service import SmallService, small_service


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two schools, each week from this day a week ago on; one of the days is today."""
    return small_service(organisation, today() - timedelta(weeks=1))


def visit_of_today(service: SmallService) -> Visit:
    return next(visit for visit in service.visits() if visit.day == today())


def change_stop(service: SmallService, stop: int = 0, **values: object) -> None:
    for name, value in values.items():
        setattr(service.stops[stop], name, value)
    make_again([service.stops[stop].id], today(), service.user.id)
    fill_runs(service.term, today(), service.term.ends_on or today(), service.user.id)
    db.session.commit()


def keys(service: SmallService, stop: int = 0) -> list[int]:
    return [visit.id for visit in service.visits(stop)]


def test_a_visit_with_people_counted_stays_when_its_stop_ends(service: SmallService) -> None:
    visit = visit_of_today(service)
    record(
        EventKind.ATTENDANCE,
        service.user,
        visit=visit,
        payload={"audience": "primary", "people": 45},
    )
    key = visit.id
    change_stop(service, enabled=False)
    assert db.session.get(Visit, key) is not None
    assert db.session.scalar(select(func.sum(Attendance.people))) == 45
    assert [visit.day for visit in service.visits() if visit.day > today()] == []


def test_a_visit_with_a_loan_and_no_arrival_stays_when_its_weekday_changes(
    service: SmallService,
) -> None:
    visit = visit_of_today(service)
    payload = {"barcode": "B1", "card_number": "T1"}
    record(EventKind.LENT, service.user, visit=visit, payload=payload)
    key = visit.id
    change_stop(service, starts_on=today() + timedelta(days=1))
    assert db.session.scalars(select(Loan)).one().visit_id == key


def test_a_run_that_left_is_never_made_again(service: SmallService) -> None:
    run = visit_of_today(service).run
    before = [(visit.id, visit.arrival_at) for visit in run.visits]
    record(EventKind.RUN_LEFT, service.user, run=run, payload={"odometer_km": 1200})
    item = run.checklist[0]
    payload = {"item_id": item.id, "loaded": True}
    record(EventKind.EQUIPMENT, service.user, run=run, payload=payload)
    service.term.leaves_depot_at = 9 * 60
    make_again([stop.id for stop in service.stops], today(), service.user.id, new_frame=True)
    change_stop(service, enabled=False)
    db.session.refresh(run, ["visits"])
    assert [(visit.id, visit.arrival_at) for visit in run.visits] == before
    assert db.session.get_one(RunRecord, run.id).odometer_out_km == 1200
    assert item.loaded


def test_a_fact_that_was_undone_still_holds_its_visit(service: SmallService) -> None:
    visit = visit_of_today(service)
    tap = record(EventKind.ARRIVED, service.user, visit=visit).event
    record(EventKind.UNDO, service.user, visit=visit, payload={"undoes": str(tap.id)})
    key = visit.id
    change_stop(service, enabled=False)
    assert db.session.get(Visit, key) is not None
    replay(service.organisation.id)
    assert db.session.get_one(Visit, key).logged


def test_a_day_with_people_but_no_arrival_was_served_and_not_missed(
    service: SmallService,
) -> None:
    visit = visit_of_today(service)
    record(EventKind.NOTE, service.user, visit=visit, payload={"text": "Mưa"})
    assert visit.status == VisitStatus.PLANNED
    record(EventKind.ACTIVITY, service.user, visit=visit, payload={"kind": "film", "count": 30})
    assert visit.status == VisitStatus.UNDER_WAY
    roll_statuses(service.organisation.id, today() + timedelta(days=1))
    assert visit.status == VisitStatus.SERVED


def test_a_changed_stop_keeps_the_keys_of_the_dates_that_stay(service: SmallService) -> None:
    before, other = keys(service), keys(service, 1)
    change_stop(service, service_minutes=30)
    assert keys(service) == before
    assert keys(service, 1) == other
    assert all(
        visit.departure_at - visit.arrival_at == timedelta(minutes=30)
        for visit in service.visits()
        if visit.day >= today()
    )


def test_a_key_never_comes_to_mean_another_visit_run_or_item(service: SmallService) -> None:
    gone = {visit.id for stop in (0, 1) for visit in service.visits(stop)}
    runs = set(db.session.scalars(select(Run.id)))
    for stop in (0, 1):
        change_stop(service, stop, enabled=False)
    left = set(db.session.scalars(select(Visit.id)))
    for stop in (0, 1):
        change_stop(service, stop, enabled=True)
    fresh = set(db.session.scalars(select(Visit.id))) - left
    assert fresh
    assert not fresh & gone
    left_runs = {visit.run_id for visit in db.session.scalars(select(Visit))} - runs
    assert left_runs
    assert min(left_runs) > max(runs)


def test_the_crew_chosen_for_a_run_stays_when_its_stops_change(service: SmallService) -> None:
    run = next(v for v in service.visits() if v.day > today()).run
    driver = db.session.scalars(select(CrewMember)).first()
    assert driver is not None
    changes.set_crew(run, [driver], service.user)
    change_stop(service, service_minutes=30)
    change_stop(service, 1, windows=[{"opens": 780, "closes": 1000}])
    assert [member.full_name for member in db.session.get_one(Run, run.id).crew] == [
        driver.full_name
    ]


def test_a_longer_stop_moves_the_next_one_and_each_is_recorded(service: SmallService) -> None:
    run = next(v for v in service.visits() if v.day > today()).run
    first, second = run.visits
    number = service.stops.index(first.stop)
    before = second.arrival_at
    change_stop(service, number, service_minutes=150)
    assert second.arrival_at > before
    query = select(TimetableChange).where(
        TimetableChange.visit_id.in_([first.id, second.id]),
        TimetableChange.kind == ChangeKind.RETIMED,
    )
    assert {change.visit_id for change in db.session.scalars(query)} == {first.id, second.id}


def test_a_text_changed_on_a_stop_changes_no_time(service: SmallService) -> None:
    before = [(v.id, v.arrival_at) for stop in (0, 1) for v in service.visits(stop)]
    change_stop(service, promised="Chiếu phim")
    assert [(v.id, v.arrival_at) for stop in (0, 1) for v in service.visits(stop)] == before
    assert db.session.scalar(select(func.count()).select_from(TimetableChange)) == 0


def test_a_stop_given_to_another_van_takes_its_visits_along(service: SmallService) -> None:
    boat = Van(organisation_id=service.organisation.id, name="Thuyền sách")
    db.session.add(boat)
    db.session.flush()
    before = keys(service)
    change_stop(service, van_id=boat.id)
    assert keys(service) == before
    assert {v.run.van_id for v in service.visits() if v.day > today()} == {boat.id}
    assert {v.run.van_id for v in service.visits(1)} == {service.van.id}
    runs = db.session.scalars(select(Run).where(Run.van_id == boat.id))
    assert all(len(run.visits) == 1 for run in runs)


def test_days_that_lose_a_visit_remember_it(service: SmallService) -> None:
    run = next(v for v in service.visits() if v.day > today()).run
    change_stop(service, enabled=False)
    (change,) = [c for c in changes.changes_of_run(run) if c.kind == ChangeKind.REMOVED]
    assert change.before["place"] == service.stops[0].place.name
    assert len(run.visits) == 1


def test_a_fact_of_a_visit_on_another_run_is_flagged(service: SmallService) -> None:
    visit, other = service.visits()[:2]
    raw = {
        "id": str(uuid.uuid4()),
        "kind": "attendance",
        "run": other.run_id,
        "visit": visit.id,
        "recorded_at": (visit.arrival_at + timedelta(minutes=5)).isoformat(),
        "payload": {"audience": "primary", "people": 30},
    }
    store_events(service.organisation.id, web_tablet(service.user), service.user.id, [raw])
    found = db.session.scalars(select(Contradiction)).one()
    assert (found.kind, found.visit_id) == (ContradictionKind.OTHER_RUN, visit.id)


def test_a_fact_of_another_run_is_taken_to_its_own_visit(service: SmallService) -> None:
    visit, other = service.visits()[:2]
    for run_id, people in ((visit.run_id, 12), (other.run_id, 30)):
        raw = {
            "id": str(uuid.uuid4()),
            "kind": "attendance",
            "run": run_id,
            "visit": visit.id,
            "recorded_at": (visit.arrival_at + timedelta(minutes=5)).isoformat(),
            "payload": {"audience": "primary", "people": people},
        }
        store_events(service.organisation.id, web_tablet(service.user), service.user.id, [raw])
    found = db.session.scalars(select(Contradiction)).one()
    settle(found, "other_visit", str(other.id), service.user, uuid.uuid4())
    counted = select(Attendance.visit_id, Attendance.people).order_by(Attendance.people)
    assert [tuple(row) for row in db.session.execute(counted)] == [(visit.id, 12), (other.id, 30)]


def test_a_visit_with_agreed_classes_stays_when_its_stop_changes(service: SmallService) -> None:
    visit = next(visit for visit in service.visits() if visit.day > today())
    db.session.add(
        ClassSlot(
            organisation_id=visit.organisation_id,
            visit_id=visit.id,
            starts_at=480,
            class_name="4A",
            audience=Audience.PRIMARY,
        )
    )
    db.session.flush()
    key = visit.id
    change_stop(service, enabled=False)
    assert db.session.get(Visit, key) is not None


def test_a_flood_told_at_a_visit_leaves_it_to_be_cancelled(service: SmallService) -> None:
    visit = visit_of_today(service)
    payload = {"kind": "flood", "text": "Triều cường"}
    record(EventKind.INCIDENT, service.user, visit=visit, payload=payload)
    assert visit.status == VisitStatus.PLANNED
    changes.cancel_visit(visit, "Triều cường", service.user)
    assert visit.status == VisitStatus.CANCELLED
