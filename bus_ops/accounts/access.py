"""Who may open which page: every view says so, and what does not say it is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from .models import Role, User

View = TypeVar("View", bound=Callable[..., Any])

# Anyone signed in.
EVERYONE = tuple(Role)
# People who plan; administrators may do what coordinators do.
PLANNERS = (Role.COORDINATOR, Role.ADMINISTRATOR)
# People who log on the road, and those who mend what was logged.
LOGGERS = (Role.CREW, Role.COORDINATOR, Role.ADMINISTRATOR)
# People who read figures.
READERS_OF_FIGURES = (Role.REPORTER, Role.COORDINATOR, Role.ADMINISTRATOR)
ADMINISTRATORS = (Role.ADMINISTRATOR,)


def roles_allowed(*roles: Role) -> Callable[[View], View]:
    """Let only people of these roles open the view."""

    def mark(view: View) -> View:
        view.roles_allowed = frozenset(roles)  # type: ignore[attr-defined]
        return view

    return mark


def open_to_all(view: View) -> View:
    """Let anyone open the view, signed in or not."""
    view.roles_allowed = None  # type: ignore[attr-defined]
    return view


def may_open(endpoint: str) -> bool:
    """Whether the person of this request may open an endpoint (for links and menus)."""
    view = current_app.view_functions.get(endpoint)
    roles = getattr(view, "roles_allowed", frozenset())
    if roles is None:
        return True
    return current_user.is_authenticated and current_user.role in roles


def signed_in_user() -> User:
    """The person of this request, as a row that outlives it."""
    user: User = current_user._get_current_object()
    return user


def init_access(app: Flask) -> None:
    """Deny by default: runs before every request."""
    # Static files are the app's own and the same for everyone.
    app.view_functions["static"].roles_allowed = None  # type: ignore[attr-defined]

    @app.before_request
    def check_access() -> ResponseReturnValue | None:
        if current_user.is_authenticated:
            g.organisation_id = current_user.organisation_id
        if request.endpoint is None or may_open(request.endpoint):
            return None
        if not current_user.is_authenticated:
            if request.is_json:
                # A script cannot sign in on a page: it is told, and keeps what it holds.
                return abort(401)
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("accounts.sign_in", next=wanted))
        return abort(403)

    app.jinja_env.globals["may_open"] = may_open
