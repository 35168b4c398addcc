"""Playback: the right picture at the right time, gaps that say where it goes on, and bounds."""

import asyncio
import io
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.media.mp4.clip import Clip, sound_clip, video_clip
from tests.viewing.world import Shelf, until, world

from civiscope.base import AppError, ErrorKind, Span
from civiscope.media import Codec
from civiscope.media.mp4 import Sample, parse_fragment
from civiscope.media.mp4.boxes import walk
from civiscope.privacy import Function
from civiscope.viewing import MediaAnswer, ViewingSettings
from civiscope.viewing.playback import MediaBuilder, build_media

T0 = 1_700_000_000_000_000
_SPAN = Span(T0 - 60_000_000, T0 + 600_000_000)


def _times_us(answer: MediaAnswer, epoch_us: int) -> list[int]:
    """Wall times of the pictures a player shows."""
    with av.open(io.BytesIO(answer.content), "r") as container:
        frames = list(container.decode(video=0))
    return [epoch_us + round((frame.pts or 0) * 1_000_000 / 90_000) for frame in frames]


def _near(found: list[int], wanted: list[int]) -> bool:
    return len(found) == len(wanted) and all(abs(a - b) <= 20 for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("b_frames", [0, 2])
async def test_media_starts_at_the_key_unit_and_tells_the_time(tmp_path: Path, b_frames: int) -> None:
    clip = video_clip(count=60, b_frames=b_frames)
    first = min(s.decode_time + s.composition_offset for s in clip.samples) * 1_000_000 // 90_000
    async with world(tmp_path) as here:
        here.shelf.add((clip.track,), clip.samples, T0 - first)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        answer = await look.media(T0 + 1_500_000, 1_000_000)
        assert answer.span is not None
        assert answer.span.start_us == pytest.approx(T0 + 1_000_000, abs=2)
        assert answer.mse_type == 'video/mp4; codecs="avc1.42c00c"' or b_frames
        times = _times_us(answer, look.epoch_us)
        wanted = [T0 + 1_000_000 + i * 1_000_000 // 15 for i in range(len(times))]
        assert _near(times, wanted)
        assert 22 <= len(times) <= 26
        assert answer.next_us is None
        following = await look.media(answer.span.end_us, 1_000_000)
        assert following.span is not None
        assert following.span.start_us <= answer.span.end_us
        assert look.seen == (Span(answer.span.start_us, following.span.end_us),)


async def test_fragments_hold_at_most_a_second_and_do_not_jitter(tmp_path: Path) -> None:
    clip = video_clip(count=150)
    async with world(tmp_path) as here:
        here.shelf.add((clip.track,), clip.samples, T0 + 333_333)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        answer = await look.media(T0 + 400_000, 9_000_000)
    boxes = list(walk(memoryview(answer.content)))
    starts = [found.start for found in boxes] + [len(answer.content)]
    samples: list[Sample] = []
    for index, found in enumerate(boxes):
        if found.kind == b"moof":
            fragment = parse_fragment(answer.content[found.start : starts[index + 2]])
            assert sum(sample.duration for sample in fragment.samples) <= 96_000
            samples += fragment.samples
    steps = [b.decode_time - a.decode_time for a, b in pairwise(samples)]
    assert set(steps) == {6000}


async def test_pictures_and_sound_share_the_wall_clock(tmp_path: Path) -> None:
    clip, sound = video_clip(count=60), sound_clip(seconds=4)
    async with world(tmp_path) as here:
        here.shelf.add((clip.track, sound.track), [*clip.samples, *sound.samples], T0)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        answer = await look.media(T0 + 1_000_000, 1_500_000)
        assert (answer.mse_type or "").endswith(',mp4a.40.2"')
        with av.open(io.BytesIO(answer.content), "r") as container:
            times = [
                packet.pts * packet.time_base
                for packet in container.demux(audio=0)
                if packet.pts is not None and packet.time_base
            ]
        lead = (T0 - look.epoch_us) / 1_000_000
        assert float(times[0]) - lead == pytest.approx(1.0, abs=0.03)
        assert float(times[-1]) - lead == pytest.approx(2.5, abs=0.1)


async def test_after_a_gap_the_answer_says_where_it_goes_on(tmp_path: Path) -> None:
    clip = video_clip(count=30)
    async with world(tmp_path) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        here.shelf.add((clip.track,), clip.samples, T0 + 60_000_000)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        answer = await look.media(T0 + 1_000_000, 20_000_000)
        assert answer.span is not None
        assert answer.span.end_us == pytest.approx(T0 + 2_000_000, abs=1000)
        assert answer.next_us == T0 + 60_000_000
        empty = await look.media(T0 + 30_000_000, 1_000_000)
        assert (empty.span, empty.next_us, empty.content) == (None, T0 + 60_000_000, b"")
        last = await look.media(T0 + 61_500_000, 20_000_000)
        assert last.span is not None
        assert last.next_us is None
        nothing = await look.media(T0 + 100_000_000, 1_000_000)
        assert (nothing.span, nothing.next_us) == (None, None)


async def test_motion_jpeg_comes_as_pictures_with_times(tmp_path: Path) -> None:
    clip = video_clip(Codec.MJPEG, count=30)
    async with world(tmp_path) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        answer = await look.media(T0 + 1_000_000, 200_000)
    assert answer.mse_type == "image/jpeg"
    boxes = list(walk(memoryview(answer.content)))
    moof = next(found.start for found in boxes if found.kind == b"moof")
    samples = parse_fragment(answer.content[moof:]).samples
    assert [bytes(sample.data) for sample in samples] == [s.data for s in clip.samples[15:18]]
    assert look.epoch_us + samples[0].decode_time * 1_000_000 // 90_000 == T0 + 1_000_000


async def test_a_slow_disk_ends_in_a_timeout_and_frees_the_reader(tmp_path: Path) -> None:
    clip = video_clip(count=60)
    limits = ViewingSettings(media_wait_s=0.1, reader_threads=1, reader_queue=1)
    async with world(tmp_path, limits) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        here.shelf.delay_s = 0.03
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        results = await asyncio.gather(*(look.media(T0, 4_000_000) for _ in range(4)), return_exceptions=True)
        kinds = [error.kind for error in results if isinstance(error, AppError)]
        assert sorted(kinds) == [ErrorKind.EXHAUSTED] * 2 + [ErrorKind.TIMEOUT] * 2
        here.shelf.delay_s = 0
        await until(lambda: here.viewing._pool._waiting == 0)
        assert (await look.media(T0, 1_000_000)).span is not None


async def test_a_download_comes_piece_by_piece_and_ends_with_its_look(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        look = await here.viewing.open(here.wish(Function.EXPORT, Span(T0, T0 + 1_000_000)))
        assert [piece[0] async for piece in look.download()] == [0, 1, 2, 3]
        assert look.seen == (Span(T0, T0 + 1_000_000),)
        assert look.sent_bytes == 4000
        pieces = look.download()
        await anext(pieces)
        await look.close()
        with pytest.raises(AppError, match="has ended"):
            await anext(pieces)


_CLIPS: list[Clip] = []


def _clip() -> Clip:
    if not _CLIPS:
        _CLIPS.append(video_clip(count=60, b_frames=2))
    return _CLIPS[0]


@given(
    zero_us=st.integers(T0 - 10**9, T0 + 10**9),
    drop=st.sets(st.integers(0, 59), max_size=20),
    wander=st.lists(st.integers(-10_000, 10_000), min_size=60, max_size=60),
    end_us=st.integers(0, 5_000_000),
)
@settings(max_examples=30)
def test_whatever_is_recorded_times_grow_and_content_can_be_read(
    zero_us: int, drop: set[int], wander: list[int], end_us: int
) -> None:
    from dataclasses import replace

    clip, shelf = _clip(), Shelf()
    shelf.add((clip.track,), clip.samples, zero_us)
    units = [
        replace(item, wall_us=item.wall_us + wander[index])
        for index, item in enumerate(shelf.units)
        if index not in drop
    ]
    builder = MediaBuilder(zero_us - 600_000_000, zero_us + end_us, 1 << 20)
    built = build_media(units, builder, lambda: False)
    if built.span is None:
        return
    boxes = list(walk(memoryview(built.content)))
    starts = [found.start for found in boxes] + [len(built.content)]
    last = -1
    for index, found in enumerate(boxes):
        if found.kind == b"moof":
            for sample in parse_fragment(built.content[found.start : starts[index + 2]]).samples:
                assert sample.decode_time > last
                last = sample.decode_time
