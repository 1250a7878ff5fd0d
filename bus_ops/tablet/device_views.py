"""The coordinator's pages of tablets: enrol by a QR picture, revoke, and upload a file of facts."""

from __future__ import annotations

import uuid

import segno
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from ..accounts.access import LOGGERS, PLANNERS, roles_allowed
from ..base_form import BaseForm
from ..database import current_organisation_id, db, now, owned
from ..fleet.models import Van
from ..fleet.queries import vans_by_name
from .enrolment import (
    CODE_VALID,
    awaits_enrolment,
    is_enrolled,
    new_code,
    owned_tablet_or_404,
)
from .facts_file import FactsFileError, take_facts_file
from .log import look_again_at_tablet
from .models import Photo, Tablet

blueprint = Blueprint("tablet_devices", __name__, url_prefix="/tablet/devices")


class TabletForm(BaseForm):
    """A tablet's name, and the van it rides with."""

    name = StringField(
        _l("Name of the tablet"), [DataRequired(_l("Enter a name.")), Length(max=120)]
    )
    van_id = SelectField(_l("Rides with"), coerce=int)

    def __init__(self) -> None:
        super().__init__()
        self.van_id.choices = [
            (0, _("any van")),
            *((van.id, van.display_name) for van in vans_by_name() if van.enabled),
        ]


@blueprint.route("/", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def device_list() -> ResponseReturnValue:
    """Every tablet: when it was last seen, what it holds unsent; and a form for a new one."""
    form = TabletForm()
    if form.validate_on_submit():
        tablet = Tablet(
            organisation_id=current_organisation_id(),
            name=form.name.data or "",
            van_id=form.van_id.data or None,
        )
        db.session.add(tablet)
        db.session.flush()
        return _show_code(tablet)
    query = owned(Tablet).where(Tablet.credential_hash != "").order_by(Tablet.name, Tablet.id)
    tablets = list(db.session.scalars(query))
    return render_template(
        "tablet/devices.html",
        form=form,
        tablets=tablets,
        vans={van.id: van.display_name for van in db.session.scalars(owned(Van))},
        is_enrolled=is_enrolled,
        awaits_enrolment=awaits_enrolment,
    )


@blueprint.post("/<uuid:tablet_id>/code")
@roles_allowed(*PLANNERS)
def show_code(tablet_id: uuid.UUID) -> ResponseReturnValue:
    """A new code for a tablet that is not enrolled yet, or must be enrolled anew."""
    return _show_code(owned_tablet_or_404(tablet_id, current_organisation_id()))


@blueprint.post("/<uuid:tablet_id>/revoke")
@roles_allowed(*PLANNERS)
def revoke(tablet_id: uuid.UUID) -> ResponseReturnValue:
    """A lost tablet reads nothing any more; what it had not sent is still taken."""
    tablet = owned_tablet_or_404(tablet_id, current_organisation_id())
    tablet.revoked_at = now()
    look_again_at_tablet(tablet)
    db.session.commit()
    flash(_("%(name)s is revoked. What it has not sent yet is still taken.", name=tablet.name))
    return redirect(url_for("tablet_devices.device_list"))


@blueprint.post("/<uuid:tablet_id>/restore")
@roles_allowed(*PLANNERS)
def restore(tablet_id: uuid.UUID) -> ResponseReturnValue:
    """The tablet was found again."""
    tablet = owned_tablet_or_404(tablet_id, current_organisation_id())
    tablet.revoked_at = None
    look_again_at_tablet(tablet)
    db.session.commit()
    flash(_("%(name)s may work again.", name=tablet.name), "success")
    return redirect(url_for("tablet_devices.device_list"))


@blueprint.post("/facts-file")
@roles_allowed(*PLANNERS)
def upload_facts_file() -> ResponseReturnValue:
    """Take the file that a tablet saved because it could not send."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        flash(_("Choose the file first."), "danger")
        return redirect(url_for("tablet_devices.device_list"))
    try:
        taken = take_facts_file(upload.read(), current_organisation_id())
    except FactsFileError as error:
        flash(str(error), "danger")
        return redirect(url_for("tablet_devices.device_list"))
    flash(
        ngettext(
            "%(num)s fact of %(name)s is held now.",
            "%(num)s facts of %(name)s are held now.",
            len(taken.answer.held),
            name=taken.tablet.name,
        ),
        "success",
    )
    if taken.answer.set_aside:
        flash(
            ngettext(
                "%(num)s record could not be read; it is kept as evidence.",
                "%(num)s records could not be read; they are kept as evidence.",
                len(taken.answer.set_aside),
            ),
            "warning",
        )
    return redirect(url_for("tablet_devices.device_list"))


@blueprint.get("/photos/<uuid:event_id>")
@roles_allowed(*LOGGERS)
def photo(event_id: uuid.UUID) -> ResponseReturnValue:
    """The picture of a fact, for people who log or plan."""
    query = select(Photo.data, Photo.content_type).where(
        Photo.event_id == event_id, Photo.organisation_id == current_organisation_id()
    )
    held = db.session.execute(query).one_or_none()
    if held is None:
        abort(404)
    answer = Response(held.data, mimetype=held.content_type)
    answer.headers["Content-Disposition"] = "inline"
    return answer


def _show_code(tablet: Tablet) -> ResponseReturnValue:
    link = url_for("tablet_app.shell", _external=True) + f"#enrol={new_code(tablet)}"
    db.session.commit()
    picture = segno.make_qr(link, error="m").svg_inline(
        scale=6, border=4, svgclass="qr", lineclass=None, omitsize=True
    )
    return render_template(
        "tablet/enrol.html",
        tablet=tablet,
        link=link,
        picture=picture,
        minutes=int(CODE_VALID.total_seconds() // 60),
    )
