"""Serves the app from a child process that can be killed and is back within milliseconds.

The parent imports the app once and forks a child for each life of the server. It reads commands on
its standard input: ``start``, ``kill`` (SIGKILL), ``limit BYTES`` (the next lives may write no file
beyond that size: a full disk), ``limit none``, ``static FOLDER`` (the next lives serve the built
files of that folder: a newer version). Each is answered with one line.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import waitress
from flask import Flask

from bus_ops import create_app
from tests.conftest import app_settings


def main() -> None:
    """Obey commands until the input ends; then take the child along."""
    data_folder, database_url, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    app = create_app({**app_settings(data_folder, database_url), "TESTING": False})
    child, limit = 0, resource.RLIM_INFINITY
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "limit":
            limit = resource.RLIM_INFINITY if argument == "none" else int(argument)
        if command == "static":
            app.static_folder = argument
        if command in {"kill", "start"} and child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            child = 0
        if command == "start":
            child = os.fork()
            if not child:
                serve(app, port, limit)
        print("done", flush=True)
    if child:
        os.kill(child, signal.SIGKILL)


def serve(app: Flask, port: int, limit: int) -> None:
    """One life of the server."""
    if limit != resource.RLIM_INFINITY:
        # Beyond the limit a write fails, as on a full disk, instead of ending the process.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    waitress.serve(app, host="127.0.0.1", port=port, threads=4, _quiet=True)


if __name__ == "__main__":
    main()
