"""Signing in and out: what a session stands for, and what ends it."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from bus_ops import create_app
from bus_ops.accounts import passwords
from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.database import db
from tests.conftest import PASSWORD, REAL_HASHER, SignIn, app_settings

SIGN_IN = "/accounts/sign-in"


@pytest.fixture
def account(organisation: Organisation, password_hash: str) -> User:
    """A coordinator who may sign in."""
    user = User(
        organisation_id=organisation.id,
        username="dieu-phoi",
        full_name="Trần Thị Điều Phối",
        role=Role.COORDINATOR,
        password_hash=password_hash,
        language="en",
    )
    db.session.add(user)
    db.session.commit()
    return user


def try_in(client: FlaskClient, password: str = PASSWORD, to: str = "") -> tuple[int, str]:
    answer = client.post(
        f"{SIGN_IN}{to}",
        data={"username": "dieu-phoi", "password": password},
    )
    return answer.status_code, answer.headers.get("Location") or answer.get_data(as_text=True)


def is_in(client: FlaskClient) -> bool:
    return client.get("/accounts/me").status_code == 200


def test_name_and_password_lead_to_the_roles_own_page(app: Flask, account: User) -> None:
    client = app.test_client()
    assert try_in(client) == (302, "/")
    assert client.get("/").headers["Location"] == "/timetable/month"


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.CREW, "/tablet/today"),
        (Role.COORDINATOR, "/timetable/month"),
        (Role.REPORTER, "/statistics/"),
        (Role.ADMINISTRATOR, "/administration/"),
    ],
)
def test_each_role_starts_its_day_on_its_own_page(sign_in: SignIn, role: Role, home: str) -> None:
    client = sign_in(role)
    assert client.get("/").headers["Location"] == home
    assert client.get(home).status_code == 200


def test_a_wrong_password_is_told_without_saying_which_was_wrong(app: Flask, account: User) -> None:
    client = app.test_client()
    client.post("/accounts/language", data={"language": "en"})
    status, page = try_in(client, "wrong")
    assert status == 200
    assert "The name and password do not match" in page
    stranger = client.post(SIGN_IN, data={"username": "nobody", "password": "wrong"})
    assert "The name and password do not match" in stranger.get_data(as_text=True)
    assert not is_in(client)


@pytest.fixture
def real_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the app hashes with outside the tests."""
    monkeypatch.setattr(passwords, "hasher", REAL_HASHER)


@pytest.mark.usefixtures("real_hasher")
def test_passwords_are_kept_as_argon2id() -> None:
    kept = passwords.hash_password(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in kept
    assert passwords.password_matches(kept, PASSWORD)
    assert not passwords.password_matches(kept, "another")
    assert not passwords.password_matches(None, PASSWORD)


def test_a_locked_account_is_out_at_once(app: Flask, account: User) -> None:
    client = app.test_client()
    try_in(client)
    account.enabled = False
    db.session.commit()
    assert not is_in(client)
    assert try_in(client)[0] == 200


def test_signing_out_ends_the_session(app: Flask, account: User) -> None:
    client = app.test_client()
    try_in(client)
    client.post("/accounts/sign-out")
    assert not is_in(client)


def test_an_expired_session_asks_to_sign_in_and_goes_on_where_it_was(
    app: Flask, account: User
) -> None:
    client = app.test_client()
    try_in(client)
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=-1)
    answer = client.get("/places/?q=ninh+kieu")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/accounts/sign-in?next=/places/?q%3Dninh%2Bkieu"
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(hours=12)
    where = answer.headers["Location"].removeprefix(SIGN_IN)
    assert try_in(app.test_client(), to=where) == (302, "/places/?q=ninh+kieu")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\x00/evil.example",
        "\\\\evil.example",
        " //evil.example",
        "evil.example",
        "javascript:1",
    ],
)
def test_no_link_leads_out_of_the_house_after_signing_in(
    app: Flask, account: User, target: str
) -> None:
    client = app.test_client()
    answer = client.post(
        SIGN_IN, data={"username": "dieu-phoi", "password": PASSWORD, "next": target}
    )
    assert answer.headers["Location"] == "/"


def test_a_new_password_signs_other_devices_out(app: Flask, account: User) -> None:
    here, elsewhere = app.test_client(), app.test_client()
    try_in(here)
    try_in(elsewhere)
    new = "con đò sang sông"
    here.post("/accounts/me", data={"present": PASSWORD, "password": new, "again": new})
    assert is_in(here)
    assert not is_in(elsewhere)
    assert try_in(elsewhere, new)[0] == 302


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"present": "wrong"}, "This is not your present password."),
        ({"again": "something else"}, "The two new passwords differ"),
        ({"password": "short", "again": "short"}, "Use at least"),
    ],
)
def test_a_password_is_changed_only_by_who_knows_it(
    app: Flask, account: User, fields: dict[str, str], told: str
) -> None:
    client = app.test_client()
    try_in(client)
    new = "con đò sang sông"
    sent = {"present": PASSWORD, "password": new, "again": new, **fields}
    assert told in client.post("/accounts/me", data=sent).get_data(as_text=True)
    assert try_in(app.test_client())[0] == 302


@contextmanager
def limited(tmp_path: Path, url: str, **limits: str) -> Iterator[Flask]:
    """An app that counts tries."""
    app = create_app({**app_settings(tmp_path, url), "RATELIMIT_ENABLED": True, **limits})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_attempts_to_guess_a_password_are_limited_by_name(tmp_path: Path, sqlite_url: str) -> None:
    with limited(tmp_path, sqlite_url, SIGN_IN_LIMIT="3 per minute") as app:
        client = app.test_client()
        wrong = {"username": "quan-tri", "password": "guess"}
        answers = [client.post(SIGN_IN, data=wrong) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert "phút" in answers[-1].get_data(as_text=True)
        assert int(answers[-1].headers["Retry-After"]) <= 60
        same = client.post(SIGN_IN, data={**wrong, "username": " Quan-Tri "})
        assert same.status_code == 429
        other = client.post(SIGN_IN, data={**wrong, "username": "another"})
        assert other.status_code == 200


def guesses(client: FlaskClient, count: int, address: str = "203.0.113.7") -> list[int]:
    """Answers to one wrong password for each of many names."""
    return [
        client.post(
            SIGN_IN,
            data={"username": f"ten-{number}", "password": "guess"},
            environ_overrides={"REMOTE_ADDR": address},
        ).status_code
        for number in range(count)
    ]


def test_trying_many_names_from_one_address_is_limited(tmp_path: Path, sqlite_url: str) -> None:
    with limited(tmp_path, sqlite_url, SIGN_IN_ADDRESS_LIMIT="3 per minute") as app:
        assert guesses(app.test_client(), 4) == [200, 200, 200, 429]
        assert guesses(app.test_client(), 1, "203.0.113.8") == [200]


def test_all_addresses_of_one_line_count_as_one(tmp_path: Path, sqlite_url: str) -> None:
    with limited(tmp_path, sqlite_url, SIGN_IN_ADDRESS_LIMIT="1 per minute") as app:
        assert guesses(app.test_client(), 1, "2001:db8:1:2::1") == [200]
        assert guesses(app.test_client(), 1, "2001:db8:1:2:ffff::9") == [429]
        assert guesses(app.test_client(), 1, "2001:db8:1:3::1") == [200]


def test_a_school_that_signs_in_rightly_is_never_shut_out(
    account: User, tmp_path: Path, sqlite_url: str
) -> None:
    with limited(tmp_path, sqlite_url, SIGN_IN_ADDRESS_LIMIT="2 per minute") as app:
        for _ in range(4):
            assert try_in(app.test_client()) == (302, "/")


def test_guessing_the_present_password_of_an_open_session_is_limited(
    account: User, tmp_path: Path, sqlite_url: str
) -> None:
    with limited(tmp_path, sqlite_url, SIGN_IN_LIMIT="3 per minute") as app:
        client = app.test_client()
        try_in(client)
        new = "con đò sang sông"
        sent = {"present": "guess", "password": new, "again": new}
        answers = [client.post("/accounts/me", data=sent).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]


def test_a_pin_is_set_by_who_knows_the_password(app: Flask, account: User) -> None:
    client = app.test_client()
    try_in(client)
    sent = {"own_password": PASSWORD, "pin": "2580", "pin_again": "2580"}
    answer = client.post("/accounts/me/pin", data=sent, follow_redirects=True)
    assert "You have a PIN." in answer.get_data(as_text=True)
    db.session.refresh(account)
    iterations, salt, digest = account.pin_hash.split("$")
    told = hashlib.pbkdf2_hmac("sha256", b"2580", base64.b64decode(salt), int(iterations))
    assert base64.b64decode(digest) == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"own_password": "wrong"}, "This is not your present password."),
        ({"pin_again": "2581"}, "The two PINs differ"),
        *[({"pin": pin, "pin_again": pin}, "easily guessed") for pin in ("0000", "1234", "654321")],
        *[({"pin": pin, "pin_again": pin}, "4 to 6 digits") for pin in ("258", "25a0", "٢٥٨٠")],
    ],
)
def test_a_pin_that_does_not_protect_is_told_and_not_kept(
    app: Flask, account: User, fields: dict[str, str], told: str
) -> None:
    client = app.test_client()
    try_in(client)
    sent = {"own_password": PASSWORD, "pin": "2580", "pin_again": "2580", **fields}
    assert told in client.post("/accounts/me/pin", data=sent).get_data(as_text=True)
    db.session.refresh(account)
    assert account.pin_hash == ""


def test_a_password_is_the_same_from_every_keyboard(app: Flask, account: User) -> None:
    assert try_in(app.test_client(), unicodedata.normalize("NFD", PASSWORD))[0] == 302
    assert try_in(app.test_client(), PASSWORD.replace("ậ", "a"))[0] == 200


@pytest.mark.usefixtures("real_hasher")
def test_a_hash_of_weaker_parameters_is_made_again_at_the_next_sign_in(
    app: Flask, account: User
) -> None:
    account.password_hash = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    db.session.commit()
    assert try_in(app.test_client())[0] == 302
    db.session.refresh(account)
    assert not passwords.needs_new_hash(account.password_hash)
    assert "m=65536,t=3,p=4" in account.password_hash
    assert try_in(app.test_client())[0] == 302


def test_signing_in_takes_nothing_over_from_the_session_before(app: Flask, account: User) -> None:
    client = app.test_client()
    client.get(SIGN_IN)
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
        mark = before["csrf_token"]
    try_in(client)
    client.get("/accounts/me")
    with client.session_transaction() as after:
        assert "planted" not in after
        assert after["csrf_token"] != mark


def test_a_session_of_before_the_new_password_is_no_session(app: Flask, account: User) -> None:
    client = app.test_client()
    try_in(client)
    account.set_password("con đò sang sông")
    db.session.commit()
    assert not is_in(client)


def test_the_language_is_chosen_by_a_tap_and_kept_with_the_account(
    app: Flask, account: User
) -> None:
    client = app.test_client()
    try_in(client)
    assert "Change the password" in client.get("/accounts/me").get_data(as_text=True)
    client.post("/accounts/language", data={"language": "vi", "next": "/accounts/me"})
    assert "Đổi mật khẩu" in client.get("/accounts/me").get_data(as_text=True)
    assert account.language == "vi"
    assert client.post("/accounts/language", data={"language": "xx"}).status_code == 400
