"""Addresses that only those who were given them know: signed, and ended by a new mark.

The address of a row holds its key and its mark under the installation's signature. Who reads the
database alone cannot make one, and a row that takes a new mark ends every address given before.
"""

from __future__ import annotations

import secrets

from flask import abort, current_app
from itsdangerous import BadSignature, URLSafeSerializer

from .database import Model, db

_MARK_BYTES = 12


def new_mark() -> str:
    """A mark nobody can guess."""
    return secrets.token_urlsafe(_MARK_BYTES)


def token_of(purpose: str, key: int, mark: str) -> str:
    """The secret part of a row's address."""
    return str(_serializer(purpose).dumps([key, mark]))


def row_of_token_or_404(
    model: type[Model], purpose: str, token: str, mark_name: str = "mark"
) -> Model:
    """The row that an address was given for; a 404 for any other, and for one that has ended."""
    try:
        key, mark = _serializer(purpose).loads(token)
    except (BadSignature, ValueError, TypeError):
        abort(404)
    row = db.session.get(model, key)
    known = getattr(row, mark_name, None)
    if not known or not secrets.compare_digest(str(mark).encode(), known.encode()):
        abort(404)
    assert row is not None
    return row


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"bus-ops.{purpose}")
