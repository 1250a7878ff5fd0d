"""Tables of terms, stops, calendars, runs and visits, and of what happened at a visit.

``Run`` and ``Visit`` hold the plan. ``RunRecord``, ``VisitRecord``, ``Attendance`` and
``ActivityRecord`` are projections of the event log: they can be dropped and made again from it.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, Uuid, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from schedules.recurrence import same_rule

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..fleet.models import CrewMember, Van
from ..i18n import LabelledEnum
from ..places.models import Place


class CalendarUse(LabelledEnum):
    """Which places a calendar is proposed for."""

    STAFF = "staff", _l("Places that are no schools")
    KINDERGARTEN = "kindergarten", _l("Kindergartens")
    PRIMARY = "primary", _l("Primary schools")
    SECONDARY = "secondary", _l("Secondary schools")


class ServiceCalendar(OwnedByOrganisation, Base):
    """Which days a kind of stop can be served: staff's and pupils' days off differ at Tết."""

    __tablename__ = "service_calendar"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    # ISO country whose public holidays are off; empty takes none.
    country: Mapped[str] = mapped_column(String(2), default="VN")
    # 0 is Monday.
    weekdays: Mapped[list[int]] = mapped_column(JSON, default=lambda: list(range(7)))
    # New stops at such places take this calendar unless told otherwise.
    proposed_for: Mapped[CalendarUse | None] = mapped_column(enum_column(CalendarUse))

    closures: Mapped[list[CalendarClosure]] = relationship(
        back_populates="calendar",
        order_by="CalendarClosure.first_on",
        cascade="all, delete-orphan",
    )
    periods: Mapped[list[CalendarPeriod]] = relationship(
        back_populates="calendar",
        order_by="CalendarPeriod.first_on",
        cascade="all, delete-orphan",
    )


class CalendarClosure(OwnedByOrganisation, Base):
    """Days off on top of public holidays (exams, the library's own), or worked in spite of them."""

    __tablename__ = "calendar_closure"

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(
        ForeignKey("service_calendar.id", ondelete="CASCADE"), index=True
    )
    first_on: Mapped[date]
    last_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200), default="")
    # True: a day worked although it is a holiday or weekend (the government's yearly swaps).
    opens: Mapped[bool] = mapped_column(default=False)

    calendar: Mapped[ServiceCalendar] = relationship(back_populates="closures")


class CalendarPeriod(OwnedByOrganisation, Base):
    """A teaching period; a calendar with periods is off outside them."""

    __tablename__ = "calendar_period"

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(
        ForeignKey("service_calendar.id", ondelete="CASCADE"), index=True
    )
    first_on: Mapped[date]
    last_on: Mapped[date]
    name: Mapped[str] = mapped_column(String(120), default="")

    calendar: Mapped[ServiceCalendar] = relationship(back_populates="periods")


class TermStatus(LabelledEnum):
    """A draft is the coordinator's; a published term is a promise."""

    DRAFT = "draft", _l("Draft")
    PUBLISHED = "published", _l("Published")


class Term(OwnedByOrganisation, Base):
    """The period that one timetable covers; without an end it runs until further notice."""

    __tablename__ = "term"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        UniqueConstraint("organisation_id", "import_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    status: Mapped[TermStatus] = mapped_column(enum_column(TermStatus), default=TermStatus.DRAFT)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # When its places were told their dates.
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Runs exist up to and including this day.
    filled_until: Mapped[date | None]
    # Clock values are minutes after local midnight.
    leaves_depot_at: Mapped[int | None]
    lunch_earliest: Mapped[int | None]
    lunch_latest: Mapped[int | None]
    lunch_minutes: Mapped[int] = mapped_column(default=0)
    # Added to each leg: parking, ramps, a ferry's queue.
    buffer_minutes: Mapped[int] = mapped_column(default=0)
    shift_limit_minutes: Mapped[int] = mapped_column(default=540)
    source: Mapped[str] = mapped_column(String(200), default="")
    # The service it was imported for: it is known again under whatever name it has now.
    import_key: Mapped[str | None] = mapped_column(String(80))

    stops: Mapped[list[Stop]] = relationship(back_populates="term", cascade="all, delete-orphan")


class Route(OwnedByOrganisation, Base):
    """A named sequence of stops that a van drives on one day."""

    __tablename__ = "route"
    __table_args__ = (UniqueConstraint("term_id", "van_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), index=True)
    van_id: Mapped[int] = mapped_column(ForeignKey("van.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(160))

    van: Mapped[Van] = relationship()


class StopKind(LabelledEnum):
    """Whom a stop is for; closed ones stay off public lists."""

    PUBLIC = "public", _l("Public")
    CLOSED = "closed", _l("Closed (a school's own)")
    FLEXIBLE = "flexible", _l("Flexible")
    OTHER = "other", _l("Other (fuel, lunch)")


class Audience(LabelledEnum):
    """Groups in which attendance is counted."""

    KINDERGARTEN = "kindergarten", _l("Kindergarten children")
    PRIMARY = "primary", _l("Primary pupils")
    LOWER_SECONDARY = "lower_secondary", _l("Lower secondary pupils")
    UPPER_SECONDARY = "upper_secondary", _l("Upper secondary pupils")
    ADULTS = "adults", _l("Adults")
    SENIORS = "seniors", _l("60 and over")
    TEACHERS = "teachers", _l("Teachers")


class Stop(OwnedByOrganisation, Base):
    """A place as the service serves it in a term: for whom, how often, when, how long."""

    __tablename__ = "stop"
    __table_args__ = (UniqueConstraint("organisation_id", "import_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    van_id: Mapped[int] = mapped_column(ForeignKey("van.id"), index=True)
    route_id: Mapped[int | None] = mapped_column(
        ForeignKey("route.id", ondelete="SET NULL"), index=True
    )
    route_position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[StopKind] = mapped_column(enum_column(StopKind), default=StopKind.PUBLIC)
    audience: Mapped[Audience | None] = mapped_column(enum_column(Audience))
    service_minutes: Mapped[int]
    # RFC 5545 rule without "RRULE:".
    rule: Mapped[str] = mapped_column(String(200))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    # ISO dates on which the rule does not hold.
    exceptions: Mapped[list[str]] = mapped_column(JSON, default=list)
    # [{"opens": 450, "closes": 660}], minutes after midnight; empty allows any time.
    windows: Mapped[list[dict[str, int]]] = mapped_column(JSON, default=list)
    # Published times, where a timetable promises them to the minute.
    fixed_arrival: Mapped[int | None]
    fixed_departure: Mapped[int | None]
    calendar_id: Mapped[int | None] = mapped_column(
        ForeignKey("service_calendar.id", ondelete="SET NULL")
    )
    # What is promised there: film, computers, a contest.
    promised: Mapped[str] = mapped_column(Text, default="")
    timetable_url: Mapped[str] = mapped_column(String(500), default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    # {"first": "2026-09-01", "last": …, "days": […]}: what a plan chose, instead of the rule.
    planned: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    # What planning may choose: weekdays (0 is Monday; none: each that the calendar serves) and
    # vans. Visits in the whole term, where given instead of the rule's frequency. A fixed stop
    # keeps the dates of its rule.
    plan_weekdays: Mapped[list[int]] = mapped_column(JSON, default=list)
    plan_times: Mapped[int | None]
    plan_any_van: Mapped[bool] = mapped_column(default=False)
    plan_fixed: Mapped[bool] = mapped_column(default=False)
    # Higher ones are served first where not all can be.
    priority: Mapped[int] = mapped_column(default=0)
    # It may be left out where its visits would cost more driving; none: it must be served.
    skip_price_m: Mapped[int | None]
    # What it takes of the van's capacity.
    load_books: Mapped[int] = mapped_column(default=0)
    # Stops of the same word share their days; stops of the same word share none.
    together: Mapped[str] = mapped_column(String(40), default="")
    apart: Mapped[str] = mapped_column(String(40), default="")
    import_key: Mapped[str | None] = mapped_column(String(80))
    # What the last import wrote, to tell corrections of a file from those made by hand.
    imported: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    extra: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    term: Mapped[Term] = relationship(back_populates="stops")
    place: Mapped[Place] = relationship()
    van: Mapped[Van] = relationship()
    route: Mapped[Route | None] = relationship()
    calendar: Mapped[ServiceCalendar | None] = relationship()


@event.listens_for(Stop.rule, "set")
def _end_plan_with_its_rule(stop: Stop, rule: str, before: Any, _initiator: Any) -> None:
    """Dates that were planned for another frequency hold no more."""
    if before and isinstance(before, str) and not same_rule(rule, before, stop.starts_on):
        stop.planned = None


class Run(OwnedByOrganisation, Base):
    """One van, one day, one crew: an ordered list of visits."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_organisation_day", "organisation_id", "day"),
        Index("ix_run_van_day", "van_id", "day"),
        # Tablets name runs by their keys: a key must never come to mean another run.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), index=True)
    van_id: Mapped[int] = mapped_column(ForeignKey("van.id"))
    route_id: Mapped[int | None] = mapped_column(ForeignKey("route.id", ondelete="SET NULL"))
    day: Mapped[date]
    leaves_at: Mapped[datetime] = mapped_column(UTCDateTime)
    returns_at: Mapped[datetime] = mapped_column(UTCDateTime)
    lunch_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lunch_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The whole day, the way back to the depot included.
    drive_minutes: Mapped[int] = mapped_column(default=0)
    distance_m: Mapped[int] = mapped_column(default=0)
    return_drive_minutes: Mapped[int] = mapped_column(default=0)
    return_distance_m: Mapped[int] = mapped_column(default=0)
    # Which travel source the minutes come from, named where they are shown.
    travel_source: Mapped[str] = mapped_column(String(60), default="geodesic")
    note: Mapped[str] = mapped_column(Text, default="")
    # Projection of the log: some fact names this run, so it is never made anew.
    logged: Mapped[bool] = mapped_column(default=False)

    term: Mapped[Term] = relationship()
    van: Mapped[Van] = relationship()
    route: Mapped[Route | None] = relationship()
    visits: Mapped[list[Visit]] = relationship(
        back_populates="run", order_by="Visit.position", cascade="all, delete-orphan"
    )
    crew: Mapped[list[CrewMember]] = relationship(secondary="run_crew")
    checklist: Mapped[list[RunEquipment]] = relationship(
        order_by="RunEquipment.position", cascade="all, delete-orphan"
    )
    record: Mapped[RunRecord | None] = relationship(viewonly=True)


class RunCrew(Base):
    """Who rides on a run."""

    __tablename__ = "run_crew"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    crew_member_id: Mapped[int] = mapped_column(
        ForeignKey("crew_member.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class RunEquipment(OwnedByOrganisation, Base):
    """An item of this run's checklist, copied from the van's when the run is made."""

    __tablename__ = "run_equipment"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(default=1)
    position: Mapped[int] = mapped_column(default=0)
    # Projection of the log: ticked off before leaving.
    loaded: Mapped[bool] = mapped_column(default=False)


class VisitStatus(LabelledEnum):
    """Where a visit stands."""

    PLANNED = "planned", _l("Planned")
    CONFIRMED = "confirmed", _l("Confirmed")
    UNDER_WAY = "under_way", _l("Under way")
    SERVED = "served", _l("Served")
    CANCELLED = "cancelled", _l("Cancelled")
    MISSED = "missed", _l("Missed")


class Visit(OwnedByOrganisation, Base):
    """One stop on one run, as planned; what really happened stands in its record."""

    __tablename__ = "visit"
    __table_args__ = (
        # The date the rule gave: generation finds its own visits again, wherever they were moved.
        UniqueConstraint("stop_id", "rule_day"),
        Index("ix_visit_organisation_day", "organisation_id", "day"),
        Index("ix_visit_place_day", "place_id", "day"),
        # Tablets name visits by their keys: a key must never come to mean another visit.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    stop_id: Mapped[int] = mapped_column(ForeignKey("stop.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    day: Mapped[date]
    rule_day: Mapped[date]
    position: Mapped[int]
    arrival_at: Mapped[datetime] = mapped_column(UTCDateTime)
    departure_at: Mapped[datetime] = mapped_column(UTCDateTime)
    drive_minutes: Mapped[int] = mapped_column(default=0)
    distance_m: Mapped[int] = mapped_column(default=0)
    buffer_minutes: Mapped[int] = mapped_column(default=0)
    waiting_minutes: Mapped[int] = mapped_column(default=0)
    # The coordinator's side of the status: planned, confirmed or cancelled.
    plan_status: Mapped[VisitStatus] = mapped_column(
        enum_column(VisitStatus), default=VisitStatus.PLANNED
    )
    # Derived from plan_status and the record by timetable.statuses; stored to be searched.
    status: Mapped[VisitStatus] = mapped_column(
        enum_column(VisitStatus), default=VisitStatus.PLANNED, index=True
    )
    reason: Mapped[str] = mapped_column(String(300), default="")
    # Projection of the log: some fact names this visit, so it is never made anew.
    logged: Mapped[bool] = mapped_column(default=False)

    run: Mapped[Run] = relationship(back_populates="visits")
    stop: Mapped[Stop] = relationship()
    place: Mapped[Place] = relationship()
    record: Mapped[VisitRecord | None] = relationship(viewonly=True)


class ChangeKind(LabelledEnum):
    """What a coordinator did to a published timetable."""

    MOVED = "moved", _l("Moved")
    CANCELLED = "cancelled", _l("Cancelled")
    RESTORED = "restored", _l("Restored")
    CONFIRMED = "confirmed", _l("Confirmed")
    REORDERED = "reordered", _l("Reordered")
    ADDED = "added", _l("Added")
    CREW = "crew", _l("Crew changed")
    # What followed from a change of something else.
    RETIMED = "retimed", _l("Time changed")
    REMOVED = "removed", _l("Taken out")
    PLANNED = "planned", _l("Planned anew")


class TimetableChange(OwnedByOrganisation, Base):
    """A recorded change: who changed which visit or run, when, why, from what to what."""

    __tablename__ = "timetable_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    visit_id: Mapped[int | None] = mapped_column(
        ForeignKey("visit.id", ondelete="CASCADE"), index=True
    )
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("run.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[ChangeKind] = mapped_column(enum_column(ChangeKind))
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(String(300), default="")
    # When the place concerned was told, or it was found that there is nothing to tell.
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)


class RunRecord(OwnedByOrganisation, Base):
    """Projection: when a run really left and came back, and its kilometres by the odometer."""

    __tablename__ = "run_record"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    left_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    returned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    odometer_out_km: Mapped[int | None]
    odometer_in_km: Mapped[int | None]
    note: Mapped[str] = mapped_column(Text, default="")


class VisitRecord(OwnedByOrganisation, Base):
    """Projection: when the van really came and left, the crew's note, and that it was logged."""

    __tablename__ = "visit_record"

    visit_id: Mapped[int] = mapped_column(
        ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True
    )
    arrived_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    departed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    note: Mapped[str] = mapped_column(Text, default="")
    # People, loans or activities were logged: somebody was served, arrival tapped or not.
    served: Mapped[bool] = mapped_column(default=False)


class Attendance(OwnedByOrganisation, Base):
    """Projection: people who came to a visit, one row an audience group."""

    __tablename__ = "attendance"

    visit_id: Mapped[int] = mapped_column(
        ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True
    )
    audience: Mapped[Audience] = mapped_column(enum_column(Audience), primary_key=True)
    people: Mapped[int]


class ActivityKind(LabelledEnum):
    """What a trip does beside lending; each with its own count."""

    READING_ON_SITE = "reading_on_site", _l("Reading on site")
    COMPUTERS = "computers", _l("Computer use")
    INTERNET = "internet", _l("Free internet")
    FILM = "film", _l("Film")
    STORYTELLING = "storytelling", _l("Storytelling")
    BOOK_TALK = "book_talk", _l("Book talk")
    CONTEST = "contest", _l("Contest")
    EBOOK_ACCOUNTS = "ebook_accounts", _l("E-book accounts opened")
    BOOK_GIFT = "book_gift", _l("Gift of books")
    TRAINING = "training", _l("Training for librarians")
    OTHER = "other", _l("Other activity")


class ActivityRecord(OwnedByOrganisation, Base):
    """Projection: one activity at a visit, one row a logged event."""

    __tablename__ = "activity_record"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    kind: Mapped[ActivityKind] = mapped_column(enum_column(ActivityKind))
    # People, sessions, accounts or books, as the kind says.
    count: Mapped[int]
    title: Mapped[str] = mapped_column(String(200), default="")


class ClassSlot(OwnedByOrganisation, Base):
    """A class that comes to a visit at its own time, as the school and the coordinator agreed."""

    __tablename__ = "class_slot"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    # Minutes after local midnight.
    starts_at: Mapped[int]
    minutes: Mapped[int] = mapped_column(default=20)
    class_name: Mapped[str] = mapped_column(String(40))
    audience: Mapped[Audience] = mapped_column(enum_column(Audience))
    size: Mapped[int] = mapped_column(default=0)
    teacher: Mapped[str] = mapped_column(String(120), default="")


class ClassVisit(OwnedByOrganisation, Base):
    """Projection: a class that came; its pupils and teachers are counted in the attendance too."""

    __tablename__ = "class_visit"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    class_name: Mapped[str] = mapped_column(String(40), default="")
    audience: Mapped[Audience] = mapped_column(enum_column(Audience))
    people: Mapped[int]
    teachers: Mapped[int] = mapped_column(default=0)
    teacher: Mapped[str] = mapped_column(String(120), default="")
    slot_id: Mapped[int | None]


class IncidentKind(LabelledEnum):
    """What went wrong on the road."""

    BREAKDOWN = "breakdown", _l("Breakdown")
    ACCIDENT = "accident", _l("Accident")
    FLOOD = "flood", _l("Flooded road or high tide")
    LATE = "late", _l("Delay")
    POWER = "power", _l("No power")
    INJURY = "injury", _l("Somebody hurt or ill")
    COMPLAINT = "complaint", _l("Complaint")
    OTHER = "other", _l("Something else")


class Incident(OwnedByOrganisation, Base):
    """Projection: something that went wrong, on the road or at a visit."""

    __tablename__ = "incident"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    visit_id: Mapped[int | None] = mapped_column(
        ForeignKey("visit.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[IncidentKind] = mapped_column(enum_column(IncidentKind))
    text: Mapped[str] = mapped_column(Text, default="")
    happened_at: Mapped[datetime] = mapped_column(UTCDateTime)


class DayClosing(OwnedByOrganisation, Base):
    """Projection: the crew's own summary of a run, checked against the count on paper."""

    __tablename__ = "day_closing"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    closed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # {"people": n, "loans": n, "returns": n} as the tablet counted and as paper says.
    counted: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    paper: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    unsent: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(500), default="")


class StockSeen(OwnedByOrganisation, Base):
    """Projection: a barcode scanned aboard in a stock check of a run."""

    __tablename__ = "stock_seen"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    barcode: Mapped[str] = mapped_column(String(40), primary_key=True)
    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
