"""One session with one camera by our own RTSP client: from look-up to the last unit."""

import contextlib
from collections.abc import Sequence

from civiscope.base import AppError
from civiscope.devices import Trouble
from civiscope.ingest.connection import Connection, TlsTrust
from civiscope.ingest.datagrams import PortPair
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, StreamSource
from civiscope.ingest.network import Network
from civiscope.ingest.reaching import Reaching
from civiscope.ingest.reception import Reception
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings
from civiscope.ingest.strangers import FIRST_BYTES, stranger
from civiscope.media.wire import (
    Arrival,
    ClientEvent,
    ClientSession,
    ClientSettings,
    Credentials,
    Described,
    Ended,
    EndReason,
    Packets,
    Playing,
    RtpTransport,
    SessionTrack,
    UdpPortsNeeded,
)

_MAX_READS, _MAX_TLS_READS = 4, 128
"""Reads from one socket in one tick: a flooding camera does not stop the others (TLS gives 16 KiB each)."""
_SLICE_BYTES = 32 * 1024
_MAX_PACKETS = 1000
"""Of one camera in one tick, looked at after each slice: the tiniest packets come by ten thousands a read."""
_LOOK_EVERY_US = 250_000
_LOSSES = {
    EndReason.AUTHENTICATION: LossReason.AUTHENTICATION,
    EndReason.REFUSED: LossReason.REFUSED,
    EndReason.TRANSPORT: LossReason.REFUSED,
    EndReason.UNSUPPORTED: LossReason.PROTOCOL,
    EndReason.REDIRECTED: LossReason.REFUSED,
    EndReason.SESSION_LOST: LossReason.CLOSED,
    EndReason.TIMEOUT: LossReason.UNREACHABLE,
    EndReason.PROTOCOL: LossReason.PROTOCOL,
    EndReason.CLOSED: LossReason.CLOSED,
    EndReason.STOPPED: LossReason.REMOVED,
}
_TROUBLES = {
    EndReason.AUTHENTICATION: Trouble.AUTHENTICATION,
    EndReason.UNSUPPORTED: Trouble.CODEC,
    EndReason.TIMEOUT: Trouble.TIMEOUT,
}
_ADVICE = {
    EndReason.AUTHENTICATION: "Enter the name and password of a user of the camera who may see its stream.",
    EndReason.UNSUPPORTED: "Set the camera's stream to H.264, H.265 or MJPEG.",
    EndReason.TIMEOUT: "A camera that is starting may need a minute.",
    EndReason.REFUSED: "Check the path after the host name; the camera's manual or its page names it.",
    EndReason.TRANSPORT: "Try the other transport.",
}


class CameraSession:
    """Polled every tick until it raises `Lost`; then, or before, `close` it once."""

    def __init__(
        self,
        source: StreamSource,
        transport: RtpTransport,
        settings: IntakeSettings,
        network: Network,
        run: Run,
    ) -> None:
        self.transport_refused = False
        """The camera does not do this transport: the other one may work."""
        self.is_playing = False
        self._source = source
        self._settings = settings
        self._run = run
        self.camera_date = ""
        """What the camera's Date header said last, if it has one (RFC 2326 §12.18)."""
        self.date_arrival_us: int | None = None
        """When it came (UTC); None while there is none."""
        self._network = network
        trust = TlsTrust(source.tls_fingerprint, settings.ca_file)
        self._reaching = Reaching(source.url, network, trust, settings.connect_timeout_s)
        self._is_tls = self._reaching.endpoint.is_tls
        self._connection: Connection | None = None
        self._first = b""
        self._client = ClientSession(_client_settings(source, transport, settings))
        self._reception = Reception(
            run,
            settings.stall_s,
            settings.first_packet_s or settings.stall_s,
            reorder=transport is RtpTransport.UDP,
        )
        self._ports: list[PortPair] = []
        self._left = b""
        self._since_us = -1
        self._report_due_us = 0
        self._look_due_us = 0

    @property
    def lost_packets(self) -> int:
        """Of all tracks, so far."""
        return self._reception.lost_packets

    @property
    def peer(self) -> tuple[str, int] | None:
        """See `life.Session`."""
        return self._reaching.peer

    @property
    def sends_password_in_clear(self) -> bool:
        """See `ClientSession`."""
        return self._client.sends_password_in_clear

    def poll(self, buffer: memoryview, arrival: Arrival) -> None:
        """Take and give all that can be now; raises `Lost` when it is over."""
        connection = self._connection
        if connection is None:
            self._open(arrival.monotonic_us)
            return
        packets = self._receive(memoryview(self._left), arrival) if self._left else 0
        for _ in range(_MAX_TLS_READS if self._is_tls else _MAX_READS):
            if packets > _MAX_PACKETS:
                break
            count = self._read(connection, buffer)
            if not count:
                break
            packets += self._receive(buffer[:count], arrival)
            if count < len(buffer) and not self._is_tls:
                break
        if self._ports:
            self._read_datagrams(arrival)
            self._reception.release(arrival)
        if arrival.monotonic_us >= self._look_due_us or not self.is_playing:
            self._look(connection, arrival)

    def rest(self) -> tuple[int, int]:
        """See `life.Session`: a playing session on an open TCP connection waits for bytes."""
        connection = self._connection
        if not self.is_playing or self._left or self._ports or self._is_tls or connection is None:
            return -1, 0
        return connection.descriptor, self._look_due_us

    def _look(self, connection: Connection, arrival: Arrival) -> None:
        """What need not be done in every tick of a stream that plays: time-outs, keep-alive, reports."""
        self._look_due_us = arrival.monotonic_us + _LOOK_EVERY_US
        self._handle(self._client.tick(arrival.monotonic_us), arrival)
        if self.is_playing:
            self._reception.check(arrival)
            if arrival.monotonic_us >= self._report_due_us:
                self._send_reports(arrival)
        connection.send(self._client.outgoing())

    def flush(self) -> None:
        """Deliver what was still being put together."""
        self._reception.flush()

    def close(self, arrival: Arrival) -> None:
        """Say goodbye if anybody is there, and let go of every socket."""
        connection = self._connection
        if connection is not None:
            self._client.stop(arrival.monotonic_us)
            with contextlib.suppress(Lost):
                connection.send(self._client.outgoing())
        self._reaching.close()
        for pair in self._ports:
            pair.close()
        self._ports.clear()
        self._connection = None

    def overdue(self) -> Lost:
        """See `life.Session`."""
        if self._connection is None:
            return self._reaching.overdue()
        if self.is_playing:
            return Lost(
                LossReason.STALLED,
                "The camera accepted the connection but sent no picture that can be read in time.",
                "Check its encoder, or try the other transport.",
            )
        return Lost(
            LossReason.UNREACHABLE,
            "What answers at this address took the connection, and then was silent.",
            "Check the port. A camera that is starting may need a minute.",
            trouble=Trouble.TIMEOUT,
        )

    def _open(self, now_us: int) -> None:
        connection = self._reaching.open(now_us)
        if connection is not None:
            self._connection = connection
            self._client.start(now_us)
            connection.send(self._client.outgoing())

    # -- what comes

    def _read(self, connection: Connection, buffer: memoryview) -> int:
        """Bytes read; the first ones are kept, to tell a camera from something else."""
        if self.is_playing:
            return connection.read_into(buffer)
        try:
            count = connection.read_into(buffer)
        except Lost as lost:
            if lost.reason is LossReason.CLOSED and not self._first:
                raise stranger(b"", "RTSP") from lost
            raise
        self._first += bytes(buffer[: min(count, FIRST_BYTES)])
        return count

    def _receive(self, data: memoryview, arrival: Arrival) -> int:
        """How many packets came; what is too much for one tick is left for the next one."""
        reception, packets, at = self._reception, 0, 0
        reception.arrival = arrival
        while at < len(data) and packets <= _MAX_PACKETS:
            some = data[at : at + _SLICE_BYTES]
            before = reception.packets
            events = self._client.receive(some, arrival.monotonic_us, reception.take_frames)
            if events:
                self._handle(events, arrival)
            packets += reception.packets - before
            at += len(some)
        self._left = bytes(data[at:])
        return packets

    def _handle(self, events: Sequence[ClientEvent], arrival: Arrival) -> None:
        for event in events:
            match event:
                case Packets():
                    self._reception.take(event.items, arrival)
                case Described():
                    self.camera_date = event.date
                    self.date_arrival_us = arrival.utc_us if event.date else None
                    self._describe(event.tracks)
                case UdpPortsNeeded():
                    self._give_ports(event.track, arrival)
                case Playing():
                    self._play(event.tracks, arrival)
                case Ended():
                    self.transport_refused = event.reason is EndReason.TRANSPORT
                    raise self._loss_of(event)

    def _loss_of(self, ended: Ended) -> Lost:
        reason = ended.reason
        if self.is_playing and reason is EndReason.TIMEOUT:
            return Lost(LossReason.STALLED, ended.detail)
        if reason is EndReason.PROTOCOL and not self._first.startswith(b"RTSP/"):
            return stranger(self._first, "RTSP")
        return Lost(
            _LOSSES[reason],
            ended.detail,
            _ADVICE.get(reason, ""),
            trouble=_TROUBLES.get(reason, Trouble.STREAM),
        )

    def _describe(self, tracks: Sequence[SessionTrack]) -> None:
        try:
            self._reception.describe(tracks)
        except AppError as error:
            advice = _ADVICE[EndReason.UNSUPPORTED]
            raise Lost(LossReason.PROTOCOL, error.message, advice, trouble=Trouble.CODEC) from error

    def _play(self, tracks: Sequence[SessionTrack], arrival: Arrival) -> None:
        self.is_playing = True
        self._reception.play(arrival)
        self._report_due_us = arrival.monotonic_us + int(self._settings.report_interval_s * 1e6)
        assert self._connection is not None  # PLAY was answered on it
        for pair, track in zip(self._ports, tracks, strict=False):
            pair.open_path(self._connection.peer_host, track.server_ports, track.source, self._network.gate)

    def _give_ports(self, track: int, arrival: Arrival) -> None:
        connection = self._connection
        assert connection is not None  # the wish came over it
        pair = PortPair(
            connection.family, connection.local_host, connection.peer_host, self._settings.udp_buffer_bytes
        )
        self._ports.append(pair)
        self._client.give_udp_port(track, pair.port, arrival.monotonic_us)

    def _read_datagrams(self, arrival: Arrival) -> None:
        for index, pair in enumerate(self._ports):
            items = [(index, False, packet) for packet in pair.read(pair.rtp)]
            items += [(index, True, packet) for packet in pair.read(pair.rtcp)]
            if items:
                self._reception.take(items, arrival)

    def _send_reports(self, arrival: Arrival) -> None:
        """Receiver reports tell the camera that somebody still listens (RFC 3550 §6.4.2)."""
        self._report_due_us = arrival.monotonic_us + int(self._settings.report_interval_s * 1e6)
        for index, report in self._reception.reports(arrival.monotonic_us):
            if self._ports:
                self._ports[index].send_report(report)
            else:
                self._client.send_rtcp(index, report)


def _client_settings(
    source: StreamSource, transport: RtpTransport, settings: IntakeSettings
) -> ClientSettings:
    credentials = Credentials(source.username, source.password or "") if source.username else None
    return ClientSettings(
        url=source.url,
        credentials=credentials,
        transport=transport,
        wants_audio=source.audio,
        answer_timeout_us=int(settings.answer_timeout_s * 1e6),
    )
