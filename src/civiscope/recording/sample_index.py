"""The compact index of a part: size, times and flags of each unit in three or four bytes.

Layout: docs/design/recording.md, "sample index". It serves seeking and building an MP4 without decryption.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.media import AccessUnit, UnitFlags
from civiscope.recording.varint import VarintReader, put_varint, put_zigzag

MAX_UNITS = 4096
"""No part holds more units; the recorder cuts earlier."""
_TRACK_GIVEN = 4
_STEP_GIVEN = 2
_OFFSET_GIVEN = 1


@dataclass(frozen=True, slots=True)
class IndexedUnit:
    """One unit as the sample index knows it; times in ticks of its track."""

    track_id: int
    size_bytes: int
    dts: int
    pts: int
    flags: UnitFlags

    @property
    def is_key(self) -> bool:
        """Decoding can start here."""
        return bool(self.flags & UnitFlags.KEY)


def write_sample_index(units: Sequence[AccessUnit]) -> bytes:
    """The index of a part's units; the first dts of each track stands in the part's head."""
    out = bytearray()
    track_id = -1
    seen: dict[int, tuple[int, int, int]] = {}
    for unit in units:
        last_dts, last_step, last_offset = seen.get(unit.track_id) or (unit.dts, 0, 0)
        step, offset = unit.dts - last_dts, unit.pts - unit.dts
        head = (
            int(unit.flags) << 3
            | (_TRACK_GIVEN if unit.track_id != track_id else 0)
            | (_STEP_GIVEN if step != last_step else 0)
            | (_OFFSET_GIVEN if offset != last_offset else 0)
        )
        put_varint(out, head)
        if head & _TRACK_GIVEN:
            track_id = unit.track_id
            out.append(track_id)
        put_varint(out, len(unit.data))
        if head & _STEP_GIVEN:
            put_varint(out, step)
        if head & _OFFSET_GIVEN:
            put_zigzag(out, offset)
        seen[unit.track_id] = (unit.dts, step, offset)
    return bytes(out)


def read_sample_index(data: bytes, count: int, first_dts: Mapping[int, int]) -> list[IndexedUnit]:
    """What `write_sample_index` wrote; ProtocolError whatever else the bytes are."""
    if count > MAX_UNITS:
        raise ProtocolError(f"a part with {count} units: at most {MAX_UNITS} are read")
    reader = VarintReader(data)
    units: list[IndexedUnit] = []
    track_id = -1
    seen: dict[int, tuple[int, int, int]] = {}
    for _ in range(count):
        head = reader.varint()
        if head & _TRACK_GIVEN:
            track_id = reader.byte()
        if track_id not in first_dts:
            raise ProtocolError(f"the sample index names track {track_id}, which the part's head does not")
        size_bytes = reader.varint()
        last_dts, step, offset = seen.get(track_id) or (first_dts[track_id], 0, 0)
        if head & _STEP_GIVEN:
            step = reader.varint()
        if head & _OFFSET_GIVEN:
            offset = reader.zigzag()
        dts = last_dts + step
        units.append(IndexedUnit(track_id, size_bytes, dts, dts + offset, UnitFlags(head >> 3 & 0xFFFF)))
        seen[track_id] = (dts, step, offset)
    if not reader.at_end:
        raise ProtocolError("the sample index of a part is longer than its units")
    return units


def write_arrivals(units: Sequence[AccessUnit]) -> bytes:
    """When each unit came, against the one before; the first against the part's head (so: 0, 0)."""
    out = bytearray()
    last_us, last_monotonic_us = units[0].arrival_us, units[0].arrival_monotonic_us
    for unit in units:
        change_us = unit.arrival_us - last_us
        put_zigzag(out, change_us)
        put_zigzag(out, unit.arrival_monotonic_us - last_monotonic_us - change_us)
        last_us, last_monotonic_us = unit.arrival_us, unit.arrival_monotonic_us
    return bytes(out)


def read_arrivals(
    data: bytes | memoryview, count: int, arrival_us: int, monotonic_us: int
) -> list[tuple[int, int]]:
    """(arrival_us, arrival_monotonic_us) of each unit; ProtocolError whatever else the bytes are."""
    reader = VarintReader(data)
    arrivals: list[tuple[int, int]] = []
    for _ in range(count):
        change_us = reader.zigzag()
        arrival_us += change_us
        monotonic_us += change_us + reader.zigzag()
        arrivals.append((arrival_us, monotonic_us))
    return arrivals
