"""The bytes of a segment file: header, record frames, part heads, END (docs/design/recording.md)."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, Self
from uuid import UUID

from civiscope.base import NodeId, ProtocolError, RunId, SegmentId, SiteId, Span, StreamId
from civiscope.media import Codec, TrackConfig
from civiscope.recording.model import Extent
from civiscope.recording.proof import HASH_BYTES
from civiscope.security import KeyId

VERSION = 1
ALGORITHM = 1
"""AES-256-GCM, SHA-256, Ed25519."""
MAX_HEADER_BYTES = 4096
MAX_HEAD_BYTES = 1 << 20
MAX_BODY_BYTES = 256 << 20
RECORD_HEAD_BYTES = 20
CRC_BYTES = 4
TRAILER_BYTES = 8
ARRIVALS_TYPE = UUID("c1b15c09-0000-4a72-8a72-617272697661").bytes
"""User type of the `uuid` box behind each part's media: when each unit arrived."""

_HEADER = struct.Struct(">4sBBH16s16s16s16s16s16sq8sIq32s32sB")
_TRACK = struct.Struct(">BBI")
_RECORD = struct.Struct(">4sBBHIII")
_CRC = struct.Struct(">I")
_PART = struct.Struct(">IQIqqqq16sBqqI")
_PART_TRACK = struct.Struct(">Bqq")
_END = struct.Struct(">IQQqq32s")
_ENTRY = struct.Struct(">QI")
_TRAILER = struct.Struct(">I4s")
_CODECS = (Codec.H264, Codec.H265, Codec.MJPEG, Codec.AAC, Codec.PCMU, Codec.PCMA, Codec.OPUS)


def crc(*buffers: bytes | memoryview) -> bytes:
    """CRC-32 over the buffers, one after the other, as four bytes."""
    value = 0
    for buffer in buffers:
        value = zlib.crc32(buffer, value)
    return _CRC.pack(value)


class RecordType(IntEnum):
    """What a record holds."""

    TRACKS = 1
    INIT = 2
    PART = 3
    END = 4


class PartFlags(IntFlag):
    """What is known of a part without opening it."""

    NONE = 0
    KEY = 1
    CORRECTED = 2
    CAMERA_CLOCK = 4
    DAMAGED = 8
    DISCONTINUITY = 16
    HOLE = 32
    """Something that should have been recorded is missing before its first unit."""


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The clear beginning of a segment; every sealed record is bound to all of it."""

    site_id: SiteId
    node_id: NodeId
    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    key_id: KeyId
    key_hour: int
    nonce_prefix: bytes
    generation: int
    created_us: int
    previous_head: bytes
    certificate_digest: bytes
    tracks: tuple[tuple[int, Codec, int], ...]
    """(track id, codec, clock rate in Hz)."""

    def to_bytes(self) -> bytes:
        """With its CRC."""
        length = _HEADER.size + _TRACK.size * len(self.tracks) + CRC_BYTES
        data = _HEADER.pack(
            b"CVSG", VERSION, ALGORITHM, length,
            self.site_id.bytes, self.node_id.bytes, self.stream_id.bytes, self.run_id.bytes,
            self.segment_id.bytes, self.key_id.bytes, self.key_hour, self.nonce_prefix, self.generation,
            self.created_us, self.previous_head, self.certificate_digest, len(self.tracks),
        )  # fmt: skip
        for track_id, codec, rate_hz in self.tracks:
            data += _TRACK.pack(track_id, _CODECS.index(codec) + 1, rate_hz)
        return data + crc(data)

    @classmethod
    def read(cls, data: bytes) -> tuple[Self, int]:
        """The header at the beginning of `data`, and its length; ProtocolError on anything else."""
        if len(data) < _HEADER.size + CRC_BYTES or data[:4] != b"CVSG":
            raise ProtocolError("this is not a recorded segment: it does not begin with CVSG")
        fields = _HEADER.unpack_from(data)
        version, algorithm, length, count = fields[1], fields[2], fields[3], fields[16]
        if version != VERSION or algorithm != ALGORITHM:
            raise ProtocolError(
                f"segment of version {version}, algorithm {algorithm}: this release reads version 1, "
                "algorithm 1; use a newer one"
            )
        if length != _HEADER.size + _TRACK.size * count + CRC_BYTES or length > min(
            MAX_HEADER_BYTES, len(data)
        ):
            raise ProtocolError("the header of a segment is cut or its length is wrong")
        if crc(data[: length - CRC_BYTES]) != data[length - CRC_BYTES : length]:
            raise ProtocolError("the header of a segment was changed: its check sum is wrong")
        return cls._of(fields, _read_tracks(data[_HEADER.size : length - CRC_BYTES])), length

    @classmethod
    def _of(cls, fields: tuple[Any, ...], tracks: tuple[tuple[int, Codec, int], ...]) -> Self:
        """`fields` as struct gives them, which has no types."""
        site, node, stream, run, segment, key = (UUID(bytes=one) for one in fields[4:10])
        hour, prefix, generation, created_us, previous, certificate = fields[10:16]
        return cls(
            SiteId(site), NodeId(node), StreamId(stream), RunId(run), SegmentId(segment), KeyId(key),
            hour, prefix, generation, created_us, previous, certificate, tracks,
        )  # fmt: skip


def _read_tracks(data: bytes) -> tuple[tuple[int, Codec, int], ...]:
    found: list[tuple[int, Codec, int]] = []
    for track_id, codec, rate_hz in _TRACK.iter_unpack(data):
        if not 1 <= codec <= len(_CODECS) or rate_hz == 0:
            raise ProtocolError(f"a segment with codec number {codec} at {rate_hz} Hz: use a newer release")
        found.append((track_id, _CODECS[codec - 1], rate_hz))
    return tuple(found)


def header_tracks(tracks: Sequence[TrackConfig]) -> tuple[tuple[int, Codec, int], ...]:
    """What a segment's header says of its tracks."""
    return tuple((track.track_id, track.codec, track.clock_rate_hz) for track in tracks)


@dataclass(frozen=True, slots=True)
class RecordFrame:
    """The clear beginning of a record as found in a file."""

    offset: int
    type: RecordType
    number: int
    head: bytes
    bound: bytes
    """What the body is bound to, besides the segment header: the record's first bytes with its head."""
    body_bytes: int

    @property
    def body_offset(self) -> int:
        """Where the body starts in the file."""
        return self.offset + len(self.bound) + CRC_BYTES

    @property
    def end_offset(self) -> int:
        """Where the next record starts in the file."""
        return self.body_offset + self.body_bytes + CRC_BYTES


def record_start(type_: RecordType, number: int, head: bytes, body_bytes: int) -> bytes:
    """The bytes a record's body is bound to; its CRC follows, then the body."""
    return _RECORD.pack(b"CVRC", type_, 0, 0, len(head), body_bytes, number) + head


def record_length(start: bytes) -> tuple[int, int]:
    """(head bytes, body bytes) as a record's first 20 bytes say; ProtocolError if they are none of ours."""
    if len(start) < RECORD_HEAD_BYTES:
        raise ProtocolError("a record of a segment is cut")
    magic, _, _, _, head_bytes, body_bytes, _ = _RECORD.unpack_from(start)
    if magic != b"CVRC" or head_bytes > MAX_HEAD_BYTES or body_bytes > MAX_BODY_BYTES:
        raise ProtocolError("there is no record where one should be: the segment is damaged")
    return head_bytes, body_bytes


def read_record_start(data: bytes, offset: int) -> RecordFrame:
    """The frame from a record's first 20 + H + 4 bytes; `offset` is where they lie in the file."""
    head_bytes, body_bytes = record_length(data)
    bound = bytes(data[: RECORD_HEAD_BYTES + head_bytes])
    if crc(bound) != data[len(bound) : len(bound) + CRC_BYTES]:
        raise ProtocolError("the head of a record was changed or cut: its check sum is wrong")
    _, type_, _, _, _, _, number = _RECORD.unpack_from(bound)
    try:
        kind = RecordType(type_)
    except ValueError:
        raise ProtocolError(f"record type {type_} is unknown: use a newer release") from None
    return RecordFrame(offset, kind, number, bound[RECORD_HEAD_BYTES:], bound, body_bytes)


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What a part says of itself in the clear, without its proof."""

    number: int
    first_sequence: int
    unit_count: int
    span: Span
    arrival_us: int
    arrival_monotonic_us: int
    boot: bytes
    flags: PartFlags
    correction_us: int
    camera_offset_us: int
    media_bytes: int
    track_times: tuple[tuple[int, int, int], ...]
    """(track id, dts of its first unit, UTC in microseconds of tick 0)."""
    sample_index: bytes

    @property
    def last_sequence(self) -> int:
        """Sequence of the last unit."""
        return self.first_sequence + self.unit_count - 1

    def to_bytes(self) -> bytes:
        """The part head without its proof."""
        out = _PART.pack(
            self.number, self.first_sequence, self.unit_count, self.span.start_us, self.span.end_us,
            self.arrival_us, self.arrival_monotonic_us, self.boot, self.flags, self.correction_us,
            self.camera_offset_us, self.media_bytes,
        )  # fmt: skip
        tracks = b"".join(_PART_TRACK.pack(*one) for one in self.track_times)
        return b"".join(
            (
                out,
                bytes((len(self.track_times),)),
                tracks,
                _CRC.pack(len(self.sample_index)),
                self.sample_index,
            )
        )

    @classmethod
    def read(cls, data: bytes) -> tuple[Self, int]:
        """The facts at the beginning of a part head, and their length; ProtocolError on anything else."""
        try:
            fields = _PART.unpack_from(data)
            count = data[_PART.size]
            position = _PART.size + 1
            times = tuple(_PART_TRACK.iter_unpack(data[position : position + count * _PART_TRACK.size]))
            position += count * _PART_TRACK.size
            (index_bytes,) = _CRC.unpack_from(data, position)
            position += _CRC.size
        except (struct.error, IndexError):
            raise ProtocolError("the head of a part is cut") from None
        if len(times) != count or position + index_bytes > len(data) or fields[4] < fields[3]:
            raise ProtocolError("the head of a part says more than it holds")
        facts = cls(
            fields[0], fields[1], fields[2], Span(fields[3], fields[4]), fields[5], fields[6], fields[7],
            PartFlags(fields[8]), fields[9], fields[10], fields[11], times,
            bytes(data[position : position + index_bytes]),
        )  # fmt: skip
        return facts, position + index_bytes


@dataclass(frozen=True, slots=True)
class PartProof:
    """What makes a part prove itself."""

    root: bytes
    chain_head: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        """What follows the facts in a part's head."""
        return self.root + self.chain_head + struct.pack(">H", len(self.signature)) + self.signature

    @classmethod
    def read(cls, data: bytes) -> Self:
        """ProtocolError whatever else the bytes are."""
        root, chain_head, signed = (
            data[:HASH_BYTES],
            data[HASH_BYTES : 2 * HASH_BYTES],
            data[2 * HASH_BYTES :],
        )
        if len(signed) < 2 or int.from_bytes(signed[:2]) != len(signed) - 2:
            raise ProtocolError("the proof of a part is cut")
        return cls(root, chain_head, signed[2:])


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """What a segment that was closed in order says at its end."""

    part_count: int
    unit_count: int
    last_sequence: int
    span: Span
    chain_head: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        """The head of the END record."""
        return _END.pack(
            self.part_count, self.unit_count, self.last_sequence, self.span.start_us, self.span.end_us,
            self.chain_head,
        ) + struct.pack(">H", len(self.signature)) + self.signature  # fmt: skip

    @classmethod
    def read(cls, head: bytes) -> Self:
        """ProtocolError whatever else the bytes are."""
        if len(head) < _END.size + 2:
            raise ProtocolError("the end of a segment is cut")
        parts, units, last, start_us, end_us, chain_head = _END.unpack_from(head)
        if end_us < start_us:
            raise ProtocolError("a segment says that it ends before it starts")
        return cls(parts, units, last, Span(start_us, end_us), chain_head, head[_END.size + 2 :])


def extend(extents: list[Extent], facts: PartFacts) -> None:
    """Add a part that was written after them: to the last extent, or as a new one after a hole."""
    span, first = facts.span, facts.first_sequence
    if extents and not facts.flags & PartFlags.HOLE and extents[-1].last_sequence + 1 == first:
        before = extents.pop()
        first = before.first_sequence
        start_us = min(before.span.start_us, span.start_us)
        span = Span(start_us, max(before.span.end_us, span.end_us))
    extents.append(Extent(first, facts.last_sequence, span))


def write_entries(parts: Sequence[tuple[int, bytes]]) -> bytes:
    """The body of END: (offset of the record, part facts) of every part."""
    return b"".join(_ENTRY.pack(offset, len(facts)) + facts for offset, facts in parts)


def read_entries(body: bytes) -> list[tuple[int, PartFacts]]:
    """What `write_entries` wrote; ProtocolError whatever else the bytes are."""
    found: list[tuple[int, PartFacts]] = []
    position = 0
    while position < len(body):
        if position + _ENTRY.size > len(body):
            raise ProtocolError("the list of parts at the end of a segment is cut")
        offset, length = _ENTRY.unpack_from(body, position)
        position += _ENTRY.size
        facts, read_bytes = PartFacts.read(body[position : position + length])
        if read_bytes != length:
            raise ProtocolError("the list of parts at the end of a segment is damaged")
        found.append((offset, facts))
        position += length
    return found


def write_trailer(end_record_bytes: int) -> bytes:
    """The last 8 bytes of a segment closed in order."""
    return _TRAILER.pack(end_record_bytes, b"CVND")


def read_trailer(data: bytes) -> int | None:
    """Length of the END record before these 8 bytes; None if the segment was not closed in order."""
    if len(data) != TRAILER_BYTES:
        return None
    length, magic = _TRAILER.unpack(data)
    return int(length) if magic == b"CVND" else None
