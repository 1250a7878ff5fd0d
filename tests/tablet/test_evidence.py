"""What tablets sent and could not be read: shown, searched, taken away whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.tablet.evidence import evidence_listing
from bus_ops.tablet.log import set_aside, store_events, web_tablet
from bus_ops.tablet.models import SetAside, Tablet
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

RAW: tuple[Any, ...] = (
    {"kind": "lent", "payload": {"barcode": "B1"}, "note": "<script>alert(1)</script>"},
    {"kind": "Chở sách", "half": "\ud83d"},
    b"\xff\xfe\x00\x01",
    b"[" * 100_000,
)


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """A library that holds evidence of two tablets."""
    service = small_service(organisation, today() - timedelta(weeks=2))
    other = Tablet(organisation_id=organisation.id, name="Máy bảng số 2")
    db.session.add(other)
    db.session.flush()
    store_events(organisation.id, web_tablet(service.user), service.user.id, RAW[:2])
    for raw in RAW[2:]:
        set_aside(organisation.id, other.id, raw, "body: no batch")
    db.session.commit()
    return service


@pytest.fixture
def coordinator(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The coordinator's browser."""
    return sign_in(Role.COORDINATOR)


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_each_record_is_shown_escaped_with_its_tablet_and_problem(
    coordinator: FlaskClient,
) -> None:
    text = page(coordinator, "/tablet/evidence")
    assert "Máy bảng số 2" in text and "body: no batch" in text and "kind: unknown" in text
    assert "<script>alert" not in text and "&lt;script&gt;" in text
    assert "Chở sách" in text
    assert "\\xff\\xfe" in text
    assert "4 found" in text
    assert 'href="/tablet/evidence"' in page(coordinator, "/tablet/to-settle")


@pytest.mark.parametrize(
    ("typed", "found"),
    [("Chở sách", 1), ("alert(1)", 1), ("no batch", 2), ("số 2", 2), ("chẳng có", 0)],
)
def test_evidence_is_found_by_problem_tablet_and_text(
    app_on_each: Flask, organisation: Organisation, service: SmallService, typed: str, found: int
) -> None:
    from flask import g

    with app_on_each.test_request_context("/tablet/evidence", query_string={"q": typed}):
        g.organisation_id = organisation.id
        assert evidence_listing().count == found


def test_a_record_is_taken_away_byte_for_byte(coordinator: FlaskClient) -> None:
    row = db.session.scalars(select(SetAside).where(SetAside.problem == "body: no batch")).first()
    assert row is not None
    answer = coordinator.get(f"/tablet/evidence/{row.id}")
    assert answer.data == row.raw
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_crew_sees_no_evidence(service: SmallService, sign_in: SignIn) -> None:
    crew = sign_in(Role.CREW)
    assert crew.get("/tablet/evidence").status_code == 403
    assert 'href="/tablet/evidence"' not in page(crew, "/tablet/to-settle")


def test_without_evidence_the_page_says_so(app: Flask, sign_in: SignIn) -> None:
    assert "Every record of the tablets could be read." in page(
        sign_in(Role.COORDINATOR), "/tablet/evidence"
    )
