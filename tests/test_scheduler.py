"""Exactly one scheduler, however many processes want to be it; another follows when it dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


def wait_for_one(processes: list[subprocess.Popen[str]], seconds: float = 20) -> None:
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
