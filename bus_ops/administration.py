"""The administrator's pages: what the nightly jobs did, settings of the library."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from .accounts.access import ADMINISTRATORS, roles_allowed

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


@blueprint.get("/")
@roles_allowed(*ADMINISTRATORS)
def overview() -> ResponseReturnValue:
    """To be written."""
    return render_template("base.html")
