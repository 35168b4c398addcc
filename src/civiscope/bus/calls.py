"""The callee's side of faces: finds the method, checks the arguments, runs it within its deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from civiscope.base import AppError, ErrorKind, PrincipalId, get_log
from civiscope.bus.context import CallContext, calling
from civiscope.bus.face import Method, methods_of
from civiscope.bus.wire import ERROR_TEXT_LIMIT, MESSAGE_LIMIT_BYTES, Failure, Request, Response

_log = get_log("civiscope.bus")
RUNNING_LIMIT = 64
RESULT_LIMIT_BYTES = MESSAGE_LIMIT_BYTES - 1024


@dataclass(frozen=True, slots=True)
class _Served:
    method: Method
    function: Callable[..., Awaitable[Any]]
    waits: bool


class Calls:
    """Answers requests with the faces served here; at most `RUNNING_LIMIT` at once, more are `EXHAUSTED`."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._served: dict[tuple[str, str], _Served] = {}
        self._running = 0

    def serve(self, face: Callable[..., object], implementation: object, *, waits: bool = False) -> None:
        """Answer calls of this Protocol with the object; `waits` frees long polls from the limit of calls."""
        face_name = getattr(face, "__name__", "")
        for name, method in methods_of(face).items():
            function = getattr(implementation, name, None)
            if function is None:
                raise TypeError(f"{type(implementation).__name__} has no method {name} of {face_name}")
            if (face_name, name) in self._served:
                raise ValueError(f"{face_name} is served already")
            self._served[face_name, name] = _Served(method, function, waits)

    async def answer(self, request: Request) -> Response | Failure:
        """What to send back; raises nothing but cancellation."""
        try:
            return Response(request.call, await self._run(request))
        except AppError as error:
            return Failure(request.call, error.kind, error.message[:ERROR_TEXT_LIMIT])
        except Exception:  # the request handler's edge: whole into the log, nothing of it to the caller
            _log.exception("a call failed", face=request.face, method=request.method, trace=request.trace_id)
            message = (
                f"{request.face}.{request.method} failed in the {self._role}; its log says why "
                f"(trace {request.trace_id})."
            )
            return Failure(request.call, ErrorKind.INTERNAL, message)

    async def _run(self, request: Request) -> bytes:
        served = self._served.get((request.face, request.method))
        if served is None:
            raise AppError(
                ErrorKind.MISSING, f"The {self._role} does not answer {request.face}.{request.method}."
            )
        if served.waits:
            return await self._within_deadline(served, request)
        if self._running >= RUNNING_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"The {self._role} is busy with {self._running} calls: try again."
            )
        self._running += 1
        try:
            return await self._within_deadline(served, request)
        finally:
            self._running -= 1

    async def _within_deadline(self, served: _Served, request: Request) -> bytes:
        arguments = served.method.read_arguments(request.body)
        principal = PrincipalId(request.principal_id) if request.principal_id else None
        try:
            async with asyncio.timeout(request.timeout_ms / 1000):
                with calling(CallContext(request.trace_id, principal)):
                    result = await served.function(**arguments)
        except TimeoutError:
            raise AppError(
                ErrorKind.TIMEOUT,
                f"{request.face}.{request.method} took longer than {request.timeout_ms / 1000:g} s.",
            ) from None
        body = msgspec.msgpack.encode(result)
        if len(body) > RESULT_LIMIT_BYTES:
            raise AppError(
                ErrorKind.EXHAUSTED,
                f"The result of {request.face}.{request.method} has {len(body)} bytes; "
                f"at most {RESULT_LIMIT_BYTES} are carried: ask for less at once.",
            )
        return body
