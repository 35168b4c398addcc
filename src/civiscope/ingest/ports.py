"""What `ingest` needs from those who take its units."""

from typing import Protocol

from civiscope.base import RunId, StreamId
from civiscope.ingest.model import LossReason
from civiscope.media import AccessUnit, SenderClock, TrackConfig


class StreamSink(Protocol):
    """Takes what comes, in order, in the thread of `Intake.tick`. No call may block or raise.

    Per stream: `stream_waiting` any number of times, `run_started`, then units, changes and reports, then
    `run_ended`; and again. Between `run_ended` and the next `run_started` nothing came.
    """

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """The first unit of a session is about to follow; it came at `at_us`."""
        ...

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """A track has a new configuration generation; its first unit follows, marked CONFIG_CHANGED."""
        ...

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        """One access unit."""
        ...

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        """The camera told what its clock shows."""
        ...

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        """Nothing more comes of this run; `detail` is for people."""
        ...

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        """The stream is still not there; the reason may have changed since it was last said."""
        ...
