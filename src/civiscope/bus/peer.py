"""One connection of the bus: messages in and out, bounded in time and memory, only with our own user."""

import asyncio
import contextlib
import os
import socket
import struct
from collections import deque

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.bus.wire import (
    MAGIC,
    PROTOCOL_VERSION,
    Hello,
    Message,
    MessageParser,
    check_hello,
    write_message,
)

HELLO_LIMIT_S = 2.0
MESSAGE_LIMIT_S = 10.0
_READ_BYTES = 256 * 1024
_UCRED = struct.Struct("3i")


def peer_uid(peer: socket.socket) -> int:
    """The user of the process at the other end, as the kernel says (unix(7), SO_PEERCRED)."""
    _pid, uid, _gid = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(uid)


class Peer:
    """Messages over a stream. `receive` is for one reader task; `send` for any task of the loop.

    A message that has begun must end within `MESSAGE_LIMIT_S`, in both directions, or the connection breaks.
    One message at a time waits in the socket's buffer, so a peer that does not read costs one message.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit_bytes: int) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = MessageParser(limit_bytes)
        self._arrived: deque[Message] = deque()
        self._sending = asyncio.Lock()
        self._message_deadline: float | None = None

    async def greet(self, role: str) -> str:
        """Check the peer's user, exchange greetings; gives the peer's role. `DENIED` or `TIMEOUT`."""
        transport_socket = self._writer.get_extra_info("socket")
        if peer_uid(transport_socket) != os.getuid():
            raise AppError(ErrorKind.DENIED, "The peer runs as another user.")
        try:
            async with asyncio.timeout(HELLO_LIMIT_S):
                await self.send(Hello(MAGIC, PROTOCOL_VERSION, role))
                first = await self.receive()
        except TimeoutError:
            raise AppError(
                ErrorKind.TIMEOUT, f"The peer did not say hello within {HELLO_LIMIT_S:g} s."
            ) from None
        if first is None:
            raise AppError(ErrorKind.UNAVAILABLE, "The peer hung up before it said hello.")
        return check_hello(first).role

    async def receive(self) -> Message | None:
        """The next message, or None when the peer has hung up (or broke off in the middle of one)."""
        while not self._arrived:
            try:
                data = await self._read()
            except ConnectionError:
                return None
            if not data:
                return None
            self._arrived.extend(self._parser.feed(data))
            self._watch_message()
        return self._arrived.popleft()

    async def send(self, message: Message) -> None:
        """Hand one message to the socket; `UNAVAILABLE` when the peer is gone or does not read."""
        data = write_message(message)
        async with self._sending:
            try:
                self._writer.write(data)
                async with asyncio.timeout(MESSAGE_LIMIT_S):
                    await self._writer.drain()
            except TimeoutError:
                self.abort()
                raise AppError(ErrorKind.UNAVAILABLE, "The peer does not read what it is sent.") from None
            except ConnectionError:
                raise AppError(ErrorKind.UNAVAILABLE, "The peer has hung up.") from None

    def abort(self) -> None:
        """Drop the connection at once, with whatever waits in it."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Hang up and wait until the socket is gone; what was sent before is not waited for."""
        self.abort()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(HELLO_LIMIT_S):
                await self._writer.wait_closed()

    async def _read(self) -> bytes:
        if self._message_deadline is None:
            return await self._reader.read(_READ_BYTES)
        try:
            async with asyncio.timeout_at(self._message_deadline):
                return await self._reader.read(_READ_BYTES)
        except TimeoutError:
            raise ProtocolError(f"A message took longer than {MESSAGE_LIMIT_S:g} s to arrive.") from None

    def _watch_message(self) -> None:
        """A message's time runs from its first byte; a completed one stops the clock."""
        if not self._parser.is_midway:
            self._message_deadline = None
        elif self._arrived or self._message_deadline is None:
            self._message_deadline = asyncio.get_running_loop().time() + MESSAGE_LIMIT_S
