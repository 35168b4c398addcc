"""Spans of time, and the one shape "span with reason" (gaps, shed analysis, masked time, lawful deletion)."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open span of UTC time, [start_us, end_us)."""

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        if self.end_us < self.start_us:
            raise ValueError(f"a span must not end ({self.end_us}) before it starts ({self.start_us})")

    @property
    def duration_us(self) -> int:
        """Length in microseconds."""
        return self.end_us - self.start_us

    def overlaps(self, other: "Span") -> bool:
        """True if the two share more than a border."""
        return self.start_us < other.end_us and other.start_us < self.end_us

    def contains(self, time_us: int) -> bool:
        """True if the moment lies inside (the end does not)."""
        return self.start_us <= time_us < self.end_us

    def clip(self, other: "Span") -> "Span | None":
        """The part both share, or None."""
        if other.start_us <= self.start_us < self.end_us <= other.end_us:
            return self
        start, end = max(self.start_us, other.start_us), min(self.end_us, other.end_us)
        return Span(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class ReasonedSpan:
    """A span that says why: `reason` is one word of the writer's vocabulary, `detail` is for a person.

    `end_us` is None while it goes on.
    """

    start_us: int
    end_us: int | None
    reason: str
    detail: str = ""

    def closed_at(self, end_us: int) -> "ReasonedSpan":
        """The same span, ended; an end before the start (a clock stepped back) becomes the start."""
        return ReasonedSpan(self.start_us, max(end_us, self.start_us), self.reason, self.detail)


def merge_spans(spans: Iterable[Span], join_us: int = 0) -> list[Span]:
    """Sorted, disjoint spans that cover the same time; neighbours at most `join_us` apart become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start_us - merged[-1].end_us <= join_us:
            last = merged[-1]
            merged[-1] = Span(last.start_us, max(last.end_us, span.end_us))
        else:
            merged.append(span)
    return merged


def subtract_spans(whole: Span, taken: Iterable[Span]) -> list[Span]:
    """What remains of `whole` outside all of `taken`, sorted and disjoint."""
    remaining: list[Span] = []
    cursor_us = whole.start_us
    for span in merge_spans(taken):
        if span.end_us <= cursor_us:
            continue
        if span.start_us >= whole.end_us:
            break
        if span.start_us > cursor_us:
            remaining.append(Span(cursor_us, span.start_us))
        cursor_us = span.end_us
    if cursor_us < whole.end_us:
        remaining.append(Span(cursor_us, whole.end_us))
    return remaining
