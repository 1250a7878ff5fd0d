"""What pages without signing in have in common: the language in their address, and the library."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, g

from ..accounts.models import Organisation
from ..accounts.queries import sole_organisation
from ..config import LANGUAGES
from ..database import db

IN_LANGUAGE = f"<any({', '.join(LANGUAGES)}):language>"


def speak_the_addressed_language(blueprint: Blueprint) -> None:
    """Pages of the blueprint take their language from their address and give it to their links."""

    @blueprint.url_value_preprocessor
    def take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            g.page_language = values.pop("language", LANGUAGES[0])

    @blueprint.url_defaults
    def give_language(_endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("language", g.get("page_language", LANGUAGES[0]))

    @blueprint.context_processor
    def page_context() -> dict[str, Any]:
        # Pages of errors have this frame too, and a new installation has no library.
        return {"library": g.get("public_library")}


def library_or_404() -> Organisation:
    """The library whose timetable it is; a new installation has none yet."""
    library = g.get("public_library") or sole_organisation()
    if library is None:
        abort(404)
    return speak_for(library)


def library_of(organisation_id: int) -> Organisation:
    """The library that a private address belongs to."""
    return speak_for(db.session.get_one(Organisation, organisation_id))


def speak_for(library: Organisation) -> Organisation:
    """Whoever is signed in sees the same: from here on it is the current library."""
    g.public_library = library
    g.organisation_id = library.id
    return library
