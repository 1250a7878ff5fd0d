"""Pages of the crew's day."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ..accounts.access import EVERYONE, roles_allowed

blueprint = Blueprint("tablet", __name__, url_prefix="/tablet")


@blueprint.get("/today")
@roles_allowed(*EVERYONE)
def today() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")


@blueprint.get("/to_settle")
@roles_allowed(*EVERYONE)
def to_settle() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")
