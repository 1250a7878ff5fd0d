"""The menu of each role, and the page its day starts on."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_login import current_user

from .accounts.access import may_open
from .accounts.models import Role


@dataclass(frozen=True)
class NavItem:
    """A link of the menu."""

    href: str
    label: LazyString
    icon: str
    active: bool


# Endpoint, label, icon; shown where the role may open the endpoint.
MENU = (
    ("tablet.today", _l("Today"), "truck-front"),
    ("timetable.month", _l("Timetable"), "calendar3"),
    ("requests.request_list", _l("Requests"), "inbox"),
    ("places.place_list", _l("Places"), "geo-alt"),
    ("timetable.term_list", _l("Terms and stops"), "signpost-2"),
    ("fleet.overview", _l("Fleet and crew"), "people"),
    ("circulation.overview", _l("Circulation"), "book"),
    ("tablet.to_settle", _l("To settle"), "exclamation-diamond"),
    ("dashboard.overview", _l("Dashboard"), "speedometer2"),
    ("statistics.overview", _l("Statistics"), "bar-chart"),
    ("reports.report_list", _l("Reports"), "file-earmark-text"),
    ("administration.overview", _l("Administration"), "gear"),
)

HOME = {
    Role.CREW: "tablet.today",
    Role.COORDINATOR: "timetable.month",
    Role.REPORTER: "statistics.overview",
    Role.ADMINISTRATOR: "administration.overview",
}


def nav_items() -> list[NavItem]:
    """The menu of the signed-in person; empty for a visitor."""
    if not current_user.is_authenticated:
        return []
    here = request.endpoint or ""
    return [
        NavItem(url_for(endpoint), label, icon, _is_active(endpoint, here))
        for endpoint, label, icon in MENU
        if may_open(endpoint)
    ]


def home_of(role: Role) -> str:
    """Address of the page a role starts on."""
    return url_for(HOME[role])


# Pages that belong to another entry than the first of their slice.
REACHED_FROM = {
    "planning.": "timetable.term_list",
    "repairing.": "timetable.term_list",
    "indicators.": "dashboard.overview",
    "stop_reviews.": "statistics.overview",
    "school_years.": "statistics.overview",
    "events.": "statistics.overview",
    "privacy.": "circulation.overview",
    "board.": "timetable.month",
    "telling.": "requests.request_list",
    "tablet.evidence": "tablet.to_settle",
}


def _is_active(endpoint: str, here: str) -> bool:
    if endpoint == here:
        return True
    for pages, entry in REACHED_FROM.items():
        if here.startswith(pages):
            return endpoint == entry
    same_slice = endpoint.partition(".")[0] == here.partition(".")[0]
    listed = {item[0] for item in MENU}
    first_of_slice = next(e for e, _, _ in MENU if e.startswith(endpoint.partition(".")[0]))
    return same_slice and here not in listed and endpoint == first_of_slice
