"""Reports: every file says what the screen says, documents are laid out as the decree asks."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import docx
import duckdb
import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from odf import opendocument, table
from sqlalchemy import select

from bus_ops.accounts.audit import AuditEntry, AuditKind
from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.reports.department import period_of_report
from bus_ops.reports.documents import default_template
from bus_ops.reports.formats import FORMATS, CellKind, Column, FlatTable
from bus_ops.reports.models import Cadence, DepartmentReport, Rows, SavedReport
from bus_ops.reports.saved import deliver_due, export_folder
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.telling.models import OutboxMessage
from bus_ops.telling.sending import send_what_is_due
from schedules.periods import PeriodKind
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service
from tests.telling.mail_server import mail_server

WEEKS = 4
FIRST = today() - timedelta(weeks=WEEKS)
PERIOD = f"period=custom&first={FIRST.isoformat()}&last={today().isoformat()}"


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    made = small_service(organisation, FIRST, weeks=WEEKS + 2)
    for number, visit in enumerate(made.visits()[:WEEKS]):
        for payload in (
            {"audience": "lower_secondary", "people": 40 + number},
            {"audience": "teachers", "people": 3},
        ):
            record(EventKind.ATTENDANCE, made.user, visit=visit, payload=payload)
        lent = {"barcode": "B1", "card_number": "T1"}
        record(EventKind.LENT, made.user, visit=visit, payload=lent)
        record(EventKind.RETURNED, made.user, visit=visit, payload={"barcode": "B1"})
        record(EventKind.USED_ON_SITE, made.user, visit=visit, payload={"items": 15})
    organisation.parent_body = "Sở Văn hóa, Thể thao và Du lịch"
    organisation.seat, organisation.document_sign = "Cần Thơ", "BC-TVTP"
    organisation.signatory_title, organisation.signatory_name = "Giám đốc", "Nguyễn Văn Mẫu"
    db.session.commit()
    return made


@pytest.fixture
def reporter(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.REPORTER)


# — What other programs read


def read_xlsx(data: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def read_csv(data: bytes) -> list[list[Any]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def read_json(data: bytes) -> list[list[Any]]:
    read = json.loads(data)
    names = [column["name"] for column in read["columns"]]
    return [names, *(list(row.values()) for row in read["rows"])]


def read_parquet(data: bytes, folder: Path) -> list[list[Any]]:
    path = folder / "read.parquet"
    path.write_bytes(data)
    rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    return [list(rows.columns), *(list(row) for row in rows.fetchall())]


def read_ods(data: bytes) -> list[list[Any]]:
    sheet = opendocument.load(io.BytesIO(data)).spreadsheet.getElementsByType(table.Table)[0]
    found = []
    for row in sheet.getElementsByType(table.TableRow):
        cells = row.getElementsByType(table.TableCell)
        found.append([cell.getAttribute("value") or str(cell) for cell in cells])
    return found


@pytest.mark.parametrize("name", ["visits", "loans"])
def test_each_format_holds_the_same_rows(reporter: FlaskClient, tmp_path: Path, name: str) -> None:
    rows = {}
    for ending in FORMATS:
        data = reporter.get(f"/reports/tables/{name}.{ending}?{PERIOD}").data
        read = {
            "xlsx": read_xlsx,
            "csv": read_csv,
            "json": read_json,
            "ods": read_ods,
            "parquet": lambda data: read_parquet(data, tmp_path),
        }[ending]
        rows[ending] = read(data)
    lines = {ending: len(found) for ending, found in rows.items()}
    assert set(lines.values()) == {lines["csv"]}, lines
    assert lines["csv"] > WEEKS
    key = 2 if name == "visits" else 7
    names = {e: sorted(str(row[key]) for row in found[1:]) for e, found in rows.items()}
    assert all(found == names["csv"] for found in names.values()), names


def test_attendance_is_the_same_on_every_screen_and_in_every_file(
    service: SmallService, reporter: FlaskClient, tmp_path: Path
) -> None:
    people = sum(40 + number + 3 for number in range(WEEKS))
    report = SavedReport(
        organisation_id=service.organisation.id,
        name="Lượt người",
        shared=True,
        rows=Rows.GROUPS,
        grouping="place",
        columns=["attendance", "loans"],
        period=PeriodKind.CUSTOM,
    )
    department = DepartmentReport(
        organisation_id=service.organisation.id, name="Năm", period=PeriodKind.YEAR
    )
    db.session.add_all([report, department])
    db.session.commit()
    shown = f">{people}<"
    for page in ("/statistics/?", "/dashboard/?", "/statistics/visits?"):
        assert shown in reporter.get(page + PERIOD).text.replace(">\n", ">"), page
    assert f">{people}</td>" in reporter.get(f"/reports/saved/{report.id}").text

    saved = f"/reports/saved/{report.id}/export"
    sums = {
        "csv": [int(row[1]) for row in read_csv(reporter.get(f"{saved}.csv").data)[1:]],
        "xlsx": [row[1] for row in read_xlsx(reporter.get(f"{saved}.xlsx").data)[1:]],
        "json": [row[1] for row in read_json(reporter.get(f"{saved}.json").data)[1:]],
        "ods": [int(row[1]) for row in read_ods(reporter.get(f"{saved}.ods").data)[1:]],
        "parquet": [
            row[1] for row in read_parquet(reporter.get(f"{saved}.parquet").data, tmp_path)[1:]
        ],
    }
    assert {ending: sum(found) for ending, found in sums.items()} == dict.fromkeys(sums, people)
    statistics = openpyxl.load_workbook(
        io.BytesIO(reporter.get(f"/statistics/export.xlsx?{PERIOD}").data)
    )
    cells = list(statistics["Figures"].iter_rows(values_only=True))
    assert [row[2] for row in cells if row[0] == "Attendance"] == [people]
    flat = read_csv(reporter.get(f"/reports/tables/visits.csv?{PERIOD}").data)
    at = flat[0].index("Attendance")
    assert sum(int(row[at]) for row in flat[1:]) == people
    if FIRST.year == today().year:
        year = f"/reports/department/{department.id}/report.docx?day={today().isoformat()}"
        assert people in figures_of_document(reporter.get(year).data, "Attendance")
        indicators = openpyxl.load_workbook(
            io.BytesIO(reporter.get(f"/indicators/export.xlsx?year={FIRST.year}").data)
        )
        rows = list(indicators["Indicators"].iter_rows(values_only=True))
        assert [row[5] for row in rows if row[0] == "Attendance"] == [people]


def figures_of_document(data: bytes, name: str) -> list[int]:
    """Numbers of the rows of this name in the document's tables."""
    found = []
    for grid in docx.Document(io.BytesIO(data)).tables:
        for row in grid.rows:
            texts = [cell.text.replace(",", "").replace(".", "") for cell in row.cells]
            if len(texts) > 3 and texts[1] == name:
                found += [int(text) for text in texts if text.isdecimal()]
    return found


def test_a_chart_of_the_spreadsheets_own_stands_beside_few_groups(
    service: SmallService, reporter: FlaskClient
) -> None:
    report = SavedReport(
        organisation_id=service.organisation.id,
        name="Theo tháng",
        shared=True,
        grouping="time",
        columns=["attendance"],
        period=PeriodKind.YEAR,
        whole_only=False,
    )
    db.session.add(report)
    db.session.commit()
    data = reporter.get(f"/reports/saved/{report.id}/export.xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert len(sheet._charts) == 1
    assert isinstance(sheet["A2"].value, date)


def test_no_cell_of_any_file_is_a_formula(service: SmallService, reporter: FlaskClient) -> None:
    service.stops[0].place.name = "=HYPERLINK(1)"
    db.session.commit()
    for ending in ("csv", "xlsx", "ods"):
        data = reporter.get(f"/reports/tables/visits.{ending}?{PERIOD}").data
        if ending == "xlsx":
            cells = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows()
            assert all(cell.data_type != "f" for row in cells for cell in row)
        if ending == "csv":
            assert "\n=HYPERLINK" not in data.decode()
            assert ",=HYPERLINK" not in data.decode()


def test_no_export_names_a_reader_or_a_card(reporter: FlaskClient) -> None:
    for name in ("visits", "loans"):
        for ending in ("csv", "json"):
            text = reporter.get(f"/reports/tables/{name}.{ending}?{PERIOD}").text
            assert "T1" not in text
            assert "B1" not in text


def test_a_group_that_is_too_small_is_not_told(
    service: SmallService, reporter: FlaskClient
) -> None:
    address = f"/reports/tables/loans.json?{PERIOD}"
    told = [row["group"] for row in reporter.get(address).json["rows"]]
    assert set(told) == {"Primary pupils"}
    service.organisation.smallest_group = 5
    db.session.commit()
    assert {row["group"] for row in reporter.get(address).json["rows"]} == {""}


def test_ten_times_the_rows_take_no_more_memory() -> None:
    columns = [Column("n", "n", CellKind.WHOLE), Column("name", "name")]

    def rows(count: int) -> Iterator[list[Any]]:
        return ([number, "Trường Thới Bình"] for number in range(count))

    for ending in ("csv", "json", "parquet"):
        peaks = []
        for count in (5_000, 50_000):
            tracemalloc.start()
            size = sum(
                len(piece)
                for piece in FORMATS[ending].written(FlatTable("x", (), columns, rows(count)))
            )
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert size > 1000
        assert peaks[1] < 2 * peaks[0] + 2**20, (ending, peaks)


# — Reports of one's own


def form(**more: Any) -> dict[str, Any]:
    return {
        "name": "Theo xã",
        "rows": "groups",
        "grouping": "commune",
        "columns": ["attendance", "served"],
        "period": "month",
        "van_id": "0",
        "unit_id": "0",
        "kind": "",
        "level": "",
        "audience": "",
        "file_format": "csv",
        "cadence": "never",
        **more,
    }


def test_a_report_is_put_together_seen_by_others_when_shared_and_changed_by_its_owner(
    service: SmallService, reporter: FlaskClient, sign_in: SignIn
) -> None:
    assert reporter.post("/reports/saved/new", data=form()).status_code == 302
    report = db.session.scalars(select(SavedReport)).one()
    assert report.columns == ["served", "attendance"]
    other = sign_in(Role.COORDINATOR)
    assert other.get(f"/reports/saved/{report.id}").status_code == 404
    reporter.post(f"/reports/saved/{report.id}/edit", data=form(shared="y", name="Chung"))
    assert "Chung" in other.get(f"/reports/saved/{report.id}").text
    assert other.get(f"/reports/saved/{report.id}/edit").status_code == 403
    assert other.post(f"/reports/saved/{report.id}/remove").status_code == 403
    assert reporter.post(f"/reports/saved/{report.id}/remove").status_code == 302
    assert db.session.scalars(select(SavedReport)).all() == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"columns": []}, "Choose at least one column."),
        ({"recipients": "ai đó"}, "ai đó is not an e-mail address."),
        ({"cadence": "weekly"}, "Enter an address, or choose the folder."),
        ({"name": " "}, "Enter a name."),
    ],
)
def test_a_report_that_makes_no_sense_is_told(
    reporter: FlaskClient, fields: dict[str, Any], sentence: str
) -> None:
    assert sentence in reporter.post("/reports/saved/new", data=form(**fields)).text
    assert db.session.scalars(select(SavedReport)).all() == []


def test_a_report_is_delivered_once_for_its_day_to_the_folder_and_by_mail(
    app: Flask, service: SmallService
) -> None:
    library = service.organisation.id
    report = SavedReport(
        organisation_id=library,
        name="Hằng tuần",
        grouping="place",
        columns=["attendance"],
        period=PeriodKind.WEEK,
        file_format="xlsx",
        cadence=Cadence.WEEKLY,
        recipients="so-vhttdl@example.org\n",
        to_folder=True,
    )
    db.session.add(report)
    db.session.commit()
    monday = today() - timedelta(days=today().weekday())
    with mail_server() as box:
        app.config.update(
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=box.port,
            SMTP_SECURITY="none",
            MAIL_FROM="xe@thuvien.example.org",
        )
        assert deliver_due(library, today()) == 1
        db.session.commit()
        assert deliver_due(library, monday) == 0
        assert deliver_due(library, monday + timedelta(days=7)) == 1
        db.session.commit()
        assert send_what_is_due() == 2
        files = sorted(path.name for path in export_folder(library).iterdir())
        assert len(files) == 2
        attached = [part for part in box.mails[0].walk() if part.get_filename()]
    assert [part.get_filename() for part in attached] == files[:1]
    content = attached[0].get_payload(decode=True)
    assert content == (export_folder(library) / files[0]).read_bytes()
    assert read_xlsx(content)[0] == ["Địa điểm", "Lượt bạn đọc"]
    assert len(db.session.scalars(select(OutboxMessage)).all()) == 2
    kinds = db.session.scalars(select(AuditEntry.kind)).all()
    assert kinds == [AuditKind.SENT] * 2


# — Reports to the department


@pytest.fixture
def department(service: SmallService) -> DepartmentReport:
    report = DepartmentReport(
        organisation_id=service.organisation.id, name="Báo cáo tháng", period=PeriodKind.MONTH
    )
    db.session.add(report)
    db.session.commit()
    return report


def test_the_document_is_laid_out_as_official_documents_are(
    department: DepartmentReport, reporter: FlaskClient
) -> None:
    reporter.post("/accounts/language", data={"language": "vi"})
    where = f"/reports/department/{department.id}/report.docx?day={today().isoformat()}"
    document = docx.Document(io.BytesIO(reporter.get(where).data))
    section = document.sections[0]
    lengths = ("page_width", "page_height", "top_margin", "bottom_margin")
    lengths += ("left_margin", "right_margin")
    millimetres = [round(getattr(section, name).mm) for name in lengths]
    assert millimetres == [210, 297, 20, 20, 30, 15]
    assert section.different_first_page_header_footer
    assert "PAGE" in section.header._element.xml
    assert document.styles["Normal"].font.name == "Times New Roman"
    head = [cell.text for row in document.tables[0].rows for cell in row.cells]
    assert head[0].startswith("SỞ VĂN HÓA, THỂ THAO VÀ DU LỊCH")
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in head[1]
    assert "Độc lập - Tự do - Hạnh phúc" in head[1]
    assert head[2] == "Số: …/BC-TVTP"
    assert head[3].startswith("Cần Thơ, ngày ")
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert "BÁO CÁO" in texts
    assert not [text for text in texts if "{" in text or "}" in text]
    last = [cell.text for cell in document.tables[-1].rows[0].cells]
    assert last[0].startswith("Nơi nhận:")
    assert last[1].startswith("GIÁM ĐỐC")
    assert last[1].endswith("Nguyễn Văn Mẫu")


def test_the_pdf_and_the_preview_are_the_same_document(
    department: DepartmentReport, reporter: FlaskClient
) -> None:
    where = f"/reports/department/{department.id}"
    day = f"?day={today().isoformat()}"
    pdf = reporter.get(f"{where}/report.pdf{day}").data
    assert pdf.startswith(b"%PDF-")
    assert b"Tinos" in pdf or b"TimesNewRoman" in pdf
    preview = reporter.get(where + day).text
    document = docx.Document(io.BytesIO(reporter.get(f"{where}/report.docx{day}").data))
    for paragraph in document.paragraphs:
        for run in paragraph.runs:
            assert run.text.strip().replace("'", "&#39;") in preview


def test_a_library_writes_its_own_template(
    department: DepartmentReport, reporter: FlaskClient
) -> None:
    where = f"/reports/department/{department.id}"
    own = docx.Document(io.BytesIO(default_template()))
    own.add_paragraph("Lượt người: {{ figures.attendance }} — {{ library }}")
    uploaded = io.BytesIO()
    own.save(uploaded)
    fields = {"name": department.name, "period": "month", "grouping": "district"}
    file = (io.BytesIO(uploaded.getvalue()), "mau-rieng.docx")
    answer = reporter.post(f"{where}/edit", data={**fields, "template": file})
    assert answer.status_code == 302
    page = reporter.get(f"{where}?day={today().isoformat()}").text
    assert "Lượt người: " in page
    assert reporter.get(f"{where}/template.docx").data == uploaded.getvalue()
    reporter.post(f"{where}/edit", data={**fields, "without_template": "y"})
    assert "Lượt người: " not in reporter.get(f"{where}?day={today().isoformat()}").text


@pytest.mark.parametrize("text", ["{{ figures.unheard_of }}", "{{ library", "{% for x in %}"])
def test_a_template_that_cannot_be_filled_is_refused_in_words(
    department: DepartmentReport, reporter: FlaskClient, text: str
) -> None:
    own = docx.Document()
    own.add_paragraph(text)
    uploaded = io.BytesIO()
    own.save(uploaded)
    fields = {"name": department.name, "period": "month", "grouping": "commune"}
    for data in (uploaded.getvalue(), b"no document"):
        file = (io.BytesIO(data), "mau.docx")
        where = f"/reports/department/{department.id}/edit"
        answer = reporter.post(where, data={**fields, "template": file})
        assert "The template cannot be filled" in answer.text
    db.session.expire_all()
    assert department.template is None


def test_a_template_reads_its_blanks_and_nothing_else(
    department: DepartmentReport, reporter: FlaskClient
) -> None:
    own = docx.Document()
    own.add_paragraph("{{ library.__class__.__mro__[1].__subclasses__() }}")
    uploaded = io.BytesIO()
    own.save(uploaded)
    file = (io.BytesIO(uploaded.getvalue()), "mau.docx")
    fields = {"name": department.name, "period": "month", "grouping": "commune"}
    where = f"/reports/department/{department.id}/edit"
    answer = reporter.post(where, data={**fields, "template": file})
    assert "The template cannot be filled" in answer.text


def test_the_closing_day_is_the_reports_own(service: SmallService) -> None:
    report = DepartmentReport(name="Chốt 14", period=PeriodKind.QUARTER, closing_day=14)
    period = period_of_report(report, date(2026, 9, 20))
    assert (period.first, period.last) == (date(2026, 9, 15), date(2026, 12, 14))
