"""Where something may have moved, by the sizes of coded pictures alone: nothing is decoded or decrypted.

A picture that leans on the one before grows when something moves. Of each part (≤ 1 s) the mean size of
such pictures is held against the quiet ones of the two minutes before: their lower quartile, and the usual
distance of the lower half from it. (Against the median a scene that is busy half of the time has no motion.)
That tells much with variable bit rate and little noise, and little with constant bit rate, at night, or of
what is small and far: docs/design/browsing.md has the figures.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from civiscope.base import Span

LEAD_US = 120_000_000
"""So much before a span is read to know what is usual there."""
_USUAL_PARTS = 120
_LEAST_PARTS = 8
_PART_AT_MOST_US = 2_000_000
"""A part is ≤ 1 s; a slower camera has longer ones."""


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """When a part counts as moving, and what is one motion."""

    over: float = 4.0
    """So many usual distances (1.48 × the median of distances) above what is quiet."""
    floor_share: float = 0.06
    """A usual distance is at least this share of what is quiet: coders are never quieter."""
    join_us: int = 3_000_000
    """Parts that move no further apart are one motion."""


@dataclass(frozen=True, slots=True)
class PartSizes:
    """One part: when it was, and the mean size of its pictures that lean on others; None if it has none."""

    span: Span
    mean_bytes: float | None


@dataclass(slots=True)
class _Usual:
    """The last sizes, in order of coming and in order of size."""

    coming: deque[float] = field(default_factory=deque)
    ordered: list[float] = field(default_factory=list)

    def add(self, size: float) -> None:
        """One more; the oldest is forgotten."""
        if len(self.coming) == _USUAL_PARTS:
            oldest = self.coming.popleft()
            del self.ordered[bisect_left(self.ordered, oldest)]
        self.coming.append(size)
        insort(self.ordered, size)

    def height(self, size: float, floor_share: float) -> float:
        """By how many usual distances the size lies above what is quiet; 0 while too little is known."""
        if len(self.ordered) < _LEAST_PARTS:
            return 0.0
        quiet = self.ordered[len(self.ordered) // 4]
        distances = sorted(abs(one - quiet) for one in self.ordered[: len(self.ordered) // 2])
        distance = max(1.4826 * distances[len(distances) // 2], floor_share * quiet, 1.0)
        return (size - quiet) / distance


def motion_spans(parts: Iterable[PartSizes], settings: MotionSettings | None = None) -> list[Span]:
    """Spans in which something may have moved, in order; the first parts only teach what is usual.

    What moves for longer than a minute and a half becomes what is quiet, and ends.
    """
    found: list[Span] = []
    wanted = settings or MotionSettings()
    for span in _moving(parts, wanted):
        if found and span.start_us - found[-1].end_us <= wanted.join_us:
            found[-1] = Span(found[-1].start_us, max(found[-1].end_us, span.end_us))
        else:
            found.append(span)
    return found


def _moving(parts: Iterable[PartSizes], settings: MotionSettings) -> Iterator[Span]:
    usual, end_us = _Usual(), 0
    for part in parts:
        if not -_PART_AT_MOST_US < part.span.start_us - end_us < LEAD_US:
            usual = _Usual()
        end_us = part.span.end_us
        if part.mean_bytes is None:
            continue
        if usual.height(part.mean_bytes, settings.floor_share) > settings.over:
            yield part.span
        usual.add(part.mean_bytes)
