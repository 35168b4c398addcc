"""The receivers of one session's tracks, and what is told back to the camera."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from civiscope.base import AppError, ProtocolError
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason
from civiscope.ingest.run import Run, RunTrack
from civiscope.media import Codec, SenderClock
from civiscope.media.wire import (
    DOLLAR,
    Arrival,
    Bye,
    ReceiverReport,
    ReportBlock,
    Route,
    RtpReceiver,
    RunOrigin,
    SenderReport,
    SessionTrack,
    TimedUnit,
    UnitClock,
    clock_rate_hz,
    depacketizer_for,
    parse_rtcp,
    read_frame_head,
    write_receiver_report,
)

_REORDERING = frozenset({Codec.H264, Codec.H265})
_EARLIEST_CAMERA_US = 946_684_800_000_000
"""2000-01-01: a camera whose clock was never set tells nothing."""


@dataclass(slots=True)
class _Track:
    track_id: int
    receiver: RtpReceiver
    clock: UnitClock
    last_packet_us: int = 0
    sender_report: tuple[int, int] | None = None
    """Middle of the NTP time, and when it came (monotonic, µs)."""
    reported: tuple[int, int] = (0, 0)
    early_report: tuple[SenderReport, int] | None = None
    """Came before the first unit, with its arrival (UTC): it can be placed only then."""


class Reception:
    """Routes packets to the track they belong to and hands units to the run."""

    def __init__(self, run: Run, stall_s: float, first_packet_s: float, *, reorder: bool) -> None:
        self._run = run
        self._stall_us = int(stall_s * 1e6)
        self._patience_us = int(first_packet_s * 1e6)
        self._reorder = reorder
        self._tracks: dict[int, _Track] = {}
        """By index of the session's tracks; sound that cannot be read is left out."""
        self._ssrc = secrets.randbits(32)
        self.arrival = Arrival(0, 0)
        """Of what `take_frames` is given."""
        self.packets = 0
        """Taken by `take_frames` so far."""

    @property
    def lost_packets(self) -> int:
        """Of all tracks."""
        return sum(track.receiver.counts.lost for track in self._tracks.values())

    def describe(self, tracks: Sequence[SessionTrack]) -> None:
        """Make ready for these tracks; AppError(INVALID) if the picture cannot be read."""
        origin = RunOrigin()
        described = []
        for track in tracks:
            media = track.description
            codec = media.codec
            try:
                depacketizer = depacketizer_for(media)
            except AppError:
                if track.index == 0:
                    raise
                continue
            assert codec is not None  # there is a depacketizer for it
            rate_hz = clock_rate_hz(media)
            clock = UnitClock(rate_hz, origin, reorders=codec in _REORDERING)
            receiver = RtpReceiver(depacketizer, clock, media.payload_type, reorder=self._reorder)
            self._tracks[track.index] = _Track(track.index + 1, receiver, clock)
            described.append(RunTrack(track.index + 1, codec, rate_hz, depacketizer.config))
        self._run.describe(described)

    def play(self, arrival: Arrival) -> None:
        """From now on packets must come."""
        for track in self._tracks.values():
            track.last_packet_us = arrival.monotonic_us

    def take(self, items: Sequence[tuple[int, bool, memoryview]], arrival: Arrival) -> None:
        """Packets in order: track, whether RTCP, payload. Raises `Lost` if the camera is done."""
        current, push = -1, None
        for index, is_rtcp, packet in items:
            if index != current:
                current, track = index, self._tracks.get(index)
                push = track.receiver.push if track is not None else None
                if track is not None and not is_rtcp:
                    track.last_packet_us = arrival.monotonic_us
            if track is None or push is None:
                continue
            if is_rtcp:
                self._control(track, packet, arrival)
                current = -1
            elif units := push(packet, arrival):
                self._deliver(track, units)

    def take_frames(self, view: memoryview, position: int, routes: Sequence[Route | None]) -> int:
        """A `FrameTaker`: the same as `take`, straight from the bytes of a connection."""
        arrival, last = self.arrival, len(view) - 4
        while position <= last:
            mark, channel, length = read_frame_head(view, position)
            start, end = position + 4, position + 4 + length
            if mark != DOLLAR or end > last + 4:
                break
            position = end
            self.packets += 1
            route = routes[channel]
            track = self._tracks.get(route[0]) if route is not None else None
            if route is None or track is None:
                continue
            if route[1]:
                self._control(track, view[start:end], arrival)
                continue
            track.last_packet_us = arrival.monotonic_us
            if units := track.receiver.push(view[start:end], arrival):
                self._deliver(track, units)
            elif position <= last:
                position, count = track.receiver.follow(view, position, channel)
                self.packets += count
        return position

    def _deliver(self, track: _Track, units: Sequence[TimedUnit]) -> None:
        for unit in units:
            self._run.deliver(track.track_id, unit)
        if track.early_report is not None:
            report, track.early_report = track.early_report, None
            self._tell_clock(track, *report)

    def release(self, arrival: Arrival) -> None:
        """Let packets go on that waited too long for others; only with `reorder`."""
        for track in self._tracks.values():
            self._deliver(track, track.receiver.tick(arrival.monotonic_us))

    def check(self, arrival: Arrival) -> None:
        """Raise `Lost` if the session is dead or the camera changed."""
        for track in self._tracks.values():
            if track.receiver.changed:
                raise Lost(LossReason.CHANGED, "The camera sends another codec than it described.")
        first = self._tracks[0]
        patience_us = self._stall_us if first.receiver.ssrc is not None else self._patience_us
        if arrival.monotonic_us - first.last_packet_us > patience_us:
            raise Lost(
                LossReason.STALLED,
                f"The camera holds the connection but sent nothing for {patience_us / 1e6:g} s.",
            )

    def flush(self) -> None:
        """Deliver what was still being put together."""
        for track in self._tracks.values():
            self._deliver(track, track.receiver.flush())

    def reports(self, now_us: int) -> Iterator[tuple[int, bytes]]:
        """A receiver report for each track that anything came of (RFC 3550 §6.4.2)."""
        for index, track in self._tracks.items():
            receiver = track.receiver
            if receiver.ssrc is None:
                continue
            counts = receiver.counts
            packets, lost = counts.packets - track.reported[0], counts.lost - track.reported[1]
            track.reported = (counts.packets, counts.lost)
            last, since = 0, 0
            if track.sender_report is not None:
                last = track.sender_report[0]
                since = (now_us - track.sender_report[1]) * 65_536 // 1_000_000
            block = ReportBlock(
                receiver.ssrc, min(255, 256 * lost // max(1, packets + lost)), counts.lost,
                receiver.highest_sequence, 0, last, since,
            )  # fmt: skip
            yield index, write_receiver_report(ReceiverReport(self._ssrc, (block,)), "civiscope")

    def _control(self, track: _Track, packet: memoryview, arrival: Arrival) -> None:
        try:
            reports = parse_rtcp(packet)
        except ProtocolError:
            track.receiver.counts.malformed += 1
            return
        for report in reports:
            if isinstance(report, SenderReport):
                track.sender_report = (report.ntp >> 16 & 0xFFFF_FFFF, arrival.monotonic_us)
                self._tell_clock(track, report, arrival.utc_us)
            elif isinstance(report, Bye) and track.track_id == 1:
                raise Lost(LossReason.CLOSED, "The camera said goodbye.")

    def _tell_clock(self, track: _Track, report: SenderReport, arrival_us: int) -> None:
        if report.camera_us < _EARLIEST_CAMERA_US:
            return
        ticks = track.clock.ticks(report.rtp_timestamp)
        if ticks is not None:
            self._run.sender_clock(SenderClock(track.track_id, ticks, report.camera_us, arrival_us))
        elif not track.clock.has_begun:
            track.early_report = (report, arrival_us)
