"""The search in a process of its own: it tells how far it is, stops when told, leaves a plan."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from bus_ops import create_app
from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.planning import repairing, starting, working
from bus_ops.planning.ground import Ground
from bus_ops.planning.judging import broken_by
from bus_ops.planning.models import Failure, Mishap, Planning, PlanningState, Repair
from bus_ops.planning.proposal import Proposal
from bus_ops.timetable.models import Term
from tests.conftest import app_settings
from tests.planning.plans import finished_planning, proposal_with
from tests.small_service import SmallService, small_service

# Who waits for a process may still do so in the next test.
pytestmark = pytest.mark.own_app

DAY = timedelta(days=1)
# The search is compiled anew where nobody has run it before.
PATIENCE_SECONDS = 150
# Of 600: beside other tests a process may wait for its turn.
CANCELLED_SECONDS = 30


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    return small_service(organisation, today() - timedelta(weeks=1))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Processes that were begun."""
    begun: list[Any] = []
    popen = starting.subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> Any:
        process = popen(*arguments, **options)
        begun.append(process)
        return process

    monkeypatch.setattr(starting.subprocess, "Popen", noted)
    return begun


def begin(service: SmallService, seconds: int) -> Planning:
    last = service.term.ends_on or today()
    return starting.start(service.term, today() + DAY, last, seconds, service.user.id)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)
        db.session.rollback()
        db.session.expire_all()


def test_ways_to_mend_a_day_are_found_in_a_process_of_their_own(service: SmallService) -> None:
    day = next(visit.day for visit in service.visits() if visit.day > today())
    repair = Repair(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        mishap=Mishap.DAY_LOST,
        day=day,
        last_day=day,
        van_id=service.van.id,
        reason="Bão",
    )
    repairing.ask([repair])
    wait_for(lambda: not repair.is_running)
    assert (repair.state, repair.message) == (PlanningState.DONE, "")
    assert {step["stop_id"] for step in repair.offers[0]["steps"]} == {s.id for s in service.stops}


def test_a_process_that_is_ready_is_given_the_work_and_ends_where_none_comes(
    app: Flask, service: SmallService, processes: list[Any]
) -> None:
    starting.get_ready()
    starting.get_ready()
    assert len(processes) == 1
    planning = begin(service, seconds=1)
    wait_for(lambda: not planning.is_running)
    assert (planning.state, planning.message) == (PlanningState.DONE, "")
    assert len(processes) == 1
    starting.get_ready()
    processes[1].kill()
    processes[1].wait()
    second = begin(service, seconds=1)
    wait_for(lambda: not second.is_running)
    assert (second.state, second.message) == (PlanningState.DONE, "")
    starting.get_ready()
    left_alone = processes[-1]
    app.config["SQLALCHEMY_DATABASE_URI"] += "?another"
    starting.get_ready()
    assert left_alone.wait(PATIENCE_SECONDS) == 0
    processes[-1].kill()


def test_the_process_leaves_a_plan_that_keeps_every_promise(service: SmallService) -> None:
    planning = begin(service, seconds=1)
    wait_for(lambda: not planning.is_running)
    assert (planning.state, planning.message) == (PlanningState.DONE, "")
    assert planning.progress["share"] == 1.0
    assert planning.running_term_id is None
    plan = Proposal.from_json(planning.plan or {})
    present = Proposal.from_json(planning.present or {})
    assert plan.visit_count >= present.visit_count > 0
    assert broken_by(plan, Ground(service.term)) == []


def test_a_search_told_to_stop_keeps_its_best_and_a_cancelled_one_ends_at_once(
    service: SmallService, processes: list[Any]
) -> None:
    planning = begin(service, seconds=600)
    wait_for(lambda: "share" in planning.progress)
    working.keep_the_best(planning)
    wait_for(lambda: not planning.is_running)
    assert planning.state == PlanningState.DONE
    second = begin(service, seconds=600)
    begun_at = second.seen_at
    wait_for(lambda: second.seen_at > begun_at)
    working.cancel(second)
    processes[1].wait(CANCELLED_SECONDS)
    db.session.expire_all()
    assert second.state == PlanningState.CANCELLED
    assert second.plan is None


def test_a_search_outlives_the_server_that_began_it(app: Flask, service: SmallService) -> None:
    settings = app_settings(app.config["DATA_FOLDER"], app.config["SQLALCHEMY_DATABASE_URI"])
    server = multiprocessing.get_context("spawn").Process(
        target=begin_and_serve_on, args=(settings, service.term.id), daemon=True
    )
    server.start()
    query = db.select(Planning)
    wait_for(lambda: any("share" in one.progress for one in db.session.scalars(query)))
    server.kill()
    server.join()
    planning = db.session.scalars(query).one()
    iterations = planning.progress["iterations"]
    wait_for(lambda: planning.progress["iterations"] > iterations)
    working.keep_the_best(planning)
    wait_for(lambda: not planning.is_running)
    assert (planning.state, planning.message) == (PlanningState.DONE, "")


def begin_and_serve_on(settings: dict[str, Any], term_id: int) -> None:
    """A server that began a search and serves until it is killed."""
    with create_app(settings).app_context():
        term = db.session.get_one(Term, term_id)
        starting.start(term, today() + DAY, term.ends_on or today(), 600, None)
        threading.Event().wait()


def test_a_killed_process_is_a_failure_that_says_what_to_do(
    service: SmallService, processes: list[Any]
) -> None:
    planning = begin(service, seconds=600)
    os.kill(processes[0].pid, signal.SIGKILL)
    wait_for(lambda: not planning.is_running)
    assert planning.state == PlanningState.FAILED
    assert planning.failure == Failure.GONE


def test_a_term_without_any_day_fails_in_words(service: SmallService) -> None:
    for stop in service.stops:
        stop.exceptions = []
        stop.windows = [{"opens": 480, "closes": 490}]
    last = service.term.ends_on or today()
    planning = Planning(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        running_term_id=service.term.id,
        first_on=today() + DAY,
        last_on=last,
        seconds=1,
    )
    db.session.add(planning)
    db.session.commit()
    working.work(planning.id)
    assert planning.state == PlanningState.FAILED
    assert planning.failure == Failure.NOTHING_TO_PLAN


def test_a_stop_that_costs_more_than_it_is_worth_is_left_out_and_its_price_told(
    service: SmallService,
) -> None:
    far = service.stops[1]
    far.place.lat += 0.3
    far.skip_price_m = 1_000
    db.session.commit()
    planning = Planning(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        running_term_id=service.term.id,
        first_on=today() + DAY,
        last_on=service.term.ends_on or today(),
        seconds=1,
    )
    db.session.add(planning)
    db.session.commit()
    working.work(planning.id)
    assert Proposal.from_json(planning.plan or {}).unplaced == (far.id,)
    change = planning.explanation["left_out"][str(far.id)]["change"]
    assert change["kind"] == "higher_skip_price"
    assert change["skip_price_m"] > 60_000


def test_an_error_of_the_program_is_kept_for_who_mends_it(
    service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("no way out")

    monkeypatch.setattr(starting, "launch", lambda _planning_id: None)
    monkeypatch.setattr(working, "pose", broken)
    planning = begin(service, seconds=1)
    working.work(planning.id)
    assert (planning.state, planning.failure) == (PlanningState.FAILED, Failure.ERROR)
    assert planning.message == "RuntimeError: no way out"


def test_planning_again_begins_from_the_plan_and_keeps_its_locks(service: SmallService) -> None:
    # The day after a visit's may be a Sunday.
    service.van.weekdays = []
    db.session.commit()
    first, last = today() + DAY, service.term.ends_on or today()
    ids = [stop.id for stop in service.stops]
    days = [visit.day for visit in service.visits() if visit.day > today()]
    odd_days = {day + DAY: [ids[1], ids[0]] for day in days if day + DAY <= last}
    ground = Ground(service.term)
    base = finished_planning(
        service.term, first, last, proposal_with(ground, service.van.id, odd_days)
    )
    locked = min(odd_days)
    base.locks = [{"stop": ids[0], "day": locked.isoformat()}]
    again = Planning(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        running_term_id=service.term.id,
        base_id=base.id,
        first_on=first,
        last_on=last,
        seconds=1,
        locks=base.locks,
    )
    db.session.add(again)
    db.session.commit()
    working.work(again.id)
    assert (again.state, again.message) == (PlanningState.DONE, "")
    plan = Proposal.from_json(again.plan or {})
    assert locked in plan.days_by_stop()[ids[0]]
    assert broken_by(plan, ground) == []
