"""What a tablet sends over the network: held once, durably, and never refused for one bad fact."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db, new_uuid, now
from bus_ops.i18n import today
from bus_ops.tablet.models import Event, SetAside, Tablet
from bus_ops.timetable.models import Attendance, Visit
from tests.conftest import SignIn, add_organisation
from tests.small_service import SmallService, small_service

ADDRESS = "/tablet/events"


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """Two schools that were served two weeks ago, too."""
    return small_service(organisation, today() - timedelta(weeks=2))


@pytest.fixture
def crew(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The crew's browser."""
    return sign_in(Role.CREW)


def counted(visit: Visit, people: int = 5, **changed: Any) -> dict[str, Any]:
    """A fact as a tablet writes it."""
    fact = {
        "id": str(new_uuid()),
        "kind": "attendance",
        "sequence": 1,
        "run": visit.run_id,
        "visit": visit.id,
        "recorded_at": now().isoformat(),
        "payload": {"audience": "primary", "people": people},
    }
    return {**fact, **changed}


def people_of(visit: Visit) -> int:
    return (
        db.session.scalar(
            select(func.sum(Attendance.people)).where(Attendance.visit_id == visit.id)
        )
        or 0
    )


def test_a_batch_is_held_and_counted(crew: FlaskClient, service: SmallService) -> None:
    visit = service.visits()[0]
    facts = [counted(visit, 30), counted(visit, 5)]
    answer = crew.post(ADDRESS, json={"events": facts})
    assert answer.json == {"held": [fact["id"] for fact in facts], "set_aside": []}
    assert people_of(visit) == 35


def test_sending_again_is_answered_alike_and_counts_nothing_twice(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = service.visits()[0]
    batch = {"events": [counted(visit, 30)]}
    first, second = crew.post(ADDRESS, json=batch), crew.post(ADDRESS, json=batch)
    assert first.json == second.json
    assert people_of(visit) == 30


def test_one_unreadable_fact_keeps_none_of_the_others_out(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = service.visits()[0]
    good = counted(visit, 8)
    broken = counted(visit, payload={"audience": "martians", "people": 3})
    answer = crew.post(ADDRESS, json={"events": [broken, good, "no fact at all"]})
    assert answer.json == {
        "held": [good["id"]],
        "set_aside": [
            {"index": 0, "id": broken["id"], "problem": "audience: unknown"},
            {"index": 2, "id": None, "problem": "an event must be an object"},
        ],
    }
    assert people_of(visit) == 8
    kept = [json.loads(row.raw) for row in db.session.scalars(select(SetAside))]
    assert broken in kept and "no fact at all" in kept


def test_an_id_that_comes_again_with_other_content_is_named_and_held(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = service.visits()[0]
    first = counted(visit, 30)
    crew.post(ADDRESS, json={"events": [first]})
    later = {**first, "payload": {"audience": "primary", "people": 31}}
    other = counted(visit, 1)
    answer = crew.post(ADDRESS, json={"events": [other, later, {**other, "visit": 7}]})
    assert set(answer.json["held"]) == {first["id"], other["id"]}
    assert [(a["index"], a["id"]) for a in answer.json["set_aside"]] == [
        (1, first["id"]),
        (2, other["id"]),
    ]
    assert people_of(visit) == 31
    kept = [json.loads(row.raw) for row in db.session.scalars(select(SetAside))]
    assert later in kept


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"events": 3}',
        b'{"events": [' + b"[" * 100_000,
        '{"events": []'.encode("utf-16"),
        b"\xff\xfe\x00",
    ],
    ids=["empty", "cut off", "a list", "a number", "deep", "UTF-16", "bytes"],
)
def test_a_body_that_is_no_batch_is_refused_and_kept_whole(crew: FlaskClient, body: bytes) -> None:
    answer = crew.post(ADDRESS, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert "list of events" in answer.json["error"]
    assert db.session.scalars(select(SetAside.raw)).one() == body


def test_numbers_and_letters_that_no_database_holds_are_set_aside(
    app_on_each: Flask, organisation: Organisation
) -> None:
    from bus_ops.tablet.log import store_events, web_tablet

    service = small_service(organisation, today() - timedelta(weeks=2))
    visit = service.visits()[0]
    good = counted(visit, 2)
    odd = [
        counted(visit, payload={"audience": "primary", "people": 1, "more": float("nan")}),
        counted(visit, kind="note", payload={"text": "nul \x00"}),
        counted(visit, kind="note", payload={"text": "half \ud83d"}),
        counted(visit, kind="lent", payload={"barcode": "\udc00", "card_number": "T1"}),
        counted(visit, run=2**70),
    ]
    tablet = web_tablet(service.user)
    answer = store_events(organisation.id, tablet, service.user.id, [*odd, good])
    assert answer.held == (good["id"],)
    assert [aside.index for aside in answer.set_aside] == list(range(len(odd)))
    assert [aside.id for aside in answer.set_aside] == [fact["id"] for fact in odd]


def test_fields_a_kind_does_not_ask_for_are_kept_as_they_came(
    app_on_each: Flask, organisation: Organisation
) -> None:
    from bus_ops.tablet.log import store_events, web_tablet

    service = small_service(organisation, today() - timedelta(weeks=2))
    payload = {"barcode": "x" * 500, "card_number": ["T1"], "battery": 0.5}
    fact = counted(service.visits()[0], kind="arrived", payload=payload)
    answer = store_events(organisation.id, web_tablet(service.user), service.user.id, [fact])
    assert answer.set_aside == ()
    assert db.session.get_one(Event, uuid.UUID(fact["id"])).payload == payload


def test_too_many_facts_at_once_are_told_to_come_in_parts(
    crew: FlaskClient, service: SmallService
) -> None:
    answer = crew.post(ADDRESS, json={"events": [None] * 2_001})
    assert answer.status_code == 413
    assert "at most 2000 events" in answer.json["error"]
    assert db.session.scalar(select(func.count()).select_from(SetAside)) == 0


def test_an_enrolled_tablet_sends_under_its_own_name(
    crew: FlaskClient, service: SmallService, organisation: Organisation
) -> None:
    tablet = Tablet(organisation_id=organisation.id, name="Máy 1", credential_hash="enrolled")
    db.session.add(tablet)
    db.session.commit()
    fact = counted(service.visits()[0], tablet=str(tablet.id))
    answer = crew.post(ADDRESS, json={"tablet": str(tablet.id), "events": [fact]})
    assert answer.json["held"] == [fact["id"]]
    event = db.session.get_one(Event, uuid.UUID(fact["id"]))
    assert event.tablet_id == tablet.id


@pytest.mark.parametrize("whose", ["nobody's", "another library's", "revoked", "nonsense"])
def test_a_tablet_that_is_not_enrolled_here_is_refused(
    crew: FlaskClient, service: SmallService, organisation: Organisation, whose: str
) -> None:
    other = add_organisation("Thư viện khác")
    rows = {
        "another library's": Tablet(organisation_id=other.id, name="Máy lạ"),
        "revoked": Tablet(organisation_id=organisation.id, name="Máy mất", revoked_at=now()),
    }
    db.session.add_all(rows.values())
    db.session.commit()
    identity = str(rows[whose].id) if whose in rows else str(uuid.uuid4())
    batch = {"tablet": "?" if whose == "nonsense" else identity, "events": []}
    answer = crew.post(ADDRESS, json=batch)
    assert answer.status_code == 403
    assert answer.json == {
        "code": "unknown_tablet",
        "error": "This tablet is not enrolled here.",
    }


def test_who_is_not_signed_in_is_told_so_in_json(app: Flask) -> None:
    answer = app.test_client().post(ADDRESS, json={"events": []})
    assert answer.status_code == 401
    assert "error" in answer.json


def test_a_reporter_sends_no_facts(service: SmallService, sign_in: SignIn) -> None:
    answer = sign_in(Role.REPORTER).post(ADDRESS, json={"events": []})
    assert answer.status_code == 403


def test_a_page_of_another_site_cannot_send_facts(app: Flask, crew: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = crew.post(ADDRESS, json={"events": []})
    assert answer.status_code == 400
    assert answer.json == {"error": "CSRF"}


def test_the_visits_page_shows_what_was_logged_to_every_role(
    crew: FlaskClient, service: SmallService, sign_in: SignIn
) -> None:
    visit = service.visits()[0]
    crew.post(ADDRESS, json={"events": [counted(visit, 37)]})
    page = sign_in(Role.REPORTER).get(f"/timetable/visits/{visit.id}").get_data(as_text=True)
    assert "What was logged" in page
    assert '<td class="number">37</td>' in page


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON | st.uuids().map(str),
        "kind": JSON | st.sampled_from(["arrived", "lent", "undo", "note", "card_issued"]),
        "sequence": JSON,
        "run": JSON,
        "visit": JSON | st.integers(1, 5),
        "recorded_at": JSON | st.datetimes().map(lambda moment: moment.isoformat() + "+07:00"),
        "clock_offset": JSON,
        "payload": JSON
        | st.dictionaries(st.sampled_from(["barcode", "card_number", "undoes", "text"]), JSON),
    },
)


@settings(max_examples=60)
@given(odd=st.lists(JSON | FIELDS, max_size=4))
def test_whatever_comes_a_good_fact_beside_it_is_held(
    app: Flask, crew: FlaskClient, service: SmallService, odd: list[Any]
) -> None:
    good = counted(service.visits()[0], 1)
    answer = crew.post(ADDRESS, json={"events": [*odd, good]})
    assert answer.status_code == 200
    assert good["id"] in answer.json["held"]
    sent = json.loads(json.dumps([*odd, good]))
    dealt_with = {aside["index"] for aside in answer.json["set_aside"]}
    for index, fact in enumerate(sent):
        # Nothing is left that a tablet would have to send for ever.
        assert index in dealt_with or fact["id"].lower() in answer.json["held"]
