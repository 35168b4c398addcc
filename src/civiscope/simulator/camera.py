"""A camera made of a file: endless, continuous in its clocks, and faulty when told to be."""

import secrets
from bisect import bisect_right
from dataclasses import dataclass, replace

from civiscope.media.wire import (
    Credentials,
    MediaDescription,
    RtpInfo,
    SenderReport,
    SessionDescription,
    check_path,
    us_to_ntp,
    write_sender_report,
)
from civiscope.simulator.faults import FAULTLESS, Faults, SdpLie
from civiscope.simulator.footage import Footage, ReadyUnit

_WRONG_SETS = "Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg=="
"""Of a picture of 160 × 240."""

LONGEST_WAIT_US = 2_000_000
"""For a key unit; beyond it a watcher would take the camera for dead."""


@dataclass(slots=True)
class _Sender:
    """The running numbers of one track."""

    ssrc: int
    sequence: int
    zero: int
    """RTP timestamp of media time 0."""
    packet_count: int = 0
    octet_count: int = 0


@dataclass(frozen=True, slots=True)
class Burst:
    """One unit stamped and ready to go; `frames` is on channel 2 × track and belongs to the taker."""

    track: int
    is_key: bool
    frames: bytes
    packets: tuple[tuple[int, int], ...]


class SimulatedCamera:
    """One mount. All who watch get the same packets, as if the camera's encoder had one output.

    `starts_at_key` holds a new watcher back until the next key unit of the picture if one is due within two
    seconds, much as cameras do that make one on PLAY. For one thread, the event loop's.
    """

    def __init__(
        self, mount: str, footage: Footage, *, faults: Faults = FAULTLESS, starts_at_key: bool = True
    ) -> None:
        self.mount = check_path(mount)
        self.faults = faults
        self.users: tuple[Credentials, ...] | None = None
        """Who may look; None: as the server says."""
        self._starts_at_key = starts_at_key
        self._footage = footage
        self._next = 0
        self._round = 0
        self._origin_us = 0
        """Our monotonic time at the camera's time 0."""
        self._shift_us = 0
        """Media time that passed without pictures: footage before a switch, frozen time."""
        self._frozen_since_us: int | None = None
        self._packet_number = 0
        self._senders = [_new_sender() for _ in footage.tracks]

    @property
    def footage(self) -> Footage:
        """What it sends now."""
        return self._footage

    def begin(self, now_us: int) -> None:
        """Switch the camera on; `now_us` is monotonic. The first picture is due at once."""
        self._origin_us = now_us

    def switch(self, footage: Footage, now_us: int) -> None:
        """Go on with another file: another codec or size. Clocks run on; sources stay where tracks stay."""
        self._shift_us += self._file_us(now_us)
        self._origin_us, self._next, self._round = now_us, 0, 0
        for index in range(len(self._senders), len(footage.tracks)):
            self._senders.insert(index, _new_sender())
        old = self._footage.tracks
        for track, config in enumerate(footage.tracks):
            rate = old[track].clock_rate_hz if track < len(old) else config.clock_rate_hz
            if rate != config.clock_rate_hz:
                self._senders[track] = _new_sender()
        self._footage = footage

    def due(self, now_us: int) -> list[Burst]:
        """All units whose time has come, stamped. Call it often; what is older than a second is skipped."""
        if self._hangs(now_us):
            return []
        file_us = self._file_us(now_us)
        bursts: list[Burst] = []
        while True:
            unit = self._footage.units[self._next]
            due_us = self._round * self._footage.duration_us + unit.due_us
            if due_us > file_us:
                return bursts
            if not self.faults.is_stalled and due_us > file_us - 1_000_000:
                bursts += self._send(unit)
            self._next += 1
            if self._next == len(self._footage.units):
                self._next, self._round = 0, self._round + 1

    def skip(self, now_us: int) -> None:
        """Let time pass while nobody watches; no packet is made."""
        if not self._hangs(now_us):
            file_us = self._file_us(now_us)
            self._round, within_us = divmod(file_us, self._footage.duration_us)
            self._next = bisect_right(self._footage.due_us, within_us)
            if self._next == len(self._footage.units):
                self._next, self._round = 0, self._round + 1

    def reports(self, now_us: int, wall_us: int) -> list[tuple[int, bytes]]:
        """A sender report for each track, by the camera's own clock (RFC 3550 §6.4.1): (track, packet)."""
        if not self.faults.sends_reports or self.faults.is_stalled or self._frozen_since_us is not None:
            return []
        seen_us = self._file_us(now_us) + self._shift_us + self._footage.capture_offset_us
        drift_us = (now_us - self._origin_us) * self.faults.skew_ppm // 1_000_000
        ntp = us_to_ntp(wall_us + drift_us + self.faults.clock_offset_us)
        packets = []
        for track, config in enumerate(self._footage.tracks):
            sender = self._senders[track]
            ticks = (seen_us + self.faults.jump_us) * config.clock_rate_hz // 1_000_000
            timestamp = (self._zero(sender, config.clock_rate_hz) + ticks) & 0xFFFF_FFFF
            report = SenderReport(
                self._ssrc(sender),
                ntp,
                timestamp,
                sender.packet_count & 0xFFFF_FFFF,
                sender.octet_count & 0xFFFF_FFFF,
            )
            packets.append((track, write_sender_report(report, f"{self.mount}@simulator")))
        return packets

    def description(self) -> SessionDescription:
        """What DESCRIBE answers, lies included."""
        tracks = tuple(_told(track, self.faults.sdp) for track in self._footage.descriptions)
        return SessionDescription(tracks, name=self.mount, control="*", attributes=(("range", "npt=now-"),))

    def ssrc(self, track: int) -> int:
        """The source announced in SETUP."""
        return self._senders[track].ssrc

    def position(self, track: int) -> RtpInfo:
        """Where the first packet of a new watcher will stand, or a lie about it."""
        if not self.faults.tells_rtp_info:
            return RtpInfo("")
        if self.faults.lies_in_rtp_info:
            return RtpInfo("", secrets.randbelow(1 << 16), secrets.randbelow(1 << 32))
        sender, units = self._senders[track], self._footage.units
        sequence, found_key = sender.sequence, not self.awaits_key()
        for step in range(2 * len(units)):
            at = (self._next + step) % len(units)
            unit = units[at]
            found_key = found_key or (unit.track == 0 and unit.is_key)
            if unit.track == track and found_key:
                passed = self._round + (self._next + step) // len(units)
                return RtpInfo("", sequence, self._timestamp(unit, passed))
            sequence += len(unit.packets) if unit.track == track else 0
        return RtpInfo("")

    def awaits_key(self) -> bool:
        """A watcher who comes now is to be held back until the next key unit."""
        units, duration_us = self._footage.units, self._footage.duration_us
        now_us = units[self._next].due_us
        for step in range(len(units) if self._starts_at_key else 0):
            passed, at = divmod(self._next + step, len(units))
            if passed * duration_us + units[at].due_us - now_us > LONGEST_WAIT_US:
                return False
            if units[at].track == 0 and units[at].is_key:
                return True
        return False

    # -- clocks

    def _file_us(self, now_us: int) -> int:
        """Time of the footage since its start, by the camera's clock."""
        elapsed_us = now_us - self._origin_us
        return elapsed_us + elapsed_us * self.faults.skew_ppm // 1_000_000

    def _hangs(self, now_us: int) -> bool:
        if self.faults.is_frozen:
            self._frozen_since_us = now_us if self._frozen_since_us is None else self._frozen_since_us
            return True
        if self._frozen_since_us is not None:
            self._origin_us += now_us - self._frozen_since_us
            self._shift_us += now_us - self._frozen_since_us
            self._frozen_since_us = None
        return False

    def _timestamp(self, unit: ReadyUnit, passed_rounds: int) -> int:
        rate = self._footage.tracks[unit.track].clock_rate_hz
        offset_us = passed_rounds * self._footage.duration_us + self._shift_us + self.faults.jump_us
        zero = self._zero(self._senders[unit.track], rate)
        return (zero + unit.pts + offset_us * rate // 1_000_000) & 0xFFFF_FFFF

    def _zero(self, sender: _Sender, rate_hz: int) -> int:
        after_us = self.faults.wraps_after_us
        return sender.zero if after_us is None else -(after_us * rate_hz // 1_000_000)

    # -- packets

    def _send(self, unit: ReadyUnit) -> list[Burst]:
        if self.faults.drops_key_units and unit.is_key and unit.track == 0:
            return []
        sender = self._senders[unit.track]
        sender.sequence = unit.stamp(sender.sequence, self._timestamp(unit, self._round), self._ssrc(sender))
        sender.packet_count += len(unit.packets)
        sender.octet_count += unit.octet_count
        burst = Burst(unit.track, unit.is_key, bytes(unit.frames), unit.packets)
        return [self._spoil(burst)] if self.faults.touches_packets else [burst]

    def _ssrc(self, sender: _Sender) -> int:
        return sender.ssrc ^ 0x5A5A_5A5A if self.faults.has_wrong_ssrc else sender.ssrc

    def _spoil(self, burst: Burst) -> Burst:
        """Lose and swap packets, and add what belongs to nothing."""
        kept: list[bytes] = []
        swap = False
        for start, end in burst.packets:
            self._packet_number += 1
            if self.faults.drops_every and self._packet_number % self.faults.drops_every == 0:
                continue
            frame = burst.frames[start - 4 : end]
            kept.insert(len(kept) - 1 if swap and kept else len(kept), frame)
            swap = bool(self.faults.swaps_every) and self._packet_number % self.faults.swaps_every == 0
        places, at = [], 0
        for frame in kept:
            places.append((at + 4, at + len(frame)))
            at += len(frame)
        frames = b"".join(kept) + b"\xa5" * self.faults.garbage_bytes
        return replace(burst, frames=frames, packets=tuple(places))


def _new_sender() -> _Sender:
    return _Sender(secrets.randbits(32) | 1, secrets.randbits(16), secrets.randbits(32))


def _told(track: MediaDescription, lie: SdpLie) -> MediaDescription:
    if track.media != "video" or lie is SdpLie.NONE:
        return track
    if lie is SdpLie.WRONG_PAYLOAD_TYPE:
        return replace(track, payload_type=(track.payload_type or 96) + 5)
    fmtp = tuple((key, value) for key, value in track.fmtp if not key.startswith("sprop-"))
    if lie is SdpLie.WRONG_PARAMETER_SETS and track.encoding == "H264":
        fmtp += (("sprop-parameter-sets", _WRONG_SETS),)
    return replace(track, fmtp=fmtp)
