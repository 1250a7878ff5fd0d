"""Each page that a role may open is at most three taps away from where its day starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.navigation import HOME, MENU
from bus_ops.places.regions import CANTHO, add_region
from bus_ops.timetable.calendars import add_vietnamese_calendars
from bus_ops.timetable.models import Term
from tests.conftest import SignIn
from tests.small_service import small_service

TAPS = 3
LINK = re.compile(r'<a\s[^>]*?href="([^"#]+)"')
# What is no page to tap to: maps' scripts, files, and steps that follow an upload.
NO_PAGE = re.compile(
    r"script|export|map|import_columns|import_preview|sign_in|static|home|\.csv|photo"
    r"|^tablet_app\.|^tablet_interface\."
    # A part of its page, and an address that leads back to one's account.
    r"|^planning\.progress$|^repairing\.progress$|set_own_pin"
)
# Rows that the small service has: a page about another kind of row cannot be tapped to in it.
ROWS = {"place_id", "unit_id", "term_id", "run_id", "visit_id", "stop_id", "van_id", "depot_id"}
ROWS |= {"member_id", "calendar_id", "reader_id", "title_id", "user_id"}
# The visit's page leads there, one tap farther from the administrator's home.
# So does a reader's page to what is rarely asked for: everything that is kept of them.
ONE_FARTHER = {
    "privacy.reader_data",
    "class_slots.slots_page",
    "repairing.refused_visit",
    "repairing.requested_visit",
}


def endpoint_of(app: Flask, address: str) -> str | None:
    try:
        endpoint, _ = app.url_map.bind("localhost").match(urlsplit(address).path)
    except HTTPException:
        return None
    return str(endpoint)


def links(client: FlaskClient, address: str) -> Iterator[str]:
    answer = client.get(address, follow_redirects=True)
    if answer.mimetype == "text/html":
        for link in LINK.findall(answer.get_data(as_text=True)):
            yield urljoin(answer.request.path, unescape(link))


def reached(app: Flask, client: FlaskClient, home: str) -> dict[str, int]:
    """Fewest taps to each endpoint; one page of each kind is opened."""
    taps = {str(endpoint_of(app, home)): 0}
    edge = [home]
    for tap in range(1, TAPS + 1):
        further = []
        for address in edge:
            for link in links(client, address):
                endpoint = endpoint_of(app, link)
                if endpoint is not None and endpoint not in taps:
                    taps[endpoint] = tap
                    further.append(link)
        edge = further
    return taps


@pytest.mark.parametrize("role", list(Role))
def test_every_page_of_a_role_is_three_taps_from_its_home(
    app: Flask, organisation: Organisation, sign_in: SignIn, role: Role
) -> None:
    # The first run of the month is still to come: what mends a day is offered for such only.
    small_service(organisation, today())
    add_region(organisation.id, CANTHO)
    add_vietnamese_calendars(organisation.id, today().year)
    # Only a draft has a preview; the newest term stands first in the list.
    first = today() + timedelta(weeks=9)
    db.session.add(Term(organisation_id=organisation.id, name="Bản nháp", starts_on=first))
    client = sign_in(role)
    with app.test_request_context():
        home = app.url_for(HOME[role])
    taps = reached(app, client, home)
    open_to_role = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set())
        and role in (app.view_functions[rule.endpoint].roles_allowed or set())
        and not NO_PAGE.search(rule.endpoint)
        and rule.arguments <= ROWS
    }
    assert {endpoint for endpoint, _, _ in MENU if endpoint in open_to_role} <= set(taps)
    assert open_to_role - set(taps) - ONE_FARTHER == set()
