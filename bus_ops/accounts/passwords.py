"""Passwords: hashed with argon2id, judged by length alone."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from ..incoming import writable

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128

# RFC 9106's choice where memory is scarce: argon2id, 64 MiB, 3 passes, 4 lanes.
hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt."""
    return hasher.hash(_as_typed(password))


def password_matches(stored_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; equally slow without an account."""
    try:
        matches = hasher.verify(stored_hash or _hash_of_nobody(), _as_typed(password))
    except (VerifyMismatchError, InvalidHashError):
        return False
    return matches and stored_hash is not None


def needs_new_hash(stored_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return hasher.check_needs_rehash(stored_hash)


@cache
def _hash_of_nobody() -> str:
    """Checked where no account has the name, so that the answer takes as long."""
    return hasher.hash("nobody has this password")


def _as_typed(password: str) -> str:
    """One form for all keyboards: "ệ" comes as one sign or as "e" with two marks."""
    return unicodedata.normalize("NFKC", writable(password))
