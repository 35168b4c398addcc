"""What is held is not deleted: not by age, not by quota, not by a full disk, not after a restart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, Camera, Room, play, recorded

from civiscope.base import AppError, RunId, SegmentId, Span, StreamId, new_id
from civiscope.bus.face import methods_of
from civiscope.recording import (
    HeldSpan,
    HoldBook,
    RecorderFace,
    SegmentsDeleted,
    SegmentState,
    VolumeFailed,
    VolumeRecovered,
    holds_digest,
)
from civiscope.recording.model import Extent, SegmentSummary
from civiscope.security import CaseId, KeyId

SECOND_US = 1_000_000
LEAD_US = 2 * SECOND_US


def steady(room: Room, camera: Camera, seconds: int) -> "Callable[[], None]":
    """So many seconds of footage in segments of about one; gives the closing of the recorder."""
    recorder = room.recorder()
    camera.start(recorder)
    for _ in range(seconds):
        play(recorder, [camera], 15)
        recorder.wait_written()
    return recorder.close


def segments(room: Room, camera: Camera) -> list[SegmentSummary]:
    """What is left, oldest first."""
    volume = room.volume()
    try:
        found = [one for one in volume.catalogue.segments() if one.stream_id == camera.stream_id]
        return sorted(found, key=lambda one: one.start_us)
    finally:
        volume.files.close()


def retain(room: Room) -> None:
    """A start of the recorder, one look at retention, and its end."""
    recorder = room.recorder()
    for _ in range(3):
        recorder.cut()
        recorder.wait_written()
    recorder.close()


@pytest.fixture
def filmed(room: Room) -> Camera:
    """Twelve seconds of one camera on the disk."""
    room.settings = replace(room.settings, segment_us=SECOND_US)
    camera = Camera(room.clock)
    steady(room, camera, 12)()
    assert len(segments(room, camera)) > 6
    return camera


@pytest.mark.parametrize("by", ["age", "quota"])
def test_a_held_span_survives_while_its_neighbours_go(
    room: Room, filmed: Camera, tmp_path: Path, by: str
) -> None:
    before = segments(room, filmed)
    middle = before[len(before) // 2]
    held = HeldSpan(filmed.stream_id, middle.start_us + 1, middle.end_us - 1)
    book = HoldBook(tmp_path / "holds.json", LEAD_US)
    book.apply((held,))
    wanted = list(room.archive().read(filmed.stream_id, Span(held.start_us, held.end_us)))
    kept = [one for one in before if held.start_us - LEAD_US < one.end_us and one.start_us < held.end_us]
    assert 0 < len(kept) < len(before) - 2
    room.protected = HoldBook(tmp_path / "holds.json", LEAD_US).protects  # as after a restart, no server
    if by == "age":
        room.clock.advance(3_600 * SECOND_US)
        room.settings = replace(room.settings, keep_us=60 * SECOND_US)
    else:
        room.settings = replace(room.settings, quota_bytes=sum(one.size_bytes for one in kept) + 100)
    retain(room)
    assert [one.segment_id for one in segments(room, filmed)] == [one.segment_id for one in kept]
    assert list(room.archive().read(filmed.stream_id, Span(held.start_us, held.end_us))) == wanted
    gaps = room.archive().timeline(filmed.stream_id, EVERYTHING).gaps
    reason = "retention" if by == "age" else "made_room"
    assert [one.reason for one in gaps].count(reason) == 2
    assert any(isinstance(one, SegmentsDeleted) for one in room.facts)
    book.apply(())
    room.protected = book.protects
    room.settings = replace(room.settings, quota_bytes=0)
    retain(room)
    assert segments(room, filmed) == []


def test_when_only_held_segments_are_left_that_is_said_once_and_recording_goes_on(
    room: Room, filmed: Camera
) -> None:
    held = {one.segment_id for one in segments(room, filmed)}
    room.protected = lambda summary: summary.segment_id in held
    room.settings = replace(room.settings, quota_bytes=1, retention_every_us=SECOND_US)
    more = Camera(room.clock)
    steady(room, more, 6)()
    failed = [one for one in room.facts if isinstance(one, VolumeFailed)]
    assert [one.fault for one in failed] == ["held"]
    assert "holds" in failed[0].message
    assert {one.segment_id for one in segments(room, filmed)} == held
    assert more.sent[-1][1] in list(recorded(room.archive(), more.stream_id))
    room.facts.clear()
    room.protected = lambda summary: False
    last = Camera(room.clock)
    steady(room, last, 6)()
    assert segments(room, filmed) == []
    assert not any(isinstance(one, VolumeFailed) for one in room.facts)


def test_a_hold_that_ends_while_the_recorder_runs_ends_the_trouble(room: Room, filmed: Camera) -> None:
    held = {one.segment_id for one in segments(room, filmed)}
    room.protected = lambda summary: summary.segment_id in held
    room.settings = replace(room.settings, quota_bytes=1, retention_every_us=SECOND_US)
    camera = Camera(room.clock)
    recorder = room.recorder()
    camera.start(recorder)
    for second in range(8):
        if second == 4:
            held.clear()
        play(recorder, [camera], 15)
        recorder.wait_written()
    recorder.close()
    told = [one for one in room.facts if isinstance(one, VolumeFailed | VolumeRecovered)]
    assert [type(one) for one in told] == [VolumeFailed, VolumeRecovered]


def test_what_cannot_be_read_protects_everything(room: Room, filmed: Camera, tmp_path: Path) -> None:
    path = tmp_path / "holds.json"
    before = segments(room, filmed)
    stream = str(filmed.stream_id)
    for text in (b"", b"{", b"[]", b'{"version": 3, "held": []}', b'{"version": 1, "held": [["x", 1, 2]]}',
                 f'{{"version": 1, "held": [["{stream}", null, 2]]}}'.encode(), b"\xff" * 9):  # fmt: skip
        path.write_bytes(text)
        book = HoldBook(path)
        assert book.digest == ""
        assert all(map(book.protects, before))
    book.apply(())
    assert book.digest == holds_digest(())
    assert not any(map(book.protects, before))


def test_a_disk_that_does_not_keep_holds_leaves_them_in_force(
    room: Room, filmed: Camera, tmp_path: Path
) -> None:
    book = HoldBook(tmp_path / "missing" / "holds.json")
    assert book.digest == holds_digest(())
    with pytest.raises(AppError):
        book.apply((HeldSpan(filmed.stream_id, 0, 2**62),))
    assert book.digest == ""
    assert all(map(book.protects, segments(room, filmed)))


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    book = HoldBook(tmp_path / "holds.json")
    holds = (HeldSpan(StreamId(new_id()), 1, 2), HeldSpan(StreamId(new_id()), 3, 4))
    book.apply(holds)
    assert (tmp_path / "holds.json").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["holds.json"]
    assert HoldBook(tmp_path / "holds.json").digest == holds_digest(holds) == holds_digest(holds[::-1])


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=8),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), min_size=1, max_size=4),
)
def test_a_segment_is_protected_exactly_when_it_touches_a_hold(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]], extents: list[tuple[int, int]]
) -> None:
    stream = StreamId(new_id())
    book = HoldBook(tmp_path_factory.mktemp("holds") / "holds.json", lead_us=3)
    book.apply(tuple(HeldSpan(stream, start, start + length) for start, length in spans))
    summary = made_of(stream, extents)
    second_held = {moment for start, length in spans for moment in range(start - 3, start + length)}
    second_filmed = {moment for start, length in extents for moment in range(start, start + length)}
    assert book.protects(summary) == bool(second_held & second_filmed)
    assert not book.protects(made_of(StreamId(new_id()), extents))


def test_holds_with_cases_and_wraps_travel_to_the_recorder() -> None:
    methods = methods_of(RecorderFace)
    held = (HeldSpan(StreamId(new_id()), 1, 2, CaseId(new_id())), HeldSpan(StreamId(new_id()), 3, 4))
    for name, argument, value in (
        ("apply_holds", "holds", held),
        ("keep_case_wraps", "wraps", (b"\x00\xff", b"")),
    ):
        method = methods[name]
        assert method.read_arguments(method.write_arguments((value,), {})) == {argument: value}


def made_of(stream: StreamId, extents: list[tuple[int, int]]) -> SegmentSummary:
    made = tuple(Extent(0, 1, Span(start, start + length)) for start, length in extents)
    return SegmentSummary(
        stream,
        RunId(new_id()),
        SegmentId(new_id()),
        KeyId(new_id()),
        0,
        1,
        1,
        1,
        SegmentState.WHOLE,
        b"",
        made,
    )
