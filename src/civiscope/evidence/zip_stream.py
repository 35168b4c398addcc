"""A ZIP file sent as it is made: nothing compressed, every length known before, so it is never held anywhere.

APPNOTE.TXT 6.3.9 §4.3; ZIP64 (§4.5.3) where a file, an offset or the number of files needs it.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_UTF8 = 1 << 11
_TOLD_BEHIND = 1 << 3
_UNIX = 3 << 8
_MODE = 0o100644 << 16
_LARGE = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file of a ZIP."""

    path: str
    size_bytes: int
    crc32: int | None
    """None: counted while it is sent, and told behind it (§4.3.9)."""
    pieces: Callable[[], Iterator[bytes]] = field(repr=False)
    """Its bytes, exactly so many."""


def zip_size(entries: Sequence[ZipEntry], at_us: int) -> int:
    """How many bytes `zip_pieces` gives."""
    return sum(map(_whole_bytes, entries)) + len(_directory(entries, [0] * len(entries), at_us))


def zip_pieces(entries: Sequence[ZipEntry], at_us: int) -> Iterator[bytes]:
    """The file, piece by piece; `at_us` is the time that all its files bear."""
    crcs: list[int] = []
    for one in entries:
        yield _local(one, at_us)
        if one.crc32 is not None:
            yield from one.pieces()
            crcs.append(one.crc32)
            continue
        counted = 0
        for piece in one.pieces():
            counted = zlib.crc32(piece, counted)
            yield piece
        yield _descriptor(one, counted)
        crcs.append(counted)
    yield _directory(entries, crcs, at_us)


def _local(one: ZipEntry, at_us: int) -> bytes:
    name, (day, time) = one.path.encode(), _dos_time(at_us)
    is_large = one.size_bytes >= _LARGE
    known = one.size_bytes if one.crc32 is not None else 0
    extra = struct.pack("<2H2Q", 1, 16, known, known) if is_large else b""
    size = _LARGE if is_large else known
    needed = 45 if is_large else 20
    flags = _UTF8 if one.crc32 is not None else _UTF8 | _TOLD_BEHIND
    head = _LOCAL.pack(
        b"PK\3\4", needed, flags, 0, time, day, one.crc32 or 0, size, size, len(name), len(extra)
    )
    return head + name + extra


def _descriptor(one: ZipEntry, crc32: int) -> bytes:
    code = "<4sLQQ" if one.size_bytes >= _LARGE else "<4s3L"
    return struct.pack(code, b"PK\7\10", crc32, one.size_bytes, one.size_bytes)


def _whole_bytes(one: ZipEntry) -> int:
    behind = 0 if one.crc32 is not None else len(_descriptor(one, 0))
    return len(_local(one, 0)) + one.size_bytes + behind


def _directory(entries: Sequence[ZipEntry], crcs: Sequence[int], at_us: int) -> bytes:
    offset, rows = 0, list[bytes]()
    for one, crc32 in zip(entries, crcs, strict=True):
        rows.append(_central(one, crc32, offset, at_us))
        offset += _whole_bytes(one)
    body = b"".join(rows)
    count, size, begin = len(entries), len(body), offset
    wide = b""
    if count >= 0xFFFF or size >= _LARGE or begin >= _LARGE:
        wide = _END64.pack(b"PK\6\6", 44, 45 | _UNIX, 45, 0, 0, count, count, size, begin)
        wide += _LOCATOR.pack(b"PK\6\7", 0, begin + size, 1)
    short = min(count, 0xFFFF)
    end = _END.pack(b"PK\5\6", 0, 0, short, short, min(size, _LARGE), min(begin, _LARGE), 0)
    return body + wide + end


def _central(one: ZipEntry, crc32: int, offset: int, at_us: int) -> bytes:
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
    flags = _UTF8 if one.crc32 is not None else _UTF8 | _TOLD_BEHIND
    head = _CENTRAL.pack(
        b"PK\1\2", needed | _UNIX, needed, flags, 0, time, day, crc32, size, size, len(name), len(extra),
        0, 0, 0, _MODE, place,
    )  # fmt: skip
    return head + name + extra


def _dos_time(at_us: int) -> tuple[int, int]:
    """(date, time) of MS-DOS, in UTC; it begins in 1980 and counts two seconds."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    if at.year < 1980:
        return 0x21, 0
    return (at.year - 1980) << 9 | at.month << 5 | at.day, at.hour << 11 | at.minute << 5 | at.second // 2
