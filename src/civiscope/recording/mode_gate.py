"""The gate before the recorder: lets units of a stream through when it is to be recorded, else holds them."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from civiscope.base import Clock, RunId, StreamId, get_log
from civiscope.devices import RecordingPolicy, RecordMode
from civiscope.ingest import LossReason, StreamSink
from civiscope.media import AccessUnit, SenderClock, TrackConfig, TrackKind
from civiscope.recording.held_units import HeldUnits, TracksChange
from civiscope.recording.model import GapReason
from civiscope.recording.modes import RecordingModes, WeekClock, Window, is_always
from civiscope.recording.recorder import Recorder

UNHEARD_US = 5_000_000
"""Without a server for so long no event can come: streams on event are recorded until it is heard again."""
LATE_US = UNHEARD_US
"""By how much an event may be told late and still have all of its pre-roll."""
WINDOW_LIMIT_US = 3_600_000_000
"""No window reaches further ahead: who wants more says so again."""
HELD_STREAM_BYTES = 24 << 20
HELD_TOTAL_BYTES = 256 << 20
_NEVER_US = -(1 << 62)
_DRAIN_S = 2.0
_SECOND_US = 1_000_000
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class _Pause:
    at_us: int
    reason: GapReason


_Item = AccessUnit | TracksChange | _Pause


@dataclass(slots=True)
class _Run:
    run_id: RunId
    video: frozenset[int]
    """Its video tracks; empty: sound alone, and every unit is a start."""
    is_open: bool = True
    """What comes goes to the recorder."""
    held: HeldUnits = field(default_factory=HeldUnits)
    """Not to be recorded, as far as is known."""
    waiting: deque[_Item] = field(default_factory=deque)
    """To be recorded, in order, as the writer has room: many streams may open at once."""
    waiting_bytes: int = 0
    reason: GapReason | None = None
    """Why it is closed, as the recorder was told."""


@dataclass(slots=True)
class _Mode:
    policy: RecordingPolicy
    week: WeekClock | None
    pre_us: int

    @property
    def reason(self) -> GapReason:
        on_event = self.policy.mode is RecordMode.ON_EVENT
        return GapReason.NO_EVENT if on_event else GapReason.SCHEDULE


class ModeGate(StreamSink):
    """All calls come from the recorder's thread; none blocks.

    Exact to the unit: of a stream that is not recorded always, what reaches the recorder is every unit whose
    arrival lies in a window, in hours of its week, or while no server is heard; with all from the last key
    unit at or before the beginning, as far as memory reaches. Never a unit twice, never one out of order.
    """

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._runs: dict[StreamId, _Run] = {}
        self._modes: dict[StreamId, _Mode] = {}
        self._until_us: dict[StreamId, int] = {}
        self._heard_us = clock.monotonic_us()
        self._is_unheard = False
        self.held_bytes = 0
        self._waiting_bytes = 0
        """Of all runs: a disk that hangs must not fill the memory."""

    @property
    def is_unheard(self) -> bool:
        """No server speaks: streams on event are recorded as if something went on."""
        return self._is_unheard

    def windows(self) -> tuple[Window, ...]:
        """Those that go on."""
        now_us, shift_us = self._clock.monotonic_us(), self._shift_us()
        return tuple(
            Window(stream_id, now_us + shift_us, until_us + shift_us)
            for stream_id, until_us in self._until_us.items()
            if until_us > now_us
        )

    def set_modes(self, modes: RecordingModes) -> None:
        """In force at once."""
        self._modes = {
            one.stream_id: _Mode(
                one.policy,
                None if one.policy.hours is None else WeekClock(one.policy.hours, modes.time_zone),
                round(one.policy.pre_roll_s * _SECOND_US),
            )
            for one in modes.streams
            if not is_always(one.policy)
        }
        for stream_id, run in self._runs.items():
            self._decide(stream_id, run)

    def record(self, windows: Iterable[Window]) -> None:
        """Record these spans, and what they need before them; told again, it changes nothing."""
        now_us, shift_us = self._clock.monotonic_us(), self._shift_us()
        for window in windows:
            until_us = min(window.until_us - shift_us, now_us + WINDOW_LIMIT_US)
            self._until_us[window.stream_id] = max(until_us, self._until_us.get(window.stream_id, _NEVER_US))
            run = self._runs.get(window.stream_id)
            if run is not None and not run.is_open:
                self._open(window.stream_id, run, window.from_us - shift_us, until_us)
                self._decide(window.stream_id, run)

    def heard(self) -> None:
        """The server speaks: events come again."""
        self._heard_us = now_us = self._clock.monotonic_us()
        if not self._is_unheard:
            return
        self._is_unheard = False
        _log.info("the server speaks again: streams on event wait for events")
        for stream_id, mode in self._modes.items():
            if mode.policy.mode is RecordMode.ON_EVENT:
                until_us = now_us + round(mode.policy.post_roll_s * _SECOND_US)
                self._until_us[stream_id] = max(until_us, self._until_us.get(stream_id, _NEVER_US))

    def drain(self) -> None:
        """Hand on all that waits; before the recorder closes. Blocks while the writer takes it."""
        can_wait = True
        while any(run.waiting for run in self._runs.values()):
            for stream_id, run in self._runs.items():
                self._drain(stream_id, run, is_all=not can_wait)
            self._recorder.cut()
            can_wait = self._recorder.wait_written(_DRAIN_S)

    def tick(self) -> None:
        """Hand on what waits, and see whether the server is still heard; before `Recorder.tick`."""
        for stream_id, run in self._runs.items():
            if run.waiting:
                self._drain(stream_id, run)
        if self._is_unheard or self._clock.monotonic_us() - self._heard_us <= UNHEARD_US:
            return
        self._is_unheard = True
        on_event = [one for one, mode in self._modes.items() if mode.policy.mode is RecordMode.ON_EVENT]
        if on_event:
            _log.warning("no server is heard: streams on event are recorded", streams=len(on_event))
        for stream_id in on_event:
            closed = self._runs.get(stream_id)
            if closed is not None and not closed.is_open:
                pre_us = self._modes[stream_id].pre_us
                self._open(stream_id, closed, self._heard_us - pre_us, self._clock.monotonic_us())
                self._decide(stream_id, closed)

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """See `ingest.StreamSink`."""
        run = self._runs[stream_id] = _Run(run_id, _video(tracks))
        self._recorder.run_started(stream_id, run_id, tracks, at_us)
        self._decide(stream_id, run, at_us)

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """See `ingest.StreamSink`: told in the order of units, held ones too."""
        run = self._runs.get(stream_id)
        if run is None:
            return
        run.video = _video(tracks)
        change = TracksChange(tracks, at_us)
        if not run.held.change(change):
            self._hand_on(stream_id, run, (change,))

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        """See `ingest.StreamSink`: through, or into memory."""
        run = self._runs.get(stream_id)
        if run is None:
            return
        mode = self._modes.get(stream_id)
        if mode is None or self._is_wanted(stream_id, mode, unit.arrival_monotonic_us, unit.arrival_us):
            if not run.is_open:
                at_us = unit.arrival_monotonic_us
                self._hold(run, unit)
                self._open(stream_id, run, at_us, at_us)
                run.is_open = True
                return
            if run.waiting:
                self._hand_on(stream_id, run, (unit,))
            else:
                self._recorder.unit(stream_id, run_id, unit)
            return
        self._close(stream_id, run, mode, unit.arrival_us)
        self._hold(run, unit)
        self._bound(stream_id, run, unit.arrival_monotonic_us - mode.pre_us - LATE_US)

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        """See `ingest.StreamSink`."""
        self._recorder.sender_clock(stream_id, run_id, report)

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        """See `ingest.StreamSink`: what is held then is let go."""
        ended = self._runs.pop(stream_id, None)
        if ended is not None:
            self.held_bytes -= ended.held.size_bytes
            self._drain(stream_id, ended, is_all=True)
        self._recorder.run_ended(stream_id, run_id, at_us, reason, detail)

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        """See `ingest.StreamSink`."""
        self._recorder.stream_waiting(stream_id, at_us, reason, detail)

    def _shift_us(self) -> int:
        """From the monotonic clock to UTC, now."""
        return self._clock.now_us() - self._clock.monotonic_us()

    def _is_wanted(self, stream_id: StreamId, mode: _Mode, monotonic_us: int, at_us: int) -> bool:
        if monotonic_us <= self._until_us.get(stream_id, _NEVER_US):
            return True
        if mode.week is not None:
            return mode.week.holds(at_us)
        return self._is_unheard and mode.policy.mode is RecordMode.ON_EVENT

    def _decide(self, stream_id: StreamId, run: _Run, at_us: int | None = None) -> None:
        """Open or close by what holds now, without a unit."""
        mode = self._modes.get(stream_id)
        now_us, wall_us = self._clock.monotonic_us(), self._clock.now_us()
        if mode is not None and not self._is_wanted(stream_id, mode, now_us, wall_us):
            self._close(stream_id, run, mode, wall_us if at_us is None else at_us)
        elif not run.is_open:
            self._open(stream_id, run, now_us, now_us)
            run.is_open, run.reason = True, None

    def _close(self, stream_id: StreamId, run: _Run, mode: _Mode, at_us: int) -> None:
        if run.is_open or run.reason is not mode.reason:
            run.is_open, run.reason = False, mode.reason
            self._hand_on(stream_id, run, (_Pause(at_us, mode.reason),))

    def _open(self, stream_id: StreamId, run: _Run, from_us: int, until_us: int) -> None:
        """Hand on what is held of a window; whether the gate stays open is for `_decide`."""
        before_bytes = run.held.size_bytes
        taken = run.held.take(from_us, until_us)
        self.held_bytes += run.held.size_bytes - before_bytes
        self._hand_on(stream_id, run, taken)
        if any(isinstance(one, AccessUnit) for one in taken):
            run.is_open, run.reason = True, None

    def _hand_on(self, stream_id: StreamId, run: _Run, items: Iterable[_Item]) -> None:
        for one in items:
            run.waiting.append(one)
            if isinstance(one, AccessUnit):
                run.waiting_bytes += len(one.data)
                self._waiting_bytes += len(one.data)
        is_full = run.waiting_bytes > HELD_STREAM_BYTES or self._waiting_bytes > HELD_TOTAL_BYTES
        self._drain(stream_id, run, is_all=is_full)

    def _drain(self, stream_id: StreamId, run: _Run, *, is_all: bool = False) -> None:
        """To the recorder while it has room; `is_all`: whatever room it has, and it tells what it loses."""
        while run.waiting and (is_all or self._recorder.has_room):
            match run.waiting.popleft():
                case AccessUnit() as unit:
                    run.waiting_bytes -= len(unit.data)
                    self._waiting_bytes -= len(unit.data)
                    self._recorder.unit(stream_id, run.run_id, unit)
                case TracksChange(tracks, at_us):
                    self._recorder.tracks_changed(stream_id, run.run_id, tracks, at_us)
                case _Pause(at_us, reason):
                    self._recorder.paused(stream_id, at_us, reason)

    def _hold(self, run: _Run, unit: AccessUnit) -> None:
        is_start = not run.video or (unit.track_id in run.video and unit.is_key)
        run.held.add(unit, is_start)
        self.held_bytes += len(unit.data)

    def _bound(self, stream_id: StreamId, run: _Run, from_us: int) -> None:
        before_bytes = run.held.size_bytes
        changes = run.held.forget_before(from_us)
        while run.held.size_bytes > HELD_STREAM_BYTES:
            changes += run.held.drop_oldest()
        self.held_bytes += run.held.size_bytes - before_bytes
        self._hand_on(stream_id, run, changes)
        if self.held_bytes > HELD_TOTAL_BYTES:
            self._shed()

    def _shed(self) -> None:
        """Too much is held in all: the stream that holds most lets its oldest go."""
        stream_id, run = max(self._runs.items(), key=lambda item: item[1].held.size_bytes)
        before_bytes = run.held.size_bytes
        self._hand_on(stream_id, run, run.held.drop_oldest())
        self.held_bytes += run.held.size_bytes - before_bytes


def _video(tracks: tuple[TrackConfig, ...]) -> frozenset[int]:
    return frozenset(track.track_id for track in tracks if track.kind is TrackKind.VIDEO)
