"""How often one may try: failed sign-ins are counted by address and name, and by address alone."""

from __future__ import annotations

import ipaddress

from flask import Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user

from .queries import as_username

limiter = Limiter(get_remote_address)


def sign_in_limit() -> str:
    """The configured limit of tries at one account."""
    limit: str = current_app.config["SIGN_IN_LIMIT"]
    return limit


def sign_in_address_limit() -> str:
    """The configured, wider limit of failures at all names together."""
    limit: str = current_app.config["SIGN_IN_ADDRESS_LIMIT"]
    return limit


def asking_limit() -> str:
    """The configured limit of requests from one address."""
    limit: str = current_app.config["ASKING_LIMIT"]
    return limit


def sign_in_key() -> str:
    """One count a network address and name: a school behind one address is not shut out."""
    return f"{sign_in_address_key()}|{as_username(request.form.get('username', ''))}"


def sign_in_address_key() -> str:
    """The address; of IPv6 the network, because one line has billions of addresses."""
    address = ipaddress.ip_address(get_remote_address())
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def own_password_key() -> str:
    """One count a signed-in person, wherever the session is used."""
    return str(current_user.get_id())


def has_led_on(response: Response) -> bool:
    """Whether the form was taken."""
    return response.status_code == 302


def has_failed(response: Response) -> bool:
    """Whether the form came back instead of leading on."""
    return response.status_code == 200
