"""Units to frames: as libav itself shows them, whatever is broken told, and on again at the next key
frame."""

import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.simulator.conftest import clips

from civiscope.base import AppError
from civiscope.media import (
    AccessUnit,
    DecodeError,
    EncoderSettings,
    FileUnits,
    Frame,
    PictureDecoder,
    PlanarPicture,
    UnitFlags,
    encode_clip,
)

__all__ = ["clips"]
Luma = NDArray[np.uint8]
_KINDS = ["h264_aac.mp4", "h264b_pcmu.mov", "h265_pcma.mov", "mjpeg_opus.mkv", "h264_aac.ts"]


def decode_all(file: FileUnits) -> list[tuple[int, Luma]]:
    decoder = PictureDecoder(file.tracks[0])
    found = []
    for unit in [*file.units_of(1), None]:
        for frame in decoder.decode(unit) if unit else decoder.flush():
            found.append((frame.pts, frame.luma().copy()))
    return found


@pytest.mark.parametrize("name", _KINDS)
def test_frames_are_as_libav_shows_them(clips: dict[str, Path], name: str) -> None:
    found = decode_all(FileUnits(clips[name], audio=False))
    with av.open(str(clips[name])) as container:
        shown = list(container.decode(video=0))
        wanted = [np.frombuffer(bytes(frame.planes[0]), np.uint8) for frame in shown]
        sizes = [frame.planes[0].line_size for frame in shown]
    assert all(abs(pts - 6000 * number) <= 45 for number, (pts, _) in enumerate(found))  # Matroska: whole ms
    for (_, luma), whole, line in zip(found, wanted, sizes, strict=True):
        assert np.array_equal(luma, whole.reshape(-1, line)[:240, :320])


@pytest.fixture(scope="module")
def grey_ramp(tmp_path_factory: pytest.TempPathFactory) -> FileUnits:
    """130 x 98, so that rows are padded: a ramp from left to right that a coder keeps."""
    path = tmp_path_factory.mktemp("ramp") / "ramp.mp4"
    row = bytes(60 + x for x in range(130))
    picture = PlanarPicture(130, 98, row * 98, bytes([128]) * (65 * 49), bytes([128]) * (65 * 49))
    encode_clip(path, [picture] * 6, EncoderSettings(gop_frames=3))
    return FileUnits(path)


def first_frame(file: FileUnits) -> Frame:
    decoder = PictureDecoder(file.tracks[0])
    for unit in file.units:
        if frames := decoder.decode(unit):
            return frames[0]
    return decoder.flush()[0]


def test_luma_is_a_view_without_the_padding_of_rows(grey_ramp: FileUnits) -> None:
    luma = first_frame(grey_ramp).luma()
    assert luma.shape == (98, 130)
    assert luma.strides[0] > 130
    assert not luma.flags.owndata
    assert np.abs(luma.astype(int) - np.arange(60, 190)).max() <= 3


def test_rgb_is_scaled_and_grey_stays_grey(grey_ramp: FileUnits) -> None:
    frame = first_frame(grey_ramp)
    rgb = frame.rgb(65, 49)
    assert rgb.shape == (49, 65, 3)
    assert np.ptp(rgb.astype(int), axis=2).max() <= 3
    assert (np.diff(rgb[20, 2:-2, 1].astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (None, (64, 48)),
        ((0.5, 0.5, 1.0, 1.0), (64, 48)),
        ((0.2, 0.1, 0.2, 0.1), (16, 16)),
        ((-3.0, -1.0, 0.2, 9.0), (26, 98)),
        ((1.0, 1.0, 1.0, 1.0), (16, 16)),
    ],
)
def test_a_part_of_it_becomes_a_jpeg(
    grey_ramp: FileUnits, box: tuple[float, float, float, float] | None, size: tuple[int, int]
) -> None:
    jpeg = first_frame(grey_ramp).jpeg(box, 64)
    with av.open(io.BytesIO(jpeg), "r") as container:
        picture = next(container.decode(video=0))
    assert abs(picture.width - size[0]) <= 2
    assert abs(picture.height - size[1]) <= 2


def test_the_part_is_cut_where_it_is(grey_ramp: FileUnits) -> None:
    """Columns 60 to 99 of a ramp whose luma is 60 + column; the full range of a JPEG."""
    jpeg = first_frame(grey_ramp).jpeg((60 / 130, 20 / 98, 100 / 130, 60 / 98), 64)
    with av.open(io.BytesIO(jpeg), "r") as container:
        part = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    assert part.shape == (40, 40, 3)
    wanted = (np.arange(120, 160) - 16) * 255 / 219
    assert np.abs(part - wanted[None, :, None]).max() <= 6


def test_nothing_is_shown_before_a_key_frame(clips: dict[str, Path]) -> None:
    file = FileUnits(clips["h264_aac.mp4"], audio=False)
    decoder = PictureDecoder(file.tracks[0])
    units = file.units[3:]
    shown = [unit.sequence for unit in units if decoder.decode(unit)]
    first_key = next(unit.sequence for unit in units if unit.is_key)
    assert shown[0] == first_key
    assert shown == [unit.sequence for unit in units if unit.sequence >= first_key]


@pytest.mark.parametrize("flag", [UnitFlags.DAMAGED, UnitFlags.DISCONTINUITY])
def test_what_follows_a_loss_is_not_guessed(clips: dict[str, Path], flag: UnitFlags) -> None:
    file = FileUnits(clips["h264_aac.mp4"], audio=False)
    decoder = PictureDecoder(file.tracks[0])
    assert len([1 for unit in file.units[:3] if decoder.decode(unit)]) == 3
    assert decoder.decode(replace(file.units[3], flags=flag)) == []
    assert decoder.is_waiting
    assert decoder.decode(file.units[4]) == []
    assert decoder.decode(file.units[5])


def test_key_frames_only(clips: dict[str, Path]) -> None:
    file = FileUnits(clips["h264_aac.mp4"], audio=False)
    decoder = PictureDecoder(file.tracks[0], key_frames_only=True)
    assert [unit.sequence for unit in file.units if decoder.decode(unit)] == [0, 5, 10]


def test_a_broken_unit_is_told_once_and_the_next_key_frame_decodes(clips: dict[str, Path]) -> None:
    file = FileUnits(clips["h264_aac.mp4"], audio=False)
    wanted = dict(decode_all(file))
    decoder = PictureDecoder(file.tracks[0])
    with pytest.raises(DecodeError, match="cannot be decoded"):
        decoder.decode(replace(file.units[0], data=b"\0\0\0\5\x65junk"))
    assert decoder.decode(file.units[1]) == []
    (frame,) = decoder.decode(file.units[5])
    assert np.array_equal(frame.luma(), wanted[frame.pts])


def test_an_absurd_size_is_refused_before_memory_is_taken(clips: dict[str, Path]) -> None:
    file = FileUnits(clips["h264_aac.mp4"], audio=False)
    decoder = PictureDecoder(file.tracks[0], max_pixels=320 * 240 - 1)
    with pytest.raises(DecodeError):
        decoder.decode(file.units[0])
    assert decoder.is_waiting


def test_another_size_is_taken_at_a_key_frame(clips: dict[str, Path], grey_ramp: FileUnits) -> None:
    file = FileUnits(clips["h264_aac.mp4"], audio=False)
    track = replace(file.tracks[0], parameter_sets=())
    decoder = PictureDecoder(track)
    sizes = []
    for source in (file, grey_ramp, file):
        sets = b"".join(len(nal).to_bytes(4) + nal for nal in source.tracks[0].parameter_sets)
        frames = decoder.decode(replace(source.units[0], data=sets + source.units[0].data))
        sizes += [(frame.width_px, frame.height_px) for frame in [*frames, *decoder.flush()]]
    assert sizes == [(320, 240), (130, 98), (320, 240)]


def test_sound_is_no_picture(clips: dict[str, Path]) -> None:
    with pytest.raises(AppError, match="not sound"):
        PictureDecoder(FileUnits(clips["h264_aac.mp4"]).tracks[1])


@pytest.fixture(scope="module")
def small(clips: dict[str, Path]) -> tuple[FileUnits, dict[int, Luma]]:
    file = FileUnits(clips["small.mp4"], audio=False)
    return file, dict(decode_all(file))


def mutated(unit: AccessUnit, cut: int, flips: list[tuple[int, int]]) -> AccessUnit:
    data = bytearray(unit.data[: max(1, len(unit.data) - cut)])
    for at, value in flips:
        data[at % len(data)] ^= value
    return replace(unit, data=bytes(data))


@given(
    at=st.integers(0, 9),
    cut=st.integers(0, 400),
    flips=st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 255)), max_size=6),
)
def test_whatever_bytes_come_it_goes_on_at_the_next_key_frame(
    small: tuple[FileUnits, dict[int, Luma]], at: int, cut: int, flips: list[tuple[int, int]]
) -> None:
    file, wanted = small
    decoder = PictureDecoder(file.tracks[0])
    after: dict[int, Luma] = {}
    for number, unit in enumerate(file.units):
        try:
            frames = decoder.decode(mutated(unit, cut, flips) if number == at else unit)
        except DecodeError:
            continue
        for frame in frames:
            after[frame.pts] = frame.luma().copy()
    whole_from = file.units[(at // 5 + 1) * 5].pts if at < 10 else 0
    for pts, luma in wanted.items():
        if pts >= whole_from:
            assert np.array_equal(after[pts], luma), pts
