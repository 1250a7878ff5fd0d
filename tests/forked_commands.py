"""Runs commands of bus-ops as a fresh process would, without importing the app for each of them.

A process imports the app once and then forks for each command that it is told of, a line of JSON
each: arguments, environment, and files for what the command prints.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ENDED_BY_SIGNAL = 128


class ForkedCommands:
    """The process that forks; ``close`` ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
        )

    def run(
        self, arguments: tuple[str, ...], environment: dict[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; what it prints passes through files in ``folder``."""
        out, err = folder / "stdout", folder / "stderr"
        told = {
            "arguments": list(arguments),
            "environment": environment,
            "out": str(out),
            "err": str(err),
            "cwd": str(Path.cwd()),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(
            ["bus-ops", *arguments], code, out.read_text("utf-8"), err.read_text("utf-8")
        )

    def close(self) -> None:
        """No command follows."""
        self._process.communicate()


def serve() -> None:
    """Fork for each line of the standard input, and answer with the exit code."""
    import bus_ops.cli  # noqa: F401 - what every command would import first

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _pid, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        print(code if code >= 0 else ENDED_BY_SIGNAL - code, flush=True)


def _become(told: dict[str, Any]) -> None:
    from bus_ops.cli import main

    os.environ.clear()
    os.environ.update(told["environment"])
    os.chdir(told["cwd"])
    empty = os.open(os.devnull, os.O_RDONLY)
    for number, name in ((0, None), (1, told["out"]), (2, told["err"])):
        target = empty if name is None else os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, number)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="strict")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")
    sys.argv = ["bus-ops", *told["arguments"]]
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    serve()
