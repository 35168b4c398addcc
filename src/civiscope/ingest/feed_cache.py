"""The newest units of one stream, kept so that a reader has a picture at once or goes on where it was."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from civiscope.base import RunId, StreamId
from civiscope.ingest.feed_wire import FeedEnded, FeedRun
from civiscope.media import AccessUnit, TrackKind


@dataclass(slots=True)
class FeedCache:
    """One stream's state: its run, why it is away, and the units from its newest key unit on.

    Bounded in bytes: up to `resume_bytes` before the newest key unit are kept for resuming; a GOP that
    alone is over `limit_bytes` is given up until the next key unit.
    """

    stream_id: StreamId
    limit_bytes: int
    resume_bytes: int
    run: FeedRun | None = None
    ended: FeedEnded | None = None
    units: deque[AccessUnit] = field(default_factory=deque)
    size_bytes: int = 0
    _before_key: int = 0
    _before_key_bytes: int = 0
    _video_tracks: frozenset[int] = frozenset()

    def start_run(self, run: FeedRun) -> None:
        """A new run, or a new generation of the same one, which keeps the units."""
        if self.run is None or self.run.run_id != run.run_id:
            self.clear()
        self.run, self.ended = run, None
        self._video_tracks = frozenset(t.track_id for t in run.tracks if t.kind is TrackKind.VIDEO)

    def end_run(self, ended: FeedEnded) -> None:
        """The stream is away; its last units are shown to nobody as if they were live."""
        self.clear()
        self.run, self.ended = None, ended

    def clear(self) -> None:
        """Forget all units; the next key unit starts anew."""
        self.units.clear()
        self.size_bytes = self._before_key = self._before_key_bytes = 0

    def starts_at(self, unit: AccessUnit) -> bool:
        """A player can start here: a key unit of the pictures, or any unit of a stream without pictures."""
        return unit.is_key and (unit.track_id in self._video_tracks or not self._video_tracks)

    def add(self, unit: AccessUnit) -> None:
        """Keep a unit and give up what is too old."""
        size = len(unit.data)
        if self.starts_at(unit):
            self._before_key, self._before_key_bytes = len(self.units), self.size_bytes
        elif not self.units:
            return
        self.units.append(unit)
        self.size_bytes += size
        while self._before_key and self.size_bytes > min(self.resume_bytes, self.limit_bytes):
            gone = len(self.units.popleft().data)
            self._before_key -= 1
            self._before_key_bytes -= gone
            self.size_bytes -= gone
        if self.size_bytes > self.limit_bytes:
            self.clear()

    def from_newest_key(self) -> Iterable[AccessUnit]:
        """The newest key unit and all after it; nothing when none is kept."""
        return islice(self.units, self._before_key, None)

    def after(self, run_id: RunId | None, sequence: int) -> list[AccessUnit] | None:
        """The units that follow (run, sequence) without one missing, or None when they are not all kept."""
        if self.run is None or self.run.run_id != run_id:
            return None
        if not self.units or self.units[0].sequence > sequence + 1 or self.units[-1].sequence < sequence:
            return None
        return [unit for unit in self.units if unit.sequence > sequence]
