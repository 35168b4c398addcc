"""The records of a volume's index: append-only, each with its CRC (docs/design/recording.md, "Index")."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from civiscope.base import ProtocolError, ReasonedSpan, RunId, SegmentId, Span, StreamId
from civiscope.recording.container import CRC_BYTES, crc
from civiscope.recording.model import Extent, SegmentOpening, SegmentState, SegmentSummary
from civiscope.security import KeyId

INDEX_PATH = "index.cvx"
INDEX_HEADER_BYTES = 36
"""Magic, version, volume, epoch, CRC."""
MAX_RECORD_BYTES = 1 << 20
_HEADER = struct.Struct(">4sB3x16sQ")
_FRAME = struct.Struct(">BI")
_OPENED = struct.Struct(">16s16s16s16sqIq")
_CLOSED = struct.Struct(">16s16s16s16sqQIQB32sH")
_EXTENT = struct.Struct(">QQqq")
_DELETED = struct.Struct(">16s16sq")
_GAP_OPENED = struct.Struct(">16sq")
_SPAN = struct.Struct(">16sqq")
_MOMENT = struct.Struct(">q")
_LENGTH = struct.Struct(">H")


class IndexRecordType(IntEnum):
    """What a record of the index says."""

    SEGMENT_OPENED = 1
    SEGMENT_CLOSED = 2
    SEGMENT_DELETED = 3
    GAP_OPENED = 4
    GAP_CLOSED = 5
    ERASED = 6
    STARTED = 7
    STOPPED = 8


@dataclass(frozen=True, slots=True)
class SegmentDeletion:
    """A segment was given up to deletion; its file may still be there after a cut."""

    stream_id: StreamId
    segment_id: SegmentId
    at_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class GapRecord:
    """A gap of one stream began (`span.end_us` is None) or ended."""

    stream_id: StreamId
    span: ReasonedSpan


@dataclass(frozen=True, slots=True)
class ErasedRecord:
    """What is left on the timeline of footage that was deleted."""

    stream_id: StreamId
    span: ReasonedSpan


@dataclass(frozen=True, slots=True)
class RecorderMoment:
    """The recorder opened the volume (`is_start`) or closed it in order."""

    at_us: int
    is_start: bool


IndexRecord = SegmentOpening | SegmentSummary | SegmentDeletion | GapRecord | ErasedRecord | RecorderMoment


def write_index_header(volume_id: UUID, epoch: int) -> bytes:
    """The first bytes of an index; `epoch` grows each time the file is rewritten."""
    data = _HEADER.pack(b"CVIX", 1, volume_id.bytes, epoch)
    return data + crc(data)


def read_index_header(data: bytes) -> tuple[UUID, int]:
    """(volume id, epoch); ProtocolError whatever else the bytes are."""
    if len(data) < INDEX_HEADER_BYTES or data[:4] != b"CVIX":
        raise ProtocolError("this is not the index of a volume: it does not begin with CVIX")
    if crc(data[: _HEADER.size]) != data[_HEADER.size : INDEX_HEADER_BYTES]:
        raise ProtocolError("the header of a volume's index was changed: its check sum is wrong")
    _, version, volume, epoch = _HEADER.unpack_from(data)
    if version != 1:
        raise ProtocolError(
            f"volume index of version {version}: this release reads version 1; use a newer one"
        )
    return UUID(bytes=volume), epoch


def write_record(record: IndexRecord) -> bytes:
    """One record with its frame and CRC."""
    type_, payload = _payload(record)
    data = _FRAME.pack(type_, len(payload)) + payload
    return data + crc(data)


def read_records(data: bytes) -> tuple[list[IndexRecord], int]:
    """All whole records at the beginning of `data`, and how many bytes they are.

    Stops at the first record that is cut or damaged. Never raises; passes over types that a newer release
    wrote.
    """
    records: list[IndexRecord] = []
    position = 0
    known: dict[bytes, UUID] = {}
    while position + _FRAME.size <= len(data):
        type_, length = _FRAME.unpack_from(data, position)
        end = position + _FRAME.size + length
        if length > MAX_RECORD_BYTES or crc(data[position:end]) != data[end : end + CRC_BYTES]:
            break
        try:
            record = _parse(type_, data[position + _FRAME.size : end], known)
        except ProtocolError:
            break
        if record is not None:
            records.append(record)
        position = end + CRC_BYTES
    return records, position


def _payload(record: IndexRecord) -> tuple[int, bytes]:
    match record:
        case SegmentOpening():
            return IndexRecordType.SEGMENT_OPENED, _OPENED.pack(
                record.stream_id.bytes, record.run_id.bytes, record.segment_id.bytes, record.key_id.bytes,
                record.key_hour, record.generation, record.created_us,
            )  # fmt: skip
        case SegmentSummary():
            return IndexRecordType.SEGMENT_CLOSED, _closed_payload(record)
        case SegmentDeletion():
            head = _DELETED.pack(record.stream_id.bytes, record.segment_id.bytes, record.at_us)
            return IndexRecordType.SEGMENT_DELETED, head + _string(record.reason)
        case GapRecord():
            return _gap_payload(record)
        case ErasedRecord():
            assert record.span.end_us is not None
            head = _SPAN.pack(record.stream_id.bytes, record.span.start_us, record.span.end_us)
            return IndexRecordType.ERASED, head + _string(record.span.reason)
        case RecorderMoment():
            type_ = IndexRecordType.STARTED if record.is_start else IndexRecordType.STOPPED
            return type_, _MOMENT.pack(record.at_us)


def _closed_payload(summary: SegmentSummary) -> bytes:
    head = _CLOSED.pack(
        summary.stream_id.bytes, summary.run_id.bytes, summary.segment_id.bytes, summary.key_id.bytes,
        summary.key_hour, summary.size_bytes, summary.part_count, summary.unit_count, summary.state,
        summary.chain_head, len(summary.extents),
    )  # fmt: skip
    return head + b"".join(
        _EXTENT.pack(one.first_sequence, one.last_sequence, one.span.start_us, one.span.end_us)
        for one in summary.extents
    )


def _gap_payload(record: GapRecord) -> tuple[int, bytes]:
    span = record.span
    words = _string(span.reason) + _string(span.detail)
    if span.end_us is None:
        return IndexRecordType.GAP_OPENED, _GAP_OPENED.pack(record.stream_id.bytes, span.start_us) + words
    head = _SPAN.pack(record.stream_id.bytes, span.start_us, span.end_us)
    return IndexRecordType.GAP_CLOSED, head + words


def _string(text: str) -> bytes:
    data = text.encode("utf-8", "replace")[:1000]
    return _LENGTH.pack(len(data)) + data


def _read_strings(data: bytes, position: int, count: int) -> list[str]:
    found: list[str] = []
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        found.append(data[position : position + length].decode("utf-8", "replace"))
        position += length
    return found


def _parse(type_: int, data: bytes, known: dict[bytes, UUID]) -> IndexRecord | None:
    """One payload; equal ids become one object, since there are many records and few streams."""

    def one(raw: bytes) -> UUID:
        return known.get(raw) or known.setdefault(raw, UUID(bytes=raw))

    try:
        match type_:
            case IndexRecordType.SEGMENT_OPENED:
                stream, run, segment, key, hour, generation, created_us = _OPENED.unpack(data)
                return SegmentOpening(
                    StreamId(one(stream)), RunId(one(run)), SegmentId(UUID(bytes=segment)), KeyId(one(key)),
                    hour, generation, created_us,
                )  # fmt: skip
            case IndexRecordType.SEGMENT_CLOSED:
                return _parse_closed(data, known)
            case IndexRecordType.SEGMENT_DELETED:
                stream, segment, at_us = _DELETED.unpack_from(data)
                (reason,) = _read_strings(data, _DELETED.size, 1)
                return SegmentDeletion(StreamId(one(stream)), SegmentId(UUID(bytes=segment)), at_us, reason)
            case IndexRecordType.STARTED | IndexRecordType.STOPPED:
                return RecorderMoment(_MOMENT.unpack(data)[0], type_ == IndexRecordType.STARTED)
            case _:
                return _parse_gap(type_, data, known)
    except (struct.error, ValueError):
        raise ProtocolError("a record of a volume's index says other than it holds") from None


def _parse_gap(type_: int, data: bytes, known: dict[bytes, UUID]) -> IndexRecord | None:
    stream_id = StreamId(known.get(data[:16]) or known.setdefault(data[:16], UUID(bytes=data[:16])))
    match type_:
        case IndexRecordType.GAP_OPENED:
            _, start_us = _GAP_OPENED.unpack_from(data)
            reason, detail = _read_strings(data, _GAP_OPENED.size, 2)
            return GapRecord(stream_id, ReasonedSpan(start_us, None, reason, detail))
        case IndexRecordType.GAP_CLOSED:
            _, start_us, end_us = _SPAN.unpack_from(data)
            reason, detail = _read_strings(data, _SPAN.size, 2)
            return GapRecord(stream_id, ReasonedSpan(start_us, end_us, reason, detail))
        case IndexRecordType.ERASED:
            _, start_us, end_us = _SPAN.unpack_from(data)
            (reason,) = _read_strings(data, _SPAN.size, 1)
            return ErasedRecord(stream_id, ReasonedSpan(start_us, end_us, reason))
        case _:
            return None


def _parse_closed(data: bytes, known: dict[bytes, UUID]) -> SegmentSummary:
    stream, run, segment, key, hour, size, parts, units, state, head, count = _CLOSED.unpack_from(data)
    extents = tuple(
        Extent(first, last, Span(start_us, end_us))
        for first, last, start_us, end_us in _EXTENT.iter_unpack(data[_CLOSED.size :])
    )
    if len(extents) != count or not extents:
        raise ProtocolError("a segment in the index has other extents than it says")
    ids = [known.get(raw) or known.setdefault(raw, UUID(bytes=raw)) for raw in (stream, run, key)]
    return SegmentSummary(
        StreamId(ids[0]), RunId(ids[1]), SegmentId(UUID(bytes=segment)), KeyId(ids[2]), hour, size, parts,
        units, SegmentState(state), head, extents,
    )  # fmt: skip
