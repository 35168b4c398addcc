"""A sink that sees the streams which are to be recorded, and not those taken in for the feed alone."""

from collections.abc import Iterable

from civiscope.base import RunId, StreamId
from civiscope.ingest.model import LossReason, StreamSource
from civiscope.ingest.ports import StreamSink
from civiscope.media import AccessUnit, SenderClock, TrackConfig


class RecordedOnly(StreamSink):
    """Passes recorded streams on to `sink`; a run that it began is passed on to its end, whatever comes."""

    def __init__(self, sink: StreamSink) -> None:
        self._sink = sink
        self._recorded: frozenset[StreamId] = frozenset()
        self._begun: set[StreamId] = set()

    def set_sources(self, sources: Iterable[StreamSource]) -> None:
        """Which streams are recorded from their next run on; before `Intake.set_sources`."""
        self._recorded = frozenset(source.stream_id for source in sources if source.recorded)

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        if stream_id in self._recorded:
            self._begun.add(stream_id)
            self._sink.run_started(stream_id, run_id, tracks, at_us)

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        if stream_id in self._begun:
            self._sink.tracks_changed(stream_id, run_id, tracks, at_us)

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        if stream_id in self._begun:
            self._sink.unit(stream_id, run_id, unit)

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        if stream_id in self._begun:
            self._sink.sender_clock(stream_id, run_id, report)

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        if stream_id in self._begun:
            self._begun.discard(stream_id)
            self._sink.run_ended(stream_id, run_id, at_us, reason, detail)

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        if stream_id in self._recorded:
            self._sink.stream_waiting(stream_id, at_us, reason, detail)
