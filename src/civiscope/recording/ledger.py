"""The gap ledger of one volume: at most one open gap per stream, every span with its reason."""

from dataclasses import dataclass

from civiscope.base import ReasonedSpan, StreamId
from civiscope.recording.catalogue import Catalogue
from civiscope.recording.index import GapRecord
from civiscope.recording.model import ON_PURPOSE, GapReason


@dataclass(frozen=True, slots=True)
class ReasonedHole:
    """Why time is missing before a part, if it is more than `over_us`."""

    reason: str
    detail: str = ""
    over_us: int = 0


@dataclass(slots=True)
class _StreamLedger:
    open_gap: ReasonedSpan | None = None
    last_end_us: int | None = None


class GapLedger:
    """Turns what became of parts and cameras, in order, into records of the index."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._streams: dict[StreamId, _StreamLedger] = {}
        for stream_id, known in catalogue.streams.items():
            self._streams[stream_id] = _StreamLedger(known.open_gap)
        self.records: list[GapRecord] = []
        """What is to be written to the index; whoever writes it empties the list."""

    def recorded(
        self, stream_id: StreamId, start_us: int, end_us: int, hole: ReasonedHole | None = None
    ) -> None:
        """A part was written; `hole` says why time is missing right before it."""
        stream = self._stream(stream_id)
        if stream.open_gap is not None:
            self._close(stream_id, stream, start_us)
        elif hole and stream.last_end_us is not None and stream.last_end_us + hole.over_us < start_us:
            span = ReasonedSpan(stream.last_end_us, start_us, hole.reason, hole.detail)
            self.records.append(GapRecord(stream_id, span))
        stream.last_end_us = end_us

    def missing(self, stream_id: StreamId, from_us: int, reason: str, detail: str = "") -> None:
        """From now on nothing is recorded; a gap that is open for another reason ends at `from_us`."""
        stream = self._stream(stream_id)
        start_us = from_us if stream.last_end_us is None else stream.last_end_us
        if stream.open_gap is not None:
            if stream.open_gap.reason == reason:
                return
            start_us = max(from_us, stream.open_gap.start_us)
            self._close(stream_id, stream, start_us)
        stream.open_gap = ReasonedSpan(start_us, None, reason, detail)
        stream.last_end_us = None
        self.records.append(GapRecord(stream_id, stream.open_gap))

    def left(self, stream_id: StreamId) -> None:
        """It goes on elsewhere: nothing is missing."""
        self._stream(stream_id).last_end_us = None

    def end_purpose(self, at_us: int, detail: str) -> None:
        """From now on nothing could be recorded: gaps on purpose go on as `our_restart`."""
        for stream_id, stream in self._streams.items():
            if stream.open_gap is not None and stream.open_gap.reason in ON_PURPOSE:
                self.missing(stream_id, at_us, GapReason.OUR_RESTART, detail)

    def recording(self) -> list[tuple[StreamId, int]]:
        """Streams without an open gap, and where their last unit ended."""
        return [
            (stream_id, stream.last_end_us)
            for stream_id, stream in self._streams.items()
            if stream.open_gap is None and stream.last_end_us is not None
        ]

    def _stream(self, stream_id: StreamId) -> _StreamLedger:
        return self._streams.setdefault(stream_id, _StreamLedger())

    def _close(self, stream_id: StreamId, stream: _StreamLedger, end_us: int) -> None:
        assert stream.open_gap is not None
        self.records.append(GapRecord(stream_id, stream.open_gap.closed_at(end_us)))
        stream.open_gap = None
