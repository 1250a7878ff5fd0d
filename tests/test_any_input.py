"""Whatever an address or a form holds, the answer is a page or a sentence, never a broken server.

Every address is opened with keys no row can have, every argument a view reads is given what no
one types, and every form on every page is sent with it in each of its fields, on both databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import wtforms
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DataError
from werkzeug.routing import Rule
from wtforms.validators import Length, NumberRange

from bus_ops import incoming
from bus_ops.accounts.models import Organisation, Role
from bus_ops.base_form import BaseForm
from bus_ops.clock_fields import ClockField, DayListField, WindowsField
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.places.host_links import host_token
from bus_ops.planning import starting
from bus_ops.reports.models import DepartmentReport, SavedReport
from tests.conftest import SignIn
from tests.events.held import event_of
from tests.planning.plans import plan_as_it_is, repair_of
from tests.requests.asked import asked_of
from tests.small_service import SmallService, small_service

HOSTILE = {
    "NUL": "a\x00b",
    "more than 32 bits": "9999999999",
    "more than 64 bits": "9" * 22,
    "more digits than Python reads": "9" * 5000,
    "negative": "-1",
    "emoji": "👩‍👧‍👦📚",
    "one long word": "ă" * 26_000,
    "wildcards": "%_\\",
    "not a number": "NaN",
}

# What the two databases mind most; the rest is tried by one role, and not in every combination.
TRIED_MOST = {"NUL", "more than 64 bits"}
UNKNOWN_KEYS = ("2147483647", "2147483648", "9999999999", "9" * 22, "9" * 5000, "0", "-1", "٣")
# Every role is turned away alike.
TRIED_BY_ALL = ("2147483648", "9" * 22, "-1")


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    return small_service(organisation, today() - timedelta(weeks=1))


def rules(app: Flask, method: str) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and method in (rule.methods or set())
    ]


def keys(service: SmallService) -> dict[str, Any]:
    """A row of the service for each name of an address's argument."""
    visit = service.visits()[0]
    return {
        "planning_id": plan_as_it_is(service).id,
        "repair_id": repair_of(service).id,
        "visit_id": visit.id,
        "run_id": visit.run_id,
        "place_id": visit.place_id,
        "stop_id": visit.stop_id,
        "term_id": service.term.id,
        "van_id": service.van.id,
        "depot_id": service.van.depot_id,
        "user_id": service.user.id,
        "request_id": asked_of(service).id,
        "special_event_id": event_of(service).id,
        "school_year": today().year,
        "token": host_token(service.stops[0].place),
        "language": "vi",
        "kind": "changes",
        "text_language": "vi",
        "title_id": 1,
        "reader_id": 1,
        "key": "books_added",
        "ending": "csv",
        "saved_report_id": report_of(service, SavedReport).id,
        "department_report_id": report_of(service, DepartmentReport).id,
        "member_id": 1,
        "name": "backup",
    }


def report_of(service: SmallService, kind: Any) -> Any:
    """The service's report of this kind."""
    report = db.session.scalars(db.select(kind)).first()
    if report is None:
        report = kind(organisation_id=service.organisation.id, name="Báo cáo")
        db.session.add(report)
        db.session.commit()
    return report


@pytest.fixture(autouse=True)
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches that are asked for do not begin."""
    monkeypatch.setattr(starting, "launch", lambda _planning_id: None)


def address(app: Flask, rule: Rule, values: dict[str, Any]) -> str | None:
    if rule.arguments - set(values):
        return None
    with app.test_request_context():
        return app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})


@pytest.mark.parametrize("role", list(Role))
def test_an_address_no_row_can_have_is_not_there(
    app_on_each: Flask, sign_in: SignIn, role: Role
) -> None:
    client = sign_in(role)
    unknown = UNKNOWN_KEYS if role == Role.ADMINISTRATOR else TRIED_BY_ALL
    tried = 0
    for method in ("GET", "POST"):
        for rule in rules(app_on_each, method):
            if "<" not in rule.rule:
                continue
            for huge in unknown:
                where = rule.rule
                for name in rule.arguments:
                    where = where.replace(f"<int:{name}>", huge).replace(f"<{name}>", "a%00b")
                status = client.open(where, method=method).status_code
                assert status in {403, 404}, (method, where[:80], status)
                tried += 1
    assert tried > 90


def test_the_largest_key_is_one_and_one_more_is_none(app_on_each: Flask, sign_in: SignIn) -> None:
    assert incoming.LARGEST_NUMBER == 2147483647
    with app_on_each.test_request_context("/?a=2147483647&b=2147483648&c=-5&d=x&e=&f=٣&g=0"):
        numbers = [incoming.asked_number(name) for name in "abcdefgh"]
    assert numbers == [2147483647, *[None] * 7]


def test_text_from_outside_holds_no_signs_that_nobody_types(app: Flask) -> None:
    sent = {"name\x00": "Ngã Bảy\x00\x1d\r\nChợ\tnổi\ud800 🚌"}
    with app.test_request_context("/", query_string={"q": "a\x00\x0bb"}):
        assert request.args["q"] == "ab"
    assert incoming.WritableMultiDict(sent).to_dict() == {"name": "Ngã Bảy\r\nChợ\tnổi 🚌"}


def arguments_read(
    client: FlaskClient, where: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], int]:
    """The arguments that the view of an address asks for, and its answer's status."""
    asked: set[str] = set()

    class Recording(incoming.WritableMultiDict):
        def get(self, key: str, *rest: Any, **options: Any) -> Any:
            asked.add(key)
            return super().get(key, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(incoming.WritableRequest, "parameter_storage_class", Recording)
        status = client.get(where).status_code
    return asked - {"csrf_token"}, status


@pytest.mark.long
def test_every_argument_of_every_page_bears_anything(
    app_on_each: Flask, service: SmallService, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(Role.ADMINISTRATOR)
    # The stricter database shows what the other would show too.
    tried = arguments_tried(app_on_each, service, client, monkeypatch, on_postgresql())
    assert tried > (300 if on_postgresql() else 20)


# A coordinator's pages are the administrator's.
@pytest.mark.parametrize("role", [Role.CREW, Role.REPORTER])
def test_every_argument_of_a_roles_pages_bears_anything(
    app: Flask,
    service: SmallService,
    sign_in: SignIn,
    role: Role,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert arguments_tried(app, service, sign_in(role), monkeypatch, thoroughly=False) > 20


def arguments_tried(
    app: Flask,
    service: SmallService,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    thoroughly: bool,
) -> int:
    """Give every argument of the pages a person may open what no one types; how often."""
    tried = 0
    for rule in rules(app, "GET"):
        where = address(app, rule, keys(service))
        if where is None:
            continue
        names, status = arguments_read(client, where, monkeypatch)
        if status != 200 or not names:
            continue
        for kind, value in HOSTILE.items():
            together = dict.fromkeys(names, value)
            if not thoroughly and kind not in TRIED_MOST:
                continue
            # Alone as well, because one refused argument may hide the next.
            alone = thoroughly and kind in TRIED_MOST and len(names) > 1
            apart = [{name: value} for name in names] if alone else []
            for arguments in [together, *apart]:
                status = client.get(where, query_string=arguments).status_code
                assert status < 500, (where, kind, sorted(arguments), status)
                tried += 1
    return tried


def on_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"


@dataclass
class FormOnPage:
    """A form as a browser would send it."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    free: set[str] = field(default_factory=set)


class FormReader(HTMLParser):
    """The forms of a page that change something, with the values they hold."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where
        self._form: FormOnPage | None = None
        self._select = ""
        self._textarea = ""
        self.forms: list[FormOnPage] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "form" and values.get("method", "").lower() == "post":
            self._form = FormOnPage(values.get("action") or self._where)
            self.forms.append(self._form)
        if self._form is None:
            return
        name = values.get("name", "")
        if tag == "select":
            self._select = name
            self._form.fields.append((name, ""))
        elif (
            tag == "option"
            and self._select
            and ("selected" in values or self._form.fields[-1] == (self._select, ""))
        ):
            self._form.fields[-1] = (self._select, values.get("value", ""))
        elif tag == "textarea":
            self._textarea = name
            self._form.fields.append((name, ""))
            self._form.free.add(name)
        elif tag == "input" and name:
            kind = values.get("type", "text")
            if kind in {"checkbox", "radio"} and "checked" not in values:
                return
            self._form.fields.append((name, values.get("value", "")))
            self._form.free.add(name)
        elif tag == "button" and name:
            self._form.fields.append((name, values.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._form and self._textarea:
            name, value = self._form.fields[-1]
            self._form.fields[-1] = (name, value + data)


def forms_of_pages(app: Flask, client: FlaskClient, service: SmallService) -> list[FormOnPage]:
    found: dict[tuple[str, tuple[str, ...]], FormOnPage] = {}
    for rule in rules(app, "GET"):
        where = address(app, rule, keys(service))
        answer = client.get(where) if where else None
        if where is None or answer is None or answer.mimetype != "text/html":
            continue
        reader = FormReader(where)
        reader.feed(answer.get_data(as_text=True))
        for form in reader.forms:
            names = tuple(sorted(name for name, _ in form.fields))
            found.setdefault((form.action, names), form)
    # What deletes, and what signs out, comes last.
    return sorted(found.values(), key=lambda f: ("delete" in f.action, "sign-out" in f.action))


def sendings(form: FormOnPage) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The form with something hostile in one of its fields, the others as they stand; in all."""
    for name in dict.fromkeys(name for name, _ in form.fields):
        for kind in TRIED_MOST:
            value = HOSTILE[kind]
            spoilt = [(n, value if n == name else v) for n, v in form.fields]
            yield f"{name}: {kind}", spoilt
    for kind in HOSTILE.keys() - TRIED_MOST if on_postgresql() else ():
        yield (
            f"all: {kind}",
            [
                (n, HOSTILE[kind] if n in form.free and n != "csrf_token" else v)
                for n, v in form.fields
            ],
        )


def encoded(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return data


@pytest.mark.long
def test_every_field_of_every_form_bears_anything(
    app_on_each: Flask, service: SmallService, sign_in: SignIn
) -> None:
    client = sign_in(Role.ADMINISTRATOR)
    tried = 0
    for form in forms_of_pages(app_on_each, client, service):
        if "sign-out" in form.action or "/jobs/" in form.action:
            continue
        for what, fields in sendings(form):
            status = client.post(form.action, data=encoded(fields)).status_code
            assert status < 500, (form.action, what, status)
            tried += 1
    assert tried > 400


def test_a_name_with_a_nul_is_kept_without_it(app_on_each: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.ADMINISTRATOR)
    sent = {"full_name": "Trần\x00 Văn Tài", "duty": "operator", "enabled": "y"}
    answer = client.post("/fleet/crew/new", data=sent, follow_redirects=True)
    assert answer.status_code == 200
    assert "Trần Văn Tài" in answer.get_data(as_text=True)


def test_what_the_database_finds_too_large_is_a_bad_request(
    app_on_each: Flask, sign_in: SignIn
) -> None:
    def refused() -> str:
        raise DataError("INSERT", {}, ValueError("value too long for type character varying(40)"))

    refused.roles_allowed = None  # type: ignore[attr-defined]
    app_on_each.view_functions["refused"] = refused
    app_on_each.url_map.add(Rule("/refused", endpoint="refused"))
    answer = sign_in(Role.CREW).get("/refused")
    assert answer.status_code == 400
    assert "character varying" not in answer.get_data(as_text=True)
    assert db.session.execute(text("SELECT 1")).scalar() == 1


def kinds_of(form: type[BaseForm]) -> Iterator[type[BaseForm]]:
    for kind in form.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_every_field_of_every_form_says_how_much_it_takes(app: Flask) -> None:
    """What a column cannot hold is told beside its field, before the database refuses it."""
    # Their own words and shapes bound these; passwords are hashed, never stored.
    bounded = (ClockField, WindowsField, DayListField, wtforms.PasswordField)
    without: list[str] = []
    for form in kinds_of(BaseForm):
        for name in dir(form):
            unbound = getattr(form, name)
            kind = getattr(unbound, "field_class", None)
            if kind is None or issubclass(kind, bounded):
                continue
            lists = [*unbound.args, unbound.kwargs.get("validators")]
            validators = [v for given in lists if isinstance(given, list | tuple) for v in given]
            is_number = issubclass(kind, wtforms.IntegerField | wtforms.FloatField)
            needed = NumberRange if is_number else Length
            if (is_number or issubclass(kind, wtforms.StringField)) and not any(
                isinstance(validator, needed) for validator in validators
            ):
                without.append(f"{form.__name__}.{name}")
    assert without == []
