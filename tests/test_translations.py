"""Every sentence of the app stands in Vietnamese, with the same blanks to fill in."""

from __future__ import annotations

import re
from datetime import timedelta
from inspect import cleandoc
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bus_ops.accounts.models import Organisation, Role
from bus_ops.cli import main
from bus_ops.command_language import helped
from bus_ops.frontend.sentences import sentences_in
from bus_ops.i18n import today
from tests.conftest import REPOSITORY, SignIn
from tests.small_service import small_service

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
        "/statistics/",
        "/statistics/definitions",
        "/statistics/visits",
        "/tablet/today",
        f"/tablet/today?day={visit.day}",
        f"/tablet/visits/{visit.id}",
        "/tablet/to-settle",
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
