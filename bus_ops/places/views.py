"""Pages of places."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ..accounts.access import EVERYONE, roles_allowed

blueprint = Blueprint("places", __name__, url_prefix="/places")


@blueprint.get("/place_list")
@roles_allowed(*EVERYONE)
def place_list() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")
