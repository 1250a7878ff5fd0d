"""Pages of what is kept of a reader: all of it to look at or to hand over, and its erasure."""

from __future__ import annotations

import json
from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField

from ..accounts.access import PLANNERS, roles_allowed, signed_in_user
from ..accounts.audit import AuditKind, audited, write_down
from ..accounts.models import Organisation
from ..base_form import BaseForm
from ..circulation.models import Reader
from ..database import db, owned_or_404
from ..workbooks import as_file
from .erasing import ErasingError, erase, kept_of

blueprint = Blueprint("privacy", __name__, url_prefix="/readers")


class ErasingForm(BaseForm):
    """Who asked for it: a child's right is exercised by the legal representative."""

    asked_by = RadioField(
        _l("Who asked for it"),
        choices=[
            ("reader", _l("The reader, 16 or older")),
            ("representative", _l("The legal representative of a child")),
            ("library", _l("The library: the data is no longer needed")),
        ],
        default="representative",
    )


@blueprint.get("/<int:reader_id>/data")
@roles_allowed(*PLANNERS)
@audited(AuditKind.LOOKED)
def reader_data(reader_id: int) -> ResponseReturnValue:
    """Everything that is kept of a reader."""
    reader = owned_or_404(Reader, reader_id)
    library = db.session.get_one(Organisation, reader.organisation_id)
    return render_template(
        "privacy/reader_data.html", kept=kept_of(reader), form=ErasingForm(), library=library
    )


@blueprint.get("/<int:reader_id>/data.json")
@roles_allowed(*PLANNERS)
@audited(AuditKind.EXPORTED)
def export_reader_data(reader_id: int) -> ResponseReturnValue:
    """The same as a file, to be handed over to whom it is about."""
    kept = kept_of(owned_or_404(Reader, reader_id))
    text = json.dumps(kept.as_json(), ensure_ascii=False, indent=2, default=_plain)
    return as_file(text.encode(), f"reader-{reader_id}.json", "application/json")


@blueprint.post("/<int:reader_id>/erase")
@roles_allowed(*PLANNERS)
def erase_reader(reader_id: int) -> ResponseReturnValue:
    """Erase a reader and what names them."""
    reader = owned_or_404(Reader, reader_id)
    form = ErasingForm()
    where = url_for("privacy.reader_data", reader_id=reader_id)
    if not form.validate_on_submit():
        flash(_("Say who asked for it."), "danger")
        return redirect(where)
    try:
        erase(reader)
    except ErasingError as error:
        db.session.rollback()
        flash(str(error), "danger")
        return redirect(where)
    user = signed_in_user()
    # The entry must not keep what was to be erased.
    what = f"{AuditKind.ERASED.value}: reader {reader_id}, {form.asked_by.data}"
    write_down(AuditKind.ERASED, what, user.organisation_id, user.id)
    db.session.commit()
    flash(_("Erased. Loans are counted on without a name."), "success")
    return redirect(url_for("circulation.readers"))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
