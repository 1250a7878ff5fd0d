"""The command line in the chosen language, its help and click's own words included.

Click looks its words up with the standard library's gettext, whose default domain is the name of
our catalogue: pointing that at our translations is all it needs. Help is written in English where
a command stands, and looked up here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from gettext import bindtextdomain, gettext
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click
from flask_babel import lazy_gettext as _l

from .config import LANGUAGES

TRANSLATIONS_FOLDER = Path(__file__).parent / "translations"

# Click's own sentences, standing here to be found for translation.
CLICK_SENTENCES = (
    _l("Usage:"),
    _l("Options"),
    _l("Commands"),
    _l("Show this message and exit."),
    _l("default: {default}"),
    _l("Aborted!"),
    _l("Error: {message}"),
    _l("Try '{command} {option}' for help."),
    _l("No such command {name!r}."),
    _l("No such option {name!r}."),
    _l("Missing command."),
    _l("Missing argument"),
    _l("Missing option"),
    _l("Invalid value: {message}"),
    _l("Invalid value for {param_hint}: {message}"),
    _l("{value!r} is not a valid {number_type}."),
    _l("{value} is not in the range {range}."),
    _l("{name} {filename!r} does not exist."),
    _l("{name} {filename!r} is a directory."),
    _l("{name} {filename!r} is not readable."),
    _l("file"),
)


class ProgramGroup(click.Group):
    """The program's root: settles the language before anything is read or shown."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run the command line."""
        arguments = list(sys.argv[1:] if args is None else args)
        _speak(self, asked_language(arguments, os.environ.get("BUS_OPS_LANGUAGE", "")))
        return super().main(arguments, *rest, **options)


def asked_language(arguments: Sequence[str], variable: str) -> str:
    """The language of ``--language``, else of the variable, else the first we have."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    given = [
        argument.partition("=")[2] or following
        for argument, following in pairs
        if argument.partition("=")[0] == "--language"
    ]
    return next((asked for asked in [*given, variable] if asked in LANGUAGES), LANGUAGES[0])


def helped(command: click.Command) -> Iterator[click.Command | click.Option]:
    """The command, its options and all below it: whatever carries a help text."""
    yield command
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter
    for below in getattr(command, "commands", {}).values():
        yield from helped(below)


def _speak(program: click.Command, language: str) -> None:
    """Once a process: help texts are replaced by their translations."""
    bindtextdomain("messages", str(TRANSLATIONS_FOLDER))
    os.environ["LANGUAGE"] = language
    for part in helped(program):
        if part.help:
            part.help = gettext(cleandoc(part.help))
