"""Decoder configuration records are, byte by byte, those of another writer."""

import subprocess
from pathlib import Path

import av
import pytest

from civiscope.base import ProtocolError
from civiscope.media.mp4.video_config import h265_profile, read_avcc, read_hvcc, write_avcc, write_hvcc


def _record(path: Path, codec: str, pixels: str, *options: str) -> bytes:
    """The record that FFmpeg writes into an MP4 file."""
    command = [
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=322x182:rate=15", "-t", "0.3",
        "-c:v", codec, "-pix_fmt", pixels, "-preset", "ultrafast", *options, str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=30, stderr=subprocess.DEVNULL)
    with av.open(str(path), "r") as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


@pytest.mark.parametrize(
    ("pixels", "profile"),
    [("yuv420p", "baseline"), ("yuv420p", "main"), ("yuv420p", "high"), ("yuv420p10le", ""), ("yuv444p", "")],
)
def test_avcc(tmp_path: Path, pixels: str, profile: str) -> None:
    options = ("-profile:v", profile) if profile else ()
    written = _record(tmp_path / "clip.mp4", "libx264", pixels, *options)
    assert write_avcc(read_avcc(memoryview(written))) == written


@pytest.mark.parametrize(
    ("pixels", "name"),
    [("yuv420p", "hvc1.1.6.L60.90"), ("yuv420p10le", "hvc1.2.4.L60.90"), ("yuv444p", "hvc1.4.10.L60.9E.8")],
)
def test_hvcc(tmp_path: Path, pixels: str, name: str) -> None:
    options = ("-tag:v", "hvc1", "-x265-params", "log-level=none")
    written = _record(tmp_path / "clip.mp4", "libx265", pixels, *options)
    sets = read_hvcc(memoryview(written))
    ours = write_hvcc(sets)
    assert ours[:22] == written[:22]
    assert read_hvcc(memoryview(ours)) == tuple(nal for nal in sets if nal[0] >> 1 & 0x3F in (32, 33, 34))
    assert h265_profile(next(nal for nal in sets if nal[0] >> 1 & 0x3F == 33)).codec_string == name


@pytest.mark.parametrize("sps", [b"\x67\x64\x00", b"\x67\x64\x00\x1f", b"\x67\x64\x00\x1f" + bytes(40)])
def test_an_h264_sps_cut_short_is_refused(sps: bytes) -> None:
    with pytest.raises(ProtocolError):
        write_avcc((sps, b"\x68\xee"))


@pytest.mark.parametrize("sps", [b"\x42\x01", b"\x42\x01\x0f" + bytes(60), b"\x42\x01\x01" + bytes(12)])
def test_an_h265_sps_cut_short_is_refused(sps: bytes) -> None:
    with pytest.raises(ProtocolError):
        h265_profile(sps)


@pytest.mark.parametrize("record", [b"", b"\x02" + bytes(30), b"\x01" + bytes(21) + b"\xff" * 9])
def test_broken_records_are_refused(record: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_hvcc(memoryview(record))
    with pytest.raises(ProtocolError):
        read_avcc(memoryview(record[:6]))


@pytest.mark.parametrize("head", [b"\x67\x4d\x00\x1f", b"\x42\x01\x01\x01"])
def test_a_parameter_set_too_long_for_its_length_field_is_refused(head: bytes) -> None:
    """Found by tests/fuzz: a camera may send one in fragments; the recorder's writer must not end by it."""
    sets = (head + bytes(range(256)) * 257, b"\x68\xee", b"\x40\1", b"\x44\1")
    with pytest.raises(ProtocolError, match=r"bytes does not fit|SPS"):
        write_avcc(sets) if head[0] == 0x67 else write_hvcc(sets)
