"""One live socket: ready-made messages out, pings in, and a reason when it closes."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.types import Receive, Send
from starlette.websockets import WebSocket

from civiscope.api.download import let_go
from civiscope.base import AppError, Clock, ErrorKind

CLOSE_SESSION_ENDED = 4401
CLOSE_REFUSED = 4403
CLOSE_MISSING = 4404
CLOSE_STOPPING = 1013
"""RFC 6455 §7.4.2 leaves 4000 to 4999 to us; 1013 is "try again later" in the IANA register."""

_CLOCK = struct.Struct(">Bq")
_CLOCK_TYPE = 5
_PING_LIMIT_CHARS = 256
_CODES = {
    ErrorKind.UNAUTHENTICATED: CLOSE_SESSION_ENDED,
    ErrorKind.MISSING: CLOSE_MISSING,
    ErrorKind.UNAVAILABLE: CLOSE_STOPPING,
    ErrorKind.TIMEOUT: CLOSE_STOPPING,
    ErrorKind.EXHAUSTED: CLOSE_STOPPING,
}
"""All other kinds are a refusal: the page must not connect again by itself."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why a socket closes."""

    code: int
    words: str


def goodbye_for(error: AppError) -> Goodbye:
    """The close code that stands for a failure, with its words."""
    return Goodbye(_CODES.get(error.kind, CLOSE_REFUSED), error.message)


class LiveSocket:
    """Runs an accepted WebSocket until the peer leaves, the pictures end, or somebody says goodbye.

    Messages are written as they come, one after the other and without copying: a slow peer is the business of
    the queue behind `messages`.
    """

    def __init__(self, socket: WebSocket, clock: Clock) -> None:
        self._clock = clock
        self._socket = socket
        self._receive: Receive = socket._receive
        self._send: Send = socket._send

    async def run(self, messages: AsyncIterator[bytes], stopping: asyncio.Event) -> None:
        """Returns when the socket is closed; `messages` raises when the viewer may no longer look."""
        tasks = (
            asyncio.create_task(self._write(messages)),
            asyncio.create_task(self._read()),
            asyncio.create_task(stopped(stopping)),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        goodbye = next(task for task in tasks if task in done).result()
        if goodbye is not None:
            await self.close(goodbye)

    async def close(self, goodbye: Goodbye) -> None:
        """Say why (at most 123 bytes, RFC 6455 §5.5) and close."""
        reason = goodbye.words.encode()[:123].decode(errors="ignore")
        await self._send({"type": "websocket.close", "code": goodbye.code, "reason": reason})

    async def _write(self, messages: AsyncIterator[bytes]) -> Goodbye | None:
        send = self._send
        try:
            async for message in messages:
                await send({"type": "websocket.send", "bytes": message})
        except AppError as error:
            return goodbye_for(error)
        except OSError:  # uvicorn's ClientDisconnected: the peer has left
            return None
        finally:
            await let_go(messages)
        return Goodbye(CLOSE_REFUSED, "This look has ended.")

    async def _read(self) -> Goodbye | None:
        """Answer pings (`{"ping": n}`); anything else a peer says is passed over."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return None
            answer = _pong(message.get("text") or "")
            if answer is not None:
                head = _CLOCK.pack(_CLOCK_TYPE, self._clock.now_us())
                await self._send({"type": "websocket.send", "bytes": head + answer})


def _pong(text: str) -> bytes | None:
    number = ping_of(text)
    return None if number is None else json.dumps({"pong": number}).encode()


def ping_of(text: str) -> float | None:
    """The number of a peer's `{"ping": n}`; None for anything else it says."""
    if not text or len(text) > _PING_LIMIT_CHARS:
        return None
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return None
    number = asked.get("ping") if isinstance(asked, dict) else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return number


async def stopped(stopping: asyncio.Event) -> Goodbye:
    """The goodbye of a server that stops, once it does."""
    await stopping.wait()
    return Goodbye(CLOSE_STOPPING, "The server is stopping. Connect again in a moment.")
