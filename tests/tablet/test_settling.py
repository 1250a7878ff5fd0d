"""Settling: each way does what it says, in facts of its own, and can be taken back."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.models import BoxDeposit, BoxItem, Card, Copy, IssuedCard, Loan, Reader
from bus_ops.database import db, new_uuid, now
from bus_ops.i18n import format_clock, today
from bus_ops.tablet.log import replay, store_events, web_tablet
from bus_ops.tablet.models import Contradiction, ContradictionKind, Event, EventKind, Photo, Tablet
from bus_ops.tablet.settling import WAYS, SettlingError, settle, take_back
from bus_ops.timetable.changes import cancel_visit
from bus_ops.timetable.models import RunRecord, Visit, VisitRecord, VisitStatus
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service
from tests.tablet.facts import event, open_kinds, people, projections, send

FIRST = today() - timedelta(weeks=2)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> Iterator[SmallService]:
    """Two schools that were served two weeks ago, too; what is told is told in English."""
    with force_locale("en"):
        yield small_service(organisation, FIRST)


def only(kind: str) -> Contradiction:
    query = select(Contradiction).where(Contradiction.kind == ContradictionKind(kind))
    return db.session.scalars(query).one()


def decide(service: SmallService, kind: str, code: str, answer: str = "") -> Event:
    """Settle the only contradiction of its kind; the decision. Replay must then agree."""
    identity = new_uuid()
    settle(only(kind), code, answer, service.user, identity)
    decided = projections()
    replay(service.organisation.id)
    assert projections() == decided
    return db.session.get_one(Event, identity)


def loans() -> list[tuple[str, str, bool]]:
    rows = db.session.scalars(select(Loan).order_by(Loan.lent_at))
    return [(loan.barcode, loan.card_number, loan.returned_at is None) for loan in rows]


def lent_twice(service: SmallService) -> Visit:
    visit = service.visits()[0]
    send(
        service,
        event("lent", visit, at=visit.arrival_at, barcode="B1", card_number="T1"),
        event("lent", visit, barcode="B1", card_number="T2"),
    )
    return visit


def test_every_kind_of_contradiction_has_ways_with_codes_of_their_own() -> None:
    assert set(WAYS) == set(ContradictionKind)
    for kind, ways in WAYS.items():
        codes = [way.code for way in ways]
        assert len(codes) == len(set(codes)) >= 2, kind


def test_the_first_loan_was_returned_records_the_return(service: SmallService) -> None:
    visit = lent_twice(service)
    decide(service, "lent_twice", "first_returned")
    assert open_kinds() == []
    assert loans() == [("B1", "T1", False), ("B1", "T2", True)]
    first = db.session.scalars(select(Loan).where(Loan.card_number == "T1")).one()
    assert first.return_visit_id == visit.id, "it counts as a return at that visit"


def test_a_second_loan_by_mistake_leaves_the_first(service: SmallService) -> None:
    lent_twice(service)
    decide(service, "lent_twice", "mistaken")
    assert open_kinds() == []
    assert loans() == [("B1", "T1", True)]


def test_left_as_recorded_it_is_settled_and_nothing_else_changes(service: SmallService) -> None:
    lent_twice(service)
    before = loans()
    decide(service, "lent_twice", "kept")
    assert open_kinds() == []
    assert loans() == before


@pytest.mark.parametrize("code", ["shelved", "mistaken"])
def test_a_return_of_what_was_not_lent(service: SmallService, code: str) -> None:
    send(service, event("returned", service.visits()[0], barcode="B1"))
    decide(service, "returned_not_lent", code)
    assert open_kinds() == []
    assert loans() == []


def test_a_renewal_without_loan_gets_its_loan(service: SmallService) -> None:
    visit = service.visits()[0]
    send(service, event("renewed", visit, barcode="B1"))
    with pytest.raises(SettlingError, match="No card has the number"):
        settle(only("renewed_not_lent"), "lent_before", "X", service.user, new_uuid())
    decide(service, "renewed_not_lent", "lent_before", "T2")
    assert open_kinds() == []
    assert loans() == [("B1", "T2", True)]
    assert db.session.scalars(select(Loan)).one().renewals == 1


def test_a_renewal_of_what_was_not_on_loan_is_taken_back(service: SmallService) -> None:
    send(service, event("renewed", service.visits()[0], barcode="B1"))
    decide(service, "renewed_not_lent", "not_lent")
    assert open_kinds() == []


def test_a_misread_card_is_corrected(service: SmallService) -> None:
    send(service, event("lent", service.visits()[0], barcode="B1", card_number="T7"))
    decide(service, "unknown_card", "other_card", "T1")
    assert open_kinds() == []
    assert loans() == [("B1", "T1", True)]


def test_a_misread_barcode_is_corrected_in_each_of_its_facts(service: SmallService) -> None:
    first, second = service.visits()[:2]
    send(
        service,
        event("lent", first, barcode="B7", card_number="T1"),
        event("renewed", second, barcode="B7"),
    )
    with pytest.raises(SettlingError, match="No copy has the barcode"):
        settle(only("unknown_copy"), "other_barcode", "B8", service.user, new_uuid())
    decide(service, "unknown_copy", "other_barcode", "B2")
    assert open_kinds() == []
    assert loans() == [("B2", "T1", True)]
    assert db.session.scalars(select(Loan)).one().renewals == 1


@pytest.mark.parametrize("kind", ["unknown_card", "unknown_copy"])
def test_a_scan_by_mistake_is_taken_back(service: SmallService, kind: str) -> None:
    send(service, event("lent", service.visits()[0], barcode="B7", card_number="T7"))
    decide(service, kind, "mistaken")
    assert open_kinds() == []
    assert loans() == []


def made(visit: Visit, number: str, **payload: Any) -> dict[str, Any]:
    return event("card_issued", visit, kind="van", cards=1, number=number, **payload)


def test_one_card_made_twice_on_the_road_counts_once(service: SmallService) -> None:
    visit = service.visits()[0]
    send(service, made(visit, "M1"), made(visit, "M1"))
    decide(service, "card_exists", "same_reader")
    assert open_kinds() == []
    assert db.session.scalar(select(func.sum(IssuedCard.cards))) == 1


def test_a_card_written_on_a_page_first_counts_where_it_was_made(service: SmallService) -> None:
    send(service, made(service.visits()[0], "T1"))
    decide(service, "card_exists", "same_reader")
    assert open_kinds() == []
    assert db.session.scalar(select(func.sum(IssuedCard.cards))) == 1


def test_a_card_of_another_reader_gets_its_own_number(service: SmallService) -> None:
    send(service, made(service.visits()[0], "T1", full_name="Nguyễn Bé"))
    with pytest.raises(SettlingError, match="exists already"):
        settle(only("card_exists"), "other_number", "T2", service.user, new_uuid())
    decide(service, "card_exists", "other_number", "M5")
    assert open_kinds() == []
    card = db.session.scalars(select(Card).where(Card.number == "M5")).one()
    assert card.reader.full_name == "Nguyễn Bé"


def box(kind: str, visit: Visit, code: str) -> dict[str, Any]:
    return event(kind, visit, box=code, barcodes=["B1", "B2"])


def test_a_box_that_came_back_unseen_is_brought_back_whole(service: SmallService) -> None:
    first, second = service.visits()[:2]
    send(service, box("box_out", first, "H1"), box("box_out", second, "H1"))
    decide(service, "box_out_twice", "came_back_before")
    assert open_kinds() == []
    states = db.session.execute(
        select(BoxDeposit.visit_id, BoxItem.state).join(BoxItem).distinct()
    ).all()
    assert {(visit_id, state.value) for visit_id, state in states} == {
        (first.id, "back"),
        (second.id, "out"),
    }


def test_a_photo_takes_its_picture_to_the_right_visit(service: SmallService) -> None:
    visit = service.visits()[0]
    fact = event("photo", visit, sha256="0" * 64, content_type="image/webp", bytes=3)
    send(service, {**fact, "visit": 999_999})
    picture = Photo(
        event_id=uuid.UUID(fact["id"]),
        organisation_id=service.organisation.id,
        tablet_id=web_tablet(service.user).id,
        content_type="image/webp",
        sha256="0" * 64,
        data=b"abc",
    )
    db.session.add(picture)
    db.session.commit()
    decide(service, "unknown_visit", "other_visit", str(visit.id))
    assert open_kinds() == []
    moved = db.session.scalars(select(Event).where(Event.visit_id == visit.id)).one()
    assert db.session.get_one(Photo, moved.id).data == b"abc"


def counted_at_a_cancelled_visit(service: SmallService) -> Visit:
    visit = service.visits()[0]
    cancel_visit(visit, "Mưa", service.user)
    db.session.commit()
    send(
        service,
        event("arrived", visit, at=visit.arrival_at),
        event("attendance", visit, audience="primary", people=30),
        event("lent", visit, barcode="B1", card_number="T1"),
    )
    return visit


def test_a_visit_that_did_take_place_is_restored_in_the_timetable(service: SmallService) -> None:
    visit = counted_at_a_cancelled_visit(service)
    decide(service, "visit_cancelled", "was_served")
    assert open_kinds() == []
    assert visit.plan_status == VisitStatus.PLANNED
    assert visit.status == VisitStatus.SERVED


def test_what_was_logged_at_the_wrong_visit_goes_to_the_right_one(service: SmallService) -> None:
    visit = counted_at_a_cancelled_visit(service)
    right = service.visits(1)[0]
    for nonsense in ("", "x", "999999"):
        with pytest.raises(SettlingError, match="Choose the visit"):
            settle(only("visit_cancelled"), "other_visit", nonsense, service.user, new_uuid())
    decide(service, "visit_cancelled", "other_visit", str(right.id))
    assert open_kinds() == []
    assert (people(visit), people(right)) == ({}, {"primary": 30})
    assert db.session.scalars(select(Loan)).one().place_id == right.place_id
    assert visit.status == VisitStatus.CANCELLED


def test_everything_of_a_cancelled_visit_is_taken_back(service: SmallService) -> None:
    visit = counted_at_a_cancelled_visit(service)
    decide(service, "visit_cancelled", "all_mistaken")
    assert open_kinds() == []
    assert people(visit) == {} and loans() == []


def test_facts_of_an_unknown_visit_find_theirs(service: SmallService) -> None:
    visit = service.visits()[0]
    sent = event("attendance", visit, audience="adults", people=4)
    send(service, {**sent, "visit": 999_999})
    decide(service, "unknown_visit", "other_visit", str(visit.id))
    assert open_kinds() == []
    assert people(visit) == {"adults": 4}


def test_facts_of_an_unknown_run_find_theirs(service: SmallService) -> None:
    visit = service.visits()[0]
    left = event("run_left", visit, at=visit.arrival_at, odometer_km=500)
    send(service, {**left, "run": 999_999, "visit": None})
    decide(service, "unknown_visit", "other_visit", str(visit.id))
    assert open_kinds() == []
    assert db.session.get_one(RunRecord, visit.run_id).odometer_out_km == 500


def test_a_clock_on_the_wrong_day_is_put_right(service: SmallService) -> None:
    visit = service.visits()[0]
    send(
        service,
        event("arrived", visit, at=visit.arrival_at - timedelta(days=40)),
        event("departed", visit, at=visit.departure_at - timedelta(days=40)),
        event("attendance", visit, at=now() + timedelta(days=3), audience="adults", people=2),
    )
    decide(service, "clock_wrong", "on_the_day")
    assert open_kinds() == []
    record = db.session.get_one(VisitRecord, visit.id)
    assert (record.arrived_at, record.departed_at) == (visit.arrival_at, visit.departure_at)
    assert people(visit) == {"adults": 2}


def test_a_clock_before_a_day_that_has_not_come_cannot_be_put_right(service: SmallService) -> None:
    visit = service.visits()[-1]
    send(service, event("attendance", visit, at=now(), audience="adults", people=2))
    with pytest.raises(SettlingError, match="has not come yet"):
        settle(only("clock_wrong"), "on_the_day", "", service.user, new_uuid())
    decide(service, "clock_wrong", "time_accepted")
    assert open_kinds() == []


def test_a_missing_arrival_is_entered(service: SmallService) -> None:
    visit = service.visits()[0]
    send(service, event("departed", visit, at=visit.departure_at))
    row = only("departed_before_arrived")
    for wrong, words in (("25:00", "07:30"), ("23:30", "The van departed at")):
        with pytest.raises(SettlingError, match=words):
            settle(row, "arrived_at", wrong, service.user, new_uuid())
    with pytest.raises(SettlingError, match="Nobody logged when the van arrived"):
        settle(row, "departed_at", "11:00", service.user, new_uuid())
    at = format_clock(visit.arrival_at)
    decide(service, "departed_before_arrived", "arrived_at", at)
    assert open_kinds() == []
    assert db.session.get_one(VisitRecord, visit.id).arrived_at == visit.arrival_at


def test_a_departure_before_the_arrival_is_corrected(service: SmallService) -> None:
    visit = service.visits()[0]
    early = visit.arrival_at - timedelta(minutes=30)
    send(service, event("arrived", visit, at=visit.arrival_at), event("departed", visit, at=early))
    with pytest.raises(SettlingError, match="The van arrived at"):
        answer = format_clock(early)
        settle(only("departed_before_arrived"), "departed_at", answer, service.user, new_uuid())
    at = format_clock(visit.departure_at)
    decide(service, "departed_before_arrived", "departed_at", at)
    assert open_kinds() == []
    assert db.session.get_one(VisitRecord, visit.id).departed_at == visit.departure_at


@pytest.mark.parametrize(("code", "left"), [("noted", {}), ("mistaken", {"adults": 3})])
def test_a_correction_that_went_too_far(
    service: SmallService, code: str, left: dict[str, int]
) -> None:
    visit = service.visits()[0]
    send(
        service,
        event("attendance", visit, audience="adults", people=3),
        event("attendance", visit, audience="adults", people=-5),
    )
    decide(service, "count_below_zero", code)
    assert open_kinds() == []
    assert people(visit) == left


def driven(service: SmallService, number: int, *, out: int, back: int) -> list[dict[str, Any]]:
    visit = service.visits()[number]
    return [
        event("run_left", visit, at=visit.arrival_at - timedelta(minutes=20), odometer_km=out),
        event("run_returned", visit, at=visit.departure_at, odometer_km=back),
    ]


def test_an_odometer_that_runs_backwards_is_corrected_on_either_side(
    service: SmallService,
) -> None:
    visit = service.visits()[0]
    send(service, *driven(service, 0, out=5000, back=40))
    assert open_kinds() == ["odometer_backwards"]
    with pytest.raises(SettlingError, match="whole kilometres"):
        settle(only("odometer_backwards"), "reading_was", "viele", service.user, new_uuid())
    decision = decide(service, "odometer_backwards", "reading_was", "5.040")
    record = db.session.get_one(RunRecord, visit.run_id)
    assert (record.odometer_out_km, record.odometer_in_km) == (5000, 5040)
    assert open_kinds() == []
    take_back(decision, service.user, new_uuid())
    assert open_kinds() == ["odometer_backwards"]
    decide(service, "odometer_backwards", "before_was", "10")
    record = db.session.get_one(RunRecord, visit.run_id)
    assert (record.odometer_out_km, record.odometer_in_km) == (10, 40)


def test_the_odometer_is_compared_with_the_vans_run_before_in_any_order(
    service: SmallService,
) -> None:
    send(service, *driven(service, 1, out=5030, back=5060))
    assert open_kinds() == []
    send(service, *driven(service, 0, out=5040, back=5050))
    assert open_kinds() == ["odometer_backwards"]
    assert only("odometer_backwards").other_event_id is not None
    before = projections()
    replay(service.organisation.id)
    assert projections() == before
    gone = db.session.scalars(select(Event).where(Event.run_id == service.visits()[0].run_id)).all()
    send(service, *(event("undo", undoes=str(fact.id)) for fact in gone))
    assert open_kinds() == []


def test_a_decision_taken_back_takes_back_what_it_recorded(service: SmallService) -> None:
    lent_twice(service)
    before = projections()
    decision = decide(service, "lent_twice", "first_returned")
    take_back(decision, service.user, new_uuid())
    assert projections() == before
    assert open_kinds() == ["lent_twice"]


def test_a_decision_of_a_tablet_with_nonsense_beside_it_can_be_taken_back(
    service: SmallService,
) -> None:
    lent_twice(service)
    row = only("lent_twice")
    fact = event("settled", event_id=str(row.event_id), contradiction="lent_twice", decision="ok")
    fact["payload"]["with"] = ["?", 7]
    send(service, fact)
    assert open_kinds() == []
    take_back(db.session.get_one(Event, uuid.UUID(fact["id"])), service.user, new_uuid())
    assert open_kinds() == ["lent_twice"]


def test_a_decision_that_fails_changes_nothing(service: SmallService) -> None:
    lent_twice(service)
    facts = select(func.count()).select_from(Event)
    before = db.session.scalar(facts)
    with pytest.raises(SettlingError, match="Choose one of the ways"):
        settle(only("lent_twice"), "was_served", "", service.user, new_uuid())
    assert db.session.scalar(facts) == before


# --- The pages --------------------------------------------------------------------------------


@pytest.fixture
def coordinator(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.COORDINATOR)


def fields_of(page: str, code: str) -> dict[str, str]:
    """The hidden fields of the form that offers this way."""
    form = next(f for f in re.findall(r"<form.*?</form>", page, re.S) if f'value="{code}"' in f)
    found = re.findall(r'name="(\w+)" value="([^"]*)"', form)
    return dict(found)


def test_settling_on_the_page_and_taking_it_back(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = counted_at_a_cancelled_visit(service)
    page = coordinator.get("/tablet/to-settle").get_data(as_text=True)
    fields = fields_of(page, "was_served")
    for _ in range(2):
        answer = coordinator.post("/tablet/to-settle", data=fields, follow_redirects=True)
        assert "settled" in answer.get_data(as_text=True).lower()
    db.session.expire_all()
    assert visit.plan_status == VisitStatus.PLANNED
    settled = select(func.count()).where(Event.kind == EventKind.SETTLED)
    assert db.session.scalar(settled) == 1
    page = coordinator.get("/tablet/to-settle?show=settled").get_data(as_text=True)
    assert "The visit did take place" in page
    fields = fields_of(page, "was_served") if 'value="was_served"' in page else None
    undo = re.search(r'name="decision" value="([^"]+)"', page)
    assert fields is None and undo is not None
    data = {"decision": undo[1], "event_id": str(uuid.uuid4())}
    text = coordinator.post("/tablet/to-settle/undo", data=data, follow_redirects=True).get_data(
        as_text=True
    )
    assert "The visit stays in the timetable" in text
    assert "Nothing was settled yet" in text


def test_a_wrong_answer_is_told_and_nothing_recorded(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(service, event("renewed", service.visits()[0], barcode="B1"))
    page = coordinator.get("/tablet/to-settle").get_data(as_text=True)
    fields = {**fields_of(page, "lent_before"), "answer": "nobody's"}
    text = coordinator.post("/tablet/to-settle", data=fields, follow_redirects=True).get_data(
        as_text=True
    )
    assert "Not settled: No card has the number “nobody&#39;s”." in text
    assert open_kinds() == ["renewed_not_lent"]


@pytest.mark.parametrize("field", ["contradicting", "contradiction", "event_id"])
def test_a_form_without_its_ids_is_refused(
    coordinator: FlaskClient, service: SmallService, field: str
) -> None:
    lent_twice(service)
    page = coordinator.get("/tablet/to-settle").get_data(as_text=True)
    fields = {**fields_of(page, "kept"), field: "?"}
    assert coordinator.post("/tablet/to-settle", data=fields).status_code == 400


def test_every_kind_is_shown_with_its_ways(coordinator: FlaskClient, service: SmallService) -> None:
    visit = counted_at_a_cancelled_visit(service)
    lost = event("attendance", visit, audience="adults", people=-4)
    send(
        service,
        event("lent", visit, barcode="B1", card_number="T2"),
        event("lent", visit, barcode="<b>", card_number="?&"),
        event("returned", visit, barcode="B2"),
        event("renewed", visit, barcode="B3"),
        made(visit, "T1"),
        {**event("note", visit, text="?"), "visit": 999_999},
        lost,
        event("departed", visit, at=visit.arrival_at - timedelta(days=9)),
        *driven(service, 1, out=50, back=40),
        {**event("note", visit, text="?"), "run": service.visits()[1].run_id},
        box("box_back", visit, "H2"),
        box("box_out", visit, "H1"),
        box("box_out", service.visits(1)[0], "H1"),
    )
    lost_tablet = Tablet(organisation_id=service.organisation.id, name="Mất", revoked_at=now())
    db.session.add(lost_tablet)
    db.session.commit()
    late = event("note", visit, at=now() + timedelta(minutes=1), text="?")
    store_events(service.organisation.id, lost_tablet, None, [late])
    assert set(open_kinds()) == set(ContradictionKind)
    page = coordinator.get("/tablet/to-settle").get_data(as_text=True)
    for ways in WAYS.values():
        for way in ways:
            assert f'name="decision" value="{way.code}"' in page
            assert str(way.label) in page
    assert "<b>" not in page
    assert "40 km" in page


def test_an_unknown_copy_is_catalogued_and_the_way_leads_back(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(service, event("lent", service.visits()[0], barcode="B 7", card_number="T1"))
    page = coordinator.get("/tablet/to-settle").get_data(as_text=True)
    link = re.search(r'href="(/circulation/titles\?[^"]+)"', page)
    assert link is not None
    titles = coordinator.get(link[1].replace("&amp;", "&")).get_data(as_text=True)
    assert "Choose the title whose copy has barcode B 7" in titles
    new = re.search(r'href="(/circulation/titles/new\?[^"]+)"', titles)
    assert new is not None
    address = new[1].replace("&amp;", "&")
    assert 'value="B 7"' in coordinator.get(address).get_data(as_text=True)
    answer = coordinator.post(address, data={"name": "Tắt đèn", "barcode": "B 7"})
    assert answer.headers["Location"] == "/tablet/to-settle"
    assert open_kinds() == []
    loan = db.session.scalars(select(Loan)).one()
    assert loan.copy is not None and loan.copy.title.name == "Tắt đèn"


def test_an_unknown_card_is_given_to_a_reader_whose_page_then_lists_the_loan(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(service, event("lent", service.visits()[0], barcode="B1", card_number="T77"))
    reader = db.session.scalars(select(Reader).order_by(Reader.id)).first()
    assert reader is not None
    address = f"/circulation/readers/{reader.id}?card=T77&from=to-settle"
    assert f'href="{address}"'.replace("&", "&amp;") in coordinator.get(
        "/circulation/readers?card=T77&from=to-settle"
    ).get_data(as_text=True)
    fields = {
        "full_name": reader.full_name,
        "audience": "",
        "place_id": "0",
        "card_number": "T77",
        "card_kind": "van",
    }
    answer = coordinator.post(address, data=fields)
    assert answer.headers["Location"] == "/tablet/to-settle"
    assert open_kinds() == []
    shown = coordinator.get(f"/circulation/readers/{reader.id}").get_data(as_text=True)
    assert "Dế Mèn phiêu lưu ký" in shown
    assert db.session.scalar(select(Copy.id).where(Copy.barcode == "B1")) is not None
