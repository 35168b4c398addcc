"""What was received is what is read back: unit by unit, across parts, segments, runs and restarts."""

from dataclasses import replace
from itertools import pairwise

import pytest
from tests.recording.footage import (
    AUDIO,
    EPOCH_US,
    EVERYTHING,
    FRAME_US,
    VIDEO,
    Camera,
    Room,
    audio_unit,
    play,
    recorded,
    with_generation,
)

from civiscope.base import Span
from civiscope.ingest import LossReason
from civiscope.media import AccessUnit, UnitFlags
from civiscope.recording import Verdict


def test_units_are_read_back_as_they_came(room: Room) -> None:
    recorder = room.recorder()
    cameras = [Camera(room.clock), Camera(room.clock)]
    for camera in cameras:
        camera.start(recorder)
    play(recorder, cameras, 100)
    recorder.close()
    archive = room.archive()
    assert set(archive.streams()) == {camera.stream_id for camera in cameras}
    for camera in cameras:
        read = list(archive.read(camera.stream_id, EVERYTHING))
        assert [(one.run_id, one.unit) for one in read] == camera.sent
        assert read[0].tracks == camera.tracks
        assert read[0].wall_us == EPOCH_US
        assert all(after.wall_us > before.wall_us for before, after in pairwise(read))


def test_sound_and_reordered_pictures_keep_their_times(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock, tracks=(VIDEO, AUDIO))
    camera.start(recorder)
    for number in range(60):
        shift = (0, 12_000, 3_000)[number % 3]
        first = reordered(camera, number, shift)
        camera.give(recorder, first)
        for tick in range(3):
            camera.give(recorder, audio_unit(camera, number * 528 + tick * 176))
        room.clock.advance(FRAME_US)
        recorder.tick()
    recorder.close()
    read = list(recorded(room.archive(), camera.stream_id))
    assert read == [unit for _, unit in camera.sent]


def reordered(camera: Camera, number: int, shift: int) -> AccessUnit:
    """A picture that shows later, or earlier, than it is decoded."""
    is_key = number % 15 == 0
    unit = AccessUnit(
        1, camera.sequence, number * 6_000 + shift - 6_000, number * 6_000 - 12_000,
        camera.clock.now_us(), camera.clock.monotonic_us(),
        UnitFlags.KEY if is_key else UnitFlags.NONE, 0, camera.rng.randbytes(500),
    )  # fmt: skip
    camera.sequence += 1
    return unit


def test_a_reader_follows_a_recorder_that_goes_on(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    archive = room.archive()
    seen = 0
    for _ in range(4):
        play(recorder, [camera], 30)
        assert recorder.wait_written()
        archive.refresh()
        units = list(recorded(archive, camera.stream_id))
        assert units == [unit for _, unit in camera.sent][: len(units)]
        assert len(units) > seen
        seen = len(units)
    recorder.close()
    archive.refresh()
    assert len(list(recorded(archive, camera.stream_id))) == 120


def test_a_run_that_is_over_is_written_only_when_it_is_on_the_disk(room: Room) -> None:
    """Who imports a file may delete it when it is said to be finished."""
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 20)
    assert recorder.wait_written()
    assert not recorder.is_written(camera.stream_id), "it goes on"
    camera.end(recorder, LossReason.FINISHED)
    assert not recorder.is_written(camera.stream_id), "its last units wait for the next cut"
    recorder.cut()
    assert recorder.wait_written()
    assert recorder.is_written(camera.stream_id)
    assert list(recorded(room.archive(), camera.stream_id)) == [unit for _, unit in camera.sent]
    recorder.close()


def test_reading_starts_at_the_key_unit_before(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock, gop=20)
    camera.start(recorder)
    play(recorder, [camera], 100)
    recorder.close()
    archive = room.archive()
    at_us = EPOCH_US + 50 * FRAME_US + 10
    read = list(archive.read(camera.stream_id, Span(at_us, at_us + 10 * FRAME_US)))
    assert read[0].unit.sequence == 40
    assert read[0].unit.is_key
    assert read[-1].unit.sequence == 59
    assert [one.unit.sequence for one in read] == list(range(40, 60))


def test_a_new_generation_begins_a_segment(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 20)
    wide = replace(with_generation(VIDEO, 1), width_px=1920, height_px=1080)
    camera.tracks = (wide,)
    recorder.tracks_changed(camera.stream_id, camera.run_id, camera.tracks, room.clock.now_us())
    camera.frame(recorder, UnitFlags.CONFIG_CHANGED)
    play(recorder, [camera], 20)
    recorder.close()
    read = list(room.archive().read(camera.stream_id, EVERYTHING))
    assert [one.unit for one in read] == [unit for _, unit in camera.sent]
    assert [one.tracks[0].width_px for one in read] == [1280] * 20 + [1920] * 21
    assert len(room.archive().timeline(camera.stream_id, EVERYTHING).recorded) == 1


def test_segments_end_by_time_and_hour_and_prove_themselves(room: Room) -> None:
    room.settings = replace(room.settings, segment_us=3_000_000)
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=100)
    camera.start(recorder)
    play(recorder, [camera], 150)
    recorder.close()
    archive = room.archive()
    verdicts = archive.verify(camera.stream_id, EVERYTHING)
    assert len(verdicts) == 3
    assert {one.verdict for one in verdicts} == {Verdict.WHOLE}
    assert {one.signed_by for one in verdicts} == {room.site.identity.node_id}
    assert sum(one.unit_count for one in verdicts) == 150
    for before, after in pairwise(verdicts):
        assert after.previous_head == before.chain_head
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    assert len(timeline.recorded) == 1
    assert timeline.recorded[0].span == Span(EPOCH_US, EPOCH_US + 10_000_000)


@pytest.mark.parametrize("reason", [LossReason.UNREACHABLE, LossReason.STALLED])
def test_a_gap_is_exact_to_the_unit(room: Room, reason: LossReason) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 30)
    room.clock.advance(700_000)
    camera.end(recorder, reason, "nobody answers")
    room.clock.advance(5_000_000)
    recorder.stream_waiting(camera.stream_id, room.clock.now_us(), reason, "nobody answers")
    recorder.tick()
    room.clock.advance(5_000_000)
    camera.start(recorder)
    play(recorder, [camera], 30)
    recorder.close()
    timeline = room.archive().timeline(camera.stream_id, EVERYTHING)
    first, second = (one.span for one in timeline.recorded)
    gap = timeline.gaps[0]
    assert (gap.start_us, gap.end_us) == (first.end_us, second.start_us)
    assert (gap.reason, gap.detail) == (reason.value, "nobody answers")
    last_sent = camera.sent[29][1]
    assert abs(first.end_us - (last_sent.arrival_us + FRAME_US)) <= 20
    assert timeline.gaps[1].reason == "our_restart"
    assert timeline.gaps[1].end_us is None
