"""The process that works on one planning or repair: ``… planning NUMBER``, ``… repair NUMBER``.

The settings of the app that started it come as JSON on its input. It belongs to no terminal and to
no request: it ends with its plan, or when its planning is cancelled. ``… compile`` makes the search
ready on this machine.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path

from . import app_without_pages
from .planning.working import look_for_ways, work

_NICENESS = 5


def main() -> None:
    """Do the work."""
    logging.basicConfig(level=logging.INFO)
    if sys.argv[1] != "repair":
        # Pages come first, and whoever waits for a repair with their eyes on one.
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
    if sys.argv[1] == "compile":
        _compile()
        return
    settings = json.load(sys.stdin)
    settings["DATA_FOLDER"] = Path(settings["DATA_FOLDER"])
    app = app_without_pages(settings)
    with app.app_context():
        _do(sys.argv[1], int(sys.argv[2]))


def _do(kind: str, number: int) -> None:
    if kind == "repair":
        look_for_ways(number)
    else:
        work(number, on_cancelled=_end_at_once)


def _compile() -> None:
    from schedules.planning.planner import compile_search

    compile_search()


def _end_at_once() -> None:
    """With the searchers it started, which share its process group."""
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main()
