"""Pages of fleet and crew."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ..accounts.access import EVERYONE, roles_allowed

blueprint = Blueprint("fleet", __name__, url_prefix="/fleet")


@blueprint.get("/overview")
@roles_allowed(*EVERYONE)
def overview() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")
