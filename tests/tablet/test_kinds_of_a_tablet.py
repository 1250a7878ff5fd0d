"""What only tablets record: classes, incidents, photos, boxes, stock checks, the day's end."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bus_ops.accounts.models import Organisation
from bus_ops.circulation.aboard import aboard_barcodes
from bus_ops.circulation.models import BoxDeposit, BoxItem, BoxItemState, Copy
from bus_ops.database import db, now
from bus_ops.i18n import today
from bus_ops.tablet.enrolment import enrol, new_code
from bus_ops.tablet.log import look_again_at_tablet, replay, store_events
from bus_ops.tablet.models import Contradiction, ContradictionKind, Tablet
from bus_ops.timetable.models import (
    Attendance,
    Audience,
    ClassVisit,
    DayClosing,
    Incident,
    StockSeen,
)
from tests.small_service import SmallService, small_service

TABLES = (ClassVisit, Incident, DayClosing, StockSeen, BoxDeposit, BoxItem, Attendance)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    return small_service(organisation, today())


@pytest.fixture
def tablet(service: SmallService) -> Tablet:
    row = Tablet(organisation_id=service.organisation.id, name="Máy 1")
    db.session.add(row)
    db.session.flush()
    enrol(new_code(row))
    db.session.commit()
    return row


def event(service: SmallService, kind: str, /, visit: int | None = 0, **payload: Any) -> Any:
    run = service.run_on(today())
    return {
        "id": str(uuid.uuid4()),
        "kind": kind,
        "run": run.id,
        "visit": service.visits(visit)[0].id if visit is not None else None,
        "user": service.user.id,
        "recorded_at": now().isoformat(),
        "payload": payload,
    }


def send(tablet: Tablet, *events: Any) -> None:
    answer = store_events(tablet.organisation_id, tablet, None, events)
    assert answer.set_aside == ()
    assert len(answer.held) == len(events)


def rows(organisation_id: int) -> list[Any]:
    found: list[Any] = []
    for model in (*TABLES, Contradiction):
        table = model.__table__
        query = select(table).where(table.c.organisation_id == organisation_id)
        found += sorted((tuple(row) for row in db.session.execute(query)), key=str)
    return found


def one(model: Any) -> Any:
    return db.session.scalars(select(model)).one()


def found_kinds() -> set[ContradictionKind]:
    return set(db.session.scalars(select(Contradiction.kind)))


def test_a_class_counts_its_pupils_and_teachers(service: SmallService, tablet: Tablet) -> None:
    send(
        tablet,
        event(service, "attendance", audience="primary", people=2),
        event(
            service,
            "class_visit",
            audience="primary",
            people=35,
            teachers=1,
            class_name="3A2",
            teacher="Cô Lan",
        ),
    )
    line = one(ClassVisit)
    assert (line.class_name, line.people, line.teacher) == ("3A2", 35, "Cô Lan")
    people = {a.audience: a.people for a in db.session.scalars(select(Attendance))}
    assert people == {Audience.PRIMARY: 37, Audience.TEACHERS: 1}


def test_an_incident_between_two_visits_hangs_on_the_run(
    service: SmallService, tablet: Tablet
) -> None:
    send(
        tablet,
        event(service, "incident", visit=None, kind="flood", text="Triều cường ở Cái Răng"),
        event(service, "incident", kind="power", text="Mất điện"),
    )
    kinds = {i.kind.value: i.visit_id for i in db.session.scalars(select(Incident))}
    assert kinds == {"flood": None, "power": service.visits(0)[0].id}
    assert found_kinds() == set()


def test_the_fact_names_who_had_the_tablet_in_hand(service: SmallService, tablet: Tablet) -> None:
    from bus_ops.tablet.models import Event

    stranger = {**event(service, "note", text="x"), "user": 99_999}
    send(tablet, event(service, "note", text="y"), stranger)
    people = {e.payload["text"]: e.user_id for e in db.session.scalars(select(Event))}
    assert people == {"y": service.user.id, "x": None}


def test_the_end_of_the_day_is_kept_beside_the_paper(service: SmallService, tablet: Tablet) -> None:
    counted = {"people": 40, "loans": 12, "returns": 7}
    send(
        tablet,
        event(
            service,
            "day_closed",
            visit=None,
            counted=counted,
            paper={"people": 41, "loans": None},
            unsent=3,
            reason="Không có sóng",
        ),
    )
    closing = one(DayClosing)
    assert (closing.counted, closing.paper, closing.unsent) == (counted, {"people": 41}, 3)


def test_a_box_leaves_with_its_list_and_comes_back_with_what_is_missing(
    service: SmallService, tablet: Tablet
) -> None:
    for copy in db.session.scalars(select(Copy)):
        copy.van_id = service.van.id
    db.session.commit()
    send(
        tablet,
        event(
            service,
            "box_out",
            box="T-01",
            barcodes=["B1", "B2", "B9"],
            handed_by="Lê Thị Thủ Thư",
            received_by="Cô Hạnh",
            condition="tốt",
        ),
    )
    deposit = one(BoxDeposit)
    assert deposit.due_on > today() + timedelta(days=180)
    assert aboard_barcodes(service.organisation.id) == {"B3"}
    send(
        tablet,
        event(
            service,
            "box_back",
            box="T-01",
            barcodes=["B1"],
            damaged=["B9"],
            visitors=120,
            items=300,
        ),
    )
    db.session.expire_all()
    states = {item.barcode: item.state for item in db.session.scalars(select(BoxItem))}
    assert states == {
        "B1": BoxItemState.BACK,
        "B2": BoxItemState.MISSING,
        "B9": BoxItemState.DAMAGED,
    }
    deposit = one(BoxDeposit)
    assert (deposit.host_visitors, deposit.host_items) == (120, 300)
    assert aboard_barcodes(service.organisation.id) == {"B1", "B3"}
    assert found_kinds() == set()


def test_a_box_cannot_stand_at_two_places_nor_come_back_from_nowhere(
    service: SmallService, tablet: Tablet
) -> None:
    send(
        tablet,
        event(service, "box_back", box="T-02", barcodes=[]),
        event(service, "box_out", visit=0, box="T-01", barcodes=["B1"]),
        event(service, "box_out", visit=1, box="T-01", barcodes=["B2"]),
    )
    assert found_kinds() == {ContradictionKind.BOX_OUT_TWICE, ContradictionKind.BOX_NOT_OUT}
    standing = select(BoxDeposit).where(BoxDeposit.back_at.is_(None))
    assert db.session.scalars(standing).one().visit_id == service.visits(1)[0].id


def test_what_is_recorded_after_the_tablet_was_revoked_is_taken_and_told(
    service: SmallService, tablet: Tablet
) -> None:
    # Within seconds: minutes ago may have been yesterday.
    tablet.revoked_at = now() - timedelta(seconds=1)
    db.session.commit()
    before = event(service, "note", visit=1, text="trước")
    before["recorded_at"] = (now() - timedelta(seconds=3)).isoformat()
    send(tablet, before, event(service, "attendance", audience="adults", people=3))
    told = one(Contradiction)
    assert told.kind == ContradictionKind.REVOKED_TABLET
    assert told.visit_id == service.visits(0)[0].id
    assert one(Attendance).people == 3
    tablet.revoked_at = None
    look_again_at_tablet(tablet)
    db.session.commit()
    assert found_kinds() == set()


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("class_visit", {"audience": "primary", "people": 0}),
        ("class_visit", {"audience": "martians", "people": 3}),
        ("incident", {"kind": "dragon"}),
        ("photo", {"sha256": "", "content_type": "image/jpeg", "bytes": 3}),
        ("box_out", {"box": "", "barcodes": []}),
        ("box_out", {"box": "T", "barcodes": "B1"}),
        ("box_back", {"box": "T", "barcodes": [], "damaged": [3]}),
        ("stock_seen", {"barcodes": [" "]}),
        ("day_closed", {"counted": {"people": -1}}),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_its_place_and_reason(
    service: SmallService, tablet: Tablet, kind: str, payload: dict[str, Any]
) -> None:
    good, bad = event(service, "note", text="x"), event(service, kind, **payload)
    answer = store_events(tablet.organisation_id, tablet, None, [good, bad])
    assert answer.held == (good["id"],)
    (aside,) = answer.set_aside
    assert (aside.index, aside.id) == (1, bad["id"])
    assert ":" in aside.problem


KINDS = st.sampled_from(
    [
        ("class_visit", {"audience": "primary", "people": 20, "teachers": 2}),
        ("incident", {"kind": "late", "text": "kẹt phà"}),
        ("box_out", {"box": "T-01", "barcodes": ["B1", "B2"]}),
        ("box_out", {"box": "T-01", "barcodes": ["B3"]}),
        ("box_back", {"box": "T-01", "barcodes": ["B1"], "damaged": ["B2"]}),
        ("stock_seen", {"barcodes": ["B1", "B3"]}),
        ("day_closed", {"counted": {"people": 5}, "paper": {}}),
    ]
)


@settings(max_examples=30)
@given(
    taps=st.lists(st.tuples(KINDS, st.integers(0, 1), st.booleans()), min_size=1, max_size=14),
    order=st.randoms(use_true_random=False),
)
def test_any_order_batches_and_undos_give_what_a_replay_gives(
    service: SmallService, tablet: Tablet, taps: Any, order: Any
) -> None:
    start = now()
    events = []
    for number, ((kind, payload), visit, undone) in enumerate(taps):
        about_run = kind in {"stock_seen", "day_closed"}
        made = event(service, kind, None if about_run else visit, **payload)
        made["recorded_at"] = (start + timedelta(seconds=number)).isoformat()
        events.append(made)
        if undone:
            undo = event(service, "undo", None if about_run else visit, undoes=made["id"])
            undo["recorded_at"] = (start + timedelta(seconds=number, milliseconds=1)).isoformat()
            events.append(undo)
    order.shuffle(events)
    cut = order.randrange(len(events) + 1)
    send(tablet, *events[:cut])
    send(tablet, *events[cut:], *events[:cut])
    before = rows(service.organisation.id)
    replay(service.organisation.id)
    assert rows(service.organisation.id) == before
