"""Vietnamese names are found as people type them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.searching import commune_name_key, place_name_key, search_key


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Ninh Kiều", "ninh kieu"),
        ("Hòa Bình", "Hoà"),
        ("Đông Thuận", "dong thuan"),
        ("Thới Lai", "THOI LAI"),
        ("Trường THCS Thốt Nốt", "thcs thot"),
        ("Cái Răng", "cái răng"),
        ("Ô Môn", "o mon"),
    ],
)
def test_a_name_holds_what_people_type_for_it(name: str, typed: str) -> None:
    assert search_key(typed) in search_key(name)


@given(st.text(max_size=40))
def test_both_ways_of_writing_a_letter_are_one(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert search_key(composed) == search_key(decomposed)


@given(st.text(max_size=40))
def test_a_key_is_plain_and_its_own_key(text: str) -> None:
    key = search_key(text)
    assert key.isascii()
    assert search_key(key) == key


@pytest.mark.parametrize(
    "written",
    [
        "Trường Tiểu học Thới Lai 1",
        "TH Thới Lai 1",
        "Trường TH. Thới Lai 1",
        "tiểu học THỚI LAI 1",
        "Truong tieu hoc Thoi Lai 1",
    ],
)
def test_a_school_has_one_key_however_lists_shorten_its_name(written: str) -> None:
    assert place_name_key(written) == "th thoi lai 1"


def test_levels_of_a_school_are_part_of_its_key() -> None:
    assert place_name_key("Trường Trung học cơ sở An Hòa") == place_name_key("THCS An Hoà")
    assert place_name_key("THCS An Hòa") != place_name_key("THPT An Hòa")
    assert place_name_key("Trường") == "truong"


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("P. Ninh Kiều", "Phường Ninh Kiều"),
        ("P.Ninh Kiều", "Phường Ninh Kiều"),
        ("X. Thới Lai", "Xã Thới Lai"),
        ("TT Cờ Đỏ", "Thị trấn Cờ Đỏ"),
        ("Ninh Kiều", "Ninh Kiều"),
        ("P", "P"),
    ],
)
def test_a_communes_type_may_be_abbreviated(written: str, full: str) -> None:
    assert commune_name_key(written) == search_key(full)
