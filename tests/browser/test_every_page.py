"""Every page for every role: axe finds nothing, nothing overflows, no error, no outside request."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import DESKTOP, TABLET_UPRIGHT

pytestmark = pytest.mark.browser

# Pages that a walk along the links may leave out: files, and doors out of the session.
NOT_A_PAGE = re.compile(r"/static/|\.js|export\.|sign-out|^tel:|^mailto:|^geo:")
# One of each shape is enough: /places/7 looks like /places/8.
NUMBERS = re.compile(r"\d+")


def _pages(watched: Any) -> list[str]:
    """The pages one meets from the menu on, one of each shape, found by walking the links."""
    start = watched.page.url.removeprefix(watched.base)
    found, shapes, waiting = [], {NUMBERS.sub("N", start)}, [start]
    while waiting:
        path = waiting.pop(0)
        found.append(path)
        watched.open(path)
        hrefs = watched.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        for href in hrefs:
            if NOT_A_PAGE.search(href) or not href.startswith(watched.base):
                continue
            target = href.removeprefix(watched.base).partition("#")[0]
            shape = NUMBERS.sub("N", target.partition("?")[0])
            if shape not in shapes:
                shapes.add(shape)
                waiting.append(target)
    return found


@pytest.mark.parametrize("role", ["crew", "coordinator", "reporter", "administrator"])
def test_axe_finds_nothing_on_any_page_of_a_role(signed_in: Any, role: str) -> None:
    with signed_in(role, TABLET_UPRIGHT) as watched:
        violations: list[str] = []
        wide: list[str] = []
        pages = _pages(watched)
        for path in pages:
            watched.open(path)
            violations += watched.axe_violations()
            over = watched.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over > 0:
                wide.append(f"{path}: {over} px too wide")
        assert len(pages) >= 6
        assert not violations, "\n".join(violations)
        assert wide == []


def test_axe_finds_nothing_in_the_dark_and_in_english(signed_in: Any) -> None:
    with signed_in("administrator", DESKTOP, language="en") as watched:
        watched.page.locator("[data-theme-switch]").click()
        violations: list[str] = []
        for path in (
            "/tablet/today",
            "/timetable/month",
            "/timetable/week",
            "/places/",
            "/statistics/",
            "/fleet/",
            "/circulation/",
            "/tablet/to-settle",
            "/administration/",
        ):
            watched.open(path)
            violations += watched.axe_violations()
        assert not violations, "\n".join(violations)
