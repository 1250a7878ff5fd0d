"""Every benchmark, one after the other: ``python -m tests.benchmarks FILES``.

FILES are mobile library timetables (CSV) for the importer; most others need no input. Those that
plan for many minutes are started by their own names: ``tests.benchmarks.plan_growth``, ``.pvrp``,
``.repair``, ``.services``. Each prints its figures beside a
reference of the same run where there is one, and asserts nothing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
BY_THEIR_OWN_NAMES = {"plan_growth", "pvrp", "repair", "services"}


def main() -> None:
    """Run each module of this folder in a process of its own."""
    for module in sorted(FOLDER.glob("[a-z]*.py")):
        name = module.stem
        if name in BY_THEIR_OWN_NAMES:
            continue
        files = sys.argv[1:] if name == "timetable_import" else []
        if name == "timetable_import" and not files:
            print("timetable_import: left out, name mobile library CSV files to measure it")
            continue
        print(f"— {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", *files], check=True)


if __name__ == "__main__":
    main()
