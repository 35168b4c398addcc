"""Fragments of a movie: a moof with its sample tables and an mdat with the bytes (ISO/IEC 14496-12 §8.8)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from civiscope.base import ProtocolError, Whose

_KEY_FLAGS = 0x02000000
"""sample_depends_on = 2: on no other; a sync sample (ISO/IEC 14496-12 §8.8.3.1)."""
_OTHER_FLAGS = 0x01010000
"""sample_depends_on = 1: on others; not a sync sample."""

_TRAF_HEAD = struct.Struct(">I4s I4sII I4sIQ I4sIIi")
_MOOF_HEAD = struct.Struct(">I4s I4sII")
_MDAT_HEAD = struct.Struct(">I4s")
_TFHD_FLAGS = 0x020000
_TRUN_FLAGS = 0x01000F01
"""Version 1 (signed composition offsets); data offset; duration, size, flags and offset of each sample."""
_MAX_MDAT_BYTES = 0xFFFF_FFFF - 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit in a fragment; times are ticks of its track's clock."""

    track_id: int
    decode_time: int
    """Not below 0."""
    composition_offset: int
    """Presentation time minus decode time; may be below 0."""
    duration: int
    """Decode time of the next sample minus this one's; within a fragment the next is taken at its own sum."""
    is_key: bool
    data: bytes | memoryview = field(repr=False)


def fragment_header(sequence: int, samples: Sequence[Sample]) -> tuple[bytes, list[Sample]]:
    """moof and the head of its mdat, and the samples in the order in which their bytes must follow.

    The order is the given one within a track, tracks by their first sample. Durations within the fragment are
    the differences of decode times, so that no rounding adds up; only the last sample's own duration counts.
    """
    by_track: dict[int, list[Sample]] = {}
    for sample in samples:
        by_track.setdefault(sample.track_id, []).append(sample)
    size = 24 + sum(64 + 16 * len(run) for run in by_track.values())
    offset = size + 8
    out = [_MOOF_HEAD.pack(size, b"moof", 16, b"mfhd", 0, sequence)]
    order: list[Sample] = []
    for run in by_track.values():
        head, length = _track_run(run, offset)
        out.append(head)
        order += run
        offset += length
    length = offset - size
    if length > _MAX_MDAT_BYTES:
        raise ProtocolError(f"{length} bytes do not fit one fragment: cut it smaller", Whose.LOCAL)
    out.append(_MDAT_HEAD.pack(length, b"mdat"))
    return b"".join(out), order


def _track_run(run: list[Sample], offset: int) -> tuple[bytes, int]:
    """traf of one track, and how many bytes its samples have."""
    count = len(run)
    first = run[0]
    table: list[int] = []
    total = 0
    for index, sample in enumerate(run):
        size = len(sample.data)
        total += size
        following = run[index + 1].decode_time - sample.decode_time if index + 1 < count else sample.duration
        table += (
            following,
            size,
            _KEY_FLAGS if sample.is_key else _OTHER_FLAGS,
            sample.composition_offset & 0xFFFFFFFF,
        )
    trun = 20 + 16 * count
    try:
        head = _TRAF_HEAD.pack(
            44 + trun, b"traf",
            16, b"tfhd", _TFHD_FLAGS, first.track_id,
            20, b"tfdt", 0x01000000, first.decode_time,
            trun, b"trun", _TRUN_FLAGS, count, offset,
        )  # fmt: skip
        return head + struct.pack(f">{len(table)}I", *table), total
    except struct.error:
        raise ProtocolError(
            f"samples of track {first.track_id} cannot be written: a time is below 0, goes back or leaps",
            Whose.LOCAL,
        ) from None


def fragment(sequence: int, samples: Sequence[Sample]) -> bytes:
    """One moof+mdat with all samples, of one or several tracks (ISO/IEC 14496-12 §8.8.4).

    Decode times must not go back within a track; `ProtocolError` (ours) if they do.
    """
    header, order = fragment_header(sequence, samples)
    return b"".join((header, *[sample.data for sample in order]))


def sample_offsets(header_bytes: int, order: Sequence[Sample]) -> list[int]:
    """Where each sample's bytes start within the fragment, for an index; arguments from `fragment_header`."""
    return (
        list(accumulate((len(sample.data) for sample in order[:-1]), initial=header_bytes)) if order else []
    )
