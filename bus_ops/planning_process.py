"""The process that works on one planning or repair.

On its input come the settings of the app that started it, as JSON on a line, and on the next line
what to do: ``planning NUMBER`` or ``repair NUMBER``. The second may be long in coming: the program
is read meanwhile. The process belongs to no terminal and to no request: it ends with its plan, when
its planning is cancelled, or when nobody tells it what to do. Called with ``compile`` it makes the
search ready on this machine.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path

from schedules.planning.planner import compile_search

from . import app_without_pages
from .planning import explanations, mending  # noqa: F401 - read while nobody waits
from .planning.starting import is_compiled
from .planning.working import look_for_ways, work

_NICENESS = 5
# So long somebody may think before asking; then the process, and its memory, are given back.
_PATIENCE_SECONDS = 600


def main() -> None:
    """Do the work."""
    logging.basicConfig(level=logging.INFO)
    if sys.argv[1] == "compile":
        _give_way()
        compile_search()
        return
    settings = json.loads(sys.stdin.readline())
    settings["DATA_FOLDER"] = Path(settings["DATA_FOLDER"])
    app = app_without_pages(settings)
    if is_compiled():
        compile_search()
    order = _order()
    if not order:
        return
    with app.app_context():
        _do(*order)


def _order() -> list[str]:
    """What to do, in words; none where whoever started the process is gone, or says nothing."""
    # The signal's own way is to end the process.
    signal.alarm(_PATIENCE_SECONDS)
    words = sys.stdin.readline().split()
    signal.alarm(0)
    return words


def _do(kind: str, number: str) -> None:
    if kind == "repair":
        look_for_ways(int(number))
        return
    _give_way()
    work(int(number), on_cancelled=_end_at_once)


def _give_way() -> None:
    """Pages come first, and whoever waits for a repair with their eyes on one."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


def _end_at_once() -> None:
    """With the searchers it started, which share its process group."""
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main()
