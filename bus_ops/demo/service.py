"""The demonstration's service: the city library of Cần Thơ, its van, places, terms and stops.

Places are real (see data/SOURCES.md); people, contacts, frequencies and windows are invented by a
seeded generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from schedules.recurrence import monthly_rule, once_rule, weekly_rule
from schedules.searching import search_key
from schedules.timing import DayStop, Window, order_day
from schedules.travel import Position, straight_line_m

from ..accounts.models import Organisation, Role, User
from ..accounts.passwords import hash_password
from ..accounts.pins import hash_pin
from ..circulation.models import Box, Card, CardKind, Copy, Reader, Reservation, Title
from ..database import db, now
from ..fleet.models import Carrier, CrewMember, Depot, Duty, Van, VanEquipment
from ..i18n import minutes_of_day
from ..places.models import AdministrativeUnit, Place, PlaceKind, PositionQuality, SchoolLevel
from ..places.positions import Source, source_of
from ..places.regions import CANTHO, add_region
from ..places.units import assign_units
from ..timetable.calendars import add_vietnamese_calendars, close_for_tet
from ..timetable.generating import fill_runs
from ..timetable.models import (
    Audience,
    ClassSlot,
    Run,
    ServiceCalendar,
    Stop,
    StopKind,
    Term,
    TermStatus,
    Visit,
)
from ..timetable.retiming import depot_position, position_of, time_stops, travel_of
from . import carried_data

LIBRARY_NAME = "Thư viện thành phố Cần Thơ"
LIBRARY_POINT = (10.035993, 105.787691)
PASSWORD = "thu-vien-xe"
# Changes hands at a tablet.
PIN = "1234"
SIGN_INS = (
    (Role.CREW, "thuthu", "Lê Thị Mai"),
    (Role.COORDINATOR, "dieuphoi", "Nguyễn Minh Phúc"),
    (Role.REPORTER, "baocao", "Trần Ngọc Lan"),
    (Role.ADMINISTRATOR, "quantri", "Phạm Quốc Bảo"),
)
CREW = (
    ("Võ Văn Tài", Duty.OPERATOR),
    ("Lê Thị Mai", Duty.LIBRARIAN),
    ("Huỳnh Thanh Trúc", Duty.LIBRARIAN),
    ("Đặng Hoài Nam", Duty.LIBRARIAN),
)
EQUIPMENT = (
    ("Sách (bản)", 4500),
    ("Máy tính", 6),
    ("Ti vi", 1),
    ("Máy chiếu", 1),
    ("Máy phát điện", 1),
    ("Ghế", 100),
)
GRADES = {
    Audience.PRIMARY: (1, 2, 3, 4, 5),
    Audience.LOWER_SECONDARY: (6, 7, 8, 9),
    Audience.UPPER_SECONDARY: (10, 11, 12),
}
LEVELS = {
    "primary": (SchoolLevel.PRIMARY, Audience.PRIMARY, "Trường "),
    "lower_secondary": (SchoolLevel.LOWER_SECONDARY, Audience.LOWER_SECONDARY, "Trường "),
    "upper_secondary": (SchoolLevel.UPPER_SECONDARY, Audience.UPPER_SECONDARY, "Trường "),
}
SITE_KINDS = {
    "people_committee": PlaceKind.COMMUNE_OFFICE,
    "cultural_house": PlaceKind.CULTURAL_HOUSE,
    "market": PlaceKind.MARKET,
    "post_office": PlaceKind.POST_OFFICE,
    "health_station": PlaceKind.HEALTH_STATION,
}
# Communes served at their own point, until somebody taps where the van really stands.
COMMUNES_AT_THEIR_POINT = ("31147", "31168", "31174", "31183", "31258", "31288")
SCHOOL_WINDOWS = [{"opens": 435, "closes": 675}, {"opens": 810, "closes": 1005}]
SITE_WINDOWS = [{"opens": 450, "closes": 690}, {"opens": 810, "closes": 1020}]
PROMISES = (
    "Đọc sách tại chỗ, mượn sách",
    "Đọc sách, máy tính và internet",
    "Kể chuyện theo sách, mượn sách",
    "Chiếu phim, đọc sách tại chỗ",
    "Thi vui đọc sách, mượn sách",
)
GATES = (
    "Vào cổng sau, báo bảo vệ trước 10 phút",
    "Cổng chính, mở cả hai cánh",
    "Cổng phụ bên hông sân bóng",
)
PARKING = ("Dưới tán cây bàng giữa sân", "Sân cờ, tránh lối thoát hiểm", "Trước nhà đa năng")
SURNAMES = tuple("Nguyễn Trần Lê Phạm Huỳnh Võ Đặng Bùi Ngô Dương Lý Phan".split(" "))
MIDDLE_NAMES = tuple("Thị Văn Ngọc Minh Thanh Hoàng Gia Bảo Kim Hữu".split(" "))
GIVEN_NAMES = tuple(
    "An Bình Châu Duy Giang Hân Khôi Linh My Nhi Phúc Quân Thảo Trâm Vy Yến".split(" ")
)
TITLES = (
    ("Dế Mèn phiêu lưu ký", "Tô Hoài", "Văn học thiếu nhi"),
    ("Đất rừng phương Nam", "Đoàn Giỏi", "Văn học thiếu nhi"),
    ("Kính vạn hoa", "Nguyễn Nhật Ánh", "Văn học thiếu nhi"),
    ("Cho tôi xin một vé đi tuổi thơ", "Nguyễn Nhật Ánh", "Văn học"),
    ("Truyện cổ tích Việt Nam", "Nhiều tác giả", "Văn học dân gian"),
    ("Tuổi thơ dữ dội", "Phùng Quán", "Văn học"),
    ("Góc sân và khoảng trời", "Trần Đăng Khoa", "Thơ"),
    ("Hoàng tử bé", "Antoine de Saint-Exupéry", "Văn học nước ngoài"),
    ("Không gia đình", "Hector Malot", "Văn học nước ngoài"),
    ("Hai vạn dặm dưới đáy biển", "Jules Verne", "Văn học nước ngoài"),
    ("Mười vạn câu hỏi vì sao", "Nhiều tác giả", "Khoa học"),
    ("Lịch sử Việt Nam bằng tranh", "Nhiều tác giả", "Lịch sử"),
    ("Cánh đồng bất tận", "Nguyễn Ngọc Tư", "Văn học"),
    ("Kỹ thuật trồng cây ăn trái", "Nhiều tác giả", "Nông nghiệp"),
    ("Nuôi cá tra bền vững", "Nhiều tác giả", "Nông nghiệp"),
    ("Sổ tay sức khoẻ gia đình", "Nhiều tác giả", "Y học"),
)
COPIES_OF_A_TITLE = 90
READERS_OF_A_STOP = 16


@dataclass
class DemoService:
    """What the history is written about."""

    organisation: Organisation
    crew_account: User
    van: Van
    terms: list[Term]


# A term is published this long before it begins.
NEXT_TERM_IS_NEAR = timedelta(weeks=3)
# The nearest places to the library are served most often in the term that is to be planned.
WEEKS_OF_THE_NEAREST = (1, 2, 2, 2, 2, 2, 2)
# Enough to show a day partly served.
FEWEST_VISITS_TODAY = 4


def make_service(today: date, rng: Random) -> DemoService:
    """Everything that stands before the first run leaves: the plan of two terms included."""
    organisation = Organisation(name=LIBRARY_NAME, drive_speed_kmh=40.0)
    db.session.add(organisation)
    db.session.flush()
    accounts = _accounts(organisation)
    van = _van(organisation, accounts[Role.CREW])
    units = add_region(organisation.id, CANTHO).communes
    calendars = add_vietnamese_calendars(organisation.id, _school_year(today))
    _teach_years(calendars, _school_year(today))
    schools, sites = _places(organisation, units, rng)
    terms = _terms(organisation, today)
    for term in terms:
        _stops(term, van, schools, sites, calendars, rng)
    db.session.flush()
    _fill(terms, today)
    present = next(term for term in terms if term.ends_on is None or term.ends_on >= today)
    _make_today_live(present, van, sites, today)
    _crew_on_all_runs(organisation)
    _books(organisation, van, rng)
    _readers(organisation, schools + sites, rng)
    db.session.flush()
    _classes(organisation, today, rng)
    _boxes_and_reservations(organisation, today)
    _term_to_be_planned(terms[-1], van, schools, sites, calendars, rng)
    db.session.commit()
    return DemoService(organisation, accounts[Role.CREW], van, terms)


def _accounts(organisation: Organisation) -> dict[Role, User]:
    password_hash, pin_hash = hash_password(PASSWORD), hash_pin(PIN)
    accounts = {
        role: User(
            organisation_id=organisation.id,
            username=username,
            full_name=name,
            role=role,
            password_hash=password_hash,
            pin_hash=pin_hash if role in (Role.CREW, Role.COORDINATOR) else "",
        )
        for role, username, name in SIGN_INS
    }
    db.session.add_all(accounts.values())
    db.session.flush()
    return accounts


def _van(organisation: Organisation, crew_account: User) -> Van:
    owner = {"organisation_id": organisation.id}
    depot = Depot(
        **owner,
        name=LIBRARY_NAME,
        address="1 Phan Đình Phùng, Ninh Kiều",
        lat=LIBRARY_POINT[0],
        lon=LIBRARY_POINT[1],
    )
    van = Van(
        **owner,
        name="Xe thư viện thông minh",
        carrier=Carrier.VAN,
        plate="65A-000.00",
        capacity_books=4500,
        depot=depot,
    )
    van.equipment = [
        VanEquipment(**owner, name=name, quantity=quantity, position=position)
        for position, (name, quantity) in enumerate(EQUIPMENT)
    ]
    members = [
        CrewMember(**owner, full_name=name, duty=duty, phone=f"0900 000 0{number:02d}")
        for number, (name, duty) in enumerate(CREW, 1)
    ]
    members[1].user_id = crew_account.id
    db.session.add_all([van, *members])
    db.session.flush()
    return van


def _school_year(today: date) -> int:
    return today.year if today.month >= 8 else today.year - 1


def _teach_years(calendars: Sequence[ServiceCalendar], school_year: int) -> None:
    """The years before and after are taught on the same days: last term has its history, and the
    next school year can be planned."""
    for calendar in calendars:
        for period in list(calendar.periods):
            for years in (-1, 1):
                other = type(period)(
                    organisation_id=period.organisation_id,
                    name=period.name,
                    first_on=period.first_on.replace(year=period.first_on.year + years),
                    last_on=period.last_on.replace(year=period.last_on.year + years),
                )
                calendar.periods.append(other)
        close_for_tet(calendar)
    db.session.flush()


def _places(
    organisation: Organisation, units: dict[str, AdministrativeUnit], rng: Random
) -> tuple[list[Place], list[Place]]:
    schools = []
    for carried in carried_data.schools():
        level, _, prefix = LEVELS.get(
            carried.kind, (SchoolLevel.SEVERAL, Audience.LOWER_SECONDARY, "Trường ")
        )
        place = _place(organisation, carried, units, PlaceKind.SCHOOL, prefix + carried.name)
        place.level = level
        schools.append(place)
    sites = [
        _place(organisation, carried, units, SITE_KINDS[carried.kind], carried.name)
        for carried in carried_data.sites()
    ]
    for code in COMMUNES_AT_THEIR_POINT:
        unit = units[code]
        sites.append(
            Place(
                organisation_id=organisation.id,
                name=f"UBND {unit.full_name}",
                kind=PlaceKind.COMMUNE_OFFICE,
                lat=unit.lat,
                lon=unit.lon,
                position_quality=PositionQuality.APPROXIMATE,
                position_source=source_of(Source.COMMUNE, unit.full_name),
                commune_id=unit.id,
            )
        )
    for place in schools + sites:
        _add_contacts(place, rng)
        db.session.add(place)
        assign_units(place)
    return schools, sites


def _place(
    organisation: Organisation,
    carried: carried_data.CarriedPlace,
    units: dict[str, AdministrativeUnit],
    kind: PlaceKind,
    name: str,
) -> Place:
    return Place(
        organisation_id=organisation.id,
        name=name,
        kind=kind,
        lat=carried.lat,
        lon=carried.lon,
        position_quality=PositionQuality.EXACT,
        position_source="OpenStreetMap",
        commune_id=units[carried.commune_code].id,
        source="OpenStreetMap (ODbL)",
    )


def _add_contacts(place: Place, rng: Random) -> None:
    place.contact_name = f"{rng.choice(('Cô', 'Thầy', 'Chị', 'Anh'))} {rng.choice(GIVEN_NAMES)}"
    place.contact_phone = f"0292 000 {rng.randrange(1000, 9999)}"
    place.gate_notes = rng.choice(GATES)
    place.parking_notes = rng.choice(PARKING)
    place.power_notes = "Ổ điện ngoài trời 220 V" if rng.random() < 0.6 else ""


def _spans(year: int) -> list[tuple[str, date, date]]:
    """Terms from the last spring on, in order: name, first and last day."""
    return [
        (f"Học kỳ 2, {year - 1}–{year}", date(year, 1, 19), date(year, 5, 31)),
        (f"Hè {year}", date(year, 6, 1), date(year, 8, 31)),
        (f"Học kỳ 1, {year}–{year + 1}", date(year, 9, 1), date(year + 1, 1, 18)),
        (f"Học kỳ 2, {year}–{year + 1}", date(year + 1, 1, 19), date(year + 1, 5, 31)),
        (f"Hè {year + 1}", date(year + 1, 6, 1), date(year + 1, 8, 31)),
        (f"Học kỳ 1, {year + 1}–{year + 2}", date(year + 1, 9, 1), date(year + 2, 1, 18)),
    ]


def _terms(organisation: Organisation, today: date) -> list[Term]:
    """The term before this one, the present one, and the next where it is near."""
    spans = _spans(_school_year(today))
    present = next(i for i, (_, first, last) in enumerate(spans) if first <= today <= last)
    near = today + NEXT_TERM_IS_NEAR
    shown = [span for span in spans[present - 1 :] if span[1] <= near]
    terms = [
        _term(organisation, span, status=TermStatus.PUBLISHED, published_at=now(), told_at=now())
        for span in shown
    ]
    db.session.add_all(terms)
    db.session.flush()
    return terms


def _term(organisation: Organisation, span: tuple[str, date, date], **more: Any) -> Term:
    name, first, last = span
    return Term(
        organisation_id=organisation.id,
        name=name,
        starts_on=first,
        ends_on=last,
        leaves_depot_at=6 * 60 + 30,
        lunch_earliest=11 * 60,
        lunch_latest=12 * 60 + 30,
        lunch_minutes=60,
        buffer_minutes=5,
        shift_limit_minutes=600,
        **more,
    )


def _term_to_be_planned(
    last_known: Term,
    van: Van,
    schools: Sequence[Place],
    sites: Sequence[Place],
    calendars: Sequence[ServiceCalendar],
    rng: Random,
) -> None:
    """The school term after those published, a draft with every place there is.

    Its days are those of a coordinator who goes through the city from west to east.
    """
    organisation = db.session.get_one(Organisation, last_known.organisation_id)
    span = next(
        span
        for span in _spans(_school_year(last_known.starts_on))
        if span[1] > last_known.starts_on and not span[0].startswith("Hè")
    )
    term = _term(organisation, span, status=TermStatus.DRAFT)
    db.session.add(term)
    db.session.flush()
    _stops(term, van, schools, sites, calendars, rng, share=1)
    db.session.flush()
    library = Position(*LIBRARY_POINT)
    weekdays = [stop for stop in term.stops if stop.rule.startswith("FREQ=WEEKLY")]
    weekdays.sort(key=lambda s: straight_line_m(library, position_of(s.place) or library))
    for stop, weeks in zip(weekdays, WEEKS_OF_THE_NEAREST, strict=False):
        stop.rule = weekly_rule(weeks, [stop.starts_on.weekday()])


def _stops(
    term: Term,
    van: Van,
    schools: Sequence[Place],
    sites: Sequence[Place],
    calendars: Sequence[ServiceCalendar],
    rng: Random,
    share: int = 3,
) -> None:
    """Weekdays of a few weeks in turn, each in one part of the city; communes on Saturdays.

    Of the places that are no schools one in ``share`` is served.
    """
    staff, kindergarten, primary, secondary = calendars
    of_level = {SchoolLevel.KINDERGARTEN: kindergarten, SchoolLevel.PRIMARY: primary}
    monday = term.starts_on - timedelta(days=term.starts_on.weekday())
    saturday_sites = sites[-len(COMMUNES_AT_THEIR_POINT) :]
    weekday_sites = list(sites[: -len(saturday_sites)])[::share]
    days = _days_that_fit(term, van, [*schools, *weekday_sites])
    weeks = -(-len(days) // 5)
    for number, group in enumerate(days):
        week, weekday = divmod(number, 5)
        first = monday + timedelta(weeks=week, days=weekday)
        for place in group:
            calendar = staff
            if place.kind == PlaceKind.SCHOOL:
                calendar = of_level.get(place.level or SchoolLevel.SEVERAL, secondary)
            _stop(term, van, place, calendar, weekly_rule(weeks, [weekday]), first, rng)
    for number, place in enumerate(saturday_sites):
        rule = monthly_rule([(1 + number // 2, 5)])
        _stop(term, van, place, staff, rule, term.starts_on, rng)


def _days_that_fit(term: Term, van: Van, places: Sequence[Place]) -> list[list[Place]]:
    """Neighbours together, as many a day as keep windows, lunch and shift."""
    days: list[list[Place]] = []
    for place in sorted(places, key=lambda place: place.lon or 0.0):
        if days and _keeps_its_promises(term, van, [*days[-1], place]):
            days[-1].append(place)
        else:
            days.append([place])
    return days


def _keeps_its_promises(term: Term, van: Van, places: Sequence[Place]) -> bool:
    stops = [
        DayStop(
            key=number,
            position=position_of(place),
            service_minutes=_service_minutes(place),
            windows=tuple(Window(w["opens"], w["closes"]) for w in _windows(place)),
        )
        for number, place in enumerate(places)
    ]
    depot, travel = depot_position(van), travel_of(term.organisation_id)
    timed = time_stops(term, order_day(stops, depot, travel), depot, travel)
    missed = any(visit.window_missed for visit in timed.visits)
    return not missed and timed.shift_minutes <= term.shift_limit_minutes


def _service_minutes(place: Place) -> int:
    return 75 if place.kind == PlaceKind.SCHOOL else 60


def _windows(place: Place) -> list[dict[str, int]]:
    return list(SCHOOL_WINDOWS if place.kind == PlaceKind.SCHOOL else SITE_WINDOWS)


def _stop(
    term: Term,
    van: Van,
    place: Place,
    calendar: ServiceCalendar | None,
    rule: str,
    first: date,
    rng: Random,
) -> Stop:
    school = place.kind == PlaceKind.SCHOOL
    audience = Audience(place.level.value) if _one_level(place) and place.level else None
    stop = Stop(
        organisation_id=term.organisation_id,
        term=term,
        place=place,
        van=van,
        kind=StopKind.CLOSED if school else StopKind.PUBLIC,
        audience=audience,
        service_minutes=_service_minutes(place),
        rule=rule,
        starts_on=first,
        windows=_windows(place),
        calendar=calendar,
        promised=rng.choice(PROMISES),
    )
    db.session.add(stop)
    return stop


def _one_level(place: Place) -> bool:
    return place.level not in {None, SchoolLevel.SEVERAL}


def _fill(terms: Sequence[Term], today: date) -> None:
    for term in terms:
        fill_runs(term, term.starts_on, term.ends_on or today)


def _make_today_live(term: Term, van: Van, sites: Sequence[Place], today: date) -> None:
    """On a day with little or nothing planned the van also stops for book days on its way."""
    planned = select(Place).join(Visit, Visit.place_id == Place.id).where(Visit.day == today)
    served = list(db.session.scalars(planned.order_by(Visit.position)))
    if len(served) >= FEWEST_VISITS_TODAY:
        return
    rng = Random(today.toordinal())
    others = [place for place in sites if place not in served]
    centre = position_of(served[-1]) if served else None
    centre = centre or Position(*LIBRARY_POINT)
    near = sorted(others, key=lambda p: straight_line_m(centre, position_of(p) or centre))
    for place in near[: FEWEST_VISITS_TODAY - len(served)]:
        stop = _stop(term, van, place, None, once_rule(), today, rng)
        stop.kind = StopKind.FLEXIBLE
        stop.windows = []
        stop.promised = "Ngày hội đọc sách lưu động"
    db.session.flush()
    fill_runs(term, today, today)


def _crew_on_all_runs(organisation: Organisation) -> None:
    members = list(db.session.scalars(select(CrewMember).order_by(CrewMember.id)))
    for run in db.session.scalars(select(Run).where(Run.organisation_id == organisation.id)):
        run.crew = members


def _books(organisation: Organisation, van: Van, rng: Random) -> None:
    owner = {"organisation_id": organisation.id}
    number = 0
    for name, author, subject in TITLES:
        key = search_key(f"{name} {author} {subject}")
        title = Title(
            **owner,
            name=name,
            author=author,
            subject=subject,
            search_key=key,
            year=rng.randrange(2005, 2025),
        )
        db.session.add(title)
        db.session.flush()
        for _ in range(COPIES_OF_A_TITLE):
            number += 1
            copy = Copy(**owner, title_id=title.id, barcode=f"CT{number:06d}", van_id=van.id)
            copy.added_on = date(2024, 1, 15)
            db.session.add(copy)


def _readers(organisation: Organisation, places: Sequence[Place], rng: Random) -> None:
    owner = {"organisation_id": organisation.id}
    number = 0
    for place in places:
        for _ in range(READERS_OF_A_STOP):
            number += 1
            name = " ".join(rng.choice(part) for part in (SURNAMES, MIDDLE_NAMES, GIVEN_NAMES))
            child = place.kind == PlaceKind.SCHOOL
            reader = Reader(
                **owner,
                full_name=name,
                search_key=search_key(f"{name} X{number:05d}"),
                audience=Audience(place.level.value)
                if _one_level(place) and place.level
                else Audience.ADULTS,
                place_id=place.id,
                class_name=f"{rng.randrange(3, 10)}A{rng.randrange(1, 6)}" if child else "",
            )
            kind = CardKind.CHILD if child else CardKind.VAN
            card = Card(**owner, number=f"X{number:05d}", kind=kind, reader=reader)
            card.issued_on = date(2025, 9, 5)
            db.session.add(card)


def _classes(organisation: Organisation, today: date, rng: Random) -> None:
    """Schools of the days ahead send their classes one after the other."""
    query = (
        select(Visit)
        .where(Visit.day.between(today, today + timedelta(days=14)))
        .order_by(Visit.arrival_at)
    )
    for visit in db.session.scalars(query):
        if visit.place.kind != PlaceKind.SCHOOL or visit.stop.audience is None:
            continue
        first = minutes_of_day(visit.arrival_at, visit.day)
        grades = GRADES.get(visit.stop.audience, (6, 7, 8))
        for number, grade in enumerate(rng.sample(grades, 3)):
            db.session.add(
                ClassSlot(
                    organisation_id=organisation.id,
                    visit_id=visit.id,
                    starts_at=first + 5 + 22 * number,
                    minutes=20,
                    class_name=f"{grade}A{rng.randrange(1, 5)}",
                    audience=visit.stop.audience,
                    size=rng.randrange(28, 43),
                    teacher=f"{rng.choice(('Cô', 'Thầy'))} {rng.choice(GIVEN_NAMES)}",
                )
            )


def _boxes_and_reservations(organisation: Organisation, today: date) -> None:
    """Two boxes for places of the days ahead, and three readers who wait for a book."""
    owner = {"organisation_id": organisation.id}
    query = select(Visit).where(Visit.day > today).order_by(Visit.arrival_at).limit(4)
    ahead = [visit.place_id for visit in db.session.scalars(query)]
    for number, place_id in enumerate(ahead[:2], 1):
        db.session.add(Box(**owner, code=f"THUNG-{number:02d}", next_place_id=place_id))
    titles = list(db.session.scalars(select(Title).order_by(Title.id).limit(3)))
    readers = select(Reader).where(Reader.place_id.in_(ahead)).order_by(Reader.id).limit(3)
    for title, reader in zip(titles, db.session.scalars(readers), strict=False):
        card = reader.cards[0]
        db.session.add(
            Reservation(**owner, title_id=title.id, card_id=card.id, place_id=reader.place_id)
        )
