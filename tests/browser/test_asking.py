"""A school asks, a coordinator offers, the school agrees, fills its page in, and subscribes."""

from __future__ import annotations

import re
import urllib.request
from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, Locator, Page, expect

from bus_ops.i18n import format_day, today
from tests.browser.conftest import DESKTOP, PHONE, TABLET_ACROSS, TABLET_UPRIGHT, Watched, watch

pytestmark = pytest.mark.browser

SCHOOL = "Trường Tiểu học Hỏi Xe"


def looked_at(watched: Watched, *widths: dict[str, int]) -> None:
    for width in widths:
        watched.page.set_viewport_size(width)  # type: ignore[arg-type]
        assert watched.axe_violations() == []
        assert watched.too_wide() <= 0


def asked(page: Page, base: str) -> str:
    """Ask as a school does; answers the request's own address."""
    page.goto(f"{base}/public/vi/")
    page.get_by_role("link", name="Đề nghị xe thư viện đến").click()
    page.get_by_label("Trường, xã hoặc nơi khác").fill(SCHOOL)
    page.get_by_label("Cấp học").select_option("primary")
    page.get_by_label("Xã hoặc phường").select_option(index=3)
    page.locator("#first_on").fill(format_day(today() + timedelta(days=8)))
    page.locator("#last_on").fill(format_day(today() + timedelta(days=40)))
    page.get_by_label("Học sinh tiểu học").fill("120")
    page.get_by_label("Chiếu phim").check()
    page.get_by_label("Họ tên").fill("Cô Mai")
    page.get_by_label("Thư điện tử").fill("mai@example.org")
    # People take a moment.
    page.wait_for_timeout(4_500)
    page.get_by_role("button", name="Gửi đề nghị").click()
    page.wait_for_url(re.compile(r"/ask/vi/.{20,}"))
    return page.url


@pytest.mark.long
def test_a_request_goes_from_the_public_page_to_the_schools_own_calendar(
    chromium: Browser, live_server: str, signed_in: Any
) -> None:
    context = chromium.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    school = watch(page, live_server)
    page.goto(f"{live_server}/ask/vi/")
    looked_at(school, TABLET_UPRIGHT, PHONE)
    # What is missing is said beside its field.
    page.locator("main form").evaluate("form => (form.noValidate = true)")
    page.get_by_role("button", name="Gửi đề nghị").click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    looked_at(school, PHONE)
    address = asked(page, live_server)
    expect(page.locator(".alert-success")).to_contain_text("Đã nhận đề nghị")
    looked_at(school, TABLET_UPRIGHT, PHONE)

    with signed_in("coordinator", TABLET_ACROSS) as watched:
        desk = watched.page
        desk.get_by_role("link", name="Đề nghị", exact=True).click()
        desk.get_by_role("link", name=SCHOOL).first.click()
        expect(desk.locator("#map_request .stop-marker").first).to_be_attached()
        best = desk.locator(".fit--best")
        expect(best).to_have_count(1)
        looked_at(watched, TABLET_UPRIGHT, TABLET_ACROSS, DESKTOP)
        desk.locator("textarea[name=text]").first.fill("Mời trường xem ngày này.")
        desk.get_by_role("button", name="Đề xuất ngày này").click()
        expect(desk.locator("#messages .alert-success")).to_be_visible()

    page.goto(address)
    expect(page.get_by_text("Mời trường xem ngày này.")).to_be_visible()
    looked_at(school, PHONE)
    page.get_by_role("button", name="Ngày này phù hợp").click()
    expect(page.get_by_role("heading", name="Cần chuẩn bị")).to_be_visible()
    looked_at(school, PHONE)
    page.get_by_role("link", name="Xếp lớp, thay đổi, thùng sách").click()
    looked_at(school, TABLET_UPRIGHT, PHONE)
    page.get_by_role("link", name="Lớp", exact=True).first.click()
    page.get_by_label("Lớp").fill("3B")
    page.get_by_label("Số học sinh").or_(page.get_by_label("Học sinh")).first.fill("35")
    page.get_by_role("button", name="Thêm").click()
    expect(page.get_by_role("cell", name="3B", exact=True)).to_be_visible()
    looked_at(school, TABLET_UPRIGHT, PHONE)
    page.get_by_role("link", name="Quay lại").click()
    page.get_by_role("button", name="Chúng tôi sẽ đón xe").first.click()
    expect(page.get_by_text("Đã xác nhận").first).to_be_visible()

    # A subscriber's program reads the place's calendar, and sees a move by itself.
    feed = page.get_by_role("link", name="Lịch để đăng ký theo dõi").get_attribute("href") or ""
    (event,) = events(live_server + feed)
    before = event["DTSTART"].dt
    with signed_in("coordinator", TABLET_ACROSS) as watched:
        drag_a_day_on(watched, before.date())
    (moved,) = events(live_server + feed)
    assert moved["UID"] == event["UID"]
    assert moved["SEQUENCE"] > event["SEQUENCE"]
    assert moved["DTSTART"].dt.date() != before.date()
    context.close()
    assert school.complaints == []


def events(address: str) -> list[Any]:
    with urllib.request.urlopen(address) as answer:
        return list(Calendar.from_ical(answer.read()).walk("VEVENT"))


def drag_a_day_on(watched: Watched, day: Any) -> None:
    """Carry the school's visit to the next day by keys, take it back, and drag it there."""
    page = watched.page
    page.goto(f"{watched.base}/timetable/board/?day={day}")
    card = page.locator("[data-visit]").filter(has_text=SCHOOL)
    looked_at(watched, TABLET_UPRIGHT, TABLET_ACROSS, DESKTOP)
    handle = card.locator("[data-handle]")
    handle.focus()
    step = "ArrowLeft" if day.weekday() >= 5 else "ArrowRight"
    for key in ("Enter", step, "Enter"):
        page.keyboard.press(key)
    said = page.locator("[data-said] .alert")
    expect(said).to_contain_text(SCHOOL)
    expect(said).to_contain_text("km")
    looked_at(watched, TABLET_ACROSS)
    page.get_by_role("button", name="Hoàn tác").click()
    expect(said).to_contain_text("Đã hoàn tác")
    cells = page.locator("[data-cell]")
    there = cells.nth(day.weekday() + (-1 if step == "ArrowLeft" else 1))
    drag(page, card, there)
    expect(said).to_contain_text(SCHOOL)
    expect(there.locator("[data-visit]").filter(has_text=SCHOOL)).to_have_count(1)


def drag(page: Page, card: Locator, there: Locator) -> None:
    """Drag as a hand does: on in steps, a moment of rest before letting go."""
    card.scroll_into_view_if_needed()
    begin, end = card.bounding_box(), there.bounding_box()
    assert begin is not None
    assert end is not None
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 10, steps=12)
    page.wait_for_timeout(200)
    page.mouse.up()


def test_who_drags_on_a_board_that_changed_meanwhile_chooses(signed_in: Any) -> None:
    day = today() + timedelta(days=14)
    with (
        signed_in("coordinator", DESKTOP) as one,
        signed_in("administrator", DESKTOP) as other,
        one.trouble_expected(),
    ):
        for watched in (one, other):
            watched.page.goto(f"{watched.base}/timetable/board/?day={day}")
        first = one.page.locator("[data-visit]").first
        name = first.locator("a").inner_text()
        home = first.locator("xpath=ancestor::*[@data-holder]").get_attribute("data-holder")
        carry_on(other.page, home or "", 1)
        expect(other.page.locator("[data-said] .alert")).to_contain_text("km")
        carry_on(one.page, home or "", 0)
        said = one.page.locator("[data-said] .alert")
        expect(said).to_contain_text("vừa được")
        looked_at(one, DESKTOP)
        one.page.get_by_role("button", name="Vẫn dời").click()
        expect(one.page.locator("[data-said]")).to_contain_text(name.split(" ", 1)[1])
        one.page.get_by_role("button", name="Hoàn tác").click()
        expect(one.page.locator("[data-said]")).to_contain_text("Đã hoàn tác")


def carry_on(page: Page, holder: str, number: int) -> None:
    """Carry a visit of a day to the next one by keys."""
    page.locator(f"[data-holder='{holder}'] [data-handle]").nth(number).focus()
    for key in ("Enter", "ArrowRight", "Enter"):
        page.keyboard.press(key)
