"""H.265 made H.264: every picture, key unit and time survives; broken bytes cost what depends on them."""

from collections.abc import Iterator
from itertools import pairwise

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.media.mp4.clip import Clip, video_clip

from civiscope.media import AccessUnit, Codec, TrackConfig, Transcoder, UnitFlags
from civiscope.media.packets import annexb


def units_of(clip: Clip) -> list[AccessUnit]:
    """The clip as a camera sends it; arrival is told by the number."""
    return [
        AccessUnit(
            1, number, s.decode_time + s.composition_offset, s.decode_time, number, number,
            UnitFlags.KEY if s.is_key else UnitFlags.NONE, 0, bytes(s.data),
        )
        for number, s in enumerate(clip.samples)
    ]  # fmt: skip


def decoded(track: TrackConfig, units: list[AccessUnit]) -> Iterator[tuple[int, int]]:
    """Size of every picture of an H.264 track."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    for unit in units:
        for frame in decoder.decode(av.Packet(annexb(track, unit))):
            yield frame.width, frame.height


def test_all_pictures_key_units_and_times_survive() -> None:
    clip = video_clip(Codec.H265, 32, gop=8)
    sent = units_of(clip)
    transcoder = Transcoder(clip.track)
    made = [one for unit in sent for one in transcoder.transcode(unit)]
    assert [(one.pts, one.is_key) for one in made] == [(one.pts, one.is_key) for one in sent]
    assert [one.arrival_us for one in made] == [one.arrival_us for one in sent]
    assert sum(one.is_key for one in made) == 4
    assert transcoder.track is not None
    assert (transcoder.track.codec, transcoder.track.width_px, transcoder.track.height_px) == (
        Codec.H264, 320, 180,
    )  # fmt: skip
    assert len(transcoder.track.parameter_sets) == 2
    assert list(decoded(transcoder.track, made)) == [(320, 180)] * 32


def test_reordered_pictures_come_in_the_order_they_are_shown() -> None:
    clip = video_clip(Codec.H265, 24, gop=12, b_frames=2)
    transcoder = Transcoder(clip.track)
    made = [one for unit in units_of(clip) for one in transcoder.transcode(unit)]
    shown = sorted(unit.pts for unit in units_of(clip))
    assert [one.pts for one in made] == shown[: len(made)]
    assert len(made) >= 24 - 4  # the last wait for those after them
    assert all(before.dts < after.dts for before, after in pairwise(made))


def test_a_large_picture_becomes_smaller_in_the_same_shape() -> None:
    clip = video_clip(Codec.H265, 2, size_px=(640, 360))
    transcoder = Transcoder(clip.track, max_height_px=120)
    assert [one for unit in units_of(clip) for one in transcoder.transcode(unit)]
    assert transcoder.track is not None
    assert (transcoder.track.width_px, transcoder.track.height_px) == (212, 120)


@pytest.mark.parametrize("broken", [b"", b"\0\0\0\x09short", b"\0\0\0\x10" + bytes(range(16)), b"\xff" * 99])
def test_a_corrupt_unit_costs_no_key_unit(broken: bytes) -> None:
    clip = video_clip(Codec.H265, 24, gop=8)
    transcoder = Transcoder(clip.track)
    made = []
    for number, unit in enumerate(units_of(clip)):
        data = broken if number == 11 else unit.data
        made += transcoder.transcode(AccessUnit(1, number, unit.pts, unit.dts, 0, 0, unit.flags, 0, data))
    keys = [unit.pts for unit in units_of(clip) if unit.is_key]
    assert [one.pts for one in made if one.is_key] == keys
    assert {unit.pts for unit in units_of(clip)[16:]} <= {one.pts for one in made}


def test_nothing_comes_before_a_key_unit() -> None:
    clip = video_clip(Codec.H265, 12, gop=8)
    transcoder = Transcoder(clip.track)
    made = [one for unit in units_of(clip)[3:] for one in transcoder.transcode(unit)]
    assert [one.pts for one in made] == [unit.pts for unit in units_of(clip)[8:]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=6))
def test_any_bytes_are_passed_over(garbage: list[tuple[bool, bytes]]) -> None:
    transcoder = Transcoder(video_clip(Codec.H265, 2).track)
    for number, (is_key, data) in enumerate(garbage):
        flags = UnitFlags.KEY if is_key else UnitFlags.NONE
        assert transcoder.transcode(AccessUnit(1, number, number, number, 0, 0, flags, 0, data)) == []
