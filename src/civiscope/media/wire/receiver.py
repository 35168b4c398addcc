"""The packets of one track, as they come from the network, into timed access units (RFC 3550 §6.4, §A).

The hot path of a recorder: a packet that is plain, next in sequence and of the known source costs one header
read and one call of the depacketizer. Everything odd goes through `_oddity`.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from civiscope.base import ProtocolError
from civiscope.media.model import UnitFlags
from civiscope.media.wire.depacketizer import CodecConfig, Depacketizer, RawUnit
from civiscope.media.wire.nal_depacketizer import NalAssembly
from civiscope.media.wire.rtp import HEADER_BYTES, payload_bounds
from civiscope.media.wire.rtsp import DOLLAR
from civiscope.media.wire.unit_clock import UnitClock

_HEADER = struct.Struct(">BBHII")
_read_header = _HEADER.unpack_from
_MAX_LATE = 100
"""How far back a sequence number still counts as late or doubled, not as a new beginning (RFC 3550 §A.1)."""
_STEADY = 2
"""Packets in a row that a new source, or a new numbering, must show."""
_NEW_TYPE_STEADY = 3
_STEADY_NUMBERING = 3
_WINDOW_PACKETS = 64
_WINDOW_US = 80_000


class Arrival(NamedTuple):
    """When bytes came, on both clocks; one value serves a whole read."""

    utc_us: int
    monotonic_us: int


class _Held(NamedTuple):
    """A packet on its way to the depacketizer."""

    payload: memoryview
    timestamp: int
    marker: bool
    arrival: Arrival


class TimedUnit(NamedTuple):
    """One access unit with its times on the track's axis; `AccessUnit` without the run's numbering."""

    pts: int
    dts: int
    arrival_us: int
    arrival_monotonic_us: int
    flags: UnitFlags
    config: CodecConfig | None
    """The configuration in force from this unit on, if it changed with it."""
    data: bytes


_NO_UNITS: tuple[TimedUnit, ...] = ()


@dataclass(slots=True)
class ReceiverCounts:
    """What was received and what was not; grows for the life of the track."""

    packets: int = 0
    lost: int = 0
    doubled: int = 0
    """Late or repeated packets, dropped."""
    malformed: int = 0
    jumps: int = 0
    """Re-anchored timestamps and changes of source."""


class RtpReceiver:
    """One track of one session. `reorder` holds packets that overtook others back for at most 80 ms (UDP).

    `changed` becomes true when the camera switched to another payload type: what it sends now is not what
    it described, and only a new session will tell.
    """

    def __init__(
        self, depacketizer: Depacketizer, clock: UnitClock, payload_type: int | None, *, reorder: bool
    ) -> None:
        self._counts = ReceiverCounts()
        self._packets = 0
        self.changed = False
        self.ssrc: int | None = None
        self._depacketizer = depacketizer
        self._take = depacketizer.push
        self._join = depacketizer.join if isinstance(depacketizer, NalAssembly) else None
        self._clock = clock
        self._payload_type = payload_type
        self._other_type = (-1, 0)
        self._expected = -1
        self._gap = False
        self._cut = False
        self._first = 0
        self._candidate = (-1, -1, 0)
        self._probation: _Held | None = None
        self._window: dict[int, _Held] | None = {} if reorder else None
        self._window_since_us = 0
        self._last_timestamp = -1
        self._last_arrival = Arrival(0, 0)
        if depacketizer.config is not None:
            clock.configure(depacketizer.config.reorder_depth, depacketizer.config.frame_s)

    @property
    def counts(self) -> ReceiverCounts:
        """What was received and what was not."""
        self._counts.packets = self._packets
        return self._counts

    @property
    def config(self) -> CodecConfig | None:
        """The newest configuration known of the track."""
        return self._depacketizer.config

    @property
    def highest_sequence(self) -> int:
        """The last sequence number with its cycles in the upper half, as receiver reports tell it."""
        return self._first + self._packets + self._counts.lost - 1 & 0xFFFF_FFFF

    def push(self, packet: memoryview, arrival: Arrival) -> Sequence[TimedUnit]:
        """Take one RTP packet; the view is not kept. Never raises for what a packet holds."""
        if len(packet) <= HEADER_BYTES:
            return self._short(packet)
        first, second, sequence, timestamp, ssrc = _read_header(packet)
        if (
            first == 0x80
            and sequence == self._expected
            and ssrc == self.ssrc
            and second & 0x7F == self._payload_type
        ):
            if self._window or self._gap:
                return self._held_after(_Held(packet[12:], timestamp, second >= 0x80, arrival))
            self._expected = sequence + 1 & 0xFFFF  # from here on `_deliver`, spelt out for speed
            self._packets += 1
            try:
                units = self._take(packet[12:], timestamp, second >= 0x80, False)
            except ProtocolError:
                self._counts.malformed += 1
                self._gap = True
                return _NO_UNITS
            timed = self._timed(units, timestamp, arrival) if units else _NO_UNITS
            self._last_timestamp = timestamp
            self._last_arrival = arrival
            return timed
        return self._oddity(packet, arrival)

    def follow(self, view: memoryview, position: int, channel: int) -> tuple[int, int]:
        """After `push` of a packet: take the frames of `channel` behind it that only go on with its NAL unit.

        Gives where the first other begins, and how many were taken. The same as pushing each of them with the
        same arrival, which would give no unit.
        """
        if self._join is None or self._gap or self._window or self.ssrc is None or self._payload_type is None:
            return position, 0
        source = self._last_timestamp << 32 | self.ssrc
        position, count = self._join(
            view, position, DOLLAR << 8 | channel, self._expected, 0x8000 | self._payload_type, source
        )
        self._packets += count
        self._expected = self._expected + count & 0xFFFF
        return position, count

    def tick(self, monotonic_us: int) -> Sequence[TimedUnit]:
        """Give up on packets that others have waited for too long; only with `reorder`."""
        if self._window and monotonic_us - self._window_since_us >= _WINDOW_US:
            return self._skip_to_held()
        return _NO_UNITS

    def flush(self) -> Sequence[TimedUnit]:
        """What is still being put together: the session has ended."""
        units = list(self._skip_to_held()) if self._window else []
        units += self._timed(self._depacketizer.flush(), self._last_timestamp, self._last_arrival)
        return units

    def _deliver(
        self, payload: memoryview, timestamp: int, marker: bool, arrival: Arrival
    ) -> Sequence[TimedUnit]:
        """The next packet in sequence."""
        self._expected = self._expected + 1 & 0xFFFF
        self._packets += 1
        try:
            units = self._take(payload, timestamp, marker, self._gap)
        except ProtocolError:
            self._counts.malformed += 1
            self._gap = True
            return _NO_UNITS
        self._gap = False
        timed = self._timed(units, timestamp, arrival) if units else _NO_UNITS
        self._last_timestamp = timestamp
        self._last_arrival = arrival
        return timed

    def _timed(self, units: Sequence[RawUnit], timestamp: int, arrival: Arrival) -> list[TimedUnit]:
        """A unit ended by the first packet of the next one came whole with the packet before."""
        timed = []
        for unit in units:
            if unit.config is not None:
                self._clock.configure(unit.config.reorder_depth, unit.config.frame_s)
            if self._cut and unit.timestamp == timestamp:
                self._clock.cut()
                self._cut = False
            came = arrival if unit.timestamp == timestamp else self._last_arrival
            pts, dts, jumped = self._clock.times(unit.timestamp, came.monotonic_us)
            flags = unit.flags
            if jumped:
                self._counts.jumps += 1
                flags |= UnitFlags.DISCONTINUITY
            timed.append(TimedUnit(pts, dts, came.utc_us, came.monotonic_us, flags, unit.config, unit.data))
        return timed

    def _short(self, packet: memoryview) -> Sequence[TimedUnit]:
        """A packet without payload counts in the sequence; anything shorter counts for nothing."""
        if len(packet) == HEADER_BYTES and packet[0] >> 6 == 2:
            _, _, sequence, _, ssrc = _read_header(packet)
            if sequence == self._expected and ssrc == self.ssrc:
                self._expected = sequence + 1 & 0xFFFF
                self._packets += 1
                return _NO_UNITS
        self._counts.malformed += 1
        return _NO_UNITS

    def _oddity(self, packet: memoryview, arrival: Arrival) -> Sequence[TimedUnit]:
        """A packet with anything unusual about it."""
        try:
            start, end = payload_bounds(packet, 0, len(packet))
        except ProtocolError:
            self._counts.malformed += 1
            return _NO_UNITS
        _, second, sequence, timestamp, ssrc = _read_header(packet)
        if 192 <= second <= 223 or not self._is_known_type(second & 0x7F):
            return _NO_UNITS
        held = _Held(packet[start:end], timestamp, second >= 0x80, arrival)
        if ssrc != self.ssrc and not self._is_known_source(ssrc, sequence):
            self._probation = held._replace(payload=memoryview(bytes(held.payload)))
            return _NO_UNITS
        if start == end:
            self._expected = sequence + 1 & 0xFFFF
            return _NO_UNITS
        if self._probation is not None:
            earlier, self._probation = self._probation, None
            if self._cut:
                return [*self._deliver(*earlier), *self._in_sequence(sequence, held)]
        return self._in_sequence(sequence, held)

    def _is_known_type(self, payload_type: int) -> bool:
        """The first packet's payload type is believed, whatever the SDP said; later a new one must last."""
        if payload_type == self._payload_type:
            return True
        if self._packets == 0:
            self._payload_type = payload_type
            return True
        other, streak = self._other_type
        streak = streak + 1 if other == payload_type else 1
        self._other_type = (payload_type, streak)
        self.changed = self.changed or streak >= _NEW_TYPE_STEADY
        return False

    def _is_known_source(self, ssrc: int, sequence: int) -> bool:
        """A new SSRC is believed at once if the numbering goes on, else when it has been steady."""
        if self.ssrc is None:
            self._begin(ssrc, sequence)
        elif sequence == self._expected:
            self.ssrc = ssrc
        else:
            source, following, streak = self._candidate
            streak = streak + 1 if (source, following) == (ssrc, sequence) else 1
            self._candidate = (ssrc, sequence + 1 & 0xFFFF, streak)
            if streak < _STEADY:
                return False
            self._renumber(sequence - 1 & 0xFFFF)
            self.ssrc = ssrc
            self._cut = True
        return True

    def _begin(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self._expected = sequence
        self._first = sequence

    def _renumber(self, sequence: int) -> None:
        """Packets were missed that nobody can count."""
        self._expected = sequence
        self._gap = True
        self._counts.jumps += 1
        if self._window is not None:
            self._window.clear()

    def _in_sequence(self, sequence: int, held: "_Held") -> Sequence[TimedUnit]:
        ahead = sequence - self._expected & 0xFFFF
        if ahead == 0:
            if self._window:
                return self._held_after(held)
            return self._deliver(*held)
        if ahead >= 0x1_0000 - _MAX_LATE:
            return self._late(sequence, held)
        if self._window is not None and ahead <= _WINDOW_PACKETS:
            return self._hold(sequence, held)
        if ahead < 3000:
            self._counts.lost += ahead
            self._gap = True
            self._expected = sequence
        else:
            self._renumber(sequence)
        if self._window:
            self._window.clear()
        return self._deliver(*held)

    def _late(self, sequence: int, held: "_Held") -> Sequence[TimedUnit]:
        """Doubled or too late: dropped; but a camera that began to count anew a little lower is believed."""
        source, following, streak = self._candidate
        streak = streak + 1 if (source, following) == (-1, sequence) else 1
        self._candidate = (-1, sequence + 1 & 0xFFFF, streak)
        is_newer = 0 < held.timestamp - self._last_timestamp & 0xFFFF_FFFF < 1 << 31
        if streak >= (_STEADY_NUMBERING if is_newer else _MAX_LATE):
            self._renumber(sequence)
            return self._deliver(*held)
        self._counts.doubled += 1
        return _NO_UNITS

    def _hold(self, sequence: int, held: "_Held") -> Sequence[TimedUnit]:
        """A packet that overtook others waits for them."""
        window = self._window
        assert window is not None  # the caller looked
        if not window:
            self._window_since_us = held.arrival.monotonic_us
        if sequence in window:
            self._counts.doubled += 1
            return _NO_UNITS
        window[sequence] = held._replace(payload=memoryview(bytes(held.payload)))
        if len(window) >= _WINDOW_PACKETS:
            return self._skip_to_held()
        return self.tick(held.arrival.monotonic_us)

    def _held_after(self, held: "_Held") -> Sequence[TimedUnit]:
        """The packet awaited, and those that waited for it."""
        return [*self._deliver(*held), *self._drain()]

    def _drain(self) -> Sequence[TimedUnit]:
        units: list[TimedUnit] = []
        window = self._window
        while window and (held := window.pop(self._expected, None)) is not None:
            units += self._deliver(*held)
            self._window_since_us = held.arrival.monotonic_us
        return units

    def _skip_to_held(self) -> Sequence[TimedUnit]:
        """The packets awaited are lost: go on with the first that waits."""
        window = self._window
        units: list[TimedUnit] = []
        if window:
            ahead = min(sequence - self._expected & 0xFFFF for sequence in window)
            self._counts.lost += ahead
            self._gap = True
            self._expected = self._expected + ahead & 0xFFFF
            units += self._drain()
        return units
