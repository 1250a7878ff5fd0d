"""PINs: how people change hands at a tablet that has no network.

A PIN of 4 to 6 digits only keeps passers-by from a tablet that lies open; it is no password. The
tablet itself must check it offline, so its digest (PBKDF2-SHA256) goes along with the day's plan.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from itertools import pairwise

ITERATIONS = 120_000
LONGEST_PIN = 6
PIN_PATTERN = r"^[0-9]{4,6}$"


class NoPinError(ValueError):
    """Not 4 to 6 digits."""


def hash_pin(pin: str) -> str:
    """``iterations$salt$digest``, the last two in base64; raises NoPinError."""
    if not re.fullmatch(PIN_PATTERN, pin):
        raise NoPinError(pin)
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, ITERATIONS)
    return f"{ITERATIONS}${_base64(salt)}${_base64(digest)}"


def is_easily_guessed(pin: str) -> bool:
    """One digit again and again, or digits in a row up or down: what anyone tries first."""
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    return steps in ({0}, {1}, {-1})


def parts_of_pin(pin_hash: str) -> dict[str, str | int] | None:
    """What a tablet needs to check a PIN; None where the person has none."""
    if not pin_hash:
        return None
    iterations, salt, digest = pin_hash.split("$")
    return {"iterations": int(iterations), "salt": salt, "hash": digest}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
