"""A media file taken in once, with its own time: `file:///path?import=<µs of UTC>`.

The file is read by libav in its own process, never here. It gives way to what is live: at most 16 times
real time and 4 MB a second, and nothing while the disk is behind (`Intake.hold_imports`).
"""

import json

from civiscope.base import ProtocolError
from civiscope.ingest.file_session import allowed_path
from civiscope.ingest.foreign import GuestSession
from civiscope.ingest.foreign_wire import ForeignDone, ForeignMessage, ForeignPlaced, ForeignTracks
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, StreamSource
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings
from civiscope.media.wire import Arrival, TimedUnit

SPEED_LIMIT = 16
"""Times real time."""
BYTES_PER_S = 4_000_000
_READ_BYTES = 64 * 1024
"""In one tick."""
_MAX_BYTES_AHEAD = 256 * 1024
_SILENT_S = 120.0
"""A large file is read whole before its first unit comes."""
_PAUSE_US = 1_000_000
_LONGEST_US = 10 * 366 * 86_400_000_000
"""No time of an import lies further from its beginning."""


class ImportSession(GuestSession):
    """See `life.Session`. Goes on at the run's `next_sequence`; `Lost(FINISHED)` at the last file's end."""

    def __init__(self, source: StreamSource, start_us: int, settings: IntakeSettings, run: Run) -> None:
        super().__init__(settings, run)
        self._source = source
        self._folders = settings.import_folders
        self._start_us = start_us
        self._from_unit = run.next_sequence
        self._tracks: frozenset[int] = frozenset()
        self._last_dts: dict[int, int] = {}
        self._media_us: tuple[int, int] | None = None
        """Of the first unit of this session, and of the newest."""
        self._since_us = -1
        self._polled_us = -1
        self._budget_bytes = 0.0

    def orders(self) -> bytes | None:
        """Which files, with links followed; `Lost` for what is not allowed or not there."""
        path = allowed_path(self._source.url, self._folders)
        orders = {"file": str(path), "audio": self._source.audio, "from_unit": self._from_unit}
        return json.dumps(orders).encode() + b"\n"

    def poll(self, buffer: memoryview, arrival: Arrival) -> None:
        """Take one piece, if it is not too early; raises `Lost` when it is over."""
        now_us = arrival.monotonic_us
        passed_us = now_us - self._polled_us if self._polled_us >= 0 else 0
        self._polled_us = now_us
        if passed_us > _PAUSE_US or self._deadline_us < 0:
            self._be_patient(now_us)
        earned = self._budget_bytes + min(passed_us, _PAUSE_US) * BYTES_PER_S / 1e6
        self._budget_bytes = min(float(_MAX_BYTES_AHEAD), earned)
        guest = self._start_guest()
        if guest is None or self._is_early(now_us):
            self._be_patient(now_us)
            return
        count = guest.read_into(buffer[:_READ_BYTES])
        if count:
            self._budget_bytes -= count
            self._be_patient(now_us)
            self._take(buffer[:count], arrival)
        elif now_us > self._deadline_us:
            raise self.overdue()

    def _be_patient(self, now_us: int) -> None:
        self._deadline_us = now_us + int(_SILENT_S * 1e6)

    def _is_early(self, now_us: int) -> bool:
        """What came so far is as much as an import may take."""
        if self._budget_bytes < 0:
            return True
        if self._media_us is None:
            return False
        first_us, newest_us = self._media_us
        return newest_us - first_us > (now_us - self._since_us) * SPEED_LIMIT

    def _handle(self, message: ForeignMessage, arrival: Arrival) -> None:
        match message:
            case ForeignPlaced():
                self._place(message, arrival)
            case ForeignDone():
                raise Lost(LossReason.FINISHED, message.detail)
            case ForeignTracks():
                self._tracks = frozenset(track.track_id for track in message.tracks)
                self._run.describe(message.tracks)
            case _:
                super()._handle(message, arrival)

    def _place(self, unit: ForeignPlaced, arrival: Arrival) -> None:
        if unit.track_id not in self._tracks:
            raise ProtocolError("a unit is of no track")
        if abs(unit.at_us) > _LONGEST_US or unit.dts <= self._last_dts.get(unit.track_id, unit.dts - 1):
            raise ProtocolError("the times of its units cannot be")
        self._last_dts[unit.track_id] = unit.dts
        first_us = unit.at_us if self._media_us is None else self._media_us[0]
        if self._media_us is None:
            self._since_us = arrival.monotonic_us
        self._media_us = first_us, unit.at_us
        timed = TimedUnit(
            unit.pts, unit.dts, self._start_us + unit.at_us, arrival.monotonic_us, unit.flags, unit.config,
            unit.data,
        )  # fmt: skip
        self._run.deliver(unit.track_id, timed)
