"""bus-ops: the software that runs a mobile library."""

from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from . import headers, i18n, incoming, navigation, schema
from .accounts import access, audit, limits, sessions
from .config import flask_settings, settings_from_environment
from .counting import upkeep
from .database import db, migrate
from .travel_sources import travel_in_words

PACKAGE_FOLDER = Path(__file__).parent
MIGRATIONS_FOLDER = PACKAGE_FOLDER / "migrations"
# Errors with a page of their own; others of the visitor share 400's, others of ours 500's.
ERROR_PAGES = frozenset({400, 401, 403, 404, 405, 413, 429, 500})

try:
    VERSION = version("bus-ops")
except PackageNotFoundError:
    VERSION = "0"


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """The wired application; ``settings`` override what the environment says."""
    app = app_without_pages(settings)
    if app.config["BEHIND_PROXY"]:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    incoming.init_incoming(app)
    sessions.init_sessions(app)
    limits.limiter.init_app(app)
    _register_slices(app)
    access.init_access(app)
    audit.init_audit(app)
    headers.init_headers(app)
    _register_context(app)
    _register_errors(app)
    return app


def app_without_pages(settings: dict[str, Any] | None = None) -> Flask:
    """Settings, database and words only: what works outside requests starts in half the time."""
    merged = {**settings_from_environment(), **(settings or {})}
    app = Flask(__name__, template_folder=_template_folder())
    app.config.update(flask_settings(merged), VERSION=VERSION)
    db.init_app(app)
    upkeep.init_upkeep()
    migrate.init_app(app, db, directory=str(MIGRATIONS_FOLDER), render_as_batch=True)
    i18n.init_i18n(app)
    return app


def _template_folder() -> str:
    """Templates lie inside an installed package, and beside it in a checkout."""
    installed = PACKAGE_FOLDER / "templates"
    return str(installed if installed.is_dir() else PACKAGE_FOLDER.parent / "templates")


def _register_slices(app: Flask) -> None:
    from .accounts import views as accounts_views
    from .circulation import views as circulation_views
    from .dashboard import views as dashboard_views
    from .events import views as events_views
    from .fleet import views as fleet_views
    from .indicators import views as indicators_views
    from .places import views as places_views
    from .planning import views as planning_views
    from .public import views as public_views
    from .reports import views as reports_views
    from .requests import views as requests_views
    from .school_years import views as school_years_views
    from .statistics import views as statistics_views
    from .tablet import views as tablet_views
    from .telling import views as telling_views
    from .timetable import views as timetable_views

    for slice_views in (
        accounts_views,
        places_views,
        fleet_views,
        timetable_views,
        planning_views,
        circulation_views,
        tablet_views,
        statistics_views,
        public_views,
        requests_views,
        events_views,
        school_years_views,
        telling_views,
        indicators_views,
        dashboard_views,
        reports_views,
    ):
        app.register_blueprint(slice_views.blueprint)

    from .circulation import box_views, reservation_views
    from .planning import repair_views
    from .privacy import views as privacy_views
    from .public import host_views, request_views
    from .statistics import stop_reviews
    from .tablet import app_views, device_views
    from .timetable import board_views, class_slots

    for part in (
        box_views,
        reservation_views,
        board_views,
        class_slots,
        repair_views,
        app_views,
        device_views,
        request_views,
        host_views,
        stop_reviews,
        privacy_views,
    ):
        app.register_blueprint(part.blueprint)
    app.register_blueprint(app_views.interface)
    app.register_blueprint(public_views.entrance)
    app.register_blueprint(host_views.staff)

    from .timetable.place_panel import place_panel

    # Floors above a place add what they know of it to its page.
    app.extensions["place_panels"] = [
        place_panel,
        statistics_views.place_panel,
        host_views.place_panel,
    ]

    app.extensions["visit_panels"] = [class_slots.class_panel, tablet_views.visit_panel]

    from . import administration

    app.register_blueprint(administration.blueprint)

    @app.get("/")
    @access.open_to_all
    def home() -> ResponseReturnValue:
        """The page each role starts its day on."""
        if not current_user.is_authenticated:
            return redirect(url_for("accounts.sign_in"))
        return redirect(navigation.home_of(current_user.role))


def _register_context(app: Flask) -> None:
    # A global, because imported macros see no page context.
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.filters["travel_source"] = travel_in_words

    @app.context_processor
    def page_context() -> dict[str, Any]:
        organisation = current_user.organisation if current_user.is_authenticated else None
        return {
            "nav_items": navigation.nav_items(),
            "organisation": organisation,
            "demo_mode": app.config["DEMO_MODE"],
            "app_version": VERSION,
            **_demo_context(app),
        }


def _demo_context(app: Flask) -> dict[str, Any]:
    """The demonstration tells its sign-ins on the page that asks for them."""
    if not app.config["DEMO_MODE"]:
        return {}
    from . import demo

    sign_ins = [(role, username) for role, username, _ in demo.SIGN_INS]
    return {"demo_sign_ins": sign_ins, "demo_password": demo.PASSWORD}


def asset(path: str) -> str:
    """Address of a built file; the version makes browsers fetch a new release's files."""
    return url_for("static", filename=path, v=VERSION)


def _wants_json() -> bool:
    return request.is_json or request.accept_mimetypes.best == "application/json"


def _sign_in_again() -> str:
    """The sign-in page, which leads back to the page that was open."""
    before = urlsplit(request.referrer or "")
    back = f"{before.path}?{before.query}".rstrip("?") if before.netloc == request.host else None
    return url_for("accounts.sign_in", next=back or None)


def _register_errors(app: Flask) -> None:
    @app.errorhandler(CSRFError)
    def csrf_failed(error: CSRFError) -> ResponseReturnValue:
        # An ended session has no token to compare: whoever must sign in again is told that.
        signed_out = bool(request.endpoint) and not (
            current_user.is_authenticated or access.may_open(str(request.endpoint))
        )
        code = 401 if signed_out else 400
        if _wants_json():
            return {"error": "CSRF", **({"sign_in": _sign_in_again()} if signed_out else {})}, code
        sign_in = _sign_in_again() if signed_out else ""
        return _error_page("csrf", code, sign_in=sign_in), code

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if error.response is not None or code < 400:
            return error
        # Such as which methods an address takes, or when to try again.
        more = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
        if _wants_json() and code == 401:
            answer = {"error": error.description or error.name, "sign_in": _sign_in_again()}
            return answer, code, more
        if _wants_json():
            return {"error": error.description or error.name}, code, more
        page = code if code in ERROR_PAGES else (400 if code < 500 else 500)
        return _error_page(str(page), code), code, more

    @app.errorhandler(DataError)
    def refused_by_database(error: DataError) -> ResponseReturnValue:
        """A value too long or too large for its column, where no form had said so."""
        logging.getLogger("bus_ops").warning("value refused at %s: %s", request.path, error.orig)
        db.session.rollback()
        return http_error(BadRequest())

    @app.errorhandler(Exception)
    def unexpected_error(error: Exception) -> ResponseReturnValue:
        logging.getLogger("bus_ops").exception("unexpected error at %s", request.path)
        if app.testing:
            raise error
        db.session.rollback()
        if _wants_json():
            return {"error": "unexpected"}, 500
        return _error_page("500", 500), 500


def _error_page(page: str, code: int, **values: Any) -> str | Response:
    """The page in words; one bare sentence where not even a page can be made."""
    try:
        return render_template(f"errors/{page}.html", code=code, **values)
    except SQLAlchemyError:
        # The frame of a page names who is signed in: that needs the database.
        return Response(_("Something went wrong on our side"), mimetype="text/plain")


__all__ = ["VERSION", "app_without_pages", "asset", "create_app", "schema"]
