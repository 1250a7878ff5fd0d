"""Questions about accounts, each named for its answer."""

from __future__ import annotations

import unicodedata

from sqlalchemy import select

from schedules.searching import search_key

from ..database import db, owned
from .models import Organisation, Role, User


def as_username(text: str) -> str:
    """A user name as it is kept: small letters, no blanks around, one form for all keyboards."""
    return unicodedata.normalize("NFC", text).strip().lower()


def user_named(username: str) -> User | None:
    """The account of this name."""
    return db.session.scalar(select(User).where(User.username == as_username(username)))


def users_of_organisation() -> list[User]:
    """Every account of the current library, by name."""
    return sorted(db.session.scalars(owned(User)), key=lambda user: search_key(user.full_name))


def sole_organisation() -> Organisation | None:
    """The library of an installation that serves one; None before the first start."""
    return db.session.scalar(select(Organisation).order_by(Organisation.id).limit(1))


def is_last_administrator(account: User) -> bool:
    """Whether nobody else could administer the library any more."""
    others = owned(User).where(
        User.id != account.id, User.role == Role.ADMINISTRATOR, User.enabled.is_(True)
    )
    return db.session.scalar(others.limit(1)) is None
