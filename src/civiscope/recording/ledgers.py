"""The gaps of a stream that was on several volumes: what one misses, another may have."""

from collections.abc import Sequence
from dataclasses import dataclass

from civiscope.base import ReasonedSpan, Span, subtract_spans

_SEAM_US = 1_000_000
"""What is left of a gap between the footage of two volumes is their seam when it is no longer than this."""


@dataclass(frozen=True, slots=True)
class VolumeLedger:
    """What one volume knows of a stream."""

    recorded: Sequence[Span]
    gaps: Sequence[ReasonedSpan]
    open_gap: ReasonedSpan | None


def merged_gaps(
    ledgers: Sequence[VolumeLedger], now_us: int
) -> tuple[list[ReasonedSpan], list[ReasonedSpan]]:
    """(Closed gaps, the open one if any): nothing is missing where any volume has it, nothing comes twice."""
    known = [one for one in ledgers if one.recorded or one.gaps or one.open_gap]
    if len(known) < 2:
        return [gap for one in known for gap in one.gaps], [
            one.open_gap for one in known if one.open_gap is not None
        ]
    newest = _open_now(known)
    until_us = now_us if newest is None else newest.start_us
    pieces: list[tuple[int, ReasonedSpan]] = []
    for number, one in enumerate(known):
        others = [span for index, other in enumerate(known) if index != number for span in other.recorded]
        gaps = list(one.gaps)
        if one.open_gap is not None and one.open_gap is not newest:
            gaps.append(one.open_gap.closed_at(max(one.open_gap.start_us, until_us)))
        pieces += [(gap.start_us, piece) for gap in gaps for piece in _without(gap, others)]
    found: list[ReasonedSpan] = []
    # Where two volumes speak of one moment, the gap that began last is right: the other was left open behind.
    for _, piece in sorted(pieces, key=lambda one: one[0], reverse=True):
        found += _without(piece, [_span(other) for other in found])
    found.sort(key=lambda gap: (gap.start_us, gap.end_us or 0))
    return found, [] if newest is None else [newest]


def _open_now(known: Sequence[VolumeLedger]) -> ReasonedSpan | None:
    """The open gap that began last, unless something was recorded since."""
    newest = max(
        (one.open_gap for one in known if one.open_gap is not None),
        key=lambda gap: gap.start_us,
        default=None,
    )
    last_us = max((span.end_us for one in known for span in one.recorded), default=0)
    return None if newest is None or last_us > newest.start_us + _SEAM_US else newest


def _without(gap: ReasonedSpan, spans: Sequence[Span]) -> list[ReasonedSpan]:
    whole = _span(gap)
    touching = [span for span in spans if span.overlaps(whole)]
    if not touching:
        return [gap]
    return [
        ReasonedSpan(left.start_us, left.end_us, gap.reason, gap.detail)
        for left in subtract_spans(whole, touching)
        if left.duration_us > _SEAM_US
    ]


def _span(gap: ReasonedSpan) -> Span:
    assert gap.end_us is not None
    return Span(gap.start_us, max(gap.start_us, gap.end_us))
