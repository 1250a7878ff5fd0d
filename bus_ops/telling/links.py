"""Addresses in messages: they are read outside, and often written outside of any request."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, has_request_context, url_for


def external(endpoint: str, **values: Any) -> str:
    """The whole address of a page; empty where nobody told the installation its own address.

    Never taken from a request: whoever asks could choose the host that a message then points to.
    """
    base = current_app.config["PUBLIC_URL"].rstrip("/")
    if not base:
        return ""
    if has_request_context():
        path = url_for(endpoint, _external=False, **values)
        return f"{urlsplit(base).scheme}://{urlsplit(base).netloc}{path}"
    with current_app.test_request_context(base_url=base):
        return url_for(endpoint, _external=True, **values)
