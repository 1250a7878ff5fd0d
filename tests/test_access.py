"""Every page is closed unless it says who may open it; nothing of another library shows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule, UUIDConverter

from bus_ops.accounts.access import may_open
from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.models import Box, BoxDeposit, Card, Copy, Reader, Reservation, Title
from bus_ops.database import db, now
from bus_ops.events.models import Donation, Donor, DonorKind, EventKind, GiftKind, SpecialEvent
from bus_ops.fleet.models import CrewMember, Depot, Van, VanOutOfService
from bus_ops.i18n import today
from bus_ops.indicators.models import IndicatorEntry, Target
from bus_ops.places.host_links import end_host_links, host_token
from bus_ops.places.models import AdministrativeUnit, Place, UnitLevel
from bus_ops.reports.models import DepartmentReport, SavedReport
from bus_ops.tablet.models import Photo, SetAside, Tablet
from bus_ops.telling.models import Channel, MessageKind, OutboxMessage
from bus_ops.timetable.models import (
    Audience,
    CalendarClosure,
    CalendarPeriod,
    ClassSlot,
    Run,
    ServiceCalendar,
    Stop,
    Term,
    Visit,
)
from tests.conftest import SignIn, add_organisation
from tests.planning.plans import plan_as_it_is, repair_of
from tests.requests.asked import asked_visit
from tests.small_service import small_service

NO_ROW = UUID(int=1)
# What a visitor may reach without signing in: nothing of the service itself.
OPEN = {
    "home",
    "static",
    "accounts.sign_in",
    "accounts.sign_out",
    "accounts.set_language",
    # The tablet's app without any data, and the exchange of a shown code for its secret.
    "tablet_app.shell",
    "tablet_app.service_worker",
    "tablet_app.messages",
    "tablet_app.manifest",
    "tablet_interface.enrol_tablet",
}
PAGES = {
    "/accounts/": {Role.ADMINISTRATOR},
    "/administration/": {Role.ADMINISTRATOR},
    "/timetable/terms": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/timetable/import": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/places/new": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/fleet/vans/new": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/circulation/readers": {Role.CREW, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/tablet/to-settle": {Role.CREW, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/tablet/to-settle?show=settled": {Role.CREW, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/requests/": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/messages/": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/tablet/evidence": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/events/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/events/new": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/school-years/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/statistics/stops/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/timetable/board/": {Role.COORDINATOR, Role.ADMINISTRATOR},
    "/dashboard/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/indicators/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/reports/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/reports/tables/loans.csv": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/reports/letterhead": {Role.ADMINISTRATOR},
    "/administration/audit": {Role.ADMINISTRATOR},
    "/statistics/": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/statistics/export.xlsx": {Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR},
    "/tablet/today": set(Role),
    "/timetable/month": set(Role),
    "/places/": set(Role),
    "/accounts/me": set(Role),
}


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def for_tablets(app: Flask, rule: Rule) -> bool:
    """Whether an enrolled tablet calls the address with its secret, and no browser does."""
    return bool(getattr(app.view_functions[rule.endpoint], "tablets_only", False))


def address(app: Flask, rule: Rule) -> str:
    special = {"name": "backup", "language": "vi", "token": "x", "kind": "changes"}
    special |= {"text_language": "vi", "key": "books_added", "ending": "csv"}
    values: dict[str, Any] = {
        name: NO_ROW if isinstance(rule._converters.get(name), UUIDConverter) else 1
        for name in rule.arguments
    }
    values |= {name: text for name, text in special.items() if name in values}
    with app.test_request_context():
        return app.url_for(rule.endpoint, **values)


def private_rules(app: Flask) -> dict[str, Rule]:
    """Pages of whoever was given their address, and the page on which anybody asks for a visit."""
    return {r.endpoint: r for r in rules(app) if r.rule.startswith(("/ask/", "/host/"))}


def test_every_view_says_who_may_open_it(app: Flask) -> None:
    for endpoint, view in app.view_functions.items():
        assert hasattr(view, "roles_allowed"), endpoint
    unguarded = {e for e, view in app.view_functions.items() if view.roles_allowed is None}
    tablets = {rule.endpoint for rule in rules(app) if for_tablets(app, rule)}
    assert unguarded == OPEN | tablets | set(public_rules(app)) | set(private_rules(app))


def public_rules(app: Flask) -> dict[str, Rule]:
    """The timetable for anybody."""
    return {r.endpoint: r for r in rules(app) if r.rule.startswith("/public/")}


def test_what_anybody_may_open_is_only_to_be_read(app: Flask) -> None:
    for rule in public_rules(app).values():
        assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"}


def test_a_private_page_is_not_there_for_who_has_not_its_address(
    app: Flask, organisation: Organisation
) -> None:
    service = small_service(organisation, today())
    place, other = (stop.place for stop in service.stops)
    guesses = ["x", "W10.x", host_token(place)[:-1], host_token(other)[:4] + host_token(place)[4:]]
    ended = host_token(place)
    end_host_links(place)
    db.session.commit()
    client = app.test_client()
    tried = 0
    for rule in private_rules(app).values():
        if "token" not in rule.arguments:
            continue
        with app.test_request_context():
            values = {
                name: NO_ROW if isinstance(rule._converters.get(name), UUIDConverter) else 1
                for name in rule.arguments
            }
            for guess in [*guesses, ended]:
                where = app.url_for(rule.endpoint, **{**values, "language": "vi", "token": guess})
                for method in (rule.methods or set()) & {"GET", "POST"}:
                    assert client.open(where, method=method).status_code == 404, where
                    tried += 1
    assert tried > 60


@pytest.mark.parametrize("header", ["", "Bearer x", f"Bearer {NO_ROW}.guess", "Basic YTpi"])
def test_nobody_calls_the_tablets_interface_without_a_tablets_secret(
    app: Flask, sign_in: SignIn, header: str
) -> None:
    visitor, administrator = app.test_client(), sign_in(Role.ADMINISTRATOR)
    called = 0
    for rule in rules(app):
        if not for_tablets(app, rule):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            for client in (visitor, administrator):
                answer = client.open(
                    address(app, rule), method=method, headers={"Authorization": header}
                )
                assert answer.status_code == 401, (method, rule.rule)
                called += 1
    assert called >= 10


def test_a_view_that_says_nothing_is_closed(app: Flask, sign_in: SignIn) -> None:
    app.view_functions["forgotten"] = lambda: "secret"
    app.url_map.add(Rule("/forgotten", endpoint="forgotten"))
    for role in Role:
        assert sign_in(role).get("/forgotten").status_code == 403


def test_a_visitor_reaches_nothing_but_the_sign_in_and_the_open_timetable(app: Flask) -> None:
    client = app.test_client()
    known = OPEN | set(public_rules(app)) | set(private_rules(app))
    for rule in rules(app):
        if rule.endpoint in known or for_tablets(app, rule):
            continue
        for method in (rule.methods or set()) & {"GET", "POST"}:
            answer = client.open(address(app, rule), method=method)
            assert answer.status_code == 302, (method, rule.rule)
            assert answer.headers["Location"].startswith("/accounts/sign-in"), rule.rule


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_its_own_pages_and_is_shown_out_of_the_others(
    sign_in: SignIn, role: Role
) -> None:
    client = sign_in(role)
    for page, allowed in PAGES.items():
        answer = client.get(page)
        assert answer.status_code == (200 if role in allowed else 403), page
        if role not in allowed:
            assert "This page is not for your role" in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", list(Role))
def test_no_post_of_another_role_gets_through(app: Flask, sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    refused = 0
    for rule in rules(app):
        roles = app.view_functions[rule.endpoint].roles_allowed
        if "POST" not in (rule.methods or set()) or roles is None or role in roles:
            continue
        assert client.post(address(app, rule)).status_code == 403, rule.rule
        refused += 1
    assert refused or role == Role.ADMINISTRATOR


def test_a_form_without_its_csrf_mark_is_refused_in_words(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.ADMINISTRATOR)
    app.config["WTF_CSRF_ENABLED"] = True
    for rule in rules(app):
        # What tablets call reads no cookie, so that no page can forge a call.
        if "POST" not in (rule.methods or set()) or rule.endpoint.startswith("tablet_interface."):
            continue
        answer = client.post(address(app, rule), data={"name": "x"})
        assert answer.status_code == 400, rule.rule
        # Addresses in a language answer in theirs.
        vietnamese = rule.endpoint in private_rules(app)
        sentence = "Trang này đã mở quá lâu" if vietnamese else "This page was open too long"
        assert sentence in answer.get_data(as_text=True), rule.rule


def foreign_rows(app: Flask) -> dict[str, Any]:
    """One row of each kind that belongs to another library, by the argument that names it."""
    other = add_organisation("Thư viện khác")
    service = small_service(other, today() - timedelta(weeks=1))
    owner = {"organisation_id": other.id}
    calendar = ServiceCalendar(**owner, name="Lịch", weekdays=[0, 1, 2, 3, 4])
    db.session.add(calendar)
    db.session.flush()
    extra = {
        "calendar_id": calendar,
        "closure_id": CalendarClosure(
            **owner, calendar_id=calendar.id, first_on=today(), last_on=today(), reason="x"
        ),
        "period_id": CalendarPeriod(
            **owner, calendar_id=calendar.id, first_on=today(), last_on=today(), name="x"
        ),
        "unit_id": AdministrativeUnit(
            **owner,
            code="1",
            name="Xã khác",
            full_name="Xã Xã khác",
            level=UnitLevel.COMMUNE,
            search_key="xa khac",
            valid_from=today(),
        ),
        "out_id": VanOutOfService(
            **owner, van_id=service.van.id, first_on=today(), last_on=today(), reason="x"
        ),
        "request_id": asked_visit(other.id),
        "message_id": OutboxMessage(
            **owner,
            key="x",
            kind=MessageKind.CHANGES,
            channel=Channel.EMAIL,
            recipient="x@example.org",
            language="vi",
            subject="x",
            body="x",
        ),
        "record_id": SetAside(**owner, raw=b"{", digest="x", problem="body: no batch"),
    }
    visit = service.visits()[0]
    donor = Donor(**owner, name="Nhà tài trợ khác", kind=DonorKind.PERSON)
    extra |= {
        "special_event_id": SpecialEvent(
            **owner,
            kind=EventKind.OTHER,
            title="x",
            place_id=visit.place_id,
            planned_on=today(),
        ),
        "donation_id": Donation(
            **owner, donor=donor, kind=GiftKind.OTHER, received_on=today(), description="x"
        ),
    }
    extra |= {
        "target_id": Target(
            **owner, indicator="served", first_year=2026, last_year=2026, value=1, source="khác"
        ),
        "entry_id": IndicatorEntry(**owner, indicator="books_added", on=today(), value=1),
        # Shared within its own library.
        "saved_report_id": SavedReport(
            **owner, name="Báo cáo khác", columns=["served"], shared=True
        ),
        "department_report_id": DepartmentReport(**owner, name="Báo cáo sở khác"),
    }
    tablet = Tablet(**owner, name="Máy tính bảng khác")
    db.session.add(tablet)
    db.session.flush()
    extra |= {
        "tablet_id": tablet,
        "box_id": Box(**owner, code="Thùng khác"),
        "slot_id": ClassSlot(
            **owner, visit_id=visit.id, starts_at=480, class_name="5A", audience=Audience.PRIMARY
        ),
        "reservation_id": Reservation(
            **owner,
            title_id=db.session.scalar(
                db.select(Title.id).where(Title.organisation_id == other.id)
            ),
            card_id=db.session.scalar(db.select(Card.id).where(Card.organisation_id == other.id)),
            place_id=visit.place_id,
        ),
    }
    fact = {**owner, "event_id": uuid4()}
    photo = Photo(**fact, tablet_id=tablet.id, content_type="image/jpeg", sha256="x", data=b"x")
    deposit = BoxDeposit(
        **fact,
        box_code="Thùng khác",
        visit_id=visit.id,
        place_id=visit.place_id,
        out_at=now(),
        due_on=today(),
    )
    db.session.add_all([photo, deposit, *extra.values()])
    db.session.commit()
    of_service = {
        "user_id": service.user.id,
        "van_id": service.van.id,
        "term_id": service.term.id,
        "stop_id": service.stops[0].id,
        "planning_id": plan_as_it_is(service).id,
        "repair_id": repair_of(service).id,
        "place_id": service.stops[0].place_id,
        "event_id": fact["event_id"],
        "school_year": today().year,
    }
    kinds = {
        "visit_id": Visit,
        "run_id": Run,
        "reader_id": Reader,
        "card_id": Card,
        "copy_id": Copy,
        "title_id": Title,
        "depot_id": Depot,
        "member_id": CrewMember,
    }
    rows = {
        name: db.session.scalars(
            db.select(kind).where(kind.organisation_id == other.id)  # type: ignore[attr-defined]
        ).first()
        for name, kind in kinds.items()
    }
    return {
        **of_service,
        **{name: row.id for name, row in rows.items()},  # type: ignore[union-attr]
        **{name: row.id for name, row in extra.items()},
    }


def test_nothing_of_another_library_is_found(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    foreign = foreign_rows(app)
    client = sign_in(Role.ADMINISTRATOR)
    looked_at = 0
    for rule in rules(app):
        names = rule.arguments - {"name", "language", "kind", "text_language", "key", "ending"}
        # Private addresses name their library themselves.
        if not names or for_tablets(app, rule) or rule.endpoint in private_rules(app):
            continue
        with app.test_request_context():
            values = {name: foreign[name] for name in names}
            if "ending" in rule.arguments:
                values["ending"] = "csv"
            where = app.url_for(rule.endpoint, **values)
        for method in (rule.methods or set()) & {"GET", "POST"}:
            assert client.open(where, method=method).status_code == 404, (method, rule.rule)
            looked_at += 1
    assert looked_at > 35


def test_lists_show_ones_own_library_only(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    foreign_rows(app)
    client = sign_in(Role.ADMINISTRATOR)
    names = ("Thới Bình", "An Hòa", "Xe thông minh", "Học kỳ thử", "Trần Văn Tài", "Dế Mèn")
    names += ("Thùng khác", "Máy tính bảng khác", "Báo cáo khác", "Báo cáo sở khác")
    for rule in rules(app):
        if rule.arguments or "GET" not in (rule.methods or set()) or for_tablets(app, rule):
            continue
        text = client.get(address(app, rule), follow_redirects=True).data.decode(errors="replace")
        assert not [name for name in names if name in text], rule.rule


def test_every_page_carries_a_strict_policy_and_no_inline_code(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    service = small_service(organisation, today() - timedelta(weeks=1))
    client = sign_in(Role.ADMINISTRATOR)
    visit = service.visits()[0]
    values = {
        "visit_id": visit.id,
        "run_id": visit.run_id,
        "place_id": visit.place_id,
        "stop_id": visit.stop_id,
        "term_id": service.term.id,
        "van_id": service.van.id,
        "user_id": service.user.id,
        "planning_id": plan_as_it_is(service).id,
        "repair_id": repair_of(service).id,
    }
    seen = 0
    for rule in rules(app):
        if "GET" not in (rule.methods or set()) or rule.arguments - set(values):
            continue
        with app.test_request_context():
            where = app.url_for(rule.endpoint, **{n: values[n] for n in rule.arguments})
        answer = client.get(where)
        policy = answer.headers["Content-Security-Policy"]
        # Barcodes are read by compiled code; script and style made in the page stay forbidden.
        assert "unsafe" not in policy.replace("'wasm-unsafe-eval'", ""), where
        assert re.search(r"script-src 'self'( 'wasm-unsafe-eval')?;", policy), where
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype != "text/html" or answer.status_code != 200:
            continue
        text = answer.get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), where
        assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", text), where
        seen += 1
    assert seen > 25


def test_html_in_names_is_text_on_every_page_that_shows_it(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    service = small_service(organisation, today() - timedelta(weeks=1))
    planning = plan_as_it_is(service)
    visit = service.visits()[0]
    bad = "<img src=x onerror=alert(1)>'\"</script><b>"
    place = db.session.get_one(Place, visit.place_id)
    for row, fields in (
        (place, ("name", "contact_name", "gate_notes", "address")),
        (service.van, ("name",)),
        (service.term, ("name",)),
        (db.session.get_one(Stop, visit.stop_id), ("promised",)),
        (db.session.get_one(Term, service.term.id), ("name",)),
        (db.session.scalars(db.select(Van)).one(), ("name",)),
    ):
        for field in fields:
            setattr(row, field, bad)
    db.session.commit()
    client = sign_in(Role.ADMINISTRATOR)
    shown = 0
    for where in (
        f"/tablet/today?day={visit.day}",
        f"/tablet/visits/{visit.id}",
        f"/tablet/runs/{visit.run_id}/map.js",
        "/timetable/month",
        f"/timetable/week?day={visit.day}",
        f"/timetable/runs/{visit.run_id}",
        f"/timetable/visits/{visit.id}",
        f"/timetable/terms/{service.term.id}",
        f"/planning/terms/{service.term.id}",
        f"/planning/{planning.id}",
        f"/planning/{planning.id}/map.js",
        f"/planning/repairs/{repair_of(service).id}",
        f"/planning/{planning.id}/stops/{visit.stop_id}",
        f"/timetable/stops/{visit.stop_id}",
        "/places/",
        "/places/map.js",
        f"/places/{place.id}",
        f"/places/{place.id}/map.js",
        "/statistics/visits",
        "/statistics/map.js",
        "/fleet/",
    ):
        answer = client.get(where)
        assert answer.status_code == 200, where
        text = answer.get_data(as_text=True)
        assert "<img src=x" not in text, where
        assert "</script><b>" not in text, where
        shown += "img src=x" in text
    assert shown > 8


def test_an_address_that_does_not_exist_gets_a_page_in_words(sign_in: SignIn) -> None:
    answer = sign_in(Role.CREW).get("/no/such/page")
    assert answer.status_code == 404
    text = answer.get_data(as_text=True)
    assert "Traceback" not in text
    assert "Nothing is here" in text


def test_an_unforeseen_error_shows_a_page_and_no_stack_trace(app: Flask, sign_in: SignIn) -> None:
    def broken() -> str:
        raise RuntimeError("the secret inner workings")

    broken.roles_allowed = None  # type: ignore[attr-defined]
    app.view_functions["broken"] = broken
    app.url_map.add(Rule("/broken", endpoint="broken"))
    client = sign_in(Role.CREW)
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.get("/broken")
    assert answer.status_code == 500
    text = answer.get_data(as_text=True)
    assert "secret inner" not in text
    assert "Traceback" not in text


def test_menus_offer_only_what_the_role_may_open(app: Flask, sign_in: SignIn) -> None:
    text = sign_in(Role.CREW).get("/tablet/today").get_data(as_text=True)
    assert 'href="/tablet/to-settle"' in text
    assert 'href="/administration/"' not in text
    with app.test_request_context():
        assert not may_open("administration.overview")
