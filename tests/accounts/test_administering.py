"""The administrator's accounts: made, changed, locked, never without a last administrator."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bus_ops.accounts.models import Role, User
from bus_ops.accounts.passwords import password_matches
from bus_ops.database import db
from tests.conftest import SignIn

NEW = {
    "full_name": "Nguyễn Văn Thủ Thư",
    "username": "Thu.Thu",
    "role": "crew",
    "language": "vi",
    "enabled": "y",
    "password": "xe sách lưu động",
}


@pytest.fixture
def administrator(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.ADMINISTRATOR)


def named(username: str) -> User | None:
    return db.session.scalar(select(User).where(User.username == username))


def test_a_new_account_can_sign_in(administrator: FlaskClient) -> None:
    answer = administrator.post("/accounts/new", data=NEW, follow_redirects=True)
    assert "Nguyễn Văn Thủ Thư can sign in now." in answer.get_data(as_text=True)
    account = named("thu.thu")
    assert account is not None
    assert account.role == Role.CREW
    assert password_matches(account.password_hash, NEW["password"])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"full_name": ""}, "Enter the name."),
        ({"username": "administrator"}, "This user name is taken"),
        ({"username": "a b"}, "Use letters, digits"),
        ({"password": ""}, "Enter a password for the new account."),
        ({"password": "123"}, "Use at least"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_written(
    administrator: FlaskClient, changed: dict[str, str], told: str
) -> None:
    answer = administrator.post("/accounts/new", data={**NEW, **changed})
    assert told in answer.get_data(as_text=True)
    assert len(list(db.session.scalars(select(User)))) == 1


def test_the_last_administrator_stays(administrator: FlaskClient) -> None:
    account = named("administrator")
    assert account is not None
    fields = {**NEW, "username": "administrator", "role": "crew", "password": ""}
    page = administrator.post(f"/accounts/{account.id}", data=fields).get_data(as_text=True)
    assert "This is the last administrator" in page
    db.session.refresh(account)
    assert account.role == Role.ADMINISTRATOR


def test_a_locked_account_stays_in_the_list(administrator: FlaskClient) -> None:
    administrator.post("/accounts/new", data=NEW)
    account = named("thu.thu")
    assert account is not None
    fields = {key: value for key, value in NEW.items() if key not in {"enabled", "password"}}
    administrator.post(f"/accounts/{account.id}", data=fields)
    db.session.refresh(account)
    assert not account.enabled
    assert "Nguyễn Văn Thủ Thư" in administrator.get("/accounts/").get_data(as_text=True)
