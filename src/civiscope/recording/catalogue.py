"""What a volume holds, in memory: made from the records of its index; can be lost and made again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from civiscope.base import ReasonedSpan, SegmentId, StreamId
from civiscope.recording.index import (
    ErasedRecord,
    GapRecord,
    IndexRecord,
    RecorderMoment,
    SegmentDeletion,
)
from civiscope.recording.model import SegmentOpening, SegmentSummary


@dataclass(slots=True)
class StreamCatalogue:
    """One stream: closed segments and gaps in the order in which they were written."""

    closed: dict[SegmentId, SegmentSummary] = field(default_factory=dict)
    gaps: list[ReasonedSpan] = field(default_factory=list)
    open_gap: ReasonedSpan | None = None
    erased: list[ReasonedSpan] = field(default_factory=list)
    version: int = 0
    """Grows with each change of `closed`."""


class Catalogue:
    """Applies index records; a record that comes twice changes nothing. Not thread-safe."""

    def __init__(self) -> None:
        self.streams: dict[StreamId, StreamCatalogue] = {}
        self.open: dict[SegmentId, SegmentOpening] = {}
        self.deleted: dict[SegmentId, StreamId] = {}
        self.last_moment: RecorderMoment | None = None

    def stream(self, stream_id: StreamId) -> StreamCatalogue:
        """What is known of a stream; made when asked for the first time."""
        return self.streams.setdefault(stream_id, StreamCatalogue())

    def apply(self, records: Iterable[IndexRecord]) -> None:
        """Take in records, in the order of the index."""
        for record in records:
            match record:
                case SegmentOpening():
                    self.stream(record.stream_id)
                    if record.segment_id not in self.deleted:
                        self.open[record.segment_id] = record
                case SegmentSummary():
                    self._close(record)
                case SegmentDeletion():
                    self._delete(record)
                case GapRecord():
                    self._gap(record)
                case ErasedRecord():
                    put_erased(self.stream(record.stream_id).erased, record.span)
                case RecorderMoment():
                    self.last_moment = record

    def segments(self) -> Iterator[SegmentSummary]:
        """All closed segments of all streams."""
        for stream in self.streams.values():
            yield from stream.closed.values()

    def records(self) -> Iterator[IndexRecord]:
        """The shortest index that says the same: what compaction writes."""
        for stream_id, stream in self.streams.items():
            for span in stream.erased:
                yield ErasedRecord(stream_id, span)
            yield from stream.closed.values()
            for span in stream.gaps:
                yield GapRecord(stream_id, span)
            if stream.open_gap is not None:
                yield GapRecord(stream_id, stream.open_gap)
        yield from self.open.values()

    def _close(self, summary: SegmentSummary) -> None:
        self.open.pop(summary.segment_id, None)
        if summary.segment_id in self.deleted:
            return
        stream = self.stream(summary.stream_id)
        stream.closed[summary.segment_id] = summary
        stream.version += 1

    def _delete(self, deletion: SegmentDeletion) -> None:
        stream = self.stream(deletion.stream_id)
        self.open.pop(deletion.segment_id, None)
        self.deleted[deletion.segment_id] = deletion.stream_id
        summary = stream.closed.pop(deletion.segment_id, None)
        stream.version += 1
        for extent in summary.extents if summary else ():
            put_erased(stream.erased, ReasonedSpan(extent.span.start_us, extent.span.end_us, deletion.reason))

    def _gap(self, record: GapRecord) -> None:
        stream = self.stream(record.stream_id)
        if record.span.end_us is None:
            stream.open_gap = record.span
            return
        stream.open_gap = None
        if record.span not in stream.gaps[-4:]:
            stream.gaps.append(record.span)


def put_erased(spans: list[ReasonedSpan], span: ReasonedSpan, join_us: int = 1_000_000) -> None:
    """Add a deleted span; deletion goes from old to new, so it mostly makes the last one longer."""
    last = spans[-1] if spans else None
    if (
        last is not None
        and last.end_us is not None
        and span.end_us is not None
        and last.reason == span.reason
    ):
        if last.start_us <= span.start_us and span.end_us <= last.end_us:
            return
        if 0 <= span.start_us - last.end_us <= join_us:
            spans[-1] = ReasonedSpan(last.start_us, span.end_us, last.reason)
            return
    spans.append(span)
