"""Pages and feeds for anybody: when the van comes, in both languages."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import segno
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from schedules.exchange.geojson_stops import feature_collection
from schedules.searching import search_key

from ..accounts.access import open_to_all
from ..config import LANGUAGES
from ..database import Model, owned_or_404
from ..fleet.models import Van
from ..i18n import today
from ..incoming import asked_number, asked_search
from ..maps import MapStop, map_script, places_map
from ..places.models import AdministrativeUnit
from ..places.outlines import todays_outlines
from ..tables import matches
from ..timetable.models import Stop, Visit, VisitStatus
from . import feeds
from .addressed import IN_LANGUAGE, library_or_404, speak_the_addressed_language
from .caching import init_caching, kept_for_all
from .open_timetable import (
    AHEAD,
    BEHIND,
    OpenStop,
    by_day,
    communes_served,
    open_stop,
    open_stops,
    open_visits,
    with_next_visits,
)
from .openapi import description

blueprint = Blueprint("public", __name__, url_prefix=f"/public/{IN_LANGUAGE}")
speak_the_addressed_language(blueprint)
# The way in, for whoever knows no language yet.
entrance = Blueprint("public_entrance", __name__, url_prefix="/public")

# Days whose visits the first page lists; a stop's own page lists all.
SHOWN = timedelta(weeks=2)
LISTED_BY_DEFAULT = timedelta(weeks=4)
CSV = "text/csv; charset=utf-8"
_API_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    init_caching(state.app)


@entrance.get("/")
@open_to_all
def enter() -> ResponseReturnValue:
    """To the timetable in the language that is ours first."""
    return redirect(url_for("public.timetable", language=LANGUAGES[0]))


@blueprint.get("/")
@open_to_all
@kept_for_all
def timetable() -> ResponseReturnValue:
    """Where the van is today, the coming days, and every stop with its next visit."""
    commune_id = asked_number("commune")
    every = open_stops(library_or_404().id, today())
    stops = [s for s in every if commune_id in (None, s.place.commune_id) and _is_found(s)]
    ids = {stop.id for stop in stops}
    coming = [visit for visit in _coming_visits() if visit.stop_id in ids]
    days = by_day([visit for visit in coming if visit.day <= today() + SHOWN])
    return render_template(
        "public/timetable.html",
        stops=with_next_visits(stops, coming),
        todays=next((one for one in days if one.day == today()), None),
        days=[one for one in days if one.day != today()],
        communes=communes_served(every),
        commune_id=commune_id,
        typed=asked_search(),
        vans=_vans_of(every),
        cancelled=VisitStatus.CANCELLED,
        map_arguments={"commune": commune_id} if commune_id else {},
    )


@blueprint.get("/map.js")
@open_to_all
@kept_for_all
def timetable_map() -> ResponseReturnValue:
    """The Folium map of the stops."""
    stops = open_stops(library_or_404().id, today(), asked_number("commune"))
    points = [
        MapStop("", stop.place.name, position.lat, position.lon, href=_page(stop))
        for stop in stops
        if (position := stop.place.position) is not None
    ]
    return map_script(places_map("stops", points, todays_outlines()))


@blueprint.get("/stops/<int:stop_id>")
@open_to_all
@kept_for_all
def stop_page(stop_id: int) -> ResponseReturnValue:
    """A stop and its coming visits."""
    stop = _stop_or_404(stop_id)
    return render_template(
        "public/stop.html",
        stop=stop,
        visits=_coming_visits([stop_id]),
        cancelled=VisitStatus.CANCELLED,
    )


@blueprint.get("/stops/<int:stop_id>/poster")
@open_to_all
@kept_for_all
def poster(stop_id: int) -> ResponseReturnValue:
    """An A4 sheet for the notice board: the coming visits, and a code that leads to the page."""
    stop = _stop_or_404(stop_id)
    coming = [v for v in _coming_visits([stop_id]) if v.plan_status != VisitStatus.CANCELLED]
    return render_template("public/poster.html", stop=stop, visits=coming)


@blueprint.get("/stops/<int:stop_id>/code.svg")
@open_to_all
@kept_for_all
def code_of_stop(stop_id: int) -> ResponseReturnValue:
    """The QR picture of the stop's page."""
    _stop_or_404(stop_id)
    address = url_for("public.stop_page", stop_id=stop_id, _external=True)
    picture = io.BytesIO()
    segno.make_qr(address, error="m").save(picture, kind="svg", scale=6, light="#fff")
    return Response(picture.getvalue(), mimetype="image/svg+xml")


@blueprint.get("/stops/<int:stop_id>/calendar.ics")
@open_to_all
@kept_for_all
def stop_calendar(stop_id: int) -> ResponseReturnValue:
    """A stop's visits to subscribe to."""
    stop = _stop_or_404(stop_id)
    return _calendar(_("Library van: %(place)s", place=stop.place.name), stop_ids=[stop_id])


@blueprint.get("/communes/<int:unit_id>/calendar.ics")
@open_to_all
@kept_for_all
def commune_calendar(unit_id: int) -> ResponseReturnValue:
    """A commune's visits to subscribe to."""
    unit = _library_row(AdministrativeUnit, unit_id)
    return _calendar(_("Library van: %(place)s", place=unit.full_name), commune_id=unit_id)


@blueprint.get("/vans/<int:van_id>/calendar.ics")
@open_to_all
@kept_for_all
def van_calendar(van_id: int) -> ResponseReturnValue:
    """A van's visits to subscribe to."""
    van = _library_row(Van, van_id)
    return _calendar(van.display_name, van_id=van_id)


@blueprint.get("/stops.geojson")
@open_to_all
@kept_for_all
def stops_geojson() -> ResponseReturnValue:
    """The stops with their next visit, for maps."""
    points = feeds.stop_points(_stops_with_next_visit(), g.page_language)
    return _open_data(feature_collection(points), "application/geo+json")


@blueprint.get("/timetable.csv")
@open_to_all
@kept_for_all
def timetable_csv() -> ResponseReturnValue:
    """The timetable in the mobile library schema."""
    stops = open_stops(library_or_404().id, today())
    document = feeds.mobile_library_csv(stops, _coming_visits(), library_or_404())
    answer = Response(document, content_type=CSV)
    answer.headers["Content-Disposition"] = 'attachment; filename="mobile-library.csv"'
    return _open_to_other_sites(answer)


@blueprint.get("/gtfs.zip")
@open_to_all
@kept_for_all
def timetable_gtfs() -> ResponseReturnValue:
    """The timetable for route planners."""
    document = feeds.gtfs_of(_coming_visits(), library_or_404(), g.page_language)
    if document is None:
        abort(404)
    answer = Response(document, mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="mobile-library-gtfs.zip"'
    return _open_to_other_sites(answer)


@blueprint.get("/api/stops")
@open_to_all
@kept_for_all
def api_stops() -> ResponseReturnValue:
    """Stops for programs."""
    stops = _stops_with_next_visit(_number_or_400("commune"))
    facts = [feeds.stop_facts(one, g.page_language) for one in stops]
    return _open_data(feeds.as_mapping(facts, "stops"))


@blueprint.get("/api/visits")
@open_to_all
@kept_for_all
def api_visits() -> ResponseReturnValue:
    """Visits for programs."""
    first = _day_or_400("first") or today()
    last = _day_or_400("last") or _later(first, LISTED_BY_DEFAULT)
    stop_id = _number_or_400("stop")
    visits = open_visits(
        library_or_404().id,
        first,
        min(last, _later(first, AHEAD)),
        stop_ids=None if stop_id is None else [stop_id],
    )
    facts = [feeds.visit_facts(visit, g.page_language) for visit in visits]
    return _open_data(feeds.as_mapping(facts, "visits"))


@blueprint.get("/api/openapi.json")
@open_to_all
@kept_for_all
def api_description() -> ResponseReturnValue:
    """The API's description."""
    server = url_for("public.timetable", _external=True).rstrip("/")
    return _open_data(description(server, current_app.config["VERSION"], library_or_404().name))


def _library_row(model: type[Model], key: int) -> Model:
    """The row with this key if it is the library's; otherwise a 404."""
    library_or_404()
    return owned_or_404(model, key)


def _coming_visits(stop_ids: Iterable[int] | None = None) -> list[Visit]:
    """From today on as far as people look ahead, of some stops or of all."""
    return open_visits(library_or_404().id, today(), today() + AHEAD, stop_ids=stop_ids)


def _stops_with_next_visit(commune_id: int | None = None) -> list[OpenStop]:
    return with_next_visits(open_stops(library_or_404().id, today(), commune_id), _coming_visits())


def _stop_or_404(stop_id: int) -> Stop:
    stop = open_stop(library_or_404().id, stop_id)
    if stop is None:
        abort(404)
    return stop


def _is_found(stop: Stop) -> bool:
    place = stop.place
    return matches(asked_search(), f"{place.name} {place.address} {place.commune_name}")


def _vans_of(stops: Iterable[Stop]) -> list[Van]:
    vans = {stop.van for stop in stops}
    return sorted(vans, key=lambda van: search_key(van.display_name))


def _page(stop: Stop) -> str:
    return url_for("public.stop_page", stop_id=stop.id)


def _calendar(name: str, **which: Any) -> Response:
    visits = open_visits(library_or_404().id, today() - BEHIND, today() + AHEAD, **which)
    answer = Response(
        feeds.calendar_of(name, g.page_language, visits),
        content_type="text/calendar; charset=utf-8",
    )
    return _open_to_other_sites(answer)


def _open_data(document: dict[str, Any], mimetype: str = "application/json") -> Response:
    text = json.dumps(document, ensure_ascii=False)
    return _open_to_other_sites(Response(text, mimetype=mimetype))


def _open_to_other_sites(answer: Response) -> Response:
    """Other sites' scripts may read open data."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _number_or_400(name: str) -> int | None:
    if not request.args.get(name):
        return None
    number = asked_number(name)
    if number is None:
        abort(_refusal(name, _("It must be a whole number above 0.")))
    return number


def _day_or_400(name: str) -> date | None:
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        # Any day there is: far from ours there are no visits, and that is the answer.
        day = date.fromisoformat(text) if _API_DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        abort(_refusal(name, _("Write days as 2026-11-24.")))
    return day


def _later(day: date, by: timedelta) -> date:
    """That much later, or the last day there is."""
    return day + by if date.max - day > by else date.max


def _refusal(name: str, remedy: str) -> Response:
    answer = current_app.json.response({"error": f"{name}: {remedy}"})
    answer.status_code = 400
    return answer
