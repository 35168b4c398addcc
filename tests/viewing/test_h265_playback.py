"""Recorded H.265 for a screen that cannot play it: the worker's own jobs, the same times, whole stretches."""

import asyncio
import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import av
import pytest
from tests.media.mp4.clip import sound_clip, video_clip
from tests.media.test_transcoder import units_of
from tests.viewing.world import world

from civiscope.app.transcode_jobs import TranscodeJobs
from civiscope.base import AppError, ErrorKind, Span, new_id
from civiscope.media import AccessUnit, Codec, TrackConfig, Transcoded
from civiscope.privacy import Function
from civiscope.viewing import Made, MediaAnswer

T0 = 1_700_000_000_000_000
SPAN = Span(T0 - 60_000_000, T0 + 600_000_000)


class Worker:
    """The worker's own jobs, called as over the bus."""

    def __init__(self) -> None:
        self.jobs = TranscodeJobs()
        self.calls = 0

    async def thumbnail(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        raise AppError(ErrorKind.UNAVAILABLE, "Not asked for here.")

    async def transcode(
        self, job: UUID, track: TrackConfig, units: tuple[AccessUnit, ...], is_last: bool
    ) -> Transcoded:
        self.calls += 1
        return await asyncio.to_thread(self.jobs.work(job, track, units, is_last))


class Away:
    """A worker that is being started again."""

    async def thumbnail(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        raise AppError(ErrorKind.UNAVAILABLE, "Not asked for here.")

    async def transcode(
        self, job: UUID, track: TrackConfig, units: tuple[AccessUnit, ...], is_last: bool
    ) -> Transcoded:
        raise AppError(ErrorKind.UNAVAILABLE, "The worker does not answer.")


def times_us(answer: MediaAnswer, epoch_us: int) -> list[int]:
    with av.open(io.BytesIO(answer.content), "r") as container:
        assert container.streams.video[0].codec.canonical_name == "h264"
        frames = list(container.decode(video=0))
    return [epoch_us + round((frame.pts or 0) * 1_000_000 / 90_000) for frame in frames]


@pytest.mark.parametrize("b_frames", [0, 2])
async def test_pictures_are_at_their_times(tmp_path: Path, b_frames: int) -> None:
    clip, sound = video_clip(Codec.H265, 90, b_frames=b_frames), sound_clip(Codec.PCMA)
    worker = Worker()
    async with world(tmp_path, maker=worker) as here:
        here.shelf.add((clip.track, sound.track), [*clip.samples, *sound.samples], T0)
        plain = await here.viewing.open(here.wish(Function.PLAYBACK, SPAN))
        look = await here.viewing.open(replace(here.wish(Function.PLAYBACK, SPAN), needs_h264=True))
        sent = await plain.media(T0 + 1_500_000, 4_000_000)
        made = await look.media(T0 + 1_500_000, 4_000_000)
        assert (sent.made, made.made) == (Made.AS_SENT, Made.TRANSCODED)
        assert "hvc1" in str(sent.mse_type)
        assert str(made.mse_type).startswith('video/mp4; codecs="avc1.')
        assert "flac" in str(made.mse_type)
        assert worker.calls > 1
        assert sent.span is not None
        assert made.span is not None
        assert made.span.start_us == sent.span.start_us
        assert abs(made.span.end_us - sent.span.end_us) < 250_000
        times = times_us(made, look.epoch_us)
        assert all(abs(after - before - 66_667) <= 2 for before, after in pairwise(times))
        assert times[0] == pytest.approx(made.span.start_us, abs=2)
        following = await look.media(made.span.end_us, 1_000_000)
        assert following.span is not None
        assert following.span.start_us <= made.span.end_us < following.span.end_us
        assert look.sent_bytes == len(made.content) + len(following.content)
        calls = worker.calls
        assert await look.media(T0 + 100_000_000, 1_000_000) == MediaAnswer(None, None, None)
        assert worker.calls == calls, "nothing is transcoded for nothing"


async def test_h264_is_never_transcoded_and_a_worker_that_is_away_is_said(tmp_path: Path) -> None:
    async with world(tmp_path, maker=Away()) as here:
        clip = video_clip()
        here.shelf.add((clip.track,), clip.samples, T0)
        look = await here.viewing.open(replace(here.wish(Function.PLAYBACK, SPAN), needs_h264=True))
        assert (await look.media(T0, 1_000_000)).made is Made.AS_SENT
        here.shelf.units.clear()
        h265 = video_clip(Codec.H265)
        here.shelf.add((h265.track,), h265.samples, T0)
        with pytest.raises(AppError, match="worker"):
            await look.media(T0, 1_000_000)


def test_a_job_that_made_room_is_told_so() -> None:
    clip = video_clip(Codec.H265, 16, gop=8)
    jobs, units = TranscodeJobs(), tuple(units_of(clip))
    first = new_id()
    assert len(jobs.work(first, clip.track, units[:4], False)().units) == 4
    for _ in range(4):
        jobs.work(new_id(), clip.track, units[:1], False)
    with pytest.raises(AppError) as gone:
        jobs.work(first, clip.track, units[4:8], True)
    assert gone.value.kind is ErrorKind.UNAVAILABLE
    assert len(jobs.work(first, clip.track, units[8:], True)().units) == 8, "a key unit begins anew"
