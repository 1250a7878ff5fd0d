"""Pages of the crew's day: today's route, a visit's log, and what a person must settle."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup

from ..accounts.access import EVERYONE, LOGGERS, PLANNERS, roles_allowed
from ..accounts.models import User
from ..circulation.models import CardKind
from ..clock_fields import minutes_of_clock
from ..database import current_organisation_id, db, new_uuid, now, owned_or_404
from ..i18n import at_minutes, format_day, parsed_day, today
from ..incoming import asked_number
from ..maps import map_script
from ..timetable.models import ActivityKind, Audience, Run, Visit, VisitStatus
from ..timetable.promises import warnings_of
from ..timetable.queries import next_run_after, runs_on
from .day import (
    figures_of,
    geo_address,
    is_pause,
    loans_out,
    logged_lines,
    map_of_run,
    may_be_logged,
    navigation_address,
    open_loans_of_card,
    open_loans_of_place,
    print_density,
    run_for,
    run_lines,
    stop_numbers,
    text_of,
)
from .events import ABOUT_A_RUN, UnreadableEventError
from .evidence import evidence_count, evidence_listing, in_words
from .log import RecordOutcome, outcome_of, record, set_aside, store_events, web_tablet
from .models import Contradiction, ContradictionKind, Event, EventKind, SetAside, Tablet
from .settling import (
    SettlingError,
    changed_the_timetable,
    choices_for,
    contradictions_listing,
    decisions_listing,
    label_of_decision,
    page_that_mends,
    side_by_side,
    take_back,
)
from .settling import settle as settle_contradiction

blueprint = Blueprint("tablet", __name__, url_prefix="/tablet")

# One request's facts; a day of a busy van is about as many.
MOST_EVENTS = 2_000

_FIELDS = {
    "barcode": _l("Barcode"),
    "card_number": _l("Card number"),
    "people": _l("People"),
    "audience": _l("Group"),
    "count": _l("Count"),
    "items": _l("Items"),
    "cards": _l("Cards"),
    "text": _l("Note"),
    "odometer_km": _l("Odometer (km)"),
    "number": _l("Card number"),
    "full_name": _l("Full name"),
    "title": _l("Title"),
}
_WHOLE_NUMBERS = ("people", "count", "items", "cards", "odometer_km", "item_id")
_TEXTS = (
    "barcode",
    "card_number",
    "text",
    "title",
    "audience",
    "number",
    "full_name",
    "note",
)


@blueprint.get("/today", endpoint="today")
@roles_allowed(*EVERYONE)
def today_page() -> ResponseReturnValue:
    """The day's route: stops in order, the map beside them."""
    day = _asked_day()
    organisation_id = current_organisation_id()
    runs = runs_on(day, organisation_id)
    run = run_for(runs, asked_number("run"), current_user)
    if run is None:
        following = next_run_after(day, organisation_id)
        return render_template("tablet/no_run.html", day=day, following=following)
    return render_template(
        "tablet/today.html",
        day=day,
        runs=runs,
        run=run,
        numbers=stop_numbers(run),
        loans_out=loans_out([run]),
        warnings=warnings_of(run),
        lines=run_lines(run),
        statuses=list(VisitStatus),
        density=print_density(run),
        is_pause=is_pause,
        navigation_address=navigation_address,
        geo_address=geo_address,
        may_log=current_user.role in LOGGERS,
        **_moments(run.day, run.leaves_at),
        new_id=new_uuid,
        yesterday=day - timedelta(days=1),
        tomorrow=day + timedelta(days=1),
    )


@blueprint.get("/runs/<int:run_id>/map.js")
@roles_allowed(*EVERYONE)
def run_map_script(run_id: int) -> Response:
    """The Folium map of a run."""
    return map_script(map_of_run(owned_or_404(Run, run_id)))  # type: ignore[arg-type]


@blueprint.post("/runs/<int:run_id>/log")
@roles_allowed(*LOGGERS)
def log_run(run_id: int) -> ResponseReturnValue:
    """Record a fact about a run: it left, it came back, an item is aboard, an undo of these."""
    run = owned_or_404(Run, run_id)
    kind = _asked_kind(*ABOUT_A_RUN, EventKind.UNDO)
    payload = _payload(request.form)
    if kind == EventKind.EQUIPMENT:
        payload["loaded"] = request.form.get("loaded") == "1"
    planned = run.returns_at if kind == EventKind.RUN_RETURNED else run.leaves_at
    _flash(_record(kind, run=run, payload=payload, day=run.day, planned=planned))
    return redirect(url_for("tablet.today", day=run.day.isoformat(), run=run.id))


@blueprint.get("/visits/<int:visit_id>")
@roles_allowed(*LOGGERS)
def visit_log(visit_id: int) -> ResponseReturnValue:
    """Everything the crew logs at one visit."""
    visit = owned_or_404(Visit, visit_id)
    card_number = request.args.get("card", "").strip()
    return render_template(
        "tablet/visit.html",
        visit=visit,
        figures=figures_of(visit.id),
        lines=logged_lines(visit),
        loans=open_loans_of_place(visit.place_id),
        card_loans=open_loans_of_card(card_number),
        audiences=list(Audience),
        activity_kinds=list(ActivityKind),
        card_kinds=list(CardKind),
        may_be_logged=may_be_logged(visit, today()),
        is_past=visit.day < today(),
        card_number=card_number,
        focus=request.args.get("focus", ""),
        new_id=new_uuid,
        **_moments(visit.day, _paper_moment(visit)),
    )


@blueprint.post("/visits/<int:visit_id>/log")
@roles_allowed(*LOGGERS)
def log_visit(visit_id: int) -> ResponseReturnValue:
    """Record one tap at a visit."""
    visit = owned_or_404(Visit, visit_id)
    if not may_be_logged(visit, today()):
        flash(_("This visit is on %(day)s; log it from that day on.", day=format_day(visit.day)))
        return redirect(url_for("tablet.visit_log", visit_id=visit.id))
    kind = _asked_kind(*(kind for kind in EventKind if kind != EventKind.SETTLED))
    payload = _payload(request.form)
    if kind == EventKind.ATTENDANCE and request.form.get("total", "").strip():
        payload["people"] = _difference(visit, payload.get("audience", ""))
    outcome = _record(
        kind, visit=visit, payload=payload, day=visit.day, planned=_paper_moment(visit)
    )
    _flash(outcome)
    focus = {EventKind.LENT: "barcode", EventKind.RETURNED: "return", EventKind.RENEWED: "return"}
    return redirect(
        url_for(
            "tablet.visit_log",
            visit_id=visit.id,
            card=request.form.get("card_number") or request.form.get("looked_up") or None,
            focus=focus.get(kind),
            # A browser that goes to an anchor leaves the barcode field without its focus.
            _anchor=None if kind in focus else request.form.get("part") or None,
        )
    )


@blueprint.get("/to-settle")
@roles_allowed(*LOGGERS)
def to_settle() -> ResponseReturnValue:
    """Facts that contradict each other, with ways to settle them; and what was decided before."""
    may_settle = current_user.role in PLANNERS
    if request.args.get("show") == "settled":
        return render_template(
            "tablet/settled.html",
            listing=decisions_listing(),
            kinds=ContradictionKind.choices(),
            label_of_decision=label_of_decision,
            text_of=text_of,
            may_settle=may_settle,
            new_id=new_uuid,
        )
    listing = contradictions_listing()
    return render_template(
        "tablet/to_settle.html",
        listing=listing,
        kinds=ContradictionKind.choices(),
        sides={(row.event_id, row.kind): side_by_side(row) for row in listing.rows},
        choices_for=choices_for,
        page_that_mends=page_that_mends,
        text_of=text_of,
        evidence=evidence_count(),
        may_settle=may_settle,
        new_id=new_uuid,
    )


@blueprint.post("/to-settle")
@roles_allowed(*PLANNERS)
def settle() -> ResponseReturnValue:
    """Do what a person decided about a contradiction, and record it."""
    user: User = current_user._get_current_object()
    row = _asked_contradiction()
    if row is None:
        flash(_("This is settled already."))
        return redirect(url_for("tablet.to_settle"))
    decision, answer = request.form.get("decision", ""), request.form.get("answer", "")
    try:
        sentences = settle_contradiction(row, decision, answer, user, _event_id())
    except (SettlingError, UnreadableEventError) as error:
        db.session.rollback()
        flash(_("Not settled: %(why)s", why=error), "danger")
        return redirect(url_for("tablet.to_settle"))
    flash(" ".join([_("Settled."), *sentences]), "success")
    return redirect(url_for("tablet.to_settle"))


@blueprint.post("/to-settle/undo")
@roles_allowed(*PLANNERS)
def undo_decision() -> ResponseReturnValue:
    """Take a decision back, and every fact that was recorded with it."""
    decision = owned_or_404(Event, _asked_id("decision"))
    if decision.kind != EventKind.SETTLED:
        abort(404)
    take_back(decision, current_user._get_current_object(), _event_id())
    flash(_("Undone."), "success")
    if changed_the_timetable(decision):
        flash(_("The visit stays in the timetable; cancel it on its own page if need be."))
    return redirect(url_for("tablet.to_settle", show="settled"))


@blueprint.get("/evidence")
@roles_allowed(*PLANNERS)
def evidence() -> ResponseReturnValue:
    """What tablets sent and could not be read."""
    return render_template("tablet/evidence.html", listing=evidence_listing(), in_words=in_words)


@blueprint.get("/evidence/<int:record_id>")
@roles_allowed(*PLANNERS)
def evidence_record(record_id: int) -> Response:
    """One record as it came, byte for byte."""
    row = owned_or_404(SetAside, record_id)
    name = f"evidence-{row.id}.bin"
    return Response(
        row.raw,
        mimetype="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


@blueprint.post("/events")
@roles_allowed(*LOGGERS)
def receive_events() -> ResponseReturnValue:
    """Take a batch of a tablet's facts; ``tablet.events`` describes the exchange.

    With ``"tell": true`` the answer also has what a person should read of it, in words.
    """
    user: User = current_user._get_current_object()
    batch = _asked_batch()
    if batch is None:
        set_aside(user.organisation_id, web_tablet(user).id, request.get_data(), "body: no batch")
        db.session.commit()
        words = _("The body must be an object with a list of events.")
        return {"code": "no_batch", "error": words}, 400
    if len(batch["events"]) > MOST_EVENTS:
        words = _("Send at most %(most)s events at once.", most=MOST_EVENTS)
        return {"code": "too_many", "error": words}, 413
    tablet = _tablet_of(user, batch.get("tablet"))
    if tablet is None:
        return {"code": "unknown_tablet", "error": _("This tablet is not enrolled here.")}, 403
    answer = store_events(user.organisation_id, tablet, user.id, batch["events"])
    asides = [
        {"index": aside.index, "id": aside.id, "problem": aside.problem}
        for aside in answer.set_aside
    ]
    held = list(answer.held)
    told = {"told": _told_of_batch(held, batch["events"])} if batch.get("tell") is True else {}
    return {"held": held, "set_aside": asides, **told}


def visit_panel(visit: Visit) -> Markup:
    """What was counted at a visit, for the visit's page; without anybody's name."""
    figures = figures_of(visit.id)
    # Jinja has escaped every value in it.
    return Markup(  # noqa: S704
        render_template("tablet/_visit_panel.html", visit=visit, figures=figures)
    )


def _asked_contradiction() -> Contradiction | None:
    """The contradiction that a form speaks of, while it is there and open."""
    event_id = _asked_id("contradicting")
    try:
        kind = ContradictionKind(request.form.get("contradiction", ""))
    except ValueError:
        abort(400)
    row = db.session.get(Contradiction, (event_id, kind))
    ours = row is not None and row.organisation_id == current_organisation_id()
    return row if ours and row is not None and row.settled_by_id is None else None


def _asked_batch() -> dict[str, Any] | None:
    try:
        batch = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None
    return batch if isinstance(batch, dict) and isinstance(batch.get("events"), list) else None


def _tablet_of(user: User, identity: object) -> Tablet | None:
    """The enrolled tablet of this id, or the person's browser; None for a stranger's."""
    if identity is None:
        return web_tablet(user)
    try:
        tablet = db.session.get(Tablet, uuid.UUID(str(identity)))
    except ValueError:
        return None
    owned = tablet is not None and tablet.organisation_id == user.organisation_id
    return tablet if owned and tablet is not None and tablet.revoked_at is None else None


def _asked_day() -> date:
    return parsed_day(request.args.get("day", "")) or today()


def _asked_kind(*allowed: EventKind) -> EventKind:
    try:
        kind = EventKind(request.form.get("kind", ""))
    except ValueError:
        abort(400)
    if kind not in allowed:
        abort(400)
    return kind


def _payload(form: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields as a payload; the log itself checks them against the kind."""
    payload: dict[str, Any] = {name: form[name].strip() for name in _TEXTS if form.get(name)}
    for name in _WHOLE_NUMBERS:
        typed = form.get(name, "").strip()
        if typed:
            payload[name] = _whole_number(typed)
    if form.get("undoes"):
        payload["undoes"] = form["undoes"]
    if form.get("what"):
        payload["kind"] = form["what"]
    return payload


def _whole_number(typed: str) -> int | str:
    try:
        return int(typed)
    except ValueError:
        return typed


def _difference(visit: Visit, audience: str) -> int | str:
    """A typed total as what must be added to the count that stands; what is no count stays."""
    total = _whole_number(request.form["total"].strip())
    if isinstance(total, str) or total < 0 or audience not in {member.value for member in Audience}:
        return str(total)
    return total - figures_of(visit.id).people.get(Audience(audience), 0)


def _record(
    kind: EventKind,
    *,
    run: Run | None = None,
    visit: Visit | None = None,
    payload: dict[str, Any],
    day: date | None = None,
    planned: datetime | None = None,
) -> RecordOutcome | None:
    """Record; None when a field was wrong, which the person is told."""
    user: User = current_user._get_current_object()
    try:
        recorded_at = _moment(day, planned) if day is not None else None
    except ValueError:
        flash(_("Write the time as 07:30."), "danger")
        return None
    try:
        return record(
            kind,
            user,
            run=run,
            visit=visit,
            payload=payload,
            event_id=_event_id(),
            recorded_at=recorded_at,
        )
    except UnreadableEventError as error:
        current_app.logger.info("not recorded: %s", error)
        name = str(error).partition(":")[0]
        label = _FIELDS.get(name, name)
        flash(_("Not recorded: check the field “%(field)s” and send again.", field=label), "danger")
        return None


def _event_id() -> uuid.UUID:
    """The id the form was shown with, so that sending it twice records once."""
    return _asked_id("event_id")


def _asked_id(name: str) -> uuid.UUID:
    try:
        return uuid.UUID(request.form.get(name, ""))
    except ValueError:
        abort(400)


def _moment(day: date, planned: datetime | None) -> datetime | None:
    """When it happened: typed, or now; paper brought home is dated by the plan.

    Raises ValueError where what was typed is no clock time.
    """
    typed = request.form.get("at", "").strip()
    if typed:
        return at_minutes(day, minutes_of_clock(typed))
    return planned if day < today() else None


def _paper_moment(visit: Visit) -> datetime:
    """When counts brought home on paper are taken to have happened."""
    return visit.departure_at - timedelta(minutes=1)


def _moments(day: date, planned: datetime) -> dict[str, Any]:
    """What the page's script dates its facts by."""
    moment = planned.isoformat() if day < today() else ""
    midnight = at_minutes(day, 0).isoformat()
    return {"now": now().isoformat(), "midnight": midnight, "moment": moment}


def _flash(outcome: RecordOutcome | None) -> None:
    for category, message in told_of(outcome) if outcome is not None else ():
        flash(message, category)


def _told_of_batch(held: Sequence[str], sent: Sequence[Any]) -> list[dict[str, str]]:
    """What each held fact did, and whether any could not be read."""
    outcomes = [outcome_of(uuid.UUID(identity)) for identity in held]
    own = [o for o in outcomes if o.event.organisation_id == current_organisation_id()]
    lines = [line for outcome in own for line in told_of(outcome)]
    if len(held) < len(sent):
        message = _("One entry could not be read. It is kept as evidence; please enter it again.")
        lines.append(("danger", message))
    return [{"category": category, "message": message} for category, message in lines]


def told_of(outcome: RecordOutcome) -> list[tuple[str, str]]:
    """What a person should read of a recorded fact, as categories and messages."""
    if outcome.contradictions:
        return [
            ("warning", _("Recorded, and to be settled later: %(what)s.", what=found.kind.label))
            for found in outcome.contradictions
        ]
    message = _success_of(outcome)
    return [("success", message)] if message else []


def _success_of(outcome: RecordOutcome) -> str:
    kind = outcome.event.kind
    if kind == EventKind.RETURNED:
        return _("Returned: %(name)s.", name=_title_of(outcome))
    if kind == EventKind.UNDO:
        return _("Undone.")
    if outcome.loan is None or kind not in {EventKind.LENT, EventKind.RENEWED}:
        return ""
    name, due = _title_of(outcome), format_day(outcome.loan.due_on)
    if kind == EventKind.LENT:
        return _("Lent: %(name)s. Due on %(day)s.", name=name, day=due)
    return _("Renewed: %(name)s. Due on %(day)s.", name=name, day=due)


def _title_of(outcome: RecordOutcome) -> str:
    loan = outcome.loan
    if loan is not None and loan.copy is not None:
        return loan.copy.title.name
    return outcome.event.barcode or ""
