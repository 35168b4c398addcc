"""A WebSocket on the ASGI application itself: what was sent, and how it closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.types import Message
from tests.api.town import HOST, ORIGIN

from civiscope.api import Application


class Peer:
    """The browser's end."""

    def __init__(self, task: "asyncio.Task[None]", said: "asyncio.Queue[Message]") -> None:
        self.task = task
        self._said = said
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()

    async def next(self, limit_s: float = 10.0) -> Message:
        """The next ASGI message from the server."""
        async with asyncio.timeout(limit_s):
            return await self._said.get()

    async def text(self, limit_s: float = 10.0) -> dict[str, Any]:
        """The next text message."""
        message = await self.next(limit_s)
        assert message["type"] == "websocket.send", message
        told = json.loads(message["text"])
        assert isinstance(told, dict)
        return told

    def is_silent(self) -> bool:
        """Nothing was sent that was not read."""
        return self._said.empty()

    def say(self, text: str) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})


@asynccontextmanager
async def socket_at(
    app: Application, path: str, client: httpx.AsyncClient, origin: str = ORIGIN
) -> AsyncIterator[Peer]:
    """Connected with the client's cookies; disconnected at the end."""
    cookies = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
    headers = [(b"host", HOST.encode()), (b"origin", origin.encode()), (b"cookie", cookies.encode())]
    said: asyncio.Queue[Message] = asyncio.Queue()
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "scheme": "wss", "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "client": ("192.0.2.7", 4711),
        "server": (HOST, 443), "subprotocols": [], "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})

    async def send(message: Any) -> None:
        await said.put(message)

    async def run() -> None:
        await app(scope, incoming.get, send)

    peer = Peer(asyncio.ensure_future(run()), said)
    peer.incoming = incoming
    try:
        yield peer
    finally:
        incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait([peer.task], timeout=10)
        peer.task.cancel()
