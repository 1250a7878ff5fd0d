"""The plan with the education department: agreed, to come, done; as a page, document and sheet."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from docx import Document
from docx.shared import Mm
from flask import Flask
from flask.testing import FlaskClient

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import format_day, today
from bus_ops.places.models import SchoolLevel
from bus_ops.school_years.models import SchoolYearGoal
from bus_ops.school_years.plan import (
    GroupedBy,
    current_school_year,
    grouped,
    period_of_year,
    school_lines,
    sum_of,
)
from bus_ops.timetable.models import VisitStatus
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two schools; each had a visit a week ago and has more to come."""
    made = small_service(organisation, today() - timedelta(weeks=1))
    for stop, status in zip(made.stops, (VisitStatus.SERVED, VisitStatus.MISSED), strict=True):
        made.visits(made.stops.index(stop))[0].status = status
    made.stops[0].place.pupils, made.stops[1].place.pupils = 600, 400
    db.session.commit()
    return made


@pytest.fixture
def client(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.COORDINATOR)


def to_come(service: SmallService, stop: int) -> int:
    last = period_of_year(current_school_year()).last
    return sum(today() <= visit.day <= last for visit in service.visits(stop))


def test_each_school_has_its_agreed_coming_and_served_visits(
    service: SmallService, client: FlaskClient
) -> None:
    year, place = current_school_year(), service.stops[0].place
    fields = {"visits": "12", "agreed_on": format_day(today()), "pupils": "620", "note": "Hai lớp"}
    client.post(f"/school-years/{year}/schools/{place.id}", data=fields)
    db.session.expire_all()
    lines = {line.place.id: line for line in school_lines(service.organisation.id, year)}
    first, second = lines[place.id], lines[service.stops[1].place_id]
    assert (first.agreed, first.done, first.planned) == (12, 1, to_come(service, 0))
    assert first.is_short
    assert (second.agreed, second.done, second.is_reached) == (0, 0, False)
    everything = sum_of(list(lines.values()))
    assert (everything.schools, everything.reached) == (2, 1)
    assert (everything.pupils, everything.pupils_reached) == (1_020, 620)
    client.post(f"/school-years/{year}/schools/{place.id}", data={"visits": "", "pupils": "620"})
    assert db.session.scalars(db.select(SchoolYearGoal)).all() == []


def test_schools_stand_by_commune_or_by_level(service: SmallService, client: FlaskClient) -> None:
    lines = school_lines(service.organisation.id, current_school_year())
    names = [group.name for group in grouped(lines, GroupedBy.LEVEL)]
    # In the order in which a child goes through them.
    assert names == [str(SchoolLevel.PRIMARY.label), str(SchoolLevel.LOWER_SECONDARY.label)]
    page = client.get("/school-years/?by=level").text
    assert "Primary" in page
    assert "No commune given" in client.get("/school-years/").text


def test_another_school_year_has_its_own_plan(service: SmallService, client: FlaskClient) -> None:
    year = current_school_year() - 3
    lines = school_lines(service.organisation.id, year)
    assert [(line.done, line.planned) for line in lines] == [(0, 0), (0, 0)]
    assert f"{year}–{year + 1}" in client.get(f"/school-years/?year={year}").text
    assert client.get("/school-years/?year=99999").status_code == 200


def test_the_document_is_laid_out_as_the_decree_asks(
    service: SmallService, client: FlaskClient
) -> None:
    client.post("/accounts/language", data={"language": "vi"})
    document = Document(io.BytesIO(client.get("/school-years/plan.docx").data))
    section = document.sections[0]
    measures = (section.page_width, section.page_height, section.left_margin)
    # Word counts in twentieths of a point.
    for measure, millimetres in zip(measures, (210, 297, 30), strict=True):
        assert measure == pytest.approx(Mm(millimetres), abs=Mm(0.1))
    assert document.styles["Normal"].font.name == "Times New Roman"
    text = "\n".join(
        [paragraph.text for paragraph in document.paragraphs]
        + [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    )
    for part in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", service.stops[0].place.name, "NĂM HỌC"):
        assert part in text


def test_the_spreadsheet_agrees_with_the_page(service: SmallService, client: FlaskClient) -> None:
    book = openpyxl.load_workbook(io.BytesIO(client.get("/school-years/plan.xlsx").data))
    rows = list(book.worksheets[0].iter_rows(min_row=4, values_only=True))
    assert {row[1] for row in rows} == {stop.place.name for stop in service.stops}
    sums = list(book.worksheets[1].iter_rows(min_row=4, values_only=True))[-1]
    assert sums[1:5] == (2, 1, 1_000, 600)
