"""A ZIP file sent as it is made: nothing compressed, every length known before, so it is never held anywhere.

APPNOTE.TXT 6.3.9 §4.3; ZIP64 (§4.5.3) where a file, an offset or the number of files needs it.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_UTF8 = 1 << 11
_UNIX = 3 << 8
_MODE = 0o100644 << 16
_LARGE = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file of a ZIP."""

    path: str
    size_bytes: int
    crc32: int
    pieces: Callable[[], Iterator[bytes]] = field(repr=False)
    """Its bytes, exactly so many."""


def zip_size(entries: Sequence[ZipEntry], at_us: int) -> int:
    """How many bytes `zip_pieces` gives."""
    offset = sum(len(_local(one, at_us)) + one.size_bytes for one in entries)
    return offset + len(_directory(entries, at_us))


def zip_pieces(entries: Sequence[ZipEntry], at_us: int) -> Iterator[bytes]:
    """The file, piece by piece; `at_us` is the time that all its files bear."""
    for one in entries:
        yield _local(one, at_us)
        yield from one.pieces()
    yield _directory(entries, at_us)


def _local(one: ZipEntry, at_us: int) -> bytes:
    name, (day, time) = one.path.encode(), _dos_time(at_us)
    is_large = one.size_bytes >= _LARGE
    extra = struct.pack("<2H2Q", 1, 16, one.size_bytes, one.size_bytes) if is_large else b""
    size = _LARGE if is_large else one.size_bytes
    needed = 45 if is_large else 20
    head = _LOCAL.pack(b"PK\3\4", needed, _UTF8, 0, time, day, one.crc32, size, size, len(name), len(extra))
    return head + name + extra


def _directory(entries: Sequence[ZipEntry], at_us: int) -> bytes:
    offset, rows = 0, list[bytes]()
    for one in entries:
        rows.append(_central(one, offset, at_us))
        offset += len(_local(one, at_us)) + one.size_bytes
    body = b"".join(rows)
    count, size, begin = len(entries), len(body), offset
    wide = b""
    if count >= 0xFFFF or size >= _LARGE or begin >= _LARGE:
        wide = _END64.pack(b"PK\6\6", 44, 45 | _UNIX, 45, 0, 0, count, count, size, begin)
        wide += _LOCATOR.pack(b"PK\6\7", 0, begin + size, 1)
    short = min(count, 0xFFFF)
    end = _END.pack(b"PK\5\6", 0, 0, short, short, min(size, _LARGE), min(begin, _LARGE), 0)
    return body + wide + end


def _central(one: ZipEntry, offset: int, at_us: int) -> bytes:
    name, (day, time) = one.path.encode(), _dos_time(at_us)
    wide: list[int] = []
    size, place = one.size_bytes, offset
    if size >= _LARGE:
        wide += [size, size]
        size = _LARGE
    if place >= _LARGE:
        wide.append(place)
        place = _LARGE
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    needed = 45 if wide else 20
    head = _CENTRAL.pack(
        b"PK\1\2", needed | _UNIX, needed, _UTF8, 0, time, day, one.crc32, size, size, len(name), len(extra),
        0, 0, 0, _MODE, place,
    )  # fmt: skip
    return head + name + extra


def _dos_time(at_us: int) -> tuple[int, int]:
    """(date, time) of MS-DOS, in UTC; it begins in 1980 and counts two seconds."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    if at.year < 1980:
        return 0x21, 0
    return (at.year - 1980) << 9 | at.month << 5 | at.day, at.hour << 11 | at.minute << 5 | at.second // 2
