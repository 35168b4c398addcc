"""Around the whole application: known host, bounded body, bounded time, headers on every answer."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from civiscope.api.errors import error_answer, http_answer
from civiscope.api.headers import SECURITY_HEADERS
from civiscope.api.settings import ApiSettings
from civiscope.base import AppError, ErrorKind

_NO_STORE = (b"cache-control", b"no-store")


class Door:
    """ASGI middleware; refuses what no handler needs to see. Holds nothing between requests."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one socket, or the application's life."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(scope, send, self._settings.stall_limit_s)
        headers = Headers(scope=scope)
        if refusal := self._refusal(headers):
            await error_answer(refusal, 421)(scope, receive, answer.send)
            return
        settings = self._settings
        limit_bytes = settings.large_bodies.get(scope["path"], settings.body_limit_bytes)
        body = _Body(receive, limit_bytes)
        if body.is_announced_too_large(headers):
            await http_answer(413)(scope, receive, answer.send)
            return
        try:
            async with asyncio.timeout(self._settings.answer_limit_s) as limit:
                answer.limit = limit
                await self._app(scope, body.receive, answer.send)
        except TimeoutError:
            if not answer.is_started:
                answer.limit = None
                late = AppError(ErrorKind.TIMEOUT, "The server did not answer in time. Try again.")
                await error_answer(late)(scope, receive, answer.send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._refusal(Headers(scope=scope)):
            await receive()
            await send({"type": "websocket.close", "code": 4403})
            return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> AppError | None:
        """Other names than ours in Host are a sign of DNS rebinding."""
        hosts = headers.getlist("host")  # two of them: who reads the other one is led astray (RFC 9112 §3.2)
        if len(hosts) == 1 and host_name(hosts[0]) in self._settings.hosts:
            return None
        return AppError(
            ErrorKind.INVALID,
            "This server is not known by that host name. Use a name in its certificate, "
            "or add the name to [server] hosts in civiscope.toml.",
        )


def host_name(header: str) -> str:
    """The Host header's name without port and brackets, small (RFC 9110 §7.2)."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


class _Body:
    """Counts what comes in."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._seen_bytes = 0

    def is_announced_too_large(self, headers: Headers) -> bool:
        length = headers.get("content-length", "0")
        return not length.isdecimal() or int(length[:18]) > self._limit_bytes

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen_bytes += len(message.get("body", b""))
            if self._seen_bytes > self._limit_bytes:
                raise HTTPException(413)
        return message


class _Answer:
    """Adds our headers at the start; from then on bounds each write instead of the whole."""

    def __init__(self, scope: Scope, send: Send, stall_limit_s: float) -> None:
        self._send = send
        self._stall_limit_s = stall_limit_s
        self._is_api = str(scope["path"]).startswith("/api/")
        self.is_started = False
        self.limit: asyncio.Timeout | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            headers = [*message.get("headers", []), *SECURITY_HEADERS]
            if self._is_api and not any(name == b"cache-control" for name, _ in headers):
                headers.append(_NO_STORE)
            message["headers"] = headers
        if self.limit is not None and self.is_started:
            loop = asyncio.get_running_loop()
            self.limit.reschedule(loop.time() + self._stall_limit_s)
        await self._send(message)
