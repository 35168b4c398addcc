"""Several volumes: each stream on one, away from the one that fails, back when it is well, read as one."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, Camera, Room, play, recorded
from tests.recording.test_faults import MoodyFiles

from civiscope.base import ReasonedSpan, Span
from civiscope.ingest import LossReason
from civiscope.recording import (
    Archive,
    GapReason,
    RecordedVolume,
    Recorder,
    StreamMoved,
    Verdict,
    Volume,
    VolumeFailed,
    VolumeRecovered,
)
from civiscope.recording.ledgers import VolumeLedger, merged_gaps
from civiscope.storage import DiskFault

SECOND_US = 1_000_000


@dataclass
class Node:
    """Two volumes and their recorder."""

    room: Room
    folders: list[Path]
    files: list[MoodyFiles] = field(default_factory=list)

    def volume(self, number: int) -> RecordedVolume:
        files = MoodyFiles(self.folders[number])
        self.files.insert(number, files)
        volume = Volume.open(files, self.room.site.identity, self.room.clock)
        return RecordedVolume(volume, self.room.settings)

    def recorder(self, count: int = 2) -> Recorder:
        self.files.clear()
        volumes = [self.volume(number) for number in range(count)]
        room = self.room
        return Recorder(volumes, room.site.sealer, room.clock, room.settings, room.facts.append)

    def archive(self) -> Archive:
        return Archive(self.folders, self.room.site.keyring, self.room.clock)

    def segments(self, number: int, camera: Camera) -> list[Path]:
        return sorted((self.folders[number] / "segments" / str(camera.stream_id)).glob("*.cvs"))


@pytest.fixture
def node(room: Room, tmp_path: Path) -> Node:
    room.settings = replace(room.settings, queue_bytes=4 << 20, part_bytes=1 << 20)
    return Node(room, [tmp_path / "first", tmp_path / "second"])


def steady(recorder: Recorder, cameras: list[Camera], seconds: int) -> None:
    for _ in range(seconds):
        play(recorder, cameras, 15)
        assert recorder.wait_written()


def place_of(node: Node, camera: Camera) -> int:
    """Where it is written: the one whose newest segment is the newest."""
    newest = [max((one.name for one in node.segments(number, camera)), default="") for number in (0, 1)]
    return newest.index(max(newest))


def test_streams_are_spread_and_each_stays_where_it_is(node: Node) -> None:
    recorder = node.recorder()
    cameras = [Camera(node.room.clock) for _ in range(4)]
    for camera in cameras:
        camera.start(recorder)
    steady(recorder, cameras, 3)
    recorder.close()
    places = [[bool(node.segments(number, camera)) for number in (0, 1)] for camera in cameras]
    assert sorted(places) == [[False, True], [False, True], [True, False], [True, False]]
    before = [place_of(node, camera) for camera in cameras]
    recorder = node.recorder()
    for camera in cameras:
        camera.start(recorder)
    steady(recorder, cameras, 2)
    recorder.close()
    assert [place_of(node, camera) for camera in cameras] == before
    assert [[bool(node.segments(number, camera)) for number in (0, 1)] for camera in cameras] == places


@pytest.mark.parametrize(
    ("fault", "at"),
    [
        (DiskFault.READ_ONLY, "append"),
        (DiskFault.FAILED, "append"),
        (DiskFault.MISSING, "append"),
        (DiskFault.FAILED, "sync"),
    ],
)
def test_a_failing_disk_loses_one_part_and_its_streams_move_on(node: Node, fault: DiskFault, at: str) -> None:
    recorder = node.recorder()
    camera, other = Camera(node.room.clock), Camera(node.room.clock)
    for one in (camera, other):
        one.start(recorder)
    steady(recorder, [camera, other], 4)
    place, elsewhere = place_of(node, camera), place_of(node, other)
    assert place != elsewhere
    setattr(node.files[place], f"{at}_fault", fault)
    steady(recorder, [camera, other], 6)
    recorder.close()
    archive = node.archive()
    sent, kept = [unit for _, unit in camera.sent], list(recorded(archive, camera.stream_id))
    assert [unit for _, unit in other.sent] == list(recorded(archive, other.stream_id))
    lost = [unit for unit in sent if unit not in kept]
    assert 0 < len(lost) <= 15
    assert kept == [unit for unit in sent if unit not in lost]
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    assert len(timeline.recorded) == 2
    (gap, after) = timeline.gaps
    assert (gap.start_us, gap.end_us) == (
        timeline.recorded[0].span.end_us,
        timeline.recorded[1].span.start_us,
    )
    assert gap.reason == ("disk_read_only" if fault is DiskFault.READ_ONLY else "disk_failed")
    assert (after.end_us, after.reason) == (None, "our_restart")
    (moved,) = (one for one in node.room.facts if isinstance(one, StreamMoved))
    assert (moved.stream_id, moved.fault) == (camera.stream_id, fault.value)
    verdicts = {one.verdict for one in archive.verify(camera.stream_id, EVERYTHING)}
    assert verdicts <= {Verdict.WHOLE, Verdict.OPEN}  # the failing disk's index cannot say that it ended


def test_a_disk_that_hangs_makes_nobody_wait_and_its_streams_move_on(node: Node) -> None:
    node.room.settings = replace(node.room.settings, queue_bytes=8 << 20)
    recorder = node.recorder()
    camera, other = Camera(node.room.clock, mean_bytes=60_000), Camera(node.room.clock)
    for one in (camera, other):
        one.start(recorder)
    steady(recorder, [camera, other], 2)
    place = place_of(node, camera)
    node.files[place].gate.clear()
    play(recorder, [camera, other], 15 * 8)
    assert recorder.queued_bytes <= 2 * node.room.settings.queue_bytes
    assert [one.fault for one in node.room.facts if isinstance(one, StreamMoved)] == ["slow"]
    node.files[place].gate.set()
    assert recorder.wait_written()
    recorder.close()
    sent, kept = [unit for _, unit in camera.sent], list(recorded(node.archive(), camera.stream_id))
    assert kept == sent  # what hung was written in the end, and what moved on follows it
    gaps = node.archive().timeline(camera.stream_id, EVERYTHING).gaps
    assert [(one.end_us, one.reason) for one in gaps] == [(None, "our_restart")]


def test_a_full_disk_with_nothing_to_delete_is_left_too(node: Node) -> None:
    recorder = node.recorder()
    camera, other = Camera(node.room.clock), Camera(node.room.clock)
    for one in (camera, other):
        one.start(recorder)
    steady(recorder, [camera, other], 2)
    place = place_of(node, camera)
    node.files[place].append_fault = DiskFault.FULL
    steady(recorder, [camera, other], 3)
    recorder.close()
    assert place_of(node, camera) != place
    assert "disk_full" in {one.reason for one in node.archive().timeline(camera.stream_id, EVERYTHING).gaps}


def test_streams_come_back_when_the_disk_has_been_well_for_a_minute(node: Node) -> None:
    recorder = node.recorder()
    cameras = [Camera(node.room.clock) for _ in range(2)]
    for one in cameras:
        one.start(recorder)
    steady(recorder, cameras, 2)
    camera = cameras[0]
    place = place_of(node, camera)
    node.files[place].append_fault = DiskFault.FAILED
    steady(recorder, cameras, 3)
    assert place_of(node, camera) != place
    node.files[place].append_fault = None
    steady(recorder, cameras, 8)
    assert any(isinstance(one, VolumeRecovered) for one in node.room.facts)
    assert place_of(node, camera) != place
    steady(recorder, cameras, 60)
    assert place_of(node, camera) == place
    recorder.close()
    assert len([one for one in node.room.facts if isinstance(one, StreamMoved)]) == 2
    assert [one.fault for one in node.room.facts if isinstance(one, VolumeFailed)] == ["failed"]
    sent, kept = [unit for _, unit in camera.sent], list(recorded(node.archive(), camera.stream_id))
    assert 0 < len(sent) - len(kept) <= 15
    closed = [one for one in node.archive().timeline(camera.stream_id, EVERYTHING).gaps if one.end_us]
    assert [one.reason for one in closed] == ["disk_failed"]


def test_a_volume_that_was_away_at_the_start_is_recorded_on_when_it_is_there(node: Node) -> None:
    recorder = node.recorder()
    camera, other = Camera(node.room.clock), Camera(node.room.clock)
    for one in (camera, other):
        one.start(recorder)
    steady(recorder, [camera, other], 2)
    recorder.close()
    node.folders.sort(key=lambda folder: bool(list(folder.rglob(f"segments/{other.stream_id}/*"))))
    recorder = node.recorder(count=1)  # the disk with `other` is away
    for one in (camera, other):
        one.start(recorder)
    steady(recorder, [camera, other], 2)
    assert place_of(node, other) == 0
    recorder.add_volume(node.volume(1))
    steady(recorder, [camera, other], 64)
    assert place_of(node, other) == 1
    recorder.close()
    sent = [unit for _, unit in other.sent]
    assert list(recorded(node.archive(), other.stream_id)) == sent
    reasons = [one.reason for one in node.archive().timeline(other.stream_id, EVERYTHING).gaps]
    assert set(reasons) <= {"our_restart"}


def test_when_no_disk_is_well_streams_stay_and_the_gap_says_why(node: Node) -> None:
    recorder = node.recorder()
    camera = Camera(node.room.clock)
    camera.start(recorder)
    steady(recorder, [camera], 2)
    for files in node.files:
        files.append_fault = DiskFault.READ_ONLY
    steady(recorder, [camera], 4)
    for files in node.files:
        files.append_fault = None
    steady(recorder, [camera], 4)
    recorder.close()
    kept = list(recorded(node.archive(), camera.stream_id))
    assert kept[-1] == camera.sent[-1][1]
    closed = [one for one in node.archive().timeline(camera.stream_id, EVERYTHING).gaps if one.end_us]
    assert {one.reason for one in closed} == {"disk_read_only"}


spans = st.tuples(st.integers(0, 200), st.integers(1, 60)).map(
    lambda one: Span(one[0] * SECOND_US, (one[0] + one[1]) * SECOND_US)
)
ledgers = st.builds(
    lambda there, gaps, opened: VolumeLedger(
        there,
        [ReasonedSpan(gap.start_us, gap.end_us, "retention") for gap in gaps],
        None if opened is None else ReasonedSpan(opened * SECOND_US, None, "our_restart"),
    ),
    st.lists(spans, max_size=4),
    st.lists(spans, max_size=4),
    st.one_of(st.none(), st.integers(0, 300)),
)


@given(st.lists(ledgers, min_size=2, max_size=3))
def test_nothing_is_missing_where_another_volume_has_it_and_no_gap_comes_twice(
    known: list[VolumeLedger],
) -> None:
    speaking = [one for one in known if one.recorded or one.gaps or one.open_gap]
    closed, opened = merged_gaps(known, 400 * SECOND_US)
    assert len(opened) <= max(1, int(len(speaking) == 1))
    if len(speaking) < 2:
        return
    for gap in closed:
        assert gap.end_us is not None
        whole = Span(gap.start_us, gap.end_us)
        owners = [one for one in speaking if any(other.start_us <= gap.start_us for other in _all(one))]
        assert owners
        for one in speaking:
            others = [other for other in speaking if other is not one]
            if any(_covers(mine, whole) for mine in _all(one)) and not any(
                _covers(mine, whole) for other in others for mine in _all(other)
            ):
                assert not any(span.overlaps(whole) for other in others for span in other.recorded)
    ordered = sorted(closed, key=lambda gap: gap.start_us)
    for before, after in pairwise(ordered):
        assert before.end_us is not None
        assert before.end_us <= after.start_us
    last_us = max((span.end_us for one in speaking for span in one.recorded), default=0)
    assert all(last_us <= gap.start_us + SECOND_US for gap in opened)


def test_an_outage_is_not_taken_for_what_was_left_out_on_purpose_on_the_volume_before(node: Node) -> None:
    recorder, clock = node.recorder(), node.room.clock
    camera, *mates = cameras = [Camera(clock) for _ in range(3)]
    for one in cameras:
        one.start(recorder)
    steady(recorder, cameras, 3)
    first = place_of(node, camera)
    recorder.paused(camera.stream_id, clock.now_us(), GapReason.NO_EVENT)
    steady(recorder, mates, 2)
    node.files[first].append_fault = DiskFault.FAILED
    steady(recorder, mates, 3)
    steady(recorder, cameras, 3)
    node.files[first].append_fault = None
    assert place_of(node, camera) != first
    camera.end(recorder, LossReason.CLOSED)
    out = Span(clock.now_us(), clock.now_us() + 10 * SECOND_US)
    steady(recorder, mates, 10)
    camera.start(recorder)
    steady(recorder, cameras, 3)
    recorder.close()
    gaps = node.archive().timeline(camera.stream_id, EVERYTHING).gaps
    assert [
        gap.reason for gap in gaps if _covers(gap, Span(out.start_us + SECOND_US, out.end_us - SECOND_US))
    ] == ["closed"]


def test_a_dead_volume_does_not_say_that_there_is_room(node: Node) -> None:
    recorder = node.recorder()
    cameras = [Camera(node.room.clock, mean_bytes=20_000) for _ in range(4)]
    for camera in cameras:
        camera.start(recorder)
    steady(recorder, cameras, 1)
    dead = place_of(node, cameras[0])
    node.files[dead].append_fault = DiskFault.FAILED
    steady(recorder, cameras, 3)
    assert [recorder.has_room] == [True]
    node.files[1 - dead].gate.clear()
    for _ in range(300):
        play(recorder, cameras, 1)
        if recorder.queued_bytes > node.room.settings.queue_bytes // 2:
            break
    assert [recorder.has_room] == [False]
    node.files[1 - dead].gate.set()
    assert recorder.wait_written()
    recorder.close()


def _all(ledger: VolumeLedger) -> list[ReasonedSpan]:
    return [*ledger.gaps, *([] if ledger.open_gap is None else [ledger.open_gap])]


def _covers(gap: ReasonedSpan, span: Span) -> bool:
    return gap.start_us <= span.start_us and (gap.end_us is None or span.end_us <= gap.end_us)
