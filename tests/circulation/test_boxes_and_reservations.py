"""Lists of rotating boxes and of what readers wait for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from bus_ops.accounts.models import Organisation, Role
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


def leave_boxes(service: SmallService) -> None:
    """Box T-01 with two copies at the first school, T-02 with one at the second."""
    for box, stop, barcodes in (("T-01", 0, ["B1", "B2"]), ("T-02", 1, ["B3"])):
        record(
            EventKind.BOX_OUT,
            service.user,
            visit=service.visits(stop)[0],
            payload={"box": box, "barcodes": barcodes},
        )
    db.session.commit()


def test_a_box_is_added_with_its_next_place_and_found_by_it(
    crew: FlaskClient, service: SmallService
) -> None:
    school = service.stops[1].place
    fields = {"code": "T-09", "next_place_id": str(school.id), "note": "", "enabled": "y"}
    answer = crew.post("/circulation/boxes/new", data=fields, follow_redirects=True)
    assert "T-09" in answer.get_data(as_text=True)
    assert "T-09" in page(crew, "/circulation/boxes/?q=an+hoa")
    assert "T-09" not in page(crew, "/circulation/boxes/?q=thoi+binh")


def test_two_boxes_have_no_code_in_common(crew: FlaskClient, service: SmallService) -> None:
    fields = {"code": "T-09", "next_place_id": "0", "note": "", "enabled": "y"}
    crew.post("/circulation/boxes/new", data=fields)
    answer = crew.post("/circulation/boxes/new", data=fields)
    assert "Another box has this code." in answer.get_data(as_text=True)


def test_deposits_are_counted_searched_and_sorted(crew: FlaskClient, service: SmallService) -> None:
    leave_boxes(service)
    assert "2 found" in page(crew, "/circulation/boxes/")
    found = page(crew, "/circulation/boxes/?q=t-02")
    assert "1 found" in found
    assert "T-01" not in found
    by_copies = page(crew, "/circulation/boxes/?sort=-copies")
    assert by_copies.index("T-01") < by_copies.index("T-02")
    assert "No box was handed over there." in page(crew, "/circulation/boxes/?q=nowhere")


def test_a_reservation_is_made_found_by_reader_and_taken_back(
    crew: FlaskClient, service: SmallService
) -> None:
    fields = {"title": "de men", "card_number": "T2", "place_id": str(service.stops[0].place_id)}
    answer = crew.post("/circulation/reservations", data=fields, follow_redirects=True)
    assert "Dế Mèn phiêu lưu ký" in answer.get_data(as_text=True)
    assert "1 found" in page(crew, "/circulation/reservations?q=t2")
    assert "Nobody waits for that" in page(crew, "/circulation/reservations?q=t1")
    for column in ("title", "reader", "place", "since"):
        assert "1 found" in page(crew, f"/circulation/reservations?sort=-{column}")
    crew.post("/circulation/reservations/1/cancel")
    assert "Nobody waits for anything" in page(crew, "/circulation/reservations")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"title": "không có sách này"}, "No title is called so."),
        ({"card_number": "T99"}, "There is no such card."),
        ({"place_id": "0"}, "This reader has no place yet"),
    ],
)
def test_a_reservation_that_makes_no_sense_is_told(
    crew: FlaskClient, service: SmallService, changed: dict[str, str], told: str
) -> None:
    fields = {"title": "Dế Mèn", "card_number": "T1", "place_id": str(service.stops[0].place_id)}
    answer = crew.post("/circulation/reservations", data={**fields, **changed})
    assert told in answer.get_data(as_text=True)
