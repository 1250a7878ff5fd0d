"""Passwords: hashed with argon2id, judged by length alone."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128

_hasher = PasswordHasher()
# Checked where no account has the name, so that the answer takes as long.
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt."""
    return _hasher.hash(password)


def password_matches(stored_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; equally slow without an account."""
    try:
        matches = _hasher.verify(stored_hash or _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return matches and stored_hash is not None
