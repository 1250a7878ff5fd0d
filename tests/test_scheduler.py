"""Exactly one scheduler, however many processes want to be it; another follows when it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.test_command_line import PROGRAM, environment, free_port, page

REPOSITORY = Path(__file__).resolve().parents[1]
CANDIDATE = """
import sys, threading
from pathlib import Path
from bus_ops import create_app
from bus_ops.scheduler import sole_scheduler

app = create_app({
    "DATA_FOLDER": Path(sys.argv[1]),
    "DATABASE_URL": sys.argv[2],
    "SECRET_KEY": "only for tests",
})
while True:
    with sole_scheduler(app) as is_sole:
        if is_sole:
            print("holds", flush=True)
            threading.Event().wait()
    threading.Event().wait(0.1)
"""

Candidate = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def candidate(each_database_url: str, tmp_path: Path) -> Iterator[Candidate]:
    """Start a process that wants to be the scheduler; it says when it is."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        output = tmp_path / f"out-{len(started)}"
        process = subprocess.Popen(
            [sys.executable, "-c", CANDIDATE, str(tmp_path), each_database_url],
            stdout=output.open("w"),
            text=True,
            cwd=REPOSITORY,
        )
        process.output = output  # type: ignore[attr-defined]
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def holds(process: subprocess.Popen[str]) -> bool:
    text: str = process.output.read_text()  # type: ignore[attr-defined]
    return "holds" in text


def wait_for_one(processes: list[subprocess.Popen[str]], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not any(holds(process) for process in processes):
        assert time.monotonic() < until, "nobody became the scheduler"
        time.sleep(0.1)


def test_one_of_three_is_the_scheduler_and_another_follows_when_it_is_killed(
    candidate: Candidate,
) -> None:
    waiting = [candidate() for _ in range(3)]
    wait_for_one(waiting)
    time.sleep(1.0)
    leaders = [process for process in waiting if holds(process)]
    assert len(leaders) == 1
    leaders[0].send_signal(signal.SIGKILL)
    leaders[0].wait()
    waiting.remove(leaders[0])
    wait_for_one(waiting)
    time.sleep(0.5)
    assert sum(holds(process) for process in waiting) == 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real server whose scheduler holds the lock; whatever it leaves behind is killed."""
    first_start = {"BUS_OPS_LIBRARY": "Thư viện", "BUS_OPS_ADMIN": "quan-tri"}
    port = free_port()
    process = subprocess.Popen(
        [str(PROGRAM), "serve", "--port", str(port)],
        env=environment(tmp_path, **first_start),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        preexec_fn=hear_signals,
    )
    children: list[int] = []
    try:
        page(f"http://127.0.0.1:{port}/accounts/sign-in")
        wait_until(lambda: not is_free(tmp_path / "scheduler.lock"))
        children += children_of(process.pid)
        process.children = children  # type: ignore[attr-defined]
        yield process
    finally:
        for pid in (process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def hear_signals() -> None:
    """Whoever runs the tests in the background may have told its children to ignore these."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def is_free(lock: Path) -> bool:
    if not lock.exists():
        return True
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def children_of(pid: int) -> list[int]:
    """Processes started by this one, resource tracker and scheduler."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def wait_until(true: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.1)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_scheduler_ends_with_its_server_however_that_ends(
    server: subprocess.Popen[bytes], tmp_path: Path, ending: signal.Signals
) -> None:
    children: list[int] = server.children  # type: ignore[attr-defined]
    assert children
    server.send_signal(ending)
    server.wait(20)
    wait_until(lambda: not any(is_alive(pid) for pid in children))
    assert is_free(tmp_path / "scheduler.lock")


def test_a_server_asked_to_end_ends_in_order(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0
