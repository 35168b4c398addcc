"""Feed v1 on the wire: messages to bytes and bytes to messages (docs/design/skeleton.md, "Feed v1").

A message is `u32 length | u8 type | body`, big-endian; the length counts type and body.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from civiscope.base import ProtocolError, RunId, StreamId
from civiscope.media import AccessUnit, Codec, TrackConfig, UnitFlags

FEED_VERSION = 1
MAX_MESSAGE_BYTES = 32 << 20
MAX_READER_MESSAGE_BYTES = 4096
"""A reader says little: nothing it may send is longer."""

_MAGIC = b"CVFD"
_MAX_TRACKS = 16
_NO_RUN = bytes(16)
_HEAD = struct.Struct(">IB")
_UNIT = struct.Struct(">IB16s16sQBqqqqHII")
_UNIT_BODY = struct.Struct(">16s16sQBqqqqHII")
_SUBSCRIBE = struct.Struct(">16sB16sQ")
_RUN = struct.Struct(">16s16sqI")
_DROPPED = struct.Struct(">16s16sQI")
_ENDED = struct.Struct(">16s16sq")


class FeedStart(IntEnum):
    """Where a subscription begins."""

    NEWEST_KEY = 0
    """The newest key unit kept: a first picture at once."""
    NEXT_UNIT = 1
    RESUME = 2
    """After (run, sequence) if that is still kept; else as NEWEST_KEY, and what is missing is said."""


@dataclass(frozen=True, slots=True)
class FeedHello:
    """First message of both sides."""

    role: str


@dataclass(frozen=True, slots=True)
class FeedSubscribe:
    """A reader wants a stream; `run_id` and `sequence` say the last unit it has, for RESUME."""

    stream_id: StreamId
    start: FeedStart = FeedStart.NEWEST_KEY
    run_id: RunId | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class FeedUnsubscribe:
    """A reader wants a stream no longer."""

    stream_id: StreamId


@dataclass(frozen=True, slots=True)
class FeedWatch:
    """A person is looking at a stream, or no longer."""

    stream_id: StreamId
    is_watched: bool


@dataclass(frozen=True, slots=True)
class FeedRun:
    """A run and its tracks: before its first unit, and again with each new generation."""

    stream_id: StreamId
    run_id: RunId
    started_us: int
    tracks: tuple[TrackConfig, ...]


@dataclass(frozen=True, slots=True)
class FeedUnit:
    """One access unit."""

    stream_id: StreamId
    run_id: RunId
    unit: AccessUnit


@dataclass(frozen=True, slots=True)
class FeedDropped:
    """This reader was too slow: `count` units from `first_missing` on were not sent; a key unit follows."""

    stream_id: StreamId
    run_id: RunId
    first_missing: int
    count: int


@dataclass(frozen=True, slots=True)
class FeedEnded:
    """A run ended, or (without `run_id`) the stream is still not there and this is why."""

    stream_id: StreamId
    run_id: RunId | None
    at_us: int
    reason: str
    detail: str


FeedMessage = (
    FeedHello | FeedSubscribe | FeedUnsubscribe | FeedWatch | FeedRun | FeedUnit | FeedDropped | FeedEnded
)


def unit_header(stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> bytes:
    """Everything of a UNIT message but the unit's own bytes, which follow it uncopied."""
    size = len(unit.data)
    return _UNIT.pack(
        size + 84, 5, stream_id.bytes, run_id.bytes, unit.sequence, unit.track_id, unit.pts, unit.dts,
        unit.arrival_us, unit.arrival_monotonic_us, unit.flags, unit.generation, size,
    )  # fmt: skip


def write_message(message: FeedMessage) -> bytes:
    """The whole message as bytes."""
    if isinstance(message, FeedUnit):
        return unit_header(message.stream_id, message.run_id, message.unit) + message.unit.data
    kind, body = _body(message)
    return _HEAD.pack(len(body) + 1, kind) + body


def _body(message: FeedMessage) -> tuple[int, bytes]:
    match message:
        case FeedHello(role):
            kind, body = 1, struct.pack(">4sH", _MAGIC, FEED_VERSION) + _text(role)
        case FeedSubscribe(stream_id, start, run_id, sequence):
            kind, body = 2, _SUBSCRIBE.pack(stream_id.bytes, start, _run_bytes(run_id), sequence)
        case FeedUnsubscribe(stream_id):
            kind, body = 3, stream_id.bytes
        case FeedRun(stream_id, run_id, started_us, tracks):
            text = write_tracks(tracks)
            kind, body = 4, _RUN.pack(stream_id.bytes, run_id.bytes, started_us, len(text)) + text
        case FeedDropped(stream_id, run_id, first_missing, count):
            kind, body = 6, _DROPPED.pack(stream_id.bytes, run_id.bytes, first_missing, count)
        case FeedEnded(stream_id, run_id, at_us, reason, detail):
            kind, body = 7, _ENDED.pack(stream_id.bytes, _run_bytes(run_id), at_us)
            body += _text(reason) + _text(detail)
        case FeedWatch(stream_id, is_watched):
            kind, body = 8, stream_id.bytes + bytes((is_watched,))
        case FeedUnit():
            raise AssertionError("units are written by unit_header, without a copy")
    return kind, body


def _run_bytes(run_id: RunId | None) -> bytes:
    return run_id.bytes if run_id else _NO_RUN


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "replace")[:0xFFFF]
    return struct.pack(">H", len(data)) + data


def write_tracks(tracks: tuple[TrackConfig, ...]) -> bytes:
    """Tracks as JSON, bytes in base64."""
    rows = [
        {
            "track_id": track.track_id,
            "codec": track.codec.value,
            "clock_rate_hz": track.clock_rate_hz,
            "generation": track.generation,
            "parameter_sets": [b64encode(nal).decode() for nal in track.parameter_sets],
            "codec_data": b64encode(track.codec_data).decode(),
            "width_px": track.width_px,
            "height_px": track.height_px,
            "sample_rate_hz": track.sample_rate_hz,
            "channel_count": track.channel_count,
        }
        for track in tracks
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def read_tracks(data: bytes) -> tuple[TrackConfig, ...]:
    """What `write_tracks` wrote; `ProtocolError` on anything else."""
    try:
        rows = json.loads(data)
        if not isinstance(rows, list) or len(rows) > _MAX_TRACKS:
            raise ProtocolError("the tracks of a run in the feed are not a short list")
        return tuple(_read_track(row) for row in rows)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProtocolError(
            f"the tracks of a run in the feed cannot be read: {type(error).__name__}"
        ) from None


_NUMBERS = (
    "track_id", "clock_rate_hz", "generation", "width_px", "height_px", "sample_rate_hz", "channel_count",
)  # fmt: skip


def _read_track(row: dict[str, object]) -> TrackConfig:
    numbers = {name: row[name] for name in _NUMBERS}
    sets, codec_data = row["parameter_sets"], row["codec_data"]
    if not isinstance(sets, list) or not isinstance(codec_data, str):
        raise TypeError
    whole = {name: value for name, value in numbers.items() if type(value) is int and 0 <= value < 1 << 32}
    if len(whole) < len(numbers):
        raise TypeError
    return TrackConfig(
        codec=Codec(str(row["codec"])),
        parameter_sets=tuple(b64decode(nal, validate=True) for nal in sets),
        codec_data=b64decode(codec_data, validate=True),
        **whole,
    )


class FeedParser:
    """Bytes in, messages out; keeps at most one unfinished message, never longer than the limit."""

    def __init__(self, limit_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._wanted = _HEAD.size

    def feed(self, data: bytes | bytearray | memoryview) -> list[FeedMessage]:
        """The messages that are whole now; after a `ProtocolError` the parser must not be used again."""
        self._rest += data
        if len(self._rest) < self._wanted:
            return []
        messages: list[FeedMessage] = []
        offset, view = 0, memoryview(self._rest)
        try:
            while (size := self._next_size(view, offset)) <= len(view) - offset:
                messages.append(_read(view[offset + 4], view[offset + 5 : offset + size]))
                offset += size
        finally:
            view.release()
        del self._rest[:offset]
        self._wanted = size
        return messages

    def _next_size(self, view: memoryview, offset: int) -> int:
        """Bytes of the message at `offset`, or of a head when even that is not there."""
        if len(view) - offset < _HEAD.size:
            return _HEAD.size
        (length,) = struct.unpack_from(">I", view, offset)
        if not 1 <= length <= self._limit_bytes:
            raise ProtocolError(
                f"a feed message of {length} bytes is refused; the limit is {self._limit_bytes}"
            )
        return 4 + int(length)


def _read(kind: int, body: memoryview) -> FeedMessage:
    read = _READERS.get(kind)
    if read is None:
        raise ProtocolError(f"there is no feed message of type {kind}")
    try:
        return read(body)
    except (struct.error, ValueError):
        raise ProtocolError(f"a feed message of type {kind} with {len(body)} bytes cannot be read") from None


def _read_unit(body: memoryview) -> FeedUnit:
    (
        stream, run, sequence, track_id, pts, dts, arrival_us, monotonic_us, flags, generation, size,
    ) = _UNIT_BODY.unpack_from(body)  # fmt: skip
    data = bytes(body[_UNIT_BODY.size :])
    if len(data) != size:
        raise ProtocolError(f"a unit in the feed says {size} bytes and has {len(data)}")
    unit = AccessUnit(
        track_id, sequence, pts, dts, arrival_us, monotonic_us, UnitFlags(flags), generation, data
    )
    return FeedUnit(StreamId(UUID(bytes=stream)), RunId(UUID(bytes=run)), unit)


def _read_subscribe(body: memoryview) -> FeedSubscribe:
    stream, start, run, sequence = _SUBSCRIBE.unpack(body)
    return FeedSubscribe(StreamId(UUID(bytes=stream)), FeedStart(start), _run(run), sequence)


def _read_unsubscribe(body: memoryview) -> FeedUnsubscribe:
    return FeedUnsubscribe(StreamId(UUID(bytes=bytes(body))))


def _read_run(body: memoryview) -> FeedRun:
    stream, run, started_us, size = _RUN.unpack_from(body)
    if size != len(body) - _RUN.size:
        raise ProtocolError("a run in the feed has another length than it says")
    tracks = read_tracks(bytes(body[_RUN.size :]))
    return FeedRun(StreamId(UUID(bytes=stream)), RunId(UUID(bytes=run)), started_us, tracks)


def _read_dropped(body: memoryview) -> FeedDropped:
    stream, run, first, count = _DROPPED.unpack(body)
    return FeedDropped(StreamId(UUID(bytes=stream)), RunId(UUID(bytes=run)), first, count)


def _read_watch(body: memoryview) -> FeedWatch:
    stream, is_watched = struct.unpack(">16s?", body)
    return FeedWatch(StreamId(UUID(bytes=stream)), is_watched)


def _run(data: bytes) -> RunId | None:
    return None if data == _NO_RUN else RunId(UUID(bytes=data))


def _read_hello(body: memoryview) -> FeedHello:
    magic, version = struct.unpack_from(">4sH", body)
    if magic != _MAGIC or version != FEED_VERSION:
        raise ProtocolError(f"this is not feed version {FEED_VERSION}; update the older of the two programs")
    role, rest = _read_text(bytes(body[6:]))
    if rest:
        raise ProtocolError("bytes follow the hello of the feed")
    return FeedHello(role)


def _read_ended(body: memoryview) -> FeedEnded:
    stream, run, at_us = _ENDED.unpack_from(body)
    reason, rest = _read_text(bytes(body[_ENDED.size :]))
    detail, rest = _read_text(rest)
    if rest:
        raise ProtocolError("bytes follow the end of a run in the feed")
    return FeedEnded(StreamId(UUID(bytes=stream)), _run(run), at_us, reason, detail)


def _read_text(data: bytes) -> tuple[str, bytes]:
    (size,) = struct.unpack_from(">H", data)
    if len(data) < 2 + size:
        raise ProtocolError("a text in the feed is cut short")
    return data[2 : 2 + size].decode("utf-8"), data[2 + size :]


_READERS: dict[int, Callable[[memoryview], FeedMessage]] = {
    1: _read_hello, 2: _read_subscribe, 3: _read_unsubscribe, 4: _read_run, 5: _read_unit, 6: _read_dropped,
    7: _read_ended, 8: _read_watch,
}  # fmt: skip
