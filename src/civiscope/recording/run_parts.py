"""The open part of one run: units gathered between two cuts, with their times."""

from civiscope.base import RunId, Span, StreamId
from civiscope.media import AccessUnit, SenderClock, TrackConfig, UnitFlags
from civiscope.recording.anchor import TrackAnchor
from civiscope.recording.segment_writer import PartDraft

_MAX_UNITS = 4000
_MAX_PART_US = 1_000_000
"""Of arrival: an import brings many seconds between two cuts."""
_MAX_STEP_TICKS = 1 << 31
_UNKNOWN_STEP_US = 40_000
"""How long a unit is taken to last when it is the first of its track."""
_DISCONTINUITY = int(UnitFlags.DISCONTINUITY)


class RunParts:
    """Takes the units of one run and gives parts; `add` closes the open part before a unit that needs it."""

    def __init__(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], tolerance_us: int
    ) -> None:
        self.run_id = run_id
        self.size_bytes = 0
        self._stream_id = stream_id
        self._tolerance_us = tolerance_us
        self._anchors: dict[int, TrackAnchor] = {}
        self._last_dts: dict[int, int] = {}
        self._last_pts: dict[int, int] = {}
        self._steps: dict[int, int] = {}
        self._last_sequence: int | None = None
        self._camera_offset_us: int | None = None
        self._units: list[AccessUnit] = []
        self._after_loss = False
        self._correction_us = 0
        self._tracks = tracks
        self._rates = {track.track_id: track.clock_rate_hz for track in tracks}

    def configure(self, tracks: tuple[TrackConfig, ...]) -> PartDraft | None:
        """From now on these tracks; gives what was gathered under the ones before."""
        draft = self.take()
        self._tracks = tracks
        self._rates = {track.track_id: track.clock_rate_hz for track in tracks}
        return draft

    def sender_clock(self, report: SenderClock) -> None:
        """The camera's clock against ours, from its newest sender report."""
        anchor = self._anchors.get(report.track_id)
        if anchor is not None:
            self._camera_offset_us = report.camera_us - anchor.wall_us(report.rtp_ticks)

    def add(self, unit: AccessUnit) -> PartDraft | None:
        """Gather one unit; gives the part before it when the unit cannot stand in the same one.

        Units of a track that the run did not announce are not kept (there is nothing to decode them with).
        """
        track_id = unit.track_id
        rate_hz = self._rates.get(track_id)
        if rate_hz is None:
            return None
        draft = None
        anchor = self._anchors.get(track_id)
        if anchor is None or not anchor.holds(unit):
            draft = self._tie(unit, rate_hz, anchor)
            anchor = self._anchors[track_id]
        step = unit.dts - self._last_dts.get(track_id, unit.dts)
        lost = self._is_after_loss(unit, anchor)
        if lost or not 0 <= step <= _MAX_STEP_TICKS or self._is_full(unit):
            draft = draft or self.take()
            self._after_loss = self._after_loss or lost
        elif step:
            self._steps[track_id] = step
        self._last_dts[track_id] = unit.dts
        self._last_pts[track_id] = unit.pts
        self._last_sequence = unit.sequence
        self._units.append(unit)
        self.size_bytes += len(unit.data)
        return draft

    def _is_full(self, unit: AccessUnit) -> bool:
        units = self._units
        return len(units) >= _MAX_UNITS or (
            bool(units) and unit.arrival_us - units[0].arrival_us >= _MAX_PART_US
        )

    def take(self) -> PartDraft | None:
        """Close the open part; None if it is empty."""
        if not self._units:
            return None
        units = tuple(self._units)
        draft = PartDraft(
            self._stream_id,
            self.run_id,
            self._tracks,
            units,
            self._span(units),
            {track_id: anchor.zero_us for track_id, anchor in self._anchors.items()},
            dict(self._steps),
            self.size_bytes,
            self._after_loss,
            self._correction_us,
            self._camera_offset_us,
        )
        self._units = []
        self.size_bytes = 0
        self._after_loss = False
        self._correction_us = 0
        return draft

    def _tie(self, unit: AccessUnit, rate_hz: int, before: TrackAnchor | None) -> PartDraft | None:
        """Tie a track anew; a correction begins a part, and the other tracks follow with their next unit."""
        if before is None:
            self._anchors[unit.track_id] = TrackAnchor.at(unit, rate_hz, self._tolerance_us)
            return None
        draft = self.take()
        anchor = before.moved_to(unit)
        self._anchors = {unit.track_id: anchor}
        self._correction_us = anchor.zero_us - before.zero_us
        return draft

    def _is_after_loss(self, unit: AccessUnit, anchor: TrackAnchor) -> bool:
        """Something between the unit before and this one never came."""
        if self._last_sequence is None:
            return False
        if unit.sequence != self._last_sequence + 1:
            return True
        last_pts = self._last_pts.get(unit.track_id)
        if last_pts is None or not int(unit.flags) & _DISCONTINUITY:
            return False
        usual = self._steps.get(unit.track_id, 0)
        return usual > 0 and unit.pts - last_pts > usual + usual // 2

    def _span(self, units: tuple[AccessUnit, ...]) -> Span:
        start_us = end_us = None
        for unit in units:
            anchor = self._anchors[unit.track_id]
            wall_us = anchor.wall_us(unit.pts)
            step = self._steps.get(unit.track_id)
            until_us = anchor.wall_us(unit.pts + step) if step else wall_us + _UNKNOWN_STEP_US
            start_us = wall_us if start_us is None or wall_us < start_us else start_us
            end_us = until_us if end_us is None or until_us > end_us else end_us
        assert start_us is not None
        assert end_us is not None
        return Span(start_us, end_us)
