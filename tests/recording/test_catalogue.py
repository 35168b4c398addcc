"""The index: followed, compacted, lost and made again; quick at the size of a town."""

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EPOCH_US, EVERYTHING, Camera, Room, Site, play, recorded

from civiscope.base import AppError, ManualClock, ReasonedSpan, RunId, SegmentId, Span, StreamId, new_id
from civiscope.recording import Archive, SegmentState, SegmentSummary, rebuild_catalogue
from civiscope.recording.index import (
    INDEX_PATH,
    ErasedRecord,
    GapRecord,
    IndexRecord,
    RecorderMoment,
    SegmentDeletion,
    read_records,
    write_index_header,
    write_record,
)
from civiscope.recording.lanes import Lanes, lanes
from civiscope.recording.model import Extent, RecordedSpan, SegmentOpening
from civiscope.recording.timeline import timeline_of
from civiscope.security import KeyId

ids = st.uuids()
moments = st.integers(-(1 << 60), 1 << 60)
words = st.text(max_size=40)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start_us = draw(moments)
    return Span(start_us, start_us + draw(st.integers(0, 1 << 50)))


@st.composite
def records(draw: st.DrawFn) -> IndexRecord:
    stream = StreamId(draw(ids))
    span = draw(spans())
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return SegmentOpening(
            stream, RunId(draw(ids)), SegmentId(draw(ids)), KeyId(draw(ids)), draw(moments), 3, draw(moments)
        )
    if kind == 1:
        extents = tuple(Extent(7, 9, one) for one in draw(st.lists(spans(), min_size=1, max_size=3)))
        return SegmentSummary(
            stream, RunId(draw(ids)), SegmentId(draw(ids)), KeyId(draw(ids)), draw(moments), 5, 6, 7,
            draw(st.sampled_from(SegmentState)), bytes(32), extents,
        )  # fmt: skip
    if kind == 2:
        return SegmentDeletion(stream, SegmentId(draw(ids)), draw(moments), draw(words))
    if kind == 3:
        end_us = draw(st.sampled_from([span.end_us, None]))
        return GapRecord(stream, ReasonedSpan(span.start_us, end_us, draw(words), draw(words)))
    if kind == 4:
        return ErasedRecord(stream, ReasonedSpan(span.start_us, span.end_us, draw(words)))
    return RecorderMoment(draw(moments), draw(st.booleans()))


@given(st.lists(records(), max_size=6), st.integers(0, 2000))
def test_what_is_written_is_read_and_a_cut_gives_a_prefix(wanted: list[IndexRecord], cut: int) -> None:
    data = b"".join(write_record(one) for one in wanted)
    assert read_records(data) == (wanted, len(data))
    found, length = read_records(data[:cut])
    assert found == wanted[: len(found)]
    assert length <= cut


@given(st.lists(records(), min_size=1, max_size=4), st.data())
def test_a_changed_byte_ends_the_index_there(wanted: list[IndexRecord], data: st.DataObject) -> None:
    good = b"".join(write_record(one) for one in wanted)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ 1 << data.draw(st.integers(0, 7))]) + good[at + 1 :]
    found, _ = read_records(bad)
    assert found == wanted[: len(found)]
    assert len(found) < len(wanted)


@given(st.lists(st.tuples(spans(), st.integers(0, 3)), max_size=12))
def test_no_two_spans_of_a_lane_overlap_by_more_than_the_slack(given_spans: list[tuple[Span, int]]) -> None:
    runs = [RunId(UUID(int=number)) for number in range(4)]
    extents = [(Extent(10 * i, 10 * i + 5, span), runs[run]) for i, (span, run) in enumerate(given_spans)]
    found = lanes(extents)
    assert len(found) == len(extents)
    for lane in {one.lane for one in found}:
        order = [one.span for one in found if one.lane == lane]
        for index, one in enumerate(order):
            assert all(before.end_us <= one.start_us + 1_000_000 for before in order[:index])


@given(st.lists(st.tuples(spans(), st.integers(0, 3)), max_size=12), st.integers(0, 12))
def test_lanes_go_on_from_a_copy_as_if_they_had_been_made_at_once(
    given_spans: list[tuple[Span, int]], closed: int
) -> None:
    runs = [RunId(UUID(int=number)) for number in range(4)]
    extents = [(Extent(6 * i, 6 * i + 5, span), runs[run]) for i, (span, run) in enumerate(given_spans)]
    first = Lanes()
    for extent, run in extents[:closed]:
        first.add(extent, run)
    before = list(first.spans)
    second = first.copy()
    for extent, run in extents[closed:]:
        second.add(extent, run)
    assert second.spans == lanes(extents)
    assert first.spans == before


def test_days_are_those_of_the_zone_and_as_long_as_they_are(room: Room) -> None:
    """Clocks go back on 25 October 2026 in Sofia: that day has 25 hours."""
    zone = ZoneInfo("Europe/Sofia")
    day_us = int(datetime(2026, 10, 25, tzinfo=zone).timestamp()) * 1_000_000
    hour_us = 3_600_000_000
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    recorder.close()
    summary = SegmentSummary(
        camera.stream_id, RunId(new_id()), SegmentId(new_id()), KeyId(new_id()), 0, 1, 1, 10,
        SegmentState.WHOLE, bytes(32), (Extent(0, 9, Span(day_us - hour_us, day_us + 26 * hour_us)),),
    )  # fmt: skip
    with open(room.folder / INDEX_PATH, "ab") as index:
        index.write(write_record(summary))
    found = room.archive().days(camera.stream_id, EVERYTHING, zone)
    assert {day.isoformat(): length_us // hour_us for day, length_us in found.items()} == {
        "2026-10-24": 1, "2026-10-25": 25, "2026-10-26": 1,
    }  # fmt: skip


def test_every_hole_is_explained_or_said_to_be_unexplained() -> None:
    run = RunId(new_id())
    recorded_spans = [
        RecordedSpan(Span(0, 10_000_000), 0, run),
        RecordedSpan(Span(30_000_000, 40_000_000), 0, run),
    ]
    gaps = [ReasonedSpan(10_000_000, 20_000_000, "closed")]
    found = timeline_of(recorded_spans, gaps, [], Span(5_000_000, 35_000_000), 41_000_000)
    assert [(gap.start_us, gap.end_us, gap.reason) for gap in found.gaps] == [
        (10_000_000, 20_000_000, "closed"),
        (20_000_000, 30_000_000, "unexplained"),
    ]
    assert [one.span for one in found.recorded] == [Span(5_000_000, 10_000_000), Span(30_000_000, 35_000_000)]
    silent = timeline_of(recorded_spans, gaps, [], EVERYTHING, 60_000_000)
    assert silent.gaps[-1].end_us is None


def record_some(room: Room) -> Camera:
    room.settings = replace(room.settings, segment_us=1_000_000)
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    play(recorder, [camera], 60)
    camera.end(recorder)
    room.clock.advance(5_000_000)
    camera.start(recorder)
    play(recorder, [camera], 60)
    recorder.close()
    return camera


@pytest.mark.parametrize("damage", ["none", "gone", "garbage", "half"])
def test_a_lost_index_is_made_again_from_the_segments(room: Room, damage: str) -> None:
    camera = record_some(room)
    before = room.archive().timeline(camera.stream_id, EVERYTHING)
    path = room.folder / "index.cvx"
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"x" * 500)
    elif damage == "half":
        path.write_bytes(data[: len(data) // 2])
    (found,) = rebuild_catalogue([room.folder], room.clock)
    assert found.segment_count == len(list(room.folder.rglob("*.cvs")))
    archive = room.archive()
    assert archive.timeline(camera.stream_id, EVERYTHING).recorded == before.recorded
    assert list(recorded(archive, camera.stream_id)) == [unit for _, unit in camera.sent]
    if damage == "none":
        assert archive.timeline(camera.stream_id, EVERYTHING).gaps[:-1] == before.gaps[:-1]
        assert found.gaps_kept == 1


def test_it_is_not_rebuilt_under_a_running_recorder(room: Room) -> None:
    recorder = room.recorder()
    with pytest.raises(AppError, match="another process"):
        rebuild_catalogue([room.folder], room.clock)
    recorder.close()


def test_a_file_that_is_gone_is_a_gap_with_its_reason(room: Room) -> None:
    camera = record_some(room)
    sorted(room.folder.rglob("*.cvs"))[1].unlink()
    room.recorder().close()
    reasons = [gap.reason for gap in room.archive().timeline(camera.stream_id, EVERYTHING).gaps]
    assert reasons[0] == "file_missing"


def test_a_volume_of_another_site_is_refused(room: Room, tmp_path: Path) -> None:
    record_some(room)
    from tests.recording.footage import make_site

    other: Site = make_site(tmp_path / "other")
    with pytest.raises(AppError, match="belongs to site"):
        Room(other, room.folder, room.clock).recorder()


def test_a_town_of_cameras_is_found_quickly(site: Site, tmp_path: Path) -> None:
    """36 cameras, 3 days, a segment every 300 s: 31,104 of them."""
    folder = tmp_path / "town"
    folder.mkdir()
    streams = [StreamId(new_id()) for _ in range(36)]
    data = [write_index_header(new_id(), 1)]
    key = KeyId(new_id())
    for number in range(3 * 288):
        for stream in streams:
            start_us = EPOCH_US + number * 300_000_000
            extent = Extent(number * 4500, number * 4500 + 4499, Span(start_us, start_us + 300_000_000))
            data.append(
                write_record(
                    SegmentSummary(
                        stream, RunId(stream), SegmentId(new_id()), key, number // 12, 75_000_000, 300, 4500,
                        SegmentState.WHOLE, bytes(32), (extent,),
                    )
                )
            )  # fmt: skip
    (folder / "index.cvx").write_bytes(b"".join(data))
    clock = ManualClock(EPOCH_US + 3 * 86_400_000_000)
    began_s = time.process_time()
    archive = Archive([folder], site.keyring, clock)
    loaded_s = time.process_time() - began_s
    began_s = time.process_time()
    for stream in streams:
        timeline = archive.timeline(stream, Span(EPOCH_US, clock.now_us()))
        assert len(timeline.recorded) == 1
        assert len(archive.days(stream, Span(EPOCH_US, clock.now_us()))) == 4
    asked_s = time.process_time() - began_s
    print(f"loaded in {loaded_s:.3f} s, all timelines and days in {asked_s:.3f} s")
    assert loaded_s < 3
    assert asked_s < 1
