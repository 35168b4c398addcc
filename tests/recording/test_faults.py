"""Disks that fill, turn read-only, fail, get slow: named behaviour, and recording goes on when it can."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.recording.footage import EVERYTHING, FRAME_US, Camera, Room, play, recorded

from civiscope.base import AppError, ManualClock, Span
from civiscope.media import AccessUnit, UnitFlags
from civiscope.recording import (
    GapReason,
    Recorder,
    SegmentsDeleted,
    Verdict,
    VolumeFailed,
    VolumeRecovered,
)
from civiscope.recording.model import SegmentSummary
from civiscope.storage import DirectoryFiles, DiskError, DiskFault, Files
from civiscope.storage.files import Buffer


class MoodyFiles(DirectoryFiles):
    """A real folder whose disk can be told to fail; the bound of its size counts what is really there."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.append_fault: DiskFault | None = None
        self.sync_fault: DiskFault | None = None
        self.limit_bytes: int | None = None
        self.only: str = ""
        self.gate = threading.Event()
        self.gate.set()
        self.folder = root

    def append(self, path: str, *buffers: Buffer) -> int:
        self.gate.wait(10)
        if self.append_fault is not None and path.startswith(self.only):
            raise DiskError(self.append_fault, "told to fail")
        if self.limit_bytes is not None:
            size_bytes = sum(one.stat().st_size for one in self.folder.rglob("*") if one.is_file())
            if size_bytes + sum(len(one) for one in buffers) > self.limit_bytes:
                raise DiskError(DiskFault.FULL, "told to be full")
        return super().append(path, *buffers)

    def sync(self) -> None:
        if self.sync_fault is not None:
            raise DiskError(self.sync_fault, "told to fail")
        super().sync()


def moody(room: Room) -> tuple[Recorder, MoodyFiles]:
    made: list[MoodyFiles] = []

    def make_files(folder: Path) -> Files:
        made.append(MoodyFiles(folder))
        return made[-1]

    room.make_files = make_files
    return room.recorder(), made[0]


def steady(recorder: Recorder, cameras: list[Camera], frames: int) -> None:
    """Play, and wait at the end until the writer is done."""
    play(recorder, cameras, frames)
    recorder.cut()
    assert recorder.wait_written()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (DiskFault.READ_ONLY, GapReason.DISK_READ_ONLY),
        (DiskFault.FAILED, GapReason.DISK_FAILED),
        (DiskFault.FULL, GapReason.DISK_FULL),
    ],
)
def test_a_disk_that_refuses_leaves_an_exact_gap(room: Room, fault: DiskFault, reason: GapReason) -> None:
    recorder, files = moody(room)
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    files.append_fault = fault
    steady(recorder, [camera], 30)
    files.append_fault = None
    steady(recorder, [camera], 30)
    recorder.close()
    archive = room.archive()
    sent = [unit for _, unit in camera.sent]
    assert list(recorded(archive, camera.stream_id)) == sent[:30] + sent[60:]
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    first, second = (one.span for one in timeline.recorded)
    assert (timeline.gaps[0].start_us, timeline.gaps[0].end_us) == (first.end_us, second.start_us)
    assert timeline.gaps[0].reason == reason
    assert [one.fault for one in room.facts if isinstance(one, VolumeFailed)] == [fault.value]
    assert sum(isinstance(one, VolumeRecovered) for one in room.facts) == 1
    assert not {one.verdict for one in archive.verify(camera.stream_id, EVERYTHING)} - {Verdict.WHOLE}


def test_one_stream_that_cannot_be_written_does_not_stop_the_others(room: Room) -> None:
    recorder, files = moody(room)
    cameras = [Camera(room.clock), Camera(room.clock)]
    for camera in cameras:
        camera.start(recorder)
    files.only = f"segments/{cameras[0].stream_id}"
    files.append_fault = DiskFault.FAILED
    steady(recorder, cameras, 30)
    files.append_fault = None
    steady(recorder, cameras, 30)
    recorder.close()
    archive = room.archive()
    assert len(list(recorded(archive, cameras[0].stream_id))) == 30
    assert len(list(recorded(archive, cameras[1].stream_id))) == 60


def test_after_a_failed_barrier_only_what_was_synced_is_kept(room: Room) -> None:
    recorder, files = moody(room)
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    files.sync_fault = DiskFault.FAILED
    steady(recorder, [camera], 30)
    files.sync_fault = None
    steady(recorder, [camera], 30)
    recorder.close()
    archive = room.archive()
    sent = [unit for _, unit in camera.sent]
    assert list(recorded(archive, camera.stream_id)) == sent[:30] + sent[60:]
    gaps = archive.timeline(camera.stream_id, EVERYTHING).gaps
    assert [gap.reason for gap in gaps] == ["disk_failed", "our_restart"]
    verdicts = archive.verify(camera.stream_id, EVERYTHING)
    assert {one.verdict for one in verdicts} == {Verdict.WHOLE}
    assert verdicts[1].previous_head == verdicts[0].chain_head


def test_a_full_disk_gives_up_its_oldest_unprotected_footage(room: Room) -> None:
    room.settings = replace(room.settings, segment_us=1_000_000)
    held: list[object] = []
    room.protected = lambda summary: summary.segment_id in held
    recorder, files = moody(room)
    camera = Camera(room.clock, mean_bytes=8_000)
    camera.start(recorder)
    steady(recorder, [camera], 45)
    held.append(first_segment(room, camera).segment_id)
    files.limit_bytes = 1_500_000
    for _ in range(30):
        steady(recorder, [camera], 15)
    recorder.close()
    archive = room.archive()
    units = list(recorded(archive, camera.stream_id))
    sent = [unit for _, unit in camera.sent]
    assert units[-60:] == sent[-60:]
    assert units[0] == sent[0]
    assert len(units) < len(sent)
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    assert {gap.reason for gap in timeline.gaps} == {"made_room", "our_restart"}
    assert any(isinstance(one, SegmentsDeleted) for one in room.facts)


def first_segment(room: Room, camera: Camera) -> SegmentSummary:
    archive = room.archive()
    view = archive._views[0]
    return next(iter(view.stream(camera.stream_id).closed.values()))


def test_a_full_disk_that_may_not_delete_says_so_and_recovers(room: Room) -> None:
    room.settings = replace(room.settings, delete_oldest_when_full=False)
    recorder, files = moody(room)
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    files.limit_bytes = 1
    steady(recorder, [camera], 30)
    files.limit_bytes = None
    steady(recorder, [camera], 30)
    recorder.close()
    sent = [unit for _, unit in camera.sent]
    archive = room.archive()
    assert list(recorded(archive, camera.stream_id)) == sent[:30] + sent[60:]
    assert archive.timeline(camera.stream_id, EVERYTHING).gaps[0].reason == "disk_full"


def test_a_slow_disk_never_stops_ingest_and_memory_stays_bounded(room: Room) -> None:
    room.settings = replace(room.settings, queue_bytes=200_000)
    recorder, files = moody(room)
    camera = Camera(room.clock, mean_bytes=3_000)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    files.gate.clear()
    most = 0
    for _ in range(300):
        play(recorder, [camera], 1)
        most = max(most, recorder.queued_bytes)
    files.gate.set()
    assert recorder.wait_written()
    steady(recorder, [camera], 30)
    recorder.close()
    assert most <= 200_000
    archive = room.archive()
    units = list(recorded(archive, camera.stream_id))
    assert units[-30:] == [unit for _, unit in camera.sent][-30:]
    gaps = archive.timeline(camera.stream_id, EVERYTHING).gaps
    assert [gap.reason for gap in gaps] == ["disk_slow", "our_restart"]
    assert "slow" in {one.fault for one in room.facts if isinstance(one, VolumeFailed)}


def test_retention_by_age_deletes_bytes_and_keys(room: Room) -> None:
    room.settings = replace(
        room.settings, segment_us=1_000_000, keep_us=3 * 3_600_000_000, retention_every_us=1_000_000
    )
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 60)
    camera.end(recorder)
    room.clock.advance(4 * 3_600_000_000)
    camera.start(recorder)
    steady(recorder, [camera], 60)
    recorder.close()
    archive = room.archive()
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    assert timeline.gaps[0].reason == "retention"
    assert len(list(recorded(archive, camera.stream_id))) == 60
    assert len(list((room.folder / "keys").glob("*/*"))) == 1
    reopened = Room(room.site, room.folder, room.clock)
    reopened.recorder().close()
    after = reopened.archive().timeline(camera.stream_id, EVERYTHING)
    assert after.gaps[0] == timeline.gaps[0]


def test_retention_by_quota(room: Room) -> None:
    room.settings = replace(
        room.settings, segment_us=1_000_000, quota_bytes=60_000, retention_every_us=1_000_000
    )
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 300)
    recorder.close()
    size_bytes = sum(path.stat().st_size for path in room.folder.rglob("*.cvs"))
    assert size_bytes < 110_000
    assert recorded(room.archive(), camera.stream_id)


class Importing(Camera):
    """What was filmed ten hours ago, taken in now."""

    def give(self, recorder: Recorder, unit: AccessUnit) -> None:
        super().give(recorder, replace(unit, arrival_us=unit.arrival_us - 36_000_000_000))


def test_the_key_of_a_past_hour_outlives_footage_that_went_by_quota(room: Room) -> None:
    room.settings = replace(room.settings, quota_bytes=1, retention_every_us=1_000_000)
    recorder = room.recorder()
    camera = Importing(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    camera.end(recorder)
    room.clock.advance(2_000_000)
    recorder.cut()
    assert recorder.wait_written()
    assert not list(room.folder.rglob("*.cvs"))
    camera.start(recorder)  # the import goes on, within the same hour
    steady(recorder, [camera], 10)
    recorder.cut()
    assert recorder.wait_written()
    assert [one.unit.data for one in room.archive().read(camera.stream_id, EVERYTHING)] == [
        unit.data for _, unit in camera.sent[30:]
    ]
    recorder.close()


@pytest.mark.parametrize("step_us", [-3_600_000_000, 3_600_000_000])
def test_a_wall_clock_that_steps_loses_and_overwrites_nothing(room: Room, step_us: int) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 600)
    room.clock.step_wall(step_us)
    play(recorder, [camera], 600)
    room.clock.step_wall(-step_us)
    play(recorder, [camera], 600)
    recorder.close()
    archive = room.archive()
    read = list(archive.read(camera.stream_id, EVERYTHING))
    assert [one.unit for one in read] == [unit for _, unit in camera.sent]
    for one in read:
        assert abs(one.wall_us - one.unit.arrival_us) < 100_000
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    corrections = [
        one.correction_us for one in archive.parts(camera.stream_id, EVERYTHING) if one.correction_us
    ]
    assert [round(one / 1e6) for one in corrections] == [step_us // 1_000_000, -step_us // 1_000_000]
    assert len(timeline.recorded) >= 2


def test_a_small_step_back_shows_two_lanes(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 150)
    room.clock.step_wall(-5_000_000)
    play(recorder, [camera], 150)
    recorder.close()
    timeline = room.archive().timeline(camera.stream_id, EVERYTHING)
    assert [one.lane for one in timeline.recorded] == [0, 1]
    first, second = (one.span for one in timeline.recorded)
    assert abs(first.end_us - second.start_us - 5_000_000) < 100_000
    assert second.end_us > first.end_us


def test_a_burst_after_a_stall_moves_no_time(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 60)
    room.clock.advance(2_500_000)
    for _ in range(37):
        camera.frame(recorder)
    recorder.tick()
    play(recorder, [camera], 60)
    recorder.close()
    archive = room.archive()
    assert not any(one.correction_us for one in archive.parts(camera.stream_id, EVERYTHING))
    assert len(archive.timeline(camera.stream_id, EVERYTHING).recorded) == 1


def test_deep_reordering_is_no_error_of_time(room: Room) -> None:
    """Ten pictures a second, each sixth sent 700 ms before it shows."""
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    for number in range(90):
        at = (number + 1) * 9_000
        shown = at + 63_000 if number % 6 == 1 else at
        unit = AccessUnit(
            1, number, shown - 9_000, at - 9_000, room.clock.now_us(), room.clock.monotonic_us(),
            UnitFlags.KEY if number == 0 else UnitFlags.NONE, 0, bytes(50),
        )  # fmt: skip
        camera.give(recorder, unit)
        room.clock.advance(100_000)
        recorder.tick()
    recorder.close()
    archive = room.archive()
    assert not any(one.correction_us for one in archive.parts(camera.stream_id, EVERYTHING))
    assert len(archive.timeline(camera.stream_id, EVERYTHING).recorded) == 1


def test_a_camera_whose_time_jumps_is_tied_anew(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 30)
    camera.pts += 90_000 * 86_400
    play(recorder, [camera], 30)
    recorder.close()
    read = list(room.archive().read(camera.stream_id, EVERYTHING))
    assert [one.unit for one in read] == [unit for _, unit in camera.sent]
    assert all(abs(one.wall_us - one.unit.arrival_us) < 100_000 for one in read)
    assert room.archive().days(camera.stream_id, Span(0, room.clock.now_us()))


def test_lost_packets_are_a_gap_exact_to_the_unit(room: Room) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 30)
    camera.pts += 6_000 * 20
    room.clock.advance(20 * FRAME_US)
    camera.frame(recorder, UnitFlags.DISCONTINUITY)
    play(recorder, [camera], 30)
    recorder.close()
    timeline = room.archive().timeline(camera.stream_id, EVERYTHING)
    first, second = (one.span for one in timeline.recorded)
    gap = timeline.gaps[0]
    assert (gap.start_us, gap.end_us, gap.reason) == (first.end_us, second.start_us, "packets_lost")
    assert abs(second.start_us - first.end_us - 20 * FRAME_US) < 100


def test_two_recorders_do_not_share_a_volume(room: Room) -> None:
    recorder = room.recorder()
    with pytest.raises(AppError, match="another"):
        Room(room.site, room.folder, ManualClock()).recorder()
    recorder.close()


@pytest.mark.parametrize("fault", [DiskFault.FULL, DiskFault.READ_ONLY])
def test_a_recorder_starts_on_a_disk_that_takes_nothing(room: Room, fault: DiskFault) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    recorder.close()
    room.clock.advance(5_000_000)
    faulty: list[MoodyFiles] = []

    def make_files(folder: Path) -> Files:
        files = MoodyFiles(folder)
        files.append_fault = files.sync_fault = fault
        faulty.append(files)
        return files

    room.make_files = make_files
    room.settings = replace(room.settings, delete_oldest_when_full=False)
    recorder = room.recorder()
    camera.start(recorder)
    steady(recorder, [camera], 30)
    faulty[0].append_fault = faulty[0].sync_fault = None
    steady(recorder, [camera], 30)
    recorder.close()
    archive = room.archive()
    sent = [unit for _, unit in camera.sent]
    assert list(recorded(archive, camera.stream_id)) == sent[:30] + sent[60:]
    reasons = [gap.reason for gap in archive.timeline(camera.stream_id, EVERYTHING).gaps]
    assert reasons == ["our_restart", f"disk_{fault.value}", "our_restart"]


def test_a_full_disk_before_the_first_part_leaves_a_whole_index(room: Room) -> None:
    recorder, files = moody(room)
    files.only = "index"
    files.append_fault = DiskFault.FULL
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 30)
    files.append_fault = None
    steady(recorder, [camera], 30)
    recorder.close()
    archive = room.archive()
    assert list(recorded(archive, camera.stream_id)) == [unit for _, unit in camera.sent]
    assert [gap.reason for gap in archive.timeline(camera.stream_id, EVERYTHING).gaps] == ["our_restart"]
