"""Pages of circulation."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ..accounts.access import EVERYONE, roles_allowed

blueprint = Blueprint("circulation", __name__, url_prefix="/circulation")


@blueprint.get("/overview")
@roles_allowed(*EVERYONE)
def overview() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")
