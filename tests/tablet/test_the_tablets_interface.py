"""A tablet becomes the library's, takes its days along, sends pictures, is revoked when lost."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db, new_uuid, now
from bus_ops.i18n import today
from bus_ops.tablet import enrolment
from bus_ops.tablet.models import Event, Photo, SetAside, Tablet
from bus_ops.timetable.models import Attendance, Audience, ClassSlot
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

DEVICES = "/tablet/devices/"
JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """Two schools that are served today."""
    return small_service(organisation, today())


class EnrolledTablet:
    """Calls the interface as the tablet's own app does."""

    def __init__(self, app: Flask, identity: str, secret: str) -> None:
        self.identity, self.secret = identity, secret
        self._client = app.test_client()

    @property
    def row(self) -> Tablet:
        return db.session.get_one(Tablet, uuid.UUID(self.identity), populate_existing=True)

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any):
        own = {"Authorization": f"Bearer {self.identity}.{self.secret}", **(headers or {})}
        return self._client.open(f"/tablet/api/{path}", method=method, headers=own, **more)

    def photo(self, event_id: uuid.UUID, data: bytes, digest: str = "", kind: str = "image/jpeg"):
        headers = {"X-Content-SHA256": digest or hashlib.sha256(data).hexdigest()}
        return self.call("PUT", f"photos/{event_id}", headers, data=data, content_type=kind)

    def facts_file(self, told: list[dict[str, Any]], **changed: Any) -> bytes:
        """What it saves where it cannot send."""
        content = {
            "format": "bus-ops-facts",
            "version": 1,
            "tablet": self.identity,
            "made_at": now().isoformat(),
            "events": json.dumps(told),
        }
        signed = "\n".join(str(content[name]) for name in ("tablet", "made_at", "events"))
        key = hashlib.sha256(f"facts-file:{self.secret}".encode()).hexdigest()
        content["signature"] = hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()
        return json.dumps({**content, **changed}).encode()


def code_on(page: str) -> str:
    found = re.search(r"#enrol=([\w-]+)", page)
    assert found is not None
    return found.group(1)


@pytest.fixture
def coordinator(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.COORDINATOR)


@pytest.fixture
def tablet(app: Flask, coordinator: FlaskClient) -> EnrolledTablet:
    return enrolled(app, coordinator, "Máy bảng 1")


def enrolled(app: Flask, coordinator: FlaskClient, name: str, van_id: int = 0) -> EnrolledTablet:
    shown = coordinator.post(DEVICES, data={"name": name, "van_id": str(van_id)})
    body = {"code": code_on(shown.get_data(as_text=True))}
    answer = app.test_client().post("/tablet/api/enrol", json=body).get_json()
    return EnrolledTablet(app, answer["tablet"], answer["secret"])


def counted(service: SmallService, **changed: Any) -> dict[str, Any]:
    visit = service.visits()[0]
    fact = {
        "id": str(new_uuid()),
        "kind": "attendance",
        "version": 1,
        "sequence": 1,
        "run": visit.run_id,
        "visit": visit.id,
        "user": None,
        "recorded_at": now().isoformat(),
        "clock_offset": 0,
        "payload": {"audience": "primary", "people": 5},
    }
    return {**fact, **changed}


def upload(coordinator: FlaskClient, data: bytes) -> str:
    sent = {"file": (io.BytesIO(data), "may-bang.facts.json")}
    answer = coordinator.post(f"{DEVICES}facts-file", data=sent, follow_redirects=True)
    return answer.get_data(as_text=True)


def refusal(page: str) -> str:
    """What the page says of a file that it did not take."""
    (told,) = re.findall(r"alert-danger.*?</div>", page, re.DOTALL)
    return str(told)


def people() -> int:
    return db.session.scalar(select(func.sum(Attendance.people))) or 0


def test_a_code_enrols_one_tablet_once(app: Flask, coordinator: FlaskClient) -> None:
    page = coordinator.post(DEVICES, data={"name": "Máy bảng", "van_id": "0"})
    code = code_on(page.get_data(as_text=True))
    assert "<svg" in page.get_data(as_text=True)
    stranger = app.test_client()
    first = stranger.post("/tablet/api/enrol", json={"code": code})
    assert first.status_code == 200
    assert first.get_json()["library"] == "Thư viện thử nghiệm"
    again = stranger.post("/tablet/api/enrol", json={"code": code})
    assert (again.status_code, again.get_json()) == (404, {"error": "unknown_code"})
    kept = db.session.scalars(select(Tablet)).one().credential_hash
    assert first.get_json()["secret"] not in kept
    assert code not in kept


def test_an_old_code_is_told_from_an_unknown_one(
    app: Flask, coordinator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolment, "CODE_VALID", timedelta(minutes=-1))
    page = coordinator.post(DEVICES, data={"name": "Máy bảng", "van_id": "0"})
    body = {"code": code_on(page.get_data(as_text=True))}
    answer = app.test_client().post("/tablet/api/enrol", json=body)
    assert (answer.status_code, answer.get_json()) == (410, {"error": "expired_code"})


def test_nobody_else_calls_the_tablets_interface(
    app: Flask, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    guessed = EnrolledTablet(app, tablet.identity, "guessed")
    unknown = EnrolledTablet(app, str(new_uuid()), tablet.secret)
    for stranger in (guessed, unknown):
        for path in ("ping", "day-plan", "catalogue", "facts"):
            answer = stranger.call("GET", path)
            assert (answer.status_code, answer.get_json()) == (401, {"error": "unknown_tablet"})
        assert stranger.call("POST", "events", json={"events": []}).status_code == 401
        assert stranger.photo(new_uuid(), JPEG).status_code == 401
    # A person's cookie opens nothing here.
    assert coordinator.get("/tablet/api/day-plan").status_code == 401


def test_a_lost_tablet_reads_nothing_and_what_it_held_is_still_taken(
    service: SmallService, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    coordinator.post(f"{DEVICES}{tablet.identity}/revoke")
    for path in ("ping", "day-plan", "catalogue", "facts"):
        answer = tablet.call("GET", path)
        assert (answer.status_code, answer.get_json()) == (401, {"error": "revoked"})
    fact = counted(service)
    answer = tablet.call("POST", "events", json={"events": [fact]})
    assert answer.get_json()["held"] == [fact["id"]]
    assert people() == 5
    coordinator.post(f"{DEVICES}{tablet.identity}/restore")
    assert tablet.call("GET", "ping").status_code == 200


def test_a_new_code_makes_the_old_credential_void(
    app: Flask, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    coordinator.post(f"{DEVICES}{tablet.identity}/code")
    assert tablet.call("GET", "ping").status_code == 401


def test_the_list_tells_what_each_tablet_says_of_itself(
    tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    tablet.call("GET", "ping", {"X-Tablet-State": "version=abc123; unsent=37"})
    assert (tablet.row.app_version, tablet.row.unsent_told) == ("abc123", 37)
    page = coordinator.get(DEVICES).get_data(as_text=True)
    assert "Máy bảng 1" in page
    assert "37" in page
    tablet.call("GET", "ping", {"X-Tablet-State": "unsent=; version; ;=;unsent=-4"})
    assert (tablet.row.app_version, tablet.row.unsent_told) == ("abc123", 37)


def test_a_tablet_takes_a_week_with_its_class_slots_along(
    app: Flask, service: SmallService, tablet: EnrolledTablet
) -> None:
    visit = service.visits()[0]
    for starts_at, name in ((9 * 60, "4B"), (8 * 60 + 30, "4A")):
        slot = ClassSlot(
            organisation_id=service.organisation.id,
            visit_id=visit.id,
            starts_at=starts_at,
            class_name=name,
            audience=Audience.PRIMARY,
            size=32,
            teacher="Cô Lan",
        )
        db.session.add(slot)
    db.session.commit()
    plan = tablet.call("GET", "day-plan?language=en").get_json()
    assert [run["day"] for run in plan["runs"]] == [today().isoformat()]
    visits = plan["runs"][0]["visits"]
    planned = next(one for one in visits if one["id"] == visit.id)
    assert [slot["class_name"] for slot in planned["slots"]] == ["4A", "4B"]
    assert planned["slots"][0]["minutes"] == 20
    assert planned["due_on"] == (visit.day + timedelta(weeks=1)).isoformat()
    assert planned["place"]["gate"] == "Cổng sau, báo bảo vệ"
    assert len(plan["map"]["lines"][str(visit.run_id)]) > 2
    assert tablet.row.last_seen_at is not None
    spoken = {language: dict(plan_in(tablet, language)) for language in ("vi", "en")}
    assert spoken["vi"] != spoken["en"]


def plan_in(tablet: EnrolledTablet, language: str) -> list[list[str]]:
    choices: list[list[str]] = tablet.call("GET", f"day-plan?language={language}").get_json()[
        "audiences"
    ]
    return choices


def test_a_tablet_of_another_van_takes_other_runs(
    app: Flask, service: SmallService, coordinator: FlaskClient
) -> None:
    own = enrolled(app, coordinator, "Máy của xe", service.van.id)
    assert len(own.call("GET", "day-plan").get_json()["runs"]) == 1
    own.row.van_id = None
    db.session.commit()
    assert len(own.call("GET", "day-plan").get_json()["runs"]) == 1
    run = service.run_on(today())
    other = type(service.van)(organisation_id=service.organisation.id, name="Xe khác")
    db.session.add(other)
    db.session.flush()
    own.row.van_id = other.id
    db.session.commit()
    assert own.call("GET", "day-plan").get_json()["runs"] == []
    assert run.van_id == service.van.id


def test_the_catalogue_is_sent_again_only_when_it_changed(
    service: SmallService, tablet: EnrolledTablet
) -> None:
    first = tablet.call("GET", "catalogue")
    held = {"If-None-Match": first.headers["ETag"]}
    content = first.get_json()
    assert content["copies"]
    assert {card[0] for card in content["cards"]} >= {name[0] for name in content["names"]}
    assert tablet.call("GET", "catalogue", held).status_code == 304
    lent = counted(
        service, kind="lent", payload={"barcode": content["copies"][0][0], "card_number": "T1"}
    )
    tablet.call("POST", "events", json={"events": [lent]})
    changed = tablet.call("GET", "catalogue", held)
    assert changed.status_code == 200
    assert changed.get_json()["loans"][0][0] == content["copies"][0][0]


def test_two_tablets_see_what_the_other_recorded(
    app: Flask, service: SmallService, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    other = enrolled(app, coordinator, "Máy bảng 2")
    fact = counted(service)
    tablet.call("POST", "events", json={"events": [fact]})
    seen = other.call("GET", "facts").get_json()
    told = [(one["id"], one["tablet_name"]) for one in seen["facts"]]
    assert told == [(fact["id"], "Máy bảng 1")]
    assert tablet.call("GET", "facts").get_json()["facts"] == []
    assert other.call("GET", "facts", query_string={"after": seen["cursor"]}).status_code == 200
    for wrong in ("yesterday", "2026-01-01T00:00:00"):
        assert other.call("GET", "facts", query_string={"after": wrong}).status_code == 400


def test_a_body_that_is_no_batch_is_kept_whole(tablet: EnrolledTablet) -> None:
    for body in (b"\xff\xfe broken", b"[1, 2]", b'{"events": 7}'):
        answer = tablet.call("POST", "events", data=body)
        assert (answer.status_code, answer.get_json()) == (400, {"error": "no_batch"})
    assert db.session.scalar(select(func.count()).select_from(SetAside)) == 3
    too_many = tablet.call("POST", "events", json={"events": [{}] * 2_001})
    assert too_many.status_code == 413


def test_a_picture_is_kept_once_and_never_replaced(
    service: SmallService, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    event_id = new_uuid()
    assert tablet.photo(event_id, JPEG, digest="0" * 64).status_code == 422
    assert tablet.photo(event_id, b"").status_code == 422
    assert tablet.photo(event_id, JPEG, kind="text/html").status_code == 415
    assert tablet.photo(event_id, b"x" * (2 * 1024 * 1024 + 1)).status_code == 415
    assert tablet.photo(event_id, JPEG).status_code == 201
    assert tablet.photo(event_id, JPEG).status_code == 200
    assert tablet.photo(event_id, JPEG + b" another").status_code == 409
    assert db.session.scalars(select(Photo)).one().data == JPEG
    shown = coordinator.get(f"{DEVICES}photos/{event_id}")
    assert (shown.data, shown.mimetype) == (JPEG, "image/jpeg")
    assert coordinator.get(f"{DEVICES}photos/{new_uuid()}").status_code == 404


def test_a_file_of_facts_is_taken_once_however_often_it_comes(
    service: SmallService, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    events = [counted(service, sequence=number) for number in (1, 2)]
    sent_before = counted(service, sequence=3)
    tablet.call("POST", "events", json={"events": [sent_before]})
    file = tablet.facts_file([*events, sent_before])
    for _ in range(2):
        assert "3" in upload(coordinator, file)
        assert people() == 15
    assert db.session.scalar(select(func.count()).select_from(Event)) == 3


def test_a_revoked_tablets_file_is_taken(
    service: SmallService, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    coordinator.post(f"{DEVICES}{tablet.identity}/revoke")
    upload(coordinator, tablet.facts_file([counted(service)]))
    assert people() == 5


def test_a_file_that_is_not_the_tablets_is_refused_whole(
    service: SmallService, tablet: EnrolledTablet, coordinator: FlaskClient
) -> None:
    events = [counted(service)]
    forged = json.dumps([{**events[0], "payload": {"audience": "primary", "people": 900}}])
    refused = [
        tablet.facts_file(events, events=forged),
        b"not json at all",
        tablet.facts_file(events, version=2),
        tablet.facts_file(events, signature=7),
        tablet.facts_file(events, tablet=str(new_uuid())),
    ]
    told = [refusal(upload(coordinator, file)) for file in refused]
    assert people() == 0
    # Each says what is wrong with it.
    assert len(set(told)) == len(refused)
    coordinator.post(f"{DEVICES}{tablet.identity}/code")
    for unknown in (tablet.facts_file(events), b""):
        assert refusal(upload(coordinator, unknown)) != ""
    assert people() == 0
