"""A coordinator's spreadsheet becomes places: columns mapped once, a dry run, then the change."""

from __future__ import annotations

import io

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.database import db
from bus_ops.places.models import (
    AdministrativeUnit,
    Place,
    PlaceKind,
    PositionQuality,
    SchoolLevel,
    UploadedFile,
)

HEADER = "Mã trường,Tên trường,Cấp học,Xã/Phường,Vĩ độ,Kinh độ,Điện thoại,Số lớp"
ROWS = (
    "92001,Trường THCS An Hòa 1,THCS,Phường Ninh Kiều,10.0402,105.7711,0292 3811 111,24",
    "92002,Trường Tiểu học Thới Lai,Tiểu học,Thới Lai,,,,18",
)


def csv_of(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def upload(client: FlaskClient, data: bytes, name: str = "truong.csv") -> str:
    answer = client.post(
        "/places/import", data={"file": (io.BytesIO(data), name)}, follow_redirects=True
    )
    return answer.get_data(as_text=True)


def map_columns(client: FlaskClient, **columns: str) -> str:
    answer = client.post("/places/import/columns", data=columns, follow_redirects=True)
    return answer.get_data(as_text=True)


GUESSED = {
    "column-0": "official_code",
    "column-1": "name",
    "column-2": "level",
    "column-3": "commune",
    "column-4": "lat",
    "column-5": "lon",
    "column-6": "contact_phone",
    "column-7": "",
}


def take(client: FlaskClient) -> str:
    answer = client.post("/places/import/preview", follow_redirects=True)
    return answer.get_data(as_text=True)


def places() -> list[Place]:
    return list(db.session.scalars(select(Place).order_by(Place.official_code)))


def test_a_list_of_schools_becomes_places(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    page = upload(coordinator, csv_of(*ROWS))
    for number, field in ((0, "official_code"), (1, "name"), (4, "lat"), (6, "contact_phone")):
        select_box = page.split(f'name="column-{number}"')[1].split("</select>")[0]
        assert f'value="{field}" selected' in select_box
    preview = map_columns(coordinator, **GUESSED)
    assert places() == [], "a dry run writes nothing"
    assert "Số lớp" in preview, "a column without a meaning is named"
    assert "2 places taken." in take(coordinator)
    first, second = places()
    assert (first.kind, first.level) == (PlaceKind.SCHOOL, SchoolLevel.LOWER_SECONDARY)
    assert (first.lat, first.position_quality) == (10.0402, PositionQuality.EXACT)
    assert first.extra == {"Số lớp": "24"}
    assert second.commune_id == communes["31258"].id
    assert (second.lat, second.position_quality) == (10.066, PositionQuality.APPROXIMATE)
    assert db.session.scalar(select(func.count()).select_from(UploadedFile)) == 0


def test_the_same_list_twice_changes_nothing_and_a_corrected_one_what_it_corrects(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    upload(coordinator, csv_of(*ROWS))
    map_columns(coordinator, **GUESSED)
    take(coordinator)
    before = [(place.id, place.name) for place in places()]
    upload(coordinator, csv_of(*ROWS))
    map_columns(coordinator, **GUESSED)
    assert "0 places taken." in take(coordinator)
    assert [(place.id, place.name) for place in places()] == before
    corrected = csv_of(ROWS[0].replace("An Hòa 1", "An Hòa Một"), ROWS[1])
    upload(coordinator, corrected)
    map_columns(coordinator, **GUESSED)
    assert "1 place taken." in take(coordinator)
    assert [place.id for place in places()] == [identity for identity, _ in before]
    assert places()[0].name == "Trường THCS An Hòa Một"


def test_a_tapped_position_survives_a_list_that_knows_the_commune_only(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    upload(coordinator, csv_of(*ROWS))
    map_columns(coordinator, **GUESSED)
    take(coordinator)
    tapped = places()[1]
    coordinator.post(f"/places/{tapped.id}/position", data={"lat": "10.0701", "lon": "105.5602"})
    upload(coordinator, csv_of(*ROWS))
    map_columns(coordinator, **GUESSED)
    take(coordinator)
    assert (tapped.lat, tapped.position_quality) == (10.0701, PositionQuality.EXACT)


def test_a_chosen_mapping_is_remembered_for_the_next_file(coordinator: FlaskClient) -> None:
    header, row = "Cột A,Cột B", "Chợ nổi Cái Răng,0292"
    page = upload(coordinator, csv_of(row, header=header))
    assert 'value="name" selected' not in page
    map_columns(coordinator, **{"column-0": "name", "column-1": "contact_phone"})
    take(coordinator)
    page = upload(coordinator, csv_of("Bến Ninh Kiều,1", header=header), "thang-12.csv")
    first = page.split('name="column-0"')[1].split("</select>")[0]
    assert 'value="name" selected' in first


def test_a_workbook_is_read_like_a_csv(coordinator: FlaskClient) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Tên trường", "Vĩ độ", "Kinh độ"])
    book.active.append(["Trường Mầm non Hoa Sen", 10.05, 105.75])
    out = io.BytesIO()
    book.save(out)
    upload(coordinator, out.getvalue(), "truong.xlsx")
    map_columns(coordinator, **{"column-0": "name", "column-1": "lat", "column-2": "lon"})
    take(coordinator)
    (place,) = places()
    assert (place.name, place.lat, place.level) == (
        "Trường Mầm non Hoa Sen",
        10.05,
        SchoolLevel.KINDERGARTEN,
    )


def test_bad_rows_are_named_by_line_and_column_with_a_remedy_and_the_others_taken(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    bad = (
        "92003,,THCS,Thới Lai,,,,",
        "92004,Trường A,THCS,Thới Lai,mười,105.7,,",
        "92005,Trường B,THCS,Thới Lai,105.7,10.04,,",
        "92001,Trường THCS An Hòa 1 lần nữa,THCS,Thới Lai,,,,",
        "92006,Trường C,THCS,Không Có,,,,",
    )
    upload(coordinator, csv_of(*ROWS, *bad))
    preview = map_columns(coordinator, **GUESSED)
    for told in (
        "The name is missing. Fill in the cell.",
        "Not a number. Write degrees as 10.0360.",
        "Outside the globe.",
        "The same place stands further up.",
        "No single commune of this name.",
        "mười",
        "Vĩ độ",
    ):
        assert told in preview, told
    assert "3 places taken." in take(coordinator)
    assert [place.official_code for place in places()] == ["92001", "92002", "92006"]


def test_html_and_formulas_of_a_list_are_only_text(coordinator: FlaskClient) -> None:
    rows = ("<script>alert(1)</script>,1", '"=HYPERLINK(""http://x"")",2')
    upload(coordinator, csv_of(*rows, header="Tên,Ghi chú"))
    preview = map_columns(coordinator, **{"column-0": "name", "column-1": "note"})
    assert "<script>alert" not in preview
    take(coordinator)
    names = {place.name for place in places()}
    assert names == {"<script>alert(1)</script>", '=HYPERLINK("http://x")'}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1258"])
def test_old_and_new_encodings_give_the_same_names(coordinator: FlaskClient, encoding: str) -> None:
    text = "Tên,Ghi chú\nTrươ\u0300ng Tiê\u0309u ho\u0323c,x\n"
    upload(coordinator, text.replace("ê\u0301", "ê\u0301").encode(encoding))
    map_columns(coordinator, **{"column-0": "name", "column-1": ""})
    take(coordinator)
    assert [place.name for place in places()] == ["Trường Tiểu học"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "This is neither CSV nor XLSX."),
        (b"PK\x03\x04broken", "This is neither CSV nor XLSX."),
        (b"\n" * 10, "The file is empty."),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    coordinator: FlaskClient, data: bytes, told: str
) -> None:
    assert told in upload(coordinator, data)
    assert db.session.scalar(select(func.count()).select_from(UploadedFile)) == 0


def test_a_file_beyond_the_limit_is_refused_with_a_remedy(coordinator: FlaskClient) -> None:
    page = upload(coordinator, b"x" * 50_000_001)
    assert "This file is too large" in page
    assert "Split it into smaller files" in page


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"column-0": "note"}, "Say which column holds the name."),
        ({"column-0": "name", "column-1": "name"}, "Two columns mean the same field"),
    ],
)
def test_a_mapping_must_say_where_the_name_is_and_only_once(
    coordinator: FlaskClient, columns: dict[str, str], told: str
) -> None:
    upload(coordinator, csv_of("a,b", header="x,y"))
    assert told in map_columns(coordinator, **columns)


def test_without_an_upload_the_steps_lead_back_to_the_first(coordinator: FlaskClient) -> None:
    for step in ("columns", "preview"):
        answer = coordinator.get(f"/places/import/{step}")
        assert answer.headers["Location"] == "/places/import"


def import_rows(client: FlaskClient, header: str, *rows: str, **columns: str) -> str:
    """Take in a small list; answers the page that showed what would change."""
    upload(client, csv_of(*rows, header=header))
    preview = map_columns(client, **columns)
    take(client)
    return preview


NAME_AND_COMMUNE = {"column-0": "name", "column-1": "commune"}


@pytest.mark.parametrize(
    "written",
    ["Trường Tiểu học Thới Lai", "TH Thới Lai", "Truong TH Thoi Lai", "Tiểu học Thới Lai"],
)
def test_a_place_made_by_hand_is_recognised_and_shown(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit], written: str
) -> None:
    fields = {"name": "Trường Tiểu học Thới Lai", "kind": "school", "level": "primary"}
    commune = str(communes["31258"].id)
    coordinator.post("/places/new", data={**fields, "commune_id": commune, "enabled": "y"})
    (made,) = places()
    preview = import_rows(
        coordinator,
        "Mã trường,Tên trường,Xã",
        f"92009,{written},X. Thới Lai",
        **{"column-0": "official_code", "column-1": "name", "column-2": "commune"},
    )
    assert "1 row taken for a place that is here already" in preview
    assert f'<a href="/places/{made.id}">Trường Tiểu học Thới Lai</a>' in preview
    assert [(place.id, place.official_code) for place in places()] == [(made.id, "92009")]


def test_a_corrected_commune_makes_no_second_place(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    for commune in ("Thới Lia", "Thới Lai"):
        import_rows(coordinator, "Tên,Xã", f"Trường THCS Trường Xuân,{commune}", **NAME_AND_COMMUNE)
    (place,) = places()
    assert place.commune_id == communes["31258"].id
    assert (place.lat, place.position_quality) == (10.066, PositionQuality.APPROXIMATE)


def test_two_schools_of_one_name_in_two_communes_stay_two(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    rows = ("THCS An Hòa,Ninh Kiều", "THCS An Hòa,Thới Lai", "Trường THCS An Hoà,P. Ninh Kiều")
    preview = import_rows(coordinator, "Tên,Xã", *rows, **NAME_AND_COMMUNE)
    assert "The same place stands further up." in preview
    assert {place.commune_id for place in places()} == {unit.id for unit in communes.values()}
    assert len(places()) == 2


def test_an_empty_cell_leaves_what_is_known(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    header, columns = "Tên,Xã,Điện thoại", {**NAME_AND_COMMUNE, "column-2": "contact_phone"}
    import_rows(coordinator, header, "THCS An Hòa,Ninh Kiều,0292 3811 111", **columns)
    import_rows(coordinator, header, "THCS An Hòa,Ninh Kiều,", **columns)
    assert [place.contact_phone for place in places()] == ["0292 3811 111"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("P. Ninh Kiều", "31135"),
        ("P.Ninh Kiều", "31135"),
        ("phuong ninh kieu", "31135"),
        ("31135", "31135"),
        ("X. Thới Lai", "31258"),
        ("Xã Thới Lai, Cần Thơ", "31258"),
        ("Phường An Hòa", "31135"),
        ("Xã Trường Xuân", "31258"),
    ],
)
def test_communes_are_understood_as_lists_write_them_former_ones_too(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit], written: str, code: str
) -> None:
    import_rows(coordinator, "Tên,Xã", f'Chợ,"{written}"', **NAME_AND_COMMUNE)
    assert [place.commune_id for place in places()] == [communes[code].id]


@pytest.mark.parametrize(
    ("name", "kind", "level"),
    [
        ("TH Cái Khế", PlaceKind.SCHOOL, SchoolLevel.PRIMARY),
        ("Trường TH Trường Xuân 2", PlaceKind.SCHOOL, SchoolLevel.PRIMARY),
        ("MN Hoa Sen", PlaceKind.SCHOOL, SchoolLevel.KINDERGARTEN),
        ("TH&THCS Thới Lai", PlaceKind.SCHOOL, SchoolLevel.SEVERAL),
        ("THPT Thốt Nốt", PlaceKind.SCHOOL, SchoolLevel.UPPER_SECONDARY),
        ("UBND xã Trường Xuân", PlaceKind.COMMUNE_OFFICE, None),
        ("Bến Ninh Kiều", PlaceKind.OTHER, None),
    ],
)
def test_kind_and_level_are_read_from_the_name(
    coordinator: FlaskClient, name: str, kind: PlaceKind, level: SchoolLevel | None
) -> None:
    import_rows(coordinator, "Tên,Xã", f"{name},", **{"column-0": "name", "column-1": ""})
    assert [(place.kind, place.level) for place in places()] == [(kind, level)]


POSITIONED = {
    "column-0": "name",
    "column-1": "commune",
    "column-2": "lat",
    "column-3": "lon",
    "column-4": "quality",
    "column-5": "position_source",
}


def test_a_list_says_how_exact_its_positions_are(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    preview = import_rows(
        coordinator,
        "Tên,Xã,Vĩ độ,Kinh độ,Độ chính xác,Nguồn vị trí",
        "A1,Ninh Kiều,10.041,105.781,chính xác,GPS của tổ",
        "A2,Ninh Kiều,10.042,105.782,gần đúng,",
        "A3,Ninh Kiều,10.043,105.783,hên xui,",
        "A4,Ninh Kiều,10.044,105.784,,",
        "A5,Ninh Kiều,10.045,105.785,,",
        "A6,Ninh Kiều,10.045,105.785,,",
        "A7,Ninh Kiều,10.033,105.784,chính xác,",
        **POSITIONED,
    )
    assert "Unknown word. The position is taken as approximate" in preview
    by_name = {place.name: place for place in places()}
    exact = {n for n, p in by_name.items() if p.position_quality == PositionQuality.EXACT}
    assert exact == {"A1", "A4"}
    assert by_name["A1"].position_source == "GPS của tổ"
    assert by_name["A4"].position_source == "list: truong.csv"
    assert by_name["A7"].position_source == "commune: Phường Ninh Kiều"


def test_a_tapped_position_survives_the_list_it_first_came_from(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    header = "Tên,Xã,Vĩ độ,Kinh độ,Độ chính xác,Nguồn vị trí"
    row = "THCS An Hòa,Ninh Kiều,10.041,105.781,chính xác,"
    import_rows(coordinator, header, row, **POSITIONED)
    (place,) = places()
    coordinator.post(f"/places/{place.id}/position", data={"lat": "10.0433", "lon": "105.7811"})
    import_rows(coordinator, header, row, **POSITIONED)
    assert (place.lat, place.position_source) == (10.0433, "tapped")
