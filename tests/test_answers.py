"""What every answer carries: headers that shut others out, and words where something went wrong."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.routing import Rule

from bus_ops import create_app
from bus_ops.accounts.models import Organisation, Role
from bus_ops.accounts.sessions import login_manager
from bus_ops.database import db
from bus_ops.headers import content_security_policy
from bus_ops.i18n import today
from tests.conftest import SignIn, app_settings
from tests.small_service import small_service


def in_language(client: FlaskClient, language: str) -> FlaskClient:
    client.post("/accounts/language", data={"language": language})
    return client


def test_no_page_may_be_framed_send_its_address_out_or_run_foreign_code(app: Flask) -> None:
    headers = app.test_client().get("/accounts/sign-in").headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    for name in ("default-src", "script-src", "style-src", "connect-src", "form-action"):
        assert policy[name] == "'self'"
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_only_our_own_pages_may_ask_for_camera_and_position(app: Flask) -> None:
    permissions = app.test_client().get("/accounts/sign-in").headers["Permissions-Policy"]
    assert permissions == "camera=(self), geolocation=(self), microphone=()"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://tile.openstreetmap.org/{z}/{x}/{y}.png", "https://tile.openstreetmap.org"),
        ("https://{s}.tiles.example:8443/{z}/{x}/{y}.png", "https://*.tiles.example:8443"),
        ("/static/tiles/{z}/{x}/{y}.png", ""),
        ("", ""),
    ],
)
def test_pictures_may_come_from_the_map_server_that_is_set_and_no_other(
    address: str, allowed: str
) -> None:
    images = content_security_policy(address).partition("img-src ")[2].partition(";")[0]
    assert images == f"'self' data: blob: {allowed}".strip()


@pytest.mark.parametrize("secure", [True, False])
def test_encryption_is_insisted_on_only_where_it_is_set(
    tmp_path: Path, sqlite_url: str, secure: bool
) -> None:
    app = create_app({**app_settings(tmp_path, sqlite_url), "SECURE_COOKIES": secure})
    answer = app.test_client().get("/accounts/sign-in")
    assert ("Strict-Transport-Security" in answer.headers) is secure
    cookie = answer.headers["Set-Cookie"]
    assert ("Secure" in cookie) is secure
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_no_browser_or_proxy_keeps_a_page_with_peoples_data(
    app: Flask, organisation: Organisation, sign_in: SignIn
) -> None:
    visit = small_service(organisation, today() - timedelta(weeks=1)).visits()[0]
    client = sign_in(Role.ADMINISTRATOR)
    for where in (
        "/circulation/readers",
        "/statistics/export.xlsx",
        "/statistics/export.csv",
        f"/tablet/visits/{visit.id}",
        f"/tablet/runs/{visit.run_id}/map.js",
        "/accounts/",
        "/no/such/page",
    ):
        assert client.get(where).headers["Cache-Control"] == "no-store", where
    static = client.get("/static/css/app.css")
    assert "no-store" not in static.headers["Cache-Control"]


def test_a_script_needs_its_csrf_mark_as_well(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.CREW)
    app.config["WTF_CSRF_ENABLED"] = True
    batch = {"tablet": None, "events": []}
    refused = client.post("/tablet/events", json=batch)
    assert (refused.status_code, refused.get_json()) == (400, {"error": "CSRF"})
    page = client.get("/tablet/today").get_data(as_text=True)
    mark = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    sent = client.post("/tablet/events", json=batch, headers={"X-CSRFToken": mark})
    assert sent.status_code == 200
    assert client.post("/tablet/events", data="[]", content_type="text/plain").status_code == 400


def test_a_script_without_a_session_is_told_so(app: Flask) -> None:
    answer = app.test_client().post("/tablet/events", json={"events": []})
    assert answer.status_code == 401
    assert answer.mimetype == "application/json"


ERRORS = {
    400: ("This could not be understood", "Không hiểu được yêu cầu"),
    401: ("You are not signed in", "Bạn chưa đăng nhập"),
    403: ("This page is not for your role", "Trang này không dành cho vai trò của bạn"),
    404: ("Nothing is here", "Không có gì ở đây"),
    405: ("This page is not opened this way", "Trang này không mở theo cách này"),
    413: ("This file is too large", "Tệp này quá lớn"),
    415: ("This could not be understood", "Không hiểu được yêu cầu"),
    418: ("This could not be understood", "Không hiểu được yêu cầu"),
    429: ("Too many tries", "Thử quá nhiều lần"),
    500: ("Something went wrong on our side", "Có lỗi ở phía chúng tôi"),
    503: ("Something went wrong on our side", "Có lỗi ở phía chúng tôi"),
}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_error_is_told_in_words_and_with_a_way_on(
    app: Flask, sign_in: SignIn, language: str
) -> None:
    def failing(code: int) -> str:
        abort(code)

    failing.roles_allowed = None  # type: ignore[attr-defined]
    app.view_functions["failing"] = failing
    app.url_map.add(Rule("/failing/<int:code>", endpoint="failing"))
    client = in_language(sign_in(Role.CREW), language)
    for code, words in ERRORS.items():
        answer = client.get(f"/failing/{code}")
        assert answer.status_code == code
        page = answer.get_data(as_text=True)
        assert f'<html lang="{language}"' in page
        assert [sentence in page for sentence in words] == [language == "en", language == "vi"]
        assert 'href="/' in page.partition("<main")[2]


def test_a_page_opened_the_wrong_way_says_which_ways_there_are(app: Flask, sign_in: SignIn) -> None:
    answer = sign_in(Role.CREW).get("/accounts/sign-out")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert "Go back and use that button" in answer.get_data(as_text=True)


def test_a_file_beyond_the_limit_is_refused_in_words(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.COORDINATOR)
    for where in ("/places/import", "/timetable/import"):
        file = (io.BytesIO(b"a,b\n" * (6 << 20)), "big.csv")
        answer = client.post(where, data={"file": file, "files": file})
        assert answer.status_code == 413, where
        assert "This file is too large" in answer.get_data(as_text=True)


def test_without_its_database_the_app_still_answers_in_words(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = in_language(sign_in(Role.CREW), "vi")

    def away(_identity: str) -> None:
        raise OperationalError("SELECT", {}, Exception("unable to open database file"))

    monkeypatch.setattr(login_manager, "_user_callback", away)
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for where in ("/tablet/today", "/no/such/page"):
        answer = client.get(where)
        assert answer.status_code == 500, where
        text = answer.get_data(as_text=True)
        assert "Có lỗi ở phía chúng tôi" in text
        assert "unable to open" not in text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    db.session.rollback()
