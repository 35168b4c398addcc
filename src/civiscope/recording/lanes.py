"""What is recorded of a stream as spans on lanes: two where a clock that stepped back makes it overlap."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from civiscope.base import RunId, Span
from civiscope.recording.model import Extent, RecordedSpan

_SLACK_US = 1_000_000
"""Times of neighbours may overlap by less (reordered pictures, sound): that is one lane."""


@dataclass(slots=True)
class Lanes:
    """Takes extents in order of recording: joins what follows on within a run, else the first free lane."""

    spans: list[RecordedSpan] = field(default_factory=list)
    _ends_us: list[int] = field(default_factory=list)
    _last_run: RunId | None = None
    _last_sequence: int = -1

    def add(self, extent: Extent, run_id: RunId) -> None:
        """The next extent."""
        span, spans = extent.span, self.spans
        follows = run_id == self._last_run and extent.first_sequence == self._last_sequence + 1
        self._last_run, self._last_sequence = run_id, extent.last_sequence
        if spans and follows and abs(span.start_us - spans[-1].span.end_us) <= _SLACK_US:
            last = spans[-1]
            whole = Span(last.span.start_us, max(last.span.end_us, span.end_us))
            spans[-1] = RecordedSpan(whole, last.lane, run_id)
            self._ends_us[last.lane] = whole.end_us
            return
        lane = self._free(span.start_us)
        self._ends_us[lane] = span.end_us
        spans.append(RecordedSpan(span, lane, run_id))

    def copy(self) -> "Lanes":
        """The same so far; what is added to one is not added to the other."""
        return Lanes(list(self.spans), list(self._ends_us), self._last_run, self._last_sequence)

    def _free(self, start_us: int) -> int:
        for lane, end_us in enumerate(self._ends_us):
            if end_us <= start_us + _SLACK_US:
                return lane
        self._ends_us.append(0)
        return len(self._ends_us) - 1


def lanes(extents: Iterable[tuple[Extent, RunId]]) -> list[RecordedSpan]:
    """All of these, in order of recording, on lanes."""
    row = Lanes()
    for extent, run_id in extents:
        row.add(extent, run_id)
    return row.spans
