"""The monthly figure: right over months, zones and changes to summer time, and the same after deletion."""

from dataclasses import replace
from datetime import UTC, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, Camera, Room, play

from civiscope.base import ManualClock, ReasonedSpan, RunId, Span, SystemClock, new_id
from civiscope.ingest import LossReason
from civiscope.recording import (
    Availability,
    ReasonSum,
    RecordedSpan,
    Recorder,
    Timeline,
    availability_of,
    month_span,
)

S = 1_000_000
HOUR_S = 3600
SOFIA = ZoneInfo("Europe/Sofia")
RUN = RunId(new_id())


def there(start_s: float, end_s: float, lane: int = 0) -> RecordedSpan:
    return RecordedSpan(Span(round(start_s * S), round(end_s * S)), lane, RUN)


def gone(start_s: float, end_s: float | None, reason: str) -> ReasonedSpan:
    return ReasonedSpan(round(start_s * S), None if end_s is None else round(end_s * S), reason)


def judged(recorded: list[RecordedSpan], gaps: list[ReasonedSpan], now_s: float = 1000) -> Availability:
    return availability_of(Timeline(tuple(recorded), tuple(gaps)), Span(0, 1000 * S), round(now_s * S))


def test_missing_time_counts_by_reason_and_deleted_footage_as_recorded() -> None:
    found = judged(
        [there(300, 600), there(610, 700)],
        [
            gone(100, 300, "retention"), gone(600, 610, "packets_lost"), gone(700, 800, "unreachable"),
            gone(800, 805, "our_restart"), gone(805, 900, "unreachable"), gone(900, None, "removed"),
        ],
    )  # fmt: skip
    assert found.recorded_us == (200 + 300 + 90) * S
    assert found.missing == (
        ReasonSum("unreachable", 195 * S), ReasonSum("packets_lost", 10 * S), ReasonSum("our_restart", 5 * S),
    )  # fmt: skip
    assert found.not_due == (ReasonSum("removed", 100 * S),)
    assert found.due_us == 800 * S
    assert found.share == pytest.approx(590 / 800)


def test_what_is_not_recorded_on_purpose_is_not_due() -> None:
    found = judged(
        [there(0, 300), there(310, 400)],
        [gone(300, 310, "disk_slow"), gone(400, 750, "schedule"), gone(750, None, "no_event")],
    )
    assert found.missing == (ReasonSum("disk_slow", 10 * S),)
    assert found.not_due == (ReasonSum("schedule", 350 * S), ReasonSum("no_event", 250 * S))
    assert (found.recorded_us, found.due_us) == (390 * S, 400 * S)


def test_an_open_gap_counts_until_now_and_the_future_does_not() -> None:
    found = judged([there(0, 100)], [gone(100, None, "stalled")], now_s=150)
    assert (found.recorded_us, found.missing) == (100 * S, (ReasonSum("stalled", 50 * S),))
    assert judged([], [gone(100, None, "stalled")], now_s=50).share is None
    assert judged([], []).due_us == 0


def test_the_rhythm_of_a_camera_is_no_loss_but_a_known_gap_is() -> None:
    assert judged([there(0, 10), there(10.9, 20)], []).recorded_us == 20 * S
    found = judged([there(0, 10), there(10.2, 20)], [gone(10, 10.2, "packets_lost")])
    assert (found.recorded_us, found.missing) == (19.8 * S, (ReasonSum("packets_lost", 200_000),))


def test_an_hour_that_comes_twice_counts_once() -> None:
    found = judged([there(0, 500), there(400, 900, lane=1)], [])
    assert (found.recorded_us, found.share) == (900 * S, 1.0)


@pytest.mark.parametrize(
    ("month", "zone", "hours"),
    [
        ("2026-03", SOFIA, 31 * 24 - 1),
        ("2026-10", SOFIA, 31 * 24 + 1),
        ("2026-12", SOFIA, 31 * 24),
        ("2028-02", UTC, 29 * 24),
        ("2026-04", ZoneInfo("Australia/Lord_Howe"), 30 * 24 + 0.5),
    ],
)
def test_months_begin_at_the_midnight_of_the_zone(month: str, zone: tzinfo, hours: float) -> None:
    span = month_span(month, zone)
    assert span.duration_us == hours * HOUR_S * S
    year, number = (int(part) for part in month.split("-"))
    following = f"{year + number // 12}-{number % 12 + 1:02d}"
    assert month_span(following, zone).start_us == span.end_us


PIECES = st.lists(
    st.tuples(
        st.integers(1, 300), st.sampled_from(["", "retention", "unreachable", "disk_full", "removed", "x"])
    ),
    max_size=12,
)


@given(pieces=PIECES, cuts=st.lists(st.integers(0, 1000), max_size=3))
def test_months_add_up_to_the_whole(pieces: list[tuple[int, str]], cuts: list[int]) -> None:
    recorded: list[RecordedSpan] = []
    gaps: list[ReasonedSpan] = []
    at_s = 0
    for length_s, reason in pieces:
        end_s = at_s + length_s
        if reason == "":
            recorded.append(there(at_s, end_s))
        else:
            gaps.append(gone(at_s, end_s, reason))
        at_s = end_s
    timeline = Timeline(tuple(recorded), tuple(gaps))
    now_us = 10_000 * S

    def sums(span: Span) -> dict[str, int]:
        found = availability_of(timeline, span, now_us)
        told = {one.reason: one.duration_us for one in (*found.missing, *found.not_due)}
        return {**told, "": found.recorded_us}

    borders = sorted({0, 10_000, *cuts})
    total: dict[str, int] = {"": 0}
    for start_s, end_s in pairwise(borders):
        for reason, us in sums(Span(start_s * S, end_s * S)).items():
            total[reason] = total.get(reason, 0) + us
    expected = {"": 0}
    for length_s, reason in pieces:
        word = "" if reason == "retention" else reason
        expected[word] = expected.get(word, 0) + length_s * S
    assert total == expected


@pytest.fixture
def now_room(room: Room) -> Room:
    """Its clock shows today: a segment made long after its pictures would be an import."""
    room.clock = ManualClock(SystemClock().now_us())
    return room


def steady(recorder: Recorder, camera: Camera, frames: int) -> None:
    play(recorder, [camera], frames)
    recorder.cut()
    assert recorder.wait_written()


def test_the_figure_outlives_the_footage_and_a_compaction(now_room: Room) -> None:
    room = now_room
    room.settings = replace(room.settings, segment_us=1_000_000)
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, camera, 150)
    camera.end(recorder, LossReason.UNREACHABLE)
    room.clock.advance(20 * S)
    camera.start(recorder)
    steady(recorder, camera, 150)
    camera.end(recorder, LossReason.REMOVED)
    room.clock.advance(10 * S)
    recorder.close()
    before = room.archive().availability(camera.stream_id, EVERYTHING)
    assert [(one.reason, round(one.duration_us / S)) for one in before.missing] == [("unreachable", 20)]
    assert before.share == pytest.approx(0.5, abs=0.01)
    room.settings = replace(room.settings, keep_us=0, retention_every_us=1)
    for _ in range(2):
        room.clock.advance(S)
        other = room.recorder()
        other.cut()
        assert other.wait_written()
        other.close()
    archive = room.archive()
    assert archive.timeline(camera.stream_id, EVERYTHING).recorded == ()
    after = archive.availability(camera.stream_id, EVERYTHING)
    assert (after.recorded_us, after.missing) == (before.recorded_us, before.missing)


@pytest.mark.parametrize("by_s", [3600, -3600])
def test_a_clock_that_is_set_costs_no_availability(room: Room, by_s: int) -> None:
    recorder = room.recorder()
    camera = Camera(room.clock)
    camera.start(recorder)
    steady(recorder, camera, 60)
    room.clock.step_wall(by_s * S)
    steady(recorder, camera, 60)
    archive = room.archive()
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    assert availability_of(timeline, EVERYTHING, room.clock.now_us()).share == 1.0
    assert [gap.reason for gap in timeline.gaps] == (["clock_stepped"] if by_s > 0 else [])
    recorder.close()
