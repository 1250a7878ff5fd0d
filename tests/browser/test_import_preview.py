"""The preview of an import: corrections, ticks and stops that left the file, on a narrow tablet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import DESKTOP, TABLET_UPRIGHT

pytestmark = pytest.mark.browser

HEADER = (
    "organisation,mobile,route,community,stop,address,postcode,geox,geoy,day,type,arrival,"
    "departure,frequency,start,end,exceptions,timetable\n"
)
ROW = (
    "Thư viện Hậu Giang,Xe thư viện lưu động số 1,Tuyến Vị Thanh – Long Mỹ,Vị Thanh,{stop},"
    "{address},,105.47,9.78,,Public,{arrival},11:00,FREQ=WEEKLY;INTERVAL=2,2019-11-04,,,\n"
)
FIRST = ROW.format(stop="Chợ Vị Thanh", address="1 Trần Hưng Đạo", arrival="09:00") + ROW.format(
    stop="Bến xe Vị Thanh", address="", arrival="10:00"
)
SECOND = ROW.format(stop="Chợ Vị Thanh", address="3 Trần Hưng Đạo", arrival="09:30") + ROW.format(
    stop="Trường Tiểu học Vị Thanh", address="", arrival="9 giờ"
)
THIRD = ROW.format(stop="Trường Tiểu học Vị Thanh", address="", arrival="10:15")


def _upload(watched: Any, text: str) -> None:
    watched.open("/timetable/import")
    data = {"name": "hau-giang.csv", "mimeType": "text/csv", "buffer": (HEADER + text).encode()}
    watched.page.set_input_files("input[type=file]", data)
    watched.page.click("main button[type=submit]")
    watched.page.wait_for_url("**/import/preview")


def test_what_an_import_would_change_can_be_read_and_ticked(signed_in: Any) -> None:
    with signed_in("coordinator", TABLET_UPRIGHT) as watched:
        _upload(watched, FIRST)
        assert watched.axe_violations() == []
        watched.page.click("main button[type=submit]")
        watched.page.wait_for_url("**/terms")
        _upload(watched, SECOND + THIRD)
        for size in (TABLET_UPRIGHT, DESKTOP):
            watched.page.set_viewport_size(size)
            assert watched.axe_violations() == []
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert watched.page.evaluate(wide) <= 0
        text = watched.page.inner_text("main")
        assert "09:00–11:00 → 09:30–11:00" in text
        assert "1 Trần Hưng Đạo → 3 Trần Hưng Đạo" in text
        watched.page.check("input[name=take_out]")
        watched.page.click("main button[type=submit]")
        watched.page.wait_for_url("**/terms")
