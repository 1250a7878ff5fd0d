"""Every sentence of the app stands in Vietnamese, with the same blanks to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from inspect import cleandoc
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask

from bus_ops.accounts.models import Organisation, Role
from bus_ops.cli import main
from bus_ops.command_language import helped
from bus_ops.database import db
from bus_ops.frontend.sentences import sentences_in
from bus_ops.i18n import today
from bus_ops.places.host_links import host_token
from tests.conftest import REPOSITORY, SignIn
from tests.events.held import event_of
from tests.planning.plans import plan_as_it_is, repair_of
from tests.requests.asked import asked_of
from tests.small_service import SmallService, small_service

KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "lazy_gettext": None,
    "_l": None,
}
BLANK = re.compile(r"%\(\w+\)[sd]")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """The Vietnamese catalogue."""
    path = REPOSITORY / "bus_ops" / "translations" / "vi" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale="vi")


def sentences() -> dict[str | tuple[str, ...], str]:
    """Every message of code and templates, with where it stands."""
    found: dict[str | tuple[str, ...], str] = {}
    sources: list[tuple[Path, list[tuple[str, str]]]] = [
        (REPOSITORY / "bus_ops", [("**.py", "python")]),
        (REPOSITORY / "templates", [("**.html", "jinja2")]),
    ]
    for folder, methods in sources:
        extracted = extract_from_dir(str(folder), methods, keywords=KEYWORDS)
        for file, line, message, _comments, _context in extracted:
            if "node_modules" not in file:
                found[message] = f"{file}:{line}"
    for sentence, file in sentences_in(REPOSITORY / "bus_ops" / "frontend" / "src").items():
        found[sentence] = file
    for part in helped(main):
        if part.help:
            found[cleandoc(part.help)] = f"help of {part.name}"
    return found


def test_every_sentence_is_in_the_catalogue(catalogue: Catalog) -> None:
    known = {_key(message) for message in catalogue if message.id}
    missing = {message: where for message, where in sentences().items() if message not in known}
    assert len(known) > 500
    assert missing == {}


def test_the_catalogue_holds_nothing_that_is_gone(catalogue: Catalog) -> None:
    used = set(sentences())
    assert [m.id for m in catalogue if m.id and _key(m) not in used] == []


def test_every_sentence_is_translated_with_its_blanks(catalogue: Catalog) -> None:
    for message in catalogue:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        wanted = set(BLANK.findall(_key(message)[-1] if message.pluralizable else message.id))
        texts = message.string if message.pluralizable else (message.string,)
        for text in texts:
            assert text, message.id
            assert set(BLANK.findall(text)) == wanted, message.id


def _key(message: Message) -> str | tuple[str, ...]:
    return tuple(message.id) if message.pluralizable else message.id


def test_no_page_shows_english_to_a_vietnamese_reader(
    organisation: Organisation, sign_in: SignIn, catalogue: Catalog
) -> None:
    """Every sentence of more than one word that the catalogue knows is looked for."""
    service = small_service(organisation, today() - timedelta(weeks=1))
    client = sign_in(Role.ADMINISTRATOR)
    client.post("/accounts/language", data={"language": "vi"})
    english = [
        message.id
        for message in catalogue
        if isinstance(message.id, str)
        and " " in message.id.strip()
        and "%" not in message.id
        and message.id != message.string
    ]
    visit = service.visits()[0]
    planning = plan_as_it_is(service)
    pages = [
        "/accounts/",
        "/accounts/me",
        "/accounts/new",
        "/administration/",
        "/circulation/",
        "/circulation/readers",
        "/circulation/readers/new",
        "/circulation/titles",
        "/circulation/titles/new",
        "/fleet/",
        "/fleet/crew/new",
        "/fleet/depots/new",
        f"/fleet/vans/{service.van.id}",
        "/places/",
        f"/places/{visit.place_id}",
        f"/places/{visit.place_id}/edit",
        f"/places/{visit.place_id}/position",
        "/places/import",
        "/places/units",
        "/requests/",
        f"/requests/{asked_of(service).id}",
        "/messages/",
        "/messages/texts",
        "/messages/texts/changes/vi",
        "/ask/vi/",
        f"/host/vi/{host_token(service.stops[0].place)}/",
        f"/host/vi/{host_token(service.stops[0].place)}/visits/{service.visits()[-1].id}/classes",
        "/timetable/board/",
        "/events/",
        "/events/new",
        f"/events/{event_of(service).id}",
        "/events/donations",
        "/school-years/",
        f"/school-years/{today().year}/schools/{visit.place_id}",
        "/statistics/stops/",
        "/statistics/",
        "/statistics/definitions",
        "/statistics/visits",
        "/tablet/today",
        f"/tablet/today?day={visit.day}",
        f"/tablet/visits/{visit.id}",
        "/tablet/to-settle",
        "/tablet/to-settle?show=settled",
        "/tablet/evidence",
        f"/planning/terms/{service.term.id}",
        f"/planning/{planning.id}",
        "/planning/repairs/",
        f"/planning/repairs/{repair_of(service).id}",
        f"/planning/{planning.id}/stops/{visit.stop_id}",
        "/timetable/calendars",
        "/timetable/calendars/new",
        "/timetable/import",
        "/timetable/month",
        f"/timetable/runs/{visit.run_id}",
        f"/timetable/stops/{visit.stop_id}",
        "/timetable/terms",
        f"/timetable/terms/{service.term.id}",
        "/timetable/terms/new",
        f"/timetable/visits/{visit.id}",
        "/timetable/week",
        "/no/such/page",
    ]
    for page in pages:
        text = client.get(page).get_data(as_text=True)
        assert '<html lang="vi"' in text, page
        left = [sentence for sentence in english if f">{sentence}<" in text]
        assert left == [], page


VIETNAMESE = re.compile(
    "[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE
)
# Names that are the same in English.
NAMES = ("Tiếng Việt", "Cần Thơ")
# Attributes that a browser shows or reads out.
SHOWN = {"title", "alt", "placeholder", "aria-label", "data-confirm", "data-label", "content"}


class ShownText(HTMLParser):
    """Every piece of text that a page shows or reads out, except words marked as Vietnamese."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self._foreign or values.get("lang") == "vi":
            self._foreign.append(tag)
        self.pieces += [values[name] or "" for name in SHOWN & values.keys()]
        if tag == "input" and values.get("type") in {"submit", "button"}:
            self.pieces.append(values.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._foreign:
            del self._foreign[self._foreign.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._foreign:
            self.pieces.append(data)


def kept_words() -> list[str]:
    """Everything written in the database: data, shown as it was entered. The longest first."""
    words = {
        str(value)
        for table in db.metadata.sorted_tables
        for row in db.session.execute(table.select())
        for value in row
        if isinstance(value, str) and VIETNAMESE.search(value)
    }
    return [*sorted(words, key=len, reverse=True), *NAMES]


def pages_of(app: Flask, service: SmallService) -> Iterator[str]:
    """The address of every page there is something to see on."""
    visit = service.visits()[0]
    keys = {
        "visit_id": visit.id,
        "run_id": visit.run_id,
        "place_id": visit.place_id,
        "stop_id": visit.stop_id,
        "term_id": service.term.id,
        "van_id": service.van.id,
        "depot_id": service.van.depot_id,
        "user_id": service.user.id,
        "planning_id": plan_as_it_is(service).id,
        "repair_id": repair_of(service).id,
        "request_id": asked_of(service).id,
        "special_event_id": event_of(service).id,
        "school_year": today().year,
        "token": host_token(service.stops[0].place),
        "language": "en",
        "kind": "changes",
        "text_language": "en",
        "title_id": 1,
        "reader_id": 1,
        "member_id": 1,
    }
    yield f"/tablet/today?day={visit.day}"
    yield "/no/such/page"
    for rule in app.url_map.iter_rules():
        open_by_get = "GET" in (rule.methods or set()) and rule.endpoint != "static"
        if open_by_get and not rule.arguments - keys.keys():
            with app.test_request_context():
                yield app.url_for(rule.endpoint, **{name: keys[name] for name in rule.arguments})


# A coordinator's pages are the administrator's.
@pytest.mark.parametrize("role", [Role.CREW, Role.REPORTER, Role.ADMINISTRATOR])
def test_no_page_shows_vietnamese_to_an_english_reader(
    app: Flask, organisation: Organisation, sign_in: SignIn, role: Role
) -> None:
    """Data aside, which stand in the language somebody wrote them in."""
    service = small_service(organisation, today() - timedelta(weeks=1))
    client = sign_in(role)
    seen, left = 0, []
    for where in pages_of(app, service):
        answer = client.get(where)
        if answer.mimetype != "text/html" or answer.status_code >= 500:
            continue
        text = ShownText()
        text.feed(answer.get_data(as_text=True))
        data = kept_words()
        for piece in text.pieces:
            for word in data:
                piece = piece.replace(word, "")
            if VIETNAMESE.search(piece):
                left.append((where, piece.strip()))
        seen += 1
    assert left == []
    assert seen > 20
