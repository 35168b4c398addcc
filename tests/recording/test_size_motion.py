"""Motion by the sizes of coded pictures: what counts, what ends it, and that no key is needed."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import FRAME_US, Camera, Room, play

from civiscope.base import Span
from civiscope.media import Codec
from civiscope.recording.size_motion import PartSizes, motion_spans

SECOND_US = 1_000_000


def parts(sizes: Sequence[float | None]) -> list[PartSizes]:
    return [PartSizes(Span(i * SECOND_US, (i + 1) * SECOND_US), size) for i, size in enumerate(sizes)]


def test_what_is_larger_than_what_is_quiet_is_motion_and_neighbours_are_one() -> None:
    sizes = [1000.0, 1010.0] * 15
    sizes[20], sizes[21], sizes[24] = 3000.0, 3000.0, 2500.0
    assert motion_spans(parts(sizes)) == [Span(20 * SECOND_US, 25 * SECOND_US)]


def test_nothing_is_told_before_it_is_known_what_is_quiet() -> None:
    assert motion_spans(parts([1000.0] * 4 + [9000.0] + [1000.0] * 9)) == []


def test_pictures_that_stand_alone_tell_nothing() -> None:
    assert motion_spans(parts([None] * 60)) == []


def test_a_scene_that_is_busy_half_of_the_time_still_has_motions() -> None:
    sizes = ([1000.0, 1020.0] * 10 + [4000.0] * 15) * 4
    found = motion_spans(parts(sizes))
    assert [span.start_us // SECOND_US for span in found] == [20, 55, 90, 125]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=200))
def test_spans_are_in_order_apart_and_within(sizes: list[float | None]) -> None:
    found = motion_spans(parts(sizes))
    for before, after in pairwise(found):
        assert after.start_us - before.end_us > 3 * SECOND_US
    assert all(0 <= one.start_us < one.end_us <= len(sizes) * SECOND_US for one in found)


def _film(room: Room, codec: Codec) -> Camera:
    """40 s of a still scene, 4 s of a busy one, 10 s of a still one."""
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=900)
    camera.tracks = tuple(replace(track, codec=codec) for track in camera.tracks)
    camera.start(recorder)
    play(recorder, [camera], 40 * 15)
    camera.mean_bytes = 6000
    play(recorder, [camera], 4 * 15)
    camera.mean_bytes = 900
    play(recorder, [camera], 10 * 15)
    recorder.close()
    return camera


def test_a_recording_tells_its_motion_from_the_clear_index(room: Room) -> None:
    start_us = room.clock.now_us()
    camera = _film(room, Codec.H264)
    archive = room.archive()
    everything = Span(0, room.clock.now_us())
    (found,) = archive.motion(camera.stream_id, everything)
    assert abs(found.start_us - (start_us + 600 * FRAME_US)) < 1_000_000
    assert 3 * SECOND_US < found.duration_us < 6 * SECOND_US
    assert archive.motion(camera.stream_id, Span(found.start_us, everything.end_us)) == [found]
    assert archive.motion(camera.stream_id, Span(found.start_us + 1, everything.end_us)) == []
    for key in room.folder.glob("keys/*/*.key"):
        key.unlink()
    assert room.archive().motion(camera.stream_id, everything) == [found]
    for segment in room.folder.glob("segments/*/*.cvs"):
        segment.unlink()
    assert room.archive().motion(camera.stream_id, everything) == []
