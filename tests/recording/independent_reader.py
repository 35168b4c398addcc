"""Opens a recorded segment without any of the product's code: written from docs/design/recording.md alone.

Standard library and `cryptography` only. `key` is the 32-byte data key, unwrapped by whoever may.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CODECS = ("", "h264", "h265", "mjpeg", "aac", "pcmu", "pcma", "opus")
ARRIVALS = UUID("c1b15c09-0000-4a72-8a72-617272697661").bytes


class BadSegmentError(Exception):
    """The bytes are not what the page says."""


@dataclass
class Unit:
    """One access unit."""

    sequence: int
    track: int
    pts: int
    dts: int
    flags: int
    arrival_us: int
    wall_us: int
    data: bytes


def check(condition: bool, words: str) -> None:
    if not condition:
        raise BadSegmentError(words)


def crc(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = varint(data, at)
    return (value >> 1) ^ -(value & 1), at


class Segment:
    """One `.cvs` file and the key it was sealed with."""

    def __init__(self, data: bytes, key: bytes) -> None:
        check(data[:4] == b"CVSG" and data[4] == 1 and data[5] == 1, "not a segment of version 1")
        length = struct.unpack_from(">H", data, 6)[0]
        self.header = data[:length]
        check(crc(data[: length - 4]) == data[length - 4 : length], "header crc")
        ids = [UUID(bytes=data[at : at + 16]) for at in range(8, 104, 16)]
        self.site, self.node, self.stream, self.run, self.segment, self.key_id = ids
        self.hour = struct.unpack_from(">q", data, 104)[0]
        self.nonce_prefix = data[112:120]
        self.previous_head = data[132:164]
        self.rates: dict[int, int] = {}
        for number in range(data[196]):
            track, _, rate = struct.unpack_from(">BBI", data, 197 + 6 * number)
            self.rates[track] = rate
        self.data = data
        self.aead = AESGCM(key)

    def records(self) -> Iterator[tuple[int, int, bytes, bytes, bytes]]:
        """(type, number, head, associated data, body as it lies in the file)."""
        at = len(self.header)
        while at < len(self.data):
            magic, kind, _, _, head, body, number = struct.unpack_from(">4sBBHIII", self.data, at)
            check(magic == b"CVRC", "record")
            start = self.data[at : at + 20 + head]
            check(crc(start) == self.data[at + 20 + head : at + 24 + head], "record crc")
            begin = at + 24 + head
            sealed = self.data[begin : begin + body]
            check(crc(sealed) == self.data[begin + body : begin + body + 4], "body crc")
            yield kind, number, start[20:], self.header + start, sealed
            at = begin + body + 4
            if kind == 4:
                check(self.data[at:] == struct.pack(">I", at - (begin - 24 - head)) + b"CVND", "trailer")
                return

    def opened(self) -> Iterator[tuple[int, bytes, bytes]]:
        """(type, head, plain body)."""
        for kind, number, head, associated, body in self.records():
            nonce = self.nonce_prefix + struct.pack(">I", number)
            yield kind, head, body if kind == 4 else self.aead.decrypt(nonce, body, associated)

    def mp4(self) -> bytes:
        """Everything as a fragmented MP4."""
        out = b""
        for kind, _, plain in self.opened():
            if kind in (2, 3):
                out += plain
        return out

    def units(self) -> Iterator[Unit]:
        """Every unit; checks leaves, roots and chain on the way."""
        hashes: dict[int, bytes] = {}
        digests: list[bytes] = []
        chain = b""
        for kind, head, plain in self.opened():
            if kind in (1, 2):
                digests.append(head)
                check(hashlib.sha256(plain).digest() == head, "configuration digest")
                if kind == 2:
                    begin = b"civiscope/segment/1\0" + self.header + b"".join(digests)
                    chain = hashlib.sha256(begin).digest()
            if kind == 1:
                for line in plain.split(b"\n"):
                    digest = hashlib.sha256(b"civiscope/track/1\0" + line).digest()
                    hashes[json.loads(line)["track_id"]] = digest
            if kind == 3:
                units, facts_length = self.part(head, plain)
                root, stated = head[facts_length : facts_length + 32], head[facts_length + 32 :][:32]
                check(merkle([self.leaf(unit, hashes[unit.track]) for unit in units]) == root, "root")
                chain = hashlib.sha256(b"civiscope/part/1\0" + chain + head[:facts_length] + root).digest()
                check(chain == stated, "chain")
                yield from units

    def leaf(self, unit: Unit, track_hash: bytes) -> bytes:
        times = struct.pack(
            ">QBqqqH", unit.sequence, unit.track, unit.pts, unit.dts, unit.arrival_us, unit.flags
        )
        prefix = b"civiscope/leaf/1\0" + self.stream.bytes + self.run.bytes
        return hashlib.sha256(prefix + times + track_hash + unit.data).digest()

    def part(self, head: bytes, plain: bytes) -> tuple[list[Unit], int]:
        """The units of one part, and how long its head is without the proof."""
        _, first, count, _, _, arrival, _, _, _, _, _, media = struct.unpack_from(">IQIqqqq16sBqqI", head)
        at = struct.calcsize(">IQIqqqq16sBqqI")
        tracks = [struct.unpack_from(">Bqq", head, at + 1 + 17 * i) for i in range(head[at])]
        at += 1 + 17 * len(tracks)
        length = struct.unpack_from(">I", head, at)[0]
        index, end = head[at + 4 : at + 4 + length], at + 4 + length
        base = {track: dts for track, dts, _ in tracks}
        zero = {track: zero_us for track, _, zero_us in tracks}
        check(plain[media + 4 : media + 24] == b"uuid" + ARRIVALS, "arrivals")
        arrivals = plain[media + 24 :]
        state: dict[int, tuple[int, int, int]] = {}
        units: list[Unit] = []
        sizes: list[tuple[int, int]] = []
        at = seen = track = 0
        for number in range(count):
            bits, at = varint(index, at)
            if bits & 4:
                track, at = index[at], at + 1
            size, at = varint(index, at)
            dts, step, offset = state.get(track, (base[track], 0, 0))
            if bits & 2:
                step, at = varint(index, at)
            if bits & 1:
                offset, at = zigzag(index, at)
            dts += step
            state[track] = (dts, step, offset)
            change, seen = zigzag(arrivals, seen)
            _, seen = zigzag(arrivals, seen)
            arrival += change
            wall = zero[track] + (dts + offset) * 1_000_000 // self.rates[track]
            units.append(Unit(first + number, track, dts + offset, dts, bits >> 3, arrival, wall, b""))
            sizes.append((track, size))
        place(units, sizes, plain[:media])
        return units, end


def place(units: list[Unit], sizes: list[tuple[int, int]], media: bytes) -> None:
    """Give each unit its bytes: in the mdat, tracks stand one after the other, by their first unit."""
    at = struct.unpack_from(">I", media)[0] + 8
    for wanted in dict.fromkeys(track for track, _ in sizes):
        for unit, (track, size) in zip(units, sizes, strict=True):
            if track == wanted:
                unit.data = media[at : at + size]
                at += size
    check(at == len(media), "mdat")


def merkle(level: list[bytes]) -> bytes:
    """RFC 6962 §2.1, with the page's tags."""
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\x01" + b"".join(p)).digest() if len(p) == 2 else p[0] for p in pairs]
    return level[0]
