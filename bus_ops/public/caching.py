"""Public answers, made once and then handed out: many ask, and nothing in them is one person's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from cachelib import SimpleCache
from flask import Flask, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue

_MOST_ANSWERS = 2_000
_NAME = "public_answers"

P = ParamSpec("P")


def init_caching(app: Flask) -> None:
    """Make room for answers."""
    app.extensions[_NAME] = SimpleCache(threshold=_MOST_ANSWERS, default_timeout=0)


def kept_for_all(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
    """Answer from what is kept, with an ETag; 304 to whoever has it already.

    Browsers and proxies keep theirs as long as this process. For GET views whose answer depends on
    the address alone.
    """

    @wraps(view)
    def answer(*arguments: P.args, **named: P.kwargs) -> Response:
        seconds: int = current_app.config["PUBLIC_CACHE_SECONDS"]
        answers: SimpleCache = current_app.extensions[_NAME]
        key = f"{request.host_url}{request.full_path}"
        kept: tuple[bytes, list[tuple[str, str]]] | None = answers.get(key) if seconds else None
        if kept is None:
            made = make_response(view(*arguments, **named))
            if made.status_code != 200:
                return made
            made.add_etag()
            kept = made.get_data(), list(made.headers)
            if seconds:
                answers.set(key, kept, timeout=seconds)
        response = Response(kept[0], headers=kept[1])
        response.cache_control.public = True
        response.cache_control.max_age = seconds
        return response.make_conditional(request)

    return answer
