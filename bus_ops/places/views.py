"""Pages of places: list, map, a place, its position, administrative units, importing a list."""

from __future__ import annotations

from collections.abc import Callable
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
from flask_babel import ngettext
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from schedules.exchange.spreadsheet import Table, TableProblem, UnreadableTableError, read_table
from schedules.searching import search_key

from ..accounts.access import EVERYONE, PLANNERS, roles_allowed
from ..clock_fields import windows_in_words
from ..database import current_organisation_id, db, owned, owned_or_404
from ..incoming import asked_number
from ..maps import MapStop, map_script, places_map
from ..tables import Listing
from .forms import PlaceForm, PositionForm, UploadForm
from .geocoding import (
    GeocoderError,
    find_position,
    geocoder_is_on,
    next_to_look_up,
    waiting_count,
)
from .importing import REMEDIES, apply_plan, plan_places
from .list_columns import FIELDS, guessed_mapping, remember_mapping, remembered_mapping
from .models import (
    AdministrativeUnit,
    Place,
    PlaceKind,
    PlaceUnit,
    PositionQuality,
    SchoolLevel,
    UnitLevel,
    UploadedFile,
)
from .outlines import todays_outlines
from .positions import Source, doubt_about, put_at, source_in_words, source_of
from .regions import REGIONS, Region, add_region
from .removing import delete_place, is_used
from .units import has_units, places_inside

blueprint = Blueprint("places", __name__, url_prefix="/places")

UPLOAD_PURPOSE = "places"
# Each takes some seconds, and somebody waits.
LOOKED_UP_TOGETHER = 10


@blueprint.get("/")
@roles_allowed(*EVERYONE)
def place_list() -> ResponseReturnValue:
    """Every place, searched by name, address, commune and former district."""
    query = _filtered(select(Place).options(joinedload(Place.commune)))
    query = query.outerjoin(AdministrativeUnit, Place.commune_id == AdministrativeUnit.id)
    sorts = {
        # The key begins with the name, and sorts Đ after D rather than after Z.
        "name": Place.search_key,
        "kind": Place.kind,
        "commune": AdministrativeUnit.search_key,
        "position": Place.position_quality,
    }
    return render_template(
        "places/list.html",
        listing=Listing(query, sorts, "name", Place.search_key),
        kinds=PlaceKind.choices(),
        levels=SchoolLevel.choices(),
        qualities=PositionQuality.choices(),
        communes=_communes_with_places(),
        map_arguments=dict(request.args),
        waiting=_waiting_for_geocoder(),
        look_up_count=LOOKED_UP_TOGETHER,
        no_units=not has_units(current_organisation_id()),
    )


@blueprint.get("/map.js")
@roles_allowed(*EVERYONE)
def places_map_script() -> Response:
    """The map of all places, filtered like the list."""
    query = _filtered(select(Place).options(joinedload(Place.commune)))
    typed = Listing(query, {"name": Place.search_key}, "name", Place.search_key, per_page=5000)
    points = [
        MapStop(
            number="",
            name=place.name,
            lat=place.lat,
            lon=place.lon,
            detail=_map_detail(place),
            href=url_for("places.place_page", place_id=place.id),
        )
        for place in typed.rows
        if place.lat is not None
    ]
    return map_script(places_map("places", points, todays_outlines()))


@blueprint.get("/<int:place_id>")
@roles_allowed(*EVERYONE)
def place_page(place_id: int) -> ResponseReturnValue:
    """Everything about a place."""
    place = owned_or_404(Place, place_id)
    panels: list[Callable[[Place], Markup]] = current_app.extensions.get("place_panels", [])
    may_plan = current_user.role in PLANNERS
    return render_template(
        "places/place.html",
        place=place,
        panels=[panel(place) for panel in panels],
        units=_units_of(place),
        windows_in_words=windows_in_words,
        position_source=source_in_words(place.position_source),
        source=source_in_words(place.source),
        may_plan=may_plan,
        may_geocode=geocoder_is_on(),
        is_used=may_plan and is_used(place),
    )


@blueprint.get("/<int:place_id>/map.js")
@roles_allowed(*EVERYONE)
def place_map_script(place_id: int) -> Response:
    """A map of one place with its commune's outline."""
    place = owned_or_404(Place, place_id)
    points = []
    if place.lat is not None and place.lon is not None:
        points = [MapStop("", place.name, place.lat, place.lon, detail=_map_detail(place))]
    return map_script(places_map("place", points, todays_outlines(place.commune_id)))


@blueprint.route("/new", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def new_place() -> ResponseReturnValue:
    """Make a place."""
    form = PlaceForm()
    if form.validate_on_submit():
        place = Place(organisation_id=current_organisation_id())
        form.apply_to(place)
        db.session.commit()
        flash(_("Saved. Now show where it is."), "success")
        return redirect(url_for("places.set_position", place_id=place.id))
    return _place_form(form, None)


@blueprint.route("/<int:place_id>/edit", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_place(place_id: int) -> ResponseReturnValue:
    """Change a place."""
    place = owned_or_404(Place, place_id)
    form = PlaceForm(place)
    if form.validate_on_submit():
        form.apply_to(place)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("places.place_page", place_id=place.id))
    return _place_form(form, place)


@blueprint.post("/<int:place_id>/enabled")
@roles_allowed(*PLANNERS)
def enable_place(place_id: int) -> ResponseReturnValue:
    """Take a place out of use, or into use again."""
    place = owned_or_404(Place, place_id)
    place.enabled = request.form.get("enabled") == "yes"
    db.session.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("places.place_page", place_id=place.id))


@blueprint.post("/<int:place_id>/delete")
@roles_allowed(*PLANNERS)
def remove_place(place_id: int) -> ResponseReturnValue:
    """Delete a place that nothing stands on yet."""
    place = owned_or_404(Place, place_id)
    name = place.name
    if not delete_place(place):
        flash(_("Stops or figures stand on this place. Take it out of use instead."), "warning")
        return redirect(url_for("places.place_page", place_id=place_id))
    db.session.commit()
    flash(_("%(name)s is deleted.", name=name), "success")
    return redirect(url_for("places.place_list"))


@blueprint.route("/<int:place_id>/position", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def set_position(place_id: int) -> ResponseReturnValue:
    """Say where a place is by tapping the map."""
    place = owned_or_404(Place, place_id)
    form = PositionForm(obj=place)
    if form.validate_on_submit():
        put_at(place, form.position, PositionQuality.EXACT, source_of(Source.TAPPED))
        db.session.commit()
        flash(_("The position is kept."), "success")
        _flash_doubt(place)
        return redirect(url_for("places.place_page", place_id=place.id))
    return render_template("places/position.html", form=form, place=place)


@blueprint.post("/<int:place_id>/geocode")
@roles_allowed(*PLANNERS)
def geocode_place(place_id: int) -> ResponseReturnValue:
    """Ask the geocoder for the address."""
    place = owned_or_404(Place, place_id)
    try:
        found = find_position(place)
    except GeocoderError:
        db.session.rollback()
        _flash_geocoder_silent()
        return redirect(url_for("places.place_page", place_id=place_id))
    db.session.commit()
    if found:
        flash(_("Found. Check it on the map and correct it with a tap."), "success")
        _flash_doubt(place)
    else:
        flash(_("The geocoder does not know this address. Tap the map instead."), "warning")
    return redirect(url_for("places.set_position", place_id=place.id))


@blueprint.post("/geocode-next")
@roles_allowed(*PLANNERS)
def geocode_missing() -> ResponseReturnValue:
    """Ask the geocoder for the next places without a position of their own, a few at a time."""
    found = asked = 0
    for place in next_to_look_up(current_organisation_id(), LOOKED_UP_TOGETHER):
        try:
            found += find_position(place)
        except GeocoderError:
            db.session.rollback()
            _flash_geocoder_silent()
            break
        asked += 1
        db.session.commit()
    message = ngettext(
        "%(num)s position found of %(asked)s asked for; %(left)s wait.",
        "%(num)s positions found of %(asked)s asked for; %(left)s wait.",
        found,
        asked=asked,
        left=waiting_count(current_organisation_id()),
    )
    flash(message, "info")
    quality = request.form.get("quality", PositionQuality.MISSING.value)
    return redirect(url_for("places.place_list", quality=quality))


@blueprint.get("/units")
@roles_allowed(*EVERYONE)
def unit_list() -> ResponseReturnValue:
    """Administrative units of every map."""
    counts = (
        select(PlaceUnit.unit_id, func.count().label("places"))
        .group_by(PlaceUnit.unit_id)
        .subquery()
    )
    query = (
        select(AdministrativeUnit, func.coalesce(counts.c.places, 0))
        .outerjoin(counts, counts.c.unit_id == AdministrativeUnit.id)
        .where(AdministrativeUnit.organisation_id == current_organisation_id())
        .options(joinedload(AdministrativeUnit.parent))
    )
    level = request.args.get("level", "")
    if level in {member.value for member in UnitLevel}:
        query = query.where(AdministrativeUnit.level == UnitLevel(level))
    when = request.args.get("when", "today")
    if when in {"today", "former"}:
        ended = AdministrativeUnit.valid_until.is_not(None)
        query = query.where(ended if when == "former" else ~ended)
    sorts = {"name": AdministrativeUnit.search_key, "code": AdministrativeUnit.code}
    return render_template(
        "places/units.html",
        listing=Listing(query, sorts, "name", AdministrativeUnit.search_key),
        levels=UnitLevel.choices(),
        level=level,
        when=when,
        regions=_regions_to_add(),
    )


@blueprint.post("/units/add")
@roles_allowed(*PLANNERS)
def add_known_region() -> ResponseReturnValue:
    """Add the units of a region that come with the app."""
    region = REGIONS.get(request.form.get("region", ""))
    if region is None:
        abort(400)
    added = add_region(current_organisation_id(), region)
    db.session.commit()
    flash(ngettext("%(num)s unit added.", "%(num)s units added.", added.count), "success")
    return redirect(url_for("places.unit_list"))


@blueprint.get("/units/<int:unit_id>")
@roles_allowed(*EVERYONE)
def unit_page(unit_id: int) -> ResponseReturnValue:
    """A unit and the places in it (a district's through its communes)."""
    unit = owned_or_404(AdministrativeUnit, unit_id)
    query = owned(Place).where(Place.id.in_(places_inside(unit.id)))
    listing = Listing(
        query, {"name": Place.search_key, "kind": Place.kind}, "name", Place.search_key
    )
    return render_template("places/unit.html", unit=unit, listing=listing)


@blueprint.route("/import", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def import_list() -> ResponseReturnValue:
    """Upload a list of places."""
    form = UploadForm()
    if form.validate_on_submit():
        upload = form.file.data
        data, name = upload.read(), (upload.filename or "")[:255]
        try:
            read_table(data, name)
        except UnreadableTableError as error:
            form.file.errors = [_table_sentence(error.problem)]
            return render_template("places/import.html", form=form), 400
        db.session.execute(db.delete(UploadedFile).where(*_own_uploads()))
        kept = UploadedFile(
            organisation_id=current_organisation_id(),
            user_id=current_user.id,
            purpose=UPLOAD_PURPOSE,
            file_name=name,
            data=data,
        )
        db.session.add(kept)
        db.session.commit()
        return redirect(url_for("places.import_columns"))
    return render_template("places/import.html", form=form)


@blueprint.route("/import/columns", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def import_columns() -> ResponseReturnValue:
    """Say which column means what; remembered for the next such file."""
    upload, table = _upload()
    if upload is None or table is None:
        return redirect(url_for("places.import_list"))
    organisation_id = current_organisation_id()
    if request.method == "POST":
        chosen = {
            header: request.form.get(f"column-{number}", "")
            for number, header in enumerate(table.headers)
        }
        mapping = {header: field for header, field in chosen.items() if field in FIELDS}
        if "name" not in mapping.values():
            flash(_("Say which column holds the name."), "danger")
        elif len(set(mapping.values())) < len(mapping):
            flash(_("Two columns mean the same field; choose one of them."), "danger")
        else:
            remember_mapping(organisation_id, table.headers, mapping)
            upload.options = {"mapping": mapping}
            db.session.commit()
            return redirect(url_for("places.import_preview"))
    remembered = remembered_mapping(organisation_id, table.headers)
    return render_template(
        "places/import_columns.html",
        upload=upload,
        table=table,
        fields=[(name, label) for name, (label, _words) in FIELDS.items()],
        mapping=remembered or guessed_mapping(table.headers),
        remembered=remembered is not None,
    )


@blueprint.route("/import/preview", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def import_preview() -> ResponseReturnValue:
    """The dry run; posting it takes the places in."""
    upload, table = _upload()
    if upload is None or table is None or "mapping" not in upload.options:
        return redirect(url_for("places.import_list"))
    plan = plan_places(
        table, upload.file_name, upload.options["mapping"], current_organisation_id()
    )
    if request.method == "POST":
        written = apply_plan(plan, current_organisation_id())
        db.session.delete(upload)
        db.session.commit()
        flash(ngettext("%(num)s place taken.", "%(num)s places taken.", written), "success")
        return redirect(url_for("places.place_list"))
    return render_template("places/import_preview.html", plan=plan, remedies=REMEDIES)


def _own_uploads() -> tuple[Any, ...]:
    return (
        UploadedFile.organisation_id == current_organisation_id(),
        UploadedFile.user_id == current_user.id,
        UploadedFile.purpose == UPLOAD_PURPOSE,
    )


def _upload() -> tuple[UploadedFile | None, Table | None]:
    upload = db.session.scalar(select(UploadedFile).where(*_own_uploads()))
    if upload is None:
        return None, None
    return upload, read_table(upload.data, upload.file_name)


def _table_sentence(problem: TableProblem) -> str:
    match problem:
        case TableProblem.EMPTY:
            return _("The file is empty. Choose another one.")
        case TableProblem.NO_HEADER:
            return _("The first line must name the columns.")
        case TableProblem.TOO_LARGE:
            return _("The file is too large. Split it into several.")
        case TableProblem.NOT_A_SPREADSHEET:
            return _("This is neither CSV nor XLSX. Save it from the spreadsheet as one of them.")


def _filtered(query: Select[Any]) -> Select[Any]:
    """Places of the library that the filters of the address ask for."""
    query = query.where(Place.organisation_id == current_organisation_id())
    kind, level, quality = (request.args.get(name, "") for name in ("kind", "level", "quality"))
    if kind in {member.value for member in PlaceKind}:
        query = query.where(Place.kind == PlaceKind(kind))
    if level in {member.value for member in SchoolLevel}:
        query = query.where(Place.level == SchoolLevel(level))
    if quality in {member.value for member in PositionQuality}:
        query = query.where(Place.position_quality == PositionQuality(quality))
    commune_id = asked_number("commune")
    if commune_id:
        query = query.where(Place.commune_id == commune_id)
    return query


def _communes_with_places() -> list[tuple[int, str]]:
    used = select(Place.commune_id).where(Place.organisation_id == current_organisation_id())
    query = owned(AdministrativeUnit).where(AdministrativeUnit.id.in_(used))
    units = sorted(db.session.scalars(query), key=lambda unit: search_key(unit.name))
    return [(unit.id, unit.full_name) for unit in units]


def _place_form(form: PlaceForm, place: Place | None) -> str:
    no_units = not has_units(current_organisation_id())
    return render_template("places/form.html", form=form, place=place, no_units=no_units)


def _regions_to_add() -> list[Region]:
    """Regions to offer: a library that has units already has chosen."""
    may_add = current_user.role in PLANNERS and not has_units(current_organisation_id())
    return list(REGIONS.values()) if may_add else []


def _waiting_for_geocoder() -> int:
    """Places to look up, where the list shows them and looking up is possible."""
    shown = request.args.get("quality") in {PositionQuality.MISSING, PositionQuality.APPROXIMATE}
    if not shown or not geocoder_is_on() or current_user.role not in PLANNERS:
        return 0
    return waiting_count(current_organisation_id())


def _flash_geocoder_silent() -> None:
    if geocoder_is_on():
        flash(_("The geocoder did not answer. Try again later, or tap the map."), "warning")
    else:
        flash(_("Looking up addresses is switched off in the settings. Tap the map."), "warning")


def _flash_doubt(place: Place) -> None:
    doubt = doubt_about(place)
    if doubt:
        flash(doubt, "warning")


def _units_of(place: Place) -> list[AdministrativeUnit]:
    query = (
        owned(AdministrativeUnit)
        .join(PlaceUnit, PlaceUnit.unit_id == AdministrativeUnit.id)
        .where(PlaceUnit.place_id == place.id)
        .options(joinedload(AdministrativeUnit.parent))
        .order_by(AdministrativeUnit.valid_from.desc())
    )
    return list(db.session.scalars(query))


def _map_detail(place: Place) -> str:
    where = place.commune.full_name if place.commune else place.community
    if place.position_quality == PositionQuality.APPROXIMATE:
        return f"{where} · {_('approximate position')}"
    return where
