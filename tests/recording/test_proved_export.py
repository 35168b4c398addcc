"""What lies beside an export proves it to somebody without a key: read as docs/design/proof.md says."""

import base64
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EPOCH_US, EVERYTHING, FRAME_US, Camera, Room, Site, play

from civiscope.base import ManualClock, Span
from civiscope.recording import ExportPiece, certificate_name
from civiscope.recording.proved_export import joined

PATH = "video/gate.mp4"


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def tree(level: list[bytes]) -> bytes:
    while len(level) > 1:
        pairs = [sha256(b"\x01", *level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) // 2 * 2 :]
    return level[0]


class Reader:
    """Checks the proof of one channel from its lines, the media's bytes and the certificates alone."""

    def __init__(self, site: Site, media: bytes, certificates: dict[str, bytes]) -> None:
        self.site = site
        self.data = media[media.index(b"mdat") + 4 :]
        self.certificates = certificates
        self.units = self.parts = self.ends = 0

    def read(self, lines: bytes) -> None:
        for line in lines.splitlines():
            ((key, value),) = json.loads(line).items()
            getattr(self, f"on_{key}")(value)

    def on_civiscope_proof(self, value: dict[str, Any]) -> None:
        assert (value["version"], value["media"]) == (1, PATH)

    def on_segment(self, value: dict[str, Any]) -> None:
        header, tracks = base64.b64decode(value["header"]), value["tracks"].encode()
        self.stream_and_run = header[40:72]
        self.certificate = self.certificates[value["certificate"]]
        self.digests = {
            json.loads(line)["track_id"]: sha256(b"civiscope/track/1\0", line) for line in tracks.split(b"\n")
        }
        init = bytes.fromhex(value["init"])
        self.head = sha256(b"civiscope/segment/1\0", header, sha256(tracks), init)
        self.count = 0

    def on_link(self, value: dict[str, Any]) -> None:
        self.follow(base64.b64decode(value["facts"]), bytes.fromhex(value["root"]))

    def on_part(self, value: dict[str, Any]) -> None:
        facts = base64.b64decode(value["facts"])
        first, count = struct.unpack_from(">QI", facts, 4)
        (arrival_us,) = struct.unpack_from(">q", facts, 32)
        assert len(value["units"]) == count
        leaves = [self.leaf(first + number, unit) for number, unit in enumerate(value["units"])]
        self.follow(facts, tree(leaves))
        assert self.head.hex() == value["head"]
        statement = b"civiscope/part-head/1\0" + self.head
        signature = base64.b64decode(value["signature"])
        self.site.keyring.verify_signature(self.certificate, signature, statement, arrival_us)
        self.parts += 1

    def on_end(self, value: str) -> None:
        end = base64.b64decode(value)
        assert int.from_bytes(end[:4]) == self.count
        assert self.head in end
        self.ends += 1

    def leaf(self, sequence: int, unit: Any) -> bytes:
        if isinstance(unit, str):
            return bytes.fromhex(unit)
        track, pts, dts, arrival_us, flags, offset, size, stated = unit
        head = struct.pack(">QBqqqH", sequence, track, pts, dts, arrival_us, flags)
        data = self.data[offset : offset + size]
        self.units += 1
        found = sha256(b"civiscope/leaf/1\0", self.stream_and_run, head, self.digests[track], data)
        assert found.hex() == stated
        return found

    def follow(self, facts: bytes, root: bytes) -> None:
        assert int.from_bytes(facts[:4]) == self.count
        self.count += 1
        self.head = sha256(b"civiscope/part/1\0", self.head, facts, root)


def recorded(room: Room) -> Camera:
    """Four segments of some seconds: a configuration of its own length, closed in order."""
    recorder = room.recorder()
    camera = Camera(room.clock)
    for _ in range(4):
        camera.start(recorder)
        play(recorder, [camera], 75)
        camera.end(recorder)
    recorder.close()
    return camera


def parted(pieces: list[ExportPiece]) -> tuple[bytes, bytes, dict[str, bytes]]:
    certificates = {certificate_name(one.certificate): one.certificate for one in pieces if one.certificate}
    return b"".join(one.media for one in pieces), b"".join(one.proof for one in pieces), certificates


@pytest.fixture(scope="module")
def made(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Room, Camera]:
    room = Room(site, tmp_path_factory.mktemp("proved") / "volume", ManualClock(EPOCH_US))
    return room, recorded(room)


def checked(site: Site, pieces: list[ExportPiece]) -> Reader:
    media, lines, certificates = parted(pieces)
    reader = Reader(site, media, certificates)
    reader.read(lines)
    return reader


def test_a_whole_recording_proves_itself(site: Site, made: tuple[Room, Camera]) -> None:
    room, camera = made
    pieces = list(room.archive().export_proved(camera.stream_id, EVERYTHING, PATH))
    reader = checked(site, pieces)
    assert reader.units == len(camera.sent) == 300
    assert reader.ends == 4
    plain = b"".join(room.archive().export_mp4(camera.stream_id, EVERYTHING))
    assert parted(pieces)[0] == plain, "the same file as the download"


@given(begin=st.integers(0, 299), length=st.integers(1, 300))
def test_any_span_proves_itself(site: Site, made: tuple[Room, Camera], begin: int, length: int) -> None:
    room, camera = made
    span = Span(EPOCH_US + begin * FRAME_US, EPOCH_US + (begin + length) * FRAME_US)
    reader = checked(site, list(room.archive().export_proved(camera.stream_id, span, PATH)))
    assert reader.units >= min(length, 300 - begin) - 1
    assert reader.parts


def test_a_recording_that_goes_on_proves_what_is_there(site: Site, tmp_path: Path) -> None:
    room = Room(site, tmp_path / "volume")
    recorder, camera = room.recorder(), Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 60)
    archive = room.archive()
    while not archive.timeline(camera.stream_id, EVERYTHING).recorded:
        archive.refresh()
    reader = checked(site, list(archive.export_proved(camera.stream_id, EVERYTHING, PATH)))
    assert reader.ends == 0
    assert reader.parts >= 1
    recorder.close()


def test_one_changed_byte_of_the_media_is_found(site: Site, made: tuple[Room, Camera]) -> None:
    room, camera = made
    media, lines, certificates = parted(
        list(room.archive().export_proved(camera.stream_id, EVERYTHING, PATH))
    )
    changed = bytearray(media)
    changed[-1000] ^= 1
    with pytest.raises(AssertionError):
        Reader(site, bytes(changed), certificates).read(lines)


@given(least_bytes=st.integers(1, 200_000))
def test_joined_pieces_are_the_same_bytes_under_the_same_certificates(least_bytes: int) -> None:
    pieces = [ExportPiece(b"head", b"one\n", total_bytes=99)]
    for number in range(40):
        certificate = b"der%d" % (number // 15) if number % 15 == 0 else None
        pieces.append(ExportPiece(bytes([number]) * (number * 200), b"%d\n" % number, certificate))
    found = list(joined(iter(pieces), least_bytes))
    assert found[0] == pieces[0]
    assert parted(found) == parted(pieces)
    proofs = [one.proof for one in found if one.certificate is not None]
    assert [one.split(b"\n")[0] for one in proofs] == [b"0", b"15", b"30"]
    assert all(len(one.media) < least_bytes + 8_000 for one in found[1:])
