"""Media files as tracks and units: every container and codec served, and plain words for the rest."""

from itertools import pairwise
from pathlib import Path

import pytest
from tests.simulator.conftest import clips

from civiscope.base import AppError
from civiscope.media import AccessUnit, Codec, FileUnits, TrackConfig, UnitFlags, decode_key_frame
from civiscope.media.wire import iterate_nals, parse_jpeg

__all__ = ["clips"]


@pytest.mark.parametrize(
    ("name", "codecs", "counts"),
    [
        ("h264_aac.mp4", [Codec.H264, Codec.AAC], (15, 16)),
        ("h264b_pcmu.mov", [Codec.H264, Codec.PCMU], (15, 50)),
        ("h265_pcma.mov", [Codec.H265, Codec.PCMA], (15, 50)),
        ("mjpeg_opus.mkv", [Codec.MJPEG, Codec.OPUS], (15, 51)),
        ("h264_aac.ts", [Codec.H264, Codec.AAC], (15, 9)),
        ("raw.h264", [Codec.H264], (15, 0)),
    ],
)
def test_every_kind_of_file_gives_its_tracks_and_units(
    clips: dict[str, Path], name: str, codecs: list[Codec], counts: tuple[int, int]
) -> None:
    file = FileUnits(clips[name])
    assert [track.codec for track in file.tracks] == codecs
    assert len(file.units_of(1)) == counts[0]
    assert abs(len(file.units_of(2)) - counts[1]) <= 1
    assert [unit.sequence for unit in file.units] == list(range(len(file.units)))
    assert abs(file.duration_us - 1_000_000) < 40_000
    for track in file.tracks:
        units = file.units_of(track.track_id)
        assert all(a.dts < b.dts for a, b in pairwise(units))
        assert all(unit.pts >= unit.dts for unit in units)
        check_track(track, units)


def check_track(track: TrackConfig, units: list[AccessUnit]) -> None:
    if track.codec in {Codec.H264, Codec.H265}:
        assert units[0].pts == 0
        assert len(track.parameter_sets) == (2 if track.codec is Codec.H264 else 3)
        assert all(list(iterate_nals(unit.data)) for unit in units)
        assert units[0].is_key
        assert not all(unit.is_key for unit in units)
    if track.codec is Codec.MJPEG:
        assert (parse_jpeg(units[0].data).width_px, track.width_px) == (320, 320)
    if track.codec is Codec.AAC:
        assert len(track.codec_data) >= 2
        assert all(unit.data[:1] != b"\xff" for unit in units)
    if track.codec is Codec.PCMU:
        assert {len(unit.data) for unit in units} == {160}
        assert all(unit.flags is UnitFlags.KEY for unit in units)


def test_b_frames_keep_their_two_orders(clips: dict[str, Path]) -> None:
    units = FileUnits(clips["h264b_pcmu.mov"]).units_of(1)
    assert units[0].dts < 0
    assert sorted(unit.pts for unit in units) == [6000 * n for n in range(15)]
    assert [unit.pts for unit in units] != sorted(unit.pts for unit in units)


def test_sound_may_be_left_out_or_stand_alone(clips: dict[str, Path]) -> None:
    assert len(FileUnits(clips["h264_aac.mp4"], audio=False).tracks) == 1
    (track,) = FileUnits(clips["sound.wav"]).tracks
    assert (track.codec, track.track_id, track.sample_rate_hz) == (Codec.PCMU, 1, 8000)


def test_what_cannot_be_served_is_said_in_plain_words(clips: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(AppError, match="no file"):
        FileUnits(tmp_path / "missing.mp4")
    with pytest.raises(AppError, match="cannot be read"):
        FileUnits(tmp_path / "empty.mp4")
    with pytest.raises(AppError, match="convert it"):
        FileUnits(clips["mpeg4.avi"])


@pytest.mark.parametrize("name", ["h264b_pcmu.mov", "h265_pcma.mov", "mjpeg_opus.mkv", "h264_aac.ts"])
def test_a_key_unit_becomes_a_still(clips: dict[str, Path], name: str) -> None:
    file = FileUnits(clips[name])
    still = decode_key_frame(file.tracks[0], file.units_of(1)[0], max_width_px=160)
    assert (still.width_px, still.height_px) == (160, 120)
    assert still.jpeg[:2] == b"\xff\xd8"
    assert parse_jpeg(still.jpeg).width_px == 160


def test_what_is_no_picture_is_no_still(clips: dict[str, Path]) -> None:
    file = FileUnits(clips["h264_aac.mp4"])
    with pytest.raises(AppError, match="not sound"):
        decode_key_frame(file.tracks[1], file.units_of(2)[0])
    broken = AccessUnit(1, 0, 0, 0, 0, 0, UnitFlags.KEY, 0, b"\0\0\0\5\x65junk")
    with pytest.raises(AppError, match="cannot be decoded"):
        decode_key_frame(file.tracks[0], broken)


@pytest.mark.footage
def test_all_shared_footage_reads(shared_data: Path) -> None:
    for path in sorted((shared_data / "video").glob("*.mp4")):
        file = FileUnits(path)
        assert file.tracks[0].codec is Codec.H264
        assert file.units_of(1)[0].is_key
