"""How long the archive needs to say what is there: 100 cameras that recorded for 30 days, and still do."""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.recording.footage import Camera, Room, make_site, play

from bench.measure import Measure, percentile, say
from bench.result import Finding
from civiscope.base import ReasonedSpan, RunId, SegmentId, Span, StreamId, new_id
from civiscope.ingest import LossReason
from civiscope.recording import SegmentState, SegmentSummary
from civiscope.recording.index import INDEX_PATH, GapRecord, write_record
from civiscope.recording.model import Extent
from civiscope.security import KeyId

CAMERAS = 100
DAYS = 30
_DAY_US = 86_400_000_000
_SEGMENT_US = 300_000_000
_SEGMENTS_A_RUN = 96
"""Three gaps a day."""
_GAP_US = 60_000_000
_RATE_FPS = 15
_LEAST = 20


def run(folder: Path, seconds: float) -> list[Finding]:
    """A volume whose index holds 30 days of all cameras, each writing a segment now; asked for `seconds`."""
    room = Room(make_site(folder / "keys"), folder / "volume")
    cameras = _recorded(room)
    streams = [camera.stream_id for camera in cameras]
    began = time.monotonic()
    archive = room.archive()
    say(f"{len(streams)} streams taken in after {time.monotonic() - began:.1f} s")
    month = Span(room.clock.now_us() - DAYS * _DAY_US, room.clock.now_us())
    assert len(archive.days(streams[0], month)) > DAYS - 1
    assert len(archive.timeline(streams[0], month).gaps) >= DAYS * 2
    chance = random.Random(5)
    spans_ms: list[float] = []
    days_ms: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(spans_ms) < _LEAST:
        archive.refresh()
        spans_ms.append(_took_ms(lambda: [archive.timeline(one, month) for one in streams]))
        days_ms.append(_took_ms(partial(archive.days, chance.choice(streams), month)))
    all_spans = (
        f"p95 of {len(spans_ms)} questions for spans and gaps of 30 days of all {CAMERAS} cameras at once, "
        f"each being recorded; p50 {percentile(spans_ms, 0.5):.1f} ms, worst {max(spans_ms):.1f} ms"
    )
    one_days = f"p95 of {len(days_ms)} questions for one camera's days with footage, {CAMERAS} cameras there"
    return [
        Finding("archive_query_ms", percentile(spans_ms, 0.95), "ms", 50.0, all_spans),
        Finding("archive_days_ms", percentile(days_ms, 0.95), "ms", 50.0, one_days),
    ]


def _took_ms(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return (time.perf_counter() - began) * 1000


def _recorded(room: Room) -> list[Camera]:
    """The real recorder writes five seconds of every camera; 30 days before it are put into the index."""
    recorder = room.recorder()
    cameras = [Camera(room.clock) for _ in range(CAMERAS)]
    for camera in cameras:
        camera.start(recorder)
    began_us = room.clock.now_us()
    play(recorder, cameras, 5 * _RATE_FPS)
    with open(room.folder / INDEX_PATH, "ab") as index:
        for camera in cameras:
            index.write(_history(camera.stream_id, began_us))
    say(f"index of {(room.folder / INDEX_PATH).stat().st_size / 1e6:.0f} MB")
    return cameras


def _history(stream_id: StreamId, end_us: int) -> bytes:
    """Records of 30 days of segments in runs, with a gap behind each run."""
    records = bytearray()
    at_us, number = end_us - DAYS * _DAY_US, 0
    run_id, sequence = RunId(new_id()), 0
    while at_us + _SEGMENT_US + _GAP_US <= end_us:
        last = sequence + 300 * _RATE_FPS - 1
        extent = Extent(sequence, last, Span(at_us, at_us + _SEGMENT_US))
        summary = SegmentSummary(
            stream_id, run_id, SegmentId(new_id()), KeyId(new_id()), at_us // 3_600_000_000, 75_000_000,
            334, 300 * _RATE_FPS, SegmentState.WHOLE, bytes(32), (extent,),
        )  # fmt: skip
        records += write_record(summary)
        at_us, sequence, number = at_us + _SEGMENT_US, last + 1, number + 1
        if number % _SEGMENTS_A_RUN == 0:
            gap = ReasonedSpan(at_us, at_us + _GAP_US, LossReason.UNREACHABLE, "bench")
            records += write_record(GapRecord(stream_id, gap))
            at_us, run_id, sequence = at_us + _GAP_US, RunId(new_id()), 0
    gap = ReasonedSpan(at_us, end_us, LossReason.UNREACHABLE, "bench")
    return bytes(records + write_record(GapRecord(stream_id, gap)))


MEASURE = Measure(
    "archive_query",
    20.0,
    run,
    {
        "archive_query_ms": "The real archive on a made index of 100 cameras and 30 days (860,000 segments, "
        "three gaps a day and camera) and one growing segment per camera on the disk; one question after the "
        "other for spans and gaps of all cameras, 95th percentile.",
        "archive_days_ms": "The same archive, asked for the days with footage of one camera.",
    },
)
