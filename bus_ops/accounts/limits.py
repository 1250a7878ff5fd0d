"""How often one may try: sign-in attempts are counted by address and by name."""

from __future__ import annotations

from flask import current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address)


def sign_in_limit() -> str:
    """The configured limit of sign-in attempts."""
    limit: str = current_app.config["SIGN_IN_LIMIT"]
    return limit


def sign_in_key() -> str:
    """One count a network address and name: a school behind one address is not shut out."""
    username = request.form.get("username", "").strip().lower()
    return f"{get_remote_address()}|{username}"
