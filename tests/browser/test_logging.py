"""Nothing that the crew taps is lost: fast taps, outages, ended sessions, half-typed words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from bus_ops.demo import PASSWORD
from tests.browser.conftest import TABLET_UPRIGHT, USERNAMES, Watched

pytestmark = pytest.mark.browser

LATENCY_S = 0.3


@pytest.fixture
def at_a_visit(signed_in: Any) -> Iterator[Watched]:
    """The crew at the visit that is under way or next."""
    with signed_in("crew", TABLET_UPRIGHT) as watched:
        watched.page.locator(".stop-card--now").get_by_role("link", name="Ghi nhận").click()
        yield watched


def adults(page: Page) -> Locator:
    return page.locator(".count-row[data-audience=adults]")


def shown(page: Page) -> int:
    return int(adults(page).locator(".count").inner_text().replace(".", ""))


def held(page: Page) -> int:
    """What the server's own page says, once nothing waits any more."""
    deadline = time.monotonic() + 15
    while page.evaluate("Object.keys(localStorage).some((key) => key.startsWith('fact:'))"):
        assert time.monotonic() < deadline, "something still waits to be sent"
        page.wait_for_timeout(50)
    page.reload()
    return int(adults(page).locator(".count").get_attribute("data-held") or "")


def tap(page: Page, step: str = "+1") -> None:
    adults(page).get_by_role("button", name=step, exact=False).first.click()


def test_ten_fast_taps_over_a_slow_network_count_ten(at_a_visit: Watched) -> None:
    page = at_a_visit.page

    def late(route: Route) -> None:
        time.sleep(LATENCY_S)
        route.continue_()

    page.route("**/tablet/events", late)
    before = shown(page)
    button = adults(page).get_by_role("button", name="Người lớn +1", exact=True)
    for _ in range(10):
        button.evaluate("button => button.click()")
    assert shown(page) == before + 10
    expect(adults(page)).not_to_have_class(re.compile("is-sending"))
    assert held(page) == before + 10


def test_taps_during_an_outage_survive_a_reload_and_are_sent_when_it_is_over(
    at_a_visit: Watched,
) -> None:
    page = at_a_visit.page
    before = shown(page)
    with at_a_visit.trouble_expected():
        page.route("**/tablet/events", lambda route: route.abort())
        for _ in range(3):
            tap(page)
        expect(page.locator("#messages")).to_contain_text("Mất kết nối")
        expect(page.locator("[data-waiting]")).to_have_text("3")
        page.reload()
        expect(adults(page).locator(".count")).to_have_text(str(before + 3))
        page.unroute("**/tablet/events")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(page.locator("#sending")).to_be_hidden()
    assert held(page) == before + 3


def test_an_answer_that_is_not_ours_confirms_nothing(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    before = shown(page)
    page.route("**/tablet/events", lambda route: route.fulfill(body="<h1>Wi-Fi miễn phí</h1>"))
    tap(page)
    expect(page.locator("#messages")).to_contain_text("Mất kết nối")
    page.unroute("**/tablet/events")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    assert held(page) == before + 1


def test_a_tap_in_an_ended_session_is_kept_until_the_next_sign_in(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    before = shown(page)
    # An answer still on its way would bring the session's cookie back.
    page.wait_for_load_state("networkidle")
    with at_a_visit.trouble_expected():
        page.context.clear_cookies()
        tap(page)
        expect(page.locator("#messages")).to_contain_text("phiên làm việc đã hết")
        page.locator("#sending a").click()
        page.locator("[name=username]").fill(USERNAMES["crew"])
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        expect(adults(page)).to_be_visible()
    assert held(page) == before + 1


def test_a_page_from_before_the_new_session_sends_with_the_new_token(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    before = shown(page)
    with at_a_visit.trouble_expected():
        page.evaluate("document.querySelector('meta[name=csrf-token]').content = 'old'")
        tap(page)
        expect(adults(page)).not_to_have_class(re.compile("is-sending"))
    expect(page.locator("#sending")).to_be_hidden()
    assert held(page) == before + 1


def test_a_tap_leaves_half_typed_words_alone(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    page.locator("#note-text").fill("Sân trường ngập nước, dời vào nhà")
    page.locator("#lend-barcode").fill("CT0000")
    before = shown(page)
    tap(page)
    expect(page.locator("#logged li").first).to_contain_text("+1 Người lớn")
    expect(page.locator("#count-adults")).to_have_attribute("data-held", str(before + 1))
    expect(page.locator("#note-text")).to_have_value("Sân trường ngập nước, dời vào nhà")
    expect(page.locator("#lend-barcode")).to_have_value("CT0000")


def test_a_typed_number_replaces_the_count(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    tap(page, "+5")
    adults(page).locator("[name=total]").fill("123")
    adults(page).get_by_role("button", name="đặt thành số này").click()
    assert shown(page) == 123
    assert held(page) == 123


def test_a_card_looked_up_stays_though_an_older_page_comes_late(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    late: list[Route] = []
    page.route(re.compile(r"/tablet/visits/\d+$"), lambda route: late.append(route))
    page.locator("#card-number").fill("X00003")
    page.locator("#lend-barcode").fill("CT000013")
    page.locator("#lend-barcode").press("Enter")
    for _ in range(100):
        page.wait_for_timeout(100)
        if late:
            break
    page.locator("#look-up-card").fill("X00003")
    page.locator("#look-up-card").press("Enter")
    found = page.locator("#card-loans")
    expect(found).to_contain_text("CT000013")
    for route in late:
        route.continue_()
    page.wait_for_timeout(1_500)
    expect(found).to_contain_text("CT000013")


def test_lending_without_a_network_is_kept_and_told_later(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    with at_a_visit.trouble_expected():
        page.route("**/tablet/events", lambda route: route.abort())
        page.locator("#card-number").fill("X00002")
        for barcode in ("CT000011", "CT000012"):
            page.locator("#lend-barcode").fill(barcode)
            page.locator("#lend-barcode").press("Enter")
            expect(page.locator("#lend-barcode")).to_have_value("")
            expect(page.locator("#lend-barcode")).to_be_focused()
        expect(page.locator("[data-waiting]")).to_have_text("2")
        page.unroute("**/tablet/events")
        page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#messages .alert:visible")).to_have_count(2)
    page.locator("#look-up-card").fill("X00002")
    page.locator("#look-up-card").press("Enter")
    found = page.locator("#card-loans")
    expect(found).to_contain_text("CT000012")
    found.get_by_role("button", name=re.compile(r"Nhận trả.*CT000012")).click()
    expect(found).not_to_contain_text("CT000012")
    expect(page.locator("#messages")).to_contain_text(re.compile("Đã nhận trả|xử lý sau"))


def test_a_partial_update_that_fails_is_told(at_a_visit: Watched) -> None:
    page = at_a_visit.page
    with at_a_visit.trouble_expected():
        page.route("**/tablet/visits/*?card=*", lambda route: route.fulfill(status=500))
        page.locator("#look-up-card").fill("X00002")
        page.locator("#look-up-card").press("Enter")
        expect(page.locator("#messages")).to_contain_text("Chưa thực hiện được")


def test_android_gets_its_own_navigation_and_others_an_address(
    signed_in: Any, long_run: int
) -> None:
    with signed_in("crew") as watched:
        page = watched.page
        watched.open(f"/tablet/today?run={long_run}")
        link = page.locator("a[data-geo]").first
        expect(link).to_have_attribute("href", re.compile(r"^https://.*destination=10\.\d+,105"))
    with signed_in("crew", user_agent="Mozilla/5.0 (Linux; Android 14; Tab)") as watched:
        page = watched.page
        watched.open(f"/tablet/today?run={long_run}")
        expect(page.locator("a[data-geo]").first).to_have_attribute("href", re.compile("^geo:10"))
