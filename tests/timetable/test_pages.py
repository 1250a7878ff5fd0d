"""The timetable's pages as a coordinator uses them."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import ZONE, today
from bus_ops.places.models import Place, UploadedFile
from bus_ops.timetable.models import (
    CalendarClosure,
    CalendarPeriod,
    ServiceCalendar,
    Stop,
    Term,
    TermStatus,
    Visit,
    VisitStatus,
)
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

TERM = {
    "name": "Học kỳ II 2026-2027",
    "starts_on": "2027-01-18",
    "ends_on": "2027-05-28",
    "leaves_depot_at": "07:00",
    "lunch_minutes": "60",
    "buffer_minutes": "5",
    "shift_limit_minutes": "540",
}


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """Two schools, each week from this day a week ago on."""
    return small_service(organisation, today() - timedelta(weeks=1))


@pytest.fixture
def coordinator(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The coordinator's browser."""
    return sign_in(Role.COORDINATOR)


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def send(client: FlaskClient, address: str, **fields: str) -> str:
    return client.post(address, data=fields, follow_redirects=True).get_data(as_text=True)


def coming(service: SmallService) -> Visit:
    return next(visit for visit in service.visits() if visit.day > today())


def stop_form(service: SmallService, **changed: str) -> dict[str, str]:
    first = service.term.starts_on
    fields = {
        "place_id": str(service.stops[1].place_id),
        "van_id": str(service.van.id),
        "route_id": "0",
        "kind": "closed",
        "audience": "primary",
        "service_minutes": "60",
        "frequency": "2",
        "weekdays": str(first.weekday()),
        "starts_on": first.isoformat(),
        "windows": "07:00-11:00",
        "calendar_id": "0",
        "enabled": "y",
    }
    return {**fields, **changed}


def test_a_month_begins_on_monday_and_shows_its_runs(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = coming(service)
    text = page(coordinator, f"/timetable/month?month={visit.day:%Y-%m}")
    headings = text.split("<thead>")[1].split("</thead>")[0]
    assert headings.index("Mon") < headings.index("Sun")
    assert f'href="/timetable/runs/{visit.run_id}"' in text


@pytest.mark.parametrize("asked", ["", "2026-13", "soon", "0000-00", "99999-01", "9999-12"])
def test_a_month_that_is_none_shows_this_one(coordinator: FlaskClient, asked: str) -> None:
    page(coordinator, f"/timetable/month?month={asked}")


@pytest.mark.parametrize("asked", ["", "soon", "0001-01-01", "9999-12-31"])
def test_a_week_that_is_none_is_no_error(coordinator: FlaskClient, asked: str) -> None:
    page(coordinator, f"/timetable/week?day={asked}")


def test_a_week_shows_each_visit_with_its_local_times(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = coming(service)
    text = page(coordinator, f"/timetable/week?day={visit.day}")
    assert visit.place.name in text
    assert f"{visit.arrival_at.astimezone(ZONE):%H:%M}" in text
    assert f"{visit.day:%d/%m}" in text


def test_a_run_tells_who_rides_what_is_aboard_and_when(
    coordinator: FlaskClient, service: SmallService
) -> None:
    run = coming(service).run
    text = page(coordinator, f"/timetable/runs/{run.id}")
    for shown in ("Trần Văn Tài", "Máy phát điện", *(visit.place.name for visit in run.visits)):
        assert shown in text
    assert f"{run.day:%d/%m/%Y}" in text


def test_a_visit_is_moved_with_a_reason_and_its_history_tells_it(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = coming(service)
    day = visit.day + timedelta(days=1)
    where = f"/timetable/visits/{visit.id}"
    text = send(
        coordinator,
        f"{where}/move",
        day=day.isoformat(),
        van_id=str(service.van.id),
        reason="Trường họp phụ huynh",
    )
    assert f"Moved to {day:%d/%m/%Y}." in text
    assert "Crew: 0 driver(s)" in text, "what breaks is told at once"
    text = page(coordinator, where)
    assert "Trường họp phụ huynh" in text
    assert "Người coordinator" in text
    assert f"{visit.rule_day:%d/%m/%Y}" in text


def test_a_move_without_a_day_or_reason_is_told_beside_the_field(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = coming(service)
    answer = coordinator.post(
        f"/timetable/visits/{visit.id}/move", data={"van_id": str(service.van.id)}
    )
    assert answer.status_code == 400
    text = answer.get_data(as_text=True)
    assert "Choose a day." in text
    assert "Say why; the place will ask." in text


def test_cancelling_needs_a_reason_and_can_be_taken_back(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = coming(service)
    where = f"/timetable/visits/{visit.id}"
    assert "Say why; the place will ask." in send(coordinator, f"{where}/cancel")
    assert visit.status == VisitStatus.PLANNED
    send(coordinator, f"{where}/cancel", **{"cancel-reason": "Triều cường"})
    assert visit.status == VisitStatus.CANCELLED
    assert "Triều cường" in page(coordinator, f"/timetable/runs/{visit.run_id}")
    send(coordinator, f"{where}/restore")
    assert visit.status == VisitStatus.PLANNED


def test_a_change_that_cannot_be_is_told_in_words(
    coordinator: FlaskClient, service: SmallService
) -> None:
    visit = coming(service)
    text = send(
        coordinator,
        f"/timetable/visits/{visit.id}/move",
        day="2020-01-01",
        van_id=str(service.van.id),
        reason="x",
    )
    assert "Choose today or a later day." in text


def test_crew_sees_the_timetable_and_cannot_change_it(
    service: SmallService, sign_in: SignIn
) -> None:
    crew = sign_in(Role.CREW)
    visit = coming(service)
    text = page(crew, f"/timetable/visits/{visit.id}")
    assert "Cancel the visit" not in text
    assert crew.post(f"/timetable/visits/{visit.id}/cancel").status_code == 403


def test_a_term_is_made_given_stops_and_published(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(coordinator, "/timetable/terms/new", **TERM)
    term = db.session.scalars(select(Term).where(Term.name == TERM["name"])).one()
    fields = stop_form(service, starts_on="2027-01-18", weekdays="0")
    send(coordinator, f"/timetable/terms/{term.id}/stops/new", **fields)
    stop = db.session.scalars(select(Stop).where(Stop.term_id == term.id)).one()
    assert stop.rule == "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"
    assert "Published: 10 runs with 10 visits." in send(
        coordinator, f"/timetable/terms/{term.id}/publish"
    )
    assert term.status == TermStatus.PUBLISHED
    days = list(db.session.scalars(select(Visit.day).where(Visit.stop_id == stop.id)))
    assert days[0] == date(2027, 1, 18)
    assert {day.weekday() for day in days} == {0}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "Học kỳ thử"}, "There is a term of this name already."),
        ({"ends_on": "2027-01-01"}, "before"),
        ({"shift_limit_minutes": "10"}, "60"),
        ({"lunch_earliest": "12:00", "lunch_latest": "11:00"}, "Must not be before"),
    ],
)
def test_a_term_that_makes_no_sense_is_told_and_not_kept(
    coordinator: FlaskClient, changed: dict[str, str], told: str
) -> None:
    assert told in send(coordinator, "/timetable/terms/new", **{**TERM, **changed})
    assert db.session.scalar(select(func.count()).select_from(Term)) == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"weekdays": ""}, "Choose at least one weekday."),
        ({"frequency": "monthly"}, "Choose which one in the month."),
        ({"frequency": "free", "free_rule": "often"}, "Not a frequency."),
        (
            {"frequency": "free", "free_rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31"},
            "never falls on a date",
        ),
        ({"fixed_arrival": "09:00"}, "Give both published times or none."),
        (
            {"fixed_arrival": "09:00", "fixed_departure": "08:00"},
            "Departure before arrival.",
        ),
        ({"windows": "11:00-07:00"}, "11:00"),
        ({"exceptions": "tomorrow"}, "tomorrow"),
        ({"service_minutes": "0"}, "5"),
        ({"van_id": "999"}, "Not a valid choice"),
    ],
)
def test_a_stop_that_makes_no_sense_is_told_and_not_kept(
    coordinator: FlaskClient, service: SmallService, changed: dict[str, str], told: str
) -> None:
    fields = {k: v for k, v in stop_form(service, **changed).items() if v or k != "weekdays"}
    text = send(coordinator, f"/timetable/terms/{service.term.id}/stops/new", **fields)
    assert told in text
    assert "invalid-feedback" in text
    assert db.session.scalar(select(func.count()).select_from(Stop)) == 2


def test_a_changed_stop_makes_its_coming_visits_again_and_keeps_the_past(
    coordinator: FlaskClient, service: SmallService
) -> None:
    past = [v.id for v in service.visits(1) if v.day < today()]
    fields = stop_form(service, frequency="1", service_minutes="45")
    send(coordinator, f"/timetable/stops/{service.stops[1].id}", **fields)
    visits = service.visits(1)
    assert [v.id for v in visits if v.day < today()] == past
    assert all(
        v.departure_at - v.arrival_at == timedelta(minutes=45) for v in visits if v.day > today()
    )


def test_a_visit_is_added_beside_the_rule(coordinator: FlaskClient, service: SmallService) -> None:
    day = coming(service).day + timedelta(days=1)
    where = f"/timetable/stops/{service.stops[0].id}/visits"
    text = send(coordinator, where, day=day.isoformat(), reason="Ngày hội đọc sách")
    assert f"Added on {day:%d/%m/%Y}" in text
    assert service.stops[0].place.name in text
    assert "has a visit from that day already" in send(coordinator, where, day=day.isoformat())


def test_calendars_of_vietnam_come_ready_and_take_closures(
    coordinator: FlaskClient, service: SmallService
) -> None:
    text = send(coordinator, "/timetable/calendars/vietnam")
    calendars = list(db.session.scalars(select(ServiceCalendar)))
    assert len(calendars) >= 3
    assert all(calendar.name in text for calendar in calendars)
    calendar = calendars[0]
    service.stops[0].calendar = calendar
    visit = coming(service)
    where = f"/timetable/calendars/{calendar.id}"
    day = visit.day.isoformat()
    text = send(coordinator, f"{where}/closures", first_on=day, last_on=day, reason="Bão số 9")
    assert "Bão số 9" in text
    closure = db.session.scalars(
        select(CalendarClosure).where(CalendarClosure.reason == "Bão số 9")
    ).one()
    send(coordinator, f"/timetable/calendars/closures/{closure.id}/delete")
    assert "Bão số 9" not in page(coordinator, where)


def test_a_closure_or_period_with_its_days_in_the_wrong_order_is_refused(
    coordinator: FlaskClient,
) -> None:
    send(coordinator, "/timetable/calendars/vietnam")
    calendar = db.session.scalars(select(ServiceCalendar).order_by(ServiceCalendar.id)).first()
    assert calendar is not None
    counts = [db.session.scalar(select(func.count()).select_from(model)) for model in _KINDS]
    for kind in ("closures", "periods"):
        answer = coordinator.post(
            f"/timetable/calendars/{calendar.id}/{kind}",
            data={"first_on": "2026-12-10", "last_on": "2026-12-01"},
        )
        assert answer.status_code == 400
    assert [
        db.session.scalar(select(func.count()).select_from(model)) for model in _KINDS
    ] == counts


_KINDS = (CalendarClosure, CalendarPeriod)


def test_a_country_without_known_holidays_is_refused(coordinator: FlaskClient) -> None:
    text = send(coordinator, "/timetable/calendars/new", name="x", weekdays="0", country="XX")
    assert "No holidays are known for this country code." in text


HEADER = (
    "organisation,mobile,route,community,stop,address,postcode,geox,geoy,day,type,arrival,"
    "departure,frequency,start,end,exceptions,timetable\n"
)
GOOD = "Hậu Giang,Xe 1,A,Vị Thanh,Chợ,,,105.47,9.78,,Public,09:00,10:00,FREQ=WEEKLY,2026-11-02,,,\n"
BAD = GOOD.replace("09:00", "giờ Tỵ").replace("Chợ", "<b>Bến</b>")


def upload(client: FlaskClient, *files: tuple[str, bytes]) -> str:
    data = {"files": [(io.BytesIO(content), name) for name, content in files]}
    answer = client.post("/timetable/import", data=data, follow_redirects=True)
    return answer.get_data(as_text=True)


def test_an_upload_is_shown_first_and_taken_when_asked(coordinator: FlaskClient) -> None:
    text = upload(coordinator, ("xe1.csv", (HEADER + GOOD + BAD).encode("utf-16")))
    assert "xe1.csv" in text
    assert "giờ Tỵ" in text
    assert "arrival" in text
    assert db.session.scalar(select(func.count()).select_from(Stop)) == 2
    text = send(coordinator, "/timetable/import/apply")
    assert "Imported: 1 stops added" in text
    assert db.session.scalar(select(func.count()).select_from(Stop)) == 3
    assert db.session.scalar(select(func.count()).select_from(UploadedFile)) == 0
    upload(coordinator, ("xe1.csv", (HEADER + GOOD).encode()))
    assert "Imported: 0 stops added, 0 changed, 0 dated runs." in send(
        coordinator, "/timetable/import/apply"
    )


def test_the_preview_shows_each_change_and_ticks_decide(coordinator: FlaskClient) -> None:
    other = GOOD.replace("Chợ", "Bến Ninh Kiều").replace("09:00,10:00", "11:00,12:00")
    upload(coordinator, ("xe1.csv", (HEADER + GOOD + other).encode()))
    text = send(coordinator, "/timetable/import/apply")
    stop = db.session.scalars(select(Stop).join(Place).where(Place.name == "Chợ")).one()
    stop.place.address = "Cổng sau"
    corrected = GOOD.replace("10:00", "10:15").replace("Chợ,,", "Chợ,1 Hòa Bình,")
    text = upload(coordinator, ("xe1.csv", (HEADER + corrected).encode()))
    assert "09:00–10:00 → 09:00–10:15" in text
    assert "Cổng sau → 1 Hòa Bình" in text
    assert "corrected by hand: kept" in text
    assert "Bến Ninh Kiều" in text
    key = re.findall(r'name="overwrite" value="(\w+)"', text)[0]
    absent = re.findall(r'name="take_out" value="(\d+)"', text)[0]
    text = send(coordinator, "/timetable/import/apply", overwrite=key, take_out=absent)
    assert "1 stop taken out of service." in text
    db.session.expire_all()
    assert (stop.place.address, stop.fixed_departure) == ("1 Hòa Bình", 615)
    assert not db.session.get_one(Stop, int(absent)).enabled


def test_nonsense_ticks_change_nothing(coordinator: FlaskClient, service: SmallService) -> None:
    upload(coordinator, ("xe1.csv", (HEADER + GOOD).encode()))
    send(coordinator, "/timetable/import/apply", overwrite="x", take_out="1")
    assert service.stops[0].enabled


def test_what_a_file_said_beside_the_form_stands_on_the_stops_page(
    coordinator: FlaskClient,
) -> None:
    header = HEADER.replace("timetable\n", "timetable,wifi\n")
    page_address = "https://example.org/lich"
    row = GOOD.replace(",,,\n", f",,,{page_address},<b>có</b>\n")
    bad = row.replace("Chợ", "Bến").replace("https:", "javascript:")
    upload(coordinator, ("a.csv", (header + row + bad).encode()))
    send(coordinator, "/timetable/import/apply")
    stops = select(Stop.id).where(Stop.import_key.is_not(None)).order_by(Stop.id)
    good, evil = (page(coordinator, f"/timetable/stops/{n}") for n in db.session.scalars(stops))
    assert f'href="{page_address}"' in good
    assert "&lt;b&gt;có&lt;/b&gt;" in good
    assert "javascript://example.org/lich" in evil
    assert 'href="javascript' not in evil


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=15", "every month on day 15"),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=15,1", "every 2 months on day 1, 15"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "FREQ=MONTHLY;BYMONTHDAY=-2"),
        ("FREQ=MONTHLY", "every month on day 4"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"),
        ("FREQ=YEARLY", "FREQ=YEARLY"),
        ("FREQ=WEEKLY;BYMONTH=9", "FREQ=WEEKLY;BYMONTH=9"),
        ("FREQ=DAILY;BYDAY=MO", "FREQ=DAILY;BYDAY=MO"),
        ("FREQ=WEEKLY;COUNT=5", "every week on Monday, 5 times"),
        ("FREQ=WEEKLY;UNTIL=20301231", "every week on Monday, until 31/12/2030"),
        ("FREQ=MONTHLY;BYDAY=2TU,-1FR", "every month on the second Tuesday, last Friday"),
    ],
)
def test_a_rule_is_said_in_words_or_shown_itself(
    coordinator: FlaskClient, service: SmallService, rule: str, words: str
) -> None:
    stop = service.stops[0]
    stop.rule, stop.starts_on = rule, date(2019, 11, 4)
    db.session.commit()
    assert f"<td>{words}</td>" in page(coordinator, f"/timetable/terms/{service.term.id}")
    assert page(coordinator, f"/timetable/stops/{stop.id}")


def test_an_import_is_taken_back_from_its_terms_page(
    coordinator: FlaskClient, service: SmallService
) -> None:
    upload(coordinator, ("xe1.csv", (HEADER + GOOD).encode()))
    send(coordinator, "/timetable/import/apply")
    term = db.session.scalars(select(Term).where(Term.import_key.is_not(None))).one()
    address = f"/timetable/terms/{term.id}/take-back"
    assert address in page(coordinator, f"/timetable/terms/{term.id}")
    assert "take-back" not in page(coordinator, f"/timetable/terms/{service.term.id}")
    assert "1 stops, 1 places and 1 vans are gone" in send(coordinator, address)
    assert "made by hand" in send(coordinator, f"/timetable/terms/{service.term.id}/take-back")
    assert db.session.scalars(select(Term)).all() == [service.term]


def test_only_planners_take_an_import_back(sign_in: SignIn, service: SmallService) -> None:
    address = f"/timetable/terms/{service.term.id}/take-back"
    for role in (Role.CREW, Role.REPORTER):
        assert sign_in(role).post(address).status_code == 403


def test_a_real_services_file_is_previewed_whole(
    coordinator: FlaskClient, shared_data: Path
) -> None:
    data = (shared_data / "mobile-libraries" / "suffolk.csv").read_bytes()
    assert "562" in upload(coordinator, ("suffolk.csv", data))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty.csv", b"", "empty"),
        ("photo.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "no text"),
        ("other.csv", b"name,colour\nx,y\n", "column"),
        ("short.csv", b"mobile,route,stop\na,b,c\n", "arrival"),
    ],
)
def test_a_file_that_is_no_timetable_is_named_with_what_is_wrong(
    coordinator: FlaskClient, name: str, data: bytes, told: str
) -> None:
    text = upload(coordinator, (name, data))
    assert name in text
    assert told in text.lower()


def test_good_files_beside_a_broken_one_can_still_be_taken(coordinator: FlaskClient) -> None:
    upload(coordinator, ("a.csv", b"\x00\x01"), ("b.csv", (HEADER + GOOD).encode()))
    assert "Imported: 1 stops added" in send(coordinator, "/timetable/import/apply")


def test_a_file_of_50_mb_is_refused_with_a_remedy(coordinator: FlaskClient) -> None:
    text = upload(coordinator, ("big.csv", b"x" * 50_000_000))
    assert "This file is too large" in text


def test_without_an_upload_there_is_nothing_to_take(coordinator: FlaskClient) -> None:
    assert coordinator.get("/timetable/import/preview").headers["Location"] == "/timetable/import"
    assert coordinator.post("/timetable/import/apply").headers["Location"] == "/timetable/import"


def test_what_the_form_library_says_is_vietnamese_too(
    coordinator: FlaskClient, service: SmallService
) -> None:
    coordinator.post("/accounts/language", data={"language": "vi"})
    text = send(coordinator, "/timetable/terms/new", **{**TERM, "shift_limit_minutes": "9"})
    assert "Số phải từ 60 đến 1440." in text
    text = send(coordinator, "/timetable/terms/new", **{**TERM, "shift_limit_minutes": "chín"})
    assert "Hãy nhập số nguyên." in text
    text = send(coordinator, "/timetable/terms/new", **{**TERM, "starts_on": "20226-01-01"})
    assert "Ngày này không có trong lịch." in text


def test_a_new_stop_takes_the_calendar_and_hours_of_its_place(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(coordinator, "/timetable/calendars/vietnam")
    place = service.stops[1].place
    place.opening_windows = [{"opens": 420, "closes": 660}]
    where = f"/timetable/terms/{service.term.id}/stops/new"
    assert "07:00-11:00" in page(coordinator, f"{where}?place={place.id}")
    send(coordinator, where, **stop_form(service, calendar_id="-1", windows=""))
    stop = db.session.scalars(select(Stop).order_by(Stop.id.desc())).first()
    assert stop is not None
    assert stop.calendar is not None
    assert (place.level, stop.calendar.proposed_for) == ("primary", "primary")


def test_each_kind_of_school_has_a_ready_calendar_closed_at_tet(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(coordinator, "/timetable/calendars/vietnam")
    calendars = list(db.session.scalars(select(ServiceCalendar).order_by(ServiceCalendar.id)))
    assert [calendar.proposed_for for calendar in calendars] == [
        "staff",
        "kindergarten",
        "primary",
        "secondary",
    ]
    staff, kindergarten, primary, _secondary = calendars
    assert staff.closures == []
    assert [(p.first_on, p.last_on) for p in kindergarten.periods] == [
        (p.first_on, p.last_on) for p in primary.periods
    ]
    for calendar in calendars[1:]:
        (closure,) = calendar.closures
        assert (closure.last_on - closure.first_on).days == 10
        assert "checked each year" in closure.reason


def test_dates_that_a_calendar_takes_out_are_told_and_can_be_visited_all_the_same(
    coordinator: FlaskClient, service: SmallService
) -> None:
    day = coming(service).day
    calendar = ServiceCalendar(organisation_id=service.organisation.id, name="Lễ", country="")
    calendar.closures = [
        CalendarClosure(
            organisation_id=service.organisation.id, first_on=day, last_on=day, reason="Thi"
        )
    ]
    db.session.add(calendar)
    db.session.flush()
    stop = service.stops[1]
    where = f"/timetable/stops/{stop.id}"
    fields = stop_form(service, frequency="1", calendar_id=str(calendar.id), windows="")
    text = send(coordinator, where, **fields)
    assert "1 coming visit was taken out." in text
    assert f"No visit on 1 date: {stop.place.name} {day:%d/%m/%Y} (Closed that day: Thi)" in text
    assert "Visit all the same" in page(coordinator, where)
    send(coordinator, f"{where}/visits", day=day.isoformat())
    assert day in {visit.day for visit in service.visits(1)}
    assert "Visit all the same" not in page(coordinator, where)


def test_a_draft_can_be_looked_at_and_leaves_nothing_behind(
    coordinator: FlaskClient, service: SmallService
) -> None:
    send(coordinator, "/timetable/terms/new", **TERM)
    term = db.session.scalars(select(Term).where(Term.name == TERM["name"])).one()
    fields = stop_form(service, starts_on="2027-01-18", weekdays="0")
    send(coordinator, f"/timetable/terms/{term.id}/stops/new", **fields)
    before = db.session.scalar(select(func.count()).select_from(Visit))
    where = f"/timetable/terms/{term.id}/preview"
    text = page(coordinator, f"{where}?month=2027-02")
    assert "01/02/2027" in text
    assert service.stops[1].place.name in text
    assert "Draft" in text
    assert db.session.scalar(select(func.count()).select_from(Visit)) == before
    assert term.filled_until is None
    assert service.stops[1].place.name not in page(coordinator, "/timetable/week?day=2027-02-01")


def test_a_crew_may_not_look_at_a_draft(service: SmallService, sign_in: SignIn) -> None:
    crew = sign_in(Role.CREW)
    assert crew.get(f"/timetable/terms/{service.term.id}/preview").status_code == 403


def test_a_whole_run_is_moved_and_cancelled_from_its_page(
    coordinator: FlaskClient, service: SmallService
) -> None:
    run = coming(service).run
    day = run.day + timedelta(days=1)
    where = f"/timetable/runs/{run.id}"
    assert "Choose a day." in send(coordinator, f"{where}/move", **{"run-move-van_id": "1"})
    fields = {
        "run-move-day": day.isoformat(),
        "run-move-van_id": str(service.van.id),
        "run-move-reason": "Bão số 9",
    }
    assert f"Moved to {day:%d/%m/%Y}." in send(coordinator, f"{where}/move", **fields)
    moved = service.run_on(day)
    assert len(moved.visits) == 2
    where = f"/timetable/runs/{moved.id}"
    assert "Say why; the place will ask." in send(coordinator, f"{where}/cancel")
    text = send(coordinator, f"{where}/cancel", **{"run-cancel-reason": "Lũ"})
    assert "The whole run is cancelled." in text
    assert {visit.status for visit in moved.visits} == {VisitStatus.CANCELLED}


def test_the_gap_of_a_cancelled_visit_is_closed_when_ticked_and_told(
    coordinator: FlaskClient, service: SmallService
) -> None:
    first, second = coming(service).run.visits
    fields = {"cancel-reason": "Bão", "cancel-times_anew": "y"}
    text = send(coordinator, f"/timetable/visits/{first.id}/cancel", **fields)
    assert "1 visit has another time" in text
    assert "Time changed" in page(coordinator, f"/timetable/visits/{second.id}")


@pytest.mark.parametrize(
    "address",
    [
        "/timetable/month?van=99999999999999999999&term=99999999999999999999",
        "/timetable/week?van=-1",
        "/timetable/terms/1?van=99999999999999999999",
        "/timetable/terms/1/stops/new?place=99999999999999999999",
    ],
)
def test_a_key_that_can_be_none_is_no_error(
    coordinator: FlaskClient, service: SmallService, address: str
) -> None:
    page(coordinator, address.replace("terms/1", f"terms/{service.term.id}"))


def test_holidays_are_named_in_the_language_of_the_page(
    coordinator: FlaskClient, service: SmallService, organisation: Organisation
) -> None:
    holiday = date(today().year + 1, 9, 2)
    service.term.ends_on = None
    db.session.add(
        ServiceCalendar(organisation_id=organisation.id, name="Lễ", country="VN", weekdays=[0])
    )
    visit = coming(service)
    send(
        coordinator,
        f"/timetable/visits/{visit.id}/move",
        day=holiday.isoformat(),
        van_id=str(service.van.id),
        reason="x",
    )
    where = f"/timetable/visits/{visit.id}"
    assert "Public holiday: National Day" in page(coordinator, where)
    coordinator.post("/accounts/language", data={"language": "vi"})
    assert "Quốc khánh" in page(coordinator, where)
