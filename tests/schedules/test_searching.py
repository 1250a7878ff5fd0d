"""Vietnamese names are found as people type them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.searching import search_key


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
