"""What is catalogued after it was lent belongs to its loans at once, as after a replay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.models import Card, Copy, Loan, Reader, Title
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.tablet.log import replay
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service
from tests.tablet.facts import event, open_kinds, projections, send


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """Two schools that were served two weeks ago, too."""
    return small_service(organisation, today() - timedelta(weeks=2))


@pytest.fixture
def crew(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The crew's browser."""
    return sign_in(Role.CREW)


def loan() -> Loan:
    db.session.expire_all()
    return db.session.scalars(select(Loan)).one()


def agrees_with_replay(service: SmallService) -> bool:
    before = projections()
    replay(service.organisation.id)
    return projections() == before


def change(client: FlaskClient, address: str, **fields: str) -> str:
    return client.post(address, data=fields, follow_redirects=True).get_data(as_text=True)


def card_of(number: str) -> Card:
    return db.session.scalars(select(Card).where(Card.number == number)).one()


def test_a_copy_catalogued_after_its_loan_is_the_loans_copy(
    crew: FlaskClient, service: SmallService
) -> None:
    send(service, event("lent", service.visits()[0], barcode="B9", card_number="T1"))
    assert open_kinds() == ["unknown_copy"]
    title = db.session.scalars(select(Title)).one()
    change(crew, f"/circulation/titles/{title.id}", name=title.name, barcode="B9")
    assert open_kinds() == []
    assert loan().copy is not None
    assert agrees_with_replay(service)


def test_a_card_made_after_its_loan_shows_the_loan_on_the_readers_page(
    crew: FlaskClient, service: SmallService
) -> None:
    send(service, event("lent", service.visits()[0], barcode="B1", card_number="T9"))
    fields = {"full_name": "Lê An", "audience": "", "place_id": "0", "card_number": "T9"}
    text = change(crew, "/circulation/readers/new", **fields, card_kind="van")
    assert "Dế Mèn phiêu lưu ký" in text
    assert open_kinds() == []
    assert agrees_with_replay(service)


def test_a_corrected_barcode_leaves_old_loans_to_the_old_code(
    crew: FlaskClient, service: SmallService
) -> None:
    send(
        service,
        event("lent", service.visits()[0], barcode="B1", card_number="T1"),
    )
    copy = db.session.scalars(select(Copy).where(Copy.barcode == "B1")).one()
    assert loan().copy_id == copy.id
    assert "exists already" in change(crew, f"/circulation/copies/{copy.id}", barcode="B2")
    assert "Enter the barcode" in change(crew, f"/circulation/copies/{copy.id}", barcode=" ")
    change(crew, f"/circulation/copies/{copy.id}", barcode="B71")
    assert (loan().copy, open_kinds()) == (None, ["unknown_copy"])
    assert agrees_with_replay(service)
    change(crew, f"/circulation/copies/{copy.id}", barcode="B1")
    assert loan().copy_id == copy.id and open_kinds() == []


def test_a_copy_taken_out_leaves_its_loans(crew: FlaskClient, service: SmallService) -> None:
    send(service, event("lent", service.visits()[0], barcode="B1", card_number="T1"))
    copy = db.session.scalars(select(Copy).where(Copy.barcode == "B1")).one()
    change(crew, f"/circulation/copies/{copy.id}", remove="1")
    assert loan().copy_id is None and open_kinds() == ["unknown_copy"]
    assert agrees_with_replay(service)


def test_a_cards_number_is_corrected_and_taken_away(
    crew: FlaskClient, service: SmallService
) -> None:
    send(service, event("lent", service.visits()[0], barcode="B1", card_number="T1"))
    card = card_of("T1")
    address = f"/circulation/cards/{card.id}"
    assert "exists already" in change(crew, address, number="T2")
    assert "Enter the card&#39;s number" in change(crew, address, number="")
    change(crew, address, number="T50")
    assert loan().card is None and open_kinds() == ["unknown_card"]
    assert "Bạn đọc 1" in crew.get("/circulation/readers?q=T50").get_data(as_text=True)
    change(crew, address, number="T1")
    assert loan().card_id == card.id
    change(crew, address, remove="1")
    assert loan().card is None
    assert db.session.scalar(select(func.count()).where(Reader.full_name == "Bạn đọc 1")) == 1
    assert agrees_with_replay(service)


def test_a_card_that_the_crew_made_is_changed_in_the_log_only(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = service.visits()[0]
    send(service, event("card_issued", visit, kind="van", cards=1, number="M1"))
    card = card_of("M1")
    for fields in ({"number": "M2"}, {"remove": "1"}):
        text = change(crew, f"/circulation/cards/{card.id}", **fields)
        assert "The crew made this card at a visit" in text
    assert card_of("M1").id == card.id


def test_a_catalogued_card_gives_way_to_the_one_made_on_the_road(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = service.visits()[0]
    send(
        service,
        event("card_issued", visit, kind="child", cards=1, number="T1", full_name="Bé Na"),
        event("lent", visit, barcode="B1", card_number="T1"),
    )
    assert open_kinds() == ["card_exists"]
    change(crew, f"/circulation/cards/{card_of('T1').id}", remove="1")
    assert open_kinds() == []
    borrower = loan().card
    assert borrower is not None and borrower.reader.full_name == "Bé Na"
    assert agrees_with_replay(service)


def test_all_loans_of_a_reader_are_reached_page_by_page(
    crew: FlaskClient, service: SmallService
) -> None:
    first = service.visits()[0]
    facts = []
    for number in range(130):
        at = first.arrival_at + timedelta(seconds=10 * number)
        code = f"K{number:03d}"
        facts.append(event("lent", first, at=at, barcode=code, card_number="T1"))
    send(service, *facts)
    reader = card_of("T1").reader
    seen = set()
    for page in (1, 2, 3):
        text = crew.get(f"/circulation/readers/{reader.id}?page={page}").get_data(as_text=True)
        assert "130 loans" in text
        seen |= {number for number in range(130) if f">K{number:03d}<" in text}
    assert seen == set(range(130))
