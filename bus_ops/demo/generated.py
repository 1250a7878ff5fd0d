"""A long history of many vans, invented from a seed: to see how pages and exports bear its weight.

Unlike the demonstration's, it does not go through the event log, which would take hours: records,
loans and counts are written as the log would have left them, and figures are counted at the end.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, text

from ..accounts.models import Organisation, Role, User
from ..circulation.models import (
    FORGOTTEN,
    CardKind,
    Copy,
    IssuedCard,
    Loan,
    OnSiteUse,
    Title,
)
from ..counting.models import drop_triggers, write_triggers
from ..counting.upkeep import recount_everything
from ..database import db
from ..fleet.models import Depot, Van
from ..i18n import ZONE
from ..places.models import (
    AdministrativeUnit,
    Place,
    PlaceKind,
    PositionQuality,
    SchoolLevel,
    UnitLevel,
)
from ..timetable.models import (
    ActivityKind,
    ActivityRecord,
    Attendance,
    Audience,
    Run,
    RunRecord,
    Stop,
    Term,
    TermStatus,
    Visit,
    VisitRecord,
    VisitStatus,
)
from .service import PASSWORD, TITLES

PLACES_OF_A_VAN = 40
RUNS_OF_A_YEAR = 200
VISITS_OF_A_RUN = 3
_COPIES_OF_A_VAN = 400
_COMMUNES = 100
_CANCELLED, _MISSED = 0.03, 0.015
_REMEMBERED_DAYS = 30
_ROWS_AT_ONCE = 5000
_LEVELS = (
    (SchoolLevel.PRIMARY, Audience.PRIMARY),
    (SchoolLevel.LOWER_SECONDARY, Audience.LOWER_SECONDARY),
    (SchoolLevel.UPPER_SECONDARY, Audience.UPPER_SECONDARY),
    (None, Audience.ADULTS),
)


@dataclass(frozen=True)
class Size:
    """How much is made; loans are those of a served visit on average."""

    vans: int
    years: int
    loans: int = 33


@dataclass
class _Keys:
    """Keys of rows that were written, and the next ones."""

    organisation_id: int
    rng: Random
    stops: list[list[tuple[int, int, Audience]]] = field(default_factory=list)
    van_ids: list[int] = field(default_factory=list)
    copies: list[list[tuple[int, str]]] = field(default_factory=list)
    term_id: int = 0
    run: int = 0
    visit: int = 0
    fact: int = 0

    def fact_id(self) -> uuid.UUID:
        """Keys that grow, as those of real facts do."""
        self.fact += 1
        return uuid.UUID(int=(0x0197 << 112) | (7 << 76) | (2 << 62) | self.fact)


def generate(
    size: Size,
    today: date,
    seed: int,
    tell: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> Organisation:
    """Fill the empty database; ``tell`` hears what is made, and how much of how much is done."""
    rng = Random(seed)
    library = Organisation(name=f"Thư viện mẫu {size.vans} xe")
    db.session.add(library)
    db.session.flush()
    reporter = User(
        organisation_id=library.id,
        username="baocao",
        full_name="Người làm báo cáo",
        role=Role.REPORTER,
    )
    reporter.set_password(PASSWORD)
    db.session.add(reporter)
    keys = _Keys(library.id, rng)
    _ground(keys, size, today)
    db.session.commit()
    drop_triggers(db.session.connection())
    done, every = 0, size.vans * size.years
    for number in range(size.vans):
        for year in range(today.year - size.years + 1, today.year + 1):
            _Year(keys, number, size.loans, today).write(year)
            db.session.commit()
            done += 1
            tell("history", done, every)
    write_triggers(db.session.connection())
    _go_on_counting_keys()
    recount_everything(lambda finished, of: tell("counting", finished, of))
    return library


def _go_on_counting_keys() -> None:
    """PostgreSQL gives the next keys by itself only after it was told of those written here."""
    if db.session.get_bind().dialect.name != "postgresql":
        return
    for table in ("run", "visit"):
        told = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
        db.session.execute(text(told))


def _ground(keys: _Keys, size: Size, today: date) -> None:
    """Communes, places, vans, titles and copies."""
    owner = {"organisation_id": keys.organisation_id}
    rng = keys.rng
    communes = [
        AdministrativeUnit(
            **owner,
            code=f"9{number:04d}",
            name=f"Xã {number + 1}",
            full_name=f"Xã {number + 1}",
            search_key=f"xa {number + 1}",
            level=UnitLevel.COMMUNE,
            valid_from=date(2025, 7, 1),
        )
        for number in range(_COMMUNES)
    ]
    titles = [
        Title(**owner, name=name, author=author, subject=subject, search_key=name.lower())
        for name, author, subject in TITLES
    ]
    depot = Depot(**owner, name="Thư viện", lat=10.03, lon=105.78)
    term = Term(
        **owner,
        name="Mọi năm",
        starts_on=date(today.year - size.years + 1, 1, 1),
        status=TermStatus.PUBLISHED,
        ends_on=date(today.year, 12, 31),
    )
    db.session.add_all([*communes, *titles, depot, term])
    db.session.flush()
    keys.term_id = term.id
    for number in range(size.vans):
        van = Van(**owner, name=f"Xe {number + 1:02d}", depot=depot)
        db.session.add(van)
        db.session.flush()
        keys.van_ids.append(van.id)
        keys.stops.append([_stop(keys, van, at, number, communes) for at in range(PLACES_OF_A_VAN)])
        copies = [
            Copy(**owner, title_id=rng.choice(titles).id, barcode=f"V{number:02d}{code:05d}")
            for code in range(_COPIES_OF_A_VAN)
        ]
        db.session.add_all(copies)
        db.session.flush()
        keys.copies.append([(copy.id, copy.barcode) for copy in copies])


def _stop(
    keys: _Keys, van: Van, at: int, number: int, communes: list[AdministrativeUnit]
) -> tuple[int, int, Audience]:
    owner = {"organisation_id": keys.organisation_id}
    level, audience = _LEVELS[at % len(_LEVELS)]
    name = f"{'Trường' if level else 'Nhà văn hóa'} {number + 1}.{at + 1}"
    place = Place(
        **owner,
        name=name,
        search_key=name.lower(),
        kind=PlaceKind.SCHOOL if level else PlaceKind.CULTURAL_HOUSE,
        level=level,
        pupils=keys.rng.randrange(200, 1500) if level else None,
        lat=10.03 + keys.rng.uniform(-0.3, 0.3),
        lon=105.78 + keys.rng.uniform(-0.3, 0.3),
        position_quality=PositionQuality.EXACT,
        commune_id=keys.rng.choice(communes).id,
    )
    db.session.add(place)
    db.session.flush()
    stop = Stop(
        **owner,
        term_id=keys.term_id,
        place_id=place.id,
        van_id=van.id,
        audience=audience,
        service_minutes=90,
        rule="FREQ=WEEKLY",
        starts_on=date(2020, 1, 6),
    )
    db.session.add(stop)
    db.session.flush()
    return stop.id, place.id, audience


class _Year:
    """One van's year: runs on weekdays, each to three places in turn."""

    def __init__(self, keys: _Keys, number: int, loans: int, today: date) -> None:
        self._keys = keys
        self._rng = keys.rng
        self._van = keys.van_ids[number]
        self._stops = keys.stops[number]
        self._copies = keys.copies[number]
        self._loans = loans
        self._today = today
        self._rows: dict[Any, list[dict[str, Any]]] = {}

    def write(self, year: int) -> None:
        """Write the year's rows, as far as it has passed."""
        at = 0
        for day in _weekdays(year):
            if day >= self._today:
                break
            at = self._run(day, at)
        for model, rows in self._rows.items():
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                db.session.execute(insert(model.__table__), rows[start : start + _ROWS_AT_ONCE])

    def _add(self, model: Any, **values: Any) -> None:
        owner = {"organisation_id": self._keys.organisation_id}
        self._rows.setdefault(model, []).append({**owner, **values})

    def _run(self, day: date, at: int) -> int:
        keys, rng = self._keys, self._rng
        keys.run += 1
        leaves = datetime.combine(day, time(7), ZONE)
        metres = rng.randrange(20_000, 90_000)
        self._add(
            Run,
            id=keys.run,
            term_id=keys.term_id,
            van_id=self._van,
            day=day,
            leaves_at=leaves,
            returns_at=leaves + timedelta(hours=9),
            distance_m=metres,
            drive_minutes=metres // 600,
            logged=True,
        )
        odometer = 10_000 + keys.run
        self._add(
            RunRecord,
            run_id=keys.run,
            left_at=leaves,
            returned_at=leaves + timedelta(hours=9),
            odometer_out_km=odometer,
            odometer_in_km=odometer + metres // 1000 + 1,
        )
        for position in range(VISITS_OF_A_RUN):
            stop = self._stops[at % len(self._stops)]
            self._visit(day, leaves + timedelta(hours=1 + 2.5 * position), position, stop)
            at += 1
        return at

    def _visit(
        self, day: date, arrival: datetime, position: int, stop: tuple[int, int, Audience]
    ) -> None:
        keys, rng = self._keys, self._rng
        keys.visit += 1
        stop_id, place_id, audience = stop
        luck = rng.random()
        status = VisitStatus.SERVED
        if luck < _CANCELLED:
            status = VisitStatus.CANCELLED
        elif luck < _CANCELLED + _MISSED:
            status = VisitStatus.MISSED
        departure = arrival + timedelta(minutes=90)
        self._add(
            Visit,
            id=keys.visit,
            run_id=keys.run,
            stop_id=stop_id,
            place_id=place_id,
            day=day,
            rule_day=day,
            position=position,
            arrival_at=arrival,
            departure_at=departure,
            plan_status=VisitStatus.CANCELLED
            if status == VisitStatus.CANCELLED
            else VisitStatus.PLANNED,
            status=status,
            reason="Bão" if status == VisitStatus.CANCELLED else "",
            logged=status == VisitStatus.SERVED,
        )
        if status == VisitStatus.SERVED:
            self._served(day, arrival, place_id, audience)

    def _served(self, day: date, arrival: datetime, place_id: int, audience: Audience) -> None:
        keys, rng = self._keys, self._rng
        came = arrival + timedelta(minutes=rng.randrange(-5, 25))
        left = came + timedelta(minutes=90)
        visit = {"visit_id": keys.visit}
        self._add(VisitRecord, **visit, arrived_at=came, departed_at=left, served=True)
        self._add(Attendance, **visit, audience=audience, people=rng.randrange(20, 160))
        self._add(Attendance, **visit, audience=Audience.TEACHERS, people=rng.randrange(1, 6))
        fact = keys.fact_id()
        self._add(OnSiteUse, **visit, event_id=fact, items=rng.randrange(20, 90))
        kind = rng.choice(list(ActivityKind))
        count = rng.randrange(5, 60)
        self._add(ActivityRecord, **visit, event_id=keys.fact_id(), kind=kind, count=count)
        if rng.random() < 0.3:
            cards = rng.randrange(1, 12)
            fact = keys.fact_id()
            self._add(IssuedCard, **visit, event_id=fact, kind=CardKind.CHILD, cards=cards)
        lent = min(len(self._copies), max(0, round(rng.gauss(self._loans, self._loans / 5))))
        for copy_id, barcode in rng.sample(self._copies, lent):
            self._lend(day, came, place_id, audience, copy_id, barcode)

    def _lend(
        self,
        day: date,
        at: datetime,
        place_id: int,
        audience: Audience,
        copy_id: int,
        barcode: str,
    ) -> None:
        """A loan that came back with the van's next visits, or is out still."""
        keys, rng = self._keys, self._rng
        fact = keys.fact_id()
        returned = at + timedelta(days=rng.randrange(7, 40))
        is_back = returned.date() < self._today
        known = (self._today - day).days < _REMEMBERED_DAYS or not is_back
        card = f"T{place_id:05d}{rng.randrange(400):03d}" if known else FORGOTTEN + fact.hex
        self._add(
            Loan,
            event_id=fact,
            barcode=barcode,
            card_number=card,
            copy_id=copy_id,
            visit_id=keys.visit,
            place_id=place_id,
            audience=audience,
            lent_at=at,
            due_on=day + timedelta(days=21),
            returned_at=returned if is_back else None,
            return_visit_id=keys.visit if is_back else None,
        )


def _weekdays(year: int) -> Iterator[date]:
    """Days on which a van runs: so many of the year's weekdays, evenly spread."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    weekdays = [day for day in days if day.weekday() < 5]
    step = len(weekdays) / RUNS_OF_A_YEAR
    return (weekdays[int(number * step)] for number in range(RUNS_OF_A_YEAR))
