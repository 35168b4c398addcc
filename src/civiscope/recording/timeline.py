"""What a person sees above the picture: recorded spans, gaps with reasons, and nothing unaccounted for."""

from collections.abc import Iterable, Sequence

from civiscope.base import ReasonedSpan, Span, subtract_spans
from civiscope.ingest import LossReason
from civiscope.recording.model import GapReason, RecordedSpan, Timeline

_EXPLAIN_OVER_US = 1_000_000
"""Holes shorter than this between recorded spans are the rhythm of the camera, not missing footage."""
_SILENT_AFTER_US = 10_000_000
"""The recorder writes every second; silent for so long, it is not recording."""


def timeline_of(
    recorded: Sequence[RecordedSpan],
    gaps: Iterable[ReasonedSpan],
    open_gaps: Sequence[ReasonedSpan],
    span: Span,
    now_us: int,
    *,
    is_import: bool = False,
) -> Timeline:
    """Clip to `span`; add `unexplained` where neither footage nor ledger says anything.

    Nothing is missing behind a finished import: its entries in the ledger explain, and are not shown.
    """
    known = sorted(gaps, key=lambda gap: gap.start_us)
    ongoing = [gap for gap in open_gaps if gap.start_us < span.end_us]
    silent = [] if is_import else _silence(recorded, open_gaps, now_us)
    holes = _unexplained([one.span for one in recorded], [*known, *open_gaps, *silent], now_us)
    missing = [clipped for gap in (*known, *holes) if (clipped := _clip(gap, span)) is not None]
    missing += [
        ReasonedSpan(max(gap.start_us, span.start_us), None, gap.reason, gap.detail)
        for gap in (*ongoing, *silent)
        if gap.start_us < span.end_us
    ]
    missing = [gap for gap in missing if gap.reason != LossReason.FINISHED]
    there = [
        one if inside is one.span else RecordedSpan(inside, one.lane, one.run_id)
        for one in recorded
        if (inside := one.span.clip(span)) is not None
    ]
    there.sort(key=lambda one: (one.span.start_us, one.lane))
    missing.sort(key=lambda gap: gap.start_us)
    return Timeline(tuple(there), tuple(missing))


def _clip(gap: ReasonedSpan, span: Span) -> ReasonedSpan | None:
    assert gap.end_us is not None
    if span.start_us <= gap.start_us < gap.end_us <= span.end_us:
        return gap
    start_us, end_us = max(gap.start_us, span.start_us), min(gap.end_us, span.end_us)
    return ReasonedSpan(start_us, end_us, gap.reason, gap.detail) if start_us < end_us else None


def _silence(
    recorded: Sequence[RecordedSpan], open_gaps: Sequence[ReasonedSpan], now_us: int
) -> list[ReasonedSpan]:
    """The recorder says nothing any more: it was killed, or its disk was."""
    last_us = max((one.span.end_us for one in recorded), default=None)
    if open_gaps or last_us is None or now_us - last_us < _SILENT_AFTER_US:
        return []
    return [ReasonedSpan(last_us, None, GapReason.UNEXPLAINED, "the recorder has not written since")]


def _unexplained(recorded: Sequence[Span], gaps: Sequence[ReasonedSpan], now_us: int) -> list[ReasonedSpan]:
    spans = list(recorded)
    for gap in gaps:
        end_us = now_us if gap.end_us is None else gap.end_us
        spans.append(Span(gap.start_us, max(gap.start_us, end_us)))
    if not spans:
        return []
    whole = Span(min(one.start_us for one in spans), max(one.end_us for one in spans))
    return [
        ReasonedSpan(hole.start_us, hole.end_us, GapReason.UNEXPLAINED)
        for hole in subtract_spans(whole, spans)
        if hole.duration_us > _EXPLAIN_OVER_US
    ]
