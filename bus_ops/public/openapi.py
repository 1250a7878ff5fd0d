"""The open data's own description, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

_TIME = {"type": "string", "format": "date-time"}
_NUMBER = {"type": "integer"}
_TEXT = {"type": "string"}
_ADDRESS = {"type": "string", "format": "uri"}

_VISIT = {
    "type": "object",
    "required": ["id", "stop", "place", "van", "day", "arrives", "departs", "cancelled", "url"],
    "properties": {
        "id": _NUMBER,
        "stop": {**_NUMBER, "description": "The stop's id."},
        "place": _TEXT,
        "van": _TEXT,
        "day": {"type": "string", "format": "date"},
        "arrives": _TIME,
        "departs": _TIME,
        "cancelled": {"type": "boolean"},
        "url": _ADDRESS,
    },
}
_STOP = {
    "type": "object",
    "required": ["id", "name", "address", "commune", "next_visit", "url", "calendar"],
    "properties": {
        "id": _NUMBER,
        "name": _TEXT,
        "address": _TEXT,
        "commune": _TEXT,
        "next_visit": {
            "anyOf": [{"$ref": "#/components/schemas/Visit"}, {"type": "null"}],
            "description": "The next visit that takes place.",
        },
        "url": {**_ADDRESS, "description": "The stop's page."},
        "calendar": {**_ADDRESS, "description": "The stop's iCalendar feed."},
    },
}


# What a gateway for SMS or Zalo is sent; see telling.sending.
_GATEWAY = {
    "operationId": "message",
    "summary": "A message to a telephone number, for a gateway that the library runs",
    "parameters": [
        {
            "name": "Bus-Ops-Signature",
            "in": "header",
            "required": True,
            "description": "t=SECONDS,v1=HEX: HMAC-SHA256 of SECONDS.BODY under the shared secret.",
            "schema": _TEXT,
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "The same whenever the same message is tried again.",
            "schema": _TEXT,
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["id", "kind", "to", "name", "language", "text", "library"],
                    "properties": {
                        "id": _NUMBER,
                        "kind": _TEXT,
                        "to": {**_TEXT, "description": "The telephone number as it was entered."},
                        "name": _TEXT,
                        "language": _TEXT,
                        "text": _TEXT,
                        "library": _TEXT,
                    },
                }
            }
        },
    },
    "responses": {
        "2XX": {"description": "Taken; it is not sent again."},
        "4XX": {"description": "Refused; 408, 425 and 429 are tried again."},
        "5XX": {"description": "To be tried again, after growing pauses."},
    },
}


def description(server: str, version: str, library: str) -> dict[str, Any]:
    """The document; ``server`` is the address below which the paths lie."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{library}: mobile library",
            "version": version,
            "description": "When the van comes, and where. Read only; no key is needed.",
        },
        "servers": [{"url": server}],
        "paths": {
            "/api/stops": {
                "get": {
                    "operationId": "stops",
                    "summary": "Every stop that is open to anyone, by place",
                    "parameters": [_asked("commune", "Only this commune's (its id).")],
                    "responses": {"200": _list_of("stops", "Stop")},
                }
            },
            "/api/visits": {
                "get": {
                    "operationId": "visits",
                    "summary": "Visits in order of time: four weeks by default",
                    "parameters": [
                        _asked("stop", "Only this stop's (its id)."),
                        _asked_day("first", "From this day on, included; by default today."),
                        _asked_day("last", "Until this day, included; at most half a year on."),
                    ],
                    "responses": {
                        "200": _list_of("visits", "Visit"),
                        "400": {
                            "description": "A day or number that is none.",
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "type": "object",
                                        "required": ["error"],
                                        "properties": {"error": _TEXT},
                                    }
                                }
                            },
                        },
                    },
                }
            },
        },
        "webhooks": {"message": {"post": _GATEWAY}},
        "components": {"schemas": {"Stop": _STOP, "Visit": _VISIT}},
    }


def _asked(name: str, what: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": 2_147_483_647}
    return {"name": name, "in": "query", "description": what, "schema": schema}


def _asked_day(name: str, what: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "date"}
    return {"name": name, "in": "query", "description": what, "schema": schema}


def _list_of(name: str, schema: str) -> dict[str, Any]:
    listed = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
    return {
        "description": "They, and how many.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["count", name],
                    "properties": {"count": _NUMBER, name: listed},
                }
            }
        },
    }
