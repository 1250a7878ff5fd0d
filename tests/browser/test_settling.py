"""The coordinator settles what contradicts, takes it back, and looks at the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from bus_ops import create_app
from bus_ops.accounts.models import User
from bus_ops.database import db, new_uuid, now
from bus_ops.tablet.log import store_events, web_tablet
from tests.browser.conftest import DESKTOP, PHONE, TABLET_UPRIGHT
from tests.browser.test_every_page import Inspected

pytestmark = pytest.mark.browser


@pytest.fixture
def trouble(live_server: str, demo_folder: Path) -> None:
    """A note of a visit that nobody knows, and a record that is no fact."""
    url = f"sqlite:///{demo_folder / 'demo.sqlite3'}"
    app = create_app({"DATA_FOLDER": demo_folder, "DATABASE_URL": url, "DEMO_MODE": True})
    with app.app_context():
        user = db.session.scalars(select(User).order_by(User.id)).first()
        assert user is not None
        fact = {
            "id": str(new_uuid()),
            "kind": "note",
            "visit": 999_999,
            "recorded_at": now().isoformat(),
            "payload": {"text": "Sân trường ngập, xe đỗ ngoài cổng"},
        }
        broken = {**fact, "kind": "vẽ tranh", "payload": {"text": "Một dòng rất dài " * 40}}
        store_events(user.organisation_id, web_tablet(user), user.id, [fact, broken])
        db.session.remove()
        db.engine.dispose()


def test_a_coordinator_settles_takes_back_and_reads_the_evidence(
    signed_in: Any, trouble: None
) -> None:
    with signed_in("coordinator", TABLET_UPRIGHT) as watched:
        page = watched.page
        inspected = Inspected(watched, TABLET_UPRIGHT, PHONE, DESKTOP)
        watched.open("/tablet/to-settle?kind=unknown_visit")
        inspected.look("open")
        lost = page.locator("section.card", has_text="Sân trường ngập")
        lost.get_by_role("button", name="Giữ nguyên như đã ghi").click()
        expect(page.get_by_text("Đã xử lý.")).to_be_visible()
        page.get_by_role("link", name="Đã xử lý").click()
        inspected.look("settled")
        page.locator("section.card", has_text="Sân trường ngập").get_by_role("button").click()
        expect(page.get_by_text("Đã hoàn tác.")).to_be_visible()
        watched.open("/tablet/to-settle?kind=unknown_visit")
        expect(page.locator("section.card", has_text="Sân trường ngập")).to_be_visible()
        page.get_by_role("link", name="Bằng chứng", exact=True).click()
        page.locator("summary").first.click()
        inspected.look("evidence")
        with page.expect_download() as download:
            page.get_by_role("link", name="Tải về").first.click()
        assert "kind" in Path(download.value.path()).read_text("utf-8")
        assert not inspected.wrong, "\n".join(inspected.wrong)
