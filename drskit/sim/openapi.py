"""The OpenAPI page of what steers a served world; whatever AWS has is described by AWS."""

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from drskit import __version__
from drskit.sim.generate import WorldFile
from drskit.sim.spec import Fault

Json = dict[str, Any]
PLACE = "#/components/schemas/{model}"
WORDS = {
    "/drskit/clock": "The world's time. AWS replies carry it as their Date header.",
    "/drskit/faults": "Faults of the next calls of an operation, in the order in which they were added.",
    "/drskit/world": "The world as it stands, and another one in its place.",
    "/drskit/inbox": "What was sent to SNS topics and event buses; the newest thousand.",
    "/drskit/received": "What the services that actions ask have carried out, oldest first.",
    "/drskit/openapi.json": "This page.",
}


@cache
def describe() -> Json:
    """The page, as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "drskit's simulated world",
            "version": __version__,
            "summary": "Steer a simulated AWS DRS from a test in any language.",
            "description": "Every other path of this address is an AWS request, told apart by its signature.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {path: {"description": WORDS[path]} | operations for path, operations in _paths().items()},
        "components": {"schemas": _schemas()},
    }


def _paths() -> Json:
    fault, world = _ref("Fault"), _ref("WorldFile")
    either: Json = {"oneOf": [fault, {"type": "array", "items": fault}]}
    written = {"application/json": {"schema": world}, "application/yaml": {"schema": {"type": "string"}}}
    faults = {"type": "array", "items": _ref("ArmedFault")}
    letters = {"type": "array", "items": _ref("Letter")}
    return {
        "/drskit/clock": {
            "get": _operation("tellTime", "What time it is.", _ref("Clock")),
            "post": _operation(
                "letTimePass",
                "Let time pass, by seconds or until a time. A virtual clock jumps; the others pass by themselves.",
                _ref("Clock"),
                body={"application/json": {"schema": _ref("Passing")}},
            ),
        },
        "/drskit/faults": {
            "get": _operation("tellFaults", "The faults, and how often each has struck.", faults),
            "post": _operation(
                "addFaults", "Add one, or a list.", faults, body={"application/json": {"schema": either}}
            ),
            "delete": _operation("clearFaults", "Remove every fault.", faults),
        },
        "/drskit/world": {
            "get": _operation("tellWorld", "The world as it stands.", _ref("World")),
            "post": _operation(
                "replaceWorld",
                "Put another world in its place: tables, instances and faults start afresh; the clock runs on.",
                _ref("World"),
                body=written,
            ),
        },
        "/drskit/inbox": {"get": _operation("tellInbox", "What was sent, oldest first.", letters)},
        "/drskit/received": {
            "get": _operation(
                "tellReceived",
                "What the services that actions ask have carried out, oldest first.",
                {"type": "array", "items": _ref("Receipt")},
            )
        },
        "/drskit/openapi.json": {"get": _operation("describe", "This page.", {"type": "object"})},
    }


def _operation(name: str, summary: str, answer: Json, *, body: Json | None = None) -> Json:
    failed: Json = {"content": {"application/json": {"schema": _ref("Error")}}}
    responses: Json = {"200": {"description": "Done.", "content": {"application/json": {"schema": answer}}}}
    told: Json = {"operationId": name, "summary": summary, "responses": responses}
    if body is None:
        return told
    told["requestBody"] = {"required": True, "content": body}
    responses["400"] = {"description": "Nothing was changed; the message says why."} | failed
    return told


def _ref(name: str) -> Json:
    return {"$ref": PLACE.format(model=name)}


def _schemas() -> Json:
    _, made = models_json_schema([(WorldFile, "validation"), (Fault, "validation")], by_alias=True, ref_template=PLACE)
    found: Json = made["$defs"]
    return found | {
        "Clock": {
            "type": "object",
            "required": ["now", "kind", "speed"],
            "additionalProperties": False,
            "properties": {
                "now": {"type": "string", "format": "date-time"},
                "kind": {"enum": ["virtual", "scaled", "system"]},
                "speed": {"type": "number", "minimum": 0, "description": "How fast it runs; 0 is virtual time."},
            },
        },
        "Passing": {
            "oneOf": [
                _closed({"sleep": {"type": "number", "minimum": 0, "description": "Seconds of the world's time."}}),
                _closed({"now": {"type": "string", "format": "date-time", "description": "A time that lies ahead."}}),
            ]
        },
        "ArmedFault": {
            "type": "object",
            "required": ["service", "operation", "kind", "times", "struck"],
            "properties": {
                "service": {"type": "string"},
                "operation": {"type": "string"},
                "kind": _ref("FaultKind"),
                "times": {"type": "integer", "minimum": 1},
                "struck": {"type": "integer", "minimum": 0, "description": "How often it has struck."},
            },
        },
        "Receipt": {
            "type": "object",
            "required": ["at", "service", "name", "token"],
            "properties": {
                "at": {"type": "string", "format": "date-time"},
                "service": {"enum": ["ssm", "lambda", "sns", "http"]},
                "name": {"type": "string", "description": "The document, function, topic or address."},
                "token": {"type": ["string", "null"], "description": "By what the request can be recognised."},
            },
        },
        "World": _world(),
        "Letter": _closed(
            {
                "at": {"type": "string", "format": "date-time"},
                "service": {"enum": ["sns", "events"]},
                "target": {"type": "string", "description": "The topic's ARN, or the bus as it was named."},
                "subject": {"type": "string", "description": "Of an event its detail type."},
                "message": {"type": "string", "description": "Of an event its detail, in JSON."},
                "attributes": {"type": "object", "additionalProperties": {"type": "string"}},
            }
        ),
        "Error": {
            "type": "object",
            "required": ["__type", "message"],
            "properties": {"__type": {"type": "string"}, "message": {"type": "string"}},
        },
    }


def _closed(properties: Json) -> Json:
    """An object of just these."""
    return {"type": "object", "required": list(properties), "additionalProperties": False, "properties": properties}


def _world() -> Json:
    lists = {
        "sourceServers": ("sourceServerID", "DescribeSourceServers"),
        "jobs": ("jobID", "DescribeJobs"),
        "recoveryInstances": ("recoveryInstanceID", "DescribeRecoveryInstances"),
    }
    shown: Json = {
        name: {
            "type": "array",
            "description": f"As {operation} shows them.",
            "items": {"type": "object", "required": [key], "properties": {key: {"type": "string"}}},
        }
        for name, (key, operation) in lists.items()
    }
    plain = {name: {"type": "string"} for name in ("about", "account", "region")}
    time = {"now": {"type": "string", "format": "date-time"}}
    return _closed(time | plain | shown | {"faults": {"type": "array", "items": _ref("ArmedFault")}})
