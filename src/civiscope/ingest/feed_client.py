"""The feed's taking side, on asyncio: one connection per process, kept up, with a callback per stream."""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from civiscope.base import Backoff, Clock, ProtocolError, RunId, StreamId, get_log
from civiscope.ingest.feed_server import peer_user_id
from civiscope.ingest.feed_wire import (
    FeedDropped,
    FeedEnded,
    FeedHello,
    FeedMessage,
    FeedParser,
    FeedRun,
    FeedStart,
    FeedSubscribe,
    FeedUnit,
    FeedUnsubscribe,
    FeedWatch,
    write_message,
)

_log = get_log("civiscope.ingest.feed")
_HELLO_WAIT_S = 5.0
_UNSENT_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FeedAway:
    """The recorder does not answer: nothing is known of the stream until the next event."""

    stream_id: StreamId
    at_us: int


FeedEvent = FeedRun | FeedUnit | FeedDropped | FeedEnded | FeedAway
FeedHandler = Callable[[FeedEvent], None]
"""Called in the event loop, in order; must not block and keeps nothing waiting."""


@dataclass(slots=True)
class _Wish:
    handler: FeedHandler
    start: FeedStart
    is_watched: bool = False
    run_id: RunId | None = None
    sequence: int = -1

    def subscribe(self, stream_id: StreamId) -> FeedSubscribe:
        """Go on after what came last, or begin as first wished."""
        if self.run_id is not None and self.sequence >= 0:
            return FeedSubscribe(stream_id, FeedStart.RESUME, self.run_id, self.sequence)
        return FeedSubscribe(stream_id, self.start)


class FeedClient:
    """Subscribes streams of `feed.sock`; `run()` keeps the connection until it is cancelled.

    After a lost connection it resumes each stream after its last unit, so that a reader misses nothing the
    server still keeps. It holds no units: each goes to its stream's handler at once.
    """

    def __init__(self, path: Path, role: str, clock: Clock, backoff: Backoff | None = None) -> None:
        self._path = path
        self._role = role
        self._clock = clock
        self._backoff = backoff or Backoff(first_s=0.1, limit_s=2.0)
        self._wishes: dict[StreamId, _Wish] = {}
        self._transport: asyncio.Transport | None = None

    @property
    def is_connected(self) -> bool:
        """The recorder has answered the hello."""
        return self._transport is not None

    def subscribe(
        self, stream_id: StreamId, handler: FeedHandler, start: FeedStart = FeedStart.NEWEST_KEY
    ) -> None:
        """Bring everything of a stream to `handler`; replaces an older subscription of it."""
        self._wishes[stream_id] = wish = _Wish(handler, start)
        self._send(wish.subscribe(stream_id))
        if not self.is_connected:
            handler(FeedAway(stream_id, self._clock.now_us()))

    def unsubscribe(self, stream_id: StreamId) -> None:
        """No event of this stream comes after this call."""
        wish = self._wishes.pop(stream_id, None)
        if wish:
            if wish.is_watched:
                self._send(FeedWatch(stream_id, False))
            self._send(FeedUnsubscribe(stream_id))

    def watch(self, stream_id: StreamId, is_watched: bool) -> None:
        """Say that a person is looking at a subscribed stream, or no longer."""
        wish = self._wishes.get(stream_id)
        if wish and wish.is_watched != is_watched:
            wish.is_watched = is_watched
            self._send(FeedWatch(stream_id, is_watched))

    async def run(self) -> None:
        """Connect, and connect again with back-off, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            connection = _Connection(self._opened, self._received)
            try:
                async with asyncio.timeout(_HELLO_WAIT_S):
                    await loop.create_unix_connection(lambda: connection, str(self._path))  # noqa: B023
                    connection.send(FeedHello(self._role))
                    await connection.greeted
                await connection.closed
            except (OSError, ProtocolError) as error:
                _log.warning("feed cannot be reached", cause=type(error).__name__)
            finally:
                connection.close()
                self._lost()
            await asyncio.sleep(self._backoff.next_delay_s())

    def _opened(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._backoff.reset()
        for stream_id, wish in self._wishes.items():
            self._send(wish.subscribe(stream_id))
            if wish.is_watched:
                self._send(FeedWatch(stream_id, True))

    def _lost(self) -> None:
        if self._transport is None:
            return
        self._transport = None
        now_us = self._clock.now_us()
        for stream_id, wish in list(self._wishes.items()):
            wish.handler(FeedAway(stream_id, now_us))

    def _send(self, message: FeedMessage) -> None:
        transport = self._transport
        if transport is None:
            return
        if transport.get_write_buffer_size() > _UNSENT_LIMIT_BYTES:
            _log.warning("feed does not read what is asked of it: connecting again")
            transport.abort()
        else:
            transport.write(write_message(message))

    def _received(self, message: FeedMessage) -> None:
        if not isinstance(message, FeedRun | FeedUnit | FeedDropped | FeedEnded):
            raise ProtocolError(f"the feed's server may not send {type(message).__name__}")
        wish = self._wishes.get(message.stream_id)
        if wish is None:
            return
        if isinstance(message, FeedUnit):
            wish.run_id, wish.sequence = message.run_id, message.unit.sequence
        elif isinstance(message, FeedEnded):
            wish.run_id = None
        wish.handler(message)


class _Connection(asyncio.Protocol):
    """One connection's life: greeted, then messages, then closed."""

    def __init__(
        self, opened: Callable[[asyncio.Transport], None], received: Callable[[FeedMessage], None]
    ) -> None:
        self._opened = opened
        self._received = received
        self._parser = FeedParser()
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        connection = cast("socket.socket", transport.get_extra_info("socket"))
        if peer_user_id(connection) != os.getuid():
            _log.error("feed socket belongs to another user: not read", cause="peer check")
            self._transport.abort()

    def send(self, message: FeedMessage) -> None:
        """Write a message, if the connection is still there."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(write_message(message))

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._parser.feed(data):
                self._take(message)
        except ProtocolError as error:
            self._end(error)
            self.close()

    def _take(self, message: FeedMessage) -> None:
        if self.greeted.done():
            self._received(message)
        elif isinstance(message, FeedHello) and self._transport:
            self.greeted.set_result(None)
            self._opened(self._transport)
        else:
            raise ProtocolError("the feed's server must say hello first")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc if isinstance(exc, OSError) else ConnectionResetError("the feed was closed"))

    def _end(self, error: OSError | ProtocolError) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(error)
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        """Hang up; nothing more is taken."""
        if self._transport:
            self._transport.abort()
