"""Reading mobile library CSV: every good row is taken, every bad one named with its cell."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.exchange.mobile_library_csv import (
    COLUMNS,
    LONGEST,
    FileProblem,
    ParsedTimetable,
    RowFault,
    UnreadableFileError,
    parse_mobile_library_csv,
    write_mobile_library_csv,
)

GOOD = {
    "organisation": "Thư viện Cần Thơ",
    "mobile": "Xe 1",
    "route": "Tuyến A",
    "community": "Phong Điền",
    "stop": "Chợ Phong Điền",
    "geox": "105.66",
    "geoy": "9.99",
    "day": "Monday",
    "type": "Public",
    "arrival": "09:00",
    "departure": "10:00",
    "frequency": "FREQ=WEEKLY",
    "start": "2026-11-02",
}


def line_of(**changed: str) -> str:
    cells = {**GOOD, **changed}
    return ",".join(f'"{cells.get(name, "")}"' for name in COLUMNS) + "\n"


def file_of(*lines: str) -> bytes:
    return (",".join(COLUMNS) + "\n" + "".join(lines)).encode()


def parse(*lines: str) -> ParsedTimetable:
    return parse_mobile_library_csv(file_of(*lines), "a.csv")


def test_the_nine_services_hold_1877_stops(shared_data: Path) -> None:
    files = sorted((shared_data / "mobile-libraries").glob("*.csv"))
    parsed = [parse_mobile_library_csv(file.read_bytes(), file.name) for file in files]
    rows = sum(len(timetable.rows) + timetable.rows_left_out for timetable in parsed)
    assert (len(files), rows) == (9, 1877)
    left_out = sum(timetable.rows_left_out for timetable in parsed)
    assert left_out <= 10
    told = [p for timetable in parsed for p in timetable.problems if p.fatal]
    assert all(problem.line > 1 and problem.fault for problem in told)


@pytest.mark.parametrize(
    ("changed", "column", "fault"),
    [
        ({"stop": " "}, "stop", RowFault.MISSING),
        ({"mobile": ""}, "mobile", RowFault.MISSING),
        ({"arrival": "nine"}, "arrival", RowFault.NOT_A_TIME),
        ({"arrival": "25:00"}, "arrival", RowFault.NOT_A_TIME),
        ({"departure": "09:75"}, "departure", RowFault.NOT_A_TIME),
        ({"arrival": "10:00", "departure": "09:00"}, "departure", RowFault.LEAVES_BEFORE_ARRIVING),
        ({"frequency": "sometimes"}, "frequency", RowFault.NOT_A_RULE),
        ({"frequency": "FREQ=WEEKLY;INTERVAL=0"}, "frequency", RowFault.NOT_A_RULE),
        ({"frequency": "FREQ=MONTHLY;BYDAY=TU(2)"}, "frequency", RowFault.NOT_A_RULE),
        ({"frequency": "FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2"}, "frequency", RowFault.NO_DATES),
        ({"start": "2/11/26"}, "start", RowFault.NOT_A_DATE),
        ({"start": "02/11/2026", "day": ""}, "start", RowFault.DAY_OR_MONTH),
        ({"start": "0001-01-01"}, "start", RowFault.YEAR_OUTSIDE),
        ({"start": "9999-12-31"}, "start", RowFault.YEAR_OUTSIDE),
        ({"arrival": "23:59", "departure": "00:10"}, "departure", RowFault.LEAVES_BEFORE_ARRIVING),
        ({"start": "2026-02-30"}, "start", RowFault.NOT_A_DATE),
        ({"end": "2026-10-01"}, "end", RowFault.ENDS_BEFORE_START),
        ({"stop": "x" * 2001}, "stop", RowFault.TOO_LONG),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_its_neighbours_taken(
    changed: dict[str, str], column: str, fault: RowFault
) -> None:
    parsed = parse(line_of(stop="Trước"), line_of(**changed), line_of(stop="Sau"))
    assert [row.stop for row in parsed.rows] == ["Trước", "Sau"]
    (problem,) = [p for p in parsed.problems if p.fatal]
    assert (problem.file, problem.line, problem.column) == ("a.csv", 3, column)
    assert problem.fault == fault
    assert problem.value == changed[column].strip()[:120]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"geox": "", "geoy": ""}, RowFault.NO_POSITION),
        ({"geox": "east"}, RowFault.NOT_A_NUMBER),
        ({"geox": "nan"}, RowFault.POSITION_OUTSIDE),
        ({"geox": "0", "geoy": "0"}, RowFault.POSITION_OUTSIDE),
        ({"geoy": "95"}, RowFault.POSITION_OUTSIDE),
        ({"day": "Someday"}, RowFault.NOT_A_WEEKDAY),
        ({"day": "Friday"}, RowFault.START_NOT_ON_DAY),
        ({"day": "Friday", "frequency": "FREQ=WEEKLY;BYDAY=MO,TU"}, RowFault.DAY_NOT_IN_RULE),
        ({"day": "Friday", "frequency": "FREQ=MONTHLY;BYDAY=1MO"}, RowFault.DAY_NOT_IN_RULE),
        ({"day": "Friday", "frequency": "FREQ=DAILY;COUNT=1"}, RowFault.DAY_NOT_IN_RULE),
        ({"type": "Secret"}, RowFault.UNKNOWN_TYPE),
        ({"exceptions": "2026-13-01"}, RowFault.NOT_A_DATE),
    ],
)
def test_a_doubtful_cell_is_told_and_its_row_taken(
    changed: dict[str, str], fault: RowFault
) -> None:
    parsed = parse(line_of(**changed))
    assert len(parsed.rows) == 1
    assert [(p.fault, p.fatal) for p in parsed.problems] == [(fault, False)]


def test_a_weekly_row_begins_on_its_published_weekday() -> None:
    """The start anchors the interval; the day column says on which weekday the van comes."""
    row = parse(line_of(day="Thursday", start="2019-09-25", frequency="FREQ=WEEKLY;INTERVAL=2"))
    (stop,) = row.rows
    assert stop.recurrence.start == date(2019, 9, 26)
    days = stop.recurrence.dates(date(2019, 9, 1), date(2019, 10, 31))
    assert days == [date(2019, 9, 26), date(2019, 10, 10), date(2019, 10, 24)]


def test_every_stop_of_the_nine_services_comes_on_its_published_weekday(shared_data: Path) -> None:
    for file in sorted((shared_data / "mobile-libraries").glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            published = {(r["route"], r["stop"], r["day"]) for r in csv.DictReader(lines)}
        for row in parse_mobile_library_csv(file.read_bytes(), file.name).rows:
            days = row.recurrence.dates(date(2026, 1, 1), date(2026, 6, 30))
            (weekday,) = {f"{day:%A}" for day in days}
            assert any(
                (route, " ".join(stop.split()), day) == (row.route, row.stop, weekday)
                for route, stop, day in published
            ), (file.name, row.line)


def test_a_row_that_ends_before_its_first_weekday_is_named() -> None:
    parsed = parse(line_of(day="Thursday", start="2019-09-25", end="2019-09-25"))
    assert [p.fault for p in parsed.problems if p.fatal] == [RowFault.ENDS_BEFORE_START]


def test_a_monthly_date_may_fall_on_any_weekday() -> None:
    parsed = parse(line_of(day="Friday", frequency="FREQ=MONTHLY;BYMONTHDAY=15"))
    assert parsed.problems == ()


@pytest.mark.parametrize("column", sorted(LONGEST))
def test_a_cell_longer_than_its_field_is_named_with_what_fits(column: str) -> None:
    full = parse(line_of(**{column: "x" * LONGEST[column]}))
    assert RowFault.TOO_LONG not in {p.fault for p in full.problems}
    (problem,) = (
        p
        for p in parse(line_of(**{column: "x" * (LONGEST[column] + 1)})).problems
        if p.fault == RowFault.TOO_LONG
    )
    assert (problem.column, problem.limit, problem.fatal) == (column, LONGEST[column], True)


FIRST_FORM = "Mobile,Route,Day,StartDate,EndDate,Frequency,Stop,Community,Start,End,X,Y\n"


def test_the_first_files_of_all_are_read() -> None:
    line = "Xe 1,A,Monday,02/09/2019,31/12/2029,4,Chợ,Phong Điền,9:20,10:00,105.66,9.99\n"
    parsed = parse_mobile_library_csv((FIRST_FORM + line).encode(), "a.csv")
    (row,) = parsed.rows
    assert (row.mobile, row.stop, row.community) == ("Xe 1", "Chợ", "Phong Điền")
    assert (row.arrival, row.departure, row.lat, row.lon) == (560, 600, 9.99, 105.66)
    assert row.recurrence.rule == "FREQ=WEEKLY;INTERVAL=4"
    assert (row.recurrence.start, row.recurrence.end) == (date(2019, 9, 2), date(2029, 12, 31))
    assert (parsed.problems, parsed.unknown_columns, row.extra) == ((), (), ())


def test_a_fault_of_an_older_file_is_named_by_the_files_own_column() -> None:
    line = "Xe 1,A,Monday,someday,,4,Chợ,,late,10:00,105.66,9.99\n"
    parsed = parse_mobile_library_csv((FIRST_FORM + line).encode(), "a.csv")
    assert {p.column for p in parsed.problems} == {"StartDate", "Start"}


def test_version_0_1_without_types_and_exceptions_is_read() -> None:
    columns = [name for name in COLUMNS if name not in {"type", "exceptions"}]
    cells = ",".join(GOOD.get(name, "") for name in columns)
    parsed = parse_mobile_library_csv(f"{','.join(columns)}\n{cells}\n".encode(), "a.csv")
    assert parsed.rows[0].type == "public"
    assert parsed.problems == ()


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (("02/11/2026", "2026-11-02"), None),
        (("02/11/2026", "25/11/2026"), date(2026, 11, 2)),
        (("02/11/2026", "11/25/2026"), date(2026, 2, 11)),
        (("02/11/2026", "25/11/2026", "11/25/2026"), None),
        (("05.05.2026",), date(2026, 5, 5)),
        (("2026-11-02T00:00:00",), date(2026, 11, 2)),
    ],
)
def test_written_days_are_read_where_the_file_leaves_no_doubt(
    starts: tuple[str, ...], expected: date | None
) -> None:
    lines = [line_of(day="", stop=f"Điểm {n}", start=day) for n, day in enumerate(starts)]
    parsed = parse(*lines)
    first = [row.recurrence.start for row in parsed.rows if row.stop == "Điểm 0"]
    assert first == ([expected] if expected else [])


def test_the_weekday_tells_day_from_month() -> None:
    (row,) = parse(line_of(start="02/11/2026", day="Monday")).rows
    assert row.recurrence.start == date(2026, 11, 2)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_end_ends_a_line_and_signs_within_cells_do_not(ending: str) -> None:
    text = file_of(line_of(stop="Chợ\u2028nổi\x0b"), line_of(stop="Sau")).decode()
    parsed = parse_mobile_library_csv(text.replace("\n", ending).encode(), "a.csv")
    assert [(row.line, row.stop) for row in parsed.rows] == [(2, "Chợ nổi"), (3, "Sau")]


def test_a_quoted_line_break_stays_within_its_cell() -> None:
    parsed = parse(line_of(stop="Chợ\nPhong Điền"), line_of(stop="Sau", arrival="x"))
    assert parsed.rows[0].stop == "Chợ Phong Điền"
    assert parsed.problems[0].line == 4


def test_blank_lines_before_the_header_do_no_harm() -> None:
    data = b"\r\n,,,\r\n" + file_of(line_of())
    assert parse_mobile_library_csv(data, "a.csv").rows[0].line == 4


def test_every_fault_of_a_row_is_told_at_once() -> None:
    parsed = parse(line_of(stop="", arrival="x", frequency="y"))
    assert {p.column for p in parsed.problems} == {"stop", "arrival", "frequency"}
    assert parsed.rows_left_out == 1


def test_a_row_said_twice_is_taken_once() -> None:
    parsed = parse(line_of(), line_of())
    assert len(parsed.rows) == 1
    assert parsed.problems[0].fault == RowFault.REPEATED_ROW


def test_a_quote_that_never_closes_costs_its_own_line_only() -> None:
    parsed = parse('"Xe 1,never closed\n', line_of(), line_of(stop="Sau"))
    assert [row.stop for row in parsed.rows] == ["Chợ Phong Điền", "Sau"]
    assert [(p.line, p.fault) for p in parsed.problems] == [(2, RowFault.QUOTE_NOT_CLOSED)]


def test_html_stays_the_text_it_is() -> None:
    name = "<b onclick='x'>Chợ</b>"
    assert parse(line_of(stop=name)).rows[0].stop == name


def test_unknown_columns_are_named_and_kept_with_the_row() -> None:
    header, line = file_of(line_of()).decode().splitlines()
    parsed = parse_mobile_library_csv(f"{header},wifi\n{line},có\n".encode(), "a.csv")
    assert parsed.unknown_columns == ("wifi",)
    assert parsed.rows[0].extra == (("wifi", "có"),)


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_unicode_encodings_are_told_apart(encoding: str, told: str) -> None:
    parsed = parse_mobile_library_csv(file_of(line_of()).decode().encode(encoding), "a.csv")
    assert parsed.rows[0].organisation == "Thư viện Cần Thơ"
    assert parsed.encoding == told


def test_windows_1258_of_old_vietnamese_computers_is_read() -> None:
    # The code page has base letters and tone marks apart.
    text = file_of(line_of(stop="Trươ\u0300ng Tiê\u0309u ho\u0323c Thơ\u0301i Bi\u0300nh")).decode()
    text = text.replace(GOOD["organisation"], "Xe").replace(GOOD["community"], "x")
    parsed = parse_mobile_library_csv(text.replace("Tuyến A", "A").encode("cp1258"), "a.csv")
    assert parsed.encoding == "cp1258"
    assert parsed.rows[0].stop == "Trường Tiểu học Thới Bình"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", FileProblem.EMPTY),
        (b"\xef\xbb\xbf  \n\n", FileProblem.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", FileProblem.NOT_TEXT),
        (b"name,colour\nx,y\n", FileProblem.NO_HEADER),
        (b",,,\n,,,\n", FileProblem.NO_HEADER),
        (b"Stop,stop,mobile\na,b,c\n", FileProblem.REPEATED_COLUMN),
        (b"mobile|route|stop\na|b|c\n", FileProblem.NO_HEADER),
        (b"mobile,route,stop\na,b,c\n", FileProblem.MISSING_COLUMNS),
        (b"mobile,mobile,stop\na,b,c\n", FileProblem.REPEATED_COLUMN),
    ],
)
def test_a_file_that_holds_no_timetable_says_why(data: bytes, problem: FileProblem) -> None:
    with pytest.raises(UnreadableFileError) as refused:
        parse_mobile_library_csv(data, "a.csv")
    assert refused.value.problem == problem


def test_missing_columns_are_named() -> None:
    with pytest.raises(UnreadableFileError) as refused:
        parse_mobile_library_csv(b"mobile,route,stop,arrival,start\n", "a.csv")
    assert refused.value.detail == "departure, frequency"


def test_semicolons_and_tabs_of_spreadsheets_are_read() -> None:
    for sign in ";\t":
        data = file_of(line_of()).decode().replace(",", sign).encode()
        assert len(parse_mobile_library_csv(data, "a.csv").rows) == 1


def test_a_clock_with_seconds_or_a_dot_is_a_time() -> None:
    row = parse(line_of(arrival="9.05", departure="14:15:00")).rows[0]
    assert (row.arrival, row.departure) == (545, 855)


def test_exceptions_and_end_belong_to_the_rule() -> None:
    row = parse(line_of(end="2026-12-31", exceptions="2026-11-16,2026-12-07")).rows[0]
    days = row.recurrence.dates(date(2026, 11, 1), date(2027, 12, 31))
    assert date(2026, 11, 9) in days
    assert date(2026, 11, 16) not in days
    assert max(days) == date(2026, 12, 28)


def test_a_file_of_50_mb_is_read_row_by_row_without_giving_up() -> None:
    lines = "".join(line_of(stop=f"Điểm {n}") for n in range(500))
    data = file_of(lines) + b"x" * 120 + b"\n" + b'"' + b"y" * 50_000_000
    parsed = parse_mobile_library_csv(data, "big.csv")
    assert len(parsed.rows) == 500
    assert parsed.rows_left_out == 2


CELLS = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=30
)


@given(st.lists(st.lists(CELLS, max_size=20), max_size=5), st.binary(max_size=200))
def test_no_file_whatsoever_breaks_the_reader(lines: list[list[str]], tail: bytes) -> None:
    body = "\n".join(",".join(cells) for cells in lines).encode()
    data = file_of(line_of()) + body + b"\n" + tail
    try:
        parsed = parse_mobile_library_csv(data, "a.csv")
    except UnreadableFileError:
        return
    assert all(problem.line >= 2 for problem in parsed.problems)


def test_what_is_written_reads_back_and_runs_no_formula() -> None:
    rows = parse(line_of(), line_of(stop="=HYPERLINK(1)", end="2026-12-31")).rows
    text = write_mobile_library_csv(rows)
    again = parse_mobile_library_csv(text.encode(), "b.csv").rows
    assert [row.recurrence for row in again] == [row.recurrence for row in rows]
    assert again[1].stop == "'=HYPERLINK(1)"
