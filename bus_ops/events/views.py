"""Pages of events and donations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from ..accounts.access import PLANNERS, READERS_OF_FIGURES, roles_allowed, signed_in_user
from ..accounts.audit import AuditKind, audited
from ..database import current_organisation_id, db, owned, owned_or_404
from ..fleet.models import Van
from ..fleet.queries import vans_by_name
from ..i18n import parsed_day, today
from ..incoming import asked_year
from ..places.models import Place
from ..tables import by_name
from ..timetable.changes import ChangeError
from ..timetable.models import Attendance, StopKind
from ..timetable.single_visits import add_single_visit
from ..workbooks import as_file
from .exports import donations_xlsx, events_xlsx
from .forms import DonationForm, EventForm, NewEventForm, results_form
from .models import RESULTS, Donation, Donor, DonorKind, GiftKind, SpecialEvent

blueprint = Blueprint("events", __name__, url_prefix="/events")


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def event_list() -> ResponseReturnValue:
    """A year's events, those to come first."""
    year = _asked_year()
    events = events_of(year)
    return render_template(
        "events/list.html",
        year=year,
        coming=[event for event in events if event.day >= today()],
        past=[event for event in reversed(events) if event.day < today()],
        people=people_at(events),
    )


@blueprint.get("/export.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_events() -> ResponseReturnValue:
    """A year's events as a spreadsheet."""
    year = _asked_year()
    events = events_of(year)
    return as_file(events_xlsx(events, people_at(events)), f"events-{year}.xlsx")


@blueprint.route("/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_event() -> ResponseReturnValue:
    """Plan an event: the van's visit is entered with it."""
    places = by_name(db.session.scalars(owned(Place).where(Place.enabled)))
    vans = [van for van in vans_by_name() if van.enabled]
    form = NewEventForm(places, vans, parsed_day(request.args.get("day", "")))
    if form.validate_on_submit():
        place, van = owned_or_404(Place, form.place_id.data), owned_or_404(Van, form.van_id.data)
        begins, minutes = form.starts_at.data, form.minutes.data
        try:
            visit, sentences = add_single_visit(
                place,
                van,
                form.day.data,
                minutes,
                StopKind.PUBLIC,
                None,
                form.title.data.strip(),
                form.title.data.strip()[:300],
                signed_in_user(),
                [{"opens": begins, "closes": begins + minutes}],
            )
        except ChangeError as error:
            db.session.rollback()
            flash(str(error), "danger")
            return render_template("events/form.html", form=form, event=None)
        event = SpecialEvent(
            organisation_id=place.organisation_id,
            place_id=place.id,
            visit_id=visit.id,
            planned_on=form.day.data,
        )
        form.apply_to(event)
        db.session.add(event)
        db.session.commit()
        flash(" ".join([_("Planned: it stands in the timetable."), *sentences]), "success")
        return redirect(_page(event))
    return render_template("events/form.html", form=form, event=None)


@blueprint.get("/<int:special_event_id>")
@roles_allowed(*READERS_OF_FIGURES)
def event_page(special_event_id: int) -> ResponseReturnValue:
    """An event: its programme, what was counted, its results."""
    event = owned_or_404(SpecialEvent, special_event_id)
    gifts = owned(Donation).where(Donation.event_id == event.id).options(joinedload(Donation.donor))
    return render_template(
        "events/event.html",
        event=event,
        people=people_at([event]).get(event.id, 0),
        labels=RESULTS[event.kind],
        form=results_form(event),
        gifts=db.session.scalars(gifts.order_by(Donation.received_on)).all(),
    )


@blueprint.route("/<int:special_event_id>/edit", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_event(special_event_id: int) -> ResponseReturnValue:
    """Change what an event is; when and where it is held is changed at its visit."""
    event = owned_or_404(SpecialEvent, special_event_id)
    form = EventForm(obj=event)
    if form.validate_on_submit():
        form.apply_to(event)
        event.results = {k: v for k, v in event.results.items() if k in RESULTS[event.kind]}
        if event.visit is not None:
            event.visit.stop.promised = event.title
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(_page(event))
    if not form.is_submitted():
        form.kind.data = event.kind.value
    return render_template("events/form.html", form=form, event=event)


@blueprint.post("/<int:special_event_id>/results")
@roles_allowed(*PLANNERS)
def write_results(special_event_id: int) -> ResponseReturnValue:
    """Write down what an event brought."""
    event = owned_or_404(SpecialEvent, special_event_id)
    form = results_form(event)
    if not form.validate_on_submit():
        for errors in form.errors.values():
            flash(" ".join(str(error) for error in errors), "danger")
        return redirect(_page(event))
    event.results = {
        name: form[name].data for name in RESULTS[event.kind] if form[name].data is not None
    }
    event.report = form["report"].data or ""
    db.session.commit()
    flash(_("Saved."), "success")
    return redirect(_page(event))


@blueprint.get("/donations")
@roles_allowed(*READERS_OF_FIGURES)
def donation_list() -> ResponseReturnValue:
    """A year's donations with their sums; planners add to them."""
    year = _asked_year()
    return _donations_page(year, _donation_form(year))


@blueprint.post("/donations/new")
@roles_allowed(*PLANNERS)
def add_donation() -> ResponseReturnValue:
    """Write a gift down."""
    year = _asked_year()
    form = _donation_form(year)
    if not form.validate_on_submit():
        return _donations_page(year, form)
    donation = Donation(
        organisation_id=current_organisation_id(),
        donor=_donor(form),
        kind=GiftKind(form.kind.data),
        received_on=form.received_on.data,
        quantity=form.quantity.data,
        description=form.description.data.strip(),
        value_vnd=form.value_vnd.data or 0,
        event_id=form.event_id.data or None,
    )
    db.session.add(donation)
    db.session.commit()
    flash(_("Thank you, %(name)s: it is written down.", name=donation.donor.name), "success")
    return redirect(url_for("events.donation_list", year=donation.received_on.year))


@blueprint.post("/donations/<int:donation_id>/remove")
@roles_allowed(*PLANNERS)
def remove_donation(donation_id: int) -> ResponseReturnValue:
    """A gift that was written down wrongly."""
    donation = owned_or_404(Donation, donation_id)
    year = donation.received_on.year
    db.session.delete(donation)
    db.session.commit()
    flash(_("Removed."))
    return redirect(url_for("events.donation_list", year=year))


@blueprint.get("/donations/export.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_donations() -> ResponseReturnValue:
    """A year's donations as a spreadsheet."""
    year = _asked_year()
    donations = donations_of(year)
    return as_file(donations_xlsx(donations, sums_of(donations)), f"donations-{year}.xlsx")


def events_of(year: int) -> list[SpecialEvent]:
    """The year's events in order of day."""
    query = owned(SpecialEvent).options(
        joinedload(SpecialEvent.place), joinedload(SpecialEvent.visit)
    )
    events = [event for event in db.session.scalars(query) if event.day.year == year]
    return sorted(events, key=lambda event: (event.day, event.id))


def people_at(events: Iterable[SpecialEvent]) -> dict[int, int]:
    """Attendance that was logged at each event's visit, by the event's key."""
    by_visit = {event.visit_id: event.id for event in events if event.visit_id is not None}
    query = (
        select(Attendance.visit_id, func.sum(Attendance.people))
        .where(Attendance.visit_id.in_(by_visit))
        .group_by(Attendance.visit_id)
    )
    return {by_visit[visit_id]: int(people) for visit_id, people in db.session.execute(query)}


def donations_of(year: int) -> list[Donation]:
    """The year's donations, the latest first."""
    query = (
        owned(Donation)
        .where(Donation.received_on.between(date(year, 1, 1), date(year, 12, 31)))
        .options(joinedload(Donation.donor), joinedload(Donation.event))
        .order_by(Donation.received_on.desc(), Donation.id.desc())
    )
    return list(db.session.scalars(query))


def sums_of(donations: Iterable[Donation]) -> list[tuple[GiftKind, int, int]]:
    """Of each kind the number of pieces and the value in đồng."""
    sums = dict.fromkeys(GiftKind, (0, 0))
    for gift in donations:
        quantity, value = sums[gift.kind]
        sums[gift.kind] = quantity + gift.quantity, value + int(gift.value_vnd)
    return [(kind, *both) for kind, both in sums.items()]


def _donation_form(year: int) -> DonationForm:
    donors = by_name(db.session.scalars(owned(Donor)))
    events = [(event.id, event.title) for event in events_of(year)]
    return DonationForm([(donor.id, donor.name) for donor in donors], events)


def _donations_page(year: int, form: DonationForm) -> str:
    donations = donations_of(year)
    return render_template(
        "events/donations.html", year=year, donations=donations, sums=sums_of(donations), form=form
    )


def _donor(form: DonationForm) -> Donor:
    if form.donor_id.data:
        return owned_or_404(Donor, form.donor_id.data)
    return Donor(
        organisation_id=current_organisation_id(),
        name=form.donor_name.data.strip(),
        kind=DonorKind(form.donor_kind.data),
    )


def _asked_year() -> int:
    return asked_year(today().year)


def _page(event: SpecialEvent) -> str:
    return url_for("events.event_page", special_event_id=event.id)
