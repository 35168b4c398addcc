"""Failures as answers: one table from `ErrorKind` to status codes, and never a stack trace."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from civiscope.api.device_answers import trouble_answer
from civiscope.base import AppError, ErrorKind, get_log
from civiscope.devices import TroubleError

STATUS_OF: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID: 422,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.DENIED: 403,
    ErrorKind.MISSING: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.EXHAUSTED: 429,
    ErrorKind.LOST_DATA: 410,
    ErrorKind.TIMEOUT: 504,
    ErrorKind.INTERNAL: 500,
}

_INTERNAL_WORDS = (
    "Something failed inside the server. It is written in its log; try again, then tell the administrator."
)


def error_answer(error: AppError, status: int | None = None) -> JSONResponse:
    """The JSON answer for a failure; what the error has besides its words goes into the body."""
    body: dict[str, object] = {"kind": error.kind.value, "message": error.message}
    headers: dict[str, str] = {}
    fields = getattr(error, "fields", None)
    if isinstance(fields, dict):
        body["fields"] = fields
    factors = getattr(error, "second_factor", None)
    if isinstance(factors, tuple):
        body["second_factor"] = list(factors)
    if isinstance(error, TroubleError):
        body["trouble"] = trouble_answer(error.report)
    wait_s = getattr(error, "retry_after_s", None)
    if isinstance(wait_s, int | float):
        body["retry_after_s"] = math.ceil(wait_s)
        headers["Retry-After"] = str(math.ceil(wait_s))
    return JSONResponse({"error": body}, status or STATUS_OF[error.kind], headers)


def install_error_answers(app: FastAPI) -> None:
    """Give every failure the same shape; the unexpected is logged whole and told in general words."""
    log = get_log("civiscope.api")

    async def on_app_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, AppError)
        return error_answer(error)

    async def on_validation(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return error_answer(AppError(ErrorKind.INVALID, validation_words(error.errors())))

    async def on_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return http_answer(error.status_code, error.headers)

    async def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", method=request.method, path=request.url.path, error=type(error).__name__)
        return error_answer(AppError(ErrorKind.INTERNAL, _INTERNAL_WORDS))

    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_unexpected)


def http_answer(status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The framework's own refusals (no such path, wrong method) in our shape."""
    words = {
        400: (ErrorKind.INVALID, "The request's body cannot be read. Send JSON in UTF-8."),
        404: (ErrorKind.MISSING, "There is no such address under /api/v1. See /api/v1/openapi.json."),
        405: (ErrorKind.INVALID, "This address does not take that method. See /api/v1/openapi.json."),
        413: (ErrorKind.INVALID, "The request's body is larger than this server takes. Send less."),
    }
    kind, message = words.get(
        status, (ErrorKind.INVALID, "The request cannot be read. Check how it is written.")
    )
    answer = error_answer(AppError(kind, message), 422 if status == 400 else status)
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def validation_words(errors: Sequence[Any]) -> str:
    """What is wrong with which field, in words, without repeating what was sent (it may be a secret)."""
    words = []
    for error in errors[:5]:
        place = [str(part) for part in error.get("loc", ()) if part not in {"body", "query", "path"}]
        if error.get("type") == "json_invalid":
            words.append("The body is not valid JSON.")
        elif not place:
            words.append("The body is missing or is not a JSON object.")
        else:
            words.append(f"The field {'.'.join(place)[:80]}: {error.get('msg', 'is wrong')}.")
    return " ".join(words) or "The request is not as this call needs it."
