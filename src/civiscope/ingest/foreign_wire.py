"""What libav's process says to the intake over its socket: tracks, units, and why it gave up.

A message is `u32 length | u8 type | body`, big-endian; length counts type and body, at most 32 MiB.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field

from civiscope.base import ProtocolError
from civiscope.ingest.run import RunTrack
from civiscope.media import Codec, UnitFlags
from civiscope.media.wire import CodecConfig

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
_HEAD = struct.Struct(">IB")
_UNIT = struct.Struct(">BIHB")
_PLACED = struct.Struct(">BqqqHB")
_TRACKS, _UNIT_TYPE, _FAILED, _PLACED_TYPE, _DONE = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class ForeignTracks:
    """What the camera has; comes first."""

    tracks: tuple[RunTrack, ...]


@dataclass(frozen=True, slots=True)
class ForeignUnit:
    """One access unit; `timestamp` is its pts in ticks of the track, modulo 2**32."""

    track_id: int
    timestamp: int
    flags: UnitFlags
    config: CodecConfig | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForeignFailure:
    """Why nothing more comes, in plain words."""

    detail: str


@dataclass(frozen=True, slots=True)
class ForeignPlaced:
    """One access unit of an import: times in ticks of its track, and `at_us` from the import's beginning."""

    track_id: int
    pts: int
    dts: int
    at_us: int
    flags: UnitFlags
    config: CodecConfig | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForeignDone:
    """An import is over; in plain words what was left out."""

    detail: str


ForeignMessage = ForeignTracks | ForeignUnit | ForeignFailure | ForeignPlaced | ForeignDone


def write_foreign(message: ForeignMessage) -> bytes:
    """The message's bytes."""
    match message:
        case ForeignTracks():
            return _framed(_TRACKS, json.dumps([_track_to_json(track) for track in message.tracks]).encode())
        case ForeignUnit():
            config = _config_bytes(message.config)
            head = _UNIT.pack(
                message.track_id, message.timestamp & 0xFFFF_FFFF, int(message.flags), bool(config)
            )
            return _framed(_UNIT_TYPE, head + config + message.data)
        case ForeignPlaced():
            config = _config_bytes(message.config)
            head = _PLACED.pack(
                message.track_id, message.pts, message.dts, message.at_us, int(message.flags), bool(config)
            )
            return _framed(_PLACED_TYPE, head + config + message.data)
        case ForeignFailure():
            return _framed(_FAILED, message.detail.encode()[:2000])
        case ForeignDone():
            return _framed(_DONE, message.detail.encode()[:2000])


def _config_bytes(config: CodecConfig | None) -> bytes:
    """Its length and JSON; nothing when there is none."""
    if config is None:
        return b""
    text = json.dumps(_config_to_json(config)).encode()
    return len(text).to_bytes(4) + text


def _framed(kind: int, body: bytes) -> bytes:
    return _HEAD.pack(len(body) + 1, kind) + body


class ForeignParser:
    """Bytes in, messages out; after a ProtocolError it must be thrown away."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[ForeignMessage]:
        """All messages that are complete now."""
        self._rest += data
        at = 0
        while len(self._rest) - at >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._rest, at)
            if not 1 <= length <= MAX_MESSAGE_BYTES:
                raise ProtocolError(f"a message of libav's process says it has {length} bytes")
            end = at + 4 + length
            if end > len(self._rest):
                break
            body = bytes(self._rest[at + _HEAD.size : end])
            at = end
            yield _read(kind, body)
        del self._rest[:at]


def _read(kind: int, body: bytes) -> ForeignMessage:
    try:
        if kind == _TRACKS:
            return ForeignTracks(tuple(_track_from_json(item) for item in json.loads(body)))
        if kind == _UNIT_TYPE:
            return _read_unit(body)
        if kind == _PLACED_TYPE:
            return _read_placed(body)
        if kind == _DONE:
            return ForeignDone(body.decode("utf-8", "replace"))
        if kind == _FAILED:
            return ForeignFailure(body.decode("utf-8", "replace"))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ArithmeticError,
        struct.error,
        RecursionError,
    ) as error:
        raise ProtocolError("a message of libav's process cannot be read") from error
    raise ProtocolError(f"libav's process sent a message of unknown type {kind}")


def _read_unit(body: bytes) -> ForeignUnit:
    track_id, timestamp, flags, has_config = _UNIT.unpack_from(body)
    config, data = _split_config(body[_UNIT.size :], has_config)
    return ForeignUnit(track_id, timestamp, UnitFlags(flags & 0xF), config, data)


def _read_placed(body: bytes) -> ForeignPlaced:
    track_id, pts, dts, at_us, flags, has_config = _PLACED.unpack_from(body)
    config, data = _split_config(body[_PLACED.size :], has_config)
    return ForeignPlaced(track_id, pts, dts, at_us, UnitFlags(flags & 0xF), config, data)


def _split_config(rest: bytes, has_config: int) -> tuple[CodecConfig | None, bytes]:
    """What stands behind the numbers of a unit."""
    if not has_config:
        return None, rest
    end = 4 + int.from_bytes(rest[:4])
    if end > len(rest):
        raise ProtocolError("a unit of libav's process ends inside its configuration")
    return _config_from_json(json.loads(rest[4:end])), rest[end:]


def _track_to_json(track: RunTrack) -> dict[str, object]:
    config = None if track.config is None else _config_to_json(track.config)
    return {"id": track.track_id, "codec": track.codec, "rate": track.clock_rate_hz, "config": config}


def _track_from_json(item: dict[str, object]) -> RunTrack:
    track_id, rate, config = item["id"], item["rate"], item["config"]
    if not isinstance(track_id, int) or not isinstance(rate, int) or rate <= 0:
        raise ProtocolError("a track of libav's process has no number or rate")
    known = _config_from_json(config) if isinstance(config, dict) else None
    return RunTrack(track_id, Codec(str(item["codec"])), rate, known)


def _config_to_json(config: CodecConfig) -> dict[str, object]:
    return {
        "sets": [b64encode(nal).decode() for nal in config.parameter_sets],
        "data": b64encode(config.codec_data).decode(),
        "numbers": [config.width_px, config.height_px, config.sample_rate_hz, config.channel_count],
        "reorder": config.reorder_depth,
        "frame_s": config.frame_s,
    }


def _config_from_json(item: dict[str, object]) -> CodecConfig:
    sets, numbers, reorder = item["sets"], item["numbers"], item["reorder"]
    if not isinstance(sets, list) or not isinstance(numbers, list) or len(numbers) != 4:
        raise ProtocolError("a configuration of libav's process is malformed")
    width_px, height_px, rate_hz, channels = (int(number) for number in numbers)
    return CodecConfig(
        parameter_sets=tuple(b64decode(text) for text in sets),
        codec_data=b64decode(str(item["data"])),
        width_px=width_px, height_px=height_px, sample_rate_hz=rate_hz, channel_count=channels,
        reorder_depth=int(reorder) if isinstance(reorder, int) else None,
        frame_s=float(str(item["frame_s"])),
    )  # fmt: skip
