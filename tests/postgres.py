"""A PostgreSQL server for the tests: found or started, with a database of its own for each test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

REMEDY = (
    "PostgreSQL is needed by these tests and was not found. Install it (Debian: "
    "'apt-get install postgresql') or run 'tests/run --fast', which leaves them out."
)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    raise RuntimeError(REMEDY)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class PostgresServer:
    """A server on a free port of the loopback, in a folder that goes away with it."""

    folder: Path
    port: int
    # What runs the server's programs as somebody other than root.
    as_user: list[str]
    process: subprocess.Popen[bytes] | None = None
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @classmethod
    def start(cls) -> PostgresServer:
        """Initialise and start; as root, as the user postgres, because initdb refuses root."""
        binaries = _binaries()
        folder = Path(tempfile.mkdtemp(prefix="bus-ops-postgres-"))
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        data = folder / "data"
        initialise = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-E", "UTF8"]
        subprocess.run(
            [*as_user, *initialise, "-A", "trust", "--locale=C", "-N"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        server = cls(folder, _free_port(), as_user)
        server.launch()
        return server

    def launch(self) -> None:
        """Start the server's process and wait until it answers."""
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [
                *self.as_user,
                str(_binaries() / "postgres"),
                *("-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
            ],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
        )
        self._wait()

    def crash(self) -> None:
        """End every process at once, as a power cut would; ``launch`` recovers from its log."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        assert self.process is not None
        self.process.wait(timeout=20)

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str | None = None, template: str = "template0") -> str:
        """Create a database (a copy of ``template``) and answer its address."""
        name = name or f"test_{next(self._numbers)}"
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def stop(self) -> None:
        """Stop at once and remove the folder."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres", autocommit=True
        )

    def _wait(self) -> None:
        for _ in range(100):
            try:
                self._connect().close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise RuntimeError((self.folder / "server.log").read_text())
