"""Playback and download of what the real recorder wrote."""

import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest
from tests.media.mp4.clip import Clip, sound_clip, video_clip
from tests.recording.footage import EPOCH_US, Room, make_site
from tests.viewing.world import world

from civiscope.base import RunId, Span, StreamId, new_id
from civiscope.ingest import LossReason
from civiscope.media import AccessUnit, TrackConfig, UnitFlags
from civiscope.media.mp4 import Sample
from civiscope.privacy import Function
from civiscope.recording import Recorder

_EVERYTHING = Span(EPOCH_US - 1_000_000, EPOCH_US + 3_600_000_000)


def _record(recorder: Recorder, room: Room, stream_id: StreamId, clips: list[Clip]) -> None:
    """One run of these clips in real order, as a camera without B-frames' delay would send them."""
    tracks = tuple(clip.track for clip in clips)
    rates = {track.track_id: track.clock_rate_hz for track in tracks}
    samples = [sample for clip in clips for sample in clip.samples]
    samples.sort(key=lambda s: s.decode_time / rates[s.track_id])
    run_id = RunId(new_id())
    start_us = room.clock.now_us()
    recorder.run_started(stream_id, run_id, tracks, start_us)
    for sequence, sample in enumerate(samples):
        due_us = start_us + sample.decode_time * 1_000_000 // rates[sample.track_id]
        room.clock.advance(max(0, due_us - room.clock.now_us()))
        recorder.unit(stream_id, run_id, _unit(room, sequence, sample, tracks))
        recorder.tick()
    recorder.run_ended(stream_id, run_id, room.clock.now_us(), LossReason.CLOSED, "")


def _unit(room: Room, sequence: int, sample: Sample, tracks: tuple[TrackConfig, ...]) -> AccessUnit:
    first = 12_000 if sample.track_id == 1 and any(tracks[0].parameter_sets) else 0
    pts = sample.decode_time + sample.composition_offset
    return AccessUnit(
        sample.track_id, sequence, pts - first, sample.decode_time - first,
        room.clock.now_us(), room.clock.monotonic_us(),
        UnitFlags.KEY if sample.is_key else UnitFlags.NONE, 0, bytes(sample.data),
    )  # fmt: skip


async def test_what_was_recorded_plays_at_its_time_and_downloads_to_the_frame(tmp_path: Path) -> None:
    room = Room(make_site(tmp_path / "site"), tmp_path / "volume")
    recorder, stream_id = room.recorder(), StreamId(new_id())
    clip, sound = video_clip(count=90, b_frames=2), sound_clip(seconds=6)
    _record(recorder, room, stream_id, [clip, sound])
    room.clock.advance(20_000_000)
    second_us = room.clock.now_us()
    _record(recorder, room, stream_id, [replace_track(clip)])
    recorder.close()
    archive = room.archive()
    first_us = archive.timeline(stream_id, _EVERYTHING).recorded[0].span.start_us
    async with world(tmp_path, recordings=archive) as here:
        object.__setattr__(here.viewing._faces, "stream_of", _always(stream_id))
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _EVERYTHING))
        answer = await look.media(first_us + 2_500_000, 2_000_000)
        assert answer.span is not None
        assert answer.next_us is None
        with av.open(io.BytesIO(answer.content), "r") as container:
            times = [look.epoch_us + round(float(f.time or 0) * 1e6) for f in container.decode(video=0)]
        assert times[0] == pytest.approx(first_us + 2_000_000, abs=30)
        steps = {round((b - a) / 1000) for a, b in pairwise(times)}
        assert steps <= {66, 67}
        assert times[-1] == pytest.approx(first_us + 4_533_000, abs=100_000)
        near_end = await look.media(first_us + 5_000_000, 10_000_000)
        assert near_end.span is not None
        assert near_end.next_us == pytest.approx(second_us, abs=500_000)
        within = await look.media(first_us + 10_000_000, 1_000_000)
        assert (within.span, within.next_us) == (None, near_end.next_us)
        wanted = Span(first_us + 2_500_000, first_us + 4_000_000)
        export = await here.viewing.open(here.wish(Function.EXPORT, wanted))
        data = b"".join([piece async for piece in export.download()])
        with av.open(io.BytesIO(data), "r") as container:
            shown = [float(frame.time or 0) for frame in container.decode(video=0)]
        assert shown[0] <= 0.067
        assert len([time for time in shown if time >= 0]) in {22, 23, 24}


async def test_an_import_that_went_on_in_another_run_plays_over_it(tmp_path: Path) -> None:
    """Broken off within a group of pictures: the second run's first units need the first run's key unit."""
    room = Room(make_site(tmp_path / "site"), tmp_path / "volume")
    recorder, stream_id = room.recorder(), StreamId(new_id())
    clip = video_clip(count=60, b_frames=2)
    units = [_unit(room, number, sample, (clip.track,)) for number, sample in enumerate(clip.samples)]
    broken_at = 40
    for run in (units[:broken_at], units[broken_at:]):
        run_id, first = RunId(new_id()), run[0]
        shown_us = EPOCH_US + first.pts * 100 // 9
        recorder.run_started(stream_id, run_id, (clip.track,), shown_us)
        for unit in run:
            at_us = shown_us + (unit.dts - first.dts) * 100 // 9
            placed = replace(unit, pts=unit.pts - first.pts, dts=unit.dts - first.pts, arrival_us=at_us)
            recorder.unit(stream_id, run_id, placed)
        recorder.run_ended(stream_id, run_id, at_us, LossReason.CLOSED, "")
    recorder.close()
    async with world(tmp_path, recordings=room.archive()) as here:
        object.__setattr__(here.viewing._faces, "stream_of", _always(stream_id))
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _EVERYTHING))
        answer = await look.media(EPOCH_US + 2_800_000, 400_000)
        with av.open(io.BytesIO(answer.content), "r") as container:
            times = [look.epoch_us + round(float(f.time or 0) * 1e6) for f in container.decode(video=0)]
        assert times[0] == pytest.approx(EPOCH_US + 2_000_000, abs=100)
        assert times[-1] >= EPOCH_US + 3_133_000
        assert {round((b - a) / 1000) for a, b in pairwise(times)} <= {66, 67}


def replace_track(clip: Clip) -> Clip:
    """The same pictures under another resolution's name: a camera that was changed."""
    return Clip(replace(clip.track, generation=1), clip.samples)


def _always(stream_id: StreamId) -> object:
    async def stream_of(_: object) -> StreamId:
        return stream_id

    return stream_of
