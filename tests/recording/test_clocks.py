"""Whatever clocks do, ours or the camera's: no unit lost or overwritten, times within 100 ms of arrival."""

from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from tests.recording.footage import EVERYTHING, Camera, Room, drawn_clip, play, recorded

from civiscope.base import RunId, Span, StreamId, new_id
from civiscope.media import AccessUnit, SenderClock
from civiscope.media.wire import (
    Arrival,
    RtpReceiver,
    RunOrigin,
    SenderReport,
    UnitClock,
    depacketizer_for,
    parse_rtcp,
)
from civiscope.recording import Archive, Recorder
from civiscope.simulator import FAULTLESS, Faults, Footage, SimulatedCamera

S = 1_000_000
HOUR_US = 3_600 * S
NEAR_US = 100_000
STEP_US = 33_333


@dataclass
class WireCamera:
    """A simulated camera whose packets are read as ingest reads them, by the clock of a test."""

    room: Room
    camera: SimulatedCamera
    stream_id: StreamId = field(default_factory=lambda: StreamId(new_id()))
    run_id: RunId = field(default_factory=lambda: RunId(new_id()))
    sent: list[AccessUnit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracks = self.camera.footage.tracks[:1]
        media = self.camera.footage.descriptions[0]
        self.unit_clock = UnitClock(90_000, RunOrigin(), reorders=True)
        self.receiver = RtpReceiver(
            depacketizer_for(media), self.unit_clock, media.payload_type, reorder=False
        )

    def start(self, recorder: Recorder) -> None:
        self.camera.begin(self.room.clock.monotonic_us())
        recorder.run_started(self.stream_id, self.run_id, self.tracks, self.room.clock.now_us())

    def play(self, recorder: Recorder, seconds: float) -> None:
        """Let so much of our time pass."""
        for _ in range(round(seconds * 1e6 / STEP_US)):
            self.room.clock.advance(STEP_US)
            arrival = Arrival(self.room.clock.now_us(), self.room.clock.monotonic_us())
            for burst in self.camera.due(arrival.monotonic_us):
                for start, end in burst.packets if burst.track == 0 else ():
                    self._take(recorder, memoryview(burst.frames)[start:end], arrival)
            recorder.tick()

    def report(self, recorder: Recorder) -> None:
        """One sender report."""
        now_us = self.room.clock.now_us()
        ((_, packet),) = self.camera.reports(self.room.clock.monotonic_us(), now_us)
        (told,) = [one for one in parse_rtcp(memoryview(packet)) if isinstance(one, SenderReport)]
        ticks = self.unit_clock.ticks(told.rtp_timestamp)
        assert ticks is not None
        recorder.sender_clock(self.stream_id, self.run_id, SenderClock(1, ticks, told.camera_us, now_us))

    def _take(self, recorder: Recorder, packet: memoryview, arrival: Arrival) -> None:
        for timed in self.receiver.push(packet, arrival):
            unit = AccessUnit(
                1, len(self.sent), timed.pts, timed.dts, timed.arrival_us, timed.arrival_monotonic_us,
                timed.flags, 0, timed.data,
            )  # fmt: skip
            self.sent.append(unit)
            recorder.unit(self.stream_id, self.run_id, unit)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Footage:
    """Four seconds of a small picture, 15 a second."""
    return Footage(drawn_clip(tmp_path_factory.mktemp("clock") / "small.mp4", width_px=64))


def wired(room: Room, footage: Footage, faults: Faults = FAULTLESS) -> WireCamera:
    return WireCamera(room, SimulatedCamera("cam", footage, faults=faults))


def assert_all_there_on_time(archive: Archive, camera: WireCamera) -> None:
    """Every unit, and each within 100 ms of when it came."""
    found = list(archive.read(camera.stream_id, EVERYTHING))
    assert [one.unit for one in found] == camera.sent
    worst_us = max(abs(one.wall_us - one.unit.arrival_us) for one in found)
    assert worst_us <= NEAR_US, f"a unit is {worst_us / 1000:.0f} ms from when it came"


def ends(archive: Archive, stream_id: StreamId) -> list[tuple[int, int, int]]:
    return [
        (one.lane, one.span.start_us, one.span.end_us)
        for one in archive.timeline(stream_id, EVERYTHING).recorded
    ]


@pytest.mark.parametrize("ppm", [500, -500, 50])
def test_a_camera_whose_clock_runs_wrong_stays_on_time(room: Room, footage: Footage, ppm: int) -> None:
    recorder = room.recorder()
    camera = wired(room, footage, Faults(skew_ppm=ppm))
    camera.start(recorder)
    camera.play(recorder, 600)
    recorder.cut()
    assert recorder.wait_written()
    archive = room.archive()
    assert_all_there_on_time(archive, camera)
    ((lane, start_us, end_us),) = ends(archive, camera.stream_id)
    assert lane == 0
    assert abs(start_us - camera.sent[0].arrival_us) <= NEAR_US
    assert abs(end_us - camera.sent[-1].arrival_us - 66_666) <= NEAR_US
    assert archive.timeline(camera.stream_id, EVERYTHING).gaps == ()
    corrected_us = sum(part.correction_us for part in archive.parts(camera.stream_id, EVERYTHING))
    assert abs(corrected_us + ppm * 600) <= NEAR_US, "what was corrected is what the clock ran away"
    recorder.close()


@pytest.mark.parametrize("jump_us", [HOUR_US, -HOUR_US, 24 * HOUR_US, 30 * S])
def test_media_times_that_jump_move_nothing(room: Room, footage: Footage, jump_us: int) -> None:
    recorder = room.recorder()
    camera = wired(room, footage)
    camera.start(recorder)
    camera.play(recorder, 5)
    camera.camera.faults = Faults(jump_us=jump_us)
    camera.play(recorder, 5)
    recorder.close()
    archive = room.archive()
    assert_all_there_on_time(archive, camera)
    assert len(ends(archive, camera.stream_id)) == 1


def test_timestamps_that_wrap_go_on(room: Room, footage: Footage) -> None:
    recorder = room.recorder()
    camera = wired(room, footage, Faults(wraps_after_us=3 * S))
    camera.start(recorder)
    camera.play(recorder, 8)
    recorder.close()
    archive = room.archive()
    assert_all_there_on_time(archive, camera)
    assert len(ends(archive, camera.stream_id)) == 1
    assert {part.correction_us for part in archive.parts(camera.stream_id, EVERYTHING)} == {0}
    assert max(unit.pts for unit in camera.sent) < 10 * 90_000


@pytest.mark.parametrize("off_us", [24 * HOUR_US, -24 * HOUR_US])
def test_a_camera_that_is_a_day_off_is_recorded_when_it_came(
    room: Room, footage: Footage, off_us: int
) -> None:
    recorder = room.recorder()
    camera = wired(room, footage, Faults(clock_offset_us=off_us))
    camera.start(recorder)
    camera.play(recorder, 2)
    camera.report(recorder)
    camera.play(recorder, 3)
    recorder.close()
    archive = room.archive()
    assert_all_there_on_time(archive, camera)
    told = [part.camera_offset_us for part in archive.parts(camera.stream_id, EVERYTHING)]
    assert told[0] is None
    assert told[-1] is not None
    assert abs(told[-1] - off_us) <= NEAR_US


@pytest.mark.parametrize("by_us", [HOUR_US, -HOUR_US, 2 * S, -2 * S, 300_000, -300_000])
def test_our_wall_clock_steps(room: Room, footage: Footage, by_us: int) -> None:
    recorder = room.recorder()
    camera = wired(room, footage)
    camera.start(recorder)
    camera.play(recorder, 20)
    stepped_us = room.clock.now_us()
    room.clock.step_wall(by_us)
    camera.play(recorder, 40)
    recorder.close()
    archive = room.archive()
    found = list(archive.read(camera.stream_id, EVERYTHING))
    assert [one.unit for one in found] == camera.sent
    corrections = [part.correction_us for part in archive.parts(camera.stream_id, EVERYTHING)]
    assert abs(sum(corrections) - by_us) <= NEAR_US
    settled = [one for one in found if abs(by_us) > 500_000 or one.unit.sequence > 60 * 15 - 15 * 15]
    assert max(abs(one.wall_us - one.unit.arrival_us) for one in settled) <= NEAR_US
    spans = ends(archive, camera.stream_id)
    gaps = [gap for gap in archive.timeline(camera.stream_id, EVERYTHING).gaps if gap.end_us is not None]
    if by_us < -S:
        assert [lane for lane, _, _ in spans] == [0, 1] if spans[0][0] == 0 else [1, 0]
    if by_us > S:
        (gap,) = gaps
        assert gap.reason == "clock_stepped"
        assert abs(gap.start_us - stepped_us) <= NEAR_US + 66_666
        assert gap.end_us is not None
        assert abs(gap.end_us - stepped_us - by_us) <= NEAR_US + 66_666
    else:
        assert gaps == []


def test_an_hour_that_comes_twice_is_two_lanes_and_both_are_read(room: Room) -> None:
    room.settings = replace(room.settings, segment_us=2 * S)
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=60)
    camera.start(recorder)
    play(recorder, [camera], 15 * 60)
    room.clock.step_wall(-30 * S)
    play(recorder, [camera], 15 * 60)
    recorder.close()
    archive = room.archive()
    units = [unit for _, unit in camera.sent]
    assert list(recorded(archive, camera.stream_id)) == units
    (first, second) = archive.timeline(camera.stream_id, EVERYTHING).recorded
    assert {first.lane, second.lane} == {0, 1}
    begun_us = units[0].arrival_us
    both = Span(begun_us + 40 * S, begun_us + 50 * S)
    inside = list(archive.read(camera.stream_id, both))
    assert {one.unit.sequence // (15 * 60) for one in inside} == {0, 1}
    assert [one.unit.sequence for one in inside] == sorted({one.unit.sequence for one in inside})


def test_a_change_to_winter_time_is_one_lane_and_one_day(room: Room) -> None:
    sofia = ZoneInfo("Europe/Sofia")
    room.clock.step_wall(1_792_886_390 * S - room.clock.now_us())  # 2026-10-25 02:59:50 summer time
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=60)
    camera.start(recorder)
    play(recorder, [camera], 15 * 30)
    recorder.close()
    archive = room.archive()
    assert list(recorded(archive, camera.stream_id)) == [unit for _, unit in camera.sent]
    assert [one.lane for one in archive.timeline(camera.stream_id, EVERYTHING).recorded] == [0]
    assert archive.days(camera.stream_id, Span(0, 1 << 52), sofia) == {date(2026, 10, 25): 30_000_000}
