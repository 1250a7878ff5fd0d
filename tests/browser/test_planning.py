"""A coordinator plans a term, looks at the plan, moves and locks a visit, and publishes it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, TABLET_UPRIGHT

pytest.importorskip("schedules.planning.planner")
pytestmark = pytest.mark.browser

# The search is compiled anew where nobody has run it before.
PATIENCE_MS = 150_000


def test_a_term_is_planned_from_the_menu_to_its_publication(signed_in: Any) -> None:
    with signed_in("coordinator", TABLET_UPRIGHT) as watched:
        page = watched.page
        page.get_by_role("link", name="Kỳ và điểm phục vụ").click()
        rows = page.get_by_role("row").filter(has_text="Học kỳ")
        rows.filter(has_text="Bản nháp").get_by_role("link").first.click()
        page.get_by_role("link", name="Lập lịch").click()
        page.get_by_label("Thời gian tìm").select_option("30")
        page.get_by_role("button", name="Lập lịch").click()
        expect(page.get_by_role("heading", name="Đang tìm phương án")).to_be_visible()
        # Its progress survives a page that is loaded again.
        page.reload()
        stop = page.get_by_role("button", name="Dừng và giữ phương án tốt nhất")
        stop.wait_for(timeout=PATIENCE_MS)
        assert watched.axe_violations() == []
        assert watched.too_wide() <= 0
        stop.click()
        page.locator(".planning-figures").wait_for(timeout=PATIENCE_MS)
        for viewport in (TABLET_UPRIGHT, DESKTOP):
            page.set_viewport_size(viewport)
            assert watched.axe_violations() == []
            assert watched.too_wide() <= 0
        expect(page.locator("#map_plan .stop-marker").first).to_be_visible()
        assert page.locator(".planning-month .month-run").count() > 3

        page.locator("main table.table tbody a").first.click()
        page.get_by_role("button", name=re.compile("^Khóa: ")).first.click()
        expect(page.get_by_text("đã khóa").first).to_be_visible()
        assert watched.axe_violations() == []
        page.get_by_role("link", name="Phương án", exact=True).click()
        page.wait_for_url(re.compile(r"/planning/\d+$"))
        page.wait_for_load_state()

        page.get_by_role("button", name="Công bố").click()
        page.locator("dialog .btn-primary").click()
        page.wait_for_url(re.compile("/timetable/month"))
        expect(page.locator("#messages .alert-success")).to_contain_text("Đã công bố")
        assert page.locator(".month .month-run").count() > 3
