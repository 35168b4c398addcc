"""The bus on a socket: a length and one MessagePack message. Bytes in, messages out; no I/O here.

A frame is `u32 big-endian length | MessagePack array [tag, fields…]`. Each side sends `Hello` first.
"""

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec

from civiscope.base import ErrorKind, ProtocolError, Whose

PROTOCOL_VERSION = 1
MAGIC = "civiscope-bus"
MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024
REQUEST_LIMIT_BYTES = 4 * 1024 * 1024
"""Answers may be as long as a picture; questions are short."""
HELLO_LIMIT_BYTES = 1024
ERROR_TEXT_LIMIT = 2_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
CallId = Annotated[int, msgspec.Meta(ge=0, le=(1 << 62))]


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """Both sides send it first; another magic or version ends the connection."""

    magic: Name
    version: int
    role: Name


class Request(msgspec.Struct, frozen=True, array_like=True, tag="request"):
    """Call `face.method`; `body` is the arguments by name. The callee stops after `timeout_ms`."""

    call: CallId
    face: Name
    method: Name
    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=3_600_000)]
    trace_id: UUID
    principal_id: UUID | None
    body: bytes


class Response(msgspec.Struct, frozen=True, array_like=True, tag="response"):
    """The call returned; `body` is the value."""

    call: CallId
    body: bytes


class Failure(msgspec.Struct, frozen=True, array_like=True, tag="failure"):
    """The call raised an `AppError`."""

    call: CallId
    kind: ErrorKind
    message: Annotated[str, msgspec.Meta(max_length=ERROR_TEXT_LIMIT)]


class Cancel(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """The caller waits no longer."""

    call: CallId


Message: TypeAlias = Hello | Request | Response | Failure | Cancel


def write_message(message: Message) -> bytes:
    """The frame of one message; our own fault (`Whose.LOCAL`) if it is longer than the limit."""
    body = msgspec.msgpack.encode(message)
    if len(body) > MESSAGE_LIMIT_BYTES:
        raise ProtocolError(
            f"A message of {len(body)} bytes does not fit: at most {MESSAGE_LIMIT_BYTES}.", Whose.LOCAL
        )
    return len(body).to_bytes(4) + body


class MessageParser:
    """Bytes of one peer in, messages out; any other bytes are a `ProtocolError`, after which it stays broken.

    The first message is `HELLO_LIMIT_BYTES` long at most, so a stranger costs a kilobyte; later ones
    `limit_bytes`.
    """

    def __init__(self, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> None:
        self._buffer = bytearray()
        self._greeted_limit_bytes = limit_bytes
        self._limit_bytes = HELLO_LIMIT_BYTES
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Message)
        self._broken = False

    @property
    def is_midway(self) -> bool:
        """True while a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes | memoryview) -> list[Message]:
        """The messages that these bytes complete, in order."""
        if self._broken:
            raise ProtocolError("This connection is broken already.")
        self._buffer += data
        messages: list[Message] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
        except ProtocolError:
            self._broken = True
            self._buffer.clear()
            raise
        return messages

    def _next(self) -> Message | None:
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4])
        if not 0 < length <= self._limit_bytes:
            raise ProtocolError(f"A message of {length} bytes was announced; 1 to {self._limit_bytes} fit.")
        if len(self._buffer) < 4 + length:
            return None
        body = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        self._limit_bytes = self._greeted_limit_bytes
        return self._decode(body)

    def _decode(self, body: bytes) -> Message:
        try:
            message: Message = self._decoder.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProtocolError(f"This is no message of the bus: {error}") from error
        return message


def check_hello(message: Message) -> Hello:
    """The peer's greeting, if it is one of our version."""
    if not isinstance(message, Hello):
        raise ProtocolError(f"The first message must be a hello, not a {type(message).__name__.lower()}.")
    if message.magic != MAGIC or message.version != PROTOCOL_VERSION:
        raise ProtocolError(
            f"The peer speaks {message.magic} version {message.version}, this process {MAGIC} version "
            f"{PROTOCOL_VERSION}: start both from the same installation."
        )
    return message
