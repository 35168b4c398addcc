"""Motion JPEG over RTP (RFC 2435): a complete file out of fragments, a baseline file into fragments."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from civiscope.base import ProtocolError, Whose
from civiscope.media.model import UnitFlags
from civiscope.media.wire.depacketizer import MAX_UNIT_BYTES, CodecConfig, RawUnit
from civiscope.media.wire.jpeg_tables import HUFFMAN_TABLES, quantisation_tables

_SAMPLING = {0: 0x21, 1: 0x22}
"""Luma sampling of RTP/JPEG types: 4:2:2 and 4:2:0 (RFC 2435 §4.1)."""
_RESTART_TYPES = 64
_Q_IN_BAND = 255
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive frame headers (ITU-T T.81 §B.1.1.3)."""
_START_OF_IMAGE, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class JpegPicture:
    """The parts of a baseline JPEG file that RTP carries."""

    width_px: int
    height_px: int
    kind: int
    """0: 4:2:2, 1: 4:2:0."""
    restart_interval: int
    tables: bytes
    """One or two quantisation tables of 64 bytes each, zigzag order: luma, chroma."""
    scan: bytes
    """Entropy-coded bytes, without the end of image."""


def write_jpeg(picture: JpegPicture) -> bytes:
    """A complete baseline JPEG file with the standard Huffman tables (RFC 2435 appendix B)."""
    count = len(picture.tables) // 64
    out = bytearray(_START_OF_IMAGE)
    for index in range(count):
        out += _segment(0xDB, bytes((index,)) + picture.tables[64 * index : 64 * index + 64])
    if picture.restart_interval:
        out += _segment(0xDD, picture.restart_interval.to_bytes(2))
    chroma = 1 if count > 1 else 0
    out += _segment(
        0xC0,
        struct.pack(">BHHB", 8, picture.height_px, picture.width_px, 3)
        + bytes((1, _SAMPLING[picture.kind], 0, 2, 0x11, chroma, 3, 0x11, chroma)),
    )
    for name, table in HUFFMAN_TABLES.items():
        out += _segment(0xC4, bytes((name,)) + table)
    out += _segment(0xDA, bytes((3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0)))
    out += picture.scan
    out += _END_OF_IMAGE
    return bytes(out)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def parse_jpeg(data: bytes) -> JpegPicture:
    """Read a baseline JPEG file that RTP can carry: 4:2:0 or 4:2:2, 8 bits, the standard Huffman tables."""
    if not data.startswith(_START_OF_IMAGE):
        raise ProtocolError("this is no JPEG file")
    tables: dict[int, bytes] = {}
    restart, frame = 0, None
    for marker, body, after in _segments(data):
        if marker == 0xDB:
            tables.update(_quantisation(body))
        elif marker == 0xC4:
            _check_huffman(body)
        elif marker == 0xDD and len(body) == 2:
            restart = int.from_bytes(body)
        elif marker == 0xC0:
            frame = _frame(body)
        elif 0xC1 <= marker <= 0xCF:
            raise ProtocolError("RTP carries baseline JPEG only")
        elif marker == 0xDA and frame is not None:
            width_px, height_px, kind, chosen = frame
            if not all(name in tables for name in chosen):
                raise ProtocolError("a JPEG file lacks a quantisation table")
            scan = data[after:].rstrip(b"\0").removesuffix(_END_OF_IMAGE)
            joined = b"".join(tables[name] for name in chosen)
            return JpegPicture(width_px, height_px, kind, restart, joined, scan)
    raise ProtocolError("a JPEG file ends before its picture")


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(marker, body, where the next begins) of each segment up to the scan."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ProtocolError("a JPEG file has bytes between its segments")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        after = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if after > len(data) or after < at + 4:
            raise ProtocolError("a JPEG file ends inside a segment")
        yield marker, data[at + 4 : after], after
        if marker == 0xDA:
            return
        at = after


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a JPEG file of any kind; ProtocolError if it is none or does not say."""
    if not data.startswith(_START_OF_IMAGE):
        raise ProtocolError("this is no JPEG file")
    for marker, body, _ in _segments(data):
        if marker in _FRAMES and len(body) >= 6:
            height_px, width_px = struct.unpack_from(">HH", body, 1)
            if not height_px or not width_px:
                break
            return width_px, height_px
    raise ProtocolError("a JPEG file does not say how large its picture is")


def _quantisation(body: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(body) - 64, 65):
        if body[at] > 3:
            raise ProtocolError("RTP carries 8-bit quantisation tables only")
        yield body[at], body[at + 1 : at + 65]


def _check_huffman(body: bytes) -> None:
    at = 0
    while at + 17 <= len(body):
        end = at + 17 + sum(body[at + 1 : at + 17])
        if HUFFMAN_TABLES.get(body[at]) != body[at + 1 : end]:
            raise ProtocolError("RTP carries JPEG with the standard Huffman tables only")
        at = end


def _frame(body: bytes) -> tuple[int, int, int, tuple[int, ...]]:
    """Width, height, RTP/JPEG type and the quantisation tables used, from the frame header."""
    if len(body) < 15 or body[0] != 8 or body[5] != 3:
        raise ProtocolError("RTP carries 8-bit JPEG of three components only")
    height_px, width_px = struct.unpack_from(">HH", body, 1)
    kind = next((kind for kind, sampling in _SAMPLING.items() if sampling == body[7]), None)
    if kind is None or body[10] != 0x11 or body[13] != 0x11 or body[11] != body[14]:
        raise ProtocolError("RTP carries 4:2:0 and 4:2:2 JPEG only")
    return width_px, height_px, kind, ((body[8],) if body[8] == body[11] else (body[8], body[11]))


def jpeg_payloads(unit_data: bytes, room_bytes: int) -> list[bytes]:
    """A baseline file in fragments, its tables in the first one (RFC 2435 §3.1); sizes up to 2,040 px."""
    picture = parse_jpeg(unit_data)
    if picture.width_px > 2040 or picture.height_px > 2040:
        raise ProtocolError("RTP/JPEG carries at most 2,040 px each way", Whose.LOCAL)
    kind = picture.kind + (_RESTART_TYPES if picture.restart_interval else 0)
    size = bytes(((picture.width_px + 7) // 8, (picture.height_px + 7) // 8))
    restart = picture.restart_interval.to_bytes(2) + b"\xff\xff" if picture.restart_interval else b""
    tables = picture.tables if len(picture.tables) == 128 else picture.tables * 2
    payloads: list[bytes] = []
    at = 0
    while at < len(picture.scan) or not payloads:
        head = b"\0" + at.to_bytes(3) + bytes((kind, _Q_IN_BAND)) + size + restart
        if at == 0:
            head += b"\0\0" + len(tables).to_bytes(2) + tables
        step = max(1, room_bytes - len(head))
        payloads.append(head + picture.scan[at : at + step])
        at += step
    return payloads


class JpegDepacketizer:
    """See `Depacketizer`. A picture whose beginning is lost is dropped: nothing can be made of the rest."""

    def __init__(self) -> None:
        self._scan = bytearray()
        self._head: tuple[int, int, int, int, bytes] | None = None
        self._tables: dict[int, bytes] = {}
        self._timestamp = -1
        self._flags = UnitFlags.KEY
        self._config: CodecConfig | None = None

    @property
    def config(self) -> CodecConfig | None:
        """The size of the newest picture; None before the first."""
        return self._config

    def push(self, payload: memoryview, timestamp: int, marker: bool, gap: bool) -> Sequence[RawUnit]:
        """Take one payload; see `Depacketizer.push`."""
        units: list[RawUnit] = []
        if timestamp != self._timestamp and self._head is not None:
            self._flags |= UnitFlags.DAMAGED
            self._emit(units)
        self._timestamp = timestamp
        if gap:
            self._flags |= UnitFlags.DAMAGED if self._head is not None else UnitFlags.DISCONTINUITY
        self._take_in(payload)
        if marker and self._head is not None:
            self._emit(units)
        return units

    def flush(self) -> Sequence[RawUnit]:
        """The picture under way, damaged: its last packet never came."""
        units: list[RawUnit] = []
        if self._head is not None:
            self._flags |= UnitFlags.DAMAGED
            self._emit(units)
        return units

    def _take_in(self, payload: memoryview) -> None:
        if len(payload) < 8:
            raise ProtocolError("an RTP/JPEG payload is shorter than its header")
        offset = int.from_bytes(payload[1:4])
        at, restart = 8, 0
        if 64 <= payload[4] < 128:
            if len(payload) < 12:
                raise ProtocolError("an RTP/JPEG payload ends inside its restart header")
            restart, at = payload[8] << 8 | payload[9], 12
        if offset == 0:
            self._begin(payload, at, restart)
            return
        if self._head is None:
            self._flags |= UnitFlags.DISCONTINUITY
            return
        if offset + len(payload) > MAX_UNIT_BYTES:
            raise ProtocolError(f"a JPEG picture is longer than {MAX_UNIT_BYTES} bytes")
        if offset != len(self._scan):
            self._flags |= UnitFlags.DAMAGED
        if offset >= len(self._scan):
            self._scan += payload[at:]

    def _begin(self, payload: memoryview, at: int, restart: int) -> None:
        kind, quality = payload[4], payload[5]
        if kind & 0x3F not in _SAMPLING or kind >= 128:
            raise ProtocolError(f"RTP/JPEG type {kind} is unknown")
        width_px, height_px = 8 * payload[6], 8 * payload[7]
        if not width_px or not height_px:
            raise ProtocolError("an RTP/JPEG picture has no size")
        if quality >= 128:
            tables, at = self._in_band(payload, at, quality)
        else:
            tables = quantisation_tables(quality)
        self._head = (width_px, height_px, kind & 0x3F, restart, tables)
        self._scan = bytearray(payload[at:])

    def _in_band(self, payload: memoryview, at: int, quality: int) -> tuple[bytes, int]:
        """Tables that come with the picture, or came with an earlier one of the same Q (RFC 2435 §3.1.8)."""
        if at + 4 > len(payload):
            raise ProtocolError("an RTP/JPEG payload ends inside its table header")
        start = at + 4
        end = start + (payload[at + 2] << 8 | payload[at + 3])
        if end > len(payload) or payload[at + 1] & 3:
            raise ProtocolError("RTP/JPEG quantisation tables are cut short or of 16 bits")
        if end == start:
            if quality not in self._tables:
                raise ProtocolError("RTP/JPEG quantisation tables have not come yet")
            return self._tables[quality], end
        tables = bytes(payload[start:end])
        if len(tables) not in (64, 128):
            raise ProtocolError("RTP/JPEG quantisation tables are of an unknown length")
        if len(tables) == 128 and tables[:64] == tables[64:]:
            tables = tables[:64]
        if quality != _Q_IN_BAND:
            self._tables[quality] = tables
        return tables, end

    def _emit(self, units: list[RawUnit]) -> None:
        assert self._head is not None  # callers look first
        picture = JpegPicture(*self._head, scan=bytes(self._scan).removesuffix(_END_OF_IMAGE))
        config = CodecConfig(width_px=picture.width_px, height_px=picture.height_px)
        changed = config if config != self._config else None
        self._config = config
        units.append(RawUnit(write_jpeg(picture), self._timestamp, self._flags, changed))
        damaged = self._flags & UnitFlags.DAMAGED
        self._flags = UnitFlags.KEY | (UnitFlags.DISCONTINUITY if damaged else UnitFlags.NONE)
        self._head = None
        self._scan = bytearray()
