"""Sessions: who a signed cookie stands for, and what happens when it is too old."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from ..database import db
from .models import User

login_manager = LoginManager()
csrf = CSRFProtect()


@login_manager.user_loader
def load_user(identity: str) -> User | None:
    """The person of a session, unless the account is locked or the session's mark is old."""
    user_id, _, mark = identity.partition(":")
    if not user_id.isdigit():
        return None
    user = db.session.get(User, int(user_id))
    if user is None or not user.enabled or user.session_mark != mark:
        return None
    return user


def init_sessions(app: Flask) -> None:
    """Bind sign-in and CSRF protection."""
    login_manager.init_app(app)
    csrf.init_app(app)
