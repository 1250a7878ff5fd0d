"""Readers, titles and what is out on loan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.aboard import aboard_barcodes
from bus_ops.circulation.models import Card, CardKind, Copy, Loan, Reader, Title
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """Two schools that were served two weeks ago, too."""
    return small_service(organisation, today() - timedelta(weeks=2))


@pytest.fixture
def crew(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The crew's browser."""
    return sign_in(Role.CREW)


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def send(client: FlaskClient, address: str, **fields: str) -> str:
    return client.post(address, data=fields, follow_redirects=True).get_data(as_text=True)


def test_a_title_gets_copies_by_barcode_and_is_found_without_diacritics(crew: FlaskClient) -> None:
    send(
        crew,
        "/circulation/titles/new",
        name="Đất rừng phương Nam",
        author="Đoàn Giỏi",
        barcode="C1",
    )
    title = db.session.scalars(select(Title).where(Title.author == "Đoàn Giỏi")).one()
    send(
        crew, f"/circulation/titles/{title.id}", name=title.name, author=title.author, barcode="C2"
    )
    assert db.session.scalar(select(func.count()).where(Copy.title_id == title.id)) == 2
    assert "Đất rừng phương Nam" in page(crew, "/circulation/titles?q=dat rung doan gioi")
    again = send(crew, "/circulation/titles/new", name="Khác", barcode="C1")
    assert "A copy with this barcode exists already." in again


def test_a_reader_gets_a_card_whose_number_is_taken_once(crew: FlaskClient) -> None:
    fields = {
        "full_name": "Lê Bảo An",
        "audience": "primary",
        "place_id": "0",
        "class_name": "5A",
        "card_number": "TN-77",
        "card_kind": "child",
    }
    send(crew, "/circulation/readers/new", **fields)
    card = db.session.scalars(select(Card).where(Card.number == "TN-77")).one()
    assert (card.kind, card.reader.full_name) == (CardKind.CHILD, "Lê Bảo An")
    assert "Lê Bảo An" in page(crew, "/circulation/readers?q=le bao")
    assert "Lê Bảo An" in page(crew, "/circulation/readers?q=TN-77")
    text = send(crew, "/circulation/readers/new", **{**fields, "full_name": "Khác"})
    assert "A card of this number exists already." in text
    assert db.session.scalar(select(func.count()).where(Reader.full_name == "Khác")) == 0


def test_what_is_out_is_listed_with_its_due_date_and_found(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = service.visits()[0]
    for barcode in ("B1", "B2"):
        payload = {"barcode": barcode, "card_number": "T1"}
        record(EventKind.LENT, service.user, visit=visit, payload=payload)
    record(EventKind.RETURNED, service.user, visit=visit, payload={"barcode": "B2"})
    text = page(crew, "/circulation/")
    loan = db.session.scalars(select(Loan).where(Loan.barcode == "B1")).one()
    assert f"{loan.due_on:%d/%m/%Y}" in text
    assert ">B2<" not in text
    assert ">B1<" in page(crew, "/circulation/?q=de men")
    assert ">B1<" in page(crew, "/circulation/?q=Dế Mèn&due=overdue")
    assert ">B1<" not in page(crew, "/circulation/?q=B3")


def test_a_readers_page_shows_their_loans(crew: FlaskClient, service: SmallService) -> None:
    visit = service.visits()[0]
    payload = {"barcode": "B1", "card_number": "T1"}
    record(EventKind.LENT, service.user, visit=visit, payload=payload)
    reader = db.session.scalars(select(Reader).where(Reader.full_name == "Bạn đọc 1")).one()
    assert "Dế Mèn phiêu lưu ký" in page(crew, f"/circulation/readers/{reader.id}")


def test_reporters_see_no_readers(sign_in: SignIn) -> None:
    assert sign_in(Role.REPORTER).get("/circulation/readers").status_code == 403


def test_a_copy_belongs_to_the_only_van_until_it_is_put_elsewhere(
    crew: FlaskClient, service: SmallService
) -> None:
    van = service.van
    offered = page(crew, "/circulation/titles/new")
    assert f'<option selected value="{van.id}">' in offered
    fields = {"name": "Góc sân và khoảng trời", "barcode": "C7", "van_id": str(van.id)}
    send(crew, "/circulation/titles/new", **fields)
    copy = db.session.scalars(select(Copy).where(Copy.barcode == "C7")).one()
    assert (copy.van_id, copy.added_on) == (van.id, today())
    assert "C7" in aboard_barcodes(service.organisation.id, van.id)
    send(crew, f"/circulation/copies/{copy.id}", barcode="C7", van_id="0")
    assert aboard_barcodes(service.organisation.id) == set()
    assert "own store" in page(crew, f"/circulation/titles/{copy.title_id}")


def test_a_copy_stays_where_it_is_when_a_van_is_named_that_is_not_ours(
    crew: FlaskClient, service: SmallService
) -> None:
    copy = db.session.scalars(select(Copy).where(Copy.barcode == "B1")).one()
    copy.van_id = service.van.id
    db.session.commit()
    send(crew, f"/circulation/copies/{copy.id}", barcode="B1", van_id="4711")
    db.session.refresh(copy)
    assert copy.van_id == service.van.id
