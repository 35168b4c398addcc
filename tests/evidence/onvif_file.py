"""A reader of ONVIF's export file format, written from the specification alone (26.06)."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from civiscope.security import is_signed_file

EPOCH_1601_S = 11_644_473_600
EPOCH_1904_S = 2_082_844_800


def boxes(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, first byte of the payload, end) of each box between two offsets."""
    while begin < end:
        size, kind = struct.unpack_from(">I4s", data, begin)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, begin + 8)
            head = 16
        assert size >= head
        assert begin + size <= end
        yield kind, begin + head, begin + size
        begin += size


@dataclass(frozen=True)
class Source:
    """What stands of one track."""

    track_id: int
    name: str
    url: str
    mac: str
    line: str


@dataclass(frozen=True)
class OnvifFile:
    """What a file in the format says of itself."""

    unit_name: str
    operator: str
    exported_s: int
    """UTC."""
    sources: tuple[Source, ...]
    starts_us: dict[int, int]
    """UTC of the origin of each track's media timeline."""
    certificate: bytes
    is_authentic: bool


class _Text:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def text(self) -> str:
        end = self.data.index(0, self.at)
        found = self.data[self.at : end].decode()
        self.at = end + 1
        return found

    def number(self, layout: str) -> int:
        (found,) = struct.unpack_from(f">{layout}", self.data, self.at)
        self.at += struct.calcsize(f">{layout}")
        return int(found)


def read_onvif_file(data: bytes) -> OnvifFile:
    """Everything, and whether the one signature holds."""
    top = list(boxes(data, 0, len(data)))
    assert top[0][0] == b"ftyp"
    assert b"isom" in data[top[0][1] : top[0][2]]
    ((_, begin, end),) = [one for one in top if one[0] == b"meta"]
    inside = {kind: (first, last) for kind, first, last in boxes(data, begin + 4, end)}
    assert next(iter(inside)) == b"hdlr"
    suep = _Text(data[slice(*inside[b"suep"])])
    assert suep.number("I") == 1 << 24, "version 1"
    unit_name, _, _ = suep.text(), suep.text(), suep.text()
    exported_s, operator = suep.number("Q") - EPOCH_1904_S, suep.text()
    sources = tuple(
        Source(suep.number("H"), suep.text(), suep.text(), suep.text(), suep.text())
        for _ in range(suep.number("I"))
    )
    first, last = inside[b"ipro"]
    assert struct.unpack_from(">IH", data, first) == (0, 1)
    (sinf,) = boxes(data, first + 6, last)
    assert sinf[0] == b"sinf"
    parts = {kind: (begin, end) for kind, begin, end in boxes(data, sinf[1], sinf[2])}
    assert data[slice(*parts[b"schm"])] == struct.pack(">I4sI", 0, b"oeff", 0x00010000)
    schi = {kind: (begin, end) for kind, begin, end in boxes(data, *parts[b"schi"])}
    assert set(schi) == {b"sibo", b"cert"}
    begin, end = schi[b"sibo"]
    zeroed = data[:begin] + bytes(end - begin) + data[end:]
    certificate = data[slice(*schi[b"cert"])]
    is_authentic = is_signed_file(certificate, data[begin:end], hashlib.sha256(zeroed).digest())
    return OnvifFile(
        unit_name, operator, exported_s, sources, _starts(data[slice(*parts[b"cstb"])]), certificate,
        is_authentic,
    )  # fmt: skip


def _starts(data: bytes) -> dict[int, int]:
    (count,) = struct.unpack_from(">I", data)
    rows = (struct.unpack_from(">IQ", data, 4 + 12 * number) for number in range(count))
    return {track_id: ticks // 10 - EPOCH_1601_S * 1_000_000 for track_id, ticks in rows}
