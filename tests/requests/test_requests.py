"""Asking for a visit, answering with the day that costs least, and following it by a link."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import format_day, today
from bus_ops.places.models import Place
from bus_ops.places.searching import refresh_search_key
from bus_ops.private_links import token_of
from bus_ops.requests import deciding, forms
from bus_ops.requests.deciding import ClosedError, NoLongerFreeError, fits_for
from bus_ops.requests.models import RequestKind, RequestState, VisitRequest
from bus_ops.telling.models import MessageKind, OutboxMessage
from bus_ops.timetable import changes
from bus_ops.timetable.models import TimetableChange, Visit, VisitStatus
from tests.conftest import SignIn
from tests.requests.asked import asked_visit
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    # The van stays at home on Sundays.
    made = small_service(organisation, today() - (today().weekday() == 6) * DAY)
    made.user.email = "dieu-phoi@example.org"
    made.user.role = Role.COORDINATOR
    db.session.commit()
    return made


@pytest.fixture
def visitor(app_on_each: Flask, service: SmallService) -> FlaskClient:
    return app_on_each.test_client()


@pytest.fixture(autouse=True)
def quick_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests fill a form in faster than people."""
    monkeypatch.setattr(forms, "FASTEST_SECONDS", 0)


def opened(client: FlaskClient) -> str:
    page = client.get("/ask/vi/").text
    found = re.search(r'name="opened" type="hidden" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def answers(client: FlaskClient, **more: str) -> dict[str, str]:
    return {
        "place_name": "Trường Tiểu học Mới",
        "level": "primary",
        "commune_id": "0",
        "asker_name": "Cô Lan",
        "email": "lan@example.org",
        "first_on": format_day(today() + 4 * DAY),
        "last_on": format_day(today() + 20 * DAY),
        "people_primary": "60",
        "wishes": "film",
        "opened": opened(client),
        **more,
    }


def told(kind: MessageKind) -> list[OutboxMessage]:
    query = db.select(OutboxMessage).where(OutboxMessage.kind == kind)
    return list(db.session.scalars(query.order_by(OutboxMessage.id)))


def requests() -> list[VisitRequest]:
    return list(db.session.scalars(db.select(VisitRequest)))


def page_of(asked: VisitRequest) -> str:
    return f"/ask/vi/{token_of(deciding.PURPOSE, asked.id, asked.mark)}"


def offered(service: SmallService) -> VisitRequest:
    asked = asked_visit(service.organisation.id)
    deciding.ask(asked)
    deciding.offer(asked, fits_for(asked, 60)[0], "Mời trường xem", service.user)
    db.session.commit()
    return asked


def test_a_school_asks_without_an_account_and_both_sides_are_told(visitor: FlaskClient) -> None:
    answer = visitor.post("/ask/vi/", data=answers(visitor))
    assert answer.status_code == 302
    (asked,) = requests()
    assert (asked.pupils, asked.wishes, asked.state) == (60, ["film"], RequestState.NEW)
    page = visitor.get(answer.headers["Location"]).text
    assert "Trường Tiểu học Mới" in page
    assert [m.recipient for m in told(MessageKind.REQUEST_RECEIVED)] == ["lan@example.org"]
    (to_planner,) = told(MessageKind.REQUEST_NEW)
    assert to_planner.recipient == "dieu-phoi@example.org"
    assert "60" in to_planner.body


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("place_name", "", "Nhập tên địa điểm."),
        ("email", "lan@", "Đây không phải"),
        ("email", "", "Nhập số điện thoại hoặc địa chỉ e-mail."),
        ("first_on", "01/01/2020", "Chọn ngày cách hôm nay ít nhất ba ngày."),
        ("last_on", "01/01/2020", "Ngày kết thúc trước ngày bắt đầu"),
        ("people_primary", "90000", "5000"),
        ("website", "http://spam", "Để trống ô này."),
        ("opened", "forged", "Trang đã mở quá lâu"),
    ],
)
def test_what_is_missing_or_odd_is_said_and_nothing_is_kept(
    visitor: FlaskClient, field: str, value: str, sentence: str
) -> None:
    answer = visitor.post("/ask/vi/", data=answers(visitor, **{field: value}))
    assert answer.status_code == 200
    assert sentence in answer.text
    assert requests() == []
    assert told(MessageKind.REQUEST_RECEIVED) == []


def test_a_robot_is_too_fast(visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "FASTEST_SECONDS", 4)
    assert "Gửi quá nhanh" in visitor.post("/ask/vi/", data=answers(visitor)).text
    assert requests() == []


def test_days_fit_where_no_published_time_moves_and_the_cheapest_comes_first(
    service: SmallService,
) -> None:
    asked = asked_visit(service.organisation.id)
    fits = fits_for(asked, 60)
    costs = [fit.distance_m for fit in fits if not fit.too_long]
    assert costs == sorted(costs)
    # Beside its neighbours it costs less than a way of its own.
    assert fits[0].beside == 2
    alone = [fit for fit in fits if fit.beside == 0]
    assert alone
    assert fits[0].distance_m < min(fit.distance_m for fit in alone)
    assert all(today() < fit.day <= asked.last_on for fit in fits)
    before = {v.id: (v.arrival_at, v.departure_at) for stop in (0, 1) for v in service.visits(stop)}
    deciding.ask(asked)
    visit = deciding.accept(asked, fits[0], 60, "", service.user)
    db.session.commit()
    assert (visit.day, visit.run.van_id) == (fits[0].day, fits[0].van.id)
    after = {v.id: (v.arrival_at, v.departure_at) for stop in (0, 1) for v in service.visits(stop)}
    assert after == before
    cost = visit.run.distance_m - service.run_on(fits[0].day + timedelta(weeks=1)).distance_m
    assert cost == fits[0].distance_m


def test_only_weekdays_asked_for_are_offered(service: SmallService) -> None:
    tomorrow = (today() + DAY).weekday()
    asked = asked_visit(service.organisation.id, weekdays=[tomorrow])
    assert {fit.day.weekday() for fit in fits_for(asked, 60)} <= {tomorrow}


def test_a_request_without_a_position_fits_nowhere_until_its_place_is_known(
    service: SmallService,
) -> None:
    asked = asked_visit(service.organisation.id, lat=None, lon=None)
    assert fits_for(asked, 60) == []
    asked.place = service.stops[0].place
    assert fits_for(asked, 60) != []


def test_an_accepted_request_is_a_visit_at_a_place_of_its_own(
    service: SmallService, sign_in: SignIn, visitor: FlaskClient
) -> None:
    asked = asked_visit(service.organisation.id)
    deciding.ask(asked)
    db.session.commit()
    client = sign_in(Role.COORDINATOR)
    page = client.get(f"/requests/{asked.id}").text
    fit = fits_for(asked, 60)[0]
    assert format_day(fit.day) in page
    fields = {
        "day": format_day(fit.day),
        "van_id": str(fit.van.id),
        "place_id": "0",
        "service_minutes": "60",
        "text": "Hẹn gặp trường",
    }
    client.post(f"/requests/{asked.id}/accept", data=fields)
    db.session.expire_all()
    assert asked.state == RequestState.ACCEPTED
    visit = asked.visit
    assert visit is not None
    assert (visit.place.name, visit.place.contact_email) == (asked.place_name, asked.email)
    assert visit.stop.promised == "Chiếu phim"
    (message,) = told(MessageKind.REQUEST_ACCEPTED)
    assert "Hẹn gặp trường" in message.body
    # The place is not told once more that its timetable has changed.
    untold = db.select(TimetableChange).where(TimetableChange.told_at.is_(None))
    assert db.session.scalars(untold).all() == []
    link = page_of(asked)
    assert format_day(visit.day) in visitor.get(link).text
    (event,) = Calendar.from_ical(visitor.get(f"{link}/visit.ics").data).walk("VEVENT")
    assert event["DTSTART"].dt == visit.arrival_at


def test_a_place_that_is_served_already_gets_a_further_visit(service: SmallService) -> None:
    place = service.stops[0].place
    refresh_search_key(place)
    asked = asked_visit(service.organisation.id, place_name=place.name, lat=None, lon=None)
    deciding.ask(asked)
    assert asked.place_id == place.id
    places = db.session.scalar(db.select(db.func.count(Place.id)))
    fit = fits_for(asked, 60)[0]
    visit = deciding.accept(asked, fit, 60, "", service.user)
    db.session.commit()
    assert visit.stop_id == service.stops[0].id
    assert db.session.scalar(db.select(db.func.count(Place.id))) == places


def test_an_offered_day_is_taken_by_who_asked(service: SmallService, visitor: FlaskClient) -> None:
    asked = offered(service)
    link = page_of(asked)
    page = visitor.get(link).text
    assert asked.offered_day is not None
    assert format_day(asked.offered_day) in page
    visitor.post(f"{link}/take")
    db.session.expire_all()
    assert asked.state == RequestState.ACCEPTED
    assert asked.visit is not None
    # Taking it again changes nothing.
    visitor.post(f"{link}/take")
    assert len(told(MessageKind.REQUEST_ACCEPTED)) == 1


def test_an_offer_that_is_taken_twice_at_once_is_one_visit(
    app_on_each: Flask, service: SmallService
) -> None:
    key = offered(service).id
    outcomes: list[str] = []
    begin = threading.Barrier(2)

    def take() -> None:
        with app_on_each.app_context():
            asked = db.session.get_one(VisitRequest, key)
            db.session.commit()
            begin.wait()
            try:
                deciding.take_offer(asked)
                db.session.commit()
                outcomes.append("taken")
            except ClosedError:
                db.session.rollback()
                outcomes.append("told")

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["taken", "told"]
    query = db.select(Visit).join(Place).where(Place.name == "Trường Tiểu học Mới")
    assert len(db.session.scalars(query).all()) == 1


def test_an_offered_day_that_was_filled_meanwhile_goes_back_to_the_library(
    service: SmallService,
) -> None:
    asked = offered(service)
    assert asked.offered_day is not None
    service.van.weekdays = [(asked.offered_day + DAY).weekday()]
    db.session.commit()
    with pytest.raises(NoLongerFreeError):
        deciding.take_offer(asked)
    db.session.commit()
    assert (asked.state, asked.visit_id) == (RequestState.NEW, None)
    assert "kín lịch" in told(MessageKind.REQUEST_NEW)[-1].body


def test_an_offer_is_refused_with_words_and_a_request_taken_back(
    service: SmallService, visitor: FlaskClient
) -> None:
    asked = offered(service)
    link = page_of(asked)
    visitor.post(f"{link}/refuse", data={"text": ""})
    assert asked.state == RequestState.OFFERED
    visitor.post(f"{link}/refuse", data={"text": "Hôm đó thi"})
    db.session.expire_all()
    assert asked.state == RequestState.NEW
    assert "Hôm đó thi" in told(MessageKind.REQUEST_NEW)[-1].body
    visitor.post(f"{link}/withdraw", data={"text": "Đã có xe khác"})
    db.session.expire_all()
    assert asked.state == RequestState.WITHDRAWN
    with pytest.raises(ClosedError):
        deciding.decline(asked, "quá muộn", service.user)


def test_an_agreed_visit_is_cancelled_by_who_asked_until_the_van_has_come(
    service: SmallService, visitor: FlaskClient
) -> None:
    asked = offered(service)
    visit = deciding.take_offer(asked)
    db.session.commit()
    page = page_of(asked)
    assert "Hủy buổi" in visitor.get(page).text
    visitor.post(f"{page}/withdraw", data={"text": "Trường sửa sân"})
    db.session.expire_all()
    assert (asked.state, visit.plan_status) == (RequestState.WITHDRAWN, VisitStatus.CANCELLED)
    assert visit.reason == "Trường sửa sân"
    assert "Trường sửa sân" in told(MessageKind.REQUEST_NEW)[-1].body
    assert not deciding.may_withdraw(asked)


def test_a_declined_request_tells_the_reason(
    service: SmallService, sign_in: SignIn, visitor: FlaskClient
) -> None:
    asked = asked_visit(service.organisation.id)
    deciding.ask(asked)
    db.session.commit()
    client = sign_in(Role.COORDINATOR)
    client.post(f"/requests/{asked.id}/decline", data={"text": ""})
    assert asked.is_open
    client.post(f"/requests/{asked.id}/decline", data={"text": "Xe đang sửa"})
    db.session.expire_all()
    assert asked.state == RequestState.DECLINED
    assert "Xe đang sửa" in told(MessageKind.REQUEST_DECLINED)[0].body
    assert "Xe đang sửa" in visitor.get(page_of(asked)).text


def test_a_day_that_does_not_fit_is_refused_in_words(
    service: SmallService, sign_in: SignIn
) -> None:
    asked = asked_visit(service.organisation.id)
    deciding.ask(asked)
    service.van.weekdays = [today().weekday()]
    db.session.commit()
    fields = {
        "day": format_day(today() + DAY),
        "van_id": str(service.van.id),
        "place_id": "0",
        "service_minutes": "60",
    }
    client = sign_in(Role.COORDINATOR)
    for way in ("accept", "offer"):
        answer = client.post(f"/requests/{asked.id}/{way}", data=fields, follow_redirects=True)
        assert "cannot come on that day" in answer.text
    assert asked.state == RequestState.NEW
    query = db.select(Visit).where(Visit.day == today() + DAY)
    assert db.session.scalars(query).all() == []


def test_asking_for_another_day_leads_to_the_visit_and_is_closed_when_done(
    service: SmallService, sign_in: SignIn
) -> None:
    visit = service.visits()[1]
    asked = asked_visit(
        service.organisation.id,
        kind=RequestKind.OTHER_DAY,
        place_id=visit.place_id,
        visit_id=visit.id,
    )
    deciding.ask(asked)
    db.session.commit()
    # The place is told of changes by their own notice.
    assert told(MessageKind.REQUEST_RECEIVED) == []
    client = sign_in(Role.COORDINATOR)
    assert f"/planning/repairs/visits/{visit.id}" in client.get(f"/requests/{asked.id}").text
    changes.move_visit(visit, visit.day + DAY, service.van, "Trường bận", service.user)
    db.session.commit()
    client.post(f"/requests/{asked.id}/settle")
    db.session.expire_all()
    assert not asked.is_open
    assert str(asked.id) not in re.findall(r"/requests/(\d+)", client.get("/requests/").text)
    assert str(asked.id) in re.findall(r"/requests/(\d+)", client.get("/requests/?show=all").text)
