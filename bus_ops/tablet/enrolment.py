"""How a tablet becomes one of the library's, proves who it is, and is revoked when it is lost.

The coordinator shows a code once; the tablet exchanges it for a secret of its own. The database
keeps digests only: of the secret, and of the key with which the tablet signs a file of facts.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import abort, current_app, g, request
from sqlalchemy import select

from ..database import db, now
from .models import Tablet

View = TypeVar("View", bound=Callable[..., Any])

CODE_VALID = timedelta(minutes=30)
_CODE, _KEY = "enrol", "key"


class UnknownCodeError(LookupError):
    """No tablet waits for this code."""


class ExpiredCodeError(LookupError):
    """The code was shown too long ago."""


def new_code(tablet: Tablet) -> str:
    """A code that enrols this tablet once; whatever credential it had is void from now on."""
    code = secrets.token_urlsafe(24)
    expires = (now() + CODE_VALID).isoformat(timespec="seconds")
    tablet.credential_hash = f"{_CODE}${_digest(code)}${expires}"
    tablet.revoked_at = None
    return code


def enrol(code: str) -> tuple[Tablet, str]:
    """The tablet a code was made for, and its new secret; the code is used up.

    Raises UnknownCodeError, or ExpiredCodeError for a code that is too old.
    """
    prefix = f"{_CODE}${_digest(code)}$"
    query = select(Tablet).where(Tablet.credential_hash.startswith(prefix, autoescape=True))
    tablet = db.session.scalar(query.with_for_update())
    if tablet is None:
        raise UnknownCodeError
    if datetime.fromisoformat(tablet.credential_hash.removeprefix(prefix)) < now():
        raise ExpiredCodeError
    secret = secrets.token_urlsafe(32)
    tablet.credential_hash = f"{_KEY}${_digest(secret)}${_digest('facts-file:' + secret)}"
    tablet.enrolled_at = now()
    return tablet, secret


def is_enrolled(tablet: Tablet) -> bool:
    """Whether it holds a credential of its own (a person's browser does not)."""
    return tablet.credential_hash.startswith(f"{_KEY}$")


def awaits_enrolment(tablet: Tablet) -> bool:
    """Whether its code was shown and not used yet."""
    return tablet.credential_hash.startswith(f"{_CODE}$")


def file_key(tablet: Tablet) -> bytes:
    """The key of its signed files; raises LookupError for a device without a credential."""
    if not is_enrolled(tablet):
        raise LookupError("not enrolled")
    return tablet.credential_hash.rsplit("$", 1)[1].encode()


def tablet_of_credential(header: str) -> Tablet | None:
    """The tablet of an Authorization header, revoked or not; None for a stranger."""
    scheme, _, credential = header.partition(" ")
    identity, _, secret = credential.strip().partition(".")
    if scheme.lower() != "bearer" or not secret:
        return None
    try:
        tablet = db.session.get(Tablet, uuid.UUID(identity))
    except ValueError:
        return None
    if tablet is None or not is_enrolled(tablet):
        return None
    kept = tablet.credential_hash.split("$")[1]
    return tablet if secrets.compare_digest(kept, _digest(secret)) else None


def tablets_only(view: View) -> View:
    """Let only enrolled tablets call the view: no cookie is read, so no page can forge a call."""
    view.roles_allowed = None  # type: ignore[attr-defined]
    view.tablets_only = True  # type: ignore[attr-defined]
    return view


def calling_tablet() -> Tablet:
    """The tablet that calls; set by ``identify_tablet``."""
    tablet: Tablet = g.tablet
    return tablet


def identify_tablet() -> Any:
    """Before each call of the tablets' interface: who calls, and may it still read?

    A revoked tablet reads nothing any more, but what it had not sent yet is still taken.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "tablets_only", False):
        return None
    tablet = tablet_of_credential(request.headers.get("Authorization", ""))
    if tablet is None:
        return {"error": "unknown_tablet"}, 401
    if tablet.revoked_at is not None and request.method == "GET":
        return {"error": "revoked"}, 401
    g.tablet = tablet
    g.organisation_id = tablet.organisation_id
    _keep_state(tablet)
    return None


def _keep_state(tablet: Tablet) -> None:
    """What the tablet says of itself in each call: its version, and how much it still holds."""
    parts = dict(
        part.strip().partition("=")[::2]
        for part in request.headers.get("X-Tablet-State", "").split(";")
        if "=" in part
    )
    version, unsent = parts.get("version", "")[:40], parts.get("unsent", "")
    if version:
        tablet.app_version = version
    if unsent.isdecimal() and len(unsent) < 8:
        tablet.unsent_told = int(unsent)


def owned_tablet_or_404(tablet_id: uuid.UUID, organisation_id: int) -> Tablet:
    """A tablet of this library."""
    tablet = db.session.get(Tablet, tablet_id)
    if tablet is None or tablet.organisation_id != organisation_id:
        abort(404)
    return tablet


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
