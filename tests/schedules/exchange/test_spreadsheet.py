"""Tables out of CSV and XLSX as people save them; cells that must not run as formulas."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.exchange.formula_safety import plain_cell
from schedules.exchange.spreadsheet import (
    TableProblem,
    UnreadableTableError,
    read_table,
)


def xlsx(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_sheet_and_its_csv_hold_the_same_table() -> None:
    sheet = read_table(xlsx(["Tên", "Số lớp"], ["Trường Thới Bình", 12]), "a.xlsx")
    text = read_table("Tên;Số lớp\nTrường Thới Bình;12\n".encode(), "a.csv")
    assert sheet == text
    assert sheet.headers == ("Tên", "Số lớp")
    assert (sheet.rows[0].line, sheet.rows[0].cells) == (2, ("Trường Thới Bình", "12"))


def test_letters_are_composed_and_blank_lines_left_out() -> None:
    decomposed = unicodedata.normalize("NFD", "Trường")
    table = read_table(f"Tên\n\n{decomposed}\n\n".encode(), "a.csv")
    assert [row.cells for row in table.rows] == [("Trường",)]
    assert table.rows[0].line == 3


def test_dates_and_whole_numbers_of_a_sheet_become_plain_text() -> None:
    table = read_table(xlsx(["a", "b", "c"], [date(2026, 11, 24), 3.0, 10.5]), "a.xlsx")
    assert table.rows[0].cells == ("2026-11-24T00:00:00", "3", "10.5")


def test_columns_without_or_with_the_same_name_get_one_of_their_own() -> None:
    table = read_table("Tên,,Tên\na,b,c\n".encode(), "a.csv")
    assert table.headers == ("Tên", "#2", "Tên'")


def test_short_and_long_rows_fit_the_header() -> None:
    table = read_table(b"a,b\n1\n1,2,3\n", "a.csv")
    assert [row.cells for row in table.rows] == [("1", ""), ("1", "2")]


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 210 * 1024 * 1024)
    return out.getvalue()


def entity_bomb() -> bytes:
    source = zipfile.ZipFile(io.BytesIO(xlsx(["a"], ["b"])))
    out = io.BytesIO()
    entities = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )
    bomb = f"<!DOCTYPE x [{entities}]>"
    with zipfile.ZipFile(out, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("sheet1.xml"):
                text = data.decode().replace("<worksheet", bomb + "<worksheet", 1)
                data = text.replace("<v>0</v>", "<v>&a11;</v>").encode()
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", TableProblem.EMPTY),
        (b" \n \n", TableProblem.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00", TableProblem.NOT_A_SPREADSHEET),
        (b"PK\x03\x04 no zip", TableProblem.NOT_A_SPREADSHEET),
        (",".join(f"c{n}" for n in range(300)).encode(), TableProblem.NO_HEADER),
        (b"a\n" + b"1\n" * 100_002, TableProblem.TOO_LARGE),
    ],
)
def test_what_is_no_table_says_why(data: bytes, problem: TableProblem) -> None:
    with pytest.raises(UnreadableTableError) as refused:
        read_table(data, "a")
    assert refused.value.problem == problem


def test_a_zip_bomb_is_not_unpacked() -> None:
    with pytest.raises(UnreadableTableError) as refused:
        read_table(zip_bomb(), "a.xlsx")
    assert refused.value.problem == TableProblem.TOO_LARGE


def test_an_entity_bomb_is_refused() -> None:
    with pytest.raises(UnreadableTableError):
        read_table(entity_bomb(), "a.xlsx")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04"):
        try:
            read_table(start + data, "a")
        except UnreadableTableError as refused:
            assert refused.problem in TableProblem


WORKBOOK = xlsx(["Tên", "Số lớp"], ["Trường Thới Bình", 12], ["Trường An Hòa", 8])


@given(
    st.lists(st.tuples(st.integers(0, len(WORKBOOK) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(WORKBOOK)),
)
def test_a_damaged_workbook_is_a_table_or_refused(damage: list[tuple[int, int]], kept: int) -> None:
    data = bytearray(WORKBOOK)
    for index, byte in damage:
        data[index] = byte
    try:
        read_table(bytes(data[: max(kept, 1)] if kept % 3 == 0 else data), "a.xlsx")
    except UnreadableTableError as refused:
        assert refused.problem in TableProblem


@pytest.mark.parametrize("start", ["=1+1", "+84", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_a_cell_that_would_run_gets_an_apostrophe(start: str) -> None:
    assert plain_cell(start) == f"'{start}"


@given(st.text(max_size=20))
def test_a_written_cell_never_starts_like_a_formula(text: str) -> None:
    written = plain_cell(text).lstrip(" ")
    assert not written or written[0] not in "=+-@\t\r\n＝＋－＠"
