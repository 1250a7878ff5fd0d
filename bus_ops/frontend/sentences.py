"""The sentences of the tablet's app: found in its sources, written as its two catalogues.

Sentences stand in TypeScript as ``t("English")`` and ``tn("one", "many", n)``. Babel's reader of
JavaScript loses some of them in TSX, so they are found by their shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_STRING = r'("(?:[^"\\]|\\.)*")'
_ONE = re.compile(rf"\bt\(\s*{_STRING}\s*[,)]")
_NUMBERED = re.compile(rf"\btn\(\s*{_STRING}\s*,\s*{_STRING}\s*,")
_COMMENT = re.compile(r"^\s*(//|\*|/\*).*$", re.MULTILINE)

Sentence = str | tuple[str, str]


def sentences_in(sources: Path) -> dict[Sentence, str]:
    """Every sentence below a folder of TypeScript, with the file it stands in."""
    found: dict[Sentence, str] = {}
    for file in sorted(sources.rglob("*.ts*")):
        for sentence in _sentences(_COMMENT.sub("", file.read_text("utf-8"))):
            found.setdefault(sentence, file.name)
    return found


def _sentences(text: str) -> Iterator[Sentence]:
    for match in _ONE.finditer(text):
        yield json.loads(match[1])
    for match in _NUMBERED.finditer(text):
        yield json.loads(match[1]), json.loads(match[2])


def write_messages(sources: Path, catalogue: Any, folder: Path) -> None:
    """Write ``vi.json`` from a Babel catalogue, and ``en.json``, which needs no words."""
    folder.mkdir(parents=True, exist_ok=True)
    words: dict[str, str | list[str]] = {}
    for sentence in sentences_in(sources):
        first = sentence if isinstance(sentence, str) else sentence[0]
        message = catalogue.get(first)
        if message is None or not message.string:
            continue
        text = message.string
        words[first] = text if isinstance(text, str) else list(text)
    (folder / "vi.json").write_text(json.dumps(words, ensure_ascii=False), "utf-8")
    (folder / "en.json").write_text("{}", "utf-8")
