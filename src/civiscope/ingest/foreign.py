"""A session that libav carries in a process of its own: for cameras our own client cannot read.

The process is given its orders over a socket, never by its arguments, and is killed when it is silent.
"""

import json
from urllib.parse import urlsplit, urlunsplit

from civiscope.base import ProtocolError
from civiscope.ingest.foreign_wire import (
    ForeignDone,
    ForeignFailure,
    ForeignMessage,
    ForeignParser,
    ForeignPlaced,
    ForeignTracks,
    ForeignUnit,
)
from civiscope.ingest.guest import Guest
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, StreamSource, Transport
from civiscope.ingest.network import Network, allowed_address, endpoint_of, found_addresses
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings
from civiscope.media import VIDEO_CODECS
from civiscope.media.wire import Arrival, RunOrigin, TimedUnit, UnitClock

_MAX_READS = 8
_START_S = 15.0
"""Until the first message: libav looks at a stream before it says what it is."""


class GuestSession:
    """A `life.Session` whose units come from libav's process. Starting that takes some milliseconds."""

    def __init__(self, settings: IntakeSettings, run: Run) -> None:
        self.transport_refused = False
        self.date_arrival_us: int | None = None
        self.camera_date = ""
        self._run = run
        self._stall_us = int(settings.stall_s * 1e6)
        self._parser = ForeignParser()
        self._clocks: dict[int, UnitClock] = {}
        self._deadline_us = -1
        self._guest: Guest | None = None

    @property
    def peer(self) -> tuple[str, int] | None:
        """Nobody; a session with a camera tells where the process was sent."""
        return None

    def orders(self) -> bytes | None:
        """What the process is to do, one line of JSON; None while that is not known. May raise `Lost`."""
        raise NotImplementedError

    @property
    def lost_packets(self) -> int:
        """Unknown: libav does not tell."""
        return 0

    @property
    def sends_password_in_clear(self) -> bool:
        """Unknown: libav does not tell."""
        return False

    @property
    def process_id(self) -> int | None:
        """Of libav's process; None before it is started."""
        return self._guest.process_id if self._guest is not None else None

    def poll(self, buffer: memoryview, arrival: Arrival) -> None:
        """Take what the process has sent; raises `Lost` when it is over."""
        if self._deadline_us < 0:
            self._deadline_us = arrival.monotonic_us + int(_START_S * 1e6)
        guest = self._start_guest()
        for _ in range(_MAX_READS if guest is not None else 0):
            assert guest is not None  # else the range is empty
            count = guest.read_into(buffer)
            if not count:
                break
            self._take(buffer[:count], arrival)
        if arrival.monotonic_us > self._deadline_us:
            raise self.overdue()

    def _start_guest(self) -> Guest | None:
        """The process, started as soon as its orders are known."""
        if self._guest is None:
            orders = self.orders()
            self._guest = Guest(orders) if orders is not None else None
        return self._guest

    def overdue(self) -> Lost:
        """See `life.Session`."""
        return Lost(LossReason.STALLED, "libav's process gave nothing in time and was ended.")

    def rest(self) -> tuple[int, int]:
        """See `life.Session`: it is asked in every tick."""
        return -1, 0

    def flush(self) -> None:
        """Nothing: units come whole."""

    def close(self, arrival: Arrival) -> None:
        """Kill the process; it has nothing to lose."""
        del arrival
        if self._guest is not None:
            self._guest.close()

    def _take(self, data: memoryview, arrival: Arrival) -> None:
        try:
            for message in self._parser.feed(data):
                self._handle(message, arrival)
        except ProtocolError as error:
            raise Lost(
                LossReason.FOREIGN, f"libav's process is not to be understood: {error.message}."
            ) from error

    def _handle(self, message: ForeignMessage, arrival: Arrival) -> None:
        match message:
            case ForeignTracks():
                origin = RunOrigin()
                for track in message.tracks:
                    clock = UnitClock(track.clock_rate_hz, origin, reorders=track.codec in VIDEO_CODECS)
                    if track.config is not None:
                        clock.configure(track.config.reorder_depth, track.config.frame_s)
                    self._clocks[track.track_id] = clock
                self._run.describe(message.tracks)
            case ForeignUnit():
                self._deliver(message, arrival)
            case ForeignFailure():
                raise Lost(LossReason.FOREIGN, message.detail)
            case ForeignPlaced() | ForeignDone():
                raise ProtocolError("it imports, though nobody asked")

    def _deliver(self, unit: ForeignUnit, arrival: Arrival) -> None:
        clock = self._clocks.get(unit.track_id)
        if clock is None:
            raise ProtocolError("a unit is of no track")
        if unit.track_id == 1:
            self._deadline_us = arrival.monotonic_us + self._stall_us
        if unit.config is not None:
            clock.configure(unit.config.reorder_depth, unit.config.frame_s)
        pts, dts, _ = clock.times(unit.timestamp, arrival.monotonic_us)
        self._run.deliver(
            unit.track_id,
            TimedUnit(pts, dts, arrival.utc_us, arrival.monotonic_us, unit.flags, unit.config, unit.data),
        )


class ForeignSession(GuestSession):
    """A camera that libav is sent to."""

    def __init__(
        self,
        source: StreamSource,
        transport: Transport,
        settings: IntakeSettings,
        network: Network,
        run: Run,
    ) -> None:
        super().__init__(settings, run)
        self._source = source
        self._transport = transport
        self._network = network
        self._endpoint = endpoint_of(source.url)
        self._peer: tuple[str, int] | None = None
        self._looking = network.look_up(self._endpoint)

    @property
    def peer(self) -> tuple[str, int] | None:
        """Where the process was sent."""
        return self._peer

    def orders(self) -> bytes | None:
        """Once the name is looked up: the process is sent to an IP address that the gate let through."""
        if not self._looking.done():
            return None
        if urlsplit(self._source.url).scheme not in ("rtsp", "rtsps"):
            raise Lost(LossReason.REFUSED, "libav is asked for rtsp:// and rtsps:// addresses only.")
        addresses = found_addresses(self._looking, self._endpoint)
        _, self._peer = allowed_address(self._network.gate, addresses)
        return _orders(self._source, self._transport, self._peer)

    def close(self, arrival: Arrival) -> None:
        """Kill the process; it has nothing to lose."""
        self._looking.cancel()
        super().close(arrival)


def _orders(source: StreamSource, transport: Transport, peer: tuple[str, int]) -> bytes:
    parts = urlsplit(source.url)
    host = f"[{peer[0]}]" if ":" in peer[0] else peer[0]
    orders = {
        "url": urlunsplit(parts._replace(netloc=f"{host}:{peer[1]}")),
        "username": source.username,
        "password": source.password,
        "transport": transport.value,
        "audio": source.audio,
    }
    return json.dumps(orders).encode() + b"\n"
