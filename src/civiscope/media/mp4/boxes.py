"""Boxes: the one building block of an MP4 file, written and read (ISO/IEC 14496-12 §4.2)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from civiscope.base import ProtocolError

MOVIE_TIMESCALE_HZ = 90_000
"""Ticks per second of movie and edit durations; a whole number of ticks for every usual frame rate."""

MAX_TABLE_ENTRIES = 1 << 20
"""No table we read may claim more rows than this."""


def box(kind: bytes, *payload: bytes) -> bytes:
    """One box with a 32-bit size; its payload is the parts joined."""
    body = b"".join(payload)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    """A box that starts with a version and 24 flags (ISO/IEC 14496-12 §4.2.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *payload)


@dataclass(frozen=True, slots=True)
class BoxView:
    """One box found in some bytes: its kind and where its payload lies; nothing is copied."""

    kind: bytes
    data: memoryview
    """The payload, without size and kind."""
    start: int
    """Offset of the box's first byte within the bytes that were walked."""

    def unpack(self, layout: str, offset: int = 0) -> tuple[int, ...]:
        """Big-endian integers at `offset`; `ProtocolError` when the box is too short for them."""
        return unpack(self.data, layout, offset, self.kind)

    def children(self, offset: int = 0) -> dict[bytes, "BoxView"]:
        """The boxes inside, by kind; of several of one kind the first."""
        found: dict[bytes, BoxView] = {}
        for child in walk(self.data[offset:]):
            found.setdefault(child.kind, child)
        return found


def unpack(data: memoryview, layout: str, offset: int, kind: bytes) -> tuple[int, ...]:
    """Big-endian integers at `offset` of a box's payload; `ProtocolError` when it is too short."""
    try:
        return struct.unpack_from(">" + layout, data, offset)
    except struct.error:
        raise ProtocolError(f"the MP4 box {name_of(kind)} is too short: {len(data)} bytes") from None


def name_of(kind: bytes) -> str:
    """A box's four letters for a message to a person, whatever bytes they are."""
    return kind.decode("latin-1").encode("unicode_escape").decode()


def walk(data: memoryview) -> Iterator[BoxView]:
    """Every box at this level in order; `ProtocolError` when one runs past the end."""
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < 8:
            raise ProtocolError(f"the MP4 bytes end inside a box header, {end - offset} bytes before the end")
        size, kind = struct.unpack_from(">I4s", data, offset)
        header = 8
        if size == 1:
            (size,) = unpack(data, "Q", offset + 8, kind)
            header = 16
        elif size == 0:
            size = end - offset
        if size < header or size > end - offset:
            raise ProtocolError(
                f"the MP4 box {name_of(kind)} says {size} bytes, but {end - offset} bytes are there"
            )
        yield BoxView(kind, data[offset + header : offset + size], offset)
        offset += size


def required(boxes: dict[bytes, BoxView], kind: bytes, inside: str) -> BoxView:
    """The box of this kind, or `ProtocolError` saying where it is missing."""
    found = boxes.get(kind)
    if found is None:
        raise ProtocolError(f"the MP4 box {name_of(kind)} is missing in {inside}")
    return found


def descriptor(tag: int, body: bytes) -> bytes:
    """An MPEG-4 descriptor with the four-byte length that every reader knows (ISO/IEC 14496-1 §8.3.3)."""
    size = len(body)
    lengths = bytes(
        (size >> 21 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size & 0x7F)
    )
    return bytes((tag,)) + lengths + body


def read_descriptor(data: memoryview) -> tuple[int, memoryview, memoryview]:
    """Tag, body and what follows of the first descriptor (ISO/IEC 14496-1 §8.3.3)."""
    if len(data) < 2:
        raise ProtocolError("an MPEG-4 descriptor in esds is cut short")
    size, offset = 0, 1
    for offset in range(1, min(len(data), 5)):
        size = size << 7 | data[offset] & 0x7F
        if not data[offset] & 0x80:
            break
    else:
        raise ProtocolError("the length of an MPEG-4 descriptor in esds does not end")
    body = data[offset + 1 : offset + 1 + size]
    if len(body) < size:
        raise ProtocolError(f"an MPEG-4 descriptor in esds says {size} bytes, {len(body)} are there")
    return data[0], body, data[offset + 1 + size :]
