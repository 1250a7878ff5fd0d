"""A JSON document against its schema: every fault with its place, its value and what is expected.

Understands the part of JSON Schema (2020-12) that this project's own files use, so that the schema
beside a format is both its documentation and its check.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

# Longer values are shown by their beginning.
MOST_SHOWN = 60


class ShapeProblem(StrEnum):
    """What is wrong with the shape of a document."""

    NOT_JSON = "not_json"
    WRONG_TYPE = "wrong_type"
    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    NOT_ONE_OF = "not_one_of"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    TOO_FEW = "too_few"
    ONE_FIELD_ONLY = "one_field_only"
    NOT_A_DATE = "not_a_date"
    NOT_A_CLOCK = "not_a_clock"


@dataclass(frozen=True)
class JsonFault:
    """A place of the document (``stops[3].windows[0].opens``), its value and what is wrong there.

    ``expected`` says what would be right: types, fields, words or a limit, by the problem.
    """

    path: str
    value: str
    problem: StrEnum
    expected: tuple[str, ...] = ()


class JsonFaultsError(ValueError):
    """A document that cannot be used; ``faults`` say where and why, in order of the document."""

    def __init__(self, faults: list[JsonFault]) -> None:
        super().__init__("; ".join(f"{f.path}: {f.problem.value} {f.value}" for f in faults))
        self.faults = tuple(faults)


def read_json(text: str) -> Any:
    """The document's value; raises JsonFaultsError where it is no JSON.

    NaN and infinity, which JSON does not know, are no JSON here either.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"{error.lineno}:{error.colno}"
        raise JsonFaultsError([JsonFault(where, error.msg, ShapeProblem.NOT_JSON)]) from None
    except (ValueError, RecursionError) as error:
        raise JsonFaultsError([JsonFault("1:1", str(error), ShapeProblem.NOT_JSON)]) from None


def shape_faults(document: Any, schema: Mapping[str, Any]) -> list[JsonFault]:
    """Everything in which the document differs from the schema."""
    return list(_faults(document, schema, "", schema))


def shown(value: Any) -> str:
    """A value as its file has it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _faults(
    value: Any, schema: Mapping[str, Any], path: str, root: Mapping[str, Any]
) -> Iterator[JsonFault]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_IS[kind](value) for kind in types):
        yield JsonFault(path, shown(value), ShapeProblem.WRONG_TYPE, tuple(types))
        return
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if options is not None and value not in options:
        yield JsonFault(path, shown(value), ShapeProblem.NOT_ONE_OF, tuple(map(str, options)))
        return
    if isinstance(value, dict):
        yield from _object_faults(value, schema, path, root)
    elif isinstance(value, list):
        least = schema.get("minItems", 0)
        if len(value) < least:
            yield JsonFault(path, shown(value), ShapeProblem.TOO_FEW, (str(least),))
        for number, item in enumerate(value):
            yield from _faults(item, schema.get("items", {}), f"{path}[{number}]", root)
    elif isinstance(value, str):
        yield from _text_faults(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_faults(value, schema, path)


def _object_faults(
    value: dict[str, Any], schema: Mapping[str, Any], path: str, root: Mapping[str, Any]
) -> Iterator[JsonFault]:
    properties = schema.get("properties", {})
    inside = f"{path}." if path else ""
    if schema.get("maxProperties") == 1 and len(value.keys() & properties.keys()) != 1:
        yield JsonFault(path, shown(value), ShapeProblem.ONE_FIELD_ONLY, tuple(properties))
        return
    for name in schema.get("required", []):
        if name not in value:
            yield JsonFault(inside + name, "", ShapeProblem.MISSING)
    for name, item in value.items():
        if name in properties:
            yield from _faults(item, properties[name], inside + name, root)
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from _name_faults(name, schema.get("propertyNames", {}), inside + name)
            yield from _faults(item, schema["additionalProperties"], inside + name, root)
        elif schema.get("additionalProperties") is False:
            known = tuple(properties)
            yield JsonFault(inside + name, shown(item), ShapeProblem.UNKNOWN_FIELD, known)


def _name_faults(name: str, schema: Mapping[str, Any], path: str) -> Iterator[JsonFault]:
    yield from _text_faults(name, schema, path)


def _text_faults(value: str, schema: Mapping[str, Any], path: str) -> Iterator[JsonFault]:
    if len(value) < schema.get("minLength", 0):
        yield JsonFault(path, shown(value), ShapeProblem.TOO_FEW, (str(schema["minLength"]),))
    if schema.get("format") == "date" and not _is_date(value):
        yield JsonFault(path, shown(value), ShapeProblem.NOT_A_DATE)
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield JsonFault(path, shown(value), ShapeProblem.NOT_A_CLOCK)


def _number_faults(value: float, schema: Mapping[str, Any], path: str) -> Iterator[JsonFault]:
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if value < least:
        yield JsonFault(path, shown(value), ShapeProblem.TOO_SMALL, (str(least),))
    elif value > most:
        yield JsonFault(path, shown(value), ShapeProblem.TOO_LARGE, (str(most),))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    # 1e999 is JSON, and no number.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}
