"""One RTSP connection to the simulator: talks through `ServerSession`, and takes packets while it plays."""

import asyncio
from typing import Protocol, cast

from civiscope.base import ProtocolError
from civiscope.media.wire import Delivery, Played, RtpTransport, ServerEvent, ServerSession
from civiscope.simulator.camera import Burst, SimulatedCamera

MAX_UNSENT_BYTES = 4 << 20
"""A client that reads too slowly misses whole units beyond this, as at a camera."""


class Studio(Protocol):
    """What a connection needs of the server it belongs to."""

    def now_us(self) -> int:
        """Monotonic."""
        ...

    def camera_at(self, path: str) -> SimulatedCamera | None:
        """Who is there."""
        ...

    def joined(self, watcher: "Watcher") -> None:
        """The connection is open."""
        ...

    def left(self, watcher: "Watcher") -> None:
        """The connection is closed."""
        ...

    def send_datagram(self, packet: bytes, address: tuple[str, int], is_rtcp: bool) -> None:
        """One packet from the server's UDP port, lost if it cannot go at once."""
        ...


class Watcher(asyncio.Protocol):
    """A client's connection. `camera` is set while packets are wanted."""

    def __init__(self, studio: Studio, session: ServerSession) -> None:
        self._studio = studio
        self._session = session
        self._transport: asyncio.Transport | None = None
        self._deliveries: dict[int, Delivery] = {}
        self._pending: list[bytes] = []
        self._awaits_key = False
        self._playing_since_us = 0
        self._host = ""
        self.camera: SimulatedCamera | None = None
        self.missed_units = 0
        self._wants_report = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._host = str(transport.get_extra_info("peername")[0])
        self._studio.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.camera = None
        self._studio.left(self)

    def data_received(self, data: bytes) -> None:
        """Requests in, answers out."""
        assert self._transport is not None
        try:
            events = self._session.receive(data, self._studio.now_us())
        except ProtocolError:
            self._transport.abort()
            return
        asked = self._studio.camera_at(self._session.asked_path)
        if asked is not None and asked.faults.aborts_connections:
            self._transport.abort()
            return
        self._transport.write(self._session.outgoing())
        for event in events:
            self._follow(event)

    def _follow(self, event: ServerEvent) -> None:
        if not isinstance(event, Played):
            self.camera = None
            return
        self.camera = self._studio.camera_at(event.path)
        self._deliveries = {delivery.track: delivery for delivery in event.deliveries}
        self._playing_since_us = self._studio.now_us()
        self._awaits_key = self.camera is not None and self.camera.awaits_key()
        self._wants_report = True

    def take(self, burst: Burst) -> None:
        """One unit of the camera watched; it goes out with `flush`."""
        delivery = self._deliveries.get(burst.track)
        if self._awaits_key:
            if not (burst.is_key and burst.track == 0):
                return
            self._awaits_key = False
        if delivery is None:
            return
        if delivery.transport.lower is RtpTransport.UDP:
            ports = delivery.transport.client_ports or (0, 0)
            for start, end in burst.packets:
                self._studio.send_datagram(burst.frames[start:end], (self._host, ports[0]), False)
            return
        channel = (delivery.transport.interleaved or (0, 1))[0]
        self._pending.append(burst.frames if channel == 2 * burst.track else _moved(burst, channel))

    def wants_report(self) -> bool:
        """True once after its first unit: a client should soon know the camera's clock."""
        wants = self._wants_report and not self._awaits_key
        self._wants_report = self._wants_report and not wants
        return wants

    def report(self, track: int, packet: bytes) -> None:
        """A sender report of the camera watched."""
        delivery = self._deliveries.get(track)
        if delivery is None or self._awaits_key:
            return
        if delivery.transport.lower is RtpTransport.UDP:
            ports = delivery.transport.client_ports or (0, 0)
            self._studio.send_datagram(packet, (self._host, ports[1]), True)
            return
        channel = (delivery.transport.interleaved or (0, 1))[1]
        self._pending.append(b"$%c%c%c" % (channel, len(packet) >> 8, len(packet) & 255) + packet)

    def flush(self, now_us: int) -> None:
        """Send what was taken in one write, and let the faults of the connection happen."""
        transport, camera = self._transport, self.camera
        if transport is None or camera is None:
            self._pending.clear()
            return
        closes_after_us = camera.faults.closes_after_us
        if closes_after_us is not None and now_us - self._playing_since_us >= closes_after_us:
            self.camera = None
            transport.close()
            return
        if self._uses_udp() and self._session.is_silent(now_us):
            self.camera = None
            return
        if self._pending:
            if transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
                transport.write(self._pending[0] if len(self._pending) == 1 else b"".join(self._pending))
            else:
                self.missed_units += len(self._pending)
            self._pending.clear()

    def _uses_udp(self) -> bool:
        return any(d.transport.lower is RtpTransport.UDP for d in self._deliveries.values())

    def close(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()


def _moved(burst: Burst, channel: int) -> bytes:
    """The frames on another channel than usual."""
    frames = bytearray(burst.frames)
    for start, _ in burst.packets:
        frames[start - 3] = channel
    return bytes(frames)
