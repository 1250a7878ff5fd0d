"""Pages of the timetable."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ..accounts.access import EVERYONE, roles_allowed

blueprint = Blueprint("timetable", __name__, url_prefix="/timetable")


@blueprint.get("/month")
@roles_allowed(*EVERYONE)
def month() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")


@blueprint.get("/term_list")
@roles_allowed(*EVERYONE)
def term_list() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")
