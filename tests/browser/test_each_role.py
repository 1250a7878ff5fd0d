"""Each role does its main job through the real pages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, TABLET_ACROSS, TABLET_UPRIGHT, pages_of_paper

pytestmark = pytest.mark.browser


def test_the_crew_logs_a_visit_from_todays_route(signed_in: Any) -> None:
    with signed_in("crew", TABLET_UPRIGHT) as watched:
        page = watched.page
        expect(page.locator("h1")).to_have_text("Hôm nay")
        expect(page.locator(".stop-marker")).not_to_have_count(0)
        page.locator(".stop-card--now").get_by_role("link", name="Ghi nhận").click()
        row = page.locator(".count-row", has_text="Người lớn")
        before = int(row.locator(".count").inner_text())
        row.get_by_role("button", name="+5").click()
        expect(row.locator(".count")).to_have_text(str(before + 5))
        page.get_by_label("Số thẻ", exact=True).fill("X00001")
        page.locator("#lend-barcode").fill("CT000002")
        page.locator("#lend-barcode").press("Enter")
        expect(page.locator("#messages")).to_contain_text(re.compile("Đã cho mượn|xử lý sau"))
        expect(page.locator("#lend-barcode")).to_be_focused()
        expect(page.locator("#card-number")).to_have_value("X00001")
        page.locator("#return-barcode").fill("CT000002")
        page.get_by_role("button", name="Nhận trả").click()
        expect(page.locator("#messages")).to_contain_text("Đã nhận trả")
        undo = page.locator(".logged li", has_text="+5 Người lớn").first
        undo.get_by_role("button").click()
        expect(row.locator(".count")).to_have_text(str(before))


def test_the_route_prints_on_one_page_of_a4(signed_in: Any) -> None:
    with signed_in("crew", TABLET_ACROSS) as watched:
        watched.page.wait_for_load_state("networkidle")
        assert pages_of_paper(watched.page) == 1
        watched.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        box = watched.page.locator("#map_route").bounding_box()
        assert box is not None
        for marker in watched.page.locator(".stop-marker").all():
            stop = marker.bounding_box()
            assert stop is not None
            assert box["y"] <= stop["y"] and stop["y"] + stop["height"] <= box["y"] + box["height"]


def test_a_day_of_21_stops_with_long_notes_prints_on_one_page(
    signed_in: Any, long_run: int
) -> None:
    with signed_in("crew", TABLET_ACROSS) as watched:
        watched.open(f"/tablet/today?run={long_run}")
        watched.page.wait_for_load_state("networkidle")
        assert pages_of_paper(watched.page) == 1
        watched.page.emulate_media(media="print")
        expect(watched.page.locator(".print-route tbody tr")).to_have_count(21)
        expect(watched.page.locator(".print-route")).to_be_visible()


def test_the_crew_takes_a_run_from_the_depot_and_back(signed_in: Any, long_run: int) -> None:
    with signed_in("crew", TABLET_UPRIGHT) as watched:
        page = watched.page
        watched.open(f"/tablet/today?run={long_run}")
        page.get_by_role("button", name="Máy phát điện").click()
        expect(page.locator("#checklist summary")).to_contain_text("1 trên 1")
        page.locator("#odometer-out").fill("12000")
        page.get_by_role("button", name="Rời điểm xuất phát").click()
        expect(page.locator("#run-facts")).to_contain_text("12.000 km")
        page.get_by_role("link", name="Ghi nhận").first.click()
        page.get_by_role("button", name="Đến nơi").click()
        expect(page.locator("#arrival")).to_contain_text(re.compile(r"Đã đến lúc \d\d:\d\d"))
        page.locator("#at-departed").fill("23:59")
        page.get_by_role("button", name="Rời đi").click()
        expect(page.locator("#arrival")).to_contain_text("23:59")
        page.get_by_role("link", name="Về hành trình").click()
        page.locator("#odometer-in").fill("12034")
        page.get_by_role("button", name="Về điểm xuất phát").click()
        expect(page.locator("#run-facts")).to_contain_text("12.034 km")
        page.locator("#run-log summary").click()
        back = page.locator("#run-log li", has_text="12.034 km")
        back.get_by_role("button").click()
        expect(page.locator("#run-facts")).not_to_contain_text("12.034 km")
        expect(page.locator("#odometer-in")).to_be_visible()


def open_planned_visit(page: Page) -> None:
    page.locator("a.month-run--planned").last.click()
    page.locator("table a").first.click()


def test_the_coordinator_moves_a_visit_with_a_reason(signed_in: Any) -> None:
    with signed_in("coordinator", DESKTOP) as watched:
        page = watched.page
        open_planned_visit(page)
        planned = re.search(r"\d\d/\d\d/\d{4}", page.locator(".page-header p").inner_text())
        assert planned is not None
        day = datetime.strptime(planned[0], "%d/%m/%Y").astimezone().date() + timedelta(days=1)
        page.locator("#day").fill(f"{day:%d/%m/%Y}")
        page.locator("#reason").fill("Đường ngập, hẹn hôm sau")
        page.get_by_role("button", name="Dời buổi phục vụ").click()
        expect(page.locator("#messages")).to_contain_text(f"{day:%d/%m/%Y}")
        expect(page.locator(".page-header p")).to_contain_text(f"{day:%d/%m/%Y}")
        expect(page.locator(".change-list")).to_contain_text("Đường ngập, hẹn hôm sau")
        expect(page.locator("dl.facts")).to_contain_text(planned[0])


def test_the_coordinator_cancels_and_restores_a_visit_with_a_reason(signed_in: Any) -> None:
    with signed_in("coordinator", DESKTOP) as watched:
        page = watched.page
        page.locator("a.month-run--planned").first.click()
        page.locator("table a").first.click()
        page.locator("#cancel-reason").fill("Trường thi học kỳ")
        page.get_by_role("button", name="Hủy buổi phục vụ").click()
        page.get_by_role("button", name="Có, tiếp tục").click()
        expect(page.locator("#messages")).to_contain_text("Đã hủy")
        expect(page.locator(".change-list")).to_contain_text("Trường thi học kỳ")
        page.get_by_role("button", name="Khôi phục buổi phục vụ").click()
        expect(page.locator("#messages")).to_contain_text("Đã khôi phục")


def test_the_coordinator_looks_at_a_draft_before_publishing(signed_in: Any) -> None:
    with signed_in("coordinator", TABLET_ACROSS) as watched:
        page = watched.page
        watched.open("/timetable/terms/new")
        page.locator("#name").fill("Kỳ thử")
        page.locator("#starts_on").fill("05/01/2037")
        page.locator("#ends_on").fill("30/05/2037")
        page.get_by_role("button", name="Lưu").click()
        page.get_by_role("link", name="Điểm phục vụ mới").first.click()
        # A school's calendar knows no teaching period of that year.
        page.locator("#place_id").select_option(label="Chợ An Thới")
        page.get_by_role("button", name="Lưu").click()
        page.get_by_role("link", name="Xem bản nháp").click()
        expect(page.locator(".week-run")).not_to_have_count(0)
        assert watched.axe_violations() == []


def test_the_coordinator_finds_a_place_without_diacritics_and_sets_its_position(
    signed_in: Any,
) -> None:
    with signed_in("coordinator", TABLET_ACROSS) as watched:
        page = watched.page
        watched.open("/places/?q=o+mon")
        expect(page.locator("tbody tr")).not_to_have_count(0)
        watched.open("/places/?quality=approximate")
        page.locator("tbody a").first.click()
        page.get_by_role("link", name="Chỉ vị trí").click()
        page.locator("#map_place").click(position={"x": 200, "y": 150})
        expect(page.locator("#lat")).to_have_value(re.compile(r"\d+\.\d{6}"))
        page.get_by_role("button", name="Giữ vị trí này").click()
        expect(page.locator("main")).to_contain_text("chạm trên bản đồ")


def test_the_reporter_takes_a_spreadsheet_that_agrees_with_the_page(
    signed_in: Any, tmp_path: Any
) -> None:
    with signed_in("reporter", DESKTOP) as watched:
        page = watched.page
        expect(page.locator("h1")).to_have_text("Thống kê")
        card = page.locator(".stat", has_text="Lượt bạn đọc").locator(".stat-value")
        # What follows on a line of its own is for those who hear the page.
        shown = int(card.inner_text().splitlines()[0].replace(".", ""))
        with page.expect_download() as download:
            page.get_by_role("link", name="XLSX").click()
        download.value.save_as(tmp_path / "figures.xlsx")
        book = openpyxl.load_workbook(tmp_path / "figures.xlsx", read_only=True)
        lines = {
            row[0]: row[2] for row in book.worksheets[0].iter_rows(max_col=3, values_only=True)
        }
        assert lines["Lượt bạn đọc"] == shown


def test_the_administrator_makes_an_account_and_a_backup(signed_in: Any) -> None:
    with signed_in("administrator", DESKTOP) as watched:
        page = watched.page
        page.get_by_role("button", name="Sao lưu: Làm ngay").click()
        expect(page.locator("#messages")).to_contain_text(".sqlite3")
        page.get_by_role("link", name="Tài khoản", exact=True).click()
        page.get_by_role("link", name="Tài khoản mới").click()
        page.get_by_label("Họ và tên").fill("Thủ thư mới")
        page.get_by_label("Tên đăng nhập").fill("moi")
        page.get_by_label("Mật khẩu mới").fill("một câu thật dài")
        page.get_by_role("button", name="Lưu").click()
        expect(page.locator("main")).to_contain_text("Thủ thư mới")


def test_the_handover_record_of_a_box_has_room_for_two_signatures_side_by_side(
    signed_in: Any,
) -> None:
    with signed_in("coordinator") as watched:
        watched.open("/circulation/boxes/")
        watched.page.locator("a[href*='/boxes/deposits/']").first.click()
        giver, receiver = (
            watched.page.locator(".signatures").first.locator("> div").nth(side).bounding_box()
            for side in range(2)
        )
        assert giver["y"] == receiver["y"]
        assert giver["x"] + giver["width"] < receiver["x"]
        assert giver["height"] > 90
        assert watched.too_wide() == 0
