"""Ids, clocks, spans, back-off and logging."""

import io
import json
import logging
import pickle
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import (
    AppError,
    Backoff,
    ErrorKind,
    Log,
    ManualClock,
    ProtocolError,
    ReasonedSpan,
    Span,
    SystemClock,
    Whose,
    boot_id,
    configure_logging,
    get_log,
    merge_spans,
    new_id,
    subtract_spans,
)

spans = st.tuples(st.integers(0, 1000), st.integers(0, 100)).map(
    lambda pair: Span(pair[0], pair[0] + pair[1])
)


def test_ids_are_version_7_and_increase() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert all(value.version == 7 and value.variant == "specified in RFC 4122" for value in ids)
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_are_unique_over_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [
            value
            for batch in pool.map(lambda _: [new_id() for _ in range(2000)], range(8))
            for value in batch
        ]
    assert len(set(made)) == 16_000


def test_ids_carry_the_time() -> None:
    before_ms = SystemClock().now_us() // 1000
    assert before_ms - 1 <= new_id().int >> 80 <= SystemClock().now_us() // 1000 + 10


def test_manual_clock_steps_wall_but_not_durations() -> None:
    clock = ManualClock(now_us=1_000_000)
    clock.advance(5)
    clock.step_wall(-3_600_000_000)
    assert clock.monotonic_us() == 5
    assert clock.now_us() == 1_000_005 - 3_600_000_000
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)


def test_system_clock_and_boot() -> None:
    clock = SystemClock()
    assert clock.monotonic_us() <= clock.monotonic_us()
    assert boot_id() == boot_id() != ""


@given(st.lists(spans), spans)
def test_subtract_and_merge_agree_with_a_set_of_moments(taken: list[Span], whole: Span) -> None:
    moments = set(range(whole.start_us, whole.end_us)) - {
        m for s in taken for m in range(s.start_us, s.end_us)
    }
    remaining = subtract_spans(whole, taken)
    assert {m for s in remaining for m in range(s.start_us, s.end_us)} == moments
    merged = merge_spans(taken)
    assert {m for s in merged for m in range(s.start_us, s.end_us)} == {
        m for s in taken for m in range(s.start_us, s.end_us)
    }
    assert all(a.end_us < b.start_us for a, b in pairwise(merged))


@given(spans, spans)
def test_clip_is_the_shared_part(one: Span, other: Span) -> None:
    shared = one.clip(other)
    assert (shared is not None) == (one.overlaps(other) and one.duration_us > 0 and other.duration_us > 0)
    if shared is not None:
        assert one.contains(shared.start_us)
        assert other.contains(shared.start_us)
        assert shared.duration_us <= min(one.duration_us, other.duration_us)


def test_merge_joins_neighbours_within_tolerance() -> None:
    assert merge_spans([Span(0, 10), Span(12, 20), Span(30, 31)], join_us=2) == [Span(0, 20), Span(30, 31)]


def test_a_span_must_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="must not end"):
        Span(5, 4)
    assert ReasonedSpan(5, None, "stalled").closed_at(3) == ReasonedSpan(5, 5, "stalled")


def test_backoff_grows_is_bounded_and_resets() -> None:
    backoff = Backoff(first_s=0.25, limit_s=30, rng=random.Random(7))
    delays = [backoff.next_delay_s() for _ in range(20)]
    assert 0.18 <= delays[0] <= 0.25
    assert max(delays) <= 30
    assert delays[-1] >= 22
    backoff.reset()
    assert backoff.next_delay_s() <= 0.25


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(AppError(ErrorKind.DENIED, "not yours")))
    assert (error.kind, error.message) == (ErrorKind.DENIED, "not yours")
    broken = pickle.loads(pickle.dumps(ProtocolError("bad length", Whose.LOCAL)))
    assert (broken.kind, broken.whose) == (ErrorKind.INVALID, Whose.LOCAL)


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("debug", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_log_lines_are_json_with_fields_and_without_passwords(log_lines: io.StringIO) -> None:
    log = get_log("civiscope.ingest").bind(stream="s1")
    log.info("connecting", url="rtsp://admin:hunter2@10.0.0.5/live")
    log.debug("packet", size=3)
    line = json.loads(log_lines.getvalue().splitlines()[0])
    assert line["room"] == "ingest"
    assert line["stream"] == "s1"
    assert line["url"] == "rtsp://***@10.0.0.5/live"
    assert "hunter2" not in log_lines.getvalue()


def test_repeated_faults_are_counted_not_repeated(log_lines: io.StringIO) -> None:
    clock = ManualClock()
    log = Log("civiscope.ingest", clock)
    for _ in range(5):
        log.warning("packet lost", stream="s1")
    log.error("other")
    clock.advance(11_000_000)
    log.warning("packet lost", stream="s1")
    lines = [json.loads(text) for text in log_lines.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["packet lost", "other", "packet lost"]
    assert lines[2]["repeated"] == "4"


def test_an_exception_is_logged_whole(log_lines: io.StringIO) -> None:
    try:
        raise RuntimeError("disk on fire")
    except RuntimeError:
        get_log("civiscope.app").exception("task died", task="writer")
    line = json.loads(log_lines.getvalue())
    assert "disk on fire" in line["trace"]
    assert line["task"] == "writer"


def test_silenced_levels_cost_nothing(log_lines: io.StringIO) -> None:
    logging.getLogger().setLevel("ERROR")
    get_log("civiscope.x").warning("quiet")
    assert log_lines.getvalue() == ""
