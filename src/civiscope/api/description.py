"""The door as OpenAPI 3.1: what the framework knows of each call, and what is true of all of them."""

from collections.abc import Sequence
from typing import Any

from civiscope.api.calls import PREFIX, Call
from civiscope.api.errors import STATUS_OF
from civiscope.api.guard import COOKIE, CSRF_HEADER, Open
from civiscope.base import ErrorKind

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message"],
            "properties": {
                "kind": {"enum": [kind.value for kind in ErrorKind]},
                "message": {"type": "string", "description": "What failed, why, and what to do."},
                "retry_after_s": {"type": "integer"},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    },
}
_WORDS = {
    401: "Not signed in.",
    403: "Not permitted, or not from this server's own page.",
    404: "Not there, or not for you.",
    405: "This address does not take that method.",
    409: "It stands against what is there.",
    410: "The data are lost.",
    413: "The body is too large.",
    421: "A host name that is not ours.",
    422: "Something sent does not fit.",
    429: "Too many attempts, or no place left.",
    503: "Not now; try again.",
    504: "It took too long.",
}
_OPEN_CODES = (405, 413, 421, 422, 429, 503, 504)
_RAW_BODIES = {"/looks/{look_id}/whep": "application/sdp"}
"""Sent and answered (201) as this, not as JSON."""
_RAW_TYPES = {
    "/looks/{look_id}/media": "video/mp4",
    "/looks/{look_id}/download": "video/mp4",
    "/authority.pem": "application/x-pem-file",
    "/authority.der": "application/x-x509-ca-cert",
    "/authority.mobileconfig": "application/x-apple-aspen-config",
}


def describe_calls(document: dict[str, Any], calls: Sequence[Call]) -> dict[str, Any]:
    """The framework's document, made true: errors of one shape, ways to sign in, kinds of content."""
    assert set(_WORDS) >= set(STATUS_OF.values()) - {500}
    components = document.setdefault("components", {})
    components["schemas"] = {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in {"HTTPValidationError", "ValidationError"}
    } | {"Error": _ERROR}
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
        "token": {"type": "http", "scheme": "bearer"},
    }
    for call in calls:
        _complete(document["paths"][PREFIX + call.path][call.method.lower()], call)
    return document


def _complete(operation: dict[str, Any], call: Call) -> None:
    answers: dict[str, Any] = operation["responses"]
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    codes = _OPEN_CODES if call.access is Open.ANYONE and call.method == "GET" else tuple(_WORDS)
    for code in (*codes, *(one for one in call.answers if one == 415)):
        told = answers.get(str(code), {}).get("description")
        words = told if told and code in call.answers else _WORDS[code]
        answers[str(code)] = {"description": words, "content": content}
    if raw_type := _RAW_TYPES.get(call.path):
        answers["200"] = {"description": "The file.", "content": {raw_type: {}}}
        answers.setdefault("204", {"description": "Nothing there."})
    if raw_body := _RAW_BODIES.get(call.path):
        operation["requestBody"] = {"required": True, "content": {raw_body: {"schema": {"type": "string"}}}}
        answers["201"]["content"] = {raw_body: {}}
    if call.access is not Open.ANYONE:
        cookie: dict[str, list[str]] = {"session": []}
        if call.method != "GET":
            cookie["csrf"] = []
        operation["security"] = [cookie] if call.person_only else [cookie, {"token": []}]
