"""One run: units of all tracks numbered, configured and handed to the sinks."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from civiscope.base import Log, RunId, StreamId, new_id
from civiscope.devices import Trouble
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason
from civiscope.ingest.ports import StreamSink
from civiscope.media import AccessUnit, Codec, SenderClock, TrackConfig, UnitFlags
from civiscope.media.wire import CodecConfig, TimedUnit

_NONE = UnitFlags.NONE
_CHANGES_PER_WINDOW = 30
_CHANGE_WINDOW_US = 60_000_000
"""Each change of parameter sets begins a new segment: a camera must not make files as fast as it likes."""


@dataclass(frozen=True, slots=True)
class RunTrack:
    """A track as described; `config` is None until its parameter sets are known."""

    track_id: int
    codec: Codec
    clock_rate_hz: int
    config: CodecConfig | None

    def track_config(self, generation: int) -> TrackConfig | None:
        """What a decoder must know, once it is known."""
        config = self.config
        if config is None:
            return None
        return TrackConfig(
            track_id=self.track_id, codec=self.codec, clock_rate_hz=self.clock_rate_hz,
            generation=generation, parameter_sets=config.parameter_sets, codec_data=config.codec_data,
            width_px=config.width_px, height_px=config.height_px, sample_rate_hz=config.sample_rate_hz,
            channel_count=config.channel_count,
        )  # fmt: skip


class Run:
    """Begins for the sinks with its first unit that can be delivered, ends with `end`.

    Units that come before every track's parameter sets are known wait, up to `hold_bytes`; then the oldest
    are let go, and the next of that track says DISCONTINUITY. Units are numbered from `first_sequence`: 0,
    but for an import that goes on.
    """

    def __init__(
        self,
        stream_id: StreamId,
        sinks: Sequence[StreamSink],
        hold_bytes: int,
        log: Log,
        first_sequence: int = 0,
    ) -> None:
        self.next_sequence = first_sequence
        self.run_id = RunId(new_id())
        self.tracks: tuple[TrackConfig, ...] = ()
        self.units = 0
        self.bytes = 0
        self.damaged_units = 0
        self.video_units = 0
        self.last_unit_us: int | None = None
        self._stream_id = stream_id
        self._sinks = tuple(sinks)
        self._hold_bytes = hold_bytes
        self._log = log
        self._described: dict[int, RunTrack] = {}
        self._by_id: dict[int, TrackConfig] = {}
        self._held: deque[tuple[int, TimedUnit]] = deque()
        self._held_bytes = 0
        self._torn: set[int] = set()
        self._clocks: dict[int, SenderClock] = {}
        self._changes: deque[int] = deque(maxlen=_CHANGES_PER_WINDOW)

    @property
    def is_started(self) -> bool:
        """The sinks know of it."""
        return bool(self.tracks)

    def describe(self, tracks: Sequence[RunTrack]) -> None:
        """Which tracks there are; before the first `deliver`."""
        self._described = {track.track_id: track for track in tracks}

    def deliver(self, track_id: int, unit: TimedUnit) -> None:
        """The next unit in order received."""
        if not self.tracks:
            self._hold(track_id, unit)
            return
        flags = unit.flags
        config = self._by_id[track_id]
        if unit.config is not None and self._reconfigure(config, unit):
            config = self._by_id[track_id]
            flags |= UnitFlags.CONFIG_CHANGED
        if flags is not _NONE and flags & UnitFlags.DAMAGED:
            self.damaged_units += 1
        access_unit = AccessUnit(
            track_id, self.next_sequence, unit.pts, unit.dts, unit.arrival_us, unit.arrival_monotonic_us,
            flags, config.generation, unit.data,
        )  # fmt: skip
        self.next_sequence += 1
        self.units += 1
        self.bytes += len(unit.data)
        self.video_units += track_id == 1
        self.last_unit_us = unit.arrival_us
        for sink in self._sinks:
            sink.unit(self._stream_id, self.run_id, access_unit)

    def sender_clock(self, report: SenderClock) -> None:
        """The camera's clock; before the run has begun only the newest report is kept."""
        if not self.tracks:
            self._clocks[report.track_id] = report
            return
        for sink in self._sinks:
            sink.sender_clock(self._stream_id, self.run_id, report)

    def end(self, at_us: int, reason: LossReason, detail: str) -> None:
        """The session is over; without effect for the sinks if the run never began."""
        if self.tracks:
            for sink in self._sinks:
                sink.run_ended(self._stream_id, self.run_id, at_us, reason, detail)

    def _hold(self, track_id: int, unit: TimedUnit) -> None:
        if unit.config is not None:
            self._described[track_id] = replace(self._described[track_id], config=unit.config)
        if track_id in self._torn:
            self._torn.discard(track_id)
            unit = unit._replace(flags=unit.flags | UnitFlags.DISCONTINUITY)
        self._held.append((track_id, unit))
        self._held_bytes += len(unit.data)
        if all(track.config is not None for track in self._described.values()):
            self._start()
            return
        while self._held_bytes > self._hold_bytes:
            gone_id, gone = self._held.popleft()
            self._held_bytes -= len(gone.data)
            self._tear(gone_id)

    def _tear(self, track_id: int) -> None:
        """A held unit was let go: the next of its track must say so."""
        for place, (held_id, unit) in enumerate(self._held):
            if held_id == track_id:
                self._held[place] = (held_id, unit._replace(flags=unit.flags | UnitFlags.DISCONTINUITY))
                return
        self._torn.add(track_id)

    def _start(self) -> None:
        configs = [track.track_config(0) for track in self._described.values()]
        self.tracks = tuple(config for config in configs if config is not None)
        self._by_id = {config.track_id: config for config in self.tracks}
        held, self._held = self._held, deque()
        at_us = held[0][1].arrival_us
        self._log.info("run started", run=self.run_id, tracks=", ".join(map(_describe, self.tracks)))
        for sink in self._sinks:
            sink.run_started(self._stream_id, self.run_id, self.tracks, at_us)
        for report in self._clocks.values():
            self.sender_clock(report)
        for track_id, unit in held:
            self.deliver(track_id, unit._replace(config=None))

    def _reconfigure(self, before: TrackConfig, unit: TimedUnit) -> bool:
        """Take a new configuration over if it differs; tells the sinks before the unit comes.

        Raises `Lost` when it differs again and again.
        """
        described = replace(self._described[before.track_id], config=unit.config)
        same = described.track_config(before.generation)
        config = described.track_config(before.generation + 1)
        if same == before or config is None:
            return False
        self._note_change(unit.arrival_monotonic_us)
        self._described[before.track_id] = described
        self._by_id[before.track_id] = config
        self.tracks = tuple(self._by_id.values())
        self._log.info("tracks changed", run=self.run_id, track=_describe(config))
        for sink in self._sinks:
            sink.tracks_changed(self._stream_id, self.run_id, self.tracks, unit.arrival_us)
        return True

    def _note_change(self, now_us: int) -> None:
        changes = self._changes
        if len(changes) == _CHANGES_PER_WINDOW and now_us - changes[0] < _CHANGE_WINDOW_US:
            raise Lost(
                LossReason.PROTOCOL,
                f"The camera changed its picture's format {_CHANGES_PER_WINDOW} times within a minute.",
                "Check its encoder's settings, and whether two streams share one address.",
                trouble=Trouble.STREAM,
            )
        changes.append(now_us)


def _describe(config: TrackConfig) -> str:
    if config.width_px:
        return f"{config.codec} {config.width_px}x{config.height_px}"
    return f"{config.codec} {config.sample_rate_hz} Hz"
