"""How much of the time in which a stream should have been recorded it was; a pure sum over its timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from civiscope.base import ReasonedSpan, Span, merge_spans, subtract_spans
from civiscope.ingest import LossReason
from civiscope.recording.model import ON_PURPOSE, GapReason, Timeline

_RHYTHM_US = 1_000_000
"""Holes that the timeline does not call missing: the rhythm of the camera."""
LAWFULLY_DELETED: frozenset[str] = frozenset({GapReason.RETENTION})
"""It was recorded, and is gone because it had to go: counts as recorded."""
NOT_DUE: frozenset[str] = ON_PURPOSE | {LossReason.REMOVED, LossReason.FINISHED, GapReason.CLOCK_STEPPED}
"""Nothing was to be recorded then, or no time passed."""


@dataclass(frozen=True, slots=True)
class ReasonSum:
    """All time of one reason."""

    reason: str
    duration_us: int


@dataclass(frozen=True, slots=True)
class Availability:
    """Of one stream in one span; the most time first in both lists."""

    recorded_us: int
    """What was recorded, since deleted by law or not."""
    missing: tuple[ReasonSum, ...]
    """Counts against the stream."""
    not_due: tuple[ReasonSum, ...]
    """Does not count."""

    @property
    def due_us(self) -> int:
        """What should have been recorded."""
        return self.recorded_us + sum(one.duration_us for one in self.missing)

    @property
    def share(self) -> float | None:
        """0 to 1; None when nothing was due."""
        return self.recorded_us / self.due_us if self.due_us else None


NOTHING_DUE = Availability(0, (), ())


def availability_of(timeline: Timeline, span: Span, now_us: int) -> Availability:
    """Sum up a live stream's timeline within `span`; before its first and after its last entry none is due.

    Where a clock stepped back and an hour came twice, a gap of either pass counts: the sum stays the same
    when the footage is deleted later.
    """
    until_us = min(span.end_us, now_us)
    footage = [one.span for one in timeline.recorded]
    gaps: list[ReasonedSpan] = []
    for gap in timeline.gaps:
        if gap.reason in LAWFULLY_DELETED:
            footage.append(Span(gap.start_us, gap.start_us if gap.end_us is None else gap.end_us))
        else:
            gaps.append(gap)
    sums: dict[str, int] = {}
    taken: list[Span] = []
    for piece, reason in _apart(gaps, span.start_us, until_us):
        sums[reason] = sums.get(reason, 0) + piece.duration_us
        taken.append(piece)
    recorded_us = 0
    for one in merge_spans(footage, _RHYTHM_US):
        inside = one.clip(span)
        if inside is not None:
            recorded_us += sum(rest.duration_us for rest in subtract_spans(inside, taken))
    counted = [ReasonSum(reason, us) for reason, us in sums.items() if us > 0]
    return Availability(
        recorded_us,
        _most_first(one for one in counted if one.reason not in NOT_DUE),
        _most_first(one for one in counted if one.reason in NOT_DUE),
    )


def month_span(month: str, zone: tzinfo) -> Span:
    """From the first midnight of `YYYY-MM` to that of the next month in `zone`; ValueError for other text."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return Span(round(first.timestamp()) * 1_000_000, round(following.timestamp()) * 1_000_000)


def _apart(gaps: Sequence[ReasonedSpan], from_us: int, until_us: int) -> Iterable[tuple[Span, str]]:
    """Gaps without what they have in common; the one that began first has it."""
    reach_us = from_us
    for gap in sorted(gaps, key=lambda one: one.start_us):
        start_us = max(gap.start_us, reach_us)
        end_us = until_us if gap.end_us is None else min(gap.end_us, until_us)
        if start_us < end_us:
            yield Span(start_us, end_us), gap.reason
            reach_us = end_us


def _most_first(sums: Iterable[ReasonSum]) -> tuple[ReasonSum, ...]:
    return tuple(sorted(sums, key=lambda one: (-one.duration_us, one.reason)))
