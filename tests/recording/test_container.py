"""Page, writer and an independent reader agree; ffprobe plays what comes out; flipped bytes are found."""

import json
import random
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hpke, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, VIDEO, Camera, Room, drawn_clip, play, play_file
from tests.recording.independent_reader import Segment

from civiscope.base import AppError, NodeId, ProtocolError, SiteId, Span, new_id
from civiscope.media import FileUnits
from civiscope.recording import Verdict
from civiscope.recording.container import PartFacts, PartProof, SegmentEnd, SegmentHeader, read_entries
from civiscope.recording.index import read_index_header, read_records
from civiscope.recording.keys import read_key_file
from civiscope.recording.sample_index import read_arrivals, read_sample_index
from civiscope.recording.segment_reader import SegmentReader
from civiscope.recording.track_lines import read_track_lines, write_track_lines
from civiscope.recording.volume import VolumeDescription
from civiscope.security import read_wrapped


def segment_paths(room: Room) -> list[Path]:
    return sorted((room.folder / "segments").glob("*/*.cvs"))


def data_key(room: Room, segment: Path) -> bytes:
    """The raw AES key of a segment, unwrapped by hand with the site's private key (RFC 9180)."""
    (path,) = (room.folder / "keys" / segment.parent.name).glob("*.key")
    wrapped = read_key_file(path.read_bytes())
    _, ciphertext = read_wrapped(wrapped)
    (pem,) = (room.site.keys.server_folder / "sealing").glob("*.key.pem")
    private_key = serialization.load_pem_private_key(pem.read_bytes(), None)
    assert isinstance(private_key, X25519PrivateKey)
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    return suite.decrypt(ciphertext, private_key, info=wrapped[: -len(ciphertext)])


def ffprobe(data: bytes, path: Path) -> dict[str, object]:
    path.write_bytes(data)
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", path],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == b""
    found: dict[str, object] = json.loads(done.stdout)["streams"][0]
    return found


@pytest.mark.parametrize("b_frames", [0, 2])
def test_an_independent_reader_opens_and_proves_a_segment(room: Room, tmp_path: Path, b_frames: int) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    play_file(recorder, camera, drawn_clip(tmp_path / "clip.mp4", 60, b_frames))
    recorder.close()
    (path,) = segment_paths(room)
    segment = Segment(path.read_bytes(), data_key(room, path))
    found = list(segment.units())
    read = list(room.archive().read(camera.stream_id, EVERYTHING))
    assert [(one.sequence, one.pts, one.dts, one.arrival_us, one.data) for one in found] == [
        (unit.sequence, unit.pts, unit.dts, unit.arrival_us, unit.data) for _, unit in camera.sent
    ]
    assert [one.wall_us for one in found] == [one.wall_us for one in read]
    stream = ffprobe(segment.mp4(), tmp_path / "out.mp4")
    assert (stream["codec_name"], stream["nb_read_frames"]) == ("h264", "60")


@pytest.mark.parametrize("b_frames", [0, 2])
def test_an_export_plays_and_is_cut_to_the_frame(room: Room, tmp_path: Path, b_frames: int) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    play_file(recorder, camera, drawn_clip(tmp_path / "clip.mp4", 90, b_frames))
    recorder.close()
    archive = room.archive()
    whole = archive.timeline(camera.stream_id, EVERYTHING).recorded[0].span
    start_us = whole.start_us + 1_500_000
    span = Span(start_us, start_us + 2_000_000)
    pieces = list(archive.export_mp4(camera.stream_id, span))
    assert len(pieces) > 2
    path = tmp_path / "export.mp4"
    stream = ffprobe(b"".join(pieces), path)
    assert abs(float(str(stream["duration"])) - 2.0) < 0.07
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-f", "framemd5", "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    frames = [line for line in decoded.stdout.splitlines() if not line.startswith(b"#")]
    assert decoded.stderr == b""
    assert 30 <= len(frames) <= 31
    with pytest.raises(AppError, match="nothing that can be shown"):
        list(archive.export_mp4(camera.stream_id, Span(0, 1000)))


def test_an_export_goes_over_a_gap_and_a_new_size(room: Room, tmp_path: Path) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    play_file(recorder, camera, drawn_clip(tmp_path / "a.mp4", 30))
    camera.end(recorder)
    room.clock.advance(60_000_000)
    play_file(recorder, camera, drawn_clip(tmp_path / "b.mp4", 30, width_px=480))
    recorder.close()
    stream = ffprobe(b"".join(room.archive().export_mp4(camera.stream_id, EVERYTHING)), tmp_path / "out.mp4")
    assert stream["nb_read_frames"] == "60"
    assert abs(float(str(stream["duration"])) - 5.0) < 0.2


@pytest.mark.footage
def test_real_footage_is_read_back_and_plays(room: Room, tmp_path: Path, shared_data: Path) -> None:
    file = FileUnits(shared_data / "video" / "car-detection.mp4")
    recorder = room.recorder()
    camera = Camera(room.clock)
    play_file(recorder, camera, file)
    recorder.close()
    archive = room.archive()
    read = list(archive.read(camera.stream_id, EVERYTHING))
    assert [one.unit for one in read] == [unit for _, unit in camera.sent]
    stream = ffprobe(b"".join(archive.export_mp4(camera.stream_id, EVERYTHING)), tmp_path / "out.mp4")
    assert stream["nb_read_frames"] == str(len(file.units_of(1)))


def test_every_flipped_byte_is_found(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=60)
    camera.start(recorder)
    play(recorder, [camera], 30)
    recorder.close()
    (path,) = segment_paths(room)
    good = path.read_bytes()
    assert room.archive().verify(camera.stream_id, EVERYTHING)[0].verdict is Verdict.WHOLE
    rng = random.Random(1)
    for at in [*range(0, len(good), 97), *rng.sample(range(len(good)), 60)]:
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
        found = room.archive().verify(camera.stream_id, EVERYTHING)[0]
        assert found.verdict not in (Verdict.WHOLE, Verdict.OPEN), f"byte {at}"


def test_a_cut_and_a_swap_are_told_apart(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=60)
    camera.start(recorder)
    play(recorder, [camera], 60)
    recorder.close()
    (path,) = segment_paths(room)
    good = path.read_bytes()
    with path.open("rb") as file:
        reader = SegmentReader(lambda offset, length: (file.seek(offset), file.read(length))[1])
        parts = [frame for frame in reader.frames(len(good)) if frame.type == 3]
    assert len(parts) >= 4
    path.write_bytes(good[: parts[2].offset])
    assert room.archive().verify(camera.stream_id, EVERYTHING)[0].verdict is Verdict.CUT
    one, two = parts[1], parts[2]
    swapped = good[two.offset : two.end_offset] + good[one.offset : one.end_offset]
    path.write_bytes(good[: one.offset] + swapped + good[two.end_offset :])
    found = room.archive().verify(camera.stream_id, EVERYTHING)[0]
    assert Verdict.REORDERED in {one.verdict for one in found.findings}
    path.write_bytes(good[: one.offset] + good[one.end_offset :])
    assert room.archive().verify(camera.stream_id, EVERYTHING)[0].verdict is not Verdict.WHOLE


def test_without_its_key_a_segment_stays_closed(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 30)
    recorder.close()
    for path in (room.folder / "keys").glob("*/*.key"):
        path.unlink()
    archive = room.archive()
    assert archive.timeline(camera.stream_id, EVERYTHING).recorded
    with pytest.raises(AppError, match="was destroyed"):
        list(archive.read(camera.stream_id, EVERYTHING))
    assert archive.verify(camera.stream_id, EVERYTHING)[0].verdict is Verdict.UNREADABLE


def test_no_picture_lies_on_the_disk_in_the_clear(room: Room, tmp_path: Path) -> None:
    file = drawn_clip(tmp_path / "clip.mp4", 30)
    recorder = room.recorder()
    play_file(recorder, Camera(room.clock), file)
    recorder.close()
    planted = file.units[0].data[40:72]
    for path in room.folder.rglob("*"):
        assert path.is_dir() or planted not in path.read_bytes()


@given(data=st.binary(max_size=600))
def test_garbage_ends_in_a_protocol_error(data: bytes) -> None:
    readers = (
        lambda: SegmentHeader.read(b"CVSG\x01\x01" + data),
        lambda: SegmentReader(lambda offset, length: data[offset : offset + length]),
        lambda: PartFacts.read(data),
        lambda: PartProof.read(data),
        lambda: SegmentEnd.read(data),
        lambda: read_entries(data),
        lambda: read_sample_index(data, 40, {1: 0}),
        lambda: read_arrivals(data, 40, 0, 0),
        lambda: read_track_lines(data),
        lambda: read_index_header(data),
        lambda: read_key_file(data),
        lambda: VolumeDescription.read(data),
    )
    for read in readers:
        try:
            read()
        except ProtocolError:
            continue
    records, length = read_records(data)
    assert length <= len(data)
    assert len(records) <= len(data)


def test_a_number_beyond_all_integers_is_a_protocol_error() -> None:
    """Found by tests/fuzz: JSON's 1e999 is infinity."""
    line = write_track_lines((VIDEO,)).replace(b"90000", b"1e999")
    with pytest.raises(ProtocolError):
        read_track_lines(line)
    description = VolumeDescription(new_id(), SiteId(new_id()), NodeId(new_id()), 77777)
    with pytest.raises(ProtocolError):
        VolumeDescription.read(description.to_json().replace(b"77777", b"1e999"))
