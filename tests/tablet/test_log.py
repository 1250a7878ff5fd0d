"""The event log: every fact once, whatever the order; replay gives the same rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, User
from bus_ops.circulation.models import Card, Loan, Reader, Renewal
from bus_ops.database import db, new_uuid, now
from bus_ops.fleet.models import Van
from bus_ops.i18n import today
from bus_ops.tablet.log import record, replay, store_events, undoable_events
from bus_ops.tablet.models import (
    Contradiction,
    ContradictionKind,
    Event,
    EventKind,
    SetAside,
    Tablet,
)
from bus_ops.timetable.models import (
    Audience,
    RunEquipment,
    RunRecord,
    Stop,
    Term,
    Visit,
    VisitRecord,
    VisitStatus,
)
from tests.small_service import SmallService, small_service
from tests.tablet.facts import ALL_OF_THE_LOG, event, open_kinds, people, projections, send

FIRST = today() - timedelta(weeks=2)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    return small_service(organisation, FIRST)


def test_a_visit_is_under_way_on_arrival_and_served_on_departure(service: SmallService) -> None:
    visit = service.visits()[2]
    record(EventKind.ARRIVED, service.user, visit=visit, recorded_at=visit.arrival_at)
    assert visit.status == VisitStatus.UNDER_WAY
    record(EventKind.DEPARTED, service.user, visit=visit, recorded_at=visit.departure_at)
    assert visit.status == VisitStatus.SERVED
    assert visit.record is not None
    assert visit.record.arrived_at == visit.arrival_at
    assert visit.record.departed_at == visit.departure_at


def test_a_tap_sent_twice_counts_once(service: SmallService) -> None:
    visit = service.visits()[0]
    tap = new_uuid()
    payload = {"audience": "primary", "people": 5}
    first = record(EventKind.ATTENDANCE, service.user, visit=visit, payload=payload, event_id=tap)
    again = record(EventKind.ATTENDANCE, service.user, visit=visit, payload=payload, event_id=tap)
    assert first.stored and not again.stored
    assert people(visit) == {"primary": 5}


def test_undo_takes_back_and_undoing_the_undo_brings_again(service: SmallService) -> None:
    visit = service.visits()[0]
    counted = event("attendance", visit, audience="primary", people=5)
    undo = event("undo", visit, undoes=counted["id"])
    send(service, counted, undo)
    assert people(visit) == {}
    send(service, event("undo", visit, undoes=undo["id"]))
    assert people(visit) == {"primary": 5}


def test_an_undo_may_arrive_before_what_it_undoes(service: SmallService) -> None:
    visit = service.visits()[0]
    counted = event("attendance", visit, audience="primary", people=5)
    send(service, event("undo", visit, undoes=counted["id"]))
    send(service, counted)
    assert people(visit) == {}


def test_undos_that_name_each_other_undo_nothing(service: SmallService) -> None:
    visit = service.visits()[0]
    one, other = new_uuid(), new_uuid()
    send(
        service,
        event("undo", visit, identity=one, undoes=str(other)),
        event("undo", visit, identity=other, undoes=str(one)),
    )
    before = projections()
    replay(service.organisation.id)
    assert projections() == before


def test_undoable_events_are_those_that_hold_newest_first(service: SmallService) -> None:
    visit = service.visits()[0]
    early = event("arrived", visit, at=visit.arrival_at)
    late = event("note", visit, text="Sân trường ngập")
    gone = event("attendance", visit, audience="adults", people=1)
    send(service, early, late, gone, event("undo", visit, undoes=gone["id"]))
    held = undoable_events(visit.id, service.organisation.id)
    assert [str(e.id) for e in held] == [late["id"], early["id"]]


def test_a_loan_is_due_at_the_stops_next_visit(service: SmallService) -> None:
    first, second = service.visits()[:2]
    payload = {"barcode": "B1", "card_number": "T1"}
    loan = record(EventKind.LENT, service.user, visit=first, payload=payload).loan
    assert loan is not None
    assert (loan.due_on, loan.due_visit_id) == (second.day, second.id)


def test_the_last_loan_of_a_term_is_due_on_the_terms_last_day(service: SmallService) -> None:
    last = service.visits()[-1]
    payload = {"barcode": "B1", "card_number": "T1"}
    loan = record(EventKind.LENT, service.user, visit=last, payload=payload).loan
    assert loan is not None
    assert (loan.due_on, loan.due_visit_id) == (service.term.ends_on, None)


def test_a_renewal_is_counted_apart_and_due_at_the_visit_after_it(service: SmallService) -> None:
    first, second, third = service.visits()[:3]
    send(
        service,
        event("lent", first, barcode="B1", card_number="T1"),
        event("renewed", second, barcode="B1"),
        event("renewed", second, barcode="B1"),
    )
    loan = db.session.scalars(select(Loan)).one()
    assert (loan.renewals, loan.due_visit_id) == (1, third.id)
    assert db.session.scalar(select(func.count()).select_from(Renewal)) == 1


def test_the_same_scan_twice_at_one_visit_is_one_loan(service: SmallService) -> None:
    visit = service.visits()[0]
    send(
        service,
        event("lent", visit, barcode="B1", card_number="T1"),
        event("lent", visit, barcode="B1", card_number="T1"),
    )
    assert db.session.scalar(select(func.count()).select_from(Loan)) == 1
    assert open_kinds() == []


def test_a_copy_lent_twice_gives_two_loans_and_something_to_settle(service: SmallService) -> None:
    visit = service.visits()[0]
    one = event("lent", visit, at=visit.arrival_at, barcode="B1", card_number="T1")
    other = event("lent", visit, barcode="B1", card_number="T2")
    send(service, one, other)
    loans = list(db.session.scalars(select(Loan).order_by(Loan.lent_at)))
    assert [loan.card_number for loan in loans] == ["T1", "T2"]
    assert loans[0].returned_at == loans[1].lent_at
    assert loans[1].returned_at is None
    assert open_kinds() == [ContradictionKind.LENT_TWICE]
    send(
        service,
        event(
            "settled",
            event_id=other["id"],
            contradiction="lent_twice",
            decision="first was returned",
        ),
    )
    assert open_kinds() == []


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        ([("lent", {"barcode": "B1", "card_number": "lạ"})], ["unknown_card"]),
        ([("lent", {"barcode": "lạ", "card_number": "T1"})], ["unknown_copy"]),
        ([("returned", {"barcode": "B1"})], ["returned_not_lent"]),
        ([("renewed", {"barcode": "B1"})], ["renewed_not_lent"]),
        ([("attendance", {"audience": "adults", "people": -1})], ["count_below_zero"]),
        ([("departed", {})], ["departed_before_arrived"]),
        ([("card_issued", {"kind": "van", "cards": 1, "number": "T1"})], ["card_exists"]),
    ],
)
def test_what_contradicts_is_kept_and_listed(
    service: SmallService, facts: list[tuple[str, dict[str, Any]]], kinds: list[str]
) -> None:
    visit = service.visits()[0]
    sent = [event(kind, visit, **payload) for kind, payload in facts]
    assert len(send(service, *sent)) == len(sent)
    assert open_kinds() == kinds


def test_a_clock_wrong_by_days_is_told_and_the_count_kept(service: SmallService) -> None:
    visit = service.visits()[-1]
    early = visit.arrival_at - timedelta(days=10)
    send(service, event("attendance", visit, at=early, audience="primary", people=30))
    assert people(visit) == {"primary": 30}
    assert open_kinds() == [ContradictionKind.CLOCK_WRONG]


def test_a_fact_of_an_unknown_visit_is_kept_and_listed(service: SmallService) -> None:
    visit = service.visits()[0]
    fact = {**event("arrived", visit), "visit": 999_999}
    assert send(service, fact) == (fact["id"],)
    assert open_kinds() == [ContradictionKind.UNKNOWN_VISIT]


def test_a_run_that_left_by_a_wrong_clock_troubles_no_visit(service: SmallService) -> None:
    visit = _visit(service, 0)
    late = now() + timedelta(days=3)
    send(service, event("run_left", visit, at=late))
    send(service, event("run_returned", visit, at=late))
    assert db.session.scalar(select(func.count()).select_from(Contradiction)) == 0


def test_another_librarys_visit_is_an_unknown_one(app: Flask, organisation: Organisation) -> None:
    service = small_service(organisation, FIRST)
    other = Organisation(name="Thư viện khác")
    db.session.add(other)
    db.session.flush()
    tablet = Tablet(organisation_id=other.id, name="Máy khác")
    db.session.add(tablet)
    db.session.commit()
    visit = service.visits()[0]
    store_events(other.id, tablet, None, [event("arrived", visit)])
    assert db.session.get(VisitRecord, visit.id) is None
    assert db.session.scalars(select(Contradiction)).one().organisation_id == other.id


def test_what_cannot_be_read_is_set_aside_whole_and_once(service: SmallService) -> None:
    visit = service.visits()[0]
    broken: list[Any] = ["?", 7, {"kind": "arrived"}, {**event("lent", visit), "payload": []}]
    send(service, *broken)
    send(service, *broken)
    assert db.session.scalar(select(func.count()).select_from(SetAside)) == len(broken)
    assert db.session.scalar(select(func.count()).select_from(Event)) == 0


def test_an_id_used_again_with_other_content_keeps_the_first(service: SmallService) -> None:
    visit = service.visits()[0]
    first = event("attendance", visit, audience="primary", people=5)
    send(service, first)
    assert send(service, {**first, "payload": {"audience": "primary", "people": 50}})
    assert people(visit) == {"primary": 5}
    assert db.session.scalar(select(func.count()).select_from(SetAside)) == 1


def test_a_card_made_on_the_road_is_known_to_loans_that_came_first(service: SmallService) -> None:
    visit = service.visits()[0]
    send(service, event("lent", visit, barcode="B1", card_number="M1"))
    assert open_kinds() == [ContradictionKind.UNKNOWN_CARD]
    made = event(
        "card_issued",
        visit,
        kind="child",
        cards=1,
        number="M1",
        full_name="Nguyễn Bé",
        audience="primary",
    )
    send(service, made)
    assert open_kinds() == []
    loan = db.session.scalars(select(Loan)).one()
    assert loan.card is not None and loan.card.reader.full_name == "Nguyễn Bé"
    send(service, event("undo", visit, undoes=made["id"]))
    assert open_kinds() == [ContradictionKind.UNKNOWN_CARD]
    assert db.session.scalar(select(Card).where(Card.number == "M1")) is None


def test_replaying_keeps_what_people_wrote_about_a_reader(service: SmallService) -> None:
    visit = service.visits()[0]
    send(service, event("card_issued", visit, kind="van", cards=1, number="M1"))
    card = db.session.scalars(select(Card).where(Card.number == "M1")).one()
    card.reader.class_name = "6A2"
    db.session.commit()
    replay(service.organisation.id)
    assert db.session.scalars(select(Card).where(Card.number == "M1")).one() is not None
    assert card.reader.class_name == "6A2"


def test_equipment_is_ticked_and_the_run_knows_its_kilometres(service: SmallService) -> None:
    visit = service.visits()[0]
    item = db.session.scalars(
        select(RunEquipment).where(RunEquipment.run_id == visit.run_id)
    ).first()
    assert item is not None
    record(
        EventKind.EQUIPMENT,
        service.user,
        run=visit.run,
        payload={"item_id": item.id, "loaded": True},
    )
    record(EventKind.RUN_LEFT, service.user, run=visit.run, payload={"odometer_km": 1200})
    record(EventKind.RUN_RETURNED, service.user, run=visit.run, payload={"odometer_km": 1237})
    assert item.loaded
    run_record = db.session.get_one(RunRecord, visit.run_id)
    assert (run_record.odometer_out_km, run_record.odometer_in_km) == (1200, 1237)


# --- Whatever the order -----------------------------------------------------------------------


def _visit(service: SmallService, number: int) -> Visit:
    return service.visits(number % 2)[number % 3]


CODES = st.sampled_from(["B1", "B2", "B9"])
NUMBERS = st.sampled_from(["T1", "T2", "M1"])
PAYLOADS = st.one_of(
    st.tuples(st.sampled_from(["arrived", "departed"]), st.just({})),
    st.tuples(
        st.just("attendance"),
        st.fixed_dictionaries(
            {
                "audience": st.sampled_from([a.value for a in Audience]),
                "people": st.integers(-5, 40),
            }
        ),
    ),
    st.tuples(
        st.just("activity"),
        st.fixed_dictionaries(
            {"kind": st.sampled_from(["film", "internet"]), "count": st.integers(0, 40)}
        ),
    ),
    st.tuples(
        st.just("note"),
        st.fixed_dictionaries(
            {"text": st.text(max_size=5).filter(lambda text: "\x00" not in text)}
        ),
    ),
    st.tuples(st.just("lent"), st.fixed_dictionaries({"barcode": CODES, "card_number": NUMBERS})),
    st.tuples(st.sampled_from(["returned", "renewed"]), st.fixed_dictionaries({"barcode": CODES})),
    st.tuples(st.just("used_on_site"), st.fixed_dictionaries({"items": st.integers(1, 9)})),
    st.tuples(
        st.just("card_issued"),
        st.fixed_dictionaries(
            {"kind": st.just("van"), "cards": st.just(1), "number": st.sampled_from(["M1", "T1"])}
        ),
    ),
    st.tuples(st.just("run_left"), st.fixed_dictionaries({"odometer_km": st.integers(1, 9)})),
)
FACTS = st.lists(
    st.tuples(
        PAYLOADS,
        # Which visit, and how many minutes after its planned arrival.
        st.integers(0, 5),
        st.integers(-20, 90),
        # Undo one of the facts before (also an undo), or none.
        st.none() | st.integers(0, 30),
    ),
    min_size=1,
    max_size=25,
)


def story(service: SmallService, drawn: Any) -> list[dict[str, Any]]:
    """The drawn facts as events of known visits, some of them undone."""
    events: list[dict[str, Any]] = []
    for (kind, payload), number, minutes, undone in drawn:
        visit = _visit(service, number)
        at = visit.arrival_at + timedelta(minutes=minutes)
        events.append(event(kind, visit, at=at, **payload))
        if undone is not None:
            target = events[undone % len(events)]["id"]
            events.append(event("undo", visit, at=at, undoes=target))
    return events


def _forget(service: SmallService) -> None:
    """An empty log, as before the first tap."""
    for model in (Event, SetAside, *ALL_OF_THE_LOG):
        db.session.execute(db.delete(model))
    db.session.execute(db.delete(Card).where(Card.event_id.is_not(None)))
    db.session.execute(db.update(RunEquipment).values(loaded=False))
    db.session.execute(db.update(Visit).values(status=Visit.plan_status))
    db.session.execute(db.delete(Reader).where(Reader.id.not_in(select(Card.reader_id))))
    db.session.commit()
    replay(service.organisation.id)


def _same_rows_however_it_arrives(service: SmallService, drawn: Any, data: Any) -> None:
    _forget(service)
    events = story(service, drawn)
    send(service, *events)
    in_order = projections()
    _forget(service)
    shuffled = data.draw(st.permutations(events))
    doubled = shuffled + data.draw(st.lists(st.sampled_from(events), max_size=5))
    cuts = data.draw(st.integers(1, 6))
    for start in range(0, len(doubled), cuts):
        batch = doubled[start : start + cuts]
        assert set(send(service, *batch)) == {e["id"] for e in batch}
    received = select(func.count()).select_from(Event)
    assert db.session.scalar(received) == len(events), "a fact was lost or stored twice"
    assert projections() == in_order
    before = projections()
    replay(service.organisation.id)
    assert projections() == before


@settings(max_examples=25)
@given(drawn=FACTS, data=st.data())
def test_order_batches_and_duplicates_make_no_difference(
    service: SmallService, drawn: Any, data: Any
) -> None:
    _same_rows_however_it_arrives(service, drawn, data)


@settings(max_examples=8)
@given(drawn=FACTS, data=st.data())
def test_both_databases_fold_the_same_way(
    app_on_each: Flask, organisation: Organisation, drawn: Any, data: Any
) -> None:
    if db.session.scalar(select(func.count()).select_from(Visit)) == 0:
        small_service(organisation, FIRST)
    service = SmallService(organisation, *_first_rows())
    _same_rows_however_it_arrives(service, drawn, data)


def _first_rows() -> tuple[Any, ...]:
    return (
        db.session.scalars(select(User)).one(),
        db.session.scalars(select(Van)).one(),
        db.session.scalars(select(Term)).one(),
        list(db.session.scalars(select(Stop).order_by(Stop.id))),
    )
