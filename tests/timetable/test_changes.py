"""Changing a published timetable: recorded, its promises looked at, due dates taken along."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Loan
from bus_ops.database import db
from bus_ops.fleet.models import CrewMember, Duty, Van, VanOutOfService
from bus_ops.i18n import ZONE, format_clock, today
from bus_ops.places.models import Place
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.timetable import changes
from bus_ops.timetable.changes import ChangeError
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import (
    CalendarClosure,
    ChangeKind,
    Route,
    Run,
    ServiceCalendar,
    TimetableChange,
    Visit,
    VisitStatus,
)
from bus_ops.timetable.promises import warnings_of
from bus_ops.timetable.remaking import make_again
from schedules.promises import Promise
from tests.small_service import SmallService, small_service


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two schools, each week from this day a week ago on; on both databases."""
    return small_service(organisation, today() - timedelta(weeks=1))


def coming(service: SmallService, number: int = 0, stop: int = 0) -> Visit:
    """A stop's visits from tomorrow on."""
    return [visit for visit in service.visits(stop) if visit.day > today()][number]


def promises(run: Run) -> set[Promise]:
    return {warned.promise for warned in warnings_of(run)}


def times(visit: Visit) -> tuple[datetime, datetime]:
    return visit.arrival_at, visit.departure_at


def retimed(visit: Visit) -> list[TimetableChange]:
    query = select(TimetableChange).where(
        TimetableChange.visit_id == visit.id, TimetableChange.kind == ChangeKind.RETIMED
    )
    return list(db.session.scalars(query))


def kinds() -> list[ChangeKind]:
    return list(db.session.scalars(select(TimetableChange.kind).order_by(TimetableChange.id)))


def test_a_term_is_filled_once_and_filling_again_changes_nothing(service: SmallService) -> None:
    visits = [(visit.id, visit.day) for visit in service.visits()]
    assert [day for _, day in visits] == [
        service.term.starts_on + timedelta(weeks=n) for n in range(6)
    ]
    fill_runs(service.term, service.term.starts_on, service.term.ends_on or today())
    assert [(visit.id, visit.day) for visit in service.visits()] == visits


def test_a_run_is_timed_from_the_depot_and_back(service: SmallService) -> None:
    run = coming(service).run
    first, second = run.visits
    assert run.leaves_at.astimezone(ZONE).hour == 7
    assert first.arrival_at >= run.leaves_at + timedelta(minutes=first.drive_minutes)
    assert first.departure_at - first.arrival_at == timedelta(minutes=90)
    assert second.arrival_at >= first.departure_at
    assert run.returns_at > second.departure_at
    assert promises(run) == set()


def test_a_cancelled_visit_tells_why_and_the_others_keep_their_published_times(
    service: SmallService,
) -> None:
    visit, other = coming(service).run.visits
    before, back = times(other), visit.run.returns_at
    changes.cancel_visit(visit, "Trường thi giữa kỳ", service.user)
    assert (visit.status, visit.reason) == (VisitStatus.CANCELLED, "Trường thi giữa kỳ")
    assert times(other) == before
    assert other.waiting_minutes > 0
    assert other.status == VisitStatus.PLANNED
    assert kinds() == [ChangeKind.CANCELLED]
    changes.restore_visit(visit, service.user)
    assert (visit.status, visit.reason) == (VisitStatus.PLANNED, "")
    assert times(other) == before
    assert visit.run.returns_at == back
    assert kinds() == [ChangeKind.CANCELLED, ChangeKind.RESTORED]


def test_the_gap_of_a_cancelled_visit_is_closed_when_asked_and_each_new_time_recorded(
    service: SmallService,
) -> None:
    visit, other = coming(service).run.visits
    before, back = times(other), visit.run.returns_at
    told = changes.cancel_visit(visit, "Bão", service.user, times_anew=True)
    assert times(other) < before
    assert visit.run.returns_at < back
    assert other.place.name in told[0]
    change = retimed(other)[0]
    assert change.before["arrival"] == format_clock(before[0])
    assert change.after["arrival"] == format_clock(other.arrival_at)
    assert (change.user_id, change.reason) == (service.user.id, "Bão")
    told = changes.restore_visit(visit, service.user)
    assert visit.arrival_at >= other.departure_at or visit.departure_at <= other.arrival_at
    assert Promise.LATE_FOR_PUBLISHED_TIME not in promises(visit.run)


def test_a_confirmed_visit_keeps_its_time_whatever_else_moves(service: SmallService) -> None:
    visit, confirmed = coming(service).run.visits
    changes.confirm_visit(confirmed, service.user)
    before = times(confirmed)
    changes.cancel_visit(visit, "Bão", service.user, times_anew=True)
    assert times(confirmed) == before


def test_a_confirmed_visit_keeps_its_time_when_the_terms_day_begins_later(
    service: SmallService,
) -> None:
    other, confirmed = coming(service).run.visits
    changes.confirm_visit(confirmed, service.user)
    before, others = times(confirmed), times(other)
    service.term.leaves_depot_at = 9 * 60
    make_again([stop.id for stop in service.stops], today(), service.user.id, new_frame=True)
    assert times(confirmed) == before
    assert times(other) > others
    assert len(retimed(other)) == 1
    assert Promise.LATE_FOR_PUBLISHED_TIME in promises(confirmed.run)


def test_a_visit_that_joins_a_full_day_tells_whose_times_it_changed(
    service: SmallService,
) -> None:
    target = coming(service, 1).run
    for visit, opens in zip(target.visits, (420, 540), strict=True):
        visit.stop.windows = [{"opens": opens, "closes": opens + 150}]
    make_again([stop.id for stop in service.stops], today())
    before = {visit.id: times(visit) for visit in target.visits}
    moving = coming(service)
    changes.move_visit(moving, target.day, service.van, "Đổi ngày", service.user)
    shifted = [v for v in target.visits if v.id in before and times(v) != before[v.id]]
    assert {v.id for v in shifted} == {
        change.visit_id for v in before for change in retimed(db.session.get_one(Visit, v))
    }


def test_a_cancelled_visit_is_neither_moved_nor_confirmed(service: SmallService) -> None:
    visit = coming(service)
    changes.cancel_visit(visit, "Bão", service.user)
    for change in (
        lambda: changes.confirm_visit(visit, service.user),
        lambda: changes.cancel_visit(visit, "Bão", service.user),
        lambda: changes.move_visit(
            visit, visit.day + timedelta(days=1), service.van, "x", service.user
        ),
    ):
        with pytest.raises(ChangeError):
            change()
    assert visit.plan_status == VisitStatus.CANCELLED


def test_a_moved_visit_joins_the_run_of_its_new_day(service: SmallService) -> None:
    visit = coming(service)
    target = coming(service, 1).run
    before = {other.id: times(other) for other in target.visits}
    changes.move_visit(visit, target.day, service.van, "Bão số 9", service.user)
    assert visit.run is target
    assert {v.id: times(v) for v in target.visits if v is not visit} == before
    assert (visit.day, visit.rule_day) == (target.day, target.day - timedelta(weeks=1))
    assert len(target.visits) == 3
    in_order = [times(v) for v in target.visits]
    assert in_order == sorted(in_order)


def test_a_day_without_a_run_gets_one_with_the_vans_checklist(service: SmallService) -> None:
    visit = coming(service)
    day = visit.day + timedelta(days=1)
    changes.move_visit(visit, day, service.van, "Đổi ngày", service.user)
    assert visit.run.day == day
    assert [item.name for item in visit.run.checklist] == ["Máy tính", "Máy phát điện"]
    assert Promise.CREW_TOO_SMALL in promises(visit.run)


def test_a_run_that_lost_its_last_visit_is_gone(service: SmallService) -> None:
    first, second = coming(service).run.visits
    left = first.run.id
    day = first.day + timedelta(days=2)
    changes.move_visit(first, day, service.van, "x", service.user)
    changes.move_visit(second, day, service.van, "x", service.user)
    assert db.session.get(Run, left) is None


def test_a_moved_visit_does_not_come_back_when_the_term_is_filled_again(
    service: SmallService,
) -> None:
    visit = coming(service)
    changes.move_visit(visit, visit.day + timedelta(days=1), service.van, "x", service.user)
    count = len(service.visits())
    fill_runs(service.term, today(), service.term.ends_on or today())
    assert len(service.visits()) == count


@pytest.mark.parametrize("days", [-1, 0])
def test_a_visit_moves_neither_into_the_past_nor_onto_its_own_day(
    service: SmallService, days: int
) -> None:
    visit = coming(service)
    day = today() - timedelta(days=1) if days else visit.day
    with pytest.raises(ChangeError):
        changes.move_visit(visit, day, service.van, "x", service.user)


def test_what_the_crew_logged_stays_as_it_happened(service: SmallService) -> None:
    visit = service.visits()[0]
    record(EventKind.ARRIVED, service.user, visit=visit)
    with pytest.raises(ChangeError, match="Tổ phục vụ đã ghi nhận"):
        changes.cancel_visit(visit, "x", service.user)


def test_an_added_visit_stands_beside_the_rule(service: SmallService) -> None:
    day = coming(service).day + timedelta(days=1)
    visit, _told = changes.add_visit(service.stops[0], day, "Trường xin thêm", service.user)
    assert visit.run.day == day
    assert visit.arrival_at.astimezone(ZONE).date() == day
    assert visit in service.visits()
    with pytest.raises(ChangeError):
        changes.add_visit(service.stops[0], day, "lần nữa", service.user)


def test_visits_change_places_within_their_run(service: SmallService) -> None:
    run = coming(service).run
    first, second = run.visits
    changes.shift_visit(second, -1, service.user)
    db.session.expire(run)
    assert [visit.id for visit in run.visits] == [second.id, first.id]
    assert second.arrival_at < first.arrival_at
    changes.shift_visit(second, -1, service.user)
    assert [visit.id for visit in run.visits] == [second.id, first.id]


def lend(service: SmallService, visit: Visit, barcode: str = "B1") -> Loan:
    outcome = record(
        EventKind.LENT,
        service.user,
        visit=visit,
        payload={"barcode": barcode, "card_number": "T1"},
    )
    assert outcome.loan is not None
    return outcome.loan


def test_due_dates_move_with_the_visit_they_hang_on_and_it_is_told(service: SmallService) -> None:
    served = service.visits()[1]
    assert served.day == today()
    loan = lend(service, served)
    following = coming(service)
    assert loan.due_on == following.day
    day = following.day + timedelta(days=2)
    told = changes.move_visit(following, day, service.van, "Bão", service.user)
    assert loan.due_on == day
    assert len(told) == 1
    assert "1" in told[0]


def test_a_cancelled_visit_hands_its_loans_to_the_next_and_takes_them_back(
    service: SmallService,
) -> None:
    loan = lend(service, service.visits()[1])
    first, second = coming(service), coming(service, 1)
    changes.cancel_visit(first, "Bão", service.user)
    assert (loan.due_on, loan.due_visit_id) == (second.day, second.id)
    changes.restore_visit(first, service.user)
    assert (loan.due_on, loan.due_visit_id) == (first.day, first.id)


def test_without_a_next_visit_a_loan_is_due_on_the_terms_last_day(service: SmallService) -> None:
    loan = lend(service, service.visits()[1])
    for visit in [visit for visit in service.visits() if visit.day > today()]:
        changes.cancel_visit(visit, "Xe hỏng", service.user)
    assert (loan.due_on, loan.due_visit_id) == (service.term.ends_on, None)


def test_a_returned_loan_is_not_told_of(service: SmallService) -> None:
    served = service.visits()[1]
    lend(service, served)
    record(EventKind.RETURNED, service.user, visit=served, payload={"barcode": "B1"})
    assert changes.cancel_visit(coming(service), "Bão", service.user) == []


def test_a_van_in_repair_is_told(service: SmallService) -> None:
    run = coming(service).run
    db.session.add(
        VanOutOfService(
            organisation_id=run.organisation_id,
            van_id=run.van_id,
            first_on=run.day,
            last_on=run.day,
            reason="Thay lốp",
        )
    )
    db.session.flush()
    assert promises(run) == {Promise.VAN_OUT_OF_SERVICE}


def test_a_holiday_of_the_stops_own_calendar_is_told(service: SmallService) -> None:
    run = coming(service).run
    calendar = ServiceCalendar(
        organisation_id=run.organisation_id, name="Học sinh", country="VN", weekdays=list(range(7))
    )
    calendar.closures = [
        CalendarClosure(
            organisation_id=run.organisation_id,
            first_on=run.day,
            last_on=run.day,
            reason="Thi học kỳ",
        )
    ]
    db.session.add(calendar)
    service.stops[0].calendar = calendar
    db.session.flush()
    (warned,) = warnings_of(run)
    assert warned.promise == Promise.DAY_OFF
    assert "Thi học kỳ" in warned.sentence
    assert warned.visit_id in {v.id for v in run.visits if v.stop_id == service.stops[0].id}


def test_a_window_that_is_missed_is_told(service: SmallService) -> None:
    run = coming(service).run
    service.stops[0].windows = [{"opens": 300, "closes": 330}]
    db.session.flush()
    assert promises(run) == {Promise.OUTSIDE_WINDOW}


def test_a_day_that_is_too_long_is_told(service: SmallService) -> None:
    service.term.shift_limit_minutes = 60
    db.session.flush()
    assert promises(coming(service).run) == {Promise.SHIFT_TOO_LONG}


def test_a_place_without_a_position_is_told(service: SmallService) -> None:
    place = db.session.get_one(Place, service.stops[0].place_id)
    place.lat = place.lon = None
    db.session.flush()
    assert promises(coming(service).run) == {Promise.NO_POSITION}


def test_a_crew_needs_one_operator_and_two_librarians(service: SmallService) -> None:
    run = coming(service).run
    driver = next(member for member in run.crew if member.duty == Duty.OPERATOR)
    changes.set_crew(run, [driver], service.user)
    db.session.flush()
    assert promises(run) == {Promise.CREW_TOO_SMALL}
    assert kinds() == [ChangeKind.CREW]


def test_one_van_cannot_be_on_two_runs_nor_one_person(service: SmallService) -> None:
    run = coming(service).run
    boat = Van(organisation_id=run.organisation_id, name="Thuyền sách", depot=service.van.depot)
    db.session.add(boat)
    db.session.flush()
    visit = run.visits[1]
    changes.move_visit(visit, run.day, boat, "Nước lên", service.user)
    changes.set_crew(visit.run, list(db.session.scalars(select(CrewMember))), service.user)
    db.session.flush()
    assert Promise.CREW_BUSY in promises(run)
    visit.run.van = service.van
    visit.run.leaves_at = datetime.combine(run.day, run.leaves_at.astimezone(ZONE).time(), ZONE)
    db.session.flush()
    assert Promise.TWO_RUNS_FOR_ONE_VAN in promises(run)


def test_tet_is_told_where_a_stop_keeps_public_holidays(
    app_on_each: Flask, organisation: Organisation
) -> None:
    tet = date(2027, 2, 6)
    service = small_service(organisation, tet, weeks=1)
    calendar = ServiceCalendar(
        organisation_id=organisation.id, name="Lễ", country="VN", weekdays=list(range(7))
    )
    db.session.add(calendar)
    service.stops[0].calendar = calendar
    db.session.flush()
    warned = warnings_of(service.run_on(tet))
    # The stop without a calendar keeps the library's country's holidays.
    assert [w.promise for w in warned] == [Promise.DAY_OFF, Promise.DAY_OFF]
    assert all("Tết" in w.sentence for w in warned)
    service.van.operator = "Suffolk"
    db.session.flush()
    assert len(warnings_of(service.run_on(tet))) == 1, "another service's holidays are not known"


def test_what_the_place_says_is_told(service: SmallService) -> None:
    run = coming(service).run
    place = db.session.get_one(Place, service.stops[0].place_id)
    place.opening_windows = [{"opens": 300, "closes": 330}]
    db.session.flush()
    assert promises(run) == {Promise.OUTSIDE_OPENING}
    place.opening_windows = [{"opens": 300, "closes": 1200, "weekdays": [run.day.weekday()]}]
    db.session.flush()
    assert promises(run) == set()
    place.opening_windows = [
        {"opens": 300, "closes": 1200, "weekdays": [(run.day.weekday() + 1) % 7]}
    ]
    place.enabled = False
    db.session.flush()
    assert promises(run) == {Promise.OUTSIDE_OPENING, Promise.PLACE_NOT_SERVED}


def test_a_stop_without_windows_is_served_while_its_place_is_open(service: SmallService) -> None:
    place = db.session.get_one(Place, service.stops[0].place_id)
    place.opening_windows = [{"opens": 13 * 60, "closes": 16 * 60}]
    make_again([service.stops[0].id], today())
    visit = coming(service)
    assert visit.arrival_at.astimezone(ZONE).hour == 13
    assert Promise.OUTSIDE_OPENING not in promises(visit.run)


def test_a_van_that_was_given_up_is_told(service: SmallService) -> None:
    service.van.enabled = False
    db.session.flush()
    assert promises(coming(service).run) == {Promise.VAN_NOT_IN_SERVICE}


def test_a_visit_moved_out_of_its_term_is_told(service: SmallService) -> None:
    visit = service.visits()[-1]
    day = (service.term.ends_on or today()) + timedelta(days=3)
    changes.move_visit(visit, day, service.van, "Thi", service.user)
    assert Promise.OUTSIDE_TERM in promises(visit.run)


def test_a_visit_moved_beside_another_of_its_place_is_told_with_it(
    service: SmallService,
) -> None:
    first, second = coming(service), coming(service, 1)
    changes.move_visit(first, second.day, service.van, "Thi", service.user)
    told = [w for w in warnings_of(second.run) if w.promise == Promise.SAME_PLACE_TWICE]
    assert {(w.visit_id, w.other_visit_id) for w in told} == {
        (first.id, second.id),
        (second.id, first.id),
    }


def test_a_published_visit_joins_a_route_by_its_time(service: SmallService) -> None:
    for stop, opens in zip(service.stops, (540, 840), strict=True):
        stop.fixed_arrival, stop.fixed_departure = opens, opens + 60
        stop.route = Route(
            organisation_id=stop.organisation_id,
            term_id=stop.term_id,
            van=stop.van,
            name=str(opens),
        )
        stop.route_position = opens
    db.session.flush()
    make_again([stop.id for stop in service.stops], today())
    morning, afternoon = coming(service, 0, 0), coming(service, 1, 1)
    assert morning.run is not afternoon.run
    target = afternoon.run
    changes.move_visit(morning, target.day, service.van, "Thi", service.user)
    run = morning.run
    assert [visit.arrival_at for visit in run.visits] == sorted(v.arrival_at for v in run.visits)
    assert run.leaves_at < run.visits[0].arrival_at
    assert run.returns_at > max(visit.departure_at for visit in run.visits)


def test_a_whole_day_is_cancelled_with_one_reason_and_each_visit_recorded(
    service: SmallService,
) -> None:
    run = coming(service).run
    changes.cancel_run(run, "Bão số 9", service.user)
    assert {(visit.status, visit.reason) for visit in run.visits} == {
        (VisitStatus.CANCELLED, "Bão số 9")
    }
    assert kinds() == [ChangeKind.CANCELLED, ChangeKind.CANCELLED]
    with pytest.raises(ChangeError):
        changes.cancel_run(run, "Bão số 9", service.user)


def test_a_whole_day_moves_with_its_crew(service: SmallService) -> None:
    run = coming(service).run
    visits, crew, day = list(run.visits), list(run.crew), run.day + timedelta(days=1)
    clocks = [format_clock(visit.arrival_at) for visit in visits]
    target, _told = changes.move_run(run, day, service.van, "Bão", service.user)
    assert [visit.run for visit in visits] == [target, target]
    assert [format_clock(visit.arrival_at) for visit in visits] == clocks
    assert list(target.crew) == crew
    assert kinds().count(ChangeKind.MOVED) == 2
